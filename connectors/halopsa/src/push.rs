//! Writing assets: `POST /Asset`, an array of one. What is not sent stays as it is, but for lists: the
//! posted `users` take the place of those that are there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use core_connector::{
    Error, ErrorKind, Fact, Found, NewObject, Push, PushField, PushObject, Result, Set, There,
};
use core_http::Request;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::client::Halo;
use crate::streams::assets::is_serial;
use crate::wire;

mod find;
mod settings;

pub use settings::{AssetProperty, PushSettings};

/// How long asset types are kept; they change when somebody configures Halo.
const TYPES_KEPT: Duration = Duration::from_mins(10);
/// Whose link an external link is, and its number: integrations of one's own take a free one.
const INTEGRATION: &str = "Linchpin";
const MODULE: i64 = 7_411;
/// Assets in Halo's numbering of tables.
const ASSETS: i64 = 5;

/// Writes the assets of an instance.
pub(crate) struct Assets {
    halo: Arc<Halo>,
    settings: PushSettings,
    fields: Vec<PushField>,
    types: Mutex<Option<(Instant, Arc<Vec<AssetType>>)>>,
}

#[derive(Debug, Deserialize)]
struct AssetType {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    name: Option<String>,
    fields: Option<Vec<TypeField>>,
}

#[derive(Debug, Deserialize)]
struct TypeField {
    #[serde(default, deserialize_with = "wire::maybe_id")]
    field_id: Option<i64>,
    field_name: Option<String>,
}

/// An asset in full, as far as it is written.
#[derive(Debug, Deserialize)]
struct Row {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    inventory_number: Option<String>,
    assettype_name: Option<String>,
    users: Option<Vec<User>>,
    fields: Option<Vec<Field>>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    automate_id: Option<i64>,
    connectwisecontrolid: Option<String>,
    intune_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct User {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Field {
    #[serde(default, deserialize_with = "wire::maybe_id")]
    id: Option<i64>,
    name: Option<String>,
    value: Option<Value>,
}

impl Assets {
    /// None where nothing may be written.
    pub(crate) fn new(halo: &Arc<Halo>, settings: &PushSettings) -> Result<Option<Self>> {
        let fields = settings.fields()?;
        Ok((!fields.is_empty()).then(|| Self {
            halo: Arc::clone(halo),
            settings: settings.clone(),
            fields,
            types: Mutex::new(None),
        }))
    }

    async fn types(&self) -> Result<Arc<Vec<AssetType>>> {
        let mut kept = self.types.lock().await;
        if let Some((since, types)) = &*kept
            && since.elapsed() < TYPES_KEPT
        {
            return Ok(Arc::clone(types));
        }
        let (types, _) = self.halo.get::<Vec<AssetType>>(&Request::get("AssetType")).await?;
        let types = Arc::new(types);
        *kept = Some((Instant::now(), Arc::clone(&types)));
        Ok(types)
    }

    /// The type of that name.
    async fn asset_type(&self, name: &str) -> Result<(i64, Vec<(String, i64)>)> {
        let types = self.types().await?;
        let named = |one: &&AssetType| one.name.as_deref().is_some_and(|n| same(n, name));
        let Some(found) = types.iter().find(named) else {
            let names: Vec<&str> = types.iter().filter_map(|one| one.name.as_deref()).collect();
            let detail =
                format!("there is no asset type `{name}`; there are: {}", names.join(", "));
            return Err(Error::new(ErrorKind::Config, "setting `push.create`", detail));
        };
        let fields = found.fields.iter().flatten();
        let fields = fields.filter_map(|field| Some((field.field_name.clone()?, field.field_id?)));
        Ok((found.id, fields.collect()))
    }

    /// The body of a save: these fields and no others. `ids` are the ids of the type's fields.
    fn body(&self, sets: &[Set], ids: &[(String, i64)], of: &str) -> Result<Map<String, Value>> {
        let mut body = Map::new();
        let mut fields = Vec::new();
        for set in sets {
            let text = || json!(set.value);
            match AssetProperty::named(&set.field) {
                Some(AssetProperty::User) => {
                    let users: Option<Vec<Value>> = set
                        .value
                        .split(',')
                        .filter(|id| !id.trim().is_empty())
                        .map(|id| Some(json!({ "id": id.trim().parse::<i64>().ok()? })))
                        .collect();
                    let users = users.ok_or_else(|| refused(set, "it is no id of a user"))?;
                    body.insert("users".to_owned(), Value::Array(users));
                }
                Some(AssetProperty::Name) => {
                    body.insert("inventory_number".to_owned(), text());
                }
                Some(AssetProperty::AutomateId) if set.value.is_empty() => {
                    body.insert("automate_id".to_owned(), Value::Null);
                }
                Some(AssetProperty::AutomateId) => {
                    let id = set.value.parse::<i64>();
                    let id = id.map_err(|_| refused(set, "it takes whole numbers"))?;
                    body.insert("automate_id".to_owned(), json!(id));
                }
                Some(AssetProperty::ControlId) => {
                    body.insert("connectwisecontrolid".to_owned(), text());
                }
                Some(AssetProperty::IntuneId) => {
                    body.insert("intune_id".to_owned(), text());
                }
                Some(AssetProperty::Serial) => {
                    let id = ids.iter().find(|(name, _)| is_serial(Some(name)));
                    fields.push(field(set, id, of)?);
                }
                None => {
                    let id = ids.iter().find(|(name, _)| same(name, &set.field));
                    fields.push(field(set, id, of)?);
                }
            }
        }
        if !fields.is_empty() {
            body.insert("fields".to_owned(), Value::Array(fields));
            // Without it Halo makes a field of every name that it does not know.
            body.insert("_dontaddnewfields".to_owned(), json!(true));
        }
        Ok(body)
    }

    /// Saves one asset, and gives its id.
    async fn save(&self, request: Request, body: Map<String, Value>) -> Result<i64> {
        let request = request.json(&json!([body]));
        let (saved, _) = self.halo.get::<Value>(&request).await?;
        // The object; the array that was asked for on some releases.
        let saved = saved.as_array().and_then(|all| all.last()).unwrap_or(&saved);
        saved.get("id").and_then(|id| wire::whole(&id.to_string())).ok_or_else(|| {
            let detail = "the answer to a save does not say which asset was saved";
            Error::new(ErrorKind::Protocol, &request.operation, detail)
        })
    }
}

#[async_trait]
impl Push for Assets {
    fn object(&self) -> PushObject {
        PushObject::Asset
    }

    fn fields(&self) -> &[PushField] {
        &self.fields
    }

    fn makes(&self, class: &str) -> bool {
        self.settings.type_for(class).is_some()
    }

    async fn read(&self, key: &str) -> Result<There> {
        let id = number(key)?;
        let request = Request::get(format!("Asset/{id}"))
            .named("GET /Asset/{id}")
            .query("includedetails", "true")
            .query("noicon", "true");
        let (row, _) = self.halo.get::<Row>(&request).await?;
        if row.id != id {
            let detail = format!("asked for asset {id}, asset {} came", row.id);
            return Err(Error::new(ErrorKind::Protocol, request.operation, detail));
        }
        Ok(self.there(&row))
    }

    async fn write(&self, key: &str, there: &There, sets: &[Set]) -> Result<()> {
        let id = number(key)?;
        let ids: Vec<(String, i64)> =
            serde_json::from_value(there.rest["ids"].clone()).unwrap_or_default();
        let of = there.rest["type"].as_str().unwrap_or("its type");
        let mut body = self.body(sets, &ids, of)?;
        body.insert("id".to_owned(), json!(id));
        // Saving the same values twice changes nothing.
        let saved = self.save(Request::post("Asset").repeatable(), body).await?;
        if saved != id {
            let detail = format!("asset {id} was saved, and asset {saved} came back");
            return Err(Error::new(ErrorKind::Protocol, "POST /Asset", detail));
        }
        Ok(())
    }

    async fn find(&self, new: &NewObject) -> Result<Found> {
        find::find(&self.halo, new).await
    }

    async fn create(&self, new: &NewObject) -> Result<String> {
        let Some(name) = self.settings.type_for(&new.class) else {
            let detail = format!("`push.create` names no asset type for `{}`", new.class);
            return Err(Error::new(ErrorKind::Config, "setting `push.create`", detail));
        };
        let (kind, ids) = self.asset_type(name).await?;
        let set =
            |(field, value): (&String, &String)| Set { field: field.clone(), value: value.clone() };
        let sets: Vec<Set> = new.values.iter().map(set).collect();
        let mut body = self.body(&sets, &ids, name)?;
        body.insert("assettype_id".to_owned(), json!(kind));
        body.insert("client_id".to_owned(), json!(number(&new.client)?));
        body.entry("inventory_number").or_insert_with(|| json!(new.name));
        // By this it is found again, whatever becomes of its fields.
        body.insert(
            "new_external_link".to_owned(),
            json!({
                "module_id": MODULE,
                "integration_name": INTEGRATION,
                "third_party_id": new.computer,
                "third_party_desc": new.name,
            }),
        );
        Ok(self.save(Request::post("Asset"), body).await?.to_string())
    }
}

impl Assets {
    fn there(&self, row: &Row) -> There {
        let mut there = There::default();
        let fields: Vec<&Field> = row.fields.iter().flatten().collect();
        let users: Vec<&User> = row.users.iter().flatten().filter(|user| user.id > 0).collect();
        let mut ids: Vec<i64> = users.iter().map(|user| user.id).collect();
        ids.sort_unstable();
        let of = |wanted: &dyn Fn(&str) -> bool| {
            let named = |field: &&&Field| field.name.as_deref().is_some_and(wanted);
            fields.iter().find(named).and_then(|field| field.value.as_ref()).map(plain)
        };
        for field in &self.fields {
            let value = match AssetProperty::named(&field.name) {
                Some(AssetProperty::User) => {
                    let names: Vec<&str> =
                        users.iter().filter_map(|user| user.name.as_deref()).collect();
                    if !names.is_empty() {
                        there.labels.insert(field.name.clone(), names.join(", "));
                    }
                    Some(ids.iter().map(i64::to_string).collect::<Vec<_>>().join(","))
                }
                Some(AssetProperty::Name) => row.inventory_number.clone(),
                Some(AssetProperty::AutomateId) => wire::key(row.automate_id),
                Some(AssetProperty::ControlId) => row.connectwisecontrolid.clone(),
                Some(AssetProperty::IntuneId) => row.intune_id.clone(),
                Some(AssetProperty::Serial) => of(&|name| is_serial(Some(name))),
                None => of(&|name| same(name, &field.name)),
            };
            there.values.insert(field.name.clone(), value.unwrap_or_default());
        }
        let ids: Vec<(&str, i64)> =
            fields.iter().filter_map(|field| Some((field.name.as_deref()?, field.id?))).collect();
        there.rest = json!({ "ids": ids, "type": row.assettype_name });
        there
    }
}

/// A field of the asset's type with its value.
fn field(set: &Set, id: Option<&(String, i64)>, of: &str) -> Result<Value> {
    let (_, id) = id.ok_or_else(|| {
        let detail = format!("assets of type `{of}` have no field for `{}`", set.field);
        Error::new(ErrorKind::Rejected, "POST /Asset", detail).with_remedy(
            "add the field to the asset type in Halo, or take it out of [connection.push]",
        )
    })?;
    // Ids of fields are texts here.
    Ok(json!({ "id": id.to_string(), "value": set.value }))
}

/// A value as text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(
        || if value.is_null() { String::new() } else { value.to_string() },
        str::to_owned,
    )
}

fn same(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

fn refused(set: &Set, why: &str) -> Error {
    let detail = format!("`{}` cannot hold `{}`: {why}", set.field, set.value);
    Error::new(ErrorKind::Rejected, "POST /Asset", detail)
}

fn number(key: &str) -> Result<i64> {
    key.trim().parse::<i64>().ok().filter(|id| *id > 0).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "POST /Asset", format!("`{key}` is no id in Halo"))
    })
}

/// What a property is to hold.
impl AssetProperty {
    fn fact(self) -> Fact {
        match self {
            AssetProperty::User => Fact::Contact,
            AssetProperty::Name => Fact::Name,
            AssetProperty::Serial => Fact::Serial,
            AssetProperty::AutomateId => Fact::AutomateId,
            AssetProperty::ControlId => Fact::ControlId,
            AssetProperty::IntuneId => Fact::IntuneId,
        }
    }
}
