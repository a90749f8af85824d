//! Tasks: how something is read, tested and set.

use serde::{Deserialize, Serialize};

use super::script::is_default;
use super::{
    Order, Origin, Parameter, Prerequisite, Script, ScriptPurpose, SubjectKind, TaskMethod,
};
use crate::id::TaskId;

/// For whom a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskCategory {
    /// Computers.
    #[default]
    Computer,
    /// Tenants.
    Tenant,
    /// Persons.
    Person,
}

impl TaskCategory {
    /// The kind of its subjects.
    #[must_use]
    pub fn subjects(self) -> SubjectKind {
        match self {
            TaskCategory::Computer => SubjectKind::Computer,
            TaskCategory::Tenant => SubjectKind::Tenant,
            TaskCategory::Person => SubjectKind::Person,
        }
    }
}

/// The scripts of a task. What has none of its own is done by the combined one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskScripts {
    /// Prints how it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub get: Option<Script>,
    /// Makes it as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<Script>,
    /// Ends with `true` or `false`: whether it is as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Script>,
    /// All of them, told apart by the `method` that it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub combined: Option<Script>,
}

impl TaskScripts {
    /// The script of exactly this purpose; nothing for purposes of software.
    #[must_use]
    pub fn get(&self, purpose: ScriptPurpose) -> Option<&Script> {
        match purpose {
            ScriptPurpose::Get => self.get.as_ref(),
            ScriptPurpose::Set => self.set.as_ref(),
            ScriptPurpose::Test => self.test.as_ref(),
            ScriptPurpose::Combined => self.combined.as_ref(),
            _ => None,
        }
    }

    /// The same with a script for a purpose of [`ScriptPurpose::OF_TASKS`]; others change nothing.
    #[must_use]
    pub fn with(mut self, purpose: ScriptPurpose, script: Option<Script>) -> Self {
        match purpose {
            ScriptPurpose::Get => self.get = script,
            ScriptPurpose::Set => self.set = script,
            ScriptPurpose::Test => self.test = script,
            ScriptPurpose::Combined => self.combined = script,
            _ => {}
        }
        self
    }

    /// The script that a method is done by: its own, else the combined one.
    #[must_use]
    pub fn by_method(&self, method: TaskMethod) -> Option<&Script> {
        self.get(method.purpose()).or(self.combined.as_ref())
    }

    /// Those that are there.
    pub fn iter(&self) -> impl Iterator<Item = (ScriptPurpose, &Script)> {
        let there = |purpose: &ScriptPurpose| Some((*purpose, self.get(*purpose)?));
        ScriptPurpose::OF_TASKS.iter().filter_map(there)
    }
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Id.
    pub id: TaskId,
    /// Handle, unique among tasks without case.
    pub name: String,
    /// What people read.
    pub title: String,
    /// For whom it is.
    #[serde(default)]
    pub category: TaskCategory,
    /// It may be there several times on one subject, told apart by an instance key (certificates,
    /// printers).
    #[serde(default)]
    pub instances: bool,
    /// Who defined it.
    #[serde(default)]
    pub origin: Origin,
    /// Its scripts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub scripts: TaskScripts,
    /// What its scripts are given by deployments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// The lock that it holds while it runs: of everything with this one, one runs at a time.
    /// Compared without case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Names of fields of what it reads whose values not everybody may see, however deep they stand; compared
    /// without case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_fields: Vec<String>,
    /// It takes part in onboarding runs only.
    #[serde(default, skip_serializing_if = "is_default")]
    pub onboarding_only: bool,
    /// It takes no part in onboarding runs that nobody looks at.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ignored_in_automatic_onboarding: bool,
    /// What must be so before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prerequisites: Vec<Prerequisite>,
    /// When it has its turn.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: Order,
}

impl Task {
    /// A task of the provider's own for computers, of which nothing else is known.
    #[must_use]
    pub fn new(id: TaskId, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            title: name.to_owned(),
            category: TaskCategory::Computer,
            instances: false,
            origin: Origin::Own,
            scripts: TaskScripts::default(),
            parameters: Vec::new(),
            serial: None,
            secret_fields: Vec::new(),
            onboarding_only: false,
            ignored_in_automatic_onboarding: false,
            prerequisites: Vec::new(),
            order: Order::Unordered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_done_by_its_own_script_before_the_combined_one() {
        let scripts = TaskScripts {
            test: Some(Script::new("test")),
            combined: Some(Script::new("all")),
            ..TaskScripts::default()
        };
        let body = |method| scripts.by_method(method).map(|script| &*script.body);
        assert_eq!(body(TaskMethod::Test), Some("test"));
        assert_eq!(body(TaskMethod::Set), Some("all"));
        assert_eq!(TaskScripts::default().by_method(TaskMethod::Get), None);
        let mut all = TaskScripts::default();
        for purpose in ScriptPurpose::OF_TASKS {
            all = all.with(*purpose, Some(Script::new(purpose.key())));
        }
        assert!(all.iter().all(|(purpose, script)| purpose.key() == script.body));
        assert_eq!(all.iter().count(), ScriptPurpose::OF_TASKS.len());
    }

    #[test]
    fn what_was_stored_when_tasks_had_names_only_is_read() {
        let id = TaskId::of_text("bitlocker", 0);
        let stored = format!(
            "{{\"id\":\"{id}\",\"name\":\"bitlocker\",\"title\":\"On\",\"category\":\"computer\",\
             \"instances\":false,\"origin\":\"own\"}}"
        );
        let read: Task = serde_json::from_str(&stored).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), stored, "and written as it was");
        assert!(serde_json::from_str::<Task>(&stored.replace("category", "kind")).is_err());
    }
}
