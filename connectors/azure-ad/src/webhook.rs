//! Change notifications of Graph: that something among users or groups changed, and what becomes of the
//! subscriptions themselves. What changed is read by delta.

use chrono::Utc;
use core_connector::{Hint, Hook, Refusal, Secret, Sent, Taken, Webhooks};
use serde::Deserialize;
use url::form_urlencoded;

/// The longest text that Graph may want back; its own has some three hundred characters.
const LONGEST_TOKEN: usize = 2048;

/// Takes what Graph sends, by the `clientState` that it repeats.
pub(crate) struct Hooks(pub(crate) Secret);

#[derive(Debug, Deserialize)]
struct Body {
    value: Vec<Notification>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    subscription_id: String,
    #[serde(default)]
    client_state: Option<String>,
    #[serde(default)]
    lifecycle_event: Option<String>,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    change_type: Option<String>,
    #[serde(default)]
    resource_data: Option<Changed>,
    #[serde(default)]
    subscription_expiration_date_time: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Changed {
    id: Option<String>,
    event_time: Option<String>,
    sequence_number: Option<i64>,
}

impl Webhooks for Hooks {
    fn take(&self, sent: &Sent<'_>) -> Result<Taken, Refusal> {
        let mut query = form_urlencoded::parse(sent.query.as_bytes());
        if let Some((_, token)) = query.find(|(name, _)| name == "validationToken") {
            // Graph asks before there is any subscription, and knows no secret yet.
            return match token.len() <= LONGEST_TOKEN {
                true => Ok(Taken::Handshake(token.into_owned())),
                false => Err(Refusal::Stranger),
            };
        }
        let body: Body = serde_json::from_slice(sent.body).map_err(|error| {
            Refusal::Malformed(format!("it is no notification of Graph's ({error})"))
        })?;
        // A wrong state is answered as a right one is, or somebody could try them out.
        let is_known =
            |one: &Notification| one.client_state.as_deref().is_some_and(|state| self.0.is(state));
        let known = body.value.into_iter().filter(is_known);
        let now_s = Utc::now().timestamp();
        Ok(Taken::Hooks(known.filter_map(|one| hook(one, now_s)).collect()))
    }
}

/// What a notification tells that arrived at a time (Unix seconds).
fn hook(one: Notification, now_s: i64) -> Option<Hook> {
    let subscription = one.subscription_id;
    if let Some(event) = one.lifecycle_event {
        let until = one.subscription_expiration_date_time.unwrap_or_default();
        // Of two that were missed between two renewals all is the same but when each was told. One that
        // Graph sends again is looked at again, which finds nothing new.
        let at = if event == "missed" { format!(" {now_s}") } else { String::new() };
        let id = format!("{subscription} {event} {until}{at}");
        return Some(Hook { id, hint: Hint::Subscription(subscription) });
    }
    let resource = one.resource?.to_ascii_lowercase();
    let stream = match resource.split('/').next()? {
        "users" => "users",
        "groups" => "groups",
        _ => return None,
    };
    let data = one.resource_data.unwrap_or_default();
    let number = data.sequence_number.map(|number| number.to_string());
    let parts = [Some(subscription), one.change_type, data.id, data.event_time, number];
    let id = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Some(Hook { id, hint: Hint::Stream(stream.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(query: &str, body: &str) -> Result<Taken, Refusal> {
        let body = body.as_bytes();
        let sent = Sent { path: "", query, authorization: None, secret: None, body };
        Hooks(Secret::new("s3cret")).take(&sent)
    }

    fn change(state: &str, resource: &str) -> String {
        format!(
            r#"{{"subscriptionId":"sub","clientState":"{state}","changeType":"updated",
               "resource":"{resource}","tenantId":"t","resourceData":{{"id":"u1",
               "eventTime":"2026-09-25T06:41:08Z","sequenceNumber":5}}}}"#
        )
    }

    #[test]
    fn graph_gets_its_token_back_decoded() {
        let asked = take("validationToken=Validation%3A+Testing%20client", "");
        assert_eq!(asked, Ok(Taken::Handshake("Validation: Testing client".into())));
        let long = format!("validationToken={}", "x".repeat(LONGEST_TOKEN + 1));
        assert_eq!(take(&long, ""), Err(Refusal::Stranger));
    }

    #[test]
    fn one_delivery_may_mix_streams_and_strangers() {
        let lifecycle = r#"{"subscriptionId":"sub","clientState":"s3cret",
            "lifecycleEvent":"reauthorizationRequired",
            "subscriptionExpirationDateTime":"2026-12-20T11:00:00Z"}"#;
        let parts = [
            change("s3cret", "Users/u1"),
            change("wrong", "Users/u1"),
            change("s3cret", "groups/g1/members"),
            change("s3cret", "devices/d1"),
            lifecycle.to_owned(),
        ];
        let Ok(Taken::Hooks(hooks)) = take("", &format!(r#"{{"value":[{}]}}"#, parts.join(",")))
        else {
            panic!("no hooks")
        };
        let hints: Vec<Hint> = hooks.iter().map(|hook| hook.hint.clone()).collect();
        let stream = |name: &str| Hint::Stream(name.to_owned());
        let expected = [stream("users"), stream("groups"), Hint::Subscription("sub".to_owned())];
        assert_eq!(hints, expected);
        assert_eq!(hooks[0].id, "sub updated u1 2026-09-25T06:41:08Z 5");
    }

    #[test]
    fn what_was_missed_twice_between_two_renewals_is_told_twice() {
        let id = |event: &str, now_s| {
            let one = serde_json::json!({
                "subscriptionId": "sub", "clientState": "s3cret", "lifecycleEvent": event,
                "subscriptionExpirationDateTime": "2026-12-20T11:00:00Z",
            });
            hook(serde_json::from_value(one).unwrap(), now_s).unwrap().id
        };
        assert_ne!(id("missed", 1_000), id("missed", 1_060));
        assert_eq!(id("missed", 1_000), id("missed", 1_000), "within one delivery");
        for event in ["reauthorizationRequired", "subscriptionRemoved"] {
            assert_eq!(id(event, 1_000), id(event, 1_060), "{event} is so until it is renewed");
        }
    }

    #[test]
    fn what_is_no_notification_is_malformed() {
        for body in ["", "{}", "[]", r#"{"value":[{}]}"#] {
            assert!(matches!(take("", body), Err(Refusal::Malformed(_))), "{body}");
        }
    }
}
