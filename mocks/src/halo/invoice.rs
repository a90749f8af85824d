//! `/RecurringInvoice` and its lines. A posted `lines` takes the place of all lines.

use serde_json::Value;

use super::body::Element;
use super::client::Clients;
use super::common;
use super::contract::Contracts;
use super::entity::{Cx, Entity, Filter};
use super::index::Place;
use super::item::Items;
use super::query::{Activity, Query};
use super::save::Pen;
use super::site::null_column;
use super::wire::{self, Fields};
use crate::vendor::Reply;
use crate::world::{Halo, HaloInvoice, HaloLine, Mark};

/// The recurring invoices.
pub(super) struct Invoices;

impl Entity for Invoices {
    type Row = HaloInvoice;
    const PLACE: Place = Place::Invoices;
    const KEY: &'static str = "invoices";
    const TABLE: i64 = 995;
    const ORDER: &'static str = "id";
    const LIST_EXTRAS: &'static [&'static str] =
        &["name", "reference", "period", "periodname", "startdate", "enddate", "customfields"];
    const MODELLED: &'static [&'static str] = &[
        "client_id",
        "client_name",
        "contract_id",
        "contract_ref",
        "disabled",
        "lines",
        "total",
        "revenue",
        "tax_total",
        "use",
        "last_modified",
        "date_created",
        "is_recurring_invoice",
        "external_links",
    ];
    const INTS: &'static [&'static str] = &["client_id", "contract_id", "period", "schedule_id"];

    fn rows(halo: &Halo) -> &Vec<HaloInvoice> {
        &halo.invoices
    }
    fn rows_mut(halo: &mut Halo) -> &mut Vec<HaloInvoice> {
        &mut halo.invoices
    }
    fn id(row: &HaloInvoice) -> i64 {
        row.id
    }
    fn mark(row: &HaloInvoice) -> &Mark {
        &row.mark
    }
    fn mark_mut(row: &mut HaloInvoice) -> &mut Mark {
        &mut row.mark
    }
    fn name(_row: &HaloInvoice) -> &str {
        ""
    }
    fn inactive(_row: &HaloInvoice) -> bool {
        false
    }
    fn owner(row: &HaloInvoice) -> i64 {
        row.client
    }

    fn activity(_query: Query<'_>) -> Activity {
        Activity::ALL
    }

    fn narrow(cx: &Cx<'_>) -> Result<Option<Vec<u32>>, Reply> {
        if let Some(id) = cx.query.int("recurringinvoice_id")?.filter(|id| *id != 0) {
            return Ok(Some(cx.positions::<Self>(&[id])));
        }
        Ok(cx.query.id("client_id")?.map(|client| cx.owned::<Self>(client)))
    }

    fn filters<'a>(cx: &Cx<'a>) -> Result<Vec<Filter<'a, HaloInvoice>>, Reply> {
        let mut filters: Vec<Filter<'a, HaloInvoice>> = Vec::new();
        let own = *cx;
        common::search(cx, "search", &mut filters, move |row: &HaloInvoice| {
            let client = own.find::<Clients>(row.client).map_or("", |c| c.name.as_str());
            let contract = row.contract.and_then(|c| own.find::<Contracts>(c));
            format!("{client}\n{}", contract.map_or("", |c| c.reference.as_str()))
        });
        match cx.query.text("rinvoice_type").map(str::to_ascii_lowercase).as_deref() {
            Some("contracts") => filters.push(Box::new(|row| row.contract.is_some())),
            Some("invoices") => filters.push(Box::new(|row| row.contract.is_none())),
            _ => {}
        }
        if let Some(client) = cx.query.id("client_id")? {
            filters.push(Box::new(move |row| row.client == client));
        }
        if let Some(clients) = cx.query.ids("client_ids") {
            filters.push(Box::new(move |row| clients.contains(&row.client)));
        }
        if let Some(contract) = cx.query.id("contract_id")? {
            filters.push(Box::new(move |row| row.contract == Some(contract)));
        }
        // No recurring invoice of this world names a site, an asset or a user.
        for name in ["site_id", "asset_id", "user_id"] {
            if cx.query.id(name)?.is_some() {
                filters.push(Box::new(|_| false));
            }
        }
        Ok(filters)
    }

    fn row(cx: &Cx<'_>, row: &HaloInvoice) -> Fields {
        let fields = header(cx, row);
        if cx.query.flag("includelines") { fields.with("lines", lines(cx, row)) } else { fields }
    }

    fn detail(cx: &Cx<'_>, row: &HaloInvoice) -> Fields {
        header(cx, row).with("lines", lines(cx, row))
    }

    fn blank(cx: &Cx<'_>, id: i64, mark: Mark, el: Element<'_>) -> Result<HaloInvoice, Reply> {
        let client = el.int("client_id")?.filter(|c| cx.there::<Clients>(*c).is_some());
        let client = client.ok_or_else(|| null_column("IHaarea", "INVOICEHEADER"))?;
        Ok(HaloInvoice { id, client, contract: None, disabled: false, lines: Vec::new(), mark })
    }

    fn merge(cx: &Cx<'_>, row: &mut HaloInvoice, el: Element<'_>) -> Result<(), Reply> {
        if el.has("contract_id") {
            row.contract = el.int("contract_id")?.filter(|c| cx.there::<Contracts>(*c).is_some());
        }
        row.disabled = el.flag("disabled").unwrap_or(row.disabled);
        if let Some(posted) = el.parts("lines") {
            let mut next = next_line(cx);
            let mut lines = Vec::new();
            for line in posted {
                let old = line.int("id")?.and_then(|id| row.lines.iter().find(|l| l.id == id));
                let mut kept = old.cloned().unwrap_or_else(|| blank_line(&mut next));
                merge_line(&mut kept, line)?;
                lines.push(kept);
            }
            row.lines = lines;
        }
        Ok(())
    }
}

/// `POST /RecurringInvoice/Lines` and `/updatelines`: single lines by id, or new ones by `ihid`.
pub(super) fn post_lines(pen: &mut Pen<'_>, elements: &[Element<'_>]) -> Result<Reply, Reply> {
    elements.iter().try_for_each(|el| el.check(&["id", "ihid", "_itemid"]))?;
    let mut saved: Option<(i64, i64)> = None;
    for el in elements {
        let wanted = el.int("id")?.filter(|id| *id > 0);
        let header = el.int("ihid")?;
        let holds = |i: &&HaloInvoice| match wanted {
            Some(id) => i.lines.iter().any(|l| l.id == id),
            None => Some(i.id) == header,
        };
        let there = pen.world.halo.invoices.iter().filter(|i| i.mark.gone.is_none());
        let mut invoice =
            there.into_iter().find(holds).cloned().ok_or_else(|| Reply::empty(404))?;
        let mut next = next_line(&pen.cx());
        let id = wanted.unwrap_or(next);
        if wanted.is_none() {
            invoice.lines.push(blank_line(&mut next));
        }
        if let Some(line) = invoice.lines.iter_mut().find(|l| l.id == id) {
            merge_line(line, *el)?;
        }
        saved = Some((invoice.id, id));
        pen.change::<Invoices>(invoice.id, |row| *row = invoice);
    }
    let (invoice, id) = saved.ok_or_else(|| wire::model_state("", "A line was expected."))?;
    let cx = pen.cx();
    let row = cx.find::<Invoices>(invoice).ok_or_else(|| Reply::empty(404))?;
    let line = row.lines.iter().zip(1..).find(|(l, _)| l.id == id);
    let (line, at) = line.ok_or_else(|| Reply::empty(404))?;
    Ok(Reply::json(201, &line_json(&cx, row, line, at)))
}

fn header(cx: &Cx<'_>, row: &HaloInvoice) -> Fields {
    let contract = row.contract.and_then(|c| cx.find::<Contracts>(c));
    let total = row.lines.iter().filter(|l| !l.inactive).map(|l| l.quantity * l.price).sum::<f64>();
    let total = (total * 100.0).round() / 100.0;
    Fields::new()
        .with("id", row.id)
        .with("use", "invoice")
        .with("client_id", row.client)
        .maybe("client_name", cx.find::<Clients>(row.client).map(|c| c.name.as_str()))
        .maybe("contract_id", row.contract)
        .maybe("contract_ref", contract.map(|c| c.reference.as_str()))
        .with("is_recurring_invoice", true)
        .maybe("name", contract.map(|c| c.reference.as_str()))
        .with("reference", format!("R{:05}", row.id.unsigned_abs()))
        .with("disabled", row.disabled)
        .with("schedule_id", row.id.abs())
        .with("period", 1)
        .with("period_type", 0)
        .with("periodname", "Monthly")
        .with("billingcategory", 0)
        .with("reviewrequired", false)
        .with("total", total)
        .with("revenue", total)
        .with("tax_total", 0.0)
        .with("date_created", wire::stamp(row.mark.created, row.id))
        .with("last_modified", wire::stamp(row.mark.modified, row.id))
        .with("customfields", Vec::<Value>::new())
}

fn lines(cx: &Cx<'_>, row: &HaloInvoice) -> Vec<Value> {
    row.lines.iter().zip(1..).map(|(line, at)| line_json(cx, row, line, at)).collect()
}

fn line_json(cx: &Cx<'_>, row: &HaloInvoice, line: &HaloLine, at: i64) -> Value {
    let item = line.item.and_then(|id| cx.find::<Items>(id)).map(|i| i.name.as_str());
    let text = item.unwrap_or(if line.heading { "Monthly services" } else { "Sundries" });
    let net = (line.quantity * line.price * 100.0).round() / 100.0;
    Fields::new()
        .with("id", line.id)
        .with("ihid", row.id)
        .with("sequenceid", at)
        .maybe("_itemid", line.item)
        .maybe("item_code", item)
        .with("item_shortdescription", text)
        .with("item_longdescription", text)
        .with("qty_order", line.quantity)
        .with("unit_price", line.price)
        .with("unit_cost", 0.0)
        .with("net_amount", net)
        .with("tax_amount", 0.0)
        .with("tax_rate", 0.0)
        .with("isgroupdesc", line.heading)
        .with("isinactive", line.inactive)
        .maybe("startdate", line.start.map(wire::day))
        .maybe("enddate", line.end.map(wire::day))
        .with("autorenew", false)
        .maybe("contract_id", row.contract)
        .with("recurring_invoice_id", row.id)
        .with("recurring_invoice_line_id", line.id)
        .with("recurring_invoice_quantity_type", 0)
        .with("is_meter", false)
        .with("is_bundled_line", false)
        .with("onetimecharge", false)
        .with("calculate_price_from_assets", false)
        .with("calculate_price_from_users", false)
        .json()
}

fn next_line(cx: &Cx<'_>) -> i64 {
    let all = cx.world.halo.invoices.iter().flat_map(|i| &i.lines);
    all.map(|l| l.id).max().unwrap_or(0) + 1
}

fn blank_line(next: &mut i64) -> HaloLine {
    let id = *next;
    *next += 1;
    HaloLine {
        id,
        item: None,
        heading: false,
        quantity: 1.0,
        price: 0.0,
        start: None,
        end: None,
        inactive: false,
    }
}

fn merge_line(line: &mut HaloLine, el: Element<'_>) -> Result<(), Reply> {
    if el.has("_itemid") {
        line.item = el.int("_itemid")?.filter(|id| *id > 0);
    }
    line.quantity = el.number("qty_order")?.unwrap_or(line.quantity);
    line.price = el.number("unit_price")?.unwrap_or(line.price);
    line.heading = el.flag("isgroupdesc").unwrap_or(line.heading);
    line.inactive = el.flag("isinactive").unwrap_or(line.inactive);
    if let Some(start) = el.date("startdate")? {
        line.start = start.map(|at| at.date());
    }
    if let Some(end) = el.date("enddate")? {
        line.end = end.map(|at| at.date());
    }
    Ok(())
}
