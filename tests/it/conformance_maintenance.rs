//! The conformance suite of what sessions ask of connections besides scripts: maintenance mode, approved updates,
//! tokens.

use anyhow::{Context as _, Result, ensure};
use core_connector::{Connector, ErrorKind, UpdateState, conformance};
use mocks::faults::{Fault, Rule, When};
use mocks::vendor::Face;
use serde_json::json;
use tests::{Estate, registry};

async fn automate(estate: &Estate) -> Result<Box<dyn Connector>> {
    let mut settings = estate.settings().remove("cw-automate").context("automate")?;
    settings["maintenance_mode"] =
        json!({ "enter_script": 5101, "leave_script": 5102, "minutes_parameter": "Minutes" });
    Ok(registry().kind("cw-automate")?.build(settings)?)
}

/// An Automate computer of a machine that is on, a workstation, with something approved and missing.
fn computer(estate: &Estate) -> Result<String> {
    let world = estate.running.world();
    let mut world = world.write().map_err(|_| anyhow::anyhow!("the world is broken"))?;
    let found = world.automate.computers.iter().find(|one| {
        let machine = &world.machines[one.machine];
        let personal = !matches!(
            machine.kind,
            mocks::world::MachineKind::Server | mocks::world::MachineKind::DomainController
        );
        one.current && one.mark.gone.is_none() && machine.online && personal
    });
    let (id, host) = found
        .map(|one| (one.id.to_string(), world.machines[one.machine].host.clone()))
        .context("a computer")?;
    for kb in 1..=120 {
        let change = json!({ "change": "missing_update", "machine": host, "kb": kb,
            "title": format!("Update number {kb}"),
            "approval": if kb % 2 == 0 { "Approved" } else { "Not Set" } });
        mocks::estate::apply(&mut world, &serde_json::from_value(change)?)?;
    }
    Ok(id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn automate_has_machines_in_maintenance_mode_and_installs_what_is_approved() -> Result<()> {
    let estate = Estate::of(60, 12).await?;
    let (connector, id) = (automate(&estate).await?, computer(&estate)?);
    let findings = conformance::run_maintenance_mode(&*connector, &id).await?;
    ensure!(findings.is_empty(), "{findings:?}");
    let findings = conformance::run_patching(&*connector, &id).await?;
    ensure!(findings.is_empty(), "{findings:?}");
    let patching = connector.patching().context("patching")?;
    // More than the server gives to whoever names no number.
    let approved = patching.approved(&id).await?;
    let missing = approved.updates.iter().filter(|(_, state)| *state == UpdateState::Missing);
    ensure!(missing.count() >= 60, "{approved:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_automate_refuses_is_told_and_a_list_that_was_disturbed_is_read_again() -> Result<()> {
    let estate = Estate::of(60, 12).await?;
    let id = computer(&estate)?;
    let connector = automate(&estate).await?;
    let before = connector.patching().context("patching")?.approved(&id).await?;
    for fault in [Fault::ServerError, Fault::TruncatedBody, Fault::ConnectionCut, Fault::HtmlPage] {
        let rule = Rule {
            fault,
            face: Some(Face::Automate),
            path: Some("/MicrosoftUpdates".to_owned()),
            when: When::Always,
            times: Some(1),
        };
        estate.running.set_faults(vec![rule]);
        let after = connector.patching().context("patching")?.approved(&id).await?;
        ensure!(after == before, "{fault:?}");
        estate.running.set_faults(Vec::new());
    }
    // A script that the server has not.
    let mut settings = estate.settings().remove("cw-automate").context("automate")?;
    settings["maintenance_mode"] = json!({ "enter_script": 7, "leave_script": 8 });
    let wrong = registry().kind("cw-automate")?.build(settings)?;
    let mode = wrong.maintenance_mode().context("mode")?;
    let error = mode.enter(&id, std::time::Duration::from_secs(60)).await.unwrap_err();
    ensure!(error.kind() == ErrorKind::Rejected, "{error}");
    ensure!(error.remedy().contains("enter_script"), "{}", error.remedy());
    // Without the settings nobody is put anywhere.
    let settings = estate.settings().remove("cw-automate").context("automate")?;
    let plain = registry().kind("cw-automate")?.build(settings)?;
    ensure!(plain.maintenance_mode().is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_directory_has_tokens_of_its_own() -> Result<()> {
    let estate = Estate::of(160, 29).await?;
    let settings = estate.settings().remove("azure-ad").context("azure")?;
    let connector = registry().kind("azure-ad")?.build(settings)?;
    let directories: Vec<String> = {
        let streams = connector.streams();
        let users = streams.iter().find(|one| one.name == "users").context("users")?;
        users.source.scopes().await?.into_iter().map(|scope| scope.key).collect()
    };
    let clients: Vec<&str> = directories.iter().take(3).map(String::as_str).collect();
    ensure!(clients.len() == 3, "{directories:?}");
    let findings = conformance::run_access_tokens(&*connector, &clients).await?;
    ensure!(findings.is_empty(), "{findings:?}");
    Ok(())
}
