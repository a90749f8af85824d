//! What systems tell by themselves: how many subscriptions there are, and why one is not.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use core_store::SubscriptionRow;
use serde::{Deserialize, Serialize};

use crate::commands::text;

/// The subscriptions of a connection.
#[derive(Serialize, Deserialize)]
pub(in crate::commands) struct SubscriptionStanding {
    /// Those that are there.
    pub(in crate::commands) live: usize,
    /// When the first of them ends, if nobody renews it.
    pub(in crate::commands) ends: Option<DateTime<Utc>>,
    /// What is not told, and why.
    pub(in crate::commands) failures: Vec<SubscriptionProblem>,
}

/// Why something is not told, wherever that is so.
#[derive(Serialize, Deserialize)]
pub(in crate::commands) struct SubscriptionProblem {
    /// The streams that it is about; none where it is about all.
    pub(in crate::commands) topics: Vec<String>,
    /// The parts of the system, as people call them.
    pub(in crate::commands) scopes: Vec<String>,
    /// The same by their keys.
    #[serde(skip)]
    pub(in crate::commands) keys: Vec<String>,
    pub(in crate::commands) since: DateTime<Utc>,
    pub(in crate::commands) error_kind: String,
    pub(in crate::commands) error: String,
    pub(in crate::commands) remedy: String,
}

/// Those of a connection, if it ever wanted any.
pub(super) fn of(
    rows: &[SubscriptionRow],
    connection: &str,
    now: DateTime<Utc>,
) -> Option<SubscriptionStanding> {
    let ours: Vec<&SubscriptionRow> =
        rows.iter().filter(|row| row.connection == connection).collect();
    if ours.is_empty() {
        return None;
    }
    let ends = ours.iter().filter(|row| row.id.is_some()).filter_map(|row| row.ends_us);
    let live: Vec<i64> = ends.filter(|ends| *ends > now.timestamp_micros()).collect();
    let mut failures: BTreeMap<(&str, &str), SubscriptionProblem> = BTreeMap::new();
    for row in ours {
        let Some(failure) = &row.failure else { continue };
        let since = text::instant(failure.since_us);
        let key = (failure.error.as_str(), failure.remedy.as_str());
        let problem = failures.entry(key).or_insert_with(|| SubscriptionProblem {
            topics: Vec::new(),
            scopes: Vec::new(),
            keys: Vec::new(),
            since,
            error_kind: failure.kind.clone(),
            error: failure.error.clone(),
            remedy: failure.remedy.clone(),
        });
        problem.since = problem.since.min(since);
        add(&mut problem.topics, &row.topic);
        add(&mut problem.keys, &row.scope);
        add(
            &mut problem.scopes,
            if row.scope_name.is_empty() { &row.scope } else { &row.scope_name },
        );
    }
    Some(SubscriptionStanding {
        live: live.len(),
        ends: live.into_iter().min().map(text::instant),
        failures: failures.into_values().collect(),
    })
}

fn add(names: &mut Vec<String>, name: &str) {
    if !name.is_empty() && !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

impl SubscriptionProblem {
    /// `changes of users, groups in Contoso, Fabrikam and 3 more`.
    pub(in crate::commands) fn about(&self) -> String {
        let of = match self.topics.as_slice() {
            [] => String::new(),
            topics => format!(" of {}", topics.join(", ")),
        };
        let named: Vec<&str> = self.scopes.iter().take(super::NAMED).map(String::as_str).collect();
        let more = self.scopes.len().saturating_sub(named.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        match named.is_empty() {
            true => format!("changes{of}"),
            false => format!("changes{of} in {}{more}", named.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use core_store::SubscriptionFailure;

    use super::*;

    fn row(scope: &str, topic: &str, error: Option<&str>) -> SubscriptionRow {
        let failure = error.map(|error| SubscriptionFailure {
            since_us: 1_000_000,
            kind: "forbidden".to_owned(),
            error: error.to_owned(),
            remedy: "grant it".to_owned(),
        });
        SubscriptionRow {
            connection: "entra".to_owned(),
            scope: scope.to_owned(),
            scope_name: scope.to_uppercase(),
            topic: topic.to_owned(),
            id: error.is_none().then(|| format!("{scope}-{topic}")),
            ends_us: error.is_none().then_some(9_000_000),
            failure,
            ..SubscriptionRow::default()
        }
    }

    #[test]
    fn the_same_failure_in_many_places_is_told_once() {
        let mut rows: Vec<SubscriptionRow> =
            (1..=6).map(|n| row(&format!("d{n}"), "groups", Some("refused"))).collect();
        rows.extend([row("d1", "users", None), row("d2", "users", None)]);
        let now = text::instant(5_000_000);
        let standing = of(&rows, "entra", now).unwrap();
        assert_eq!((standing.live, standing.ends), (2, Some(text::instant(9_000_000))));
        let [failure] = standing.failures.as_slice() else { panic!("not one") };
        assert_eq!(failure.about(), "changes of groups in D1, D2, D3, D4 and 2 more");
        assert!(of(&rows, "other", now).is_none());
        assert_eq!(of(&rows, "entra", text::instant(9_000_000)).unwrap().live, 0, "they are over");
    }
}
