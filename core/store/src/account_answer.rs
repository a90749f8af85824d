//! What domain controllers said whose an account is. These are observations: numbered with the
//! changes of records, never changed but for the time at which they were confirmed. One of a tenant
//! is found for that tenant only.

use std::collections::{BTreeSet, HashMap};

use sqlx::any::AnyRow;

use crate::counter::CHANGE;
use crate::error::Result;
use crate::open::Store;
use crate::script_run::ScriptRun;
use crate::sql::{Argument, Columns, Select, opt, owned};

/// An answer. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountAnswer {
    /// The tenant's id.
    pub tenant: String,
    /// The account, `domain\user` in lower case.
    pub account: String,
    /// Its UPN; none where the domain told none.
    pub upn: Option<String>,
    /// When it was first given.
    pub at_us: i64,
    /// When it was last given, or asked for again in vain.
    pub last_us: i64,
}

const COLUMNS: &str = "select tenant, account, upn, at, last_at, seq from account_answer";

impl Store {
    /// What is known of the accounts of a tenant, of all where none is named; in the order in which
    /// it was told.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn account_answers(&self, tenant: Option<&str>) -> Result<Vec<AccountAnswer>> {
        let mut select = Select::new(COLUMNS);
        if let Some(tenant) = tenant {
            select.push(" where tenant = {}", [Argument::Text(owned(tenant))]);
        }
        select.push(" order by seq", []);
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// The ids of the tenants of which something was told under a number above this one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn accounts_answered_after(&self, seq: i64) -> Result<BTreeSet<String>> {
        let text = "select distinct tenant from account_answer where seq > $1";
        let rows = self.sql(text).bind(seq).fetch_all(self.readers()).await?;
        rows.iter().map(|row| row.text(0)).collect()
    }

    /// Adds what a script brought, and that is on its way no more, in one transaction. An answer that
    /// is known moves only its time, and so does none where there is one: what is not told (any more)
    /// takes nothing away. Says no, and adds nothing, where the script was on its way no more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_account_answers(
        &self,
        run: &ScriptRun,
        tenant: &str,
        answers: &[(String, Option<String>)],
        now_us: i64,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        if !self.settle_script(&mut tx, run).await? {
            return Ok(false);
        }
        let mut select = Select::new(COLUMNS);
        select.push(" where tenant = {} order by seq", [Argument::Text(owned(tenant))]);
        let rows = select.query(self.backend()).fetch_all(&mut *tx).await?;
        let mut newest: HashMap<String, (i64, Option<String>)> = HashMap::new();
        for row in &rows {
            newest.insert(row.text(1)?, (row.int(5)?, row.opt_text(2)?));
        }
        let mut new = Vec::new();
        for (account, upn) in answers {
            match newest.get(account) {
                Some((seq, known)) if upn.is_none() || known == upn => {
                    self.sql("update account_answer set last_at = $1 where seq = $2")
                        .bind(now_us)
                        .bind(*seq)
                        .execute(&mut *tx)
                        .await?;
                }
                _ => new.push((account, upn)),
            }
        }
        let first = if new.is_empty() { 0 } else { self.take(&mut tx, CHANGE, new.len()).await? };
        for (seq, (account, upn)) in (first..).zip(new) {
            self.sql(
                "insert into account_answer (seq, tenant, account, upn, at, last_at) \
                 values ($1, $2, $3, $4, $5, $5)",
            )
            .bind(seq)
            .bind(owned(tenant))
            .bind(owned(account))
            .bind(opt(upn.as_deref()))
            .bind(now_us)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

fn read(row: &AnyRow) -> Result<AccountAnswer> {
    Ok(AccountAnswer {
        tenant: row.text(0)?,
        account: row.text(1)?,
        upn: row.opt_text(2)?,
        at_us: row.int(3)?,
        last_us: row.int(4)?,
    })
}
