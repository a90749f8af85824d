//! `linchpin audit`: who did what, the newest first.

use core_server::audit_as_json;
use core_store::AuditQuery;

use super::text;
use crate::cli::{AuditArgs, Global};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, printable};

pub(crate) async fn run(global: &Global, args: &AuditArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let query = AuditQuery {
        before: args.before,
        actor: args.actor.as_deref(),
        action: args.action.as_deref(),
        subject: args.subject.as_deref(),
        limit: args.limit,
    };
    let rows = context.store.audit(&query).await?;
    if global.json {
        rows.iter().for_each(|row| output::json(&audit_as_json(row)));
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        output::line("nobody did anything of that kind");
        return Ok(Exit::Ok);
    }
    let columns = ["no", "at", "who", "by", "from", "what", "about", "outcome", "detail"];
    let mut table = TextTable::new(&columns.map(|column| (column, Align::Left))).cutting(&[
        ("detail", 16),
        ("about", 16),
        ("who", 12),
    ]);
    for row in &rows {
        table.row([
            row.number.to_string(),
            text::second(text::instant(row.at_us), context.config.time_zone),
            printable(&row.actor),
            row.means.clone(),
            row.address.clone(),
            row.action.clone(),
            printable(&row.subject),
            row.outcome.clone(),
            printable(&row.detail),
        ]);
    }
    table.print();
    Ok(Exit::Ok)
}
