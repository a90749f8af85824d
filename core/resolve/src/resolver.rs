//! The one evaluator, with what it was asked on: a snapshot, definitions, a day, a run.

use std::sync::Arc;

use core_model::id::{DeploymentId, TenantId};
use core_model::library::{SubjectKind, Target};

use crate::dates::AsOf;
use crate::definitions::{Definitions, ItemKey, RunKind};
use crate::feeds::Mode;
use crate::set::{Members, Set};
use crate::snapshot::Snapshot;
use crate::view::{Filters, View};
use crate::winners::{ItemWinners, Winners};

/// Resolves. Whatever it is asked, it answers from the same snapshot, definitions and day.
pub struct Resolver {
    pub(crate) view: View,
    pub(crate) definitions: Arc<Definitions>,
    pub(crate) run: RunKind,
}

/// Who is in, of whom it is not known, and who is out.
#[derive(Clone, Debug, Default)]
pub struct ThreeSets {
    /// In, for certain.
    pub yes: Set,
    /// Not known.
    pub unknown: Set,
    /// Out, for certain.
    pub no: Set,
}

impl Resolver {
    /// For a day and a run.
    #[must_use]
    pub fn new(
        snapshot: Arc<Snapshot>,
        definitions: Arc<Definitions>,
        as_of: AsOf,
        run: RunKind,
    ) -> Self {
        Self { view: View::new(snapshot, as_of, Filters::default()), definitions, run }
    }

    /// The same on another day.
    #[must_use]
    pub fn on(&self, as_of: AsOf) -> Self {
        Self {
            view: self.view.on(as_of),
            definitions: self.definitions.clone(),
            run: self.run.clone(),
        }
    }

    /// The snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.view.snapshot
    }

    /// The day that is asked about.
    #[must_use]
    pub fn as_of(&self) -> AsOf {
        self.view.as_of
    }

    /// The definitions.
    #[must_use]
    pub fn definitions(&self) -> &Arc<Definitions> {
        &self.definitions
    }

    /// All winners of all items.
    #[must_use]
    pub fn resolve_all(&self) -> Winners {
        self.view.all_winners(&self.definitions, &self.run)
    }

    /// All winners of an item.
    #[must_use]
    pub fn resolve_item(&self, key: &ItemKey) -> ItemWinners {
        self.view.item_winners(&self.definitions, key, &self.run).1
    }

    /// All winners of the subjects of a tenant.
    #[must_use]
    pub fn winners_at(&self, tenant: TenantId) -> Winners {
        let Some(number) = self.view.snapshot.tenant_numbers.get(&tenant) else {
            return Winners::default();
        };
        let mut winners = Winners::default();
        for key in self.definitions.items() {
            let kind = self.definitions.kind(key.item);
            let own = self.view.snapshot.at_tenant(kind, *number);
            let within = own & &self.view.eligible(kind);
            let pieces = self.view.pieces(&self.definitions, key, &self.run);
            let found = self.view.sweep(&pieces, kind, &within);
            winners.items.insert(key.clone(), (kind, Arc::new(found)));
        }
        winners
    }

    /// Who is in a target.
    #[must_use]
    pub fn members(&self, kind: SubjectKind, target: &Target) -> ThreeSets {
        let live = self.view.snapshot.everybody(kind);
        three(live, self.view.members(kind, target, live, Mode::Lenient))
    }

    /// Whom a deployment contains, by its target, its owner and its device classes. Whether it is
    /// on, and who wins, is another question. Nobody for one that is not there.
    #[must_use]
    pub fn members_of(&self, deployment: DeploymentId) -> ThreeSets {
        let Some(deployment) = self.definitions.deployment(deployment) else {
            return ThreeSets::default();
        };
        self.members_in(deployment)
    }
}

pub(crate) fn three(live: &Set, members: Members) -> ThreeSets {
    let no = &(live - &members.yes) - &members.maybe;
    ThreeSets { yes: members.yes, unknown: members.maybe, no }
}
