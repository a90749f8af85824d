//! What Halo's webhooks tell: that something happened to a ticket. The payloads differ by what the admin
//! chose (small object, full object, event only); every one has `id`, `event` and `object_id`, and none is
//! relied on for more: the ticket is read.

use core_connector::{Hint, Hook, Refusal, Secret, Sent, Taken, Webhooks};
use serde::Deserialize;

use crate::wire;

/// Takes what Halo sends, by the secret that it shows.
pub(crate) struct Hooks(pub(crate) Secret);

/// A delivery.
#[derive(Debug, Deserialize)]
struct Delivery {
    id: String,
    #[serde(default)]
    event: Option<String>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    object_id: Option<i64>,
    #[serde(default)]
    ticket: Option<Ticket>,
}

#[derive(Debug, Deserialize)]
struct Ticket {
    #[serde(default, deserialize_with = "wire::maybe_id")]
    id: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Body {
    One(Box<Delivery>),
    /// Where the admin lets Halo batch; the shape is not published, and a list is what others got.
    Many(Vec<Delivery>),
}

impl Webhooks for Hooks {
    fn take(&self, sent: &Sent<'_>) -> Result<Taken, Refusal> {
        if !sent.shows(&self.0) {
            return Err(Refusal::Stranger);
        }
        let body: Body = serde_json::from_slice(sent.body).map_err(|error| {
            let why = "it is no delivery of Halo's: an object with `id`, `event` and `object_id`";
            Refusal::Malformed(format!("{why} ({error})"))
        })?;
        let deliveries = match body {
            Body::One(delivery) => vec![*delivery],
            Body::Many(deliveries) => deliveries,
        };
        Ok(Taken::Hooks(deliveries.into_iter().filter_map(hook).collect()))
    }
}

/// The ticket that a delivery is about. Events of other objects say so in their words alone.
fn hook(delivery: Delivery) -> Option<Hook> {
    let id = wire::text(Some(&delivery.id))?;
    let of_ticket = delivery.ticket.as_ref().and_then(|ticket| ticket.id);
    let event = delivery.event.unwrap_or_default().to_lowercase();
    let is_ticket = event.contains("ticket") || event.contains("action");
    let key = of_ticket.or_else(|| delivery.object_id.filter(|_| is_ticket));
    Some(Hook { id, hint: Hint::Ticket(wire::key(key)?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was seen on the wire: seven digits of a second, a ticket beside the event.
    const SEEN: &str = r#"{"id":"0b5e9a1c-6e3f-4a39-9c6c-0d4a3f1b2c3d","webhook_id":"w","notification_id":41,
        "event":"ticket status changed","message":"The status has been changed for Ticket ID: 0004242.",
        "object_id":4242,"agent_id":3,"timestamp":"2026-09-25T06:41:08.7895915Z",
        "ticket":{"id":4242,"summary":"Reader","status_id":9,"client_id":1,"hasbeenclosed":true}}"#;

    fn take(body: &str) -> Result<Taken, Refusal> {
        let hooks = Hooks(Secret::new("s3cret"));
        hooks.take(&Sent {
            path: "",
            query: "",
            authorization: Some("Bearer s3cret"),
            secret: None,
            body: body.as_bytes(),
        })
    }

    fn tickets(body: &str) -> Vec<String> {
        match take(body).unwrap() {
            Taken::Hooks(hooks) => {
                hooks.into_iter().map(|hook| format!("{:?}", hook.hint)).collect()
            }
            Taken::Handshake(_) => panic!("a handshake"),
        }
    }

    #[test]
    fn every_payload_that_can_be_chosen_names_its_ticket() {
        assert_eq!(tickets(SEEN), [r#"Ticket("4242")"#]);
        let event_only = r#"{"id":"a","event":"new ticket logged","object_id":7.0}"#;
        assert_eq!(tickets(event_only), [r#"Ticket("7")"#]);
        let both = format!("[{SEEN},{event_only}]");
        assert_eq!(tickets(&both), [r#"Ticket("4242")"#, r#"Ticket("7")"#]);
    }

    #[test]
    fn events_of_other_objects_are_taken_and_tell_nothing() {
        assert!(tickets(r#"{"id":"a","event":"asset updated","object_id":7}"#).is_empty());
        assert!(tickets(r#"{"id":"a","event":"new ticket logged","object_id":0}"#).is_empty());
        assert!(tickets(r#"{"id":" ","event":"new ticket logged","object_id":7}"#).is_empty());
    }

    #[test]
    fn what_is_no_delivery_is_malformed_and_a_stranger_hears_nothing() {
        for body in ["", "null", "<html>", r#"{"event":"new ticket logged"}"#, "[1]"] {
            assert!(matches!(take(body), Err(Refusal::Malformed(_))), "{body}");
        }
        let sent = Sent { path: "", query: "", authorization: None, secret: None, body: b"<" };
        assert_eq!(Hooks(Secret::new("s3cret")).take(&sent), Err(Refusal::Stranger));
    }
}
