//! Stops: somebody, or a ring that failed too often, says that nothing more is changed. What is under way is ended,
//! what waits is held and not lost.

use serde::{Deserialize, Serialize};

use crate::id::DeploymentId;
use crate::session::Session;

/// What is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// A deployment, by its id: nothing is changed for its sake.
    Deployment,
    /// A schedule, by its name: its sessions.
    Schedule,
    /// A tenant, by its id: its sessions.
    Tenant,
    /// Every session.
    Everything,
}

impl StopKind {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[Self::Deployment, Self::Schedule, Self::Tenant, Self::Everything];

    /// The word in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Schedule => "schedule",
            Self::Tenant => "tenant",
            Self::Everything => "everything",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

/// A stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// What kind.
    pub kind: StopKind,
    /// Which one: an id, or a schedule's name; empty where it is everything.
    pub key: String,
    /// What it was called then.
    pub name: String,
    /// Who stopped it.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// When, Unix microseconds.
    pub at_us: i64,
    /// The version of a deployment that a ring halted. Another version is not stopped by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Stop {
    /// Whether a whole session waits for it.
    #[must_use]
    pub fn holds(&self, session: &Session) -> bool {
        match self.kind {
            StopKind::Everything => true,
            StopKind::Tenant => self.key == session.tenant.to_string(),
            StopKind::Schedule => session.schedule.as_deref() == Some(self.key.as_str()),
            StopKind::Deployment => session.deployment.is_some_and(|id| self.is_of(id)),
        }
    }

    /// Whether nothing is changed for a deployment's sake.
    #[must_use]
    pub fn is_of(&self, deployment: DeploymentId) -> bool {
        self.kind == StopKind::Deployment && self.key == deployment.to_string()
    }

    /// "tenant Contoso is stopped by ana: the line is down".
    #[must_use]
    pub fn words(&self) -> String {
        let what = match self.kind {
            StopKind::Everything => "everything".to_owned(),
            kind => format!("{} {}", kind.as_str(), self.name),
        };
        match self.reason.as_str() {
            "" => format!("{what} is stopped by {}", self.by),
            reason => format!("{what} is stopped by {}: {reason}", self.by),
        }
    }
}

/// Why a session waits, by the first stop that holds it.
#[must_use]
pub fn held(stops: &[Stop], session: &Session) -> Option<String> {
    stops.iter().find(|stop| stop.holds(session)).map(Stop::words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ComputerId, TenantId};

    fn stop(kind: StopKind, key: &str) -> Stop {
        let text = |text: &str| text.to_owned();
        Stop {
            kind,
            key: text(key),
            name: text("Nightly"),
            by: text("ana"),
            reason: String::new(),
            at_us: 1,
            version: None,
        }
    }

    #[test]
    fn a_stop_holds_what_it_names_and_nothing_else() {
        let tenant = TenantId::of_text("contoso", 1);
        let deployment = DeploymentId::of_text("reader", 1);
        let plain = Session::asked(tenant, ComputerId::of_text("pc", 1), "PC", "Maintenance", 1);
        let planned = Session { schedule: Some("nightly".to_owned()), ..plain.clone() };
        let named = Session { deployment: Some(deployment), ..plain.clone() };
        for (stop, holds) in [
            (stop(StopKind::Everything, ""), [true, true, true]),
            (stop(StopKind::Tenant, &tenant.to_string()), [true, true, true]),
            (stop(StopKind::Tenant, "ten_other"), [false, false, false]),
            (stop(StopKind::Schedule, "nightly"), [false, true, false]),
            (stop(StopKind::Deployment, &deployment.to_string()), [false, false, true]),
        ] {
            let found = [&plain, &planned, &named].map(|session| stop.holds(session));
            assert_eq!(found, holds, "{stop:?}");
        }
        let one = stop(StopKind::Schedule, "nightly");
        assert_eq!(held(std::slice::from_ref(&one), &plain), None);
        assert_eq!(held(&[one], &planned).unwrap(), "schedule Nightly is stopped by ana");
        for kind in StopKind::ALL {
            assert_eq!(StopKind::parse(kind.as_str()), Some(*kind));
        }
    }
}
