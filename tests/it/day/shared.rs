//! The day of two daemons on one PostgreSQL database, of which one or the other is killed at random instants
//! while tickets are told of: it ends with the estate's truth, and nothing was done twice.

use std::collections::BTreeMap;

use core_connector::Hint;
use core_daemon::{Desk, Inbox};
use core_model::queue::QueueRules;
use core_store::NewDelivery;
use serde_json::Value;
use tests::shared_time::Conductor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, watch};

use super::*;

/// Kills of one of the two.
const KILLS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_two_daemons_on_postgres_of_which_one_is_killed_loses_and_repeats_nothing()
-> Result<()> {
    for seed in seeds([99]) {
        let Some(database) = databases::postgres().await? else {
            println!("left out: no PostgreSQL answers (see TEST_POSTGRES_URL)");
            return Ok(());
        };
        println!("seed {seed}");
        shared_day(seed, &database).await.with_context(|| format!("seed {seed}"))?;
        databases::drop_database(&database).await?;
    }
    Ok(())
}

fn join(order: &Path, conductor: &Conductor) -> Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_one_day"));
    command.arg(order).arg(conductor.address().to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("starting a day")
}

async fn shared_day(seed: u64, database: &databases::Database) -> Result<()> {
    let day = Begun::of(seed, database).await?;
    let ((begun, until), stage, store) = (day.span, day.stage, day.store);
    let tickets = open_tickets(&stage);
    ensure!(tickets.len() > 3, "too few tickets to tell anything: {}", tickets.len());

    let conductor = Conductor::start(begun, until).await?;
    let mut dice = StdRng::seed_from_u64(seed);
    let mut pair = [join(&day.order, &conductor)?, join(&day.order, &conductor)?];
    let (mut killed, mut told, mut instants) = (0, 0, Vec::new());
    let mut at: Vec<i64> = (0..KILLS)
        .map(|_| dice.random_range(begun.timestamp_micros()..until.timestamp_micros()))
        .collect();
    at.sort_unstable();
    let mut pause = |most| Duration::from_millis(dice.random_range(1..most));
    let mut toss = StdRng::seed_from_u64(!seed);
    for at in at {
        // What is due at that instant is under way then.
        while conductor.now().timestamp_micros() < at && !conductor.is_over() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(pause(500)).await;
        // Told of twice, as systems do.
        for key in (0..4).map(|_| &tickets[toss.random_range(0..tickets.len())]) {
            tell(&store, &conductor, key, &mut told).await?;
            tell(&store, &conductor, key, &mut told).await?;
        }
        tokio::time::sleep(pause(100)).await;
        if conductor.is_over() {
            break;
        }
        let one = &mut pair[toss.random_range(0..2)];
        instants.push(conductor.now().format("%H:%M").to_string());
        one.kill()?;
        one.wait()?;
        killed += 1;
        // The other one goes on alone for a while.
        tokio::time::sleep(pause(300)).await;
        *one = join(&day.order, &conductor)?;
    }
    for mut child in pair {
        let ended = tokio::task::spawn_blocking(move || child.wait()).await??;
        ensure!(ended.success(), "a process failed: {ended}");
    }
    println!("{killed} were killed, at {}; {told} deliveries", instants.join(", "));
    ensure!(killed > 3, "too few were killed to mean anything");
    ensure!(conductor.is_over() && conductor.now() == until, "it ended at {}", conductor.now());

    ensure_read_once(&store, begun, killed).await?;
    let hub = Arc::new(stage.site.hub_at(store.clone(), Clock::new(move || until))?);
    ensure_noted_once(&stage, &hub, &tickets).await?;
    ensure_whole(&stage, store, until, day.before).await
}

/// All tickets, opened again: where one is closed there is nothing to note.
fn open_tickets(stage: &Stage) -> Vec<String> {
    with_world(&stage.site.estate, |world| {
        let all = world.halo.tickets.iter_mut().map(|ticket| {
            ticket.status = 1;
            ticket.id.to_string()
        });
        all.collect()
    })
}

/// Has the hub told of a ticket.
async fn tell(store: &Store, conductor: &Conductor, key: &str, told: &mut usize) -> Result<()> {
    *told += 1;
    let body = serde_json::to_string(&Hint::Ticket(key.to_owned()))?;
    let sent = NewDelivery { connection: HALO.to_owned(), id: format!("told {told}"), body };
    store.add_deliveries(&[sent], conductor.now().timestamp_micros()).await?;
    Ok(())
}

/// Nobody read what the other one was reading, or had read: but what one had read who was killed before it
/// noted that.
async fn ensure_read_once(store: &Store, begun: DateTime<Utc>, killed: usize) -> Result<()> {
    let mut by_instant: BTreeMap<(String, String, String, i64), usize> = BTreeMap::new();
    let mut by_job: BTreeMap<(String, i64), usize> = BTreeMap::new();
    for run in store.runs(100_000, None).await? {
        if run.started_us < begun.timestamp_micros() || run.outcome != Outcome::Complete {
            continue;
        }
        let (connection, at) = (run.connection, run.started_us);
        let seen = by_instant.entry((connection.clone(), run.stream, run.scope, at)).or_default();
        *seen += 1;
        if *seen > 1 {
            *by_job.entry((connection, at)).or_default() += 1;
        }
    }
    ensure!(by_instant.len() > 300, "only {} runs", by_instant.len());
    ensure!(by_job.len() <= killed, "read twice at one instant: {by_job:?}");
    Ok(())
}

/// Every ticket that was told of has one note of the hub's, and everything that was told was worked off.
async fn ensure_noted_once(stage: &Stage, hub: &Arc<Hub>, tickets: &[String]) -> Result<()> {
    let (orders, _ordered) = mpsc::channel(64);
    let notes = Some("https://hub.example".to_owned());
    let desk = Desk { hub: Arc::clone(hub), notes, queue: QueueRules::default() };
    let (_keep, desk) = watch::channel(desk);
    Inbox::new(desk, orders, Arc::new(Notify::new())).work().await?;
    ensure!(hub.store.waiting_deliveries().await? == 0, "something was not worked off");
    ensure!(hub.store.dead_deliveries(9).await?.is_empty(), "something was given up");
    let token = sign_in(stage).await?;
    let mut noted = 0;
    for key in tickets {
        let known = hub.store.ticket(HALO, key).await?;
        let page = format!("https://hub.example/technician/{HALO}/ticket/{key}");
        let path = format!("/api/Actions?ticket_id={key}&includehtmlnote=true");
        let actions = ask(stage, "GET", &path, &[("Authorization", &token)], "").await?;
        let actions = actions["actions"].as_array().cloned().unwrap_or_default();
        let ours = actions.iter().filter(|one| one.to_string().contains(&page)).count();
        let wanted = known.is_some_and(|row| row.note.is_some());
        ensure!(ours == usize::from(wanted), "ticket {key} has {ours} notes: {actions:?}");
        noted += ours;
    }
    println!("{noted} tickets have one note each");
    ensure!(noted > 1, "too few were noted to mean anything: {noted}");
    Ok(())
}

async fn sign_in(stage: &Stage) -> Result<String> {
    let settings = &stage.site.settings[HALO];
    let text = |name: &str| settings[name].as_str().unwrap_or_default().to_owned();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=all",
        text("client_id"),
        text("client_secret")
    );
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    let path = format!("/auth/token?tenant={}", text("tenant"));
    let answer = ask(stage, "POST", &path, &kind, &form).await?;
    Ok(format!("Bearer {}", answer["access_token"].as_str().context("no token")?))
}

/// Asks Halo without any of the product's code.
async fn ask(
    stage: &Stage,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Value> {
    let url = stage.site.settings[HALO]["url"].as_str().context("no url")?;
    let host = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
    let mut stream = TcpStream::connect(host).await?;
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    ensure!(head.contains(" 200 "), "{path}: {head} {body}");
    serde_json::from_str(body).with_context(|| format!("{path}: {body}"))
}
