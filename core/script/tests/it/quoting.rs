//! Literals hold whatever they hold.

use std::io::Write as _;
use std::process::{Command, Stdio};

use core_script::quote::{CmdPlace, cmd, powershell, sh};
use proptest::prelude::*;

use crate::reader;

/// Texts that shells stumble over, and any others.
fn texts() -> impl Strategy<Value = String> {
    let hard = "['\"`$%!^&|<>();{}*?~#=\\\\ \t\r\na‘’‚‛“”äß漢\u{1f600}\u{feff}-]{0,40}";
    prop_oneof![hard, "[^\u{0}]{0,60}", Just("%PATH%".to_owned()), Just("$(reboot)".to_owned())]
}

/// What a real shell prints of these literals, parted by NUL.
fn printed(literals: &[String]) -> Vec<u8> {
    let mut child = Command::new("sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh is there");
    let program: String =
        literals.iter().map(|literal| format!("printf '%s\\0' {literal}\n")).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(program.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output.stdout
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_literal_of_sh_is_the_text_byte_for_byte(texts in proptest::collection::vec(texts(), 1..20)) {
        let literals: Vec<String> = texts.iter().map(|text| sh(text).unwrap()).collect();
        let due: String = texts.iter().map(|text| format!("{text}\0")).collect();
        prop_assert_eq!(printed(&literals), due.into_bytes());
    }
}

proptest! {
    #[test]
    fn a_literal_of_powershell_is_the_text_and_ends_where_it_ends(text in texts(), after in "[;a ]{0,3}") {
        let program = format!("{}{after}", powershell(&text).unwrap());
        prop_assert_eq!(reader::literal(&program), Some((text, after.as_str())));
    }

    #[test]
    fn a_literal_of_cmd_is_the_text_and_no_command(text in texts()) {
        for (place, batch) in [(CmdPlace::Batch, true), (CmdPlace::Line, false)] {
            match cmd(&text, place) {
                Ok(literal) => prop_assert_eq!(reader::cmd(&literal, batch), Some(text.clone()), "{}", literal),
                Err(why) => prop_assert!(text.chars().nth(why.at).unwrap().is_control()),
            }
        }
    }
}

#[test]
fn what_no_literal_can_hold_is_refused_with_its_place() {
    for refused in [sh("ab\0"), powershell("ab\0"), cmd("ab\n", CmdPlace::Batch)] {
        let why = refused.unwrap_err();
        assert_eq!(why.at, 2);
        assert!(why.to_string().contains("position 2"), "{why}");
    }
    assert_eq!(sh("").unwrap(), "''");
    assert_eq!(powershell("it’s").unwrap(), "'it’’s'");
    assert_eq!(cmd("50% \"x\"", CmdPlace::Batch).unwrap(), "50%% ^\"x^\"");
    let long = "'".repeat(100_000);
    assert_eq!(printed(&[sh(&long).unwrap()]), format!("{long}\0").into_bytes());
}
