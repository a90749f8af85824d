//! Membership, as plainly as it can be said.

use std::collections::BTreeSet;

use core_model::facts::{AgreementState, ChassisClass, Coverage, DeviceRole};
use core_model::id::{GroupId, TenantId};
use core_model::library::{DeviceClass, SubjectId, SubjectKind, Target};
use core_resolve::{Fact, Facts, FeedKind, Member};

use super::{Oracle, Three, and, or};

impl Oracle<'_> {
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
        self.sold_to(s, leaf, &sources)
    }

    fn sold_to(&self, s: SubjectId, leaf: &Target, sources: &[TenantId]) -> Three {
        let input = &self.0.input;
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

    pub(super) fn of_class(
        &self,
        s: SubjectId,
        classes: &BTreeSet<DeviceClass>,
        strict: bool,
    ) -> Three {
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
}
