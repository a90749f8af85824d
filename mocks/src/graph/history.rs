//! Which properties of a row changed when.
//!
//! The world knows that a row changed, not what in it. A delta answer must know more: a change of
//! a property that was not selected is not told, `Prefer: return=minimal` tells nothing but what
//! changed, and a property that was cleared is null while one that never was is absent. So the face
//! keeps a fingerprint of each row from the start of the last delta round of a directory, and
//! compares when the next one starts; tokens are given out at those instants only.

use std::collections::HashMap;

use super::entity::{Entity, FIELDS, Print};
use crate::world::{Version, World};

/// The history of one kind of rows in one directory.
#[derive(Debug)]
pub(super) struct History {
    /// The version the first fingerprints are of; nothing is known about changes before.
    base: Version,
    at: Version,
    prints: Vec<(Print, bool)>,
    changes: HashMap<u32, Changes>,
}

/// What is known about the changes of one row.
#[derive(Clone, Debug, Default)]
struct Changes {
    fields: [Version; FIELDS],
    cleared: u16,
    restored: Version,
}

/// What changed in a row since a token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Since {
    /// Bits of the fields that changed; all, where that is not known.
    pub(super) fields: u16,
    /// Whether the row came back from the bin.
    pub(super) restored: bool,
}

impl History {
    /// Starts with the rows as they are now.
    pub(super) fn start<E: Entity>(world: &World, rows: &[u32]) -> Self {
        let mut history = Self {
            base: world.version,
            at: world.version,
            prints: Vec::new(),
            changes: HashMap::new(),
        };
        history.append::<E>(world, rows);
        history
    }

    /// Brings it up to the present version.
    pub(super) fn refresh<E: Entity>(&mut self, world: &World, rows: &[u32]) {
        if self.at == world.version && self.prints.len() == rows.len() {
            return;
        }
        for (position, no) in rows.iter().enumerate().take(self.prints.len()) {
            let Some(row) = E::all(world).get(*no as usize) else { continue };
            if row.mark().changed <= self.at && row.mark().gone.is_none_or(|v| v <= self.at) {
                continue;
            }
            let now = (row.print(world), row.mark().gone.is_some());
            let was = std::mem::replace(&mut self.prints[position], now);
            self.note(*no, &was, &now, row.mark().changed);
        }
        self.append::<E>(world, rows);
        self.at = world.version;
    }

    /// What changed in a row after `from`.
    pub(super) fn since(&self, no: u32, from: Version) -> Since {
        if from < self.base {
            return Since { fields: u16::MAX, restored: false };
        }
        let Some(changes) = self.changes.get(&no) else {
            return Since { fields: 0, restored: false };
        };
        let mut fields = 0;
        for (n, at) in changes.fields.iter().enumerate() {
            fields |= u16::from(*at > from) << n;
        }
        Since { fields, restored: changes.restored > from }
    }

    /// Bits of the fields that had a value once and have none now.
    pub(super) fn cleared(&self, no: u32) -> u16 {
        self.changes.get(&no).map_or(0, |c| c.cleared)
    }

    fn append<E: Entity>(&mut self, world: &World, rows: &[u32]) {
        for no in rows.iter().skip(self.prints.len()) {
            let Some(row) = E::all(world).get(*no as usize) else { continue };
            self.prints.push((row.print(world), row.mark().gone.is_some()));
        }
    }

    fn note(&mut self, no: u32, was: &(Print, bool), now: &(Print, bool), version: Version) {
        let changes = self.changes.entry(no).or_default();
        for n in 0..FIELDS {
            let bit = 1 << n;
            if was.0[n] != now.0[n] {
                changes.fields[n] = version;
            }
            if now.0[n].is_some() {
                changes.cleared &= !bit;
            } else if was.0[n].is_some() {
                changes.cleared |= bit;
            }
        }
        if was.1 && !now.1 {
            changes.restored = version;
        }
    }
}
