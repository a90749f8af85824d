//! What the machine says of itself: what its system shows in files, or PowerShell on Windows.

use std::fs;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::powershell;
use crate::state::State;
use crate::wire::{Evidence, Shell};

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
        self.look(state, installation).0
    }

    /// The same, and whether it is all that there is: just after Windows was started, or where its management service
    /// is broken, it says less for a while. The hub keeps what it heard before, then.
    pub(crate) fn look(&self, state: &State, installation: Uuid) -> (Evidence, bool) {
        let (base, whole) = if cfg!(windows) { windows() } else { (self.linux(), true) };
        let said = Evidence {
            installation,
            shell: Self::shell(),
            folder: state.runs().display().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..base
        };
        (said, whole)
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

fn windows() -> (Evidence, bool) {
    let host = std::env::var_os("COMPUTERNAME").map(|name| name.to_string_lossy().into_owned());
    let printed = powershell::machine().unwrap_or_else(|why| {
        tracing::warn!(why, "Windows does not say what machine it is on");
        String::new()
    });
    of_windows(&printed, host)
}

/// From what PowerShell printed, and the machine's name where that says none; and whether it is all that there is.
#[must_use]
pub fn of_windows(printed: &str, host: Option<String>) -> (Evidence, bool) {
    let said = |name: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        filled(line.map(str::to_owned))
    };
    let evidence = Evidence {
        host: said("host").or_else(|| filled(host)).unwrap_or_else(|| "unknown".to_owned()),
        machine_id: said("machine_id"),
        uuid: said("uuid"),
        serial: said("serial"),
        manufacturer: said("manufacturer"),
        model: said("model"),
        os: said("os"),
        os_version: said("os_version"),
        ..Evidence::default()
    };
    (evidence, said("whole").is_some())
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
    fn what_powershell_prints_is_read_by_its_names_and_what_is_empty_takes_no_others_place() {
        let printed = "host=PC-1\r\nmachine_id=\r\nuuid=4C4C\r\nserial= \r\nmanufacturer=Dell = Inc.\r\n\
                       model=OptiPlex\r\nos=Windows 11 \u{fc}\r\nos_version=10.0\r\nwhole=1\r\n";
        let (said, whole) = of_windows(printed, Some("OTHER".into()));
        assert!(whole);
        assert_eq!((&*said.host, said.machine_id.as_deref()), ("PC-1", None));
        assert_eq!((said.uuid.as_deref(), said.serial.as_deref()), (Some("4C4C"), None));
        assert_eq!(
            (said.manufacturer.as_deref(), said.model.as_deref()),
            (Some("Dell = Inc."), Some("OptiPlex"))
        );
        assert_eq!(
            (said.os.as_deref(), said.os_version.as_deref()),
            (Some("Windows 11 \u{fc}"), Some("10.0"))
        );
        // Windows' management service did not answer: that is not a machine without a serial number.
        let (said, whole) = of_windows("host=PC-1\r\nuuid=\r\nserial=\r\nos=\r\n", None);
        assert!(!whole && said.host == "PC-1" && said.serial.is_none() && said.uuid.is_none());
        assert_eq!(of_windows("", Some("PC".into())).0.host, "PC");
        assert_eq!(of_windows("", None).0.host, "unknown");
    }
}
