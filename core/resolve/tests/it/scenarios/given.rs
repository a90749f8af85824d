//! What a scenario is given, and how it becomes a snapshot and definitions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use core_model::dates::{DateRange, calendar_date};
use core_model::entity::{Agreement, AgreementLine, Product};
use core_model::facts::{AgreementState, ConnectionGroupKind, Coverage, DeviceRole, Quantity};
use core_model::id::{
    AgreementId, ComputerId, GroupId, LineId, PersonId, ProductId, SoftwareId, TagId, TaskId,
    TenantId,
};
use core_model::library::{
    Deployment, DesiredState, DeviceClass, Enforcement, ItemId, Owner, Software, SubjectId, Tag,
    Target, Task, TaskCategory,
};
use core_resolve::{
    ComputerInput, Definitions, Directory, Fact, Feed, FeedKind, GroupInput, Member, PersonInput,
    SnapshotInput, TenantInput,
};
use serde::Deserialize;

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Given {
    known_at: Option<DateTime<Utc>>,
    tenants: BTreeMap<String, TenantGiven>,
    persons: BTreeMap<String, String>,
    computers: BTreeMap<String, ComputerGiven>,
    /// Prefix: tenant and how many.
    fleets: BTreeMap<String, (String, u32)>,
    groups: BTreeMap<String, Vec<String>>,
    tags: BTreeMap<String, Vec<String>>,
    lines: BTreeMap<String, LineGiven>,
    feeds: BTreeMap<String, FeedGiven>,
    disabled_connections: BTreeMap<String, DateTime<Utc>>,
    pub(crate) rules: BTreeMap<String, Rule>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TenantGiven {
    zone: Option<String>,
    parent: Option<String>,
    excluded_from_cross_tenant: bool,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ComputerGiven {
    tenant: String,
    primary: Option<String>,
    role: Option<DeviceRole>,
    os: Option<String>,
    tags_not_read: bool,
    inventory_not_read: bool,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LineGiven {
    tenant: String,
    product: String,
    starts: String,
    ends: String,
    quantity: Option<i64>,
    agreement_state: AgreementState,
    agreement_starts: String,
    agreement_ends: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FeedGiven {
    hours_old: i64,
    failing: bool,
    held: bool,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rule {
    item: String,
    instance: Option<String>,
    state: String,
    pub(crate) target: String,
    tenant: Option<String>,
    classes: BTreeSet<DeviceClass>,
    enforcement: Option<String>,
    disabled: bool,
    connection: Option<String>,
    order: i32,
    /// Seconds after the others; the older of two equals wins.
    created: i64,
}

const TASKS: &[(&str, TaskCategory)] = &[
    ("Import Certificate", TaskCategory::Computer),
    ("Mailbox Policy", TaskCategory::Person),
    ("Directory Backup", TaskCategory::Tenant),
];

pub(crate) fn item(name: &str) -> ItemId {
    if TASKS.iter().any(|(task, _)| *task == name) {
        TaskId::of_text(name, 0).into()
    } else {
        SoftwareId::of_text(name, 0).into()
    }
}

fn dates(starts: &str, ends: &str) -> DateRange {
    DateRange { start: calendar_date(starts).unwrap(), end: calendar_date(ends).unwrap() }
}

fn tenant(name: &str) -> TenantId {
    TenantId::of_text(name, 0)
}

fn directory(tenant: &str) -> Directory {
    Directory { connection: "entra".into(), id: tenant.into() }
}

impl Given {
    pub(crate) fn known_at(&self) -> DateTime<Utc> {
        self.known_at.unwrap_or_else(|| "2026-11-29T20:00:00Z".parse().unwrap())
    }

    pub(crate) fn subject(&self, name: &str) -> SubjectId {
        if self.persons.contains_key(name) {
            PersonId::of_text(name, 0).into()
        } else if self.tenant_names().contains(name) {
            tenant(name).into()
        } else {
            ComputerId::of_text(name, 0).into()
        }
    }

    fn tenant_names(&self) -> BTreeSet<String> {
        let usual = ["Contoso", "Fabrikam", "Himal"].map(str::to_owned);
        usual.into_iter().chain(self.tenants.keys().cloned()).collect()
    }

    pub(crate) fn input(&self) -> SnapshotInput {
        let mut input = SnapshotInput::new(self.known_at());
        input.default_zone = "America/Chicago".to_owned();
        input.disabled_connections = self.disabled_connections.clone();
        self.tenants_into(&mut input);
        self.computers_into(&mut input);
        for (name, members) in &self.groups {
            let first = members.iter().find_map(|member| self.persons.get(member));
            let home = first.map_or("Contoso", String::as_str);
            let members = members.iter().map(|member| {
                if self.groups.contains_key(member) {
                    Member::Group(GroupId::of_text(member, 0))
                } else if self.persons.contains_key(member) {
                    Member::Person(PersonId::of_text(member, 0))
                } else {
                    Member::Device(ComputerId::of_text(member, 0))
                }
            });
            input.groups.push(GroupInput {
                id: GroupId::of_text(name, 0),
                tenant: tenant(home),
                name: name.clone(),
                directory: directory(home),
                members: members.collect(),
            });
        }
        for (name, carriers) in &self.tags {
            let mut tag = Tag {
                id: TagId::of_text(name, 0),
                name: name.clone(),
                computers: Vec::new(),
                tenants: Vec::new(),
                persons: Vec::new(),
            };
            for carrier in carriers {
                match self.subject(carrier) {
                    SubjectId::Computer(id) => tag.computers.push(id),
                    SubjectId::Person(id) => tag.persons.push(id),
                    SubjectId::Tenant(id) => tag.tenants.push(id),
                }
            }
            input.tags.push(tag);
        }
        self.lines_into(&mut input);
        self.feeds_into(&mut input);
        input
    }

    fn tenants_into(&self, input: &mut SnapshotInput) {
        let zones = BTreeMap::from([
            ("Contoso", "America/Chicago"),
            ("Fabrikam", "Australia/Sydney"),
            ("Himal", "Asia/Kathmandu"),
        ]);
        for name in self.tenant_names() {
            let given = self.tenants.get(&name).cloned().unwrap_or_default();
            let usual = zones.get(name.as_str()).map(|zone| (*zone).to_owned());
            input.tenants.push(TenantInput {
                zone: given.zone.or(usual),
                parent: given.parent.as_deref().map(tenant),
                excluded_from_cross_tenant: given.excluded_from_cross_tenant,
                ..TenantInput::new(tenant(&name), &name)
            });
        }
        for (name, home) in &self.persons {
            input.persons.push(PersonInput {
                id: PersonId::of_text(name, 0),
                tenant: tenant(home),
                name: name.as_str().into(),
                directory: directory(home),
                facts: Vec::new(),
            });
        }
    }

    fn computers_into(&self, input: &mut SnapshotInput) {
        for (name, given) in &self.computers {
            let os = given.os.as_deref().map(|os| ("os".into(), Fact::text(os)));
            input.computers.push(ComputerInput {
                primary: given.primary.as_deref().map(|person| PersonId::of_text(person, 0)),
                inventory: (!given.inventory_not_read).then(|| "rmm".into()),
                role: given.role,
                tags_read: !given.tags_not_read,
                facts: os.into_iter().collect(),
                ..ComputerInput::new(ComputerId::of_text(name, 0), tenant(&given.tenant), name)
            });
        }
        for (prefix, (home, count)) in &self.fleets {
            for number in 1..=*count {
                let name = format!("{prefix}{number}");
                let id = ComputerId::of_text(&name, 0);
                input.computers.push(ComputerInput::new(id, tenant(home), &name));
            }
        }
    }

    fn lines_into(&self, input: &mut SnapshotInput) {
        let products: BTreeSet<&String> = self.lines.values().map(|line| &line.product).collect();
        for name in products {
            input.products.push(Product {
                id: ProductId::of_text(name, 0),
                connection: "halo".to_owned(),
                key: name.clone(),
                name: name.clone(),
                recurring: true,
                inactive: false,
                gone: false,
            });
        }
        for (name, line) in &self.lines {
            input.agreements.push(Agreement {
                id: AgreementId::of_text(name, 0),
                connection: "halo".to_owned(),
                key: name.clone(),
                client: None,
                tenant: Some(tenant(&line.tenant)),
                name: format!("Agreement of {name}"),
                agreement_type: Some("Managed".to_owned()),
                dates: dates(&line.agreement_starts, &line.agreement_ends),
                state: line.agreement_state,
                coverage: Coverage::All,
                contacts: Vec::new(),
                gone: false,
            });
            input.lines.push(AgreementLine {
                id: LineId::of_text(name, 0),
                connection: "halo".to_owned(),
                key: name.clone(),
                agreement: Some(name.clone()),
                tenant: Some(tenant(&line.tenant)),
                product: Some(line.product.clone()),
                name: name.clone(),
                quantity: Quantity { thousandths: 1000 * line.quantity.unwrap_or(1) },
                dates: dates(&line.starts, &line.ends),
                inactive: false,
                gone: false,
            });
        }
    }

    fn feeds_into(&self, input: &mut SnapshotInput) {
        let feeds = [
            ("directory", "entra", FeedKind::Directory),
            ("agreements", "halo", FeedKind::Agreements),
            ("inventory", "rmm", FeedKind::Inventory),
            ("primary persons", "", FeedKind::Affinity),
        ];
        for name in self.feeds.keys() {
            assert!(feeds.iter().any(|(known, ..)| known == name), "no feed is called {name}");
        }
        for (name, connection, kind) in feeds {
            let given = self.feeds.get(name).cloned().unwrap_or_default();
            input.feeds.push(Feed {
                connection: connection.to_owned(),
                kind,
                tenant: None,
                last_complete: Some(self.known_at() - TimeDelta::hours(given.hours_old)),
                failing: given.failing,
                held: given.held,
            });
        }
    }

    pub(crate) fn definitions(&self, rules: &BTreeMap<String, Rule>) -> Arc<Definitions> {
        let names = ["Reader", "Acrobat", "EDR", "Agent7", "Softphone"];
        let software = names.map(|name| Software {
            title: name.to_owned(),
            ..Software::new(SoftwareId::of_text(name, 0), &name.to_lowercase())
        });
        let tasks = TASKS.iter().map(|(name, category)| Task {
            title: (*name).to_owned(),
            category: *category,
            instances: *category == TaskCategory::Computer,
            ..Task::new(TaskId::of_text(name, 0), &name.to_lowercase())
        });
        let rules = rules.iter().map(|(name, rule)| self.deployment(name, rule));
        let (software, tasks) = (software.into(), tasks.collect());
        Arc::new(Definitions::new(software, tasks, rules.collect(), Vec::new()))
    }

    pub(crate) fn deployment(&self, name: &str, rule: &Rule) -> Deployment {
        let state = match rule.state.split_once(' ') {
            Some(("version", version)) => DesiredState::ThisVersion(version.to_owned()),
            _ => serde_json::from_value(rule.state.replace(' ', "_").into()).unwrap(),
        };
        let target = self.target(&rule.target);
        let created = 1_000_000 * (1 + rule.created);
        let mut deployment = Deployment::new(name, item(&rule.item), state, target, created);
        deployment.instance.clone_from(&rule.instance);
        deployment.classes.clone_from(&rule.classes);
        deployment.enabled = !rule.disabled;
        deployment.connection.clone_from(&rule.connection);
        deployment.order = rule.order;
        deployment.owner =
            rule.tenant.as_deref().map(|name| Owner { tenant: tenant(name), children: false });
        deployment.enforcement = match rule.enforcement.as_deref() {
            None | Some("required") => Enforcement::Required,
            Some("onboarding") => Enforcement::Onboarding,
            Some("ad-hoc") => Enforcement::AdHoc,
            Some(other) => panic!("no enforcement is called {other}"),
        };
        deployment
    }

    /// "all except tag Kiosk", "group Sales and tenant Contoso", "product EDR with children".
    pub(crate) fn target(&self, text: &str) -> Target {
        if let Some(expression) = text.strip_prefix("filter ") {
            return Target::Filter(expression.to_owned());
        }
        if let Some((left, right)) = text.split_once(" except ") {
            return self.target(left).except(self.target(right));
        }
        if let Some((left, right)) = text.split_once(" or ") {
            return Target::Or(vec![self.target(left), self.target(right)]);
        }
        if let Some((left, right)) = text.split_once(" and ") {
            return Target::And(vec![self.target(left), self.target(right)]);
        }
        let (text, children) = match text.strip_suffix(" with children") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (kind, name) = text.split_once(' ').unwrap_or((text, ""));
        match kind {
            "all" => Target::All,
            "computer" => Target::Computer(ComputerId::of_text(name, 0)),
            "person" => Target::Person(PersonId::of_text(name, 0)),
            "tenant" => Target::Tenant { tenant: tenant(name), children },
            "group" => Target::Group(GroupId::of_text(name, 0)),
            "tag" => Target::Tag(TagId::of_text(name, 0)),
            "product" => Target::Product { product: ProductId::of_text(name, 0), children },
            "type" => Target::AgreementType { connection: None, name: name.to_owned(), children },
            "location" => Target::ConnectionGroup {
                connection: "rmm".to_owned(),
                kind: ConnectionGroupKind::Location,
                key: name.to_owned(),
            },
            _ => panic!("no target is called {text}"),
        }
    }
}
