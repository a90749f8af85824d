//! A change of some definitions that may be made on a later library too, as long as nobody else
//! changed the same.

use serde::{Deserialize, Serialize};

use crate::diff::Kind;
use crate::library::Library;

/// The definitions that differ between two libraries, as they are in each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// Those that are changed or removed, as they were.
    pub before: Library,
    /// Those that are changed or new, as they will be.
    pub after: Library,
}

/// Definitions that somebody else changed: their kinds and ids.
pub type Clashes = Vec<(Kind, String)>;

impl Patch {
    /// What leads from one library to the other.
    #[must_use]
    pub fn between(before: &Library, after: &Library) -> Self {
        let (before, after) = (before.clone().sorted(), after.clone().sorted());
        Self { before: without(&before, &after), after: without(&after, &before) }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Another library with this change.
    ///
    /// # Errors
    /// With every definition that the change begins from and that is another there, and every new
    /// one that is there already.
    pub fn made_on(&self, library: &Library) -> Result<Library, Clashes> {
        let mut made = library.clone().sorted();
        let mut clashes = Clashes::new();
        let (before, after) = (self.before.clone().sorted(), self.after.clone().sorted());
        macro_rules! make {
            ($($list:ident, $id:ident, $kind:ident;)*) => {$(
                let made_of = (before.$list.as_slice(), after.$list.as_slice());
                let clashed = replace(&mut made.$list, made_of, |one| one.$id);
                clashes.extend(clashed.into_iter().map(|id| (Kind::$kind, id.to_string())));
            )*};
        }
        make! {
            software, id, Software;
            tasks, id, Task;
            tags, id, Tag;
            deployments, id, Deployment;
            schedules, id, Schedule;
            expectations, id, Expect;
            tenants, tenant, Tenant;
            computers, computer, Computer;
        }
        if clashes.is_empty() { Ok(made.sorted()) } else { Err(clashes) }
    }
}

/// What is in the one and not just so in the other.
fn without(one: &Library, other: &Library) -> Library {
    fn left<T: Clone + PartialEq>(one: &[T], other: &[T]) -> Vec<T> {
        one.iter().filter(|item| !other.contains(item)).cloned().collect()
    }
    Library {
        software: left(&one.software, &other.software),
        tasks: left(&one.tasks, &other.tasks),
        tags: left(&one.tags, &other.tags),
        deployments: left(&one.deployments, &other.deployments),
        schedules: left(&one.schedules, &other.schedules),
        expectations: left(&one.expectations, &other.expectations),
        tenants: left(&one.tenants, &other.tenants),
        computers: left(&one.computers, &other.computers),
    }
}

/// Takes out what was before and puts in what is after; gives the ids of what is not as it was.
fn replace<T: Clone + PartialEq, I: Copy + PartialEq>(
    list: &mut Vec<T>,
    (before, after): (&[T], &[T]),
    id: impl Fn(&T) -> I,
) -> Vec<I> {
    let mut clashed = Vec::new();
    for old in before {
        match list.iter().position(|one| one == old) {
            Some(place) => {
                list.remove(place);
            }
            None => clashed.push(id(old)),
        }
    }
    for new in after {
        match list.iter().any(|one| id(one) == id(new)) {
            // What is changed and is not as it was has been told already.
            true if clashed.contains(&id(new)) => {}
            true => clashed.push(id(new)),
            false => list.push(new.clone()),
        }
    }
    clashed
}

#[cfg(test)]
mod tests {
    use core_model::id::{ComputerId, TagId, TenantId};
    use core_model::library::{Tag, TenantSettings};

    use super::*;

    fn tag(name: &str, computers: &[&str]) -> Tag {
        Tag {
            id: TagId::of_text(name, 0),
            name: name.to_owned(),
            computers: computers.iter().map(|one| ComputerId::of_text(one, 0)).collect(),
            tenants: Vec::new(),
            persons: Vec::new(),
        }
    }

    fn tags(tags: Vec<Tag>) -> Library {
        Library { tags, ..Library::default() }
    }

    #[test]
    fn a_patch_leads_from_one_library_to_the_other_and_leaves_everything_else() {
        let before = tags(vec![tag("a", &["1"]), tag("b", &[]), tag("c", &[])]);
        let after = tags(vec![tag("a", &["1", "2"]), tag("c", &[]), tag("d", &[])]);
        let patch = Patch::between(&before, &after);
        assert_eq!(patch.made_on(&before), Ok(after.sorted()));
        let mut later = before.clone();
        later.tags.push(tag("e", &[]));
        let made = patch.made_on(&later).unwrap();
        let names: Vec<&str> = made.tags.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "c", "d", "e"]);
        assert!(Patch::between(&before, &before).is_empty());
        let kept: Patch = serde_json::from_value(serde_json::to_value(&patch).unwrap()).unwrap();
        assert_eq!(kept, patch);
    }

    #[test]
    fn what_somebody_else_changed_removed_or_made_is_told() {
        let before = tags(vec![tag("a", &[]), tag("b", &[])]);
        let after = tags(vec![tag("a", &["1"]), tag("d", &[])]);
        let patch = Patch::between(&before, &after);
        let id = |name: &str| (Kind::Tag, TagId::of_text(name, 0).to_string());
        let other = tags(vec![tag("a", &["2"]), tag("d", &[])]);
        assert_eq!(patch.made_on(&other), Err(vec![id("a"), id("b"), id("d")]));
    }

    #[test]
    fn settings_are_told_by_whom_they_are_of() {
        let settings = |excluded| TenantSettings {
            tenant: TenantId::of_text("t", 0),
            parent: None,
            excluded_from_cross_tenant: excluded,
            budget: None,
        };
        let with = |one| Library { tenants: vec![one], ..Library::default() };
        let patch = Patch::between(&Library::default(), &with(settings(true)));
        let clash = patch.made_on(&with(settings(false))).unwrap_err();
        assert_eq!(clash, [(Kind::Tenant, TenantId::of_text("t", 0).to_string())]);
        assert_eq!(patch.made_on(&Library::default()), Ok(with(settings(true))));
    }
}
