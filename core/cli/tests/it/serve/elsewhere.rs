//! A hub that is asked from elsewhere: the same words as beside its database, and what is wrong where
//! it does not answer or does not let one in.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::Value;

use super::service::Service;
use super::site;
use crate::commands::site::Site;
use crate::run::{Place, Ran};

const QUIET: &str = "\n[schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n";

fn token(site: &Site, arguments: &[&str]) -> String {
    let ran = site.run(&[&["token", "create"], arguments].concat()).ended(0);
    ran.out.trim_end().to_owned()
}

/// The program in a folder without settings, asking a hub with this token.
fn ask(address: &str, token: &str, arguments: &[&str]) -> Ran {
    let place = Place::empty();
    let arguments = [arguments, &["--server", address]].concat();
    let environment: &[(&str, &str)] = match token {
        "" => &[],
        token => &[("LINCHPIN_TOKEN", token)],
    };
    let mut command = place.command(&arguments);
    command.env_remove("LINCHPIN_TOKEN").envs(environment.iter().copied());
    Ran::from(command.output().unwrap())
}

/// Everything that does not depend on the second in which it is asked.
fn settled(mut standing: Value) -> Value {
    standing["at"].take();
    for connection in standing["connections"].as_array_mut().unwrap() {
        for stream in connection["streams"].as_array_mut().unwrap() {
            stream["lag_seconds"].take();
        }
    }
    standing
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_elsewhere_says_what_the_one_beside_its_database_says() {
    let (site, _) = site(60, 86, QUIET).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    let operator = token(&site, &["eye", "--role", "operator"]);
    let address = format!("http://127.0.0.1:{}", service.port());

    let here = site.run(&["status", "--json"]).ended(0).value();
    let there = ask(&address, &operator, &["status", "--json"]).ended(0).value();
    assert_eq!(here["version"], env!("CARGO_PKG_VERSION"));
    assert!(here["connections"].as_array().unwrap().len() == 4, "{here}");
    assert_eq!(settled(there), settled(here));
    // People see the same lines; only times and lags move.
    let words = |ran: Ran| -> Vec<String> {
        let lines = ran.ended(0).readable().out;
        lines
            .split_whitespace()
            .filter(|word| !word.contains(char::is_numeric))
            .map(str::to_owned)
            .collect()
    };
    let shown = words(ask(&address, &operator, &["status"]));
    assert_eq!(shown, words(site.run(&["status"])));
    assert!(shown.iter().any(|word| word == "America/Chicago"), "{shown:?}");

    let needs = site.run(&["needs", "--json"]).ended(0).json();
    assert!(!needs.is_empty(), "nothing needs anybody");
    assert_eq!(ask(&address, &operator, &["needs", "--json"]).ended(0).json(), needs);
    let shown = ask(&address, &operator, &["needs"]).ended(0).out;
    assert_eq!(shown, site.run(&["needs"]).ended(0).out);

    // A file has it as well, with the end of its line.
    let place = Place::empty();
    place.write("token", &format!("{operator}\n"));
    let arguments = ["status", "--json", "--server", &address, "--token-file", "token"];
    place.run(&arguments).ended(0);
    service.signal("TERM");
    assert_eq!(service.end().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_let_in_elsewhere_is_told_why_and_what_to_do() {
    let (site, _) = site(20, 87, QUIET).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    let reader = token(&site, &["small", "--role", "reader"]);
    let revoked = token(&site, &["gone", "--role", "operator"]);
    site.run(&["token", "revoke", "gone"]).ended(0);
    let tenants = site.run(&["list", "tenants", "--json"]).ended(0).json();
    let of_one = tenants[0]["name"].as_str().unwrap();
    let narrow = token(&site, &["narrow", "--role", "operator", "--tenant", of_one]);
    let address = format!("http://127.0.0.1:{}", service.port());

    let unknown = format!("lpt_{}", "A".repeat(43));
    for (token, parts) in [
        ("", &["`LINCHPIN_TOKEN` is not set", "--token-file"][..]),
        (&*revoked, &["unknown there, has expired, or was revoked", "linchpin token list"]),
        (&*unknown, &["unknown there, has expired, or was revoked"]),
        (&*reader, &["refuses the token", "operator"]),
        (&*narrow, &["refuses the token", "of all tenants"]),
    ] {
        for command in ["status", "needs"] {
            let ran = ask(&address, token, &[command]).refused(parts);
            assert!(token.is_empty() || !ran.err.contains(token), "{}", ran.err);
        }
    }
    service.signal("TERM");
    assert_eq!(service.end().0, 0);
    let away = ask(&address, &reader, &["status"]).ended(1).silent();
    away.complained(&["does not answer: ", "no connection", "is `linchpin serve` running there"]);
    for wrong in ["hub.example.com", "http://hub.example.com", "https://u:p@hub.example.com"] {
        ask(wrong, &reader, &["status"]).refused(&["write it like https://hub.example.com"]);
    }
    Place::empty().run(&["status", "--token-file", "x"]).refused(&["--server"]);
}

/// A port that answers everybody with this, once each.
fn answering(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).unwrap() > 0);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn what_answers_and_is_no_hub_or_another_version_is_called_that() {
    let of = |status: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
    };
    let address = answering(vec![
        of("200 OK", "<html>Welcome</html>"),
        of("404 Not Found", ""),
        of("503 Service Unavailable", r#"{"detail":"not now","remedy":"ask again"}"#),
        of("200 OK", r#"{"version":"99.0.0","at":7}"#),
    ]);
    for (code, parts) in [
        (1, &["answered 200: what it says is no JSON", "no other page's"][..]),
        (1, &["it is no hub, or one of an earlier version"]),
        (1, &["answered 503: not now", "ask again"]),
        (1, &["is linchpin 99.0.0, and this is", "use the same version"]),
    ] {
        ask(&address, "lpt_x", &["status"]).ended(code).silent().complained(parts);
    }
}
