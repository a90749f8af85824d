#![doc = include_str!("../README.md")]

mod azure_map;
mod check;
mod client;
mod config;
mod fault;
mod pace;
mod paging;
mod push;
mod sign_in;
mod streams;
mod tickets;
mod time_zone;
mod walk;
mod webhook;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{
    Account, Changes, Connector, Factory, Permission, Push, Result, Stream, StreamDoc, Tickets,
    Webhooks,
};
use core_model::RecordKind;

use crate::client::Halo;
pub use crate::config::Config;
pub use crate::push::{AssetProperty, PushSettings};
use crate::streams::{Streams, doc};
use crate::webhook::Hooks;

/// A HaloPSA (or HaloITSM) instance.
pub struct Halopsa {
    halo: Arc<Halo>,
    streams: Streams,
    hooks: Option<Hooks>,
    assets: Option<push::Assets>,
}

impl Halopsa {
    /// A connection with these settings. Sends nothing yet.
    ///
    /// # Errors
    /// `Config`, naming the setting.
    pub fn new(config: &Config) -> Result<Self> {
        let halo = Arc::new(Halo::new(config)?);
        let hooks = config.webhook_secret.clone().map(Hooks);
        let assets = push::Assets::new(&halo, &config.push)?;
        Ok(Self { streams: Streams::new(&halo, config), hooks, assets, halo })
    }
}

#[async_trait]
impl Connector for Halopsa {
    async fn check(&self) -> Result<Account> {
        check::check(&self.halo).await
    }

    fn streams(&self) -> Vec<Stream<'_>> {
        self.streams.list()
    }

    fn tickets(&self) -> Option<&dyn Tickets> {
        Some(self.halo.as_ref())
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        self.hooks.as_ref().map(|hooks| hooks as &dyn Webhooks)
    }

    fn push(&self) -> Option<&dyn Push> {
        self.assets.as_ref().map(|push| push as &dyn Push)
    }
}

impl Factory for Halopsa {
    type Config = Config;

    const KIND: &'static str = "halopsa";
    const TITLE: &'static str = "HaloPSA";
    const STREAMS: &'static [StreamDoc] = &[
        doc("clients", &[RecordKind::Client], Changes::Upserts),
        doc("azure-tenants", &[RecordKind::ClientLink], Changes::Snapshot),
        doc("sites", &[RecordKind::Site], Changes::Upserts),
        doc("users", &[RecordKind::Contact], Changes::Upserts),
        doc("assets", &[RecordKind::Asset], Changes::Upserts),
        doc("items", &[RecordKind::Product], Changes::Snapshot),
        doc("contracts", &[RecordKind::Agreement], Changes::Snapshot),
        doc("invoices", &[RecordKind::AgreementLine], Changes::Snapshot),
    ];
    const ACTIONS: &'static [&'static str] = &["tickets", "push", "webhooks"];
    const PERMISSIONS: &'static [Permission] = &[
        Permission {
            name: "read:customers",
            for_what: "clients, their Azure tenants, sites and users",
            required: true,
        },
        Permission { name: "read:contracts", for_what: "agreements", required: false },
        Permission { name: "read:invoices", for_what: "agreement lines", required: false },
        Permission {
            name: "read:items",
            for_what: "products (releases before 2.99 want edit:items)",
            required: false,
        },
        Permission { name: "read:assets", for_what: "assets", required: false },
        Permission {
            name: "edit:assets",
            for_what: "writing assets, where [connection.push] is enabled",
            required: false,
        },
        Permission { name: "read:tickets", for_what: "the tab in a ticket", required: false },
        Permission {
            name: "edit:tickets",
            for_what: "the hub's note on a ticket",
            required: false,
        },
    ];

    fn build(config: Config) -> Result<Box<dyn Connector>> {
        Ok(Box::new(Self::new(&config)?))
    }
}
