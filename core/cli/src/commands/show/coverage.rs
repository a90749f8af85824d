//! A tenant's agreements today: which lines are in force, and why the others are not.

use std::collections::HashMap;

use chrono::{NaiveDate, Utc};
use chrono_tz::Tz;
use core_derive::agreements::{local_date, not_in_force};
use core_model::dates::DateRange;
use core_model::entity::{Agreement, AgreementLine, Computer, Product, Tenant};
use core_model::facts::{AgreementState, Coverage, Quantity};
use core_store::Store;
use serde::Serialize;

use super::zone_name;
use crate::commands::find;
use crate::commands::text::{self, count, cut, dates, word};
use crate::failure::Failure;
use crate::output;

/// The agreements of a tenant on a day.
#[derive(Serialize)]
pub(super) struct Books {
    /// Today, in the tenant's zone.
    pub(super) day: NaiveDate,
    /// That zone.
    pub(super) time_zone: String,
    /// The agreements, those with lines in force first.
    pub(super) agreements: Vec<AgreementView>,
    /// Lines that hang on no agreement.
    lines_without_agreement: u64,
}

/// An agreement.
#[derive(Serialize)]
pub(super) struct AgreementView {
    id: String,
    connection: String,
    key: String,
    name: String,
    agreement_type: Option<String>,
    dates: DateRange,
    state: AgreementState,
    gone: bool,
    /// Whether it covers the computer that is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    covers: Option<bool>,
    /// What it covers, in words.
    why: String,
    lines: Vec<LineView>,
}

/// A line.
#[derive(Serialize)]
struct LineView {
    id: String,
    key: String,
    name: String,
    product: Option<String>,
    quantity: Quantity,
    dates: DateRange,
    in_force: bool,
    /// Why it is not in force.
    not_in_force: Option<String>,
}

/// The agreements of a tenant today; for one of its computers with what they mean for it.
pub(super) async fn books(
    store: &Store,
    tenant: &Tenant,
    computer: Option<&Computer>,
    zone: Tz,
) -> Result<Books, Failure> {
    let time_zone = zone_name(tenant, zone);
    let day = local_date(Utc::now(), &time_zone);
    let agreements: Vec<Agreement> = find::all(store, Some(tenant.id)).await?;
    let lines: Vec<AgreementLine> = find::all(store, Some(tenant.id)).await?;
    let products: Vec<Product> = find::all(store, None).await?;
    let products: HashMap<(&str, &str), &str> = products
        .iter()
        .map(|one| ((one.connection.as_str(), one.key.as_str()), one.name.as_str()))
        .collect();
    let loose = lines.iter().filter(|line| line.agreement.is_none() && !line.gone).count();
    let mut views = Vec::new();
    for agreement in &agreements {
        let ours = lines.iter().filter(|line| {
            line.connection == agreement.connection
                && line.agreement.as_ref() == Some(&agreement.key)
        });
        let mut lines: Vec<LineView> = ours
            .map(|line| {
                let product = line.product.as_deref();
                let product =
                    product.and_then(|key| products.get(&(line.connection.as_str(), key)));
                LineView::of(agreement, line, product.map(|name| (*name).to_owned()), day)
            })
            .collect();
        lines.sort_by_key(|line| (!line.in_force, line.name.clone(), line.key.clone()));
        views.push(AgreementView::of(agreement, lines, computer));
    }
    views.sort_by_key(|view| (view.covers == Some(false), !view.is_in_force(), view.name.clone()));
    let lines_without_agreement = loose as u64;
    Ok(Books { day, time_zone, agreements: views, lines_without_agreement })
}

impl Books {
    /// Prints the agreements with their lines.
    pub(super) fn print(&self) {
        let (day, zone) = (self.day, &self.time_zone);
        text::heading(&format!("Agreements on {day} ({zone})"));
        if self.agreements.is_empty() {
            output::line("  none");
        }
        let (other, shown): (Vec<_>, Vec<_>) =
            self.agreements.iter().partition(|one| one.covers == Some(false));
        shown.iter().for_each(|one| one.print());
        for agreement in &other {
            text::indented(2, &format!("{}: {}", agreement.title(), agreement.why));
        }
        if self.lines_without_agreement > 0 {
            let lines = count(self.lines_without_agreement, "line hangs", "lines hang");
            text::indented(2, &format!("{lines} on no agreement"));
        }
    }

    /// How many lines are in force.
    pub(super) fn in_force(&self) -> usize {
        self.agreements.iter().flat_map(|one| &one.lines).filter(|line| line.in_force).count()
    }
}

impl AgreementView {
    fn of(agreement: &Agreement, lines: Vec<LineView>, computer: Option<&Computer>) -> Self {
        let named = |computer: &Computer, keys: &[String]| {
            let ours = computer.assets.iter().find(|(connection, key)| {
                *connection == agreement.connection && keys.contains(key)
            });
            ours.map(|(_, key)| key.clone())
        };
        let (covers, why) = match (&agreement.coverage, computer) {
            (Coverage::All, None) => (None, "covers all computers".to_owned()),
            (Coverage::All, Some(_)) => (Some(true), "covers all computers".to_owned()),
            (Coverage::Assets(keys), None) => {
                (None, format!("covers {}", count(text::len(keys), "named asset", "named assets")))
            }
            (Coverage::Assets(keys), Some(computer)) => match named(computer, keys) {
                Some(key) => (Some(true), format!("names this computer's asset {key}")),
                None => {
                    let others = count(text::len(keys), "other asset", "other assets");
                    (Some(false), format!("does not cover it: it names {others}"))
                }
            },
        };
        Self {
            id: agreement.id.to_string(),
            connection: agreement.connection.clone(),
            key: agreement.key.clone(),
            name: agreement.name.clone(),
            agreement_type: agreement.agreement_type.clone(),
            dates: agreement.dates,
            state: agreement.state,
            gone: agreement.gone,
            covers,
            why,
            lines,
        }
    }

    fn is_in_force(&self) -> bool {
        self.lines.iter().any(|line| line.in_force)
    }

    fn title(&self) -> String {
        let kind = self.agreement_type.as_ref().map(|kind| format!(", {kind}"));
        let kind = kind.unwrap_or_default();
        format!("{} ({} {}{kind})", self.name, self.connection, self.key)
    }

    fn print(&self) {
        let state = if self.gone { "gone".to_owned() } else { word(&self.state) };
        let (title, dates, why) = (self.title(), dates(self.dates), &self.why);
        text::indented(2, &format!("{title}: {state}, {dates}; {why}"));
        if self.lines.is_empty() {
            output::line("    no lines");
        }
        for line in &self.lines {
            line.print();
        }
    }
}

impl LineView {
    fn of(
        agreement: &Agreement,
        line: &AgreementLine,
        product: Option<String>,
        day: NaiveDate,
    ) -> Self {
        let not_in_force = not_in_force(agreement, line, day);
        Self {
            id: line.id.to_string(),
            key: line.key.clone(),
            name: line.name.clone(),
            product,
            quantity: line.quantity,
            dates: line.dates,
            in_force: not_in_force.is_none(),
            not_in_force,
        }
    }

    fn print(&self) {
        let name = match (&self.product, self.name.as_str()) {
            (Some(product), "") => product.clone(),
            (Some(product), name) if product != name => format!("{name} ({product})"),
            (_, name) => name.to_owned(),
        };
        let state = if self.in_force { "in force    " } else { "not in force" };
        let quantity = self.quantity.to_string();
        let lead = format!("    {state} {quantity:>8}  ");
        let why = match &self.not_in_force {
            Some(why) => why.clone(),
            None => dates(self.dates),
        };
        text::wrapped(&lead, lead.chars().count(), &format!("{}: {why}", cut(&name, 60)));
    }
}
