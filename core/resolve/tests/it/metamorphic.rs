//! What must hold between two resolutions, whatever they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use core_model::library::{DesiredState, SubjectId, Target};
use core_resolve::{
    AsOf, Change, Definitions, Delta, Engine, FeedKind, ItemKey, Member, Resolver, Shift, Slot,
    Snapshot, Winners,
};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use crate::estate::{self, Estate, FEEDS, Maker, make};
use crate::oracle::Oracle;
use crate::random::{by_item, first_seed, resolver};

type Slots = BTreeMap<(ItemKey, SubjectId), (Slot, bool)>;

/// What everybody has of everything, by ids; only what is not nothing.
fn slots(estate: &Estate, snapshot: &Snapshot, winners: &Winners) -> Slots {
    let oracle = Oracle(estate);
    let mut all = Slots::new();
    for key in by_item(estate).keys() {
        for subject in oracle.subjects(oracle.kind(key.item)) {
            let number = snapshot.number(subject).unwrap();
            let item = winners.item(key).unwrap();
            let slot = item.slot(number);
            if slot != Slot::Nobody {
                all.insert((key.clone(), subject), (slot, item.ambiguous.contains(number)));
            }
        }
    }
    all
}

fn resolved(estate: &Estate) -> Slots {
    let resolver = resolver(estate);
    slots(estate, resolver.snapshot(), &resolver.resolve_all())
}

#[test]
fn p11_no_order_of_anything_matters() {
    for seed in first_seed()..first_seed() + 300 {
        let mut estate = make(seed);
        let before = resolver(&estate).resolve_all().digest();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..3 {
            estate.deployments.shuffle(&mut rng);
            estate.input.tenants.shuffle(&mut rng);
            estate.input.persons.shuffle(&mut rng);
            estate.input.computers.shuffle(&mut rng);
            estate.input.groups.shuffle(&mut rng);
            estate.input.agreements.shuffle(&mut rng);
            estate.input.lines.shuffle(&mut rng);
            estate.input.groups.iter_mut().for_each(|group| group.members.shuffle(&mut rng));
            assert_eq!(resolver(&estate).resolve_all().digest(), before, "seed {seed}");
        }
    }
}

#[test]
fn a_deployment_that_targets_nobody_changes_nothing() {
    for seed in first_seed()..first_seed() + 500 {
        let mut estate = make(seed);
        let before = resolved(&estate);
        let mut nobody = estate.deployments[0].clone();
        nobody.target = Target::Or(Vec::new());
        nobody.id = core_model::id::DeploymentId::of_text("nobody", 0);
        nobody.origin = core_model::library::Origin::Own;
        estate.deployments.push(nobody);
        assert_eq!(resolved(&estate), before, "seed {seed}");
    }
}

/// What would be done: whatever wins and is not ignored.
fn actions(estate: &Estate) -> Vec<(ItemKey, SubjectId, Slot)> {
    let state = |slot: Slot| {
        let Slot::Won(id) = slot else { return None };
        estate.deployments.iter().find(|d| d.id == id).map(|d| d.state.clone())
    };
    let all = resolved(estate).into_iter().map(|((key, subject), (slot, _))| (key, subject, slot));
    all.filter(|(_, _, slot)| state(*slot).is_some_and(|s| s != DesiredState::Ignored)).collect()
}

/// Turns one thing that is known into something that is not.
fn forget(estate: &mut Estate, rng: &mut ChaCha8Rng) {
    let input = &mut estate.input;
    if rng.random_bool(0.4)
        && let Some(feed) = input.feeds.choose_mut(rng)
    {
        match rng.random_range(0..4) {
            0 => feed.held = true,
            1 => feed.failing = true,
            2 => feed.last_complete = None,
            _ => {
                feed.last_complete = feed.last_complete.map(|at| at - TimeDelta::hours(30));
            }
        }
        return;
    }
    let Some(computer) = input.computers.choose_mut(rng) else { return };
    // Facts that contradict each other count as unread: one of them fewer is more knowledge.
    let odd = computer.primary_controller == Some(true);
    match rng.random_range(0..7) {
        0 if !odd => computer.role = None,
        1 if !odd => computer.chassis = None,
        2 if !odd => computer.primary_controller = None,
        3 => computer.tags_read = false,
        4 => computer.inventory = None,
        5 => {
            computer.facts.pop();
        }
        _ => computer.agents.iter_mut().for_each(|agent| agent.properties = None),
    }
}

#[test]
fn to_know_less_never_adds_an_action() {
    let mut fewer = 0;
    for seed in first_seed()..first_seed() + 3_000 {
        let mut estate = make(seed);
        let before = actions(&estate);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..1 + seed % 4).for_each(|_| forget(&mut estate, &mut rng));
        let after = actions(&estate);
        for action in &after {
            assert!(before.contains(action), "seed {seed}: {action:?} was added");
        }
        fewer += usize::from(after.len() < before.len());
    }
    assert!(fewer > 50, "hardly anything was forgotten that mattered: {fewer}");
}

/// Edits, adds or removes a deployment.
fn edit(estate: &mut Estate, maker: &mut Maker, n: i64) {
    let at = maker.rng.random_range(0..estate.deployments.len());
    let new = maker.deployment(n);
    match maker.rng.random_range(0..4) {
        0 => estate.deployments.push(new),
        1 if estate.deployments.len() > 1 => {
            estate.deployments.remove(at);
        }
        2 => estate.deployments[at].target = new.target,
        _ => {
            let old = &mut estate.deployments[at];
            if new.state.fits(old.item) {
                old.state = new.state;
            }
            old.order += 1;
        }
    }
    // Ids are of names and times of creation: what was drawn twice is left out.
    estate.deployments.sort_by_key(|deployment| deployment.id);
    estate.deployments.dedup_by_key(|deployment| deployment.id);
}

/// What the shifts say about each subject and item.
fn by_subject(
    snapshot: &Snapshot,
    shifts: &[Shift],
) -> BTreeMap<(ItemKey, SubjectId), (Slot, Slot)> {
    let mut all = BTreeMap::new();
    for shift in shifts {
        for number in shift.subjects.iter() {
            let subject = snapshot.subject(shift.kind, number).unwrap();
            let old = all.insert((shift.key.clone(), subject), (shift.before, shift.after));
            assert!(old.is_none(), "a subject is in two shifts of one item");
        }
    }
    all
}

/// The difference of two resolutions, as shifts should say it; those that keep their winner count
/// where he wants something else.
fn difference(
    before: (&Slots, &Definitions),
    after: (&Slots, &Definitions),
) -> BTreeMap<(ItemKey, SubjectId), (Slot, Slot)> {
    let mut all = BTreeMap::new();
    let slot = |slots: &Slots, key| slots.get(key).map_or(Slot::Nobody, |(slot, _)| *slot);
    for key in before.0.keys().chain(after.0.keys()) {
        let (old, new) = (slot(before.0, key), slot(after.0, key));
        let restated = match (old, new) {
            (Slot::Won(a), Slot::Won(b)) if a == b => {
                before.1.deployment(a).unwrap().state != after.1.deployment(b).unwrap().state
            }
            _ => false,
        };
        if old != new || restated {
            all.insert(key.clone(), (old, new));
        }
    }
    all
}

#[test]
fn a_preview_is_the_difference_of_two_resolutions() {
    for seed in first_seed()..first_seed() + 1_000 {
        let before = make(seed);
        let mut after = before.clone();
        let mut maker = Maker::new(seed + 1);
        edit(&mut after, &mut maker, 50);
        edit(&mut after, &mut maker, 51);
        let resolver = resolver(&before);
        let definitions = after.definitions();
        let preview = resolver.preview(&definitions, None);
        let expected = difference(
            (&resolved(&before), resolver.definitions()),
            (&resolved(&after), &definitions),
        );
        assert_eq!(by_subject(resolver.snapshot(), &preview.shifts), expected, "seed {seed}");
        let known = resolver.resolve_all();
        let again = resolver.preview(&definitions, Some(&known));
        assert_eq!(again.shifts, preview.shifts, "seed {seed}: with known winners");
    }
}

#[test]
fn a_sequence_of_changes_ends_where_resolving_anew_ends() {
    let count = 1_500;
    for seed in first_seed()..first_seed() + count {
        let mut estate = make(seed);
        clean(&mut estate);
        let mut maker = Maker::new(seed + 7);
        let snapshot = Arc::new(Snapshot::new(estate.input.clone()));
        let definitions = Arc::new(estate.definitions());
        let run = estate.run.clone();
        let mut engine = Engine::new(snapshot, definitions, estate.as_of, run);
        let mut before = resolved(&estate);
        for step in 0..10 {
            let old = engine.definitions().clone();
            let reader: Resolver = engine.resolver();
            let then = reader.resolve_all().digest();
            let (what, delta) = step_of(&mut estate, &mut maker, &mut engine, step);
            let said = format!("seed {seed}, step {step}: {what}");
            let scratch = resolved(&estate);
            let now = slots(&estate, engine.snapshot(), engine.winners());
            assert_eq!(now, scratch, "{said}");
            let expected = difference((&before, &old), (&scratch, engine.definitions()));
            let mut found = by_subject(engine.snapshot(), &delta.shifts);
            // Who has gone is in no resolution, and what he loses is said nevertheless.
            found.retain(|(_, s), (_, after)| {
                engine.snapshot().number(*s).is_some() || *after != Slot::Nobody
            });
            let mut expected = expected;
            expected.retain(|(_, s), _| engine.snapshot().number(*s).is_some());
            assert_eq!(found, expected, "{said}: the changes of winners");
            assert_eq!(reader.resolve_all().digest(), then, "{said}: a reader's version moved");
            before = scratch;
        }
    }
}

/// Primary persons who are none are nobody from the beginning: an engine does not remember them.
fn clean(estate: &mut Estate) {
    let oracle = estate.clone();
    let oracle = Oracle(&oracle);
    let persons = oracle.subjects(core_model::library::SubjectKind::Person);
    let input = &mut estate.input;
    for computer in &mut input.computers {
        let tenant = computer.tenant;
        computer.primary = computer.primary.filter(|primary| {
            let row = input.persons.iter().find(|person| person.id == *primary);
            persons.contains(&SubjectId::Person(*primary))
                && row.is_some_and(|person| person.tenant == tenant)
        });
    }
}

fn put<T, K: PartialEq>(list: &mut Vec<T>, new: T, key: impl Fn(&T) -> K) {
    list.retain(|other| key(other) != key(&new));
    list.push(new);
}

/// Makes one random change, in the estate and in the engine.
fn step_of(
    estate: &mut Estate,
    maker: &mut Maker,
    engine: &mut Engine,
    step: i64,
) -> (String, Delta) {
    let choice = maker.rng.random_range(0..12);
    match choice {
        0 => {
            let as_of = match estate.as_of {
                AsOf::Instant(at) => AsOf::Instant(at + TimeDelta::hours(9)),
                AsOf::Day(day) => AsOf::Day(day.succ_opt().unwrap()),
            };
            estate.as_of = as_of;
            (format!("{as_of:?}"), engine.at(as_of))
        }
        1 => {
            edit(estate, maker, 60 + step);
            ("definitions".to_owned(), engine.define(Arc::new(estate.definitions())))
        }
        _ => {
            let change = if choice < 7 { often(estate, maker) } else { seldom(estate, maker) };
            let Some(change) = change else { return ("nothing".to_owned(), Delta::default()) };
            clean(estate);
            (format!("{change:?}"), engine.apply(change))
        }
    }
}

/// Changes that are computed for a few subjects.
fn often(estate: &mut Estate, maker: &mut Maker) -> Option<Change> {
    let input = &mut estate.input;
    match maker.rng.random_range(0..5) {
        0 | 1 => {
            let at = maker.rng.random_range(0..input.groups.len().max(1));
            let member = maker.member();
            let group = input.groups.get_mut(at)?;
            if group.members.contains(&member) {
                group.members.retain(|other| *other != member);
                return Some(Change::Leaves(group.id, member));
            }
            group.members.push(member);
            Some(Change::Joins(group.id, member))
        }
        2 => {
            let at = maker.rng.random_range(0..input.computers.len());
            let tenant = input.computers[at].tenant;
            let persons = input.persons.iter().filter(|person| person.tenant == tenant);
            let person = persons.map(|person| person.id).choose(&mut maker.rng);
            let person = person.filter(|_| maker.rng.random_bool(0.7));
            input.computers[at].primary = person;
            Some(Change::Primary(input.computers[at].id, person))
        }
        3 => {
            let tag = input.tags.choose_mut(&mut maker.rng)?;
            let computer = input.computers.choose(&mut maker.rng)?;
            if !input.tenants.iter().any(|tenant| tenant.id == computer.tenant) {
                return None;
            }
            if tag.computers.contains(&computer.id) {
                tag.computers.retain(|other| *other != computer.id);
                return Some(Change::Untagged(tag.id, computer.id.into()));
            }
            tag.computers.push(computer.id);
            Some(Change::Tagged(tag.id, computer.id.into()))
        }
        _ => {
            let n = maker.rng.random_range(0..9);
            let mut computer = maker.computer(n);
            let there = input.tenants.iter().any(|tenant| tenant.id == computer.tenant);
            computer.tenant = if there { computer.tenant } else { input.tenants[0].id };
            let tenant = computer.tenant;
            computer.primary = computer.primary.filter(|primary| {
                let row = input.persons.iter().find(|person| person.id == *primary);
                row.is_some_and(|person| person.tenant == tenant)
            });
            put(&mut input.computers, computer.clone(), |computer| computer.id);
            Some(Change::Computer(Box::new(computer)))
        }
    }
}

/// Changes of agreements and feeds, and seldom others.
fn seldom(estate: &mut Estate, maker: &mut Maker) -> Option<Change> {
    let input = &mut estate.input;
    let n = maker.rng.random_range(0..4_u64);
    Some(match maker.rng.random_range(0..13) {
        0 | 1 => {
            let line = maker.line(n);
            put(&mut input.lines, line.clone(), |line| line.id);
            Change::Line(line)
        }
        2 => {
            let agreement = maker.agreement(n);
            put(&mut input.agreements, agreement.clone(), |agreement| agreement.id);
            Change::Agreement(agreement)
        }
        3 | 4 => {
            let (connection, kind) = *FEEDS.choose(&mut maker.rng)?;
            if kind == FeedKind::Tags {
                return None;
            }
            let feed = maker.feed(connection, kind, false);
            put(&mut input.feeds, feed.clone(), |f| (f.connection.clone(), f.kind, f.tenant));
            Change::Feed(feed)
        }
        _ => return comes_or_goes(estate, maker, n),
    })
}

/// Changes of what targets may name.
fn comes_or_goes(estate: &mut Estate, maker: &mut Maker, n: u64) -> Option<Change> {
    let input = &mut estate.input;
    Some(match maker.rng.random_range(5..16) {
        5 => {
            let group = maker.group(n);
            put(&mut input.groups, group.clone(), |group| group.id);
            Change::Group(group)
        }
        6 => {
            let group = input.groups.pop()?;
            Change::GroupGone(group.id)
        }
        7 => {
            let tag = maker.tag(n % 2);
            put(&mut input.tags, tag.clone(), |tag| tag.id);
            Change::Tag(tag)
        }
        8 => {
            let mut person = maker.person(n);
            let there = input.tenants.iter().any(|tenant| tenant.id == person.tenant);
            person.tenant = if there { person.tenant } else { input.tenants[0].id };
            put(&mut input.persons, person.clone(), |person| person.id);
            Change::Person(person)
        }
        9 => {
            let person = input.persons.pop()?;
            Change::PersonGone(person.id)
        }
        10 => {
            if input.computers.len() < 2 {
                return None;
            }
            Change::ComputerGone(input.computers.pop()?.id)
        }
        11 => {
            // The first, or one that nobody has been of yet.
            let tenant = maker.tenant(if n == 0 { 70 } else { 0 });
            put(&mut input.tenants, tenant.clone(), |tenant| tenant.id);
            Change::Tenant(tenant)
        }
        12 => {
            let product = input.products.choose_mut(&mut maker.rng)?;
            product.gone = maker.rng.random_bool(0.5);
            Change::Product(product.clone())
        }
        13 => {
            let at = maker.rng.random_range(0..input.connection_groups.len().max(1));
            let mut group = input.connection_groups.get(at)?.clone();
            group.name.push('!');
            input.connection_groups[at] = group.clone();
            Change::ConnectionGroup(group)
        }
        14 => {
            let group = input.connection_groups.pop()?;
            Change::ConnectionGroupGone(group)
        }
        _ => {
            input.known_at += TimeDelta::hours(5);
            Change::KnownAt(input.known_at)
        }
    })
}

#[test]
fn a_device_that_joins_and_leaves_a_group_leaves_nothing_behind() {
    let mut estate = make(first_seed());
    estate.input.groups = vec![Maker::new(3).group(0)];
    let snapshot = Arc::new(Snapshot::new(estate.input.clone()));
    let definitions = Arc::new(estate.definitions());
    let mut engine = Engine::new(snapshot, definitions, estate.as_of, estate.run.clone());
    let before = engine.winners().digest();
    let member = Member::Device(estate::computer(0));
    let leaves = !estate.input.groups[0].members.contains(&member);
    engine.apply(Change::Joins(estate::group(0), member));
    if leaves {
        engine.apply(Change::Leaves(estate::group(0), member));
    }
    assert_eq!(engine.winners().digest(), before);
}
