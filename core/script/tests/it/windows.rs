//! What is sent to Windows PowerShell, read back by the tests' own reader. No PowerShell is run here.

use core_model::library::{Script, ScriptContext, ScriptLanguage};
use core_script::{Arguments, Caps, Delivery, Job, Limits, SecretFetch, deliver};
use proptest::prelude::*;
use serde_json::json;

use crate::{NONCE, TOKEN, arguments, fetch, in_context, job, reader, script, with_secret};

const WIDE: Limits<'static> = Limits { command: 10_000_000, ..Limits::CW_CONTROL };

fn program_of(script: &Script, given: &Arguments) -> String {
    let fetch = fetch();
    let job = Job { fetch: Some(&fetch), ..job(script, given) };
    deliver(&job, &WIDE).unwrap().run.expose().to_owned()
}

/// What the parts write, joined as the last command joins them.
fn joined(delivery: &Delivery) -> String {
    let mut files = vec![Vec::new(); delivery.parts.len()];
    for part in &delivery.parts {
        let text = part.expose();
        let at = text.find("(Join-Path $d 'p").unwrap() + "(Join-Path $d ".len();
        let (name, _) = reader::literal(&text[at..]).unwrap();
        let bytes = reader::bytes_after(text, "FromBase64String(");
        let number: usize = name[1..].parse().unwrap();
        assert!(text.ends_with(&format!("':part:{number}:'")), "{text}");
        files[number] = bytes;
    }
    String::from_utf8(files.concat()).unwrap()
}

#[test]
fn every_program_is_ascii_closed_and_never_prints_by_being_read() {
    for language in [ScriptLanguage::PowerShell, ScriptLanguage::Cmd] {
        for context in [ScriptContext::System, ScriptContext::User] {
            for given in [arguments(&[]), with_secret(&[("a", json!("it's @NONCE@"))])] {
                let script = in_context(language.clone(), context);
                let program = program_of(&script, &given);
                assert!(program.is_ascii());
                if let Err(why) = reader::check(&program) {
                    panic!("{why}\n{program}");
                }
                assert!(!program.contains(&format!("lp:{NONCE}")), "an echo is an answer");
                let blanks =
                    ["NONCE", "BODY", "RUNNER", "START", "MAIN", "NAMES", "LIMIT_S", "FILE", "URL"];
                for blank in blanks {
                    assert!(!program.contains(&format!("@{blank}@")), "{blank} is not filled in");
                }
                // Control gives a script with parameters a block of its own, and ends here-strings with it.
                assert!(
                    !program.lines().any(|line| line.to_ascii_lowercase().starts_with("param"))
                );
            }
        }
    }
}

#[test]
fn a_body_is_a_file_of_its_own_as_its_shell_reads_it() {
    let none = arguments(&[]);
    let body = "$x = @'\nä\n'@\nexit 3";
    let program = program_of(&script(ScriptLanguage::PowerShell, body), &none);
    assert_eq!(
        reader::bytes_after(&program, "Put 'b.ps1' "),
        format!("\u{feff}{body}").into_bytes()
    );
    let program = program_of(&script(ScriptLanguage::Cmd, "echo ä\nexit /b 3"), &none);
    let file = String::from_utf8(reader::bytes_after(&program, "Put 'b.cmd' ")).unwrap();
    assert_eq!(file, "@echo off\r\n@chcp 65001 >nul\r\necho ä\r\nexit /b 3\r\n");
}

#[test]
fn arguments_travel_with_their_types_and_nothing_is_quoted() {
    let hard = "'\"`$(x)%PATH%\n‘’";
    let given = arguments(&[
        ("text", json!(hard)),
        ("number", json!(-1.5)),
        ("truth", json!(false)),
        ("nothing", json!(null)),
        ("table", json!({"A": "x", "a": 7})),
        ("odd name", json!("2026-01-01T00:00:00Z")),
    ]);
    let program = program_of(&script(ScriptLanguage::PowerShell, "x"), &given);
    let rows = reader::table(&reader::bytes_after(&program, "$LP_arguments = LP_Table "));
    let of = |name: &str| rows.iter().find(|row| row.0 == name).unwrap().clone();
    assert_eq!((of("text").1, of("text").2), ("t".into(), hard.into()));
    assert_eq!((of("number").1, of("number").2), ("n".into(), "-1.5".into()));
    assert_eq!((of("truth").1, of("truth").2), ("b".into(), "false".into()));
    assert_eq!(of("nothing").1, "z");
    assert_eq!(of("odd name").2, "2026-01-01T00:00:00Z");
    let inner = reader::table(of("table").2.as_bytes());
    let due = [("A", "t", "x"), ("a", "n", "7")].map(|(a, b, c)| (a.into(), b.into(), c.into()));
    assert_eq!(inner, due);
    // A variable, but for the name that cannot be one.
    let names = program.lines().find(|line| line.starts_with("$LP_names = ")).unwrap();
    assert_eq!(names.matches("', '").count(), 4, "{names}");
}

#[test]
fn a_secret_is_fetched_before_the_body_runs_and_only_its_token_is_in_the_command() {
    let given = with_secret(&[]);
    let program = program_of(&script(ScriptLanguage::PowerShell, "x"), &given);
    assert!(!program.contains("vpn") && !program.contains(TOKEN));
    let url = reader::bytes_after(&program, "-Uri (LP_Text ");
    assert_eq!(url, fetch().url().as_str().as_bytes());
    assert_eq!(reader::bytes_after(&program, "'Bearer ' + (LP_Text "), TOKEN.as_bytes());
    assert!(program.find("Invoke-RestMethod").unwrap() < program.find("& $LP_f @LP_s").unwrap());
    let script = Script::new("x");
    let refused = deliver(&Job { fetch: None, ..crate::job(&script, &given) }, &WIDE);
    assert!(refused.err().unwrap().to_string().contains("password"));
}

#[test]
fn a_secret_comes_by_standard_input_where_there_is_one_and_who_is_logged_on_fetches_it() {
    let given = with_secret(&[]);
    let limits = Limits { stdin: true, ..WIDE };
    let text = |context, fetch: Option<&SecretFetch>| {
        let script = in_context(ScriptLanguage::PowerShell, context);
        let job = Job { fetch, ..job(&script, &given) };
        deliver(&job, &limits).map(|delivery| delivery.run.expose().to_owned())
    };
    let system = text(ScriptContext::System, None).unwrap();
    assert_eq!(reader::check(&system), Ok(()));
    assert!(!system.contains("vpn") && !system.contains("Invoke-RestMethod"));
    assert!(
        system.find("[Console]::In.ReadToEnd()").unwrap() < system.find("& $LP_f @LP_s").unwrap()
    );
    // The process in which the body runs has the input of the one that starts it.
    assert!(!system.contains("-RedirectStandardInput"));
    let none = arguments(&[]);
    let script = script(ScriptLanguage::PowerShell, "x");
    let without = deliver(&job(&script, &none), &limits).unwrap().run.expose().to_owned();
    assert!(without.contains("-RedirectStandardInput (Join-Path $d 'n')"));
    // A task has none.
    let error = text(ScriptContext::User, None).unwrap_err();
    assert!(error.to_string().contains("password"), "{error}");
    let user = text(ScriptContext::User, Some(&fetch())).unwrap();
    assert!(user.contains("Invoke-RestMethod") && !user.contains("[Console]::In"));
}

#[test]
fn s28_a_script_of_the_user_runs_as_who_is_logged_on_or_not_at_all() {
    let none = arguments(&[]);
    let user = program_of(&in_context(ScriptLanguage::PowerShell, ScriptContext::User), &none);
    let lines: Vec<&str> = user.lines().collect();
    let at = |text: &str| {
        let found = lines.iter().position(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("no `{text}`"))
    };
    // Nobody is told before anything is started, and the only thing that starts is the user's task.
    assert!(at("if (-not $w) { Word 'nobody' '' }") < at("Register-ScheduledTask"));
    assert!(user.contains(
        "New-ScheduledTaskPrincipal -UserId $w -LogonType Interactive -RunLevel Limited"
    ));
    assert!(user.contains("Unregister-ScheduledTask -TaskName $k -Confirm:$false"));
    for service in ["S-1-5-18", "S-1-5-19", "S-1-5-20"] {
        assert!(user.contains(&format!("$r.Value -like '{service}'")), "{service}");
    }
    let before_runner = user.split("$g = 'start'").nth(1).unwrap();
    assert!(!before_runner.contains("Start-Process"), "the machine itself would run it");
    let system = program_of(&in_context(ScriptLanguage::PowerShell, ScriptContext::System), &none);
    assert!(system.contains("Start-Process -FilePath $x") && !system.contains("ScheduledTask"));
}

#[test]
fn what_is_staged_only_administrators_read_and_it_goes_away_whatever_happens() {
    let script = script(ScriptLanguage::PowerShell, "x");
    let none = arguments(&[]);
    let delivery = deliver(&job(&script, &none), &Limits { command: 1_024, ..WIDE }).unwrap();
    let folder = format!("$d=Join-Path $env:ProgramFiles 'Linchpin\\runs\\{NONCE}'");
    for part in &delivery.parts {
        let text = part.expose();
        assert!(text.contains("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)") && text.contains(&folder));
        assert!(
            text.starts_with("$ErrorActionPreference='Stop';"),
            "an error would be acknowledged"
        );
    }
    let run = delivery.run.expose();
    assert!(run.find("throw 'digest'").unwrap() < run.find("[ScriptBlock]::Create($t)").unwrap());
    assert!(run.contains("}catch{'lp:'+") && run.contains("Remove-Item -LiteralPath $d -Recurse"));
    assert!(delivery.sweep.unwrap().expose().contains("Remove-Item -LiteralPath $d -Recurse"));
    assert!(
        joined_program(&script)
            .contains("finally { try { Remove-Item -LiteralPath $d -Recurse -Force }")
    );
}

fn joined_program(script: &Script) -> String {
    let none = arguments(&[]);
    let delivery = deliver(&job(script, &none), &Limits { command: 1_024, ..WIDE }).unwrap();
    let program = joined(&delivery);
    let run = delivery.run.expose();
    assert!(run.contains(&format!("$i -lt {};", delivery.parts.len())), "{run}");
    program
}

/// What Automate's connector makes of a PowerShell command: a fixed start, then base64 of UTF-16 of 45 characters
/// that name the run, and the command.
#[test]
fn a_command_for_automate_fits_into_its_command_line() {
    let start =
        "powershell.exe!!! -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand ";
    let bytes = 2 * (45 + Limits::CW_AUTOMATE.command);
    assert!(start.len() + bytes.div_ceil(3) * 4 <= 32_000);
}

#[test]
fn a_small_script_is_one_command_for_either_vendor() {
    let script = script(ScriptLanguage::PowerShell, &"Write-Output $true\n".repeat(20));
    let given = arguments(&[("method", json!("test"))]);
    for limits in [Limits::CW_AUTOMATE, Limits::CW_CONTROL] {
        let job = Job { caps: Caps::VENDOR, ..job(&script, &given) };
        let delivery = deliver(&job, &limits).unwrap();
        assert!(delivery.parts.is_empty(), "{} parts", delivery.parts.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_the_size_and_the_limit_the_parts_join_to_the_script(
        body in "[^\u{0}]{0,4000}", limit in 1_024_usize..40_000, user in any::<bool>(),
    ) {
        let context = if user { ScriptContext::User } else { ScriptContext::System };
        let script = script(ScriptLanguage::PowerShell, &body).in_context(context);
        let none = arguments(&[]);
        let delivery = deliver(&job(&script, &none), &Limits { command: limit, ..WIDE }).unwrap();
        for command in delivery.parts.iter().chain([&delivery.run]).chain(&delivery.sweep) {
            let text = command.expose();
            prop_assert!(text.len() <= limit && text.is_ascii(), "{} of {limit}", text.len());
            prop_assert!(!text.contains(&format!("lp:{NONCE}")), "an echo is an answer");
            prop_assert_eq!(reader::check(text), Ok(()));
        }
        let program = match delivery.parts.is_empty() {
            true => delivery.run.expose().to_owned(),
            false => joined(&delivery),
        };
        prop_assert_eq!(reader::bytes_after(&program, "Put 'b.ps1' "), format!("\u{feff}{body}").into_bytes());
    }
}
