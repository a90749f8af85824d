//! Definitions in words, with names: for people who read a change.

use core_model::facts::ConnectionGroupKind;
use core_model::id::{ComputerId, GroupId, PersonId, TagId, TenantId};
use core_model::library::{ItemId, Ring, RingMembers, SubjectId, Target};
use core_toml::printable;

use crate::library::Library;
use crate::names::Names;

/// Whoever knows what ids are called.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    pub(crate) names: &'a Names,
    pub(crate) library: &'a Library,
}

impl Words<'_> {
    pub(crate) fn tenant(&self, id: TenantId) -> String {
        let named = self.names.tenants.get(&id);
        named.map_or_else(|| id.to_string(), |named| printable(&named.name))
    }

    pub(crate) fn computer(&self, id: ComputerId) -> String {
        self.of_tenant(self.names.computers.get(&id).map(|named| (&*named.name, named.scope)), id)
    }

    pub(crate) fn person(&self, id: PersonId) -> String {
        self.of_tenant(self.names.persons.get(&id).map(|named| (&*named.name, named.scope)), id)
    }

    fn group(&self, id: GroupId) -> String {
        self.of_tenant(self.names.groups.get(&id).map(|named| (&*named.name, named.scope)), id)
    }

    fn of_tenant(&self, named: Option<(&str, TenantId)>, id: impl std::fmt::Display) -> String {
        match named {
            Some((name, tenant)) => format!("{} at {}", printable(name), self.tenant(tenant)),
            None => id.to_string(),
        }
    }

    pub(crate) fn item(&self, item: ItemId) -> String {
        let (software, tasks) = (&self.library.software, &self.library.tasks);
        let name = match item {
            ItemId::Software(id) => software.iter().find(|one| one.id == id).map(|one| &one.name),
            ItemId::Task(id) => tasks.iter().find(|one| one.id == id).map(|one| &one.name),
        };
        name.map_or_else(|| item.to_string(), |name| printable(name))
    }

    fn tag(&self, id: TagId) -> String {
        let tag = self.library.tags.iter().find(|tag| tag.id == id);
        tag.map_or_else(|| id.to_string(), |tag| printable(&tag.name))
    }

    pub(crate) fn subject(&self, subject: SubjectId) -> String {
        match subject {
            SubjectId::Computer(id) => format!("computer {}", self.computer(id)),
            SubjectId::Person(id) => format!("person {}", self.person(id)),
            SubjectId::Tenant(id) => format!("tenant {}", self.tenant(id)),
        }
    }

    /// A ring: `5 %, soak 24 h, 80 % reached, halt above 2 % failures (2 at least)`.
    pub(crate) fn ring(&self, ring: &Ring) -> String {
        let who = match ring.members {
            RingMembers::Tag(tag) => format!("tag {}", self.tag(tag)),
            RingMembers::Percent(percent) => format!("{percent} %"),
        };
        let name = Some(printable(&ring.name)).filter(|name| !name.is_empty());
        let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
        format!(
            "{name}{who}, soak {} h, {} % reached, halt above {} % failures ({} at least)",
            ring.soak_hours, ring.reached_percent, ring.failures_percent, ring.failures_minimum
        )
    }

    /// A target: `group Sales at Contoso except tag kiosk`.
    pub(crate) fn target(&self, target: &Target) -> String {
        let inherited = |children: bool| if children { ", inherited by children" } else { "" };
        match target {
            Target::All => "all".to_owned(),
            Target::Computer(id) => format!("computer {}", self.computer(*id)),
            Target::Person(id) => format!("person {}", self.person(*id)),
            Target::Tenant { tenant, children } => {
                let more = if *children { " with its children" } else { "" };
                format!("tenant {}{more}", self.tenant(*tenant))
            }
            Target::Group(id) => format!("group {}", self.group(*id)),
            Target::Tag(id) => format!("tag {}", self.tag(*id)),
            Target::AgreementType { connection, name, children } => {
                let of = connection.as_ref().map(|name| format!(" of {}", printable(name)));
                let of = of.unwrap_or_default();
                format!("agreement {}{of}{}", printable(name), inherited(*children))
            }
            Target::Product { product, children } => {
                let named = self.names.products.get(product);
                let name = named.map_or_else(|| product.to_string(), |one| printable(&one.name));
                format!("product {name}{}", inherited(*children))
            }
            Target::ConnectionGroup { connection, kind, key } => {
                let id = (connection.clone(), *kind, key.clone());
                let named = self.names.connection_groups.get(&id);
                let name = printable(named.map_or(key.as_str(), |named| &named.name));
                let what = match kind {
                    ConnectionGroupKind::Group => "agent group",
                    ConnectionGroupKind::Location => "location",
                };
                format!("{what} {name} of {}", printable(connection))
            }
            Target::CustomProperty { connection, name, value } => {
                let connection = printable(connection);
                format!("property {} = {} of {connection}", printable(name), printable(value))
            }
            Target::Filter(text) => format!("filter `{}`", printable(text)),
            Target::And(parts) => match parts.as_slice() {
                [one, Target::Not(out)] => format!("{} except {}", self.part(one), self.part(out)),
                _ => self.joined(parts, " and ", "all"),
            },
            Target::Or(parts) => self.joined(parts, " or ", "nobody"),
            Target::Not(part) => format!("not {}", self.part(part)),
        }
    }

    fn joined(&self, parts: &[Target], by: &str, none: &str) -> String {
        if parts.is_empty() {
            return none.to_owned();
        }
        parts.iter().map(|part| self.part(part)).collect::<Vec<_>>().join(by)
    }

    /// A part of a composed target: in brackets, where it is one itself.
    fn part(&self, target: &Target) -> String {
        match target {
            Target::And(_) | Target::Or(_) => format!("({})", self.target(target)),
            _ => self.target(target),
        }
    }
}
