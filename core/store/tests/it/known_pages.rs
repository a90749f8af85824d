//! Pages that a vendor gave before are known without a look at their records, and only as long as these stand so.

use core_model::{Record, RecordKind};
use core_store::{PageCommit, PageOutcome, RecordQuery, RoundMode};

use crate::harness::{Bench, GUARD, Random, Stream, agent, agents, first_seed};

on_both!(
    a_page_that_was_read_before_is_known,
    what_was_changed_since_is_looked_up_even_under_a_clock_that_stands,
    what_went_since_is_looked_up,
    a_page_whose_record_comes_twice_is_not_known,
    a_page_that_a_whole_round_did_not_read_is_forgotten,
    after_a_great_change_everything_is_looked_up_once,
    whatever_happens_known_pages_change_nothing,
);

/// Records of a page of these tests.
const PAGE: usize = 50;

/// Stores records as pages of so many each.
async fn put(stream: &Stream, records: &[Record], size: usize, now_us: i64) -> PageOutcome {
    let pages: Vec<usize> = records
        .chunks(size)
        .scan(0, |end, page| {
            *end += page.len();
            Some(*end)
        })
        .collect();
    let page = PageCommit { records, pages: &pages, ..stream.blank(now_us) };
    stream.store.commit_page(page).await.unwrap()
}

/// Reads everything in one transaction; says how many were unchanged, and how many of them were known.
async fn full(stream: &mut Stream, records: &[Record], now_us: i64) -> (u64, u64) {
    stream.again(RoundMode::Full).await;
    let outcome = put(stream, records, PAGE, now_us).await;
    stream.finish(GUARD, now_us).await;
    (outcome.unchanged, outcome.known)
}

async fn host(bench: &Bench, stream: &Stream, key: &str) -> (String, Option<i64>) {
    let (records, kinds) = ([stream.agent(key)], [RecordKind::Agent]);
    let query = RecordQuery {
        kinds: &kinds,
        keys: Some(&records),
        include_gone: true,
        ..RecordQuery::default()
    };
    let found = bench.store.records(&query, None, 10).await.unwrap();
    let core_model::facts::Facts::Agent(facts) = &found[0].facts else { panic!("{found:?}") };
    (facts.host.clone(), found[0].gone_since_us)
}

async fn a_page_that_was_read_before_is_known(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let records = agents(0..130);
    assert_eq!(full(&mut stream, &records, 10).await, (0, 0));
    // The last thirty are too few to be a page of their own.
    assert_eq!(full(&mut stream, &records, 20).await, (130, 100));
    assert_eq!(full(&mut stream, &records, 30).await, (130, 100));
    // One record less, and each page behind it is another one; what is missing is gone all the same.
    assert_eq!(full(&mut stream, &records[1..], 40).await, (129, 0));
    assert_eq!(stream.state().await.live, 129);
    assert_eq!(host(&bench, &stream, "a00000").await.1, Some(40));
    // In a round that reads what changed, pages do not come again.
    stream.again(RoundMode::Incremental).await;
    assert_eq!(put(&stream, &records[1..], PAGE, 50).await.known, 0);
    // Another stream has its own.
    let mut other = Stream::begin(&bench.store, "other", RoundMode::Full).await;
    assert_eq!(full(&mut other, &records[1..], 60).await, (0, 0));
}

async fn what_was_changed_since_is_looked_up_even_under_a_clock_that_stands(bench: Bench) {
    for (connection, now_us) in
        [("goes on", [10, 20, 30, 40]), ("stands", [10; 4]), ("goes back", [40, 30, 20, 10])]
    {
        let mut stream = Stream::begin(&bench.store, connection, RoundMode::Full).await;
        let records = agents(0..100);
        full(&mut stream, &records, now_us[0]).await;
        stream.again(RoundMode::Incremental).await;
        stream.page(&[agent("a00007", "other")], now_us[1]).await;
        stream.finish(GUARD, now_us[1]).await;
        assert_eq!(host(&bench, &stream, "a00007").await.0, "other");
        // The vendor says again what it said at first.
        assert_eq!(full(&mut stream, &records, now_us[2]).await, (99, 50), "{connection}");
        assert_eq!(host(&bench, &stream, "a00007").await.0, "PC-7", "{connection}");
        assert_eq!(full(&mut stream, &records, now_us[3]).await, (100, 100), "{connection}");
    }
}

async fn what_went_since_is_looked_up(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let records = agents(0..100);
    full(&mut stream, &records, 10).await;
    stream.again(RoundMode::Incremental).await;
    let gone = [(RecordKind::Agent, "a00060".to_owned())];
    let page = PageCommit { gone: &gone, ..stream.blank(10) };
    assert_eq!(bench.store.commit_page(page).await.unwrap().gone, 1);
    stream.again(RoundMode::Full).await;
    let outcome = put(&stream, &records, PAGE, 10).await;
    assert_eq!((outcome.created, outcome.unchanged, outcome.known), (1, 99, 50));
    assert_eq!(host(&bench, &stream, "a00060").await, ("PC-60".to_owned(), None));
    assert_eq!(stream.state().await.live, 100);
}

async fn a_page_whose_record_comes_twice_is_not_known(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let mut records = agents(0..100);
    full(&mut stream, &records, 10).await;
    // The last word about the seventh is in a page that nobody knows; and then in one that somebody does.
    records.push(agent("a00007", "other"));
    assert_eq!(full(&mut stream, &records, 20).await, (99, 0));
    assert_eq!(host(&bench, &stream, "a00007").await.0, "other");
    records.rotate_right(1);
    assert_eq!(full(&mut stream, &records, 30).await, (99, 0));
    assert_eq!(host(&bench, &stream, "a00007").await.0, "PC-7");
    // Of a round that had it twice no page is known afterwards.
    assert_eq!(full(&mut stream, &agents(0..100), 40).await, (100, 0));
}

async fn a_page_that_a_whole_round_did_not_read_is_forgotten(bench: Bench) {
    let pages = "select count(*) from known_page";
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let records = agents(0..100);
    full(&mut stream, &records, 10).await;
    assert_eq!(bench.number(pages).await, 2);
    // A round that was left in its middle has read the first only.
    stream.again(RoundMode::Full).await;
    put(&stream, &records[..50], PAGE, 20).await;
    assert_eq!(full(&mut stream, &records, 30).await, (100, 100));
    full(&mut stream, &records[..99], 40).await;
    assert_eq!(bench.number(pages).await, 1, "49 records are no page, and the one of 50 is over");
}

async fn after_a_great_change_everything_is_looked_up_once(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let records = agents(0..1100);
    full(&mut stream, &records, 10).await;
    let other: Vec<Record> = (0..1000).map(|key| agent(&format!("a{key:05}"), "other")).collect();
    stream.again(RoundMode::Incremental).await;
    stream.page(&other, 20).await;
    assert_eq!(full(&mut stream, &records, 30).await, (100, 0));
    assert_eq!(full(&mut stream, &records, 40).await, (1100, 1100));
}

/// Two streams are told the same, one of them in pages: they end alike, whatever it was.
async fn whatever_happens_known_pages_change_nothing(bench: Bench) {
    for seed in first_seed()..first_seed() + 6 {
        eprintln!("seed {seed} (LINCHPIN_SEED={seed} gives it back)");
        let mut random = Random(seed);
        let names = [format!("paged {seed}"), format!("plain {seed}")];
        let mut paged = Stream::begin(&bench.store, &names[0], RoundMode::Full).await;
        let mut plain = Stream::begin(&bench.store, &names[1], RoundMode::Full).await;
        let mut known = 0;
        for step in 0..30 {
            known += one_round(&mut random, (&mut paged, &mut plain), step).await;
            let (one, other) = (content(&bench, &names[0]).await, content(&bench, &names[1]).await);
            assert_eq!(one, other, "seed {seed}, step {step}");
        }
        assert!(known > 500, "seed {seed}: {known} records of known pages");
    }
}

/// A round of any kind, from first to last or not; says how many records were of known pages.
async fn one_round(
    random: &mut Random,
    (paged, plain): (&mut Stream, &mut Stream),
    step: i64,
) -> u64 {
    let mode = if random.below(3) == 0 { RoundMode::Incremental } else { RoundMode::Full };
    paged.again(mode).await;
    plain.again(mode).await;
    let mut known = 0;
    for first in [0, 200] {
        let mut records = agents(first..first + 200);
        if mode == RoundMode::Incremental {
            records.truncate(random.below(4));
        }
        for _ in 0..random.below(3) {
            let (key, host) = (random.below(400), random.below(2));
            let changed = agent(&format!("a{key:05}"), &format!("other {host}"));
            match records.iter_mut().find(|one| one.key == changed.key) {
                Some(one) => *one = changed,
                None => records.push(changed),
            }
        }
        let gone = (RecordKind::Agent, format!("a{:05}", random.below(400)));
        let gone = if random.below(4) == 0 { vec![gone] } else { Vec::new() };
        let pages: Vec<usize> = (1..=4).map(|page| records.len() * page / 4).collect();
        let page = PageCommit { records: &records, gone: &gone, ..plain.blank(step) };
        let mut outcome = paged
            .store
            .commit_page(PageCommit {
                pages: &pages,
                stream: paged.id,
                round: &paged.round,
                ..page
            })
            .await
            .unwrap();
        known += std::mem::take(&mut outcome.known);
        assert_eq!(outcome, plain.store.commit_page(page).await.unwrap());
    }
    if random.below(5) != 0 {
        assert_eq!(paged.finish(GUARD, step).await, plain.finish(GUARD, step).await);
    }
    known
}

/// Every record of a connection: key, content and whether it is there.
async fn content(bench: &Bench, connection: &str) -> Vec<String> {
    let text = format!(
        "select r.key || r.facts || r.history || r.payload || case when r.gone_since is null \
         then '' else 'gone' end from source_record r join stream s on s.id = r.stream_id \
         where s.connection = '{connection}' order by r.key"
    );
    bench.texts(&text).await
}
