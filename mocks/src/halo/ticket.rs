//! `/Tickets`. Removing is soft: the row is listed with `deleted=true` and can be recovered.

use serde_json::Value;

use super::asset::Assets;
use super::body::Element;
use super::client::Clients;
use super::common;
use super::entity::{Cx, Entity, Filter};
use super::index::Place;
use super::query::{Activity, Query, plain};
use super::save::Pen;
use super::site::Sites;
use super::user::{GENERAL_USER, Users};
use super::wire::{self, Fields};
use super::{action, catalogue, contract};
use crate::vendor::Reply;
use crate::world::{Halo, HaloTicket, Mark};

/// The tickets.
pub(super) struct Tickets;

/// The status of a closed ticket.
pub(super) const CLOSED: i64 = 9;

impl Entity for Tickets {
    type Row = HaloTicket;
    const PLACE: Place = Place::Tickets;
    const KEY: &'static str = "tickets";
    const TABLE: i64 = 1;
    const ORDER: &'static str = "id";
    const IDS_ONLY: bool = false;
    const KEEPS_GONE: bool = true;
    const NEWEST_FIRST: bool = true;
    const ADVANCED: &'static [&'static str] =
        &["id", "summary", "client_id", "site_id", "user_id", "status_id"];
    const LIST_EXTRAS: &'static [&'static str] = &[
        "details",
        "tickettype_id",
        "priority_id",
        "sla_id",
        "agent_id",
        "team",
        "category_1",
        "category_2",
        "category_3",
        "category_4",
        "impact",
        "urgency",
        "reportedby",
        "user_email",
        "third_party_id",
        "third_party_id_string",
        "customfields",
        "parent_id",
        "onhold",
        "startdate",
        "targetdate",
    ];
    const MODELLED: &'static [&'static str] = &[
        "summary",
        "client_id",
        "client_name",
        "site_id",
        "site_name",
        "user_id",
        "user_name",
        "assets",
        "status_id",
        "last_update",
        "lastactiondate",
        "dateoccurred",
        "dateclosed",
        "datecreated",
        "hasbeenclosed",
        "deleted",
        "use",
        "table",
        "external_links",
        "dont_do_rules",
        "donotapplytemplateintheapi",
        "return_this",
        "apply_rules",
        "web_url",
        "api_url",
        "inventory_number",
        "asset_number",
    ];
    const INTS: &'static [&'static str] = &[
        "client_id",
        "site_id",
        "user_id",
        "status_id",
        "tickettype_id",
        "priority_id",
        "agent_id",
        "sla_id",
        "impact",
        "urgency",
        "parent_id",
    ];

    fn rows(halo: &Halo) -> &Vec<HaloTicket> {
        &halo.tickets
    }
    fn rows_mut(halo: &mut Halo) -> &mut Vec<HaloTicket> {
        &mut halo.tickets
    }
    fn id(row: &HaloTicket) -> i64 {
        row.id
    }
    fn mark(row: &HaloTicket) -> &Mark {
        &row.mark
    }
    fn mark_mut(row: &mut HaloTicket) -> &mut Mark {
        &mut row.mark
    }
    fn name(_row: &HaloTicket) -> &str {
        ""
    }
    fn inactive(row: &HaloTicket) -> bool {
        row.mark.gone.is_some()
    }
    fn owner(row: &HaloTicket) -> i64 {
        row.client
    }
    fn names(row: &HaloTicket, _which: usize) -> &[i64] {
        &row.assets
    }

    fn activity(query: Query<'_>) -> Activity {
        let deleted = query.flag("deleted");
        Activity { active: !deleted, inactive: deleted }
    }

    fn narrow(cx: &Cx<'_>) -> Result<Option<Vec<u32>>, Reply> {
        if let Some(ids) = cx.query.ids("ticketids") {
            return Ok(Some(cx.positions::<Self>(&ids)));
        }
        if let Some(id) = cx.query.id("search_id")? {
            return Ok(Some(cx.positions::<Self>(&[id])));
        }
        if let Some(asset) = cx.query.id("asset_id")? {
            // The lists keep removed rows, the links do not: look at those by scanning.
            return Ok((!cx.query.flag("deleted")).then(|| cx.naming::<Self>(0, asset)));
        }
        Ok(cx.query.id("client_id")?.map(|client| cx.owned::<Self>(client)))
    }

    fn filters<'a>(cx: &Cx<'a>) -> Result<Vec<Filter<'a, HaloTicket>>, Reply> {
        let mut filters: Vec<Filter<'a, HaloTicket>> = Vec::new();
        for name in ["search", "search_summary"] {
            common::search(cx, name, &mut filters, |row: &HaloTicket| row.summary.clone());
        }
        let own = *cx;
        common::search(cx, "search_user_name", &mut filters, move |row: &HaloTicket| {
            let user = row.user.and_then(|u| own.find::<Users>(u));
            user.map_or_else(String::new, |u| u.name.clone())
        });
        common::updated::<Self>(cx, &mut filters);
        common::advanced::<Self>(cx, &mut filters, field)?;
        for name in ["client_id", "site_id", "user_id", "status_id"] {
            if let Some(id) = cx.query.id(name)?.map(|id| id.to_string()) {
                filters.push(Box::new(move |row| field(row, name).as_ref() == Some(&id)));
            }
        }
        if let Some(asset) = cx.query.id("asset_id")? {
            filters.push(Box::new(move |row| row.assets.contains(&asset)));
        }
        for (name, kept) in [
            ("agent_id", "agent_id"),
            ("requesttype_id", "tickettype_id"),
            ("parent_id", "parent_id"),
            ("contract_id", "contract_id"),
        ] {
            if let Some(id) = cx.query.id(name)? {
                filters.push(Box::new(move |row| kept_id(&own, row.id, kept) == Some(id)));
            }
        }
        if cx.query.flag("open_only") {
            filters.push(Box::new(|row| row.status != CLOSED));
        }
        if cx.query.flag("closed_only") {
            filters.push(Box::new(|row| row.status == CLOSED));
        }
        dates(cx, &mut filters);
        Ok(filters)
    }

    fn row(cx: &Cx<'_>, row: &HaloTicket) -> Fields {
        let mut fields = base(cx, row);
        // Names of statuses, types and agents are in the schema and absent from rows, unless asked.
        for (flag, name, list, key) in [
            ("includestatus", "status_name", catalogue::STATUSES, "status_id"),
            ("includetickettype", "tickettype_name", catalogue::TICKET_TYPES, "tickettype_id"),
            ("includeagent", "agent_name", catalogue::AGENTS, "agent_id"),
        ] {
            if cx.query.flag(flag) {
                let kept = kept_id(cx, row.id, key);
                let id = kept.or_else(|| fields.get(key).and_then(Value::as_i64));
                let found = list.iter().find(|(i, _)| Some(*i) == id);
                fields.set(name, found.map_or(Value::Null, |(_, n)| (*n).into()));
            }
        }
        fields
    }

    fn detail(cx: &Cx<'_>, row: &HaloTicket) -> Fields {
        let details = cx.own.extra(Self::PLACE, row.id, "details").map(plain);
        let mut fields = base(cx, row)
            .with("details_html", format!("<p>{}</p>", details.unwrap_or(row.summary.clone())))
            .with("datecreated", wire::stamp(row.mark.created, row.id))
            .maybe("deleted", row.mark.gone.map(|_| true));
        let covering = row.assets.first().map(|asset| cx.naming::<contract::Contracts>(0, *asset));
        let covering = covering.and_then(|at| contract::first_in_force(cx, &at));
        fields.set("contract_id", covering.map(|c| c.id));
        fields.set("contract_ref", covering.map(|c| c.reference.clone()));
        fields.set("asset_number", row.assets.first().copied());
        if cx.wants("includedetails") {
            fields.set("assets", cx.nested::<Assets>(&row.assets));
            fields.set("attachments", Vec::<Value>::new());
        }
        fields
    }

    fn blank(cx: &Cx<'_>, id: i64, mark: Mark, el: Element<'_>) -> Result<HaloTicket, Reply> {
        let user = el.int("user_id")?.filter(|u| *u > 0).and_then(|u| cx.there::<Users>(u));
        let client = el.int("client_id")?.filter(|c| *c > 0);
        let site = el.int("site_id")?.filter(|s| *s > 0);
        // What names nothing goes to the client that ships with every tenant.
        let unknown = || {
            let there = cx.world.halo.clients.iter().filter(|c| c.mark.gone.is_none());
            there.min_by_key(|c| (c.name != "Unknown", c.id)).map(|c| c.id)
        };
        let site = site
            .or(user.map(|u| u.site))
            .or_else(|| common::first_site(cx, client.or_else(unknown)?))
            .and_then(|site| cx.there::<Sites>(site));
        let site = site.ok_or_else(|| wire::exception("Please select a Site"))?;
        let summary = el.text("summary").unwrap_or_default();
        let (client, site, user) = (site.client, site.id, user.map(|u| u.id));
        Ok(HaloTicket { id, summary, client, site, user, assets: Vec::new(), status: 1, mark })
    }

    fn merge(cx: &Cx<'_>, row: &mut HaloTicket, el: Element<'_>) -> Result<(), Reply> {
        if let Some(summary) = el.text("summary") {
            row.summary = summary;
        }
        if let Some(site) = el.int("site_id")?.filter(|s| *s > 0) {
            let site = cx.there::<Sites>(site).ok_or_else(|| Reply::empty(404))?;
            (row.site, row.client) = (site.id, site.client);
        }
        if let Some(user) = el.int("user_id")?.filter(|u| *u > 0) {
            row.user = Some(cx.there::<Users>(user).ok_or_else(|| Reply::empty(404))?.id);
        }
        row.status = el.int("status_id")?.filter(|s| *s > 0).unwrap_or(row.status);
        if let Some(assets) = el.ids("assets")? {
            if assets.iter().any(|id| cx.there::<Assets>(*id).is_none()) {
                return Err(Reply::empty(404));
            }
            row.assets = assets;
        }
        if el.flag("_recover") == Some(true) {
            row.mark.gone = None;
        }
        Ok(())
    }
}

/// A new ticket begins with the action that logged it.
pub(super) fn after(pen: &mut Pen<'_>, id: i64, el: Element<'_>, before: Option<&HaloTicket>) {
    if before.is_none() {
        let note = el.text("details").or_else(|| el.text("summary")).unwrap_or_default();
        action::add(pen, id, "Logged", &note);
    }
}

fn base(cx: &Cx<'_>, row: &HaloTicket) -> Fields {
    let site = cx.find::<Sites>(row.site).map(|s| s.name.as_str());
    let user = row.user.and_then(|u| cx.find::<Users>(u));
    let closed = row.status == CLOSED;
    let asset = row.assets.first().and_then(|a| cx.find::<Assets>(*a));
    Fields::new()
        .with("id", row.id)
        .with("summary", row.summary.as_str())
        .with("details", row.summary.as_str())
        .with("dateoccurred", wire::stamp(row.mark.created, row.id))
        .with("last_update", wire::stamp(row.mark.modified, row.id))
        .with("lastactiondate", wire::stamp(row.mark.modified, row.id + 1))
        .maybe("dateclosed", closed.then(|| wire::stamp(row.mark.modified, row.id)))
        .maybe("hasbeenclosed", closed.then_some(true))
        .with("status_id", row.status)
        .with("tickettype_id", 1)
        .with("priority_id", 3)
        .with("sla_id", 1)
        .with("client_id", row.client)
        .maybe("client_name", cx.find::<Clients>(row.client).map(|c| c.name.as_str()))
        .with("site_id", row.site)
        .maybe("site_name", site)
        .maybe("user_id", row.user)
        .with("user_name", user.map_or(GENERAL_USER, |u| u.name.as_str()))
        .maybe("user_email", user.and_then(|u| u.email.clone()))
        .with("team", "1st Line Support")
        .with("agent_id", 1)
        .with("impact", 3)
        .with("urgency", 3)
        .maybe("inventory_number", asset.map(|a| a.inventory_number.as_str()))
        .with("child_count", 0)
        .with("attachment_count", 0)
        .with("onhold", false)
        .with("inactive", false)
        .with("customfields", Vec::<Value>::new())
        .with("web_url", format!("{}/tickets?id={}", cx.base, row.id))
        .with("api_url", format!("{}/api/tickets/{}", cx.base, row.id))
        .with("use", "ticket")
        .with("table", Tickets::TABLE)
}

fn dates<'a>(cx: &Cx<'a>, filters: &mut Vec<Filter<'a, HaloTicket>>) {
    let search = cx.query.text("datesearch").map(str::to_ascii_lowercase);
    let cleared = match search.as_deref() {
        Some("dateoccured" | "dateoccurred") => false,
        Some("datecleared") => true,
        _ => return,
    };
    let at = move |row: &HaloTicket| match (cleared, row.status == CLOSED) {
        (false, _) => Some(row.mark.created.naive_utc()),
        (true, true) => Some(row.mark.modified.naive_utc()),
        (true, false) => None,
    };
    if let Some(from) = cx.query.instant("startdate") {
        filters.push(Box::new(move |row| at(row).is_some_and(|at| at >= from)));
    }
    if let Some(to) = cx.query.instant("enddate") {
        filters.push(Box::new(move |row| at(row).is_some_and(|at| at <= to)));
    }
}

/// An id that is kept beside the row, or what rows have where none is.
fn kept_id(cx: &Cx<'_>, ticket: i64, name: &str) -> Option<i64> {
    let kept =
        cx.own.extra(Tickets::PLACE, ticket, name).and_then(|v| plain(v).trim().parse().ok());
    kept.or(match name {
        "agent_id" | "tickettype_id" => Some(1),
        _ => None,
    })
}

fn field(row: &HaloTicket, name: &str) -> Option<String> {
    match name {
        "id" => Some(row.id.to_string()),
        "summary" => Some(row.summary.clone()),
        "client_id" => Some(row.client.to_string()),
        "site_id" => Some(row.site.to_string()),
        "user_id" => row.user.map(|id| id.to_string()),
        "status_id" => Some(row.status.to_string()),
        _ => None,
    }
}
