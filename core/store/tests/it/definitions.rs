//! What people define is kept with who, when, before and after; and the model is known as it was.

use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use core_model::library::DefinitionKind;
use core_store::{DefinitionChange, DefinitionRow, Error, ModelChange, Store};

use crate::harness::Bench;

on_both! {
    a_save_is_one_revision_with_who_when_before_and_after,
    a_save_against_an_older_revision_is_refused_and_leaves_nothing,
    what_is_defined_just_so_makes_no_revision,
    definitions_are_known_as_they_were,
    of_many_that_save_at_once_one_does,
    the_model_is_known_as_it_was,
}

fn row(id: &str, document: Option<&str>) -> DefinitionRow {
    DefinitionRow {
        kind: DefinitionKind::Deployment,
        id: id.to_owned(),
        handle: id.to_owned(),
        document: document.map(str::to_owned),
    }
}

async fn save(store: &Store, base: i64, rows: &[DefinitionRow], now_us: i64) -> Result<i64, Error> {
    let change = DefinitionChange { base, rows, author: "ana", note: "why", now_us };
    store.save_definitions(change).await
}

async fn defined(store: &Store, revision: i64) -> Vec<(String, String)> {
    let rows = store.definitions(revision).await.unwrap();
    rows.into_iter().map(|row| (row.id, row.document.unwrap())).collect()
}

fn pair(id: &str, document: &str) -> (String, String) {
    (id.to_owned(), document.to_owned())
}

async fn a_save_is_one_revision_with_who_when_before_and_after(bench: Bench) {
    let store = &bench.store;
    let first = [row("dep_a", Some("1")), row("dep_b", Some("1"))];
    assert_eq!(save(store, 0, &first, 10).await.unwrap(), 1);
    assert_eq!(save(store, 1, &[row("dep_a", Some("2"))], 20).await.unwrap(), 2);
    assert_eq!(save(store, 2, &[row("dep_a", None)], 30).await.unwrap(), 3);
    assert_eq!(defined(store, 3).await, [pair("dep_b", "1")]);
    let history = store.definition_history(DefinitionKind::Deployment, "dep_a").await.unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|one| (one.revision.number, one.revision.at_us, &one.before, &one.after))
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        told,
        [(1, 10, &None, &some("1")), (2, 20, &some("1"), &some("2")), (3, 30, &some("2"), &None)]
    );
    assert!(history.iter().all(|one| one.revision.author == "ana" && one.revision.note == "why"));
    let numbers: Vec<_> = store.revisions(1).await.unwrap().iter().map(|one| one.number).collect();
    assert_eq!(numbers, [2, 3]);
}

async fn a_save_against_an_older_revision_is_refused_and_leaves_nothing(bench: Bench) {
    let store = &bench.store;
    save(store, 0, &[row("dep_a", Some("1"))], 10).await.unwrap();
    let refused = save(store, 0, &[row("dep_a", Some("mine"))], 20).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Conflict { constraint } if constraint.contains("revision 1"))
    );
    assert_eq!(defined(store, 9).await, [pair("dep_a", "1")]);
    assert_eq!(store.last_revision().await.unwrap(), 1);
}

async fn what_is_defined_just_so_makes_no_revision(bench: Bench) {
    let store = &bench.store;
    save(store, 0, &[row("dep_a", Some("1"))], 10).await.unwrap();
    let same = [row("dep_a", Some("1")), row("dep_never", None)];
    assert_eq!(save(store, 1, &same, 20).await.unwrap(), 1);
    assert_eq!(store.last_revision().await.unwrap(), 1);
}

async fn definitions_are_known_as_they_were(bench: Bench) {
    let store = &bench.store;
    save(store, 0, &[row("dep_a", Some("1"))], 10).await.unwrap();
    save(store, 1, &[row("dep_a", None), row("dep_b", Some("1"))], 20).await.unwrap();
    for (at, revision) in [(9, 0), (10, 1), (19, 1), (20, 2), (99, 2)] {
        assert_eq!(store.revision_at(at).await.unwrap(), revision, "at {at}");
    }
    assert!(defined(store, 0).await.is_empty());
    assert_eq!(defined(store, 1).await, [pair("dep_a", "1")]);
    assert_eq!(defined(store, 2).await, [pair("dep_b", "1")]);
    save(store, 2, &[row("dep_a", Some("again"))], 30).await.unwrap();
    assert_eq!(defined(store, 3).await, [pair("dep_a", "again"), pair("dep_b", "1")]);
}

async fn of_many_that_save_at_once_one_does(bench: Bench) {
    let mut saves = tokio::task::JoinSet::new();
    for number in 0..8 {
        let store = bench.store.clone();
        let rows = [row("dep_a", Some(&number.to_string()))];
        saves.spawn(async move { save(&store, 0, &rows, 10).await.is_ok() });
    }
    let saved = saves.join_all().await.into_iter().filter(|saved| *saved).count();
    assert_eq!(saved, 1);
    assert_eq!(bench.store.last_revision().await.unwrap(), 1);
}

async fn the_model_is_known_as_it_was(bench: Bench) {
    let store = &bench.store;
    let tenant = |id: &str, document: &str| EntityRow {
        kind: EntityKind::Tenant,
        id: id.to_owned(),
        tenant: Some(id.to_owned()),
        name: document.to_owned(),
        document: document.to_owned(),
    };
    let gone = |id: &str| (EntityKind::Tenant, id.to_owned());
    for (upserts, removals, now_us) in [
        (vec![tenant("a", "a1"), tenant("b", "b1")], vec![], 10),
        (vec![tenant("a", "a2"), tenant("c", "c1")], vec![], 20),
        (vec![], vec![gone("b")], 30),
        (vec![tenant("b", "b again")], vec![], 40),
        (vec![tenant("a", "a3")], vec![gone("c")], 50),
    ] {
        let change = ModelChange { upserts, removals, cause: &Cause::Run, cursors: &[], now_us };
        store.apply(change).await.unwrap();
    }
    for (at, wanted) in [
        (9, vec![]),
        (10, vec!["a1", "b1"]),
        (25, vec!["a2", "b1", "c1"]),
        (30, vec!["a2", "c1"]),
        (40, vec!["a2", "b again", "c1"]),
        (99, vec!["a3", "b again"]),
    ] {
        let event = store.event_at(at).await.unwrap();
        let mut rows = store.changed_after(EntityKind::Tenant, event).await.unwrap();
        let mut place = String::new();
        loop {
            let kind = EntityKind::Tenant;
            let page = store.unchanged_after(kind, event, &place, 1).await.unwrap();
            let Some(last) = page.last() else { break };
            place.clone_from(&last.id);
            rows.extend(page);
        }
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        let found: Vec<_> = rows.iter().map(|row| row.document.as_str()).collect();
        assert_eq!(found, wanted, "at {at}");
    }
}
