//! Keys that open something for whoever has them: 32 random bytes, of which the store has the SHA-256
//! alone. Nobody finds them by trying, so that the slow hashes that passwords need would protect nothing
//! here. They are looked up by that digest; how long a look-up takes may tell something of digests, from
//! which no key follows.

use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Random bytes of a key.
const BYTES: usize = 32;
/// That a key was used is noted this often at most, in microseconds.
pub const NOTED_EVERY_US: i64 = 60 * 1_000_000;

/// What a key opens.
pub trait Opens {
    /// What every such key begins with, so that scanners for secrets know one.
    const PREFIX: &'static str;
    /// What it is called where it does not print.
    const NAME: &'static str;
}

/// The API, for a program.
#[derive(Clone, Copy)]
pub enum TheApi {}

impl Opens for TheApi {
    const PREFIX: &'static str = "lpt_";
    const NAME: &'static str = "Token";
}

/// Somebody's session, or its hand-over to a frame.
#[derive(Clone, Copy)]
pub enum ASession {}

impl Opens for ASession {
    const PREFIX: &'static str = "lps_";
    const NAME: &'static str = "SignInKey";
}

/// A place among the runners, so often as it may be used.
#[derive(Clone, Copy)]
pub enum AnEnrolment {}

impl Opens for AnEnrolment {
    const PREFIX: &'static str = "lpe_";
    const NAME: &'static str = "EnrolmentToken";
}

/// What is a runner's.
#[derive(Clone, Copy)]
pub enum ARunner {}

impl Opens for ARunner {
    const PREFIX: &'static str = "lpr_";
    const NAME: &'static str = "RunnerKey";
}

/// What a mail says of a session, and moving that.
#[derive(Clone, Copy)]
pub enum ANotification {}

impl Opens for ANotification {
    const PREFIX: &'static str = "lpn_";
    const NAME: &'static str = "NotificationKey";
}

/// A token of the API as its holder has it.
pub type Token = Key<TheApi>;
/// What makes a machine a runner.
pub type EnrolmentToken = Key<AnEnrolment>;
/// What a runner shows of itself.
pub type RunnerKey = Key<ARunner>;
/// What the links of a mail about a session hold.
pub type NotificationKey = Key<ANotification>;
/// What opens a session, or hands it over once.
pub type SignInKey = Key<ASession>;

/// A key as its holder has it. It does not print.
#[derive(Clone)]
pub struct Key<O>(String, PhantomData<O>);

impl<O: Opens> Key<O> {
    /// What every such key begins with.
    pub const PREFIX: &'static str = O::PREFIX;

    /// The key of these bytes, which must come from the system's source of randomness.
    #[must_use]
    pub fn from_random(bytes: [u8; BYTES]) -> Self {
        Self(format!("{}{}", O::PREFIX, URL_SAFE_NO_PAD.encode(bytes)), PhantomData)
    }

    /// What somebody sent, if it has the form of such a key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(O::PREFIX)?).ok()?;
        (bytes.len() == BYTES).then(|| Self(text.to_owned(), PhantomData))
    }

    /// The text, for the one whose key it is.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Something that only whoever has the key can say, for one purpose: what is derived for one
    /// tells nothing of the key, nor of what is derived for another.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(format!("linchpin {purpose}\n{}", self.0)))
    }

    pub(crate) fn digest(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.0))
    }
}

impl<O: Opens> fmt::Debug for Key<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(***)", O::NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_not_print_and_only_its_own_form_is_one() {
        let token = Token::from_random([7; 32]);
        assert_eq!(format!("{token:?}"), "Token(***)");
        assert_eq!(token.reveal().len(), 47);
        assert!(Token::parse(token.reveal()).is_some());
        let more = format!("{}A", token.reveal());
        for wrong in ["", "lpt_", "lpt_AAAA", &token.reveal()[4..], &more, "lpt_\u{e9}"] {
            assert!(Token::parse(wrong).is_none(), "{wrong}");
        }
        assert!(SignInKey::parse(token.reveal()).is_none(), "each kind knows its own");
    }

    #[test]
    fn what_is_derived_of_a_key_differs_by_purpose_and_from_what_is_stored() {
        let key = SignInKey::from_random([7; 32]);
        assert_eq!(format!("{key:?}"), "SignInKey(***)");
        assert_ne!(key.derive("csrf"), key.derive("state"));
        assert_ne!(key.derive("csrf"), key.digest());
    }
}
