//! `linchpin actions`: what came of what sessions did, and failures by cause.

use core_model::entity::{Computer, Tenant};
use core_resolve::RunKind;
use core_store::{ActionQuery, FailureGroup, SessionAction};

use super::{find, sessions, text};
use crate::cli::{ActionsArgs, Global, WhenArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, printable};
use crate::world::World;

pub(crate) async fn run(global: &Global, args: &ActionsArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let store = &context.store;
    let tenant = match &args.tenant {
        Some(named) => Some(find::one::<Tenant>(store, "tenant", named).await?.id.to_string()),
        None => None,
    };
    let computer = match &args.computer {
        Some(named) => Some(find::one::<Computer>(store, "computer", named).await?.id.to_string()),
        None => None,
    };
    let session = match &args.session {
        Some(id) => Some(sessions::one(store, id.trim()).await?.id.to_string()),
        None => None,
    };
    let item = match &args.item {
        Some(named) => {
            let world = World::load(&context, &WhenArgs::default(), RunKind::Maintenance).await?;
            Some(world.item(named)?.to_string())
        }
        None => None,
    };
    let query = ActionQuery {
        tenant: tenant.as_deref(),
        subject: computer.as_deref(),
        session: session.as_deref(),
        item: item.as_deref(),
        result: args.result.as_deref(),
        most: Some(args.limit),
        ..ActionQuery::default()
    };
    if args.failures {
        let groups = store.failure_groups(query).await?;
        match global.json {
            true => groups.iter().for_each(output::json),
            false => failures(&groups, &context),
        }
        return Ok(Exit::Ok);
    }
    let actions = store.session_actions(query).await?;
    match global.json {
        true => actions.iter().for_each(output::json),
        false => list(&actions, &context),
    }
    Ok(Exit::Ok)
}

fn failures(groups: &[FailureGroup], context: &Context) {
    if groups.is_empty() {
        return output::line("Everything that was looked at is as it should be.");
    }
    let columns = [
        ("computers", Align::Right),
        ("what", Align::Left),
        ("cause", Align::Left),
        ("said", Align::Left),
        ("first", Align::Left),
        ("last", Align::Left),
        ("such as", Align::Left),
    ];
    let mut table = TextTable::new(&columns).cutting(&[("said", 20), ("what", 10), ("such as", 8)]);
    let at = |us| text::minute(text::instant(us), context.config.time_zone);
    for group in groups {
        let examples: Vec<&str> =
            group.examples.iter().map(|one| one.subject_name.as_str()).collect();
        table.row([
            output::thousands(group.subjects),
            printable(&group.title),
            group.class.replace('_', " "),
            printable(&group.cause),
            at(group.first_us),
            at(group.at_us),
            printable(&examples.join(", ")),
        ]);
    }
    table.print();
}

/// What came of it, and why it had to be done again where it had been compliant.
fn result(action: &SessionAction) -> String {
    match &action.drift {
        Some(drift) => format!("{} ({})", action.message, sessions::drifted(drift)),
        None => action.message.clone(),
    }
}

fn list(actions: &[SessionAction], context: &Context) {
    if actions.is_empty() {
        return output::line("Nothing was done yet.");
    }
    let columns = ["at", "for", "what", "result"];
    let mut table = TextTable::new(&columns.map(|name| (name, Align::Left))).cutting(&[
        ("result", 20),
        ("what", 14),
        ("for", 8),
    ]);
    for action in actions {
        table.row([
            text::minute(text::instant(action.at_us), context.config.time_zone),
            printable(&action.subject_name),
            printable(&action.does),
            printable(&result(action)),
        ]);
    }
    table.print();
}
