//! Tickets: what a PSA says of one, and what the hub knows of the tenant, the person and the computers
//! that it is about.

use chrono::{DateTime, Utc};
use core_connector::Note;
use core_derive::contacts;
use core_model::entity::{Agent, Client, Computer, Entity, Person, Tenant};
use core_model::facts::{ContactFacts, Facts};
use core_model::id::ClientId;
use core_model::record::Presence;
use core_model::session::Session;
use core_model::ticket::{TicketAgent, TicketMachine, TicketPerson, TicketTenant, TicketView};
use core_model::{RecordKind, RecordRef};
use core_store::{
    Agents, EntityQuery, RecordQuery, SessionQuery, StoredRecord, TicketComputer, TicketRow,
};

use crate::error::{Error, Result};
use crate::hub::{Connection, Hub};

mod note;

/// Computers that are shown of a ticket: a kiosk account may be the primary person of hundreds.
const MOST: usize = 24;

impl Hub {
    /// Asks a PSA for a ticket, finds out whose it is, and keeps that.
    ///
    /// # Errors
    /// `Vendor` where the PSA does not answer or has no such ticket, which is forgotten then.
    pub async fn read_ticket(&self, connection: &str, key: &str) -> Result<TicketRow> {
        let connection = self.psa(connection)?;
        let asked = match connection.connector.tickets() {
            Some(tickets) => tickets.ticket(key).await,
            None => return Err(Error::NoTickets { connection: connection.name.clone() }),
        };
        let ticket = match asked {
            Ok(ticket) => ticket,
            Err(error) => {
                if error.kind() == core_connector::ErrorKind::NotFound {
                    self.store.forget_ticket(&connection.name, key).await?;
                }
                return Err(Error::Vendor { connection: connection.name.clone(), error });
            }
        };
        let tenant = self.tenant_of_client(&connection.name, ticket.client.as_deref()).await?;
        let (person, computers) = match &tenant {
            Some(tenant) => {
                let contact = ticket.contact.as_deref();
                self.of_tenant(&connection.name, tenant, contact, &ticket.assets).await?
            }
            None => (None, Vec::new()),
        };
        let row = TicketRow {
            connection: connection.name.clone(),
            key: ticket.key,
            summary: ticket.summary,
            client: ticket.client,
            contact: ticket.contact,
            assets: ticket.assets,
            closed: ticket.closed,
            tenant,
            person,
            computers,
            read_us: self.clock.now_us(),
            note: None,
        };
        self.store.put_ticket(&row).await?;
        Ok(row)
    }

    /// What is known of a ticket by now. What may be deployed is added by whoever resolves.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ticket_view(&self, row: &TicketRow, stale: Option<String>) -> Result<TicketView> {
        let tenant = self.one::<Tenant>(row.tenant.as_deref()).await?;
        let person = self.one::<Person>(row.person.as_deref()).await?;
        let person = person.filter(|person| !person.gone);
        let of_ticket = Some((row.connection.as_str(), row.key.as_str()));
        let sessions = SessionQuery { ticket: of_ticket, ..SessionQuery::default() };
        let sessions = self.store.sessions(sessions).await?;
        let mut sessions: Vec<Session> = sessions.into_iter().map(|(_, session)| session).collect();
        sessions.sort_by_key(|session| std::cmp::Reverse(session.asked_us));
        Ok(TicketView {
            connection: row.connection.clone(),
            key: row.key.clone(),
            summary: row.summary.clone(),
            closed: row.closed,
            read_at: DateTime::from_timestamp_micros(row.read_us).unwrap_or_default(),
            stale,
            computers: self.machines(row, person.as_ref()).await?,
            tenant: tenant.map(|tenant| TicketTenant { id: tenant.id, name: tenant.name }),
            person: person.map(|person| TicketPerson {
                id: person.id,
                name: person.display_name,
                upn: person.upn,
                disabled: person.disabled,
            }),
            for_tenant: Vec::new(),
            for_person: Vec::new(),
            sessions,
        })
    }

    /// Has the hub's private note on a ticket say what is known now; nothing is sent where it does.
    ///
    /// # Errors
    /// `Vendor` where the PSA does not take it.
    pub async fn note_ticket(&self, row: &TicketRow, page: &str) -> Result<bool> {
        let connection = self.psa(&row.connection)?;
        let view = self.ticket_view(row, None).await?;
        let html = note::html(&view, page);
        let digest = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(html.as_bytes()));
        let known = self.store.ticket(&row.connection, &row.key).await?;
        if known.and_then(|known| known.note).as_deref() == Some(digest.as_str()) {
            return Ok(false);
        }
        let Some(tickets) = connection.connector.tickets() else {
            return Err(Error::NoTickets { connection: connection.name.clone() });
        };
        let note = Note { mark: page, html: &html };
        tickets
            .note(&row.key, &note)
            .await
            .map_err(|error| Error::Vendor { connection: connection.name.clone(), error })?;
        self.store.put_ticket_note(&row.connection, &row.key, &digest).await?;
        Ok(true)
    }

    fn psa(&self, name: &str) -> Result<&Connection> {
        let named = self.named(&[name.to_owned()])?;
        named.into_iter().next().ok_or_else(|| Error::NoTickets { connection: name.to_owned() })
    }

    async fn one<E: Entity>(&self, id: Option<&str>) -> Result<Option<E>> {
        let Some(id) = id else { return Ok(None) };
        let row = self.store.entity(E::KIND, id).await?;
        Ok(row.map(|row| row.read()).transpose()?)
    }

    async fn record(
        &self,
        connection: &str,
        kind: RecordKind,
        key: Option<&str>,
    ) -> Result<Option<StoredRecord>> {
        let Some(key) = key else { return Ok(None) };
        let keys = [RecordRef::new(connection, kind, "", key)];
        let query = RecordQuery { keys: Some(&keys), ..RecordQuery::default() };
        Ok(self.store.records(&query, None, 1).await?.pop())
    }

    async fn tenant_of_client(
        &self,
        connection: &str,
        client: Option<&str>,
    ) -> Result<Option<String>> {
        let record = self.record(connection, RecordKind::Client, client).await?;
        let id = record.map(|one| ClientId::derive(&one.record, one.first_seen_us).to_string());
        let client = self.one::<Client>(id.as_deref()).await?;
        Ok(client.and_then(|client| client.tenant).map(|tenant| tenant.to_string()))
    }

    /// The person of a tenant that a contact is, and the computers that a ticket is about: those on it,
    /// then those whose primary person that is. What belongs to another tenant is not among them.
    async fn of_tenant(
        &self,
        connection: &str,
        tenant: &str,
        contact: Option<&str>,
        assets: &[String],
    ) -> Result<(Option<String>, Vec<TicketComputer>)> {
        let contact = self.record(connection, RecordKind::Contact, contact).await?;
        let facts: Option<ContactFacts> = contact.and_then(|record| match record.facts {
            Facts::Contact(facts) => Some(facts),
            _ => None,
        });
        let persons: Vec<Person> = match facts {
            Some(_) => self.all_of(tenant).await?,
            None => Vec::new(),
        };
        let person = facts.as_ref().and_then(|facts| contacts::person_of(facts, &persons));
        let person = person.map(|person| person.id);
        let computers: Vec<Computer> = self.all_of(tenant).await?;
        let is_asset = |computer: &Computer| {
            computer.assets.iter().any(|(of, key)| of == connection && assets.contains(key))
        };
        let of_person = |computer: &Computer| {
            person.is_some() && computer.primary.as_ref().map(|one| one.person) == person
        };
        let live = computers.iter().filter(|computer| !computer.gone);
        let wanted = live
            .filter(|one| is_asset(one) || of_person(one))
            .map(|one| TicketComputer { id: one.id.to_string(), is_asset: is_asset(one) });
        let mut wanted: Vec<TicketComputer> = wanted.collect();
        wanted.sort_by_key(|one| !one.is_asset);
        wanted.truncate(MOST);
        Ok((person.map(|person| person.to_string()), wanted))
    }

    async fn all_of<E: Entity>(&self, tenant: &str) -> Result<Vec<E>> {
        let query = EntityQuery { tenant: Some(tenant), ..EntityQuery::all(E::KIND) };
        let rows = self.store.entities(&query).await?;
        Ok(rows.iter().map(|row| row.read()).collect::<std::result::Result<_, _>>()?)
    }

    async fn by_id<E: Entity>(&self, ids: &[String]) -> Result<Vec<E>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let query = EntityQuery { ids: Some(ids), ..EntityQuery::all(E::KIND) };
        let rows = self.store.entities(&query).await?;
        Ok(rows.iter().map(|row| row.read()).collect::<std::result::Result<_, _>>()?)
    }

    async fn machines(
        &self,
        row: &TicketRow,
        person: Option<&Person>,
    ) -> Result<Vec<TicketMachine>> {
        let ids: Vec<String> = row.computers.iter().map(|one| one.id.clone()).collect();
        let mut computers: Vec<Computer> = self.by_id(&ids).await?;
        // What has moved to another tenant since is nothing of this ticket any more.
        computers.retain(|one| !one.gone && Some(one.tenant.to_string()) == row.tenant);
        computers.sort_by_key(|one| ids.iter().position(|id| *id == one.id.to_string()));
        let agents: Vec<String> =
            computers.iter().flat_map(|one| &one.agents).map(ToString::to_string).collect();
        let mut agents: Vec<Agent> = self.by_id(&agents).await?;
        agents.retain(|agent| !agent.gone);
        let refs: Vec<RecordRef> = agents.iter().map(reference).collect();
        let presences = match refs.is_empty() {
            true => Vec::new(),
            false => self.store.presences(Agents::Keys(&refs)).await?,
        };
        let on_ticket = |id: &str| row.computers.iter().any(|one| one.id == id && one.is_asset);
        let machine = |computer: Computer| {
            let own = agents.iter().filter(|agent| agent.computer == Some(computer.id));
            let own: Vec<TicketAgent> = own.map(|agent| self.agent(agent, &presences)).collect();
            TicketMachine {
                on_ticket: on_ticket(&computer.id.to_string()),
                of_person: person.is_some_and(|person| {
                    computer.primary.as_ref().is_some_and(|one| one.person == person.id)
                }),
                online: online(&own),
                last_seen: own.iter().filter_map(|agent| agent.last_seen).max(),
                model: model(&computer),
                id: computer.id,
                name: computer.name,
                os: computer.os,
                serial: computer.serial,
                agents: own,
                offers: Vec::new(),
            }
        };
        Ok(computers.into_iter().map(machine).collect())
    }

    fn agent(&self, agent: &Agent, presences: &[(RecordRef, Presence)]) -> TicketAgent {
        let reference = reference(agent);
        let presence = presences.iter().find(|(of, _)| *of == reference).map(|(_, one)| *one);
        let presence = presence.unwrap_or_default();
        let connection = self.connections.iter().find(|one| one.name == agent.connection);
        TicketAgent {
            id: agent.id,
            connection: agent.connection.clone(),
            online: presence.online,
            last_seen: presence.last_seen,
            joins: connection.is_some_and(|one| one.connector.sessions().is_some()),
        }
    }
}

/// Online where any agent is; offline where one says so and none is.
fn online(agents: &[TicketAgent]) -> Option<bool> {
    let said: Vec<bool> = agents.iter().filter_map(|agent| agent.online).collect();
    (!said.is_empty()).then(|| said.contains(&true))
}

fn model(computer: &Computer) -> Option<String> {
    let (maker, model) = (computer.manufacturer.as_deref(), computer.model.as_deref());
    match (maker, model) {
        // Many makers write their name into the model too.
        (Some(maker), Some(model)) if model.to_lowercase().starts_with(&maker.to_lowercase()) => {
            Some(model.to_owned())
        }
        (Some(maker), Some(model)) => Some(format!("{maker} {model}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

fn reference(agent: &Agent) -> RecordRef {
    RecordRef::new(&agent.connection, RecordKind::Agent, &agent.scope, &agent.key)
}

/// The newest of these times, in words that a reader in any zone understands.
pub(crate) fn when(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
