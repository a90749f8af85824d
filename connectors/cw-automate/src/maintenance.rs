//! Maintenance mode. The API tells which computers are in it (`GET /Computers/MaintenanceModes`), and publishes no call
//! that sets it: two scripts of the server do, which the settings name, and which are scheduled for now
//! (`POST /Batch/ScriptSchedule`, by ConnectWise's OpenAPI description of 25.0.5).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use core_connector::{Error, ErrorKind, MaintenanceMode, Result};
use core_http::decode::id_text;
use core_http::{Request, decode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Api, ROOT, get};
use crate::scripts::number;

const OPERATION: &str = "maintenance mode";
/// Computers among Automate's types of entities, by their index.
const COMPUTER_TYPE: u8 = 1;
/// A schedule that runs once.
const ONCE: u8 = 1;
/// The priority that scripts of the API usually have.
const PRIORITY: u8 = 12;

/// The scripts of Automate that put a computer into maintenance mode and take it out again. Each runs the function
/// "Maintenance Mode" of the script editor.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceSettings {
    /// The id of the script that puts a computer into it.
    #[schemars(range(min = 1))]
    pub enter_script: u32,
    /// The id of the script that takes a computer out of it.
    #[schemars(range(min = 1))]
    pub leave_script: u32,
    /// The parameter of the first script that says how many minutes it lasts. Left out, it is given none.
    #[serde(default)]
    pub minutes_parameter: Option<String>,
}

/// Has computers of a server in maintenance mode.
pub(crate) struct Modes {
    api: Arc<Api>,
    settings: MaintenanceSettings,
}

/// A row of the vendor's `MaintenanceMode`, as far as it is read.
#[derive(Deserialize)]
struct Mode {
    #[serde(
        rename = "ComputerID",
        alias = "ComputerId",
        deserialize_with = "id_text::deserialize"
    )]
    computer: String,
}

/// The vendor's `ScheduleScriptBatchResponse`, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Scheduled {
    #[serde(default)]
    contains_unsuccessful_results: Option<bool>,
    #[serde(default)]
    script_results: Option<Vec<Value>>,
}

impl Modes {
    pub(crate) fn new(api: &Arc<Api>, settings: MaintenanceSettings) -> Self {
        Self { api: Arc::clone(api), settings }
    }

    async fn schedule(&self, agent: &str, script: u32, parameters: Value) -> Result<()> {
        let computer: u32 = computer(agent)?.parse().map_err(|_| unknown(agent))?;
        let request = Request::post(format!("{ROOT}Batch/ScriptSchedule"))
            .named("POST /cwa/api/v1/Batch/ScriptSchedule")
            .json(&json!({
                "EntityType": COMPUTER_TYPE,
                "EntityIds": [computer],
                "ScriptId": script,
                "Schedule": { "ScriptScheduleFrequency": { "ScriptScheduleFrequencyId": ONCE } },
                "Parameters": parameters,
                "UseAgentTime": false,
                "StartDate": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                "OfflineActionFlags": { "SkipsOfflineAgents": false },
                "Priority": PRIORITY,
            }));
        let scheduled: Scheduled = self.api.http.call(&request, decode::json).await?;
        if scheduled.contains_unsuccessful_results != Some(true) {
            return Ok(());
        }
        let results = scheduled.script_results.unwrap_or_default();
        let message = results
            .iter()
            .find_map(|one| one.pointer("/ResultDetails/Message").and_then(Value::as_str));
        let message = message.unwrap_or("the server did not say why");
        let detail = format!("script {script} was not scheduled: {message}");
        Err(Error::new(ErrorKind::Rejected, OPERATION, detail).with_remedy(
            "check `enter_script` and `leave_script` in [connection.maintenance_mode]",
        ))
    }
}

fn unknown(agent: &str) -> Error {
    let detail = format!("`{agent}` is no id of an Automate computer");
    Error::new(ErrorKind::NotFound, OPERATION, detail)
}

fn computer(agent: &str) -> Result<&str> {
    number(agent).ok_or_else(|| unknown(agent))
}

#[async_trait]
impl MaintenanceMode for Modes {
    async fn is_on(&self, agent: &str) -> Result<bool> {
        let computer = computer(agent)?;
        let request = get("Computers/MaintenanceModes")
            .query("condition", format!("ComputerID = {computer}"))
            .query("page", "1")
            .query("pagesize", "1000");
        let rows: Vec<Mode> = self.api.http.call(&request, decode::json).await?;
        Ok(rows.iter().any(|row| row.computer == computer))
    }

    async fn enter(&self, agent: &str, most: Duration) -> Result<()> {
        let minutes = most.as_secs().div_ceil(60).max(1).to_string();
        let parameters = match &self.settings.minutes_parameter {
            Some(name) => json!([{ "Key": name, "Value": minutes }]),
            None => json!([]),
        };
        self.schedule(agent, self.settings.enter_script, parameters).await
    }

    async fn leave(&self, agent: &str) -> Result<()> {
        self.schedule(agent, self.settings.leave_script, json!([])).await
    }
}
