//! Reboots: whether one is pending, whoever sits there, and the reboot itself, which is over when the computer
//! answers and was started anew.

use chrono::TimeDelta;
use core_plan::{Answer, Failure, FailureClass, Outcome};

use crate::book::Line;
use crate::callback::Calls;
use crate::drive::Desk;
use crate::errand::{Came, Errand};
use crate::error::Result;
use crate::outcome;
use crate::step::{self, Body, Piece};
use crate::texts::Text;

/// How long a computer may take to come back, minutes.
const BACK_MINUTES: i64 = 45;
/// How long to wait between two looks whether it is back.
const LOOK: std::time::Duration = std::time::Duration::from_secs(30);

/// What a computer says of itself.
struct State {
    pending: bool,
    /// Which start of the system this is.
    boot: String,
}

fn state_of(output: &str) -> Option<State> {
    let value = |name: &str| output.lines().find_map(|line| line.trim().strip_prefix(name));
    let boot = value("boot=")?.trim().to_owned();
    let pending = value("pending=").is_some_and(|word| word.trim().eq_ignore_ascii_case("true"));
    (!boot.is_empty()).then_some(State { pending, boot })
}

fn piece(text: Text) -> Piece {
    let arguments = core_script::Arguments::default();
    Piece { body: Body::Own(text), arguments, limit_s: text.limit_s(), caps: None }
}

fn printed(came: &Came) -> std::result::Result<&str, Outcome> {
    outcome::read(came).map(|run| run.output.head.as_str())
}

fn unread(what: &str) -> Outcome {
    Outcome::Failed(Failure::new(
        FailureClass::Read,
        format!("what it says of {what} cannot be read"),
    ))
}

/// Whether a reboot is pending, and why there may be none now.
///
/// # Errors
/// Where the session is put down.
pub(crate) async fn check(
    (desk, calls): (&Desk<'_>, Calls<'_>),
    line: &mut Line,
) -> Result<Outcome> {
    let (came, _) = step::run((desk, calls), line, &piece(Text::State), true).await?;
    let held = calls.brief.hours.as_ref().and_then(|hours| hours.hold(desk.clock.now()));
    Ok(match printed(&came).map(state_of) {
        Ok(Some(state)) => Outcome::Reboot { pending: state.pending, held },
        Ok(None) => unread("reboots"),
        Err(outcome) => outcome,
    })
}

/// Asks whoever sits there.
///
/// # Errors
/// Where the session is put down.
pub(crate) async fn ask((desk, calls): (&Desk<'_>, Calls<'_>), line: &mut Line) -> Result<Outcome> {
    let (came, _) = step::run((desk, calls), line, &piece(Text::Ask), true).await?;
    Ok(match outcome::read(&came) {
        Ok(run) => Outcome::Answer(match run.output.head.trim() {
            "yes" => Answer::Yes,
            "no" => Answer::No,
            _ => Answer::Nothing,
        }),
        // Where nobody is logged on, nobody minds, and nobody answers.
        Err(Outcome::Failed(failure)) if failure.class == FailureClass::Offline => {
            Outcome::Failed(failure)
        }
        Err(_) => Outcome::Answer(Answer::Nothing),
    })
}

/// Reboots, and waits until the computer is back.
///
/// # Errors
/// Where the session is put down.
pub(crate) async fn reboot(
    (desk, calls): (&Desk<'_>, Calls<'_>),
    line: &mut Line,
) -> Result<Outcome> {
    let before = match line.said.value.clone() {
        // Somebody else asked for it, and wrote down which start that was.
        Some(boot) => boot,
        None => {
            let (came, _) = step::run((desk, calls), line, &piece(Text::Reboot), false).await?;
            let change = outcome::of_change(&came, FailureClass::Reboot);
            if !matches!(change, Outcome::Done { .. }) {
                return Ok(change);
            }
            let Some(state) = printed(&came).ok().and_then(state_of) else {
                return Ok(Outcome::Interrupted);
            };
            line.said.value = Some(state.boot.clone());
            line.run = None;
            desk.book.write(line).await?;
            state.boot
        }
    };
    back(desk, line, &before).await
}

/// Waits until it answers from another start.
async fn back(desk: &Desk<'_>, line: &mut Line, before: &str) -> Result<Outcome> {
    let until = desk.clock.now() + TimeDelta::minutes(BACK_MINUTES);
    let piece = piece(Text::State);
    let mut answered = false;
    while desk.clock.now() < until {
        desk.clock.pause(LOOK).await?;
        let errand = Errand {
            body: &piece.body,
            arguments: &piece.arguments,
            limit_s: piece.limit_s,
            reads: true,
            caps: None,
        };
        // Its line is of the reboot: what is asked meanwhile is not in the book, and may be lost.
        let mut look = Line { run: None, ..line.clone() };
        let came = errand.quietly(desk, &mut look).await?;
        let state = printed(&came).ok().and_then(state_of);
        answered |= state.is_some();
        if state.is_some_and(|state| state.boot != before) {
            return Ok(Outcome::Done { reboot: false });
        }
    }
    let failure = |class, words: &str| Outcome::Failed(Failure::new(class, words));
    Ok(match answered {
        true => failure(FailureClass::Reboot, "it was told to reboot, and did not"),
        false => failure(FailureClass::Timeout, "it did not come back after its reboot"),
    })
}
