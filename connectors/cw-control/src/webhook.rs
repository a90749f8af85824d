//! What triggers of the server send: that a machine came or went. The body is what the template `{*:json}`
//! makes, the one that has the event and its time.

use chrono::{DateTime, Utc};
use core_connector::{Hint, Hook, Refusal, Secret, Sent, Taken, Webhooks};
use core_model::dates;
use core_model::record::Presence;
use serde::Deserialize;
use uuid::Uuid;

/// Takes what triggers send, by the secret in their URL.
pub(crate) struct Hooks(pub(crate) Secret);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    session: Named,
    event: Event,
    #[serde(default)]
    connection: Connection,
}

#[derive(Debug, Deserialize)]
struct Named {
    #[serde(rename = "SessionID")]
    id: Uuid,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    event_type: String,
    #[serde(default)]
    time: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Connection {
    process_type: Option<String>,
}

impl Webhooks for Hooks {
    fn take(&self, sent: &Sent<'_>) -> Result<Taken, Refusal> {
        let shown = sent.path.trim_start_matches('/');
        if !self.0.is(shown) && !sent.shows(&self.0) {
            return Err(Refusal::Stranger);
        }
        let told: Told = serde_json::from_slice(sent.body).map_err(|error| {
            let why = "it is not what a trigger with the body `{*:json}` sends";
            Refusal::Malformed(format!("{why} ({error})"))
        })?;
        Ok(Taken::Hooks(hook(&told).into_iter().collect()))
    }
}

/// Whether the machine itself came or went; technicians come and go too.
fn hook(told: &Told) -> Option<Hook> {
    let online = match told.event.event_type.as_str() {
        "Connected" => true,
        "Disconnected" => false,
        _ => return None,
    };
    if told.connection.process_type.as_deref().is_some_and(|one| one != "Guest") {
        return None;
    }
    let time = told.event.time.as_deref();
    let last_seen: Option<DateTime<Utc>> =
        time.and_then(|text| dates::instant(text).ok().flatten());
    let agent = told.session.id.to_string();
    // Triggers have no id of their own.
    let id = format!("{agent} {} {}", told.event.event_type, time.unwrap_or("at no time"));
    let presence = Presence { online: Some(online), last_seen };
    Some(Hook { id, hint: Hint::Presence { agent, presence } })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b5e9a1c-6e3f-4a39-9c6c-0d4a3f1b2c3d";

    fn take(path: &str, body: &str) -> Result<Vec<Hook>, Refusal> {
        let body = body.as_bytes();
        let sent = Sent { path, query: "", authorization: None, secret: None, body };
        match Hooks(Secret::new("s3cret")).take(&sent)? {
            Taken::Hooks(hooks) => Ok(hooks),
            Taken::Handshake(text) => panic!("a handshake: {text}"),
        }
    }

    fn body(event: &str, process: &str) -> String {
        format!(
            r#"{{"Session":{{"SessionID":"{ID}","SessionType":"Access"}},
               "Event":{{"EventType":"{event}","Time":"2026-09-25T06:41:08Z"}},
               "Connection":{{"ProcessType":"{process}"}}}}"#
        )
    }

    #[test]
    fn a_machine_that_comes_or_goes_is_told_and_a_technician_is_not() {
        let came = take("/s3cret", &body("Connected", "Guest")).unwrap();
        let presence = Presence {
            online: Some(true),
            last_seen: Some("2026-09-25T06:41:08Z".parse().unwrap()),
        };
        assert_eq!(came[0].hint, Hint::Presence { agent: ID.to_owned(), presence });
        assert_eq!(take("/s3cret", &body("Connected", "Guest")).unwrap(), came);
        let gone = take("/s3cret", &body("Disconnected", "Guest")).unwrap();
        assert_ne!(came[0].id, gone[0].id);
        for (event, process) in [("Connected", "Host"), ("QueuedCommand", "Guest")] {
            assert_eq!(take("/s3cret", &body(event, process)), Ok(Vec::new()));
        }
    }

    #[test]
    fn the_secret_is_the_end_of_the_path() {
        for path in ["", "/", "/wrong", "/s3cret/more"] {
            assert_eq!(take(path, "{}"), Err(Refusal::Stranger), "{path}");
        }
        assert!(matches!(take("/s3cret", "{}"), Err(Refusal::Malformed(_))));
    }
}
