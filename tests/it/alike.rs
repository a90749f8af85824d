//! A model that grew change by change beside one that a full sync into an empty store makes.
//!
//! The grown one knows more: what agents said that are off or gone by now, and what their records
//! said before. So the empty store is filled twice: with the grown one's observations both must be
//! the same, without them nothing may contradict.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use core_model::entity::{Agent, Computer, Person, Question, Subject};
use core_model::observation::Logon;
use core_model::{RecordKind, RecordRef};
use core_store::{Agents, RecordQuery};
use core_sync::{Hub, SyncOptions};
use tests::Estate;
use tests::databases;

use crate::support::{ensure_same, paging_hub, read_whole, sync_whole, view};

/// The grown model must be the one that a full sync into an empty store makes.
pub(crate) async fn ensure_like_full(estate: &Estate, grown: &Hub) -> Result<()> {
    let at = Utc::now();
    let database = databases::sqlite()?;
    let told = paging_hub(estate, database.open().await?)?;
    read_whole(&told, &SyncOptions::default()).await?;
    tell(&told, grown).await?;
    ensure_parts(&told, grown, at).await?;
    let (wanted, found) = (Shape::of(&told).await?, Shape::of(grown).await?);
    wanted.ensure_same(&found).context("with the same observations")?;

    let database = databases::sqlite()?;
    let fresh = paging_hub(estate, database.open().await?)?;
    sync_whole(&fresh).await?;
    let score = estate.score(&fresh).await?;
    let wrong = score.computers.false_merges + score.computers.missed_merges;
    ensure!(wrong == 0, "the fresh one: {score:#?}");
    ensure_parts(&fresh, grown, at).await?;
    found.ensure_no_contradiction(&Shape::of(&fresh).await?).context("with its own observations")
}

/// Tenants and lines in force must be the same in any case.
async fn ensure_parts(wanted: &Hub, found: &Hub, at: DateTime<Utc>) -> Result<()> {
    let (mut wanted, mut found) = (view(wanted, at).await?, view(found, at).await?);
    for view in [&mut wanted, &mut found] {
        view.computers.clear();
        view.undecided.clear();
    }
    ensure_same(&wanted, &found, "tenants and lines")
}

/// Gives a hub the observations of another one, as far as it knows the agents.
async fn tell(hub: &Hub, other: &Hub) -> Result<()> {
    let agents = RecordQuery { kinds: &[RecordKind::Agent], ..RecordQuery::default() };
    let agents = hub.store.all_records(&agents).await?;
    let known: BTreeSet<RecordRef> = agents.into_iter().map(|stored| stored.record).collect();
    let mut readings = other.store.readings(Agents::All).await?;
    readings.sort_by_key(|(_, _, at_us, _)| *at_us);
    for (record, reading, at_us, _) in readings {
        if known.contains(&record) {
            hub.store.add_readings(&[(record, reading)], at_us).await?;
        }
    }
    let mut logons = other.store.logons(Agents::All).await?;
    logons.sort_by_key(|(_, _, _, at_us, _)| *at_us);
    for (record, account, source, at_us, _) in logons {
        if known.contains(&record) {
            hub.store.add_logons(&[(record, Logon { account, source })], at_us).await?;
        }
    }
    hub.derive().await?;
    Ok(())
}

/// A computer with those that wait for a decision about it, by the vendors' ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    decided: BTreeSet<String>,
    waiting: BTreeSet<String>,
    primary: Option<String>,
}

impl Group {
    fn all(&self) -> BTreeSet<&String> {
        self.decided.union(&self.waiting).collect()
    }
}

/// The computers of a model. Which of two agents that nothing tells apart has the computer, and
/// which one waits, follows from which one was there first: that is no difference.
struct Shape {
    groups: Vec<Group>,
    /// Agents that are asked about because they were on other hardware before: nobody who comes
    /// later can know.
    changed: BTreeSet<String>,
    /// Why each agent is where it is.
    why: BTreeMap<String, String>,
}

impl Shape {
    async fn of(hub: &Hub) -> Result<Self> {
        let agents: Vec<Agent> = hub.all().await?;
        let agents: Vec<Agent> = agents.into_iter().filter(|agent| !agent.gone).collect();
        let persons: BTreeMap<_, _> =
            hub.all::<Person>().await?.into_iter().map(|p| (p.id, p.directory_id)).collect();
        let name = |agent: &Agent| format!("{}/{}", agent.connection, agent.key);
        let mut groups: BTreeMap<_, Group> = BTreeMap::new();
        let mut changed = BTreeSet::new();
        for question in hub.all::<Question>().await? {
            let waiting = agents.iter().filter(|agent| agent.decision == Some(question.id));
            let waiting: BTreeSet<String> = waiting.map(name).collect();
            if question.subject == Subject::OtherHardware {
                changed.extend(waiting.iter().cloned());
            }
            let about = question.computers.first().map(ToString::to_string);
            let about = about.unwrap_or_else(|| question.id.to_string());
            groups.entry(about).or_default().waiting.extend(waiting);
        }
        for computer in hub.all::<Computer>().await? {
            let own = agents.iter().filter(|agent| agent.computer == Some(computer.id));
            let group = groups.entry(computer.id.to_string()).or_default();
            group.decided.extend(own.map(name));
            group.primary =
                computer.primary.and_then(|primary| persons.get(&primary.person).cloned());
        }
        let why = agents.iter().map(|agent| (name(agent), agent.why.clone())).collect();
        let groups = groups.into_values().filter(|group| !group.all().is_empty()).collect();
        Ok(Self { groups, changed, why })
    }

    fn ensure_same(&self, other: &Self) -> Result<()> {
        let changed = |group: &&Group| {
            group
                .all()
                .iter()
                .any(|agent| self.changed.contains(*agent) || other.changed.contains(*agent))
        };
        let whole = |shape: &Self| -> BTreeSet<(BTreeSet<String>, Option<String>)> {
            let groups = shape.groups.iter().filter(|group| !changed(group));
            let whole = |group: &Group| group.all().into_iter().cloned().collect();
            groups.map(|group| (whole(group), group.primary.clone())).collect()
        };
        let (left, right) = (whole(self), whole(other));
        let missing: Vec<_> = left.difference(&right).collect();
        let surplus: Vec<_> = right.difference(&left).collect();
        let concerned = missing.iter().chain(&surplus).flat_map(|(agents, _)| agents);
        let why = other.words(concerned);
        ensure!(missing == surplus, "wanted {missing:#?}, found {surplus:#?}: {why:#?}");
        Ok(())
    }

    /// What the fresh model is sure of is so in this one; where they differ, the fresh one waits.
    fn ensure_no_contradiction(&self, fresh: &Self) -> Result<()> {
        let (here, there) = (self.places(), fresh.places());
        let mut waits: BTreeSet<&String> = BTreeSet::new();
        for group in &fresh.groups {
            waits.extend(&group.waiting);
            let known = group.decided.iter().filter(|agent| !self.changed.contains(*agent));
            let places: BTreeSet<_> = known.clone().map(|agent| here.get(agent)).collect();
            let why = self.words(&group.decided);
            ensure!(places.len() <= 1, "{group:#?} is torn in the grown model: {why:#?}");
        }
        for group in &self.groups {
            let sure: Vec<_> = group.decided.iter().filter(|a| !waits.contains(a)).collect();
            let places: BTreeSet<_> = sure.iter().map(|agent| there.get(*agent)).collect();
            let why = fresh.words(&group.decided);
            ensure!(places.len() <= 1, "{group:#?} is torn in the fresh model: {why:#?}");
            let same = places.iter().next().copied().flatten().map(|place| &fresh.groups[*place]);
            if let Some(same) = same.filter(|same| same.decided == group.decided) {
                ensure!(same.primary == group.primary, "{group:#?} is not used so: {same:#?}");
            }
            for agent in group.waiting.iter().filter(|agent| !self.changed.contains(*agent)) {
                let place = there.get(agent).map(|place| &fresh.groups[*place]);
                let open = place.is_none_or(|place| !place.waiting.is_empty());
                let why = self.words([agent]);
                ensure!(open, "{agent} waits in the grown model only: {why:#?}, {place:#?}");
            }
        }
        Ok(())
    }

    /// The group of each agent.
    fn places(&self) -> BTreeMap<&String, usize> {
        let each = self.groups.iter().enumerate();
        each.flat_map(|(number, group)| group.all().into_iter().map(move |a| (a, number))).collect()
    }

    fn words<'a>(&self, agents: impl IntoIterator<Item = &'a String>) -> Vec<String> {
        let why = |agent: &String| format!("{agent}: {:?}", self.why.get(agent));
        agents.into_iter().map(why).collect()
    }
}
