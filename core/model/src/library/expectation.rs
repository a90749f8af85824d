//! Golden cases: what somebody must get, checked before every save.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{DesiredState, ItemId, SubjectId};
use crate::id::{DeploymentId, ExpectationId};

/// What is expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// This deployment wins.
    Deployment(DeploymentId),
    /// Some deployment with this state wins.
    State(DesiredState),
    /// Nothing wins, and nothing is blocked.
    Nobody,
    /// It is blocked: something is not known for certain.
    Blocked,
}

/// A golden case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Id.
    pub id: ExpectationId,
    /// Handle, unique among expectations without case.
    pub name: String,
    /// For whom.
    pub subject: SubjectId,
    /// Which item.
    pub item: ItemId,
    /// Which instance of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// On which local day; without one, on the day that is asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<NaiveDate>,
    /// What.
    pub expected: Expected,
    /// Why it matters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}
