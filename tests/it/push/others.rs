//! What others do: a human changes what the hub wrote, a system fails at one object.

use core_store::PushMade;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_human_changed_stays_and_is_told_until_he_or_the_admin_says_otherwise() -> Result<()>
{
    let site = Site::of(60, seeds([34])[0]).await?;
    let database = databases::sqlite()?;
    let hub = site.hub(database.open().await?)?;
    sync_whole(&hub).await?;
    let first = push(&hub, false).await?;
    ensure_fine(&first)?;
    let key = written(of(&first, HALO)?, "user").or_else(|_| {
        let made = of(&first, HALO)?.items.iter().find(|item| {
            matches!(item.outcome, Pushed::Created)
                && item.changes.iter().any(|change| change.field == "user")
        });
        made.and_then(|item| item.object.clone()).context("no user was written")
    })?;
    let id: i64 = key.parse()?;
    let find = || site.assets().into_iter().find(|asset| asset.id == id);
    let ours = find().context("no asset")?.users;
    let human =
        site.assets().iter().flat_map(|asset| asset.users.clone()).find(|u| !ours.contains(u));
    let human = human.context("nobody else")?;
    site.edit(&key, |asset| asset.users = vec![human])?;

    // A sync tells that the asset changed; the push looks, and yields.
    read_whole(&hub, &Default::default()).await?;
    let second = push(&hub, false).await?;
    let report = of(&second, HALO)?;
    ensure!(report.conflicts() == 1 && report.failed() == 0, "{report:?}");
    let conflict = report.items.iter().find(|item| !item.conflicts.is_empty());
    let conflict = &conflict.context("no conflict")?.conflicts[0];
    ensure!(conflict.field == "user" && conflict.from == human.to_string(), "{conflict:?}");
    ensure!(find().context("no asset")?.users == [human], "the human's change is gone");
    let open_ones = open(&hub, PushState::Conflict).await?;
    ensure!(open_ones.len() == 1 && open_ones[0].object == key, "{open_ones:?}");
    ensure!(open_ones[0].conflicts.contains("\"user\""), "{open_ones:?}");
    // It stays so, also where everything is looked at.
    push(&hub, true).await?;
    ensure!(find().context("no asset")?.users == [human]);

    // The admin overrules him.
    ensure!(hub.store.forget_push(HALO, &key).await? > 0);
    let third = push(&hub, false).await?;
    ensure!(of(&third, HALO)?.conflicts() == 0, "{third:?}");
    ensure!(find().context("no asset")?.users == ours, "the hub did not write again");
    ensure!(open(&hub, PushState::Conflict).await?.is_empty());

    // Whoever sets it back himself ends it, too.
    site.edit(&key, |asset| asset.users = vec![human])?;
    push(&hub, true).await?;
    ensure!(open(&hub, PushState::Conflict).await?.len() == 1);
    site.edit(&key, |asset| asset.users.clone_from(&ours))?;
    push(&hub, true).await?;
    ensure!(open(&hub, PushState::Conflict).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_fails_stops_no_other_is_tried_again_dies_and_is_raised_by_hand()
-> Result<()> {
    let site = Site::of(60, seeds([35])[0]).await?;
    let database = databases::sqlite()?;
    let hub = site.hub(database.open().await?)?;
    sync_whole(&hub).await?;
    let dry = PushOptions { dry_run: true, ..PushOptions::default() };
    let key = written(of(&hub.push(&[], dry).await?, HALO)?, "SMBIOS UUID")?;
    let forbidden = Rule {
        fault: Fault::Forbidden,
        face: Some(Face::Halo),
        path: Some(format!("asset/{key}")),
        when: When::Always,
        times: None,
    };
    site.estate.running.set_faults(vec![forbidden]);
    let first = push(&hub, false).await?;
    let report = of(&first, HALO)?;
    let failed = |report: &PushReport| {
        report.items.iter().any(|item| {
            item.object.as_deref() == Some(&key) && matches!(item.outcome, Pushed::Failed { .. })
        })
    };
    ensure!(failed(report) && report.ended.is_none(), "{report:?}");
    ensure!(report.count(|i| matches!(i.outcome, Pushed::Written | Pushed::Created)) > 20);
    let ours = async |state| -> Result<Option<PushItem>> {
        Ok(open(&hub, state).await?.into_iter().find(|item| item.object == key))
    };
    let item = ours(PushState::Retry).await?.context("it is not open")?;
    ensure!(item.attempts == 1 && item.error_kind.as_deref() == Some("forbidden"), "{item:?}");
    ensure!(item.remedy.as_deref().unwrap_or_default().contains("read:assets"), "{item:?}");

    // Not before its time, whatever else is looked at.
    let calls = site.calls("halo");
    ensure!(!failed(of(&push(&hub, false).await?, HALO)?));
    ensure!(site.calls("halo") == calls, "it was tried before its time");
    for attempts in [2, 3] {
        site.wait(5);
        ensure!(failed(of(&push(&hub, false).await?, HALO)?), "attempt {attempts}");
    }
    let item = ours(PushState::Dead).await?.context("it is no dead letter")?;
    ensure!(item.attempts == 3, "{item:?}");
    site.wait(100);
    ensure!(!failed(of(&push(&hub, true).await?, HALO)?), "a dead letter was tried");

    site.estate.running.set_faults(Vec::new());
    ensure!(hub.store.retry_push(Some(HALO), None, 1).await? > 0);
    let raised = push(&hub, false).await?;
    ensure!(written(of(&raised, HALO)?, "SMBIOS UUID")? == key, "{raised:?}");
    ensure!(ours(PushState::Dead).await?.is_none() && ours(PushState::Retry).await?.is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_that_is_down_is_left_alone_and_the_next_push_does_what_was_left() -> Result<()> {
    let site = Site::of(60, seeds([36])[0]).await?;
    let database = databases::sqlite()?;
    let hub = site.hub(database.open().await?)?;
    sync_whole(&hub).await?;
    let down = Rule {
        fault: Fault::Unavailable,
        face: Some(Face::Control),
        path: None,
        when: When::Always,
        times: None,
    };
    site.estate.running.set_faults(vec![down]);
    let first = push(&hub, false).await?;
    let control = of(&first, "cw-control")?;
    ensure!(control.ended.is_some() && control.failed() < 30, "{control:?}");
    ensure!(of(&first, HALO)?.ended.is_none(), "one stopped another");
    ensure!(hub.store.cursor("push:cw-control").await? == 0, "what was left is forgotten");
    site.estate.running.set_faults(Vec::new());
    site.wait(1);
    let second = push(&hub, false).await?;
    ensure_fine(&second)?;
    ensure!(open(&hub, PushState::Retry).await?.iter().all(|item| item.connection == HALO));
    let marks = hub.store.push_marks("cw-control", None).await?;
    ensure!(marks.iter().all(|mark| mark.sent.is_none()) && marks.len() > 20);
    Ok(())
}

/// Has the hub make what is missing: what it made, and how the estate is after it.
async fn made(site: &Site, hub: &Hub) -> Result<(Vec<PushMade>, u64, usize)> {
    sync_whole(hub).await?;
    ensure_fine(&push(hub, false).await?)?;
    let made = hub.store.push_objects(HALO, None).await?;
    ensure!(made.len() > 10, "{made:?}");
    Ok((made, site.version(), site.assets().len()))
}

fn keys(made: &[PushMade]) -> BTreeSet<(String, Option<String>)> {
    made.iter().map(|one| (one.computer.clone(), one.object.clone())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hub_made_is_found_again_by_its_link_when_nobody_noted_its_key() -> Result<()> {
    let site = Site::of(60, seeds([39])[0]).await?;
    let database = databases::sqlite()?;
    let hub = site.hub(database.open().await?)?;
    let (made, version, assets) = made(&site, &hub).await?;
    // As if each process had died between the answer and the note of it.
    for one in &made {
        hub.store.drop_push_object(HALO, &one.computer).await?;
    }
    let again = push(&hub, true).await?;
    ensure_fine(&again)?;
    ensure!(site.assets().len() == assets && site.version() == version, "made or written twice");
    ensure!(keys(&hub.store.push_objects(HALO, None).await?) == keys(&made));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hub_made_and_read_back_before_anybody_noted_its_key_is_still_its_own()
-> Result<()> {
    let site = Site::of(60, seeds([41])[0]).await?;
    let database = databases::sqlite()?;
    let hub = site.hub(database.open().await?)?;
    let (made, version, assets) = made(&site, &hub).await?;
    for one in &made {
        hub.store.drop_push_object(HALO, &one.computer).await?;
        hub.store.begin_push_object(HALO, &one.computer, &one.wanted, 1).await?;
    }
    // The daemon reads before it pushes again: by now they are assets like any other.
    read_whole(&hub, &Default::default()).await?;
    ensure_fine(&push(&hub, false).await?)?;
    ensure!(site.assets().len() == assets && site.version() == version, "made or written twice");
    let noted = hub.store.push_objects(HALO, None).await?;
    ensure!(keys(&noted) == keys(&made), "{noted:?}");
    ensure_verified(&hub).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asset_that_a_human_made_meanwhile_is_taken_and_one_that_says_nothing_is_asked_about()
-> Result<()> {
    let site = Site::of(60, seeds([40])[0]).await?;
    let database = databases::sqlite()?;
    let hub = site.hub(database.open().await?)?;
    sync_whole(&hub).await?;
    let dry = PushOptions { dry_run: true, ..PushOptions::default() };
    let told = hub.push(&[], dry).await?;
    let to_make: Vec<(String, Option<String>)> = of(&told, HALO)?
        .items
        .iter()
        .filter(|item| matches!(item.outcome, Pushed::Created))
        .map(|item| {
            let serial = item.changes.iter().find(|change| change.field == "serial");
            (item.name.clone(), serial.map(|change| change.to.clone()))
        })
        .filter(|(_, serial)| serial.is_some())
        .collect();
    let [(same, serial), (alike, _), ..] = to_make.as_slice() else {
        anyhow::bail!("too few: {to_make:?}");
    };
    // After the last sync a human makes two: one with its serial, one with nothing but its name.
    let by_hand = |name: &str, serial: Option<String>| {
        with_world(&site.estate, |world: &mut World| -> Result<i64> {
            let machine = world.machines.iter().find(|one| one.host == name);
            let tenant = machine.context("no such machine")?.tenant;
            let mut clients = world.halo.clients.iter().filter(|one| one.tenant == Some(tenant));
            let client = clients.find(|one| !one.by_hand && one.mark.gone.is_none());
            let client = client.context("no client")?.id;
            let place = world.halo.sites.iter().find(|one| one.client == client);
            let place = place.context("no site")?.id;
            let mut asset = world.halo.assets[0].clone();
            asset.id = world.halo.assets.iter().map(|one| one.id).max().unwrap_or(0) + 1;
            asset.site = place;
            asset.machine = None;
            name.clone_into(&mut asset.inventory_number);
            asset.serial = serial;
            (asset.automate_id, asset.control_id, asset.intune_id) = (None, None, None);
            asset.users = Vec::new();
            asset.inactive = false;
            let id = asset.id;
            world.halo.assets.push(asset);
            Ok(id)
        })
    };
    let taken = by_hand(same, serial.clone())?;
    let unsure = by_hand(alike, None)?;
    let reports = push(&hub, false).await?;
    let halo = of(&reports, HALO)?;
    let item = |name: &str| halo.items.iter().find(|item| item.name == name);
    let item_same = item(same).context("it was not looked at")?;
    ensure!(item_same.object == Some(taken.to_string()), "{item_same:?}");
    ensure!(matches!(item_same.outcome, Pushed::Written), "{item_same:?}");
    let item_alike = item(alike).context("it was not looked at")?;
    let Pushed::Failed { error, .. } = &item_alike.outcome else {
        anyhow::bail!("{item_alike:?}");
    };
    ensure!(error.detail().contains(&format!("`{unsure}` has the same name")), "{error}");
    let named =
        |name: &str| site.assets().iter().filter(|one| one.inventory_number == name).count();
    ensure!(named(same) == 1 && named(alike) == 1, "made beside the human's");
    Ok(())
}
