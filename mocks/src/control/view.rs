//! A session as Control shows it: with what its guest last reported.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::automate::hardware;
use crate::world::{ControlSession, Machine, World};

/// A session, its machine and the moment it is looked at.
pub(super) struct View<'w> {
    pub(super) world: &'w World,
    pub(super) session: &'w ControlSession,
    pub(super) machine: Option<&'w Machine>,
    pub(super) now: DateTime<Utc>,
}

/// Whether a session's guest is connected.
pub(super) fn is_online(world: &World, session: &ControlSession) -> bool {
    session.current
        && !session.ended
        && session.mark.gone.is_none()
        && session
            .machine
            .and_then(|machine| world.machines.get(machine))
            .is_some_and(|machine| machine.online)
}

impl<'w> View<'w> {
    pub(super) fn new(world: &'w World, session: &'w ControlSession, now: DateTime<Utc>) -> Self {
        let machine = session.machine.and_then(|machine| world.machines.get(machine));
        Self { world, session, machine, now }
    }

    pub(super) fn online(&self) -> bool {
        is_online(self.world, self.session)
    }

    /// When the guest last connected. A guest that is gone was connected for some hours before
    /// it was last seen.
    pub(super) fn guest_connected(&self) -> Option<DateTime<Utc>> {
        let last = self.session.last_connected;
        self.session.machine?;
        Some(if self.online() { last } else { (last - self.hours()).max(self.session.added) })
    }

    /// When the guest last disconnected; none where it never did.
    pub(super) fn guest_disconnected(&self) -> Option<DateTime<Utc>> {
        let last = self.session.last_connected;
        self.session.machine?;
        if !self.online() {
            return Some(last);
        }
        let before = last - self.hours();
        (before > self.session.added).then_some(before)
    }

    pub(super) fn last_event(&self) -> Option<DateTime<Utc>> {
        let events = self.session.events.last().map(|event| event.at);
        events.max(self.guest_connected()).max(self.guest_disconnected())
    }

    /// When the guest last told about itself.
    pub(super) fn reported(&self) -> Option<DateTime<Utc>> {
        self.session.machine.map(|_| self.session.last_connected)
    }

    pub(super) fn started(&self) -> Option<DateTime<Utc>> {
        let machine = self.session.machine?;
        let heard = if self.online() { self.now } else { self.session.last_connected };
        Some(hardware::started(self.world, machine, heard))
    }

    /// The last key press.
    pub(super) fn active(&self) -> Option<DateTime<Utc>> {
        let machine = self.session.machine?;
        if !self.online() {
            return Some(self.session.last_connected);
        }
        let idle = hardware::idle_minutes(machine, self.now);
        Some(self.now - Duration::minutes(i64::try_from(idle).unwrap_or(0)))
    }

    /// Domain and name of who is logged on, or was when the guest was last seen.
    pub(super) fn user(&self) -> Option<(String, String)> {
        let machine = self.machine?;
        if self.online() {
            hardware::user_now(self.world, machine)
        } else {
            hardware::user_last(self.world, machine, Some(self.session.last_connected))
        }
    }

    /// The guest's connection: the same id as long as it lasts.
    pub(super) fn connection(&self) -> Uuid {
        let since = self.session.last_connected.timestamp();
        Uuid::new_v5(&self.session.id, &since.to_be_bytes())
    }

    /// The client's version; what lingers is older.
    pub(super) fn client_version(&self) -> &'static str {
        match (self.session.machine, self.session.current) {
            (None, _) => "",
            (_, true) => "24.2.5.8917",
            (_, false) => "23.9.8.8811",
        }
    }

    /// The name that people see.
    pub(super) fn shown_name(&self) -> &'w str {
        if self.session.name.is_empty() { &self.session.host } else { &self.session.name }
    }

    fn hours(&self) -> Duration {
        let hours = 3 + hardware::dice(self.session.id.as_u64_pair().0, 21) % 12;
        Duration::hours(i64::try_from(hours).unwrap_or(3))
    }
}
