//! Pages: atomic, idempotent, and exact about what they changed.

use core_model::facts::Facts;
use core_model::record::Rejected;
use core_model::{Checkpoint, RecordKind};
use core_store::{Error, PageCommit, PageOutcome, RecordQuery, RoundMode};

use crate::harness::{Bench, GUARD, Stream, agent, agents, person};

on_both!(
    page_and_checkpoint_are_one,
    a_failing_statement_leaves_nothing,
    the_same_page_twice_changes_nothing,
    of_two_records_with_one_key_the_last_counts,
    a_round_that_was_replaced_stores_nothing,
    earlier_upns_are_kept,
    a_record_that_comes_back_keeps_its_history,
    another_client_is_a_change,
    tombstones_count_only_live_records,
    tombstones_beyond_the_limit_are_held,
    a_record_and_its_tombstone_in_one_page_is_live,
    quarantine_keeps_one_entry_per_fault_and_empties,
    an_unreadable_record_is_not_gone,
    a_nul_in_a_key_harms_nobody,
    a_dry_run_says_it_and_writes_nothing,
    one_hundred_identical_pages_make_one_record,
);

async fn page_and_checkpoint_are_one(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let mark = Checkpoint::new("page 2");
    let records = agents(0..3);
    let page = PageCommit { records: &records, checkpoint: Some(&mark), ..stream.blank(10) };
    let outcome = bench.store.commit_page(page).await.unwrap();
    assert_eq!(outcome, PageOutcome { created: 3, ..PageOutcome::default() });

    let state = stream.state().await;
    assert_eq!(state.live, 3);
    assert_eq!(state.round.unwrap().checkpoint, Some(mark.clone()));
    assert_eq!(bench.store.max_change_seq().await.unwrap(), 3);
    // A page without a checkpoint leaves the one before.
    stream.page(&agents(3..4), 11).await;
    assert_eq!(stream.state().await.round.unwrap().checkpoint, Some(mark));

    stream.finish(GUARD, 12).await;
    let state = stream.state().await;
    assert_eq!(
        (state.round, state.last_full_us, state.last_complete_us),
        (None, Some(12), Some(12))
    );
    assert_eq!(state.settled, Some(Checkpoint::new("settled at 12")));
    let next = bench.store.begin_round(stream.id, RoundMode::Incremental, "other").await.unwrap();
    assert_eq!(next.checkpoint, state.settled);
    bench.store.forget_checkpoints(stream.id).await.unwrap();
    let state = stream.state().await;
    assert_eq!((state.round, state.settled, state.live), (None, None, 4));
}

async fn a_failing_statement_leaves_nothing(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    // The quarantine is written last, after everything else of the page.
    bench.raw("alter table quarantine rename to elsewhere").await;
    let mark = Checkpoint::new("page 2");
    let (records, rejected) = (agents(0..3), [rejected(Some("a9"), "$.host")]);
    let page = PageCommit {
        records: &records,
        rejected: &rejected,
        checkpoint: Some(&mark),
        ..stream.blank(10)
    };
    let error = bench.store.commit_page(page).await.unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error:?}");
    let state = stream.state().await;
    assert_eq!((state.live, state.round.unwrap().checkpoint), (0, None));
    assert_eq!(bench.number("select count(*) from source_record").await, 0);
    assert_eq!(bench.number("select count(*) from sweep_page").await, 0);
    assert_eq!(bench.store.max_change_seq().await.unwrap(), 0);

    bench.raw("alter table elsewhere rename to quarantine").await;
    let outcome = bench.store.commit_page(page).await.unwrap();
    assert_eq!((outcome.created, outcome.rejected), (3, 1));
}

async fn the_same_page_twice_changes_nothing(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..400), 10).await;
    let seq = bench.store.max_change_seq().await.unwrap();
    let again = stream.page(&agents(0..400), 11).await;
    assert_eq!(again, PageOutcome { unchanged: 400, ..PageOutcome::default() });
    assert_eq!(bench.store.max_change_seq().await.unwrap(), seq);
    assert_eq!(stream.state().await.live, 400);
    assert_eq!(stream.finish(GUARD, 12).await.gone, 0);
    assert_eq!(bench.number("select max(changed_at) from source_record").await, 10);
}

async fn of_two_records_with_one_key_the_last_counts(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let records = [agent("a", "FIRST"), agent("b", "B"), agent("a", "LAST")];
    let outcome = stream.page(&records, 10).await;
    assert_eq!(outcome, PageOutcome { created: 2, ..PageOutcome::default() });
    let payload = bench.store.payload(&stream.agent("a")).await.unwrap();
    assert_eq!(payload.unwrap(), records[2].raw);
    assert_eq!(bench.store.payload(&stream.agent("z")).await.unwrap(), None);
}

async fn a_round_that_was_replaced_stores_nothing(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let newer = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let records = agents(0..1);
    let page = PageCommit { records: &records, ..stream.blank(10) };
    let error = bench.store.commit_page(page).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
    newer.page(&agents(0..1), 11).await;
    newer.finish(GUARD, 12).await;
    // Nor may a finished round go on, nor a stream that does not exist.
    let page = PageCommit { round: &newer.round, ..page };
    assert!(matches!(bench.store.commit_page(page).await, Err(Error::Conflict { .. })));
    let page = PageCommit { stream: 999, ..page };
    assert!(matches!(bench.store.commit_page(page).await, Err(Error::NotFound { .. })));
    assert_eq!(stream.state().await.live, 1);
}

async fn earlier_upns_are_kept(bench: Bench) {
    let stream = Stream::begin(&bench.store, "aad", RoundMode::Full).await;
    for (at, upn) in [(10, "ana@old.example"), (20, "ana@new.example"), (30, "eve@new.example")] {
        stream.page(&[person("p1", upn)], at).await;
    }
    // Other content under the same UPN adds nothing.
    let mut same = person("p1", "EVE@new.example");
    same.raw.push(' ');
    assert_eq!(stream.page(&[same], 40).await.changed, 1);
    let records = bench.store.changed_records(0, 10).await.unwrap();
    let history: Vec<_> =
        records[0].history.iter().map(|one| (one.value.as_str(), one.until_us)).collect();
    assert_eq!(history, [("ana@old.example", 20), ("ana@new.example", 30)]);
    assert_eq!((records[0].first_seen_us, records[0].changed_at_us), (10, 40));
    assert_eq!(records[0].change_seq, 4);
}

async fn a_record_that_comes_back_keeps_its_history(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "aad", RoundMode::Full).await;
    let keep = person("p2", "bob@new.example");
    stream.page(&[person("p1", "ana@old.example"), keep.clone()], 10).await;
    stream.page(&[person("p1", "ana@new.example")], 20).await;
    assert_eq!(stream.full(std::slice::from_ref(&keep), 30).await.gone, 1);
    let gone = &bench.store.changed_records(3, 10).await.unwrap()[0];
    assert_eq!((gone.record.key.as_str(), gone.gone_since_us), ("p1", Some(30)));
    assert_eq!(stream.state().await.live, 1);

    stream.again(RoundMode::Full).await;
    let back = stream.page(&[person("p1", "ana@new.example"), keep], 40).await;
    assert_eq!(back, PageOutcome { created: 1, unchanged: 1, ..PageOutcome::default() });
    let back = &bench.store.changed_records(4, 10).await.unwrap()[0];
    assert_eq!((back.gone_since_us, back.first_seen_us), (None, 10));
    assert_eq!(back.history.len(), 1);
    assert_eq!(stream.state().await.live, 2);
}

async fn another_client_is_a_change(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&[agent("a", "A").of_client("c1")], 10).await;
    assert_eq!(stream.page(&[agent("a", "A").of_client("c1")], 11).await.unchanged, 1);
    assert_eq!(stream.page(&[agent("a", "A").of_client("c2")], 12).await.changed, 1);
    let records = bench.store.changed_records(0, 10).await.unwrap();
    assert_eq!(records[0].client.as_deref(), Some("c2"));
}

async fn tombstones_count_only_live_records(bench: Bench) {
    let stream = Stream::begin(&bench.store, "aad", RoundMode::Incremental).await;
    stream.page(&agents(0..3), 10).await;
    let gone = [name("a00001"), name("a00001"), name("never seen"), name("a00002")];
    let page = PageCommit { gone: &gone, ..stream.blank(11) };
    assert_eq!(bench.store.commit_page(page).await.unwrap().gone, 2);
    assert_eq!(bench.store.commit_page(page).await.unwrap().gone, 0);
    assert_eq!(stream.state().await.live, 1);
    let records = bench.store.changed_records(3, 10).await.unwrap();
    let gone: Vec<_> =
        records.iter().map(|one| (one.record.key.as_str(), one.gone_since_us)).collect();
    assert_eq!(gone, [("a00001", Some(11)), ("a00002", Some(11))]);
}

async fn tombstones_beyond_the_limit_are_held(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "aad", RoundMode::Incremental).await;
    stream.page(&agents(0..10), 10).await;
    let all: Vec<_> = (0..6).map(|key| name(&format!("a{key:05}"))).collect();
    for (gone, expected) in [(&all[..2], (2, 0)), (&all[2..], (1, 3)), (&all[2..], (0, 3))] {
        let page = PageCommit { gone, max_gone: Some(3), ..stream.blank(11) };
        let outcome = bench.store.commit_page(page).await.unwrap();
        assert_eq!((outcome.gone, outcome.held), expected);
    }
    let ended = stream.finish(GUARD, 12).await;
    assert_eq!((ended.gone, ended.held, ended.live), (0, 3, 7));
    let held = bench.store.held().await.unwrap();
    assert_eq!((held[0].count, held[0].since_us, &held[0].stream), (3, 11, &stream.key));
    assert_eq!(held[0].sample, ["a00003", "a00004", "a00005"]);

    // One is reported again: it is not held any more. Somebody agrees to the others.
    stream.again(RoundMode::Incremental).await;
    assert_eq!(stream.page(&agents(4..5), 13).await.unchanged, 1);
    assert_eq!(bench.store.accept_held(stream.id, 14).await.unwrap(), 2);
    assert_eq!(bench.store.held().await.unwrap(), []);
    assert_eq!(stream.state().await.live, 5);
    assert_eq!(bench.store.accept_held(stream.id, 15).await.unwrap(), 0);
}

async fn a_record_and_its_tombstone_in_one_page_is_live(bench: Bench) {
    let stream = Stream::begin(&bench.store, "aad", RoundMode::Incremental).await;
    let (records, gone) = (agents(0..1), [name("a00000")]);
    let page = PageCommit { records: &records, gone: &gone, ..stream.blank(10) };
    let first = bench.store.commit_page(page).await.unwrap();
    let again = bench.store.commit_page(page).await.unwrap();
    assert_eq!((first.created, first.gone), (1, 0));
    assert_eq!((again.unchanged, again.gone), (1, 0));
    assert_eq!(stream.state().await.live, 1);
}

async fn quarantine_keeps_one_entry_per_fault_and_empties(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let bad = [
        rejected(Some("a1"), "$.host"),
        rejected(Some("a1"), "$.added"),
        rejected(None, "$.id"),
        rejected(Some("a1"), "$.host"),
    ];
    for now_us in [10, 20] {
        let page = PageCommit { rejected: &bad, ..stream.blank(now_us) };
        assert_eq!(bench.store.commit_page(page).await.unwrap().rejected, 4);
    }
    let all = bench.store.quarantine(Some("rmm"), 10).await.unwrap();
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|one| (one.first_us, one.last_us) == (10, 20) && one.run == "run-1"));
    assert!(all.iter().any(|one| one.rejected == bad[2]));
    assert_eq!(bench.store.quarantine(Some("other"), 10).await.unwrap(), []);

    // Mended, it leaves; what a later full round no longer meets leaves too.
    stream.page(&[agent("a1", "PC")], 30).await;
    let left = bench.store.quarantine(None, 10).await.unwrap();
    assert_eq!(left.iter().map(|one| one.rejected.path.as_str()).collect::<Vec<_>>(), ["$.id"]);
    stream.full(&[agent("a1", "PC")], 40).await;
    assert_eq!(bench.store.quarantine(None, 10).await.unwrap(), []);
}

async fn an_unreadable_record_is_not_gone(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..3), 10).await;
    stream.again(RoundMode::Full).await;
    let (records, bad) = (agents(0..1), [rejected(Some("a00001"), "$.host")]);
    let page = PageCommit { records: &records, rejected: &bad, ..stream.blank(20) };
    bench.store.commit_page(page).await.unwrap();
    assert_eq!(stream.finish(GUARD, 21).await.gone, 1);
    let query = RecordQuery::default();
    let mut live: Vec<_> = bench.store.all_records(&query).await.unwrap();
    live.sort_by_key(|one| one.change_seq);
    let live: Vec<_> = live.iter().map(|one| one.record.key.as_str()).collect();
    assert_eq!(live, ["a00000", "a00001"]);
}

async fn a_nul_in_a_key_harms_nobody(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let records = [agent("a\0b", "HOST\0").of_client("c\0"), agent("c", "C")];
    assert_eq!(stream.page(&records, 10).await.created, 2);
    assert_eq!(stream.page(&records, 11).await.unchanged, 2);
    assert_eq!(stream.full(&records, 12).await.gone, 0);
    let facts = &bench.store.changed_records(0, 1).await.unwrap()[0].facts;
    let Facts::Agent(facts) = facts else { panic!("{facts:?}") };
    assert_eq!(facts.host, "HOST\0");
    assert!(bench.store.payload(&stream.agent("a\0b")).await.unwrap().is_some());
}

async fn a_dry_run_says_it_and_writes_nothing(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..4), 10).await;
    let mut records = agents(1..40);
    records[0] = agent("a00001", "RENAMED");
    let gone = [name("a00000"), name("a00002")];
    let before = bench.store.changed_records(0, 100).await.unwrap();
    let diff = bench.store.dry_run_page(stream.id, &records, &gone).await.unwrap();
    let counts =
        PageOutcome { created: 36, changed: 1, unchanged: 2, gone: 1, ..Default::default() };
    assert_eq!(diff.counts, counts);
    assert_eq!(diff.created.len(), 20);
    assert_eq!(diff.gone, [name("a00000")]);
    let (_, key, before_facts, after) = &diff.changed[0];
    assert_eq!((key.as_str(), before_facts), ("a00001", &agents(1..2)[0].facts));
    assert_eq!(after, &records[0].facts);
    assert_eq!(bench.store.changed_records(0, 100).await.unwrap(), before);

    let real = PageCommit { records: &records, gone: &gone, ..stream.blank(11) };
    assert_eq!(bench.store.commit_page(real).await.unwrap(), counts);
}

async fn one_hundred_identical_pages_make_one_record(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let pages = (0..100).map(|_| {
        let (store, id, round) = (bench.store.clone(), stream.id, stream.round.clone());
        tokio::spawn(async move {
            let records = [agent("a", "PC")];
            let page = PageCommit {
                stream: id,
                run: "run",
                round: &round,
                records: &records,
                pages: &[],
                gone: &[],
                rejected: &[],
                checkpoint: None,
                max_gone: None,
                first: None,
                now_us: 10,
            };
            store.commit_page(page).await.unwrap().created
        })
    });
    let mut created = 0;
    for page in pages.collect::<Vec<_>>() {
        created += page.await.unwrap();
    }
    assert_eq!(created, 1);
    assert_eq!((stream.state().await.live, bench.store.max_change_seq().await.unwrap()), (1, 1));
}

fn name(key: &str) -> (RecordKind, String) {
    (RecordKind::Agent, key.to_owned())
}

fn rejected(key: Option<&str>, path: &str) -> Rejected {
    Rejected {
        key: key.map(str::to_owned),
        path: path.to_owned(),
        reason: "no date: \"soon\"".to_owned(),
        raw: "{\"id\":1}".to_owned(),
    }
}
