//! Where a session is, by its id and by its machine. The arena only grows, so the index only
//! grows too; one that does not fit the world (another world was loaded) is made anew.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use crate::world::{MachineNo, World};

/// The index.
#[derive(Default)]
pub(crate) struct SessionIndex(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    seen: usize,
    first: Option<Uuid>,
    by_id: HashMap<Uuid, usize>,
    by_machine: HashMap<MachineNo, Vec<usize>>,
}

impl SessionIndex {
    /// Where the session of an id is, if it is still there.
    pub(crate) fn find(&self, world: &World, id: Uuid) -> Option<usize> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.catch_up(world);
        let index = *inner.by_id.get(&id)?;
        let session = world.control.sessions.get(index)?;
        (session.id == id && session.mark.gone.is_none()).then_some(index)
    }

    /// The session of the client that runs on a machine today.
    pub(crate) fn current_of(&self, world: &World, machine: MachineNo) -> Option<Uuid> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.catch_up(world);
        let sessions = inner.by_machine.get(&machine)?.iter().rev();
        sessions
            .filter_map(|index| world.control.sessions.get(*index))
            .find(|session| session.current && !session.ended && session.mark.gone.is_none())
            .map(|session| session.id)
    }
}

impl Inner {
    fn catch_up(&mut self, world: &World) {
        let sessions = &world.control.sessions;
        let first = sessions.first().map(|session| session.id);
        if sessions.len() < self.seen || first != self.first {
            *self = Self { first, ..Self::default() };
        }
        for (index, session) in sessions.iter().enumerate().skip(self.seen) {
            self.by_id.insert(session.id, index);
            if let Some(machine) = session.machine {
                self.by_machine.entry(machine).or_default().push(index);
            }
        }
        self.seen = sessions.len();
    }
}
