//! Several sessions of one computer.

use anyhow::bail;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s25_of_two_sessions_that_wait_for_a_computer_one_runs_after_the_other_when_it_connects()
-> Result<()> {
    use core_engine::Foreman as _;
    use core_model::session::SessionKind;
    let night = Night::of(60, 19).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let mut foreman = everything(&night, store.clone()).await?;
    foreman.settings.away = Duration::from_secs(7 * 86_400);
    let foreman = Arc::new(foreman);
    let computer = computers(&foreman, 1).await?.pop().context("a computer")?;
    let power = |on: bool| json!({ "change": "power", "machine": computer.name, "on": on });
    night.change(power(false))?;
    sync_all(&foreman.hub()).await?;
    let pending = foreman.session_of(&computer);
    let onboarding = Session {
        id: core_model::id::SessionId::of_text("onboarding", pending.asked_us),
        kind: SessionKind::Onboarding,
        ..pending.clone()
    };
    store.add_sessions(&[pending.clone(), onboarding.clone()]).await?;
    let at_work = AtWork::begin(&foreman);
    let until = async |wanted: &dyn Fn(&[Session]) -> bool| -> Result<Vec<Session>> {
        for _ in 0..1_200 {
            let all = [store.session(pending.id).await?, store.session(onboarding.id).await?];
            ensure!(
                all.iter().filter(|one| one.state == SessionState::Running).count() < 2,
                "two at once: {all:?}"
            );
            if wanted(&all) {
                return Ok(all.to_vec());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("it does not come: {:?}", store.sessions(SessionQuery::default()).await?)
    };
    until(&|all| all.iter().all(|one| one.away && one.state == SessionState::Waiting)).await?;
    night.change(power(true))?;
    sync_all(&foreman.hub()).await?;
    let over = until(&|all| all.iter().all(|one| one.state.is_over())).await?;
    at_work.end().await?;
    let mut spans = Vec::new();
    for session in &over {
        ensure!(session.state == SessionState::Succeeded, "{}", session.word);
        let lines = store.session_lines(session.id, 0).await?;
        // Since it connected: what was begun while it was away may have been begun by both in turn.
        let begun = session.begun_us.context("begun")?;
        let began = lines.iter().map(|line| line.began_us.max(begun)).min().context("steps")?;
        let ended = lines.iter().filter_map(|line| line.ended_us).max().context("ended steps")?;
        spans.push((began, ended));
    }
    spans.sort_unstable();
    ensure!(spans[0].1 <= spans[1].0, "they ran side by side: {spans:?}");
    let machine = night.machine(&computer.name)?;
    let mut runs = BTreeMap::<String, usize>::new();
    for run in &machine.installers {
        *runs.entry(format!("{:?} {:?}", run.package, run.verb)).or_default() += 1;
    }
    ensure!(runs.values().all(|times| *times == 1), "{runs:?}");
    as_wanted(&night, &over[0])
}
