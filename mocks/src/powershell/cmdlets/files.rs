//! Files: their content, hashes, paths.

use super::{Call, Cmdlet};
use crate::machine::{catalogue, paths};
use crate::powershell::joint::Out;
use crate::powershell::run::{Outcome, Run, fail};
use crate::powershell::show::console;
use crate::powershell::value::Value;
use crate::world::{Content, Effect, FileEntry};

pub(super) const TABLE: &[Cmdlet] = &[
    Cmdlet {
        names: &["Get-Content", "gc", "cat", "type"],
        params: "Path! LiteralPath -Raw Encoding TotalCount Tail",
        act: get_content,
    },
    Cmdlet {
        names: &["Set-Content", "sc"],
        params: "Path! Value! LiteralPath Encoding -Force -NoNewline -PassThru",
        act: set_content,
    },
    Cmdlet {
        names: &["Add-Content", "ac"],
        params: "Path! Value! LiteralPath Encoding -Force",
        act: add_content,
    },
    Cmdlet {
        names: &["Out-File"],
        params: "FilePath! Encoding! -Append -Force InputObject LiteralPath Width -NoNewline",
        act: out_file,
    },
    Cmdlet { names: &["Get-FileHash"], params: "Path! LiteralPath Algorithm", act: file_hash },
    Cmdlet {
        names: &["Join-Path"],
        params: "Path! ChildPath! AdditionalChildPath",
        act: join_path,
    },
    Cmdlet {
        names: &["Split-Path"],
        params: "Path! -Parent -Leaf -LeafBase -Extension -Qualifier",
        act: split_path,
    },
    Cmdlet {
        names: &["Get-AuthenticodeSignature"],
        params: "FilePath! LiteralPath",
        act: signature,
    },
];

/// The path that a value stands for: its text, or the item that it is.
pub(super) fn path_of(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let path = object
                .get("FullName")
                .or_else(|| object.get("PSPath"))
                .or_else(|| object.get("Path"));
            path.map_or_else(|| value.show(), |path| path.show())
        }
        other => other.show(),
    }
}

/// What a file holds, as text.
pub(crate) fn text_of(content: &Content) -> String {
    String::from_utf8_lossy(&bytes_in(content)).into_owned()
}

/// What a file holds, as bytes.
pub(in crate::powershell) fn bytes_in(content: &Content) -> Vec<u8> {
    match content {
        Content::Folder => Vec::new(),
        Content::Text(text) => text.clone().into_bytes(),
        Content::Bytes(bytes) => bytes.clone(),
        Content::Installer { file, whole } => catalogue::bytes(file, *whole),
    }
}

impl Run<'_> {
    pub(in crate::powershell) fn put_file(&mut self, path: &str, content: Content) {
        let path = path.replace('/', "\\");
        self.sim.act(Effect::File(FileEntry { path, content }));
    }

    pub(in crate::powershell) fn make_folder(&mut self, path: &str) {
        if self.sim.file(path).is_none() {
            self.put_file(path, Content::Folder);
        }
    }

    pub(in crate::powershell) fn write_lines(
        &mut self,
        path: &str,
        lines: &[String],
        append: bool,
    ) -> Outcome<()> {
        let mut text = match self.sim.file(path) {
            Some(content) if append => text_of(&content),
            _ => String::new(),
        };
        for line in lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        self.write(path, text)
    }

    fn write(&mut self, path: &str, text: String) -> Outcome<()> {
        self.check_write(path)?;
        if text.len() > crate::powershell::run::LONGEST {
            return fail("", "There is not enough space on the disk.");
        }
        self.put_file(path, Content::Text(text));
        Ok(())
    }
}

fn get_content(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    for path in call.paths(&["Path", "LiteralPath"]) {
        match run.sim.file(&path) {
            Some(content) if content == Content::Folder || !run.sim.may_read(&path) => {
                let text = format!("Access to the path '{path}' is denied.");
                run.complain(&call.name, &text, call.action().as_deref())?;
            }
            Some(content) => {
                let text = text_of(&content);
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
                if call.is("Raw") {
                    out.push(Value::text(text));
                    continue;
                }
                let mut lines: Vec<&str> = text.lines().collect();
                let number = |name: &str| call.int(name).and_then(|n| usize::try_from(n).ok());
                if let Some(first) = number("TotalCount") {
                    lines.truncate(first);
                }
                if let Some(last) = number("Tail") {
                    lines.drain(..lines.len().saturating_sub(last));
                }
                out.extend(lines.into_iter().map(Value::text));
            }
            None => {
                let text = format!("Cannot find path '{path}' because it does not exist.");
                run.complain(&call.name, &text, call.action().as_deref())?;
            }
        }
    }
    Ok(())
}

fn lines_of(call: &Call) -> Vec<String> {
    let values = match call.get("Value") {
        Some(value) => value.items(),
        None => call.input.clone().unwrap_or_default(),
    };
    values.iter().map(Value::show).collect()
}

fn target(call: &Call) -> String {
    call.get("Path")
        .or_else(|| call.get("LiteralPath"))
        .or_else(|| call.get("FilePath"))
        .map(path_of)
        .unwrap_or_default()
}

fn set_content(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let (path, lines) = (target(call), lines_of(call));
    if call.is("NoNewline") {
        return run.write(&path, lines.concat());
    }
    run.write_lines(&path, &lines, false)
}

fn add_content(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    run.write_lines(&target(call), &lines_of(call), true)
}

fn out_file(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let lines = console(&call.values("InputObject"));
    run.write_lines(&target(call), &lines, call.is("Append"))
}

fn file_hash(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    use sha1::Digest as _;
    let algorithm = call.text("Algorithm").unwrap_or_else(|| "SHA256".to_owned()).to_uppercase();
    for path in call.paths(&["Path", "LiteralPath"]) {
        let Some(content) = run.sim.file(&path).filter(|content| *content != Content::Folder)
        else {
            let text = format!("Cannot find path '{path}' because it does not exist.");
            run.complain(&call.name, &text, call.action().as_deref())?;
            continue;
        };
        let bytes = bytes_in(&content);
        let hash = match algorithm.as_str() {
            "SHA256" => catalogue::sha256(&bytes),
            "SHA1" => sha1::Sha1::digest(&bytes).iter().map(|byte| format!("{byte:02X}")).collect(),
            other => {
                return fail(
                    &call.name,
                    format!("Cannot validate argument on parameter 'Algorithm': {other}."),
                );
            }
        };
        let fields = vec![
            ("Algorithm", Value::text(&algorithm)),
            ("Hash", Value::text(hash)),
            ("Path", Value::text(path)),
        ];
        out.push(Value::of("FileHashInfo", fields));
    }
    Ok(())
}

fn join_path(_: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let child = call.text("ChildPath").unwrap_or_default();
    for path in call.values("Path") {
        let joined = format!(
            "{}\\{}",
            path_of(&path).trim_end_matches(['\\', '/']),
            child.trim_start_matches(['\\', '/'])
        );
        out.push(Value::text(joined));
    }
    Ok(())
}

fn split_path(_: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    for path in call.paths(&["Path"]) {
        let leaf = paths::leaf(&path);
        out.push(Value::text(if call.is("Leaf") {
            leaf
        } else if call.is("LeafBase") {
            leaf.rsplit_once('.').map_or(leaf, |(stem, _)| stem)
        } else if call.is("Qualifier") {
            path.get(..2).unwrap_or_default()
        } else {
            paths::parent(&path)
        }));
    }
    Ok(())
}

/// Installers of the source are signed by their publisher; what came in their place is not.
fn signature(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    for path in call.paths(&["FilePath", "LiteralPath"]) {
        let (status, subject) = match run.sim.file(&path) {
            Some(Content::Installer { file, whole: true }) => {
                let publisher = catalogue::by_file(&file).map_or("", |package| package.publisher);
                ("Valid", format!("CN={publisher}, O={publisher}"))
            }
            Some(_) => ("NotSigned", String::new()),
            None => return fail(&call.name, format!("File {path} was not found.")),
        };
        let certificate = Value::of("X509Certificate2", vec![("Subject", Value::text(subject))]);
        let fields = vec![
            ("SignerCertificate", certificate),
            ("Status", Value::text(status)),
            ("Path", Value::text(path)),
        ];
        out.push(Value::of("Signature", fields));
    }
    Ok(())
}
