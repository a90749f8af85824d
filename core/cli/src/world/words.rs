//! Targets, items, deployments and what holds of them, in words with names.

use std::collections::HashMap;

use core_model::facts::ConnectionGroupKind;
use core_model::id::{DeploymentId, GroupId, ProductId, TagId};
use core_model::library::{
    Deployment, DesiredState, DeviceClass, ItemId, SubjectId, SubjectKind, Target,
};
use core_resolve::ItemKey;
use core_snapshot::Loaded;
use serde_json::{Value, json};

use super::World;

/// Names of what is no subject.
pub(super) struct Names {
    groups: HashMap<GroupId, String>,
    products: HashMap<ProductId, String>,
    tags: HashMap<TagId, String>,
    connection_groups: HashMap<(String, ConnectionGroupKind, String), String>,
    /// Handles of software and tasks.
    items: HashMap<ItemId, String>,
}

impl Names {
    pub(super) fn of(loaded: &Loaded) -> Self {
        let (input, library) = (&loaded.input, &loaded.library);
        let software = library.software.iter().map(|one| (one.id.into(), one.name.clone()));
        let tasks = library.tasks.iter().map(|one| (one.id.into(), one.name.clone()));
        let groups = input.connection_groups.iter().map(|group| {
            let key = (group.connection.to_string(), group.kind, group.key.to_string());
            (key, group.name.clone())
        });
        Self {
            groups: input.groups.iter().map(|group| (group.id, group.name.clone())).collect(),
            products: input.products.iter().map(|one| (one.id, one.name.clone())).collect(),
            tags: library.tags.iter().map(|tag| (tag.id, tag.name.clone())).collect(),
            connection_groups: groups.collect(),
            items: software.chain(tasks).collect(),
        }
    }
}

impl World {
    /// What people call a subject; its id where it is gone.
    pub(crate) fn subject_name(&self, subject: SubjectId) -> String {
        let snapshot = self.resolver.snapshot();
        match snapshot.number(subject) {
            Some(number) => snapshot.name(subject.kind(), number).to_string(),
            None => format!("{subject} (gone)"),
        }
    }

    /// What people call an item, with its instance.
    pub(crate) fn item_title(&self, key: &ItemKey) -> String {
        let title = self.resolver.definitions().title(key.item);
        match &key.instance {
            Some(instance) => format!("{title} ({instance})"),
            None => title.to_owned(),
        }
    }

    /// An item, for machines.
    pub(crate) fn item_json(&self, key: &ItemKey) -> Value {
        json!({
            "kind": match key.item { ItemId::Software(_) => "software", ItemId::Task(_) => "task" },
            "id": key.item,
            "name": self.names.items.get(&key.item),
            "title": self.resolver.definitions().title(key.item),
            "instance": key.instance,
        })
    }

    /// What people call a deployment of the library, or one that is gone.
    pub(crate) fn deployment_name(&self, id: DeploymentId) -> String {
        let found = self.resolver.definitions().deployment(id);
        found.map_or_else(|| format!("{id} (gone)"), |one| one.name.clone())
    }

    /// One sentence: who should have what.
    pub(crate) fn sentence(&self, deployment: &Deployment) -> String {
        let key = ItemKey { item: deployment.item, instance: deployment.instance.clone() };
        let mut whom = self.whom(deployment);
        if let Some(first) = whom.get(..1) {
            whom.replace_range(..1, &first.to_uppercase());
        }
        format!("{whom} {}.", what(&deployment.state, &self.item_title(&key)))
    }

    /// For whom a deployment is: "servers in group "Finance" but not of Ana Silva".
    pub(crate) fn whom(&self, deployment: &Deployment) -> String {
        let kind = self.resolver.definitions().kind(deployment.item);
        let classes: Vec<&str> =
            deployment.classes.iter().map(|class| class_word(*class)).collect();
        let noun = match classes.is_empty() {
            true => plural(kind).to_owned(),
            false => classes.join(" and "),
        };
        let mut words = match &deployment.target {
            Target::All => format!("all {noun}"),
            target => format!("{noun} {}", self.target(target)),
        };
        if let Some(owner) = deployment.owner {
            let leaf = Target::Tenant { tenant: owner.tenant, children: owner.children };
            words = format!("{words}, only {}", self.target(&leaf));
        }
        words
    }

    /// A target in words that go behind a noun: "in group "Finance" and with tag "Kiosk"".
    pub(crate) fn target(&self, target: &Target) -> String {
        match target {
            Target::And(parts) => {
                let mut words = String::new();
                for part in parts {
                    match part {
                        Target::Not(inner) if !words.is_empty() => {
                            words.push_str(&format!(" but not {}", self.enclosed(inner)));
                        }
                        part if words.is_empty() => words = self.enclosed(part),
                        part => words.push_str(&format!(" and {}", self.enclosed(part))),
                    }
                }
                words
            }
            Target::Or(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| self.enclosed(part)).collect();
                parts.join(" or ")
            }
            Target::Not(inner) => format!("not {}", self.enclosed(inner)),
            leaf => self.leaf(leaf),
        }
    }

    fn enclosed(&self, target: &Target) -> String {
        match target {
            Target::And(_) | Target::Or(_) => format!("({})", self.target(target)),
            other => self.target(other),
        }
    }

    fn leaf(&self, leaf: &Target) -> String {
        let below = |children: &bool| if *children { " or above" } else { "" };
        match leaf {
            Target::Computer(id) => format!("named {}", self.subject_name((*id).into())),
            Target::Person(id) => format!("of {}", self.subject_name((*id).into())),
            Target::Tenant { tenant, children } => {
                let name = self.subject_name((*tenant).into());
                let below = if *children { " and the tenants below it" } else { "" };
                format!("of {name}{below}")
            }
            Target::Group(id) => match self.names.groups.get(id) {
                Some(name) => format!("in group \"{name}\""),
                None => format!("in a group that is gone ({id})"),
            },
            Target::Tag(id) => match self.names.tags.get(id) {
                Some(name) => format!("with tag \"{name}\""),
                None => format!("with a tag that is gone ({id})"),
            },
            Target::AgreementType { connection, name, children } => {
                let of = connection.as_ref().map(|one| format!(" of {one}")).unwrap_or_default();
                format!("with an agreement{of} of type \"{name}\"{}", below(children))
            }
            Target::Product { product, children } => match self.names.products.get(product) {
                Some(name) => format!("with product \"{name}\"{}", below(children)),
                None => format!("with a product that is gone ({product})"),
            },
            Target::ConnectionGroup { connection, kind, key } => {
                let id = (connection.clone(), *kind, key.clone());
                let name = self.names.connection_groups.get(&id).unwrap_or(key);
                let word = match kind {
                    ConnectionGroupKind::Group => "group",
                    ConnectionGroupKind::Location => "location",
                };
                format!("in {connection}'s {word} \"{name}\"")
            }
            Target::CustomProperty { connection, name, value } => {
                format!("with {name} of {connection} = \"{value}\"")
            }
            Target::Filter(text) => format!("where `{text}`"),
            _ => "whoever they are".to_owned(),
        }
    }
}

/// Subjects of a kind.
pub(crate) fn plural(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Computer => "computers",
        SubjectKind::Person => "persons",
        SubjectKind::Tenant => "tenants",
    }
}

fn class_word(class: DeviceClass) -> &'static str {
    match class {
        DeviceClass::Servers => "servers",
        DeviceClass::Workstations => "workstations",
        DeviceClass::Portable => "portables",
        DeviceClass::DomainControllers => "domain controllers",
        DeviceClass::PrimaryDomainControllers => "primary domain controllers",
    }
}

/// What shall be, as the end of a sentence.
fn what(state: &DesiredState, title: &str) -> String {
    match state {
        DesiredState::Latest => format!("should have the latest {title}"),
        DesiredState::ThisVersion(_)
        | DesiredState::NewerOrEqual(_)
        | DesiredState::OlderOrEqual(_)
        | DesiredState::AnyVersion => format!("should have {title}, {}", state.words()),
        DesiredState::UpdateIfFound => {
            format!("should have the latest {title} where it is there already")
        }
        DesiredState::Absent => format!("should not have {title}: it is uninstalled"),
        DesiredState::Enforce => format!("should be as {title} says: it is tested and set"),
        DesiredState::Audit => format!("are tested for {title}, and nothing is set"),
        DesiredState::Monitor => format!("have {title} read, and nothing is tested or set"),
        DesiredState::Ignored => format!("are left alone with {title}: nothing is done"),
    }
}
