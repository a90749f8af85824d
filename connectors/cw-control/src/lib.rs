#![doc = include_str!("../README.md")]

mod check;
mod client;
mod config;
mod listing;
mod output;
mod push;
mod scripts;
mod session;
mod sessions;
mod webhook;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{
    Account, Changes, Connector, Factory, OpenSession, Permission, Push, Result, RunScript, Stream,
    StreamDoc, Webhooks,
};
use core_model::RecordKind;

use crate::client::Api;
pub use crate::config::Config;
use crate::listing::Sessions;
use crate::push::Properties;
pub use crate::push::PushSettings;
use crate::scripts::Commands;
use crate::sessions::Links;
use crate::webhook::Hooks;

/// One ConnectWise Control server.
pub struct Control {
    api: Arc<Api>,
    sessions: Sessions,
    commands: Commands,
    links: Links,
    hooks: Option<Hooks>,
    properties: Option<Properties>,
}

const SESSIONS: StreamDoc = StreamDoc {
    name: "sessions",
    kinds: &[RecordKind::Client, RecordKind::Site, RecordKind::Agent],
    changes: Changes::Snapshot,
};

#[async_trait]
impl Connector for Control {
    async fn check(&self) -> Result<Account> {
        check::account(&self.api).await
    }

    fn streams(&self) -> Vec<Stream<'_>> {
        vec![Stream { name: SESSIONS.name, kinds: SESSIONS.kinds, source: &self.sessions }]
    }

    fn scripts(&self) -> Option<&dyn RunScript> {
        Some(&self.commands)
    }

    fn sessions(&self) -> Option<&dyn OpenSession> {
        Some(&self.links)
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        self.hooks.as_ref().map(|hooks| hooks as &dyn Webhooks)
    }

    fn push(&self) -> Option<&dyn Push> {
        self.properties.as_ref().map(|push| push as &dyn Push)
    }
}

impl Factory for Control {
    type Config = Config;
    const KIND: &'static str = "cw-control";
    const TITLE: &'static str = "ConnectWise Control (ScreenConnect)";
    const STREAMS: &'static [StreamDoc] = &[SESSIONS];
    const ACTIONS: &'static [&'static str] = &["run-script", "open-session", "push", "webhooks"];
    const PERMISSIONS: &'static [Permission] = check::PERMISSIONS;

    fn build(config: Config) -> Result<Box<dyn Connector>> {
        let hooks = config.webhook_secret.clone().map(Hooks);
        let fields = config.push.fields(&config)?;
        let api = Arc::new(Api::new(config)?);
        Ok(Box::new(Self {
            sessions: Sessions::new(&api),
            commands: Commands::new(&api),
            links: Links::new(&api),
            hooks,
            properties: Properties::new(&api, fields),
            api,
        }))
    }
}
