//! The API of a service that runs, with tokens made beside it.

use std::io::{BufRead, BufReader};

use serde_json::Value;

use super::service::Service;
use super::site;
use crate::commands::site::Site;
use crate::run::Place;

/// A token as `token create` prints it: alone on its line.
fn token(site: &Site, arguments: &[&str]) -> String {
    let ran = site.run(&[&["token", "create"], arguments].concat()).ended(0);
    let token = ran.out.trim_end().to_owned();
    assert!(token.starts_with("lpt_") && token.len() == 47 && !token.contains('\n'), "{}", ran.out);
    assert!(ran.err.contains("shown this once") && !ran.err.contains(&token), "{}", ran.err);
    token
}

/// What `list KIND` prints, document by document.
fn listed(site: &Site, kind: &str) -> Vec<Value> {
    site.run(&["list", kind, "--json", "--gone", "--limit", "10000"]).ended(0).json()
}

fn followed(service: &Service, token: &str, path: &str) -> impl Iterator<Item = String> {
    let lines = BufReader::new(service.ask(path, token)).lines();
    lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("id: ").map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_token_the_model_is_read_followed_and_only_as_far_as_it_goes() {
    let quiet = "\n[schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n";
    let (site, _) = site(60, 85, quiet).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    let admin = token(&site, &["engine", "--role", "operator", "--expires", "never"]);
    let tenants = listed(&site, "tenants");
    let computers = listed(&site, "computers");
    let own =
        tenants.iter().find(|one| computers.iter().any(|c| c["tenant"] == one["id"])).unwrap();
    let (name, id) = (own["name"].as_str().unwrap(), own["id"].as_str().unwrap());
    let reader = token(&site, &["desk", "--role", "reader", "--tenant", name]);

    let all = read_all(&service, "computers", &admin);
    assert_eq!(all, computers, "the API and the command differ");
    let theirs = read_all(&service, "computers", &reader);
    let expected: Vec<Value> = computers.iter().filter(|c| c["tenant"] == id).cloned().collect();
    assert_eq!(theirs, expected);
    let foreign = computers.iter().find(|one| one["tenant"] != id).unwrap();
    let path = format!("/v1/computers/{}", foreign["id"].as_str().unwrap());
    assert_eq!(service.get_as(&path, &reader).0, 404);
    assert_eq!(service.get_as(&path, &admin), (200, foreign.clone()));

    let path = format!("/v1/computers/{}/winners", expected[0]["id"].as_str().unwrap());
    assert_eq!(service.get_as(&path, &reader).0, 200);
    let (code, wrong) = service.get_as(&format!("{path}?as_of=someday"), &reader);
    assert_eq!(code, 400, "{wrong}");
    assert!(
        wrong["detail"].as_str().unwrap().contains("as_of") && !wrong.to_string().contains("--")
    );
    let (code, standing) = service.get_as("/v1/status", &admin);
    assert_eq!((code, standing["connections"].as_array().unwrap().len()), (200, 4));
    assert_eq!(service.get_as("/v1/status", &reader).0, 403);

    let (_, changes) = service.get_as("/v1/changes?limit=500", &admin);
    let items = changes["items"].as_array().unwrap();
    let numbers: Vec<String> = items.iter().map(|item| item["sequence"].to_string()).collect();
    let stream = followed(&service, &admin, "/v1/events?since=0");
    assert_eq!(stream.take(numbers.len()).collect::<Vec<_>>(), numbers);
    let open = service.ask("/v1/events", &admin);

    site.run(&["token", "revoke", "desk"]).ended(0);
    assert_eq!(service.get_as("/v1/computers", &reader).0, 401);
    let tokens = site.run(&["token", "list", "--json"]).ended(0).json();
    let states: Vec<&str> = tokens.iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["revoked", "holds"], "{tokens:?}");
    assert!(tokens.iter().all(|one| one["last_used"].is_string()), "{tokens:?}");
    assert_eq!(tokens[0]["tenants"], serde_json::json!([id]));

    service.signal("TERM");
    let (code, lines) = service.end();
    drop(open);
    assert_eq!(code, 0, "{lines:#?}");
    let log = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(log.contains("\"/v1/computers/{id}\"") && log.contains("\"token\":\"desk\""), "{log}");
    let printed = site.run(&["token", "list"]).ended(0);
    for token in [&admin, &reader] {
        assert!(!log.contains(&**token) && !printed.out.contains(&**token));
        for file in ["hub.db", "hub.db-wal"] {
            let bytes = std::fs::read(site.place.path().join(file)).unwrap_or_default();
            let found = bytes.windows(token.len()).any(|part| part == token.as_bytes());
            assert!(!found, "a token is in {file}");
        }
    }
}

/// Everything of a kind, in pages of seven.
fn read_all(service: &Service, kind: &str, token: &str) -> Vec<Value> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/{kind}?limit=7&after={after}");
        let (code, page) = service.get_as(&path, token);
        assert_eq!(code, 200, "{page}");
        found.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return found,
        }
    }
}

#[test]
fn tokens_are_made_once_listed_and_revoked_and_mistakes_are_said() {
    let place = Place::with("[hub]\ndatabase = \"sqlite://hub.db\"\n");
    let empty = place.run(&["token", "list"]).ended(0);
    assert!(empty.out.contains("there is no token"), "{}", empty.out);
    let made = place.run(&["token", "create", "a", "--role", "admin", "--json"]).ended(0).json();
    assert!(made[0]["token"].as_str().unwrap().starts_with("lpt_"), "{made:?}");
    assert_eq!((&made[0]["role"], &made[0]["tenants"]), (&"admin".into(), &Value::Null));
    let made = place.run(&["token", "create", "b", "--role", "reader", "--by", "ana"]).ended(0);
    assert!(made.err.starts_with("reader for all tenants, until "), "{}", made.err);

    let again = place.run(&["token", "create", "a", "--role", "reader"]).ended(2).silent();
    again.complained(&["a token `a`", "choose another name"]);
    place.run(&["token", "revoke", "nobody"]).ended(2).silent().complained(&["no token `nobody`"]);
    let unknown = ["token", "create", "c", "--role", "reader", "--tenant", "Nobody"];
    place.run(&unknown).ended(2).silent().complained(&["no tenant `Nobody`"]);
    for wrong in [
        &["c"][..],
        &["c", "--role", "root"],
        &["c", "--role", "reader", "--expires", "0"],
        &["c", "--role", "reader", "--expires", "soon"],
        &["no name", "--role", "reader"],
        &["lpt_c", "--role", "reader"],
    ] {
        place.run(&[&["token", "create"], wrong].concat()).ended(2).silent();
    }
    let gone = place.run(&["token", "revoke", "b"]).ended(0);
    assert_eq!(gone.out, "b opens nothing any more\n");
    assert!(place.run(&["token", "revoke", "b"]).ended(0).out.contains("revoked already"));
    let listed = place.run(&["token", "list"]).ended(0);
    for part in ["admin", "reader", "holds", "revoked", "ana", "all", "never"] {
        assert!(listed.out.contains(part), "{part} in\n{}", listed.out);
    }
}
