//! A night of maintenance: an estate whose clock runs, a hub that knows it, and an engine that brings its machines
//! where a few deployments say.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use core_connector::Secret;
use core_engine::{EngineSettings, Foreman, Unbriefed};
use core_maintenance::{Brief, BusinessHours, Demand, Names};
use core_model::entity::Computer;
use core_model::id::{DeploymentId, SoftwareId, TaskId, VersionId};
use core_model::library::{
    Deployment, DesiredState, Detection, Download, NameMatch, Script, ScriptPurpose, Software,
    SoftwareVersion, Target, Task, TaskScripts, UpgradeStrategy,
};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind};
use core_plan::{Catalogue, OnChange, RunKind, Settings};
use core_store::{Bars, Store};
use core_sync::{Clock, Hub};
use mocks::world::{Installed, MachineState, Options};
use serde_json::Value;

use crate::Estate;

/// Seconds that the world's clock goes forward at once.
const STRIDE: i64 = 2;
/// How long such a stride takes.
const STEP: Duration = Duration::from_millis(10);

/// An estate by night.
pub struct Night {
    /// The estate.
    pub estate: Estate,
    ahead: Arc<AtomicI64>,
}

impl Night {
    /// An estate of so many computers, whose clock runs two hundred times faster from now on.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn of(computers: usize, seed: u64) -> Result<Self> {
        let options = Options { computers, seed, command_latency_ms: (1, 5), ..Options::default() };
        let night = Self { estate: Estate::serve(&options).await?, ahead: Arc::default() };
        let (world, ahead) = (night.estate.running.world(), Arc::clone(&night.ahead));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(STEP).await;
                let now = ahead.fetch_add(STRIDE, Ordering::SeqCst) + STRIDE;
                world.write().unwrap_or_else(PoisonError::into_inner).clock_ahead = now;
            }
        });
        Ok(night)
    }

    /// How much faster than life the world's clock goes.
    #[must_use]
    pub fn hurry(&self) -> u32 {
        u32::try_from(STRIDE * 1_000).unwrap_or(u32::MAX)
            / u32::try_from(STEP.as_millis()).unwrap_or(1)
    }

    /// The world's clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let ahead = Arc::clone(&self.ahead);
        Clock::new(move || Utc::now() + TimeDelta::seconds(ahead.load(Ordering::SeqCst)))
    }

    /// A hub that is connected to everything and lives by the world's clock.
    ///
    /// # Errors
    /// When a connector refuses the settings.
    pub fn hub(&self, store: Store) -> Result<Hub> {
        Ok(Hub::new(store, self.estate.connections()?, self.estate.rules(), self.clock()))
    }

    /// What is installed on the machine of this name, by product name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn software(&self, host: &str) -> Result<Vec<Installed>> {
        let world = self.estate.running.world();
        let world = world.read().unwrap_or_else(PoisonError::into_inner);
        let all = mocks::truth::software(&world);
        let one = all.into_iter().find(|one| one.host == host);
        Ok(one.with_context(|| format!("no machine is called {host}"))?.software)
    }

    /// Changes the world: `{"change": "install_fault", …}`.
    ///
    /// # Errors
    /// Where the world cannot be changed so.
    pub fn change(&self, change: Value) -> Result<()> {
        let world = self.estate.running.world();
        let mut world = world.write().unwrap_or_else(PoisonError::into_inner);
        mocks::estate::apply(&mut world, &serde_json::from_value(change)?)?;
        Ok(())
    }

    /// What the machine of this name holds, and what ran on it.
    ///
    /// # Errors
    /// Where there is none.
    pub fn machine(&self, host: &str) -> Result<MachineState> {
        let world = self.estate.running.world();
        let world = world.read().unwrap_or_else(PoisonError::into_inner);
        let is_it = |one: &mocks::world::Machine| one.host == host && one.mark.gone.is_none();
        let no = world.machines.iter().position(is_it);
        let no = no.with_context(|| format!("no machine is called {host}"))?;
        Ok(mocks::machine::state(&world, no).into_owned())
    }
}

/// A product of the estate's package source, as an MSP defines it: looked for by name, installed without a word.
///
/// # Errors
/// Where there is no such package.
pub fn product(name: &str, packages: &[&str], base: &str) -> Result<Software> {
    let mut software = Software::new(SoftwareId::of_text(name, 0), name);
    let mut display = "";
    for id in packages {
        let package = mocks::machine::catalogue::by_id(id).context("no such package")?;
        display = package.name;
        let mut version = SoftwareVersion::new(VersionId::of_text(id, 0), package.version);
        version.download = Some(Download {
            url: format!("{base}/_estate/package/{}", package.file),
            sha256: Some(package.sha256()),
            file_name: None,
        });
        let install = match package.kind {
            mocks::machine::catalogue::Kind::Msi => {
                "$p = Start-Process msiexec.exe -ArgumentList \"/i `\"$installer_path`\" /qn /norestart\" -Wait -PassThru\nexit $p.ExitCode".to_owned()
            }
            mocks::machine::catalogue::Kind::Exe => format!(
                "$p = Start-Process $installer_path -ArgumentList '{}' -Wait -PassThru\nexit $p.ExitCode",
                package.silent.first().copied().unwrap_or_default()
            ),
        };
        let scripts = std::mem::take(&mut version.scripts);
        version.scripts = scripts.with(ScriptPurpose::Install, Some(Script::new(&install)));
        software.versions.push(version);
    }
    software.detection = Some(Detection::SoftwareTable {
        name: display.split(" 2").next().unwrap_or(display).to_owned(),
        matching: NameMatch::Contains,
    });
    software.upgrade = UpgradeStrategy::InstallOver;
    Ok(software)
}

/// A file that shall hold a text: tested and set.
#[must_use]
pub fn file_task(name: &str, path: &str, text: &str) -> Task {
    let mut task = Task::new(TaskId::of_text(name, 0), name);
    let test = format!(
        "if (Test-Path '{path}') {{ (Get-Content '{path}' | Out-String).Trim() -eq '{text}' }} else {{ $false }}"
    );
    let set = format!(
        "$d = Split-Path '{path}'\nif (-not (Test-Path $d)) {{ $null = New-Item -ItemType Directory -Path $d -Force }}\n\
         Set-Content -Path '{path}' -Value '{text}'"
    );
    task.scripts = TaskScripts::default()
        .with(ScriptPurpose::Test, Some(Script::new(&test)))
        .with(ScriptPurpose::Set, Some(Script::new(&set)));
    task
}

/// What a few deployments say of every computer.
pub struct ForAll {
    hub: Arc<Hub>,
    catalogue: Arc<Catalogue>,
    deployments: Vec<Arc<Deployment>>,
    /// How the engine works.
    pub settings: EngineSettings,
    /// How sessions run.
    pub session: Settings,
    /// How many run.
    pub rules: QueueRules,
    /// Secrets, by name.
    pub secrets: BTreeMap<String, Secret>,
    /// Whether approved updates of Windows are installed.
    pub updates: bool,
    /// When people work; nothing is rebooted then.
    pub hours: Option<BusinessHours>,
    /// So many briefs break the task that asks for them.
    pub stumbles: std::sync::atomic::AtomicU32,
}

impl ForAll {
    /// These definitions, each in a state.
    #[must_use]
    pub fn new(
        hub: Arc<Hub>,
        software: Vec<(Software, DesiredState)>,
        tasks: Vec<(Task, DesiredState)>,
    ) -> Self {
        let mut deployments = Vec::new();
        let mut wants = |name: &str, item: core_model::library::ItemId, state: &DesiredState| {
            let one = Deployment::new(name, item, state.clone(), Target::All, 1);
            deployments.push(Arc::new(one));
        };
        software.iter().for_each(|(one, state)| wants(&one.name, one.id.into(), state));
        tasks.iter().for_each(|(one, state)| wants(&one.name, one.id.into(), state));
        let software = software.into_iter().map(|(one, _)| one).collect();
        let tasks = tasks.into_iter().map(|(one, _)| one).collect();
        Self {
            hub,
            catalogue: Arc::new(Catalogue::new(software, tasks)),
            deployments,
            settings: EngineSettings {
                parallel: 64,
                look: Duration::from_millis(20),
                pace: Some(Duration::from_secs(4)),
                hurry: 200,
                ..EngineSettings::default()
            },
            session: Settings::default(),
            rules: QueueRules { lease_us: 3_600_000_000, ..QueueRules::default() },
            secrets: BTreeMap::new(),
            updates: false,
            hours: None,
            stumbles: std::sync::atomic::AtomicU32::new(0),
        }
    }

    /// A session of a computer in which all of it holds.
    #[must_use]
    pub fn session_of(&self, computer: &Computer) -> Session {
        let now_us = self.hub.clock.now_us();
        Session {
            kind: SessionKind::Scheduled,
            asked_by: "night".to_owned(),
            ..Session::asked(computer.tenant, computer.id, &computer.name, "Maintenance", now_us)
        }
    }

    /// The deployments, for whoever wants to name one.
    pub fn deployments(&self) -> impl Iterator<Item = (DeploymentId, &str)> {
        self.deployments.iter().map(|one| (one.id, one.name.as_str()))
    }
}

#[async_trait]
impl Foreman for ForAll {
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
        Ok(Arc::new(|_| None))
    }

    async fn brief(&self, session: &Session) -> std::result::Result<Brief, Unbriefed> {
        let left = |left: u32| left.checked_sub(1);
        let stumbles = self.stumbles.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
        assert!(stumbles.is_err(), "this brief breaks its task on purpose");
        let won = |one: &Arc<Deployment>| Demand::Won {
            deployment: Arc::clone(one),
            why: format!("{}: for all", one.name),
        };
        Ok(Brief {
            subject: session.subject,
            tenant: session.tenant,
            names: Names { computer: Some(session.subject_name.clone()), ..Names::default() },
            architecture: None,
            catalogue: Arc::clone(&self.catalogue),
            demands: self.deployments.iter().map(won).collect(),
            entered: serde_json::Map::new(),
            run: if session.run.detect_only { RunKind::DetectOnly } else { RunKind::Full },
            settings: self.session.clone(),
            on_change: OnChange::default(),
            hours: self.hours.clone(),
            changes_wait: false,
            updates: self.updates,
        })
    }

    async fn secret(&self, name: &str) -> std::result::Result<Option<Secret>, String> {
        Ok(self.secrets.get(name).cloned())
    }
}
