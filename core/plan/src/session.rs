//! What comes next: a plan and what came of its steps so far give the next step, or the end. A
//! session that was killed goes on from what was taken down.
//!
//! What is done is looked at before it counts, and before it is done again. What may have run is
//! never run a second time without a look. A subject is rebooted once at the most.

mod item;
mod reboot;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::found::{Failure, FailureClass};
use crate::judge::{Known, holds};
use crate::key::Key;
use crate::plan::{Action, Check, Plan};
use crate::request::WhenOffline;
use crate::result::{ActionResult, Overall};
use crate::step::{Outcome, Step};
use reboot::{Occasion, Reboots};

/// A step, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The step.
    pub step: Step,
    /// What came of it.
    pub outcome: Outcome,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// This is done.
    Do(Step),
    /// Nothing more.
    Over(Report),
}

/// What came of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// All in all.
    pub overall: Overall,
    /// Of each action, in the order of the plan.
    pub results: Vec<(Key, ActionResult)>,
    /// What else somebody should know.
    pub notes: Vec<String>,
    /// Whether the subject was rebooted.
    pub rebooted: bool,
}

/// The next step of a plan, given what came of its steps so far, in order. Entries that answer
/// another step than was asked for are passed over.
#[must_use]
pub fn next(plan: &Plan, progress: &[Entry]) -> Next {
    let mut session = Session::of(plan);
    for entry in progress {
        session.record(&entry.step, &entry.outcome);
    }
    session.next()
}

/// A plan that is being carried out.
#[derive(Clone, Debug)]
pub struct Session<'a> {
    plan: &'a Plan,
    acts: Vec<Act>,
    by_key: BTreeMap<Key, usize>,
    /// The action that is under way.
    current: Option<usize>,
    asked: Asked,
    reboots: Reboots,
    /// Something was changed.
    changed: bool,
    notes: Vec<String>,
}

/// What was asked for last.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Step(Step),
    /// Nothing yet: the plan says what comes next.
    Open,
    Over,
}

/// Where an action stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stand {
    /// It has not begun.
    Open,
    /// It is under way, or goes on after a reboot.
    Begun,
    /// It waits for a reboot.
    Parked,
    /// It is over.
    Over(ActionResult),
}

/// An action that is being carried out.
#[derive(Clone, Debug)]
struct Act {
    stand: Stand,
    /// The move that is next.
    at: usize,
    /// How often it was tried.
    tries: u32,
    /// How often it was broken off.
    broken: u32,
    /// Something was changed by it since the last reboot.
    changed: bool,
    /// It was broken off while it changed something: perhaps before it had begun.
    may_have_changed: bool,
    /// A script asked for a reboot, and there was none since.
    asks_reboot: bool,
    /// Whether the software is there, as seen last.
    there: Option<bool>,
    /// How what was done last failed, by its own account.
    failure: Option<Failure>,
}

impl Act {
    fn of(action: &Action) -> Self {
        let over = action.result.clone().map(Stand::Over);
        Self {
            stand: over.unwrap_or(Stand::Open),
            at: 0,
            tries: 1,
            broken: 0,
            changed: false,
            may_have_changed: false,
            asks_reboot: false,
            there: None,
            failure: None,
        }
    }

    fn result(&self) -> Option<&ActionResult> {
        match &self.stand {
            Stand::Over(result) => Some(result),
            Stand::Open | Stand::Begun | Stand::Parked => None,
        }
    }
}

impl<'a> Session<'a> {
    /// A session that has not begun.
    #[must_use]
    pub fn of(plan: &'a Plan) -> Self {
        let keys = plan.actions.iter().enumerate();
        let mut session = Self {
            plan,
            acts: plan.actions.iter().map(Act::of).collect(),
            by_key: keys.map(|(at, action)| (action.key.clone(), at)).collect(),
            current: None,
            asked: Asked::Open,
            reboots: Reboots::of(&plan.settings),
            changed: false,
            notes: Vec::new(),
        };
        session.open();
        session
    }

    /// What comes next.
    #[must_use]
    pub fn next(&self) -> Next {
        match &self.asked {
            Asked::Step(step) => Next::Do(step.clone()),
            Asked::Open | Asked::Over => Next::Over(self.report()),
        }
    }

    /// Takes down what came of the step that was asked for; whatever answers another one is passed
    /// over. Says whether it was taken.
    pub fn record(&mut self, step: &Step, outcome: &Outcome) -> bool {
        if self.asked != Asked::Step(step.clone()) {
            return false;
        }
        self.asked = Asked::Open;
        match step {
            Step::Item { .. } => {
                if let Some(at) = self.current {
                    self.take(at, outcome);
                }
            }
            Step::CheckReboot => self.take_check(outcome),
            Step::AskReboot => self.take_answer(outcome),
            Step::Reboot => self.take_reboot(outcome),
            Step::AwaitConnection => self.take_connection(outcome),
            // Asked for by no plan.
            Step::Versions(_) | Step::Beside(_) => {}
        }
        if self.asked == Asked::Open {
            self.advance();
        }
        true
    }

    /// Something was changed beside the plan before its first step: whether a reboot is pending is looked at in the
    /// end, though the plan itself may change nothing.
    pub fn note_change(&mut self) {
        self.changed = true;
        if self.asked == Asked::Over && self.wants_reboot_at_the_end() {
            self.ask_reboot(Occasion::End);
        }
    }

    /// How each action stands, in the order of the plan; none is not over.
    #[must_use]
    pub fn results(&self) -> Vec<Option<&ActionResult>> {
        self.acts.iter().map(Act::result).collect()
    }

    fn ask(&mut self, step: Step) {
        self.asked = Asked::Step(step);
    }

    /// Goes on in the order of the plan until something is to be asked for.
    fn advance(&mut self) {
        loop {
            if let Some(at) = self.current {
                match self.step_of(at) {
                    Some(step) => return self.ask(step),
                    None => self.current = None,
                }
                continue;
            }
            let open = |act: &Act| matches!(act.stand, Stand::Open | Stand::Begun);
            let Some(at) = self.acts.iter().position(open) else {
                if self.wants_reboot_at_the_end() {
                    return self.ask_reboot(Occasion::End);
                }
                return self.end();
            };
            if self.acts[at].stand == Stand::Begun {
                self.current = Some(at);
                continue;
            }
            if let Some(result) = self.hindrance(at) {
                self.acts[at].stand = Stand::Over(result);
                continue;
            }
            if self.waits_for_reboot(at) {
                match self.reboots.refusal() {
                    None => return self.ask_reboot(Occasion::Before(at)),
                    Some(why) => self.defer(at, &why),
                }
                continue;
            }
            self.acts[at].stand = Stand::Begun;
        }
    }

    /// Why an action cannot begin, by what came of those before it.
    fn hindrance(&self, at: usize) -> Option<ActionResult> {
        let action = &self.plan.actions[at];
        for needed in &action.needs {
            let Some(result) = self.acts[*needed].result() else { continue };
            let title = &self.plan.actions[*needed].title;
            if result.is_bad() {
                let message = format!("it needs {title}, which {}", result.words());
                let failure = Failure::new(FailureClass::Prerequisite, message);
                return Some(ActionResult::Failed(failure));
            }
            if !result.is_well() {
                let message = format!("it waits for {title}, which is {}", result.words());
                return Some(ActionResult::Deferred(message));
            }
        }
        if self.waits_for_reboot(at) {
            return None;
        }
        let failed = action.checks.iter().find(|check| self.fails(check))?;
        let message = format!("a prerequisite says no: {}", failed.words);
        Some(ActionResult::Failed(Failure::new(FailureClass::Prerequisite, message)))
    }

    /// Whether the condition on which it fails holds, or is not known.
    fn fails(&self, check: &Check) -> bool {
        let known = |id: core_model::id::SoftwareId| {
            let act = self.by_key.get(&Key::item(id)).map(|at| &self.acts[*at]);
            let seen = act.and_then(|act| act.there);
            match seen.or(check.there.get(&id).copied().flatten()) {
                Some(true) => Known::Yes,
                Some(false) => Known::No,
                None => Known::Not(crate::Block::Cycle(Vec::new())),
            }
        };
        holds(&check.prerequisite, known) != Known::No
    }

    /// Ends an action.
    fn over(&mut self, at: usize, result: ActionResult) {
        self.acts[at].stand = Stand::Over(result);
        if self.current == Some(at) {
            self.current = None;
        }
    }

    fn defer(&mut self, at: usize, why: &str) {
        let message = format!("what comes before it needs a reboot, and {why}");
        self.over(at, ActionResult::Deferred(message));
    }

    /// Nothing more is done.
    fn end(&mut self) {
        let refusal = self.reboots.refusal_now();
        for act in &mut self.acts {
            if act.stand == Stand::Parked {
                let why = refusal.as_deref().unwrap_or("there was none");
                let message = format!("it works only after a reboot, and {why}");
                act.stand = Stand::Over(ActionResult::Deferred(message));
            }
        }
        self.current = None;
        self.asked = Asked::Over;
    }

    /// Nothing more is done, and whatever was not done has failed.
    fn give_up(&mut self, failure: &Failure) {
        for act in &mut self.acts {
            if !matches!(act.stand, Stand::Over(_)) {
                act.stand = Stand::Over(ActionResult::Failed(failure.clone()));
            }
        }
        self.notes.push(failure.message.clone());
        self.end();
    }

    /// The subject cannot be reached.
    fn lose(&mut self) {
        match self.plan.settings.offline {
            WhenOffline::Wait => self.ask(Step::AwaitConnection),
            WhenOffline::End => {
                let message = "the subject cannot be reached";
                self.give_up(&Failure::new(FailureClass::Offline, message));
            }
        }
    }

    fn take_connection(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Failed(failure) => {
                let message = format!("the subject could not be reached: {}", failure.message);
                self.give_up(&Failure::new(FailureClass::Offline, message));
            }
            _ if self.reboots.is_under_way() => self.rebooted(),
            _ => {}
        }
    }

    fn report(&self) -> Report {
        let results: Vec<(Key, ActionResult)> = self
            .plan
            .actions
            .iter()
            .zip(&self.acts)
            .map(|(action, act)| {
                let result = act.result().cloned().unwrap_or(ActionResult::Pending);
                (action.key.clone(), result)
            })
            .collect();
        Report {
            overall: Overall::of(results.iter().map(|(_, result)| result)),
            results,
            notes: self.notes.clone(),
            rebooted: self.reboots.is_used(),
        }
    }
}
