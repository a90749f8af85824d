//! The API over a port, on both databases: whoever follows the log while several write it, and comes
//! back again and again, hears everything once and in order.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use chrono::Utc;
use core_daemon::{Health, SystemTimer};
use core_model::access::Role;
use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use core_server::{Answers, Api, Desk, Unanswered};
use core_store::{ModelChange, NewToken, Store, Token};
use core_sync::Clock;
use serde_json::{Value, json};
use tests::databases;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::both_databases;

/// Who write at once, how often, and how many entities each time.
const WRITERS: usize = 4;
const WRITES: i64 = 25;
const ROWS: usize = 4;
/// Characters of a document: what a follower does not read fills every buffer on the way soon.
const LONG: usize = 4000;

struct Nothing;

#[async_trait]
impl Answers for Nothing {
    async fn status(&self) -> Result<Value, Unanswered> {
        Ok(Value::Null)
    }

    async fn winners(&self, _computer: &str, _as_of: Option<&str>) -> Result<Value, Unanswered> {
        Ok(Value::Null)
    }
}

/// A port, and a token that sees one of two tenants.
struct Served {
    address: std::net::SocketAddr,
    token: String,
}

impl Served {
    async fn start(store: &Store) -> Result<Self> {
        let health = Arc::new(Health::new(store.clone()));
        let timer = Arc::new(SystemTimer::new(Clock::system()));
        let api = Api::new(store.clone(), health, timer, Arc::new(Nothing), Desk::closed());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(core_server::serve(listener, api, std::future::pending()));
        let token = Token::from_random([5; 32]);
        let tenants = ["ten_0".to_owned()];
        let new = NewToken {
            name: "follower",
            role: Role::Reader,
            tenants: Some(&tenants),
            by: "tests",
            expires_us: None,
            now_us: Utc::now().timestamp_micros(),
        };
        store.add_token(&token, &new).await?;
        Ok(Self { address, token: token.reveal().to_owned() })
    }

    async fn ask(&self, path: &str) -> Result<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect(self.address).await?;
        let token = &self.token;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        Ok(BufReader::new(stream))
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let mut answer = String::new();
        self.ask(path).await?.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no body")?;
        ensure!(head.starts_with("HTTP/1.1 200"), "{answer}");
        Ok(serde_json::from_str(body)?)
    }

    /// The next numbers of the stream after one.
    async fn follow(&self, after: i64, count: usize) -> Result<Vec<i64>> {
        let mut lines = self.ask(&format!("/v1/events?since={after}")).await?.lines();
        let mut found = Vec::new();
        while found.len() < count {
            let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await??;
            if let Some(id) = line.context("the stream ended")?.strip_prefix("id: ") {
                found.push(id.parse()?);
            }
        }
        Ok(found)
    }
}

/// Changes entities of both tenants, again and again.
async fn write(store: Store, writer: usize) -> core_store::Result<()> {
    for version in 0..WRITES {
        let rows = (0..ROWS).map(|row| {
            let (id, tenant) = (format!("cmp_{writer}_{row}"), format!("ten_{}", row % 2));
            let document =
                json!({ "id": id, "tenant": tenant, "name": "x".repeat(LONG), "at": version });
            EntityRow {
                kind: EntityKind::Computer,
                id,
                tenant: Some(tenant),
                name: "x".to_owned(),
                document: document.to_string(),
            }
        });
        let change = ModelChange {
            upserts: rows.collect(),
            removals: Vec::new(),
            cause: &Cause::Run,
            cursors: &[],
            now_us: version,
        };
        store.apply(change).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_while_others_write_hears_everything_once_on_both_databases() -> Result<()> {
    for database in both_databases().await? {
        let store = database.open().await?;
        let served = Served::start(&store).await?;
        // One that never reads what it asked for, and must hold nobody up.
        let idle = served.ask("/v1/events?since=0").await?;
        let writers: Vec<_> =
            (0..WRITERS).map(|writer| tokio::spawn(write(store.clone(), writer))).collect();
        let due = WRITERS * usize::try_from(WRITES)? * ROWS / 2;
        let mut heard: Vec<i64> = Vec::new();
        while heard.len() < due {
            let after = heard.last().copied().unwrap_or_default();
            let count = 7.min(due - heard.len());
            heard.extend(served.follow(after, count).await?);
        }
        for writer in writers {
            writer.await??;
        }
        let events = store.events(0, 10_000).await?;
        let ours = events.iter().filter(|event| event.tenant.as_deref() == Some("ten_0"));
        let expected: Vec<i64> = ours.map(|event| event.sequence).collect();
        ensure!(heard == expected, "{}: {heard:?}\n{expected:?}", database.name);

        let (mut paged, mut since) = (Vec::new(), 0);
        loop {
            let page = served.get(&format!("/v1/changes?limit=11&since={since}")).await?;
            let items = page["items"].as_array().context("no items")?;
            paged.extend(items.iter().filter_map(|item| item["sequence"].as_i64()));
            since = page["next"].as_i64().context("no next")?;
            if page["next"] == page["last"] {
                break;
            }
        }
        ensure!(paged == expected, "{}: {paged:?}\n{expected:?}", database.name);
        let list = served.get("/v1/computers?fields=id&name=X").await?;
        ensure!(list["items"].as_array().is_some_and(|items| items.len() == WRITERS * ROWS / 2));
        drop(idle);
        store.close().await;
        databases::drop_database(&database).await?;
    }
    Ok(())
}
