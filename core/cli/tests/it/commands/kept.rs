//! The newest refresh token is kept sealed in the hub's store: it outlives a restart, and nobody reads it.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use super::site::Site;

/// What every renewed refresh token of the sign-in service begins with.
const RENEWED: &[u8] = b"1.AXEA";

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_refresh_token_outlives_a_restart_and_is_in_no_file_and_no_log() {
    let site = Site::serve(30, 17).await;
    let first = site.running.discovery()["faces"]["azure-ad"]["refresh_token"].clone();
    let first = first.as_str().unwrap().to_owned();
    let warned = site.run(&["config", "check"]).ended(0);
    assert!(warned.err.contains("is kept nowhere"), "{}", warned.err);
    let path = site.place.path().join("linchpin.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}\n[secrets]\nkey = \"file:hub.key\"\n")).unwrap();
    let key = site.run(&["secrets", "key"]).ended(0).out;
    site.place.write("hub.key", &key);
    let warned = site.run(&["config", "check"]).ended(0);
    assert!(!warned.err.contains("is kept nowhere"), "{}", warned.err);

    let mut said = String::new();
    let mut run = |arguments: &[&str]| {
        let ran = site.run(arguments).ended(0);
        said.push_str(&ran.out);
        said.push_str(&ran.err);
    };
    run(&["-vv", "sync", "azure-ad", "--no-ask"]);
    site.running.estate("retire_refresh_token", &Value::Null).unwrap();
    // Only what the first one was renewed to signs anybody in from now on.
    run(&["-vv", "sync", "azure-ad", "--no-ask", "--full"]);
    run(&["-vv", "check", "azure-ad"]);
    run(&["secrets", "list"]);
    run(&["audit"]);
    assert!(said.contains("connection:azure-ad/refresh_token"), "{said}");
    assert!(!said.contains(&first) && !holds(said.as_bytes(), RENEWED), "a token was said");
    for file in std::fs::read_dir(site.place.path()).unwrap() {
        let file = file.unwrap();
        if file.file_name() == "linchpin.toml" || file.file_type().unwrap().is_dir() {
            continue;
        }
        let bytes = std::fs::read(file.path()).unwrap();
        let name = file.file_name();
        assert!(!holds(&bytes, first.as_bytes()) && !holds(&bytes, RENEWED), "{name:?}");
    }

    // Without the key nobody signs in, and it is said what is missing.
    site.place.write("hub.key", "lpk_AAAA");
    let ran = site.run(&["check", "azure-ad"]).ended(1);
    assert!(format!("{}{}", ran.out, ran.err).contains("linchpin secrets key"), "{}", ran.out);
    // Another key does not open it; forgotten, what the settings say is used, which is too old.
    let other = site.run(&["secrets", "key"]).ended(0).out;
    site.place.write("hub.key", &other);
    let ran = site.run(&["check", "azure-ad"]).ended(1);
    assert!(format!("{}{}", ran.out, ran.err).contains("old_keys"), "{}", ran.out);
    site.run(&["secrets", "forget", "connection:azure-ad/refresh_token"]).ended(0);
    site.run(&["check", "azure-ad"]).ended(1);
    site.place.write("hub.key", &key);
}

/// Keeps a secret under a name, as an admin does.
fn set(site: &Site, name: &str, secret: &str) {
    let mut command = site.command(&["secrets", "set", name]);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admins_own_secret_is_not_written_over_by_what_the_connection_keeps() {
    // Capitals count in the name of a connection, and not in that of a secret.
    for (connection, seed) in [("entra", 18), ("Entra.Main", 19)] {
        let site = Site::serve(30, seed).await;
        let first = site.running.discovery()["faces"]["azure-ad"]["refresh_token"].clone();
        let own = format!("{connection}.refresh_token").to_lowercase();
        let place = format!("store:{own}");
        site.write(&[("azure-ad.refresh_token", place.as_str())]);
        let path = site.place.path().join("linchpin.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("name = \"azure-ad\"", &format!("name = \"{connection}\""));
        let text = text.replace("[\"azure-ad\"", &format!("[\"{connection}\""));
        std::fs::write(&path, format!("{text}\n[secrets]\nkey = \"file:hub.key\"\n")).unwrap();
        site.place.write("hub.key", &site.run(&["secrets", "key"]).ended(0).out);
        set(&site, &own, first.as_str().unwrap());

        site.run(&["sync", connection, "--no-ask"]).ended(0);
        site.running.estate("retire_refresh_token", &Value::Null).unwrap();
        // A restart: what was kept descends from what the admin's secret still says.
        site.run(&["check", connection]).ended(0);
        let theirs = format!("connection:{connection}/refresh_token");
        let names = |site: &Site| -> Vec<String> {
            let rows = site.run(&["secrets", "list", "--json"]).ended(0).json();
            rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
        };
        let mut both = vec![theirs.clone(), own.clone()];
        both.sort();
        let mut found = names(&site);
        found.sort();
        assert_eq!(found, both);

        // One that is not there is not said to be forgotten.
        let near = format!("connection:{connection}/refresh_tokens");
        site.run(&["secrets", "forget", &near]).refused(&["did you mean", &near, &theirs]);
        site.run(&["secrets", "forget", &theirs]).ended(0);
        site.run(&["secrets", "forget", &theirs]).refused(&[theirs.as_str(), own.as_str()]);
        assert_eq!(names(&site), [own]);
        // What the settings say is used again, and is too old.
        site.run(&["check", connection]).ended(1);
    }
}
