//! Runners as the hub sees the agents of any RMM.

use async_trait::async_trait;
use chrono::DateTime;
use core_connector::{
    Account, Changes, Connector, Error, ErrorKind, Page, Proof, Result, Resume, RunScript, Scope,
    Source, Stream,
};
use core_model::facts::{AgentFacts, ClientFacts};
use core_model::record::{Presence, Record};
use core_runner::{Evidence, Shell};
use core_store::{RunnerClient, RunnerRow};
use serde_json::json;

use crate::kind::RUNNERS;
use crate::office::{Office, now_us};

/// For how long a runner that was heard of is online, microseconds.
const ONLINE_US: i64 = 60 * 1_000_000;

/// The connection of kind `runner`.
pub struct Runners {
    source: Listing,
}

struct Listing {
    office: Office,
    /// For how long commands and what they printed are kept, microseconds.
    keep_us: i64,
}

impl Runners {
    /// That of an office. Commands and what they printed are kept so many hours.
    #[must_use]
    pub fn new(office: Office, keep_hours: u32) -> Self {
        let keep_us = i64::from(keep_hours) * 3_600_000_000;
        Self { source: Listing { office, keep_us } }
    }

    pub(crate) fn office(&self) -> &Office {
        &self.source.office
    }
}

/// An error of the store, as connectors say it.
pub(crate) fn of_store(error: &core_store::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the hub's store", error.to_string())
        .with_remedy(error.remedy().to_owned())
}

/// What a machine said of itself.
#[must_use]
pub fn evidence(row: &RunnerRow) -> Evidence {
    // It was checked before it was kept.
    serde_json::from_str(&row.evidence).unwrap_or_default()
}

/// Whether a runner was heard of just now.
#[must_use]
pub fn is_online(row: &RunnerRow, now_us: i64) -> bool {
    now_us - row.heard_us < ONLINE_US
}

#[async_trait]
impl Connector for Runners {
    async fn check(&self) -> Result<Account> {
        let key = self.office().key().await;
        let key = key.map_err(|why| {
            Error::new(ErrorKind::Config, "the signing key", format!("{why:?}"))
                .with_remedy("set `key` in [secrets] to the one that sealed it")
        })?;
        let name = format!("signs with {}", key.public());
        Ok(Account { name, version: None, missing: Vec::new() })
    }

    fn streams(&self) -> Vec<Stream<'_>> {
        vec![Stream { name: RUNNERS.name, kinds: RUNNERS.kinds, source: &self.source }]
    }

    fn scripts(&self) -> Option<&dyn RunScript> {
        Some(self)
    }
}

#[async_trait]
impl Source for Listing {
    fn changes(&self) -> Changes {
        Changes::Snapshot
    }

    async fn page(&self, _scope: &Scope, from: Resume) -> Result<Page> {
        if matches!(from, Resume::From(_)) {
            let detail = "runners are read in one piece and have no checkpoint";
            return Err(Error::new(ErrorKind::CheckpointExpired, "runners", detail));
        }
        let (store, now_us) = (&self.office.store, now_us());
        let clients = store.runner_clients().await.map_err(|error| of_store(&error))?;
        let rows = store.runners().await.map_err(|error| of_store(&error))?;
        let old = store.forget_runner_commands(now_us - self.keep_us).await;
        old.map_err(|error| of_store(&error))?;
        let mut records: Vec<Record> = clients.iter().map(client).collect();
        records.extend(rows.iter().map(|row| agent(row, now_us)));
        Ok(Page {
            records,
            gone: Vec::new(),
            rejected: Vec::new(),
            checkpoint: None,
            proof: Proof::Ended { how: "the store's own list" },
            bytes: 0,
        })
    }
}

fn client(client: &RunnerClient) -> Record {
    let facts = ClientFacts { name: client.name.clone(), ..ClientFacts::default() };
    let raw = json!({ "key": client.key, "name": client.name }).to_string();
    Record::new(&*client.key, facts.into(), raw)
}

fn agent(row: &RunnerRow, now_us: i64) -> Record {
    let said = evidence(row);
    let mut properties = vec![("installation".to_owned(), said.installation.to_string())];
    properties.extend(said.machine_id.map(|id| ("machine-id".to_owned(), id)));
    let facts = AgentFacts {
        host: said.host,
        serial: said.serial,
        manufacturer: said.manufacturer,
        model: said.model,
        uuid: said.uuid,
        os: said.os,
        os_version: said.os_version,
        added: DateTime::from_timestamp_micros(row.enrolled_us),
        // Windows has one of its own, which the machine prints for other agents too.
        installation: (said.shell == Shell::Sh).then(|| said.installation.to_string()),
        runs_scripts: true,
        agent_version: Some(said.version).filter(|version| !version.is_empty()),
        properties,
        ..AgentFacts::default()
    };
    let last_seen = DateTime::from_timestamp_micros(row.heard_us);
    let online = Some(is_online(row, now_us));
    Record::with_volatile_fields(&*row.id, facts.into(), &*row.evidence)
        .of_client(&*row.client)
        .seen(Presence { online, last_seen })
}
