//! An exception for one computer: a deployment of its own, which ends by itself. It is saved as everything is
//! that is defined: with who and why, as a revision, within the budget.

use core_model::dates::DateRange;
use core_model::id::DeploymentId;
use core_model::library::{Deployment, Enforcement, Origin, SubjectId, Target, Visibility, handle};
use core_resolve::{ItemKey, RunKind, Slot};
use core_server::Exception;

use crate::cli::WhenArgs;
use crate::commands::apply::{Wish, apply};
use crate::commands::files::Files;
use crate::context::Context;
use crate::failure::Failure;
use crate::world::World;

/// Saves it, and says what became of it.
///
/// # Errors
/// Where it is not there any more, or a golden case speaks against it.
pub(super) async fn make(context: &Context, wanted: Exception<'_>) -> Result<String, Failure> {
    let world = World::load(context, &WhenArgs::default(), RunKind::default()).await?;
    let now_us = world.when.now.timestamp_micros();
    let mut after = core_library::Library::clone(&world.loaded.library);
    after.deployments.push(deployment(&world, wanted, now_us)?);
    let names = core_snapshot::names(&world.loaded.input);
    let files = Files::of_texts(core_library::export(&after, &names), &world);
    let note = format!("exception until {}, for {}", wanted.until, wanted.ticket);
    let wish = Wish { by: wanted.by, note: &note, confirm: None, propose: false };
    let applied = apply(context, (&world, &files, now_us), &wish, &|_, _| {}).await?;
    Ok(applied.in_short())
}

/// What holds for the computer alone.
fn deployment(world: &World, wanted: Exception<'_>, now_us: i64) -> Result<Deployment, Failure> {
    let gone = || Failure::usage("the deployment is not defined any more");
    let SubjectId::Computer(computer) = wanted.offer.subject else {
        return Err(Failure::usage("exceptions are made for computers"));
    };
    let resolver = &world.resolver;
    let of = resolver.definitions().deployment(wanted.offer.deployment).ok_or_else(gone)?;
    // It stands above whatever wins now, also where that is for the same computer.
    let key = ItemKey { item: of.item, instance: of.instance.clone() };
    let winner = resolver.explain(computer.into(), &key).and_then(|found| match found.slot {
        Slot::Won(id) | Slot::Blocked(id) => resolver.definitions().deployment(id),
        Slot::Nobody => None,
    });
    let order = winner.map_or(0, |winner| winner.order.saturating_add(1)).max(of.order);
    let subject = world.subject_name(computer.into());
    let name = handle(&format!("{}-on-{subject}-until-{}", of.name, wanted.until));
    Ok(Deployment {
        id: DeploymentId::of_text(&name, now_us),
        name,
        target: Target::Computer(computer),
        classes: Default::default(),
        owner: None,
        origin: Origin::Own,
        recommended: Default::default(),
        enforcement: Enforcement::Required,
        onboarding_only: false,
        order,
        connection: None,
        dates: DateRange { start: None, end: Some(wanted.until) },
        visibility: Visibility::default(),
        // Somebody asked for it at this computer: it waits for nobody else.
        rings: Vec::new(),
        note: format!("asked for by {} in {}", wanted.by, wanted.ticket),
        created_us: now_us,
        ..of.as_ref().clone()
    })
}
