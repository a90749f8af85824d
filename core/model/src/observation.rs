//! Observations: what was seen at a moment. They are kept beside the source records, because a
//! record holds only the latest word.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::facts::DeviceRole;

/// A source says who is, or last was, logged on at a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logon {
    /// The account as printed: a UPN, or `DOMAIN\user`.
    pub account: String,
    /// Which source said it: a connector's kind, or `whoami`.
    pub source: String,
}

/// What a script on the machine printed about the machine itself. Blank values are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// SMBIOS UUID, as printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Manufacturer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Windows' offline installation id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// When the operating system was installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_installed: Option<DateTime<Utc>>,
    /// Agent ids that the machine knows of itself: (connector kind, id), lower case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<(String, String)>,
    /// What the machine does, as Windows says it of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<DeviceRole>,
    /// Device id in the directory, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory_device: Option<String>,
}
