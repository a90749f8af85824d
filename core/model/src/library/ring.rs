//! Rings of a deployment: a few computers first, then more, then the rest.

use serde::{Deserialize, Serialize};

use crate::id::TagId;

/// Who is in a ring, as far as no ring before it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RingMembers {
    /// Whoever carries the tag.
    Tag(TagId),
    /// So many percent of those that the deployment wins, always the same ones: 1 to 100. The share counts
    /// those of earlier rings by percentage, too: 5 and then 25 are 5 and 20 more.
    Percent(u8),
}

/// One ring. Whoever is in none comes last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ring {
    /// What it is called; the number serves where it is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Who is in it.
    pub members: RingMembers,
    /// Hours that pass after enough of it were reached, before the next one opens.
    pub soak_hours: u32,
    /// Percent of it that must have been reached: some are always off.
    pub reached_percent: u8,
    /// Percent of those that were reached that may have failed. More halts the deployment.
    pub failures_percent: u8,
    /// So many must have failed before it is halted, while too few were reached to judge the whole ring.
    pub failures_minimum: u32,
}

impl Ring {
    /// One as it is where nothing else is said: 24 hours, 80 % reached, 2 % failed, two failures at least.
    #[must_use]
    pub fn new(members: RingMembers) -> Self {
        Self {
            name: String::new(),
            members,
            soak_hours: 24,
            reached_percent: 80,
            failures_percent: 2,
            failures_minimum: 2,
        }
    }

    /// What it is called, given its place from 0.
    #[must_use]
    pub fn title(&self, at: usize) -> String {
        match self.name.as_str() {
            "" => format!("ring {}", at + 1),
            name => format!("ring {} ({name})", at + 1),
        }
    }
}
