//! `linchpin reconcile`: what was sold, beside what deployments resolve to.

use std::collections::{BTreeMap, HashMap};

use core_model::entity::{Agreement, AgreementLine};
use core_model::facts::Quantity;
use core_model::id::LineId;
use core_resolve::{Balance, Reconciled, RunKind};
use serde_json::{Value, json};

use super::find;
use super::text::{self, count};
use crate::cli::{Global, ReconcileArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, thousands};
use crate::world::World;

/// A line in force, with what it is on.
struct Row<'a> {
    found: Reconciled,
    agreement: Option<&'a Agreement>,
    tenant: String,
    product: String,
}

pub(crate) async fn run(global: &Global, args: &ReconcileArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let wanted = wanted(&context, args).await?;
    let world = World::load(&context, &args.when, RunKind::default()).await?;
    let rows = of(&world, wanted.as_ref());
    if global.json {
        rows.iter().for_each(|row| output::json(&row.as_json(&world)));
    } else if rows.is_empty() {
        let of = wanted.map(|one| format!(" of {}", one.name)).unwrap_or_default();
        let when = world.when.words();
        text::wrapped("", 2, &format!("no line of a product{of} is in force{when}"));
    } else {
        print(&world, &rows);
    }
    Ok(Exit::Ok)
}

/// The same for machines, of the tenants that are seen.
pub(super) async fn answer(
    context: &Context,
    args: &ReconcileArgs,
    sees: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Value, Failure> {
    let wanted = wanted(context, args).await?;
    let world = World::load(context, &args.when, RunKind::default()).await?;
    let rows = of(&world, wanted.as_ref());
    let seen = rows.iter().filter(|row| sees(&row.found.tenant.to_string()));
    let items: Vec<Value> = seen.map(|row| row.as_json(&world)).collect();
    Ok(json!({ "items": items }))
}

async fn wanted(context: &Context, args: &ReconcileArgs) -> Result<Option<Agreement>, Failure> {
    match &args.agreement {
        Some(text) => Ok(Some(find::one(&context.store, "agreement", text).await?)),
        None => Ok(None),
    }
}

fn of<'a>(world: &'a World, wanted: Option<&Agreement>) -> Vec<Row<'a>> {
    let mut rows = rows(world);
    if let Some(wanted) = wanted {
        rows.retain(|row| row.agreement.is_some_and(|agreement| agreement.id == wanted.id));
    }
    rows
}

fn rows(world: &World) -> Vec<Row<'_>> {
    let input = &world.loaded.input;
    let lines: HashMap<LineId, &AgreementLine> =
        input.lines.iter().map(|line| (line.id, line)).collect();
    let agreements: HashMap<(&str, &str), &Agreement> = input
        .agreements
        .iter()
        .map(|one| ((one.connection.as_str(), one.key.as_str()), one))
        .collect();
    let rows = world.resolver.reconcile().into_iter().map(|found| {
        let line = lines.get(&found.line);
        let agreement = line.and_then(|line| {
            agreements.get(&(line.connection.as_str(), line.agreement.as_deref()?)).copied()
        });
        let product = input.products.iter().find(|product| product.id == found.product);
        Row {
            agreement,
            tenant: world.subject_name(found.tenant.into()),
            product: product.map(|product| product.name.clone()).unwrap_or_default(),
            found,
        }
    });
    let mut rows: Vec<Row<'_>> = rows.collect();
    let name = |row: &Row<'_>| row.agreement.map(|one| one.name.clone());
    rows.sort_by_cached_key(|row| (row.tenant.clone(), row.product.clone(), name(row)));
    rows
}

impl Row<'_> {
    /// Of what is there, less what was sold of the product at the tenant.
    fn excess(&self) -> Quantity {
        let used = self.found.computers.max(self.found.persons);
        let used = i64::try_from(used).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
        Quantity { thousandths: used - self.found.sold_in_all.thousandths }
    }

    fn balance(&self) -> String {
        let excess = self.excess();
        match self.found.balance {
            Balance::Over => format!("over by {excess}"),
            Balance::Under => format!("under by {}", Quantity { thousandths: -excess.thousandths }),
            Balance::Equal => "equal".to_owned(),
            Balance::NotDeployed => "not deployed".to_owned(),
        }
    }

    fn as_json(&self, world: &World) -> Value {
        let mut value = world.head();
        let found = &self.found;
        value["tenant"] = json!(found.tenant);
        value["tenant_name"] = self.tenant.as_str().into();
        value["agreement"] =
            json!(self.agreement.map(|one| json!({ "id": one.id, "name": one.name })));
        value["line"] = json!({ "id": found.line, "name": found.name });
        value["product"] = json!({ "id": found.product, "name": self.product });
        value["sold"] = json!(found.sold);
        value["sold_in_all"] = json!(found.sold_in_all);
        value["computers"] = found.computers.into();
        value["persons"] = found.persons.into();
        value["unknown"] = found.unknown.into();
        value["balance"] = balance_word(found.balance).into();
        value["excess"] = match found.balance {
            Balance::NotDeployed => Value::Null,
            _ => json!(self.excess()),
        };
        value
    }
}

fn balance_word(balance: Balance) -> &'static str {
    match balance {
        Balance::Over => "over",
        Balance::Equal => "equal",
        Balance::Under => "under",
        Balance::NotDeployed => "not_deployed",
    }
}

fn print(world: &World, rows: &[Row<'_>]) {
    let when = world.when.words();
    if !when.is_empty() {
        text::wrapped("", 2, &format!("lines in force{when}"));
        output::line("");
    }
    let columns = [
        ("tenant", Align::Left),
        ("agreement", Align::Left),
        ("product", Align::Left),
        ("sold", Align::Right),
        ("computers", Align::Right),
        ("persons", Align::Right),
        ("unknown", Align::Right),
        ("balance", Align::Left),
    ];
    let mut table =
        TextTable::new(&columns).cutting(&[("agreement", 10), ("tenant", 12), ("product", 12)]);
    for row in rows {
        let agreement = row.agreement.map(|one| one.name.clone()).unwrap_or_default();
        table.row([
            row.tenant.clone(),
            agreement,
            row.product.clone(),
            row.found.sold.to_string(),
            thousands(row.found.computers),
            thousands(row.found.persons),
            thousands(row.found.unknown),
            row.balance(),
        ]);
    }
    table.print();
    output::line("");
    text::wrapped("", 2, &totals(rows));
}

/// Several lines of one product at one tenant are one thing that was sold.
fn totals(rows: &[Row<'_>]) -> String {
    let mut sold: BTreeMap<_, &Row<'_>> = BTreeMap::new();
    for row in rows {
        sold.entry((row.found.tenant, row.found.product)).or_insert(row);
    }
    let of = |balance| sold.values().filter(move |row| row.found.balance == balance);
    let number = |balance| thousands(of(balance).count() as u64);
    let by = |balance| match of(balance).map(|row| row.excess().thousandths.abs()).sum::<i64>() {
        0 => String::new(),
        thousandths => format!(" (by {} in all)", Quantity { thousandths }),
    };
    let lines = count(text::len(rows), "line", "lines");
    let products = count(sold.len() as u64, "product of a tenant", "products of tenants");
    format!(
        "{lines}, {products}: {} over{}, {} under{}, {} equal, {} not deployed",
        number(Balance::Over),
        by(Balance::Over),
        number(Balance::Under),
        by(Balance::Under),
        number(Balance::Equal),
        number(Balance::NotDeployed),
    )
}
