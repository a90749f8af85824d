//! The versions of a piece of software that could be installed on a machine.

use core_model::id::VersionId;
use core_model::library::{Architecture, ScriptPurpose, Software, SoftwareVersion};
use serde::{Deserialize, Serialize};

use crate::catalogue::read_versions;
use crate::found::{Failure, FailureClass};
use crate::version::{BadVersion, Version};

/// A version of a piece of software that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    /// Its id in the library, or in what a script named.
    pub id: VersionId,
    /// The version.
    pub version: Version,
}

/// The versions that could be installed, each once, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    picks: Vec<Pick>,
    /// Why others could not.
    left_out: Vec<String>,
}

impl Offer {
    /// What a machine of this architecture could be given, out of the library and of what a script
    /// named; the library's own is taken where both have a version.
    ///
    /// A version is left out that has no install script, or is for other processors, or whose text
    /// is no version. A machine of 64 bits takes one of fewer where there is none of its own.
    #[must_use]
    pub fn of(
        software: &Software,
        named: &[SoftwareVersion],
        architecture: Option<Architecture>,
    ) -> Self {
        Self::of_read((software, &read_versions(&software.versions)), named, architecture)
    }

    /// The same, where the library's own were read before.
    pub(crate) fn of_read(
        (software, read): (&Software, &[Result<Version, BadVersion>]),
        named: &[SoftwareVersion],
        architecture: Option<Architecture>,
    ) -> Self {
        let mut offer = Self::default();
        let mut fitting: Vec<(Version, u8, VersionId)> = Vec::new();
        let of_script = read_versions(named);
        let own = software.versions.iter().zip(read);
        for (version, read) in own.chain(named.iter().zip(&of_script)) {
            match usable(software, (version, read), architecture) {
                Ok((read, rank)) => fitting.push((read, rank, version.id)),
                Err(why) => offer.left_out.push(format!("{}: {why}", version.version)),
            }
        }
        // Stable: the library's own stay before what a script named.
        fitting.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)));
        for (version, _, id) in fitting {
            if offer.picks.last().is_none_or(|last| last.version != version) {
                offer.picks.push(Pick { id, version });
            }
        }
        offer.left_out.sort();
        offer
    }

    /// The newest.
    #[must_use]
    pub fn latest(&self) -> Option<Pick> {
        self.picks.last().cloned()
    }

    /// This version.
    ///
    /// # Errors
    /// Where it is not offered.
    pub fn exactly(&self, version: &Version) -> Result<Pick, Failure> {
        let pick = self.picks.iter().find(|pick| pick.version == *version).cloned();
        pick.ok_or_else(|| self.nothing(&format!("version {version}")))
    }

    /// This version, else the next newer one.
    ///
    /// # Errors
    /// Where neither is offered.
    pub fn at_least(&self, version: &Version) -> Result<Pick, Failure> {
        let pick = self.picks.iter().find(|pick| pick.version >= *version).cloned();
        pick.ok_or_else(|| self.nothing(&format!("version {version} or newer")))
    }

    /// This version, else the next older one.
    ///
    /// # Errors
    /// Where neither is offered.
    pub fn at_most(&self, version: &Version) -> Result<Pick, Failure> {
        let pick = self.picks.iter().rfind(|pick| pick.version <= *version).cloned();
        pick.ok_or_else(|| self.nothing(&format!("version {version} or older")))
    }

    pub(crate) fn nothing(&self, wanted: &str) -> Failure {
        let mut message = format!("there is no usable version: {wanted} is wanted");
        if let Some(why) = self.left_out.last() {
            message = format!("{message}; left out: {why}");
        }
        Failure::new(FailureClass::Definition, message)
    }
}

/// A version that can be used, and how well it fits: less is better.
fn usable(
    software: &Software,
    (version, read): (&SoftwareVersion, &Result<Version, BadVersion>),
    architecture: Option<Architecture>,
) -> Result<(Version, u8), String> {
    let read = read.as_ref().map_err(ToString::to_string)?.clone();
    if software.script(ScriptPurpose::Install, Some(version)).is_none() {
        return Err("it has no install script".to_owned());
    }
    let rank = match (version.architecture, architecture) {
        (Some(of), Some(machine)) if of == machine => 0,
        (None, _) => 1,
        (Some(Architecture::X64), Some(Architecture::Arm64)) => 2,
        (Some(Architecture::X86), Some(_)) => 3,
        (Some(of), Some(machine)) => {
            return Err(format!("it is for {}, the machine is {}", of.word(), machine.word()));
        }
        (Some(of), None) => {
            return Err(format!("it is for {}, what the machine is is not known", of.word()));
        }
    };
    Ok((read, rank))
}

#[cfg(test)]
mod tests {
    use core_model::id::SoftwareId;
    use core_model::library::Script;

    use super::*;

    fn version(text: &str, architecture: Option<Architecture>) -> SoftwareVersion {
        let name = format!("{text} {architecture:?}");
        let id = VersionId::of_text(&name, 0);
        SoftwareVersion { architecture, ..SoftwareVersion::new(id, text) }
    }

    fn software(versions: Vec<SoftwareVersion>) -> Software {
        let mut software = Software::new(SoftwareId::of_text("reader", 0), "reader");
        software.scripts.install = Some(Script::new("install"));
        software.versions = versions;
        software
    }

    #[test]
    fn a_machine_is_offered_what_is_for_its_processors_the_nearest_first() {
        use Architecture::{Arm64, X64, X86};
        let all = [Some(X86), Some(X64), Some(Arm64), None].map(|one| version("2", one));
        let one = |machine: Option<Architecture>, versions: &[SoftwareVersion]| {
            let offer = Offer::of(&software(versions.to_vec()), &[], machine);
            offer.latest().and_then(|pick| {
                versions.iter().find(|one| one.id == pick.id).map(|one| one.architecture)
            })
        };
        assert_eq!(one(Some(X64), &all), Some(Some(X64)));
        assert_eq!(one(Some(Arm64), &all), Some(Some(Arm64)));
        assert_eq!(one(Some(X86), &all), Some(Some(X86)));
        assert_eq!(one(None, &all), Some(None));
        assert_eq!(one(Some(Arm64), &all[..2]), Some(Some(X64)));
        assert_eq!(one(Some(Arm64), &all[..1]), Some(Some(X86)));
        assert_eq!(one(Some(X86), &all[1..3]), None);
        assert_eq!(one(None, &all[..3]), None);
    }

    #[test]
    fn what_cannot_be_installed_is_left_out_and_said() {
        let mut one = software(vec![version("latest", None), version("1", None)]);
        assert_eq!(Offer::of(&one, &[], None).picks.len(), 1);
        one.scripts.install = None;
        let offer = Offer::of(&one, &[], None);
        let failure = offer.at_least(&Version::parse("1").unwrap()).unwrap_err();
        assert_eq!(failure.class, FailureClass::Definition);
        assert!(failure.message.contains("version 1 or newer"), "{failure:?}");
        assert!(failure.message.contains("`latest` is no version"), "{failure:?}");
    }

    #[test]
    fn versions_that_a_script_named_count_and_the_librarys_own_come_first() {
        let own = software(vec![version("1.0", None)]);
        let mut named = [version("1", None), version("2", None)];
        named[0].id = VersionId::of_text("named", 0);
        let offer = Offer::of(&own, &named, None);
        assert_eq!(offer.latest().unwrap().version, Version::parse("2").unwrap());
        let one = offer.exactly(&Version::parse("1").unwrap()).unwrap();
        assert_eq!(one.id, own.versions[0].id);
        assert_eq!(offer.picks.len(), 2);
    }
}
