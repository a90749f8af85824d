//! Open decisions: what the rules leave to a human.

use serde::{Deserialize, Serialize};

use crate::id::{AgentId, ComputerId, DecisionId, TenantId};

/// What a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Two agents of one connection claim one machine: re-installed, wiped, or two machines?
    SameMachine,
    /// A known agent reports another UUID and another serial: disk moved or board swapped?
    OtherHardware,
    /// A computer of another tenant seems to have moved here.
    Moved,
    /// The evidence points to more than one computer, or to one but not surely.
    Ambiguous,
    /// Nothing that identifies the machine is known, and it has answered.
    Unidentifiable,
}

/// An answer that can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The same machine; the new agent replaces the old one.
    ReInstalled,
    /// The same machine, wiped since.
    Wiped,
    /// Another machine.
    TwoMachines,
    /// The same machine.
    SameMachine,
    /// It moved to this tenant.
    Moved,
    /// Leave it open until something new is known.
    AskLater,
}

impl Choice {
    /// Every choice.
    pub const ALL: &'static [Choice] = &[
        Choice::ReInstalled,
        Choice::Wiped,
        Choice::TwoMachines,
        Choice::SameMachine,
        Choice::Moved,
        Choice::AskLater,
    ];

    /// The word that is typed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Choice::ReInstalled => "re-installed",
            Choice::Wiped => "wiped",
            Choice::TwoMachines => "two-machines",
            Choice::SameMachine => "same-machine",
            Choice::Moved => "moved",
            Choice::AskLater => "ask-later",
        }
    }

    /// The choice with that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.as_str() == text)
    }
}

/// An open decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Id.
    pub id: DecisionId,
    /// The tenant.
    pub tenant: TenantId,
    /// What it is about.
    pub subject: Subject,
    /// The question in words.
    pub text: String,
    /// The agent that waits.
    pub agent: AgentId,
    /// The computers it may be.
    pub computers: Vec<ComputerId>,
    /// What was seen, line by line.
    pub evidence: Vec<String>,
    /// The answers that can be given.
    pub choices: Vec<Choice>,
}

impl Question {
    pub(super) fn tenant_id(&self) -> Option<String> {
        Some(self.tenant.to_string())
    }
    pub(super) fn display(&self) -> &str {
        &self.text
    }
}
