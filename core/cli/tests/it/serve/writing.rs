//! The writing half of the API and signing in, on a service that runs.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::service::Service;
use super::site;
use crate::commands::site::Site;
use crate::run::Place;

const QUIET: &str = "\n[schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n";
const RULES: &str = "[[software]]\nname = \"pdf-reader\"\n\n[[deployment]]\nname = \"reader\"\n\
                     software = \"pdf-reader\"\nstate = \"latest\"\ntarget = \"all\"\n";

/// What is sent, and what comes back: status, head and body.
pub(super) fn send(
    service: &Service,
    path: &str,
    headers: &str,
    body: &str,
) -> (u16, String, String) {
    let line = service.wait_for(|line| line["address"].is_string());
    let mut stream = TcpStream::connect(line["address"].as_str().unwrap()).unwrap();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (code, head.to_owned(), body.to_owned())
}

fn post(service: &Service, path: &str, headers: &str, body: &Value) -> (u16, Value) {
    let headers = format!("{headers}Content-Type: application/json\r\n");
    let (code, _, body) = send(service, path, &headers, &body.to_string());
    (code, serde_json::from_str(&body).unwrap_or_default())
}

/// Makes an account and signs in with it: its headers, and its password.
fn signed_in(site: &Site, service: &Service, name: &str, role: &str) -> (String, String) {
    let made = site.run(&["account", "add", name, "--role", role, "--json"]).ended(0).json();
    let password = made[0]["password_made"].as_str().unwrap().to_owned();
    let form = "Origin: http://localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let body = format!("name={name}&password={password}");
    let (code, head, _) = send(service, "/sign-in", form, &body);
    assert_eq!(code, 303, "{head}");
    let cookie = head.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
    let line = service.wait_for(|line| line["address"].is_string());
    let mut stream = TcpStream::connect(line["address"].as_str().unwrap()).unwrap();
    let me = format!(
        "GET /v1/me HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(me.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let me: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(me["name"], name);
    let csrf = me["csrf"].as_str().unwrap();
    let headers =
        format!("Cookie: {cookie}\r\nOrigin: http://localhost\r\nX-Csrf-Token: {csrf}\r\n");
    (headers, password)
}

fn bearer(site: &Site, name: &str, by: &str) -> String {
    let made = site.run(&["token", "create", name, "--role", "operator", "--by", by]).ended(0);
    format!("Authorization: Bearer {}\r\n", made.out.trim_end())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_commands_can_the_api_can_with_who_is_signed_in_as_the_second_person() {
    let (site, _) = site(40, 91, QUIET).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    let (ana, password) = signed_in(&site, &service, "ana@example.com", "admin");
    let (of_ana, of_ben) =
        (bearer(&site, "of-ana", "ana@example.com"), bearer(&site, "of-ben", "ben"));

    definitions(&site, &service, (&ana, &of_ana, &of_ben));
    decisions_and_syncs(&site, &service, (&ana, &of_ben));
    audited(&site);
    service.signal("TERM");
    let (code, lines) = service.end();
    assert_eq!(code, 0, "{lines:#?}");
    let log = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let csrf = ana.split("X-Csrf-Token: ").nth(1).unwrap().trim_end();
    let cookie = ana.split("__Host-linchpin=").nth(1).unwrap().split("\r\n").next().unwrap();
    for secret in [password.as_str(), csrf, cookie] {
        assert!(!log.contains(secret));
        for file in ["hub.db", "hub.db-wal"] {
            let bytes = std::fs::read(site.place.path().join(file)).unwrap_or_default();
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{file}");
        }
    }
    assert!(log.contains("\"account\":\"ana@example.com\""), "{log}");
}

/// The library by the API: looked at, asked for, approved by somebody else.
fn definitions(site: &Site, service: &Service, (ana, of_ana, of_ben): (&str, &str, &str)) {
    let (code, resolved) = post(service, "/v1/resolve", of_ben, &json!({ "target": ["all"] }));
    let command = site.run(&["resolve", "all", "--json"]).ended(0).json().remove(0);
    assert_eq!((code, &resolved["counts"]), (200, &command["counts"]));
    let (code, wrong) = post(service, "/v1/resolve", of_ben, &json!({ "target": ["al"] }));
    assert_eq!(code, 400, "{wrong}");

    let files = json!({ "rules.toml": RULES });
    let (code, plan) = post(service, "/v1/definitions/plan", of_ben, &json!({ "files": files }));
    assert_eq!((code, plan["changes"].as_array().map(Vec::len)), (200, Some(2)), "{plan}");
    let mistake = json!({ "files": { "rules.toml": RULES.replace("state", "stat") } });
    let (code, wrong) = post(service, "/v1/definitions", ana, &mistake);
    assert_eq!(code, 400, "{wrong}");
    assert!(wrong["problems"].as_array().unwrap().iter().any(|p| p["line"].is_number()), "{wrong}");

    let asked = json!({ "files": files, "propose": true, "note": "they bought it" });
    let (code, request) = post(service, "/v1/definitions", ana, &asked);
    assert_eq!((code, &request["request"]), (200, &1.into()), "{request}");
    let confirm = json!({ "confirm": request["confirm"], "note": "ok" });
    // A token acts for whoever made it, be it by another token.
    let admin = site.run(&["token", "create", "all", "--role", "admin", "--by", "Ana@example.com"]);
    let admin = format!("Authorization: Bearer {}\r\n", admin.ended(0).out.trim_end());
    let made =
        post(service, "/v1/tokens", &admin, &json!({ "name": "more", "role": "operator" })).1;
    let more = format!("Authorization: Bearer {}\r\n", made["token"].as_str().unwrap());
    for same in [ana, of_ana, &more] {
        let (code, refused) = post(service, "/v1/requests/1/approve", same, &confirm);
        assert_eq!(code, 409, "{refused}");
        assert!(refused["detail"].as_str().unwrap().contains("somebody else"), "{refused}");
    }
    let (code, saved) = post(service, "/v1/requests/1/approve", of_ben, &confirm);
    assert_eq!((code, &saved["revision"]), (200, &1.into()), "{saved}");
    let shown = site.run(&["show", "deployment", "reader"]).ended(0).out;
    assert!(shown.contains("ana@example.com") && shown.contains("token of-ben: ok"), "{shown}");

    let preview = json!({ "deployment": "reader", "change": "remove" });
    let (code, preview) = post(service, "/v1/preview", of_ben, &preview);
    assert!(code == 200 && preview["counts"]["lost"].as_u64().unwrap() > 0, "{preview}");
    // The same as JSON.
    let document = json!({ "definitions": {
        "software": [{ "name": "pdf-reader" }],
        "deployment": [{ "name": "reader", "software": "pdf-reader", "state": "latest", "target": "all" }],
    }});
    let (code, same) = post(service, "/v1/definitions/plan", of_ben, &document);
    assert_eq!((code, &same["changes"]), (200, &json!([])), "{same}");
}

/// A human's word, and a run that is asked for.
fn decisions_and_syncs(site: &Site, service: &Service, (ana, of_ben): (&str, &str)) {
    let computer =
        site.run(&["list", "computers", "--json", "--limit", "1"]).ended(0).json().remove(0);
    let path = format!("/v1/computers/{}/pin", computer["id"].as_str().unwrap());
    let (code, pinned) = post(service, &path, ana, &json!({ "person": "nobody" }));
    assert_eq!((code, &pinned["by"]), (200, &"ana@example.com".into()), "{pinned}");
    let explain = json!({ "subject": computer["id"], "item": "pdf-reader" });
    let (code, explained) = post(service, "/v1/explain", of_ben, &explain);
    assert_eq!(
        (code, &explained["items"][0]["candidates"][0]["deployment"]["name"]),
        (200, &"reader".into())
    );

    let (code, asked) = post(service, "/v1/syncs", of_ben, &json!({ "connection": "cw-control" }));
    assert_eq!((code, &asked["state"]), (200, &"asked".into()), "{asked}");
    service.wait_for(|l| l["message"] == "a job is done" && l["job"] == "incremental cw-control");
    let (code, wrong) = post(service, "/v1/syncs", of_ben, &json!({ "connection": "nobody" }));
    assert_eq!(code, 400, "{wrong}");
}

/// What the audit log says of all of it.
fn audited(site: &Site) {
    let audit = site.run(&["audit", "--json", "--limit", "99"]).ended(0).json();
    let told: Vec<(&str, &str, &str)> = audit
        .iter()
        .rev()
        .map(|l| {
            (
                l["action"].as_str().unwrap(),
                l["means"].as_str().unwrap(),
                l["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    for line in [
        ("make-account", "terminal", "done"),
        ("sign-in", "session", "done"),
        ("apply-definitions", "session", "refused"),
        ("apply-definitions", "session", "done"),
        ("approve-request", "token", "refused"),
        ("approve-request", "token", "done"),
        ("pin-computer", "session", "done"),
        ("start-sync", "token", "done"),
    ] {
        assert!(told.contains(&line), "{line:?} in {told:?}");
    }
}

#[test]
fn accounts_are_made_listed_and_switched_off_and_mistakes_are_said() {
    let place = Place::with("[hub]\ndatabase = \"sqlite://hub.db\"\n");
    assert!(place.run(&["account", "list"]).ended(0).out.contains("there is no account"));
    let made = place.run(&["account", "add", "Ana@Example.com", "--role", "admin"]).ended(0);
    let password = made.out.trim_end();
    assert!(password.len() == 24 && password.split('-').count() == 5, "{}", made.out);
    assert!(made.err.contains("shown this once") && !made.err.contains(password), "{}", made.err);
    let again = place.run(&["account", "add", "ana@example.com", "--role", "reader"]).ended(2);
    again.silent().complained(&["an account `ana@example.com`"]);
    place.run(&["account", "add", "ben", "--role", "root"]).ended(2).silent();
    place.run(&["account", "add", "no name", "--role", "reader"]).ended(2).silent();
    place
        .run(&["account", "disable", "nobody"])
        .ended(2)
        .silent()
        .complained(&["no account `nobody`"]);
    let empty = place.run(&["account", "password", "ana@example.com", "--password-stdin"]).ended(2);
    empty.silent().complained(&["standard input is empty"]);
    let off = place.run(&["account", "disable", "ana@example.com", "--by", "root"]).ended(0);
    assert_eq!(off.out, "ana@example.com is switched off and signed out\n");
    let listed = place.run(&["account", "list"]).ended(0);
    for part in ["ana@example.com", "admin", "all", "password", "never", "off"] {
        assert!(listed.out.contains(part), "{part} in\n{}", listed.out);
    }
    let audit = place.run(&["audit"]).ended(0).out;
    assert!(audit.contains("make-account") && audit.contains("switched off"), "{audit}");
    assert!(!audit.contains(password) && !listed.out.contains(password));
}

#[test]
fn what_the_hub_keeps_is_sealed_named_by_the_settings_and_its_key_can_be_changed() {
    let settings = |keys: &str| {
        format!(
            "[hub]\ndatabase = \"sqlite://hub.db\"\n{keys}[[connection]]\nname = \"control\"\n\
             kind = \"cw-control\"\nurl = \"https://x.example\"\nsecret = \"store:control\"\n"
        )
    };
    let place = Place::with(&settings(""));
    let set = |place: &Place, secret: &str| {
        let mut command = place.command(&["secrets", "set", "control"]);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        child.wait().unwrap().code().unwrap()
    };
    place.run(&["config", "check"]).ended(2).complained(&["there is no key to seal with"]);
    for name in ["one.key", "two.key"] {
        let key = place.run(&["secrets", "key"]).ended(0);
        assert!(key.out.starts_with("lpk_") && key.out.len() == 48, "{}", key.out);
        place.write(name, &key.out);
    }
    place.write("linchpin.toml", &settings("[secrets]\nkey = \"file:one.key\"\n"));
    place.run(&["config", "check"]).ended(2).complained(&["keeps no secret `control`"]);
    assert_eq!(set(&place, "planted-secret\n"), 0);
    let checked = place.run(&["config", "check"]).ended(0);
    assert!(checked.out.contains("connection `control` (cw-control): fine"), "{}", checked.out);

    place.write("linchpin.toml", &settings("[secrets]\nkey = \"file:two.key\"\n"));
    place.run(&["secrets", "rotate"]).ended(1).complained(&["old_keys"]);
    let both = "[secrets]\nkey = \"file:two.key\"\nold_keys = [\"file:one.key\"]\n";
    place.write("linchpin.toml", &settings(both));
    let rotated = place.run(&["secrets", "rotate"]).ended(0);
    assert!(rotated.out.contains("1 secret was sealed anew"), "{}", rotated.out);
    place.write("linchpin.toml", &settings("[secrets]\nkey = \"file:two.key\"\n"));
    place.run(&["config", "check"]).ended(0);
    assert!(place.run(&["secrets", "list"]).ended(0).out.contains("control"));
    for file in ["hub.db", "hub.db-wal"] {
        let bytes = std::fs::read(place.path().join(file)).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains("planted"), "{file}");
    }
    place.write("linchpin.toml", &settings("[secrets]\nkey = \"planted-literal\"\n"));
    let literal = place.run(&["config", "check"]).ended(2);
    assert!(literal.err.contains("does not stand in the settings"), "{}", literal.err);
    assert!(!literal.err.contains("planted"), "{}", literal.err);
}
