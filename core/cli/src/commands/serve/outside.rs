//! What the hub tells others goes out here: over HTTP, and with what waits for whom.

use std::sync::Arc;

use async_trait::async_trait;
use core_daemon::{News, Outside, Post, Told};
use tokio::sync::watch;

use crate::commands::needs;
use crate::context::Context;
use crate::mail;

/// The way out, by the settings that are in force.
pub(super) struct Way(pub(super) watch::Receiver<Arc<Context>>);

#[async_trait]
impl Outside for Way {
    async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<u16, String> {
        let mut request = http::Request::post(url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(body.into_bytes()).map_err(|error| error.to_string())?;
        let answer = core_http::fetch(request).await.map_err(|error| error.to_string())?;
        Ok(answer.status().as_u16())
    }

    async fn needs(&self) -> Result<Vec<Told>, String> {
        self.waiting().await
    }
}

#[async_trait]
impl Post for Way {
    async fn needs(&self) -> Result<Vec<Told>, String> {
        self.waiting().await
    }

    async fn send(&self, news: &News) -> Result<(), String> {
        let context = Arc::clone(&self.0.borrow());
        let config = &context.config;
        let server = config.mail_server().map_err(|failure| failure.in_full())?;
        let server = server.ok_or_else(|| "[mail] names no server any more".to_owned())?;
        mail::tell(&server, news, config.public_url(), config.time_zone).await
    }
}

impl Way {
    /// What waits for a human.
    async fn waiting(&self) -> Result<Vec<Told>, String> {
        let context = Arc::clone(&self.0.borrow());
        let needs = needs::all(&context).await.map_err(|failure| failure.to_string())?;
        let told = needs.into_iter().map(|need| {
            let data = serde_json::to_value(&need).unwrap_or_default();
            Told { key: need.key, what: need.what, data }
        });
        Ok(told.collect())
    }
}
