//! Streams: which listings there are, and how far each was read.

use std::collections::HashMap;

use core_model::Checkpoint;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::counter::STREAM;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Columns, owned};

/// Names a stream: connection, stream and scope are unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamKey {
    /// The connection's name.
    pub connection: String,
    /// Its connector's kind.
    pub connector: String,
    /// The stream's name.
    pub stream: String,
    /// The sub-scope's id, empty where there is none.
    pub scope: String,
    /// What people call the sub-scope.
    pub scope_name: String,
}

/// What a round reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundMode {
    /// Everything; what it does not see is gone.
    Full,
    /// What changed since the settled checkpoint.
    Incremental,
}

impl RoundMode {
    /// The word in the store and in [`core_model::run::Run::mode`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RoundMode::Full => "full",
            RoundMode::Incremental => "incremental",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "full" => Ok(RoundMode::Full),
            "incremental" => Ok(RoundMode::Incremental),
            other => Err(Error::corrupt(format!("a round of mode {other:?}"))),
        }
    }
}

/// One reading of a stream from its beginning to its proven end, over as many runs as it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// What it reads.
    pub mode: RoundMode,
    /// Its number within the stream, ascending.
    pub sweep: i64,
    /// Where to go on: after the last stored page, or where an incremental round begins.
    pub checkpoint: Option<Checkpoint>,
}

/// How far a stream was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// Its id.
    pub id: i64,
    /// The round under way.
    pub round: Option<Round>,
    /// Where the next incremental round begins.
    pub settled: Option<Checkpoint>,
    /// Digest of the settings under which the checkpoints hold.
    pub fingerprint: String,
    /// When everything was first read to its end, Unix microseconds.
    pub first_full_us: Option<i64>,
    /// When everything was last read, Unix microseconds.
    pub last_full_us: Option<i64>,
    /// When a round of any mode was last finished, Unix microseconds.
    pub last_complete_us: Option<i64>,
    /// Live records.
    pub live: i64,
    /// Whether deletions of it are held.
    pub held: bool,
}

/// What a page or the end of a round finds when it locks its stream.
#[derive(Clone, Copy)]
pub(crate) struct Locked {
    pub(crate) live: i64,
    pub(crate) gone: i64,
    /// Whether deletions of it are held.
    pub(crate) held: bool,
    /// Whether records of it are in quarantine.
    pub(crate) faulty: bool,
}

const COLUMNS: &str = "select id, round_mode, sweep, round_checkpoint, settled, fingerprint, \
     last_full, last_complete, live, connection, connector, stream, scope, scope_name, first_full, \
     case when exists (select 1 from held_deletion where stream_id = stream.id) then 1 else 0 end \
     from stream";

impl Store {
    /// The stream of that name, made where there is none. A changed connector or scope name is noted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ensure_stream(&self, key: &StreamKey) -> Result<StreamState> {
        if let Some((known, state)) = self.find_stream(key).await?
            && known == *key
        {
            return Ok(state);
        }
        let mut tx = self.write_again().await?;
        // The counter's lock lets one of several at a time look and insert.
        self.take(&mut tx, STREAM, 0).await?;
        let known = self
            .sql(
                "update stream set connector = $4, scope_name = $5 \
                 where connection = $1 and stream = $2 and scope = $3",
            )
            .bind(owned(&key.connection))
            .bind(owned(&key.stream))
            .bind(owned(&key.scope))
            .bind(owned(&key.connector))
            .bind(owned(&key.scope_name))
            .execute(&mut *tx)
            .await?;
        if known.rows_affected() == 0 {
            let id = self.take(&mut tx, STREAM, 1).await?;
            self.sql(
                "insert into stream (id, connection, connector, stream, scope, scope_name, sweep, \
                 round_gone, fingerprint, live) values ($1, $2, $3, $4, $5, $6, 0, 0, '', 0)",
            )
            .bind(id)
            .bind(owned(&key.connection))
            .bind(owned(&key.connector))
            .bind(owned(&key.stream))
            .bind(owned(&key.scope))
            .bind(owned(&key.scope_name))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        let found = self.find_stream(key).await?;
        found.map(|(_, state)| state).ok_or_else(|| {
            Error::not_found(format!("stream {}/{}/{}", key.connection, key.stream, key.scope))
        })
    }

    /// Every stream, by connection, name and scope.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn streams(&self) -> Result<Vec<(StreamKey, StreamState)>> {
        let text = format!("{COLUMNS} order by connection, stream, scope");
        let query = sqlx::query(sqlx::AssertSqlSafe(text));
        query.fetch_all(self.readers()).await?.iter().map(read).collect()
    }

    /// When a round of any stream of a connection was last finished, Unix microseconds.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_read(&self, connection: &str) -> Result<Option<i64>> {
        let text = "select max(last_complete) from stream where connection = $1";
        self.sql(text).bind(owned(connection)).fetch_one(self.readers()).await?.opt_int(0)
    }

    /// Begins a round; one under way is given up. An incremental round starts at the settled
    /// checkpoint, a full one at none.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such stream.
    pub async fn begin_round(
        &self,
        stream_id: i64,
        mode: RoundMode,
        fingerprint: &str,
    ) -> Result<Round> {
        let mut tx = self.write_again().await?;
        let row = self
            .sql(
                "update stream set sweep = sweep + 1, round_mode = $2, round_gone = 0, \
                 round_checkpoint = case when $2 = 'incremental' then settled else null end, \
                 fingerprint = $3 where id = $1 returning sweep, round_checkpoint",
            )
            .bind(stream_id)
            .bind(mode.as_str())
            .bind(owned(fingerprint))
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| Error::not_found(format!("stream number {stream_id}")))?;
        self.clear_sweep(&mut tx, stream_id).await?;
        tx.commit().await?;
        let checkpoint = row.opt_text(1)?.map(Checkpoint::new);
        Ok(Round { mode, sweep: row.int(0)?, checkpoint })
    }

    /// Forgets how far the stream was read, so that the next round reads everything. Records stay.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such stream.
    pub async fn forget_checkpoints(&self, stream_id: i64) -> Result<()> {
        let mut tx = self.write().await?;
        let known = self
            .sql(
                "update stream set settled = null, round_mode = null, round_checkpoint = null, \
                 round_gone = 0 where id = $1",
            )
            .bind(stream_id)
            .execute(&mut *tx)
            .await?;
        if known.rows_affected() == 0 {
            return Err(Error::not_found(format!("stream number {stream_id}")));
        }
        self.clear_sweep(&mut tx, stream_id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes the checkpoint of a round under way and locks its stream until the commit.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another round was begun meanwhile: this one's process has lost.
    pub(crate) async fn lock_round(
        &self,
        tx: &mut AnyConnection,
        (stream, round): (i64, &Round),
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Locked> {
        let row = self
            .sql(
                "update stream set round_checkpoint = coalesce($3, round_checkpoint) \
                 where id = $1 and sweep = $2 and round_mode = $4 returning live, round_gone",
            )
            .bind(stream)
            .bind(round.sweep)
            .bind(checkpoint.map(|checkpoint| owned(checkpoint.as_str())))
            .bind(round.mode.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else {
            self.lock_stream(tx, stream).await?;
            let constraint = format!("round {} of the stream is under way", round.sweep);
            return Err(Error::Conflict { constraint });
        };
        // A statement of its own: on PostgreSQL one that waited for the lock sees what was before.
        let others = self
            .sql(
                "select case when exists (select 1 from held_deletion where stream_id = $1) \
                 then 1 else 0 end, case when exists (select 1 from quarantine where stream_id = $1) \
                 then 1 else 0 end",
            )
            .bind(stream)
            .fetch_one(&mut *tx)
            .await?;
        let (held, faulty) = (others.int(0)? != 0, others.int(1)? != 0);
        Ok(Locked { live: row.int(0)?, gone: row.int(1)?, held, faulty })
    }

    /// Locks a stream until the commit; gives its number of live records.
    pub(crate) async fn lock_stream(&self, tx: &mut AnyConnection, stream: i64) -> Result<i64> {
        let query = self.sql("update stream set live = live where id = $1 returning live");
        let row = query.bind(stream).fetch_optional(tx).await?;
        row.ok_or_else(|| Error::not_found(format!("stream number {stream}")))?.int(0)
    }

    /// Adds to what a stream counts.
    pub(crate) async fn count_live(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        (live, round_gone): (i64, i64),
    ) -> Result<()> {
        if (live, round_gone) != (0, 0) {
            self.sql(
                "update stream set live = live + $2, round_gone = round_gone + $3 where id = $1",
            )
            .bind(stream)
            .bind(live)
            .bind(round_gone)
            .execute(tx)
            .await?;
        }
        Ok(())
    }

    /// Every stream's name by its id.
    pub(crate) async fn stream_names(
        &self,
        on: &mut AnyConnection,
    ) -> Result<HashMap<i64, StreamKey>> {
        let rows = sqlx::query(COLUMNS).fetch_all(on).await?;
        rows.iter().map(|row| Ok((row.int(0)?, read_key(row)?))).collect()
    }

    pub(crate) async fn clear_sweep(&self, tx: &mut AnyConnection, stream: i64) -> Result<()> {
        self.sql("delete from sweep_page where stream_id = $1").bind(stream).execute(tx).await?;
        Ok(())
    }

    async fn find_stream(&self, key: &StreamKey) -> Result<Option<(StreamKey, StreamState)>> {
        let text = format!("{COLUMNS} where connection = $1 and stream = $2 and scope = $3");
        let query = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(owned(&key.connection))
            .bind(owned(&key.stream))
            .bind(owned(&key.scope));
        query.fetch_optional(self.readers()).await?.as_ref().map(read).transpose()
    }
}

fn read(row: &AnyRow) -> Result<(StreamKey, StreamState)> {
    let round = match row.opt_text(1)? {
        Some(mode) => Some(Round {
            mode: RoundMode::parse(&mode)?,
            sweep: row.int(2)?,
            checkpoint: row.opt_text(3)?.map(Checkpoint::new),
        }),
        None => None,
    };
    let state = StreamState {
        id: row.int(0)?,
        round,
        settled: row.opt_text(4)?.map(Checkpoint::new),
        fingerprint: row.text(5)?,
        first_full_us: row.opt_int(14)?,
        last_full_us: row.opt_int(6)?,
        last_complete_us: row.opt_int(7)?,
        live: row.int(8)?,
        held: row.int(15)? != 0,
    };
    Ok((read_key(row)?, state))
}

fn read_key(row: &AnyRow) -> Result<StreamKey> {
    Ok(StreamKey {
        connection: row.text(9)?,
        connector: row.text(10)?,
        stream: row.text(11)?,
        scope: row.text(12)?,
        scope_name: row.text(13)?,
    })
}
