//! The model and the definitions as they are now, kept by the daemon: read once, then followed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{SubsecRound, Utc};
use core_library::Library;
use core_resolve::Resolver;
use core_snapshot::{Live, Renewed};
use tokio::time::Instant;

use crate::cli::WhenArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::world::{When, load_options};

/// How old an answer may be before the log is looked at again.
const FRESH: Duration = Duration::from_millis(500);

/// One version of what is known: whoever took it keeps it, whatever happens meanwhile.
#[derive(Clone)]
pub(crate) struct Version {
    /// The evaluator, at the instant of this version.
    pub(crate) resolver: Arc<Resolver>,
    /// What is defined.
    pub(crate) library: Arc<Library>,
}

/// Keeps the newest version.
#[derive(Default)]
pub(crate) struct Kept {
    newest: Mutex<Option<(Instant, Version)>>,
    live: tokio::sync::Mutex<Option<Live>>,
}

impl Kept {
    /// The newest version, at most half a second old; or the one before it, while somebody else brings
    /// it up to date.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(crate) async fn version(&self, context: &Context) -> Result<Version, Failure> {
        let newest = self.newest();
        if let Some((at, version)) = &newest
            && at.elapsed() < FRESH
        {
            return Ok(version.clone());
        }
        match (self.live.try_lock(), newest) {
            (Ok(live), _) => self.renew(live, context).await,
            (Err(_), Some((_, version))) => Ok(version),
            // The first one is waited for.
            (Err(_), None) => self.renew(self.live.lock().await, context).await,
        }
    }

    fn newest(&self) -> Option<(Instant, Version)> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn renew(
        &self,
        mut live: tokio::sync::MutexGuard<'_, Option<Live>>,
        context: &Context,
    ) -> Result<Version, Failure> {
        let now = Utc::now().trunc_subsecs(6);
        let when = When::of(&WhenArgs::default(), context.config.time_zone, now)?;
        let options = load_options(context, &when).await?;
        // One that failed half way is dropped, and the next question reads everything anew.
        let renewed = match live.take() {
            Some(mut one) => {
                if let Renewed::Anew = one.renew(&context.store, options).await? {
                    tracing::debug!(place = ?one.place(), "everything was read anew");
                }
                one
            }
            None => Live::load(&context.store, options).await?,
        };
        let version = Version {
            resolver: Arc::new(renewed.resolver()),
            library: Arc::clone(renewed.library()),
        };
        *live = Some(renewed);
        let newest = Some((Instant::now(), version.clone()));
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = newest;
        Ok(version)
    }
}
