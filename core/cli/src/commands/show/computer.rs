//! The story of a computer: its agents and why they are its agents, what it was known by, who uses
//! it, what covers it.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use core_model::entity::{Agent, Computer, Evidence, Person, Question};
use core_model::id::PersonId;
use core_model::record::Presence;
use core_model::{RecordKind, RecordRef};
use core_store::{Agents, Store};
use serde::Serialize;

use super::coverage::{self, Books};
use super::{tenant_of, words};
use crate::commands::find;
use crate::commands::text::{self, field, minute, word};
use crate::failure::Failure;
use crate::output::{self, Align, TextTable};

/// Everything about a computer.
#[derive(Serialize)]
pub(super) struct Story {
    computer: Computer,
    tenant: Named,
    agents: Vec<AgentView>,
    primary: Option<Named>,
    primary_why: String,
    logons: Vec<Account>,
    decisions: Vec<Question>,
    coverage: Books,
}

#[derive(Serialize)]
struct Named {
    id: String,
    name: String,
}

#[derive(Serialize)]
struct AgentView {
    #[serde(flatten)]
    agent: Agent,
    online: Option<bool>,
    last_seen: Option<DateTime<Utc>>,
}

/// An account that was seen at the computer.
#[derive(Serialize)]
struct Account {
    account: String,
    /// As a domain controller told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    upn: Option<String>,
    person: Option<Named>,
    times: usize,
    last: DateTime<Utc>,
    sources: Vec<String>,
}

/// Reads everything about a computer.
pub(super) async fn story(store: &Store, computer: Computer, zone: Tz) -> Result<Story, Failure> {
    let tenant = tenant_of(store, computer.tenant).await?;
    let coverage = coverage::books(store, &tenant, Some(&computer), zone).await?;
    let agents = agents(store, &computer).await?;
    let waiting: Vec<String> =
        agents.iter().filter_map(|view| view.agent.decision).map(|id| id.to_string()).collect();
    let seen = computer.logons.iter().filter_map(|logon| logon.person);
    let mut persons: Vec<PersonId> = seen.collect();
    persons.extend(computer.primary.as_ref().map(|primary| primary.person));
    let names = person_names(store, persons).await?;
    let named = |id: PersonId| Named {
        id: id.to_string(),
        name: names.get(&id).cloned().unwrap_or_default(),
    };
    let mut logons: BTreeMap<&str, Account> = BTreeMap::new();
    for logon in &computer.logons {
        let account = logons.entry(&logon.account).or_insert_with(|| Account {
            account: logon.account.clone(),
            upn: logon.upn.clone(),
            person: logon.person.map(named),
            times: 0,
            last: logon.at,
            sources: Vec::new(),
        });
        account.times += 1;
        account.last = account.last.max(logon.at);
        if !account.sources.contains(&logon.source) {
            account.sources.push(logon.source.clone());
        }
    }
    let mut logons: Vec<Account> = logons.into_values().collect();
    logons.sort_by_key(|account| (std::cmp::Reverse(account.times), account.account.clone()));
    Ok(Story {
        tenant: Named { id: tenant.id.to_string(), name: tenant.name.clone() },
        agents,
        primary: computer.primary.as_ref().map(|primary| named(primary.person)),
        primary_why: words::primary(&computer),
        logons,
        decisions: find::by_ids(store, &waiting).await?,
        coverage,
        computer,
    })
}

async fn agents(store: &Store, computer: &Computer) -> Result<Vec<AgentView>, Failure> {
    let ids: Vec<String> = computer.agents.iter().map(ToString::to_string).collect();
    let mut agents: Vec<Agent> = find::by_ids(store, &ids).await?;
    agents.sort_by_key(|agent| (agent.gone, word(&agent.state), agent.connection.clone()));
    let record =
        |one: &Agent| RecordRef::new(&one.connection, RecordKind::Agent, &one.scope, &one.key);
    let records: Vec<RecordRef> = agents.iter().map(record).collect();
    let presences: HashMap<RecordRef, Presence> =
        store.presences(Agents::Keys(&records)).await?.into_iter().collect();
    let views = agents.into_iter().zip(&records).map(|(agent, record)| {
        let presence = presences.get(record).copied().unwrap_or_default();
        AgentView { agent, online: presence.online, last_seen: presence.last_seen }
    });
    Ok(views.collect())
}

async fn person_names(
    store: &Store,
    persons: Vec<PersonId>,
) -> Result<HashMap<PersonId, String>, Failure> {
    let mut ids: Vec<String> = persons.iter().map(ToString::to_string).collect();
    ids.sort();
    ids.dedup();
    let persons: Vec<Person> = find::by_ids(store, &ids).await?;
    let name = |person: Person| (person.id, format!("{} <{}>", person.display_name, person.upn));
    Ok(persons.into_iter().map(name).collect())
}

impl Story {
    /// Prints it.
    pub(super) fn print(&self, zone: Tz) {
        let computer = &self.computer;
        let gone = if computer.gone { " (gone: no agent of it is left at any source)" } else { "" };
        let title = format!("{} · {}{gone}", computer.name, self.tenant.name);
        output::line(&output::printable(&title));
        field("id", &computer.id.to_string());
        field("hardware", &self.hardware());
        field("system", computer.os.as_deref().unwrap_or_default());
        field("onboarding", words::onboarding(computer));
        for (place, uuid) in computer.uuids.iter().enumerate() {
            field(if place == 0 { "UUID" } else { "UUID before" }, &uuid.to_string());
        }
        field("device id", computer.directory_device.as_deref().unwrap_or_default());
        for (connection, key) in &computer.assets {
            field("asset", &format!("{connection} {key}"));
        }
        for flag in &computer.flags {
            field("flag", words::flag(*flag));
        }
        for wipe in &computer.wipes {
            field("wiped", &minute(*wipe, zone));
        }
        self.print_agents(zone);
        self.print_decisions();
        self.print_logons(zone);
        self.coverage.print();
    }

    fn hardware(&self) -> String {
        let computer = &self.computer;
        let serial = computer.serial.as_ref().map(|serial| format!("serial {serial}"));
        let made = [computer.manufacturer.clone(), computer.model.clone()];
        let made = made.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let parts = [
            (!made.is_empty()).then_some(made),
            serial,
            computer.role.as_ref().map(word),
            computer.chassis.as_ref().map(word),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn print_agents(&self, zone: Tz) {
        text::heading(&format!("Agents ({})", self.agents.len()));
        for view in &self.agents {
            let agent = &view.agent;
            let rule = agent
                .rule
                .map(|rule| format!(", {} ({})", words::rule_number(&rule), words::rule(rule)));
            let gone = if agent.gone { ", gone at the source" } else { "" };
            let state = word(&agent.state);
            text::indented(
                2,
                &format!(
                    "{} {} on {}: {state}{}{gone}",
                    agent.connection,
                    agent.key,
                    agent.host,
                    rule.unwrap_or_default()
                ),
            );
            text::wrapped("      why       ", 16, &agent.why);
            text::wrapped("      evidence  ", 16, &evidence(&agent.evidence, zone));
            text::wrapped("      presence  ", 16, &presence(view, zone));
        }
    }

    fn print_decisions(&self) {
        for question in &self.decisions {
            text::heading(&format!("Open: {}", question.text));
            for line in &question.evidence {
                text::wrapped("  - ", 4, line);
            }
            text::decide(question);
        }
    }

    fn print_logons(&self, zone: Tz) {
        text::heading("Primary person");
        let name = self.primary.as_ref().map_or("nobody", |person| person.name.as_str());
        text::indented(2, &format!("{name}: {}", self.primary_why));
        if self.logons.is_empty() {
            return;
        }
        let mut table = TextTable::new(&[
            ("account", Align::Left),
            ("logons", Align::Right),
            ("last", Align::Left),
            ("person", Align::Left),
            ("seen by", Align::Left),
        ])
        .cutting(&[("person", 12), ("seen by", 12)]);
        for account in &self.logons {
            let person = account.person.as_ref().map_or("nobody known", |one| one.name.as_str());
            let person = person.split(" <").next().unwrap_or(person);
            let upn = account.upn.as_ref().map(|upn| format!(" ({upn})")).unwrap_or_default();
            table.row([
                format!("{}{upn}", account.account),
                account.times.to_string(),
                minute(account.last, zone),
                person.to_owned(),
                account.sources.join(", "),
            ]);
        }
        table.print_indented(2);
    }
}

fn presence(view: &AgentView, zone: Tz) -> String {
    let seen = view.last_seen.map(|at| format!("last heard of {}", minute(at, zone)));
    let online = match view.online {
        Some(true) => Some("online".to_owned()),
        Some(false) => Some("offline".to_owned()),
        None => None,
    };
    let parts: Vec<String> = online.into_iter().chain(seen).collect();
    if parts.is_empty() { "not known".to_owned() } else { parts.join(", ") }
}

fn evidence(evidence: &Evidence, zone: Tz) -> String {
    let mut parts = Vec::new();
    if let Some(uuid) = &evidence.uuid {
        let source = evidence.uuid_source.as_ref().map(|source| format!(" (by {source})"));
        parts.push(format!("UUID {uuid}{}", source.unwrap_or_default()));
    }
    parts.extend(evidence.junk_uuid.iter().map(|junk| format!("UUID ignored: {junk}")));
    parts.extend(evidence.other_uuids.iter().map(|uuid| format!("UUID before {uuid}")));
    parts.extend(evidence.serial.iter().map(|serial| format!("serial {serial}")));
    parts.extend(evidence.manufacturer.iter().map(|maker| format!("maker {maker}")));
    parts.extend(evidence.installation.iter().map(|id| format!("installation {id}")));
    parts.extend(evidence.os_installed.map(|at| format!("installed {}", minute(at, zone))));
    parts.extend(evidence.host.iter().map(|host| format!("host {host}")));
    parts.extend(evidence.directory_device.iter().map(|id| format!("device {id}")));
    parts.extend(evidence.agents.iter().map(|(kind, id)| format!("knows {kind} {id}")));
    if parts.is_empty() { "none".to_owned() } else { parts.join("; ") }
}
