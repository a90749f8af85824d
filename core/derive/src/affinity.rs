//! Affinity: who uses a computer, from the last ten logons seen at it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use core_model::entity::{Flag, LogonSeen, Pin, Primary, PrimaryReason};
use core_model::id::PersonId;
use core_model::names::normal_address;

use crate::input::LogonInput;
use crate::policy::AffinityPolicy;

mod people;

pub use people::People;

/// How many logons a computer remembers.
pub const WINDOW: usize = 10;

/// What came out for one computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affinity {
    /// The last ten logons, newest last.
    pub logons: Vec<LogonSeen>,
    /// Who uses it.
    pub primary: Option<Primary>,
    /// What a human pinned, and whether it holds.
    pub pin: Option<Pin>,
    /// Used by many.
    pub shared: bool,
}

/// Computes the logons and the primary person of one computer from the logons of its agents, in
/// any order. Logons before the last wipe are somebody else's. `pinned` is what a human decided: it
/// wins until he takes it back. A pin to somebody who is gone, or whom the tenant does not know (any
/// more), does not hold: the logons decide, the result says so, and the pin wins again as soon as he
/// is back. Only a pin to nobody makes nobody primary.
#[must_use]
pub fn affinity(
    logons: &[LogonInput],
    wiped: Option<DateTime<Utc>>,
    pinned: Option<Pin>,
    people: &People,
    policy: &AffinityPolicy,
) -> Affinity {
    let mut ordered: Vec<&LogonInput> =
        logons.iter().filter(|logon| usable(&logon.account)).collect();
    ordered.sort_by(|a, b| (a.at_us, &a.account, &a.source).cmp(&(b.at_us, &b.account, &b.source)));
    let from_us = wiped.map_or(i64::MIN, |at| at.timestamp_micros());
    let mut window: Vec<LogonSeen> = Vec::new();
    let mut primary: Option<PersonId> = None;
    for logon in ordered.into_iter().filter(|logon| logon.at_us >= from_us) {
        let at = DateTime::from_timestamp_micros(logon.at_us).unwrap_or_default();
        let seen = LogonSeen {
            account: normal_address(&logon.account),
            upn: people.told(&logon.account, at).map(str::to_owned),
            person: people.find(&logon.account, at),
            at,
            source: logon.source.clone(),
        };
        if repeats(&window, &seen, policy) {
            continue;
        }
        window.push(seen);
        if window.len() > WINDOW {
            window.remove(0);
        }
        primary = most(&window, primary, people, policy).map(|(person, _)| person);
    }
    conclude(window, primary, pinned, people, policy)
}

fn conclude(
    window: Vec<LogonSeen>,
    present: Option<PersonId>,
    pinned: Option<Pin>,
    people: &People,
    policy: &AffinityPolicy,
) -> Affinity {
    let found = most(&window, present, people, policy);
    let counted =
        window.iter().any(|logon| logon.person.is_some_and(|person| people.counts(person)));
    let shared = counted && found.is_none() && window.len() >= WINDOW;
    let of = u8::try_from(window.len()).unwrap_or(u8::MAX);
    let pin = pinned.map(|pin| judged(pin, people));
    let primary = match &pin {
        Some(Pin::Nobody) => None,
        Some(Pin::Person { person }) => {
            Some(Primary { person: *person, reason: PrimaryReason::Pinned })
        }
        Some(Pin::Gone { .. } | Pin::Unknown { .. }) | None => found
            .map(|(person, times)| Primary { person, reason: PrimaryReason::Most { times, of } }),
    };
    Affinity { logons: window, primary, pin, shared }
}

/// A pin does not outlive the person, and never reaches into another tenant.
fn judged(pin: Pin, people: &People) -> Pin {
    match pin {
        Pin::Person { person } if !people.is_known(person) => {
            Pin::Unknown { record: person.to_string() }
        }
        Pin::Person { person } if !people.is_here(person) => Pin::Gone { person },
        other => other,
    }
}

/// The same account again within one collection interval is the same observation, whoever saw it.
fn repeats(window: &[LogonSeen], seen: &LogonSeen, policy: &AffinityPolicy) -> bool {
    let same = |logon: &&LogonSeen| {
        logon.account == seen.account
            || address(logon) == address(seen)
            || (logon.person.is_some() && logon.person == seen.person)
    };
    let Some(last) = window.iter().rev().find(same) else { return false };
    (seen.at - last.at).num_microseconds().is_some_and(|gap| gap < policy.interval_us)
}

/// What the account is known by: `DOMAIN\ana` and `ana@x.example` may be one.
fn address(logon: &LogonSeen) -> &str {
    logon.upn.as_ref().unwrap_or(&logon.account)
}

/// Who was seen most often: a tie goes to the present primary if he is among the tied, else to the
/// one seen last. In a full list once is not enough, and neither is less than the least share.
fn most(
    window: &[LogonSeen],
    present: Option<PersonId>,
    people: &People,
    policy: &AffinityPolicy,
) -> Option<(PersonId, u8)> {
    let mut counts: BTreeMap<PersonId, (u8, usize)> = BTreeMap::new();
    for (place, logon) in window.iter().enumerate() {
        if let Some(person) = logon.person.filter(|&person| people.counts(person)) {
            let count = counts.entry(person).or_default();
            *count = (count.0 + 1, place);
        }
    }
    let (person, (times, _)) = counts
        .into_iter()
        .max_by_key(|&(person, (times, last))| (times, Some(person) == present, last))?;
    let full = window.len() >= WINDOW;
    let share = usize::from(times) * 100;
    if full && (times < 2 || share < usize::from(policy.min_share) * window.len()) {
        return None;
    }
    Some((person, times))
}

/// Blank readings and the machine's own accounts say nothing about people.
fn usable(account: &str) -> bool {
    let account = normal_address(account);
    let user = account.rsplit('\\').next().unwrap_or_default();
    // SYSTEM of a domain member is the computer's own account: `CORP\PC01$`, `PC01$@corp.local`.
    let user = user.split('@').next().unwrap_or_default();
    !user.is_empty()
        && !user.ends_with('$')
        && !matches!(user, "system" | "local service" | "network service")
}

/// Whether an address fits a pattern in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern = pattern.trim().to_lowercase();
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Adds or removes the flag of shared computers.
pub fn flag_shared(flags: &mut Vec<Flag>, shared: bool) {
    flags.retain(|flag| *flag != Flag::Shared);
    if shared {
        flags.push(Flag::Shared);
    }
}

#[cfg(test)]
mod tests;
