//! Definitions, to and from the rows of the store.

use std::collections::{BTreeSet, HashMap};

use core_library::Library;
use core_model::id::{ComputerId, TenantId};
use core_model::library::{DefinitionKind, TenantSettings};
use core_resolve::{Definitions, TenantInput};
use core_store::DefinitionRow;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// The library in the rows of the store.
///
/// # Errors
/// [`Error::Definition`] where another version of the program wrote one.
pub fn library(rows: &[DefinitionRow]) -> Result<Library> {
    let mut library = Library::default();
    for row in rows {
        match row.kind {
            DefinitionKind::Software => library.software.push(read(row)?),
            DefinitionKind::Task => library.tasks.push(read(row)?),
            DefinitionKind::Tag => library.tags.push(read(row)?),
            DefinitionKind::Deployment => library.deployments.push(read(row)?),
            DefinitionKind::Schedule => library.schedules.push(read(row)?),
            DefinitionKind::Expectation => library.expectations.push(read(row)?),
            DefinitionKind::TenantSettings => library.tenants.push(read(row)?),
            DefinitionKind::ComputerSettings => library.computers.push(read(row)?),
        }
    }
    Ok(library)
}

/// The rows to be saved so that the library is `after` where it was `before`: everything that is
/// in it now, and a row without a document for each that is no more.
#[must_use]
pub fn rows(before: &Library, after: &Library) -> Vec<DefinitionRow> {
    let mut rows = all(after);
    let kept: BTreeSet<(DefinitionKind, String)> =
        rows.iter().map(|row| (row.kind, row.id.clone())).collect();
    let gone = all(before).into_iter().filter(|row| !kept.contains(&(row.kind, row.id.clone())));
    rows.extend(gone.map(|row| DefinitionRow { document: None, ..row }));
    rows
}

/// What the resolver takes of a library; tags and settings are part of the snapshot.
#[must_use]
pub fn definitions(library: &Library) -> Definitions {
    Definitions::new(
        library.software.clone(),
        library.tasks.clone(),
        library.deployments.clone(),
        library.expectations.clone(),
    )
}

/// What is settled about tenants.
pub(crate) struct Settings<'a>(HashMap<TenantId, &'a TenantSettings>);

impl<'a> Settings<'a> {
    /// Of a library.
    pub(crate) fn of(library: &'a Library) -> Self {
        Self(library.tenants.iter().map(|settings| (settings.tenant, settings)).collect())
    }

    /// Writes what is settled about a tenant into it; what is not settled is as usual.
    pub(crate) fn settle(&self, tenant: &mut TenantInput) {
        let settings = self.0.get(&tenant.id);
        tenant.parent = settings.and_then(|settings| settings.parent);
        tenant.excluded_from_cross_tenant =
            settings.is_some_and(|settings| settings.excluded_from_cross_tenant);
        tenant.budget = settings.and_then(|settings| settings.budget);
    }
}

/// The computers that nothing is ever done to.
pub(crate) fn excluded(library: &Library) -> BTreeSet<ComputerId> {
    let excluded = library.computers.iter().filter(|one| one.excluded_from_maintenance);
    excluded.map(|settings| settings.computer).collect()
}

fn all(library: &Library) -> Vec<DefinitionRow> {
    use DefinitionKind as Kind;
    let mut rows = Vec::new();
    let mut put = |kind, id: String, handle: &str, document: String| {
        rows.push(DefinitionRow { kind, id, handle: handle.to_owned(), document: Some(document) });
    };
    for one in &library.software {
        put(Kind::Software, one.id.to_string(), &one.name, json(one));
    }
    for one in &library.tasks {
        put(Kind::Task, one.id.to_string(), &one.name, json(one));
    }
    for one in &library.tags {
        put(Kind::Tag, one.id.to_string(), &one.name, json(one));
    }
    for one in &library.deployments {
        put(Kind::Deployment, one.id.to_string(), &one.name, json(one));
    }
    for one in &library.schedules {
        put(Kind::Schedule, one.id.to_string(), &one.name, json(one));
    }
    for one in &library.expectations {
        put(Kind::Expectation, one.id.to_string(), &one.name, json(one));
    }
    for one in &library.tenants {
        put(Kind::TenantSettings, one.tenant.to_string(), "", json(one));
    }
    for one in &library.computers {
        put(Kind::ComputerSettings, one.computer.to_string(), "", json(one));
    }
    rows
}

fn read<T: DeserializeOwned>(row: &DefinitionRow) -> Result<T> {
    serde_json::from_str(row.document.as_deref().unwrap_or_default()).map_err(|why| {
        Error::Definition {
            kind: row.kind.as_str(),
            handle: row.handle.clone(),
            why: why.to_string(),
        }
    })
}

fn json<T: Serialize>(definition: &T) -> String {
    // Plain structs with text keys: there is nothing that could not be written.
    serde_json::to_string(definition).unwrap_or_default()
}
