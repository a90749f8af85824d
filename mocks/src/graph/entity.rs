//! What Graph lists: users, groups, device objects and managed devices, each as a table of
//! properties.
//!
//! A property says how it is shown, on which changing fields it depends, and how it is read from
//! the world. Everything else (selection, filters, listings, delta rounds) is the same for all
//! kinds.

mod device;
mod group;
mod managed;
mod person;

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher as _};

use uuid::Uuid;

pub(super) use self::managed::single_only;
pub(super) use self::person::is_deleted_for_good;
use super::index::{Index, Rows};
use super::wire::{Object, Problem, Value};
use crate::world::{DirectoryNo, Mark, Membership, World};

/// How many changing fields a kind may have.
pub(super) const FIELDS: usize = 12;
/// Fingerprints of the changing fields; none where a field is not set.
pub(super) type Print = [Option<u32>; FIELDS];

/// What a property is read from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'w> {
    /// The world.
    pub(super) world: &'w World,
    /// The index over it.
    pub(super) index: &'w Index,
}

/// When a property is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Without `$select` too.
    Always,
    /// Only when selected.
    Selected,
    /// Only when selected by its own name (not by `*`).
    Named,
    /// May be selected but is never there.
    Silent,
    /// Only on a single object; 501 on a collection.
    Single,
}

/// A property.
#[derive(Debug)]
pub(super) struct Prop<E: 'static> {
    /// Its name.
    pub(super) name: &'static str,
    /// When it is shown.
    pub(super) shown: Shown,
    /// Bits of the changing fields it depends on.
    pub(super) fields: u16,
    /// How it is read.
    pub(super) get: for<'w> fn(&'w E, Source<'w>) -> Value<'w>,
}

impl<E> Prop<E> {
    const fn new(
        name: &'static str,
        shown: Shown,
        fields: u16,
        get: for<'w> fn(&'w E, Source<'w>) -> Value<'w>,
    ) -> Self {
        Self { name, shown, fields, get }
    }

    /// A property that nobody ever sets.
    const fn never(name: &'static str, shown: Shown) -> Self {
        Self { name, shown, fields: 0, get: |_, _| Value::Null }
    }

    /// A list that is always empty.
    const fn empty(name: &'static str, shown: Shown) -> Self {
        Self { name, shown, fields: 0, get: |_, _| Value::List(Vec::new()) }
    }
}

/// A kind of rows.
pub(super) trait Entity: Sized + 'static {
    /// `user`.
    const TYPE: &'static str;
    /// `users`.
    const SET: &'static str;
    /// All rows of the world.
    fn all(world: &World) -> &[Self];
    /// The rows by directory.
    fn rows(index: &Index) -> &Rows;
    /// The properties.
    fn props() -> &'static [Prop<Self>];
    /// Object id.
    fn id(&self) -> Uuid;
    /// Its directory.
    fn directory(&self) -> DirectoryNo;
    /// Bookkeeping.
    fn mark(&self) -> &Mark;
    /// The changing fields.
    fn print(&self, world: &World) -> Print;
    /// Whether a removed row is gone for good (`deleted`) or can come back (`changed`).
    fn for_good(&self) -> bool;
    /// Members, where it has some.
    fn members(&self) -> &[Membership] {
        &[]
    }
}

/// The fingerprint of a field that may be unset.
fn print_of<T: Hash>(value: Option<T>) -> Option<u32> {
    value.map(|value| {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        u32::try_from(hasher.finish() >> 32).unwrap_or(0)
    })
}

/// The properties a caller wants.
#[derive(Debug)]
pub(super) struct Selection<E: 'static> {
    /// The properties, `id` first where it is one of them.
    pub(super) props: Vec<&'static Prop<E>>,
    /// Names given in `$select`, as given; none without `$select`.
    pub(super) named: Option<Vec<String>>,
}

impl<E: Entity> Selection<E> {
    /// From `$select`. `collection` refuses what only a single object has; `lenient` (beta)
    /// ignores names that are not known.
    pub(super) fn new(
        select: Option<&[String]>,
        collection: bool,
        lenient: bool,
    ) -> Result<Self, Problem> {
        let Some(names) = select else {
            let props = E::props().iter().filter(|p| p.shown == Shown::Always).collect();
            return Ok(Self { props, named: None });
        };
        let mut props: Vec<&'static Prop<E>> = Vec::new();
        for name in names {
            if name == "*" {
                let all = |p: &&Prop<E>| matches!(p.shown, Shown::Always | Shown::Selected);
                props.extend(E::props().iter().filter(all));
                continue;
            }
            let found = E::props().iter().find(|p| p.name.eq_ignore_ascii_case(name));
            match found {
                Some(prop) if prop.shown == Shown::Single && collection => {
                    let message = "This operation target is not yet supported.";
                    return Err(Problem::new(501, "NotImplemented", message));
                }
                Some(prop) if prop.shown == Shown::Silent => {}
                Some(prop) => {
                    if !props.iter().any(|p| p.name == prop.name) {
                        props.push(prop);
                    }
                }
                None if lenient => {}
                None => return Err(unknown_property(name, E::TYPE)),
            }
        }
        props.sort_by_key(|p| p.name != "id");
        Ok(Self { props, named: Some(names.to_vec()) })
    }

    /// What delta tracks: everything, or what was selected; `id` always.
    pub(super) fn tracked(select: Option<&[String]>, lenient: bool) -> Result<Self, Problem> {
        let mut selection = Self::new(select, true, lenient)?;
        if select.is_none() {
            let tracked = |p: &&Prop<E>| matches!(p.shown, Shown::Always | Shown::Selected);
            selection.props = E::props().iter().filter(tracked).collect();
        } else if !selection.props.iter().any(|p| p.name == "id") {
            selection.props.splice(0..0, E::props().iter().find(|p| p.name == "id"));
        }
        Ok(selection)
    }

    /// `(a,b)` as it stands in a context URL, empty without `$select`.
    pub(super) fn context(&self) -> String {
        self.named.as_ref().map_or_else(String::new, |names| format!("({})", names.join(",")))
    }

    /// Writes every property, null where it is not set.
    pub(super) fn write(&self, row: &E, source: Source<'_>, object: &mut Object<'_>) {
        for prop in &self.props {
            object.member(prop.name, &(prop.get)(row, source));
        }
    }

    /// Writes the id and nulls: what a caller sees who may not read this kind.
    pub(super) fn write_limited(&self, row: &E, object: &mut Object<'_>) {
        for prop in &self.props {
            let value = if prop.name == "id" { Value::Id(row.id()) } else { Value::Null };
            object.member(prop.name, &value);
        }
    }
}

/// 400 for a property that the type does not have.
pub(super) fn unknown_property(name: &str, of: &str) -> Problem {
    Problem::new(
        400,
        "BadRequest",
        format!(
            "Parsing OData Select and Expand failed: Could not find a property named '{name}' on \
             type 'microsoft.graph.{of}'."
        ),
    )
}

/// The value of a property by its name, for filters; `None` where the type has none of that name.
pub(super) fn property<E: Entity>(
    row: &E,
    source: Source<'_>,
    name: &str,
) -> Option<serde_json::Value> {
    let prop = E::props().iter().find(|p| p.name.eq_ignore_ascii_case(name))?;
    Some((prop.get)(row, source).tree())
}

/// Four numbers made of an id, for the security identifiers that are derived from it.
fn quarters(id: Uuid) -> [u32; 4] {
    let b = id.to_bytes_le();
    let part = |n: usize| u32::from_le_bytes([b[n], b[n + 1], b[n + 2], b[n + 3]]);
    [part(0), part(4), part(8), part(12)]
}

/// The security identifier Entra derives from an object id.
fn cloud_sid(id: Uuid) -> String {
    let [a, b, c, d] = quarters(id);
    format!("S-1-12-1-{a}-{b}-{c}-{d}")
}

/// A security identifier of an on-premises domain.
fn domain_sid(domain: &str, id: Uuid) -> String {
    let [a, b, c, _] = quarters(Uuid::new_v5(&Uuid::NAMESPACE_DNS, domain.as_bytes()));
    format!("S-1-5-21-{a}-{b}-{c}-{}", 1000 + quarters(id)[0] % 90_000)
}
