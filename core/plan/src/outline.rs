//! The first half of a session: what is looked at, in which order. It only reads.

use core_model::library::{DesiredState, TaskMethod};

use crate::block::Block;
use crate::catalogue::Item;
use crate::found::{Detected, Detections, Failure, FailureClass, Found, Tested};
use crate::judge::{Known, holds, judge, named};
use crate::key::Key;
use crate::offer::Offer;
use crate::plan::Plan;
use crate::request::Request;
use crate::route::Routes;
use crate::scope::{Node, Role, Scope};
use crate::step::{Outcome, Step, Work};

/// What a session has to do with, before anything is known of the subject.
#[derive(Clone, Debug)]
pub struct Outline<'a> {
    scope: Scope<'a>,
}

impl<'a> Outline<'a> {
    /// Of a request.
    #[must_use]
    pub fn of(request: Request<'a>) -> Self {
        Self { scope: Scope::of(request) }
    }

    /// What is looked at, in order, each by its title.
    pub fn items(&self) -> impl Iterator<Item = (&Key, String)> {
        let nodes = self.scope.order.iter().map(|at| &self.scope.nodes[*at]);
        nodes.filter(|node| node.block.is_none()).map(|node| (&node.key, node.title()))
    }

    /// What is known to be blocked before anything is looked at.
    pub fn blocked(&self) -> impl Iterator<Item = (&Key, &Block)> {
        self.scope.nodes.iter().filter_map(|node| Some((&node.key, node.block.as_ref()?)))
    }

    /// The next thing to look at, given what is known so far; none where everything is known that
    /// can be. Only steps that read: detections, tests, readings, and scripts that name versions.
    #[must_use]
    pub fn next(&self, known: &Detections) -> Option<Step> {
        let order = self.scope.order.iter();
        let mut steps = order.filter_map(|at| self.next_of(&self.scope.nodes[*at], known));
        steps.next()
    }

    /// What is done, by what was found.
    #[must_use]
    pub fn plan(&self, known: &Detections) -> Plan {
        Plan::of(&self.scope, &judge(&self.scope, known), known)
    }

    fn next_of(&self, node: &Node<'_>, known: &Detections) -> Option<Step> {
        if node.block.is_some() {
            return None;
        }
        let item = |work| Some(Step::Item { key: node.key.clone(), work });
        match node.item {
            Item::Software(software) => {
                software.detection.as_ref()?;
                let Some(found) = known.found(&node.key) else { return item(Work::Detect) };
                if node.role == Role::Judged || node.state == DesiredState::Absent {
                    return None;
                }
                let left_alone =
                    node.state == DesiredState::UpdateIfFound && *found == Found::Missing;
                let scripted = software.dynamic_versions.is_some();
                if scripted && !left_alone && !known.versions.contains_key(&software.id) {
                    return Some(Step::Versions(software.id));
                }
                let open = known.tested(&node.key).is_none() && found.is_there() == Some(true);
                let offer = Offer::default();
                let tenant = self.scope.request.tenant;
                let named = named(known, software.id);
                let read = self.scope.request.catalogue.versions(software.id);
                let routes = Routes { software, read, named, offer: &offer, tenant };
                if !open || !routes.has_test(found) || self.waits(node, known) {
                    return None;
                }
                item(Work::Test(routes.installed(found)))
            }
            Item::Task(task) => {
                let detected = known.items.get(&node.key);
                let monitored = node.state == DesiredState::Monitor;
                let method = if monitored { TaskMethod::Get } else { TaskMethod::Test };
                task.scripts.by_method(method)?;
                let done = detected.is_some_and(|one| {
                    if monitored { one.read.is_some() } else { one.tested.is_some() }
                });
                if done || self.waits(node, known) {
                    return None;
                }
                item(if monitored { Work::Get } else { Work::Test(None) })
            }
        }
    }

    /// Whether its test has to wait: something must come before it that is not so yet, on the
    /// machine as it is. A test that asks what is not there yet would fail for no reason.
    fn waits(&self, node: &Node<'_>, known: &Detections) -> bool {
        if let Role::Configuration(host) = node.role {
            let host = &self.scope.nodes[host];
            let there = known.found(&host.key).and_then(Found::is_there);
            if there != Some(true) || self.waits(host, known) {
                return true;
            }
        }
        let there = |id| match known.found(&Key::item(id)).and_then(Found::is_there) {
            Some(true) => Known::Yes,
            Some(false) => Known::No,
            None => Known::Not(Block::Failure(Failure::new(FailureClass::Read, ""))),
        };
        node.item.prerequisites().iter().any(|one| holds(one, there) != Known::No)
    }
}

impl Detections {
    /// Takes down what came of a step of [`Outline::next`]. What was broken off is left to be asked
    /// for again; an outcome that is none of the step's is a failure of it.
    pub fn record(&mut self, step: &Step, outcome: &Outcome) {
        if *outcome == Outcome::Interrupted {
            return;
        }
        let failure = match outcome {
            Outcome::Failed(failure) => failure.clone(),
            other => Failure::new(FailureClass::Read, format!("{other:?} is no answer to it")),
        };
        match step {
            Step::Item { key, work } => {
                let one = self.items.entry(key.clone()).or_default();
                one.take(work, outcome, failure);
            }
            Step::Versions(software) => {
                let named = match outcome {
                    Outcome::Versions(versions) => Ok(versions.clone()),
                    _ => Err(failure),
                };
                self.versions.insert(*software, named);
            }
            Step::CheckReboot
            | Step::AskReboot
            | Step::Reboot
            | Step::AwaitConnection
            | Step::Beside(_) => {}
        }
    }
}

impl Detected {
    fn take(&mut self, work: &Work, outcome: &Outcome, failure: Failure) {
        match (work, outcome) {
            (Work::Detect, Outcome::Found(found)) => self.found = Some(found.clone()),
            (Work::Detect, _) => self.found = Some(Found::Failed(failure)),
            (Work::Test(_), Outcome::Tested(tested)) => self.tested = Some(tested.clone()),
            (Work::Test(_), _) => self.tested = Some(Tested::Failed(failure)),
            (Work::Get, Outcome::Done { .. }) => self.read = Some(Ok(())),
            (Work::Get, _) => self.read = Some(Err(failure)),
            _ => {}
        }
    }
}
