//! Writing custom properties. The vendor takes all eight at once, and what is not given becomes blank:
//! so they are read, changed and given back whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Error, ErrorKind, Fact, Push, PushField, PushObject, Result, Set, There};
use core_http::{Answer, decode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Api, session_id};
use crate::config::{Config, PROPERTIES};
use crate::listing::rows;
use crate::wire::Session;

/// What the hub may write into the sessions of this server. Nothing, unless it is enabled.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PushSettings {
    /// Custom properties are written.
    pub enabled: bool,
    /// Which: the number of a custom property (1 to 8), and what it is to hold. These properties are the
    /// hub's from then on; the others are given back as they are.
    pub properties: BTreeMap<String, Fact>,
    /// Allow the properties of `client_property` and `site_property` too, which the hub itself reads: what
    /// it writes there decides whose machine it takes the session's to be.
    pub own_properties: bool,
}

impl PushSettings {
    /// The fields, by property.
    ///
    /// # Errors
    /// `Config`, naming the setting.
    pub(crate) fn fields(&self, config: &Config) -> Result<Vec<PushField>> {
        if !self.enabled {
            return Ok(Vec::new());
        }
        if self.properties.is_empty() {
            return wrong(
                "no property is named",
                "write some, like `properties = { 5 = \"serial\" }`",
            );
        }
        let mut fields = Vec::new();
        for (number, fact) in &self.properties {
            let index = number.trim().parse::<u8>().ok().filter(|n| (1..=PROPERTIES).contains(n));
            let Some(index) = index else {
                let detail = format!("there is no custom property {number}");
                return wrong(&detail, "give numbers from 1 to 8");
            };
            let read = index == config.client_property || config.site_property == Some(index);
            if read && !self.own_properties {
                let detail = format!("the hub reads property {index} to tell whose a session is");
                let remedy = "give another number, or set `own_properties = true` beside it";
                return wrong(&detail, remedy);
            }
            if *fact == Fact::Contact {
                let detail = "Control has no address book, so that nobody is a contact there";
                return wrong(detail, "write `primary_upn` or `primary_name`");
            }
            let name = format!("CustomProperty{index}");
            if fields.iter().any(|field: &PushField| field.name == name) {
                return wrong(&format!("property {index} is named twice"), "name it once");
            }
            fields.push(PushField::new(name, *fact));
        }
        Ok(fields)
    }
}

fn wrong<T>(detail: &str, remedy: &str) -> Result<T> {
    Err(Error::new(ErrorKind::Config, "setting `push.properties`", detail).with_remedy(remedy))
}

/// Writes into the sessions of a server.
pub(crate) struct Properties {
    api: Arc<Api>,
    fields: Vec<PushField>,
}

impl Properties {
    /// None where nothing may be written.
    pub(crate) fn new(api: &Arc<Api>, fields: Vec<PushField>) -> Option<Self> {
        (!fields.is_empty()).then(|| Self { api: Arc::clone(api), fields })
    }
}

#[async_trait]
impl Push for Properties {
    fn object(&self) -> PushObject {
        PushObject::Agent
    }

    fn fields(&self) -> &[PushField] {
        &self.fields
    }

    async fn read(&self, key: &str) -> Result<There> {
        let id = session_id(key)?;
        let request = self.api.method("GetSessionBySessionID", &[json!(id)]).repeatable();
        let one = |answer: &Answer| {
            for row in rows(answer)? {
                let session = decode::row::<Session>(row, |_| None);
                let session = session.ok().filter(|session| session.id == id);
                if let Some(session) = session.filter(|one| !one.is_ended.unwrap_or_default()) {
                    return Ok(Some(eight(&session)));
                }
            }
            Ok(None)
        };
        // A busy server finds nothing at the first attempt.
        let found = match self.api.http.call(&request, one).await? {
            None => self.api.http.call(&request, one).await?,
            found => found,
        };
        let values = found.ok_or_else(|| {
            let detail = format!("there is no session {id}, or it was ended");
            Error::new(ErrorKind::NotFound, &request.operation, detail)
        })?;
        let named = self.fields.iter().filter_map(|field| {
            Some((field.name.clone(), values.get(place(&field.name)?)?.clone()))
        });
        Ok(There { values: named.collect(), rest: json!(values), ..There::default() })
    }

    async fn write(&self, key: &str, there: &There, sets: &[Set]) -> Result<()> {
        let id = session_id(key)?;
        let mut values: Vec<Value> = there.rest.as_array().cloned().unwrap_or_default();
        values.resize(usize::from(PROPERTIES), json!(""));
        for set in sets {
            if let Some(slot) = place(&set.field).and_then(|place| values.get_mut(place)) {
                *slot = json!(set.value);
            }
        }
        let name = "UpdateSessionCustomProperties";
        let request = self.api.method(name, &[json!(id), Value::Array(values)]).repeatable();
        self.api.http.call(&request, |_| Ok(())).await
    }
}

/// All eight as they are.
fn eight(session: &Session) -> Vec<String> {
    let given = session.custom_property_values.iter().flatten();
    let mut values: Vec<String> = given.map(|value| value.clone().unwrap_or_default()).collect();
    values.resize(usize::from(PROPERTIES), String::new());
    values
}

/// The place of a property among the eight.
fn place(field: &str) -> Option<usize> {
    field.strip_prefix("CustomProperty")?.parse::<usize>().ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests;
