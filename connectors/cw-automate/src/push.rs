//! Writing extra data fields, and moving computers to a location of their own client.
//!
//! A computer is never moved to another client: whose it is, is not for the hub to say there.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Error, ErrorKind, Fact, Push, PushField, PushObject, Result, Set, There};
use core_http::decode::id_text;
use core_http::{Request, decode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Api, ROOT, get};
use crate::wire::{Ref, id_of};

/// The field that stands for a computer's location.
const LOCATION: &str = "Location";
/// Computers and locations among Automate's types of entities, by their index.
const COMPUTER_TYPE: u8 = 1;
const LOCATION_TYPE: u8 = 2;

/// What the hub may write into the computers of this server. Nothing, unless it is enabled.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PushSettings {
    /// Extra data fields and locations are written.
    pub enabled: bool,
    /// Which extra data fields of computers: their titles in Automate, and what each is to hold. These
    /// fields are the hub's from then on.
    pub extra_fields: BTreeMap<String, Fact>,
    /// Which location a computer is to be in. Left out, computers stay where they are.
    pub location: Option<LocationSettings>,
}

/// Which location a computer is to be in, by something that the hub knows of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationSettings {
    /// By what.
    pub by: Fact,
    /// For each value of it, the name of a location of the computer's own client. Computers with another
    /// value stay where they are.
    pub names: BTreeMap<String, String>,
}

impl PushSettings {
    /// The fields, by title.
    ///
    /// # Errors
    /// `Config`, naming the setting.
    pub(crate) fn fields(&self) -> Result<Vec<PushField>> {
        if !self.enabled {
            return Ok(Vec::new());
        }
        let wrong = |setting: &str, detail: &str, remedy: &str| {
            let setting = format!("setting `push.{setting}`");
            Err(Error::new(ErrorKind::Config, setting, detail).with_remedy(remedy))
        };
        let contact = |fact: Fact| fact == Fact::Contact;
        let by = self.location.as_ref().map(|location| location.by);
        if self.extra_fields.values().copied().chain(by).any(contact) {
            let detail = "contacts of Automate are not read, so that nobody is one";
            return wrong("extra_fields", detail, "write `primary_upn` or `primary_name`");
        }
        let mut fields: Vec<PushField> = Vec::new();
        for (title, fact) in &self.extra_fields {
            let title = title.trim();
            let same = |field: &PushField| field.name.eq_ignore_ascii_case(title);
            if title.is_empty() || title.eq_ignore_ascii_case(LOCATION) || fields.iter().any(same) {
                let detail = format!("an extra data field cannot be given as `{title}`");
                return wrong("extra_fields", &detail, "name each field once, by its title");
            }
            fields.push(PushField::new(title, *fact));
        }
        if let Some(location) = &self.location {
            if location.names.is_empty() {
                let remedy = "write some, like `names = { server = \"Servers\" }`";
                return wrong("location", "no location is named", remedy);
            }
            let names = location.names.clone();
            fields.push(PushField { name: LOCATION.to_owned(), fact: location.by, names });
        }
        if fields.is_empty() {
            let remedy = "write some, like `extra_fields = { \"Primary user\" = \"primary_upn\" }`";
            return wrong("extra_fields", "no field is named", remedy);
        }
        Ok(fields)
    }
}

/// Writes into the computers of a server.
pub(crate) struct Fields {
    api: Arc<Api>,
    fields: Vec<PushField>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ExtraField {
    #[serde(deserialize_with = "id_text::deserialize")]
    extra_field_definition_id: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    is_read_only: Option<bool>,
    #[serde(default)]
    text_field_settings: Option<Text>,
    #[serde(default)]
    dropdown_settings: Option<Dropdown>,
    #[serde(default)]
    checkbox_settings: Option<Checkbox>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Text {
    #[serde(default)]
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dropdown {
    #[serde(default)]
    available_options: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    selected_value: Option<String>,
    #[serde(default)]
    default_value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Checkbox {
    #[serde(default)]
    is_checked: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Place {
    #[serde(default)]
    client: Option<Ref>,
    #[serde(default)]
    location: Option<NamedRef>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NamedRef {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Location {
    #[serde(deserialize_with = "id_text::deserialize")]
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    client: Option<Ref>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    #[serde(default)]
    send_to_results: Vec<Value>,
    #[serde(default)]
    contains_unsuccessful_results: bool,
}

/// How a field is written: what the definition says of it.
#[derive(Deserialize, serde::Serialize)]
struct Written {
    definition: String,
    kind: Kind,
    options: Vec<String>,
    default: String,
    read_only: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
enum Kind {
    Text,
    Dropdown,
    Checkbox,
}

impl Fields {
    /// None where nothing may be written.
    pub(crate) fn new(api: &Arc<Api>, fields: Vec<PushField>) -> Option<Self> {
        (!fields.is_empty()).then(|| Self { api: Arc::clone(api), fields })
    }

    fn extra(&self) -> impl Iterator<Item = &PushField> {
        self.fields.iter().filter(|field| field.name != LOCATION)
    }

    async fn read_extra(&self, id: &str, there: &mut There) -> Result<()> {
        let request = get(&format!("Computers/{id}/ExtraFields"))
            .named("GET /cwa/api/v1/Computers/{id}/ExtraFields");
        let rows: Vec<ExtraField> = self.api.http.call(&request, decode::json).await?;
        for field in self.extra() {
            let named = |row: &&ExtraField| {
                row.title.as_deref().is_some_and(|t| t.trim().eq_ignore_ascii_case(&field.name))
            };
            let Some(row) = rows.iter().find(named) else {
                let titles: Vec<&str> =
                    rows.iter().filter_map(|row| row.title.as_deref()).collect();
                let detail = format!(
                    "computers have no extra data field `{}`; they have: {}",
                    field.name,
                    titles.join(", ")
                );
                return Err(Error::new(ErrorKind::Config, "setting `push.extra_fields`", detail)
                    .with_remedy("name fields by their titles, or make the field in Automate"));
            };
            let (value, written) = row.parts();
            there.values.insert(field.name.clone(), value);
            there.rest["fields"][&field.name] = json!(written);
        }
        Ok(())
    }

    async fn read_place(&self, id: &str, there: &mut There) -> Result<()> {
        let request = get(&format!("Computers/{id}")).named("GET /cwa/api/v1/Computers/{id}");
        let place: Place = self.api.http.call(&request, decode::json).await?;
        let name = place.location.and_then(|location| location.name).unwrap_or_default();
        there.values.insert(LOCATION.to_owned(), name);
        there.rest["client"] = json!(id_of(place.client));
        Ok(())
    }

    async fn write_extra(&self, id: &str, how: &Written, set: &Set) -> Result<()> {
        let (path, value) = match how.kind {
            Kind::Text => ("/TextFieldSettings/Value", json!(set.value)),
            Kind::Checkbox => {
                let checked = match set.value.to_lowercase().as_str() {
                    "true" => true,
                    "false" | "" => false,
                    _ => return Err(refused(set, "it is a checkbox, and holds true or false")),
                };
                ("/CheckboxSettings/IsChecked", json!(checked))
            }
            Kind::Dropdown if set.value.is_empty() => {
                ("/DropdownSettings/SelectedValue", json!(how.default))
            }
            Kind::Dropdown => {
                let option = how.options.iter().find(|one| one.eq_ignore_ascii_case(&set.value));
                let option = option.ok_or_else(|| {
                    let options = how.options.join(", ");
                    refused(set, &format!("its list does not have that; it has: {options}"))
                })?;
                ("/DropdownSettings/SelectedValue", json!(option))
            }
        };
        if how.read_only {
            return Err(refused(set, "it is read-only"));
        }
        let definition = &how.definition;
        let request = Request::patch(format!("{ROOT}Computers/{id}/ExtraFields/{definition}"))
            .named("PATCH /cwa/api/v1/Computers/{id}/ExtraFields/{definition}")
            .json(&json!([{ "op": "replace", "path": path, "value": value }]));
        self.api.http.call(&request, |_| Ok(())).await
    }

    async fn move_to(&self, id: &str, client: &str, set: &Set) -> Result<()> {
        let listed = get("Locations")
            .query("condition", format!("Client.Id = {client}"))
            .query("includefields", "Id,Name,Client.Id")
            .query("page", "1")
            .query("pagesize", "1000");
        let rows: Vec<Location> = self.api.http.call(&listed, decode::json).await?;
        let wanted = rows.into_iter().find(|row| {
            let of_client = row.client.as_ref().and_then(|client| client.id.as_deref());
            let name = row.name.as_deref().unwrap_or_default().trim();
            of_client == Some(client) && name.eq_ignore_ascii_case(&set.value)
        });
        let location = wanted.ok_or_else(|| {
            refused(set, &format!("client {client} has no location of that name"))
                .with_remedy("make the location in Automate, or take it out of `push.location`")
        })?;
        let number = |text: &str| text.parse::<u64>().unwrap_or_default();
        let request =
            Request::post(format!("{ROOT}Batch/Commands/SendTo")).repeatable().json(&json!({
                "EntityType": COMPUTER_TYPE,
                "TargetType": LOCATION_TYPE,
                "TargetId": number(&location.id),
                "EntityIds": [number(id)],
            }));
        let sent: Sent = self.api.http.call(&request, decode::json).await?;
        if sent.contains_unsuccessful_results {
            let message = |row: &Value| {
                row.pointer("/ResultDetails/Message").and_then(Value::as_str).map(str::to_owned)
            };
            let said: Vec<String> = sent.send_to_results.iter().filter_map(message).collect();
            return Err(refused(set, &format!("it was not moved: {}", said.join("; "))));
        }
        Ok(())
    }
}

#[async_trait]
impl Push for Fields {
    fn object(&self) -> PushObject {
        PushObject::Agent
    }

    fn fields(&self) -> &[PushField] {
        &self.fields
    }

    async fn read(&self, key: &str) -> Result<There> {
        let id = number(key)?;
        let mut there = There { rest: json!({ "fields": {} }), ..There::default() };
        if self.extra().next().is_some() {
            self.read_extra(id, &mut there).await?;
        }
        if self.fields.iter().any(|field| field.name == LOCATION) {
            self.read_place(id, &mut there).await?;
        }
        Ok(there)
    }

    async fn write(&self, key: &str, there: &There, sets: &[Set]) -> Result<()> {
        let id = number(key)?;
        for set in sets {
            if set.field == LOCATION {
                let client = there.rest["client"].as_str().unwrap_or_default();
                self.move_to(id, client, set).await?;
                continue;
            }
            let how = Written::deserialize(&there.rest["fields"][&set.field])
                .map_err(|_| refused(set, "it was not among the fields that were read"))?;
            self.write_extra(id, &how, set).await?;
        }
        Ok(())
    }
}

impl ExtraField {
    /// What it holds, and how it is written.
    fn parts(&self) -> (String, Written) {
        let how = |kind, options: Vec<String>, default: &str| Written {
            definition: self.extra_field_definition_id.clone(),
            kind,
            options,
            default: default.to_owned(),
            read_only: self.is_read_only.unwrap_or_default(),
        };
        if let Some(checkbox) = &self.checkbox_settings {
            let checked = checkbox.is_checked.unwrap_or_default();
            return (checked.to_string(), how(Kind::Checkbox, Vec::new(), ""));
        }
        if let Some(dropdown) = &self.dropdown_settings {
            let options = dropdown.available_options.iter().flat_map(BTreeMap::keys).cloned();
            let default = dropdown.default_value.as_deref().unwrap_or_default();
            let value = dropdown.selected_value.clone().unwrap_or_default();
            return (value, how(Kind::Dropdown, options.collect(), default));
        }
        let text = self.text_field_settings.as_ref().and_then(|text| text.value.clone());
        (text.unwrap_or_default(), how(Kind::Text, Vec::new(), ""))
    }
}

/// What goes into the path must be a number.
fn number(key: &str) -> Result<&str> {
    let key = key.trim();
    if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(key);
    }
    let detail = format!("`{key}` is no id of an Automate computer");
    Err(Error::new(ErrorKind::NotFound, "write to Automate", detail))
}

fn refused(set: &Set, why: &str) -> Error {
    let detail = format!("`{}` cannot hold `{}`: {why}", set.field, set.value);
    Error::new(ErrorKind::Rejected, "write to Automate", detail)
        .with_remedy("correct the field in Automate, or what it is to hold in [connection.push]")
}

#[cfg(test)]
mod tests;
