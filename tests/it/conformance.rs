//! The conformance suite of the contract, for each connector in front of its mock: every stream,
//! every scope, undisturbed and under every fault that passes. A read that got through a fault is
//! equal to one that met none.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use core_connector::conformance;
use core_connector::{Connector, Error, ErrorKind, Resume, Scope, Stream};
use mocks::faults::{Fault, Rule, When};
use mocks::vendor::Face;
use mocks::world::Options;
use serde_json::{Value, json};
use tests::{Estate, registry};

/// The connectors, and the faces they talk to.
const KINDS: &[(&str, Face)] = &[
    ("azure-ad", Face::Graph),
    ("cw-automate", Face::Automate),
    ("cw-control", Face::Control),
    ("halopsa", Face::Halo),
];

/// Faults that pass, and how often they come. A wait that is asked for takes real time: those come
/// once or twice.
const SURVIVABLE: &[(Fault, When, Option<u32>)] = &[
    (Fault::Throttled, When::Every(2), Some(1)),
    (Fault::ThrottledDecimal, When::Every(2), Some(1)),
    (Fault::ThrottledBare, When::Every(5), None),
    (Fault::ServerError, When::Always, Some(1)),
    (Fault::Unavailable, When::Every(5), None),
    (Fault::TokenRevoked, When::Every(7), None),
    (Fault::ConnectionCut, When::Every(4), None),
    (Fault::TruncatedBody, When::Every(4), None),
    (Fault::HtmlPage, When::Every(6), None),
    (Fault::ErrorBody, When::Every(6), None),
    (Fault::NextSelf, When::Every(5), None),
    (Fault::NextForeign, When::Every(5), None),
    (Fault::UnknownFields, When::Always, None),
    (Fault::Nulls, When::Always, None),
    (Fault::DuplicateRow, When::Every(3), None),
    (Fault::MovedRow, When::Every(2), None),
    (Fault::Slow, When::Always, Some(1)),
];

/// Faults that do not pass: what they make a connector say must not betray anything.
const LASTING: &[Fault] = &[
    Fault::TokenRevoked,
    Fault::Forbidden,
    Fault::NotFound,
    Fault::ServerError,
    Fault::ConnectionCut,
    Fault::TruncatedBody,
    Fault::HtmlPage,
    Fault::ErrorBody,
    Fault::EmptyList,
    Fault::NextForeign,
];

/// Enough of everything for several pages of each listing, and no more.
async fn estate() -> Result<Estate> {
    let options = Options {
        computers: 90,
        seed: 11,
        tenants: Some(4),
        persons: Some(150),
        delta_page: 20,
        ..Options::default()
    };
    Estate::serve(&options).await
}

/// The settings of a connection, with pages so small that there are several.
fn settings(estate: &Estate, kind: &str) -> Result<Value> {
    let mut settings = estate.settings().remove(kind).context("no settings")?;
    settings["http"] = json!({ "backoff_ms": 2, "attempts": 6, "timeout_seconds": 20 });
    match kind {
        "cw-automate" | "halopsa" => settings["page_size"] = json!(20),
        "cw-control" => settings["site_property"] = json!(2),
        _ => {}
    }
    Ok(settings)
}

fn connect(estate: &Estate, kind: &str) -> Result<Box<dyn Connector>> {
    Ok(registry().kind(kind)?.build(settings(estate, kind)?)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_connector_passes_the_suite() -> Result<()> {
    let estate = estate().await?;
    for (kind, _) in KINDS {
        let connector = connect(&estate, kind)?;
        let findings = conformance::run(connector.as_ref()).await?;
        ensure!(findings.is_empty(), "{kind}: {findings:#?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_declared_stream_is_there_and_carries_what_it_declares() -> Result<()> {
    let estate = estate().await?;
    for (kind, _) in KINDS {
        let connector = connect(&estate, kind)?;
        let registry = registry();
        let declared: BTreeSet<&str> =
            registry.kind(kind)?.streams.iter().map(|stream| stream.name).collect();
        let there: BTreeSet<&str> = connector.streams().iter().map(|s| s.name).collect();
        ensure!(declared == there, "{kind} declares {declared:?} and has {there:?}");
        for doc in registry.kind(kind)?.streams {
            let streams = connector.streams();
            let stream = streams.iter().find(|s| s.name == doc.name).context("gone")?;
            ensure!(stream.kinds == doc.kinds, "{kind}/{}: kinds differ", doc.name);
            ensure!(stream.source.changes() == doc.changes, "{kind}/{}: changes", doc.name);
            let read = whole(stream).await?;
            let found: BTreeSet<&str> = read.keys().map(|(_, kind, _)| kind.as_str()).collect();
            let due: BTreeSet<&str> = doc.kinds.iter().map(|kind| kind.as_str()).collect();
            ensure!(found == due, "{kind}/{}: read {found:?}, declared {due:?}", doc.name);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_got_through_a_fault_equals_one_that_met_none() -> Result<()> {
    let estate = estate().await?;
    let mut wrong = Vec::new();
    for (kind, face) in KINDS {
        estate.running.set_faults(Vec::new());
        let undisturbed = everything(connect(&estate, kind)?.as_ref()).await?;
        for (fault, when, times) in SURVIVABLE {
            let before = fired(&estate, *face, *fault);
            let rule =
                Rule { fault: *fault, face: Some(*face), path: None, when: *when, times: *times };
            estate.running.set_faults(vec![rule]);
            let read = everything(connect(&estate, kind)?.as_ref()).await;
            let happened = fired(&estate, *face, *fault) > before;
            let what = format!("{kind} under {fault:?}");
            match read {
                Err(error) => wrong.push(format!("{what}: {error:#}")),
                Ok(read) => {
                    wrong.extend(difference(&undisturbed, &read).map(|d| format!("{what}: {d}")))
                }
            }
            if !happened && !cannot_happen(kind, *fault) {
                wrong.push(format!("{what}: the fault never happened"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_betrays_a_secret() -> Result<()> {
    let estate = estate().await?;
    let mut said = String::new();
    for (kind, face) in KINDS {
        let connector = connect(&estate, kind)?;
        for fault in LASTING {
            let rule = |path: Option<&str>| Rule {
                fault: *fault,
                face: Some(*face),
                path: path.map(str::to_owned),
                when: When::Always,
                times: None,
            };
            estate.running.set_faults(vec![rule(None)]);
            speak(connector.as_ref(), &mut said).await;
            // The sign-in fails too, for a connector that is not signed in yet.
            estate.running.set_faults(vec![rule(Some("token"))]);
            speak(connect(&estate, kind)?.as_ref(), &mut said).await;
        }
        estate.running.set_faults(Vec::new());
        speak(refused(&estate, kind)?.as_ref(), &mut said).await;
    }
    ensure!(said.lines().count() > 100, "only {} lines were said", said.lines().count());
    let secrets = secrets(&estate)?;
    ensure!(secrets.len() >= 5, "only {} secrets are known", secrets.len());
    for (name, secret) in secrets {
        let line = said.lines().find(|line| line.contains(&secret));
        ensure!(line.is_none(), "{name} is in: {}", line.unwrap_or_default());
    }
    // No token that was given out: the mocks make them like the vendors do.
    for mark in ["eyJ", "Bearer ", "WrongSecret"] {
        let line = said.lines().find(|line| line.contains(mark));
        ensure!(line.is_none(), "`{mark}` is in: {}", line.unwrap_or_default());
    }
    Ok(())
}

/// What a setting of the wrong type holds may be a secret all the same.
#[test]
fn a_secret_of_the_wrong_type_is_refused_without_being_quoted() -> Result<()> {
    for (kind, setting, text) in [
        (
            "azure-ad",
            "client_secret",
            r#"{"tenant_id":"a.b","client_id":"x","client_secret":48151623}"#,
        ),
        (
            "cw-automate",
            "password",
            r#"{"url":"https://a.b","username":"u","client_id":"c","password":48151623}"#,
        ),
        ("cw-control", "secret", r#"{"url":"https://a.b","secret":48151623}"#),
        (
            "halopsa",
            "client_secret",
            r#"{"url":"https://a.b","client_id":"x","client_secret":["48151623"]}"#,
        ),
    ] {
        let Err(error) = registry().kind(kind)?.build(serde_json::from_str(text)?) else {
            anyhow::bail!("{kind} takes a number for `{setting}`");
        };
        let said = format!("{error} {error:?} {}", error.remedy());
        ensure!(error.kind() == ErrorKind::Config, "{kind}: {said}");
        ensure!(!said.contains("48151623"), "{kind}: {said}");
    }
    Ok(())
}

/// A connector whose credentials are refused.
fn refused(estate: &Estate, kind: &str) -> Result<Box<dyn Connector>> {
    let mut settings = settings(estate, kind)?;
    for name in ["client_secret", "password", "secret"] {
        if settings[name].is_string() {
            settings[name] = json!("WrongSecret");
        }
    }
    Ok(registry().kind(kind)?.build(settings)?)
}

/// Whatever the connector says when things go wrong, in every way an error can be printed.
async fn speak(connector: &dyn Connector, said: &mut String) {
    match connector.check().await {
        Ok(account) => said.push_str(&format!("{account:?}\n")),
        Err(error) => note(&error, said),
    }
    for stream in connector.streams() {
        let scopes = match stream.source.scopes().await {
            Err(error) => {
                note(&error, said);
                continue;
            }
            Ok(scopes) => scopes,
        };
        let Some(scope) = scopes.first() else { continue };
        if let Err(error) = stream.source.page(scope, Resume::Start).await {
            note(&error, said);
        }
    }
    if let Some(tickets) = connector.tickets()
        && let Err(error) = tickets.ticket("1").await
    {
        note(&error, said);
    }
    if let Some(sessions) = connector.sessions() {
        match sessions.open("0f1e2d3c-0000-4000-8000-000000000000").await {
            Err(error) => note(&error, said),
            Ok(link) => said.push_str(&format!("{link:?}\n")),
        }
    }
}

fn note(error: &Error, said: &mut String) {
    let (detail, remedy) = (error.detail(), error.remedy());
    said.push_str(&format!("{error} / {error:?} / {detail} / {remedy}\n"));
}

/// Every secret of the estate, by name.
fn secrets(estate: &Estate) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for (kind, _) in KINDS {
        let settings = settings(estate, kind)?;
        for name in ["client_secret", "refresh_token", "password", "totp_secret", "secret"] {
            if let Some(secret) = settings[name].as_str() {
                found.push((format!("{kind}.{name}"), secret.to_owned()));
            }
        }
    }
    Ok(found)
}

/// Records by stream and scope, kind and key: what the hub reads out of each.
type Records = BTreeMap<(String, String, String), String>;

/// Reads every stream, and those of one page again and again, so that every n-th call comes.
async fn everything(connector: &dyn Connector) -> Result<Records> {
    let mut all = Records::new();
    let streams = connector.streams();
    let times = if streams.len() == 1 { 8 } else { 1 };
    for _ in 0..times {
        for stream in &streams {
            all.extend(whole(stream).await?);
        }
    }
    Ok(all)
}

async fn whole(stream: &Stream<'_>) -> Result<Records> {
    let mut all = Records::new();
    let scopes = stream.source.scopes().await.with_context(|| stream.name.to_owned())?;
    for scope in scopes {
        let what = format!("{}/{}", stream.name, scope.name);
        match scope_of(stream, &scope).await {
            Ok(read) => all.extend(read),
            // A directory without a licence, or without consent, stays out in every read.
            Err(error) if is_out(&error) => {}
            Err(error) => return Err(error).context(what),
        }
    }
    Ok(all)
}

fn is_out(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::NotOffered => true,
        ErrorKind::Auth | ErrorKind::Forbidden => error.operation() == "sign in",
        _ => false,
    }
}

async fn scope_of(stream: &Stream<'_>, scope: &Scope) -> core_connector::Result<Records> {
    let mut read = Records::new();
    let mut from = Resume::Start;
    let part = format!("{}/{}", stream.name, scope.key);
    loop {
        let page = stream.source.page(scope, from).await?;
        for record in &page.records {
            let key = (part.clone(), record.facts.kind().to_string(), record.key.clone());
            read.insert(key, format!("{:?} {}", record.client, record.facts.to_json()));
        }
        for (kind, key) in &page.gone {
            read.remove(&(part.clone(), kind.to_string(), key.clone()));
        }
        for rejected in &page.rejected {
            let key = rejected.key.clone().unwrap_or_default();
            read.insert((part.clone(), "rejected".to_owned(), key), rejected.reason.clone());
        }
        let last = page.is_last();
        match page.checkpoint {
            Some(checkpoint) if !last => from = Resume::From(checkpoint),
            _ => return Ok(read),
        }
    }
}

fn difference(due: &Records, found: &Records) -> Option<String> {
    let missing: Vec<_> = due.keys().filter(|key| !found.contains_key(*key)).collect();
    let extra: Vec<_> = found.keys().filter(|key| !due.contains_key(*key)).collect();
    let other: Vec<_> = due
        .iter()
        .filter_map(|(key, was)| found.get(key).filter(|is| *is != was).map(|is| (key, was, is)))
        .collect();
    let some = |count: usize, sample: String| format!("{count}, like {sample}");
    match (missing.first(), extra.first(), other.first()) {
        (None, None, None) => None,
        (one, two, three) => Some(format!(
            "of {} records missing {}; too many {}; different {}",
            due.len(),
            some(missing.len(), format!("{one:?}")),
            some(extra.len(), format!("{two:?}")),
            some(other.len(), format!("{three:?}")),
        )),
    }
}

fn fired(estate: &Estate, face: Face, fault: Fault) -> u64 {
    let fired = estate.running.fired();
    fired.iter().filter(|one| one.fault == fault && one.face == face).map(|one| one.times).sum()
}

/// What a vendor's listings have no place for.
fn cannot_happen(kind: &str, fault: Fault) -> bool {
    match fault {
        // Only Graph has links.
        Fault::NextForeign => kind != "azure-ad",
        // One array: no page before it, and none after.
        Fault::NextSelf | Fault::MovedRow => kind == "cw-control",
        _ => false,
    }
}

/// What is written into: an asset; a computer, and a location of its client in which it is not; a
/// session; and two users.
struct Writable {
    asset: i64,
    computer: u64,
    place: String,
    session: uuid::Uuid,
    users: Vec<i64>,
}

fn writable(estate: &Estate) -> Result<Writable> {
    let world = estate.running.world();
    let world = world.read().unwrap();
    let users = world.halo.users.iter().map(|user| user.id).take(2).collect();
    let session = world.control.sessions.iter().find(|one| one.kind == 2 && !one.ended);
    let other = |computer: &mocks::world::AutomateComputer| {
        let place = world.automate.locations.iter().find(|place| {
            place.client == computer.client
                && place.id != computer.location
                && place.mark.gone.is_none()
        });
        place.map(|place| (computer.id, place.name.clone()))
    };
    let mut computers = world.automate.computers.iter().filter(|one| one.mark.gone.is_none());
    let (computer, place) = computers.find_map(other).context("no client has two locations")?;
    let session = session.context("no session")?.id;
    Ok(Writable { asset: world.halo.assets[0].id, computer, place, session, users })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_is_what_is_read_and_nothing_else_changes() -> Result<()> {
    let estate = estate().await?;
    let Writable { asset, computer, place, session, users } = writable(&estate)?;
    let all = format!("{},{}", users[0], users[1]);
    let properties = ["user", "name", "serial", "automate_id", "control_id", "intune_id"];
    let guid = "0a1b2c3d-0000-4000-8000-00000000aaaa";
    let cases = [
        (
            "halopsa",
            asset.to_string(),
            json!({ "properties": properties, "fields": { "SMBIOS UUID": "uuid" } }),
            vec![
                ("user", all.as_str()),
                ("serial", "X-1"),
                ("SMBIOS UUID", guid),
                ("automate_id", "77"),
                ("control_id", guid),
                ("intune_id", guid),
            ],
        ),
        (
            "cw-automate",
            computer.to_string(),
            json!({ "extra_fields": { "Primary user": "primary_upn", "Service tier": "class",
                "Exclude from onboarding": "onboarding" },
                "location": { "by": "class", "names": { "server": place } } }),
            vec![
                ("Primary user", "ana@contoso.com"),
                ("Service tier", "Gold"),
                ("Exclude from onboarding", "true"),
                ("Location", place.as_str()),
            ],
        ),
        (
            "cw-control",
            session.to_string(),
            json!({ "properties": { "6": "serial", "8": "uuid" } }),
            vec![("CustomProperty6", "it's \"5\""), ("CustomProperty8", guid)],
        ),
    ];
    for (kind, key, mut push, sets) in cases {
        push["enabled"] = json!(true);
        let mut settings = settings(&estate, kind)?;
        settings["push"] = push;
        let connector = registry().kind(kind)?.build(settings)?;
        let set = |(field, value): (&str, &str)| core_connector::Set {
            field: field.to_owned(),
            value: value.to_owned(),
        };
        let sets: Vec<core_connector::Set> = sets.into_iter().map(set).collect();
        let findings = conformance::run_push(connector.as_ref(), &key, &sets).await?;
        ensure!(findings.is_empty(), "{kind}: {findings:#?}");
    }
    Ok(())
}
