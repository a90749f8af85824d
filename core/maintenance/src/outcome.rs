//! From what a computer answered to what the planner is told.

use core_plan::{Failure, FailureClass, Found, Outcome, Tested, Version};
use core_script::{Answer, Finished, LastValue, Mask, NotRun};

use crate::book::Said;
use crate::errand::Came;

/// What an installer says when it wants a reboot, and when it has begun one (Windows Installer error codes).
const REBOOT_WANTED: [i64; 2] = [3010, 1641];

/// What a script that changes something did. `class` is what it is called where it failed.
pub(crate) fn of_change(came: &Came, class: FailureClass) -> Outcome {
    match finished(came, class) {
        Ok(run) => match run.exit {
            Some(0) => Outcome::Done { reboot: false },
            Some(code) if REBOOT_WANTED.contains(&code) => Outcome::Done { reboot: true },
            _ => Outcome::Failed(Failure::new(class, ended(run))),
        },
        // What may have run is looked at, not guessed.
        Err(_) if may_have_run(came) => Outcome::Interrupted,
        Err(failure) => Outcome::Failed(failure),
    }
}

/// What a detection by script found: a version, or nothing.
pub(crate) fn of_detection(came: &Came) -> Outcome {
    let run = match read(came) {
        Ok(run) => run,
        Err(outcome) => return outcome,
    };
    Outcome::Found(match &run.value {
        LastValue::None | LastValue::Null => Found::Missing,
        LastValue::Text(text) => Found::of_output(text),
        LastValue::Number(number) => Found::of_output(&number.to_string()),
        other => Found::Unreadable(words(other)),
    })
}

/// What a test said: true, false, or neither (S6).
pub(crate) fn of_test(came: &Came) -> Outcome {
    match came {
        // A test may say no and exit with 1: what it said counts.
        Came::Answer(answer) => match &**answer {
            Answer::Finished(run) => match (run.verdict(), run.exit) {
                (Some(true), _) => Outcome::Tested(Tested::True),
                (Some(false), _) => Outcome::Tested(Tested::False),
                (None, Some(0)) => Outcome::Tested(Tested::Invalid(words(&run.value))),
                (None, _) => {
                    Outcome::Tested(Tested::Failed(Failure::new(FailureClass::Read, ended(run))))
                }
            },
            _ => of_reading(came),
        },
        _ => of_reading(came),
    }
}

/// Whether a script that reads came to its end.
pub(crate) fn of_reading(came: &Came) -> Outcome {
    match read(came) {
        Ok(_) => Outcome::Done { reboot: false },
        Err(outcome) => outcome,
    }
}

/// A reading that ended well.
pub(crate) fn read(came: &Came) -> Result<&Finished, Outcome> {
    match finished(came, FailureClass::Read) {
        Ok(run) if run.exit == Some(0) => Ok(run),
        Ok(run) => Err(Outcome::Failed(Failure::new(FailureClass::Read, ended(run)))),
        Err(failure) => Err(Outcome::Failed(failure)),
    }
}

/// The greatest of several versions of one thing; what is no version only where there is nothing else.
pub(crate) fn greatest<'a>(versions: impl Iterator<Item = &'a str>) -> Found {
    let mut best = Found::Missing;
    for text in versions {
        let found = match Version::parse(text) {
            Ok(version) => Found::Version(version),
            Err(_) => Found::Unreadable(text.to_owned()),
        };
        best = match (best, found) {
            (Found::Version(one), Found::Version(other)) => Found::Version(one.max(other)),
            (Found::Version(one), _) => Found::Version(one),
            (_, found) => found,
        };
    }
    best
}

fn may_have_run(came: &Came) -> bool {
    match came {
        Came::Broken(_) => true,
        Came::Answer(answer) => matches!(
            **answer,
            Answer::NotFinished
                | Answer::Lost(_)
                | Answer::Truncated { .. }
                | Answer::Garbled { .. }
                | Answer::NotStarted
        ),
        Came::Offline(_) | Came::Silent(_) | Came::Refused(_) | Came::Denied(_) => false,
    }
}

fn finished(came: &Came, class: FailureClass) -> Result<&Finished, Failure> {
    let failure = |class, words: String| Err(Failure::new(class, words));
    match came {
        Came::Answer(answer) => match &**answer {
            Answer::Finished(run) => Ok(run),
            Answer::TimedOut { after_s, .. } => {
                failure(FailureClass::Timeout, format!("it was ended after its {after_s} seconds"))
            }
            Answer::NobodyLoggedOn => {
                failure(FailureClass::NoUser, "nobody is logged on".to_owned())
            }
            Answer::NotRun(NotRun::Unstaged) => {
                failure(class, "what was staged is not there any more".to_owned())
            }
            Answer::NotRun(NotRun::Secrets(why)) => {
                failure(class, format!("its secrets did not get there: {why}"))
            }
            Answer::NotRun(NotRun::Machine(why)) => {
                failure(class, format!("the computer could not take it: {why}"))
            }
            Answer::NotFinished => failure(class, "it began, and did not end".to_owned()),
            Answer::Lost(why) => failure(class, format!("the computer lost it: {why}")),
            Answer::Truncated { line, .. } => {
                failure(class, format!("its answer was cut off at line {line}"))
            }
            Answer::Garbled { line, why } => {
                failure(class, format!("its answer was changed on the way: {why} (line {line})"))
            }
            Answer::NotStarted => failure(class, "it did not answer".to_owned()),
        },
        Came::Offline(why) => failure(FailureClass::Offline, why.clone()),
        Came::Broken(why) => failure(class, why.clone()),
        Came::Silent(limit_s) => failure(
            FailureClass::Timeout,
            format!("there was no answer within its {limit_s} seconds"),
        ),
        Came::Refused(why) => failure(FailureClass::Definition, why.clone()),
        Came::Denied(why) => failure(FailureClass::Auth, why.clone()),
    }
}

/// Why a script did not end, in words.
pub(crate) fn why(came: &Came) -> String {
    finished(came, FailureClass::Read).err().map(|failure| failure.message).unwrap_or_default()
}

/// How a script ended that did not end well.
fn ended(run: &Finished) -> String {
    let how = match run.exit {
        Some(code) => format!("it ended with {code}"),
        None => "it ended without an exit code".to_owned(),
    };
    let errors = run.errors.text();
    let last = [errors.as_str(), run.output.tail.as_str(), run.output.head.as_str()]
        .into_iter()
        .find_map(|text| text.lines().map(str::trim).find(|line| !line.is_empty()))
        .map(|line| line.chars().take(300).collect::<String>());
    last.map_or_else(|| how.clone(), |line| format!("{how}: {line}"))
}

/// A value in few words.
fn words(value: &LastValue) -> String {
    let text = match value {
        LastValue::None => String::new(),
        LastValue::Null => "$null".to_owned(),
        LastValue::Boolean(truth) => truth.to_string(),
        LastValue::Number(number) => number.to_string(),
        LastValue::Text(text) => text.clone(),
        LastValue::Json(json) => json.to_string(),
        LastValue::TooLong(bytes) => format!("{bytes} bytes"),
    };
    text.chars().take(200).collect()
}

/// What is kept of an answer, without secrets.
pub(crate) fn said(came: &Came, mask: &Mask, way: Option<String>) -> Said {
    let mut said = Said { way, ..Said::default() };
    let run = match came {
        Came::Answer(answer) => match &**answer {
            Answer::Finished(run) | Answer::TimedOut { until_then: run, .. } => run,
            _ => return said,
        },
        _ => return said,
    };
    said.output = mask.text(&run.output.text());
    let errors = [run.errors.text(), run.stderr.text()];
    let errors: Vec<&str> =
        errors.iter().map(|text| text.trim()).filter(|t| !t.is_empty()).collect();
    said.errors = mask.text(&errors.join("\n"));
    said.exit = run.exit;
    said
}

/// A failure without secrets: a script may have put one into its error.
pub(crate) fn masked(outcome: Outcome, mask: &Mask) -> Outcome {
    let failure = |one: Failure| Failure { message: mask.text(&one.message), ..one };
    match outcome {
        Outcome::Failed(one) => Outcome::Failed(failure(one)),
        Outcome::Tested(Tested::Failed(one)) => Outcome::Tested(Tested::Failed(failure(one))),
        Outcome::Tested(Tested::Invalid(word)) => {
            Outcome::Tested(Tested::Invalid(mask.text(&word)))
        }
        Outcome::Found(Found::Failed(one)) => Outcome::Found(Found::Failed(failure(one))),
        Outcome::Found(Found::Unreadable(text)) => {
            Outcome::Found(Found::Unreadable(mask.text(&text)))
        }
        other => other,
    }
}
