//! Installers and uninstallers: what they do, how long it takes and with what they end.

use super::catalogue::{self, Kind, Package};
use super::process::Started;
use super::sim::{Deed, Over, Sim, milliseconds};
use crate::world::{Content, Effect, InstallTrouble, Installed, InstallerRun, RebootCause, Verb};

/// Milliseconds of a machine's going down and coming up.
const REBOOT_MS: u32 = 90_000;
/// Milliseconds until a reboot that was asked for begins.
const GRACE_MS: u64 = 3_000;

/// Why a program could not be started at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotStarted {
    /// There is no such file.
    Missing,
    /// It is no program.
    Damaged,
    /// The script is over.
    Over,
}

impl From<Over> for NotStarted {
    fn from(_: Over) -> Self {
        Self::Over
    }
}

/// How a program goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    exit: i64,
    /// Milliseconds that it takes from now on.
    takes: u64,
}

impl Process {
    /// It waits for somebody.
    const ENDLESS: Self = Self { exit: 0, takes: u64::MAX };
}

impl Sim {
    /// Starts a program of which a path is known, and waits for it or not.
    pub(crate) fn program(&mut self, path: &str, args: &[String], wait: bool) -> Started {
        match self.file(path) {
            Some(Content::Installer { file, whole }) => {
                let Some(package) = catalogue::by_file(&file).filter(|_| whole) else {
                    return Err(NotStarted::Damaged);
                };
                if package.kind == Kind::Msi {
                    let mut all = vec!["/i".to_owned(), path.to_owned()];
                    all.extend_from_slice(args);
                    return self.msiexec(&all, wait);
                }
                let silent = args.iter().any(|arg| {
                    package.silent.iter().any(|switch| arg.eq_ignore_ascii_case(switch))
                });
                self.started_as(path, wait, |sim| {
                    if silent { sim.install(package, false) } else { Process::ENDLESS }
                })
            }
            Some(Content::Text(text)) if text.starts_with("MZ") => {
                self.started_as(path, wait, |sim| sim.uninstaller(path, args))
            }
            Some(_) => Err(NotStarted::Damaged),
            None => Err(NotStarted::Missing),
        }
    }

    /// A process of its own, which is waited for or not.
    fn started_as(
        &mut self,
        path: &str,
        wait: bool,
        act: impl FnOnce(&mut Self) -> Process,
    ) -> Started {
        let (pid, process) = self.as_process(act);
        self.ends_with(pid, super::paths::leaf(path), process.takes, process.exit);
        if wait {
            self.wait(pid, None)?;
        }
        Ok(pid)
    }

    /// An uninstaller that is a program of its own; other programs do nothing and end.
    fn uninstaller(&mut self, path: &str, args: &[String]) -> Process {
        let wanted = super::paths::key(path);
        let is = |row: &&Installed| {
            let program = row.uninstall.strip_prefix('"').and_then(|rest| rest.split('"').next());
            program.is_some_and(|program| super::paths::key(program) == wanted)
        };
        let Some(row) = self.state.software.iter().find(is).cloned() else {
            return Process { exit: 0, takes: 200 };
        };
        let quiet = row.quiet_uninstall.as_deref().and_then(|text| text.rsplit(' ').next());
        let silent =
            args.iter().any(|arg| quiet.is_some_and(|quiet| arg.eq_ignore_ascii_case(quiet)));
        if !silent && quiet.is_some() {
            return Process::ENDLESS;
        }
        self.remove(&row, false)
    }

    /// `msiexec` with its arguments.
    pub(crate) fn msiexec(&mut self, args: &[String], wait: bool) -> Started {
        let asked = Msi::read(args);
        self.started_as("msiexec.exe", wait, |sim| sim.windows_installer(&asked))
    }

    fn windows_installer(&mut self, asked: &Msi) -> Process {
        let process = self.msi(asked);
        if let Some(log) = &asked.log {
            let text = format!(
                "=== Verbose logging ===\r\nMainEngineThread is returning {}\r\n",
                process.exit
            );
            let content = Content::Text(text);
            self.later(
                process.takes.min(1 << 40),
                Effect::File(crate::world::FileEntry { path: log.clone(), content }),
            );
        }
        if process.exit == 3010 && !asked.no_restart {
            // Told to be quiet and not told to leave the machine up, it restarts it.
            let pid = self.pid();
            self.restart_of(process.takes, pid);
            return Process { exit: 1641, ..process };
        }
        process
    }

    fn msi(&mut self, asked: &Msi) -> Process {
        let at_once = |exit| Process { exit, takes: 300 };
        let Some((verb, target)) = &asked.what else { return at_once(1639) };
        let named = target.starts_with('{');
        let (package, row) = if named {
            let row = self.state.software.iter().find(|row| row.key.eq_ignore_ascii_case(target));
            (row.and_then(catalogue::of_row), row.cloned())
        } else {
            match self.file(target) {
                None => return at_once(1619),
                Some(Content::Installer { file, whole: true }) => {
                    let package = catalogue::by_file(&file).filter(|p| p.kind == Kind::Msi);
                    let row = self.state.software.iter();
                    let row =
                        package.and_then(|p| row.into_iter().find(|row| row.key == p.key).cloned());
                    (package, row)
                }
                Some(_) => return at_once(1620),
            }
        };
        if !named && package.is_none() {
            return at_once(1620);
        }
        if !asked.quiet {
            // A window that nobody sees.
            return Process::ENDLESS;
        }
        if self.state.busy.is_some_and(|(until, _)| until > self.now()) {
            return at_once(1618);
        }
        match (verb, package, row) {
            (Verb::Uninstall, _, Some(row)) => self.remove(&row, true),
            (Verb::Uninstall, _, None) => Process { exit: 1605, takes: 300 },
            (Verb::Install, Some(package), _) => self.install(package, true),
            // `/I {code}` of what is there and in no catalogue changes nothing.
            (Verb::Install, None, Some(_)) => Process { exit: 0, takes: 1_000 },
            (Verb::Install, None, None) => Process { exit: 1605, takes: 300 },
        }
    }

    /// Installs a package: what it does is due at its end.
    fn install(&mut self, package: &'static Package, msi: bool) -> Process {
        self.started(package.id, Verb::Install);
        let trouble = self.trouble(package.id);
        let mut takes = u64::from(package.seconds) * 1_000;
        let newer = self.state.software.iter().any(|row| {
            row.upgrade_code.as_deref()
                == Some(package.upgrade_code).filter(|code| !code.is_empty())
                && row.upgrade_code.is_some()
                && later(&row.version, package.version)
        });
        let mut exit = if package.reboot { 3010 } else { 0 };
        match trouble {
            Some(InstallTrouble::Fails(code)) => {
                return self.ends(package.id, code, takes / 2, msi);
            }
            Some(InstallTrouble::DoesNothing) => return self.ends(package.id, 0, takes, msi),
            Some(InstallTrouble::Hangs) => {
                if msi {
                    self.act(Effect::Busy(self.now() + milliseconds(u64::MAX), self.run));
                }
                return Process::ENDLESS;
            }
            Some(InstallTrouble::Takes(seconds)) => takes = u64::from(seconds) * 1_000,
            Some(InstallTrouble::WantsReboot) => exit = 3010,
            None => {}
        }
        if newer {
            let code = if msi { 1603 } else { 1638 };
            return self.ends(package.id, code, 4_000, msi);
        }
        if self.state.software.iter().any(|r| r.key == package.key && r.version == package.version)
        {
            // It is there already: looked over, and left.
            return self.ends(package.id, 0, takes / 3, msi);
        }
        let end = self.now() + milliseconds(takes);
        self.later(takes, Effect::Software(Box::new(package.row(end.date_naive()))));
        if exit == 3010 {
            self.later(takes, Effect::Pending(RebootCause::FileRenames));
        }
        self.ends(package.id, exit, takes, msi)
    }

    fn remove(&mut self, row: &Installed, msi: bool) -> Process {
        let package = catalogue::of_row(row);
        let id = package.map_or_else(|| row.key.to_string(), |package| package.id.to_owned());
        self.started(&id, Verb::Uninstall);
        let mut takes = package.map_or(15_000, |package| u64::from(package.seconds) * 600);
        match self.trouble(&format!("{id}/uninstall")) {
            Some(InstallTrouble::Fails(code)) => return self.ends(&id, code, takes / 2, msi),
            Some(InstallTrouble::DoesNothing) => return self.ends(&id, 0, takes, msi),
            Some(InstallTrouble::Hangs) => return Process::ENDLESS,
            Some(InstallTrouble::Takes(seconds)) => takes = u64::from(seconds) * 1_000,
            Some(InstallTrouble::WantsReboot) => {
                self.later(takes, Effect::NoSoftware(row.key.to_string()));
                self.later(takes, Effect::Pending(RebootCause::FileRenames));
                return self.ends(&id, 3010, takes, msi);
            }
            None => {}
        }
        self.later(takes, Effect::NoSoftware(row.key.to_string()));
        self.ends(&id, 0, takes, msi)
    }

    fn started(&mut self, package: &str, verb: Verb) {
        let (at, package) = (self.now(), package.to_owned());
        self.act(Effect::Started(InstallerRun { at, package, verb, exit: None }));
    }

    fn ends(&mut self, package: &str, exit: i64, takes: u64, msi: bool) -> Process {
        if msi {
            self.act(Effect::Busy(self.now() + milliseconds(takes), self.run));
            self.later(takes, Effect::Free);
        }
        self.later(takes, Effect::Ended(package.to_owned(), exit));
        Process { exit, takes }
    }

    /// Windows goes down soon; the script may end before.
    pub(crate) fn restart(&mut self, after: u64) {
        // Whoever asked may be ended: Windows goes on with it.
        self.restart_of(after, 0);
    }

    fn restart_of(&mut self, after: u64, pid: u32) {
        let at = self.now() + milliseconds(after.saturating_add(GRACE_MS));
        self.effects.push(Deed { at, effect: Effect::Down(REBOOT_MS), pid });
    }
}

/// What `msiexec` was asked for.
#[derive(Debug, Default)]
struct Msi {
    what: Option<(Verb, String)>,
    quiet: bool,
    no_restart: bool,
    log: Option<String>,
}

impl Msi {
    fn read(args: &[String]) -> Self {
        let mut asked = Self::default();
        let mut args = args.iter().map(|arg| arg.trim_matches('"')).peekable();
        while let Some(arg) = args.next() {
            let lower =
                arg.to_ascii_lowercase().replacen('-', "/", usize::from(arg.starts_with('-')));
            match lower.as_str() {
                "/i" | "/package" => asked.target(Verb::Install, args.next()),
                "/x" | "/uninstall" => asked.target(Verb::Uninstall, args.next()),
                "/qn" | "/q" | "/quiet" | "/qb" | "/qb!" | "/qb-" | "/passive" => {
                    asked.quiet = true
                }
                "/norestart" | "reboot=reallysuppress" | "reboot=r" => asked.no_restart = true,
                text if text.starts_with("/l") => asked.log = args.next().map(str::to_owned),
                // `/I{code}` and `/X{code}` as Windows writes them.
                text if text.starts_with("/x{") => asked.target(Verb::Uninstall, arg.get(2..)),
                text if text.starts_with("/i{") => asked.target(Verb::Install, arg.get(2..)),
                _ => {}
            }
        }
        asked
    }

    fn target(&mut self, verb: Verb, target: Option<&str>) {
        self.what =
            target.filter(|t| !t.is_empty()).map(|t| (verb, t.trim_matches('"').to_owned()));
    }
}

/// Whether a version is later than another, part by part.
pub(crate) fn later(one: &str, other: &str) -> bool {
    let parts = |text: &str| -> Vec<u64> {
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
    };
    parts(one) > parts(other)
}
