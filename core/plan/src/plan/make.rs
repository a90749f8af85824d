//! Makes the actions of a plan out of what was judged.

use std::collections::{BTreeMap, BTreeSet};

use core_model::id::SoftwareId;
use core_model::library::{
    Deployment, NobodyLoggedOn, PrerequisiteAction, Script, ScriptContext, ScriptPurpose,
    TaskMethod,
};

use super::{Action, Check, Origin};
use crate::block::Block;
use crate::catalogue::{Catalogue, Item};
use crate::desired::{Deed, Reason};
use crate::digest::{Inputs, digest_of};
use crate::found::{Detections, Found};
use crate::judge::{Judged, Judgement, words};
use crate::key::Key;
use crate::order::{Place, Vertex, sequence};
use crate::request::{Holds, Request};
use crate::result::ActionResult;
use crate::scope::{Role, Scope, place};

pub(super) struct Maker<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) judged: &'a Judged,
    pub(super) known: &'a Detections,
    pub(super) winners: BTreeMap<Key, (String, String)>,
}

impl Maker<'_> {
    /// The nodes that are acted on, in order; and where that is not the order that items ask for.
    pub(super) fn order(&self) -> (Vec<usize>, Vec<String>) {
        let acting: Vec<usize> = self.judged.acting.keys().copied().collect();
        let number: BTreeMap<usize, usize> =
            acting.iter().enumerate().map(|(number, at)| (*at, number)).collect();
        let mut vertices = Vec::new();
        let mut warnings = BTreeSet::new();
        for at in &acting {
            let node = &self.scope.nodes[*at];
            let before = [&self.judged.needs, &self.judged.after];
            let before = before.into_iter().filter_map(|sets| sets.get(at)).flatten();
            // What is blocked has nothing to wait for, and may be in a cycle.
            let before: BTreeSet<usize> = match self.judged.acting.get(at) {
                Some(Err(_)) => BTreeSet::new(),
                _ => before.copied().collect(),
            };
            for one in &before {
                warnings.extend(self.warning(*at, *one));
            }
            let place = match place(node.role) {
                // Whoever it would come before may be blocked.
                Place::Before if !self.has_a_place(*at) => Place::Own,
                Place::After(host) => {
                    number.get(&host).map_or(Place::Own, |host| Place::After(*host))
                }
                place => place,
            };
            let first = before.iter().filter_map(|one| number.get(one)).copied().collect();
            vertices.push(Vertex { rank: node.rank.clone(), first, place });
        }
        let order = sequence(&vertices).order.into_iter().map(|at| acting[at]).collect();
        (order, warnings.into_iter().collect())
    }

    /// Whether something that is not blocked comes after what has its place before it.
    fn has_a_place(&self, at: usize) -> bool {
        let waits = |(by, result): (&usize, &Result<Judgement, Block>)| {
            result.is_ok() && self.judged.needs.get(by).is_some_and(|needs| needs.contains(&at))
        };
        self.judged.acting.iter().any(waits)
    }

    fn warning(&self, at: usize, before: usize) -> Option<String> {
        let (late, early) = (&self.scope.nodes[at], &self.scope.nodes[before]);
        let asked = (late.rank.stage, late.rank.order);
        let own = early.role == Role::Winner && late.role == Role::Winner;
        (own && asked < (early.rank.stage, early.rank.order)).then(|| {
            let (late, early) = (late.title(), early.title());
            format!("{late} comes after {early}, which it needs, though it is ordered before it")
        })
    }

    pub(super) fn action(&self, at: usize, places: &BTreeMap<usize, usize>) -> Action {
        let node = &self.scope.nodes[at];
        let judgement = match self.judged.acting.get(&at) {
            Some(Ok(judgement)) => Ok(judgement),
            Some(Err(block)) => Err(block.clone()),
            None => Err(Block::Cycle(vec![node.title()])),
        };
        let numbers = |sets: &BTreeMap<usize, BTreeSet<usize>>| {
            let set = sets.get(&at).into_iter().flatten();
            let mut numbers: Vec<usize> = set.filter_map(|one| places.get(one)).copied().collect();
            numbers.sort_unstable();
            numbers
        };
        let inputs = self.inputs(at);
        let digest = digest_of(&inputs);
        let none = (Deed::Nothing, Reason::Impossible, Vec::new());
        let (deed, reason, route) = judgement.as_ref().map_or(none, |judgement| {
            (judgement.deed.clone(), judgement.reason, judgement.route.clone())
        });
        let state = judgement.as_ref().map_or(&node.state, |judgement| &judgement.state).clone();
        let block = judgement.as_ref().err().cloned();
        let mut result = self.result(block.as_ref(), reason, route.is_empty());
        let open = matches!(result, None | Some(ActionResult::Pending));
        if open && route.iter().any(|one| !one.work.reads()) {
            let held = self.held(at, &mut BTreeSet::new());
            result = held.map(ActionResult::Held).or(result);
        }
        let (reboot_needed, serial) = match node.item {
            Item::Software(software) => (software.reboot_needed, None),
            Item::Task(task) => (false, task.serial.clone()),
        };
        Action {
            key: node.key.clone(),
            title: node.title(),
            origin: self.origin(at),
            state,
            found: self.known.found(&node.key).cloned(),
            deed,
            reason,
            checks: if block.is_none() { self.checks(at) } else { Vec::new() },
            block,
            result,
            route,
            needs: numbers(&self.judged.needs),
            after: numbers(&self.judged.after),
            reboot_needed,
            skipped_without_user: skipped_without_user(node.item),
            serial,
            inputs,
            digest,
        }
    }

    /// Why nothing is changed about something: for its deployment's sake, or because that is so for all that call
    /// for it.
    fn held(&self, at: usize, seen: &mut BTreeSet<usize>) -> Option<String> {
        let node = &self.scope.nodes[at];
        if let Some(why) = node.held {
            return Some(why.to_owned());
        }
        let host = match node.role {
            Role::Configuration(host) => Some(host),
            _ => None,
        };
        // Somebody else's deployment wants it anyway.
        if node.deployment.is_some() || !seen.insert(at) {
            return None;
        }
        let called_by = self.judged.called_by.get(&at).into_iter().flatten().copied();
        let by: Vec<usize> = host.into_iter().chain(called_by).collect();
        let mut held = by.iter().map(|by| {
            let why = self.held(*by, seen)?;
            Some(format!("{} calls for it, and is held: {why}", self.scope.nodes[*by].title()))
        });
        let first = held.next()??;
        held.all(|one| one.is_some()).then_some(first)
    }

    fn result(&self, block: Option<&Block>, reason: Reason, idle: bool) -> Option<ActionResult> {
        if let Some(block) = block {
            return Some(match block.failure() {
                Some(failure) => ActionResult::Failed(failure),
                None => ActionResult::Blocked(block.words()),
            });
        }
        if !idle {
            let looks = self.scope.request.run.looks_only();
            return looks.then_some(ActionResult::Pending);
        }
        Some(match reason {
            Reason::TaskNotCompliant => {
                ActionResult::NonCompliant("its test says no, and it is only audited".to_owned())
            }
            Reason::Recorded => ActionResult::Recorded,
            _ => ActionResult::Compliant,
        })
    }

    fn origin(&self, at: usize) -> Origin {
        let node = &self.scope.nodes[at];
        match (node.role, node.deployment) {
            (Role::Configuration(host), _) => {
                Origin::Configuration(self.scope.nodes[host].key.clone())
            }
            (_, Some((deployment, why))) => Origin::Deployment {
                id: deployment.id,
                name: deployment.name.clone(),
                why: why.to_owned(),
            },
            (Role::Winner, None) => Origin::Uncertain,
            (Role::Child | Role::Judged, None) => {
                let by = self.judged.called_by.get(&at).into_iter().flatten();
                let mut by: Vec<Key> = by.map(|one| self.scope.nodes[*one].key.clone()).collect();
                by.sort();
                Origin::Prerequisite(by)
            }
        }
    }

    /// The conditions on which it fails that may come out otherwise by then.
    fn checks(&self, at: usize) -> Vec<Check> {
        let after = self.judged.after.get(&at);
        if after.is_none_or(BTreeSet::is_empty) {
            return Vec::new();
        }
        let catalogue = self.scope.request.catalogue;
        let title = |id: SoftwareId| {
            catalogue.software(id).map_or_else(|| id.to_string(), |one| one.title.clone())
        };
        let prerequisites = self.scope.nodes[at].item.prerequisites().iter();
        let fails = prerequisites.filter(|one| one.action == PrerequisiteAction::Fail);
        let checks = fails.map(|one| Check {
            prerequisite: one.clone(),
            words: words(one, title),
            there: one.of.iter().map(|id| (*id, self.there(*id))).collect(),
        });
        checks.collect()
    }

    fn there(&self, id: SoftwareId) -> Option<bool> {
        self.known.found(&Key::item(id)).and_then(Found::is_there)
    }

    /// What an action is made of.
    fn inputs(&self, at: usize) -> Inputs {
        let node = &self.scope.nodes[at];
        let mut inputs = Inputs::new();
        self.add_item(&node.key, &mut inputs);
        self.add_winner(&node.key, &mut inputs);
        if let Role::Configuration(host) = node.role {
            self.add_item(&self.scope.nodes[host].key, &mut inputs);
            self.add_winner(&self.scope.nodes[host].key, &mut inputs);
        }
        for one in node.item.prerequisites() {
            for id in one.of.iter().chain(&one.software) {
                let key = Key::item(*id);
                self.add_item(&key, &mut inputs);
                self.add_winner(&key, &mut inputs);
            }
        }
        if node.role != Role::Winner {
            for by in self.judged.called_by.get(&at).into_iter().flatten() {
                let by = &self.scope.nodes[*by];
                self.add_winner(&by.key, &mut inputs);
                self.add_definition(&by.key, &mut inputs);
            }
        }
        if self.scope.request.run.repairs(&node.key) {
            inputs.insert("a repair".to_owned(), "asked for".to_owned());
        }
        inputs
    }

    fn add_definition(&self, key: &Key, inputs: &mut Inputs) {
        let catalogue = self.scope.request.catalogue;
        let (kind, name) = match catalogue.item(key.item) {
            Some(Item::Software(software)) => ("software", software.name.clone()),
            Some(Item::Task(task)) => ("task", task.name.clone()),
            None => ("item", key.item.to_string()),
        };
        inputs.insert(format!("{kind} {name}"), catalogue.digest(key.item).to_owned());
    }

    fn add_item(&self, key: &Key, inputs: &mut Inputs) {
        self.add_definition(key, inputs);
        let catalogue = self.scope.request.catalogue;
        let title = catalogue.item(key.item).map_or_else(String::new, |one| one.title().to_owned());
        if let Some(detected) = self.known.items.get(key) {
            inputs.insert(format!("what was found of {title}"), digest_of(detected));
        }
        if let Some(versions) = key.software().and_then(|id| self.known.versions.get(&id)) {
            inputs.insert(format!("the versions of {title}"), digest_of(versions));
        }
    }

    /// What holds for something that another action depends on.
    fn add_winner(&self, key: &Key, inputs: &mut Inputs) {
        inputs.extend(self.winners.get(key).cloned());
    }
}

/// What holds, by item: the name of the input, and its digest.
pub(super) fn winners(request: &Request<'_>) -> BTreeMap<Key, (String, String)> {
    let input = |one: &crate::request::Wanted<'_>| {
        let (name, digest) = match one.holds {
            Holds::Won { deployment, .. } => (&*deployment.name, deployment_digest(deployment)),
            Holds::Unknown { deployment, why } => (deployment, why.to_owned()),
        };
        (one.key(), (format!("deployment {name}"), digest))
    };
    request.wanted.iter().map(input).collect()
}

/// A digest of what a deployment asks for, as the library says it: its state and parameters, its item with all
/// versions and scripts, and the task that configures it. Another one begins its rings anew. What a script on the
/// computer names as versions is not in it.
#[must_use]
pub fn version_of(deployment: &Deployment, catalogue: &Catalogue) -> String {
    let configuration = match catalogue.item(deployment.item) {
        Some(Item::Software(software)) => software.configuration,
        _ => None,
    };
    let configured = configuration.map(|task| catalogue.digest(task.into()));
    digest_of(&(deployment_digest(deployment), catalogue.digest(deployment.item), configured))
}

/// Of what a deployment says that matters here; notes and whom else it is for do not.
fn deployment_digest(deployment: &Deployment) -> String {
    digest_of(&(
        deployment.id,
        &deployment.state,
        &deployment.parameters,
        deployment.onboarding_only,
    ))
}

fn skipped_without_user(item: Item<'_>) -> BTreeSet<ScriptPurpose> {
    let skips = |script: &Script| {
        script.context == ScriptContext::User && script.nobody_logged_on == NobodyLoggedOn::Skip
    };
    match item {
        Item::Software(software) => {
            let of_versions = software.versions.iter().flat_map(|version| version.scripts.iter());
            let scripts = software.scripts.iter().chain(of_versions);
            let mut purposes: BTreeSet<ScriptPurpose> =
                scripts.filter(|(_, script)| skips(script)).map(|(purpose, _)| purpose).collect();
            if software.script(ScriptPurpose::Detect, None).is_some_and(skips) {
                purposes.insert(ScriptPurpose::Detect);
            }
            purposes
        }
        Item::Task(task) => {
            let methods = [TaskMethod::Get, TaskMethod::Set, TaskMethod::Test];
            let by_method = methods
                .into_iter()
                .filter(|method| task.scripts.by_method(*method).is_some_and(skips));
            by_method.map(TaskMethod::purpose).collect()
        }
    }
}
