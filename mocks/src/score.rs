//! How far a hub's model is from the truth.
//!
//! The hub says what it made of the estate as plain data ([`Claim`]); nothing of the hub is used to
//! judge it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::truth::{self, Truth};

/// An external id with the kind of connection it is of.
pub type External = (String, String);

/// What a hub made of the estate.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Claim {
    /// Tenants, each with the clients that are linked to it.
    pub tenants: Vec<Vec<External>>,
    /// Computers.
    pub computers: Vec<ClaimedComputer>,
    /// Agents that wait for a human or for their machine.
    pub undecided: Vec<External>,
    /// Agreement lines in force: the line's id, its tenant (index into `tenants`), its quantity.
    pub lines: Vec<(String, Option<usize>, f64)>,
}

/// A computer as the hub has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ClaimedComputer {
    /// Its tenant, as an index into [`Claim::tenants`].
    pub tenant: Option<usize>,
    /// Its agents.
    pub agents: Vec<External>,
    /// The directory object id of its primary person.
    pub primary_person: Option<String>,
}

/// What is right and wrong about a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Computers.
    pub computers: Computers,
    /// Primary persons.
    pub primary_person: Persons,
    /// Clients on their tenants.
    pub tenants: Counts,
    /// Lines in force today.
    pub agreement_lines_in_force: Counts,
    /// Some of what is wrong, in words.
    pub examples: Vec<String>,
}

/// Of computers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computers {
    /// With exactly their own agents.
    pub correct: usize,
    /// Computers of the hub that hold agents of several machines.
    pub false_merges: usize,
    /// Machines whose agents are on several computers, or on none, without a word.
    pub missed_merges: usize,
    /// Machines of which an agent waits for a decision.
    pub undecided: usize,
}

/// Of primary persons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persons {
    /// Right, where the machine has one and it can be known.
    pub correct: usize,
    /// Somebody else, or somebody where there is nobody.
    pub wrong: usize,
    /// Nobody, where there is one.
    pub missing: usize,
    /// Nobody, where there is one that no system could have told (the machine is off and nobody
    /// reported an account that names a person).
    pub unknowable: usize,
    /// Nobody, because the computer itself waits for a decision.
    pub undecided: usize,
}

/// Of other things.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Right.
    pub correct: usize,
    /// Wrong.
    pub wrong: usize,
    /// Missing.
    pub missing: usize,
}

/// How many examples are kept.
const EXAMPLES: usize = 12;

/// Compares a claim with the truth.
#[must_use]
pub fn score(truth: &Truth, claim: &Claim) -> Score {
    let mut score = Score::default();
    let tenant_no = score_tenants(truth, claim, &mut score);
    let computer_of = index_computers(claim);
    score_computers(truth, claim, &computer_of, &mut score);
    score_persons(truth, claim, &computer_of, &mut score);
    score_lines(truth, claim, &tenant_no, &mut score);
    score.examples.truncate(EXAMPLES);
    score
}

/// The claimed computer of each agent.
fn index_computers(claim: &Claim) -> BTreeMap<&External, usize> {
    let each = claim.computers.iter().enumerate();
    each.flat_map(|(no, computer)| computer.agents.iter().map(move |agent| (agent, no))).collect()
}

/// Scores each client, and says which true tenant each claimed one is: the one of most of its
/// clients.
fn score_tenants(truth: &Truth, claim: &Claim, score: &mut Score) -> Vec<Option<usize>> {
    let mut true_tenant: BTreeMap<External, usize> = BTreeMap::new();
    for tenant in &truth.tenants {
        for (kind, ids) in &tenant.clients {
            for id in ids {
                // Space around a name is nobody's name.
                true_tenant.insert((kind.clone(), id.trim().to_owned()), tenant.no);
            }
        }
    }
    let by_hand: BTreeSet<External> = truth
        .tenants
        .iter()
        .flat_map(|tenant| &tenant.by_hand)
        .map(|(kind, id)| (kind.clone(), id.trim().to_owned()))
        .collect();
    let majority = |clients: &Vec<External>| {
        let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
        for no in clients.iter().filter_map(|client| true_tenant.get(client)) {
            *votes.entry(*no).or_default() += 1;
        }
        votes
            .into_iter()
            .max_by_key(|&(no, count)| (count, std::cmp::Reverse(no)))
            .map(|(no, _)| no)
    };
    let mut tenant_no: Vec<Option<usize>> = claim.tenants.iter().map(majority).collect();
    // Of several claimed tenants that are one in truth only the one with most clients is it.
    for number in 0..tenant_no.len() {
        let rivals = (0..tenant_no.len()).filter(|&other| tenant_no[other] == tenant_no[number]);
        let best =
            rivals.max_by_key(|&other| (claim.tenants[other].len(), std::cmp::Reverse(other)));
        if tenant_no[number].is_some() && best != Some(number) {
            tenant_no[number] = None;
        }
    }
    let mut claimed: BTreeMap<&External, usize> = BTreeMap::new();
    for (number, clients) in claim.tenants.iter().enumerate() {
        claimed.extend(clients.iter().map(|client| (client, number)));
    }
    for (client, no) in &true_tenant {
        match claimed.get(client) {
            Some(&number) if tenant_no[number] == Some(*no) => score.tenants.correct += 1,
            Some(_) => {
                score.tenants.wrong += 1;
                score.examples.push(format!("client {client:?} is on the wrong tenant"));
            }
            None if by_hand.contains(client) => {}
            None => {
                score.tenants.missing += 1;
                score.examples.push(format!("client {client:?} is on no tenant"));
            }
        }
    }
    for client in truth.unlinked_clients.iter().filter(|client| claimed.contains_key(client)) {
        score.tenants.wrong += 1;
        score.examples.push(format!("client {client:?} is no customer, and is on a tenant"));
    }
    tenant_no
}

fn score_computers(
    truth: &Truth,
    claim: &Claim,
    computer_of: &BTreeMap<&External, usize>,
    score: &mut Score,
) {
    let undecided: BTreeSet<&External> = claim.undecided.iter().collect();
    let mut machine_of: BTreeMap<External, usize> = BTreeMap::new();
    for computer in &truth.computers {
        let agents: Vec<External> =
            computer.agents.iter().map(|a| (a.kind.clone(), a.id.clone())).collect();
        machine_of.extend(agents.iter().map(|agent| (agent.clone(), computer.no)));
        let on: BTreeSet<Option<usize>> =
            agents.iter().map(|agent| computer_of.get(agent).copied()).collect();
        let whole = match on.iter().collect::<Vec<_>>().as_slice() {
            [Some(number)] => claim.computers[*number].agents.len() == agents.len(),
            _ => false,
        };
        let waits = computer.agents.iter().zip(&agents).any(|(agent, external)| {
            undecided.contains(external) || (agent.by_hand && !computer_of.contains_key(external))
        });
        if agents.is_empty() || whole {
            score.computers.correct += usize::from(!agents.is_empty());
        } else if waits {
            score.computers.undecided += 1;
        } else {
            score.computers.missed_merges += 1;
            let troubles = computer.troubles.join(", ");
            let host = &computer.host;
            score.examples.push(format!("{host} ({troubles}) is on {on:?}: {agents:?}"));
        }
    }
    for computer in &claim.computers {
        let machines: BTreeSet<&usize> =
            computer.agents.iter().filter_map(|agent| machine_of.get(agent)).collect();
        if machines.len() > 1 {
            score.computers.false_merges += 1;
            score
                .examples
                .insert(0, format!("machines {machines:?} are one: {:?}", computer.agents));
        }
    }
}

fn score_persons(
    truth: &Truth,
    claim: &Claim,
    computer_of: &BTreeMap<&External, usize>,
    score: &mut Score,
) {
    let undecided: BTreeSet<&External> = claim.undecided.iter().collect();
    for computer in &truth.computers {
        let claimed = claimed_computer(computer, computer_of);
        let waits = computer.agents.iter().any(|agent| {
            undecided.contains(&(agent.kind.clone(), agent.id.clone())) || agent.by_hand
        });
        let person = claimed.and_then(|number| claim.computers[number].primary_person.as_deref());
        let wanted = computer.primary_person.map(|id| id.to_string());
        let persons = &mut score.primary_person;
        match (wanted, person) {
            (None, None) => {}
            (Some(wanted), Some(person)) if wanted == person => persons.correct += 1,
            (Some(_), None) if waits => persons.undecided += 1,
            (Some(_), None) if !computer.knowable => persons.unknowable += 1,
            (Some(_), None) => {
                persons.missing += 1;
                let troubles = computer.troubles.join(", ");
                let host = &computer.host;
                score.examples.push(format!("{host} ({troubles}) has no primary person"));
            }
            (wanted, Some(person)) => {
                persons.wrong += 1;
                let host = &computer.host;
                score.examples.push(format!("{host} is {person}'s, and should be {wanted:?}'s"));
            }
        }
    }
}

/// The hub's computer that has an agent which is on the machine today, else any of its agents.
fn claimed_computer(
    computer: &truth::Computer,
    computer_of: &BTreeMap<&External, usize>,
) -> Option<usize> {
    let of =
        |agent: &truth::Agent| computer_of.get(&(agent.kind.clone(), agent.id.clone())).copied();
    let today = computer.agents.iter().filter(|agent| agent.current).find_map(of);
    today.or_else(|| computer.agents.iter().find_map(of))
}

fn score_lines(truth: &Truth, claim: &Claim, tenant_no: &[Option<usize>], score: &mut Score) {
    let claimed: BTreeMap<&str, &(String, Option<usize>, f64)> =
        claim.lines.iter().map(|line| (line.0.as_str(), line)).collect();
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for line in &truth.agreement_lines {
        let id = line.id.to_string();
        match claimed.get(id.as_str()) {
            Some((_, tenant, quantity)) => {
                let no = tenant.and_then(|number| tenant_no.get(number).copied().flatten());
                if no == Some(line.tenant) && (quantity - line.quantity).abs() < 0.000_5 {
                    score.agreement_lines_in_force.correct += 1;
                } else {
                    score.agreement_lines_in_force.wrong += 1;
                    score
                        .examples
                        .push(format!("line {id} is of {no:?}, should be {}", line.tenant));
                }
            }
            None => {
                score.agreement_lines_in_force.missing += 1;
                score.examples.push(format!("line {id} is in force and not in the model"));
            }
        }
        wanted.insert(id);
    }
    for (id, _, _) in claim.lines.iter().filter(|(id, ..)| !wanted.contains(id)) {
        score.agreement_lines_in_force.wrong += 1;
        score.examples.push(format!("line {id} is not in force"));
    }
}
