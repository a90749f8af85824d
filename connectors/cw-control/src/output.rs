//! What a script printed, out of what Control says that it printed.
//!
//! The extension gives no id for a command that was queued. A marker that nobody else can know is
//! printed before and after the script, and only a result that carries it is ours. Of a script that
//! was killed before its first line nothing comes back but how long it was let run: so each is let
//! run for a number of milliseconds of its own.

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
    /// How many milliseconds the script may run.
    pub(crate) timeout: u64,
}

/// The script's time in milliseconds, and up to a second more that no other script has.
pub(crate) fn timeout(script: &Script) -> u64 {
    let own = u64::from(script.run.as_fields().0 % 1000);
    u64::try_from(script.time_limit.as_millis()).unwrap_or(u64::MAX).saturating_add(own)
}

/// The text of a command: how to run it, then the script between its markers.
pub(crate) fn command(script: &Script, wanted: &Wanted<'_>) -> String {
    let text = script.text.replace("\r\n", "\n");
    let room = wanted.limit.saturating_add(OWN_LINES);
    let limits = format!("#timeout={}\n#maxlength={room}", wanted.timeout);
    let (begin, end) = (begin(wanted.marker), end(wanted.marker));
    match script.shell {
        Shell::PowerShell => {
            // Parameters are allowed at the start of a script or of a block only.
            let text = if has_parameters(&text) { format!("& {{\n{text}\n}}") } else { text };
            format!("#!ps\n{limits}\nWrite-Output '{begin}'\n{text}\nWrite-Output '{end}'\n")
        }
        Shell::Cmd => format!("{limits}\n@echo off\necho {begin}\n{text}\necho {end}\n"),
    }
}

fn has_parameters(text: &str) -> bool {
    text.lines().map(|line| line.trim_start().to_ascii_lowercase()).any(|line| {
        line.starts_with("[cmdletbinding")
            || line.strip_prefix("param").is_some_and(|rest| rest.trim_start().starts_with('('))
            || line.trim_end() == "param"
    })
}

/// Whether a command with this marker was queued.
pub(crate) fn is_queued<'e>(mut events: impl Iterator<Item = &'e Event>, marker: &str) -> bool {
    events.any(|event| {
        event.event_type.is(QUEUED_COMMAND, "QueuedCommand")
            && event.data.as_deref().is_some_and(|data| data.contains(marker))
    })
}

/// Looks for the result among a session's events.
pub(crate) fn find<'e>(
    events: impl Iterator<Item = &'e Event> + Clone,
    wanted: &Wanted<'_>,
) -> ScriptOutcome {
    let ours = |event: &&Event| event.data.as_deref().is_some_and(|d| d.contains(wanted.marker));
    let queued =
        events.clone().filter(|one| one.event_type.is(QUEUED_COMMAND, "QueuedCommand")).find(ours);
    let killed = format!("Killed after {} milliseconds.", wanted.timeout);
    let answers = |event: &&Event| {
        let Some(queued) = queued else { return false };
        let named = queued.id.is_some() && event.correlation == queued.id;
        let late = queued.time.is_none() || event.time.is_none() || event.time >= queued.time;
        named || (late && event.data.as_deref().is_some_and(|data| data.trim() == killed))
    };
    let mut results = events.filter(|event| event.event_type.is(RAN_COMMAND, "RanCommand"));
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
    use uuid::Uuid;

    const MARKER: &str = "0b5e";

    fn outcome(shell: Shell, events: &Value) -> ScriptOutcome {
        let events: Vec<Event> = serde_json::from_value(events.clone()).unwrap();
        find(events.iter(), &wanted(shell, 100))
    }

    fn wanted(shell: Shell, limit: usize) -> Wanted<'static> {
        Wanted { marker: MARKER, shell, limit, timeout: 90_123 }
    }

    fn result(data: &str) -> Value {
        json!([{"EventID": "e1", "EventType": 70, "Data": data}])
    }

    fn done(output: &str, truncated: bool) -> ScriptOutcome {
        ScriptOutcome::Done { output: output.into(), truncated }
    }

    fn script(shell: Shell, text: &str) -> Script {
        let time_limit = Duration::from_secs(90);
        let run = Uuid::from_u128(0x0b5e);
        Script { run, shell, text: text.into(), time_limit, output_limit: 5000 }
    }

    #[test]
    fn a_command_says_how_to_run_and_prints_its_marker() {
        let of = |shell, text| command(&script(shell, text), &wanted(shell, 5000));
        assert_eq!(
            of(Shell::PowerShell, "whoami\r\nhostname"),
            "#!ps\n#timeout=90123\n#maxlength=5400\nWrite-Output 'linchpin-begin-0b5e'\n\
             whoami\nhostname\nWrite-Output 'linchpin-end-0b5e'\n"
        );
        let text = of(Shell::Cmd, "hostname");
        assert!(text.starts_with("#timeout=90123\n#maxlength=5400\n@echo off\n"), "{text}");
        assert!(!text.contains('\r'));
    }

    #[test]
    fn a_script_with_parameters_gets_a_block_of_its_own() {
        for text in ["param([string]$A)\n$A", "[CmdletBinding()]\nparam\n(\n)"] {
            let whole = script(Shell::PowerShell, text);
            let sent = command(&whole, &wanted(Shell::PowerShell, 5000));
            assert!(sent.contains(&format!("'\n& {{\n{text}\n}}\nWrite")), "{sent}");
        }
    }

    #[test]
    fn each_script_has_a_time_of_its_own() {
        let run = Uuid::from_u128(0x0000_03e9_0000_4000_8000_0000_0000_0000);
        let whole = Script { run, ..script(Shell::PowerShell, "x") };
        assert_eq!(timeout(&whole), 90_001);
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
        let killed = ScriptOutcome::Failed { reason: "Killed after 90123 milliseconds.".into() };
        let data = "linchpin-begin-0b5e\nabc\nKilled after 90123 milliseconds.";
        assert_eq!(outcome(Shell::PowerShell, &result(data)), killed);
    }

    #[test]
    fn a_script_killed_before_its_first_line_is_known_by_its_time() {
        let events = |time: &str, note: &str, correlation: Value| {
            json!([
                {"EventID": "e1", "EventType": "QueuedCommand", "Data": "... 0b5e ...",
                 "Time": "2026-01-02T03:00:00Z"},
                {"EventID": "e2", "EventType": "RanCommand", "CorrelationEventID": correlation,
                 "Time": time, "Data": note},
            ])
        };
        let (after, before) = ("2026-01-02T03:01:00Z", "2026-01-02T02:00:00Z");
        let (own, other) = ("Killed after 90123 milliseconds.", "Killed after 90124 milliseconds.");
        let of = |events| outcome(Shell::PowerShell, &events);
        assert!(matches!(of(events(after, own, Value::Null)), ScriptOutcome::Failed { .. }));
        assert_eq!(of(events(before, own, Value::Null)), ScriptOutcome::Pending);
        assert_eq!(of(events(after, other, Value::Null)), ScriptOutcome::Pending);
        // Where the server says which command a result belongs to, that is enough.
        assert!(matches!(of(events(after, other, "e1".into())), ScriptOutcome::Failed { .. }));
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
