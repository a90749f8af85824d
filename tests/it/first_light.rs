//! The product's main job: four systems become one true model.

use anyhow::Result;
use core_model::run::Outcome;
use tests::{Estate, fresh_sqlite, sync_all};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sync_of_a_small_estate_ends_in_the_truth() -> Result<()> {
    let estate = Estate::of(300, 7).await?;
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
    assert_eq!(score.computers.false_merges, 0, "{score:#?}");
    assert_eq!(score.computers.missed_merges, 0, "{score:#?}");
    Ok(())
}
