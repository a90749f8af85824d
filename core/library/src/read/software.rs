//! Software.

use std::collections::BTreeSet;

use core_model::id::TaskId;
use core_model::library::{
    Detection, KeptSecret, Licence, LicenceKind, LicenceRequirement, Licensing, NameMatch,
    RepairStrategy, Script, ScriptPurpose, Software, SoftwareScripts, SubjectKind, TaskCategory,
    UpgradeStrategy, handle,
};
use core_toml::{Node, printable};

use super::items::origin;
use super::parameters::KEEP;
use super::prerequisites::place_of;
use super::{Reader, Table};

impl<'a> Reader<'a> {
    pub(super) fn read_software(&mut self) -> Vec<Software> {
        let tables = self.tables("software");
        tables.into_iter().filter_map(|table| self.one_software(table)).collect()
    }

    fn one_software(&mut self, table: Table<'a>) -> Option<Software> {
        // Everything is read before anything that is missing ends it, so that all is told.
        let own = self.own(table, &self.software);
        let versions = self.versions(table, own.as_ref().map(|(id, ..)| *id));
        let detection =
            self.detection(table, versions.iter().any(|one| one.product_code.is_some()));
        let scripts = self.software_scripts(table);
        let dynamic_versions = self.computer_script(table, ScriptPurpose::DynamicVersions.key());
        let configuration = self.configuration(table);
        let licensing = self.licensing(table);
        let parameters = self.read_parameters(table);
        let item = own.as_ref().map(|(id, ..)| (*id).into());
        let prerequisites = self.read_prerequisites(table, item);
        let order = self.order(table);
        let (id, _, name) = own?;
        self.parameters.insert(id.into(), parameters.clone());
        self.configurations.extend(configuration.map(|task| (id, task)));
        Some(Software {
            title: table.text("title").unwrap_or(&name).to_owned(),
            publisher: table.text("publisher").map(str::to_owned),
            origin: origin(table),
            versions,
            detection,
            scripts,
            dynamic_versions,
            reported_uninstall: table.get("reported_uninstall").is_none()
                || table.flag("reported_uninstall"),
            upgrade: upgrade_strategy(table).unwrap_or_default(),
            repair: match table.text("repair_strategy") {
                Some("uninstall-install") => RepairStrategy::UninstallInstall,
                Some("install-over") => RepairStrategy::InstallOver,
                Some("script") => RepairStrategy::Script,
                _ => RepairStrategy::None,
            },
            reboot_needed: table.flag("reboot_needed"),
            configuration,
            licensing,
            parameters,
            prerequisites,
            order,
            ..Software::new(id, &name)
        })
    }

    /// A script of software, which is for computers.
    fn computer_script(&mut self, table: Table<'a>, key: &str) -> Option<Script> {
        self.script(table, key, SubjectKind::Computer)
    }

    /// The scripts that software and its versions may have.
    pub(super) fn software_scripts(&mut self, table: Table<'a>) -> SoftwareScripts {
        let mut scripts = SoftwareScripts::default();
        for purpose in ScriptPurpose::OF_VERSIONS {
            scripts = scripts.with(*purpose, self.computer_script(table, purpose.key()));
        }
        scripts
    }

    fn detection(&mut self, table: Table<'a>, versions_have_codes: bool) -> Option<Detection> {
        let node = table.get("detect")?;
        let detect = Table { file: table.file, node };
        if detect.get("match").is_some() && detect.get("table").is_none() {
            let what = "`match` says how a name of the software table is compared";
            self.say(&detect.place("match"), what, "without `table`", "add `table = \"…\"`");
        }
        let ways = ["table", "upgrade_code", "product_codes", "script"];
        let said: Vec<&str> = ways.into_iter().filter(|way| detect.get(way).is_some()).collect();
        match said.as_slice() {
            ["table"] => self.by_table(detect),
            ["upgrade_code"] => {
                let node = detect.get("upgrade_code")?;
                Some(Detection::UpgradeCode(self.guid(detect.file, node)?))
            }
            ["product_codes"] => {
                let nodes = detect.items("product_codes").iter();
                let codes: Vec<Option<String>> =
                    nodes.map(|node| self.guid(detect.file, node)).collect();
                if codes.is_empty() && !versions_have_codes {
                    let what = "there is no product code, and no version has one";
                    let help = "add one, or `product_code` to its versions";
                    self.say(&detect.place("product_codes"), what, "empty", help);
                }
                Some(Detection::ProductCodes(codes.into_iter().collect::<Option<BTreeSet<_>>>()?))
            }
            [_] => self.computer_script(detect, "script").map(Detection::Script),
            [] => {
                let help = "write one of: table, upgrade_code, product_codes, script";
                self.say(&table.place("detect"), "`detect` says no way", "empty", help);
                None
            }
            [first, second, ..] => {
                let what =
                    format!("software is found in one way, and this says `{first}` and `{second}`");
                self.say(&detect.place(second), what, "one too many", "remove one of them");
                None
            }
        }
    }

    fn by_table(&mut self, detect: Table<'a>) -> Option<Detection> {
        let matching = match detect.text("match") {
            Some("exact") => NameMatch::Exact,
            Some("regex") => NameMatch::Regex,
            _ => NameMatch::Contains,
        };
        let name = detect.text("table")?;
        let place = detect.place("table");
        if name.trim().is_empty() {
            // It would be contained in every name.
            self.say(&place, "a name must not be empty", "empty", "name the software");
            return None;
        }
        if matching == NameMatch::Regex
            && let Err(error) = regex::Regex::new(name)
        {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let what = format!("this is no regular expression: {}", printable(why));
            let help = "escape what is meant as itself, or write `match = \"contains\"`";
            self.say(&place, what, "not allowed", help);
            return None;
        }
        Some(Detection::SoftwareTable { name: name.to_owned(), matching })
    }

    /// A code of Windows Installer, in its one spelling: `{…}`, upper case.
    pub(super) fn guid(&mut self, file: usize, node: &'a Node) -> Option<String> {
        let text = node.text()?.trim();
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        let groups: Vec<&str> = inner.split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        let hex = |group: &&str| group.chars().all(|c| c.is_ascii_hexdigit());
        if lengths == [8, 4, 4, 4, 12] && groups.iter().all(hex) {
            return Some(format!("{{{}}}", inner.to_ascii_uppercase()));
        }
        let what = format!("\"{}\" is no code of Windows Installer", printable(text));
        let help = "write it like {AC76BA86-1033-FFFF-7760-BC15014EA700}";
        self.say(&place_of(file, node), what, "no code", help);
        None
    }

    fn configuration(&mut self, table: Table<'a>) -> Option<TaskId> {
        let node = table.get("configuration")?;
        let task = self.definition((table.file, node), "task", |one| &one.tasks)?;
        let category = self.categories.get(&task).map(|(category, _)| *category);
        if category.is_some_and(|category| category != TaskCategory::Computer) {
            let what = "software is configured by a task of computers, and this is another";
            let help = "name a task of the category \"computer\"";
            self.say(&table.place("configuration"), what, "not this one", help);
        }
        Some(task)
    }

    fn licensing(&mut self, table: Table<'a>) -> Licensing {
        let requirement = match table.text("licence") {
            Some("optional") => LicenceRequirement::Optional,
            Some("required") => LicenceRequirement::Required,
            _ => LicenceRequirement::None,
        };
        if requirement == LicenceRequirement::None && table.get("licences").is_some() {
            let what = "there are licences, and none is needed";
            let help = "write `licence = \"required\"` or `licence = \"optional\"`";
            self.say(&table.place("licences"), what, "for nothing", help);
        }
        let mut licences: Vec<Licence> = Vec::new();
        for node in table.items("licences") {
            let table = Table { file: table.file, node };
            let Some(one) = self.licence(table) else { continue };
            if licences.iter().any(|other| handle(&other.name) == handle(&one.name)) {
                let what = format!("the licence `{}` is there twice", printable(&one.name));
                self.say(&table.place("name"), what, "the second", "remove one of them");
                continue;
            }
            licences.push(one);
        }
        let kind = match table.text("licence_kind") {
            Some("file") => LicenceKind::File,
            _ => LicenceKind::Key,
        };
        Licensing { requirement, kind, licences }
    }

    fn licence(&mut self, table: Table<'a>) -> Option<Licence> {
        let tenant = table.get("tenant").map(|node| self.tenant((table.file, node)));
        let value = match KeptSecret::parse(table.text("value")?) {
            Ok(value) => Some(value),
            Err(_) => {
                self.hidden.push(table.place("value"));
                let what = "a licence is not written into the file";
                self.say(&table.place("value"), what, "a secret in clear?", KEEP);
                None
            }
        };
        let name = table.text("name")?.trim();
        if name.is_empty() {
            self.say(&table.place("name"), "a licence must have a name", "empty", "give it one");
        }
        let version = table.text("version").map(str::to_owned);
        let tenant = match tenant {
            Some(found) => Some(found?),
            None => None,
        };
        Some(Licence { name: name.to_owned(), value: value?, tenant, version })
    }
}

pub(super) fn upgrade_strategy(table: Table<'_>) -> Option<UpgradeStrategy> {
    Some(match table.text("upgrade_strategy")? {
        "uninstall-install" => UpgradeStrategy::UninstallInstall,
        "install-over" => UpgradeStrategy::InstallOver,
        "script" => UpgradeStrategy::Script,
        _ => UpgradeStrategy::None,
    })
}
