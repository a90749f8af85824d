//! People who sign in: what each may, and how they prove who they are. Of a password there is its
//! hash, which is only ever read to compare one with it.

use core_model::access::Role;
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, list, opt, owned};

/// An account that is about to be.
#[derive(Clone, Copy)]
pub struct NewAccount<'a> {
    /// What one signs in with; no account had that name before.
    pub name: &'a str,
    /// What it is shown as.
    pub shown: &'a str,
    /// The provider that vouches for it, and its subject there.
    pub vouched: Option<(&'a str, &'a str)>,
    /// The hash of its password, as a PHC string.
    pub password: Option<&'a str>,
    /// What it may do.
    pub role: Role,
    /// Ids of the tenants that it sees; none is all.
    pub tenants: Option<&'a [String]>,
    /// Who makes it.
    pub by: &'a str,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

/// What an account may, as a provider says at a sign-in.
#[derive(Clone, Copy, Debug)]
pub struct Rights<'a> {
    /// What it is shown as.
    pub shown: &'a str,
    /// What it may do.
    pub role: Role,
    /// Ids of the tenants that it sees; none is all.
    pub tenants: Option<&'a [String]>,
}

/// What is known of an account. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// What one signs in with.
    pub name: String,
    /// What it is shown as.
    pub shown: String,
    /// The provider that vouches for it, and its subject there.
    pub vouched: Option<(String, String)>,
    /// Whether it has a password.
    pub has_password: bool,
    /// What it may do.
    pub role: Role,
    /// Ids of the tenants that it sees; none is all.
    pub tenants: Option<Vec<String>>,
    /// When it was made.
    pub created_us: i64,
    /// By whom.
    pub created_by: String,
    /// When somebody last signed in with it.
    pub last_sign_in_us: Option<i64>,
    /// When it was switched off.
    pub disabled_us: Option<i64>,
    /// By whom.
    pub disabled_by: Option<String>,
}

/// The columns that [`read`] takes, of `account a`.
pub(crate) const COLUMNS: &str = "a.name, a.shown, a.issuer, a.subject, \
    case when a.password is null then 0 else 1 end, a.role, a.tenants, a.created, a.created_by, \
    a.last_sign_in, a.disabled, a.disabled_by";
/// How many they are.
pub(crate) const WIDTH: usize = 12;

impl Store {
    /// Notes an account.
    ///
    /// # Errors
    /// [`Error::Conflict`] where one has or had that name, or is vouched for as the same.
    pub async fn add_account(&self, new: &NewAccount<'_>) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql(
            "insert into account (name, shown, issuer, subject, password, role, tenants, created, \
             created_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(owned(new.name))
        .bind(owned(new.shown))
        .bind(opt(new.vouched.map(|(issuer, _)| issuer)))
        .bind(opt(new.vouched.map(|(_, subject)| subject)))
        .bind(opt(new.password))
        .bind(new.role.as_str())
        .bind(new.tenants.map(list))
        .bind(new.now_us)
        .bind(owned(new.by))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Every account that ever was, by name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when what is stored of one cannot be read.
    pub async fn accounts(&self) -> Result<Vec<AccountRow>> {
        let query = Select::new(format!("select {COLUMNS} from account a order by a.name"));
        let rows = query.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(|row| read(row, 0)).collect()
    }

    /// The account of a name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn account(&self, name: &str) -> Result<Option<AccountRow>> {
        self.account_where(" a.name = {}", [Argument::Text(owned(name))]).await
    }

    /// The account that a provider vouches for.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn account_vouched(&self, issuer: &str, subject: &str) -> Result<Option<AccountRow>> {
        let arguments = [Argument::Text(owned(issuer)), Argument::Text(owned(subject))];
        self.account_where(" a.issuer = {} and a.subject = {}", arguments).await
    }

    /// The hash of an account's password, where the account is there, is not switched off, and has
    /// one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn password_of(&self, name: &str) -> Result<Option<String>> {
        let row = self
            .sql("select password from account where name = $1 and disabled is null")
            .bind(owned(name))
            .fetch_optional(self.readers())
            .await?;
        row.map_or(Ok(None), |row| row.opt_text(0))
    }

    /// Gives an account another password and ends its sessions.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none of that name.
    pub async fn set_password(&self, name: &str, hash: &str, by: &str, now_us: i64) -> Result<()> {
        let mut tx = self.write().await?;
        let changed = self
            .sql("update account set password = $2 where name = $1")
            .bind(owned(name))
            .bind(owned(hash))
            .execute(&mut *tx)
            .await?
            .rows_affected();
        found(changed, name)?;
        self.end_all(&mut tx, name, by, now_us).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes what an account may from now on. Sessions that are open go by it at once.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none of that name.
    pub async fn set_rights(&self, name: &str, rights: &Rights<'_>) -> Result<()> {
        let mut tx = self.write().await?;
        let changed = self
            .sql("update account set shown = $2, role = $3, tenants = $4 where name = $1")
            .bind(owned(name))
            .bind(owned(rights.shown))
            .bind(rights.role.as_str())
            .bind(rights.tenants.map(list))
            .execute(&mut *tx)
            .await?
            .rows_affected();
        found(changed, name)?;
        tx.commit().await?;
        Ok(())
    }

    /// Switches an account off and ends its sessions, or on again. One that is off already stays as
    /// it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none of that name.
    pub async fn set_disabled(&self, name: &str, off: bool, by: &str, now_us: i64) -> Result<()> {
        let mut tx = self.write().await?;
        let query = match off {
            true => self
                .sql(
                    "update account set disabled = coalesce(disabled, $2), \
                     disabled_by = coalesce(disabled_by, $3) where name = $1",
                )
                .bind(owned(name))
                .bind(now_us)
                .bind(owned(by)),
            false => self
                .sql("update account set disabled = null, disabled_by = null where name = $1")
                .bind(owned(name)),
        };
        found(query.execute(&mut *tx).await?.rows_affected(), name)?;
        if off {
            self.end_all(&mut tx, name, by, now_us).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn account_where(
        &self,
        condition: &str,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> Result<Option<AccountRow>> {
        let mut select = Select::new(format!("select {COLUMNS} from account a where"));
        select.push(condition, arguments);
        let query = select.query(self.backend());
        let row = query.fetch_optional(self.readers()).await?;
        row.as_ref().map(|row| read(row, 0)).transpose()
    }
}

fn found(changed: u64, name: &str) -> Result<()> {
    if changed == 0 {
        return Err(Error::not_found(format!("account `{name}`")));
    }
    Ok(())
}

/// The account whose columns begin at a place of the row.
pub(crate) fn read(row: &AnyRow, at: usize) -> Result<AccountRow> {
    let (name, role) = (row.text(at)?, row.text(at + 5)?);
    let wrong = |what: String| Error::corrupt(format!("account {name:?}: {what}"));
    let tenants = row.opt_text(at + 6)?.map(|tenants| serde_json::from_str(&tenants)).transpose();
    Ok(AccountRow {
        shown: row.text(at + 1)?,
        vouched: row.opt_text(at + 2)?.zip(row.opt_text(at + 3)?),
        has_password: row.int(at + 4)? != 0,
        role: Role::parse(&role).ok_or_else(|| wrong(format!("there is no role {role:?}")))?,
        tenants: tenants.map_err(|error| wrong(error.to_string()))?,
        created_us: row.int(at + 7)?,
        created_by: row.text(at + 8)?,
        last_sign_in_us: row.opt_int(at + 9)?,
        disabled_us: row.opt_int(at + 10)?,
        disabled_by: row.opt_text(at + 11)?,
        name,
    })
}
