//! Changes of what machines hold, and of what goes wrong with installers.

use chrono::Duration;

use super::change::{Change, ChangeError, Pick, Work};
use super::machines::machine_of;
use crate::machine::{self, catalogue};
use crate::world::{
    Content, Effect, FileEntry, InstallFault, MachineNo, RebootCause, Service, UpdateState,
    WindowsUpdate,
};

type Done = Result<String, ChangeError>;

/// Makes one of these changes.
#[expect(clippy::too_many_lines, reason = "one arm for each change")]
pub(super) fn change(work: &mut Work<'_>, change: &Change) -> Done {
    use Change as C;
    match change {
        C::Install { machine, package } => install(work, machine, package),
        C::AddSoftware { machine, row } => {
            let what = format!("{} {}", row.name, row.version);
            happens(work, machine, &Effect::Software(row.clone()), &format!("has {what}"))
        }
        C::RemoveSoftware { machine, name } => remove(work, machine, name),
        C::Service { machine, name, running, start } => {
            service(work, machine, name, (*running, start.as_deref()))
        }
        C::File { machine, path, text } => {
            let (effect, what) = match text {
                Some(text) => {
                    let content = Content::Text(text.clone());
                    (Effect::File(FileEntry { path: path.clone(), content }), "has")
                }
                None => (Effect::NoFile(path.clone()), "has no"),
            };
            happens(work, machine, &effect, &format!("{what} {path}"))
        }
        C::Registry { machine, key, name, value } => {
            let path = machine::paths::registry(key).ok_or_else(|| {
                ChangeError::Impossible(format!(
                    "{key:?} is no key: it begins with HKLM:\\ or HKCU:\\"
                ))
            })?;
            let effect = match value {
                Some(value) => Effect::Value(path, name.clone(), value.clone()),
                None => Effect::NoValue(path, name.clone()),
            };
            happens(work, machine, &effect, &format!("has another {name} in {key}"))
        }
        C::PendingReboot { machine, cause, clears } => pending(work, machine, *cause, *clears),
        C::Reboot { machine, seconds } => {
            let no = machine_of(work.world, machine)?;
            let seconds = i64::from(seconds.unwrap_or(90));
            machine::reboot(work.world, no, Duration::seconds(seconds));
            Ok(format!("{} is started again", work.world.machines[no].host))
        }
        C::InstallerBusy { machine, seconds } => {
            let until = work.now + Duration::seconds(i64::from(*seconds));
            happens(work, machine, &Effect::Busy(until, 0), "is installing something")
        }
        C::MissingUpdate { machine, kb, title, approval, fails } => {
            let no = machine_of(work.world, machine)?;
            let updates = &mut machine::state_mut(work.world, no).updates;
            updates.retain(|one| one.kb != *kb);
            updates.push(WindowsUpdate {
                kb: *kb,
                title: title.clone(),
                approval: approval.clone().unwrap_or_else(|| "Approved".to_owned()),
                state: UpdateState::Missing,
                fails: *fails,
            });
            Ok(said(work, no, &format!("lacks KB{kb}")))
        }
        C::InstallFault { machine, package, trouble, times } => {
            let id = package.trim_end_matches("/uninstall");
            if catalogue::by_id(id).is_none() {
                return unknown(package);
            }
            let no = machine.as_ref().map(|machine| machine_of(work.world, machine)).transpose()?;
            let (package, trouble, times) = (package.clone(), *trouble, *times);
            let what = format!("{package}: {trouble:?}");
            work.world.states.install_faults.push(InstallFault {
                machine: no,
                package,
                trouble,
                times,
            });
            Ok(what)
        }
        C::DownloadFault { file, trouble } => {
            if catalogue::by_file(file).is_none() {
                return unknown(file);
            }
            let faults = &mut work.world.states.download_faults;
            match trouble {
                Some(trouble) => drop(faults.insert(file.clone(), *trouble)),
                None => drop(faults.remove(file)),
            }
            Ok(format!("{file}: {trouble:?}"))
        }
        C::NoInstallFaults => {
            work.world.states.install_faults.clear();
            work.world.states.download_faults.clear();
            Ok("installers and downloads are as they should be".to_owned())
        }
        other => {
            Err(ChangeError::Impossible(format!("{other:?} is no change of a machine's state")))
        }
    }
}

fn unknown(package: &str) -> Done {
    Err(ChangeError::Unknown { kind: "package", name: package.to_owned() })
}

/// One effect, now.
fn happens(work: &mut Work<'_>, pick: &Pick, effect: &Effect, what: &str) -> Done {
    let no = machine_of(work.world, pick)?;
    let now = work.now;
    machine::state_mut(work.world, no).apply(effect, now);
    Ok(said(work, no, what))
}

fn said(work: &Work<'_>, no: MachineNo, what: &str) -> String {
    format!("{} {what}", work.world.machines[no].host)
}

fn install(work: &mut Work<'_>, pick: &Pick, package: &str) -> Done {
    let Some(package) = catalogue::by_id(package) else { return unknown(package) };
    let row = package.row(work.now.date_naive());
    happens(work, pick, &Effect::Software(Box::new(row)), &format!("has {}", package.id))
}

fn remove(work: &mut Work<'_>, pick: &Pick, name: &str) -> Done {
    let no = machine_of(work.world, pick)?;
    let now = work.now;
    let state = machine::state_mut(work.world, no);
    let is = |row: &&crate::world::Installed| {
        row.name.eq_ignore_ascii_case(name) || row.key.eq_ignore_ascii_case(name)
    };
    let Some(row) = state.software.iter().find(is).cloned() else {
        return Err(ChangeError::Unknown { kind: "software", name: name.to_owned() });
    };
    state.apply(&Effect::NoSoftware(row.key.into_owned()), now);
    Ok(said(work, no, &format!("has no {name}")))
}

fn service(
    work: &mut Work<'_>,
    pick: &Pick,
    name: &str,
    (running, start): (Option<bool>, Option<&str>),
) -> Done {
    let no = machine_of(work.world, pick)?;
    let state = machine::state_mut(work.world, no);
    let before = state.services.iter().position(|service| service.name.eq_ignore_ascii_case(name));
    let before = before.map(|at| state.services.remove(at));
    if running.is_none() && start.is_none() {
        return Ok(said(work, no, &format!("has no service {name}")));
    }
    let made = before.unwrap_or_else(|| Service {
        name: name.to_owned(),
        display: name.to_owned(),
        running: true,
        start: "Automatic".to_owned(),
    });
    let running = running.unwrap_or(made.running);
    let start = start.map_or_else(|| made.start.clone(), str::to_owned);
    state.services.push(Service { running, start, ..made });
    Ok(said(work, no, &format!("has another service {name}")))
}

fn pending(
    work: &mut Work<'_>,
    pick: &Pick,
    cause: Option<RebootCause>,
    clears: Option<bool>,
) -> Done {
    let no = machine_of(work.world, pick)?;
    let state = machine::state_mut(work.world, no);
    state.pending = cause.into_iter().collect();
    state.clears = clears.unwrap_or(state.clears);
    let what = if cause.is_some() { "waits for a reboot" } else { "waits for no reboot" };
    Ok(said(work, no, what))
}
