//! Who is asked about tickets, and about what systems send by themselves.

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Refusal, Sent, Taken};
use core_daemon::Metrics;
use core_model::id::AgentId;
use core_model::ticket::TicketView;
use tokio::sync::Notify;

use crate::{Exception, TechnicianTools, Unanswered, Understands};

/// Who is asked about tickets, and about what systems send by themselves.
pub struct Desk {
    /// About tickets.
    pub technician: Arc<dyn TechnicianTools>,
    /// About what systems send.
    pub understands: Arc<dyn Understands>,
    /// Is told that something was sent.
    pub came: Arc<Notify>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Desk {
    /// That of a hub which looks up no tickets and takes nothing that anybody sends.
    #[must_use]
    pub fn closed() -> Self {
        let nobody = Arc::new(Nobody);
        Self {
            technician: Arc::clone(&nobody) as _,
            understands: nobody,
            came: Arc::default(),
            metrics: Arc::default(),
        }
    }
}

struct Nobody;

#[async_trait]
impl TechnicianTools for Nobody {
    fn framed_by(&self, _connection: &str) -> Option<String> {
        None
    }

    async fn ticket(&self, _: &str, _: &str) -> Result<Option<TicketView>, Unanswered> {
        Ok(None)
    }

    async fn except(&self, _wanted: Exception<'_>) -> Result<String, Unanswered> {
        Err(nothing())
    }

    async fn join(&self, _agent: AgentId) -> Result<String, Unanswered> {
        Err(nothing())
    }
}

impl Understands for Nobody {
    fn take(&self, _connection: &str, _sent: &Sent<'_>) -> Option<Result<Taken, Refusal>> {
        None
    }
}

fn nothing() -> Unanswered {
    let (what, remedy) = ("nothing is done here".to_owned(), "ask another hub".to_owned());
    Unanswered { wrong: true, what, remedy, ..Unanswered::default() }
}
