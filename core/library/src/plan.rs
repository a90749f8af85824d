//! A plan that is kept and applied later, if what it was made from is still what is there.
//!
//! It is applied by reading the same files again at [`Plan::made_us`], so that new definitions get
//! the ids that the plan shows.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::SourceFile;
use crate::diff::Change;
use crate::library::{Library, digest};

/// The version of a plan's form.
const VERSION: u32 = 1;

/// What a plan is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// Digest of the library as the hub kept it.
    pub library: String,
    /// Digests of the files, by path.
    pub files: BTreeMap<String, String>,
    /// The number of the last event of the model that the preview was made of.
    pub model: u64,
}

impl Inputs {
    /// These.
    #[must_use]
    pub fn new(library: &Library, files: &[SourceFile], model: u64) -> Self {
        let files = files.iter().map(|file| (file.path.clone(), digest(&file.text))).collect();
        Self { library: library.digest(), files, model }
    }

    /// Whether these are the same as later ones.
    ///
    /// # Errors
    /// With every input that is another then.
    pub fn check(&self, now: &Inputs) -> Result<(), Stale> {
        let then = self;
        let missing = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
            one.keys().filter(|path| !other.contains_key(*path)).cloned().collect()
        };
        let differs = |(path, digest): &(&String, &String)| {
            now.files.get(*path).is_some_and(|other| other != *digest)
        };
        let stale = Stale {
            library: then.library != now.library,
            changed: then.files.iter().filter(differs).map(|(path, _)| path.clone()).collect(),
            added: missing(&now.files, &then.files),
            removed: missing(&then.files, &now.files),
            model: (then.model != now.model).then_some((then.model, now.model)),
        };
        if stale == Stale::default() { Ok(()) } else { Err(stale) }
    }
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Version of this form.
    pub version: u32,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// What it was made from.
    pub inputs: Inputs,
    /// What becomes of definitions.
    pub changes: Vec<Change>,
    /// What becomes of winners, in the words of whoever made the plan; opaque here.
    pub preview: Value,
}

/// What changed since a plan was made; one of them at least.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stale {
    /// The library that the hub keeps is another.
    pub library: bool,
    /// Files that hold something else.
    pub changed: Vec<String>,
    /// Files that are new.
    pub added: Vec<String>,
    /// Files that are gone.
    pub removed: Vec<String>,
    /// The model's last event then and now, where they differ.
    pub model: Option<(u64, u64)>,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.library {
            parts.push("the hub's definitions were changed".to_owned());
        }
        for (list, what) in [
            (&self.changed, "changed"),
            (&self.added, "came to the folder"),
            (&self.removed, "left the folder"),
        ] {
            if !list.is_empty() {
                parts.push(format!("{} {what}", list.join(", ")));
            }
        }
        if let Some((then, now)) = self.model {
            parts.push(format!("the model went on from event {then} to {now}"));
        }
        write!(f, "since it was made, {}", parts.join("; "))
    }
}

impl std::error::Error for Stale {}

/// A text that is no plan of this version.
#[derive(Debug, thiserror::Error)]
pub enum UnreadablePlan {
    /// It is no plan.
    #[error("this is no plan: {0}")]
    Form(#[from] serde_json::Error),
    /// It was written by another version.
    #[error("this has the form {found}, and this program knows {known}: make it anew")]
    Version {
        /// What it says.
        found: u32,
        /// What is known.
        known: u32,
    },
}

/// The value of a text that was kept, if it has this version.
pub(crate) fn of_version(text: &str, known: u32) -> Result<Value, UnreadablePlan> {
    let value: Value = serde_json::from_str(text)?;
    // Another version may have other keys: it is told by its number, and not by these.
    if let Some(found) = value.get("version").and_then(Value::as_u64)
        && found != u64::from(known)
    {
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        return Err(UnreadablePlan::Version { found, known });
    }
    Ok(value)
}

impl Plan {
    /// A plan made at an instant. What is new in it was read at the same.
    #[must_use]
    pub fn new(
        made_at: DateTime<Utc>,
        inputs: Inputs,
        changes: Vec<Change>,
        preview: Value,
    ) -> Self {
        Self { version: VERSION, made_at, inputs, changes, preview }
    }

    /// When it was made, in Unix microseconds: what `read` is given when it is applied.
    #[must_use]
    pub fn made_us(&self) -> i64 {
        self.made_at.timestamp_micros()
    }

    /// Reads a plan that was kept as JSON.
    ///
    /// # Errors
    /// When it is none, or one of another version.
    pub fn from_json(text: &str) -> Result<Self, UnreadablePlan> {
        Ok(serde_json::from_value(of_version(text, VERSION)?)?)
    }

    /// The plan as JSON, to be kept.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Plain structs with text keys: there is nothing in them that JSON could not say.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Whether everything that it was made from is still so.
    ///
    /// # Errors
    /// With every input that is another now.
    pub fn check(&self, now: &Inputs) -> Result<(), Stale> {
        self.inputs.check(now)
    }
}

#[cfg(test)]
mod tests {
    use core_model::id::SoftwareId;
    use core_model::library::Software;

    use super::*;

    fn plan() -> Plan {
        let files = [SourceFile::new("a.toml", "x"), SourceFile::new("b.toml", "y")];
        let inputs = Inputs::new(&Library::default(), &files, 7);
        Plan::new(DateTime::UNIX_EPOCH, inputs, Vec::new(), serde_json::json!({ "won": 3 }))
    }

    #[test]
    fn a_stale_plan_says_which_input_changed() {
        let plan = plan();
        assert_eq!(plan.check(&plan.inputs), Ok(()));
        let software = Software::new(SoftwareId::of_text("a", 0), "a");
        let library = Library { software: vec![software], ..Library::default() };
        let files = [SourceFile::new("b.toml", "z"), SourceFile::new("c.toml", "")];
        let stale = plan.check(&Inputs::new(&library, &files, 9)).unwrap_err();
        assert_eq!(
            stale.to_string(),
            "since it was made, the hub's definitions were changed; b.toml changed; c.toml came to \
             the folder; a.toml left the folder; the model went on from event 7 to 9"
        );
        let same = [SourceFile::new("a.toml", "x"), SourceFile::new("b.toml", "y")];
        let stale = plan.check(&Inputs::new(&library, &same, 7)).unwrap_err();
        assert_eq!(stale, Stale { library: true, ..Stale::default() });
    }

    #[test]
    fn a_plan_is_kept_as_json_and_another_version_is_refused() {
        let plan = plan();
        assert_eq!(Plan::from_json(&plan.to_json()).unwrap(), plan);
        let newer = plan.to_json().replacen("\"version\": 1", "\"version\": 2", 1);
        let error = Plan::from_json(&newer).unwrap_err().to_string();
        assert!(error.contains("the form 2"), "{error}");
        assert!(Plan::from_json("{}").is_err());
    }
}
