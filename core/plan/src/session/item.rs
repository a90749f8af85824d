//! One action: what came of a move, and where it goes on.

use super::{Session, Stand};
use crate::desired::Deed;
use crate::found::{Failure, FailureClass, Found, Tested};
use crate::result::ActionResult;
use crate::route::{Move, Must};
use crate::step::{Outcome, Step, Work};

impl Session<'_> {
    /// The step of an action that is next; none where it is over, or waits for a reboot.
    pub(super) fn step_of(&mut self, at: usize) -> Option<Step> {
        let action = &self.plan.actions[at];
        let next = action.route.get(self.acts[at].at);
        // It works only after a reboot: until then a test would say no.
        let ends = next.is_none_or(|one| one.must == Must::BeTrue);
        if ends && self.works_after_reboot(at) && self.park(at) {
            return None;
        }
        match next {
            Some(one) => Some(Step::Item { key: action.key.clone(), work: one.work.clone() }),
            None => {
                self.over(at, ActionResult::Compliant);
                None
            }
        }
    }

    fn works_after_reboot(&self, at: usize) -> bool {
        let action = &self.plan.actions[at];
        action.reboot_needed && self.acts[at].changed && action.deed != Deed::Uninstall
    }

    /// Waits for a reboot, and looks again after it. Says whether there is anything to look at.
    fn park(&mut self, at: usize) -> bool {
        let act = &mut self.acts[at];
        let until = act.at.min(self.plan.actions[at].route.len());
        let moves = self.plan.actions[at].route.iter().take(until + 1);
        let looks: Vec<usize> = moves
            .enumerate()
            .filter(|(_, one)| one.work == Work::Detect)
            .map(|(at, _)| at)
            .collect();
        let Some(look) = looks.last() else { return false };
        act.at = *look;
        act.stand = Stand::Parked;
        self.current = None;
        true
    }

    /// Takes down what came of a move.
    pub(super) fn take(&mut self, at: usize, outcome: &Outcome) {
        let plan = self.plan;
        let Some(one) = plan.actions[at].route.get(self.acts[at].at) else { return };
        match outcome {
            Outcome::Interrupted => return self.broken_off(at, one),
            Outcome::Held(why) => return self.over(at, ActionResult::Held(why.clone())),
            Outcome::Failed(failure) if failure.class == FailureClass::Offline => {
                self.broken_off(at, one);
                return self.lose();
            }
            Outcome::Failed(failure) if failure.class == FailureClass::NoUser => {
                return self.nobody(at, one, failure);
            }
            _ => {}
        }
        match (&one.must, outcome) {
            (Must::BeLookedAt, _) => self.done(at, outcome),
            (Must::Succeed, Outcome::Done { reboot }) => {
                self.acts[at].asks_reboot |= *reboot;
                self.acts[at].at += 1;
            }
            (Must::Succeed, Outcome::Failed(failure)) => self.try_again(at, one, failure),
            (Must::BeRecorded, Outcome::Done { .. }) => self.over(at, ActionResult::Recorded),
            (must, Outcome::Found(found)) if one.work == Work::Detect => {
                self.looked(at, one, must, found);
            }
            (must, Outcome::Tested(tested)) if matches!(one.work, Work::Test(_)) => {
                self.tested(at, one, must, tested);
            }
            (_, Outcome::Failed(failure)) => self.over(at, ActionResult::Failed(failure.clone())),
            (_, other) => {
                let message = format!("{other:?} is no answer to {:?}", one.work);
                let failure = Failure::new(FailureClass::Read, message);
                self.over(at, ActionResult::Failed(failure));
            }
        }
    }

    /// Something was to change; what came of it is looked at next, whatever it says itself.
    fn done(&mut self, at: usize, outcome: &Outcome) {
        let act = &mut self.acts[at];
        act.failure = match outcome {
            Outcome::Failed(failure) => Some(failure.clone()),
            _ => None,
        };
        act.asks_reboot |= matches!(outcome, Outcome::Done { reboot: true });
        act.changed = true;
        act.at += 1;
        self.changed = true;
    }

    /// It was broken off. What may have changed something is looked at; what only reads, or may be
    /// done twice, is done again.
    fn broken_off(&mut self, at: usize, one: &Move) {
        let most = self.plan.settings.interruptions;
        let act = &mut self.acts[at];
        act.broken += 1;
        if act.broken > most {
            let message = format!("it was broken off {} times", act.broken);
            let failure = Failure::new(FailureClass::Interrupted, message);
            return self.over(at, ActionResult::Failed(failure));
        }
        if one.work.changes() {
            // Whether it ran is seen by what is there next.
            act.may_have_changed = true;
            act.at += 1;
            self.changed = true;
        }
    }

    fn nobody(&mut self, at: usize, one: &Move, failure: &Failure) {
        let skipped = &self.plan.actions[at].skipped_without_user;
        let skips = one.work.purpose().is_some_and(|purpose| skipped.contains(&purpose));
        let result = match skips {
            true => ActionResult::Skipped("nobody is logged on".to_owned()),
            false => ActionResult::Failed(failure.clone()),
        };
        self.over(at, result);
    }

    fn looked(&mut self, at: usize, one: &Move, must: &Must, found: &Found) {
        if let Some(there) = found.is_there() {
            self.acts[at].there = Some(there);
        }
        let well = match (must, found) {
            (_, Found::Failed(failure)) => {
                return self.over(at, ActionResult::Failed(failure.clone()));
            }
            (Must::BeGone, found) => *found == Found::Missing,
            (Must::BeThere, found) => *found != Found::Missing,
            (Must::BeAtLeast(wanted), Found::Version(there)) => there >= wanted,
            (Must::BeExactly(wanted), Found::Version(there)) => there == wanted,
            _ => false,
        };
        let act = &mut self.acts[at];
        let maybe = std::mem::take(&mut act.may_have_changed);
        if well {
            act.changed |= maybe;
            act.at += 1;
            return;
        }
        let message = match found {
            Found::Missing => "it is not there afterwards".to_owned(),
            Found::Version(version) => format!("{version} is there afterwards"),
            Found::Unreadable(text) => {
                format!("it is there afterwards, and `{text}` is no version")
            }
            Found::Failed(failure) => failure.message.clone(),
        };
        self.not_well(at, one, message);
    }

    fn tested(&mut self, at: usize, one: &Move, must: &Must, tested: &Tested) {
        match (tested, must) {
            (Tested::Failed(failure), _) => self.over(at, ActionResult::Failed(failure.clone())),
            (Tested::Invalid(word), _) => {
                let message =
                    format!("the last word of its test is `{word}`, neither true nor false");
                let failure = Failure::new(FailureClass::TestInvalid, message);
                self.over(at, ActionResult::Failed(failure));
            }
            (Tested::True, Must::DecideToGoOn | Must::BeJudged) => {
                self.over(at, ActionResult::Compliant);
            }
            (Tested::False, Must::BeJudged) => {
                self.over(at, ActionResult::NonCompliant("its test says no".to_owned()));
            }
            (Tested::True, _) | (Tested::False, Must::DecideToGoOn) => self.acts[at].at += 1,
            (Tested::False, _) => self.not_well(at, one, "its test says no afterwards".to_owned()),
        }
    }

    /// What was done did not bring about what it must.
    fn not_well(&mut self, at: usize, one: &Move, message: String) {
        // A reboot that a script asked for may be what is missing.
        let waits = self.acts[at].asks_reboot || self.works_after_reboot(at);
        if waits && self.park(at) {
            return;
        }
        let failure = match self.acts[at].failure.clone() {
            None => Failure::new(FailureClass::Verify, message),
            Some(by_itself) => {
                let message = format!("{message}; {}", by_itself.message);
                Failure::new(by_itself.class, message)
            }
        };
        self.try_again(at, one, &failure);
    }

    fn try_again(&mut self, at: usize, one: &Move, failure: &Failure) {
        let act = &mut self.acts[at];
        if failure.class.is_tried_again() && act.tries < self.plan.settings.tries {
            act.tries += 1;
            act.at = one.again;
            return;
        }
        let tries = match act.tries {
            1 => String::new(),
            tries => format!(" (tried {tries} times)"),
        };
        let message = format!("{}{tries}", failure.message);
        let set = one.must == Must::BeTrue && one.work == Work::Test(None);
        let by_itself = failure.class == FailureClass::Verify;
        let result = match set && by_itself && self.plan.actions[at].key.software().is_none() {
            true => ActionResult::NonCompliant(message),
            false => ActionResult::Failed(Failure::new(failure.class, message)),
        };
        self.over(at, result);
    }
}
