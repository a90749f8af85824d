//! The table: what shall be, what is there, and what is done about it.
//!
//! | shall be | nothing | older | equal | newer |
//! |---|---|---|---|---|
//! | latest | install | update | – | – |
//! | this version | install | update | – | downgrade |
//! | this or newer | install | update | – | – |
//! | this or older | install | – | – | downgrade |
//! | any version | install | – | – | – |
//! | update if found | – | update | – | – |
//! | absent | – | uninstall | uninstall | uninstall |
//! | ignored | – | – | – | – |
//!
//! The columns compare what is there with what is wanted, or with the latest version that is known.
//! A test that says `false` beats the table: what is there and does not work is mended first.

use core_model::library::DesiredState;
use serde::{Deserialize, Serialize};

use crate::found::{Failure, FailureClass, Found};
use crate::offer::{Offer, Pick};
use crate::version::Version;

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Nothing.
    Nothing,
    /// A version is installed.
    Install(Pick),
    /// A newer version takes the place of what is there.
    Update(Pick),
    /// An older version takes the place of what is there.
    Downgrade(Pick),
    /// It is taken away.
    Uninstall,
    /// It is mended, and then a newer version takes its place where one is due.
    Repair {
        /// What it is updated to afterwards.
        then: Option<Pick>,
    },
    /// A task is tested, and set where the test says no.
    Enforce,
    /// A task is tested.
    Audit,
    /// A task is read.
    Monitor,
}

/// Why that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Software that shall be there is not.
    Missing,
    /// It is not there, and only what is there is updated.
    NotFound,
    /// There is a newer version.
    UpdateAvailable,
    /// It is as it shall be.
    UpToDate,
    /// It is newer than whatever is known here.
    NewerThanKnown,
    /// It shall be older than it is.
    OlderRequired,
    /// It shall not be there, and is.
    Unwanted,
    /// It shall not be there, and is not.
    Absent,
    /// It is there, and its test says that it does not work.
    TestFailed,
    /// Somebody asked that it be mended.
    RepairAsked,
    /// A task shall be so.
    Required,
    /// The test of a task said that it is so.
    TaskCompliant,
    /// The test of a task said that it is not so.
    TaskNotCompliant,
    /// It was read.
    Recorded,
    /// What it is about is not there yet: its test waits for what comes before.
    PendingOnPrerequisite,
    /// It is set anew after what it configures has changed.
    SoftwareChanges,
    /// The deployment says that nothing is done.
    Ignored,
    /// It cannot be done.
    Impossible,
}

impl Reason {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Reason::Missing => "it is missing",
            Reason::NotFound => "it is not there, and only what is there is updated",
            Reason::UpdateAvailable => "there is a newer version",
            Reason::UpToDate => "it is as it should be",
            Reason::NewerThanKnown => "it is newer than every version that is known",
            Reason::OlderRequired => "it is newer than it should be",
            Reason::Unwanted => "it should not be there",
            Reason::Absent => "it is not there, as it should be",
            Reason::TestFailed => "its test says that it does not work",
            Reason::RepairAsked => "somebody asked for a repair",
            Reason::Required => "it is required",
            Reason::TaskCompliant => "its test says that it is as it should be",
            Reason::TaskNotCompliant => "its test says that it is not as it should be",
            Reason::Recorded => "it was read",
            Reason::PendingOnPrerequisite => "it is tested after what comes before it",
            Reason::SoftwareChanges => "what it configures changes",
            Reason::Ignored => "it is ignored",
            Reason::Impossible => "it cannot be done",
        }
    }
}

/// What is done about a piece of software, and why; or why nothing can be done.
pub type Verdict = Result<(Deed, Reason), Failure>;

/// The table.
///
/// # Errors
/// What cannot be done, or not be known.
pub fn decide(state: &DesiredState, found: &Found, offer: &Offer) -> Verdict {
    let there = match (state, found) {
        (DesiredState::Ignored, _) => return Ok((Deed::Nothing, Reason::Ignored)),
        (_, Found::Failed(failure)) => return Err(failure.clone()),
        (DesiredState::Absent, Found::Missing) => return Ok((Deed::Nothing, Reason::Absent)),
        (DesiredState::Absent, _) => return Ok((Deed::Uninstall, Reason::Unwanted)),
        (DesiredState::UpdateIfFound, Found::Missing) => {
            return Ok((Deed::Nothing, Reason::NotFound));
        }
        (_, Found::Missing) => return install(state, offer),
        (DesiredState::AnyVersion, _) => return Ok((Deed::Nothing, Reason::UpToDate)),
        (_, Found::Unreadable(text)) => {
            let message =
                format!("it is there, and `{text}`, which it was found by, is no version");
            return Err(Failure::new(FailureClass::Read, message));
        }
        (_, Found::Version(there)) => there,
    };
    match state {
        DesiredState::Latest | DesiredState::UpdateIfFound => Ok(match offer.latest() {
            Some(pick) if *there < pick.version => (Deed::Update(pick), Reason::UpdateAvailable),
            Some(pick) if *there == pick.version => (Deed::Nothing, Reason::UpToDate),
            _ => (Deed::Nothing, Reason::NewerThanKnown),
        }),
        DesiredState::ThisVersion(text) => {
            let wanted = wanted(text)?;
            match there.cmp(&wanted) {
                std::cmp::Ordering::Less => {
                    Ok((Deed::Update(offer.exactly(&wanted)?), Reason::UpdateAvailable))
                }
                std::cmp::Ordering::Equal => Ok((Deed::Nothing, Reason::UpToDate)),
                std::cmp::Ordering::Greater => {
                    Ok((Deed::Downgrade(offer.exactly(&wanted)?), Reason::OlderRequired))
                }
            }
        }
        DesiredState::NewerOrEqual(text) => {
            let wanted = wanted(text)?;
            if *there >= wanted {
                return Ok((Deed::Nothing, Reason::UpToDate));
            }
            Ok((Deed::Update(offer.at_least(&wanted)?), Reason::UpdateAvailable))
        }
        DesiredState::OlderOrEqual(text) => {
            let wanted = wanted(text)?;
            if *there <= wanted {
                return Ok((Deed::Nothing, Reason::UpToDate));
            }
            Ok((Deed::Downgrade(offer.at_most(&wanted)?), Reason::OlderRequired))
        }
        _ => Err(not_software(state)),
    }
}

/// What is installed where nothing is there.
fn install(state: &DesiredState, offer: &Offer) -> Verdict {
    let pick = match state {
        DesiredState::Latest | DesiredState::AnyVersion => {
            offer.latest().ok_or_else(|| offer.nothing("any version"))?
        }
        DesiredState::ThisVersion(text) => offer.exactly(&wanted(text)?)?,
        DesiredState::NewerOrEqual(text) => offer.at_least(&wanted(text)?)?,
        DesiredState::OlderOrEqual(text) => offer.at_most(&wanted(text)?)?,
        _ => return Err(not_software(state)),
    };
    Ok((Deed::Install(pick), Reason::Missing))
}

fn wanted(text: &str) -> Result<Version, Failure> {
    Version::parse(text).map_err(|bad| Failure::new(FailureClass::Definition, bad.to_string()))
}

fn not_software(state: &DesiredState) -> Failure {
    let message = format!("`{}` is no state of software", state.words());
    Failure::new(FailureClass::Definition, message)
}

/// The verdict on what is there and does not work, or that somebody wants mended: it is mended,
/// and what the table says is done afterwards if it is an update.
#[must_use]
pub fn mended(verdict: (Deed, Reason), why: Reason) -> (Deed, Reason) {
    match verdict {
        (Deed::Nothing, Reason::UpToDate | Reason::NewerThanKnown) => {
            (Deed::Repair { then: None }, why)
        }
        (Deed::Update(pick), _) => (Deed::Repair { then: Some(pick) }, why),
        // A downgrade replaces what is there anyway; what is missing or unwanted needs no mending.
        other => other,
    }
}

#[cfg(test)]
mod tests;
