//! Routes: the steps of one action, each with what it must bring about and where to go on if it did
//! not. What is done is never believed before it was looked at.

use core_model::id::{TenantId, VersionId};
use core_model::library::{
    LicenceRequirement, RepairStrategy, ScriptPurpose, Shortfall, Software, SoftwareVersion, Task,
    TaskMethod, UpgradeStrategy,
};
use serde::{Deserialize, Serialize};

use crate::desired::Deed;
use crate::found::{Failure, FailureClass, Found};
use crate::offer::{Offer, Pick};
use crate::step::Work;
use crate::version::{BadVersion, Version};

/// One step of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// What is done.
    pub work: Work,
    /// What it must bring about.
    pub must: Must,
    /// Where the action goes on with another try where it did not: the number of a move.
    pub again: usize,
}

/// What a move must bring about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Must {
    /// Nothing by itself: the next move looks what came of it.
    BeLookedAt,
    /// Success.
    Succeed,
    /// This version is there, or a newer one.
    BeAtLeast(Version),
    /// This version is there.
    BeExactly(Version),
    /// Any version is there.
    BeThere,
    /// It is not there.
    BeGone,
    /// The test says `true`.
    BeTrue,
    /// Where the test says `true`, the action is done; else it goes on.
    DecideToGoOn,
    /// What the test says is the result.
    BeJudged,
    /// It was read, which is the result.
    BeRecorded,
}

/// Whoever plans routes for a piece of software.
pub(crate) struct Routes<'a> {
    pub(crate) software: &'a Software,
    /// Its versions, read, in their order.
    pub(crate) read: &'a [Result<Version, BadVersion>],
    pub(crate) named: &'a [SoftwareVersion],
    pub(crate) offer: &'a Offer,
    pub(crate) tenant: TenantId,
}

/// A route in the making.
#[derive(Default)]
struct Path(Vec<Move>);

impl Path {
    fn go(&mut self, work: Work, must: Must) -> usize {
        let at = self.0.len();
        self.0.push(Move { work, must, again: at });
        at
    }

    fn look(&mut self, work: Work, must: Must, again: usize) {
        self.0.push(Move { work, must, again });
    }
}

fn lacks(shortfall: Shortfall) -> Failure {
    Failure::new(FailureClass::Definition, shortfall.to_string())
}

impl Routes<'_> {
    /// The moves of a deed.
    ///
    /// # Errors
    /// What is missing for it: a strategy, a script, a stepping stone, a licence.
    pub(crate) fn of(&self, deed: &Deed, found: &Found) -> Result<Vec<Move>, Failure> {
        let mut path = Path::default();
        match deed {
            Deed::Install(pick) => self.anew(pick, &mut path)?,
            Deed::Update(pick) => self.updates(pick, found, &mut path)?,
            Deed::Downgrade(pick) => {
                if self.software.upgrade_to(self.version(pick.id)) == UpgradeStrategy::None {
                    return Err(lacks(Shortfall::Upgrade));
                }
                self.uninstall(found.version(), &mut path)?;
                self.anew(pick, &mut path)?;
                exactly(pick, &mut path);
            }
            Deed::Uninstall => self.uninstall(found.version(), &mut path)?,
            Deed::Repair { then } => {
                self.repair(found, &mut path)?;
                if let Some(pick) = then {
                    self.updates(pick, found, &mut path)?;
                }
            }
            Deed::Nothing | Deed::Enforce | Deed::Audit | Deed::Monitor => {}
        }
        Ok(path.0)
    }

    /// A test first, and the mending only where it says no.
    pub(crate) fn of_pending_test(&self, found: &Found) -> Vec<Move> {
        let mut path = Path::default();
        let installed = self.of_found(found.version());
        path.go(Work::Test(installed), Must::DecideToGoOn);
        // Without a way to mend it, a test that says no is the result.
        if self.repair(found, &mut path).is_err() {
            path.0.truncate(1);
            path.0[0].must = Must::BeJudged;
        }
        path.0
    }

    /// Whether what is there can be tested.
    pub(crate) fn has_test(&self, found: &Found) -> bool {
        let purpose = ScriptPurpose::Test;
        if self.software.script(purpose, None).is_some() {
            return true;
        }
        // Which version is there is asked only where that may matter: outlines come here again and again.
        let mut versions = self.software.versions.iter().chain(self.named);
        versions.any(|version| version.scripts.get(purpose).is_some())
            && self.script(purpose, self.of_found(found.version()))
    }

    /// The version that is there, where the library knows it.
    pub(crate) fn installed(&self, found: &Found) -> Option<VersionId> {
        self.of_found(found.version())
    }

    fn version(&self, id: VersionId) -> Option<&SoftwareVersion> {
        self.software.versions.iter().chain(self.named).find(|version| version.id == id)
    }

    fn of_found(&self, found: Option<&Version>) -> Option<VersionId> {
        let found = found?;
        let same = |read: &Result<Version, BadVersion>| read.as_ref().is_ok_and(|one| one == found);
        let own = self.read.iter().position(same).and_then(|at| self.software.versions.get(at));
        let named = || self.named.iter().find(|one| same(&Version::parse(&one.version)));
        own.or_else(named).map(|version| version.id)
    }

    fn script(&self, purpose: ScriptPurpose, version: Option<VersionId>) -> bool {
        let version = version.and_then(|id| self.version(id));
        self.software.script(purpose, version).is_some()
    }

    fn licence(&self, pick: &Pick) -> Result<(), Failure> {
        let licensing = &self.software.licensing;
        let has = || licensing.for_version(self.tenant, pick.version.as_str()).is_some();
        if licensing.requirement != LicenceRequirement::Required || has() {
            return Ok(());
        }
        let message = format!("version {} needs a licence, and there is none", pick.version);
        Err(Failure::new(FailureClass::NoLicence, message))
    }

    /// The versions on the way to one: those that must be there before, and it.
    fn stones(&self, pick: &Pick, there: Option<&Version>) -> Result<Vec<Pick>, Failure> {
        let mut stones = vec![pick.clone()];
        while let Some(first) = stones.first() {
            let needed = self.version(first.id).and_then(|one| one.requires_version.as_deref());
            let Some(needed) = needed else { break };
            let version = Version::parse(needed)
                .map_err(|bad| Failure::new(FailureClass::Definition, bad.to_string()))?;
            if there.is_some_and(|there| *there >= version) {
                break;
            }
            if stones.iter().any(|stone| stone.version == version) {
                let message = format!("version {version} requires itself to be there before");
                return Err(Failure::new(FailureClass::Definition, message));
            }
            let stone = self.offer.exactly(&version).map_err(|failure| {
                let message = format!("{} must be there before it; {}", version, failure.message);
                Failure::new(failure.class, message)
            })?;
            stones.insert(0, stone);
        }
        Ok(stones)
    }

    /// Where nothing is there.
    fn anew(&self, pick: &Pick, path: &mut Path) -> Result<(), Failure> {
        for (at, stone) in self.stones(pick, None)?.iter().enumerate() {
            match at {
                0 => self.install(stone, path)?,
                _ => self.update(stone, None, path)?,
            }
        }
        Ok(())
    }

    fn updates(&self, pick: &Pick, found: &Found, path: &mut Path) -> Result<(), Failure> {
        for (at, stone) in self.stones(pick, found.version())?.iter().enumerate() {
            let there = if at == 0 { found.version() } else { None };
            self.update(stone, there, path)?;
        }
        Ok(())
    }

    fn update(&self, pick: &Pick, there: Option<&Version>, path: &mut Path) -> Result<(), Failure> {
        self.licence(pick)?;
        match self.software.upgrade_to(self.version(pick.id)) {
            UpgradeStrategy::None => Err(lacks(Shortfall::Upgrade)),
            UpgradeStrategy::InstallOver => self.install(pick, path),
            UpgradeStrategy::UninstallInstall => self.replace(pick, there, path),
            UpgradeStrategy::Script => {
                if !self.script(ScriptPurpose::Upgrade, Some(pick.id)) {
                    return Err(lacks(Shortfall::UpgradeScript));
                }
                self.download(pick.id, path);
                let run = path.go(Work::Upgrade(pick.id), Must::BeLookedAt);
                self.verify(pick, run, path);
                Ok(())
            }
        }
    }

    fn download(&self, id: VersionId, path: &mut Path) {
        if self.version(id).is_some_and(|version| version.download.is_some()) {
            path.go(Work::Download(id), Must::Succeed);
        }
    }

    fn install(&self, pick: &Pick, path: &mut Path) -> Result<(), Failure> {
        self.licence(pick)?;
        self.download(pick.id, path);
        self.run_install(pick, path);
        Ok(())
    }

    fn run_install(&self, pick: &Pick, path: &mut Path) {
        let run = path.go(Work::Install(pick.id), Must::BeLookedAt);
        self.verify(pick, run, path);
    }

    /// It is there, what comes after an install is done, and it works.
    fn verify(&self, pick: &Pick, run: usize, path: &mut Path) {
        // Newer than expected is well: many installers fetch the newest by themselves.
        path.look(Work::Detect, Must::BeAtLeast(pick.version.clone()), run);
        if self.script(ScriptPurpose::PostInstall, Some(pick.id)) {
            path.go(Work::PostInstall(pick.id), Must::Succeed);
        }
        if self.script(ScriptPurpose::Test, Some(pick.id)) {
            path.look(Work::Test(Some(pick.id)), Must::BeTrue, run);
        }
    }

    /// The new one is fetched before the old one goes.
    fn replace(
        &self,
        pick: &Pick,
        there: Option<&Version>,
        path: &mut Path,
    ) -> Result<(), Failure> {
        self.download(pick.id, path);
        self.uninstall(there, path)?;
        self.run_install(pick, path);
        Ok(())
    }

    fn uninstall(&self, there: Option<&Version>, path: &mut Path) -> Result<(), Failure> {
        let installed = self.of_found(there);
        if self.software.removal(installed.and_then(|id| self.version(id))).is_none() {
            return Err(lacks(Shortfall::Uninstall));
        }
        let run = path.go(Work::Uninstall(installed), Must::BeLookedAt);
        path.look(Work::Detect, Must::BeGone, run);
        if self.script(ScriptPurpose::PostUninstall, installed) {
            path.go(Work::PostUninstall(installed), Must::Succeed);
        }
        Ok(())
    }

    fn repair(&self, found: &Found, path: &mut Path) -> Result<(), Failure> {
        let installed = self.of_found(found.version());
        let same = || {
            let pick = found.version().and_then(|there| self.offer.exactly(there).ok());
            let pick = pick.or_else(|| self.offer.latest());
            pick.ok_or_else(|| self.offer.nothing("one to install anew"))
        };
        match self.software.repair {
            RepairStrategy::None => {
                let message = "it does not work, and there is no repair strategy";
                Err(Failure::new(FailureClass::Definition, message))
            }
            RepairStrategy::UninstallInstall => {
                let pick = same()?;
                self.licence(&pick)?;
                self.replace(&pick, found.version(), path)
            }
            RepairStrategy::InstallOver => self.install(&same()?, path),
            RepairStrategy::Script => {
                if !self.script(ScriptPurpose::Repair, installed) {
                    return Err(lacks(Shortfall::RepairScript));
                }
                let run = path.go(Work::Repair(installed), Must::BeLookedAt);
                path.look(Work::Detect, Must::BeThere, run);
                if self.script(ScriptPurpose::Test, installed) {
                    path.look(Work::Test(installed), Must::BeTrue, run);
                }
                Ok(())
            }
        }
    }
}

/// After a downgrade, newer than expected is what it was before.
fn exactly(pick: &Pick, path: &mut Path) {
    for one in &mut path.0 {
        if one.must == Must::BeAtLeast(pick.version.clone()) {
            one.must = Must::BeExactly(pick.version.clone());
        }
    }
}

/// The moves of a task.
///
/// # Errors
/// The script that is missing.
pub(crate) fn of_task(task: &Task, deed: &Deed) -> Result<Vec<Move>, Failure> {
    let need = |method, shortfall| {
        task.scripts.by_method(method).map(|_| ()).ok_or_else(|| lacks(shortfall))
    };
    let mut path = Path::default();
    match deed {
        Deed::Enforce => {
            need(TaskMethod::Test, Shortfall::Test)?;
            need(TaskMethod::Set, Shortfall::Set)?;
            path.go(Work::Test(None), Must::DecideToGoOn);
            let run = path.go(Work::Set, Must::BeLookedAt);
            path.look(Work::Test(None), Must::BeTrue, run);
        }
        Deed::Audit => {
            need(TaskMethod::Test, Shortfall::Test)?;
            path.go(Work::Test(None), Must::BeJudged);
        }
        Deed::Monitor => {
            need(TaskMethod::Get, Shortfall::Get)?;
            path.go(Work::Get, Must::BeRecorded);
        }
        _ => {}
    }
    Ok(path.0)
}
