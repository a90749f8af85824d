//! The budget at run time: winners that changed by themselves, by a date or because somebody came into a target, are
//! acted on as long as they are within the tenant's budget; else they wait for a confirmation that names the number.
//! What somebody saved was confirmed when it was saved.
//!
//! Of each tenant the winners that are acted on are kept. What is new (a computer, a tenant) is taken as it is.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use core_library::{Inputs, Proposal};
use core_model::id::{DeploymentId, TenantId};
use core_model::library::{Budget, SubjectId};
use core_resolve::{
    Confirmation, ItemKey, Preview, Resolved, Resolver, Shift, Slot, Snapshot, budget_at,
};
use core_store::{ChangeRequest, Store, Word};
use serde_json::{Value, json};

use crate::commands::preview::Sides;
use crate::commands::requests::{Drift, approving, proposal};
use crate::failure::Failure;
use crate::world::World;

mod accepted;

use self::accepted::{Accepted, named};

/// Who asks for the confirmation.
const BY: &str = "the hub";
/// How often it is tried where somebody else changes the same.
const TRIES: u32 = 5;

/// What changed at a tenant by itself, and what must be confirmed of it.
pub(crate) struct Turn {
    number: i64,
    accepted: Accepted,
    now: Accepted,
    shifts: Vec<Shift>,
    confirmations: Vec<Confirmation>,
}

impl Turn {
    /// Compares what is acted on with what wins now; none where nothing was ever kept of the tenant.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub(crate) async fn look(
        store: &Store,
        resolver: &Resolver,
        tenant: TenantId,
        now_us: i64,
    ) -> Result<Option<Self>, Failure> {
        let Some((number, text)) = store.accepted(&tenant.to_string()).await? else {
            return Ok(None);
        };
        let accepted = Accepted::read(&text)?;
        let (snapshot, winners) = (resolver.snapshot(), resolver.winners_at(tenant));
        let now = Accepted::of(snapshot, tenant, &winners);
        let shifts = accepted.shifts(resolver, tenant, &winners);
        let recently = accepted.recently(snapshot, now_us);
        let place = snapshot.number(tenant.into());
        let confirmations =
            place.map(|place| budget_at(snapshot, place, (&shifts, &recently), Budget::default()));
        let confirmations = confirmations.filter(|_| !shifts.is_empty()).unwrap_or_default();
        Ok(Some(Self { number, accepted, now, shifts, confirmations }))
    }

    /// The number that somebody must name; none where it is within the budget.
    pub(crate) fn to_confirm(&self) -> Option<u64> {
        let number = self.confirmations.iter().map(|one| one.number).sum();
        (!self.confirmations.is_empty()).then_some(number)
    }

    /// What changes, for machines: as a preview of a save.
    pub(crate) fn preview(&self, world: &World) -> Value {
        let mut preview = Preview::default();
        preview.shifts.clone_from(&self.shifts);
        let counts = preview.counts();
        let definitions = world.resolver.definitions();
        let sides = Sides { world, before: definitions, after: definitions };
        let mut value = world.head();
        value["counts"] = json!({
            "newly_won": counts.newly_won,
            "taken_over": counts.taken_over,
            "restated": counts.restated,
            "lost": counts.lost,
            "unknown": counts.unknown,
            "uninstalls": counts.uninstalls,
        });
        value["shifts"] = self.shifts.iter().map(|shift| sides.as_json(shift)).collect();
        let confirm = |one: &Confirmation| json!({ "tenant": one.tenant, "number": one.number, "words": one.words });
        value["confirmations"] = self.confirmations.iter().map(confirm).collect();
        value
    }

    fn words(&self) -> String {
        let words: Vec<&str> = self.confirmations.iter().map(|one| one.words.as_str()).collect();
        words.join("; ")
    }

    /// Has what wins now be acted on from now on; says whether it was not changed by somebody else meanwhile.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub(crate) async fn accept(
        mut self,
        store: &Store,
        (world, tenant): (&World, TenantId),
        (by_somebody, now_us): (bool, i64),
    ) -> Result<bool, Failure> {
        // What is not known for certain stays as it was.
        let snapshot = world.resolver.snapshot();
        let mut after = self.accepted.clone();
        after.seen = (world.loaded.event, world.loaded.revision);
        after.recent = std::mem::take(&mut self.accepted.recent);
        for shift in &self.shifts {
            let winner = match shift.after {
                Slot::Won(id) => Some(id),
                Slot::Nobody | Slot::Blocked(_) => None,
            };
            for id in shift.subjects.iter().filter_map(|one| snapshot.subject(shift.kind, one)) {
                after.set(&named(&shift.key), &id.to_string(), winner);
            }
        }
        after.take_new(&self.now);
        match by_somebody {
            true => after.recent.clear(),
            false => after.note_recent(snapshot, &self.shifts, now_us),
        }
        Ok(store.put_accepted(&tenant.to_string(), self.number, &after.to_json(), now_us).await?)
    }
}

/// What is held of a subject: items, and why.
pub(crate) type HeldItems = BTreeMap<ItemKey, String>;

/// What was read and computed a short while ago.
#[derive(Default)]
pub(crate) struct Budgets {
    /// What is acted on, by its number.
    accepted: Mutex<HashMap<TenantId, (i64, Arc<Accepted>)>>,
    /// What waits, by the number of what is acted on, the event and the revision that it was computed on.
    waiting: Mutex<HashMap<TenantId, ([i64; 3], String)>>,
    /// One asks at a time.
    asking: tokio::sync::Mutex<()>,
}

fn locked<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Budgets {
    /// What must not be acted on of a subject's winners, because too much changed at its tenant by itself. What is
    /// within the budget is acted on from now on. None where whoever looked last knew more of the model, and what this
    /// one knows differs from that.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub(crate) async fn held(
        &self,
        store: &Store,
        world: &World,
        (subject, tenant): (SubjectId, TenantId),
        (resolved, now_us): (&[Resolved], i64),
    ) -> Result<Option<HeldItems>, Failure> {
        for _ in 0..TRIES {
            let Some((number, accepted)) = self.accepted(store, tenant).await? else {
                let winners = world.resolver.winners_at(tenant);
                let mut first = Accepted::of(world.resolver.snapshot(), tenant, &winners);
                first.seen = (world.loaded.event, world.loaded.revision);
                store.put_accepted(&tenant.to_string(), 0, &first.to_json(), now_us).await?;
                return Ok(Some(HeldItems::new()));
            };
            let differ = match accepted.places.get(&subject.to_string()) {
                Some(place) => accepted.differing(*place, resolved),
                None => Vec::new(),
            };
            let is_new = !accepted.places.contains_key(&subject.to_string());
            if differ.is_empty() && !is_new {
                return Ok(Some(HeldItems::new()));
            }
            // Who knows less than whoever looked last would take back what that one saw, or act on what it held.
            if accepted.is_newer_than((world.loaded.event, world.loaded.revision)) {
                return Ok(differ.is_empty().then(HeldItems::new));
            }
            let _one = self.asking.lock().await;
            let place = [number, world.loaded.event, world.loaded.revision];
            let waits = locked(&self.waiting).get(&tenant).cloned();
            let why = match waits.filter(|(of, _)| *of == place) {
                Some((_, why)) => Some(why),
                None => match self.turned(store, world, tenant, now_us).await? {
                    Turned::Waits(why) => {
                        locked(&self.waiting).insert(tenant, (place, why.clone()));
                        Some(why)
                    }
                    Turned::Accepted => None,
                    Turned::Changed => continue,
                },
            };
            let held = why.into_iter().flat_map(|why| {
                differ.iter().map(move |key| (key.clone(), why.clone())).collect::<Vec<_>>()
            });
            return Ok(Some(held.collect()));
        }
        Err(Failure::failed("the winners that are acted on change all the time"))
    }

    async fn accepted(
        &self,
        store: &Store,
        tenant: TenantId,
    ) -> Result<Option<(i64, Arc<Accepted>)>, Failure> {
        let id = tenant.to_string();
        let Some(number) = store.accepted_number(&id).await? else { return Ok(None) };
        let kept = locked(&self.accepted).get(&tenant).cloned();
        if let Some(kept) = kept.filter(|(of, _)| *of == number) {
            return Ok(Some(kept));
        }
        let Some((number, text)) = store.accepted(&id).await? else { return Ok(None) };
        let read = (number, Arc::new(Accepted::read(&text)?));
        locked(&self.accepted).insert(tenant, read.clone());
        Ok(Some(read))
    }

    async fn turned(
        &self,
        store: &Store,
        world: &World,
        tenant: TenantId,
        now_us: i64,
    ) -> Result<Turned, Failure> {
        let resolver = &world.resolver;
        let Some(turn) = Turn::look(store, resolver, tenant, now_us).await? else {
            return Ok(Turned::Changed);
        };
        if turn.to_confirm().is_some() {
            return Ok(Turned::Waits(ask(store, world, tenant, &turn, now_us).await?));
        }
        Ok(match turn.accept(store, (world, tenant), (false, now_us)).await? {
            true => Turned::Accepted,
            false => Turned::Changed,
        })
    }
}

/// What became of what changed by itself.
enum Turned {
    /// It is acted on.
    Accepted,
    /// It waits; for what.
    Waits(String),
    /// Somebody else changed what is acted on.
    Changed,
}

/// Has the confirmation asked for, once, and says what is waited for.
async fn ask(
    store: &Store,
    world: &World,
    tenant: TenantId,
    turn: &Turn,
    now_us: i64,
) -> Result<String, Failure> {
    let (words, preview) = (turn.words(), turn.preview(world));
    let asked = Proposal::of_winners(
        Inputs::new(&world.loaded.library, &[], u64::try_from(world.loaded.event).unwrap_or(0)),
        tenant,
        (preview, turn.to_confirm()),
    );
    let of_tenant = |one: &ChangeRequest| {
        let then = proposal(one).ok().filter(|then| then.winners_of == Some(tenant))?;
        let same = Drift::between(&then.preview, &asked.preview).is_none();
        Some((one.clone(), same))
    };
    let all: Vec<(ChangeRequest, bool)> =
        store.requests().await?.iter().filter_map(of_tenant).collect();
    if let Some((open, same)) = all.iter().find(|(one, _)| one.settled.is_none()) {
        let document = open.document.as_str();
        if !same {
            let word = Word { number: open.number, document, by: BY, note: "", now_us };
            store.renew_request(word, &asked.to_json()).await?;
        }
        return Ok(waits(&words, open.number, asked.confirm));
    }
    let rejected = all.iter().rev().find(|(one, same)| {
        *same && one.settled.as_ref().is_some_and(|settled| settled.revision.is_none())
    });
    if let Some((rejected, _)) = rejected {
        let by = rejected.settled.as_ref().map(|settled| settled.by.as_str()).unwrap_or_default();
        let number = rejected.number;
        return Ok(format!("{words}, and {by} rejected that (request {number})"));
    }
    let note = format!("{words}: dates passed, or somebody came into a target or left one");
    let number = store.add_request(BY, &note, &asked.to_json(), now_us).await?;
    tracing::warn!(request = number, what = words, "changes of winners wait to be confirmed");
    Ok(waits(&words, number, asked.confirm))
}

fn waits(words: &str, number: i64, confirm: Option<u64>) -> String {
    format!("{words}, and that waits for {}", approving(number, confirm))
}

/// Notes that somebody saved what these shifts come of: they are acted on.
///
/// # Errors
/// Where the store does not answer.
pub(crate) async fn note_saved(
    store: &Store,
    snapshot: &Snapshot,
    (shifts, revision): (&[Shift], i64),
    now_us: i64,
) -> Result<(), Failure> {
    let mut by_tenant: BTreeMap<TenantId, Vec<(String, String, Option<DeploymentId>)>> =
        BTreeMap::new();
    for shift in shifts.iter().filter(|shift| !matches!(shift.after, Slot::Blocked(_))) {
        let winner = match shift.after {
            Slot::Won(id) => Some(id),
            Slot::Nobody | Slot::Blocked(_) => None,
        };
        for number in shift.subjects.iter() {
            let tenant = snapshot.tenant_id(shift.kind, number);
            let subject = snapshot.subject(shift.kind, number);
            let (Some(tenant), Some(subject)) = (tenant, subject) else { continue };
            let pair = (named(&shift.key), subject.to_string(), winner);
            by_tenant.entry(tenant).or_default().push(pair);
        }
    }
    for (tenant, pairs) in by_tenant {
        let tenant = tenant.to_string();
        for _ in 0..TRIES {
            let Some((number, text)) = store.accepted(&tenant).await? else { break };
            let mut accepted = Accepted::read(&text)?;
            accepted.seen.1 = accepted.seen.1.max(revision);
            for (item, subject, winner) in &pairs {
                if accepted.places.contains_key(subject) {
                    accepted.set(item, subject, *winner);
                }
            }
            if store.put_accepted(&tenant, number, &accepted.to_json(), now_us).await? {
                break;
            }
        }
    }
    Ok(())
}
