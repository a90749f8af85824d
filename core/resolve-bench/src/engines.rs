//! The same question, asked of two policy engines that people would reach for: which deployments
//! contain this computer, and which of each item has the greatest key.
//!
//! Neither knows unknown, dates, scopes or keys. They are given an estate in which everything is
//! known, on one day, with memberships that need a graph or a calendar (groups in groups, lines in
//! force) already resolved into the computer's attributes, and each deployment's key as a number
//! for the tenant. Both are let off easily, therefore; what they do is match and choose.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Instant;

use core_model::id::DeploymentId;
use core_model::library::{Deployment, SubjectKind, Target};
use core_resolve::{AsOf, Fact, ItemKey, Resolver, RunKind, Slot, Snapshot};
use serde_json::{Value, json};

use crate::estate;

/// What is asked: a computer as attributes, and who wins, by item.
struct Case {
    attributes: Value,
    winners: BTreeMap<usize, usize>,
    /// The deployments by their keys for this computer's tenant, the greatest first.
    order: Vec<usize>,
}

/// Asks about some computers of a small estate; says how long each engine takes for one.
#[must_use]
pub fn measure(computers: usize) -> Value {
    let asked = 200.min(computers);
    let mut input = estate::input(computers, true);
    input.tenants.iter_mut().for_each(|tenant| tenant.excluded_from_cross_tenant = false);
    input.computers.iter_mut().for_each(|computer| computer.excluded = false);
    let facts: BTreeMap<_, _> =
        input.computers.iter().map(|computer| (computer.id, computer.clone())).collect();
    let mut deployments = estate::deployments(computers);
    deployments.iter_mut().for_each(|deployment| {
        deployment.owner = None;
        deployment.classes.clear();
    });
    let snapshot = Arc::new(Snapshot::new(input));
    let definitions = Arc::new(estate::definitions(deployments.clone()));
    let as_of = AsOf::Instant(estate::now());
    let began = Instant::now();
    let resolver = Resolver::new(snapshot, definitions, as_of, RunKind::Maintenance);
    let winners = resolver.resolve_all();
    let own_us =
        began.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(computers).unwrap_or(1));
    let leaves = leaves(&deployments);
    let cases: Vec<Case> = (0..asked)
        .map(|n| {
            let id = estate::computer(n * computers / asked);
            let number = resolver.snapshot().number(id.into()).unwrap_or(0);
            let mut attributes = attributes(&resolver, &leaves, number);
            for (name, fact) in &facts[&id].facts {
                attributes[&**name] = match fact {
                    Fact::Int(value) => (*value).into(),
                    Fact::Text(text) => text.to_string().into(),
                    _ => Value::Null,
                };
            }
            let winners = (0..estate::ITEMS).filter_map(|item| {
                let key = ItemKey { item: estate::software(item).into(), instance: None };
                match winners.item(&key)?.slot(number) {
                    Slot::Won(id) => Some((item, index(&deployments, id))),
                    _ => None,
                }
            });
            let winners = winners.collect();
            Case { attributes, winners, order: order(&resolver, &deployments, id.into()) }
        })
        .collect();
    json!({
        "computers": computers, "asked": asked,
        "core_resolve_us_per_computer": own_us,
        "regorus": rego(&cases, &deployments, own_us),
        "cedar": cedar(&cases, &deployments, own_us),
    })
}

fn index(deployments: &[Deployment], id: DeploymentId) -> usize {
    deployments.iter().position(|deployment| deployment.id == id).unwrap_or(usize::MAX)
}

/// The deployments of each item in the order of their keys for a computer's tenant, whether they
/// hold or not.
fn order(
    resolver: &Resolver,
    deployments: &[Deployment],
    subject: core_model::library::SubjectId,
) -> Vec<usize> {
    let mut order = Vec::new();
    for resolved in resolver.resolve_subject(subject) {
        let mut ranked: Vec<_> = resolved
            .candidates
            .iter()
            .filter_map(|found| Some((found.rank.clone()?, found.deployment)))
            .collect();
        ranked.sort_by(|a, b| b.0.cmp(&a.0));
        order.extend(ranked.into_iter().map(|(_, id)| index(deployments, id)));
    }
    order
}

/// The leaves that are handed over as resolved: everything but filters.
fn leaves(deployments: &[Deployment]) -> Vec<Target> {
    fn collect(target: &Target, all: &mut Vec<Target>) {
        match target {
            Target::And(parts) | Target::Or(parts) => parts.iter().for_each(|p| collect(p, all)),
            Target::Not(part) => collect(part, all),
            Target::All | Target::Filter(_) => {}
            leaf => all.push(leaf.clone()),
        }
    }
    let mut all = Vec::new();
    deployments.iter().for_each(|deployment| collect(&deployment.target, &mut all));
    all.sort();
    all.dedup();
    all
}

fn leaf_name(leaf: &Target) -> String {
    serde_json::to_string(leaf).unwrap_or_default().replace(['"', '\\'], "'")
}

fn attributes(resolver: &Resolver, leaves: &[Target], number: u32) -> Value {
    let inside = leaves
        .iter()
        .filter(|leaf| resolver.members(SubjectKind::Computer, leaf).yes.contains(number));
    json!({ "in": inside.map(leaf_name).collect::<Vec<_>>() })
}

/// A target in the syntax of Rego (a boolean function body) or Cedar.
fn expression(target: &Target, leaf: &dyn Fn(&str) -> String, root: &str) -> Vec<String> {
    // Each entry is one alternative; its conditions are joined by the caller.
    match target {
        Target::All => vec!["true".to_owned()],
        Target::Or(parts) => parts.iter().flat_map(|p| expression(p, leaf, root)).collect(),
        Target::And(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .filter_map(|part| expression(part, leaf, root).into_iter().next())
                .collect();
            vec![parts.join("\u{1f}")]
        }
        Target::Not(part) => {
            let inner = expression(part, leaf, root).into_iter().next().unwrap_or_default();
            vec![format!("\u{1e}{inner}")]
        }
        Target::Filter(text) => vec![text.replace("computer.", root)],
        other => vec![leaf(&leaf_name(other))],
    }
}

fn rego_policy(deployments: &[Deployment]) -> String {
    let mut policy = "package r\nimport rego.v1\n".to_owned();
    let leaf = |name: &str| format!("\"{name}\" in input[\"in\"]");
    for (n, deployment) in deployments.iter().enumerate() {
        for alternative in expression(&deployment.target, &leaf, "input.") {
            let body = alternative.replace('\u{1f}', "\n").replace('\u{1e}', "not ");
            let body = body.replace(" && ", "\n");
            let body = body.replace("input.os.startsWith('11')", "startswith(input.os, \"11\")");
            // A failing write to a text does not happen.
            let _ignored = write!(policy, "holds contains {n} if {{\n{body}\n}}\n");
        }
    }
    policy
        + "winners[item] := best if {\n some item in data.items\n \
           places := [p | some p, d in input.order; data.item_of[d] == item; d in holds]\n \
           best := input.order[min(places)]\n}\n"
}

fn rego(cases: &[Case], deployments: &[Deployment], own_us: f64) -> Value {
    let mut engine = regorus::Engine::new();
    let item_of: Vec<usize> = (0..deployments.len()).map(|n| n / estate::PER_ITEM).collect();
    let data = json!({ "items": (0..estate::ITEMS).collect::<Vec<_>>(), "item_of": item_of });
    let loaded = engine
        .add_policy("r.rego".to_owned(), rego_policy(deployments))
        .and_then(|_| engine.add_data_json(&data.to_string()));
    if let Err(error) = loaded {
        return json!({ "error": error.to_string() });
    }
    let (mut equal, mut took) = (0, 0.0);
    for case in cases {
        let mut input = case.attributes.clone();
        input["order"] = json!(case.order);
        let began = Instant::now();
        let found = engine
            .set_input_json(&input.to_string())
            .and_then(|()| engine.eval_rule("data.r.winners".to_owned()));
        took += began.elapsed().as_secs_f64() * 1e6;
        let found = match found {
            Ok(found) => found.to_json_str().unwrap_or_default(),
            Err(error) => return json!({ "error": error.to_string() }),
        };
        let found: BTreeMap<String, usize> = serde_json::from_str(&found).unwrap_or_default();
        let wanted: BTreeMap<String, usize> =
            case.winners.iter().map(|(item, id)| (item.to_string(), *id)).collect();
        equal += usize::from(found == wanted);
    }
    report(took, cases.len(), equal, own_us)
}

fn report(took_us: f64, asked: usize, equal: usize, own_us: f64) -> Value {
    let each = took_us / f64::from(u32::try_from(asked).unwrap_or(1));
    json!({
        "us_per_computer": each, "times_slower": each / own_us,
        "equal_answers": equal, "asked": asked,
    })
}

fn cedar_policies(deployments: &[Deployment]) -> String {
    let mut policies = String::new();
    let leaf = |name: &str| format!("context.inside.contains(\"{name}\")");
    for (n, deployment) in deployments.iter().enumerate() {
        let alternatives = expression(&deployment.target, &leaf, "context.");
        let bodies = alternatives.into_iter().map(|alternative| {
            let parts = alternative.split('\u{1f}').map(|part| match part.strip_prefix('\u{1e}') {
                Some(part) => format!("!({part})"),
                None => format!("({part})"),
            });
            parts.collect::<Vec<_>>().join(" && ")
        });
        let body = bodies.collect::<Vec<_>>().join(" || ");
        let body = body.replace("context.os.startsWith('11')", "context.os like \"11*\"");
        let _ignored = writeln!(
            policies,
            "@id(\"{n}\")\npermit(principal, action, resource) when {{ {body} }};"
        );
    }
    policies
}

fn cedar(cases: &[Case], deployments: &[Deployment], own_us: f64) -> Value {
    use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicySet, Request};
    let set = match PolicySet::from_str(&cedar_policies(deployments)) {
        Ok(set) => set,
        Err(error) => return json!({ "error": error.to_string() }),
    };
    // Policies are numbered as they were written.
    let numbers: BTreeMap<String, usize> = set
        .policies()
        .filter_map(|policy| {
            Some((policy.id().to_string(), policy.annotation("id")?.parse().ok()?))
        })
        .collect();
    let authorizer = Authorizer::new();
    let uid = |text: &str| EntityUid::from_str(text);
    let (mut equal, mut took) = (0, 0.0);
    for case in cases {
        let mut attributes = case.attributes.clone();
        let inside = attributes.as_object_mut().and_then(|all| all.remove("in"));
        attributes["inside"] = inside.unwrap_or_default();
        let began = Instant::now();
        let (Ok(principal), Ok(action), Ok(resource), Ok(context)) = (
            uid("C::\"c\""),
            uid("Action::\"deploy\""),
            uid("I::\"i\""),
            Context::from_json_value(attributes, None),
        ) else {
            return json!({ "error": "the context was refused" });
        };
        let Ok(request) = Request::new(principal, action, resource, context, None) else {
            return json!({ "error": "the request was refused" });
        };
        let answer = authorizer.is_authorized(&request, &set, &Entities::empty());
        let holds: Vec<usize> = answer
            .diagnostics()
            .reason()
            .filter_map(|policy| numbers.get(&policy.to_string()).copied())
            .collect();
        let mut winners: BTreeMap<usize, usize> = BTreeMap::new();
        for deployment in case.order.iter().filter(|deployment| holds.contains(deployment)) {
            winners.entry(deployment / estate::PER_ITEM).or_insert(*deployment);
        }
        took += began.elapsed().as_secs_f64() * 1e6;
        equal += usize::from(winners == case.winners);
    }
    report(took, cases.len(), equal, own_us)
}
