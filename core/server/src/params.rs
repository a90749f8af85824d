//! What stands behind the question mark.

use axum::extract::Query;
use axum::http::Uri;

use crate::problem::{Problem, shown};

/// How much is answered at once, at most.
pub(crate) const MOST: usize = 500;
/// How much is answered at once where nobody says.
pub(crate) const USUAL: usize = 100;

/// Parameters by name, each once and each known.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Those of an address.
    pub(crate) fn of(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let Ok(Query(params)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
            return Err(Problem::wrong(
                "the parameters cannot be read",
                "write them as `name=value`, joined by `&` and percent-encoded",
            ));
        };
        for (place, (name, _)) in params.iter().enumerate() {
            let name = shown(name);
            if !known.contains(&name.as_str()) {
                let takes = match known {
                    [] => "this path takes none".to_owned(),
                    known => format!("this path takes {}", known.join(", ")),
                };
                return Err(Problem::wrong(format!("there is no parameter `{name}`"), takes));
            }
            if params.iter().skip(place + 1).any(|(other, _)| *other == name) {
                let what = format!("the parameter `{name}` is there twice");
                return Err(Problem::wrong(what, "give it once"));
            }
        }
        Ok(Self(params))
    }

    /// The value of one; an empty one is none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// How much is asked for at once.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.get("limit") else { return Ok(USUAL) };
        text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
            Problem::wrong(
                format!("`limit` is `{}`", shown(text)),
                format!("give a number from 1 to {MOST}"),
            )
        })
    }

    /// Whether something is asked for by `true`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(text) => {
                let what = format!("`{name}` is `{}`", shown(text));
                Err(Problem::wrong(what, "give true or false"))
            }
        }
    }

    /// After which event is asked.
    pub(crate) fn since(&self) -> Result<Option<i64>, Problem> {
        self.get("since").map(|text| sequence("since", text)).transpose()
    }
}

/// The number of an event.
pub(crate) fn sequence(name: &str, text: &str) -> Result<i64, Problem> {
    text.parse().ok().filter(|number: &i64| *number >= 0).ok_or_else(|| {
        Problem::wrong(
            format!("`{name}` is `{}`", shown(text)),
            "give the number of the last event that was read, or 0 for all of them",
        )
    })
}
