//! A runner and a hub that is none: what is run, what is refused, and what a crash leaves.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]

mod hub;

use std::path::Path;
use std::time::Duration;

use core_runner::{Journal, Order, Outcome, Phase, Shell};
use uuid::Uuid;

use hub::{Bench, order};

fn finished() -> Outcome {
    Outcome::Finished { exit: Some(0), truncated: false }
}

fn why(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Refused { why } | Outcome::Lost { why } => why,
        other => panic!("{other:?}"),
    }
}

fn count(file: &Path) -> usize {
    std::fs::read_to_string(file).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn a_command_sees_its_input_and_nothing_of_the_runners_environment() {
    let bench = Bench::enrolled().await;
    let run = bench.hub.send("env | cut -d= -f1 | sort; cat; echo to-errors >&2", Some("s3cret\n"));
    let agent = bench.start();
    let (outcome, printed) = bench.hub.over(run).await;
    assert_eq!(outcome, finished());
    let names: Vec<&str> = printed.lines().collect();
    let usual = ["HOME", "LANG", "LINCHPIN_PACKAGES", "PATH", "TZ", "PWD", "OLDPWD", "SHLVL", "_"];
    for name in &names {
        assert!(usual.contains(name) || ["s3cret", "to-errors"].contains(name), "{name}");
    }
    assert!(names.contains(&"PATH") && names.contains(&"s3cret"), "{printed}");
    // What went by standard input, and what ran, is on no disk when it is over.
    bench.told(run).await;
    for file in bench.files() {
        let text = std::fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("s3cret") && !text.contains("cut -d="), "{}", file.display());
    }
    agent.abort();
}

#[tokio::test]
async fn what_is_printed_arrives_whole_in_pieces_and_not_beyond_its_limit() {
    let bench = Bench::enrolled().await;
    let agent = bench.start();
    let run = bench.hub.send("seq 1 40000", None);
    let (outcome, printed) = bench.hub.over(run).await;
    assert_eq!(outcome, finished());
    let expected: String = (1..=40_000).map(|number| format!("{number}\n")).collect();
    assert!(printed == expected, "{} bytes of {}", printed.len(), expected.len());
    assert!(bench.hub.pieces() > 3);

    let limited = Order { output_limit: 1000, ..order() };
    let run = bench.hub.sign(limited, "seq 1 40000", None);
    let (outcome, printed) = bench.hub.over(run).await;
    assert_eq!(outcome, Outcome::Finished { exit: Some(0), truncated: true });
    assert_eq!(printed, expected[..1000]);
    agent.abort();
}

#[tokio::test]
async fn what_is_unsigned_foreign_changed_or_expired_is_refused_and_said_and_runs_nothing() {
    let bench = Bench::enrolled().await;
    let agent = bench.start();
    let trace = bench.folder.path().join("ran");
    let text = format!("echo ran >>{}", trace.display());
    let unsigned = bench.hub.forge(order(), &text);
    let (outcome, _) = bench.hub.over(unsigned).await;
    assert!(why(&outcome).contains("not signed with the key"), "{outcome:?}");
    let foreign = Order { runner: Uuid::from_u128(9), ..order() };
    let (outcome, _) = bench.hub.over(bench.hub.sign(foreign, &text, None)).await;
    assert!(why(&outcome).contains("for the runner 00000000-"), "{outcome:?}");
    let expired = Order { not_after_s: 1_000, ..order() };
    let (outcome, _) = bench.hub.over(bench.hub.sign(expired, &text, None)).await;
    assert!(why(&outcome).contains("this machine's clock says"), "{outcome:?}");
    let windows = Order { shell: Shell::PowerShell, ..order() };
    let (outcome, _) = bench.hub.over(bench.hub.sign(windows, &text, None)).await;
    assert!(why(&outcome).contains("powershell"), "{outcome:?}");
    let changed = bench.hub.change(order(), "true", &text);
    let (outcome, _) = bench.hub.over(changed).await;
    assert!(why(&outcome).contains("its text is not the one"), "{outcome:?}");
    assert_eq!(count(&trace), 0);
    agent.abort();
}

#[tokio::test]
async fn a_run_is_refused_the_second_time_also_after_a_restart() {
    let bench = Bench::enrolled().await;
    let agent = bench.start();
    let trace = bench.folder.path().join("ran");
    let text = format!("echo ran >>{}", trace.display());
    let run = bench.hub.send(&text, None);
    assert_eq!(bench.hub.over(run).await.0, finished());
    bench.told(run).await;
    for restart in [false, true] {
        let agent = if restart {
            agent.abort();
            Some(bench.start())
        } else {
            None
        };
        bench.hub.replay(run);
        let (outcome, _) = bench.hub.over(run).await;
        assert!(why(&outcome).contains("was begun before"), "{outcome:?}");
        assert_eq!(count(&trace), 1);
        if let Some(agent) = agent {
            agent.abort();
        }
    }
}

#[tokio::test]
async fn time_that_is_over_ends_a_command_with_all_that_it_started() {
    let bench = Bench::enrolled().await;
    let agent = bench.start();
    let trace = bench.folder.path().join("late");
    let text = format!("(sleep 4; echo late >{}) & sleep 60", trace.display());
    let limited = Order { limit_s: 1, ..order() };
    let run = bench.hub.sign(limited, &text, None);
    let (outcome, _) = bench.hub.over(run).await;
    assert_eq!(outcome, Outcome::TimedOut { after_s: 1 });
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(count(&trace), 0, "what it started went on");
    agent.abort();
}

#[tokio::test]
async fn a_runner_that_dies_while_a_command_runs_is_followed_by_one_that_tells_its_end() {
    let bench = Bench::enrolled().await;
    let agent = bench.start();
    let (trace, go) = (bench.folder.path().join("ran"), bench.folder.path().join("go"));
    let text = format!(
        "echo begun >>{0}; while [ ! -e {1} ]; do sleep 0.1; done; echo end >>{0}; echo done",
        trace.display(),
        go.display()
    );
    let run = bench.hub.send(&text, None);
    bench.until(|| count(&trace) == 1).await;
    agent.abort();
    bench.until(|| agent.is_finished()).await;
    let journal = Journal::open(&bench.state().journal()).unwrap();
    assert!(matches!(journal.get(run).unwrap().phase, Phase::Running { .. }));
    let agent = bench.start();
    std::fs::write(&go, "").unwrap();
    let (outcome, printed) = bench.hub.over(run).await;
    assert_eq!((outcome, &*printed), (finished(), "done\n"));
    assert_eq!(count(&trace), 2, "it ran once");
    agent.abort();
}

#[tokio::test]
async fn an_answer_that_did_not_arrive_is_told_again_and_its_command_not_run_again() {
    let bench = Bench::enrolled().await;
    let agent = bench.start();
    let trace = bench.folder.path().join("ran");
    let run = bench.hub.send(&format!("echo ran | tee -a {}", trace.display()), None);
    bench.until(|| count(&trace) == 1).await;
    bench.hub.away(true);
    bench
        .until(|| {
            let journal = Journal::open(&bench.state().journal()).unwrap();
            matches!(journal.get(run).unwrap().phase, Phase::Over(_) | Phase::Told)
        })
        .await;
    agent.abort();
    bench.until(|| agent.is_finished()).await;
    bench.hub.away(false);
    let agent = bench.start();
    let (outcome, printed) = bench.hub.over(run).await;
    assert_eq!((outcome, &*printed), (finished(), "ran\n"));
    assert_eq!(count(&trace), 1);
    agent.abort();
}

#[tokio::test]
async fn what_was_about_to_be_begun_when_the_runner_died_is_lost_and_not_run() {
    let bench = Bench::enrolled().await;
    let trace = bench.folder.path().join("ran");
    let text = format!("echo ran >>{}", trace.display());
    let run = bench.hub.send(&text, None);
    let mut journal = Journal::open(&bench.state().journal()).unwrap();
    let entry = Order { run, ..order() };
    journal.write(&entry, Phase::Beginning).unwrap();
    let agent = bench.start();
    let (outcome, _) = bench.hub.over(run).await;
    assert!(why(&outcome).contains("was ended while it began it"), "{outcome:?}");
    assert_eq!(count(&trace), 0);
    agent.abort();
}

#[tokio::test]
async fn what_comes_twice_at_once_runs_once() {
    let bench = Bench::enrolled().await;
    let trace = bench.folder.path().join("ran");
    bench.hub.twice(true);
    let agent = bench.start();
    let run = bench.hub.send(&format!("echo ran >>{}; sleep 1", trace.display()), None);
    assert_eq!(bench.hub.over(run).await.0, finished());
    assert_eq!(count(&trace), 1);
    agent.abort();
}

#[tokio::test]
async fn an_enrolment_whose_answer_was_lost_is_asked_again_with_the_same_key_and_none_is_made_twice()
 {
    let bench = Bench::new();
    bench.hub.away(true);
    let error = bench.enrol().await.unwrap_err().to_string();
    assert!(error.contains("does not answer"), "{error}");
    bench.hub.away(false);
    let enrolled = bench.enrol().await.unwrap();
    assert_eq!(enrolled.tenant, "Acme");
    assert_eq!(bench.hub.keys(), 1, "asked twice with one key");
    let error = bench.enrol().await.unwrap_err().to_string();
    assert!(error.contains("holds an enrolment already"), "{error}");
}
