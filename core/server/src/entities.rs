//! The unified model, page by page and one by one.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use core_model::entity::{EntityKind, EntityRow};
use core_store::EntityQuery;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Api;
use crate::access::{Caller, Scope};
use crate::answer::tagged;
use crate::params::Params;
use crate::problem::{Problem, shown};

/// A kind of entity that is served.
#[derive(Debug)]
pub(crate) struct Kind {
    /// In the path.
    pub(crate) path: &'static str,
    /// In errors and documentation.
    pub(crate) word: &'static str,
    /// In the store.
    pub(crate) entity: EntityKind,
    /// What it is.
    pub(crate) about: &'static str,
}

const fn kind(
    path: &'static str,
    word: &'static str,
    entity: EntityKind,
    about: &'static str,
) -> Kind {
    Kind { path, word, entity, about }
}

/// Every kind that is served.
pub(crate) const KINDS: &[Kind] = &[
    kind("tenants", "tenant", EntityKind::Tenant, "Customers."),
    kind("clients", "client", EntityKind::Client, "Customers as one connection names them."),
    kind("persons", "person", EntityKind::Person, "People at a tenant."),
    kind("computers", "computer", EntityKind::Computer, "Computers, each once."),
    kind("agents", "agent", EntityKind::Agent, "One connection's view of a machine."),
    kind("agreements", "agreement", EntityKind::Agreement, "Contracts."),
    kind("agreement-lines", "line", EntityKind::AgreementLine, "Products on agreements."),
    kind("groups", "group", EntityKind::Group, "Directory groups."),
    kind("decisions", "decision", EntityKind::Decision, "What only a human can settle."),
];

/// Parameters of a list.
pub(crate) const LIST: &[&str] = &["limit", "after", "tenant", "name", "fields"];
/// Parameters of one.
pub(crate) const ONE: &[&str] = &["fields"];

#[derive(Serialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next: Option<String>,
}

impl Api {
    /// A page of a kind.
    pub(crate) async fn list(
        &self,
        kind: &Kind,
        caller: &Caller,
        (uri, headers): (&Uri, &HeaderMap),
    ) -> Result<Response, Problem> {
        let params = Params::of(uri, LIST)?;
        let fields = fields(kind, &params)?;
        let limit = params.limit()?;
        let scope = self.scope(caller, params.get("tenant")).await?;
        let query = EntityQuery {
            tenants: scope.tenants(),
            name_like: params.get("name"),
            after_id: params.get("after"),
            // One more tells whether there is more.
            limit: limit + 1,
            ..EntityQuery::all(kind.entity)
        };
        let mut rows = self.store.entities(&query).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| row.id.clone());
        let items = rows.into_iter().map(|row| document(row, fields.as_deref()));
        tagged(headers, &Page { items: items.collect::<Result<_, _>>()?, next })
    }

    /// One of a kind.
    pub(crate) async fn one(
        &self,
        kind: &Kind,
        caller: &Caller,
        id: &str,
        (uri, headers): (&Uri, &HeaderMap),
    ) -> Result<Response, Problem> {
        let params = Params::of(uri, ONE)?;
        let fields = fields(kind, &params)?;
        let row = self.seen(kind.entity, kind.word, caller, id).await?;
        tagged(headers, &document(row, fields.as_deref())?)
    }

    /// The entity of that id, if it is the caller's to see.
    pub(crate) async fn seen(
        &self,
        kind: EntityKind,
        word: &str,
        caller: &Caller,
        id: &str,
    ) -> Result<EntityRow, Problem> {
        let row = self.store.entity(kind, id).await?;
        let row = row.filter(|row| caller.scope.sees(row.tenant.as_deref()));
        row.ok_or_else(|| Problem::missing(word, id))
    }

    /// What is looked at: the caller's, or of that only one tenant.
    pub(crate) async fn scope(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
    ) -> Result<Scope, Problem> {
        let Some(tenant) = tenant else { return Ok(caller.scope.clone()) };
        let tenant = self.seen(EntityKind::Tenant, "tenant", caller, tenant).await?;
        Ok(Scope::Of(vec![tenant.id]))
    }
}

/// The fields that are asked for.
fn fields(kind: &Kind, params: &Params) -> Result<Option<Vec<String>>, Problem> {
    let Some(text) = params.get("fields") else { return Ok(None) };
    let known = kind.entity.fields();
    let asked: Vec<String> = text.split(',').map(|field| field.trim().to_owned()).collect();
    match asked.iter().find(|field| !known.contains(&field.as_str())) {
        None => Ok(Some(asked)),
        Some(field) => Err(Problem::wrong(
            format!("a {} has no field `{}`", kind.word, shown(field)),
            format!("its fields are {}", known.join(", ")),
        )),
    }
}

/// The document of a row, or these fields of it.
fn document(row: EntityRow, fields: Option<&[String]>) -> Result<Box<RawValue>, Problem> {
    let Some(fields) = fields else { return Ok(RawValue::from_string(row.document)?) };
    let mut all: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&row.document)?;
    all.retain(|field, _| fields.contains(field));
    Ok(serde_json::value::to_raw_value(&all)?)
}
