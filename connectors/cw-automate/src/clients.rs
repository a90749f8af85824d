//! Stream `clients`: the customers.

use core_http::decode::id_text;
use core_model::RecordKind;
use core_model::facts::{ClientFacts, Reference};
use core_model::record::{Record, Rejected};
use serde::Deserialize;

use crate::listing::Table;
use crate::wire::filled;

/// `GET /Clients`.
pub(crate) struct Clients;

/// A client, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Client {
    #[serde(deserialize_with = "id_text::deserialize")]
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    company: Option<String>,
    #[serde(default, deserialize_with = "id_text::option::deserialize")]
    external_id: Option<String>,
}

impl Table for Clients {
    const NAME: &'static str = "clients";
    const KINDS: &'static [RecordKind] = &[RecordKind::Client];
    const PATH: &'static str = "Clients";
    const ID: &'static str = "Id";
    const FIELDS: &'static str = "Id,Name,Company,ExternalId";
    type Row = Client;

    fn records(row: Client, raw: &str) -> Result<Vec<Record>, Rejected> {
        let (name, company) = (filled(row.name), filled(row.company));
        let mut names: Vec<String> = company.into_iter().chain(name).collect();
        names.dedup();
        let shown = if names.is_empty() { format!("Client {}", row.id) } else { names.remove(0) };
        let facts = ClientFacts {
            name: shown,
            other_names: names,
            references: row.external_id.as_deref().map(references).unwrap_or_default(),
            ..ClientFacts::default()
        };
        Ok(vec![Record::new(row.id, facts.into(), raw)])
    }
}

/// What `ExternalId` says: the company in ConnectWise Manage, or, where an MSP with HaloPSA
/// entered it by hand, the client there. Zero is the field's value where nobody entered anything,
/// and would make one customer of all.
fn references(external: &str) -> Vec<Reference> {
    let id = external.trim().to_lowercase();
    if id.is_empty() || id.parse::<i64>().is_ok_and(|number| number <= 0) {
        return Vec::new();
    }
    let digits = id.bytes().all(|byte| byte.is_ascii_digit());
    let mut references = vec![Reference { system: "cw-manage".to_owned(), id: id.clone() }];
    if digits {
        references.push(Reference { system: "halopsa".to_owned(), id });
    }
    references
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::facts::Facts;

    fn client(json: &str) -> ClientFacts {
        let record = Clients::records(serde_json::from_str(json).unwrap(), json).unwrap().remove(0);
        assert_eq!(record.key, "12");
        let Facts::Client(facts) = record.facts else { panic!("{:?}", record.facts) };
        facts
    }

    #[test]
    fn company_is_the_name_and_name_the_fallback() {
        let facts = client(r#"{"Id":"12","Name":"ACM","Company":"Acme Ltd"}"#);
        assert_eq!((facts.name.as_str(), facts.other_names), ("Acme Ltd", vec!["ACM".to_owned()]));
        for blank in [r#""""#, r#""  ""#, "null"] {
            let facts = client(&format!(r#"{{"Id":12,"Name":"Acme","Company":{blank}}}"#));
            assert_eq!((facts.name.as_str(), facts.other_names.len()), ("Acme", 0));
        }
        let same = client(r#"{"Id":12,"Name":"Acme","Company":"Acme"}"#);
        assert!(same.other_names.is_empty());
        assert_eq!(client(r#"{"Id":12}"#).name, "Client 12");
    }

    #[test]
    fn an_external_id_names_the_company_in_the_psa() {
        let systems = |id: &str| {
            let facts = client(&format!(r#"{{"Id":"12","Name":"A","ExternalId":{id}}}"#));
            facts.references.into_iter().map(|r| format!("{}={}", r.system, r.id)).collect()
        };
        let both: Vec<String> = systems(r#""42""#);
        assert_eq!(both, ["cw-manage=42", "halopsa=42"]);
        assert_eq!(systems("42"), both);
        let text: Vec<String> = systems(r#"" AcmeCo ""#);
        assert_eq!(text, ["cw-manage=acmeco"]);
    }

    #[test]
    fn an_external_id_of_zero_names_nobody() {
        for id in ["0", r#""0""#, r#""""#, r#"" ""#, "null", "-1"] {
            let facts = client(&format!(r#"{{"Id":"12","Name":"A","ExternalId":{id}}}"#));
            assert!(facts.references.is_empty(), "{id}");
        }
    }
}
