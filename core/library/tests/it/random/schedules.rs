//! Random schedules.

use chrono::NaiveTime;
use core_model::id::ScheduleId;
use core_model::library::{
    DeviceClass, Execution, ItemId, OfflineBehaviour, Owner, RebootPreference, Schedule,
    ScheduleZone, SubjectKind, Task, TaskCategory, Timing,
};
use rand::Rng;
use rand::seq::IndexedRandom;

use super::Dice;

impl Dice {
    pub(super) fn schedule(&mut self, at: usize, tasks: &[Task]) -> Schedule {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        let detect = match self.dice.random_range(0..3) {
            0 => Timing::Daily(time(19)),
            1 => Timing::Cron("0 19 * * mon-fri".to_owned()),
            _ => Timing::PatchTuesday { days: self.dice.random_range(0..20), at: time(19) },
        };
        let execute = match self.dice.random_range(0..4) {
            0 => Execution::Never,
            1 => Execution::At(Timing::Daily(time(22))),
            2 => Execution::At(Timing::PatchTuesday { days: 1, at: time(23) }),
            _ => Execution::Immediately,
        };
        let target = self.target(0);
        let mut one = Schedule::new(&self.handle(at), target, detect, 1_000 + at as i64);
        one.id = ScheduleId::of_text(&at.to_string(), 0);
        one.execute = execute;
        one.since_us = self.dice.random_range(0..4_000);
        let task = tasks.choose(&mut self.dice).filter(|task| !task.onboarding_only);
        if let Some(task) = task.filter(|_| self.dice.random_bool(0.4)) {
            one.item = Some(ItemId::Task(task.id));
            one.subjects = match task.category {
                TaskCategory::Computer => SubjectKind::Computer,
                TaskCategory::Tenant => SubjectKind::Tenant,
                TaskCategory::Person => SubjectKind::Person,
            };
            if task.instances {
                one.instance = Some(self.name());
            }
        } else {
            let all = [SubjectKind::Computer, SubjectKind::Person, SubjectKind::Tenant];
            one.subjects = self.pick(&all);
        }
        if one.subjects == SubjectKind::Computer && self.chance(0.3) {
            one.classes = [DeviceClass::Servers, DeviceClass::Portable].into();
        }
        if self.chance(0.3) {
            let tenant = self.pick(&self.tenants.clone());
            one.owner = Some(Owner { tenant, children: self.chance(0.5) });
        }
        let zones = [
            ScheduleZone::Hub,
            ScheduleZone::Tenant,
            ScheduleZone::Named("Australia/Sydney".to_owned()),
        ];
        one.zone = self.pick(&zones);
        let reboots = [
            None,
            Some(RebootPreference::Normal),
            Some(RebootPreference::Suppress),
            Some(RebootPreference::Force),
            Some(RebootPreference::Prompt),
        ];
        one.reboots = self.pick(&reboots);
        one.offline = self.pick(&[OfflineBehaviour::Skip, OfflineBehaviour::ApplyOnConnect]);
        one.expires_days = self.pick(&[1, 7, 90]);
        one.spread_minutes = self.pick(&[0, 45]);
        one.enabled = self.chance(0.8);
        one.note = self.pick(&["", "over\nlines"]).to_owned();
        one
    }
}
