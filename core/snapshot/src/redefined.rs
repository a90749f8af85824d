//! What a snapshot would be built from if something else were defined: tags and the operator's
//! settings are part of it.

use core_library::Library;
use core_resolve::SnapshotInput;

use crate::library::{Settings, excluded};
use crate::load::Loaded;

impl Loaded {
    /// What a snapshot would be built from if this were defined instead. Numbers of tenants,
    /// persons and computers mean the same in both snapshots.
    #[must_use]
    pub fn redefined(&self, after: &Library) -> SnapshotInput {
        let mut input = self.input.clone();
        input.tags.clone_from(&after.tags);
        let settings = Settings::of(after);
        input.tenants.iter_mut().for_each(|tenant| settings.settle(tenant));
        let left_alone = excluded(after);
        for computer in &mut input.computers {
            computer.excluded = left_alone.contains(&computer.id);
        }
        input
    }
}
