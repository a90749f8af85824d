//! What the API answers from settings and rules: the same as the commands.

use std::sync::Arc;

use async_trait::async_trait;
use core_server::{Answers, Unanswered};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::cli::WhenArgs;
use crate::commands::{status, winners};
use crate::context::Context;
use crate::failure::Failure;

/// Answers by the settings that are in force when it is asked.
pub(super) struct OfSettings(pub(super) watch::Receiver<Arc<Context>>);

impl OfSettings {
    fn context(&self) -> Arc<Context> {
        Arc::clone(&self.0.borrow())
    }
}

#[async_trait]
impl Answers for OfSettings {
    async fn status(&self) -> Result<Value, Unanswered> {
        status::as_json(&self.context()).await.map_err(|failure| unanswered(&failure))
    }

    async fn winners(&self, computer: &str, as_of: Option<&str>) -> Result<Value, Unanswered> {
        let when = WhenArgs { as_of: as_of.map(str::to_owned), known_at: None };
        let items = winners::of_computer(&self.context(), computer, &when).await;
        Ok(json!({ "items": items.map_err(|failure| unanswered(&failure))? }))
    }
}

pub(super) fn unanswered(failure: &Failure) -> Unanswered {
    // Commands call it by their argument's name.
    let worded = |text: &str| text.replace("--as-of", "as_of");
    Unanswered {
        wrong: failure.is_usage(),
        what: worded(&failure.to_string()),
        remedy: worded(failure.remedy().unwrap_or_default()),
    }
}
