//! One object: read, compared, noted, written; or looked for, noted, made.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use core_connector::{Actor, Error as Refusal, ErrorKind, Found, NewObject, Set, TRACES, There};
use core_push::{Item, Mark, Place, Verdict, Wanted, decide};
use core_store::{PushMade, PushMark};

use super::{Marks, PushChange, Pushed, PushedItem, STORM, Shared};
use crate::error::{Error, Result};

/// An object that was worked on, and what is to be remembered of it.
pub(super) struct Done {
    pub(super) item: PushedItem,
    /// Where it is in the book of what is open: blank for one that was to be made.
    pub(super) place: String,
    /// What its fields hold now.
    pub(super) marks: Vec<PushMark>,
}

/// What stops an object: the system, or the store.
enum Stop {
    Refused(Refusal),
    Broken(Error),
}

impl From<Refusal> for Stop {
    fn from(error: Refusal) -> Self {
        Stop::Refused(error)
    }
}

impl From<core_store::Error> for Stop {
    fn from(error: core_store::Error) -> Self {
        Stop::Broken(error.into())
    }
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Stop::Broken(error.into())
    }
}

/// Works on an object.
#[tracing::instrument(target = TRACES, name = "push.object", skip_all, fields(
    computer = item.computer, outcome,
))]
pub(super) async fn push(
    shared: &Shared<'_>,
    item: Item,
    marks: &Marks,
    made: &BTreeMap<String, PushMade>,
) -> Result<Done> {
    let mut done = Done {
        place: super::key_of(&item.place).to_owned(),
        item: PushedItem {
            computer: item.computer.clone(),
            name: item.name.clone(),
            object: None,
            outcome: Pushed::Left,
            changes: Vec::new(),
            conflicts: Vec::new(),
        },
        marks: Vec::new(),
    };
    if shared.is_over() {
        return Ok(done);
    }
    let object = Object { shared, item: &item };
    let worked = match &item.place {
        Place::There(key) => {
            let begun = made.get(&item.computer).filter(|made| made.object.is_none());
            object.there(key, (marks.get(key), begun), &mut done).await
        }
        Place::New { client, class } => {
            object.make((client, class), made.get(&item.computer), &mut done).await
        }
        Place::Missing { .. } => Ok(()),
    };
    match worked {
        Ok(()) => shared.storm.store(0, Ordering::Relaxed),
        Err(Stop::Broken(error)) => return Err(error),
        Err(Stop::Refused(error)) => refused(shared, &mut done, error),
    }
    tracing::Span::current().record("outcome", done.item.outcome.as_str());
    Ok(done)
}

/// An object failed. Credentials and settings are not the object's fault: the push ends, and nothing is
/// held against it.
fn refused(shared: &Shared<'_>, done: &mut Done, error: Refusal) {
    if matches!(error.kind(), ErrorKind::Auth | ErrorKind::Config) {
        shared.end(&error);
        return;
    }
    // A right that is missing at one object may be missing at all.
    if error.kind().actor() == Actor::Clock || error.kind() == ErrorKind::Forbidden {
        if shared.storm.fetch_add(1, Ordering::Relaxed) + 1 >= STORM {
            shared.end(&error);
        }
    } else {
        shared.storm.store(0, Ordering::Relaxed);
    }
    done.item.outcome = Pushed::Failed { error, dead: false };
}

struct Object<'a> {
    shared: &'a Shared<'a>,
    item: &'a Item,
}

impl Object<'_> {
    /// The same as [`Self::update`], where a process may have died that was making one: what it made was
    /// read back since, and is still the hub's own.
    async fn there(
        &self,
        key: &str,
        (marks, begun): (Option<&BTreeMap<String, PushMark>>, Option<&PushMade>),
        done: &mut Done,
    ) -> std::result::Result<(), Stop> {
        let shared = self.shared;
        let Some(begun) = begun.filter(|_| !shared.options.dry_run) else {
            return self.update(key, marks, done).await;
        };
        let new: NewObject = serde_json::from_str(&begun.wanted)?;
        match shared.push.find(&new).await? {
            Found::Ours(made) => {
                let marks = self.adopt(&new, &made, Some(begun)).await?;
                self.update(key, Some(&marks).filter(|_| made == key), done).await
            }
            _ => {
                let name = &shared.connection.name;
                shared.hub.store.drop_push_object(name, &new.computer).await?;
                self.update(key, marks, done).await
            }
        }
    }

    /// Brings an object that is there to what it should hold.
    async fn update(
        &self,
        key: &str,
        marks: Option<&BTreeMap<String, PushMark>>,
        done: &mut Done,
    ) -> std::result::Result<(), Stop> {
        done.item.object = Some(key.to_owned());
        let shared = self.shared;
        let there = shared.push.read(key).await?;
        let (settled, sets) = self.compare(key, marks, &there, done);
        done.item.outcome = Pushed::Unchanged;
        if sets.is_empty() {
            done.marks = settled;
            return Ok(());
        }
        if !shared.options.dry_run {
            let sent: Vec<PushMark> = sets.iter().map(|set| set.mark.clone()).collect();
            let now_us = shared.hub.clock.now_us();
            shared.hub.store.put_push_marks(&shared.connection.name, &sent, now_us).await?;
            let sets: Vec<Set> = sets.iter().map(|set| set.set.clone()).collect();
            shared.push.write(key, &there, &sets).await?;
        }
        done.item.outcome = Pushed::Written;
        done.marks = settled;
        done.marks.extend(sets.into_iter().map(|set| arrived(set.mark)));
        Ok(())
    }

    /// What is to be written, and what is as it should be.
    fn compare(
        &self,
        key: &str,
        marks: Option<&BTreeMap<String, PushMark>>,
        there: &There,
        done: &mut Done,
    ) -> (Vec<PushMark>, Vec<Sending>) {
        let mut settled = Vec::new();
        let mut sets = Vec::new();
        for wish in &self.item.wishes {
            let known = marks.and_then(|marks| marks.get(&wish.field));
            let mut mark = known.cloned().unwrap_or_else(|| PushMark {
                object: key.to_owned(),
                field: wish.field.clone(),
                ..PushMark::default()
            });
            let now = there.value(&wish.field);
            let of =
                Mark { base: mark.base.clone(), sent: mark.sent.clone(), ours: mark.ours.clone() };
            match decide(&wish.wanted, &of, now) {
                Verdict::Leave => {}
                Verdict::Settled(_) => {
                    mark.base = Some(now.to_owned());
                    mark.sent = None;
                    // What is remembered so already need not be written down again.
                    settled.extend(Some(mark).filter(|mark| known != Some(mark)));
                }
                Verdict::Write(value) => {
                    done.item.changes.push(change(&wish.field, &wish.wanted, &value, there));
                    // Should the process die now: whichever of the two is there, no human put it.
                    mark.base = Some(now.to_owned());
                    mark.sent = Some(value.clone());
                    if !value.is_empty() && !mark.ours.contains(&value) {
                        mark.ours.push(value.clone());
                    }
                    sets.push(Sending { set: Set { field: wish.field.clone(), value }, mark });
                }
                Verdict::Conflict => {
                    let Wanted::Value { value, .. } = &wish.wanted else { continue };
                    done.item.conflicts.push(change(&wish.field, &wish.wanted, value, there));
                }
            }
        }
        (settled, sets)
    }

    /// Makes an object, unless it is there.
    async fn make(
        &self,
        (client, class): (&str, &str),
        begun: Option<&PushMade>,
        done: &mut Done,
    ) -> std::result::Result<(), Stop> {
        let shared = self.shared;
        let new = self.new_object(client, class);
        match shared.push.find(&new).await? {
            Found::Nothing => self.create(&new, done).await,
            Found::Ours(key) => {
                let marks = self.adopt(&new, &key, begun).await?;
                self.update(&key, Some(&marks), done).await
            }
            Found::Same(key) => {
                if begun.is_some() && !shared.options.dry_run {
                    let name = &shared.connection.name;
                    shared.hub.store.drop_push_object(name, &new.computer).await?;
                }
                let keys = [key.clone()];
                let known =
                    shared.hub.store.push_marks(&shared.connection.name, Some(&keys)).await?;
                let marks = known.into_iter().map(|mark| (mark.field.clone(), mark)).collect();
                self.update(&key, Some(&marks), done).await
            }
            Found::Alike(key) => {
                let detail = format!(
                    "`{key}` has the same name there, and nothing says whether it is the same machine"
                );
                Err(Refusal::new(ErrorKind::Rejected, format!("create {}", new.name), detail)
                    .with_remedy(
                        "enter the machine's serial number there, or rename or remove it; then \
                         `linchpin sync` and `linchpin push retry`",
                    )
                    .into())
            }
        }
    }

    fn new_object(&self, client: &str, class: &str) -> NewObject {
        let value = |wish: &core_push::Wish| match &wish.wanted {
            Wanted::Value { value, .. } => Some((wish.field.clone(), value.clone())),
            _ => None,
        };
        NewObject {
            computer: self.item.computer.clone(),
            name: self.item.name.clone(),
            client: client.to_owned(),
            class: class.to_owned(),
            values: self.item.wishes.iter().filter_map(value).collect(),
        }
    }

    async fn create(&self, new: &NewObject, done: &mut Done) -> std::result::Result<(), Stop> {
        let shared = self.shared;
        for wish in &self.item.wishes {
            if let Wanted::Value { value, .. } = &wish.wanted {
                let nothing = There::default();
                done.item.changes.push(change(&wish.field, &wish.wanted, value, &nothing));
            }
        }
        if !shared.options.dry_run {
            let (store, name) = (&shared.hub.store, &shared.connection.name);
            let wanted = serde_json::to_string(new)?;
            let now_us = shared.hub.clock.now_us();
            store.begin_push_object(name, &new.computer, &wanted, now_us).await?;
            let key = shared.push.create(new).await?;
            let marks: Vec<PushMark> = sent_with(&key, new).into_iter().map(arrived).collect();
            store.end_push_object(name, (&new.computer, &key), &marks, now_us).await?;
            done.item.object = Some(key);
        }
        done.item.outcome = Pushed::Created;
        Ok(())
    }

    /// Takes an object that the hub made, by a process that died before it could note its key.
    async fn adopt(
        &self,
        new: &NewObject,
        key: &str,
        begun: Option<&PushMade>,
    ) -> std::result::Result<BTreeMap<String, PushMark>, Stop> {
        let asked: Option<NewObject> =
            begun.map(|made| serde_json::from_str(&made.wanted)).transpose()?;
        let marks = sent_with(key, asked.as_ref().unwrap_or(new));
        let shared = self.shared;
        if !shared.options.dry_run {
            let (store, name) = (&shared.hub.store, &shared.connection.name);
            let wanted = serde_json::to_string(asked.as_ref().unwrap_or(new))?;
            let now_us = shared.hub.clock.now_us();
            store.begin_push_object(name, &new.computer, &wanted, now_us).await?;
            store.end_push_object(name, (&new.computer, key), &marks, now_us).await?;
        }
        Ok(marks.into_iter().map(|mark| (mark.field.clone(), mark)).collect())
    }
}

/// A field on its way, and what is noted of it before.
struct Sending {
    set: Set,
    mark: PushMark,
}

/// What a new object was sent with.
fn sent_with(key: &str, new: &NewObject) -> Vec<PushMark> {
    let mark = |(field, value): (&String, &String)| PushMark {
        object: key.to_owned(),
        field: field.clone(),
        // A new object's fields are blank, should it have come without them.
        base: Some(String::new()),
        sent: Some(value.clone()),
        ours: vec![value.clone()],
    };
    new.values.iter().map(mark).collect()
}

/// The same, arrived.
fn arrived(mut mark: PushMark) -> PushMark {
    mark.base = mark.sent.take();
    mark
}

fn change(field: &str, wanted: &Wanted, to: &str, there: &There) -> PushChange {
    let to_label = match wanted {
        Wanted::Value { label, .. } => label.clone(),
        _ => None,
    };
    PushChange {
        field: field.to_owned(),
        from: there.value(field).to_owned(),
        to: to.to_owned(),
        from_label: there.labels.get(field).cloned(),
        to_label,
    }
}
