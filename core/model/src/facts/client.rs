//! Facts about customers and their places.

use serde::{Deserialize, Serialize};

use super::is_default;

/// Names the same customer in another system. Two clients that carry the same reference, or of
/// which one carries the other's own, are the same customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reference {
    /// Which system: a connector's kind (`cw-automate`, `halopsa`), `directory` (the id is a
    /// directory's GUID) or `cw-manage` (the id is a company id).
    pub system: String,
    /// The id there, as text, lower case.
    pub id: String,
}

/// A customer as one connection names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientFacts {
    /// Its name.
    pub name: String,
    /// Other names it carries (trading name, display name of the directory).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_names: Vec<String>,
    /// Its default domain, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_domain: Option<String>,
    /// All its domains, lower case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// Cross-references that the record carries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// The vendor calls it inactive.
    #[serde(skip_serializing_if = "is_default")]
    pub inactive: bool,
    /// It is a placeholder ("Unknown") and stands for nobody.
    #[serde(skip_serializing_if = "is_default")]
    pub placeholder: bool,
    /// It is the operator himself (the partner's own directory).
    #[serde(skip_serializing_if = "is_default")]
    pub operator: bool,
    /// IANA time zone, where the vendor knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// A source says that one of its clients is a directory's tenant (Halo's Azure tenant map).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientLinkFacts {
    /// The key of the client, in the same connection.
    pub client: String,
    /// What it is elsewhere.
    pub reference: Reference,
}

/// A place of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SiteFacts {
    /// Its name.
    pub name: String,
    /// IANA time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The vendor calls it inactive.
    #[serde(skip_serializing_if = "is_default")]
    pub inactive: bool,
}
