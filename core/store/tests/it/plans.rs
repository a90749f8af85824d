//! How PostgreSQL goes about what derivation asks for each tenant: what it reads must not grow with
//! what others have. Of one tenant among hundreds that is the difference between minutes and hours.
//! SQLite plans by the indexes alone; there the same questions are asked to see that they are answered.

use core_model::RecordKind;
use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use core_model::observation::Logon;
use core_model::record::Presence;
use core_model::run::{Counts, Outcome, Run};
use core_store::{
    Agents, Backend, IdentityRow, ModelChange, RecordQuery, RoundMode, Store, StreamRuns,
};

use crate::harness::{Bench, Stream, agent, agents, person, stream_key};

on_both!(
    one_client_is_found_without_trying_every_stream_of_its_connection,
    what_was_known_of_a_table_with_one_client_is_not_believed_of_others,
    of_uuids_no_table_is_read_that_was_empty_when_they_were_first_asked_for,
    of_many_runs_each_stream_finds_its_newest_by_itself,
    what_is_written_is_compared_without_reading_a_table_that_was_empty_at_first,
    tables_are_analysed_as_they_grow,
    the_disk_is_waited_for_unless_it_can_be_read_again,
);

const STREAMS: usize = 200;

async fn one_client_is_found_without_trying_every_stream_of_its_connection(bench: Bench) {
    for number in 0..STREAMS {
        let mut key = stream_key("aad", "devices");
        key.scope = format!("t{number}");
        let stream = Stream::of(&bench.store, key, RoundMode::Full).await;
        let (client, logon) = (format!("c{number}"), format!("ana{number}@x.example"));
        let device = agent(&format!("d{number}"), "PC")
            .of_client(&*client)
            .seen(Presence { online: Some(true), last_seen: None })
            .logged_on(Logon { account: logon, source: "whoami".to_owned() });
        let people = (0..10).map(|one| person(&format!("p{one}"), "x").of_client(&*client));
        stream.page(&people.chain([device]).collect::<Vec<_>>(), 10).await;
    }
    let before = Reads::of(bench, "source_record").await;
    let store = before.bench.open_again().await;
    let clients = [("aad".to_owned(), "c7".to_owned())];
    let query = RecordQuery {
        kinds: &[RecordKind::Agent],
        clients: Some(&clients),
        ..RecordQuery::default()
    };
    let found = store.all_records(&query).await.unwrap();
    assert_eq!(found.iter().map(|one| one.record.key.as_str()).collect::<Vec<_>>(), ["d7"]);
    assert_eq!(store.presences(Agents::Clients(&clients)).await.unwrap().len(), 1);
    assert_eq!(store.logons(Agents::Clients(&clients)).await.unwrap().len(), 1);
    assert_eq!(store.readings(Agents::Clients(&clients)).await.unwrap().len(), 0);
    let (whole, looked, rows) = before.since(store, "source_record").await;
    // One look and one row for each of the four questions.
    assert!(
        whole == 0 && looked <= 4 && rows <= 4,
        "{whole} readings, {looked} looks, {rows} rows"
    );
}

async fn what_was_known_of_a_table_with_one_client_is_not_believed_of_others(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let of = |client: &str, keys| -> Vec<_> {
        agents(keys).into_iter().map(|record| record.of_client(client)).collect()
    };
    stream.page(&of("c0", 0..3000), 10).await;
    bench.raw("analyze source_record").await;
    for number in 1..100 {
        stream.page(&of(&format!("c{number}"), 3000 + number * 10..3010 + number * 10), 10).await;
    }
    let before = Reads::of(bench, "source_record").await;
    let store = before.bench.open_again().await;
    for number in 1..100 {
        let clients = [("rmm".to_owned(), format!("c{number}"))];
        let query = RecordQuery { clients: Some(&clients), ..RecordQuery::default() };
        assert_eq!(store.all_records(&query).await.unwrap().len(), 10);
    }
    let (whole, _, rows) = before.since(store, "source_record").await;
    assert!(whole == 0 && rows <= 990, "{whole} readings, {rows} rows");
}

async fn of_uuids_no_table_is_read_that_was_empty_when_they_were_first_asked_for(bench: Bench) {
    let before = Reads::of(bench, "identity").await;
    let store = before.bench.open_again().await;
    let uuid = |number: usize| format!("00000000-0000-4000-8000-{number:012}");
    let asked = [uuid(3), uuid(999_999)];
    // As often as it takes for a plan to be kept.
    for _ in 0..20 {
        store.identities(&asked).await.unwrap();
    }
    for tenant in 0..20 {
        let rows: Vec<_> = (0..100).map(|one| identity(uuid(tenant * 100 + one), tenant)).collect();
        store.set_identities(&format!("t{tenant}"), &rows).await.unwrap();
    }
    for _ in 0..20 {
        let found = store.identities(&asked).await.unwrap();
        assert_eq!(found, [identity(uuid(3), 0)]);
    }
    let (whole, ..) = before.since(store, "identity").await;
    assert_eq!(whole, 0, "the table was read as a whole");
}

async fn of_many_runs_each_stream_finds_its_newest_by_itself(bench: Bench) {
    for stream in 0..STREAMS {
        let mut key = stream_key("aad", "devices");
        key.scope = format!("t{stream}");
        bench.store.ensure_stream(&key).await.unwrap();
        for number in 0..20 {
            let run = Run {
                id: format!("{stream}/{number}"),
                connection: "aad".to_owned(),
                stream: "devices".to_owned(),
                scope: format!("t{stream}"),
                ended_us: Some(number),
                outcome: match (stream % 2, number) {
                    (0, ..19) => Outcome::Complete,
                    (0, _) => Outcome::Failed,
                    _ => Outcome::Skipped,
                },
                ..run()
            };
            bench.store.finish_run(&run).await.unwrap();
        }
    }
    let before = Reads::of(bench, "run").await;
    let store = before.bench.open_again().await;
    let found = store.stream_runs(100).await.unwrap();
    assert_eq!(found.len(), STREAMS);
    let told = |one: &&StreamRuns| (one.last_complete_us, one.latest);
    let failed = |one: &&StreamRuns| told(one) == (Some(18), Some(Outcome::Failed));
    let skipped = |one: &&StreamRuns| told(one) == (None, Some(Outcome::Skipped));
    assert_eq!(found.iter().filter(failed).count(), STREAMS / 2);
    assert_eq!(found.iter().filter(skipped).count(), STREAMS / 2);
    let (whole, _, rows) = before.since(store, "run").await;
    // The newest that was complete, and the newest, which never was in half of them.
    let most = 2 * i64::try_from(STREAMS).unwrap();
    assert!(whole == 0 && rows <= most, "{whole} readings, {rows} rows");
}

async fn what_is_written_is_compared_without_reading_a_table_that_was_empty_at_first(bench: Bench) {
    let before = Reads::of(bench, "computer").await;
    let store = before.bench.open_again().await;
    for round in 0..40 {
        let rows = (0..50).map(|one| computer(round * 50 + one)).collect();
        assert_eq!(store.apply(model_of(rows)).await.unwrap(), 50);
    }
    let (whole, ..) = before.since(store, "computer").await;
    assert_eq!(whole, 0, "the table was read as a whole");
}

async fn tables_are_analysed_as_they_grow(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    for part in 0..20 {
        stream.page(&agents(part * 1000..(part + 1) * 1000), 10).await;
    }
    if bench.store.backend() == Backend::Sqlite {
        let tables = "select name from sqlite_master where name like 'sqlite_stat%'";
        assert_eq!(bench.texts(tables).await, [""; 0], "its statements are written for none");
        return;
    }
    let known = "select count(*) from pg_stats where schemaname = current_schema() \
                 and tablename = 'source_record' and attname = 'client'";
    assert_eq!(bench.number(known).await, 1);
}

async fn the_disk_is_waited_for_unless_it_can_be_read_again(bench: Bench) {
    if bench.store.backend() == Backend::Sqlite {
        let whole = bench.texts("pragma journal_mode").await;
        assert_eq!(
            whole,
            ["wal"],
            "there a commit waits for no disk, and loses at most the last ones"
        );
        return;
    }
    // What each kind of row was written with, told by the database.
    bench
        .raw(
            "create table waited (what text not null, how text not null); \
             create function note() returns trigger language plpgsql as $$ begin \
             insert into waited values (tg_table_name, current_setting('synchronous_commit')); \
             return new; end $$; \
             create trigger noted after insert on source_record for each row execute function note(); \
             create trigger noted after insert on run for each row execute function note(); \
             create trigger noted after insert on computer for each row execute function note(); \
             create trigger noted after insert on cursor for each row execute function note();",
        )
        .await;
    bench.store.close().await;
    let waiting = bench.address.replace("synchronous_commit%3Doff", "synchronous_commit%3Don");
    let store = Store::open(&waiting).await.unwrap();
    let stream = Stream::begin(&store, "rmm", RoundMode::Full).await;
    stream.page(&[agent("a", "A")], 10).await;
    store.start_run(&run()).await.unwrap();
    store.apply(model_of(vec![computer(1)])).await.unwrap();
    store.set_cursor("somebody", 1).await.unwrap();
    let told = bench.texts("select what || ' ' || how from waited order by what").await;
    assert_eq!(told, ["computer on", "cursor on", "run off", "source_record off"]);
}

fn model_of(upserts: Vec<EntityRow>) -> ModelChange<'static> {
    ModelChange { upserts, removals: Vec::new(), cause: &Cause::Run, cursors: &[], now_us: 10 }
}

fn run() -> Run {
    Run {
        id: "run-1".to_owned(),
        connection: "rmm".to_owned(),
        stream: "agents".to_owned(),
        scope: String::new(),
        trigger: "manual".to_owned(),
        mode: "full".to_owned(),
        started_us: 10,
        ended_us: None,
        outcome: Outcome::Running,
        counts: Counts::default(),
        error_kind: None,
        error: None,
        remedy: None,
    }
}

fn identity(uuid: String, tenant: usize) -> IdentityRow {
    IdentityRow {
        agent: format!("rmm/agent/{uuid}"),
        uuid,
        tenant: format!("t{tenant}"),
        since_us: 1,
        last_seen_us: None,
        serials: Vec::new(),
    }
}

fn computer(number: usize) -> EntityRow {
    EntityRow {
        kind: EntityKind::Computer,
        id: format!("computer-{number}"),
        tenant: Some("t".to_owned()),
        name: format!("PC-{number}"),
        document: format!("{{\"number\":{number}}}"),
    }
}

/// How a table was read until now: as a whole, by looks into its indexes, and the rows that these found.
struct Reads {
    bench: Bench,
    counted: (i64, i64, i64),
}

impl Reads {
    /// Closes the store, so that all that was read is counted, and counts.
    async fn of(bench: Bench, table: &str) -> Self {
        bench.store.close().await;
        let counted = count(&bench, table).await;
        Self { bench, counted }
    }

    /// What came to it by this store, which is closed; nothing on SQLite, which does not count.
    async fn since(&self, store: Store, table: &str) -> (i64, i64, i64) {
        store.close().await;
        let (now, before) = (count(&self.bench, table).await, self.counted);
        (now.0 - before.0, now.1 - before.1, now.2 - before.2)
    }
}

/// A server counts what a connection did at the latest when that ends.
async fn count(bench: &Bench, table: &str) -> (i64, i64, i64) {
    if bench.store.backend() == Backend::Sqlite {
        return (0, 0, 0);
    }
    let others = "select count(*) from pg_stat_activity where pid <> pg_backend_pid() \
                  and application_name = current_setting('application_name')";
    while bench.number(others).await > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let of = |column: &str| {
        format!(
            "select coalesce({column}, 0)::bigint from pg_stat_user_tables \
             where schemaname = current_schema() and relname = '{table}'"
        )
    };
    let whole = bench.number(&of("seq_scan")).await;
    (whole, bench.number(&of("idx_scan")).await, bench.number(&of("idx_tup_fetch")).await)
}
