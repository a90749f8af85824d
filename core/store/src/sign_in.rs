//! Who is signed in. A session is known by a cookie of 32 random bytes, of which the SHA-256 is
//! stored; a framed page, which has no such cookie, takes a session over by a code that counts once.

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::account::{self, AccountRow};
use crate::error::Result;
use crate::key::{NOTED_EVERY_US, SignInKey};
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, opt, owned};

/// Sessions and codes that ended so long ago are forgotten, in microseconds.
const FORGOTTEN_AFTER_US: i64 = 30 * 86_400 * 1_000_000;

/// A session that is about to be. Times are Unix microseconds.
#[derive(Clone, Copy, Debug)]
pub struct NewSignIn<'a> {
    /// Whose.
    pub account: &'a str,
    /// The session that it was taken over from.
    pub parent: Option<&'a str>,
    /// From where.
    pub address: &'a str,
    /// When it ends at the latest.
    pub expires_us: i64,
    /// Now.
    pub now_us: i64,
}

/// What is known of a session. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInRow {
    /// Its name in the store, which opens nothing.
    pub id: String,
    /// The session that it was taken over from.
    pub parent: Option<String>,
    /// Whose it is, as the account is now.
    pub account: AccountRow,
    /// When it began.
    pub created_us: i64,
    /// When it was last used, to the minute.
    pub last_seen_us: i64,
    /// When it ends at the latest.
    pub expires_us: i64,
    /// When it was ended.
    pub ended_us: Option<i64>,
}

impl SignInRow {
    /// Whether it opens anything at an instant; unused for longer than `idle_us` it does not.
    #[must_use]
    pub fn holds(&self, now_us: i64, idle_us: i64) -> bool {
        self.is_open(now_us) && now_us - self.last_seen_us < idle_us
    }

    /// The same for whoever has used it all the time.
    #[must_use]
    pub fn is_open(&self, now_us: i64) -> bool {
        let disabled = self.account.disabled_us.is_some();
        self.ended_us.is_none() && !disabled && now_us < self.expires_us
    }

    /// Whether a use at an instant is worth a note.
    #[must_use]
    pub fn is_noted(&self, now_us: i64) -> bool {
        now_us - self.last_seen_us >= NOTED_EVERY_US
    }
}

impl Store {
    /// Notes a session and that its account signed in; forgets those that ended long ago.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_sign_in(&self, key: &SignInKey, new: &NewSignIn<'_>) -> Result<()> {
        let mut tx = self.write().await?;
        let before = new.now_us.saturating_sub(FORGOTTEN_AFTER_US);
        for text in [
            "delete from sign_in_session where expires < $1",
            "delete from handover where expires < $1",
        ] {
            self.sql(text).bind(before).execute(&mut *tx).await?;
        }
        self.sql(
            "insert into sign_in_session (digest, account, parent, address, created, last_seen, \
             expires) values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(key.digest())
        .bind(owned(new.account))
        .bind(opt(new.parent))
        .bind(owned(new.address))
        .bind(new.now_us)
        .bind(new.now_us)
        .bind(new.expires_us)
        .execute(&mut *tx)
        .await?;
        self.sql("update account set last_sign_in = $2 where name = $1")
            .bind(owned(new.account))
            .bind(new.now_us)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The session of a key; whether it still holds is not looked at.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] when it cannot be read.
    pub async fn sign_in(&self, key: &SignInKey) -> Result<Option<SignInRow>> {
        self.sign_in_of(&key.digest()).await
    }

    /// The session of a name in the store.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] when it cannot be read.
    pub async fn sign_in_of(&self, id: &str) -> Result<Option<SignInRow>> {
        let mut select = Select::new(format!(
            "select {}, s.digest, s.parent, s.created, s.last_seen, s.expires, s.ended \
             from sign_in_session s join account a on a.name = s.account where",
            account::COLUMNS
        ));
        select.push(" s.digest = {}", [Argument::Text(owned(id))]);
        let row = select.query(self.backend()).fetch_optional(self.readers()).await?;
        row.as_ref().map(read).transpose()
    }

    /// Notes that a session was used, if that is worth a note.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sign_in_seen(&self, id: &str, now_us: i64) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql("update sign_in_session set last_seen = $2 where digest = $1 and last_seen <= $3")
            .bind(owned(id))
            .bind(now_us)
            .bind(now_us - NOTED_EVERY_US)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends a session and those that were taken over from it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_sign_in(&self, id: &str, by: &str, now_us: i64) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql(
            "update sign_in_session set ended = $2, ended_by = $3 \
             where (digest = $1 or parent = $1) and ended is null",
        )
        .bind(owned(id))
        .bind(now_us)
        .bind(owned(by))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes a code that hands a session over until a time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_handover(&self, code: &SignInKey, session: &str, until_us: i64) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql("insert into handover (digest, session, expires) values ($1, $2, $3)")
            .bind(code.digest())
            .bind(owned(session))
            .bind(until_us)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The session that a code hands over, the first time that it is asked for and in its time.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] when it cannot be read.
    pub async fn take_handover(&self, code: &SignInKey, now_us: i64) -> Result<Option<SignInRow>> {
        let mut tx = self.write().await?;
        // One statement looks and takes, so that of many at once one gets it.
        let row = self
            .sql(
                "update handover set used = $2 where digest = $1 and used is null and expires > $2 \
                 returning session",
            )
            .bind(code.digest())
            .bind(now_us)
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        match row {
            Some(row) => self.sign_in_of(&row.text(0)?).await,
            None => Ok(None),
        }
    }

    pub(crate) async fn end_all(
        &self,
        tx: &mut AnyConnection,
        account: &str,
        by: &str,
        now_us: i64,
    ) -> Result<()> {
        self.sql(
            "update sign_in_session set ended = $2, ended_by = $3 \
             where account = $1 and ended is null",
        )
        .bind(owned(account))
        .bind(now_us)
        .bind(owned(by))
        .execute(tx)
        .await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<SignInRow> {
    let at = account::WIDTH;
    Ok(SignInRow {
        account: account::read(row, 0)?,
        id: row.text(at)?,
        parent: row.opt_text(at + 1)?,
        created_us: row.int(at + 2)?,
        last_seen_us: row.int(at + 3)?,
        expires_us: row.int(at + 4)?,
        ended_us: row.opt_int(at + 5)?,
    })
}
