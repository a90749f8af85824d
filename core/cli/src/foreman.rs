//! What the built-in engine asks of settings and rules.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use core_connector::Secret;
use core_engine::{Drift, EngineSettings, Foreman, Other, Unbriefed};
use core_maintenance::{Brief, Demand, Names};
use core_model::library::{DefinitionKind, Deployment, ItemId, SubjectKind};
use core_model::queue::QueueRules;
use core_model::session::{OnboardingForm, Session, SessionKind};
use core_model::stop::Stop;
use core_plan::{Catalogue, Key};
use core_resolve::{ItemKey, Resolved, Resolver, RunKind, Slot};
use core_store::{ActionQuery, Bar, Bars};
use core_sync::Hub;
use tokio::sync::watch;
use tokio::time::Instant;

use self::rings::Standing;
use crate::context::Context;
use crate::failure::Failure;
use crate::live::Kept;
use crate::world::World;

pub(crate) mod budget;
mod drift;
pub(crate) mod rings;

/// By the settings in force and the rules as they are now.
pub(crate) struct ByRules {
    hub: watch::Receiver<core_daemon::Desk>,
    in_force: watch::Receiver<Arc<Context>>,
    kept: Arc<Kept>,
    /// Somebody asked by hand: whether the settings switch the engine on does not matter.
    by_hand: bool,
    /// The library as the planner reads it, and of which revision it is.
    catalogue: Mutex<Option<(i64, Arc<Catalogue>)>>,
    /// Where deployments with rings stood a short while ago.
    standings: tokio::sync::Mutex<rings::Recent>,
    budgets: budget::Budgets,
    /// The revision of which it is known that nothing has rings.
    ringless: AtomicI64,
}

impl ByRules {
    pub(crate) fn new(
        hub: watch::Receiver<core_daemon::Desk>,
        in_force: watch::Receiver<Arc<Context>>,
        kept: Arc<Kept>,
        by_hand: bool,
    ) -> Self {
        Self {
            hub,
            in_force,
            kept,
            by_hand,
            catalogue: Mutex::default(),
            standings: tokio::sync::Mutex::default(),
            budgets: budget::Budgets::default(),
            ringless: AtomicI64::new(-1),
        }
    }

    fn context(&self) -> Arc<Context> {
        Arc::clone(&self.in_force.borrow())
    }

    async fn world(&self) -> Result<Arc<World>, String> {
        self.kept.world(&self.context()).await.map_err(|failure| failure.to_string())
    }

    fn catalogue(&self, world: &World) -> Arc<Catalogue> {
        let mut kept = self.catalogue.lock().unwrap_or_else(PoisonError::into_inner);
        let (revision, library) = (world.loaded.revision, &world.loaded.library);
        match &*kept {
            Some((of, catalogue)) if *of == revision => Arc::clone(catalogue),
            _ => {
                let (software, tasks) = (library.software.clone(), library.tasks.clone());
                let catalogue = Arc::new(Catalogue::new(software, tasks));
                *kept = Some((revision, Arc::clone(&catalogue)));
                catalogue
            }
        }
    }

    /// What is run.
    async fn run_of(
        &self,
        session: &Session,
        resolver: &Resolver,
    ) -> Result<core_plan::RunKind, Unbriefed> {
        use core_plan::RunKind as Run;
        if let Some(id) = session.deployment {
            let deployment = resolver.definitions().deployment(id).ok_or_else(|| {
                Unbriefed::Over("the deployment is not there any more".to_owned())
            })?;
            let key = key(deployment.item, deployment.instance.clone());
            return Ok(Run::Item { key, repair: session.run.repair });
        }
        if let Some(item) = session.run.item {
            let key = key(item, session.run.instance.clone());
            if session.run.detect_only {
                return Ok(Run::LookAt(key));
            }
            return Ok(Run::Item { key, repair: session.run.repair });
        }
        if let Some(again) = session.run.again {
            let keys = self.failed_of(&again.to_string()).await?;
            return Ok(Run::Again(keys));
        }
        Ok(match (session.run.detect_only, session.kind) {
            (true, _) => Run::DetectOnly,
            (false, SessionKind::Onboarding) => {
                Run::Onboarding { automatic: session.asked_by.is_empty() }
            }
            (false, _) => Run::Full,
        })
    }

    /// What failed in a session.
    async fn failed_of(&self, session: &str) -> Result<BTreeSet<Key>, Unbriefed> {
        let query = ActionQuery { session: Some(session), ..ActionQuery::default() };
        let actions = self.context().store.session_actions(query).await;
        let actions = actions.map_err(|error| Unbriefed::NotNow(error.to_string()))?;
        let keys: BTreeSet<Key> = actions
            .iter()
            .filter(|action| action.class.is_some())
            .filter_map(|action| action.item.parse().ok())
            .collect();
        if keys.is_empty() {
            let why = format!("nothing failed in session {session}");
            return Err(Unbriefed::Over(why));
        }
        Ok(keys)
    }
}

fn key(item: ItemId, instance: Option<String>) -> Key {
    Key { instance, ..Key::item(item) }
}

impl ByRules {
    /// Where a deployment with rings stands, at most a short while ago.
    async fn standing(
        &self,
        world: &World,
        deployment: &Arc<Deployment>,
    ) -> Result<Arc<Standing>, Failure> {
        let mut recent = self.standings.lock().await;
        if let Some(now) = rings::recent(&recent, deployment.id) {
            return Ok(now);
        }
        let (began, context) = (Instant::now(), self.context());
        let catalogue = self.catalogue(world);
        let now_us = self.hub().clock.now_us();
        let of = (deployment, &*catalogue);
        let now = Arc::new(rings::advanced(&context.store, world, of, now_us).await?);
        rings::note(&mut recent, deployment.id, began, &now);
        Ok(now)
    }

    /// The same demands, with what holds some of them: a stop, a ring that is not open, a number that waits to be
    /// confirmed. What somebody asked for by its deployment waits for no ring and no number. None where others know more of
    /// the model.
    async fn hold(
        &self,
        world: &World,
        (session, resolved): (&Session, &[Resolved]),
        demands: Vec<Demand>,
    ) -> Result<Option<Vec<Demand>>, Failure> {
        let context = self.context();
        let (stops, now_us) = (context.store.stops().await?, self.hub().clock.now_us());
        let at = (session.subject, session.tenant);
        let beyond = self.budgets.held(&context.store, world, at, (resolved, now_us)).await?;
        let Some(beyond) = beyond else { return Ok(None) };
        let number = world.resolver.snapshot().number(session.subject).unwrap_or_default();
        let mut held_or_not = Vec::with_capacity(demands.len());
        for demand in demands {
            let Demand::Won { deployment, why } = demand else {
                held_or_not.push(demand);
                continue;
            };
            let stopped = stops.iter().find(|stop| stop.is_of(deployment.id));
            let mut held = stopped.map(Stop::words);
            let asked = session.deployment == Some(deployment.id);
            if held.is_none() && !asked && !deployment.rings.is_empty() {
                let standing = self.standing(world, &deployment).await?;
                let of = (session.subject.kind(), number);
                held = standing.waits_for(world, &deployment, of);
            }
            if held.is_none() && !asked {
                let key = ItemKey { item: deployment.item, instance: deployment.instance.clone() };
                held = beyond.get(&key).cloned();
            }
            held_or_not.push(match held {
                Some(held) => Demand::Held { deployment, why, held },
                None => Demand::Won { deployment, why },
            });
        }
        Ok(Some(held_or_not))
    }

    /// What is to be done, by a model. None where others know more of it, and judge by that.
    async fn brief_by(&self, session: &Session, world: &World) -> Result<Option<Brief>, Unbriefed> {
        let context = self.context();
        let run = match session.kind {
            SessionKind::Onboarding => RunKind::Onboarding,
            SessionKind::AdHoc | SessionKind::Scheduled => RunKind::Maintenance,
        };
        let (snapshot, definitions) = (world.resolver.snapshot(), world.resolver.definitions());
        if snapshot.number(session.subject).is_none() {
            let why = format!("{} is not known yet, or not any more", session.subject_name);
            return Err(Unbriefed::NotNow(why));
        }
        let as_of = world.resolver.as_of();
        let resolver = Resolver::new(Arc::clone(snapshot), Arc::clone(definitions), as_of, run);
        let run = self.run_of(session, &resolver).await?;
        let resolved = resolver.resolve_subject(session.subject);
        let demands = demands(world, (&resolver, &resolved), session)?;
        // What changes by itself is judged by what holds in every run.
        let resolved = match session.kind {
            SessionKind::Onboarding => world.resolver.resolve_subject(session.subject),
            SessionKind::AdHoc | SessionKind::Scheduled => resolved,
        };
        let demands = self.hold(world, (session, &resolved), demands).await;
        let demands = demands.map_err(|failure| Unbriefed::NotNow(failure.to_string()))?;
        let Some(demands) = demands else { return Ok(None) };
        let zone = resolver.snapshot().zone(session.tenant).unwrap_or(context.config.time_zone);
        let table = &context.config.maintenance;
        let (hours, changes_wait) = table.hours(zone);
        let name = |kind: SubjectKind| {
            (session.subject.kind() == kind).then(|| session.subject_name.clone())
        };
        let number = snapshot.number(session.subject).unwrap_or_default();
        let tenant = snapshot.tenant_name_of(session.subject.kind(), number).to_string();
        Ok(Some(Brief {
            subject: session.subject,
            tenant: session.tenant,
            names: Names {
                tenant: Some(tenant).filter(|name| !name.is_empty()),
                computer: name(SubjectKind::Computer),
                person: name(SubjectKind::Person),
            },
            architecture: None,
            catalogue: self.catalogue(world),
            demands,
            entered: session.form.as_ref().map(OnboardingForm::values).unwrap_or_default(),
            run,
            settings: table.session_as(session),
            on_change: table.on_change(),
            hours,
            changes_wait,
            updates: table.windows_updates,
        }))
    }
}

/// What holds for the session's subject. What somebody asked for by its deployment holds for its item, as long as
/// it may be run at all.
fn demands(
    world: &World,
    (resolver, resolved): (&Resolver, &[Resolved]),
    session: &Session,
) -> Result<Vec<Demand>, Unbriefed> {
    let asked = session.deployment.and_then(|id| resolver.definitions().deployment(id));
    if let Some(deployment) = asked
        && !resolver.may_run(session.subject, deployment)
    {
        let why = format!("{} is not for {} any more", deployment.name, session.subject_name);
        return Err(Unbriefed::Over(why));
    }
    let number = resolver.snapshot().number(session.subject).unwrap_or_default();
    let mut demands: Vec<Demand> = Vec::new();
    for resolved in resolved {
        let ItemKey { item, instance } = resolved.key.clone();
        if asked.is_some_and(|one| one.item == item && one.instance == instance) {
            continue;
        }
        match resolved.slot {
            Slot::Won(id) => {
                let Some(deployment) = resolver.definitions().deployment(id) else { continue };
                let why = format!("{}: {}", deployment.name, resolver.why_in(deployment, number));
                demands.push(Demand::Won { deployment: Arc::clone(deployment), why });
            }
            Slot::Blocked(id) => demands.push(Demand::Unknown {
                item,
                instance,
                deployment: world.deployment_name(id),
                why: resolved.blocked.clone().unwrap_or_default(),
            }),
            Slot::Nobody => {}
        }
    }
    demands.extend(asked.map(|deployment| Demand::Won {
        deployment: Arc::clone(deployment),
        why: format!("{}: asked for by {}", deployment.name, session.asked_by),
    }));
    Ok(demands)
}

#[async_trait]
impl Foreman for ByRules {
    fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.hub.borrow().hub)
    }

    fn rules(&self) -> QueueRules {
        self.in_force.borrow().config.queue
    }

    fn settings(&self) -> Option<EngineSettings> {
        let context = self.in_force.borrow();
        let (table, address) = (&context.config.maintenance, context.config.public_url());
        match self.by_hand {
            true => Some(table.engine_settings(address)),
            false => table.engine(address),
        }
    }

    async fn bars(&self) -> Result<Arc<Bars<'static>>, String> {
        let world = self.world().await?;
        Ok(Arc::new(move |session| bar(&world, session)))
    }

    async fn brief(&self, session: &Session) -> Result<Brief, Unbriefed> {
        let context = self.context();
        let world = match session.kind {
            // What was settled about a computer that is set up, holds already.
            SessionKind::Onboarding => self.kept.fresh(&context).await,
            SessionKind::AdHoc | SessionKind::Scheduled => self.kept.world(&context).await,
        };
        let unknown = |failure: Failure| Unbriefed::NotNow(failure.to_string());
        let world = world.map_err(unknown)?;
        if let Some(brief) = self.brief_by(session, &world).await? {
            return Ok(brief);
        }
        // Another engine knows more already.
        let world = self.kept.fresh(&context).await.map_err(unknown)?;
        let brief = self.brief_by(session, &world).await?;
        brief.ok_or_else(|| Unbriefed::NotNow("others know more of the model".to_owned()))
    }

    async fn why_other(&self, session: &Session, other: &Other<'_>) -> Result<Drift, String> {
        let (world, context) = (self.world().await?, self.context());
        let why = drift::why_other(&context.store, &world, session, other).await;
        why.map_err(|failure| failure.to_string())
    }

    async fn look_after(&self) -> Result<(), String> {
        // Nobody needs the whole model for it where nothing has rings.
        let store = &self.context().store;
        let revision = store.last_revision().await.map_err(|error| error.to_string())?;
        let defined = store.was_defined(DefinitionKind::Deployment).await;
        if self.ringless.load(Ordering::Relaxed) == revision
            || !defined.map_err(|error| error.to_string())?
        {
            return Ok(());
        }
        let world = self.world().await?;
        let ringed: Vec<Arc<Deployment>> = world
            .resolver
            .definitions()
            .deployments()
            .filter(|one| one.enabled && !one.rings.is_empty())
            .cloned()
            .collect();
        if ringed.is_empty() {
            self.ringless.store(world.loaded.revision, Ordering::Relaxed);
        }
        for deployment in ringed {
            let standing = self.standing(&world, &deployment).await;
            standing.map_err(|failure| format!("{}: {failure}", deployment.name))?;
        }
        Ok(())
    }

    async fn secret(&self, name: &str) -> Result<Option<Secret>, String> {
        kept_secret(&self.context(), name).await.map_err(|failure| failure.to_string())
    }
}

/// The secret that the hub keeps under a name.
///
/// # Errors
/// Where there is no key to it.
pub(crate) async fn kept_secret(context: &Context, name: &str) -> Result<Option<Secret>, Failure> {
    let keys = context.config.sealing_keys()?;
    Ok(context.store.unseal(&keys, name).await?.map(Secret::new))
}

/// Why nothing is done for a session's subject, whatever is deployed. What is kept may lag behind the
/// store: of whom it does not know, the store is asked.
pub(crate) fn bar(world: &World, session: &Session) -> Option<Bar> {
    match world.resolver.snapshot().number(session.subject) {
        None => Some(Bar::Unknown(format!("{} is not there any more", session.subject_name))),
        Some(number) => {
            let removal = world.resolver.left_alone(session.subject.kind(), number)?;
            Some(Bar::Surely(removal.words()))
        }
    }
}
