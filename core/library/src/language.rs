//! What may stand in a file, table by table. The documentation of a key is the user's
//! documentation: it is in the schema, and editors show it.
//!
//! These types are only described, never filled: files are read with their places (`read`).

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

mod items;
mod rings;
mod schedule;

pub use items::*;
pub use rings::*;
pub use schedule::*;

/// The JSON Schema of a file, for editors. Reading compares with the same one.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<File>().to_value()
}

/// A file of Linchpin's library: software, tasks, tags, rules and golden cases. Any number of
/// files makes one library; each may hold any of these tables.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct File {
    /// Software that can be deployed.
    pub software: Option<Vec<SoftwareTable>>,
    /// Tasks that can be deployed.
    pub task: Option<Vec<TaskTable>>,
    /// Tags, and who carries them.
    pub tag: Option<Vec<TagTable>>,
    /// Rules: this item, in this state, for this target.
    pub deployment: Option<Vec<DeploymentTable>>,
    /// Schedules: when sessions are made by themselves, and for whom.
    pub schedule: Option<Vec<ScheduleTable>>,
    /// Golden cases: what somebody must get. Every save runs them, and a broken one blocks it.
    pub expect: Option<Vec<ExpectTable>>,
    /// What is settled about tenants that no source knows.
    pub tenant: Option<Vec<TenantTable>>,
    /// What is settled about computers that no source knows.
    pub computer: Option<Vec<ComputerTable>>,
}

/// Who defined something.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum OriginWord {
    /// You. The default.
    Own,
    /// It came with the product; deployments of this origin count only when approved.
    Recommended,
}

/// A tag, and who carries it. A computer has the tags of itself, of its tenant and of its primary
/// person.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TagTable {
    /// Name by which targets refer to it; compared without case.
    pub name: String,
    /// Computers that carry it.
    pub computers: Option<Vec<ComputerChoice>>,
    /// Tenants that carry it, by name or id.
    pub tenants: Option<Vec<String>>,
    /// Persons that carry it.
    pub persons: Option<Vec<PersonChoice>>,
}

/// A computer: its name or id alone, or a table with its tenant.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum ComputerChoice {
    /// Name or id, where no other has it.
    Text(String),
    /// Name and tenant.
    Table(ComputerReference),
}

/// A computer of a tenant.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ComputerReference {
    /// Name or id.
    pub computer: String,
    /// Its tenant, by name or id.
    pub tenant: Option<String>,
}

/// A person: name, UPN or id alone, or a table with the tenant.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum PersonChoice {
    /// Name, UPN or id, where nobody else has it.
    Text(String),
    /// Name and tenant.
    Table(PersonReference),
}

/// A person of a tenant.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PersonReference {
    /// Name, UPN or id.
    pub person: String,
    /// The tenant, by name or id.
    pub tenant: Option<String>,
}

/// Exactly one computer, person or tenant. `tenant` beside another says whose it is.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SubjectTable {
    /// A computer, by name or id.
    pub computer: Option<String>,
    /// A person, by name, UPN or id.
    pub person: Option<String>,
    /// A tenant, by name or id.
    pub tenant: Option<String>,
}

/// Everything.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum AllWord {
    /// Everything.
    All,
}

/// For whom: "all", or a table that says one thing, such as { tenant = "Contoso" }.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum TargetChoice {
    /// Everything.
    All(AllWord),
    /// One thing.
    Table(Box<TargetTable>),
}

/// One target, or several of which any counts.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum TargetChoices {
    /// One.
    One(TargetChoice),
    /// Any of these.
    Many(#[schemars(length(min = 1))] Vec<TargetChoice>),
}

/// For whom. It says one thing: `computer`, `person`, `tenant`, `group`, `tag`, `agreement`,
/// `product`, `agent_group`, `location`, `property`, `filter`, `all_of`, `any_of` or `not`; beside
/// it may stand what narrows the name, and `except`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TargetTable {
    /// One computer, by name or id.
    pub computer: Option<String>,
    /// One person, by name, UPN or id: the computers where that person is primary.
    pub person: Option<String>,
    /// One tenant, by name or id; beside `computer`, `person` or `group`: whose it is.
    pub tenant: Option<String>,
    /// With `tenant`: its child tenants too. With `agreement` or `product`: child tenants inherit
    /// it.
    pub children: Option<bool>,
    /// A directory group with all groups in it: its persons, and its devices.
    pub group: Option<String>,
    /// Whatever carries a tag, or is of a tenant or primary person that does.
    pub tag: Option<String>,
    /// Tenants with an agreement of this type in force.
    pub agreement: Option<String>,
    /// Tenants with a line of this product in force.
    pub product: Option<String>,
    /// The connection that `agent_group`, `location` or `property` is of; beside `agreement` or
    /// `product`: of this connection only.
    pub connection: Option<String>,
    /// Computers with an agent in a connection's own group: its name, or `key:` and the
    /// vendor's key.
    pub agent_group: Option<String>,
    /// Computers with an agent in a connection's location: its name, or `key:` and the
    /// vendor's key.
    pub location: Option<String>,
    /// Computers with an agent whose custom property of this name has the `value`.
    pub property: Option<String>,
    /// The value of `property`, compared exactly.
    pub value: Option<String>,
    /// An expression over facts: computer.os.startsWith('Windows 11').
    pub filter: Option<String>,
    /// In all of these.
    #[schemars(length(min = 1))]
    pub all_of: Option<Vec<TargetChoice>>,
    /// In at least one of these.
    #[schemars(length(min = 1))]
    pub any_of: Option<Vec<TargetChoice>>,
    /// Not in this.
    pub not: Option<Box<TargetChoice>>,
    /// But not in this, or in none of these. Alone: all but these.
    pub except: Option<Box<TargetChoices>>,
}

/// A class of devices.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum ClassWord {
    /// Servers, domain controllers among them.
    Servers,
    /// Workstations that are no portables.
    Workstations,
    /// Portable workstations.
    Portable,
    /// Domain controllers, the primary one among them.
    DomainControllers,
    /// Primary domain controllers.
    PrimaryDomainControllers,
}

/// When a deployment takes part.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum EnforcementWord {
    /// In every run. The default.
    Required,
    /// In onboarding runs.
    Onboarding,
    /// In every run, for the subjects in `approved`.
    Optional,
    /// In runs that ask for it by name.
    AdHoc,
}

/// Whether a recommended deployment is used.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum RecommendedWord {
    /// Nobody has decided: it counts as dismissed. The default.
    Undecided,
    /// It is used.
    Approved,
    /// It is not used.
    Dismissed,
}

/// Where a deployment is offered to people.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum PlaceWord {
    /// In self service.
    SelfService,
    /// On the technician's page.
    TechnicianTools,
}

/// A day: 2026-12-31.
#[derive(JsonSchema)]
#[schemars(extend("format" = "date"))]
pub struct Day(pub String);

/// A rule: this item, in this state, for this target. Saving it applies nothing.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DeploymentTable {
    /// Name, unique among deployments; compared without case.
    pub name: String,
    /// The software, by name or id. Either this or `task`.
    pub software: Option<String>,
    /// The task, by name or id. Either this or `software`.
    pub task: Option<String>,
    /// Which one, where a task may be there several times; compared exactly.
    pub instance: Option<String>,
    /// What shall be. Of software: "latest", "= 24.1", ">= 24.1", "<= 24.1", "any",
    /// "update-if-found", "absent" or "ignored". Of a task: "enforce", "audit", "monitor" or
    /// "ignored". What is ignored wins and does nothing: it is the exception.
    pub state: String,
    /// For whom.
    pub target: TargetChoice,
    /// Device classes that it is narrowed to; left out, any.
    pub classes: Option<Vec<ClassWord>>,
    /// The one tenant that it is for, by name or id; left out, it is cross-tenant. It narrows the
    /// target.
    pub tenant: Option<String>,
    /// With `tenant`: its child tenants too.
    pub children: Option<bool>,
    /// Who defined it.
    pub origin: Option<OriginWord>,
    /// Whether it is used, where `origin` is "recommended".
    pub recommended: Option<RecommendedWord>,
    /// When it takes part.
    pub enforcement: Option<EnforcementWord>,
    /// The subjects that an optional deployment was approved for.
    pub approved: Option<Vec<SubjectTable>>,
    /// It takes part in onboarding runs only, whatever its enforcement.
    pub onboarding_only: Option<bool>,
    /// Your own order between two that are else equal: higher first.
    #[schemars(range(min = -2_147_483_648, max = 2_147_483_647))]
    pub order: Option<i32>,
    /// Switched on. Left out, it is.
    pub enabled: Option<bool>,
    /// The connection whose being disabled removes it.
    pub connection: Option<String>,
    /// First day on which it holds, local to the tenant.
    pub from: Option<Day>,
    /// Last day on which it holds, local to the tenant; an exception may expire.
    pub until: Option<Day>,
    /// Where it is offered to people.
    pub show_in: Option<Vec<PlaceWord>>,
    /// Who gets it first, ring by ring; whoever is in none comes last. Left out, everybody gets it at once.
    #[schemars(length(min = 1))]
    pub rings: Option<Vec<RingTable>>,
    /// What its scripts are given. Where the item defines parameters, these are held against them.
    pub parameters: Option<Map<String, Value>>,
    /// Why it is there.
    pub note: Option<String>,
}

/// What comes out where no deployment wins.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum OutcomeWord {
    /// Nothing wins, and nothing is blocked.
    Nobody,
    /// It is blocked: something is not known for certain.
    Blocked,
}

/// A golden case: what somebody must get.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ExpectTable {
    /// Name, unique among golden cases; compared without case.
    pub name: String,
    /// For whom.
    pub subject: SubjectTable,
    /// The software, by name or id. Either this or `task`.
    pub software: Option<String>,
    /// The task, by name or id. Either this or `software`.
    pub task: Option<String>,
    /// Which instance of it.
    pub instance: Option<String>,
    /// On which day; left out, on the day that is asked about.
    pub on: Option<Day>,
    /// The deployment that wins, by name. One of `winner`, `state` and `outcome`.
    pub winner: Option<String>,
    /// The state that wins, whichever deployment says it.
    pub state: Option<String>,
    /// What comes out where none wins.
    pub outcome: Option<OutcomeWord>,
    /// Why it matters.
    pub note: Option<String>,
}

/// How many winners may change without a confirmation that names the number: the greater of
/// percent and computers for changes, and a number of its own for uninstalls.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BudgetTable {
    /// Percent of the tenant's computers. Left out, 5.
    #[schemars(range(max = 100))]
    pub percent: Option<u8>,
    /// Computers. Left out, 25.
    #[schemars(range(max = 4_294_967_295_u64))]
    pub computers: Option<u32>,
    /// Added uninstalls. Left out, 10.
    #[schemars(range(max = 4_294_967_295_u64))]
    pub uninstalls: Option<u32>,
}

/// What is settled about a tenant.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TenantTable {
    /// The tenant, by name or id.
    pub name: String,
    /// The tenant that it belongs to, by name or id.
    pub parent: Option<String>,
    /// Cross-tenant deployments leave it out.
    pub excluded_from_cross_tenant: Option<bool>,
    /// Its own budget.
    pub budget: Option<BudgetTable>,
}

/// What is settled about a computer.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ComputerTable {
    /// The computer, by name or id.
    pub name: String,
    /// Its tenant, by name or id.
    pub tenant: Option<String>,
    /// Nothing is ever done to it.
    pub excluded_from_maintenance: Option<bool>,
}
