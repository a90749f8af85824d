//! The program for Windows PowerShell: an outer half, which prints the frame, and a runner in a process of its
//! own, as the machine or as whoever is logged on. Everything in it is ASCII.

use core_model::library::{ScriptContext, ScriptLanguage};
use serde_json::Value;

use crate::ScriptError;
use crate::arguments::{encode, table};
use crate::job::{Job, Limits, SecretWay, fill};

/// Full control for the system and for administrators, nothing for others, nothing inherited.
pub(crate) const SDDL: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";

/// The whole program.
pub(crate) fn program(job: &Job<'_>, limits: &Limits<'_>) -> Result<String, ScriptError> {
    let (file, body) = match job.script.language {
        // Without the mark, Windows PowerShell takes a file for one in the machine's own code page.
        ScriptLanguage::PowerShell => ("b.ps1", format!("\u{feff}{}", job.script.body)),
        ScriptLanguage::Cmd => ("b.cmd", batch(&job.script.body)),
        _ => return Err(job.unsupported("through Windows PowerShell")),
    };
    let user = job.script.context == ScriptContext::User;
    let start = match user {
        true => include_str!("windows/user.ps1"),
        false => include_str!("windows/system.ps1"),
    };
    // A task has no standard input of ours: a script of the user fetches its secrets.
    let secrets = job.secrets(limits.stdin && !user)?;
    let input = match secrets {
        // Not redirected, it is that of the process that starts it.
        SecretWay::Stdin => "",
        SecretWay::None | SecretWay::Fetch(_) => " -RedirectStandardInput (Join-Path $d 'n')",
    };
    let limit_s = job.limit_s.to_string();
    let limit_ms = (i64::from(job.limit_s) * 1000).min(i64::from(i32::MAX)).to_string();
    let nonce = job.nonce.to_string();
    let start = fill(
        start,
        &[
            ("LIMIT_S", &limit_s),
            ("LIMIT_MS", &limit_ms),
            ("NONCE", &nonce),
            ("FILE", file),
            ("INPUT", input),
        ],
    );
    let caps = [job.caps.head, job.caps.tail, job.caps.errors, job.caps.value];
    let [head, tail, errors, value] = caps.map(|bytes| bytes.to_string());
    Ok(fill(
        include_str!("windows/outer.ps1"),
        &[
            ("NONCE", &nonce),
            ("SDDL", SDDL),
            ("FILE", file),
            ("BODY", &encode(body)),
            ("RUNNER", &runner(job, &secrets)?),
            ("START", &start),
            ("HEAD", &head),
            ("TAIL", &tail),
            ("ERROR_HEAD", &errors),
            ("ERROR_TAIL", &errors),
            ("VALUE", &value),
        ],
    ))
}

/// A batch file as `cmd.exe` reads it: lines ended by CR and LF, in UTF-8, no echo of itself.
fn batch(body: &str) -> String {
    let body = body.replace("\r\n", "\n").replace('\n', "\r\n");
    format!("@echo off\r\n@chcp 65001 >nul\r\n{body}\r\n")
}

fn runner(job: &Job<'_>, secrets: &SecretWay<'_>) -> Result<String, ScriptError> {
    let flat = job.script.language == ScriptLanguage::Cmd;
    let arguments = if flat {
        let texts = job.arguments.flat()?;
        let values: Vec<(&str, Value)> =
            texts.into_iter().map(|(name, text)| (name, Value::String(text))).collect();
        table(values.iter().map(|(name, value)| (*name, value)))
    } else {
        table(job.arguments.plain.iter().map(|(name, value)| (name.as_str(), value)))
    };
    let wanted = list(job.arguments.secrets.keys().map(String::as_str));
    let secrets = match secrets {
        SecretWay::None => String::new(),
        SecretWay::Stdin => fill(include_str!("windows/input.ps1"), &[("WANTED", &wanted)]),
        SecretWay::Fetch(fetch) => fill(
            include_str!("windows/secrets.ps1"),
            &[
                ("URL", &encode(fetch.url().as_str())),
                ("TOKEN", &encode(fetch.token().expose())),
                ("WANTED", &wanted),
            ],
        ),
    };
    let main =
        if flat { include_str!("windows/cmd.ps1") } else { include_str!("windows/powershell.ps1") };
    let names = job.arguments.variable_names(&job.script.language)?;
    Ok(fill(
        include_str!("windows/runner.ps1"),
        &[
            ("ARGUMENTS", &arguments),
            ("SECRETS", &secrets),
            ("NAMES", &list(names.into_iter())),
            ("MAIN", &fill(main, &[])),
        ],
    ))
}

/// Names in base64, as the elements of an array.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("'{}'", encode(name))).collect::<Vec<_>>().join(", ")
}
