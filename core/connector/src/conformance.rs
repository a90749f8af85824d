//! The conformance suite: what every connector must hold, whatever its vendor.
//!
//! Each check takes a connector that talks to something that answers (a mock, or a real account)
//! and returns what it found wrong, in words; an empty list is a pass.

use std::collections::BTreeMap;

use core_model::Checkpoint;
use core_model::record::RecordKind;

use crate::page::{Changes, Page, Resume, Scope};
use crate::{Connector, Error, ErrorKind, NewSubscription, Set, Stream, Subscribe};

/// A finding: which stream, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stream, or empty for the connector as a whole.
    pub stream: String,
    /// What is wrong.
    pub what: String,
}

/// The end state of one full read: record hash by kind and key, and what the last checkpoint was.
pub struct FullRead {
    /// Content hash by kind and key.
    pub records: BTreeMap<(RecordKind, String), u128>,
    /// Checkpoints in the order they were given.
    pub checkpoints: Vec<Option<Checkpoint>>,
    /// Pages read.
    pub pages: usize,
}

/// Pages beyond which a listing counts as endless.
const ENDLESS: usize = 100_000;

/// Runs every check that needs no faults.
///
/// # Errors
/// When the connector cannot be read at all.
pub async fn run(connector: &dyn Connector) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let account = connector.check().await?;
    if account.name.is_empty() {
        findings.push(finding("", "check() names no account"));
    }
    let streams = connector.streams();
    if streams.is_empty() {
        findings.push(finding("", "there are no streams"));
    }
    for stream in &streams {
        for scope in stream.source.scopes().await? {
            check_stream(stream, &scope, &mut findings).await?;
        }
    }
    Ok(findings)
}

/// Checks that what a connector writes, and nothing else, is what it then reads. It writes into the
/// object of this key: every value of `sets` once, twice, and what was there before again.
///
/// # Errors
/// When the object cannot be read or written at all.
pub async fn run_push(
    connector: &dyn Connector,
    key: &str,
    sets: &[Set],
) -> Result<Vec<Finding>, Error> {
    let Some(push) = connector.push() else {
        return Ok(vec![finding("push", "the connector does not write")]);
    };
    let mut findings = Vec::new();
    let mut names: Vec<&str> = push.fields().iter().map(|field| field.name.as_str()).collect();
    names.sort_unstable();
    if names.is_empty() || names.windows(2).any(|two| two[0] == two[1]) {
        findings.push(finding("push", "its fields have no names, or two have the same"));
    }
    let before = push.read(key).await?;
    if push.read(key).await? != before {
        findings.push(finding("push", "two readings of an unchanged object differ"));
    }
    let mut wanted = before.values.clone();
    wanted.extend(sets.iter().map(|set| (set.field.clone(), set.value.clone())));
    // The second time with what was read before the first: a retry has nothing newer.
    for _ in 0..2 {
        push.write(key, &before, sets).await?;
        if push.read(key).await?.values != wanted {
            findings.push(finding("push", "what was written is not what is read"));
        }
    }
    let old: Vec<Set> = sets
        .iter()
        .map(|set| Set { field: set.field.clone(), value: before.value(&set.field).to_owned() })
        .collect();
    let there = push.read(key).await?;
    push.write(key, &there, &old).await?;
    if push.read(key).await?.values != before.values {
        findings.push(finding("push", "what was there before cannot be written back"));
    }
    for nobody in ["0", "nobody", "../1"] {
        match push.read(nobody).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => findings.push(finding("push", &format!("object `{nobody}` is {other:?}"))),
        }
    }
    Ok(findings)
}

/// Checks that what a connector subscribes to is what it then lists, goes on when it is told to, and is gone
/// when it is ended; in the first scope, to an address that answers the system, from now on (Unix
/// microseconds). It leaves nothing behind.
///
/// # Errors
/// When nothing can be subscribed to at all.
pub async fn run_subscribe(
    connector: &dyn Connector,
    url: &str,
    now_us: i64,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let Some(subscribe) = connector.subscribe().filter(|subscribe| subscribe.wanted()) else {
        return Ok(vec![finding("subscribe", "the connector subscribes to nothing")]);
    };
    let streams = connector.streams();
    for topic in subscribe.topics() {
        if !streams.iter().any(|stream| stream.name == *topic) {
            findings.push(finding("subscribe", &format!("the topic `{topic}` is no stream")));
        }
    }
    let scopes = subscribe.scopes().await?;
    let (Some(scope), Some(topic)) = (scopes.first(), subscribe.topics().first()) else {
        findings.push(finding("subscribe", "there is no scope, or no topic"));
        return Ok(findings);
    };
    let half_us = now_us + subscribe.life_us() / 2;
    let new = NewSubscription { topic, url, until_us: half_us };
    let made = subscribe.make(&scope.key, new).await?;
    if subscribe.list(&scope.key).await?.iter().filter(|one| **one == made).count() != 1 {
        findings.push(finding("subscribe", "what was made is not what is listed"));
    }
    let until_us = now_us + subscribe.life_us();
    let renewed = subscribe.renew(&scope.key, &made.id, until_us).await?;
    // Systems keep whole seconds.
    if (renewed.ends_us - until_us).abs() > 1_000_000 {
        findings.push(finding("subscribe", "what was renewed does not go on until then"));
    }
    subscribe.remove(&scope.key, &renewed.id).await?;
    if subscribe.list(&scope.key).await?.iter().any(|one| one.url == url) {
        findings.push(finding("subscribe", "what was ended is still there"));
    }
    for id in [renewed.id.as_str(), "nobody", "../1"] {
        findings.extend(is_unknown(subscribe, &scope.key, (id, until_us)).await);
    }
    Ok(findings)
}

/// Checks that a machine that is put into maintenance mode is in it, and out of it when it was taken out; `agent` is
/// in none before, and in none afterwards.
///
/// # Errors
/// When the machine cannot be asked about at all.
pub async fn run_maintenance_mode(
    connector: &dyn Connector,
    agent: &str,
) -> Result<Vec<Finding>, Error> {
    const SUBJECT: &str = "maintenance-mode";
    let Some(mode) = connector.maintenance_mode() else {
        return Ok(vec![finding(SUBJECT, "the connector has no machine in maintenance mode")]);
    };
    let mut findings = Vec::new();
    if mode.is_on(agent).await? {
        findings.push(finding(SUBJECT, "it is on before anybody asked for it"));
    }
    // Twice, as whoever comes after a crash does.
    for _ in 0..2 {
        mode.enter(agent, std::time::Duration::from_secs(3_600)).await?;
        if !mode.is_on(agent).await? {
            findings.push(finding(SUBJECT, "it is not on after it was entered"));
        }
    }
    for _ in 0..2 {
        mode.leave(agent).await?;
        if mode.is_on(agent).await? {
            findings.push(finding(SUBJECT, "it is on after it was left"));
        }
    }
    for nobody in ["nobody", "../1", ""] {
        let ends = [
            mode.is_on(nobody).await.map(|_| ()),
            mode.enter(nobody, std::time::Duration::from_secs(60)).await,
            mode.leave(nobody).await,
        ];
        findings.extend(unknown_agents(SUBJECT, nobody, ends));
    }
    Ok(findings)
}

/// Checks that approved updates are told, and begun with. `agent` has some.
///
/// # Errors
/// When the machine cannot be asked about at all.
pub async fn run_patching(connector: &dyn Connector, agent: &str) -> Result<Vec<Finding>, Error> {
    const SUBJECT: &str = "patching";
    let Some(patching) = connector.patching() else {
        return Ok(vec![finding(SUBJECT, "the connector manages no updates")]);
    };
    let mut findings = Vec::new();
    let approved = patching.approved(agent).await?;
    if approved.updates.is_empty() {
        findings.push(finding(SUBJECT, "no update is approved"));
    }
    if approved.updates.iter().any(|(title, _)| title.trim().is_empty()) {
        findings.push(finding(SUBJECT, "an update has no title"));
    }
    if patching.approved(agent).await? != approved {
        findings.push(finding(SUBJECT, "two readings of an unchanged machine differ"));
    }
    patching.install_approved(agent).await?;
    for nobody in ["nobody", "../1", ""] {
        let ends =
            [patching.approved(nobody).await.map(|_| ()), patching.install_approved(nobody).await];
        findings.extend(unknown_agents(SUBJECT, nobody, ends));
    }
    Ok(findings)
}

/// Checks that each client has tokens of its own, and whoever is none has none.
///
/// # Errors
/// When a client is given none.
pub async fn run_access_tokens(
    connector: &dyn Connector,
    clients: &[&str],
) -> Result<Vec<Finding>, Error> {
    const SUBJECT: &str = "access-tokens";
    let Some(tokens) = connector.access_tokens() else {
        return Ok(vec![finding(SUBJECT, "the connector gives no tokens")]);
    };
    let mut findings = Vec::new();
    for resource in tokens.resources() {
        let mut seen = std::collections::BTreeSet::new();
        for client in clients {
            let given = tokens.token(resource, client).await?;
            if given.lifetime.is_zero() {
                findings.push(finding(SUBJECT, &format!("the token of `{client}` is no good")));
            }
            if !seen.insert(given.token.expose().to_owned()) {
                findings.push(finding(SUBJECT, &format!("`{client}` has another client's token")));
            }
        }
        for nobody in ["nobody", "00000000-0000-0000-0000-000000000000", "../1", ""] {
            let end = tokens.token(resource, nobody).await.map(|_| ());
            findings.extend(unknown_agents(SUBJECT, nobody, [end]));
        }
    }
    let client = clients.first().copied().unwrap_or_default();
    match tokens.token("nothing", client).await {
        Err(error) if error.kind() == ErrorKind::NotOffered => {}
        other => findings.push(finding(
            SUBJECT,
            &format!("a resource that there is not is {:?}", other.map(|_| ())),
        )),
    }
    Ok(findings)
}

/// What nobody is must be told as that.
fn unknown_agents(
    subject: &str,
    agent: &str,
    ends: impl IntoIterator<Item = Result<(), Error>>,
) -> Vec<Finding> {
    let wrong = ends
        .into_iter()
        .filter(|end| !matches!(end, Err(error) if error.kind() == ErrorKind::NotFound));
    wrong.map(|end| finding(subject, &format!("`{agent}` is {end:?}"))).collect()
}

/// What is not there is not found, whatever is to be done with it.
async fn is_unknown(
    subscribe: &dyn Subscribe,
    scope: &str,
    (id, until_us): (&str, i64),
) -> Vec<Finding> {
    let renewed = subscribe.renew(scope, id, until_us).await.map(|_| ());
    let ends = [renewed, subscribe.remove(scope, id).await];
    let wrong = ends
        .into_iter()
        .filter(|end| !matches!(end, Err(error) if error.kind() == ErrorKind::NotFound));
    wrong.map(|end| finding("subscribe", &format!("subscription `{id}` is {end:?}"))).collect()
}

/// Reads a scope of a stream from the start to its end.
///
/// # Errors
/// As the source.
pub async fn read_all(stream: &Stream<'_>, scope: &Scope) -> Result<FullRead, Error> {
    read_from(stream, scope, Resume::Start, BTreeMap::new()).await
}

async fn read_from(
    stream: &Stream<'_>,
    scope: &Scope,
    from: Resume,
    records: BTreeMap<(RecordKind, String), u128>,
) -> Result<FullRead, Error> {
    let mut read = FullRead { records, checkpoints: Vec::new(), pages: 0 };
    let mut from = from;
    loop {
        let page = stream.source.page(scope, from).await?;
        apply(&mut read, &page);
        if page.is_last() || read.pages > ENDLESS {
            return Ok(read);
        }
        let Some(checkpoint) = page.checkpoint else { return Ok(read) };
        from = Resume::From(checkpoint);
    }
}

fn apply(read: &mut FullRead, page: &Page) {
    read.pages += 1;
    for record in &page.records {
        read.records.insert((record.facts.kind(), record.key.clone()), record.hash);
    }
    for gone in &page.gone {
        read.records.remove(gone);
    }
    read.checkpoints.push(page.checkpoint.clone());
}

async fn check_stream(
    stream: &Stream<'_>,
    scope: &Scope,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let first = match read_all(stream, scope).await {
        Ok(read) => read,
        Err(error) if error.kind() == ErrorKind::NotOffered => return Ok(()),
        Err(error) => return Err(error),
    };
    let second = read_all(stream, scope).await?;
    if first.records != second.records {
        findings.push(finding(stream.name, "two full reads of an unchanged world differ"));
    }
    for (kind, key) in first.records.keys() {
        if !stream.kinds.contains(kind) {
            findings.push(finding(stream.name, &format!("undeclared kind {kind} (record {key})")));
            break;
        }
    }
    check_resume(stream, scope, &first, findings).await?;
    check_increment(stream, scope, &first, findings).await
}

/// Killed after the first page and after the middle one, and resumed, a read ends as if it had
/// not been killed.
async fn check_resume(
    stream: &Stream<'_>,
    scope: &Scope,
    whole: &FullRead,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    for kill_after in [1, whole.pages / 2] {
        if kill_after == 0 || kill_after >= whole.pages {
            continue;
        }
        let mut read = FullRead { records: BTreeMap::new(), checkpoints: Vec::new(), pages: 0 };
        let mut from = Resume::Start;
        for _ in 0..kill_after {
            let page = stream.source.page(scope, from.clone()).await?;
            apply(&mut read, &page);
            let Some(checkpoint) = page.checkpoint else { break };
            from = Resume::From(checkpoint);
        }
        let resumed = read_from(stream, scope, from, read.records).await?;
        if resumed.records != whole.records {
            let what = format!("killed after page {kill_after} and resumed, it reads otherwise");
            findings.push(finding(stream.name, &what));
        }
    }
    Ok(())
}

/// From the last checkpoint of an unchanged world, nothing has changed.
async fn check_increment(
    stream: &Stream<'_>,
    scope: &Scope,
    whole: &FullRead,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let last = whole.checkpoints.last().cloned().flatten();
    match (stream.source.changes(), last) {
        (Changes::Snapshot, None) => {}
        (Changes::Snapshot, Some(_)) => {
            findings.push(finding(stream.name, "a snapshot source ends with a checkpoint"));
        }
        (_, None) => {
            findings.push(finding(stream.name, "an incremental source ends without a checkpoint"));
        }
        (_, Some(checkpoint)) => {
            let next = read_from(stream, scope, Resume::From(checkpoint), whole.records.clone());
            if next.await?.records != whole.records {
                let what = "an incremental read of an unchanged world changes something";
                findings.push(finding(stream.name, what));
            }
        }
    }
    Ok(())
}

fn finding(stream: &str, what: &str) -> Finding {
    Finding { stream: stream.to_owned(), what: what.to_owned() }
}
