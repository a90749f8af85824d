//! `/Computers`: the agents.
//!
//! Ids of computers, clients and groups are JSON strings, those of locations are numbers, and
//! times have no zone. A computer is online while its agent is the one that runs on the machine
//! today and the machine is on; load, uptime and last contact move with every call, as in life.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::auth::zoneless;
use super::hardware;
use super::list::Source;
use super::row::{Row, Want};
use crate::world::{AutomateComputer, Machine, MachineKind, World};

/// All computers.
pub(super) struct Computers<'w> {
    world: &'w World,
    now: DateTime<Utc>,
    clients: HashMap<u64, &'w str>,
    locations: HashMap<u64, &'w str>,
}

impl<'w> Computers<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let clients = world.automate.clients.iter().map(|c| (c.id, c.name.as_str())).collect();
        let locations = world.automate.locations.iter().map(|l| (l.id, l.name.as_str())).collect();
        Self { world, now: world.now(), clients, locations }
    }
}

/// The computer of an id that is not retired.
pub(super) fn find(world: &World, id: u64) -> Option<&AutomateComputer> {
    let index = position(world, id)?;
    world.automate.computers.get(index).filter(|computer| computer.mark.gone.is_none())
}

/// Where a computer is in the arena, retired or not. The arena is nearly always in the order of
/// the ids.
pub(super) fn position(world: &World, id: u64) -> Option<usize> {
    let computers = &world.automate.computers;
    computers
        .binary_search_by_key(&id, |computer| computer.id)
        .ok()
        .or_else(|| computers.iter().position(|computer| computer.id == id))
}

/// Whether the agent answers.
pub(super) fn is_online(world: &World, computer: &AutomateComputer) -> bool {
    computer.current
        && computer.mark.gone.is_none()
        && world.machines.get(computer.machine).is_some_and(|machine| machine.online)
}

/// Whether the computer is in maintenance: some servers are, and whoever was put into it last.
pub(super) fn in_maintenance(world: &World, computer: &AutomateComputer) -> bool {
    if let Some(last) = world.automate.modes.get(&computer.id).and_then(|modes| modes.last()) {
        let until = |minutes: u32| last.at + chrono::Duration::minutes(i64::from(minutes));
        return last.minutes.is_some_and(|minutes| until(minutes) > world.now());
    }
    computer.id.is_multiple_of(23)
        && world.machines.get(computer.machine).is_some_and(hardware::is_server)
}

impl Source for Computers<'_> {
    fn keys(&self) -> Vec<usize> {
        let computers = &self.world.automate.computers;
        (0..computers.len()).filter(|index| computers[*index].mark.gone.is_none()).collect()
    }

    fn id(&self, key: usize) -> u64 {
        self.world.automate.computers[key].id
    }

    fn row(&self, key: usize, want: &Want) -> Value {
        let computer = &self.world.automate.computers[key];
        let Some(machine) = self.world.machines.get(computer.machine) else {
            return Value::Null;
        };
        let online = is_online(self.world, computer);
        let view = View { all: self, computer, machine, online };
        let mut row = Row::new(want);
        view.identity(&mut row);
        view.presence(&mut row);
        view.system(&mut row);
        view.user(&mut row);
        view.network(&mut row);
        view.flags(&mut row);
        view.rest(&mut row);
        row.done()
    }

    fn sometimes(&self) -> &'static [&'static str] {
        &["contact", "groups", "tickets", "commentpriority", "warrantyenddate", "assetdate"]
    }
}

struct View<'a, 'w> {
    all: &'a Computers<'w>,
    computer: &'a AutomateComputer,
    machine: &'a Machine,
    online: bool,
}

impl View<'_, '_> {
    fn identity(&self, row: &mut Row<'_>) {
        let computer = self.computer;
        row.put("Id", || computer.id.to_string());
        row.put("ComputerName", || computer.host.clone());
        row.put("FriendlyName", || "");
        row.put("Client", || {
            let name = self.all.clients.get(&computer.client).copied().unwrap_or_default();
            json!({ "Id": computer.client.to_string(), "Name": name })
        });
        row.put("Location", || {
            let name = self.all.locations.get(&computer.location).copied().unwrap_or_default();
            json!({ "Id": computer.location, "Name": name })
        });
        row.put("SerialNumber", || computer.serial.clone());
        row.put("DateAdded", || zoneless(computer.added));
        row.put("AssetTag", || "");
        row.put("Comment", || "");
        row.put("Type", || match self.machine.kind {
            MachineKind::Server | MachineKind::DomainController => "Server",
            MachineKind::Laptop => "Laptop",
            MachineKind::Desktop | MachineKind::Virtual => "Workstation",
        });
    }

    fn presence(&self, row: &mut Row<'_>) {
        let heard = if self.online { self.all.now } else { self.computer.last_contact };
        let started = || hardware::started(self.all.world, self.computer.machine, heard);
        row.put("Status", || if self.online { "Online" } else { "Offline" });
        row.put("RemoteAgentLastContact", || zoneless(heard));
        row.put("LastHeartbeat", || zoneless(heard));
        row.put("IsHeartbeatRunning", || self.online);
        row.put("RemoteAgentLastInventory", || zoneless(self.inventoried()));
        row.put("LastInventoryReceived", || zoneless(self.inventoried()));
        row.put("LastStartup", || zoneless(started()));
        row.put("SystemUptime", || (heard - started()).num_minutes().max(0));
        row.put("CpuUsage", || {
            if self.online { hardware::load(self.computer.machine, self.all.now) } else { 0 }
        });
        row.put("RemoteAgentVersion", || {
            if self.computer.current { super::AGENT_VERSION } else { "190.58" }
        });
    }

    fn system(&self, row: &mut Row<'_>) {
        let number = self.computer.machine;
        row.put("OperatingSystemName", || self.machine.os.clone());
        row.put("OperatingSystemVersion", || self.machine.os_version.clone());
        row.put("DomainName", || {
            hardware::domain(self.all.world, self.machine)
                .map_or_else(|| "WORKGROUP".to_owned(), |(dns, _)| dns.clone())
        });
        row.put("UTCOffset", || 0);
        row.put("TotalMemory", || hardware::memory_total(number));
        row.put("FreeMemory", || hardware::memory_free(number, self.all.now));
        row.put("BiosManufacturer", || self.machine.manufacturer.clone());
        row.put("BiosFlash", || bios_version(number));
        row.put("IsVirtualMachine", || hardware::is_virtual(self.machine));
        row.put("IsRebootNeeded", || hardware::dice(number as u64, 9).is_multiple_of(9));
        row.put("VirusScanner", || json!({ "Id": "12", "Name": "Windows Defender" }));
        row.put("WindowsUpdateDate", || zoneless(self.inventoried() - Duration::days(6)));
        row.put("AntivirusDefinitionDate", || zoneless(self.inventoried()));
    }

    fn user(&self, row: &mut Row<'_>) {
        let world = self.all.world;
        row.put("LoggedInUsers", || {
            let user = self.online.then(|| hardware::user_now(world, self.machine)).flatten();
            user.map_or_else(
                || json!([]),
                |(domain, name)| {
                    json!([{ "LoggedInUserName": format!("{domain}\\{name}"), "ConsoleId": 1 }])
                },
            )
        });
        row.put("LastUserName", || {
            let heard = (!self.online).then_some(self.computer.last_contact);
            hardware::user_last(world, self.machine, heard)
                .map_or_else(String::new, |(domain, name)| format!("{domain}\\{name}"))
        });
        row.put("UserIdleTime", || {
            if self.online {
                hardware::idle_minutes(self.computer.machine, self.all.now)
            } else {
                0
            }
        });
        row.put("UserAccounts", || json!(["Administrator", "DefaultAccount", "Guest"]));
        row.put("PrimaryContactName", || "");
    }

    fn network(&self, row: &mut Row<'_>) {
        let number = self.computer.machine;
        let tenant = self.machine.tenant;
        row.put("LocalIPAddress", || hardware::private_address(number, tenant));
        row.put("GatewayIPAddress", || hardware::public_address(tenant));
        row.put("MACAddress", || hardware::mac(number, "-"));
        row.put("DomainNameServers", || json!([format!("10.{}.0.10", tenant % 256)]));
        row.put("OpenPortsTCP", || {
            if hardware::is_server(self.machine) {
                json!([135, 445, 3389])
            } else {
                json!([135, 445])
            }
        });
        row.put("OpenPortsUDP", || json!([123, 137]));
        row.put("Bandwidth", || 100);
        row.put("BandwidthDisplay", || "100 Mbps");
    }

    fn flags(&self, row: &mut Row<'_>) {
        row.put("IsMaintenanceModeEnabled", || in_maintenance(self.all.world, self.computer));
        row.put("IsHeartbeatEnabled", || true);
        row.put("IsTunnelSupported", || true);
        row.put("IsSystemAccount", || true);
        row.same(
            &[
                "IsFasTalk",
                "IsMaster",
                "IsNetworkProbe",
                "IsLockedDown",
                "IsVirtualHost",
                "HasIntelVPRO",
                "HasIntelAMT",
                "HasHPiLO",
            ],
            &Value::Bool(false),
        );
    }

    fn rest(&self, row: &mut Row<'_>) {
        row.same(
            &["CpuScore", "D3DScore", "DiskScore", "GraphicsScore", "MemoryScore"],
            &json!(0.0),
        );
        row.same(&["IRQ", "Address", "DMA", "HardwarePorts"], &json!([]));
        row.put("PowerProfiles", || json!(["Balanced", "High performance", "Power saver"]));
        row.put("CurrentPowerProfile", || "Balanced");
        row.put("MasterMode", || "None");
        row.put("TempFiles", || "0 MB");
    }

    /// The inventory comes once a day; it does not move with every call.
    fn inventoried(&self) -> DateTime<Utc> {
        let heard = if self.online { self.all.world.epoch } else { self.computer.last_contact };
        heard - Duration::hours((self.computer.id % 20) as i64)
    }
}

/// Version of the firmware.
pub(super) fn bios_version(machine: usize) -> String {
    let number = hardware::dice(machine as u64, 8);
    format!("T{} Ver. 01.{:02}.00", 40 + number % 60, (number >> 8) % 30)
}
