//! What the demonstration shows: what each source held, what the hub made of it, how right that is.

use std::collections::BTreeMap;
use std::time::Duration;

use core_model::entity::{Agent, Client, Computer, EntityKind, Person, Tenant};
use core_model::run::Run;
use core_sync::{CollectOutcome, Hub};
use mocks::score::Score;
use mocks::server::Running;
use serde::Serialize;

use super::estate;
use crate::commands::text;
use crate::failure::Failure;
use crate::output::{Align, TextTable, line, thousands};

/// How much of everything.
#[derive(Debug, Default, Serialize)]
pub(super) struct Amounts {
    tenants: usize,
    persons: usize,
    computers: usize,
    agents: usize,
    agreement_lines: usize,
}

/// Machines that were asked who they are.
#[derive(Debug, Serialize)]
struct Asked {
    machines: usize,
    answered: usize,
}

/// The demonstration's result.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    seed: u64,
    estate: Amounts,
    model: Amounts,
    score: Score,
    decisions_open: u64,
    clients_unlinked: usize,
    asked: Asked,
    events: i64,
    pub(super) runs: Vec<Run>,
    elapsed_ms: u128,
}

impl Report {
    pub(super) async fn make(
        hub: &Hub,
        running: &Running,
        runs: Vec<Run>,
        asked: CollectOutcome,
        elapsed: Duration,
    ) -> Result<Self, Failure> {
        let truth = estate::truth(running);
        let view = hub.view(truth.as_of, "UTC").await?;
        let claim = serde_json::to_value(&view).and_then(serde_json::from_value);
        let claim =
            claim.map_err(|error| Failure::failed(format!("the model as data: {error}")))?;
        let clients: Vec<Client> = hub.all().await?;
        let open =
            |client: &&Client| client.tenant.is_none() && !client.placeholder && !client.gone;
        let world = running.world();
        let estate = {
            let world = world.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            let all = mocks::truth::summary(&world);
            Amounts {
                tenants: all.tenants,
                persons: all.persons,
                computers: all.computers,
                agents: all.agents,
                agreement_lines: all.agreement_lines,
            }
        };
        Ok(Self {
            seed: running.discovery()["seed"].as_u64().unwrap_or_default(),
            estate,
            model: amounts(hub, view.lines.len()).await?,
            score: mocks::score::score(&truth, &claim),
            decisions_open: hub.store.count(EntityKind::Decision).await?,
            clients_unlinked: clients.iter().filter(open).count(),
            asked: Asked { machines: asked.asked, answered: asked.answered },
            events: hub.store.last_event_seq().await?,
            runs,
            elapsed_ms: elapsed.as_millis(),
        })
    }

    pub(super) fn print(&self) {
        self.print_sources();
        self.print_model();
        self.print_score();
    }

    fn print_sources(&self) {
        line("What the four systems held");
        let retried = self.runs.iter().any(|run| run.counts.retries > 0);
        let mut columns = vec![("stream", Align::Left)];
        columns.extend(["scopes", "pages", "records"].map(|name| (name, Align::Right)));
        columns.extend(retried.then_some(("retries", Align::Right)));
        columns.push(("seconds", Align::Right));
        let mut table = TextTable::new(&columns);
        let mut rest = self.runs.as_slice();
        while let Some(first) = rest.first() {
            let same =
                |run: &&Run| run.connection == first.connection && run.stream == first.stream;
            let count = rest.iter().take_while(same).count();
            let (runs, later) = rest.split_at(count);
            rest = later;
            let sum = |value: fn(&Run) -> u64| thousands(runs.iter().map(value).sum());
            let mut cells = vec![format!("{} {}", first.connection, first.stream)];
            cells.push(thousands(runs.len() as u64));
            cells.extend([sum(|run| run.counts.pages), sum(|run| run.counts.read)]);
            cells.extend(retried.then(|| sum(|run| run.counts.retries)));
            cells.push(seconds(runs));
            table.row(cells);
        }
        table.print();
        self.print_errors();
    }

    /// Each error once, with the number of scopes that it happened to.
    fn print_errors(&self) {
        let mut found: BTreeMap<(&str, &str, &str, &str), u64> = BTreeMap::new();
        for run in &self.runs {
            let Some(error) = &run.error else { continue };
            let key = (run.connection.as_str(), run.stream.as_str(), run.outcome.as_str());
            *found.entry((key.0, key.1, key.2, error)).or_default() += 1;
        }
        for ((connection, stream, outcome, error), times) in found {
            let scopes = text::count(times, "scope", "scopes");
            text::indented(2, &format!("{connection} {stream}: {scopes} {outcome}: {error}"));
        }
    }

    fn print_model(&self) {
        line("\nWhat the hub made of it");
        let mut table =
            TextTable::new(&[("", Align::Left), ("estate", Align::Right), ("model", Align::Right)]);
        let (estate, model) = (&self.estate, &self.model);
        for (what, held, made) in [
            ("tenants", estate.tenants, model.tenants),
            ("persons", estate.persons, model.persons),
            ("agents", estate.agents, model.agents),
            ("computers", estate.computers, model.computers),
            ("lines in force", estate.agreement_lines, model.agreement_lines),
        ] {
            table.row([what.to_owned(), thousands(held as u64), thousands(made as u64)]);
        }
        table.print();
        text::indented(
            0,
            &format!(
                "{} machines were asked who they are and who uses them, {} answered; {} events.",
                thousands(self.asked.machines as u64),
                thousands(self.asked.answered as u64),
                thousands(self.events.unsigned_abs())
            ),
        );
        text::indented(
            0,
            &format!(
                "{} decisions and {} unlinked clients wait for a human.",
                self.decisions_open, self.clients_unlinked
            ),
        );
    }

    fn print_score(&self) {
        line("\nHow right that is");
        let score = &self.score;
        let computers = &score.computers;
        text::wrapped(
            "computers         ",
            18,
            &format!(
                "{} right, {} undecided, {} false merges, {} missed merges",
                thousands(computers.correct as u64),
                computers.undecided,
                computers.false_merges,
                computers.missed_merges
            ),
        );
        let persons = &score.primary_person;
        text::wrapped(
            "primary persons   ",
            18,
            &format!(
                "{} right, {} undecided, {} wrong, {} missing",
                thousands(persons.correct as u64),
                persons.undecided,
                persons.wrong,
                persons.missing
            ),
        );
        for (name, counts) in [
            ("clients linked    ", &score.tenants),
            ("lines in force    ", &score.agreement_lines_in_force),
        ] {
            text::wrapped(
                name,
                18,
                &format!(
                    "{} right, {} wrong, {} missing",
                    thousands(counts.correct as u64),
                    counts.wrong,
                    counts.missing
                ),
            );
        }
        for example in &score.examples {
            text::indented(2, example);
        }
        #[expect(clippy::cast_precision_loss, reason = "for reading")]
        let seconds = self.elapsed_ms as f64 / 1000.0;
        line(&format!("\n{seconds:.1} seconds in all, the estate's own work included."));
    }
}

fn seconds(runs: &[Run]) -> String {
    let start = runs.iter().map(|run| run.started_us).min().unwrap_or_default();
    let end = runs.iter().filter_map(|run| run.ended_us).max().unwrap_or(start);
    #[expect(clippy::cast_precision_loss, reason = "for reading")]
    let seconds = (end - start) as f64 / 1e6;
    format!("{seconds:.1}")
}

/// What the model holds of what is there and linked; of the lines those in force.
async fn amounts(hub: &Hub, agreement_lines: usize) -> Result<Amounts, Failure> {
    let tenants = hub.all::<Tenant>().await?;
    let linked = |agent: &&Agent| !agent.gone && agent.tenant.is_some();
    Ok(Amounts {
        tenants: tenants.iter().filter(|tenant| !tenant.suspended).count(),
        persons: hub.all::<Person>().await?.iter().filter(|person| !person.gone).count(),
        computers: hub.all::<Computer>().await?.iter().filter(|c| !c.gone).count(),
        agents: hub.all::<Agent>().await?.iter().filter(linked).count(),
        agreement_lines,
    })
}
