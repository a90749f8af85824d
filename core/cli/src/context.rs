//! What most commands work with: the settings, the store, the hub.

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{
    Account, Changes, Connector, Error, ErrorKind, Page, Registry, Result as Answer, Resume, Scope,
    Source, Stream, StreamDoc,
};
use core_daemon::Metrics;
use core_server::SignIn;
use core_store::{NewAudit, Store};
use core_sync::{Clock, Connection, Hub, Progress};

use crate::cli::Global;
use crate::commands::find;
use crate::config::{Config, ConnectionSettings, laid_out};
use crate::failure::Failure;
use crate::{connectors, output};

/// The settings and the store of this call.
pub(crate) struct Context {
    /// The settings.
    pub(crate) config: Config,
    /// Where the hub remembers.
    pub(crate) store: Store,
    /// What is counted while a daemon works.
    pub(crate) metrics: Arc<Metrics>,
    registry: Registry,
    /// How people sign in, where the service looked that up.
    sign_in: Arc<SignIn>,
}

impl Context {
    /// Every kind of system that can be connected.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Reads the settings and opens the store.
    ///
    /// # Errors
    /// Where the settings are wrong (exit code 2) or the database does not answer.
    pub(crate) async fn open(global: &Global) -> Result<Self, Failure> {
        let registry = connectors::registry();
        let mut config = Config::load(&global.config, &registry)?;
        let store = Store::open(&config.database()?).await?;
        config.take_kept(&store).await?;
        let (metrics, sign_in) = (Arc::default(), Arc::default());
        Ok(Self { config, store, metrics, registry, sign_in })
    }

    /// The same, with how people sign in: secrets and tenants looked up.
    ///
    /// # Errors
    /// Where one of them is not there (exit code 2).
    pub(crate) async fn with_sign_in(mut self) -> Result<Self, Failure> {
        self.config.take_kept(&self.store).await?;
        let mut sign_in = self.config.sign_in()?;
        if let Some(provider) = &mut sign_in.provider {
            for grant in &mut provider.grants {
                let Some(tenants) = &mut grant.tenants else { continue };
                *tenants = find::ids(&find::tenants(&self.store, tenants).await?);
            }
        }
        self.sign_in = Arc::new(sign_in);
        Ok(self)
    }

    /// How people sign in.
    pub(crate) fn sign_in(&self) -> Arc<SignIn> {
        Arc::clone(&self.sign_in)
    }

    /// The settings read again, on the same store.
    ///
    /// # Errors
    /// Where they are wrong, or name another database (exit code 2).
    pub(crate) fn renewed(&self, global: &Global) -> Result<Self, Failure> {
        let registry = connectors::registry();
        let config = Config::load(&global.config, &registry)?;
        if config.database()? != self.config.database()? {
            return Err(Failure::usage("`database` names another database than before")
                .with_remedy("stop this process and start it again: it keeps its database"));
        }
        let sign_in = Arc::clone(&self.sign_in);
        let metrics = Arc::clone(&self.metrics);
        Ok(Self { config, store: self.store.clone(), metrics, registry, sign_in })
    }

    /// Writes a line of the log of changes, of somebody at a terminal.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub(crate) async fn audit(
        &self,
        by: &str,
        action: &str,
        subject: &str,
        detail: &str,
    ) -> Result<(), Failure> {
        let line = NewAudit {
            at_us: chrono::Utc::now().timestamp_micros(),
            actor: by,
            means: "terminal",
            address: "",
            action,
            subject,
            outcome: "done",
            detail,
        };
        self.store.add_audit(&line).await?;
        Ok(())
    }

    /// The hub with every enabled connection. One whose settings cannot work (a secret that is not
    /// there) does not stop the others: each of its streams fails with the reason. It is an error
    /// where none of the connections named can work, or where one is unknown.
    ///
    /// # Errors
    /// With exit code 2.
    pub(crate) fn hub_for(
        &self,
        names: &[String],
        progress: Arc<dyn Progress>,
    ) -> Result<Hub, Failure> {
        let enabled = self.enabled(names)?;
        let asked = |name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
        let mut connections = Vec::new();
        let mut problems = Vec::new();
        let mut usable = false;
        for connection in enabled {
            let connector = match self.config.connect(connection, &self.registry) {
                Ok(connector) => {
                    usable |= asked(&connection.name);
                    connector
                }
                Err(found) => {
                    let detail = found.iter().map(ToString::to_string).collect::<Vec<_>>();
                    let broken = Unusable::new(connection, &detail.join("; "), &self.registry);
                    if asked(&connection.name) {
                        problems.extend(found);
                    }
                    Box::new(broken) as Box<dyn Connector>
                }
            };
            let (name, kind) = (connection.name.clone(), connection.kind.clone());
            connections.push(Connection { name, kind, connector });
        }
        if !problems.is_empty() {
            let problems = self.config.problems(problems);
            if !usable {
                return Err(problems.into());
            }
            output::error_line(laid_out(&problems).trim_end());
        }
        let settings = self.config.settings.clone();
        Ok(Hub::new(self.store.clone(), connections, settings, Clock::system()).watched(progress))
    }

    /// The hub without its connections, for what needs none of them: deriving and comparing.
    pub(crate) fn offline_hub(&self, progress: Arc<dyn Progress>) -> Hub {
        let settings = self.config.settings.clone();
        Hub::new(self.store.clone(), Vec::new(), settings, Clock::system()).watched(progress)
    }

    fn enabled(&self, names: &[String]) -> Result<Vec<&ConnectionSettings>, Failure> {
        self.config.named(names)?;
        Ok(self.config.connections.iter().filter(|connection| connection.enabled).collect())
    }
}

/// Stands for a connection whose settings cannot work, so that its runs say why.
struct Unusable {
    streams: &'static [StreamDoc],
    source: Refusing,
}

struct Refusing(Error);

impl Unusable {
    fn new(connection: &ConnectionSettings, detail: &str, registry: &Registry) -> Self {
        let streams = registry.kind(&connection.kind).map_or(&[][..], |kind| kind.streams);
        let operation = format!("settings of connection `{}`", connection.name);
        let error = Error::new(ErrorKind::Config, operation, detail)
            .with_remedy("run `linchpin config check`; it shows the place and what to do");
        Self { streams, source: Refusing(error) }
    }
}

#[async_trait]
impl Connector for Unusable {
    async fn check(&self) -> Answer<Account> {
        Err(self.source.0.clone())
    }

    fn streams(&self) -> Vec<Stream<'_>> {
        let stream =
            |doc: &StreamDoc| Stream { name: doc.name, kinds: doc.kinds, source: &self.source };
        self.streams.iter().map(stream).collect()
    }
}

#[async_trait]
impl Source for Refusing {
    fn changes(&self) -> Changes {
        Changes::Snapshot
    }

    async fn scopes(&self) -> Answer<Vec<Scope>> {
        Err(self.0.clone())
    }

    async fn page(&self, _scope: &Scope, _from: Resume) -> Answer<Page> {
        Err(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use core_sync::Quiet;

    use super::*;

    const CONTROL: &str = "[hub]\ndatabase = 'sqlite::memory:'\n[[connection]]\nname = 'control'\n\
                           kind = 'cw-control'\nurl = 'https://x.example'\nsecret = 's'\n";
    const HALO: &str = "[[connection]]\nname = 'halo'\nkind = 'halopsa'\n\
                        url = 'https://x.example'\nclient_id = 'i'\n\
                        client_secret = 'env:LINCHPIN_TEST_IS_NOT_SET'\n";

    async fn open(folder: &Path, settings: &str) -> Context {
        let config = folder.join("linchpin.toml");
        std::fs::write(&config, settings).unwrap();
        Context::open(&Global { config, json: false, verbose: 0 }).await.unwrap()
    }

    #[tokio::test]
    async fn a_connection_without_its_secret_stops_no_other_and_its_streams_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let context = open(folder.path(), &format!("{CONTROL}{HALO}")).await;
        let hub = context.hub_for(&[], Arc::new(Quiet)).unwrap();
        let names: Vec<&str> = hub.connections.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["control", "halo"]);

        let streams = hub.connections[1].connector.streams();
        assert!(streams.iter().any(|stream| stream.name == "contracts"));
        for stream in streams {
            let error = stream.source.scopes().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains("`LINCHPIN_TEST_IS_NOT_SET` is not set"), "{error}");
        }
    }

    #[tokio::test]
    async fn asking_only_for_a_connection_that_cannot_work_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let context = open(folder.path(), &format!("{CONTROL}{HALO}")).await;
        let asked = |name: &str| context.hub_for(&[name.to_owned()], Arc::new(Quiet));
        assert!(asked("control").is_ok());
        let failure = asked("halo").err().unwrap();
        assert!(failure.to_string().starts_with("1 mistake"), "{failure}");
        let failure = asked("nobody").err().unwrap();
        assert_eq!(failure.to_string(), "there is no connection `nobody`");
    }
}
