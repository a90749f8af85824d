//! What a technician may deploy by hand: the deployments that are shown to him and whose target contains
//! the subject, whether they win or not.

use std::cmp::Reverse;
use std::sync::Arc;

use core_model::library::{Deployment, SubjectId, handle};

use crate::Resolver;
use crate::definitions::{ItemKey, Removal};
use crate::feeds::Mode;
use crate::rank::Rank;
use crate::set::Truth;
use crate::winners::Slot;

/// A deployment that may be run for a subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Offered {
    /// The deployment.
    pub deployment: Deployment,
    /// Why its target contains the subject.
    pub why: String,
    /// What speaks against it.
    pub against: Option<Against>,
}

/// What speaks against a deployment that may be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// Another deployment of the item wants something else, and the next maintenance run does that.
    Undone {
        /// Its name.
        by: String,
        /// What it wants, in words.
        wants: String,
    },
    /// Nothing is done about the item because of this; what is run by hand is not looked after.
    Blocked(String),
}

impl Resolver {
    /// What may be run for a subject, by item, order and name. What needs somebody to ask for it by name, or
    /// to approve it, is offered: a technician does both. Nothing for somebody unknown.
    #[must_use]
    pub fn offered(&self, subject: SubjectId) -> Vec<Offered> {
        let kind = subject.kind();
        let definitions = &self.definitions;
        let keys = definitions.items().filter(|key| definitions.kind(key.item) == kind);
        keys.flat_map(|key| self.offered_of(subject, key)).collect()
    }

    fn offered_of(&self, subject: SubjectId, key: &ItemKey) -> Vec<Offered> {
        let all = self.definitions.of_item(key).iter();
        let shown: Vec<_> = all.filter(|one| one.visibility.technician_tools).collect();
        let shown = shown.into_iter().filter(|one| self.may_run(subject, one));
        let mut offered: Vec<&Arc<Deployment>> = shown.collect();
        if offered.is_empty() {
            return Vec::new();
        }
        offered.sort_by_cached_key(|one| (Reverse(one.order), handle(&one.name)));
        let holds = self.resolve_item_of(subject, key);
        let offer = |one: &Arc<Deployment>| {
            let number = self.view.snapshot.number(subject).unwrap_or_default();
            Offered {
                why: self.why_in(one, number),
                against: holds
                    .as_ref()
                    .and_then(|(slot, blocked)| self.against(one, *slot, blocked.as_deref())),
                deployment: one.as_ref().clone(),
            }
        };
        offered.into_iter().map(offer).collect()
    }

    fn resolve_item_of(&self, subject: SubjectId, key: &ItemKey) -> Option<(Slot, Option<String>)> {
        let resolved = self.judge(subject, key, false)?;
        Some((resolved.slot, resolved.blocked))
    }

    /// Whether a deployment may be run for a subject: its target contains the subject for certain.
    #[must_use]
    pub fn may_run(&self, subject: SubjectId, deployment: &Deployment) -> bool {
        let kind = subject.kind();
        let Some(number) = self.view.snapshot.number(subject) else { return false };
        let tenant = self.view.snapshot.tenant_of(kind, number);
        let rank = Rank::of(deployment, tenant, &self.view.snapshot);
        let asked = |removal: &Removal| {
            matches!(
                removal,
                Removal::NotAsked | Removal::NotApprovedHere | Removal::OnboardingOnly
            )
        };
        let removal = self.removal(deployment, kind, number, rank.as_ref());
        if removal.is_some_and(|removal| !asked(&removal)) {
            return false;
        }
        let modes: &[Mode] = match deployment.state.uninstalls() {
            true => &[Mode::Lenient, Mode::Strict],
            false => &[Mode::Lenient],
        };
        modes
            .iter()
            .all(|mode| self.view.deployment_truth(deployment, kind, number, *mode) == Truth::In)
    }

    fn against(&self, one: &Deployment, slot: Slot, blocked: Option<&str>) -> Option<Against> {
        match slot {
            Slot::Won(id) if id != one.id => {
                let winner = self.definitions.deployment(id)?;
                (winner.state != one.state).then(|| Against::Undone {
                    by: winner.name.clone(),
                    wants: winner.state.words(),
                })
            }
            Slot::Blocked(_) => blocked.map(|why| Against::Blocked(why.to_owned())),
            _ => None,
        }
    }
}
