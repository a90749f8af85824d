//! Skip tokens and delta tokens: the whole position of a reader, in the token itself.
//!
//! Nothing is remembered between pages. A token names the directory it was made for, the instant
//! it was made at and the place to go on from; it is sealed, so that a damaged one is told from an
//! old one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::tokens;
use super::wire::Problem;
use crate::world::Version;

/// How long a delta token and the skip tokens of its round are good, in seconds (seven days).
pub(super) const DELTA_LIFETIME: i64 = 7 * 24 * 3600;
/// How long the skip token of a plain listing is good, in seconds.
pub(super) const SKIP_LIFETIME: i64 = 3600;

/// A position in a plain listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Skip {
    /// The listing (its path in lower case).
    pub(super) of: String,
    /// The directory.
    pub(super) tenant: Uuid,
    /// Number of the page this token asks for.
    pub(super) page: u32,
    /// Where to go on: a row's number in the world, or an ordinal.
    pub(super) at: usize,
    /// Rows per page.
    pub(super) top: usize,
    /// Made at, seconds since 1970.
    pub(super) made: i64,
}

/// A position in a delta round, or between two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Round {
    /// `users`, `groups` or `devices`.
    pub(super) of: String,
    /// The directory.
    pub(super) tenant: Uuid,
    /// Changes after this version are told; none in an initial round.
    pub(super) from: Option<Version>,
    /// The version at the start of the round; the next round starts there.
    pub(super) until: Version,
    /// Number of the page this token asks for, from 1.
    pub(super) page: u32,
    /// The row to go on with.
    pub(super) at: usize,
    /// The member of that row to go on with.
    pub(super) member: usize,
    /// `$select` as given in the first call.
    pub(super) select: Option<Vec<String>>,
    /// The ids of `$filter`, if any.
    pub(super) ids: Vec<Uuid>,
    /// Made at, seconds since 1970.
    pub(super) made: i64,
}

/// Seals a token.
pub(super) fn seal<T: Serialize>(value: &T) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    let mut bytes = checksum(&json).to_vec();
    bytes.extend_from_slice(&json);
    BASE64.encode(bytes)
}

/// Opens a token; `None` where it is damaged or none of ours.
pub(super) fn open<T: for<'de> Deserialize<'de>>(token: &str) -> Option<T> {
    let bytes = BASE64.decode(token.trim_end_matches('=')).ok()?;
    let (sum, json) = bytes.split_at_checked(8)?;
    if sum != checksum(json) {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// Opens the skip token of a plain listing and checks that it belongs here and is fresh.
pub(super) fn open_skip(token: &str, of: &str, tenant: Uuid, now: i64) -> Result<Skip, Problem> {
    let skip: Skip = open(token).filter(|s: &Skip| s.of == of).ok_or_else(|| {
        Problem::bad("The skip token is invalid or does not belong to this request.")
    })?;
    if skip.tenant != tenant {
        return Err(Problem::bad("The skip token belongs to another tenant."));
    }
    if now - skip.made > SKIP_LIFETIME {
        return Err(Problem::new(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your \
             request.",
        ));
    }
    Ok(skip)
}

/// Opens a token of a delta round and checks that it belongs here and is not too old.
pub(super) fn open_round(token: &str, of: &str, tenant: Uuid, now: i64) -> Result<Round, Problem> {
    let round: Round = open(token)
        .filter(|r: &Round| r.of == of)
        .ok_or_else(|| Problem::bad("Badly formed token."))?;
    if round.tenant != tenant {
        return Err(Problem::bad("Badly formed token: it belongs to another tenant."));
    }
    if now - round.made > DELTA_LIFETIME {
        return Err(Problem::sync_state_not_found());
    }
    Ok(round)
}

fn checksum(json: &[u8]) -> [u8; 8] {
    let sum = tokens::mac(b"graph cursor", json);
    let mut short = [0; 8];
    short.copy_from_slice(&sum[..8]);
    short
}
