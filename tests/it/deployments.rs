//! Targets over an estate that was read through all four connectors, against what is true there:
//! today, on days to come, and as it was known before the estate's records were corrected.

pub(crate) mod ground;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Days, Utc};
use core_library::Library;
use core_model::entity::{Group, Product, Tenant};
use core_model::facts::ConnectionGroupKind;
use core_model::id::{ComputerId, SoftwareId, TagId, TenantId};
use core_model::library::{Deployment, DesiredState, Software, SubjectKind, Tag, Target};
use core_resolve::{Resolver, RunKind, Snapshot};
use core_snapshot::{Loaded, definitions, rows};
use core_store::DefinitionChange;
use core_sync::Hub;
use mocks::estate::{Change, Pick};
use tests::dates::resolver;
use tests::{Estate, databases};

use crate::support::{change, ensure_verified, paging_hub, seeds, sync_whole, with_world};
use ground::Ground;

/// Loads what was known at an instant, or is known now.
async fn loaded(hub: &Hub, known_at: Option<DateTime<Utc>>) -> Result<Loaded> {
    tests::dates::loaded(&hub.store, Utc::now(), known_at).await
}

fn named(target: &str) -> String {
    format!("by-{target}")
}

/// One deployment for each type of target that the estate offers.
fn library(targets: &[(&'static str, Target)], tag: &Tag) -> Library {
    let software = |name: &str| Software::new(SoftwareId::of_text(name, 0), name);
    let deployments = targets.iter().zip(0..).map(|((name, target), created)| {
        let item = SoftwareId::of_text(name, 0);
        Deployment::new(&named(name), item, DesiredState::Latest, target.clone(), created)
    });
    Library {
        software: targets.iter().map(|(name, _)| software(name)).collect(),
        tags: vec![tag.clone()],
        deployments: deployments.collect(),
        ..Library::default()
    }
}

pub(crate) async fn save(hub: &Hub, library: &Library) -> Result<()> {
    let rows = rows(&Library::default(), library);
    let base = hub.store.last_revision().await?;
    let (author, note, now_us) = ("somebody", "", hub.clock.now_us());
    hub.store
        .save_definitions(DefinitionChange { base, rows: &rows, author, note, now_us })
        .await?;
    Ok(())
}

/// A target of each type, about things of which the estate has some, and some not.
async fn targets(hub: &Hub, ground: &Ground) -> Result<(Vec<(&'static str, Target)>, Tag)> {
    let tenant = ground.tenant;
    let group: Vec<Group> = hub.all().await?;
    let group = group.iter().find(|group| group.directory_id == ground.group.to_string());
    let products: Vec<Product> = hub.all().await?;
    let product = products.iter().find(|product| product.key == ground.item.to_string());
    let tag = Tag {
        id: TagId::of_text("kiosk", 0),
        name: "Kiosk".to_owned(),
        computers: Vec::new(),
        tenants: vec![tenant],
        persons: Vec::new(),
    };
    let automate_group = Target::ConnectionGroup {
        connection: "cw-automate".to_owned(),
        kind: ConnectionGroupKind::Group,
        key: ground.automate_group.to_string(),
    };
    let property = Target::CustomProperty {
        connection: "cw-control".to_owned(),
        name: "CustomProperty1".to_owned(),
        value: ground.property.clone(),
    };
    let agreement = Target::AgreementType {
        connection: Some("halopsa".to_owned()),
        name: ground.agreement_type.clone(),
        children: false,
    };
    let targets = vec![
        ("tenant", Target::tenant(tenant)),
        ("group", Target::Group(group.context("the group was not read")?.id)),
        ("product", Target::product(product.context("the item was not read")?.id)),
        ("agreement type", agreement),
        ("automate group", automate_group),
        ("property", property),
        ("filter", Target::Filter("computer.os.contains(\"Server\")".to_owned())),
        ("tag", Target::Tag(tag.id)),
        ("not the tag", Target::All.except(Target::Tag(tag.id))),
    ];
    Ok((targets, tag))
}

/// Every deployment must contain whom it contains in truth, of the computers that can be judged.
fn ensure_true(resolver: &Resolver, ground: &Ground, at: DateTime<Utc>) -> Result<()> {
    let snapshot = resolver.snapshot();
    let ids = |set: &core_resolve::Set| -> BTreeSet<ComputerId> {
        let subjects =
            set.iter().filter_map(|number| snapshot.subject(SubjectKind::Computer, number));
        let ids = subjects.filter_map(|subject| match subject {
            core_model::library::SubjectId::Computer(id) => Some(id),
            _ => None,
        });
        ids.collect()
    };
    for deployment in resolver.definitions().deployments() {
        let members = resolver.members_of(deployment.id);
        let (yes, unknown) = (ids(&members.yes), ids(&members.unknown));
        let truth = ground.members(&deployment.name, at)?;
        let wrong: Vec<String> = truth
            .iter()
            .filter(|(id, _)| !unknown.contains(*id))
            .filter(|(id, is_in)| yes.contains(*id) != **is_in)
            .map(|(id, is_in)| format!("{id} in truth {is_in}"))
            .collect();
        let known = truth.keys().filter(|id| !unknown.contains(*id)).count();
        let inside = truth.values().filter(|is_in| **is_in).count();
        println!("{} at {at}: {inside} in of {} judged", deployment.name, truth.len());
        ensure!(wrong.is_empty(), "{} at {at}: {wrong:#?}", deployment.name);
        ensure!(known * 10 >= truth.len() * 9, "{}: {known} known", deployment.name);
        ensure!(truth.len() > 60, "{}: only {} can be judged", deployment.name, truth.len());
    }
    Ok(())
}

/// A preview on another snapshot is the one on the same where only definitions differ, and tells
/// what a change of a tag does.
fn ensure_previews(loaded: &Loaded, resolved: &Resolver, other: TenantId) -> Result<()> {
    let mut library = Library::clone(&loaded.library);
    library.deployments.retain(|one| one.name != "by-tenant");
    let redefined = |library: &Library| {
        let snapshot = Arc::new(Snapshot::new(loaded.redefined(library)));
        let definitions = Arc::new(definitions(library));
        Resolver::new(snapshot, definitions, resolved.as_of(), RunKind::default())
    };
    let removed = resolved.preview(&definitions(&library), None);
    let difference = resolved.difference(&redefined(&library));
    ensure!(!removed.shifts.is_empty() && removed.shifts == difference.shifts, "{difference:#?}");

    let mut tagged = Library::clone(&loaded.library);
    tagged.tags[0].tenants.push(other);
    let difference = resolved.difference(&redefined(&tagged));
    let counts = difference.counts();
    let computers = resolved.snapshot().of_tenant(SubjectKind::Computer, other).len();
    ensure!(
        computers > 0 && (counts.newly_won, counts.lost) == (computers, computers),
        "{counts:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t15_membership_is_what_is_true_today_tomorrow_and_what_was_known_then() -> Result<()> {
    for seed in seeds([93]) {
        membership_is_true(seed).await?;
    }
    Ok(())
}

async fn membership_is_true(seed: u64) -> Result<()> {
    let estate = Estate::of(150, seed).await?;
    let today = Utc::now().date_naive();
    let ends = today + Days::new(40);
    let (ending, wrong) = with_world(&estate, ground::two_lines)?;
    change(&estate, &Change::EndLine { line: ending, on: Some(ends) })?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let ground = Ground::of(&estate, &hub, ending).await?;
    let (targets, tag) = targets(&hub, &ground).await?;
    save(&hub, &library(&targets, &tag)).await?;

    let first = Utc::now();
    let before = loaded(&hub, None).await?;
    let resolved = resolver(&before, first);
    ensure_true(&resolved, &ground, first)?;
    let digest = resolved.resolve_all().digest();
    let tenants: Vec<Tenant> = hub.all().await?;
    let other = tenants.iter().find(|one| one.id != ground.tenant && !one.suspended);
    ensure_previews(&before, &resolved, other.context("one tenant alone")?.id)?;

    // A line ends: who has the product leaves it on the next day, and the edge is foretold.
    let (last, after) = (ground.noon(ends)?, ground.noon(ends + Days::new(1))?);
    ensure_true(&resolver(&before, last), &ground, last)?;
    ensure_true(&resolver(&before, after), &ground, after)?;
    let left =
        ground.members(&named("product"), last)? != ground.members(&named("product"), after)?;
    ensure!(left, "nobody had the line's product by that line alone");
    let edges = resolved.edges(today, ends + Days::new(2));
    let edge = edges.iter().find(|edge| edge.day == ends + Days::new(1) && edge.computers > 0);
    ensure!(edge.is_some(), "{edges:#?}");

    // The source is corrected: a line had ended, and somebody had left the group.
    let earlier = today - Days::new(2);
    change(&estate, &Change::EndLine { line: wrong, on: Some(earlier) })?;
    change(
        &estate,
        &Change::RemoveMember {
            group: Pick::No(ground.group_no),
            person: Pick::No(ground.member_no),
        },
    )?;
    sync_whole(&hub).await?;
    ensure_verified(&hub).await?;
    let corrected = ground.asked_of(&estate);
    let after = loaded(&hub, None).await?;
    let resolved = resolver(&after, first);
    ensure_true(&resolved, &corrected, first)?;
    ensure!(resolved.resolve_all().digest() != digest, "the correction changed no winner");
    ensure!(after.event > before.event, "no event");

    let then = loaded(&hub, Some(first)).await?;
    ensure!((then.event, then.revision) == (before.event, before.revision), "another event");
    ensure!(resolver(&then, first).resolve_all().digest() == digest, "not what was known then");
    Ok(())
}
