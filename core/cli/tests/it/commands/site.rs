//! An imaginary MSP that is served in this process, and a settings file that connects to it.

use std::io::Read;
use std::process::{Child, Command, Stdio};

use mocks::estate::{Change, apply};
use mocks::server::{Mocks, Running, ServeConfig};
use mocks::world::Options;
use serde_json::{Value, json};

use crate::run::{Place, Ran};

/// The served MSP and the folder of the settings.
pub(crate) struct Site {
    pub(crate) running: Running,
    pub(crate) place: Place,
}

impl Site {
    /// Serves an MSP of so many machines.
    pub(crate) async fn serve(computers: usize, seed: u64) -> Self {
        eprintln!("seed {seed}");
        let options = Options { computers, seed, command_latency_ms: (1, 5), ..Options::default() };
        let world = mocks::generate::generate(&options);
        let running = Mocks::start(world, ServeConfig::default()).await.unwrap();
        let site = Self { running, place: Place::empty() };
        site.write(&[]);
        site
    }

    /// Writes the settings; the given keys replace those of the connections (`halopsa.url`).
    pub(crate) fn write(&self, instead: &[(&str, &str)]) {
        let mut text = String::from(
            "[hub]\ndatabase = \"sqlite://hub.db\"\ntime_zone = \"America/Chicago\"\n\n\
             [tenants]\ncreate_from = [\"azure-ad\", \"cw-automate\"]\n\n\
             [identification]\nparallel = 256\npoll_ms = 20\n",
        );
        for (kind, mut settings) in connections(&self.running.discovery()) {
            text.push_str(&format!("\n[[connection]]\nname = \"{kind}\"\nkind = \"{kind}\"\n"));
            for (key, value) in instead {
                if let Some(key) = key.strip_prefix(&format!("{kind}.")) {
                    settings[key] = (*value).into();
                }
            }
            for (key, value) in settings.as_object().unwrap() {
                if !value.is_null() {
                    text.push_str(&format!("{key} = {value}\n"));
                }
            }
            text.push_str("http = { backoff_ms = 5, attempts = 3 }\n");
        }
        self.place.write("linchpin.toml", &text);
    }

    /// Adds a line to the table of a connection.
    pub(crate) fn add_to_connection(&self, name: &str, line: &str) {
        let path = self.place.path().join("linchpin.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let head = format!("[[connection]]\nname = \"{name}\"\n");
        assert!(text.contains(&head), "{text}");
        std::fs::write(&path, text.replace(&head, &format!("{head}{line}\n"))).unwrap();
    }

    /// Applies the rules of a folder, however many winners they change.
    pub(crate) fn apply(&self, folder: &str) {
        let ran = self.run(&["apply", folder]);
        if ran.code == 0 {
            return;
        }
        let text = format!("{}{}", ran.out, ran.err);
        let number = text.split("--confirm ").nth(1).unwrap_or_else(|| panic!("{text}"));
        let number: String = number.chars().take_while(char::is_ascii_digit).collect();
        self.run(&["apply", folder, "--confirm", &number]).ended(0);
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    /// Starts the program.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Lets something happen at the MSP.
    pub(crate) fn change(&self, change: &Change) {
        let world = self.running.world();
        let mut world = world.write().unwrap();
        apply(&mut world, change).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        command.env("USER", "tester");
        command
    }
}

/// The rest of what a child prints, and its exit code.
pub(crate) fn wait(mut child: Child) -> Ran {
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    let code = child.wait().unwrap().code().unwrap_or(-1);
    Ran { code, out, err }
}

fn connections(found: &Value) -> Vec<(&'static str, Value)> {
    let face = |name: &str| found["faces"][name].clone();
    let (graph, automate, control, halo) =
        (face("azure-ad"), face("cw-automate"), face("cw-control"), face("halopsa"));
    vec![
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
    ]
}
