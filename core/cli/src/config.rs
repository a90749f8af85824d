//! The settings: `linchpin.toml`, read, checked and made into what the hub needs.
//!
//! Everything that the text of the file alone can tell is checked whenever it is loaded, and every
//! mistake is reported, not only the first. Secrets are looked up when they are needed, so that
//! `linchpin list` works where the credentials are not.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use chrono_tz::Tz;
use core_connector::{Connector, Registry};
use core_daemon::{Endpoint, Entry, Mailing};
use core_model::queue::QueueRules;
use core_resolve::Freshness;
use core_runner_hub::{Office, Runners};
use core_store::{SealingKey, SealingKeys, Store};
use core_sync::Settings;

use crate::failure::Failure;

mod connect;
mod document;
mod file;
mod keeper;
mod mail;
mod maintenance;
mod meaning;
mod notification;
mod plan;
mod problem;
mod queue;
mod schema;
mod secret;
mod sign_in;
mod technician;
mod traces;
mod warnings;
mod webhook;

pub(crate) use self::connect::ConnectionSettings;
pub(crate) use self::keeper::OF_CONNECTIONS;
pub(crate) use self::mail::{MailServer, TlsWord};
pub(crate) use self::meaning::RUNNER;
pub(crate) use self::notification::{AfterWord, Notification, NotificationTable};
pub(crate) use self::problem::{Problem, Problems, laid_out};
pub(crate) use self::schema::{file_schema, schema_of};
pub(crate) use self::traces::TracesPlan;
pub(crate) use core_toml::{choices, nearest, properties, resolve};

use self::document::Document;
use self::technician::TechnicianTable;
use self::webhook::WebhookTable;

/// For how many hours commands of runners are kept, where the settings do not say.
const KEEP_HOURS: u32 = 168;

/// The settings, checked.
pub(crate) struct Config {
    /// The file that they are from.
    pub(crate) path: PathBuf,
    /// Zone of dates where nothing else is known.
    pub(crate) time_zone: Tz,
    /// Rules of the hub.
    pub(crate) settings: Settings,
    /// Whether a sync asks machines who they are and who is logged on.
    pub(crate) ask: bool,
    /// How old what was read may be for deployments to be resolved on it.
    pub(crate) freshness: Freshness,
    /// Whether a change beyond the budget waits until somebody else approves it.
    pub(crate) second_person: bool,
    /// The connections in the order of the file, disabled ones too.
    pub(crate) connections: Vec<ConnectionSettings>,
    /// What the daemon does when.
    pub(crate) entries: Vec<Entry>,
    /// Where the daemon answers.
    pub(crate) listen: Option<SocketAddr>,
    /// How many connections the daemon works on at once.
    pub(crate) parallel: usize,
    /// The page inside a ticket.
    pub(crate) technician: TechnicianTable,
    /// How sessions wait, and how many run.
    pub(crate) queue: QueueRules,
    /// The built-in maintenance engine.
    pub(crate) maintenance: maintenance::MaintenanceTable,
    /// What people are told of sessions.
    pub(crate) notification: NotificationTable,
    /// The same with its files read, once somebody asked.
    notification_read: OnceLock<Arc<Notification>>,
    webhooks: Vec<WebhookTable>,
    traces: traces::TracesTable,
    mail: mail::MailTable,
    mail_zone: Tz,
    server: plan::ServerTable,
    sign_in: sign_in::SignInTable,
    secrets: sign_in::SecretsTable,
    database: String,
    document: Document,
    /// What the hub's own store keeps of what the settings name.
    kept: secret::Kept,
    /// Whether they name anything there.
    names_kept: bool,
    /// Where connectors keep what renews itself, once the store is open.
    keeper: Option<keeper::Keeper>,
}

impl Config {
    /// Where the hub tells of what happens.
    pub(crate) fn webhooks(&self) -> &[WebhookTable] {
        &self.webhooks
    }

    /// The same with their secrets looked up, and without those that have none: what is wrong with each.
    pub(crate) fn endpoints(&self) -> (Vec<Endpoint>, Vec<String>) {
        let place = (self.document.folder(), &self.kept);
        let (mut endpoints, mut wrong) = (Vec::new(), Vec::new());
        for table in &self.webhooks {
            match webhook::endpoint(table, place) {
                Ok(endpoint) => endpoints.push(endpoint),
                Err(missing) => wrong.push(format!("{}: {}", missing.what, missing.remedy)),
            }
        }
        (endpoints, wrong)
    }

    /// When mail is sent, if it is.
    pub(crate) fn mailing(&self) -> Option<Mailing> {
        mail::mailing(&self.mail, self.mail_zone)
    }

    /// The server that takes mail, with its secret looked up; none where no mail is sent.
    ///
    /// # Errors
    /// With exit code 2 where the secret is not there.
    pub(crate) fn mail_server(&self) -> Result<Option<MailServer>, Failure> {
        mail::server(&self.mail, (self.document.folder(), &self.kept)).map_err(|missing| {
            Failure::usage(format!("`password` of [mail]: {}", missing.what))
                .with_remedy(missing.remedy)
        })
    }

    /// How mail about sessions looks and what it says: files are read once, with these settings.
    ///
    /// # Errors
    /// With exit code 2 where a file cannot be used.
    pub(crate) fn notification(&self) -> Result<Arc<Notification>, Failure> {
        if let Some(read) = self.notification_read.get() {
            return Ok(Arc::clone(read));
        }
        let read = Arc::new(notification::read(&self.notification, self.document.folder())?);
        Ok(Arc::clone(self.notification_read.get_or_init(|| read)))
    }

    /// Whether traces are to be sent.
    pub(crate) fn has_traces(&self) -> bool {
        self.traces.endpoint.is_some()
    }

    /// Whether traces are sent as other settings say.
    pub(crate) fn same_traces(&self, other: &Config) -> bool {
        self.traces == other.traces
    }

    /// Where traces are sent, with secrets looked up; none where they are not.
    ///
    /// # Errors
    /// With exit code 2 where a secret is not there.
    pub(crate) fn traces(&self) -> Result<Option<TracesPlan>, Failure> {
        traces::plan(&self.traces, (self.document.folder(), &self.kept)).map_err(|missing| {
            Failure::usage(format!("a header of [traces]: {}", missing.what))
                .with_remedy(missing.remedy)
        })
    }

    /// Where browsers reach the hub.
    pub(crate) fn public_url(&self) -> Option<&str> {
        self.server.public_url.as_deref()
    }

    /// Reads and checks the file.
    ///
    /// # Errors
    /// With exit code 2, naming every mistake with its place.
    pub(crate) fn load(path: &Path, registry: &Registry) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        let document = Document::new(path, &text, registry);
        match meaning::understand(&document, registry) {
            Ok(understood) => Ok(Self {
                path: path.to_owned(),
                time_zone: understood.time_zone,
                settings: understood.settings,
                ask: understood.ask,
                freshness: understood.freshness,
                second_person: understood.second_person,
                connections: understood.connections,
                entries: understood.entries,
                listen: understood.listen,
                parallel: understood.parallel,
                technician: understood.technician,
                queue: understood.queue,
                maintenance: understood.maintenance,
                notification: understood.notification,
                notification_read: OnceLock::new(),
                webhooks: understood.webhooks,
                traces: understood.traces,
                mail: understood.mail,
                mail_zone: understood.mail_zone,
                server: understood.server,
                sign_in: understood.sign_in,
                secrets: understood.secrets,
                database: understood.database,
                names_kept: secret::names_kept(&document.file.root),
                kept: secret::Kept::new(),
                keeper: None,
                document,
            }),
            Err(problems) => Err(Problems::new(&document.file, problems).into()),
        }
    }

    /// The database's address, with its secret looked up and its path made absolute.
    ///
    /// # Errors
    /// With exit code 2 where the secret is not there.
    pub(crate) fn database(&self) -> Result<String, Failure> {
        let address =
            secret::look_up(&self.database, self.document.folder()).map_err(|missing| {
                let problem =
                    Problem::new(self.document.file.span_of("hub", "database"), missing.what)
                        .help(missing.remedy);
                Failure::from(Problems::new(&self.document.file, vec![problem]))
            })?;
        Ok(document::absolute_database(&address, self.document.folder()))
    }

    /// How people sign in, with its secret looked up; tenants are as the settings name them.
    ///
    /// # Errors
    /// With exit code 2 where the secret is not there.
    pub(crate) fn sign_in(&self) -> Result<core_server::SignIn, Failure> {
        let places = (self.document.folder(), &self.kept);
        sign_in::sign_in(&self.sign_in, &self.server, places).map_err(|missing| {
            Failure::usage(format!("`client_secret` of [sign_in.oidc]: {}", missing.what))
                .with_remedy(missing.remedy)
        })
    }

    /// Takes what the hub's own store keeps, where the settings name anything there, and has connectors
    /// keep there what renews itself, where there is a key. A secret that no key opens is missing where it
    /// is needed, and nowhere else.
    ///
    /// # Errors
    /// Where there is no key, or the database does not answer.
    pub(crate) async fn take_kept(&mut self, store: &Store) -> Result<(), Failure> {
        if !self.uses_store() {
            return Ok(());
        }
        let keys = self.sealing_keys().map(std::sync::Arc::new);
        if self.sealing_keys_are_named() {
            let keys = match &keys {
                Ok(keys) => Ok(std::sync::Arc::clone(keys)),
                Err(failure) => {
                    let remedy = failure.remedy().unwrap_or_default();
                    Err((failure.to_string(), remedy.to_owned()))
                }
            };
            self.keeper = Some(keeper::Keeper { store: store.clone(), keys });
        }
        if !self.names_kept {
            return Ok(());
        }
        let keys = keys?;
        self.kept.clear();
        // What connections keep is theirs alone: no setting names it.
        let is_named = |name: &str| !name.starts_with(OF_CONNECTIONS);
        for row in store.secrets().await?.into_iter().filter(|row| is_named(&row.name)) {
            match store.unseal(&keys, &row.name).await {
                Ok(Some(plain)) => {
                    self.kept.insert(row.name, plain);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(secret = row.name, %error, "a secret is not opened"),
            }
        }
        Ok(())
    }

    /// The keys that seal what the hub keeps.
    ///
    /// # Errors
    /// With exit code 2 where there is none, or one is not where the settings say.
    pub(crate) fn sealing_keys(&self) -> Result<SealingKeys, Failure> {
        let read = |place: &String| {
            let text = secret::look_up(place, self.document.folder())
                .map_err(|missing| Failure::usage(missing.what).with_remedy(missing.remedy))?;
            SealingKey::parse(&text).map_err(|why| {
                Failure::usage(format!("the key at `{place}`: {why}"))
                    .with_remedy("`linchpin secrets key` makes one")
            })
        };
        let current = self.secrets.key.as_ref().ok_or_else(|| {
            Failure::usage("there is no key to seal with: `key` in [secrets] is not set")
                .with_remedy("`linchpin secrets key > hub.key`, and `key = \"file:hub.key\"`")
        })?;
        let old = self.secrets.old_keys.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(SealingKeys::new(read(current)?, old))
    }

    /// Whether connections need the hub's own store: it keeps something that they name, or would keep
    /// what renews itself.
    pub(crate) fn uses_store(&self) -> bool {
        self.names_kept || self.sealing_keys_are_named()
    }

    /// Whether the settings name a key.
    pub(crate) fn sealing_keys_are_named(&self) -> bool {
        self.secrets.key.is_some()
    }

    /// What is no mistake, and better otherwise.
    pub(crate) fn warnings(&self, registry: &Registry) -> Vec<String> {
        warnings::of(&self.document, &self.path, registry)
    }

    /// Builds the connector of a connection: looks its secrets up, and does no other IO.
    ///
    /// # Errors
    /// What is wrong with it, at its place in the file.
    pub(crate) fn connect(
        &self,
        connection: &ConnectionSettings,
        registry: &Registry,
    ) -> Result<Box<dyn Connector>, Vec<Problem>> {
        // That of runners is over the hub's own store, where that is open and there is a key to seal with.
        if connection.kind == RUNNER
            && let Some(office) = self.office(connection)
        {
            let keep_hours = connection.number("keep_hours").unwrap_or(KEEP_HOURS);
            return Ok(Box::new(Runners::new(office, keep_hours)));
        }
        let keep = self.keeper.as_ref().map(|keeper| keeper.of(&connection.name));
        let places = (self.document.folder(), &self.kept);
        connection.build(places, registry, self.technician.note, keep)
    }

    /// What answers runners; none where no enabled connection is of that kind, or there is no key to seal with.
    pub(crate) fn runners(&self) -> Option<Office> {
        let is_own = |one: &&ConnectionSettings| one.enabled && one.kind == RUNNER;
        self.office(self.connections.iter().find(is_own)?)
    }

    fn office(&self, connection: &ConnectionSettings) -> Option<Office> {
        self.keeper.as_ref()?.office(&connection.name)
    }

    /// Problems of this file, laid out.
    pub(crate) fn problems(&self, problems: Vec<Problem>) -> Problems {
        Problems::new(&self.document.file, problems)
    }

    /// What is wrong with the database's address, at its place in the file.
    pub(crate) fn database_problem(&self) -> Option<Problem> {
        let missing = secret::look_up(&self.database, self.document.folder()).err()?;
        let span = self.document.file.span_of("hub", "database");
        Some(Problem::new(span, missing.what).help(missing.remedy))
    }
}

/// A secret of a place outside the settings: `env:NAME`, or `file:PATH` relative to a folder.
///
/// # Errors
/// What is missing, and what to do about it.
pub(crate) fn secret_at(place: &str, folder: &Path) -> Result<String, (String, String)> {
    secret::look_up(place, folder).map_err(|missing| (missing.what, missing.remedy))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let failure =
        Failure::usage(format!("the settings file {} cannot be read: {error}", path.display()));
    match error.kind() {
        std::io::ErrorKind::NotFound => failure
            .with_remedy("write one with `linchpin init`, or name another with `--config PATH`"),
        std::io::ErrorKind::InvalidData => failure.with_remedy("save it as UTF-8"),
        _ => failure.with_remedy("check its rights"),
    }
}

#[cfg(test)]
mod tests;
