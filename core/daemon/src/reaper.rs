//! Sessions whose time is over: those whose engine is not heard of any more wait again, those that nobody
//! took in time expire. Engines that take something look too; where none does, nobody else would.

use std::time::Duration;

use core_connector::Hint;
use core_model::session::Session;
use core_store::{NewDelivery, Store};
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
        tell_tickets(&desk.hub.store, &changed, now_us).await?;
        Ok(changed)
    }
}

/// Has the hub's notes on tickets say how these sessions go.
///
/// # Errors
/// When the database does not answer.
pub async fn tell_tickets(
    store: &Store,
    sessions: &[Session],
    now_us: i64,
) -> core_store::Result<()> {
    let told: Vec<NewDelivery> = sessions.iter().filter_map(on_ticket).collect();
    if !told.is_empty() {
        store.add_deliveries(&told, now_us).await?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use core_model::id::{ComputerId, DeploymentId, SessionId, TenantId};
    use core_model::queue::QueueRules;
    use core_model::session::{SessionState, TicketRef};
    use core_store::Store;
    use core_sync::{Clock, Hub, Settings};

    use super::*;

    fn runs(name: &str, until_us: i64, ticket: Option<&str>) -> Session {
        Session {
            id: SessionId::of_text(name, 1),
            deployment: Some(DeploymentId::of_text("reader", 1)),
            state: SessionState::Running,
            asked_by: "ana".to_owned(),
            ticket: ticket
                .map(|key| TicketRef { connection: "halo".to_owned(), key: key.to_owned() }),
            engine: Some("one".to_owned()),
            until_us: Some(until_us),
            takes: 1,
            ..Session::asked(
                TenantId::of_text("contoso", 1),
                ComputerId::of_text(name, 1),
                name,
                "Reader",
                1,
            )
        }
    }

    #[tokio::test]
    async fn s17_what_no_engine_is_heard_of_waits_again_and_its_ticket_hears_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("hub.db").to_str().unwrap()).await.unwrap();
        let lost = [runs("pc1", 5, Some("7")), runs("pc2", 5, None)];
        let all = [lost[0].clone(), lost[1].clone(), runs("pc3", i64::MAX, Some("8"))];
        store.add_sessions(&all).await.unwrap();
        let hub = Hub::new(store.clone(), Vec::new(), Settings::default(), Clock::system());
        let queue = QueueRules { most_takes: 2, ..QueueRules::default() };
        let desk = Desk { hub: Arc::new(hub), notes: None, queue };
        let (_sender, desk) = watch::channel(desk);
        let reaper = Reaper::new(desk);
        let changed = reaper.work().await.unwrap();
        assert_eq!(changed.len(), 2);
        assert!(changed.iter().all(|one| one.state == SessionState::Waiting), "{changed:?}");
        let due = store.due_deliveries(i64::MAX, 10).await.unwrap();
        let told: Vec<&str> = due.iter().map(|one| one.body.as_str()).collect();
        assert_eq!(told, [r#"{"ticket":"7"}"#]);
        assert_eq!(reaper.work().await.unwrap(), []);
    }
}
