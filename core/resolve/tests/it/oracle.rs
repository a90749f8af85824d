//! The naive resolver: plain loops over the input, one subject at a time. It shares no code with
//! the fast one, only the types of its input.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::NaiveDate;
use core_model::facts::{AgreementState, ChassisClass, Coverage, DeviceRole};
use core_model::id::{DeploymentId, GroupId, TenantId};
use core_model::library::{
    Deployment, DesiredState as State, DeviceClass, Enforcement, ItemId, Origin, RecommendedUse,
    SubjectId, SubjectKind, Target, TaskCategory,
};
use core_resolve::{AsOf, ComputerInput, Fact, Facts, FeedKind, Member, RunKind};

use crate::estate::Estate;

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
    parts.fold(Some(true), |all, part| match (all, part) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (None, _) | (_, None) => None,
        _ => Some(true),
    })
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

    /// Whether one of whom `wanted` says so uses the subject, or is it.
    fn by_person(&self, s: SubjectId, strict: bool, wanted: &dyn Fn(SubjectId) -> bool) -> Three {
        if s.kind() == SubjectKind::Person {
            return Some(wanted(s));
        }
        let tenant = self.tenant_of(s);
        if self.stale("", FeedKind::Affinity, tenant, strict) {
            let mut persons = self.subjects(SubjectKind::Person).into_iter();
            let any = persons.any(|person| self.tenant_of(person) == tenant && wanted(person));
            return if any { None } else { Some(false) };
        }
        Some(self.user(s).is_some_and(wanted))
    }

    fn holds(&self, group: GroupId, member: Member, seen: &mut BTreeSet<GroupId>) -> bool {
        let Some(row) = self.0.input.groups.iter().find(|row| row.id == group) else {
            return false;
        };
        seen.insert(group)
            && row.members.iter().any(|other| match other {
                Member::Group(inner) => self.holds(*inner, member, seen),
                other => *other == member,
            })
    }

    fn in_group(&self, s: SubjectId, group: GroupId, strict: bool) -> Three {
        let row = self.0.input.groups.iter().find(|row| row.id == group).unwrap();
        let holds = |member| self.holds(group, member, &mut BTreeSet::new());
        let person = |person| match person {
            SubjectId::Person(id) => holds(Member::Person(id)),
            _ => false,
        };
        let device = matches!(s, SubjectId::Computer(id) if holds(Member::Device(id)));
        let truth = if device { Some(true) } else { self.by_person(s, strict, &person) };
        if !self.stale(&row.directory.connection, FeedKind::Directory, row.tenant, strict) {
            return truth;
        }
        let tenant = self.tenant_of(s);
        let input = &self.0.input;
        let mut persons = input.persons.iter().filter(|p| p.directory == row.directory);
        let mut groups = input.groups.iter().filter(|g| g.directory == row.directory);
        let served =
            persons.any(|p| p.tenant == tenant) || groups.any(|group| group.tenant == tenant);
        if served || truth != Some(false) { None } else { Some(false) }
    }

    fn tagged(&self, s: SubjectId, tag: core_model::id::TagId, strict: bool) -> Three {
        let tag = self.0.input.tags.iter().find(|other| other.id == tag).unwrap();
        let tenant = self.tenant_of(s);
        if self.stale("", FeedKind::Tags, tenant, strict) {
            return None;
        }
        let carries = |s: SubjectId| match s {
            SubjectId::Computer(id) => tag.computers.contains(&id),
            SubjectId::Person(id) => tag.persons.contains(&id),
            SubjectId::Tenant(id) => tag.tenants.contains(&id),
        };
        let direct = carries(s) || carries(tenant.into());
        let Some(computer) = self.computer(s) else { return Some(direct) };
        let unread = if computer.tags_read { Some(false) } else { None };
        or([Some(direct), self.by_person(s, strict, &carries), unread].into_iter())
    }

    fn covered(&self, s: SubjectId, leaf: &Target, strict: bool) -> Three {
        let input = &self.0.input;
        let tenant = self.tenant_of(s);
        let (children, connections) = match leaf {
            Target::Product { children, .. } => (*children, vec!["psa"]),
            Target::AgreementType { children, connection: Some(name), .. } => {
                (*children, vec![name.as_str()])
            }
            Target::AgreementType { children, .. } => (*children, vec!["psa"]),
            _ => unreachable!(),
        };
        let mut sources = vec![tenant];
        if children {
            sources.extend(self.parents(tenant));
        }
        let stale = |t: &TenantId| {
            connections.iter().any(|c| self.stale(c, FeedKind::Agreements, *t, strict))
        };
        if sources.iter().any(stale) {
            return None;
        }
        let live = |a: &&core_model::entity::Agreement| !a.gone;
        let active = |a: &core_model::entity::Agreement, day| {
            a.state == AgreementState::Active && a.dates.contains(day)
        };
        let mine = |owner: Option<TenantId>| {
            owner.filter(|owner| sources.contains(owner) && self.there((*owner).into()))
        };
        let covers = |a: &core_model::entity::Agreement| match (&a.coverage, s) {
            (Coverage::All, _) | (_, SubjectId::Tenant(_)) => true,
            (_, SubjectId::Person(_)) => false,
            (Coverage::Assets(keys), SubjectId::Computer(_)) => {
                let assets = &self.computer(s).unwrap().assets;
                assets.iter().any(|(_, key)| keys.iter().any(|other| **other == **key))
            }
        };
        match leaf {
            Target::AgreementType { name, .. } => {
                Some(input.agreements.iter().filter(live).any(|a| {
                    let of_type = a
                        .agreement_type
                        .as_ref()
                        .is_some_and(|own| own.to_lowercase() == name.to_lowercase());
                    let owner = mine(a.tenant);
                    of_type && owner.is_some_and(|owner| active(a, self.day(owner))) && covers(a)
                }))
            }
            Target::Product { product, .. } => {
                let key = input.products.iter().find(|p| p.id == *product).unwrap().key.clone();
                let lines =
                    input.lines.iter().filter(|l| !l.gone && l.product == Some(key.clone()));
                or(lines.map(|line| {
                    let agreement = line.agreement.as_ref();
                    let found =
                        input.agreements.iter().filter(live).find(|a| Some(&a.key) == agreement);
                    let owner = mine(found.and_then(|a| a.tenant).or(line.tenant));
                    let Some(owner) = owner else { return Some(false) };
                    let day = self.day(owner);
                    let holds =
                        !line.inactive && line.quantity.thousandths > 0 && line.dates.contains(day);
                    match (agreement, found) {
                        _ if !holds => Some(false),
                        (Some(_), None) => None,
                        (_, Some(a)) => Some(active(a, day) && covers(a)),
                        (None, None) => Some(true),
                    }
                }))
            }
            _ => unreachable!(),
        }
    }

    fn filter(&self, s: SubjectId, text: &str, strict: bool) -> Three {
        let input = &self.0.input;
        let tenant = self.tenant_of(s);
        let person = match s {
            SubjectId::Person(_) => Some(s),
            _ => self.user(s),
        };
        let person = person.and_then(|p| input.persons.iter().find(|row| p == row.id.into()));
        if text == "computer.os ==" {
            return None;
        }
        if let Some(computer) = self.computer(s) {
            let fresh = computer.inventory.as_ref();
            let fresh =
                fresh.is_some_and(|from| !self.stale(from, FeedKind::Inventory, tenant, strict));
            if text.contains("computer.") && !fresh {
                return None;
            }
        }
        if text.contains("person.") && s.kind() != SubjectKind::Tenant {
            let affinity = s.kind() == SubjectKind::Computer
                && self.stale("", FeedKind::Affinity, tenant, strict);
            let stale = |p: &core_resolve::PersonInput| {
                self.stale(&p.directory.connection, FeedKind::Directory, p.tenant, strict)
            };
            if affinity || person.is_some_and(stale) {
                return None;
            }
        }
        let read = |facts: &Facts, name: &str| {
            facts.iter().find(|(other, _)| &**other == name).map(|(_, fact)| fact.clone())
        };
        let row = input.tenants.iter().find(|row| row.id == tenant).unwrap();
        let computer = |name: &str| self.computer(s).and_then(|c| read(&c.facts, name));
        let is = |fact: Option<Fact>, text: &str| fact.map(|fact| fact == Fact::text(text));
        match text {
            "computer.os == 'Windows 11'" => is(computer("os"), "Windows 11"),
            "computer.ram >= 16" => computer("ram").map(|ram| ram >= Fact::Int(16)),
            "person.department == 'Sales'" => {
                is(person.and_then(|p| read(&p.facts, "department")), "Sales")
            }
            "tenant.tier == 'gold' || computer.os == 'Windows 10'" => {
                or([is(read(&row.facts, "tier"), "gold"), is(computer("os"), "Windows 10")]
                    .into_iter())
            }
            "person.name.startsWith('P1') && tenant.name != 'T0'" => {
                and([person.map(|person| person.name.starts_with("P1")), Some(row.name != "T0")]
                    .into_iter())
            }
            _ => None,
        }
    }

    fn gone(&self, kind: SubjectKind, leaf: &Target) -> bool {
        let input = &self.0.input;
        match leaf {
            Target::Computer(id) => kind != SubjectKind::Computer || !self.there((*id).into()),
            Target::Person(id) => kind == SubjectKind::Tenant || !self.there((*id).into()),
            Target::Tenant { tenant, .. } => !self.there((*tenant).into()),
            Target::Group(id) => {
                kind == SubjectKind::Tenant || !input.groups.iter().any(|group| group.id == *id)
            }
            Target::Tag(id) => !input.tags.iter().any(|tag| tag.id == *id),
            Target::Product { product, .. } => {
                !input.products.iter().any(|other| other.id == *product && !other.gone)
            }
            Target::AgreementType { name, connection, .. } => !input.agreements.iter().any(|a| {
                let of_type = a.agreement_type.as_ref();
                !a.gone
                    && of_type.is_some_and(|own| own.to_lowercase() == name.to_lowercase())
                    && connection.as_ref().is_none_or(|wanted| *wanted == a.connection)
            }),
            Target::ConnectionGroup { key, .. } => {
                kind != SubjectKind::Computer
                    || !input.connection_groups.iter().any(|group| *group.key == **key)
            }
            Target::CustomProperty { .. } => kind != SubjectKind::Computer,
            _ => false,
        }
    }

    pub(crate) fn member(
        &self,
        s: SubjectId,
        target: &Target,
        strict: bool,
        positive: bool,
    ) -> Three {
        let part = |part: &Target| self.member(s, part, strict, positive);
        let gone = self.gone(s.kind(), target);
        if gone && !matches!(target, Target::AgreementType { .. }) {
            return Some(!positive);
        }
        let tenant = self.tenant_of(s);
        let has_agent = |connection: &str| {
            let agents = self.computer(s).map(|computer| computer.agents.as_slice());
            let agents = agents.unwrap_or_default().iter();
            agents.filter(|agent| *agent.connection == *connection).collect::<Vec<_>>()
        };
        match target {
            Target::All => Some(true),
            Target::Computer(id) => Some(s == (*id).into()),
            Target::Person(id) => self.by_person(s, strict, &|person| person == (*id).into()),
            Target::Tenant { tenant: wanted, children } => {
                Some(*wanted == tenant || (*children && self.parents(tenant).contains(wanted)))
            }
            Target::Group(group) => self.in_group(s, *group, strict),
            Target::Tag(tag) => self.tagged(s, *tag, strict),
            Target::AgreementType { .. } | Target::Product { .. } => {
                let truth = self.covered(s, target, strict);
                if gone && !positive && truth.is_some() { Some(true) } else { truth }
            }
            Target::ConnectionGroup { connection, key, .. } => {
                let stale = self.stale(connection, FeedKind::ConnectionGroups, tenant, strict);
                let mut agents = has_agent(connection).into_iter();
                let known = agents.any(|a| a.groups.iter().any(|(_, other)| **other == **key));
                (!stale).then_some(known)
            }
            Target::CustomProperty { connection, value, .. } => {
                if self.stale(connection, FeedKind::Properties, tenant, strict) {
                    return None;
                }
                or(has_agent(connection).into_iter().map(|agent| {
                    let properties = agent.properties.as_ref()?;
                    Some(properties.iter().any(|(_, other)| **other == **value))
                }))
            }
            Target::Filter(text) => self.filter(s, text, strict),
            Target::And(parts) => and(parts.iter().map(part)),
            Target::Or(parts) => or(parts.iter().map(part)),
            Target::Not(inner) => self.member(s, inner, strict, !positive).map(|known| !known),
        }
    }

    fn of_class(&self, s: SubjectId, classes: &BTreeSet<DeviceClass>, strict: bool) -> Three {
        let Some(computer) = self.computer(s).filter(|_| !classes.is_empty()) else {
            return Some(true);
        };
        // The five things that a computer can be, and which of them the facts leave open.
        let fits = |kind: usize| {
            let by_role = match computer.role {
                None => true,
                Some(DeviceRole::Workstation) => kind <= 1,
                Some(DeviceRole::Server) => kind == 2,
                Some(DeviceRole::DomainController) => kind >= 3,
            };
            let by_chassis = match computer.chassis {
                None => true,
                Some(ChassisClass::Portable) => kind != 0,
                Some(_) => kind != 1,
            };
            by_role && by_chassis && computer.primary_controller.is_none_or(|p| p == (kind == 4))
        };
        let mut open: Vec<usize> = (0..5).filter(|kind| fits(*kind)).collect();
        if open.is_empty() {
            open = (0..5).collect();
        }
        let wanted = |kind: usize| {
            classes.iter().any(|class| match class {
                DeviceClass::Workstations => kind == 0,
                DeviceClass::Portable => kind == 1,
                DeviceClass::Servers => kind >= 2,
                DeviceClass::DomainControllers => kind >= 3,
                DeviceClass::PrimaryDomainControllers => kind == 4,
            })
        };
        if (0..5).all(wanted) {
            return Some(true);
        }
        let from = computer.inventory.as_ref();
        if from.is_none_or(|from| self.stale(from, FeedKind::Inventory, computer.tenant, strict)) {
            return None;
        }
        match open.iter().filter(|kind| wanted(**kind)).count() {
            0 => Some(false),
            count if count == open.len() => Some(true),
            _ => None,
        }
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
