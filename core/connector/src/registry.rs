//! The list of connectors: which kinds there are, what each can do and needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use core_model::RecordKind;
use schemars::{JsonSchema, Schema, schema_for};
use serde::de::DeserializeOwned;

use crate::page::Changes;
use crate::{Connector, Error, ErrorKind, KeepSecret, Result};

/// A permission that a connector asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The vendor's name for it.
    pub name: &'static str,
    /// What it is for.
    pub for_what: &'static str,
    /// Whether the connector is of no use without it.
    pub required: bool,
}

/// A stream, for people who choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamDoc {
    /// Its name.
    pub name: &'static str,
    /// The kinds of record it carries.
    pub kinds: &'static [RecordKind],
    /// What it can say about changes.
    pub changes: Changes,
}

/// How a connector is built from settings.
pub trait Factory: 'static {
    /// Its settings. Field documentation is the user's documentation.
    type Config: DeserializeOwned + JsonSchema;
    /// The word in the settings (`halopsa`).
    const KIND: &'static str;
    /// What people call the system.
    const TITLE: &'static str;
    /// Its streams.
    const STREAMS: &'static [StreamDoc];
    /// Other capabilities: `run-script`, `open-session`, `tickets`, `push`, `webhooks`, `subscribe`,
    /// `maintenance-mode`, `patching`, `access-tokens`.
    const ACTIONS: &'static [&'static str];
    /// The permissions it asks for.
    const PERMISSIONS: &'static [Permission];

    /// Builds it. Checks the settings and does no IO.
    ///
    /// # Errors
    /// `Config`, naming the setting.
    fn build(config: Self::Config) -> Result<Box<dyn Connector>>;

    /// The same, with a place for credentials that renew themselves. A kind that has such overrides it.
    ///
    /// # Errors
    /// As [`Factory::build`].
    fn build_keeping(
        config: Self::Config,
        keep: Option<Arc<dyn KeepSecret>>,
    ) -> Result<Box<dyn Connector>> {
        drop(keep);
        Self::build(config)
    }
}

type Build = fn(serde_json::Value, Option<Arc<dyn KeepSecret>>) -> Result<Box<dyn Connector>>;

/// A kind of connector.
pub struct Kind {
    /// The word in the settings.
    pub name: &'static str,
    /// What people call the system.
    pub title: &'static str,
    /// Its streams.
    pub streams: &'static [StreamDoc],
    /// Other capabilities.
    pub actions: &'static [&'static str],
    /// The permissions it asks for.
    pub permissions: &'static [Permission],
    schema: fn() -> Schema,
    build: Build,
}

impl Kind {
    /// JSON Schema of its settings.
    #[must_use]
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// Builds a connector from settings whose secrets are resolved.
    ///
    /// # Errors
    /// `Config`, naming the setting.
    pub fn build(&self, settings: serde_json::Value) -> Result<Box<dyn Connector>> {
        (self.build)(settings, None)
    }

    /// The same, with a place for credentials that renew themselves.
    ///
    /// # Errors
    /// As [`Kind::build`].
    pub fn build_keeping(
        &self,
        settings: serde_json::Value,
        keep: Arc<dyn KeepSecret>,
    ) -> Result<Box<dyn Connector>> {
        (self.build)(settings, Some(keep))
    }
}

/// The kinds of connector that this program knows.
#[derive(Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Kind>,
}

impl Registry {
    /// The same list with one kind more.
    ///
    /// # Panics
    /// When there is a kind of that name already: the list is written by hand, in one place.
    #[must_use]
    pub fn with<F: Factory>(mut self) -> Self {
        let kind = Kind {
            name: F::KIND,
            title: F::TITLE,
            streams: F::STREAMS,
            actions: F::ACTIONS,
            permissions: F::PERMISSIONS,
            schema: || schema_for!(F::Config),
            build: |settings, keep| {
                let config = serde_json::from_value(settings).map_err(|error| {
                    Error::new(
                        ErrorKind::Config,
                        format!("settings of {}", F::KIND),
                        error.to_string(),
                    )
                })?;
                F::build_keeping(config, keep)
            },
        };
        assert!(self.kinds.insert(F::KIND, kind).is_none(), "two connectors named {}", F::KIND);
        self
    }

    /// The kind with that name.
    ///
    /// # Errors
    /// `Config`, listing the kinds there are.
    pub fn kind(&self, name: &str) -> Result<&Kind> {
        self.kinds.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.kinds.keys().copied().collect();
            Error::new(ErrorKind::Config, "connector", format!("there is no kind `{name}`"))
                .with_remedy(format!("use one of: {}", known.join(", ")))
        })
    }

    /// Every kind, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
    }
}
