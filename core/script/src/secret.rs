//! How secrets get to a script without standing in a command.
//!
//! Whatever is in a command stays in the vendor's history, and whoever reads the history reads a key
//! that stands beside what it opens: nothing is encrypted here. The machine fetches its secrets itself, with a
//! token that works once, or they go by the standard input of a process that the hub started.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use core_connector::Secret;
use url::Url;

use crate::ScriptError;
use crate::arguments::encode;

/// From where a machine fetches the secrets of one run, once: `POST`, the token as bearer, no body; the answer is
/// a [`secret_document`] as `text/plain`. The token stands in the command, and so in the vendor's history: it must
/// open these secrets only, once, and not after its end. Who is faster than the machine gets them; the machine
/// is then refused, and its run says so.
#[derive(Clone, Debug)]
pub struct SecretFetch {
    url: Url,
    token: Secret,
    expires_at: DateTime<Utc>,
}

impl SecretFetch {
    /// # Errors
    /// Where the address is not HTTPS, holds a password, or the token has other characters than those of
    /// RFC 6750, or fewer than 22, which 128 bits take.
    pub fn new(url: Url, token: Secret, expires_at: DateTime<Utc>) -> Result<Self, ScriptError> {
        if url.scheme() != "https" || url.host().is_none() {
            return Err(ScriptError::Fetch("its address must be one of HTTPS"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ScriptError::Fetch("its address may hold no password"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
        if token.expose().len() < 22 || !token.expose().chars().all(plain) {
            let why = "its token must have 22 or more of the characters A-Z a-z 0-9 - . _ ~";
            return Err(ScriptError::Fetch(why));
        }
        Ok(Self { url, token, expires_at })
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The token, for the one command that holds it and for who compares it.
    #[must_use]
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// Whether the hub answers it no more.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        now >= self.expires_at
    }
}

/// What the hub answers: a line for each parameter, its name and its secret in base64, parted by a blank.
/// `curl` and `awk` read it as well as PowerShell.
#[must_use]
pub fn secret_document(secrets: &BTreeMap<String, Secret>) -> Secret {
    let line = |(name, secret): (&String, &Secret)| {
        format!("{} {}\n", encode(name), encode(secret.expose()))
    };
    Secret::new(secrets.iter().map(line).collect::<String>())
}
