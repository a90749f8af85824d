//! Software and tasks. What has scripts of several lines is written into a folder of its own, with
//! these beside it.

use std::collections::{BTreeMap, BTreeSet};

use core_model::id::SoftwareId;
use core_model::library::{
    Detection, Licence, LicenceKind, LicenceRequirement, NameMatch, NobodyLoggedOn, Order,
    Parameter, ParameterKind, Prerequisite, PrerequisiteAction, Presence, Quantifier,
    RepairStrategy, Script, ScriptLanguage, Software, SoftwareVersion, SubjectKind, Task,
    TaskCategory, UpgradeStrategy,
};

use super::reference::References;
use super::text::{Out, quoted, value};
use super::{origin, stem};
use crate::SourceFile;
use crate::read::usual_context;
use crate::scripts::extension;

/// The folders of items: each its own, whatever people call them.
#[derive(Default)]
pub(super) struct Folders {
    taken: BTreeSet<String>,
}

impl Folders {
    /// The folder of an item: by its name, and where another has that already by its id.
    pub(super) fn of(&mut self, kind: &str, name: &str, id: impl std::fmt::Display) -> String {
        let stem = stem(name);
        let wanted = format!("{kind}/{stem}");
        let folder = match stem.is_empty() || self.taken.contains(&wanted) {
            true => format!("{kind}/{stem}{id}"),
            false => wanted,
        };
        self.taken.insert(folder.clone());
        folder
    }
}

/// The scripts of one item while it is written.
pub(super) struct Scripts {
    of: SubjectKind,
    /// Names of files, lower case, and their texts.
    files: BTreeMap<String, String>,
}

impl Scripts {
    fn new(of: SubjectKind) -> Self {
        Self { of, files: BTreeMap::new() }
    }

    /// The files, in their folder.
    pub(super) fn files(self, folder: &str) -> Vec<SourceFile> {
        let files = self.files.into_iter();
        files.map(|(name, body)| SourceFile::script(&format!("{folder}/{name}"), &body)).collect()
    }

    /// A script as a value; its body goes into a file of this name where it has several lines.
    fn written(&mut self, script: &Script, name: &str) -> String {
        let mut pairs = Vec::new();
        let as_file = is_file(script);
        if as_file {
            pairs.push(format!("file = {}", quoted(&self.file(script, name))));
        } else {
            pairs.push(format!("body = {}", quoted(&script.body)));
        }
        let said_by_name = as_file && !matches!(script.language, ScriptLanguage::Interpreter(_));
        if !said_by_name && script.language != ScriptLanguage::PowerShell {
            pairs.push(format!("language = {}", quoted(script.language.word())));
        }
        if script.context != usual_context(self.of) {
            pairs.push(format!("context = {}", quoted(script.context.word())));
        }
        if let Some(limit) = script.time_limit_s {
            pairs.push(format!("time_limit = {limit}"));
        }
        if script.nobody_logged_on == NobodyLoggedOn::Fail {
            pairs.push("nobody_logged_on = \"fail\"".to_owned());
        }
        if script.ignores_business_hours {
            pairs.push("ignores_business_hours = true".to_owned());
        }
        if !script.needs.is_empty() {
            let words: Vec<String> = script.needs.iter().map(|need| quoted(need.word())).collect();
            pairs.push(format!("needs = [{}]", words.join(", ")));
        }
        match pairs.as_slice() {
            [_] if !as_file => quoted(&script.body),
            _ => format!("{{ {} }}", pairs.join(", ")),
        }
    }

    fn file(&mut self, script: &Script, name: &str) -> String {
        let end = extension(&script.language);
        let names = (1_u32..).map(|number| match number {
            1 => format!("{name}{end}"),
            _ => format!("{name}-{number}{end}"),
        });
        let free = |name: &String| self.files.get(name).is_none_or(|body| *body == script.body);
        // There are more numbers than scripts.
        let name = names.into_iter().find(free).unwrap_or_default();
        self.files.insert(name.clone(), script.body.clone());
        name
    }
}

/// Whether the body is kept in a file. A mark of the encoding at its beginning would be lost there.
fn is_file(script: &Script) -> bool {
    script.body.contains('\n') && !script.body.starts_with('\u{feff}')
}

/// Whether any script of it is kept in a file.
pub(super) fn software_has_files(one: &Software) -> bool {
    let own = one.scripts.iter().chain(one.versions.iter().flat_map(|one| one.scripts.iter()));
    let detect = match &one.detection {
        Some(Detection::Script(script)) => Some(script),
        _ => None,
    };
    let others = detect.into_iter().chain(&one.dynamic_versions);
    own.map(|(_, script)| script).chain(others).any(is_file)
}

/// Whether any script of it is kept in a file.
pub(super) fn task_has_files(one: &Task) -> bool {
    one.scripts.iter().any(|(_, script)| is_file(script))
}

pub(super) fn software(out: &mut Out, one: &Software, references: &References<'_>) -> Scripts {
    let mut scripts = Scripts::new(SubjectKind::Computer);
    out.text("name", &one.name);
    if one.title != one.name {
        out.text("title", &one.title);
    }
    if let Some(publisher) = &one.publisher {
        out.text("publisher", publisher);
    }
    let plain = one.versions.iter().all(|one| *one == SoftwareVersion::new(one.id, &one.version));
    if plain {
        let versions = one.versions.iter().map(|version| quoted(&version.version));
        out.list("versions", &versions.collect::<Vec<_>>());
    }
    origin(out, one.origin);
    detection(out, one.detection.as_ref(), &mut scripts);
    for (purpose, script) in one.scripts.iter() {
        out.key(purpose.key(), &scripts.written(script, &file_name(purpose.key())));
    }
    if let Some(script) = &one.dynamic_versions {
        out.key("dynamic_versions", &scripts.written(script, "dynamic-versions"));
    }
    if !one.reported_uninstall {
        out.key("reported_uninstall", "false");
    }
    if one.upgrade != UpgradeStrategy::None {
        out.text("upgrade_strategy", upgrade_word(one.upgrade));
    }
    if one.repair != RepairStrategy::None {
        out.text("repair_strategy", repair_word(one.repair));
    }
    out.flag("reboot_needed", one.reboot_needed);
    if let Some(task) = one.configuration {
        out.key("configuration", &references.item(task.into()).1);
    }
    match one.licensing.requirement {
        LicenceRequirement::None => {}
        LicenceRequirement::Optional => out.text("licence", "optional"),
        LicenceRequirement::Required => out.text("licence", "required"),
    }
    if one.licensing.kind == LicenceKind::File {
        out.text("licence_kind", "file");
    }
    prerequisites(out, &one.prerequisites, references);
    order(out, one.order);
    parameters(out, "software", &one.parameters);
    for licence in &one.licensing.licences {
        out.inner_item("software.licences");
        self::licence(out, licence, references);
    }
    for version in one.versions.iter().filter(|_| !plain) {
        out.inner_item("software.versions");
        self::version(out, version, &mut scripts);
    }
    scripts
}

pub(super) fn task(out: &mut Out, one: &Task, references: &References<'_>) -> Scripts {
    let mut scripts = Scripts::new(one.category.subjects());
    out.text("name", &one.name);
    if one.title != one.name {
        out.text("title", &one.title);
    }
    match one.category {
        TaskCategory::Computer => {}
        TaskCategory::Tenant => out.text("category", "tenant"),
        TaskCategory::Person => out.text("category", "person"),
    }
    out.flag("instances", one.instances);
    origin(out, one.origin);
    for (purpose, script) in one.scripts.iter() {
        out.key(purpose.key(), &scripts.written(script, &file_name(purpose.key())));
    }
    if let Some(lock) = &one.serial {
        out.text("serial", lock);
    }
    if !one.secret_fields.is_empty() {
        let names = one.secret_fields.iter().map(|one| quoted(one));
        out.list("secret_fields", &names.collect::<Vec<_>>());
    }
    out.flag("onboarding_only", one.onboarding_only);
    out.flag("ignored_in_automatic_onboarding", one.ignored_in_automatic_onboarding);
    prerequisites(out, &one.prerequisites, references);
    order(out, one.order);
    parameters(out, "task", &one.parameters);
    scripts
}

/// `post-install`, of the key `post_install`.
fn file_name(key: &str) -> String {
    key.replace('_', "-")
}

fn detection(out: &mut Out, detection: Option<&Detection>, scripts: &mut Scripts) {
    let inner = match detection {
        None => return,
        Some(Detection::SoftwareTable { name, matching }) => {
            let how = match matching {
                NameMatch::Contains => "",
                NameMatch::Exact => ", match = \"exact\"",
                NameMatch::Regex => ", match = \"regex\"",
            };
            format!("table = {}{how}", quoted(name))
        }
        Some(Detection::UpgradeCode(code)) => format!("upgrade_code = {}", quoted(code)),
        Some(Detection::ProductCodes(codes)) => {
            let codes: Vec<String> = codes.iter().map(|code| quoted(code)).collect();
            format!("product_codes = [{}]", codes.join(", "))
        }
        Some(Detection::Script(script)) => {
            format!("script = {}", scripts.written(script, "detect"))
        }
    };
    out.key("detect", &format!("{{ {inner} }}"));
}

fn version(out: &mut Out, one: &SoftwareVersion, scripts: &mut Scripts) {
    out.text("version", &one.version);
    if let Some(architecture) = one.architecture {
        out.text("architecture", architecture.word());
    }
    if let Some(download) = &one.download {
        out.text("url", &download.url);
        for (key, text) in [("sha256", &download.sha256), ("file_name", &download.file_name)] {
            if let Some(text) = text {
                out.text(key, text);
            }
        }
    }
    for (key, text) in
        [("product_code", &one.product_code), ("requires_version", &one.requires_version)]
    {
        if let Some(text) = text {
            out.text(key, text);
        }
    }
    if let Some(strategy) = one.upgrade {
        out.text("upgrade_strategy", upgrade_word(strategy));
    }
    for (purpose, script) in one.scripts.iter() {
        let name = format!("{}-{}", file_name(purpose.key()), stem(&one.version));
        out.key(purpose.key(), &scripts.written(script, &name));
    }
}

fn licence(out: &mut Out, one: &Licence, references: &References<'_>) {
    out.text("name", &one.name);
    out.text("value", &one.value.to_string());
    if let Some(tenant) = one.tenant {
        let tenant = references.tenant("tenant", tenant);
        out.notes(tenant.notes.clone());
        out.key("tenant", &tenant.lone());
    }
    if let Some(version) = &one.version {
        out.text("version", version);
    }
}

fn parameters(out: &mut Out, of: &str, parameters: &[Parameter]) {
    for one in parameters {
        out.inner_item(&format!("{of}.parameters"));
        out.text("name", &one.name);
        if let Some(title) = &one.title {
            out.text("title", title);
        }
        if one.kind != ParameterKind::Text {
            out.text("type", one.kind.word());
        }
        if let ParameterKind::Select(choices) = &one.kind {
            out.list("choices", &choices.iter().map(|one| quoted(one)).collect::<Vec<_>>());
        }
        out.flag("required", one.required);
        if let Some(default) = one.default.as_ref().and_then(value) {
            out.key("default", &default);
        }
        out.flag("fixed", one.fixed);
        out.note(&one.note);
    }
}

fn prerequisites(out: &mut Out, prerequisites: &[Prerequisite], references: &References<'_>) {
    let one = |one: &Prerequisite| {
        let named = |ids: &BTreeSet<SoftwareId>| {
            let names = ids.iter().map(|id| references.item((*id).into()).1);
            format!("[{}]", names.collect::<Vec<_>>().join(", "))
        };
        let key = match one.quantifier {
            Quantifier::Any => "any_of",
            Quantifier::All => "all_of",
        };
        let are = match one.presence {
            Presence::Installed => "installed",
            Presence::NotInstalled => "not-installed",
        };
        let then = match one.action {
            PrerequisiteAction::Install => "install",
            PrerequisiteAction::Uninstall => "uninstall",
            PrerequisiteAction::Fail => "fail",
        };
        let on = match one.action {
            PrerequisiteAction::Fail => String::new(),
            _ => format!(", software = {}", named(&one.software)),
        };
        format!("{{ {key} = {}, are = \"{are}\", then = \"{then}\"{on} }}", named(&one.of))
    };
    out.list("prerequisites", &prerequisites.iter().map(one).collect::<Vec<_>>());
}

fn order(out: &mut Out, order: Order) {
    match order {
        Order::Unordered => {}
        Order::Beginning(number) => out.key("order", &format!("{{ beginning = {number} }}")),
        Order::End(number) => out.key("order", &format!("{{ end = {number} }}")),
    }
}

/// An upgrade strategy as files write it.
pub(crate) fn upgrade_word(strategy: UpgradeStrategy) -> &'static str {
    match strategy {
        UpgradeStrategy::None => "none",
        UpgradeStrategy::UninstallInstall => "uninstall-install",
        UpgradeStrategy::InstallOver => "install-over",
        UpgradeStrategy::Script => "script",
    }
}

/// A repair strategy as files write it.
pub(crate) fn repair_word(strategy: RepairStrategy) -> &'static str {
    match strategy {
        RepairStrategy::None => "none",
        RepairStrategy::UninstallInstall => "uninstall-install",
        RepairStrategy::InstallOver => "install-over",
        RepairStrategy::Script => "script",
    }
}
