//! Who is in which ring of a deployment. Rings never touch who wins: they say in which order winners get it.

use std::sync::Arc;

use core_model::library::{Deployment, RingMembers, SubjectId, SubjectKind, Target};
use xxhash_rust::xxh3::xxh3_64;

use crate::definitions::ItemKey;
use crate::resolver::Resolver;
use crate::set::Set;

/// Parts that a share is counted in: hundredths of a percent.
const PARTS: u64 = 10_000;

/// Where a subject stands among all that a deployment may win, from 0 to 9999: a share of n percent are those below
/// n hundred. It is a function of the two ids alone, so that a share keeps its members and only grows.
#[must_use]
pub fn share_of(subject: SubjectId, deployment: &Deployment) -> u32 {
    let text = format!("{subject} {}", deployment.id);
    u32::try_from(xxh3_64(text.as_bytes()) % PARTS).unwrap_or_default()
}

/// The rings of a deployment with their members.
#[derive(Clone, Debug)]
pub struct RingSets {
    /// What kind of subjects.
    pub kind: SubjectKind,
    /// Each ring, and last whoever is in none.
    pub sets: Vec<Set>,
}

impl RingSets {
    /// The ring of a subject that the deployment wins, from 0.
    #[must_use]
    pub fn ring(&self, number: u32) -> Option<usize> {
        self.sets.iter().position(|set| set.contains(number))
    }
}

impl Resolver {
    /// The rings of a deployment, of those that it wins. Of whom it is not known whether they carry a ring's tag are
    /// not in that ring. A share has one member at least.
    #[must_use]
    pub fn rings(&self, deployment: &Arc<Deployment>) -> RingSets {
        let key = ItemKey { item: deployment.item, instance: deployment.instance.clone() };
        let kind = self.definitions().kind(deployment.item);
        let won = self.resolve_item(&key).won.remove(&deployment.id).unwrap_or_default();
        self.rings_among(deployment, kind, won)
    }

    /// The rings of a deployment, of these subjects.
    fn rings_among(&self, deployment: &Deployment, kind: SubjectKind, won: Set) -> RingSets {
        let snapshot = self.snapshot();
        let shared =
            deployment.rings.iter().any(|ring| matches!(ring.members, RingMembers::Percent(_)));
        let mut shares: Vec<(u32, u32)> = Vec::new();
        if shared {
            shares.extend(won.iter().filter_map(|number| {
                Some((share_of(snapshot.subject(kind, number)?, deployment), number))
            }));
            shares.sort_unstable();
        }
        let mut rest = won;
        let mut sets = Vec::with_capacity(deployment.rings.len() + 1);
        for ring in &deployment.rings {
            let members = match ring.members {
                RingMembers::Tag(tag) => self.members(kind, &Target::Tag(tag)).yes,
                RingMembers::Percent(percent) => {
                    let below = u32::from(percent) * 100;
                    let share =
                        shares.iter().take_while(|(share, _)| *share < below).count().max(1);
                    shares.iter().take(share).map(|(_, number)| *number).collect()
                }
            };
            let own = &members & &rest;
            rest.take(&own);
            sets.push(own);
        }
        sets.push(rest);
        RingSets { kind, sets }
    }
}
