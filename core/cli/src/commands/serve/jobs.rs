//! What takes long and was asked over the API, done as the commands do it.

use std::sync::Arc;

use async_trait::async_trait;
use core_daemon::{Worked, Works};
use core_server::Takes;
use core_store::Job;
use core_sync::{Error, Hub, PushOptions, SyncOptions, Trigger};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::commands::sync::{dry, report};
use crate::commands::{check, mail, push, rebuild};
use crate::context::Context;
use crate::failure::Failure;

/// With what: as the store keeps it, so that a newer program reads what an older one kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// Only these; all where none is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) connections: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<String>,
    #[serde(skip_serializing_if = "is_not")]
    pub(super) full: bool,
    #[serde(skip_serializing_if = "is_not")]
    pub(super) dry_run: bool,
    #[serde(skip_serializing_if = "is_not")]
    pub(super) verify: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_not(yes: &bool) -> bool {
    !*yes
}

/// Why a job did not come to its end.
enum Halt {
    Busy(String),
    Failed(Failure),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Halt::Failed(failure)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        match error {
            Error::Busy { holder, .. }
            | Error::PushBusy { holder, .. }
            | Error::LeaseLost { holder, .. } => Halt::Busy(holder),
            error => Halt::Failed(error.into()),
        }
    }
}

/// Does it by the settings in force.
pub(super) struct Doing(pub(super) watch::Receiver<Arc<Context>>);

#[async_trait]
impl Works for Doing {
    async fn work(&self, hub: &Hub, job: &Job) -> Worked {
        let context = Arc::clone(&self.0.borrow());
        match work(&context, hub, job).await {
            Ok(result) => Worked::Done(result),
            Err(Halt::Busy(holder)) => Worked::Busy { holder },
            Err(Halt::Failed(failure)) => Worked::Failed {
                what: failure.to_string(),
                remedy: failure.remedy().unwrap_or("the log says more").to_owned(),
            },
        }
    }
}

async fn work(context: &Context, hub: &Hub, job: &Job) -> Result<Value, Halt> {
    let asked: Asked = serde_json::from_str(&job.about).map_err(|error| {
        Failure::failed(format!("what was asked for cannot be read: {error}"))
            .with_remedy("ask for it again")
    })?;
    let names = asked.connections.as_slice();
    let Some(work) = Takes::parse(&job.work) else {
        let what = "this version of the program does not know that work";
        return Err(Failure::failed(what).with_remedy("ask for it again").into());
    };
    let options = SyncOptions {
        stream: asked.stream.clone(),
        full: asked.full,
        accept_deletions: work == Takes::AcceptDeletions,
        trigger: Trigger::Manual,
        ..SyncOptions::default()
    };
    Ok(match work {
        Takes::Push => {
            let (full, dry_run) = (asked.full, asked.dry_run);
            let options = PushOptions { full, dry_run, trigger: Trigger::Manual };
            push::result(&hub.push(names, options).await?, options)
        }
        Takes::SyncDryRun => dry::answer(hub, names, &options).await?,
        Takes::AcceptDeletions => {
            let runs = hub.sync(names, &options).await?;
            let scopes = report::scope_names(&hub.store).await?;
            let items: Vec<Value> = runs.iter().map(|run| report::as_json(run, &scopes)).collect();
            json!({ "items": items })
        }
        Takes::Collect => {
            hub.derive().await?;
            let every: Vec<String> = hub.named(names)?.iter().map(|one| one.name.clone()).collect();
            let asked = hub.collect_through(&every).await?;
            json!({
                "asked": asked.asked, "answered": asked.answered, "failed": asked.failed,
                "left": asked.left, "accounts": asked.accounts,
            })
        }
        Takes::Check => check::answer(&context.config, names, context.registry()).await?,
        Takes::Rebuild => rebuild::answer(hub, asked.verify).await?,
        Takes::MailTest => mail::trial(context).await?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_says_only_what_was_said_and_is_read_as_it_was() {
        let none = Asked::default();
        assert_eq!(json!(none).to_string(), "{}");
        let some = Asked {
            connections: vec!["halo".to_owned()],
            stream: Some("users".to_owned()),
            full: true,
            ..none
        };
        let kept = json!(some).to_string();
        assert_eq!(serde_json::from_str::<Asked>(&kept).unwrap(), some);
        let later: Asked = serde_json::from_str("{\"verify\":true,\"later\":1}").unwrap();
        assert!(later.verify);
    }
}
