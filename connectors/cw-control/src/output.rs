//! What a script printed, out of what Control says that it printed.
//!
//! The extension gives no id for a command that was queued. A marker that nobody else can know is
//! printed before and after the script, and only a result that carries it is ours.

use core_connector::{Script, ScriptOutcome, Shell};

use crate::wire::Event;

/// Event type of a command that waits for its machine.
const QUEUED_COMMAND: i64 = 44;
/// Event type of a command's result.
const RAN_COMMAND: i64 = 70;
/// Room for our own lines in what the machine may print.
const OWN_LINES: usize = 400;

/// What a result is looked for with.
pub(crate) struct Wanted<'a> {
    /// The marker.
    pub(crate) marker: &'a str,
    /// What interpreted the script.
    pub(crate) shell: Shell,
    /// How many characters are wanted.
    pub(crate) limit: usize,
}

/// The text of a command: how to run it, then the script between its markers.
pub(crate) fn command(script: &Script, marker: &str) -> String {
    let text = script.text.replace("\r\n", "\n");
    let limits = format!(
        "#timeout={}\n#maxlength={}",
        script.time_limit.as_millis(),
        script.output_limit.saturating_add(OWN_LINES)
    );
    let (begin, end) = (begin(marker), end(marker));
    match script.shell {
        // In a block of its own, a script may begin with `param` and leave with `return`.
        Shell::PowerShell => format!(
            "#!ps\n{limits}\nWrite-Output '{begin}'\n& {{\n{text}\n}}\nWrite-Output '{end}'\n"
        ),
        Shell::Cmd => format!("{limits}\n@echo off\necho {begin}\n{text}\necho {end}\n"),
    }
}

/// Looks for the result among a session's events.
pub(crate) fn find<'e>(
    events: impl Iterator<Item = &'e Event> + Clone,
    wanted: &Wanted<'_>,
) -> ScriptOutcome {
    let ours = |event: &&Event| event.data.as_deref().is_some_and(|d| d.contains(wanted.marker));
    let queued = events
        .clone()
        .filter(|event| event.event_type.is(QUEUED_COMMAND, "QueuedCommand"))
        .find(ours)
        .and_then(|event| event.id.as_deref());
    let mut results = events.filter(|event| event.event_type.is(RAN_COMMAND, "RanCommand"));
    // A script that was killed before its first line has no marker; where the server says which
    // command a result belongs to, it is found all the same.
    let answers = |event: &&Event| queued.is_some() && event.correlation.as_deref() == queued;
    match results.find(|event| ours(event) || answers(event)) {
        Some(event) => read(event.data.as_deref().unwrap_or_default(), wanted),
        None => ScriptOutcome::Pending,
    }
}

fn read(data: &str, wanted: &Wanted<'_>) -> ScriptOutcome {
    let (begin, end) = (begin(wanted.marker), end(wanted.marker));
    let mut lines: Vec<&str> = data.lines().map(str::trim_end).collect();
    if wanted.shell == Shell::Cmd {
        lines.retain(|line| !is_prompt(line));
    }
    let (mut truncated, mut killed) = (false, None);
    // The engine writes its notes after the output.
    while let Some(last) = lines.last() {
        if last.is_empty() {
        } else if is_note(last, "Truncated output at ", " characters.") {
            truncated = true;
        } else if is_note(last, "Killed after ", " milliseconds.") {
            killed = Some(last.trim().to_owned());
        } else {
            break;
        }
        lines.pop();
    }
    if let Some(reason) = killed {
        return ScriptOutcome::Failed { reason };
    }
    let Some(from) = lines.iter().position(|line| line.trim() == begin) else {
        return ScriptOutcome::Failed {
            reason: format!("the script did not start: {}", lines.join("\n").trim()),
        };
    };
    let inside = &lines[from + 1..];
    let to = inside.iter().position(|line| line.trim() == end);
    // Without the end a script left early, or its end was cut off.
    let inside = inside.get(..to.unwrap_or(inside.len())).unwrap_or_default();
    let output = inside.join("\n").trim_matches('\n').to_owned();
    match output.char_indices().nth(wanted.limit) {
        Some((at, _)) => ScriptOutcome::Done { output: output[..at].to_owned(), truncated: true },
        None => ScriptOutcome::Done { output, truncated: truncated && to.is_none() },
    }
}

fn begin(marker: &str) -> String {
    format!("linchpin-begin-{marker}")
}

fn end(marker: &str) -> String {
    format!("linchpin-end-{marker}")
}

fn is_note(line: &str, start: &str, end: &str) -> bool {
    let number = line.trim().strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    number.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// `cmd.exe` shows its prompt and the command before it runs it: `C:\WINDOWS\system32>hostname`.
fn is_prompt(line: &str) -> bool {
    let mut characters = line.chars();
    let drive = characters.next().is_some_and(|c| c.is_ascii_alphabetic());
    let path = characters.as_str();
    drive
        && path.starts_with(":\\")
        && path.find('>').is_some_and(|at| !path[2..at].contains(['<', '|', '"', '*', '?']))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use serde_json::{Value, json};

    const MARKER: &str = "0b5e";

    fn outcome(shell: Shell, events: &Value) -> ScriptOutcome {
        let events: Vec<Event> = serde_json::from_value(events.clone()).unwrap();
        find(events.iter(), &Wanted { marker: MARKER, shell, limit: 100 })
    }

    fn result(data: &str) -> Value {
        json!([{"EventID": "e1", "EventType": 70, "Data": data}])
    }

    fn done(output: &str, truncated: bool) -> ScriptOutcome {
        ScriptOutcome::Done { output: output.into(), truncated }
    }

    fn script(shell: Shell, text: &str) -> Script {
        let time_limit = Duration::from_secs(90);
        Script { shell, text: text.into(), time_limit, output_limit: 5000 }
    }

    #[test]
    fn a_command_says_how_to_run_and_prints_its_marker() {
        let text = command(&script(Shell::PowerShell, "whoami\r\nhostname"), MARKER);
        assert_eq!(
            text,
            "#!ps\n#timeout=90000\n#maxlength=5400\nWrite-Output 'linchpin-begin-0b5e'\n\
             & {\nwhoami\nhostname\n}\nWrite-Output 'linchpin-end-0b5e'\n"
        );
        let text = command(&script(Shell::Cmd, "hostname"), MARKER);
        assert!(text.starts_with("#timeout=90000\n#maxlength=5400\n@echo off\n"), "{text}");
        assert!(!text.contains('\r'));
    }

    #[test]
    fn the_output_is_what_stands_between_the_markers() {
        let data = "linchpin-begin-0b5e\r\nACME\\jdoe\r\n\r\nPC-042\r\nlinchpin-end-0b5e\r\n";
        assert_eq!(outcome(Shell::PowerShell, &result(data)), done("ACME\\jdoe\n\nPC-042", false));
        let silent = "linchpin-begin-0b5e\nlinchpin-end-0b5e\n";
        assert_eq!(outcome(Shell::PowerShell, &result(silent)), done("", false));
    }

    #[test]
    fn an_old_command_result_with_another_marker_is_not_ours() {
        let events = json!([
            {"EventID": "e0", "EventType": 70, "Data": "linchpin-begin-ffff\nold\nlinchpin-end-ffff"},
            {"EventID": "e1", "EventType": 44, "Data": "Write-Output 'linchpin-begin-0b5e'"},
        ]);
        assert_eq!(outcome(Shell::PowerShell, &events), ScriptOutcome::Pending);
        assert_eq!(outcome(Shell::PowerShell, &json!([])), ScriptOutcome::Pending);
    }

    #[test]
    fn the_echo_of_cmd_is_no_output() {
        let data = "\r\nC:\\WINDOWS\\system32>echo linchpin-begin-0b5e\r\nlinchpin-begin-0b5e\r\n\
                    \r\nC:\\WINDOWS\\system32>hostname\r\nPC-042\r\n\r\n\
                    C:\\WINDOWS\\system32>echo linchpin-end-0b5e\r\nlinchpin-end-0b5e\r\n";
        assert_eq!(outcome(Shell::Cmd, &result(data)), done("PC-042", false));
        let data = "linchpin-begin-0b5e\nC:\\Users>x\nlinchpin-end-0b5e";
        assert_eq!(outcome(Shell::PowerShell, &result(data)), done("C:\\Users>x", false));
    }

    #[test]
    fn a_cut_output_says_so() {
        let data = "linchpin-begin-0b5e\nabc\nTruncated output at 5400 characters.\n";
        assert_eq!(outcome(Shell::PowerShell, &result(data)), done("abc", true));
        let long = format!("linchpin-begin-0b5e\n{}\nlinchpin-end-0b5e", "ä".repeat(101));
        assert_eq!(outcome(Shell::PowerShell, &result(&long)), done(&"ä".repeat(100), true));
    }

    #[test]
    fn a_killed_script_failed() {
        let killed = ScriptOutcome::Failed { reason: "Killed after 90000 milliseconds.".into() };
        let data = "linchpin-begin-0b5e\nabc\nKilled after 90000 milliseconds.";
        assert_eq!(outcome(Shell::PowerShell, &result(data)), killed);
        // Killed before its first line: only the correlation tells whose result it is.
        let events = json!([
            {"EventID": "e1", "EventType": "QueuedCommand", "Data": "... 0b5e ..."},
            {"EventID": "e2", "EventType": "RanCommand", "CorrelationEventID": "e1",
             "Data": "Killed after 90000 milliseconds."},
        ]);
        assert_eq!(outcome(Shell::PowerShell, &events), killed);
    }

    #[test]
    fn a_script_that_leaves_early_is_done() {
        let data = "linchpin-begin-0b5e\nabc\n";
        assert_eq!(outcome(Shell::PowerShell, &result(data)), done("abc", false));
    }

    #[test]
    fn a_note_in_the_middle_is_output() {
        let data = "linchpin-begin-0b5e\nKilled after 5 milliseconds.\nx\nlinchpin-end-0b5e";
        assert_eq!(
            outcome(Shell::PowerShell, &result(data)),
            done("Killed after 5 milliseconds.\nx", false)
        );
    }
}
