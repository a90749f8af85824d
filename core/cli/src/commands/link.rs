//! `linchpin link`: a human says which tenant a client belongs to.

use core_model::decision::Settled;
use core_model::entity::{Client, Entity, EntityRow, LinkReason, Tenant};
use core_model::{RecordKind, RecordRef};
use core_store::{RecordQuery, Store};

use super::{decide, find};
use crate::cli::{Global, LinkArgs};
use crate::config::choices;
use crate::context::Context;
use crate::failure::{Exit, Failure};

/// The word for no tenant.
const NONE: &str = "none";

pub(crate) async fn run(global: &Global, args: &LinkArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let (settled, what) = settled(&context.store, &args.client, &args.tenant).await?;
    decide::settle(global, &context, &settled, args.by.as_deref(), &what).await
}

/// What is settled where a client is linked so, and the same in words.
pub(super) async fn settled(
    store: &Store,
    named: &str,
    tenant: &str,
) -> Result<(Settled, String), Failure> {
    let client = client(store, named.trim()).await?;
    let title = format!("{}:{} ({})", client.connection, client.key, client.name);
    let record = record(store, &client).await?;
    if tenant.trim().eq_ignore_ascii_case(NONE) {
        let settled = Settled::LinkClient { client: record, with: None };
        let what = format!("{title} belongs to no tenant");
        return Ok((settled, what));
    }
    let tenant: Tenant = find::one(store, "tenant", tenant).await?;
    let with = with(store, &client, &tenant).await?;
    let settled = Settled::LinkClient { client: record, with: Some(with) };
    let what = format!("{title} belongs to {}", tenant.name);
    Ok((settled, what))
}

/// The client that is named: an id, `CONNECTION:KEY` or `CONNECTION:NAME`.
async fn client(store: &Store, text: &str) -> Result<Client, Failure> {
    let Some((connection, named)) = text.split_once(':') else {
        return find::one(store, "client", text).await;
    };
    let clients: Vec<Client> = find::all(store, None).await?;
    let ours: Vec<Client> =
        clients.into_iter().filter(|client| client.connection == connection).collect();
    if ours.is_empty() {
        let failure = Failure::usage(format!("connection `{connection}` has no clients"));
        return Err(failure.with_remedy("`linchpin list clients` lists those of all connections"));
    }
    if let Some(client) = ours.iter().find(|client| client.key == named) {
        return Ok(client.clone());
    }
    let wanted = named.to_lowercase();
    let same: Vec<EntityRow> =
        ours.iter().filter(|one| one.name.to_lowercase() == wanted).map(Entity::row).collect();
    if same.is_empty() {
        let names = choices(named, "", ours.iter().map(|client| client.name.as_str()));
        let near = names.split_once('?').map(|(near, _)| format!("{near}? ")).unwrap_or_default();
        let failure = Failure::usage(format!("`{connection}` has no client `{named}`"));
        let remedy = format!("{near}`linchpin list clients --name TEXT` searches");
        return Err(failure.with_remedy(remedy));
    }
    find::read(find::pick(store, "client", text, &same).await?)
}

/// The source record of a client.
pub(super) async fn record(store: &Store, client: &Client) -> Result<RecordRef, Failure> {
    let query = RecordQuery {
        kinds: &[RecordKind::Client],
        connection: Some(&client.connection),
        include_gone: true,
        ..RecordQuery::default()
    };
    let records = store.all_records(&query).await?;
    let found = records.into_iter().find(|stored| stored.record.key == client.key);
    found.map(|stored| stored.record).ok_or_else(|| {
        let what = format!("client {} has no source record any more", client.id);
        Failure::failed(what).with_remedy("run `linchpin rebuild`")
    })
}

/// A client of the tenant to link with: the one that it was made from, or else any other.
async fn with(store: &Store, client: &Client, tenant: &Tenant) -> Result<RecordRef, Failure> {
    let ids: Vec<String> = tenant.clients.iter().map(ToString::to_string).collect();
    let mut others: Vec<Client> = find::by_ids(store, &ids).await?;
    others.retain(|other| other.id != client.id);
    others.sort_by_key(|other| {
        (other.gone, other.reason != Some(LinkReason::Created), other.id.to_string())
    });
    match others.first() {
        Some(other) => record(store, other).await,
        None => {
            let what = format!("{} consists of this client only", tenant.name);
            Err(Failure::usage(what).with_remedy("there is nothing to link it with"))
        }
    }
}
