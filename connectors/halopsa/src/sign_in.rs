//! Signing in: a token for the application, and the request budget, which every signed request
//! passes, retries too.

use async_trait::async_trait;
use core_connector::{Error, ErrorKind, Result};
use core_http::auth::{Authorizer, ClientAuth, Credentials, Grant, OAuth, TokenRequest};

use crate::config::{Addresses, Config};
use crate::pace::Pace;

/// Signs requests with the application's token.
pub(crate) struct SignIn {
    oauth: OAuth,
    pace: Pace,
}

impl SignIn {
    pub(crate) fn new(config: &Config, addresses: &Addresses) -> Result<Self> {
        let (url, scopes) = (addresses.token.to_string(), config.scopes());
        let oauth = OAuth::new(
            &config.http,
            config.client_id.trim(),
            ClientAuth::Secret(config.client_secret.clone()),
            Grant::ClientCredentials,
            move |_| TokenRequest { url: url.clone(), scopes: scopes.clone() },
            refusal,
        )?;
        Ok(Self { oauth, pace: Pace::new(config.requests_per_5_minutes) })
    }
}

#[async_trait]
impl Authorizer for SignIn {
    async fn credentials(&self, scope: &str) -> Result<Credentials> {
        // First the wait, which may outlast a token.
        self.pace.wait().await;
        self.oauth.credentials(scope).await.map_err(explain)
    }

    async fn renew(&self, scope: &str, generation: u64) {
        self.oauth.renew(scope, generation).await;
    }
}

/// What Halo's sign-in service says, in terms of the settings.
fn refusal(operation: &str, error: &str, description: &str) -> Error {
    let detail =
        if description.is_empty() { error.to_owned() } else { format!("{error}: {description}") };
    match error {
        "invalid_scope" => Error::new(ErrorKind::Config, operation, detail).with_remedy(
            "let `scope` name only what the application in Halo allows, or allow it there",
        ),
        "unsupported_grant_type" => Error::new(ErrorKind::Config, operation, detail).with_remedy(
            "give the application the authentication method \"Client ID and Secret (Services)\"",
        ),
        _ => Error::new(ErrorKind::Auth, operation, detail).with_remedy(
            "check `client_id` and `client_secret` against the application in Halo \
             (Configuration, Integrations, Halo API); it must be active, of login type Agent",
        ),
    }
}

/// A wrong tenant makes Halo's sign-in service answer 500 without a word. It was asked several
/// times by now, so that a passing fault is over.
fn explain(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Unavailable if error.detail().starts_with("HTTP 500") => Error::new(
            ErrorKind::Config,
            error.operation(),
            format!("the tenant may be wrong: the sign-in service answers {}", error.detail()),
        )
        .with_remedy("check `tenant` against the one that Halo shows beside the server addresses"),
        ErrorKind::Protocol => error.with_remedy(
            "check `auth_url` and `tenant` against what Halo shows (Configuration, Integrations, \
             Halo API)",
        ),
        _ => error,
    }
}
