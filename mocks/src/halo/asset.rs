//! `/Asset`. What an asset is made of beyond its identity (fields, key fields, type) is next door
//! in [`super::field`].

use serde_json::Value;

use super::body::Element;
use super::client::{Clients, PICTURE};
use super::common;
use super::contract::{self, Contracts};
use super::entity::{Cx, Entity, Filter};
use super::field;
use super::index::Place;
use super::save::Pen;
use super::site::{Sites, null_column};
use super::ticket::Tickets;
use super::user::Users;
use super::wire::{self, Fields};
use crate::vendor::Reply;
use crate::world::{Halo, HaloAsset, Mark};

/// The assets.
pub(super) struct Assets;

impl Entity for Assets {
    type Row = HaloAsset;
    const PLACE: Place = Place::Assets;
    const KEY: &'static str = "assets";
    const TABLE: i64 = 5;
    const ORDER: &'static str = "inventory_number";
    const ADVANCED: &'static [&'static str] = &[
        "id",
        "inventory_number",
        "key_field",
        "automate_id",
        "connectwisecontrolid",
        "intune_id",
        "site_id",
    ];
    const LIST_EXTRAS: &'static [&'static str] = &[
        "colour",
        "criticality",
        "status_id",
        "warranty_end",
        "warranty_start",
        "customfields",
        "datto_id",
        "ninjarmm_id",
        "third_party_id",
        "supplier_id",
        "business_owner_id",
        "business_owner_cab_id",
        "technical_owner_id",
        "sla_id",
        "priority_id",
        "automate_url",
        "connectwise_control_url",
        "itglue_url",
    ];
    const MODELLED: &'static [&'static str] = &[
        "inventory_number",
        "site_id",
        "site_name",
        "client_id",
        "client_name",
        "key_field",
        "key_field2",
        "key_field3",
        "automate_id",
        "connectwisecontrolid",
        "intune_id",
        "users",
        "username",
        "user_count",
        "first_user_id",
        "inactive",
        "fields",
        "use",
        "device_number",
        "assettype_name",
        "assetgroup_name",
        "contract_id",
        "contract_ref",
        "latest_contract_ref",
        "contract_end_date",
        "last_modified",
        "dlastupdate",
        "external_links",
        "isassetdetails",
        "icon",
        "contracts",
    ];
    const INTS: &'static [&'static str] = &[
        "client_id",
        "site_id",
        "assettype_id",
        "automate_id",
        "status_id",
        "criticality",
        "third_party_id",
        "business_owner_id",
        "technical_owner_id",
        "sla_id",
        "priority_id",
        "ninjarmm_id",
    ];

    fn rows(halo: &Halo) -> &Vec<HaloAsset> {
        &halo.assets
    }
    fn rows_mut(halo: &mut Halo) -> &mut Vec<HaloAsset> {
        &mut halo.assets
    }
    fn id(row: &HaloAsset) -> i64 {
        row.id
    }
    fn mark(row: &HaloAsset) -> &Mark {
        &row.mark
    }
    fn mark_mut(row: &mut HaloAsset) -> &mut Mark {
        &mut row.mark
    }
    fn name(row: &HaloAsset) -> &str {
        &row.inventory_number
    }
    fn inactive(row: &HaloAsset) -> bool {
        row.inactive
    }
    fn owner(row: &HaloAsset) -> i64 {
        row.site
    }
    fn names(row: &HaloAsset, _which: usize) -> &[i64] {
        &row.users
    }

    fn narrow(cx: &Cx<'_>) -> Result<Option<Vec<u32>>, Reply> {
        if let Some(user) = cx.query.id("user_id")? {
            return Ok(Some(cx.naming::<Self>(0, user)));
        }
        if let Some(contract) = cx.query.id("contract_id")? {
            let assets = cx.there::<Contracts>(contract).map(|c| c.assets.as_slice());
            return Ok(Some(cx.positions::<Self>(assets.unwrap_or_default())));
        }
        if let Some(ticket) = cx.query.id("ticket_id")? {
            let assets = cx.there::<Tickets>(ticket).map(|t| t.assets.as_slice());
            return Ok(Some(cx.positions::<Self>(assets.unwrap_or_default())));
        }
        if let Some(site) = cx.query.id("site_id")? {
            return Ok(Some(cx.owned::<Self>(site)));
        }
        Ok(cx.query.id("client_id")?.map(|client| common::of_client::<Self>(cx, client)))
    }

    fn filters<'a>(cx: &Cx<'a>) -> Result<Vec<Filter<'a, HaloAsset>>, Reply> {
        let mut filters: Vec<Filter<'a, HaloAsset>> = Vec::new();
        let number = |row: &HaloAsset| row.inventory_number.clone();
        if cx.query.flag("search_inventory_number_only") {
            common::search(cx, "search", &mut filters, number);
        } else {
            common::search(cx, "search", &mut filters, |row: &HaloAsset| {
                format!("{}\n{}", row.inventory_number, row.serial.as_deref().unwrap_or_default())
            });
        }
        common::search(cx, "inventory_number", &mut filters, number);
        common::updated::<Self>(cx, &mut filters);
        common::advanced::<Self>(cx, &mut filters, advanced_field)?;
        let own = *cx;
        if let Some(site) = cx.query.id("site_id")? {
            filters.push(Box::new(move |row| row.site == site));
        }
        if let Some(client) = cx.query.id("client_id")? {
            let of = move |site| own.find::<Sites>(site).map(|s| s.client);
            filters.push(Box::new(move |row| of(row.site) == Some(client)));
        }
        if let Some(kind) = cx.query.id("assettype_id")?.or(cx.query.id("assettype")?) {
            filters.push(Box::new(move |row| field::type_of(&own, row) == kind));
        }
        if let Some(kinds) = cx.query.ids("assettypes") {
            filters.push(Box::new(move |row| kinds.contains(&field::type_of(&own, row))));
        }
        if let Some(group) = cx.query.id("assetgroup_id")? {
            filters.push(Box::new(move |row| {
                field::group_of_type(field::type_of(&own, row)).0 == group
            }));
        }
        if let Some(name) = cx.query.text("username") {
            filters.push(Box::new(move |row| {
                user_names(&own, row).iter().any(|n| n.eq_ignore_ascii_case(name))
            }));
        }
        Ok(filters)
    }

    fn row(cx: &Cx<'_>, row: &HaloAsset) -> Fields {
        let mut fields = base(cx, row);
        if !cx.query.flag("noicon") {
            fields.set("icon", PICTURE);
        }
        // Fields come only together with the type whose fields they are.
        let kind = cx.query.id("assettype_id").ok().flatten();
        if kind.is_some() && cx.query.flag("includeassetfields") {
            fields.set("fields", field::of(cx, row));
        }
        fields
    }

    fn detail(cx: &Cx<'_>, row: &HaloAsset) -> Fields {
        let kind = field::type_of(cx, row);
        let mut fields = base(cx, row)
            .with("assetgroup_name", field::group_of_type(kind).1)
            .with("user_count", row.users.len())
            .with("notes", "")
            .with("dlastupdate", wire::stamp(row.mark.modified, row.id))
            .with("last_modified", wire::stamp(row.mark.modified, row.id));
        if cx.wants("includedetails") {
            fields.set("fields", field::of(cx, row));
            fields.set("users", cx.nested::<Users>(&row.users));
            let contracts = cx.naming::<Contracts>(0, row.id);
            let at = |at: &u32| cx.world.halo.contracts.get(usize::try_from(*at).ok()?);
            let ids: Vec<i64> = contracts.iter().filter_map(at).map(|c| c.id).collect();
            fields.set("contracts", cx.nested::<Contracts>(&ids));
            fields.set("parent_assets", Vec::<Value>::new());
            fields.set("child_assets", Vec::<Value>::new());
        }
        fields
    }

    fn blank(cx: &Cx<'_>, id: i64, mark: Mark, el: Element<'_>) -> Result<HaloAsset, Reply> {
        if el.int("assettype_id")?.is_none() {
            return Err(null_column("Dtype", "DEVICE"));
        }
        let site = match (el.int("site_id")?, el.int("client_id")?) {
            (Some(site), _) if site > 0 => Some(site),
            (_, Some(client)) if client > 0 => {
                cx.there::<Clients>(client).and_then(|c| common::first_site(cx, c.id))
            }
            _ => None,
        };
        let site = site.ok_or_else(|| null_column("Dsite", "DEVICE"))?;
        Ok(HaloAsset {
            id,
            site,
            machine: None,
            inventory_number: format!("{id:05}"),
            serial: None,
            automate_id: None,
            control_id: None,
            intune_id: None,
            users: Vec::new(),
            inactive: false,
            mark,
        })
    }

    fn merge(cx: &Cx<'_>, row: &mut HaloAsset, el: Element<'_>) -> Result<(), Reply> {
        if let Some(site) = el.int("site_id")?.filter(|s| *s > 0) {
            cx.there::<Sites>(site).ok_or_else(|| Reply::empty(404))?;
            row.site = site;
        }
        if let Some(number) = el.text("inventory_number").filter(|n| !n.trim().is_empty()) {
            row.inventory_number = number;
        }
        if el.has("automate_id") {
            row.automate_id = el.int("automate_id")?.and_then(|id| u64::try_from(id).ok());
        }
        if let Some(id) = el.optional("connectwisecontrolid") {
            row.control_id = id.and_then(|id| id.parse().ok());
        }
        if let Some(id) = el.optional("intune_id") {
            row.intune_id = id.and_then(|id| id.parse().ok());
        }
        // The posted list takes the place of the old one.
        if let Some(users) = el.ids("users")? {
            if users.iter().any(|user| cx.there::<Users>(*user).is_none()) {
                return Err(Reply::empty(404));
            }
            row.users = users;
        }
        if let Some(serial) = field::posted_serial(el)? {
            row.serial = serial;
        }
        row.inactive = el.flag("inactive").unwrap_or(row.inactive);
        Ok(())
    }
}

/// Keeps posted fields and writes the history of what changed.
pub(super) fn after(pen: &mut Pen<'_>, id: i64, el: Element<'_>, before: Option<&HaloAsset>) {
    field::keep(pen, id, el);
    if let Some(before) = before {
        field::history(pen, id, before);
    }
}

fn base(cx: &Cx<'_>, row: &HaloAsset) -> Fields {
    let (site, client) = common::place(cx, row.site);
    let kind = field::type_of(cx, row);
    let contract = contract::first_in_force(cx, &cx.naming::<Contracts>(0, row.id));
    let key2 = row.machine.and_then(|m| cx.world.machines.get(m)).map(|m| m.model.clone());
    Fields::new()
        .with("id", row.id)
        .with("inventory_number", row.inventory_number.as_str())
        .maybe("key_field", row.serial.clone())
        .maybe("key_field2", key2)
        .maybe("client_id", client.map(|c| c.id))
        .maybe("client_name", client.map(|c| c.name.as_str()))
        .with("site_id", row.site)
        .maybe("site_name", site.map(|s| s.name.as_str()))
        .with("business_owner_id", -99)
        .with("business_owner_cab_id", 1)
        .with("technical_owner_id", 1)
        .with("username", user_names(cx, row).join(", "))
        .maybe("first_user_id", row.users.first().copied())
        .with("assettype_id", kind)
        .with("assettype_name", field::type_name(kind))
        .with("colour", "#e6e6e6")
        .maybe("warranty_end", (row.id % 3 == 0).then_some("1900-01-01T00:00:00"))
        .with("inactive", row.inactive)
        .maybe("contract_id", contract.map(|c| c.id))
        .maybe("contract_ref", contract.map(|c| c.reference.as_str()))
        .maybe("latest_contract_ref", contract.map(|c| c.reference.as_str()))
        .maybe("contract_end_date", contract.and_then(|c| c.end).map(wire::day))
        .maybe("automate_id", row.automate_id)
        .maybe("connectwisecontrolid", row.control_id.map(|id| id.to_string()))
        .maybe("intune_id", row.intune_id.map(|id| id.to_string()))
        .with("status_id", 1)
        .with("criticality", 0)
        .with("sla_id", -1)
        .with("priority_id", -1)
        .with("device_number", row.id)
        .with("customfields", Vec::<Value>::new())
        .with("use", "device")
}

fn user_names(cx: &Cx<'_>, row: &HaloAsset) -> Vec<String> {
    let users = row.users.iter().filter_map(|id| cx.there::<Users>(*id));
    users.map(|user| user.name.clone()).collect()
}

fn advanced_field(row: &HaloAsset, name: &str) -> Option<String> {
    match name {
        "id" => Some(row.id.to_string()),
        "inventory_number" => Some(row.inventory_number.clone()),
        "key_field" => row.serial.clone(),
        "automate_id" => row.automate_id.map(|id| id.to_string()),
        "connectwisecontrolid" => row.control_id.map(|id| id.to_string()),
        "intune_id" => row.intune_id.map(|id| id.to_string()),
        "site_id" => Some(row.site.to_string()),
        _ => None,
    }
}
