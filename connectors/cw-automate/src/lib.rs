#![doc = include_str!("../README.md")]

mod chassis;
mod check;
mod client;
mod clients;
mod computers;
mod config;
mod groups;
mod listing;
mod locations;
mod maintenance;
mod patching;
mod push;
mod scripts;
mod sign_in;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{
    Account, Changes, Connector, Factory, MaintenanceMode, Patching, Permission, Push, Result,
    RunScript, Stream, StreamDoc,
};
use core_model::RecordKind;

use crate::chassis::Chassis;
use crate::client::Api;
use crate::clients::Clients;
use crate::computers::Computers;
pub use crate::config::Config;
use crate::groups::{Groups, Members};
use crate::listing::{Listed, Table};
use crate::locations::Locations;
pub use crate::maintenance::MaintenanceSettings;
use crate::maintenance::Modes;
use crate::patching::PatchManager;
use crate::push::Fields;
pub use crate::push::{LocationSettings, PushSettings};
use crate::scripts::Commands;

/// One ConnectWise Automate server.
pub struct Automate {
    api: Arc<Api>,
    clients: Listed<Clients>,
    locations: Listed<Locations>,
    computers: Listed<Computers>,
    chassis: Listed<Chassis>,
    groups: Listed<Groups>,
    members: Listed<Members>,
    commands: Commands,
    fields: Option<Fields>,
    modes: Option<Modes>,
    patches: PatchManager,
}

#[async_trait]
impl Connector for Automate {
    async fn check(&self) -> Result<Account> {
        check::account(&self.api).await
    }

    fn streams(&self) -> Vec<Stream<'_>> {
        vec![
            Stream { name: Clients::NAME, kinds: Clients::KINDS, source: &self.clients },
            Stream { name: Locations::NAME, kinds: Locations::KINDS, source: &self.locations },
            Stream { name: Computers::NAME, kinds: Computers::KINDS, source: &self.computers },
            Stream { name: Chassis::NAME, kinds: Chassis::KINDS, source: &self.chassis },
            Stream { name: Groups::NAME, kinds: Groups::KINDS, source: &self.groups },
            Stream { name: Members::NAME, kinds: Members::KINDS, source: &self.members },
        ]
    }

    fn scripts(&self) -> Option<&dyn RunScript> {
        Some(&self.commands)
    }

    fn push(&self) -> Option<&dyn Push> {
        self.fields.as_ref().map(|push| push as &dyn Push)
    }

    fn maintenance_mode(&self) -> Option<&dyn MaintenanceMode> {
        self.modes.as_ref().map(|modes| modes as &dyn MaintenanceMode)
    }

    fn patching(&self) -> Option<&dyn Patching> {
        Some(&self.patches)
    }
}

impl Factory for Automate {
    type Config = Config;
    const KIND: &'static str = "cw-automate";
    const TITLE: &'static str = "ConnectWise Automate";
    const STREAMS: &'static [StreamDoc] = &[
        doc(Clients::NAME, Clients::KINDS),
        doc(Locations::NAME, Locations::KINDS),
        doc(Computers::NAME, Computers::KINDS),
        doc(Chassis::NAME, Chassis::KINDS),
        doc(Groups::NAME, Groups::KINDS),
        doc(Members::NAME, Members::KINDS),
    ];
    const ACTIONS: &'static [&'static str] =
        &["run-script", "push", "maintenance-mode", "patching"];
    const PERMISSIONS: &'static [Permission] = check::PERMISSIONS;

    fn build(config: Config) -> Result<Box<dyn Connector>> {
        let fields = config.push.fields()?;
        let modes = config.maintenance_mode.clone();
        let api = Arc::new(Api::new(config)?);
        Ok(Box::new(Self {
            clients: Listed::new(&api),
            locations: Listed::new(&api),
            computers: Listed::new(&api),
            chassis: Listed::new(&api),
            groups: Listed::new(&api),
            members: Listed::new(&api),
            commands: Commands::new(&api),
            fields: Fields::new(&api, fields),
            modes: modes.map(|settings| Modes::new(&api, settings)),
            patches: PatchManager::new(&api),
            api,
        }))
    }
}

const fn doc(name: &'static str, kinds: &'static [RecordKind]) -> StreamDoc {
    StreamDoc { name, kinds, changes: Changes::Snapshot }
}
