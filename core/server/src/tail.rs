//! Whoever follows something waits here for its next change: one question to the database for all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use core_store::Store;
use tokio::sync::watch;

/// How often the end is looked for, while somebody follows.
const LOOK: Duration = Duration::from_millis(250);

/// What is followed by a number that ascends with every change of it.
#[derive(Clone, Copy)]
pub(crate) enum Followed {
    /// The log of events.
    Events,
    /// Sessions.
    Sessions,
}

impl Followed {
    async fn end(self, store: &Store) -> core_store::Result<i64> {
        match self {
            Self::Events => store.last_event_seq().await,
            Self::Sessions => store.last_session_change().await,
        }
    }
}

/// Where somebody looks for an end, as long as anybody follows it.
type Slot = Arc<Mutex<Option<watch::Sender<i64>>>>;

/// The ends of what is followed.
pub(crate) struct Tail {
    store: Store,
    events: Slot,
    sessions: Slot,
    ended: watch::Sender<bool>,
}

impl Tail {
    pub(crate) fn new(store: Store) -> Self {
        let (events, sessions) = (Slot::default(), Slot::default());
        Self { store, events, sessions, ended: watch::Sender::new(false) }
    }

    /// Tells each new end.
    pub(crate) fn follow(&self, what: Followed) -> watch::Receiver<i64> {
        let place = match what {
            Followed::Events => &self.events,
            Followed::Sessions => &self.sessions,
        };
        let mut slot = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*slot {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(0);
        *slot = Some(sender.clone());
        tokio::spawn(look(self.store.clone(), what, sender, Arc::clone(place)));
        receiver
    }

    /// Tells when everybody is to stop following.
    pub(crate) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// Lets everybody stop following.
    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }
}

/// Looks for the end until nobody follows any more.
async fn look(store: Store, what: Followed, sender: watch::Sender<i64>, slot: Slot) {
    loop {
        match what.end(&store).await {
            Ok(last) => {
                sender.send_if_modified(|known| std::mem::replace(known, last) != last);
            }
            Err(error) => tracing::warn!(%error, "the end of what is followed is not known"),
        }
        tokio::time::sleep(LOOK).await;
        // Under the lock: whoever begins to follow now either finds this one or starts another.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if sender.receiver_count() == 0 {
            *slot = None;
            return;
        }
    }
}
