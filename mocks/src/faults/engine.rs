//! Decides which fault, if any, happens to a call.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;

use super::moved::Moved;
use super::{Fault, Rule, When};
use crate::generate::dice::Dice;
use crate::vendor::{Call, Face, Listing};

/// The rules, what they have done so far, and the rows that are on their way to a later page.
pub struct Faults {
    rules: Vec<Armed>,
    dice: Dice,
    pub(super) moved: Moved,
    /// The rows of the last page of each listing, for pages that repeat the one before.
    pub(super) seen: HashMap<String, (u32, Vec<Value>)>,
    fired: BTreeMap<(Face, Fault), u64>,
}

/// How often a fault happened on a face.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fired {
    /// Where.
    pub face: Face,
    /// What.
    pub fault: Fault,
    /// How often.
    pub times: u64,
}

struct Armed {
    rule: Rule,
    matched: u32,
    fired: u32,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// The fault.
    pub(crate) fault: Fault,
    /// The rule it comes from, to give it back when it found nothing to spoil.
    rule: usize,
    face: Face,
}

impl Faults {
    /// An engine with these rules; the seed decides about rates.
    #[must_use]
    pub fn new(rules: Vec<Rule>, seed: u64) -> Self {
        let mut engine = Self {
            rules: Vec::new(),
            dice: Dice::new(seed, 99),
            moved: Moved::default(),
            seen: HashMap::new(),
            fired: BTreeMap::new(),
        };
        engine.set(rules);
        engine
    }

    /// Replaces all rules; counters begin anew, rows on their way still arrive.
    pub fn set(&mut self, rules: Vec<Rule>) {
        self.rules = rules.into_iter().map(|rule| Armed { rule, matched: 0, fired: 0 }).collect();
    }

    /// Adds one rule.
    pub fn add(&mut self, rule: Rule) {
        self.rules.push(Armed { rule, matched: 0, fired: 0 });
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        self.rules.iter().map(|armed| armed.rule.clone()).collect()
    }

    /// What has happened since the start.
    #[must_use]
    pub fn fired(&self) -> Vec<Fired> {
        let all = self.fired.iter();
        all.map(|((face, fault), times)| Fired { face: *face, fault: *fault, times: *times })
            .collect()
    }

    /// Whether nothing can happen, so that the answer need not be looked at.
    pub(crate) fn idle(&self) -> bool {
        self.rules.is_empty() && self.moved.is_empty()
    }

    /// Whether a rule of this face wants to know the page before.
    pub(super) fn remembers_pages(&self, face: Face) -> bool {
        let wants =
            |rule: &Rule| rule.fault == Fault::NextSelf && rule.face.is_none_or(|f| f == face);
        self.rules.iter().any(|armed| wants(&armed.rule))
    }

    /// The first rule that fires for this call.
    pub(crate) fn draw(
        &mut self,
        face: Face,
        call: &Call,
        listing: Option<&Listing>,
        sign_in: bool,
    ) -> Option<Drawn> {
        for (no, armed) in self.rules.iter_mut().enumerate() {
            if !applies(&armed.rule, face, call, listing, sign_in) {
                continue;
            }
            armed.matched += 1;
            if armed.rule.times.is_some_and(|times| armed.fired >= times) {
                continue;
            }
            let page = listing.map_or(0, |l| l.page);
            let fires = match armed.rule.when {
                When::Rate(rate) => self.dice.chance(rate),
                When::Every(n) => n > 0 && armed.matched.is_multiple_of(n),
                When::Page(n) => page == n,
                When::FromPage(n) => page >= n,
                When::Always => true,
            };
            if fires {
                armed.fired += 1;
                *self.fired.entry((face, armed.rule.fault)).or_default() += 1;
                return Some(Drawn { fault: armed.rule.fault, rule: no, face });
            }
        }
        None
    }

    /// The fault found nothing to spoil in this answer: it did not happen.
    pub(crate) fn give_back(&mut self, drawn: Drawn) {
        if let Some(armed) = self.rules.get_mut(drawn.rule) {
            armed.fired = armed.fired.saturating_sub(1);
        }
        if let Some(times) = self.fired.get_mut(&(drawn.face, drawn.fault)) {
            *times = times.saturating_sub(1);
        }
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        self.dice.below(n)
    }
}

fn applies(rule: &Rule, face: Face, call: &Call, listing: Option<&Listing>, sign_in: bool) -> bool {
    if rule.face.is_some_and(|wanted| wanted != face) {
        return false;
    }
    let named = rule.path.as_ref().map(|path| {
        let path = path.to_lowercase();
        let of_listing = listing.is_some_and(|l| l.name.to_lowercase().contains(&path));
        of_listing || call.path.to_lowercase().contains(&path)
    });
    let pages = matches!(rule.when, When::Page(_) | When::FromPage(_));
    if named == Some(false) || (sign_in && named.is_none()) {
        return false;
    }
    if (rule.fault.needs_rows() || pages) && listing.is_none() {
        return false;
    }
    rule.fault != Fault::DeltaExpired || has_delta_token(call)
}

/// Graph: the call carries a token of an earlier delta round.
fn has_delta_token(call: &Call) -> bool {
    face_tokens(call)
        .any(|(name, value)| name.to_lowercase().contains("deltatoken") && value != "latest")
}

fn face_tokens(call: &Call) -> impl Iterator<Item = (&str, &str)> {
    call.query.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}
