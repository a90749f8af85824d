//! Faults by name and rate: what can go wrong between a client and a vendor.
//!
//! Some faults happen instead of an answer; the vendor's face says how they look there
//! ([`Vendor::failure`](crate::vendor::Vendor::failure)). The others spoil an answer the face has
//! given, in a way that is the same for all vendors. Sign-in is left alone unless a rule's `path`
//! names it, and so is `/_estate`.

use serde::{Deserialize, Serialize};

use crate::vendor::Face;

mod engine;
mod moved;
mod rows;
mod spoil;

pub use self::engine::{Faults, Fired};
pub(crate) use self::spoil::{Spoilt, spoil};

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 429 with `Retry-After` in whole seconds (one).
    Throttled,
    /// 429 with a decimal `Retry-After` (`1.128`).
    ThrottledDecimal,
    /// 429 without `Retry-After`.
    ThrottledBare,
    /// 503 with the gateway's HTML body.
    Unavailable,
    /// 500 in the vendor's shape.
    ServerError,
    /// The token is revoked: this call and all later ones with it are answered 401.
    TokenRevoked,
    /// 403 in the vendor's shape.
    Forbidden,
    /// 404 in the vendor's shape.
    NotFound,
    /// 410 in the vendor's shape (for Graph: `resyncRequired` with `Location`).
    Gone,
    /// Graph: 400 `syncStateNotFound` for a call with a delta token.
    DeltaExpired,
    /// The connection is cut in the middle of the body.
    ConnectionCut,
    /// 200 with the JSON cut off (and a matching content length).
    TruncatedBody,
    /// 200 with an HTML sign-in page.
    HtmlPage,
    /// 200 with no rows and no link to a next page.
    EmptyList,
    /// 200 with an error object instead of rows.
    ErrorBody,
    /// The link to the next page (or the total) is left out.
    NextMissing,
    /// The link to the next page points to this one (page-numbered lists: the same rows again).
    NextSelf,
    /// The link to the next page points to another host.
    NextForeign,
    /// One row of the page twice.
    DuplicateRow,
    /// One row moved to a later page: here it is missing, and it appears on the next page.
    MovedRow,
    /// The answer takes two seconds.
    Slow,
    /// Every row carries fields nobody knows.
    UnknownFields,
    /// Absent fields come as null.
    Nulls,
}

impl Fault {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Throttled,
        Self::ThrottledDecimal,
        Self::ThrottledBare,
        Self::Unavailable,
        Self::ServerError,
        Self::TokenRevoked,
        Self::Forbidden,
        Self::NotFound,
        Self::Gone,
        Self::DeltaExpired,
        Self::ConnectionCut,
        Self::TruncatedBody,
        Self::HtmlPage,
        Self::EmptyList,
        Self::ErrorBody,
        Self::NextMissing,
        Self::NextSelf,
        Self::NextForeign,
        Self::DuplicateRow,
        Self::MovedRow,
        Self::Slow,
        Self::UnknownFields,
        Self::Nulls,
    ];

    /// Whether the vendor fails instead of answering.
    #[must_use]
    pub fn replaces_the_answer(self) -> bool {
        matches!(
            self,
            Self::Throttled
                | Self::ThrottledDecimal
                | Self::ThrottledBare
                | Self::Unavailable
                | Self::ServerError
                | Self::TokenRevoked
                | Self::Forbidden
                | Self::NotFound
                | Self::Gone
                | Self::DeltaExpired
        )
    }

    /// Whether it needs the rows of a listing.
    #[must_use]
    pub fn needs_rows(self) -> bool {
        matches!(
            self,
            Self::EmptyList
                | Self::ErrorBody
                | Self::NextMissing
                | Self::NextSelf
                | Self::NextForeign
                | Self::DuplicateRow
                | Self::MovedRow
                | Self::UnknownFields
                | Self::Nulls
        )
    }
}

/// When a rule fires.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// With this probability, per call.
    Rate(f64),
    /// On every n-th call that matches.
    Every(u32),
    /// On page n of a listing.
    Page(u32),
    /// From page n of a listing on.
    FromPage(u32),
    /// Always.
    Always,
}

/// One rule: which fault, where and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// What goes wrong.
    pub fault: Fault,
    /// Only on this face.
    #[serde(default)]
    pub face: Option<Face>,
    /// Only on listings or paths that contain this text.
    #[serde(default)]
    pub path: Option<String>,
    /// When.
    pub when: When,
    /// At most this many times; for ever where absent.
    #[serde(default)]
    pub times: Option<u32>,
}
