//! One subject: every item's winner, losers, and whatever was removed, with the reasons.

use chrono::NaiveDate;
use core_model::id::DeploymentId;
use core_model::library::{Deployment, Enforcement, SubjectId, SubjectKind};

use crate::Resolver;
use crate::dates::outside;
use crate::definitions::{ItemKey, Removal};
use crate::feeds::Mode;
use crate::rank::{LostOn, Rank, Scope, class_kinds};
use crate::set::Truth;
use crate::view::View;
use crate::winners::Slot;

/// What became of a deployment, for one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It wins.
    Won,
    /// Nothing is done because of it: it would outrank whatever else there is, and it does not
    /// hold for certain.
    Blocks(String),
    /// It lost to this one.
    Lost {
        /// To whom.
        to: DeploymentId,
        /// The first key that it lost on.
        on: LostOn,
        /// The same in words.
        words: String,
    },
    /// It holds, and waits for what blocks it.
    Waits(DeploymentId),
    /// It was no candidate.
    Removed(Removal),
}

/// A deployment of an item, for one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Its name.
    pub name: String,
    /// Its key; none where its target cannot contain anybody of the subject's tenant.
    pub rank: Option<Rank>,
    /// What became of it.
    pub standing: Standing,
    /// Why its target contains the subject, or does not, or why that is not known. Only from
    /// [`Resolver::explain`].
    pub why: String,
    /// The smallest change that would put the subject in, where it is out. Only from
    /// [`Resolver::explain`].
    pub change: Vec<String>,
}

/// An item, for one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The item.
    pub key: ItemKey,
    /// What holds.
    pub slot: Slot,
    /// Why nothing is done, where it is blocked.
    pub blocked: Option<String>,
    /// The tie rules alone decided.
    pub ambiguous: bool,
    /// All deployments of the item: by their keys, the greatest first; those removed last.
    pub candidates: Vec<Candidate>,
}

/// A candidate before it is known who wins.
struct Entry<'a> {
    deployment: &'a Deployment,
    rank: Option<Rank>,
    removal: Option<Removal>,
    truth: Truth,
    strict: Truth,
}

impl Resolver {
    /// Every item of a subject. Nothing for somebody unknown.
    #[must_use]
    pub fn resolve_subject(&self, subject: SubjectId) -> Vec<Resolved> {
        let kind = subject.kind();
        let keys = self.definitions.items().filter(|key| self.definitions.kind(key.item) == kind);
        keys.filter_map(|key| self.judge(subject, key, false)).collect()
    }

    /// One item of a subject, with why each deployment contains it or not, and the smallest change
    /// that would put it in. `None` for somebody unknown, or where the item is for others.
    #[must_use]
    pub fn explain(&self, subject: SubjectId, key: &ItemKey) -> Option<Resolved> {
        self.judge(subject, key, true)
    }

    /// Why nothing is ever done to somebody, whatever is deployed: he is excluded from maintenance,
    /// or his tenant is suspended.
    #[must_use]
    pub fn left_alone(&self, kind: SubjectKind, number: u32) -> Option<Removal> {
        let snapshot = &self.view.snapshot;
        if kind == SubjectKind::Computer && snapshot.excluded.contains(number) {
            return Some(Removal::Excluded);
        }
        let row = snapshot.tenant(snapshot.tenant_of(kind, number))?;
        row.suspended.then_some(Removal::Suspended)
    }

    pub(crate) fn judge(
        &self,
        subject: SubjectId,
        key: &ItemKey,
        detailed: bool,
    ) -> Option<Resolved> {
        let kind = subject.kind();
        let number = self.view.snapshot.number(subject)?;
        if self.definitions.kind(key.item) != kind {
            return None;
        }
        let mut entries: Vec<Entry<'_>> = self
            .definitions
            .of_item(key)
            .iter()
            .map(|deployment| self.entry(deployment, kind, number))
            .collect();
        entries.sort_by(|a, b| {
            let place = |entry: &Entry<'_>| entry.removal.is_some();
            place(a)
                .cmp(&place(b))
                .then_with(|| b.rank.cmp(&a.rank))
                .then_with(|| a.deployment.id.cmp(&b.deployment.id))
        });
        let verdict = self.verdict(&entries, kind, number);
        let candidates = entries.iter().map(|entry| {
            let (why, change) = if detailed {
                self.details(entry, kind, number)
            } else {
                (String::new(), Vec::new())
            };
            let mut standing = verdict.standing(entry);
            if let Standing::Removed(Removal::Unknown(reason)) = &mut standing {
                *reason = self.view.why_deployment(entry.deployment, kind, number, Mode::Lenient);
            }
            Candidate {
                deployment: entry.deployment.id,
                name: entry.deployment.name.clone(),
                rank: entry.rank.clone(),
                standing,
                why,
                change,
            }
        });
        let mut candidates: Vec<Candidate> = candidates.collect();
        // Those in doubt that outrank nobody are no candidates.
        candidates.sort_by_key(|candidate| matches!(candidate.standing, Standing::Removed(_)));
        let blocked = verdict.blocks.as_ref().map(|(_, reason)| reason.clone());
        let slot = match (&verdict.blocks, &verdict.winner) {
            (Some((id, _)), _) => Slot::Blocked(*id),
            (None, Some((id, _))) => Slot::Won(*id),
            (None, None) => Slot::Nobody,
        };
        Some(Resolved { key: key.clone(), slot, blocked, ambiguous: verdict.ambiguous, candidates })
    }

    fn entry<'a>(&self, deployment: &'a Deployment, kind: SubjectKind, number: u32) -> Entry<'a> {
        let view = &self.view;
        let tenant = view.snapshot.tenant_of(kind, number);
        let rank = Rank::of(deployment, tenant, &view.snapshot);
        let removal = self.removal(deployment, kind, number, rank.as_ref());
        let mut entry = Entry { deployment, rank, removal, truth: Truth::Out, strict: Truth::Out };
        if entry.removal.is_some() {
            return entry;
        }
        entry.truth = view.deployment_truth(deployment, kind, number, Mode::Lenient);
        entry.strict = view.deployment_truth(deployment, kind, number, Mode::Strict);
        if entry.truth == Truth::Out && entry.strict == Truth::Out {
            entry.removal = Some(Removal::Out);
        }
        entry
    }

    pub(crate) fn removal(
        &self,
        deployment: &Deployment,
        kind: SubjectKind,
        number: u32,
        rank: Option<&Rank>,
    ) -> Option<Removal> {
        let snapshot = &self.view.snapshot;
        let tenant = snapshot.tenant_of(kind, number);
        let row = snapshot.tenant(tenant)?;
        if let Some(removal) = self.left_alone(kind, number) {
            return Some(removal);
        }
        if let Some(removal) = self.definitions.removed(deployment, &self.run, snapshot) {
            return Some(removal);
        }
        if let Enforcement::Optional { approved } = &deployment.enforcement {
            let subject = snapshot.subject(kind, number);
            if !subject.is_some_and(|subject| approved.contains(&subject)) {
                return Some(Removal::NotApprovedHere);
            }
        }
        let Some(rank) = rank else { return Some(Removal::Out) };
        if row.opted_out && rank.scope == Scope::CrossTenant {
            return Some(Removal::OptedOut);
        }
        let day: NaiveDate = self.view.day(tenant);
        outside("deployment", deployment.dates, day)
            .map(|text| Removal::Dates(format!("{text}, {}", row.zone)))
    }

    fn verdict(&self, entries: &[Entry<'_>], kind: SubjectKind, number: u32) -> Verdict {
        let mut verdict = Verdict::default();
        let mut tainted: Option<&Deployment> = None;
        let doubt = |deployment: &Deployment, mode| {
            let why = self.view.why_deployment(deployment, kind, number, mode);
            format!("{}: {why}", deployment.name)
        };
        for entry in entries.iter().filter(|entry| entry.removal.is_none()) {
            let Some(rank) = &entry.rank else { continue };
            if let Some((_, winner)) = &verdict.winner {
                verdict.ambiguous |= entry.truth == Truth::In && winner.ties(rank);
                continue;
            }
            if verdict.blocks.is_some() {
                break;
            }
            if entry.strict == Truth::Unknown {
                tainted = tainted.or(Some(entry.deployment));
            }
            match (entry.truth, tainted) {
                (Truth::Out, _) => {}
                (Truth::Unknown, _) => {
                    let reason = doubt(entry.deployment, Mode::Lenient);
                    verdict.blocks = Some((entry.deployment.id, reason));
                }
                (Truth::In, Some(first)) if entry.deployment.state.uninstalls() => {
                    let reason = format!("an uninstall needs {}", doubt(first, Mode::Strict));
                    verdict.blocks = Some((entry.deployment.id, reason));
                }
                (Truth::In, _) => verdict.winner = Some((entry.deployment.id, rank.clone())),
            }
        }
        if verdict.blocks.is_some() {
            verdict.ambiguous = false;
        }
        verdict
    }

    fn details(&self, entry: &Entry<'_>, kind: SubjectKind, number: u32) -> (String, Vec<String>) {
        let deployment = entry.deployment;
        let truth = self.view.deployment_truth(deployment, kind, number, Mode::Lenient);
        let why = self.view.why_deployment(deployment, kind, number, Mode::Lenient);
        let change = (truth == Truth::Out)
            .then(|| self.view.change_deployment(deployment, kind, number))
            .flatten();
        (why, change.unwrap_or_default())
    }
}

#[derive(Default)]
struct Verdict {
    winner: Option<(DeploymentId, Rank)>,
    blocks: Option<(DeploymentId, String)>,
    ambiguous: bool,
}

impl Verdict {
    fn standing(&self, entry: &Entry<'_>) -> Standing {
        if let Some(removal) = &entry.removal {
            return Standing::Removed(removal.clone());
        }
        let id = entry.deployment.id;
        let (Some(rank), true) = (&entry.rank, entry.truth != Truth::Out) else {
            return Standing::Removed(Removal::Out);
        };
        match (&self.blocks, &self.winner) {
            (Some((by, reason)), _) if *by == id => Standing::Blocks(reason.clone()),
            (None, Some((winner, _))) if *winner == id => Standing::Won,
            _ if entry.truth == Truth::Unknown => {
                Standing::Removed(Removal::Unknown(String::new()))
            }
            (Some((by, _)), _) => Standing::Waits(*by),
            (None, Some((to, winner))) => Standing::Lost {
                to: *to,
                on: rank.lost_on(winner),
                words: rank.lost_in_words(winner),
            },
            (None, None) => Standing::Removed(Removal::Out),
        }
    }
}

impl View {
    /// Whether a deployment contains a subject: by its target, its owner and its classes.
    pub(crate) fn deployment_truth(
        &self,
        deployment: &Deployment,
        kind: SubjectKind,
        number: u32,
        mode: Mode,
    ) -> Truth {
        let tenant = self.snapshot.tenant_of(kind, number);
        if Rank::of(deployment, tenant, &self.snapshot).is_none() {
            return Truth::Out;
        }
        let by_target = self.truth(kind, number, &deployment.target, mode);
        if kind != SubjectKind::Computer || deployment.classes.is_empty() {
            return by_target;
        }
        by_target.min(self.kinds_truth(number, class_kinds(&deployment.classes), mode))
    }
}
