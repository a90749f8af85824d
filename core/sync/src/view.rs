//! The model as plain data, by the systems' own ids: who is linked to whom, which agents are one
//! computer, who uses it, what is in force. For comparing models with one another and with a truth.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use core_derive::agreements::{local_date, not_in_force};
use core_model::entity::{
    Agent, AgentState, Agreement, AgreementLine, Client, Computer, Entity, EntityRow, Person,
    Tenant,
};
use core_model::id::{AgentId, PersonId, TenantId};
use core_store::EntityQuery;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::hub::Hub;

/// An external id with the kind of connector it is of.
pub type External = (String, String);

/// The model as plain data, sorted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelView {
    /// Tenants, each with the clients that are linked to it.
    pub tenants: Vec<Vec<External>>,
    /// Computers.
    pub computers: Vec<ComputerView>,
    /// Agents that wait for a human or for their machine.
    pub undecided: Vec<External>,
    /// Agreement lines in force: key, tenant (index into `tenants`), quantity.
    pub lines: Vec<(String, Option<usize>, f64)>,
}

/// A computer as plain data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ComputerView {
    /// Its tenant, as an index into [`ModelView::tenants`].
    pub tenant: Option<usize>,
    /// Its agents.
    pub agents: Vec<External>,
    /// The directory object id of its primary person.
    pub primary_person: Option<String>,
}

impl Hub {
    /// The model as plain data, with what is in force at this instant in each tenant's zone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn view(&self, at: DateTime<Utc>, zone: &str) -> Result<ModelView> {
        let kinds = self.connector_kinds().await?;
        let kind = |connection: &str| kinds.get(connection).cloned().unwrap_or_default();
        let tenants: Vec<Tenant> = self.all().await?;
        let mut clients: BTreeMap<TenantId, Vec<External>> = BTreeMap::new();
        for client in self.all::<Client>().await? {
            // What is gone at its source is history, not a claim about today.
            if let Some(tenant) = client.tenant.filter(|_| !client.gone) {
                clients.entry(tenant).or_default().push((kind(&client.connection), client.key));
            }
        }
        let mut listed: Vec<(Vec<External>, TenantId)> = Vec::new();
        for tenant in &tenants {
            let Some(mut clients) = clients.remove(&tenant.id) else { continue };
            clients.sort();
            listed.push((clients, tenant.id));
        }
        listed.sort();
        let index: HashMap<TenantId, usize> =
            listed.iter().enumerate().map(|(number, (_, id))| (*id, number)).collect();
        let agents: Vec<Agent> = self.all().await?;
        let (computers, undecided) = self.computers(&index, agents, kind).await?;
        Ok(ModelView {
            computers,
            undecided,
            lines: self.lines(&index, &tenants, at, zone).await?,
            tenants: listed.into_iter().map(|(clients, _)| clients).collect(),
        })
    }

    /// Everything of a kind, read.
    ///
    /// # Errors
    /// When the store fails, or a document cannot be read.
    pub async fn all<E: Entity>(&self) -> Result<Vec<E>> {
        let rows = self.store.entities(&EntityQuery::all(E::KIND)).await?;
        Ok(rows.iter().map(EntityRow::read::<E>).collect::<std::result::Result<_, _>>()?)
    }

    /// The connector's kind of each connection that was ever read.
    pub(crate) async fn connector_kinds(&self) -> Result<HashMap<String, String>> {
        let streams = self.store.streams().await?;
        Ok(streams.into_iter().map(|(key, _)| (key.connection, key.connector)).collect())
    }

    async fn computers(
        &self,
        index: &HashMap<TenantId, usize>,
        agents: Vec<Agent>,
        kind: impl Fn(&str) -> String,
    ) -> Result<(Vec<ComputerView>, Vec<External>)> {
        let persons: HashMap<PersonId, String> = self
            .all::<Person>()
            .await?
            .into_iter()
            .map(|person| (person.id, person.directory_id))
            .collect();
        let mut externals: HashMap<AgentId, External> = HashMap::new();
        let mut undecided = Vec::new();
        for agent in agents {
            if agent.gone {
                continue;
            }
            let external = (kind(&agent.connection), agent.key);
            if matches!(
                agent.state,
                AgentState::Undecided | AgentState::Identifying | AgentState::Refused
            ) {
                undecided.push(external.clone());
            }
            externals.insert(agent.id, external);
        }
        let mut views = Vec::new();
        for computer in self.all::<Computer>().await? {
            let mut agents: Vec<External> =
                computer.agents.iter().filter_map(|agent| externals.get(agent).cloned()).collect();
            agents.sort();
            if agents.is_empty() {
                continue;
            }
            views.push(ComputerView {
                tenant: index.get(&computer.tenant).copied(),
                agents,
                primary_person: computer
                    .primary
                    .and_then(|primary| persons.get(&primary.person).cloned()),
            });
        }
        views.sort_by(|a, b| a.agents.cmp(&b.agents));
        undecided.sort();
        Ok((views, undecided))
    }

    async fn lines(
        &self,
        index: &HashMap<TenantId, usize>,
        tenants: &[Tenant],
        at: DateTime<Utc>,
        zone: &str,
    ) -> Result<Vec<(String, Option<usize>, f64)>> {
        let zones: HashMap<TenantId, &str> = tenants
            .iter()
            .map(|tenant| (tenant.id, tenant.time_zone.as_deref().unwrap_or(zone)))
            .collect();
        let agreements: HashMap<(String, String), Agreement> = self
            .all::<Agreement>()
            .await?
            .into_iter()
            .map(|agreement| ((agreement.connection.clone(), agreement.key.clone()), agreement))
            .collect();
        let mut lines = Vec::new();
        for line in self.all::<AgreementLine>().await? {
            let named = line.agreement.clone().map(|key| (line.connection.clone(), key));
            let Some(agreement) = named.and_then(|key| agreements.get(&key)) else { continue };
            let Some(tenant) = line.tenant.or(agreement.tenant) else { continue };
            let day = local_date(at, zones.get(&tenant).copied().unwrap_or(zone));
            if not_in_force(agreement, &line, day).is_none() {
                #[expect(clippy::cast_precision_loss, reason = "quantities are small")]
                let quantity = line.quantity.thousandths as f64 / 1000.0;
                lines.push((line.key, index.get(&tenant).copied(), quantity));
            }
        }
        lines.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(lines)
    }
}
