//! Leases at work: taken, renewed while they are held, given back; and what happens when one is
//! lost. A process that was suspended, or cut off from its database, for longer than a lease lives
//! may find on its return that another one has gone on with its work.

use std::time::Duration;

use core_store::{Lease, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::error::Result;
use crate::holder;
use crate::hub::Hub;

/// How long a lease holds without being renewed: a process that died is taken over after it.
const LEASE_US: i64 = 30_000_000;
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(8);

/// A lease that is renewed while it is held. Dropped (its sync was given up), it is given back as
/// soon as somebody finds the time.
pub struct HeldLease {
    store: Store,
    lease: Option<Lease>,
    renewal: JoinHandle<()>,
    watch: LeaseWatch,
}

/// Tells whether a lease was lost, and to whom.
#[derive(Clone)]
pub struct LeaseWatch(watch::Receiver<Option<String>>);

impl LeaseWatch {
    /// Who has the lease instead of us.
    #[must_use]
    pub fn lost_to(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    /// Waits until the lease is lost, if need be for ever, and says to whom.
    pub async fn loss(mut self) -> String {
        let told = self.0.wait_for(Option::is_some).await.map(|holder| holder.clone());
        match told {
            Ok(holder) => holder.unwrap_or_default(),
            // Nobody renews it any more, because it was given back.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Hub {
    /// Takes a lease and keeps it, for those who do something beside syncing that only one may do at
    /// a time; none where a living process has it. The name of a connection after a colon is that of
    /// a sync.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn hold(&self, name: &str) -> Result<Option<HeldLease>> {
        self.bury(name).await?;
        self.take(name).await
    }

    /// Gives leases back.
    pub(crate) async fn release(&self, held: Vec<HeldLease>) -> Result<()> {
        for held in held {
            held.give_back().await?;
        }
        Ok(())
    }

    /// Takes a lease from a process that is dead.
    pub(crate) async fn bury(&self, name: &str) -> Result<()> {
        let holder = self.store.lease_holder(name).await?;
        if let Some(lease) = holder.filter(|lease| holder::is_dead(&lease.holder)) {
            self.store.release_lease(&lease).await?;
        }
        Ok(())
    }

    /// Takes a lease and renews it; none where somebody else has it.
    pub(crate) async fn take(&self, name: &str) -> Result<Option<HeldLease>> {
        let now = self.clock.now();
        let holder = holder::name(now);
        let now_us = now.timestamp_micros();
        let Some(lease) = self.store.take_lease(name, &holder, now_us, LEASE_US).await? else {
            return Ok(None);
        };
        let (sender, receiver) = watch::channel(None);
        let renewal = renew(self.store.clone(), self.clock.clone(), lease.clone(), sender);
        Ok(Some(HeldLease {
            store: self.store.clone(),
            lease: Some(lease),
            renewal: tokio::spawn(renewal),
            watch: LeaseWatch(receiver),
        }))
    }
}

/// Renews a lease until it is given back, or somebody else turns out to have it.
async fn renew(store: Store, clock: Clock, lease: Lease, lost: watch::Sender<Option<String>>) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        match store.renew_lease(&lease, clock.now_us(), LEASE_US).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                // Who it was is good to know, but no reason to wait for an answer.
                let holder = store.lease_holder(&lease.name).await.ok().flatten();
                let holder = holder.map_or_else(
                    || "another process, which has given it back".to_owned(),
                    |lease| lease.holder,
                );
                tracing::warn!(lease = %lease.name, %holder, "a lease was lost");
                lost.send_replace(Some(holder));
                return;
            }
            Err(error) => {
                tracing::warn!(%error, lease = %lease.name, "a lease could not be renewed");
            }
        }
    }
}

impl HeldLease {
    /// Tells when it is lost.
    #[must_use]
    pub fn watch(&self) -> LeaseWatch {
        self.watch.clone()
    }

    /// Gives it back.
    ///
    /// # Errors
    /// When the store fails; then it runs out by itself.
    pub async fn give_back(mut self) -> Result<()> {
        if let Some(lease) = self.stop() {
            self.store.release_lease(&lease).await?;
        }
        Ok(())
    }

    fn stop(&mut self) -> Option<Lease> {
        self.renewal.abort();
        self.lease.take()
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        if let Some(lease) = self.stop()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let store = self.store.clone();
            drop(runtime.spawn(async move {
                if let Err(error) = store.release_lease(&lease).await {
                    tracing::warn!(%error, lease = %lease.name, "a lease could not be given back");
                }
            }));
        }
    }
}
