//! Finding what an argument names among the definitions.

use core_model::id::DeploymentId;
use core_model::library::{Deployment, ItemId, Schedule, handle};
use core_resolve::ItemKey;

use super::World;
use crate::config::choices;
use crate::failure::Failure;

/// Names that are listed where one is not known.
const LISTED: usize = 30;

/// Something that has an id, a name, and perhaps a title.
struct Named<'a, T> {
    what: T,
    id: String,
    name: &'a str,
    title: &'a str,
}

impl World {
    /// The software or task that somebody means by its id, name or title, or the beginning of one.
    ///
    /// # Errors
    /// With exit code 2 where there is none, or several.
    pub(crate) fn item(&self, text: &str) -> Result<ItemId, Failure> {
        let library = &self.loaded.library;
        let software = library.software.iter().map(|one| Named {
            what: ItemId::from(one.id),
            id: one.id.to_string(),
            name: &one.name,
            title: &one.title,
        });
        let tasks = library.tasks.iter().map(|one| Named {
            what: ItemId::from(one.id),
            id: one.id.to_string(),
            name: &one.name,
            title: &one.title,
        });
        one("software or task", "items", text, &software.chain(tasks).collect::<Vec<_>>())
    }

    /// The software that somebody means by its id, name or title, or the beginning of one.
    ///
    /// # Errors
    /// With exit code 2 where there is none, or several.
    pub(crate) fn software(&self, text: &str) -> Result<ItemId, Failure> {
        let software = self.loaded.library.software.iter().map(|one| Named {
            what: ItemId::from(one.id),
            id: one.id.to_string(),
            name: &one.name,
            title: &one.title,
        });
        one("software", "software", text, &software.collect::<Vec<_>>())
    }

    /// The task that somebody means by its id, name or title, or the beginning of one.
    ///
    /// # Errors
    /// With exit code 2 where there is none, or several.
    pub(crate) fn task(&self, text: &str) -> Result<ItemId, Failure> {
        let tasks = self.loaded.library.tasks.iter().map(|one| Named {
            what: ItemId::from(one.id),
            id: one.id.to_string(),
            name: &one.name,
            title: &one.title,
        });
        one("task", "tasks", text, &tasks.collect::<Vec<_>>())
    }

    /// What is deployed of an item; with an instance only this one.
    pub(crate) fn keys(&self, item: ItemId, instance: Option<&str>) -> Vec<ItemKey> {
        let keys = self.resolver.definitions().items().filter(|key| key.item == item);
        let wanted = keys.filter(|key| instance.is_none() || key.instance.as_deref() == instance);
        wanted.cloned().collect()
    }

    /// The schedule that somebody means by its id or name, or the beginning of one.
    ///
    /// # Errors
    /// With exit code 2 where there is none, or several.
    pub(crate) fn schedule(&self, text: &str) -> Result<&Schedule, Failure> {
        let schedules = self.loaded.library.schedules.iter().map(|one| Named {
            what: one,
            id: one.id.to_string(),
            name: &one.name,
            title: "",
        });
        one("schedule", "schedules", text, &schedules.collect::<Vec<_>>())
    }

    /// The deployment that somebody means by its id or name, or the beginning of one.
    ///
    /// # Errors
    /// With exit code 2 where there is none, or several.
    pub(crate) fn deployment(&self, text: &str) -> Result<&Deployment, Failure> {
        let all = self.loaded.library.deployments.iter();
        let named =
            all.map(|one| Named { what: one, id: one.id.to_string(), name: &one.name, title: "" });
        one("deployment", "deployments", text, &named.collect::<Vec<_>>())
    }

    /// The tag that somebody means.
    ///
    /// # Errors
    /// With exit code 2 where there is none, or several.
    pub(super) fn tag(&self, text: &str) -> Result<core_model::id::TagId, Failure> {
        let named = self.loaded.library.tags.iter().map(|one| Named {
            what: one.id,
            id: one.id.to_string(),
            name: &one.name,
            title: "",
        });
        one("tag", "tags", text, &named.collect::<Vec<_>>())
    }

    /// The state that a deployment wants, in words; empty for one that is gone.
    pub(crate) fn state_words(&self, id: DeploymentId) -> String {
        let found = self.resolver.definitions().deployment(id);
        found.map(|one| one.state.words()).unwrap_or_default()
    }
}

/// The one that is meant: by its id, else by its name or title, else by the beginning of one.
fn one<T: Copy>(word: &str, words: &str, text: &str, all: &[Named<'_, T>]) -> Result<T, Failure> {
    let wanted = handle(text);
    let is: fn(&Named<'_, T>, &str) -> bool =
        |one, wanted| one.id == wanted || handle(one.name) == wanted || handle(one.title) == wanted;
    let begins: fn(&Named<'_, T>, &str) -> bool = |one, wanted| {
        let starts = |text: &str| !wanted.is_empty() && handle(text).starts_with(wanted);
        starts(&one.id) || starts(one.name) || starts(one.title)
    };
    for fits in [is, begins] {
        let found: Vec<&Named<'_, T>> = all.iter().filter(|one| fits(one, &wanted)).collect();
        match found.as_slice() {
            [] => {}
            [only] => return Ok(only.what),
            several => {
                let what = format!("`{text}` is the name of {} {words}", several.len());
                let mut remedy = "name one of these by its id:".to_owned();
                for one in several.iter().take(LISTED) {
                    remedy.push_str(&format!("\n    {}  {}", one.id, one.name));
                }
                return Err(Failure::usage(what).with_remedy(remedy));
            }
        }
    }
    let failure = Failure::usage(format!("there is no {word} `{text}`"));
    if all.is_empty() {
        return Err(failure.with_remedy(format!("no {words} are defined yet")));
    }
    let titles = all.iter().flat_map(|one| [one.name, one.title]).filter(|name| !name.is_empty());
    let near = crate::config::nearest(text, titles);
    let names: Vec<&str> = all.iter().map(|one| one.name).collect();
    let mut remedy = match near {
        Some(near) => format!("did you mean `{near}`? "),
        None => String::new(),
    };
    match names.len() {
        0..=LISTED => remedy.push_str(&format!("There are: {}", names.join(", "))),
        many => remedy.push_str(&format!("There are {many} {words}; `linchpin list` has them")),
    }
    Err(failure.with_remedy(remedy))
}

/// "did you mean …" over names of anything else.
pub(super) fn near(text: &str, lead: &str, mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.dedup();
    names.truncate(LISTED);
    choices(text, lead, names.iter().copied())
}
