//! What people define and keep under version control: software, tasks, tags, deployments with
//! their targets, schedules, golden cases, and the operator's settings of tenants and computers.
//!
//! These are plain types. Reading them from files, keeping them and resolving them is done
//! elsewhere. References are ids: whoever reads files turns names into ids first.

mod deployment;
mod expectation;
mod item;
mod kind;
mod parameter;
mod prerequisite;
mod ring;
mod schedule;
mod script;
mod settings;
mod shortfall;
mod software;
mod subject;
mod target;
mod task;

pub use deployment::{
    Deployment, DesiredState, DeviceClass, Enforcement, Owner, RecommendedUse, Visibility,
};
pub use expectation::{Expectation, Expected};
pub use item::{KeptSecret, NoKeptSecret, Order, Origin, Tag};
pub use kind::DefinitionKind;
pub use parameter::{
    BadParameter, BadValue, Parameter, ParameterKind, check_parameters, effective_parameters,
};
pub use prerequisite::{
    BadPrerequisite, Prerequisite, PrerequisiteAction, Presence, Quantifier, cycles,
};
pub use ring::{Ring, RingMembers};
pub use schedule::{Execution, OfflineBehaviour, RebootPreference, Schedule, ScheduleZone, Timing};
pub use script::{
    NobodyLoggedOn, Script, ScriptContext, ScriptLanguage, ScriptNeed, ScriptPurpose, TaskMethod,
};
pub use settings::{Budget, ComputerSettings, TenantSettings};
pub use shortfall::Shortfall;
pub use software::{
    Architecture, Detection, Download, Licence, LicenceKind, LicenceRequirement, Licensing,
    NameMatch, Removal, RepairStrategy, Software, SoftwareScripts, SoftwareVersion,
    UpgradeStrategy,
};
pub use subject::{BadReference, ItemId, SubjectId, SubjectKind};
pub use target::Target;
pub use task::{Task, TaskCategory, TaskScripts};

/// One spelling of a handle: handles are compared without case and without space around them.
#[must_use]
pub fn handle(name: &str) -> String {
    name.trim().to_lowercase()
}
