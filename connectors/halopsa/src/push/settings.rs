//! What an admin may give the hub to write in Halo.

use std::collections::BTreeMap;

use core_connector::{Error, ErrorKind, Fact, PushField, Result};
use schemars::JsonSchema;
use serde::Deserialize;

/// The classes of computers.
const CLASSES: [&str; 4] = ["server", "portable", "virtual", "workstation"];

/// What the hub may write into the assets of this instance. Nothing, unless it is enabled.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PushSettings {
    /// Assets are written. The application in Halo must allow `edit:assets`, which is asked for then.
    pub enabled: bool,
    /// Which properties of assets. They are the hub's from then on.
    pub properties: Vec<AssetProperty>,
    /// Which further fields of the assets' types, by their names in Halo, and what each is to hold.
    pub fields: BTreeMap<String, Fact>,
    /// The type of asset that is made for a computer that has none, by what the computer is: `server`,
    /// `portable`, `virtual` or `workstation`. For what is not here none is made.
    pub create: BTreeMap<String, String>,
}

/// A property of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssetProperty {
    /// The asset's user: the computer's primary person, in place of all others.
    User,
    /// The asset tag (`inventory_number`): the host name.
    Name,
    /// The field of the asset's type that is called "Serial Number" or the like.
    Serial,
    /// The computer in ConnectWise Automate.
    AutomateId,
    /// The session in ConnectWise Control.
    ControlId,
    /// The managed device in Intune.
    IntuneId,
}

impl AssetProperty {
    const ALL: [AssetProperty; 6] =
        [Self::User, Self::Name, Self::Serial, Self::AutomateId, Self::ControlId, Self::IntuneId];

    /// The word in the settings, which is the field's name.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Name => "name",
            Self::Serial => "serial",
            Self::AutomateId => "automate_id",
            Self::ControlId => "control_id",
            Self::IntuneId => "intune_id",
        }
    }

    /// The property of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|property| property.as_str() == name)
    }
}

impl Default for PushSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            properties: vec![
                AssetProperty::User,
                AssetProperty::Serial,
                AssetProperty::AutomateId,
                AssetProperty::ControlId,
                AssetProperty::IntuneId,
            ],
            fields: BTreeMap::new(),
            create: BTreeMap::new(),
        }
    }
}

impl PushSettings {
    /// The fields.
    ///
    /// # Errors
    /// `Config`, naming the setting.
    pub(super) fn fields(&self) -> Result<Vec<PushField>> {
        if !self.enabled {
            return Ok(Vec::new());
        }
        let mut fields: Vec<PushField> = Vec::new();
        for property in &self.properties {
            if !fields.iter().any(|field| field.name == property.as_str()) {
                fields.push(PushField::new(property.as_str(), property.fact()));
            }
        }
        for (name, fact) in &self.fields {
            let name = name.trim();
            let same = |field: &PushField| field.name.eq_ignore_ascii_case(name);
            if name.is_empty() || fields.iter().any(same) || AssetProperty::named(name).is_some() {
                let detail = format!("a field cannot be given as `{name}`");
                return wrong("fields", &detail, "name each field once, as Halo shows it");
            }
            fields.push(PushField::new(name, *fact));
        }
        if fields.is_empty() {
            return wrong("properties", "no field is named", "name some, like [\"user\"]");
        }
        if let Some(class) = self.create.keys().find(|class| !CLASSES.contains(&class.as_str())) {
            let detail = format!("there is no class `{class}`; there are: {}", CLASSES.join(", "));
            return wrong("create", &detail, "write one of these");
        }
        Ok(fields)
    }

    /// The type of asset that is made for computers of a class.
    pub(super) fn type_for(&self, class: &str) -> Option<&str> {
        self.create.get(class).map(|name| name.trim()).filter(|name| !name.is_empty())
    }
}

fn wrong<T>(setting: &str, detail: &str, remedy: &str) -> Result<T> {
    Err(Error::new(ErrorKind::Config, format!("setting `push.{setting}`"), detail)
        .with_remedy(remedy))
}
