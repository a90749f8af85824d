//! Whom something is for that is no deployment and is aimed like one.

use std::collections::BTreeSet;

use core_model::id::{SoftwareId, TenantId};
use core_model::library::{
    Deployment, DesiredState, DeviceClass, ItemId, Owner, SubjectKind, Target,
};

use crate::Resolver;
use crate::definitions::leaves_of;
use crate::feeds::Mode;
use crate::filter::check_filter;
use crate::rank::{Rank, Scope};
use crate::resolver::{ThreeSets, three};
use crate::set::Set;
use crate::snapshot::Snapshot;

/// Whom something is for: as a deployment says it.
#[derive(Clone, Copy, Debug)]
pub struct Aim<'a> {
    /// Of which kind the subjects are.
    pub subjects: SubjectKind,
    /// The target.
    pub target: &'a Target,
    /// Device classes that it is narrowed to; empty is any.
    pub classes: &'a BTreeSet<DeviceClass>,
    /// The tenant that it is for; none is cross-tenant.
    pub owner: Option<Owner>,
}

/// Whom something is for, and whom nothing is done to though he is in it.
#[derive(Clone, Debug, Default)]
pub struct Aimed {
    /// In, out and unknown; without those who are left alone.
    pub members: ThreeSets,
    /// In for certain, but excluded from maintenance, of a suspended tenant, or of one that is left out of what is
    /// cross-tenant.
    pub left_alone: Set,
}

impl Aim<'_> {
    /// The deployment that is evaluated in its place: whoever is in it, is in this.
    fn deployment(&self) -> Deployment {
        let item = ItemId::from(SoftwareId::of_text("", 0));
        let mut one = Deployment::new("", item, DesiredState::Ignored, self.target.clone(), 0);
        one.classes.clone_from(self.classes);
        one.owner = self.owner;
        one
    }
}

impl Resolver {
    /// Who is aimed at, as who is in a deployment.
    #[must_use]
    pub fn aimed(&self, aim: &Aim<'_>) -> Aimed {
        let (kind, deployment) = (aim.subjects, aim.deployment());
        let snapshot = &self.view.snapshot;
        let live = snapshot.everybody(kind);
        let own = aim.owner.map(|owner| {
            let leaf = Target::Tenant { tenant: owner.tenant, children: owner.children };
            self.view.members(kind, &leaf, live, Mode::Lenient).yes
        });
        let domain = own.as_ref().unwrap_or(live);
        let all = three(live, self.view.in_deployment(&deployment, kind, domain, Mode::Lenient));
        let mut eligible = self.view.eligible(kind);
        for (number, row) in (0..).zip(snapshot.tenants.iter()) {
            let crosses = || {
                let rank = Rank::of(&deployment, number, snapshot);
                rank.is_some_and(|rank| rank.scope == Scope::CrossTenant)
            };
            if row.opted_out && crosses() {
                eligible.take(snapshot.at_tenant(kind, number));
            }
        }
        let left_alone = &all.yes - &eligible;
        let members =
            ThreeSets { yes: &all.yes & &eligible, unknown: &all.unknown & &eligible, no: all.no };
        Aimed { members, left_alone }
    }

    /// Why a subject (by its number) is aimed at, or is not, or why that is not known.
    #[must_use]
    pub fn why_aimed(&self, aim: &Aim<'_>, number: u32) -> String {
        self.view.why_deployment(&aim.deployment(), aim.subjects, number, Mode::Lenient)
    }

    /// What is wrong with what is aimed by: what it names and is gone.
    #[must_use]
    pub fn aim_problems(&self, aim: &Aim<'_>) -> Vec<String> {
        let snapshot = &self.view.snapshot;
        let mut leaves = BTreeSet::new();
        leaves_of(aim.target, &mut leaves);
        let mut problems = Vec::new();
        for leaf in leaves {
            if let Target::Filter(text) = &leaf
                && let Err(error) = check_filter(text)
            {
                problems.push(error.to_string());
            }
            problems.extend(snapshot.gone(aim.subjects, &leaf));
        }
        if let Some(owner) = aim.owner
            && snapshot.number(owner.tenant.into()).is_none()
        {
            problems.push(format!("its tenant {} is gone", owner.tenant));
        }
        problems
    }
}

impl Snapshot {
    /// The tenants that are there and not suspended, each with the zone that its days are of.
    pub fn zones(&self) -> impl Iterator<Item = (TenantId, chrono_tz::Tz)> + '_ {
        let live = self.everybody(SubjectKind::Tenant);
        let rows = (0_u32..).zip(self.tenants.iter());
        let rows = rows.filter(|(number, row)| live.contains(*number) && !row.suspended);
        rows.map(|(_, row)| (row.id, row.zone))
    }

    /// The computers that wait to be onboarded and of which is known what they are: their inventory was read.
    #[must_use]
    pub fn to_onboard(&self) -> Set {
        let all = self.everybody(SubjectKind::Computer).iter();
        let waits = all.filter(|number| {
            let row = self.computers.get(*number);
            row.is_some_and(|row| row.needs_onboarding && row.inventory.is_some())
        });
        Set::sorted(waits)
    }
}
