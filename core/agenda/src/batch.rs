//! The sessions of one time.

use chrono::{DateTime, TimeDelta, Utc};
use core_model::id::SessionId;
use core_model::library::{Execution, Schedule, ScheduleZone};
use core_model::session::{Session, SessionKind, SessionRun};
use core_resolve::{Aim, Resolver};

use crate::occasion::Occasion;

/// So many of those are named of whom it is not known.
const NAMED: usize = 5;

/// A time of an occasion.
#[derive(Clone, Copy, Debug)]
pub struct Firing<'a> {
    /// When it was due.
    pub due: DateTime<Utc>,
    /// When it fires.
    pub now: DateTime<Utc>,
    /// It is only looked, whatever the schedule says.
    pub detect_only: bool,
    /// Who had it run out of turn: it is then done at once, and nothing is spread.
    pub by: Option<&'a str>,
}

/// Somebody of whom it is not known whether he is in the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What he is called.
    pub name: String,
    /// Why it is not known.
    pub why: String,
}

/// What comes of a time.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Its name: the group of its sessions.
    pub group: String,
    /// A session for each subject.
    pub sessions: Vec<Session>,
    /// Of how many it is not known whether they are in the target: they have none.
    pub unknown: u64,
    /// Some of them.
    pub unknown_some: Vec<Unknown>,
    /// How many are in the target, and nothing is done to them.
    pub left_alone: u64,
    /// What the target names and is gone.
    pub problems: Vec<String>,
}

/// Whom a schedule is for.
#[must_use]
pub fn aim(schedule: &Schedule) -> Aim<'_> {
    Aim {
        subjects: schedule.subjects,
        target: &schedule.target,
        classes: &schedule.classes,
        owner: schedule.owner,
    }
}

/// The sessions of a time, by what the resolver knows.
#[must_use]
pub fn batch(resolver: &Resolver, occasion: &Occasion, firing: &Firing<'_>) -> Batch {
    let (schedule, snapshot) = (&*occasion.schedule, resolver.snapshot());
    let (aim, kind) = (aim(schedule), schedule.subjects);
    let aimed = resolver.aimed(&aim);
    let here = |number: u32| match schedule.zone {
        // Out of turn it is run for everybody at once.
        _ if firing.by.is_some() => true,
        ScheduleZone::Hub | ScheduleZone::Named(_) => true,
        ScheduleZone::Tenant => {
            let tenant = snapshot.tenant_id(kind, number);
            tenant.and_then(|tenant| snapshot.zone(tenant)) == Some(occasion.zone)
        }
    };
    let title = title(resolver, schedule, firing);
    let mut batch = Batch {
        group: group(occasion, firing),
        left_alone: count(aimed.left_alone.iter().filter(|number| here(*number))),
        problems: resolver.aim_problems(&aim),
        ..Batch::default()
    };
    for number in aimed.members.yes.iter().filter(|number| here(*number)) {
        let (subject, tenant) = (snapshot.subject(kind, number), snapshot.tenant_id(kind, number));
        let Some((subject, tenant)) = subject.zip(tenant) else { continue };
        let name = snapshot.name(kind, number);
        let asked = Session::asked(tenant, subject, &name, &title, firing.now.timestamp_micros());
        batch.sessions.push(session(occasion, firing, &batch.group, asked));
    }
    for number in aimed.members.unknown.iter().filter(|number| here(*number)) {
        batch.unknown += 1;
        if batch.unknown_some.len() < NAMED {
            let name = snapshot.name(kind, number).to_string();
            batch.unknown_some.push(Unknown { name, why: resolver.why_aimed(&aim, number) });
        }
    }
    batch
}

fn count(all: impl Iterator<Item = u32>) -> u64 {
    u64::try_from(all.count()).unwrap_or(u64::MAX)
}

/// What is done, in words.
fn title(resolver: &Resolver, schedule: &Schedule, firing: &Firing<'_>) -> String {
    let looks = looks_only(schedule, firing);
    match schedule.item.map(|item| resolver.definitions().title(item).to_owned()) {
        Some(title) if looks => format!("{title}: look"),
        Some(title) => format!("{title}: maintenance"),
        None if looks => "Look, and change nothing".to_owned(),
        None => "Maintenance".to_owned(),
    }
}

fn looks_only(schedule: &Schedule, firing: &Firing<'_>) -> bool {
    firing.detect_only || schedule.execute == Execution::Never
}

fn group(occasion: &Occasion, firing: &Firing<'_>) -> String {
    let at = firing.due.with_timezone(&occasion.zone).format("%Y-%m-%d %H:%M");
    let name = &occasion.schedule.name;
    match (&occasion.schedule.zone, firing.by) {
        // Somebody may run it twice within a second.
        (_, Some(_)) => format!("{name} {}", firing.due.format("%Y-%m-%dT%H:%M:%S%.3fZ")),
        (ScheduleZone::Tenant, None) => format!("{name} {at} {}", occasion.zone.name()),
        (ScheduleZone::Hub | ScheduleZone::Named(_), None) => format!("{name} {at}"),
    }
}

/// The session of a subject. Its id follows from schedule, time and subject: made again, it is the same.
fn session(occasion: &Occasion, firing: &Firing<'_>, group: &str, asked: Session) -> Session {
    let schedule = &*occasion.schedule;
    let (due, subject) = (firing.due, asked.subject.to_string());
    let later = match firing.by {
        Some(_) => TimeDelta::zero(),
        None => occasion.spread(&subject),
    };
    let acts = match firing.by {
        Some(_) => None,
        None if firing.detect_only => None,
        None => occasion.acts(due, firing.now).map(|acts| acts + later),
    };
    let looks_only = looks_only(schedule, firing);
    let waits = TimeDelta::days(i64::from(schedule.expires_days));
    let text = format!("{} {} {subject} {looks_only}", schedule.id, due.timestamp_micros());
    Session {
        id: SessionId::of_text(&text, due.timestamp_micros()),
        run: SessionRun {
            item: schedule.item,
            instance: schedule.instance.clone(),
            detect_only: looks_only,
            ..SessionRun::default()
        },
        schedule: Some(schedule.name.clone()),
        kind: SessionKind::Scheduled,
        group: Some(group.to_owned()),
        reboots: schedule.reboots,
        offline: Some(schedule.offline),
        asked_by: firing.by.map_or_else(|| format!("schedule {}", schedule.name), str::to_owned),
        act_us: acts.map(|acts| acts.timestamp_micros()),
        ready_us: (!later.is_zero()).then(|| (due + later).timestamp_micros()),
        expires_us: Some((acts.unwrap_or(firing.now) + waits).timestamp_micros()),
        ..asked
    }
}
