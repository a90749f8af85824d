//! The lists of what people defined: software, tasks, tags, deployments, golden cases.

use std::cell::RefCell;

use core_model::entity::Tenant;
use core_model::id::TenantId;
use core_model::library::{
    Deployment, Detection, Enforcement, Expectation, Expected, ItemId, Script, ScriptPurpose,
    Software, SubjectId, Target, handle,
};
use core_resolve::{ItemKey, RunKind};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::{Global, ListArgs, ListKind, WhenArgs};
use crate::commands::find;
use crate::commands::text::word;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, thousands};
use crate::world::World;

const LEFT: Align = Align::Left;
const RIGHT: Align = Align::Right;

/// Whether a kind is one of definitions.
pub(super) fn is_one(kind: ListKind) -> bool {
    matches!(
        kind,
        ListKind::Software
            | ListKind::Tasks
            | ListKind::Tags
            | ListKind::Deployments
            | ListKind::Expectations
    )
}

pub(super) async fn run(
    global: &Global,
    context: &Context,
    args: &ListArgs,
) -> Result<Exit, Failure> {
    if args.tenant.is_some() && matches!(args.kind, ListKind::Software | ListKind::Tasks) {
        return Err(Failure::usage("software and tasks are of no tenant")
            .with_remedy("leave --tenant out; `linchpin list deployments --tenant NAME` has one"));
    }
    let tenant = match &args.tenant {
        Some(text) => Some(find::one::<Tenant>(&context.store, "tenant", text).await?.id),
        None => None,
    };
    let world = World::load(context, &WhenArgs::default(), RunKind::default()).await?;
    let list = List { world: &world, args, json: global.json, tenant, kept: None };
    if list.all() {
        let limit = args.limit;
        output::error_line(&format!("only the first {limit} are listed; --limit N lists more"));
    }
    Ok(Exit::Ok)
}

/// The same, for machines.
pub(super) async fn answer(context: &Context, args: &ListArgs) -> Result<Value, Failure> {
    let tenant = match &args.tenant {
        Some(text) => Some(find::one::<Tenant>(&context.store, "tenant", text).await?.id),
        None => None,
    };
    let world = World::load(context, &WhenArgs::default(), RunKind::default()).await?;
    let kept = RefCell::new(Vec::new());
    let list = List { world: &world, args, json: true, tenant, kept: Some(&kept) };
    list.all();
    Ok(json!({ "revision": world.loaded.revision, "items": kept.take() }))
}

struct List<'a> {
    world: &'a World,
    args: &'a ListArgs,
    json: bool,
    tenant: Option<TenantId>,
    /// Takes what is found, instead of standard output.
    kept: Option<&'a RefCell<Vec<Value>>>,
}

impl List<'_> {
    /// Lists what was asked for; whether there is more.
    fn all(&self) -> bool {
        match self.args.kind {
            ListKind::Software => self.software(),
            ListKind::Tasks => self.tasks(),
            ListKind::Tags => self.tags(),
            ListKind::Deployments => self.deployments(),
            _ => self.expectations(),
        }
    }

    /// Prints those whose name fits, in the order of their names; whether there are more.
    fn print<T: Serialize>(
        &self,
        all: &[T],
        name: impl Fn(&T) -> &str,
        mut table: TextTable,
        row: impl Fn(&T) -> Vec<String>,
    ) -> bool {
        let part = handle(self.args.name.as_deref().unwrap_or_default());
        let mut found: Vec<&T> =
            all.iter().filter(|one| handle(name(one)).contains(&part)).collect();
        found.sort_by_key(|one| handle(name(one)));
        let more = found.len() > self.args.limit;
        found.truncate(self.args.limit);
        if let Some(kept) = self.kept {
            kept.borrow_mut().extend(found.iter().map(|one| json!(one)));
            return more;
        }
        if self.json {
            found.iter().for_each(output::json);
            return more;
        }
        found.iter().for_each(|one| table.row(row(one)));
        if table.is_empty() {
            output::line("nothing to list");
        } else {
            table.print();
        }
        more
    }

    fn deployed(&self, item: ItemId) -> String {
        let keys = self.world.keys(item, None);
        let definitions = self.world.resolver.definitions();
        let all: usize = keys.iter().map(|key| definitions.of_item(key).len()).sum();
        thousands(all as u64)
    }

    fn software(&self) -> bool {
        let columns = [
            ("name", LEFT),
            ("title", LEFT),
            ("publisher", LEFT),
            ("found by", LEFT),
            ("scripts", LEFT),
            ("versions", RIGHT),
            ("deployments", RIGHT),
        ];
        let table =
            TextTable::new(&columns).cutting(&[("scripts", 10), ("publisher", 10), ("title", 16)]);
        let all = &self.world.loaded.library.software;
        self.print(
            all,
            |one| &one.name,
            table,
            |one| {
                vec![
                    one.name.clone(),
                    one.title.clone(),
                    one.publisher.clone().unwrap_or_default(),
                    found_by(one).to_owned(),
                    scripts(one.scripts.iter()),
                    thousands(one.versions.len() as u64),
                    self.deployed(one.id.into()),
                ]
            },
        )
    }

    fn tasks(&self) -> bool {
        let columns = [
            ("name", LEFT),
            ("title", LEFT),
            ("for", LEFT),
            ("instances", LEFT),
            ("scripts", LEFT),
            ("deployments", RIGHT),
        ];
        let table = TextTable::new(&columns).cutting(&[("scripts", 10), ("title", 16)]);
        self.print(
            &self.world.loaded.library.tasks,
            |one| &one.name,
            table,
            |one| {
                vec![
                    one.name.clone(),
                    one.title.clone(),
                    word(&one.category),
                    if one.instances { "several" } else { "one" }.to_owned(),
                    scripts(one.scripts.iter()),
                    self.deployed(one.id.into()),
                ]
            },
        )
    }

    fn tags(&self) -> bool {
        let columns =
            [("name", LEFT), ("computers", RIGHT), ("persons", RIGHT), ("tenants", RIGHT)];
        let all = self.world.loaded.library.tags.iter();
        let snapshot = self.world.resolver.snapshot();
        let of = |subject: SubjectId| {
            let number = snapshot.number(subject)?;
            snapshot.tenant_id(subject.kind(), number)
        };
        let all = all.filter(|tag| {
            let Some(tenant) = self.tenant else { return true };
            let computers = tag.computers.iter().map(|id| SubjectId::from(*id));
            let persons = tag.persons.iter().map(|id| SubjectId::from(*id));
            let mut others = computers.chain(persons);
            tag.tenants.contains(&tenant) || others.any(|one| of(one) == Some(tenant))
        });
        let all: Vec<_> = all.cloned().collect();
        self.print(
            &all,
            |one| &one.name,
            TextTable::new(&columns),
            |one| {
                let number = |many: usize| thousands(many as u64);
                let (computers, persons, tenants) =
                    (one.computers.len(), one.persons.len(), one.tenants.len());
                vec![one.name.clone(), number(computers), number(persons), number(tenants)]
            },
        )
    }

    fn deployments(&self) -> bool {
        let columns = [
            ("name", LEFT),
            ("item", LEFT),
            ("state", LEFT),
            ("for", LEFT),
            ("note", LEFT),
            ("in", RIGHT),
            ("unknown", RIGHT),
        ];
        let table = TextTable::new(&columns).cutting(&[("for", 24), ("item", 14), ("for", 12)]);
        let all = self.world.loaded.library.deployments.iter();
        let all = all.filter(|one| self.tenant.is_none_or(|tenant| names(one, tenant)));
        let all: Vec<Deployment> = all.cloned().collect();
        self.print(
            &all,
            |one| &one.name,
            table,
            |one| {
                let key = ItemKey { item: one.item, instance: one.instance.clone() };
                let members = self.world.resolver.members_of(one.id);
                vec![
                    one.name.clone(),
                    self.world.item_title(&key),
                    one.state.words(),
                    self.world.whom(one),
                    note(one),
                    thousands(members.yes.len()),
                    thousands(members.unknown.len()),
                ]
            },
        )
    }

    fn expectations(&self) -> bool {
        let columns = [("name", LEFT), ("for", LEFT), ("item", LEFT), ("expected", LEFT)];
        let table = TextTable::new(&columns).cutting(&[("item", 14), ("name", 20), ("for", 14)]);
        let snapshot = self.world.resolver.snapshot();
        let all = self.world.loaded.library.expectations.iter();
        let all = all.filter(|case| {
            let Some(tenant) = self.tenant else { return true };
            let number = snapshot.number(case.subject);
            let of = number.and_then(|number| snapshot.tenant_id(case.subject.kind(), number));
            of == Some(tenant)
        });
        let all: Vec<Expectation> = all.cloned().collect();
        self.print(
            &all,
            |one| &one.name,
            table,
            |one| {
                let key = ItemKey { item: one.item, instance: one.instance.clone() };
                let day = one.as_of.map(|day| format!(" on {day}")).unwrap_or_default();
                let expected = match &one.expected {
                    Expected::Deployment(id) => self.world.deployment_name(*id),
                    Expected::State(state) => state.words(),
                    Expected::Nobody => "no deployment".to_owned(),
                    Expected::Blocked => "blocked".to_owned(),
                };
                vec![
                    one.name.clone(),
                    self.world.subject_name(one.subject),
                    self.world.item_title(&key),
                    format!("{expected}{day}"),
                ]
            },
        )
    }
}

/// How software is found, in a word or two.
fn found_by(software: &Software) -> &'static str {
    match &software.detection {
        None => "",
        Some(Detection::SoftwareTable { .. }) => "name",
        Some(Detection::UpgradeCode(_)) => "upgrade code",
        Some(Detection::ProductCodes(_)) => "product code",
        Some(Detection::Script(_)) => "script",
    }
}

/// What there are scripts for.
fn scripts<'a>(all: impl Iterator<Item = (ScriptPurpose, &'a Script)>) -> String {
    let keys: Vec<String> = all.map(|(purpose, _)| purpose.key().replace('_', " ")).collect();
    keys.join(", ")
}

/// Whether a deployment is for a tenant alone, or names it in its target.
fn names(deployment: &Deployment, wanted: TenantId) -> bool {
    let mut open = vec![&deployment.target];
    let mut named = deployment.owner.is_some_and(|owner| owner.tenant == wanted);
    while let Some(target) = open.pop() {
        match target {
            Target::And(parts) | Target::Or(parts) => open.extend(parts),
            Target::Not(part) => open.push(part),
            Target::Tenant { tenant, .. } => named |= *tenant == wanted,
            _ => {}
        }
    }
    named
}

/// What is peculiar about a deployment.
fn note(deployment: &Deployment) -> String {
    let enforcement = match deployment.enforcement {
        Enforcement::Required => "",
        Enforcement::Onboarding => "onboarding",
        Enforcement::Optional { .. } => "optional",
        Enforcement::AdHoc => "ad-hoc",
    };
    let off = if deployment.enabled { "" } else { "disabled" };
    let parts: Vec<&str> = [off, enforcement].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}
