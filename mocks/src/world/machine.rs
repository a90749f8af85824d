//! Machines as they really are, and how their identifiers come out wrong.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{MachineNo, Mark, PersonNo, TenantNo};

/// What a machine is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MachineKind {
    /// A desktop.
    Desktop,
    /// A portable.
    Laptop,
    /// A member server.
    Server,
    /// A domain controller.
    DomainController,
    /// A virtual machine used as a workstation.
    Virtual,
}

/// Who is logged on at a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoggedOn {
    /// Nobody.
    Nobody,
    /// A person of the directory.
    Person(PersonNo),
    /// A local account without a UPN (`KIOSK-01\kiosk`).
    Local(String),
}

/// The way a machine's UUID comes out wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UuidQuirk {
    /// It comes out right everywhere.
    Right,
    /// Automate's inventory has it in the other byte order.
    SwappedInAutomate,
    /// The script on the machine prints it in the other byte order.
    SwappedInScript,
    /// The firmware has a junk value.
    Junk,
    /// It is another machine's.
    Clone(MachineNo),
}

/// An installation of Windows that a wipe has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// Host name then.
    pub host: String,
    /// Its OfflineInstallationID.
    pub installation_id: String,
    /// When it was installed.
    pub os_installed: DateTime<Utc>,
}

/// A machine, as it really is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// Whose it is.
    pub tenant: TenantNo,
    /// Host name now.
    pub host: String,
    /// What it is for.
    pub kind: MachineKind,
    /// Manufacturer as the firmware says it.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Serial as the firmware says it (a placeholder where the maker left one).
    pub serial: String,
    /// SMBIOS UUID as Windows prints it, upper case with dashes (junk where `uuid_quirk` says so).
    pub uuid: String,
    /// How it comes out wrong.
    pub uuid_quirk: UuidQuirk,
    /// UUIDs of mainboards it had before, oldest first.
    pub earlier_uuids: Vec<String>,
    /// Windows' OfflineInstallationID.
    pub installation_id: String,
    /// When Windows was installed.
    pub os_installed: DateTime<Utc>,
    /// `Microsoft Windows 11 Pro x64`.
    pub os: String,
    /// `10.0.22631`.
    pub os_version: String,
    /// Whether it is switched on.
    pub online: bool,
    /// Who uses it (the truth; none for shared computers and servers).
    pub user: Option<PersonNo>,
    /// Who is logged on now.
    pub logged_on: LoggedOn,
    /// Who logged on when, oldest first.
    pub logons: Vec<(DateTime<Utc>, LoggedOn)>,
    /// When it was wiped, oldest first.
    pub wiped: Vec<DateTime<Utc>>,
    /// What was on it before each wipe, oldest first.
    pub earlier: Vec<Installation>,
    /// Row in [`Automate::computers`](super::Automate::computers) of the agent it runs today.
    pub automate_row: Option<usize>,
    /// Row in [`Control::sessions`](super::Control::sessions) of the client it runs today.
    pub control_row: Option<usize>,
    /// Row in [`World::entra_devices`](super::World::entra_devices) of what it is joined as today.
    pub entra_row: Option<usize>,
    /// Whether it is nobody's: a stray on the workbench, whose agents are under a client that is
    /// no tenant (`tenant` means nothing then).
    pub stray: bool,
    /// Bookkeeping.
    pub mark: Mark,
}
