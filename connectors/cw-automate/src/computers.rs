//! Stream `computers`: the agents.

use chrono::{DateTime, Utc};
use core_http::decode::id_text;
use core_model::RecordKind;
use core_model::facts::{AgentFacts, ChassisClass, DeviceRole};
use core_model::observation::Logon;
use core_model::record::{Presence, Record, Rejected};
use serde::Deserialize;

use crate::listing::Table;
use crate::locations::location_key;
use crate::wire::{Ref, filled, id_of, instant, is_nobody};

/// `GET /Computers`.
pub(crate) struct Computers;

/// A computer, as far as it is read. The SMBIOS UUID is not in it: see the chassis.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Computer {
    #[serde(deserialize_with = "id_text::deserialize")]
    id: String,
    #[serde(default)]
    computer_name: Option<String>,
    #[serde(default)]
    client: Option<Ref>,
    #[serde(default)]
    location: Option<Ref>,
    #[serde(default, rename = "Type")]
    kind: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    operating_system_name: Option<String>,
    #[serde(default)]
    operating_system_version: Option<String>,
    #[serde(default)]
    domain_name: Option<String>,
    #[serde(default)]
    remote_agent_version: Option<String>,
    #[serde(default, deserialize_with = "instant")]
    remote_agent_last_contact: Option<DateTime<Utc>>,
    #[serde(default)]
    serial_number: Option<String>,
    #[serde(default)]
    last_user_name: Option<String>,
    #[serde(default)]
    logged_in_users: Option<Vec<LoggedInUser>>,
    #[serde(default)]
    is_virtual_machine: Option<bool>,
    #[serde(default, deserialize_with = "instant")]
    date_added: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LoggedInUser {
    #[serde(default)]
    logged_in_user_name: Option<String>,
}

impl Table for Computers {
    const NAME: &'static str = "computers";
    const KINDS: &'static [RecordKind] = &[RecordKind::Agent];
    const PATH: &'static str = "Computers";
    const ID: &'static str = "Id";
    const FIELDS: &'static str = "Id,ComputerName,Client.Id,Location.Id,Type,Status,\
        OperatingSystemName,OperatingSystemVersion,DomainName,RemoteAgentVersion,\
        RemoteAgentLastContact,SerialNumber,LastUserName,LoggedInUsers,IsVirtualMachine,DateAdded";
    type Row = Computer;

    fn records(mut row: Computer, raw: &str) -> Result<Vec<Record>, Rejected> {
        // Every computer has a client. Without it an agent would silently belong to nobody, so a
        // server that leaves the field out must be noticed.
        let Some(client) = id_of(row.client.take()) else {
            return Err(Rejected {
                key: Some(row.id),
                path: "$.Client.Id".to_owned(),
                reason: "the computer has no client".to_owned(),
                raw: raw.to_owned(),
            });
        };
        let (presence, logons) = (row.presence(), row.logons());
        let key = row.id.clone();
        let mut record = Record::with_volatile_fields(key, row.facts().into(), raw)
            .of_client(client)
            .seen(presence);
        record.logons = logons;
        Ok(vec![record])
    }
}

impl Computer {
    fn presence(&self) -> Presence {
        let status = self.status.as_deref().unwrap_or_default().trim();
        let online = match status.to_ascii_lowercase().as_str() {
            "online" => Some(true),
            "offline" => Some(false),
            _ => None,
        };
        Presence { online, last_seen: self.remote_agent_last_contact }
    }

    /// Who is logged on, while the computer can say so; else who was last.
    fn logons(&self) -> Vec<Logon> {
        let now: Vec<&str> = match (&self.logged_in_users, self.presence().online) {
            (Some(users), Some(true)) => {
                users.iter().filter_map(|user| user.logged_in_user_name.as_deref()).collect()
            }
            _ => Vec::new(),
        };
        let mut accounts = people(&now);
        if accounts.is_empty() {
            accounts = people(&[self.last_user_name.as_deref().unwrap_or_default()]);
        }
        let source = "cw-automate";
        let logon = |account: &str| Logon { account: account.into(), source: source.into() };
        accounts.into_iter().map(logon).collect()
    }

    fn facts(self) -> AgentFacts {
        AgentFacts {
            host: filled(self.computer_name).unwrap_or_default(),
            serial: filled(self.serial_number),
            os: filled(self.operating_system_name),
            os_version: filled(self.operating_system_version),
            domain: filled(self.domain_name),
            added: self.date_added,
            location: id_of(self.location).map(|id| location_key(&id)),
            role: self.kind.as_deref().and_then(role),
            chassis: self.is_virtual_machine.unwrap_or_default().then_some(ChassisClass::Virtual),
            runs_scripts: true,
            agent_version: filled(self.remote_agent_version),
            ..AgentFacts::default()
        }
    }
}

/// Those of the accounts that are persons, each once, as the server writes them.
fn people<'a>(accounts: &[&'a str]) -> Vec<&'a str> {
    let mut people: Vec<&str> = Vec::new();
    for account in accounts.iter().map(|account| account.trim()) {
        let known = people.iter().any(|seen| seen.eq_ignore_ascii_case(account));
        if !is_nobody(account) && !known {
            people.push(account);
        }
    }
    people
}

/// `Type` is an open text; what it does not say plainly is unknown.
fn role(kind: &str) -> Option<DeviceRole> {
    let kind = kind.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| kind.contains(word));
    if has(&["domain controller"]) {
        Some(DeviceRole::DomainController)
    } else if has(&["server"]) {
        Some(DeviceRole::Server)
    } else if has(&["workstation", "laptop", "notebook", "desktop", "portable", "tablet"]) {
        Some(DeviceRole::Workstation)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::facts::Facts;
    use serde_json::{Value, json};

    const COMPUTER: &str = include_str!("../fixtures/computer.json");

    fn record(change: &Value) -> Record {
        let mut whole: Value = serde_json::from_str(COMPUTER).unwrap();
        for (name, value) in change.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let raw = whole.to_string();
        Computers::records(serde_json::from_str(&raw).unwrap(), &raw).unwrap().remove(0)
    }

    fn facts(record: &Record) -> AgentFacts {
        let Facts::Agent(facts) = &record.facts else { panic!("{:?}", record.facts) };
        facts.clone()
    }

    fn logons(change: &Value) -> Vec<String> {
        record(change).logons.into_iter().map(|logon| logon.account).collect()
    }

    #[test]
    fn a_computer_becomes_an_agent() {
        let record = record(&json!({}));
        assert_eq!((record.key.as_str(), record.client.as_deref()), ("1234", Some("12")));
        let seen = record.presence.unwrap();
        assert_eq!(seen.online, Some(true));
        assert_eq!(seen.last_seen.unwrap().to_rfc3339(), "2026-01-02T03:04:05+00:00");
        let facts = facts(&record);
        assert_eq!(facts.host, "PC-042");
        assert_eq!(facts.serial.as_deref(), Some("5CG1234XYZ"));
        assert_eq!(facts.location.as_deref(), Some("location/34"));
        assert_eq!(facts.role, Some(DeviceRole::Workstation));
        assert_eq!(facts.domain.as_deref(), Some("ACME.local"));
        assert_eq!(facts.added.unwrap().to_rfc3339(), "2025-06-01T08:00:00+00:00");
        assert!(facts.runs_scripts && facts.uuid.is_none() && facts.chassis.is_none());
    }

    #[test]
    fn what_changes_all_day_is_no_content() {
        let quiet = record(&json!({}));
        let busy = record(&json!({
            "Status": "Offline", "RemoteAgentLastContact": "2026-01-02T09:00:00",
            "LastUserName": "ACME\\other", "LoggedInUsers": [],
        }));
        assert_eq!(quiet.hash, busy.hash);
        assert_ne!(quiet.hash, record(&json!({"SerialNumber": "other"})).hash);
    }

    #[test]
    fn who_is_logged_on_is_believed_only_while_online() {
        assert_eq!(logons(&json!({})), ["jdoe"]);
        assert_eq!(logons(&json!({"Status": "Offline"})), ["ACME\\jdoe"]);
        assert_eq!(logons(&json!({"LoggedInUsers": null})), ["ACME\\jdoe"]);
        let users = json!({"LoggedInUsers": [
            {"LoggedInUserName": "SYSTEM"}, {"LoggedInUserName": "ana"},
            {"LoggedInUserName": ""}, {"LoggedInUserName": "ANA"}, {"LoggedInUserName": "ben"}]});
        assert_eq!(logons(&users), ["ana", "ben"]);
        let nobody = json!({"LoggedInUsers": [], "LastUserName": "Not logged in"});
        assert!(logons(&nobody).is_empty());
    }

    #[test]
    fn an_unknown_type_is_no_role() {
        for (kind, role) in [
            ("Server", Some(DeviceRole::Server)),
            ("Windows Server", Some(DeviceRole::Server)),
            ("Workstation", Some(DeviceRole::Workstation)),
            ("Laptop", Some(DeviceRole::Workstation)),
            ("Mac", None),
            ("", None),
        ] {
            assert_eq!(facts(&record(&json!({"Type": kind}))).role, role, "{kind}");
        }
        let machine = record(&json!({"IsVirtualMachine": true}));
        assert_eq!(facts(&machine).chassis, Some(ChassisClass::Virtual));
    }

    #[test]
    fn a_computer_without_a_client_is_not_silently_nobodys() {
        let raw = r#"{"Id":5,"ComputerName":"PC"}"#;
        let rejected = Computers::records(serde_json::from_str(raw).unwrap(), raw).unwrap_err();
        assert_eq!((rejected.key.as_deref(), rejected.path.as_str()), (Some("5"), "$.Client.Id"));
    }
}
