//! Digests of what a plan was made of, and what differs between two plans.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::key::Key;

/// What an action was made of: a digest by the name of each input, `deployment reader-everywhere`.
pub type Inputs = BTreeMap<String, String>;

/// A digest, in 32 hexadecimal digits.
pub(crate) fn digest_of(value: &impl Serialize) -> String {
    // Plain structs with text keys: there is nothing in them that JSON could not say.
    text_digest(&serde_json::to_vec(value).unwrap_or_default())
}

fn text_digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let nibbles = digest.iter().take(16).flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)).collect()
}

/// What became of an item between two plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// It is in the later one only.
    Added,
    /// It is in the earlier one only.
    Removed,
    /// It is made of something else: these inputs, by their names.
    Changed(BTreeSet<String>),
}

impl Difference {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Difference::Added => "it was not planned before".to_owned(),
            Difference::Removed => "nothing asks for it any more".to_owned(),
            Difference::Changed(inputs) => {
                let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
                format!("changed since: {}", inputs.join(", "))
            }
        }
    }
}

/// The names of the inputs that two have not in common.
pub(crate) fn differing(old: &Inputs, new: &Inputs) -> BTreeSet<String> {
    let names = old.keys().chain(new.keys());
    names.filter(|name| old.get(*name) != new.get(*name)).cloned().collect()
}

/// What differs between the inputs of two plans, by item.
pub(crate) fn differences<'a>(
    old: &BTreeMap<&'a Key, &'a Inputs>,
    new: &BTreeMap<&'a Key, &'a Inputs>,
) -> BTreeMap<Key, Difference> {
    let mut found = BTreeMap::new();
    for (key, inputs) in old {
        let difference = match new.get(key) {
            None => Difference::Removed,
            Some(now) => Difference::Changed(differing(inputs, now)),
        };
        if difference != Difference::Changed(BTreeSet::new()) {
            found.insert((*key).clone(), difference);
        }
    }
    for key in new.keys().filter(|key| !old.contains_key(*key)) {
        found.insert((*key).clone(), Difference::Added);
    }
    found
}
