//! The snapshot follows the event log: after any changes of the world and syncs, it says the same as
//! one that is read anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use core_model::facts::ConnectionGroupKind;
use core_model::id::{ComputerId, SoftwareId, TenantId};
use core_model::library::{
    ComputerSettings, Deployment, DesiredState, Software, SubjectId, SubjectKind, Target,
    TenantSettings,
};
use core_resolve::{
    AsOf, Change, Definitions, Engine, Freshness, GroupInput, Member, RunKind, Slot, Snapshot,
};
use core_snapshot::{Followed, LoadOptions, Loaded, World, load};
use core_store::DefinitionChange;
use core_sync::Hub;
use mocks::estate::random_changes;
use tests::Estate;
use tests::databases;

use crate::support::{both_databases, paging_hub, seeds, sync_whole, with_world};

/// How the store is read in these tests.
fn options(now: DateTime<Utc>) -> LoadOptions {
    let kinds = tests::registry();
    let streams = kinds.kinds().flat_map(|kind| kind.streams.iter().map(move |one| (kind, one)));
    let kinds = streams
        .map(|(kind, one)| ((kind.name.to_owned(), one.name.to_owned()), one.kinds.to_vec()))
        .collect();
    LoadOptions {
        now,
        known_at: None,
        default_zone: "America/Chicago".to_owned(),
        freshness: Freshness::default(),
        kinds,
        disabled: BTreeMap::new(),
    }
}

/// One deployment for each type of target that the estate has an example of.
fn definitions(loaded: &Loaded) -> Result<Definitions> {
    let input = &loaded.input;
    let group = input.groups.iter().max_by_key(|group| group.members.len());
    let machines = |group: &&GroupInput| {
        group.members.iter().filter(|member| matches!(member, Member::Device(_))).count()
    };
    let of_machines = input.groups.iter().max_by_key(machines).filter(|one| machines(one) > 0);
    let of_kind = |kind| input.connection_groups.iter().find(move |group| group.kind == kind);
    let line = input.lines.iter().find(|line| line.product.is_some());
    let product = line.and_then(|line| {
        input.products.iter().find(|one| {
            one.connection == line.connection && Some(&one.key) == line.product.as_ref()
        })
    });
    let kind = input.agreements.iter().find_map(|agreement| agreement.agreement_type.clone());
    let mut targets = vec![
        Some(Target::All),
        input.tenants.first().map(|tenant| Target::tenant(tenant.id)),
        group.map(|group| Target::Group(group.id)),
        of_machines.map(|group| Target::Group(group.id)),
        product.map(|product| Target::product(product.id)),
        kind.map(|name| Target::AgreementType { connection: None, name, children: false }),
        input.persons.first().map(|person| Target::Person(person.id)),
        Some(Target::Filter("computer.os.contains('Windows 11')".to_owned())),
        Some(Target::Filter("person.department == 'Finance'".to_owned())),
    ];
    for kind in [ConnectionGroupKind::Group, ConnectionGroupKind::Location] {
        targets.push(of_kind(kind).map(|group| Target::ConnectionGroup {
            connection: group.connection.to_string(),
            kind,
            key: group.key.to_string(),
        }));
    }
    let missing = targets.iter().position(Option::is_none);
    ensure!(missing.is_none(), "the estate has no example of target {missing:?}");
    let item = |number: usize| SoftwareId::of_text(&format!("item {number}"), 0);
    let mut deployments = Vec::new();
    for (number, target) in targets.into_iter().flatten().enumerate() {
        let name = format!("rule {number}");
        let made = i64::try_from(number)?;
        // Each for itself, and all of them against one another.
        let alone = Deployment::new(&name, item(number), DesiredState::Latest, target, made);
        let mut together = alone.clone();
        together.item = item(99).into();
        together.id = core_model::id::DeploymentId::of_text(&format!("{name} together"), made);
        together.name = format!("{name} together");
        deployments.extend([alone, together]);
    }
    let software = (0..100).map(|number| Software {
        title: format!("Item {number}"),
        ..Software::new(item(number), &format!("item {number}"))
    });
    Ok(Definitions::new(software.collect(), Vec::new(), deployments, Vec::new()))
}

/// What holds for every computer, by its id: two snapshots number them otherwise.
fn told(engine: &Engine, snapshot: &Snapshot) -> BTreeMap<String, Vec<Slot>> {
    let kind = SubjectKind::Computer;
    let all = snapshot.everybody(kind).iter();
    let subjects = all.filter_map(|number| snapshot.subject(kind, number));
    let slots = |subject: SubjectId| {
        let number = snapshot.number(subject);
        let of_item = engine.winners().items.values();
        of_item.map(|(_, item)| number.map_or(Slot::Nobody, |number| item.slot(number))).collect()
    };
    subjects.map(|subject| (subject.to_string(), slots(subject))).collect()
}

fn engine(loaded: Loaded, definitions: &Arc<Definitions>, now: DateTime<Utc>) -> Engine {
    let snapshot = Arc::new(Snapshot::new(loaded.input));
    Engine::new(snapshot, definitions.clone(), AsOf::Instant(now), RunKind::Maintenance)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_the_log_ends_where_reading_anew_ends() -> Result<()> {
    let mut all = 0;
    for seed in seeds([81, 82]) {
        for database in both_databases().await? {
            let estate = Estate::of(150, seed).await?;
            let hub = paging_hub(&estate, database.open().await?)?;
            let (followed, reloaded, won) = follow(&estate, &hub, seed).await?;
            println!("{}, seed {seed}: {followed} changes, {reloaded} reloads", database.name);
            all += followed;
            ensure!(won > 0, "nobody won anything");
            ensure!(reloaded == 0, "seed {seed}: everything was read anew {reloaded} times");
            databases::drop_database(&database).await?;
        }
    }
    ensure!(all > 0, "nothing was followed");
    Ok(())
}

/// Settles something about a tenant and a computer: others in each round, and the first tenant never again.
async fn settle(
    hub: &Hub,
    (tenants, computers): (&[TenantId], &[ComputerId]),
    round: u64,
    now: DateTime<Utc>,
) -> Result<()> {
    let no = usize::try_from(round)? % tenants.len();
    let settings = TenantSettings {
        tenant: tenants[no],
        parent: tenants.get(no + 1).copied(),
        excluded_from_cross_tenant: round.is_multiple_of(2),
        budget: None,
    };
    let store = &hub.store;
    let base = store.last_revision().await?;
    let before = core_snapshot::library(&store.definitions(base).await?)?;
    let mut after = before.clone();
    after.tenants.retain(|one| one.tenant != settings.tenant && one.tenant != tenants[0]);
    after.tenants.push(settings);
    let computer = computers[usize::try_from(round)? % computers.len()];
    after.computers = vec![ComputerSettings { computer, excluded_from_maintenance: true }];
    let rows = core_snapshot::rows(&before, &after);
    let (author, note, now_us) = ("somebody", "", now.timestamp_micros());
    store.save_definitions(DefinitionChange { base, rows: &rows, author, note, now_us }).await?;
    Ok(())
}

/// Gives how many changes were followed, how often all was read anew, and the winners at the end.
async fn follow(estate: &Estate, hub: &Hub, seed: u64) -> Result<(usize, usize, usize)> {
    sync_whole(hub).await?;
    let mut now = Utc::now();
    let (mut world, loaded) = World::load(&hub.store, &options(now)).await?;
    let definitions = Arc::new(definitions(&loaded)?);
    let tenants: Vec<TenantId> = loaded.input.tenants.iter().map(|tenant| tenant.id).collect();
    let computers: Vec<ComputerId> = loaded.input.computers.iter().map(|one| one.id).collect();
    let mut following = engine(loaded, &definitions, now);
    let (mut followed, mut reloaded, mut won) = (0, 0, 0);
    for round in 0..8 {
        let done = with_world(estate, |world| random_changes(world, 4, seed + round, &[]));
        sync_whole(hub).await?;
        now = Utc::now();
        settle(hub, (&tenants, &computers), round, now).await?;
        match world.follow(&hub.store, &options(now)).await? {
            Followed::Changes(changes, _) => {
                followed += changes.iter().filter(|one| !matches!(one, Change::KnownAt(_))).count();
                for change in changes {
                    following.apply(change);
                }
                following.at(AsOf::Instant(now));
            }
            Followed::Reload => {
                reloaded += 1;
                let (anew, loaded) = World::load(&hub.store, &options(now)).await?;
                world = anew;
                following = engine(loaded, &definitions, now);
            }
        }
        let fresh = engine(load(&hub.store, &options(now)).await?, &definitions, now);
        let wanted = told(&fresh, fresh.snapshot());
        let found = told(&following, following.snapshot());
        let differ: Vec<_> =
            wanted.iter().filter(|(id, slots)| found.get(*id) != Some(*slots)).take(5).collect();
        ensure!(
            differ.is_empty() && wanted.len() == found.len(),
            "seed {seed}, round {round}: {} computers, {} anew, wanted {differ:#?} after {:#?}",
            found.len(),
            wanted.len(),
            done.iter().map(|done| &done.what).collect::<Vec<_>>()
        );
        won = wanted.values().flatten().filter(|slot| matches!(slot, Slot::Won(_))).count();
    }
    Ok((followed, reloaded, won))
}
