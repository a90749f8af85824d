//! A schedule as files write it.

use core_model::library::{
    Execution, OfflineBehaviour, Schedule, ScheduleZone, SubjectKind, Timing,
};

use super::reference::References;
use super::text::{Out, quoted};
use super::{item, whom};

pub(super) fn schedule(out: &mut Out, one: &Schedule, references: &References<'_>) {
    out.text("name", &one.name);
    whom(out, (&one.target, &one.classes, one.owner), references);
    match one.item {
        Some(id) => item(out, id, references),
        None => match one.subjects {
            SubjectKind::Computer => {}
            SubjectKind::Person => out.text("subjects", "persons"),
            SubjectKind::Tenant => out.text("subjects", "tenants"),
        },
    }
    if let Some(instance) = &one.instance {
        out.text("instance", instance);
    }
    out.key("detect", &timing(&one.detect));
    match &one.execute {
        Execution::Immediately => {}
        Execution::Never => out.text("execute", "never"),
        Execution::At(at) => out.key("execute", &timing(at)),
    }
    match &one.zone {
        ScheduleZone::Hub => {}
        ScheduleZone::Named(zone) => out.text("zone", zone),
        ScheduleZone::Tenant => out.text("zone", "tenant"),
    }
    if let Some(reboots) = one.reboots {
        out.text("reboots", reboots.as_str());
    }
    if one.offline != OfflineBehaviour::default() {
        out.text("offline", one.offline.as_str());
    }
    for (key, number, usual) in [
        ("expires_days", one.expires_days, Schedule::EXPIRES_DAYS),
        ("spread_minutes", one.spread_minutes, 0),
    ] {
        if number != usual {
            out.key(key, &number.to_string());
        }
    }
    if !one.enabled {
        out.key("enabled", "false");
    }
    out.note(&one.note);
}

fn timing(timing: &Timing) -> String {
    match timing {
        Timing::Daily(at) => quoted(&at.format("%H:%M").to_string()),
        Timing::Cron(pattern) => quoted(pattern),
        Timing::PatchTuesday { days, at } => {
            let at = quoted(&at.format("%H:%M").to_string());
            format!("{{ patch_tuesday = {days}, at = {at} }}")
        }
    }
}
