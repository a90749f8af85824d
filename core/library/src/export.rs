//! Writes a library as files, in one way: the same library gives the same texts, and reading them
//! gives the same library.
//!
//! Things are named where their names are theirs alone, else written by their ids, with the name in
//! a comment above.

use std::collections::{BTreeMap, BTreeSet};

use core_model::id::TenantId;
use core_model::library::{
    Deployment, DesiredState, DeviceClass, Enforcement, Expectation, Expected, ItemId, Origin,
    Owner, RecommendedUse, Tag, Target, TenantSettings,
};
use serde_json::Value;

use self::items::Folders;
use self::reference::References;
use self::text::{Out, quoted, value};
use crate::SourceFile;
use crate::library::Library;
use crate::names::Names;

mod items;
mod reference;
mod rings;
mod schedule;
mod text;

pub(crate) use self::items::{repair_word, upgrade_word};

/// The files of a library: one for each kind of definition, one for the deployments of each tenant,
/// and a folder for each piece of software and task that has scripts of several lines.
#[must_use]
pub fn export(library: &Library, names: &Names) -> Vec<SourceFile> {
    let library = library.clone().sorted();
    let references = References::new(&library, names);
    let mut files = Files::default();
    let mut folders = Folders::default();
    for one in &library.software {
        if !items::software_has_files(one) {
            items::software(files.table("software.toml", "software"), one, &references);
            continue;
        }
        let folder = folders.of("software", &one.name, one.id);
        let out = files.table(&format!("{folder}/software.toml"), "software");
        let scripts = items::software(out, one, &references);
        files.scripts.extend(scripts.files(&folder));
    }
    for one in &library.tasks {
        if !items::task_has_files(one) {
            items::task(files.table("tasks.toml", "task"), one, &references);
            continue;
        }
        let folder = folders.of("tasks", &one.name, one.id);
        let out = files.table(&format!("{folder}/task.toml"), "task");
        let scripts = items::task(out, one, &references);
        files.scripts.extend(scripts.files(&folder));
    }
    for one in &library.tags {
        tag(files.table("tags.toml", "tag"), one, &references);
    }
    let paths = paths(&library.deployments, names);
    for one in &library.deployments {
        let owner = one.owner.map(|owner| owner.tenant);
        let path = owner.and_then(|owner| paths.get(&owner)).map_or("deployments.toml", |p| p);
        deployment(files.table(path, "deployment"), one, &references);
    }
    for one in &library.schedules {
        schedule::schedule(files.table("schedules.toml", "schedule"), one, &references);
    }
    for one in &library.expectations {
        expectation(files.table("expectations.toml", "expect"), one, &references);
    }
    for one in &library.tenants {
        tenant(files.table("tenants.toml", "tenant"), one, &references);
    }
    for one in &library.computers {
        let out = files.table("computers.toml", "computer");
        let computer = references.computer(one.computer, None);
        let [name, rest @ ..] = computer.pairs.as_slice() else { continue };
        out.notes(computer.notes);
        out.key("name", &name.1);
        rest.iter().for_each(|(key, text)| out.key(key, text));
        out.flag("excluded_from_maintenance", one.excluded_from_maintenance);
    }
    files.finish()
}

#[derive(Default)]
struct Files {
    definitions: BTreeMap<String, Out>,
    scripts: Vec<SourceFile>,
}

impl Files {
    /// A new table of a file.
    fn table(&mut self, path: &str, kind: &str) -> &mut Out {
        let out = self.definitions.entry(path.to_owned()).or_default();
        out.table(kind);
        out
    }

    fn finish(self) -> Vec<SourceFile> {
        let files = self.definitions.into_iter();
        let mut files: Vec<SourceFile> =
            files.map(|(path, out)| SourceFile::new(&path, &out.finish())).collect();
        files.extend(self.scripts);
        files.sort();
        files
    }
}

/// The file of each tenant that has deployments of its own.
fn paths(deployments: &[Deployment], names: &Names) -> BTreeMap<TenantId, String> {
    let owners = deployments.iter().filter_map(|one| one.owner).map(|owner| owner.tenant);
    let mut stems: BTreeMap<TenantId, String> = BTreeMap::new();
    for owner in owners {
        let name = names.tenants.get(&owner).map(|named| &*named.name).unwrap_or_default();
        stems.insert(owner, stem(name));
    }
    let all: Vec<String> = stems.values().cloned().collect();
    let path = |(id, stem): (TenantId, String)| {
        let alone = all.iter().filter(|other| **other == stem).count() == 1;
        let stem = if alone && !stem.is_empty() { stem } else { format!("{stem}{id}") };
        (id, format!("deployments/{stem}.toml"))
    };
    stems.into_iter().map(path).collect()
}

/// A name as a part of a path: letters and digits, lower case, with dashes between the words.
fn stem(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let stem: String = words.collect::<Vec<_>>().join("-").to_lowercase();
    stem.chars().take(60).collect()
}

fn origin(out: &mut Out, origin: Origin) {
    if origin == Origin::Recommended {
        out.text("origin", "recommended");
    }
}

fn tag(out: &mut Out, one: &Tag, references: &References<'_>) {
    out.text("name", &one.name);
    let mut list = |key: &str, all: Vec<reference::Reference>| {
        let written = all.into_iter().map(|one| {
            out.notes(one.notes.clone());
            one.lone()
        });
        let written: Vec<String> = written.collect();
        out.list(key, &written);
    };
    list("computers", one.computers.iter().map(|id| references.computer(*id, None)).collect());
    list("tenants", one.tenants.iter().map(|id| references.tenant("tenant", *id)).collect());
    list("persons", one.persons.iter().map(|id| references.person(*id, None)).collect());
}

fn item(out: &mut Out, item: ItemId, references: &References<'_>) {
    let (key, text) = references.item(item);
    out.key(key, &text);
}

/// For whom something is: a target, narrowed to device classes, of one tenant or of all.
fn whom(
    out: &mut Out,
    (target, classes, owner): (&Target, &BTreeSet<DeviceClass>, Option<Owner>),
    references: &References<'_>,
) {
    let (target, notes) = references.target(target, owner.map(|owner| owner.tenant));
    out.notes(notes);
    out.key("target", &target);
    let classes = classes.iter().map(|class| quoted(class_word(*class)));
    out.list("classes", &classes.collect::<Vec<_>>());
    if let Some(owner) = owner {
        let tenant = references.tenant("tenant", owner.tenant);
        out.notes(tenant.notes.clone());
        out.key("tenant", &tenant.lone());
        out.flag("children", owner.children);
    }
}

fn deployment(out: &mut Out, one: &Deployment, references: &References<'_>) {
    out.text("name", &one.name);
    item(out, one.item, references);
    if let Some(instance) = &one.instance {
        out.text("instance", instance);
    }
    state(out, &one.state);
    whom(out, (&one.target, &one.classes, one.owner), references);
    enforcement(out, &one.enforcement, references);
    out.flag("onboarding_only", one.onboarding_only);
    if one.order != 0 {
        out.key("order", &one.order.to_string());
    }
    if !one.enabled {
        out.key("enabled", "false");
    }
    if let Some(connection) = &one.connection {
        out.text("connection", connection);
    }
    for (key, day) in [("from", one.dates.start), ("until", one.dates.end)] {
        if let Some(day) = day {
            out.key(key, &day.to_string());
        }
    }
    origin(out, one.origin);
    match one.recommended {
        RecommendedUse::Undecided => {}
        RecommendedUse::Approved => out.text("recommended", "approved"),
        RecommendedUse::Dismissed => out.text("recommended", "dismissed"),
    }
    let places = [
        ("self-service", one.visibility.self_service),
        ("technician-tools", one.visibility.technician_tools),
    ];
    let places = places.into_iter().filter(|(_, on)| *on).map(|(place, _)| quoted(place));
    out.list("show_in", &places.collect::<Vec<_>>());
    rings::rings(out, &one.rings, references);
    out.note(&one.note);
    parameters(out, &one.parameters);
}

fn state(out: &mut Out, state: &DesiredState) {
    out.text("state", &crate::read::written(state));
}

fn enforcement(out: &mut Out, enforcement: &Enforcement, references: &References<'_>) {
    match enforcement {
        Enforcement::Required => {}
        Enforcement::Onboarding => out.text("enforcement", "onboarding"),
        Enforcement::AdHoc => out.text("enforcement", "ad-hoc"),
        Enforcement::Optional { approved } => {
            out.text("enforcement", "optional");
            let mut written = Vec::new();
            for subject in approved {
                let reference = references.subject(*subject);
                out.notes(reference.notes.clone());
                written.push(reference.inline());
            }
            out.list("approved", &written);
        }
    }
}

/// A table of its own, after everything else of the deployment.
fn parameters(out: &mut Out, parameters: &serde_json::Map<String, Value>) {
    if parameters.is_empty() {
        return;
    }
    out.inner("deployment.parameters");
    for (key, one) in parameters {
        match value(one) {
            Some(text) => out.key(&text::bare(key), &text),
            None => out.comment(&format!("{key}: a file cannot say that it is null")),
        }
    }
}

fn expectation(out: &mut Out, one: &Expectation, references: &References<'_>) {
    out.text("name", &one.name);
    let subject = references.subject(one.subject);
    out.notes(subject.notes.clone());
    out.key("subject", &subject.inline());
    item(out, one.item, references);
    if let Some(instance) = &one.instance {
        out.text("instance", instance);
    }
    if let Some(day) = one.as_of {
        out.key("on", &day.to_string());
    }
    match &one.expected {
        Expected::Deployment(id) => out.key("winner", &references.deployment(*id)),
        Expected::State(expected) => state(out, expected),
        Expected::Nobody => out.text("outcome", "nobody"),
        Expected::Blocked => out.text("outcome", "blocked"),
    }
    out.note(&one.note);
}

fn tenant(out: &mut Out, one: &TenantSettings, references: &References<'_>) {
    for (key, id) in [("name", Some(one.tenant)), ("parent", one.parent)] {
        let Some(id) = id else { continue };
        let reference = references.tenant(key, id);
        out.notes(reference.notes.clone());
        out.key(key, &reference.lone());
    }
    out.flag("excluded_from_cross_tenant", one.excluded_from_cross_tenant);
    if let Some(budget) = one.budget {
        let (percent, computers) = (budget.percent, budget.computers);
        let uninstalls = budget.uninstalls;
        let text = format!(
            "{{ percent = {percent}, computers = {computers}, uninstalls = {uninstalls} }}"
        );
        out.key("budget", &text);
    }
}

/// A device class as files write it.
pub(crate) fn class_word(class: DeviceClass) -> &'static str {
    match class {
        DeviceClass::Servers => "servers",
        DeviceClass::Workstations => "workstations",
        DeviceClass::Portable => "portable",
        DeviceClass::DomainControllers => "domain-controllers",
        DeviceClass::PrimaryDomainControllers => "primary-domain-controllers",
    }
}
