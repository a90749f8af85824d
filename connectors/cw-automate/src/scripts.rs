//! Scripts, by Automate's "Execute Command": sent as one command line, asked for by its id.
//!
//! There is no call to cancel a command and no exit code; an agent that is offline runs it when it
//! comes back. The time limit is therefore the caller's to keep.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_connector::{
    Error, ErrorKind, Result, RunScript, Script, ScriptHandle, ScriptOutcome, Shell,
};
use core_http::decode::id_text;
use core_http::{Request, decode};
use serde::Deserialize;
use serde_json::json;

use crate::client::{Api, ROOT, get};

/// "Execute Command" in Automate's catalogue of commands.
const EXECUTE_COMMAND: &str = "2";
/// The longest command line of `cmd.exe`.
const CMD_LIMIT: usize = 8_191;
/// A little under the longest command line of Windows, 32,767.
const LINE_LIMIT: usize = 32_000;
const OPERATION: &str = "run a script through Automate";

/// Runs scripts through the agents of a server.
pub(crate) struct Commands(Arc<Api>);

/// The vendor's `CommandExecute`, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Command {
    #[serde(deserialize_with = "id_text::deserialize")]
    id: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    output: Option<String>,
    #[serde(default)]
    parameters: Option<Vec<String>>,
}

impl Commands {
    pub(crate) fn new(api: &Arc<Api>) -> Self {
        Self(Arc::clone(api))
    }

    /// Some servers have no single command to ask for, only the list.
    async fn listed(&self, computer: &str, command: &str) -> Result<Command> {
        let request = get(&format!("Computers/{computer}/CommandExecute")).query("ids", command);
        let rows: Vec<Command> = self.0.http.call(&request, decode::json).await?;
        rows.into_iter().find(|row| row.id == command).ok_or_else(|| {
            let detail = format!("command {command} of computer {computer} is not known any more");
            Error::new(ErrorKind::NotFound, &request.operation, detail)
        })
    }
}

#[async_trait]
impl RunScript for Commands {
    async fn start(&self, agent: &str, script: &Script) -> Result<ScriptHandle> {
        let computer = number(agent)
            .ok_or_else(|| not_found(format!("`{agent}` is no id of an Automate computer")))?;
        let line = command_line(script)?;
        let request = Request::post(format!("{ROOT}Computers/{computer}/CommandExecute"))
            .named("POST /cwa/api/v1/Computers/{id}/CommandExecute")
            .json(&json!({
                "ComputerId": computer,
                "Command": { "Id": EXECUTE_COMMAND },
                "Parameters": [line],
            }));
        let command: Command = self.0.http.call(&request, decode::json).await?;
        Ok(ScriptHandle(format!("{computer}/{}", command.id)))
    }

    async fn find(&self, agent: &str, script: &Script) -> Result<Option<ScriptHandle>> {
        let computer = number(agent)
            .ok_or_else(|| not_found(format!("`{agent}` is no id of an Automate computer")))?;
        // The newest ones: where many were sent, the list is longer than a page.
        let request = get(&format!("Computers/{computer}/CommandExecute"))
            .query("pagesize", "1000")
            .query("orderby", "Id desc");
        let rows: Vec<Command> = self.0.http.call(&request, decode::json).await?;
        let sign = sign(script);
        let ours = |row: &&Command| row.parameters.iter().flatten().any(|one| one.contains(&sign));
        let found = rows.iter().find(ours);
        Ok(found.map(|row| ScriptHandle(format!("{computer}/{}", row.id))))
    }

    async fn poll(&self, handle: &ScriptHandle) -> Result<ScriptOutcome> {
        let parts = handle.0.split_once('/').and_then(|(a, b)| Some((number(a)?, number(b)?)));
        let (computer, command) =
            parts.ok_or_else(|| not_found(format!("`{}` names no command", handle.0)))?;
        let request = get(&format!("Computers/{computer}/CommandExecute/{command}"));
        let found = match self.0.http.call(&request, decode::json::<Command>).await {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Config) => {
                self.listed(computer, command).await?
            }
            other => other?,
        };
        Ok(outcome(found))
    }

    /// A command line of 32,000 characters, with what the hub puts around a script, in base64 of UTF-16.
    fn command_limit(&self) -> usize {
        11_900
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// What goes into the path must be a number.
pub(crate) fn number(text: &str) -> Option<&str> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then_some(text)
}

fn not_found(detail: String) -> Error {
    Error::new(ErrorKind::NotFound, OPERATION, detail)
}

/// By what a command line is known to be of this run.
fn sign(script: &Script) -> String {
    match script.shell {
        Shell::PowerShell => encoded(&comment(script)),
        Shell::Cmd => format!("set linchpin={}&", script.run.simple()),
    }
}

/// The first line of a script. Its length is a multiple of three, so that what follows it does not
/// change how it is encoded.
fn comment(script: &Script) -> String {
    format!("# linchpin: {}\n", script.run.simple())
}

/// As PowerShell takes it: base64 of UTF-16LE.
fn encoded(text: &str) -> String {
    STANDARD.encode(text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
}

/// The one parameter of the command: program, `!!!`, arguments.
fn command_line(script: &Script) -> Result<String> {
    let (line, limit) = match script.shell {
        Shell::PowerShell => {
            let encoded = encoded(&format!("{}{}", comment(script), script.text));
            let start = "powershell.exe!!! -NoProfile -NonInteractive -ExecutionPolicy Bypass";
            (format!("{start} -EncodedCommand {encoded}"), LINE_LIMIT)
        }
        Shell::Cmd => {
            let text = script.text.trim();
            if text.contains(['\n', '\r']) {
                let detail = "a script for cmd.exe may have one line only, this one has more";
                return Err(Error::new(ErrorKind::Rejected, OPERATION, detail)
                    .with_remedy("join its lines with `&`, or write it for PowerShell"));
            }
            (format!("cmd.exe!!! /c \"{}{text}\"", sign(script)), CMD_LIMIT)
        }
    };
    let length = line.encode_utf16().count();
    if length > limit {
        let detail = format!("the command line has {length} characters and may have {limit}");
        return Err(Error::new(ErrorKind::Rejected, OPERATION, detail)
            .with_remedy("make the script shorter, or let it fetch its larger part"));
    }
    Ok(line)
}

fn outcome(command: Command) -> ScriptOutcome {
    let output = command.output.unwrap_or_default().replace("\r\n", "\n");
    let output = output.trim();
    let status = command.status.unwrap_or_default().trim().to_ascii_lowercase();
    match status.as_str() {
        "success" if output == "ERR" => {
            ScriptOutcome::Failed { reason: "the agent answers ERR".to_owned() }
        }
        "success" => ScriptOutcome::Done { output: output.to_owned(), truncated: false },
        "failed" if output.is_empty() => {
            ScriptOutcome::Failed { reason: "Automate says that the command failed".to_owned() }
        }
        "failed" => ScriptOutcome::Failed { reason: output.to_owned() },
        _ => ScriptOutcome::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn script(shell: Shell, text: &str) -> Script {
        let time_limit = Duration::from_secs(60);
        let run = Uuid::from_u128(0xab5e);
        Script { run, shell, text: text.to_owned(), time_limit, output_limit: 5000 }
    }

    #[test]
    fn powershell_travels_encoded_so_that_no_quote_can_break_it() {
        let whole = script(Shell::PowerShell, "whoami");
        let line = command_line(&whole).unwrap();
        let start = "powershell.exe!!! -NoProfile -NonInteractive -ExecutionPolicy Bypass \
                     -EncodedCommand ";
        assert_eq!(line, format!("{start}{}dwBoAG8AYQBtAGkA", sign(&whole)));
        let bytes = STANDARD.decode(sign(&whole)).unwrap();
        let units: Vec<u16> =
            bytes.chunks(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
        let first = String::from_utf16(&units).unwrap();
        assert_eq!(first, "# linchpin: 0000000000000000000000000000ab5e\n");
    }

    #[test]
    fn a_line_for_cmd_keeps_its_quotes() {
        let line = command_line(&script(Shell::Cmd, "cd /d \"C:\\Temp\" && dir\n")).unwrap();
        assert_eq!(
            line,
            "cmd.exe!!! /c \"set linchpin=0000000000000000000000000000ab5e&cd /d \"C:\\Temp\" && dir\""
        );
        let error = command_line(&script(Shell::Cmd, "echo 1\necho 2")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
    }

    #[test]
    fn a_script_too_long_is_refused_and_the_limit_named() {
        let error = command_line(&script(Shell::PowerShell, &"x".repeat(12_000))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
        assert!(error.detail().contains("32000"), "{error}");
        assert!(command_line(&script(Shell::PowerShell, &"x".repeat(11_000))).is_ok());
        let error = command_line(&script(Shell::Cmd, &"x".repeat(8_192))).unwrap_err();
        assert!(error.detail().contains("8191"), "{error}");
    }

    #[test]
    fn only_success_and_failed_are_the_end() {
        let of = |status: &str, output: Option<&str>| {
            outcome(Command {
                id: "1".into(),
                status: Some(status.into()),
                output: output.map(str::to_owned),
                parameters: None,
            })
        };
        for status in ["Loading", "New", "Executing", ""] {
            assert_eq!(of(status, None), ScriptOutcome::Pending, "{status}");
        }
        let done = ScriptOutcome::Done { output: "a\nb".into(), truncated: false };
        assert_eq!(of("Success", Some("a\r\nb\r\n")), done);
        assert!(matches!(of("Success", Some("ERR")), ScriptOutcome::Failed { .. }));
        assert!(matches!(of("Failed", None), ScriptOutcome::Failed { .. }));
    }
}
