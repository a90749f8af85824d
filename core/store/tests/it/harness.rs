//! Fresh stores, and the small things that the tests are made of.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};

use core_model::facts::{AgentFacts, ClientFacts, Facts, PersonFacts};
use core_model::{Checkpoint, Record, RecordKind, RecordRef};
use core_store::{
    FinishRound, Guard, PageCommit, PageOutcome, Round, RoundMode, RoundOutcome, Store, StreamKey,
    StreamState,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

/// Makes a test on each database of every body named.
macro_rules! on_both {
    ($($body:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $body() { crate::harness::on_sqlite(super::$body).await; })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $body() { crate::harness::on_postgres(super::$body).await; })*
        }
    };
}

/// A fresh store, the address it was opened by, and the one that the driver takes.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) address: String,
    pub(crate) url: String,
}

impl Bench {
    async fn open(url: String) -> Self {
        Self { store: Store::open(&url).await.unwrap(), address: url.clone(), url }
    }

    /// The same store, opened anew: with connections that have asked nothing yet.
    pub(crate) async fn open_again(&self) -> Store {
        Store::open(&self.address).await.unwrap()
    }

    /// Runs statements behind the store's back.
    pub(crate) async fn raw(&self, statements: &str) {
        let mut connection = AnyConnection::connect(&self.url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// The texts that a query gives, one a row.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        let mut connection = AnyConnection::connect(&self.url).await.unwrap();
        let texts = sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&mut connection).await;
        connection.close().await.unwrap();
        texts.unwrap()
    }

    /// The only number that a query gives.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        let mut connection = AnyConnection::connect(&self.url).await.unwrap();
        let number = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut connection).await;
        connection.close().await.unwrap();
        number.unwrap()
    }
}

pub(crate) async fn on_sqlite<F: Future<Output = ()> + Send + 'static>(body: fn(Bench) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("what a name%20?#.db");
    let url = path.to_str().unwrap().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    let address = format!("sqlite://{}", path.display());
    let store = Store::open(&address).await.unwrap();
    body(Bench { store, address, url: format!("sqlite://{url}") }).await;
}

pub(crate) async fn on_postgres<F: Future<Output = ()> + Send + 'static>(body: fn(Bench) -> F) {
    let Some(server) = postgres().await else { return };
    static SCHEMAS: AtomicU32 = AtomicU32::new(0);
    let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
    let schema = format!("linchpin_test_{}_{number}", std::process::id());
    let admin = |statement: String| {
        let server = server.clone();
        async move {
            let mut connection = AnyConnection::connect(&server).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    };
    admin(format!("drop schema if exists {schema} cascade; create schema {schema}")).await;
    let separator = if server.contains('?') { '&' } else { '?' };
    // What is tested does not depend on surviving a power cut, and waiting for disks takes minutes.
    let options = format!(
        "-csearch_path%3D{schema}%20-csynchronous_commit%3Doff%20-capplication_name%3D{schema}"
    );
    let url = format!("{server}{separator}options={options}");
    let outcome = tokio::spawn(async move { body(Bench::open(url).await).await }).await;
    admin(format!("drop schema {schema} cascade")).await;
    if let Err(error) = outcome {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// The server to test on: the one named in `TEST_POSTGRES_URL`, or the local one if it answers.
/// Where a server is required, its absence fails the test; elsewhere it is said aloud.
#[expect(clippy::disallowed_methods, reason = "the tests' own settings, no part of the program")]
async fn postgres() -> Option<String> {
    sqlx::any::install_default_drivers();
    if let Ok(url) = std::env::var("TEST_POSTGRES_URL") {
        return Some(url);
    }
    let local = "postgres://postgres@127.0.0.1:5432/postgres";
    match AnyConnection::connect(local).await {
        Ok(connection) => {
            connection.close().await.unwrap();
            Some(local.to_owned())
        }
        Err(error) => {
            let required = std::env::var("LINCHPIN_REQUIRE_POSTGRES").is_ok_and(|text| text == "1");
            let required = required || std::env::var_os("CI").is_some();
            assert!(!required, "PostgreSQL is required, and there is none at {local}: {error}");
            eprintln!("LEFT OUT: there is no PostgreSQL at {local} ({error})");
            None
        }
    }
}

/// The guard of the tests: 10 % and 20 records.
pub(crate) const GUARD: Guard = Guard { max_percent: 10, max_count: 20, accept: false };

/// A stream under test: its round goes on from page to page.
pub(crate) struct Stream {
    pub(crate) store: Store,
    pub(crate) key: StreamKey,
    pub(crate) id: i64,
    pub(crate) round: Round,
}

impl Stream {
    pub(crate) async fn begin(store: &Store, connection: &str, mode: RoundMode) -> Self {
        Self::of(store, stream_key(connection, "agents"), mode).await
    }

    pub(crate) async fn of(store: &Store, key: StreamKey, mode: RoundMode) -> Self {
        let id = store.ensure_stream(&key).await.unwrap().id;
        let round = store.begin_round(id, mode, "settings").await.unwrap();
        Self { store: store.clone(), key, id, round }
    }

    pub(crate) async fn again(&mut self, mode: RoundMode) {
        self.round = self.store.begin_round(self.id, mode, "settings").await.unwrap();
    }

    /// A page with nothing in it.
    pub(crate) fn blank(&self, now_us: i64) -> PageCommit<'_> {
        PageCommit {
            stream: self.id,
            run: "run-1",
            round: &self.round,
            records: &[],
            pages: &[],
            gone: &[],
            rejected: &[],
            checkpoint: None,
            max_gone: None,
            first: None,
            now_us,
        }
    }

    pub(crate) async fn page(&self, records: &[Record], now_us: i64) -> PageOutcome {
        let page = PageCommit { records, ..self.blank(now_us) };
        self.store.commit_page(page).await.unwrap()
    }

    pub(crate) async fn finish(&self, guard: Guard, now_us: i64) -> RoundOutcome {
        let settled = Checkpoint::new(format!("settled at {now_us}"));
        let finish = FinishRound {
            stream: self.id,
            round: &self.round,
            settled: Some(&settled),
            guard,
            now_us,
        };
        self.store.finish_round(finish).await.unwrap()
    }

    /// Reads the stream from first to last.
    pub(crate) async fn full(&mut self, records: &[Record], now_us: i64) -> RoundOutcome {
        self.again(RoundMode::Full).await;
        self.page(records, now_us).await;
        self.finish(GUARD, now_us).await
    }

    pub(crate) async fn state(&self) -> StreamState {
        self.store.ensure_stream(&self.key).await.unwrap()
    }

    pub(crate) fn agent(&self, key: &str) -> RecordRef {
        RecordRef::new(self.key.connection.clone(), RecordKind::Agent, "", key)
    }
}

pub(crate) fn stream_key(connection: &str, stream: &str) -> StreamKey {
    StreamKey {
        connection: connection.to_owned(),
        connector: "cw-automate".to_owned(),
        stream: stream.to_owned(),
        scope: String::new(),
        scope_name: String::new(),
    }
}

pub(crate) fn agent(key: &str, host: &str) -> Record {
    let facts = AgentFacts { host: host.to_owned(), ..AgentFacts::default() };
    Record::new(key, Facts::from(facts), format!("{{\"id\":\"{key}\",\"host\":\"{host}\"}}"))
}

pub(crate) fn agents(keys: impl IntoIterator<Item = usize>) -> Vec<Record> {
    keys.into_iter().map(|key| agent(&format!("a{key:05}"), &format!("PC-{key}"))).collect()
}

pub(crate) fn person(key: &str, upn: &str) -> Record {
    let facts = PersonFacts { upn: upn.to_owned(), ..PersonFacts::default() };
    Record::new(key, Facts::from(facts), format!("{{\"upn\":\"{upn}\"}}"))
}

pub(crate) fn client(key: &str, name: &str) -> Record {
    let facts = ClientFacts { name: name.to_owned(), ..ClientFacts::default() };
    Record::new(key, Facts::from(facts), format!("{{\"name\":\"{name}\"}}"))
}

/// Where the seeds begin: `LINCHPIN_SEED`, or a fixed place.
#[expect(clippy::disallowed_methods, reason = "the tests' own settings, no part of the program")]
pub(crate) fn first_seed() -> u64 {
    std::env::var("LINCHPIN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_130)
}

/// Numbers that look random (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}
