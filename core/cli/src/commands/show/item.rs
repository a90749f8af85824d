//! A piece of software or a task: what is known of it, its scripts, and who deploys it.

use core_library::{Change, Library, diff};
use core_model::library::{Detection, ItemId, Script, ScriptPurpose, Software, Task};
use core_resolve::RunKind;
use serde_json::{Value, json};

use crate::cli::WhenArgs;
use crate::commands::text::{self, field};
use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use crate::world::World;

/// A name of a field that is as long stands before what it says, and not beside it.
const LONG_NAME: usize = 14;

/// Everything about software or a task.
pub(super) struct Story {
    world: World,
    item: ItemId,
    /// What is set, in words.
    fields: Change,
    /// The scripts, by what they are for.
    scripts: Vec<(String, Script)>,
}

/// Reads everything about a piece of software, or about a task.
pub(super) async fn story(
    context: &Context,
    software: bool,
    which: &str,
) -> Result<Story, Failure> {
    let world = World::load(context, &WhenArgs::default(), RunKind::default()).await?;
    let item = if software { world.software(which)? } else { world.task(which)? };
    let library = &world.loaded.library;
    let names = core_snapshot::names(&world.loaded.input);
    let all = diff(&Library::default(), library, &names);
    let gone = || Failure::failed(format!("{which} is not defined any more"));
    let id = item.to_string();
    let fields = all.into_iter().find(|change| change.id == id).ok_or_else(gone)?;
    let scripts = match item {
        ItemId::Software(id) => library.software.iter().find(|one| one.id == id).map(of_software),
        ItemId::Task(id) => library.tasks.iter().find(|one| one.id == id).map(of_task),
    };
    Ok(Story { item, fields, scripts: scripts.unwrap_or_default(), world })
}

fn of_software(one: &Software) -> Vec<(String, Script)> {
    let named =
        |(purpose, script): (ScriptPurpose, &Script)| (purpose.key().to_owned(), script.clone());
    let mut all = Vec::new();
    if let Some(Detection::Script(script)) = &one.detection {
        all.push(named((ScriptPurpose::Detect, script)));
    }
    all.extend(one.scripts.iter().map(named));
    let dynamic = one.dynamic_versions.iter();
    all.extend(dynamic.map(|script| named((ScriptPurpose::DynamicVersions, script))));
    for version in &one.versions {
        let of_version = version.scripts.iter().map(|(purpose, script)| {
            (format!("{} of version {}", purpose.key(), version.version), script.clone())
        });
        all.extend(of_version);
    }
    all
}

fn of_task(one: &Task) -> Vec<(String, Script)> {
    one.scripts.iter().map(|(purpose, script)| (purpose.key().to_owned(), script.clone())).collect()
}

impl Story {
    /// For machines: the definition as the hub keeps it.
    pub(super) fn as_json(&self) -> Value {
        let library = &self.world.loaded.library;
        let mut value = self.world.head();
        match self.item {
            ItemId::Software(id) => {
                value["software"] = json!(library.software.iter().find(|one| one.id == id));
            }
            ItemId::Task(id) => {
                value["task"] = json!(library.tasks.iter().find(|one| one.id == id));
            }
        }
        value["deployments"] = json!(self.deployments());
        value["lacks"] = json!(self.lacks());
        value
    }

    /// For people.
    pub(super) fn print(&self) {
        output::line(&output::printable(&self.fields.name));
        field("id", &self.item.to_string());
        for one in self.fields.fields.iter().filter(|one| one.name != "name") {
            let (name, words) = (one.name.replace('_', " "), output::printable(&one.words));
            match name.chars().count() < LONG_NAME {
                true => field(&name, &words),
                false => text::indented(2, &format!("{}: {words}", output::printable(&name))),
            }
        }
        field("deployments", &output::printable(&self.deployments().join(", ")));
        let lacks = self.lacks();
        if !lacks.is_empty() {
            text::heading("What deployments want and cannot have");
            lacks.iter().for_each(|line| text::indented(2, &output::printable(line)));
        }
        for (name, script) in &self.scripts {
            text::heading(&output::printable(&format!("{name} ({})", script.language.word())));
            // A script is shown as it is: wrapped, it would be another.
            for line in script.body.lines() {
                let line = output::printable(&line.replace('\t', "    "));
                output::line(format!("  {line}").trim_end());
            }
        }
    }

    fn deployments(&self) -> Vec<&str> {
        let all = self.world.loaded.library.deployments.iter();
        let mut names: Vec<&str> =
            all.filter(|one| one.item == self.item).map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    fn lacks(&self) -> Vec<String> {
        let all = core_library::lacks(&self.world.loaded.library).into_iter();
        let own = all.filter(|lack| lack.item_id == self.item);
        own.map(|lack| format!("{}: {}", lack.name, lack.lacks.join("; "))).collect()
    }
}
