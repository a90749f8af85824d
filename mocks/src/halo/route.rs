//! Which call goes where, and which scope it needs.
//!
//! Paths are compared without regard to case. Clients that build their host from a tenant name
//! leave a piece of it in the path (`/.halopsa.com/api/...`); it is skipped.

use super::action;
use super::asset::{self, Assets};
use super::azure;
use super::body::Body;
use super::catalogue;
use super::client::{self, Clients};
use super::contract::Contracts;
use super::entity::{self, Cx, Entity};
use super::field;
use super::invoice::{self, Invoices};
use super::item::Items;
use super::misc;
use super::query::plain;
use super::save::{self, After, Pen};
use super::scope::Scopes;
use super::side::{self, Kind};
use super::site::{self, Sites};
use super::ticket::{self, Tickets};
use super::user::Users;
use super::wire;
use crate::vendor::{Call, Listing, Reply, Rows};

/// A part of the host name in front of the path.
const HOSTS: [&str; 3] = [".halopsa.com", ".haloitsm.com", ".haloservicedesk.com"];

/// Which server a path belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Area {
    /// The token endpoint.
    Token,
    /// The discovery document.
    Discovery,
    /// The resource server.
    Api,
    /// Neither.
    Nowhere,
}

/// A path, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// Which server.
    pub(super) area: Area,
    /// The rest of the path, in lower case.
    rest: Vec<String>,
}

impl Route {
    /// Of this path.
    pub(super) fn of(path: &str) -> Self {
        let mut parts: Vec<String> =
            path.split('/').filter(|p| !p.is_empty()).map(str::to_lowercase).collect();
        if parts.first().is_some_and(|p| HOSTS.contains(&p.as_str())) {
            parts.remove(0);
        }
        let area = match parts.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["auth", "token"] | ["token"] => Area::Token,
            ["auth", ".well-known", "openid-configuration"]
            | [".well-known", "openid-configuration"] => Area::Discovery,
            ["api", _, ..] => Area::Api,
            _ => Area::Nowhere,
        };
        let rest = if area == Area::Api { parts.split_off(1) } else { Vec::new() };
        Self { area, rest }
    }

    /// The path below `/api`, in lower case.
    pub(super) fn parts(&self) -> Vec<&str> {
        self.rest.iter().map(String::as_str).collect()
    }

    /// Whether the scopes allow the call.
    pub(super) fn allowed(&self, scopes: &Scopes, writing: bool) -> bool {
        let area = self.rest.first().map_or("", |name| area_of(name));
        if writing { scopes.writes(area) } else { scopes.reads(area) }
    }
}

/// The area of scopes that a list belongs to; empty for configuration.
fn area_of(name: &str) -> &'static str {
    match name {
        "client" | "site" | "users" | "areaazuretenant" | "azureadconnection" | "toplevel"
        | "userchange" => "customers",
        "asset" | "assettype" | "assetgroup" | "assetchange" => "assets",
        "clientcontract" => "contracts",
        "recurringinvoice" | "invoice" => "invoices",
        "item" => "items",
        "tickets" | "actions" => "tickets",
        "projects" => "projects",
        "opportunities" => "sales",
        "quotation" => "quotes",
        "salesorder" => "sos",
        "supplier" | "suppliercontract" => "suppliers",
        "appointment" => "calendar",
        "kbarticle" => "kb",
        "report" => "reporting",
        _ => "",
    }
}

/// Whether the method writes. There is no PUT and no PATCH.
pub(super) fn writes(method: &str) -> Result<bool, Reply> {
    match method {
        "GET" | "HEAD" => Ok(false),
        "POST" | "DELETE" => Ok(true),
        _ => Err(Reply::empty(405)),
    }
}

/// Answers a reading call.
pub(super) fn read(cx: &Cx<'_>, route: &Route) -> Result<Reply, Reply> {
    let parts = route.parts();
    if let Some(reply) = read_entity(cx, &parts) {
        return reply;
    }
    match parts.as_slice() {
        ["agent", "me"] => Ok(catalogue::me()),
        // Meant for end users; the API signs in as an agent.
        ["client", "me"] => Err(Reply::empty(401)),
        ["users", "me"] => Err(Reply::empty(404)),
        ["actions"] => action::list(cx),
        ["actions", id] => action::get(cx, number(id)?),
        ["assettype"] => Ok(Reply::json(200, &field::types(cx)?.into())),
        ["assettype", id] => {
            let wanted = number(id)?.to_string();
            let mut rows = field::types(cx)?.into_iter();
            let row = rows.find(|row| row.get("id").map(plain).as_ref() == Some(&wanted));
            row.map(|row| Reply::json(200, &row)).ok_or_else(|| Reply::empty(404))
        }
        ["assetgroup"] => Ok(Reply::json(200, &field::groups().into())),
        ["areaazuretenant"] => azure::list(cx),
        ["azureadconnection"] => azure::connections(cx),
        ["azureadconnection", id] => Ok(azure::connection_by_id(cx, number(id)?)),
        ["webhookevent"] => side::events(cx),
        ["userchange"] => misc::user_changes(cx),
        ["assetchange"] => misc::asset_changes(cx),
        ["toplevel"] => misc::top_level(cx),
        ["control"] => misc::control(cx),
        [name] if unused(name).is_some() => {
            entity::small_list(cx.query, unused(name).unwrap_or_default(), &[])
        }
        [name] => match (Kind::of(name), catalogue::list(name, cx.query.int("lookupid")?)) {
            (Some(kind), _) => Ok(side::list(cx, kind)),
            (None, Some(rows)) => Ok(Reply::json(200, &rows.into())),
            (None, None) => Err(Reply::empty(404)),
        },
        [name, id] => match Kind::of(name) {
            Some(kind) => Ok(side::get(cx, kind, id)),
            None => catalogue::one(name, id).ok_or_else(|| Reply::empty(404)),
        },
        _ => Err(Reply::empty(404)),
    }
}

/// Reads the body that a writing call must have.
pub(super) fn body(call: &Call, route: &Route) -> Result<Option<Body>, Reply> {
    match (call.method.as_str(), route.parts().as_slice()) {
        ("DELETE", _) => Ok(None),
        (_, ["tickets", "object"]) => Body::object(call).map(Some),
        _ => Body::of(call).map(Some),
    }
}

/// Answers a writing call.
pub(super) fn write(pen: &mut Pen<'_>, route: &Route, body: Option<&Body>) -> Result<Reply, Reply> {
    match (route.parts().as_slice(), body) {
        ([name], Some(body)) => post(pen, name, body),
        (["tickets", "object"], Some(body)) => save::post::<Tickets>(pen, body, ticket::after),
        (["recurringinvoice", "lines" | "updatelines"], Some(body)) => {
            invoice::post_lines(pen, &body.elements())
        }
        ([name, id], None) => delete(pen, name, id),
        ([_, _], Some(_)) | ([_], None) => Err(Reply::empty(405)),
        _ => Err(Reply::empty(404)),
    }
}

/// The listing that a call reads a page of.
pub(super) fn listing(call: &Call) -> Option<Listing> {
    let route = Route::of(&call.path);
    let parts = route.parts();
    let ([name], Area::Api, "GET") = (parts.as_slice(), route.area, call.method.as_str()) else {
        return None;
    };
    let rows = match envelope_key(name) {
        Some(key) => Rows::Key(key.to_owned()),
        None if is_bare(name) => Rows::Bare,
        None => return None,
    };
    let page = call.param("page_no").and_then(|p| p.trim().parse().ok()).filter(|p| *p > 0);
    Some(Listing { name: format!("/api/{name}"), page: page.unwrap_or(1), rows })
}

fn envelope_key(name: &str) -> Option<&'static str> {
    Some(match name {
        "client" => Clients::KEY,
        "site" => Sites::KEY,
        "users" => Users::KEY,
        "asset" => Assets::KEY,
        "clientcontract" => Contracts::KEY,
        "recurringinvoice" => Invoices::KEY,
        "item" => Items::KEY,
        "tickets" => Tickets::KEY,
        "actions" => "actions",
        "webhookevent" => "events",
        "userchange" => "changes",
        "assetchange" => "changehistory",
        "toplevel" => "tree",
        _ => return unused(name),
    })
}

/// Lists that this service provider has nothing in, and where their rows would be.
fn unused(name: &str) -> Option<&'static str> {
    Some(match name {
        "invoice" => Invoices::KEY,
        "projects" | "opportunities" => Tickets::KEY,
        "quotation" => "quotes",
        "salesorder" => "salesorders",
        "supplier" => "suppliers",
        "suppliercontract" => Contracts::KEY,
        "appointment" => "appointments",
        "kbarticle" => "articles",
        _ => return None,
    })
}

fn is_bare(name: &str) -> bool {
    matches!(name, "assettype" | "assetgroup" | "areaazuretenant" | "azureadconnection")
        || Kind::of(name).is_some()
        || catalogue::list(name, None).is_some()
}

fn read_entity(cx: &Cx<'_>, parts: &[&str]) -> Option<Result<Reply, Reply>> {
    fn one<E: Entity>(cx: &Cx<'_>, rest: &[&str]) -> Option<Result<Reply, Reply>> {
        match rest {
            [] => Some(entity::list::<E>(cx)),
            ["me"] => None,
            [id] => Some(number(id).map(|id| entity::get::<E>(cx, id))),
            _ => Some(Err(Reply::empty(404))),
        }
    }
    let (name, rest) = parts.split_first()?;
    match *name {
        "client" => one::<Clients>(cx, rest),
        "site" => one::<Sites>(cx, rest),
        "users" => one::<Users>(cx, rest),
        "asset" => one::<Assets>(cx, rest),
        "clientcontract" => one::<Contracts>(cx, rest),
        "recurringinvoice" => one::<Invoices>(cx, rest),
        "item" => one::<Items>(cx, rest),
        "tickets" => one::<Tickets>(cx, rest),
        _ => None,
    }
}

fn post(pen: &mut Pen<'_>, name: &str, body: &Body) -> Result<Reply, Reply> {
    fn plainly<E: Entity>() -> After<E> {
        |_, _, _, _| {}
    }
    match name {
        "client" => save::post::<Clients>(pen, body, client::after),
        "site" => save::post::<Sites>(pen, body, site::after),
        "users" => save::post::<Users>(pen, body, plainly::<Users>()),
        "asset" => save::post::<Assets>(pen, body, asset::after),
        "clientcontract" => save::post::<Contracts>(pen, body, plainly::<Contracts>()),
        "recurringinvoice" => save::post::<Invoices>(pen, body, plainly::<Invoices>()),
        "item" => save::post::<Items>(pen, body, plainly::<Items>()),
        "tickets" => save::post::<Tickets>(pen, body, ticket::after),
        "actions" => action::post(pen, body),
        "report" => misc::report(body),
        _ => match Kind::of(name) {
            Some(kind) => side::post(pen, kind, body),
            None => Err(Reply::empty(404)),
        },
    }
}

fn delete(pen: &mut Pen<'_>, name: &str, id: &str) -> Result<Reply, Reply> {
    if let Some(kind) = Kind::of(name) {
        return Ok(side::delete(pen, kind, id));
    }
    let id = number(id)?;
    match name {
        "client" => Ok(save::delete::<Clients>(pen, id)),
        "site" => Ok(save::delete::<Sites>(pen, id)),
        "users" => Ok(save::delete::<Users>(pen, id)),
        "asset" => Ok(save::delete::<Assets>(pen, id)),
        "clientcontract" => Ok(save::delete::<Contracts>(pen, id)),
        "recurringinvoice" => Ok(save::delete::<Invoices>(pen, id)),
        "item" => Ok(save::delete::<Items>(pen, id)),
        "tickets" => Ok(save::delete::<Tickets>(pen, id)),
        "actions" => action::delete(pen, id),
        _ => Err(Reply::empty(404)),
    }
}

fn number(id: &str) -> Result<i64, Reply> {
    id.parse().map_err(|_| wire::not_valid("id", id))
}
