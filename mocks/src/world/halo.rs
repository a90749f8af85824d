//! HaloPSA's view: clients, contacts, assets and what was sold.

use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DirectoryNo, MachineNo, Mark, PersonNo, TenantNo};

/// HaloPSA's data.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Halo {
    /// Clients.
    pub clients: Vec<HaloClient>,
    /// Sites.
    pub sites: Vec<HaloSite>,
    /// Users (contacts).
    pub users: Vec<HaloUser>,
    /// Assets.
    pub assets: Vec<HaloAsset>,
    /// Items (products).
    pub items: Vec<HaloItem>,
    /// Contracts (agreements).
    pub contracts: Vec<HaloContract>,
    /// Recurring invoices.
    pub invoices: Vec<HaloInvoice>,
    /// Tickets.
    pub tickets: Vec<HaloTicket>,
    /// Directory to client mappings (row id, directory, client id).
    pub azure_tenants: Vec<(i64, DirectoryNo, i64)>,
}

/// A client of Halo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HaloClient {
    /// Its id.
    pub id: i64,
    /// The tenant; none for placeholders ("Unknown") and prospects.
    pub tenant: Option<TenantNo>,
    /// Name as Halo spells it.
    pub name: String,
    /// `inactive`.
    pub inactive: bool,
    /// Id of the client in Automate, where the Halo integration knows it.
    pub automate_id: Option<u64>,
    /// `domain`, where filled; never the only thing that tells whose client it is.
    pub domain: Option<String>,
    /// Whether nothing but a human can tell whose this is.
    pub by_hand: bool,
    /// Bookkeeping.
    pub mark: Mark,
}

/// A site of Halo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HaloSite {
    /// Its id.
    pub id: i64,
    /// Client id.
    pub client: i64,
    /// Name.
    pub name: String,
    /// `timezone` (IANA), where set.
    pub time_zone: Option<String>,
    /// `isstocklocation`.
    pub stock: bool,
    /// `inactive`.
    pub inactive: bool,
    /// Bookkeeping.
    pub mark: Mark,
}

/// A user of Halo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HaloUser {
    /// Its id.
    pub id: i64,
    /// Site id.
    pub site: i64,
    /// The person; none for "General User".
    pub person: Option<PersonNo>,
    /// Name.
    pub name: String,
    /// E-mail.
    pub email: Option<String>,
    /// `login`: the UPN, where filled.
    pub login: Option<String>,
    /// `azureoid`, where filled.
    pub azure_oid: Option<Uuid>,
    /// `inactive`.
    pub inactive: bool,
    /// Bookkeeping.
    pub mark: Mark,
}

/// An asset of Halo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HaloAsset {
    /// Its id.
    pub id: i64,
    /// Site id.
    pub site: i64,
    /// The machine; none for what is no computer.
    pub machine: Option<MachineNo>,
    /// `inventory_number`.
    pub inventory_number: String,
    /// Serial in the "Serial Number" field and `key_field`.
    pub serial: Option<String>,
    /// `automate_id`.
    pub automate_id: Option<u64>,
    /// `connectwisecontrolid`.
    pub control_id: Option<Uuid>,
    /// `intune_id`.
    pub intune_id: Option<Uuid>,
    /// Users linked.
    pub users: Vec<i64>,
    /// `inactive`.
    pub inactive: bool,
    /// Bookkeeping.
    pub mark: Mark,
}

/// An item (product) of Halo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HaloItem {
    /// Its id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// `isrecurringitem`.
    pub recurring: bool,
    /// No longer sold.
    pub inactive: bool,
    /// Bookkeeping.
    pub mark: Mark,
}

/// A contract (agreement) of Halo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HaloContract {
    /// Its id.
    pub id: i64,
    /// Client id.
    pub client: i64,
    /// `ref`.
    pub reference: String,
    /// `contracttype_name`.
    pub kind: String,
    /// First day.
    pub start: Option<NaiveDate>,
    /// Last day; none and sentinels are open.
    pub end: Option<NaiveDate>,
    /// How an unset date is printed (absent, 1899-12-30, 1900-01-01, 1901-01-01, 9999-12-31).
    pub unset: Option<NaiveDateTime>,
    /// `active`.
    pub active: bool,
    /// `contract_status`: "Active", "Draft", "Cancelled", "Expired".
    pub status: String,
    /// `expired` as the row says it (stale on some rows).
    pub expired: bool,
    /// Assets covered by name; empty is all.
    pub assets: Vec<i64>,
    /// Users covered by name.
    pub users: Vec<i64>,
    /// Bookkeeping.
    pub mark: Mark,
}

/// A recurring invoice of Halo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HaloInvoice {
    /// Its id (negative on some).
    pub id: i64,
    /// Client id.
    pub client: i64,
    /// Contract id.
    pub contract: Option<i64>,
    /// `disabled`.
    pub disabled: bool,
    /// Lines.
    pub lines: Vec<HaloLine>,
    /// Bookkeeping.
    pub mark: Mark,
}

/// A line of a recurring invoice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HaloLine {
    /// Its id.
    pub id: i64,
    /// Item id; none on heading rows.
    pub item: Option<i64>,
    /// A heading row (`isgroupdesc`).
    pub heading: bool,
    /// Quantity.
    pub quantity: f64,
    /// Price of one, in the client's currency.
    pub price: f64,
    /// First day.
    pub start: Option<NaiveDate>,
    /// Last day.
    pub end: Option<NaiveDate>,
    /// `isinactive`.
    pub inactive: bool,
}

/// A ticket of Halo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HaloTicket {
    /// Its id.
    pub id: i64,
    /// Summary.
    pub summary: String,
    /// Client, site and user ids.
    pub client: i64,
    /// Site id.
    pub site: i64,
    /// User id.
    pub user: Option<i64>,
    /// Assets.
    pub assets: Vec<i64>,
    /// Status id.
    pub status: i64,
    /// Bookkeeping.
    pub mark: Mark,
}
