//! A session from its beginning to its end, or to where it is put down: looked at, planned, acted on.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use core_model::id::{SoftwareId, VersionId};
use core_model::library::SoftwareVersion;
use core_plan::{
    Detections, Difference, Failure, FailureClass, Found, Key, Next, Outcome, Outline, Plan,
    Report, Session, Step, WhenOffline, Work,
};

use crate::book::{Book, Half, Line, Said};
use crate::brief::Brief;
use crate::detect;
use crate::errand::Errand;
use crate::error::Result;
use crate::local::Hubside;
use crate::step::{self, Body, Here};
use crate::texts::{self, Text};
use crate::way::{Clock, Keys, Locks, Ways};
use crate::{monitored, outcome, reboot, words};

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
    let mut work = AtWork::new(brief, desk, &lines);
    let ended = work.go(&lines, act).await;
    let given_back = work.unlock().await;
    let ended = ended?;
    given_back?;
    Ok(ended)
}

/// Why a step has no outcome yet.
enum Pause {
    Put(crate::Error),
    Waits { why: String, until: Option<DateTime<Utc>> },
}

impl From<crate::Error> for Pause {
    fn from(error: crate::Error) -> Self {
        Pause::Put(error)
    }
}

struct AtWork<'a> {
    brief: &'a Brief,
    desk: Desk<'a>,
    next_number: u32,
    /// The line that was begun and not ended.
    open: Option<Line>,
    known: Detections,
    named: BTreeMap<SoftwareId, Vec<SoftwareVersion>>,
    files: BTreeMap<VersionId, String>,
    found: BTreeMap<SoftwareId, String>,
    /// What one script found of several, until anything is changed.
    seen: BTreeMap<Key, Outcome>,
    lock: Option<String>,
}

impl<'a> AtWork<'a> {
    fn new(brief: &'a Brief, desk: Desk<'a>, lines: &[Line]) -> Self {
        let mut work = Self {
            brief,
            desk,
            next_number: lines.last().map_or(1, |line| line.number + 1),
            open: lines.last().filter(|line| line.outcome.is_none()).cloned(),
            known: Detections::default(),
            named: BTreeMap::new(),
            files: BTreeMap::new(),
            found: BTreeMap::new(),
            seen: BTreeMap::new(),
            lock: None,
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
        Ok(ended)
    }

    async fn half_by_half(
        &mut self,
        lines: &[Line],
        act: bool,
    ) -> std::result::Result<Ended, Pause> {
        let acted = lines.iter().any(|line| line.half == Half::Act);
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

    /// Looks at once for all software that is looked for in the list of what is installed.
    async fn look_at_all(
        &mut self,
        outline: &Outline<'_>,
        step: &Step,
    ) -> std::result::Result<(), Pause> {
        let Step::Item { key: first, .. } = step else { return Ok(()) };
        if self.seen.contains_key(first) || self.open.is_some() {
            return Ok(());
        }
        let unknown = |key: &&Key| self.known.items.get(key).is_none_or(|one| one.found.is_none());
        let mut keys = Vec::new();
        let mut questions = Vec::new();
        for key in outline.items().map(|(key, _)| key).filter(unknown) {
            let software = key.software().and_then(|id| self.brief.catalogue.software(id));
            if let Some(question) = software.and_then(detect::question) {
                keys.push(key.clone());
                questions.push(question);
            }
        }
        if !keys.contains(first) || keys.len() < 2 {
            return Ok(());
        }
        let outcomes = self.table(&questions, None).await?;
        self.seen = keys.into_iter().zip(outcomes).collect();
        Ok(())
    }

    /// What is found to questions, by one script.
    async fn table(
        &self,
        questions: &[(&'static str, String)],
        line: Option<&mut Line>,
    ) -> std::result::Result<Vec<Outcome>, Pause> {
        let wanted = detect::written(questions);
        let Ok(arguments) = texts::given(&[("wanted", &wanted)]) else {
            let message = "the name that it is looked for by holds what no script can be given";
            let failure = Failure::new(FailureClass::Definition, message);
            return Ok(vec![Outcome::Failed(failure); questions.len()]);
        };
        let errand = Errand {
            body: &Body::Own(Text::Table),
            arguments: &arguments,
            limit_s: Text::Table.limit_s(),
            reads: true,
            caps: Some(detect::TABLE_CAPS),
        };
        let came = match line {
            Some(line) => {
                let came = errand.run(&self.desk, line).await?;
                let way = line.said.way.clone();
                line.said = outcome::said(&came, &core_script::Mask::default(), way);
                // What was found is the outcome; what the list looks like is nobody's business.
                line.said.output.clear();
                came
            }
            None => {
                let mut line = self.new_line(Half::Look, &Step::AwaitConnection);
                errand.quietly(&self.desk, &mut line).await?
            }
        };
        Ok(detect::found(&came, questions.len()))
    }

    /// The second half.
    async fn act(&mut self, plan: &Plan, lines: &[Line]) -> std::result::Result<Report, Pause> {
        let mut session = Session::of(plan);
        for line in lines.iter().filter(|line| line.half == Half::Act) {
            if let Some(outcome) = &line.outcome {
                session.record(&line.step, outcome);
            }
        }
        loop {
            match session.next() {
                Next::Over(report) => return Ok(report),
                Next::Do(step) => {
                    self.lock_for(plan, &step).await?;
                    let outcome = self.step(Half::Act, &step).await?;
                    session.record(&step, &outcome);
                }
            }
        }
    }

    fn new_line(&self, half: Half, step: &Step) -> Line {
        Line {
            number: self.next_number,
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
                self.next_number += 1;
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
            Step::Item { key, work } => self.item(line, key, work).await,
            Step::Versions(software) => self.versions(line, *software).await,
            Step::CheckReboot => Ok(reboot::check(&self.desk, self.brief, line).await?),
            Step::AskReboot => Ok(reboot::ask(&self.desk, line).await?),
            Step::Reboot => {
                self.seen.clear();
                Ok(reboot::reboot(&self.desk, line).await?)
            }
            Step::AwaitConnection => self.await_connection().await,
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
            self.seen.clear();
        }
        let (came, mask) = step::run(&self.desk, line, &piece, work.reads()).await?;
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
        let (came, mask) = step::run(&self.desk, line, &piece, true).await?;
        Ok(step::named(software, &came, &mask))
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

    /// Has the lock of the action that a step is of, and no other.
    async fn lock_for(&mut self, plan: &Plan, step: &Step) -> Result<()> {
        let Step::Item { key, .. } = step else { return self.unlock().await };
        let wanted = plan.action(key).and_then(|action| action.serial.clone());
        if wanted == self.lock {
            return Ok(());
        }
        self.unlock().await?;
        if let Some(name) = wanted {
            while !self.desk.locks.take(&name).await? {
                self.desk.clock.pause(LOOK).await?;
            }
            self.lock = Some(name);
        }
        Ok(())
    }

    async fn unlock(&mut self) -> Result<()> {
        match self.lock.take() {
            Some(name) => self.desk.locks.give_back(&name).await,
            None => Ok(()),
        }
    }
}
