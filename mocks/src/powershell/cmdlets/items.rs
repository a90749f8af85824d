//! Items: files and folders, keys of the registry and their values.

use super::{Call, Cmdlet};
use crate::machine::{catalogue, paths, registry};
use crate::powershell::joint::Out;
use crate::powershell::run::{Outcome, Run, fail};
use crate::powershell::value::Value;
use crate::world::{Content, Effect, FileEntry, RegKey, RegValue};

pub(super) const TABLE: &[Cmdlet] = &[
    Cmdlet { names: &["Test-Path"], params: "Path! LiteralPath PathType -IsValid", act: test_path },
    Cmdlet { names: &["Get-Item", "gi"], params: "Path! LiteralPath -Force", act: get_item },
    Cmdlet {
        names: &["Get-ChildItem", "gci", "dir", "ls"],
        params: "Path! Filter! LiteralPath -Recurse -File -Directory -Force Include Depth -Name",
        act: children,
    },
    Cmdlet {
        names: &["New-Item", "ni", "mkdir", "md"],
        params: "Path! Name ItemType Type Value -Force",
        act: new_item,
    },
    Cmdlet {
        names: &["Remove-Item", "ri", "rm", "del", "rd"],
        params: "Path! LiteralPath -Recurse -Force",
        act: remove_item,
    },
    Cmdlet {
        names: &["Copy-Item", "copy", "cp", "Move-Item", "move", "mv", "Rename-Item"],
        params: "Path! Destination! LiteralPath NewName -Recurse -Force -PassThru",
        act: copy,
    },
];

pub(super) const PATH: &[&str] = &["Path", "LiteralPath"];

/// A value of the registry as PowerShell has it.
pub(super) fn value_of(value: &RegValue) -> Value {
    match value {
        RegValue::Number(number) => Value::Int(*number),
        RegValue::Text(text) => Value::text(text),
        RegValue::Many(texts) => Value::list(texts.iter().map(Value::text).collect()),
    }
}

pub(super) fn full_name(path: &str) -> String {
    let hives =
        [("HKLM", "HKEY_LOCAL_MACHINE"), ("HKCU", "HKEY_CURRENT_USER"), ("HKU", "HKEY_USERS")];
    let (hive, rest) = path.split_once('\\').unwrap_or((path, ""));
    let hive = hives.iter().find(|(short, _)| *short == hive).map_or(hive, |(_, long)| long);
    format!("{hive}\\{rest}").trim_end_matches('\\').to_owned()
}

fn ps_path(path: &str) -> String {
    format!("Microsoft.PowerShell.Core\\Registry::{}", full_name(path))
}

fn key_object(key: &RegKey) -> Value {
    let name = full_name(&key.path);
    let fields = vec![
        ("Name", Value::text(&name)),
        ("PSChildName", Value::text(paths::leaf(&key.path))),
        ("PSPath", Value::text(ps_path(&key.path))),
        ("Property", Value::list(key.values.iter().map(|(name, _)| Value::text(name)).collect())),
    ];
    Value::of("RegistryKey", fields)
}

pub(super) fn property_object(key: &RegKey) -> Value {
    let mut fields: Vec<(std::rc::Rc<str>, Value)> =
        key.values.iter().map(|(name, value)| (name.as_str().into(), value_of(value))).collect();
    fields.push(("PSPath".into(), Value::text(ps_path(&key.path))));
    fields.push(("PSChildName".into(), Value::text(paths::leaf(&key.path))));
    Value::object("PSCustomObject", fields)
}

impl Run<'_> {
    /// The files and folders that a path names, which may have stars in it.
    pub(super) fn files(&self, path: &str) -> Vec<String> {
        let path = path.trim().trim_matches('"').replace('/', "\\");
        if !path.contains(['*', '?']) {
            return self.sim.file(&path).map(|_| path).into_iter().collect();
        }
        let mut found = vec![String::new()];
        for part in path.split('\\').filter(|part| !part.is_empty()) {
            let mut next = Vec::new();
            for base in &found {
                if !part.contains(['*', '?']) {
                    next.push(if base.is_empty() {
                        part.to_owned()
                    } else {
                        format!("{base}\\{part}")
                    });
                    continue;
                }
                let children = self.sim.state.children(base);
                next.extend(
                    children.into_iter().filter(|child| paths::matches(part, paths::leaf(child))),
                );
            }
            found = next;
            found.truncate(10_000);
        }
        found.retain(|path| self.sim.file(path).is_some());
        found
    }

    pub(super) fn keys(&mut self, path: &str) -> Vec<RegKey> {
        registry::find(self.sim.registry(), path).into_iter().cloned().collect()
    }

    pub(in crate::powershell) fn file_object(&self, path: &str) -> Value {
        let content = self.sim.file(path);
        let name = paths::leaf(path);
        let mut fields = vec![
            ("Name", Value::text(name)),
            ("FullName", Value::text(path)),
            ("Directory", Value::text(paths::parent(path))),
            ("DirectoryName", Value::text(paths::parent(path))),
            (
                "Extension",
                Value::text(
                    name.rsplit_once('.').map_or(String::new(), |(_, end)| format!(".{end}")),
                ),
            ),
            ("BaseName", Value::text(name.rsplit_once('.').map_or(name, |(stem, _)| stem))),
            ("Exists", Value::Bool(content.is_some())),
            ("PSIsContainer", Value::Bool(content == Some(Content::Folder))),
        ];
        let Some(content) = content.filter(|content| *content != Content::Folder) else {
            let kind = if self.sim.file(path).is_some() { "DirectoryInfo" } else { "FileInfo" };
            return Value::of(kind, fields);
        };
        let size = match &content {
            Content::Installer { file, whole: true } => {
                catalogue::by_file(file).map_or(0, catalogue::Package::size)
            }
            other => super::bytes_in(other).len() as u64,
        };
        fields.push(("Length", Value::Int(i64::try_from(size).unwrap_or(i64::MAX))));
        let key = paths::key(path);
        let of_row = self
            .sim
            .state
            .software
            .iter()
            .find(|row| row.exe.as_ref().is_some_and(|exe| paths::key(exe) == key));
        let version = match (&content, of_row) {
            (_, Some(row)) => row.version.to_string(),
            (Content::Installer { file, .. }, None) => {
                catalogue::by_file(file).map_or(String::new(), |p| p.version.to_owned())
            }
            _ => String::new(),
        };
        let info = Value::of(
            "FileVersionInfo",
            vec![
                ("FileVersion", Value::text(&version)),
                ("ProductVersion", Value::text(&version)),
                ("FileName", Value::text(path)),
            ],
        );
        fields.push(("VersionInfo", info));
        Value::of("FileInfo", fields)
    }

    pub(super) fn not_there(&mut self, call: &Call, path: &str) -> Outcome<()> {
        let text = format!("Cannot find path '{path}' because it does not exist.");
        self.complain(&call.name, &text, call.action().as_deref())
    }
}

fn test_path(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    for path in call.paths(PATH) {
        let there = match paths::registry(&path) {
            Some(key) => !run.keys(&key).is_empty(),
            None if path.to_lowercase().starts_with("env:") => {
                run.environment(path.get(4..).unwrap_or_default()).is_some()
            }
            None if path.is_empty() => {
                return fail(
                    &call.name,
                    "Cannot bind argument to parameter 'Path' because it is an empty string.",
                );
            }
            None => {
                let wanted = call.text("PathType").unwrap_or_default().to_lowercase();
                run.files(&path).iter().any(|path| {
                    let folder = run.sim.file(path) == Some(Content::Folder);
                    match wanted.as_str() {
                        "leaf" => !folder,
                        "container" => folder,
                        _ => true,
                    }
                })
            }
        };
        out.push(Value::Bool(there));
    }
    Ok(())
}

fn get_item(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    for path in call.paths(PATH) {
        let before = out.len();
        match paths::registry(&path) {
            Some(key) => out.extend(run.keys(&key).iter().map(key_object)),
            None => {
                let found = run.files(&path);
                out.extend(found.iter().map(|path| run.file_object(path)));
            }
        }
        if out.len() == before && !path.contains('*') {
            run.not_there(call, &path)?;
        }
    }
    Ok(())
}

fn children(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let mut given = call.paths(PATH);
    if given.is_empty() {
        given.push(r"C:\Windows\System32".to_owned());
    }
    for path in given {
        if let Some(key) = paths::registry(&path) {
            let found = run.keys(&key);
            if found.is_empty() && !path.contains('*') {
                run.not_there(call, &path)?;
            }
            let starred = path.contains('*');
            for key in found {
                if starred {
                    out.push(key_object(&key));
                    continue;
                }
                let below = registry::below(run.sim.registry(), &key.path);
                out.extend(below.into_iter().map(key_object));
            }
            continue;
        }
        let mut found = if path.contains(['*', '?']) {
            run.files(&path)
        } else if run.sim.file(&path) == Some(Content::Folder) {
            run.sim.state.children(&path)
        } else {
            let found = run.files(&path);
            if found.is_empty() {
                run.not_there(call, &path)?;
            }
            found
        };
        if call.is("Recurse") {
            let mut at = 0;
            while at < found.len() && found.len() < 10_000 {
                run.step()?;
                found.extend(run.sim.state.children(&found[at].clone()));
                at += 1;
            }
        }
        let filter = call.text("Filter").or_else(|| call.text("Include"));
        for path in found {
            let folder = run.sim.file(&path) == Some(Content::Folder);
            let fits =
                filter.as_ref().is_none_or(|filter| paths::matches(filter, paths::leaf(&path)));
            if fits && !(call.is("File") && folder) && (folder || !call.is("Directory")) {
                out.push(run.file_object(&path));
            }
        }
    }
    Ok(())
}

fn new_item(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    for path in call.paths(PATH) {
        let path = match call.text("Name") {
            Some(name) => format!("{}\\{name}", path.trim_end_matches('\\')),
            None => path,
        };
        if let Some(key) = paths::registry(&path) {
            let there = !run.keys(&key).is_empty();
            if there && !call.is("Force") {
                let text = "A key in this path already exists.";
                run.complain(&call.name, text, call.action().as_deref())?;
                continue;
            }
            run.sim.act(Effect::Key(key.clone()));
            out.push(key_object(&RegKey { path: key, values: Vec::new() }));
            continue;
        }
        let kind =
            call.text("ItemType").or_else(|| call.text("Type")).unwrap_or_default().to_lowercase();
        let folder =
            kind.starts_with("dir") || matches!(call.name.to_lowercase().as_str(), "mkdir" | "md");
        if run.sim.file(&path).is_some() && !call.is("Force") {
            let text = format!("An item with the specified name {path} already exists.");
            run.complain(&call.name, &text, call.action().as_deref())?;
            continue;
        }
        if folder {
            run.make_folder(&path);
        } else {
            run.check_write(&path)?;
            let text = call.text("Value").unwrap_or_default();
            run.put_file(&path, Content::Text(text));
        }
        out.push(run.file_object(&path));
    }
    Ok(())
}

fn remove_item(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    for path in call.paths(PATH) {
        let (keys, files) = match paths::registry(&path) {
            Some(key) => (run.keys(&key), Vec::new()),
            None => (Vec::new(), run.files(&path)),
        };
        if keys.is_empty() && files.is_empty() && !path.contains('*') {
            run.not_there(call, &path)?;
        }
        for key in keys {
            run.sim.act(Effect::NoKey(key.path));
        }
        for file in files {
            if !run.sim.may_make(&file) {
                let text = format!("Access to the path '{file}' is denied.");
                run.complain(&call.name, &text, call.action().as_deref())?;
                continue;
            }
            run.sim.act(Effect::NoFile(file));
        }
    }
    Ok(())
}

fn copy(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let moves = !matches!(call.name.to_lowercase().as_str(), "copy-item" | "copy" | "cp");
    for path in call.paths(PATH) {
        let files = run.files(&path);
        if files.is_empty() {
            run.not_there(call, &path)?;
        }
        for from in files {
            let Some(content) = run.sim.file(&from) else { continue };
            let to = match call.text("NewName") {
                Some(name) => format!("{}\\{name}", paths::parent(&from)),
                None => call.text("Destination").unwrap_or_default(),
            };
            let folder = run.sim.file(&to) == Some(Content::Folder);
            let to = if folder {
                format!("{}\\{}", to.trim_end_matches('\\'), paths::leaf(&from))
            } else {
                to
            };
            if !run.sim.may_write(&to) || !run.sim.may_read(&from) {
                let text = format!("Access to the path '{to}' is denied.");
                run.complain(&call.name, &text, call.action().as_deref())?;
                continue;
            }
            run.sim.act(Effect::File(FileEntry { path: to, content }));
            if moves {
                run.sim.act(Effect::NoFile(from));
            }
        }
    }
    Ok(())
}
