//! What both RMMs report about a machine that the world does not hold: addresses, memory, start
//! times, and how Windows writes the name of who is logged on. All derived from the world, so
//! that the two faces agree and a second reading finds the same.

use chrono::{DateTime, Duration, Utc};

use crate::world::{LoggedOn, Machine, MachineKind, MachineNo, World};

/// A number that looks random and is the same for the same input.
pub(crate) fn dice(seed: u64, salt: u64) -> u64 {
    let mut x = seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(salt.wrapping_mul(0xD1B5_4A32_D192_ED03))
        .wrapping_add(0x632B_E59B_D9B4_E019);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// The network card's address, with the separator that the reader uses.
pub(crate) fn mac(machine: MachineNo, separator: &str) -> String {
    let number = dice(machine as u64, 1);
    let bytes = number.to_be_bytes();
    // The second-lowest bit of the first byte would mean "locally administered".
    let first = bytes[0] & 0xFC;
    [first, bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]]
        .map(|byte| format!("{byte:02X}"))
        .join(separator)
}

/// The address in the office.
pub(crate) fn private_address(machine: MachineNo, tenant: usize) -> String {
    let number = dice(machine as u64, 2);
    format!("10.{}.{}.{}", tenant % 256, (number >> 8) % 256, 10 + number % 240)
}

/// The router's address, the same for all machines of a tenant.
pub(crate) fn public_address(tenant: usize) -> String {
    let number = dice(tenant as u64, 3);
    format!("203.0.{}.{}", 64 + (number >> 8) % 64, 1 + number % 254)
}

/// Memory in megabytes: total.
pub(crate) fn memory_total(machine: MachineNo) -> u64 {
    [8_062, 16_281, 16_254, 32_509][(dice(machine as u64, 4) % 4) as usize]
}

/// Memory in megabytes: what is free right now.
pub(crate) fn memory_free(machine: MachineNo, now: DateTime<Utc>) -> u64 {
    memory_total(machine) / 5 + dice(machine as u64, now.timestamp_millis().unsigned_abs()) % 2_000
}

/// Load in percent right now.
pub(crate) fn load(machine: MachineNo, now: DateTime<Utc>) -> u64 {
    dice(machine as u64, now.timestamp_millis().unsigned_abs() ^ 0xC0FFEE) % 60
}

/// Processor and its logical cores.
pub(crate) fn processor(machine: MachineNo) -> (&'static str, u32) {
    [
        ("Intel(R) Core(TM) i5-10500T CPU @ 2.30GHz", 12),
        ("Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", 8),
        ("AMD Ryzen 5 PRO 5650U with Radeon Graphics", 12),
        ("12th Gen Intel(R) Core(TM) i5-1245U", 12),
    ][(dice(machine as u64, 5) % 4) as usize]
}

/// When it was last started, as an agent knows that was last heard at `heard`.
pub(crate) fn started(world: &World, machine: MachineNo, heard: DateTime<Utc>) -> DateTime<Utc> {
    let minutes = i64::try_from(30 + dice(machine as u64, 6) % (14 * 24 * 60)).unwrap_or(30);
    heard.min(world.epoch) - Duration::minutes(minutes)
}

/// Minutes without a key press, right now.
pub(crate) fn idle_minutes(machine: MachineNo, now: DateTime<Utc>) -> u64 {
    dice(machine as u64, (now.timestamp() / 60).unsigned_abs()) % 45
}

/// Whether a machine is virtual.
pub(crate) fn is_virtual(machine: &Machine) -> bool {
    machine.kind == MachineKind::Virtual
        || machine.manufacturer.contains("VMware")
        || machine.model.contains("Virtual")
}

/// Whether a machine is a server.
pub(crate) fn is_server(machine: &Machine) -> bool {
    matches!(machine.kind, MachineKind::Server | MachineKind::DomainController)
}

/// The on-premises domain (DNS and NetBIOS name) of a machine's tenant, if it has one.
pub(crate) fn domain<'w>(world: &'w World, machine: &Machine) -> Option<&'w (String, String)> {
    // A stray's tenant means nothing.
    let tenant = world.tenants.get(machine.tenant).filter(|_| !machine.stray)?;
    let directory = tenant.directory.and_then(|no| world.directories.get(no));
    let synced = directory.and_then(|directory| directory.on_premises.as_ref());
    synced.or(tenant.windows_domain.as_ref())
}

/// Whoever is logged on as Windows writes it, in two halves: `ACME` and `sam`, `AzureAD` and
/// `SamLakeley`, `KIOSK-01` and `kiosk`.
pub(crate) fn windows_name(world: &World, host: &str, who: &LoggedOn) -> Option<(String, String)> {
    match who {
        LoggedOn::Nobody => None,
        LoggedOn::Local(name) => Some(match name.split_once('\\') {
            Some((host, name)) => (host.to_owned(), name.to_owned()),
            None => (host.to_owned(), name.clone()),
        }),
        LoggedOn::Person(person) => {
            let person = world.persons.get(*person)?;
            let directory = world.directories.get(person.directory)?;
            let own = world.tenants.get(person.tenant).and_then(|one| one.windows_domain.as_ref());
            Some(match (directory.on_premises.as_ref().or(own), &person.sam) {
                (Some((_, netbios)), Some(sam)) => (netbios.clone(), sam.clone()),
                // Windows makes the name of a cloud account from its display name and cuts it
                // after twenty characters.
                _ => {
                    let name = format!("{}{}", person.given, person.surname);
                    let name = name.chars().filter(|c| !c.is_whitespace()).take(20).collect();
                    ("AzureAD".to_owned(), name)
                }
            })
        }
    }
}

/// Who is logged on now, as a live agent sees it.
pub(crate) fn user_now(world: &World, machine: &Machine) -> Option<(String, String)> {
    windows_name(world, &machine.host, &machine.logged_on)
}

/// Who was last logged on, as an agent knows that was last heard at `heard` (none: it is live).
pub(crate) fn user_last(
    world: &World,
    machine: &Machine,
    heard: Option<DateTime<Utc>>,
) -> Option<(String, String)> {
    if heard.is_none()
        && let Some(name) = user_now(world, machine)
    {
        return Some(name);
    }
    machine
        .logons
        .iter()
        .rev()
        .filter(|(at, _)| heard.is_none_or(|heard| *at <= heard))
        .find_map(|(_, who)| windows_name(world, &machine.host, who))
}
