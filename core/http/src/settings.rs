//! The HTTP settings that every connection has.

use std::path::PathBuf;
use std::time::Duration;

use core_connector::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// How requests are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// Seconds that one request may take, from connecting to the last byte.
    pub timeout_seconds: u64,
    /// How often a request is tried that time can mend (throttled, unavailable, cut off).
    pub attempts: u32,
    /// Milliseconds before the first retry; each further wait is twice as long, up to a minute.
    /// A wait that the system asks for takes its place.
    pub backoff_ms: u64,
    /// The longest wait that a system may ask for, in seconds; beyond it the run ends and the
    /// next one goes on.
    pub longest_wait_seconds: u64,
    /// Requests per second over this connection, per scope (for Azure AD: per customer directory);
    /// 0 leaves it to the system to slow us down.
    pub requests_per_second: u32,
    /// A PEM file with a certificate authority to trust besides the public ones.
    pub ca_file: Option<PathBuf>,
    /// Allow `http://` to hosts other than this machine. Credentials travel readable: for test
    /// installations only.
    pub allow_http: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            timeout_seconds: 100,
            attempts: 6,
            backoff_ms: 500,
            longest_wait_seconds: 300,
            requests_per_second: 0,
            ca_file: None,
            allow_http: false,
        }
    }
}

impl HttpSettings {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.max(1))
    }

    pub(crate) fn longest_wait(&self) -> Duration {
        Duration::from_secs(self.longest_wait_seconds)
    }
}

/// Reads a base URL from the settings; the result ends with a slash.
///
/// # Errors
/// `Config`, naming the setting, where it is no URL, has no host, or would send credentials in
/// clear to another machine.
pub fn base_url(setting: &str, text: &str, http: &HttpSettings) -> Result<Url> {
    let wrong = |detail: String| {
        Error::new(ErrorKind::Config, format!("setting `{setting}`"), detail)
            .with_remedy(format!("write `{setting}` like https://example.com"))
    };
    let text = text.trim();
    let mut url =
        Url::parse(text).map_err(|error| wrong(format!("`{text}` is no URL: {error}")))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(wrong(format!("`{text}` is no web address")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("the address holds credentials; put them in their own settings".into()));
    }
    if url.scheme() == "http" && !http.allow_http && !is_this_machine(&url) {
        return Err(wrong(format!("`{text}` would send the credentials readable"))
            .with_remedy("use https://, or set `http.allow_http = true` for a test installation"));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_url_names_the_setting_and_the_value() {
        let error = base_url("url", "not a url", &HttpSettings::default()).unwrap_err();
        assert!(error.to_string().contains("`url`") && error.to_string().contains("not a url"));
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(base_url("url", "ftp://example.com", &HttpSettings::default()).is_err());
    }

    #[test]
    fn credentials_never_travel_readable_to_another_machine() {
        let settings = HttpSettings::default();
        assert!(base_url("url", "http://example.com", &settings).is_err());
        assert!(base_url("url", "https://user:word@example.com", &settings).is_err());
        assert!(base_url("url", "http://127.0.0.1:8080", &settings).is_ok());
        assert_eq!(base_url("url", "https://example.com/a", &settings).unwrap().path(), "/a/");
    }
}
