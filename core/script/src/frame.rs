//! What comes back: lines that carry the nonce, out of whatever a vendor made of the output.
//!
//! `lp:NONCE:begin`, then `lp:NONCE:0:…:`, `lp:NONCE:1:…:` with base64, then `lp:NONCE:end:COUNT:SHA-256`. Nothing that
//! the script printed stands between them as it is, so nothing it prints can end or forge them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

use crate::Nonce;

/// How a run went, as far as its answer says.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It ran to an end.
    Finished(Finished),
    /// It was ended after its time; this is what there was until then.
    TimedOut {
        /// Seconds that it had.
        after_s: u32,
        /// What it printed. There is no exit code and no value.
        until_then: Finished,
    },
    /// A script of the context *user*, and nobody is logged on. It did not run: [`core_model::library::NobodyLoggedOn`]
    /// says what becomes of it.
    NobodyLoggedOn,
    /// It did not run: nothing was changed.
    NotRun(NotRun),
    /// It began, and its end is not there: it runs still, or was killed. It may have changed something.
    NotFinished,
    /// The machine lost it while it was started or read; the machine's words. It may have changed something.
    Lost(String),
    /// It ran, and the end of its answer was cut off.
    Truncated {
        /// The line of the answer at which it ends, from 1.
        line: usize,
        /// How many lines of its own are there.
        pieces: usize,
    },
    /// It ran, and its answer was changed on the way.
    Garbled {
        /// The line of the answer, from 1.
        line: usize,
        /// What is wrong there.
        why: &'static str,
    },
    /// Nothing of this run is in the answer.
    NotStarted,
}

/// Why a script did not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRun {
    /// What was staged is not whole, or not there any more: it is to be staged anew.
    Unstaged,
    /// The machine could not get its secrets; its words.
    Secrets(String),
    /// The machine could not make the folder or write to it; its words.
    Machine(String),
}

/// What came of a script.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finished {
    /// Its exit code: what it said with `exit`, else that of the last program that it started, 0 without either
    /// and 1 for an error that nothing caught. None where it could not be had.
    pub exit: Option<i64>,
    /// Its last output.
    pub value: LastValue,
    /// What it printed.
    pub output: Kept,
    /// PowerShell: its error records, also of errors that it caught. Else: standard error.
    pub errors: Kept,
    /// PowerShell: what programs wrote to standard error, and error records as they look on a console.
    pub stderr: Kept,
    /// The process ended without the script's end: it was killed, or ended itself past PowerShell.
    pub left_early: bool,
    /// A folder that could not be removed.
    pub remains: Option<String>,
}

impl Finished {
    /// What an audit is told (S6): true or false, and nothing else counts: no text, no 0, no silence.
    #[must_use]
    pub fn verdict(&self) -> Option<bool> {
        match self.value {
            LastValue::Boolean(truth) => Some(truth),
            _ => None,
        }
    }
}

/// The last thing that a script put out.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LastValue {
    /// It put out nothing, or ended with an error.
    #[default]
    None,
    /// `$null`.
    Null,
    /// True or false.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// A text, blank ones too.
    Text(String),
    /// An object or a list.
    Json(Value),
    /// It is longer than what comes back; so many bytes.
    TooLong(u64),
}

impl LastValue {
    /// Of a language that knows lines only: its last line that is not blank, read as JSON, and as a text where it is
    /// none. `true` is true, `"true"` and `True` are texts.
    #[must_use]
    pub fn of_lines(output: &str) -> Self {
        let Some(line) = output.lines().rev().map(str::trim).find(|line| !line.is_empty()) else {
            return LastValue::None;
        };
        match serde_json::from_str(line) {
            Ok(Value::Null) => LastValue::Null,
            Ok(Value::Bool(truth)) => LastValue::Boolean(truth),
            Ok(Value::Number(number)) => LastValue::Number(number),
            Ok(value @ (Value::Object(_) | Value::Array(_))) => LastValue::Json(value),
            Ok(Value::String(_)) | Err(_) => LastValue::Text(line.to_owned()),
        }
    }
}

/// A text of which the middle may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its beginning; all of it, where nothing was left out.
    pub head: String,
    /// Its end.
    pub tail: String,
    /// Bytes left out between them.
    pub left_out: u64,
}

impl Kept {
    /// For people: with a line that says how much is missing.
    #[must_use]
    pub fn text(&self) -> String {
        match self.left_out {
            0 => self.head.clone(),
            bytes => format!("{}\n[{bytes} bytes left out]\n{}", self.head, self.tail),
        }
    }
}

/// Which parts were stored, by the answer to one or more of a delivery's commands.
#[must_use]
pub fn parts_stored(answer: &str, nonce: Nonce) -> Vec<usize> {
    let stored = records(answer, nonce).filter_map(|(_, text)| {
        let (number, _) = text.strip_prefix("part:")?.split_once(':')?;
        number.parse().ok()
    });
    let mut stored: Vec<usize> = stored.collect();
    stored.sort_unstable();
    stored.dedup();
    stored
}

/// Reads the answer to a delivery's `run`, whatever stands before, after and between.
#[must_use]
pub fn read(answer: &str, nonce: Nonce) -> Answer {
    let mut begun = false;
    let mut pieces: Vec<&str> = Vec::new();
    let mut last_line = 0;
    for (line, record) in records(answer, nonce) {
        last_line = line;
        if record.starts_with("unstaged:") {
            return Answer::NotRun(NotRun::Unstaged);
        } else if record.starts_with("begin") {
            begun = true;
            pieces.clear();
        } else if let Some(end) = record.strip_prefix("end:") {
            match finished(&pieces, end) {
                // The line of the end itself was cut.
                Err(None) => return Answer::Truncated { line, pieces: pieces.len() },
                Err(Some(why)) => return Answer::Garbled { line, why },
                Ok(answer) => return answer,
            }
        } else if let Some((number, rest)) = record.split_once(':') {
            let Ok(number) = number.parse::<usize>() else { continue };
            let Some((data, _)) = rest.split_once(':') else {
                // Cut off, or broken; what follows tells.
                continue;
            };
            match pieces.get(number) {
                Some(known) if *known == data => {}
                Some(_) => {
                    return Answer::Garbled { line, why: "a line is there twice, and differs" };
                }
                None if number == pieces.len() => pieces.push(data),
                None => return Answer::Garbled { line, why: "a line before this one is missing" },
            }
            begun = true;
        }
    }
    match (begun, pieces.len()) {
        (false, _) => Answer::NotStarted,
        (true, 0) => Answer::NotFinished,
        (true, pieces) => Answer::Truncated { line: last_line, pieces },
    }
}

/// What follows each marker, with the number of its line.
fn records(answer: &str, nonce: Nonce) -> impl Iterator<Item = (usize, &str)> {
    let marker = format!("lp:{nonce}:");
    let starts: Vec<usize> = answer.match_indices(&marker).map(|(at, _)| at).collect();
    let length = marker.len();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([answer.len()]).collect();
    let (mut line, mut counted) = (1, 0);
    starts.into_iter().zip(ends).map(move |(start, end)| {
        line += answer[counted..start].matches('\n').count();
        counted = start;
        (line, &answer[start + length..end])
    })
}

/// Of all pieces and what the line of the end says. `Err(None)`: that line is cut.
fn finished(pieces: &[&str], end: &str) -> Result<Answer, Option<&'static str>> {
    let (count, rest) = end.split_once(':').ok_or(None)?;
    let digest = rest.get(..64).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
    let digest = digest.ok_or(None)?;
    if count.parse() != Ok(pieces.len()) {
        return Err(Some("lines before the end are missing"));
    }
    let bytes =
        STANDARD.decode(pieces.concat()).map_err(|_| "a line before the end is no base64")?;
    let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if !found.eq_ignore_ascii_case(digest) {
        return Err(Some("a line before the end differs from what the machine sent"));
    }
    let fields = fields(&bytes).ok_or("it is whole, and not of this version of the hub")?;
    Ok(answer(&fields))
}

type Fields<'a> = BTreeMap<&'a str, &'a [u8]>;

/// `name length`, a line end, so many bytes, a line end; and so on.
fn fields(mut bytes: &[u8]) -> Option<Fields<'_>> {
    let mut fields = Fields::new();
    while !bytes.is_empty() {
        let line_end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (name, length) = std::str::from_utf8(&bytes[..line_end]).ok()?.split_once(' ')?;
        let rest = &bytes[line_end + 1..];
        let length: usize = length.parse().ok()?;
        let value = rest.get(..length)?;
        if rest.get(length) != Some(&b'\n') {
            return None;
        }
        fields.insert(name, value);
        bytes = &rest[length + 1..];
    }
    Some(fields)
}

fn answer(fields: &Fields<'_>) -> Answer {
    let word = |name: &str| fields.get(name).map(|value| String::from_utf8_lossy(value));
    if let Some(why) = word("failed") {
        if let Some(why) = why.strip_prefix("secrets ") {
            return Answer::NotRun(NotRun::Secrets(why.to_owned()));
        }
        // Only before the start nothing can have run.
        return match why.starts_with("folder ") {
            true => Answer::NotRun(NotRun::Machine(why.into_owned())),
            false => Answer::Lost(why.into_owned()),
        };
    }
    if fields.contains_key("nobody") {
        return Answer::NobodyLoggedOn;
    }
    // A shell writes it as it is; on Windows it is a file that is read like the others, with its beginning and end.
    let status = word("status").or_else(|| word("status.head")).unwrap_or_default();
    if let Some(why) = status.strip_prefix("secrets ") {
        return Answer::NotRun(NotRun::Secrets(why.to_owned()));
    }
    let mut run = Finished {
        output: kept(fields, "out"),
        errors: kept(fields, "err"),
        stderr: kept(fields, "stderr"),
        remains: word("remains").map(std::borrow::Cow::into_owned),
        ..Finished::default()
    };
    if let Some(after) = word("timeout") {
        return Answer::TimedOut { after_s: after.parse().unwrap_or_default(), until_then: run };
    }
    let of_status = |key: &str| status.lines().find_map(|line| line.strip_prefix(key));
    match of_status("exit ") {
        Some(exit) => {
            run.exit = exit.trim().parse().ok();
            run.value = value(fields, of_status("kind ").unwrap_or_default().trim(), &run.output);
        }
        None => {
            run.left_early = true;
            run.exit = word("process").and_then(|code| code.trim().parse().ok());
            if run.output == Kept::default() {
                run.output = kept(fields, "raw");
            }
        }
    }
    Answer::Finished(run)
}

fn value(fields: &Fields<'_>, kind: &str, output: &Kept) -> LastValue {
    if kind == "line" {
        // Where its beginning was left out, the last line is no value.
        let end = if output.left_out == 0 { &output.head } else { &output.tail };
        let line = end.trim_end();
        return match output.left_out {
            0 => LastValue::of_lines(end),
            left if !line.contains('\n') => LastValue::TooLong(left + line.len() as u64),
            _ => LastValue::of_lines(line),
        };
    }
    let bytes = fields.get("value.head").copied().unwrap_or_default();
    if let Some(left) = fields.get("value.left") {
        let left: u64 = String::from_utf8_lossy(left).trim().parse().unwrap_or_default();
        return LastValue::TooLong(left + bytes.len() as u64);
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    match kind {
        "null" => LastValue::Null,
        "boolean" => LastValue::Boolean(text.trim() == "true"),
        "number" => serde_json::from_str(&text).map_or(LastValue::Text(text), LastValue::Number),
        "text" => LastValue::Text(text),
        "json" => serde_json::from_str(&text).map_or(LastValue::Text(text), LastValue::Json),
        _ => LastValue::None,
    }
}

/// A character that was cut at an edge is dropped; what is no UTF-8 otherwise becomes U+FFFD. Lines end as
/// everywhere in the hub.
fn kept(fields: &Fields<'_>, name: &str) -> Kept {
    let of = |part: &str| fields.get(format!("{name}.{part}").as_str()).copied();
    let left_out = of("left").map(String::from_utf8_lossy);
    let mut left_out: u64 = left_out.and_then(|text| text.trim().parse().ok()).unwrap_or_default();
    let (mut head, mut tail) = (of("head").unwrap_or_default(), of("tail").unwrap_or_default());
    if left_out > 0 {
        let whole = head.utf8_chunks().last().map_or(0, |last| match last.invalid().len() {
            // Only what ends the head can have been cut.
            cut if head.ends_with(last.invalid()) => cut,
            _ => 0,
        });
        head = &head[..head.len() - whole];
        let from = tail.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
        tail = &tail[from..];
        left_out += (whole + from) as u64;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    Kept { head: text(head), tail: text(tail), left_out }
}

#[cfg(test)]
mod tests;
