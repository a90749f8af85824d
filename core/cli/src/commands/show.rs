//! `linchpin show`: one computer, person, tenant, deployment, piece of software or task, with the why of everything.

use chrono_tz::Tz;
use core_model::entity::{Computer, Tenant};
use core_store::Store;
use serde_json::{Value, json};

use super::find;
use crate::cli::{Global, ShowArgs, ShowKind};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;

mod computer;
mod coverage;
mod deployment;
mod item;
mod person;
mod tenant;
pub(crate) mod words;

pub(crate) use person::find as find_person;

pub(crate) async fn run(global: &Global, args: &ShowArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let (store, zone, which) = (&context.store, context.config.time_zone, args.which.trim());
    match args.kind {
        ShowKind::Computer => {
            let computer: Computer = find::one(store, "computer", which).await?;
            let story = computer::story(store, computer, zone).await?;
            if global.json { output::json(&story) } else { story.print(zone) }
        }
        ShowKind::Person => {
            let story = person::story(store, person::find(store, which).await?).await?;
            if global.json { output::json(&story) } else { story.print(zone) }
        }
        ShowKind::Tenant => {
            let tenant: Tenant = find::one(store, "tenant", which).await?;
            let story = tenant::story(store, tenant, zone).await?;
            if global.json { output::json(&story) } else { story.print() }
        }
        ShowKind::Deployment => {
            let story = deployment::story(&context, which).await?;
            if global.json { output::json(&story.as_json()) } else { story.print(zone) }
        }
        ShowKind::Software | ShowKind::Task => {
            let story = item::story(&context, args.kind == ShowKind::Software, which).await?;
            if global.json { output::json(&story.as_json()) } else { story.print() }
        }
    }
    Ok(Exit::Ok)
}

/// The same for machines, of something by its id or name.
pub(super) async fn answer(
    context: &Context,
    kind: ShowKind,
    which: &str,
) -> Result<Value, Failure> {
    let (store, zone) = (&context.store, context.config.time_zone);
    Ok(match kind {
        ShowKind::Computer => {
            let computer: Computer = find::one(store, "computer", which).await?;
            json!(computer::story(store, computer, zone).await?)
        }
        ShowKind::Person => {
            json!(person::story(store, person::find(store, which).await?).await?)
        }
        ShowKind::Tenant => {
            let tenant: Tenant = find::one(store, "tenant", which).await?;
            json!(tenant::story(store, tenant, zone).await?)
        }
        ShowKind::Deployment => deployment::story(context, which).await?.as_json(),
        ShowKind::Software | ShowKind::Task => {
            item::story(context, kind == ShowKind::Software, which).await?.as_json()
        }
    })
}

/// The tenant of something, with the zone that its dates are of.
async fn tenant_of(store: &Store, id: core_model::id::TenantId) -> Result<Tenant, Failure> {
    let tenant: Option<Tenant> = find::by_id(store, &id.to_string()).await?;
    tenant.ok_or_else(|| {
        Failure::failed(format!("tenant {id} is not in the model"))
            .with_remedy("run `linchpin rebuild`")
    })
}

/// A tenant's own zone, or the hub's.
fn zone_name(tenant: &Tenant, zone: Tz) -> String {
    tenant.time_zone.clone().unwrap_or_else(|| zone.name().to_owned())
}
