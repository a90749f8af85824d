//! `linchpin sessions`: what waits and runs, one in full, and taking back.

use core_model::id::{DeploymentId, SessionId};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind, SessionState, TicketRef};
use core_store::{SessionWord, Take};

use super::firm::{Firm, computer, tenant};
use crate::run::Place;

fn waits(of: &str, name: &str, kind: SessionKind, asked_us: i64) -> Session {
    Session {
        id: SessionId::of_text(name, asked_us),
        deployment: Some(DeploymentId::of_text(name, 1)),
        kind,
        group: Some("night".to_owned()).filter(|_| kind == SessionKind::Scheduled),
        asked_by: "ana".to_owned(),
        ticket: Some(TicketRef { connection: "halo".to_owned(), key: "7".to_owned() }),
        expires_us: Some(1_900_000_000_000_000),
        ..Session::asked(tenant(of), computer(name), name, &format!("Reader for {name}"), asked_us)
    }
}

/// Three that wait and one that runs.
async fn firm() -> (Firm, Vec<Session>) {
    let firm = Firm::new().await;
    let now = 1_796_000_000_000_000;
    let all = vec![
        waits("Contoso", "PC-042", SessionKind::AdHoc, now),
        waits("Contoso", "PC-041", SessionKind::Scheduled, now + 1_000_000),
        waits("Fabrikam", "FAB-1", SessionKind::Scheduled, now + 2_000_000),
        waits("Contoso", "PC-001", SessionKind::Onboarding, now + 3_000_000),
    ];
    let store = firm.store().await;
    store.add_sessions(&all).await.unwrap();
    let rules = &QueueRules::default();
    let now_us = now + 4_000_000;
    let take = Take { engine: "one", most: 1, tenants: None, rules, bars: &|_| None, now_us };
    assert_eq!(store.take_sessions(take).await.unwrap().taken[0].id, all[0].id);
    let state = SessionState::Running;
    let word = SessionWord {
        state,
        word: "installing",
        result: None,
        by: "one",
        take: None,
        rules,
        now_us,
    };
    store.tell_session(all[0].id, word).await.unwrap();
    store.close().await;
    (firm, all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_listed_with_what_waits_and_runs_and_one_is_shown_in_full() {
    let (firm, all) = firm().await;
    let ran = firm.run(&["sessions"]).ended(0).readable();
    let first = ran.out.lines().next().unwrap();
    assert_eq!(
        first, "1 session runs (1 ad-hoc); 3 wait (1 onboarding, 2 scheduled).",
        "{}",
        ran.out
    );
    assert!(ran.out.contains("Fabrikam") && ran.out.contains("running"), "{}", ran.out);
    for (arguments, names) in [
        (&["--state", "waiting"][..], &["PC-001", "FAB-1", "PC-041"][..]),
        (&["--tenant", "contoso", "--kind", "scheduled"], &["PC-041"]),
        (&["--group", "night", "--limit", "1"], &["FAB-1"]),
        (&["--state", "expired"], &[]),
    ] {
        let lines = firm.run(&[&["sessions", "--json"], arguments].concat()).ended(0).json();
        let found: Vec<&str> =
            lines.iter().map(|line| line["subject_name"].as_str().unwrap()).collect();
        assert_eq!(found, names, "{arguments:?}");
    }
    let id = all[0].id.to_string();
    let shown = firm.run(&["sessions", "show", &id]).ended(0).readable().out;
    for part in ["Reader for PC-042", "Contoso", "installing", "one", "7 of halo", "1 time"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let shown = firm.run(&["sessions", "show", &id[..id.len() - 1], "--json"]).ended(0).value();
    assert_eq!((&shown["id"], &shown["takes"]), (&id.into(), &1.into()));
    firm.run(&["sessions", "show", "ses_nobody"]).refused(&["no session `ses_nobody`"]);
    let both = firm.run(&["sessions", "show", "ses_"]).ended(2);
    assert!(both.err.contains("the beginning of several sessions"), "{}", both.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_taken_back_one_by_one_or_by_what_they_are() {
    let (firm, all) = firm().await;
    let id = all[3].id.to_string();
    let ran = firm.run(&["sessions", "cancel", &id, "--by", "ben"]).ended(0);
    assert_eq!(ran.out, "1 session was taken back.\n");
    firm.run(&["sessions", "cancel", &id]).refused(&["is cancelled and cannot become cancelled"]);
    let ran = firm.run(&["sessions", "cancel", "--tenant", "Contoso", "--json"]).ended(0);
    assert_eq!(ran.value()["ids"], serde_json::json!([all[1].id]));
    let ran = firm.run(&["sessions", "cancel", "--all-waiting"]).ended(0);
    assert_eq!(ran.out, "1 session was taken back.\n");
    let ran = firm.run(&["sessions", "cancel", "--tenant", "Contoso", "--running"]).ended(0);
    assert_eq!(ran.out, "1 session was taken back.\n");
    let store = firm.store().await;
    let one = store.session(all[3].id).await.unwrap();
    assert_eq!((one.state, &*one.word), (SessionState::Cancelled, "taken back by ben"));
    // Each ticket is to hear of it.
    assert_eq!(store.waiting_deliveries().await.unwrap(), 4);
    let audit = firm.run(&["audit", "--json"]).ended(0).out;
    assert!(audit.contains("cancel-session\"") && audit.contains("cancel-sessions"), "{audit}");
}

#[test]
fn what_is_taken_back_is_named() {
    let place = Place::with("[hub]\ndatabase = \"sqlite://hub.db\"\n");
    for arguments in [
        &["cancel"][..],
        &["cancel", "--running"],
        &["cancel", "ses_1", "--all-waiting"],
        &["cancel", "--all-waiting", "--tenant", "x"],
        &["--state", "done"],
        &["cancel", "--tenant", "nobody"],
    ] {
        place.run(&[&["sessions"], arguments].concat()).ended(2).silent();
    }
    let none = place.run(&["sessions"]).ended(0);
    assert_eq!(none.out, "0 sessions run; 0 wait.\n");
}
