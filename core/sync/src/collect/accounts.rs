//! Asking domain controllers whose an account is: of each tenant that has one, about the accounts seen
//! at its computers that its directory does not tell, with one script for many, and seldom.
//!
//! An answer is noted for the tenant whose domain controller gave it, and found for no other. While
//! none is online, nothing is known, and it is tried again with the next collection.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::DateTime;
use core_derive::accounts::{self, Answers};
use core_model::RecordRef;
use core_model::entity::{Agent, AgentState, Computer, EntityKind};
use core_model::facts::DeviceRole;
use core_model::id::{ComputerId, TenantId};
use core_store::{AccountAnswer, Agents, EntityQuery, ScriptRun};
use futures::StreamExt;

use super::errand::{Asked, Ended, Errand};
use super::record_of;
use crate::error::Result;
use crate::hub::Hub;

/// The kind of the script that asks about accounts.
const ACCOUNTS: &str = "accounts";
/// Characters of output that are wanted: a line for each account.
const OUTPUT: usize = 16_000;
/// How long an answer is taken for true before it is asked for again, in microseconds.
const FRESH_US: i64 = 7 * 24 * HOUR_US;
/// An hour.
const HOUR_US: i64 = 3_600_000_000;

/// Every tenant that has a domain controller, with its computers.
type Tenants = BTreeMap<TenantId, Vec<Computer>>;

impl Hub {
    /// Asks about what is open, through another domain controller or agent where one fails. Gives how
    /// many accounts were told of.
    pub(super) async fn look_up_accounts(&self, names: &[String]) -> Result<usize> {
        let mut told = 0;
        let mut tried: BTreeSet<RecordRef> = BTreeSet::new();
        // The budget is of the whole collection, whoever fails.
        let mut sent: HashMap<usize, usize> = HashMap::new();
        for _ in 0..2 {
            if self.is_stopping() {
                break;
            }
            let errands = self.open_accounts((&tried, &mut sent), names).await?;
            if errands.is_empty() {
                break;
            }
            tried.extend(errands.iter().map(|errand| errand.agent.clone()));
            told += self.run_errands(errands, |ended| self.take_accounts(ended)).await?;
        }
        if told > 0 {
            self.derive().await?;
        }
        Ok(told)
    }

    async fn take_accounts(&self, mut ended: Ended) -> Result<usize> {
        let mut told = 0;
        while let Some(asked) = ended.next().await {
            if let Asked::Answered { run, output } = asked? {
                told += self.keep_accounts(&run, &output).await?;
            }
        }
        Ok(told)
    }

    async fn keep_accounts(&self, run: &ScriptRun, output: &str) -> Result<usize> {
        let Some((tenant, asked)) = run.about.split_first() else { return Ok(0) };
        let told = accounts::read(output, asked);
        let now_us = self.clock.now_us();
        let stored = self.store.add_account_answers(run, tenant, &told, now_us).await?;
        Ok(if stored { told.iter().filter(|(_, upn)| upn.is_some()).count() } else { 0 })
    }

    /// One errand per tenant of which something is open, or on its way. Where there is more than the
    /// budget allows, another tenant is the first each time, so that none is always behind those whose
    /// domain controllers do not answer.
    async fn open_accounts(
        &self,
        (tried, sent): (&BTreeSet<RecordRef>, &mut HashMap<usize, usize>),
        names: &[String],
    ) -> Result<Vec<Errand>> {
        let budget = self.settings.collect.account_scripts;
        let tenants = self.tenants_with_controllers().await?;
        if tenants.is_empty() || budget == 0 {
            return Ok(Vec::new());
        }
        let mut ways = self.ways_to_controllers(&tenants, tried, names).await?;
        let mut fresh = self.fresh_answers().await?;
        let mut errands = Vec::new();
        let first = self.turn(tenants.len());
        for (tenant, computers) in tenants.iter().skip(first).chain(tenants.iter().take(first)) {
            let Some(way) = ways.remove(tenant) else { continue };
            let known = fresh.remove(&tenant.to_string()).unwrap_or_default();
            let errand = match way {
                Way::Sent(errand) => *errand,
                Way::Free(agent, connection) => {
                    let sent = sent.entry(connection).or_default();
                    let open = accounts::open(computers).into_iter();
                    let asked = accounts::batch(open.filter(|account| !known.contains(account)));
                    if asked.is_empty() || *sent >= budget {
                        continue;
                    }
                    *sent += 1;
                    errand(agent, connection, (*tenant, asked))
                }
                Way::Busy => continue,
            };
            errands.push(errand);
        }
        Ok(errands)
    }

    /// Whose turn it is to be the first of so many: with each hour another's.
    fn turn(&self, count: usize) -> usize {
        let hour = usize::try_from(self.clock.now_us() / HOUR_US).unwrap_or_default();
        hour % count.max(1)
    }

    async fn tenants_with_controllers(&self) -> Result<Tenants> {
        let mut tenants = Tenants::new();
        let mut with_controller = BTreeSet::new();
        for row in self.store.entities(&EntityQuery::all(EntityKind::Computer)).await? {
            let computer: Computer = row.read()?;
            if is_controller(&computer) {
                with_controller.insert(computer.tenant);
            }
            tenants.entry(computer.tenant).or_default().push(computer);
        }
        tenants.retain(|tenant, _| with_controller.contains(tenant));
        Ok(tenants)
    }

    /// How the domain controllers of each tenant can be asked: through an agent that is online, or not
    /// again, for a script is on its way to one of them.
    async fn ways_to_controllers(
        &self,
        tenants: &Tenants,
        tried: &BTreeSet<RecordRef>,
        names: &[String],
    ) -> Result<BTreeMap<TenantId, Way>> {
        let controllers = tenants.values().flatten().filter(|computer| is_controller(computer));
        let controllers: HashMap<ComputerId, TenantId> =
            controllers.map(|computer| (computer.id, computer.tenant)).collect();
        let mut under_way = self.under_way(ACCOUNTS).await?;
        let mut agents: Vec<(TenantId, Agent)> = Vec::new();
        for row in self.store.entities(&EntityQuery::all(EntityKind::Agent)).await? {
            let agent: Agent = row.read()?;
            let tenant = agent.computer.and_then(|computer| controllers.get(&computer));
            if let Some(&tenant) = tenant
                && agent.tenant == Some(tenant)
                && agent.state == AgentState::Matched
                && !agent.gone
            {
                agents.push((tenant, agent));
            }
        }
        let records: Vec<RecordRef> = agents.iter().map(|(_, agent)| record_of(agent)).collect();
        let presences = self.store.presences(Agents::Keys(&records)).await?;
        let online: BTreeSet<RecordRef> = presences
            .into_iter()
            .filter(|(_, presence)| presence.online == Some(true))
            .map(|(record, _)| record)
            .collect();
        let mut ways: BTreeMap<TenantId, Way> = BTreeMap::new();
        for (tenant, agent) in agents {
            let record = record_of(&agent);
            let way = self.pathway(&agent, names).filter(|_| !tried.contains(&record));
            if let Some(run) = under_way.remove(&record) {
                // What it was sent for must be this tenant still: agents may have moved.
                let ours = run.about.first() == Some(&tenant.to_string());
                let followed = way.filter(|_| ours).map(|way| follow(run, way));
                ways.insert(
                    tenant,
                    followed.map_or(Way::Busy, |errand| Way::Sent(Box::new(errand))),
                );
            } else if let Some(connection) = way
                && agent.runs_scripts
                && online.contains(&record)
            {
                ways.entry(tenant).or_insert(Way::Free(record, connection));
            }
        }
        Ok(ways)
    }

    /// The accounts of each tenant that need not be asked about now.
    async fn fresh_answers(&self) -> Result<HashMap<String, BTreeSet<String>>> {
        let now_us = self.clock.now_us();
        let again_us = i64::from(self.settings.collect.every_hours) * 3_600_000_000;
        let mut fresh: HashMap<String, BTreeSet<String>> = HashMap::new();
        for answer in self.store.account_answers(None).await? {
            let age_us = if answer.upn.is_some() { FRESH_US } else { again_us };
            if answer.last_us > now_us - age_us {
                fresh.entry(answer.tenant).or_default().insert(answer.account);
            }
        }
        Ok(fresh)
    }
}

/// How the domain controllers of a tenant can be asked.
enum Way {
    /// Through this agent of this connection.
    Free(RecordRef, usize),
    /// One is asked already.
    Sent(Box<Errand>),
    /// One is asked already, and cannot be followed now.
    Busy,
}

fn is_controller(computer: &Computer) -> bool {
    computer.role == Some(DeviceRole::DomainController) && !computer.gone
}

fn errand(agent: RecordRef, connection: usize, (tenant, asked): (TenantId, Vec<String>)) -> Errand {
    let text = accounts::script(&asked);
    let about = std::iter::once(tenant.to_string()).chain(asked).collect();
    Errand { agent, connection, kind: ACCOUNTS, text, output_limit: OUTPUT, about, under_way: None }
}

fn follow(run: ScriptRun, connection: usize) -> Errand {
    let asked = run.about.get(1..).unwrap_or_default();
    Errand {
        agent: run.agent.clone(),
        connection,
        kind: ACCOUNTS,
        text: accounts::script(asked),
        output_limit: OUTPUT,
        about: run.about.clone(),
        under_way: Some(run),
    }
}

/// What was told of a tenant's accounts, as derivation takes it.
pub(crate) fn answers(rows: Vec<AccountAnswer>) -> Answers {
    let mut answers = Answers::default();
    for row in rows {
        let last = DateTime::from_timestamp_micros(row.last_us).unwrap_or_default();
        if let Some(upn) = row.upn {
            answers.add(&row.account, &upn, last);
        }
    }
    answers
}
