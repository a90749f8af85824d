//! What a machine knows about itself that scripts cannot change.

use crate::shell::probe::Probe;
use crate::world::{MachineNo, World};

/// Who a machine is and who uses it, as it would say it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) no: MachineNo,
    pub(crate) host: String,
    pub(crate) somebody: bool,
    pub(crate) upn: String,
    pub(crate) automate_id: String,
    pub(crate) control_service: String,
    pub(crate) control_image: String,
    /// By class and property, in lower case: `win32_bios.serialnumber`.
    pub(crate) wmi: Vec<(&'static str, &'static str, String)>,
    pub(crate) directory: String,
    pub(crate) seed: u64,
}

const WMI: &[(&str, &str)] = &[
    ("Win32_ComputerSystemProduct", "UUID"),
    ("Win32_BIOS", "SerialNumber"),
    ("Win32_ComputerSystem", "Manufacturer"),
    ("Win32_ComputerSystem", "Model"),
    ("Win32_ComputerSystem", "UserName"),
    ("Win32_ComputerSystem", "Name"),
    ("Win32_ComputerSystem", "Domain"),
    ("Win32_ComputerSystem", "PartOfDomain"),
    ("Win32_ComputerSystem", "DomainRole"),
    ("Win32_OperatingSystem", "Caption"),
    ("Win32_OperatingSystem", "Version"),
    ("Win32_OperatingSystem", "ProductType"),
    ("Win32_OperatingSystem", "InstallDate"),
];

impl Facts {
    /// Whoever is logged on, as `DOMAIN\account`.
    pub(crate) fn user(&self) -> Option<&str> {
        let mut wmi = self.wmi.iter();
        let name = wmi.find(|(class, property, _)| {
            *class == "Win32_ComputerSystem" && *property == "UserName"
        });
        name.map(|(.., user)| user.as_str()).filter(|user| self.somebody && !user.is_empty())
    }

    pub(crate) fn of(world: &World, no: MachineNo) -> Option<Self> {
        let machine = world.machines.get(no)?;
        let probe = Probe { world, machine, no };
        let ask = |text: &str| probe.value(text);
        let wmi = WMI.iter().map(|(class, property)| {
            (*class, *property, ask(&format!("(Get-CimInstance {class}).{property}")))
        });
        Some(Self {
            no,
            host: machine.host.clone(),
            somebody: machine.logged_on != crate::world::LoggedOn::Nobody,
            upn: ask("whoami /upn"),
            automate_id: ask(r"(Get-ItemProperty 'HKLM:\SOFTWARE\LabTech\Service').ID"),
            control_service: format!("ScreenConnect Client ({})", world.control_instance),
            control_image: ask("(screenconnect client).ImagePath"),
            wmi: wmi.collect(),
            directory: ask("dsregcmd /status"),
            seed: world.options.seed,
        })
    }
}
