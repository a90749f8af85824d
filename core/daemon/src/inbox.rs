//! What systems sent by themselves, worked off: tickets are looked at, streams are read early, presence
//! is noted. It was stored before it was acknowledged; what fails is tried again, and in the end given up
//! where somebody can see it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use core_connector::{ErrorKind, Hint, TRACES};
use core_model::queue::QueueRules;
use core_store::{Attempt, Delivery};
use core_sync::{Error, Hub, Result};
use tokio::sync::{Notify, mpsc, watch};

use crate::daemon::Order;

/// Of several daemons one works it off at a time.
const LEASE: &str = "inbox:/";
/// How much is worked off at once.
const BATCH: usize = 500;
/// How often it is looked for, where nobody says that there is something.
const LOOK: Duration = Duration::from_secs(5);
/// How often what fails is tried.
const ATTEMPTS: u32 = 8;
/// Seconds before it is tried again; each further wait is twice as long.
const FIRST_WAIT: i64 = 20;
/// How long what is settled is remembered, so that what is sent again is known: seven days.
const REMEMBERED_US: i64 = 7 * 86_400 * 1_000_000;
/// How often what is older is forgotten.
const FORGET: Duration = Duration::from_secs(3600);

/// What the inbox and the reaper go by; it changes with the settings.
#[derive(Clone)]
pub struct Desk {
    /// The hub with its connections.
    pub hub: Arc<Hub>,
    /// Where the page of a ticket is, up to `/technician`; none where no note is to be written.
    pub notes: Option<String>,
    /// How sessions wait, and how many run.
    pub queue: QueueRules,
}

/// Works off what was sent.
pub struct Inbox {
    desk: watch::Receiver<Desk>,
    orders: mpsc::Sender<Order>,
    /// Is told that something came.
    came: Arc<Notify>,
}

impl Inbox {
    /// An inbox that hands hints on to a daemon, and works off at once when it is told to.
    #[must_use]
    pub fn new(
        desk: watch::Receiver<Desk>,
        orders: mpsc::Sender<Order>,
        came: Arc<Notify>,
    ) -> Self {
        Self { desk, orders, came }
    }

    /// Works until it is dropped. What fails is logged.
    pub async fn run(self) {
        let mut forget = tokio::time::interval(FORGET);
        loop {
            tokio::select! {
                () = self.came.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
                _ = forget.tick() => self.forget().await,
            }
            if let Err(error) = self.work().await {
                tracing::warn!(%error, remedy = %error.remedy(), "the inbox was not worked off");
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    async fn forget(&self) {
        let hub = Arc::clone(&self.desk.borrow().hub);
        if let Err(error) = hub.store.forget_deliveries(hub.clock.now_us() - REMEMBERED_US).await {
            tracing::warn!(%error, "old deliveries were not forgotten");
        }
    }

    /// Works off what is due, if nobody else does; gives how much that was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn work(&self) -> Result<usize> {
        let desk = self.desk.borrow().clone();
        let hub = &desk.hub;
        // Most of the time there is nothing, and nobody needs a lease for that.
        if hub.store.due_deliveries(hub.clock.now_us(), 1).await?.is_empty() {
            return Ok(0);
        }
        let Some(lease) = hub.hold(LEASE).await? else { return Ok(0) };
        let watch = lease.watch();
        let mut all = 0;
        while watch.lost_to().is_none() {
            let due = hub.store.due_deliveries(hub.clock.now_us(), BATCH).await?;
            if due.is_empty() {
                break;
            }
            all += due.len();
            let ends = self.batch(&desk, &due).await?;
            hub.store.attempted(&ends, hub.clock.now_us()).await?;
        }
        lease.give_back().await?;
        Ok(all)
    }

    /// Everything that says the same is looked at once: what came in between does not matter, since
    /// the system is asked what there is now.
    async fn batch(&self, desk: &Desk, due: &[Delivery]) -> Result<Vec<(i64, Attempt)>> {
        let mut by_hint: BTreeMap<(&str, &str), Vec<&Delivery>> = BTreeMap::new();
        for delivery in due {
            by_hint.entry((&delivery.connection, &delivery.body)).or_default().push(delivery);
        }
        let mut ends = Vec::new();
        for ((connection, body), deliveries) in by_hint {
            let end = match serde_json::from_str::<Hint>(body) {
                Ok(hint) => self.follow(desk, connection, hint).await,
                Err(error) => Err(error.into()),
            };
            let failed = match end {
                Ok(()) => None,
                Err(Error::Vendor { error, .. }) if error.kind() == ErrorKind::NotFound => None,
                Err(Error::Store(error)) => return Err(error.into()),
                Err(error) => Some(error.to_string()),
            };
            for delivery in deliveries {
                let end = match &failed {
                    None => Attempt::Done,
                    Some(why) => again(desk, delivery, why),
                };
                ends.push((delivery.seq, end));
            }
        }
        Ok(ends)
    }

    /// Does what a hint is for.
    #[tracing::instrument(target = TRACES, name = "delivery", skip_all, fields(
        connection = connection, hint = word(&hint),
    ))]
    async fn follow(&self, desk: &Desk, connection: &str, hint: Hint) -> Result<()> {
        let hub = &desk.hub;
        match hint {
            Hint::Ticket(key) => {
                let row = hub.read_ticket(connection, &key).await?;
                if let (Some(pages), Some(_), false) = (&desk.notes, &row.tenant, row.closed) {
                    hub.note_ticket(&row, &page_of(pages, connection, &row.key)).await?;
                }
            }
            Hint::Stream(stream) => {
                let order = Order::Hint { connection: connection.to_owned(), stream };
                // An error is that the daemon has ended; another one reads what changed.
                drop(self.orders.send(order).await);
            }
            Hint::Presence { agent, presence } => {
                if !hub.store.tell_presence(connection, &agent, presence).await? {
                    tracing::debug!(connection, agent, "an agent came or went that is not known");
                }
            }
            Hint::Subscription(id) => {
                tracing::info!(connection, id, "a system wants a subscription looked at");
                let connection = connection.to_owned();
                // What it told may have been lost, so that what changed is read too.
                if let Some(stream) = hub.store.ask_for_subscription(&connection, &id).await? {
                    let connection = connection.clone();
                    drop(self.orders.send(Order::Hint { connection, stream }).await);
                }
                drop(self.orders.send(Order::Subscribe { connection }).await);
            }
        }
        Ok(())
    }
}

/// What a hint is about, in a word.
fn word(hint: &Hint) -> &'static str {
    match hint {
        Hint::Ticket(_) => "ticket",
        Hint::Stream(_) => "stream",
        Hint::Presence { .. } => "presence",
        Hint::Subscription(_) => "subscription",
    }
}

/// Where the page of a ticket is.
#[must_use]
pub fn page_of(pages: &str, connection: &str, key: &str) -> String {
    let segment = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    char::from(byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect()
    };
    let pages = pages.trim_end_matches('/');
    format!("{pages}/technician/{}/ticket/{}", segment(connection), segment(key))
}

fn again(desk: &Desk, delivery: &Delivery, why: &str) -> Attempt {
    let (connection, attempts) = (&delivery.connection, delivery.attempts + 1);
    if attempts >= ATTEMPTS {
        tracing::error!(connection, attempts, why, "what a system sent was given up");
        return Attempt::GivenUp(why.to_owned());
    }
    tracing::warn!(connection, attempts, why, "what a system sent was in vain");
    let wait = TimeDelta::seconds(FIRST_WAIT << delivery.attempts.min(ATTEMPTS));
    Attempt::Again((desk.hub.clock.now() + wait).timestamp_micros(), why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_ticket_is_below_the_hub_whatever_it_is_called() {
        let page = page_of("https://hub.example/", "halo", "42");
        assert_eq!(page, "https://hub.example/technician/halo/ticket/42");
        let odd = page_of("https://hub.example", "a/b", "../x?y");
        assert_eq!(odd, "https://hub.example/technician/a%2Fb/ticket/..%2Fx%3Fy");
    }
}
