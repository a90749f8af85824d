//! The log of events, as far as it is the caller's: `GET /v1/changes`.

use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chrono::{DateTime, SecondsFormat};
use core_model::entity::EntityKind;
use core_model::event::Event;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Api;
use crate::access::{Caller, Scope};
use crate::answer::tagged;
use crate::params::Params;
use crate::problem::Problem;

/// Parameters.
pub(crate) const CHANGES: &[&str] = &["since", "limit", "tenant"];

/// Events that are read from the store at once, at least: few are asked for, many may be others'.
const BATCH: usize = 100;
/// Events that are looked at for one answer: those of other tenants count too.
const LOOKED_AT: usize = 5000;

/// An event as it is told.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    pub(crate) sequence: i64,
    at: String,
    entity: EntityKind,
    id: String,
    tenant: Option<String>,
    change: &'static str,
    cause: String,
    before: Option<Box<RawValue>>,
    after: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Changes {
    items: Vec<Told>,
    /// After which to go on.
    next: i64,
    /// The newest number there is.
    last: i64,
}

impl Api {
    /// What changed.
    pub(crate) async fn changes(
        &self,
        caller: &Caller,
        (uri, headers): (&Uri, &HeaderMap),
    ) -> Result<Response, Problem> {
        let params = Params::of(uri, CHANGES)?;
        let limit = params.limit()?;
        let scope = self.scope(caller, params.get("tenant")).await?;
        let mut next = params.since()?.unwrap_or_default();
        self.must_exist(next).await?;
        let batch = limit.max(BATCH);
        let mut items = Vec::new();
        let mut looked_at = 0;
        'batches: while looked_at < LOOKED_AT {
            let events = self.store.events(next, batch).await?;
            let is_end = events.len() < batch;
            looked_at += events.len();
            for event in events {
                if items.len() == limit {
                    break 'batches;
                }
                next = event.sequence;
                items.extend(told(event, &scope)?);
            }
            if is_end || items.len() == limit {
                break;
            }
        }
        let last = self.store.last_event_seq().await?.max(next);
        tagged(headers, &Changes { items, next, last })
    }

    /// Refuses a number that no event has yet: it is one of another log.
    pub(crate) async fn must_exist(&self, sequence: i64) -> Result<(), Problem> {
        let last = self.store.last_event_seq().await?;
        if sequence <= last {
            return Ok(());
        }
        Err(Problem::gone(
            format!("there is no event {sequence}: the newest is {last}"),
            "the hub's database may be another one, or an older copy: read everything anew, and \
             go on after its last number",
        ))
    }
}

/// What of an event is to be seen. What comes into the scope is new there, and what leaves it is gone
/// from there: of what it was or is elsewhere nothing is told.
pub(crate) fn told(event: Event, scope: &Scope) -> Result<Option<Told>, Problem> {
    let Event { sequence, at_us, entity, id, tenant, before, after, cause } = event;
    let (mut tenant, mut before, mut after) = (tenant, before, after);
    if *scope != Scope::All {
        let was = before.as_deref().map(|before| tenant_of(entity, before)).transpose()?.flatten();
        if !scope.sees(tenant.as_deref()) {
            after = None;
            tenant.clone_from(&was);
        }
        before = before.filter(|_| scope.sees(was.as_deref()));
    }
    let change = match (&before, &after) {
        (None, None) => return Ok(None),
        (None, Some(_)) => "created",
        (Some(_), Some(_)) => "changed",
        (Some(_), None) => "removed",
    };
    Ok(Some(Told {
        sequence,
        at: instant(at_us),
        entity,
        id,
        tenant,
        change,
        cause,
        before: before.map(RawValue::from_string).transpose()?,
        after: after.map(RawValue::from_string).transpose()?,
    }))
}

/// A time (Unix microseconds) as answers have it.
pub(crate) fn instant(at_us: i64) -> String {
    let at = DateTime::from_timestamp_micros(at_us).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The tenant that a document is of.
fn tenant_of(entity: EntityKind, document: &str) -> Result<Option<String>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Of {
        id: String,
        tenant: Option<String>,
    }
    let of: Of = serde_json::from_str(document)?;
    Ok(if entity == EntityKind::Tenant { Some(of.id) } else { of.tenant })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(tenant: &str, before: Option<&str>, after: Option<&str>) -> Event {
        let document = |tenant: &str| format!("{{\"id\":\"c\",\"tenant\":\"{tenant}\"}}");
        Event {
            sequence: 7,
            at_us: 0,
            entity: EntityKind::Computer,
            id: "c".to_owned(),
            tenant: Some(tenant.to_owned()),
            before: before.map(document),
            after: after.map(document),
            cause: "run".to_owned(),
        }
    }

    #[test]
    fn what_moves_between_tenants_leaves_one_and_comes_to_the_other() {
        let seen = |scope: &[&str], event| {
            let scope = Scope::Of(scope.iter().map(|&tenant| tenant.to_owned()).collect());
            let told = told(event, &scope).unwrap()?;
            Some((told.change, told.tenant?, told.before.is_some(), told.after.is_some()))
        };
        let moved = || event("b", Some("a"), Some("b"));
        assert_eq!(seen(&["a"], moved()), Some(("removed", "a".to_owned(), true, false)));
        assert_eq!(seen(&["b"], moved()), Some(("created", "b".to_owned(), false, true)));
        assert_eq!(seen(&["a", "b"], moved()), Some(("changed", "b".to_owned(), true, true)));
        assert_eq!(seen(&["c"], moved()), None);
        assert_eq!(seen(&[], moved()), None);
        let removed = || event("a", Some("a"), None);
        assert_eq!(seen(&["a"], removed()), Some(("removed", "a".to_owned(), true, false)));
        assert_eq!(seen(&["b"], removed()), None);
    }
}
