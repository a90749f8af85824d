//! What an admin may set about syncing.

use core_derive::{AffinityPolicy, IdentificationPolicy, TenantPolicy};

use crate::collect::CollectSettings;

/// The hub's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Percent of a stream's live records above which a deletion is held, if it is also above
    /// [`Settings::max_delete_count`].
    pub max_delete_percent: u8,
    /// Records.
    pub max_delete_count: u64,
    /// Percent of rejected records above which a run fails.
    pub max_reject_percent: u8,
    /// Hours after which an incremental stream is read in full again.
    pub full_every_hours: u32,
    /// Scopes of one stream that are read at once.
    pub parallel_scopes: usize,
    /// Clients to tenants.
    pub tenants: TenantPolicy,
    /// Agents to computers.
    pub identification: IdentificationPolicy,
    /// Logons to persons.
    pub affinity: AffinityPolicy,
    /// Asking machines.
    pub collect: CollectSettings,
    /// Where the hub is reached from outside, without a path: systems tell it there what changes.
    pub public_url: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_delete_percent: 10,
            max_delete_count: 20,
            max_reject_percent: 5,
            full_every_hours: 24,
            parallel_scopes: 4,
            tenants: TenantPolicy::default(),
            identification: IdentificationPolicy::default(),
            affinity: AffinityPolicy::default(),
            collect: CollectSettings::default(),
            public_url: None,
        }
    }
}

/// Raised whenever derivation makes other documents of the same records.
const DERIVATION: u32 = 3;

impl Settings {
    /// A number that changes with every rule that derivation follows, so that a changed rule is
    /// applied to everything.
    pub(crate) fn rules_digest(&self) -> i64 {
        let text =
            format!("{DERIVATION}{:?}{:?}{:?}", self.tenants, self.identification, self.affinity);
        i64::from_ne_bytes(xxhash_rust::xxh3::xxh3_64(text.as_bytes()).to_ne_bytes()) & i64::MAX
    }
}
