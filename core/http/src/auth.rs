//! Signing in: what is sent with a request, and how it is renewed.

use async_trait::async_trait;
use core_connector::Result;
use reqwest::header::{HeaderName, HeaderValue};

mod assertion;
mod cache;
mod oauth;
mod totp;

pub use assertion::ClientCertificate;
pub use cache::{Token, TokenCache};
pub use oauth::{ClientAuth, Grant, KeepToken, OAuth, ReadRefusal, TokenRequest};
pub use totp::one_time_code;

/// What is sent with a request. Header values are marked sensitive and do not print.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Which token this is, so that of many requests that fail with it only the first renews it.
    pub generation: u64,
}

/// Signs requests.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// What to send in this scope; signs in where needed, once however many ask.
    ///
    /// # Errors
    /// As the sign-in.
    async fn credentials(&self, scope: &str) -> Result<Credentials>;

    /// Forgets what was sent as this generation, so that the next request signs in again.
    async fn renew(&self, scope: &str, generation: u64);
}

/// A fixed header: a shared secret.
pub struct FixedHeaders(Vec<(HeaderName, HeaderValue)>);

impl FixedHeaders {
    /// Sends these headers, of which the values do not print.
    #[must_use]
    pub fn new(headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        let sensitive = |(name, mut value): (HeaderName, HeaderValue)| {
            value.set_sensitive(true);
            (name, value)
        };
        Self(headers.into_iter().map(sensitive).collect())
    }
}

#[async_trait]
impl Authorizer for FixedHeaders {
    async fn credentials(&self, _scope: &str) -> Result<Credentials> {
        Ok(Credentials { headers: self.0.clone(), generation: 0 })
    }

    async fn renew(&self, _scope: &str, _generation: u64) {}
}
