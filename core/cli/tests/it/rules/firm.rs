//! A small MSP that is written straight into a store, with the deployments that the tests ask about.
//!
//! Contoso (Berlin) with a CEO, a finance group with a group in it, a server and a CNC machine, and
//! Northwind below it; Fabrikam (Chicago), whose directory nobody could read.

use chrono::{DateTime, NaiveDate, Utc};
use core_library::Library;
use core_model::entity::{
    Agent, Agreement, AgreementLine, Computer, ConnectionGroup, ConnectionMember, Entity,
    EntityRow, Group, Membership, Person, Product, Tenant,
};
use core_model::event::Cause;
use core_model::id::{
    AgentId, AgreementId, ComputerId, ConnectionGroupId, ConnectionMemberId, GroupId, LineId,
    MembershipId, PersonId, ProductId, TenantId,
};
use core_model::run::{Outcome, Run};
use core_snapshot::rows;
use core_store::{DefinitionChange, ModelChange, Store, StreamKey};
use serde_json::{Value, json};

use super::library;
use crate::run::{Place, Ran};

/// When everything was first read, and when Ben joined Accounting.
pub(crate) const FIRST: &str = "2026-11-01T08:00:00Z";
pub(crate) const JOINED: &str = "2026-11-15T08:00:00Z";

const SETTINGS: &str = "[hub]\ndatabase = \"sqlite://hub.db\"\n";

/// The MSP's folder.
pub(crate) struct Firm {
    place: Place,
}

fn at(text: &str) -> i64 {
    text.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
}

fn made() -> i64 {
    at(FIRST)
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::of_text(name, made())
}

pub(crate) fn computer(name: &str) -> ComputerId {
    ComputerId::of_text(name, made())
}

pub(crate) fn person(name: &str) -> PersonId {
    PersonId::of_text(name, made())
}

pub(crate) fn group(name: &str) -> GroupId {
    GroupId::of_text(name, made())
}

pub(crate) fn product(name: &str) -> ProductId {
    ProductId::of_text(name, made())
}

fn row<E: Entity>(value: Value) -> EntityRow {
    serde_json::from_value::<E>(value).unwrap().row()
}

fn a_tenant(name: &str, zone: &str) -> EntityRow {
    row::<Tenant>(json!({
        "id": tenant(name), "name": name, "clients": [], "domains": [], "time_zone": zone,
        "operator": false, "suspended": false,
    }))
}

fn a_person(name: &str, of: &str) -> EntityRow {
    let first = name.split(' ').next().unwrap().to_lowercase();
    row::<Person>(json!({
        "id": person(name), "tenant": tenant(of), "connection": "entra", "directory": of,
        "directory_id": name, "upn": format!("{first}@{}.com", of.to_lowercase()),
        "display_name": name, "account": "member", "disabled": false, "gone": false,
    }))
}

fn a_group(name: &str, of: &str) -> EntityRow {
    row::<Group>(json!({
        "id": group(&format!("{name} of {of}")), "tenant": tenant(of), "connection": "entra",
        "directory": of, "directory_id": name, "name": name, "group_type": "security",
        "dynamic": false, "on_premises": false, "gone": false,
    }))
}

fn a_member(of: &str, group: &str, kind: &str, member: &str) -> EntityRow {
    row::<Membership>(json!({
        "id": MembershipId::of_text(&format!("{group}/{member}"), made()), "tenant": tenant(of),
        "connection": "entra", "directory": of, "group": group, "member_kind": kind,
        "member": member, "gone": false,
    }))
}

/// A computer with an agent in Automate; one without a system was never read.
fn a_computer(name: &str, of: &str, user: Option<&str>, os: Option<&str>) -> Vec<EntityRow> {
    let agent = AgentId::of_text(name, made());
    let role = os.map(|os| if os.contains("Server") { "server" } else { "workstation" });
    let chassis = os.map(|os| if os.contains("Server") { "virtual" } else { "stationary" });
    let primary = user.map(
        |user| json!({ "person": person(user), "reason": { "by": "most", "times": 8, "of": 10 } }),
    );
    let computer = row::<Computer>(json!({
        "id": computer(name), "tenant": tenant(of), "name": name, "agents": [agent], "uuids": [],
        "serial": null, "manufacturer": null, "model": null, "os": os, "role": role,
        "chassis": chassis, "directory_device": null,
        "onboarding": if os.is_some() { "done" } else { "needed" }, "primary": primary,
        "gone": false,
    }));
    let agent = row::<Agent>(json!({
        "id": agent, "connection": "automate", "key": name, "host": name, "client": null,
        "tenant": tenant(of), "computer": self::computer(name), "state": "matched",
        "rule": "R8", "why": "", "evidence": {}, "runs_scripts": true, "os": os,
        "properties": [["Role", if name.starts_with("CNC") { "Machine" } else { "Desk" }]],
        "gone": false,
    }));
    vec![computer, agent]
}

fn line(of: &str, product: &str, quantity: f64, dates: &Value) -> EntityRow {
    row::<AgreementLine>(json!({
        "id": LineId::of_text(&format!("{of}/{product}"), made()), "connection": "halo",
        "key": format!("{of}/{product}"), "agreement": of, "tenant": tenant(of),
        "product": product, "name": product, "quantity": quantity, "dates": dates,
        "inactive": false, "gone": false,
    }))
}

fn agreements() -> Vec<EntityRow> {
    let agreement = |of: &str| {
        row::<Agreement>(json!({
            "id": AgreementId::of_text(of, made()), "connection": "halo", "key": of,
            "client": null, "tenant": tenant(of), "name": format!("{of} all inclusive"),
            "agreement_type": "Managed Services", "dates": {}, "state": "active",
            "coverage": "all", "gone": false,
        }))
    };
    let product = |name: &str| {
        row::<Product>(json!({
            "id": product(name), "connection": "halo", "key": name, "name": name,
            "recurring": true, "inactive": false, "gone": false,
        }))
    };
    let until = json!({ "end": "2096-12-31" });
    vec![
        product("Managed Security"),
        product("Backup"),
        agreement("Contoso"),
        agreement("Fabrikam"),
        line("Contoso", "Managed Security", 6.0, &until),
        line("Contoso", "Backup", 2.5, &json!({})),
        line("Fabrikam", "Managed Security", 1.0, &json!({})),
    ]
}

fn model() -> Vec<EntityRow> {
    let windows = Some("Windows 11 Pro");
    let mut all = vec![
        a_tenant("Contoso", "Europe/Berlin"),
        a_tenant("Northwind", "Europe/Berlin"),
        a_tenant("Fabrikam", "America/Chicago"),
        a_person("Ana Silva", "Contoso"),
        a_person("Ben Ito", "Contoso"),
        a_person("Carla Stone", "Contoso"),
        a_person("Dora Lind", "Fabrikam"),
        a_group("Finance", "Contoso"),
        a_group("Accounting", "Contoso"),
        a_group("Finance", "Fabrikam"),
        a_member("Contoso", "Finance", "person", "Ana Silva"),
        a_member("Contoso", "Finance", "person", "Carla Stone"),
        a_member("Contoso", "Finance", "group", "Accounting"),
    ];
    for (name, of, user, os) in [
        ("PC-001", "Contoso", Some("Carla Stone"), windows),
        ("PC-041", "Contoso", Some("Ben Ito"), windows),
        ("PC-042", "Contoso", Some("Ana Silva"), windows),
        ("CNC-7", "Contoso", None, Some("Windows 7 Professional")),
        ("SRV-01", "Contoso", None, Some("Windows Server 2022 Standard")),
        ("NW-1", "Northwind", None, windows),
        ("FAB-1", "Fabrikam", Some("Dora Lind"), windows),
        ("FAB-2", "Fabrikam", None, None),
    ] {
        all.extend(a_computer(name, of, user, os));
    }
    all.push(row::<ConnectionGroup>(json!({
        "id": ConnectionGroupId::of_text("machines", made()), "connection": "automate",
        "key": "7", "group_kind": "group", "name": "Shop floor", "tenant": null, "gone": false,
    })));
    all.push(row::<ConnectionMember>(json!({
        "id": ConnectionMemberId::of_text("machines/CNC-7", made()), "connection": "automate",
        "group": "7", "agent": "CNC-7", "gone": false,
    })));
    all.extend(agreements());
    all
}

/// Streams with when they were last read to the end; the directory of Fabrikam never was.
async fn read_streams(store: &Store, now: i64) {
    let all = [
        ("entra", "azure-ad", "users", "Contoso"),
        ("entra", "azure-ad", "groups", "Contoso"),
        ("entra", "azure-ad", "users", "Fabrikam"),
        ("entra", "azure-ad", "groups", "Fabrikam"),
        ("automate", "cw-automate", "computers", ""),
        ("automate", "cw-automate", "groups", ""),
        ("halo", "halopsa", "items", ""),
        ("halo", "halopsa", "contracts", ""),
        ("halo", "halopsa", "invoices", ""),
    ];
    for (place, (connection, connector, stream, scope)) in all.into_iter().enumerate() {
        let key = StreamKey {
            connection: connection.to_owned(),
            connector: connector.to_owned(),
            stream: stream.to_owned(),
            scope: scope.to_owned(),
            scope_name: scope.to_owned(),
        };
        store.ensure_stream(&key).await.unwrap();
        let failed = scope == "Fabrikam" && stream == "groups";
        for ended in [made(), at("2026-11-14T08:00:00Z"), now] {
            let run = Run {
                id: format!("run_{place}_{ended}"),
                connection: connection.to_owned(),
                stream: stream.to_owned(),
                scope: scope.to_owned(),
                trigger: "manual".to_owned(),
                mode: "full".to_owned(),
                started_us: ended - 1000,
                ended_us: Some(ended),
                outcome: if failed { Outcome::Failed } else { Outcome::Complete },
                counts: core_model::run::Counts::default(),
                error_kind: None,
                error: None,
                remedy: None,
            };
            store.finish_run(&run).await.unwrap();
        }
    }
}

impl Firm {
    /// Writes the MSP into a store, with its deployments in two saves.
    pub(crate) async fn new() -> Self {
        let firm = Self { place: Place::empty() };
        firm.write("");
        let store = firm.store().await;
        firm.apply(&store, model(), at(FIRST)).await;
        let ben = vec![a_member("Contoso", "Accounting", "person", "Ben Ito")];
        firm.apply(&store, ben, at(JOINED)).await;
        read_streams(&store, Utc::now().timestamp_micros()).await;
        let (first, second) = (library::first(), library::second());
        firm.save(&store, &Library::default(), &first, ("ana", "the beginning", FIRST)).await;
        firm.save(&store, &first, &second, ("ben", "", "2026-11-20T09:30:00Z")).await;
        firm
    }

    /// Writes the settings; `more` stands at their end.
    pub(crate) fn write(&self, more: &str) {
        self.put("linchpin.toml", &format!("{SETTINGS}{more}"));
    }

    /// Writes a file of the MSP's folder.
    pub(crate) fn put(&self, path: &str, text: &str) {
        self.place.write(path, text);
    }

    /// The text of a file of the MSP's folder.
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.place.path().join(path)).unwrap()
    }

    /// The path of something in the MSP's folder.
    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.place.path().join(name)
    }

    /// The store.
    pub(crate) async fn store(&self) -> Store {
        let path = self.place.path().join("hub.db");
        Store::open(&path.to_string_lossy()).await.unwrap()
    }

    /// A computer that comes to a tenant.
    pub(crate) async fn arrives(&self, store: &Store, name: &str, of: &str) {
        let computer = a_computer(name, of, None, Some("Windows 11 Pro"));
        self.apply(store, computer, Utc::now().timestamp_micros()).await;
    }

    /// A line of an agreement has a first day.
    pub(crate) async fn line_begins(
        &self,
        store: &Store,
        (of, product): (&str, &str),
        day: NaiveDate,
    ) {
        let line = line(of, product, 2.5, &json!({ "start": day }));
        self.apply(store, vec![line], Utc::now().timestamp_micros()).await;
    }

    async fn apply(&self, store: &Store, upserts: Vec<EntityRow>, now_us: i64) {
        let (removals, cause, cursors) = (Vec::new(), &Cause::Run, &[][..]);
        store.apply(ModelChange { upserts, removals, cause, cursors, now_us }).await.unwrap();
    }

    /// Saves definitions.
    pub(crate) async fn save(
        &self,
        store: &Store,
        before: &Library,
        after: &Library,
        (author, note, when): (&str, &str, &str),
    ) {
        let rows = rows(before, after);
        let base = store.last_revision().await.unwrap();
        let now_us = at(when);
        let change = DefinitionChange { base, rows: &rows, author, note, now_us };
        store.save_definitions(change).await.unwrap();
    }

    /// Runs the program to its end, in a terminal of a hundred columns.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in(100, arguments)
    }

    /// The same, in a terminal of so many columns.
    pub(crate) fn run_in(&self, columns: usize, arguments: &[&str]) -> Ran {
        let ran = self.place.run_with(arguments, &[("COLUMNS", &columns.to_string())]);
        if !arguments.contains(&"--json") {
            for line in ran.out.lines() {
                assert!(line.chars().count() <= columns, "wider than {columns}: {line}");
            }
        }
        ran
    }
}
