//! The end of a round: absence deletes only as far as the guard allows.

use core_store::{Error, FinishRound, Guard, RoundMode, RoundOutcome};

use crate::harness::{Bench, GUARD, Stream, agents};

on_both!(
    what_a_full_round_did_not_see_is_gone,
    an_incremental_round_deletes_nothing,
    the_guard_needs_percent_and_count,
    two_hundred_of_two_hundred_are_held_and_accepted,
    nothing_read_at_all_is_always_held,
    a_hold_ends_when_the_records_are_back,
    a_round_given_up_leaves_no_trace_in_the_next,
    a_round_ends_once,
);

async fn what_a_full_round_did_not_see_is_gone(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let other = Stream::begin(&bench.store, "other", RoundMode::Full).await;
    stream.page(&agents(0..700), 10).await;
    other.page(&agents(0..5), 10).await;
    stream.again(RoundMode::Full).await;
    stream.page(&agents(0..300), 20).await;
    stream.page(&agents(310..700), 21).await;
    let ended = stream.finish(GUARD, 22).await;
    assert_eq!(ended, RoundOutcome { gone: 10, held: 0, live: 690 });
    assert_eq!(other.state().await.live, 5);
    let live = "select count(*) from source_record where gone_since is null";
    assert_eq!(bench.number(live).await, 695);
    assert_eq!(bench.number("select count(*) from sweep_page where stream_id = 1").await, 0);
}

async fn an_incremental_round_deletes_nothing(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..10), 10).await;
    stream.finish(GUARD, 11).await;
    stream.again(RoundMode::Incremental).await;
    stream.page(&agents(0..1), 20).await;
    let ended = stream.finish(GUARD, 21).await;
    assert_eq!(ended, RoundOutcome { gone: 0, held: 0, live: 10 });
    let state = stream.state().await;
    assert_eq!((state.last_full_us, state.last_complete_us), (Some(11), Some(21)));
}

async fn the_guard_needs_percent_and_count(bench: Bench) {
    // (live, missing, held): more than 10 % and more than 20 records.
    let cases = [
        (100, 20, false), // 20 %, but not more than 20
        (100, 21, true),
        (300, 30, false), // 30, but not more than 10 %
        (300, 31, true),
        (5, 4, false),
    ];
    for (number, (live, missing, held)) in cases.into_iter().enumerate() {
        let name = format!("rmm-{number}");
        let mut stream = Stream::begin(&bench.store, &name, RoundMode::Full).await;
        stream.page(&agents(0..live), 10).await;
        let ended = stream.full(&agents(missing..live), 20).await;
        let expected = if held { (0, missing as u64) } else { (missing as u64, 0) };
        assert_eq!((ended.gone, ended.held), expected, "{missing} of {live}");
        assert_eq!(ended.live, (live - ended.gone as usize) as i64);
    }
}

async fn two_hundred_of_two_hundred_are_held_and_accepted(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..200), 10).await;
    stream.finish(GUARD, 11).await;
    // An empty answer with status 200, twice: held once, since the first time.
    for now_us in [20, 30] {
        let ended = stream.full(&[], now_us).await;
        assert_eq!(ended, RoundOutcome { gone: 0, held: 200, live: 200 });
    }
    let held = bench.store.held().await.unwrap();
    assert_eq!((held.len(), held[0].count, held[0].since_us), (1, 200, 20));
    assert_eq!(held[0].sample.len(), 5);

    stream.again(RoundMode::Full).await;
    let ended = stream.finish(Guard { accept: true, ..GUARD }, 40).await;
    assert_eq!(ended, RoundOutcome { gone: 200, held: 0, live: 0 });
    assert_eq!(bench.store.held().await.unwrap(), []);
    // Nothing live, nothing read: an empty stream is not a deletion.
    assert_eq!(stream.full(&[], 50).await, RoundOutcome::default());
}

async fn nothing_read_at_all_is_always_held(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..1), 10).await;
    assert_eq!(stream.full(&[], 20).await, RoundOutcome { gone: 0, held: 1, live: 1 });
    stream.again(RoundMode::Incremental).await;
    let ended = stream.finish(Guard { accept: true, ..GUARD }, 30).await;
    assert_eq!(ended, RoundOutcome { gone: 1, held: 0, live: 0 });
}

async fn a_hold_ends_when_the_records_are_back(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..200), 10).await;
    assert_eq!(stream.full(&agents(0..100), 20).await.held, 100);
    // Half of them are back, the others are still missing: those stay held.
    assert_eq!(stream.full(&agents(0..150), 30).await.held, 50);
    // All but a few are back: the few are a plain deletion.
    assert_eq!(
        stream.full(&agents(0..190), 40).await,
        RoundOutcome { gone: 10, held: 0, live: 190 }
    );
    assert_eq!(bench.store.held().await.unwrap(), []);
}

async fn a_round_given_up_leaves_no_trace_in_the_next(bench: Bench) {
    let mut stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..10), 10).await;
    stream.finish(GUARD, 11).await;
    stream.again(RoundMode::Full).await;
    stream.page(&agents(0..10), 20).await;
    // The second round is given up after its page; the third sees less.
    assert_eq!(stream.full(&agents(0..8), 30).await.gone, 2);
}

async fn a_round_ends_once(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..1), 10).await;
    stream.finish(GUARD, 11).await;
    let finish = FinishRound {
        stream: stream.id,
        round: &stream.round,
        settled: None,
        guard: GUARD,
        now_us: 12,
    };
    let error = bench.store.finish_round(finish).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
    assert!(stream.state().await.settled.is_some());
}
