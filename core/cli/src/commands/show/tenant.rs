//! The story of a tenant: the clients it is made of and why, what it has, what is in force.

use chrono_tz::Tz;
use core_model::entity::{
    Agent, AgentState, Client, Computer, Flag, Group, Onboarding, Person, Question, Tenant,
};
use core_model::facts::AccountKind;
use core_store::Store;
use serde::Serialize;

use super::coverage::{self, Books};
use super::{words, zone_name};
use crate::commands::find;
use crate::commands::text::{self, field};
use crate::failure::Failure;
use crate::output::{self, Align, TextTable, thousands};

/// Domains that are printed.
const DOMAINS: usize = 12;

/// Everything about a tenant.
#[derive(Serialize)]
pub(super) struct Story {
    tenant: Tenant,
    time_zone: String,
    clients: Vec<Client>,
    counts: Counts,
    /// Clients of no tenant that might be of this one.
    suggestions: Vec<Suggested>,
    coverage: Books,
}

/// How much there is of everything that is not gone.
#[derive(Default, Serialize)]
struct Counts {
    persons: usize,
    guests: usize,
    computers: usize,
    computers_with_primary_person: usize,
    computers_to_onboard: usize,
    computers_wiped: usize,
    clones: usize,
    agents: usize,
    agents_undecided: usize,
    agents_identifying: usize,
    agents_refused: usize,
    groups: usize,
    decisions: usize,
    lines_in_force: usize,
}

#[derive(Serialize)]
struct Suggested {
    id: String,
    connection: String,
    key: String,
    name: String,
    score: u8,
}

/// Reads everything about a tenant.
pub(super) async fn story(store: &Store, tenant: Tenant, zone: Tz) -> Result<Story, Failure> {
    let all: Vec<Client> = find::all(store, None).await?;
    let mut suggestions: Vec<Suggested> =
        all.iter().flat_map(|one| suggested(one, &tenant)).collect();
    suggestions.sort_by_key(|one| (std::cmp::Reverse(one.score), one.name.clone()));
    let mut clients: Vec<Client> =
        all.into_iter().filter(|client| client.tenant == Some(tenant.id)).collect();
    clients.sort_by_key(|client| (client.connection.clone(), client.name.clone()));
    let coverage = coverage::books(store, &tenant, None, zone).await?;
    let counts = Counts { lines_in_force: coverage.in_force(), ..counts(store, &tenant).await? };
    let time_zone = zone_name(&tenant, zone);
    Ok(Story { tenant, time_zone, clients, counts, suggestions, coverage })
}

fn suggested(client: &Client, tenant: &Tenant) -> Option<Suggested> {
    let found = client.suggestions.iter().find(|one| one.tenant == tenant.id)?;
    Some(Suggested {
        id: client.id.to_string(),
        connection: client.connection.clone(),
        key: client.key.clone(),
        name: client.name.clone(),
        score: found.score,
    })
}

async fn counts(store: &Store, tenant: &Tenant) -> Result<Counts, Failure> {
    let id = Some(tenant.id);
    let persons: Vec<Person> = find::all(store, id).await?;
    let persons: Vec<&Person> = persons.iter().filter(|one| !one.gone).collect();
    let computers: Vec<Computer> = find::all(store, id).await?;
    let computers: Vec<&Computer> = computers.iter().filter(|one| !one.gone).collect();
    let agents: Vec<Agent> = find::all(store, id).await?;
    let agents: Vec<&Agent> = agents.iter().filter(|one| !one.gone).collect();
    let groups: Vec<Group> = find::all(store, id).await?;
    let decisions: Vec<Question> = find::all(store, id).await?;
    let of = |which: fn(&Computer) -> bool| computers.iter().filter(|one| which(one)).count();
    let in_state = |state| agents.iter().filter(|one| one.state == state).count();
    Ok(Counts {
        persons: persons.len(),
        guests: persons.iter().filter(|one| one.account == AccountKind::Guest).count(),
        computers: computers.len(),
        computers_with_primary_person: of(|one| one.primary.is_some()),
        computers_to_onboard: of(|one| one.onboarding == Onboarding::Needed),
        computers_wiped: of(|one| !one.wipes.is_empty()),
        clones: of(|one| one.flags.contains(&Flag::Clone)),
        agents: agents.len(),
        agents_undecided: in_state(AgentState::Undecided),
        agents_identifying: in_state(AgentState::Identifying),
        agents_refused: in_state(AgentState::Refused),
        groups: groups.iter().filter(|one| !one.gone).count(),
        decisions: decisions.len(),
        lines_in_force: 0,
    })
}

impl Story {
    /// Prints it.
    pub(super) fn print(&self) {
        let tenant = &self.tenant;
        let note = match (tenant.operator, tenant.suspended) {
            (_, true) => " (suspended: every client of it is gone or inactive)",
            (true, _) => " (the operator)",
            _ => "",
        };
        output::line(&output::printable(&format!("{}{note}", tenant.name)));
        field("id", &tenant.id.to_string());
        let own = if tenant.time_zone.is_some() { "" } else { " (the hub's)" };
        field("time zone", &format!("{}{own}", self.time_zone));
        let more = tenant.domains.len().saturating_sub(DOMAINS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let domains: Vec<&str> = tenant.domains.iter().take(DOMAINS).map(String::as_str).collect();
        field("domains", &format!("{}{more}", domains.join(", ")));
        self.print_clients();
        self.print_counts();
        self.coverage.print();
    }

    fn print_clients(&self) {
        text::heading(&format!("Clients ({})", self.clients.len()));
        let mut table = TextTable::new(&[
            ("connection", Align::Left),
            ("key", Align::Left),
            ("name", Align::Left),
            ("why", Align::Left),
        ])
        .cutting(&[("key", 10), ("name", 18), ("why", 18)]);
        for client in &self.clients {
            let note = match (client.gone, client.inactive) {
                (true, _) => " (gone)",
                (_, true) => " (inactive)",
                _ => "",
            };
            table.row([
                client.connection.clone(),
                client.key.clone(),
                format!("{}{note}", client.name),
                words::client_link(client),
            ]);
        }
        table.print_indented(2);
        if self.suggestions.is_empty() {
            return;
        }
        text::heading("Clients of no tenant that might be this one");
        for one in &self.suggestions {
            let alike =
                format!("{}:{} {}, {} % alike", one.connection, one.key, one.name, one.score);
            text::indented(2, &alike);
            let (client, tenant) = (text::short(&one.id), self.tenant.id.to_string());
            output::line(&format!("      linchpin link {client} {}", text::short(&tenant)));
        }
    }

    fn print_counts(&self) {
        let counts = &self.counts;
        text::heading("What it has");
        for (name, number) in [
            ("persons", counts.persons),
            ("  of them guests", counts.guests),
            ("computers", counts.computers),
            ("  with a primary person", counts.computers_with_primary_person),
            ("  to be onboarded", counts.computers_to_onboard),
            ("  wiped at least once", counts.computers_wiped),
            ("  clones", counts.clones),
            ("agents", counts.agents),
            ("  undecided", counts.agents_undecided),
            ("  being identified", counts.agents_identifying),
            ("  refused", counts.agents_refused),
            ("groups", counts.groups),
            ("open decisions", counts.decisions),
            ("agreement lines in force", counts.lines_in_force),
        ] {
            // A detail of nothing is no news.
            if number > 0 || !name.starts_with(' ') {
                output::line(&format!("  {name:<28}{:>9}", thousands(number as u64)));
            }
        }
    }
}
