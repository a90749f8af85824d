//! What a snapshot would be built from if something else were defined: tags and the operator's
//! settings are part of it.

use std::collections::HashMap;

use core_library::Library;
use core_model::id::TenantId;
use core_model::library::TenantSettings;
use core_resolve::SnapshotInput;

use crate::library::excluded;
use crate::load::Loaded;

impl Loaded {
    /// What a snapshot would be built from if this were defined instead. Numbers of tenants,
    /// persons and computers mean the same in both snapshots.
    #[must_use]
    pub fn redefined(&self, after: &Library) -> SnapshotInput {
        let mut input = self.input.clone();
        input.tags.clone_from(&after.tags);
        let settings: HashMap<TenantId, &TenantSettings> =
            after.tenants.iter().map(|settings| (settings.tenant, settings)).collect();
        for tenant in &mut input.tenants {
            let settings = settings.get(&tenant.id);
            tenant.parent = settings.and_then(|settings| settings.parent);
            tenant.excluded_from_cross_tenant =
                settings.is_some_and(|settings| settings.excluded_from_cross_tenant);
            tenant.budget = settings.and_then(|settings| settings.budget);
        }
        let left_alone = excluded(after);
        for computer in &mut input.computers {
            computer.excluded = left_alone.contains(&computer.id);
        }
        input
    }
}
