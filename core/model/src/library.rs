//! What people define and keep under version control: software, tasks, tags, deployments with
//! their targets, golden cases, and the operator's settings of tenants and computers.
//!
//! These are plain types. Reading them from files, keeping them and resolving them is done
//! elsewhere. References are ids: whoever reads files turns names into ids first.

mod deployment;
mod expectation;
mod item;
mod kind;
mod settings;
mod subject;
mod target;

pub use deployment::{
    Deployment, DesiredState, DeviceClass, Enforcement, Owner, RecommendedUse, Visibility,
};
pub use expectation::{Expectation, Expected};
pub use item::{Origin, Software, SoftwareVersion, Tag, Task, TaskCategory};
pub use kind::DefinitionKind;
pub use settings::{Budget, ComputerSettings, TenantSettings};
pub use subject::{BadReference, ItemId, SubjectId, SubjectKind};
pub use target::Target;

/// One spelling of a handle: handles are compared without case and without space around them.
#[must_use]
pub fn handle(name: &str) -> String {
    name.trim().to_lowercase()
}
