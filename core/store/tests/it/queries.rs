//! Reading records back.

use core_model::{RecordKind, RecordRef};
use core_store::{RecordQuery, RoundMode, Store};

use crate::harness::{Bench, Stream, agent, agents, client, person};

on_both!(
    changes_come_in_order_and_in_pages,
    records_are_found_by_all_that_is_asked,
    records_are_paged_over_connections,
    thousands_of_names_are_one_question,
);

async fn changes_come_in_order_and_in_pages(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..50), 10).await;
    stream.page(&[agent("a00007", "RENAMED")], 11).await;
    let mut after = 0;
    let mut keys = Vec::new();
    loop {
        let page = bench.store.changed_records(after, 7).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.windows(2).all(|pair| pair[0].change_seq < pair[1].change_seq));
        after = last.change_seq;
        keys.extend(page.into_iter().map(|one| one.record.key));
    }
    assert_eq!((keys.len(), keys.last().map(String::as_str)), (50, Some("a00007")));
    assert_eq!(after, bench.store.max_change_seq().await.unwrap());
}

async fn records_are_found_by_all_that_is_asked(bench: Bench) {
    let store = &bench.store;
    let mut rmm = Stream::begin(store, "rmm", RoundMode::Full).await;
    let aad = Stream::begin(store, "aad", RoundMode::Full).await;
    let gone = agent("z", "Z").of_client("c1");
    let kept = [
        agent("a", "A").of_client("c1"),
        agent("b", "B").of_client("c2"),
        agent("c", "C"),
        client("c1", "Contoso"),
    ];
    rmm.page(&kept, 10).await;
    rmm.page(&[gone], 10).await;
    rmm.full(&kept, 11).await;
    aad.page(&[person("a", "a@x.example").of_client("c1")], 10).await;

    let all = RecordQuery::default();
    assert_eq!(names(store, &all).await.len(), 5);
    assert_eq!(names(store, &RecordQuery { include_gone: true, ..all }).await.len(), 6);
    let kinds = [RecordKind::Agent];
    let of_rmm = RecordQuery { kinds: &kinds, connection: Some("rmm"), ..all };
    assert_eq!(names(store, &of_rmm).await, ["rmm/agent/a", "rmm/agent/b", "rmm/agent/c"]);
    let nowhere = RecordQuery { scope: Some("nowhere"), ..all };
    assert_eq!(names(store, &nowhere).await, [""; 0]);

    let clients = [("rmm".to_owned(), "c1".to_owned()), ("aad".to_owned(), "c1".to_owned())];
    let of_clients = RecordQuery { clients: Some(&clients), include_gone: true, ..all };
    assert_eq!(names(store, &of_clients).await, ["aad/person/a", "rmm/agent/a", "rmm/agent/z"]);
    let keys = [
        rmm.agent("a"),
        rmm.agent("a"),
        RecordRef::new("aad", RecordKind::Person, "", "a"),
        RecordRef::new("aad", RecordKind::Agent, "", "a"),
        rmm.agent("nobody"),
    ];
    let of_keys = RecordQuery { keys: Some(&keys), ..all };
    assert_eq!(names(store, &of_keys).await, ["aad/person/a", "rmm/agent/a"]);
    let of_both = RecordQuery { keys: Some(&keys), clients: Some(&clients[..1]), ..all };
    assert_eq!(names(store, &of_both).await, ["rmm/agent/a"]);
    let none = RecordQuery { keys: Some(&[]), ..all };
    assert_eq!(names(store, &none).await, [""; 0]);
}

async fn records_are_paged_over_connections(bench: Bench) {
    let store = &bench.store;
    let mut clients = Vec::new();
    for connection in ["rmm", "aad", "psa"] {
        let stream = Stream::begin(store, connection, RoundMode::Full).await;
        let records: Vec<_> =
            agents(0..10).into_iter().map(|record| record.of_client("c1")).collect();
        stream.page(&records, 10).await;
        clients.push((connection.to_owned(), "c1".to_owned()));
    }
    for clients in [None, Some(clients.as_slice())] {
        let query = RecordQuery { clients, ..RecordQuery::default() };
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let page = store.records(&query, after.as_ref(), 4).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.cursor());
            seen.extend(page.into_iter().map(|one| one.record.to_string()));
        }
        assert_eq!(seen.len(), 30);
        seen.sort();
        assert_eq!(seen, names(store, &query).await);
    }
}

async fn thousands_of_names_are_one_question(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..3000), 10).await;
    let keys: Vec<_> = (0..40_000).map(|key| stream.agent(&format!("a{:05}", key * 2))).collect();
    let query = RecordQuery { keys: Some(&keys), ..RecordQuery::default() };
    assert_eq!(bench.store.all_records(&query).await.unwrap().len(), 1500);
}

async fn names(store: &Store, query: &RecordQuery<'_>) -> Vec<String> {
    let records = store.all_records(query).await.unwrap();
    let mut names: Vec<_> = records.into_iter().map(|one| one.record.to_string()).collect();
    names.sort();
    names
}
