//! One connector in front of one served estate, and a clean copy of what the hub holds of it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use core_model::run::{Outcome, Run};
use core_store::Store;
use core_sync::{Clock, Connection, Hub, Settings, SyncOptions};
use mocks::estate::Change;
use mocks::faults::{Fault, Rule, When};
use mocks::server::{Mocks, ServeConfig};
use mocks::vendor::Face;
use mocks::world::{ControlSession, HaloUser, Options, World};
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection as _, Row as _};
use tests::{Estate, registry};

use super::cases::{Case, Trouble};

/// The page on which something goes wrong.
const PAGE: u32 = 10;
/// Rows of each listing.
const ROWS: usize = 20_000;
/// Rows of the listing that has no pages: four times as many show nothing else, and take minutes.
const SESSIONS: usize = 5_000;

/// A connector, and the listing of it that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    AzureAd,
    Automate,
    Control,
    Halo,
}

impl Kind {
    pub(super) fn title(self) -> &'static str {
        match self {
            Kind::AzureAd => "Azure AD",
            Kind::Automate => "CW Automate",
            Kind::Control => "CW Control",
            Kind::Halo => "HaloPSA",
        }
    }

    pub(super) fn listing(self) -> &'static str {
        match self {
            Kind::AzureAd => "GET /users/delta",
            Kind::Automate => "GET /Computers",
            Kind::Control => "GetSessionsByFilter",
            Kind::Halo => "GET /Users",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::AzureAd => "azure-ad",
            Kind::Automate => "cw-automate",
            Kind::Control => "cw-control",
            Kind::Halo => "halopsa",
        }
    }

    fn stream(self) -> &'static str {
        match self {
            Kind::AzureAd | Kind::Halo => "users",
            Kind::Automate => "computers",
            Kind::Control => "sessions",
        }
    }

    fn face(self) -> Face {
        match self {
            Kind::AzureAd => Face::Graph,
            Kind::Automate => Face::Automate,
            Kind::Control => Face::Control,
            Kind::Halo => Face::Halo,
        }
    }

    /// The kind of record that a row of the listing becomes.
    fn record(self) -> &'static str {
        match self {
            Kind::AzureAd => "person",
            Kind::Automate | Kind::Control => "agent",
            Kind::Halo => "contact",
        }
    }

    /// The path of the listing at the vendor.
    fn path(self) -> &'static str {
        match self {
            Kind::AzureAd => "/users/delta",
            Kind::Automate => "computers",
            Kind::Control => "GetSessionsByFilter",
            Kind::Halo => "users",
        }
    }

    fn page(self) -> u32 {
        if self == Kind::Control { 1 } else { PAGE }
    }

    /// Removes this share of what the listing has.
    fn shrink(self, world: &mut World, share: f64) -> Result<()> {
        let change = match self {
            Kind::AzureAd => Change::RemoveShareOfPersons { share },
            Kind::Automate | Kind::Control => Change::RemoveShareOfMachines { share },
            // A contact outlives the person: in a PSA somebody has to delete it.
            Kind::Halo => {
                let there = world.halo.users.iter().filter(|row| is_contact(row)).count();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                #[expect(clippy::cast_precision_loss)]
                let gone = (there as f64 * share).ceil() as usize;
                keep_contacts(world, there - gone);
                return Ok(());
            }
        };
        mocks::estate::apply(world, &change)?;
        Ok(())
    }

    /// How many of the listing's rows are there in the world.
    fn count(self, world: &World) -> usize {
        let person = |no: usize| world.persons[no].mark.gone.is_none();
        match self {
            Kind::AzureAd => (0..world.persons.len()).filter(|no| person(*no)).count(),
            Kind::Automate => {
                world.automate.computers.iter().filter(|row| row.mark.gone.is_none()).count()
            }
            Kind::Control => {
                let there = |row: &&ControlSession| row.mark.gone.is_none() && !row.ended;
                world.control.sessions.iter().filter(there).filter(|row| row.kind == 2).count()
            }
            Kind::Halo => world.halo.users.iter().filter(|row| is_contact(row)).count(),
        }
    }
}

/// Contacts of nobody are the placeholders that Halo makes for each client.
fn is_contact(row: &HaloUser) -> bool {
    row.mark.gone.is_none() && row.person.is_some()
}

/// Removes all contacts but so many.
fn keep_contacts(world: &mut World, rows: usize) {
    let version = world.next_version();
    for row in world.halo.users.iter_mut().filter(|row| is_contact(row)).skip(rows) {
        row.mark.gone = Some(version);
    }
}

/// The worlds that are served, each of one organisation only, with what one listing needs.
pub(super) struct Worlds {
    people: World,
    contacts: World,
    machines: World,
    sessions: World,
}

impl Worlds {
    pub(super) fn generate() -> Self {
        let bare = Options {
            seed: 20,
            tenants: Some(0),
            delta_page: 999,
            twice_in_control: 0.0,
            wipes: 0.0,
            computers: 5,
            persons: Some(20),
            ..Options::default()
        };
        let people = Options { persons: Some(ROWS), ..bare.clone() };
        // About three persons in four are contacts in Halo.
        let contacts = Options { persons: Some(ROWS * 3 / 2), ..bare.clone() };
        let machines = Options { computers: ROWS, both_rmms: 1.0, ..bare.clone() };
        let sessions = Options { computers: SESSIONS, both_rmms: 1.0, ..bare };
        let mut contacts = mocks::generate::generate(&contacts);
        keep_contacts(&mut contacts, ROWS);
        Self {
            people: mocks::generate::generate(&people),
            contacts,
            machines: mocks::generate::generate(&machines),
            sessions: mocks::generate::generate(&sessions),
        }
    }

    fn of(&self, kind: Kind) -> World {
        match kind {
            Kind::AzureAd => self.people.clone(),
            Kind::Halo => self.contacts.clone(),
            Kind::Automate => self.machines.clone(),
            Kind::Control => self.sessions.clone(),
        }
    }
}

/// What was measured in one case.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) run: Run,
    /// Live rows after it.
    pub(super) live: i64,
    /// Whether the fault happened.
    pub(super) fired: bool,
    /// How the next sync without the fault ended, and how many rows were live then.
    pub(super) afterwards: Option<(Outcome, i64)>,
}

impl Measured {
    pub(super) fn kind(&self) -> &str {
        self.run.error_kind.as_deref().unwrap_or_default()
    }

    /// The cell of the table.
    pub(super) fn cell(&self) -> String {
        let counts = &self.run.counts;
        match self.run.outcome {
            Outcome::Complete if counts.gone > 0 => format!("complete, {} gone", counts.gone),
            Outcome::Complete => "complete".to_owned(),
            Outcome::Held => format!("held ({})", counts.held),
            Outcome::Failed => format!("stops ({})", self.kind()),
            _ => String::new(),
        }
    }
}

/// One connector under test.
pub(super) struct Subject {
    pub(super) kind: Kind,
    /// Rows of the listing that the hub holds.
    pub(super) rows: i64,
    /// Pages they came on.
    pub(super) pages: u64,
    estate: Estate,
    folder: tempfile::TempDir,
    cases: usize,
    /// Faults that found nothing to spoil.
    impossible: Vec<Fault>,
}

impl Subject {
    /// Serves a world and reads it once.
    pub(super) async fn start(kind: Kind, worlds: &Worlds) -> Result<Self> {
        let running = Mocks::start(worlds.of(kind), ServeConfig::default()).await?;
        let folder = tempfile::tempdir()?;
        let (estate, impossible) = (Estate { running }, Vec::new());
        let mut subject = Self { kind, rows: 0, pages: 0, estate, folder, cases: 0, impossible };
        let store = Store::open(&subject.clean().to_string_lossy()).await?;
        let run = subject.sync(&store, true).await?;
        ensure!(run.outcome == Outcome::Complete, "the first sync: {run:?}");
        subject.rows = subject.live(&subject.clean()).await?;
        subject.pages = run.counts.pages;
        ensure!(subject.rows == subject.left()?, "{} rows of {}", subject.rows, subject.left()?);
        ensure!(
            kind == Kind::Control || subject.pages > u64::from(PAGE),
            "{} pages",
            run.counts.pages
        );
        store.close().await;
        Ok(subject)
    }

    /// Reads everything with the trouble, and once more without; `None` where the listing has
    /// nothing that could go wrong so.
    pub(super) async fn measure(&mut self, case: &Case) -> Result<Option<Measured>> {
        if case.fault().is_some_and(|fault| self.impossible.contains(&fault)) {
            return Ok(None);
        }
        self.cases += 1;
        let path = self.folder.path().join(format!("case-{}.db", self.cases));
        std::fs::copy(self.clean(), &path).context("copying the clean store")?;
        let store = Store::open(&path.to_string_lossy()).await?;
        let before = self.fired(case);
        self.make(case)?;
        let run = self.sync(&store, true).await?;
        let fired = self.fired(case) > before;
        self.estate.running.set_faults(Vec::new());
        if let (false, Some(fault)) = (fired, case.fault()) {
            ensure!(run.outcome == Outcome::Complete, "nothing happened, and yet: {run:?}");
            self.impossible.push(fault);
            return Ok(None);
        }
        let live = self.live(&path).await?;
        let mut measured = Measured { run, live, fired, afterwards: None };
        if measured.run.outcome == Outcome::Failed {
            let again = self.sync(&store, false).await?;
            let live = self.live(&path).await?;
            measured.afterwards = Some((again.outcome, live));
        }
        store.close().await;
        std::fs::remove_file(&path)?;
        Ok(Some(measured))
    }

    /// How many rows there are at the source.
    pub(super) fn left(&self) -> Result<i64> {
        let world = self.estate.running.world();
        let world = world.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(i64::try_from(self.kind.count(&world))?)
    }

    fn clean(&self) -> PathBuf {
        self.folder.path().join("clean.db")
    }

    fn make(&self, case: &Case) -> Result<()> {
        let rule = |fault: Fault, when: When, times: Option<u32>| Rule {
            fault,
            face: Some(self.kind.face()),
            path: Some(self.kind.path().to_owned()),
            when,
            times,
        };
        let page = When::Page(self.kind.page());
        let rules = match case.trouble {
            Trouble::None => Vec::new(),
            Trouble::Once(fault) => vec![rule(fault, page, Some(1))],
            Trouble::ForGood(fault) => vec![rule(fault, page, None)],
            Trouble::EveryFifth(fault) => vec![rule(fault, When::Every(5), None)],
            Trouble::Always(fault) => vec![rule(fault, When::Always, None)],
            Trouble::Removed(share) => {
                let world = self.estate.running.world();
                let mut world = world.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                self.kind.shrink(&mut world, share)?;
                Vec::new()
            }
        };
        self.estate.running.set_faults(rules);
        Ok(())
    }

    fn fired(&self, case: &Case) -> u64 {
        let Some(fault) = case.fault() else { return 0 };
        let fired = self.estate.running.fired();
        fired.iter().filter(|one| one.fault == fault).map(|one| one.times).sum()
    }

    fn settings(&self) -> Result<Value> {
        let mut settings = self.estate.settings();
        let mut settings = settings.remove(self.kind.name()).context("settings")?;
        settings["http"] = json!({ "backoff_ms": 5, "attempts": 5, "timeout_seconds": 60 });
        match self.kind {
            Kind::AzureAd => settings["customers"] = json!("none"),
            Kind::Automate => settings["page_size"] = json!(1000),
            Kind::Control | Kind::Halo => {}
        }
        Ok(settings)
    }

    async fn sync(&self, store: &Store, full: bool) -> Result<Run> {
        let (registry, name) = (registry(), self.kind.name());
        let connector = registry.kind(name)?.build(self.settings()?)?;
        let connection = Connection { name: name.to_owned(), kind: name.to_owned(), connector };
        let hub = Hub::new(store.clone(), vec![connection], Settings::default(), Clock::system());
        let stream = Some(self.kind.stream().to_owned());
        let runs = hub.sync(&[], &SyncOptions { stream, full, ..SyncOptions::default() }).await?;
        ensure!(runs.len() == 1, "{} runs and not one: {runs:?}", runs.len());
        runs.into_iter().next().context("no run")
    }

    /// Live rows of the listing, counted one by one.
    async fn live(&self, path: &Path) -> Result<i64> {
        let address = format!("sqlite://{}", path.display());
        let mut connection = AnyConnection::connect(&address).await?;
        let text = "select count(*) from source_record where gone_since is null and kind = $1";
        let row = sqlx::query(text).bind(self.kind.record()).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(row.try_get(0)?)
    }
}
