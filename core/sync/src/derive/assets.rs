//! Assets as identification takes them: with what the hub itself told them, so that it is not taken
//! for evidence when it is read back.

use std::collections::{BTreeMap, HashMap};

use core_derive::AssetInput;
use core_model::RecordRef;
use core_model::facts::AssetFacts;

use crate::error::Result;
use crate::hub::Hub;

/// The assets of a tenant, with what the hub wrote into them and what it made them for.
pub(crate) async fn inputs(
    hub: &Hub,
    assets: Vec<(RecordRef, AssetFacts)>,
) -> Result<Vec<AssetInput>> {
    let mut keys: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (record, _) in &assets {
        keys.entry(&record.connection).or_default().push(record.key.clone());
    }
    let mut own: HashMap<(String, String), Vec<String>> = HashMap::new();
    let mut made = HashMap::new();
    for (connection, keys) in keys {
        for mark in hub.store.push_marks(connection, Some(&keys)).await? {
            let values = own.entry((connection.to_owned(), mark.object)).or_default();
            values.extend(mark.ours.iter().map(|value| value.trim().to_lowercase()));
        }
        for object in hub.store.push_objects(connection, Some(&keys)).await? {
            if let (Some(key), Ok(computer)) = (object.object, object.computer.parse()) {
                made.insert((connection.to_owned(), key), computer);
            }
        }
    }
    let input = |(record, facts): (RecordRef, AssetFacts)| {
        let name = (record.connection.clone(), record.key.clone());
        let (own, made_for) = (own.remove(&name).unwrap_or_default(), made.remove(&name));
        AssetInput { record, facts, own, made_for }
    };
    Ok(assets.into_iter().map(input).collect())
}
