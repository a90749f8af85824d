//! What an item lacks for a state that a deployment wants of it.

use std::fmt;

use super::{
    DesiredState, LicenceRequirement, RepairStrategy, ScriptPurpose, Software, Task, TaskMethod,
    UpgradeStrategy,
};

/// What is missing. The deployment may be saved; what it wants cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shortfall {
    /// Nobody can tell whether the software is there.
    Detection,
    /// It cannot be installed.
    Install,
    /// A newer version can do nothing about an older one.
    Upgrade,
    /// The upgrade strategy is a script that is not there.
    UpgradeScript,
    /// The repair strategy is a script that is not there.
    RepairScript,
    /// It cannot be taken away.
    Uninstall,
    /// It needs a licence, and there is none.
    Licence,
    /// No version is known.
    Versions,
    /// The version that is wanted is not known.
    Version,
    /// The task has nothing that tests.
    Test,
    /// The task has nothing that sets.
    Set,
    /// The task has nothing that gets.
    Get,
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shortfall::Detection => "there is no detection: nobody knows whether it is there",
            Shortfall::Install => "there is no install script",
            Shortfall::Upgrade => "there is no upgrade strategy: an update fails",
            Shortfall::UpgradeScript => "its upgrade is a script, and there is none",
            Shortfall::RepairScript => "its repair is a script, and there is none",
            Shortfall::Uninstall => "there is no uninstall script, and no uninstall string is used",
            Shortfall::Licence => "it needs a licence, and there is none",
            Shortfall::Versions => "no version is known, and no script tells any",
            Shortfall::Version => "this version is not among its versions, and no script tells any",
            Shortfall::Test => "there is no test script",
            Shortfall::Set => "there is no set script",
            Shortfall::Get => "there is no get script",
        })
    }
}

impl Software {
    /// What this lacks to be in a state; of versions, that one at least lacks.
    #[must_use]
    pub fn shortfalls(&self, state: &DesiredState) -> Vec<Shortfall> {
        use DesiredState as State;
        let (installs, updates) = match state {
            State::Latest | State::NewerOrEqual(_) | State::ThisVersion(_) => (true, true),
            State::OlderOrEqual(_) | State::AnyVersion => (true, false),
            State::UpdateIfFound => (false, true),
            State::Absent => (false, false),
            State::Ignored | State::Enforce | State::Audit | State::Monitor => return Vec::new(),
        };
        let absent = *state == State::Absent;
        let mut lacks = Vec::new();
        let mut when = |condition: bool, shortfall| {
            if condition {
                lacks.push(shortfall);
            }
        };
        when(self.detection.is_none(), Shortfall::Detection);
        when(!absent && self.install_is_missing(), Shortfall::Install);
        when(!absent && self.no_version_is_known(), Shortfall::Versions);
        when(self.version_is_unknown(state), Shortfall::Version);
        if updates {
            let strategies = self.strategies();
            when(strategies.contains(&UpgradeStrategy::None), Shortfall::Upgrade);
            when(self.upgrade_script_is_missing(), Shortfall::UpgradeScript);
        }
        let over = updates && self.strategies().contains(&UpgradeStrategy::UninstallInstall);
        when((absent || over) && self.removal_is_missing(), Shortfall::Uninstall);
        let repairs = self.repair == RepairStrategy::Script;
        when(!absent && repairs && self.is_missing(ScriptPurpose::Repair), Shortfall::RepairScript);
        let licensing = &self.licensing;
        let needed = licensing.requirement == LicenceRequirement::Required;
        when(installs && needed && licensing.licences.is_empty(), Shortfall::Licence);
        lacks
    }

    /// Whether there is a version without a script for this, or no version and no script.
    fn is_missing(&self, purpose: ScriptPurpose) -> bool {
        let of_one = |version| self.script(purpose, version).is_none();
        match self.versions.as_slice() {
            [] => of_one(None),
            versions => versions.iter().any(|version| of_one(Some(version))),
        }
    }

    fn install_is_missing(&self) -> bool {
        self.is_missing(ScriptPurpose::Install)
    }

    fn removal_is_missing(&self) -> bool {
        match self.versions.as_slice() {
            [] => self.removal(None).is_none(),
            versions => versions.iter().any(|version| self.removal(Some(version)).is_none()),
        }
    }

    fn strategies(&self) -> Vec<UpgradeStrategy> {
        match self.versions.as_slice() {
            [] => vec![self.upgrade],
            versions => versions.iter().map(|version| self.upgrade_to(Some(version))).collect(),
        }
    }

    fn upgrade_script_is_missing(&self) -> bool {
        let lacks = |version| {
            self.upgrade_to(version) == UpgradeStrategy::Script
                && self.script(ScriptPurpose::Upgrade, version).is_none()
        };
        match self.versions.as_slice() {
            [] => lacks(None),
            versions => versions.iter().any(|version| lacks(Some(version))),
        }
    }

    fn no_version_is_known(&self) -> bool {
        self.versions.is_empty() && self.dynamic_versions.is_none()
    }

    /// Only where versions are listed: without any, that is what is told.
    fn version_is_unknown(&self, state: &DesiredState) -> bool {
        let DesiredState::ThisVersion(version) = state else { return false };
        let listed = self.versions.iter().any(|one| one.version == *version);
        !self.versions.is_empty() && self.dynamic_versions.is_none() && !listed
    }
}

impl Task {
    /// What this lacks for a mode: to enforce it must test and set, to audit test, to monitor get.
    #[must_use]
    pub fn shortfalls(&self, mode: &DesiredState) -> Vec<Shortfall> {
        let needed: &[(TaskMethod, Shortfall)] = match mode {
            DesiredState::Enforce => {
                &[(TaskMethod::Test, Shortfall::Test), (TaskMethod::Set, Shortfall::Set)]
            }
            DesiredState::Audit => &[(TaskMethod::Test, Shortfall::Test)],
            DesiredState::Monitor => &[(TaskMethod::Get, Shortfall::Get)],
            _ => &[],
        };
        let missing = needed.iter().filter(|(method, _)| self.scripts.by_method(*method).is_none());
        missing.map(|(_, shortfall)| *shortfall).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{SoftwareId, TaskId, VersionId};
    use crate::library::{Detection, NameMatch, Script, SoftwareVersion};

    fn bare() -> Software {
        Software::new(SoftwareId::of_text("reader", 0), "reader")
    }

    fn whole() -> Software {
        let name = "Reader".to_owned();
        let mut one = bare();
        one.detection = Some(Detection::SoftwareTable { name, matching: NameMatch::Contains });
        one.scripts.install = Some(Script::new("msiexec"));
        one.upgrade = UpgradeStrategy::InstallOver;
        one.versions = vec![SoftwareVersion::new(VersionId::of_text("1", 0), "1")];
        one
    }

    #[test]
    fn what_software_lacks_depends_on_what_is_wanted() {
        use DesiredState as State;
        use Shortfall as Lacks;
        let lacks = |state: &State| bare().shortfalls(state);
        let all = [Lacks::Detection, Lacks::Install, Lacks::Versions, Lacks::Upgrade];
        assert_eq!(lacks(&State::Latest), all);
        assert_eq!(lacks(&State::AnyVersion), all[..3]);
        assert_eq!(lacks(&State::Absent), [Lacks::Detection, Lacks::Uninstall]);
        assert_eq!(lacks(&State::Ignored), []);
        for state in [State::Latest, State::UpdateIfFound, State::Absent, State::AnyVersion] {
            assert_eq!(whole().shortfalls(&state), [], "{state:?}");
        }
        assert_eq!(whole().shortfalls(&State::ThisVersion("1".to_owned())), []);
        assert_eq!(whole().shortfalls(&State::ThisVersion("2".to_owned())), [Lacks::Version]);
    }

    #[test]
    fn strategies_that_are_scripts_need_them_and_a_version_may_bring_its_own() {
        let mut one = whole();
        one.upgrade = UpgradeStrategy::Script;
        one.repair = RepairStrategy::Script;
        let lacks = [Shortfall::UpgradeScript, Shortfall::RepairScript];
        assert_eq!(one.shortfalls(&DesiredState::Latest), lacks);
        one.versions[0].scripts.upgrade = Some(Script::new("up"));
        one.scripts.repair = Some(Script::new("mend"));
        assert_eq!(one.shortfalls(&DesiredState::Latest), []);
        one.versions[0].upgrade = Some(UpgradeStrategy::UninstallInstall);
        one.reported_uninstall = false;
        assert_eq!(one.shortfalls(&DesiredState::Latest), [Shortfall::Uninstall]);
        one.licensing.requirement = LicenceRequirement::Required;
        assert_eq!(one.shortfalls(&DesiredState::AnyVersion), [Shortfall::Licence]);
        assert_eq!(one.shortfalls(&DesiredState::Absent), [Shortfall::Uninstall]);
    }

    #[test]
    fn modes_need_their_scripts_and_a_combined_one_has_them_all() {
        use Shortfall as Lacks;
        let mut task = Task::new(TaskId::of_text("bitlocker", 0), "bitlocker");
        assert_eq!(task.shortfalls(&DesiredState::Enforce), [Lacks::Test, Lacks::Set]);
        assert_eq!(task.shortfalls(&DesiredState::Audit), [Lacks::Test]);
        assert_eq!(task.shortfalls(&DesiredState::Monitor), [Lacks::Get]);
        assert_eq!(task.shortfalls(&DesiredState::Ignored), []);
        task.scripts.test = Some(Script::new("test"));
        assert_eq!(task.shortfalls(&DesiredState::Enforce), [Lacks::Set]);
        task.scripts.combined = Some(Script::new("all"));
        assert_eq!(task.shortfalls(&DesiredState::Enforce), []);
        assert_eq!(task.shortfalls(&DesiredState::Monitor), []);
    }
}
