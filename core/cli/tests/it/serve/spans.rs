//! Spans of what a service does by itself, as a collector decodes them: jobs, pushes, collections, webhooks
//! both ways, mail and what was asked for, with their parents and fields and without a secret.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use mocks::smtp::{Smtp, Tls};
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;

use super::service::Service;
use super::tickets::{SECRET, post, told};
use super::traces::{Collector, Tree, field, secrets};
use super::{SERVER, set_back};
use crate::commands::site::Site;

/// Nothing comes by itself but what was set back.
const PLAN: &str = "\n[schedule]\ntime_zone = \"UTC\"\nincremental = \"off\"\nfull = \"off\"\n\
                    collect = \"0 5 1 1 *\"\npush = \"0 5 1 1 *\"\njitter_seconds = 0\n";
const HOOK_KEY: &str = "UVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVE=";

/// Takes whatever is sent; its address.
fn endpoint() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/planted-path", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            while stream.read_line(&mut head).unwrap_or_default() > 2 {}
            let length = head.to_lowercase();
            let length = length.split("content-length: ").nth(1).unwrap_or("0");
            let length = length.lines().next().unwrap_or("0").trim().parse().unwrap_or(0);
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            stream.get_mut().write_all(answer).unwrap();
        }
    });
    address
}

/// A site that writes into Halo, tells an endpoint and sends mail, and whose service is traced.
async fn traced(collector: &Collector, smtp: &Smtp) -> Site {
    let site = Site::serve(60, 98).await;
    let path = site.place.path().join("linchpin.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let more = format!(
        "\n[connection.push]\nenabled = true\n{SERVER}{PLAN}\n[mail]\nserver = \"localhost\"\n\
         port = {}\ntls = \"none\"\nfrom = \"hub@msp.example\"\nto = [\"planted@msp.example\"]\n\
         gather_minutes = 0\n\n[[webhook]]\nname = \"hook\"\nurl = \"{}\"\n\
         secret = \"whsec_{HOOK_KEY}\"\n{}",
        smtp.port(),
        endpoint(),
        collector.table()
    );
    std::fs::write(&path, format!("{text}{more}")).unwrap();
    site.add_to_connection("halopsa", &format!("webhook_secret = \"{SECRET}\""));
    let environment = [("COLLECTOR", "Bearer planted-header")];
    let mut command = site.command(&["sync", "--no-ask"]);
    assert!(command.envs(environment).output().unwrap().status.success());
    set_back(&site, "cw-automate/collect", "0 5 1 1 * UTC", 800).await;
    collector.sent.lock().unwrap().clear();
    site
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(90), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_service_does_by_itself_is_traced_with_its_parents_and_without_a_secret() {
    let collector = Collector::start();
    let smtp = Smtp::start(Tls::None, None).await.unwrap();
    let site = traced(&collector, &smtp).await;
    let service = Service::start(&site, &[("COLLECTOR", "Bearer planted-header")]);
    let done = |job: &str| {
        service.wait_for(|line| line["message"] == "a job is done" && line["job"] == job);
    };
    // Whatever a job reads or asks is then written back.
    done("collect cw-automate");
    done("push halopsa");
    let environment = [("COLLECTOR", "Bearer planted-header")];
    let made = site.place.run_with(&["token", "create", "one", "--role", "operator"], &environment);
    let token = made.ended(0).out.trim_end().to_owned();
    let sync = json!({ "connection": "cw-control" }).to_string();
    assert_eq!(service.post_as("/v1/syncs", &token, &sync).0, 200);
    done("incremental cw-control");
    let verify = json!({ "verify": true }).to_string();
    assert_eq!(service.post_as("/v1/rebuilds", &token, &verify).0, 200);
    service.wait_for(|line| line["message"] == "what was asked for is done");
    let basic = "Authorization: Basic aGFsbzpwbGFudGVkLXdlYmhvb2stc2VjcmV0\r\n";
    let ticket = site.running.world().read().unwrap().halo.tickets[0].id.to_string();
    assert_eq!(post(&service, "/webhooks/halopsa", basic, &told("one", &ticket)).0, 202);
    assert_eq!(post(&service, "/webhooks/halopsa", "", &told("two", &ticket)).0, 401);
    until("no mail was sent", || !smtp.mails().is_empty());
    let mut hidden = secrets(&site);
    hidden.extend([token, SECRET.to_owned(), "planted".to_owned(), HOOK_KEY.to_owned()]);
    // Spans are sent when they end, every two seconds.
    until("not everything was traced", || {
        let tree = collector.spans(&hidden);
        ["webhook.in", "delivery", "webhook.out", "mail", "job.asked", "collect.machine"]
            .iter()
            .all(|name| !tree.named(name).is_empty())
    });
    service.signal("TERM");
    let (code, lines) = service.end();
    assert_eq!(code, 0, "{lines:#?}");
    let tree = collector.spans(&hidden);
    jobs(&tree);
    pushes(&tree);
    collections(&tree);
    hooks(&tree);
}

/// The only one that is so.
#[track_caller]
fn one<'a>(tree: &'a Tree, name: &str, (key, value): (&str, &str)) -> &'a Span {
    let named = tree.named(name);
    let found: Vec<&&Span> = named.iter().filter(|span| field(span, key) == value).collect();
    assert!(!found.is_empty(), "no {name} with {key} {value}: {named:#?}");
    found[0]
}

/// Every job is a root of its own, and says what it was.
fn jobs(tree: &Tree) {
    let jobs = tree.named("job");
    for job in &jobs {
        assert!(job.parent_span_id.is_empty(), "{job:?}");
        assert!(["done", "already", "busy"].contains(&&*field(job, "outcome")), "{job:?}");
        assert_eq!(field(job, "attempt").parse::<u32>().map(|attempt| attempt < 5), Ok(true));
        assert!(field(job, "due").contains("UTC"), "{job:?}");
    }
    let traces: std::collections::BTreeSet<_> = jobs.iter().map(|job| &job.trace_id).collect();
    assert_eq!(traces.len(), jobs.len(), "two jobs are one trace");
    assert_eq!(field(one(tree, "job", ("work", "incremental")), "connections"), "[\"cw-control\"]");
    let sync = tree.named("sync")[0];
    assert_eq!(tree.path(sync), ["sync", "job"]);
    assert_eq!((&*field(sync, "trigger"), &*field(sync, "full")), ("schedule", "false"));
    let stream = one(tree, "sync.stream", ("stream", "sessions"));
    assert_eq!(tree.path(stream), ["sync.stream", "sync", "job"]);
    assert_eq!(field(stream, "outcome"), "complete");
    let asked = one(tree, "job.asked", ("work", "rebuild"));
    assert!(asked.parent_span_id.is_empty(), "{asked:?}");
    assert_eq!(field(asked, "outcome"), "done");
    let derived = tree.named("derive").into_iter();
    let of_asked = derived.filter(|span| tree.path(span) == ["derive", "job.asked"]);
    assert!(of_asked.count() > 0, "what was asked for derived nothing");
}

/// A push, its objects and what each asks.
fn pushes(tree: &Tree) {
    let pushes = tree.named("push");
    let push = pushes.iter().find(|push| field(push, "planned") != "0").unwrap();
    assert_eq!(tree.path(push), ["push", "job"]);
    let said = ["connection", "dry_run", "failed", "conflicts"].map(|name| field(push, name));
    assert_eq!(said, ["halopsa", "false", "0", "0"]);
    let objects = tree.named("push.object");
    let path = ["push.object", "push", "job"];
    assert!(objects.iter().all(|object| tree.path(object) == path), "an object is elsewhere");
    let written = one(tree, "push.object", ("outcome", "written"));
    assert!(field(written, "computer").starts_with("cmp_"), "{written:?}");
    let asked = tree.named("vendor.request").into_iter();
    let of_objects = asked.filter(|span| tree.path(span)[1..] == path).count();
    assert!(of_objects >= 2, "{of_objects} requests of {} objects", objects.len());
}

/// A collection and its machines.
fn collections(tree: &Tree) {
    let collect = tree.named("collect")[0];
    assert_eq!(tree.path(collect), ["collect", "job"]);
    let number = |name| field(collect, name).parse::<usize>().unwrap();
    let machines = tree.named("collect.machine");
    assert_eq!(number("asked"), number("answered") + number("failed"));
    assert!(number("answered") > 0 && machines.len() >= number("asked"), "{}", machines.len());
    for machine in machines {
        assert_eq!(tree.path(machine), ["collect.machine", "collect", "job"]);
        let said = ["connection", "agent", "script"].map(|name| field(machine, name));
        assert_eq!(said[0], "cw-automate");
        assert!(["identify", "accounts"].contains(&&*said[2]), "{said:?}");
        assert!(!said[1].is_empty() && ["true", "false"].contains(&&*field(machine, "answered")));
    }
}

/// What systems sent, what others are told, and mail.
fn hooks(tree: &Tree) {
    for (outcome, status) in [("taken", "202"), ("stranger", "401")] {
        let came = one(tree, "webhook.in", ("outcome", outcome));
        assert_eq!(tree.path(came), ["webhook.in", "api.request"]);
        let calls = tree.named("api.request").into_iter();
        let call = calls.into_iter().find(|call| call.span_id == came.parent_span_id).unwrap();
        assert_eq!(field(call, "http.response.status_code"), status);
        assert_eq!(field(call, "http.route"), "/webhooks/{connection}");
    }
    let delivery = one(tree, "delivery", ("hint", "ticket"));
    assert_eq!((tree.path(delivery).len(), &*field(delivery, "connection")), (1, "halopsa"));
    let asked = tree.named("vendor.request").into_iter();
    let asked = asked.filter(|span| tree.path(span)[1..] == ["delivery"]).count();
    assert!(asked > 0, "the ticket was not asked for");
    for told in tree.named("webhook.out") {
        assert_eq!((tree.path(told).len(), told.kind), (1, 3), "{told:?}");
        let said = ["endpoint", "http.response.status_code"].map(|name| field(told, name));
        assert_eq!(said, ["hook", "204"]);
        assert!(field(told, "kind").contains('.'), "{told:?}");
    }
    let mail = tree.named("mail")[0];
    assert_eq!((tree.path(mail).len(), mail.kind), (1, 3), "{mail:?}");
    assert!(field(mail, "raised").parse::<u32>().unwrap() > 0, "{mail:?}");
    assert_eq!(field(mail, "settled"), "0");
}
