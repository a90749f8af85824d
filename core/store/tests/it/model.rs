//! The unified model and its events.

use std::collections::HashMap;

use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use core_store::{EntityQuery, ModelChange, Store};

use crate::harness::Bench;

on_both!(
    events_say_what_was_before_and_after,
    an_unchanged_model_writes_nothing,
    of_two_entities_with_one_id_the_last_counts,
    a_failing_apply_leaves_nothing,
    many_new_entities_come_in_order,
    one_hundred_identical_reports_end_in_one,
    concurrent_writers_keep_the_order_of_events,
    entities_are_found_by_id_name_and_beginning,
    entities_are_paged_and_filtered,
    cursors_move_with_the_change,
);

async fn events_say_what_was_before_and_after(bench: Bench) {
    let store = &bench.store;
    put(store, &[row("t1", None, "Contoso", 1), row("t2", None, "Fabrikam", 1)], 10).await;
    put(store, &[row("t1", None, "Contoso", 2)], 20).await;
    let gone = vec![(EntityKind::Tenant, "t1".to_owned()), (EntityKind::Tenant, "t9".to_owned())];
    let removal = ModelChange { removals: gone, ..change(vec![], 30) };
    assert_eq!(store.apply(removal).await.unwrap(), 1);
    put(store, &[row("t1", None, "Contoso", 3)], 40).await;

    let doc = |version| Some(row("t1", None, "Contoso", version).document);
    let events = store.events(0, 10).await.unwrap();
    let of_t1: Vec<_> = events
        .iter()
        .filter(|event| event.id == "t1")
        .map(|event| (event.sequence, event.at_us, event.before.clone(), event.after.clone()))
        .collect();
    let expected = [
        (1, 10, None, doc(1)),
        (3, 20, doc(1), doc(2)),
        (4, 30, doc(2), None),
        (5, 40, None, doc(3)),
    ];
    assert_eq!(of_t1, expected);
    // In pages it reads the same: what comes after may be beyond the page, or the present.
    let mut paged = Vec::new();
    while let Some(event) = store.events(paged.len() as i64, 1).await.unwrap().pop() {
        paged.push(event);
    }
    assert_eq!(paged, events);
    assert_eq!(events[1].after.as_deref(), Some(row("t2", None, "Fabrikam", 1).document.as_str()));
    assert_eq!((events[0].cause.as_str(), store.last_event_seq().await.unwrap()), ("run", 5));
}

async fn an_unchanged_model_writes_nothing(bench: Bench) {
    let rows: Vec<_> = (0..300).map(|n| row(&format!("t{n}"), Some("x"), "Name", 1)).collect();
    assert_eq!(put(&bench.store, &rows, 10).await, 300);
    assert_eq!(put(&bench.store, &rows, 20).await, 0);
    assert_eq!(bench.store.last_event_seq().await.unwrap(), 300);
    assert_eq!(bench.number("select max(event_seq) from tenant").await, 300);
    assert_eq!(bench.number("select count(*) from event").await, 300);
}

async fn of_two_entities_with_one_id_the_last_counts(bench: Bench) {
    let rows = vec![row("t1", None, "A", 1), row("t1", None, "A", 2)];
    let gone = vec![(EntityKind::Tenant, "t1".to_owned())];
    let both = ModelChange { removals: gone, ..change(rows.clone(), 10) };
    assert_eq!(bench.store.apply(both).await.unwrap(), 1);
    let stored = bench.store.entity(EntityKind::Tenant, "t1").await.unwrap();
    assert_eq!(stored, Some(rows[1].clone()));
}

async fn a_failing_apply_leaves_nothing(bench: Bench) {
    bench.raw("alter table cursor rename to elsewhere").await;
    let cursors = [("derive", 7)];
    let failing = ModelChange { cursors: &cursors, ..change(vec![row("t1", None, "A", 1)], 10) };
    bench.store.apply(failing.clone()).await.unwrap_err();
    assert_eq!(bench.store.count(EntityKind::Tenant).await.unwrap(), 0);
    assert_eq!(bench.store.last_event_seq().await.unwrap(), 0);
    bench.raw("alter table elsewhere rename to cursor").await;
    assert_eq!(bench.store.apply(failing).await.unwrap(), 1);
    assert_eq!(bench.store.cursor("derive").await.unwrap(), 7);
}

async fn many_new_entities_come_in_order(bench: Bench) {
    // 5000 of two kinds, mixed: more than one statement of every size.
    let rows: Vec<_> = (0..5001)
        .map(|n| EntityRow {
            kind: if n % 3 == 0 { EntityKind::Tenant } else { EntityKind::Computer },
            ..row(&format!("id{n:05}"), None, "N", n)
        })
        .collect();
    assert_eq!(put(&bench.store, &rows, 10).await, 5001);
    let events = bench.store.events(0, 10_000).await.unwrap();
    let order: Vec<_> = events.iter().map(|event| (event.id.as_str(), event.entity)).collect();
    let expected: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.kind)).collect();
    assert_eq!(order, expected);
    assert!(events.iter().zip(1..).all(|(event, seq)| event.sequence == seq));
    assert!(events.iter().zip(&rows).all(|(event, row)| event.after == Some(row.document.clone())));
    let all = bench.store.entities(&EntityQuery::all(EntityKind::Computer)).await.unwrap();
    assert_eq!(all.len() as u64, bench.store.count(EntityKind::Computer).await.unwrap());
}

async fn one_hundred_identical_reports_end_in_one(bench: Bench) {
    let reports = (0..100).map(|_| {
        let store = bench.store.clone();
        tokio::spawn(async move { put(&store, &[row("cmp_1", Some("t"), "PC", 1)], 10).await })
    });
    let mut events = 0;
    for report in reports.collect::<Vec<_>>() {
        events += report.await.unwrap();
    }
    assert_eq!(events, 1);
    assert_eq!(bench.store.count(EntityKind::Tenant).await.unwrap(), 1);
}

async fn concurrent_writers_keep_the_order_of_events(bench: Bench) {
    let writers = (0..8).map(|writer: usize| {
        let store = bench.store.clone();
        tokio::spawn(async move {
            for step in 0..25 {
                let shared = row("shared", None, "S", writer * 1000 + step);
                let own = row(&format!("own-{writer}"), None, "O", step);
                put(&store, &[own, shared], 10).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    // A reader that goes on after the last number it saw must miss nothing.
    let (mut seen, mut done) = (Vec::new(), false);
    while !done {
        done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        for event in bench.store.events(seen.len() as i64, 64).await.unwrap() {
            assert_eq!(event.sequence, seen.len() as i64 + 1, "a gap, or out of order");
            seen.push(event.sequence);
            done = false;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(seen.len(), 8 * 25 * 2);
    let mut state: HashMap<String, Option<String>> = HashMap::new();
    for event in bench.store.events(0, 1000).await.unwrap() {
        let before = state.insert(event.id.clone(), event.after.clone()).flatten();
        assert_eq!(before, event.before, "event {} does not follow", event.sequence);
    }
    for entity in bench.store.entities(&EntityQuery::all(EntityKind::Tenant)).await.unwrap() {
        assert_eq!(state[&entity.id], Some(entity.document));
    }
}

async fn entities_are_found_by_id_name_and_beginning(bench: Bench) {
    let rows = [
        row("ten_1", None, "ÄRZTE GmbH", 1),
        row("ten_2", None, "Ärzte GmbH & Co", 1),
        row("ten_3", None, "100%_pure", 1),
        row("ten_4", None, "100 pure", 1),
    ];
    put(&bench.store, &rows, 10).await;
    let find = |text: &'static str| {
        let store = bench.store.clone();
        async move {
            let found = store.find(EntityKind::Tenant, text).await.unwrap();
            found.into_iter().map(|row| row.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(find("ten_2").await, ["ten_2"]);
    assert_eq!(find("ärzte gmbh").await, ["ten_1"]);
    assert_eq!(find("Ärzt").await, ["ten_1", "ten_2"]);
    assert_eq!(find("100%").await, ["ten_3"]);
    assert_eq!(find("ten_").await.len(), 4);
    assert_eq!(find("nobody").await, [""; 0]);
    assert_eq!(find(" ").await, [""; 0]);
}

async fn entities_are_paged_and_filtered(bench: Bench) {
    let rows: Vec<_> = (0..10)
        .map(|n| row(&format!("t{n}"), Some(if n % 2 == 0 { "even" } else { "odd" }), "Name", n))
        .collect();
    put(&bench.store, &rows, 10).await;
    let all = EntityQuery::all(EntityKind::Tenant);
    let ids = |query: EntityQuery<'static>| {
        let store = bench.store.clone();
        async move {
            let rows = store.entities(&query).await.unwrap();
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(
        ids(EntityQuery { limit: 3, after_id: Some("t1"), ..all }).await,
        ["t2", "t3", "t4"]
    );
    assert_eq!(ids(EntityQuery { tenant: Some("odd"), limit: 2, ..all }).await, ["t1", "t3"]);
    assert_eq!(ids(EntityQuery { name_like: Some("AM"), ..all }).await.len(), 10);
    assert_eq!(ids(EntityQuery { name_like: Some("a_e"), ..all }).await.len(), 0);
    let wanted = ["t7".to_owned(), "t9".to_owned(), "t99".to_owned()];
    let named = EntityQuery { ids: Some(&wanted), ..all };
    assert_eq!(bench.store.entities(&named).await.unwrap().len(), 2);
    for (tenants, count) in [(vec!["odd", "none"], 5), (vec!["odd", "even"], 10), (vec![], 0)] {
        let tenants: Vec<String> = tenants.into_iter().map(str::to_owned).collect();
        let of = EntityQuery { tenants: Some(&tenants), ..all };
        assert_eq!(bench.store.entities(&of).await.unwrap().len(), count);
    }
}

async fn cursors_move_with_the_change(bench: Bench) {
    let cursors = [("derive", 12), ("observe", 3)];
    let empty = ModelChange { cursors: &cursors, ..change(vec![], 10) };
    assert_eq!(bench.store.apply(empty).await.unwrap(), 0);
    assert_eq!(bench.store.cursor("derive").await.unwrap(), 12);
    bench.store.set_cursor("derive", 5).await.unwrap();
    assert_eq!(bench.store.cursor("derive").await.unwrap(), 5);
    assert_eq!(bench.store.cursor("observe").await.unwrap(), 3);
    assert_eq!(bench.store.cursor("nobody").await.unwrap(), 0);
}

async fn put(store: &Store, rows: &[EntityRow], now_us: i64) -> u64 {
    store.apply(change(rows.to_vec(), now_us)).await.unwrap()
}

fn change(upserts: Vec<EntityRow>, now_us: i64) -> ModelChange<'static> {
    ModelChange { upserts, removals: vec![], cause: &Cause::Run, cursors: &[], now_us }
}

fn row(id: &str, tenant: Option<&str>, name: &str, version: usize) -> EntityRow {
    EntityRow {
        kind: EntityKind::Tenant,
        id: id.to_owned(),
        tenant: tenant.map(str::to_owned),
        name: name.to_owned(),
        document: format!("{{\"id\":\"{id}\",\"name\":\"{name}\",\"version\":{version}}}"),
    }
}
