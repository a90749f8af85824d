//! Subscriptions of Graph, kept by a hub over real HTTP: one per directory and topic, and never a second.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use core_connector::{Sent, Taken, conformance};
use core_store::Store;
use core_sync::{Clock, Connection, Error, Hub, Subscribed};
use mocks::world::{Directory, Relationship};
use serde_json::{Value, json};
use tests::databases;
use tests::fast_forward::FastForward;
use tests::{ConnectionSettings, Estate, connections_of};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const KIND: &str = "azure-ad";
const SECRET: &str = "planted-state";

/// The settings of the connection, with these besides.
fn settings(estate: &Estate, more: &Value) -> Result<ConnectionSettings> {
    let mut settings = estate.settings();
    let azure = settings.get_mut(KIND).context("no directory")?;
    azure["webhook_secret"] = SECRET.into();
    for (name, value) in more.as_object().into_iter().flatten() {
        azure[name] = value.clone();
    }
    Ok(settings)
}

fn connection(estate: &Estate, more: &Value) -> Result<Connection> {
    let connections = connections_of(&settings(estate, more)?, &[KIND])?;
    connections.into_iter().next().context("no connection")
}

fn hub(estate: &Estate, store: &Store, (url, clock): (&str, Clock), more: &Value) -> Result<Hub> {
    let mut rules = estate.rules();
    rules.public_url = Some(url.to_owned());
    Ok(Hub::new(store.clone(), vec![connection(estate, more)?], rules, clock))
}

/// An address that answers what the connector understands of what it is sent, as the service does.
async fn answering(estate: &Estate) -> Result<String> {
    let connection = Arc::new(connection(estate, &json!({}))?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let connection = Arc::clone(&connection);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                    if stream.read_buf(&mut head).await.unwrap_or_default() == 0 {
                        return;
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let target = head.split(' ').nth(1).unwrap_or_default();
                let query = target.split_once('?').map_or("", |(_, query)| query);
                let sent = Sent { path: "", query, authorization: None, secret: None, body: b"" };
                let taken = connection.connector.webhooks().map(|hooks| hooks.take(&sent));
                let body = match taken {
                    Some(Ok(Taken::Handshake(text))) => text,
                    _ => String::new(),
                };
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
                     Connection: close\r\n\r\n{body}",
                    body.len()
                );
                drop(stream.write_all(answer.as_bytes()).await);
            });
        }
    });
    Ok(url)
}

/// What Graph has: directory, resource and id.
fn there(estate: &Estate) -> Result<BTreeSet<(String, String, String)>> {
    let all = estate.running.estate("subscriptions", &Value::Null).map_err(anyhow::Error::msg)?;
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let all = all.as_array().context("no list")?.iter();
    Ok(all.map(|one| (text(one, "tenantId"), text(one, "resource"), text(one, "id"))).collect())
}

/// The directories that the partner's user may read, by what is true.
fn readable(estate: &Estate) -> BTreeSet<String> {
    crate::support::with_world(estate, |world| {
        let now = world.now();
        let is_active = |one: &Relationship| one.status == "active" && one.end > now;
        let may = |one: &&Directory| {
            let entered = one.partner || one.relationships.iter().any(is_active);
            one.mark.gone.is_none() && one.consented && entered
        };
        world.directories.iter().filter(may).map(|one| one.id.to_string()).collect()
    })
}

/// Each directory that can be read, but for these, has one for users and one for groups, and no second.
fn is_whole(estate: &Estate, but: &[&str]) -> Result<usize> {
    let there = there(estate)?;
    let places: BTreeSet<(&str, &str)> =
        there.iter().map(|(tenant, topic, _)| (tenant.as_str(), topic.as_str())).collect();
    ensure!(places.len() == there.len(), "there is a second one: {there:#?}");
    let readable = readable(estate);
    let wanted = readable.iter().map(String::as_str).filter(|id| !but.contains(id));
    let wanted: BTreeSet<(&str, &str)> =
        wanted.flat_map(|id| [(id, "users"), (id, "groups")]).collect();
    ensure!(wanted.len() >= 4 && places == wanted, "{places:#?} and not {wanted:#?}");
    Ok(wanted.len() / 2)
}

fn event(estate: &Estate, fields: &Value) -> Result<()> {
    estate.running.estate("lifecycle", fields).map(|_| ()).map_err(anyhow::Error::msg)
}

/// How many were made, renewed, removed and left.
fn counts(done: &Subscribed) -> [usize; 4] {
    [done.made, done.renewed, done.removed, done.left]
}

fn ahead(estate: &Estate, days: i64) -> Clock {
    let at = Utc::now() + chrono::TimeDelta::days(days);
    let world = estate.running.world();
    let mut world = world.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    world.clock_ahead = days * 86_400;
    FastForward::new(at, DateTime::<Utc>::MAX_UTC).clock()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_finds_nothing_wrong_with_subscriptions() -> Result<()> {
    let estate = Estate::of(40, 90).await?;
    let url = format!("{}/webhooks/azure-ad", answering(&estate).await?);
    let connection = connection(&estate, &json!({}))?;
    let now_us = Utc::now().timestamp_micros();
    let found = conformance::run_subscribe(&*connection.connector, &url, now_us).await?;
    ensure!(found.is_empty(), "{found:?}");
    ensure!(there(&estate)?.is_empty(), "something is left behind");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_directory_is_subscribed_to_once_and_it_is_renewed_before_its_end() -> Result<()> {
    for database in crate::support::both_databases().await? {
        let estate = Estate::of(300, 91).await?;
        let store = database.open().await?;
        let url = answering(&estate).await?;
        let at = |days| hub(&estate, &store, (&url, ahead(&estate, days)), &json!({}));
        let first = at(0)?.keep_subscriptions(KIND).await?;
        let directories = is_whole(&estate, &[])?;
        ensure!(counts(&first) == [2 * directories, 0, 0, 0], "{first:?}");
        let made = there(&estate)?;
        ensure!(counts(&at(3)?.keep_subscriptions(KIND).await?) == [0, 0, 0, first.made], "early");
        let renewed = at(4)?.keep_subscriptions(KIND).await?;
        ensure!(counts(&renewed) == [0, first.made, 0, 0], "{renewed:?}");
        // Past the end that it was made with it is still there, and the same.
        ensure!(counts(&at(7)?.keep_subscriptions(KIND).await?)[0] == 0);
        ensure!(there(&estate)? == made, "others than before");
        // Nobody was there in time: it is over, and made again.
        let late = at(40)?.keep_subscriptions(KIND).await?;
        ensure!(counts(&late) == [first.made, 0, 0, 0], "{late:?}");
        is_whole(&estate, &[])?;
        databases::drop_database(&database).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_is_made_again_and_what_a_dead_process_did_not_note_is_no_second_one()
-> Result<()> {
    let estate = Estate::of(300, 92).await?;
    let (store, _folder) = tests::fresh_sqlite().await?;
    let url = answering(&estate).await?;
    let hub = hub(&estate, &store, (&url, Clock::system()), &json!({}))?;
    let first = hub.keep_subscriptions(KIND).await?;
    let directories = is_whole(&estate, &[])?;
    event(&estate, &json!({"event": "lost", "resource": "groups"}))?;
    let again = hub.keep_subscriptions(KIND).await?;
    ensure!(counts(&again) == [directories, 0, 0, directories], "{again:?}");
    is_whole(&estate, &[])?;
    // Made, and the process died before it noted any of them.
    for row in store.subscriptions().await? {
        store.forget_subscription(&row).await?;
    }
    let after = hub.keep_subscriptions(KIND).await?;
    ensure!(counts(&after) == [first.made, 0, first.made, 0], "{after:?}");
    is_whole(&estate, &[])?;
    // What the system wants looked at is renewed at once.
    let (_, topic, id) = there(&estate)?.pop_first().context("none")?;
    ensure!(store.ask_for_subscription(KIND, &id).await?.as_deref() == Some(topic.as_str()));
    ensure!(counts(&hub.keep_subscriptions(KIND).await?) == [0, 1, 0, first.made - 1]);
    ensure!(counts(&hub.keep_subscriptions(KIND).await?) == [0, 0, 0, first.made]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_no_more_or_switched_off_is_ended_and_another_secret_makes_it_anew()
-> Result<()> {
    let estate = Estate::of(300, 93).await?;
    let (store, _folder) = tests::fresh_sqlite().await?;
    let url = answering(&estate).await?;
    let with = |more: Value| hub(&estate, &store, (&url, Clock::system()), &more);
    let first = with(json!({}))?.keep_subscriptions(KIND).await?;
    is_whole(&estate, &[])?;
    let own = estate.settings()[KIND]["tenant_id"].as_str().unwrap_or_default().to_owned();
    let customers: Vec<String> = readable(&estate).into_iter().filter(|id| *id != own).collect();
    let [one, other, ..] = customers.as_slice() else { anyhow::bail!("{customers:?}") };
    let fewer = with(json!({ "exclude": [one] }))?.keep_subscriptions(KIND).await?;
    ensure!(counts(&fewer) == [0, 0, 2, first.made - 2], "{fewer:?}");
    is_whole(&estate, &[one])?;

    // Where nobody is let in any more, what is there ends by itself and is no failure.
    crate::support::with_world(&estate, |world| {
        let directory = world.directories.iter_mut().find(|at| at.id.to_string() == *other);
        directory.into_iter().for_each(|directory| directory.consented = false);
    });
    let both = json!({ "exclude": [one, other] });
    let left = with(both)?.keep_subscriptions(KIND).await?;
    ensure!(counts(&left) == [0, 0, 0, first.made - 4] && left.failed.is_empty(), "{left:?}");
    ensure!(store.subscriptions().await?.iter().all(|row| row.scope != *other), "still known");
    event(&estate, &json!({"event": "lost", "tenant": other}))?;

    let anew = json!({"webhook_secret": "another", "exclude": [one, other]});
    let anew = with(anew)?.keep_subscriptions(KIND).await?;
    ensure!(counts(&anew) == [first.made - 4, 0, first.made - 4, 0], "{anew:?}");
    is_whole(&estate, &[one, other])?;

    let off = with(json!({ "subscribe": false }))?.keep_subscriptions(KIND).await?;
    ensure!(counts(&off) == [0, 0, first.made - 4, 0], "{off:?}");
    ensure!(there(&estate)?.is_empty() && store.subscriptions().await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hubs_one_subscribes_and_an_address_that_is_not_reached_is_asked_for_once_and_told()
-> Result<()> {
    let estate = Estate::of(300, 94).await?;
    let (store, _folder) = tests::fresh_sqlite().await?;
    // Nobody answers there: it is tried in a few directories at most, and not in all of them.
    let nobody = hub(&estate, &store, ("http://127.0.0.1:9", Clock::system()), &json!({}))?;
    let done = nobody.keep_subscriptions(KIND).await?;
    ensure!(done.made == 0 && !done.failed.is_empty(), "{done:?}");
    ensure!(done.failed.len() <= nobody.settings.parallel_scopes, "{}", done.failed.len());
    let rows = store.subscriptions().await?;
    let failure = rows.iter().find_map(|row| row.failure.clone()).context("not noted")?;
    ensure!(failure.kind == "config" && failure.remedy.contains("public_url"), "{failure:?}");
    ensure!(!format!("{rows:?}{done:?}").contains(SECRET), "the secret is told");
    ensure!(there(&estate)?.is_empty());

    let url = answering(&estate).await?;
    let hub = || hub(&estate, &store, (&url, Clock::system()), &json!({}));
    let (one, other) = (hub()?, hub()?);
    let ends = tokio::join!(one.keep_subscriptions(KIND), other.keep_subscriptions(KIND));
    for end in [&ends.0, &ends.1] {
        ensure!(matches!(end, Ok(_) | Err(Error::SubscribeBusy { .. })), "{end:?}");
    }
    let whole = hub()?.keep_subscriptions(KIND).await?;
    ensure!(whole.made == 0 && whole.failed.is_empty(), "{whole:?}");
    is_whole(&estate, &[])?;
    ensure!(store.subscriptions().await?.iter().all(|row| row.failure.is_none()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hub_ended_and_could_not_make_again_is_not_noted_as_there() -> Result<()> {
    let estate = Estate::of(300, 95).await?;
    let (store, _folder) = tests::fresh_sqlite().await?;
    let url = answering(&estate).await?;
    let hub = |url: &str| hub(&estate, &store, (url, Clock::system()), &json!({}));
    let first = hub(&url)?.keep_subscriptions(KIND).await?;
    // Another address, where nobody answers: the old ones are ended, and no new ones are made.
    let done = hub("http://127.0.0.1:9")?.keep_subscriptions(KIND).await?;
    ensure!(done.removed > 0 && done.made == 0 && !done.failed.is_empty(), "{done:?}");
    let there: BTreeSet<String> = there(&estate)?.into_iter().map(|(_, _, id)| id).collect();
    let rows = store.subscriptions().await?;
    let (live, ended): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.id.is_some());
    ensure!(ended.len() == done.removed && rows.len() == first.made, "{rows:#?}");
    ensure!(ended.iter().all(|row| row.ends_us.is_none() && row.failure.is_some()), "{ended:#?}");
    let known: BTreeSet<String> = live.iter().filter_map(|row| row.id.clone()).collect();
    ensure!(known == there, "{known:#?} and not {there:#?}");
    let again = hub(&url)?.keep_subscriptions(KIND).await?;
    ensure!(again.made == done.removed && again.failed.is_empty(), "{again:?}");
    is_whole(&estate, &[])?;
    Ok(())
}
