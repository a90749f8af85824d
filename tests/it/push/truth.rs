//! After a sync and a push the systems hold what the estate knows to be true; a second push writes
//! nothing; a dry run writes nothing at all.

use core_model::entity::{Agent, AgentState};

use super::*;

/// What the estate knows of a machine, and can be pushed for certain.
struct Known {
    host: String,
    serial: Option<String>,
    uuid: Option<String>,
    user: Option<i64>,
    upn: Option<String>,
    automate: Option<u64>,
}

/// What is true of the machines whose primary person and identity the hub can know, by an agent of
/// theirs.
fn known(site: &Site) -> BTreeMap<(String, String), Known> {
    let truth = site.estate.truth();
    let plain = |troubles: &[String], bad: &[&str]| {
        !troubles.iter().any(|trouble| bad.contains(&trouble.as_str()))
    };
    with_world(&site.estate, |world| {
        let mut found = BTreeMap::new();
        for computer in &truth.computers {
            let machine = &world.machines[computer.no];
            let identity = ["junk_uuid", "swapped_uuid", "clone", "cloned", "swapped_board"];
            let person = computer.primary_person.filter(|_| computer.knowable);
            let row = person.and_then(|id| world.persons.iter().position(|one| one.id == id));
            let contact = row.and_then(|row| {
                let mut of = world.halo.users.iter().filter(|user| user.person == Some(row));
                of.next().filter(|user| {
                    !user.inactive && (user.email.is_some() || user.azure_oid.is_some())
                })
            });
            let known = Known {
                host: computer.host.clone(),
                serial: plain(&computer.troubles, &["placeholder_serial", "clone", "cloned"])
                    .then(|| machine.serial.clone()),
                uuid: plain(&computer.troubles, &identity).then(|| machine.uuid.clone()),
                user: contact.map(|user| user.id),
                upn: row.map(|row| world.persons[row].upn.clone()),
                automate: machine.automate_row.map(|row| world.automate.computers[row].id),
            };
            for agent in computer.agents.iter().filter(|agent| agent.current) {
                found.insert((agent.kind.clone(), agent.id.clone()), Known { ..clone(&known) });
            }
        }
        found
    })
}

fn clone(known: &Known) -> Known {
    Known {
        host: known.host.clone(),
        serial: known.serial.clone(),
        uuid: known.uuid.clone(),
        user: known.user,
        upn: known.upn.clone(),
        automate: known.automate,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_push_every_asset_has_the_estates_true_user_and_identity_and_the_next_writes_nothing()
-> Result<()> {
    for database in both_databases().await? {
        let site = Site::of(150, seeds([31])[0]).await?;
        let hub = site.hub(database.open().await?)?;
        sync_whole(&hub).await?;
        let reports = push(&hub, false).await?;
        ensure_fine(&reports)?;
        ensure!(of(&reports, HALO)?.count(|i| matches!(i.outcome, Pushed::Created)) > 20);
        ensure_true(&site, &hub).await?;

        // The same again: not even a question.
        let (version, calls) = (site.version(), site.calls("halo"));
        let again = push(&hub, false).await?;
        ensure!(site.version() == version, "a second push wrote: {again:?}");
        ensure!(site.calls("halo") == calls, "a second push asked");
        ensure!(again.iter().all(|report| report.run.is_none()), "{again:?}");
        // Looking at everything anew writes nothing either.
        let again = push(&hub, true).await?;
        ensure_fine(&again)?;
        ensure!(site.version() == version, "a full push wrote: {again:?}");
        ensure!(site.calls("halo") > calls, "a full push did not ask");
        databases::drop_database(&database).await?;
    }
    Ok(())
}

/// The only agent in Automate that is known to be of this computer.
fn only_automate(computer: &Computer, agents: &[Agent]) -> Option<u64> {
    let mut matched = agents.iter().filter(|agent| {
        computer.agents.contains(&agent.id)
            && agent.connection == "cw-automate"
            && agent.state == AgentState::Matched
    });
    let only = matched.next().filter(|_| matched.next().is_none())?;
    only.key.parse().ok()
}

pub(crate) async fn ensure_true(site: &Site, hub: &Hub) -> Result<()> {
    let known = known(site);
    let agents: Vec<Agent> = hub.all().await?;
    let kinds: HashMap<_, _> =
        agents.iter().map(|one| (one.id, (one.connection.clone(), one.key.clone()))).collect();
    let made: HashMap<String, String> = hub
        .store
        .push_objects(HALO, None)
        .await?
        .into_iter()
        .filter_map(|made| Some((made.computer, made.object?)))
        .collect();
    let assets: HashMap<i64, HaloAsset> =
        site.assets().into_iter().map(|asset| (asset.id, asset)).collect();
    let connections = site.connections()?;
    let halo = connections.iter().find(|one| one.kind == HALO).context("no Halo")?;
    let halo = halo.connector.push().context("Halo did not opt in")?;
    let (mut users, mut uuids, mut seen) = (0, 0, BTreeSet::new());
    for computer in hub.all::<Computer>().await? {
        let of = computer.agents.iter().find_map(|id| known.get(kinds.get(id)?));
        let Some(known) = of else { continue };
        let own = computer.assets.iter().map(|(_, key)| key);
        // What was made and was read back since is there both ways.
        let keys: BTreeSet<&String> = own.chain(made.get(&computer.id.to_string())).collect();
        for key in keys {
            let asset = &assets[&key.parse()?];
            ensure!(seen.insert(asset.id), "asset {key} is of two computers");
            if asset.inactive {
                continue;
            }
            if let Some(user) = known.user {
                ensure!(asset.users == [user], "{}: {asset:?}, not {user}", known.host);
                users += 1;
            }
            if let Some(serial) = &known.serial {
                let there = asset.serial.clone().unwrap_or_default();
                ensure!(
                    there.eq_ignore_ascii_case(serial),
                    "{}: {asset:?}, not {serial}",
                    known.host
                );
            }
            if computer.flags.contains(&Flag::Clone) {
                continue;
            }
            // What nobody could identify yet is known to be nobody's.
            if known.automate.is_some() && known.automate == only_automate(&computer, &agents) {
                ensure!(asset.automate_id == known.automate, "{}: {asset:?}", known.host);
            }
            // A machine that is off, and whose inventory nobody has, has told nobody.
            if let Some(uuid) = known.uuid.as_ref().filter(|_| !computer.uuids.is_empty()) {
                let there = halo.read(key).await?;
                let found = there.value("SMBIOS UUID").to_owned();
                ensure!(found.eq_ignore_ascii_case(uuid), "{}: {found}, not {uuid}", known.host);
                uuids += 1;
            }
        }
    }
    println!("{users} users and {uuids} UUIDs are the estate's own, of {} assets", seen.len());
    ensure!(users > 20 && uuids > 40, "too few to mean anything");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_and_automate_hold_the_estates_persons_and_nothing_else_changed() -> Result<()> {
    let site = Site::of(120, seeds([32])[0]).await?;
    let database = databases::sqlite()?;
    let hub = site.hub(database.open().await?)?;
    sync_whole(&hub).await?;
    let before = with_world(&site.estate, |world| world.control.sessions.clone());
    let reports = push(&hub, false).await?;
    ensure_fine(&reports)?;
    let known = known(&site);
    let (mut persons, mut serials) = (0, 0);
    with_world(&site.estate, |world| {
        for (was, is) in before.iter().zip(&world.control.sessions) {
            ensure!(was.properties[..6] == is.properties[..6], "{was:?} became {is:?}");
            let of = ("cw-control".to_owned(), is.id.to_string());
            let Some(known) = known.get(&of) else { continue };
            if let (Some(upn), [.., there, _]) = (&known.upn, &is.properties)
                && !there.is_empty()
            {
                ensure!(there.eq_ignore_ascii_case(upn), "{}: {there}, not {upn}", known.host);
                persons += 1;
            }
            if let (Some(serial), [.., there]) = (&known.serial, &is.properties)
                && !there.is_empty()
            {
                ensure!(there.eq_ignore_ascii_case(serial), "{}: {there}", known.host);
                serials += 1;
            }
        }
        for ((kind, id), known) in known.iter().filter(|((kind, _), _)| kind == "cw-automate") {
            let there = world.automate.extra_fields.get(&format!("Computer/{id}/104"));
            if let (Some(upn), Some(there)) = (&known.upn, there.and_then(|one| one.as_str())) {
                ensure!(there.eq_ignore_ascii_case(upn), "{kind} {}: {there}", known.host);
                persons += 1;
            }
        }
        Ok(())
    })?;
    ensure!(persons > 20 && serials > 10, "{persons} persons, {serials} serials");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_writes_nothing_and_tells_what_a_push_then_does() -> Result<()> {
    let site = Site::of(80, seeds([33])[0]).await?;
    let database = databases::sqlite()?;
    let hub = site.hub(database.open().await?)?;
    sync_whole(&hub).await?;
    let version = site.version();
    let runs = hub.store.runs(1000, None).await?.len();
    let dry = PushOptions { dry_run: true, ..PushOptions::default() };
    let told = hub.push(&[], dry).await?;
    ensure!(site.version() == version, "a dry run wrote");
    for connection in ALL {
        ensure!(hub.store.push_marks(connection, None).await?.is_empty());
        ensure!(hub.store.push_objects(connection, None).await?.is_empty());
        ensure!(hub.store.cursor(&format!("push:{connection}")).await? == 0);
    }
    ensure!(hub.store.push_items(None).await?.is_empty());
    ensure!(hub.store.runs(1000, None).await?.len() == runs, "a dry run is no run");
    let done = push(&hub, false).await?;
    let words = |reports: &[PushReport]| -> Vec<String> {
        let items = reports.iter().flat_map(|report| &report.items);
        items
            .filter(|item| matches!(item.outcome, Pushed::Written | Pushed::Created))
            .map(|item| format!("{} {:?}", item.name, item.changes))
            .collect()
    };
    ensure!(words(&told) == words(&done), "the dry run told something else");
    ensure!(words(&done).len() > 60);
    Ok(())
}
