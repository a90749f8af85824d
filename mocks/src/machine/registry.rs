//! The registry as it reads: what scripts wrote, and what follows from the rest of the state.

use std::collections::BTreeMap;

use super::facts::Facts;
use super::paths;
use crate::world::{Installed, MachineState, RebootCause, RegKey, RegValue, Scope};

const WINDOWS: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion";
/// The security id of whoever software in a user's own scope belongs to.
const USER: &str = "S-1-12-1-2471934212-1149811234-3009718161-1104";

/// Keys that are there on every machine, if only as the way to others.
const ALWAYS: &[&str] = &[
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall",
    r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall",
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run",
    r"HKLM\SOFTWARE\Policies\Microsoft\Windows",
    r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager",
    r"HKCU\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall",
    r"HKU\S-1-5-18\SOFTWARE",
];

/// Every key by its path in lower case.
pub(crate) type View = BTreeMap<String, RegKey>;

/// Where the row of a program is.
pub(crate) fn row_path(row: &Installed) -> String {
    match row.scope {
        Scope::Machine => format!(r"HKLM\{WINDOWS}\Uninstall\{}", row.key),
        Scope::Machine32 => {
            format!(
                r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\{}",
                row.key
            )
        }
        Scope::User => format!(r"HKU\{USER}\{WINDOWS}\Uninstall\{}", row.key),
    }
}

/// The registry now.
pub(crate) fn view(state: &MachineState, facts: &Facts) -> View {
    let mut view = View::new();
    for path in ALWAYS {
        put(&mut view, path, Vec::new());
    }
    let text = |name: &str, value: &str| (name.to_owned(), RegValue::Text(value.to_owned()));
    for row in &state.software {
        put(&mut view, &row_path(row), row_values(row));
    }
    for service in &state.services {
        let start = if service.start == "Disabled" { 4 } else { 2 };
        let values = vec![
            text("DisplayName", &service.display),
            ("Start".to_owned(), RegValue::Number(start)),
        ];
        put(
            &mut view,
            &format!(r"HKLM\SYSTEM\CurrentControlSet\Services\{}", service.name),
            values,
        );
    }
    if !facts.automate_id.is_empty() {
        put(&mut view, r"HKLM\SOFTWARE\LabTech\Service", vec![text("ID", &facts.automate_id)]);
    }
    if !facts.control_image.is_empty() {
        let path = format!(r"HKLM\SYSTEM\CurrentControlSet\Services\{}", facts.control_service);
        put(&mut view, &path, vec![text("ImagePath", &facts.control_image)]);
    }
    for cause in &state.pending {
        pending(&mut view, *cause);
    }
    for key in state.registry.values() {
        put(&mut view, &key.path, key.values.clone());
    }
    view
}

fn pending(view: &mut View, cause: RebootCause) {
    match cause {
        RebootCause::Servicing => {
            put(
                view,
                &format!(r"HKLM\{WINDOWS}\Component Based Servicing\RebootPending"),
                Vec::new(),
            );
        }
        RebootCause::Updates => {
            let path = format!(r"HKLM\{WINDOWS}\WindowsUpdate\Auto Update\RebootRequired");
            put(view, &path, Vec::new());
        }
        RebootCause::FileRenames => {
            let names = vec![r"\??\C:\Windows\Temp\setup.tmp".to_owned(), String::new()];
            let value = ("PendingFileRenameOperations".to_owned(), RegValue::Many(names));
            put(view, r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager", vec![value]);
        }
    }
}

fn row_values(row: &Installed) -> Vec<(String, RegValue)> {
    let mut values = Vec::new();
    let mut text = |name: &str, value: &str| {
        values.push((name.to_owned(), RegValue::Text(value.to_owned())));
    };
    text("DisplayName", &row.name);
    text("DisplayVersion", &row.version);
    text("Publisher", &row.publisher);
    text("InstallDate", &row.installed.format("%Y%m%d").to_string());
    text("UninstallString", &row.uninstall);
    if let Some(quiet) = &row.quiet_uninstall {
        text("QuietUninstallString", quiet);
    }
    if let Some(exe) = &row.exe {
        text("InstallLocation", &format!("{}\\", paths::parent(exe)));
        text("DisplayIcon", exe);
    }
    if row.upgrade_code.is_some() && row.key.starts_with('{') {
        values.push(("WindowsInstaller".to_owned(), RegValue::Number(1)));
    }
    values
}

/// Adds values to a key, and the keys above it.
fn put(view: &mut View, path: &str, values: Vec<(String, RegValue)>) {
    let mut above = paths::parent(path);
    while !above.is_empty() {
        let made = || RegKey { path: above.to_owned(), values: Vec::new() };
        view.entry(paths::key(above)).or_insert_with(made);
        above = paths::parent(above);
    }
    let made = || RegKey { path: path.to_owned(), values: Vec::new() };
    let key = view.entry(paths::key(path)).or_insert_with(made);
    for (name, value) in values {
        key.values.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        key.values.push((name, value));
    }
}

/// The keys that a path names, which may have stars in it.
pub(crate) fn find<'v>(view: &'v View, path: &str) -> Vec<&'v RegKey> {
    let key = paths::key(path);
    if !key.contains(['*', '?']) {
        return view.get(&key).into_iter().collect();
    }
    let wanted: Vec<&str> = key.split('\\').collect();
    let fits = |at: &str| {
        let parts: Vec<&str> = at.split('\\').collect();
        parts.len() == wanted.len()
            && wanted.iter().zip(&parts).all(|(wanted, part)| paths::matches(wanted, part))
    };
    view.iter().filter(|(at, _)| fits(at)).map(|(_, key)| key).collect()
}

/// The keys right below one.
pub(crate) fn below<'v>(view: &'v View, path: &str) -> Vec<&'v RegKey> {
    let below = format!("{}\\", paths::key(path));
    let direct = |at: &str| at.strip_prefix(&below).is_some_and(|rest| !rest.contains('\\'));
    view.iter().filter(|(at, _)| direct(at)).map(|(_, key)| key).collect()
}
