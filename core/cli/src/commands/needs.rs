//! `linchpin needs`: what waits for a human, each with what to do about it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use core_connector::{Actor, ErrorKind};
use core_daemon::{MAIL, UNSENT};
use core_model::library::DefinitionKind;
use core_model::run::Outcome;
use core_store::WebhookState;
use serde::{Deserialize, Serialize};

use super::remote::Remote;
use super::status::{self, ConnectionStanding, Standing, StreamStanding};
use super::stops::again;
use super::text::{self, count};
use crate::cli::{AskArgs, Global};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;

/// How long before its end a token is told of.
const TOKEN: TimeDelta = TimeDelta::days(14);

/// What kind of need: what it is called does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NeedKind {
    /// Credentials are refused, or settings are wrong: nothing is read.
    Credentials,
    /// A permission is missing.
    Permission,
    /// Deletions are held back.
    HeldDeletions,
    /// What a system answers is not what it documents.
    Protocol,
    /// What systems sent, or what was to be written into them, was given up.
    DeadLetters,
    /// Nobody is told any more of what happens.
    Webhook,
    /// A system does not tell the hub what changes; it is read as planned.
    Subscription,
    /// Mail about what waits for people is not taken.
    Mail,
    /// Somebody else changed what the hub had written: it yields.
    Conflicts,
    /// A schedule reaches nobody, or what it names is gone.
    Schedule,
    /// A deployment is halted because too many failed, or something is stopped.
    Stopped,
    /// A change of the rules waits for somebody's word.
    ChangeRequest,
    /// Decisions are open.
    Decisions,
    /// Clients belong to no tenant.
    Clients,
    /// Records cannot be read.
    Quarantine,
    /// A token ends soon.
    Token,
}

/// Something that waits for a human.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Need {
    /// What kind.
    pub(crate) kind: NeedKind,
    /// The same as long as it is the same need.
    pub(crate) key: String,
    /// What is wrong, or asked.
    pub(crate) what: String,
    /// Since when, where that is known.
    pub(crate) since: Option<DateTime<Utc>>,
    /// What to do about it.
    pub(crate) remedy: String,
}

pub(crate) async fn run(global: &Global, args: &AskArgs) -> Result<Exit, Failure> {
    let (needs, zone) = match Remote::of(args)? {
        None => {
            let context = Context::open(global).await?;
            (all(&context).await?, context.config.time_zone)
        }
        Some(hub) => {
            let answer = hub.get("/v1/needs").await?;
            let version = answer["version"].as_str();
            let zone = answer["time_zone"].as_str().and_then(|zone| zone.parse().ok());
            (hub.read(answer["items"].clone(), version)?, zone.unwrap_or_default())
        }
    };
    if global.json {
        needs.iter().for_each(output::json);
        return Ok(Exit::Ok);
    }
    if needs.is_empty() {
        output::line("Nothing needs you.");
    }
    for need in &needs {
        let since = need.since.map(|at| format!(" (since {})", text::second(at, zone)));
        text::heading(&format!("{}{}", need.what, since.unwrap_or_default()));
        text::indented(2, &need.remedy);
    }
    Ok(Exit::Ok)
}

/// Everything that waits for a human, the most urgent first.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn all(context: &Context) -> Result<Vec<Need>, Failure> {
    let standing = status::standing(context).await?;
    let mut needs: Vec<Need> =
        standing.connections.iter().filter(|one| one.enabled).flat_map(of_connection).collect();
    needs.extend(of_model(&standing));
    needs.extend(of_store(context, standing.at).await?);
    Ok(in_order(needs))
}

/// The most urgent first, and of each key one: whoever is told of needs by their keys would be told of two
/// by turns for ever. What is left out comes when the first one is mended; `linchpin status` has it all.
fn in_order(mut needs: Vec<Need>) -> Vec<Need> {
    needs.sort_by(|one, other| (one.kind, &one.key).cmp(&(other.kind, &other.key)));
    let mut seen = HashSet::new();
    needs.retain(|need| seen.insert(need.key.clone()));
    needs
}

fn of_connection(connection: &ConnectionStanding) -> Vec<Need> {
    let mut needs: Vec<Need> = pushed(connection);
    needs.extend(untold(connection));
    for stream in &connection.streams {
        let found = [failed(connection, stream), held(connection, stream)];
        for need in found.into_iter().flatten().chain(quarantined(connection, stream)) {
            // What is wrong with the credentials is so for every stream.
            if !needs.iter().any(|known| known.key == need.key || same_words(known, &need)) {
                needs.push(need);
            }
        }
    }
    needs
}

fn same_words(one: &Need, other: &Need) -> bool {
    one.kind == other.kind && one.kind == NeedKind::Credentials && one.remedy == other.remedy
}

/// What was to be written into a system and cannot be, or not without somebody's word.
fn pushed(connection: &ConnectionStanding) -> Vec<Need> {
    let Some(push) = &connection.push else { return Vec::new() };
    let name = &connection.name;
    let need = |kind, what: String, remedy: &str| Need {
        kind,
        key: format!("{name} push {kind:?}"),
        what,
        since: None,
        remedy: remedy.to_owned(),
    };
    let mut needs = Vec::new();
    if push.dead > 0 {
        let what = count(push.dead as u64, "write into", "writes into");
        let remedy = "`linchpin push failures` says why; mend it, then `linchpin push retry`";
        needs.push(need(NeedKind::DeadLetters, format!("{what} {name} given up"), remedy));
    }
    if push.conflicts > 0 {
        let what = count(push.conflicts as u64, "field was", "fields were");
        let remedy = "`linchpin push conflicts` lists them; `linchpin push overrule` decides";
        let what = format!("{what} changed in {name} by somebody else, and the hub yields");
        needs.push(need(NeedKind::Conflicts, what, remedy));
    }
    needs
}

/// What a system does not tell by itself. Where nothing can be read either, that is the need.
fn untold(connection: &ConnectionStanding) -> Vec<Need> {
    let Some(subscriptions) = &connection.subscriptions else { return Vec::new() };
    let fails = |key: &String| {
        connection.streams.iter().any(|one| one.scope == *key && failed(connection, one).is_some())
    };
    let mut needs = Vec::new();
    for failure in &subscriptions.failures {
        let kind = ErrorKind::parse(&failure.error_kind);
        // Time mends the others; what a system does not offer somewhere needs nobody.
        let is_ours =
            kind.is_some_and(|kind| kind.actor() != Actor::Clock && kind != ErrorKind::NotOffered);
        if !is_ours || (!failure.keys.is_empty() && failure.keys.iter().all(fails)) {
            continue;
        }
        let (name, about) = (&connection.name, failure.about());
        needs.push(Need {
            kind: NeedKind::Subscription,
            key: format!(
                "{name} subscriptions {} {}",
                failure.topics.join(","),
                failure.error_kind
            ),
            what: format!("{name} does not tell of {about}: {}", failure.error),
            since: Some(failure.since),
            remedy: failure.remedy.clone(),
        });
    }
    needs
}

/// A stream as people name it: with the customer's directory, where it has such parts.
fn named(connection: &ConnectionStanding, stream: &StreamStanding) -> String {
    let scope = match (stream.scope_name.as_str(), stream.scope.as_str()) {
        ("", "") => String::new(),
        ("", scope) => format!(" of {scope}"),
        (name, _) => format!(" of {name}"),
    };
    format!("{}/{}{scope}", connection.name, stream.stream)
}

fn failed(connection: &ConnectionStanding, stream: &StreamStanding) -> Option<Need> {
    let run = stream.last_run.as_ref()?;
    let failed = matches!(run.outcome, Outcome::Failed | Outcome::Skipped);
    let kind = run.error_kind.as_deref().and_then(ErrorKind::parse).filter(|_| failed)?;
    let need = match kind {
        ErrorKind::Forbidden | ErrorKind::NotOffered => NeedKind::Permission,
        ErrorKind::Protocol => NeedKind::Protocol,
        kind if kind.actor() == Actor::Admin => NeedKind::Credentials,
        // Time mends the others, or the developer of the connector.
        _ => return None,
    };
    // That something is not licensed needs nobody.
    if kind == ErrorKind::NotOffered {
        return None;
    }
    let (name, why) = (named(connection, stream), run.error.as_deref().unwrap_or_default());
    Some(Need {
        kind: need,
        key: format!("{}/{}/{}", connection.name, stream.stream, stream.scope),
        what: format!("{name} cannot be read: {why}"),
        since: Some(run.started),
        remedy: run.remedy.clone().unwrap_or_default(),
    })
}

fn held(connection: &ConnectionStanding, stream: &StreamStanding) -> Option<Need> {
    let held = stream.held.as_ref()?;
    let deletions = count(held.count, "deletion is", "deletions are");
    Some(Need {
        kind: NeedKind::HeldDeletions,
        key: format!("{}/{}/{} held", connection.name, stream.stream, stream.scope),
        what: format!("{deletions} held back in {}", named(connection, stream)),
        since: Some(held.since),
        remedy: format!(
            "look whether they are meant (`linchpin status` shows some), then `{}`",
            held.accept
        ),
    })
}

fn quarantined(connection: &ConnectionStanding, stream: &StreamStanding) -> Option<Need> {
    if stream.quarantined == 0 {
        return None;
    }
    let records = count(stream.quarantined, "record cannot", "records cannot");
    let run = stream.last_run.as_ref().map(|run| run.id.as_str()).unwrap_or("ID");
    Some(Need {
        kind: NeedKind::Quarantine,
        key: format!("{}/{}/{} quarantine", connection.name, stream.stream, stream.scope),
        what: format!("{records} be read in {}", named(connection, stream)),
        since: None,
        remedy: format!("`linchpin runs {run}` shows them with their reasons; mend them there"),
    })
}

fn of_model(standing: &Standing) -> Vec<Need> {
    let need = |kind, key: &str, what: String, remedy: &str| Need {
        kind,
        key: key.to_owned(),
        what,
        since: None,
        remedy: remedy.to_owned(),
    };
    let mut needs = Vec::new();
    if standing.decisions_open > 0 {
        let what = count(standing.decisions_open, "decision is open", "decisions are open");
        let remedy = "`linchpin list decisions`, then `linchpin decide`";
        needs.push(need(NeedKind::Decisions, "decisions", what, remedy));
    }
    if standing.clients_unlinked > 0 {
        let what = count(standing.clients_unlinked, "client belongs", "clients belong");
        let remedy = "`linchpin list clients`, then `linchpin link`";
        needs.push(need(NeedKind::Clients, "clients", format!("{what} to no tenant"), remedy));
    }
    needs
}

/// Mail that no server takes. That a first try is in vain is usual where servers greylist.
fn unsent(context: &Context, state: Option<&WebhookState>) -> Option<Need> {
    let state = state.filter(|state| state.attempts > 1 && context.config.mailing().is_some())?;
    let why = state.error.as_deref().unwrap_or_default();
    Some(Need {
        kind: NeedKind::Mail,
        key: UNSENT.to_owned(),
        what: format!("no mail was sent for {} tries: {why}", state.attempts),
        since: state.failing_us.map(text::instant),
        remedy:
            "mend [mail] of the settings, then `linchpin mail test`; it is tried again by itself"
                .to_owned(),
    })
}

/// Schedules that reach nobody, as they stood when they were last looked at.
async fn of_schedules(context: &Context) -> Result<Vec<Need>, Failure> {
    let store = &context.store;
    let checks = store.schedule_checks().await?;
    if checks.iter().all(|one| one.problem.is_none()) {
        return Ok(Vec::new());
    }
    let rows = store.definitions(store.last_revision().await?).await?;
    let named = rows.into_iter().filter(|row| row.kind == DefinitionKind::Schedule);
    let named: HashMap<String, String> = named.map(|row| (row.id, row.handle)).collect();
    let needs = checks.into_iter().filter_map(|one| {
        let (name, problem) = (named.get(&one.schedule)?, one.problem?);
        let remedy =
            "`linchpin schedule show` says for whom it is; mend its target, or switch it off";
        Some(Need {
            kind: NeedKind::Schedule,
            key: format!("schedule {}", one.schedule),
            what: format!("the schedule {name}: {problem}"),
            since: Some(text::instant(one.since_us)),
            remedy: remedy.to_owned(),
        })
    });
    Ok(needs.collect())
}

/// What is stopped: it holds sessions until somebody has it go on.
async fn stopped(context: &Context) -> Result<Vec<Need>, Failure> {
    let mut needs = Vec::new();
    for stop in context.store.stops().await? {
        let held = context.store.held_by(&stop).await?;
        let holds = match held {
            0 => String::new(),
            held => format!(", and holds {}", count(held, "session", "sessions")),
        };
        let remedy = format!("`linchpin resume {}` has it go on", again(&stop));
        let remedy = match stop.version {
            Some(_) => format!("`linchpin actions --failures` says why; {remedy}"),
            None => remedy,
        };
        needs.push(Need {
            kind: NeedKind::Stopped,
            key: format!("stop {} {}", stop.kind.as_str(), stop.key),
            what: format!("{}{holds}", stop.words()),
            since: Some(text::instant(stop.at_us)),
            remedy,
        });
    }
    Ok(needs)
}

/// How long a mail about a session that was not sent is somebody's business.
const UNTOLD: TimeDelta = TimeDelta::days(1);

/// Mail about sessions that no server takes, or that cannot be written.
async fn untold_people(context: &Context, now: DateTime<Utc>) -> Result<Option<Need>, Failure> {
    let failing = context.store.failing_notification().await?;
    let failing = failing.filter(|one| {
        context.config.notification.enabled && now - text::instant(one.at_us) < UNTOLD
    });
    Ok(failing.map(|one| {
        let why = one.error.unwrap_or_default();
        Need {
            kind: NeedKind::Mail,
            key: "notification".to_owned(),
            what: format!("people are not told of sessions, after {} tries: {why}", one.attempts),
            since: None,
            remedy: "mend that; it is tried again by itself, and `linchpin mail preview` shows what it says"
                .to_owned(),
        }
    }))
}

async fn of_store(context: &Context, now: DateTime<Utc>) -> Result<Vec<Need>, Failure> {
    let store = &context.store;
    let mut needs = Vec::new();
    if let Some(newest) = store.dead_deliveries(1).await?.first() {
        let (dead, oldest_us) = store.given_up_deliveries().await?;
        let what = count(dead, "delivery was", "deliveries were");
        let why = newest.error.as_deref().unwrap_or_default();
        needs.push(Need {
            kind: NeedKind::DeadLetters,
            key: "deliveries".to_owned(),
            what: format!("{what} given up, the newest of {}: {why}", newest.connection),
            since: oldest_us.map(text::instant),
            remedy: "mend that, then `linchpin deliveries retry`".to_owned(),
        });
    }
    let told = store.webhooks().await?;
    needs.extend(unsent(context, told.get(MAIL)));
    needs.extend(untold_people(context, now).await?);
    for (name, state) in told {
        let known = context.config.webhooks().iter().any(|one| one.name == name);
        let Some(since) = state.disabled_us.filter(|_| known) else { continue };
        let why = state.error.unwrap_or_default();
        needs.push(Need {
            kind: NeedKind::Webhook,
            key: format!("webhook {name}"),
            what: format!("the webhook {name} is given up, nothing is told to it: {why}"),
            since: Some(text::instant(since)),
            remedy: format!("mend the endpoint, then `linchpin webhooks enable {name}`"),
        });
    }
    needs.extend(of_schedules(context).await?);
    needs.extend(stopped(context).await?);
    for request in store.requests().await?.into_iter().filter(|one| one.settled.is_none()) {
        let number = request.number;
        needs.push(Need {
            kind: NeedKind::ChangeRequest,
            key: format!("request {number:08}"),
            what: format!("a change that {} asked for waits (request {number})", request.author),
            since: Some(text::instant(request.at_us)),
            remedy: format!(
                "`linchpin requests show {number}`, then `linchpin approve` or `reject`"
            ),
        });
    }
    let until = (now + TOKEN).timestamp_micros();
    for token in store.tokens().await?.into_iter().filter(|one| one.holds(now.timestamp_micros())) {
        let Some(ends) = token.expires_us.filter(|ends| *ends < until) else { continue };
        let at = text::second(text::instant(ends), context.config.time_zone);
        needs.push(Need {
            kind: NeedKind::Token,
            key: format!("token {}", token.name),
            what: format!("the token {} ends at {at}", token.name),
            since: None,
            remedy: "make another with `linchpin token create`, and put it where this one is used"
                .to_owned(),
        });
    }
    Ok(needs)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A connection that does not tell of these: topic, kind of error, and its words.
    fn connection(failures: &[(&str, &str, &str)]) -> ConnectionStanding {
        let failures: Vec<Value> = failures
            .iter()
            .map(|(topic, kind, error)| {
                json!({
                    "topics": [topic], "scopes": ["Contoso"], "since": "2026-01-01T00:00:00Z",
                    "error_kind": kind, "error": error, "remedy": format!("mend {error}"),
                })
            })
            .collect();
        let standing = json!({
            "name": "entra", "kind": "azure-ad", "enabled": true, "configured": true,
            "syncing": null, "streams": [], "push": null, "next": [],
            "subscriptions": { "live": 0, "ends": null, "failures": failures },
        });
        serde_json::from_value(standing).unwrap()
    }

    #[test]
    fn two_errors_of_one_kind_are_one_need_and_every_key_is_there_once() {
        let connection = connection(&[
            ("users", "forbidden", "refused in D1"),
            ("users", "forbidden", "refused in D2"),
            ("groups", "forbidden", "refused in D1"),
            ("users", "config", "no address"),
        ]);
        let needs = in_order(of_connection(&connection));
        let keys: HashSet<&str> = needs.iter().map(|need| need.key.as_str()).collect();
        assert_eq!((needs.len(), keys.len()), (3, 3), "{needs:#?}");
        let users = needs.iter().find(|need| need.key == "entra subscriptions users forbidden");
        let users = users.unwrap();
        assert!(users.what.contains("refused in D1") && users.remedy == "mend refused in D1");
    }
}
