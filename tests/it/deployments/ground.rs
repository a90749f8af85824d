//! What is true in the estate, in the words of the hub's model: which computer is which machine, and
//! which of them a target contains. The rule of what is in force is written here anew.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use core_model::entity::{Agent, AgentState, Client};
use core_model::id::{ComputerId, TenantId};
use core_sync::Hub;
use mocks::estate::Change;
use mocks::truth::{Computer, Truth};
use mocks::world::{GroupNo, Member, PersonNo, World};
use tests::Estate;
use uuid::Uuid;

use crate::support::with_world;

/// What is true, and about what the targets ask.
pub(crate) struct Ground {
    world: World,
    /// The machines that can be judged, and the computers that they are.
    judged: BTreeMap<usize, ComputerId>,
    tenant_no: usize,
    pub(crate) tenant: TenantId,
    pub(crate) group_no: GroupNo,
    pub(crate) group: Uuid,
    /// A direct member of the group who uses a computer.
    pub(crate) member_no: PersonNo,
    pub(crate) item: i64,
    pub(crate) agreement_type: String,
    pub(crate) automate_group: u64,
    /// Without the blanks that some put around it: these are not read.
    pub(crate) property: String,
}

/// Sells one item to two tenants, by one line each and to nobody else, whatever else the estate's dice
/// gave them: on contracts that cover everybody and hold for longer than is asked about. Gives the
/// lines.
pub(crate) fn two_lines(world: &mut World) -> Result<(i64, i64)> {
    match lines(world, 2, None)?.as_slice() {
        [(_, one), (_, other)] => Ok((*one, *other)),
        _ => anyhow::bail!("not two lines"),
    }
}

/// The same to so many tenants, from a day on. Gives each tenant's number and line.
pub(crate) fn lines(
    world: &mut World,
    count: usize,
    from: Option<NaiveDate>,
) -> Result<Vec<(usize, i64)>> {
    let truth = mocks::truth::truth(world, world.now());
    let sure = |tenant: usize| {
        let machines = truth.computers.iter().filter(|one| one.tenant == tenant);
        match truth.tenants[tenant].by_hand.is_empty() {
            true => machines.filter(|one| is_sure(&one.troubles)).count(),
            false => 0,
        }
    };
    let today = world.now().date_naive();
    let (earlier, later) = (today - chrono::Days::new(30), today + chrono::Days::new(60));
    // The contracts that are in force then as well as now.
    let in_force = |at: NaiveDate| {
        let noon = at.and_hms_opt(12, 0, 0).map(|at| at.and_utc()).unwrap_or_default();
        let lines = mocks::truth::truth(world, noon).agreement_lines.into_iter();
        lines.map(|line| (line.tenant, line.contract)).collect::<BTreeSet<_>>()
    };
    let (then, soon) = (in_force(earlier), in_force(later));
    let whole: BTreeMap<usize, i64> = (then.intersection(&soon).copied())
        .filter(|(_, id)| {
            let contract = world.halo.contracts.iter().find(|one| one.id == *id);
            contract.is_some_and(|one| one.assets.is_empty())
        })
        .collect();
    // Where many machines can be judged, some can whatever else is wrong there.
    let mut tenants: Vec<usize> = whole.keys().copied().filter(|no| sure(*no) > 3).collect();
    tenants.sort_by_key(|no| std::cmp::Reverse(sure(*no)));
    anyhow::ensure!(tenants.len() >= count, "too few tenants have a contract that holds for long");
    let item = world.halo.items.iter().find(|item| item.recurring && !item.inactive);
    let item = item.context("nothing is sold")?.id;
    for invoice in &mut world.halo.invoices {
        invoice.lines.retain(|line| line.item != Some(item));
    }
    let mut sell = |contract: i64| -> Result<i64> {
        let quantity = Some(5.0);
        let line = Change::AddLine { contract, item: Some(item), quantity, from };
        mocks::estate::apply(world, &line)?;
        let lines = world.halo.invoices.iter().flat_map(|invoice| &invoice.lines);
        lines.map(|line| line.id).max().context("no line")
    };
    tenants.into_iter().take(count).map(|no| Ok((no, sell(whole[&no])?))).collect()
}

/// Whether nothing about a machine makes its identity doubtful.
fn is_sure(troubles: &[String]) -> bool {
    troubles.iter().all(|trouble| trouble == "offline")
}

impl Ground {
    /// What is true now. The targets ask about the item of this line.
    pub(crate) async fn of(estate: &Estate, hub: &Hub, line: i64) -> Result<Self> {
        let world = with_world(estate, |world| world.clone());
        let truth = mocks::truth::truth(&world, world.now());
        let judged = judged(&truth, hub).await?;
        let sold = truth.agreement_lines.iter().find(|sold| sold.id == line);
        let sold = sold.context("the line is not in force")?;
        let (item, tenant_no, contract) = (sold.item, sold.tenant, sold.contract);
        let contract = world.halo.contracts.iter().find(|one| one.id == contract);
        let agreement_type = contract.context("no contract")?.kind.clone();
        let tenant = tenant_of(&truth, tenant_no, hub).await?;
        let (group_no, member_no) = used_group(&world, &truth, &judged).context("no group")?;
        let group = world.groups[group_no].id;
        let automate_group = world.automate.groups.iter().filter(|g| g.mark.gone.is_none());
        let automate_group = automate_group
            .max_by_key(|group| group.members.iter().filter(|m| m.3.is_none()).count())
            .context("no group of Automate")?
            .id;
        let sessions = world.control.sessions.iter();
        let spelt = sessions.filter(|session| {
            session.machine.is_some_and(|no| judged.contains_key(&no))
                && session.mark.gone.is_none()
        });
        let property = spelt.map(|session| session.properties[0].trim().to_owned());
        let property = property.max_by_key(String::len).context("no session")?;
        Ok(Self {
            world,
            judged,
            tenant_no,
            tenant,
            group_no,
            group,
            member_no,
            item,
            agreement_type,
            automate_group,
            property,
        })
    }

    /// The middle of a day where the tenant is.
    pub(crate) fn noon(&self, day: NaiveDate) -> Result<DateTime<Utc>> {
        let zone = self.world.tenants[self.tenant_no].time_zone.parse().unwrap_or(Tz::UTC);
        let noon = day.and_hms_opt(12, 0, 0).and_then(|at| at.and_local_timezone(zone).earliest());
        Ok(noon.context("no noon")?.to_utc())
    }

    /// The same questions about another world.
    pub(crate) fn asked_of(&self, estate: &Estate) -> Self {
        Self {
            world: with_world(estate, |world| world.clone()),
            judged: self.judged.clone(),
            property: self.property.clone(),
            agreement_type: self.agreement_type.clone(),
            ..*self
        }
    }

    /// Whether each computer that can be judged is in a deployment's target at an instant.
    pub(crate) fn members(
        &self,
        deployment: &str,
        at: DateTime<Utc>,
    ) -> Result<BTreeMap<ComputerId, bool>> {
        let truth = mocks::truth::truth(&self.world, at);
        let by_device = self.devices();
        let mut members = BTreeMap::new();
        for machine in &truth.computers {
            let Some(computer) = self.judged.get(&machine.no) else { continue };
            let is_in = match deployment {
                "by-tenant" | "by-tag" => machine.tenant == self.tenant_no,
                "by-not the tag" => machine.tenant != self.tenant_no,
                // Nobody can tell who uses it, or only by its device.
                "by-group" if !machine.knowable => continue,
                "by-group" => {
                    let group = truth.groups.iter().find(|group| group.id == self.group);
                    let persons = group.map(|group| group.persons.as_slice()).unwrap_or_default();
                    by_device.contains(&machine.no)
                        || machine.primary_person.is_some_and(|user| persons.contains(&user))
                }
                "by-product" => {
                    let mut sold = truth.agreement_lines.iter();
                    sold.any(|line| line.item == self.item && self.covers(line.contract, machine))
                }
                "by-agreement type" => {
                    let contracts = self.world.halo.contracts.iter();
                    let mut of_type = contracts.filter(|one| one.kind == self.agreement_type);
                    of_type.any(|one| self.in_force(one.id, at) && self.covers(one.id, machine))
                }
                "by-automate group" => self.in_automate_group(machine),
                "by-property" => {
                    let mut sessions = self.world.control.sessions.iter();
                    sessions.any(|session| {
                        session.mark.gone.is_none()
                            && session.properties[0].trim() == self.property
                            && has(machine, "cw-control", &session.id.to_string())
                    })
                }
                "by-filter" => self.world.machines[machine.no].os.contains("Server"),
                other => anyhow::bail!("nobody knows what is true of {other}"),
            };
            members.insert(*computer, is_in);
        }
        Ok(members)
    }

    /// Machines whose device object is in the group, however deep.
    fn devices(&self) -> BTreeSet<usize> {
        let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::from([self.group_no]));
        let mut open = vec![self.group_no];
        while let Some(no) = open.pop() {
            for membership in self.world.groups[no].members.iter().filter(|m| m.removed.is_none()) {
                match membership.member {
                    Member::Device(device) => {
                        found.insert(self.world.entra_devices[device].machine);
                    }
                    Member::Group(inner) if seen.insert(inner) => open.push(inner),
                    _ => {}
                }
            }
        }
        found
    }

    /// Whether a contract is for this machine: its client is the machine's tenant, and it names no
    /// assets or this one.
    fn covers(&self, contract: i64, machine: &Computer) -> bool {
        let halo = &self.world.halo;
        let Some(contract) = halo.contracts.iter().find(|one| one.id == contract) else {
            return false;
        };
        let client = halo.clients.iter().find(|client| client.id == contract.client);
        let named = |asset: &i64| {
            halo.assets.iter().any(|one| one.id == *asset && one.machine == Some(machine.no))
        };
        client.is_some_and(|client| client.tenant == Some(machine.tenant))
            && (contract.assets.is_empty() || contract.assets.iter().any(named))
    }

    fn in_force(&self, contract: i64, at: DateTime<Utc>) -> bool {
        let halo = &self.world.halo;
        let Some(one) = halo.contracts.iter().find(|one| one.id == contract) else { return false };
        let tenant = halo.clients.iter().find(|client| client.id == one.client);
        let tenant = tenant.and_then(|client| client.tenant);
        let zone = tenant.and_then(|no| self.world.tenants[no].time_zone.parse::<Tz>().ok());
        let day = at.with_timezone(&zone.unwrap_or(Tz::UTC)).date_naive();
        let real = |day: &NaiveDate| {
            let year = chrono::Datelike::year(day);
            year > 1901 && year < 9000
        };
        let status = one.status.to_lowercase();
        one.mark.gone.is_none()
            && one.active
            && !one.expired
            && !["draft", "expired", "cancelled"].contains(&status.as_str())
            && one.start.filter(real).is_none_or(|start| start <= day)
            && one.end.filter(real).is_none_or(|end| day <= end)
    }

    fn in_automate_group(&self, machine: &Computer) -> bool {
        let groups = &self.world.automate.groups;
        let (mut all, mut open) = (BTreeSet::new(), vec![self.automate_group]);
        while let Some(id) = open.pop() {
            if all.insert(id) {
                open.extend(groups.iter().filter(|g| g.parent == Some(id)).map(|g| g.id));
            }
        }
        let inside = groups.iter().filter(|g| all.contains(&g.id) && g.mark.gone.is_none());
        let mut members = inside.flat_map(|group| &group.members).filter(|m| m.3.is_none());
        members.any(|member| has(machine, "cw-automate", &member.1.to_string()))
    }
}

/// Whether a machine runs this agent today.
fn has(machine: &Computer, kind: &str, id: &str) -> bool {
    machine.agents.iter().any(|agent| agent.current && agent.kind == kind && agent.id == id)
}

/// Machines of linked tenants whose evidence is good, with the computer that their agents are of.
pub(crate) async fn judged(truth: &Truth, hub: &Hub) -> Result<BTreeMap<usize, ComputerId>> {
    let agents: Vec<Agent> = hub.all().await?;
    let matched = agents.iter().filter(|agent| agent.state == AgentState::Matched && !agent.gone);
    let by_name: BTreeMap<(&str, &str), ComputerId> = matched
        .filter_map(|agent| {
            Some(((agent.connection.as_str(), agent.key.as_str()), agent.computer?))
        })
        .collect();
    let mut judged = BTreeMap::new();
    for machine in &truth.computers {
        let linked = truth.tenants.iter().find(|tenant| tenant.no == machine.tenant);
        let linked = linked.is_some_and(|tenant| tenant.by_hand.is_empty());
        let current = machine.agents.iter().filter(|agent| agent.current);
        let found: BTreeSet<Option<ComputerId>> = current
            .map(|one| by_name.get(&(one.kind.as_str(), one.id.as_str())).copied())
            .collect();
        if let (true, true, [Some(computer)]) =
            (linked, is_sure(&machine.troubles), found.iter().collect::<Vec<_>>().as_slice())
        {
            judged.insert(machine.no, *computer);
        }
    }
    Ok(judged)
}

pub(crate) async fn tenant_of(truth: &Truth, no: usize, hub: &Hub) -> Result<TenantId> {
    let tenant = truth.tenants.iter().find(|tenant| tenant.no == no).context("no tenant")?;
    let clients: Vec<Client> = hub.all().await?;
    let found = clients.iter().find(|client| {
        let keys = tenant.clients.get(&client.connection);
        keys.is_some_and(|keys| keys.contains(&client.key))
    });
    found.and_then(|client| client.tenant).context("the tenant is not in the model")
}

/// A group with somebody directly in it who uses a computer that can be judged.
fn used_group(
    world: &World,
    truth: &Truth,
    judged: &BTreeMap<usize, ComputerId>,
) -> Option<(GroupNo, PersonNo)> {
    let users: BTreeSet<Uuid> = truth
        .computers
        .iter()
        .filter(|machine| machine.knowable && judged.contains_key(&machine.no))
        .filter_map(|machine| machine.primary_person)
        .collect();
    let live = world.groups.iter().enumerate().filter(|(_, group)| group.mark.gone.is_none());
    live.filter_map(|(no, group)| {
        let members = group.members.iter().filter(|m| m.removed.is_none());
        let using = members.filter_map(|membership| match membership.member {
            Member::Person(person) if users.contains(&world.persons[person].id) => Some(person),
            _ => None,
        });
        let using: Vec<PersonNo> = using.collect();
        Some((using.len(), no, *using.first()?))
    })
    .max()
    .map(|(_, no, person)| (no, person))
}
