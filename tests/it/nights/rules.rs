//! What is deployed in such a night, by the library and the resolver, as a provider would have it.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use core_connector::Secret;
use core_engine::{EngineSettings, Foreman, Unbriefed};
use core_library::Library;
use core_maintenance::{Brief, Demand, Names};
use core_model::id::TenantId;
use core_model::library::{
    Deployment, DesiredState, ItemId, Prerequisite, Software, SubjectKind, Target, Task,
};
use core_model::queue::QueueRules;
use core_model::session::Session;
use core_plan::{Catalogue, OnChange, RunKind, Settings};
use core_resolve::{ItemKey, Resolver, Slot};
use core_store::{Bar, Bars};
use core_sync::Hub;
use tests::night::{file_task, product};

pub(super) const FILE: &str = r"C:\ProgramData\Linchpin\night.txt";
pub(super) const TEXT: &str = "kept by night";

/// The products of the night: name, packages from old to new, what of their names is looked for.
pub(super) const PRODUCTS: &[(&str, &[&str], &str)] = &[
    ("7-zip", &["7zip-22.01", "7zip-23.01", "7zip-24.08"], "7-Zip"),
    ("chrome", &["chrome-127", "chrome-131"], "Google Chrome"),
    ("java", &["java-8u401"], "Java 8"),
    ("reader", &["reader-23.008", "reader-24.001", "reader-24.002"], "Adobe Acrobat Reader"),
    ("3cx", &["3cx-18.11", "3cx-18.13"], "3CX"),
    ("huntress", &["huntress-0.13"], "Huntress Agent"),
    ("phish-reporter", &["outlook-addin"], "Phish Reporter"),
];

/// The library: latest, pinned, absent, updated where it is, one of each with a prerequisite, a task, and one
/// tenant where one of them is left as it is.
pub(super) fn library(base: &str, ignores: TenantId) -> Result<Library> {
    let mut software: Vec<Software> = Vec::new();
    for (name, packages, looked_for) in PRODUCTS {
        let mut one = product(name, packages, base)?;
        one.detection = Some(core_model::library::Detection::SoftwareTable {
            name: (*looked_for).to_owned(),
            matching: core_model::library::NameMatch::Contains,
        });
        software.push(one);
    }
    let of = |software: &[Software], name: &str| -> Result<core_model::id::SoftwareId> {
        Ok(software.iter().find(|one| one.name == name).context("no such software")?.id)
    };
    let huntress = of(&software, "huntress")?;
    if let Some(one) = software.iter_mut().find(|one| one.name == "phish-reporter") {
        one.prerequisites = vec![Prerequisite::installs(huntress)];
    }
    let policy: Task = file_task("policy", FILE, TEXT);
    let mut deployments = Vec::new();
    let mut wants = |name: &str, item: ItemId, state: DesiredState, target: Target| {
        let created = i64::try_from(deployments.len()).unwrap_or_default();
        deployments.push(Deployment::new(name, item, state, target, created));
    };
    for (name, state) in [
        ("7-zip", DesiredState::Latest),
        ("chrome", DesiredState::ThisVersion("131.0.6778.86".to_owned())),
        ("java", DesiredState::Absent),
        ("reader", DesiredState::UpdateIfFound),
        ("3cx", DesiredState::Latest),
        ("phish-reporter", DesiredState::Latest),
    ] {
        wants(name, of(&software, name)?.into(), state, Target::All);
    }
    wants("policy", policy.id.into(), DesiredState::Enforce, Target::All);
    let ignored = of(&software, "3cx")?.into();
    wants("3cx as it is", ignored, DesiredState::Ignored, Target::tenant(ignores));
    Ok(Library { software, tasks: vec![policy], deployments, ..Library::default() })
}

/// Briefs sessions by the resolver.
pub(super) struct ByResolver {
    pub(super) hub: Arc<Hub>,
    pub(super) resolver: Resolver,
    catalogue: Arc<Catalogue>,
    pub(super) settings: EngineSettings,
    pub(super) session: Settings,
    pub(super) rules: QueueRules,
}

impl ByResolver {
    pub(super) fn new(hub: Arc<Hub>, resolver: Resolver, library: &Library) -> Self {
        let catalogue = Catalogue::new(library.software.clone(), library.tasks.clone());
        Self {
            hub,
            resolver,
            catalogue: Arc::new(catalogue),
            settings: EngineSettings::default(),
            session: Settings::default(),
            rules: QueueRules::default(),
        }
    }
}

#[async_trait]
impl Foreman for ByResolver {
    fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.hub)
    }

    fn rules(&self) -> QueueRules {
        self.rules
    }

    fn settings(&self) -> Option<EngineSettings> {
        Some(self.settings.clone())
    }

    async fn bars(&self) -> std::result::Result<Arc<Bars<'static>>, String> {
        let snapshot = Arc::clone(self.resolver.snapshot());
        Ok(Arc::new(move |session: &Session| {
            let gone = || Bar::Unknown("it is not there any more".to_owned());
            snapshot.number(session.subject).is_none().then(gone)
        }))
    }

    async fn brief(&self, session: &Session) -> std::result::Result<Brief, Unbriefed> {
        let resolver = &self.resolver;
        let number = resolver.snapshot().number(session.subject).unwrap_or_default();
        let mut demands = Vec::new();
        for resolved in resolver.resolve_subject(session.subject) {
            let ItemKey { item, instance } = resolved.key;
            let deployment = |id| resolver.definitions().deployment(id);
            match resolved.slot {
                Slot::Won(id) => demands.extend(deployment(id).map(|one| Demand::Won {
                    deployment: Arc::clone(one),
                    why: resolver.why_in(one, number),
                })),
                Slot::Blocked(id) => demands.push(Demand::Unknown {
                    item,
                    instance,
                    deployment: deployment(id).map(|one| one.name.clone()).unwrap_or_default(),
                    why: resolved.blocked.unwrap_or_default(),
                }),
                Slot::Nobody => {}
            }
        }
        let tenant = resolver.snapshot().tenant_name_of(SubjectKind::Computer, number);
        Ok(Brief {
            subject: session.subject,
            tenant: session.tenant,
            names: Names {
                computer: Some(session.subject_name.clone()),
                tenant: Some(tenant.to_string()),
                ..Names::default()
            },
            architecture: None,
            catalogue: Arc::clone(&self.catalogue),
            demands,
            entered: serde_json::Map::new(),
            run: RunKind::Full,
            settings: self.session.clone(),
            on_change: OnChange::default(),
            hours: None,
            changes_wait: false,
            updates: false,
        })
    }

    async fn secret(&self, _: &str) -> std::result::Result<Option<Secret>, String> {
        Ok(None)
    }
}
