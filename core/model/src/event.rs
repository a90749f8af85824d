//! Events: every change of the unified model, in one order.

use serde::{Deserialize, Serialize};

use crate::entity::EntityKind;

/// Why the model changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Cause {
    /// A run of a stream.
    Run,
    /// A human's decision.
    Decision {
        /// Its number.
        number: i64,
    },
    /// A script's reading or a logon.
    Observation,
    /// A boundary of time that passed.
    Clock,
}

impl Cause {
    /// The word in the store.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Cause::Run => "run",
            Cause::Decision { .. } => "decision",
            Cause::Observation => "observation",
            Cause::Clock => "clock",
        }
    }
}

/// One change of one entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Place in the order, without gaps in what is committed.
    pub sequence: i64,
    /// When it was committed, Unix microseconds.
    pub at_us: i64,
    /// Kind of entity.
    pub entity: EntityKind,
    /// Its id.
    pub id: String,
    /// Its tenant.
    pub tenant: Option<String>,
    /// The document before; none where it is new.
    pub before: Option<String>,
    /// The document after; none where it was removed.
    pub after: Option<String>,
    /// Why.
    pub cause: String,
}
