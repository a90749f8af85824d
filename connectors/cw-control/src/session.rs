//! What a session means: an agent, its presence, who is logged on, whose it is.

use chrono::{DateTime, Utc};
use core_model::facts::{AgentFacts, ClientFacts, DeviceRole, SiteFacts};
use core_model::observation::Logon;
use core_model::record::{Presence, Record};
use serde_json::json;

use crate::client::Reading;
use crate::wire::{Code, GuestInfo, Session, filled};

/// Process type of the machine's own end of a session.
const GUEST: i64 = 2;
/// Session type of unattended access.
const ACCESS: i64 = 2;

/// Whether the session stands for a machine that can be reached: it has unattended access and was
/// not ended (ended ones linger in the answer). A session that does not tell its type is what the
/// filter asked for.
pub(crate) fn is_agent(session: &Session) -> bool {
    let access = session.session_type == Code::Missing || session.session_type.is(ACCESS, "Access");
    access && !session.is_ended.unwrap_or_default()
}

/// Whose machine a session is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner {
    /// The customer.
    pub(crate) client: String,
    /// The place, where one is named.
    pub(crate) site: Option<String>,
}

impl Owner {
    /// None where nobody entered a customer: the agent belongs to nobody yet.
    pub(crate) fn of(session: &Session, reading: &Reading) -> Option<Self> {
        let client = property(session, reading.client)?;
        Some(Self { client, site: reading.site.and_then(|index| property(session, index)) })
    }

    /// Places of one name are different places at different customers.
    fn site_key(&self) -> Option<String> {
        self.site.as_ref().map(|site| format!("{}/{site}", self.client))
    }

    /// The record of the customer. Control has no list of them: the spelling is all there is.
    pub(crate) fn client_record(client: &str) -> Record {
        let facts = ClientFacts { name: client.to_owned(), ..ClientFacts::default() };
        Record::new(client, facts.into(), json!({ "Name": client }).to_string())
    }

    /// The record of the place.
    pub(crate) fn site_record(&self) -> Option<Record> {
        let (key, name) = (self.site_key()?, self.site.clone()?);
        let raw = json!({ "Client": self.client, "Name": name }).to_string();
        let facts = SiteFacts { name, ..SiteFacts::default() };
        Some(Record::new(key, facts.into(), raw).of_client(&*self.client))
    }
}

/// The record of a session.
pub(crate) fn record(session: &Session, reading: &Reading, raw: &str) -> Record {
    let owner = Owner::of(session, reading);
    let facts = facts(session, reading, owner.as_ref().and_then(Owner::site_key));
    // Times, connections and free memory change all day.
    let mut record = Record::with_volatile_fields(session.id.to_string(), facts.into(), raw)
        .seen(presence(session));
    if let Some(owner) = owner {
        record = record.of_client(owner.client);
    }
    match session.guest_info.as_ref().and_then(account) {
        Some(account) => record.logged_on(Logon { account, source: "cw-control".to_owned() }),
        None => record,
    }
}

fn facts(session: &Session, reading: &Reading, location: Option<String>) -> AgentFacts {
    let nothing = GuestInfo::default();
    let guest = session.guest_info.as_ref().unwrap_or(&nothing);
    let host = filled(session.name.as_deref()).or_else(|| filled(guest.machine_name.as_deref()));
    let os = filled(guest.operating_system_name.as_deref());
    let role = os.as_deref().and_then(role);
    AgentFacts {
        host: host.unwrap_or_default(),
        serial: filled(guest.machine_serial_number.as_deref()),
        manufacturer: filled(guest.machine_manufacturer_name.as_deref()),
        model: filled(guest.machine_model.as_deref()),
        os,
        os_version: filled(guest.operating_system_version.as_deref()),
        domain: filled(guest.machine_domain.as_deref()),
        location,
        role,
        runs_scripts: true,
        agent_version: filled(session.guest_client_version.as_deref()),
        properties: properties(session, reading),
        ..AgentFacts::default()
    }
}

fn properties(session: &Session, reading: &Reading) -> Vec<(String, String)> {
    let count = session.custom_property_values.as_ref().map_or(0, Vec::len);
    let custom = (0..count).filter_map(|index| {
        let name = format!("CustomProperty{}", index + 1);
        property(session, index).map(|value| (name, value))
    });
    let instance = reading.instance.clone().map(|id| ("InstanceId".to_owned(), id));
    custom.chain(instance).collect()
}

fn property(session: &Session, index: usize) -> Option<String> {
    filled(session.custom_property_values.as_ref()?.get(index)?.as_deref())
}

/// Only the system's name tells servers from workstations, and only on Windows for certain.
fn role(os: &str) -> Option<DeviceRole> {
    let os = os.to_lowercase();
    if os.contains("server") {
        Some(DeviceRole::Server)
    } else if os.contains("windows") {
        Some(DeviceRole::Workstation)
    } else {
        None
    }
}

/// Online while the guest is connected now, or was connected later than disconnected. An event
/// may be the host's, so it counts as a sign of life only while the guest is there.
fn presence(session: &Session) -> Presence {
    let connected = session.last_guest_connected_event_time;
    let disconnected = session.last_guest_disconnected_event_time;
    let connections = session.active_connections.as_deref().unwrap_or_default();
    let guest = connections.iter().any(|one| one.process_type.is(GUEST, "Guest"));
    let online = guest || connected > disconnected;
    let told = session.guest_info_update_time;
    let latest = |times: &[Option<DateTime<Utc>>]| times.iter().copied().flatten().max();
    let last_seen = if online {
        latest(&[connected, disconnected, told, session.last_event_time])
    } else {
        latest(&[connected, disconnected, told])
    };
    Presence { online: Some(online), last_seen }
}

/// Who is logged on, as `DOMAIN\user`; system accounts are nobody.
fn account(guest: &GuestInfo) -> Option<String> {
    const SYSTEM: &[&str] = &["system", "local service", "network service", "local system"];
    let user = filled(guest.logged_on_user_name.as_deref())?;
    let name = user.rsplit('\\').next().unwrap_or(&user).to_lowercase();
    if SYSTEM.contains(&name.as_str()) || name.ends_with('$') || name.is_empty() {
        return None;
    }
    let whole = user.contains(['\\', '@']);
    match filled(guest.logged_on_user_domain.as_deref()) {
        Some(domain) if !whole => Some(format!("{domain}\\{user}")),
        _ => Some(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::facts::Facts;
    use serde_json::Value;

    const SESSION: &str = include_str!("../fixtures/session.json");

    fn reading() -> Reading {
        Reading { filter: String::new(), client: 0, site: None, instance: None }
    }

    fn session(change: &Value) -> Session {
        let mut whole: Value = serde_json::from_str(SESSION).unwrap();
        for (name, value) in change.as_object().unwrap() {
            match value.as_object() {
                Some(inner) => {
                    for (name_within, value) in inner {
                        whole[name][name_within] = value.clone();
                    }
                }
                None => whole[name] = value.clone(),
            }
        }
        serde_json::from_value(whole).unwrap()
    }

    fn read(change: &Value) -> Record {
        record(&session(change), &reading(), SESSION)
    }

    fn agent(record: &Record) -> &AgentFacts {
        let Facts::Agent(facts) = &record.facts else { panic!("{:?}", record.facts) };
        facts
    }

    fn seen(change: &Value) -> (Option<bool>, Option<String>) {
        let presence = read(change).presence.unwrap();
        (presence.online, presence.last_seen.map(|at| at.format("%H:%M").to_string()))
    }

    #[test]
    fn a_session_becomes_an_agent() {
        let record = read(&json!({}));
        assert_eq!(record.key, "11111111-2222-3333-4444-5555555555aa");
        assert_eq!(record.client.as_deref(), Some("Acme"));
        let facts = agent(&record);
        assert_eq!(facts.host, "PC-042");
        assert_eq!(facts.serial.as_deref(), Some("5CG1234XYZ"));
        assert_eq!(facts.manufacturer.as_deref(), Some("HP"));
        assert_eq!(facts.model.as_deref(), Some("EliteBook"));
        assert_eq!(facts.domain.as_deref(), Some("ACME"));
        assert_eq!(facts.role, Some(DeviceRole::Workstation));
        let properties: Vec<&str> = facts.properties.iter().map(|(name, _)| &**name).collect();
        assert_eq!(properties, ["CustomProperty1", "CustomProperty2", "CustomProperty4"]);
        assert!(facts.runs_scripts && facts.uuid.is_none());
        let accounts: Vec<&str> = record.logons.iter().map(|logon| &*logon.account).collect();
        assert_eq!(accounts, ["ACME\\jdoe"]);
        assert_eq!(agent(&read(&json!({"Name": "Reception"}))).host, "Reception");
    }

    #[test]
    fn who_is_connected_decides_who_is_online() {
        let guest = json!([{"ProcessType": 2}]);
        let named = json!([{"ProcessType": "Guest"}]);
        let host = json!([{"ProcessType": 1}]);
        let left = "2026-01-02T05:00:00Z";
        let gone = |connections: &Value| {
            seen(&json!({"ActiveConnections": connections,
                "LastGuestDisconnectedEventTime": left}))
            .0
        };
        assert_eq!(gone(&guest), Some(true));
        assert_eq!(gone(&named), Some(true));
        assert_eq!(gone(&host), Some(false));
        // Not in the list of connections, but connected later than disconnected.
        assert_eq!(seen(&json!({"ActiveConnections": []})).0, Some(true));
    }

    #[test]
    fn never_connected_is_no_date() {
        let never = "0001-01-01T00:00:00";
        let (online, last_seen) = seen(&json!({"ActiveConnections": [],
            "LastGuestConnectedEventTime": never, "LastGuestDisconnectedEventTime": never,
            "GuestInfoUpdateTime": never, "LastEventTime": "2026-01-02T09:00:00Z"}));
        assert_eq!((online, last_seen), (Some(false), None));
    }

    #[test]
    fn an_event_of_the_host_is_no_sign_of_life() {
        let late = "2026-01-02T09:00:00Z";
        let away = json!({"ActiveConnections": [], "LastEventTime": late,
            "LastGuestDisconnectedEventTime": "2026-01-02T05:00:00Z"});
        assert_eq!(seen(&away), (Some(false), Some("05:00".into())));
        assert_eq!(seen(&json!({"LastEventTime": late})), (Some(true), Some("09:00".into())));
    }

    #[test]
    fn a_blank_customer_is_nobody() {
        for values in [json!(["", "x"]), json!(["  "]), json!([null]), json!([]), Value::Null] {
            assert_eq!(read(&json!({"CustomPropertyValues": values})).client, None, "{values}");
        }
        let spaced = read(&json!({"CustomPropertyValues": [" Acme  "]}));
        assert_eq!(spaced.client.as_deref(), Some("Acme"));
    }

    #[test]
    fn the_system_is_no_logon() {
        let logon = |user: &str, domain: &str| {
            let guest = json!({"LoggedOnUserName": user, "LoggedOnUserDomain": domain});
            let record = read(&json!({ "GuestInfo": guest }));
            record.logons.first().map(|logon| logon.account.clone())
        };
        assert_eq!(logon("SYSTEM", "NT AUTHORITY"), None);
        assert_eq!(logon("", "ACME"), None);
        assert_eq!(logon("PC-042$", "ACME"), None);
        assert_eq!(logon("jdoe", "").as_deref(), Some("jdoe"));
        assert_eq!(logon("ana@acme.com", "AzureAD").as_deref(), Some("ana@acme.com"));
    }

    #[test]
    fn only_living_sessions_with_unattended_access_are_agents() {
        assert!(is_agent(&session(&json!({}))));
        assert!(is_agent(&session(&json!({"SessionType": "Access"}))));
        assert!(is_agent(&session(&json!({"SessionType": null}))));
        for change in
            [json!({"IsEnded": true}), json!({"SessionType": 0}), json!({"SessionType": "Support"})]
        {
            assert!(!is_agent(&session(&change)), "{change}");
        }
    }

    #[test]
    fn a_place_belongs_to_its_customer() {
        let reading = Reading { site: Some(1), instance: Some("00ff".into()), ..reading() };
        let session = session(&json!({}));
        let record = record(&session, &reading, SESSION);
        assert_eq!(agent(&record).location.as_deref(), Some("Acme/Main"));
        assert!(agent(&record).properties.contains(&("InstanceId".into(), "00ff".into())));
        let site = Owner::of(&session, &reading).unwrap().site_record().unwrap();
        assert_eq!((site.key.as_str(), site.client.as_deref()), ("Acme/Main", Some("Acme")));
    }

    #[test]
    fn what_changes_all_day_is_no_content() {
        let busy = read(&json!({"ActiveConnections": [], "LastEventTime": "2026-02-02T00:00:00Z",
            "GuestInfo": {"LoggedOnUserName": "other", "LastActivityTime": "x"}}));
        assert_eq!(read(&json!({})).hash, busy.hash);
        assert_ne!(busy.hash, read(&json!({"Name": "other"})).hash);
    }
}
