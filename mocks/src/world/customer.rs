//! Customers as they really are.

use serde::{Deserialize, Serialize};

use super::{DirectoryNo, Mark};

/// A customer of the MSP, as it really is. Tenant 0 is the MSP itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tenant {
    /// Its legal name, spelt right.
    pub name: String,
    /// Its main e-mail domain.
    pub domain: String,
    /// IANA zone.
    pub time_zone: String,
    /// The directory its people are in.
    pub directory: Option<DirectoryNo>,
    /// The domain that its machines are in (DNS, NetBIOS), where no directory is synced from it.
    #[serde(default)]
    pub windows_domain: Option<(String, String)>,
    /// Whether this is the MSP itself.
    pub operator: bool,
    /// Bookkeeping.
    pub mark: Mark,
}
