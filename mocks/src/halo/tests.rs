//! Tests of the face, one per thing that trips clients up, over a small world made by hand.

mod lists;
mod rows;
mod sign_in;
mod speed;
mod things;
mod tickets;
mod writes;

use std::sync::RwLock;

use chrono::{DateTime, NaiveDate, TimeZone as _, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::generate::generate_at;
use crate::vendor::{Call, Reply, Vendor};
use crate::world::{
    Halo, HaloAsset, HaloClient, HaloContract, HaloInvoice, HaloItem, HaloLine, HaloSite,
    HaloTicket, HaloUser, MachineKind, Mark, Options, World,
};

/// A face, its world and a token.
struct Bench {
    face: Box<dyn Vendor>,
    world: RwLock<World>,
    token: String,
}

impl Bench {
    /// With a token of these scopes over this world.
    fn over(world: World, scope: &str) -> Self {
        let mut bench =
            Self { face: super::face(), world: RwLock::new(world), token: String::new() };
        let reply = bench.sign_in(scope);
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        bench.token = json(&reply)["access_token"].as_str().unwrap().to_owned();
        bench
    }

    fn new() -> Self {
        Self::over(small(), "all")
    }

    fn sign_in(&self, scope: &str) -> Reply {
        let known = self.world.read().unwrap().credentials.clone();
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
            known.halo_client_id,
            known.halo_client_secret,
            scope.replace(' ', "+")
        );
        self.form("/auth/token", &form)
    }

    fn form(&self, target: &str, form: &str) -> Reply {
        let mut call = call("POST", target, form.as_bytes());
        call.headers.push(("content-type".into(), "application/x-www-form-urlencoded".into()));
        self.face.answer(&call, &self.world)
    }

    fn call(&self, method: &str, target: &str, body: &[u8], kind: Option<&str>) -> Reply {
        let mut call = call(method, target, body);
        call.headers.push(("authorization".into(), format!("Bearer {}", self.token)));
        call.headers.extend(kind.map(|kind| ("content-type".to_owned(), kind.to_owned())));
        self.face.answer(&call, &self.world)
    }

    fn get(&self, target: &str) -> Value {
        let reply = self.call("GET", target, b"", None);
        assert_eq!(reply.status, 200, "{target}: {}", String::from_utf8_lossy(&reply.body));
        json(&reply)
    }

    fn status(&self, method: &str, target: &str) -> u16 {
        self.call(method, target, b"", None).status
    }

    fn post(&self, target: &str, body: &Value) -> Reply {
        self.call("POST", target, body.to_string().as_bytes(), Some("application/json"))
    }

    /// The ids of the rows under a key.
    fn ids(&self, target: &str, key: &str) -> Vec<i64> {
        ids(&self.get(target)[key])
    }
}

fn ids(rows: &Value) -> Vec<i64> {
    rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

fn call(method: &str, target: &str, body: &[u8]) -> Call {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Call {
        method: method.into(),
        path: path.into(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: Vec::new(),
        body: body.to_vec(),
        base: "http://halo.test".into(),
    }
}

fn at(days: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2025, 1, 1, 12, 30, 15).unwrap()
        + chrono::Duration::days(days)
        + chrono::Duration::nanoseconds(123_456_700)
}

fn mark(days: i64) -> Mark {
    Mark { created: at(days), modified: at(days), born: 0, changed: 0, gone: None }
}

fn date(y: i32, m: u32, d: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(y, m, d)
}

/// 3 clients (one inactive) with a site each and a stock location, 130 users, 120 assets of which
/// ten are inactive, contracts and invoices of every kind, three tickets.
fn small() -> World {
    let mut world = empty();
    let halo = &mut world.halo;
    for (id, name, inactive) in [
        (1, "Unknown", false),
        (12, "Zeta Ltd", false),
        (13, "Alpha Ltd", false),
        (14, "Gone Ltd", true),
    ] {
        halo.clients.push(HaloClient {
            id,
            tenant: None,
            name: name.into(),
            inactive,
            automate_id: (id == 12).then_some(7),
            domain: (id == 12).then(|| "zeta.example".into()),
            by_hand: false,
            mark: mark(id % 3),
        });
        halo.sites.push(site(id + 6, id, "Main", false));
        halo.users.push(user(1_000 + id, id + 6, "General User"));
    }
    halo.sites.push(site(30, 12, "Stock room", true));
    for n in 0..130 {
        let mut user = user(100 + n, 18, &format!("Person {:03}", 130 - n));
        if n == 0 {
            user.email = Some("Ann.Smith@zeta.example".into());
            user.login = Some("ann@zeta.example".into());
            user.azure_oid = Some(Uuid::from_u128(0xA0));
        }
        user.inactive = n == 129;
        halo.users.push(user);
    }
    for n in 0..120 {
        halo.assets.push(asset(500 + n));
    }
    halo.items.extend([(60, "Seat", true, false), (61, "Old thing", false, true)].map(
        |(id, name, recurring, inactive)| HaloItem {
            id,
            name: name.into(),
            recurring,
            inactive,
            mark: mark(0),
        },
    ));
    agreements(halo);
    for id in 2_001..=2_003 {
        halo.tickets.push(HaloTicket {
            id,
            summary: format!("Trouble {id}"),
            client: 12,
            site: 18,
            user: Some(100),
            assets: if id == 2_001 { vec![501] } else { Vec::new() },
            status: if id == 2_003 { 9 } else { 1 },
            mark: mark(id - 2_001),
        });
    }
    halo.azure_tenants.push((1, 0, 12));
    world
}

fn agreements(halo: &mut Halo) {
    let unset = date(1899, 12, 30).and_then(|d| d.and_hms_opt(0, 0, 0));
    let base = HaloContract {
        id: 40,
        client: 12,
        reference: "Managed 40".into(),
        kind: "Managed Services".into(),
        start: date(2026, 1, 1),
        end: None,
        unset,
        active: true,
        status: "Active".into(),
        expired: false,
        assets: vec![501, 502],
        users: vec![100],
        mark: mark(0),
    };
    let ended = HaloContract { id: 41, end: date(2026, 3, 31), assets: vec![], ..base.clone() };
    let hidden = HaloContract { id: 42, active: false, status: "Draft".into(), ..ended.clone() };
    let plain = HaloContract { id: 43, start: None, unset: None, end: None, ..ended.clone() };
    halo.contracts.extend([base, ended, hidden, plain]);
    let line = |id, item, heading| HaloLine {
        id,
        item,
        heading,
        quantity: 2.5,
        price: 10.0,
        start: date(2026, 2, 1),
        end: None,
        inactive: false,
    };
    for (id, contract) in [(70_i64, Some(40)), (-71, None)] {
        let lines = vec![line(id.abs() * 10, None, true), line(id.abs() * 10 + 1, Some(60), false)];
        halo.invoices.push(HaloInvoice {
            id,
            client: 12,
            contract,
            disabled: false,
            lines,
            mark: mark(0),
        });
    }
}

fn site(id: i64, client: i64, name: &str, stock: bool) -> HaloSite {
    HaloSite {
        id,
        client,
        name: name.into(),
        time_zone: None,
        stock,
        inactive: false,
        mark: mark(0),
    }
}

fn user(id: i64, site: i64, name: &str) -> HaloUser {
    HaloUser {
        id,
        site,
        person: None,
        name: name.into(),
        email: None,
        login: None,
        azure_oid: None,
        inactive: false,
        mark: mark(0),
    }
}

fn asset(id: i64) -> HaloAsset {
    HaloAsset {
        id,
        site: 18,
        machine: (id == 501).then_some(0),
        inventory_number: format!("TAG-{id}"),
        serial: (id == 501).then(|| "SN-501".into()),
        automate_id: None,
        control_id: None,
        intune_id: None,
        users: if id == 501 { vec![100] } else { Vec::new() },
        inactive: id >= 610,
        mark: mark((id - 500) % 50),
    }
}

/// A generated world with its Halo emptied, one known machine and one known directory.
fn empty() -> World {
    let mut world = generate_at(&Options { computers: 5, ..Options::default() }, at(0));
    world.halo = Halo::default();
    for tenant in &mut world.tenants {
        tenant.operator = false;
    }
    let machine = &mut world.machines[0];
    machine.kind = MachineKind::Laptop;
    machine.manufacturer = "Contoso".into();
    machine.model = "Book 3".into();
    let directory = &mut world.directories[0];
    directory.id = Uuid::from_u128(0xD1);
    directory.default_domain = "zeta.example".into();
    let known = &mut world.credentials;
    known.halo_client_id = Uuid::from_u128(0xC1);
    known.halo_client_secret = "first-second".into();
    known.halo_tenant = "linchpin".into();
    known.halo_scopes = vec!["all".into()];
    world
}
