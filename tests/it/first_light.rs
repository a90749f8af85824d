//! The product's main job: four systems become one true model, and stay it.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use core_model::entity::{Agent, AgentState, Question};
use core_sync::Hub;
use mocks::score::Score;
use tests::Estate;
use tests::databases::{self, Database};

use crate::support::{ensure_same, ensure_verified, seeds, sync_whole, view};

/// Machines of the estate.
const COMPUTERS: usize = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sync_of_two_thousand_computers_ends_in_the_truth_on_sqlite() -> Result<()> {
    for seed in seeds([7, 4_711]) {
        let database = databases::sqlite()?;
        first_light(&database, seed).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sync_of_two_thousand_computers_ends_in_the_truth_on_postgres() -> Result<()> {
    for seed in seeds([20, 4_712]) {
        let Some(database) = databases::postgres().await? else {
            println!("left out: no PostgreSQL answers (see TEST_POSTGRES_URL)");
            return Ok(());
        };
        first_light(&database, seed).await?;
        databases::drop_database(&database).await?;
    }
    Ok(())
}

async fn first_light(database: &Database, seed: u64) -> Result<()> {
    let estate = Estate::of(COMPUTERS, seed).await?;
    let hub = estate.hub(database.open().await?)?;
    sync_whole(&hub).await?;
    let what = format!("{}, seed {seed}", database.name);
    let score = estate.score(&hub).await?;
    println!("{what}: {}", figures(&score));
    ensure_right(&score, &what)?;
    ensure_open_decisions(&hub).await?;
    ensure_verified(&hub).await?;

    let at = chrono::Utc::now();
    let (before, events) = (view(&hub, at).await?, hub.store.last_event_seq().await?);
    let runs = sync_whole(&hub).await?;
    for run in &runs {
        let counts = &run.counts;
        let quiet = counts.created + counts.changed + counts.gone + counts.held == 0;
        ensure!(quiet, "{what}: the unchanged {}/{} gave {counts:?}", run.connection, run.stream);
    }
    let after = hub.store.last_event_seq().await?;
    let news = hub.store.events(events, 3).await?;
    ensure!(after == events, "{what}: {} events of nothing: {news:#?}", after - events);
    ensure_same(&before, &view(&hub, at).await?, &what)?;
    ensure_verified(&hub).await
}

fn figures(score: &Score) -> String {
    format!(
        "{:?} {:?} tenants {:?} lines {:?}",
        score.computers, score.primary_person, score.tenants, score.agreement_lines_in_force
    )
}

/// The acceptance figures: no false merge, no miss without a word, at most 4 % for a human, and
/// 99.5 % of everything else.
fn ensure_right(score: &Score, what: &str) -> Result<()> {
    let computers = &score.computers;
    let all = computers.correct + computers.missed_merges + computers.undecided;
    ensure!(computers.false_merges == 0 && computers.missed_merges == 0, "{what}: {score:#?}");
    ensure!(computers.undecided * 100 <= all * 4, "{what}: {score:#?}");
    let (tenants, lines) = (&score.tenants, &score.agreement_lines_in_force);
    let persons = &score.primary_person;
    for (name, right, wrong) in [
        ("tenants", tenants.correct, tenants.wrong + tenants.missing),
        ("primary persons", persons.correct, persons.wrong + persons.missing),
        ("lines in force", lines.correct, lines.wrong + lines.missing),
    ] {
        ensure!(right > 0 && wrong * 1000 <= (right + wrong) * 5, "{what}, {name}: {score:#?}");
    }
    Ok(())
}

/// Whoever waits for a human is in an open decision with answers, and nobody waits without a word.
async fn ensure_open_decisions(hub: &Hub) -> Result<()> {
    let questions: Vec<Question> = hub.all().await?;
    let open: BTreeSet<_> = questions.iter().map(|question| question.id).collect();
    for question in &questions {
        ensure!(!question.choices.is_empty() && !question.evidence.is_empty(), "{question:?}");
    }
    for agent in hub.all::<Agent>().await? {
        let asked = agent.decision.is_some_and(|decision| open.contains(&decision));
        let fine = match agent.state {
            AgentState::Undecided => asked && !agent.why.is_empty(),
            AgentState::Identifying | AgentState::Refused | AgentState::Unlinked => {
                agent.decision.is_none() && agent.computer.is_none() && !agent.why.is_empty()
            }
            AgentState::Matched | AgentState::Retired => {
                agent.decision.is_none() && agent.computer.is_some() && agent.rule.is_some()
            }
        };
        ensure!(fine, "{agent:#?}");
    }
    Ok(())
}
