//! Traces as a collector gets them: which span is within which, what they say, and what they never do.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use super::service::Service;
use super::site;
use crate::commands::site::Site;

const QUIET: &str = "\n[schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n";

/// What somebody sent, one after the other: the head, and the body.
pub(super) type Sent = Vec<(String, Vec<u8>)>;

/// A collector of OTLP over HTTP.
pub(super) struct Collector {
    address: String,
    pub(super) sent: Arc<Mutex<Sent>>,
}

impl Collector {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let sent = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&sent);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream = BufReader::new(stream);
                let mut head = String::new();
                while stream.read_line(&mut head).unwrap() > 2 {}
                let head = head.to_lowercase();
                let length = head.split("content-length: ").nth(1).unwrap();
                let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
                let mut body = vec![0; length];
                stream.read_exact(&mut body).unwrap();
                into.lock().unwrap().push((head, body));
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                stream.get_mut().write_all(answer).unwrap();
            }
        });
        Self { address, sent }
    }

    pub(super) fn table(&self) -> String {
        format!(
            "\n[traces]\nendpoint = \"{}\"\nservice_name = \"msp-hub\"\n[[traces.header]]\n\
             name = \"Authorization\"\nsecret = \"env:COLLECTOR\"\n",
            self.address
        )
    }

    /// Everything that came, after it was looked at that it came as it should and holds no secret.
    pub(super) fn spans(&self, secrets: &[String]) -> Tree {
        let mut spans = Vec::new();
        for (head, body) in self.sent.lock().unwrap().iter() {
            assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
            assert!(head.contains("authorization: bearer planted-header"), "{head}");
            for secret in secrets {
                let found = body.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!found, "{secret} is in a span");
            }
            let request = ExportTraceServiceRequest::decode(&body[..]).unwrap();
            for of_resource in request.resource_spans {
                let resource = of_resource.resource.unwrap();
                let named = resource.attributes.iter().any(|one| {
                    let value = one.value.as_ref().and_then(|value| value.value.clone());
                    one.key == "service.name" && value == Some(Any::StringValue("msp-hub".into()))
                });
                assert!(named, "{resource:?}");
                spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        Tree(spans)
    }
}

pub(super) struct Tree(pub(super) Vec<Span>);

impl Tree {
    pub(super) fn named(&self, name: &str) -> Vec<&Span> {
        self.0.iter().filter(|span| span.name == name).collect()
    }

    /// The names from a span up to its root.
    pub(super) fn path(&self, span: &Span) -> Vec<&str> {
        let by_id: HashMap<&[u8], &Span> =
            self.0.iter().map(|span| (&span.span_id[..], span)).collect();
        let mut names = Vec::new();
        let mut at = by_id.get(&span.span_id[..]).copied();
        while let Some(span) = at {
            names.push(span.name.as_str());
            at = by_id.get(&span.parent_span_id[..]).copied();
        }
        names
    }
}

pub(super) fn field(span: &Span, name: &str) -> String {
    let value =
        span.attributes.iter().find(|one| one.key == name).and_then(|one| one.value.clone());
    match value.and_then(|value| value.value) {
        Some(Any::StringValue(text)) => text,
        Some(Any::IntValue(number)) => number.to_string(),
        Some(Any::BoolValue(truth)) => truth.to_string(),
        other => panic!("{name} is {other:?} in {span:?}"),
    }
}

/// What opens the systems of the estate, and what only a token or a query has.
pub(super) fn secrets(site: &Site) -> Vec<String> {
    let faces = site.running.discovery()["faces"].clone();
    let of = |(face, key): (&str, &str)| faces[face][key].as_str().map(str::to_owned);
    let keys = [
        ("cw-automate", "password"),
        ("cw-automate", "totp_secret"),
        ("cw-control", "secret"),
        ("azure-ad", "client_secret"),
        ("azure-ad", "refresh_token"),
        ("halopsa", "client_secret"),
    ];
    let known: Vec<String> = keys.into_iter().filter_map(of).collect();
    assert!(known.len() >= 5, "{known:?}");
    let words = ["planted-header", "Bearer", "skiptoken", "page_no="].map(str::to_owned);
    known.into_iter().chain(words).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_is_one_trace_of_streams_pages_and_requests_without_a_secret() {
    let collector = Collector::start();
    let (site, _) = site(60, 89, &collector.table()).await;
    let mut command = site.command(&["sync", "--no-ask"]);
    let ran = command.env("COLLECTOR", "Bearer planted-header").output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let tree = collector.spans(&secrets(&site));
    let roots: Vec<&Span> = tree.0.iter().filter(|span| span.parent_span_id.is_empty()).collect();
    let names: Vec<&str> = roots.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["sync"]);
    assert!(tree.0.iter().all(|span| span.trace_id == roots[0].trace_id));
    assert_eq!(field(roots[0], "trigger"), "manual");

    let runs = site.run(&["runs", "--json", "--limit", "1000"]).ended(0).json();
    let streams = tree.named("sync.stream");
    assert_eq!(streams.len(), runs.len());
    for span in &streams {
        assert_eq!(tree.path(span), ["sync.stream", "sync"]);
        let run = runs.iter().find(|run| run["id"] == field(span, "run").as_str()).unwrap();
        assert_eq!(run["stream"], field(span, "stream").as_str());
        assert_eq!(run["outcome"], field(span, "outcome").as_str());
    }
    let pages = tree.named("sync.page");
    assert!(pages.len() >= streams.len(), "{} pages", pages.len());
    let in_full = ["sync.page", "sync.stream", "sync"];
    assert!(pages.iter().all(|page| tree.path(page) == in_full), "a page is elsewhere");
    assert!(!tree.named("sync.commit").is_empty());
    assert_eq!(tree.path(tree.named("derive")[0]), ["derive", "sync"]);
    let asked = tree.named("vendor.request");
    let in_a_page = asked.iter().filter(|span| tree.path(span)[1..] == in_full).count();
    assert!(in_a_page >= pages.len() / 2, "{in_a_page} requests in {} pages", pages.len());
    for span in asked {
        assert!(["GET", "POST"].contains(&&*field(span, "http.request.method")), "{span:?}");
        assert!(["127.0.0.1", "localhost"].contains(&&*field(span, "server.address")), "{span:?}");
        let operation = field(span, "operation");
        assert!(!operation.contains('?') && !operation.is_empty(), "{operation}");
        assert_eq!(span.kind, 3, "a request to others is a client's");
        if operation != "sign in" {
            assert!(field(span, "http.response.status_code").parse::<u16>().unwrap() >= 200);
            assert_eq!(
                (field(span, "retries"), field(span, "waited_ms").is_empty()),
                ("0".into(), false)
            );
        }
    }
    assert!(tree.named("vendor.request").iter().any(|span| field(span, "operation") == "sign in"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_the_api_goes_on_with_the_callers_trace_and_is_sent_before_the_end() {
    let collector = Collector::start();
    let (site, _) = site(20, 90, &format!("{QUIET}{}", collector.table())).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    collector.sent.lock().unwrap().clear();
    let service = Service::start(&site, &[("COLLECTOR", "Bearer planted-header")]);
    service.wait_for(|line| line["message"] == "the daemon works");
    let token = site.run(&["token", "create", "eye", "--role", "reader"]).ended(0).out;
    let token = token.trim_end().to_owned();
    let computer = site.run(&["list", "computers", "--json"]).ended(0).json()[0]["id"].clone();
    let computer = computer.as_str().unwrap();
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    // On the line behind the token's: the service's own helper has no other header.
    let with_trace = format!("{token}\r\nTraceparent: 00-{trace}-{parent}-01");
    assert_eq!(service.get_as(&format!("/v1/computers/{computer}?fields=id"), &with_trace).0, 200);
    // Nobody else decides what is traced, and nothing but the API goes on with a trace.
    let stranger = format!("planted-token\r\nTraceparent: 00-{trace}-{parent}-01");
    assert_eq!(service.get_as("/v1/computers/nobody", &stranger).0, 401);
    assert_eq!(service.get_as("/healthz", &with_trace).0, 200);
    let wrong = format!("{token}\r\nTraceparent: 00-planted-nonsense");
    assert_eq!(service.get_as("/v1/tenants", &wrong).0, 200);
    let began = Instant::now();
    service.signal("TERM");
    let (code, lines) = service.end();
    assert_eq!(code, 0, "{lines:#?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    // No line of the log has a span's fields.
    assert!(lines.iter().all(|line| line["spans"].is_null()), "{lines:#?}");

    let hidden = [token, "planted".to_owned(), computer.to_owned()];
    let tree = collector.spans(&hidden);
    let calls = tree.named("api.request");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let ours: Vec<&&Span> = calls.iter().filter(|span| hex(&span.trace_id) == trace).collect();
    assert_eq!(ours.len(), 1, "{calls:?}");
    assert_eq!(hex(&ours[0].parent_span_id), parent);
    assert_eq!(field(ours[0], "http.route"), "/v1/computers/{id}");
    assert_eq!(field(ours[0], "http.request.method"), "GET");
    assert_eq!(field(ours[0], "http.response.status_code"), "200");
    assert_eq!(ours[0].kind, 2, "what is asked of the hub is a server's");
    let refused = calls.iter().find(|span| field(span, "http.response.status_code") == "401");
    assert_eq!(field(refused.unwrap(), "http.route"), "/v1/computers/{id}");
    assert!(refused.unwrap().parent_span_id.is_empty(), "{refused:?}");
    assert!(calls.iter().any(|span| field(span, "http.route") == "/healthz"), "{calls:?}");
    let alone = calls.iter().find(|span| field(span, "http.route") == "/v1/tenants").unwrap();
    assert!(alone.parent_span_id.is_empty(), "{alone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_down_costs_one_line_and_wrong_tables_are_refused() {
    let down = "\n[traces]\nendpoint = \"http://127.0.0.1:1\"\n";
    let (site, settings) = site(20, 91, down).await;
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "traces are lost");
    let done = |line: &serde_json::Value| line["message"] == "a job is done";
    service.wait_for(done);
    tokio::time::sleep(Duration::from_secs(5)).await;
    service.signal("TERM");
    let began = Instant::now();
    let (code, lines) = service.end();
    assert_eq!(code, 0, "{lines:#?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let said = lines.iter().filter(|line| line["message"] == "traces are lost").count();
    assert_eq!(said, 1, "{lines:#?}");

    let path = site.place.path().join("linchpin.toml");
    for (table, part) in [
        ("endpoint = \"collector\"\n", "is no address of a collector"),
        (
            "endpoint = \"http://collector.example:4318\"\n[[traces.header]]\nname = \"a\"\n\
             secret = \"env:X\"\n",
            "readable to another machine",
        ),
        ("endpoint = \"https://eve:planted@c.example\"\n", "`[[traces.header]]`"),
        ("endpoint = \"https://c.example/?x=1\"\n", "no query or fragment"),
        ("[[traces.header]]\nname = \"no name\"\nsecret = \"env:X\"\n", "no name of a header"),
        ("sample_percent = 101\n", "sample_percent"),
    ] {
        std::fs::write(&path, format!("{settings}\n[traces]\n{table}")).unwrap();
        let ran = site.run(&["config", "check"]).refused(&[part]);
        assert!(!ran.err.contains("planted"), "{}", ran.err);
    }
    let literal = "endpoint = \"https://c.example\"\n[[traces.header]]\nname = \"Authorization\"\n\
                   secret = \"planted-literal\"\n";
    std::fs::write(&path, format!("{settings}\n[traces]\n{literal}")).unwrap();
    let ran = site.run(&["config", "check"]).ended(0);
    assert!(!ran.err.contains("planted"), "{}", ran.err);
    ran.complained(&["`secret` of [traces] stands in the settings themselves"]);
}
