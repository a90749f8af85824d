//! What a session does, step by step.

use core_connector::Secret;
use core_maintenance::{BusinessHours, DayTime, Ended};
use core_model::library::{
    DesiredState, Parameter, ParameterKind, ScriptContext, ScriptLanguage, ScriptPurpose,
    TaskScripts,
};
use core_plan::{FailureClass, OnChange, Overall, RunKind};
use serde_json::json;

use crate::estate::{Estate, Life};

#[tokio::test]
async fn missing_software_is_installed_and_looked_at_before_it_counts() {
    let mut estate = Estate::new();
    estate.software("reader", &["1.0", "2.0"]);
    estate.demand("reader", DesiredState::Latest);
    let report = estate.whole().await;
    assert_eq!((report.overall, estate.read("reader").trim()), (Overall::Passed, "2.0"));
    assert_eq!(estate.read("log"), "install reader 2.0\n");
}

#[tokio::test]
async fn s4_a_task_is_tested_set_and_tested() {
    let mut estate = Estate::new();
    estate.task("policy");
    estate.demand("policy", DesiredState::Enforce);
    let report = estate.whole().await;
    assert_eq!(Estate::words(&report), ["compliant"]);
    // Looked at; then, when its turn comes: test, set, test.
    assert_eq!(estate.read("log"), "test policy\ntest policy\nset policy\ntest policy\n");
}

#[tokio::test]
async fn s5_a_set_that_ends_with_0_and_changes_nothing_is_not_compliant() {
    let mut estate = Estate::new();
    let lies = estate.sh("echo set >> @/log; exit 0");
    let task = estate.task("policy");
    task.scripts = task.scripts.clone().with(ScriptPurpose::Set, Some(lies));
    estate.demand("policy", DesiredState::Enforce);
    let report = estate.whole().await;
    let words = Estate::words(&report);
    assert!(
        words[0].starts_with("not compliant") && words[0].contains("tried 3 times"),
        "{words:?}"
    );
    assert_eq!(estate.read("log").matches("set\n").count(), 3);
}

#[tokio::test]
async fn s6_an_audit_counts_a_truth_value_at_the_end_and_keeps_the_output() {
    for (last, expected) in
        [("false", "not compliant"), ("echo", "failed"), ("echo maybe", "failed")]
    {
        let mut estate = Estate::new();
        let test = estate
            .sh(&format!("echo looking; {}", if last == "false" { "echo false" } else { last }));
        let task = estate.task("audit");
        task.scripts = TaskScripts::default().with(ScriptPurpose::Test, Some(test));
        estate.demand("audit", DesiredState::Audit);
        let report = estate.whole().await;
        let words = Estate::words(&report);
        assert!(words[0].starts_with(expected), "{last}: {words:?}");
        let kept = estate.kept.lock().unwrap();
        assert!(kept.lines.values().any(|line| line.said.output.contains("looking")), "{last}");
    }
}

#[tokio::test]
async fn s17_an_install_that_hangs_is_ended_and_the_rest_goes_on() {
    let mut estate = Estate::new();
    let mut hangs = estate.sh("sleep 300 & sleep 300");
    hangs.time_limit_s = Some(1);
    let reader = estate.software("reader", &["1.0"]);
    reader.scripts = reader.scripts.clone().with(ScriptPurpose::Install, Some(hangs));
    estate.software("zip", &["1.0"]);
    estate.demand("reader", DesiredState::Latest);
    estate.demand("zip", DesiredState::Latest);
    let report = estate.whole().await;
    let failed = report.results.iter().find_map(|(_, result)| match result {
        core_plan::ActionResult::Failed(failure) => Some(failure.class),
        _ => None,
    });
    assert_eq!(failed, Some(FailureClass::Timeout), "{report:?}");
    assert_eq!(estate.read("zip").trim(), "1.0");
    assert_eq!(report.overall, Overall::PartiallyPassed);
}

#[tokio::test]
async fn s18_a_download_that_fails_is_tried_three_times_and_told_as_such() {
    let mut estate = Estate::new();
    let reader = estate.software("reader", &["1.0"]);
    reader.versions[0].download = Some(core_model::library::Download {
        url: "http://127.0.0.1:9/reader.deb".to_owned(),
        sha256: None,
        file_name: None,
    });
    estate.demand("reader", DesiredState::Latest);
    let report = estate.whole().await;
    let words = Estate::words(&report);
    assert!(words[0].contains("tried 3 times"), "{words:?}");
    let (_, result) = &report.results[0];
    assert!(
        matches!(result, core_plan::ActionResult::Failed(failure) if failure.class == FailureClass::Download),
        "{result:?}"
    );
    assert_eq!(estate.read("log"), "", "nothing was installed");
    // Asked for by hand once more, it is tried as often again.
    estate.another_session();
    let key = report.results[0].0.clone();
    estate.change = Box::new(move |brief| brief.run = RunKind::Again([key.clone()].into()));
    let words = Estate::words(&estate.whole().await);
    assert!(words[0].contains("tried 3 times"), "{words:?}");
}

#[tokio::test]
async fn s1_looking_changes_nothing_and_s2_what_changed_since_is_planned_anew() {
    let mut estate = Estate::new();
    estate.software("reader", &["1.0"]);
    estate.software("zip", &["1.0"]);
    estate.task("policy");
    for (name, state) in [
        ("reader", DesiredState::Latest),
        ("zip", DesiredState::Latest),
        ("policy", DesiredState::Enforce),
    ] {
        estate.demand(name, state);
    }
    let Ended::Planned(plan) = estate.process(Life::endless(), false).await.unwrap() else {
        panic!("a plan is expected")
    };
    assert_eq!(estate.read("log"), "test policy\n", "only tests ran");
    assert_eq!(plan.actions.len(), 3);
    // Somebody changes one rule meanwhile.
    estate.change = Box::new(|brief| {
        for demand in &mut brief.demands {
            if let core_maintenance::Demand::Won { deployment, .. } = demand
                && deployment.name.starts_with("zip")
            {
                std::sync::Arc::make_mut(deployment).state = DesiredState::Absent;
            }
        }
    });
    let ended = estate.process(Life::endless(), true).await.unwrap();
    let Ended::Over { changed, report, .. } = ended else { panic!("{ended:?}") };
    assert_eq!((estate.read("reader").trim(), estate.read("zip").trim()), ("1.0", ""));
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed.values().next().unwrap().words().contains("zip everywhere"), "{changed:?}");
    assert_eq!(report.overall, Overall::Passed);
}

#[tokio::test]
async fn s2_or_is_left_for_another_session_where_the_settings_say_so() {
    let mut estate = Estate::new();
    estate.software("reader", &["1.0", "2.0"]);
    estate.demand("reader", DesiredState::Latest);
    assert!(matches!(estate.process(Life::endless(), false).await, Ok(Ended::Planned(_))));
    estate.change = Box::new(|brief| {
        brief.on_change = OnChange::Skip;
        if let core_maintenance::Demand::Won { deployment, .. } = &mut brief.demands[0] {
            std::sync::Arc::make_mut(deployment).state =
                DesiredState::ThisVersion("1.0".to_owned());
        }
    });
    let report = estate.whole().await;
    let words = Estate::words(&report);
    assert!(words[0].starts_with("skipped: changed since"), "{words:?}");
    assert_eq!(estate.read("log"), "");
}

#[tokio::test]
async fn a_run_that_only_looks_says_what_it_would_do() {
    let mut estate = Estate::new();
    estate.software("reader", &["1.0"]);
    estate.demand("reader", DesiredState::Latest);
    estate.change = Box::new(|brief| brief.run = RunKind::DetectOnly);
    let report = estate.whole().await;
    assert_eq!(Estate::words(&report), ["pending"]);
    assert_eq!(estate.read("log"), "");
}

#[tokio::test]
async fn a_secret_gets_to_its_script_and_into_no_word_of_the_book() {
    let mut estate = Estate::new();
    estate.secrets.insert("join".to_owned(), Secret::new("hunter2-marker"));
    let test = estate.sh(
        "echo $LP_password > @/got; echo \"leaks $LP_password\"; echo \"$LP_password\" >&2; exit 1",
    );
    let task = estate.task("join");
    task.scripts = TaskScripts::default().with(ScriptPurpose::Test, Some(test));
    task.parameters = vec![Parameter::new("password", ParameterKind::Password)];
    let deployment = estate.demand("join", DesiredState::Audit);
    deployment.parameters.insert("password".to_owned(), json!("store:join"));
    let report = estate.whole().await;
    assert_eq!(estate.read("got").trim(), "hunter2-marker");
    let kept = estate.kept.lock().unwrap();
    let book = format!("{:?} {report:?}", kept.lines);
    assert!(!book.contains("hunter2") && book.contains("leaks ***"), "{book}");
}

#[tokio::test]
async fn a_metascript_runs_in_the_hub_with_nothing_of_the_hubs_environment() {
    let mut estate = Estate::new();
    let body = "cat > @/stdin; env > @/env; echo true";
    let test = estate.sh(body).in_context(ScriptContext::Metascript);
    let task = estate.task("facts");
    task.scripts = TaskScripts::default().with(ScriptPurpose::Test, Some(test));
    estate.demand("facts", DesiredState::Audit);
    let report = estate.whole().await;
    assert_eq!(Estate::words(&report), ["compliant"]);
    let env = estate.read("env");
    assert!(env.contains("LP_computer=PC-1") && !env.contains("CARGO"), "{env}");
    assert!(estate.read("stdin").contains("\"arguments\""));
}

#[tokio::test]
async fn a_metascript_has_its_time_its_memory_and_a_name_that_is_there() {
    let mut estate = Estate::new();
    let mut slow = estate.sh("sleep 60 & sleep 60").in_context(ScriptContext::Metascript);
    slow.time_limit_s = Some(1);
    let nowhere = estate
        .sh("x")
        .in_language(ScriptLanguage::Interpreter("no-such-program".to_owned()))
        .in_context(ScriptContext::Metascript);
    let greedy = estate
        .sh("awk 'BEGIN { s = sprintf(\"%200000000s\", \"\"); print length(s) }'; echo true")
        .in_context(ScriptContext::Metascript);
    estate.hubside.memory = 64 << 20;
    for (name, script) in [("a", slow), ("b", nowhere), ("c", greedy)] {
        let task = estate.task(name);
        task.scripts = TaskScripts::default().with(ScriptPurpose::Test, Some(script));
        estate.demand(name, DesiredState::Audit);
    }
    let words = Estate::words(&estate.whole().await);
    assert!(words[0].contains("ended after its 1 seconds"), "{words:?}");
    assert!(words[1].contains("127") || words[1].contains("no-such-program"), "{words:?}");
    let kept = estate.kept.lock().unwrap();
    let errors: Vec<&str> = kept.lines.values().map(|line| line.said.errors.as_str()).collect();
    assert!(
        errors.iter().any(|errors| errors.contains("emory") || errors.contains("alloc")),
        "{errors:?} {words:?}"
    );
}

#[tokio::test]
async fn changes_wait_for_the_end_of_business_hours_where_they_are_to() {
    let mut estate = Estate::new();
    estate.software("reader", &["1.0"]);
    estate.demand("reader", DesiredState::Latest);
    estate.change = Box::new(|brief| {
        let all = [0, 1, 2, 3, 4, 5, 6].map(|day| chrono::Weekday::try_from(day).unwrap());
        let time = |text| DayTime::parse(text).unwrap();
        brief.hours = Some(BusinessHours {
            from: time("00:00"),
            until: time("23:59"),
            days: all.to_vec(),
            zone: chrono_tz::UTC,
        });
        brief.changes_wait = true;
    });
    match estate.process(Life::endless(), true).await {
        Ok(Ended::Waits { why, until: Some(_) }) => assert_eq!(why, "business hours until 23:59"),
        // The one minute of the day.
        Ok(Ended::Over { .. }) => return,
        other => panic!("{other:?}"),
    }
    assert_eq!(estate.read("log"), "", "it was looked at, and not changed");
    estate.change = Box::new(|_| ());
    assert_eq!(estate.whole().await.overall, Overall::Passed);
    assert_eq!(estate.read("log"), "install reader 1.0\n");
}

/// What a monitor prints: two megabytes of JSON in one line, with something secret in it.
fn large() -> String {
    let row = "{\"name\":\"C:\",\"RecoveryKey\":\"112233-hunter2\"}";
    let rows = vec![row; (2 << 20) / row.len() + 1].join(",");
    format!("{{\"disks\":[{rows}]}}")
}

#[tokio::test]
async fn s7_what_a_monitor_reads_is_kept_whole_and_says_nothing_of_compliance() {
    for in_hub in [false, true] {
        let mut estate = Estate::new();
        std::fs::write(estate.path("large"), large()).unwrap();
        let mut get = estate.sh("echo first some words; cat @/large; echo");
        if in_hub {
            get = get.in_context(ScriptContext::Metascript);
        }
        let task = estate.task("disks");
        task.scripts = TaskScripts::default().with(ScriptPurpose::Get, Some(get));
        task.secret_fields = vec!["recoverykey".to_owned()];
        estate.demand("disks", DesiredState::Monitor);
        let report = estate.whole().await;
        assert_eq!(Estate::words(&report), ["recorded"], "in the hub: {in_hub}");
        let kept = estate.kept.lock().unwrap();
        let readings: Vec<_> =
            kept.lines.values().filter_map(|line| line.said.reading.clone()).collect();
        assert_eq!(readings.len(), 1, "it is read once");
        assert_eq!(readings[0].value, serde_json::from_str::<serde_json::Value>(&large()).unwrap());
        let hidden = readings[0].clone().hidden().to_string();
        assert!(hidden.contains("\"RecoveryKey\":\"***\"") && !hidden.contains("hunter2"));
        // Beside the reading it stands nowhere.
        let beside =
            kept.lines.values().map(|line| format!("{:?} {}", line.outcome, line.said.output));
        assert!(beside.into_iter().all(|text| !text.contains("hunter2")));
    }
}

#[tokio::test]
async fn s7_a_reading_that_is_cut_off_is_none() {
    let mut estate = Estate::new();
    std::fs::write(estate.path("large"), format!("\"{}\"", "x".repeat(5 << 20))).unwrap();
    let get = estate.sh("cat @/large; echo");
    let task = estate.task("disks");
    task.scripts = TaskScripts::default().with(ScriptPurpose::Get, Some(get));
    estate.demand("disks", DesiredState::Monitor);
    let words = Estate::words(&estate.whole().await);
    assert!(words[0].starts_with("failed: what it read has 5"), "{words:?}");
}
