//! A made-up provider: tenants of uneven size, persons with computers, groups, tags, products with
//! dates, inventory with gaps, feeds of which some are old; and 500 deployments of 100 items.

use std::sync::Arc;

use chrono::{DateTime, Days, TimeDelta, Utc};
use core_model::dates::DateRange;
use core_model::entity::{AgreementLine, Product};
use core_model::facts::{ChassisClass, ConnectionGroupKind, DeviceRole, Quantity};
use core_model::id::{
    ComputerId, GroupId, LineId, PersonId, ProductId, SoftwareId, TagId, TenantId,
};
use core_model::library::{Deployment, DesiredState, DeviceClass, Owner, Software, Tag, Target};
use core_resolve::{
    AgentInput, ComputerInput, ConnectionGroupInput, Definitions, Directory, Fact, Feed, FeedKind,
    GroupInput, Member, PersonInput, SnapshotInput, TenantInput,
};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

/// Items.
pub const ITEMS: usize = 100;
/// Deployments of each.
pub const PER_ITEM: usize = 5;
/// Tags.
pub const TAGS: usize = 20;
/// Products.
pub const PRODUCTS: usize = 12;

/// When it is.
#[must_use]
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_982_400, 0).unwrap_or_default()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $id:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(n: usize) -> $id {
            $id::of_text(&n.to_string(), 1_000 * i64::try_from(n).unwrap_or(0))
        }
    )*};
}
ids! {
    /// A tenant.
    tenant: TenantId;
    /// A person.
    person: PersonId;
    /// A computer.
    computer: ComputerId;
    /// A group.
    group: GroupId;
    /// A tag.
    tag: TagId;
    /// A product.
    product: ProductId;
    /// A line.
    line: LineId;
    /// Software.
    software: SoftwareId;
}

/// Tenants of an estate of so many computers.
#[must_use]
pub fn tenants(computers: usize) -> usize {
    (computers / 400).clamp(20, 2_500)
}

/// Groups of an estate: four at each tenant.
#[must_use]
pub fn groups(computers: usize) -> usize {
    tenants(computers) * 4
}

/// An estate of so many computers. `certain` leaves nothing unknown.
#[must_use]
pub fn input(computers: usize, certain: bool) -> SnapshotInput {
    let mut rng = ChaCha8Rng::seed_from_u64(42);
    let mut input = SnapshotInput::new(now());
    let count = tenants(computers);
    let zones = ["America/Chicago", "Europe/Zurich", "Australia/Sydney", "Asia/Kathmandu"];
    for n in 0..count {
        input.tenants.push(TenantInput {
            zone: zones.choose(&mut rng).map(|zone| (*zone).to_owned()),
            parent: (n % 20 == 19).then(|| tenant(n - 1)),
            excluded_from_cross_tenant: n % 50 == 7,
            ..TenantInput::new(tenant(n), &format!("Tenant {n}"))
        });
    }
    let words = Words::default();
    for n in 0..computers {
        let home = home(n, count);
        input.persons.push(PersonInput {
            id: person(n),
            tenant: tenant(home),
            name: format!("Person {n}").into(),
            directory: Directory { connection: words.entra.clone(), id: home.to_string().into() },
            facts: Vec::new(),
        });
        let computer = words.computer(n, home, certain, &mut rng);
        input.computers.push(computer);
    }
    groups_and_tags(&mut input, computers, &mut rng);
    sales(&mut input, count, &mut rng);
    feeds(&mut input, certain, &mut rng, count);
    input
}

/// Tenants are of uneven size: the first tenth has half of all.
fn home(n: usize, tenants: usize) -> usize {
    if n.is_multiple_of(2) { n / 2 % (tenants / 10).max(1) } else { n / 2 % tenants }
}

struct Words {
    entra: Arc<str>,
    rmm: Arc<str>,
    names: [Arc<str>; 3],
    systems: [Fact; 6],
    locations: Vec<Arc<str>>,
}

impl Default for Words {
    fn default() -> Self {
        let systems = ["11 Pro", "11 Ent", "10 Pro", "Server 2022", "Server 2019", "Server 2025"];
        Self {
            entra: "entra".into(),
            rmm: "rmm".into(),
            names: ["os".into(), "ram".into(), "build".into()],
            systems: systems.map(Fact::text),
            locations: (0..50).map(|n| format!("loc{n}").into()).collect(),
        }
    }
}

impl Words {
    fn computer(
        &self,
        n: usize,
        home: usize,
        certain: bool,
        rng: &mut ChaCha8Rng,
    ) -> ComputerInput {
        let known = certain || rng.random_bool(0.97);
        let server = rng.random_bool(0.12);
        let system = if server { rng.random_range(3..6) } else { rng.random_range(0..3) };
        let facts = vec![
            (self.names[0].clone(), self.systems[system].clone()),
            (self.names[1].clone(), Fact::Int(8 << rng.random_range(0..4))),
            (self.names[2].clone(), Fact::Int(rng.random_range(19_000..19_400))),
        ];
        let location = self.locations[rng.random_range(0..self.locations.len())].clone();
        let role = if server { DeviceRole::Server } else { DeviceRole::Workstation };
        let portable = !server && rng.random_bool(0.6);
        let chassis = if portable { ChassisClass::Portable } else { ChassisClass::Stationary };
        ComputerInput {
            primary: (!server && rng.random_bool(0.9)).then(|| person(n)),
            inventory: known.then(|| self.rmm.clone()),
            role: known.then_some(role),
            chassis: known.then_some(chassis),
            excluded: n % 997 == 5,
            tags_read: known,
            agents: vec![AgentInput {
                connection: self.rmm.clone(),
                groups: vec![(ConnectionGroupKind::Location, location)],
                properties: Some(Vec::new()),
            }],
            facts: if known { facts } else { Vec::new() },
            ..ComputerInput::new(computer(n), tenant(home), &format!("PC-{n}"))
        }
    }
}

fn groups_and_tags(input: &mut SnapshotInput, computers: usize, rng: &mut ChaCha8Rng) {
    let count = tenants(computers);
    let mut members: Vec<Vec<Member>> = vec![Vec::new(); groups(computers)];
    for n in 0..computers {
        let first = home(n, count) * 4;
        for members in members.iter_mut().skip(first).take(4) {
            if rng.random_bool(0.2) {
                members.push(Member::Person(person(n)));
            }
        }
    }
    for (n, mut members) in members.into_iter().enumerate() {
        if n % 4 == 0 {
            members.push(Member::Group(group(n + 1)));
        }
        let home = n / 4;
        input.groups.push(GroupInput {
            id: group(n),
            tenant: tenant(home),
            name: format!("Group {n}"),
            directory: Directory { connection: "entra".into(), id: home.to_string().into() },
            members,
        });
    }
    for n in 0..TAGS {
        let share = 0.02 * f64::from(u8::try_from(n + 1).unwrap_or(1));
        let carries = (0..computers).filter(|_| rng.random_bool(share / 2.0)).map(computer);
        let carries = carries.collect();
        input.tags.push(Tag {
            id: tag(n),
            name: format!("tag{n}"),
            computers: carries,
            tenants: (0..count).filter(|_| rng.random_bool(share / 4.0)).map(tenant).collect(),
            persons: (0..computers).step_by(211 + n).map(person).collect(),
        });
    }
    for n in 0..50 {
        input.connection_groups.push(ConnectionGroupInput {
            connection: "rmm".into(),
            kind: ConnectionGroupKind::Location,
            key: format!("loc{n}").into(),
            name: format!("Location {n}"),
        });
    }
}

fn sales(input: &mut SnapshotInput, tenants: usize, rng: &mut ChaCha8Rng) {
    for n in 0..PRODUCTS {
        input.products.push(Product {
            id: product(n),
            connection: "halo".to_owned(),
            key: n.to_string(),
            name: format!("Product {n}"),
            recurring: true,
            inactive: false,
            gone: false,
        });
    }
    let today = now().date_naive();
    for home in 0..tenants {
        for n in (0..PRODUCTS).filter(|_| rng.random_bool(0.5)).collect::<Vec<_>>() {
            let end = rng.random_bool(0.3).then(|| today + Days::new(rng.random_range(0..300)));
            let start = rng.random_bool(0.5).then(|| today - Days::new(rng.random_range(0..300)));
            input.lines.push(AgreementLine {
                id: line(home * PRODUCTS + n),
                connection: "halo".to_owned(),
                key: format!("{home}-{n}"),
                agreement: None,
                tenant: Some(tenant(home)),
                product: Some(n.to_string()),
                name: format!("Line {home} {n}"),
                quantity: Quantity { thousandths: 100_000 },
                dates: DateRange { start, end },
                inactive: false,
                gone: false,
            });
        }
    }
}

fn feeds(input: &mut SnapshotInput, certain: bool, rng: &mut ChaCha8Rng, tenants: usize) {
    for (connection, kind) in [
        ("entra", FeedKind::Directory),
        ("halo", FeedKind::Agreements),
        ("rmm", FeedKind::ConnectionGroups),
        ("rmm", FeedKind::Properties),
        ("rmm", FeedKind::Inventory),
        ("", FeedKind::Affinity),
    ] {
        let feed = |tenant, hours| Feed {
            connection: connection.to_owned(),
            kind,
            tenant,
            last_complete: Some(now() - TimeDelta::hours(hours)),
            failing: false,
            held: false,
        };
        input.feeds.push(feed(None, 1));
        if !certain && kind == FeedKind::Directory {
            for n in (0..tenants).filter(|_| rng.random_bool(0.04)).collect::<Vec<_>>() {
                let hours = if n % 2 == 0 { 30 } else { 60 };
                input.feeds.push(feed(Some(tenant(n)), hours));
            }
        }
    }
}

/// Five deployments of each of a hundred items.
#[must_use]
pub fn deployments(computers: usize) -> Vec<Deployment> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut all = Vec::new();
    for item in 0..ITEMS {
        for n in 0..PER_ITEM {
            let number = item * PER_ITEM + n;
            let target = target(n, item, computers, &mut rng);
            let state = match rng.random_range(0..10) {
                0 => DesiredState::Absent,
                1 => DesiredState::Ignored,
                2 => DesiredState::UpdateIfFound,
                3 => DesiredState::ThisVersion("2.1".to_owned()),
                _ => DesiredState::Latest,
            };
            let created = i64::try_from(number).unwrap_or(0) * 1_000;
            let name = format!("D{number}");
            let mut deployment = Deployment::new(&name, software(item), state, target, created);
            if n == 1 && item % 3 == 0 {
                deployment.classes = [DeviceClass::Workstations, DeviceClass::Portable].into();
            }
            if n == 3 && item % 5 == 0 {
                let owner = tenant(rng.random_range(0..tenants(computers)));
                deployment.owner = Some(Owner { tenant: owner, children: true });
            }
            all.push(deployment);
        }
    }
    all
}

fn target(n: usize, item: usize, computers: usize, rng: &mut ChaCha8Rng) -> Target {
    let any_tenant = |rng: &mut ChaCha8Rng| tenant(rng.random_range(0..tenants(computers)));
    match (n, item % 4) {
        (0, 0) => Target::All,
        (0, 1) => Target::product(product(item % PRODUCTS)),
        (0, 2) => Target::All.except(Target::Tag(tag(item % TAGS))),
        (0, _) => Target::Filter(format!("computer.ram >= {}", 8 << (item % 3))),
        (1, 0) => Target::Filter(format!(
            "computer.os.startsWith('11') && computer.build > {}",
            19_000 + item
        )),
        (1, 1) => Target::Tag(tag((item + 3) % TAGS)),
        (1, 2) => Target::ConnectionGroup {
            connection: "rmm".to_owned(),
            kind: ConnectionGroupKind::Location,
            key: format!("loc{}", item % 50),
        },
        (1, _) => Target::And(vec![
            Target::product(product(item % PRODUCTS)),
            Target::Tag(tag(item % TAGS)),
        ]),
        (2, _) => Target::Tenant { tenant: any_tenant(rng), children: item.is_multiple_of(2) },
        (3, _) => Target::Group(group(rng.random_range(0..groups(computers)))),
        (_, 0) => Target::Computer(computer(rng.random_range(0..computers))),
        (_, 1) => Target::Person(person(rng.random_range(0..computers))),
        (_, _) => Target::Or(
            (0..5).map(|_| Target::Group(group(rng.random_range(0..groups(computers))))).collect(),
        ),
    }
}

/// Definitions of these deployments.
#[must_use]
pub fn definitions(deployments: Vec<Deployment>) -> Definitions {
    let library = (0..ITEMS).map(|n| Software {
        title: format!("Item {n}"),
        ..Software::new(software(n), &format!("item{n}"))
    });
    Definitions::new(library.collect(), Vec::new(), deployments, Vec::new())
}
