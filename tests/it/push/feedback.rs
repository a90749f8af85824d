//! What the hub wrote comes back with the next sync, and changes nothing that the hub believes.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_pushed_and_is_read_back_changes_no_computer_and_nobody() -> Result<()> {
    for database in both_databases().await? {
        let site = Site::of(120, seeds([37])[0]).await?;
        let hub = site.hub(database.open().await?)?;
        sync_whole(&hub).await?;
        let at = Utc::now();
        let before = view(&hub, at).await?;
        let assets = async || -> Result<BTreeMap<String, Vec<(String, String)>>> {
            let computers: Vec<Computer> = hub.all().await?;
            Ok(computers.into_iter().map(|one| (one.id.to_string(), one.assets)).collect())
        };
        let had = assets().await?;
        ensure_fine(&push(&hub, false).await?)?;
        let made: BTreeMap<String, String> = hub
            .store
            .push_objects(HALO, None)
            .await?
            .into_iter()
            .filter_map(|made| Some((made.computer, made.object?)))
            .collect();
        ensure!(made.len() > 20, "{made:?}");

        read_whole(&hub, &Default::default()).await?;
        ensure_same(&before, &view(&hub, at).await?, "what was pushed changed the model")?;
        ensure_verified(&hub).await?;
        // Each computer has the assets that it had, and the one that was made for it.
        for (computer, has) in assets().await? {
            let mut wanted = had.get(&computer).cloned().unwrap_or_default();
            wanted.extend(made.get(&computer).map(|key| (HALO.to_owned(), key.clone())));
            wanted.sort();
            ensure!(has == wanted, "{computer} has {has:?}, not {wanted:?}");
        }
        // And what it reads back is no reason to write.
        let version = site.version();
        ensure_fine(&push(&hub, false).await?)?;
        ensure!(site.version() == version, "what was read back was written again");
        ensure!(open(&hub, PushState::Conflict).await?.is_empty());
        databases::drop_database(&database).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_uses_a_computer_now_is_written_after_the_event_and_only_there() -> Result<()> {
    let site = Site::of(80, seeds([38])[0]).await?;
    let database = databases::sqlite()?;
    let hub = site.hub(database.open().await?)?;
    sync_whole(&hub).await?;
    ensure_fine(&push(&hub, false).await?)?;
    let computers: Vec<Computer> = hub.all().await?;
    let persons: Vec<core_model::entity::Person> = hub.all().await?;
    let made = hub.store.push_objects(HALO, None).await?;
    // Somebody else of the tenant is pinned; whoever has a contact shows in Halo.
    let computer = computers.iter().find(|one| {
        one.primary.is_some() && made.iter().any(|made| made.computer == one.id.to_string())
    });
    let computer = computer.context("no computer")?;
    let agent = hub.all::<core_model::entity::Agent>().await?;
    let agent = agent.iter().find(|one| computer.agents.contains(&one.id)).context("no agent")?;
    let now = computer.primary.as_ref().map(|primary| primary.person);
    let other = persons.iter().find(|one| {
        one.tenant == computer.tenant && Some(one.id) != now && !one.disabled && !one.gone
    });
    let other = other.context("nobody else")?;
    let record = core_model::RecordRef::new(
        &other.connection,
        core_model::RecordKind::Person,
        &other.directory,
        &other.directory_id,
    );
    let agent = core_model::RecordRef::new(
        &agent.connection,
        core_model::RecordKind::Agent,
        &agent.scope,
        &agent.key,
    );
    let pin = core_model::decision::Settled::PinPrimary { agent, person: Some(record) };
    hub.store.add_decision(&pin, "ana", hub.clock.now_us()).await?;
    hub.derive().await?;
    let reports = push(&hub, false).await?;
    ensure_fine(&reports)?;
    let names: BTreeSet<&str> = reports
        .iter()
        .flat_map(|report| &report.items)
        .filter(|item| matches!(item.outcome, Pushed::Written))
        .map(|item| item.computer.as_str())
        .collect();
    ensure!(names == BTreeSet::from([computer.id.to_string().as_str()]), "{reports:?}");
    Ok(())
}
