//! Who we are at the server, and what the user's classes do not allow.

use core_connector::{Account, ErrorKind, Missing, Permission, Result};
use core_http::{Request, decode};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::{Api, get};

/// What the API's user needs.
pub(crate) const PERMISSIONS: &[Permission] = &[
    Permission { name: "Clients.Read", for_what: "the clients", required: true },
    Permission {
        name: "Clients.Show All",
        for_what: "every client and not only some: what may not be seen is simply missing",
        required: true,
    },
    Permission { name: "Computers.Show All", for_what: "computers and chassis", required: true },
    Permission { name: "Locations.Show All", for_what: "locations", required: false },
    Permission { name: "Groups.Show All", for_what: "groups and their members", required: false },
    Permission {
        name: "Patch Manager.Read",
        for_what: "approved updates of Windows, and the version of the server in `linchpin check`",
        required: false,
    },
    Permission {
        name: "Patch Manager",
        for_what: "having approved updates of Windows installed",
        required: false,
    },
    Permission {
        name: "Scripts",
        for_what: "scheduling the two scripts of [connection.maintenance_mode]",
        required: false,
    },
    Permission {
        name: "Computers.Edit",
        for_what: "writing extra data fields and locations, where [connection.push] is enabled",
        required: false,
    },
    Permission {
        name: "Command level of \"Execute Command\"",
        for_what: "running scripts",
        required: false,
    },
];

/// A list that is looked into: its path, the permission, and what does not work without it.
const PROBES: &[(&str, &str, &str)] = &[
    ("Clients", "Clients.Show All", "no customers are read, and nothing else belongs to anybody"),
    ("Computers", "Computers.Show All", "no agents are read"),
    (
        "Computers/Chassis",
        "Computers.Show All",
        "no hardware identities are read: every computer must be asked by a script",
    ),
    ("Groups", "Groups.Show All", "no deployment can be aimed at a group of Automate"),
    ("Locations", "Locations.Show All", "no deployment can be aimed at a location of Automate"),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PatchInformation {
    #[serde(default)]
    web_server_patch_version: Option<String>,
    #[serde(default)]
    control_center_patch_version: Option<String>,
}

/// Signs in and looks into every list.
pub(crate) async fn account(api: &Api) -> Result<Account> {
    let mut account = Account { name: api.username.clone(), ..Account::default() };
    let mut lack = |permission: &str, costs: &str| {
        let (permission, costs) = (permission.to_owned(), costs.to_owned());
        account.missing.push(Missing { permission, costs, scope: String::new() });
    };
    let version = get("PatchInformation");
    match api.http.call(&version, decode::json::<PatchInformation>).await {
        Ok(found) => {
            account.version = found.web_server_patch_version.or(found.control_center_patch_version);
        }
        Err(error) if error.kind() == ErrorKind::Forbidden => {
            lack("Patch Manager.Read", "the version of the server is not shown");
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    for &(path, permission, costs) in PROBES {
        match api.http.call(&probe(path), decode::json::<Vec<Box<RawValue>>>).await {
            Ok(rows) if rows.is_empty() && path == "Clients" => {
                lack(permission, "no client is shown: rows you may not see are simply missing");
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Forbidden => lack(permission, costs),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(account)
}

/// The permission that a refused call lacks, by the call.
pub(crate) fn permission_for(operation: &str) -> &'static str {
    if operation.contains("CommandExecute") {
        return "a command level at least that of \"Execute Command\"";
    }
    if operation.contains("SendTo") || operation.starts_with("PATCH ") {
        return "Computers.Edit";
    }
    if operation.contains("ScriptSchedule") {
        return "Scripts";
    }
    if operation.contains("PatchActions") {
        return "Patch Manager";
    }
    if ["PatchInformation", "PatchingStats", "MicrosoftUpdates"]
        .iter()
        .any(|one| operation.contains(one))
    {
        return "Patch Manager.Read";
    }
    if operation.contains("GroupComputers") {
        return "Groups.Show All";
    }
    let probed = PROBES.iter().find(|(path, ..)| operation.ends_with(&format!("/{path}")));
    probed.map_or("Computers.Show All", |(_, permission, _)| permission)
}

fn probe(path: &str) -> Request {
    get(path).query("page", "1").query("pagesize", "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_has_its_permission() {
        for (operation, permission) in [
            ("GET /cwa/api/v1/Clients", "Clients.Show All"),
            ("GET /cwa/api/v1/Computers/Chassis", "Computers.Show All"),
            ("GET /cwa/api/v1/GroupComputers", "Groups.Show All"),
            ("GET /cwa/api/v1/Locations", "Locations.Show All"),
        ] {
            assert_eq!(permission_for(operation), permission);
        }
        let patch = "PATCH /cwa/api/v1/Computers/{id}/ExtraFields/{definition}";
        for operation in ["POST /cwa/api/v1/Batch/Commands/SendTo", patch] {
            assert_eq!(permission_for(operation), "Computers.Edit");
        }
        assert!(permission_for("POST /x/CommandExecute").contains("command level"));
    }
}
