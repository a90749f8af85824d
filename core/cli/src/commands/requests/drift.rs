//! How a change of winners differs from what it was when it was kept: which winners it changes now
//! and did not then, and the other way round. Names do not matter, only who and what.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::stored::{list, named, words};
use crate::commands::text;
use crate::output;

/// Changes that are printed.
const SHOWN: usize = 20;

/// One subject's change of one item, told apart by ids and states.
type Key = [String; 8];

/// What is otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Drift {
    /// Changes that came.
    came: Vec<Part>,
    /// Changes that are not there any more.
    went: Vec<Part>,
}

/// The same change, of some.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    item: Value,
    before: Value,
    after: Value,
    subjects: Vec<Value>,
}

impl Drift {
    /// What differs between two previews, as they are written for machines.
    pub(crate) fn between(then: &Value, now: &Value) -> Self {
        let (old, new) = (pairs(then), pairs(now));
        let not_in = |one: &BTreeMap<Key, Pair<'_>>, other: &BTreeMap<Key, Pair<'_>>| {
            parts(one.iter().filter(|(key, _)| !other.contains_key(*key)))
        };
        Self { came: not_in(&new, &old), went: not_in(&old, &new) }
    }

    /// Whether nothing is otherwise.
    pub(crate) fn is_none(&self) -> bool {
        self.came.is_empty() && self.went.is_empty()
    }

    /// For machines.
    pub(crate) fn as_json(&self) -> Value {
        let part = |part: &Part| {
            json!({
                "item": part.item,
                "before": part.before,
                "after": part.after,
                "subjects": part.subjects,
            })
        };
        json!({
            "came": self.came.iter().map(part).collect::<Vec<_>>(),
            "went": self.went.iter().map(part).collect::<Vec<_>>(),
        })
    }

    /// For people.
    pub(crate) fn print(&self) {
        for (sign, parts) in [('+', &self.came), ('−', &self.went)] {
            for part in parts.iter().take(SHOWN) {
                let what = words(&part.item, &part.before, &part.after);
                text::indented(2, &format!("{sign} {what}"));
                text::indented(6, &named(part.subjects.iter()));
            }
            if parts.len() > SHOWN {
                output::line(&format!("  and {} more; --json lists all", parts.len() - SHOWN));
            }
        }
    }
}

/// A change, and one whom it is of.
type Pair<'v> = (&'v Value, &'v Value);

fn pairs(preview: &Value) -> BTreeMap<Key, Pair<'_>> {
    let mut pairs = BTreeMap::new();
    for shift in list(preview, "shifts") {
        let text = |value: &Value| value.to_string();
        let [before, after] = [&shift["before"], &shift["after"]].map(|side| {
            [text(&side["slot"]), text(&side["deployment"]["id"]), text(&side["state"])]
        });
        let item = text(&shift["item"]["id"]) + &text(&shift["item"]["instance"]);
        for subject in list(shift, "subjects") {
            let ([a, b, c], [d, e, f]) = (before.clone(), after.clone());
            let key = [item.clone(), a, b, c, d, e, f, text(&subject["id"])];
            pairs.insert(key, (shift, subject));
        }
    }
    pairs
}

/// The pairs, those of one change together.
fn parts<'v>(pairs: impl Iterator<Item = (&'v Key, &'v Pair<'v>)>) -> Vec<Part> {
    let mut parts: Vec<(&[String], Part)> = Vec::new();
    for (key, (shift, subject)) in pairs {
        let change = key.get(..7).unwrap_or_default();
        match parts.last_mut() {
            Some((last, part)) if *last == change => part.subjects.push((*subject).clone()),
            _ => {
                let side = |name: &str| shift[name].clone();
                let (item, before, after) = (side("item"), side("before"), side("after"));
                let subjects = vec![(*subject).clone()];
                parts.push((change, Part { item, before, after, subjects }));
            }
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview(deployment: &str, state: &str, computers: &[&str]) -> Value {
        let subjects: Vec<Value> = computers
            .iter()
            .map(|name| json!({ "kind": "computer", "id": name, "name": format!("PC {name}") }))
            .collect();
        json!({ "event": computers.len(), "shifts": [{
            "item": { "id": "sft_1", "name": "reader", "title": "Reader", "instance": null },
            "before": { "slot": "nobody", "deployment": null, "state": null },
            "after": { "slot": "won", "deployment": { "id": deployment, "name": "d" }, "state": state },
            "uninstalls": false,
            "subjects": subjects,
        }] })
    }

    fn told(drift: &Drift) -> Vec<String> {
        let part = |sign: char, part: &Part| {
            let what = words(&part.item, &part.before, &part.after);
            format!("{sign} {what}; {}", named(part.subjects.iter()))
        };
        let came = drift.came.iter().map(|one| part('+', one));
        came.chain(drift.went.iter().map(|one| part('-', one))).collect()
    }

    #[test]
    fn p19_the_same_change_of_the_same_winners_is_no_drift_whatever_they_are_called_now() {
        let then = preview("a", "latest", &["1", "2"]);
        let mut now = preview("a", "latest", &["2", "1"]);
        now["shifts"][0]["subjects"][0]["name"] = "renamed".into();
        now["shifts"][0]["after"]["deployment"]["name"] = "renamed".into();
        now["event"] = 99.into();
        assert!(Drift::between(&then, &now).is_none());
    }

    #[test]
    fn p19_whoever_came_or_went_is_told_with_the_change() {
        let then = preview("a", "latest", &["1", "2", "3"]);
        let drift = Drift::between(&then, &preview("a", "latest", &["2", "4", "5"]));
        assert_eq!(
            told(&drift),
            [
                "+ Reader: nobody → d (latest); 2 computers: PC 4, PC 5",
                "- Reader: nobody → d (latest); 2 computers: PC 1, PC 3",
            ]
        );
        let other = Drift::between(&then, &preview("a", "absent", &["1", "2", "3"]));
        assert_eq!(told(&other).len(), 2);
        assert!(!Drift::between(&then, &preview("b", "latest", &["1", "2", "3"])).is_none());
        assert!(Drift::between(&then, &json!({})).came.is_empty());
    }
}
