//! `System.IO.File` and `System.IO.Directory` on the machine's own disk.

use super::cmdlets::bytes_in;
use super::encodings::{decoded, preamble, to_bytes, utf8};
use super::members::bytes_of;
use super::run::{LONGEST, Outcome, Run, fail};
use super::value::Value;
use crate::machine::paths;
use crate::world::{Content, Effect, FileEntry};

/// `FileAttributes`.
const DIRECTORY: i64 = 16;
const ARCHIVE: i64 = 32;

impl Run<'_> {
    /// What a file holds, where it is there and whoever asks may read it.
    pub(super) fn readable(&mut self, path: &str, by: &str) -> Outcome<Option<Vec<u8>>> {
        let denied = || {
            let text =
                format!("Exception calling \"{by}\": \"Access to the path '{path}' is denied.\"");
            fail("", text)
        };
        match self.sim.file(path) {
            Some(Content::Folder) => denied(),
            Some(_) if !self.sim.may_read(path) => denied(),
            Some(content) => Ok(Some(bytes_in(&content))),
            None => Ok(None),
        }
    }

    /// Writes a file whole: its folder must be there, and whoever writes must be allowed to.
    pub(super) fn put_bytes(&mut self, path: &str, bytes: Vec<u8>) -> Outcome<()> {
        self.check_write(path)?;
        if bytes.len() > LONGEST * 4 {
            return fail("", "There is not enough space on the disk.");
        }
        let path = path.replace('/', "\\");
        self.sim.act(Effect::File(FileEntry { path, content: Content::Bytes(bytes) }));
        Ok(())
    }

    /// Whether a file may be written; the error of Windows where it may not.
    pub(super) fn check_write(&mut self, path: &str) -> Outcome<()> {
        let folder = paths::parent(path);
        if !folder.is_empty() && self.sim.file(folder) != Some(Content::Folder) {
            return fail("", format!("Could not find a part of the path '{path}'."));
        }
        if self.sim.file(path) == Some(Content::Folder) || !self.sim.may_write(path) {
            return fail("", format!("Access to the path '{path}' is denied."));
        }
        Ok(())
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each method")]
pub(super) fn file(
    run: &mut Run<'_>,
    name: &str,
    first: &str,
    given: &[Value],
) -> Outcome<Option<Value>> {
    let missing = || {
        let text = format!(
            "Exception calling \"{name}\" with \"{}\" argument(s): \"Could not find file '{first}'.\"",
            given.len()
        );
        fail("", text)
    };
    let encoding = given.iter().rev().find_map(|value| match value {
        Value::Object(object) if object.kind == "Encoding" => Some(std::rc::Rc::clone(object)),
        _ => None,
    });
    let encoding = encoding.unwrap_or_else(|| utf8(false));
    let second = given.get(1).cloned().unwrap_or(Value::Null);
    Ok(Some(match name {
        "exists" => {
            let there = run.sim.file(first);
            Value::Bool(there.is_some_and(|content| content != Content::Folder))
        }
        "readalltext" | "readallbytes" | "readalllines" => {
            let Some(bytes) = run.readable(first, name)? else { return missing() };
            match name {
                "readallbytes" => Value::bytes(bytes),
                "readalltext" => {
                    let text = decoded(&encoding, &bytes).show();
                    Value::text(text.strip_prefix('\u{feff}').unwrap_or(&text))
                }
                _ => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    Value::list(text.lines().map(Value::text).collect())
                }
            }
        }
        "writealltext" | "writeallbytes" | "writealllines" => {
            let mut bytes = preamble(&encoding);
            match name {
                "writeallbytes" => bytes = bytes_of(given.get(1)),
                "writealltext" => bytes.extend(to_bytes(&encoding, &second.show())),
                _ => {
                    for line in second.items() {
                        bytes.extend(to_bytes(&encoding, &format!("{}\r\n", line.show())));
                    }
                }
            }
            run.put_bytes(first, bytes)?;
            Value::Null
        }
        "appendalltext" => {
            run.check_write(first)?;
            run.sim.append(first, to_bytes(&encoding, &second.show()));
            Value::Null
        }
        "getattributes" => match run.sim.file(first) {
            Some(Content::Folder) => Value::Int(DIRECTORY),
            Some(_) => Value::Int(ARCHIVE),
            None => return missing(),
        },
        "delete" => {
            if run.sim.file(first).is_some() {
                run.check_write(first)?;
                run.sim.act(Effect::NoFile(first.to_owned()));
            }
            Value::Null
        }
        "copy" | "move" => {
            let Some(content) = run.sim.file(first) else { return missing() };
            let to = second.show();
            run.check_write(&to)?;
            run.sim.act(Effect::File(FileEntry { path: to, content }));
            if name == "move" {
                run.sim.act(Effect::NoFile(first.to_owned()));
            }
            Value::Null
        }
        "openread" => {
            run.open_file(&[Value::text(first), Value::text("Open"), Value::text("Read")])?
        }
        "openwrite" | "create" => {
            run.open_file(&[Value::text(first), Value::text("Create"), Value::text("Write")])?
        }
        "opentext" => {
            let stream =
                run.open_file(&[Value::text(first), Value::text("Open"), Value::text("Read")])?;
            Value::thing(super::things::Thing::Reader("StreamReader", stream))
        }
        _ => return Ok(None),
    }))
}

pub(super) fn directory(
    run: &mut Run<'_>,
    name: &str,
    first: &str,
    given: &[Value],
) -> Outcome<Option<Value>> {
    Ok(Some(match name {
        "exists" => Value::Bool(run.sim.file(first) == Some(Content::Folder)),
        "createdirectory" => {
            create(run, first, given.get(1))?;
            run.file_object(first)
        }
        "delete" => {
            if run.sim.file(first) != Some(Content::Folder) {
                return fail("", format!("Could not find a part of the path '{first}'."));
            }
            let filled = !run.sim.state.children(first).is_empty();
            if filled && !given.get(1).is_some_and(Value::truth) {
                return fail(
                    "",
                    "Exception calling \"Delete\" with \"1\" argument(s): \"The directory is not empty.\"",
                );
            }
            run.sim.act(Effect::NoFile(first.to_owned()));
            Value::Null
        }
        "getfiles" | "getdirectories" => {
            let wanted = name == "getdirectories";
            let mut found = run.sim.state.children(first);
            found.retain(|path| (run.sim.file(path) == Some(Content::Folder)) == wanted);
            Value::list(found.into_iter().map(Value::text).collect())
        }
        _ => return Ok(None),
    }))
}

/// Makes a folder and those above it. What one that is there may be done with stays as it is.
fn create(run: &mut Run<'_>, path: &str, security: Option<&Value>) -> Outcome<()> {
    if let Some(content) = run.sim.file(path) {
        return match content {
            Content::Folder => Ok(()),
            _ => fail(
                "",
                format!(
                    "Cannot create '{path}' because a file or directory with the same name already exists."
                ),
            ),
        };
    }
    if !run.sim.may_make(path) {
        return fail("", format!("Access to the path '{path}' is denied."));
    }
    let path = path.replace('/', "\\");
    let path = path.trim_end_matches('\\');
    let mut missing = vec![path];
    while let Some(last) = missing.last() {
        let above = paths::parent(last);
        if above.is_empty() || run.sim.file(above).is_some() {
            break;
        }
        missing.push(above);
    }
    for one in missing.into_iter().rev() {
        let content = Content::Folder;
        run.sim.act(Effect::File(FileEntry { path: one.to_owned(), content }));
    }
    if let Some(Value::Object(security)) = security {
        run.sim.act(Effect::Access(path.to_owned(), super::objects::rules_of(security)));
    }
    Ok(())
}
