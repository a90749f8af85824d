//! The house rules that a compiler does not hold: who may import whom, where a library may be
//! used, how long a file may be, what must be documented. Reads the tree and changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use toml::Table;

/// What each package may import of ours; `*` is everything. Whoever is not here fails the test.
const IMPORTS: &[(&str, &[&str])] = &[
    ("core-model", &[]),
    ("core-connector", &["core-model"]),
    ("core-http", &["core-model", "core-connector"]),
    ("core-store", &["core-model"]),
    ("core-derive", &["core-model"]),
    ("core-push", &["core-model", "core-connector"]),
    ("core-resolve", &["core-model"]),
    ("core-plan", &["core-model"]),
    ("core-script", &["core-model", "core-connector"]),
    ("core-notify", &["core-model", "core-plan"]),
    ("core-callback", &["core-connector"]),
    (
        "core-maintenance",
        &["core-model", "core-connector", "core-callback", "core-plan", "core-script"],
    ),
    (
        "core-engine",
        &[
            "core-model",
            "core-connector",
            "core-plan",
            "core-script",
            "core-maintenance",
            "core-store",
            "core-sync",
            "core-daemon",
        ],
    ),
    ("core-resolve-bench", &["core-model", "core-resolve", "core-snapshot", "core-store"]),
    ("core-toml", &[]),
    ("core-schedule", &[]),
    ("core-library", &["core-model", "core-resolve", "core-schedule", "core-toml"]),
    ("core-agenda", &["core-model", "core-library", "core-resolve", "core-schedule"]),
    ("core-sync", &["core-model", "core-connector", "core-store", "core-derive", "core-push"]),
    ("core-snapshot", &["core-model", "core-library", "core-resolve", "core-store"]),
    ("core-daemon", &["core-model", "core-connector", "core-schedule", "core-store", "core-sync"]),
    ("core-runner", &[]),
    ("core-runner-hub", &["core-model", "core-connector", "core-store", "core-runner"]),
    (
        "core-server",
        &[
            "core-model",
            "core-connector",
            "core-script",
            "core-store",
            "core-daemon",
            "core-runner",
            "core-runner-hub",
        ],
    ),
    ("linchpin", &["*"]),
    ("connector-azure-ad", CONNECTOR),
    ("connector-cw-automate", CONNECTOR),
    ("connector-cw-control", CONNECTOR),
    ("connector-halopsa", CONNECTOR),
    // A mock that shares code with what it is to test repeats its mistakes.
    ("mocks", &[]),
    ("tests", &["*"]),
];

const CONNECTOR: &[&str] = &["core-model", "core-connector", "core-http"];

/// Libraries that are the business of few packages: the shipped code of these and no others.
const CONFINED: &[(&str, &[&str])] = &[
    ("sqlx", &["core-store", "tests"]),
    ("reqwest", &["core-http", "mocks"]),
    ("oauth2", &["core-http"]),
    ("governor", &["core-http"]),
    ("openidconnect", &["core-server"]),
    ("argon2", &["core-server"]),
    ("askama", &["core-server"]),
    ("aws-lc-rs", &["core-store", "core-runner"]),
    ("aho-corasick", &["core-script"]),
    ("axum", &["core-server", "core-callback", "mocks"]),
    ("axum-server", &["mocks"]),
    ("cel", &["core-resolve"]),
    ("cron", &["core-schedule"]),
    ("clap", &["linchpin"]),
    ("indicatif", &["linchpin"]),
    ("miette", &["core-toml"]),
    ("minijinja", &["core-notify"]),
    ("keyring", &["linchpin"]),
    ("lettre", &["linchpin"]),
    ("opentelemetry", &["linchpin"]),
    ("opentelemetry-http", &["linchpin"]),
    ("opentelemetry-otlp", &["linchpin"]),
    ("opentelemetry-proto", &["linchpin"]),
    ("opentelemetry_sdk", &["linchpin"]),
    ("tracing-opentelemetry", &["linchpin"]),
    ("tokio-rustls", &["mocks"]),
    ("sd-notify", &["linchpin"]),
];

/// Lines that a source file may have.
const LONGEST_FILE: usize = 500;

/// A package: its folder below the root, and its manifest.
struct Package {
    folder: String,
    manifest: Table,
}

impl Package {
    fn name(&self) -> &str {
        self.manifest["package"]["name"].as_str().unwrap_or_default()
    }

    /// What it imports in one section of the manifest.
    fn imports(&self, section: &str) -> Vec<&str> {
        let table = self.manifest.get(section).and_then(toml::Value::as_table);
        table.map(|table| table.keys().map(String::as_str).collect()).unwrap_or_default()
    }
}

#[test]
fn packages_import_only_what_the_table_allows() -> Result<()> {
    let packages = packages()?;
    let ours: Vec<&str> = packages.iter().map(Package::name).collect();
    let table: BTreeMap<&str, &[&str]> = IMPORTS.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in &packages {
        let name = package.name();
        let Some(allowed) = table.get(name) else {
            wrong.push(format!("{name} ({}) is not in the import table", package.folder));
            continue;
        };
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for import in package.imports(section) {
                let of_ours = ours.contains(&import);
                if of_ours && !allowed.contains(&import) && !allowed.contains(&"*") {
                    wrong.push(format!("{name} may not import {import} ({section})"));
                }
            }
        }
    }
    for (name, _) in IMPORTS {
        if !ours.contains(name) {
            wrong.push(format!("{name} is in the import table and not in the tree"));
        }
    }
    none(&wrong)
}

#[test]
fn libraries_stay_where_they_belong() -> Result<()> {
    let mut wrong = Vec::new();
    for package in packages()? {
        let name = package.name();
        for (library, owners) in CONFINED {
            for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
                if package.imports(section).contains(library) && !owners.contains(&name) {
                    let owners = owners.join(", ");
                    wrong.push(format!("{name} uses {library} ({section}), only {owners} may"));
                }
            }
        }
    }
    none(&wrong)
}

#[test]
fn every_package_is_named_by_its_folder() -> Result<()> {
    let mut wrong = Vec::new();
    for package in packages()? {
        let (folder, name) = (package.folder.as_str(), package.name());
        let due = match folder.split_once('/') {
            _ if folder == "core/cli" => "linchpin".to_owned(),
            Some(("connectors", rest)) => format!("connector-{rest}"),
            Some((group, rest)) => format!("{group}-{rest}"),
            None => folder.to_owned(),
        };
        if name != due {
            wrong.push(format!("the package in {folder} is named {name} and not {due}"));
        }
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = package.manifest.get(section).and_then(toml::Value::as_table);
            for (import, how) in table.into_iter().flatten() {
                if how.get("path").is_some() || how.get("git").is_some() {
                    wrong.push(format!("{name} names where {import} is; the workspace does that"));
                }
            }
        }
    }
    none(&wrong)
}

#[test]
fn no_source_file_is_too_long_or_a_mod_rs() -> Result<()> {
    let mut wrong = Vec::new();
    let files = files()?;
    ensure!(files.len() > 100, "only {} files were found", files.len());
    for file in files.iter().filter(|file| file.ends_with(".rs")) {
        if file.ends_with("/mod.rs") {
            wrong.push(format!("{file}: write the module as a file with the folder's name"));
        }
        let lines = fs::read_to_string(root().join(file))?.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!("{file} has {lines} lines, of {LONGEST_FILE}: split it"));
        }
    }
    none(&wrong)
}

#[test]
fn every_package_has_a_readme() -> Result<()> {
    let mut wrong = Vec::new();
    for package in packages()? {
        let path = root().join(&package.folder).join("README.md");
        if fs::read_to_string(path).unwrap_or_default().trim().is_empty() {
            wrong.push(format!("{}/README.md is missing or empty", package.folder));
        }
    }
    none(&wrong)
}

#[test]
fn every_stream_and_permission_of_a_connector_is_in_its_readme() -> Result<()> {
    let mut wrong = Vec::new();
    for kind in tests::registry().kinds() {
        let path = format!("connectors/{}/README.md", kind.name);
        let readme = fs::read_to_string(root().join(&path)).with_context(|| path.clone())?;
        for stream in kind.streams {
            if !readme.contains(&format!("`{}`", stream.name)) {
                wrong.push(format!("{path} does not name the stream `{}`", stream.name));
            }
        }
        for permission in kind.permissions {
            if !readme.contains(permission.name) {
                wrong.push(format!("{path} does not name the permission {}", permission.name));
            }
        }
    }
    none(&wrong)
}

#[test]
fn every_file_in_config_can_be_read() -> Result<()> {
    let found = files()?;
    let found: Vec<&String> =
        found.iter().filter(|f| f.starts_with("config/") && f.ends_with(".toml")).collect();
    ensure!(!found.is_empty(), "there is no file in config/");
    for file in found {
        let text = fs::read_to_string(root().join(file))?;
        text.parse::<Table>().with_context(|| file.clone())?;
    }
    Ok(())
}

/// The project builds, tests and runs without anything that lies beside it.
#[test]
fn nothing_needs_a_folder_outside_the_project() -> Result<()> {
    // Put together, so that this file does not name them.
    let outside = [["../", "shared"].concat(), ["/work", "/"].concat(), ["/", "tmp/plan"].concat()];
    // Looks for contracts beside the project, and does without where there are none.
    let looks = "tests/it/contracts";
    let mut wrong = Vec::new();
    for file in files()?.iter().filter(|file| !file.starts_with(looks)) {
        let Ok(text) = fs::read_to_string(root().join(file)) else { continue };
        for (at, line) in text.lines().enumerate() {
            if outside.iter().any(|path| line.contains(path.as_str())) {
                wrong.push(format!("{file}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    for package in packages()?.iter().chain([&workspace()?]) {
        let workspace = package.manifest.get("workspace").and_then(|w| w.get("dependencies"));
        for (name, how) in workspace.and_then(toml::Value::as_table).into_iter().flatten() {
            let path = how.get("path").and_then(toml::Value::as_str);
            if path.is_some_and(|path| path.starts_with("..") || path.starts_with('/')) {
                wrong.push(format!("{name} is outside: {path:?}"));
            }
        }
    }
    none(&wrong)
}

fn none(wrong: &[String]) -> Result<()> {
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn workspace() -> Result<Package> {
    let text = fs::read_to_string(root().join("Cargo.toml"))?;
    Ok(Package { folder: String::new(), manifest: text.parse()? })
}

/// The members of the workspace, as its manifest lists them.
fn packages() -> Result<Vec<Package>> {
    let workspace = workspace()?;
    let members = workspace.manifest["workspace"]["members"].as_array().context("no members")?;
    let mut folders = Vec::new();
    for member in members.iter().filter_map(toml::Value::as_str) {
        let Some(parent) = member.strip_suffix("/*") else {
            folders.push(member.to_owned());
            continue;
        };
        for entry in fs::read_dir(root().join(parent)).with_context(|| parent.to_owned())? {
            let entry = entry?;
            if entry.path().join("Cargo.toml").is_file() {
                folders.push(format!("{parent}/{}", entry.file_name().to_string_lossy()));
            }
        }
    }
    folders.sort();
    let read = |folder: String| {
        let text = fs::read_to_string(root().join(&folder).join("Cargo.toml"))?;
        let manifest = text.parse().with_context(|| folder.clone())?;
        Ok(Package { folder, manifest })
    };
    folders.into_iter().map(read).collect()
}

/// Every file of the project, by its path below the root; what is built, downloaded or hidden is
/// none of it.
fn files() -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let is_ours = !name.starts_with('.') || name == ".ci" || name == ".config";
            let is_built = ["target", "node_modules"].contains(&name.as_str());
            match entry.file_type()? {
                kind if kind.is_dir() && is_ours && !is_built => folders.push(path),
                kind if kind.is_file() && is_ours => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What a crate logs that is not on the list of the program is seen by nobody.
#[test]
fn whatever_is_logged_is_shown() -> Result<()> {
    let program = fs::read_to_string(root().join("core/cli/src/main.rs"))?;
    // The contract makes spans, and says nothing itself.
    let silent = ["tests", "core-connector"];
    for (name, _) in IMPORTS.iter().filter(|(name, _)| !silent.contains(name)) {
        let manifest = root().join(folder_of(name)).join("Cargo.toml");
        let manifest: Table = fs::read_to_string(&manifest)?.parse()?;
        let logs = manifest.get("dependencies").and_then(|all| all.get("tracing")).is_some();
        let shown = program.contains(&format!("\"{}\"", name.replace('-', "_")));
        ensure!(
            !logs || shown,
            "{name} logs, and `LOGGED` in core/cli/src/main.rs does not name it"
        );
    }
    Ok(())
}

fn folder_of(package: &str) -> String {
    match package.split_once('-') {
        _ if package == "linchpin" => "core/cli".to_owned(),
        Some(("core", rest)) => format!("core/{rest}"),
        Some(("connector", rest)) => format!("connectors/{rest}"),
        _ => package.to_owned(),
    }
}
