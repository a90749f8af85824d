//! Who an account is, or was when it was seen.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use core_model::entity::Person;
use core_model::facts::AccountKind;
use core_model::id::PersonId;
use core_model::names::normal_address;

use super::matches;
use crate::accounts::Answers;
use crate::policy::AffinityPolicy;

/// The persons of a tenant, by every account name they are or were known by.
#[derive(Debug, Default)]
pub struct People {
    by_address: HashMap<String, Vec<Claim>>,
    by_on_premises: HashMap<String, Vec<(String, PersonId)>>,
    /// Domains with the NetBIOS names that are known to be theirs.
    net_bios: HashMap<String, Vec<String>>,
    known: HashMap<PersonId, Known>,
    /// What the tenant's domain controllers told.
    answers: Answers,
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

/// A person's claim to an address. Claims that no date settles are ranked in the order of the
/// fields: who is gone comes after those who are there, for an account that was deleted and created
/// again is the new one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    held: Held,
    gone: bool,
    person: PersonId,
    /// Since when he held it, where that is known.
    from: Option<DateTime<Utc>>,
    /// Until when; for ever where absent.
    until: Option<DateTime<Utc>>,
}

impl Claim {
    /// Whether it was his UPN then. Of further addresses nobody knows since when they are his, and
    /// of somebody who is gone without a date nobody knows until when.
    fn held_at(&self, at: DateTime<Utc>) -> bool {
        let dated = self.held != Held::Alias && (!self.gone || self.until.is_some());
        dated
            && self.from.is_none_or(|from| from <= at)
            && self.until.is_none_or(|until| at < until)
    }
}

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
            people.add_person(person, &upn);
        }
        for claims in people.by_address.values_mut() {
            claims.sort_unstable();
        }
        people
    }

    /// The same people, knowing which NetBIOS name is which domain's: (NetBIOS, DNS), as the
    /// directory's own groups say.
    #[must_use]
    pub fn in_domains<'a>(mut self, names: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        for (net_bios, dns) in names {
            let known = self.net_bios.entry(dns.to_lowercase()).or_default();
            let net_bios = net_bios.to_lowercase();
            if !known.contains(&net_bios) {
                known.push(net_bios);
            }
        }
        self
    }

    /// The same people, knowing what the tenant's domain controllers told of accounts.
    #[must_use]
    pub fn answered(mut self, answers: Answers) -> Self {
        self.answers = answers;
        self
    }

    fn add_person(&mut self, person: &Person, upn: &str) {
        let claim =
            |held, from, until| Claim { held, gone: person.gone, person: person.id, from, until };
        let mut from = None;
        for earlier in &person.earlier_upns {
            self.add(&earlier.upn, claim(Held::Earlier, from, Some(earlier.until)));
            from = Some(earlier.until);
        }
        self.add(upn, claim(Held::Now, from, person.gone_since));
        for alias in &person.addresses {
            self.add(alias, claim(Held::Alias, None, None));
        }
        if let Some((domain, user)) = person.on_premises.as_deref().and_then(|a| a.split_once('\\'))
        {
            let entry = self.by_on_premises.entry(user.to_owned()).or_default();
            entry.push((domain.to_owned(), person.id));
        }
    }

    fn add(&mut self, address: &str, claim: Claim) {
        self.by_address.entry(address.to_owned()).or_default().push(claim);
    }

    /// The person of an account as printed at that time: a UPN, or `DOMAIN\user` by the on-premises
    /// account or by what a domain controller told. A UPN is its holder's of that time; where the time
    /// tells nobody, it is the present holder's, else that of the only one who had it. `None` where it
    /// is nobody's, or could be two people's.
    #[must_use]
    pub fn find(&self, account: &str, at: DateTime<Utc>) -> Option<PersonId> {
        let account = normal_address(account);
        if !account.contains('\\') {
            return self.holder_of(&account, at);
        }
        self.synced(&account).or_else(|| self.holder_of(self.answers.upn(&account, at)?, at))
    }

    /// The UPN of an account of a domain as a domain controller told it, where the directory does not
    /// say whose it is.
    pub(super) fn told(&self, account: &str, at: DateTime<Utc>) -> Option<&str> {
        let account = normal_address(account);
        let known = !account.contains('\\') || self.synced(&account).is_some();
        if known { None } else { self.answers.upn(&account, at) }
    }

    fn holder_of(&self, address: &str, at: DateTime<Utc>) -> Option<PersonId> {
        let claims = self.by_address.get(address)?;
        holder(claims, at).unwrap_or_else(|| surest(claims))
    }

    /// The only person whose cloud account is synced from this account of a domain.
    fn synced(&self, account: &str) -> Option<PersonId> {
        let (domain, user) = account.split_once('\\')?;
        let persons = self.by_on_premises.get(user)?.iter();
        let mut of_domain =
            persons.filter(|(dns, _)| dns == domain || self.is_net_bios(domain, dns));
        let (_, only) = of_domain.next()?;
        of_domain.next().is_none().then_some(*only)
    }

    /// Whether a NetBIOS name is one of this DNS domain: as the directory says, or, where it says
    /// nothing of that domain, as Windows proposes.
    fn is_net_bios(&self, name: &str, dns: &str) -> bool {
        match self.net_bios.get(dns) {
            Some(known) => known.iter().any(|known| known == name),
            None => may_be_net_bios(name, dns),
        }
    }

    /// Whether he may be somebody's primary person.
    pub(super) fn counts(&self, person: PersonId) -> bool {
        self.known.get(&person).is_some_and(|known| known.counts)
    }

    /// Of this tenant, and not gone.
    pub(super) fn is_here(&self, person: PersonId) -> bool {
        self.known.get(&person).is_some_and(|known| !known.gone)
    }

    /// Of this tenant, gone or not.
    pub(super) fn is_known(&self, person: PersonId) -> bool {
        self.known.contains_key(&person)
    }
}

/// The one whose UPN it was at that time: nobody may have a UPN before its holder has given it up,
/// so of several the one who gave it up first. None where the dates say nothing; none inside where
/// they name two.
fn holder(claims: &[Claim], at: DateTime<Utc>) -> Option<Option<PersonId>> {
    let end = |claim: &Claim| claim.until.unwrap_or(DateTime::<Utc>::MAX_UTC);
    let held = || claims.iter().filter(|claim| claim.held_at(at));
    let first = held().map(end).min()?;
    let mut holders = held().filter(|claim| end(claim) == first).map(|claim| claim.person);
    let holder = holders.next()?;
    Some(holders.all(|other| other == holder).then_some(holder))
}

/// By how the address is theirs, without dates.
fn surest(claims: &[Claim]) -> Option<PersonId> {
    let first = claims.first()?;
    let rank = |claim: &Claim| (claim.held, claim.gone);
    let mut equal = claims.iter().filter(|claim| rank(claim) == rank(first));
    equal.all(|claim| claim.person == first.person).then_some(first.person)
}

/// Whether a NetBIOS name may be one of this DNS domain: a label of it, cut to 15 characters.
/// Windows proposes the first label; `ad.contoso.com` is commonly CONTOSO all the same.
fn may_be_net_bios(name: &str, dns: &str) -> bool {
    dns.split('.').any(|label| label.chars().take(15).eq(name.chars()))
}
