//! A ticket from HaloPSA's webhook to the technician's page, of a service that runs.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use core_store::{SessionQuery, Store};
use mocks::faults::{Fault, Rule, When};
use mocks::vendor::Face;

use super::service::Service;
use super::site;
use crate::commands::site::Site;

pub(super) const SECRET: &str = "planted-webhook-secret";

/// Sends a request with a body, and gives the code, the head and the body of the answer.
pub(super) fn post(
    service: &Service,
    path: &str,
    headers: &str,
    body: &str,
) -> (u16, String, String) {
    let mut stream = service.connect();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    answer(stream)
}

fn get(service: &Service, path: &str, token: &str) -> (u16, String, String) {
    answer(service.ask(path, token))
}

fn answer(mut stream: std::net::TcpStream) -> (u16, String, String) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
}

pub(super) fn told(id: &str, ticket: &str) -> String {
    format!(
        r#"{{"id":"{id}","event":"new ticket logged","object_id":{ticket},"timestamp":"2026-11-29T12:00:00.0000000Z"}}"#
    )
}

/// A ticket that is open, whose tenant the hub knows, with a computer.
async fn open_ticket(site: &Site, service: &Service, token: &str) -> (String, String) {
    let keys: Vec<String> = {
        let world = site.running.world();
        let world = world.read().unwrap();
        let open = world.halo.tickets.iter().filter(|one| one.status != 9);
        open.map(|one| one.id.to_string()).collect()
    };
    for key in keys {
        let (code, _, page) = get(service, &format!("/technician/halopsa/ticket/{key}"), token);
        assert_eq!(code, 200, "{page}");
        if page.contains("<article") {
            return (key, page);
        }
    }
    panic!("no ticket has a computer");
}

fn values<'a>(page: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let mark = format!("name=\"{name}\" value=\"");
    page.split(&mark)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect::<Vec<_>>()
        .into_iter()
}

/// Halo tells of the ticket: it is acknowledged at once, and the note comes.
async fn is_told_of(service: &Service, store: &Store, key: &str) {
    let basic = "Authorization: Basic aGFsbzpwbGFudGVkLXdlYmhvb2stc2VjcmV0\r\n";
    for id in ["one", "two", "one"] {
        assert_eq!(post(service, "/webhooks/halopsa", basic, &told(id, key)).0, 202);
    }
    assert_eq!(post(service, "/webhooks/halopsa", "", &told("three", key)).0, 401);
    let began = Instant::now();
    loop {
        let row = store.ticket("halopsa", key).await.unwrap().unwrap();
        let waiting = store.waiting_deliveries().await.unwrap();
        if row.note.is_some() && waiting == 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{row:?}, {waiting} wait");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What was known is shown as such, and nobody waits for Halo for long.
async fn is_shown_while_halo_is_down(
    site: &Site,
    service: &Service,
    store: &Store,
    (key, token): (&str, &str),
) {
    let path = format!("/technician/halopsa/ticket/{key}");
    site.running.set_faults(vec![Rule {
        fault: Fault::ServerError,
        face: Some(Face::Halo),
        path: None,
        when: When::Always,
        times: None,
    }]);
    let mut row = store.ticket("halopsa", key).await.unwrap().unwrap();
    row.read_us -= 3_600_000_000;
    store.put_ticket(&row).await.unwrap();
    let (code, _, page) = get(service, &path, token);
    assert_eq!(code, 200);
    assert!(page.contains("cannot be read just now") && page.contains("1 hour ago"), "{page}");
    assert!(page.contains("<article"), "{page}");
    assert_eq!(get(service, "/technician/halopsa/ticket/999999", token).0, 404);
}

const RULES: &str = "[[software]]\nname = \"reader\"\ntitle = \"Reader\"\n\n[[deployment]]\nname = \"reader\"\n\
                     software = \"reader\"\nstate = \"latest\"\ntarget = \"all\"\n\
                     enforcement = \"ad-hoc\"\nshow_in = [\"technician-tools\"]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k1_k5_k9_a_ticket_is_told_of_shown_worked_on_and_shown_while_halo_is_down() {
    let more = "public_url = \"https://hub.example\"\n[technician_tools]\nnote = true\n\
                [schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n";
    let (site, _) = site(80, 86, more).await;
    site.add_to_connection("halopsa", &format!("webhook_secret = \"{SECRET}\""));
    site.run(&["sync", "--no-ask"]).ended(0);
    site.place.write("rules/reader.toml", RULES);
    site.run(&["apply", "rules"]).ended(0);
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    let token = site.run(&["token", "create", "ana", "--role", "technician"]).ended(0);
    let token = token.out.trim_end().to_owned();

    let (key, page) = open_ticket(&site, &service, &token).await;
    assert!(page.contains("Reader") && page.contains("install the latest version"), "{page}");
    let path = format!("/technician/halopsa/ticket/{key}");
    let (_, head, _) = get(&service, &path, &token);
    let origin = site.running.base(Face::Halo);
    let origin = url::Url::parse(origin).unwrap().origin().ascii_serialization();
    assert!(head.contains(&format!("frame-ancestors {origin}")), "{head}");

    // Deployed once, however often it is asked for.
    let (subject, deployment) =
        (values(&page, "subject").next().unwrap(), values(&page, "deployment").next().unwrap());
    let form = format!("subject={subject}&deployment={deployment}");
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    for _ in 0..2 {
        let headers = format!("{kind}Authorization: Bearer {token}\r\n");
        let (code, head, body) = post(&service, &format!("{path}/deploy"), &headers, &form);
        assert_eq!(code, 303, "{head}\n{body}");
    }
    let store = Store::open(site.place.path().join("hub.db").to_str().unwrap()).await.unwrap();
    let sessions = store.sessions(SessionQuery::default()).await.unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].1.asked_by, "ana");

    is_told_of(&service, &store, &key).await;
    is_shown_while_halo_is_down(&site, &service, &store, (&key, &token)).await;
    service.signal("TERM");
    let (code, lines) = service.end();
    assert_eq!(code, 0, "{lines:#?}");
    let log = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(!log.contains(SECRET) && !log.contains(&token), "a secret is in the log");
}
