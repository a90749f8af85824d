//! What is no mistake, and better otherwise: secrets that stand in the settings themselves, and files
//! with secrets that everybody on the machine may read.

use std::path::Path;

use core_connector::Registry;
use core_toml::{Node, is_secret, properties, resolve};

use super::document::Document;
use super::schema::{own_schema, schema_of};
use super::secret::is_reference;

pub(super) fn of(document: &Document, path: &Path, registry: &Registry) -> Vec<String> {
    let root = &document.file.root;
    let mut found = Vec::new();
    let mut warnings = Vec::new();
    let nodes = root.get("connection").map(Node::items).unwrap_or_default();
    for node in nodes {
        let kind = node.get("kind").and_then(Node::text).and_then(|kind| registry.kind(kind).ok());
        let Some(kind) = kind else { continue };
        let name = node.get("name").and_then(Node::text).unwrap_or_default();
        warnings.extend(forgets_its_token(node, root, name));
        let schema = schema_of(kind);
        look(node, &schema, &schema, &format!("connection `{name}`"), &mut found);
    }
    let own = own_schema();
    for (table, inner) in properties(&own) {
        let Some(node) = root.get(table) else { continue };
        let inner = resolve(inner, &own);
        let one = resolve(&inner["items"], &own);
        for node in node.items() {
            look(node, one, &own, &format!("[[{table}]]"), &mut found);
        }
        look(node, inner, &own, &format!("[{table}]"), &mut found);
    }
    warnings.extend(super::mail::warnings(root));
    warnings.extend(super::notification::warnings(root));
    let literal = found.iter().filter(|one| is_literal(&one.text));
    for one in literal.clone() {
        warnings.push(format!(
            "`{}` of {} stands in the settings themselves: write \"env:NAME\", \"file:PATH\", \
             \"keyring:NAME\" or \"store:NAME\" instead",
            one.key, one.place
        ));
    }
    if literal.count() > 0 && is_open(path) {
        let what =
            format!("{} holds secrets, and everybody on this machine may read it", path.display());
        warnings.push(format!("{what}: chmod 600 {}", path.display()));
    }
    for one in &found {
        let Some(file) = one.text.strip_prefix("file:") else { continue };
        let file = document.folder().join(file.trim());
        if is_open(&file) {
            let shown = file.display();
            let what = format!("everybody on this machine may read {shown}");
            let of = format!("which has `{}` of {}", one.key, one.place);
            warnings.push(format!("{what}, {of}: chmod 600 {shown}"));
        }
    }
    warnings
}

/// A refresh token is renewed with each use, and dies some day if the newest is kept nowhere.
fn forgets_its_token(node: &Node, root: &Node, name: &str) -> Option<String> {
    node.get("refresh_token")?;
    let has_key = root.get("secrets").is_some_and(|table| table.get("key").is_some());
    let is_kept = has_key || node.get("refresh_token_file").is_some();
    (!is_kept).then(|| {
        format!(
            "the newest `refresh_token` of connection `{name}` is kept nowhere, and the one in the \
             settings dies after 90 days: set `key` in [secrets] (`linchpin secrets key`)"
        )
    })
}

/// A setting that is a secret, or says where one is.
struct Found {
    key: String,
    place: String,
    text: String,
}

fn look(
    node: &Node,
    schema: &serde_json::Value,
    root: &serde_json::Value,
    place: &str,
    found: &mut Vec<Found>,
) {
    for (key, inner) in properties(schema) {
        let Some(value) = node.get(key) else { continue };
        let inner = resolve(inner, root);
        // What has a key of its own in [secrets] is never a secret itself.
        let is_place = place == "[secrets]";
        let texts = value.text().into_iter().chain(value.items().iter().filter_map(Node::text));
        if is_secret(inner) || is_place {
            let one = |text: &str| Found {
                key: key.clone(),
                place: place.to_owned(),
                text: text.to_owned(),
            };
            found.extend(texts.map(one));
        } else if inner["items"].is_object() {
            let one = resolve(&inner["items"], root);
            value.items().iter().for_each(|value| look(value, one, root, place, found));
        } else if !value.entries().is_empty() {
            // A table that may be left out is one of several forms.
            let forms = inner["anyOf"].as_array().into_iter().flatten();
            for form in std::iter::once(inner).chain(forms) {
                look(value, resolve(form, root), root, place, found);
            }
        }
    }
}

/// Whether a setting is the secret itself. The address of a database is one where it has a password.
fn is_literal(text: &str) -> bool {
    let has_password = |text: &str| {
        let authority = text.split_once("://").and_then(|(_, rest)| rest.split('/').next());
        let user = authority.and_then(|authority| authority.rsplit_once('@'));
        user.is_some_and(|(user, _)| user.contains(':'))
    };
    let is_address = text.contains("://") || text.ends_with(".db") || text.starts_with("sqlite:");
    !is_reference(text) && (!is_address || has_password(text))
}

/// Whether everybody on the machine may read a file.
#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o004 != 0)
}

/// Where rights are lists of names, who reads a file is not looked at.
#[cfg(not(unix))]
fn is_open(_path: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::connectors;

    #[test]
    fn literals_and_open_files_are_warned_of_by_name_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linchpin.toml");
        let text = "[hub]\ndatabase = 'postgres://u:planted-1@h/d'\n[sign_in.oidc]\n\
                    client_secret = 'planted-2'\n[secrets]\nkey = 'file:hub.key'\n[[connection]]\n\
                    name = 'halo'\nkind = 'halopsa'\nclient_secret = 'planted-3'\n[[connection]]\n\
                    name = 'control'\nkind = 'cw-control'\nsecret = 'env:X'\n";
        std::fs::write(&path, text).unwrap();
        std::fs::write(folder.path().join("hub.key"), "planted-4").unwrap();
        let open = |name: &str, mode| {
            let rights = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder.path().join(name), rights).unwrap();
        };
        let registry = connectors::registry();
        let document = Document::new(&path, text, &registry);
        open("linchpin.toml", 0o644);
        open("hub.key", 0o644);
        let said = of(&document, &path, &registry);
        assert_eq!(said.len(), 5, "{said:#?}");
        for (word, place) in [
            ("database", "[hub]"),
            ("client_secret", "[sign_in]"),
            ("client_secret", "`halo`"),
            ("hub.key", "[secrets]"),
            ("linchpin.toml", "chmod 600"),
        ] {
            assert!(said.iter().any(|one| one.contains(word) && one.contains(place)), "{said:#?}");
        }
        assert!(!said.iter().any(|one| one.contains("planted")), "{said:#?}");
        open("linchpin.toml", 0o600);
        open("hub.key", 0o640);
        assert_eq!(of(&document, &path, &registry).len(), 3);
    }
}
