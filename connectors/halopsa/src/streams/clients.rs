//! Clients: `GET /Client`. Active and inactive ones; a client that was deleted just is not there.

use core_model::facts::{ClientFacts, Reference};
use core_model::record::{Record, Rejected};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::paging::Listing;
use crate::wire;

pub(crate) const LISTING: Listing = Listing {
    path: "Client",
    rows: "clients",
    query: &[("includeinactive", "true"), ("includeactive", "true")],
};

/// The catch-all client that every instance has.
const PLACEHOLDER: &str = "unknown";

/// Pictures in base64, which may weigh more than everything else together.
const PICTURES: [&str; 2] = ["logo", "icon"];

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    name: Option<String>,
    trading_name: Option<String>,
    inactive: Option<bool>,
    domain: Option<String>,
    website: Option<String>,
    azure_tenant_id: Option<String>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    cautomateid: Option<i64>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    connectwiseid: Option<i64>,
}

pub(crate) fn read(raw: &RawValue) -> Result<Option<Record>, Rejected> {
    let row: Row = wire::row(raw)?;
    let name = wire::text(row.name.as_deref()).unwrap_or_default();
    let domains = domains(&row);
    let facts = ClientFacts {
        other_names: wire::text(row.trading_name.as_deref())
            .filter(|other| *other != name)
            .into_iter()
            .collect(),
        default_domain: domains.first().cloned(),
        domains,
        references: references(&row),
        inactive: row.inactive.unwrap_or_default(),
        placeholder: name.eq_ignore_ascii_case(PLACEHOLDER),
        name,
        ..ClientFacts::default()
    };
    Ok(Some(wire::record(row.id, None, facts.into(), &without_pictures(raw.get()))))
}

fn references(row: &Row) -> Vec<Reference> {
    let automate = wire::key(row.cautomateid).map(|id| ("cw-automate", id));
    let manage = wire::key(row.connectwiseid).map(|id| ("cw-manage", id));
    let directory = wire::guid(row.azure_tenant_id.as_deref()).map(|id| ("directory", id));
    [automate, manage, directory]
        .into_iter()
        .flatten()
        .map(|(system, id)| Reference { system: system.to_owned(), id })
        .collect()
}

/// The mail domains first, as they are written; then that of the web site.
fn domains(row: &Row) -> Vec<String> {
    let mail = row.domain.as_deref().unwrap_or_default();
    let mut domains: Vec<String> = mail
        .split([',', ';', ' '])
        .map(|domain| domain.trim().trim_start_matches('@').to_lowercase())
        .filter(|domain| domain.contains('.'))
        .collect();
    let site = row.website.as_deref().unwrap_or_default().trim().to_lowercase();
    let host = site.split("://").last().and_then(|rest| rest.split(['/', ':', '?']).next());
    let host = host.map(|host| host.trim_start_matches("www.")).filter(|host| host.contains('.'));
    if let Some(host) = host
        && !domains.iter().any(|domain| domain == host)
    {
        domains.push(host.to_owned());
    }
    domains
}

fn without_pictures(raw: &str) -> String {
    if !PICTURES.iter().any(|name| raw.contains(name)) {
        return raw.to_owned();
    }
    match serde_json::from_str::<Value>(raw) {
        Ok(Value::Object(mut row)) => {
            for name in PICTURES {
                row.remove(name);
            }
            Value::Object(row).to_string()
        }
        _ => raw.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::facts::Facts;
    use serde_json::json;

    fn facts(row: &Value) -> ClientFacts {
        let raw = RawValue::from_string(row.to_string()).unwrap();
        match read(&raw).unwrap().unwrap().facts {
            Facts::Client(facts) => facts,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_unknown_client_is_a_placeholder() {
        assert!(facts(&json!({"id": 1, "name": "Unknown"})).placeholder);
        assert!(!facts(&json!({"id": 1, "name": "Unknown Pleasures Ltd"})).placeholder);
    }

    #[test]
    fn references_to_other_systems_are_read_and_zero_is_none() {
        let facts = facts(&json!({
            "id": 12, "name": "Contoso", "trading_name": "Contoso Ltd", "cautomateid": 4.0,
            "connectwiseid": 0, "azure_tenant_id": "0A1B2C3D-0000-4000-8000-00000000AAAA",
            "domain": "@Contoso.com; contoso.net", "website": "https://www.contoso.com/en"
        }));
        let found: Vec<(&str, &str)> =
            facts.references.iter().map(|r| (r.system.as_str(), r.id.as_str())).collect();
        assert_eq!(
            found,
            [("cw-automate", "4"), ("directory", "0a1b2c3d-0000-4000-8000-00000000aaaa")]
        );
        assert_eq!(facts.other_names, ["Contoso Ltd"]);
        assert_eq!(facts.default_domain.as_deref(), Some("contoso.com"));
        assert_eq!(facts.domains, ["contoso.com", "contoso.net"]);
    }

    #[test]
    fn pictures_are_not_kept() {
        let row = json!({"id": 1, "name": "Contoso", "logo": "data:image/png;base64,AAAA"});
        let raw = RawValue::from_string(row.to_string()).unwrap();
        let record = read(&raw).unwrap().unwrap();
        assert!(!record.raw.contains("base64") && record.raw.contains("Contoso"));
    }
}
