//! `linchpin list`: what is in the model, as a table or as the documents themselves.

use std::collections::HashMap;

use core_model::RecordKind;
use core_model::entity::{AgreementLine, EntityKind, EntityRow, Tenant};
use core_model::facts::Facts;
use core_model::id::TenantId;
use core_store::{EntityQuery, RecordQuery, Store, StoredRecord};
use serde_json::{Value, json};

use super::find;
use crate::cli::{Global, ListArgs, ListKind};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;

mod definitions;
mod tables;

/// Entities that are read at once.
const BATCH: usize = 2000;

/// What is listed, and what it is read with.
struct Listing<'a> {
    store: &'a Store,
    args: &'a ListArgs,
    tenant: Option<TenantId>,
    names: HashMap<TenantId, String>,
}

pub(crate) async fn run(global: &Global, args: &ListArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    if definitions::is_one(args.kind) {
        return definitions::run(global, &context, args).await;
    }
    let store = &context.store;
    let tenant = match &args.tenant {
        Some(text) => Some(find::one::<Tenant>(store, "tenant", text).await?.id),
        None => None,
    };
    let listing = Listing { store, args, tenant, names: find::tenant_names(store).await? };
    let (rows, cut) = listing.rows(kind(args.kind)).await?;
    let groups = match args.kind {
        ListKind::Groups => listing.connection_groups(args.limit - rows.len()).await?,
        _ => Vec::new(),
    };
    if global.json {
        listing.print_json(&rows, &groups).await?;
    } else if rows.is_empty() && groups.is_empty() {
        output::line("nothing to list");
    } else {
        listing.print(&rows, &groups).await?;
    }
    if cut {
        let limit = args.limit;
        output::error_line(&format!("only the first {limit} are listed; --limit N lists more"));
    }
    Ok(Exit::Ok)
}

/// Groups and locations of RMMs, for machines.
pub(super) async fn groups_of_rmms(context: &Context, args: &ListArgs) -> Result<Value, Failure> {
    let store = &context.store;
    let tenant = match &args.tenant {
        Some(text) => Some(find::one::<Tenant>(store, "tenant", text).await?.id),
        None => None,
    };
    let listing = Listing { store, args, tenant, names: HashMap::new() };
    let groups = listing.connection_groups(args.limit).await?;
    Ok(json!({ "items": groups.iter().filter_map(group_as_json).collect::<Vec<_>>() }))
}

/// What is defined, of a kind, for machines.
pub(super) async fn defined(context: &Context, args: &ListArgs) -> Result<Value, Failure> {
    definitions::answer(context, args).await
}

fn kind(kind: ListKind) -> EntityKind {
    match kind {
        ListKind::Tenants => EntityKind::Tenant,
        ListKind::Clients => EntityKind::Client,
        ListKind::Persons => EntityKind::Person,
        ListKind::Computers => EntityKind::Computer,
        ListKind::Agents => EntityKind::Agent,
        ListKind::Agreements => EntityKind::Agreement,
        ListKind::Groups => EntityKind::Group,
        // Definitions are listed elsewhere.
        _ => EntityKind::Decision,
    }
}

impl Listing<'_> {
    /// The entities asked for, and whether there are more.
    async fn rows(&self, kind: EntityKind) -> Result<(Vec<EntityRow>, bool), Failure> {
        let tenant = self.tenant.map(|tenant| tenant.to_string());
        let mut found: Vec<EntityRow> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let query = EntityQuery {
                tenant: tenant.as_deref(),
                name_like: self.args.name.as_deref(),
                limit: BATCH,
                after_id: after.as_deref(),
                ..EntityQuery::all(kind)
            };
            let rows = self.store.entities(&query).await?;
            let Some(last) = rows.last() else { return Ok((found, false)) };
            after = Some(last.id.clone());
            found.extend(rows.into_iter().filter(|row| self.args.gone || !find::is_gone(row)));
            if found.len() > self.args.limit {
                found.truncate(self.args.limit);
                return Ok((found, true));
            }
        }
    }

    /// Groups and locations of the RMMs. They are source records: nothing is derived from them.
    async fn connection_groups(&self, limit: usize) -> Result<Vec<StoredRecord>, Failure> {
        let clients = match self.tenant {
            Some(tenant) => Some(self.clients(tenant).await?),
            None => None,
        };
        let query = RecordQuery {
            kinds: &[RecordKind::ConnectionGroup],
            clients: clients.as_deref(),
            include_gone: self.args.gone,
            ..RecordQuery::default()
        };
        let part = self.args.name.as_deref().unwrap_or_default().to_lowercase();
        let mut records = self.store.all_records(&query).await?;
        records.retain(|stored| match &stored.facts {
            Facts::ConnectionGroup(group) => group.name.to_lowercase().contains(&part),
            _ => false,
        });
        records.sort_by(|a, b| a.record.cmp(&b.record));
        records.truncate(limit);
        Ok(records)
    }

    async fn clients(&self, tenant: TenantId) -> Result<Vec<(String, String)>, Failure> {
        let clients: Vec<core_model::entity::Client> = find::all(self.store, Some(tenant)).await?;
        Ok(clients.into_iter().map(|client| (client.connection, client.key)).collect())
    }

    /// Lines of agreements, by connection and the agreement's key.
    async fn lines(&self) -> Result<HashMap<(String, String), Vec<AgreementLine>>, Failure> {
        let mut lines: HashMap<(String, String), Vec<AgreementLine>> = HashMap::new();
        for line in find::all::<AgreementLine>(self.store, self.tenant).await? {
            if let Some(agreement) = line.agreement.clone()
                && (self.args.gone || !line.gone)
            {
                lines.entry((line.connection.clone(), agreement)).or_default().push(line);
            }
        }
        Ok(lines)
    }

    async fn print_json(&self, rows: &[EntityRow], groups: &[StoredRecord]) -> Result<(), Failure> {
        let lines = match self.args.kind {
            ListKind::Agreements => self.lines().await?,
            _ => HashMap::new(),
        };
        for row in rows {
            if self.args.kind != ListKind::Agreements {
                output::line(&row.document);
                continue;
            }
            let agreement: core_model::entity::Agreement = find::read(row)?;
            let mut document = json!(agreement);
            document["lines"] = json!(lines.get(&(agreement.connection, agreement.key)));
            if document["lines"].is_null() {
                document["lines"] = Value::Array(Vec::new());
            }
            output::json(&document);
        }
        for stored in groups {
            group_as_json(stored).iter().for_each(output::json);
        }
        Ok(())
    }
}

/// A group or location of an RMM.
fn group_as_json(stored: &StoredRecord) -> Option<Value> {
    let Facts::ConnectionGroup(group) = &stored.facts else { return None };
    let mut document = json!(group);
    document["connection"] = stored.record.connection.clone().into();
    document["key"] = stored.record.key.clone().into();
    document["client"] = stored.client.clone().into();
    document["gone"] = stored.gone_since_us.is_some().into();
    Some(document)
}
