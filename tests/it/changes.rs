//! The world changes, and an incremental sync ends where a full one into an empty store ends.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use chrono::Utc;
use core_model::decision::Settled;
use core_model::entity::{Agent, Client, Computer, Person, Tenant};
use core_model::run::Outcome;
use core_model::{RecordKind, RecordRef};
use core_store::RecordQuery;
use core_sync::{Hub, SyncOptions};
use mocks::estate::{Change, KINDS, Pick, System, random_changes};
use mocks::faults::{Fault, Rule, When};
use mocks::vendor::Face;
use mocks::world::Account;
use tests::Estate;
use tests::databases::{self, Database};

use crate::alike::ensure_like_full;
use crate::support::{
    both_databases, change, ensure_same, ensure_verified, paging_hub, read_whole, seeds,
    sync_whole, view, with_world,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_two_hundred_changes_an_incremental_sync_ends_like_a_full_one_on_sqlite() -> Result<()>
{
    for seed in seeds([51, 52]) {
        two_hundred_changes(&databases::sqlite()?, seed).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_two_hundred_changes_an_incremental_sync_ends_like_a_full_one_on_postgres()
-> Result<()> {
    for seed in seeds([53]) {
        let Some(database) = databases::postgres().await? else {
            println!("left out: no PostgreSQL answers (see TEST_POSTGRES_URL)");
            return Ok(());
        };
        two_hundred_changes(&database, seed).await?;
        databases::drop_database(&database).await?;
    }
    Ok(())
}

async fn two_hundred_changes(database: &Database, seed: u64) -> Result<()> {
    let estate = Estate::of(400, seed).await?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let without = ["power", "move"].map(str::to_owned);
    let done = with_world(&estate, |world| random_changes(world, 200, seed, &without));
    ensure!(done.len() == 200, "{} changes", done.len());

    let runs = sync_whole(&hub).await?;
    let delta = runs.iter().filter(|run| run.mode == "incremental").count();
    ensure!(delta > 0, "nothing was read incrementally");
    ensure_verified(&hub).await?;
    let what = done.iter().map(|done| done.what.as_str()).collect::<Vec<_>>().join("\n");
    ensure_like_full(&estate, &hub)
        .await
        .with_context(|| format!("{}, seed {seed}, after:\n{what}", database.name))?;
    let score = estate.score(&hub).await?;
    let computers = &score.computers;
    let wrong = computers.false_merges + computers.missed_merges + score.tenants.wrong;
    ensure!(wrong == 0, "seed {seed}: {score:#?}, after:\n{what}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_in_which_connections_are_read_does_not_matter() -> Result<()> {
    let estate = Estate::of(150, 61).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let at = Utc::now();
    let wanted = view(&hub, at).await?;
    for order in [
        ["azure-ad", "cw-automate", "cw-control", "halopsa"],
        ["halopsa", "cw-control", "cw-automate", "azure-ad"],
        ["cw-control", "azure-ad", "halopsa", "cw-automate"],
    ] {
        let database = databases::sqlite()?;
        let hub = paging_hub(&estate, database.open().await?)?;
        for connection in order {
            hub.sync(&[connection.to_owned()], &SyncOptions::default()).await?;
            hub.collect().await?;
            ensure_verified(&hub).await.with_context(|| format!("{order:?}, {connection}"))?;
        }
        ensure_same(&wanted, &view(&hub, at).await?, &format!("{order:?}"))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_that_go_off_and_come_back_leave_nothing_to_rebuild() -> Result<()> {
    let estate = Estate::of(300, 62).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    for round in 0..3 {
        let others: Vec<String> = KINDS.iter().map(|(kind, _)| (*kind).to_owned()).collect();
        let others: Vec<String> = others.into_iter().filter(|kind| kind != "power").collect();
        with_world(&estate, |world| random_changes(world, 60, 62 + round, &others));
        sync_whole(&hub).await?;
        ensure_verified(&hub).await.with_context(|| format!("round {round}"))?;
    }
    let score = estate.score(&hub).await?;
    let computers = &score.computers;
    ensure!(computers.false_merges + computers.missed_merges == 0, "{score:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_delta_token_leads_to_a_full_round_with_the_same_end() -> Result<()> {
    for (fault, seed) in [(Fault::Gone, 54), (Fault::DeltaExpired, 55)] {
        let estate = Estate::of(80, seed).await?;
        let database = databases::sqlite()?;
        let hub = paging_hub(&estate, database.open().await?)?;
        sync_whole(&hub).await?;
        let without = ["power", "move"].map(str::to_owned);
        with_world(&estate, |world| random_changes(world, 60, seed, &without));
        let rule = Rule {
            fault,
            face: Some(Face::Graph),
            path: Some("/users/delta".to_owned()),
            when: When::Always,
            times: Some(1),
        };
        estate.running.set_faults(vec![rule]);
        let runs = sync_whole(&hub).await?;
        estate.running.set_faults(Vec::new());
        ensure!(estate.running.fired().iter().any(|fired| fired.times == 1), "{fault:?} never was");
        let full = |run: &&core_model::run::Run| {
            run.connection == "azure-ad" && run.stream == "users" && run.mode == "full"
        };
        ensure!(runs.iter().filter(full).count() == 1, "{fault:?}: {runs:#?}");
        ensure_verified(&hub).await?;
        ensure_like_full(&estate, &hub).await.with_context(|| format!("{fault:?}"))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_that_were_read_before_their_client_know_it_once_it_came() -> Result<()> {
    for seed in seeds([60]) {
        let estate = Estate::of(200, seed).await?;
        let database = databases::sqlite()?;
        let hub = paging_hub(&estate, database.open().await?)?;
        let rule = |face, path: &str| Rule {
            fault: Fault::Forbidden,
            face: Some(face),
            path: Some(path.to_owned()),
            when: When::Always,
            times: None,
        };
        estate
            .running
            .set_faults(vec![rule(Face::Automate, "/Clients"), rule(Face::Halo, "/Client")]);
        hub.sync(&[], &SyncOptions::default()).await?;
        estate.running.set_faults(Vec::new());
        let agents: Vec<Agent> = hub.all().await?;
        let waiting = |agent: &&Agent| agent.connection == "cw-automate" && agent.client.is_none();
        ensure!(agents.iter().any(|agent| waiting(&agent)), "every client was there already");
        sync_whole(&hub).await?;

        let clients: Vec<Client> = hub.all().await?;
        let unlinked = clients.iter().filter(|one| one.connection == "cw-automate");
        ensure!(unlinked.clone().any(|one| one.tenant.is_none()), "no client stands for nobody");
        let agents: Vec<Agent> = hub.all().await?;
        let waiting: Vec<&Agent> = agents.iter().filter(waiting).collect();
        ensure!(waiting.is_empty(), "{waiting:#?}");
        ensure_verified(&hub).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ninety_nine_percent_gone_is_held_until_somebody_accepts() -> Result<()> {
    for database in both_databases().await? {
        let estate = Estate::of(300, 56).await?;
        let hub = paging_hub(&estate, database.open().await?)?;
        sync_whole(&hub).await?;
        let at = Utc::now();
        let (before, events) = (view(&hub, at).await?, hub.store.last_event_seq().await?);
        change(&estate, &Change::RemoveShareOfMachines { share: 0.99 })?;
        let only = ["cw-automate".to_owned(), "cw-control".to_owned()];
        let runs = hub.sync(&only, &SyncOptions::default()).await?;
        for stream in ["computers", "sessions"] {
            let run = runs.iter().find(|run| run.stream == stream).context("no run")?;
            ensure!(run.outcome == Outcome::Held && run.counts.gone == 0, "{run:?}");
            ensure!(
                run.remedy.as_deref().is_some_and(|r| r.contains("--accept-deletions")),
                "{run:?}"
            );
        }
        let held = hub.store.held().await?;
        ensure!(held.iter().any(|held| held.stream.stream == "computers" && held.count > 100));
        ensure_same(&before, &view(&hub, at).await?, "held")?;
        ensure!(hub.store.last_event_seq().await? == events, "events of what is held");

        let accept = SyncOptions { accept_deletions: true, ..SyncOptions::default() };
        let runs = hub.sync(&only, &accept).await?;
        ensure!(runs.iter().all(crate::support::is_whole), "{runs:#?}");
        ensure!(hub.store.held().await?.iter().all(|held| held.stream.connection == "azure-ad"));
        let after = view(&hub, at).await?;
        ensure!(after.computers.len() < before.computers.len() / 2, "{}", after.computers.len());
        ensure_verified(&hub).await?;
        databases::drop_database(&database).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_is_the_same_with_his_computers() -> Result<()> {
    let estate = Estate::of(120, 57).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let at = Utc::now();
    let before = view(&hub, at).await?;
    let used = before.computers.iter().find_map(|computer| computer.primary_person.clone());
    let id = used.context("nobody is primary")?;
    let person = with_world(&estate, |world| {
        world.persons.iter().position(|person| person.id.to_string() == id)
    });
    let pick = Pick::No(person.context("the primary person is nobody")?);
    let stored = |persons: Vec<Person>| persons.into_iter().find(|p| p.directory_id == id);
    let was = stored(hub.all().await?).context("not in the model")?;

    change(&estate, &Change::RemovePerson { person: pick.clone(), purge: false })?;
    read_whole(&hub, &SyncOptions::default()).await?;
    let gone = stored(hub.all().await?).context("the history is lost")?;
    ensure!(gone.gone && gone.id == was.id, "{gone:?}");
    let primary = |view: &core_sync::ModelView| {
        view.computers.iter().filter(|c| c.primary_person.as_ref() == Some(&id)).count()
    };
    ensure!(primary(&view(&hub, at).await?) == 0, "somebody who is gone is primary");
    ensure_verified(&hub).await?;

    change(&estate, &Change::RestorePerson { person: pick })?;
    read_whole(&hub, &SyncOptions::default()).await?;
    let back = stored(hub.all().await?).context("not in the model")?;
    ensure!(back == was, "{was:?} came back as {back:?}");
    ensure_same(&before, &view(&hub, at).await?, "restored")?;
    ensure_verified(&hub).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_linked_by_a_decision_takes_its_agents_along_and_back() -> Result<()> {
    let estate = Estate::of(300, 58).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let at = Utc::now();
    let before = view(&hub, at).await?;
    let (client, from) = client_with_agents(&hub).await?;
    let other = hub.all::<Client>().await?.into_iter().find(|other| {
        other.connection == "azure-ad" && other.tenant.is_some() && other.tenant != Some(from.id)
    });
    let other = other.context("no other tenant")?;
    let record = client_record(&hub, &client).await?;
    let with = Some(client_record(&hub, &other).await?);
    let link = Settled::LinkClient { client: record.clone(), with };
    hub.store.add_decision(&link, "somebody", hub.clock.now_us()).await?;
    hub.derive().await?;
    ensure_verified(&hub).await.context("linked elsewhere")?;
    for agent in hub.all::<Agent>().await?.iter().filter(|a| a.client == Some(client.id)) {
        ensure!(agent.tenant == other.tenant, "{agent:?}");
    }
    let none = Settled::LinkClient { client: record.clone(), with: None };
    hub.store.add_decision(&none, "somebody", hub.clock.now_us()).await?;
    hub.derive().await?;
    ensure_verified(&hub).await.context("linked to nobody")?;
    for agent in hub.all::<Agent>().await?.iter().filter(|a| a.client == Some(client.id)) {
        ensure!(agent.tenant.is_none() && agent.computer.is_none(), "{agent:?}");
    }
    let own = hub
        .all::<Client>()
        .await?
        .into_iter()
        .find(|own| own.tenant == Some(from.id) && own.id != client.id);
    let own = own.context("it was the tenant's only client")?;
    let own = Some(client_record(&hub, &own).await?);
    let back = Settled::LinkClient { client: record.clone(), with: own };
    hub.store.add_decision(&back, "somebody", hub.clock.now_us()).await?;
    hub.derive().await?;
    ensure_verified(&hub).await.context("linked back")?;
    ensure_same(&before, &view(&hub, at).await?, "linked there and back")
}

/// The record that a client comes from.
async fn client_record(hub: &Hub, client: &Client) -> Result<RecordRef> {
    let query = RecordQuery {
        kinds: &[RecordKind::Client],
        connection: Some(&client.connection),
        ..RecordQuery::default()
    };
    let records = hub.store.all_records(&query).await?.into_iter().map(|stored| stored.record);
    records.into_iter().find(|record| record.key == client.key).context("it has no record")
}

/// An RMM's client with agents, whose tenant has further clients.
async fn client_with_agents(hub: &Hub) -> Result<(Client, Tenant)> {
    let tenants: Vec<Tenant> = hub.all().await?;
    let mut agents: BTreeMap<_, usize> = BTreeMap::new();
    for agent in hub.all::<Agent>().await? {
        *agents.entry(agent.client).or_default() += 1;
    }
    for client in hub.all::<Client>().await? {
        let tenant = tenants.iter().find(|tenant| Some(tenant.id) == client.tenant);
        if client.connection == "cw-control"
            && agents.get(&Some(client.id)).is_some_and(|count| *count > 5)
            && let Some(tenant) = tenant.filter(|tenant| tenant.clients.len() > 2)
        {
            return Ok((client, tenant.clone()));
        }
    }
    anyhow::bail!("no client has agents")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renamed_client_keeps_its_agents() -> Result<()> {
    let estate = Estate::of(200, 59).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let (automate, control) = with_world(&estate, |world| {
        let automate = world.automate.clients.iter().filter(|c| c.tenant.is_some()).nth(1);
        let control =
            world.control.clients.iter().filter(|c| c.tenant.is_some() && !c.by_hand).nth(1);
        (automate.map(|c| c.id.to_string()), control.map(|c| c.name.clone()))
    });
    for (system, client) in [(System::Automate, automate), (System::Control, control)] {
        let client = client.context("no client")?;
        change(&estate, &Change::RenameClient { system, client, name: None })?;
    }
    sync_whole(&hub).await?;
    ensure_verified(&hub).await?;
    let fresh_database = databases::sqlite()?;
    let fresh = paging_hub(&estate, fresh_database.open().await?)?;
    sync_whole(&fresh).await?;
    let at = Utc::now();
    ensure_same(&view(&fresh, at).await?, &view(&hub, at).await?, "renamed")?;
    let score = estate.score(&hub).await?;
    ensure!(score.tenants.wrong + score.tenants.missing == 0, "{score:#?}");
    ensure!(score.computers.missed_merges == 0, "{score:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_row_that_cannot_be_used_is_set_apart_and_the_rest_goes_on() -> Result<()> {
    let estate = Estate::of(100, 60).await?;
    let (id, upn) = with_world(&estate, |world| {
        let member = world.persons.iter_mut().find(|person| person.account == Account::Member);
        let person = member.unwrap();
        (person.id.to_string(), std::mem::take(&mut person.upn))
    });
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    let runs = read_whole(&hub, &SyncOptions::default()).await?;
    let rejected: u64 = runs.iter().map(|run| run.counts.rejected).sum();
    let quarantine = hub.store.quarantine(Some("azure-ad"), 10).await?;
    ensure!(rejected == 1 && quarantine.len() == 1, "{quarantine:#?}");
    let row = &quarantine[0].rejected;
    ensure!(row.key.as_deref() == Some(id.as_str()), "{row:?}");
    ensure!(row.path == "$.userPrincipalName" && !row.reason.is_empty(), "{row:?}");
    ensure!(row.raw.contains(&id), "{row:?}");
    let persons: Vec<Person> = hub.all().await?;
    let there = with_world(&estate, |world| world.persons.len());
    ensure!(persons.len() == there - 1, "{} of {there}", persons.len());
    ensure_verified(&hub).await?;

    // Mended at the vendor, it is taken in and leaves the quarantine.
    with_world(&estate, |world| {
        world.version += 1;
        let version = world.version;
        let person = world.persons.iter_mut().find(|person| person.id.to_string() == id).unwrap();
        (person.upn, person.mark.changed, person.mark.modified) = (upn, version, Utc::now());
    });
    read_whole(&hub, &SyncOptions::default()).await?;
    ensure!(hub.store.quarantine(None, 10).await?.is_empty(), "still set apart");
    ensure!(hub.all::<Person>().await?.len() == there, "not taken in");
    let computers: Vec<Computer> = hub.all().await?;
    ensure!(!computers.is_empty());
    ensure_verified(&hub).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_that_answered_nothing_at_first_is_read_whole_the_next_time() -> Result<()> {
    let estate = Estate::of(40, 88).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    let nothing = Rule {
        fault: Fault::EmptyList,
        face: Some(Face::Halo),
        path: Some("/api/client".to_owned()),
        when: When::Always,
        times: Some(1),
    };
    estate.running.set_faults(vec![nothing]);
    sync_whole(&hub).await?;
    let live = async || -> Result<i64> {
        let streams = hub.store.streams().await?;
        let clients = |key: &core_store::StreamKey| {
            (key.connection.as_str(), key.stream.as_str()) == ("halopsa", "clients")
        };
        Ok(streams.iter().filter(|(key, _)| clients(key)).map(|(_, one)| one.live).sum())
    };
    ensure!(live().await? == 0, "the fault never happened");
    sync_whole(&hub).await?;
    ensure!(live().await? > 0, "what answered nothing once is never read again");
    ensure_verified(&hub).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_of_what_is_there_after_all_ends_with_the_next_sync() -> Result<()> {
    for database in both_databases().await? {
        let estate = Estate::of(80, 89).await?;
        let hub = paging_hub(&estate, database.open().await?)?;
        sync_whole(&hub).await?;
        let nothing = Rule {
            fault: Fault::EmptyList,
            face: Some(Face::Halo),
            path: Some("/api/asset".to_owned()),
            when: When::Always,
            times: None,
        };
        estate.running.set_faults(vec![nothing]);
        let full = SyncOptions { full: true, ..SyncOptions::default() };
        let runs = hub.sync(&["halopsa".to_owned()], &full).await?;
        estate.running.set_faults(Vec::new());
        let held = runs.iter().find(|run| run.outcome == Outcome::Held).context("nothing held")?;
        ensure!(held.stream == "assets" && held.counts.held > 0, "{held:#?}");
        // What changed since names nothing that is there as before.
        let runs = sync_whole(&hub).await?;
        let again =
            runs.iter().find(|run| (&run.stream, &run.scope) == (&held.stream, &held.scope));
        ensure!(again.is_some_and(|run| run.mode == "full"), "{again:#?}");
        ensure!(hub.store.held().await?.is_empty(), "{:#?}", hub.store.held().await?);
        // And then it is read by its changes again.
        let runs = sync_whole(&hub).await?;
        let then = runs.iter().find(|run| (&run.stream, &run.scope) == (&held.stream, &held.scope));
        ensure!(then.is_some_and(|run| run.mode == "incremental"), "{then:#?}");
        ensure_verified(&hub).await?;
        databases::drop_database(&database).await?;
    }
    Ok(())
}
