//! How the world is made: its size and how often each trouble occurs.

use serde::{Deserialize, Serialize};

/// How the world is made. Rates are shares between 0 and 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Seed of everything random.
    pub seed: u64,
    /// How many machines.
    pub computers: usize,
    /// How many tenants; by default one per 40 machines, at least 3.
    pub tenants: Option<usize>,
    /// How many directory users; by default about 1.1 per machine.
    pub persons: Option<usize>,
    /// Machines that are in both RMMs (the rest is in one of them).
    pub both_rmms: f64,
    /// Machines with a second, stale or live, Control session.
    pub twice_in_control: f64,
    /// Machines enrolled in Intune (tenants with a directory only).
    pub in_intune: f64,
    /// Machines whose firmware reports a junk UUID.
    pub junk_uuids: f64,
    /// Machines for which one reader reports the UUID in the other byte order.
    pub swapped_uuids: f64,
    /// Machines with a placeholder serial number.
    pub placeholder_serials: f64,
    /// Machines that carry the UUID of another live machine of the same tenant (cloned disks of
    /// virtual machines, firmware flashed from one image).
    pub clones: f64,
    /// Machines that were wiped and enrolled again: the old agents linger.
    pub wipes: f64,
    /// Machines whose mainboard was replaced while the agents stayed.
    pub swapped_boards: f64,
    /// Machines that are switched off.
    pub offline: f64,
    /// Computers used by many or by a local account: no primary person.
    pub shared_computers: f64,
    /// Users that are guests.
    pub guests: f64,
    /// Users whose UPN was changed; the old one stays as a proxy address.
    pub renamed_upns: f64,
    /// Tenants without a cloud directory.
    pub without_directory: f64,
    /// Of the tenants without a cloud directory, those with a domain of their own: only their domain
    /// controller can tell whose an account is.
    pub unsynced_domains: f64,
    /// Rows on a page of a Graph delta answer (the vendor chooses; 200 is what was seen).
    pub delta_page: usize,
    /// Latency of a machine's answer to a command, in milliseconds, as lowest and highest.
    pub command_latency_ms: (u64, u64),
    /// Calls that HaloPSA allows per rolling five minutes; 0 is no limit.
    pub halo_calls_per_5_min: u32,
    /// Resource units Graph allows per app and tenant in ten seconds; 0 is no limit.
    pub graph_units_per_10_s: u32,
    /// Lifetime of the access tokens, in seconds.
    pub token_seconds: u64,
    /// Whether the Automate user must give a one-time password (integrator users need none).
    pub automate_second_factor: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            computers: 2_000,
            tenants: None,
            persons: None,
            both_rmms: 0.40,
            twice_in_control: 0.03,
            in_intune: 0.30,
            junk_uuids: 0.02,
            swapped_uuids: 0.05,
            placeholder_serials: 0.02,
            clones: 0.01,
            wipes: 0.02,
            swapped_boards: 0.01,
            offline: 0.10,
            shared_computers: 0.05,
            guests: 0.05,
            renamed_upns: 0.05,
            without_directory: 0.10,
            unsynced_domains: 0.0,
            delta_page: 200,
            command_latency_ms: (20, 150),
            halo_calls_per_5_min: 0,
            graph_units_per_10_s: 0,
            token_seconds: 3_599,
            automate_second_factor: false,
        }
    }
}
