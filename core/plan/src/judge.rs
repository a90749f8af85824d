//! What is done about everything in scope, once it is known what is there.
//!
//! Prerequisites are judged against the machine *and* the plan: what is about to come counts as
//! there. What a prerequisite calls for may call for more, and may change what others are judged
//! by, so it is gone round until nothing changes: first until nothing more is called for, then
//! without those that turned out to be blocked. Both only ever grow, so it ends.

mod condition;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use core_model::id::SoftwareId;
use core_model::library::{DesiredState, Prerequisite, PrerequisiteAction, Presence};

use crate::block::Block;
use crate::desired::{Deed, Reason};
use crate::found::{Detections, Failure, FailureClass, Found};
use crate::key::Key;
use crate::offer::Offer;
use crate::route::Move;
use crate::scope::{Role, Scope};
pub(crate) use condition::{Known, holds, words};
pub(crate) use verdict::named;

/// What is done about one thing, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) state: DesiredState,
    pub(crate) deed: Deed,
    pub(crate) reason: Reason,
    pub(crate) route: Vec<Move>,
}

/// Who calls for a piece of software, as prerequisite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Call {
    install: BTreeSet<usize>,
    uninstall: BTreeSet<usize>,
    /// It is there, as it must be, and is looked after.
    keep: BTreeSet<usize>,
}

type Calls = BTreeMap<usize, Call>;

/// Everything in scope, judged.
pub(crate) struct Judged {
    /// By node; those that are not acted on are not there.
    pub(crate) acting: BTreeMap<usize, Result<Judgement, Block>>,
    /// By node, the nodes that must be well before it.
    pub(crate) needs: BTreeMap<usize, BTreeSet<usize>>,
    /// By node, the nodes that it only waits for.
    pub(crate) after: BTreeMap<usize, BTreeSet<usize>>,
    /// By node, those that call for it.
    pub(crate) called_by: BTreeMap<usize, BTreeSet<usize>>,
}

pub(crate) struct Judge<'a> {
    scope: &'a Scope<'a>,
    detections: &'a Detections,
    /// Offers of software, by node.
    offers: BTreeMap<usize, Offer>,
    blocks: BTreeMap<usize, Block>,
    calls: Calls,
    /// What each node comes to, for the calls as they are.
    judged: BTreeMap<usize, Result<Judgement, Failure>>,
}

/// Judges everything.
pub(crate) fn judge(scope: &Scope<'_>, detections: &Detections) -> Judged {
    let mut judge = Judge::of(scope, detections);
    judge.settle();
    judge.result()
}

impl<'a> Judge<'a> {
    fn of(scope: &'a Scope<'a>, detections: &'a Detections) -> Self {
        let request = &scope.request;
        let mut offers = BTreeMap::new();
        let mut blocks = BTreeMap::new();
        for (at, node) in scope.nodes.iter().enumerate() {
            if let Some(block) = &node.block {
                blocks.insert(at, block.clone());
            }
            if let (Some(software), true) = (node.software(), node.role != Role::Judged) {
                let named = named(detections, software.id);
                let read = request.catalogue.versions(software.id);
                let offer = Offer::of_read((software, read), named, request.architecture);
                offers.insert(at, offer);
            }
        }
        let (calls, judged) = (Calls::new(), BTreeMap::new());
        Self { scope, detections, offers, blocks, calls, judged }
    }

    fn settle(&mut self) {
        loop {
            self.settle_calls();
            let mut found = BTreeMap::new();
            for at in self.acting() {
                if !self.blocks.contains_key(&at)
                    && let Some(block) = self.block(at)
                {
                    found.insert(at, block);
                }
            }
            if found.is_empty() {
                return;
            }
            self.blocks.extend(found);
        }
    }

    /// What is called for, with what that calls for in turn.
    fn settle_calls(&mut self) {
        self.calls = Calls::new();
        loop {
            self.judge_all();
            let mut calls = self.calls.clone();
            for at in self.acting() {
                if self.blocks.contains_key(&at) || !self.applies(at) {
                    continue;
                }
                for one in self.scope.nodes[at].item.prerequisites() {
                    self.call(at, one, &mut calls);
                }
            }
            if calls == self.calls {
                return;
            }
            self.calls = calls;
        }
    }

    fn call(&self, at: usize, one: &Prerequisite, calls: &mut Calls) {
        let fires = self.holds(one) == Known::Yes;
        for id in &one.software {
            let Some(target) = self.scope.by_key.get(&Key::item(*id)).copied() else { continue };
            let install = one.action == PrerequisiteAction::Install;
            let calls_for = fires || (install && self.keeps(one, *id, target));
            if !calls_for {
                continue;
            }
            let call = calls.entry(target).or_default();
            let by = match one.action {
                PrerequisiteAction::Install if fires => &mut call.install,
                PrerequisiteAction::Install => &mut call.keep,
                PrerequisiteAction::Uninstall => &mut call.uninstall,
                PrerequisiteAction::Fail => continue,
            };
            by.insert(at);
        }
    }

    /// Whether software is there that the prerequisite would else install, so that it is looked after.
    fn keeps(&self, one: &Prerequisite, id: SoftwareId, target: usize) -> bool {
        one.presence == Presence::NotInstalled
            && one.of.contains(&id)
            && self.found(target).and_then(Found::is_there) == Some(true)
    }

    /// Everything that something is done about, or would be.
    fn acting(&self) -> Vec<usize> {
        let nodes = &self.scope.nodes;
        let acts = |at: &usize| match nodes[*at].role {
            Role::Winner => true,
            Role::Child => self.is_called(*at),
            Role::Judged => false,
            Role::Configuration(host) => {
                let there = nodes[host].role == Role::Winner || self.is_called(host);
                there && self.applies(host)
            }
        };
        (0..nodes.len()).filter(acts).collect()
    }

    fn is_called(&self, at: usize) -> bool {
        self.calls.contains_key(&at)
    }

    /// Whether anything must be so before it, for what shall be done about it.
    fn applies(&self, at: usize) -> bool {
        match self.judged.get(&at) {
            Some(Ok(judgement)) => {
                judgement.state != DesiredState::Absent && judgement.reason != Reason::NotFound
            }
            Some(Err(_)) => self.state(at) != DesiredState::Absent,
            None => true,
        }
    }

    /// What shall be, what is called for included.
    fn state(&self, at: usize) -> DesiredState {
        let node = &self.scope.nodes[at];
        let call = self.calls.get(&at);
        let (install, uninstall) = call
            .map(|call| (!call.install.is_empty(), !call.uninstall.is_empty()))
            .unwrap_or_default();
        match (&node.state, node.role) {
            (DesiredState::UpdateIfFound, _) if install => DesiredState::Latest,
            (DesiredState::UpdateIfFound, _) | (_, Role::Child) if uninstall => {
                DesiredState::Absent
            }
            (state, _) => state.clone(),
        }
    }

    fn judge_all(&mut self) {
        let judged: BTreeMap<usize, Result<Judgement, Failure>> =
            self.acting()
                .into_iter()
                .filter(|at| !matches!(self.scope.nodes[*at].role, Role::Configuration(_)))
                .map(|at| {
                    let state = self.state(at);
                    let known = self.judged.get(&at).filter(|known| {
                        known.as_ref().is_ok_and(|judgement| judgement.state == state)
                    });
                    (at, known.cloned().unwrap_or_else(|| self.judge_one(at, state)))
                })
                .collect();
        self.judged = judged;
        let configurations = self.acting().into_iter().filter_map(|at| {
            let Role::Configuration(host) = self.scope.nodes[at].role else { return None };
            Some((at, self.judge_configuration(at, host)))
        });
        let configurations: Vec<_> = configurations.collect();
        self.judged.extend(configurations);
    }

    fn found(&self, at: usize) -> Option<&'a Found> {
        self.detections.found(&self.scope.nodes[at].key)
    }

    /// Whether software will be there when the session was as planned.
    fn will_be_there(&self, id: SoftwareId) -> Known {
        let Some(at) = self.scope.by_key.get(&Key::item(id)).copied() else {
            let gone = Block::Failure(Failure::new(FailureClass::Definition, "it is gone"));
            return Known::Not(self.scope.no_node(id).unwrap_or(gone));
        };
        if !self.blocks.contains_key(&at)
            && let Some(Ok(judgement)) = self.judged.get(&at)
        {
            match judgement.deed {
                Deed::Uninstall => return Known::No,
                Deed::Nothing => {}
                _ => return Known::Yes,
            }
        }
        self.is_there(at)
    }

    /// Whether it is there now.
    fn is_there(&self, at: usize) -> Known {
        let unknown = |why: String| {
            let needs = format!("{} is there", self.scope.nodes[at].title());
            Known::Not(Block::PrerequisiteUnknown { needs, why })
        };
        match (self.found(at), &self.scope.nodes[at].block) {
            (Some(Found::Failed(failure)), _) => unknown(failure.message.clone()),
            (Some(found), _) if found.is_there() == Some(true) => Known::Yes,
            (Some(_), _) => Known::No,
            (None, Some(block)) => unknown(block.words()),
            (None, None) => unknown("it was not looked at".to_owned()),
        }
    }

    /// Whether the condition of a prerequisite holds, by machine and plan.
    fn holds(&self, one: &Prerequisite) -> Known {
        holds(one, |id| self.will_be_there(id))
    }

    /// Why something cannot be done: by itself, by its prerequisites, by what must come before it.
    fn block(&self, at: usize) -> Option<Block> {
        if let Some(Err(failure)) = self.judged.get(&at) {
            return Some(Block::Failure(failure.clone()));
        }
        let mut blocks = Vec::new();
        if let Some(call) = self.calls.get(&at) {
            // Software that is called for in both ways is left alone, and so is whoever calls.
            if !call.install.is_empty() && !call.uninstall.is_empty() {
                blocks.push(self.clash(at));
            }
        }
        if self.applies(at) {
            let prerequisites = self.scope.nodes[at].item.prerequisites();
            blocks.extend(prerequisites.iter().filter_map(|one| self.prerequisite_block(one)));
        }
        for needed in self.needs(at) {
            if let Some(block) = self.blocks.get(&needed) {
                let title = self.scope.nodes[needed].title();
                let failed = block.failure().is_some();
                blocks.push(Block::Prerequisite { title, why: block.words(), failed });
            }
        }
        blocks.into_iter().min_by_key(Block::place)
    }

    fn clash(&self, at: usize) -> Block {
        let call = self.calls.get(&at).cloned().unwrap_or_default();
        let names = |set: &BTreeSet<usize>| {
            let mut names: Vec<String> =
                set.iter().map(|at| self.scope.nodes[*at].title()).collect();
            names.sort();
            names.join(", ")
        };
        let title = self.scope.nodes[at].title();
        Block::Contradiction {
            needs: format!("{title} installed, for {}", names(&call.install)),
            by: format!("uninstalled, for {}", names(&call.uninstall)),
        }
    }

    fn prerequisite_block(&self, one: &Prerequisite) -> Option<Block> {
        let fires = match self.holds(one) {
            Known::Not(block) => return Some(block),
            Known::No => return None,
            Known::Yes => true,
        };
        if one.action == PrerequisiteAction::Fail && fires {
            return Some(Block::Refused { because: self.words(one) });
        }
        one.software.iter().find_map(|id| self.target_block(one.action, *id))
    }

    /// Why what a prerequisite calls for cannot be had.
    fn target_block(&self, action: PrerequisiteAction, id: SoftwareId) -> Option<Block> {
        if let Some(block) = self.scope.no_node(id) {
            return Some(block);
        }
        let node = &self.scope.nodes[*self.scope.by_key.get(&Key::item(id))?];
        let (deployment, _) = node.deployment?;
        let (needs, against) = match action {
            PrerequisiteAction::Install => ("installed", deployment.state == DesiredState::Absent),
            _ => {
                let loose = [DesiredState::Absent, DesiredState::UpdateIfFound];
                ("uninstalled", !loose.contains(&deployment.state))
            }
        };
        against.then(|| Block::Contradiction {
            needs: format!("{} {needs}", node.title()),
            by: format!(
                "the deployment `{}` wants it {}",
                deployment.name,
                deployment.state.words()
            ),
        })
    }

    fn words(&self, one: &Prerequisite) -> String {
        words(one, |id| self.title_of(id))
    }

    fn title_of(&self, id: SoftwareId) -> String {
        let software = self.scope.request.catalogue.software(id);
        software.map_or_else(|| id.to_string(), |software| software.title.clone())
    }

    /// What must be well before it.
    fn needs(&self, at: usize) -> BTreeSet<usize> {
        let mut needs = BTreeSet::new();
        if let Role::Configuration(host) = self.scope.nodes[at].role {
            needs.insert(host);
        }
        if !self.applies(at) {
            return needs;
        }
        for one in self.scope.nodes[at].item.prerequisites() {
            if one.action == PrerequisiteAction::Fail {
                continue;
            }
            let fires = self.holds(one) == Known::Yes;
            // What the condition is about, and what is done to it: where that is as it should be
            // by the plan alone, the plan comes first.
            for id in one.software.iter().filter(|id| fires || one.of.contains(id)) {
                if let Some(target) = self.acts_on(*id) {
                    needs.insert(target);
                }
            }
        }
        needs.remove(&at);
        needs
    }

    /// What it only waits for: what the conditions are about on which it fails.
    fn after(&self, at: usize) -> BTreeSet<usize> {
        if !self.applies(at) {
            return BTreeSet::new();
        }
        let prerequisites = self.scope.nodes[at].item.prerequisites().iter();
        let fails = prerequisites.filter(|one| one.action == PrerequisiteAction::Fail);
        let mut after: BTreeSet<usize> =
            fails.flat_map(|one| &one.of).filter_map(|id| self.acts_on(*id)).collect();
        after.remove(&at);
        after
    }

    fn acts_on(&self, id: SoftwareId) -> Option<usize> {
        let at = *self.scope.by_key.get(&Key::item(id))?;
        self.judged.contains_key(&at).then_some(at)
    }

    fn result(self) -> Judged {
        let acting = self.acting();
        let mut judged = Judged {
            acting: BTreeMap::new(),
            needs: BTreeMap::new(),
            after: BTreeMap::new(),
            called_by: BTreeMap::new(),
        };
        for at in acting {
            judged.needs.insert(at, self.needs(at));
            judged.after.insert(at, self.after(at));
            let result = match (self.blocks.get(&at), self.judged.get(&at)) {
                (Some(block), _) => Err(block.clone()),
                (None, Some(Ok(judgement))) => Ok(judgement.clone()),
                (None, Some(Err(failure))) => Err(Block::Failure(failure.clone())),
                (None, None) => continue,
            };
            judged.acting.insert(at, result);
        }
        for (at, call) in &self.calls {
            let by = [&call.install, &call.uninstall, &call.keep];
            judged.called_by.insert(*at, by.into_iter().flatten().copied().collect());
        }
        judged
    }
}
