//! Links that join the session of a machine in the technician's browser.

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Error, ErrorKind, OpenSession, Result, SessionLink};
use core_http::{Answer, decode};
use serde_json::json;

use crate::client::{Api, session_id};
use crate::listing::rows;
use crate::wire::Session;

/// Opens the sessions of a server.
pub(crate) struct Links(Arc<Api>);

impl Links {
    pub(crate) fn new(api: &Arc<Api>) -> Self {
        Self(Arc::clone(api))
    }
}

#[async_trait]
impl OpenSession for Links {
    async fn open(&self, agent: &str) -> Result<SessionLink> {
        let id = session_id(agent)?;
        let request = self.0.method("GetSessionBySessionID", &[json!(id)]).repeatable();
        let there = |answer: &Answer| {
            let mut found = false;
            for row in rows(answer)? {
                let session = decode::row::<Session>(row, |_| None);
                found |= session.is_ok_and(|one| one.id == id && !one.is_ended.unwrap_or_default());
            }
            Ok(found)
        };
        // As with the list: a busy server finds nothing at the first attempt.
        if !(self.0.http.call(&request, there).await? || self.0.http.call(&request, there).await?) {
            let detail = format!("there is no session {id}, or it was ended");
            return Err(Error::new(ErrorKind::NotFound, &request.operation, detail));
        }
        let mut link =
            self.0.base.join("Host").map_err(|error| {
                Error::new(ErrorKind::Config, "setting `url`", error.to_string())
            })?;
        link.set_fragment(Some(&format!("Access/All%20Machines//{id}/Join")));
        Ok(SessionLink::new(&link))
    }
}
