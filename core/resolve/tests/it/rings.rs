//! Rings: they never change who wins, a share keeps its members and only grows, everybody is in one ring.

use std::collections::BTreeSet;
use std::sync::Arc;

use core_model::id::{ComputerId, DeploymentId, SoftwareId};
use core_model::library::{Deployment, DesiredState, Ring, RingMembers, SubjectId, Target};
use core_resolve::{Definitions, Resolver, Snapshot, share_of};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use crate::estate::make;
use crate::random::{first_seed, resolver};

fn shares(percents: &[u8]) -> Vec<Ring> {
    percents.iter().map(|percent| Ring::new(RingMembers::Percent(*percent))).collect()
}

fn random_rings(rng: &mut ChaCha8Rng, tags: &[core_model::id::TagId]) -> Vec<Ring> {
    let mut share = 0;
    let rings = (0..rng.random_range(0..4)).map(|_| match tags.choose(rng) {
        Some(tag) if rng.random_bool(0.5) => Ring::new(RingMembers::Tag(*tag)),
        _ => {
            share += rng.random_range(1..30);
            Ring::new(RingMembers::Percent(share))
        }
    });
    rings.collect()
}

#[test]
fn s30_rings_never_change_a_winner_and_whoever_is_won_is_in_one_ring() {
    for seed in first_seed()..first_seed() + 300 {
        let mut estate = make(seed);
        let before = resolver(&estate).resolve_all().digest();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let tags: Vec<_> = estate.input.tags.iter().map(|tag| tag.id).collect();
        for one in &mut estate.deployments {
            one.rings = random_rings(&mut rng, &tags);
        }
        let resolver = resolver(&estate);
        let winners = resolver.resolve_all();
        assert_eq!(winners.digest(), before, "seed {seed}");
        for (key, (_, of_item)) in &winners.items {
            for (id, won) in &of_item.won {
                let deployment = resolver.definitions().deployment(*id).unwrap();
                let rings = resolver.rings(deployment);
                assert_eq!(rings.sets.len(), deployment.rings.len() + 1);
                let all: u64 = rings.sets.iter().map(|set| set.len()).sum();
                assert_eq!(all, won.len(), "seed {seed}: {key:?}");
                for number in won.iter() {
                    let of = rings.sets.iter().filter(|set| set.contains(number)).count();
                    assert_eq!((of, rings.ring(number).is_some()), (1, true), "seed {seed}");
                }
            }
        }
    }
}

fn one_for_all(name: &str) -> Deployment {
    let reader = SoftwareId::of_text("reader", 0);
    Deployment::new(name, reader, DesiredState::Latest, Target::All, 1)
}

/// The computers of an estate that are in these shares together.
fn in_shares(resolver: &Resolver, one: &Deployment, percents: &[u8]) -> BTreeSet<SubjectId> {
    let one = Deployment { rings: shares(percents), ..one.clone() };
    let definitions = Definitions::new(
        vec![core_model::library::Software::new(SoftwareId::of_text("reader", 0), "Reader")],
        Vec::new(),
        vec![one.clone()],
        Vec::new(),
    );
    let run = core_resolve::RunKind::Maintenance;
    let snapshot: Arc<Snapshot> = Arc::clone(resolver.snapshot());
    let resolver = Resolver::new(snapshot, Arc::new(definitions), resolver.as_of(), run);
    let rings = resolver.rings(&Arc::new(one));
    let first = rings.sets.iter().take(percents.len()).flat_map(|set| set.iter());
    first.filter_map(|number| resolver.snapshot().subject(rings.kind, number)).collect()
}

#[test]
fn s30_a_percentage_grows_monotonically_and_keeps_whom_it_has() {
    for seed in first_seed()..first_seed() + 100 {
        let resolver = resolver(&make(seed));
        let one = one_for_all("reader");
        let mut before = BTreeSet::new();
        for percent in [1, 5, 25, 50, 99, 100] {
            let now = in_shares(&resolver, &one, &[percent]);
            assert!(before.is_subset(&now), "seed {seed}: {percent} %");
            assert!(now.len() >= before.len().max(usize::from(!now.is_empty())), "seed {seed}");
            // In how many steps it is reached does not matter.
            let steps: Vec<u8> =
                [1, 5, percent].into_iter().filter(|one| *one <= percent).collect();
            let mut steps = steps;
            steps.dedup();
            assert_eq!(in_shares(&resolver, &one, &steps), now, "seed {seed}: {percent} %");
            before = now;
        }
    }
}

#[test]
fn s30_a_share_is_about_so_large_and_another_for_each_deployment() {
    let computers: Vec<SubjectId> =
        (0..20_000).map(|n| ComputerId::of_text(&format!("pc {n}"), n).into()).collect();
    let [reader, chrome] = ["reader", "chrome"].map(one_for_all);
    let canaries = |of: &Deployment| -> BTreeSet<SubjectId> {
        computers.iter().copied().filter(|one| share_of(*one, of) < 500).collect()
    };
    let (one, other) = (canaries(&reader), canaries(&chrome));
    for set in [&one, &other] {
        assert!((900..1_100).contains(&set.len()), "{}", set.len());
    }
    // The same ones are not the canaries of everything.
    assert!(one.intersection(&other).count() < 120, "{}", one.intersection(&other).count());
    assert_eq!(canaries(&Deployment { note: "x".to_owned(), ..reader.clone() }), one);
    let moved = Deployment { id: DeploymentId::of_text("moved", 1), ..reader };
    assert_ne!(canaries(&moved), one);
}
