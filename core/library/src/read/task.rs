//! Tasks.

use core_model::library::{ScriptPurpose, Task, TaskCategory, TaskScripts};

use core_toml::Node;
use serde_json::Value;

use super::items::origin;
use super::{Reader, Table};

impl<'a> Reader<'a> {
    pub(super) fn read_tasks(&mut self) -> Vec<Task> {
        // Tables of software name tasks, and are read later: their categories are there by then.
        let tables = self.tables("task");
        tables.into_iter().filter_map(|table| self.one_task(table)).collect()
    }

    fn one_task(&mut self, table: Table<'a>) -> Option<Task> {
        let category = match table.text("category") {
            Some("tenant") => TaskCategory::Tenant,
            Some("person") => TaskCategory::Person,
            _ => TaskCategory::Computer,
        };
        let mut scripts = TaskScripts::default();
        for purpose in ScriptPurpose::OF_TASKS {
            let script = self.script(table, purpose.key(), category.subjects());
            scripts = scripts.with(*purpose, script);
        }
        let own = self.own(table, &self.tasks);
        let item = own.as_ref().map(|(id, ..)| (*id).into());
        let parameters = self.read_parameters(table);
        let prerequisites = self.read_prerequisites(table, item);
        let order = self.order(table);
        let serial = self.serial(table);
        let instances = table.flag("instances");
        let (id, _, name) = own?;
        self.categories.insert(id, (category, instances));
        self.parameters.insert(id.into(), parameters.clone());
        Some(Task {
            title: table.text("title").unwrap_or(&name).to_owned(),
            category,
            instances,
            origin: origin(table),
            scripts,
            parameters,
            serial,
            secret_fields: secret_fields(table),
            onboarding_only: table.flag("onboarding_only"),
            ignored_in_automatic_onboarding: table.flag("ignored_in_automatic_onboarding"),
            prerequisites,
            order,
            ..Task::new(id, &name)
        })
    }

    fn serial(&mut self, table: Table<'a>) -> Option<String> {
        let lock = table.text("serial")?.trim();
        if lock.is_empty() {
            let help = "give the lock a name, or remove `serial`";
            self.say(&table.place("serial"), "a lock must have a name", "empty", help);
        }
        Some(lock.to_owned())
    }
}

fn secret_fields(table: Table<'_>) -> Vec<String> {
    let items = table.get("secret_fields").map(Node::json).unwrap_or_default();
    let names = items.as_array().into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}
