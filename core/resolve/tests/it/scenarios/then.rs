//! What a scenario checks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use core_model::library::{Budget, SubjectKind};
use core_resolve::{
    AsOf, Candidate, Definitions, ItemKey, Resolved, Resolver, RunKind, Set, Slot, Snapshot,
    Standing, budget, duplicates, parent_cycle,
};
use serde::Deserialize;

use super::given::{Given, Rule, item};

/// One thing that is asked, and what is found. Whatever is not written is not checked.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Check {
    // When.
    on: Option<NaiveDate>,
    at: Option<DateTime<Utc>>,
    run: Option<String>,
    // One subject.
    of: Option<String>,
    item: String,
    instance: Option<String>,
    wins: Option<String>,
    nobody: bool,
    blocked: Option<String>,
    ambiguous: Option<bool>,
    lost: BTreeMap<String, String>,
    removed: BTreeMap<String, String>,
    why: BTreeMap<String, String>,
    change: BTreeMap<String, String>,
    // Everybody.
    target: Option<String>,
    members: Option<Vec<String>>,
    unknown: Option<Vec<String>>,
    winners: BTreeMap<String, Vec<String>>,
    // Definitions.
    problem: Option<String>,
    duplicate_of: BTreeMap<String, Vec<String>>,
    parent_cycle: Option<Vec<String>>,
    refused: BTreeMap<String, String>,
    // A change of rules, and what it changes.
    rules: BTreeMap<String, Rule>,
    without: Vec<String>,
    newly_won: Option<u64>,
    taken_over: Option<u64>,
    lost_count: Option<u64>,
    uninstalls: Option<u64>,
    unknown_count: Option<u64>,
    left_out: Option<Vec<String>>,
    confirm: Option<u64>,
    // Days ahead.
    edges_until: Option<NaiveDate>,
    edges: BTreeMap<String, String>,
}

fn resolver(given: &Given, check: &Check, definitions: Arc<Definitions>) -> Resolver {
    let as_of = match (check.on, check.at) {
        (Some(day), _) => AsOf::Day(day),
        (_, Some(at)) => AsOf::Instant(at),
        _ => AsOf::Instant(given.known_at()),
    };
    let run = match check.run.as_deref() {
        None => RunKind::Maintenance,
        Some("onboarding") => RunKind::Onboarding,
        Some(name) => RunKind::AdHoc(BTreeSet::from([name.to_owned()])),
    };
    Resolver::new(Arc::new(Snapshot::new(given.input())), definitions, as_of, run)
}

pub(crate) fn check(given: &Given, check: &Check) {
    let resolver = resolver(given, check, given.definitions(&given.rules));
    if let Some(name) = &check.of {
        subject(given, check, &resolver, name);
    }
    everybody(given, check, &resolver);
    definitions(given, check, &resolver);
    if !check.rules.is_empty() || !check.without.is_empty() {
        preview(given, check, &resolver);
    }
    if let Some(until) = check.edges_until {
        let mut edges = resolver.edges(given.known_at().date_naive(), until);
        // What ends at several tenants is shown where it changes most.
        edges.sort_by_key(|edge| edge.computers);
        let found: BTreeMap<String, String> = edges
            .iter()
            .map(|edge| {
                let numbers =
                    format!("{} computers, {} uninstalls", edge.computers, edge.uninstalls);
                (format!("{}: {}", edge.day, edge.what.join(", ")), numbers)
            })
            .collect();
        assert_eq!(found, check.edges);
    }
}

fn key(check: &Check) -> ItemKey {
    ItemKey { item: item(&check.item), instance: check.instance.clone() }
}

fn name_of(resolver: &Resolver, id: core_model::id::DeploymentId) -> String {
    resolver.definitions().deployment(id).map(|found| found.name.clone()).unwrap_or_default()
}

fn subject(given: &Given, check: &Check, resolver: &Resolver, name: &str) {
    let subject = given.subject(name);
    let resolved = resolver.explain(subject, &key(check)).expect("there is such a subject");
    // Everybody at once, one subject, and one item of one subject: one answer.
    let number = resolver.snapshot().number(subject).unwrap();
    let at_once = resolver.resolve_all();
    assert_eq!(at_once.item(&key(check)).unwrap().slot(number), resolved.slot);
    let all = resolver.resolve_subject(subject);
    assert!(all.iter().any(|one| one.key == key(check) && one.slot == resolved.slot));
    let found = format!("{resolved:#?}");
    match resolved.slot {
        Slot::Won(id) => {
            assert!(!check.nobody && check.blocked.is_none(), "{found}");
            if let Some(wins) = &check.wins {
                assert_eq!(&name_of(resolver, id), wins, "{found}");
            }
        }
        Slot::Nobody => {
            assert!(check.wins.is_none() && check.blocked.is_none(), "{found}");
        }
        Slot::Blocked(_) => {
            let wanted = check.blocked.as_ref().unwrap_or_else(|| panic!("blocked: {found}"));
            let reason = resolved.blocked.clone().unwrap_or_default();
            assert!(reason.contains(wanted), "{reason} does not say {wanted}");
        }
    }
    if let Some(ambiguous) = check.ambiguous {
        assert_eq!(resolved.ambiguous, ambiguous, "{found}");
    }
    reasons(check, &resolved);
}

fn reasons(check: &Check, resolved: &Resolved) {
    let candidate = |name: &str| -> &Candidate {
        let found = resolved.candidates.iter().find(|candidate| candidate.name == name);
        found.unwrap_or_else(|| panic!("{name} is no candidate: {resolved:#?}"))
    };
    let contains = |found: &str, wanted: &str| {
        assert!(found.contains(wanted), "`{found}` does not say `{wanted}`");
    };
    for (name, words) in &check.lost {
        match &candidate(name).standing {
            Standing::Lost { words: found, .. } => contains(found, words),
            other => panic!("{name} did not lose: {other:?}"),
        }
    }
    for (name, words) in &check.removed {
        match &candidate(name).standing {
            Standing::Removed(removal) => contains(&removal.words(), words),
            other => panic!("{name} was not removed: {other:?}"),
        }
    }
    check.why.iter().for_each(|(name, words)| contains(&candidate(name).why, words));
    for (name, words) in &check.change {
        contains(&candidate(name).change.join("; "), words);
    }
}

fn names(resolver: &Resolver, set: &Set) -> BTreeSet<String> {
    let snapshot = resolver.snapshot();
    set.iter().map(|number| snapshot.name(SubjectKind::Computer, number).to_string()).collect()
}

fn everybody(given: &Given, check: &Check, resolver: &Resolver) {
    if let Some(target) = &check.target {
        let sets = resolver.members(SubjectKind::Computer, &given.target(target));
        let set = |wanted: &Vec<String>| wanted.iter().cloned().collect::<BTreeSet<_>>();
        if let Some(members) = &check.members {
            assert_eq!(names(resolver, &sets.yes), set(members), "in");
        }
        if let Some(unknown) = &check.unknown {
            assert_eq!(names(resolver, &sets.unknown), set(unknown), "unknown");
        }
    }
    for (rule, wanted) in &check.winners {
        let winners = resolver.resolve_item(&key(check));
        let won = winners.won.iter().filter(|(id, _)| name_of(resolver, **id) == *rule);
        let won: BTreeSet<String> = won.flat_map(|(_, set)| names(resolver, set)).collect();
        assert_eq!(won, wanted.iter().cloned().collect(), "whom {rule} wins");
    }
}

fn definitions(given: &Given, check: &Check, resolver: &Resolver) {
    if let Some(wanted) = &check.problem {
        let problems = resolver.definitions().problems(resolver.snapshot());
        let found = problems.iter().any(|problem| problem.text.contains(wanted));
        assert!(found, "no problem says {wanted}: {problems:?}");
    }
    for (name, wanted) in &check.duplicate_of {
        let rule = &given.rules[name];
        let deployment = given.deployment(name, rule);
        let others = resolver.definitions().deployments().map(AsRef::as_ref);
        let found = duplicates(&deployment, others);
        let found: Vec<String> = found.into_iter().map(|id| name_of(resolver, id)).collect();
        assert_eq!(&found, wanted);
    }
    if let Some(wanted) = &check.parent_cycle {
        let input = given.input();
        let parents = input.tenants.iter().filter_map(|row| Some((row.id, row.parent?)));
        let cycle = parent_cycle(&parents.collect::<Vec<_>>()).expect("a cycle");
        let name = |id| input.tenants.iter().find(|row| row.id == id).unwrap().name.clone();
        let found: Vec<String> = cycle.into_iter().map(name).collect();
        assert_eq!(&found, wanted);
    }
    for (json, wanted) in &check.refused {
        let error = serde_json::from_str::<core_model::library::Deployment>(json).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

fn preview(given: &Given, check: &Check, before: &Resolver) {
    let mut rules = given.rules.clone();
    rules.extend(check.rules.clone());
    rules.retain(|name, _| !check.without.contains(name));
    let definitions = given.definitions(&rules);
    let preview = before.preview(&definitions, None);
    let counts = preview.counts();
    let same = |wanted: Option<u64>, found: u64, what: &str| {
        if let Some(wanted) = wanted {
            assert_eq!(found, wanted, "{what}: {counts:?}");
        }
    };
    same(check.newly_won, counts.newly_won, "newly won");
    same(check.taken_over, counts.taken_over, "taken over");
    same(check.lost_count, counts.lost, "lost");
    same(check.uninstalls, counts.uninstalls, "uninstalls");
    same(check.unknown_count, counts.unknown, "unknown");
    if let Some(wanted) = &check.left_out {
        let name = |id| before.snapshot().number(core_model::library::SubjectId::Tenant(id));
        let found = preview.left_out.iter().filter_map(|id| name(*id));
        let found = found.map(|n| before.snapshot().name(SubjectKind::Tenant, n).to_string());
        assert_eq!(&found.collect::<Vec<_>>(), wanted);
    }
    if let Some(wanted) = check.confirm {
        let asked = budget(before.snapshot(), &preview.shifts, Budget::default());
        let found = asked
            .iter()
            .any(|asked| asked.number == wanted && asked.words.contains(&wanted.to_string()));
        assert!(found, "nothing names {wanted}: {asked:?}");
    }
    // What is shown is what comes.
    let after = resolver(given, check, definitions);
    for (key, (_, winners)) in &preview.winners {
        let then = after.resolve_item(key);
        assert_eq!(winners.won, then.won);
        assert_eq!(winners.blocked, then.blocked);
    }
}
