//! Where deployments with rings stand, and what came of their members; and the winners of tenants that are acted on.

use crate::error::Result;
use crate::open::Store;
use crate::sql::{Columns, owned};

/// What came of a member of a deployment's rings, by the newest session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberResult {
    /// The subject, by its id.
    pub subject: String,
    /// The word for it.
    pub result: String,
    /// Why it failed, in a word.
    pub class: Option<String>,
}

impl Store {
    /// Where a deployment stands: JSON; none where it has not begun.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rollout(&self, deployment: &str) -> Result<Option<String>> {
        let query = self.sql("select document from rollout where deployment = $1");
        let row = query.bind(owned(deployment)).fetch_optional(self.readers()).await?;
        row.map(|row| row.text(0)).transpose()
    }

    /// Keeps where a deployment stands, if it stands as it was read; says whether it did.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_rollout(
        &self,
        (deployment, version): (&str, &str),
        (before, after): (Option<&str>, &str),
        now_us: i64,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let query = match before {
            None => self.sql(
                "insert into rollout (deployment, version, document, changed) \
                 values ($1, $2, $3, $4) on conflict do nothing",
            ),
            Some(_) => self.sql(
                "update rollout set version = $2, document = $3, changed = $4 \
                 where deployment = $1 and document = $5",
            ),
        };
        let query = query.bind(owned(deployment)).bind(owned(version)).bind(owned(after));
        let query = query.bind(now_us);
        let query = match before {
            None => query,
            Some(before) => query.bind(owned(before)),
        };
        let done = query.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(done == 1)
    }

    /// What came of a version of a deployment, by subject: the newest word that says how it is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn member_results(
        &self,
        deployment: &str,
        version: &str,
    ) -> Result<Vec<MemberResult>> {
        let text = "select subject, result, class from session_action a \
                    where deployment = $1 and version = $2 \
                    and result in ('compliant', 'recorded', 'failed', 'non_compliant') \
                    and not exists (select 1 from session_action n \
                    where n.deployment = a.deployment and n.version = a.version \
                    and n.subject = a.subject \
                    and n.result in ('compliant', 'recorded', 'failed', 'non_compliant') \
                    and (n.at, n.session) > (a.at, a.session)) order by subject, number";
        let query = self.sql(text).bind(owned(deployment)).bind(owned(version));
        let rows = query.fetch_all(self.readers()).await?;
        rows.iter()
            .map(|row| {
                Ok(MemberResult {
                    subject: row.text(0)?,
                    result: row.text(1)?,
                    class: row.opt_text(2)?,
                })
            })
            .collect()
    }

    /// The number of what is kept of a tenant's winners; none where nothing is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn accepted_number(&self, tenant: &str) -> Result<Option<i64>> {
        let query = self.sql("select number from accepted_winner where tenant = $1");
        let row = query.bind(owned(tenant)).fetch_optional(self.readers()).await?;
        row.map(|row| row.int(0)).transpose()
    }

    /// The winners of a tenant that are acted on: their number and JSON; none where none were seen.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn accepted(&self, tenant: &str) -> Result<Option<(i64, String)>> {
        let query = self.sql("select number, document from accepted_winner where tenant = $1");
        let row = query.bind(owned(tenant)).fetch_optional(self.readers()).await?;
        row.map(|row| Ok((row.int(0)?, row.text(1)?))).transpose()
    }

    /// Keeps the winners of a tenant that are acted on from now on, if those of this number were kept (0 for none);
    /// says whether they were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_accepted(
        &self,
        tenant: &str,
        before: i64,
        document: &str,
        now_us: i64,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let query = match before {
            0 => self.sql(
                "insert into accepted_winner (tenant, number, document, changed) \
                 values ($1, $2, $3, $4) on conflict do nothing",
            ),
            _ => self.sql(
                "update accepted_winner set number = $2, document = $3, changed = $4 \
                 where tenant = $1 and number = $5",
            ),
        };
        let query = query.bind(owned(tenant)).bind(before + 1).bind(owned(document)).bind(now_us);
        let query = if before == 0 { query } else { query.bind(before) };
        let done = query.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(done == 1)
    }
}
