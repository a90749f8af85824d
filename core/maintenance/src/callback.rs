//! What a script that runs in the hub is answered when it calls: scripts on the computer, facts, tokens; and what
//! becomes of what was under way when the hub was ended.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use core_callback::{Asked, Call, CallAnswer, Fault, Invocation, Report};
use core_connector::Secret;
use core_model::library::{
    Parameter, ParameterKind, Script, ScriptContext, ScriptLanguage, ScriptPurpose, SubjectId,
};
use core_plan::{Beside, FailureClass, Step};
use core_script::{Answer, Arguments, LastValue, Mask, Variables};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::around::{AccessToken, NoToken};
use crate::book::{Half, Line, Said};
use crate::brief::Brief;
use crate::drive::Desk;
use crate::errand::{Came, Errand};
use crate::error::Result;
use crate::outcome;
use crate::step::{Body, Piece};

/// Lines that one script may tell how it goes; what comes later takes the place of the last one.
const REPORTS: usize = 500;
/// How often what was told is written down.
const WRITTEN: Duration = Duration::from_secs(1);

/// From where a script in the hub calls.
#[derive(Clone, Copy)]
pub(crate) struct Calls<'a> {
    pub(crate) brief: &'a Brief,
    /// The number of the next step of the session.
    pub(crate) numbers: &'a AtomicU32,
    pub(crate) half: Half,
}

impl Calls<'_> {
    fn line(&self, desk: &Desk<'_>, beside: Beside) -> Line {
        let step = Step::Beside(beside);
        Line {
            number: self.numbers.fetch_add(1, Ordering::Relaxed),
            half: self.half,
            what: crate::words::of(&step, &self.brief.catalogue),
            step,
            run: None,
            outcome: None,
            said: Said::default(),
            began_at: desk.clock.now(),
            ended_at: None,
        }
    }
}

/// A script that was called for, as the book keeps it until it has ended: who comes after a crash finds its run
/// again.
#[derive(Serialize, Deserialize)]
struct Called {
    script: Script,
    #[serde(default)]
    arguments: Map<String, Value>,
    #[serde(default)]
    secrets: Map<String, Value>,
    reads: bool,
    limit_s: u32,
}

impl Called {
    fn arguments(&self) -> std::result::Result<Arguments, String> {
        let mut values = self.arguments.clone();
        values.extend(self.secrets.clone());
        let password = |name: &String| Parameter::new(name, ParameterKind::Password);
        let defined: Vec<Parameter> = self.secrets.keys().map(password).collect();
        let defined: Vec<&Parameter> = defined.iter().collect();
        Arguments::of(&values, &defined, &Variables::default()).map_err(|error| error.to_string())
    }
}

/// Answers the calls of one run.
pub(crate) struct Counter<'a> {
    pub(crate) desk: &'a Desk<'a>,
    pub(crate) calls: Calls<'a>,
    pub(crate) script: &'a Script,
    pub(crate) piece: &'a Piece,
    /// Whoever calls only reads.
    pub(crate) reads: bool,
    /// What must not be kept: secrets, the run's own token, tokens that it was given.
    pub(crate) hidden: Vec<Secret>,
    /// When the script is ended.
    pub(crate) deadline: Instant,
    /// Why it was not let in somewhere.
    pub(crate) denied: Option<String>,
    /// Why a script that it called for did not get to the computer.
    pub(crate) away: Option<String>,
    facts: Option<Value>,
    /// What it told last, and the session does not say yet.
    word: Option<String>,
}

impl<'a> Counter<'a> {
    pub(crate) fn new(
        (desk, calls): (&'a Desk<'a>, Calls<'a>),
        (script, piece): (&'a Script, &'a Piece),
        reads: bool,
        hidden: Vec<Secret>,
    ) -> Self {
        let limit = Duration::from_secs(u64::from(piece.limit_s));
        let deadline = Instant::now() + limit;
        let (denied, away, facts, word) = (None, None, None, None);
        Self { desk, calls, script, piece, reads, hidden, deadline, denied, away, facts, word }
    }

    pub(crate) fn mask(&self) -> Mask {
        // They are as long as tokens are, and so can be looked for.
        Mask::of(&self.hidden).unwrap_or_default()
    }

    /// Answers until the process has ended, and whatever it has the computer do. `line` is its own.
    ///
    /// # Errors
    /// Where the session is put down.
    pub(crate) async fn serve<T>(
        &mut self,
        callers: &mut core_callback::Desk,
        line: &mut Line,
        process: impl Future<Output = T>,
    ) -> Result<T> {
        tokio::pin!(process);
        let mut ended = None;
        let mut under_way: Option<UnderWay<'_>> = None;
        let mut told = false;
        let mut tick = tokio::time::interval(WRITTEN);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if under_way.is_none()
                && let Some(ended) = ended.take()
            {
                self.say().await?;
                return Ok(ended);
            }
            tokio::select! {
                done = &mut process, if ended.is_none() => ended = Some(done),
                came = finished(&mut under_way), if under_way.is_some() => {
                    let came = came?;
                    if let Came::Offline(why) = &came {
                        self.away = Some(why.clone());
                    }
                    if let Some((asked, _)) = under_way.take() {
                        asked.answer(Ok(invoked(&came)));
                    }
                }
                Some(asked) = callers.next(), if ended.is_none() => {
                    match (asked.call.clone(), under_way.is_some()) {
                        (Call::Invoke(_), true) => {
                            let why = "a script runs on the computer already: one runs at a time";
                            asked.answer(Err(Fault::NotNow(why.to_owned())));
                        }
                        (Call::Invoke(one), false) => match self.called(&one) {
                            Ok(called) => {
                                let errand = Invoking { by: line.number, called, mask: self.mask() };
                                let (desk, calls) = (self.desk, self.calls);
                                under_way = Some((asked, Box::pin(errand.run(desk, calls))));
                            }
                            Err(fault) => asked.answer(Err(fault)),
                        },
                        (call, _) => {
                            told |= matches!(call, Call::Report(_));
                            let answer = self.answer(line, call).await?;
                            asked.answer(answer);
                        }
                    }
                }
                _ = tick.tick(), if told => {
                    told = false;
                    self.say().await?;
                    self.desk.book.write(line).await?;
                }
            }
        }
    }

    /// What is asked to be run, where it may be.
    fn called(&self, asked: &Invocation) -> std::result::Result<Called, Fault> {
        if !matches!(self.calls.brief.subject, SubjectId::Computer(_)) {
            let why = "this session is of no computer: there is nothing to run a script on";
            return Err(Fault::Refused(why.to_owned()));
        }
        if (self.reads || self.calls.half == Half::Look) && !asked.reads_only {
            let why = "it is only looked here (detect, test, get): a script that is called for must say that it reads \
                       only (`reads_only`)";
            return Err(Fault::Refused(why.to_owned()));
        }
        let script = script_of(asked)?;
        let mask = self.mask();
        let plain = serde_json::to_string(&asked.arguments).unwrap_or_default();
        if mask.text(&script.body) != script.body || mask.text(&plain) != plain {
            let why = "the script, or what it is given, holds a secret, which the vendor's history would keep: name it \
                       in `secrets`";
            return Err(Fault::Refused(why.to_owned()));
        }
        let mut secrets = Map::new();
        for name in &asked.secrets {
            let Some(kept) = self.piece.arguments.secrets().get(name) else {
                let why = format!("there is no secret `{name}` among what this script was given");
                return Err(Fault::Refused(why));
            };
            secrets.insert(name.clone(), Value::String(kept.to_string()));
        }
        let left = self.deadline.saturating_duration_since(Instant::now()).as_secs().max(1);
        let usual = if asked.reads_only { ScriptPurpose::Get } else { ScriptPurpose::Set };
        let limit_s = asked.time_limit.unwrap_or(usual.limit_s());
        let limit_s = limit_s.clamp(1, u32::try_from(left).unwrap_or(u32::MAX).max(1));
        let (arguments, reads) = (asked.arguments.clone(), asked.reads_only);
        let called = Called { script, arguments, secrets, reads, limit_s };
        called.arguments().map_err(Fault::Wrong)?;
        Ok(called)
    }

    /// Answers what is known at once.
    async fn answer(
        &mut self,
        line: &mut Line,
        call: Call,
    ) -> Result<std::result::Result<CallAnswer, Fault>> {
        match call {
            Call::Report(report) => {
                self.report(line, report).await?;
                Ok(Ok(CallAnswer::Taken))
            }
            Call::Token { resource, client } => self.token(&resource, client.as_deref()).await,
            Call::Facts | Call::Invoke(_) => Ok(Ok(CallAnswer::Document(self.facts().await?))),
        }
    }

    /// Has the session say what was told last.
    async fn say(&mut self) -> Result<()> {
        match self.word.take() {
            Some(word) => self.desk.around.say(&word).await,
            None => Ok(()),
        }
    }

    /// Takes down what a script tells.
    async fn report(&mut self, line: &mut Line, report: Report) -> Result<()> {
        let mask = self.mask();
        if let Some(text) = report.line {
            let text = mask.text(text.trim());
            let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            self.word = Some(format!("{}: {text}", line.what));
            if line.said.reports.len() >= REPORTS {
                line.said.reports.pop();
            }
            line.said.reports.push(text);
        }
        if let Some(result) = report.result {
            let text = mask.text(&result.to_string());
            line.said.result = Some(serde_json::from_str(&text).unwrap_or(Value::String(text)));
        }
        Ok(())
    }

    /// What is known of the subject, and what this script was given; asked once.
    async fn facts(&mut self) -> Result<Value> {
        if let Some(facts) = &self.facts {
            return Ok(facts.clone());
        }
        let mut facts = self.desk.around.facts().await?;
        let parameters = self.piece.arguments.values().clone().into_iter().collect();
        facts.insert("parameters".to_owned(), Value::Object(parameters));
        let facts = Value::Object(facts);
        self.facts = Some(facts.clone());
        Ok(facts)
    }

    async fn token(
        &mut self,
        resource: &str,
        client: Option<&str>,
    ) -> Result<std::result::Result<CallAnswer, Fault>> {
        if !self.script.needs.iter().any(|need| need.word() == resource) {
            let why = format!(
                "the definition of this script does not ask for it: `needs = [\"{resource}\"]`"
            );
            return Ok(Err(Fault::Refused(why)));
        }
        Ok(match self.desk.around.token(resource, client).await? {
            Ok(AccessToken { token, lifetime }) => {
                self.hidden.push(token.clone());
                Ok(CallAnswer::Token { token, expires_in: lifetime.as_secs() })
            }
            Err(NoToken::NotNow(why)) => Err(Fault::NotNow(why)),
            Err(NoToken::NotAllowed(why) | NoToken::Denied(why)) => {
                self.denied = Some(why.clone());
                Err(Fault::Refused(why))
            }
        })
    }

    /// What it comes to instead, where the script failed for want of what it called for.
    pub(crate) fn instead(&self, came: &Came) -> Option<Came> {
        let well = match came {
            Came::Answer(answer) => match &**answer {
                Answer::Finished(run) => run.exit == Some(0) || run.verdict().is_some(),
                _ => false,
            },
            _ => true,
        };
        match (well, &self.away, &self.denied) {
            (true, ..) => None,
            (false, Some(why), _) => Some(Came::Offline(why.clone())),
            (false, None, Some(why)) => Some(Came::Denied(why.clone())),
            (false, None, None) => None,
        }
    }
}

/// A script on the computer, and who waits for it.
type UnderWay<'a> = (Asked, std::pin::Pin<Box<dyn Future<Output = Result<Came>> + Send + 'a>>);

async fn finished(under_way: &mut Option<UnderWay<'_>>) -> Result<Came> {
    match under_way {
        Some((_, errand)) => errand.await,
        None => std::future::pending().await,
    }
}

/// The script that is asked for, as one of the library would be.
fn script_of(asked: &Invocation) -> std::result::Result<Script, Fault> {
    let (most, wrong) = (Script::LARGEST_BODY, |why: String| Err(Fault::Wrong(why)));
    if asked.script.trim().is_empty() {
        return wrong("the script is empty".to_owned());
    }
    if asked.script.len() > most {
        return wrong(format!(
            "a script may have {most} bytes, and this has {}",
            asked.script.len()
        ));
    }
    let language = match asked.language.as_deref() {
        None | Some("powershell") => ScriptLanguage::PowerShell,
        Some("cmd") => ScriptLanguage::Cmd,
        Some("sh") => ScriptLanguage::Sh,
        Some(_) => return wrong("there are the languages powershell, cmd and sh".to_owned()),
    };
    let context = match asked.context.as_deref() {
        None | Some("system") => ScriptContext::System,
        Some("user") => ScriptContext::User,
        Some(_) => return wrong("there are the contexts system and user".to_owned()),
    };
    Ok(Script::new(&asked.script).in_language(language).in_context(context))
}

/// A script that is called for, on its way.
struct Invoking {
    by: u32,
    called: Called,
    mask: Mask,
}

impl Invoking {
    async fn run(self, desk: &Desk<'_>, calls: Calls<'_>) -> Result<Came> {
        let Self { by, called, mask } = self;
        let arguments = match called.arguments() {
            Ok(arguments) => arguments,
            Err(why) => return Ok(Came::Refused(why)),
        };
        let mut line = calls.line(desk, Beside::Invoke { by, reads: called.reads });
        line.said.value = serde_json::to_string(&called).ok();
        desk.book.write(&line).await?;
        let errand = Errand {
            body: &Body::Library(called.script),
            arguments: &arguments,
            limit_s: called.limit_s,
            reads: called.reads,
            caps: None,
        };
        let came = errand.run(desk, &mut line).await?;
        close(desk, &mut line, &came, (called.reads, &mask)).await?;
        Ok(came)
    }
}

/// Writes down what came of a script that was called for.
async fn close(
    desk: &Desk<'_>,
    line: &mut Line,
    came: &Came,
    (reads, mask): (bool, &Mask),
) -> Result<()> {
    let outcome = match reads {
        true => outcome::of_reading(came),
        false => outcome::of_change(came, FailureClass::Install),
    };
    line.said = outcome::said(came, mask, line.said.way.clone());
    line.outcome = Some(outcome::masked(outcome, mask));
    line.ended_at = Some(desk.clock.now());
    desk.book.write(line).await
}

/// Ends a line of a script that was called for when the hub was ended: what may change something is waited for, so
/// that nothing runs there when it is looked. Why the session waits, where the computer is away.
///
/// # Errors
/// Where the session is put down.
pub(crate) async fn settle(desk: &Desk<'_>, mut line: Line) -> Result<Option<String>> {
    let kept = line.said.value.as_deref();
    let called: Option<Called> = kept.and_then(|text| serde_json::from_str(text).ok());
    let given = called.and_then(|called| Some((called.arguments().ok()?, called)));
    let came = match given {
        Some((arguments, called)) if !called.reads => {
            let errand = Errand {
                body: &Body::Library(called.script),
                arguments: &arguments,
                limit_s: called.limit_s,
                reads: false,
                caps: None,
            };
            errand.settle(desk, &mut line).await?
        }
        _ => Some(Came::Broken("the hub was ended while it ran".to_owned())),
    };
    if let Some(Came::Offline(why)) = came {
        return Ok(Some(why));
    }
    let came = came.unwrap_or_else(|| Came::Refused("the hub was ended before it left".to_owned()));
    // Its secrets are of the script that called for it, and are looked for there.
    let secrets = desk.keys.values(&secrets_of(&line)).await?;
    let mask = Mask::of(secrets.values()).unwrap_or_default();
    close(desk, &mut line, &came, (false, &mask)).await?;
    Ok(None)
}

/// The secrets that a line's script is given.
fn secrets_of(line: &Line) -> std::collections::BTreeMap<String, core_model::library::KeptSecret> {
    let kept = line.said.value.as_deref();
    let called: Option<Called> = kept.and_then(|text| serde_json::from_str(text).ok());
    let arguments = called.and_then(|called| called.arguments().ok());
    arguments.map(|arguments| arguments.secrets().clone()).unwrap_or_default()
}

/// What a script is told of what it called for.
fn invoked(came: &Came) -> CallAnswer {
    let (outcome, message) = match came {
        Came::Answer(answer) => match &**answer {
            Answer::Finished(_) => ("finished", String::new()),
            Answer::TimedOut { after_s, .. } => {
                ("timed_out", format!("it was ended after its {after_s} seconds"))
            }
            Answer::NobodyLoggedOn => ("nobody_logged_on", "nobody is logged on".to_owned()),
            Answer::NotRun(_) => ("not_run", outcome::why(came)),
            _ => ("interrupted", outcome::why(came)),
        },
        Came::Offline(why) => ("offline", why.clone()),
        Came::Broken(why) => ("interrupted", why.clone()),
        Came::Silent(_) => ("timed_out", outcome::why(came)),
        Came::Refused(why) | Came::Denied(why) => ("not_run", why.clone()),
    };
    let run = match came {
        Came::Answer(answer) => match &**answer {
            Answer::Finished(run) | Answer::TimedOut { until_then: run, .. } => Some(run),
            _ => None,
        },
        _ => None,
    };
    CallAnswer::Invoked {
        outcome,
        message,
        exit: run.and_then(|run| run.exit),
        value: run.map_or(Value::Null, |run| value(&run.value)),
        output: run.map(|run| run.output.text()).unwrap_or_default(),
        errors: run.map(|run| run.errors.text()).unwrap_or_default(),
    }
}

fn value(value: &LastValue) -> Value {
    match value {
        LastValue::None | LastValue::Null | LastValue::TooLong(_) => Value::Null,
        LastValue::Boolean(truth) => Value::Bool(*truth),
        LastValue::Number(number) => Value::Number(number.clone()),
        LastValue::Text(text) => Value::String(text.clone()),
        LastValue::Json(json) => json.clone(),
    }
}
