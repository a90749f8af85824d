//! The changes there are, and how one is applied.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::{clients, contracts, machines, people, software};
use crate::generate::dice::Dice;
use crate::world::{
    DownloadTrouble, InstallTrouble, Installed, Mark, RebootCause, RegValue, Version, World,
};

/// Picks a row: by its number in the world, or by its name (host name, UPN, legal name, text of
/// its id in the system it is in).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Pick {
    /// The number of the row.
    No(usize),
    /// The name, compared without regard to case; the first of that name.
    Name(String),
}

/// A system with clients of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// ConnectWise Automate.
    Automate,
    /// ConnectWise Control.
    Control,
    /// HaloPSA.
    Halo,
}

/// A system with agents of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RmmSystem {
    /// ConnectWise Automate.
    Automate,
    /// ConnectWise Control.
    Control,
}

/// Something that happens in the world. In JSON, `change` names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)] // The fields of each change say themselves what they are.
pub enum Change {
    /// Windows is installed anew: new name, new installation, new agents; the old ones linger.
    Wipe { machine: Pick },
    /// An agent is installed again without the machine being wiped.
    Reinstall { machine: Pick, rmm: RmmSystem },
    /// Windows is upgraded in place: only the installation date changes.
    FeatureUpdate { machine: Pick },
    /// The machine goes to another tenant, and its agents with it.
    Move { machine: Pick, tenant: Pick },
    /// Another host name; a made-up one if none is given.
    RenameMachine { machine: Pick, host: Option<String> },
    /// A new mainboard with the old serial number.
    SwapBoard { machine: Pick },
    /// A new machine in the systems its tenant is in.
    AddMachine { tenant: Pick },
    /// The machine is disposed of, and removed from all systems.
    RemoveMachine { machine: Pick },
    /// Switched on or off.
    Power { machine: Pick, on: bool },
    /// Somebody logs on: a person, a local account, or nobody any more.
    LogOn { machine: Pick, person: Option<Pick>, local: Option<String> },
    /// The machine is given to somebody, who logs on.
    Assign { machine: Pick, person: Pick },
    /// Somebody takes another surname, and gets another UPN.
    RenamePerson { person: Pick, surname: Option<String> },
    /// Somebody new.
    AddPerson { tenant: Pick },
    /// Somebody is put into the bin, or removed for good.
    RemovePerson {
        person: Pick,
        #[serde(default)]
        purge: bool,
    },
    /// Somebody comes back from the bin.
    RestorePerson { person: Pick },
    /// Sign-in is allowed or not.
    EnablePerson { person: Pick, enabled: bool },
    /// A person joins a group.
    AddMember { group: Pick, person: Pick },
    /// A person leaves a group.
    RemoveMember { group: Pick, person: Pick },
    /// A contract gets a last day; today if none is given.
    EndContract { contract: i64, on: Option<NaiveDate> },
    /// A line gets a last day; today if none is given.
    EndLine { line: i64, on: Option<NaiveDate> },
    /// A contract gets another line, from a day on or always.
    AddLine { contract: i64, item: Option<i64>, quantity: Option<f64>, from: Option<NaiveDate> },
    /// A line is sold in another quantity.
    SetQuantity { line: i64, quantity: f64 },
    /// A client is spelt differently from now on.
    RenameClient { system: System, client: String, name: Option<String> },
    /// A client is removed from a system (its agents and contracts there go with it).
    RemoveClient { system: System, client: String },
    /// The app loses or gets its consent in a directory.
    Consent { tenant: Pick, granted: bool },
    /// A tenant connects the directory that it has, and that nobody had connected.
    ConnectDirectory { tenant: Pick },
    /// The permissions that are granted from now on.
    Permissions { graph: Option<Vec<String>>, halo: Option<Vec<String>> },
    /// This share of all persons is removed (for tests of mass deletion).
    RemoveShareOfPersons { share: f64 },
    /// This share of all machines is removed.
    RemoveShareOfMachines { share: f64 },
    /// This share of all persons gets another job title (for measuring incremental syncs).
    TouchShareOfPersons { share: f64 },
    /// This share of all machines is patched.
    TouchShareOfMachines { share: f64 },
    /// Everybody in the bin comes back.
    RestoreAllPersons,
    /// A package of the catalogue is on a machine, and no other version of its product.
    Install { machine: Pick, package: String },
    /// Software of any kind is on a machine.
    AddSoftware { machine: Pick, row: Box<Installed> },
    /// Software is gone from a machine, by its display name or its key.
    RemoveSoftware { machine: Pick, name: String },
    /// A service is there, as it is said; or is gone.
    Service { machine: Pick, name: String, running: Option<bool>, start: Option<String> },
    /// A file is there with this text; or is gone.
    File { machine: Pick, path: String, text: Option<String> },
    /// A value of the registry is set; or is gone.
    Registry { machine: Pick, key: String, name: String, value: Option<RegValue> },
    /// A reboot is pending (or none any more, without a cause), and reboots clear that or not.
    PendingReboot { machine: Pick, cause: Option<RebootCause>, clears: Option<bool> },
    /// Windows is started again now, and is away for so many seconds (90 if none are given).
    Reboot { machine: Pick, seconds: Option<u32> },
    /// Windows Installer is at work on a machine for so many seconds.
    InstallerBusy { machine: Pick, seconds: u32 },
    /// Windows lacks an update, which a policy approves (or says something else of), and which cannot be installed
    /// where it `fails`.
    MissingUpdate {
        machine: Pick,
        kb: u32,
        title: String,
        approval: Option<String>,
        #[serde(default)]
        fails: bool,
    },
    /// What goes wrong with an installer from now on, on one machine or on all; `package/uninstall`
    /// is the way back.
    InstallFault {
        machine: Option<Pick>,
        package: String,
        trouble: InstallTrouble,
        times: Option<u32>,
    },
    /// What goes wrong with a download from now on; nothing, if no trouble is given.
    DownloadFault { file: String, trouble: Option<DownloadTrouble> },
    /// Nothing goes wrong with installers and downloads any more.
    NoInstallFaults,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Which change.
    pub change: String,
    /// In words, with names.
    pub what: String,
    /// The world's version after it.
    pub version: Version,
}

/// Why a change cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChangeError {
    /// There is no such row.
    #[error("there is no {kind} {name:?}")]
    Unknown {
        /// What was looked for.
        kind: &'static str,
        /// How it was named.
        name: String,
    },
    /// The row is there, but this cannot happen to it.
    #[error("{0}")]
    Impossible(String),
}

/// What a change works with: the world, chance, one version and one instant.
pub(super) struct Work<'a> {
    pub(super) world: &'a mut World,
    pub(super) dice: Dice,
    pub(super) version: Version,
    pub(super) now: DateTime<Utc>,
}

impl Work<'_> {
    /// The mark of a row made by this change.
    pub(super) fn born(&self) -> Mark {
        Mark {
            created: self.now,
            modified: self.now,
            born: self.version,
            changed: self.version,
            gone: None,
        }
    }

    /// Marks a row as changed by this change.
    pub(super) fn touch(&self, mark: &mut Mark) {
        mark.modified = self.now;
        mark.changed = self.version;
    }

    /// Marks a row as removed by this change.
    pub(super) fn bury(&self, mark: &mut Mark) {
        self.touch(mark);
        mark.gone.get_or_insert(self.version);
    }
}

/// Applies one change. A change that cannot be made changes nothing.
pub fn apply(world: &mut World, change: &Change) -> Result<Done, ChangeError> {
    let version = world.version + 1;
    let dice = Dice::new(world.options.seed, 1_000 + version);
    let now = world.now();
    let mut work = Work { world, dice, version, now };
    let what = dispatch(&mut work, change)?;
    world.version = version;
    Ok(Done { change: name(change), what, version })
}

fn name(change: &Change) -> String {
    let value = serde_json::to_value(change).unwrap_or_default();
    value.get("change").and_then(|name| name.as_str()).unwrap_or_default().to_owned()
}

fn dispatch(work: &mut Work<'_>, change: &Change) -> Result<String, ChangeError> {
    use Change as C;
    match change {
        C::Wipe { machine } => machines::wipe(work, machine),
        C::Reinstall { machine, rmm } => machines::reinstall(work, machine, *rmm),
        C::FeatureUpdate { machine } => machines::feature_update(work, machine),
        C::Move { machine, tenant } => machines::relocate(work, machine, tenant),
        C::RenameMachine { machine, host } => machines::rename(work, machine, host.as_deref()),
        C::SwapBoard { machine } => machines::swap_board(work, machine),
        C::AddMachine { tenant } => machines::add(work, tenant),
        C::RemoveMachine { machine } => machines::remove(work, machine),
        C::Power { machine, on } => machines::power(work, machine, *on),
        C::LogOn { machine, person, local } => {
            machines::log_on(work, machine, person.as_ref(), local.as_deref())
        }
        C::Assign { machine, person } => machines::assign(work, machine, person),
        C::RenamePerson { person, surname } => people::rename(work, person, surname.as_deref()),
        C::AddPerson { tenant } => people::add(work, tenant),
        C::RemovePerson { person, purge } => people::remove(work, person, *purge),
        C::RestorePerson { person } => people::restore(work, person),
        C::EnablePerson { person, enabled } => people::enable(work, person, *enabled),
        C::AddMember { group, person } => people::add_member(work, group, person),
        C::RemoveMember { group, person } => people::remove_member(work, group, person),
        C::RemoveShareOfPersons { share } => people::remove_share(work, *share),
        C::TouchShareOfPersons { share } => Ok(people::touch_share(work, *share)),
        C::TouchShareOfMachines { share } => Ok(machines::touch_share(work, *share)),
        C::RestoreAllPersons => people::restore_all(work),
        C::RemoveShareOfMachines { share } => machines::remove_share(work, *share),
        C::EndContract { contract, on } => contracts::end(work, *contract, *on),
        C::EndLine { line, on } => contracts::end_line(work, *line, *on),
        C::AddLine { contract, item, quantity, from } => {
            contracts::add_line(work, *contract, (*item, *quantity), *from)
        }
        C::SetQuantity { line, quantity } => contracts::set_quantity(work, *line, *quantity),
        C::RenameClient { system, client, name } => {
            clients::rename(work, *system, client, name.as_deref())
        }
        C::RemoveClient { system, client } => clients::remove(work, *system, client),
        C::Consent { tenant, granted } => clients::consent(work, tenant, *granted),
        C::ConnectDirectory { tenant } => clients::connect(work, tenant),
        C::Permissions { graph, halo } => {
            Ok(clients::permissions(work, graph.as_deref(), halo.as_deref()))
        }
        other => software::change(work, other),
    }
}

/// Finds a row by number or by name.
pub(super) fn find<T>(
    kind: &'static str,
    rows: &[T],
    pick: &Pick,
    is: impl Fn(&T, &str) -> bool,
) -> Result<usize, ChangeError> {
    let found = match pick {
        Pick::No(no) => Some(*no).filter(|no| *no < rows.len()),
        Pick::Name(name) => rows.iter().position(|row| is(row, name)),
    };
    found.ok_or_else(|| ChangeError::Unknown {
        kind,
        name: match pick {
            Pick::No(no) => no.to_string(),
            Pick::Name(name) => name.clone(),
        },
    })
}
