//! Scripts that run in the hub: nothing is wrapped, for the hub has the process in its hands.

use std::collections::BTreeMap;

use core_connector::Secret;
use core_model::library::ScriptLanguage;
use serde_json::{Map, Value, json};

use crate::ScriptError;
use crate::job::Job;

/// A process to start. The body goes into a file that only the hub reads, whose path follows the arguments.
/// Its last output is [`crate::LastValue::of_lines`]; its output goes through a [`crate::Mask`].
#[derive(Clone, Debug)]
pub struct LocalRun {
    /// The program's name.
    pub program: String,
    /// What stands before the path of the file.
    pub arguments: Vec<String>,
    /// What the name of the file must end with.
    pub extension: &'static str,
    /// What the file holds.
    pub body: String,
    /// Parameters and variables whose names can be, as `LP_NAME`; nothing else of the hub's own environment is
    /// a script's business. What is longer than 32,000 bytes is on standard input only.
    pub environment: BTreeMap<String, String>,
    /// JSON: `{"arguments": {…}, "secrets": {…}}`, all of them. Secrets are nowhere else.
    pub stdin: Secret,
    /// Seconds after which the process, and what it started, is ended.
    pub limit_s: u32,
}

/// How a script of the contexts *metascript* and *cloud* is started, with the secrets by their parameters.
///
/// # Errors
/// Where its context is another one, its language has no program here, or a secret is not given.
pub fn local(job: &Job<'_>, secrets: &BTreeMap<String, Secret>) -> Result<LocalRun, ScriptError> {
    if !job.script.context.in_hub() {
        return Err(job.unsupported("in the hub"));
    }
    let (program, arguments, extension): (_, &[&str], _) = match &job.script.language {
        ScriptLanguage::PowerShell => ("pwsh", &["-NoProfile", "-NonInteractive", "-File"], ".ps1"),
        ScriptLanguage::Sh => ("sh", &[], ".sh"),
        ScriptLanguage::Interpreter(name) => (name.as_str(), &[], ""),
        ScriptLanguage::Cmd => return Err(job.unsupported("in the hub")),
    };
    let mut exposed = Map::new();
    let mut missing = Vec::new();
    for name in job.arguments.secrets.keys() {
        match secrets.get(name) {
            Some(secret) => {
                exposed.insert(name.clone(), Value::String(secret.expose().to_owned()));
            }
            None => missing.push(name.as_str()),
        }
    }
    if !missing.is_empty() {
        return Err(ScriptError::NoWayForSecrets { names: missing.join(", ") });
    }
    let document = json!({ "arguments": job.arguments.plain, "secrets": exposed });
    Ok(LocalRun {
        program: program.to_owned(),
        arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
        extension,
        body: job.script.body.clone(),
        environment: job.arguments.environment(),
        stdin: Secret::new(document.to_string()),
        limit_s: job.limit_s,
    })
}
