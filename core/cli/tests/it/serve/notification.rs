//! People are told of a session by mail, from its plan to its end, by a service with the built-in engine; they
//! postpone it, and begin it; and a service that is killed between tells nobody twice.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use base64::Engine as _;
use chrono::Utc;
use core_model::session::{Session, SessionKind, SessionRun, SessionState};
use core_store::{Agents, Store};
use mocks::smtp::{Mail, Smtp, Tls};
use serde_json::Value;

use super::mail::{field, parts};
use super::maintenance::MARKER;
use super::service::Service;
use super::site;
use crate::commands::site::Site;

mod page;

const HOUR: i64 = 3_600 * 1_000_000;

/// A picture: a chequered board of 120 by 40, as base64 of a PNG.
const LOGO: &str = "iVBORw0KGgoAAAANSUhEUgAAAHgAAAAoCAAAAAAQgWH5AAAAPElEQVR42u3WoREAMAgDQPYfj4WKo547UB8Z8zKJ\
                    7LzORRdgMBg8hm+534HBYPAcNhJgMNjnMhJgMHi9KzmVCGBF5sX4AAAAAElFTkSuQmCC";

/// Beside the marker: a task that changes something in vain, one that is as it should be, and one that only looks.
const RULES: &str = r#"
[[task]]
name = "hopeless"
title = "Something hopeless"
test = "Test-Path 'C:\\ProgramData\\never.txt'"
set = "Write-Output 'in vain'"

[[task]]
name = "fine"
title = "As it should be"
test = "$true"
set = "Write-Output 'never run'"

[[task]]
name = "looked"
title = "Only looked at"
test = "$false"

[[deployment]]
name = "hopeless-everywhere"
task = "hopeless"
state = "enforce"
target = "all"

[[deployment]]
name = "fine-everywhere"
task = "fine"
state = "enforce"
target = "all"

[[deployment]]
name = "looked-everywhere"
task = "looked"
state = "audit"
target = "all"
"#;

fn settings(smtp: &Smtp) -> String {
    format!(
        "public_url = \"https://hub.example.com\"\n\
         [rules]\nsecond_person = false\n\
         [schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n\
         [maintenance]\nengine = true\npoll_ms = 50\ntries = 1\n\
         [mail]\nserver = \"localhost\"\nport = {}\ntls = \"none\"\nat_once = false\n\
         from = \"Linchpin <hub@msp.example>\"\nto = [\"ops@msp.example\"]\n\
         [notification]\nenabled = true\nbcc = [\"copies@msp.example\"]\n\
         [[notification.brand]]\nname = \"acme\"\ncompany = \"Acme & Sons\"\naccent = \"#0b6b3a\"\n\
         sender = \"Acme IT\"\nreply_to = \"help@msp.example\"\nlogo = \"logo.png\"\n",
        smtp.port()
    )
}

/// A site with those rules, a computer that is on, and who is told of it: the primary person and another one.
async fn prepared(smtp: &Smtp, (computers, seed): (usize, u64)) -> (Site, Value, [String; 2]) {
    let (site, _) = site(computers, seed, &settings(smtp)).await;
    let logo = base64::engine::general_purpose::STANDARD.decode(LOGO).unwrap();
    std::fs::write(site.place.path().join("logo.png"), logo).unwrap();
    site.run(&["sync", "--no-ask"]).ended(0);
    site.place.write("rules/marker.toml", &format!("{MARKER}{RULES}"));
    site.apply("rules");
    let all = site.run(&["list", "computers", "--json"]).ended(0).json();
    let persons = site.run(&["list", "persons", "--json"]).ended(0).json();
    let alone = |name: &Value| all.iter().filter(|one| one["name"] == *name).count() == 1;
    let of = |tenant: &Value| -> Vec<Value> {
        let fit = |one: &&Value| {
            one["tenant"] == *tenant
                && one["mail"].is_string()
                && one["gone"] == false
                && one["disabled"] == false
        };
        persons.iter().filter(fit).take(2).cloned().collect()
    };
    let agents = site.run(&["list", "agents", "--json"]).ended(0).json();
    let presences = store(&site).await.presences(Agents::All).await.unwrap();
    let is_on = |agent: &Value| {
        presences.iter().any(|(of, presence)| {
            presence.online == Some(true)
                && agent["connection"] == of.connection.as_str()
                && agent["key"] == of.key.as_str()
        })
    };
    let on = |computer: &&Value| {
        let own = || agents.iter().filter(|one| one["computer"] == computer["id"]);
        own().count() > 0 && own().all(is_on)
    };
    let tenants = site.run(&["list", "tenants", "--json"]).ended(0).json();
    let own = |one: &Value| {
        tenants.iter().any(|tenant| tenant["id"] == one["tenant"] && tenant["operator"] == true)
    };
    let fit = all.iter().filter(|one| one["gone"] == false && alone(&one["name"])).filter(on);
    let mut fit: Vec<&Value> = fit.filter(|one| of(&one["tenant"]).len() == 2).collect();
    // A customer's, where there is one.
    fit.sort_by_key(|one| own(one));
    let computer = *fit.first().expect("a computer that is on, with two people whom mail reaches");
    let (name, people) = (computer["name"].as_str().unwrap(), of(&computer["tenant"]));
    let text = |at: usize, key: &str| people[at][key].as_str().unwrap().to_owned();
    site.run(&["pin", name, &text(0, "id")]).ended(0);
    site.run(&["notify", name, "add", &text(1, "id")]).ended(0).readable();
    let told = [text(0, "mail"), text(1, "mail")];
    (site, computer.clone(), told)
}

async fn store(site: &Site) -> Store {
    Store::open(site.place.path().join("hub.db").to_str().unwrap()).await.unwrap()
}

fn session(computer: &Value) -> Session {
    let now_us = Utc::now().timestamp_micros();
    let id: core_model::id::ComputerId = computer["id"].as_str().unwrap().parse().unwrap();
    Session {
        kind: SessionKind::Scheduled,
        act_us: Some(now_us + 8 * HOUR),
        ..Session::asked(
            serde_json::from_value(computer["tenant"].clone()).unwrap(),
            id,
            computer["name"].as_str().unwrap(),
            "Maintenance",
            now_us,
        )
    }
}

/// So many mails, as soon as they are there.
fn mails(smtp: &Smtp, count: usize) -> Vec<Mail> {
    let began = Instant::now();
    loop {
        let mails = smtp.mails();
        if mails.len() >= count {
            return mails;
        }
        assert!(began.elapsed() < Duration::from_secs(90), "{} mails came", mails.len());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What is listed in the text of a mail: `  * TITLE: …`.
fn listed(plain: &str) -> Vec<String> {
    let lines = plain.lines().filter_map(|line| line.trim_end().strip_prefix("  * "));
    lines.map(str::to_owned).collect()
}

/// Asks for a page, or sends its form, as a browser does.
fn ask(service: &Service, method: &str, path: &str, form: Option<&str>) -> (u16, String) {
    let mut stream = service.connect();
    let body = form.unwrap_or_default();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\
         Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

fn token(page: &str) -> String {
    let rest = page.split("name=\"token\" value=\"").nth(1).unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// A mail lists what the plan will change, exactly, and nothing was changed yet. Gives what that is, and the path of
/// its link.
async fn as_planned(store: &Store, asked: &Session, mail: &Mail) -> (Vec<String>, String) {
    let plan = store.session_plan(asked.id).await.unwrap().unwrap();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let actions = plan["actions"].as_array().unwrap();
    assert_eq!(actions.len(), 4, "{plan}");
    let open = actions.iter().filter(|one| one["deed"] == "enforce" && one["result"].is_null());
    let open: Vec<String> =
        open.map(|one| format!("{}: apply the settings", one["title"].as_str().unwrap())).collect();
    assert_eq!(open.len(), 2, "{plan}");
    let parts = parts(mail);
    let plain = parts[0].replace("\r\n", "\n");
    assert_eq!(listed(&plain), open, "{plain}");
    for title in open.iter().filter_map(|one| one.split(':').next()) {
        assert!(parts.iter().any(|part| part.contains(&format!("<strong>{title}</strong>"))));
    }
    let steps = store.session_lines(asked.id, 0).await.unwrap();
    assert!(!steps.is_empty() && steps.iter().all(|step| step.half == "look"), "{steps:?}");
    let link = plain.split_whitespace().find(|word| word.contains("/notification/")).unwrap();
    (open, link.strip_prefix("https://hub.example.com").unwrap().to_owned())
}

/// A mail says what came of what was announced; gives its text.
async fn as_done(store: &Store, asked: &Session, mail: &Mail, open: &[String]) -> String {
    let over = store.session(asked.id).await.unwrap();
    assert_eq!(over.state, SessionState::Failed, "{over:?}");
    let plain = parts(mail)[0].replace("\r\n", "\n");
    let expected: Vec<String> = open
        .iter()
        .map(|one| match one.contains("hopeless") {
            true => format!("{one} - could not be done"),
            false => format!("{one} - done"),
        })
        .collect();
    assert_eq!(listed(&plain), expected, "{plain}");
    assert!(field(mail, "Subject").contains("not all of it could be done"));
    plain
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_s8_s9_people_are_told_what_will_be_done_postpone_it_begin_it_and_are_told_what_was() {
    let smtp = Smtp::start(Tls::None, None).await.unwrap();
    let (site, computer, [primary, other]) = prepared(&smtp, (60, 96)).await;
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    let store = store(&site).await;
    let asked = store.add_session(&session(&computer)).await.unwrap();
    let id = asked.id.to_string();
    let before = mails(&smtp, 1).remove(0);
    assert_eq!(before.to, [primary.as_str(), other.as_str(), "copies@msp.example"]);
    assert!(field(&before, "From").contains("Acme IT"), "{}", before.data);
    assert_eq!(field(&before, "Reply-To"), "help@msp.example");
    assert!(!before.data.contains("copies@"), "{}", before.data);
    let (open, path) = as_planned(&store, &asked, &before).await;
    // The link: a page that does nothing, however often it is read.
    let standing = store.session(asked.id).await.unwrap();
    for number in 0..100 {
        let method = if number % 2 == 0 { "GET" } else { "HEAD" };
        assert_eq!(ask(&service, method, &path, None).0, 200);
    }
    assert_eq!(store.session(asked.id).await.unwrap(), standing);
    // Postponed over the page, by the technician, and refused beyond.
    let (_, page) = ask(&service, "GET", &path, None);
    assert!(page.contains("Acme &#38; Sons") && page.contains("data:image/png;base64,"), "{page}");
    let form = format!("token={}&do=1h", token(&page));
    assert_eq!(ask(&service, "POST", &path, Some(&form)).0, 303);
    assert_eq!(ask(&service, "POST", &path, Some(&form)).0, 409);
    for by in ["4h", "1h"] {
        site.run(&["sessions", "postpone", &id, "--by", by]).ended(0).readable();
    }
    let refused = site.run(&["sessions", "postpone", &id]);
    refused.refused(&["postponed 3 times", "has to be done by", "--force"]);
    let moved = store.session(asked.id).await.unwrap();
    assert_eq!(moved.act_us, asked.act_us.map(|at| at + 6 * HOUR));
    assert_eq!((moved.ready_us, moved.postponed), (moved.act_us, 3));
    let (code, page) = ask(&service, "GET", &path, None);
    assert!(code == 200 && page.contains("cannot be postponed any more"), "{page}");
    // Begun over the page; then it is done, and that is told.
    let form = format!("token={}&do=now", token(&page));
    assert_eq!(ask(&service, "POST", &path, Some(&form)).0, 303);
    let after = mails(&smtp, 2).remove(1);
    assert_eq!(after.to, before.to);
    let plain = as_done(&store, &asked, &after, &open).await;
    let shown = site.run(&["sessions", "show", &id]).ended(0).readable().out;
    assert!(
        shown.contains("mail before") && shown.contains(&format!("sent: {primary}")),
        "{shown}"
    );
    let shown = site.run(&["mail"]).ended(0).readable().out;
    assert!(shown.contains("mails about sessions in the last seven days: 2 sent"), "{shown}");
    // A preview is the same, without a key; another brand and other days can be tried.
    let preview = site.run(&["mail", "preview", &id, "--after", "--text"]).ended(0).out;
    assert_eq!(listed(&preview), listed(&plain));
    let preview = site.run(&["mail", "preview", &id, "--before"]).ended(0).out;
    assert!(preview.contains("/notification/PREVIEW#now") && preview.contains("data:image/png"));
    // Nothing that opens anything is in the log.
    service.signal("TERM");
    let (code, lines) = service.end();
    let log = lines.iter().map(ToString::to_string).collect::<String>();
    let key = path.rsplit('/').next().unwrap();
    assert!(code == 0 && !log.contains(key) && !log.contains("token="), "{log}");
    assert_eq!(smtp.mails().len(), 2);
    let again = site.run(&["audit", "--json"]).ended(0).json();
    assert!(again.iter().all(|line| !line.to_string().contains(key)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_a_service_that_is_killed_again_and_again_tells_people_once() {
    let smtp = Smtp::start(Tls::None, None).await.unwrap();
    let (site, computer, _) = prepared(&smtp, (60, 97)).await;
    let store = store(&site).await;
    let asked = store.add_session(&session(&computer)).await.unwrap();
    let service = Service::start(&site, &[]);
    mails(&smtp, 1);
    service.signal("KILL");
    service.end();
    for _ in 0..2 {
        // Whoever is there now looks after sessions: another one, which only looks, comes to its end.
        let service = Service::start(&site, &[]);
        let run = SessionRun { detect_only: true, ..SessionRun::default() };
        let look = Session { run, act_us: None, ..session(&computer) };
        let look = store.add_session(&look).await.unwrap().id;
        let began = Instant::now();
        while !store.session(look).await.unwrap().state.is_over() {
            assert!(began.elapsed() < Duration::from_secs(90), "nobody looked");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        service.signal("KILL");
        service.end();
    }
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    site.run(&["sessions", "now", &asked.id.to_string()]).ended(0);
    let all = mails(&smtp, 2);
    service.wait_for(|line| {
        line["message"] == "people were told of a session" && line["kind"] == "after"
    });
    let subjects: Vec<String> = all.iter().map(|mail| field(mail, "Message-ID")).collect();
    let id = asked.id;
    assert_eq!(
        subjects,
        [
            format!("<linchpin.{id}.before@msp.example>"),
            format!("<linchpin.{id}.after@msp.example>")
        ]
    );
    let states: Vec<&str> =
        store.notifications(id).await.unwrap().iter().map(|one| one.state.as_str()).collect();
    assert_eq!(states, ["sent", "sent"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_told_can_be_named_and_nobody_of_another_tenant() {
    let smtp = Smtp::start(Tls::None, None).await.unwrap();
    let (site, computer, _) = prepared(&smtp, (160, 98)).await;
    let name = computer["name"].as_str().unwrap();
    let told = site.run(&["notify", name, "--json"]).ended(0).value();
    let whys: Vec<&str> =
        told["items"].as_array().unwrap().iter().map(|one| one["why"].as_str().unwrap()).collect();
    assert_eq!(whys[0], "the primary person");
    assert!(whys[1].starts_with("named by tester on 20"), "{told}");
    let persons = site.run(&["list", "persons", "--json"]).ended(0).json();
    let tenants = site.run(&["list", "tenants", "--json"]).ended(0).json();
    let own = tenants.iter().find(|one| one["operator"] == true).unwrap();
    let of_another = |one: &&Value| {
        one["tenant"] != computer["tenant"] && one["mail"].is_string() && one["gone"] == false
    };
    // Whoever looks after it may be told.
    let mut others = persons.iter().filter(of_another);
    let technician = others.find(|one| one["tenant"] == own["id"]).unwrap()["id"].as_str().unwrap();
    site.run(&["notify", name, "add", technician]).ended(0).readable();
    site.run(&["notify", name, "remove", technician]).ended(0);
    let stranger = persons.iter().filter(of_another).find(|one| one["tenant"] != own["id"]);
    let stranger = stranger.unwrap()["id"].as_str().unwrap();
    site.run(&["notify", name, "add", stranger]).refused(&["is not of the tenant of"]);
    let second = told["items"][1]["person"].as_str().unwrap();
    let left = site.run(&["notify", name, "remove", second, "--json"]).ended(0).value();
    assert_eq!(left["items"].as_array().unwrap().len(), 1, "{left}");
    let service = Service::start(&site, &[]);
    let token = site.run(&["token", "create", "t", "--role", "operator"]).ended(0).out;
    let path = format!("/v1/computers/{}/notified-persons", computer["id"].as_str().unwrap());
    let body = format!("{{\"person\":\"{second}\"}}");
    let (code, added) = service.post_as(&path, token.trim_end(), &body);
    assert_eq!((code, &added["changed"]), (200, &Value::Bool(true)), "{added}");
    let (code, refused) =
        service.post_as(&path, token.trim_end(), &format!("{{\"person\":\"{stranger}\"}}"));
    assert_eq!(code, 400, "{refused}");
    let (_, listed) = service.get_as(&path, token.trim_end());
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "{listed}");
    let audit = site.run(&["audit", "--json"]).ended(0).json();
    for action in ["add-notified-person", "remove-notified-person", "set-notified-person"] {
        assert!(audit.iter().any(|line| line["action"] == action), "{action}");
    }
}

#[test]
fn settings_that_cannot_tell_anybody_are_refused_with_their_line() {
    use crate::run::Place;
    let hub = "[hub]\ndatabase = \"sqlite://hub.db\"\n";
    let mail = "[mail]\nserver = \"localhost\"\ntls = \"none\"\nfrom = \"a@b.example\"\nto = [\"a@b.example\"]\n";
    let brand = "[[notification.brand]]\nname = \"x\"\ncompany = \"X\"\n";
    for (text, part) in [
        ("[notification]\nenabled = true\n".to_owned(), "[mail] names no server"),
        (format!("{mail}[notification]\nnight = \"ten\"\n"), "`ten` is no time of day"),
        (format!("{mail}[notification]\nbcc = [\"nobody\"]\n"), "`nobody` is no mail address"),
        (format!("{mail}{brand}accent = \"green\"\n"), "`green` is no colour"),
        (format!("{mail}{brand}from = \"24.12.\"\nuntil = \"12-26\"\n"), "`24.12.` is no day"),
        (format!("{mail}{brand}from = \"12-01\"\n"), "has both, `from` and `until`"),
        (format!("{mail}{brand}from = \"12-01\"\nuntil = \"2026-12-26\"\n"), "has a year"),
        (format!("{mail}{brand}from = \"2026-12-02\"\nuntil = \"2026-12-01\"\n"), "ends before"),
        (format!("{mail}{brand}logo = \"http://x.example/l.png\"\n"), "no address of a picture"),
        (format!("{mail}{brand}logo = \"nowhere.png\"\n"), "nowhere.png"),
        (format!("{mail}[notification]\nafter = \"sometimes\"\n"), "if-needed"),
    ] {
        Place::with(&format!("{hub}{text}")).run(&["config", "check"]).refused(&[part]);
    }
    let place =
        Place::with(&format!("{hub}{mail}[notification]\nenabled = true\ntemplates = \"mail\"\n"));
    place.write("mail/before.txt", "fine\n{{ compter }}\n");
    place.run(&["config", "check"]).refused(&["mail/before.txt:2", "core/notify/README.md"]);
    place.write("mail/before.txt", "{{ computer }}\n");
    place.run(&["config", "check"]).ended(0).complained(&["mail about sessions has no links"]);
}
