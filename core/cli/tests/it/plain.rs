//! Help, `init`, `config`, `connectors`, `check` and `mocks`.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::run::Place;

const COMMANDS: [&str; 30] = [
    "demo",
    "init",
    "config",
    "connectors",
    "check",
    "sync",
    "token",
    "status",
    "sessions",
    "runs",
    "list",
    "show",
    "resolve",
    "winners",
    "explain",
    "preview",
    "plan",
    "apply",
    "requests",
    "approve",
    "reject",
    "export",
    "edges",
    "reconcile",
    "expect",
    "link",
    "decide",
    "pin",
    "rebuild",
    "mocks",
];

#[test]
fn every_help_tells_the_exit_codes() {
    let place = Place::empty();
    let all = place.run(&["--help"]).ended(0);
    for command in COMMANDS {
        assert!(all.out.contains(&format!("  {command} ")), "{command} is not in the help");
        let help = place.run(&[command, "--help"]).ended(0);
        let codes =
            ["Exit codes:", "  0  done", "  1  failed", "  2  the arg", "  3  done in part"];
        for part in codes.into_iter().filter(|_| command != "config") {
            assert!(help.out.contains(part), "{command}: {part} is not in\n{}", help.out);
        }
        assert_eq!(help.err, "");
    }
    assert!(place.run(&["config", "check", "--help"]).ended(0).out.contains("Exit codes:"));
}

#[test]
fn wrong_arguments_are_usage_errors_with_a_suggestion() {
    let place = Place::empty();
    place.run(&["snyc"]).ended(2).silent().complained(&["snyc", "sync"]);
    place.run(&["list", "computer"]).ended(2).silent().complained(&["computers"]);
    place.run(&["sync", "--dry-run", "--accept-deletions"]).ended(2).silent();
    place.run(&[]).ended(2).silent();
}

#[test]
fn init_writes_a_file_that_is_right_and_never_overwrites() {
    let place = Place::empty();
    let ran = place.run(&["init"]).ended(0);
    assert!(ran.out.starts_with("wrote linchpin.toml\n"), "{}", ran.out);
    let text = std::fs::read_to_string(place.file()).unwrap();
    assert!(text.contains("#max_delete_percent = 10"));
    let ran = place.run(&["config", "check"]).ended(0);
    assert!(ran.out.ends_with("linchpin.toml: fine\n"), "{}", ran.out);

    place.write("linchpin.toml", "mine");
    let ran = place.run(&["init"]).ended(2).silent();
    ran.complained(&["linchpin.toml is there already", "nothing was written"]);
    assert_eq!(std::fs::read_to_string(place.file()).unwrap(), "mine");
}

#[test]
fn the_schema_has_each_kind_with_its_settings() {
    let schema = Place::empty().run(&["config", "schema"]).ended(0).value();
    let kinds = schema["properties"]["connection"]["items"]["oneOf"].as_array().unwrap();
    let names: Vec<&Value> =
        kinds.iter().map(|kind| &kind["properties"]["kind"]["const"]).collect();
    assert_eq!(names, ["azure-ad", "cw-automate", "cw-control", "halopsa", "runner"]);
    assert_eq!(kinds[3]["properties"]["client_secret"]["x-linchpin-secret"], true);
    assert_eq!(schema["properties"]["hub"]["$ref"], "#/$defs/HubTable");
}

#[test]
fn connectors_say_what_they_can_and_need() {
    let place = Place::empty();
    let text = place.run(&["connectors"]).ended(0).out;
    for part in [
        "azure-ad: Azure AD (Microsoft Entra ID)",
        "User.Read.All (needed): users: the persons",
        "halopsa: HaloPSA",
        "customers (optional): Where the list of customers comes from. One of \"none\"",
        "http.timeout_seconds (default 100)",
    ] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(part), "{part} is not in\n{text}");
    }
    let lines = place.run(&["connectors", "--json"]).ended(0).out;
    let kinds: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(kinds.len(), 5);
    let actions = serde_json::json!(["run-script", "open-session", "push", "webhooks"]);
    assert_eq!(kinds[2]["actions"], actions);
    assert!(kinds[0]["permissions"].as_array().unwrap().len() > 5);
}

/// The mocks while they run.
struct Mocks(Child, Value);

impl Mocks {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut command = place.command(&["mocks", "--json", "--computers", "20"]);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let discovery = serde_json::from_str(&line).unwrap_or_else(|error| {
            let mut err = String::new();
            child.kill().unwrap();
            child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
            panic!("{error}: {line}\n{err}")
        });
        Self(child, discovery)
    }

    fn settings(&self) -> String {
        let face = |name: &str, key: &str| {
            let value = &self.1["faces"][name][key];
            value.as_str().unwrap_or_else(|| panic!("{name} has no {key}")).to_owned()
        };
        format!(
            "[[connection]]\nname = \"control\"\nkind = \"cw-control\"\nurl = \"{}\"\n\
             secret = \"{}\"\n\
             [[connection]]\nname = \"halo\"\nkind = \"halopsa\"\nurl = \"{}\"\n\
             client_id = \"{}\"\nclient_secret = \"env:HALO\"\ntenant = \"{}\"\n",
            face("cw-control", "url"),
            face("cw-control", "secret"),
            face("halopsa", "url"),
            face("halopsa", "client_id"),
            face("halopsa", "tenant"),
        )
    }
}

impl Drop for Mocks {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn check_signs_in_to_each_and_one_refusal_hides_no_other() {
    let place = Place::empty();
    let mocks = Mocks::start(&place, &[]);
    place.write("linchpin.toml", &mocks.settings());
    let right = mocks.1["faces"]["halopsa"]["client_secret"].as_str().unwrap().to_owned();

    let ran = place.run_with(&["check"], &[("HALO", &right)]).ended(0);
    assert!(ran.out.contains("control: signed in"), "{}", ran.out);
    assert!(ran.out.contains("halo: signed in"), "{}", ran.out);

    let ran = place.run_with(&["check"], &[("HALO", "wrong-secret")]).ended(3);
    assert!(ran.out.contains("control: signed in"), "{}", ran.out);
    assert!(ran.out.contains("halo: failed (auth)"), "{}", ran.out);
    assert!(ran.out.contains("  fix: "), "{}", ran.out);
    assert!(!ran.out.contains("wrong-secret") && !ran.err.contains("wrong-secret"));

    let ran = place.run_with(&["check", "halo", "--json"], &[("HALO", "wrong-secret")]).ended(1);
    let answer = ran.value();
    assert_eq!((&answer["connection"], &answer["ok"]), (&"halo".into(), &false.into()));
    assert_eq!(answer["error"]["kind"], "auth");

    // A secret that is not there stops nobody else either.
    let ran = place.run(&["check"]).ended(3).complained(&["`HALO` is not set"]);
    assert!(ran.out.contains("control: signed in"), "{}", ran.out);
    place.run(&["check", "halo"]).ended(2).complained(&["`HALO` is not set"]);
}

#[test]
fn mocks_speak_tls_with_the_certificate_that_they_write() {
    let place = Place::empty();
    let mocks = Mocks::start(&place, &["--tls", "--certificate-file", "ca.pem"]);
    let pem = std::fs::read_to_string(place.path().join("ca.pem")).unwrap();
    assert_eq!(mocks.1["certificate_pem"], pem.as_str());
    let settings = mocks.settings();
    assert!(settings.contains("https://localhost:"), "{settings}");
    let right = mocks.1["faces"]["halopsa"]["client_secret"].as_str().unwrap().to_owned();

    place.write("linchpin.toml", &settings);
    let ran = place.run_with(&["check", "control", "--json"], &[]).ended(1);
    assert_eq!(ran.value()["error"]["kind"], "unavailable", "{}", ran.out);

    let trusting = settings.replace("kind =", "http = { ca_file = \"ca.pem\" }\nkind =");
    place.write("linchpin.toml", &trusting);
    place.run_with(&["check"], &[("HALO", &right)]).ended(0);
}

#[test]
fn wrong_options_of_the_mocks_are_named() {
    let place = Place::empty();
    let run = |arguments: &[&str]| place.run(&[&["mocks"], arguments].concat()).ended(2).silent();
    run(&["--face-port", "halo=1"]).complained(&["no face `halo`", "did you mean `halopsa`?"]);
    run(&["--face-port", "halopsa=x"]).complained(&["`x` is no port"]);
    run(&["--public-url", "nowhere"]).complained(&["--public-url nowhere"]);
    run(&["--public-url", "https://x.example"]).complained(&["give --port too"]);
    run(&["--port", "65534"]).complained(&["no room for five ports"]);
}
