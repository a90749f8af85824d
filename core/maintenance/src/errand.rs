//! One script, through whatever way leads to the computer: staged, written down, sent once, waited for, and
//! found again by whoever comes after a crash.

use std::time::Duration;

use chrono::TimeDelta;
use core_connector::{Actor, ErrorKind, ScriptHandle, ScriptOutcome, Secret};
use core_model::library::ScriptContext;
use core_script::{
    Answer, Arguments, Caps, Delivery, Job, Nonce, NotRun, deliver, parts_stored, read,
    secret_document,
};
use uuid::Uuid;

use crate::book::{Book, Line, Run};
use crate::drive::Desk;
use crate::error::Result;
use crate::step::Body;
use crate::way::{Command, Way};

/// How much longer than the computer the hub waits, seconds: the way there and back.
const GRACE_S: i64 = 120;
/// How long a part of a script may take to arrive.
const PART: Duration = Duration::from_secs(120);
/// How often parts are sent before the way is given up.
const PART_ROUNDS: u32 = 3;
/// How many answers of a vendor in a row may be no sense before what was sent counts as lost: until then it may well
/// run, and a look at the computer would see too little.
const PATIENCE: u32 = 6;
/// How often it is looked whether the way is still there, while a script is waited for.
const LOOK_S: i64 = 30;

/// A script to run.
#[derive(Clone, Copy)]
pub(crate) struct Errand<'a> {
    /// What runs.
    pub(crate) body: &'a Body,
    /// With what.
    pub(crate) arguments: &'a Arguments,
    /// Seconds that the computer gives it.
    pub(crate) limit_s: u32,
    /// It changes nothing, and may run twice.
    pub(crate) reads: bool,
    /// How much comes back through a vendor, where it is not what comes back of any script.
    pub(crate) caps: Option<Caps>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Came {
    /// The computer answered.
    Answer(Box<Answer>),
    /// No way led there: nothing ran.
    Offline(String),
    /// It may have run; what came of it is not known.
    Broken(String),
    /// It was sent, and there was no answer in its time.
    Silent(u32),
    /// It cannot be sent: nothing ran, and nothing will.
    Refused(String),
    /// Somebody else's system did not let it in.
    Denied(String),
}

/// What came of one way.
enum Through {
    Came(Came),
    /// Nothing ran, or nothing was changed: another way may be taken.
    Not(String),
    /// What the way cannot carry.
    Unfit(String),
}

impl Errand<'_> {
    /// Runs it. What is in flight is in the line before it is sent; a line with a run in it is one that somebody
    /// sent before.
    ///
    /// # Errors
    /// Where the session is put down.
    pub(crate) async fn run(&self, desk: &Desk<'_>, line: &mut Line) -> Result<Came> {
        let ways = desk.ways.ways().await?;
        if let Some(run) = line.run.clone() {
            if let Some(came) = self.resume(desk, line, &run, &ways).await? {
                return Ok(came);
            }
            line.run = None;
        }
        let (mut reasons, mut unfit) = (Vec::new(), None);
        for way in ways.iter().filter(|way| way.online != Some(false)) {
            match self.by(desk, line, way).await? {
                Through::Came(came) => return Ok(came),
                Through::Not(why) => reasons.push(format!("{}: {why}", way.name)),
                Through::Unfit(error) => unfit = Some(error),
            }
        }
        Ok(match unfit {
            Some(error) if reasons.is_empty() => Came::Refused(error),
            _ if reasons.is_empty() => Came::Offline("no way leads to it now".to_owned()),
            _ => Came::Offline(reasons.join("; ")),
        })
    }

    /// Waits for what somebody else sent, and sends nothing; nothing where it never left.
    ///
    /// # Errors
    /// Where the session is put down.
    pub(crate) async fn settle(&self, desk: &Desk<'_>, line: &mut Line) -> Result<Option<Came>> {
        let Some(run) = line.run.clone() else { return Ok(None) };
        let ways = desk.ways.ways().await?;
        self.resume(desk, line, &run, &ways).await
    }

    /// Runs it without a word in the book: it reads, and nobody needs to find it again.
    ///
    /// # Errors
    /// Where the session is put down.
    pub(crate) async fn quietly(&self, desk: &Desk<'_>, line: &mut Line) -> Result<Came> {
        let desk = Desk { book: &Nowhere, ..*desk };
        self.run(&desk, line).await
    }

    /// Goes on with what somebody else sent; nothing where it never left.
    async fn resume(
        &self,
        desk: &Desk<'_>,
        line: &mut Line,
        run: &Run,
        ways: &[Way],
    ) -> Result<Option<Came>> {
        let broken = |why: &str| Ok(Some(Came::Broken(why.to_owned())));
        let Some(way) = ways.iter().find(|way| way.name == run.way) else {
            return match self.reads {
                true => Ok(None),
                false => broken("the way that it was sent by is gone"),
            };
        };
        if let Some(handle) = &run.handle {
            let handle = ScriptHandle(handle.clone());
            return self.wait(desk, line, way, run, &handle).await.map(Some);
        }
        // Whose token it held is not known any more: its text cannot be made again.
        let secret = !self.arguments.secrets().is_empty() && !self.has_input(way);
        let delivery = if secret { None } else { self.delivery(desk, way, run).await?.ok() };
        let Some((delivery, stdin)) = delivery else {
            return if self.reads {
                Ok(None)
            } else {
                broken("it is not known whether it was sent")
            };
        };
        match found(desk, way, &self.command(run, &delivery.run, stdin, way)).await? {
            Ok(Some(handle)) => {
                let run = self.note_handle(desk, line, run, &handle).await?;
                self.wait(desk, line, way, &run, &handle).await.map(Some)
            }
            Ok(None) => Ok(None),
            Err(_) if self.reads => Ok(None),
            Err(error) => broken(&format!("it is not known whether it was sent: {error}")),
        }
    }

    /// Sends it by one way.
    async fn by(&self, desk: &Desk<'_>, line: &mut Line, way: &Way) -> Result<Through> {
        let mut run = Run {
            name: Uuid::new_v4(),
            nonce: rand::random(),
            way: way.name.clone(),
            handle: None,
            sent_at: desk.clock.now(),
        };
        let (delivery, stdin) = match self.delivery(desk, way, &run).await? {
            Ok(delivery) => delivery,
            Err(error) => return Ok(Through::Unfit(error)),
        };
        if let Some(why) = self.stage(desk, way, &delivery, Nonce(run.nonce)).await? {
            return Ok(Through::Not(why));
        }
        run.sent_at = desk.clock.now();
        line.run = Some(run.clone());
        line.said.way = Some(way.name.clone());
        desk.book.write(line).await?;
        let command = self.command(&run, &delivery.run, stdin, way);
        let handle = match way.carrier.start(&command).await {
            Ok(handle) => handle,
            Err(error) if may_have_arrived(error.kind()) => {
                match found(desk, way, &command).await? {
                    Ok(Some(handle)) => handle,
                    Ok(None) => return Ok(Through::Not(error.to_string())),
                    Err(_) if self.reads => return Ok(Through::Not(error.to_string())),
                    Err(_) => return Ok(Through::Came(Came::Broken(error.to_string()))),
                }
            }
            Err(error) => return Ok(Through::Not(error.to_string())),
        };
        let run = self.note_handle(desk, line, &run, &handle).await?;
        let came = self.wait(desk, line, way, &run, &handle).await?;
        Ok(match came {
            Came::Answer(answer) if matches!(*answer, Answer::NotRun(NotRun::Unstaged)) => {
                Through::Not("what was staged is not there any more".to_owned())
            }
            Came::Broken(why) if self.reads => Through::Not(why),
            // It may run yet, when the computer is back: what changes something goes no second way meanwhile.
            Came::Offline(why) if self.reads => Through::Not(why),
            came => Through::Came(came),
        })
    }

    /// The commands, and what standard input is given.
    async fn delivery(
        &self,
        desk: &Desk<'_>,
        way: &Way,
        run: &Run,
    ) -> Result<std::result::Result<(Delivery, Option<Secret>), String>> {
        let Some(script) = self.body.script(way.shell) else {
            return Ok(Err("there is no such thing on computers of this kind".to_owned()));
        };
        let secrets = self.arguments.secrets();
        let (mut fetch, mut stdin) = (None, None);
        if !secrets.is_empty() && self.has_input(way) {
            stdin = Some(secret_document(&desk.keys.values(secrets).await?));
        } else if !secrets.is_empty() {
            let until = run.sent_at + TimeDelta::seconds(i64::from(self.limit_s) + GRACE_S);
            fetch = desk.keys.fetch(run.name, secrets, until).await?;
        }
        let job = Job {
            script: &script,
            arguments: self.arguments,
            fetch: fetch.as_ref(),
            nonce: Nonce(run.nonce),
            limit_s: self.limit_s,
            caps: self.caps(way),
        };
        let delivery = deliver(&job, &way.limits()).map_err(|error| error.to_string());
        Ok(delivery.map(|delivery| (delivery, stdin)))
    }

    /// Whether the script itself has the standard input of its way: on Windows what runs as who is logged on is a task,
    /// which has none.
    fn has_input(&self, way: &Way) -> bool {
        let script = self.body.script(way.shell);
        way.stdin && script.is_none_or(|script| script.context != ScriptContext::User)
    }

    fn caps(&self, way: &Way) -> Caps {
        match self.caps {
            Some(caps) if way.caps == Caps::VENDOR => caps,
            // Of lines the value is the last one: it comes with the output.
            Some(_) => Caps { tail: way.caps.value, ..way.caps },
            None => way.caps,
        }
    }

    fn command(&self, run: &Run, text: &Secret, stdin: Option<Secret>, way: &Way) -> Command {
        Command {
            run: run.name,
            text: text.clone(),
            stdin,
            // The computer itself keeps the script's time; the vendor is only to bear with it.
            limit: Duration::from_secs(u64::from(self.limit_s) + GRACE_S.unsigned_abs() / 2),
            output_limit: self.caps(way).output_limit(),
        }
    }

    /// Brings the parts of a long script there; why it could not, where it could not.
    async fn stage(
        &self,
        desk: &Desk<'_>,
        way: &Way,
        delivery: &Delivery,
        nonce: Nonce,
    ) -> Result<Option<String>> {
        let mut open: Vec<usize> = (0..delivery.parts.len()).collect();
        let mut why = String::new();
        for _ in 0..PART_ROUNDS {
            let mut left = Vec::new();
            for part in open {
                let command = Command {
                    run: Uuid::new_v4(),
                    text: delivery.parts[part].clone(),
                    stdin: None,
                    limit: PART,
                    output_limit: 2_000,
                };
                match part_stored(desk, way, &command, nonce, part).await? {
                    Ok(()) => {}
                    Err(reason) => {
                        why = reason;
                        left.push(part);
                    }
                }
            }
            if left.is_empty() {
                return Ok(None);
            }
            open = left;
        }
        Ok(Some(format!("a part of the script did not get there: {why}")))
    }

    async fn note_handle(
        &self,
        desk: &Desk<'_>,
        line: &mut Line,
        run: &Run,
        handle: &ScriptHandle,
    ) -> Result<Run> {
        let run = Run { handle: Some(handle.0.clone()), ..run.clone() };
        line.run = Some(run.clone());
        desk.book.write(line).await?;
        Ok(run)
    }

    /// Waits for the answer, as long as it may take and the way is there.
    async fn wait(
        &self,
        desk: &Desk<'_>,
        line: &Line,
        way: &Way,
        run: &Run,
        handle: &ScriptHandle,
    ) -> Result<Came> {
        let began = desk.clock.now();
        let limit = TimeDelta::seconds(i64::from(self.limit_s) + GRACE_S);
        // A computer that was away answers when it is back, which may be late.
        let deadline = (run.sent_at + limit).max(began + TimeDelta::seconds(GRACE_S));
        let mut look_at = began + TimeDelta::seconds(LOOK_S);
        let mut failed = 0;
        loop {
            desk.clock.pause(way.carrier.pace()).await?;
            let now = desk.clock.now();
            let polled = way.carrier.poll(handle).await;
            failed = if polled.is_err() { failed + 1 } else { 0 };
            match polled {
                Ok(ScriptOutcome::Done { output, .. }) => {
                    return Ok(match read(&output, Nonce(run.nonce)) {
                        Answer::NotStarted => Came::Broken(no_answer(&output)),
                        answer => Came::Answer(Box::new(answer)),
                    });
                }
                Ok(ScriptOutcome::Failed { reason }) => return Ok(Came::Broken(reason)),
                Ok(ScriptOutcome::Pending) => {}
                Err(error) if error.kind().actor() == Actor::Clock || failed < PATIENCE => {
                    tracing::debug!(%error, way = %way.name, step = line.number, "an answer was not fetched yet");
                }
                Err(error) => return Ok(Came::Broken(error.to_string())),
            }
            if now >= deadline {
                return Ok(Came::Silent(self.limit_s));
            }
            if now >= look_at {
                look_at = now + TimeDelta::seconds(LOOK_S);
                if let Some(gone) = self.gone(desk, way).await? {
                    return Ok(gone);
                }
            }
        }
    }

    /// What it comes to where the way is not there any more.
    async fn gone(&self, desk: &Desk<'_>, way: &Way) -> Result<Option<Came>> {
        let ways = desk.ways.ways().await?;
        let here = ways.iter().find(|one| one.name == way.name);
        if here.is_some_and(|one| one.online != Some(false)) {
            return Ok(None);
        }
        let why = format!("{} does not reach it any more", way.name);
        let another = ways.iter().any(|one| one.name != way.name && one.online != Some(false));
        Ok(Some(match another {
            true => Came::Broken(why),
            // It goes on when the computer is back; the line keeps what was sent.
            false => Came::Offline(why),
        }))
    }
}

/// What a vendor said instead of an answer, in few words.
fn no_answer(output: &str) -> String {
    let line = output.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line: String = line.chars().take(200).collect();
    match line.is_empty() {
        true => "it answered nothing".to_owned(),
        false => format!("its answer holds nothing of this run: {line}"),
    }
}

/// Sends a part and waits until it is there; why not, where it is not.
async fn part_stored(
    desk: &Desk<'_>,
    way: &Way,
    command: &Command,
    nonce: Nonce,
    part: usize,
) -> Result<std::result::Result<(), String>> {
    let handle = match way.carrier.start(command).await {
        Ok(handle) => handle,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let deadline = desk.clock.now() + TimeDelta::seconds(GRACE_S);
    loop {
        desk.clock.pause(way.carrier.pace()).await?;
        match way.carrier.poll(&handle).await {
            Ok(ScriptOutcome::Done { output, .. }) => {
                return Ok(match parts_stored(&output, nonce).contains(&part) {
                    true => Ok(()),
                    false => Err(no_answer(&output)),
                });
            }
            Ok(ScriptOutcome::Failed { reason }) => return Ok(Err(reason)),
            Ok(ScriptOutcome::Pending) => {}
            Err(error) if error.kind().actor() == Actor::Clock => {}
            Err(error) => return Ok(Err(error.to_string())),
        }
        if desk.clock.now() >= deadline {
            return Ok(Err("there was no answer".to_owned()));
        }
    }
}

/// Whether the vendor has a command; asked again where its answer is none.
async fn found(
    desk: &Desk<'_>,
    way: &Way,
    command: &Command,
) -> Result<core_connector::Result<Option<ScriptHandle>>> {
    let mut failed = 1;
    loop {
        match way.carrier.find(command).await {
            Err(error) if failed < PATIENCE => {
                tracing::debug!(%error, way = %way.name, "whether a script was sent is not known yet");
                failed += 1;
                desk.clock.pause(way.carrier.pace()).await?;
            }
            found => return Ok(found),
        }
    }
}

/// Whether a start that failed like this may have arrived.
fn may_have_arrived(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Protocol)
}

/// A book in which nothing is kept.
struct Nowhere;

#[async_trait::async_trait]
impl Book for Nowhere {
    async fn lines(&self) -> Result<Vec<Line>> {
        Ok(Vec::new())
    }

    async fn write(&self, _: &Line) -> Result<()> {
        Ok(())
    }

    async fn plan(&self) -> Result<Option<core_plan::Plan>> {
        Ok(None)
    }

    async fn put_plan(&self, _: &core_plan::Plan) -> Result<()> {
        Ok(())
    }
}
