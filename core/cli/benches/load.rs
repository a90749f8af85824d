//! How much a service bears: the technician's page and its data at a steady rate, webhooks as fast as they
//! are acknowledged, followers of the log. One command, one JSON:
//!
//! ```text
//! cargo bench -p linchpin --bench load -- --computers 100000 --seconds 20
//! cargo bench -p linchpin --bench load -- --soak 60
//! ```
//!
//! `--soak` bears a moderate load for so many minutes instead, and says how much memory it has after each.
//!
//! The estate and the load are in this process, the service is the program in its own. At a steady rate a
//! request is counted from when it was due, not from when a worker got to it.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may stop")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are what it is for")]

#[path = "load/lines.rs"]
mod lines;
#[path = "../tests/it/run.rs"]
#[expect(dead_code, reason = "shared with the tests, which need more of it")]
mod run;
#[path = "../tests/it/commands/site.rs"]
#[expect(dead_code, reason = "shared with the tests, which need more of it")]
mod site;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use lines::{Line, Load, Spread, follow, steady};
use serde_json::{Value, json};
use site::Site;

const SECRET: &str = "s3cret";
/// Requests per second of the technician's page, and of its data.
const RATE: u32 = 300;
/// Webhooks per second.
const EVENTS: u32 = 1000;
/// Followers of the log.
const FOLLOWERS: usize = 1000;
/// The same where it is to go on for long: a quarter of an hour of a large provider in each minute.
const SOAK: (u32, u32, usize) = (20, 50, 100);
const RULES: &str = "[[software]]\nname = \"reader\"\ntitle = \"Reader\"\n[[software]]\nname = \"office\"\n\
    title = \"Office\"\n[[deployment]]\nname = \"reader\"\nsoftware = \"reader\"\nstate = \"latest\"\n\
    target = \"all\"\nshow_in = [\"technician-tools\"]\n[[deployment]]\nname = \"office\"\n\
    software = \"office\"\nstate = \"latest\"\ntarget = \"all\"\nclasses = [\"workstations\", \"portable\"]\n\
    show_in = [\"technician-tools\"]\n";

/// What was asked for.
struct Asked {
    computers: usize,
    seconds: u64,
    soak_minutes: Option<u64>,
}

fn main() {
    let asked = Asked::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let figures = runtime.block_on(measure(&asked));
    println!("{}", serde_json::to_string_pretty(&figures).unwrap());
}

impl Asked {
    fn read() -> Self {
        let mut asked = Self { computers: 20_000, seconds: 15, soak_minutes: None };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut number = || words.next().and_then(|text| text.parse().ok()).unwrap();
            match word.as_str() {
                "--computers" => asked.computers = usize::try_from(number()).unwrap(),
                "--seconds" => asked.seconds = number(),
                "--soak" => asked.soak_minutes = Some(number()),
                _ => {}
            }
        }
        asked
    }
}

async fn measure(asked: &Asked) -> Value {
    let site = Site::serve(asked.computers, 1).await;
    let path = site.place.path().join("linchpin.toml");
    site.add_to_connection("halopsa", &format!("webhook_secret = \"{SECRET}\""));
    let text = std::fs::read_to_string(&path).unwrap();
    let more = "\n[server]\nlisten = \"127.0.0.1:0\"\n[rules]\nsecond_person = false\n\
                [schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n";
    std::fs::write(&path, text + more).unwrap();
    eprintln!("syncing {} computers", asked.computers);
    let began = Instant::now();
    site.run(&["sync", "--no-ask"]).ended(0);
    eprintln!("synced in {:.1} s", began.elapsed().as_secs_f64());
    site.place.write("rules/load.toml", RULES);
    site.apply("rules");
    let token = site.run(&["token", "create", "load", "--role", "technician"]).ended(0).out;
    let token = token.trim_end().to_owned();
    let service = Service::start(&site);
    let tickets = tickets(&site);
    let first = Instant::now();
    warm(&service, &token, &tickets).await;
    eprintln!("first answers took {:.1} s", first.elapsed().as_secs_f64());
    let before = service.memory();
    if let Some(minutes) = asked.soak_minutes {
        return soak(&service, (&token, &tickets), minutes).await;
    }
    let mut figures = BTreeMap::new();
    let time = Duration::from_secs(asked.seconds);
    figures.insert("page", pages(&service, (&token, &tickets), RATE, time).await.json());
    figures.insert("webhooks", webhooks(&service, &tickets, (0, EVENTS), time).await.json());
    figures.insert("followers", followers(&service, &site, &token).await.json());
    json!({
        "computers": asked.computers, "seconds": asked.seconds, "figures": figures,
        "memory_mib": { "before": before, "after": service.memory() },
    })
}

/// Tickets, of which the estate has more than anybody opens in a quarter of a minute.
fn tickets(site: &Site) -> Vec<String> {
    let world = site.running.world();
    let world = world.read().unwrap();
    world.halo.tickets.iter().take(64).map(|one| one.id.to_string()).collect()
}

async fn warm(service: &Service, token: &str, tickets: &[String]) {
    for key in tickets {
        let mut line = Line::to(service.address).await;
        let path = format!("/technician/halopsa/ticket/{key}");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
        let code = line.ask(&request).await;
        assert_eq!(code, 200, "{path}");
    }
}

async fn pages(
    service: &Service,
    (token, tickets): (&str, &[String]),
    rate: u32,
    time: Duration,
) -> Spread {
    let requests = tickets.iter().map(|key| {
        let path = format!("/technician/halopsa/ticket/{key}");
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
    });
    let load = Load { address: service.address, rate, time, workers: 32, expected: 200 };
    steady(&load, requests.collect()).await
}

/// The same moderate load, minute after minute, with followers that stay.
async fn soak(service: &Service, (token, tickets): (&str, &[String]), minutes: u64) -> Value {
    let (page_rate, rate, followers) = SOAK;
    let minute = Duration::from_secs(60);
    let request =
        format!("GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    let following = follow(service.address, &request, followers).await;
    let mut memory = vec![service.memory()];
    let (mut page, mut webhook) = (Value::Null, Value::Null);
    for number in 0..minutes {
        let first = number * u64::from(rate) * minute.as_secs();
        let told = webhooks(service, tickets, (first, rate), minute);
        let shown = pages(service, (token, tickets), page_rate, minute);
        let (told, shown) = futures::future::join(told, shown).await;
        (page, webhook) = (shown.json(), told.json());
        memory.push(service.memory());
        eprintln!("minute {}: {} MiB", number + 1, memory.last().copied().unwrap_or_default());
    }
    drop(following);
    json!({ "minutes": minutes, "memory_mib": memory, "last": { "page": page, "webhooks": webhook } })
}

/// Webhooks at a rate, numbered from the first.
async fn webhooks(
    service: &Service,
    tickets: &[String],
    (first, rate): (u64, u32),
    time: Duration,
) -> Spread {
    let count = u64::from(rate) * time.as_secs();
    let request = |number: u64| {
        let key = &tickets[usize::try_from(number).unwrap() % tickets.len()];
        let body = format!(
            r#"{{"id":"load-{number}","event":"ticket updated","object_id":{key},"ticket":{{"id":{key},"summary":"{}"}}}}"#,
            "x".repeat(800)
        );
        format!(
            "POST /webhooks/halopsa HTTP/1.1\r\nHost: x\r\nX-Linchpin-Secret: {SECRET}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let load = Load { address: service.address, rate, time, workers: 64, expected: 202 };
    steady(&load, (first..first + count).map(request).collect()).await
}

/// How long an event takes to reach all of many followers.
async fn followers(service: &Service, site: &Site, token: &str) -> Spread {
    let path = "/v1/events";
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    let following = follow(service.address, &request, FOLLOWERS).await;
    let computers = site.run(&["list", "computers", "--json", "--limit", "1"]).ended(0).json();
    let id = computers[0]["id"].as_str().unwrap().to_owned();
    following
        .after(move || {
            site.run(&["pin", &id, "nobody"]).ended(0);
        })
        .await
}

/// The program, serving.
struct Service {
    child: Child,
    address: SocketAddr,
}

impl Service {
    fn start(site: &Site) -> Self {
        let mut command = site.command(&["serve", "--log", "json"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            line["address"].as_str()?.parse().ok()
        });
        // Somebody must read what it says, or it waits; what it warns of may explain a figure.
        let warns = |line: &String| !line.contains(r#""level":"INFO""#);
        std::thread::spawn(move || {
            let told = lines.map_while(Result::ok).filter(warns);
            told.for_each(|line| eprintln!("{line}"));
        });
        Self { child, address: address.unwrap() }
    }

    /// Memory that it holds, in mebibytes.
    fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
        kib.unwrap_or_default() / 1024
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
