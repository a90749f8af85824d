//! Which client is which directory: `GET /AreaAzureTenant`, or where that is not to be had the
//! mappings of the Azure connections. Both are unpaged lists, bare arrays.

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Changes, Error, ErrorKind, Page, Proof, Result, Resume, Scope, Source};
use core_http::Request;
use core_model::facts::{ClientLinkFacts, Reference};
use core_model::record::{Record, Rejected};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::Halo;
use crate::paging::Found;
use crate::wire::{self, Named};

/// The links between clients and directories.
pub(crate) struct AzureTenants {
    halo: Arc<Halo>,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(default, deserialize_with = "wire::maybe_id")]
    id: Option<i64>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    client_id: Option<i64>,
    azure_tenant_id: Option<String>,
}

/// An Azure connection, as far as it maps clients.
#[derive(Debug, Deserialize)]
struct AzureConnection {
    #[serde(default)]
    mappings_client: Vec<Box<RawValue>>,
}

impl AzureTenants {
    pub(crate) fn new(halo: &Arc<Halo>) -> Self {
        Self { halo: Arc::clone(halo) }
    }

    /// The mappings of the Azure connections.
    async fn mappings(&self) -> Result<(Vec<Box<RawValue>>, u64)> {
        let list = Request::get("azureadconnection").query("type", "2");
        let (connections, mut bytes) = self.halo.get::<Vec<Named>>(&list).await?;
        let mut rows = Vec::new();
        for Named { id } in connections {
            let one = Request::get(format!("azureadconnection/{id}"))
                .query("type", "2")
                .query("includedetails", "true")
                .query("includetenants", "true");
            let (connection, more) = self.halo.get::<AzureConnection>(&one).await?;
            rows.extend(connection.mappings_client);
            bytes += more;
        }
        Ok((rows, bytes))
    }
}

#[async_trait]
impl Source for AzureTenants {
    fn changes(&self) -> Changes {
        Changes::Snapshot
    }

    async fn page(&self, _: &Scope, _: Resume) -> Result<Page> {
        let (rows, bytes) = match self.halo.get(&Request::get("AreaAzureTenant")).await {
            Err(error) if hidden(&error) => self.mappings().await.map_err(not_offered)?,
            other => other?,
        };
        let mut found = Found::default();
        for row in &rows {
            found.add(read(row));
        }
        Ok(found.page(bytes, (None, Proof::Ended { how: "an unpaged list, read to its end" })))
    }
}

fn read(raw: &RawValue) -> std::result::Result<Option<Record>, Rejected> {
    let row: Row = wire::row(raw)?;
    let directory = wire::guid(row.azure_tenant_id.as_deref());
    let (Some(client), Some(id)) = (wire::key(row.client_id), directory) else { return Ok(None) };
    let key = row.id.map_or_else(|| format!("{id}/{client}"), |id| id.to_string());
    let reference = Reference { system: "directory".to_owned(), id };
    let facts = ClientLinkFacts { client, reference };
    let record = wire::record(0, row.client_id, facts.into(), raw.get());
    Ok(Some(Record { key, ..record }))
}

fn hidden(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound)
}

/// Neither list is to be had: the instance has no Azure integration, or the agent may not see it.
fn not_offered(error: Error) -> Error {
    if hidden(&error) { error.into_kind(ErrorKind::NotOffered) } else { error }
}
