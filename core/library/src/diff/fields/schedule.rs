//! The fields of a schedule in words.

use core_model::library::{Execution, OfflineBehaviour, Schedule, ScheduleZone, SubjectKind};

use super::Facts;
use crate::export::class_word;
use crate::words::Words;

pub(super) fn schedule(one: &Schedule, words: Words<'_>) -> Facts {
    let mut facts = Facts::default();
    facts.text("name", &one.name);
    facts.put("target", &one.target, words.target(&one.target));
    let classes = one.classes.iter().map(|class| class_word(*class).to_owned()).collect();
    facts.many("classes", &one.classes, classes);
    if let Some(owner) = one.owner {
        let more = if owner.children { " with its children" } else { "" };
        facts.put("tenant", owner, format!("{}{more}", words.tenant(owner.tenant)));
    }
    match one.subjects {
        SubjectKind::Computer => {}
        SubjectKind::Person => facts.text("subjects", "persons"),
        SubjectKind::Tenant => facts.text("subjects", "tenants"),
    }
    if let Some(item) = one.item {
        facts.item(item, words);
    }
    facts.optional("instance", one.instance.as_ref());
    facts.put("detect", &one.detect, one.detect.words());
    if one.execute != Execution::Immediately {
        facts.put("execute", &one.execute, one.execute.words());
    }
    match &one.zone {
        ScheduleZone::Hub => {}
        ScheduleZone::Named(zone) => facts.text("zone", zone),
        ScheduleZone::Tenant => facts.put("zone", &one.zone, "of each tenant".to_owned()),
    }
    if let Some(reboots) = one.reboots {
        facts.text("reboots", reboots.as_str());
    }
    if one.offline != OfflineBehaviour::default() {
        facts.text("offline", one.offline.as_str());
    }
    if one.expires_days != Schedule::EXPIRES_DAYS {
        facts.put("expires_days", one.expires_days, one.expires_days.to_string());
    }
    if one.spread_minutes != 0 {
        facts.put("spread_minutes", one.spread_minutes, one.spread_minutes.to_string());
    }
    facts.put("enabled", one.enabled, if one.enabled { "yes" } else { "no" }.to_owned());
    if !one.note.is_empty() {
        facts.text("note", &one.note);
    }
    facts
}
