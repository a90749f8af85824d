//! What a script is given: parameters, what the engine says, and which secrets it may have.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_model::library::{KeptSecret, Parameter, ParameterKind, ScriptLanguage, TaskMethod};
use serde_json::{Map, Value};

use crate::ScriptError;

/// The longest value that goes by the environment, in bytes: Windows allows 32,767 characters, Linux
/// 131,072 bytes.
const LONGEST_VARIABLE: usize = 32_000;

/// What the engine says about a run. What is not said is no variable.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    /// What a combined script is asked for.
    pub method: Option<TaskMethod>,
    /// The version that shall be there.
    pub desired_version: Option<String>,
    /// Where the installer lies, on the machine that runs the script.
    pub installer_path: Option<String>,
    /// The path or text of a licence. A key that is a secret is one of the [`Arguments::secrets`].
    pub licence: Option<String>,
    /// What the deployment says of reboots: `normal`, `suppress`, `force`, `prompt`.
    pub reboot: Option<String>,
    /// The tenant's name.
    pub tenant: Option<String>,
    /// The computer's name.
    pub computer: Option<String>,
    /// The person's name.
    pub person: Option<String>,
}

impl Variables {
    fn values(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let method = self.method.map(|method| method.purpose().key().to_owned());
        let all = [
            ("method", method),
            ("desired_version", self.desired_version.clone()),
            ("installer_path", self.installer_path.clone()),
            ("licence", self.licence.clone()),
            ("reboot", self.reboot.clone()),
            ("tenant", self.tenant.clone()),
            ("computer", self.computer.clone()),
            ("person", self.person.clone()),
        ];
        all.into_iter().filter_map(|(name, text)| Some((name, Value::String(text?))))
    }
}

/// Parameters and variables by name, and apart from them the secrets, of which only the names are known here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments {
    pub(crate) plain: BTreeMap<String, Value>,
    pub(crate) secrets: BTreeMap<String, KeptSecret>,
}

impl Arguments {
    /// Of the values that are in effect ([`core_model::library::effective_parameters`]), their definitions, and what
    /// the engine says. A parameter that is defined as a password is a secret; all others are not.
    ///
    /// # Errors
    /// Where a value is none of its kind, a text holds NUL, or two names are the same but for their case.
    pub fn of(
        values: &Map<String, Value>,
        defined: &[&Parameter],
        variables: &Variables,
    ) -> Result<Self, ScriptError> {
        let mut arguments = Self::default();
        let mut names = BTreeSet::new();
        let variables = variables.values().map(|(name, value)| (name.to_owned(), value));
        let given = values.iter().map(|(name, value)| (name.clone(), value.clone()));
        for (name, value) in variables.chain(given) {
            if name.trim().is_empty() || name.contains(char::is_control) {
                return Err(ScriptError::Name { name, why: "blank, or holds control characters" });
            }
            if !names.insert(name.to_lowercase()) {
                let why = "also that of another one, or of a variable that the hub gives (PowerShell and \
                           Windows do not tell upper from lower case)";
                return Err(ScriptError::Name { name, why });
            }
            let kind = defined.iter().find(|one| one.name == name).map(|one| &one.kind);
            if let Some(why) = kind.and_then(|kind| kind.check(&value).err()) {
                return Err(ScriptError::Value { name, why: why.to_string() });
            }
            if holds_nul(&value) {
                let why = "it holds NUL, which no shell can have".to_owned();
                return Err(ScriptError::Value { name, why });
            }
            match (kind, &value) {
                (Some(ParameterKind::Password), Value::String(text)) => {
                    let secret = KeptSecret::parse(text).map_err(|why| ScriptError::Value {
                        name: name.clone(),
                        why: why.to_string(),
                    })?;
                    arguments.secrets.insert(name, secret);
                }
                _ => {
                    arguments.plain.insert(name, value);
                }
            }
        }
        Ok(arguments)
    }

    /// Everything but the secrets.
    #[must_use]
    pub fn values(&self) -> &BTreeMap<String, Value> {
        &self.plain
    }

    /// The secrets, by the parameter that a script knows them by.
    #[must_use]
    pub fn secrets(&self) -> &BTreeMap<String, KeptSecret> {
        &self.secrets
    }

    /// Every name that becomes a variable of this language.
    ///
    /// # Errors
    /// Where a name cannot be one.
    pub(crate) fn variable_names(
        &self,
        language: &ScriptLanguage,
    ) -> Result<Vec<&str>, ScriptError> {
        let mut names = Vec::new();
        for name in self.plain.keys().chain(self.secrets.keys()) {
            let plain = is_identifier(name);
            match language {
                ScriptLanguage::PowerShell if plain && is_reserved(name) => {
                    let why = "that of a variable of PowerShell, or begins with `LP_`";
                    return Err(ScriptError::Name { name: name.clone(), why });
                }
                // In `$LP_arguments` only.
                ScriptLanguage::PowerShell if !plain => {}
                _ if !plain => {
                    let why = "no name of a variable: letters from a to z, digits and `_`";
                    return Err(ScriptError::Name { name: name.clone(), why });
                }
                _ => names.push(name.as_str()),
            }
        }
        Ok(names)
    }

    /// Those that go by the environment, as it names them.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let fits = self.plain.iter().filter(|(name, _)| is_identifier(name));
        let named = fits.map(|(name, value)| (format!("LP_{name}"), flat(value)));
        named.filter(|(_, text)| text.len() <= LONGEST_VARIABLE).collect()
    }

    /// All values as texts, as the environment has them.
    ///
    /// # Errors
    /// Where one is too long for it.
    pub(crate) fn flat(&self) -> Result<BTreeMap<&str, String>, ScriptError> {
        let flat = |(name, value): (&'_ String, &Value)| {
            let text = flat(value);
            if text.len() > LONGEST_VARIABLE {
                let why = format!(
                    "it has {} bytes, and by the environment {LONGEST_VARIABLE} may go; write the script in PowerShell",
                    text.len()
                );
                return Err(ScriptError::Value { name: name.clone(), why });
            }
            Ok(text)
        };
        self.plain.iter().map(|one| Ok((one.0.as_str(), flat(one)?))).collect()
    }
}

/// Values with their types, one in a line: the name, a letter for the type, the value; names and values in
/// base64. It is no JSON: that of Windows PowerShell makes dates of texts that look like some, refuses names
/// that differ in case, and ends at two megabytes.
pub(crate) fn table<'a>(mut values: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    encode(rows(&mut values))
}

fn rows<'a>(values: &mut dyn Iterator<Item = (&'a str, &'a Value)>) -> String {
    let row = |(name, value): (&str, &Value)| {
        let (kind, text) = match value {
            Value::String(text) => ('t', text.clone()),
            Value::Number(number) => ('n', number.to_string()),
            Value::Bool(truth) => ('b', truth.to_string()),
            Value::Null => ('z', String::new()),
            Value::Object(inner) => {
                ('k', rows(&mut inner.iter().map(|(name, value)| (name.as_str(), value))))
            }
            Value::Array(list) => ('l', rows(&mut list.iter().map(|value| ("", value)))),
        };
        format!("{} {kind} {}\n", encode(name), encode(text))
    };
    values.map(row).collect()
}

pub(crate) fn encode(text: impl AsRef<[u8]>) -> String {
    STANDARD.encode(text)
}

/// Tables and lists as JSON, nothing as a blank.
fn flat(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(holds_nul),
        Value::Object(table) => table.iter().any(|(name, v)| name.contains('\0') || holds_nul(v)),
        _ => false,
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Variables that PowerShell has or reads (about_Automatic_Variables, about_Preference_Variables), and our own.
fn is_reserved(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "_",
        "args",
        "error",
        "event",
        "eventargs",
        "eventsubscriber",
        "executioncontext",
        "false",
        "foreach",
        "formatenumerationlimit",
        "home",
        "host",
        "input",
        "iscoreclr",
        "islinux",
        "ismacos",
        "iswindows",
        "lastexitcode",
        "matches",
        "myinvocation",
        "nestedpromptlevel",
        "null",
        "ofs",
        "outputencoding",
        "pid",
        "profile",
        "pwd",
        "sender",
        "shellid",
        "stacktrace",
        "switch",
        "this",
        "transcript",
        "true",
    ];
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || name.starts_with("lp_")
        || name.starts_with("ps")
        || name.starts_with("maximum")
        || name.ends_with("preference")
}
