//! Arguments of the commands that say who should have what, and why.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use core_model::library::{DeviceClass, SubjectKind};

/// When it is asked about.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct WhenArgs {
    /// As it is on this local day of each tenant (2026-12-31), or at this instant
    /// (2026-12-31T18:00:00Z), past or future; now, or the instant of --known-at, where it is left
    /// out
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<String>,
    /// By what the hub knew at this instant, or at the end of this day in the hub's time zone
    #[arg(long, value_name = "INSTANT")]
    pub(crate) known_at: Option<String>,
}

const TARGETS: &str = "Targets:
  all                                everybody
  computer:PC-042                    one computer, by name or id
  person:ana@contoso.com             one person, by name, UPN or id: the computers he uses
  tenant:Contoso                     one tenant; tenant+children: those below it too
  group:Finance                      a directory group, with the groups in it
  tag:Kiosk                          what carries a tag, or is of a tenant or person that does
  agreement:\"Managed Services\"       tenants with an agreement of this type in force
  product:SentinelOne                tenants with a line of this product in force
  connection-group@automate:Servers  a connection's own group; location@automate: its location
  property@control:Role=Kiosk        a custom property with a value
  filter:'computer.os.contains(\"Server\")'
                                     what an expression over facts says
Several targets must all hold; `not:` before one means who is not in it. The connection (@…) may be
left out where only one has such a group or property. agreement and product take +children too.

Exit codes:
  0  done
  1  failed
  2  the arguments or the settings are wrong
  3  done in part: a deletion is held back, or something failed beside what worked";

/// `linchpin resolve`.
#[derive(Debug, Args)]
#[command(
    after_help = TARGETS,
    group = ArgGroup::new("what").required(true).args(["target", "deployment"])
)]
pub(crate) struct ResolveArgs {
    /// For whom; see below
    #[arg(value_name = "TARGET")]
    pub(crate) target: Vec<String>,
    /// The target of this deployment, with its owner and device classes
    #[arg(long, value_name = "DEPLOYMENT", conflicts_with_all = ["class", "kind"])]
    pub(crate) deployment: Option<String>,
    /// Only computers of these classes
    #[arg(long, value_name = "CLASS", value_enum, conflicts_with = "kind")]
    pub(crate) class: Vec<ClassArg>,
    /// What the target resolves to
    #[arg(long = "to", value_name = "KIND", value_enum, default_value_t = KindArg::Computers)]
    pub(crate) kind: KindArg,
    #[command(flatten)]
    pub(crate) when: WhenArgs,
    /// At most so many names of each kind of answer; --json lists all
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}

/// A device class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClassArg {
    /// Servers, domain controllers among them
    Servers,
    /// Workstations that are no portables
    Workstations,
    /// Portable workstations
    Portable,
    /// Domain controllers
    DomainControllers,
    /// Primary domain controllers
    PrimaryDomainControllers,
}

impl From<ClassArg> for DeviceClass {
    fn from(class: ClassArg) -> Self {
        match class {
            ClassArg::Servers => DeviceClass::Servers,
            ClassArg::Workstations => DeviceClass::Workstations,
            ClassArg::Portable => DeviceClass::Portable,
            ClassArg::DomainControllers => DeviceClass::DomainControllers,
            ClassArg::PrimaryDomainControllers => DeviceClass::PrimaryDomainControllers,
        }
    }
}

/// What a target resolves to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    /// Computers, as for software and most tasks
    Computers,
    /// Persons, as for tasks of persons
    Persons,
    /// Tenants, as for tasks of tenants
    Tenants,
}

impl From<KindArg> for SubjectKind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Computers => SubjectKind::Computer,
            KindArg::Persons => SubjectKind::Person,
            KindArg::Tenants => SubjectKind::Tenant,
        }
    }
}

/// `linchpin winners`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whom").required(true).args(["subject", "tenant"]))]
pub(crate) struct WinnersArgs {
    /// A computer, by name or id; also `person:NAME` or `tenant:NAME` for what is for these
    #[arg(value_name = "COMPUTER")]
    pub(crate) subject: Option<String>,
    /// Everybody of this tenant
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// Only this software or task: its name, title or id
    #[arg(long, value_name = "ITEM")]
    pub(crate) item: Option<String>,
    /// As an onboarding run sees it
    #[arg(long)]
    pub(crate) onboarding: bool,
    #[command(flatten)]
    pub(crate) when: WhenArgs,
}

/// `linchpin explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A computer, by name or id; a person or tenant where the item is for these
    #[arg(value_name = "SUBJECT")]
    pub(crate) subject: String,
    /// The software or task: its name, title or id
    #[arg(value_name = "ITEM")]
    pub(crate) item: String,
    /// Which one, where a task may be there several times
    #[arg(long, value_name = "KEY")]
    pub(crate) instance: Option<String>,
    /// As an onboarding run sees it
    #[arg(long)]
    pub(crate) onboarding: bool,
    #[command(flatten)]
    pub(crate) when: WhenArgs,
}

/// `linchpin preview`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").required(true).args(["file", "remove", "disable", "enable"]))]
pub(crate) struct PreviewArgs {
    /// What if this file of definitions were saved? What it defines would be wholly as it says, and
    /// everything else would stay as the hub has it; nothing is saved
    #[arg(value_name = "FILE", conflicts_with = "deployment")]
    pub(crate) file: Option<PathBuf>,
    /// The deployment to remove, switch off or switch on
    #[arg(long, value_name = "DEPLOYMENT", requires = "change")]
    pub(crate) deployment: Option<String>,
    /// What if it were removed?
    #[arg(long, requires = "deployment")]
    pub(crate) remove: bool,
    /// What if it were switched off?
    #[arg(long, requires = "deployment")]
    pub(crate) disable: bool,
    /// What if it were switched on?
    #[arg(long, requires = "deployment")]
    pub(crate) enable: bool,
    /// On this local day of each tenant, or at this instant; now where it is left out
    #[arg(long, value_name = "DATE")]
    pub(crate) as_of: Option<String>,
}

/// `linchpin edges`.
#[derive(Debug, Args)]
pub(crate) struct EdgesArgs {
    /// The first day; tomorrow where it is left out
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// The last day; 90 days from today where it is left out
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    /// Also days on which agreements change and no winner does
    #[arg(long)]
    pub(crate) all: bool,
}

/// `linchpin reconcile`.
#[derive(Debug, Args)]
pub(crate) struct ReconcileArgs {
    /// Only the lines of this agreement: its name or id
    #[arg(long, value_name = "AGREEMENT")]
    pub(crate) agreement: Option<String>,
    #[command(flatten)]
    pub(crate) when: WhenArgs,
}

/// `linchpin expect`.
#[derive(Debug, Args)]
pub(crate) struct ExpectArgs {
    #[command(flatten)]
    pub(crate) when: WhenArgs,
}
