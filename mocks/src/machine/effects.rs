//! How an effect changes what a machine holds.

use chrono::{DateTime, Utc};

use super::catalogue;
use super::paths;
use crate::world::{
    Content, Effect, FileEntry, Installed, MachineState, RebootCause, RegKey, Service, UpdateState,
};

impl MachineState {
    /// Changes the state by one effect. What a reboot does to the machine itself is the agenda's.
    pub(crate) fn apply(&mut self, effect: &Effect, at: DateTime<Utc>) {
        match effect {
            Effect::Software(row) => self.installed(row),
            Effect::NoSoftware(key) => self.removed(key),
            Effect::File(file) => {
                self.files.insert(paths::key(&file.path), file.clone());
            }
            Effect::NoFile(path) => {
                let below = format!("{}\\", paths::key(path));
                let own = paths::key(path);
                self.files.retain(|at, _| *at != own && !at.starts_with(&below));
                self.access.retain(|at, _| *at != own && !at.starts_with(&below));
            }
            Effect::Append(path, more) => self.appended(path, more),
            Effect::Access(path, access) => {
                self.access.insert(paths::key(path), access.clone());
            }
            Effect::Task(task) => {
                self.tasks.insert(task.name.to_lowercase(), task.clone());
            }
            Effect::NoTask(name) => {
                self.tasks.remove(&name.to_lowercase());
            }
            Effect::Key(path) => {
                self.reg_key(path);
            }
            Effect::NoKey(path) => self.key_removed(path),
            Effect::Value(path, name, value) => {
                let values = &mut self.reg_key(path).values;
                values.retain(|(at, _)| !at.eq_ignore_ascii_case(name));
                values.push((name.clone(), value.clone()));
            }
            Effect::NoValue(path, name) => {
                if let Some(key) = self.registry.get_mut(&paths::key(path)) {
                    key.values.retain(|(at, _)| !at.eq_ignore_ascii_case(name));
                }
            }
            Effect::Service(service) => self.put_service(service.clone()),
            Effect::Pending(cause) => {
                if !self.pending.contains(cause) {
                    self.pending.push(*cause);
                }
            }
            Effect::Busy(until, run) => self.busy = Some((*until, *run)),
            Effect::Free => self.busy = None,
            Effect::Started(run) => self.installers.push(run.clone()),
            Effect::Ended(package, exit) => self.ended(package, *exit),
            Effect::Update(kb) => self.updated(*kb),
            Effect::Down(_) => self.busy = None,
            Effect::Up => self.up(at),
        }
    }

    fn appended(&mut self, path: &str, more: &[u8]) {
        let path = path.replace('/', "\\");
        let content = Content::Bytes(Vec::new());
        let made = || FileEntry { path: path.clone(), content };
        let file = self.files.entry(paths::key(&path)).or_insert_with(made);
        match &mut file.content {
            Content::Bytes(bytes) => bytes.extend_from_slice(more),
            Content::Text(text) => {
                let mut bytes = std::mem::take(text).into_bytes();
                bytes.extend_from_slice(more);
                file.content = Content::Bytes(bytes);
            }
            Content::Folder | Content::Installer { .. } => {}
        }
    }

    fn updated(&mut self, kb: u32) {
        let Some(update) = self.updates.iter_mut().find(|update| update.kb == kb) else { return };
        if update.fails {
            update.state = UpdateState::Failed;
            return;
        }
        update.state = UpdateState::Installed;
        if !self.pending.contains(&RebootCause::Updates) {
            self.pending.push(RebootCause::Updates);
        }
    }

    fn reg_key(&mut self, path: &str) -> &mut RegKey {
        let made = || RegKey { path: path.to_owned(), values: Vec::new() };
        self.registry.entry(paths::key(path)).or_insert_with(made)
    }

    fn installed(&mut self, row: &Installed) {
        let same = |other: &Installed| {
            other.key.eq_ignore_ascii_case(&row.key)
                || (other.upgrade_code.is_some() && other.upgrade_code == row.upgrade_code)
        };
        self.software.retain(|other| !same(other));
        self.software.push(row.clone());
        if let Some((name, display)) = catalogue::of_row(row).and_then(|package| package.service) {
            let (name, display) = (name.to_owned(), display.to_owned());
            let start = "Automatic".to_owned();
            self.put_service(Service { name, display, running: true, start });
        }
    }

    fn removed(&mut self, key: &str) {
        let is = |row: &Installed| row.key.eq_ignore_ascii_case(key);
        let services: Vec<_> = self
            .software
            .iter()
            .filter(|row| is(row))
            .filter_map(|row| row.service.clone())
            .collect();
        self.software.retain(|row| !is(row));
        self.services.retain(|service| !services.iter().any(|name| *name == service.name));
    }

    /// Deleting the row of a program from the registry hides it; the program stays.
    fn key_removed(&mut self, path: &str) {
        let key = paths::key(path);
        let below = format!("{key}\\");
        self.registry.retain(|at, _| *at != key && !at.starts_with(&below));
        self.software.retain(|row| paths::key(&super::registry::row_path(row)) != key);
    }

    fn put_service(&mut self, service: Service) {
        self.services.retain(|other| !other.name.eq_ignore_ascii_case(&service.name));
        self.services.push(service);
    }

    fn ended(&mut self, package: &str, exit: i64) {
        let mut runs = self.installers.iter_mut().rev();
        if let Some(run) = runs.find(|run| run.package == package && run.exit.is_none()) {
            run.exit = Some(exit);
        }
    }

    fn up(&mut self, at: DateTime<Utc>) {
        self.booted = at;
        self.reboots.push(at);
        self.busy = None;
        if self.clears {
            self.pending.clear();
        }
        for service in self.services.iter_mut().filter(|service| service.start == "Automatic") {
            service.running = true;
        }
    }

    /// What a path holds; folders that must be there are.
    pub(crate) fn file(&self, path: &str) -> Option<Content> {
        let key = paths::key(path);
        if let Some(file) = self.files.get(&key) {
            return Some(file.content.clone());
        }
        let below = format!("{key}\\");
        let program = |row: &&Installed| row.exe.as_ref().is_some_and(|exe| paths::key(exe) == key);
        let uninstaller = |row: &&Installed| {
            let program = row.uninstall.trim_start_matches('"').split('"').next();
            program.is_some_and(|program| paths::key(program) == key)
        };
        if let Some(row) = self.software.iter().find(|row| program(row) || uninstaller(row)) {
            return Some(Content::Text(format!("MZ {} {}", row.name, row.version)));
        }
        if paths::PROGRAMS.contains(&key.as_str()) {
            return Some(Content::Text("MZ".to_owned()));
        }
        let holds = |path: &str| paths::key(path).starts_with(&below);
        let folder = paths::FOLDERS.contains(&key.as_str())
            || self.files.keys().any(|at| at.starts_with(&below))
            || self.software.iter().filter_map(|row| row.exe.as_ref()).any(|exe| holds(exe));
        folder.then_some(Content::Folder)
    }

    /// The paths right in a folder, as they are spelt.
    pub(crate) fn children(&self, folder: &str) -> Vec<String> {
        let below = format!("{}\\", paths::key(folder));
        let programs = self.software.iter().filter_map(|row| row.exe.as_deref());
        let uninstallers = self.software.iter().filter_map(|row| {
            let path = row.uninstall.strip_prefix('"')?.split('"').next()?;
            Some(path)
        });
        let all = (self.files.values().map(|file| file.path.as_str()))
            .chain(programs)
            .chain(uninstallers)
            .chain(paths::FOLDERS_AS_SPELT.iter().copied());
        let mut found: Vec<String> = Vec::new();
        for path in all.filter(|path| paths::key(path).starts_with(&below)) {
            let Some(rest) = path.get(below.len()..) else { continue };
            let name = rest.split('\\').next().unwrap_or_default();
            let child = format!("{}\\{name}", folder.trim_end_matches('\\'));
            if !name.is_empty() && !found.iter().any(|other| other.eq_ignore_ascii_case(&child)) {
                found.push(child);
            }
        }
        found.sort();
        found
    }
}
