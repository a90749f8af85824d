//! What is found on a subject: the outcomes of detections, tests and readings.

use std::collections::BTreeMap;

use core_model::id::SoftwareId;
use core_model::library::SoftwareVersion;
use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::version::Version;

/// Why something did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The definition does not suffice: no usable version, no strategy, no script.
    Definition,
    /// A licence is needed, and there is none.
    NoLicence,
    /// What must be so before is not.
    Prerequisite,
    /// What was to be fetched was not, or was something else.
    Download,
    /// A script that was to change something failed.
    Install,
    /// It was done, and is not there; or is there, and does not work.
    Verify,
    /// The last word of a test was neither true nor false.
    TestInvalid,
    /// A script that was to read something failed.
    Read,
    /// It took too long and was ended.
    Timeout,
    /// A reboot is needed, and there is none.
    Reboot,
    /// Nobody is logged on.
    NoUser,
    /// The subject cannot be reached.
    Offline,
    /// It was broken off again and again.
    Interrupted,
    /// Somebody else's system did not let the hub in: a consent or a right is missing.
    Auth,
}

impl FailureClass {
    /// Whether another try may end otherwise.
    #[must_use]
    pub fn is_tried_again(self) -> bool {
        matches!(self, Self::Download | Self::Install | Self::Verify)
    }
}

/// What did not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Why, in one of few words.
    pub class: FailureClass,
    /// Why, for whoever is to mend it.
    pub message: String,
}

impl Failure {
    /// A failure.
    #[must_use]
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into() }
    }
}

/// What a detection found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It is not there.
    Missing,
    /// It is there, in this version.
    Version(Version),
    /// It is there, and what was given for its version is none.
    Unreadable(String),
    /// Nobody knows: the detection failed.
    Failed(Failure),
}

impl Found {
    /// What a detection that prints a version found: nothing printed is nothing there.
    #[must_use]
    pub fn of_output(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Found::Missing;
        }
        Version::parse(text).map_or_else(|_| Found::Unreadable(text.to_owned()), Found::Version)
    }

    /// Whether it is there; none where nobody knows.
    #[must_use]
    pub fn is_there(&self) -> Option<bool> {
        match self {
            Found::Missing => Some(false),
            Found::Version(_) | Found::Unreadable(_) => Some(true),
            Found::Failed(_) => None,
        }
    }

    /// The version that is there.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        match self {
            Found::Version(version) => Some(version),
            _ => None,
        }
    }
}

/// What a test said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tested {
    /// It is as it should be.
    True,
    /// It is not: said expressly.
    False,
    /// Its last word was neither; the word.
    Invalid(String),
    /// It failed.
    Failed(Failure),
}

impl Tested {
    /// What a test said that printed this: its last line that is not empty must be `true` or
    /// `false`, in whatever case. Nothing, `0` and an empty line say neither.
    #[must_use]
    pub fn of_output(text: &str) -> Self {
        let last = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        if last.eq_ignore_ascii_case("true") {
            Tested::True
        } else if last.eq_ignore_ascii_case("false") {
            Tested::False
        } else {
            Tested::Invalid(last.chars().take(200).collect())
        }
    }
}

/// What is known of one item of a subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Detected {
    /// Software: whether and in which version it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// What its test said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tested: Option<Tested>,
    /// Tasks that monitor: whether it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<Result<(), Failure>>,
}

/// What the detection half of a session found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Detections {
    /// By item.
    pub items: BTreeMap<Key, Detected>,
    /// Versions that scripts named, by software; or why they did not.
    pub versions: BTreeMap<SoftwareId, Result<Vec<SoftwareVersion>, Failure>>,
}

impl Detections {
    pub(crate) fn found(&self, key: &Key) -> Option<&Found> {
        self.items.get(key)?.found.as_ref()
    }

    pub(crate) fn tested(&self, key: &Key) -> Option<&Tested> {
        self.items.get(key)?.tested.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s6_the_last_output_of_a_test_is_a_boolean_or_the_test_is_invalid() {
        assert_eq!(Tested::of_output("checking\nstill\n False \n\n"), Tested::False);
        assert_eq!(Tested::of_output("False\r\nTRUE\r\n"), Tested::True);
        for (text, word) in [("", ""), ("0", "0"), ("$null", "$null"), ("True\nok", "ok")] {
            assert_eq!(Tested::of_output(text), Tested::Invalid(word.to_owned()));
        }
    }

    #[test]
    fn a_detection_prints_a_version_or_nothing() {
        assert_eq!(Found::of_output(" \r\n"), Found::Missing);
        assert_eq!(Found::of_output("7.4\n"), Found::Version(Version::parse("7.4.0").unwrap()));
        assert_eq!(Found::of_output("yes"), Found::Unreadable("yes".to_owned()));
    }
}
