//! Computers with the agents that are pathways to them, the groups of connections that these are
//! in, and the facts that filters read.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use core_model::entity::{
    Agent, AgentState, Computer, ConnectionGroup, ConnectionMember, Flag, Onboarding,
};
use core_model::facts::{ChassisClass, ConnectionGroupKind, DeviceRole};
use core_model::id::{AgentId, ComputerId};
use core_resolve::{AgentInput, ComputerInput, ConnectionGroupInput, Fact, Facts};

use crate::people::Texts;

/// A group of a connection by its kind and key.
type Name = (ConnectionGroupKind, Arc<str>);

/// What is known of agents and of groups, by their names.
#[derive(Default)]
pub(crate) struct Machines {
    agents: HashMap<AgentId, Agent>,
    /// The same by connection and key.
    by_key: HashMap<(Arc<str>, String), AgentId>,
    /// Direct groups of an agent, by connection and key of the agent.
    direct: HashMap<(Arc<str>, String), BTreeSet<Arc<str>>>,
    /// The group that a group is in, by connection and key.
    parents: HashMap<(Arc<str>, Arc<str>), Arc<str>>,
}

impl Machines {
    /// Takes an agent in or out; gives the computers that it was and is a pathway to.
    pub(crate) fn agent(&mut self, agent: Agent) -> [Option<ComputerId>; 2] {
        let known = self.agents.remove(&agent.id);
        let before = known.and_then(|known| {
            self.by_key.remove(&(known.connection.as_str().into(), known.key));
            known.computer
        });
        if agent.gone || agent.state != AgentState::Matched {
            return [before, None];
        }
        let after = agent.computer;
        self.by_key.insert((agent.connection.as_str().into(), agent.key.clone()), agent.id);
        self.agents.insert(agent.id, agent);
        [before, after]
    }

    /// Takes a group in or out; gives the computers that are in others by that, as far as they are known.
    pub(crate) fn group(
        &mut self,
        group: &ConnectionGroup,
        texts: &mut Texts,
    ) -> BTreeSet<ComputerId> {
        // Vendors count groups and locations apart; of these only groups are in one another.
        if group.group_kind != ConnectionGroupKind::Group {
            return BTreeSet::new();
        }
        let (connection, key) = (texts.of(&group.connection), texts.of(&group.key));
        let parent = group.parent.as_deref().filter(|_| !group.gone).map(|key| texts.of(key));
        let place = (connection, key);
        let before = match parent.clone() {
            Some(parent) => self.parents.insert(place.clone(), parent),
            None => self.parents.remove(&place),
        };
        if before == parent { BTreeSet::new() } else { self.within(&place) }
    }

    /// The computers with an agent that is in a group, or in one within it.
    fn within(&self, (connection, key): &(Arc<str>, Arc<str>)) -> BTreeSet<ComputerId> {
        let name = (ConnectionGroupKind::Group, key.clone());
        let agents = self.direct.iter().filter(|((of, _), direct)| {
            let mut groups = BTreeSet::new();
            let direct = direct.iter().filter(|_| of == connection);
            direct.for_each(|group| self.with_parents(connection, group.clone(), &mut groups));
            groups.contains(&name)
        });
        let ids = agents.filter_map(|(agent, _)| self.by_key.get(agent));
        ids.filter_map(|id| self.agents.get(id)?.computer).collect()
    }

    /// Takes a membership in or out; gives the computer whose agent it is of.
    pub(crate) fn member(
        &mut self,
        member: &ConnectionMember,
        texts: &mut Texts,
    ) -> Option<ComputerId> {
        let agent = (texts.of(&member.connection), member.agent.clone());
        let group = texts.of(&member.group);
        let id = self.by_key.get(&agent).copied();
        let direct = self.direct.entry(agent).or_default();
        if member.gone {
            direct.remove(&group);
        } else {
            direct.insert(group);
        }
        self.agents.get(&id?)?.computer
    }

    /// A computer as it is resolved on; none where it is gone.
    pub(crate) fn computer(
        &self,
        computer: &Computer,
        excluded: &BTreeSet<ComputerId>,
        texts: &mut Texts,
    ) -> Option<ComputerInput> {
        if computer.gone {
            return None;
        }
        let mut agents: Vec<&Agent> =
            computer.agents.iter().filter_map(|id| self.agents.get(id)).collect();
        agents.sort_by(|a, b| (&a.connection, &a.key).cmp(&(&b.connection, &b.key)));
        let read = computer.role.is_some() || computer.chassis.is_some() || computer.os.is_some();
        let inventory = read.then(|| inventory_of(&agents)).flatten();
        let inventory = inventory.map(|connection| texts.of(connection));
        let onboarded = computer.onboarding == Onboarding::Done;
        Some(ComputerInput {
            id: computer.id,
            tenant: computer.tenant,
            name: computer.name.as_str().into(),
            primary: computer.primary.as_ref().map(|primary| primary.person),
            role: computer.role,
            chassis: computer.chassis,
            primary_controller: None,
            needs_onboarding: !onboarded,
            excluded: excluded.contains(&computer.id),
            // Nobody has had a computer before him that was neither read nor onboarded.
            tags_read: onboarded || inventory.is_some(),
            inventory,
            assets: computer
                .assets
                .iter()
                .map(|(connection, key)| (texts.of(connection), key.as_str().into()))
                .collect(),
            agents: agents.iter().map(|agent| self.pathway(agent, texts)).collect(),
            facts: facts(computer, &agents, texts),
        })
    }

    fn pathway(&self, agent: &Agent, texts: &mut Texts) -> AgentInput {
        let connection = texts.of(&agent.connection);
        let mut groups = BTreeSet::new();
        let direct = self.direct.get(&(connection.clone(), agent.key.clone()));
        for group in direct.into_iter().flatten() {
            self.with_parents(&connection, group.clone(), &mut groups);
        }
        if let Some(location) = &agent.location {
            groups.insert((ConnectionGroupKind::Location, texts.of(location)));
        }
        let properties = agent.properties.iter();
        AgentInput {
            connection,
            groups: groups.into_iter().collect(),
            properties: Some(
                properties.map(|(name, value)| (texts.of(name), texts.of(value))).collect(),
            ),
        }
    }

    /// A group and all that it is in; a circle ends where it began.
    fn with_parents(&self, connection: &Arc<str>, group: Arc<str>, into: &mut BTreeSet<Name>) {
        let mut next = Some(group);
        while let Some(key) = next {
            next = self.parents.get(&(connection.clone(), key.clone())).cloned();
            if !into.insert((ConnectionGroupKind::Group, key)) {
                return;
            }
        }
    }
}

/// What a group of a connection is called.
pub(crate) fn name_of(group: &ConnectionGroup, texts: &mut Texts) -> ConnectionGroupInput {
    ConnectionGroupInput {
        connection: texts.of(&group.connection),
        kind: group.group_kind,
        key: texts.of(&group.key),
        name: group.name.clone(),
    }
}

/// The connection whose word about a machine counts: the one that can run scripts on it, else the
/// first.
fn inventory_of<'a>(agents: &[&'a Agent]) -> Option<&'a str> {
    let told = || agents.iter().filter(|agent| agent.os.is_some());
    let best = told().find(|agent| agent.runs_scripts).or_else(|| told().next());
    best.or(agents.first()).map(|agent| agent.connection.as_str())
}

/// What filters read as `computer.…`. What nobody has read is missing, and so unknown.
fn facts(computer: &Computer, agents: &[&Agent], texts: &mut Texts) -> Facts {
    let of_agents = |read: fn(&Agent) -> Option<&str>| agents.iter().find_map(|agent| read(agent));
    let domain = of_agents(|agent| agent.domain.as_deref());
    let version = of_agents(|agent| agent.os_version.as_deref());
    let role = computer.role.map(|role| match role {
        DeviceRole::Workstation => "workstation",
        DeviceRole::Server => "server",
        DeviceRole::DomainController => "domain_controller",
    });
    let chassis = computer.chassis.map(|chassis| match chassis {
        ChassisClass::Portable => "portable",
        ChassisClass::Stationary => "stationary",
        ChassisClass::Virtual => "virtual",
    });
    let mut facts: Facts = Vec::with_capacity(12);
    for (name, value) in [
        ("os", computer.os.as_deref()),
        ("os_version", version),
        ("manufacturer", computer.manufacturer.as_deref()),
        ("model", computer.model.as_deref()),
        ("domain", domain),
        ("role", role),
        ("chassis", chassis),
    ] {
        if let Some(value) = value {
            facts.push((texts.of(name), texts.fact(value)));
        }
    }
    if let Some(serial) = &computer.serial {
        facts.push((texts.of("serial"), Fact::text(serial)));
    }
    let flags: Vec<Arc<str>> = computer.flags.iter().map(|flag| texts.of(word(*flag))).collect();
    facts.push((texts.of("flags"), Fact::List(flags.into())));
    let connections: BTreeSet<&str> =
        agents.iter().map(|agent| agent.connection.as_str()).collect();
    let connections: Vec<Arc<str>> = connections.into_iter().map(|name| texts.of(name)).collect();
    facts.push((texts.of("connections"), Fact::List(connections.into())));
    facts
}

fn word(flag: Flag) -> &'static str {
    match flag {
        Flag::Clone => "clone",
        Flag::Wiped => "wiped",
        Flag::BoardSwapped => "board_swapped",
        Flag::Shared => "shared",
        Flag::TakeoverRefused => "takeover_refused",
    }
}
