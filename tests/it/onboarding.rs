//! New computers, set up through both RMMs: what was entered holds before anything is resolved, what comes to hold
//! meanwhile is done before one is onboarded; and sessions that do not wait for who is away.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use core_connector::Secret;
use core_engine::{EngineSettings, Foreman, Onboarded, Unbriefed, settle_onboarded};
use core_maintenance::{Brief, Demand};
use core_model::decision::Settled;
use core_model::entity::{Agent, Computer, Onboarding, Person, Primary};
use core_model::id::ComputerId;
use core_model::library::{DesiredState, OfflineBehaviour, SubjectId};
use core_model::queue::QueueRules;
use core_model::session::{OnboardingForm, Session, SessionKind, SessionState};
use core_plan::RunKind;
use core_store::{Bars, Store};
use core_sync::Hub;
use serde_json::json;
use tests::at_work::{AtWork, until, until_over};
use tests::night::{ForAll, Night, file_task};
use tests::{fresh_sqlite, sync_all};

const WELCOME: &str = r"C:\ProgramData\Linchpin\welcome.txt";
const GROUP: &str = r"C:\ProgramData\Linchpin\group.txt";

/// When the second deployment holds.
enum Group {
    /// Where the computer has a primary person: it is deployed to a group of his.
    OfThePrimary,
    /// Since somebody looked after a session was over: it came to hold meanwhile.
    Meanwhile(AtomicBool),
}

/// Two tasks, of which the second is deployed to a group.
struct Staged {
    all: ForAll,
    group: Group,
}

impl Staged {
    async fn of(night: &Night, store: Store, group: Group) -> Result<Self> {
        let hub = Arc::new(night.hub(store)?);
        sync_all(&hub).await?;
        let welcome = file_task("welcome", WELCOME, "hello");
        let policy = file_task("group", GROUP, "of the group");
        let tasks = vec![(welcome, DesiredState::Enforce), (policy, DesiredState::Enforce)];
        Ok(Self { all: ForAll::new(hub, Vec::new(), tasks), group })
    }

    async fn is_in_group(&self, session: &Session) -> bool {
        match &self.group {
            Group::Meanwhile(since) => {
                if session.state.is_over() {
                    since.store(true, Ordering::SeqCst);
                }
                since.load(Ordering::SeqCst)
            }
            Group::OfThePrimary => {
                let SubjectId::Computer(id) = session.subject else { return false };
                let found = computer(&self.all.hub(), id).await;
                found.is_ok_and(|computer| computer.primary.is_some())
            }
        }
    }
}

#[async_trait]
impl Foreman for Staged {
    fn hub(&self) -> Arc<Hub> {
        self.all.hub()
    }

    fn rules(&self) -> QueueRules {
        self.all.rules()
    }

    fn settings(&self) -> Option<EngineSettings> {
        self.all.settings()
    }

    async fn bars(&self) -> std::result::Result<Arc<Bars<'static>>, String> {
        self.all.bars().await
    }

    async fn brief(&self, session: &Session) -> std::result::Result<Brief, Unbriefed> {
        let mut brief = self.all.brief(session).await?;
        brief.run = RunKind::Onboarding { automatic: session.asked_by.is_empty() };
        if !self.is_in_group(session).await {
            brief.demands.retain(|demand| match demand {
                Demand::Won { deployment, .. } | Demand::Held { deployment, .. } => {
                    deployment.name != "group"
                }
                Demand::Unknown { .. } => true,
            });
        }
        Ok(brief)
    }

    async fn secret(&self, name: &str) -> std::result::Result<Option<Secret>, String> {
        self.all.secret(name).await
    }
}

async fn computer(hub: &Hub, id: ComputerId) -> Result<Computer> {
    let all: Vec<Computer> = hub.all().await?;
    all.into_iter().find(|one| one.id == id).context("the computer")
}

/// A computer that came after everything was read once, and that can be reached: it needs onboarding.
async fn newcomer(night: &Night, hub: &Arc<Hub>) -> Result<Computer> {
    let people: Vec<Person> = hub.all().await?;
    let tenants: BTreeSet<_> =
        people.iter().filter(|one| !one.gone).map(|one| one.tenant).collect();
    for no in 0..20 {
        night.change(json!({ "change": "add_machine", "tenant": no % 4 }))?;
    }
    sync_all(hub).await?;
    let presences = hub.store.presences(core_store::Agents::All).await?;
    let agents: Vec<Agent> = hub.all().await?;
    let is_on = |id: ComputerId| {
        let own = agents.iter().filter(|agent| agent.computer == Some(id) && agent.runs_scripts);
        own.clone().count() > 0
            && own.clone().all(|agent| {
                presences.iter().any(|(of, one)| {
                    (&of.connection, &of.key) == (&agent.connection, &agent.key)
                        && one.online == Some(true)
                })
            })
    };
    let all: Vec<Computer> = hub.all().await?;
    let names: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
    let alone = |name: &String| names.iter().filter(|other| *other == name).count() == 1;
    let mut new = all.iter().filter(|one| !one.gone && one.onboarding == Onboarding::Needed);
    let fits = |one: &&Computer| {
        one.primary.is_none() && alone(&one.name) && tenants.contains(&one.tenant) && is_on(one.id)
    };
    new.find(fits).cloned().context("a new computer that is on, at a tenant with persons")
}

fn onboarding(computer: &Computer, now_us: i64) -> Session {
    Session {
        kind: SessionKind::Onboarding,
        expires_us: Some(now_us + 7 * 86_400_000_000),
        ..Session::asked(computer.tenant, computer.id, &computer.name, "Onboarding", now_us)
    }
}

fn holds(night: &Night, host: &str, path: &str) -> Result<bool> {
    Ok(night.machine(host)?.files.contains_key(&path.to_lowercase()))
}

async fn onboarded_by(store: &Store) -> Result<Vec<String>> {
    let all = store.decisions().await?.into_iter();
    let onboarded = all.filter(|one| matches!(one.settled, Settled::Onboarded { .. }));
    Ok(onboarded.map(|one| one.by).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u14_who_was_entered_is_primary_before_anything_is_resolved() -> Result<()> {
    let night = Night::of(60, 21).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let foreman = Arc::new(Staged::of(&night, store.clone(), Group::OfThePrimary).await?);
    let hub = foreman.hub();
    let new = newcomer(&night, &hub).await?;
    let people: Vec<Person> = hub.all().await?;
    let ana =
        people.iter().find(|one| one.tenant == new.tenant && !one.gone).context("a person")?;
    let form = OnboardingForm { primary_person: Some(ana.upn.to_uppercase()), computer_name: None };
    let session = Session { form: Some(form), ..onboarding(&new, hub.clock.now_us()) };
    store.add_session(&session).await?;
    let over = until_over(&foreman, 1).await?;
    let [one] = over.as_slice() else { bail!("{over:?}") };
    ensure!(one.state == SessionState::Succeeded, "{}", one.word);
    let now = computer(&hub, new.id).await?;
    let primary = now.primary.as_ref().map(|primary: &Primary| primary.person);
    ensure!(primary == Some(ana.id), "{:?}", now.primary);
    ensure!(now.onboarding == Onboarding::Done, "it is onboarded");
    ensure!(holds(&night, &new.name, WELCOME)? && holds(&night, &new.name, GROUP)?, "{}", one.word);
    let by = onboarded_by(&store).await?;
    ensure!(by == [format!("session {}", one.id)], "{by:?}");
    // Whoever looks again finds it settled.
    ensure!(settle_onboarded(&*foreman, one).await? == Onboarded::Nothing, "it is done");

    // Of whom nobody is called so, nothing is set up, and it is said.
    let form = OnboardingForm {
        primary_person: Some("nobody@nowhere.example".to_owned()),
        computer_name: None,
    };
    let session = Session { form: Some(form), ..onboarding(&new, hub.clock.now_us()) };
    store.add_session(&session).await?;
    let over = until_over(&foreman, 2).await?;
    let last = over.last().context("a session")?;
    ensure!(last.state == SessionState::Failed, "{}", last.word);
    ensure!(last.word.contains("nobody@nowhere.example"), "{}", last.word);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u14_what_comes_to_hold_meanwhile_is_done_before_a_computer_is_onboarded() -> Result<()> {
    let night = Night::of(60, 22).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let group = Group::Meanwhile(AtomicBool::new(false));
    let foreman = Arc::new(Staged::of(&night, store.clone(), group).await?);
    let hub = foreman.hub();
    let new = newcomer(&night, &hub).await?;
    store.add_session(&onboarding(&new, hub.clock.now_us())).await?;
    let over = until_over(&foreman, 2).await?;
    let [first, second] = over.as_slice() else { bail!("{over:?}") };
    for one in &over {
        ensure!(one.state == SessionState::Succeeded, "{}", one.word);
    }
    ensure!(second.group.as_deref() == Some(first.id.to_string().as_str()), "{second:?}");
    let resolved = |one: &Session| {
        let result = one.result.clone().unwrap_or_default();
        result["resolved"].as_array().map(Vec::len).unwrap_or_default()
    };
    ensure!((resolved(first), resolved(second)) == (1, 2), "{first:?} {second:?}");
    ensure!(holds(&night, &new.name, GROUP)?, "{}", second.word);
    let now = computer(&hub, new.id).await?;
    ensure!(now.onboarding == Onboarding::Done, "it is onboarded");
    let by = onboarded_by(&store).await?;
    ensure!(by == [format!("session {}", second.id)], "only the second one settles it: {by:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_who_is_away_is_skipped_where_the_schedule_says_so_and_nothing_is_sent() -> Result<()> {
    let night = Night::of(60, 23).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let foreman = Arc::new(Staged::of(&night, store.clone(), Group::OfThePrimary).await?);
    let hub = foreman.hub();
    let new = newcomer(&night, &hub).await?;
    night.change(json!({ "change": "power", "machine": new.name, "on": false }))?;
    sync_all(&hub).await?;
    let session = Session {
        kind: SessionKind::Scheduled,
        offline: Some(OfflineBehaviour::Skip),
        ..onboarding(&new, hub.clock.now_us())
    };
    store.add_session(&session).await?;
    let over = until_over(&foreman, 1).await?;
    let [one] = over.as_slice() else { bail!("{over:?}") };
    ensure!(one.state == SessionState::Cancelled, "{}", one.word);
    ensure!(one.word == format!("skipped: {} was away at its time", new.name), "{}", one.word);
    ensure!(store.session_lines(one.id, 0).await?.is_empty(), "nothing was begun");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_what_is_planned_is_done_at_its_time_or_when_the_machine_is_heard_of_again()
-> Result<()> {
    let night = Night::of(60, 24).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let mut foreman = Staged::of(&night, store.clone(), Group::OfThePrimary).await?;
    // Nobody would try it again by itself within this test.
    foreman.all.settings.away = Duration::from_secs(7 * 86_400);
    let foreman = Arc::new(foreman);
    let hub = foreman.hub();
    let new = newcomer(&night, &hub).await?;
    let now_us = hub.clock.now_us();
    let session = Session {
        kind: SessionKind::Scheduled,
        offline: Some(OfflineBehaviour::ApplyOnConnect),
        act_us: Some(now_us + 2 * 3_600_000_000),
        ..onboarding(&new, now_us)
    };
    store.add_session(&session).await?;
    let at_work = AtWork::begin(&foreman);
    let planned = until(&store, &session, |now| now.word.starts_with("planned")).await?;
    ensure!(planned.ready_us == session.act_us, "{planned:?}");
    ensure!(!holds(&night, &new.name, WELCOME)?, "nothing is changed before its time");
    let power = |on: bool| json!({ "change": "power", "machine": new.name, "on": on });
    night.change(power(false))?;
    sync_all(&hub).await?;
    let away = until(&store, &session, |now| now.away).await?;
    ensure!(away.changed_us >= session.act_us.unwrap_or_default(), "{away:?}");
    night.change(power(true))?;
    sync_all(&hub).await?;
    let over = until(&store, &session, |now| now.state.is_over()).await?;
    ensure!(over.state == SessionState::Succeeded, "{}", over.word);
    ensure!(holds(&night, &new.name, WELCOME)?, "it is done");
    at_work.end().await
}
