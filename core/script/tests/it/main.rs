//! Commands, run by a real shell where there is one, and read by a decoder of the tests' own where there is none.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]

mod local;
mod masks;
mod posix;
mod quoting;
mod reader;
mod windows;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use core_connector::Secret;
use core_model::library::{Parameter, ParameterKind, Script, ScriptContext, ScriptLanguage};
use core_script::{Arguments, Caps, Job, Nonce, SecretFetch, Variables};
use serde_json::{Map, Value};

const NONCE: Nonce = Nonce(0x1f2e_3d4c_5b6a_7988);
const TOKEN: &str = "one-run-token-0123456789";

fn script(language: ScriptLanguage, body: &str) -> Script {
    Script::new(body).in_language(language)
}

fn in_context(language: ScriptLanguage, context: ScriptContext) -> Script {
    script(language, "body").in_context(context)
}

fn job<'a>(script: &'a Script, arguments: &'a Arguments) -> Job<'a> {
    Job { script, arguments, fetch: None, nonce: NONCE, limit_s: 60, caps: Caps::LOCAL }
}

fn values(pairs: &[(&str, Value)]) -> Map<String, Value> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn arguments(pairs: &[(&str, Value)]) -> Arguments {
    Arguments::of(&values(pairs), &[], &Variables::default()).unwrap()
}

/// With a parameter `password`, which is a secret.
fn with_secret(pairs: &[(&str, Value)]) -> Arguments {
    let mut values = values(pairs);
    values.insert("password".into(), "store:vpn".into());
    let password = Parameter::new("password", ParameterKind::Password);
    Arguments::of(&values, &[&password], &Variables::default()).unwrap()
}

fn fetch() -> SecretFetch {
    let url = "https://hub.example/v1/run-secrets/7".parse().unwrap();
    SecretFetch::new(url, Secret::new(TOKEN), DateTime::<Utc>::UNIX_EPOCH).unwrap()
}

fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), Secret::new(*text))).collect()
}
