//! Who is told what: signals and a changed settings file become orders for the daemon.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use core_daemon::{Health, Order};
use tokio::sync::{mpsc, watch};

use super::signals::{Asked, Signals};
use super::{desk_of, endpoints_of, forget_others, site, systemd};
use crate::cli::Global;
use crate::context::Context;
use crate::failure::{Exit, Failure};

/// How often the settings file is looked at. What is the same twice in a row is written to its end.
const LOOK: Duration = Duration::from_secs(1);

/// Who is told of other settings.
pub(super) struct Told {
    /// What systems send and technicians ask.
    pub(super) desks: watch::Sender<core_daemon::Desk>,
    /// Those who are told of what happens.
    pub(super) endpoints: watch::Sender<Vec<core_daemon::Endpoint>>,
    /// Whoever sends mail.
    pub(super) mailing: watch::Sender<Option<core_daemon::Mailing>>,
}

/// The desk.
pub(super) struct Desk {
    global: Global,
    /// The settings in force, for all who go by them.
    in_force: watch::Sender<Arc<Context>>,
    /// The same for all others who work by them.
    told: Told,
    orders: mpsc::Sender<Order>,
    health: Arc<Health>,
    file: WatchedFile,
    stopping: bool,
}

impl Desk {
    pub(super) fn new(
        global: Global,
        in_force: watch::Sender<Arc<Context>>,
        told: Told,
        orders: mpsc::Sender<Order>,
        health: Arc<Health>,
    ) -> Self {
        let file = WatchedFile::new(global.config.clone());
        Self { global, in_force, told, orders, health, file, stopping: false }
    }

    /// Attends to signals and to the file until the daemon has ended.
    pub(super) async fn attend(mut self, mut signals: Signals) {
        let mut looks = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                asked = signals.next() => match asked {
                    Asked::Stop => self.stop().await,
                    Asked::Reload => {
                        self.file.take();
                        self.reload("asked to").await;
                    }
                },
                _ = looks.tick() => if self.file.has_changed() {
                    self.reload("the file changed").await;
                },
            }
        }
    }

    async fn stop(&mut self) {
        if self.stopping {
            tracing::warn!("ended at once; the next start goes on after the last page");
            std::process::exit(i32::from(Exit::Failed.code()));
        }
        self.stopping = true;
        systemd::stopping();
        // An error is that the daemon has ended already.
        drop(self.orders.send(Order::Stop).await);
    }

    /// Puts the settings of the file into force, if they are right.
    async fn reload(&mut self, why: &str) {
        if self.stopping {
            return;
        }
        systemd::reloading();
        let before = Arc::clone(&self.in_force.borrow());
        let read = async {
            let context = Arc::new(before.renewed(&self.global)?.with_sign_in().await?);
            let site = site(&context)?;
            Ok::<_, Failure>((desk_of(&context, &site), site, context))
        };
        let read = read.await;
        match read {
            Ok((desk, site, context)) => {
                let endpoints = endpoints_of(&context).await;
                if context.config.listen != before.config.listen {
                    tracing::warn!("`listen` has changed; it takes a restart to listen there");
                }
                if !context.config.same_traces(&before.config) {
                    tracing::warn!("`traces` has changed; it takes a restart to send them there");
                }
                tracing::info!(why, "the settings were read again");
                self.health.refused(None);
                self.told.mailing.send_replace(context.config.mailing());
                self.in_force.send_replace(Arc::clone(&context));
                self.told.desks.send_replace(desk);
                self.told.endpoints.send_replace(endpoints);
                // After those who tell know it: nobody begins again what was just forgotten.
                forget_others(&context).await;
                drop(self.orders.send(Order::Renew(Box::new(site))).await);
            }
            Err(failure) => {
                let error = failure.in_full();
                tracing::error!(why, %error, "the settings are refused; the old ones are in force");
                self.health.refused(Some(error));
            }
        }
        systemd::ready();
    }
}

/// A file that is looked at now and then.
struct WatchedFile {
    path: PathBuf,
    /// What is known of its text.
    known: Option<u64>,
    /// What it was at the last look, where that was something else.
    seen: Option<u64>,
}

impl WatchedFile {
    fn new(path: PathBuf) -> Self {
        let mut file = Self { path, known: None, seen: None };
        file.take();
        file
    }

    /// Takes what is there as known.
    fn take(&mut self) {
        self.known = self.look();
        self.seen = None;
    }

    /// Whether there is another text than is known, and the same at two looks. A file that is away is
    /// being written, or there will be a signal.
    fn has_changed(&mut self) -> bool {
        let now = self.look();
        if now.is_none() || now == self.known {
            self.seen = None;
            return false;
        }
        if self.seen == now {
            (self.known, self.seen) = (now, None);
            return true;
        }
        self.seen = now;
        false
    }

    fn look(&self) -> Option<u64> {
        let text = std::fs::read(&self.path).ok()?;
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Some(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_changed_once_it_is_the_same_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linchpin.toml");
        std::fs::write(&path, "one").unwrap();
        let mut file = WatchedFile::new(path.clone());
        assert!(!file.has_changed());
        std::fs::write(&path, "tw").unwrap();
        assert!(!file.has_changed(), "half written");
        std::fs::write(&path, "two").unwrap();
        assert!(!file.has_changed(), "seen once");
        assert!(file.has_changed());
        assert!(!file.has_changed(), "known");
        std::fs::remove_file(&path).unwrap();
        assert!(!file.has_changed(), "away");
        std::fs::write(&path, "two").unwrap();
        assert!(!file.has_changed() && !file.has_changed(), "back as it was");
        std::fs::write(&path, "three").unwrap();
        file.take();
        assert!(!file.has_changed() && !file.has_changed(), "taken");
    }
}
