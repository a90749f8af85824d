//! What software and tasks have in common, and tags.

use serde::{Deserialize, Serialize};

use crate::id::{ComputerId, PersonId, TagId, TenantId};

/// Who defined something.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It came with the product; deployments of this origin count only when approved.
    Recommended,
    /// The provider himself.
    #[default]
    Own,
}

/// When an item has its turn in a session, as far as prerequisites leave it open: the beginning by
/// number, then what has no order, then the end by number.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// At the beginning, lower numbers first.
    Beginning(i32),
    /// Between beginning and end.
    #[default]
    Unordered,
    /// At the end, lower numbers first.
    End(i32),
}

/// The name of a secret that the hub keeps sealed. It is written as the settings write it:
/// `store:NAME`. The secret itself is in no definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeptSecret(String);

/// A text that does not name a kept secret. It says nothing of the text: it may be the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no name of a kept secret: `store:` and the name is expected")]
pub struct NoKeptSecret;

impl KeptSecret {
    const PREFIX: &'static str = "store:";

    /// The kept secret that a text names: `store:sign-in`.
    ///
    /// # Errors
    /// Where it names none.
    pub fn parse(text: &str) -> Result<Self, NoKeptSecret> {
        let name = text.strip_prefix(Self::PREFIX).ok_or(NoKeptSecret)?;
        let fine = !name.is_empty() && name.trim() == name && !name.contains(char::is_control);
        if fine { Ok(Self(name.to_owned())) } else { Err(NoKeptSecret) }
    }

    /// The name under which the hub keeps it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for KeptSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", Self::PREFIX, self.0)
    }
}

impl TryFrom<String> for KeptSecret {
    type Error = NoKeptSecret;

    fn try_from(text: String) -> Result<Self, NoKeptSecret> {
        Self::parse(&text)
    }
}

impl From<KeptSecret> for String {
    fn from(secret: KeptSecret) -> Self {
        secret.to_string()
    }
}

/// A tag, and whatever carries it. A computer has the tags of itself, of its tenant and of its
/// primary person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// Id.
    pub id: TagId,
    /// Handle, unique among tags without case.
    pub name: String,
    /// Computers that carry it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub computers: Vec<ComputerId>,
    /// Tenants that carry it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantId>,
    /// Persons that carry it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub persons: Vec<PersonId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_have_their_turn_from_beginning_to_end() {
        let mut orders = [
            Order::End(1),
            Order::Unordered,
            Order::Beginning(7),
            Order::End(-1),
            Order::Beginning(2),
        ];
        orders.sort();
        let expected = [
            Order::Beginning(2),
            Order::Beginning(7),
            Order::Unordered,
            Order::End(-1),
            Order::End(1),
        ];
        assert_eq!(orders, expected);
    }

    #[test]
    fn a_kept_secret_is_named_as_in_the_settings_and_whatever_else_is_not_repeated() {
        let secret = KeptSecret::parse("store:acrobat key").unwrap();
        assert_eq!(
            (secret.name(), secret.to_string().as_str()),
            ("acrobat key", "store:acrobat key")
        );
        let json = serde_json::to_string(&secret).unwrap();
        assert_eq!(serde_json::from_str::<KeptSecret>(&json).unwrap(), secret);
        for text in ["hunter2", "store:", "store: x", "env:X", "STORE:x"] {
            let error = serde_json::from_str::<KeptSecret>(&format!("\"{text}\"")).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
