//! A world of three directories, and a client that calls the face.

use std::sync::RwLock;

use chrono::{DateTime, Duration, TimeZone as _, Utc};
use serde_json::Value;
use url::{Url, form_urlencoded};
use uuid::Uuid;

use crate::graph::face;
use crate::vendor::{Call, Reply, Vendor};
use crate::world::{
    Account, Automate, Control, Credentials, Directory, EntraDevice, Group, GroupKind, Halo,
    IntuneDevice, LoggedOn, Machine, MachineKind, Mark, Member, Membership, Options, Person,
    Relationship, Tenant, UuidQuirk, World,
};

pub(super) const BASE: &str = "http://graph.test:8080";
pub(super) const SECRET: &str = "abc~secret+value";
pub(super) const REFRESH: &str = "0.first-refresh-token";
/// The partner's directory, a customer with everything, a customer without consent.
pub(super) const PARTNER: usize = 0;
pub(super) const CONTOSO: usize = 1;
pub(super) const FABRIKAM: usize = 2;

pub(super) fn epoch() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 8, 0, 0).single().unwrap()
}

pub(super) fn mark(version: u64) -> Mark {
    let at = epoch();
    Mark { created: at, modified: at, born: version, changed: version, gone: None }
}

pub(super) fn id(kind: u64, no: usize) -> Uuid {
    Uuid::from_u64_pair(kind, no as u64 + 1)
}

fn directory(no: usize, name: &str) -> Directory {
    let relationship = |status: &str, end: i64| Relationship {
        id: format!("{}-{}", id(8, no), id(9, end.unsigned_abs() as usize)),
        display_name: format!("Linchpin {name}"),
        status: status.into(),
        end: Utc::now() + Duration::days(end),
    };
    Directory {
        id: id(1, no),
        display_name: name.into(),
        initial_domain: format!("{}.onmicrosoft.com", name.to_lowercase()),
        default_domain: format!("{}.com", name.to_lowercase()),
        domains: vec![format!("{}.com", name.to_lowercase())],
        tenants: vec![no],
        partner: no == PARTNER,
        on_premises: (no == CONTOSO).then(|| ("corp.contoso.local".into(), "CONTOSO".into())),
        intune: no == CONTOSO,
        consented: no != FABRIKAM,
        relationships: match no {
            CONTOSO => vec![relationship("active", 200), relationship("active", 300)],
            FABRIKAM => vec![relationship("expired", -20)],
            _ => Vec::new(),
        },
        contract: (no != PARTNER).then(|| id(7, no)),
        contract_name: (no == FABRIKAM).then(|| "Fabrikam Old Name".into()),
        mark: mark(0),
    }
}

fn credentials() -> Credentials {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    Credentials {
        graph_tenant: id(1, PARTNER),
        graph_client_id: id(2, 0),
        graph_client_secret: SECRET.into(),
        graph_refresh_token: REFRESH.into(),
        graph_certificates: Vec::new(),
        automate_user: String::new(),
        automate_password: String::new(),
        automate_totp: None,
        automate_client_id: Uuid::nil(),
        control_secret: String::new(),
        halo_client_id: Uuid::nil(),
        halo_client_secret: String::new(),
        halo_tenant: String::new(),
        halo_scopes: Vec::new(),
        graph_permissions: words(
            "User.Read.All Group.Read.All GroupMember.Read.All Device.Read.All Directory.Read.All \
             Organization.Read.All DelegatedAdminRelationship.Read.All \
             DeviceManagementManagedDevices.Read.All CrossTenantInformation.ReadBasic.All",
        ),
    }
}

/// The three directories, with nobody in them.
pub(super) fn world() -> World {
    let names = ["Msp", "Contoso", "Fabrikam"];
    World {
        options: Options { delta_page: 4, ..Options::default() },
        version: 1,
        epoch: epoch(),
        clock_ahead: 0,
        tenants: names
            .iter()
            .enumerate()
            .map(|(no, name)| Tenant {
                name: format!("{name} Ltd"),
                domain: format!("{}.com", name.to_lowercase()),
                time_zone: "Europe/Amsterdam".into(),
                directory: Some(no),
                windows_domain: None,
                operator: no == PARTNER,
                mark: mark(0),
            })
            .collect(),
        directories: names.iter().enumerate().map(|(no, name)| directory(no, name)).collect(),
        persons: Vec::new(),
        groups: Vec::new(),
        machines: Vec::new(),
        states: crate::world::States::default(),
        entra_devices: Vec::new(),
        intune_devices: Vec::new(),
        automate: Automate::default(),
        control: Control::default(),
        control_instance: String::new(),
        halo: Halo::default(),
        credentials: credentials(),
    }
}

/// Adds a person and answers with its number.
pub(super) fn person(world: &mut World, directory: usize, name: &str) -> usize {
    let no = world.persons.len();
    let address = format!("{name}@{}", world.directories[directory].default_domain);
    world.persons.push(Person {
        tenant: directory,
        directory,
        id: id(3, no),
        account: Account::Member,
        given: name.into(),
        surname: "Tester".into(),
        display_name: format!("{name} Tester"),
        upn: address.clone(),
        earlier_upns: Vec::new(),
        mail: Some(address),
        enabled: true,
        sam: None,
        department: None,
        job_title: None,
        purged: false,
        mark: mark(0),
    });
    no
}

/// Adds a group of Contoso with these members.
pub(super) fn group(world: &mut World, name: &str, kind: GroupKind, members: &[Member]) -> usize {
    let no = world.groups.len();
    let membership = |member: &Member| Membership { member: *member, added: 0, removed: None };
    world.groups.push(Group {
        directory: CONTOSO,
        id: id(4, no),
        name: name.into(),
        kind,
        members: members.iter().map(membership).collect(),
        mark: mark(0),
    });
    no
}

/// Adds a machine of Contoso with its device object and its managed device.
pub(super) fn machine(world: &mut World, host: &str, user: Option<usize>) -> usize {
    let no = world.machines.len();
    world.machines.push(Machine {
        tenant: CONTOSO,
        host: host.into(),
        kind: MachineKind::Laptop,
        manufacturer: "LENOVO".into(),
        model: "20XW".into(),
        serial: format!("PF{no:05}"),
        uuid: id(5, no).to_string().to_uppercase(),
        uuid_quirk: UuidQuirk::Right,
        earlier_uuids: Vec::new(),
        installation_id: String::new(),
        os_installed: epoch(),
        os: "Microsoft Windows 11 Pro x64".into(),
        os_version: "10.0.22631".into(),
        online: true,
        user,
        logged_on: LoggedOn::Nobody,
        logons: Vec::new(),
        wiped: Vec::new(),
        earlier: Vec::new(),
        automate_row: None,
        control_row: None,
        entra_row: Some(no),
        stray: false,
        mark: mark(0),
    });
    world.entra_devices.push(EntraDevice {
        directory: CONTOSO,
        machine: no,
        id: id(10, no),
        device_id: id(11, no),
        trust: "AzureAd".into(),
        current: true,
        mark: mark(0),
    });
    world.intune_devices.push(IntuneDevice {
        directory: CONTOSO,
        machine: no,
        id: id(12, no),
        device_id: id(11, no),
        host: host.into(),
        serial: format!("PF{no:05}"),
        person: user,
        current: true,
        last_sync: epoch() + Duration::hours(no as i64),
        mark: mark(0),
    });
    no
}

/// A face over a world, and how to call it.
pub(super) struct Bench {
    pub(super) face: Box<dyn Vendor>,
    pub(super) world: RwLock<World>,
}

/// A call to the address, which may be absolute or a path.
pub(super) fn call(method: &str, address: &str) -> Call {
    let url = Url::parse(BASE).unwrap().join(address).unwrap();
    let escaped = url.path().replace('+', "%2B");
    let path = form_urlencoded::parse(escaped.replace('=', "%3D").as_bytes())
        .next()
        .map_or_else(|| "/".to_string(), |(path, _)| path.into_owned());
    Call {
        method: method.into(),
        path,
        query: url.query_pairs().into_owned().collect(),
        headers: vec![("host".into(), "graph.test:8080".into())],
        body: Vec::new(),
        base: BASE.into(),
    }
}

impl Bench {
    pub(super) fn new(world: World) -> Self {
        Self { face: face(), world: RwLock::new(world) }
    }

    /// Changes the world in its next version.
    pub(super) fn change(&self, change: impl FnOnce(&mut World, u64)) {
        let mut world = self.world.write().unwrap();
        let version = world.next_version();
        change(&mut world, version);
    }

    pub(super) fn send(&self, call: &Call) -> Reply {
        self.face.answer(call, &self.world)
    }

    /// Posts a form to a tenant's token endpoint.
    pub(super) fn sign_in(&self, tenant: &str, form: &[(&str, &str)]) -> Reply {
        let mut call = call("POST", &format!("/{tenant}/oauth2/v2.0/token"));
        call.body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish()
            .into_bytes();
        self.send(&call)
    }

    /// An app-only token for a directory.
    pub(super) fn app(&self, directory: usize) -> String {
        let tenant = id(1, directory).to_string();
        let client = id(2, 0).to_string();
        let reply = self.sign_in(
            &tenant,
            &[
                ("grant_type", "client_credentials"),
                ("client_id", &client),
                ("client_secret", SECRET),
                ("scope", "https://graph.microsoft.com/.default"),
            ],
        );
        assert_eq!(reply.status, 200, "{}", text(&reply));
        json(&reply)["access_token"].as_str().unwrap().to_string()
    }

    /// A token of the partner's user for a directory.
    pub(super) fn user(&self, directory: usize) -> String {
        let reply = self.refresh(&id(1, directory).to_string(), REFRESH);
        assert_eq!(reply.status, 200, "{}", text(&reply));
        json(&reply)["access_token"].as_str().unwrap().to_string()
    }

    pub(super) fn refresh(&self, tenant: &str, token: &str) -> Reply {
        let client = id(2, 0).to_string();
        self.sign_in(
            tenant,
            &[
                ("grant_type", "refresh_token"),
                ("client_id", &client),
                ("client_secret", SECRET),
                ("refresh_token", token),
                ("scope", "https://graph.microsoft.com/.default offline_access openid profile"),
            ],
        )
    }

    /// GET with a token and more headers.
    pub(super) fn get_with(&self, token: &str, address: &str, headers: &[(&str, &str)]) -> Reply {
        let mut call = call("GET", address);
        call.headers.push(("authorization".into(), format!("Bearer {token}")));
        call.headers.extend(headers.iter().map(|(n, v)| ((*n).into(), (*v).into())));
        self.send(&call)
    }

    /// GET that must be answered 200 with JSON.
    pub(super) fn get(&self, token: &str, address: &str) -> Value {
        let reply = self.get_with(token, address, &[]);
        assert_eq!(reply.status, 200, "{address}: {}", text(&reply));
        json(&reply)
    }

    /// GET that must be refused; answers with status and code.
    pub(super) fn refused(&self, token: &str, address: &str) -> (u16, String) {
        let reply = self.get_with(token, address, &[]);
        (reply.status, code(&reply))
    }

    /// All rows of a listing or a delta round, and the delta link.
    pub(super) fn all(&self, token: &str, address: &str) -> (Vec<Value>, Option<String>) {
        let mut rows = Vec::new();
        let mut next = address.to_string();
        for _ in 0..1000 {
            let page = self.get(token, &next);
            rows.extend(page["value"].as_array().unwrap().iter().cloned());
            match page["@odata.nextLink"].as_str() {
                Some(link) => {
                    assert!(page.get("@odata.deltaLink").is_none(), "never both links");
                    next = link.into();
                }
                None => return (rows, page["@odata.deltaLink"].as_str().map(Into::into)),
            }
        }
        panic!("{address} does not end");
    }
}

pub(super) fn json(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

pub(super) fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

pub(super) fn code(reply: &Reply) -> String {
    json(reply)["error"]["code"].as_str().unwrap_or_default().to_string()
}

pub(super) fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

/// A Contoso of so many people.
pub(super) fn crowd(count: usize) -> World {
    let mut world = world();
    for no in 0..count {
        person(&mut world, CONTOSO, &format!("user{no}"));
    }
    world
}

/// The ids of rows.
pub(super) fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|r| r["id"].as_str().unwrap().to_string()).collect()
}
