//! Secrets: a type that does not print.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq as _;

/// A secret of a connection. In the settings it is written as a literal, `env:NAME`, `file:PATH`
/// or `keyring:NAME`; a connector gets the value.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// A secret with this value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether somebody knows it. How long the answer takes says nothing about how much of it he knows.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        !self.is_blank() && bool::from(self.expose().as_bytes().ct_eq(text.as_bytes()))
    }

    /// Whether nothing was given.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.expose().trim().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde would quote the value in its error: a password of digits only, without quotes.
        let text = String::deserialize(deserializer);
        text.map(Self::new).map_err(|_| D::Error::custom("a secret is a text: write it in quotes"))
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    // The settings' loader finds secrets by this mark, and resolves them before a connector sees
    // them.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "x-linchpin-secret": true,
            "examples": ["env:NAME", "file:/run/secrets/name", "keyring:name"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_no_text_is_refused_without_being_quoted() {
        for text in ["48151623", "[\"48151623\"]", "4815.1623", "{\"48151623\": 1}", "true"] {
            let error = serde_json::from_str::<Secret>(text).unwrap_err().to_string();
            assert!(error.contains("write it in quotes") && !error.contains("1623"), "{error}");
        }
    }

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert_eq!(secret.expose(), "hunter2");
    }
}
