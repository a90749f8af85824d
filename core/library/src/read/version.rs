//! Versions of software.

use std::collections::BTreeMap;

use core_model::id::{SoftwareId, VersionId};
use core_model::library::{Architecture, Download, SoftwareVersion, handle};
use core_toml::printable;

use super::reference::suggestions;
use super::software::upgrade_strategy;
use super::{Place, Reader, Table};

/// What versions of one software are told apart by.
type Key = (String, Option<Architecture>);

impl<'a> Reader<'a> {
    pub(super) fn versions(
        &mut self,
        table: Table<'a>,
        of: Option<SoftwareId>,
    ) -> Vec<SoftwareVersion> {
        let known = self.known.software.iter().find(|one| Some(one.id) == of);
        let key = |one: &SoftwareVersion| (one.version.clone(), one.architecture);
        let known: BTreeMap<Key, VersionId> = known
            .map(|one| one.versions.iter().map(|one| (key(one), one.id)).collect())
            .unwrap_or_default();
        let software = table.text("name").map(handle).unwrap_or_default();
        let mut versions: Vec<SoftwareVersion> = Vec::new();
        let mut places: Vec<Place> = Vec::new();
        for node in table.items("versions") {
            let inner = Table { file: table.file, node };
            let (place, version) = match node.text() {
                Some(version) => (inner.place(""), version),
                None => match inner.text("version") {
                    Some(version) => (inner.place("version"), version),
                    None => continue,
                },
            };
            let one = self.version(inner, version.trim());
            if let Some(what) = repeated(&one, &versions) {
                let help = "remove it, or give each its `architecture`";
                self.say(&place, what, "here", help);
                continue;
            }
            let id = known.get(&key(&one)).copied().unwrap_or_else(|| {
                let of = one.architecture.map(|of| format!("\u{1f}{}", of.word()));
                let name = format!("{software}\u{1f}{}{}", one.version, of.unwrap_or_default());
                VersionId::of_text(&name, self.now_us)
            });
            versions.push(SoftwareVersion { id, ..one });
            places.push(if node.text().is_some() {
                place
            } else {
                inner.place("requires_version")
            });
        }
        let dynamic = table.get("dynamic_versions").is_some();
        self.stepping_stones(&versions, &places, dynamic);
        versions
    }

    /// A version without the id that it will have.
    fn version(&mut self, table: Table<'a>, version: &str) -> SoftwareVersion {
        let product_code = table.get("product_code").and_then(|node| self.guid(table.file, node));
        SoftwareVersion {
            architecture: match table.text("architecture") {
                Some("x86") => Some(Architecture::X86),
                Some("x64") => Some(Architecture::X64),
                Some("arm64") => Some(Architecture::Arm64),
                _ => None,
            },
            download: self.download(table),
            product_code,
            requires_version: table.text("requires_version").map(|one| one.trim().to_owned()),
            upgrade: upgrade_strategy(table),
            scripts: self.software_scripts(table),
            ..SoftwareVersion::new(VersionId::of_text("", 0), version)
        }
    }

    fn download(&mut self, table: Table<'a>) -> Option<Download> {
        let Some(url) = table.text("url") else {
            for key in ["sha256", "file_name"] {
                if table.get(key).is_some() {
                    let what = format!("`{key}` is of what is fetched, and nothing is");
                    self.say(&table.place(key), what, "without `url`", "add `url = \"https://…\"`");
                }
            }
            return None;
        };
        let parsed = url::Url::parse(url).ok();
        let parsed = parsed.filter(|url| ["https", "http"].contains(&url.scheme()));
        match &parsed {
            None => {
                if url.contains('@') {
                    self.hidden.push(table.place("url"));
                }
                let what = "this is no address to fetch from";
                let help = "write it with its scheme: https://…";
                self.say(&table.place("url"), what, "no address", help);
            }
            Some(url) if !url.username().is_empty() || url.password().is_some() => {
                self.hidden.push(table.place("url"));
                let what = "there is a name or password in this address";
                let help =
                    "fetch it by the install script, with a parameter of the type \"password\"";
                self.say(&table.place("url"), what, "a secret in clear?", help);
            }
            Some(_) => {}
        }
        let sha256 = table.text("sha256").map(|digest| digest.trim().to_ascii_lowercase());
        if let Some(digest) = &sha256
            && (digest.len() != 64 || !digest.chars().all(|c| c.is_ascii_hexdigit()))
        {
            let what = "a SHA-256 has 64 hexadecimal digits";
            let help = "`sha256sum FILE` or `Get-FileHash FILE` says it";
            self.say(&table.place("sha256"), what, "no digest", help);
        }
        let file_name = table.text("file_name").map(str::to_owned);
        if let Some(name) = &file_name
            && (name.trim().is_empty()
                || [".", ".."].contains(&name.as_str())
                || name.contains(|c: char| c.is_control() || "/\\:*?\"<>|".contains(c)))
        {
            let what = format!("\"{}\" is no name of a file", printable(name));
            let help = "write the name alone, without a folder";
            self.say(&table.place("file_name"), what, "not allowed", help);
        }
        parsed.map(|_| Download { url: url.to_owned(), sha256, file_name })
    }

    /// Versions that others must be there before: each is known, and none leads back to itself.
    fn stepping_stones(&mut self, versions: &[SoftwareVersion], places: &[Place], dynamic: bool) {
        let next = |of: &str| {
            let one =
                versions.iter().find(|one| one.version == of && one.requires_version.is_some());
            one.and_then(|one| one.requires_version.as_deref())
        };
        for (one, place) in versions.iter().zip(places) {
            let Some(needed) = one.requires_version.as_deref() else { continue };
            if !dynamic && !versions.iter().any(|other| other.version == needed) {
                let what = format!("there is no version \"{}\"", printable(needed));
                let help =
                    suggestions(needed, "there are", versions.iter().map(|one| &*one.version));
                self.say(place, what, "unknown", &help);
            }
            let mut path = vec![one.version.as_str()];
            while let Some(needed) = path.last().and_then(|last| next(last)) {
                let circle = path.contains(&needed);
                path.push(needed);
                if circle {
                    break;
                }
            }
            // Who only leads to a circle is in none: that is told where it is.
            if path.len() > 1 && path.first() == path.last() {
                let what =
                    format!("versions require each other: `{}`", printable(&path.join(" → ")));
                self.say(place, what, "leads back", "one of them must do without");
            }
        }
    }
}

/// Why a version cannot stand beside others, where it cannot.
fn repeated(one: &SoftwareVersion, others: &[SoftwareVersion]) -> Option<String> {
    if one.version.is_empty() {
        return Some("a version must not be empty".to_owned());
    }
    let same = |other: &&SoftwareVersion| {
        let apart = one.architecture.is_some() && other.architecture.is_some();
        other.version == one.version && !(apart && other.architecture != one.architecture)
    };
    others.iter().find(same)?;
    Some(format!("the version \"{}\" is there twice", printable(&one.version)))
}
