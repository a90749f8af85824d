//! Which Azure tenant is which client: `/AreaAzureTenant` and `/azureadconnection`.

use serde_json::{Value, json};

use super::client::Clients;
use super::entity::Cx;
use super::wire::Fields;
use crate::vendor::Reply;

/// The one connection that the mappings hang off.
const CONNECTION: i64 = 1;

/// The Azure tenants of a client.
pub(super) fn of_client(cx: &Cx<'_>, client: i64) -> Vec<Value> {
    mappings(cx).into_iter().filter(|(owner, _)| *owner == client).map(|(_, row)| row).collect()
}

/// `GET /AreaAzureTenant`: a bare array.
pub(super) fn list(cx: &Cx<'_>) -> Result<Reply, Reply> {
    let (client, details) = (cx.query.id("client_id")?, cx.query.id("details_id")?);
    let tenant = cx.query.text("azure_tenant_id");
    let rows = mappings(cx).into_iter().filter(|(owner, row)| {
        let same = |t: &str| {
            row.get("azure_tenant_id")
                .and_then(Value::as_str)
                .is_some_and(|r| r.eq_ignore_ascii_case(t))
        };
        client.is_none_or(|c| c == *owner)
            && details.is_none_or(|d| d == CONNECTION)
            && tenant.is_none_or(same)
    });
    Ok(Reply::json(200, &rows.map(|(_, row)| row).collect()))
}

/// `GET /azureadconnection`: a bare array.
pub(super) fn connections(cx: &Cx<'_>) -> Result<Reply, Reply> {
    let fits = cx.query.int("type")?.is_none_or(|kind| kind == 2);
    let rows: Vec<Value> = fits.then(|| connection().json()).into_iter().collect();
    Ok(Reply::json(200, &Value::Array(rows)))
}

/// `GET /azureadconnection/{id}`: with `includetenants`, which tenant is which client.
pub(super) fn connection_by_id(cx: &Cx<'_>, id: i64) -> Reply {
    if id != CONNECTION {
        return Reply::empty(404);
    }
    let mut fields = connection();
    if cx.query.flag("includetenants") {
        let rows = mappings(cx).into_iter().map(|(client, row)| {
            let of = |name: &str| row.get(name).cloned().unwrap_or_default();
            Fields::new()
                .with("id", of("id"))
                .with("azure_tenant_id", of("azure_tenant_id"))
                .with("azure_tenant_name", of("azure_tenant_name"))
                .with("client_id", client)
                .with("client_name", of("client_name"))
                .json()
        });
        fields.set("mappings_client", rows.collect::<Value>());
    }
    Reply::json(200, &fields.json())
}

fn connection() -> Fields {
    Fields::new()
        .with("id", CONNECTION)
        .with("name", "Microsoft CSP")
        .with("type", 2)
        .with("authorized", true)
        .with("enabled", json!(true))
}

fn mappings(cx: &Cx<'_>) -> Vec<(i64, Value)> {
    let rows = cx.world.halo.azure_tenants.iter().filter_map(|(id, directory, client)| {
        let directory = cx.world.directories.get(*directory)?;
        let row = Fields::new()
            .with("id", *id)
            .with("details_id", CONNECTION)
            .with("details_name", "Microsoft CSP")
            .with("client_id", *client)
            .maybe("client_name", cx.find::<Clients>(*client).map(|c| c.name.as_str()))
            .with("azure_tenant_id", directory.id.to_string())
            .with("azure_tenant_name", directory.display_name.as_str())
            .with("azure_tenant_domain", directory.default_domain.as_str())
            .with("relationship_type", 0)
            .with("licence_import_type", 0)
            .json();
        Some((*client, row))
    });
    rows.collect()
}
