//! The world: what is true about one imaginary MSP, and how each of the four systems holds it.
//!
//! Arenas are vectors; a row is never removed, only marked gone, so that an index stays good for
//! ever. Every row that a vendor can list carries a [`Mark`], from which the faces make delta
//! answers, "last modified" filters and tombstones. The truth is in [`Tenant`], [`Person`] and
//! [`Machine`]; everything else is a system's view of it, with that system's errors.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

mod automate;
mod control;
mod credentials;
mod customer;
mod directory;
mod halo;
mod machine;
mod options;
mod state;

pub use self::automate::{
    Automate, AutomateClient, AutomateComputer, AutomateGroup, AutomateLocation, ModeChange,
    QueuedCommand,
};
pub use self::control::{Control, ControlClient, ControlEvent, ControlSession};
pub use self::credentials::Credentials;
pub use self::customer::Tenant;
pub use self::directory::{
    Account, Directory, EntraDevice, Group, GroupKind, IntuneDevice, Member, Membership, Person,
    Relationship,
};
pub use self::halo::{
    Halo, HaloAsset, HaloClient, HaloContract, HaloInvoice, HaloItem, HaloLine, HaloSite,
    HaloTicket, HaloUser,
};
pub use self::machine::{Installation, LoggedOn, Machine, MachineKind, UuidQuirk};
pub use self::options::Options;
pub use self::state::{
    Access, Ask, Content, DownloadTrouble, Due, Effect, FileEntry, InstallFault, InstallTrouble,
    Installed, InstallerRun, MachineState, Name, RebootCause, RegKey, RegValue, Rule, Scope,
    ScriptRun, Service, States, Task, UpdateState, Verb, Web, WebAnswer, WebRequest, WindowsUpdate,
};

/// A count of changes of the whole world; each change gets the next.
pub type Version = u64;
/// Index into [`World::tenants`].
pub type TenantNo = usize;
/// Index into [`World::directories`].
pub type DirectoryNo = usize;
/// Index into [`World::persons`].
pub type PersonNo = usize;
/// Index into [`World::groups`].
pub type GroupNo = usize;
/// Index into [`World::machines`].
pub type MachineNo = usize;

/// When a row was made, changed and removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// When it was made, by the world's clock.
    pub created: DateTime<Utc>,
    /// When it was last changed.
    pub modified: DateTime<Utc>,
    /// The version it was made in (0: there from the start).
    pub born: Version,
    /// The version it was last changed in.
    pub changed: Version,
    /// The version it was removed in, if it is gone.
    pub gone: Option<Version>,
}

/// Everything.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    /// How it was made.
    pub options: Options,
    /// Count of changes so far.
    pub version: Version,
    /// The instant it was generated for; what was there from the start is dated around it.
    pub epoch: DateTime<Utc>,
    /// How far the world's clock is ahead of the machine's, in seconds.
    pub clock_ahead: i64,
    /// Tenants; 0 is the MSP.
    pub tenants: Vec<Tenant>,
    /// Directories; 0 is the MSP's.
    pub directories: Vec<Directory>,
    /// Persons.
    pub persons: Vec<Person>,
    /// Groups.
    pub groups: Vec<Group>,
    /// Machines.
    pub machines: Vec<Machine>,
    /// What machines hold, and what is under way on them.
    #[serde(default)]
    pub states: States,
    /// Device objects.
    pub entra_devices: Vec<EntraDevice>,
    /// Managed devices.
    pub intune_devices: Vec<IntuneDevice>,
    /// Automate.
    pub automate: Automate,
    /// Control.
    pub control: Control,
    /// Control's relay instance id (16 hex digits), in the service name on every machine.
    pub control_instance: String,
    /// Halo.
    pub halo: Halo,
    /// What lets a client in.
    pub credentials: Credentials,
}

impl World {
    /// The world's clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + chrono::Duration::seconds(self.clock_ahead)
    }

    /// Starts a change: the next version, and a mark for what is changed in it.
    pub fn next_version(&mut self) -> Version {
        self.version += 1;
        self.version
    }
}
