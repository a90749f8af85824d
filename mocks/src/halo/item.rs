//! `/Item`: products. Whether one is inactive is nowhere in the row: ask with and without.

use serde_json::Value;

use super::body::Element;
use super::common;
use super::entity::{Cx, Entity, Filter};
use super::index::Place;
use super::wire::{self, Fields};
use crate::vendor::Reply;
use crate::world::{Halo, HaloItem, Mark};

/// The items.
pub(super) struct Items;

impl Entity for Items {
    type Row = HaloItem;
    const PLACE: Place = Place::Items;
    const KEY: &'static str = "items";
    const TABLE: i64 = 8;
    const ORDER: &'static str = "name";
    const IDS_ONLY: bool = false;
    const ADVANCED: &'static [&'static str] = &["id", "name"];
    const LIST_EXTRAS: &'static [&'static str] = &[
        "description",
        "internalreference",
        "externalreference",
        "supplier_part_code",
        "baseprice",
        "costprice",
        "recurringprice",
        "recurringcost",
        "assetgroup_id",
        "assettype_id",
        "nominalcode",
        "accountsid",
        "supplier_id",
        "third_party_id",
        "customfields",
        "status",
    ];
    const MODELLED: &'static [&'static str] = &[
        "name",
        "isrecurringitem",
        "inactive",
        "use",
        "datecreated",
        "lastmodified",
        "external_links",
        "isitemdetails",
    ];
    const INTS: &'static [&'static str] =
        &["assetgroup_id", "assettype_id", "supplier_id", "status", "taxcode", "type"];

    fn rows(halo: &Halo) -> &Vec<HaloItem> {
        &halo.items
    }
    fn rows_mut(halo: &mut Halo) -> &mut Vec<HaloItem> {
        &mut halo.items
    }
    fn id(row: &HaloItem) -> i64 {
        row.id
    }
    fn mark(row: &HaloItem) -> &Mark {
        &row.mark
    }
    fn mark_mut(row: &mut HaloItem) -> &mut Mark {
        &mut row.mark
    }
    fn name(row: &HaloItem) -> &str {
        &row.name
    }
    fn inactive(row: &HaloItem) -> bool {
        row.inactive
    }
    fn owner(_row: &HaloItem) -> i64 {
        0
    }

    fn filters<'a>(cx: &Cx<'a>) -> Result<Vec<Filter<'a, HaloItem>>, Reply> {
        let mut filters: Vec<Filter<'a, HaloItem>> = Vec::new();
        for name in ["search", "search1"] {
            common::search(cx, name, &mut filters, |row: &HaloItem| row.name.clone());
        }
        common::advanced::<Self>(cx, &mut filters, |row, name| match name {
            "id" => Some(row.id.to_string()),
            _ => Some(row.name.clone()),
        })?;
        if cx.query.flag("recurringonly") {
            filters.push(Box::new(|row| row.recurring));
        }
        if cx.query.flag("excluderecurring") {
            filters.push(Box::new(|row| !row.recurring));
        }
        Ok(filters)
    }

    fn row(_cx: &Cx<'_>, row: &HaloItem) -> Fields {
        Fields::new()
            .with("id", row.id)
            .with("use", "item")
            .with("name", row.name.as_str())
            .with("status", 0)
            .with("type", 0)
            .with("isrecurringitem", row.recurring)
            .with("iscontractitem", false)
            .with("assetgroup_id", 40)
            .with("assetgroup_name", "Services")
            .with("baseprice", 0.0)
            .with("costprice", 0.0)
            .with("recurringprice", 0.0)
            .with("recurringcost", 0.0)
            .with("quantity_in_stock", 0.0)
            .with("taxable", true)
            .with("customfields", Vec::<Value>::new())
    }

    fn detail(cx: &Cx<'_>, row: &HaloItem) -> Fields {
        Self::row(cx, row)
            .with("description", row.name.as_str())
            .with("datecreated", wire::stamp(row.mark.created, row.id))
            .with("lastmodified", wire::stamp(row.mark.modified, row.id))
    }

    fn blank(_cx: &Cx<'_>, id: i64, mark: Mark, el: Element<'_>) -> Result<HaloItem, Reply> {
        let name = el.text("name").filter(|n| !n.trim().is_empty());
        let name = name.ok_or_else(|| wire::exception("Invalid Name"))?;
        Ok(HaloItem { id, name, recurring: false, inactive: false, mark })
    }

    fn merge(_cx: &Cx<'_>, row: &mut HaloItem, el: Element<'_>) -> Result<(), Reply> {
        if let Some(name) = el.text("name").filter(|n| !n.trim().is_empty()) {
            row.name = name;
        }
        row.recurring = el.flag("isrecurringitem").unwrap_or(row.recurring);
        row.inactive = el.flag("inactive").unwrap_or(row.inactive);
        Ok(())
    }
}
