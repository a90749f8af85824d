//! Reboots through both RMMs, as the machines count them.

use core_maintenance::{BusinessHours, DayTime};
use core_plan::RebootPolicy;
use mocks::world::RebootCause;

use super::*;

/// A night in which sessions reboot by a policy, and a few computers.
async fn night(
    seed: u64,
    policy: RebootPolicy,
) -> Result<(Night, ForAll, Vec<Computer>, Arc<tempfile::TempDir>)> {
    let night = Night::of(60, seed).await?;
    let (store, folder) = fresh_sqlite().await?;
    let mut foreman = everything(&night, store).await?;
    foreman.session.reboots = policy;
    let computers = computers(&foreman, 4).await?;
    for computer in &computers {
        night.change(json!({ "change": "pending_reboot", "machine": computer.name, "cause": null, "clears": true }))?;
    }
    Ok((night, foreman, computers, folder))
}

/// Runs a session of each, and gives them when all are over.
async fn run(foreman: &Arc<ForAll>, computers: &[Computer], over: usize) -> Result<Vec<Session>> {
    use core_engine::Foreman as _;
    let sessions: Vec<Session> = computers.iter().map(|one| foreman.session_of(one)).collect();
    foreman.hub().store.add_sessions(&sessions).await?;
    let all = until_over(foreman, over).await?;
    Ok(all.into_iter().filter(|one| sessions.iter().any(|own| own.id == one.id)).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s27_with_force_a_machine_is_rebooted_once_though_nothing_is_pending_or_to_be_done()
-> Result<()> {
    let (night, foreman, computers, _folder) = night(14, RebootPolicy::Force).await?;
    let foreman = Arc::new(foreman);
    // The second time everything is as it should be, and it is rebooted all the same.
    for times in 1..=2 {
        for session in run(&foreman, &computers, times * computers.len()).await? {
            let host = &session.subject_name;
            let result = session.result.clone().unwrap_or_default();
            ensure!(session.state == SessionState::Succeeded, "{host}: {}", session.word);
            let reboots = night.machine(host)?.reboots.len();
            ensure!(reboots == times && result["rebooted"] == true, "{host}: {reboots} {result}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s27_in_business_hours_nothing_is_rebooted_and_that_is_said() -> Result<()> {
    let (night, mut foreman, computers, _folder) = night(17, RebootPolicy::Force).await?;
    let time = |text: &str| DayTime::parse(text).map_err(anyhow::Error::msg);
    let days = (0..7_u8).filter_map(|day| chrono::Weekday::try_from(day).ok()).collect();
    foreman.hours = Some(BusinessHours {
        from: time("00:00")?,
        until: time("00:00")?,
        days,
        zone: chrono_tz::UTC,
    });
    let now = {
        use core_engine::Foreman as _;
        foreman.hub().clock.now()
    };
    ensure!(foreman.hours.as_ref().is_some_and(|hours| hours.hold(now).is_some()), "all day long");
    let foreman = Arc::new(foreman);
    for session in run(&foreman, &computers, computers.len()).await? {
        let host = &session.subject_name;
        let result = session.result.clone().unwrap_or_default();
        ensure!(night.machine(host)?.reboots.is_empty(), "{host} was rebooted");
        ensure!(result["notes"].to_string().contains("business hours"), "{host}: {result}");
        as_wanted(&night, &session)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s20_a_machine_that_asks_for_a_reboot_for_ever_is_rebooted_once_and_that_is_said()
-> Result<()> {
    let (night, foreman, mut computers, _folder) = night(18, RebootPolicy::Normal).await?;
    computers.truncate(1);
    let foreman = Arc::new(foreman);
    let host = computers[0].name.clone();
    let pending = json!({
        "change": "pending_reboot", "machine": host, "cause": RebootCause::FileRenames, "clears": false,
    });
    night.change(pending)?;
    // The second time there is nothing to be done, and so nothing that a reboot would be for.
    for times in 1..=2 {
        let session = run(&foreman, &computers, times).await?.pop().context("a session")?;
        let result = session.result.clone().unwrap_or_default();
        let counted = night.machine(&host)?.reboots.len();
        ensure!(counted == 1, "session {times}: {counted} reboots, {result}");
        let said = result["notes"].to_string().contains("loop is suspected");
        ensure!(said == (times == 1), "session {times}: {result}");
        as_wanted(&night, &session)?;
    }
    Ok(())
}
