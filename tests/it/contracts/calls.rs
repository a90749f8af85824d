//! Calls of a face without a network, signed in as a client would be.

use std::sync::RwLock;

use anyhow::{Context, Result, ensure};
use mocks::vendor::{Call, Face, Vendor};
use mocks::world::{Credentials, Options, World};
use serde_json::{Value, json};

/// A face over a small world.
pub(super) struct Caller {
    face: Box<dyn Vendor>,
    world: RwLock<World>,
    headers: Vec<(String, String)>,
}

/// A call that is checked.
pub(super) struct Checked {
    /// What is called.
    pub(super) call: String,
    /// The path in the contract.
    pub(super) template: String,
    /// The schema of a row, where the contract does not describe the answer.
    pub(super) schema: Option<&'static str>,
    /// The key of the rows in the answer, then.
    pub(super) rows: Option<&'static str>,
}

impl Caller {
    pub(super) fn new(name: Face) -> Result<Self> {
        let options = Options {
            seed: 3,
            computers: 60,
            tenants: Some(4),
            persons: Some(90),
            ..Options::default()
        };
        let world = mocks::generate::generate(&options);
        let access = world.credentials.clone();
        let face = match name {
            Face::Graph => mocks::graph::face(),
            Face::Automate => mocks::automate::face(),
            Face::Control => mocks::control::face(),
            Face::Halo => mocks::halo::face(),
        };
        let mut caller = Self { face, world: RwLock::new(world), headers: Vec::new() };
        caller.headers = caller.sign_in(name, &access)?;
        Ok(caller)
    }

    pub(super) fn get(&self, target: &str) -> Result<Value> {
        self.send("GET", target, &self.headers, "")
    }

    fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> Result<Value> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pair = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            (name.to_owned(), value.replace("%20", " "))
        };
        let call = Call {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.split('&').filter(|text| !text.is_empty()).map(pair).collect(),
            headers: headers.to_vec(),
            body: body.as_bytes().to_vec(),
            base: "http://vendor.test".to_owned(),
        };
        let reply = self.face.answer(&call, &self.world);
        let text = String::from_utf8_lossy(&reply.body);
        ensure!(reply.status == 200, "{method} {target}: {} {text}", reply.status);
        serde_json::from_str(&text).with_context(|| format!("{method} {target}: {text}"))
    }

    fn sign_in(&self, face: Face, access: &Credentials) -> Result<Vec<(String, String)>> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let form = [header("content-type", "application/x-www-form-urlencoded")];
        let (given, more) = match face {
            Face::Control => {
                let json = header("content-type", "application/json");
                return Ok(vec![header("ctrlauthheader", &access.control_secret), json]);
            }
            Face::Graph => {
                let target = format!("/{}/oauth2/v2.0/token", access.graph_tenant);
                let body = format!(
                    "grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={}&scope={}",
                    access.graph_client_id,
                    escaped(&access.graph_client_secret),
                    escaped(&access.graph_refresh_token),
                    escaped("https://graph.microsoft.com/.default"),
                );
                (self.send("POST", &target, &form, &body)?, None)
            }
            Face::Automate => {
                let client = header("clientid", &access.automate_client_id.to_string());
                let json = header("content-type", "application/json");
                let body = json!({ "UserName": access.automate_user, "Password": access.automate_password });
                let headers = [client.clone(), json];
                (
                    self.send("POST", "/cwa/api/v1/apitoken", &headers, &body.to_string())?,
                    Some(client),
                )
            }
            Face::Halo => {
                let body = format!(
                    "grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
                    access.halo_client_id,
                    escaped(&access.halo_client_secret),
                    escaped(&access.halo_scopes.join(" ")),
                );
                let target = format!("/auth/token?tenant={}", access.halo_tenant);
                (self.send("POST", &target, &form, &body)?, None)
            }
        };
        let token = ["access_token", "AccessToken"].iter().find_map(|name| given[name].as_str());
        let token = token.with_context(|| format!("no token: {given}"))?;
        let bearer = header("authorization", &format!("Bearer {token}"));
        Ok([bearer].into_iter().chain(more).collect())
    }
}

/// The calls of a face that its contract describes, with ids that there are.
pub(super) fn paths(face: Face, caller: &Caller) -> Result<Vec<Checked>> {
    match face {
        Face::Graph => graph(caller),
        Face::Automate => automate(caller),
        Face::Halo => halo(caller),
        Face::Control => Ok(Vec::new()),
    }
}

fn graph(caller: &Caller) -> Result<Vec<Checked>> {
    let first = |list: &str| -> Result<String> {
        let rows = caller.get(&format!("/v1.0/{list}"))?;
        Ok(rows["value"][0]["id"].as_str().with_context(|| list.to_owned())?.to_owned())
    };
    let (user, group, device) = (first("users")?, first("groups")?, first("devices")?);
    let plain = |template: &str, call: String| Checked {
        call: format!("/v1.0{call}"),
        template: template.to_owned(),
        schema: None,
        rows: None,
    };
    let same = |path: &str| plain(path, path.to_owned());
    let mut all: Vec<Checked> = [
        "/users",
        "/users/delta",
        "/groups",
        "/groups/delta",
        "/devices",
        "/devices/delta",
        "/organization",
        "/domains",
        "/contracts",
        "/tenantRelationships/delegatedAdminRelationships",
        "/tenantRelationships/delegatedAdminCustomers",
        "/subscriptions",
    ]
    .into_iter()
    .map(same)
    .collect();
    for (template, id) in [
        ("/users/{user-id}", &user),
        ("/users/{user-id}/transitiveMemberOf", &user),
        ("/users/{user-id}/registeredDevices", &user),
        ("/groups/{group-id}", &group),
        ("/groups/{group-id}/members", &group),
        ("/groups/{group-id}/transitiveMembers", &group),
        ("/devices/{device-id}", &device),
    ] {
        let open = template.find('{').unwrap_or_default();
        let close = template.find('}').unwrap_or_default();
        all.push(plain(template, format!("{}{id}{}", &template[..open], &template[close + 1..])));
    }
    // With every property that the connector asks for: they are not in a default answer.
    let select = "id,userPrincipalName,displayName,givenName,surname,mail,accountEnabled,userType,\
                  proxyAddresses,employeeId,department,jobTitle,onPremisesImmutableId,\
                  onPremisesSamAccountName,onPremisesUserPrincipalName,onPremisesDomainName,\
                  onPremisesSecurityIdentifier";
    all.push(plain("/users", format!("/users?$select={select}")));
    all.push(plain("/users/delta", format!("/users/delta?$select={select}")));
    if let Ok(device) = first("deviceManagement/managedDevices") {
        all.push(same("/deviceManagement/managedDevices"));
        let one = "/deviceManagement/managedDevices/{managedDevice-id}";
        all.push(plain(one, format!("/deviceManagement/managedDevices/{device}")));
    }
    Ok(all)
}

fn automate(caller: &Caller) -> Result<Vec<Checked>> {
    let first = |list: &str| -> Result<String> {
        let rows = caller.get(&format!("/cwa/api/v1/{list}"))?;
        let id = &rows[0]["Id"];
        Ok(id.as_str().map_or_else(|| id.to_string(), str::to_owned))
    };
    let (client, computer, location) =
        (first("Clients")?, first("Computers")?, first("Locations")?);
    let template = [
        "/api/v1/Clients",
        "/api/v1/Clients/{clientId}",
        "/api/v1/Clients/{clientId}/ExtraFields",
        "/api/v1/Locations",
        "/api/v1/Locations/{locationId}",
        "/api/v1/Locations/{locationId}/ExtraFields",
        "/api/v1/Computers",
        "/api/v1/Computers/{computerId}/bios",
        "/api/v1/Computers/{computerId}/OperatingSystem",
        "/api/v1/Computers/{computerId}/Software",
        "/api/v1/Computers/Chassis",
        "/api/v1/Contacts",
        "/api/v1/GroupComputers",
        "/api/v1/Groups",
        "/api/v1/Commands",
        "/api/v1/DatabaseServerTime",
        "/api/v1/PatchInformation",
        "/api/v1/Permissions/Clients/{clientId}",
    ];
    let filled = |template: &str| {
        let path = template.replace("{clientId}", &client).replace("{computerId}", &computer);
        format!("/cwa{}", path.replace("{locationId}", &location))
    };
    let checked = |template: &&str| Checked {
        call: filled(template),
        template: (*template).to_owned(),
        schema: None,
        rows: None,
    };
    Ok(template.iter().map(checked).collect())
}

fn halo(caller: &Caller) -> Result<Vec<Checked>> {
    const LISTS: &[(&str, &str, &str, &str)] = &[
        ("Client", "clients", "Area_List", "Area"),
        ("Site", "sites", "Site_List", "Site"),
        ("Users", "users", "Users_List", "Users"),
        ("Asset", "assets", "Device_List", "Device"),
        ("ClientContract", "contracts", "ContractHeader_List", "ContractHeader"),
        ("RecurringInvoice", "invoices", "InvoiceHeader", "InvoiceHeader"),
        ("Item", "items", "Item", "Item"),
        ("Tickets", "tickets", "Faults_List", "Faults"),
    ];
    let mut all = Vec::new();
    for (path, key, row, detail) in LISTS {
        let list = format!("/api/{path}?pageinate=true&page_size=50&page_no=1&includelines=true");
        let answer = caller.get(&list)?;
        let id = answer[key][0]["id"].as_i64().with_context(|| format!("{path}: {answer}"))?;
        let template = (*path).to_owned();
        all.push(Checked {
            call: list,
            template: template.clone(),
            schema: Some(row),
            rows: Some(key),
        });
        let call = format!("/api/{path}/{id}?includedetails=true");
        all.push(Checked { call, template, schema: Some(detail), rows: None });
    }
    Ok(all)
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape = |byte: u8| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(escape).collect()
}
