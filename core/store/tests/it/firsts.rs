//! What becomes of new records is written with them, as long as the model stands as it was known; and texts of any kind
//! arrive as they were given.

use core_model::entity::{EntityKind, EntityRow};
use core_model::record::Record;
use core_store::{
    DerivedAhead, EntityQuery, First, FirstEntities, PageCommit, PageOutcome, RoundMode,
};

use crate::harness::{Bench, Stream, agent, agents, person};

on_both!(
    entities_of_new_records_are_written_with_them,
    nothing_is_written_where_the_model_stands_otherwise,
    a_page_that_is_not_all_new_waits_for_derivation,
    what_is_derived_ahead_is_forgotten_once_everything_before_it_is,
    texts_arrive_as_they_were_given,
);

/// Makes a person of each record of one.
#[derive(Debug)]
struct Persons {
    holds: [(&'static str, i64); 2],
}

impl FirstEntities for Persons {
    fn holds(&self) -> &[(&'static str, i64)] {
        &self.holds
    }

    fn entity(&self, key: &str, record: &Record, first_seen_us: i64) -> Option<EntityRow> {
        (record.facts.kind() == core_model::RecordKind::Person).then(|| EntityRow {
            kind: EntityKind::Person,
            id: format!("per_{key}"),
            tenant: Some("ten_1".to_owned()),
            name: format!("{key} since {first_seen_us}"),
            document: format!("{{\"id\":\"per_{key}\"}}"),
        })
    }
}

fn knows(rules: i64) -> Persons {
    Persons { holds: [("rules", rules), ("unfinished", 0)] }
}

async fn put(stream: &Stream, records: &[Record], first: &Persons, now_us: i64) -> PageOutcome {
    let page = PageCommit { records, first: Some(first), ..stream.blank(now_us) };
    stream.store.commit_page(page).await.unwrap()
}

async fn ahead(bench: &Bench, after: i64) -> Vec<(i64, i64)> {
    let ahead = bench.store.derived_ahead(after).await.unwrap();
    ahead.iter().map(|DerivedAhead { first_seq, last_seq }| (*first_seq, *last_seq)).collect()
}

async fn persons(bench: &Bench) -> Vec<String> {
    let rows = bench.store.entities(&EntityQuery::all(EntityKind::Person)).await.unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

async fn entities_of_new_records_are_written_with_them(bench: Bench) {
    bench.store.set_cursor("rules", 7).await.unwrap();
    let stream = Stream::begin(&bench.store, "aad", RoundMode::Full).await;
    let both = [person("p2", "bob@x.example"), agent("a", "PC"), person("p1", "ana@x.example")];
    let outcome = put(&stream, &both, &knows(7), 10).await;
    assert_eq!((outcome.created, outcome.first), (3, First::Written(2)));
    assert_eq!(persons(&bench).await, ["p1 since 10", "p2 since 10"]);
    let events = bench.store.events(0, 10).await.unwrap();
    let told: Vec<_> = events.iter().map(|one| (one.sequence, one.id.as_str())).collect();
    assert_eq!(told, [(1, "per_p1"), (2, "per_p2")], "in the order of their keys");
    assert!(events.iter().all(|one| one.before.is_none() && one.at_us == 10));
    assert!(events.iter().all(|one| one.cause == "run"));
    assert_eq!(ahead(&bench, 0).await, [(1, 3)]);

    // What goes on from there is one with it; with a gap it is not.
    put(&stream, &[person("p3", "eve@x.example")], &knows(7), 20).await;
    assert_eq!(ahead(&bench, 0).await, [(1, 4)]);
    stream.page(&[agent("b", "PC")], 30).await;
    put(&stream, &[person("p4", "kim@x.example")], &knows(7), 40).await;
    assert_eq!(ahead(&bench, 0).await, [(1, 4), (6, 6)]);
    assert_eq!(ahead(&bench, 4).await, [(6, 6)]);
}

async fn nothing_is_written_where_the_model_stands_otherwise(bench: Bench) {
    let stream = Stream::begin(&bench.store, "aad", RoundMode::Full).await;
    let outcome = put(&stream, &[person("p1", "ana@x.example")], &knows(7), 10).await;
    assert_eq!((outcome.created, outcome.first), (1, First::Stale), "no rule was ever followed");
    bench.store.set_cursor("rules", 7).await.unwrap();
    bench.store.set_cursor("unfinished", 1).await.unwrap();
    let outcome = put(&stream, &[person("p2", "bob@x.example")], &knows(7), 20).await;
    assert_eq!(outcome.first, First::Stale, "a derivation is under way");
    assert!(persons(&bench).await.is_empty());
    assert!(ahead(&bench, 0).await.is_empty());
    assert_eq!(bench.store.last_event_seq().await.unwrap(), 0);
}

async fn a_page_that_is_not_all_new_waits_for_derivation(bench: Bench) {
    bench.store.set_cursor("rules", 7).await.unwrap();
    let stream = Stream::begin(&bench.store, "aad", RoundMode::Full).await;
    put(&stream, &[person("p1", "ana@x.example")], &knows(7), 10).await;
    let mixed = [person("p1", "ana@new.example"), person("p2", "bob@x.example")];
    let outcome = put(&stream, &mixed, &knows(7), 20).await;
    assert_eq!((outcome.created, outcome.changed, outcome.first), (1, 1, First::Later));
    assert_eq!(persons(&bench).await, ["p1 since 10"]);
    // What is as it was is not written, and so not in the way.
    let again = [person("p1", "ana@new.example"), person("p3", "eve@x.example")];
    assert_eq!(put(&stream, &again, &knows(7), 30).await.first, First::Written(1));
    assert_eq!(put(&stream, &again, &knows(7), 40).await.first, First::Later);
    assert_eq!(ahead(&bench, 0).await, [(1, 1), (4, 4)]);
}

async fn what_is_derived_ahead_is_forgotten_once_everything_before_it_is(bench: Bench) {
    bench.store.set_cursor("rules", 7).await.unwrap();
    let stream = Stream::begin(&bench.store, "aad", RoundMode::Full).await;
    for at in 1..=3 {
        stream.page(&[agent(&format!("a{at}"), "PC")], at).await;
        put(&stream, &[person(&format!("p{at}"), "ana@x.example")], &knows(7), at).await;
    }
    assert_eq!(ahead(&bench, 0).await, [(2, 2), (4, 4), (6, 6)]);
    bench.store.derived_up_to("rows", 4).await.unwrap();
    assert_eq!(bench.store.cursor("rows").await.unwrap(), 4);
    assert_eq!(ahead(&bench, 0).await, [(6, 6)]);
    let between = bench.store.changed_between((2, 5), 10).await.unwrap();
    let keys: Vec<&str> = between.iter().map(|one| one.record.key.as_str()).collect();
    assert_eq!(keys, ["a2", "p2", "a3"]);
}

async fn texts_arrive_as_they_were_given(bench: Bench) {
    let stream = Stream::begin(&bench.store, "aad", RoundMode::Full).await;
    let odd = ["", " ", "é", "日本語 💡", "'\"\\;--", "a\u{1}b", "\u{feff}x", &"ß".repeat(3000)];
    let mut records: Vec<Record> = odd
        .iter()
        .enumerate()
        .map(|(at, text)| Record {
            raw: (*text).to_owned(),
            ..agent(&format!("k{at}{text}"), text)
        })
        .collect();
    records.extend(agents(0..300));
    stream.page(&records, 10).await;
    let stored = bench.store.changed_records(0, 1000).await.unwrap();
    assert_eq!(stored.len(), records.len());
    for record in &records {
        let one = stored.iter().find(|one| one.record.key == record.key).unwrap();
        assert_eq!((&one.facts, &one.client), (&record.facts, &record.client));
        let raw = bench.store.payload(&one.record).await.unwrap();
        assert_eq!(raw.as_deref(), Some(record.raw.as_str()));
    }
    assert_eq!(stream.page(&records, 11).await.unchanged, records.len() as u64);
}
