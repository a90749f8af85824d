//! Facts about what was sold: agreements, their lines, products.

use serde::{Deserialize, Serialize};

use super::is_default;
use crate::dates::DateRange;

/// A quantity in thousandths, so that it compares exactly. Written as a decimal number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity {
    /// Thousandths of one.
    pub thousandths: i64,
}

impl Quantity {
    /// From a vendor's number, rounded to thousandths; `None` where it is no finite number or too
    /// large to be a quantity.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        let thousandths = (value * 1000.0).round();
        #[expect(clippy::cast_possible_truncation, reason = "checked to be within i64")]
        (thousandths.is_finite() && thousandths.abs() < 9.0e15)
            .then_some(Self { thousandths: thousandths as i64 })
    }

    /// Whether it is nothing, or less.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self.thousandths <= 0
    }

    #[expect(clippy::cast_precision_loss, reason = "below 2^53 by construction")]
    fn as_f64(self) -> f64 {
        self.thousandths as f64 / 1000.0
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.as_f64())
    }
}

impl Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.thousandths % 1000 == 0 {
            serializer.serialize_i64(self.thousandths / 1000)
        } else {
            serializer.serialize_f64(self.as_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Self::from_f64(value).ok_or_else(|| serde::de::Error::custom("no quantity"))
    }
}

/// What the vendor says about an agreement beside its dates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgreementState {
    /// In use.
    #[default]
    Active,
    /// Not agreed yet.
    Draft,
    /// Switched off.
    Inactive,
    /// Over.
    Expired,
    /// Ended before its time.
    Cancelled,
}

/// Which computers an agreement covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// All of the client's.
    #[default]
    All,
    /// The assets with these keys, and no others.
    Assets(Vec<String>),
}

/// A contract of a client with the MSP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgreementFacts {
    /// What people call it.
    pub name: String,
    /// Its type ("Managed Services").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_type: Option<String>,
    /// When it holds.
    pub dates: DateRange,
    /// What else the vendor says.
    pub state: AgreementState,
    /// Which computers it covers.
    pub coverage: Coverage,
    /// Keys of the contacts it covers, where it names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
}

/// A product on an agreement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgreementLineFacts {
    /// Key of the agreement; none for a line that hangs on no contract.
    pub agreement: Option<String>,
    /// Key of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many were sold.
    pub quantity: Quantity,
    /// When it holds.
    pub dates: DateRange,
    /// The line or its invoice is switched off.
    #[serde(skip_serializing_if = "is_default")]
    pub inactive: bool,
}

/// What is sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProductFacts {
    /// Name.
    pub name: String,
    /// Billed again and again.
    #[serde(skip_serializing_if = "is_default")]
    pub recurring: bool,
    /// The vendor calls it inactive.
    #[serde(skip_serializing_if = "is_default")]
    pub inactive: bool,
}
