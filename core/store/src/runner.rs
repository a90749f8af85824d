//! The hub's own runners: who enrolled, with what, what each is to run, and what came of it.

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::key::{EnrolmentToken, RunnerKey};
use crate::open::Store;
use crate::secret::SealingKeys;
use crate::sql::{Columns, opt, owned};

mod command;

pub use command::{NewRunnerCommand, RunnerCommand};

/// Whose machines enrol: what stands for a tenant. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerClient {
    /// Its key: the tenant's id when the first token was made, or `own:` and a name.
    pub key: String,
    /// What it is called.
    pub name: String,
}

/// A token for enrolments that is about to be.
#[derive(Clone, Copy, Debug)]
pub struct NewRunnerToken<'a> {
    /// By what it is known; it opens nothing.
    pub id: &'a str,
    /// For whose machines.
    pub client: &'a RunnerClient,
    /// How many machines may enrol with it.
    pub uses: i64,
    /// When it ends, Unix microseconds.
    pub expires_us: i64,
    /// Who makes it.
    pub by: &'a str,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

/// What is known of a token. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerTokenRow {
    /// By what it is known.
    pub id: String,
    /// Key of the client.
    pub client: String,
    /// How many machines may enrol with it.
    pub uses: i64,
    /// How many did.
    pub used: i64,
    /// When it ends.
    pub expires_us: i64,
    /// When it was made.
    pub created_us: i64,
    /// By whom.
    pub created_by: String,
    /// When it was revoked.
    pub revoked_us: Option<i64>,
}

/// A machine that enrols.
#[derive(Clone, Copy, Debug)]
pub struct NewRunner<'a> {
    /// Its id, where it has none yet.
    pub id: &'a str,
    /// What it says of itself, as JSON.
    pub evidence: &'a str,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

/// What became of an enrolment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enrolment {
    /// It is a runner, or was one with that key already.
    Runner(RunnerRow),
    /// There is no such token.
    Unknown,
    /// It was used as often as it may be.
    UsedUp,
    /// Its time is over, or it was revoked.
    Expired,
}

/// A runner. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerRow {
    /// Its id.
    pub id: String,
    /// Key of the client.
    pub client: String,
    /// The id of the token that it enrolled with.
    pub token: String,
    /// What it said of itself last, as JSON.
    pub evidence: String,
    /// When it enrolled.
    pub enrolled_us: i64,
    /// When it was last heard of.
    pub heard_us: i64,
    /// When it was removed.
    pub removed_us: Option<i64>,
}

impl Store {
    /// Notes a token: its digest, for whom, how often and until when. The client is made, or called so from now
    /// on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_runner_token(
        &self,
        token: &EnrolmentToken,
        new: &NewRunnerToken<'_>,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql(
            "insert into runner_client (key, name, created) values ($1, $2, $3) \
             on conflict (key) do update set name = excluded.name",
        )
        .bind(owned(&new.client.key))
        .bind(owned(&new.client.name))
        .bind(new.now_us)
        .execute(&mut *tx)
        .await?;
        self.sql(
            "insert into runner_token (id, digest, client, uses, used, expires, created, created_by) \
             values ($1, $2, $3, $4, 0, $5, $6, $7)",
        )
        .bind(owned(new.id))
        .bind(token.digest())
        .bind(owned(&new.client.key))
        .bind(new.uses)
        .bind(new.expires_us)
        .bind(new.now_us)
        .bind(owned(new.by))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Every token that ever was, the newest last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runner_tokens(&self) -> Result<Vec<RunnerTokenRow>> {
        let query = self.sql(
            "select id, client, uses, used, expires, created, created_by, revoked \
             from runner_token order by created, id",
        );
        query.fetch_all(self.readers()).await?.iter().map(read_token).collect()
    }

    /// Ends a token; says whether there was one that had not ended by somebody's word.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revoke_runner_token(&self, id: &str, now_us: i64) -> Result<bool> {
        let mut tx = self.write().await?;
        let query =
            self.sql("update runner_token set revoked = $2 where id = $1 and revoked is null");
        let done = query.bind(owned(id)).bind(now_us).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(done == 1)
    }

    /// Whose machines there are, or may be.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runner_clients(&self) -> Result<Vec<RunnerClient>> {
        let query = self.sql("select key, name from runner_client order by key");
        let rows = query.fetch_all(self.readers()).await?;
        rows.iter().map(|row| Ok(RunnerClient { key: row.text(0)?, name: row.text(1)? })).collect()
    }

    /// Makes a machine a runner, and counts it at its token, both or neither. A key that is a runner's already is
    /// that runner: its answer may have been lost, and it counts once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn enrol_runner(
        &self,
        (token, key): (&EnrolmentToken, &RunnerKey),
        new: &NewRunner<'_>,
    ) -> Result<Enrolment> {
        let mut tx = self.write().await?;
        let query = self.sql(
            "select id, client, uses, used, expires, created, created_by, revoked \
             from runner_token where digest = $1",
        );
        let row = query.bind(token.digest()).fetch_optional(&mut *tx).await?;
        let Some(token) = row.as_ref().map(read_token).transpose()? else {
            return Ok(Enrolment::Unknown);
        };
        if let Some(there) = self.by_digest(&mut tx, &key.digest()).await? {
            let same = there.token == token.id && there.removed_us.is_none();
            return Ok(if same { Enrolment::Runner(there) } else { Enrolment::Unknown });
        }
        if token.revoked_us.is_some() || new.now_us >= token.expires_us {
            return Ok(Enrolment::Expired);
        }
        // Of several at once no more are counted than there are uses.
        let query =
            self.sql("update runner_token set used = used + 1 where id = $1 and used < uses");
        let counted = query.bind(owned(&token.id)).execute(&mut *tx).await?.rows_affected();
        if counted == 0 {
            return Ok(Enrolment::UsedUp);
        }
        self.sql(
            "insert into runner (id, digest, client, token, evidence, enrolled, heard) \
             values ($1, $2, $3, $4, $5, $6, $6)",
        )
        .bind(owned(new.id))
        .bind(key.digest())
        .bind(owned(&token.client))
        .bind(owned(&token.id))
        .bind(owned(new.evidence))
        .bind(new.now_us)
        .execute(&mut *tx)
        .await?;
        let made = self.by_digest(&mut tx, &key.digest()).await?;
        tx.commit().await?;
        made.map(Enrolment::Runner)
            .ok_or_else(|| Error::corrupt("a runner that was just made is not there".to_owned()))
    }

    async fn by_digest(&self, on: &mut AnyConnection, digest: &str) -> Result<Option<RunnerRow>> {
        let query = self.sql(
            "select id, client, token, evidence, enrolled, heard, removed from runner \
             where digest = $1",
        );
        let row = query.bind(owned(digest)).fetch_optional(on).await?;
        row.as_ref().map(read).transpose()
    }

    /// The runner of a key, where it was not removed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runner_of_key(&self, key: &RunnerKey) -> Result<Option<RunnerRow>> {
        let query = self.sql(
            "select id, client, token, evidence, enrolled, heard, removed from runner \
             where digest = $1 and removed is null",
        );
        let row = query.bind(key.digest()).fetch_optional(self.readers()).await?;
        row.as_ref().map(read).transpose()
    }

    /// The runner of an id, where it was not removed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runner(&self, id: &str) -> Result<Option<RunnerRow>> {
        let query = self.sql(
            "select id, client, token, evidence, enrolled, heard, removed from runner \
             where id = $1 and removed is null",
        );
        let row = query.bind(owned(id)).fetch_optional(self.readers()).await?;
        row.as_ref().map(read).transpose()
    }

    /// Every runner that was not removed, by when it enrolled.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runners(&self) -> Result<Vec<RunnerRow>> {
        let query = self.sql(
            "select id, client, token, evidence, enrolled, heard, removed from runner \
             where removed is null order by enrolled, id",
        );
        query.fetch_all(self.readers()).await?.iter().map(read).collect()
    }

    /// Notes that a runner was heard of, and what it said of itself where it did.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn heard_of_runner(
        &self,
        id: &str,
        evidence: Option<&str>,
        now_us: i64,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql("update runner set heard = $2, evidence = coalesce($3, evidence) where id = $1")
            .bind(owned(id))
            .bind(now_us)
            .bind(opt(evidence))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes a runner: its key opens nothing any more, and what it was to run is over. Says whether there was
    /// one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_runner(&self, id: &str, by: &str, now_us: i64) -> Result<bool> {
        let mut tx = self.write().await?;
        let query = self.sql(
            "update runner set removed = $2, removed_by = $3 where id = $1 and removed is null",
        );
        let query = query.bind(owned(id)).bind(now_us).bind(owned(by));
        let gone = query.execute(&mut *tx).await?.rows_affected();
        self.sql(
            "update runner_command set state = 'over', ended = $2, text = '', input = null, \
             outcome = '{\"came\":\"lost\",\"why\":\"the runner was removed\"}' \
             where runner = $1 and state <> 'over'",
        )
        .bind(owned(id))
        .bind(now_us)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(gone == 1)
    }
}

fn read_token(row: &AnyRow) -> Result<RunnerTokenRow> {
    Ok(RunnerTokenRow {
        id: row.text(0)?,
        client: row.text(1)?,
        uses: row.int(2)?,
        used: row.int(3)?,
        expires_us: row.int(4)?,
        created_us: row.int(5)?,
        created_by: row.text(6)?,
        revoked_us: row.opt_int(7)?,
    })
}

fn read(row: &AnyRow) -> Result<RunnerRow> {
    Ok(RunnerRow {
        id: row.text(0)?,
        client: row.text(1)?,
        token: row.text(2)?,
        evidence: row.text(3)?,
        enrolled_us: row.int(4)?,
        heard_us: row.int(5)?,
        removed_us: row.opt_int(6)?,
    })
}

/// What a command's input is sealed under: nobody can put one in another's place.
fn sealed_name(run: &str) -> String {
    format!("runner-command/{run}")
}

fn opened(
    keys: &SealingKeys,
    run: &str,
    sealed: Option<(String, String)>,
) -> Result<Option<String>> {
    sealed.map(|(id, text)| keys.opened(&sealed_name(run), &id, &text)).transpose()
}
