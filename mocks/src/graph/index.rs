//! Which rows belong to which directory.
//!
//! The world keeps one vector per kind and only appends to it, so the index only grows: a page of
//! a listing finds its first row by binary search and never walks over the rows before it.

use std::collections::HashMap;

use uuid::Uuid;

use super::entity::Entity;
use crate::world::{DirectoryNo, EntraDevice, Group, IntuneDevice, Person, World};

/// The rows of one kind.
#[derive(Debug, Default)]
pub(super) struct Rows {
    seen: usize,
    of: Vec<Vec<u32>>,
    by_id: HashMap<Uuid, u32>,
}

impl Rows {
    /// The rows of a directory, by number, ascending.
    pub(super) fn of(&self, directory: DirectoryNo) -> &[u32] {
        self.of.get(directory).map_or(&[], Vec::as_slice)
    }

    /// The row with an object id, in whatever directory.
    pub(super) fn find(&self, id: Uuid) -> Option<usize> {
        self.by_id.get(&id).map(|no| *no as usize)
    }

    fn grow<E: Entity>(&mut self, world: &World) {
        let all = E::all(world);
        if all.len() < self.seen {
            *self = Self::default();
        }
        for (no, row) in all.iter().enumerate().skip(self.seen) {
            let no = u32::try_from(no).unwrap_or(u32::MAX);
            if self.of.len() <= row.directory() {
                self.of.resize(row.directory() + 1, Vec::new());
            }
            self.of[row.directory()].push(no);
            self.by_id.insert(row.id(), no);
        }
        self.seen = all.len();
    }
}

/// The index of everything Graph lists by directory.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Users.
    pub(super) users: Rows,
    /// Groups.
    pub(super) groups: Rows,
    /// Device objects.
    pub(super) devices: Rows,
    /// Intune's devices.
    pub(super) managed: Rows,
    /// Intune's devices by the device id of their device object.
    pub(super) enrolled: HashMap<Uuid, u32>,
}

impl Index {
    /// Whether every row of the world is in it.
    pub(super) fn is_current(&self, world: &World) -> bool {
        self.users.seen == world.persons.len()
            && self.groups.seen == world.groups.len()
            && self.devices.seen == world.entra_devices.len()
            && self.managed.seen == world.intune_devices.len()
    }

    /// Takes in what was added.
    pub(super) fn grow(&mut self, world: &World) {
        let known = self.managed.seen;
        self.users.grow::<Person>(world);
        self.groups.grow::<Group>(world);
        self.devices.grow::<EntraDevice>(world);
        self.managed.grow::<IntuneDevice>(world);
        if self.managed.seen < known {
            self.enrolled.clear();
        }
        let first = known.min(self.managed.seen);
        for (no, device) in world.intune_devices.iter().enumerate().skip(first) {
            if !device.device_id.is_nil() {
                self.enrolled.insert(device.device_id, u32::try_from(no).unwrap_or(u32::MAX));
            }
        }
    }
}
