//! What people are told of sessions by mail: each thing once, whoever sends it and however often a session is
//! put back. It is noted before it is sent, claimed by one who sends it, and ended. What a dead process had
//! claimed may have been sent: it is not sent again.

use core_model::id::{ComputerId, PersonId, SessionId, TenantId};
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::key::NotificationKey;
use crate::open::Store;
use crate::sql::{Columns, count, limit, opt, owned};

/// What is told of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotificationKind {
    /// What will be done.
    Before,
    /// What was done.
    After,
}

impl NotificationKind {
    /// The word in the store and the answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Before, Self::After].into_iter().find(|one| one.as_str() == text)
    }
}

/// Where a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotificationState {
    /// It is to be sent.
    Due,
    /// Somebody is at it.
    Sending,
    /// A server took it.
    Sent,
    /// There is nobody to be told.
    Nobody,
    /// It could not be sent in time, and is not any more.
    Late,
    /// It may have been sent: whoever was at it was not heard of any more, or the server did not answer. It is
    /// not sent again.
    Unsure,
    /// It was tried often enough.
    Failed,
}

impl NotificationState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Due,
        Self::Sending,
        Self::Sent,
        Self::Nobody,
        Self::Late,
        Self::Unsure,
        Self::Failed,
    ];

    /// The word in the store and the answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Nobody => "nobody",
            Self::Late => "late",
            Self::Unsure => "unsure",
            Self::Failed => "failed",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// Something that is told of a session. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationRow {
    /// The session.
    pub session: SessionId,
    /// What is told of it.
    pub kind: NotificationKind,
    /// Whose the session is.
    pub tenant: String,
    /// Where it stands.
    pub state: NotificationState,
    /// When it is tried, or tried again.
    pub due_us: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// The addresses that it was sent to.
    pub told: Vec<String>,
    /// Why it was not sent.
    pub error: Option<String>,
    /// How often something was done with the key that its links hold.
    pub uses: u32,
    /// When it last changed.
    pub at_us: i64,
}

/// Something that is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewNotification {
    /// Of which session.
    pub session: SessionId,
    /// What.
    pub kind: NotificationKind,
    /// Whose the session is.
    pub tenant: TenantId,
}

/// Whoever sends a notification.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Of which session.
    pub session: SessionId,
    /// What.
    pub kind: NotificationKind,
    /// Who: nobody else has this name.
    pub holder: &'a str,
}

/// How the sending of a notification ended.
#[derive(Clone, Copy, Debug)]
pub struct NotificationEnd<'a> {
    /// Where it stands now.
    pub state: NotificationState,
    /// When it is tried again, where it is due.
    pub due_us: i64,
    /// The addresses that it went to.
    pub told: &'a [String],
    /// Why it was not sent.
    pub error: Option<&'a str>,
}

/// Somebody who is told of a computer's sessions besides its primary person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifiedPerson {
    /// Who.
    pub person: PersonId,
    /// Who said so.
    pub added_by: String,
    /// When, Unix microseconds.
    pub at_us: i64,
}

impl Store {
    /// Notes what is to be told, each thing once, and how far the reader of that name has come.
    ///
    /// # Errors
    /// When the database does not answer; nothing is noted then.
    pub async fn note_notifications(
        &self,
        (reader, to): (&str, i64),
        new: &[NewNotification],
        now_us: i64,
    ) -> Result<usize> {
        let mut tx = self.write().await?;
        let mut noted = 0;
        for one in new {
            let text = "insert into notification \
                        (session, kind, tenant, state, due, attempts, told, uses, at) \
                        values ($1, $2, $3, 'due', $4, 0, '[]', 0, $4) on conflict do nothing";
            let query = self.sql(text).bind(one.session.to_string()).bind(one.kind.as_str());
            let query = query.bind(one.tenant.to_string()).bind(now_us);
            noted += usize::try_from(query.execute(&mut *tx).await?.rows_affected()).unwrap_or(0);
        }
        self.move_cursor(&mut tx, reader, to).await?;
        tx.commit().await?;
        Ok(noted)
    }

    /// What is to be sent now, what waits longest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one cannot be read.
    pub async fn due_notifications(
        &self,
        now_us: i64,
        most: usize,
    ) -> Result<Vec<NotificationRow>> {
        let text = "select session, kind, tenant, state, due, attempts, told, error, uses, at \
                    from notification where state = 'due' and due <= $1 \
                    order by due, session, kind limit $2";
        let query = self.sql(text).bind(now_us).bind(limit(most));
        query.fetch_all(self.readers()).await?.iter().map(read).collect()
    }

    /// Takes a notification to send it, until a time; of many at once one gets it. The links of what is sent
    /// hold the key. Whether somebody else has it, had it, or it is not due yet, is one answer: no.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn claim_notification(
        &self,
        claim: Claim<'_>,
        key: &NotificationKey,
        (now_us, until_us): (i64, i64),
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let text = "update notification set state = 'sending', holder = $3, until = $4, \
                    attempts = attempts + 1, digest = $5, at = $6 \
                    where session = $1 and kind = $2 and state = 'due' and due <= $6";
        let query = self.sql(text).bind(claim.session.to_string()).bind(claim.kind.as_str());
        let query = query.bind(owned(claim.holder)).bind(until_us).bind(key.digest()).bind(now_us);
        let claimed = query.execute(&mut *tx).await?.rows_affected() == 1;
        tx.commit().await?;
        Ok(claimed)
    }

    /// Ends the sending of a notification; says whether it was still this one's to end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_notification(
        &self,
        claim: Claim<'_>,
        end: NotificationEnd<'_>,
        now_us: i64,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let text = "update notification set state = $4, due = $5, told = $6, error = $7, at = $8, \
                    holder = null, until = null \
                    where session = $1 and kind = $2 and state = 'sending' and holder = $3";
        let told = serde_json::to_string(end.told).unwrap_or_default();
        let query = self.sql(text).bind(claim.session.to_string()).bind(claim.kind.as_str());
        let query = query.bind(owned(claim.holder)).bind(end.state.as_str()).bind(end.due_us);
        let query = query.bind(owned(&told)).bind(opt(end.error)).bind(now_us);
        let ended = query.execute(&mut *tx).await?.rows_affected() == 1;
        tx.commit().await?;
        Ok(ended)
    }

    /// Settles what somebody was at who was not heard of any more: it may have been sent. Gives what that is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn settle_notifications(&self, now_us: i64) -> Result<Vec<NotificationRow>> {
        let lost = "select 1 from notification where state = 'sending' and until <= $1 limit 1";
        if self.sql(lost).bind(now_us).fetch_optional(self.readers()).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.write().await?;
        let text = "update notification set state = 'unsure', holder = null, until = null, at = $1, \
                    error = 'whoever was sending it was not heard of any more' \
                    where state = 'sending' and until <= $1 \
                    returning session, kind, tenant, state, due, attempts, told, error, uses, at";
        let rows = self.sql(text).bind(now_us).fetch_all(&mut *tx).await?;
        tx.commit().await?;
        rows.iter().map(read).collect()
    }

    /// What is told of a session.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn notifications(&self, session: SessionId) -> Result<Vec<NotificationRow>> {
        let text = "select session, kind, tenant, state, due, attempts, told, error, uses, at \
                    from notification where session = $1 order by kind desc";
        let query = self.sql(text).bind(session.to_string());
        query.fetch_all(self.readers()).await?.iter().map(read).collect()
    }

    /// The notification whose links hold a key.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn notification_of(&self, key: &NotificationKey) -> Result<Option<NotificationRow>> {
        let text = "select session, kind, tenant, state, due, attempts, told, error, uses, at \
                    from notification where digest = $1";
        let row = self.sql(text).bind(key.digest()).fetch_optional(self.readers()).await?;
        row.as_ref().map(read).transpose()
    }

    /// How many notifications stand where, of those that changed since a time; what there is none of is left
    /// out.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_notifications(
        &self,
        since_us: i64,
    ) -> Result<Vec<(NotificationState, u64)>> {
        let text = "select state, count(*) from notification where at >= $1 \
                    group by state order by state";
        let rows = self.sql(text).bind(since_us).fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok((state(&row.text(0)?)?, count(row.int(1)?)))).collect()
    }

    /// The one that changed last of those that were tried in vain more than once.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn failing_notification(&self) -> Result<Option<NotificationRow>> {
        let text = "select session, kind, tenant, state, due, attempts, told, error, uses, at \
                    from notification where attempts > 1 and error is not null \
                    and state in ('due', 'late', 'failed') \
                    order by at desc, session limit 1";
        let row = self.sql(text).fetch_optional(self.readers()).await?;
        row.as_ref().map(read).transpose()
    }

    /// Forgets what was told before a time, at most so many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_notifications(&self, before_us: i64, most: usize) -> Result<u64> {
        let old = "select 1 from notification where at < $1 limit 1";
        if self.sql(old).bind(before_us).fetch_optional(self.readers()).await?.is_none() {
            return Ok(0);
        }
        let mut tx = self.write().await?;
        let text = "delete from notification where (session, kind) in (select session, kind \
                    from notification where at < $1 and state not in ('due', 'sending') limit $2)";
        let query = self.sql(text).bind(before_us).bind(limit(most));
        let forgotten = query.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Who is told of a computer's sessions besides its primary person, in the order in which they were named.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn notified_persons(&self, computer: ComputerId) -> Result<Vec<NotifiedPerson>> {
        let text = "select person, added_by, at from notified_person where computer = $1 \
                    order by at, person";
        let query = self.sql(text).bind(computer.to_string());
        let person = |row: &AnyRow| {
            let text = row.text(0)?;
            Ok(NotifiedPerson {
                person: text
                    .parse()
                    .map_err(|_| Error::corrupt(format!("a person's id: {text}")))?,
                added_by: row.text(1)?,
                at_us: row.int(2)?,
            })
        };
        query.fetch_all(self.readers()).await?.iter().map(person).collect()
    }

    /// Has somebody told of a computer's sessions, too; whether that is new.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_notified_person(
        &self,
        computer: ComputerId,
        person: PersonId,
        (by, now_us): (&str, i64),
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let text = "insert into notified_person (computer, person, added_by, at) \
                    values ($1, $2, $3, $4) on conflict do nothing";
        let query = self.sql(text).bind(computer.to_string()).bind(person.to_string());
        let done = query.bind(owned(by)).bind(now_us).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(done == 1)
    }

    /// Has somebody told of them no more; whether he was.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_notified_person(
        &self,
        computer: ComputerId,
        person: PersonId,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let text = "delete from notified_person where computer = $1 and person = $2";
        let query = self.sql(text).bind(computer.to_string()).bind(person.to_string());
        let done = query.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(done == 1)
    }
}

fn state(text: &str) -> Result<NotificationState> {
    NotificationState::parse(text)
        .ok_or_else(|| Error::corrupt(format!("the state of a notification: {text}")))
}

/// Reads what every statement above selects.
fn read(row: &AnyRow) -> Result<NotificationRow> {
    let session = row.text(0)?;
    let kind = row.text(1)?;
    let number = |value| u32::try_from(value).unwrap_or(u32::MAX);
    Ok(NotificationRow {
        session: session
            .parse()
            .map_err(|_| Error::corrupt(format!("a session's id: {session}")))?,
        kind: NotificationKind::parse(&kind)
            .ok_or_else(|| Error::corrupt(format!("the kind of a notification: {kind}")))?,
        tenant: row.text(2)?,
        state: state(&row.text(3)?)?,
        due_us: row.int(4)?,
        attempts: number(row.int(5)?),
        told: serde_json::from_str(&row.text(6)?)
            .map_err(|why| Error::corrupt(format!("who was told: {why}")))?,
        error: row.opt_text(7)?,
        uses: number(row.int(8)?),
        at_us: row.int(9)?,
    })
}
