//! The cases: what goes wrong, and what may become of it.

use anyhow::{Result, ensure};
use core_model::run::Outcome;
use mocks::faults::Fault;

use super::subject::{Kind, Measured, Subject};

/// What goes wrong.
#[derive(Clone, Copy)]
pub(super) enum Trouble {
    /// Nothing.
    None,
    /// On this page, at the first request for it.
    Once(Fault),
    /// On this page, at every request for it.
    ForGood(Fault),
    /// At every fifth request.
    EveryFifth(Fault),
    /// From the first page on, as long as the run lasts.
    Always(Fault),
    /// This share of the rows is removed at the source.
    Removed(f64),
}

/// What may become of it.
#[derive(Clone, Copy)]
pub(super) enum Expected {
    /// Complete, with every row.
    Complete,
    /// Stopped with an error, and every row kept.
    Stops,
    /// Complete, and what is gone at the source is gone here.
    Gone,
    /// Every row kept, until somebody agrees.
    Held,
}

/// A line of the table.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) trouble: Trouble,
    expected: Expected,
}

const fn case(name: &'static str, trouble: Trouble, expected: Expected) -> Case {
    Case { name, trouble, expected }
}

use Expected::{Complete, Gone, Held, Stops};
use Trouble::{Always, EveryFifth, ForGood, Once, Removed};

/// All of them. Those that change the source come last: they are not undone.
pub(super) const CASES: &[Case] = &[
    case("nothing goes wrong", Trouble::None, Complete),
    case("429, `Retry-After: 1`, once", Once(Fault::Throttled), Complete),
    case("429, `Retry-After: 1.128`, once", Once(Fault::ThrottledDecimal), Complete),
    case("429 without `Retry-After`, once", Once(Fault::ThrottledBare), Complete),
    case("503 at every fifth request", EveryFifth(Fault::Unavailable), Complete),
    case("token revoked before its time (401)", Once(Fault::TokenRevoked), Complete),
    case("500, once", Once(Fault::ServerError), Complete),
    case("500, for good", ForGood(Fault::ServerError), Stops),
    case("connection cut in the body, once", Once(Fault::ConnectionCut), Complete),
    case("connection cut in the body, for good", ForGood(Fault::ConnectionCut), Stops),
    case("truncated JSON with 200, once", Once(Fault::TruncatedBody), Complete),
    case("truncated JSON with 200, for good", ForGood(Fault::TruncatedBody), Stops),
    case("HTML sign-in page with 200, once", Once(Fault::HtmlPage), Complete),
    case("HTML sign-in page with 200, for good", ForGood(Fault::HtmlPage), Stops),
    case("empty list with 200, once", Once(Fault::EmptyList), Complete),
    case("empty list with 200, for good", ForGood(Fault::EmptyList), Stops),
    case("error body with 200, once", Once(Fault::ErrorBody), Complete),
    case("error body with 200, for good", ForGood(Fault::ErrorBody), Stops),
    case("next link (or total) missing, once", Once(Fault::NextMissing), Complete),
    case("next link (or total) missing, for good", ForGood(Fault::NextMissing), Stops),
    case("next link leads to itself, once", Once(Fault::NextSelf), Complete),
    case("next link leads to itself, for good", ForGood(Fault::NextSelf), Stops),
    case("next link leads to another host, once", Once(Fault::NextForeign), Complete),
    case("next link leads to another host, for good", ForGood(Fault::NextForeign), Stops),
    case("403, for good", ForGood(Fault::Forbidden), Stops),
    case("404, for good", ForGood(Fault::NotFound), Stops),
    case("410, for good", ForGood(Fault::Gone), Stops),
    case("nothing at all with 200", Always(Fault::EmptyList), Held),
    case("2.5 % deleted at the source", Removed(0.025), Gone),
    case("99 % gone at the source", Removed(0.99), Held),
    case("everything gone at the source", Removed(1.0), Held),
];

impl Case {
    /// What may become of it at this system, where that is another thing than usual.
    fn expected(&self, kind: Kind) -> Expected {
        match (kind, self.trouble) {
            // Page numbers need no link: with the total of the pages before, nothing is lost.
            (Kind::Automate | Kind::Halo, ForGood(Fault::NextMissing)) => Complete,
            // One array without a total: an empty one that comes twice is all there is.
            (Kind::Control, ForGood(Fault::EmptyList)) => Held,
            // A delta without a delta link proves nothing.
            (Kind::AzureAd, Always(Fault::EmptyList)) => Stops,
            _ => self.expected,
        }
    }

    /// Refuses what must not happen.
    pub(super) fn judge(&self, subject: &Subject, measured: &Measured) -> Result<()> {
        let run = &measured.run;
        let (all, left) = (subject.rows, subject.left()?);
        ensure!(measured.fired || self.fault().is_none(), "the fault did not happen");
        match self.expected(subject.kind) {
            Complete => {
                ensure!(run.outcome == Outcome::Complete, "it ends {:?}", run.outcome);
                ensure!(measured.live == all, "{} of {all} rows are left", measured.live);
                ensure!(run.counts.created == 0 && run.counts.gone == 0, "{:?}", run.counts);
            }
            Stops => {
                ensure!(run.outcome == Outcome::Failed, "it ends {:?}", run.outcome);
                ensure!(measured.live == all, "{} of {all} rows are left", measured.live);
                ensure!(run.error_kind.is_some() && run.error.is_some(), "no error: {run:?}");
                let remedy = run.remedy.as_deref().unwrap_or_default();
                ensure!(!remedy.is_empty(), "the error does not say what to do: {run:?}");
                self.judge_kind(subject.kind, measured.kind())?;
            }
            Gone => {
                ensure!(run.outcome == Outcome::Complete, "it ends {:?}", run.outcome);
                ensure!(measured.live == left, "{} rows, and {left} there", measured.live);
                let gone = i64::try_from(run.counts.gone)?;
                ensure!(gone == all - left && gone > 0, "{gone} are gone of {}", all - left);
            }
            Held => {
                ensure!(run.outcome == Outcome::Held, "it ends {:?}", run.outcome);
                ensure!(measured.live == all, "{} of {all} rows are left", measured.live);
                ensure!(run.counts.held > 0 && run.counts.gone == 0, "{:?}", run.counts);
                let remedy = run.remedy.as_deref().unwrap_or_default();
                ensure!(remedy.contains("--accept-deletions"), "{remedy}");
            }
        }
        self.judge_afterwards(subject.kind, measured)
    }

    /// The kind says who can mend it, so a wrong one sends the wrong person.
    fn judge_kind(&self, kind: Kind, found: &str) -> Result<()> {
        let right: &[&str] = match (self.trouble, kind) {
            (ForGood(Fault::ServerError | Fault::ConnectionCut), _) => &["unavailable"],
            (ForGood(Fault::Forbidden), Kind::Control) => &["config"],
            (ForGood(Fault::Forbidden), _) => &["forbidden"],
            // A list that is not there: the address is wrong.
            (ForGood(Fault::NotFound), Kind::AzureAd | Kind::Halo) => &["not_found"],
            (ForGood(Fault::NotFound), _) => &["config"],
            (ForGood(Fault::Gone), Kind::AzureAd) => &["checkpoint_expired"],
            (ForGood(Fault::Gone), _) => &["rejected"],
            _ => &["protocol"],
        };
        ensure!(right.contains(&found), "the kind is {found}, not {}", right.join(" or "));
        Ok(())
    }

    /// Without the fault the next sync makes everything good.
    fn judge_afterwards(&self, kind: Kind, measured: &Measured) -> Result<()> {
        let Some((outcome, live)) = measured.afterwards else { return Ok(()) };
        ensure!(outcome == Outcome::Complete, "{}: afterwards it ends {outcome:?}", kind.title());
        ensure!(live == measured.live, "afterwards {live} rows, before {}", measured.live);
        Ok(())
    }

    /// What the server does wrong, if it does anything wrong.
    pub(super) fn fault(&self) -> Option<Fault> {
        match self.trouble {
            Once(fault) | ForGood(fault) | EveryFifth(fault) | Always(fault) => Some(fault),
            Trouble::None | Removed(_) => None,
        }
    }
}
