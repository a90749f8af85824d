//! What came of the actions of sessions: by subject, by item, and failures grouped by their cause.

use std::collections::{BTreeMap, BTreeSet};

use core_model::id::SessionId;
use futures::TryStreamExt as _;
use serde::Serialize;
use sqlx::any::AnyRow;

use super::book::Holder;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, limit, list, opt, owned};

/// What came of one action of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionAction {
    /// The session.
    pub session: SessionId,
    /// Its place in the plan, from 0.
    pub number: u32,
    /// The tenant, by its id.
    pub tenant: String,
    /// The subject, by its id.
    pub subject: String,
    /// Its name.
    pub subject_name: String,
    /// The key of the item.
    pub item: String,
    /// What people call the item.
    pub title: String,
    /// The deployment that asks for it, by its id, of a configuration that of its software; none where it is only a
    /// prerequisite.
    pub deployment: Option<String>,
    /// What was to be done and why, in words.
    pub does: String,
    /// What came of it, in a word.
    pub result: String,
    /// Why it failed, in a word.
    pub class: Option<String>,
    /// What came of it, in words.
    pub message: String,
    /// The version of that deployment.
    pub version: Option<String>,
    /// Where it had been compliant before and was found otherwise: why, in a word. `computer`: the computer changed;
    /// `rule`: the rule did; `membership`: another deployment wins; `date`: because a date passed.
    pub drift: Option<String>,
    /// The same in words.
    pub drift_why: Option<String>,
    /// When, Unix microseconds.
    pub at_us: i64,
}

/// What came of an item of a subject before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// In which session.
    pub session: SessionId,
    /// The word for it.
    pub result: String,
    /// By which deployment.
    pub deployment: Option<String>,
    /// Which version of it.
    pub version: Option<String>,
    /// When, Unix microseconds.
    pub at_us: i64,
}

/// Which actions: those for which everything holds that is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct ActionQuery<'a> {
    /// Only of these tenants.
    pub tenants: Option<&'a [String]>,
    /// Only of this tenant.
    pub tenant: Option<&'a str>,
    /// Only of this subject.
    pub subject: Option<&'a str>,
    /// Only of this session.
    pub session: Option<&'a str>,
    /// Only of this item.
    pub item: Option<&'a str>,
    /// Only with this result.
    pub result: Option<&'a str>,
    /// Only those since, Unix microseconds.
    pub since_us: i64,
    /// So many at most.
    pub most: Option<usize>,
}

/// Failures with one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureGroup {
    /// The item, by its key.
    pub item: String,
    /// What people call it.
    pub title: String,
    /// The cause, in a word.
    pub class: String,
    /// The message without what differs from computer to computer.
    pub cause: String,
    /// The newest words of it.
    pub message: String,
    /// How many subjects.
    pub subjects: u64,
    /// The newest session with it.
    pub session: String,
    /// Some of the subjects, those that were seen last first.
    pub examples: Vec<FailureExample>,
    /// When it was seen first, Unix microseconds, on whichever subject.
    pub first_us: i64,
    /// When it was seen last, Unix microseconds.
    pub at_us: i64,
}

/// A subject with a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureExample {
    /// Its id.
    pub subject: String,
    /// Its name.
    pub subject_name: String,
    /// In which session.
    pub session: String,
}

/// Examples that are told of a cause.
const EXAMPLES: usize = 3;

const COLUMNS: &str = "session, number, tenant, subject, subject_name, item, title, deployment, does, \
                       result, class, message, at, version, drift, drift_why";

impl Store {
    /// Keeps what came of the actions of a session, in place of what was kept of it before.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the session is not his any more.
    pub async fn put_session_actions(
        &self,
        holder: &Holder,
        actions: &[SessionAction],
    ) -> Result<()> {
        let mut tx = self.write().await?;
        self.must_have(&mut tx, holder).await?;
        let old = self.sql("delete from session_action where session = $1");
        old.bind(holder.session.to_string()).execute(&mut *tx).await?;
        for one in actions {
            self.sql(
                "insert into session_action (session, number, tenant, subject, subject_name, item, \
                 title, deployment, does, result, class, message, at, version, drift, drift_why, cause) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            )
            .bind(one.session.to_string())
            .bind(i64::from(one.number))
            .bind(owned(&one.tenant))
            .bind(owned(&one.subject))
            .bind(owned(&one.subject_name))
            .bind(owned(&one.item))
            .bind(owned(&one.title))
            .bind(opt(one.deployment.as_deref()))
            .bind(owned(&one.does))
            .bind(owned(&one.result))
            .bind(opt(one.class.as_deref()))
            .bind(owned(&one.message))
            .bind(one.at_us)
            .bind(opt(one.version.as_deref()))
            .bind(opt(one.drift.as_deref()))
            .bind(opt(one.drift_why.as_deref()))
            .bind(opt(one.class.as_ref().map(|_| cause(one)).as_deref()))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// What came of actions, the newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one cannot be read.
    pub async fn session_actions(&self, wanted: ActionQuery<'_>) -> Result<Vec<SessionAction>> {
        let mut select = Select::new(format!("select {COLUMNS} from session_action"));
        narrow(&mut select, &wanted);
        let most = wanted.most.map_or(i64::MAX, limit);
        select.push(" order by at desc, session, number limit {}", [Argument::Int(most)]);
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(action).collect()
    }

    /// What came of an item of a subject last, before this session, where that says how it is.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn action_before(
        &self,
        session: SessionId,
        subject: &str,
        item: &str,
    ) -> Result<Option<Before>> {
        let text = "select session, result, deployment, version, at from session_action \
                    where subject = $1 and item = $2 and session <> $3 \
                    and result in ('compliant', 'failed', 'non_compliant', 'pending', 'held') \
                    order by at desc, session desc limit 1";
        let query = self.sql(text).bind(owned(subject)).bind(owned(item));
        let row = query.bind(session.to_string()).fetch_optional(self.readers()).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Before {
            session: id(&row.text(0)?)?,
            result: row.text(1)?,
            deployment: row.opt_text(2)?,
            version: row.opt_text(3)?,
            at_us: row.int(4)?,
        }))
    }

    /// Failures by item, class and cause, what most subjects have first. Of each subject and item the newest word
    /// counts; when a cause was seen first, older ones say too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn failure_groups(&self, wanted: ActionQuery<'_>) -> Result<Vec<FailureGroup>> {
        let mut select = Select::new(
            "select item, title, class, message, cause, subject, subject_name, session, at, \
             case when exists (select 1 from session_action n where n.subject = a.subject \
             and n.item = a.item and (n.at, n.session) > (a.at, a.session)) then 1 else 0 end \
             from (select * from session_action",
        );
        narrow(&mut select, &wanted);
        select.push(" and class is not null) a order by at desc, session desc, number", []);
        let query = select.query(self.backend());
        let mut rows = query.fetch(self.readers());
        let mut groups = Groups::default();
        while let Some(row) = rows.try_next().await? {
            groups.add(&row)?;
        }
        Ok(groups.sorted(wanted.most.unwrap_or(usize::MAX)))
    }
}

/// Failures by item, class and cause, with who has them.
#[derive(Default)]
struct Groups(BTreeMap<(String, String, String), (FailureGroup, BTreeSet<String>)>);

impl Groups {
    /// Takes one more, none newer than those before.
    fn add(&mut self, row: &AnyRow) -> Result<()> {
        let (item, class, message) = (row.text(0)?, row.text(2)?, row.text(3)?);
        let (subject, subject_name, session) = (row.text(5)?, row.text(6)?, row.text(7)?);
        let cause = row.opt_text(4)?.unwrap_or_else(|| plain(&message, &subject_name));
        let at_us = row.int(8)?;
        let key = (item.clone(), class.clone(), cause.clone());
        let is_older = row.int(9)? == 1;
        let (group, subjects) = self.0.entry(key).or_insert_with(|| {
            let title = row.text(1).unwrap_or_default();
            let session = session.clone();
            let group = FailureGroup {
                item,
                title,
                class,
                cause,
                message,
                subjects: 0,
                session,
                examples: Vec::new(),
                first_us: at_us,
                at_us,
            };
            (group, BTreeSet::new())
        });
        group.first_us = group.first_us.min(at_us);
        if !is_older && subjects.insert(subject.clone()) && group.examples.len() < EXAMPLES {
            group.examples.push(FailureExample { subject, subject_name, session });
        }
        Ok(())
    }

    /// What most subjects have first.
    fn sorted(self, most: usize) -> Vec<FailureGroup> {
        let groups = self.0.into_values().filter(|(_, subjects)| !subjects.is_empty());
        let mut groups: Vec<FailureGroup> = groups
            .map(|(group, subjects)| FailureGroup { subjects: subjects.len() as u64, ..group })
            .collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.subjects));
        groups.truncate(most);
        groups
    }
}

/// What a failure is grouped by.
fn cause(action: &SessionAction) -> String {
    plain(&action.message, &action.subject_name)
}

/// A message without what differs from computer to computer: its name, numbers that are no exit codes, ids, paths
/// of profiles.
fn plain(message: &str, name: &str) -> String {
    let mut text = message.to_owned();
    if name.len() > 2 {
        text = replace_word(&text, name, "…");
    }
    let words = text.split_whitespace().map(|word| if is_own(word) { "…" } else { word });
    let mut plain = words.collect::<Vec<_>>().join(" ");
    let most = plain.char_indices().nth(LONGEST).map_or(plain.len(), |(at, _)| at);
    plain.truncate(most);
    plain
}

/// Characters of a cause.
const LONGEST: usize = 400;

fn replace_word(text: &str, word: &str, by: &str) -> String {
    let (low, word) = (text.to_ascii_lowercase(), word.to_ascii_lowercase());
    let mut out = String::new();
    let mut from = 0;
    while let Some(at) = low[from..].find(&word).map(|at| from + at) {
        let end = at + word.len();
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let whole = !inside(text[..at].chars().next_back()) && !inside(text[end..].chars().next());
        out.push_str(&text[from..at]);
        out.push_str(if whole { by } else { &text[at..end] });
        from = end;
    }
    out.push_str(&text[from..]);
    out
}

/// Whether a word is one computer's own: an id, an address, a time, a path in a profile, a number of many digits.
fn is_own(word: &str) -> bool {
    let inner = word.trim_matches(|c: char| !c.is_alphanumeric());
    let digits = inner.chars().filter(char::is_ascii_digit).count();
    let hex = inner.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let is_id = inner.len() >= 16 && hex && digits > 0;
    let is_time = digits >= 4
        && inner.contains(':')
        && !inner.contains(|c: char| c.is_alphabetic() && c != 'T' && c != 'Z');
    let is_address =
        inner.split('.').count() == 4 && inner.split('.').all(|one| one.parse::<u8>().is_ok());
    let lower = word.to_ascii_lowercase();
    let is_profile =
        lower.contains("\\users\\") || lower.contains("/home/") || lower.contains("\\runs\\");
    is_id || is_time || is_address || is_profile
}

fn narrow(select: &mut Select, wanted: &ActionQuery<'_>) {
    select.push(" where at >= {}", [Argument::Int(wanted.since_us)]);
    if let Some(tenants) = wanted.tenants {
        select.push(" and tenant in list({})", [Argument::Text(list(tenants))]);
    }
    for (condition, value) in [
        (" and tenant = {}", wanted.tenant),
        (" and subject = {}", wanted.subject),
        (" and session = {}", wanted.session),
        (" and item = {}", wanted.item),
        (" and result = {}", wanted.result),
    ] {
        if let Some(value) = value {
            select.push(condition, [Argument::Text(owned(value))]);
        }
    }
}

fn id(text: &str) -> Result<SessionId> {
    text.parse().map_err(|_| Error::corrupt(format!("a session's id: {text}")))
}

fn action(row: &AnyRow) -> Result<SessionAction> {
    Ok(SessionAction {
        session: id(&row.text(0)?)?,
        number: u32::try_from(row.int(1)?)
            .map_err(|_| Error::corrupt("the number of an action"))?,
        tenant: row.text(2)?,
        subject: row.text(3)?,
        subject_name: row.text(4)?,
        item: row.text(5)?,
        title: row.text(6)?,
        deployment: row.opt_text(7)?,
        does: row.text(8)?,
        result: row.text(9)?,
        class: row.opt_text(10)?,
        message: row.text(11)?,
        at_us: row.int(12)?,
        version: row.opt_text(13)?,
        drift: row.opt_text(14)?,
        drift_why: row.opt_text(15)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_the_message_without_what_is_one_computers_own() {
        for (message, cause) in [
            ("failed: exit code 1603 (tried 3 times)", "failed: exit code 1603 (tried 3 times)"),
            ("failed: PC-042 has no room on C:", "failed: … has no room on C:"),
            ("failed: PC-0421 has no room", "failed: PC-0421 has no room"),
            (
                r"failed: C:\Users\ana\x.msi of {5f3a1b2c-0000-4000-8000-00aa00bb00cc} at 10.0.4.17",
                "failed: … of … at …",
            ),
            ("failed: at 2026-11-30T02:15:03Z it was not there", "failed: at … it was not there"),
        ] {
            assert_eq!(plain(message, "pc-042"), cause);
        }
        assert_eq!(plain(&"ä".repeat(900), "x").chars().count(), LONGEST);
        // A name that is in another alphabet's text is found by bytes that are whole.
        assert_eq!(plain("İİ pc-042 ß", "PC-042"), "İİ … ß");
    }
}
