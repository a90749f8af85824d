//! What is sent to `sh`, by really running it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use core_connector::Secret;
use core_model::library::ScriptLanguage;
use core_script::{
    Answer, Arguments, Caps, CommandShell, Delivery, Finished, Job, LastValue, Limits, NotRun,
    deliver, parts_stored, read, secret_document,
};
use proptest::prelude::*;
use serde_json::json;

use crate::{NONCE, arguments, fetch, job, script, secrets, with_secret};

fn limits(folder: &Path, command: usize) -> Limits<'_> {
    let folder = folder.to_str().unwrap();
    Limits { shell: CommandShell::Sh, command, stdin: true, folder }
}

/// Runs a command as a runner would.
fn sh(command: &Secret, stdin: &str) -> String {
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(command.expose())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read it has closed it.
    let _closed = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn finished(answer: &str) -> Finished {
    match read(answer, NONCE) {
        Answer::Finished(run) => run,
        other => panic!("{other:?} of {answer}"),
    }
}

fn run(body: &str, given: &Arguments) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let script = script(ScriptLanguage::Sh, body);
    let delivery = deliver(&job(&script, given), &limits(folder.path(), 100_000)).unwrap();
    assert!(delivery.parts.is_empty() && delivery.sweep.is_none());
    let run = finished(&sh(&delivery.run, ""));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something is left");
    run
}

#[test]
fn exit_output_errors_and_last_value_come_back() {
    let none = arguments(&[]);
    let first = run("echo one; echo two >&2; echo false", &none);
    assert_eq!((first.exit, first.verdict()), (Some(0), Some(false)));
    assert_eq!((first.output.text(), first.errors.text()), ("one\nfalse\n".into(), "two\n".into()));
    let second = run("printf 'no end of line\\n\\377'; exit 42", &none);
    assert_eq!((second.exit, second.verdict()), (Some(42), None));
    assert_eq!(second.output.text(), "no end of line\n\u{fffd}");
    let silent = run("exec >/dev/null; echo x", &none);
    assert_eq!((silent.value, silent.exit), (LastValue::None, Some(0)));
    assert_eq!(run("kill -9 $$", &none).exit, Some(137));
    assert_eq!(run("syntax (", &none).exit, Some(2));
    let object = run("echo '{\"a\": [1]}'", &none);
    assert_eq!(object.value, LastValue::Json(json!({"a": [1]})));
    // Its standard input is empty, and not ours.
    assert_eq!(run("cat; echo true", &none).verdict(), Some(true));
}

#[test]
fn a_long_output_keeps_its_head_and_tail_and_says_how_much_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        script(ScriptLanguage::Sh, "awk 'BEGIN{for(i=0;i<100000;i++)print i; print \"true\"}'");
    let none = arguments(&[]);
    let caps = Caps { head: 100, tail: 200, errors: 10, value: 10 };
    let job = Job { caps, ..job(&script, &none) };
    let delivery = deliver(&job, &limits(folder.path(), 100_000)).unwrap();
    let answer = sh(&delivery.run, "");
    let run = finished(&answer);
    assert!(run.output.head.starts_with("0\n1\n2\n") && run.output.tail.ends_with("99999\ntrue\n"));
    assert_eq!((run.output.head.len(), run.output.tail.len()), (100, 200));
    assert_eq!(run.output.left_out, 588_895 - 300);
    assert_eq!(run.verdict(), Some(true));
    assert!(answer.len() < caps.output_limit(), "{} characters", answer.len());
    assert!(run.output.text().contains("[588595 bytes left out]"));
}

#[test]
fn a_script_that_takes_too_long_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let script = script(ScriptLanguage::Sh, "echo begun; sleep 60; echo true");
    let none = arguments(&[]);
    let job = Job { limit_s: 1, ..job(&script, &none) };
    let delivery = deliver(&job, &limits(folder.path(), 100_000)).unwrap();
    match read(&sh(&delivery.run, ""), NONCE) {
        Answer::TimedOut { after_s: 1, until_then } => {
            assert_eq!(until_then.output.text(), "begun\n");
            assert_eq!(until_then.verdict(), None);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn secrets_come_by_standard_input_and_are_in_no_command() {
    let folder = tempfile::tempdir().unwrap();
    let body = "printf '%s|' \"$LP_password\" \"$LP_user\"; env | grep -c '^lp_'; exit 0";
    let script = script(ScriptLanguage::Sh, body);
    let given = with_secret(&[("user", json!("ana"))]);
    let delivery = deliver(&job(&script, &given), &limits(folder.path(), 100_000)).unwrap();
    let secret = "h'u\"n$t`e\\r\n2\n";
    let document = secret_document(&secrets(&[("password", secret), ("other", "x")]));
    assert!(!delivery.run.expose().contains("2\n\n"));
    let run = finished(&sh(&delivery.run, document.expose()));
    assert_eq!(run.output.text(), format!("{secret}|ana|0\n"));
    let nothing = read(&sh(&delivery.run, ""), NONCE);
    let due = "the hub gave none for password";
    assert_eq!(nothing, Answer::NotRun(NotRun::Secrets(due.into())));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn without_a_way_for_secrets_nothing_is_sent_and_a_fetch_that_fails_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("ran");
    let script = script(ScriptLanguage::Sh, &format!("touch '{}'", mark.display()));
    let given = with_secret(&[]);
    let no_stdin = Limits { stdin: false, ..limits(folder.path(), 100_000) };
    let why = deliver(&job(&script, &given), &no_stdin).err().unwrap();
    assert!(why.to_string().contains("password"), "{why}");
    let url = "https://127.0.0.1:1/".parse().unwrap();
    let fetch =
        core_script::SecretFetch::new(url, fetch().token().clone(), chrono::DateTime::UNIX_EPOCH);
    let fetch = fetch.unwrap();
    let with_fetch = Job { fetch: Some(&fetch), ..job(&script, &given) };
    let delivery = deliver(&with_fetch, &no_stdin).unwrap();
    match read(&sh(&delivery.run, ""), NONCE) {
        Answer::NotRun(NotRun::Secrets(why)) => {
            assert!(why.starts_with("cannot be fetched") && !why.contains(crate::TOKEN), "{why}");
        }
        other => panic!("{other:?}"),
    }
    assert!(!mark.exists());
}

/// Sends the parts, some twice and in another order, and then the rest.
fn stage(delivery: &Delivery, shuffle: usize) -> String {
    let parts = delivery.parts.len();
    for at in (0..parts).rev().chain((0..parts).filter(|at| at % 3 == shuffle % 3)) {
        let answer = sh(&delivery.parts[at], "");
        assert_eq!(parts_stored(&answer, NONCE), [at]);
    }
    sh(&delivery.run, "")
}

#[test]
fn a_part_that_is_missing_or_damaged_runs_nothing_and_leaves_nothing() {
    for damage in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("ran");
        let script = script(ScriptLanguage::Sh, &format!("touch '{}'", mark.display()));
        let none = arguments(&[]);
        let delivery = deliver(&job(&script, &none), &limits(folder.path(), 1024)).unwrap();
        for part in &delivery.parts[damage..] {
            sh(part, "");
        }
        let staged = folder.path().join(NONCE.to_string());
        if damage == 0 {
            std::fs::write(staged.join("p1"), "rm -rf /nowhere").unwrap();
        }
        assert_eq!(read(&sh(&delivery.run, ""), NONCE), Answer::NotRun(NotRun::Unstaged));
        assert!(!mark.exists() && !staged.exists());
        // Sent once more, as a vendor might: nothing is there, and nothing runs.
        assert_eq!(read(&sh(&delivery.run, ""), NONCE), Answer::NotRun(NotRun::Unstaged));
    }
}

#[test]
fn what_is_staged_is_the_owners_alone_and_can_be_swept() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let script = script(ScriptLanguage::Sh, "true");
    let none = arguments(&[]);
    let delivery = deliver(&job(&script, &none), &limits(folder.path(), 1024)).unwrap();
    sh(&delivery.parts[0], "");
    let staged = folder.path().join(NONCE.to_string());
    assert_eq!(std::fs::metadata(&staged).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::metadata(staged.join("p0")).unwrap().permissions().mode() & 0o777, 0o600);
    sh(delivery.sweep.as_ref().unwrap(), "");
    assert!(!staged.exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn values_arrive_byte_for_byte(texts in proptest::collection::vec("[^\u{0}]{0,30}", 1..6)) {
        let names: Vec<String> = (0..texts.len()).map(|at| format!("p{at}")).collect();
        let pairs: Vec<_> = names.iter().zip(&texts).map(|(n, t)| (n.as_str(), json!(t))).collect();
        let body: String = names.iter().map(|n| format!("printf '%s\\001' \"$LP_{n}\"\n")).collect();
        let due: String = texts.iter().map(|text| format!("{text}\u{1}")).collect();
        prop_assert_eq!(run(&body, &arguments(&pairs)).output.text(), due.replace("\r\n", "\n"));
    }

    #[test]
    fn whatever_the_size_and_the_limit_the_parts_are_the_script(
        size in 0_usize..12_000, limit in 1_024_usize..9_000, filler in "[^\u{0}\r|]{1,30}", shuffle in 0_usize..3,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let filler: String = filler.chars().cycle().take(size).collect();
        // A line that begins as the end does, and goes on with more than ASCII, loses a byte in dash 0.5.12.
        let body = format!("cat <<'|end of text'\n{filler}\n|end of text\nexit 3");
        let script = script(ScriptLanguage::Sh, &body);
        let none = arguments(&[]);
        let delivery = deliver(&job(&script, &none), &limits(folder.path(), limit)).unwrap();
        for command in delivery.parts.iter().chain([&delivery.run]).chain(&delivery.sweep) {
            prop_assert!(command.expose().len() <= limit && command.expose().is_ascii());
            prop_assert!(!command.expose().contains(&format!("lp:{NONCE}:")), "an echo is an answer");
        }
        let run = finished(&stage(&delivery, shuffle));
        prop_assert_eq!((run.exit, run.output.text()), (Some(3), format!("{filler}\n")));
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
