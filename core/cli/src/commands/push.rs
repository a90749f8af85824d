//! `linchpin push`: writes back what the hub knows, prints each difference, and looks at what is open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use core_store::PushState;
use core_sync::{Hub, PushChange, PushOptions, PushReport, Pushed};
use serde_json::json;

use super::text;
use crate::cli::{Global, PushAction, PushArgs, PushRetryArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::{output, progress};

mod answer;
mod open;
mod print;

use self::answer::as_json;
pub(super) use self::answer::{open, overrule as overruled, result, retry as retried};

pub(crate) async fn run(global: &Global, args: &PushArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let options = PushOptions { full: args.full, dry_run: args.dry_run, ..PushOptions::default() };
    match &args.action {
        None => push(global, &context, &args.connections, options).await,
        Some(PushAction::Failures) => {
            let which = [PushState::Dead, PushState::Retry];
            open::list(global, &context, &which, "Nothing failed.").await
        }
        Some(PushAction::Conflicts) => {
            let nothing = "Nobody else changed what the hub wrote.";
            open::list(global, &context, &[PushState::Conflict], nothing).await
        }
        Some(PushAction::Retry(args)) => retry(global, &context, args).await,
        Some(PushAction::Overrule { connection, object }) => {
            overrule(global, &context, connection, object).await
        }
    }
}

async fn push(
    global: &Global,
    context: &Context,
    connections: &[String],
    options: PushOptions,
) -> Result<Exit, Failure> {
    let reporter = progress::watch(global.json);
    let hub = context.hub_for(connections, reporter.clone())?;
    must_be_pushed(&hub, connections)?;
    let stopping = hub.stop_switch();
    let listening = stop_on_signal(Arc::clone(&stopping), Arc::clone(&reporter));
    let reports = hub.push(connections, options).await;
    listening.abort();
    reporter.close();
    let reports = reports.map_err(refused)?;
    for report in &reports {
        if global.json {
            as_json(report, options).iter().for_each(output::json);
        } else {
            print::report(report, options);
        }
    }
    Ok(exit(&reports))
}

/// Refuses to push where nothing is pushed.
pub(super) fn must_be_pushed(hub: &Hub, connections: &[String]) -> Result<(), Failure> {
    let wanted = hub.named(connections)?;
    match wanted.iter().find(|one| one.connector.push().is_none()) {
        Some(one) if !connections.is_empty() => {
            Err(refused(core_sync::Error::NotPushed { connection: one.name.clone() }))
        }
        _ if wanted.iter().any(|one| one.connector.push().is_some()) => Ok(()),
        _ => Err(Failure::usage("nothing is pushed anywhere: no connection opted in").with_remedy(
            "set `enabled = true` in [connection.push] of a connection, and say which fields",
        )),
    }
}

/// What was asked for cannot be: a connection did not opt in.
fn refused(error: core_sync::Error) -> Failure {
    match &error {
        core_sync::Error::NotPushed { .. } => {
            Failure::usage(error.to_string()).with_remedy(error.remedy())
        }
        _ => error.into(),
    }
}

/// The first signal ends after the objects in flight, the second at once.
fn stop_on_signal(
    stopping: Arc<AtomicBool>,
    reporter: Arc<progress::Reporter>,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        while super::mocks::stopped().await.is_ok() {
            if stopping.swap(true, Ordering::Relaxed) {
                reporter.close();
                output::error_line("ended at once; the next push finds out what had arrived");
                std::process::exit(i32::from(Exit::Failed.code()));
            }
            reporter.say("stopping after what is being written; once more ends at once");
        }
    })
}

/// 1 where nothing was done for a failure, 3 where something did not come out.
fn exit(reports: &[PushReport]) -> Exit {
    let done = |report: &PushReport| {
        report.unchanged
            + report.count(|one| matches!(one.outcome, Pushed::Written | Pushed::Created))
    };
    let failed = |report: &PushReport| report.ended.is_some() || report.failed() > 0;
    let any_failed = reports.iter().any(failed);
    let any_done = reports.iter().any(|report| done(report) > 0 && report.ended.is_none());
    let partly = reports.iter().any(|report| report.stopped || report.conflicts() > 0);
    match (any_failed, any_done) {
        (true, false) => Exit::Failed,
        (true, true) => Exit::Partly,
        (false, _) if partly => Exit::Partly,
        (false, _) => Exit::Ok,
    }
}

/// Tries what failed again, at once.
async fn retry(global: &Global, context: &Context, args: &PushRetryArgs) -> Result<Exit, Failure> {
    let count = retried(context, &args.connections, args.computer.as_deref()).await?;
    if count == 0 {
        if global.json {
            output::json(&json!({ "retried": 0 }));
        } else {
            output::line("Nothing failed that could be tried again.");
        }
        return Ok(Exit::Ok);
    }
    if !global.json {
        let what = text::count(count, "failure is", "failures are");
        output::line(&format!("{what} tried again"));
    }
    push(global, context, &args.connections, PushOptions::default()).await
}

/// Lets the hub write an object once more, whatever is there.
async fn overrule(
    global: &Global,
    context: &Context,
    connection: &str,
    object: &str,
) -> Result<Exit, Failure> {
    overruled(context, connection, object).await?;
    push(global, context, &[connection.to_owned()], PushOptions::default()).await
}

/// A value of a field, as people call it.
fn shown(value: &str, label: Option<&String>) -> String {
    match (value.is_empty(), label) {
        (true, _) => "–".to_owned(),
        (false, Some(label)) => format!("{label} ({value})"),
        (false, None) => value.to_owned(),
    }
}

/// `field: there now → wanted`.
fn difference(change: &PushChange) -> String {
    let from = shown(&change.from, change.from_label.as_ref());
    let to = shown(&change.to, change.to_label.as_ref());
    format!("{}: {from} → {to}", change.field)
}

#[cfg(test)]
mod tests {
    use core_connector::{Error, ErrorKind};
    use core_sync::PushedItem;

    use super::*;

    fn report(outcomes: Vec<Pushed>, conflict: bool) -> PushReport {
        let change = PushChange {
            field: "user".to_owned(),
            from: "61".to_owned(),
            to: String::new(),
            from_label: Some("Ben".to_owned()),
            to_label: None,
        };
        let item = |outcome| PushedItem {
            computer: String::new(),
            name: String::new(),
            object: None,
            outcome,
            changes: Vec::new(),
            conflicts: if conflict { vec![change.clone()] } else { Vec::new() },
        };
        PushReport {
            connection: "halo".to_owned(),
            full: false,
            planned: 0,
            unchanged: 0,
            items: outcomes.into_iter().map(item).collect(),
            ended: None,
            stopped: false,
            run: None,
        }
    }

    fn failure() -> Pushed {
        let error = Error::new(ErrorKind::Rejected, "POST /Asset", "no");
        Pushed::Failed { error, dead: false }
    }

    #[test]
    fn the_exit_code_says_whether_all_came_out() {
        assert_eq!(exit(&[]), Exit::Ok);
        assert_eq!(exit(&[report(vec![Pushed::Written], false)]), Exit::Ok);
        assert_eq!(exit(&[report(vec![Pushed::Written], true)]), Exit::Partly);
        assert_eq!(exit(&[report(vec![Pushed::Created, failure()], false)]), Exit::Partly);
        assert_eq!(exit(&[report(vec![failure()], false)]), Exit::Failed);
        let mut ended = report(vec![Pushed::Written], false);
        ended.ended = Some(Error::new(ErrorKind::Auth, "POST /token", "no"));
        assert_eq!(exit(&[ended]), Exit::Failed);
    }

    #[test]
    fn a_difference_names_people_by_their_names() {
        let report = report(vec![Pushed::Unchanged], true);
        assert_eq!(difference(&report.items[0].conflicts[0]), "user: Ben (61) → –");
    }
}
