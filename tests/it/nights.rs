//! Whole nights of maintenance through both RMMs, with faults: at their end each machine of the estate is as the
//! resolver says, or the hub names the reason; and nothing ran twice that a look would have seen.
//!
//! `LINCHPIN_NIGHT=2000` makes it a night of so many computers, `LINCHPIN_SEED` another night.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use core_engine::{Foreman as _, Stop, Worker};
use core_model::entity::{Computer, Tenant};
use core_model::id::ComputerId;
use core_model::library::{SubjectId, SubjectKind};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind, SessionState};
use core_plan::RebootPolicy;
use core_store::{SessionQuery, Store};
use core_sync::{Hub, SyncOptions};
use mocks::faults::{Fault, Rule, When};
use mocks::vendor::Face;
use mocks::world::{MachineNo, MachineState};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tests::night::Night;
use tests::{connections_of, databases, sync_all};

use crate::support::seeds;

mod ground;
mod rules;

use ground::{Case, Judgement};
use rules::ByResolver;

/// Computers of a night where nobody says how many.
const COMPUTERS: usize = 160;
/// How much of what may go wrong does.
const FAULTS: f64 = 0.05;
/// Wall time after which a night has no end, for so many computers.
const PATIENCE_S: u64 = 240;

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment how large they are"
)]
fn computers_wanted() -> usize {
    let text = std::env::var("LINCHPIN_NIGHT").ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(COMPUTERS)
}

/// What was planted on a machine.
#[derive(Clone, Debug)]
struct Trouble {
    package: &'static str,
    lies: bool,
}

/// Plants troubles on one machine in twenty.
fn plant(
    night: &Night,
    machines: &BTreeSet<MachineNo>,
    dice: &mut StdRng,
) -> Result<BTreeMap<MachineNo, Trouble>> {
    let kinds = [
        ("7zip-24.08", json!({ "fails": 1603 }), None),
        ("7zip-24.08", json!({ "fails": 1603 }), Some(2)),
        ("chrome-131", json!("does_nothing"), None),
        ("3cx-18.13", json!("hangs"), None),
        ("huntress-0.13", json!({ "takes": 400 }), None),
        ("java-8u401/uninstall", json!({ "fails": 1605 }), None),
        ("outlook-addin", json!("wants_reboot"), None),
        ("reader-24.002", json!({ "fails": 1618 }), None),
    ];
    let mut planted = BTreeMap::new();
    for no in machines {
        if !dice.random_bool(FAULTS) {
            continue;
        }
        let (package, trouble, times) = kinds[dice.random_range(0..kinds.len())].clone();
        let lies = trouble == "does_nothing";
        night.change(json!({
            "change": "install_fault", "machine": no, "package": package, "trouble": trouble, "times": times,
        }))?;
        planted.insert(*no, Trouble { package, lies });
    }
    Ok(planted)
}

/// One call in twenty to an RMM goes wrong, in six ways.
fn faults() -> Vec<Rule> {
    let all = [
        Fault::Unavailable,
        Fault::ServerError,
        Fault::TokenRevoked,
        Fault::ConnectionCut,
        Fault::TruncatedBody,
        Fault::HtmlPage,
    ];
    let each = When::Rate(FAULTS / all.len() as f64);
    let rule = |face: Face, fault: Fault| Rule {
        fault,
        face: Some(face),
        path: None,
        when: each,
        times: None,
    };
    [Face::Automate, Face::Control]
        .into_iter()
        .flat_map(|face| all.into_iter().map(move |fault| rule(face, fault)))
        .collect()
}

/// The hub of the night: what fails twice is left to the engine.
fn hub(night: &Night, store: Store) -> Result<Hub> {
    let mut settings = night.estate.settings();
    for kind in ["cw-automate", "cw-control"] {
        if let Some(settings) = settings.get_mut(kind) {
            settings["http"]["attempts"] = 2.into();
        }
    }
    let connections =
        connections_of(&settings, &["azure-ad", "cw-automate", "cw-control", "halopsa"])?;
    Ok(Hub::new(store, connections, night.estate.rules(), night.clock()))
}

/// The machines' states, as the world has them.
fn states(night: &Night, machines: &BTreeSet<MachineNo>) -> BTreeMap<MachineNo, MachineState> {
    let world = night.estate.running.world();
    let world = world.read().unwrap();
    machines.iter().map(|no| (*no, mocks::machine::state(&world, *no).into_owned())).collect()
}

fn is_on(night: &Night, no: MachineNo) -> bool {
    let world = night.estate.running.world();
    let world = world.read().unwrap();
    world.machines.get(no).is_some_and(|machine| machine.online)
}

/// Looks, while the night goes on, that no bound is passed.
async fn watch(store: &Store, rules: &QueueRules) -> Result<(usize, usize)> {
    let running = SessionQuery { state: Some(SessionState::Running), ..SessionQuery::default() };
    let running = store.sessions(running).await?;
    let mut of_tenant = BTreeMap::<String, usize>::new();
    let mut subjects = BTreeSet::new();
    for (_, one) in &running {
        *of_tenant.entry(one.tenant.to_string()).or_default() += 1;
        ensure!(subjects.insert(one.subject), "two sessions of {} at once", one.subject_name);
    }
    let most = of_tenant.values().copied().max().unwrap_or_default();
    ensure!(running.len() <= rules.at_once, "{} run at once", running.len());
    ensure!(most <= rules.per_tenant, "{most} of one tenant run at once");
    Ok((running.len(), most))
}

/// What a night came to.
struct Told {
    sessions: usize,
    wall: Duration,
    world_minutes: f64,
    most: (usize, usize),
    fired: u64,
}

/// Whether a session waits for a machine that stays off.
fn waits(
    one: &Session,
    machines: &BTreeMap<ComputerId, (MachineNo, bool)>,
    left_alone: &BTreeSet<MachineNo>,
) -> bool {
    let SubjectId::Computer(id) = one.subject else { return false };
    let off = machines.get(&id).is_some_and(|(no, _)| left_alone.contains(no));
    one.state == SessionState::Waiting && one.away && off
}

/// Works everything off; machines go off in the middle of it, and most come back.
async fn work(
    night: &Night,
    foreman: &Arc<ByResolver>,
    machines: &BTreeMap<ComputerId, (MachineNo, bool)>,
    dice: &mut StdRng,
) -> Result<(Told, BTreeSet<MachineNo>)> {
    let hub = foreman.hub();
    let store = hub.store.clone();
    let sessions = store.sessions(SessionQuery::default()).await?.len();
    let (stop, began, world_began) = (Stop::default(), Instant::now(), hub.clock.now());
    let worker = Worker::new(Arc::clone(foreman) as _, "night", stop.clone());
    let working = tokio::spawn(worker.run());
    let mut off: Vec<(Instant, MachineNo)> = Vec::new();
    let mut touched = BTreeSet::new();
    let mut most = (0, 0);
    let patience = Duration::from_secs(PATIENCE_S * (1 + sessions as u64 / COMPUTERS as u64));
    let mut left_alone = BTreeSet::new();
    loop {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let now = watch(&store, &foreman.rules).await?;
        most = (most.0.max(now.0), most.1.max(now.1));
        let all = store.sessions(SessionQuery::default()).await?.into_iter();
        let open: Vec<Session> =
            all.map(|(_, one)| one).filter(|one| !one.state.is_over()).collect();
        if open.iter().all(|one| waits(one, machines, &left_alone)) && off.is_empty() {
            break;
        }
        ensure!(
            began.elapsed() < patience,
            "no end: {:#?}",
            open.iter().take(5).collect::<Vec<_>>()
        );
        // Somebody pulls a plug; it is put back, or not.
        let running =
            open.iter().find(|one| one.state == SessionState::Running && dice.random_bool(0.2));
        if let Some(SubjectId::Computer(id)) = running.map(|one| one.subject)
            && touched.len() * 20 < sessions
            && let Some((no, _)) = machines.get(&id)
            && touched.insert(*no)
        {
            night.change(json!({ "change": "power", "machine": no, "on": false }))?;
            match dice.random_bool(0.8) {
                true => off.push((Instant::now() + Duration::from_millis(400), *no)),
                false => drop(left_alone.insert(*no)),
            }
        }
        let back: Vec<MachineNo> =
            off.iter().filter(|(at, _)| *at <= Instant::now()).map(|(_, no)| *no).collect();
        off.retain(|(at, _)| *at > Instant::now());
        for no in back {
            night.change(json!({ "change": "power", "machine": no, "on": true }))?;
        }
        // Whoever is off and stays so, or has agents only that are left over, is waited for.
        let stays_off = |no: &MachineNo| !is_on(night, *no) && off.iter().all(|(_, one)| one != no);
        let lost = |(no, current): &&(MachineNo, bool)| !current || stays_off(no);
        left_alone.extend(machines.values().filter(lost).map(|(no, _)| *no));
        // The RMMs tell who is there; a sync that a fault breaks off is done again.
        hub.sync(&["cw-automate".to_owned(), "cw-control".to_owned()], &SyncOptions::default())
            .await?;
    }
    stop.stop();
    working.await?;
    let fired = night.estate.running.fired().iter().map(|fired| fired.times).sum();
    let world_minutes = (hub.clock.now() - world_began).num_seconds() as f64 / 60.0;
    let told = Told { sessions, wall: began.elapsed(), world_minutes, most, fired };
    Ok((told, touched))
}

/// A hub that knows the estate, and what is deployed.
async fn known(night: &Night, store: Store, at_once: usize) -> Result<ByResolver> {
    let hub = Arc::new(hub(night, store)?);
    sync_all(&hub).await?;
    let tenants: Vec<Tenant> = hub.all().await?;
    let computers: Vec<Computer> = hub.all().await?;
    // The largest tenant leaves one product as it is.
    let count = |tenant: &Tenant| computers.iter().filter(|one| one.tenant == tenant.id).count();
    let ignores = tenants.iter().max_by_key(|tenant| count(tenant)).context("no tenant")?.id;
    let library = rules::library(night.estate.running.estate_base(), ignores)?;
    crate::deployments::save(&hub, &library).await?;
    let now = hub.clock.now();
    let loaded = tests::dates::loaded(&hub.store, now, None).await?;
    let resolver = tests::dates::resolver(&loaded, now);
    let mut foreman = ByResolver::new(hub, resolver, &library);
    foreman.settings.parallel = at_once;
    foreman.settings.look = Duration::from_millis(20);
    foreman.settings.pace = Some(Duration::from_secs(5));
    foreman.settings.hurry = night.hurry();
    foreman.session.reboots = RebootPolicy::Normal;
    foreman.rules = QueueRules {
        at_once,
        per_tenant: at_once * 3 / 5,
        per_engine: at_once,
        lease_us: 24 * 3_600_000_000,
        ..QueueRules::default()
    };
    Ok(foreman)
}

/// Asks for everybody of whom a machine is known.
async fn ask_for_all(
    foreman: &ByResolver,
    machines: &BTreeMap<ComputerId, (MachineNo, bool)>,
) -> Result<Vec<Session>> {
    let hub = foreman.hub();
    let snapshot = foreman.resolver.snapshot();
    let computers: Vec<Computer> = hub.all().await?;
    let now_us = hub.clock.now_us();
    let may = |one: &&Computer| {
        let number = snapshot.number(one.id.into());
        let left = number.and_then(|no| foreman.resolver.left_alone(SubjectKind::Computer, no));
        !one.gone && machines.contains_key(&one.id) && number.is_some() && left.is_none()
    };
    let session = |one: &Computer| Session {
        kind: SessionKind::Scheduled,
        asked_by: "night".to_owned(),
        group: Some("night".to_owned()),
        ..Session::asked(one.tenant, one.id, &one.name, "Maintenance", now_us)
    };
    let sessions: Vec<Session> = computers.iter().filter(may).map(session).collect();
    hub.store.add_sessions(&sessions).await?;
    Ok(sessions)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_night_with_faults_every_machine_is_as_the_resolver_says_or_has_a_named_reason()
-> Result<()> {
    for seed in seeds([26]) {
        a_night(computers_wanted(), seed).await?;
    }
    Ok(())
}

async fn a_night(computers: usize, seed: u64) -> Result<()> {
    let night = Night::of(computers, seed).await?;
    let database = databases::sqlite()?;
    let at_once = if computers > 500 { 200 } else { 40 };
    let foreman = Arc::new(known(&night, database.open().await?, at_once).await?);
    let hub = foreman.hub();
    let machines = {
        let world = night.estate.running.world();
        let world = world.read().unwrap().clone();
        ground::machines(&hub, &world).await?
    };
    ensure!(machines.len() * 10 > computers * 8, "{} of {computers} are known", machines.len());
    let mut dice = StdRng::seed_from_u64(seed);
    let all: BTreeSet<MachineNo> = machines.values().map(|(no, _)| *no).collect();
    let planted = plant(&night, &all, &mut dice)?;
    let before = states(&night, &all);
    ask_for_all(&foreman, &machines).await?;
    night.estate.running.set_faults(faults());
    let (told, touched) = work(&night, &foreman, &machines, &mut dice).await?;
    night.estate.running.set_faults(Vec::new());
    let after = states(&night, &all);
    let actions = ground::actions(&hub).await?;
    let mut judgement = Judgement::default();
    for (_, session) in hub.store.sessions(SessionQuery::default()).await? {
        let SubjectId::Computer(id) = session.subject else { bail!("{session:?}") };
        let (no, current) = machines[&id];
        let trouble = planted.get(&no);
        let case = Case {
            session: &session,
            before: &before[&no],
            now: &after[&no],
            reachable: current && is_on(&night, no),
            troubled: trouble.is_some() || touched.contains(&no),
            lies: trouble.filter(|one| one.lies).map(|one| one.package),
        };
        judgement.judge(&foreman.resolver, &actions, &case)?;
    }
    println!(
        "{computers} computers: {} sessions in {:.0} s ({:.0} min of the world's), at most {} at once and {} of one \
         tenant; {} calls went wrong, {} machines had troubles and {} lost their power; {} installers ran; {} items are \
         as they should be, not so for a reason: {:?}; {} sessions wait",
        told.sessions,
        told.wall.as_secs_f64(),
        told.world_minutes,
        told.most.0,
        told.most.1,
        told.fired,
        planted.len(),
        touched.len(),
        judgement.installs,
        judgement.right,
        judgement.reasons,
        judgement.waits,
    );
    ensure!(told.fired > 0 && !planted.is_empty(), "seed {seed}: nothing went wrong");
    judgement.ensure_right(seed)
}
