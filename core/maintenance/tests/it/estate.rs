//! A machine, ways to it, a book, and a hub that dies when it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use core_connector::{ErrorKind, ScriptHandle, ScriptOutcome, Secret};
use core_maintenance::{
    AccessToken, Around, Book, Brief, Carrier, Clock, Command, Demand, Desk, Ended, Error, Hubside,
    Keys, Line, Locks, Names, NoToken, Result, Stopped, Updates, Way, Ways, carry_out,
};
use core_model::id::{ComputerId, DeploymentId, SoftwareId, TaskId, TenantId, VersionId};
use core_model::library::{
    Deployment, DesiredState, Detection, KeptSecret, Script, ScriptLanguage, ScriptPurpose,
    Software, SoftwareVersion, Target, Task, UpgradeStrategy,
};
use core_plan::{Catalogue, OnChange, Plan, Report, RunKind, Settings};
use core_script::{Caps, CommandShell, SecretFetch};
use uuid::Uuid;

use crate::around::Surroundings;

/// How many more words the hub says before it dies.
pub(crate) struct Life {
    left: AtomicU32,
    dead: AtomicBool,
}

impl Life {
    pub(crate) fn of(words: u32) -> Arc<Self> {
        Arc::new(Self { left: AtomicU32::new(words), dead: AtomicBool::new(false) })
    }

    pub(crate) fn endless() -> Arc<Self> {
        Self::of(u32::MAX)
    }

    /// One word; an error where the hub is dead.
    fn say(&self) -> Result<()> {
        let spent =
            self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if spent.is_err() {
            self.dead.store(true, Ordering::SeqCst);
            return Err(Error::Stopping);
        }
        Ok(())
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }
}

/// What a vendor knows of a run.
#[derive(Default)]
struct Vendor {
    runs: BTreeMap<Uuid, Option<String>>,
}

/// A way that runs commands with `sh`.
pub(crate) struct Sh {
    vendor: Mutex<Vendor>,
    life: Mutex<Arc<Life>>,
    /// It takes what it is sent and never answers.
    pub(crate) mute: AtomicBool,
    pub(crate) online: AtomicBool,
    /// So many of its next answers are no sense.
    pub(crate) nonsense: AtomicU32,
}

impl Sh {
    /// One that works.
    fn fresh() -> Arc<Self> {
        Arc::new(Self {
            vendor: Mutex::default(),
            life: Mutex::new(Life::endless()),
            mute: AtomicBool::new(false),
            online: AtomicBool::new(true),
            nonsense: AtomicU32::new(0),
        })
    }

    /// How many commands it was sent.
    pub(crate) fn sent(&self) -> usize {
        self.vendor.lock().unwrap().runs.len()
    }

    fn life(&self) -> Arc<Life> {
        Arc::clone(&self.life.lock().unwrap())
    }
}

fn away() -> core_connector::Error {
    core_connector::Error::new(ErrorKind::Unavailable, "run", "the hub died")
}

#[async_trait]
impl Carrier for Sh {
    async fn start(&self, command: &Command) -> core_connector::Result<ScriptHandle> {
        self.life().say().map_err(|_| away())?;
        if self.mute.load(Ordering::SeqCst) {
            self.vendor.lock().unwrap().runs.insert(command.run, None);
        } else {
            let output = sh(command).await;
            self.vendor.lock().unwrap().runs.insert(command.run, Some(output));
        }
        // It ran, and the hub did not live to hear that.
        self.life().say().map_err(|_| away())?;
        Ok(ScriptHandle(command.run.to_string()))
    }

    async fn find(&self, command: &Command) -> core_connector::Result<Option<ScriptHandle>> {
        self.life().say().map_err(|_| away())?;
        let known = self.vendor.lock().unwrap().runs.contains_key(&command.run);
        Ok(known.then(|| ScriptHandle(command.run.to_string())))
    }

    async fn poll(&self, handle: &ScriptHandle) -> core_connector::Result<ScriptOutcome> {
        self.life().say().map_err(|_| away())?;
        let left = |left: u32| left.checked_sub(1);
        if self.nonsense.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
            let detail = "a page to sign in instead of JSON";
            return Err(core_connector::Error::new(ErrorKind::Protocol, "poll", detail));
        }
        let run: Uuid = handle.0.parse().unwrap();
        Ok(match self.vendor.lock().unwrap().runs.get(&run).cloned() {
            Some(Some(output)) => ScriptOutcome::Done { output, truncated: false },
            Some(None) => ScriptOutcome::Pending,
            None => ScriptOutcome::Failed { reason: "no such run".to_owned() },
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_millis(1)
    }
}

async fn sh(command: &Command) -> String {
    use tokio::io::AsyncWriteExt as _;
    let mut child = tokio::process::Command::new("sh")
        .arg("-c")
        .arg(command.text.expose())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    if let Some(text) = &command.stdin {
        stdin.write_all(text.expose().as_bytes()).await.unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What survives the hub.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) lines: BTreeMap<u32, Line>,
    pub(crate) plan: Option<Plan>,
    locks: BTreeMap<String, Uuid>,
}

/// A machine and everything around it.
pub(crate) type Stops =
    Box<dyn Fn(&Estate, &BTreeSet<DeploymentId>) -> Option<Stopped> + Send + Sync>;

pub(crate) struct Estate {
    folder: tempfile::TempDir,
    pub(crate) kept: Arc<Mutex<Kept>>,
    pub(crate) ways: Vec<(&'static str, Arc<Sh>)>,
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) hubside: Hubside,
    pub(crate) around: Mutex<Surroundings>,
    software: Vec<Software>,
    tasks: Vec<Task>,
    demands: Vec<Demand>,
    pub(crate) settings: Settings,
    /// What is stopped, given the deployments for whose sake something is to be changed.
    pub(crate) stops: Stops,
    pub(crate) change: Box<dyn Fn(&mut Brief) + Send + Sync>,
    /// How much faster than life the hub's clock goes, in steps of a pause.
    pub(crate) pause_is: TimeDelta,
    now: Mutex<DateTime<Utc>>,
}

impl Estate {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("staged")).unwrap();
        let hubside = Hubside { folder: folder.path().to_owned(), ..Hubside::default() };
        Self {
            folder,
            kept: Arc::default(),
            ways: vec![("one", Sh::fresh())],
            secrets: BTreeMap::new(),
            hubside,
            around: Mutex::default(),
            software: Vec::new(),
            tasks: Vec::new(),
            demands: Vec::new(),
            settings: Settings::default(),
            stops: Box::new(|_, _| None),
            change: Box::new(|_| ()),
            pause_is: TimeDelta::zero(),
            now: Mutex::new(Utc::now()),
        }
    }

    pub(crate) fn with_way(mut self, name: &'static str) -> Self {
        self.ways.push((name, Sh::fresh()));
        self
    }

    /// It is this time now; what passes while it works comes on top of it.
    pub(crate) fn set_clock(&self, now: DateTime<Utc>) {
        *self.now.lock().unwrap() = now;
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A script of the machine; `@` stands for the folder of its files.
    pub(crate) fn sh(&self, body: &str) -> Script {
        let folder = self.folder.path().to_str().unwrap();
        Script::new(&body.replace('@', folder)).in_language(ScriptLanguage::Sh)
    }

    /// Software that is a file with its version in it. Each install is a line of the file `log`.
    pub(crate) fn software(&mut self, name: &str, versions: &[&str]) -> &mut Software {
        let mut software = Software::new(SoftwareId::of_text(name, 0), name);
        software.detection =
            Some(Detection::Script(self.sh(&format!("cat @/{name} 2>/dev/null; true"))));
        let install = format!(
            "echo install {name} $LP_desired_version >> @/log; echo $LP_desired_version > @/{name}"
        );
        let scripts = std::mem::take(&mut software.scripts);
        software.scripts = scripts.with(ScriptPurpose::Install, Some(self.sh(&install))).with(
            ScriptPurpose::Uninstall,
            Some(self.sh(&format!("echo uninstall {name} >> @/log; rm -f @/{name}"))),
        );
        software.upgrade = UpgradeStrategy::InstallOver;
        software.versions = versions
            .iter()
            .map(|version| {
                SoftwareVersion::new(VersionId::of_text(&format!("{name} {version}"), 0), version)
            })
            .collect();
        self.software.push(software);
        self.software.last_mut().unwrap()
    }

    /// A task that wants a file `name` with `right` in it. Each script is a line of the file `log`.
    pub(crate) fn task(&mut self, name: &str) -> &mut Task {
        let mut task = Task::new(TaskId::of_text(name, 0), name);
        let body = format!(
            "echo $LP_method {name} >> @/log; case $LP_method in \
             test) if [ \"$(cat @/{name} 2>/dev/null)\" = right ]; then echo true; else echo false; fi;; \
             set) echo right > @/{name};; get) cat @/{name};; esac"
        );
        task.scripts = task.scripts.clone().with(ScriptPurpose::Combined, Some(self.sh(&body)));
        self.tasks.push(task);
        self.tasks.last_mut().unwrap()
    }

    pub(crate) fn demand(&mut self, name: &str, state: DesiredState) -> &mut Deployment {
        let software = self.software.iter().find(|one| one.name == name).map(|one| one.id.into());
        let task = || self.tasks.iter().find(|one| one.name == name).map(|one| one.id.into());
        let item: core_model::library::ItemId = software.or_else(task).unwrap();
        let deployment =
            Deployment::new(&format!("{name} everywhere"), item, state, Target::All, 1);
        self.demands
            .push(Demand::Won { deployment: Arc::new(deployment), why: "for all".to_owned() });
        match self.demands.last_mut() {
            Some(Demand::Won { deployment, .. }) => Arc::get_mut(deployment).unwrap(),
            _ => unreachable!(),
        }
    }

    pub(crate) fn brief(&self) -> Brief {
        let mut brief = Brief {
            subject: ComputerId::of_text("pc", 0).into(),
            tenant: TenantId::of_text("contoso", 0),
            names: Names { computer: Some("PC-1".to_owned()), ..Names::default() },
            architecture: None,
            catalogue: Arc::new(Catalogue::new(self.software.clone(), self.tasks.clone())),
            demands: self.demands.clone(),
            entered: serde_json::Map::new(),
            run: RunKind::Full,
            settings: self.settings.clone(),
            on_change: OnChange::Replan,
            hours: None,
            changes_wait: false,
            updates: false,
        };
        (self.change)(&mut brief);
        brief
    }

    /// One process at the session, for as long as it lives.
    pub(crate) async fn process(&self, life: Arc<Life>, act: bool) -> Result<Ended> {
        for (_, way) in &self.ways {
            *way.life.lock().unwrap() = Arc::clone(&life);
        }
        let hub = Hub { estate: self, life, name: Uuid::new_v4() };
        let desk = Desk {
            book: &hub,
            ways: &hub,
            keys: &hub,
            locks: &hub,
            clock: &hub,
            around: &hub,
            hubside: &self.hubside,
        };
        carry_out(&self.brief(), desk, act).await
    }

    /// To its end, without a crash.
    pub(crate) async fn whole(&self) -> Report {
        match self.process(Life::endless(), true).await.unwrap() {
            Ended::Over { report, .. } => report,
            other => panic!("{other:?}"),
        }
    }

    /// The next session begins with an empty book.
    pub(crate) fn another_session(&self) {
        *self.kept.lock().unwrap() = Kept::default();
    }

    pub(crate) fn words(report: &Report) -> Vec<String> {
        report.results.iter().map(|(_, result)| result.words()).collect()
    }
}

struct Hub<'a> {
    estate: &'a Estate,
    life: Arc<Life>,
    name: Uuid,
}

#[async_trait]
impl Book for Hub<'_> {
    async fn lines(&self) -> Result<Vec<Line>> {
        self.life.say()?;
        Ok(self.estate.kept.lock().unwrap().lines.values().cloned().collect())
    }

    async fn write(&self, line: &Line) -> Result<()> {
        self.life.say()?;
        self.estate.kept.lock().unwrap().lines.insert(line.number, line.clone());
        Ok(())
    }

    async fn plan(&self) -> Result<Option<Plan>> {
        Ok(self.estate.kept.lock().unwrap().plan.clone())
    }

    async fn put_plan(&self, plan: &Plan) -> Result<()> {
        self.life.say()?;
        self.estate.kept.lock().unwrap().plan = Some(plan.clone());
        Ok(())
    }
}

#[async_trait]
impl Ways for Hub<'_> {
    async fn ways(&self) -> Result<Vec<Way>> {
        let way = |(name, way): &(&str, Arc<Sh>)| Way {
            name: (*name).to_owned(),
            online: Some(way.online.load(Ordering::SeqCst)),
            shell: CommandShell::Sh,
            command_limit: 100_000,
            stdin: true,
            folder: self.estate.path("staged").to_str().unwrap().to_owned(),
            caps: Caps::LOCAL,
            carrier: Arc::clone(way) as Arc<dyn Carrier>,
        };
        Ok(self.estate.ways.iter().map(way).collect())
    }
}

#[async_trait]
impl Around for Hub<'_> {
    async fn facts(&self) -> Result<serde_json::Map<String, serde_json::Value>> {
        Ok(self.estate.around.lock().unwrap().facts())
    }

    async fn token(
        &self,
        _: &str,
        _: Option<&str>,
    ) -> Result<std::result::Result<AccessToken, NoToken>> {
        Ok(self.estate.around.lock().unwrap().token())
    }

    async fn say(&self, words: &str) -> Result<()> {
        self.estate.around.lock().unwrap().said.push(words.to_owned());
        Ok(())
    }

    async fn enter_maintenance(&self) -> Result<Vec<String>> {
        self.life.say()?;
        Ok(self.estate.around.lock().unwrap().enter())
    }

    async fn leave_maintenance(&self) -> Result<Vec<String>> {
        self.life.say()?;
        Ok(self.estate.around.lock().unwrap().leave())
    }

    async fn updates(&self) -> Result<std::result::Result<Option<Updates>, String>> {
        self.life.say()?;
        Ok(self.estate.around.lock().unwrap().updates())
    }

    async fn install_updates(&self, _: &str) -> Result<std::result::Result<(), String>> {
        self.life.say()?;
        self.estate.around.lock().unwrap().install()
    }
}

#[async_trait]
impl Keys for Hub<'_> {
    async fn values(
        &self,
        secrets: &BTreeMap<String, KeptSecret>,
    ) -> Result<BTreeMap<String, Secret>> {
        let value = |(name, kept): (&String, &KeptSecret)| {
            Some((name.clone(), self.estate.secrets.get(kept.name())?.clone()))
        };
        Ok(secrets.iter().filter_map(value).collect())
    }

    async fn fetch(
        &self,
        _: Uuid,
        _: &BTreeMap<String, KeptSecret>,
        _: DateTime<Utc>,
    ) -> Result<Option<SecretFetch>> {
        Ok(None)
    }
}

#[async_trait]
impl Locks for Hub<'_> {
    async fn take(&self, name: &str) -> Result<bool> {
        self.life.say()?;
        let locks = &mut self.estate.kept.lock().unwrap().locks;
        Ok(*locks.entry(name.to_owned()).or_insert(self.name) == self.name)
    }

    async fn give_back(&self, name: &str) -> Result<()> {
        self.estate.kept.lock().unwrap().locks.remove(name);
        Ok(())
    }

    async fn stopped(&self, deployments: &BTreeSet<DeploymentId>) -> Result<Option<Stopped>> {
        Ok((self.estate.stops)(self.estate, deployments))
    }
}

#[async_trait]
impl Clock for Hub<'_> {
    fn now(&self) -> DateTime<Utc> {
        *self.estate.now.lock().unwrap()
    }

    async fn pause(&self, time: Duration) -> Result<()> {
        if self.life.is_dead() {
            return Err(Error::Stopping);
        }
        let longer = TimeDelta::from_std(time).unwrap().max(self.estate.pause_is);
        *self.estate.now.lock().unwrap() += longer;
        tokio::time::sleep(time.min(Duration::from_millis(1))).await;
        Ok(())
    }
}
