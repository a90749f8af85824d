//! When the subject is rebooted: at the start where one is pending, before what waits for one, and
//! at the end. Once in a session at the most, and so often a day.

use super::{Session, Stand};
use crate::found::{Failure, FailureClass};
use crate::request::{NoAnswer, RebootPolicy, Settings};
use crate::step::{Answer, Outcome, Step};

/// At what point a reboot is thought of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Before anything is done.
    Start,
    /// Before this action, which waits for it.
    Before(usize),
    /// After everything.
    End,
    /// It was rebooted.
    After,
}

/// What is known of reboots.
#[derive(Clone, Debug)]
pub(super) struct Reboots {
    policy: RebootPolicy,
    used: bool,
    under_way: bool,
    /// Why there is none any more in this session.
    refused: Option<String>,
    /// Why there was none when one was thought of last.
    held: Option<String>,
    occasion: Occasion,
    /// It was thought of at the end.
    was_end: bool,
    /// How often questions about it were broken off.
    broken: u32,
}

impl Reboots {
    pub(super) fn of(settings: &Settings) -> Self {
        let (today, most) = (settings.reboots_today, settings.reboots_per_day);
        let refused = match settings.reboots {
            RebootPolicy::Suppress => Some("reboots are suppressed".to_owned()),
            _ if today >= most => {
                Some(format!("it was rebooted {today} times today: a reboot loop is suspected"))
            }
            _ => None,
        };
        Self {
            policy: settings.reboots,
            used: false,
            under_way: false,
            refused,
            held: None,
            occasion: Occasion::Start,
            was_end: false,
            broken: 0,
        }
    }

    /// Why there may be no reboot any more.
    pub(super) fn refusal(&self) -> Option<String> {
        if self.used {
            return Some("a session reboots once at the most".to_owned());
        }
        self.refused.clone()
    }

    /// Why there was none.
    pub(super) fn refusal_now(&self) -> Option<String> {
        self.refusal().or_else(|| self.held.clone())
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way
    }

    pub(super) fn is_used(&self) -> bool {
        self.used
    }
}

impl Session<'_> {
    /// Begins: a reboot that is pending comes first, else installers refuse to work.
    pub(super) fn open(&mut self) {
        if !self.plan.is_idle() && self.reboots.refusal().is_none() {
            self.ask_reboot(Occasion::Start);
        } else {
            self.advance();
        }
    }

    pub(super) fn ask_reboot(&mut self, occasion: Occasion) {
        self.reboots.occasion = occasion;
        self.reboots.was_end |= occasion == Occasion::End;
        self.ask(Step::CheckReboot);
    }

    /// Whether an action waits for a reboot that something before it needs.
    pub(super) fn waits_for_reboot(&self, at: usize) -> bool {
        let action = &self.plan.actions[at];
        action.needs.iter().chain(&action.after).any(|before| {
            let act = &self.acts[*before];
            act.stand == Stand::Parked || act.asks_reboot
        })
    }

    pub(super) fn wants_reboot_at_the_end(&self) -> bool {
        let looks = self.plan.run.looks_only();
        if looks || self.reboots.was_end || self.reboots.refusal().is_some() {
            return false;
        }
        self.changed || self.reboots.policy == RebootPolicy::Force || self.somebody_waits()
    }

    fn somebody_waits(&self) -> bool {
        self.acts.iter().any(|act| act.stand == Stand::Parked || act.asks_reboot)
    }

    /// Whether a question that was broken off is asked again: it only reads.
    fn is_asked_again(&mut self, outcome: &Outcome) -> bool {
        if *outcome != Outcome::Interrupted {
            return false;
        }
        self.reboots.broken += 1;
        self.reboots.broken <= self.plan.settings.interruptions
    }

    pub(super) fn take_check(&mut self, outcome: &Outcome) {
        if self.is_asked_again(outcome) {
            return self.ask(Step::CheckReboot);
        }
        let (pending, held) = match outcome {
            Outcome::Reboot { pending, held } => (*pending, held.clone()),
            _ => (false, Some("it is not known whether one is pending".to_owned())),
        };
        let occasion = self.reboots.occasion;
        let wanted = match occasion {
            Occasion::Start => pending,
            Occasion::Before(_) => true,
            Occasion::End => {
                pending || self.reboots.policy == RebootPolicy::Force || self.somebody_waits()
            }
            Occasion::After => {
                if pending {
                    self.notes.push(
                        "a reboot is pending though it was just rebooted: a loop is suspected"
                            .to_owned(),
                    );
                }
                return;
            }
        };
        if !wanted {
            return;
        }
        if let Some(held) = held {
            if let Occasion::Before(at) = occasion {
                self.defer(at, &held);
            }
            if occasion == Occasion::End {
                self.notes.push(format!("it was not rebooted at the end: {held}"));
            }
            self.reboots.held = Some(held);
            return;
        }
        match self.reboots.policy {
            RebootPolicy::Prompt => self.ask(Step::AskReboot),
            _ => self.begin_reboot(),
        }
    }

    fn begin_reboot(&mut self) {
        self.reboots.under_way = true;
        self.ask(Step::Reboot);
    }

    pub(super) fn take_answer(&mut self, outcome: &Outcome) {
        if self.is_asked_again(outcome) {
            return self.ask(Step::AskReboot);
        }
        let answer = match outcome {
            Outcome::Answer(answer) => *answer,
            _ => Answer::Nothing,
        };
        match (answer, self.plan.settings.no_answer) {
            (Answer::Yes, _) | (Answer::Nothing, NoAnswer::Reboot) => self.begin_reboot(),
            (Answer::No, _) => {
                self.reboots.refused = Some("whoever sits there said no".to_owned());
            }
            (Answer::Nothing, NoAnswer::Suppress) => {
                self.reboots.refused = Some("nobody answered whether one suits".to_owned());
            }
            (Answer::Nothing, NoAnswer::Fail) => {
                let message = "nobody answered whether a reboot suits";
                self.give_up(&Failure::new(FailureClass::Reboot, message));
            }
        }
    }

    pub(super) fn take_reboot(&mut self, outcome: &Outcome) {
        match outcome {
            // It may have been rebooted when the hub stopped: that counts as once.
            Outcome::Done { .. } | Outcome::Interrupted => self.rebooted(),
            Outcome::Failed(failure)
                if matches!(failure.class, FailureClass::Offline | FailureClass::Timeout) =>
            {
                self.reboots.used = true;
                self.lose();
            }
            Outcome::Failed(failure) => {
                self.reboots.under_way = false;
                self.reboots.refused = Some(format!("the reboot failed: {}", failure.message));
            }
            _ => {
                self.reboots.under_way = false;
                self.reboots.refused = Some("the reboot failed".to_owned());
            }
        }
    }

    /// It was rebooted: what waited for that goes on.
    pub(super) fn rebooted(&mut self) {
        self.reboots.used = true;
        self.reboots.under_way = false;
        for act in &mut self.acts {
            act.asks_reboot = false;
            act.changed = false;
            if act.stand == Stand::Parked {
                act.stand = Stand::Begun;
            }
        }
        self.ask_reboot(Occasion::After);
    }
}
