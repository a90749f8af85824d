//! Software: how it is found, installed, upgraded, mended and taken away.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::script::is_default;
use super::{KeptSecret, Order, Origin, Parameter, Prerequisite, Script, ScriptPurpose};
use crate::id::{SoftwareId, TaskId, TenantId, VersionId};

/// How a name is compared with those of the software table, without case.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum NameMatch {
    /// It is part of it.
    #[default]
    Contains,
    /// It is it.
    Exact,
    /// It is a regular expression that is found in it.
    Regex,
}

/// How a computer is asked whether software is there, and in which version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Detection {
    /// By its name in the table of installed software.
    SoftwareTable {
        /// The name, or an expression.
        name: String,
        /// How it is compared.
        #[serde(default)]
        matching: NameMatch,
    },
    /// By the upgrade code of Windows Installer, which all its versions share: `{…}`.
    UpgradeCode(String),
    /// By product codes of Windows Installer: these, and those of its versions.
    ProductCodes(BTreeSet<String>),
    /// By a script that prints the version, or nothing where it is not there.
    Script(Script),
}

impl Detection {
    /// Whether it finds a row of the software table, which may say how it is uninstalled.
    #[must_use]
    pub fn by_table(&self) -> bool {
        !matches!(self, Detection::Script(_))
    }
}

/// What a newer version does where an older one is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum UpgradeStrategy {
    /// Nothing: an update fails.
    #[default]
    None,
    /// The old one is uninstalled, the new one installed.
    UninstallInstall,
    /// The new one is installed over the old one.
    InstallOver,
    /// The upgrade script.
    Script,
}

/// What is done where a version is there and its test says that it does not work.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum RepairStrategy {
    /// Nothing: it fails.
    #[default]
    None,
    /// It is uninstalled and installed anew.
    UninstallInstall,
    /// It is installed over itself.
    InstallOver,
    /// The repair script.
    Script,
}

/// What software and each of its versions may have scripts for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoftwareScripts {
    /// Puts it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install: Option<Script>,
    /// After an install that worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_install: Option<Script>,
    /// Takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uninstall: Option<Script>,
    /// After an uninstall that worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_uninstall: Option<Script>,
    /// Makes a newer version of what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Script>,
    /// Mends what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair: Option<Script>,
    /// Ends with `true` or `false`: whether what is there works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Script>,
}

impl SoftwareScripts {
    /// The script for a purpose. There is none for purposes of tasks, for `detect` and for
    /// `dynamic_versions`, which versions have no own ones of.
    #[must_use]
    pub fn get(&self, purpose: ScriptPurpose) -> Option<&Script> {
        match purpose {
            ScriptPurpose::Install => self.install.as_ref(),
            ScriptPurpose::PostInstall => self.post_install.as_ref(),
            ScriptPurpose::Uninstall => self.uninstall.as_ref(),
            ScriptPurpose::PostUninstall => self.post_uninstall.as_ref(),
            ScriptPurpose::Upgrade => self.upgrade.as_ref(),
            ScriptPurpose::Repair => self.repair.as_ref(),
            ScriptPurpose::Test => self.test.as_ref(),
            _ => None,
        }
    }

    /// The same with a script for a purpose of [`ScriptPurpose::OF_VERSIONS`]; others change nothing.
    #[must_use]
    pub fn with(mut self, purpose: ScriptPurpose, script: Option<Script>) -> Self {
        match purpose {
            ScriptPurpose::Install => self.install = script,
            ScriptPurpose::PostInstall => self.post_install = script,
            ScriptPurpose::Uninstall => self.uninstall = script,
            ScriptPurpose::PostUninstall => self.post_uninstall = script,
            ScriptPurpose::Upgrade => self.upgrade = script,
            ScriptPurpose::Repair => self.repair = script,
            ScriptPurpose::Test => self.test = script,
            _ => {}
        }
        self
    }

    /// Those that are there.
    pub fn iter(&self) -> impl Iterator<Item = (ScriptPurpose, &Script)> {
        let there = |purpose: &ScriptPurpose| Some((*purpose, self.get(*purpose)?));
        ScriptPurpose::OF_VERSIONS.iter().filter_map(there)
    }
}

/// Where a version is fetched from before it is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// Address, `https` or `http`.
    pub url: String,
    /// SHA-256 of the file in 64 hexadecimal digits, lower case. What differs is not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What the file is called on the computer; without it, as the address ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
}

/// For which processors a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// 32 bits of Intel.
    X86,
    /// 64 bits of Intel.
    X64,
    /// 64 bits of ARM.
    Arm64,
}

impl Architecture {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Architecture::X86 => "x86",
            Architecture::X64 => "x64",
            Architecture::Arm64 => "arm64",
        }
    }
}

/// A version of a piece of software.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftwareVersion {
    /// Id.
    pub id: VersionId,
    /// The version, as its publisher writes it. It is there several times only for several
    /// architectures.
    pub version: String,
    /// For which processors; without it, for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// Where it is fetched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<Download>,
    /// Its product code of Windows Installer: `{…}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_code: Option<String>,
    /// The version that must be there before this one: a stepping stone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_version: Option<String>,
    /// What it does where an older one is; without it, what the software does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<UpgradeStrategy>,
    /// Its own scripts, which beat those of the software.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scripts: SoftwareScripts,
}

impl SoftwareVersion {
    /// A version of which nothing else is known.
    #[must_use]
    pub fn new(id: VersionId, version: &str) -> Self {
        Self {
            id,
            version: version.to_owned(),
            architecture: None,
            download: None,
            product_code: None,
            requires_version: None,
            upgrade: None,
            scripts: SoftwareScripts::default(),
        }
    }
}

/// Whether software needs a licence.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LicenceRequirement {
    /// It has none.
    #[default]
    None,
    /// It is given one where there is one.
    Optional,
    /// Without one it is not installed.
    Required,
}

/// What a licence is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LicenceKind {
    /// A key: a text.
    #[default]
    Key,
    /// A file, whose text is kept.
    File,
}

/// A licence, for some or for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// What people read; unique among those of its software.
    pub name: String,
    /// The kept secret that is the key, or the text of the file.
    pub value: KeptSecret,
    /// The tenant that it is for; none is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// The versions that it is for: this one, and those that begin with its parts (`24` is for
    /// 24.1); none is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Licence {
    /// Whether it is for a version.
    #[must_use]
    pub fn fits(&self, version: &str) -> bool {
        let Some(of) = &self.version else { return true };
        version
            .strip_prefix(of.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// The licences of a piece of software.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Licensing {
    /// Whether it needs one.
    pub requirement: LicenceRequirement,
    /// What one is.
    pub kind: LicenceKind,
    /// Those that there are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub licences: Vec<Licence>,
}

impl Licensing {
    /// The licence for a tenant's computer and a version: the tenant's own before one for all, one
    /// for fewer versions before one for more, then the first by name.
    #[must_use]
    pub fn for_version(&self, tenant: TenantId, version: &str) -> Option<&Licence> {
        let fits = |one: &&Licence| one.tenant.is_none_or(|of| of == tenant) && one.fits(version);
        self.licences.iter().filter(fits).min_by_key(|one| {
            let narrow = one.version.as_ref().map_or(0, String::len);
            (one.tenant.is_none(), std::cmp::Reverse(narrow), &one.name)
        })
    }
}

/// How software that is there is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal<'a> {
    /// By a script.
    Script(&'a Script),
    /// By the uninstall string that the software table reports.
    Reported,
}

/// A piece of software.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// Id.
    pub id: SoftwareId,
    /// Handle, unique among software without case.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Publisher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// Who defined it.
    #[serde(default)]
    pub origin: Origin,
    /// Its versions, in no particular order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<SoftwareVersion>,
    /// How it is found; without it nobody knows whether it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection: Option<Detection>,
    /// Its scripts; those of a version beat them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scripts: SoftwareScripts,
    /// Says which versions there are, and where each is fetched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_versions: Option<Script>,
    /// Without an uninstall script, the uninstall string that the software table reports is used.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub reported_uninstall: bool,
    /// What a newer version does where an older one is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub upgrade: UpgradeStrategy,
    /// What is done where it does not work.
    #[serde(default, skip_serializing_if = "is_default")]
    pub repair: RepairStrategy,
    /// It works only after a reboot.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reboot_needed: bool,
    /// The task that configures it, right after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<TaskId>,
    /// Its licences.
    #[serde(default, skip_serializing_if = "is_default")]
    pub licensing: Licensing,
    /// What its scripts are given by deployments; beside these, what its configuration task is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// What must be so before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<Prerequisite>,
    /// When it has its turn.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: Order,
}

fn yes() -> bool {
    true
}

fn is_yes(set: &bool) -> bool {
    *set
}

impl Software {
    /// A piece of software of the provider's own, of which nothing else is known.
    #[must_use]
    pub fn new(id: SoftwareId, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            title: name.to_owned(),
            publisher: None,
            origin: Origin::Own,
            versions: Vec::new(),
            detection: None,
            scripts: SoftwareScripts::default(),
            dynamic_versions: None,
            reported_uninstall: true,
            upgrade: UpgradeStrategy::None,
            repair: RepairStrategy::None,
            reboot_needed: false,
            configuration: None,
            licensing: Licensing::default(),
            parameters: Vec::new(),
            prerequisites: Vec::new(),
            order: Order::Unordered,
        }
    }

    /// The script for a purpose: that of the version, else that of the software.
    #[must_use]
    pub fn script<'a>(
        &'a self,
        purpose: ScriptPurpose,
        version: Option<&'a SoftwareVersion>,
    ) -> Option<&'a Script> {
        match (purpose, &self.detection) {
            (ScriptPurpose::Detect, Some(Detection::Script(script))) => Some(script),
            (ScriptPurpose::DynamicVersions, _) => self.dynamic_versions.as_ref(),
            _ => {
                let own = version.and_then(|version| version.scripts.get(purpose));
                own.or(self.scripts.get(purpose))
            }
        }
    }

    /// What a version does where an older one is: as it says itself, else as the software does.
    #[must_use]
    pub fn upgrade_to(&self, version: Option<&SoftwareVersion>) -> UpgradeStrategy {
        version.and_then(|version| version.upgrade).unwrap_or(self.upgrade)
    }

    /// How a version that is there is taken away; nothing where there is no way.
    #[must_use]
    pub fn removal<'a>(&'a self, version: Option<&'a SoftwareVersion>) -> Option<Removal<'a>> {
        let reported =
            self.reported_uninstall && self.detection.as_ref().is_some_and(Detection::by_table);
        let script = self.script(ScriptPurpose::Uninstall, version).map(Removal::Script);
        script.or(reported.then_some(Removal::Reported))
    }

    /// The product codes by which it is found, each once: its own and those of its versions.
    #[must_use]
    pub fn product_codes(&self) -> BTreeSet<&str> {
        let Some(Detection::ProductCodes(codes)) = &self.detection else { return BTreeSet::new() };
        let of_versions = self.versions.iter().filter_map(|one| one.product_code.as_deref());
        codes.iter().map(String::as_str).chain(of_versions).collect()
    }
}

#[cfg(test)]
mod tests;
