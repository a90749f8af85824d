//! The log of a SQLite file, worked off beside whoever writes: nobody who sends something to the hub waits for the disk.

use std::time::Duration;

use core_store::Store;

/// How often it is looked whether there is something.
const LOOK: Duration = Duration::from_millis(100);
/// The same after it failed.
const FAILED: Duration = Duration::from_secs(10);

/// Works the log off until it is dropped; ends at once where the database has none. What fails is logged.
pub async fn work_off_wal(store: Store) {
    loop {
        match store.has_wal().await {
            Ok(true) => break,
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "the log of the database is left to who writes"),
        }
        tokio::time::sleep(FAILED).await;
    }
    loop {
        let rest = match store.work_off_wal().await {
            Ok(()) => LOOK,
            Err(error) => {
                tracing::warn!(%error, "the log of the database was not worked off");
                FAILED
            }
        };
        tokio::time::sleep(rest).await;
    }
}
