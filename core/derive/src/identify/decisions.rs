//! R1: what humans settled. The latest word holds, whichever of two agents it names first.

use std::collections::BTreeMap;

use core_model::RecordRef;
use core_model::decision::Settled;
use core_model::entity::{Choice, Rule};

use super::Work;

/// One decision about agents, by their numbers.
#[derive(Clone, Copy)]
struct Said {
    agent: usize,
    with: Option<usize>,
    choice: Choice,
    at_us: i64,
}

impl Work<'_> {
    /// Takes the decisions up, the latest first: where two contradict one another by way of a
    /// third agent, the earlier one does not hold.
    pub(super) fn apply_decisions(&mut self) {
        // Agents are sorted by their records.
        let number =
            |record: &RecordRef| self.agents.binary_search_by(|a| a.record.cmp(record)).ok();
        let mut latest: BTreeMap<(usize, Option<usize>), (usize, Said)> = BTreeMap::new();
        for (place, decision) in self.decisions.iter().enumerate() {
            let Settled::Agents { agent, with, choice } = &decision.settled else { continue };
            let Some(agent) = number(agent) else { continue };
            let with = match with {
                None => None,
                // About an agent that is not here: it does not concern this one alone either.
                Some(with) => match number(with) {
                    Some(with) if with != agent => Some(with),
                    _ => continue,
                },
            };
            let pair = with.map_or((agent, None), |with| (agent.min(with), Some(agent.max(with))));
            let at_us = decision.at.timestamp_micros();
            latest.insert(pair, (place, Said { agent, with, choice: *choice, at_us }));
        }
        let mut said: Vec<(usize, Said)> = latest.into_values().collect();
        said.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        for (_, said) in said {
            self.settle(said);
        }
    }

    fn settle(&mut self, said: Said) {
        let Said { agent, with, choice, at_us } = said;
        if choice == Choice::AskLater {
            return;
        }
        self.confirmed.insert(agent);
        let Some(with) = with else {
            self.settled_alone.insert(agent, (choice, at_us));
            return;
        };
        match choice {
            Choice::TwoMachines => self.keep_apart(agent, with),
            Choice::ReInstalled | Choice::Wiped | Choice::SameMachine => {
                self.bind(agent, with, choice);
            }
            Choice::Moved | Choice::AskLater => {}
        }
    }

    fn keep_apart(&mut self, agent: usize, with: usize) {
        let (a, b) = (self.bound.root(agent), self.bound.root(with));
        if a != b {
            self.apart.entry(a).or_default().insert(b);
            self.apart.entry(b).or_default().insert(a);
        }
    }

    fn bind(&mut self, agent: usize, with: usize, choice: Choice) {
        let (a, b) = (self.bound.root(agent), self.bound.root(with));
        if self.apart.get(&a).is_some_and(|others| others.contains(&b)) {
            return;
        }
        self.bound.join(a, b);
        let (stays, merged) = (a.min(b), a.max(b));
        if a != b
            && let Some(others) = self.apart.remove(&merged)
        {
            for other in others {
                if let Some(back) = self.apart.get_mut(&other) {
                    back.remove(&merged);
                    back.insert(stays);
                }
                self.apart.entry(stays).or_default().insert(other);
            }
        }
        self.reasons.insert(agent, (Rule::R1, "a human decided".to_owned()));
        if choice != Choice::SameMachine {
            self.retired.insert(with);
        }
        if choice == Choice::Wiped {
            let at = self.weighed[agent].os_installed.unwrap_or_else(|| self.agents[agent].since());
            self.wipes.entry(agent).or_default().insert(at);
        }
    }

    /// Whether humans keep any two members of the sets of these agents apart.
    pub(super) fn kept_apart(&self, a: usize, b: usize) -> bool {
        if self.apart.is_empty() {
            return false;
        }
        let others: Vec<usize> =
            self.union.set(b).iter().map(|&member| self.bound.root(member)).collect();
        self.union.set(a).iter().any(|&member| {
            let apart = self.apart.get(&self.bound.root(member));
            apart.is_some_and(|apart| others.iter().any(|other| apart.contains(other)))
        })
    }

    /// Whether humans put any two members of the sets of these agents together.
    pub(super) fn put_together(&self, a: usize, b: usize) -> bool {
        if self.confirmed.is_empty() {
            return false;
        }
        let bound = |n: usize| self.bound.set(n).len() > 1;
        let others: Vec<usize> = (self.union.set(b).iter().copied().filter(|&n| bound(n)))
            .map(|n| self.bound.root(n))
            .collect();
        !others.is_empty()
            && self.union.set(a).iter().any(|&n| others.contains(&self.bound.root(n)))
    }

    /// Joins what humans put together, each with all that the rules gave it: so that taking the
    /// decision back gives the computers back as they were.
    pub(super) fn join_bound(&mut self) {
        for set in self.bound.sets() {
            for pair in set.windows(2) {
                if !self.kept_apart(pair[0], pair[1]) {
                    self.union.join(pair[0], pair[1]);
                }
            }
        }
    }
}
