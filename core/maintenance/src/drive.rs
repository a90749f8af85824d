//! A session from its beginning to its end, or to where it is put down: looked at, planned, acted on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use core_model::id::{SoftwareId, VersionId};
use core_model::library::SoftwareVersion;
use core_plan::{
    Detections, Difference, Failure, FailureClass, Found, Key, Next, Origin, Outcome, Outline,
    Plan, Report, Session, Step, WhenOffline, Work,
};

use crate::around::Around;
use crate::book::{Book, Half, Line, Said};
use crate::brief::Brief;
use crate::callback::{self, Calls};
use crate::detect;
use crate::error::Result;
use crate::local::Hubside;
use crate::step::{self, Body, Here};
use crate::way::{Clock, Keys, Locks, Ways};
use crate::{mode, monitored, reboot, words};

mod hold;

/// How long a session waits by itself for a computer that went away; after that whoever has it may do something
/// else meanwhile.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);
/// How long to wait between two looks at a lock, or for a computer.
const LOOK: Duration = Duration::from_secs(5);

/// What a session stands on.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Where it is written down.
    pub book: &'a dyn Book,
    /// How the computer is reached.
    pub ways: &'a dyn Ways,
    /// The hub's secrets.
    pub keys: &'a dyn Keys,
    /// Named locks.
    pub locks: &'a dyn Locks,
    /// The time.
    pub clock: &'a dyn Clock,
    /// What is around the subject.
    pub around: &'a dyn Around,
    /// Where scripts run that run in the hub.
    pub hubside: &'a Hubside,
}

/// How far a session came.
#[derive(Clone, Debug)]
pub enum Ended {
    /// To its end.
    Over {
        /// What was to be done.
        plan: Box<Plan>,
        /// What came of it.
        report: Report,
        /// What had changed since it was looked at.
        changed: BTreeMap<Key, Difference>,
    },
    /// It is planned, and was not to be more.
    Planned(Box<Plan>),
    /// It has to wait; whoever takes it up again goes on from here.
    Waits {
        /// Why.
        why: String,
        /// Until when, where that is known; else until the computer can be reached.
        until: Option<DateTime<Utc>>,
    },
}

/// Carries a session out, from wherever its book ends. Without `act` it ends when there is a plan.
///
/// # Errors
/// Where it is put down: whoever opens the book again goes on.
pub async fn carry_out(brief: &Brief, desk: Desk<'_>, act: bool) -> Result<Ended> {
    let lines = desk.book.lines().await?;
    let brief = &brief.fitting();
    let mut work = AtWork::new(brief, desk, &lines);
    let ended = work.go(&lines, act).await;
    let given_back = work.unlock().await;
    let ended = ended?;
    given_back?;
    Ok(ended)
}

/// Why a step has no outcome yet.
pub(crate) enum Pause {
    Put(crate::Error),
    Waits { why: String, until: Option<DateTime<Utc>> },
}

impl From<crate::Error> for Pause {
    fn from(error: crate::Error) -> Self {
        Pause::Put(error)
    }
}

pub(crate) struct AtWork<'a> {
    pub(crate) brief: &'a Brief,
    pub(crate) desk: Desk<'a>,
    next_number: AtomicU32,
    /// The line that was begun and not ended.
    pub(crate) open: Option<Line>,
    /// Whether the subject was put into maintenance mode.
    pub(crate) entered: bool,
    pub(crate) known: Detections,
    named: BTreeMap<SoftwareId, Vec<SoftwareVersion>>,
    files: BTreeMap<VersionId, String>,
    found: BTreeMap<SoftwareId, String>,
    /// What one script found of several, until anything is changed.
    pub(crate) seen: BTreeMap<Key, Outcome>,
    lock: Option<String>,
    /// What has begun to change something, and is ended whatever is stopped.
    begun: BTreeSet<Key>,
    /// What a prerequisite must be there for.
    wanted_by: BTreeMap<Key, Vec<Key>>,
}

impl<'a> AtWork<'a> {
    fn new(brief: &'a Brief, desk: Desk<'a>, lines: &[Line]) -> Self {
        let mut work = Self {
            brief,
            desk,
            next_number: AtomicU32::new(lines.last().map_or(1, |line| line.number + 1)),
            open: lines
                .iter()
                .rfind(|line| !line.is_beside())
                .filter(|line| line.is_open())
                .cloned(),
            entered: mode::is_entered(lines),
            known: Detections::default(),
            named: BTreeMap::new(),
            files: BTreeMap::new(),
            found: BTreeMap::new(),
            seen: BTreeMap::new(),
            lock: None,
            begun: BTreeSet::new(),
            wanted_by: BTreeMap::new(),
        };
        for line in lines {
            if let Some(outcome) = &line.outcome {
                work.learn(line.half, &line.step, outcome, &line.said);
            }
        }
        work
    }

    /// What later steps need of one.
    fn learn(&mut self, half: Half, step: &Step, outcome: &Outcome, said: &Said) {
        if half == Half::Look {
            self.known.record(step, outcome);
        }
        if let Step::Item { key, work } = step
            && !work.reads()
            && !matches!(work, Work::Download(_))
            && !matches!(outcome, Outcome::Held(_))
        {
            self.begun.insert(key.clone());
        }
        match (step, outcome) {
            (Step::Versions(software), Outcome::Versions(versions)) => {
                self.named.insert(*software, versions.clone());
            }
            (Step::Item { work: Work::Download(version), .. }, Outcome::Done { .. }) => {
                self.files.extend(said.value.clone().map(|file| (*version, file)));
            }
            (Step::Item { key, work: Work::Detect }, Outcome::Found(Found::Version(version))) => {
                self.found.extend(key.software().map(|id| (id, version.to_string())));
            }
            _ => {}
        }
    }

    async fn go(&mut self, lines: &[Line], act: bool) -> Result<Ended> {
        let ended = match self.half_by_half(lines, act).await {
            Ok(ended) => ended,
            Err(Pause::Put(error)) => return Err(error),
            Err(Pause::Waits { why, until }) => Ended::Waits { why, until },
        };
        // Whoever takes it up again enters it anew.
        self.leave_maintenance().await?;
        Ok(ended)
    }

    async fn half_by_half(
        &mut self,
        lines: &[Line],
        act: bool,
    ) -> std::result::Result<Ended, Pause> {
        for line in lines.iter().filter(|line| line.is_invoked() && line.is_open()) {
            if let Some(why) = callback::settle(&self.desk, line.clone()).await? {
                return Err(Pause::Waits { why, until: None });
            }
        }
        let acted = lines.iter().any(|line| line.half == Half::Act && !line.is_beside());
        let kept = self.desk.book.plan().await?;
        let (plan, changed) = match kept {
            // What was begun is ended as it was planned.
            Some(plan) if acted => (plan, BTreeMap::new()),
            kept => {
                let now = self.look().await?;
                let (plan, changed) = match kept {
                    Some(before) if act => before.renewed(now, self.brief.on_change),
                    _ => (now, BTreeMap::new()),
                };
                self.desk.book.put_plan(&plan).await?;
                (plan, changed)
            }
        };
        if !act {
            return Ok(Ended::Planned(Box::new(plan)));
        }
        let report = self.act(&plan, lines).await?;
        Ok(Ended::Over { plan: Box::new(plan), report, changed })
    }

    /// The first half.
    async fn look(&mut self) -> std::result::Result<Plan, Pause> {
        let brief = self.brief;
        let wanted = brief.wanted();
        let outline = Outline::of(brief.request(&wanted));
        let mut broken = 0;
        while let Some(step) = outline.next(&self.known) {
            if let Step::Item { work: Work::Detect, .. } = &step {
                self.look_at_all(&outline, &step).await?;
            }
            let outcome = self.step(Half::Look, &step).await?;
            if outcome == Outcome::Interrupted {
                broken += 1;
                if broken > brief.settings.interruptions {
                    let failure = Failure::new(
                        FailureClass::Interrupted,
                        format!("it was broken off {broken} times"),
                    );
                    self.known.record(&step, &Outcome::Failed(failure));
                }
            }
        }
        Ok(outline.plan(&self.known))
    }

    /// The second half.
    async fn act(&mut self, plan: &Plan, lines: &[Line]) -> std::result::Result<Report, Pause> {
        self.wanted_by = plan
            .actions
            .iter()
            .filter_map(|action| match &action.origin {
                Origin::Prerequisite(by) => Some((action.key.clone(), by.clone())),
                _ => None,
            })
            .collect();
        let updates = match self.wants_updates(lines) {
            true => self.updates(lines).await?,
            false => None,
        };
        let mut session = Session::of(plan);
        if updates.as_ref().is_some_and(|updates| updates.changed) {
            session.note_change();
        }
        for line in lines.iter().filter(|line| line.half == Half::Act) {
            if let Some(outcome) = &line.outcome {
                session.record(&line.step, outcome);
            }
        }
        loop {
            match session.next() {
                Next::Over(mut report) => {
                    report.notes.extend(updates.map(|updates| updates.words));
                    return Ok(report);
                }
                Next::Do(step) => {
                    self.lock_for(plan, &step).await?;
                    let outcome = self.step(Half::Act, &step).await?;
                    session.record(&step, &outcome);
                }
            }
        }
    }

    /// A line of its own, which is begun.
    pub(crate) fn new_line(&self, half: Half, step: &Step) -> Line {
        Line {
            number: self.next_number.fetch_add(1, Ordering::Relaxed),
            half,
            step: step.clone(),
            what: words::of(step, &self.brief.catalogue),
            run: None,
            outcome: None,
            said: Said::default(),
            began_at: self.desk.clock.now(),
            ended_at: None,
        }
    }

    /// Does a step, with a word in the book before and after.
    async fn step(&mut self, half: Half, step: &Step) -> std::result::Result<Outcome, Pause> {
        let open = self.open.take().filter(|line| line.half == half && line.step == *step);
        let mut line = match open {
            Some(line) => line,
            None => {
                let line = self.new_line(half, step);
                self.desk.book.write(&line).await?;
                line
            }
        };
        let outcome = match self.outcome(&mut line).await {
            Ok(outcome) => outcome,
            Err(pause) => {
                self.open = Some(line);
                return Err(pause);
            }
        };
        if let Some(why) = self.waits_for_it(half, &line, &outcome) {
            self.desk.book.write(&line).await?;
            return Err(Pause::Waits { why, until: None });
        }
        line.outcome = Some(outcome.clone());
        line.ended_at = Some(self.desk.clock.now());
        self.desk.book.write(&line).await?;
        self.learn(half, step, &outcome, &line.said);
        Ok(outcome)
    }

    /// Why a step waits for the computer as it is: nothing is known of one that does not answer, and what was
    /// sent to one that went away may be done when it is back.
    fn waits_for_it(&self, half: Half, line: &Line, outcome: &Outcome) -> Option<String> {
        let failure = match outcome {
            Outcome::Failed(failure) | Outcome::Found(Found::Failed(failure)) => failure,
            _ => return None,
        };
        let under_way = line.run.as_ref().is_some_and(|run| run.handle.is_some());
        let waits = self.brief.settings.offline == WhenOffline::Wait
            && failure.class == FailureClass::Offline
            && (half == Half::Look || under_way);
        waits.then(|| failure.message.clone())
    }

    async fn outcome(&mut self, line: &mut Line) -> std::result::Result<Outcome, Pause> {
        let step = line.step.clone();
        match &step {
            Step::Item { key, work } => Box::pin(self.item(line, key, work)).await,
            Step::Versions(software) => self.versions(line, *software).await,
            Step::CheckReboot => Ok(reboot::check(self.calls_from(line.half), line).await?),
            Step::AskReboot => {
                self.may_go_on(line, None).await?;
                Ok(reboot::ask(self.calls_from(line.half), line).await?)
            }
            Step::Reboot => {
                self.may_go_on(line, None).await?;
                self.enter_maintenance().await?;
                self.seen.clear();
                Ok(reboot::reboot(self.calls_from(line.half), line).await?)
            }
            Step::AwaitConnection => self.await_connection().await,
            // Nobody asks for what is done beside the plan.
            Step::Beside(_) => Ok(Outcome::Done { reboot: false }),
        }
    }

    async fn item(
        &mut self,
        line: &mut Line,
        key: &Key,
        work: &Work,
    ) -> std::result::Result<Outcome, Pause> {
        if *work == Work::Detect {
            if let Some(outcome) = self.seen.remove(key) {
                return Ok(outcome);
            }
            let software = key.software().and_then(|id| self.brief.catalogue.software(id));
            if let Some(question) = software.and_then(detect::question) {
                let mut outcomes = self.table(&[question], Some(line)).await?;
                return Ok(outcomes.pop().unwrap_or(Outcome::Interrupted));
            }
        }
        let here =
            Here { brief: self.brief, named: &self.named, files: &self.files, found: &self.found };
        let piece = match here.piece(key, work) {
            Ok(piece) => piece,
            Err(failure) => return Ok(Outcome::Failed(failure)),
        };
        // What is under way is waited for, whatever the time.
        let now = self.desk.clock.now();
        let hours = self.brief.hours.as_ref().filter(|_| self.brief.changes_wait);
        if line.run.is_none()
            && piece.waits_for_hours(work)
            && let Some((hours, why)) = hours.and_then(|hours| Some((hours, hours.hold(now)?)))
        {
            return Err(Pause::Waits { why, until: Some(hours.end(now)) });
        }
        if !work.reads() {
            if !self.begun.contains(key)
                && let Some(held) = self.may_go_on(line, Some(key)).await?
            {
                return Ok(Outcome::Held(held));
            }
            self.enter_maintenance().await?;
            self.seen.clear();
        }
        let from = self.calls_from(line.half);
        let (came, mask) = step::run(from, line, &piece, work.reads()).await?;
        if matches!(work, Work::Download(_)) {
            line.said.value = step::last_text(&came);
        }
        Ok(match work {
            Work::Get => monitored::keep(self.brief, key, &came, &mask, &mut line.said),
            _ => step::outcome_of(work, &came, &mask),
        })
    }

    async fn versions(
        &mut self,
        line: &mut Line,
        software: SoftwareId,
    ) -> std::result::Result<Outcome, Pause> {
        let named = self.brief.catalogue.software(software);
        let Some(script) = named.and_then(|one| one.dynamic_versions.clone()) else {
            let message = "its script for versions is not there any more";
            return Ok(Outcome::Failed(Failure::new(FailureClass::Definition, message)));
        };
        let piece = step::Piece {
            limit_s: script.limit_s(core_model::library::ScriptPurpose::DynamicVersions),
            body: Body::Library(script),
            arguments: core_script::Arguments::default(),
            caps: None,
        };
        let (came, mask) = step::run(self.calls_from(line.half), line, &piece, true).await?;
        Ok(step::named(software, &came, &mask))
    }

    /// From where a script of this half calls the hub.
    fn calls_from(&self, half: Half) -> (&Desk<'a>, Calls<'_>) {
        (&self.desk, Calls { brief: self.brief, numbers: &self.next_number, half })
    }

    /// Waits a while for a computer that went away.
    async fn await_connection(&self) -> std::result::Result<Outcome, Pause> {
        let until = self.desk.clock.now() + PATIENCE;
        loop {
            let ways = self.desk.ways.ways().await?;
            if ways.iter().any(|way| way.online == Some(true)) {
                return Ok(Outcome::Done { reboot: false });
            }
            if self.desk.clock.now() >= until {
                // Whoever takes it up later tries a way of which nobody knows.
                if ways.iter().any(|way| way.online.is_none()) {
                    return Ok(Outcome::Done { reboot: false });
                }
                let why = "the computer went away in the middle of it".to_owned();
                return Err(Pause::Waits { why, until: None });
            }
            self.desk.clock.pause(LOOK).await?;
        }
    }
}
