//! Schedules.

use chrono::NaiveTime;
use chrono_tz::{TZ_VARIANTS, Tz};
use core_model::library::{
    Execution, ItemId, OfflineBehaviour, RebootPreference, Schedule, ScheduleZone, SubjectKind,
    TaskCategory, Timing, handle,
};
use core_toml::{Item, Node, printable};

use super::reference::suggestions;
use super::{Reader, Table};
use crate::timing::{pattern, too_close};

/// What may be written for a time.
const TIMES: &str = "write a time of day (\"19:00\"), a cron pattern (\"0 19 * * mon-fri\"), or { patch_tuesday = 1, at = \"21:00\" }";

impl<'a> Reader<'a> {
    pub(super) fn read_schedules(&mut self) -> Vec<Schedule> {
        let tables = self.tables("schedule");
        tables.into_iter().filter_map(|table| self.schedule(table)).collect()
    }

    fn schedule(&mut self, table: Table<'a>) -> Option<Schedule> {
        // Everything is read before anything that is missing ends it, so that all is told.
        let own = self.own(table, &self.schedules);
        let item = self.scheduled_item(table);
        let instance = self.instance(table, item.unwrap_or_default());
        let subjects = self.subjects(table, item.unwrap_or_default());
        let owner = self.owner(table);
        let target = self.whole_target(table, owner.unwrap_or_default());
        let classes = self.classes(table, item.unwrap_or_default());
        if subjects != SubjectKind::Computer && item == Some(None) && !classes.is_empty() {
            let what = "device classes are for computers, and this is for others";
            self.say(&table.place("classes"), what, "not here", "remove `classes`");
        }
        let detect = table.get("detect").and_then(|node| self.timing(table, "detect", node));
        let execute = self.execution(table);
        self.hold_apart(table, detect.as_ref(), execute.as_ref());
        let zone = self.schedule_zone(table);
        let number = |key| table.number(key).and_then(|number| u32::try_from(number).ok());
        let (id, created_us, name) = own?;
        let read = Schedule {
            id,
            name,
            subjects,
            target: target?,
            classes,
            owner: owner?,
            item: item?,
            instance,
            detect: detect?,
            execute: execute?,
            zone: zone?,
            reboots: reboots(table),
            offline: match table.text("offline") {
                Some("skip") => OfflineBehaviour::Skip,
                _ => OfflineBehaviour::ApplyOnConnect,
            },
            expires_days: number("expires_days").unwrap_or(Schedule::EXPIRES_DAYS),
            spread_minutes: number("spread_minutes").unwrap_or_default(),
            enabled: table.get("enabled").is_none() || table.flag("enabled"),
            note: table.text("note").unwrap_or_default().to_owned(),
            created_us,
            since_us: created_us,
        };
        let before =
            self.known.schedules.iter().find(|one| handle(&one.name) == handle(&read.name));
        Some(read.since(before, self.now_us))
    }

    /// The one item that it is about, where there is one; `None` where there is one that cannot be.
    fn scheduled_item(&mut self, table: Table<'a>) -> Option<Option<ItemId>> {
        let key = ["software", "task"].into_iter().find(|key| table.get(key).is_some());
        let Some(key) = key else {
            if table.get("instance").is_some() {
                let what = "`instance` says which one of a task, and there is no task";
                self.say(
                    &table.place("instance"),
                    what,
                    "of what?",
                    "add `task = \"…\"`, or remove it",
                );
            }
            return Some(None);
        };
        let item = self.item(table)?;
        if let ItemId::Task(id) = item
            && self.for_onboarding.contains(&id)
        {
            let what = "this task takes part in onboarding runs only, and schedules make none";
            self.say(&table.place(key), what, "never run", "schedule another item, or all of them");
            return None;
        }
        Some(Some(item))
    }

    /// Of which kind those are that it is for.
    fn subjects(&mut self, table: Table<'a>, item: Option<ItemId>) -> SubjectKind {
        let said = match table.text("subjects") {
            Some("persons") => Some(SubjectKind::Person),
            Some("tenants") => Some(SubjectKind::Tenant),
            Some(_) => Some(SubjectKind::Computer),
            None => None,
        };
        let of_item = item.map(|item| match item {
            ItemId::Software(_) => SubjectKind::Computer,
            ItemId::Task(id) => match self.categories.get(&id) {
                Some((TaskCategory::Tenant, _)) => SubjectKind::Tenant,
                Some((TaskCategory::Person, _)) => SubjectKind::Person,
                _ => SubjectKind::Computer,
            },
        });
        if let (Some(said), Some(of_item)) = (said, of_item)
            && said != of_item
        {
            let what = "this item is for others than `subjects` says";
            let help = "remove `subjects`: with an item, that is the item's";
            self.say(&table.place("subjects"), what, "for others", help);
        }
        of_item.or(said).unwrap_or(SubjectKind::Computer)
    }

    fn timing(&mut self, table: Table<'a>, key: &str, node: &Node) -> Option<Timing> {
        if let Item::Table(_) = &node.item {
            let days = node.get("patch_tuesday")?.json().as_u64()?;
            let text = node.get("at")?.text()?;
            let Some(at) = day_time(text) else {
                let what = format!("`{}` is no time of day", printable(text));
                let place = super::Place { file: table.file, span: node.get("at")?.span.clone() };
                self.say(&place, what, "no time", "write hours and minutes: \"21:00\"");
                return None;
            };
            return Some(Timing::PatchTuesday { days: u32::try_from(days).ok()?, at });
        }
        let text = node.text()?.trim();
        if let Some(at) = day_time(text) {
            return Some(Timing::Daily(at));
        }
        let timing = Timing::Cron(text.to_owned());
        let is_pattern = text.starts_with('@') || text.contains(char::is_whitespace);
        match pattern(&timing) {
            Ok(_) => Some(timing),
            Err(error) => {
                let what = match is_pattern {
                    true => error.to_string(),
                    false => format!("`{}` is no time", printable(text)),
                };
                self.say(&table.place(key), what, "no time", TIMES);
                None
            }
        }
    }

    fn execution(&mut self, table: Table<'a>) -> Option<Execution> {
        let Some(node) = table.get("execute") else { return Some(Execution::Immediately) };
        match node.text().map(str::trim) {
            Some("immediately") => Some(Execution::Immediately),
            Some("never") => Some(Execution::Never),
            _ => self.timing(table, "execute", node).map(Execution::At),
        }
    }

    /// S21: between looking and acting lies an hour.
    fn hold_apart(
        &mut self,
        table: Table<'a>,
        detect: Option<&Timing>,
        execute: Option<&Execution>,
    ) {
        let (Some(detect), Some(Execution::At(execute))) = (detect, execute) else { return };
        let (Ok(detect), Ok(execute)) = (pattern(detect), pattern(execute)) else { return };
        let Some((looks, acts)) = too_close(&detect, &execute) else { return };
        let minutes = (acts - looks).num_minutes();
        let what = format!(
            "what is looked at by {} would be acted on at {}, {minutes} minutes later",
            looks.format("%H:%M"),
            acts.format("%H:%M")
        );
        let help = "leave at least an hour between `detect` and `execute`, or write `execute = \"immediately\"`";
        self.say(&table.place("execute"), what, "too soon", help);
    }

    fn schedule_zone(&mut self, table: Table<'a>) -> Option<ScheduleZone> {
        let Some(text) = table.text("zone").map(str::trim) else {
            return table.get("zone").is_none().then_some(ScheduleZone::Hub);
        };
        if text == "tenant" {
            return Some(ScheduleZone::Tenant);
        }
        if let Ok(zone) = text.parse::<Tz>() {
            return Some(ScheduleZone::Named(zone.name().to_owned()));
        }
        let zones = TZ_VARIANTS.iter().map(|zone| zone.name()).chain(["tenant"]);
        let help = suggestions(text, "there are", zones);
        let what = format!("there is no time zone `{}`", printable(text));
        let help = format!("{help}; \"tenant\" is that of each tenant");
        self.say(&table.place("zone"), what, "unknown", &help);
        None
    }
}

fn reboots(table: Table<'_>) -> Option<RebootPreference> {
    Some(match table.text("reboots")? {
        "normal" => RebootPreference::Normal,
        "force" => RebootPreference::Force,
        "prompt" => RebootPreference::Prompt,
        _ => RebootPreference::Suppress,
    })
}

fn day_time(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M").ok()
}
