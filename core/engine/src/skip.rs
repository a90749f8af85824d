//! Sessions that do not wait for whom they are for.

use std::sync::Arc;

use core_maintenance::{Half, Result};
use core_model::library::{OfflineBehaviour, SubjectId};
use core_model::session::Session;
use core_sync::Hub;

use crate::desk::book;
use crate::ways;

/// Why a session ends before anything is sent: its computer is away at its time, and it is not to wait for it. What
/// was begun to be changed is gone on with in any case.
pub(crate) async fn skipped(hub: &Arc<Hub>, session: &Session) -> Result<Option<String>> {
    let SubjectId::Computer(computer) = session.subject else { return Ok(None) };
    if session.offline != Some(OfflineBehaviour::Skip) {
        return Ok(None);
    }
    let lines = hub.store.session_lines(session.id, 0).await.map_err(book)?;
    if lines.iter().any(|line| line.half == Half::Act.as_str()) {
        return Ok(None);
    }
    // Where nobody knows whether it is there, it is tried.
    let ways = ways::ways(hub, computer, None).await?;
    if ways.iter().any(|way| way.online != Some(false)) {
        return Ok(None);
    }
    Ok(Some(format!("skipped: {} was away at its time", session.subject_name)))
}
