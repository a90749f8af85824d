//! Scripts of the hub, and what cannot be sent at all.

use core_connector::Secret;
use core_model::library::{Parameter, ParameterKind, ScriptContext, ScriptLanguage, TaskMethod};
use core_script::{Arguments, Limits, ScriptError, SecretFetch, Variables, deliver, local};
use serde_json::{Value, json};

use crate::{arguments, fetch, in_context, job, secrets, values, with_secret};

#[test]
fn a_script_in_the_hub_gets_its_secrets_on_standard_input_and_nowhere_else() {
    let script = in_context(ScriptLanguage::Interpreter("python3".into()), ScriptContext::Cloud);
    let given = with_secret(&[("port", json!(443)), ("odd name", json!("x"))]);
    let run = local(&job(&script, &given), &secrets(&[("password", "hunter2")])).unwrap();
    assert_eq!((run.program.as_str(), run.arguments.len()), ("python3", 0));
    assert_eq!(run.environment.into_iter().collect::<Vec<_>>(), [("LP_port".into(), "443".into())]);
    let document: Value = serde_json::from_str(run.stdin.expose()).unwrap();
    let due =
        json!({"arguments": {"port": 443, "odd name": "x"}, "secrets": {"password": "hunter2"}});
    assert_eq!(document, due);
    let missing = local(&job(&script, &given), &secrets(&[])).unwrap_err();
    assert_eq!(missing, ScriptError::NoWayForSecrets { names: "password".into() });
}

#[test]
fn what_does_not_go_together_is_refused() {
    use ScriptContext::{Cloud, Metascript, System, User};
    let none = arguments(&[]);
    let sh =
        Limits { shell: core_script::CommandShell::Sh, command: 1024, stdin: true, folder: "/x" };
    let python = || ScriptLanguage::Interpreter("python3".into());
    for (language, context, limits) in [
        (ScriptLanguage::Sh, System, Limits::CW_CONTROL),
        (python(), System, Limits::CW_AUTOMATE),
        (ScriptLanguage::PowerShell, Cloud, Limits::CW_CONTROL),
        (ScriptLanguage::PowerShell, System, sh),
        (ScriptLanguage::Sh, User, sh),
    ] {
        let script = in_context(language, context);
        let why = deliver(&job(&script, &none), &limits).err().unwrap();
        assert!(matches!(why, ScriptError::Unsupported { .. }), "{why}");
    }
    let script = in_context(ScriptLanguage::Cmd, Metascript);
    assert!(local(&job(&script, &none), &secrets(&[])).is_err());
    let script = in_context(ScriptLanguage::PowerShell, System);
    assert!(local(&job(&script, &none), &secrets(&[])).is_err());
    let short = Limits { command: 1023, ..Limits::CW_CONTROL };
    let why = deliver(&job(&script, &none), &short).err().unwrap();
    assert!(why.to_string().contains("1024"), "{why}");
    let script = in_context(ScriptLanguage::Sh, System);
    for folder in ["", "tmp", "/a\nb"] {
        let why = deliver(&job(&script, &none), &Limits { folder, ..sh }).err().unwrap();
        assert!(matches!(why, ScriptError::Folder(_)), "{why}");
    }
}

#[test]
fn names_and_values_that_no_shell_can_have_are_refused_by_name_and_without_the_value() {
    let of = |pairs: &[(&str, Value)], defined: &[&Parameter]| {
        let variables = Variables { method: Some(TaskMethod::Test), ..Variables::default() };
        Arguments::of(&values(pairs), defined, &variables).unwrap_err().to_string()
    };
    assert!(of(&[("Method", json!("x"))], &[]).contains("`Method`"));
    assert!(of(&[("a", json!(1)), ("A", json!(2))], &[]).contains("upper from lower"));
    assert!(of(&[("a", json!({"b": ["x\0"]}))], &[]).contains("NUL"));
    assert!(of(&[("a\n", json!(1))], &[]).contains("control characters"));
    let password = Parameter::new("pw", ParameterKind::Password);
    let why = of(&[("pw", json!("hunter2"))], &[&password]);
    assert!(why.contains("`pw`") && !why.contains("hunter2"), "{why}");
    let number = Parameter::new("n", ParameterKind::Number);
    assert!(of(&[("n", json!("7"))], &[&number]).contains("a number"));

    let script = in_context(ScriptLanguage::PowerShell, ScriptContext::System);
    for name in ["PSHome", "error", "LP_d", "ErrorActionPreference"] {
        let given = arguments(&[(name, json!(1))]);
        let why = deliver(&job(&script, &given), &Limits::CW_CONTROL).err().unwrap();
        assert!(why.to_string().contains(name), "{why}");
    }
    let script = in_context(ScriptLanguage::Cmd, ScriptContext::System);
    for pairs in [("odd name", json!(1)), ("long", json!("x".repeat(40_000)))] {
        let given = arguments(&[pairs]);
        assert!(deliver(&job(&script, &given), &Limits::CW_CONTROL).is_err());
    }
}

#[test]
fn secrets_are_fetched_from_https_with_a_token_that_cannot_be_guessed() {
    let of = |url: &str, token: &str| {
        SecretFetch::new(url.parse().unwrap(), Secret::new(token), chrono::DateTime::UNIX_EPOCH)
    };
    let token = "0123456789012345678901";
    assert!(of("https://hub.example/x", token).is_ok());
    assert!(of("http://hub.example/x", token).is_err());
    assert!(of("https://me:pw@hub.example/x", token).is_err());
    assert!(of("https://hub.example/x", "short").is_err());
    assert!(of("https://hub.example/x", "0123456789\"\n0123456789012").is_err());
    assert!(fetch().is_over(chrono::DateTime::UNIX_EPOCH));
    assert!(!format!("{:?}", fetch()).contains(crate::TOKEN));
}
