//! `linchpin resolve`: who is in a target, who is not, and of whom it is not known and why.

use std::collections::BTreeMap;

use core_model::id::SoftwareId;
use core_model::library::{Deployment, DesiredState, SubjectKind, Target};
use core_resolve::{RunKind, Set, ThreeSets};
use serde_json::{Value, json};

use super::text::{self, count};
use crate::cli::{Global, ResolveArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, thousands};
use crate::world::{World, plural};

/// Names that are printed behind a reason.
const NAMED: usize = 12;

/// Who is in, and what it was asked of.
struct Answer<'a> {
    world: &'a World,
    kind: SubjectKind,
    words: String,
    asked: Asked,
    sets: ThreeSets,
}

/// A target of one kind of subjects, or a deployment with its owner and classes.
enum Asked {
    Target(Target),
    Deployment(Box<Deployment>),
}

pub(crate) async fn run(global: &Global, args: &ResolveArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let world = World::load(&context, &args.when, RunKind::default()).await?;
    let answer = found(&context, &world, args).await?;
    if global.json {
        output::json(&answer.as_json());
    } else {
        answer.print(args.limit);
    }
    Ok(Exit::Ok)
}

/// The same for machines.
pub(super) async fn answer(context: &Context, args: &ResolveArgs) -> Result<Value, Failure> {
    let world = World::load(context, &args.when, RunKind::default()).await?;
    Ok(found(context, &world, args).await?.as_json())
}

async fn found<'a>(
    context: &Context,
    world: &'a World,
    args: &ResolveArgs,
) -> Result<Answer<'a>, Failure> {
    Ok(match &args.deployment {
        Some(name) => of_deployment(world, world.deployment(name)?.clone()),
        None => {
            let target = world.parse_target(&context.store, &args.target).await?;
            of_target(world, args, target)
        }
    })
}

fn of_deployment(world: &World, deployment: Deployment) -> Answer<'_> {
    Answer {
        world,
        kind: world.resolver.definitions().kind(deployment.item),
        words: world.whom(&deployment),
        sets: world.resolver.members_in(&deployment),
        asked: Asked::Deployment(Box::new(deployment)),
    }
}

fn of_target<'a>(world: &'a World, args: &ResolveArgs, target: Target) -> Answer<'a> {
    let kind = args.kind.into();
    if !args.class.is_empty() {
        // Classes narrow deployments; whatever software stands for computers.
        let software = SoftwareId::of_text("", 0);
        let mut deployment = Deployment::new("", software, DesiredState::Ignored, target, 0);
        deployment.classes = args.class.iter().map(|class| (*class).into()).collect();
        return of_deployment(world, deployment);
    }
    let noun = plural(kind);
    let words = match &target {
        Target::All => format!("all {noun}"),
        target => format!("{noun} {}", world.target(target)),
    };
    let sets = world.resolver.members(kind, &target);
    Answer { world, kind, words, sets, asked: Asked::Target(target) }
}

impl Answer<'_> {
    fn why(&self, number: u32) -> String {
        match &self.asked {
            Asked::Target(target) => self.world.resolver.why(self.kind, number, target),
            Asked::Deployment(deployment) => self.world.resolver.why_in(deployment, number),
        }
    }

    fn as_json(&self) -> Value {
        let list = |set: &Set| -> Vec<Value> {
            let with_reason = set.iter().map(|number| {
                let mut subject = self.world.subject(self.kind, number);
                subject["why"] = self.why(number).into();
                subject
            });
            with_reason.collect()
        };
        let mut value = self.world.head();
        match &self.asked {
            Asked::Target(target) => value["target"] = json!(target),
            Asked::Deployment(deployment) => {
                value["target"] = json!(deployment.target);
                value["classes"] = json!(deployment.classes);
                if !deployment.name.is_empty() {
                    value["deployment"] = json!({ "id": deployment.id, "name": deployment.name });
                }
            }
        }
        value["kind"] = json!(self.kind);
        value["words"] = self.words.as_str().into();
        value["counts"] = json!({
            "in": self.sets.yes.len(),
            "unknown": self.sets.unknown.len(),
            "out": self.sets.no.len(),
        });
        value["in"] = list(&self.sets.yes).into();
        value["unknown"] = list(&self.sets.unknown).into();
        value
    }

    fn print(&self, limit: usize) {
        let ThreeSets { yes, unknown, no } = &self.sets;
        let head = format!(
            "{}{}: {} in, {} unknown, {} out",
            self.words,
            self.world.when.words(),
            thousands(yes.len()),
            thousands(unknown.len()),
            thousands(no.len())
        );
        text::wrapped("", 2, &head);
        self.print_members(limit);
        if !unknown.is_empty() {
            text::heading(&format!("Unknown ({})", thousands(unknown.len())));
            let reasons = unknown.iter().map(|number| (self.why(number), number));
            print_by_reason(self.world, self.kind, reasons, limit);
        }
    }

    fn print_members(&self, limit: usize) {
        let yes = &self.sets.yes;
        if yes.is_empty() {
            return;
        }
        text::heading(&format!("In ({})", thousands(yes.len())));
        let snapshot = self.world.resolver.snapshot();
        let columns = [("name", Align::Left), ("tenant", Align::Left), ("because", Align::Left)];
        let mut table = TextTable::new(&columns).cutting(&[("because", 48), ("tenant", 12)]);
        for number in yes.iter().take(limit) {
            let tenant = match self.kind {
                SubjectKind::Tenant => String::new(),
                kind => snapshot.tenant_name_of(kind, number).to_string(),
            };
            table.row([snapshot.name(self.kind, number).to_string(), tenant, self.why(number)]);
        }
        table.print_indented(2);
        more(yes.len(), limit);
    }
}

/// Prints subjects by the reason that they share, the most frequent one first.
pub(crate) fn print_by_reason(
    world: &World,
    kind: SubjectKind,
    reasons: impl Iterator<Item = (String, u32)>,
    limit: usize,
) {
    let mut by_reason: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (reason, number) in reasons {
        by_reason.entry(reason).or_default().push(number);
    }
    let mut by_reason: Vec<(String, Vec<u32>)> = by_reason.into_iter().collect();
    by_reason.sort_by_key(|(_, numbers)| std::cmp::Reverse(numbers.len()));
    let all = text::len(&by_reason);
    for (reason, numbers) in by_reason.into_iter().take(limit) {
        text::indented(2, &reason);
        text::indented(4, &named(world, kind, text::len(&numbers), numbers.into_iter()));
    }
    more(all, limit);
}

/// `2 computers: PC-041, PC-042`; of many the first ones.
pub(crate) fn named(
    world: &World,
    kind: SubjectKind,
    all: u64,
    numbers: impl Iterator<Item = u32>,
) -> String {
    let snapshot = world.resolver.snapshot();
    let mut names: Vec<String> =
        numbers.take(NAMED).map(|number| snapshot.name(kind, number).to_string()).collect();
    if all > text::len(&names) {
        names.push("…".to_owned());
    }
    format!("{}: {}", subjects(kind, all), names.join(", "))
}

/// `1 computer`, `2 persons`.
pub(crate) fn subjects(kind: SubjectKind, number: u64) -> String {
    count(number, &text::word(&kind), plural(kind))
}

fn more(all: u64, limit: usize) {
    let left = all.saturating_sub(limit as u64);
    if left > 0 {
        output::line(&format!("  and {} more; --json lists all", thousands(left)));
    }
}
