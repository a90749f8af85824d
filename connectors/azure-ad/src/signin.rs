//! Signing in: each directory has a token of its own, from its own token endpoint. The application
//! signs in as itself, or redeems the partner user's refresh token at the customer's endpoint;
//! a connection does one or the other.

use core_connector::{Result, Secret};
use core_http::auth::{Grant, OAuth, TokenRequest};
use tokio::sync::Mutex;

use crate::config::Access;

mod kept;
mod refusal;

use kept::KeptToken;

/// What signs the requests; the scope of a request is the directory.
pub(crate) fn authorizer(access: Access) -> Result<OAuth> {
    let Access { login, token_scope, client_id, client, http, .. } = access;
    let endpoint = move |directory: &str| TokenRequest {
        url: format!("{login}{directory}/oauth2/v2.0/token"),
        scopes: vec![token_scope.clone()],
    };
    let new = |grant| OAuth::new(&http, client_id, client, grant, endpoint, refusal::read);
    match (access.refresh_token, access.refresh_token_file) {
        (None, _) => new(Grant::ClientCredentials),
        (Some(token), None) => new(refresh(token)),
        (Some(token), Some(file)) => {
            let kept = KeptToken::new(file, &token);
            let newest = kept.read()?.unwrap_or(token);
            Ok(new(refresh(newest))?.keeping(move |token| kept.write(&token)))
        }
    }
}

fn refresh(token: Secret) -> Grant {
    Grant::RefreshToken(Mutex::new(token))
}
