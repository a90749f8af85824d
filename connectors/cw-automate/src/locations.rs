//! Stream `locations`: the places of clients, as sites and as groups that can be targeted.

use core_http::decode::id_text;
use core_model::RecordKind;
use core_model::facts::{ConnectionGroupFacts, ConnectionGroupKind, SiteFacts};
use core_model::record::{Record, Rejected};
use serde::Deserialize;

use crate::listing::Table;
use crate::wire::{Ref, filled, id_of};

/// `GET /Locations`.
pub(crate) struct Locations;

/// A location, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Location {
    #[serde(deserialize_with = "id_text::deserialize")]
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    client: Option<Ref>,
}

/// The key of a location's records. Groups and locations are numbered apart and both become
/// connection groups, so location 5 must not be taken for group 5.
pub(crate) fn location_key(id: &str) -> String {
    format!("location/{id}")
}

impl Table for Locations {
    const NAME: &'static str = "locations";
    const KINDS: &'static [RecordKind] = &[RecordKind::Site, RecordKind::ConnectionGroup];
    const PATH: &'static str = "Locations";
    const ID: &'static str = "Id";
    const FIELDS: &'static str = "Id,Name,Client.Id";
    type Row = Location;

    fn records(row: Location, raw: &str) -> Result<Vec<Record>, Rejected> {
        let key = location_key(&row.id);
        let name = filled(row.name).unwrap_or_else(|| format!("Location {}", row.id));
        let site = SiteFacts { name: name.clone(), ..SiteFacts::default() };
        let group =
            ConnectionGroupFacts { name, group_kind: ConnectionGroupKind::Location, parent: None };
        let mut records =
            vec![Record::new(key.clone(), site.into(), raw), Record::new(key, group.into(), raw)];
        if let Some(client) = id_of(row.client) {
            records = records.into_iter().map(|one| one.of_client(client.clone())).collect();
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::facts::Facts;

    #[test]
    fn a_location_is_a_site_and_a_group_of_its_client() {
        let json = r#"{"Id":34,"Name":"Main","Client":{"Id":"12"}}"#;
        let records = Locations::records(serde_json::from_str(json).unwrap(), json).unwrap();
        assert_eq!(records.len(), 2);
        for record in &records {
            assert_eq!(
                (record.key.as_str(), record.client.as_deref()),
                ("location/34", Some("12"))
            );
        }
        assert!(matches!(&records[0].facts, Facts::Site(site) if site.name == "Main"));
        assert!(matches!(&records[1].facts,
            Facts::ConnectionGroup(group) if group.group_kind == ConnectionGroupKind::Location));
    }
}
