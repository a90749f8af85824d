//! Opening: addresses, versions, and what errors must not say.

use core_store::{Backend, Error, NewDelivery, RoundMode, Store};

use crate::harness::{Bench, Stream, agents, stream_key};

on_both!(
    a_store_that_is_opened_again_is_as_it_was,
    a_store_of_the_first_version_is_brought_up_to_date,
    a_newer_schema_is_refused,
    many_may_open_at_once,
    streams_are_made_once,
    the_size_is_known,
    a_long_read_does_not_stop_a_write,
    the_log_of_sqlite_begins_anew_where_somebody_works_it_off,
);

/// The first version of the schema.
const FIRST: &str = include_str!("../../migrations/0001_start.sql");

async fn a_store_that_is_opened_again_is_as_it_was(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..5), 10).await;
    let schema = bench.store.schema().await.unwrap();
    bench.store.close().await;
    let again = Store::open(&bench.address).await.unwrap();
    assert_eq!(again.schema().await.unwrap(), schema);
    let (key, state) = again.streams().await.unwrap().pop().unwrap();
    assert_eq!((key, state.live), (stream.key, 5));
}

async fn a_store_of_the_first_version_is_brought_up_to_date(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..5), 10).await;
    let (schema, later) = (bench.store.schema().await.unwrap(), later_tables(&bench).await);
    assert!(later.contains(&"revision".to_owned()) && later.len() > 5, "{later:?}");
    bench.store.close().await;
    let (before, after) = match bench.url.starts_with("sqlite") {
        true => ("pragma foreign_keys = off; ", ""),
        false => ("", " cascade"),
    };
    let drops: String = later.iter().map(|table| format!("drop table {table}{after}; ")).collect();
    bench
        .raw(&format!(
            "{before}{drops}drop index run_of_stream; drop index run_complete; \
             drop index run_ended; drop index source_record_touched; \
             delete from counter where name not in ('stream', 'change', 'event', 'decision'); \
             delete from schema_version where version > 1"
        ))
        .await;
    let again = Store::open(&bench.address).await.unwrap();
    assert_eq!(again.schema().await.unwrap(), schema);
    assert_eq!(later_tables(&bench).await, later);
    assert_eq!(again.streams().await.unwrap()[0].1.live, 5);
    assert_eq!(again.last_revision().await.unwrap(), 0);
}

/// The tables that later versions of the schema brought.
async fn later_tables(bench: &Bench) -> Vec<String> {
    let all = match bench.url.starts_with("sqlite") {
        true => "select name from sqlite_master where type = 'table' and name not like 'sqlite%'",
        false => {
            "select table_name::text from information_schema.tables \
             where table_schema = current_schema()"
        }
    };
    let mut all = bench.texts(all).await;
    let is_first = |table: &String| FIRST.contains(&format!("create table {table} ("));
    all.retain(|table| !is_first(table) && table != "schema_version");
    all.sort();
    all
}

async fn a_newer_schema_is_refused(bench: Bench) {
    let schema = bench.store.schema().await.unwrap();
    bench.raw("insert into schema_version (version, name) values (4711, 'from the future')").await;
    let error = Store::open(&bench.address).await.err().unwrap();
    let Error::Newer { found: 4711, known } = error else { panic!("{error:?}") };
    assert_eq!(known, schema);
    assert!(error.to_string().contains("4711"), "{error}");
    assert!(error.remedy().contains("newer version"));
}

async fn many_may_open_at_once(bench: Bench) {
    let schema = bench.store.schema().await.unwrap();
    let stores = (0..6).map(|_| {
        let url = bench.address.clone();
        tokio::spawn(async move {
            let store = Store::open(&url).await.unwrap();
            let schema = store.schema().await.unwrap();
            store.close().await;
            schema
        })
    });
    for store in stores.collect::<Vec<_>>() {
        assert_eq!(store.await.unwrap(), schema);
    }
}

async fn streams_are_made_once(bench: Bench) {
    let makers = (0..20).map(|number| {
        let store = bench.store.clone();
        tokio::spawn(async move {
            let key = stream_key("rmm", if number % 2 == 0 { "agents" } else { "clients" });
            store.ensure_stream(&key).await.unwrap().id
        })
    });
    let mut ids = Vec::new();
    for maker in makers.collect::<Vec<_>>() {
        ids.push(maker.await.unwrap());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids, [1, 2]);
    let mut key = stream_key("rmm", "agents");
    key.scope_name = "renamed".to_owned();
    bench.store.ensure_stream(&key).await.unwrap();
    let names: Vec<_> = bench.store.streams().await.unwrap().into_iter().map(|one| one.0).collect();
    assert_eq!(names, [key, stream_key("rmm", "clients")]);
}

async fn the_size_is_known(bench: Bench) {
    assert!(bench.store.size_bytes().await.unwrap() > 4096);
    let expected =
        if bench.url.starts_with("sqlite") { Backend::Sqlite } else { Backend::Postgres };
    assert_eq!(bench.store.backend(), expected);
}

async fn a_long_read_does_not_stop_a_write(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&agents(0..500), 10).await;
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let store = bench.store.clone();
            tokio::spawn(async move {
                let query = core_store::RecordQuery::default();
                store.all_records(&query).await.unwrap().len()
            })
        })
        .collect();
    assert_eq!(stream.page(&agents(500..510), 11).await.created, 10);
    for reader in readers {
        let read = reader.await.unwrap();
        assert!(read == 500 || read == 510, "{read} of a page of ten");
    }
}

async fn the_log_of_sqlite_begins_anew_where_somebody_works_it_off(bench: Bench) {
    let store = &bench.store;
    let sqlite = store.backend() == Backend::Sqlite;
    assert_eq!(store.has_wal().await.unwrap(), sqlite);
    if !sqlite {
        return;
    }
    let file = format!("{}-wal", bench.address.trim_start_matches("sqlite://"));
    let longest = || std::fs::metadata(&file).unwrap().len() >> 20;
    let write = |number: usize| async move {
        let one = |part| NewDelivery {
            connection: "halo".to_owned(),
            id: format!("{number}/{part}"),
            body: "x".repeat(1000),
        };
        let sent: Vec<_> = (0..200).map(one).collect();
        assert_eq!(store.add_deliveries(&sent, 1).await.unwrap(), 200);
    };
    for number in 0..150 {
        write(number).await;
        store.work_off_wal().await.unwrap();
    }
    let short = longest();
    assert!((4..20).contains(&short), "{short} MiB");
    for number in 150..250 {
        write(number).await;
    }
    let long = longest();
    assert!(long > short + 10, "whoever writes has worked it off: {short} and {long} MiB");
    store.work_off_wal().await.unwrap();
    for number in 250..300 {
        write(number).await;
        store.work_off_wal().await.unwrap();
    }
    assert_eq!(longest(), long, "it has not begun anew");
    let all = store.due_deliveries(1, 100_000).await.unwrap();
    assert_eq!(all.len(), 60_000);
    assert_eq!(bench.texts("pragma integrity_check").await, ["ok"]);
}

#[tokio::test]
async fn memory_is_a_store_too() {
    let store = Store::open("sqlite::memory:").await.unwrap();
    let stream = Stream::begin(&store, "rmm", RoundMode::Full).await;
    assert!(!store.has_wal().await.unwrap(), "there is no log");
    assert_eq!(stream.page(&agents(0..300), 10).await.created, 300);
    store.work_off_wal().await.unwrap();
    assert_eq!(store.changed_records(0, 1000).await.unwrap().len(), 300);
}

#[tokio::test]
async fn passwords_are_in_no_error() {
    let addresses = [
        "postgres://ana:hunter2@127.0.0.1:1/linchpin",
        "postgres://ana:hunter2@127.0.0.1:port/linchpin",
        "postgres://ana:hunter2@[bad/linchpin",
        "postgresql://127.0.0.1:1/linchpin?user=ana&password=hunter2",
        "postgres://ana:hunter2@127.0.0.1:1/linchpin?sslmode=hunter2",
        "mysql://ana:hunter2@host/linchpin",
        "ana:hunter2@host.db/linchpin",
    ];
    for address in addresses {
        let error = Store::open(address).await.err().unwrap();
        assert!(matches!(error, Error::Unavailable { .. }), "{address}: {error:?}");
        assert!(!format!("{error} {error:?} {}", error.remedy()).contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn addresses_of_files_are_taken_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for (number, scheme) in ["sqlite://", "sqlite:", ""].iter().enumerate() {
        let path = folder.path().join(format!("{number}.db"));
        let store = Store::open(&format!("{scheme}{}", path.display())).await.unwrap();
        assert_eq!(store.backend(), Backend::Sqlite);
        assert!(path.exists());
    }
    let nowhere = folder.path().join("no such folder").join("a.db");
    let error = Store::open(nowhere.to_str().unwrap()).await.err().unwrap();
    assert!(error.to_string().contains("no such folder"), "{error}");
    let text = folder.path().join("text.db");
    std::fs::write(&text, "this is no database, but it is long enough to be looked at".repeat(99))
        .unwrap();
    let error = Store::open(text.to_str().unwrap()).await.err().unwrap();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
}

/// PostgreSQL would compile statements over tables that were just filled, half a second each.
#[tokio::test]
async fn no_statement_is_compiled_on_postgresql() {
    crate::harness::on_postgres(|bench| async move {
        // A column that no statement fills tells under which setting its row came.
        let told = "alter table source_record alter column gone_since \
                    set default (case current_setting('jit') when 'off' then null else 1 end)";
        bench.raw(told).await;
        let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
        stream.page(&agents([1]), 10).await;
        let compiled = "select count(*) from source_record where gone_since is not null";
        assert_eq!(bench.number(compiled).await, 0);
        assert_eq!(bench.number("select count(*) from source_record").await, 1);
    })
    .await;
}
