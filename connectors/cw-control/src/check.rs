//! Whether the server lets us in, and which version it is.

use core_connector::{Account, Permission, Result};
use core_http::{Answer, Request};

use crate::client::{Api, VERSION};
use crate::listing::{by_filter, rows};

/// What the connection needs. The secret opens everything or nothing.
pub(crate) const PERMISSIONS: &[Permission] = &[Permission {
    name: "RESTfulAuthenticationSecret",
    for_what: "everything: the extension knows no finer rights",
    required: true,
}];

/// No session has this id.
const NOBODY: &str = "SessionID = '00000000-0000-0000-0000-000000000000'";

/// Asks for a session that does not exist, which costs the server nothing.
pub(crate) async fn account(api: &Api) -> Result<Account> {
    api.http.call(&by_filter(api, NOBODY), |answer| rows(answer).map(|_| ())).await?;
    let host = api.base.host_str().unwrap_or_default();
    let name = format!("RESTful API Manager at {host}");
    Ok(Account { name, version: version(api).await, missing: Vec::new() })
}

/// The version in the `Server` header of the start page; not worth a failure.
async fn version(api: &Api) -> Option<String> {
    let mut request = Request::get("").named(VERSION).unsigned();
    request.repeatable = false;
    let read = |answer: &Answer| {
        let product = answer.header("server").and_then(|text| {
            text.split_whitespace().find_map(|word| word.strip_prefix("ScreenConnect/"))
        });
        Ok(product.map(str::to_owned))
    };
    api.http.call(&request, read).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "the server's version is not known");
        None
    })
}
