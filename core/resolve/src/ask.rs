//! Questions about single subjects and about deployments that nobody has saved.

use std::sync::Arc;

use chrono_tz::Tz;
use core_model::id::TenantId;
use core_model::library::{Deployment, SubjectKind, Target};

use crate::Resolver;
use crate::feeds::Mode;
use crate::resolver::{ThreeSets, three};
use crate::snapshot::Snapshot;

impl Resolver {
    /// Whom a deployment contains, also one that is not defined: by its target, its owner and its
    /// device classes.
    #[must_use]
    pub fn members_in(&self, deployment: &Deployment) -> ThreeSets {
        let kind = self.definitions.kind(deployment.item);
        let live = self.view.snapshot.everybody(kind);
        let own = deployment.owner.map(|owner| {
            let leaf = Target::Tenant { tenant: owner.tenant, children: owner.children };
            self.view.members(kind, &leaf, live, Mode::Lenient).yes
        });
        let domain = own.as_ref().unwrap_or(live);
        three(live, self.view.in_deployment(deployment, kind, domain, Mode::Lenient))
    }

    /// Why a deployment contains a subject (by its number), or does not, or why that is not known;
    /// also of a deployment that is not defined.
    #[must_use]
    pub fn why_in(&self, deployment: &Deployment, number: u32) -> String {
        let kind = self.definitions.kind(deployment.item);
        self.view.why_deployment(deployment, kind, number, Mode::Lenient)
    }

    /// Why a target contains a subject, or does not, or why that is not known.
    #[must_use]
    pub fn why(&self, kind: SubjectKind, number: u32, target: &Target) -> String {
        self.view.why(kind, number, target, Mode::Lenient)
    }
}

impl Snapshot {
    /// The tenant of a subject; `None` for nobody.
    #[must_use]
    pub fn tenant_id(&self, kind: SubjectKind, number: u32) -> Option<TenantId> {
        self.tenant(self.tenant_of(kind, number)).map(|row| row.id)
    }

    /// The name of a subject's tenant; empty for nobody.
    #[must_use]
    pub fn tenant_name_of(&self, kind: SubjectKind, number: u32) -> Arc<str> {
        self.tenant_name(self.tenant_of(kind, number))
    }

    /// The zone that a tenant's days are of; `None` where it is unknown.
    #[must_use]
    pub fn zone(&self, tenant: TenantId) -> Option<Tz> {
        let number = self.tenant_numbers.get(&tenant)?;
        self.tenant(*number).map(|row| row.zone)
    }
}
