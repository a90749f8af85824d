//! `linchpin explain`: every deployment of an item for one subject, in order, with what became of it.

use core_model::library::{SubjectId, SubjectKind};
use core_model::stop::Stop;
use core_resolve::{Candidate, ItemKey, Resolved, RunKind, Slot, Standing};
use serde_json::{Value, json};

use super::text;
use super::winners::slot_word;
use crate::cli::{ExplainArgs, Global};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::foreman::rings;
use crate::output;
use crate::world::World;

pub(crate) async fn run(global: &Global, args: &ExplainArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let (world, found) = explained(&context, args).await?;
    for (place, one) in found.iter().enumerate() {
        if global.json {
            output::json(&as_json(&world, one));
        } else {
            if place > 0 {
                output::line("");
            }
            print(&world, one);
        }
    }
    Ok(Exit::Ok)
}

/// The same for machines: one answer for each instance of the item.
pub(super) async fn answer(context: &Context, args: &ExplainArgs) -> Result<Value, Failure> {
    let (world, found) = explained(context, args).await?;
    let items = found.iter().map(|one| as_json(&world, one));
    Ok(json!({ "items": items.collect::<Vec<_>>() }))
}

/// Whom it is about, what holds, and why nothing is changed for its sake for now.
struct Explained {
    subject: SubjectId,
    number: u32,
    resolved: Resolved,
    waits: Option<String>,
}

async fn explained(
    context: &Context,
    args: &ExplainArgs,
) -> Result<(World, Vec<Explained>), Failure> {
    let run = if args.onboarding { RunKind::Onboarding } else { RunKind::Maintenance };
    let world = World::load(context, &args.when, run).await?;
    let item = world.item(&args.item)?;
    let expected = world.resolver.definitions().kind(item);
    let (kind, number) = world.parse_subject(&context.store, &args.subject, expected).await?;
    let title = world.resolver.definitions().title(item);
    if kind != expected {
        let (is, asked) = (text::word(&expected), text::word(&kind));
        return Err(Failure::usage(format!(
            "{title} is for a {is}, and {} is a {asked}",
            args.subject
        ))
        .with_remedy(format!("name a {is}: `linchpin explain {is}:NAME …`")));
    }
    let keys = world.keys(item, args.instance.as_deref());
    if let (true, Some(instance)) = (keys.is_empty(), &args.instance) {
        let instances = world.keys(item, None).into_iter().filter_map(|key| key.instance);
        let instances: Vec<String> = instances.collect();
        let remedy = match instances.is_empty() {
            true => "leave --instance out".to_owned(),
            false => format!("instances: {}", instances.join(", ")),
        };
        let what = format!("no deployment is of {title} ({instance})");
        return Err(Failure::usage(what).with_remedy(remedy));
    }
    let subject = world.resolver.snapshot().subject(kind, number);
    let Some(subject) = subject else { return Ok((world, Vec::new())) };
    // An item that nobody deploys has an answer too: nothing.
    let keys = if keys.is_empty() { vec![ItemKey { item, instance: None }] } else { keys };
    let mut found = Vec::new();
    for resolved in keys.iter().filter_map(|key| world.resolver.explain(subject, key)) {
        let waits = waits(context, &world, (kind, number), resolved.slot).await?;
        found.push(Explained { subject, number, resolved, waits });
    }
    Ok((world, found))
}

/// Why nothing is changed for the sake of what wins: a stop, or a ring that is not open.
async fn waits(
    context: &Context,
    world: &World,
    of: (SubjectKind, u32),
    slot: Slot,
) -> Result<Option<String>, Failure> {
    let Slot::Won(id) = slot else { return Ok(None) };
    let (store, now_us) = (&context.store, world.when.now.timestamp_micros());
    let stopped = store.stops().await?.iter().find(|stop| stop.is_of(id)).map(Stop::words);
    let standings = rings::standings(store, world, [id].into(), now_us).await?;
    let closed = world.resolver.definitions().deployment(id).zip(standings.get(&id));
    let closed = closed.and_then(|(one, standing)| standing.waits_for(world, one, of));
    Ok(stopped.or(closed))
}

fn as_json(world: &World, one: &Explained) -> Value {
    let Explained { subject, number, resolved, waits } = one;
    let (subject, number) = (*subject, *number);
    let mut value = world.head();
    value["subject"] = world.subject(subject.kind(), number);
    value["item"] = world.item_json(&resolved.key);
    value["slot"] = slot_word(resolved.slot).into();
    value["blocked"] = json!(resolved.blocked);
    value["held"] = json!(waits);
    value["ambiguous"] = resolved.ambiguous.into();
    value["candidates"] =
        resolved.candidates.iter().map(|one| candidate_json(world, one)).collect();
    value
}

fn candidate_json(world: &World, candidate: &Candidate) -> Value {
    let found = world.resolver.definitions().deployment(candidate.deployment);
    let mut value = json!({
        "deployment": { "id": candidate.deployment, "name": candidate.name },
        "state": found.map(|deployment| &deployment.state),
        "why": candidate.why,
        "change": candidate.change,
    });
    let named = |id| json!({ "id": id, "name": world.deployment_name(id) });
    value["standing"] = match &candidate.standing {
        Standing::Won => json!({ "is": "won" }),
        Standing::Blocks(reason) => json!({ "is": "blocks", "reason": reason }),
        Standing::Lost { to, on, words } => json!({
            "is": "lost",
            "to": named(*to),
            "on": format!("{on:?}").to_lowercase(),
            "reason": words,
        }),
        Standing::Waits(by) => json!({ "is": "waits", "for": named(*by) }),
        Standing::Removed(removal) => json!({ "is": "removed", "reason": removal.words() }),
    };
    value
}

fn print(world: &World, one: &Explained) {
    let Explained { subject, number, resolved, waits } = one;
    let name = world.resolver.snapshot().name(subject.kind(), *number);
    let holds = match resolved.slot {
        Slot::Won(id) => {
            format!("{}, by {}", world.state_words(id), world.deployment_name(id))
        }
        Slot::Blocked(_) => "blocked, nothing is done".to_owned(),
        Slot::Nobody => "no deployment wins".to_owned(),
    };
    let title = world.item_title(&resolved.key);
    text::wrapped("", 2, &format!("{title} for {name}{}: {holds}", world.when.words()));
    if let Some(reason) = &resolved.blocked {
        text::indented(2, &format!("because of {reason}"));
    }
    if let Some(waits) = waits {
        text::indented(2, &format!("held, nothing is changed: {waits}"));
    }
    if resolved.ambiguous {
        text::indented(2, "ambiguous: only desired state, order or age decided");
    }
    if resolved.candidates.is_empty() {
        text::indented(2, "nothing deploys it");
    }
    for (place, candidate) in resolved.candidates.iter().enumerate() {
        output::line("");
        print_candidate(world, place + 1, candidate);
    }
}

fn print_candidate(world: &World, place: usize, candidate: &Candidate) {
    let became = match &candidate.standing {
        Standing::Won => "wins".to_owned(),
        Standing::Blocks(_) => "blocks: it would win, and is not known to hold".to_owned(),
        Standing::Lost { to, words, .. } => {
            format!("loses to {} on {words}", world.deployment_name(*to))
        }
        Standing::Waits(by) => format!("waits for {}", world.deployment_name(*by)),
        Standing::Removed(removal) => format!("is out: {}", removal.words()),
    };
    let lead = format!("{place:>3}. ");
    text::wrapped(&lead, 5, &format!("{} {became}", candidate.name));
    if let Some(deployment) = world.resolver.definitions().deployment(candidate.deployment) {
        text::indented(5, &world.sentence(deployment));
    }
    let said = match &candidate.standing {
        Standing::Blocks(reason) => reason.ends_with(&candidate.why),
        Standing::Removed(removal) => removal.words().ends_with(&candidate.why),
        _ => false,
    };
    if !candidate.why.is_empty() && (!said || matches!(candidate.standing, Standing::Blocks(_))) {
        text::indented(5, &format!("why: {}", candidate.why));
    }
    if !candidate.change.is_empty() {
        text::indented(5, &format!("smallest change: {}", candidate.change.join(", then ")));
    }
}
