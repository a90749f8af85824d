//! Dates that passed: one event for whom they concern, however many look at them.

use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use core_store::{ModelChange, Passed};

use crate::harness::Bench;

on_both!(a_date_that_passed_is_an_event_once_and_changes_nothing,);

fn computer(id: &str, tenant: &str) -> EntityRow {
    EntityRow {
        kind: EntityKind::Computer,
        id: id.to_owned(),
        tenant: Some(tenant.to_owned()),
        name: id.to_owned(),
        document: format!("{{\"id\":\"{id}\"}}"),
    }
}

async fn a_date_that_passed_is_an_event_once_and_changes_nothing(bench: Bench) {
    let store = &bench.store;
    let upserts = ["a", "b", "c"].map(|id| computer(id, "ten_1")).to_vec();
    let change = ModelChange {
        upserts: upserts.clone(),
        removals: Vec::new(),
        cause: &Cause::Run,
        cursors: &[],
        now_us: 1,
    };
    store.apply(change).await.unwrap();
    let at = store.last_event_seq().await.unwrap();
    let concerned = ["c", "gone", "a"].map(|id| (EntityKind::Computer, id.to_owned()));
    let passed = |until: i64| Passed { entities: &concerned, cursor: ("dates", until), now_us: 9 };
    let looking = futures::future::join_all((0..5).map(|_| store.note_passed(passed(100))));
    let noted: Vec<u64> = looking.await.into_iter().map(Result::unwrap).collect();
    assert_eq!(noted.iter().sum::<u64>(), 2, "{noted:?}");
    assert_eq!(store.note_passed(passed(99)).await.unwrap(), 0, "that was looked at");
    assert_eq!(store.cursor("dates").await.unwrap(), 100);
    let events = store.events(at, 10).await.unwrap();
    let told: Vec<_> = events.iter().map(|one| (one.sequence, one.id.as_str())).collect();
    assert_eq!(told, [(at + 1, "a"), (at + 2, "c")], "without a gap");
    for event in &events {
        assert_eq!((event.cause.as_str(), event.at_us), ("clock", 9));
        assert_eq!(event.before, event.after, "nothing of it changed");
        assert_eq!(event.tenant.as_deref(), Some("ten_1"));
    }
    let change =
        ModelChange { upserts, removals: Vec::new(), cause: &Cause::Run, cursors: &[], now_us: 10 };
    assert_eq!(store.apply(change).await.unwrap(), 0, "they are stored just so");
}
