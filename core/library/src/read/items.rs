//! Software, tasks and tags.

use std::collections::BTreeMap;

use core_model::id::{SoftwareId, TaskId, VersionId};
use core_model::library::{
    ItemId, Origin, Software, SoftwareVersion, Tag, Task, TaskCategory, handle,
};
use core_toml::{Node, printable};

use super::reference::Home;
use super::{Defined, Handles, Place, Reader, Table};

impl<'a> Reader<'a> {
    /// The id under which a table's name was collected, where this is the table that defines it.
    fn own<I: Copy>(&self, table: Table<'a>, handles: &Handles<I>) -> Option<(I, i64, String)> {
        let Defined { id, created_us, name, place } = handles.get(&handle(table.text("name")?))?;
        let here = table.place("name");
        let place = place.as_ref()?;
        let same = place.file == here.file && place.span == here.span;
        same.then(|| (*id, *created_us, name.clone()))
    }

    pub(super) fn own_deployment(
        &self,
        table: Table<'a>,
    ) -> Option<(core_model::id::DeploymentId, i64, String)> {
        self.own(table, &self.deployments)
    }

    pub(super) fn own_expectation(
        &self,
        table: Table<'a>,
    ) -> Option<(core_model::id::ExpectationId, i64, String)> {
        self.own(table, &self.expectations)
    }

    pub(super) fn read_software(&mut self) -> Vec<Software> {
        let tables = self.tables("software");
        tables.into_iter().filter_map(|table| self.one_software(table)).collect()
    }

    fn one_software(&mut self, table: Table<'a>) -> Option<Software> {
        let own = self.own(table, &self.software);
        let versions = self.versions(table, own.as_ref().map(|(id, ..)| *id));
        let (id, _, name) = own?;
        Some(Software {
            title: table.text("title").unwrap_or(&name).to_owned(),
            publisher: table.text("publisher").map(str::to_owned),
            origin: origin(table),
            versions,
            ..Software::new(id, &name)
        })
    }

    fn versions(&mut self, table: Table<'a>, of: Option<SoftwareId>) -> Vec<SoftwareVersion> {
        let known = self.known.software.iter().find(|one| Some(one.id) == of);
        let known: BTreeMap<&str, VersionId> = known
            .map(|one| one.versions.iter().map(|one| (one.version.as_str(), one.id)).collect())
            .unwrap_or_default();
        let mut versions: Vec<SoftwareVersion> = Vec::new();
        for node in table.items("versions") {
            let Some(version) = node.text().map(str::trim) else { continue };
            let place = Place { file: table.file, span: node.span.clone() };
            if version.is_empty() || versions.iter().any(|one| one.version == version) {
                let what = match version {
                    "" => "a version must not be empty".to_owned(),
                    _ => format!("the version \"{}\" is there twice", printable(version)),
                };
                self.say(&place, what, "here", "remove it");
                continue;
            }
            let id = known.get(version).copied().unwrap_or_else(|| {
                let name = table.text("name").map(handle).unwrap_or_default();
                VersionId::of_text(&format!("{name}\u{1f}{version}"), self.now_us)
            });
            versions.push(SoftwareVersion::new(id, version));
        }
        versions
    }

    pub(super) fn read_tasks(&mut self) -> Vec<Task> {
        let mut tasks = Vec::new();
        for table in self.tables("task") {
            let Some((id, _, name)) = self.own(table, &self.tasks) else { continue };
            let category = match table.text("category") {
                Some("tenant") => TaskCategory::Tenant,
                Some("person") => TaskCategory::Person,
                _ => TaskCategory::Computer,
            };
            let instances = table.flag("instances");
            self.categories.insert(id, (category, instances));
            let title = table.text("title").unwrap_or(&name).to_owned();
            tasks.push(Task {
                title,
                category,
                instances,
                origin: origin(table),
                ..Task::new(id, &name)
            });
        }
        tasks
    }

    pub(super) fn read_tags(&mut self) -> Vec<Tag> {
        let mut tags = Vec::new();
        for table in self.tables("tag") {
            let computers =
                self.carriers(table, "computers", |reader, at, home| reader.computer(at, home));
            let tenants = self.carriers(table, "tenants", |reader, at, _| reader.tenant(at));
            let persons =
                self.carriers(table, "persons", |reader, at, home| reader.person(at, home));
            let Some((id, _, name)) = self.own(table, &self.tags) else { continue };
            tags.push(Tag { id, name, computers, tenants, persons });
        }
        tags
    }

    /// Whoever carries a tag: texts, or tables that say the tenant besides.
    fn carriers<I>(
        &mut self,
        table: Table<'a>,
        list: &str,
        read: impl Fn(&mut Self, (usize, &Node), Home) -> Option<I>,
    ) -> Vec<I> {
        let mut carriers = Vec::new();
        for node in table.items(list) {
            let home = match node.get("tenant") {
                Some(tenant) => self.tenant((table.file, tenant)).map(Home::at),
                None => Some(Home::default()),
            };
            let named = node.get("computer").or(node.get("person")).unwrap_or(node);
            let carrier = home.and_then(|home| read(self, (table.file, named), home));
            carriers.extend(carrier);
        }
        carriers
    }

    /// The item that a table names: `software` or `task`.
    pub(super) fn item(&mut self, table: Table<'a>) -> Option<ItemId> {
        let (software, task) = (table.get("software"), table.get("task"));
        match (software, task) {
            (Some(node), None) => {
                let id = self.definition((table.file, node), "software", |one| &one.software);
                id.map(ItemId::Software)
            }
            (None, Some(node)) => {
                let id = self.definition((table.file, node), "task", |one| &one.tasks);
                id.map(ItemId::Task)
            }
            (Some(_), Some(_)) => {
                let help = "a deployment is of one item: remove one, or make two of it";
                let what = "this names `software` and `task`";
                self.say(&table.place("task"), what, "one too many", help);
                None
            }
            (None, None) => {
                let help = "add `software = \"…\"` or `task = \"…\"`";
                let what = "this lacks `software` or `task`";
                self.say(&table.place("name"), what, "add it to this table", help);
                None
            }
        }
    }

    /// The instance that a table names, where its item may be there several times.
    pub(super) fn instance(&mut self, table: Table<'a>, item: Option<ItemId>) -> Option<String> {
        let instance = table.text("instance")?;
        let several = match item? {
            ItemId::Software(_) => false,
            ItemId::Task(id) => self.several_instances(id),
        };
        if !several {
            let item = table.text("task").or(table.text("software")).unwrap_or_default();
            let what =
                format!("`{}` is there once only, and an instance is named", printable(item));
            let help = "remove `instance`, or write `instances = true` at the task";
            self.say(&table.place("instance"), what, "no instances", help);
        }
        Some(instance.to_owned())
    }

    fn several_instances(&self, task: TaskId) -> bool {
        self.categories.get(&task).is_some_and(|(_, instances)| *instances)
    }
}

pub(super) fn origin(table: Table<'_>) -> Origin {
    match table.text("origin") {
        Some("recommended") => Origin::Recommended,
        _ => Origin::Own,
    }
}
