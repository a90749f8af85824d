//! Whoever follows the log waits here for its next event: one question to the database for all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use core_store::Store;
use tokio::sync::watch;

/// How often the log's end is looked for, while somebody follows.
const LOOK: Duration = Duration::from_millis(250);

/// The end of the log.
pub(crate) struct Tail {
    store: Store,
    slot: Arc<Mutex<Option<watch::Sender<i64>>>>,
    ended: watch::Sender<bool>,
}

impl Tail {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, slot: Arc::default(), ended: watch::Sender::new(false) }
    }

    /// Tells each new end of the log.
    pub(crate) fn follow(&self) -> watch::Receiver<i64> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*slot {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(0);
        *slot = Some(sender.clone());
        tokio::spawn(look(self.store.clone(), sender, Arc::clone(&self.slot)));
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
async fn look(
    store: Store,
    sender: watch::Sender<i64>,
    slot: Arc<Mutex<Option<watch::Sender<i64>>>>,
) {
    loop {
        match store.last_event_seq().await {
            Ok(last) => {
                sender.send_if_modified(|known| std::mem::replace(known, last) != last);
            }
            Err(error) => tracing::warn!(%error, "the end of the log of events is not known"),
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
