//! `linchpin winners`: which deployment wins each item, of one subject or of everybody at a tenant.

use std::collections::{BTreeMap, BTreeSet};

use core_model::entity::Tenant;
use core_model::id::DeploymentId;
use core_model::library::SubjectKind;
use core_model::stop::Stop;
use core_resolve::{ItemKey, Resolved, RunKind, Slot};
use core_store::Store;
use serde_json::{Value, json};

use super::resolve::{named, print_by_reason, subjects};
use super::text;
use super::{find, text::count};
use crate::cli::{Global, WinnersArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::foreman::rings;
use crate::output::{self, Align, TextTable, thousands};
use crate::world::World;

/// Computers that are listed of an item.
const LISTED: usize = 200;
/// Reasons that are printed of what is blocked.
const REASONS: usize = 12;

/// What holds for one subject and item.
struct Held {
    kind: SubjectKind,
    number: u32,
    resolved: Resolved,
    why: String,
    /// Why nothing is changed for its sake for now: a stop, or a ring that is not open.
    waits: Option<String>,
}

/// Whom it was asked about, and what holds there.
struct Found {
    world: World,
    of: Of,
    held: Vec<Held>,
}

enum Of {
    One(SubjectKind, u32),
    All(Box<Tenant>),
}

pub(crate) async fn run(global: &Global, args: &WinnersArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let Found { world, of, held } = found(&context, args).await?;
    match &of {
        _ if global.json => held.iter().for_each(|one| output::json(&one.as_json(&world))),
        Of::One(kind, number) => print_one(&world, *kind, *number, &held),
        Of::All(tenant) if args.item.is_some() => print_item(&world, tenant, &held),
        Of::All(tenant) => print_tenant(&world, tenant, &held),
    }
    Ok(Exit::Ok)
}

/// The same, for machines.
pub(super) async fn answer(context: &Context, args: &WinnersArgs) -> Result<Value, Failure> {
    let Found { world, held, .. } = found(context, args).await?;
    Ok(json!({ "items": held.iter().map(|one| one.as_json(&world)).collect::<Vec<_>>() }))
}

async fn found(context: &Context, args: &WinnersArgs) -> Result<Found, Failure> {
    let run = if args.onboarding { RunKind::Onboarding } else { RunKind::Maintenance };
    let world = World::load(context, &args.when, run).await?;
    let item = args.item.as_deref().map(|item| world.item(item)).transpose()?;
    let wanted = |key: &ItemKey| item.is_none_or(|item| item == key.item);
    let store = &context.store;
    if let Some(text) = &args.subject {
        let expected =
            item.map_or(SubjectKind::Computer, |item| world.resolver.definitions().kind(item));
        let (kind, number) = world.parse_subject(store, text, expected).await?;
        let mut held = held(&world, kind, number, &wanted);
        note_waits(&world, store, &mut held).await?;
        return Ok(Found { world, of: Of::One(kind, number), held });
    }
    let name = args.tenant.as_deref().unwrap_or_default();
    let tenant: Tenant = find::one(store, "tenant", name).await?;
    world.number(tenant.id.into(), &tenant.name)?;
    let mut all = Vec::new();
    for kind in [SubjectKind::Computer, SubjectKind::Person, SubjectKind::Tenant] {
        for number in world.resolver.snapshot().of_tenant(kind, tenant.id).iter() {
            all.extend(held(&world, kind, number, &wanted));
        }
    }
    note_waits(&world, store, &mut all).await?;
    Ok(Found { world, of: Of::All(Box::new(tenant)), held: all })
}

/// What holds for a computer of this id, for machines.
pub(super) async fn of_computer(world: &World, store: &Store, id: &str) -> Result<Value, Failure> {
    let (kind, number) = world.parse_subject(store, id, SubjectKind::Computer).await?;
    let mut held = held(world, kind, number, &|_| true);
    note_waits(world, store, &mut held).await?;
    Ok(held.iter().map(|one| one.as_json(world)).collect())
}

/// What holds for a subject, of every item that is wanted.
fn held(
    world: &World,
    kind: SubjectKind,
    number: u32,
    wanted: &impl Fn(&ItemKey) -> bool,
) -> Vec<Held> {
    let resolver = &world.resolver;
    let Some(subject) = resolver.snapshot().subject(kind, number) else { return Vec::new() };
    let resolved = resolver.resolve_subject(subject).into_iter();
    let held = resolved.filter(|one| wanted(&one.key)).map(|resolved| {
        let winner = match resolved.slot {
            Slot::Won(id) => resolver.definitions().deployment(id),
            _ => None,
        };
        let why = winner.map(|winner| resolver.why_in(winner, number)).unwrap_or_default();
        Held { kind, number, resolved, why, waits: None }
    });
    let mut held: Vec<Held> = held.collect();
    held.sort_by_key(|one| world.item_title(&one.resolved.key).to_lowercase());
    held
}

/// Notes of what wins why nothing is changed for its sake for now. That changes no winner.
async fn note_waits(world: &World, store: &Store, held: &mut [Held]) -> Result<(), Failure> {
    let won = |one: &Held| match one.resolved.slot {
        Slot::Won(id) => Some(id),
        Slot::Nobody | Slot::Blocked(_) => None,
    };
    let (stops, now_us) = (store.stops().await?, world.when.now.timestamp_micros());
    let deployments = held.iter().filter_map(won).collect();
    let standings = rings::standings(store, world, deployments, now_us).await?;
    for one in held {
        let Some(id) = won(one) else { continue };
        let stopped = stops.iter().find(|stop| stop.is_of(id)).map(Stop::words);
        let deployment = world.resolver.definitions().deployment(id);
        let closed = deployment.zip(standings.get(&id)).and_then(|(deployment, standing)| {
            standing.waits_for(world, deployment, (one.kind, one.number))
        });
        one.waits = stopped.or(closed);
    }
    Ok(())
}

impl Held {
    fn as_json(&self, world: &World) -> Value {
        let mut value = world.head();
        value["subject"] = world.subject(self.kind, self.number);
        value["item"] = world.item_json(&self.resolved.key);
        value["slot"] = slot_word(self.resolved.slot).into();
        let deployment = self.deployment();
        value["deployment"] =
            json!(deployment.map(|id| json!({ "id": id, "name": world.deployment_name(id) })));
        let winner = deployment.filter(|_| matches!(self.resolved.slot, Slot::Won(_)));
        let winner = winner.and_then(|id| world.resolver.definitions().deployment(id));
        value["state"] = json!(winner.map(|winner| &winner.state));
        value["why"] = json!(winner.map(|_| &self.why));
        value["blocked"] = json!(self.resolved.blocked);
        value["held"] = json!(self.waits);
        value["ambiguous"] = self.resolved.ambiguous.into();
        value["left_alone"] = json!(self.left_alone(world));
        value
    }

    /// Why nothing is done whatever is deployed.
    fn left_alone(&self, world: &World) -> Option<String> {
        world.resolver.left_alone(self.kind, self.number).map(|removal| removal.words())
    }

    fn deployment(&self) -> Option<DeploymentId> {
        match self.resolved.slot {
            Slot::Won(id) | Slot::Blocked(id) => Some(id),
            Slot::Nobody => None,
        }
    }
}

/// The word for what holds, for machines.
pub(crate) fn slot_word(slot: Slot) -> &'static str {
    match slot {
        Slot::Won(_) => "won",
        Slot::Blocked(_) => "blocked",
        Slot::Nobody => "nobody",
    }
}

fn print_one(world: &World, kind: SubjectKind, number: u32, held: &[Held]) {
    let snapshot = world.resolver.snapshot();
    let mut head = snapshot.name(kind, number).to_string();
    if kind != SubjectKind::Tenant {
        head.push_str(&format!(" of {}", snapshot.tenant_name_of(kind, number)));
    }
    head.push_str(&world.when.words());
    text::wrapped("", 2, &head);
    if let Some(removal) = world.resolver.left_alone(kind, number) {
        output::line("");
        text::wrapped("", 2, &format!("nothing is done to it: {}", removal.words()));
        return;
    }
    let mut nobody = Vec::new();
    let mut some = false;
    for one in held {
        let title = world.item_title(&one.resolved.key);
        let Some(id) = one.deployment() else {
            nobody.push(title);
            continue;
        };
        some = true;
        let name = world.deployment_name(id);
        match &one.resolved.blocked {
            Some(reason) => {
                text::heading(&format!("{title}: blocked, nothing is done"));
                text::indented(4, &format!("by {reason}"));
            }
            None => {
                text::heading(&format!("{title}: {}", world.state_words(id)));
                text::indented(4, &format!("{name}: {}", one.why));
            }
        }
        if let Some(waits) = &one.waits {
            text::indented(4, &format!("held, nothing is changed: {waits}"));
        }
        if one.resolved.ambiguous {
            text::indented(4, "ambiguous: only desired state, order or age decided");
        }
    }
    if !nobody.is_empty() {
        let items = count(text::len(&nobody), "item", "items");
        text::heading(&format!("no deployment of {items}: {}", nobody.join(", ")));
    } else if !some {
        output::line("");
        output::line("nothing is deployed for it");
    }
}

/// Every subject of a tenant, for one item.
fn print_item(world: &World, tenant: &Tenant, all: &[Held]) {
    text::wrapped("", 2, &format!("{}{}", tenant.name, world.when.words()));
    let mut by_key: BTreeMap<&ItemKey, Vec<&Held>> = BTreeMap::new();
    for one in all {
        by_key.entry(&one.resolved.key).or_default().push(one);
    }
    if by_key.is_empty() {
        output::line("no deployment is for it");
    }
    let snapshot = world.resolver.snapshot();
    for (key, held) in by_key {
        text::heading(&world.item_title(key));
        let columns = ["name", "state", "deployment", "because"].map(|name| (name, Align::Left));
        let mut table = TextTable::new(&columns).cutting(&[("because", 48), ("deployment", 16)]);
        let some: Vec<&&Held> = held.iter().filter(|one| one.deployment().is_some()).collect();
        for one in some.iter().take(LISTED) {
            let Some(id) = one.deployment() else { continue };
            let (mut state, why) = match &one.resolved.blocked {
                Some(reason) => ("blocked".to_owned(), reason.as_str()),
                None => (world.state_words(id), one.why.as_str()),
            };
            if one.resolved.ambiguous {
                state.push_str(" (ambiguous)");
            }
            if one.waits.is_some() {
                state.push_str(" (held)");
            }
            let name = snapshot.name(one.kind, one.number).to_string();
            table.row([name, state, world.deployment_name(id), why.to_owned()]);
        }
        if !table.is_empty() {
            table.print_indented(2);
        }
        if some.len() > LISTED {
            output::line(&format!("  and {} more; --json lists all", some.len() - LISTED));
        }
        print_left_alone(world, 2, &held);
        let nobody = held.iter().filter(|one| one.deployment().is_none());
        let nobody = nobody.filter(|one| one.left_alone(world).is_none()).count() as u64;
        if let (Some(one), true) = (held.first(), nobody > 0) {
            output::line(&format!("  no deployment for {}", subjects(one.kind, nobody)));
        }
    }
}

/// Those to whom nothing is done, by the reason.
fn print_left_alone(world: &World, columns: usize, held: &[&Held]) {
    let mut by_reason: BTreeMap<(String, SubjectKind), BTreeSet<u32>> = BTreeMap::new();
    for one in held {
        if let Some(reason) = one.left_alone(world) {
            by_reason.entry((reason, one.kind)).or_default().insert(one.number);
        }
    }
    for ((reason, kind), numbers) in by_reason {
        let who = named(world, kind, numbers.len() as u64, numbers.into_iter());
        text::indented(columns, &format!("{reason}: {who}"));
    }
}

/// Every item of a tenant: how many subjects have which winner, and what is blocked by what.
fn print_tenant(world: &World, tenant: &Tenant, all: &[Held]) {
    text::wrapped("", 2, &format!("{}{}", tenant.name, world.when.words()));
    let mut rows: BTreeMap<(String, Slot), (u64, u64)> = BTreeMap::new();
    for one in all.iter().filter(|one| one.deployment().is_some()) {
        let key = (world.item_title(&one.resolved.key), one.resolved.slot);
        let (subjects, ambiguous) = rows.entry(key).or_default();
        *subjects += 1;
        *ambiguous += u64::from(one.resolved.ambiguous);
    }
    print_left_alone(world, 0, &all.iter().collect::<Vec<_>>());
    if rows.is_empty() {
        output::line("nothing is deployed for anybody there");
        return;
    }
    output::line("");
    let columns = [
        ("item", Align::Left),
        ("state", Align::Left),
        ("deployment", Align::Left),
        ("for", Align::Right),
        ("ambiguous", Align::Right),
    ];
    let mut table = TextTable::new(&columns).cutting(&[("deployment", 16), ("item", 16)]);
    for ((title, slot), (subjects, ambiguous)) in &rows {
        let (Slot::Won(id) | Slot::Blocked(id)) = slot else { continue };
        let state = match slot {
            Slot::Blocked(_) => "blocked".to_owned(),
            _ => world.state_words(*id),
        };
        let some = |number: u64| if number == 0 { String::new() } else { thousands(number) };
        let name = world.deployment_name(*id);
        table.row([title.clone(), state, name, thousands(*subjects), some(*ambiguous)]);
    }
    table.print();
    for kind in [SubjectKind::Computer, SubjectKind::Person, SubjectKind::Tenant] {
        let blocked = all.iter().filter(|one| one.kind == kind).filter_map(|one| {
            let reason = one.resolved.blocked.as_ref()?;
            Some((format!("{}: {reason}", world.item_title(&one.resolved.key)), one.number))
        });
        let blocked: Vec<(String, u32)> = blocked.collect();
        if !blocked.is_empty() {
            text::heading("Blocked: nothing is done");
            print_by_reason(world, kind, blocked.into_iter(), REASONS);
        }
    }
}
