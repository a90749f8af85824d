//! `linchpin preview`: the exact change of winners that a change of the definitions would make, before
//! anybody saves it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use core_library::{Change, Library};
use core_model::id::{ExpectationId, TenantId};
use core_model::library::{Budget, Deployment, SubjectKind};
use core_resolve::{
    Confirmation, Definitions, Preview, Resolver, RunKind, Shift, Slot, Snapshot, budget,
};

use serde_json::{Value, json};

use super::files::Files;
use crate::cli::{Global, PreviewArgs, WhenArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::world::World;

mod text;

pub(crate) use self::text::Sides;

/// What other definitions would change.
pub(crate) struct Effect<'a> {
    world: &'a World,
    after: Resolver,
    preview: Preview,
    confirmations: Vec<Confirmation>,
    broken: Vec<Broken>,
    tenants: Vec<TenantCount>,
}

/// A golden case that does not hold after the change.
struct Broken {
    id: ExpectationId,
    words: String,
    /// It did not hold before either.
    already: bool,
}

/// How much changes at a tenant.
struct TenantCount {
    tenant: TenantId,
    name: String,
    computers: u64,
    changed: u64,
    others: u64,
    uninstalls: u64,
    unknown: u64,
}

pub(crate) async fn run(global: &Global, args: &PreviewArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let when = WhenArgs { as_of: args.as_of.clone(), known_at: None };
    let world = World::load(&context, &when, RunKind::default()).await?;
    match (&args.file, &args.deployment) {
        (Some(path), _) => of_file(global, &world, path),
        (None, Some(name)) => of_deployment(global, &world, args, name),
        // The arguments are checked before anything runs.
        (None, None) => Err(Failure::usage("nothing was named")
            .with_remedy("name a FILE, or a --deployment with --remove, --disable or --enable")),
    }
}

/// What if this file were saved?
fn of_file(global: &Global, world: &World, path: &Path) -> Result<Exit, Failure> {
    let file = Files::one(path, world)?;
    let (changes, effect) = of_files(world, &file)?;
    if global.json {
        output::json(&with_changes(&changes, &effect));
    } else {
        super::plan::print(&changes);
        effect.print(&format!("saving {}", path.display()));
    }
    Ok(effect.exit())
}

/// What files would change that say only a part of what is defined.
pub(super) fn of_files<'a>(
    world: &'a World,
    files: &Files,
) -> Result<(Vec<Change>, Effect<'a>), Failure> {
    let after = files.library_over(world, world.when.now.timestamp_micros())?;
    Ok((files.changes(world, &after), effect(world, &after)))
}

/// Both, for machines.
pub(super) fn with_changes(changes: &[Change], effect: &Effect<'_>) -> Value {
    let mut value = effect.as_json();
    value["changes"] = json!(changes);
    value
}

/// What if this deployment were removed, switched off or on?
fn of_deployment(
    global: &Global,
    world: &World,
    args: &PreviewArgs,
    name: &str,
) -> Result<Exit, Failure> {
    let deployment = world.deployment(name)?;
    let (after, what) = changed(world, args, deployment);
    let effect = effect(world, &after);
    if global.json {
        output::json(&effect.as_json());
    } else {
        let title = world.resolver.definitions().title(deployment.item);
        effect.print(&format!("{what} {} ({title})", deployment.name));
    }
    Ok(effect.exit())
}

fn changed(world: &World, args: &PreviewArgs, one: &Deployment) -> (Library, &'static str) {
    without(world, one, args.remove, args.enable)
}

/// The definitions without a deployment, or with it switched on or off.
pub(super) fn without(
    world: &World,
    one: &Deployment,
    remove: bool,
    enable: bool,
) -> (Library, &'static str) {
    let mut after = Library::clone(&world.loaded.library);
    if remove {
        after.deployments.retain(|other| other.id != one.id);
        return (after, "removing");
    }
    for other in after.deployments.iter_mut().filter(|other| other.id == one.id) {
        other.enabled = enable;
    }
    (after, if enable { "enabling" } else { "disabling" })
}

/// The exact effect of these definitions in the place of those that were loaded.
pub(crate) fn effect<'a>(world: &'a World, library: &Library) -> Effect<'a> {
    let (loaded, before) = (&world.loaded, &world.resolver);
    let definitions = Arc::new(core_snapshot::definitions(library));
    // Tags and settings are part of the snapshot: where they differ there is another one.
    let same_snapshot = loaded.library.tags == library.tags
        && loaded.library.tenants == library.tenants
        && loaded.library.computers == library.computers;
    let snapshot = match same_snapshot {
        true => before.snapshot().clone(),
        false => Arc::new(Snapshot::new(loaded.redefined(library))),
    };
    let as_of = before.as_of();
    let after = Resolver::new(snapshot, definitions.clone(), as_of, RunKind::default());
    let preview = match same_snapshot {
        true => before.preview(&definitions, None),
        false => before.difference(&after),
    };
    // A budget that the same save raises does not count yet.
    let confirmations = budget(before.snapshot(), &preview.shifts, Budget::default());
    let broken = broken(before, &after);
    let tenants = by_tenant(before.snapshot(), &preview.shifts);
    Effect { world, after, preview, confirmations, broken, tenants }
}

fn broken(before: &Resolver, after: &Resolver) -> Vec<Broken> {
    let old = before.check_expectations();
    let old: BTreeSet<ExpectationId> =
        old.iter().filter(|case| !case.holds).map(|case| case.expectation).collect();
    let checked = after.check_expectations().into_iter().filter(|case| !case.holds);
    let broken = checked.map(|case| Broken {
        id: case.expectation,
        already: old.contains(&case.expectation),
        words: case.words,
    });
    broken.collect()
}

fn by_tenant(snapshot: &Snapshot, shifts: &[Shift]) -> Vec<TenantCount> {
    let mut changed: BTreeMap<TenantId, BTreeSet<(SubjectKind, u32)>> = BTreeMap::new();
    let mut counts: BTreeMap<TenantId, TenantCount> = BTreeMap::new();
    for shift in shifts {
        for number in shift.subjects.iter() {
            let Some(tenant) = snapshot.tenant_id(shift.kind, number) else { continue };
            changed.entry(tenant).or_default().insert((shift.kind, number));
            let count = counts.entry(tenant).or_insert_with(|| TenantCount {
                tenant,
                name: snapshot.tenant_name_of(shift.kind, number).to_string(),
                computers: snapshot.of_tenant(SubjectKind::Computer, tenant).len(),
                changed: 0,
                others: 0,
                uninstalls: 0,
                unknown: 0,
            });
            count.uninstalls += u64::from(shift.uninstalls());
            count.unknown += u64::from(matches!(shift.after, Slot::Blocked(_)));
        }
    }
    for (tenant, subjects) in changed {
        let Some(count) = counts.get_mut(&tenant) else { continue };
        let all = subjects.len() as u64;
        let computers = subjects.iter().filter(|(kind, _)| *kind == SubjectKind::Computer);
        count.changed = computers.count() as u64;
        count.others = all - count.changed;
    }
    let mut counts: Vec<TenantCount> = counts.into_values().collect();
    counts.sort_by(|a, b| (b.changed, &a.name).cmp(&(a.changed, &b.name)));
    counts
}

impl Effect<'_> {
    /// Every change of a winner.
    pub(crate) fn shifts(&self) -> &[Shift] {
        &self.preview.shifts
    }

    /// The number that somebody must name before it is saved; none where it is within the budget.
    pub(crate) fn to_confirm(&self) -> Option<u64> {
        let number = self.confirmations.iter().map(|one| one.number).sum();
        (!self.confirmations.is_empty()).then_some(number)
    }

    /// Whether a golden case would not hold.
    pub(crate) fn is_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Partly where saving needs a confirmation, or would break a golden case.
    pub(crate) fn exit(&self) -> Exit {
        let free = self.confirmations.is_empty() && self.broken.is_empty();
        if free { Exit::Ok } else { Exit::Partly }
    }

    /// For machines.
    pub(crate) fn as_json(&self) -> Value {
        let mut value = self.world.head();
        let counts = self.preview.counts();
        value["counts"] = json!({
            "newly_won": counts.newly_won,
            "taken_over": counts.taken_over,
            "restated": counts.restated,
            "lost": counts.lost,
            "unknown": counts.unknown,
            "uninstalls": counts.uninstalls,
        });
        let sides = self.sides();
        value["shifts"] = self.preview.shifts.iter().map(|shift| sides.as_json(shift)).collect();
        value["tenants"] = self.tenants.iter().map(TenantCount::as_json).collect();
        let confirm = |one: &Confirmation| json!({ "tenant": one.tenant, "number": one.number, "words": one.words });
        value["confirmations"] = self.confirmations.iter().map(confirm).collect();
        let broken = |one: &Broken| json!({ "id": one.id, "words": one.words, "broken_before": one.already });
        value["broken_expectations"] = self.broken.iter().map(broken).collect();
        let ambiguous = self.preview.ambiguous.iter().map(|(key, subjects)| {
            let kind = self.after.definitions().kind(key.item);
            let names = subjects.iter().map(|number| self.world.subject(kind, number));
            json!({ "item": self.world.item_json(key), "subjects": names.collect::<Vec<_>>() })
        });
        value["ambiguous"] = ambiguous.collect();
        value["left_out_tenants"] = json!(self.preview.left_out);
        value
    }

    fn sides(&self) -> Sides<'_> {
        let before: &Definitions = self.world.resolver.definitions();
        Sides { world: self.world, before, after: self.after.definitions() }
    }
}

impl TenantCount {
    fn as_json(&self) -> Value {
        json!({
            "id": self.tenant,
            "name": self.name,
            "computers": self.computers,
            "changed_computers": self.changed,
            "changed_others": self.others,
            "uninstalls": self.uninstalls,
            "unknown": self.unknown,
        })
    }
}
