//! Static members of .NET's types.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::encodings::encoding;
use super::members::bytes_of;
use super::run::{Outcome, Run, fail};
use super::things::Thing;
use super::value::Value;
use crate::machine::{Account, paths};

pub(super) fn property(run: &mut Run<'_>, kind: &str, name: &str) -> Outcome<Value> {
    Ok(match (short(kind), name) {
        ("datetime", "now" | "utcnow") => Value::Date(run.sim.now()),
        ("datetime", "today") => {
            let midnight = run.sim.now().date_naive().and_hms_opt(0, 0, 0);
            midnight.map_or(Value::Null, |at| Value::Date(at.and_utc()))
        }
        ("encoding", "utf8" | "ascii" | "unicode" | "default") => {
            encoding(name, matches!(name, "utf8" | "unicode"))
        }
        ("console", "out" | "error") => Value::thing(Thing::Console { error: name == "error" }),
        ("console", "outputencoding" | "inputencoding") => encoding("oem", false),
        ("stringcomparer" | "cultureinfo" | "stringcomparison", _) => Value::text(name),
        ("environment", "processid") => Value::Int(i64::from(run.sim.pid())),
        ("environment", "machinename") => Value::text(&run.sim.facts.host),
        ("environment", "newline") => Value::text("\r\n"),
        ("environment", "is64bitoperatingsystem" | "is64bitprocess") => Value::Bool(true),
        ("environment", "username") => match &run.sim.account {
            Account::System => Value::text("SYSTEM"),
            Account::User(_) => Value::text(run.environment("username").unwrap_or_default()),
        },
        ("string", "empty") => Value::text(""),
        ("int" | "int32", "maxvalue") => Value::Int(i64::from(i32::MAX)),
        ("int" | "int32", "minvalue") => Value::Int(i64::from(i32::MIN)),
        ("long" | "int64", "maxvalue") => Value::Int(i64::MAX),
        ("securityprotocoltype", _) => Value::Int(protocol(name)),
        ("servicepointmanager", "securityprotocol") => {
            Value::Int(protocol("tls") | protocol("tls11"))
        }
        ("servicepointmanager" | "console", _) => Value::Null,
        (_, "name") => Value::text(short(kind)),
        (_, "fullname") => Value::text(kind),
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
    "type",
    "bitconverter",
    "stopwatch",
    "timespan",
    "thread",
    "int64",
    "boolean",
    "byte",
    "enum",
    "uri",
];

/// As `Uri.EscapeDataString`: everything but what RFC 3986 calls unreserved.
fn uri_escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

/// The flags of `SecurityProtocolType`.
fn protocol(name: &str) -> i64 {
    match name {
        "ssl3" => 48,
        "tls" => 192,
        "tls11" => 768,
        "tls12" => 3_072,
        "tls13" => 12_288,
        _ => 0,
    }
}

/// Sets a static property. Those of the runtime are taken, and are of no consequence here.
pub(super) fn set(_: &mut Run<'_>, kind: &str, name: &str, _: &Value) -> Outcome<()> {
    match short(kind) {
        "console"
        | "servicepointmanager"
        | "environment"
        | "cultureinfo"
        | "thread"
        | "globalproxyselection"
        | "webrequest" => Ok(()),
        _ => fail(
            "",
            format!(
                "The property '{name}' cannot be found on this object. Verify that the property exists and can be set."
            ),
        ),
    }
}

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
            Ok(bytes) if bytes.len() <= super::run::LONGEST => Value::bytes(bytes),
            _ => {
                return fail(
                    "",
                    "Exception calling \"FromBase64String\" with \"1\" argument(s): \"The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding characters, or an illegal character among the padding characters. \"",
                );
            }
        },
        ("convert", "tobase64string") => Value::text(STANDARD.encode(bytes_of(given.first()))),
        ("convert", "toint32" | "toint64") => return cast(run, "int", given),
        ("uri", "escapedatastring") => Value::text(uri_escaped(&first)),
        ("convert", "tostring") => Value::text(first),
        ("convert", "tobyte") => return cast(run, "byte", given),
        ("convert", "toboolean") => return cast(run, "bool", given),
        ("convert", "todouble") => return cast(run, "double", given),
        ("type", "gettypecode") => Value::Int(type_code(&first)),
        ("bitconverter", "tostring") => {
            let bytes = bytes_of(given.first());
            Value::text(
                bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join("-"),
            )
        }
        ("stopwatch", "startnew") => {
            Value::thing(Thing::Watch(std::cell::Cell::new((0, Some(run.sim.elapsed())))))
        }
        (
            "timespan",
            "fromseconds" | "fromminutes" | "fromhours" | "fromdays" | "frommilliseconds",
        ) => {
            let unit = match name {
                "frommilliseconds" => 1.0,
                "fromseconds" => 1_000.0,
                "fromminutes" => 60_000.0,
                "fromhours" => 3_600_000.0,
                _ => 86_400_000.0,
            };
            let count = given.first().and_then(Value::as_real).unwrap_or(0.0);
            super::convert::span(Value::Real(count * unit).as_int().unwrap_or(0))
        }
        ("thread", "sleep") => {
            let wait = given.first().and_then(Value::as_int).and_then(|n| u64::try_from(n).ok());
            run.wait_for_ms(wait.unwrap_or(0))?;
            Value::Null
        }
        (_, "new") => super::objects::construct(run, kind, given)?,
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
        ("file", _) => return super::disk::file(run, name, &first, given),
        ("directory", _) => return super::disk::directory(run, name, &first, given),
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
        ("version" | "datetime" | "int" | "long" | "double" | "bool", "parse") => {
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
            Ok(code) => Value::Code(std::rc::Rc::new(code)),
            Err(wrong) => return fail("", wrong.message),
        },
        ("console", "writeline" | "write") => {
            run.show(&[Value::text(first)]);
            Value::Null
        }
        ("windowsidentity", "getcurrent") => {
            let name = match &run.sim.account {
                Account::System => r"NT AUTHORITY\SYSTEM".to_owned(),
                Account::User(name) => name.clone(),
            };
            Value::of("WindowsIdentity", vec![("Name", Value::text(name))])
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

/// The code that .NET has for a type.
fn type_code(kind: &str) -> i64 {
    match short(kind).to_ascii_lowercase().as_str() {
        "null" => 0,
        "boolean" | "bool" => 3,
        "char" => 4,
        "byte" => 6,
        "int32" | "int" => 9,
        "int64" | "long" => 11,
        "double" => 14,
        "datetime" => 16,
        "string" => 18,
        _ => 1,
    }
}
