//! Scripts in the hub that call down to the computer, ask for facts and tokens, and tell how they go.

use std::sync::atomic::Ordering;

use core_connector::Secret;
use core_maintenance::{Ended, Line, NoToken};
use core_model::library::{
    DesiredState, Parameter, ParameterKind, Script, ScriptContext, ScriptNeed, TaskScripts,
};
use core_plan::{ActionResult, Beside, FailureClass, Outcome, Overall, Step};
use serde_json::{Value, json};

use crate::estate::{Estate, Life};

/// Tests by a script on the computer, and sets by another one.
const POLICY: &str = r#". "$LINCHPIN_SH"
case $LP_method in
test) echo 'if [ "$(cat @/policy 2>/dev/null)" = right ]; then echo true; else echo false; fi' | linchpin_invoke -r -l sh ;;
set) echo "echo set >> @/log; echo $LP_computer > @/name; echo right > @/policy" | linchpin_invoke -l sh ;;
esac"#;

fn metascript(estate: &Estate, body: &str) -> Script {
    estate.sh(body).in_context(ScriptContext::Metascript)
}

/// An estate whose task is done by one script in the hub.
fn estate(body: &str) -> Estate {
    let mut estate = Estate::new();
    let script = metascript(&estate, body);
    by(&mut estate, script);
    estate
}

fn by(estate: &mut Estate, script: Script) {
    given(estate, script, Vec::new(), &json!({}));
}

/// A task of a script with parameters, and what a deployment gives it.
fn given(estate: &mut Estate, script: Script, parameters: Vec<Parameter>, values: &Value) {
    let task = estate.task("policy");
    task.scripts = TaskScripts { combined: Some(script), ..TaskScripts::default() };
    task.parameters = parameters;
    let deployment = estate.demand("policy", DesiredState::Enforce);
    deployment.parameters = values.as_object().cloned().unwrap();
}

fn invoked(estate: &Estate) -> Vec<(bool, Line)> {
    let kept = estate.kept.lock().unwrap();
    let called = |line: &Line| match line.step {
        Step::Beside(Beside::Invoke { reads, .. }) => Some((reads, line.clone())),
        _ => None,
    };
    kept.lines.values().filter_map(called).collect()
}

/// The lines of the script itself.
fn own(estate: &Estate) -> Vec<Line> {
    let kept = estate.kept.lock().unwrap();
    kept.lines.values().filter(|line| matches!(line.step, Step::Item { .. })).cloned().collect()
}

fn class(report: &core_plan::Report) -> Option<(FailureClass, String)> {
    match &report.results[0].1 {
        ActionResult::Failed(failure) => Some((failure.class, failure.message.clone())),
        _ => None,
    }
}

#[tokio::test]
async fn a_script_in_the_hub_brings_the_computer_where_it_should_be_by_scripts_that_it_calls_for() {
    let estate = estate(POLICY);
    let report = estate.whole().await;
    assert_eq!(report.overall, Overall::Passed, "{report:?}");
    assert_eq!((estate.read("log").as_str(), estate.read("name").trim()), ("set\n", "PC-1"));
    let called = invoked(&estate);
    let reads: Vec<bool> = called.iter().map(|(reads, _)| *reads).collect();
    assert_eq!(reads, [true, true, false, true], "looked at; tested, set, tested");
    for (_, line) in called {
        assert_eq!(line.outcome, Some(Outcome::Done { reboot: false }), "{line:?}");
        assert_eq!((line.said.way.as_deref(), line.said.exit), (Some("one"), Some(0)));
        assert_eq!(line.said.value, None, "what the engine kept of it is gone with its end");
    }
}

#[tokio::test]
async fn what_only_looks_may_only_call_for_what_says_that_it_reads() {
    let body =
        ". \"$LINCHPIN_SH\"; echo 'echo changed >> @/log; echo true' | linchpin_invoke -l sh";
    let estate = estate(body);
    let report = estate.whole().await;
    let (class, _) = class(&report).unwrap();
    assert_eq!((class, estate.read("log").as_str()), (FailureClass::Read, ""));
    assert_eq!(invoked(&estate), [], "nothing was sent");
    assert!(own(&estate)[0].said.output.contains("reads_only"), "{:?}", own(&estate));
}

#[tokio::test]
async fn s13_a_hub_that_dies_at_any_word_while_a_script_that_was_called_for_is_under_way_repeats_nothing()
 {
    let mut words = 0;
    loop {
        let estate = estate(POLICY);
        let life = Life::of(words);
        let first = estate.process(life.clone(), true).await;
        if matches!(first, Ok(Ended::Over { .. })) && !life.is_dead() {
            break;
        }
        let report = estate.whole().await;
        assert_eq!(report.overall, Overall::Passed, "died after {words} words: {report:?}");
        assert_eq!(estate.read("policy").trim(), "right", "died after {words} words");
        let log = estate.read("log");
        assert_eq!(log, "set\n", "died after {words} words");
        let open = invoked(&estate).into_iter().find(|(_, line)| line.is_open());
        assert_eq!(open, None, "died after {words} words");
        words += 1;
    }
    assert!(words > 25, "a session says more than {words} words");
}

#[tokio::test]
async fn facts_are_those_of_the_subject_and_what_is_reported_is_kept_without_secrets() {
    let body = r#". "$LINCHPIN_SH"
linchpin_report "asks for $(linchpin_fact computer/name) of $(linchpin_fact tenant/name)"
linchpin_report 'knows hunter2-and-more'
printf '{"wanted": "%s", "key": "hunter2-and-more"}' "$(linchpin_fact parameters/level)" | linchpin_result
linchpin_fact other 2>/dev/null | grep -q nothing && echo missing
echo "$LINCHPIN_TOKEN"
echo true"#;
    let mut estate = Estate::new();
    let script = metascript(&estate, body);
    let key = Parameter::new("key", ParameterKind::Password);
    let parameters = vec![Parameter::new("level", ParameterKind::Text), key];
    given(&mut estate, script, parameters, &json!({ "level": "high", "key": "store:key" }));
    estate.secrets.insert("key".to_owned(), Secret::new("hunter2-and-more"));
    let report = estate.whole().await;
    assert_eq!(report.overall, Overall::Passed, "{report:?} {:?}", own(&estate));
    let line = &own(&estate)[0];
    assert_eq!(line.said.reports, ["asks for PC-1 of Contoso", "knows ***"]);
    assert_eq!(line.said.result, Some(json!({ "wanted": "high", "key": "***" })));
    assert_eq!(line.said.output, "missing\n***\ntrue\n", "its own token is a secret, too");
    let said = estate.around.lock().unwrap().said.clone();
    assert!(said[0].ends_with("asks for PC-1 of Contoso"), "{said:?}");
}

#[tokio::test]
async fn secrets_go_to_the_computer_by_their_names_and_never_in_a_script() {
    let body = r#". "$LINCHPIN_SH"
key=$(sed 's/.*"key":"\([^"]*\)".*/\1/')
case $LP_method in
test) echo "[ \"\$(cat @/policy 2>/dev/null)\" = $key ] && echo true || echo false" | linchpin_invoke -r -l sh >/dev/null
      echo "refused with $?"
      echo 'if [ "$(cat @/policy 2>/dev/null)" = "$LP_key" ]; then echo true; else echo false; fi' | linchpin_invoke -r -l sh -s key ;;
set) echo 'echo "$LP_key" > @/policy; echo "is $LP_key"' | linchpin_invoke -l sh -s key -s other >/dev/null || echo "no other: $?"
     echo 'echo "$LP_key" > @/policy; echo "is $LP_key"' | linchpin_invoke -l sh -s key ;;
esac"#;
    let mut estate = Estate::new();
    let script = metascript(&estate, body);
    let key = vec![Parameter::new("key", ParameterKind::Password)];
    given(&mut estate, script, key, &json!({ "key": "store:key" }));
    estate.secrets.insert("key".to_owned(), Secret::new("correct-horse"));
    let report = estate.whole().await;
    assert_eq!(report.overall, Overall::Passed, "{report:?} {:#?}", own(&estate));
    assert_eq!(estate.read("policy").trim(), "correct-horse");
    let written = format!("{:?}", estate.kept.lock().unwrap().lines);
    assert!(!written.contains("correct-horse"), "{written}");
    assert!(written.contains("refused with 125") && written.contains("no other: 125"), "{written}");
    assert!(written.contains("is ***"), "{written}");
}

#[tokio::test]
async fn s10_a_computer_that_is_away_for_a_script_that_was_called_for_is_waited_for() {
    let estate = estate(POLICY);
    estate.ways[0].1.online.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        match estate.process(Life::endless(), true).await.unwrap() {
            Ended::Waits { until: None, why } => assert!(why.contains("no way leads"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    estate.ways[0].1.online.store(true, Ordering::SeqCst);
    assert_eq!(estate.whole().await.overall, Overall::Passed);
    assert_eq!(estate.read("log"), "set\n");
}

#[tokio::test]
async fn one_script_runs_on_the_computer_at_a_time_and_is_waited_for_though_nobody_waits_for_it() {
    let body = r#". "$LINCHPIN_SH"
case $LP_method in
test) echo 'cat @/policy 2>/dev/null | grep -q right && echo true || echo false' | linchpin_invoke -r -l sh ;;
set) echo ': > @/begun; while [ ! -e @/go ]; do sleep 0.05; done; echo set >> @/log; echo right > @/policy' |
         linchpin_invoke -l sh >/dev/null 2>&1 &
     while [ ! -e @/begun ]; do sleep 0.05; done
     echo 'true' | linchpin_invoke -l sh | grep -q 'one runs at a time' || exit 1
     kill $!; : > @/go ;;
esac"#;
    let estate = estate(body);
    let report = estate.whole().await;
    assert_eq!(report.overall, Overall::Passed, "{report:?} {:#?}", own(&estate));
    assert_eq!(estate.read("log"), "set\n");
}

#[tokio::test]
async fn a_token_is_given_where_the_definition_asks_for_it_and_is_kept_nowhere() {
    let body = ". \"$LINCHPIN_SH\"; token=$(linchpin_token graph) || exit 1; echo \"has $token\"; echo true";
    for (needs, given, expected) in [
        (vec![ScriptNeed::Graph], Some(Ok("eyJ0eXAi.of.contoso")), None),
        (Vec::new(), Some(Ok("eyJ0eXAi.of.contoso")), Some(FailureClass::Read)),
        (vec![ScriptNeed::Graph], None, Some(FailureClass::Auth)),
        (
            vec![ScriptNeed::Graph],
            Some(Err(NoToken::Denied("the consent was revoked".to_owned()))),
            Some(FailureClass::Auth),
        ),
    ] {
        let mut estate = Estate::new();
        let mut script = metascript(&estate, body);
        script.needs = needs;
        by(&mut estate, script);
        estate.around.lock().unwrap().token = given.clone();
        let report = estate.whole().await;
        let class = class(&report);
        assert_eq!(class.as_ref().map(|(class, _)| *class), expected, "{given:?} {class:?}");
        let written = format!("{:?}", estate.kept.lock().unwrap().lines);
        assert!(!written.contains("of.contoso"), "{written}");
        if expected.is_none() {
            assert!(written.contains("has ***"), "{written}");
        }
    }
}

#[tokio::test]
async fn what_a_script_in_the_hub_started_ends_with_it_though_the_session_is_put_down() {
    let body = "(sleep 60; echo late >> @/log) & echo $! > @/pid; sleep 60";
    let estate = estate(body);
    let life = Life::endless();
    let session = estate.process(life, true);
    let started = async {
        while estate.read("pid").trim().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    // Whoever has the session lets it go in the middle.
    tokio::select! {
        ended = session => panic!("{ended:?}"),
        () = started => {}
    }
    let pid = estate.read("pid").trim().to_owned();
    let gone = || !std::path::Path::new(&format!("/proc/{pid}")).exists() || is_zombie(&pid);
    for _ in 0..500 {
        if gone() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("process {pid} is still there");
}

fn is_zombie(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}
