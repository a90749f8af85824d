use super::*;
use proptest::prelude::*;

const NONCE: Nonce = Nonce(0xab);

/// A frame as a machine prints it, written down again from the README.
fn frame(fields: &[(&str, &[u8])]) -> Vec<String> {
    let mut document = Vec::new();
    for (name, value) in fields {
        document.extend_from_slice(format!("{name} {}\n", value.len()).as_bytes());
        document.extend_from_slice(value);
        document.push(b'\n');
    }
    let text = STANDARD.encode(&document);
    let mut lines = vec![format!("lp:{NONCE}:begin")];
    for (at, piece) in text.as_bytes().chunks(48).enumerate() {
        lines.push(format!("lp:{NONCE}:{at}:{}:", std::str::from_utf8(piece).unwrap()));
    }
    let digest = Sha256::digest(&document);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    lines.push(format!("lp:{NONCE}:end:{}:{digest}", lines.len() - 1));
    lines
}

fn of(fields: &[(&str, &[u8])]) -> Answer {
    read(&frame(fields).join("\n"), NONCE)
}

fn with_value(kind: &str, value: &str) -> Finished {
    let status = format!("exit 0\nkind {kind}");
    match of(&[
        ("out.head", b"before\nFalse\n"),
        ("value.head", value.as_bytes()),
        ("status", status.as_bytes()),
    ]) {
        Answer::Finished(run) => run,
        other => panic!("{other:?}"),
    }
}

#[test]
fn s6_a_boolean_at_the_end_is_told_from_text_null_zero_and_silence() {
    let of = |kind, value| with_value(kind, value).verdict();
    assert_eq!(of("boolean", "false"), Some(false));
    assert_eq!(of("boolean", "true"), Some(true));
    let none = [("text", "false"), ("text", "True"), ("text", ""), ("null", ""), ("number", "0")];
    for (kind, value) in none.into_iter().chain([("none", ""), ("json", "[false]")]) {
        assert_eq!(of(kind, value), None, "{kind} {value}");
    }
    assert_eq!(with_value("boolean", "false").output.text(), "before\nFalse\n");
    assert_eq!(with_value("text", "").value, LastValue::Text(String::new()));
    assert_eq!(with_value("null", "").value, LastValue::Null);
    assert_eq!(with_value("none", "").value, LastValue::None);
    assert_eq!(with_value("number", "0").value, LastValue::Number(0.into()));
    assert_eq!(
        with_value("number", "1.5").value,
        LastValue::Number(Number::from_f64(1.5).unwrap())
    );
    assert_eq!(with_value("number", "NaN").value, LastValue::Text("NaN".into()));
}

#[test]
fn the_last_line_is_the_value_where_there_are_only_lines() {
    for (output, value) in [
        ("", LastValue::None),
        (" \n\n", LastValue::None),
        ("noise\ntrue\n", LastValue::Boolean(true)),
        ("false\r\n\r\n", LastValue::Boolean(false)),
        ("true\nnoise", LastValue::Text("noise".into())),
        ("\"true\"", LastValue::Text("\"true\"".into())),
        ("True", LastValue::Text("True".into())),
        ("null", LastValue::Null),
        ("0", LastValue::Number(0.into())),
        ("{\"a\": 1}", LastValue::Json(serde_json::json!({"a": 1}))),
    ] {
        assert_eq!(LastValue::of_lines(output), value, "{output:?}");
    }
}

#[test]
fn an_answer_that_is_cut_off_anywhere_is_never_taken_for_whole() {
    let text = frame(&[("out.head", &[b'x'; 500]), ("status", b"exit 0\nkind none")]).join("\r\n");
    assert!(matches!(read(&text, NONCE), Answer::Finished(_)));
    let end = text.find("end:").unwrap();
    for at in 0..text.len() {
        let cut = format!("{}\nTruncated output at {at} characters.", &text[..at]);
        match read(&cut, NONCE) {
            Answer::NotStarted => assert!(at < 30),
            Answer::NotFinished => assert!(at < 110, "{at}"),
            Answer::Truncated { line, pieces } => {
                assert!(pieces > 0 && line <= text.lines().count(), "{at}");
            }
            other => panic!("{at} of {end}: {other:?}"),
        }
    }
}

#[test]
fn what_was_changed_on_the_way_is_told_with_its_line() {
    let lines = frame(&[("out.head", &[b'x'; 200]), ("status", b"exit 0\nkind none")]);
    let mut missing = lines.clone();
    missing.remove(2);
    assert!(matches!(read(&missing.join("\n"), NONCE), Answer::Garbled { line: 3, .. }));
    let mut changed = lines.clone();
    changed[3] = changed[3].replace('4', "5");
    assert_ne!(changed, lines);
    let last = lines.len();
    assert!(
        matches!(read(&changed.join("\n"), NONCE), Answer::Garbled { line, .. } if line == last)
    );
    let mut twice = lines.clone();
    twice.insert(3, changed[3].clone());
    assert!(matches!(read(&twice.join("\n"), NONCE), Answer::Garbled { line: 5, .. }));
    let mut same = lines.clone();
    same.insert(3, lines[3].clone());
    assert_eq!(read(&same.join("\n"), NONCE), read(&lines.join("\n"), NONCE));
}

#[test]
fn how_it_went_otherwise() {
    assert_eq!(of(&[("nobody", b"")]), Answer::NobodyLoggedOn);
    assert_eq!(of(&[("failed", b"start no such task")]), Answer::Lost("start no such task".into()));
    assert_eq!(
        of(&[("failed", b"folder access denied")]),
        Answer::NotRun(NotRun::Machine("folder access denied".into()))
    );
    assert_eq!(of(&[("status", b"secrets 403")]), Answer::NotRun(NotRun::Secrets("403".into())));
    assert!(matches!(of(&[("timeout", b"240")]), Answer::TimedOut { after_s: 240, .. }));
    let Answer::Finished(early) = of(&[("process", b"-5"), ("raw.head", b"last words")]) else {
        panic!("not finished")
    };
    assert!(early.left_early && early.exit == Some(-5) && early.verdict().is_none());
    assert_eq!(early.output.text(), "last words");
    let unstaged = format!("lp:{NONCE}:unstaged:\r\n");
    assert_eq!(read(&unstaged, NONCE), Answer::NotRun(NotRun::Unstaged));
    assert_eq!(read("lp:00000000000000ac:begin", NONCE), Answer::NotStarted);
}

#[test]
fn a_character_that_the_cut_parted_is_left_out_and_counted() {
    let text = "ä".repeat(10);
    let (head, tail) = (&text.as_bytes()[..3], &text.as_bytes()[15..]);
    let status: &[u8] = b"exit 0\nkind line";
    let Answer::Finished(run) =
        of(&[("out.head", head), ("out.tail", tail), ("out.left", b"12"), ("status", status)])
    else {
        panic!("not finished")
    };
    assert_eq!((run.output.head.as_str(), run.output.tail.as_str()), ("ä", "ää"));
    assert_eq!(run.output.left_out, 14);
    // The line began in what was left out.
    assert!(matches!(run.value, LastValue::TooLong(_)));
}

proptest! {
    #[test]
    fn noise_around_and_between_the_lines_does_no_harm(
        output in proptest::collection::vec(any::<u8>(), 0..400),
        noise in proptest::collection::vec("[^\u{0}]{0,60}", 12),
        crlf in any::<bool>(),
    ) {
        let lines = frame(&[("out.head", &output), ("status", b"exit 7\nkind null")]);
        let clean = read(&lines.join("\n"), NONCE);
        let end = if crlf { "\r\n" } else { "\n" };
        let mut text = String::new();
        for (at, line) in lines.iter().enumerate() {
            text.push_str(&noise[at % 12]);
            text.push_str(end);
            text.push_str("C:\\WINDOWS\\system32>");
            text.push_str(line);
            text.push_str(end);
        }
        text.push_str(&noise[0]);
        prop_assert_eq!(read(&text, NONCE), clean);
    }

    #[test]
    fn no_answer_makes_it_panic(
        parts in proptest::collection::vec("(lp:00000000000000ab:|begin|end:|part:|[0-9]{1,30}:|[a-zA-Z0-9+/=]{0,70}:?|\n|ä| )", 0..40)
    ) {
        let text = parts.concat();
        let _answer = read(&text, NONCE);
        let _parts = parts_stored(&text, NONCE);
    }
}

#[test]
fn the_status_is_read_as_windows_writes_it_and_as_a_shell_does() {
    for name in ["status", "status.head"] {
        let run =
            match of(&[("out.head", b"x"), (name, b"exit 7\nkind text"), ("value.head", b"x")]) {
                Answer::Finished(run) => run,
                other => panic!("{other:?}"),
            };
        assert_eq!((run.exit, run.left_early), (Some(7), false), "{name}");
        assert_eq!(run.value, LastValue::Text("x".into()), "{name}");
        let refused = of(&[(name, b"secrets 403")]);
        assert_eq!(refused, Answer::NotRun(NotRun::Secrets("403".into())), "{name}");
    }
}
