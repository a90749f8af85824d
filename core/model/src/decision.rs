//! Decisions: what a human settled. They name source records, never computers, so that they hold
//! over every re-sync and rebuild.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::entity::Choice;
use crate::record::RecordRef;

/// What was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "decision")]
pub enum Settled {
    /// This client belongs to the tenant that this other client belongs to; to none where absent.
    LinkClient {
        /// The client record.
        client: RecordRef,
        /// A client record of the tenant.
        with: Option<RecordRef>,
    },
    /// How two agents are related.
    Agents {
        /// The agent asked about.
        agent: RecordRef,
        /// An agent of the other computer, where the question named one.
        with: Option<RecordRef>,
        /// What was chosen.
        choice: Choice,
    },
    /// Who is the primary person of the computer of this agent; nobody where absent.
    PinPrimary {
        /// An agent of the computer.
        agent: RecordRef,
        /// The person record.
        person: Option<RecordRef>,
    },
    /// The logons decide again who is the primary person of the computer of this agent.
    UnpinPrimary {
        /// An agent of the computer.
        agent: RecordRef,
    },
    /// The computer of this agent was onboarded.
    Onboarded {
        /// An agent of the computer.
        agent: RecordRef,
    },
}

/// A decision with who took it and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Number, ascending; a later decision about the same thing holds.
    pub number: i64,
    /// What.
    pub settled: Settled,
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}
