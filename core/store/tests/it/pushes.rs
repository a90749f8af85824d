//! What was written into other systems, what was made there, and what is open.

use core_store::{PushItem, PushMark, PushState};

use crate::harness::Bench;

on_both!(
    a_field_is_remembered_with_everything_that_was_ever_sent,
    a_forgotten_field_still_knows_what_was_sent,
    an_object_that_was_begun_stays_as_it_was_asked_for,
    what_is_open_is_listed_tried_again_and_closed,
);

fn mark(object: &str, base: Option<&str>, sent: Option<&str>, ours: &[&str]) -> PushMark {
    PushMark {
        object: object.to_owned(),
        field: "user".to_owned(),
        base: base.map(str::to_owned),
        sent: sent.map(str::to_owned),
        ours: ours.iter().map(|value| (*value).to_owned()).collect(),
    }
}

fn item(computer: &str, state: PushState) -> PushItem {
    PushItem {
        connection: "halo".to_owned(),
        computer: computer.to_owned(),
        object: "7".to_owned(),
        name: computer.to_uppercase(),
        state,
        attempts: 3,
        next_us: 50,
        since_us: 10,
        changed_us: 20,
        error_kind: Some("rejected".to_owned()),
        error: Some("no".to_owned()),
        remedy: None,
        conflicts: "[]".to_owned(),
    }
}

async fn a_field_is_remembered_with_everything_that_was_ever_sent(bench: Bench) {
    let store = &bench.store;
    let first = mark("7", None, Some("A"), &["A"]);
    store.put_push_marks("halo", std::slice::from_ref(&first), 1).await.unwrap();
    assert_eq!(store.push_marks("halo", None).await.unwrap(), [first]);
    let second = mark("7", Some("A"), Some("it's \"B\""), &["A", "it's \"B\""]);
    let other = mark("8", Some(""), None, &[]);
    store.put_push_marks("halo", &[second.clone(), other.clone()], 2).await.unwrap();
    assert_eq!(store.push_marks("halo", None).await.unwrap(), [second.clone(), other.clone()]);
    // Of some objects, of nobody's, and of another connection.
    let of = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    let found = store.push_marks("halo", Some(&of(&["8", "9"]))).await.unwrap();
    assert_eq!(found, [other]);
    assert!(store.push_marks("halo", Some(&[])).await.unwrap().is_empty());
    assert!(store.push_marks("rmm", Some(&of(&["7"]))).await.unwrap().is_empty());
    // The same again is no write.
    store.put_push_marks("halo", &[second], 99).await.unwrap();
    assert_eq!(bench.number("select max(changed) from push_mark").await, 2);
}

async fn a_forgotten_field_still_knows_what_was_sent(bench: Bench) {
    let store = &bench.store;
    let marks = [mark("7", Some("A"), Some("B"), &["A", "B"]), mark("8", Some("A"), None, &["A"])];
    store.put_push_marks("halo", &marks, 1).await.unwrap();
    store.put_push_items("halo", &[item("c1", PushState::Conflict)], &[]).await.unwrap();
    assert_eq!(store.forget_push("halo", "7").await.unwrap(), 1);
    let found = store.push_marks("halo", None).await.unwrap();
    assert_eq!(found, [mark("7", None, None, &["A", "B"]), marks[1].clone()]);
    let open = store.push_items(None).await.unwrap();
    assert_eq!((open[0].state, open[0].attempts, open[0].next_us), (PushState::Retry, 0, 0));
    assert_eq!(store.forget_push("halo", "none").await.unwrap(), 0);
}

async fn an_object_that_was_begun_stays_as_it_was_asked_for(bench: Bench) {
    let store = &bench.store;
    store.begin_push_object("halo", "c1", "{\"a\":1}", 5).await.unwrap();
    store.begin_push_object("halo", "c1", "{\"a\":2}", 6).await.unwrap();
    let found = store.push_objects("halo", None).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].object.as_deref(), found[0].wanted.as_str()), (None, "{\"a\":1}"));
    let marks = [mark("901", Some("A"), None, &["A"])];
    store.end_push_object("halo", ("c1", "901"), &marks, 7).await.unwrap();
    let keys = ["901".to_owned()];
    let found = store.push_objects("halo", Some(&keys)).await.unwrap();
    assert_eq!(found[0].computer, "c1");
    assert_eq!(store.push_marks("halo", Some(&keys)).await.unwrap(), marks);
    store.drop_push_object("halo", "c1").await.unwrap();
    assert!(store.push_objects("halo", None).await.unwrap().is_empty());
}

async fn what_is_open_is_listed_tried_again_and_closed(bench: Bench) {
    let store = &bench.store;
    let open = [
        item("c1", PushState::Dead),
        item("c2", PushState::Conflict),
        item("c3", PushState::Retry),
    ];
    store.put_push_items("halo", &open, &[]).await.unwrap();
    assert_eq!(store.push_items(Some("halo")).await.unwrap(), open);
    assert!(store.push_items(Some("rmm")).await.unwrap().is_empty());
    // Since when it is open stays, whatever comes after.
    let again = PushItem { since_us: 99, attempts: 4, ..open[2].clone() };
    store.put_push_items("halo", &[again], &[]).await.unwrap();
    let found = store.push_items(None).await.unwrap();
    assert_eq!((found[2].since_us, found[2].attempts), (10, 4));
    assert_eq!(store.retry_push(Some("halo"), Some("c1"), 100).await.unwrap(), 1);
    let found = store.push_items(None).await.unwrap();
    assert_eq!((found[0].state, found[0].attempts, found[0].next_us), (PushState::Retry, 0, 0));
    assert_eq!(store.retry_push(None, None, 100).await.unwrap(), 2, "no conflict is a failure");
    let closed: Vec<(String, String)> =
        ["c1", "c3"].map(|computer| (computer.to_owned(), "7".to_owned())).to_vec();
    store.put_push_items("halo", &[], &closed).await.unwrap();
    let left = store.push_items(None).await.unwrap();
    assert_eq!(left, [open[1].clone()]);
}
