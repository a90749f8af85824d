//! Hardware and software inventory: chassis (the only place with the SMBIOS UUID), firmware,
//! operating system, software, maintenance modes and retired agents.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::auth::zoneless;
use super::computers::{bios_version, in_maintenance};
use super::hardware;
use super::list::Source;
use super::row::{Row, Want};
use crate::world::{AutomateComputer, Machine, MachineKind, World};

/// `/Computers/Chassis`: a row for every computer whose hardware was inventoried.
pub(super) struct Chassis<'w>(pub(super) &'w World);

impl Source for Chassis<'_> {
    fn keys(&self) -> Vec<usize> {
        indices(self.0, |computer| computer.mark.gone.is_none() && computer.uuid.is_some())
    }

    fn id(&self, key: usize) -> u64 {
        self.0.automate.computers[key].id
    }

    fn id_column(&self) -> &'static str {
        "computerid"
    }

    fn row(&self, key: usize, want: &Want) -> Value {
        let computer = &self.0.automate.computers[key];
        let Some(machine) = self.0.machines.get(computer.machine) else {
            return Value::Null;
        };
        let mut row = Row::new(want);
        row.put("ComputerId", || computer.id);
        row.put("Manufacturer", || machine.manufacturer.clone());
        row.put("ProductName", || machine.model.clone());
        row.put("Version", || "");
        row.put("SerialNumber", || computer.serial.clone());
        row.put("UUID", || computer.uuid.clone());
        row.put("SkuNumber", || "");
        row.put("Family", || machine.model.split(' ').next().unwrap_or_default().to_owned());
        row.put("ChassisType", || chassis(machine));
        row.put("ChassisLock", || false);
        row.put("AssetTag", || "");
        row.put("HeightUnits", || u8::from(hardware::is_server(machine)));
        row.same(&["SystemBootState", "PowerSupplyBootState", "ThermalBootState"], &json!(3));
        row.put("MainBoardProduct", || machine.model.clone());
        row.put("MainBoardSerialNumber", || {
            format!("MB{:012X}", hardware::dice(computer.machine as u64, 11) >> 16)
        });
        row.put("MainBoardVersion", || "");
        row.put("MainBoardManufacturer", || machine.manufacturer.clone());
        row.put("LastUpdate", || zoneless(inventoried(self.0, computer)));
        row.done()
    }
}

/// `/Computers/MaintenanceModes`.
pub(super) struct Maintenance<'w>(pub(super) &'w World);

impl Source for Maintenance<'_> {
    fn keys(&self) -> Vec<usize> {
        indices(self.0, |computer| computer.mark.gone.is_none() && in_maintenance(self.0, computer))
    }

    fn id(&self, key: usize) -> u64 {
        self.0.automate.computers[key].id
    }

    fn id_column(&self) -> &'static str {
        "computerid"
    }

    fn row(&self, key: usize, _want: &Want) -> Value {
        let last = self.0.automate.modes.get(&self.id(key)).and_then(|modes| modes.last());
        let last = last.and_then(|last| Some((last.at, last.minutes?)));
        let (start, minutes) = last.unwrap_or((self.0.epoch - Duration::hours(1), 480));
        json!({
            "ComputerID": self.id(key),
            "TimeStart": zoneless(start),
            "Duration": minutes,
            "Mode": 3,
            "UserID": 7,
        })
    }
}

/// `/Computers/Software` and the software of one computer: four programs each.
pub(super) struct Software<'w> {
    pub(super) world: &'w World,
    pub(super) computer: Option<u64>,
}

const PROGRAMS: [(&str, &str); 4] = [
    ("7-Zip 23.01 (x64)", "23.01"),
    ("Google Chrome", "128.0.6613.120"),
    ("ConnectWise Automate Remote Agent", super::AGENT_VERSION),
    ("Microsoft 365 Apps for business - en-us", "16.0.17830.20138"),
];

impl Source for Software<'_> {
    fn keys(&self) -> Vec<usize> {
        indices(self.world, |computer| {
            computer.mark.gone.is_none() && self.computer.is_none_or(|id| id == computer.id)
        })
        .into_iter()
        .flat_map(|index| (0..PROGRAMS.len()).map(move |program| index * PROGRAMS.len() + program))
        .collect()
    }

    fn id(&self, key: usize) -> u64 {
        let computer = &self.world.automate.computers[key / PROGRAMS.len()];
        computer.id * 10 + (key % PROGRAMS.len()) as u64
    }

    fn id_column(&self) -> &'static str {
        "applicationid"
    }

    fn row(&self, key: usize, want: &Want) -> Value {
        let computer = &self.world.automate.computers[key / PROGRAMS.len()];
        let (name, version) = PROGRAMS[key % PROGRAMS.len()];
        let mut row = Row::new(want);
        row.put("ApplicationId", || self.id(key));
        row.put("ComputerId", || computer.id);
        row.put("ClientId", || computer.client);
        row.put("ComputerName", || computer.host.clone());
        row.put("Name", || name);
        row.put("Version", || version);
        row.put("InstallationPath", || format!("C:\\Program Files\\{name}"));
        row.put("UninstallerPath", || "");
        row.put("Size", || 0);
        row.put("DateInstalled", || zoneless(computer.os_installed + Duration::days(1)));
        row.put("Classification", || json!({ "Id": 0, "Name": "Unclassified" }));
        row.put("DateLastInventoried", || zoneless(inventoried(self.world, computer)));
        row.done()
    }
}

/// `/RetiredAssets`: agents that were removed.
pub(super) struct Retired<'w>(pub(super) &'w World);

impl Source for Retired<'_> {
    fn keys(&self) -> Vec<usize> {
        indices(self.0, |computer| computer.mark.gone.is_some())
    }

    fn id(&self, key: usize) -> u64 {
        self.0.automate.computers[key].id
    }

    fn row(&self, key: usize, _want: &Want) -> Value {
        let computer = &self.0.automate.computers[key];
        let (os, version) = self
            .0
            .machines
            .get(computer.machine)
            .map_or(("", ""), |machine| (machine.os.as_str(), machine.os_version.as_str()));
        json!({
            "Id": computer.id.to_string(),
            "ComputerId": computer.id.to_string(),
            "ComputerName": computer.host,
            "Client": { "Id": computer.client.to_string() },
            "Location": { "Id": computer.location },
            "OperatingSystemName": os,
            "OperatingSystemVersion": version,
            "Comment": "",
            "LocalIPAddress": "",
            "GatewayIPAddress": "",
            "AssetTag": "",
            "RetiredDate": zoneless(computer.mark.modified),
            "RetireComment": "",
        })
    }
}

/// `/Computers/{id}/bios`. No UUID here.
pub(super) fn bios(world: &World, computer: &AutomateComputer) -> Value {
    let machine = world.machines.get(computer.machine);
    let is_virtual = machine.is_some_and(hardware::is_virtual);
    let portable = machine.is_some_and(|machine| machine.kind == MachineKind::Laptop);
    let mut row = Row::new(&Want::All);
    row.put("ComputerId", || computer.id);
    row.put("Vendor", || machine.map(|machine| machine.manufacturer.clone()).unwrap_or_default());
    row.put("Version", || bios_version(computer.machine));
    row.put("Date", || zoneless(world.epoch - Duration::days(400)));
    row.put("Size", || 16_384);
    row.same(&["SystemBiosVersion", "EMBCTLVersion"], &json!(1.5));
    row.put("SmBiosVersion", || 3.2);
    row.put("DmiVersion", || 0);
    row.same(
        &["SupportsAcpi", "SupportsUefi", "SupportsPci", "SupportsLegacyUsb", "SupportsNetBoot"],
        &Value::Bool(true),
    );
    row.same(
        &[
            "SupportsApm",
            "SupportsAgp",
            "SupportsPcmcia",
            "HasSmartBattery",
            "SupportsVlvesa",
            "SupportsEscd",
            "SupportsI2OBoot",
        ],
        &Value::Bool(false),
    );
    row.put("IsVirtualMachine", || is_virtual);
    row.put("PowerOnReason", || "Power Switch");
    row.put("BiosChar", || 0);
    row.put("IsPortable", || portable);
    row.same(&["VmHost", "VmType", "VmName"], &json!(""));
    row.put("DateUpdated", || zoneless(inventoried(world, computer)));
    row.done()
}

/// `/Computers/{id}/OperatingSystem`.
pub(super) fn operating_system(world: &World, computer: &AutomateComputer) -> Value {
    let Some(machine) = world.machines.get(computer.machine) else {
        return Value::Null;
    };
    let server = hardware::is_server(machine);
    let number = |part: usize| -> u64 {
        machine.os_version.split('.').nth(part).and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    json!({
        "ComputerId": computer.id,
        "Name": machine.os,
        "MajorVersion": number(0),
        "MinorVersion": number(1),
        "Version": machine.os_version,
        "DotNetVersion": "4.8",
        "ServicePack": "",
        "ServicePackName": "",
        "ProductType": if server { 3 } else { 1 },
        "Suite": 256,
        "ProductInfo": 48,
        "IsLicensed": true,
        "IsTablet": false,
        "IsStarter": false,
        "IsMediaCenter": false,
        "BaseFolder": "C:\\Windows",
        "SystemDrive": "C:",
        "HasGui": true,
        "Is64Bit": true,
        "Domain": hardware::domain(world, machine).map_or("WORKGROUP", |(dns, _)| dns.as_str()),
        "IsDomainController": machine.kind == MachineKind::DomainController,
        "IsServer": server,
        "InstallDate": zoneless(computer.os_installed),
        "DateUpdated": zoneless(inventoried(world, computer)),
        "ReleaseId": 2009,
        "Edition": if server { "ServerStandard" } else { "Professional" },
        "BranchReadinessLevel": 0,
    })
}

fn indices(world: &World, wanted: impl Fn(&AutomateComputer) -> bool) -> Vec<usize> {
    let computers = world.automate.computers.iter().enumerate();
    computers.filter(|(_, computer)| wanted(computer)).map(|(index, _)| index).collect()
}

fn inventoried(world: &World, computer: &AutomateComputer) -> DateTime<Utc> {
    computer.last_contact.min(world.epoch)
}

fn chassis(machine: &Machine) -> &'static str {
    match machine.kind {
        MachineKind::Laptop => "Notebook",
        MachineKind::Desktop => "Desktop",
        MachineKind::Server | MachineKind::DomainController => "Rack Mount Chassis",
        MachineKind::Virtual => "Other",
    }
}
