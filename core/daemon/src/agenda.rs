//! What schedules have made by themselves: due, it fires once, whichever of several daemons finds it; what was missed
//! fires once, however often that was; what was begun and not noted is made again, and comes out the same.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use core_schedule::Schedule;
use core_store::Planned;
use core_sync::{Hub, Result};
use tokio::sync::watch;

use crate::inbox::Desk;
use crate::metrics::Metrics;

/// How often it is looked what is planned, where nothing is due sooner.
const LOOK: Duration = Duration::from_secs(5);
/// The shortest rest between two looks.
const REST: Duration = Duration::from_millis(200);
/// How often it is looked how schedules stand, and whom nobody set up yet.
const TIDY: TimeDelta = TimeDelta::seconds(15);
/// What begins the names of what is planned here.
const BEGINS: &str = "schedule/";
/// Of several daemons one looks how schedules stand.
const LEASE: &str = "agenda:/";

/// What is due by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed {
    /// Its name: it begins with `schedule/`.
    pub name: String,
    /// Under another one, nothing was missed.
    pub spec: String,
    /// What was due before is not made up for.
    pub since: DateTime<Utc>,
    /// When.
    pub when: Schedule,
}

/// What came of a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// What it is called.
    pub words: String,
    /// How many sessions were made.
    pub made: u64,
    /// How many subjects had one already that is not over.
    pub waiting: u64,
    /// Of how many it is not known whether it is for them.
    pub unknown: u64,
    /// To how many nothing is done.
    pub left_alone: u64,
}

/// Knows what is planned and who it is for. Errors are in words, and it is tried again.
#[async_trait]
pub trait Agenda: Send + Sync {
    /// What is due by itself, as things are now.
    ///
    /// # Errors
    /// Where that cannot be told.
    async fn planned(&self) -> std::result::Result<Arc<Vec<Timed>>, String>;

    /// Makes the sessions of a time; of one that was made already, the same.
    ///
    /// # Errors
    /// Where that cannot be done.
    async fn fire(
        &self,
        name: &str,
        due: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> std::result::Result<Fired, String>;

    /// Notes how schedules stand, has computers set up that wait for it, and notes which of them were; gives how many
    /// sessions it made.
    ///
    /// # Errors
    /// Where that cannot be done.
    async fn tidy(&self, now: DateTime<Utc>) -> std::result::Result<u64, String>;
}

/// Has schedules fire.
pub struct Scheduler {
    desk: watch::Receiver<Desk>,
    agenda: Arc<dyn Agenda>,
    metrics: Arc<Metrics>,
    /// What the store was told of last.
    known: Option<Arc<Vec<Timed>>>,
    tidied: DateTime<Utc>,
}

impl Scheduler {
    /// By what the settings say as they change.
    #[must_use]
    pub fn new(
        desk: watch::Receiver<Desk>,
        agenda: Arc<dyn Agenda>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { desk, agenda, metrics, known: None, tidied: DateTime::UNIX_EPOCH }
    }

    /// Works until it is dropped. What fails is logged, and tried again.
    pub async fn run(mut self) {
        loop {
            if let Err(error) = self.work().await {
                tracing::warn!(%error, remedy = %error.remedy(), "schedules were not looked at");
            }
            self.tidy().await;
            tokio::time::sleep(self.rest()).await;
        }
    }

    /// Has everything fire that is due, and gives what came of it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn work(&mut self) -> Result<Vec<Fired>> {
        let hub = Arc::clone(&self.desk.borrow().hub);
        let timed = match self.agenda.planned().await {
            Ok(timed) => timed,
            Err(error) => {
                tracing::warn!(error, "what is planned is not known");
                return Ok(Vec::new());
            }
        };
        self.note(&hub, &timed).await?;
        if timed.is_empty() {
            self.metrics.schedules(0, 0);
            return Ok(Vec::new());
        }
        let now = hub.clock.now();
        let handled = handled(&hub).await?;
        let due: Vec<&Timed> =
            timed.iter().filter(|one| due(one, &handled, now).is_some()).collect();
        self.metrics.schedules(timed.len(), due.len());
        let mut fired = Vec::new();
        for one in due {
            fired.extend(self.fire(&hub, one).await?);
        }
        Ok(fired)
    }

    /// Tells the store of what is planned, where that is something else than before.
    async fn note(&mut self, hub: &Hub, timed: &Arc<Vec<Timed>>) -> Result<()> {
        if self.known.as_ref().is_some_and(|known| known == timed) {
            return Ok(());
        }
        let planned: Vec<Planned> = timed
            .iter()
            .map(|one| Planned {
                name: one.name.clone(),
                spec: one.spec.clone(),
                handled_us: one.since.timestamp_micros(),
            })
            .collect();
        hub.store.plan(&planned).await?;
        let names: Vec<String> = timed.iter().map(|one| one.name.clone()).collect();
        hub.store.forget_planned_but(BEGINS, &names).await?;
        self.known = Some(Arc::clone(timed));
        Ok(())
    }

    /// Has one fire, if nobody else does.
    async fn fire(&self, hub: &Arc<Hub>, one: &Timed) -> Result<Option<Fired>> {
        let Some(lease) = hub.hold(&format!("agenda:{}", one.name)).await? else {
            return Ok(None);
        };
        let fired = self.fire_alone(hub, one).await;
        lease.give_back().await?;
        fired
    }

    async fn fire_alone(&self, hub: &Arc<Hub>, one: &Timed) -> Result<Option<Fired>> {
        // Another daemon may have been quicker.
        let now = hub.clock.now();
        let Some(due) = due(one, &handled(hub).await?, now) else { return Ok(None) };
        let fired = match self.agenda.fire(&one.name, due, now).await {
            Ok(fired) => fired,
            Err(error) => {
                tracing::warn!(name = one.name, %due, error, "a schedule did not fire; it is tried again");
                self.metrics.schedule_failed();
                return Ok(None);
            }
        };
        let handled_us = due.timestamp_micros();
        let done = Planned { name: one.name.clone(), spec: one.spec.clone(), handled_us };
        hub.store.handled(&[done]).await?;
        self.metrics.schedule_fired(&fired);
        let Fired { words, made, waiting, unknown, left_alone } = &fired;
        tracing::info!(schedule = words, %due, made, waiting, unknown, left_alone, "a schedule fired");
        Ok(Some(fired))
    }

    /// Looks now and then how schedules stand and whom nobody set up, if no other daemon does.
    async fn tidy(&mut self) {
        let hub = Arc::clone(&self.desk.borrow().hub);
        let now = hub.clock.now();
        if now < self.tidied + TIDY && now >= self.tidied {
            return;
        }
        self.tidied = now;
        let lease = match hub.hold(LEASE).await {
            Ok(Some(lease)) => lease,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "how schedules stand was not looked at");
                return;
            }
        };
        match self.agenda.tidy(now).await {
            Ok(0) => {}
            Ok(sessions) => tracing::info!(sessions, "computers are set up"),
            Err(error) => tracing::warn!(error, "how schedules stand was not looked at"),
        }
        if let Err(error) = lease.give_back().await {
            tracing::warn!(%error, "a lease was not given back; it runs out by itself");
        }
    }

    /// How long to rest: until something is due, and not for long in any case.
    fn rest(&self) -> Duration {
        let now = self.desk.borrow().hub.clock.now();
        let all = self.known.iter().flat_map(|known| known.iter());
        let next = all.filter_map(|one| one.when.next(now)).min();
        let until = next.and_then(|next| (next - now).to_std().ok());
        until.unwrap_or(LOOK).clamp(REST, LOOK)
    }
}

/// How far what is planned has come, by name and spec.
async fn handled(hub: &Hub) -> Result<HashMap<(String, String), i64>> {
    let all = hub.store.planned().await?.into_iter();
    let own = all.filter(|one| one.name.starts_with(BEGINS));
    Ok(own.map(|one| ((one.name, one.spec), one.handled_us)).collect())
}

/// The newest time of something that is not handled.
fn due(
    one: &Timed,
    handled: &HashMap<(String, String), i64>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let until = handled.get(&(one.name.clone(), one.spec.clone()))?;
    one.when.missed(DateTime::from_timestamp_micros(*until)?, now)
}

#[cfg(test)]
mod tests;
