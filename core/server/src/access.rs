//! Who asks, and what of the model is theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use core_model::access::Role;
use core_store::{Token, TokenRow};

use crate::Api;
use crate::problem::Problem;

/// Which tenants' things are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All, and what belongs to no tenant.
    All,
    /// Those of these ids.
    Of(Vec<String>),
}

impl Scope {
    /// Whether what belongs to that tenant, or to none, is seen.
    pub(crate) fn sees(&self, tenant: Option<&str>) -> bool {
        match (self, tenant) {
            (Scope::All, _) => true,
            (Scope::Of(tenants), Some(tenant)) => tenants.iter().any(|one| one == tenant),
            (Scope::Of(_), None) => false,
        }
    }

    /// The tenants, where it is not all.
    pub(crate) fn tenants(&self) -> Option<&[String]> {
        match self {
            Scope::All => None,
            Scope::Of(tenants) => Some(tenants),
        }
    }
}

/// Somebody who is known.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The token's name.
    pub(crate) name: Arc<str>,
    role: Role,
    /// What of the model is theirs.
    pub(crate) scope: Scope,
}

impl Caller {
    fn of(row: TokenRow) -> Self {
        Self {
            name: row.name.into(),
            role: row.role,
            scope: row.tenants.map_or(Scope::All, Scope::Of),
        }
    }

    /// Refuses whoever is less.
    pub(crate) fn must_be(&self, least: Role) -> Result<(), Problem> {
        if self.role >= least {
            return Ok(());
        }
        let (is, least) = (self.role.as_str(), least.as_str());
        Err(Problem::forbidden(
            format!("the token's role is {is}, and this takes {least}"),
            format!("use a token that was made with `--role {least}`"),
        ))
    }

    /// Refuses whoever is only of some tenants.
    pub(crate) fn must_see_all(&self) -> Result<(), Problem> {
        match self.scope {
            Scope::All => Ok(()),
            Scope::Of(_) => Err(Problem::forbidden(
                "the token is for certain tenants, and this is about all of them",
                "use a token that was made without `--tenant`",
            )),
        }
    }
}

/// When each token's use was last noted by this process: a database that is busy must not be asked
/// again with every request.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<String, i64>>);

impl Uses {
    fn is_new(&self, row: &TokenRow, now_us: i64) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = TokenRow { last_used_us: noted.get(&row.name).copied(), ..row.clone() };
        let new = row.is_noted(now_us) && known.is_noted(now_us);
        if new {
            noted.insert(row.name.clone(), now_us);
        }
        new
    }
}

impl Api {
    /// Who asks.
    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let token = bearer(headers).ok_or_else(Problem::unknown_caller)?;
        let now_us = self.now_us();
        let row = self.store.token(&token).await?.filter(|row| row.holds(now_us));
        let row = row.ok_or_else(Problem::unknown_caller)?;
        if self.uses.is_new(&row, now_us) {
            let (store, name) = (self.store.clone(), row.name.clone());
            // Nobody waits for it: a sync may have the only connection that writes.
            tokio::spawn(async move {
                if let Err(error) = store.token_used(&name, now_us).await {
                    tracing::warn!(%error, token = name, "the use of a token was not noted");
                }
            });
        }
        Ok(Caller::of(row))
    }

    /// Whether a token still opens what it opened.
    pub(crate) async fn still_holds(&self, caller: &Caller) -> bool {
        match self.store.token_named(&caller.name).await {
            Ok(row) => row.is_some_and(|row| row.holds(self.now_us())),
            // A database that is away for a moment is no revocation, and gives nothing away either.
            Err(_) => true,
        }
    }
}

/// Lets through whoever is known; below `/v1` nothing is said to anybody else, not even which paths
/// there are.
pub(crate) async fn guard(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if path != "/v1" && !path.starts_with("/v1/") {
        return next.run(request).await;
    }
    match api.caller(request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller.clone());
            let mut response = next.run(request).await;
            response.extensions_mut().insert(caller);
            response
        }
        Err(problem) => problem.into_response(),
    }
}

/// The token of the only `Authorization` there is.
fn bearer(headers: &HeaderMap) -> Option<Token> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let (only, more) = (sent.next()?, sent.next());
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    let right = more.is_none() && scheme.eq_ignore_ascii_case("bearer");
    right.then(|| Token::parse(token.trim()))?
}
