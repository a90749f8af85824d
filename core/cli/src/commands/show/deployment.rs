//! The story of a deployment: one sentence, whom it contains, what is wrong with it, and who changed
//! it when.

use chrono_tz::Tz;
use core_model::library::{DefinitionKind, Deployment, Enforcement, Origin};
use core_model::stop::Stop;
use core_resolve::{Problem, RunKind, ThreeSets};
use core_store::DefinitionVersion;
use serde_json::{Value, json};

use crate::cli::WhenArgs;
use crate::commands::changes::{self, FieldChange};
use crate::commands::resolve::{print_by_reason, subjects};
use crate::commands::stops::again;
use crate::commands::text::{self, count, field, instant, word};
use crate::context::Context;
use crate::failure::Failure;
use crate::foreman::rings::{self, Standing};
use crate::output;
use crate::world::World;

/// Reasons that are printed of who is unknown.
const REASONS: usize = 10;

/// Everything about a deployment.
pub(super) struct Story {
    world: World,
    deployment: Deployment,
    members: ThreeSets,
    problems: Vec<Problem>,
    history: Vec<DefinitionVersion>,
    /// Where its rings stand, where it has any.
    rings: Option<Standing>,
    /// By whom it is stopped.
    stop: Option<Stop>,
}

/// Reads everything about a deployment.
pub(super) async fn story(context: &Context, which: &str) -> Result<Story, Failure> {
    let world = World::load(context, &WhenArgs::default(), RunKind::default()).await?;
    let deployment = world.deployment(which)?.clone();
    let id = deployment.id;
    let members = world.resolver.members_of(id);
    let definitions = world.resolver.definitions();
    let mut problems = definitions.problems(world.resolver.snapshot());
    problems.retain(|problem| problem.deployment == Some(id));
    let kind = DefinitionKind::Deployment;
    let history = context.store.definition_history(kind, &id.to_string()).await?;
    let now_us = world.when.now.timestamp_micros();
    let mut standings = rings::standings(&context.store, &world, [id].into(), now_us).await?;
    let rings = standings.remove(&id);
    let stop = context.store.stops().await?.into_iter().find(|stop| stop.is_of(id));
    Ok(Story { world, deployment, members, problems, history, rings, stop })
}

impl Story {
    /// For machines.
    pub(super) fn as_json(&self) -> Value {
        let parse = |text: &Option<String>| -> Value {
            let document = text.as_deref().map(serde_json::from_str);
            document.and_then(Result::ok).unwrap_or_default()
        };
        let history = self.history.iter().map(|version| {
            json!({
                "revision": version.revision.number,
                "at": instant(version.revision.at_us),
                "author": version.revision.author,
                "note": version.revision.note,
                "before": parse(&version.before),
                "after": parse(&version.after),
            })
        });
        let problems: Vec<&str> = self.problems.iter().map(|one| one.text.as_str()).collect();
        let mut value = self.world.head();
        value["deployment"] = json!(self.deployment);
        value["sentence"] = self.world.sentence(&self.deployment).into();
        value["members"] = json!({
            "in": self.members.yes.len(),
            "unknown": self.members.unknown.len(),
            "out": self.members.no.len(),
        });
        value["problems"] = json!(problems);
        value["rings"] = json!(self.rings.as_ref().map(Standing::as_json));
        value["stop"] = json!(self.stop);
        value["history"] = history.collect();
        value
    }

    /// For people.
    pub(super) fn print(&self, zone: Tz) {
        let one = &self.deployment;
        output::line(&output::printable(&one.name));
        text::indented(2, &self.world.sentence(one));
        field("id", &one.id.to_string());
        field("takes part", &self.takes_part());
        field("dates", &dates(one));
        field("order", &if one.order == 0 { String::new() } else { one.order.to_string() });
        field("note", &one.note);
        let kind = self.world.resolver.definitions().kind(one.item);
        let ThreeSets { yes, unknown, no } = &self.members;
        let out = text::count(no.len(), "out", "out");
        let unknown_words = text::count(unknown.len(), "unknown", "unknown");
        field("members", &format!("{} in, {unknown_words}, {out}", subjects(kind, yes.len())));
        self.print_stop();
        if let Some(rings) = &self.rings {
            self.print_rings(rings, zone);
        }
        if !self.problems.is_empty() {
            text::heading("Problems");
            self.problems.iter().for_each(|problem| text::indented(2, &problem.text));
        }
        if !unknown.is_empty() {
            text::heading("Unknown: nothing is done");
            let why = |number| (self.world.resolver.why_in(one, number), number);
            print_by_reason(&self.world, kind, unknown.iter().map(why), REASONS);
        }
        self.print_history(zone);
    }

    /// Whether it is stopped, and the one command that changes that.
    fn print_stop(&self) {
        let name = output::printable(&self.deployment.name);
        match &self.stop {
            Some(stop) => {
                field("stopped", &format!("by {}: {}", stop.by, stop.reason));
                field("resume", &format!("linchpin resume {}", again(stop)));
            }
            None if self.rings.is_some() => {
                field("stop", &format!("linchpin stop deployment {name}"));
            }
            None => {}
        }
    }

    fn print_rings(&self, standing: &Standing, zone: Tz) {
        let at = |us| text::minute(instant(us), zone);
        let since = match standing.begun {
            true => format!(", since {}", at(standing.rollout.begun_us)),
            false => ", not begun".to_owned(),
        };
        text::heading(&format!("Rings{since}"));
        for (place, tally) in standing.tallies.iter().enumerate() {
            let title = standing.rollout.rings.get(place).map(|ring| ring.title(place));
            let title = title.unwrap_or_else(|| format!("ring {} (everybody else)", place + 1));
            let (reached, members, failed) = (tally.reached, tally.members, tally.failed);
            text::indented(2, &format!("{title}: {reached} of {members} reached, {failed} failed"));
            let gate = standing.rollout.gates.get(place).copied().unwrap_or_default();
            match (standing.gates.get(place).cloned().flatten(), gate.opened_us) {
                (Some(why), _) => text::indented(4, &why),
                (None, Some(opened)) => text::indented(4, &format!("open since {}", at(opened))),
                (None, None) => {}
            }
        }
    }

    /// When it takes part, and what keeps it from that.
    fn takes_part(&self) -> String {
        let one = &self.deployment;
        let mut words = match &one.enforcement {
            Enforcement::Required => "in every run".to_owned(),
            Enforcement::Onboarding => "when onboarding".to_owned(),
            Enforcement::Optional { approved } => {
                let approved = count(approved.len() as u64, "subject", "subjects");
                format!("where it was approved: for {approved}")
            }
            Enforcement::AdHoc => "when it is asked for by name".to_owned(),
        };
        if one.onboarding_only {
            words.push_str(", only when onboarding");
        }
        if one.origin == Origin::Recommended {
            words.push_str(&format!("; recommended, {}", word(&one.recommended)));
        }
        if !one.enabled {
            words.push_str("; disabled");
        }
        if let Some(connection) = &one.connection {
            let off = self.world.loaded.input.disabled_connections.contains_key(connection);
            let off = if off { ", which is disabled" } else { "" };
            words.push_str(&format!("; with connection {connection}{off}"));
        }
        words
    }

    fn print_history(&self, zone: Tz) {
        let saves = count(text::len(&self.history), "save", "saves");
        text::heading(&format!("History ({saves})"));
        for version in self.history.iter().rev() {
            let revision = &version.revision;
            let at = text::minute(instant(revision.at_us), zone);
            let note = match revision.note.as_str() {
                "" => String::new(),
                note => format!(": {note}"),
            };
            let how = match (&version.before, &version.after) {
                (None, _) => "created",
                (_, None) => "removed",
                _ => "changed",
            };
            let number = revision.number;
            text::indented(
                2,
                &format!("{at} {how} by {} (revision {number}){note}", revision.author),
            );
            for change in self.fields(version) {
                text::indented(6, &change.in_words());
            }
        }
    }

    /// The fields that a save changed; state and target in words.
    fn fields(&self, version: &DefinitionVersion) -> Vec<FieldChange> {
        let (Some(before), Some(after)) = (&version.before, &version.after) else {
            return Vec::new();
        };
        let mut fields = changes::fields_of_texts(before, after);
        let read = |text: &str| serde_json::from_str::<Deployment>(text).ok();
        let (Some(before), Some(after)) = (read(before), read(after)) else { return fields };
        let in_words = |path: &str, words: &dyn Fn(&Deployment) -> String| FieldChange {
            path: path.to_owned(),
            before: words(&before).into(),
            after: words(&after).into(),
        };
        let whole = |change: &FieldChange, field: &str| {
            let rest = change.path.strip_prefix(field);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        fields.retain(|change| !whole(change, "target") && !whole(change, "state"));
        if before.state != after.state {
            fields.push(in_words("state", &|one| one.state.words()));
        }
        if before.target != after.target {
            fields.push(in_words("target", &|one| self.world.target(&one.target)));
        }
        fields
    }
}

fn dates(deployment: &Deployment) -> String {
    match text::dates(deployment.dates).as_str() {
        "always" => String::new(),
        dates => format!("{dates}, local days of each tenant"),
    }
}
