//! Small random estates in which everything that can be targeted, unknown, stale, gone, dated,
//! nested or tied happens often.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use core_model::dates::DateRange;
use core_model::entity::{Agreement, AgreementLine, Product};
use core_model::facts::{
    AgreementState, ChassisClass, ConnectionGroupKind, Coverage, DeviceRole, Quantity,
};
use core_model::id::{
    AgreementId, ComputerId, GroupId, LineId, PersonId, ProductId, SoftwareId, TagId, TaskId,
    TenantId,
};
use core_model::library::{Deployment, Software, Tag, Task, TaskCategory};
use core_resolve::{
    AgentInput, AsOf, ComputerInput, ConnectionGroupInput, Definitions, Directory, Fact, Facts,
    Feed, FeedKind, GroupInput, Member, PersonInput, RunKind, SnapshotInput, TenantInput,
};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

mod deployments;

pub(crate) const FILTERS: &[&str] = &[
    "computer.os == 'Windows 11'",
    "computer.ram >= 16",
    "person.department == 'Sales'",
    "tenant.tier == 'gold' || computer.os == 'Windows 10'",
    "computer.os",
    "computer.os ==",
    "person.name.startsWith('P1') && tenant.name != 'T0'",
];

/// A random estate, its definitions, and what is asked.
#[derive(Clone)]
pub(crate) struct Estate {
    pub(crate) input: SnapshotInput,
    pub(crate) software: Vec<Software>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) as_of: AsOf,
    pub(crate) run: RunKind,
}

impl Estate {
    pub(crate) fn definitions(&self) -> Definitions {
        let (software, tasks) = (self.software.clone(), self.tasks.clone());
        Definitions::new(software, tasks, self.deployments.clone(), Vec::new())
    }
}

pub(crate) struct Maker {
    pub(crate) rng: ChaCha8Rng,
    tenants: u64,
    persons: u64,
    computers: u64,
}

macro_rules! ids {
    ($($name:ident: $id:ident;)*) => {$(
        pub(crate) fn $name(n: u64) -> $id {
            $id::of_text(&format!("{}{n}", stringify!($name)), 1_000_000 * i64::try_from(n).unwrap())
        }
    )*};
}
ids! {
    tenant: TenantId; person: PersonId; computer: ComputerId; group: GroupId; tag: TagId;
    product: ProductId; line: LineId; agreement: AgreementId; software: SoftwareId; task: TaskId;
}

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-29T20:00:00Z".parse().unwrap()
}

fn today() -> NaiveDate {
    now().date_naive()
}

pub(crate) fn make(seed: u64) -> Estate {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (tenants, persons) = (rng.random_range(1..4), rng.random_range(1..6));
    let computers = rng.random_range(1..9);
    Maker { rng, tenants, persons, computers }.estate()
}

impl Maker {
    /// For changes of an estate of any size.
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), tenants: 1, persons: 5, computers: 8 }
    }

    fn estate(&mut self) -> Estate {
        let mut input = SnapshotInput::new(now());
        input.default_zone = "America/Chicago".to_owned();
        for n in 0..self.tenants {
            let tenant = self.tenant(n);
            input.tenants.push(tenant);
        }
        for n in 0..self.persons {
            let person = self.person(n);
            input.persons.push(person);
        }
        for n in 0..self.computers {
            let computer = self.computer(n);
            input.computers.push(computer);
        }
        for n in 0..self.rng.random_range(0..4) {
            let group = self.group(n);
            input.groups.push(group);
        }
        for n in 0..2 {
            let tag = self.tag(n);
            input.tags.push(tag);
        }
        self.sales(&mut input);
        self.feeds(&mut input);
        for key in ["g0", "g1"] {
            input.connection_groups.push(ConnectionGroupInput {
                connection: "rmm".into(),
                kind: ConnectionGroupKind::Group,
                key: key.into(),
                name: key.to_owned(),
            });
        }
        if self.chance(0.2) {
            input.disabled_connections.insert("psa".to_owned(), now());
        }
        let count = self.rng.random_range(1..9);
        let deployments = self.deployments(count);
        let as_of = match self.rng.random_range(0..3) {
            0 => AsOf::Instant(now()),
            1 => AsOf::Day(today()),
            _ => AsOf::Day(self.day()),
        };
        let run = match self.rng.random_range(0..4) {
            0 => RunKind::Onboarding,
            1 => RunKind::AdHoc(BTreeSet::from(["D0".to_owned(), "d3".to_owned()])),
            _ => RunKind::Maintenance,
        };
        Estate {
            input,
            software: library_software(),
            tasks: library_tasks(),
            deployments,
            as_of,
            run,
        }
    }

    fn deployments(&mut self, count: i64) -> Vec<Deployment> {
        let mut deployments: Vec<Deployment> = Vec::new();
        for n in 0..count {
            let alike = deployments.choose(&mut self.rng).cloned().filter(|_| self.chance(0.4));
            let next = match alike {
                Some(other) => self.variant(other, n),
                None => self.deployment(n),
            };
            deployments.push(next);
        }
        deployments
    }

    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.rng.random_bool(share)
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of.choose(&mut self.rng).unwrap().clone()
    }

    fn day(&mut self) -> NaiveDate {
        today() - Days::new(4) + Days::new(self.rng.random_range(0..9))
    }

    fn dates(&mut self, often: f64) -> DateRange {
        let end = self.chance(often).then(|| self.day());
        let start = self.chance(often).then(|| self.day());
        DateRange { start, end }
    }

    pub(crate) fn any_tenant(&mut self) -> TenantId {
        // Now and then one that is not there.
        let top = self.tenants + u64::from(self.chance(0.05));
        tenant(self.rng.random_range(0..top))
    }
    pub(crate) fn any_person(&mut self) -> PersonId {
        let top = self.persons + u64::from(self.chance(0.05));
        person(self.rng.random_range(0..top))
    }
    pub(crate) fn any_computer(&mut self) -> ComputerId {
        let top = self.computers + u64::from(self.chance(0.05));
        computer(self.rng.random_range(0..top))
    }

    pub(crate) fn tenant(&mut self, n: u64) -> TenantInput {
        let zones = ["America/Chicago", "Australia/Sydney", "Asia/Kathmandu"];
        let mut facts = Facts::new();
        if self.chance(0.7) {
            facts.push(("tier".into(), Fact::text(self.pick(&["gold", "iron"]))));
        }
        TenantInput {
            zone: self.chance(0.8).then(|| self.pick(&zones).to_owned()),
            suspended: self.chance(0.05),
            parent: self.chance(0.4).then(|| self.any_tenant()),
            excluded_from_cross_tenant: self.chance(0.15),
            facts,
            ..TenantInput::new(tenant(n), &format!("T{n}"))
        }
    }

    pub(crate) fn person(&mut self, n: u64) -> PersonInput {
        let mut facts = Facts::new();
        facts.push(("name".into(), Fact::text(&format!("P{n}"))));
        if self.chance(0.7) {
            let department = self.pick(&[Fact::text("Sales"), Fact::text("IT"), Fact::Nothing]);
            facts.push(("department".into(), department));
        }
        PersonInput {
            id: person(n),
            tenant: self.any_tenant(),
            name: format!("P{n}").into(),
            directory: self.directory(),
            facts,
        }
    }

    fn directory(&mut self) -> Directory {
        let id: Arc<str> = self.pick(&["d0", "d1"]).into();
        Directory { connection: "aad".into(), id }
    }

    pub(crate) fn computer(&mut self, n: u64) -> ComputerInput {
        let mut facts = Facts::new();
        if self.chance(0.8) {
            facts.push(("os".into(), Fact::text(self.pick(&["Windows 10", "Windows 11"]))));
        }
        if self.chance(0.8) {
            facts.push(("ram".into(), Fact::Int(self.pick(&[8, 16, 32]))));
        }
        let roles = [DeviceRole::Workstation, DeviceRole::Server, DeviceRole::DomainController];
        let chassis = [ChassisClass::Portable, ChassisClass::Stationary, ChassisClass::Virtual];
        let agents = (0..self.rng.random_range(0..3)).map(|_| self.agent()).collect();
        let assets = self.chance(0.5).then(|| self.pick(&["a0", "a1", "a2"]));
        ComputerInput {
            primary: self.chance(0.7).then(|| self.any_person()),
            inventory: self.chance(0.85).then(|| self.pick(&["rmm", "intune"]).into()),
            role: self.chance(0.8).then(|| self.pick(&roles)),
            chassis: self.chance(0.7).then(|| self.pick(&chassis)),
            primary_controller: self.chance(0.3).then(|| self.chance(0.5)),
            needs_onboarding: self.chance(0.2),
            excluded: self.chance(0.06),
            tags_read: self.chance(0.8),
            assets: assets.into_iter().map(|key| ("psa".into(), key.into())).collect(),
            agents,
            facts,
            ..ComputerInput::new(computer(n), self.any_tenant(), &format!("C{n}"))
        }
    }

    fn agent(&mut self) -> AgentInput {
        let group: Arc<str> = self.pick(&["g0", "g1"]).into();
        let groups = self.chance(0.5).then_some((ConnectionGroupKind::Group, group));
        let value: Arc<str> = self.pick(&["x", "y"]).into();
        let properties = self.chance(0.7).then(|| {
            let property = self.chance(0.7).then(|| ("Site".into(), value));
            property.into_iter().collect()
        });
        let connection = self.pick(&["rmm", "control"]).into();
        AgentInput { connection, groups: groups.into_iter().collect(), properties }
    }

    pub(crate) fn member(&mut self) -> Member {
        match self.rng.random_range(0..6) {
            0 => Member::Device(self.any_computer()),
            1 | 2 => Member::Group(group(self.rng.random_range(0..4))),
            _ => Member::Person(self.any_person()),
        }
    }

    pub(crate) fn group(&mut self, n: u64) -> GroupInput {
        let members: BTreeSet<Member> =
            (0..self.rng.random_range(0..4)).map(|_| self.member()).collect();
        GroupInput {
            id: group(n),
            tenant: tenant(self.rng.random_range(0..self.tenants)),
            name: format!("G{n}"),
            directory: self.directory(),
            members: members.into_iter().collect(),
        }
    }

    pub(crate) fn tag(&mut self, n: u64) -> Tag {
        let mut tag = Tag {
            id: tag(n),
            name: format!("tag{n}"),
            computers: Vec::new(),
            tenants: Vec::new(),
            persons: Vec::new(),
        };
        if self.chance(0.6) {
            tag.computers.push(self.any_computer());
        }
        if self.chance(0.2) {
            tag.tenants.push(self.any_tenant());
        }
        if self.chance(0.4) {
            tag.persons.push(self.any_person());
        }
        tag
    }

    fn sales(&mut self, input: &mut SnapshotInput) {
        for n in 0..2 {
            input.products.push(Product {
                id: product(n),
                connection: "psa".to_owned(),
                key: format!("p{n}"),
                name: format!("Product {n}"),
                recurring: true,
                inactive: false,
                gone: self.chance(0.05),
            });
        }
        for n in 0..self.rng.random_range(0..4) {
            let agreement = self.agreement(n);
            input.agreements.push(agreement);
        }
        for n in 0..self.rng.random_range(0..5) {
            let line = self.line(n);
            input.lines.push(line);
        }
    }

    pub(crate) fn agreement(&mut self, n: u64) -> Agreement {
        let states = [
            AgreementState::Active,
            AgreementState::Active,
            AgreementState::Active,
            AgreementState::Active,
            AgreementState::Draft,
            AgreementState::Cancelled,
        ];
        let assets = vec!["a0".to_owned(), "a1".to_owned()];
        Agreement {
            id: agreement(n),
            connection: "psa".to_owned(),
            key: format!("k{n}"),
            client: None,
            tenant: self.chance(0.95).then(|| self.any_tenant()),
            name: format!("A{n}"),
            agreement_type: self.chance(0.8).then(|| self.pick(&["Managed", "Block"]).to_owned()),
            dates: self.dates(0.4),
            state: self.pick(&states),
            coverage: if self.chance(0.2) { Coverage::Assets(assets) } else { Coverage::All },
            contacts: Vec::new(),
            gone: self.chance(0.04),
        }
    }

    pub(crate) fn line(&mut self, n: u64) -> AgreementLine {
        let tops = self.rng.random_range(0..4_u64);
        AgreementLine {
            id: line(n),
            connection: "psa".to_owned(),
            key: format!("l{n}"),
            agreement: self.chance(0.9).then(|| format!("k{tops}")),
            tenant: self.chance(0.9).then(|| self.any_tenant()),
            product: self.chance(0.95).then(|| self.pick(&["p0", "p1"]).to_owned()),
            name: format!("L{n}"),
            quantity: Quantity { thousandths: self.pick(&[0, 1000, 5000, 10_000]) },
            dates: self.dates(0.5),
            inactive: self.chance(0.06),
            gone: self.chance(0.04),
        }
    }

    fn feeds(&mut self, input: &mut SnapshotInput) {
        let calm = self.chance(0.4);
        for (connection, kind) in FEEDS {
            if !calm && self.chance(0.05) {
                continue;
            }
            if *kind == FeedKind::Tags && self.chance(0.8) {
                continue;
            }
            let feed = self.feed(connection, *kind, calm);
            input.feeds.push(feed);
            if self.chance(0.15) {
                let mut own = self.feed(connection, *kind, calm);
                own.tenant = Some(tenant(self.rng.random_range(0..self.tenants)));
                input.feeds.push(own);
            }
        }
    }

    pub(crate) fn feed(&mut self, connection: &str, kind: FeedKind, calm: bool) -> Feed {
        let age = if calm { 1 } else { self.pick(&[1, 1, 1, 1, 23, 24, 25, 47, 48, 49, 90]) };
        Feed {
            connection: connection.to_owned(),
            kind,
            tenant: None,
            last_complete: (calm || self.chance(0.97)).then(|| now() - TimeDelta::hours(age)),
            failing: !calm && self.chance(0.1),
            held: !calm && self.chance(0.05),
        }
    }
}

pub(crate) const FEEDS: &[(&str, FeedKind)] = &[
    ("aad", FeedKind::Directory),
    ("psa", FeedKind::Agreements),
    ("rmm", FeedKind::ConnectionGroups),
    ("rmm", FeedKind::Properties),
    ("control", FeedKind::Properties),
    ("rmm", FeedKind::Inventory),
    ("intune", FeedKind::Inventory),
    ("", FeedKind::Tags),
    ("", FeedKind::Affinity),
];

fn library_software() -> Vec<Software> {
    let one = |n: u64| Software {
        title: format!("Software {n}"),
        ..Software::new(software(n), &format!("s{n}"))
    };
    vec![one(0), one(1)]
}

fn library_tasks() -> Vec<Task> {
    let categories = [TaskCategory::Computer, TaskCategory::Person, TaskCategory::Tenant];
    let tasks = (0..).zip(categories).map(|(n, category)| Task {
        title: format!("Task {n}"),
        category,
        instances: n == 0,
        ..Task::new(task(n), &format!("t{n}"))
    });
    tasks.collect()
}
