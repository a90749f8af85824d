//! Progress on standard error: bars on a terminal, plain lines otherwise.
//!
//! A stream that is read in many scopes is one bar, or one line, not one per customer. Nothing here
//! writes to standard output, and nothing is coloured.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use core_model::run::{Outcome, Run};
use core_sync::{Progress, ProgressEvent};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::output::{self, thousands};

/// How often a plain line says how far a long reading is.
const PACE: Duration = Duration::from_secs(10);
/// How often a spinner moves.
const TICK: Duration = Duration::from_millis(120);

/// Tells a person what happens.
pub(crate) struct Reporter {
    bars: Option<MultiProgress>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By connection and stream.
    readings: BTreeMap<(String, String), Reading>,
    asking: Option<Asking>,
}

/// A stream that is being read.
struct Reading {
    /// Records read so far, by run.
    read: HashMap<String, u64>,
    /// Runs that ended.
    ended: usize,
    failed: usize,
    began: Instant,
    said: Instant,
    bar: Option<ProgressBar>,
}

/// Machines that are being asked.
struct Asking {
    said: Instant,
    bar: Option<ProgressBar>,
}

/// Draws bars where standard error is a terminal; never for machines, who get plain lines there.
pub(crate) fn watch(json: bool) -> Arc<Reporter> {
    let draws = output::draws_progress() && !json;
    Arc::new(Reporter::drawing(draws.then(MultiProgress::new)))
}

impl Reporter {
    fn drawing(bars: Option<MultiProgress>) -> Self {
        Self { bars, state: Mutex::default() }
    }

    /// A line beside the bars.
    pub(crate) fn say(&self, text: &str) {
        match &self.bars {
            // Where nobody listens any more, there is nobody to tell.
            Some(bars) => bars.println(text).unwrap_or_default(),
            None => output::error_line(text),
        }
    }

    /// Says what is left to say and takes the bars away, before data is printed.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        self.end(&mut state, |_| true);
        if let Some(bar) = state.asking.take().and_then(|asking| asking.bar) {
            bar.finish_and_clear();
        }
        if let Some(bars) = &self.bars {
            bars.clear().unwrap_or_default();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on_run(&self, run: &Run, ended: bool) {
        let mut state = self.state();
        // Streams of a connection are read one after the other: the one before is done.
        self.end(&mut state, |(connection, stream)| {
            *connection == run.connection && *stream != run.stream
        });
        let key = (run.connection.clone(), run.stream.clone());
        let reading = state.readings.entry(key.clone()).or_insert_with(|| self.reading(run));
        reading.read.insert(run.id.clone(), run.counts.read);
        if ended {
            reading.ended += 1;
            reading.failed += usize::from(run.outcome == Outcome::Failed);
        }
        match &reading.bar {
            Some(bar) => bar.set_message(reading.text()),
            None if !ended && reading.said.elapsed() >= PACE => {
                reading.said = Instant::now();
                output::error_line(&format!("{} {}: {}", key.0, key.1, reading.text()));
            }
            None => {}
        }
        if ended && run.scope.is_empty() {
            self.end(&mut state, |other| *other == key);
        }
    }

    fn reading(&self, run: &Run) -> Reading {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_style(style("{spinner} {prefix}: {msg} ({elapsed})"));
            bar.set_prefix(format!("{} {}", run.connection, run.stream));
            bar.enable_steady_tick(TICK);
            bar
        });
        let now = Instant::now();
        Reading { read: HashMap::new(), ended: 0, failed: 0, began: now, said: now, bar }
    }

    /// Takes these readings away and says what they brought.
    fn end(&self, state: &mut State, which: impl Fn(&(String, String)) -> bool) {
        let keys: HashSet<_> = state.readings.keys().filter(|key| which(key)).cloned().collect();
        for key in keys {
            let Some(reading) = state.readings.remove(&key) else { continue };
            if let Some(bar) = &reading.bar {
                bar.finish_and_clear();
            }
            let took = i64::try_from(reading.began.elapsed().as_millis()).unwrap_or(i64::MAX);
            let took = crate::commands::text::span(took);
            self.say(&format!("{} {}: {}, {took}", key.0, key.1, reading.text()));
        }
    }

    fn on_asking(&self, done: usize, total: usize) {
        let mut state = self.state();
        let asking = state.asking.get_or_insert_with(|| Asking {
            said: Instant::now(),
            bar: self.bars.as_ref().map(|bars| {
                let bar = bars.add(ProgressBar::new(0));
                bar.set_style(style("asking machines [{bar:30}] {pos} of {len} ({elapsed})"));
                bar
            }),
        });
        match &asking.bar {
            Some(bar) => {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
            }
            None if asking.said.elapsed() >= PACE && done < total => {
                asking.said = Instant::now();
                output::error_line(&asked(done, total));
            }
            None => {}
        }
        if done >= total {
            if let Some(bar) = state.asking.take().and_then(|asking| asking.bar) {
                bar.finish_and_clear();
            }
            self.say(&asked(done, total));
        }
    }
}

impl Progress for Reporter {
    fn event(&self, event: &ProgressEvent<'_>) {
        match event {
            ProgressEvent::Started { run } | ProgressEvent::Page { run } => self.on_run(run, false),
            ProgressEvent::Ended { run } => self.on_run(run, true),
            ProgressEvent::Asking { done, total } => self.on_asking(*done, *total),
            ProgressEvent::Derived { events } => {
                self.end(&mut self.state(), |_| true);
                if *events > 0 {
                    self.say(&format!("model: {} entities changed", thousands(*events)));
                }
            }
        }
    }
}

impl Reading {
    fn text(&self) -> String {
        let records = thousands(self.read.values().sum());
        let scopes = match self.read.len() {
            0 | 1 => String::new(),
            started if self.ended == started => format!(", {started} scopes"),
            started => format!(", {} of {started} scopes", self.ended),
        };
        let failed = match (self.failed, self.read.len()) {
            (0, _) => String::new(),
            (_, 1) => ", failed".to_owned(),
            (failed, _) => format!(", {failed} failed"),
        };
        format!("{records} records{scopes}{failed}")
    }
}

fn asked(done: usize, total: usize) -> String {
    format!("asked {} of {} machines", thousands(done as u64), thousands(total as u64))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::run::Counts;

    fn run(stream: &str, scope: &str, read: u64, outcome: Outcome) -> Run {
        Run {
            id: format!("run_{stream}{scope}"),
            connection: "entra".to_owned(),
            stream: stream.to_owned(),
            scope: scope.to_owned(),
            trigger: "manual".to_owned(),
            mode: "full".to_owned(),
            started_us: 0,
            ended_us: None,
            outcome,
            counts: Counts { read, ..Counts::default() },
            error_kind: None,
            error: None,
            remedy: None,
        }
    }

    #[test]
    fn scopes_of_a_stream_are_one_reading_until_the_next_stream_begins() {
        let reporter = Reporter::drawing(None);
        for scope in ["a", "b"] {
            let running = run("users", scope, 100, Outcome::Running);
            reporter.event(&ProgressEvent::Started { run: &running });
        }
        let failed = run("users", "a", 120, Outcome::Failed);
        reporter.event(&ProgressEvent::Ended { run: &failed });
        let key = ("entra".to_owned(), "users".to_owned());
        let text = reporter.state().readings.get(&key).map(Reading::text);
        assert_eq!(text.as_deref(), Some("220 records, 1 of 2 scopes, 1 failed"));
        let next = run("groups", "a", 0, Outcome::Running);
        reporter.event(&ProgressEvent::Started { run: &next });
        assert!(!reporter.state().readings.contains_key(&key));
        reporter.event(&ProgressEvent::Derived { events: 1 });
        assert!(reporter.state().readings.is_empty());
    }
}
