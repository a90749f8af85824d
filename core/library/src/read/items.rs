//! Tags, and what tables of software and tasks have in common.

use core_model::id::TaskId;
use core_model::library::{ItemId, Order, Origin, Tag, handle};
use core_toml::{Node, printable};

use super::reference::Home;
use super::{Defined, Handles, Reader, Table};

impl<'a> Reader<'a> {
    /// The id under which a table's name was collected, where this is the table that defines it.
    pub(super) fn own<I: Copy>(
        &self,
        table: Table<'a>,
        handles: &Handles<I>,
    ) -> Option<(I, i64, String)> {
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

    /// When an item has its turn.
    pub(super) fn order(&mut self, table: Table<'a>) -> Order {
        let Some(node) = table.get("order") else { return Order::Unordered };
        let order = Table { file: table.file, node };
        let number = |key: &str| order.number(key).and_then(|number| i32::try_from(number).ok());
        match (number("beginning"), number("end")) {
            (Some(number), None) => Order::Beginning(number),
            (None, Some(number)) => Order::End(number),
            (Some(_), Some(_)) => {
                let what = "`order` says two things: `beginning` and `end`";
                self.say(&table.place("order"), what, "one too many", "remove one of them");
                Order::Unordered
            }
            (None, None) => {
                let refused = order.get("beginning").or(order.get("end")).is_some();
                if !refused && node.entries().is_empty() {
                    let help = "write `{ beginning = 10 }` or `{ end = 10 }`, or leave it out";
                    self.say(&table.place("order"), "`order` says nothing", "empty", help);
                }
                Order::Unordered
            }
        }
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
