//! What the built-in engine asks of settings and rules.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use core_connector::Secret;
use core_engine::{EngineSettings, Foreman, Unbriefed};
use core_maintenance::{Brief, Demand, Names};
use core_model::library::{ItemId, SubjectId, SubjectKind};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind};
use core_plan::{Catalogue, Key};
use core_resolve::{ItemKey, Resolver, RunKind, Slot};
use core_store::{ActionQuery, Bar, Bars};
use core_sync::Hub;
use tokio::sync::watch;

use crate::context::Context;
use crate::failure::Failure;
use crate::live::Kept;
use crate::world::World;

/// By the settings in force and the rules as they are now.
pub(crate) struct ByRules {
    hub: watch::Receiver<core_daemon::Desk>,
    in_force: watch::Receiver<Arc<Context>>,
    kept: Arc<Kept>,
    /// Somebody asked by hand: whether the settings switch the engine on does not matter.
    by_hand: bool,
    /// The library as the planner reads it, and of which revision it is.
    catalogue: Mutex<Option<(i64, Arc<Catalogue>)>>,
}

impl ByRules {
    pub(crate) fn new(
        hub: watch::Receiver<core_daemon::Desk>,
        in_force: watch::Receiver<Arc<Context>>,
        kept: Arc<Kept>,
        by_hand: bool,
    ) -> Self {
        Self { hub, in_force, kept, by_hand, catalogue: Mutex::default() }
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

/// What holds for the session's subject. What somebody asked for by its deployment holds for its item, as long as
/// it may be run at all.
fn demands(
    world: &World,
    resolver: &Resolver,
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
    for resolved in resolver.resolve_subject(session.subject) {
        let ItemKey { item, instance } = resolved.key;
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
                why: resolved.blocked.unwrap_or_default(),
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
        let world = self.world().await.map_err(Unbriefed::NotNow)?;
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
        let demands = demands(&world, &resolver, session)?;
        let zone = resolver.snapshot().zone(session.tenant).unwrap_or(context.config.time_zone);
        let table = &context.config.maintenance;
        let (hours, changes_wait) = table.hours(zone);
        let name = |kind: SubjectKind| {
            let of = match session.subject {
                SubjectId::Computer(_) => SubjectKind::Computer,
                SubjectId::Person(_) => SubjectKind::Person,
                SubjectId::Tenant(_) => SubjectKind::Tenant,
            };
            (of == kind).then(|| session.subject_name.clone())
        };
        let number = snapshot.number(session.subject).unwrap_or_default();
        let tenant = snapshot.tenant_name_of(session.subject.kind(), number).to_string();
        Ok(Brief {
            subject: session.subject,
            tenant: session.tenant,
            names: Names {
                tenant: Some(tenant).filter(|name| !name.is_empty()),
                computer: name(SubjectKind::Computer),
                person: name(SubjectKind::Person),
            },
            architecture: None,
            catalogue: self.catalogue(&world),
            demands,
            run,
            settings: table.session(),
            on_change: table.on_change(),
            hours,
            changes_wait,
            updates: table.windows_updates,
        })
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
