//! A small world for the tests of both RMM faces: every row is written here, on the pattern of a
//! generated one.

use std::sync::RwLock;

use chrono::Duration;
use serde_json::Value;
use uuid::Uuid;

use crate::vendor::{Call, Reply, Vendor};
use crate::world::{
    AutomateClient, AutomateComputer, AutomateGroup, AutomateLocation, ControlSession, LoggedOn,
    MachineKind, Options, World,
};

/// Machine 0 is a laptop that is on, 1 a desktop that is off, 2 a server that is on.
pub(crate) const ON: usize = 0;
pub(crate) const OFF: usize = 1;
pub(crate) const SERVER: usize = 2;

/// Computers 1 to 120, in client 1 (even ids) and client 2 (odd ids): 1 is on the laptop, 2 on
/// the machine that is off, 3 was left over by a wipe of the laptop, 4 is on the server, 5 has no
/// inventory, 6 was retired; all others are on the laptop.
pub(crate) fn world() -> RwLock<World> {
    let mut world = base();
    people(&mut world);
    machines(&mut world);
    automate(&mut world);
    control(&mut world);
    RwLock::new(world)
}

/// Moves the world's clock.
pub(crate) fn pass(world: &RwLock<World>, seconds: i64) {
    world.write().unwrap().clock_ahead += seconds;
}

/// Switches a machine on or off.
pub(crate) fn switch(world: &RwLock<World>, machine: usize, online: bool) {
    world.write().unwrap().machines[machine].online = online;
}

/// A call with headers; the path may carry a query.
pub(crate) fn call(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Call {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Call {
        method: method.into(),
        path: path.into(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: headers.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect(),
        body: body.as_bytes().to_vec(),
        base: "http://localhost".into(),
    }
}

/// The body as JSON.
pub(crate) fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or(Value::Null)
}

/// A header of an answer.
pub(crate) fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

/// The id of session n.
pub(crate) fn session_id(number: u128) -> Uuid {
    Uuid::from_u128(0x5E55_0000_0000_4000_8000_0000_0000_0000 + number)
}

/// Signs in and gives the headers of every further call.
pub(crate) fn signed_in(face: &dyn Vendor, world: &RwLock<World>) -> Vec<(String, String)> {
    let (login, client) = {
        let world = world.read().unwrap();
        let login = serde_json::json!({
            "username": world.credentials.automate_user,
            "password": world.credentials.automate_password,
        });
        (login.to_string(), world.credentials.automate_client_id.to_string())
    };
    let reply = face.answer(&call("POST", "/cwa/api/v1/apitoken", &[], &login), world);
    let token = body(&reply)["AccessToken"].as_str().unwrap().to_owned();
    vec![("authorization".into(), format!("Bearer {token}")), ("clientid".into(), client)]
}

fn base() -> World {
    let options = Options { seed: 3, computers: 60, ..Options::default() };
    let mut world = crate::generate::generate(&options);
    world.credentials.automate_totp = None;
    world.options.command_latency_ms = (1_000, 2_000);
    world
}

fn people(world: &mut World) {
    world.directories[0].on_premises = Some(("acme.local".into(), "ACME".into()));
    world.persons.truncate(2);
    for (person, given) in world.persons.iter_mut().zip(["Sam", "Kim"]) {
        person.directory = 0;
        person.tenant = 0;
        person.given = given.into();
        person.surname = "Lakeley".into();
        person.mark.gone = None;
    }
    world.persons[0].sam = Some("slakeley".into());
    world.persons[1].sam = None;
}

fn machines(world: &mut World) {
    world.machines.truncate(3);
    world.tenants[0].directory = Some(0);
    let kinds = [MachineKind::Laptop, MachineKind::Desktop, MachineKind::Server];
    let hosts = ["PC-ON", "PC-OFF", "SRV-01"];
    let epoch = world.epoch;
    for (index, machine) in world.machines.iter_mut().enumerate() {
        machine.tenant = 0;
        machine.host = hosts[index].into();
        machine.kind = kinds[index];
        machine.online = index != OFF;
        machine.logged_on = LoggedOn::Person(0);
        machine.logons = vec![
            (epoch - Duration::days(300), LoggedOn::Person(1)),
            (epoch - Duration::days(1), LoggedOn::Person(0)),
        ];
        machine.mark.gone = None;
        machine.stray = false;
    }
    world.machines[SERVER].logged_on = LoggedOn::Local("Administrator".into());
}

fn automate(world: &mut World) {
    let mut mark = world.machines[0].mark.clone();
    mark.gone = None;
    let clients = [(1, "Acme, Inc.", ""), (2, "Globex", "Globex Corporation")];
    world.automate.clients = clients
        .iter()
        .map(|(id, name, company)| AutomateClient {
            id: *id,
            tenant: Some(0),
            name: (*name).into(),
            company: (*company).into(),
            external_id: format!("{}", 500 + id),
            mark: mark.clone(),
        })
        .collect();
    world.automate.locations = [(11, 1), (12, 2)]
        .iter()
        .map(|(id, client)| AutomateLocation {
            id: *id,
            client: *client,
            name: "Main".into(),
            mark: mark.clone(),
        })
        .collect();
    world.automate.groups = vec![
        group(850, None, "Service Plans", vec![(1, 1, 0, None), (2, 2, 0, Some(4))], &mark),
        group(851, Some(850), "Windows Servers", vec![(3, 4, 0, None)], &mark),
    ];
    world.automate.commands.clear();
    let pattern = world.automate.computers[0].clone();
    world.automate.computers = (1..=120).map(|id| computer(world, &pattern, id)).collect();
}

fn group(
    id: u64,
    parent: Option<u64>,
    name: &str,
    members: Vec<(u64, u64, u64, Option<u64>)>,
    mark: &crate::world::Mark,
) -> AutomateGroup {
    AutomateGroup { id, parent, name: name.into(), members, mark: mark.clone() }
}

fn computer(world: &World, pattern: &AutomateComputer, id: u64) -> AutomateComputer {
    let mut row = pattern.clone();
    row.id = id;
    row.machine = match id {
        2 => OFF,
        4 => SERVER,
        _ => ON,
    };
    row.client = 1 + id % 2;
    row.location = 11 + id % 2;
    row.host =
        if id < 5 { world.machines[row.machine].host.clone() } else { format!("PC-{id:03}") };
    row.uuid = (id != 5).then(|| format!("4c4c4544-0000-1000-8000-{id:012x}"));
    row.serial = format!("SER{id:04}");
    row.current = id != 3;
    row.last_contact = world.epoch - Duration::days(if id == 3 { 200 } else { 2 });
    row.added = world.epoch - Duration::days(400);
    row.mark.gone = (id == 6).then_some(1);
    row
}

fn control(world: &mut World) {
    let pattern = world.control.sessions[0].clone();
    let rows = [
        (1, Some(ON), 2, "", true, false),
        (2, Some(OFF), 2, "", true, false),
        (3, Some(ON), 2, "", false, false),
        (4, Some(SERVER), 2, "File server", true, false),
        (5, None, 0, "Help Kim", false, true),
    ];
    world.control.sessions = rows
        .into_iter()
        .map(|(number, machine, kind, name, current, ended)| {
            let host = machine.map(|m: usize| world.machines[m].host.clone()).unwrap_or_default();
            let mut properties: [String; 8] = Default::default();
            properties[0] = if number == 4 { "O'Neill" } else { "Acme" }.into();
            properties[3] = "Laptop".into();
            let mut row = ControlSession {
                id: session_id(number),
                machine,
                kind,
                name: name.into(),
                properties,
                host,
                serial: format!("SER{number:04}"),
                current,
                ended,
                ..pattern.clone()
            };
            row.added = world.epoch - Duration::days(400);
            row.last_connected = world.epoch - Duration::days(if number == 3 { 200 } else { 2 });
            row.events.clear();
            row.commands.clear();
            row.mark.gone = None;
            row
        })
        .collect();
}
