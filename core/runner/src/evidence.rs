//! What the machine says of itself: what its system shows in files, or PowerShell on Windows.

use std::fs;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::state::State;
use crate::wire::{Evidence, Shell};

/// Printed by PowerShell, a line each: UUID, serial, manufacturer, model, name and version of the system.
const OF_WINDOWS: &str = "$p=Get-CimInstance Win32_ComputerSystemProduct;$o=Get-CimInstance Win32_OperatingSystem;\
                          $p.UUID;$p.IdentifyingNumber;$p.Vendor;$p.Name;$o.Caption;$o.Version";

/// The machine that a runner is on.
#[derive(Clone, Debug)]
pub struct Machine {
    root: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Self::at(Path::new("/"))
    }
}

impl Machine {
    /// A machine whose files are below a folder.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// What takes commands on machines of this kind.
    #[must_use]
    pub fn shell() -> Shell {
        if cfg!(windows) { Shell::PowerShell } else { Shell::Sh }
    }

    /// What it says now. What cannot be read is nothing: some of it only root may read.
    #[must_use]
    pub fn evidence(&self, state: &State, installation: Uuid) -> Evidence {
        let base = if cfg!(windows) { windows() } else { self.linux() };
        Evidence {
            installation,
            shell: Self::shell(),
            folder: state.runs().display().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..base
        }
    }

    fn linux(&self) -> Evidence {
        let release = fs::read_to_string(self.root.join("etc/os-release")).unwrap_or_default();
        let said = |name: &str| {
            let line = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            filled(line.map(|value| value.trim().trim_matches(['"', '\'']).to_owned()))
        };
        let dmi = |name: &str| self.line(&format!("sys/class/dmi/id/{name}"));
        let host = self.line("proc/sys/kernel/hostname").or_else(|| self.line("etc/hostname"));
        Evidence {
            host: host.unwrap_or_else(|| "unknown".to_owned()),
            machine_id: self.line("etc/machine-id"),
            uuid: dmi("product_uuid"),
            serial: dmi("product_serial"),
            manufacturer: dmi("sys_vendor"),
            model: dmi("product_name"),
            os: said("PRETTY_NAME").or_else(|| said("NAME")),
            os_version: said("VERSION_ID"),
            ..Evidence::default()
        }
    }

    fn line(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        filled(text.lines().next().map(str::to_owned))
    }
}

/// A text within bounds; nothing where it is blank.
fn filled(text: Option<String>) -> Option<String> {
    let text: String = text?.trim().chars().filter(|c| !c.is_control()).take(100).collect();
    (!text.is_empty()).then_some(text)
}

fn windows() -> Evidence {
    let asked = std::process::Command::new("powershell.exe")
        .args(["-NoProfile", "-NonInteractive", "-Command", OF_WINDOWS])
        .stdin(std::process::Stdio::null())
        .output();
    let printed = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let host = std::env::var_os("COMPUTERNAME").map(|name| name.to_string_lossy().into_owned());
    of_windows(&printed.unwrap_or_default(), host)
}

/// From what PowerShell printed, and the machine's name.
#[must_use]
pub fn of_windows(printed: &str, host: Option<String>) -> Evidence {
    let mut lines = printed.lines().map(|line| filled(Some(line.to_owned())));
    let mut next = || lines.next().flatten();
    Evidence {
        host: filled(host).unwrap_or_else(|| "unknown".to_owned()),
        uuid: next(),
        serial: next(),
        manufacturer: next(),
        model: next(),
        os: next(),
        os_version: next(),
        ..Evidence::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_says_what_its_files_say_and_what_cannot_be_read_is_nothing() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("proc/sys/kernel/hostname", "web-1\n");
        write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        write("etc/os-release", "NAME=\"Debian\"\nPRETTY_NAME=\"Debian 13\"\nVERSION_ID=\"13\"\n");
        write("sys/class/dmi/id/product_serial", " \n");
        write("sys/class/dmi/id/sys_vendor", "HP\n");
        let state = State::open(&root.path().join("state")).unwrap();
        let said = Machine::at(root.path()).evidence(&state, Uuid::from_u128(5));
        assert_eq!(said.host, "web-1");
        assert_eq!(said.machine_id.as_deref(), Some("0123456789abcdef0123456789abcdef"));
        assert_eq!((said.uuid.as_deref(), said.serial.as_deref()), (None, None));
        assert_eq!(said.manufacturer.as_deref(), Some("HP"));
        assert_eq!(
            (said.os.as_deref(), said.os_version.as_deref()),
            (Some("Debian 13"), Some("13"))
        );
        assert_eq!((said.installation, said.shell), (Uuid::from_u128(5), Shell::Sh));
        assert!(said.is_sound() && said.folder.ends_with("/state/runs"));
    }

    #[test]
    fn what_powershell_prints_is_read_line_by_line() {
        let said =
            of_windows("4C4C\r\n\r\nDell\r\nOptiPlex\r\nWindows 11\r\n10.0\r\n", Some("PC".into()));
        assert_eq!((said.uuid.as_deref(), said.serial.as_deref()), (Some("4C4C"), None));
        assert_eq!(
            (said.model.as_deref(), said.os_version.as_deref()),
            (Some("OptiPlex"), Some("10.0"))
        );
        assert_eq!(of_windows("", None).host, "unknown");
    }
}
