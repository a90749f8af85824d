//! `linchpin sync --dry-run`: what a real run would change, with nothing written.

use core_model::RecordKind;
use core_model::run::{Outcome, Run};
use core_store::{PageOutcome, StreamKey, StreamState};
use core_sync::{DryRun, Hub, SyncOptions};
use serde_json::{Value, json};

use crate::cli::Global;
use crate::commands::changes::{self, FieldChange};
use crate::commands::text;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, thousands};

/// Runs among which the last one of each scope is looked for.
const RUNS: usize = 5000;
/// Changed records that are shown of each scope.
const EXAMPLES: usize = 5;
/// Names that are shown of what is new or gone.
const NAMES: usize = 5;

/// What a run of one scope would do.
struct Plan {
    stream: StreamKey,
    /// Whether everything was read; else what changed.
    full: bool,
    counts: PageOutcome,
    /// Records that a full reading no longer lists; those that cannot be read are among them.
    unlisted: u64,
    created: Vec<(RecordKind, String)>,
    gone: Vec<(RecordKind, String)>,
    changed: Vec<(RecordKind, String, Vec<FieldChange>)>,
    failure: Option<String>,
    /// The failure is that the system does not offer this here.
    skipped: bool,
}

pub(super) async fn run(
    global: &Global,
    hub: &Hub,
    options: &SyncOptions,
) -> Result<Exit, Failure> {
    output::error_line("reading everything that a sync would read; nothing is written");
    let plans = plans(hub, &[], options).await?;
    if global.json {
        plans.iter().for_each(|plan| output::json(&plan.as_json()));
    } else {
        print(&plans);
    }
    let failed = plans.iter().filter(|plan| plan.failure.is_some() && !plan.skipped).count();
    Ok(match failed {
        0 => Exit::Ok,
        _ if failed == plans.len() => Exit::Failed,
        _ => Exit::Partly,
    })
}

/// What a sync of these connections would change, for machines.
pub(in crate::commands) async fn answer(
    hub: &Hub,
    names: &[String],
    options: &SyncOptions,
) -> Result<Value, Failure> {
    let plans = plans(hub, names, options).await?;
    Ok(json!({ "items": plans.iter().map(Plan::as_json).collect::<Vec<_>>() }))
}

/// What a run of each scope of these connections would do.
async fn plans(hub: &Hub, names: &[String], options: &SyncOptions) -> Result<Vec<Plan>, Failure> {
    let known = hub.store.streams().await?;
    let found = hub.dry_run(names, options).await?;
    let state = |key: &StreamKey| {
        let found = known.iter().find(|(known, _)| {
            known.connection == key.connection
                && known.stream == key.stream
                && known.scope == key.scope
        });
        found.map(|(_, state)| state)
    };
    let mut plans: Vec<Plan> =
        found.iter().map(|dry| Plan::of(dry, state(&dry.stream), options)).collect();
    let latest = hub.store.runs(RUNS, None).await?;
    for plan in &mut plans {
        plan.skipped = plan.was_skipped(&latest);
    }
    Ok(plans)
}

impl Plan {
    fn of(dry: &DryRun, state: Option<&StreamState>, options: &SyncOptions) -> Self {
        let full = options.full || state.is_none_or(|state| state.settled.is_none());
        let mut plan = Self {
            stream: dry.stream.clone(),
            full,
            counts: PageOutcome::default(),
            unlisted: 0,
            created: Vec::new(),
            gone: Vec::new(),
            changed: Vec::new(),
            failure: dry.failure.clone(),
            skipped: false,
        };
        for page in &dry.pages {
            plan.counts.created += page.counts.created;
            plan.counts.changed += page.counts.changed;
            plan.counts.unchanged += page.counts.unchanged;
            plan.counts.gone += page.counts.gone;
            plan.created.extend(page.created.iter().take(NAMES).cloned());
            plan.gone.extend(page.gone.iter().take(NAMES).cloned());
            for (kind, key, before, after) in &page.changed {
                if plan.changed.len() < EXAMPLES {
                    let fields = changes::fields_of_texts(&before.to_json(), &after.to_json());
                    plan.changed.push((*kind, key.clone(), fields));
                }
            }
        }
        if full && dry.failure.is_none() {
            let live = state.map_or(0, |state| u64::try_from(state.live).unwrap_or_default());
            let PageOutcome { changed, unchanged, gone, .. } = plan.counts;
            plan.unlisted = live.saturating_sub(changed + unchanged + gone);
        }
        plan.created.truncate(NAMES);
        plan.gone.truncate(NAMES);
        plan
    }

    /// Whether a real run ended with the same words and found that it is not offered.
    fn was_skipped(&self, latest: &[Run]) -> bool {
        let StreamKey { connection, stream, scope, .. } = &self.stream;
        let same = |run: &&Run| {
            run.connection == *connection && run.stream == *stream && run.scope == *scope
        };
        let last = latest.iter().find(same);
        last.is_some_and(|run| run.outcome == Outcome::Skipped && run.error == self.failure)
    }

    fn title(&self) -> String {
        let StreamKey { connection, stream, scope, scope_name, .. } = &self.stream;
        match (scope_name.as_str(), scope.as_str()) {
            ("", "") => format!("{connection} {stream}"),
            ("", scope) => format!("{connection} {stream} of {scope}"),
            (name, _) => format!("{connection} {stream} of {name}"),
        }
    }

    fn as_json(&self) -> Value {
        let named = |(kind, key): &(RecordKind, String)| json!({ "kind": kind, "key": key });
        let changed = self.changed.iter().map(|(kind, key, fields)| {
            let fields: Vec<Value> = fields.iter().map(FieldChange::as_json).collect();
            json!({ "kind": kind, "key": key, "fields": fields })
        });
        json!({
            "connection": self.stream.connection,
            "stream": self.stream.stream,
            "scope": self.stream.scope,
            "scope_name": self.stream.scope_name,
            "mode": if self.full { "full" } else { "incremental" },
            "counts": {
                "created": self.counts.created,
                "changed": self.counts.changed,
                "unchanged": self.counts.unchanged,
                "gone": self.counts.gone,
                "unlisted": self.unlisted,
            },
            "created": self.created.iter().map(named).collect::<Vec<_>>(),
            "changed": changed.collect::<Vec<_>>(),
            "gone": self.gone.iter().map(named).collect::<Vec<_>>(),
            "skipped": self.skipped,
            "error": self.failure,
        })
    }

    fn print_examples(&self) {
        if let Some(failure) = &self.failure {
            let how = if self.skipped { "is not offered" } else { "could not be read to its end" };
            text::heading(&format!("{}: {how}", self.title()));
            text::indented(2, failure);
        } else if !self.created.is_empty() || !self.changed.is_empty() || !self.gone.is_empty() {
            text::heading(&self.title());
        }
        for (word, names, all) in
            [("new", &self.created, self.counts.created), ("gone", &self.gone, self.counts.gone)]
        {
            if !names.is_empty() {
                let listed: Vec<String> =
                    names.iter().map(|(kind, key)| format!("{kind} {key}")).collect();
                let more = all.saturating_sub(text::len(names));
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                text::wrapped(&format!("  {word:<9}"), 11, &format!("{}{more}", listed.join(", ")));
            }
        }
        for (kind, key, fields) in &self.changed {
            let what = match fields.as_slice() {
                [] => "what the hub does not read".to_owned(),
                fields => changes::in_words(fields),
            };
            text::wrapped("  changed  ", 11, &format!("{kind} {key}: {what}"));
        }
    }
}

fn print(plans: &[Plan]) {
    let mut table = TextTable::new(&[
        ("connection", Align::Left),
        ("stream", Align::Left),
        ("scope", Align::Left),
        ("mode", Align::Left),
        ("created", Align::Right),
        ("changed", Align::Right),
        ("unchanged", Align::Right),
        ("gone", Align::Right),
    ])
    .cutting(&[("scope", 12)]);
    let quiet = |plan: &&Plan| {
        let PageOutcome { created, changed, gone, .. } = plan.counts;
        created + changed + gone + plan.unlisted == 0 && plan.failure.is_none()
    };
    for plan in plans.iter().filter(|plan| !quiet(plan)) {
        let StreamKey { connection, stream, scope_name, .. } = &plan.stream;
        table.row([
            connection.clone(),
            stream.clone(),
            scope_name.clone(),
            if plan.full { "full" } else { "changes" }.to_owned(),
            thousands(plan.counts.created),
            thousands(plan.counts.changed),
            thousands(plan.counts.unchanged),
            thousands(plan.counts.gone + plan.unlisted),
        ]);
    }
    let silent = plans.iter().filter(quiet).count();
    if !table.is_empty() {
        table.print();
    }
    for plan in plans {
        plan.print_examples();
    }
    output::line("");
    if silent > 0 {
        let nothing = text::count(silent as u64, "run would change", "runs would change");
        output::line(&format!("{nothing} nothing"));
    }
    output::line("dry run: nothing was written");
}
