//! What others do: a human changes what the hub wrote, a system fails at one object.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_human_changed_stays_and_is_told_until_he_or_the_admin_says_otherwise() -> Result<()>
{
    let site = Site::of(60, 34).await?;
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
    let site = Site::of(60, 35).await?;
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
    let site = Site::of(60, 36).await?;
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
