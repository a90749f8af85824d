//! The expressions a machine knows: each recognised by the well-known words in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::SecondsFormat;
use regex::Regex;

use crate::generate::hardware;
use crate::world::{
    ControlSession, LoggedOn, Machine, MachineKind, MachineNo, Person, UuidQuirk, World,
};

/// One machine that is asked.
pub(crate) struct Probe<'a> {
    pub(crate) world: &'a World,
    pub(crate) machine: &'a Machine,
    pub(crate) no: MachineNo,
}

impl Probe<'_> {
    /// What the expression prints.
    pub(crate) fn value(&self, expression: &str) -> String {
        let lower = expression.to_lowercase();
        let has = |word: &str| lower.contains(word);
        if let Some(text) = lower.strip_prefix("echo ").map(|_| expression[5..].trim()) {
            return text.replace("%COMPUTERNAME%", &self.machine.host);
        }
        if has("labtech") {
            self.automate_id(&lower)
        } else if has("screenconnect client") {
            self.control_session(&lower)
        } else if has("dsregcmd") || has("cloudmanagement") {
            self.device(&lower)
        } else if let Some(account) = expression.strip_prefix("Upn ") {
            self.translated(account)
        } else if has("get-aduser") || has("dsquery") || has("adsisearcher") {
            self.account(expression)
        } else if has("offlineinstallationid") {
            self.machine.installation_id.clone()
        } else if has("win32_operatingsystem") || lower.starts_with("wmic os") {
            self.system(&lower)
        } else if lower.starts_with("wmic") {
            self.wmic(&lower)
        } else if has("win32_computersystemproduct")
            || has("win32_bios")
            || has("win32_computersystem")
        {
            self.firmware(&lower)
        } else if has("whoami") {
            self.whoami(&lower)
        } else if has("$env:computername")
            || lower == "hostname"
            || has("%computername%")
            || has("hostname.exe")
            || has("gethostname")
            || has("machinename")
        {
            self.machine.host.clone()
        } else {
            unknown(expression)
        }
    }

    fn uuid(&self) -> String {
        match self.machine.uuid_quirk {
            UuidQuirk::SwappedInScript => hardware::swapped(&self.machine.uuid),
            _ => self.machine.uuid.clone(),
        }
    }

    fn firmware(&self, expression: &str) -> String {
        let has = |word: &str| expression.contains(word);
        if has("win32_computersystemproduct") && has("uuid") {
            self.uuid()
        } else if has("serialnumber") || has("identifyingnumber") {
            self.machine.serial.clone()
        } else if has("manufacturer") || has("vendor") {
            self.machine.manufacturer.clone()
        } else if has("model") {
            self.machine.model.clone()
        } else if has("username") {
            self.account_name().unwrap_or_default()
        } else if has("domainrole") {
            let joined = self.netbios().is_some();
            match (self.machine.kind, joined) {
                (MachineKind::DomainController, _) => "5",
                (MachineKind::Server, true) => "3",
                (MachineKind::Server, false) => "2",
                (_, true) => "1",
                (_, false) => "0",
            }
            .to_owned()
        } else if has("partofdomain") {
            if self.netbios().is_some() { "True" } else { "False" }.to_owned()
        } else if has(".domain") {
            self.netbios().unwrap_or_else(|| "WORKGROUP".to_owned())
        } else if has(".name") {
            self.machine.host.clone()
        } else {
            unknown(expression)
        }
    }

    fn wmic(&self, expression: &str) -> String {
        let has = |word: &str| expression.contains(word);
        let (head, value) = if has("csproduct") && has("uuid") {
            ("UUID", self.uuid())
        } else if has("serialnumber") {
            ("SerialNumber", self.machine.serial.clone())
        } else if has("manufacturer") {
            ("Manufacturer", self.machine.manufacturer.clone())
        } else if has("model") {
            ("Model", self.machine.model.clone())
        } else if has("username") {
            ("UserName", self.account_name().unwrap_or_default())
        } else {
            return "Invalid query".to_owned();
        };
        if has("/value") { format!("{head}={value}") } else { format!("{head}  \n{value}  ") }
    }

    fn system(&self, expression: &str) -> String {
        if expression.contains("installdate") {
            self.machine.os_installed.to_rfc3339_opts(SecondsFormat::Secs, true)
        } else if expression.contains("caption") {
            self.machine.os.trim_end_matches(" x64").to_owned()
        } else if expression.contains("version") {
            self.machine.os_version.clone()
        } else if expression.contains("producttype") {
            match self.machine.kind {
                MachineKind::DomainController => "2",
                MachineKind::Server => "3",
                _ => "1",
            }
            .to_owned()
        } else {
            unknown(expression)
        }
    }

    fn automate_id(&self, expression: &str) -> String {
        let rows = &self.world.automate.computers;
        let row = self.machine.automate_row.and_then(|row| rows.get(row));
        let Some(row) = row.filter(|c| c.current && c.machine == self.no && c.mark.gone.is_none())
        else {
            return String::new();
        };
        if expression.starts_with("reg query") {
            format!(
                "HKEY_LOCAL_MACHINE\\SOFTWARE\\LabTech\\Service\n    ID    REG_SZ    {}",
                row.id
            )
        } else {
            row.id.to_string()
        }
    }

    fn session(&self) -> Option<&ControlSession> {
        let session = self.world.control.sessions.get(self.machine.control_row?)?;
        (session.current && session.machine == Some(self.no) && session.mark.gone.is_none())
            .then_some(session)
    }

    fn control_session(&self, expression: &str) -> String {
        let Some(session) = self.session() else { return String::new() };
        if expression.contains("s=") {
            return session.id.to_string();
        }
        let instance = &self.world.control_instance;
        let program = format!(
            "\"C:\\Program Files (x86)\\ScreenConnect Client ({instance})\\ScreenConnect.ClientService.exe\""
        );
        let arguments = format!(
            "\"?e=Access&y=Guest&h=relay.keystone-it.example&p=8041&s={}&k=BgIAAACkAABSU0ExAAgAAAEAAQ\"",
            session.id
        );
        if expression.starts_with("reg query")
            || expression.contains("imagepath")
            || expression.contains("pathname")
        {
            format!("{program} {arguments}")
        } else {
            format!("ScreenConnect Client ({instance})")
        }
    }

    fn device(&self, expression: &str) -> String {
        let device = self.machine.entra_row.and_then(|row| self.world.entra_devices.get(row));
        let device = device.filter(|d| d.current && d.machine == self.no && d.mark.gone.is_none());
        let picked = ["match", "replace", "groups", "split", "substring"];
        match device {
            None if expression.contains("deviceid") => String::new(),
            None => "             AzureAdJoined : NO".to_owned(),
            Some(device) if picked.iter().any(|word| expression.contains(word)) => {
                device.device_id.to_string()
            }
            Some(device) if expression.contains("deviceid") => {
                format!("                  DeviceId : {}", device.device_id)
            }
            Some(device) => {
                let joined = if device.trust == "Workplace" { "NO" } else { "YES" };
                let tenant = self.world.directories[device.directory].id;
                format!(
                    "             AzureAdJoined : {joined}\n                  DeviceId : {}\n                  TenantId : {tenant}",
                    device.device_id
                )
            }
        }
    }

    /// Domain controllers translate an account name into a UPN.
    fn account(&self, expression: &str) -> String {
        if self.machine.kind != MachineKind::DomainController {
            let word = expression.split_whitespace().next().unwrap_or(expression);
            return unknown(word);
        }
        let by = Regex::new(
            r#"(?i-u)(?:-identity +|samaccountname *(?:-eq|=) *|-samid +|userprincipalname *(?:-eq|=) *|get-aduser +)\\?['"]?([A-Za-z0-9_][A-Za-z0-9_.@-]*)"#,
        );
        let wanted =
            by.ok().and_then(|by| by.captures(expression)?.get(1).map(|m| m.as_str().to_owned()));
        let Some(wanted) = wanted else { return String::new() };
        let mine = |p: &&Person| p.tenant == self.machine.tenant && p.mark.gone.is_none();
        let named = |p: &&Person| {
            p.sam.as_deref().is_some_and(|sam| sam.eq_ignore_ascii_case(&wanted))
                || p.upn.eq_ignore_ascii_case(&wanted)
        };
        let found = self.world.persons.iter().filter(mine).find(named);
        found.map(|person| person.upn.clone()).unwrap_or_default()
    }

    /// A function that a script defines: the UPN of the account whose name it is given in base64.
    /// Windows resolves it by domain and name, and knows accounts of its own domain only.
    fn translated(&self, argument: &str) -> String {
        let name = STANDARD.decode(argument.trim().trim_matches('\'')).unwrap_or_default();
        let name = String::from_utf8_lossy(&name).into_owned();
        let (Some((domain, user)), Some(own)) = (name.split_once('\\'), self.netbios()) else {
            return String::new();
        };
        if self.machine.kind != MachineKind::DomainController || !own.eq_ignore_ascii_case(domain) {
            return String::new();
        }
        let here = |p: &&Person| p.tenant == self.machine.tenant && p.mark.gone.is_none();
        let named =
            |p: &&Person| p.sam.as_deref().is_some_and(|sam| sam.eq_ignore_ascii_case(user));
        let found = self.world.persons.iter().filter(here).find(named);
        found.map(|person| person.upn.clone()).unwrap_or_default()
    }

    fn whoami(&self, expression: &str) -> String {
        // There the agent's own account is asked, and it has none.
        if expression.contains("/upn")
            && self.world.tenants[self.machine.tenant].windows_domain.is_some()
        {
            return "ERROR: Unable to get User Principal Name (UPN) as the current logged-on user is \
                    not a domain user."
                .to_owned();
        }
        if !expression.contains("/upn") {
            return self.account_name().unwrap_or_else(|| "nt authority\\system".to_owned());
        }
        match &self.machine.logged_on {
            LoggedOn::Person(no) => self.world.persons[*no].upn.clone(),
            LoggedOn::Nobody | LoggedOn::Local(_) => {
                "ERROR: Unable to get User Principal Name (UPN) as the current logged-on user is \
                 not a domain user."
                    .to_owned()
            }
        }
    }

    fn netbios(&self) -> Option<String> {
        crate::automate::hardware::domain(self.world, self.machine).map(|(_, name)| name.clone())
    }

    /// `DOMAIN\account` of whoever is logged on.
    fn account_name(&self) -> Option<String> {
        match &self.machine.logged_on {
            LoggedOn::Nobody => None,
            LoggedOn::Local(name) => Some(name.to_lowercase()),
            LoggedOn::Person(no) => {
                let person = &self.world.persons[*no];
                Some(match (&person.sam, self.netbios()) {
                    (Some(sam), Some(domain)) => format!("{domain}\\{sam}").to_lowercase(),
                    _ => format!("azuread\\{}{}", person.given, person.surname).to_lowercase(),
                })
            }
        }
    }
}

/// What PowerShell says to a word it does not know.
fn unknown(expression: &str) -> String {
    let word = expression.split_whitespace().next().unwrap_or_default();
    format!(
        "{word} : The term '{word}' is not recognized as the name of a cmdlet, function, script \
         file, or operable program."
    )
}
