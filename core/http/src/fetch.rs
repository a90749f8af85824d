//! One request as it is, for libraries that bring a protocol of their own (signing in by a provider,
//! traces) and for asking a hub. Nothing is retried, no redirect is followed (the answer is not what was
//! asked then), and of an answer only so much is read.

use std::sync::OnceLock;
use std::time::Duration;

use core_connector::{Error, ErrorKind, Result};
use reqwest::redirect::Policy;

/// How long it may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of an answer.
const LARGEST: usize = 1 << 20;

/// What one request may take and where it may go.
#[derive(Clone, Copy, Debug)]
pub struct FetchOptions {
    /// What its address is called where it is wrong.
    pub setting: &'static str,
    /// From connecting to the last byte.
    pub timeout: Duration,
    /// Bytes of an answer.
    pub largest: usize,
    /// Allow `http://` to hosts other than this machine: what is sent travels readable.
    pub allow_http: bool,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self { setting: "issuer", timeout: TIMEOUT, largest: LARGEST, allow_http: false }
    }
}

/// Sends a request and gives the answer, whatever its status is.
///
/// # Errors
/// `Config` where the address would send credentials in clear to another machine, `Unavailable`
/// where nobody answers, `Protocol` where the answer is too large.
pub async fn fetch(request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>> {
    fetch_with(request, FetchOptions::default()).await
}

/// The same within other bounds.
///
/// # Errors
/// The same.
pub async fn fetch_with(
    request: http::Request<Vec<u8>>,
    options: FetchOptions,
) -> Result<http::Response<Vec<u8>>> {
    let url = request.uri().to_string();
    let allow_http = options.allow_http;
    let settings = crate::HttpSettings { allow_http, ..crate::HttpSettings::default() };
    crate::base_url(options.setting, &url, &settings)?;
    let host = request.uri().host().unwrap_or_default().to_owned();
    let operation = format!("{} {host}", request.method());
    // Its address may hold a code.
    let away = |error: reqwest::Error| crate::client::unreachable(&operation, &error.without_url());
    let mut sent = reqwest::Request::try_from(request).map_err(&away)?;
    *sent.timeout_mut() = Some(options.timeout);
    let mut answer = client().map_err(&away)?.execute(sent).await.map_err(&away)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(&away)? {
        body.extend_from_slice(&chunk);
        if body.len() > options.largest {
            let what = format!("the answer has more than {} bytes", options.largest);
            return Err(Error::new(ErrorKind::Protocol, operation, what));
        }
    }
    let mut response = http::Response::new(body);
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    Ok(response)
}

fn client() -> std::result::Result<&'static reqwest::Client, reqwest::Error> {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client);
    }
    let made = reqwest::Client::builder().redirect(Policy::none()).build()?;
    Ok(CLIENT.get_or_init(|| made))
}
