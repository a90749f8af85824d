//! What the daemon asks about schedules: which there are, who each is for at its time, how each stands; and which
//! computers are set up by themselves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use core_agenda::{Firing, aim, batch, occasions};
use core_daemon::{Agenda, Fired, Timed};
use core_model::library::DefinitionKind;
use core_resolve::AsOf;
use core_store::ScheduleCheck;
use tokio::sync::watch;

use crate::commands::schedule::{note, problems};
use crate::context::Context;
use crate::failure::Failure;
use crate::foreman::ByRules;
use crate::live::Kept;
use crate::world::World;

mod onboarding;

/// How long what is planned is taken to be so, where no definition was saved: tenants may come in other zones.
const LASTS: Duration = Duration::from_secs(60);

/// What is planned, as of a revision.
struct Planned {
    revision: i64,
    at: Instant,
    timed: Arc<Vec<Timed>>,
}

/// By the settings in force, and the library and the model as they are.
pub(crate) struct ByLibrary {
    in_force: watch::Receiver<Arc<Context>>,
    kept: Arc<Kept>,
    foreman: Arc<ByRules>,
    planned: Mutex<Option<Planned>>,
    /// Up to which event and revision it is noted how schedules stand.
    checked: Mutex<Option<(i64, i64)>>,
    onboarding: onboarding::Seen,
}

impl ByLibrary {
    pub(crate) fn new(
        in_force: watch::Receiver<Arc<Context>>,
        kept: Arc<Kept>,
        foreman: Arc<ByRules>,
    ) -> Self {
        Self {
            in_force,
            kept,
            foreman,
            planned: Mutex::default(),
            checked: Mutex::default(),
            onboarding: onboarding::Seen::default(),
        }
    }

    fn context(&self) -> Arc<Context> {
        Arc::clone(&self.in_force.borrow())
    }

    /// What is planned, where it is known and nothing was saved since.
    fn known(&self, revision: i64) -> Option<Arc<Vec<Timed>>> {
        let planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let known = planned.as_ref()?;
        let holds = known.revision == revision && known.at.elapsed() < LASTS;
        holds.then(|| Arc::clone(&known.timed))
    }

    async fn plan(&self) -> Result<Arc<Vec<Timed>>, Failure> {
        let context = self.context();
        let revision = context.store.last_revision().await?;
        if let Some(known) = self.known(revision) {
            return Ok(known);
        }
        // Where there never was a schedule, nobody needs the whole model for it.
        let (revision, occasions) =
            match context.store.was_defined(DefinitionKind::Schedule).await? {
                false => (revision, Vec::new()),
                true => {
                    let world = self.kept.fresh(&context).await?;
                    let schedules = &world.loaded.library.schedules;
                    let zone = context.config.time_zone;
                    (world.loaded.revision, occasions(schedules, world.resolver.snapshot(), zone))
                }
            };
        let timed = occasions.iter().map(|one| Timed {
            name: one.name(),
            spec: one.spec(),
            since: DateTime::from_timestamp_micros(one.schedule.since_us).unwrap_or_default(),
            when: one.when().clone(),
        });
        let timed = Arc::new(timed.collect::<Vec<_>>());
        let planned = Planned { revision, at: Instant::now(), timed: Arc::clone(&timed) };
        *self.planned.lock().unwrap_or_else(PoisonError::into_inner) = Some(planned);
        Ok(timed)
    }

    async fn fire_one(
        &self,
        name: &str,
        due: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Fired, Failure> {
        let context = self.context();
        let world = self.kept.fresh(&context).await?;
        let (snapshot, zone) = (world.resolver.snapshot(), context.config.time_zone);
        let all = occasions(&world.loaded.library.schedules, snapshot, zone);
        let Some(occasion) = all.into_iter().find(|one| one.name() == name) else {
            // It was removed or switched off a moment ago.
            return Ok(Fired { words: name.to_owned(), ..Fired::default() });
        };
        let resolver = world.resolver.on(AsOf::Instant(now));
        let firing = Firing { due, now, detect_only: false, by: None };
        let batch = batch(&resolver, &occasion, &firing);
        let run = note(&context.store, &occasion, &firing, &batch).await?;
        if !run.word.is_empty() {
            tracing::warn!(schedule = occasion.schedule.name, %due, word = run.word, "a schedule did not reach everybody");
        }
        Ok(Fired {
            words: occasion.schedule.name.clone(),
            made: run.made,
            waiting: run.waiting,
            unknown: run.unknown,
            left_alone: run.left_alone,
        })
    }

    /// Notes how schedules stand, where anything may be otherwise.
    async fn check(&self, now: DateTime<Utc>) -> Result<(), Failure> {
        let context = self.context();
        if !context.store.was_defined(DefinitionKind::Schedule).await? {
            return Ok(());
        }
        let world = self.kept.world(&context).await?;
        let place = (world.loaded.event, world.loaded.revision);
        if *self.checked.lock().unwrap_or_else(PoisonError::into_inner) == Some(place) {
            return Ok(());
        }
        let checks = checks(&world, now);
        let known: HashMap<String, ScheduleCheck> = context
            .store
            .schedule_checks()
            .await?
            .into_iter()
            .map(|one| (one.schedule.clone(), one))
            .collect();
        let same = |one: &ScheduleCheck| {
            known.get(&one.schedule).is_some_and(|known| {
                (known.members, known.unknown, &known.problem)
                    == (one.members, one.unknown, &one.problem)
            })
        };
        if known.len() != checks.len() || !checks.iter().all(same) {
            context.store.put_schedule_checks(&checks).await?;
        }
        *self.checked.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
        Ok(())
    }
}

/// How those stand that are switched on.
fn checks(world: &World, now: DateTime<Utc>) -> Vec<ScheduleCheck> {
    let on = world.loaded.library.schedules.iter().filter(|one| one.enabled);
    on.map(|one| {
        let members = world.resolver.aimed(&aim(one)).members;
        let problems = problems(world, one, &members);
        ScheduleCheck {
            schedule: one.id.to_string(),
            members: members.yes.len(),
            unknown: members.unknown.len(),
            problem: (!problems.is_empty()).then(|| problems.join("; ")),
            since_us: now.timestamp_micros(),
        }
    })
    .collect()
}

fn words(failure: &Failure) -> String {
    failure.to_string()
}

#[async_trait]
impl Agenda for ByLibrary {
    async fn planned(&self) -> Result<Arc<Vec<Timed>>, String> {
        self.plan().await.map_err(|failure| words(&failure))
    }

    async fn fire(
        &self,
        name: &str,
        due: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Fired, String> {
        self.fire_one(name, due, now).await.map_err(|failure| words(&failure))
    }

    async fn tidy(&self, now: DateTime<Utc>) -> Result<u64, String> {
        self.check(now).await.map_err(|failure| words(&failure))?;
        let context = self.context();
        self.onboarding
            .tidy(&context, (&self.kept, &*self.foreman), now)
            .await
            .map_err(|failure| words(&failure))
    }
}
