//! A night whose hub is killed again and again (`kill -9` of `linchpin serve`, its engine in the middle of whatever):
//! its machines end as in one that nobody disturbs, and nothing is installed twice that a look would have seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use core_model::id::{ComputerId, TenantId};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind, SessionState};
use core_store::{SessionQuery, Store};
use mocks::estate::{Change, Pick};
use mocks::machine::catalogue;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use tests::databases;

use super::service::Service;
use super::site;
use crate::commands::site::Site;

/// Kills of a hub on SQLite.
const KILLS: usize = 50;
/// Pairs of hubs on PostgreSQL, of which one is killed.
const PAIRS: usize = 4;
/// Computers of a night.
const COMPUTERS: usize = 14;
/// Within so many milliseconds a hub is killed.
const LIFE_MS: u64 = 2_500;
/// How long a night may take.
const PATIENCE: Duration = Duration::from_secs(300);
const FILE: &str = r"C:\ProgramData\Linchpin\night.txt";
const MORE: &str = "[rules]\nsecond_person = false\n[schedule]\nincremental = \"off\"\nfull = \"off\"\n\
                    collect = \"off\"\n[maintenance]\nengine = true\npoll_ms = 40\nparallel = 4\n\
                    [sessions]\nlease_seconds = 10\nmost_takes = 100\nper_tenant = 100\n";

/// The seed of a night: `LINCHPIN_SEED`, or a fixed one.
#[expect(clippy::disallowed_methods, reason = "the tests' own settings, no part of the program")]
fn seed() -> u64 {
    let seed = std::env::var("LINCHPIN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(97);
    eprintln!("seed {seed} (LINCHPIN_SEED={seed} gives it back)");
    seed
}

/// What is deployed to everybody: the latest 7-Zip, no Java, Phish Reporter and what it needs before, a file.
fn rules(base: &str) -> String {
    let mut text = String::new();
    for (name, table, packages, more) in [
        ("7-zip", "7-Zip", &["7zip-22.01", "7zip-24.08"][..], ""),
        ("java", "Java 8", &["java-8u401"], ""),
        ("huntress", "Huntress Agent", &["huntress-0.13"], ""),
        (
            "phish-reporter",
            "Phish Reporter",
            &["outlook-addin"],
            "prerequisites = [{ any_of = [\"huntress\"], are = \"not-installed\", then = \"install\" }]\n",
        ),
    ] {
        text.push_str(&format!(
            "[[software]]\nname = \"{name}\"\ndetect = {{ table = \"{table}\" }}\nupgrade_strategy = \"install-over\"\n{more}"
        ));
        for id in packages {
            let package = catalogue::by_id(id).unwrap();
            let install = match package.kind {
                catalogue::Kind::Msi => {
                    "$p = Start-Process msiexec.exe -ArgumentList \"/i `\"$installer_path`\" /qn /norestart\" -Wait -PassThru; exit $p.ExitCode"
                }
                catalogue::Kind::Exe => {
                    "$p = Start-Process $installer_path -ArgumentList '/s' -Wait -PassThru; exit $p.ExitCode"
                }
            };
            text.push_str(&format!(
                "[[software.versions]]\nversion = \"{}\"\nurl = \"{base}/_estate/package/{}\"\nsha256 = \"{}\"\ninstall = '{}'\n",
                package.version,
                package.file,
                package.sha256().to_lowercase(),
                install.replace('\'', "\""),
            ));
        }
    }
    text.push_str(&format!(
        "[[task]]\nname = \"note\"\ntest = '(Test-Path \"{FILE}\") -and ((Get-Content \"{FILE}\" | Out-String).Trim() -eq \"here\")'\n\
         set = '''\n$d = Split-Path '{FILE}'\nif (-not (Test-Path $d)) {{ $null = New-Item -ItemType Directory -Path $d -Force }}\n\
         Set-Content -Path '{FILE}' -Value 'here'\n'''\n"
    ));
    for (name, kind, item, state) in [
        ("zip", "software", "7-zip", "latest"),
        ("no-java", "software", "java", "absent"),
        ("phish", "software", "phish-reporter", "latest"),
        ("note", "task", "note", "enforce"),
    ] {
        text.push_str(&format!(
            "[[deployment]]\nname = \"{name}\"\n{kind} = \"{item}\"\nstate = \"{state}\"\ntarget = \"all\"\n"
        ));
    }
    text
}

/// A site whose world's clock runs fast, with what is deployed, and computers that are on.
struct Nights {
    site: Site,
    database: String,
    computers: Vec<(String, Session)>,
    over: Arc<AtomicBool>,
}

impl Drop for Nights {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Nights {
    async fn begin(seed: u64, database: Option<&str>) -> Self {
        let (site, _) = site(60, seed, MORE).await;
        let file = site.place.path().join("hub.db").to_string_lossy().into_owned();
        if let Some(database) = database {
            let path = site.place.path().join("linchpin.toml");
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.replace("sqlite://hub.db", database)).unwrap();
        }
        site.run(&["sync", "--no-ask"]).ended(0);
        site.place.write("rules/night.toml", &rules(site.running.estate_base()));
        site.apply("rules");
        let all = site.run(&["list", "computers", "--json"]).ended(0).json();
        let alone = |name: &Value| all.iter().filter(|one| one["name"] == *name).count() == 1;
        let both = |one: &&Value| {
            let agents = one["agents"].as_array().map_or(0, Vec::len);
            one["gone"] == false && alone(&one["name"]) && agents > 1
        };
        let on = |host: &str| {
            let world = site.running.world();
            let world = world.read().unwrap();
            world
                .machines
                .iter()
                .any(|one| one.host == host && one.online && one.mark.gone.is_none())
        };
        let session = |one: &Value| {
            let name = one["name"].as_str()?;
            let tenant: TenantId = one["tenant"].as_str()?.parse().ok()?;
            let id: ComputerId = one["id"].as_str()?.parse().ok()?;
            let session = Session::asked(tenant, id, name, "Maintenance", 0);
            on(name).then(|| (name.to_owned(), session))
        };
        let computers: Vec<_> =
            all.iter().filter(both).filter_map(session).take(COMPUTERS).collect();
        assert!(computers.len() >= COMPUTERS / 2, "only {} computers are on", computers.len());
        let over = Arc::new(AtomicBool::new(false));
        let (world, stop) = (site.running.world(), Arc::clone(&over));
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(10));
                world.write().unwrap().clock_ahead += 1;
            }
        });
        Self { site, database: database.map_or(file, str::to_owned), computers, over }
    }

    async fn store(&self) -> Store {
        Store::open(&self.database).await.unwrap()
    }

    /// Everything is asked for once more.
    async fn ask(&self, store: &Store) {
        let asked_us = chrono::Utc::now().timestamp_micros();
        let anew = |(name, one): &(String, Session)| Session {
            kind: SessionKind::Scheduled,
            asked_by: "night".to_owned(),
            ..Session::asked(one.tenant, one.subject, name, "Maintenance", asked_us)
        };
        let sessions: Vec<Session> = self.computers.iter().map(anew).collect();
        store.add_sessions(&sessions).await.unwrap();
    }

    /// Each machine as it was before any night: its software and its files.
    fn machines(&self) -> BTreeMap<String, mocks::world::MachineState> {
        let world = self.site.running.world();
        let world = world.read().unwrap();
        let state = |host: &String| {
            let is = |one: &mocks::world::Machine| one.host == *host && one.mark.gone.is_none();
            let no = world.machines.iter().position(is).unwrap();
            (host.clone(), mocks::machine::state(&world, no).into_owned())
        };
        self.computers.iter().map(|(host, _)| state(host)).collect()
    }

    /// Makes machines what they were.
    fn make(&self, as_before: &BTreeMap<String, mocks::world::MachineState>) {
        for (host, now) in self.machines() {
            let machine = Pick::Name(host.clone());
            for row in now.software {
                let name = row.key.to_string();
                self.site.change(&Change::RemoveSoftware { machine: machine.clone(), name });
            }
            for row in &as_before[&host].software {
                let row = Box::new(row.clone());
                self.site.change(&Change::AddSoftware { machine: machine.clone(), row });
            }
            let (path, text) = (FILE.to_owned(), None);
            self.site.change(&Change::File { machine: machine.clone(), path, text });
            self.site.change(&Change::PendingReboot { machine, cause: None, clears: Some(true) });
        }
    }

    /// What the machines hold, as far as a night changes it.
    fn end(&self) -> BTreeMap<String, Vec<String>> {
        let told = |state: &mocks::world::MachineState| {
            let mut told: Vec<String> =
                state.software.iter().map(|row| format!("{} {}", row.name, row.version)).collect();
            let ours = state.files.values().filter(|file| file.path.contains("Linchpin"));
            told.extend(ours.map(|file| format!("{file:?}")));
            told.sort();
            told
        };
        self.machines().iter().map(|(host, state)| (host.clone(), told(state))).collect()
    }

    /// No installer came to a good end twice since then, and none was tried for nothing.
    fn ensure_once(
        &self,
        since: &BTreeMap<String, mocks::world::MachineState>,
        what: &str,
    ) -> usize {
        let mut all = 0;
        for (host, state) in self.machines() {
            let mut runs: BTreeMap<String, Vec<Option<i64>>> = BTreeMap::new();
            for run in state.installers.iter().skip(since[&host].installers.len()) {
                runs.entry(format!("{:?} {}", run.verb, run.package)).or_default().push(run.exit);
                all += 1;
            }
            assert!(runs.values().all(|exits| exits.len() == 1), "{host}: {runs:?}, {what}");
        }
        all
    }
}

async fn is_over(store: &Store) -> bool {
    let all = store.sessions(SessionQuery::default()).await.unwrap();
    all.iter().all(|(_, one)| one.state.is_over())
}

async fn ensure_well(store: &Store, what: &str) {
    for (_, one) in store.sessions(SessionQuery::default()).await.unwrap() {
        let fine = one.state == SessionState::Succeeded;
        assert!(fine, "{} {:?}: {}, {what}", one.subject_name, one.state, one.word);
    }
}

/// Waits until nothing is left to do.
async fn until_over(store: &Store, what: &str) {
    let began = Instant::now();
    while !is_over(store).await {
        let open = || async {
            let all = store.sessions(SessionQuery::default()).await.unwrap();
            all.into_iter()
                .map(|(_, one)| one)
                .filter(|one| !one.state.is_over())
                .collect::<Vec<_>>()
        };
        assert!(began.elapsed() < PATIENCE, "no end, {what}: {:#?}", open().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// As if a lease's time had passed: nobody waits ten seconds fifty times.
async fn leases_run_out(store: &Store) {
    let later = chrono::Utc::now().timestamp_micros() + 3_600_000_000;
    let rules = QueueRules { most_takes: 100, ..QueueRules::default() };
    store.tidy_sessions(&rules, later).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s13_a_hub_killed_at_fifty_random_instants_of_its_nights_ends_them_as_an_undisturbed_one() {
    let seed = seed();
    let mut dice = StdRng::seed_from_u64(seed);
    let nights = Nights::begin(seed, None).await;
    let store = nights.store().await;
    let before = nights.machines();
    // Nobody disturbs it.
    nights.ask(&store).await;
    let hub = Service::start(&nights.site, &[]);
    until_over(&store, "undisturbed").await;
    hub.signal("TERM");
    assert_eq!(hub.end().0, 0);
    ensure_well(&store, "undisturbed").await;
    let (wanted, installs) = (nights.end(), nights.ensure_once(&before, "undisturbed"));
    assert!(
        installs > nights.computers.len(),
        "there was nothing to do: {installs} installers ran"
    );
    let (mut kills, mut number) = (0, 0);
    while kills < KILLS {
        number += 1;
        nights.make(&before);
        let at_first = nights.machines();
        nights.ask(&store).await;
        let mut lives = Vec::new();
        while kills < KILLS && !is_over(&store).await {
            let hub = Service::start(&nights.site, &[]);
            let life = Duration::from_millis(dice.random_range(0..LIFE_MS));
            tokio::time::sleep(life).await;
            hub.signal("KILL");
            assert_eq!(hub.end().0, -1);
            kills += 1;
            lives.push(life.as_millis());
            leases_run_out(&store).await;
        }
        let what = format!("seed {seed}, night {number}, killed after {lives:?} ms");
        eprintln!("{what}");
        if !is_over(&store).await {
            let hub = Service::start(&nights.site, &[]);
            until_over(&store, &what).await;
            hub.signal("TERM");
            assert_eq!(hub.end().0, 0);
        }
        ensure_well(&store, &what).await;
        assert_eq!(nights.end(), wanted, "{what}");
        assert_eq!(nights.ensure_once(&at_first, &what), installs, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s13_of_two_hubs_on_postgres_one_is_killed_and_the_other_ends_its_sessions() {
    let seed = seed() + 1;
    let mut dice = StdRng::seed_from_u64(seed);
    let Some(database) = databases::postgres().await.unwrap() else {
        eprintln!("left out: no PostgreSQL answers (see TEST_POSTGRES_URL)");
        return;
    };
    let nights = Nights::begin(seed, Some(&database.url)).await;
    let store = nights.store().await;
    let before = nights.machines();
    let mut wanted = None;
    for pair in 0..=PAIRS {
        nights.make(&before);
        let at_first = nights.machines();
        nights.ask(&store).await;
        let (first, second) =
            (Service::start(&nights.site, &[]), Service::start(&nights.site, &[]));
        // Of the first pair nobody is killed.
        let mut what = format!("seed {seed}, pair {pair}, nobody is killed");
        if pair > 0 {
            let life = Duration::from_millis(500 + dice.random_range(0..LIFE_MS));
            what = format!("seed {seed}, pair {pair}, one is killed after {life:?}");
            tokio::time::sleep(life).await;
            first.signal("KILL");
            assert_eq!(first.end().0, -1);
            leases_of_the_dead_run_out(&store, &second).await;
        } else {
            until_over(&store, &what).await;
            first.signal("TERM");
            assert_eq!(first.end().0, 0);
        }
        eprintln!("{what}");
        until_over(&store, &what).await;
        second.signal("TERM");
        assert_eq!(second.end().0, 0);
        ensure_well(&store, &what).await;
        let end = (nights.end(), nights.ensure_once(&at_first, &what));
        assert_eq!(*wanted.get_or_insert_with(|| end.clone()), end, "{what}");
    }
    let engines: std::collections::BTreeSet<String> = store
        .sessions(SessionQuery::default())
        .await
        .unwrap()
        .into_iter()
        .filter_map(|(_, one)| one.engine)
        .collect();
    assert!(engines.len() > PAIRS + 1, "one hub did it all: {engines:?}");
    store.close().await;
    databases::drop_database(&database).await.unwrap();
}

/// The dead one's ten seconds are waited for: the other one still has its own.
async fn leases_of_the_dead_run_out(store: &Store, living: &Service) {
    living.wait_for(|line| line["message"] == "the daemon works");
    let began = Instant::now();
    let rules = QueueRules { most_takes: 100, ..QueueRules::default() };
    while began.elapsed() < Duration::from_secs(12) && !is_over(store).await {
        // What the daemon's reaper does every fifteen seconds.
        store.tidy_sessions(&rules, chrono::Utc::now().timestamp_micros()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
