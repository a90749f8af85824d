//! Updates of Windows that somebody approved, installed by whoever manages them. What goes wrong with them is told,
//! and the session goes on.

use std::time::Duration;

use chrono::TimeDelta;
use core_plan::{Beside, Failure, FailureClass, Outcome, Step};
use serde::{Deserialize, Serialize};

use crate::around;
use crate::book::{Half, Line};
use crate::drive::{AtWork, Pause};

/// How long whoever installs them may take to begin.
const BEGIN: TimeDelta = TimeDelta::minutes(20);
/// How long the whole may take.
const MOST: TimeDelta = TimeDelta::hours(4);
/// How long to wait between two looks.
const LOOK: Duration = Duration::from_secs(30);
/// Titles that are named in a sentence.
const NAMED: usize = 5;

/// What came of them.
pub(crate) struct Updated {
    /// Something was installed.
    pub(crate) changed: bool,
    /// In words.
    pub(crate) words: String,
}

/// What is known of updates that were asked for, for whoever comes after a crash.
#[derive(Serialize, Deserialize)]
struct AskedFor {
    way: String,
    missing: Vec<String>,
}

fn is_of_updates(line: &&Line) -> bool {
    line.step == Step::Beside(Beside::Updates)
}

fn titles(of: &[String]) -> String {
    let named = of.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match of.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

impl AtWork<'_> {
    /// Whether they are to be looked at, or were.
    pub(crate) fn wants_updates(&self, lines: &[Line]) -> bool {
        self.brief.updates || lines.iter().any(|line| is_of_updates(&line))
    }

    /// Has approved updates installed, once in a session. What came of them, where there was anything.
    ///
    /// # Errors
    /// Where the session is put down, or waits.
    pub(crate) async fn updates(
        &mut self,
        lines: &[Line],
    ) -> std::result::Result<Option<Updated>, Pause> {
        let before = lines.iter().rfind(is_of_updates).cloned();
        if let Some(line) = before.as_ref().filter(|line| !line.is_open()) {
            let changed = matches!(line.outcome, Some(Outcome::Done { reboot: true }));
            return Ok(Some(Updated { changed, words: line.said.output.clone() }));
        }
        let line = match before {
            Some(line) => {
                self.enter_maintenance().await?;
                line
            }
            None => match self.begun().await? {
                Begun::Nothing => return Ok(None),
                Begun::Skipped(words) => return Ok(Some(Updated { changed: false, words })),
                Begun::Line(line) => *line,
            },
        };
        self.awaited(line).await.map(Some)
    }

    /// Looks what is missing, and asks for it.
    async fn begun(&mut self) -> std::result::Result<Begun, Pause> {
        let around = self.desk.around;
        let now = match around.updates().await? {
            Ok(Some(now)) => now,
            Ok(None) => return Ok(Begun::Nothing),
            Err(why) => return self.skipped(&why).await,
        };
        if now.missing.is_empty() {
            return Ok(Begun::Nothing);
        }
        let hours = self.brief.hours.as_ref().filter(|_| self.brief.changes_wait);
        let at = self.desk.clock.now();
        if let Some((hours, why)) = hours.and_then(|hours| Some((hours, hours.hold(at)?))) {
            return Err(Pause::Waits { why, until: Some(hours.end(at)) });
        }
        self.stopped(None).await?;
        self.enter_maintenance().await?;
        let mut line = self.new_line(Half::Act, &Step::Beside(Beside::Updates));
        let asked = AskedFor { way: now.way.clone(), missing: now.missing };
        line.said.way = Some(now.way.clone());
        line.said.value = serde_json::to_string(&asked).ok();
        // Noted before it is asked for: whoever comes after a crash waits, and does not ask again.
        self.desk.book.write(&line).await?;
        if let Err(why) = around.install_updates(&now.way).await? {
            let words = format!("approved updates of Windows were left out: {why}");
            let failure = Failure::new(FailureClass::Install, words.clone());
            self.closed(line, Outcome::Failed(failure), &words).await?;
            return Ok(Begun::Skipped(words));
        }
        Ok(Begun::Line(Box::new(line)))
    }

    /// They cannot be told: patching is left out, and the session goes on.
    async fn skipped(&mut self, why: &str) -> std::result::Result<Begun, Pause> {
        let words = format!("approved updates of Windows were left out: {why}");
        let line = self.new_line(Half::Act, &Step::Beside(Beside::Updates));
        let failure = Failure::new(FailureClass::Read, words.clone());
        self.closed(line, Outcome::Failed(failure), &words).await?;
        Ok(Begun::Skipped(words))
    }

    /// Waits until nothing is installed any more.
    async fn awaited(&mut self, line: Line) -> std::result::Result<Updated, Pause> {
        let asked = line.said.value.as_deref();
        let asked: Option<AskedFor> = asked.and_then(|text| serde_json::from_str(text).ok());
        let wanted = asked.map(|asked| asked.missing).unwrap_or_default();
        let (begin, most) = (line.began_at + BEGIN, line.began_at + MOST);
        let mut began = false;
        let mut last = Err("it was not looked at".to_owned());
        while self.desk.clock.now() < most {
            self.desk.clock.pause(LOOK).await?;
            match self.desk.around.updates().await? {
                Ok(Some(now)) => {
                    began |= now.running || now.missing.len() < wanted.len();
                    let over = !now.running && (began || self.desk.clock.now() >= begin);
                    last = Ok(now);
                    if over {
                        break;
                    }
                }
                Ok(None) => last = Err("no way installs any more updates".to_owned()),
                // It is asked again until the time is over.
                Err(why) => last = Err(why),
            }
        }
        self.seen.clear();
        let (outcome, words) = judged(&wanted, last);
        let changed = matches!(outcome, Outcome::Done { reboot: true });
        self.closed(line, outcome, &words).await?;
        Ok(Updated { changed, words })
    }

    async fn closed(
        &self,
        mut line: Line,
        outcome: Outcome,
        words: &str,
    ) -> std::result::Result<(), Pause> {
        line.said.value = None;
        words.clone_into(&mut line.said.output);
        line.outcome = Some(outcome);
        line.ended_at = Some(self.desk.clock.now());
        Ok(self.desk.book.write(&line).await?)
    }
}

enum Begun {
    Nothing,
    Skipped(String),
    Line(Box<Line>),
}

/// What came of them, in words. `reboot` says that something was installed, after which one may be pending.
fn judged(
    wanted: &[String],
    last: std::result::Result<around::Updates, String>,
) -> (Outcome, String) {
    let now = match last {
        Ok(now) => now,
        Err(why) => {
            let words = format!("what came of approved updates of Windows is not known: {why}");
            return (Outcome::Failed(Failure::new(FailureClass::Read, words.clone())), words);
        }
    };
    let is_left = |title: &&String| now.missing.contains(title) || now.failed.contains(title);
    let (left, installed): (Vec<String>, Vec<String>) =
        wanted.iter().cloned().partition(|title| is_left(&title));
    let mut words = match installed.len() {
        0 => "no approved update of Windows was installed".to_owned(),
        1 => format!("1 approved update of Windows was installed: {}", titles(&installed)),
        many => {
            format!("{many} approved updates of Windows were installed: {}", titles(&installed))
        }
    };
    if !left.is_empty() {
        words.push_str(&format!("; not installed: {}", titles(&left)));
    }
    if now.running {
        words.push_str("; the installation still runs");
    }
    match left.is_empty() {
        true => (Outcome::Done { reboot: !installed.is_empty() }, words),
        false if installed.is_empty() => {
            (Outcome::Failed(Failure::new(FailureClass::Install, words.clone())), words)
        }
        false => (Outcome::Done { reboot: true }, words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_installed_and_what_was_not_is_told() {
        let wanted: Vec<String> = (1..=7).map(|number| format!("KB{number}")).collect();
        let of = |missing: &[&str]| {
            let missing: Vec<String> = missing.iter().map(|title| (*title).to_owned()).collect();
            let failed = vec!["KB7".to_owned()];
            let failed = if missing.is_empty() { Vec::new() } else { failed };
            judged(&wanted, Ok(around::Updates { missing, failed, ..around::Updates::default() }))
        };
        let (outcome, words) = of(&[]);
        assert_eq!(outcome, Outcome::Done { reboot: true });
        assert!(words.starts_with("7 approved") && words.ends_with("and 2 more"), "{words}");
        let (outcome, words) = of(&["KB2", "KB9"]);
        assert_eq!(outcome, Outcome::Done { reboot: true });
        assert!(
            words.contains("5 approved") && words.ends_with("not installed: KB2, KB7"),
            "{words}"
        );
        let all: Vec<&str> = wanted.iter().map(String::as_str).collect();
        assert!(matches!(of(&all).0, Outcome::Failed(_)));
        let (outcome, words) = judged(&wanted, Err("HTTP 500".to_owned()));
        assert!(matches!(outcome, Outcome::Failed(_)) && words.contains("HTTP 500"), "{words}");
    }
}
