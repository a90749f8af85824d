//! The Patch Manager: `GET /Computers/{id}/MicrosoftUpdates`, `GET /Computers/{id}/PatchingStats`, and
//! `POST /PatchActions/DeployAllApproved`, which answers 204 and does its work later.

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{ApprovedUpdates, Error, ErrorKind, Patching, Result, UpdateState};
use core_http::{Request, decode};
use serde::Deserialize;
use serde_json::json;

use crate::client::{Api, ROOT, get};
use crate::scripts::number;

const OPERATION: &str = "approved updates of Windows";
/// Computers among Automate's types of entities, by their index.
const COMPUTER_TYPE: u8 = 1;
/// Rows asked for at once: without a number the server gives fifty, and tells nobody that there are more.
const PAGE: usize = 1000;
/// Pages after which a list counts as endless.
const ENDLESS: usize = 100;

/// The Patch Manager of a server.
pub(crate) struct PatchManager(Arc<Api>);

/// The vendor's `ComputerMicrosoftUpdateData`, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Update {
    #[serde(default)]
    knowledge_base_id: Option<i64>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    is_installed: Option<bool>,
    #[serde(default)]
    is_failed: Option<bool>,
    #[serde(default)]
    policy_approval: Option<Approval>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Approval {
    #[serde(default)]
    name: Option<String>,
}

/// The vendor's `ComputerPatchingStats`, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stats {
    #[serde(default)]
    patch_job_running: Option<bool>,
}

impl Update {
    /// The names of approvals are nowhere published; the Patch Manager's own word is "Approve".
    fn is_approved(&self) -> bool {
        let name = self.policy_approval.as_ref().and_then(|one| one.name.as_deref());
        name.is_some_and(|name| name.trim().to_ascii_lowercase().starts_with("approve"))
    }

    fn title(&self) -> String {
        let title = self.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
        match (title, self.knowledge_base_id) {
            (Some(title), Some(number)) if !title.contains(&number.to_string()) => {
                format!("{title} (KB{number})")
            }
            (Some(title), _) => title.to_owned(),
            (None, Some(number)) => format!("KB{number}"),
            (None, None) => "an update without a name".to_owned(),
        }
    }

    fn state(&self) -> UpdateState {
        match (self.is_installed == Some(true), self.is_failed == Some(true)) {
            (true, _) => UpdateState::Installed,
            (false, true) => UpdateState::Failed,
            (false, false) => UpdateState::Missing,
        }
    }
}

impl PatchManager {
    pub(crate) fn new(api: &Arc<Api>) -> Self {
        Self(Arc::clone(api))
    }

    async fn updates(&self, computer: &str) -> Result<Vec<Update>> {
        let mut all = Vec::new();
        for page in 1..=ENDLESS {
            let request = get(&format!("Computers/{computer}/MicrosoftUpdates"))
                .named("GET /cwa/api/v1/Computers/{id}/MicrosoftUpdates")
                .query("page", page.to_string())
                .query("pagesize", PAGE.to_string())
                .query("orderby", "KnowledgeBaseId asc");
            let rows: Vec<Update> = self.0.http.call(&request, decode::json).await?;
            let is_last = rows.len() < PAGE;
            all.extend(rows);
            if is_last {
                return Ok(all);
            }
        }
        let detail = format!("the list of updates does not end after {ENDLESS} pages");
        Err(Error::new(ErrorKind::Protocol, OPERATION, detail))
    }
}

fn computer(agent: &str) -> Result<&str> {
    number(agent).ok_or_else(|| {
        let detail = format!("`{agent}` is no id of an Automate computer");
        Error::new(ErrorKind::NotFound, OPERATION, detail)
    })
}

#[async_trait]
impl Patching for PatchManager {
    async fn approved(&self, agent: &str) -> Result<ApprovedUpdates> {
        let computer = computer(agent)?;
        // Asked before the list: what ends between the two is installed in the list.
        let request = get(&format!("Computers/{computer}/PatchingStats"))
            .named("GET /cwa/api/v1/Computers/{id}/PatchingStats");
        let stats: Stats = self.0.http.call(&request, decode::json).await?;
        let updates = self.updates(computer).await?;
        let approved = updates.iter().filter(|update| update.is_approved());
        let updates = approved.map(|update| (update.title(), update.state())).collect();
        Ok(ApprovedUpdates { updates, running: stats.patch_job_running == Some(true) })
    }

    async fn install_approved(&self, agent: &str) -> Result<()> {
        let computer = computer(agent)?;
        let number: u32 = computer.parse().map_err(|_| {
            Error::new(ErrorKind::NotFound, OPERATION, format!("`{computer}` is too large an id"))
        })?;
        let request = Request::post(format!("{ROOT}PatchActions/DeployAllApproved"))
            .named("POST /cwa/api/v1/PatchActions/DeployAllApproved")
            .json(&json!({ "EntityType": COMPUTER_TYPE, "EntityId": number }));
        self.0.http.call(&request, |_| Ok(())).await
    }
}
