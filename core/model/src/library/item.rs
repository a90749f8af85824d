//! Software, tasks and tags.

use serde::{Deserialize, Serialize};

use super::SubjectKind;
use crate::id::{ComputerId, PersonId, SoftwareId, TagId, TaskId, TenantId, VersionId};

/// Who defined something.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It came with the product; deployments of this origin count only when approved.
    Recommended,
    /// The provider himself.
    #[default]
    Own,
}

/// A piece of software.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// Id.
    pub id: SoftwareId,
    /// Handle, unique among software without case.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Publisher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// Who defined it.
    #[serde(default)]
    pub origin: Origin,
    /// Its versions, in no particular order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<SoftwareVersion>,
}

/// A version of a piece of software.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftwareVersion {
    /// Id.
    pub id: VersionId,
    /// The version, as its publisher writes it.
    pub version: String,
}

/// For whom a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskCategory {
    /// Computers.
    #[default]
    Computer,
    /// Tenants.
    Tenant,
    /// Persons.
    Person,
}

impl TaskCategory {
    /// The kind of its subjects.
    #[must_use]
    pub fn subjects(self) -> SubjectKind {
        match self {
            TaskCategory::Computer => SubjectKind::Computer,
            TaskCategory::Tenant => SubjectKind::Tenant,
            TaskCategory::Person => SubjectKind::Person,
        }
    }
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Id.
    pub id: TaskId,
    /// Handle, unique among tasks without case.
    pub name: String,
    /// What people read.
    pub title: String,
    /// For whom it is.
    #[serde(default)]
    pub category: TaskCategory,
    /// It may be there several times on one subject, told apart by an instance key (certificates,
    /// printers).
    #[serde(default)]
    pub instances: bool,
    /// Who defined it.
    #[serde(default)]
    pub origin: Origin,
}

/// A tag, and whatever carries it. A computer has the tags of itself, of its tenant and of its
/// primary person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// Id.
    pub id: TagId,
    /// Handle, unique among tags without case.
    pub name: String,
    /// Computers that carry it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub computers: Vec<ComputerId>,
    /// Tenants that carry it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantId>,
    /// Persons that carry it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub persons: Vec<PersonId>,
}
