//! The rings of a deployment.

use schemars::JsonSchema;

/// A ring: `tag` or `percent`, and when the next one opens.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RingTable {
    /// What it is called, for people.
    pub name: Option<String>,
    /// Whoever carries this tag. Either this or `percent`.
    pub tag: Option<String>,
    /// So many percent of those that the deployment wins, always the same ones, those of earlier rings by
    /// percentage among them; one at least.
    #[schemars(range(min = 1, max = 100))]
    pub percent: Option<u8>,
    /// Hours that pass after enough of it were reached, before the next ring opens. Left out, 24.
    #[schemars(range(max = 8_760))]
    pub soak_hours: Option<u32>,
    /// Percent of it that must have been reached before that. Left out, 80.
    #[schemars(range(min = 1, max = 100))]
    pub reached_percent: Option<u8>,
    /// Percent of those reached that may have failed; more halts the deployment. Left out, 2.
    #[schemars(range(max = 100))]
    pub failures_percent: Option<u8>,
    /// So many must have failed before it is halted while the ring is not reached yet. Left out, 2.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub failures_minimum: Option<u32>,
}
