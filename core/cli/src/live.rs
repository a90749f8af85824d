//! The model and the definitions as they are now, kept by the daemon: read once, then followed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{SubsecRound, Utc};
use core_snapshot::{Live, Renewed};
use tokio::time::Instant;

use crate::cli::WhenArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::world::{When, World, load_options};

/// How old an answer may be before the log is looked at again.
const FRESH: Duration = Duration::from_millis(500);

/// How long somebody waits for everything that is there already.
const BEHIND: Duration = Duration::from_secs(30);

/// How long somebody waits for what is newer, where something is known.
const PATIENCE: Duration = Duration::from_millis(300);

/// Keeps the newest version.
#[derive(Default)]
pub(crate) struct Kept {
    newest: Mutex<Option<(Instant, Arc<World>)>>,
    live: Arc<tokio::sync::Mutex<Option<Live>>>,
}

impl Kept {
    /// What is known by now, at most half a second ago; or what was known before, while somebody else
    /// brings it up to date.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(crate) async fn world(
        self: &Arc<Self>,
        context: &Arc<Context>,
    ) -> Result<Arc<World>, Failure> {
        let newest = self.newest();
        if let Some((at, world)) = &newest
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(world));
        }
        let live = match (Arc::clone(&self.live).try_lock_owned(), &newest) {
            (Ok(live), _) => live,
            (Err(_), Some((_, world))) => return Ok(Arc::clone(world)),
            // The first one is waited for.
            (Err(_), None) => Arc::clone(&self.live).lock_owned().await,
        };
        // Whoever asked may go away, and what he had begun goes on. The first time it takes a processor
        // for a while, which is none of those that answer.
        let (kept, context) = (Arc::clone(self), Arc::clone(context));
        let runtime = tokio::runtime::Handle::current();
        let renewing =
            tokio::task::spawn_blocking(move || runtime.block_on(kept.renew(live, &context)));
        let renewed = match newest {
            // What was known before is an answer too, where much has happened since.
            Some((_, world)) => match tokio::time::timeout(PATIENCE, renewing).await {
                Ok(renewed) => renewed,
                Err(_) => return Ok(world),
            },
            None => renewing.await,
        };
        renewed.map_err(|error| Failure::failed(format!("the model was not read: {error}")))?
    }

    /// What is known by now, with everything that the store has: who has just changed something sees it.
    ///
    /// # Errors
    /// Where the store cannot be read, or more happens than can be followed.
    pub(crate) async fn fresh(
        self: &Arc<Self>,
        context: &Arc<Context>,
    ) -> Result<Arc<World>, Failure> {
        let store = &context.store;
        let (event, revision) = (store.last_event_seq().await?, store.last_revision().await?);
        let until = Instant::now() + BEHIND;
        loop {
            let world = self.world(context).await?;
            if world.loaded.event >= event && world.loaded.revision >= revision {
                return Ok(world);
            }
            if Instant::now() >= until {
                return Err(Failure::failed("what is known of the model is behind the store")
                    .with_remedy("much changes just now; it is tried again"));
            }
            tokio::time::sleep(FRESH / 5).await;
        }
    }

    /// Reads everything, so that the first question need not wait for it. What fails is told when
    /// somebody asks.
    pub(crate) fn warm_up(self: &Arc<Self>, context: &Arc<Context>) {
        let (kept, context) = (Arc::clone(self), Arc::clone(context));
        tokio::spawn(async move {
            let began = Instant::now();
            if kept.world(&context).await.is_ok() {
                let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::info!(ms, "the model and the rules are at hand");
            }
        });
    }

    fn newest(&self) -> Option<(Instant, Arc<World>)> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn renew(
        &self,
        mut live: tokio::sync::OwnedMutexGuard<Option<Live>>,
        context: &Context,
    ) -> Result<Arc<World>, Failure> {
        // Who waited for the first one finds it.
        if let Some((at, world)) = self.newest()
            && at.elapsed() < FRESH
        {
            return Ok(world);
        }
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
        let world = Arc::new(World::kept(&renewed, when));
        *live = Some(renewed);
        let newest = Some((Instant::now(), Arc::clone(&world)));
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = newest;
        Ok(world)
    }
}
