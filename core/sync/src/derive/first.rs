//! What becomes of the records of a stream that is read for the first time, known while they are stored.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use core_derive::SourceRecord;
use core_model::entity::EntityRow;
use core_model::event::Cause;
use core_model::{Record, RecordKind, RecordRef};
use core_store::{DerivedAhead, First, FirstEntities};

use super::{LINK_KINDS, LINKED, Links, MACHINES, RULES, UNFINISHED, rows};
use crate::error::Result;
use crate::hub::Hub;

/// The links that were read last, and what must hold for them to be right.
#[derive(Debug)]
pub(crate) struct Ground {
    links: Links,
    holds: [(&'static str, i64); 3],
}

/// What becomes of the records of one scope.
#[derive(Debug)]
pub(crate) struct Firsts {
    pub(crate) connection: String,
    pub(crate) scope: String,
    pub(crate) ground: Arc<Ground>,
}

impl Hub {
    /// What is known of the model; read once, and again where it stands otherwise.
    pub(crate) async fn ground(&self) -> Result<Arc<Ground>> {
        let known = || self.ground.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ground) = known().clone() {
            return Ok(ground);
        }
        // Before the links: whoever changes them afterwards changes this too.
        let linked = self.store.cursor(LINKED).await?;
        let links = Links::load(self).await?;
        let rules = self.settings.rules_digest();
        let holds = [(LINKED, linked), (RULES, rules), (UNFINISHED, 0)];
        let ground = Arc::new(Ground { links, holds });
        *known() = Some(Arc::clone(&ground));
        Ok(ground)
    }

    /// Takes note of what became of a page's records at once; what is known of the model is forgotten where it stands
    /// otherwise.
    pub(crate) fn wrote_first(&self, first: First) {
        match first {
            First::Later => {}
            First::Stale => *self.ground.lock().unwrap_or_else(PoisonError::into_inner) = None,
            First::Written(events) => {
                self.first_events.fetch_add(events, Ordering::Relaxed);
            }
        }
    }

    /// Links the clients that were read to tenants, where no model was derived yet: what is read after them has its
    /// tenant at once. Machines wait until everything is read.
    pub(crate) async fn link_first(&self) -> Result<()> {
        if self.store.cursor(MACHINES).await? != 0 {
            return Ok(());
        }
        let _alone = self.deriving.lock().await;
        let held = self.hold_derivation().await?;
        let linked = self.while_ours(held.watch(), self.link_alone()).await;
        held.give_back().await?;
        linked
    }

    async fn link_alone(&self) -> Result<()> {
        let cursors = self.cursors().await?;
        let rules = self.settings.rules_digest();
        // Of a model that other rules made, or that is to be made anew, everything is looked at later.
        let is_ours = match cursors.rules {
            0 => self.store.last_event_seq().await? == 0,
            followed => followed == rules,
        };
        if cursors.machines != 0 || cursors.unfinished != 0 || !is_ours {
            return Ok(());
        }
        if !self.changed(cursors.links, LINK_KINDS).await? {
            return Ok(());
        }
        let high = self.store.max_change_seq().await?;
        let decisions = self.store.decisions().await?;
        let cause = Cause::Run;
        let (linked, moved) = self.derive_links(&decisions, &cause, high).await?;
        let links = Links::load(self).await?;
        let (derived, _) = self.derive_rows(&links, &moved, (cursors.rows, high), &cause).await?;
        self.first_events.fetch_add(linked + derived, Ordering::Relaxed);
        let cursors = [(RULES, rules), (UNFINISHED, 0)];
        self.write(Vec::new(), Vec::new(), &cause, &cursors).await?;
        Ok(())
    }
}

impl Firsts {
    /// Whether what comes of such records can be told when they are read. Of an agent whose client is not linked yet it
    /// would be told twice.
    pub(crate) fn are_of(kinds: &[RecordKind]) -> bool {
        kinds.iter().any(|kind| rows::KINDS.contains(kind)) && !kinds.contains(&RecordKind::Agent)
    }
}

impl FirstEntities for Firsts {
    fn holds(&self) -> &[(&'static str, i64)] {
        &self.ground.holds
    }

    fn entity(&self, key: &str, record: &Record, first_seen_us: i64) -> Option<EntityRow> {
        if !rows::KINDS.contains(&record.facts.kind()) {
            return None;
        }
        let name = RecordRef {
            connection: self.connection.clone(),
            kind: record.facts.kind(),
            scope: self.scope.clone(),
            key: key.to_owned(),
        };
        let source = SourceRecord {
            record: name,
            client: record.client.clone(),
            history: Vec::new(),
            first_seen_us,
            gone_since_us: None,
        };
        // Nothing came of it before, so that there is nothing to remove.
        rows::row_of(&source, &record.facts, &self.ground.links)?.ok()
    }
}

/// The changes up to a number that nobody derived yet, in parts: behind one, and up to another.
pub(super) fn between(after: i64, high: i64, ahead: &[DerivedAhead]) -> Vec<(i64, i64)> {
    let mut parts = Vec::new();
    let mut from = after;
    for one in ahead.iter().filter(|one| one.first_seq <= high) {
        if from < one.first_seq - 1 {
            parts.push((from, one.first_seq - 1));
        }
        from = from.max(one.last_seq);
    }
    if from < high {
        parts.push((from, high));
    }
    parts
}

#[cfg(test)]
mod tests {
    use core_model::facts::{AgreementFacts, ClientFacts, Facts};
    use core_store::{PageCommit, Round, RoundMode, Store, StreamKey};

    use super::*;
    use crate::clock::Clock;
    use crate::settings::Settings;

    /// A stream of the one connection, and its round.
    async fn stream(hub: &Hub, name: &str) -> (i64, Round) {
        let key = StreamKey {
            connection: "psa".to_owned(),
            connector: "halopsa".to_owned(),
            stream: name.to_owned(),
            scope: String::new(),
            scope_name: String::new(),
        };
        let id = hub.store.ensure_stream(&key).await.unwrap().id;
        (id, hub.store.begin_round(id, RoundMode::Full, "").await.unwrap())
    }

    async fn put(hub: &Hub, name: &str, record: Record, first: Option<&Firsts>) -> First {
        let (stream, round) = stream(hub, name).await;
        let page = PageCommit {
            stream,
            run: "run",
            round: &round,
            records: &[record],
            pages: &[],
            gone: &[],
            rejected: &[],
            checkpoint: None,
            max_gone: None,
            first: first.map(|first| first as &dyn FirstEntities),
            now_us: hub.clock.now_us(),
        };
        hub.store.commit_page(page).await.unwrap().first
    }

    /// A service that was told to stop before anything was read has followed its rules; of the next one a page may come
    /// in while it finds out which clients there are, before that holds.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_was_written_by_old_links_while_new_ones_were_found_is_derived_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("hub.db").to_str().unwrap()).await.unwrap();
        let hub = Hub::new(store, Vec::new(), Settings::default(), Clock::system());
        hub.derive().await.unwrap();
        let facts = ClientFacts { name: "Contoso".to_owned(), ..ClientFacts::default() };
        let client = Record::new("1", Facts::from(facts), "{}").of_client("1");
        put(&hub, "clients", client, None).await;
        let high = hub.store.max_change_seq().await.unwrap();

        let (connection, scope) = ("psa".to_owned(), String::new());
        let firsts = Firsts { connection, scope, ground: hub.ground().await.unwrap() };
        let agreement = Record::new("7", Facts::from(AgreementFacts::default()), "{}");
        let wrote = put(&hub, "agreements", agreement.of_client("1"), Some(&firsts)).await;
        assert_eq!(wrote, First::Written(1), "it knows of no client yet");
        let (_, moved) = hub.derive_links(&[], &Cause::Run, high).await.unwrap();
        assert_eq!(moved.len(), 1);
        let links = Links::load(&hub).await.unwrap();
        hub.derive_rows(&links, &moved, (0, high), &Cause::Run).await.unwrap();
        assert_eq!(hub.verify().await.unwrap().differences, []);
    }

    fn parts(after: i64, high: i64, ahead: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let ahead = ahead.iter().map(|&(first_seq, last_seq)| DerivedAhead { first_seq, last_seq });
        between(after, high, &ahead.collect::<Vec<_>>())
    }

    #[test]
    fn what_was_derived_ahead_is_passed_over() {
        assert_eq!(parts(0, 0, &[]), []);
        assert_eq!(parts(3, 9, &[]), [(3, 9)]);
        assert_eq!(parts(3, 9, &[(4, 9)]), []);
        assert_eq!(parts(3, 9, &[(5, 6), (8, 8)]), [(3, 4), (6, 7), (8, 9)]);
        assert_eq!(parts(3, 9, &[(4, 6), (7, 8)]), [(8, 9)]);
        // One that began before, and those that came since it was counted.
        assert_eq!(parts(3, 9, &[(2, 4)]), [(4, 9)]);
        assert_eq!(parts(3, 9, &[(9, 12)]), [(3, 8)]);
        assert_eq!(parts(3, 9, &[(11, 12)]), [(3, 9)]);
        assert_eq!(parts(9, 9, &[(10, 12)]), []);
    }
}
