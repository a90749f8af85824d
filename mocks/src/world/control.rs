//! ConnectWise Control's view.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{MachineNo, Mark, QueuedCommand, TenantNo};

/// ConnectWise Control's data.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Control {
    /// The spellings used in the first custom property. Control itself has no list of clients.
    pub clients: Vec<ControlClient>,
    /// Sessions.
    pub sessions: Vec<ControlSession>,
}

/// A client as Control's first custom property spells it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ControlClient {
    /// The spelling.
    pub name: String,
    /// The tenant; none for what is no customer.
    pub tenant: Option<TenantNo>,
    /// Whether nothing but a human can tell whose this is.
    pub by_hand: bool,
}

/// A Control session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ControlSession {
    /// Session id.
    pub id: Uuid,
    /// The machine; none for support sessions of machines nobody manages.
    pub machine: Option<MachineNo>,
    /// 0 Support, 1 Meeting, 2 Access.
    pub kind: u8,
    /// `Name`; mostly blank.
    pub name: String,
    /// The eight custom properties; the first is the client's name as Control spells it.
    pub properties: [String; 8],
    /// Host name as last reported.
    pub host: String,
    /// Serial as last reported.
    pub serial: String,
    /// Whether the client of this session is the one that runs on the machine today.
    pub current: bool,
    /// `IsEnded`.
    pub ended: bool,
    /// When it was made.
    pub added: DateTime<Utc>,
    /// When the guest was last connected.
    pub last_connected: DateTime<Utc>,
    /// Events (type, time, data, id), oldest first.
    pub events: Vec<ControlEvent>,
    /// Commands waiting for their answer.
    pub commands: Vec<QueuedCommand>,
    /// Bookkeeping.
    pub mark: Mark,
}

/// An event of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ControlEvent {
    /// Event id.
    pub id: Uuid,
    /// Event type (44 queued command, 70 ran command ...).
    pub kind: u16,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub host: String,
    /// What.
    pub data: String,
}
