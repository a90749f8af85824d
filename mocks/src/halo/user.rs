//! `/Users`: contacts. A user hangs off a site; the client follows from it.

use serde_json::Value;

use super::asset::Assets;
use super::azure;
use super::body::Element;
use super::client::Clients;
use super::common;
use super::contract::{self, Contracts};
use super::entity::{Cx, Entity, Filter};
use super::index::Place;
use super::site::{Sites, double, null_column};
use super::wire::{self, Fields};
use crate::vendor::Reply;
use crate::world::{Halo, HaloUser, Mark};

/// The users.
pub(super) struct Users;

/// The name of every site's placeholder contact.
pub(super) const GENERAL_USER: &str = "General User";

impl Entity for Users {
    type Row = HaloUser;
    const PLACE: Place = Place::Users;
    const KEY: &'static str = "users";
    const TABLE: i64 = 4;
    const ORDER: &'static str = "name";
    const ADVANCED: &'static [&'static str] =
        &["id", "name", "emailaddress", "login", "azureoid", "site_id"];
    const LIST_EXTRAS: &'static [&'static str] = &[
        "firstname",
        "surname",
        "initials",
        "title",
        "phonenumber",
        "phonenumber_preferred",
        "sitephonenumber",
        "homenumber",
        "mobilenumber",
        "mobilenumber2",
        "fax",
        "telpref",
        "notes",
        "other1",
        "other2",
        "other3",
        "other4",
        "other5",
        "isimportantcontact",
        "isserviceaccount",
        "linked_agent_id",
        "activedirectory_dn",
        "customfields",
        "role_list",
        "neversendemails",
        "colour",
    ];
    const MODELLED: &'static [&'static str] = &[
        "name",
        "site_id",
        "site_id_int",
        "site_name",
        "client_id",
        "client_name",
        "emailaddress",
        "login",
        "azureoid",
        "inactive",
        "use",
        "key",
        "table",
        "user_with_clientsite",
        "ulastupdate",
        "datecreated",
        "assets",
        "external_links",
        "isuserdetails",
        "azure_tenant_id",
        "azure_tenant_domain",
    ];
    const INTS: &'static [&'static str] =
        &["client_id", "site_id_int", "telpref", "linked_agent_id", "priority_id"];

    fn rows(halo: &Halo) -> &Vec<HaloUser> {
        &halo.users
    }
    fn rows_mut(halo: &mut Halo) -> &mut Vec<HaloUser> {
        &mut halo.users
    }
    fn id(row: &HaloUser) -> i64 {
        row.id
    }
    fn mark(row: &HaloUser) -> &Mark {
        &row.mark
    }
    fn mark_mut(row: &mut HaloUser) -> &mut Mark {
        &mut row.mark
    }
    fn name(row: &HaloUser) -> &str {
        &row.name
    }
    fn inactive(row: &HaloUser) -> bool {
        row.inactive
    }
    fn owner(row: &HaloUser) -> i64 {
        row.site
    }

    fn narrow(cx: &Cx<'_>) -> Result<Option<Vec<u32>>, Reply> {
        if let Some(asset) = cx.query.id("asset_id")? {
            let users = cx.there::<Assets>(asset).map(|a| a.users.as_slice());
            return Ok(Some(cx.positions::<Self>(users.unwrap_or_default())));
        }
        if let Some(contract) = cx.query.id("contract_id")? {
            let users = cx.there::<Contracts>(contract).map(|c| c.users.as_slice());
            return Ok(Some(cx.positions::<Self>(users.unwrap_or_default())));
        }
        if let Some(site) = cx.query.id("site_id")? {
            return Ok(Some(cx.owned::<Self>(site)));
        }
        let client = cx.query.id("client_id")?.or(cx.query.id("organisation_id")?);
        Ok(client.map(|client| common::of_client::<Self>(cx, client)))
    }

    fn filters<'a>(cx: &Cx<'a>) -> Result<Vec<Filter<'a, HaloUser>>, Reply> {
        let mut filters: Vec<Filter<'a, HaloUser>> = Vec::new();
        common::search(cx, "search", &mut filters, |row: &HaloUser| {
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            format!("{}\n{}\n{}", row.name, part(&row.email), part(&row.login))
        });
        common::updated::<Self>(cx, &mut filters);
        common::advanced::<Self>(cx, &mut filters, field)?;
        if cx.query.flag("exclude_generaluser") || cx.query.flag("exclude_defaultsiteusers") {
            filters.push(Box::new(|row| row.name != GENERAL_USER));
        }
        if let Some(site) = cx.query.id("site_id")? {
            filters.push(Box::new(move |row| row.site == site));
        }
        if let Some(client) = cx.query.id("client_id")? {
            let own = *cx;
            filters.push(Box::new(move |row| {
                own.find::<Sites>(row.site).is_some_and(|s| s.client == client)
            }));
        }
        let (own, place) = (*cx, Self::PLACE);
        let service = move |row: &HaloUser| {
            own.own.extra(place, row.id, "isserviceaccount") == Some(&Value::Bool(true))
        };
        if cx.query.switch("includeserviceaccount") == Some(false) {
            filters.push(Box::new(move |row| !service(row)));
        }
        if cx.query.switch("includenonserviceaccount") == Some(false) {
            filters.push(Box::new(service));
        }
        Ok(filters)
    }

    fn row(cx: &Cx<'_>, row: &HaloUser) -> Fields {
        let (site, client) = common::place(cx, row.site);
        let (site_name, client_name) = (site.map(|s| &*s.name), client.map(|c| &*c.name));
        let (first, last) = row.name.split_once(' ').unwrap_or((&row.name, ""));
        let initials: String = [first, last].iter().filter_map(|p| p.chars().next()).collect();
        let whole = format!(
            "{} ({}/{})",
            row.name,
            client_name.unwrap_or_default(),
            site_name.unwrap_or_default()
        );
        let contract = cx.naming::<Contracts>(1, row.id);
        let contract = contract::first_in_force(cx, &contract);
        Fields::new()
            .with("id", row.id)
            .with("name", row.name.as_str())
            .with("site_id", double(row.site))
            .with("site_id_int", row.site)
            .maybe("site_name", site_name)
            .maybe("client_id", client.map(|c| c.id))
            .maybe("client_name", client_name)
            .with("firstname", first)
            .with("surname", last)
            .with("initials", initials)
            .maybe("emailaddress", row.email.clone())
            .maybe("login", row.login.clone())
            .maybe("azureoid", row.azure_oid.map(|id| id.to_string()))
            .with("inactive", row.inactive)
            .with("colour", "#808080")
            .with("isimportantcontact", false)
            .with("isserviceaccount", false)
            .with("neversendemails", false)
            .with("telpref", 0)
            .with("priority_id", 0)
            .with("linked_agent_id", 0)
            .with("covered_by_contract", contract.is_some())
            .with("customfields", Vec::<Value>::new())
            .with("user_with_clientsite", whole)
            .with("use", "user")
            .with("key", row.id)
            .with("table", Self::TABLE)
    }

    fn detail(cx: &Cx<'_>, row: &HaloUser) -> Fields {
        let client = cx.find::<Sites>(row.site).map(|s| s.client);
        let tenants = client.map(|c| azure::of_client(cx, c)).unwrap_or_default();
        let tenant = tenants.first().filter(|_| row.azure_oid.is_some());
        let of = |name: &str| tenant.and_then(|t| t.get(name)).cloned();
        let mut fields = Self::row(cx, row)
            .with("datecreated", wire::stamp(row.mark.created, row.id))
            .with("ulastupdate", wire::stamp(row.mark.modified, row.id))
            .maybe("azure_tenant_id", of("azure_tenant_id"))
            .maybe("azure_tenant_domain", of("azure_tenant_domain"))
            .with("ismaincontact", false)
            .with("web_access_level", 0)
            .with("locked", false);
        if cx.query.flag("includeusersassets") {
            let assets = cx.naming::<Assets>(0, row.id);
            let at = |at: &u32| cx.world.halo.assets.get(usize::try_from(*at).ok()?);
            let ids: Vec<i64> = assets.iter().filter_map(at).map(|a| a.id).collect();
            fields.set("assets", cx.nested::<Assets>(&ids));
        }
        fields
    }

    fn blank(cx: &Cx<'_>, id: i64, mark: Mark, el: Element<'_>) -> Result<HaloUser, Reply> {
        let site = match (el.double_id("site_id")?, el.int("client_id")?) {
            (Some(site), _) if site > 0 => Some(site),
            (_, Some(client)) if client > 0 => {
                cx.there::<Clients>(client).and_then(|c| common::first_site(cx, c.id))
            }
            _ => None,
        };
        let site = site.ok_or_else(|| null_column("Usite", "USERS"))?;
        let (name, inactive) = (String::new(), false);
        let (person, email, login, azure_oid) = (None, None, None, None);
        Ok(HaloUser { id, site, person, name, email, login, azure_oid, inactive, mark })
    }

    fn merge(cx: &Cx<'_>, row: &mut HaloUser, el: Element<'_>) -> Result<(), Reply> {
        if let Some(site) = el.double_id("site_id")?.or(el.int("site_id_int")?).filter(|s| *s > 0) {
            cx.there::<Sites>(site).ok_or_else(|| Reply::empty(404))?;
            row.site = site;
        }
        let part = |name: &str| el.text(name).unwrap_or_default();
        let whole = format!("{} {}", part("firstname"), part("surname")).trim().to_owned();
        let name = el.text("name").filter(|n| !n.trim().is_empty());
        if let Some(name) =
            name.or_else(|| Some(whole).filter(|w| row.name.is_empty() && !w.is_empty()))
        {
            row.name = name;
        }
        if row.name.is_empty() {
            return Err(wire::exception("Invalid Name"));
        }
        if let Some(email) = el.optional("emailaddress") {
            row.email = email;
        }
        if let Some(login) = el.optional("login") {
            row.login = login;
        }
        if let Some(id) = el.optional("azureoid") {
            row.azure_oid = id.and_then(|id| id.parse().ok());
        }
        row.inactive = el.flag("inactive").unwrap_or(row.inactive);
        Ok(())
    }
}

fn field(row: &HaloUser, name: &str) -> Option<String> {
    match name {
        "id" => Some(row.id.to_string()),
        "name" => Some(row.name.clone()),
        "emailaddress" => row.email.clone(),
        "login" => row.login.clone(),
        "azureoid" => row.azure_oid.map(|id| id.to_string()),
        "site_id" => Some(row.site.to_string()),
        _ => None,
    }
}
