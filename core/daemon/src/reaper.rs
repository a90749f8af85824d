//! Sessions whose time is over: those whose engine is not heard of any more wait again, those that nobody
//! took in time expire. Engines that take something look too; where none does, nobody else would.

use std::time::Duration;

use core_connector::Hint;
use core_model::session::Session;
use core_store::NewDelivery;
use core_sync::Result;
use tokio::sync::watch;

use crate::inbox::Desk;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(15);

/// Looks after sessions whose time is over.
pub struct Reaper(watch::Receiver<Desk>);

impl Reaper {
    /// By what the settings say as they change.
    #[must_use]
    pub fn new(desk: watch::Receiver<Desk>) -> Self {
        Self(desk)
    }

    /// Works until it is dropped. What fails is logged.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.work().await {
                tracing::warn!(%error, remedy = %error.remedy(), "sessions were not looked after");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Looks once; gives what changed. Several daemons may do so at once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn work(&self) -> Result<Vec<Session>> {
        let desk = self.0.borrow().clone();
        let now_us = desk.hub.clock.now_us();
        let changed = desk.hub.store.tidy_sessions(&desk.queue, now_us).await?;
        for session in &changed {
            let (id, state, word) = (session.id.to_string(), session.state.as_str(), &session.word);
            tracing::warn!(session = id, state, word, "a session's time was over");
        }
        let told: Vec<NewDelivery> = changed.iter().filter_map(on_ticket).collect();
        if !told.is_empty() {
            desk.hub.store.add_deliveries(&told, now_us).await?;
        }
        Ok(changed)
    }
}

/// What has the hub's note on a session's ticket say how it goes; nothing where there is no ticket.
#[must_use]
pub fn on_ticket(session: &Session) -> Option<NewDelivery> {
    let ticket = session.ticket.as_ref()?;
    Some(NewDelivery {
        connection: ticket.connection.clone(),
        id: format!("{} {} {}", session.id, session.state.as_str(), session.changed_us),
        body: serde_json::to_string(&Hint::Ticket(ticket.key.clone())).ok()?,
    })
}
