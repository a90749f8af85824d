//! Users: `GET /Users`, the people in a client's address book. They hang off a site; each site has
//! a placeholder, "General User", which is nobody.

use core_model::facts::ContactFacts;
use core_model::record::{Record, Rejected};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::paging::Listing;
use crate::wire;

pub(crate) const LISTING: Listing = Listing {
    path: "Users",
    rows: "users",
    query: &[
        ("includeinactive", "true"),
        ("includeactive", "true"),
        ("exclude_generaluser", "true"),
    ],
};

const PLACEHOLDER: &str = "General User";

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    name: Option<String>,
    emailaddress: Option<String>,
    login: Option<String>,
    azureoid: Option<String>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    client_id: Option<i64>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    site_id: Option<i64>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    site_id_int: Option<i64>,
    inactive: Option<bool>,
}

pub(crate) fn read(raw: &RawValue) -> Result<Option<Record>, Rejected> {
    let row: Row = wire::row(raw)?;
    let name = wire::text(row.name.as_deref()).unwrap_or_default();
    if name.eq_ignore_ascii_case(PLACEHOLDER) {
        return Ok(None);
    }
    let facts = ContactFacts {
        name,
        email: wire::text(row.emailaddress.as_deref()),
        login: wire::text(row.login.as_deref()),
        directory_id: wire::guid(row.azureoid.as_deref()),
        site: wire::key(row.site_id_int.or(row.site_id)),
        inactive: row.inactive.unwrap_or_default(),
    };
    Ok(Some(wire::record(row.id, row.client_id, facts.into(), raw.get())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::facts::Facts;

    fn row(json: &str) -> Result<Option<Record>, Rejected> {
        read(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn the_general_user_of_a_site_is_nobody() {
        assert!(row(r#"{"id":5,"name":"General User","site_id":18.0}"#).unwrap().is_none());
    }

    #[test]
    fn a_user_keeps_his_directory_id_and_his_spelling() {
        let json = r#"{"id":6,"name":"Ana Silva","emailaddress":"Ana.Silva@contoso.com",
            "login":"","azureoid":"0A1B2C3D-0000-4000-8000-00000000AAAA","client_id":12,
            "site_id":18.0}"#;
        let record = row(json).unwrap().unwrap();
        assert_eq!(record.client.as_deref(), Some("12"));
        let Facts::Contact(contact) = record.facts else { panic!("{:?}", record.facts) };
        assert_eq!(
            contact,
            ContactFacts {
                name: "Ana Silva".into(),
                email: Some("Ana.Silva@contoso.com".into()),
                directory_id: Some("0a1b2c3d-0000-4000-8000-00000000aaaa".into()),
                site: Some("18".into()),
                ..ContactFacts::default()
            }
        );
    }

    #[test]
    fn a_bad_row_is_rejected_with_its_path() {
        let rejected = row(r#"{"id":7,"name":["x"]}"#).unwrap_err();
        assert_eq!((rejected.key.as_deref(), rejected.path.as_str()), (Some("7"), "$.name"));
    }
}
