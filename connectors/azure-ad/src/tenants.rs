//! The tenants: our own directory and the customers', each with what it says of itself.
//!
//! A customer that refuses (no consent yet, no GDAP group, blocked by policy) is still a customer:
//! what it said last is kept in mind, and else what the partner's list says of it is used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use core_connector::{Changes, Error, ErrorKind, Page, Proof, Result, Resume, Scope, Source};
use core_model::facts::{ClientFacts, Reference};
use core_model::record::Rejected;
use core_model::{Checkpoint, Record};
use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use crate::client::Graph;
use crate::directories::{Directories, Directory, SelfPortrait, is_signin, portrait};

const OPERATION: &str = "GET /organization";

/// Directories on a page.
const PER_PAGE: usize = 20;
/// Directories that are asked at once.
const AT_ONCE: usize = 4;

/// The stream.
pub(crate) struct Tenants {
    graph: Arc<Graph>,
    directories: Arc<Directories>,
    said: Mutex<HashMap<String, Said>>,
}

/// What a directory said of itself when it last answered.
#[derive(Clone)]
struct Said {
    facts: ClientFacts,
    raw: String,
}

/// The list is sorted by id, so a place in it is an id, whatever comes and goes meanwhile.
#[derive(Serialize, Deserialize)]
struct Place {
    base: String,
    after: String,
}

impl Tenants {
    /// The stream.
    pub(crate) fn new(graph: Arc<Graph>, directories: Arc<Directories>) -> Self {
        Self { graph, directories, said: Mutex::default() }
    }

    async fn ask(&self, directory: &Directory) -> Result<std::result::Result<Record, Rejected>> {
        match self.portrait(directory).await {
            Ok(own_words) => {
                let said = Said { facts: self.facts(directory, &own_words), raw: own_words.raw };
                self.memory().insert(directory.id.clone(), said.clone());
                Ok(Ok(record(directory, said)))
            }
            Err(error)
                if directory.own || (is_signin(&error) && error.kind() == ErrorKind::Auth) =>
            {
                Err(error)
            }
            Err(error) => {
                tracing::warn!(directory = %directory.id, %error, "a customer's directory refuses");
                let known = self.memory().get(&directory.id).cloned();
                Ok(match known.or_else(|| self.as_listed(directory)) {
                    Some(said) => Ok(record(directory, said)),
                    None => Err(Rejected {
                        key: Some(directory.id.clone()),
                        path: "$.displayName".to_owned(),
                        reason: format!("its name is not known: {error}"),
                        raw: String::new(),
                    }),
                })
            }
        }
    }

    async fn portrait(&self, directory: &Directory) -> Result<SelfPortrait> {
        let said = portrait(&self.graph, &directory.id).await?;
        if said.id == directory.id {
            return Ok(said);
        }
        let detail = format!("asked for directory {}, answered by {}", directory.id, said.id);
        Err(Error::new(ErrorKind::Protocol, OPERATION, detail))
    }

    fn facts(&self, directory: &Directory, said: &SelfPortrait) -> ClientFacts {
        let name = said.name.clone().or_else(|| directory.name.clone());
        let listed = directory.name.clone().filter(|listed| Some(listed) != name.as_ref());
        ClientFacts {
            other_names: listed.into_iter().collect(),
            default_domain: said.default_domain.clone(),
            domains: said.domains.clone(),
            ..self.named(directory, name.unwrap_or_else(|| directory.id.clone()))
        }
    }

    /// What the partner's list says: a copy from the start of the relationship.
    fn as_listed(&self, directory: &Directory) -> Option<Said> {
        let facts = ClientFacts {
            default_domain: directory.domain.clone(),
            domains: directory.domain.clone().into_iter().collect(),
            ..self.named(directory, directory.name.clone()?)
        };
        Some(Said { facts, raw: directory.raw.clone() })
    }

    fn named(&self, directory: &Directory, name: String) -> ClientFacts {
        ClientFacts {
            name,
            references: vec![Reference { system: "directory".into(), id: directory.id.clone() }],
            operator: directory.own && self.directories.reach().is_partner(),
            ..ClientFacts::default()
        }
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, HashMap<String, Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn after(&self, checkpoint: &Checkpoint) -> Result<String> {
        let place = checkpoint.read::<Place>().ok();
        place.filter(|place| place.base == self.graph.base()).map(|place| place.after).ok_or_else(
            || {
                let detail = "the checkpoint is of another address";
                Error::new(ErrorKind::CheckpointExpired, OPERATION, detail)
            },
        )
    }

    fn checkpoint(&self, after: &str) -> Result<Checkpoint> {
        let place = Place { base: self.graph.base().to_owned(), after: after.to_owned() };
        Checkpoint::of(&place)
            .map_err(|error| Error::new(ErrorKind::Protocol, OPERATION, error.to_string()))
    }
}

#[async_trait]
impl Source for Tenants {
    fn changes(&self) -> Changes {
        Changes::Snapshot
    }

    async fn page(&self, _scope: &Scope, from: Resume) -> Result<Page> {
        let (list, after) = match &from {
            Resume::Start => (self.directories.fresh().await?, String::new()),
            Resume::From(checkpoint) => (self.directories.all().await?, self.after(checkpoint)?),
        };
        let begin = list.partition_point(|directory| directory.id <= after);
        let rest = list.get(begin..).unwrap_or_default();
        let asked = rest.get(..PER_PAGE).unwrap_or(rest);
        // Ordered, so that the same list gives the same page.
        let asking: Vec<_> = asked.iter().map(|directory| self.ask(directory)).collect();
        let answers: Vec<_> = stream::iter(asking).buffered(AT_ONCE).collect().await;
        let (mut records, mut rejected) = (Vec::with_capacity(asked.len()), Vec::new());
        for answer in answers {
            match answer? {
                Ok(record) => records.push(record),
                Err(bad) => rejected.push(bad),
            }
        }
        let (checkpoint, proof) = match asked.last() {
            Some(last) if asked.len() < rest.len() => {
                (Some(self.checkpoint(&last.id)?), Proof::More)
            }
            _ => (None, Proof::Ended { how: "every directory of a complete list was asked" }),
        };
        let bytes = records.iter().map(|record| record.raw.len() as u64).sum();
        Ok(Page { records, gone: Vec::new(), rejected, checkpoint, proof, bytes })
    }
}

/// Only the facts are content: what was read of a directory may come from either of two places.
fn record(directory: &Directory, said: Said) -> Record {
    let raw = if said.raw.is_empty() { "{}".to_owned() } else { said.raw };
    Record::with_volatile_fields(&*directory.id, said.facts.into(), raw)
}
