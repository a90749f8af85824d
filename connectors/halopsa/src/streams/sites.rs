//! Sites: `GET /Site`. Stock locations are sites too, and stay: assets lie there.

use core_model::facts::SiteFacts;
use core_model::record::{Record, Rejected};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::paging::Listing;
use crate::time_zone;
use crate::wire;

pub(crate) const LISTING: Listing = Listing {
    path: "Site",
    rows: "sites",
    query: &[("includeinactive", "true"), ("includeactive", "true")],
};

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    client_id: Option<i64>,
    name: Option<String>,
    timezone: Option<String>,
    inactive: Option<bool>,
}

pub(crate) fn read(raw: &RawValue) -> Result<Option<Record>, Rejected> {
    let row: Row = wire::row(raw)?;
    let facts = SiteFacts {
        name: wire::text(row.name.as_deref()).unwrap_or_default(),
        time_zone: row.timezone.as_deref().and_then(time_zone::iana).map(str::to_owned),
        inactive: row.inactive.unwrap_or_default(),
    };
    Ok(Some(wire::record(row.id, row.client_id, facts.into(), raw.get())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::facts::Facts;

    #[test]
    fn the_client_of_a_site_comes_as_a_double() {
        let json =
            r#"{"id":18.0,"client_id":12.0,"name":"Main","timezone":"Central Standard Time"}"#;
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        let record = read(&raw).unwrap().unwrap();
        assert_eq!((record.key.as_str(), record.client.as_deref()), ("18", Some("12")));
        let Facts::Site(site) = record.facts else { panic!("{:?}", record.facts) };
        assert_eq!(site.time_zone.as_deref(), Some("America/Chicago"));
    }
}
