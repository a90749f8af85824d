//! The functions for `sh`, run by the `sh` of this machine.

use core_callback::{Call, CallAnswer, Fault, Invocation, Report};
use core_connector::Secret;
use serde_json::{Value, json};

use crate::{Given, answering, desk, sh, text};

fn came(outcome: &'static str, exit: Option<i64>, output: &str) -> CallAnswer {
    CallAnswer::Invoked {
        outcome,
        message: format!("it is {outcome}"),
        exit,
        value: Value::Null,
        output: output.to_owned(),
        errors: String::new(),
    }
}

#[tokio::test]
async fn a_shell_script_has_the_computer_run_another_one() {
    let mut desk = desk().await;
    let mut told = Vec::new();
    let script = "printf 'echo \"$LP_path\"\\nid' | linchpin_invoke -r -u -l sh -t 30 -a 'path=/etc/x y' -a a=b=c -s key\n\
                  echo \"ended with $?\"\n\
                  echo 'exit 3' | linchpin_invoke -l sh; echo \"ended with $?\"";
    let work = sh(Given::of(&desk), script);
    let answer = |asked: core_callback::Asked| {
        let Call::Invoke(one) = asked.call.clone() else { panic!("{asked:?}") };
        let is_second = one.script.starts_with("exit");
        told.push(*one);
        asked.answer(Ok(match is_second {
            true => came("finished", Some(3), "no\n"),
            false => came("finished", Some(0), "yes\n"),
        }));
    };
    let output = answering(&mut desk, answer, work).await;
    assert_eq!(text(&output.stdout), "yes\nended with 0\nno\nended with 3\n", "{output:?}");
    let first = Invocation {
        script: "echo \"$LP_path\"\nid".to_owned(),
        language: Some("sh".to_owned()),
        context: Some("user".to_owned()),
        reads_only: true,
        arguments: json!({ "path": "/etc/x y", "a": "b=c" }).as_object().cloned().unwrap(),
        secrets: vec!["key".to_owned()],
        time_limit: Some(30),
    };
    assert_eq!(told[0], first);
    assert!(!told[1].reads_only && told[1].context.as_deref() == Some("system"), "{told:?}");
}

#[tokio::test]
async fn what_did_not_run_on_the_computer_has_an_exit_code_of_its_own() {
    for (answer, exit) in [
        (Ok(came("timed_out", None, "")), 124),
        (Ok(came("not_run", None, "")), 125),
        (Ok(came("nobody_logged_on", None, "")), 126),
        (Ok(came("offline", None, "")), 127),
        (Ok(came("finished", Some(-2_147_467_259), "")), 1),
        (Err(Fault::Refused("it is only looked".to_owned())), 125),
    ] {
        let mut desk = desk().await;
        let work = sh(Given::of(&desk), "echo x | linchpin_invoke -l sh; echo \" $?\"");
        let output = answering(&mut desk, |asked| asked.answer(answer.clone()), work).await;
        let said = text(&output.stdout);
        assert!(said.trim_end().ends_with(&format!(" {exit}")), "{answer:?}: {said}");
    }
}

#[tokio::test]
async fn a_shell_script_asks_for_facts_reports_and_gets_a_token() {
    let mut desk = desk().await;
    let mut told = Vec::new();
    let script = "linchpin_fact computer/name; echo\n\
                  linchpin_fact nothing/there >/dev/null 2>&1 || echo missing\n\
                  linchpin_report '3 of 10: \"a\" & ü'\n\
                  echo '{\"mailboxes\": 10}' | linchpin_result\n\
                  linchpin_token graph; echo";
    let work = sh(Given::of(&desk), script);
    let answer = |asked: core_callback::Asked| {
        told.push(asked.call.clone());
        let answer = match &asked.call {
            Call::Facts => CallAnswer::Document(json!({ "computer": { "name": "PC-1" } })),
            Call::Report(_) => CallAnswer::Taken,
            Call::Token { .. } => CallAnswer::Token { token: Secret::new("t0k3n"), expires_in: 60 },
            Call::Invoke(_) => panic!("{asked:?}"),
        };
        asked.answer(Ok(answer));
    };
    let output = answering(&mut desk, answer, work).await;
    assert_eq!(text(&output.stdout), "PC-1\nmissing\nt0k3n\n", "{output:?}");
    let line = Report { line: Some("3 of 10: \"a\" & ü".to_owned()), result: None };
    let result = Report { line: None, result: Some(json!({ "mailboxes": 10 })) };
    let token = Call::Token { resource: "graph".to_owned(), client: None };
    assert_eq!(told, [Call::Facts, Call::Facts, Call::Report(line), Call::Report(result), token]);
}
