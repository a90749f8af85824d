//! What a vendor face must offer to the server: answer a call, name the listing a call reads, and
//! speak its vendor's errors.

use std::sync::RwLock;

use crate::faults::Fault;
use crate::world::World;

/// One of the four vendor APIs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Face {
    /// Microsoft Graph and its sign-in service.
    Graph,
    /// ConnectWise Automate.
    Automate,
    /// ConnectWise Control.
    Control,
    /// HaloPSA.
    Halo,
}

/// An HTTP request as a face sees it. The body is read whole.
#[derive(Clone, Debug)]
pub struct Call {
    /// `GET`, `POST`, ...
    pub method: String,
    /// Path as sent, percent-decoded, with its leading slash.
    pub path: String,
    /// Query pairs in the order sent, percent-decoded (`+` is a space).
    pub query: Vec<(String, String)>,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, empty where none was sent.
    pub body: Vec<u8>,
    /// Scheme, host and port under which the caller reached this face, without a trailing slash
    /// (for absolute links): the configured public base, else the `Host` header.
    pub base: String,
}

impl Call {
    /// The first header of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The last query value of that name, compared without regard to case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// An HTTP answer.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Headers to send.
    pub headers: Vec<(String, String)>,
    /// Body to send.
    pub body: Vec<u8>,
}

impl Reply {
    /// A JSON answer with `Content-Type: application/json; charset=utf-8`.
    #[must_use]
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json; charset=utf-8".into())],
            body: value.to_string().into_bytes(),
        }
    }

    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// A plain text answer.
    #[must_use]
    pub fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "text/plain; charset=utf-8".into())],
            body: text.as_bytes().to_vec(),
        }
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// Where a listing keeps its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The answer is a bare JSON array.
    Bare,
    /// The answer is an object; the rows are the array under this key.
    Key(String),
}

/// What a call reads a page of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// A stable name of the listing: its path without the page (`/v1.0/users/delta`).
    pub name: String,
    /// Number of the page asked for, from 1.
    pub page: u32,
    /// Where the rows are in the answer.
    pub rows: Rows,
}

/// What a face asks of an address before an answer of its own holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Where it posts nothing to.
    pub url: String,
    /// The text that must come back.
    pub expects: String,
}

/// What a face tells somebody by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// To where.
    pub url: String,
    /// What.
    pub body: serde_json::Value,
}

/// A vendor API over the world.
pub trait Vendor: Send + Sync + 'static {
    /// Which vendor this is.
    fn face(&self) -> Face;
    /// Answers one call. Takes the lock of the world itself and holds it briefly.
    fn answer(&self, call: &Call, world: &RwLock<World>) -> Reply;
    /// The listing that the call reads a page of, if it reads one.
    fn listing(&self, call: &Call) -> Option<Listing>;
    /// Whether the call is a sign-in (faults leave those alone unless they name them).
    fn is_sign_in(&self, call: &Call) -> bool;
    /// The vendor's own way to say that this went wrong (status, headers and body of a throttled
    /// call, an expired token, a missing right, an expired delta token ...).
    fn failure(&self, fault: &Fault, call: &Call) -> Reply;
    /// Forgets every token given out, so that the next call with one is answered 401.
    fn revoke_tokens(&self);

    /// What must be asked of others before this answer to a call holds.
    fn asks(&self, _call: &Call, _reply: &Reply) -> Vec<Handshake> {
        Vec::new()
    }

    /// The answer instead, where they did not answer; whatever it did is undone.
    fn unanswered(&self, _call: &Call, reply: Reply) -> Reply {
        reply
    }

    /// What is to be told to others and was not yet.
    fn tells(&self, _world: &RwLock<World>) -> Vec<Outgoing> {
        Vec::new()
    }

    /// What only this face can be asked over the estate's API, or made to do; none where it knows no such
    /// thing.
    fn estate(
        &self,
        _name: &str,
        _fields: &serde_json::Value,
        _world: &RwLock<World>,
    ) -> Option<Result<serde_json::Value, String>> {
        None
    }
}
