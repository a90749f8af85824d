//! The estate's connections, as an admin would set them up.

use std::path::{Path, PathBuf};

use core_derive::DomainSplit;
use core_sync::Settings;
use mocks::server::Running;
use mocks::truth::Truth;
use serde_json::{Value, json};

use crate::failure::Failure;

/// Where the demonstration keeps its database and its settings file.
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn database(&self) -> String {
        format!("sqlite://{}", self.path.join("demo.db").display())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path.join("linchpin.toml")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A leftover in the temporary folder harms nobody.
        std::fs::remove_dir_all(&self.path).unwrap_or_default();
    }
}

/// A fresh folder in the system's temporary one; it goes with the demonstration.
pub(crate) fn folder() -> Result<Folder, Failure> {
    let name = format!("linchpin-demo-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    // A process of this number may have died here before.
    std::fs::remove_dir_all(&path).unwrap_or_default();
    std::fs::create_dir_all(&path)
        .map_err(|error| Failure::io(&format!("making {}", path.display()), &error))?;
    Ok(Folder { path })
}

/// What is true now.
pub(crate) fn truth(running: &Running) -> Truth {
    let world = running.world();
    let world = world.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    mocks::truth::truth(&world, world.now())
}

/// The settings of each connection, by its connector's kind.
pub(crate) fn connections(running: &Running) -> Vec<(&'static str, Value)> {
    let found = running.discovery();
    let face = |name: &str| found["faces"][name].clone();
    let (graph, automate, control, halo) =
        (face("azure-ad"), face("cw-automate"), face("cw-control"), face("halopsa"));
    let mut connections = vec![
        (
            "azure-ad",
            json!({
                "tenant_id": graph["tenant"], "client_id": graph["client_id"],
                "client_secret": graph["client_secret"], "refresh_token": graph["refresh_token"],
                "customers": "relationships", "login_url": graph["login_url"],
                "graph_url": graph["graph_url"],
            }),
        ),
        (
            "cw-automate",
            json!({
                "url": automate["url"], "username": automate["username"],
                "password": automate["password"], "client_id": automate["client_id"],
                "totp_secret": automate["totp_secret"],
            }),
        ),
        ("cw-control", json!({ "url": control["url"], "secret": control["secret"] })),
        (
            "halopsa",
            json!({
                "url": halo["url"], "auth_url": halo["auth_url"], "tenant": halo["tenant"],
                "client_id": halo["client_id"], "client_secret": halo["client_secret"],
                "requests_per_5_minutes": 0,
            }),
        ),
    ];
    for (_, settings) in &mut connections {
        if let Value::Object(settings) = settings {
            settings.retain(|_, value| !value.is_null());
        }
    }
    connections
}

/// The rules of this MSP: who creates tenants, and which directory is shared by two of them.
pub(crate) fn rules(running: &Running) -> Settings {
    let mut settings = Settings::default();
    settings.tenants.create_from = vec!["azure-ad".to_owned(), "cw-automate".to_owned()];
    settings.tenants.splits = splits(&truth(running));
    // The estate's machines answer in a fraction of a second, and there is nobody to be kind to.
    settings.collect.parallel = 256;
    settings.collect.poll_ms = Some(100);
    settings
}

fn splits(truth: &Truth) -> Vec<DomainSplit> {
    let split = |tenant: &mocks::truth::Tenant| {
        let (directory, domain) = tenant.domain_split.clone()?;
        let client =
            |kind: &str| Some((kind.to_owned(), tenant.clients.get(kind)?.first()?.clone()));
        let (connection, client) = client("cw-automate").or_else(|| client("halopsa"))?;
        let directory = directory.to_string();
        Some(DomainSplit { directory, domains: vec![domain], connection, client })
    };
    truth.tenants.iter().filter_map(split).collect()
}

/// Writes the same as a settings file, so that every other command works on the demonstration.
pub(crate) fn write_settings(running: &Running, folder: &Folder) -> Result<(), Failure> {
    let path = folder.config();
    let text = settings_text(running);
    write_private(&path, &text)
        .map_err(|error| Failure::io(&format!("writing {}", path.display()), &error))
}

fn settings_text(running: &Running) -> String {
    let mut text = String::from(
        "# The settings of a demonstration: four imaginary systems on this machine.\n\
         [hub]\ndatabase = \"sqlite://demo.db\"\n\n\
         # One person looks around here: whoever applies rules confirms what goes beyond the budget.\n\
         [rules]\nsecond_person = false\n\n\
         [identification]\nparallel = 256\npoll_ms = 100\n\n\
         [tenants]\ncreate_from = [\"azure-ad\", \"cw-automate\"]\n",
    );
    for split in splits(&truth(running)) {
        let domains: Vec<Value> = split.domains.iter().map(|domain| json!(domain)).collect();
        text.push_str(&format!(
            "\n[[tenants.domain_split]]\ndirectory = {}\ndomains = {}\nconnection = {}\nclient = {}\n",
            json!(split.directory),
            Value::Array(domains),
            json!(split.connection),
            json!(split.client)
        ));
    }
    for (kind, settings) in connections(running) {
        text.push_str(&format!("\n[[connection]]\nname = \"{kind}\"\nkind = \"{kind}\"\n"));
        for (key, value) in settings.as_object().into_iter().flatten() {
            // A JSON string, number or boolean is a TOML one.
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
    text
}

/// The file holds credentials, if only imaginary ones: it is its owner's alone.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
