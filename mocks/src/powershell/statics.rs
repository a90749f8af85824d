//! Static members of .NET's types, and dates.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{
    DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, SecondsFormat, Timelike, Utc,
};

use super::members::bytes_of;
use super::run::{Outcome, Run, fail};
use super::value::{Object, Value};
use crate::machine::paths;
use crate::world::Content;

pub(super) fn property(run: &mut Run<'_>, kind: &str, name: &str) -> Outcome<Value> {
    Ok(match (short(kind), name) {
        ("datetime", "now" | "utcnow") => Value::Date(run.sim.now()),
        ("datetime", "today") => {
            let midnight = run.sim.now().date_naive().and_hms_opt(0, 0, 0);
            midnight.map_or(Value::Null, |at| Value::Date(at.and_utc()))
        }
        ("encoding", "utf8" | "ascii" | "unicode" | "default") => {
            Value::of("Encoding", vec![("Name", Value::text(name))])
        }
        ("environment", "machinename") => Value::text(&run.sim.facts.host),
        ("environment", "newline") => Value::text("\r\n"),
        ("environment", "is64bitoperatingsystem" | "is64bitprocess") => Value::Bool(true),
        ("environment", "username") => Value::text("SYSTEM"),
        ("string", "empty") => Value::text(""),
        ("int" | "int32", "maxvalue") => Value::Int(i64::from(i32::MAX)),
        ("securityprotocoltype", _) => Value::text(name),
        ("servicepointmanager", _) => Value::text("Tls12"),
        ("console", _) => Value::Null,
        (_, "name" | "fullname") => Value::text(kind),
        _ if KNOWN.contains(&short(kind)) => Value::Null,
        _ => return fail("", format!("Unable to find type [{kind}].")),
    })
}

const KNOWN: &[&str] = &[
    "string",
    "int",
    "int32",
    "long",
    "double",
    "bool",
    "version",
    "datetime",
    "math",
    "convert",
    "encoding",
    "file",
    "path",
    "directory",
    "environment",
    "guid",
    "regex",
    "console",
    "array",
];

fn short(kind: &str) -> &str {
    kind.rsplit('.').next().unwrap_or(kind)
}

#[expect(clippy::too_many_lines, reason = "one arm for each member")]
pub(super) fn call(
    run: &mut Run<'_>,
    kind: &str,
    name: &str,
    given: &[Value],
) -> Outcome<Option<Value>> {
    let first = given.first().map(Value::show).unwrap_or_default();
    let second = given.get(1).map(Value::show).unwrap_or_default();
    Ok(Some(match (short(kind), name) {
        ("convert", "frombase64string") => match STANDARD.decode(first.trim()) {
            Ok(bytes) if bytes.len() <= 1 << 17 => Value::bytes(&bytes),
            _ => {
                return fail(
                    "",
                    "Exception calling \"FromBase64String\" with \"1\" argument(s): \"The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding characters, or an illegal character among the padding characters. \"",
                );
            }
        },
        ("convert", "tobase64string") => Value::text(STANDARD.encode(bytes_of(given.first()))),
        ("convert", "toint32" | "toint64") => return cast(run, "int", given),
        ("convert", "tostring") => Value::text(first),
        ("string", "isnullorempty") => Value::Bool(first.is_empty()),
        ("string", "isnullorwhitespace") => Value::Bool(first.trim().is_empty()),
        ("string", "join") => {
            let rest = if given.len() > 2 {
                Value::list(given[1..].to_vec())
            } else {
                given.get(1).cloned().unwrap_or(Value::Null)
            };
            Value::text(super::operators::join(&rest, &first)?)
        }
        ("string", "format") => {
            let rest: Vec<Value> = given.iter().skip(1).flat_map(Value::items).collect();
            run.format(&first, &rest)?
        }
        ("path", _) => return Ok(path(name, &first, given)),
        ("file", _) => return file(run, name, &first, given),
        ("directory", "exists") => Value::Bool(run.sim.file(&first) == Some(Content::Folder)),
        ("directory", "createdirectory") => {
            run.make_folder(&first);
            Value::Null
        }
        ("environment", "getenvironmentvariable") => {
            run.environment(&first).map_or(Value::Null, Value::text)
        }
        ("environment", "setenvironmentvariable") => {
            run.set(&format!("env:{}", first.to_lowercase()), Value::text(second))?;
            Value::Null
        }
        ("environment", "getfolderpath") => Value::text(r"C:\ProgramData"),
        ("environment", "exit") => {
            return Err(super::run::Flow::Exit(given.first().and_then(Value::as_int).unwrap_or(0)));
        }
        ("math", _) => return Ok(math(name, given)),
        ("regex", "escape") => Value::text(escaped(&first)),
        ("regex", "ismatch") => {
            Value::Bool(super::operators::expression(&second, true)?.is_match(first.as_bytes()))
        }
        ("regex", "match") => {
            super::cmdlets::found(&super::operators::expression(&second, true)?, &first)
                .into_iter()
                .next()
                .unwrap_or(Value::Null)
        }
        ("regex", "matches") => Value::list(super::cmdlets::found(
            &super::operators::expression(&second, true)?,
            &first,
        )),
        ("version" | "datetime" | "int" | "double" | "bool", "parse" | "new") => {
            return cast(run, short(kind), given);
        }
        ("guid", "newguid") => {
            let name = format!("{} {} {}", run.sim.facts.seed, run.sim.run, run.sim.elapsed());
            let mut value =
                uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string();
            value.make_ascii_lowercase();
            Value::text(value)
        }
        ("scriptblock", "create") => match super::parse::script(&first) {
            Ok(code) => Value::Code(code.into()),
            Err(wrong) => return fail("", wrong.message),
        },
        ("console", "writeline") => {
            run.show(&[Value::text(first)]);
            Value::Null
        }
        ("windowsidentity", "getcurrent") => {
            Value::of("WindowsIdentity", vec![("Name", Value::text(r"NT AUTHORITY\SYSTEM"))])
        }
        (known, _) if KNOWN.contains(&known) => return Ok(None),
        _ => return fail("", format!("Unable to find type [{kind}].")),
    }))
}

fn cast(run: &mut Run<'_>, kind: &str, given: &[Value]) -> Outcome<Option<Value>> {
    run.cast(kind, given.first().cloned().unwrap_or(Value::Null)).map(Some)
}

fn path(name: &str, first: &str, given: &[Value]) -> Option<Value> {
    let leaf = paths::leaf(first);
    Some(Value::text(match name {
        "combine" => {
            let parts: Vec<String> =
                given.iter().map(|v| v.show().trim_end_matches('\\').to_owned()).collect();
            parts.join("\\")
        }
        "gettemppath" => r"C:\Windows\Temp\".to_owned(),
        "gettempfilename" => r"C:\Windows\Temp\tmp1A2B.tmp".to_owned(),
        "getrandomfilename" => "x1f4kq0z.tmp".to_owned(),
        "getfilename" => leaf.to_owned(),
        "getfilenamewithoutextension" => {
            leaf.rsplit_once('.').map_or(leaf, |(stem, _)| stem).to_owned()
        }
        "getextension" => leaf.rsplit_once('.').map_or(String::new(), |(_, end)| format!(".{end}")),
        "getdirectoryname" => paths::parent(first).to_owned(),
        _ => return None,
    }))
}

fn file(run: &mut Run<'_>, name: &str, first: &str, given: &[Value]) -> Outcome<Option<Value>> {
    let there = run.sim.file(first);
    let missing = || {
        let text = format!(
            "Exception calling \"{name}\" with \"1\" argument(s): \"Could not find file '{first}'.\""
        );
        fail("", text)
    };
    Ok(Some(match name {
        "exists" => Value::Bool(there.is_some_and(|content| content != Content::Folder)),
        "readalltext" => match there {
            Some(content) => Value::text(super::cmdlets::text_of(&content)),
            None => return missing(),
        },
        "readallbytes" => match there {
            Some(content) => Value::bytes(&super::cmdlets::bytes_in(&content)),
            None => return missing(),
        },
        "writealltext" => {
            let text = given.get(1).map(Value::show).unwrap_or_default();
            run.put_file(first, Content::Text(text));
            Value::Null
        }
        "writeallbytes" => {
            run.put_file(first, Content::Bytes(bytes_of(given.get(1))));
            Value::Null
        }
        "delete" => {
            run.sim.act(crate::world::Effect::NoFile(first.to_owned()));
            Value::Null
        }
        _ => return Ok(None),
    }))
}

fn math(name: &str, given: &[Value]) -> Option<Value> {
    let first = given.first()?.as_real()?;
    let whole = |value: f64| Value::Real(value).as_int().map(Value::Int);
    match name {
        "round" => match given.get(1).and_then(Value::as_int) {
            Some(digits) => {
                let by = 10_f64.powi(i32::try_from(digits.clamp(0, 15)).unwrap_or(0));
                Some(Value::Real((first * by).round_ties_even() / by))
            }
            None => whole(first.round_ties_even()),
        },
        "floor" => whole(first.floor()),
        "ceiling" => whole(first.ceil()),
        "abs" => Some(Value::Real(first.abs())),
        "max" => Some(if first >= given.get(1)?.as_real()? {
            given.first()?.clone()
        } else {
            given.get(1)?.clone()
        }),
        "min" => Some(if first <= given.get(1)?.as_real()? {
            given.first()?.clone()
        } else {
            given.get(1)?.clone()
        }),
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if r"\*+?|{[()^$.#".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// Bytes as text.
pub(super) fn decoded(encoding: &Object, bytes: &[u8]) -> Value {
    if encoding.get("Name").is_some_and(|name| name.show() == "unicode") {
        let units: Vec<u16> =
            bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
        return Value::text(String::from_utf16_lossy(&units));
    }
    Value::text(String::from_utf8_lossy(bytes))
}

/// Text as bytes.
pub(super) fn encoded(encoding: &Object, text: &str) -> Value {
    if encoding.get("Name").is_some_and(|name| name.show() == "unicode") {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        return Value::bytes(&bytes);
    }
    Value::bytes(text.as_bytes())
}

/// A date out of a value, in UTC: every machine's clock shows that here.
pub(super) fn date(value: &Value) -> Option<Value> {
    if let Value::Date(date) = value {
        return Some(Value::Date(*date));
    }
    let text = value.show();
    let text = text.trim();
    if let Ok(date) = DateTime::parse_from_rfc3339(text) {
        return Some(Value::Date(date.with_timezone(&Utc)));
    }
    for form in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%m/%d/%Y %H:%M:%S"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text, form) {
            return Some(Value::Date(at.and_utc()));
        }
    }
    let day = ["%Y-%m-%d", "%m/%d/%Y", "%Y%m%d"]
        .iter()
        .find_map(|f| NaiveDate::parse_from_str(text, f).ok());
    Some(Value::Date(day?.and_hms_opt(0, 0, 0)?.and_utc()))
}

pub(super) fn part(date: DateTime<Utc>, name: &str) -> Value {
    match name {
        "year" => Value::Int(i64::from(date.year())),
        "month" => Value::Int(i64::from(date.month())),
        "day" => Value::Int(i64::from(date.day())),
        "hour" => Value::Int(i64::from(date.hour())),
        "minute" => Value::Int(i64::from(date.minute())),
        "second" => Value::Int(i64::from(date.second())),
        "dayofweek" => Value::text(date.format("%A").to_string()),
        "date" => date
            .date_naive()
            .and_hms_opt(0, 0, 0)
            .map_or(Value::Null, |at| Value::Date(at.and_utc())),
        "ticks" => Value::Int(date.timestamp().saturating_mul(10_000_000)),
        _ => Value::Null,
    }
}

pub(super) fn date_method(date: DateTime<Utc>, name: &str, given: &[Value]) -> Option<Value> {
    let by = given.first().and_then(Value::as_real).unwrap_or(0.0);
    let seconds = match name {
        "adddays" => 86_400.0,
        "addhours" => 3_600.0,
        "addminutes" => 60.0,
        "addseconds" => 1.0,
        "touniversaltime" | "tolocaltime" => return Some(Value::Date(date)),
        "tostring" => {
            let how = given.first().map_or_else(|| "G".to_owned(), Value::show);
            return Some(Value::text(dated(date, &how)));
        }
        _ => return None,
    };
    let span = Duration::try_seconds(Value::Real(by * seconds).as_int()?)?;
    date.checked_add_signed(span).map(Value::Date)
}

/// A date by .NET's format: `o`, `s`, `yyyy-MM-dd HH:mm:ss`.
pub(super) fn dated(date: DateTime<Utc>, how: &str) -> String {
    match how {
        "o" | "O" => return date.to_rfc3339_opts(SecondsFormat::Micros, true).replace('Z', "0Z"),
        "s" => return date.format("%Y-%m-%dT%H:%M:%S").to_string(),
        "u" => return date.format("%Y-%m-%d %H:%M:%SZ").to_string(),
        "G" | "g" => return Value::Date(date).show(),
        _ => {}
    }
    const PARTS: &[(&str, &str)] = &[
        ("yyyy", "%Y"),
        ("yy", "%y"),
        ("MMM", "%b"),
        ("MM", "%m"),
        ("dd", "%d"),
        ("HH", "%H"),
        ("mm", "%M"),
        ("ss", "%S"),
        ("fff", "%3f"),
    ];
    let mut text = String::new();
    let mut rest = how;
    while let Some(letter) = rest.chars().next() {
        if let Some((part, ours)) = PARTS.iter().find(|(part, _)| rest.starts_with(part)) {
            text.push_str(&date.format(ours).to_string());
            rest = &rest[part.len()..];
        } else {
            text.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    text
}
