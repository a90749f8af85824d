//! Random software and tasks with everything that they may have.

use std::collections::BTreeSet;

use core_model::id::{SoftwareId, TaskId, VersionId};
use core_model::library::{
    Architecture, Detection, Download, KeptSecret, Licence, LicenceKind, LicenceRequirement,
    Licensing, NameMatch, NobodyLoggedOn, Order, Parameter, ParameterKind, Prerequisite,
    PrerequisiteAction, Presence, Quantifier, RepairStrategy, Script, ScriptContext,
    ScriptLanguage, ScriptNeed, ScriptPurpose, Software, SoftwareScripts, SoftwareVersion,
    SubjectKind, Task, TaskCategory, TaskScripts, UpgradeStrategy,
};
use rand::Rng;
use serde_json::{Map, Value, json};

use super::Dice;

/// Software and tasks of a random library, each.
pub(super) const ITEMS: usize = 3;

/// Bodies as editors leave them.
const BODIES: &[&str] = &[
    "exit 0",
    "Write-Output \"it's\" # \\",
    "line one\nline two\n",
    "@echo off\r\nmsiexec /i \"%1\"\r\n",
    "\n\n  indented\n",
    "no end of line\n'''\"\"\"",
    "\u{feff}a mark at its beginning\n",
    "tab\there \u{1b}[31m\n",
    "ünïcode → \u{0}\n",
];

/// A description of how likely a part is.
const SOME: f64 = 0.3;

pub(super) fn software_id(at: usize) -> SoftwareId {
    SoftwareId::of_text(&at.to_string(), 0)
}

pub(super) fn task_id(at: usize) -> TaskId {
    TaskId::of_text(&at.to_string(), 0)
}

impl Dice {
    fn script(&mut self, of: SubjectKind) -> Script {
        let context = match of {
            SubjectKind::Computer => {
                self.pick(&[ScriptContext::System, ScriptContext::User, ScriptContext::Metascript])
            }
            _ => ScriptContext::Cloud,
        };
        let mut languages =
            vec![ScriptLanguage::PowerShell, ScriptLanguage::Cmd, ScriptLanguage::Sh];
        if context.in_hub() {
            languages.push(ScriptLanguage::Interpreter("python3".to_owned()));
        }
        let user = context == ScriptContext::User;
        let fails = user && self.chance(0.5);
        Script {
            language: self.pick(&languages),
            context,
            body: self.pick(BODIES).to_owned(),
            time_limit_s: self.pick(&[None, None, Some(1), Some(Script::LONGEST_S)]),
            nobody_logged_on: if fails { NobodyLoggedOn::Fail } else { NobodyLoggedOn::Skip },
            ignores_business_hours: self.chance(SOME),
            needs: if context.in_hub() && self.chance(SOME) {
                vec![ScriptNeed::Graph]
            } else {
                Vec::new()
            },
        }
    }

    fn software_scripts(&mut self, of: f64) -> SoftwareScripts {
        let mut scripts = SoftwareScripts::default();
        for purpose in ScriptPurpose::OF_VERSIONS {
            let script = self.chance(of).then(|| self.script(SubjectKind::Computer));
            scripts = scripts.with(*purpose, script);
        }
        scripts
    }

    fn guid(&mut self) -> String {
        format!("{{AC76BA86-1033-FFFF-7760-BC15014EA70{}}}", self.dice.random_range(0..4))
    }

    fn detection(&mut self) -> Option<Detection> {
        Some(match self.dice.random_range(0..6) {
            0 => Detection::Script(self.script(SubjectKind::Computer)),
            1 => Detection::UpgradeCode(self.guid()),
            2 => Detection::ProductCodes([self.guid(), self.guid()].into()),
            3 => {
                let ways = [NameMatch::Contains, NameMatch::Exact, NameMatch::Regex];
                let matching = self.pick(&ways);
                let names = ["Adobe", "^Reader (\\d+)$", "7-Zip '\"x"];
                Detection::SoftwareTable { name: self.pick(&names).to_owned(), matching }
            }
            _ => return None,
        })
    }

    fn versions(&mut self, at: usize) -> Vec<SoftwareVersion> {
        let mut texts = BTreeSet::new();
        for _ in 0..self.dice.random_range(0..4) {
            texts.insert(self.pick(&["1.0", "9.1", "10.0", "24.1 beta", "2'\"3"]));
        }
        let texts: Vec<&str> = texts.into_iter().collect();
        let plain = self.chance(0.4);
        let mut versions = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            let several = !plain && self.chance(SOME);
            let architectures = match several {
                true => vec![Some(Architecture::X64), Some(Architecture::Arm64)],
                false if plain => vec![None],
                false => vec![self.pick(&[None, Some(Architecture::X86)])],
            };
            for architecture in architectures {
                let id = VersionId::of_text(&format!("{at}{text}{architecture:?}"), 0);
                let bare = SoftwareVersion::new(id, text);
                // An earlier one of the list: no circle.
                let before = texts[..number].to_vec();
                versions.push(match plain {
                    true => bare,
                    false => self.version(bare, architecture, &before),
                });
            }
        }
        versions
    }

    fn version(
        &mut self,
        bare: SoftwareVersion,
        architecture: Option<Architecture>,
        before: &[&str],
    ) -> SoftwareVersion {
        let download = Download {
            url: self.pick(&["https://x.example/a.msi", "http://x.example/?a=b'c"]).to_owned(),
            sha256: self.chance(0.5).then(|| "0af9".repeat(16)),
            file_name: self.chance(0.5).then(|| "setup'1.exe".to_owned()),
        };
        let strategies = [None, Some(UpgradeStrategy::None), Some(UpgradeStrategy::Script)];
        let requires = !before.is_empty() && self.chance(SOME);
        SoftwareVersion {
            architecture,
            download: self.chance(0.5).then_some(download),
            product_code: self.chance(SOME).then(|| self.guid()),
            requires_version: requires.then(|| self.pick(before).to_owned()),
            upgrade: self.pick(&strategies),
            scripts: self.software_scripts(0.15),
            ..bare
        }
    }

    fn licensing(&mut self) -> Licensing {
        let requirements =
            [LicenceRequirement::None, LicenceRequirement::Optional, LicenceRequirement::Required];
        let requirement = self.pick(&requirements);
        let count = match requirement {
            LicenceRequirement::None => 0,
            _ => self.dice.random_range(0..3),
        };
        let licences = (0..count).map(|number| Licence {
            name: self.handle(number),
            value: KeptSecret::parse("store:a \"kept\" one").expect("it is one"),
            tenant: self.chance(0.5).then(|| self.pick(&self.tenants.clone())),
            version: self.chance(0.5).then(|| "24".to_owned()),
        });
        let licences = licences.collect();
        Licensing { requirement, kind: self.pick(&[LicenceKind::Key, LicenceKind::File]), licences }
    }

    fn parameters(&mut self, prefix: &str) -> Vec<Parameter> {
        if self.chance(0.6) {
            return Vec::new();
        }
        let kinds = [
            ParameterKind::Text,
            ParameterKind::Number,
            ParameterKind::Boolean,
            ParameterKind::Select(vec!["a".to_owned(), "it's \"b\"".to_owned()]),
            ParameterKind::Password,
            ParameterKind::File,
            ParameterKind::Uri,
            ParameterKind::KeyValue,
        ];
        let count = self.dice.random_range(1..4);
        let one = |number: usize| {
            let kind = self.pick(&kinds);
            let default = self.chance(0.5).then(|| self.value(&kind));
            Parameter {
                title: self.chance(SOME).then(|| self.name()),
                required: self.chance(0.5),
                fixed: default.is_some() && self.chance(SOME),
                default,
                note: self.pick(&["", "a note", "two\nlines"]).to_owned(),
                ..Parameter::new(&format!("{prefix} '{number}'"), kind)
            }
        };
        (0..count).map(one).collect()
    }

    fn value(&mut self, kind: &ParameterKind) -> Value {
        match kind {
            ParameterKind::Text => json!(self.name()),
            ParameterKind::Number => self.pick(&[json!(3), json!(1.5), json!(-1e30)]),
            ParameterKind::Boolean => json!(self.chance(0.5)),
            ParameterKind::Select(choices) => json!(self.pick(choices)),
            ParameterKind::Password => json!("store:printer"),
            ParameterKind::File => json!("C:\\x\\a.ini"),
            ParameterKind::Uri => json!("https://x.example/?q='a'"),
            ParameterKind::KeyValue => json!({ "a b": 1, "c": "d'\"", "e": true }),
        }
    }

    /// What a deployment gives where its item defines what it takes.
    pub(super) fn values(&mut self, defined: &[&Parameter]) -> Map<String, Value> {
        let mut values = Map::new();
        for one in defined.iter().filter(|one| !one.fixed) {
            if (one.required && one.default.is_none()) || self.chance(0.5) {
                values.insert(one.name.clone(), self.value(&one.kind));
            }
        }
        values
    }

    /// Prerequisites on these, of which none waits for who has it.
    fn prerequisites(&mut self, on: &[SoftwareId]) -> Vec<Prerequisite> {
        if on.is_empty() || self.chance(0.6) {
            return Vec::new();
        }
        let some = |dice: &mut Self| -> BTreeSet<SoftwareId> {
            (0..dice.dice.random_range(1..3)).map(|_| dice.pick(on)).collect()
        };
        let one = |dice: &mut Self| {
            let action = dice.pick(&[
                PrerequisiteAction::Install,
                PrerequisiteAction::Uninstall,
                PrerequisiteAction::Fail,
            ]);
            Prerequisite {
                quantifier: dice.pick(&[Quantifier::Any, Quantifier::All]),
                of: some(dice),
                presence: match action {
                    PrerequisiteAction::Install => Presence::NotInstalled,
                    PrerequisiteAction::Uninstall => Presence::Installed,
                    PrerequisiteAction::Fail => {
                        dice.pick(&[Presence::Installed, Presence::NotInstalled])
                    }
                },
                action,
                software: match action {
                    PrerequisiteAction::Fail => BTreeSet::new(),
                    _ => some(dice),
                },
            }
        };
        (0..self.dice.random_range(1..3)).map(|_| one(self)).collect()
    }

    fn order(&mut self) -> Order {
        let orders =
            [Order::Unordered, Order::Unordered, Order::Beginning(i32::MIN), Order::End(7)];
        self.pick(&orders)
    }

    pub(super) fn software(&mut self, at: usize) -> Software {
        let name = self.handle(at);
        let later: Vec<SoftwareId> = (at + 1..ITEMS).map(software_id).collect();
        let upgrades = [
            UpgradeStrategy::None,
            UpgradeStrategy::UninstallInstall,
            UpgradeStrategy::InstallOver,
            UpgradeStrategy::Script,
        ];
        let repairs = [
            RepairStrategy::None,
            RepairStrategy::UninstallInstall,
            RepairStrategy::InstallOver,
            RepairStrategy::Script,
        ];
        Software {
            title: if self.chance(0.5) { name.clone() } else { self.name() },
            publisher: self.chance(0.5).then(|| self.name()),
            origin: self.origin(),
            versions: self.versions(at),
            detection: self.detection(),
            scripts: self.software_scripts(0.2),
            dynamic_versions: self.chance(SOME).then(|| self.script(SubjectKind::Computer)),
            reported_uninstall: self.chance(0.7),
            upgrade: self.pick(&upgrades),
            repair: self.pick(&repairs),
            reboot_needed: self.chance(SOME),
            configuration: self.chance(SOME).then(|| task_id(0)),
            licensing: self.licensing(),
            parameters: self.parameters("s"),
            prerequisites: self.prerequisites(&later),
            order: self.order(),
            ..Software::new(software_id(at), &name)
        }
    }

    pub(super) fn task(&mut self, at: usize) -> Task {
        let all = [TaskCategory::Computer, TaskCategory::Tenant, TaskCategory::Person];
        let category = all[at % 3];
        let mut scripts = TaskScripts::default();
        for purpose in ScriptPurpose::OF_TASKS {
            let script = self.chance(SOME).then(|| self.script(category.subjects()));
            scripts = scripts.with(*purpose, script);
        }
        let any: Vec<SoftwareId> = (0..ITEMS).map(software_id).collect();
        Task {
            title: self.name(),
            category,
            instances: self.chance(0.5),
            origin: self.origin(),
            scripts,
            parameters: self.parameters("t"),
            serial: self.chance(SOME).then(|| "the \"lock\"".to_owned()),
            secret_fields: match self.chance(SOME) {
                true => vec!["recovery key".to_owned(), "\"pin\"".to_owned()],
                false => Vec::new(),
            },
            onboarding_only: self.chance(SOME),
            ignored_in_automatic_onboarding: self.chance(SOME),
            prerequisites: self.prerequisites(&any),
            order: self.order(),
            ..Task::new(task_id(at), &self.handle(at))
        }
    }
}
