//! Ids to what is written for them, and targets.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use core_model::facts::ConnectionGroupKind;
use core_model::id::{
    ComputerId, DeploymentId, GroupId, PersonId, ProductId, SoftwareId, TagId, TaskId, TenantId,
};
use core_model::library::{ItemId, SubjectId, Target};
use core_toml::printable;

use super::text::{list, quoted};
use crate::library::Library;
use crate::names::{Index, Names};
use crate::read::KEY;
use crate::words::Words;

/// What is written for an id: keys with values, and comments.
#[derive(Default)]
pub(super) struct Reference {
    pub(super) pairs: Vec<(String, String)>,
    pub(super) notes: Vec<String>,
}

impl Reference {
    fn of(key: &str, value: String) -> Self {
        Self { pairs: vec![(key.to_owned(), value)], notes: Vec::new() }
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        self.pairs.push((key.to_owned(), value.to_owned()));
        self
    }

    /// As an inline table.
    pub(super) fn inline(&self) -> String {
        let pairs = self.pairs.iter().map(|(key, value)| format!("{key} = {value}"));
        format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
    }

    /// As a value alone, where it says nothing but that.
    pub(super) fn lone(&self) -> String {
        match self.pairs.as_slice() {
            [(_, value)] => value.clone(),
            _ => self.inline(),
        }
    }
}

/// Whoever knows what to write for ids.
pub(super) struct References<'a> {
    names: &'a Names,
    words: Words<'a>,
    software: BTreeMap<SoftwareId, &'a str>,
    tasks: BTreeMap<TaskId, &'a str>,
    tags: BTreeMap<TagId, &'a str>,
    deployments: BTreeMap<DeploymentId, &'a str>,
}

impl<'a> References<'a> {
    /// What files call a tag.
    pub(super) fn tag(&self, id: &TagId) -> String {
        defined(&self.tags, id)
    }

    pub(super) fn new(library: &'a Library, names: &'a Names) -> Self {
        Self {
            names,
            words: Words { names, library },
            software: library.software.iter().map(|one| (one.id, one.name.as_str())).collect(),
            tasks: library.tasks.iter().map(|one| (one.id, one.name.as_str())).collect(),
            tags: library.tags.iter().map(|one| (one.id, one.name.as_str())).collect(),
            deployments: library
                .deployments
                .iter()
                .map(|one| (one.id, one.name.as_str()))
                .collect(),
        }
    }

    pub(super) fn item(&self, item: ItemId) -> (&'static str, String) {
        match item {
            ItemId::Software(id) => ("software", defined(&self.software, &id)),
            ItemId::Task(id) => ("task", defined(&self.tasks, &id)),
        }
    }

    pub(super) fn deployment(&self, id: DeploymentId) -> String {
        defined(&self.deployments, &id)
    }

    pub(super) fn tenant(&self, key: &str, id: TenantId) -> Reference {
        match name(&self.names.tenants, &id, None) {
            Some(name) => Reference::of(key, quoted(name)),
            None => self.by_id(key, id, self.words.tenant(id)),
        }
    }

    pub(super) fn computer(&self, id: ComputerId, home: Option<TenantId>) -> Reference {
        let words = self.words.computer(id);
        self.of_tenant(("computer", id), &self.names.computers, home, words)
    }

    pub(super) fn person(&self, id: PersonId, home: Option<TenantId>) -> Reference {
        let words = self.words.person(id);
        self.of_tenant(("person", id), &self.names.persons, home, words)
    }

    pub(super) fn subject(&self, subject: SubjectId) -> Reference {
        match subject {
            SubjectId::Computer(id) => self.computer(id, None),
            SubjectId::Person(id) => self.person(id, None),
            SubjectId::Tenant(id) => self.tenant("tenant", id),
        }
    }

    fn group(&self, id: GroupId, home: Option<TenantId>) -> Reference {
        let named = self.names.groups.get(&id);
        let words = named.map_or_else(
            || id.to_string(),
            |named| format!("{} at {}", named.name, self.words.tenant(named.scope)),
        );
        self.of_tenant(("group", id), &self.names.groups, home, words)
    }

    /// A thing of a tenant: by its name there, if that is its alone; the tenant is left out where
    /// names are looked up there anyway.
    fn of_tenant<I>(
        &self,
        (key, id): (&str, I),
        index: &Index<I, TenantId>,
        home: Option<TenantId>,
        words: String,
    ) -> Reference
    where
        I: Clone + Ord + Display + FromStr,
    {
        // One of a tenant that is gone is found by nothing but its id.
        let tenant = index.get(&id).map(|named| named.scope);
        let tenant = tenant.filter(|tenant| self.names.tenants.get(tenant).is_some());
        let Some((tenant, name)) = tenant.zip(name(index, &id, tenant.as_ref())) else {
            return self.by_id(key, id, words);
        };
        let mut reference = Reference::of(key, quoted(name));
        if home != Some(tenant) {
            let tenant = self.tenant("tenant", tenant);
            reference.pairs.extend(tenant.pairs);
            reference.notes.extend(tenant.notes);
        }
        reference
    }

    fn product(&self, id: ProductId) -> Reference {
        let index = &self.names.products;
        let Some(named) = index.get(&id) else { return self.by_id("product", id, id.to_string()) };
        if let Some(name) = name(index, &id, None) {
            return Reference::of("product", quoted(name));
        }
        match name(index, &id, Some(&named.scope)) {
            Some(name) => {
                Reference::of("product", quoted(name)).with("connection", &quoted(&named.scope))
            }
            None => self.by_id("product", id, format!("{} of {}", named.name, named.scope)),
        }
    }

    fn by_id(&self, key: &str, id: impl Display, words: String) -> Reference {
        let id = id.to_string();
        let known = if words == id { "gone at its source".to_owned() } else { words };
        let notes = vec![format!("{id} is {}", printable(&known))];
        Reference { notes, ..Reference::of(key, quoted(&id)) }
    }

    /// A target as it is written, and comments on it. Names are looked up at home.
    pub(super) fn target(&self, target: &Target, home: Option<TenantId>) -> (String, Vec<String>) {
        let mut notes = Vec::new();
        let text = self.written(target, home, 0, &mut notes);
        (text, notes)
    }

    fn written(
        &self,
        target: &Target,
        home: Option<TenantId>,
        depth: usize,
        notes: &mut Vec<String>,
    ) -> String {
        if *target == Target::All {
            return quoted("all");
        }
        let reference = self.table(target, home, depth, notes);
        notes.extend(reference.notes.iter().cloned());
        reference.inline()
    }

    fn table(
        &self,
        target: &Target,
        home: Option<TenantId>,
        depth: usize,
        notes: &mut Vec<String>,
    ) -> Reference {
        match target {
            // Of nothing they are everything and nobody; a file says so in words.
            Target::And(parts) if parts.is_empty() => {
                Reference::of("not", "{ not = \"all\" }".to_owned())
            }
            Target::Or(parts) if parts.is_empty() => Reference::of("not", quoted("all")),
            Target::And(parts) => match parts.as_slice() {
                [one, Target::Not(out)] if !has_exception(one) => {
                    self.exception(one, out, (home, depth), notes)
                }
                _ => Reference::of("all_of", self.several(parts, (home, depth), notes)),
            },
            Target::Or(parts) => Reference::of("any_of", self.several(parts, (home, depth), notes)),
            Target::Not(part) => Reference::of("not", self.written(part, home, depth, notes)),
            leaf => self.leaf(leaf, home),
        }
    }

    fn several(
        &self,
        parts: &[Target],
        (home, depth): (Option<TenantId>, usize),
        notes: &mut Vec<String>,
    ) -> String {
        let parts: Vec<String> =
            parts.iter().map(|part| self.written(part, home, depth + 1, notes)).collect();
        list(&parts, depth)
    }

    /// This, but not that.
    fn exception(
        &self,
        one: &Target,
        out: &Target,
        (home, depth): (Option<TenantId>, usize),
        notes: &mut Vec<String>,
    ) -> Reference {
        let reference = match one {
            Target::All => Reference::default(),
            one => self.table(one, home, depth, notes),
        };
        let out = match out {
            Target::Or(parts) if !parts.is_empty() => self.several(parts, (home, depth), notes),
            out => self.written(out, home, depth, notes),
        };
        reference.with("except", &out)
    }

    fn leaf(&self, leaf: &Target, home: Option<TenantId>) -> Reference {
        let children = |reference: Reference, set: bool| {
            if set { reference.with("children", "true") } else { reference }
        };
        match leaf {
            Target::Computer(id) => self.computer(*id, home),
            Target::Person(id) => self.person(*id, home),
            Target::Tenant { tenant, children: set } => {
                children(self.tenant("tenant", *tenant), *set)
            }
            Target::Group(id) => self.group(*id, home),
            Target::Tag(id) => Reference::of("tag", self.tag(id)),
            Target::AgreementType { connection, name, children: set } => {
                let mut reference = Reference::of("agreement", quoted(name));
                if let Some(connection) = connection {
                    reference = reference.with("connection", &quoted(connection));
                }
                children(reference, *set)
            }
            Target::Product { product, children: set } => children(self.product(*product), *set),
            Target::ConnectionGroup { connection, kind, key } => {
                self.connection_group(connection, *kind, key)
            }
            Target::CustomProperty { connection, name, value } => {
                Reference::of("property", quoted(name))
                    .with("value", &quoted(value))
                    .with("connection", &quoted(connection))
            }
            Target::Filter(text) => Reference::of("filter", quoted(text)),
            // Composed ones are no leaves.
            Target::All | Target::And(_) | Target::Or(_) | Target::Not(_) => Reference::default(),
        }
    }

    fn connection_group(
        &self,
        connection: &str,
        kind: ConnectionGroupKind,
        key: &str,
    ) -> Reference {
        let word = match kind {
            ConnectionGroupKind::Group => "agent_group",
            ConnectionGroupKind::Location => "location",
        };
        let index = &self.names.connection_groups;
        let scope = (connection.to_owned(), kind);
        let id = (connection.to_owned(), kind, key.to_owned());
        let name = index.unique(&id, Some(&scope)).filter(|name| !name.starts_with(KEY));
        let text = name.map_or_else(|| format!("{KEY}{key}"), str::to_owned);
        let mut reference = Reference::of(word, quoted(&text));
        if name.is_none() {
            let named = index.get(&id).map(|named| printable(&named.name));
            let known = named.unwrap_or_else(|| "gone at its source".to_owned());
            reference.notes.push(format!("{key} of {connection} is {known}"));
        }
        reference.with("connection", &quoted(connection))
    }
}

/// Whether it is written with an `except` already: there can be one only.
fn has_exception(target: &Target) -> bool {
    matches!(target, Target::And(parts)
        if matches!(parts.as_slice(), [one, Target::Not(_)] if !has_exception(one)))
}

/// What files call a definition.
fn defined<I: Ord + Display>(names: &BTreeMap<I, &str>, id: &I) -> String {
    names.get(id).map_or_else(|| quoted(&id.to_string()), |name| quoted(name))
}

/// A text that is read as this thing and no other.
fn name<'n, I, S>(index: &'n Index<I, S>, id: &I, scope: Option<&S>) -> Option<&'n str>
where
    I: Clone + Ord + FromStr,
    S: PartialEq,
{
    index.unique(id, scope).filter(|name| name.parse::<I>().is_err())
}
