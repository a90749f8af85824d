//! Finding what an argument names in the model, and reading it.

use std::collections::HashMap;

use core_model::entity::{Entity, EntityKind, EntityRow, Tenant};
use core_model::id::TenantId;
use core_store::{EntityQuery, Store};

use crate::config::choices;
use crate::failure::Failure;

/// Names that are offered where one is not known.
const NEAR: usize = 2000;
/// Candidates that are listed where a name is of several.
const CANDIDATES: usize = 12;

/// Everything of a kind; of one tenant where one is given.
pub(crate) async fn all<E: Entity>(
    store: &Store,
    tenant: Option<TenantId>,
) -> Result<Vec<E>, Failure> {
    let tenant = tenant.map(|tenant| tenant.to_string());
    let query = EntityQuery { tenant: tenant.as_deref(), ..EntityQuery::all(E::KIND) };
    store.entities(&query).await?.iter().map(read).collect()
}

/// Those with these ids.
pub(crate) async fn by_ids<E: Entity>(store: &Store, ids: &[String]) -> Result<Vec<E>, Failure> {
    let query = EntityQuery { ids: Some(ids), ..EntityQuery::all(E::KIND) };
    store.entities(&query).await?.iter().map(read).collect()
}

/// The one with this id.
pub(crate) async fn by_id<E: Entity>(store: &Store, id: &str) -> Result<Option<E>, Failure> {
    store.entity(E::KIND, id).await?.as_ref().map(read).transpose()
}

/// The entity of a row.
pub(crate) fn read<E: Entity>(row: &EntityRow) -> Result<E, Failure> {
    row.read().map_err(|error| core_sync::Error::from(error).into())
}

/// Names of tenants by their ids.
pub(crate) async fn tenant_names(store: &Store) -> Result<HashMap<TenantId, String>, Failure> {
    let tenants: Vec<Tenant> = all(store, None).await?;
    Ok(tenants.into_iter().map(|tenant| (tenant.id, tenant.name)).collect())
}

/// What somebody means by an id, the beginning of one, a name or the beginning of one.
///
/// # Errors
/// With exit code 2 where there is none, with names that are alike; and where there are several,
/// with each of them.
pub(crate) async fn one<E: Entity>(store: &Store, word: &str, text: &str) -> Result<E, Failure> {
    let rows = store.find(E::KIND, text).await?;
    match rows.as_slice() {
        [] => Err(unknown(store, E::KIND, word, text).await?),
        rows => read(pick(store, word, text, rows).await?),
    }
}

/// The tenants that an admin names, in this order.
///
/// # Errors
/// With exit code 2 where one of them is not known, or is of several.
pub(crate) async fn tenants(store: &Store, named: &[String]) -> Result<Vec<Tenant>, Failure> {
    let mut tenants = Vec::with_capacity(named.len());
    for name in named {
        tenants.push(one(store, "tenant", name).await?);
    }
    Ok(tenants)
}

/// The ids of tenants, as the store takes them.
pub(crate) fn ids(tenants: &[Tenant]) -> Vec<String> {
    tenants.iter().map(|tenant| tenant.id.to_string()).collect()
}

/// The row that is meant: the only one, or the only one that is not gone at its source.
///
/// # Errors
/// With exit code 2 and every candidate, where there are several.
pub(crate) async fn pick<'a>(
    store: &Store,
    word: &str,
    text: &str,
    rows: &'a [EntityRow],
) -> Result<&'a EntityRow, Failure> {
    let live: Vec<&EntityRow> = rows.iter().filter(|row| !is_gone(row)).collect();
    match (rows, live.as_slice()) {
        ([only], _) => Ok(only),
        (_, [only]) => Ok(only),
        _ => {
            let names = tenant_names(store).await?;
            let mut remedy = format!("name one of these {word}s by its id:");
            for row in rows.iter().take(CANDIDATES) {
                remedy.push_str(&format!("\n    {}", candidate(row, &names)));
            }
            if rows.len() > CANDIDATES {
                remedy.push_str(&format!("\n    and {} more", rows.len() - CANDIDATES));
            }
            let what = format!("`{text}` is the name of {} {word}s", rows.len());
            Err(Failure::usage(what).with_remedy(remedy))
        }
    }
}

/// There is nothing of that name.
pub(crate) async fn unknown(
    store: &Store,
    kind: EntityKind,
    word: &str,
    text: &str,
) -> Result<Failure, Failure> {
    let query = EntityQuery { limit: NEAR, ..EntityQuery::all(kind) };
    let rows = store.entities(&query).await?;
    let failure = Failure::usage(format!("there is no {word} `{text}`"));
    if rows.is_empty() {
        let remedy = format!("there is no {word} at all; `linchpin sync` reads the connections");
        return Ok(failure.with_remedy(remedy));
    }
    let hint = choices(text, "", rows.iter().map(|row| row.name.as_str()));
    let near = hint.split_once('?').map(|(near, _)| format!("{near}? ")).unwrap_or_default();
    let search = match kind {
        EntityKind::Product => "`linchpin list agreements` names those that are sold".to_owned(),
        _ => format!("`linchpin list {word}s --name TEXT` searches"),
    };
    Ok(failure.with_remedy(format!("{near}{search}")))
}

/// Whether the entity is gone at its source.
pub(crate) fn is_gone(row: &EntityRow) -> bool {
    #[derive(serde::Deserialize)]
    struct Gone {
        #[serde(default)]
        gone: bool,
    }
    serde_json::from_str::<Gone>(&row.document).is_ok_and(|document| document.gone)
}

fn candidate(row: &EntityRow, names: &HashMap<TenantId, String>) -> String {
    let tenant = row.tenant.as_ref().and_then(|id| names.get(&id.parse().ok()?));
    let of = match (row.kind, tenant) {
        (EntityKind::Tenant, _) | (_, None) => String::new(),
        (_, Some(tenant)) => format!(" of {tenant}"),
    };
    let gone = if is_gone(row) { " (gone)" } else { "" };
    format!("{}  {}{of}{gone}", row.id, crate::output::printable(&row.name))
}
