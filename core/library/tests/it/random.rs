//! Random libraries over a random hub in which names repeat, are missing, and look like anything.

use core_library::{Library, Names};
use core_model::dates::DateRange;
use core_model::facts::ConnectionGroupKind;
use core_model::id::{ComputerId, ExpectationId, GroupId, PersonId, ProductId, TagId, TenantId};
use core_model::library::{
    Budget, ComputerSettings, Deployment, DesiredState, DeviceClass, Enforcement, Expectation,
    Expected, ItemId, Origin, Owner, Parameter, RecommendedUse, Ring, RingMembers, Software,
    SubjectId, Tag, Target, Task, TaskCategory, TenantSettings,
};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use self::items::ITEMS;

mod items;
mod schedules;

/// Names as people, vendors and accidents make them.
const NAMES: &[&str] = &[
    "Contoso",
    "contoso ",
    "O'Brien & \"Sons\"",
    "C:\\x",
    "Sales\nEast",
    "850",
    "ünïcode",
    "",
    "all",
    "key:850",
    "PC-042",
    "pc-042",
    "a",
    "b",
    "c",
    "d",
    "e",
    "''' \"\"\"",
    "tab\there",
];

/// Filters, one over several lines.
const FILTERS: &[&str] = &[
    "computer.os == 'x'",
    "computer.os == \"x\" &&\n  tenant.name == 'it\\'s'",
    "computer.os.matches('^Windows 1[01]\\\\b')",
];

pub(crate) struct Dice {
    pub(crate) dice: ChaCha8Rng,
    tenants: Vec<TenantId>,
    computers: Vec<ComputerId>,
    persons: Vec<PersonId>,
    groups: Vec<GroupId>,
    products: Vec<ProductId>,
    keys: Vec<(String, ConnectionGroupKind, String)>,
    tags: Vec<TagId>,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let ids = |kind: &str| (0..6).map(|at| format!("{kind}{at}")).collect::<Vec<_>>();
        let kinds = [ConnectionGroupKind::Group, ConnectionGroupKind::Location];
        let key = |at: usize| ("automate".to_owned(), kinds[at % 2], NAMES[at].to_owned());
        Self {
            dice: ChaCha8Rng::seed_from_u64(seed),
            tenants: ids("t").iter().map(|id| TenantId::of_text(id, 0)).collect(),
            computers: ids("c").iter().map(|id| ComputerId::of_text(id, 0)).collect(),
            persons: ids("p").iter().map(|id| PersonId::of_text(id, 0)).collect(),
            groups: ids("g").iter().map(|id| GroupId::of_text(id, 0)).collect(),
            products: ids("r").iter().map(|id| ProductId::of_text(id, 0)).collect(),
            keys: (0..12).map(key).collect(),
            tags: ids("x").iter().map(|id| TagId::of_text(id, 0)).collect(),
        }
    }

    fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list.choose(&mut self.dice).cloned().unwrap_or_else(|| list[0].clone())
    }

    fn chance(&mut self, of: f64) -> bool {
        self.dice.random_bool(of)
    }

    fn name(&mut self) -> String {
        self.pick(NAMES).to_owned()
    }

    /// What the hub knows: one in eight things is gone.
    pub(crate) fn names(&mut self) -> Names {
        let mut names = Names::new();
        names.connection("automate").connection("halo").agreement_type("halo", "Managed");
        let (tenants, computers, persons) =
            (self.tenants.clone(), self.computers.clone(), self.persons.clone());
        for id in &tenants {
            if self.chance(0.9) {
                names.tenant(*id, &self.name());
            }
        }
        for id in computers {
            if self.chance(0.9) {
                names.computer(id, self.pick(&tenants), &self.name());
            }
        }
        for id in persons {
            if self.chance(0.9) {
                let upn = format!("{}@x.example", self.dice.random_range(0..4));
                names.person(id, self.pick(&tenants), &self.name(), Some(&upn));
            }
        }
        for id in self.groups.clone() {
            if self.chance(0.9) {
                names.group(id, self.pick(&tenants), &self.name());
            }
        }
        for id in self.products.clone() {
            if self.chance(0.9) {
                names.product(id, self.pick(&["halo", "psa"]), &self.name());
            }
        }
        for (connection, kind, key) in self.keys.clone() {
            if self.chance(0.9) {
                names.connection_group(&connection, kind, &key, &self.name());
            }
        }
        names
    }

    pub(crate) fn library(&mut self) -> Library {
        let software: Vec<Software> = (0..ITEMS).map(|at| self.software(at)).collect();
        let tasks: Vec<Task> = (0..ITEMS).map(|at| self.task(at)).collect();
        let tags = self.tags.clone();
        let tags: Vec<Tag> =
            tags.into_iter().enumerate().map(|(at, id)| self.tag(at, id)).collect();
        let mut deployments: Vec<Deployment> = Vec::new();
        for at in 0..self.dice.random_range(0..12) {
            let one = self.deployment(at, &software, &tasks);
            if core_resolve::duplicates(&one, &deployments).is_empty() {
                deployments.push(one);
            }
        }
        let expectations = (0..3).filter_map(|at| self.expectation(at, &deployments)).collect();
        let tenants = (0..3).map(|at| self.tenant(at)).collect();
        let known = self.computers.clone();
        let computers = known.into_iter().take(2).map(|computer| ComputerSettings {
            computer,
            excluded_from_maintenance: self.chance(0.5),
        });
        let computers = computers.collect();
        let schedules =
            (0..self.dice.random_range(0..4)).map(|at| self.schedule(at, &tasks)).collect();
        Library { software, tasks, tags, deployments, schedules, expectations, tenants, computers }
            .sorted()
    }

    /// A name that no other definition of its kind has.
    fn handle(&mut self, at: usize) -> String {
        format!("{}{at}", self.name()).trim().to_owned()
    }

    fn origin(&mut self) -> Origin {
        self.pick(&[Origin::Own, Origin::Recommended])
    }

    fn tag(&mut self, at: usize, id: TagId) -> Tag {
        let (computers, tenants, persons) =
            (self.computers.clone(), self.tenants.clone(), self.persons.clone());
        Tag {
            id,
            name: self.handle(at),
            computers: computers.into_iter().filter(|_| self.chance(0.4)).collect(),
            tenants: tenants.into_iter().filter(|_| self.chance(0.4)).collect(),
            persons: persons.into_iter().filter(|_| self.chance(0.4)).collect(),
        }
    }

    fn subject(&mut self) -> SubjectId {
        match self.dice.random_range(0..3) {
            0 => self.pick(&self.computers.clone()).into(),
            1 => self.pick(&self.persons.clone()).into(),
            _ => self.pick(&self.tenants.clone()).into(),
        }
    }

    pub(crate) fn target(&mut self, depth: usize) -> Target {
        let several = |dice: &mut Self| {
            (0..dice.dice.random_range(1..4)).map(|_| dice.target(depth + 1)).collect()
        };
        let children = self.chance(0.5);
        match self.dice.random_range(0..if depth < 4 { 16 } else { 11 }) {
            0 => Target::All,
            1 => Target::Computer(self.pick(&self.computers.clone())),
            2 => Target::Person(self.pick(&self.persons.clone())),
            3 => Target::Tenant { tenant: self.pick(&self.tenants.clone()), children },
            4 => Target::Group(self.pick(&self.groups.clone())),
            5 => Target::Tag(self.pick(&self.tags.clone())),
            6 => Target::AgreementType {
                connection: self.chance(0.5).then(|| "halo".to_owned()),
                name: self.pick(&["Managed", "managed", "Gone"]).to_owned(),
                children,
            },
            7 => Target::Product { product: self.pick(&self.products.clone()), children },
            8 => {
                let (connection, kind, key) = self.pick(&self.keys.clone());
                Target::ConnectionGroup { connection, kind, key }
            }
            9 => Target::CustomProperty {
                connection: self.pick(&["automate", "gone"]).to_owned(),
                name: self.name(),
                value: self.name(),
            },
            10 => Target::Filter(self.pick(FILTERS).to_owned()),
            11 => Target::And(several(self)),
            12 => Target::Or(several(self)),
            13 => Target::Not(Box::new(self.target(depth + 1))),
            _ => self.target(depth + 1).except(self.target(depth + 1)),
        }
    }

    fn deployment(&mut self, at: usize, software: &[Software], tasks: &[Task]) -> Deployment {
        let version = || "24.1 \"x\"".to_owned();
        let mut one = if self.chance(0.6) {
            let states = [
                DesiredState::Latest,
                DesiredState::ThisVersion(version()),
                DesiredState::NewerOrEqual(version()),
                DesiredState::OlderOrEqual(version()),
                DesiredState::AnyVersion,
                DesiredState::UpdateIfFound,
                DesiredState::Absent,
                DesiredState::Ignored,
            ];
            let (item, state) = (self.pick(software).id, self.pick(&states));
            Deployment::new(&self.handle(at), item, state, self.target(1), 1_000)
        } else {
            let task = self.pick(tasks);
            let states = [
                DesiredState::Enforce,
                DesiredState::Audit,
                DesiredState::Monitor,
                DesiredState::Ignored,
            ];
            let state = self.pick(&states);
            let mut one = Deployment::new(&self.handle(at), task.id, state, self.target(1), 1_000);
            one.instance = (task.instances && self.chance(0.5)).then(|| self.name());
            one
        };
        let computers = !tasks
            .iter()
            .any(|task| one.item == task.id.into() && task.category != TaskCategory::Computer);
        if computers && self.chance(0.3) {
            one.classes = [DeviceClass::Servers, DeviceClass::PrimaryDomainControllers].into();
        }
        self.rest(&mut one);
        let defined = defined(&one, software, tasks);
        if !defined.is_empty() {
            one.parameters = self.values(&defined);
        }
        one
    }

    fn rest(&mut self, one: &mut Deployment) {
        one.owner = self.chance(0.5).then(|| Owner {
            tenant: self.pick(&self.tenants.clone()),
            children: self.chance(0.5),
        });
        one.origin = self.origin();
        let uses = [RecommendedUse::Undecided, RecommendedUse::Approved, RecommendedUse::Dismissed];
        one.recommended = self.pick(&uses);
        let approved = (0..self.dice.random_range(0..3)).map(|_| self.subject()).collect();
        one.enforcement = match self.dice.random_range(0..4) {
            0 => Enforcement::Onboarding,
            1 => Enforcement::Optional { approved },
            2 => Enforcement::AdHoc,
            _ => Enforcement::Required,
        };
        one.onboarding_only = self.chance(0.2);
        one.order = self.pick(&[0, 5, i32::MIN, i32::MAX]);
        one.enabled = self.chance(0.8);
        one.connection = self.chance(0.3).then(|| self.pick(&["halo", "gone"]).to_owned());
        let day = |day: u32| chrono::NaiveDate::from_ymd_opt(2026, 12, day);
        one.dates =
            DateRange { start: self.pick(&[None, day(1)]), end: self.pick(&[None, day(31)]) };
        one.visibility.self_service = self.chance(0.3);
        one.visibility.technician_tools = self.chance(0.3);
        one.rings = self.rings(&one.state);
        one.note =
            self.pick(&["", "a note", "two\nlines \"\"\"\n", "\n'", "a\r\nb", "  x "]).to_owned();
        if self.chance(0.4) {
            let parameters = json!({
                "a b": self.name(), "number": 3, "fraction": 1.5, "big": 1e30, "": true,
                "list": [1, "two", [3.0], { "x": {} }], "inner": { "it's": "\\" },
            });
            one.parameters = parameters.as_object().cloned().unwrap_or_default();
        }
    }

    fn rings(&mut self, state: &DesiredState) -> Vec<Ring> {
        if *state == DesiredState::Ignored || self.chance(0.6) {
            return Vec::new();
        }
        let mut share = 0;
        let rings = (0..self.dice.random_range(1..4)).map(|_| {
            let members = match self.chance(0.5) {
                true => RingMembers::Tag(self.pick(&self.tags.clone())),
                false => {
                    share += self.dice.random_range(1..34);
                    RingMembers::Percent(share)
                }
            };
            let usual = Ring::new(members);
            Ring {
                name: self.pick(&["", "canary", "it's \"x\""]).to_owned(),
                soak_hours: self.pick(&[0, 24, 8_760]),
                reached_percent: self.pick(&[80, 1, 100]),
                failures_percent: self.pick(&[2, 0, 100]),
                failures_minimum: self.pick(&[2, 1, 1_000_000]),
                ..usual
            }
        });
        rings.collect()
    }

    fn expectation(&mut self, at: usize, deployments: &[Deployment]) -> Option<Expectation> {
        let deployment = deployments.choose(&mut self.dice)?;
        let all = [
            Expected::Deployment(deployment.id),
            Expected::State(deployment.state.clone()),
            Expected::Nobody,
            Expected::Blocked,
        ];
        Some(Expectation {
            id: ExpectationId::of_text(&at.to_string(), 0),
            name: self.handle(at),
            subject: self.subject(),
            item: deployment.item,
            instance: deployment.instance.clone(),
            as_of: self.chance(0.5).then(|| chrono::NaiveDate::from_ymd_opt(2027, 1, 1)).flatten(),
            expected: self.pick(&all),
            note: self.pick(&["", "because"]).to_owned(),
        })
    }

    fn tenant(&mut self, at: usize) -> TenantSettings {
        // Parents stand later in the list: no cycle.
        let parents = self.tenants[at + 1..].to_vec();
        let budget = Budget { percent: 7, computers: 1, uninstalls: 0 };
        TenantSettings {
            tenant: self.tenants[at],
            parent: self.chance(0.5).then(|| self.pick(&parents)),
            excluded_from_cross_tenant: self.chance(0.5),
            budget: self.chance(0.5).then_some(budget),
        }
    }
}

/// What the scripts of a deployment's item take.
fn defined<'a>(
    one: &Deployment,
    software: &'a [Software],
    tasks: &'a [Task],
) -> Vec<&'a Parameter> {
    let of_task =
        |id| tasks.iter().filter(move |task| task.id == id).flat_map(|one| &one.parameters);
    match one.item {
        ItemId::Task(id) => of_task(id).collect(),
        ItemId::Software(id) => {
            let of: Vec<&Software> = software.iter().filter(|other| other.id == id).collect();
            let own = of.iter().flat_map(|one| &one.parameters);
            own.chain(of.iter().filter_map(|one| one.configuration).flat_map(of_task)).collect()
        }
    }
}
