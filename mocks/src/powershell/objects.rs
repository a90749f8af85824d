//! Objects of .NET that scripts make: what `New-Object` and `::new` give, and what those can do.

use std::cell::Cell;

use sha2::Digest as _;

use super::members::bytes_of;
use super::run::{Outcome, Run, fail};
use super::things::Thing;
use super::value::{Object, Value};
use crate::world::{Access, Rule};

/// The security id that the imaginary machines know an account by.
pub(crate) fn sid_of(account: &str) -> String {
    let leaf = account.rsplit('\\').next().unwrap_or(account).to_lowercase();
    match leaf.as_str() {
        "system" => "S-1-5-18".to_owned(),
        "local service" => "S-1-5-19".to_owned(),
        "network service" => "S-1-5-20".to_owned(),
        "administrators" => "S-1-5-32-544".to_owned(),
        "users" => "S-1-5-32-545".to_owned(),
        _ => {
            let digest = sha2::Sha256::digest(account.to_lowercase().as_bytes());
            let part = |at: usize| {
                digest.iter().skip(at).take(4).fold(0_u32, |all, byte| all << 8 | u32::from(*byte))
            };
            format!("S-1-5-21-{}-{}-{}-{}", part(0), part(4), part(8), 1_000 + part(12) % 9_000)
        }
    }
}

/// An object of a type, made with arguments.
#[expect(clippy::too_many_lines, reason = "one arm for each type")]
pub(super) fn construct(run: &mut Run<'_>, kind: &str, given: &[Value]) -> Outcome<Value> {
    let lower = kind.to_lowercase();
    let lower = lower.trim_start_matches("system.");
    let first = given.first().cloned().unwrap_or(Value::Null);
    let size = |value: &Value| value.as_int().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let count = size(&first);
    if count > super::run::LONGEST && lower.ends_with("[]") {
        return fail("", "Exception of type 'System.OutOfMemoryException' was thrown.");
    }
    Ok(match lower {
        "psobject" | "pscustomobject" | "management.automation.psobject" | "object" => {
            Value::object("PSCustomObject", Vec::new())
        }
        "byte[]" => Value::bytes(vec![0; count]),
        "object[]" | "string[]" => Value::list(vec![Value::Null; count]),
        "int[]" | "int32[]" => Value::list(vec![Value::Int(0); count]),
        "collections.hashtable" | "hashtable" => table(&first),
        "collections.specialized.ordereddictionary" => Value::object("ordered", Vec::new()),
        "collections.arraylist" => Value::growing(first.as_items().unwrap_or_default()),
        _ if lower.starts_with("collections.generic.list") => {
            Value::growing(first.as_items().unwrap_or_default())
        }
        _ if lower.starts_with("collections.generic.dictionary") => table(&first),
        "text.stringbuilder" => Value::thing(Thing::builder(first.show())),
        "text.utf8encoding" => super::encodings::encoding("utf8", first.truth()),
        "text.asciiencoding" => super::encodings::encoding("ascii", false),
        "text.unicodeencoding" => super::encodings::encoding("unicode", true),
        "io.memorystream" => Value::thing(Thing::memory(match &first {
            Value::Bytes(_) | Value::List(_) => bytes_of(Some(&first)),
            _ => Vec::new(),
        })),
        "io.filestream" => run.open_file(given)?,
        "io.binaryreader" => Value::thing(Thing::Reader("BinaryReader", first)),
        "io.streamreader" => match &first {
            Value::Thing(_) => Value::thing(Thing::Reader("StreamReader", first)),
            path => {
                let open = [path.clone(), Value::text("Open"), Value::text("Read")];
                Value::thing(Thing::Reader("StreamReader", run.open_file(&open)?))
            }
        },
        "io.streamwriter" => run.open_writer(given)?,
        "io.fileinfo" | "io.directoryinfo" => run.file_object(&first.show()),
        "diagnostics.stopwatch" => Value::thing(Thing::Watch(Cell::new((0, None)))),
        "random" => Value::thing(Thing::Dice(Cell::new(run.sim.facts.seed ^ run.sim.elapsed()))),
        "net.webclient" => Value::of("WebClient", vec![("Headers", Value::exact_table())]),
        "version" | "datetime" | "guid" | "uri" | "timespan" => run.cast(lower, first)?,
        "security.cryptography.sha256cryptoserviceprovider"
        | "security.cryptography.sha256managed"
        | "security.cryptography.sha256cng" => Value::of("SHA256CryptoServiceProvider", Vec::new()),
        "security.accesscontrol.directorysecurity" | "security.accesscontrol.filesecurity" => {
            security(&Access::default())
        }
        "security.accesscontrol.filesystemaccessrule" => access_rule(given),
        "security.principal.ntaccount" => {
            let name = given.iter().map(Value::show).collect::<Vec<_>>().join("\\");
            Value::of("NTAccount", vec![("Value", Value::text(name))])
        }
        "security.principal.securityidentifier" => {
            Value::of("SecurityIdentifier", vec![("Value", Value::text(first.show()))])
        }
        "exception" | "invalidoperationexception" | "argumentexception" => {
            Value::of("Exception", vec![("Message", first)])
        }
        _ => {
            let text = format!(
                "Cannot find type [{kind}]: verify that the assembly containing this type is loaded."
            );
            return fail("New-Object", text);
        }
    })
}

/// A table, by a comparer or out of another one.
fn table(first: &Value) -> Value {
    match first {
        Value::Object(other) if other.is_table() => other.copy(),
        Value::Text(comparer) if !comparer.to_lowercase().contains("ignorecase") => {
            Value::exact_table()
        }
        // `New-Object` and `::new` make tables of .NET's own, which tell upper from lower case.
        Value::Null => Value::exact_table(),
        _ => Value::object("hashtable", Vec::new()),
    }
}

/// What may be done with a file or a folder, as scripts hold it.
pub(super) fn security(access: &Access) -> Value {
    let rule = |rule: &Rule| {
        Value::of(
            "FileSystemAccessRule",
            vec![
                ("IdentityReference", Value::text(&rule.sid)),
                ("FileSystemRights", Value::text(&rule.rights)),
                ("IsInherited", Value::Bool(false)),
                ("Inherits", Value::Bool(rule.inherits)),
            ],
        )
    };
    let rules = Value::growing(access.rules.iter().map(rule).collect());
    Value::of(
        "DirectorySecurity",
        vec![("AreAccessRulesProtected", Value::Bool(access.protected)), ("Access", rules)],
    )
}

fn access_rule(given: &[Value]) -> Value {
    let identity = given.first().map(Value::show).unwrap_or_default();
    let sid = if identity.starts_with("S-1-") { identity } else { sid_of(&identity) };
    let rights = given.get(1).map(Value::show).unwrap_or_default();
    let kind = given.last().map(Value::show).unwrap_or_default();
    Value::of(
        "FileSystemAccessRule",
        vec![
            ("IdentityReference", Value::text(sid)),
            ("FileSystemRights", Value::text(rights)),
            ("AccessControlType", Value::text(kind)),
            // With the flags of inheritance and of propagation there are five.
            ("Inherits", Value::Bool(given.len() >= 5)),
        ],
    )
}

/// The rules that a security object holds.
pub(super) fn rules_of(security: &Object) -> Access {
    let rules = security.get("Access").map(|rules| rules.items()).unwrap_or_default();
    let rule = |value: &Value| match value {
        Value::Object(rule) => Some(Rule {
            sid: rule.text("IdentityReference"),
            rights: rule.text("FileSystemRights"),
            inherits: rule.get("Inherits").is_some_and(|is| is.truth()),
        }),
        _ => None,
    };
    Access {
        protected: security.get("AreAccessRulesProtected").is_some_and(|is| is.truth()),
        rules: rules.iter().filter_map(rule).collect(),
    }
}

/// The rules of a descriptor's access list: `D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)`.
fn of_descriptor(text: &str) -> Option<Access> {
    let (flags, list) = text.strip_prefix("D:")?.split_at(text.strip_prefix("D:")?.find('(')?);
    let mut rules = Vec::new();
    for entry in list.split('(').skip(1) {
        let parts: Vec<&str> = entry.trim_end().strip_suffix(')')?.split(';').collect();
        let [kind, flags, rights, _, _, who] = parts.as_slice() else { return None };
        if *kind != "A" {
            continue;
        }
        let sid = match *who {
            "SY" => "S-1-5-18",
            "BA" => "S-1-5-32-544",
            "BU" => "S-1-5-32-545",
            "WD" => "S-1-1-0",
            other => other,
        };
        let rights = match *rights {
            "FA" | "GA" => "FullControl",
            "FR" | "GR" => "Read",
            "FW" | "GW" => "Write",
            "FX" | "GX" | "0x1200a9" => "ReadAndExecute",
            other => other,
        };
        let inherits = flags.contains("OI");
        rules.push(Rule { sid: sid.to_owned(), rights: rights.to_owned(), inherits });
    }
    Some(Access { protected: flags.contains('P'), rules })
}

/// A property that is worked out when it is asked for.
pub(super) fn property(_: &mut Run<'_>, object: &Object, name: &str) -> Outcome<Option<Value>> {
    Ok(match (object.kind, name) {
        ("SHA256CryptoServiceProvider", "hashsize") => Some(Value::Int(256)),
        _ => None,
    })
}

/// A method of an object of .NET; none where it has none of that name.
pub(super) fn method(
    run: &mut Run<'_>,
    object: &Object,
    name: &str,
    given: &[Value],
) -> Outcome<Option<Value>> {
    let first = given.first().map(Value::show).unwrap_or_default();
    Ok(Some(match (object.kind, name) {
        ("SHA256CryptoServiceProvider", "computehash") => {
            Value::bytes(sha2::Sha256::digest(bytes_of(given.first())).to_vec())
        }
        ("SHA256CryptoServiceProvider", "dispose" | "clear") => Value::Null,
        ("DirectorySecurity", "setsecuritydescriptorsddlform") => {
            let Some(access) = of_descriptor(&first) else {
                return fail(
                    "",
                    "Exception calling \"SetSecurityDescriptorSddlForm\" with \"1\" argument(s): \"The SDDL form of a security descriptor object is invalid.\"",
                );
            };
            if let Value::Object(new) = security(&access) {
                *object.change() = new.fields().clone();
            }
            Value::Null
        }
        ("DirectorySecurity", "addaccessrule" | "setaccessrule") => {
            if let (Some(Value::List(rules)), Some(rule)) = (object.get("Access"), given.first()) {
                rules.change().push(rule.clone());
            }
            Value::Null
        }
        ("DirectorySecurity", "setaccessruleprotection") => {
            object.put(
                "AreAccessRulesProtected",
                Value::Bool(given.first().is_some_and(Value::truth)),
            );
            Value::Null
        }
        ("NTAccount", "translate") => Value::of(
            "SecurityIdentifier",
            vec![("Value", Value::text(sid_of(&object.text("Value"))))],
        ),
        ("FileInfo" | "DirectoryInfo", "delete") => {
            run.sim.act(crate::world::Effect::NoFile(object.text("FullName")));
            Value::Null
        }
        ("FileInfo" | "DirectoryInfo", "refresh") => Value::Null,
        ("TimeSpan", "tostring") => Value::text(object.text("Value")),
        ("WebResponse" | "CimInstance", "dispose") => Value::Null,
        _ => return Ok(None),
    }))
}
