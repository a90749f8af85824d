//! What a system sends to the hub by itself. It is a hint and never the truth: it says where to look,
//! and the hub asks the system what there is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_model::record::Presence;
use serde::{Deserialize, Serialize};

use crate::Secret;

/// A request that came in, as far as a connector may see it.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// What stands in the path behind the connection, `/` in front; empty for nothing.
    pub path: &'a str,
    /// The query, undecoded.
    pub query: &'a str,
    /// The value of `Authorization`.
    pub authorization: Option<&'a str>,
    /// The value of `X-Linchpin-Secret`, for senders that can set a header and nothing else.
    pub secret: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl Sent<'_> {
    /// Whether whoever sent it showed this secret: as the password of Basic (whatever the name), as a
    /// bearer token, or in a header of its own.
    #[must_use]
    pub fn shows(&self, secret: &Secret) -> bool {
        let shown = self.authorization.and_then(|text| text.trim().split_once(' '));
        let by_scheme = match shown {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                secret.is(token.trim())
            }
            Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => {
                let pair = STANDARD.decode(pair.trim()).ok();
                let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
                // Only the first colon parts: a password may have more.
                let password = pair.as_deref().and_then(|pair| pair.split_once(':'));
                password.is_some_and(|(_, password)| secret.is(password))
            }
            _ => false,
        };
        by_scheme || self.secret.is_some_and(|shown| secret.is(shown))
    }
}

/// What a request means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The system asks whether the hub is there, and wants this text back as it is.
    Handshake(String),
    /// It tells of these. None is fine: it told of something that is nothing to the hub.
    Hooks(Vec<Hook>),
}

/// One thing that a system told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The system's id of the telling: the same again tells nothing new.
    pub id: String,
    /// Where to look.
    pub hint: Hint,
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// At a ticket, by its key.
    Ticket(String),
    /// At what changed in a stream.
    Stream(String),
    /// At nothing: whether an agent (its key) is online was told.
    Presence {
        /// The agent's key.
        agent: String,
        /// What was told.
        presence: Presence,
    },
    /// A subscription of this id is at its end, or lost, and wants to be renewed.
    Subscription(String),
}

/// Why a request is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Whoever sent it did not prove to be the system. Nothing more is told.
    Stranger,
    /// It is not what the system sends, because of this.
    Malformed(String),
}

/// A connector that understands what its system sends.
pub trait Webhooks: Send + Sync {
    /// What a request means. Does no IO, so that it is answered at once.
    ///
    /// # Errors
    /// Where it is not taken.
    fn take(&self, sent: &Sent<'_>) -> Result<Taken, Refusal>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_in_three_ways_and_in_no_other() {
        let secret = Secret::new("s3:cret");
        let sent = |authorization: Option<&str>, header: Option<&str>| {
            let sent = Sent { path: "", query: "", authorization, secret: header, body: b"" };
            sent.shows(&secret)
        };
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        assert!(sent(Some(&basic("halo:s3:cret")), None));
        assert!(sent(Some(&basic(":s3:cret")), None));
        assert!(sent(Some("bearer s3:cret"), None));
        assert!(sent(None, Some("s3:cret")));
        assert!(sent(Some("Basic !!"), Some("s3:cret")));
        for wrong in [basic("s3:cret"), basic("halo:"), "s3:cret".into(), "Bearer".into()] {
            assert!(!sent(Some(&wrong), None), "{wrong}");
        }
        assert!(!sent(None, None));
        let blank = Secret::new(" ");
        let none = Sent { path: "", query: "", authorization: None, secret: Some(" "), body: b"" };
        assert!(!none.shows(&blank), "a blank secret opens nothing");
    }
}
