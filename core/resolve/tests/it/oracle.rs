//! The naive resolver: plain loops over the input, one subject at a time. It shares no code with
//! the fast one, only the types of its input.

use std::cmp::Reverse;

use chrono::NaiveDate;
use core_model::id::{DeploymentId, TenantId};
use core_model::library::{
    Deployment, DesiredState as State, DeviceClass, Enforcement, ItemId, Origin, RecommendedUse,
    SubjectId, SubjectKind, Target, TaskCategory,
};
use core_resolve::{AsOf, ComputerInput, FeedKind, RunKind};

use crate::estate::Estate;

mod membership;

/// In, unknown, out.
pub(crate) type Three = Option<bool>;
/// Origin, scope, type, class, enforcement, state, order, age, id.
type Key = (u8, i64, u8, u8, u8, u8, i32, Reverse<i64>, Reverse<DeploymentId>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Won,
    Blocks,
    /// To whom, and the number of the key.
    Lost(DeploymentId, usize),
    Waits(DeploymentId),
    Removed(&'static str),
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) won: Option<DeploymentId>,
    pub(crate) blocked: Option<DeploymentId>,
    pub(crate) ambiguous: bool,
    pub(crate) fates: Vec<(DeploymentId, Fate)>,
}

pub(crate) struct Oracle<'a>(pub(crate) &'a Estate);

fn and(parts: impl Iterator<Item = Three>) -> Three {
    let parts: Vec<Three> = parts.collect();
    if parts.contains(&Some(false)) {
        Some(false)
    } else if parts.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn or(parts: impl Iterator<Item = Three>) -> Three {
    and(parts.map(|part| part.map(|known| !known))).map(|known| !known)
}

impl Oracle<'_> {
    pub(crate) fn kind(&self, item: ItemId) -> SubjectKind {
        let ItemId::Task(id) = item else { return SubjectKind::Computer };
        match self.0.tasks.iter().find(|task| task.id == id).map(|task| task.category) {
            Some(TaskCategory::Person) => SubjectKind::Person,
            Some(TaskCategory::Tenant) => SubjectKind::Tenant,
            _ => SubjectKind::Computer,
        }
    }

    pub(crate) fn subjects(&self, kind: SubjectKind) -> Vec<SubjectId> {
        let input = &self.0.input;
        let known = |tenant: TenantId| input.tenants.iter().any(|other| other.id == tenant);
        match kind {
            SubjectKind::Computer => {
                input.computers.iter().filter(|c| known(c.tenant)).map(|c| c.id.into()).collect()
            }
            SubjectKind::Person => {
                input.persons.iter().filter(|p| known(p.tenant)).map(|p| p.id.into()).collect()
            }
            SubjectKind::Tenant => input.tenants.iter().map(|t| t.id.into()).collect(),
        }
    }

    fn there(&self, subject: SubjectId) -> bool {
        self.subjects(subject.kind()).contains(&subject)
    }

    fn computer(&self, subject: SubjectId) -> Option<&ComputerInput> {
        self.0.input.computers.iter().find(|computer| subject == computer.id.into())
    }

    fn tenant_of(&self, subject: SubjectId) -> TenantId {
        match subject {
            SubjectId::Computer(_) => self.computer(subject).unwrap().tenant,
            SubjectId::Person(id) => {
                self.0.input.persons.iter().find(|p| p.id == id).unwrap().tenant
            }
            SubjectId::Tenant(id) => id,
        }
    }

    fn parents(&self, tenant: TenantId) -> Vec<TenantId> {
        let (mut all, mut at) = (Vec::new(), tenant);
        while let Some(row) = self.0.input.tenants.iter().find(|row| row.id == at) {
            match row.parent {
                Some(up) if up != tenant && !all.contains(&up) && self.there(up.into()) => {
                    all.push(up);
                    at = up;
                }
                _ => break,
            }
        }
        all
    }

    fn day(&self, tenant: TenantId) -> NaiveDate {
        let row = self.0.input.tenants.iter().find(|row| row.id == tenant).unwrap();
        let zone = row.zone.as_ref().unwrap_or(&self.0.input.default_zone);
        match self.0.as_of {
            AsOf::Day(day) => day,
            AsOf::Instant(at) => {
                at.with_timezone(&zone.parse::<chrono_tz::Tz>().unwrap()).date_naive()
            }
        }
    }

    fn stale(&self, connection: &str, kind: FeedKind, tenant: TenantId, strict: bool) -> bool {
        let feeds = self.0.input.feeds.iter();
        let mut mine = feeds.filter(|f| f.connection == connection && f.kind == kind);
        let own = mine.clone().rfind(|feed| feed.tenant == Some(tenant));
        let Some(feed) = own.or_else(|| mine.rfind(|feed| feed.tenant.is_none())) else {
            return kind != FeedKind::Tags;
        };
        let limit = if strict { 24 } else { 48 };
        let old = feed
            .last_complete
            .is_none_or(|at| (self.0.input.known_at - at).num_seconds() > limit * 3600);
        feed.held || old || (strict && feed.failing)
    }

    fn user(&self, subject: SubjectId) -> Option<SubjectId> {
        let computer = self.computer(subject)?;
        let person = SubjectId::Person(computer.primary?);
        (self.there(person) && self.tenant_of(person) == computer.tenant).then_some(person)
    }

    pub(crate) fn inside(&self, s: SubjectId, d: &Deployment, strict: bool) -> Three {
        let owner = d.owner.is_none_or(|owner| {
            let target = Target::Tenant { tenant: owner.tenant, children: owner.children };
            self.member(s, &target, strict, true) == Some(true)
        });
        let target = self.member(s, &d.target, strict, true);
        and([Some(owner), target, self.of_class(s, &d.classes, strict)].into_iter())
    }

    fn scope(&self, target: &Target, tenant: TenantId) -> Option<i64> {
        match target {
            Target::Computer(_) => Some(1000),
            Target::Person(_) => Some(900),
            Target::Group(_) => Some(800),
            Target::Tenant { tenant: wanted, .. } if !self.there((*wanted).into()) => None,
            Target::Tenant { tenant: wanted, .. } if *wanted == tenant => Some(800),
            Target::Tenant { tenant: wanted, children } => {
                let up = self.parents(tenant).iter().position(|other| other == wanted)?;
                children.then(|| 700 - i64::try_from(up).unwrap())
            }
            Target::And(parts) => {
                let all: Option<Vec<i64>> =
                    parts.iter().map(|part| self.scope(part, tenant)).collect();
                Some(all?.into_iter().max().unwrap_or(0))
            }
            Target::Or(parts) => parts.iter().filter_map(|part| self.scope(part, tenant)).min(),
            _ => Some(0),
        }
    }

    fn picks(target: &Target) -> u8 {
        fn only_where(target: &Target) -> bool {
            match target {
                Target::All | Target::Tenant { .. } => true,
                Target::And(parts) | Target::Or(parts) => parts.iter().all(only_where),
                _ => false,
            }
        }
        match target {
            Target::Computer(_) | Target::Person(_) => 7,
            Target::Tag(_) => 6,
            Target::Group(_) => 5,
            Target::ConnectionGroup { .. } | Target::CustomProperty { .. } => 4,
            Target::Product { .. } => 3,
            Target::AgreementType { .. } => 2,
            Target::Filter(_) => 1,
            Target::And(parts) => {
                let picking =
                    parts.iter().filter(|p| !only_where(p) && !matches!(p, Target::Not(_)));
                picking.map(Self::picks).min().unwrap_or(0)
            }
            Target::Or(parts) => parts.iter().map(Self::picks).min().unwrap_or(0),
            _ => 0,
        }
    }

    fn key(&self, d: &Deployment, tenant: TenantId) -> Option<Key> {
        use DeviceClass as C;
        let mut scope = self.scope(&d.target, tenant)?;
        if let Some(owner) = d.owner {
            let owner = Target::Tenant { tenant: owner.tenant, children: owner.children };
            scope = scope.max(self.scope(&owner, tenant)?);
        }
        let has = |class: C| d.classes.contains(&class);
        let server =
            has(C::Servers) || has(C::DomainControllers) || has(C::PrimaryDomainControllers);
        let (work, portable) = (has(C::Workstations), has(C::Portable));
        let class = match (server, work, portable) {
            (false, false, false) => 0,
            (true, false, false) if has(C::Servers) => 2,
            (true, false, false) if has(C::DomainControllers) => 3,
            (true, false, false) => 4,
            (false, true, false) | (false, false, true) => 2,
            _ => 1,
        };
        let enforcement = match d.enforcement {
            Enforcement::Required => 3,
            Enforcement::Onboarding => 2,
            Enforcement::Optional { .. } => 1,
            Enforcement::AdHoc => 0,
        };
        let state = match d.state {
            State::Ignored => 4,
            State::Absent => 3,
            State::ThisVersion(_) => 2,
            State::UpdateIfFound => 0,
            _ => 1,
        };
        let origin = u8::from(d.origin == Origin::Own);
        let picks = Self::picks(&d.target);
        let age = Reverse(d.created_us);
        Some((origin, scope, picks, class, enforcement, state, d.order, age, Reverse(d.id)))
    }

    fn removed(&self, s: SubjectId, d: &Deployment, key: Option<&Key>) -> Option<&'static str> {
        let tenant = self.tenant_of(s);
        let row = self.0.input.tenants.iter().find(|row| row.id == tenant).unwrap();
        let task = match d.item {
            ItemId::Task(id) => Some(self.0.tasks.iter().find(|task| task.id == id)),
            ItemId::Software(_) => None,
        };
        let instanced = task.flatten().is_some_and(|task| task.instances);
        let named = match &self.0.run {
            RunKind::AdHoc(names) => {
                names.iter().any(|name| name.to_lowercase() == d.name.to_lowercase())
            }
            _ => false,
        };
        let for_onboarding = d.onboarding_only || d.enforcement == Enforcement::Onboarding;
        let off = d.connection.as_ref();
        let checks = [
            (self.computer(s).is_some_and(|computer| computer.excluded), "excluded"),
            (row.suspended, "suspended"),
            (
                task == Some(None)
                    || (d.instance.is_some() && !instanced)
                    || (!d.classes.is_empty() && s.kind() != SubjectKind::Computer),
                "broken",
            ),
            (!d.enabled, "disabled"),
            (off.is_some_and(|c| self.0.input.disabled_connections.contains_key(c)), "link"),
            (
                d.origin == Origin::Recommended && d.recommended != RecommendedUse::Approved,
                "not approved",
            ),
            (for_onboarding && self.0.run != RunKind::Onboarding, "onboarding"),
            (d.enforcement == Enforcement::AdHoc && !named, "not asked"),
            (
                matches!(&d.enforcement, Enforcement::Optional { approved } if !approved.contains(&s)),
                "not approved here",
            ),
            (key.is_none(), "out"),
            (key.is_some_and(|key| key.1 == 0) && row.excluded_from_cross_tenant, "opted out"),
            (!d.dates.contains(self.day(tenant)), "dates"),
        ];
        checks.into_iter().find(|(applies, _)| *applies).map(|(_, reason)| reason)
    }

    /// What holds for a subject, among the deployments of one item.
    pub(crate) fn resolve(&self, s: SubjectId, of_item: &[&Deployment]) -> Answer {
        let mut answer = Answer { won: None, blocked: None, ambiguous: false, fates: Vec::new() };
        let mut open = Vec::new();
        for d in of_item {
            let key = self.key(d, self.tenant_of(s));
            match (self.removed(s, d, key.as_ref()), key) {
                (None, Some(key)) => open.push((key, *d)),
                (reason, _) => answer.fates.push((d.id, Fate::Removed(reason.unwrap_or("out")))),
            }
        }
        open.sort_by_key(|(key, _)| Reverse(*key));
        let mut winner: Option<Key> = None;
        let mut doubt = false;
        for (key, d) in &open {
            let (lenient, strict) = (self.inside(s, d, false), self.inside(s, d, true));
            doubt |= strict.is_none();
            let fate = match (lenient, winner, answer.blocked) {
                (Some(false), ..) => Fate::Removed("out"),
                (Some(true), Some(best), _) => {
                    answer.ambiguous |= differs_at(&best, key) >= 6;
                    Fate::Lost(best.8.0, differs_at(&best, key))
                }
                (None, Some(_), _) | (None, _, Some(_)) => Fate::Removed("unknown"),
                (Some(true), None, Some(by)) => Fate::Waits(by),
                (Some(true), None, None) if d.state != State::Absent || !doubt => {
                    winner = Some(*key);
                    answer.won = Some(d.id);
                    Fate::Won
                }
                _ => {
                    answer.blocked = Some(d.id);
                    Fate::Blocks
                }
            };
            answer.fates.push((d.id, fate));
        }
        answer
    }
}

/// The number, from 1, of the first key on which two differ; age and id are one.
fn differs_at(a: &Key, b: &Key) -> usize {
    let same = [a.0 == b.0, a.1 == b.1, a.2 == b.2, a.3 == b.3, a.4 == b.4, a.5 == b.5, a.6 == b.6];
    same.iter().position(|same| !same).map_or(8, |at| at + 1)
}
