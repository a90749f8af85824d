//! `/Client`.

use serde_json::Value;

use super::azure;
use super::body::Element;
use super::common;
use super::entity::{Cx, Entity, Filter};
use super::index::Place;
use super::save::Pen;
use super::site::Sites;
use super::user::Users;
use super::wire::{self, Fields};
use crate::vendor::Reply;
use crate::world::{Halo, HaloClient, HaloSite, HaloUser, Mark};

/// The clients.
pub(super) struct Clients;

/// A one-pixel picture: rows carry their logo, however little it tells.
pub(super) const PICTURE: &str = "data:image/png;base64,\
    iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

impl Entity for Clients {
    type Row = HaloClient;
    const PLACE: Place = Place::Clients;
    const KEY: &'static str = "clients";
    const TABLE: i64 = 2;
    const ORDER: &'static str = "name";
    const ADVANCED: &'static [&'static str] = &["id", "name", "domain", "cautomateid"];
    const LIST_EXTRAS: &'static [&'static str] = &[
        "colour",
        "notes",
        "ref",
        "accountsid",
        "xeroid",
        "is_vip",
        "stopped",
        "customertype",
        "customfields",
        "itglue_id",
        "item_tax_code",
        "is_account",
    ];
    const MODELLED: &'static [&'static str] = &[
        "name",
        "inactive",
        "cautomateid",
        "domain",
        "key",
        "use",
        "table",
        "logo",
        "alastupdate",
        "datecreated",
        "azure_tenants",
        "azure_tenant_id",
        "external_links",
        "main_site_id",
        "main_site_name",
        "toplevel_name",
        "newclient_sitename",
        "newclient_contactname",
        "newclient_contactemail",
        "isclientdetails",
    ];
    const INTS: &'static [&'static str] =
        &["toplevel_id", "cautomateid", "stopped", "customertype"];

    fn rows(halo: &Halo) -> &Vec<HaloClient> {
        &halo.clients
    }
    fn rows_mut(halo: &mut Halo) -> &mut Vec<HaloClient> {
        &mut halo.clients
    }
    fn id(row: &HaloClient) -> i64 {
        row.id
    }
    fn mark(row: &HaloClient) -> &Mark {
        &row.mark
    }
    fn mark_mut(row: &mut HaloClient) -> &mut Mark {
        &mut row.mark
    }
    fn name(row: &HaloClient) -> &str {
        &row.name
    }
    fn inactive(row: &HaloClient) -> bool {
        row.inactive
    }
    fn owner(_row: &HaloClient) -> i64 {
        1
    }

    fn filters<'a>(cx: &Cx<'a>) -> Result<Vec<Filter<'a, HaloClient>>, Reply> {
        let mut filters: Vec<Filter<'a, HaloClient>> = Vec::new();
        let name = |row: &HaloClient| row.name.clone();
        common::search(cx, "search", &mut filters, name);
        common::search(cx, "search_name_only", &mut filters, name);
        common::updated::<Self>(cx, &mut filters);
        common::advanced::<Self>(cx, &mut filters, field)?;
        if let Some(domain) = cx.query.text("domain") {
            filters.push(Box::new(move |row| {
                row.domain.as_deref().is_some_and(|d| d.eq_ignore_ascii_case(domain))
            }));
        }
        if cx.query.id("toplevel_id")?.is_some_and(|id| id != 1) {
            filters.push(Box::new(|_| false));
        }
        if cx.query.flag("exclude_internal") {
            let tenants = &cx.world.tenants;
            filters.push(Box::new(move |row| {
                !row.tenant.and_then(|t| tenants.get(t)).is_some_and(|t| t.operator)
            }));
        }
        Ok(filters)
    }

    fn row(cx: &Cx<'_>, row: &HaloClient) -> Fields {
        let fields = base(row);
        if cx.query.flag("includeazuretenants") {
            return fields.with("azure_tenants", azure::of_client(cx, row.id));
        }
        fields
    }

    fn detail(cx: &Cx<'_>, row: &HaloClient) -> Fields {
        let site = common::first_site(cx, row.id);
        let tenants = azure::of_client(cx, row.id);
        let first = tenants.first().and_then(|t| t.get("azure_tenant_id")).cloned();
        base(row)
            .maybe("domain", row.domain.clone())
            .maybe("website", row.domain.as_ref().map(|d| format!("https://www.{d}")))
            .with("datecreated", wire::stamp(row.mark.created, row.id))
            .with("alastupdate", wire::stamp(row.mark.modified, row.id))
            .maybe("main_site_id", site)
            .maybe("main_site_name", site.and_then(|id| Some(cx.find::<Sites>(id)?.name.clone())))
            .with("azure_tenants", tenants)
            .maybe("azure_tenant_id", first)
    }

    fn blank(_cx: &Cx<'_>, id: i64, mark: Mark, el: Element<'_>) -> Result<HaloClient, Reply> {
        let name = el.text("name").filter(|n| !n.trim().is_empty());
        let name = name.ok_or_else(|| wire::exception("Invalid Name"))?;
        Ok(HaloClient {
            id,
            tenant: None,
            name,
            inactive: false,
            automate_id: None,
            domain: None,
            by_hand: false,
            mark,
        })
    }

    fn merge(_cx: &Cx<'_>, row: &mut HaloClient, el: Element<'_>) -> Result<(), Reply> {
        if let Some(name) = el.text("name").filter(|n| !n.trim().is_empty()) {
            row.name = name;
        }
        row.inactive = el.flag("inactive").unwrap_or(row.inactive);
        if el.has("cautomateid") {
            row.automate_id = el.int("cautomateid")?.and_then(|id| u64::try_from(id).ok());
        }
        if let Some(domain) = el.optional("domain") {
            row.domain = domain;
        }
        Ok(())
    }
}

/// A new client gets a site, and every site its placeholder contact.
pub(super) fn after(pen: &mut Pen<'_>, id: i64, el: Element<'_>, before: Option<&HaloClient>) {
    if before.is_some() {
        return;
    }
    let text = |name: &str| el.text(name).filter(|t| !t.trim().is_empty());
    let name = text("newclient_sitename").unwrap_or_else(|| "Main".to_owned());
    let (site, mark) = (pen.next_id::<Sites>(), pen.new_mark());
    let row = HaloSite {
        id: site,
        client: id,
        name,
        time_zone: None,
        stock: false,
        inactive: false,
        mark,
    };
    pen.push::<Sites>(row);
    add_general_user(pen, site);
    if let Some(name) = text("newclient_contactname") {
        add_user(pen, site, name, text("newclient_contactemail"));
    }
}

/// Adds the placeholder contact of a site.
pub(super) fn add_general_user(pen: &mut Pen<'_>, site: i64) {
    add_user(pen, site, "General User".to_owned(), None);
}

fn add_user(pen: &mut Pen<'_>, site: i64, name: String, email: Option<String>) {
    let (id, mark) = (pen.next_id::<Users>(), pen.new_mark());
    pen.push::<Users>(HaloUser {
        id,
        site,
        person: None,
        name,
        email,
        login: None,
        azure_oid: None,
        inactive: false,
        mark,
    });
}

fn base(row: &HaloClient) -> Fields {
    Fields::new()
        .with("id", row.id)
        .with("name", row.name.as_str())
        .with("toplevel_id", 1)
        .with("toplevel_name", "Customers")
        .with("inactive", row.inactive)
        .with("colour", "#5bb2e0")
        .with("logo", PICTURE)
        .with("stopped", 0)
        .with("customertype", 0)
        .with("is_vip", false)
        .maybe("cautomateid", row.automate_id)
        .with("customfields", Vec::<Value>::new())
        .with("use", "client")
        .with("key", row.id)
        .with("table", Clients::TABLE)
}

fn field(row: &HaloClient, name: &str) -> Option<String> {
    match name {
        "id" => Some(row.id.to_string()),
        "name" => Some(row.name.clone()),
        "domain" => row.domain.clone(),
        "cautomateid" => row.automate_id.map(|id| id.to_string()),
        _ => None,
    }
}
