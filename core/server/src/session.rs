//! Who is signed in, by a cookie: one for windows, and one for a page that is framed by another site.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HeaderValue};
use core_store::{SignInKey, SignInRow};

use crate::Api;
use crate::problem::Problem;
use crate::provider::Provider;

/// The cookie of a window. `__Host-`: over TLS only, for this host and all its paths, and set by it.
pub(crate) const WINDOW: &str = "__Host-linchpin";
/// The cookie of a framed page: it is sent within the page that frames it, and nowhere else.
pub(crate) const FRAME: &str = "__Host-linchpin-frame";

/// How people sign in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Where browsers reach the hub: scheme, host and port, like `https://hub.example.com`.
    pub public_url: Option<String>,
    /// Whether a proxy in front says from where a request comes (`X-Forwarded-For`).
    pub behind_proxy: bool,
    /// After how long without use a session ends.
    pub idle: Duration,
    /// After how long a session ends at the latest.
    pub longest: Duration,
    /// Who vouches for people, besides their passwords.
    pub provider: Option<Provider>,
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            public_url: None,
            behind_proxy: false,
            idle: Duration::from_secs(2 * 3600),
            longest: Duration::from_secs(12 * 3600),
            provider: None,
        }
    }
}

impl SignIn {
    /// A session's longest time without use, in microseconds.
    pub(crate) fn idle_us(&self) -> i64 {
        i64::try_from(self.idle.as_micros()).unwrap_or(i64::MAX)
    }

    /// A session's longest life, in microseconds.
    pub(crate) fn longest_us(&self) -> i64 {
        i64::try_from(self.longest.as_micros()).unwrap_or(i64::MAX)
    }
}

impl Api {
    /// The session that a request's cookies open, with its key. A window's counts before a frame's.
    pub(crate) async fn session(
        &self,
        headers: &HeaderMap,
    ) -> Result<Option<(SignInRow, SignInKey)>, Problem> {
        let now_us = self.now_us();
        let idle_us = self.answers.sign_in().idle_us();
        for name in [WINDOW, FRAME] {
            let Some(key) = cookie(headers, name).and_then(|text| SignInKey::parse(&text)) else {
                continue;
            };
            let row = self.store.sign_in(&key).await?.filter(|row| row.holds(now_us, idle_us));
            let Some(row) = row else { continue };
            if row.is_noted(now_us) && self.uses.is_first(&row.id, now_us) {
                let (store, id) = (self.store.clone(), row.id.clone());
                // Nobody waits for it: a sync may have the only connection that writes.
                tokio::spawn(async move {
                    if let Err(error) = store.sign_in_seen(&id, now_us).await {
                        tracing::warn!(%error, "the use of a session was not noted");
                    }
                });
            }
            return Ok(Some((row, key)));
        }
        Ok(None)
    }
}

/// A cookie, where it is there once: of two, one is somebody else's.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lists = headers.get_all(COOKIE).iter().filter_map(|list| list.to_str().ok());
    let pairs =
        lists.flat_map(|list| list.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
    let only = found.next();
    if found.next().is_some() { None } else { only }
}

/// A cookie for a window, for so many seconds; none at all for zero.
pub(crate) fn window_cookie(name: &str, value: &str, seconds: u64) -> HeaderValue {
    made(&format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}"))
}

/// A cookie for a framed page.
pub(crate) fn frame_cookie(value: &str, seconds: u64) -> HeaderValue {
    let rest = "Path=/; Secure; HttpOnly; SameSite=None; Partitioned";
    made(&format!("{FRAME}={value}; {rest}; Max-Age={seconds}"))
}

fn made(text: &str) -> HeaderValue {
    // Names and values are letters, digits, `-`, `_` and `.`.
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_that_is_there_twice_is_none() {
        let headers = |lists: &[&str]| {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(COOKIE, HeaderValue::from_str(list).unwrap());
            }
            headers
        };
        assert_eq!(cookie(&headers(&["a=1; b=2"]), "b").as_deref(), Some("2"));
        assert_eq!(cookie(&headers(&["a=1", "b=2"]), "b").as_deref(), Some("2"));
        assert_eq!(cookie(&headers(&["b=1; b=2"]), "b"), None);
        assert_eq!(cookie(&headers(&["xb=1"]), "b"), None);
    }
}
