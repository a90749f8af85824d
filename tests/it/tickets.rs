//! Tickets, from the PSA's webhook to its note: whose they are and which computers they are about is compared
//! with the estate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use core_connector::Hint;
use core_daemon::{Desk, Inbox};
use core_model::entity::{Computer, Person, Tenant};
use core_model::id::{ComputerId, PersonId, TenantId};
use core_model::queue::QueueRules;
use core_store::NewDelivery;
use core_sync::Hub;
use mocks::faults::{Fault, Rule, When};
use mocks::world::HaloTicket;
use tests::{Estate, databases};
use tokio::sync::{Notify, mpsc, watch};

use crate::support::{paging_hub, sync_whole, with_world};

/// What the hub knows, to name what it found.
struct Known {
    tenants: BTreeMap<TenantId, Tenant>,
    persons: BTreeMap<PersonId, Person>,
    computers: BTreeMap<ComputerId, Computer>,
}

impl Known {
    async fn of(hub: &Hub) -> Result<Self> {
        let tenants: Vec<Tenant> = hub.all().await?;
        let persons: Vec<Person> = hub.all().await?;
        let computers: Vec<Computer> = hub.all().await?;
        Ok(Self {
            tenants: tenants.into_iter().map(|one| (one.id, one)).collect(),
            persons: persons.into_iter().map(|one| (one.id, one)).collect(),
            computers: computers.into_iter().map(|one| (one.id, one)).collect(),
        })
    }
}

fn tickets(estate: &Estate) -> Vec<HaloTicket> {
    with_world(estate, |world| world.halo.tickets.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k1_a_ticket_leads_to_the_tenant_the_person_and_the_computers_that_the_estate_says()
-> Result<()> {
    let estate = Estate::of(400, 21).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let (known, truth) = (Known::of(&hub).await?, estate.truth());
    let (mut persons, mut computers, mut all) = (0, 0, 0);
    for ticket in tickets(&estate) {
        let row = hub.read_ticket("halopsa", &ticket.id.to_string()).await?;
        let view = hub.ticket_view(&row, None).await?;
        let client = ticket.client.to_string();
        let tenant = truth.tenants.iter().find(|tenant| {
            let own = tenant.clients.get("halopsa").is_some_and(|ids| ids.contains(&client));
            own && !tenant.by_hand.iter().any(|(_, id)| *id == client)
        });
        let Some(found) = &view.tenant else { continue };
        let tenant = tenant.with_context(|| format!("ticket {}: a tenant of nobody", ticket.id))?;
        ensure!(known.tenants.contains_key(&found.id), "ticket {}: {found:?}", ticket.id);
        all += 1;
        let user = with_world(&estate, |world| {
            let user = world.halo.users.iter().find(|user| Some(user.id) == ticket.user)?;
            user.person.map(|person| world.persons[person].id)
        });
        let user = truth.persons.iter().find(|one| Some(one.id) == user && one.tenant == tenant.no);
        let person = view.person.as_ref().and_then(|person| known.persons.get(&person.id));
        if let Some(person) = person {
            let id = user.map(|user| user.id.to_string());
            ensure!(Some(&person.directory_id) == id.as_ref(), "ticket {}: {person:?}", ticket.id);
        }
        persons += usize::from(person.is_some() == user.is_some());
        let assets: BTreeSet<usize> = with_world(&estate, |world| {
            let own = world.halo.assets.iter().filter(|one| ticket.assets.contains(&one.id));
            own.filter_map(|asset| asset.machine).collect()
        });
        let wanted: BTreeSet<&str> = truth
            .computers
            .iter()
            .filter(|one| one.tenant == tenant.no)
            .filter(|one| {
                let used = user.is_some() && one.primary_person == user.map(|user| user.id);
                assets.contains(&one.no) || (used && one.knowable)
            })
            .map(|one| one.host.as_str())
            .collect();
        let shown: BTreeSet<&str> = view.computers.iter().map(|one| one.name.as_str()).collect();
        for computer in &view.computers {
            let tenant = known.computers.get(&computer.id).map(|one| one.tenant);
            ensure!(tenant == Some(found.id), "ticket {}: a computer of others", ticket.id);
        }
        computers += usize::from(shown == wanted);
    }
    println!("{all} tickets: {persons} persons and {computers} sets of computers as they are");
    ensure!(all >= 15, "too few tickets to tell anything");
    ensure!(persons * 10 >= all * 9, "{persons} persons of {all}");
    ensure!(computers * 10 >= all * 9, "{computers} sets of computers of {all}");
    Ok(())
}

/// An inbox on a hub, and what it orders of the daemon.
fn inbox(hub: &Arc<Hub>, notes: Option<&str>) -> (Inbox, mpsc::Receiver<core_daemon::Order>) {
    let (orders, ordered) = mpsc::channel(8);
    let desk = Desk {
        hub: Arc::clone(hub),
        notes: notes.map(str::to_owned),
        queue: QueueRules::default(),
    };
    let (_, desk) = watch::channel(desk);
    (Inbox::new(desk, orders, Arc::new(Notify::new())), ordered)
}

fn told(id: &str, hint: &Hint) -> Result<NewDelivery> {
    let body = serde_json::to_string(hint)?;
    Ok(NewDelivery { connection: "halopsa".to_owned(), id: id.to_owned(), body })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_that_is_told_of_many_times_gets_one_note_that_is_replaced() -> Result<()> {
    let estate = Estate::of(80, 22).await?;
    let database = databases::sqlite()?;
    let hub = Arc::new(paging_hub(&estate, database.open().await?)?);
    sync_whole(&hub).await?;
    let (inbox, _ordered) = inbox(&hub, Some("https://hub.example"));
    let mut open = None;
    for ticket in tickets(&estate).into_iter().filter(|one| one.status != 9) {
        let row = hub.read_ticket("halopsa", &ticket.id.to_string()).await?;
        if row.tenant.is_some() {
            open = Some(row);
        }
    }
    let row = open.context("no ticket is open")?;
    // What is done on a ticket changes when it was last changed.
    let version = || {
        with_world(&estate, |world| {
            let ticket = world.halo.tickets.iter().find(|one| one.id.to_string() == row.key);
            ticket.map(|ticket| (ticket.mark.modified, ticket.mark.changed))
        })
    };
    let hint = Hint::Ticket(row.key.clone());
    let before = version();
    // Out of order, repeated, and one that is not there.
    let sent = [
        told("c", &hint)?,
        told("a", &hint)?,
        told("a", &hint)?,
        told("b", &Hint::Ticket("999999".to_owned()))?,
    ];
    hub.store.add_deliveries(&sent, hub.clock.now_us()).await?;
    ensure!(inbox.work().await? == 3);
    ensure!(version() != before, "no note was written");
    let (written, due) = (version(), hub.store.due_deliveries(i64::MAX, 10).await?);
    ensure!(due.is_empty(), "{due:?}");
    let noted = hub.store.ticket("halopsa", &row.key).await?.and_then(|row| row.note);
    ensure!(noted.is_some(), "the note is not remembered");
    // The same again changes nothing, also where it was forgotten that it was written.
    hub.store.add_deliveries(&[told("d", &hint)?], hub.clock.now_us()).await?;
    inbox.work().await?;
    hub.store.put_ticket_note("halopsa", &row.key, "forgotten").await?;
    hub.store.add_deliveries(&[told("e", &hint)?], hub.clock.now_us()).await?;
    inbox.work().await?;
    ensure!(version() == written, "a note that says the same was written again");
    ensure!(hub.store.waiting_deliveries().await? == 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_worked_off_is_tried_again_and_the_rest_goes_on() -> Result<()> {
    let estate = Estate::of(40, 23).await?;
    let database = databases::sqlite()?;
    let hub = Arc::new(paging_hub(&estate, database.open().await?)?);
    sync_whole(&hub).await?;
    let (inbox, mut ordered) = inbox(&hub, None);
    let key = tickets(&estate)[0].id.to_string();
    let stream = Hint::Stream("users".to_owned());
    let sent = [told("a", &Hint::Ticket(key))?, told("b", &stream)?];
    hub.store.add_deliveries(&sent, hub.clock.now_us()).await?;
    let fault = Fault::ServerError;
    let down = Rule { fault, face: None, path: None, when: When::Always, times: None };
    estate.running.set_faults(vec![down]);
    ensure!(inbox.work().await? == 2);
    let waiting = hub.store.due_deliveries(i64::MAX, 10).await?;
    ensure!(waiting.len() == 1 && waiting[0].id == "a" && waiting[0].attempts == 1, "{waiting:?}");
    let order = ordered.try_recv().ok();
    ensure!(matches!(order, Some(core_daemon::Order::Hint { stream, .. }) if stream == "users"));
    Ok(())
}
