//! The end of a round. Absence is deletion only here: after a full round was read to its proven end,
//! and only as far as the guard allows. What the guard stops stays live, and waits for somebody who
//! agrees.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use core_model::{Checkpoint, RecordKind};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::hash;
use crate::open::Store;
use crate::page::{ComparedPage, Name, PageCommit, by_kind};
use crate::sql::{Argument, Columns, Select, clean, count, limit, list};
use crate::stream::{Locked, Round, RoundMode, StreamKey};

/// Says among the digests of a round that some of them are of a record that could not be used, which
/// stands there under every kind. It is the least of them.
const REJECTED: u128 = 0;

/// Pages that are read at once.
const PAGES: usize = 8;
/// Names that are read at once.
const NAMES: usize = 20_000;

/// A round that was read to its proven end.
#[derive(Clone, Copy, Debug)]
pub struct FinishRound<'a> {
    /// The stream's id.
    pub stream: i64,
    /// The round.
    pub round: &'a Round,
    /// Where the next incremental round begins.
    pub settled: Option<&'a Checkpoint>,
    /// How much may go.
    pub guard: Guard,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

/// Stops a deletion that is more than `max_percent` of the live records *and* more than `max_count`;
/// and one of everything, however little that is, when the round read nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Percent of the stream's live records.
    pub max_percent: u8,
    /// Records.
    pub max_count: u64,
    /// Somebody agreed: nothing is stopped.
    pub accept: bool,
}

/// What the end of a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundOutcome {
    /// Records that are gone now.
    pub gone: u64,
    /// Records of the stream whose deletion is held.
    pub held: u64,
    /// Live records of the stream.
    pub live: i64,
}

/// Deletions of a stream that are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The stream.
    pub stream: StreamKey,
    /// Its id.
    pub stream_id: i64,
    /// How many.
    pub count: u64,
    /// Since when the oldest is held, Unix microseconds.
    pub since_us: i64,
    /// Some of the keys.
    pub sample: Vec<String>,
}

impl Guard {
    /// Whether a deletion of so many of the live records is stopped.
    #[must_use]
    pub fn stops(self, missing: u64, live: u64, nothing_read: bool) -> bool {
        let too_many = missing > self.max_count
            && missing.saturating_mul(100) > live.saturating_mul(u64::from(self.max_percent));
        !self.accept && missing > 0 && (nothing_read || too_many)
    }
}

impl Store {
    /// Ends a round: in a full one, what was not seen is gone or held; its checkpoint settles.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the round is over or another was begun meanwhile.
    pub async fn finish_round(&self, finish: FinishRound<'_>) -> Result<RoundOutcome> {
        let stream = finish.stream;
        let mut tx = self.write_again().await?;
        let locked = self.lock_round(&mut tx, (stream, finish.round), None).await?;
        let (gone, held) = match finish.round.mode {
            RoundMode::Full => self.sweep(&mut tx, &finish, locked).await?,
            RoundMode::Incremental if finish.guard.accept => {
                (self.apply_held(&mut tx, stream, finish.now_us).await?, locked.held)
            }
            RoundMode::Incremental => (0, locked.held),
        };
        self.settle(&mut tx, &finish, locked).await?;
        let held = if held { self.count_held(&mut tx, stream).await? } else { 0 };
        tx.commit().await?;
        // A round is far smaller than what this type holds.
        Ok(RoundOutcome { gone, held, live: locked.live - gone as i64 })
    }

    /// Applies the held deletions of a stream; gives how many records are gone.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such stream.
    pub async fn accept_held(&self, stream_id: i64, now_us: i64) -> Result<u64> {
        let mut tx = self.write().await?;
        self.lock_stream(&mut tx, stream_id).await?;
        let gone = self.apply_held(&mut tx, stream_id, now_us).await?;
        tx.commit().await?;
        Ok(gone)
    }

    /// The held deletions of every stream, with some of the keys.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn held(&self) -> Result<Vec<Held>> {
        let mut tx = self.snapshot().await?;
        let mut names = self.stream_names(&mut tx).await?;
        let rows = self
            .sql(
                "select stream_id, key, held, since from (select stream_id, key, \
                 count(*) over (partition by stream_id) as held, \
                 min(since) over (partition by stream_id) as since, \
                 row_number() over (partition by stream_id order by kind, key) as place \
                 from held_deletion) as each_held where place <= 5 order by stream_id, place",
            )
            .fetch_all(&mut *tx)
            .await?;
        tx.rollback().await?;
        let mut all: Vec<Held> = Vec::new();
        for row in &rows {
            let (id, key) = (row.int(0)?, row.text(1)?);
            match all.last_mut().filter(|held| held.stream_id == id) {
                Some(held) => held.sample.push(key),
                None => all.push(Held {
                    stream: names.remove(&id).ok_or_else(|| Error::corrupt("a held deletion"))?,
                    stream_id: id,
                    count: count(row.int(2)?),
                    since_us: row.int(3)?,
                    sample: vec![key],
                }),
            }
        }
        all.sort_by(|a, b| a.stream.cmp(&b.stream));
        Ok(all)
    }

    /// Notes what a page of a full round has seen. A record that cannot be used is there all the
    /// same, so it is not gone; of which kind it is nobody knows.
    pub(crate) async fn note_seen(
        &self,
        tx: &mut AnyConnection,
        page: &PageCommit<'_>,
        compared: &ComparedPage<'_>,
    ) -> Result<()> {
        let mut digests: Vec<u8> = Vec::new();
        if page.round.mode == RoundMode::Full {
            for one in compared.iter() {
                digests.extend(digest(one.kind().as_str(), &one.key).to_le_bytes());
            }
            for key in page.rejected.iter().filter_map(|rejected| rejected.key.as_deref()) {
                digests.extend(REJECTED.to_le_bytes());
                for kind in RecordKind::ALL {
                    digests.extend(digest(kind.as_str(), &clean(key)).to_le_bytes());
                }
            }
        }
        if digests.is_empty() {
            return Ok(());
        }
        // The page is named by what is in it, so that storing it again adds nothing.
        self.sql(
            "insert into sweep_page (stream_id, page, digests) values ($1, $2, $3) \
             on conflict (stream_id, page) do nothing",
        )
        .bind(page.stream)
        .bind(xxh3_64(&digests).cast_signed())
        .bind(BASE64.encode(&digests))
        .execute(tx)
        .await?;
        Ok(())
    }

    /// A record that is read again is not held any more.
    pub(crate) async fn end_holds(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        compared: &ComparedPage<'_>,
    ) -> Result<()> {
        for (kind, keys) in compared.keys() {
            self.sql(
                "delete from held_deletion where stream_id = $1 and kind = $2 and key in list($3)",
            )
            .bind(stream)
            .bind(kind.as_str())
            .bind(list(keys))
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }

    /// Takes away what a full round did not see, or holds it; says how many are gone, and whether any are
    /// held.
    async fn sweep(
        &self,
        tx: &mut AnyConnection,
        finish: &FinishRound<'_>,
        locked: Locked,
    ) -> Result<(u64, bool)> {
        let live = locked.live;
        let (stream, now_us) = (finish.stream, finish.now_us);
        let seen = self.seen(tx, stream, live).await?;
        let missing = if is_all(&seen, locked) {
            Vec::new()
        } else {
            self.missing(tx, stream, &seen).await?
        };
        let held = finish.guard.stops(missing.len() as u64, count(live), seen.is_empty());
        if held {
            self.hold(tx, stream, &missing, now_us).await?;
            // Earlier holds of records that are there after all ended when their page was stored.
            return Ok((0, true));
        }
        self.remove_records(tx, stream, &missing, now_us).await?;
        self.count_live(tx, stream, (-(missing.len() as i64), 0)).await?;
        if locked.held {
            self.sql("delete from held_deletion where stream_id = $1")
                .bind(stream)
                .execute(&mut *tx)
                .await?;
        }
        Ok((missing.len() as u64, false))
    }

    async fn count_held(&self, tx: &mut AnyConnection, stream: i64) -> Result<u64> {
        let query = self.sql("select count(*) from held_deletion where stream_id = $1");
        Ok(count(query.bind(stream).fetch_one(tx).await?.int(0)?))
    }

    /// The digests of everything that the round has seen, sorted, each once. They are read at its end, a few pages at a
    /// time, and no more after that.
    async fn seen(&self, tx: &mut AnyConnection, stream: i64, live: i64) -> Result<Vec<u128>> {
        let mut seen = Vec::with_capacity(usize::try_from(live).unwrap_or_default());
        let mut next = Some(i64::MIN);
        while let Some(from) = next {
            let text = "select page, digests from sweep_page where stream_id = $1 and page >= $2 \
                        order by page limit $3";
            let query = self.sql(text).bind(stream).bind(from).bind(limit(PAGES));
            let pages = query.fetch_all(&mut *tx).await?;
            for row in &pages {
                let bytes = BASE64
                    .decode(row.text(1)?)
                    .map_err(|error| Error::corrupt(format!("a page of a round: {error}")))?;
                let (digests, _) = bytes.as_chunks();
                seen.extend(digests.iter().map(|digest| u128::from_le_bytes(*digest)));
            }
            let last = pages.last().map(|row| row.int(0)).transpose()?;
            next = last.and_then(|last| last.checked_add(1));
        }
        self.clear_sweep(tx, stream).await?;
        seen.sort_unstable();
        seen.dedup();
        Ok(seen)
    }

    /// The live records that the round has not seen.
    async fn missing(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        seen: &[u128],
    ) -> Result<Vec<Name>> {
        let mut unseen: Vec<Name> = Vec::new();
        let mut last = (String::new(), String::new());
        loop {
            // Names alone come from the index; whether one is gone already is looked up below.
            let mut select = Select::new("select kind, key from source_record");
            select.push(
                " where stream_id = {} and (kind, key) > ({}, {}) order by kind, key limit {}",
                [
                    Argument::Int(stream),
                    Argument::Text(last.0.clone()),
                    Argument::Text(last.1.clone()),
                    Argument::Int(limit(NAMES)),
                ],
            );
            let names = self.packed(&mut *tx, 2, select).await?;
            let mut read = 0;
            for row in names.rows() {
                read += 1;
                last = (row.text(0)?, row.text(1)?);
                if seen.binary_search(&digest(&last.0, &last.1)).is_err() {
                    unseen.push((parse_kind(&last.0)?, last.1.clone()));
                }
            }
            if read < NAMES {
                break;
            }
        }
        self.live(tx, stream, unseen).await
    }

    /// Those of these records that are not gone.
    async fn live(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        names: Vec<Name>,
    ) -> Result<Vec<Name>> {
        let mut live = Vec::new();
        for part in names.chunks(NAMES) {
            for (kind, keys) in by_kind(part.iter().map(|(kind, key)| (*kind, key.as_str()))) {
                let what = (["key", "gone_since"], "source_record");
                for row in self.named(&mut *tx, what, (stream, kind), keys).await?.rows() {
                    if row.opt_int(1)?.is_none() {
                        live.push((kind, row.text(0)?));
                    }
                }
            }
        }
        live.sort_unstable();
        Ok(live)
    }

    async fn apply_held(&self, tx: &mut AnyConnection, stream: i64, now_us: i64) -> Result<u64> {
        let rows = self
            .sql(
                "select h.kind, h.key from held_deletion h join source_record r \
                 on r.stream_id = h.stream_id and r.kind = h.kind and r.key = h.key \
                 where h.stream_id = $1 and r.gone_since is null order by h.kind, h.key",
            )
            .bind(stream)
            .fetch_all(&mut *tx)
            .await?;
        let names: Vec<Name> = rows.iter().map(read_name).collect::<Result<_>>()?;
        self.remove_records(tx, stream, &names, now_us).await?;
        self.count_live(tx, stream, (-(names.len() as i64), 0)).await?;
        self.sql("delete from held_deletion where stream_id = $1")
            .bind(stream)
            .execute(&mut *tx)
            .await?;
        Ok(names.len() as u64)
    }

    async fn settle(
        &self,
        tx: &mut AnyConnection,
        finish: &FinishRound<'_>,
        locked: Locked,
    ) -> Result<()> {
        let (stream, round) = (finish.stream, finish.round);
        if round.mode == RoundMode::Full {
            self.forget_pages(tx, stream, round.sweep).await?;
        }
        self.sql(
            "update stream set settled = $2, last_complete = $3, \
             last_full = case when round_mode = 'full' then $3 else last_full end, \
             first_full = case when round_mode = 'full' then coalesce(first_full, $3) else first_full end, \
             round_mode = null, round_checkpoint = null, round_gone = 0 where id = $1",
        )
        .bind(stream)
        .bind(finish.settled.map(|checkpoint| checkpoint.as_str().to_owned()))
        .bind(finish.now_us)
        .execute(&mut *tx)
        .await?;
        if round.mode == RoundMode::Full && locked.faulty {
            // What a full round did not find fault with again is mended, or is no longer there.
            self.sql("delete from quarantine where stream_id = $1 and sweep < $2")
                .bind(stream)
                .bind(round.sweep)
                .execute(tx)
                .await?;
        }
        Ok(())
    }
}

/// Whether a round that has seen these has seen every live record, as the numbers say: none of what it
/// saw was unusable or was taken away again, so all of it is live; and there are no more. Most rounds
/// end so, and need not read every name.
fn is_all(seen: &[u128], locked: Locked) -> bool {
    let usable = seen.first() != Some(&REJECTED);
    usable && locked.gone == 0 && count(locked.live) == seen.len() as u64
}

pub(crate) fn parse_kind(kind: &str) -> Result<RecordKind> {
    RecordKind::parse(kind).ok_or_else(|| Error::corrupt(format!("a record of kind {kind:?}")))
}

fn read_name(row: &AnyRow) -> Result<Name> {
    Ok((parse_kind(&row.text(0)?)?, row.text(1)?))
}

pub(crate) fn digest(kind: &str, key: &str) -> u128 {
    hash::of(&[kind, "\0", key])
}
