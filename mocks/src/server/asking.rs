//! How machines of the estate really ask an address: from the computer that the mocks run on, and no other.

use std::sync::Arc;
use std::time::Duration;

use crate::world::{Web, WebAnswer, WebRequest};

/// How long an address may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way for machines of a world that is served.
pub(super) fn web() -> Web {
    Web(Arc::new(ask))
}

/// Machines run on threads without a runtime: each request has one of its own.
fn ask(request: WebRequest) -> Result<WebAnswer, String> {
    let sent = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|why| why.to_string())?;
        runtime.block_on(send(request))
    });
    sent.join().unwrap_or_else(|_| Err("Unable to connect to the remote server".to_owned()))
}

async fn send(request: WebRequest) -> Result<WebAnswer, String> {
    let refused = |why: reqwest::Error| match why.is_timeout() {
        true => "The operation has timed out.".to_owned(),
        false => "Unable to connect to the remote server".to_owned(),
    };
    // The certificates of servers that tests start are their own; a real machine is told to trust them.
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_danger_accept_invalid_certs(true)
        .timeout(PATIENCE)
        .redirect(match request.redirects {
            0 => reqwest::redirect::Policy::none(),
            most => reqwest::redirect::Policy::limited(most),
        })
        .build()
        .map_err(refused)?;
    let method = reqwest::Method::from_bytes(request.method.as_bytes()).map_err(|_| {
        format!("Cannot validate argument on parameter 'Method': {}.", request.method)
    })?;
    let mut asked = client.request(method, &request.url).body(request.body);
    for (name, value) in &request.headers {
        asked = asked.header(name, value);
    }
    let answer = asked.send().await.map_err(refused)?;
    let kind = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
    let (status, kind) = (answer.status().as_u16(), kind.unwrap_or_default().to_owned());
    let body = answer.bytes().await.map_err(refused)?.to_vec();
    Ok(WebAnswer { status, kind, body })
}
