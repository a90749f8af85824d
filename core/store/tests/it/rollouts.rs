//! Where deployments with rings stand, what came of their members, what a tenant's winners are; and two sessions side
//! by side.

use core_model::session::{SessionKind, SessionState};
use core_store::{ActionQuery, SessionAction, SessionWord};

use crate::books::{action, taken};
use crate::harness::Bench;
use crate::queue::{RULES, waits};

on_both!(
    s30_where_a_deployment_stands_is_kept_by_one_of_two_who_look,
    s30_of_a_member_the_newest_result_of_the_version_counts,
    what_a_tenant_s_winners_are_is_kept_by_one_of_two_who_change_it,
    what_came_of_an_item_before_is_found_and_drift_is_kept,
    failures_are_grouped_without_what_is_one_computer_s_own,
    two_sessions_are_compared_item_by_item,
);

async fn s30_where_a_deployment_stands_is_kept_by_one_of_two_who_look(bench: Bench) {
    let store = &bench.store;
    assert_eq!(store.rollout("dep_1").await.unwrap(), None);
    assert!(store.put_rollout(("dep_1", "v1"), (None, "{1}"), 1).await.unwrap());
    assert!(!store.put_rollout(("dep_1", "v1"), (None, "{2}"), 1).await.unwrap());
    assert!(store.put_rollout(("dep_1", "v2"), (Some("{1}"), "{2}"), 2).await.unwrap());
    assert!(!store.put_rollout(("dep_1", "v2"), (Some("{1}"), "{3}"), 2).await.unwrap());
    assert_eq!(store.rollout("dep_1").await.unwrap().as_deref(), Some("{2}"));
}

async fn s30_of_a_member_the_newest_result_of_the_version_counts(bench: Bench) {
    let store = &bench.store;
    let of = |action: SessionAction, version: &str| SessionAction {
        deployment: Some("dep_1".to_owned()),
        version: Some(version.to_owned()),
        ..action
    };
    let (session, holder) = taken(&bench, "pc1").await;
    let (other_session, other) = taken(&bench, "pc2").await;
    let failed = of(action(&holder, &session, "failed", Some("install"), 20), "v1");
    store.put_session_actions(&holder, &[failed]).await.unwrap();
    // A look that is held says nothing, and one of another version is about something else.
    let held = of(action(&other, &other_session, "held", None, 20), "v1");
    let old = SessionAction {
        number: 1,
        ..of(action(&other, &other_session, "compliant", None, 20), "v0")
    };
    store.put_session_actions(&other, &[held, old]).await.unwrap();
    let results = store.member_results("dep_1", "v1").await.unwrap();
    assert_eq!(results.len(), 1, "{results:?}");
    assert_eq!((&*results[0].result, results[0].class.as_deref()), ("failed", Some("install")));
    let (again, holder) = taken(&bench, "pc9").await;
    let mended = SessionAction {
        subject: session.subject.to_string(),
        ..of(action(&holder, &again, "compliant", None, 30), "v1")
    };
    store.put_session_actions(&holder, &[mended]).await.unwrap();
    let results = store.member_results("dep_1", "v1").await.unwrap();
    assert_eq!((results.len(), &*results[0].result), (1, "compliant"));
    assert_eq!(store.member_results("dep_2", "v1").await.unwrap(), []);
}

async fn what_a_tenant_s_winners_are_is_kept_by_one_of_two_who_change_it(bench: Bench) {
    let store = &bench.store;
    assert_eq!(store.accepted_number("ten_1").await.unwrap(), None);
    assert!(store.put_accepted("ten_1", 0, "{}", 1).await.unwrap());
    assert!(!store.put_accepted("ten_1", 0, "{no}", 1).await.unwrap());
    assert!(store.put_accepted("ten_1", 1, "{2}", 2).await.unwrap());
    assert!(!store.put_accepted("ten_1", 1, "{no}", 2).await.unwrap());
    assert_eq!(store.accepted("ten_1").await.unwrap(), Some((2, "{2}".to_owned())));
    assert_eq!(store.accepted_number("ten_1").await.unwrap(), Some(2));
}

async fn what_came_of_an_item_before_is_found_and_drift_is_kept(bench: Bench) {
    let store = &bench.store;
    let (session, holder) = taken(&bench, "pc1").await;
    let first = SessionAction {
        version: Some("v1".to_owned()),
        deployment: Some("dep_1".to_owned()),
        ..action(&holder, &session, "compliant", None, 20)
    };
    store.put_session_actions(&holder, &[first]).await.unwrap();
    let (second, two) = taken(&bench, "pc2").await;
    let subject = session.subject.to_string();
    let before = store.action_before(second.id, &subject, "sft_1").await.unwrap().unwrap();
    assert_eq!((before.session, &*before.result, before.at_us), (session.id, "compliant", 20));
    assert_eq!(
        (before.deployment.as_deref(), before.version.as_deref()),
        (Some("dep_1"), Some("v1"))
    );
    assert_eq!(store.action_before(session.id, &subject, "sft_1").await.unwrap(), None);
    assert_eq!(store.action_before(second.id, &subject, "sft_2").await.unwrap(), None);
    let drifted = SessionAction {
        drift: Some("computer".to_owned()),
        drift_why: Some("Reader was compliant, and is missing".to_owned()),
        ..action(&two, &second, "compliant", None, 30)
    };
    store.put_session_actions(&two, std::slice::from_ref(&drifted)).await.unwrap();
    let id = second.id.to_string();
    let query = ActionQuery { session: Some(&id), ..ActionQuery::default() };
    assert_eq!(store.session_actions(query).await.unwrap(), [drifted]);
}

async fn failures_are_grouped_without_what_is_one_computer_s_own(bench: Bench) {
    let store = &bench.store;
    for (n, computer) in (0..).zip(["PC-041", "PC-042", "PC-043", "PC-044"]) {
        let (session, holder) = taken(&bench, computer).await;
        let message = match n {
            3 => "failed: exit code 1603".to_owned(),
            _ => format!("failed: {computer} has no room in C:\\Users\\u{n}\\x"),
        };
        let failed = SessionAction {
            message,
            ..action(&holder, &session, "failed", Some("install"), 20 + n)
        };
        store.put_session_actions(&holder, &[failed]).await.unwrap();
    }
    let groups = store.failure_groups(ActionQuery::default()).await.unwrap();
    let told: Vec<(&str, u64)> =
        groups.iter().map(|one| (one.cause.as_str(), one.subjects)).collect();
    assert_eq!(told, [("failed: … has no room in …", 3), ("failed: exit code 1603", 1)]);
    let group = &groups[0];
    assert_eq!((group.first_us, group.at_us), (20, 22));
    let examples: Vec<&str> = group.examples.iter().map(|one| one.subject_name.as_str()).collect();
    assert_eq!(examples, ["PC-043", "PC-042", "PC-041"]);
    assert!(group.message.contains("PC-043"), "the newest words: {}", group.message);
    let most = ActionQuery { most: Some(1), ..ActionQuery::default() };
    assert_eq!(store.failure_groups(most).await.unwrap().len(), 1);
}

/// A plan as it is kept.
fn plan(found: &str, deployment: &str) -> String {
    serde_json::json!({ "digest": format!("{found} {deployment}"), "actions": [
        { "key": "sft_1", "title": "Reader", "found": found, "inputs": {
            "deployment reader": deployment, "what was found of Reader": found, "software reader": "s",
        } },
        { "key": "sft_2", "title": "Zip", "found": "2.0", "inputs": { "software zip": "z" } },
    ] })
    .to_string()
}

async fn two_sessions_are_compared_item_by_item(bench: Bench) {
    let store = &bench.store;
    let mut ended = Vec::new();
    for (n, found, result) in [(0, "1.0", "compliant"), (1, "missing", "failed")] {
        let session = waits("contoso", "pc1", SessionKind::AdHoc, 1 + n);
        store.add_session(&session).await.unwrap();
        let take = core_store::Take {
            engine: "one",
            most: 1,
            tenants: None,
            rules: &RULES,
            bars: &|_| None,
            now_us: 10 + n,
        };
        let session = store.take_sessions(take).await.unwrap().taken.pop().unwrap();
        let holder = core_store::Holder::of(&session).unwrap();
        store.put_session_plan(&holder, &plan(found, "d")).await.unwrap();
        let class = Some("install").filter(|_| result == "failed");
        let reader = action(&holder, &session, result, class, 20 + n);
        let zip = SessionAction {
            number: 1,
            item: "sft_2".to_owned(),
            title: "Zip".to_owned(),
            does: "Zip: nothing".to_owned(),
            ..action(&holder, &session, "compliant", None, 20 + n)
        };
        store.put_session_actions(&holder, &[reader, zip]).await.unwrap();
        let word = SessionWord {
            state: if n == 0 { SessionState::Succeeded } else { SessionState::Failed },
            word: "over",
            result: None,
            by: "one",
            take: None,
            rules: &RULES,
            now_us: 30 + n,
        };
        ended.push(store.tell_session(session.id, word).await.unwrap());
    }
    let before = store.session_before(&ended[1]).await.unwrap().unwrap();
    assert_eq!((before.id, store.session_before(&ended[0]).await.unwrap()), (ended[0].id, None));
    let compared = store.compare_sessions(&before, &ended[1]).await.unwrap();
    assert_eq!((compared.differing, compared.items.len()), (1, 2));
    let reader = &compared.items[0];
    assert_eq!((&*reader.title, reader.differs), ("Reader", true));
    assert_eq!(reader.inputs, ["what was found of Reader"]);
    let [one, other] = [&reader.one, &reader.other].map(|side| side.clone().unwrap());
    assert_eq!(
        (one.result.as_deref(), other.result.as_deref()),
        (Some("compliant"), Some("failed"))
    );
    assert_eq!(other.found, Some("missing".into()));
    assert!(!compared.items[1].differs);
    // With itself nothing differs.
    assert_eq!(store.compare_sessions(&before, &before).await.unwrap().differing, 0);
}
