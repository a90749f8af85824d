//! Signing in: each directory has a token of its own, from its own token endpoint. The application
//! signs in as itself, or redeems the partner user's refresh token at the customer's endpoint;
//! a connection does one or the other.

use std::sync::Arc;

use core_connector::{KeepSecret, Result};
use core_http::auth::{Grant, OAuth, TokenRequest};
use tokio::sync::Mutex;

use crate::config::Access;

mod kept;
mod refusal;

use kept::Kept;

/// What signs the requests; the scope of a request is the directory.
pub(crate) fn authorizer(access: Access, keep: Option<Arc<dyn KeepSecret>>) -> Result<OAuth> {
    let Access { login, token_scope, client_id, client, http, .. } = access;
    let endpoint = move |directory: &str| TokenRequest {
        url: format!("{login}{directory}/oauth2/v2.0/token"),
        scopes: vec![token_scope.clone()],
    };
    let new = |grant| OAuth::new(&http, client_id, client, grant, endpoint, refusal::read);
    let Some(token) = access.refresh_token else { return new(Grant::ClientCredentials) };
    let kept = Kept::new(access.refresh_token_file, keep, &token)?;
    Ok(new(Grant::RefreshToken(Mutex::new(token)))?.keeping(kept))
}
