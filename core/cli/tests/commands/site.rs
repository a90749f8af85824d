//! An imaginary MSP that is served in this process, and a settings file that connects to it.

use std::io::Read;
use std::process::{Child, Command, Stdio};

use mocks::estate::{Change, apply};
use mocks::server::{Mocks, Running, ServeConfig};
use mocks::world::Options;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The served MSP and the folder of the settings.
pub(crate) struct Site {
    pub(crate) running: Running,
    pub(crate) folder: TempDir,
}

/// What a run of the program left.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Site {
    /// Serves an MSP of so many machines.
    pub(crate) async fn serve(computers: usize, seed: u64) -> Self {
        eprintln!("seed {seed}");
        let options = Options { computers, seed, command_latency_ms: (1, 5), ..Options::default() };
        let world = mocks::generate::generate(&options);
        let running = Mocks::start(world, ServeConfig::default()).await.unwrap();
        let site = Self { running, folder: tempfile::tempdir().unwrap() };
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
        std::fs::write(self.folder.path().join("linchpin.toml"), text).unwrap();
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
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
        let mut command = Command::new(env!("CARGO_BIN_EXE_linchpin"));
        command.current_dir(self.folder.path()).args(arguments);
        command.env_remove("LINCHPIN_CONFIG").env_remove("LINCHPIN_LOG").env("USER", "tester");
        command
    }
}

impl Ran {
    /// The run, if it ended with this code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The lines of standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let read = |line: &str| match serde_json::from_str(line) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {line}"),
        };
        self.out.lines().map(read).collect()
    }

    /// The run, if a person can read it: within a hundred columns, and without control characters.
    #[track_caller]
    pub(crate) fn readable(self) -> Self {
        for line in self.out.lines() {
            assert!(line.chars().count() <= 100, "too wide: {line}");
            assert!(!line.chars().any(char::is_control), "control characters: {line:?}");
        }
        self
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
