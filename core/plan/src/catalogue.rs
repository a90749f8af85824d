//! The library as the planner reads it: software and tasks by id, each with a digest.

use std::collections::BTreeMap;

use core_model::id::{SoftwareId, TaskId};
use core_model::library::{ItemId, Prerequisite, Software, SoftwareVersion, Task};
use serde::Serialize;

use crate::digest::digest_of;
use crate::order::Rank;
use crate::version::{BadVersion, Version};

/// Software and tasks. It is made once and shared by all plans.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    software: BTreeMap<SoftwareId, Entry<Software>>,
    tasks: BTreeMap<TaskId, Entry<Task>>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    definition: T,
    digest: String,
    /// Its versions, read, in their order.
    versions: Vec<Result<Version, BadVersion>>,
}

/// A definition.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Item<'a> {
    Software(&'a Software),
    Task(&'a Task),
}

impl Catalogue {
    /// From lists in any order.
    #[must_use]
    pub fn new(software: Vec<Software>, tasks: Vec<Task>) -> Self {
        Self {
            software: software
                .into_iter()
                .map(|one| {
                    let versions = read_versions(&one.versions);
                    (one.id, Entry::of(one, versions))
                })
                .collect(),
            tasks: tasks.into_iter().map(|one| (one.id, Entry::of(one, Vec::new()))).collect(),
        }
    }

    /// A piece of software.
    #[must_use]
    pub fn software(&self, id: SoftwareId) -> Option<&Software> {
        self.software.get(&id).map(|entry| &entry.definition)
    }

    /// A task.
    #[must_use]
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.get(&id).map(|entry| &entry.definition)
    }

    pub(crate) fn item(&self, id: ItemId) -> Option<Item<'_>> {
        match id {
            ItemId::Software(id) => self.software(id).map(Item::Software),
            ItemId::Task(id) => self.task(id).map(Item::Task),
        }
    }

    /// The versions of a piece of software, read, in their order.
    pub(crate) fn versions(&self, id: SoftwareId) -> &[Result<Version, BadVersion>] {
        self.software.get(&id).map(|entry| entry.versions.as_slice()).unwrap_or_default()
    }

    pub(crate) fn digest(&self, id: ItemId) -> &str {
        let digest = match id {
            ItemId::Software(id) => self.software.get(&id).map(|entry| &entry.digest),
            ItemId::Task(id) => self.tasks.get(&id).map(|entry| &entry.digest),
        };
        digest.map(String::as_str).unwrap_or_default()
    }
}

impl<T: Serialize> Entry<T> {
    fn of(definition: T, versions: Vec<Result<Version, BadVersion>>) -> Self {
        let digest = digest_of(&definition);
        Self { definition, digest, versions }
    }
}

/// Versions, read.
pub(crate) fn read_versions(list: &[SoftwareVersion]) -> Vec<Result<Version, BadVersion>> {
    list.iter().map(|one| Version::parse(&one.version)).collect()
}

impl<'a> Item<'a> {
    pub(crate) fn title(self) -> &'a str {
        match self {
            Item::Software(software) => &software.title,
            Item::Task(task) => &task.title,
        }
    }

    pub(crate) fn prerequisites(self) -> &'a [Prerequisite] {
        match self {
            Item::Software(software) => &software.prerequisites,
            Item::Task(task) => &task.prerequisites,
        }
    }

    pub(crate) fn rank(self, key: &crate::Key, stage: u8) -> Rank {
        let (name, order) = match self {
            Item::Software(software) => (&software.name, software.order),
            Item::Task(task) => (&task.name, task.order),
        };
        Rank { stage, order, name: core_model::library::handle(name), key: key.clone() }
    }
}
