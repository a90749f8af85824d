//! Two sessions side by side: what each was made of, what it planned, what came of it, and what differs.

use std::collections::{BTreeMap, BTreeSet};

use core_model::id::SessionId;
use core_model::session::{Session, SessionState};
use serde::Serialize;
use serde_json::Value;

use super::{ActionQuery, SessionAction, read};
use crate::error::Result;
use crate::open::Store;
use crate::sql::owned;

/// One of the two.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub subject_name: String,
    /// What it was to do.
    pub title: String,
    /// Who asked.
    pub asked_by: String,
    /// Where it stands.
    pub state: SessionState,
    /// The last word about it.
    pub word: String,
    /// When it was asked for, Unix microseconds.
    pub asked_us: i64,
    /// The digest of what its plan was made of; none where there is no plan, or not any more.
    pub digest: Option<String>,
}

/// What one of the two says of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// What was found.
    pub found: Option<Value>,
    /// What was to be done and why, in words.
    pub does: Option<String>,
    /// What came of it, in a word.
    pub result: Option<String>,
    /// The same in words.
    pub message: Option<String>,
}

/// An item of one of the two, or of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ComparedItem {
    /// Its key.
    pub item: String,
    /// What people call it.
    pub title: String,
    /// The inputs that differ, by their names: `deployment reader`, `what was found of Reader`. None where a plan is
    /// not there.
    pub inputs: Vec<String>,
    /// What the first says.
    pub one: Option<Side>,
    /// What the second says.
    pub other: Option<Side>,
    /// Whether anything differs.
    pub differs: bool,
}

/// Two sessions side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The first.
    pub one: Compared,
    /// The second.
    pub other: Compared,
    /// What they were about, what differs first.
    pub items: Vec<ComparedItem>,
    /// How many items differ.
    pub differing: usize,
}

/// What is read of one of them.
struct Read {
    compared: Compared,
    /// The actions of its plan, by key.
    planned: BTreeMap<String, Value>,
    /// What came of them, by key.
    ended: BTreeMap<String, SessionAction>,
}

impl Store {
    /// The session of the same subject that was asked for before this one, and is over; none where there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session_before(&self, session: &Session) -> Result<Option<Session>> {
        let text = "select change_seq, document, until from session \
                    where subject = $1 and (asked, id) < ($2, $3) \
                    and state in ('succeeded', 'failed') order by asked desc, id desc limit 1";
        let query = self.sql(text).bind(session.subject.to_string()).bind(session.asked_us);
        let row = query.bind(owned(&session.id.to_string())).fetch_optional(self.readers()).await?;
        Ok(row.as_ref().map(read).transpose()?.map(|(_, session)| session))
    }

    /// Two sessions side by side.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn compare_sessions(&self, one: &Session, other: &Session) -> Result<Comparison> {
        let (one, other) = (self.side(one).await?, self.side(other).await?);
        let keys: BTreeSet<&String> = [&one, &other]
            .into_iter()
            .flat_map(|side| side.planned.keys().chain(side.ended.keys()))
            .collect();
        let mut items: Vec<ComparedItem> =
            keys.into_iter().map(|key| compared(key, &one, &other)).collect();
        items.sort_by_key(|item| (!item.differs, item.title.to_lowercase()));
        let differing = items.iter().filter(|item| item.differs).count();
        Ok(Comparison { one: one.compared, other: other.compared, items, differing })
    }

    async fn side(&self, session: &Session) -> Result<Read> {
        let id = session.id.to_string();
        let plan = self.session_plan(session.id).await?;
        let plan: Value =
            plan.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let actions = plan["actions"].as_array().cloned().unwrap_or_default();
        let planned = actions.into_iter().filter_map(|action| {
            let key = action["key"].as_str()?.to_owned();
            Some((key, action))
        });
        let query = ActionQuery { session: Some(&id), ..ActionQuery::default() };
        let ended = self.session_actions(query).await?.into_iter();
        Ok(Read {
            compared: Compared {
                id: session.id,
                subject_name: session.subject_name.clone(),
                title: session.title.clone(),
                asked_by: session.asked_by.clone(),
                state: session.state,
                word: session.word.clone(),
                asked_us: session.asked_us,
                digest: plan["digest"].as_str().map(str::to_owned),
            },
            planned: planned.collect(),
            ended: ended.map(|action| (action.item.clone(), action)).collect(),
        })
    }
}

impl Read {
    fn of(&self, key: &str) -> Option<Side> {
        let (planned, ended) = (self.planned.get(key), self.ended.get(key));
        if planned.is_none() && ended.is_none() {
            return None;
        }
        let found = planned.and_then(|action| action.get("found").cloned());
        Some(Side {
            found: found.filter(|found| !found.is_null()),
            does: ended.map(|action| action.does.clone()),
            result: ended.map(|action| action.result.clone()),
            message: ended.map(|action| action.message.clone()),
        })
    }

    fn title(&self, key: &str) -> Option<String> {
        let planned = self.planned.get(key).and_then(|action| action["title"].as_str());
        planned.map(str::to_owned).or_else(|| self.ended.get(key).map(|one| one.title.clone()))
    }

    fn inputs(&self, key: &str) -> Option<BTreeMap<String, Value>> {
        let inputs = self.planned.get(key)?.get("inputs")?.as_object()?.clone();
        Some(inputs.into_iter().collect())
    }
}

fn compared(key: &str, one: &Read, other: &Read) -> ComparedItem {
    let inputs = match (one.inputs(key), other.inputs(key)) {
        (Some(old), Some(new)) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let differ = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
            differ.cloned().collect()
        }
        _ => Vec::new(),
    };
    let (first, second) = (one.of(key), other.of(key));
    let title = one.title(key).or_else(|| other.title(key)).unwrap_or_default();
    let differs = first != second || !inputs.is_empty();
    ComparedItem { item: key.to_owned(), title, inputs, one: first, other: second, differs }
}
