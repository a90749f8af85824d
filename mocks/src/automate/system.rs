//! Facts about the server and small catalogues.

use chrono::Duration;
use serde_json::{Value, json};

use super::auth::zoneless;
use super::list::Fixed;
use crate::world::World;

/// `/PatchInformation`, the cheap health check of many clients.
pub(super) fn patch_information(world: &World) -> Value {
    let version = super::AGENT_VERSION;
    json!({
        "WebServerPatchVersion": version,
        "DBAgentServerPatchVersion": version,
        "ControlCenterPatchVersion": version,
        "RemoteAgentPatchVersion": version,
        "LinuxAgentPatchVersion": version,
        "MacAgentPatchVersion": version,
        "LastPatchedDate": zoneless(world.epoch - Duration::days(20)),
    })
}

/// `/System/ServerInformation`.
pub(super) fn servers() -> Fixed {
    let row = json!({
        "ServerId": 1,
        "OperatingSystem": "Microsoft Windows Server 2022 Standard x64",
        "MacAddress": "00-15-5D-01-02-03",
        "MachineName": "AUTOMATE01",
        "CPUName": "Intel(R) Xeon(R) Gold 6230",
        "CPUSockets": 1,
        "CPUCores": 8,
        "LogicalProcessors": 8,
        "MemoryTotal": 32_768,
        "IsDatabaseServer": true,
        "IsWebServer": true,
    });
    Fixed { rows: vec![row], id: "serverid" }
}

/// `/FeatureFlags`.
pub(super) fn feature_flags() -> Fixed {
    let rows = ["NewScriptEditor", "RestApiTwoFactor", "ThirdPartyPatching"]
        .iter()
        .zip(1..)
        .map(|(name, id)| json!({ "Id": id, "Name": name, "IsEnabled": true }))
        .collect();
    Fixed { rows, id: "id" }
}

/// `/Searches`.
pub(super) fn searches() -> Fixed {
    let rows = ["All Agents", "All Servers", "All Workstations"]
        .iter()
        .zip(1..)
        .map(|(name, id): (_, u32)| {
            json!({
                "Id": id.to_string(),
                "Name": name,
                "SearchFolder": { "Id": "1", "Name": "_System" },
                "IsReadOnly": true,
                "SearchType": "AdvancedComputers",
            })
        })
        .collect();
    Fixed { rows, id: "id" }
}

/// The catalogue of commands: id, name, level.
const COMMANDS: [(u64, &str, u32); 8] = [
    (2, "Execute Command", 5),
    (17, "Resend System Information", 1),
    (28, "Scanning Services", 1),
    (35, "FasTalk", 1),
    (64, "Wake On LAN", 1),
    (111, "Change Service Login", 5),
    (123, "Resend Everything", 1),
    (301, "Execute PowerShell", 5),
];

/// `/Commands`.
pub(super) fn commands() -> Fixed {
    Fixed { rows: COMMANDS.iter().filter_map(|(id, ..)| command(*id)).collect(), id: "id" }
}

/// One command of the catalogue.
pub(super) fn command(id: u64) -> Option<Value> {
    let (_, name, level) = COMMANDS.iter().find(|(known, ..)| *known == id)?;
    Some(json!({ "Id": id.to_string(), "Name": name, "Description": name, "Level": level }))
}

/// `/Permissions/Users`: what the signed-in user may do.
pub(super) fn permissions() -> Value {
    json!([
        "Clients.Read",
        "Clients.Show All",
        "Computers.Read",
        "Computers.Show All",
        "Computers.Edit",
        "Computers.Delete",
        "Computers.Commands",
        "Groups.Read",
        "Groups.Show All",
        "Locations.Read",
        "Locations.Show All",
        "Patch Manager.Read",
    ])
}

/// `/Users` and `/Users/{id}`: the integrator.
pub(super) fn users(world: &World) -> Fixed {
    let row = json!({
        "UserId": 7,
        "Name": world.credentials.automate_user,
        "FirstName": "",
        "LastName": "",
        "EmailAddress": "",
        "LastSuccessfulLogin": zoneless(world.now()),
        "AuditingLevel": 1,
        "CommandLevel": 5,
        "IsIntegrator": true,
        "IsLocked": false,
    });
    Fixed { rows: vec![row], id: "userid" }
}
