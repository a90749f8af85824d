//! Whose turn it is, beside a way of finding out that is slow and plain.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// What waits of a kind: tenants, each as often as it has something.
type Waiting = HashMap<String, usize>;

fn name(tenant: usize) -> String {
    format!("t{tenant}")
}

/// Takes from what waits, kind after kind, and gives whose were taken, with their kinds.
fn take(mut turns: Turns, kinds: &[Waiting], mut turn: i64) -> Vec<(usize, String)> {
    let mut taken = Vec::new();
    for (kind, waiting) in kinds.iter().enumerate() {
        let mut waiting = waiting.clone();
        turns.waiting(waiting.keys().cloned());
        while let Some(tenant) = turns.next() {
            let left = waiting.get_mut(&tenant).unwrap();
            if *left > 0 {
                *left -= 1;
                turn += 1;
                turns.took(tenant.clone(), turn);
                taken.push((kind, tenant));
            }
        }
    }
    taken
}

/// The same, looking at everything each time.
fn naive(
    rules: &QueueRules,
    mut standing: HashMap<String, Standing>,
    (asked, has): (usize, usize),
    kinds: &[Waiting],
    mut turn: i64,
) -> Vec<(usize, String)> {
    let mut kinds = kinds.to_vec();
    let mut taken = Vec::new();
    loop {
        let running: usize = standing.values().map(|one| one.running).sum();
        if taken.len() >= asked || running >= rules.at_once || has + taken.len() >= rules.per_engine
        {
            return taken;
        }
        let of = |tenant: &String| standing.get(tenant).cloned().unwrap_or_default();
        let all = kinds.iter().enumerate().flat_map(|(kind, waiting)| {
            waiting.iter().filter(|(_, left)| **left > 0).map(move |(tenant, _)| (kind, tenant))
        });
        let all = all.filter(|(_, tenant)| of(tenant).running < rules.per_tenant);
        let best = all.min_by_key(|(kind, tenant)| {
            let of = of(tenant);
            (*kind, of.running, of.turn, (*tenant).clone())
        });
        let Some((kind, tenant)) = best.map(|(kind, tenant)| (kind, tenant.clone())) else {
            return taken;
        };
        *kinds[kind].get_mut(&tenant).unwrap() -= 1;
        turn += 1;
        let one = standing.entry(tenant.clone()).or_default();
        (one.running, one.turn) = (one.running + 1, turn);
        taken.push((kind, tenant));
    }
}

fn waiting() -> impl Strategy<Value = Vec<Waiting>> {
    let of_a_kind = prop::collection::hash_map((0..6_usize).prop_map(name), 0..9_usize, 0..6);
    prop::collection::vec(of_a_kind, 3)
}

fn standing() -> impl Strategy<Value = HashMap<String, Standing>> {
    let one = (0..4_usize, 0..20_i64).prop_map(|(running, turn)| Standing { running, turn });
    prop::collection::hash_map((0..6_usize).prop_map(name), one, 0..6)
}

fn rules() -> impl Strategy<Value = QueueRules> {
    (0..20_usize, 1..6_usize, 1..9_usize).prop_map(|(at_once, per_tenant, per_engine)| QueueRules {
        at_once,
        per_tenant,
        per_engine,
        ..QueueRules::default()
    })
}

proptest! {
    #[test]
    fn whose_turn_it_is_is_what_looking_at_everything_says(
        rules in rules(), standing in standing(), asked in 0..12_usize, has in 0..9_usize,
        kinds in waiting(),
    ) {
        let turns = Turns::new(&rules, standing.clone(), (asked, has));
        let taken = take(turns, &kinds, 20);
        prop_assert_eq!(&taken, &naive(&rules, standing.clone(), (asked, has), &kinds, 20));
        // Nothing goes beyond a bound, and what goes first went first.
        let running: usize = standing.values().map(|one| one.running).sum();
        prop_assert!(taken.is_empty() || running + taken.len() <= rules.at_once);
        prop_assert!(taken.len() <= asked && (taken.is_empty() || has + taken.len() <= rules.per_engine));
        for tenant in (0..6).map(name) {
            let new = taken.iter().filter(|(_, one)| *one == tenant).count();
            let old = standing.get(&tenant).map_or(0, |one| one.running);
            prop_assert!(new == 0 || old + new <= rules.per_tenant);
        }
        prop_assert!(taken.is_sorted_by_key(|(kind, _)| *kind));
    }

    /// However much the others have, a tenant with something waiting has its turn after each of them had
    /// one, and as long as both have something left, none of two is more than one ahead.
    #[test]
    fn nobody_starves(many in 1..6_usize, each in 1..6_usize, most in 1..200_usize) {
        let mut waiting: Waiting = (0..many).map(|one| (name(one), 5_000)).collect();
        waiting.insert("few".to_owned(), each);
        let rules = QueueRules { per_tenant: 1000, ..QueueRules::default() };
        let taken = take(Turns::new(&rules, HashMap::new(), (most, 0)), &[waiting], 0);
        let of = |tenant: &str, among: &[(usize, String)]| {
            among.iter().filter(|(_, one)| one == tenant).count()
        };
        let few = of("few", &taken);
        prop_assert!(few == each || taken.len() <= (few + 1) * (many + 1));
        for place in 0..=taken.len() {
            let so_far = &taken[..place];
            let counts: Vec<usize> = (0..many).map(|one| of(&name(one), so_far)).collect();
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            prop_assert!(most - least <= 1);
            if of("few", so_far) < each {
                prop_assert!(of("few", so_far) + 1 >= *most);
            }
        }
    }
}
