//! What a session waits for before it changes anything: a lock that it needs, and that nobody stopped it.

use std::collections::BTreeSet;

use core_model::id::DeploymentId;
use core_plan::{Key, Plan, Step};

use super::{AtWork, LOOK, Pause};
use crate::book::Line;
use crate::error::Result;
use crate::way::Stopped;

impl AtWork<'_> {
    /// Looks whether somebody stopped it, before something is begun: the whole session, which waits then, or what is
    /// done for the sake of a deployment; why.
    pub(super) async fn may_go_on(
        &self,
        line: &Line,
        key: Option<&Key>,
    ) -> std::result::Result<Option<String>, Pause> {
        match line.run.is_some() {
            true => Ok(None),
            false => self.stopped(key).await,
        }
    }

    /// Whether somebody stopped the session, which waits then, or what is done for the sake of a deployment; why.
    pub(crate) async fn stopped(
        &self,
        key: Option<&Key>,
    ) -> std::result::Result<Option<String>, Pause> {
        let mut deployments = BTreeSet::new();
        if let Some(key) = key {
            self.for_the_sake_of(key, &mut BTreeSet::new(), &mut deployments);
        }
        match self.desk.locks.stopped(&deployments).await? {
            None => Ok(None),
            Some(Stopped::Deployment(why)) => Ok(Some(why)),
            // It may be taken again at once; the queue holds it.
            Some(Stopped::Session(why)) => {
                Err(Pause::Waits { why, until: Some(self.desk.clock.now()) })
            }
        }
    }

    /// The deployments that something is done for: its own, or those of whatever it must be there for.
    fn for_the_sake_of(
        &self,
        key: &Key,
        seen: &mut BTreeSet<Key>,
        found: &mut BTreeSet<DeploymentId>,
    ) {
        if !seen.insert(key.clone()) {
            return;
        }
        if let Some(own) = self.brief.deployment_of(key) {
            found.insert(own.id);
            return;
        }
        for by in self.wanted_by.get(key).into_iter().flatten() {
            self.for_the_sake_of(by, seen, found);
        }
    }

    /// Has the lock of the action that a step is of, and no other.
    pub(super) async fn lock_for(&mut self, plan: &Plan, step: &Step) -> Result<()> {
        let Step::Item { key, .. } = step else { return self.unlock().await };
        let wanted = plan.action(key).and_then(|action| action.serial.clone());
        if wanted == self.lock {
            return Ok(());
        }
        self.unlock().await?;
        if let Some(name) = wanted {
            while !self.desk.locks.take(&name).await? {
                self.desk.clock.pause(LOOK).await?;
            }
            self.lock = Some(name);
        }
        Ok(())
    }

    pub(super) async fn unlock(&mut self) -> Result<()> {
        match self.lock.take() {
            Some(name) => self.desk.locks.give_back(&name).await,
            None => Ok(()),
        }
    }
}
