//! `/ClientContract`: agreements. There is no filter by type or date, and no `name`.

use chrono::Datelike as _;
use serde_json::Value;

use super::asset::Assets;
use super::body::Element;
use super::client::Clients;
use super::common;
use super::entity::{Cx, Entity, Filter};
use super::index::Place;
use super::query::{Activity, Query};
use super::site::null_column;
use super::user::Users;
use super::wire::{self, Fields};
use crate::vendor::Reply;
use crate::world::{Halo, HaloContract, Mark};

/// The contracts.
pub(super) struct Contracts;

impl Entity for Contracts {
    type Row = HaloContract;
    const PLACE: Place = Place::Contracts;
    const KEY: &'static str = "contracts";
    const TABLE: i64 = 6;
    const ORDER: &'static str = "ref";
    const IDS_ONLY: bool = false;
    const LINKS: bool = false;
    const LIST_EXTRAS: &'static [&'static str] = &[
        "refextra",
        "refextra2",
        "note",
        "numberofunitsfree",
        "billingperiod",
        "sla_id",
        "periodchargeamount",
        "next_invoice_date",
        "next_call_date",
        "billingcategory",
        "subtype",
        "contracttype",
        "customfields",
    ];
    const MODELLED: &'static [&'static str] = &[
        "client_id",
        "client_name",
        "ref",
        "start_date",
        "end_date",
        "started",
        "expired",
        "active",
        "contract_status",
        "contracttype_name",
        "status",
        "assets",
        "users",
        "sites",
        "use",
        "key",
        "table",
        "last_modified",
        "external_links",
        "iscontractdetails",
    ];
    const INTS: &'static [&'static str] = &["client_id", "site_id", "contracttype", "sla_id"];

    fn rows(halo: &Halo) -> &Vec<HaloContract> {
        &halo.contracts
    }
    fn rows_mut(halo: &mut Halo) -> &mut Vec<HaloContract> {
        &mut halo.contracts
    }
    fn id(row: &HaloContract) -> i64 {
        row.id
    }
    fn mark(row: &HaloContract) -> &Mark {
        &row.mark
    }
    fn mark_mut(row: &mut HaloContract) -> &mut Mark {
        &mut row.mark
    }
    fn name(row: &HaloContract) -> &str {
        &row.reference
    }
    fn inactive(row: &HaloContract) -> bool {
        !row.active
    }
    fn owner(row: &HaloContract) -> i64 {
        row.client
    }
    fn names(row: &HaloContract, which: usize) -> &[i64] {
        if which == 0 { &row.assets } else { &row.users }
    }

    fn activity(query: Query<'_>) -> Activity {
        Activity { active: true, inactive: query.flag("includeinactive") }
    }

    fn narrow(cx: &Cx<'_>) -> Result<Option<Vec<u32>>, Reply> {
        if let Some(asset) = cx.query.id("device_id")? {
            return Ok(Some(cx.naming::<Self>(0, asset)));
        }
        Ok(cx.query.id("client_id")?.map(|client| cx.owned::<Self>(client)))
    }

    fn filters<'a>(cx: &Cx<'a>) -> Result<Vec<Filter<'a, HaloContract>>, Reply> {
        let mut filters: Vec<Filter<'a, HaloContract>> = Vec::new();
        common::search(cx, "search", &mut filters, |row: &HaloContract| row.reference.clone());
        if let Some(client) = cx.query.id("client_id")? {
            filters.push(Box::new(move |row| row.client == client));
        }
        if cx.query.id("site_id")?.is_some() {
            // Contracts are sold to clients, none to a site.
            filters.push(Box::new(|_| false));
        }
        Ok(filters)
    }

    fn row(cx: &Cx<'_>, row: &HaloContract) -> Fields {
        let today = cx.world.now().date_naive();
        let unset_start = row.unset.filter(|at| at.year() <= 1901);
        Fields::new()
            .with("id", row.id)
            .with("client_id", row.client)
            .maybe("client_name", cx.find::<Clients>(row.client).map(|c| c.name.as_str()))
            .with("ref", row.reference.as_str())
            .maybe("start_date", row.start.map(wire::day).or(unset_start.map(wire::sentinel)))
            .maybe("end_date", row.end.map(wire::day).or(row.unset.map(wire::sentinel)))
            .with("started", row.start.is_none_or(|start| start <= today))
            .with("expired", row.expired)
            .with("active", row.active)
            .with("status", status_id(&row.status))
            .with("contract_status", row.status.as_str())
            .with("contracttype", type_id(&row.kind))
            .with("contracttype_name", row.kind.as_str())
            .with("subtype", 0)
            .with("billingperiod", 1)
            .with("billingdescription", 0)
            .with("numberofunitsfree", 0.0)
            .with("sla_id", -1)
            .with("note", "")
            .with("last_modified", wire::stamp(row.mark.modified, row.id))
            .with("customfields", Vec::<Value>::new())
            .with("use", "contract")
            .with("key", row.id)
            .with("table", Self::TABLE)
    }

    fn detail(cx: &Cx<'_>, row: &HaloContract) -> Fields {
        let mut fields = Self::row(cx, row)
            .with("rollingcontract", row.end.is_none())
            .with("termmonths", 12)
            .with("endtype", 0)
            .with("chargeperdevice", false);
        if cx.wants("includedetails") {
            fields.set("assets", cx.nested::<Assets>(&row.assets));
            fields.set("users", cx.nested::<Users>(&row.users));
            for none in ["sites", "contracts", "periods", "billingplans"] {
                fields.set(none, Vec::<Value>::new());
            }
        }
        fields
    }

    fn blank(cx: &Cx<'_>, id: i64, mark: Mark, el: Element<'_>) -> Result<HaloContract, Reply> {
        let client = el.int("client_id")?.filter(|c| cx.there::<Clients>(*c).is_some());
        let client = client.ok_or_else(|| null_column("CHarea", "CONTRACTHEADER"))?;
        Ok(HaloContract {
            id,
            client,
            reference: format!("{id:06}"),
            kind: "Managed Services".to_owned(),
            start: None,
            end: None,
            unset: None,
            active: true,
            status: "Active".to_owned(),
            expired: false,
            assets: Vec::new(),
            users: Vec::new(),
            mark,
        })
    }

    fn merge(cx: &Cx<'_>, row: &mut HaloContract, el: Element<'_>) -> Result<(), Reply> {
        if let Some(reference) = el.text("ref").filter(|r| !r.trim().is_empty()) {
            row.reference = reference;
        }
        if let Some(kind) = el.text("contracttype_name").filter(|k| !k.trim().is_empty()) {
            row.kind = kind;
        }
        if let Some(status) = el.text("contract_status").filter(|s| !s.trim().is_empty()) {
            row.status = status;
        }
        if let Some(start) = el.date("start_date")? {
            row.start = start.map(|at| at.date());
        }
        if let Some(end) = el.date("end_date")? {
            row.end = end.map(|at| at.date());
        }
        row.active = el.flag("active").unwrap_or(row.active);
        row.expired = el.flag("expired").unwrap_or(row.expired);
        if let Some(assets) = el.ids("assets")? {
            if assets.iter().any(|id| cx.there::<Assets>(*id).is_none()) {
                return Err(Reply::empty(404));
            }
            row.assets = assets;
        }
        if let Some(users) = el.ids("users")? {
            if users.iter().any(|id| cx.there::<Users>(*id).is_none()) {
                return Err(Reply::empty(404));
            }
            row.users = users;
        }
        Ok(())
    }
}

/// The first active contract at these positions that has not ended.
pub(super) fn first_in_force<'a>(cx: &Cx<'a>, positions: &[u32]) -> Option<&'a HaloContract> {
    let today = cx.world.now().date_naive();
    let at = |at: &u32| cx.world.halo.contracts.get(usize::try_from(*at).ok()?);
    let open = |c: &&HaloContract| c.active && c.end.is_none_or(|end| end >= today);
    positions.iter().filter_map(at).find(open)
}

fn status_id(status: &str) -> i64 {
    match status {
        "Active" => 1,
        "Draft" => 2,
        "Cancelled" => 3,
        "Expired" => 4,
        _ => 9,
    }
}

/// An id for a contract type: the list of types is a lookup that every tenant edits.
fn type_id(kind: &str) -> i64 {
    kind.bytes().fold(7, |sum, byte| (sum * 31 + i64::from(byte)) % 9_973)
}
