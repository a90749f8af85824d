//! Identification: many agents, one computer.
//!
//! The rules R0 to R8 are applied to the *set* of a tenant's agents, not to one arrival after the
//! other; that is why the order of arrival cannot matter. Two agents are joined only on evidence
//! that identifies a machine, and never against evidence that they are two. What the rules leave
//! open waits for the machine's own answer or for a human.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use core_model::RecordRef;
use core_model::decision::Decision;
use core_model::entity::{Agent, Choice, Computer, Question, Rule, Subject};
use core_model::hardware::SmbiosUuid;
use core_model::id::{ClientId, TenantId};

use crate::evidence::Weighed;
use crate::input::{AgentInput, AssetInput};
use crate::policy::{IdentificationMode, IdentificationPolicy};
use crate::union::Union;

mod assets;
mod decisions;
mod foreign;
mod group;
mod known;
mod outcome;
mod reported;
mod rules;
mod settle;

/// A computer of another tenant, as far as one tenant may know of it: that it is there.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// Since when it is known.
    pub since: DateTime<Utc>,
    /// When one of its agents was last heard of.
    pub last_seen: Option<DateTime<Utc>>,
    /// Its real serials.
    pub serials: Vec<String>,
}

/// Everything that identification of one tenant looks at.
pub struct IdentifyInput<'a> {
    /// The tenant.
    pub tenant: TenantId,
    /// Its agents, gone ones included.
    pub agents: Vec<AgentInput>,
    /// Its assets.
    pub assets: &'a [AssetInput],
    /// Computers of other tenants that share a UUID with an agent of this one.
    pub foreign: &'a HashMap<SmbiosUuid, Vec<Foreign>>,
    /// Decisions, in their order.
    pub decisions: &'a [Decision],
    /// Ids of the clients, by connection and key.
    pub clients: &'a HashMap<(String, String), ClientId>,
    /// The rules.
    pub policy: &'a IdentificationPolicy,
    /// The time, for silence that is counted in days.
    pub now: DateTime<Utc>,
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct Identified {
    /// Every agent.
    pub agents: Vec<Agent>,
    /// The computers, without logons and primary persons.
    pub computers: Vec<Computer>,
    /// Open decisions.
    pub questions: Vec<Question>,
    /// Agents that should be asked by a script now, one per machine.
    pub to_ask: Vec<RecordRef>,
    /// How many joins each rule made, or in log mode would have made.
    pub joins: BTreeMap<Rule, usize>,
}

/// Identifies the agents of one tenant.
#[must_use]
pub fn identify(mut input: IdentifyInput<'_>) -> Identified {
    input.agents.sort_by(|a, b| a.record.cmp(&b.record));
    input.agents.dedup_by(|a, b| a.record == b.record);
    let new = || Work::new(&input.agents, input.decisions, input.policy, input.now);
    let mut work = Work { foreign: Some(input.foreign), ..new() };
    work.apply_all();
    if input.policy.mode == IdentificationMode::Log {
        let mut only_decided = new();
        only_decided.apply_decisions();
        only_decided.join_bound();
        only_decided.enforced = work.in_words();
        only_decided.joins = std::mem::take(&mut work.joins);
        work = only_decided;
    }
    outcome::build(&input, &work)
}

/// What an agent can be recognised by beyond its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// UUIDs; none that the tenant learned to be junk.
    pub uuids: Vec<SmbiosUuid>,
    /// Real serials.
    pub serials: Vec<String>,
}

/// What each of a tenant's agents, sorted by their records, can be recognised by when it shows up at
/// another tenant. A UUID that is live on machines with different serials and different
/// installations identifies nobody, here or there.
#[must_use]
pub fn identities(
    agents: &[AgentInput],
    decisions: &[Decision],
    policy: &IdentificationPolicy,
    now: DateTime<Utc>,
) -> Vec<Identity> {
    let mut work = Work::new(agents, decisions, policy, now);
    work.apply_decisions();
    work.apply_known();
    work.learn_clones();
    let identity = |number: usize| Identity {
        uuids: work.good_uuids(number).collect(),
        serials: work.weighed[number].serials.clone(),
    };
    (0..agents.len()).map(identity).collect()
}

/// What is asked of a human, before it has ids.
#[derive(Clone, Debug)]
struct Asked {
    subject: Subject,
    /// An agent of each computer that it may be.
    with: Vec<usize>,
    evidence: Vec<String>,
    choices: Vec<Choice>,
}

/// The state of the work: agents are numbered in the order of their records.
struct Work<'a> {
    agents: &'a [AgentInput],
    policy: &'a IdentificationPolicy,
    /// None where only the tenant's own word counts.
    foreign: Option<&'a HashMap<SmbiosUuid, Vec<Foreign>>>,
    decisions: &'a [Decision],
    now: DateTime<Utc>,
    weighed: Vec<Weighed>,
    union: Union,
    /// Agents that humans put together, whatever the rules make of them.
    bound: Union,
    /// What humans keep apart, by the representatives in `bound`.
    apart: BTreeMap<usize, BTreeSet<usize>>,
    /// Agents about which a human decided anything: they are not asked about again.
    confirmed: BTreeSet<usize>,
    /// What a human decided about an agent for itself, and when (Unix microseconds).
    settled_alone: BTreeMap<usize, (Choice, i64)>,
    /// Rule and reason of the join that brought the agent in.
    reasons: BTreeMap<usize, (Rule, String)>,
    /// Agents that belong to their computer's past.
    retired: BTreeSet<usize>,
    /// Times at which the computer of an agent was wiped.
    wipes: BTreeMap<usize, BTreeSet<DateTime<Utc>>>,
    /// Agents whose UUID another live machine has too.
    clones: BTreeSet<usize>,
    /// The UUIDs of those: they identify nobody in this tenant.
    shared_uuids: BTreeSet<SmbiosUuid>,
    /// Further UUIDs that a single agent cannot be recognised by.
    learned_junk: BTreeMap<usize, BTreeSet<SmbiosUuid>>,
    board_swapped: BTreeSet<usize>,
    refused: BTreeMap<usize, String>,
    asked: BTreeMap<usize, Asked>,
    /// Agents that wait with another one for the decision about it.
    follows: BTreeMap<usize, usize>,
    /// Agents that wait for their machine's answer, with the reason.
    waiting: BTreeMap<usize, String>,
    joins: BTreeMap<Rule, usize>,
    /// In log mode: what would have become of each agent.
    enforced: BTreeMap<usize, String>,
}

impl<'a> Work<'a> {
    fn new(
        agents: &'a [AgentInput],
        decisions: &'a [Decision],
        policy: &'a IdentificationPolicy,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            agents,
            policy,
            foreign: None,
            decisions,
            now,
            weighed: agents.iter().map(|agent| Weighed::of(agent, policy)).collect(),
            union: Union::new(agents.len()),
            bound: Union::new(agents.len()),
            apart: BTreeMap::new(),
            confirmed: BTreeSet::new(),
            settled_alone: BTreeMap::new(),
            reasons: BTreeMap::new(),
            retired: BTreeSet::new(),
            wipes: BTreeMap::new(),
            clones: BTreeSet::new(),
            shared_uuids: BTreeSet::new(),
            learned_junk: BTreeMap::new(),
            board_swapped: BTreeSet::new(),
            refused: BTreeMap::new(),
            asked: BTreeMap::new(),
            follows: BTreeMap::new(),
            waiting: BTreeMap::new(),
            joins: BTreeMap::new(),
            enforced: BTreeMap::new(),
        }
    }

    fn apply_all(&mut self) {
        self.apply_decisions();
        self.apply_known();
        self.learn_clones();
        self.apply_foreign();
        self.apply_reported_ids();
        self.apply_uuids();
        self.apply_swapped();
        self.apply_serials();
        self.join_bound();
        self.apply_leftovers();
    }

    /// Joins the sets of two agents; `newcomer` is the one whose reason it is.
    fn join(&mut self, newcomer: usize, other: usize, rule: Rule, why: &str) -> bool {
        if self.union.root(newcomer) == self.union.root(other) || self.kept_apart(newcomer, other) {
            return false;
        }
        self.union.join(newcomer, other);
        self.reasons.entry(newcomer).or_insert_with(|| (rule, why.to_owned()));
        *self.joins.entry(rule).or_default() += 1;
        true
    }

    /// Whether the agent takes part in matching: not refused, and not waiting for a human.
    fn free(&self, agent: usize) -> bool {
        !self.refused.contains_key(&agent)
            && !self.asked.contains_key(&agent)
            && !self.follows.contains_key(&agent)
    }

    /// What became of each agent that is not simply on its own.
    fn in_words(&self) -> BTreeMap<usize, String> {
        let joined = self.reasons.iter().map(|(&n, (rule, why))| (n, format!("{rule:?}: {why}")));
        let waits = self.waiting.iter().map(|(&n, why)| (n, format!("it would wait: {why}")));
        let asks = self.asked.iter().map(|(&n, asked)| {
            (n, format!("a human would be asked: {}", asked.evidence.join("; ")))
        });
        let refused = self.refused.iter().map(|(&n, why)| (n, format!("R5: refused, {why}")));
        joined.chain(waits).chain(asks).chain(refused).collect()
    }
}

#[cfg(test)]
mod tests;
