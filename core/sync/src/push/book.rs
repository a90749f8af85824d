//! The book of a push: what its objects hold now, and what is open, written some at a time.

use core_connector::Error as Refusal;
use core_store::{PushItem, PushMark, PushState};

use super::object::Done;
use super::{Open, Pushed, PushedItem, Shared};
use crate::error::Result;

/// Objects that are written down at once.
const BATCH: usize = 64;

pub(super) struct Book<'a> {
    shared: &'a Shared<'a>,
    open: Open,
    marks: Vec<PushMark>,
    opened: Vec<PushItem>,
    closed: Vec<(String, String)>,
    waiting: usize,
}

impl<'a> Book<'a> {
    /// A book with what was open before, and what of that is of no interest any more.
    pub(super) fn new(shared: &'a Shared<'a>, open: Open, stale: Vec<(String, String)>) -> Self {
        Self { shared, open, marks: Vec::new(), opened: Vec::new(), closed: stale, waiting: 0 }
    }

    /// Enters an object; a failure learns here whether it is a dead letter.
    pub(super) fn enter(&mut self, done: Done) -> PushedItem {
        let Done { mut item, place, marks } = done;
        self.waiting += 1;
        self.marks.extend(marks);
        let name = (item.computer.clone(), place);
        let before = self.open.remove(&name);
        match &mut item.outcome {
            Pushed::Failed { error, dead } => {
                let entry = self.failure(&name, &item.name, error, before.as_ref());
                *dead = entry.state == PushState::Dead;
                self.opened.push(entry);
            }
            // Not begun: what is open stays as it is.
            Pushed::Left => {}
            _ if !item.conflicts.is_empty() => {
                let mut entry = self.entry(&name, &item.name, before.as_ref());
                entry.state = PushState::Conflict;
                entry.conflicts = serde_json::to_string(&item.conflicts).unwrap_or_default();
                self.opened.push(entry);
            }
            _ => self.closed.extend(before.map(|_| name)),
        }
        item
    }

    fn failure(
        &self,
        name: &(String, String),
        computer: &str,
        error: &Refusal,
        before: Option<&PushItem>,
    ) -> PushItem {
        let mut entry = self.entry(name, computer, before);
        let failed = before.filter(|item| item.state == PushState::Retry);
        entry.attempts = failed.map_or(0, |item| item.attempts) + 1;
        match core_push::wait_us(error.kind(), entry.attempts) {
            Some(wait) => entry.next_us = entry.changed_us.saturating_add(wait),
            None => entry.state = PushState::Dead,
        }
        entry.error_kind = Some(error.kind().as_str().to_owned());
        entry.error = Some(error.to_string());
        entry.remedy = Some(error.remedy());
        entry
    }

    fn entry(
        &self,
        (computer, object): &(String, String),
        name: &str,
        before: Option<&PushItem>,
    ) -> PushItem {
        let now_us = self.shared.hub.clock.now_us();
        PushItem {
            connection: self.shared.connection.name.clone(),
            computer: computer.clone(),
            object: object.clone(),
            name: name.to_owned(),
            state: PushState::Retry,
            attempts: 0,
            next_us: 0,
            since_us: before.map_or(now_us, |item| item.since_us),
            changed_us: now_us,
            error_kind: None,
            error: None,
            remedy: None,
            conflicts: "[]".to_owned(),
        }
    }

    /// Writes down what there is, if it is enough.
    pub(super) async fn write_some(&mut self) -> Result<()> {
        if self.waiting >= BATCH { self.write().await } else { Ok(()) }
    }

    /// Writes down what there is.
    pub(super) async fn write(&mut self) -> Result<()> {
        self.waiting = 0;
        let (marks, opened) = (std::mem::take(&mut self.marks), std::mem::take(&mut self.opened));
        let closed = std::mem::take(&mut self.closed);
        if self.shared.options.dry_run {
            return Ok(());
        }
        let (store, name) = (&self.shared.hub.store, &self.shared.connection.name);
        store.put_push_marks(name, &marks, self.shared.hub.clock.now_us()).await?;
        store.put_push_items(name, &opened, &closed).await?;
        Ok(())
    }
}
