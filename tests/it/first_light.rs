//! The product's main job: four systems become one true model.

use anyhow::Result;
use core_model::run::Outcome;
use tests::{Estate, fresh_sqlite, sync_all};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sync_of_a_small_estate_ends_in_the_truth() -> Result<()> {
    let estate = Estate::of(std::env::var("N").map_or(300, |n| n.parse().unwrap()), std::env::var("SEED").map_or(7, |n| n.parse().unwrap())).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let hub = estate.hub(store)?;
    let runs = sync_all(&hub).await?;
    for run in &runs {
        println!("{:?}", run);
        let fine = matches!(run.outcome, Outcome::Complete | Outcome::Skipped);
        assert!(fine, "{}/{} {}: {:?}", run.connection, run.stream, run.scope, run.error);
    }
    let score = estate.score(&hub).await?;
    println!("{score:#?}");
    dump(&hub, &estate.truth(), &score).await?;
    assert_eq!(score.computers.false_merges, 0, "{score:#?}");
    assert_eq!(score.computers.missed_merges, 0, "{score:#?}");
    Ok(())
}

async fn dump(hub: &core_sync::Hub, truth: &mocks::truth::Truth, score: &mocks::score::Score) -> Result<()> {
    use std::collections::BTreeMap;
    let agents: Vec<core_model::entity::Agent> = hub.all().await?;
    let mut why: BTreeMap<String, usize> = BTreeMap::new();
    for a in &agents {
        if !matches!(a.state, core_model::entity::AgentState::Matched | core_model::entity::AgentState::Retired) && !a.gone {
            let t = a.why.split(':').next().unwrap_or("").to_owned();
            *why.entry(format!("{:?} {} {}", a.state, a.connection, t.chars().take(90).collect::<String>())).or_default() += 1;
        }
    }
    println!("WHY {why:#?}");
    let computers: Vec<core_model::entity::Computer> = hub.all().await?;
    for p in hub.all::<core_model::entity::Person>().await?.iter().filter(|p| p.upn.to_lowercase().starts_with("fatima.castro")) { println!("PERSON {p:?}"); } println!("TENANT7 {:?} {:?}", truth.tenants[7], truth.tenants.iter().filter(|t| t.domain_split.is_some()).collect::<Vec<_>>()); for c in hub.all::<core_model::entity::Client>().await? { if c.name.to_lowercase().contains("lopez") || c.key.contains(&truth.tenants[7].clients.get("azure-ad").and_then(|v| v.first().cloned()).unwrap_or("zz".into())) { println!("CLIENT {c:?}"); } } 
    let mut shown = 0;
    for e in &score.examples {
        let host = e.split(' ').next().unwrap();
        shown += 1; if shown > 12 { break; }
        let t = truth.computers.iter().find(|c| c.host == host);
        println!("--- {e}\n truth {t:?}");
        for a in agents.iter().filter(|a| t.is_some_and(|t| t.agents.iter().any(|x| x.id == a.key && x.kind == a.connection))) {
            println!("   A {} {} {:?} {:?} {} tenant {:?} ev {:?}", a.connection, a.key, a.state, a.rule, a.why, a.tenant, a.evidence);
            for c in computers.iter().filter(|c| c.agents.contains(&a.id)) { println!("     C {} {:?} {:?} logons {:?}", c.name, c.primary, c.flags, c.logons); }
        }
    }
    Ok(())
}
