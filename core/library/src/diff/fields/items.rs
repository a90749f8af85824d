//! The fields of software and tasks.

use std::collections::BTreeSet;

use core_model::id::SoftwareId;
use core_model::library::{
    Detection, Licence, LicenceKind, LicenceRequirement, NameMatch, Order, Parameter,
    ParameterKind, Prerequisite, PrerequisiteAction, Presence, Quantifier, RepairStrategy,
    Software, SoftwareVersion, Task, TaskCategory, UpgradeStrategy,
};
use core_toml::printable;

use super::{Facts, Said};
use crate::export::{repair_word, upgrade_word};
use crate::words::Words;

pub(super) fn software(one: &Software, words: Words<'_>) -> Facts {
    let mut facts = Facts::default();
    facts.text("name", &one.name);
    facts.text("title", &one.title);
    facts.optional("publisher", one.publisher.as_ref());
    versions(&mut facts, &one.versions);
    facts.origin(one.origin);
    detection(&mut facts, one.detection.as_ref());
    for (purpose, script) in one.scripts.iter() {
        facts.script(purpose.key(), Some(script));
    }
    facts.script("dynamic_versions", one.dynamic_versions.as_ref());
    if !one.reported_uninstall {
        facts.put("reported_uninstall", false, "no".to_owned());
    }
    if one.upgrade != UpgradeStrategy::None {
        facts.text("upgrade_strategy", upgrade_word(one.upgrade));
    }
    if one.repair != RepairStrategy::None {
        facts.text("repair_strategy", repair_word(one.repair));
    }
    facts.flag("reboot_needed", one.reboot_needed);
    if let Some(task) = one.configuration {
        facts.put("configuration", task, words.item(task.into()));
    }
    match one.licensing.requirement {
        LicenceRequirement::None => {}
        LicenceRequirement::Optional => facts.text("licence", "optional"),
        LicenceRequirement::Required => facts.text("licence", "required"),
    }
    if one.licensing.kind == LicenceKind::File {
        facts.text("licence_kind", "file");
    }
    let licences = &one.licensing.licences;
    facts.many("licences", licences, licences.iter().map(|one| licence(one, words)).collect());
    common(&mut facts, (&one.parameters, &one.prerequisites, one.order), words);
    facts
}

pub(super) fn task(one: &Task, words: Words<'_>) -> Facts {
    let mut facts = Facts::default();
    facts.text("name", &one.name);
    facts.text("title", &one.title);
    let category = match one.category {
        TaskCategory::Computer => "computer",
        TaskCategory::Tenant => "tenant",
        TaskCategory::Person => "person",
    };
    facts.text("category", category);
    facts.flag("instances", one.instances);
    facts.origin(one.origin);
    for (purpose, script) in one.scripts.iter() {
        facts.script(purpose.key(), Some(script));
    }
    facts.optional("serial", one.serial.as_ref());
    facts.many("secret_fields", &one.secret_fields, one.secret_fields.clone());
    facts.flag("onboarding_only", one.onboarding_only);
    facts.flag("ignored_in_automatic_onboarding", one.ignored_in_automatic_onboarding);
    common(&mut facts, (&one.parameters, &one.prerequisites, one.order), words);
    facts
}

fn common(
    facts: &mut Facts,
    (parameters, prerequisites, order): (&[Parameter], &[Prerequisite], Order),
    words: Words<'_>,
) {
    facts.many("parameters", parameters, parameters.iter().map(parameter).collect());
    let said = prerequisites.iter().map(|one| prerequisite(one, words)).collect();
    facts.many("prerequisites", prerequisites, said);
    match order {
        Order::Unordered => {}
        Order::Beginning(number) => facts.put("order", order, format!("beginning {number}")),
        Order::End(number) => facts.put("order", order, format!("end {number}")),
    }
}

fn versions(facts: &mut Facts, versions: &[SoftwareVersion]) {
    let mut all: Vec<&SoftwareVersion> = versions.iter().collect();
    all.sort_by_key(|one| (&one.version, one.architecture));
    let raw: Vec<_> = all.iter().map(|one| (&one.version, one.architecture)).collect();
    facts.many("versions", raw, all.iter().map(|one| version_name(one)).collect());
    for one in all {
        let name = version_name(one);
        let key = |key: &str| format!("version {name} {key}");
        if let Some(download) = &one.download {
            facts.text(&key("url"), &download.url);
            facts.optional(&key("sha256"), download.sha256.as_ref());
            facts.optional(&key("file_name"), download.file_name.as_ref());
        }
        facts.optional(&key("product_code"), one.product_code.as_ref());
        facts.optional(&key("requires_version"), one.requires_version.as_ref());
        if let Some(strategy) = one.upgrade {
            facts.text(&key("upgrade_strategy"), upgrade_word(strategy));
        }
        for (purpose, script) in one.scripts.iter() {
            facts.script(&key(purpose.key()), Some(script));
        }
    }
}

fn version_name(one: &SoftwareVersion) -> String {
    let architecture = one.architecture.map(|of| format!(" for {}", of.word()));
    format!("{}{}", printable(&one.version), architecture.unwrap_or_default())
}

fn detection(facts: &mut Facts, detection: Option<&Detection>) {
    let Some(detection) = detection else { return };
    let said = match detection {
        Detection::Script(script) => Said::Script(Box::new(script.clone())),
        Detection::SoftwareTable { name, matching } => {
            let how = match matching {
                NameMatch::Contains => "contains",
                NameMatch::Exact => "is",
                NameMatch::Regex => "matches",
            };
            Said::One(format!("a name in the software table {how} \"{}\"", printable(name)))
        }
        Detection::UpgradeCode(code) => Said::One(format!("upgrade code {}", printable(code))),
        Detection::ProductCodes(codes) => {
            let codes: Vec<String> = codes.iter().map(|code| printable(code)).collect();
            let codes =
                if codes.is_empty() { "of its versions".to_owned() } else { codes.join(", ") };
            Said::One(format!("product codes {codes}"))
        }
    };
    facts.say("detect", detection, said);
}

fn licence(one: &Licence, words: Words<'_>) -> String {
    let mut text = format!("{} ({})", printable(&one.name), printable(&one.value.to_string()));
    if let Some(tenant) = one.tenant {
        text.push_str(&format!(" for {}", words.tenant(tenant)));
    }
    if let Some(version) = &one.version {
        text.push_str(&format!(" of {}", printable(version)));
    }
    text
}

fn parameter(one: &Parameter) -> String {
    let mut parts = vec![one.kind.word().to_owned()];
    if let ParameterKind::Select(choices) = &one.kind {
        let choices: Vec<String> = choices.iter().map(|choice| printable(choice)).collect();
        parts = vec![format!("select of {}", choices.join("/"))];
    }
    if one.required {
        parts.push("required".to_owned());
    }
    if let Some(default) = &one.default {
        let lead = if one.fixed { "always" } else { "else" };
        parts.push(format!("{lead} {}", printable(&default.to_string())));
    }
    format!("{} ({})", printable(&one.name), parts.join(", "))
}

fn prerequisite(one: &Prerequisite, words: Words<'_>) -> String {
    let named = |ids: &BTreeSet<SoftwareId>, by: &str| {
        let names: Vec<String> = ids.iter().map(|id| words.item((*id).into())).collect();
        names.join(by)
    };
    let (by, all) = match one.quantifier {
        Quantifier::Any => (" or ", ""),
        Quantifier::All => (" and ", if one.of.len() > 1 { "all of " } else { "" }),
    };
    let presence = match one.presence {
        Presence::Installed => "installed",
        Presence::NotInstalled => "not installed",
    };
    let then = match one.action {
        PrerequisiteAction::Install => format!("install {}", named(&one.software, " and ")),
        PrerequisiteAction::Uninstall => format!("uninstall {}", named(&one.software, " and ")),
        PrerequisiteAction::Fail => "fail".to_owned(),
    };
    format!("if {all}{} {presence}, {then}", named(&one.of, by))
}
