//! A schedule in a zone: when it is due, and when it is acted.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use core_library::{LEAST_GAP, pattern};
use core_model::library::{Execution, Schedule, ScheduleZone};
use core_resolve::Snapshot;

/// A schedule, by the clock of one zone.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// The schedule.
    pub schedule: Arc<Schedule>,
    /// The zone.
    pub zone: Tz,
    detect: core_schedule::Schedule,
    act: Option<core_schedule::Schedule>,
}

/// What comes of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coming {
    /// The schedule.
    pub schedule: Arc<Schedule>,
    /// By the clock of this zone.
    pub zone: Tz,
    /// When it is looked.
    pub due: DateTime<Utc>,
    /// When something is done; nothing where it is only looked.
    pub acts: Option<DateTime<Utc>>,
}

/// The schedules that are switched on, each in every zone that it is due in. One that is by the clock of each tenant is
/// due in the zones of the tenants there are. What cannot be read is left out: it was refused when it was saved.
#[must_use]
pub fn occasions(schedules: &[Schedule], snapshot: &Snapshot, hub_zone: Tz) -> Vec<Occasion> {
    let mut of_tenants: Option<BTreeSet<&'static str>> = None;
    let mut all = Vec::new();
    for schedule in schedules.iter().filter(|one| one.enabled) {
        let schedule = Arc::new(schedule.clone());
        match &schedule.zone {
            ScheduleZone::Hub => all.extend(Occasion::of(&schedule, hub_zone)),
            ScheduleZone::Named(name) => {
                all.extend(name.parse().ok().and_then(|zone| Occasion::of(&schedule, zone)));
            }
            ScheduleZone::Tenant => {
                let zones = of_tenants
                    .get_or_insert_with(|| snapshot.zones().map(|(_, zone)| zone.name()).collect());
                let zones = zones.iter().filter_map(|name| name.parse().ok());
                all.extend(zones.filter_map(|zone| Occasion::of(&schedule, zone)));
            }
        }
    }
    all
}

/// What is due after an instant and until another one, in order.
#[must_use]
pub fn upcoming(
    occasions: &[Occasion],
    (after, until): (DateTime<Utc>, DateTime<Utc>),
    most: usize,
) -> Vec<Coming> {
    let mut next: BTreeSet<(DateTime<Utc>, usize)> = BTreeSet::new();
    for (at, occasion) in occasions.iter().enumerate() {
        next.extend(occasion.next(after).map(|due| (due, at)));
    }
    let mut coming = Vec::new();
    while coming.len() < most
        && let Some((due, at)) = next.pop_first().filter(|(due, _)| *due <= until)
    {
        let occasion = &occasions[at];
        coming.push(occasion.coming(due));
        next.extend(occasion.next(due).map(|due| (due, at)));
    }
    coming
}

/// By which clock a schedule goes, in words.
#[must_use]
pub fn zone_words(schedule: &Schedule, hub_zone: Tz) -> String {
    match &schedule.zone {
        ScheduleZone::Hub => hub_zone.name().to_owned(),
        ScheduleZone::Named(name) => name.clone(),
        ScheduleZone::Tenant => "each tenant's".to_owned(),
    }
}

impl Occasion {
    /// A schedule in a zone, whether it is switched on or not; nothing where its times cannot be read.
    #[must_use]
    pub fn of(schedule: &Arc<Schedule>, zone: Tz) -> Option<Self> {
        let in_zone = |timing| Some(core_schedule::Schedule::new(pattern(timing).ok()?, zone));
        let act = match &schedule.execute {
            Execution::Immediately | Execution::Never => None,
            Execution::At(timing) => Some(in_zone(timing)?),
        };
        Some(Self { detect: in_zone(&schedule.detect)?, act, schedule: Arc::clone(schedule), zone })
    }

    /// The name under which it is kept how far it has come.
    #[must_use]
    pub fn name(&self) -> String {
        match self.schedule.zone {
            ScheduleZone::Tenant => format!("schedule/{}/{}", self.schedule.id, self.zone.name()),
            ScheduleZone::Hub | ScheduleZone::Named(_) => format!("schedule/{}", self.schedule.id),
        }
    }

    /// Under another one, nothing was missed.
    #[must_use]
    pub fn spec(&self) -> String {
        format!("{} {} {}", self.detect.pattern(), self.zone.name(), self.schedule.since_us)
    }

    /// When it is looked.
    #[must_use]
    pub fn when(&self) -> &core_schedule::Schedule {
        &self.detect
    }

    /// The first time after an instant at which it is looked.
    #[must_use]
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.detect.next(after)
    }

    /// The newest time at which it should have been looked after `handled` and until `now`: one, however many passed.
    #[must_use]
    pub fn missed(&self, handled: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.detect.missed(handled, now)
    }

    /// When that is done which a look at `due` finds, where it is looked at `now`; nothing where it is done at once or
    /// never.
    #[must_use]
    pub fn acts(&self, due: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let act = self.act.as_ref()?;
        let planned = act.next(due)?.max(due + LEAST_GAP);
        // Its time was missed: the next one, and not the middle of the day.
        if planned > now { Some(planned) } else { act.next(now) }
    }

    fn coming(&self, due: DateTime<Utc>) -> Coming {
        let acts = match self.schedule.execute {
            Execution::Immediately => Some(due),
            Execution::Never => None,
            Execution::At(_) => self.acts(due, due),
        };
        Coming { schedule: Arc::clone(&self.schedule), zone: self.zone, due, acts }
    }

    /// How much later the session of a subject is.
    pub(crate) fn spread(&self, subject: &str) -> TimeDelta {
        core_schedule::jitter(subject, self.schedule.spread_minutes * 60)
    }
}
