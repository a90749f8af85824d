//! The harness of the tests that need more than one crate: an estate served over HTTP, and a hub
//! connected to it as an admin would connect it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use connector_azure_ad::AzureAd;
use connector_cw_automate::Automate;
use connector_cw_control::Control;
use connector_halopsa::Halopsa;
use core_connector::Registry;
use core_derive::DomainSplit;
use core_store::Store;
use core_sync::{Clock, Connection, Hub, ModelView, Settings, SyncOptions};
use mocks::score::{Claim, Score};
use mocks::server::{Mocks, Running, ServeConfig};
use mocks::truth::Truth;
use mocks::world::Options;
use serde_json::{Value, json};

pub mod at_work;
pub mod databases;
pub mod dates;
pub mod fast_forward;
pub mod floor;
pub mod night;
pub mod order;
pub mod plan;
pub mod shared_time;

/// The connectors, as the binary lists them.
#[must_use]
pub fn registry() -> Registry {
    Registry::default().with::<AzureAd>().with::<Automate>().with::<Control>().with::<Halopsa>()
}

/// An estate that is served.
pub struct Estate {
    /// The servers.
    pub running: Running,
}

impl Estate {
    /// Serves a fresh estate.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn serve(options: &Options) -> Result<Self> {
        let world = mocks::generate::generate(options);
        Ok(Self { running: Mocks::start(world, ServeConfig::default()).await? })
    }

    /// Serves an estate of so many computers.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn of(computers: usize, seed: u64) -> Result<Self> {
        let options = Options { computers, seed, command_latency_ms: (1, 5), ..Options::default() };
        Self::serve(&options).await
    }

    /// What is true now.
    #[must_use]
    pub fn truth(&self) -> Truth {
        let world = self.running.world();
        let world = world.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        mocks::truth::truth(&world, world.now())
    }

    /// The settings of each connection, by kind.
    #[must_use]
    pub fn settings(&self) -> ConnectionSettings {
        settings_of(&self.running.discovery())
    }

    /// The connections, each named after its kind.
    ///
    /// # Errors
    /// When a connector refuses the settings.
    pub fn connections(&self) -> Result<Vec<Connection>> {
        connections_of(&self.settings(), &["azure-ad", "cw-automate", "cw-control", "halopsa"])
    }

    /// The rules that an admin of this MSP would set: who creates tenants, which directory is
    /// split, and machines asked quickly.
    #[must_use]
    pub fn rules(&self) -> Settings {
        rules_of(splits(&self.truth()))
    }

    /// A hub connected to everything.
    ///
    /// # Errors
    /// When a connector refuses the settings.
    pub fn hub(&self, store: Store) -> Result<Hub> {
        Ok(Hub::new(store, self.connections()?, self.rules(), Clock::system()))
    }

    /// How right the hub's model is.
    ///
    /// # Errors
    /// When the model cannot be read.
    pub async fn score(&self, hub: &Hub) -> Result<Score> {
        let truth = self.truth();
        let view = hub.view(truth.as_of, "UTC").await?;
        Ok(mocks::score::score(&truth, &claim(&view)?))
    }
}

/// The rules of an MSP with these shared directories; machines are asked quickly.
#[must_use]
pub fn rules_of(splits: Vec<DomainSplit>) -> Settings {
    let mut settings = Settings::default();
    settings.tenants.create_from = vec!["azure-ad".to_owned(), "cw-automate".to_owned()];
    settings.tenants.splits = splits;
    settings.collect.parallel = 256;
    settings.collect.poll_ms = Some(20);
    settings
}

/// The settings of each connection, by kind.
pub type ConnectionSettings = BTreeMap<&'static str, Value>;

/// The settings that an estate's discovery document leads to.
#[must_use]
pub fn settings_of(discovery: &Value) -> ConnectionSettings {
    let face = |name: &str| discovery["faces"][name].clone();
    let http = json!({ "backoff_ms": 5, "attempts": 8, "timeout_seconds": 60 });
    let (graph, automate, control, halo) =
        (face("azure-ad"), face("cw-automate"), face("cw-control"), face("halopsa"));
    let mut automate_settings = json!({
        "url": automate["url"], "username": automate["username"], "password": automate["password"],
        "client_id": automate["client_id"], "http": http,
    });
    if automate["totp_secret"].is_string() {
        automate_settings["totp_secret"] = automate["totp_secret"].clone();
    }
    let azure = json!({
        "tenant_id": graph["tenant"], "client_id": graph["client_id"],
        "client_secret": graph["client_secret"], "refresh_token": graph["refresh_token"],
        "customers": "relationships", "login_url": graph["login_url"],
        "graph_url": graph["graph_url"], "http": http,
    });
    let halo = json!({
        "url": halo["url"], "auth_url": halo["auth_url"], "tenant": halo["tenant"],
        "client_id": halo["client_id"], "client_secret": halo["client_secret"],
        "requests_per_5_minutes": 0, "ticket_notes": true, "http": http,
    });
    let control = json!({ "url": control["url"], "secret": control["secret"], "http": http });
    BTreeMap::from([
        ("azure-ad", azure),
        ("cw-automate", automate_settings),
        ("cw-control", control),
        ("halopsa", halo),
    ])
}

/// Connections of these kinds, each named after its kind.
///
/// # Errors
/// When a connector refuses the settings.
pub fn connections_of(settings: &ConnectionSettings, kinds: &[&str]) -> Result<Vec<Connection>> {
    let registry = registry();
    let connect = |(kind, settings): (&&'static str, &Value)| {
        let connector = registry
            .kind(kind)
            .and_then(|factory| factory.build(settings.clone()))
            .with_context(|| format!("settings of {kind}"))?;
        Ok(Connection { name: (*kind).to_owned(), kind: (*kind).to_owned(), connector })
    };
    settings.iter().filter(|(kind, _)| kinds.contains(kind)).map(connect).collect()
}

/// Lets 1 % of what a benchmark's case is about change.
///
/// # Errors
/// When the estate refuses.
pub fn touch(world: &mut mocks::world::World, case: &str) -> Result<()> {
    let change = if case == "users" {
        mocks::estate::Change::TouchShareOfPersons { share: 0.01 }
    } else {
        mocks::estate::Change::TouchShareOfMachines { share: 0.01 }
    };
    mocks::estate::apply(world, &change)?;
    Ok(())
}

/// The splits of shared directories.
#[must_use]
pub fn splits(truth: &Truth) -> Vec<DomainSplit> {
    let split = |tenant: &mocks::truth::Tenant| {
        let (directory, domain) = tenant.domain_split.clone()?;
        let client =
            |kind: &str| Some((kind.to_owned(), tenant.clients.get(kind)?.first()?.clone()));
        let (connection, client) = client("cw-automate").or_else(|| client("halopsa"))?;
        Some(DomainSplit {
            directory: directory.to_string(),
            domains: vec![domain],
            connection,
            client,
        })
    };
    truth.tenants.iter().filter_map(split).collect()
}

/// The model as the estate judges it.
///
/// # Errors
/// Never, as long as the two shapes agree.
pub fn claim(view: &ModelView) -> Result<Claim> {
    Ok(serde_json::from_value(serde_json::to_value(view)?)?)
}

/// Reads everything and asks every machine.
///
/// # Errors
/// When the store fails.
pub async fn sync_all(hub: &Hub) -> Result<Vec<core_model::run::Run>> {
    let runs = hub.sync(&[], &SyncOptions::default()).await?;
    hub.collect().await?;
    Ok(runs)
}

/// A store in a file that is removed when the test ends.
///
/// # Errors
/// When the file cannot be made.
pub async fn fresh_sqlite() -> Result<(Store, Arc<tempfile::TempDir>)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("hub.db");
    Ok((Store::open(&path.to_string_lossy()).await?, Arc::new(folder)))
}
