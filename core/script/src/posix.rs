//! The program for the shell of POSIX. It needs `base64` or `openssl`, `awk` and the usual small programs; where
//! there is `timeout`, the machine keeps the time.

use std::fmt::Write as _;

use core_model::library::{ScriptContext, ScriptLanguage};

use crate::arguments::encode;
use crate::job::{Job, Limits, SecretWay, fill};
use crate::{ScriptError, quote};

/// The whole program.
pub(crate) fn program(job: &Job<'_>, limits: &Limits<'_>) -> Result<String, ScriptError> {
    if job.script.language != ScriptLanguage::Sh || job.script.context == ScriptContext::User {
        return Err(job.unsupported("through the shell of POSIX"));
    }
    let folder = limits.folder;
    let fine = folder.starts_with('/') && folder.len() <= 200;
    let quoted = quote::sh(folder).ok().filter(|_| fine && !folder.contains(char::is_control));
    let folder = quoted.ok_or_else(|| ScriptError::Folder(folder.to_owned()))?;
    let caps = [job.caps.head, job.caps.tail, job.caps.errors];
    let [head, tail, errors] = caps.map(|bytes| bytes.to_string());
    Ok(fill(
        include_str!("posix/program.sh"),
        &[
            ("NONCE", &job.nonce.to_string()),
            ("FOLDER", &folder),
            ("BODY", &encode(&job.script.body)),
            ("VARIABLES", &variables(job)?),
            ("SECRETS", &secrets(job, limits.stdin)?),
            ("LIMIT_S", &job.limit_s.to_string()),
            ("HEAD", &head),
            ("TAIL", &tail),
            ("ERROR_HEAD", &errors),
            ("ERROR_TAIL", &errors),
        ],
    ))
}

fn variables(job: &Job<'_>) -> Result<String, ScriptError> {
    job.arguments.variable_names(&job.script.language)?;
    let mut text = String::new();
    for (name, value) in job.arguments.flat()? {
        // Line ends at the end would be lost without something behind them.
        let value = encode(value);
        write!(
            text,
            "lp_v=$(printf %s '{value}' | lp_u; echo x)\nexport LP_{name}=\"${{lp_v%x}}\"\n"
        )
        .unwrap_or_default();
    }
    Ok(text)
}

fn secrets(job: &Job<'_>, stdin: bool) -> Result<String, ScriptError> {
    let mut text = match job.secrets(stdin)? {
        SecretWay::None => return Ok(String::new()),
        SecretWay::Stdin => {
            "lp_s=$(cat) || lp_failed 'secrets standard input cannot be read'\n".to_owned()
        }
        SecretWay::Fetch(fetch) => format!(
            "lp_k=$(printf %s '{}' | lp_u)\n\
             lp_s=$(printf 'header = \"Authorization: Bearer %s\"\\n' \"$lp_k\" | curl -fsS --proto '=https' \
             --max-redirs 0 --max-time 60 -X POST -K - \"$(printf %s '{}' | lp_u)\" 2>\"$lp_d/s\") || \
             lp_failed \"secrets cannot be fetched: $(head -c 500 \"$lp_d/s\")\"\n",
            encode(fetch.token().expose()),
            encode(fetch.url().as_str()),
        ),
    };
    text.push_str(&fill(include_str!("posix/secrets.sh"), &[]));
    text.push('\n');
    for name in job.arguments.secrets.keys() {
        let encoded = encode(name);
        write!(
            text,
            "lp_secret '{encoded}' || lp_failed 'secrets the hub gave none for {name}'\n\
             export LP_{name}=\"$lp_v\"\n"
        )
        .unwrap_or_default();
    }
    text.push_str("unset lp_s lp_v lp_k\n");
    Ok(text)
}
