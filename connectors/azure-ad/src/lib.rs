#![doc = include_str!("../README.md")]

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{
    AccessTokens, Account, Changes, Connector, Factory, KeepSecret, Permission, Result, Source,
    Stream, StreamDoc, Subscribe, Webhooks,
};
use core_model::RecordKind;

mod check;
mod client;
mod config;
mod delta;
mod devices;
mod directories;
mod groups;
mod listing;
mod managed_devices;
mod permissions;
mod signin;
mod subscriptions;
mod tenants;
mod tokens;
mod users;
mod webhook;
mod wire;

#[cfg(test)]
mod tests;

pub use config::{Config, Customers};

use client::Graph;
use delta::Delta;
use directories::Directories;
use managed_devices::ManagedDevices;
use subscriptions::Subscriptions;
use tenants::Tenants;
use tokens::Tokens;

/// A partner's, or a single organisation's, view of Azure AD.
pub struct AzureAd {
    graph: Arc<Graph>,
    directories: Arc<Directories>,
    tenants: Tenants,
    users: Delta,
    groups: Delta,
    devices: Delta,
    managed_devices: ManagedDevices,
    hooks: Option<webhook::Hooks>,
    subscriptions: Subscriptions,
    tokens: Tokens,
}

const TENANTS: &[RecordKind] = &[RecordKind::Client];
const USERS: &[RecordKind] = &[RecordKind::Person];
const GROUPS: &[RecordKind] = &[RecordKind::Group, RecordKind::GroupMember];
const DEVICES: &[RecordKind] = &[RecordKind::DirectoryDevice];
const MANAGED_DEVICES: &[RecordKind] = &[RecordKind::Agent];

impl Factory for AzureAd {
    type Config = Config;
    const KIND: &'static str = "azure-ad";
    const TITLE: &'static str = "Azure AD (Microsoft Entra ID)";
    const STREAMS: &'static [StreamDoc] = &[
        StreamDoc { name: "tenants", kinds: TENANTS, changes: Changes::Snapshot },
        StreamDoc { name: "users", kinds: USERS, changes: Changes::UpsertsAndDeletes },
        StreamDoc { name: "groups", kinds: GROUPS, changes: Changes::UpsertsAndDeletes },
        StreamDoc { name: "devices", kinds: DEVICES, changes: Changes::UpsertsAndDeletes },
        StreamDoc { name: "managed-devices", kinds: MANAGED_DEVICES, changes: Changes::Snapshot },
    ];
    const ACTIONS: &'static [&'static str] = &["webhooks", "subscribe", "access-tokens"];
    const PERMISSIONS: &'static [Permission] = permissions::PERMISSIONS;

    fn build(config: Config) -> Result<Box<dyn Connector>> {
        Self::build_keeping(config, None)
    }

    fn build_keeping(
        config: Config,
        keep: Option<Arc<dyn KeepSecret>>,
    ) -> Result<Box<dyn Connector>> {
        let hooks = config.webhook_secret.clone().map(webhook::Hooks);
        let told =
            config.webhook_secret.clone().filter(|secret| config.subscribe && !secret.is_blank());
        let plan = config.plan()?;
        let graph = Arc::new(Graph::new(plan.access, keep)?);
        let directories = Arc::new(Directories::new(Arc::clone(&graph), plan.reach));
        let delta = |spec| Delta::new(Arc::clone(&graph), Arc::clone(&directories), spec);
        Ok(Box::new(Self {
            tenants: Tenants::new(Arc::clone(&graph), Arc::clone(&directories)),
            users: delta(users::SPEC),
            groups: delta(groups::SPEC),
            devices: delta(devices::SPEC),
            managed_devices: ManagedDevices::new(Arc::clone(&graph), Arc::clone(&directories)),
            subscriptions: Subscriptions::new(Arc::clone(&graph), Arc::clone(&directories), told),
            tokens: Tokens::new(&graph, &directories),
            graph,
            directories,
            hooks,
        }))
    }
}

#[async_trait]
impl Connector for AzureAd {
    async fn check(&self) -> Result<Account> {
        check::account(&self.graph, &self.directories).await
    }

    fn streams(&self) -> Vec<Stream<'_>> {
        let stream = |name, kinds, source| Stream { name, kinds, source };
        vec![
            stream("tenants", TENANTS, &self.tenants as &dyn Source),
            stream("users", USERS, &self.users),
            stream("groups", GROUPS, &self.groups),
            stream("devices", DEVICES, &self.devices),
            stream("managed-devices", MANAGED_DEVICES, &self.managed_devices),
        ]
    }

    fn subscribe(&self) -> Option<&dyn Subscribe> {
        Some(&self.subscriptions)
    }

    fn access_tokens(&self) -> Option<&dyn AccessTokens> {
        Some(&self.tokens)
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        self.hooks.as_ref().map(|hooks| hooks as &dyn Webhooks)
    }
}
