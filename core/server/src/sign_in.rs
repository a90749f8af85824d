//! Signing in and out: the page, passwords, and the way of a sign-in into a framed page.
//!
//! A page that another site frames gets no cookie of ours. Its script (`/assets/handover.js`) opens
//! `/sign-in?handover=1` in a window of its own; signed in, that window gives the frame a code, which
//! counts once and for a minute, and the frame changes it for a cookie that holds within that site.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_store::{AccountRow, NewAudit, NewSignIn, SignInKey};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::asked::Asked;
use crate::page::{NOBODY, html, own_path, see_other};
use crate::params::Params;
use crate::password::is_password;
use crate::problem::Problem;
use crate::session::{WINDOW, frame_cookie, window_cookie};
use crate::{Api, assets};

/// What the log of changes calls it.
pub(crate) const ACTION: &str = "sign-in";
/// Refusals of one account, and from one address, after which nobody is let in for [`WINDOW_US`].
const MOST_OF_ACCOUNT: u64 = 10;
const MOST_OF_ADDRESS: u64 = 50;
/// In which time they are counted, in microseconds.
const WINDOW_US: i64 = 15 * 60 * 1_000_000;
/// How long a code for a framed page counts, in microseconds.
const CODE_US: i64 = 60 * 1_000_000;
/// Parameters of the page.
const PARAMS: &[&str] = &["next", "handover", "error"];

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    css: String,
    next: &'a str,
    handover: bool,
    name: &'a str,
    error: &'a str,
    /// What the button of the provider says; none where there is no provider.
    provider: Option<String>,
    provider_path: String,
}

#[derive(Template)]
#[template(path = "handover.html")]
struct HandoverPage<'a> {
    css: String,
    script: String,
    code: &'a str,
}

/// The page, or where one goes on to who is signed in already.
pub(crate) async fn form(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let params = Params::of(&asked.uri, PARAMS)?;
    let (next, handover) = (own_path(params.get("next")), params.get("handover").is_some());
    if asked.caller.as_ref().is_some_and(|caller| caller.session().is_some()) {
        return match handover {
            true => hand_over(&api, &asked).await,
            false => Ok(see_other(next)),
        };
    }
    let error = match params.get("error") {
        Some("provider") => "The provider did not let you in.",
        Some("rights") => {
            "You are known, and have no role here. Ask an administrator of the hub for one."
        }
        _ => "",
    };
    shown(&api, StatusCode::OK, (next, handover), ("", error))
}

/// Signs somebody in by a password.
pub(crate) async fn with_password(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let field = |name| asked.field(name).unwrap_or_default();
    let (typed, password, next) = (field("name"), field("password"), field("next"));
    let (next, handover) = (own_path(Some(&next)), !field("handover").is_empty());
    let name = typed.trim().to_lowercase();
    // One after the other, or many at once would be counted as one.
    let turn = api.hashing.acquire().await.map_err(|_| Problem::fault())?;
    let account = api.store.account(&name).await?;
    let subject = subject(&name, account.as_ref());
    let now_us = api.now_us();
    let since_us = now_us.saturating_sub(WINDOW_US);
    let refused = api.store.refusals(ACTION, &subject, &asked.address, since_us).await?;
    if refused.0 >= MOST_OF_ACCOUNT || refused.1 >= MOST_OF_ADDRESS {
        tracing::warn!(subject, address = asked.address, "too many sign-ins were refused");
        return Err(Problem::too_often());
    }
    let hash = api.store.password_of(&name).await?;
    let compared = tokio::task::spawn_blocking(move || is_password(&password, hash.as_deref()));
    let is_right = compared.await.map_err(|_| Problem::fault())?;
    let Some(account) = account.filter(|_| is_right) else {
        api.audit(&asked, (ACTION, &subject), "refused", "password").await?;
        drop(turn);
        let error = "The name or the password is wrong.";
        return shown(&api, StatusCode::UNAUTHORIZED, (next, handover), (typed.trim(), error));
    };
    drop(turn);
    api.signed_in(&asked, &account, "password", (next, handover)).await
}

/// Ends the session.
pub(crate) async fn out(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let caller = asked.caller()?;
    if let Some(session) = caller.session() {
        api.store.end_sign_in(session, &caller.name, api.now_us()).await?;
        api.audit(&asked, ("sign-out", &caller.name), "done", "").await?;
    }
    let mut response = see_other("/sign-in");
    response.headers_mut().append(SET_COOKIE, window_cookie(WINDOW, "", 0));
    response.headers_mut().append(SET_COOKIE, frame_cookie("", 0));
    Ok(response)
}

/// Changes a code for the cookie of a framed page.
pub(crate) async fn into_frame(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        code: String,
    }
    let body: Body = asked.json()?;
    let now_us = api.now_us();
    let idle_us = api.answers.sign_in().idle_us();
    let session = match SignInKey::parse(&body.code) {
        Some(code) => api.store.take_handover(&code, now_us).await?,
        None => None,
    };
    let Some(session) = session.filter(|session| session.holds(now_us, idle_us)) else {
        api.audit(&asked, ("sign-in.frame", ""), "refused", "the code does not count").await?;
        return Err(Problem::no_code());
    };
    let key = SignInKey::from_random(rand::random());
    let new = NewSignIn {
        account: &session.account.name,
        parent: Some(&session.id),
        address: &asked.address,
        expires_us: session.expires_us,
        now_us,
    };
    api.store.add_sign_in(&key, &new).await?;
    api.audit_as(&session.account.name, &asked, ("sign-in.frame", &session.account.name), "done")
        .await?;
    let seconds = (session.expires_us - now_us) / 1_000_000;
    let cookie = frame_cookie(key.reveal(), u64::try_from(seconds).unwrap_or_default());
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}

impl Api {
    /// Gives somebody who proved who he is a session, and leads on.
    pub(crate) async fn signed_in(
        &self,
        asked: &Asked,
        account: &AccountRow,
        how: &str,
        (next, handover): (&str, bool),
    ) -> Result<Response, Problem> {
        let sign_in = self.answers.sign_in();
        let key = SignInKey::from_random(rand::random());
        let now_us = self.now_us();
        let new = NewSignIn {
            account: &account.name,
            parent: None,
            address: &asked.address,
            expires_us: now_us.saturating_add(sign_in.longest_us()),
            now_us,
        };
        self.store.add_sign_in(&key, &new).await?;
        let line = NewAudit { detail: how, ..self.line(asked, (ACTION, &account.name), "done") };
        self.store.add_audit(&NewAudit { actor: &account.name, means: "session", ..line }).await?;
        let mut response = match handover {
            true => see_other("/sign-in?handover=1"),
            false => see_other(next),
        };
        let cookie = window_cookie(WINDOW, key.reveal(), sign_in.longest.as_secs());
        response.headers_mut().append(SET_COOKIE, cookie);
        Ok(response)
    }

    /// Writes a line of the log of changes, of whoever asks.
    pub(crate) async fn audit(
        &self,
        asked: &Asked,
        what: (&str, &str),
        outcome: &str,
        detail: &str,
    ) -> Result<(), Problem> {
        self.store.add_audit(&NewAudit { detail, ..self.line(asked, what, outcome) }).await?;
        Ok(())
    }

    async fn audit_as(
        &self,
        actor: &str,
        asked: &Asked,
        what: (&str, &str),
        outcome: &str,
    ) -> Result<(), Problem> {
        let line = NewAudit { actor, means: "session", ..self.line(asked, what, outcome) };
        self.store.add_audit(&line).await?;
        Ok(())
    }

    fn line<'a>(
        &self,
        asked: &'a Asked,
        (action, subject): (&'a str, &'a str),
        outcome: &'a str,
    ) -> NewAudit<'a> {
        let caller = asked.caller.as_ref();
        NewAudit {
            at_us: self.now_us(),
            actor: caller.map_or("", |caller| &caller.name),
            means: caller.map_or("nobody", |caller| caller.means()),
            address: &asked.address,
            action,
            subject,
            outcome,
            detail: "",
        }
    }
}

async fn hand_over(api: &Api, asked: &Asked) -> Result<Response, Problem> {
    let session = asked.caller()?.session().unwrap_or_default();
    let code = SignInKey::from_random(rand::random());
    api.store.add_handover(&code, session, api.now_us().saturating_add(CODE_US)).await?;
    let page = HandoverPage {
        css: assets::path("access.css"),
        script: assets::path("handover.js"),
        code: code.reveal(),
    };
    html(StatusCode::OK, &page, NOBODY)
}

fn shown(
    api: &Api,
    status: StatusCode,
    (next, handover): (&str, bool),
    (name, error): (&str, &str),
) -> Result<Response, Problem> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", next);
    if handover {
        query.append_pair("handover", "1");
    }
    let page = SignInPage {
        css: assets::path("access.css"),
        next,
        handover,
        name,
        error,
        provider: api.answers.sign_in().provider.as_ref().map(|provider| provider.name.clone()),
        provider_path: format!("/sign-in/provider?{}", query.finish()),
    };
    html(status, &page, NOBODY)
}

/// What the log calls whoever tried. What was typed as the name of nobody may be a password: of it
/// there is a digest, by which the tries are counted all the same.
fn subject(name: &str, account: Option<&AccountRow>) -> String {
    match account {
        Some(account) => account.name.clone(),
        None => {
            let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("linchpin name\n{name}")));
            format!("(unknown {})", &digest[..12])
        }
    }
}
