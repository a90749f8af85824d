//! What an action is about: an item, one instance of it, or the configuration of a piece of software.

use std::fmt;
use std::str::FromStr;

use core_model::id::{SoftwareId, TaskId};
use core_model::library::ItemId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an action is about. As text `sft_…`, `tsk_…#instance`, or `tsk_…@sft_…` for the
/// configuration task of a piece of software.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The item.
    pub item: ItemId,
    /// Which instance, where there may be several.
    pub instance: Option<String>,
    /// The software that the task configures: it is another action than the task deployed by itself.
    pub configures: Option<SoftwareId>,
}

/// A text that is no [`Key`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadKey(String);

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` names no action: `sft_…`, `tsk_…#instance` or `tsk_…@sft_…`", self.0)
    }
}

impl std::error::Error for BadKey {}

impl Key {
    /// An item that is there once.
    #[must_use]
    pub fn item(item: impl Into<ItemId>) -> Self {
        Self { item: item.into(), instance: None, configures: None }
    }

    /// The configuration of a piece of software.
    #[must_use]
    pub fn configuration(task: TaskId, of: SoftwareId) -> Self {
        Self { item: task.into(), instance: None, configures: Some(of) }
    }

    /// The software, where it is about one.
    #[must_use]
    pub fn software(&self) -> Option<SoftwareId> {
        match self.item {
            ItemId::Software(id) => Some(id),
            ItemId::Task(_) => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.item)?;
        if let Some(of) = self.configures {
            write!(f, "@{of}")?;
        }
        match &self.instance {
            Some(instance) => write!(f, "#{instance}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Key {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bad = || BadKey(text.to_owned());
        let (head, instance) = match text.split_once('#') {
            Some((head, instance)) => (head, Some(instance.to_owned())),
            None => (text, None),
        };
        let (item, configures) = match head.split_once('@') {
            Some((item, of)) => (item, Some(of.parse().map_err(|_| bad())?)),
            None => (head, None),
        };
        Ok(Self { item: item.parse().map_err(|_| bad())?, instance, configures })
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let (software, task) = (SoftwareId::of_text("reader", 0), TaskId::of_text("root", 0));
        let instance = Some("a#b@c".to_owned());
        for key in [
            Key::item(software),
            Key::configuration(task, software),
            Key { instance, ..Key::item(task) },
        ] {
            assert_eq!(key.to_string().parse(), Ok(key.clone()));
            let json = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
        }
        for text in ["", "reader", "tsk_1", "#", "@"] {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
    }
}
