//! From settled sets to agents, computers and questions with their reasons.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use core_model::RecordRef;
use core_model::decision::Settled;
use core_model::entity::{Agent, AgentState, Computer, Flag, Onboarding, Question, Rule, Subject};
use core_model::facts::DeviceRole;
use core_model::hardware::{SmbiosUuid, is_host};
use core_model::id::{AgentId, ComputerId, DecisionId};

use super::{Asked, Identified, IdentifyInput, Work, assets};
use crate::input::AgentInput;

/// Builds everything from the finished work.
pub(super) fn build(input: &IdentifyInput<'_>, work: &Work<'_>) -> Identified {
    let mut out = Identified { joins: work.joins.clone(), ..Identified::default() };
    let mut computer_of: HashMap<usize, ComputerId> = HashMap::new();
    let onboarded = onboarded(input);
    for set in work.union.sets() {
        let members: Vec<usize> = set.iter().copied().filter(|&n| placed(work, n)).collect();
        if let Some(&first) = first_seen(work, &members) {
            let agent = &work.agents[first];
            let id = ComputerId::derive(&agent.record, agent.first_seen_us);
            computer_of.extend(members.iter().map(|&n| (n, id)));
            let mut computer = computer(input, work, id, &members);
            computer.onboarding = onboarding(work, &members, &computer.wipes, &onboarded);
            out.computers.push(computer);
        }
        out.to_ask.extend(to_ask(work, &set));
    }
    assets::attach(input, work, &computer_of, &mut out.computers);
    for (&number, asked) in &work.asked {
        out.questions.push(question(input, work, number, asked, &computer_of));
    }
    for number in 0..work.agents.len() {
        out.agents.push(agent(input, work, number, computer_of.get(&number).copied()));
    }
    out
}

/// Whether the agent has a computer: everything but what is refused, open or waiting.
fn placed(work: &Work<'_>, number: usize) -> bool {
    work.free(number) && !work.waiting.contains_key(&number)
}

fn first_seen<'m>(work: &Work<'_>, members: &'m [usize]) -> Option<&'m usize> {
    members.iter().min_by_key(|&&n| (work.agents[n].first_seen_us, &work.agents[n].record))
}

/// One agent per machine, where the machine has not answered yet through any.
fn to_ask(work: &Work<'_>, set: &[usize]) -> Option<RecordRef> {
    if set.iter().any(|&n| work.weighed[n].answered) {
        return None;
    }
    let able = set.iter().copied().find(|&n| work.agents[n].can_be_asked());
    able.map(|n| work.agents[n].record.clone())
}

fn agent_id(agent: &AgentInput) -> AgentId {
    AgentId::derive(&agent.record, agent.first_seen_us)
}

fn agent(
    input: &IdentifyInput<'_>,
    work: &Work<'_>,
    number: usize,
    computer: Option<ComputerId>,
) -> Agent {
    let agent = &work.agents[number];
    let (state, rule, why) = state(work, number);
    let client =
        agent.client.as_ref().map(|client| (agent.record.connection.clone(), client.clone()));
    Agent {
        id: agent_id(agent),
        connection: agent.record.connection.clone(),
        scope: agent.record.scope.clone(),
        key: agent.record.key.clone(),
        host: agent.facts.host.clone(),
        client: client.and_then(|client| input.clients.get(&client).copied()),
        tenant: Some(input.tenant),
        computer,
        state,
        rule,
        why,
        evidence: work.weighed[number].shown(),
        runs_scripts: agent.facts.runs_scripts,
        os: agent.facts.os.clone(),
        os_version: agent.facts.os_version.clone(),
        domain: agent.facts.domain.clone(),
        location: agent.facts.location.clone(),
        properties: agent.facts.properties.clone(),
        decision: asked_about(work, number)
            .map(|(first, asked)| question_id(&work.agents[first], asked)),
        gone: agent.gone,
    }
}

/// The question that an agent waits for, with the agent that it is asked about.
fn asked_about<'w>(work: &'w Work<'_>, number: usize) -> Option<(usize, &'w Asked)> {
    let first = work.follows.get(&number).copied().unwrap_or(number);
    work.asked.get(&first).map(|asked| (first, asked))
}

fn state(work: &Work<'_>, number: usize) -> (AgentState, Option<Rule>, String) {
    if let Some(why) = work.refused.get(&number) {
        return (AgentState::Refused, Some(Rule::R5), why.clone());
    }
    if let Some((_, asked)) = asked_about(work, number) {
        let rule = match asked.subject {
            Subject::OtherHardware => Rule::R0,
            Subject::Moved => Rule::R5,
            Subject::Unidentifiable => Rule::R7,
            Subject::SameMachine | Subject::Ambiguous => Rule::R4d,
        };
        return (AgentState::Undecided, Some(rule), asked.evidence.join("; "));
    }
    if let Some(why) = work.waiting.get(&number) {
        return (AgentState::Identifying, None, why.clone());
    }
    let (rule, mut why) = work.reasons.get(&number).cloned().unwrap_or_else(|| {
        if work.clones.contains(&number) {
            let why = "its UUID is live on another machine too: a computer of its own";
            (Rule::R4c, why.to_owned())
        } else {
            (Rule::R8, own_identity(work, number))
        }
    });
    if let Some(enforced) = work.enforced.get(&number) {
        why = format!("{why}; log mode, else {enforced}");
    }
    if let Some((value, reason)) = &work.weighed[number].junk {
        why = format!("{why}; UUID {value} ignored: {reason}");
    }
    let past = work.agents[number].gone || work.retired.contains(&number);
    (if past { AgentState::Retired } else { AgentState::Matched }, Some(rule), why)
}

fn own_identity(work: &Work<'_>, number: usize) -> String {
    let weighed = &work.weighed[number];
    match (work.good_uuids(number).next(), weighed.serials.first(), weighed.installations.first()) {
        (Some(uuid), _, _) => format!("UUID {uuid} was unknown"),
        (None, Some(serial), _) => format!("serial {serial} was unknown"),
        (None, None, Some(_)) => "its Windows installation was unknown".to_owned(),
        (None, None, None) => "a human confirmed it, or a further agent identifies it".to_owned(),
    }
}

/// A domain controller is one by its own newest word: RMMs call it a server.
fn controller(agents: &[AgentInput], members: &[usize]) -> Option<DeviceRole> {
    let readings = members.iter().filter_map(|&n| agents.get(n)?.readings.last());
    let newest = readings.max_by_key(|reading| reading.at_us)?;
    newest.reading.role.filter(|role| *role == DeviceRole::DomainController)
}

/// What a computer is called: as it calls itself, by the first system that says so, else by its own newest
/// answer; a label that somebody gave it only where nothing else is known.
fn name<'a>(agents: impl Iterator<Item = &'a AgentInput> + Clone) -> String {
    let told = agents.clone().map(|agent| agent.facts.host.as_str());
    let answers = agents.flat_map(|agent| &agent.readings);
    let answer = answers.filter(|one| one.reading.host.is_some()).max_by_key(|one| one.at_us);
    let answer = answer.and_then(|one| one.reading.host.as_deref());
    let host = told.clone().find(|host| is_host(host)).or(answer.filter(|host| is_host(host)));
    host.or_else(|| told.clone().find(|host| !host.is_empty())).unwrap_or_default().to_owned()
}

fn computer(
    input: &IdentifyInput<'_>,
    work: &Work<'_>,
    id: ComputerId,
    members: &[usize],
) -> Computer {
    let mut order = members.to_vec();
    order.sort_by_key(|&n| {
        let agent = &work.agents[n];
        (agent.gone, work.retired.contains(&n), !work.weighed[n].answered, agent.record.clone())
    });
    let agents = || order.iter().map(|&n| (&work.agents[n], &work.weighed[n]));
    let mut uuids: Vec<SmbiosUuid> = Vec::new();
    for &n in &order {
        for uuid in &work.weighed[n].uuids {
            if !uuids.contains(uuid) {
                uuids.push(*uuid);
            }
        }
    }
    let wipes: std::collections::BTreeSet<_> =
        members.iter().filter_map(|n| work.wipes.get(n)).flatten().copied().collect();
    let chassis = |agent: &AgentInput| {
        agent.hardware.as_ref().and_then(|hardware| hardware.chassis).or(agent.facts.chassis)
    };
    let model = |agent: &AgentInput| {
        agent.facts.model.clone().or_else(|| agent.hardware.as_ref().and_then(|h| h.model.clone()))
    };
    let host = name(agents().map(|(agent, _)| agent));
    Computer {
        id,
        tenant: input.tenant,
        name: host,
        agents: members.iter().map(|&n| agent_id(&work.agents[n])).collect(),
        uuids,
        serial: agents().find_map(|(_, weighed)| weighed.serials.first().cloned()),
        manufacturer: agents().find_map(|(_, weighed)| weighed.manufacturer.clone()),
        model: agents().find_map(|(agent, _)| model(agent)),
        os: agents().find_map(|(agent, _)| agent.facts.os.clone()),
        role: controller(work.agents, members)
            .or_else(|| agents().find_map(|(agent, _)| agent.facts.role)),
        chassis: agents().find_map(|(agent, _)| chassis(agent)),
        directory_device: agents().find_map(|(_, weighed)| weighed.directory_device.clone()),
        assets: Vec::new(),
        onboarding: Onboarding::Needed,
        flags: flags(work, members, !wipes.is_empty()),
        wipes: wipes.into_iter().collect(),
        logons: Vec::new(),
        primary: None,
        pin: None,
        gone: members.iter().all(|&n| work.agents[n].gone),
    }
}

/// When agents' computers were last onboarded by somebody.
fn onboarded<'a>(input: &'a IdentifyInput<'_>) -> HashMap<&'a RecordRef, DateTime<Utc>> {
    let settled = input.decisions.iter().filter_map(|decision| match &decision.settled {
        Settled::Onboarded { agent } => Some((agent, decision.at)),
        _ => None,
    });
    settled.collect()
}

/// Computers that were there when their client was first read to the end are onboarded, all others
/// when somebody says so; a wipe undoes it.
fn onboarding(
    work: &Work<'_>,
    members: &[usize],
    wipes: &[DateTime<Utc>],
    onboarded: &HashMap<&RecordRef, DateTime<Utc>>,
) -> Onboarding {
    let onboarded = members.iter().filter_map(|&n| onboarded.get(&work.agents[n].record)).max();
    let done = match (wipes.last(), onboarded) {
        (Some(wiped), Some(onboarded)) => onboarded >= wiped,
        (Some(_), None) => false,
        (None, Some(_)) => true,
        (None, None) => members.iter().any(|&n| work.agents[n].baseline),
    };
    if done { Onboarding::Done } else { Onboarding::Needed }
}

fn flags(work: &Work<'_>, members: &[usize], wiped: bool) -> Vec<Flag> {
    let mut flags = Vec::new();
    if members.iter().any(|n| work.clones.contains(n)) {
        flags.push(Flag::Clone);
    }
    if wiped {
        flags.push(Flag::Wiped);
    }
    if members.iter().any(|n| work.board_swapped.contains(n)) {
        flags.push(Flag::BoardSwapped);
    }
    flags
}

fn question_id(agent: &AgentInput, asked: &Asked) -> DecisionId {
    DecisionId::of_text(&format!("{:?} {}", asked.subject, agent.record), agent.first_seen_us)
}

fn question(
    input: &IdentifyInput<'_>,
    work: &Work<'_>,
    number: usize,
    asked: &Asked,
    computer_of: &HashMap<usize, ComputerId>,
) -> Question {
    let agent = &work.agents[number];
    let host = &agent.facts.host;
    let text = match asked.subject {
        Subject::SameMachine => format!("{host}: re-installed, wiped, or two machines?"),
        Subject::OtherHardware => format!("{host}: was its disk moved or its board swapped?"),
        Subject::Moved => format!("{host}: did it move here from another tenant?"),
        Subject::Ambiguous => format!("{host}: which computer is it?"),
        Subject::Unidentifiable => format!("{host}: cannot be identified"),
    };
    let mut computers: Vec<ComputerId> = Vec::new();
    for with in &asked.with {
        computers.extend(computer_of.get(with).filter(|id| !computers.contains(id)));
    }
    Question {
        id: question_id(agent, asked),
        tenant: input.tenant,
        subject: asked.subject,
        text,
        agent: agent_id(agent),
        computers,
        evidence: asked.evidence.clone(),
        choices: asked.choices.clone(),
    }
}
