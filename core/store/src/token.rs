//! Tokens of the API: whose they are, what they may, and when they were used.

use core_model::access::Role;
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::key::{NOTED_EVERY_US, Token};
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, list, opt, owned};

/// A token that is about to be.
#[derive(Clone, Copy, Debug)]
pub struct NewToken<'a> {
    /// What it is called; no token had that name before.
    pub name: &'a str,
    /// What it may do.
    pub role: Role,
    /// Ids of the tenants that it sees; none is all.
    pub tenants: Option<&'a [String]>,
    /// Who makes it.
    pub by: &'a str,
    /// When it ends, Unix microseconds.
    pub expires_us: Option<i64>,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

/// What is known of a token. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Ids of the tenants that it sees; none is all.
    pub tenants: Option<Vec<String>>,
    /// When it was made.
    pub created_us: i64,
    /// By whom.
    pub created_by: String,
    /// When it ends.
    pub expires_us: Option<i64>,
    /// When it was last used, to the minute.
    pub last_used_us: Option<i64>,
    /// When it was revoked.
    pub revoked_us: Option<i64>,
    /// By whom.
    pub revoked_by: Option<String>,
}

impl TokenRow {
    /// Whether it opens anything at an instant (Unix microseconds).
    #[must_use]
    pub fn holds(&self, now_us: i64) -> bool {
        self.revoked_us.is_none() && self.expires_us.is_none_or(|expires| now_us < expires)
    }

    /// Whether a use at an instant (Unix microseconds) is worth a note.
    #[must_use]
    pub fn is_noted(&self, now_us: i64) -> bool {
        self.last_used_us.is_none_or(|last| now_us - last >= NOTED_EVERY_US)
    }
}

const COLUMNS: &str = "select name, role, tenants, created, created_by, expires, last_used, \
                       revoked, revoked_by from api_token";

impl Store {
    /// Notes a token: its digest, and what it may.
    ///
    /// # Errors
    /// [`Error::Conflict`] where a token has or had that name.
    pub async fn add_token(&self, token: &Token, new: &NewToken<'_>) -> Result<()> {
        let tenants = new.tenants.map(list);
        let mut tx = self.write().await?;
        self.sql(
            "insert into api_token (name, digest, role, tenants, created, created_by, expires) \
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(owned(new.name))
        .bind(token.digest())
        .bind(new.role.as_str())
        .bind(opt(tenants.as_deref()))
        .bind(new.now_us)
        .bind(owned(new.by))
        .bind(new.expires_us)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Every token that ever was, by name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when what is stored of one cannot be read.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>> {
        let query = Select::new(format!("{COLUMNS} order by name"));
        let rows = query.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// What is known of the token that somebody sent; whether it still holds is not looked at.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn token(&self, token: &Token) -> Result<Option<TokenRow>> {
        self.token_where("digest", token.digest()).await
    }

    /// What is known of the token of a name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn token_named(&self, name: &str) -> Result<Option<TokenRow>> {
        self.token_where("name", owned(name)).await
    }

    /// Ends a token. One that is revoked already stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there never was one of that name.
    pub async fn revoke_token(&self, name: &str, by: &str, now_us: i64) -> Result<()> {
        let mut tx = self.write().await?;
        let changed = self
            .sql(
                "update api_token set revoked = coalesce(revoked, $2), \
                 revoked_by = coalesce(revoked_by, $3) where name = $1",
            )
            .bind(owned(name))
            .bind(now_us)
            .bind(owned(by))
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if changed == 0 {
            return Err(Error::not_found(format!("token `{name}`")));
        }
        tx.commit().await?;
        Ok(())
    }

    /// Notes that a token was used, if that is worth a note.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn token_used(&self, name: &str, now_us: i64) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql(
            "update api_token set last_used = $2 \
             where name = $1 and (last_used is null or last_used <= $3)",
        )
        .bind(owned(name))
        .bind(now_us)
        .bind(now_us - NOTED_EVERY_US)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn token_where(&self, column: &'static str, value: String) -> Result<Option<TokenRow>> {
        let mut select = Select::new(COLUMNS);
        select.push(&format!(" where {column} = {{}}"), [Argument::Text(value)]);
        let query = select.query(self.backend());
        query.fetch_optional(self.readers()).await?.as_ref().map(read).transpose()
    }
}

fn read(row: &AnyRow) -> Result<TokenRow> {
    let (name, role) = (row.text(0)?, row.text(1)?);
    let wrong = |what: String| Error::corrupt(format!("token {name:?}: {what}"));
    let tenants = row.opt_text(2)?.map(|tenants| serde_json::from_str(&tenants)).transpose();
    Ok(TokenRow {
        role: Role::parse(&role).ok_or_else(|| wrong(format!("there is no role {role:?}")))?,
        tenants: tenants.map_err(|error| wrong(error.to_string()))?,
        created_us: row.int(3)?,
        created_by: row.text(4)?,
        expires_us: row.opt_int(5)?,
        last_used_us: row.opt_int(6)?,
        revoked_us: row.opt_int(7)?,
        revoked_by: row.opt_text(8)?,
        name,
    })
}
