//! Who asks, and what of the model is theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use core_model::access::Role;
use core_store::{NOTED_EVERY_US, SignInKey, SignInRow, Token, TokenRow};
use tracing::{Instrument as _, Span};

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

/// How it is known who somebody is.
#[derive(Clone)]
enum Means {
    Token,
    /// A session of a window or of a frame: its name in the store, and what its forms must send.
    Session {
        id: Arc<str>,
        csrf: Arc<str>,
    },
}

/// Somebody who is known.
#[derive(Clone)]
pub(crate) struct Caller {
    /// The account's or the token's name.
    pub(crate) name: Arc<str>,
    /// What a person is shown as.
    pub(crate) shown: Arc<str>,
    pub(crate) role: Role,
    /// What of the model is theirs.
    pub(crate) scope: Scope,
    means: Means,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Caller({} {})", self.means(), self.name)
    }
}

impl Caller {
    fn of(row: TokenRow) -> Self {
        let name: Arc<str> = row.name.into();
        Self {
            shown: Arc::clone(&name),
            name,
            role: row.role,
            scope: row.tenants.map_or(Scope::All, Scope::Of),
            means: Means::Token,
        }
    }

    fn signed_in(row: SignInRow, key: &SignInKey) -> Self {
        let account = row.account;
        Self {
            name: account.name.into(),
            shown: account.shown.into(),
            role: account.role,
            scope: account.tenants.map_or(Scope::All, Scope::Of),
            means: Means::Session { id: row.id.into(), csrf: key.derive("csrf").into() },
        }
    }

    /// How it is known who that is, in a word.
    pub(crate) fn means(&self) -> &'static str {
        match self.means {
            Means::Token => "token",
            Means::Session { .. } => "session",
        }
    }

    /// What a form of this caller sends in the field `csrf`, and a script in `x-csrf-token`; none
    /// where a token came with the request, which no browser adds by itself.
    pub(crate) fn csrf(&self) -> Option<&str> {
        match &self.means {
            Means::Token => None,
            Means::Session { csrf, .. } => Some(csrf),
        }
    }

    /// How the history calls them: a token is no person, whatever its name is.
    pub(crate) fn signature(&self) -> String {
        match self.means {
            Means::Token => format!("token {}", self.name),
            Means::Session { .. } => self.name.to_string(),
        }
    }

    /// The name of the session in the store.
    pub(crate) fn session(&self) -> Option<&str> {
        match &self.means {
            Means::Token => None,
            Means::Session { id, .. } => Some(id),
        }
    }

    /// Refuses whoever is less.
    pub(crate) fn must_be(&self, least: Role) -> Result<(), Problem> {
        if self.role >= least {
            return Ok(());
        }
        let (is, least) = (self.role.as_str(), least.as_str());
        Err(Problem::forbidden(
            format!("the role is {is}, and this takes {least}"),
            format!("sign in as somebody, or use a token, with the role {least}"),
        ))
    }

    /// Refuses whoever is only of some tenants.
    pub(crate) fn must_see_all(&self) -> Result<(), Problem> {
        match self.scope {
            Scope::All => Ok(()),
            Scope::Of(_) => Err(Problem::forbidden(
                "this caller is for certain tenants, and this is about all of them",
                "sign in as somebody, or use a token, of all tenants",
            )),
        }
    }
}

/// Which trace a request goes on with (W3C's Trace Context).
const TRACEPARENT: &str = "traceparent";
/// Names that are remembered before old ones are forgotten.
const NOTED: usize = 10_000;

/// When each token's and session's use was last noted by this process: a database that is busy must not be asked
/// again with every request.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<String, i64>>);

impl Uses {
    fn is_new(&self, row: &TokenRow, now_us: i64) -> bool {
        row.is_noted(now_us) && self.is_first(&format!("token {}", row.name), now_us)
    }

    /// Whether nothing was noted of it for a minute.
    pub(crate) fn is_first(&self, name: &str, now_us: i64) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(name).is_some_and(|last| now_us - last < NOTED_EVERY_US) {
            return false;
        }
        if noted.len() >= NOTED {
            noted.retain(|_, last| now_us - *last < NOTED_EVERY_US);
        }
        noted.insert(name.to_owned(), now_us);
        true
    }
}

impl Api {
    /// Who asks: by a token where one was sent, else by a cookie.
    async fn caller(&self, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
        if !headers.contains_key(AUTHORIZATION) {
            let session = self.session(headers).await?;
            return Ok(session.map(|(row, key)| Caller::signed_in(row, &key)));
        }
        let Some(token) = bearer(headers).and_then(Token::parse) else { return Ok(None) };
        let now_us = self.now_us();
        let row = self.store.token(&token).await?.filter(|row| row.holds(now_us));
        let Some(row) = row else { return Ok(None) };
        if self.uses.is_new(&row, now_us) {
            let (store, name) = (self.store.clone(), row.name.clone());
            // Nobody waits for it: a sync may have the only connection that writes.
            tokio::spawn(async move {
                if let Err(error) = store.token_used(&name, now_us).await {
                    tracing::warn!(%error, token = name, "the use of a token was not noted");
                }
            });
        }
        Ok(Some(Caller::of(row)))
    }

    /// Whether what opened something still does, and opens the same.
    pub(crate) async fn still_holds(&self, caller: &Caller) -> bool {
        let now_us = self.now_us();
        let held =
            match &caller.means {
                Means::Token => self.store.token_named(&caller.name).await.map(|row| {
                    row.filter(|row| row.holds(now_us)).map(|row| (row.role, row.tenants))
                }),
                Means::Session { id, .. } => self.store.sign_in_of(id).await.map(|row| {
                    let row = row.filter(|row| row.is_open(now_us));
                    row.map(|row| (row.account.role, row.account.tenants))
                }),
            };
        match held {
            Ok(held) => held.is_some_and(|(role, tenants)| {
                role == caller.role && tenants.as_deref() == caller.scope.tenants()
            }),
            // A database that is away for a moment is no revocation, and gives nothing away either.
            Err(_) => true,
        }
    }
}

/// Says who asks. Below `/v1` only whoever is known gets any further: nothing is said to anybody else,
/// not even which paths there are, and no trace of theirs is gone on with. Elsewhere each page says whom it
/// is for.
pub(crate) async fn guard(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Response {
    let span = request.extensions_mut().remove::<Span>().unwrap_or_else(Span::none);
    let path = request.uri().path();
    let is_api = path == "/v1" || path.starts_with("/v1/");
    let caller = match api.caller(request.headers()).await {
        Ok(None) if is_api => return Problem::unknown_caller().into_response(),
        Ok(caller) => caller,
        Err(problem) if is_api => return problem.into_response(),
        // Health and sign-in must answer without a database.
        Err(_) => None,
    };
    let Some(caller) = caller else { return next.run(request).instrument(span).await };
    let parent = request.headers().get(TRACEPARENT).and_then(|parent| parent.to_str().ok());
    if let (true, false, Some(parent)) = (is_api, span.is_disabled(), parent) {
        api.answers.continues(&span, parent);
    }
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).instrument(span).await;
    response.extensions_mut().insert(caller);
    response
}

/// The token of the only `Authorization` there is.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let (only, more) = (sent.next()?, sent.next());
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    let right = more.is_none() && scheme.eq_ignore_ascii_case("bearer");
    right.then(|| token.trim())
}
