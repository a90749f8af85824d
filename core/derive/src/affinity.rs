//! Affinity: who uses a computer, from the last ten logons seen at it.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use core_model::entity::{Flag, LogonSeen, Person, Primary, PrimaryReason};
use core_model::facts::AccountKind;
use core_model::id::PersonId;
use core_model::names::normal_address;

use crate::input::LogonInput;
use crate::policy::AffinityPolicy;

/// How many logons a computer remembers.
pub const WINDOW: usize = 10;

/// The persons of a tenant, by every account name they are or were known by.
#[derive(Debug, Default)]
pub struct People {
    by_address: HashMap<String, Vec<(Claim, PersonId)>>,
    by_on_premises: HashMap<String, Vec<(String, PersonId)>>,
    known: HashMap<PersonId, Known>,
}

/// What matters of a person.
#[derive(Clone, Copy, Debug)]
struct Known {
    counts: bool,
    gone: bool,
}

/// How an address belongs to a person; the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    Now,
    Earlier,
    Alias,
}

/// A person's claim to an address: how he holds it, and, after those who are there, whether he is
/// gone. An account that was deleted and created again is the new one's.
type Claim = (Held, bool);

impl People {
    /// Indexes the persons of one tenant.
    #[must_use]
    pub fn of(persons: &[Person], policy: &AffinityPolicy) -> Self {
        let mut people = Self::default();
        for person in persons {
            let upn = normal_address(&person.upn);
            let ignored = policy.ignore_upns.iter().any(|pattern| matches(pattern, &upn));
            let counts = !person.gone
                && !person.disabled
                && person.account == AccountKind::Member
                && !ignored;
            people.known.insert(person.id, Known { counts, gone: person.gone });
            people.add(&upn, (Held::Now, person.gone), person.id);
            for earlier in &person.earlier_upns {
                people.add(earlier, (Held::Earlier, person.gone), person.id);
            }
            for alias in &person.addresses {
                people.add(alias, (Held::Alias, person.gone), person.id);
            }
            if let Some((domain, user)) =
                person.on_premises.as_deref().and_then(|a| a.split_once('\\'))
            {
                let entry = people.by_on_premises.entry(user.to_owned()).or_default();
                entry.push((domain.to_owned(), person.id));
            }
        }
        people
    }

    fn add(&mut self, address: &str, claim: Claim, person: PersonId) {
        let holders = self.by_address.entry(address.to_owned()).or_default();
        if !holders.iter().any(|(_, known)| *known == person) {
            holders.push((claim, person));
            holders.sort_unstable();
        }
    }

    /// The person of an account as printed: a UPN, or `DOMAIN\user` by the on-premises account.
    /// `None` where it is nobody's, or could be two people's.
    #[must_use]
    pub fn find(&self, account: &str) -> Option<PersonId> {
        let account = normal_address(account);
        if let Some((domain, user)) = account.split_once('\\') {
            let of_domain: Vec<PersonId> = self
                .by_on_premises
                .get(user)?
                .iter()
                .filter(|(dns, _)| dns == domain || may_be_net_bios(domain, dns))
                .map(|(_, person)| *person)
                .collect();
            return if let [only] = of_domain[..] { Some(only) } else { None };
        }
        match self.by_address.get(&account)?.as_slice() {
            [(_, only)] => Some(*only),
            [(first, person), (second, _), ..] if first < second => Some(*person),
            _ => None,
        }
    }

    fn counts(&self, person: PersonId) -> bool {
        self.known.get(&person).is_some_and(|known| known.counts)
    }

    /// Of this tenant, and not gone.
    fn is_here(&self, person: PersonId) -> bool {
        self.known.get(&person).is_some_and(|known| !known.gone)
    }
}

/// What came out for one computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affinity {
    /// The last ten logons, newest last.
    pub logons: Vec<LogonSeen>,
    /// Who uses it.
    pub primary: Option<Primary>,
    /// Used by many.
    pub shared: bool,
}

/// Computes the logons and the primary person of one computer from the logons of its agents, in
/// any order. Logons before the last wipe are somebody else's. `pinned` is what a human decided:
/// somebody, or nobody.
#[must_use]
pub fn affinity(
    logons: &[LogonInput],
    wiped: Option<DateTime<Utc>>,
    pinned: Option<Option<PersonId>>,
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
        let seen = LogonSeen {
            account: normal_address(&logon.account),
            person: people.find(&logon.account),
            at: DateTime::from_timestamp_micros(logon.at_us).unwrap_or_default(),
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
    pinned: Option<Option<PersonId>>,
    people: &People,
    policy: &AffinityPolicy,
) -> Affinity {
    let found = most(&window, present, people, policy);
    let counted =
        window.iter().any(|logon| logon.person.is_some_and(|person| people.counts(person)));
    let shared = counted && found.is_none() && window.len() >= WINDOW;
    let of = u8::try_from(window.len()).unwrap_or(u8::MAX);
    // A pin does not outlive the person, and never reaches into another tenant.
    let primary = match pinned.filter(|pinned| pinned.is_none_or(|who| people.is_here(who))) {
        Some(pinned) => pinned.map(|person| Primary { person, reason: PrimaryReason::Pinned }),
        None => found
            .map(|(person, times)| Primary { person, reason: PrimaryReason::Most { times, of } }),
    };
    Affinity { logons: window, primary, shared }
}

/// The same account again within one collection interval is the same observation, whoever saw it.
fn repeats(window: &[LogonSeen], seen: &LogonSeen, policy: &AffinityPolicy) -> bool {
    let same = |logon: &&LogonSeen| {
        logon.account == seen.account || (logon.person.is_some() && logon.person == seen.person)
    };
    let Some(last) = window.iter().rev().find(same) else { return false };
    (seen.at - last.at).num_microseconds().is_some_and(|gap| gap < policy.interval_us)
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

/// Whether a NetBIOS name is one of this DNS domain: a label of it, cut to 15 characters. Windows
/// proposes the first label; `ad.contoso.com` is commonly CONTOSO all the same.
fn may_be_net_bios(name: &str, dns: &str) -> bool {
    dns.split('.').any(|label| label.chars().take(15).eq(name.chars()))
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
