//! `/Site`. Stock locations are sites too and are listed unless the call leaves them out.

use serde_json::Value;

use super::azure;
use super::body::Element;
use super::client::{self, Clients};
use super::common;
use super::contract::Contracts;
use super::entity::{Cx, Entity, Filter};
use super::index::Place;
use super::save::Pen;
use super::wire::{self, Fields};
use crate::vendor::Reply;
use crate::world::{Halo, HaloSite, Mark};

/// The sites.
pub(super) struct Sites;

impl Entity for Sites {
    type Row = HaloSite;
    const PLACE: Place = Place::Sites;
    const KEY: &'static str = "sites";
    const TABLE: i64 = 3;
    const ORDER: &'static str = "name";
    const ADVANCED: &'static [&'static str] = &["id", "name"];
    const LIST_EXTRAS: &'static [&'static str] = &[
        "colour",
        "notes",
        "phonenumber",
        "ref",
        "sla_id",
        "customfields",
        "itglue_id",
        "country_code_name",
        "region_code_name",
        "delivery_address_line1",
        "maincontact_id",
    ];
    const MODELLED: &'static [&'static str] = &[
        "name",
        "client_id",
        "client_name",
        "clientsite_name",
        "inactive",
        "timezone",
        "isstocklocation",
        "use",
        "slastupdate",
        "datecreated",
        "external_links",
        "azuretenantid",
        "issitedetails",
    ];
    const INTS: &'static [&'static str] =
        &["sla_id", "maincontact_id", "cautomateid", "ninjarmmid"];

    fn rows(halo: &Halo) -> &Vec<HaloSite> {
        &halo.sites
    }
    fn rows_mut(halo: &mut Halo) -> &mut Vec<HaloSite> {
        &mut halo.sites
    }
    fn id(row: &HaloSite) -> i64 {
        row.id
    }
    fn mark(row: &HaloSite) -> &Mark {
        &row.mark
    }
    fn mark_mut(row: &mut HaloSite) -> &mut Mark {
        &mut row.mark
    }
    fn name(row: &HaloSite) -> &str {
        &row.name
    }
    fn inactive(row: &HaloSite) -> bool {
        row.inactive
    }
    fn owner(row: &HaloSite) -> i64 {
        row.client
    }

    fn narrow(cx: &Cx<'_>) -> Result<Option<Vec<u32>>, Reply> {
        if let Some(id) = cx.query.id("site_id")? {
            return Ok(Some(cx.positions::<Self>(&[id])));
        }
        Ok(cx.query.id("client_id")?.map(|client| cx.owned::<Self>(client)))
    }

    fn filters<'a>(cx: &Cx<'a>) -> Result<Vec<Filter<'a, HaloSite>>, Reply> {
        let mut filters: Vec<Filter<'a, HaloSite>> = Vec::new();
        let own = *cx;
        common::search(cx, "search", &mut filters, move |row: &HaloSite| {
            let client = own.find::<Clients>(row.client).map_or("", |c| c.name.as_str());
            format!("{client}/{}", row.name)
        });
        common::updated::<Self>(cx, &mut filters);
        common::advanced::<Self>(cx, &mut filters, |row, name| match name {
            "id" => Some(row.id.to_string()),
            _ => Some(row.name.clone()),
        })?;
        if let Some(client) = cx.query.id("client_id")? {
            filters.push(Box::new(move |row| row.client == client));
        }
        if let Some(contract) = cx.query.id("contract_id")? {
            // Contracts are sold to clients; all of the client's sites are under it.
            let client = cx.there::<Contracts>(contract).map(|c| c.client);
            filters.push(Box::new(move |row| Some(row.client) == client));
        }
        if cx.query.switch("includestocklocations") == Some(false) {
            filters.push(Box::new(|row| !row.stock));
        }
        if cx.query.switch("includenonstocklocations") == Some(false) {
            filters.push(Box::new(|row| row.stock));
        }
        Ok(filters)
    }

    fn row(cx: &Cx<'_>, row: &HaloSite) -> Fields {
        let client = cx.find::<Clients>(row.client).map(|c| c.name.as_str());
        Fields::new()
            .with("id", row.id)
            .with("name", row.name.as_str())
            .with("client_id", double(row.client))
            .maybe("client_name", client)
            .with("clientsite_name", format!("{}/{}", client.unwrap_or_default(), row.name))
            .with("inactive", row.inactive)
            .with("sla_id", -1)
            .with("phonenumber", "")
            .with("colour", "#a0a0a0")
            .maybe("timezone", row.time_zone.clone())
            .with("invoice_address_isdelivery", true)
            .with("isstocklocation", row.stock)
            .with("messagegroup_id", -1)
            .with("customfields", Vec::<Value>::new())
            .with("use", "site")
    }

    fn detail(cx: &Cx<'_>, row: &HaloSite) -> Fields {
        let tenants = azure::of_client(cx, row.client);
        let tenant = tenants.first().and_then(|t| t.get("azure_tenant_id")).cloned();
        Self::row(cx, row)
            .with("datecreated", wire::stamp(row.mark.created, row.id))
            .with("slastupdate", wire::stamp(row.mark.modified, row.id))
            .with("isinvoicesite", common::first_site(cx, row.client) == Some(row.id))
            .with("stopped", 0)
            .maybe("azuretenantid", tenant)
    }

    fn blank(cx: &Cx<'_>, id: i64, mark: Mark, el: Element<'_>) -> Result<HaloSite, Reply> {
        let name = el.text("name").filter(|n| !n.trim().is_empty());
        let name = name.ok_or_else(|| wire::exception("Invalid Name"))?;
        let client = el.double_id("client_id")?.filter(|c| cx.there::<Clients>(*c).is_some());
        let client = client.ok_or_else(|| null_column("Sarea", "SITE"))?;
        let (time_zone, stock, inactive) = (None, false, false);
        Ok(HaloSite { id, client, name, time_zone, stock, inactive, mark })
    }

    fn merge(cx: &Cx<'_>, row: &mut HaloSite, el: Element<'_>) -> Result<(), Reply> {
        if let Some(name) = el.text("name").filter(|n| !n.trim().is_empty()) {
            row.name = name;
        }
        if let Some(client) = el.double_id("client_id")?.filter(|id| *id > 0) {
            cx.there::<Clients>(client).ok_or_else(|| Reply::empty(404))?;
            row.client = client;
        }
        if let Some(zone) = el.optional("timezone") {
            row.time_zone = zone;
        }
        row.inactive = el.flag("inactive").unwrap_or(row.inactive);
        row.stock = el.flag("isstocklocation").unwrap_or(row.stock);
        Ok(())
    }
}

/// Every site has its placeholder contact.
pub(super) fn after(pen: &mut Pen<'_>, id: i64, _el: Element<'_>, before: Option<&HaloSite>) {
    if before.is_none() {
        client::add_general_user(pen, id);
    }
}

/// An id of a kind that Halo types as a double: 18 is printed `18.0`.
pub(super) fn double(id: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "ids are far below 2^52")]
    let id = id as f64;
    id
}

/// What the database says when something was left out that it needs.
pub(super) fn null_column(column: &str, table: &str) -> Reply {
    wire::exception(&format!(
        "A database error occurred (515) - Cannot insert the value NULL into column '{column}', \
         table 'Halo.dbo.{table}'; column does not allow nulls. INSERT fails."
    ))
}
