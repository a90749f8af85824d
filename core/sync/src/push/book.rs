//! The book of a push: what its objects hold now, and what is open.

use core_connector::Error as Refusal;
use core_store::{PushItem, PushMark, PushState};

use super::object::Done;
use super::{Open, Pushed, PushedItem, Shared};
use crate::error::Result;

/// What was open when the push began, and where what comes out is written.
pub(super) struct Book<'a> {
    shared: &'a Shared<'a>,
    open: Open,
}

/// What becomes of the objects of one computer.
#[derive(Default)]
struct Page {
    marks: Vec<PushMark>,
    opened: Vec<PushItem>,
    closed: Vec<(String, String)>,
}

impl<'a> Book<'a> {
    /// A book with what was open before.
    pub(super) fn new(shared: &'a Shared<'a>, open: Open) -> Self {
        Self { shared, open }
    }

    /// Writes down what is of no interest any more.
    pub(super) async fn close(&self, stale: Vec<(String, String)>) -> Result<()> {
        self.write(Page { closed: stale, ..Page::default() }).await
    }

    /// Writes down the objects of a computer; a failure learns here whether it is a dead letter.
    pub(super) async fn enter(&self, objects: Vec<Done>) -> Result<Vec<PushedItem>> {
        let mut page = Page::default();
        let items = objects.into_iter().map(|done| self.item(done, &mut page)).collect();
        self.write(page).await?;
        Ok(items)
    }

    fn item(&self, done: Done, page: &mut Page) -> PushedItem {
        let Done { mut item, place, marks } = done;
        page.marks.extend(marks);
        let name = (item.computer.clone(), place);
        let before = self.open.get(&name);
        match &mut item.outcome {
            Pushed::Failed { error, dead } => {
                let entry = self.failure(&name, &item.name, error, before);
                *dead = entry.state == PushState::Dead;
                page.opened.push(entry);
            }
            // Not begun: what is open stays as it is.
            Pushed::Left => {}
            _ if !item.conflicts.is_empty() => {
                let mut entry = self.entry(&name, &item.name, before);
                entry.state = PushState::Conflict;
                entry.conflicts = serde_json::to_string(&item.conflicts).unwrap_or_default();
                page.opened.push(entry);
            }
            _ => page.closed.extend(before.map(|_| name)),
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

    async fn write(&self, page: Page) -> Result<()> {
        if self.shared.options.dry_run {
            return Ok(());
        }
        let (store, name) = (&self.shared.hub.store, &self.shared.connection.name);
        store.put_push_marks(name, &page.marks, self.shared.hub.clock.now_us()).await?;
        store.put_push_items(name, &page.opened, &page.closed).await?;
        Ok(())
    }
}
