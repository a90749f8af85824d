//! One request as it is, for libraries that bring a protocol of their own: signing in by a provider.
//! Nothing is retried, no redirect is followed (the answer is not what was asked then), and of an
//! answer only so much is read.

use std::sync::OnceLock;
use std::time::Duration;

use core_connector::{Error, ErrorKind, Result};
use reqwest::redirect::Policy;

/// How long it may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of an answer.
const LARGEST: usize = 1 << 20;

/// Sends a request and gives the answer, whatever its status is.
///
/// # Errors
/// `Config` where the address would send credentials in clear to another machine, `Unavailable`
/// where nobody answers, `Protocol` where the answer is too large.
pub async fn fetch(request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>> {
    let url = request.uri().to_string();
    crate::base_url("issuer", &url, &crate::HttpSettings::default())?;
    let host = request.uri().host().unwrap_or_default().to_owned();
    let operation = format!("{} {host}", request.method());
    let away = |error: reqwest::Error| {
        // Its address may hold a code.
        Error::new(ErrorKind::Unavailable, operation.clone(), error.without_url().to_string())
    };
    let sent = reqwest::Request::try_from(request).map_err(&away)?;
    let mut answer = client().map_err(&away)?.execute(sent).await.map_err(&away)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(&away)? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            let what = format!("the answer has more than {LARGEST} bytes");
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
    let made = reqwest::Client::builder().timeout(TIMEOUT).redirect(Policy::none()).build()?;
    Ok(CLIENT.get_or_init(|| made))
}
