//! `linchpin sync`: reads connections, asks machines, brings the model up to date, and says what
//! each run did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use core_model::RecordKind;
use core_model::entity::{Client, EntityKind};
use core_model::run::{Outcome, Run};
use core_store::Store;
use core_sync::{CollectOutcome, Hub, SyncOptions, Trigger};
use tokio::task::JoinHandle;

use super::find;
use super::text::{self, count};
use crate::cli::{Global, SyncArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::progress::{self, Reporter};

pub(super) mod dry;
pub(crate) mod report;

pub(crate) async fn run(global: &Global, args: &SyncArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let reporter = progress::watch(global.json);
    let mut hub = context.hub_for(&args.connections, reporter.clone())?;
    if !args.connections.is_empty() {
        hub.connections.retain(|connection| args.connections.contains(&connection.name));
    }
    let options = SyncOptions {
        stream: args.stream.clone(),
        full: args.full,
        accept_deletions: args.accept_deletions,
        trigger: Trigger::Manual,
        ..SyncOptions::default()
    };
    if args.dry_run {
        return dry::run(global, &hub, &options).await;
    }
    let stopping = hub.stop_switch();
    let listening = stop_on_signal(Arc::clone(&stopping), Arc::clone(&reporter));
    let runs = hub.sync(&args.connections, &options).await;
    let asked = match &runs {
        Ok(runs) if context.config.ask && !args.no_ask => ask(&mut hub, runs, args).await,
        _ => Ok(None),
    };
    listening.abort();
    reporter.close();
    let runs = runs?;
    let stopped = stopping.load(Ordering::Relaxed);
    let names = report::scope_names(&hub.store).await?;
    if global.json {
        for run in &runs {
            output::json(&report::as_json(run, &names));
        }
    } else {
        report::print(&runs, &names);
        if stopped {
            output::line("stopped; the next sync goes on after the last page that was stored");
        }
    }
    // What was read is printed also where asking failed.
    let asked = asked?;
    if !global.json {
        print_model(&hub.store, asked).await?;
    }
    Ok(exit(&runs, stopped))
}

/// The exit code of a sync: 1 where nothing worked, 3 where something did not.
pub(crate) fn exit(runs: &[Run], stopped: bool) -> Exit {
    let number = |outcome| runs.iter().filter(|run| run.outcome == outcome).count();
    let counted = runs.len() - number(Outcome::Skipped);
    let (complete, failed) = (number(Outcome::Complete), number(Outcome::Failed));
    if counted == complete && !stopped {
        Exit::Ok
    } else if failed == counted && failed > 0 {
        Exit::Failed
    } else {
        Exit::Partly
    }
}

/// Asks the machines of the connections that could be read and that can run scripts.
async fn ask(
    hub: &mut Hub,
    runs: &[Run],
    args: &SyncArgs,
) -> Result<Option<CollectOutcome>, Failure> {
    let read = |name: &str| {
        let good = |run: &&Run| matches!(run.outcome, Outcome::Complete | Outcome::Held);
        runs.iter().filter(good).any(|run| run.connection == name)
    };
    // Who asked for one stream only wants no scripts run, unless it is the stream of the agents.
    let wanted = args.stream.as_ref();
    hub.connections.retain(|connection| {
        let connector = &connection.connector;
        let streams = connector.streams();
        let mut of_agents = streams.iter().filter(|one| one.kinds.contains(&RecordKind::Agent));
        read(&connection.name)
            && connector.scripts().is_some()
            && of_agents.any(|one| wanted.is_none_or(|wanted| one.name == wanted))
    });
    if hub.connections.is_empty() {
        return Ok(None);
    }
    Ok(Some(hub.collect().await?))
}

/// The first signal stops after the pages in flight, the second at once.
fn stop_on_signal(stopping: Arc<AtomicBool>, reporter: Arc<Reporter>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while super::mocks::stopped().await.is_ok() {
            if stopping.swap(true, Ordering::Relaxed) {
                reporter.close();
                output::error_line("ended at once; the next sync goes on after the last page");
                std::process::exit(i32::from(Exit::Failed.code()));
            }
            reporter.say("stopping after the pages in flight; once more ends at once");
        }
    })
}

async fn print_model(store: &Store, asked: Option<CollectOutcome>) -> Result<(), Failure> {
    output::line("");
    if let Some(asked) = asked.filter(|asked| asked.asked > 0) {
        output::line(&format!(
            "asked {}: {} answered, {} did not",
            count(asked.asked as u64, "machine", "machines"),
            output::thousands(asked.answered as u64),
            output::thousands(asked.failed as u64),
        ));
        if asked.left > 0 {
            let left = count(asked.left as u64, "script is", "scripts are");
            output::line(&format!("{left} still on their way; the next sync takes them up"));
        }
    }
    let mut parts = Vec::new();
    for (kind, one, many) in [
        (EntityKind::Tenant, "tenant", "tenants"),
        (EntityKind::Person, "person", "persons"),
        (EntityKind::Computer, "computer", "computers"),
        (EntityKind::Agent, "agent", "agents"),
        (EntityKind::AgreementLine, "agreement line", "agreement lines"),
    ] {
        parts.push(count(store.count(kind).await?, one, many));
    }
    output::line(&format!("in the model: {}", parts.join(", ")));
    let decisions = store.count(EntityKind::Decision).await?;
    for line in open_questions(decisions, unlinked(store).await?) {
        output::line(&line);
    }
    Ok(())
}

/// What waits for a human, with the command that lists it.
pub(super) fn open_questions(decisions: u64, unlinked: u64) -> Vec<String> {
    let mut lines = Vec::new();
    if decisions > 0 {
        let open = count(decisions, "decision is open", "decisions are open");
        lines.push(format!("{open}: `linchpin list decisions`"));
    }
    if unlinked > 0 {
        let open = count(unlinked, "client belongs", "clients belong");
        lines.push(format!("{open} to no tenant: `linchpin list clients`"));
    }
    lines
}

/// How many clients are linked to no tenant and stand for somebody.
pub(super) async fn unlinked(store: &Store) -> Result<u64, Failure> {
    let clients: Vec<Client> = find::all(store, None).await?;
    let open = |client: &&Client| client.tenant.is_none() && !client.placeholder && !client.gone;
    Ok(text::len(&clients.iter().filter(open).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::run::Counts;

    fn runs(outcomes: &[Outcome]) -> Vec<Run> {
        let run = |outcome: &Outcome| Run {
            id: String::new(),
            connection: String::new(),
            stream: String::new(),
            scope: String::new(),
            trigger: String::new(),
            mode: String::new(),
            started_us: 0,
            ended_us: None,
            outcome: *outcome,
            counts: Counts::default(),
            error_kind: None,
            error: None,
            remedy: None,
        };
        outcomes.iter().map(run).collect()
    }

    #[test]
    fn exit_codes_tell_all_some_and_none_apart() {
        use Outcome::{Complete, Failed, Held, Skipped, Stopped};
        assert_eq!(exit(&runs(&[Complete, Skipped]), false), Exit::Ok);
        assert_eq!(exit(&runs(&[Complete, Failed]), false), Exit::Partly);
        assert_eq!(exit(&runs(&[Complete, Held]), false), Exit::Partly);
        assert_eq!(exit(&runs(&[Held]), false), Exit::Partly);
        assert_eq!(exit(&runs(&[Complete, Stopped]), true), Exit::Partly);
        assert_eq!(exit(&runs(&[Complete]), true), Exit::Partly);
        assert_eq!(exit(&runs(&[Failed, Skipped]), false), Exit::Failed);
        assert_eq!(exit(&runs(&[]), false), Exit::Ok);
    }
}
