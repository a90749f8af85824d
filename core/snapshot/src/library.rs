//! Definitions, to and from the rows of the store.

use std::collections::BTreeSet;

use core_model::id::ComputerId;
use core_model::library::{
    ComputerSettings, DefinitionKind, Deployment, Expectation, Software, Tag, Task, TenantSettings,
};
use core_resolve::Definitions;
use core_store::DefinitionRow;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Everything that people define.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Library {
    /// Software.
    pub software: Vec<Software>,
    /// Tasks.
    pub tasks: Vec<Task>,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Deployments.
    pub deployments: Vec<Deployment>,
    /// Golden cases.
    pub expectations: Vec<Expectation>,
    /// Settings of tenants.
    pub tenants: Vec<TenantSettings>,
    /// Settings of computers.
    pub computers: Vec<ComputerSettings>,
}

impl Library {
    /// From the rows of the store.
    ///
    /// # Errors
    /// [`Error::Definition`] where another version of the program wrote one.
    pub fn of(rows: &[DefinitionRow]) -> Result<Self> {
        let mut library = Self::default();
        for row in rows {
            match row.kind {
                DefinitionKind::Software => library.software.push(read(row)?),
                DefinitionKind::Task => library.tasks.push(read(row)?),
                DefinitionKind::Tag => library.tags.push(read(row)?),
                DefinitionKind::Deployment => library.deployments.push(read(row)?),
                DefinitionKind::Expectation => library.expectations.push(read(row)?),
                DefinitionKind::TenantSettings => library.tenants.push(read(row)?),
                DefinitionKind::ComputerSettings => library.computers.push(read(row)?),
            }
        }
        Ok(library)
    }

    /// What the resolver takes of it; tags and settings are part of the snapshot.
    #[must_use]
    pub fn definitions(&self) -> Definitions {
        Definitions::new(
            self.software.clone(),
            self.tasks.clone(),
            self.deployments.clone(),
            self.expectations.clone(),
        )
    }

    /// The computers that nothing is ever done to.
    pub(crate) fn excluded(&self) -> BTreeSet<ComputerId> {
        let excluded = self.computers.iter().filter(|one| one.excluded_from_maintenance);
        excluded.map(|settings| settings.computer).collect()
    }

    fn all(&self) -> Vec<DefinitionRow> {
        use DefinitionKind as Kind;
        let mut rows = Vec::new();
        let mut put = |kind, id: String, handle: &str, document: String| {
            rows.push(DefinitionRow {
                kind,
                id,
                handle: handle.to_owned(),
                document: Some(document),
            });
        };
        for one in &self.software {
            put(Kind::Software, one.id.to_string(), &one.name, json(one));
        }
        for one in &self.tasks {
            put(Kind::Task, one.id.to_string(), &one.name, json(one));
        }
        for one in &self.tags {
            put(Kind::Tag, one.id.to_string(), &one.name, json(one));
        }
        for one in &self.deployments {
            put(Kind::Deployment, one.id.to_string(), &one.name, json(one));
        }
        for one in &self.expectations {
            put(Kind::Expectation, one.id.to_string(), &one.name, json(one));
        }
        for one in &self.tenants {
            put(Kind::TenantSettings, one.tenant.to_string(), "", json(one));
        }
        for one in &self.computers {
            put(Kind::ComputerSettings, one.computer.to_string(), "", json(one));
        }
        rows
    }
}

/// The rows to be saved so that the library is `after` where it was `before`: everything that is
/// in it now, and a row without a document for each that is no more.
#[must_use]
pub fn rows(before: &Library, after: &Library) -> Vec<DefinitionRow> {
    let mut rows = after.all();
    let kept: BTreeSet<(DefinitionKind, String)> =
        rows.iter().map(|row| (row.kind, row.id.clone())).collect();
    let gone = before.all().into_iter().filter(|row| !kept.contains(&(row.kind, row.id.clone())));
    rows.extend(gone.map(|row| DefinitionRow { document: None, ..row }));
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
