//! The write-ahead log of SQLite, worked off beside those who write. Where nobody does that, whoever commits when the log
//! has grown does it, and waits for the disk: a tenth of a second and more, in which nobody else can write.

use sqlx::{Any, Executor};

use crate::error::Result;
use crate::open::{Backend, Store};
use crate::sql::Columns;

/// So many pages (of 8 KiB) may be in the log alone.
const WAITING: i64 = 512;
/// From so many on the log is to begin anew at its front; until then it only grows.
const LONG: i64 = 2048;

const LOOK: &str = "pragma wal_checkpoint(noop)";
const WORK: &str = "pragma wal_checkpoint(passive)";

/// Pages in the log, and how many of them are in the database too.
#[derive(Clone, Copy)]
struct Log {
    pages: i64,
    done: i64,
}

impl Log {
    fn waiting(self) -> i64 {
        self.pages - self.done
    }
}

impl Store {
    /// Whether there is such a log, for [`Store::work_off_wal`] to be called again and again, several times a second.
    /// Where nobody does, whoever writes works it off when it has grown to 128 MB.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_wal(&self) -> Result<bool> {
        if self.backend() == Backend::Postgres {
            return Ok(false);
        }
        // In memory there is none.
        Ok(checkpoint(self.readers(), LOOK).await?.pages >= 0)
    }

    /// Writes what waits in the log into the database. Writers go on meanwhile; only for what came at the last they wait,
    /// so that the next of them can begin the log anew.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn work_off_wal(&self) -> Result<()> {
        let mut log = checkpoint(self.readers(), LOOK).await?;
        if log.waiting() >= WAITING {
            log = checkpoint(self.readers(), WORK).await?;
        }
        // Where nothing waits, the next one who writes begins anew.
        if log.pages < LONG || log.waiting() == 0 {
            return Ok(());
        }
        // What was written meanwhile is far less, and what is written during this less again. Where it is not, a reader
        // needs what is in the database, and nobody can do anything.
        let log = checkpoint(self.readers(), WORK).await?;
        if log.waiting() < WAITING {
            checkpoint(self.writer(), WORK).await?;
        }
        Ok(())
    }
}

async fn checkpoint(on: impl Executor<'_, Database = Any>, how: &'static str) -> Result<Log> {
    let row = sqlx::query(how).fetch_one(on).await?;
    Ok(Log { pages: row.int(1)?, done: row.int(2)? })
}
