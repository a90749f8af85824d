//! Secrets: where a value says it is kept, and how the text of the file is shown without them.

use std::path::Path;

use core_connector::Registry;
use core_toml::{Node, is_secret, properties};

use super::schema::schema_of;

/// Under which service secrets are in the system's keyring.
const SERVICE: &str = "linchpin";
/// What stands before the name of a secret that the hub's own store keeps.
const STORE: &str = "store:";
/// How alike a key must be to the name of a secret for its value to be masked: a misspelt secret
/// is a secret too.
const ALIKE: f64 = 0.85;
/// A secret larger than this is a mistake in the path.
const LARGEST: u64 = 1 << 20;

/// What the hub's own store keeps, unsealed, by name.
pub(super) type Kept = std::collections::HashMap<String, String>;

/// Why a secret could not be had. It holds no secret.
#[derive(Clone, Debug)]
pub(super) struct Missing {
    pub(super) what: String,
    pub(super) remedy: String,
}

/// The value of a secret: of the environment, a file (relative to the folder) or the keyring where
/// it says so, else itself.
pub(super) fn look_up(text: &str, folder: &Path) -> Result<String, Missing> {
    if let Some(name) = text.strip_prefix("env:") {
        return from_environment(name.trim());
    }
    if let Some(path) = text.strip_prefix("file:") {
        return from_file(&folder.join(path.trim()));
    }
    if text.starts_with(STORE) {
        return Err(Missing {
            what: "what opens the hub's store cannot be kept in it".to_owned(),
            remedy: "use \"env:NAME\", \"file:PATH\" or \"keyring:NAME\"".to_owned(),
        });
    }
    if let Some(name) = text.strip_prefix("keyring:") {
        return from_keyring(name.trim());
    }
    Ok(text.to_owned())
}

/// The same, also of what the hub's own store keeps.
pub(super) fn look_up_with(text: &str, folder: &Path, kept: &Kept) -> Result<String, Missing> {
    let Some(name) = text.strip_prefix(STORE) else { return look_up(text, folder) };
    kept.get(name.trim()).cloned().ok_or_else(|| Missing {
        what: format!("the hub keeps no secret `{}`, or has no key to it", name.trim()),
        remedy: format!(
            "`linchpin secrets set {}` keeps one from standard input; `key` in [secrets] opens it",
            name.trim()
        ),
    })
}

/// Whether the settings expect the hub's own store to keep anything.
pub(super) fn names_kept(node: &Node) -> bool {
    node.text().is_some_and(|text| text.starts_with(STORE))
        || node.items().iter().any(names_kept)
        || node.entries().iter().any(|entry| names_kept(&entry.node))
}

/// Whether the text says where the secret is instead of being it.
pub(super) fn is_reference(text: &str) -> bool {
    ["env:", "file:", "keyring:", STORE].iter().any(|form| text.starts_with(form))
}

/// The names of all settings that are secrets.
pub(super) fn names(registry: &Registry) -> Vec<String> {
    let mut names = ["database", "client_secret", "key"].map(str::to_owned).to_vec();
    for kind in registry.kinds() {
        let schema = schema_of(kind);
        let secrets = properties(&schema).filter(|(_, schema)| is_secret(schema));
        names.extend(secrets.map(|(name, _)| name.clone()));
    }
    names.sort();
    names.dedup();
    names
}

/// The text with asterisks for the values of these keys, and of keys that look like them, and for who
/// signs in by an address. Every other byte stays where it is, also in a text that is no TOML.
pub(super) fn masked(text: &str, names: &[String]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while let Some(found) = text[at..].find('=') {
        let value = at + found + 1;
        at = value;
        if !is_secret_name(key_before(&text[..value - 1]), names) {
            continue;
        }
        let (from, to) = value_extent(text, value);
        if !is_reference(&text[from..to]) {
            let hidden = bytes[from..to].iter_mut().filter(|byte| !byte.is_ascii_whitespace());
            hidden.for_each(|byte| *byte = b'*');
        }
        at = to;
    }
    mask_user_info(text, &mut bytes);
    // Only whole characters were replaced, by ASCII: this is text as before.
    String::from_utf8(bytes).unwrap_or_default()
}

/// Asterisks for name and password in an address, `https://NAME:PASSWORD@HOST`: up to the last at sign,
/// for who wrote a password there may not have escaped it.
fn mask_user_info(text: &str, bytes: &mut [u8]) {
    for (at, mark) in text.match_indices("://") {
        let from = at + mark.len();
        let rest = &text[from..];
        let address = rest.split(char::is_whitespace).next().unwrap_or_default();
        if let Some(length) = address.rfind('@') {
            bytes[from..from + length].fill(b'*');
        }
    }
}

fn is_secret_name(key: &str, names: &[String]) -> bool {
    let key = key.to_lowercase();
    !key.is_empty() && names.iter().any(|name| strsim::jaro_winkler(&key, name) >= ALIKE)
}

/// The key that ends here, without quotes.
fn key_before(text: &str) -> &str {
    let text = text.trim_end_matches([' ', '\t', '"', '\'']);
    let is_key = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let start = text.char_indices().rev().find(|(_, c)| !is_key(*c));
    start.map_or(text, |(at, c)| &text[at + c.len_utf8()..])
}

/// Where the value that begins after an equals sign is, without its quotes: to the closing quote,
/// or where there is none to the end of the line (of the text, if it may have several lines).
fn value_extent(text: &str, after: usize) -> (usize, usize) {
    let blank = text[after..].len() - text[after..].trim_start_matches([' ', '\t']).len();
    let start = after + blank;
    let rest = &text[start..];
    for quote in ["\"\"\"", "'''"] {
        if rest.starts_with(quote) {
            let from = start + quote.len();
            return (from, text[from..].find(quote).map_or(text.len(), |length| from + length));
        }
    }
    let line = rest.find('\n').map_or(text.len(), |length| start + length);
    match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let from = start + 1;
            (from, closing(&text[from..line], quote).map_or(line, |length| from + length))
        }
        _ => (start, line),
    }
}

fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn from_environment(name: &str) -> Result<String, Missing> {
    match std::env::var(name) {
        Ok(value) if !value.trim().is_empty() => Ok(value),
        Ok(_) => Err(Missing {
            what: format!("the environment variable `{name}` is empty"),
            remedy: format!("give it a value: export {name}=…"),
        }),
        Err(std::env::VarError::NotPresent) => Err(Missing {
            what: format!("the environment variable `{name}` is not set"),
            remedy: format!("set it before the program starts: export {name}=…"),
        }),
        Err(std::env::VarError::NotUnicode(_)) => Err(Missing {
            what: format!("the environment variable `{name}` is not text"),
            remedy: "give it a value in UTF-8".to_owned(),
        }),
    }
}

fn from_file(path: &Path) -> Result<String, Missing> {
    let shown = path.display();
    let wrong = |what: String, remedy: &str| Missing { what, remedy: remedy.to_owned() };
    let cannot = |error: std::io::Error| {
        wrong(
            format!("the secret's file {shown} cannot be read: {error}"),
            "write the secret into it, readable for the user who runs linchpin; the path is \
             relative to the settings file",
        )
    };
    let size = std::fs::metadata(path).map_err(cannot)?.len();
    if size > LARGEST {
        let what = format!("the secret's file {shown} has {size} bytes, more than any secret");
        return Err(wrong(what, "check the path"));
    }
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(wrong(
            format!("the secret's file {shown} is empty"),
            "write the secret into it",
        ));
    }
    Ok(text.to_owned())
}

fn from_keyring(name: &str) -> Result<String, Missing> {
    let missing = |why: String| Missing {
        what: format!("the keyring has no secret `{name}` for service `{SERVICE}`: {why}"),
        remedy: how_to_store(name),
    };
    let entry = keyring::Entry::new(SERVICE, name).map_err(|error| missing(error.to_string()))?;
    entry.get_password().map_err(|error| missing(error.to_string()))
}

fn how_to_store(name: &str) -> String {
    if cfg!(target_os = "macos") {
        format!("store it: security add-generic-password -s {SERVICE} -a {name} -w")
    } else if cfg!(windows) {
        format!("store it: cmdkey /generic:{name}.{SERVICE} /user:{name} /pass")
    } else {
        format!(
            "store it: keyctl padd user keyring-rs:{name}@{SERVICE} @s (it reads standard input); \
             the kernel forgets it with the session, so prefer `file:` for a service"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(text: &str) -> String {
        masked(text, &["client_secret", "certificate", "password", "database"].map(str::to_owned))
    }

    #[test]
    fn a_secret_in_the_text_is_masked_and_nothing_moves() {
        for (text, shown) in [
            ("client_secret = \"hunter2\" # mine", "client_secret = \"*******\" # mine"),
            ("client_secret='a\\' # x", "client_secret='**' # x"),
            ("password = \"a\\\"b\"\nx = 1", "password = \"****\"\nx = 1"),
            ("certificate = \"\"\"\nab\ncd\"\"\"\nx", "certificate = \"\"\"\n**\n**\"\"\"\nx"),
            ("c = { password = \"x\", url = \"y\" }", "c = { password = \"*\", url = \"y\" }"),
            ("\"password\" = \"x\"", "\"password\" = \"*\""),
            // Misspelt, without quotes, without an end.
            ("clientsecret = \"abc\"", "clientsecret = \"***\""),
            ("client_secret = abc\nurl = 'u'", "client_secret = ***\nurl = 'u'"),
            ("client_secret = \"abc\nurl = 'u'", "client_secret = \"***\nurl = 'u'"),
            ("certificate = '''abc\nd", "certificate = '''***\n*"),
            ("client_secret = \"env:NAME\"", "client_secret = \"env:NAME\""),
            ("url = \"https://x.example/?a=b\"", "url = \"https://x.example/?a=b\""),
            // Who signs in by an address, whatever its key is.
            ("url = \"https://a:b@x.example\"", "url = \"https://***@x.example\""),
            ("url = \"x://a:/b@c@x\" # d@e", "url = \"x://******@x\" # d@e"),
        ] {
            assert_eq!(mask(text), shown);
            assert_eq!(text.len(), shown.len());
        }
    }

    #[test]
    fn a_secret_is_a_literal_or_is_looked_up() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("s"), "from file\n").unwrap();
        std::fs::write(folder.path().join("blank"), "\n").unwrap();
        let look = |text: &str| look_up(text, folder.path());
        assert_eq!(look("literal").unwrap(), "literal");
        assert_eq!(look("file:s").unwrap(), "from file");
        assert!(look("file:blank").unwrap_err().what.contains("is empty"));
        assert!(look("file:none").unwrap_err().what.contains("none cannot be read"));
        let missing = look("env:LINCHPIN_TEST_IS_NOT_SET").unwrap_err();
        assert!(missing.what.contains("LINCHPIN_TEST_IS_NOT_SET"), "{}", missing.what);
        assert!(missing.remedy.contains("export"), "{}", missing.remedy);
        let missing = look("keyring:linchpin-test-is-not-there").unwrap_err();
        assert!(missing.what.contains("`linchpin-test-is-not-there`"), "{}", missing.what);
        assert!(missing.remedy.contains("linchpin-test-is-not-there"), "{}", missing.remedy);
    }
}
