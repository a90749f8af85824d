//! What .NET keeps a state in: streams, readers and writers, string builders, processes, clocks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::memory::Memory;
use super::run::{Outcome, Run, fail};
use super::value::{Object, Value};

/// A stream writer's own room, in bytes: what is in it is not in the file yet.
const BUFFER: usize = 4_096;

/// Something with a state.
#[derive(Debug)]
pub(super) enum Thing {
    Memory(RefCell<Memory>),
    File(RefCell<FileStream>),
    /// `BinaryReader` and `StreamReader`: the stream that they read.
    Reader(&'static str, Value),
    Writer(RefCell<Writer>),
    Builder(RefCell<String>),
    Process(Handle),
    /// `Stopwatch`: milliseconds that it showed when it was started last, and when that was, if it runs.
    Watch(Cell<(u64, Option<u64>)>),
    /// `Console.Out` and `Console.Error`.
    Console {
        error: bool,
    },
    /// `System.Random`.
    Dice(Cell<u64>),
}

/// `FileStream`: what was in the file when it was opened, and whether it is written back.
#[derive(Debug)]
pub(super) struct FileStream {
    path: String,
    memory: Memory,
    writes: bool,
    changed: bool,
    closed: bool,
}

/// `StreamWriter` on a file.
#[derive(Debug)]
pub(super) struct Writer {
    path: String,
    encoding: Rc<Object>,
    waiting: Vec<u8>,
    flushes: bool,
    closed: bool,
}

/// A process that was started.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) pid: u32,
    pub(super) name: String,
}

impl Thing {
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Memory(_) => "MemoryStream",
            Self::File(_) => "FileStream",
            Self::Reader(kind, _) => kind,
            Self::Writer(_) => "StreamWriter",
            Self::Builder(_) => "StringBuilder",
            Self::Process(_) => "Process",
            Self::Watch(_) => "Stopwatch",
            Self::Console { .. } => "TextWriter",
            Self::Dice(_) => "Random",
        }
    }

    pub(super) fn show(&self) -> String {
        match self {
            Self::Builder(text) => text.borrow().clone(),
            Self::Process(handle) => format!("System.Diagnostics.Process ({})", handle.name),
            Self::Memory(_) | Self::File(_) | Self::Reader(..) | Self::Writer(_) => {
                format!("System.IO.{}", self.type_name())
            }
            Self::Watch(_) => "System.Diagnostics.Stopwatch".to_owned(),
            Self::Console { .. } => "System.IO.TextWriter".to_owned(),
            Self::Dice(_) => "System.Random".to_owned(),
        }
    }

    /// A memory stream with bytes in it.
    pub(super) fn memory(bytes: Vec<u8>) -> Self {
        Self::Memory(RefCell::new(Memory { bytes, at: 0 }))
    }

    pub(super) fn builder(text: String) -> Self {
        Self::Builder(RefCell::new(text))
    }
}

/// Sets a property; whether there is one that can be set.
pub(super) fn set(thing: &Thing, name: &str, value: &Value) -> bool {
    let lower = name.to_lowercase();
    match (thing, lower.as_str()) {
        (Thing::Writer(writer), "autoflush") => {
            writer.borrow_mut().flushes = value.truth();
            true
        }
        (Thing::Memory(memory), "position") => {
            memory.borrow_mut().at =
                value.as_int().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            true
        }
        (Thing::File(file), "position") => {
            let at = value.as_int().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            file.borrow_mut().memory.at = at;
            true
        }
        (Thing::Builder(text), "length") => {
            let length = value.as_int().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            let kept: String = text.borrow().chars().take(length).collect();
            *text.borrow_mut() = kept;
            true
        }
        (Thing::Process(_), "enableraisingevents" | "priorityclass") => true,
        _ => false,
    }
}

impl Run<'_> {
    /// A property of a thing; nothing where there is none of that name.
    pub(super) fn thing_property(&mut self, thing: &Thing, name: &str) -> Outcome<Value> {
        Ok(match (thing, name) {
            (Thing::Memory(memory), _) => memory.borrow().property(name).unwrap_or(Value::Null),
            (Thing::File(file), "name") => Value::text(&file.borrow().path),
            (Thing::File(file), _) => file.borrow().memory.property(name).unwrap_or(Value::Null),
            (Thing::Reader(_, stream), "basestream") => stream.clone(),
            (Thing::Reader(_, stream), "endofstream") => {
                let at = self.member(stream, "position")?;
                let length = self.member(stream, "length")?;
                Value::Bool(at.as_int() >= length.as_int())
            }
            (Thing::Writer(writer), "autoflush") => Value::Bool(writer.borrow().flushes),
            (Thing::Builder(text), "length") => Value::count(text.borrow().chars().count()),
            (Thing::Process(handle), _) => self.process_property(handle, name),
            (Thing::Watch(watch), _) => {
                let (before, since) = watch.get();
                let shown = before + since.map_or(0, |since| self.sim.elapsed() - since);
                let shown = i64::try_from(shown).unwrap_or(i64::MAX);
                match name {
                    "elapsed" => super::convert::span(shown),
                    "elapsedmilliseconds" => Value::Int(shown),
                    "elapsedticks" => Value::Int(shown.saturating_mul(10_000)),
                    "isrunning" => Value::Bool(since.is_some()),
                    _ => Value::Null,
                }
            }
            _ => Value::Null,
        })
    }

    fn process_property(&self, handle: &Handle, name: &str) -> Value {
        let stem = handle.name.strip_suffix(".exe").unwrap_or(&handle.name);
        match name {
            "id" => Value::Int(i64::from(handle.pid)),
            "handle" => Value::Int(i64::from(handle.pid) + 1_000),
            "processname" | "name" => Value::text(stem),
            "hasexited" => Value::Bool(self.sim.exit_of(handle.pid).is_some()),
            "exitcode" => self.sim.exit_of(handle.pid).map_or(Value::Null, Value::Int),
            _ => Value::Null,
        }
    }

    /// A method of a thing; none where there is none of that name.
    pub(super) fn thing_method(
        &mut self,
        thing: &Thing,
        name: &str,
        given: &[Value],
    ) -> Outcome<Option<Value>> {
        match thing {
            Thing::Memory(memory) => match name {
                "toarray" | "getbuffer" => Ok(Some(Value::bytes(memory.borrow().bytes.clone()))),
                "dispose" | "close" | "flush" => Ok(Some(Value::Null)),
                _ => memory.borrow_mut().method(name, given),
            },
            Thing::File(file) => self.file_method(file, name, given),
            Thing::Reader(_, stream) => self.read_method(stream, name, given),
            Thing::Writer(writer) => self.write_method(writer, name, given),
            Thing::Builder(text) => built(text, name, given),
            Thing::Process(handle) => self.process_method(handle, name, given),
            Thing::Watch(watch) => {
                let (before, since) = watch.get();
                let now = self.sim.elapsed();
                let shown = before + since.map_or(0, |since| now - since);
                watch.set(match name {
                    "start" => (shown, Some(now)),
                    "stop" => (shown, None),
                    "reset" => (0, None),
                    "restart" => (0, Some(now)),
                    _ => return Ok(None),
                });
                Ok(Some(Value::Null))
            }
            Thing::Console { error } => {
                let text = given.first().map(Value::show).unwrap_or_default();
                match name {
                    "writeline" | "write" => {
                        let lines =
                            text.split('\n').map(|line| line.trim_end_matches('\r').to_owned());
                        self.prints(lines.collect(), *error);
                    }
                    "flush" => {}
                    _ => return Ok(None),
                }
                Ok(Some(Value::Null))
            }
            Thing::Dice(dice) => {
                let number = |at: usize| given.get(at).and_then(Value::as_int);
                let next = dice
                    .get()
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                dice.set(next);
                let (from, to) = match given.len() {
                    0 => (0, i64::from(i32::MAX)),
                    1 => (0, number(0).unwrap_or(1)),
                    _ => (number(0).unwrap_or(0), number(1).unwrap_or(1)),
                };
                let width = to.saturating_sub(from).max(1).unsigned_abs();
                let drawn = i64::try_from((next >> 33) % width).unwrap_or(0);
                Ok((name == "next").then(|| Value::Int(from + drawn)))
            }
        }
    }

    fn file_method(
        &mut self,
        file: &RefCell<FileStream>,
        name: &str,
        given: &[Value],
    ) -> Outcome<Option<Value>> {
        if file.borrow().closed {
            return fail(
                "",
                format!("Exception calling \"{name}\": \"Cannot access a closed file.\""),
            );
        }
        match name {
            "dispose" | "close" | "flush" => {
                let mut open = file.borrow_mut();
                if open.writes && open.changed {
                    let (path, bytes) = (open.path.clone(), open.memory.bytes.clone());
                    self.put_bytes(&path, bytes)?;
                    open.changed = false;
                }
                open.closed = name != "flush";
                Ok(Some(Value::Null))
            }
            "write" | "writebyte" | "setlength" => {
                let mut open = file.borrow_mut();
                if !open.writes {
                    return fail(
                        "",
                        "Exception calling \"Write\" with \"3\" argument(s): \"Stream does not support writing.\"",
                    );
                }
                open.changed = true;
                open.memory.method(name, given)
            }
            _ => file.borrow_mut().memory.method(name, given),
        }
    }

    /// A method of a reader: what it reads it takes from its stream.
    fn read_method(
        &mut self,
        stream: &Value,
        name: &str,
        given: &[Value],
    ) -> Outcome<Option<Value>> {
        let Value::Thing(thing) = stream else { return Ok(None) };
        if matches!(name, "dispose" | "close") {
            return self.thing_method(thing, "dispose", &[]);
        }
        let count = given.first().and_then(Value::as_int).and_then(|n| usize::try_from(n).ok());
        let take = |count: usize| match &**thing {
            Thing::Memory(memory) => memory.borrow_mut().read(count),
            Thing::File(file) => file.borrow_mut().memory.read(count),
            _ => Vec::new(),
        };
        Ok(Some(match name {
            "readbytes" => Value::bytes(take(count.unwrap_or(0))),
            "readbyte" => take(1).first().map_or(Value::Null, |byte| Value::Int(i64::from(*byte))),
            "readtoend" => Value::text(String::from_utf8_lossy(&take(usize::MAX))),
            "readline" => {
                let mut line = Vec::new();
                loop {
                    match take(1).first() {
                        None if line.is_empty() => return Ok(Some(Value::Null)),
                        None | Some(b'\n') => break,
                        Some(byte) => line.push(*byte),
                    }
                }
                Value::text(String::from_utf8_lossy(&line).trim_end_matches('\r'))
            }
            _ => return Ok(None),
        }))
    }

    fn write_method(
        &mut self,
        writer: &RefCell<Writer>,
        name: &str,
        given: &[Value],
    ) -> Outcome<Option<Value>> {
        let mut writer = writer.borrow_mut();
        let text = given.first().map(Value::show).unwrap_or_default();
        match name {
            "write" | "writeline" if writer.closed => {
                return fail(
                    "",
                    "Exception calling \"WriteLine\" with \"1\" argument(s): \"Cannot write to a closed TextWriter.\"",
                );
            }
            "write" | "writeline" => {
                let end = if name == "writeline" { "\r\n" } else { "" };
                let bytes = super::encodings::to_bytes(&writer.encoding, &format!("{text}{end}"));
                writer.waiting.extend(bytes);
                if !writer.flushes && writer.waiting.len() < BUFFER {
                    return Ok(Some(Value::Null));
                }
            }
            "flush" => {}
            "dispose" | "close" => writer.closed = true,
            _ => return Ok(None),
        }
        if !writer.waiting.is_empty() {
            let waiting = std::mem::take(&mut writer.waiting);
            self.sim.append(&writer.path, waiting);
        }
        Ok(Some(Value::Null))
    }

    fn process_method(
        &mut self,
        handle: &Handle,
        name: &str,
        given: &[Value],
    ) -> Outcome<Option<Value>> {
        match name {
            "waitforexit" => {
                let most = given.first().and_then(Value::as_int);
                // -1 is for ever.
                let most = most.and_then(|most| u64::try_from(most).ok());
                let ended = self.sim.wait(handle.pid, most)?;
                Ok(Some(if given.is_empty() { Value::Null } else { Value::Bool(ended) }))
            }
            "kill" => {
                if !self.sim.end(handle.pid, false) {
                    return fail(
                        "",
                        "Exception calling \"Kill\" with \"0\" argument(s): \"Cannot process request because the process has exited.\"",
                    );
                }
                Ok(Some(Value::Null))
            }
            "refresh" | "close" | "dispose" | "closemainwindow" => Ok(Some(Value::Null)),
            _ => Ok(None),
        }
    }

    /// `FileStream` with a path, a mode and an access.
    pub(super) fn open_file(&mut self, given: &[Value]) -> Outcome<Value> {
        let text = |at: usize| given.get(at).map(Value::show).unwrap_or_default();
        let (path, mode, access) = (text(0), text(1).to_lowercase(), text(2).to_lowercase());
        let there = self.readable(&path, "FileStream")?;
        let writes = access.contains("write") || (access.is_empty() && mode != "open");
        let bytes = match (mode.as_str(), there) {
            ("create" | "truncate", _) => Vec::new(),
            ("createnew", Some(_)) => {
                return fail(
                    "",
                    format!("Exception calling \".ctor\": \"The file '{path}' already exists.\""),
                );
            }
            (_, Some(bytes)) => bytes,
            ("open", None) => {
                return fail(
                    "",
                    format!(
                        "Exception calling \".ctor\" with \"{}\" argument(s): \"Could not find file '{path}'.\"",
                        given.len()
                    ),
                );
            }
            (_, None) => Vec::new(),
        };
        let changed = writes && matches!(mode.as_str(), "create" | "truncate" | "createnew");
        let at = if mode == "append" { bytes.len() } else { 0 };
        let memory = Memory { bytes, at };
        Ok(Value::thing(Thing::File(RefCell::new(FileStream {
            path,
            memory,
            writes,
            changed,
            closed: false,
        }))))
    }

    /// `StreamWriter` with a path: whether it appends, and how it encodes.
    pub(super) fn open_writer(&mut self, given: &[Value]) -> Outcome<Value> {
        let path = given.first().map(Value::show).unwrap_or_default();
        let appends = given.get(1).is_some_and(Value::truth);
        let encoding = match given.get(2) {
            Some(Value::Object(object)) => Rc::clone(object),
            _ => super::encodings::utf8(false),
        };
        if !appends || self.readable(&path, "StreamWriter")?.is_none() {
            self.put_bytes(&path, super::encodings::preamble(&encoding))?;
        }
        let waiting = Vec::new();
        let writer = Writer { path, encoding, waiting, flushes: false, closed: false };
        Ok(Value::thing(Thing::Writer(RefCell::new(writer))))
    }
}

/// A method of a string builder.
fn built(text: &RefCell<String>, name: &str, given: &[Value]) -> Outcome<Option<Value>> {
    let first = given.first().map(Value::show).unwrap_or_default();
    let mut text = text.borrow_mut();
    match name {
        "append" => text.push_str(&first),
        "appendline" => {
            text.push_str(&first);
            text.push_str("\r\n");
        }
        "clear" => text.clear(),
        "tostring" => return Ok(Some(Value::text(text.as_str()))),
        _ => return Ok(None),
    }
    if text.len() > super::run::LONGEST {
        return fail("", "Exception of type 'System.OutOfMemoryException' was thrown.");
    }
    Ok(Some(Value::Null))
}
