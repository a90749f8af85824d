//! What the settings file holds, key by key. The documentation of a field is the user's
//! documentation: it is in the schema, and editors show it.

use chrono::TimeDelta;
use core_derive::{
    AffinityPolicy, DomainSplit, IdentificationMode, IdentificationPolicy, TenantPolicy,
};
use core_resolve::Freshness;
use core_sync::{CollectSettings, Settings};
use schemars::JsonSchema;
use serde::Deserialize;

use super::mail::MailTable;
use super::maintenance::MaintenanceTable;
use super::notification::NotificationTable;
use super::plan::{ScheduleTable, ServerTable};
use super::queue::SessionsTable;
use super::sign_in::{SecretsTable, SignInTable};
use super::technician::TechnicianTable;
use super::traces::TracesTable;
use super::webhook::WebhookTable;

const HOUR_US: i64 = 3_600_000_000;

/// Settings of Linchpin.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct File {
    /// The hub itself.
    pub(crate) hub: HubTable,
    /// How connections are read.
    pub(crate) sync: SyncTable,
    /// How the connections' clients become tenants.
    pub(crate) tenants: TenantsTable,
    /// How agents become computers.
    pub(crate) identification: IdentificationTable,
    /// How logons become a computer's primary person.
    pub(crate) affinity: AffinityTable,
    /// How old what was read may be for deployments to be resolved on it.
    pub(crate) resolve: ResolveTable,
    /// How changes of what is defined are saved.
    pub(crate) rules: RulesTable,
    /// When the daemon (`linchpin serve`) reads what.
    pub(crate) schedule: ScheduleTable,
    /// What the daemon answers, and how much it does at once.
    pub(crate) server: ServerTable,
    /// The page that a PSA shows inside its tickets.
    pub(crate) technician_tools: TechnicianTable,
    /// How sessions wait, and how many run at once.
    pub(crate) sessions: SessionsTable,
    /// The built-in maintenance engine.
    pub(crate) maintenance: MaintenanceTable,
    /// What people are told of sessions by mail, and how they may postpone them.
    pub(crate) notification: NotificationTable,
    /// How people sign in.
    pub(crate) sign_in: SignInTable,
    /// How what the hub keeps is sealed.
    pub(crate) secrets: SecretsTable,
    /// Where the hub itself tells of what happens, one table each.
    pub(crate) webhook: Vec<WebhookTable>,
    /// Mail about what waits for a human.
    pub(crate) mail: MailTable,
    /// Traces of what the program does, sent to an OpenTelemetry collector.
    pub(crate) traces: TracesTable,
    /// The systems to read, one table each; their order is the order of the lists.
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    pub(crate) connection: Vec<serde_json::Value>,
}

/// The hub itself.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HubTable {
    /// Where the hub remembers: `sqlite://PATH` (relative to this file) or
    /// `postgres://USER:PASSWORD@HOST/DATABASE`.
    #[schemars(extend("x-linchpin-secret" = true))]
    pub(crate) database: String,
    /// Time zone of dates where a tenant's own is not known: an IANA name.
    pub(crate) time_zone: String,
}

impl Default for HubTable {
    fn default() -> Self {
        Self { database: "sqlite://linchpin.db".to_owned(), time_zone: "UTC".to_owned() }
    }
}

/// How connections are read.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SyncTable {
    /// A complete read that would remove more than this share of a stream's records (in percent),
    /// and also more than `max_delete_count`, holds the deletions back until somebody accepts them.
    #[schemars(range(max = 100))]
    pub(crate) max_delete_percent: u8,
    /// Records; see `max_delete_percent`.
    pub(crate) max_delete_count: u64,
    /// A run fails where more than this share of its records (in percent) cannot be read. Below it
    /// they are put into quarantine, each with its reason.
    #[schemars(range(max = 100))]
    pub(crate) max_reject_percent: u8,
    /// Hours after which a stream that is read by changes is read in full again, to find what its
    /// system does not report.
    #[schemars(range(min = 1))]
    pub(crate) full_every_hours: u32,
    /// Parts of one stream (customers' directories) that are read at once.
    #[schemars(range(min = 1, max = 64))]
    pub(crate) parallel_scopes: usize,
}

impl Default for SyncTable {
    fn default() -> Self {
        let hub = Settings::default();
        Self {
            max_delete_percent: hub.max_delete_percent,
            max_delete_count: hub.max_delete_count,
            max_reject_percent: hub.max_reject_percent,
            full_every_hours: hub.full_every_hours,
            parallel_scopes: hub.parallel_scopes,
        }
    }
}

/// How the connections' clients become tenants.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TenantsTable {
    /// Connections whose clients become tenants by themselves where no tenant fits; the first one
    /// names it. The others' clients stay unlinked and are shown with suggestions. Left out: every
    /// azure-ad connection, then every cw-automate connection, then the runners'.
    pub(crate) create_from: Option<Vec<String>>,
    /// Names of clients that stand for nobody: where machines are put until somebody knows whose they
    /// are. They become no tenant, and their machines take part in nothing.
    pub(crate) placeholders: Vec<String>,
    /// Directories that serve several tenants.
    pub(crate) domain_split: Vec<DomainSplitTable>,
}

impl Default for TenantsTable {
    fn default() -> Self {
        let placeholders = TenantPolicy::default().placeholders;
        Self { create_from: None, placeholders, domain_split: Vec::new() }
    }
}

/// People of a directory with these domains belong to the tenant of another client.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DomainSplitTable {
    /// The directory's GUID.
    pub(crate) directory: String,
    /// Domains of the people's UPNs.
    #[schemars(length(min = 1))]
    pub(crate) domains: Vec<String>,
    /// The connection that has the client.
    pub(crate) connection: String,
    /// The client whose tenant they belong to: its key in that system, or its name.
    pub(crate) client: String,
}

/// Whether the rules act.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Agents are joined by the rules.
    #[default]
    Enforce,
    /// Nothing is joined; what the rules would have done is reported.
    Log,
}

/// How agents become computers.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct IdentificationTable {
    /// `enforce` joins agents by the rules; `log` joins nothing and reports what it would do.
    pub(crate) mode: Mode,
    /// Makers whose serial numbers identify a machine.
    pub(crate) trusted_manufacturers: Vec<String>,
    /// Further hardware UUIDs that identify nothing, besides those that are known to.
    pub(crate) junk_uuids: Vec<String>,
    /// Further serial numbers that identify nothing.
    pub(crate) junk_serials: Vec<String>,
    /// A computer that shows up at another tenant after so many days of silence may have moved;
    /// before, it is refused.
    #[schemars(range(min = 0, max = 3650))]
    pub(crate) move_after_days: i64,
    /// Ask the machines themselves, by a script, who they are and who is logged on, at the end of
    /// each sync.
    pub(crate) ask: bool,
    /// Machines of one connection that are asked at once.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) parallel: usize,
    /// Seconds that a machine may take to answer.
    #[schemars(range(min = 1, max = 86400))]
    pub(crate) time_limit_seconds: u64,
    /// Hours after which a machine is asked again.
    #[schemars(range(min = 1))]
    pub(crate) every_hours: u32,
    /// Scripts that ask domain controllers whose an account is, through each connection at the end of
    /// each round of asking; 0 asks none.
    pub(crate) account_scripts: usize,
    /// Milliseconds between two looks for an answer. Left out, each connector has its own pace.
    #[schemars(range(min = 10))]
    pub(crate) poll_ms: Option<u64>,
}

impl Default for IdentificationTable {
    fn default() -> Self {
        let (rules, collect) = (IdentificationPolicy::default(), CollectSettings::default());
        Self {
            mode: Mode::Enforce,
            trusted_manufacturers: rules.trusted_manufacturers,
            junk_uuids: rules.junk_uuids,
            junk_serials: rules.junk_serials,
            move_after_days: rules.move_after_days,
            ask: true,
            parallel: collect.parallel,
            time_limit_seconds: collect.time_limit_seconds,
            every_hours: collect.every_hours,
            account_scripts: collect.account_scripts,
            poll_ms: collect.poll_ms,
        }
    }
}

/// How logons become a computer's primary person.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AffinityTable {
    /// Somebody with less than this share of a computer's last ten logons (in percent) is not its
    /// primary person: it is shared.
    #[schemars(range(max = 100))]
    pub(crate) min_share: u8,
    /// Accounts that never count, as patterns with `*`: administrators, service accounts.
    pub(crate) ignore_upns: Vec<String>,
    /// The same person on the same computer within so many hours is one logon.
    #[schemars(range(min = 1, max = 8760))]
    pub(crate) interval_hours: i64,
}

impl Default for AffinityTable {
    fn default() -> Self {
        let rules = AffinityPolicy::default();
        Self {
            min_share: rules.min_share,
            ignore_upns: rules.ignore_upns,
            interval_hours: rules.interval_us / HOUR_US,
        }
    }
}

/// How old what was read may be for deployments to be resolved on it.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ResolveTable {
    /// Facts that were last read more than so many hours ago count as unknown: nothing is installed,
    /// changed or removed because of them.
    #[schemars(range(min = 1, max = 8760))]
    pub(crate) install_max_age_hours: u32,
    /// The same for uninstalls. Not more than `install_max_age_hours`.
    #[schemars(range(min = 1, max = 8760))]
    pub(crate) uninstall_max_age_hours: u32,
}

impl Default for ResolveTable {
    fn default() -> Self {
        Self { install_max_age_hours: 48, uninstall_max_age_hours: 24 }
    }
}

/// How changes of what is defined are saved.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RulesTable {
    /// `linchpin apply` of a change beyond the budget of a tenant waits as a request until somebody
    /// else approves it. Where this is false, whoever applies it confirms it by its number.
    pub(crate) second_person: bool,
}

impl Default for RulesTable {
    fn default() -> Self {
        Self { second_person: true }
    }
}

impl ResolveTable {
    /// In the resolver's words.
    pub(crate) fn freshness(&self) -> Freshness {
        Freshness {
            install: TimeDelta::hours(self.install_max_age_hours.into()),
            uninstall: TimeDelta::hours(self.uninstall_max_age_hours.into()),
        }
    }
}

impl File {
    /// The hub's settings, in its own words. `create_from` is what applies where none is given.
    pub(crate) fn settings(&self, create_from: Vec<String>) -> Settings {
        let mut settings = Settings {
            max_delete_percent: self.sync.max_delete_percent,
            max_delete_count: self.sync.max_delete_count,
            max_reject_percent: self.sync.max_reject_percent,
            full_every_hours: self.sync.full_every_hours,
            parallel_scopes: self.sync.parallel_scopes,
            identification: self.identification.policy(),
            affinity: self.affinity.policy(),
            public_url: self.server.public_url.clone(),
            ..Settings::default()
        };
        settings.tenants.create_from = self.tenants.create_from.clone().unwrap_or(create_from);
        settings.tenants.placeholders.clone_from(&self.tenants.placeholders);
        settings.tenants.splits = self.tenants.domain_split.iter().map(Into::into).collect();
        settings.collect.parallel = self.identification.parallel;
        settings.collect.time_limit_seconds = self.identification.time_limit_seconds;
        settings.collect.every_hours = self.identification.every_hours;
        settings.collect.account_scripts = self.identification.account_scripts;
        settings.collect.poll_ms = self.identification.poll_ms;
        settings
    }
}

impl IdentificationTable {
    fn policy(&self) -> IdentificationPolicy {
        let makers = self.trusted_manufacturers.iter();
        IdentificationPolicy {
            mode: match self.mode {
                Mode::Enforce => IdentificationMode::Enforce,
                Mode::Log => IdentificationMode::Log,
            },
            trusted_manufacturers: makers
                .filter_map(|maker| core_model::hardware::normal_manufacturer(maker))
                .collect(),
            junk_uuids: self.junk_uuids.clone(),
            junk_serials: self.junk_serials.clone(),
            move_after_days: self.move_after_days,
        }
    }
}

impl AffinityTable {
    fn policy(&self) -> AffinityPolicy {
        AffinityPolicy {
            min_share: self.min_share,
            ignore_upns: self.ignore_upns.iter().map(|upn| upn.trim().to_lowercase()).collect(),
            interval_us: self.interval_hours.saturating_mul(HOUR_US),
        }
    }
}

impl From<&DomainSplitTable> for DomainSplit {
    fn from(table: &DomainSplitTable) -> Self {
        let domains = table.domains.iter();
        Self {
            directory: table.directory.trim().to_lowercase(),
            domains: domains
                .map(|domain| domain.trim().trim_start_matches('@').to_lowercase())
                .collect(),
            connection: table.connection.clone(),
            client: table.client.clone(),
        }
    }
}
