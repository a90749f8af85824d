//! What is planned, what is due, and what comes first. It decides and does nothing: whoever asks says
//! what time it is.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use core_store::Planned;

use crate::entry::{Entry, Work};
use crate::health::Upcoming;
use crate::job::{Job, Settle, Streams};

/// How often what time can mend is tried again before its next planned run.
const ATTEMPTS: u32 = 4;
/// Minutes before it is tried again; each further wait is twice as long.
const FIRST_WAIT: i64 = 5;

/// Seconds before a stream is read of which its system told that it changed: changes come in flocks.
const HINT_WAIT: i64 = 10;

/// The plan and how far it has come.
#[derive(Default)]
pub(crate) struct Board {
    lines: Vec<(Entry, DateTime<Utc>)>,
    /// Lanes that are left alone for a while: another process is there, or the store failed.
    waiting: HashMap<String, DateTime<Utc>>,
    /// Streams that failed on what time can mend.
    again: Vec<(DateTime<Utc>, Job)>,
}

impl Board {
    /// Takes the plan, and how far it has come by the store. What is not there is due since ever.
    pub(crate) fn plan(&mut self, entries: Vec<Entry>, known: &[Planned]) {
        let handled: HashMap<&str, i64> =
            known.iter().map(|one| (one.name.as_str(), one.handled_us)).collect();
        let line = |entry: Entry| {
            let at = handled.get(entry.name().as_str()).copied().unwrap_or_default();
            let at = DateTime::from_timestamp_micros(at).unwrap_or_default();
            (entry, at)
        };
        self.lines = entries.into_iter().map(line).collect();
        let connections: HashSet<&str> =
            self.lines.iter().map(|(entry, _)| entry.connection.as_str()).collect();
        self.again.retain(|(_, job)| {
            job.connections.iter().all(|name| connections.contains(name.as_str()))
        });
    }

    /// What should be begun now, the most important first; nothing in these lanes.
    pub(crate) fn jobs(&self, now: DateTime<Utc>, busy: &HashSet<String>) -> Vec<Job> {
        let mut by_job: BTreeMap<(Work, String, Option<String>), Job> = BTreeMap::new();
        for (entry, handled) in &self.lines {
            let Some(due) = entry.due(*handled, now) else { continue };
            let key = match entry.work {
                // Machines are asked through all the connections whose time has come.
                Work::Collect | Work::Edges => (entry.work, String::new(), None),
                _ => (entry.work, entry.connection.clone(), entry.stream.clone()),
            };
            let job = by_job.entry(key).or_insert_with(|| self.job(entry, due));
            job.due = job.due.min(due);
            let since_ever = handled.timestamp_micros() == 0;
            job.settles.push(Settle { to: entry.planned(due), since_ever });
            if !job.connections.contains(&entry.connection) {
                job.connections.push(entry.connection.clone());
            }
        }
        let mut jobs: Vec<Job> = covered(by_job);
        let again = self.again.iter().filter(|(at, _)| *at <= now);
        jobs.extend(again.map(|(_, job)| job.clone()));
        jobs.retain(|job| !busy.contains(&job.lane) && !self.waits(&job.lane, now));
        jobs.sort_by(|one, other| {
            (one.work, one.due, &one.lane).cmp(&(other.work, other.due, &other.lane))
        });
        // One job of each lane; the others find their lane busy, and come back.
        let mut taken = HashSet::new();
        jobs.retain(|job| taken.insert(job.lane.clone()));
        jobs
    }

    fn job(&self, entry: &Entry, due: DateTime<Utc>) -> Job {
        let streams = match &entry.stream {
            Some(stream) => Streams::Only(vec![stream.clone()]),
            None => {
                let own = self.lines.iter().filter(|(one, _)| one.connection == entry.connection);
                let mut except: Vec<String> =
                    own.filter_map(|(one, _)| one.stream.clone()).collect();
                except.dedup();
                Streams::Except(except)
            }
        };
        Job {
            lane: entry.lane(),
            work: entry.work,
            connections: Vec::new(),
            streams,
            settles: Vec::new(),
            due,
            attempt: 0,
        }
    }

    /// When something is to be begun, or looked at again, at the latest. What waits for a lane or for
    /// a place comes with the end of what is there.
    pub(crate) fn wake(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let planned = self.lines.iter().filter_map(|(entry, handled)| entry.next(*handled, now));
        let waiting = self.waiting.values().copied();
        let again = self.again.iter().map(|(at, _)| *at);
        planned.chain(waiting).chain(again).filter(|at| *at > now).min()
    }

    /// It was done, here or elsewhere.
    pub(crate) fn done(&mut self, job: &Job) {
        for Settle { to, .. } in &job.settles {
            let at = DateTime::from_timestamp_micros(to.handled_us).unwrap_or_default();
            for (entry, handled) in &mut self.lines {
                if entry.name() == to.name && entry.spec() == to.spec {
                    *handled = at.max(*handled);
                }
            }
        }
        // A run of everything is one of what failed before it, too.
        let covers = |other: &Job| {
            // What a system asked for while this one was at work may have come too late for it.
            let later = job.work == Work::Subscribe && other.due > job.due;
            other.lane == job.lane && job.covers(other) && !later
        };
        self.again.retain(|(_, other)| !covers(other));
    }

    /// These streams failed on what time can mend.
    pub(crate) fn failed(&mut self, job: &Job, streams: Vec<String>, now: DateTime<Utc>) {
        let attempt = job.attempt + 1;
        if streams.is_empty() || attempt > ATTEMPTS {
            return;
        }
        let wait = TimeDelta::minutes(FIRST_WAIT << (attempt - 1));
        let again = Job {
            streams: Streams::Only(streams),
            settles: Vec::new(),
            due: now + wait,
            attempt,
            ..job.clone()
        };
        self.again.push((now + wait, again));
    }

    /// A stream is to be read soon, for its system told that something changed there. Told again before
    /// that, it is read once.
    pub(crate) fn hint(&mut self, connection: &str, stream: &str, now: DateTime<Utc>) {
        let at = now + TimeDelta::seconds(HINT_WAIT);
        let hinted = Job {
            lane: connection.to_owned(),
            work: Work::Incremental,
            connections: vec![connection.to_owned()],
            streams: Streams::Only(vec![stream.to_owned()]),
            settles: Vec::new(),
            due: at,
            // It is no attempt that failed, but what fails of it waits for the plan.
            attempt: ATTEMPTS,
        };
        let waits = |(_, job): &(DateTime<Utc>, Job)| {
            (&job.lane, &job.streams) == (&hinted.lane, &hinted.streams)
        };
        if !self.again.iter().any(waits) {
            self.again.push((at, hinted));
        }
    }

    /// Somebody wants a connection read now, or one stream of it. Asked for twice before it begins, it is
    /// read once.
    pub(crate) fn ask(
        &mut self,
        connection: String,
        stream: Option<String>,
        work: Work,
        now: DateTime<Utc>,
    ) {
        let streams = match stream {
            Some(stream) => Streams::Only(vec![stream]),
            None => Streams::Except(Vec::new()),
        };
        let job = Job {
            lane: connection.clone(),
            work,
            connections: vec![connection],
            streams,
            settles: Vec::new(),
            due: now,
            // What fails is tried again when it is planned.
            attempt: ATTEMPTS,
        };
        self.again.retain(|(_, other)| !(other.lane == job.lane && job.covers(other)));
        self.again.push((now, job));
    }

    /// The model may have changed: what is planned to be written back is not waited for. A push that has
    /// nothing to do ends after a look at the log.
    pub(crate) fn push_now(&mut self, now: DateTime<Utc>) {
        for job in self.planned(Work::Push, None, now) {
            let waits = |(at, other): &(DateTime<Utc>, Job)| *at <= now && other.lane == job.lane;
            if !self.again.iter().any(waits) {
                self.again.push((now, job));
            }
        }
    }

    /// Subscriptions are looked at now: of one connection, or of all where the settings may be others. One
    /// look that is under way may have begun too early for whoever asked, so that another one follows.
    pub(crate) fn subscribe_now(&mut self, connection: Option<&str>, now: DateTime<Utc>) {
        for job in self.planned(Work::Subscribe, connection, now) {
            self.again.retain(|(_, other)| other.lane != job.lane);
            self.again.push((now, job));
        }
    }

    /// The planned runs of a kind, as if they were due now.
    fn planned(&self, work: Work, connection: Option<&str>, now: DateTime<Utc>) -> Vec<Job> {
        let planned = self.lines.iter().filter(|(entry, _)| {
            entry.work == work && connection.is_none_or(|name| entry.connection == name)
        });
        let job = |(entry, _): &(Entry, DateTime<Utc>)| {
            let connections = vec![entry.connection.clone()];
            Job { connections, ..self.job(entry, now) }
        };
        planned.map(job).collect()
    }

    /// Nothing is begun in a lane for a while.
    pub(crate) fn leave_alone(&mut self, lane: &str, until: DateTime<Utc>) {
        self.waiting.insert(lane.to_owned(), until);
    }

    /// When each planned run begins next.
    pub(crate) fn upcoming(&self, now: DateTime<Utc>) -> Vec<Upcoming> {
        let next = self.lines.iter().filter_map(|(entry, handled)| {
            Some(Upcoming { name: entry.name(), at: entry.next(*handled, now)? })
        });
        let mut found: Vec<Upcoming> = next.collect();
        found.sort_by(|one, other| (one.at, &one.name).cmp(&(other.at, &other.name)));
        found
    }

    /// Planned runs whose time passed an hour ago or more, and that are not under way.
    pub(crate) fn overdue(&self, now: DateTime<Utc>, busy: &HashSet<String>) -> Vec<Upcoming> {
        let late = self.lines.iter().filter(|(entry, _)| !busy.contains(&entry.lane()));
        let late = late.filter_map(|(entry, handled)| {
            Some(Upcoming { name: entry.name(), at: entry.overdue(*handled, now)? })
        });
        late.collect()
    }

    fn waits(&self, lane: &str, now: DateTime<Utc>) -> bool {
        self.waiting.get(lane).is_some_and(|until| *until > now)
    }
}

/// Reading everything is also reading what changed: where both are due, one run settles both.
fn covered(mut jobs: BTreeMap<(Work, String, Option<String>), Job>) -> Vec<Job> {
    let full: Vec<(String, Option<String>)> = jobs
        .keys()
        .filter(|(work, ..)| *work == Work::Full)
        .map(|(_, connection, stream)| (connection.clone(), stream.clone()))
        .collect();
    for (connection, stream) in full {
        let smaller = jobs.remove(&(Work::Incremental, connection.clone(), stream.clone()));
        if let (Some(smaller), Some(job)) =
            (smaller, jobs.get_mut(&(Work::Full, connection, stream)))
        {
            job.settles.extend(smaller.settles);
            job.due = job.due.min(smaller.due);
        }
    }
    jobs.into_values().collect()
}

#[cfg(test)]
mod tests;
