//! What administrators see and change: tokens, accounts, the audit log. And who anybody is.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat};
use core_model::access::Role;
use core_model::entity::EntityKind;
use core_store::{
    AccountRow, AuditQuery, AuditRow, EntityQuery, Error, NewAccount, NewToken, Rights, Token,
    TokenRow,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Api;
use crate::asked::Asked;
use crate::params::Params;
use crate::password::hash_password;
use crate::problem::{Problem, shown};

/// Days that a token holds where nobody says.
const DAYS: i64 = 90;
/// Days that a token holds at most.
const MOST_DAYS: i64 = 3660;
const DAY_US: i64 = 86_400 * 1_000_000;

/// Who asks.
pub(crate) async fn me(_api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let caller = asked.caller()?;
    Ok(axum::Json(json!({
        "name": &*caller.name,
        "shown": &*caller.shown,
        "by": caller.means(),
        "role": caller.role,
        "tenants": caller.scope.tenants(),
        "csrf": caller.csrf(),
    }))
    .into_response())
}

pub(crate) async fn tokens(api: Arc<Api>, _asked: Asked) -> Result<Response, Problem> {
    let now_us = api.now_us();
    let rows = api.store.tokens().await?;
    let items: Vec<Value> = rows.iter().map(|row| token(row, now_us)).collect();
    Ok(axum::Json(json!({ "items": items })).into_response())
}

#[derive(Deserialize)]
struct TokenBody {
    name: String,
    role: String,
    tenants: Option<Vec<String>>,
    days: Option<i64>,
}

pub(crate) async fn make_token(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let body: TokenBody = asked.json()?;
    must_be_name(&body.name, "-_.", 64)?;
    let days = body.days.unwrap_or(DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        let what = format!("`days` is {days}");
        return Err(Problem::wrong(what, format!("give a number from 1 to {MOST_DAYS}")));
    }
    let tenants = api.known_tenants(body.tenants).await?;
    let now_us = api.now_us();
    let secret = Token::from_random(rand::random());
    let by = asked.caller()?.signature();
    let new = NewToken {
        name: &body.name,
        role: role(&body.role)?,
        tenants: tenants.as_deref(),
        by: &by,
        expires_us: Some(now_us.saturating_add(days * DAY_US)),
        now_us,
    };
    api.store.add_token(&secret, &new).await.map_err(|error| taken(error, "token", &body.name))?;
    api.audit(&asked, ("make-token", &body.name), "done", &body.role).await?;
    let row = api.store.token_named(&body.name).await?;
    let mut made = row.map(|row| token(&row, now_us)).unwrap_or_default();
    made["token"] = secret.reveal().into();
    Ok((StatusCode::CREATED, axum::Json(made)).into_response())
}

pub(crate) async fn revoke_token(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let (name, now_us) = (asked.id("id"), api.now_us());
    api.store
        .revoke_token(name, &asked.caller()?.name, now_us)
        .await
        .map_err(|error| missing(error, "token", name))?;
    api.audit(&asked, ("revoke-token", name), "done", "").await?;
    let row = api.store.token_named(name).await?;
    Ok(axum::Json(row.map(|row| token(&row, now_us))).into_response())
}

pub(crate) async fn accounts(api: Arc<Api>, _asked: Asked) -> Result<Response, Problem> {
    let rows = api.store.accounts().await?;
    let items: Vec<Value> = rows.iter().map(account).collect();
    Ok(axum::Json(json!({ "items": items })).into_response())
}

#[derive(Deserialize)]
struct AccountBody {
    name: String,
    role: String,
    shown: Option<String>,
    tenants: Option<Vec<String>>,
    password: Option<String>,
}

pub(crate) async fn make_account(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let body: AccountBody = asked.json()?;
    let name = body.name.trim().to_lowercase();
    must_be_name(&name, "-_.@+", 120)?;
    let tenants = api.known_tenants(body.tenants).await?;
    let hash = match body.password {
        Some(password) => Some(api.hash(password).await?),
        None => None,
    };
    let new = NewAccount {
        name: &name,
        shown: body.shown.as_deref().unwrap_or(&name),
        vouched: None,
        password: hash.as_deref(),
        role: role(&body.role)?,
        tenants: tenants.as_deref(),
        by: &asked.caller()?.name,
        now_us: api.now_us(),
    };
    api.store.add_account(&new).await.map_err(|error| taken(error, "account", &name))?;
    api.audit(&asked, ("make-account", &name), "done", &body.role).await?;
    let made = api.store.account(&name).await?;
    Ok((StatusCode::CREATED, axum::Json(made.as_ref().map(account))).into_response())
}

#[derive(Deserialize)]
struct AccountChange {
    disabled: Option<bool>,
    role: Option<String>,
    tenants: Option<Vec<String>>,
    password: Option<String>,
}

pub(crate) async fn change_account(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let change: AccountChange = asked.json()?;
    let (name, now_us) = (asked.id("id").to_owned(), api.now_us());
    let by = asked.caller()?.name.to_string();
    let known =
        api.store.account(&name).await?.ok_or_else(|| Problem::missing("account", &name))?;
    let mut what = Vec::new();
    if change.role.is_some() || change.tenants.is_some() {
        let role = change.role.as_deref().map(role).transpose()?.unwrap_or(known.role);
        let tenants = match change.tenants {
            Some(all) if all.is_empty() => None,
            Some(some) => api.known_tenants(Some(some)).await?,
            None => known.tenants.clone(),
        };
        let rights = Rights { shown: &known.shown, role, tenants: tenants.as_deref() };
        api.store.set_rights(&name, &rights).await?;
        what.push(role.as_str());
    }
    if let Some(password) = change.password {
        let hash = api.hash(password).await?;
        api.store.set_password(&name, &hash, &by, now_us).await?;
        what.push("another password");
    }
    if let Some(off) = change.disabled {
        api.store.set_disabled(&name, off, &by, now_us).await?;
        what.push(if off { "switched off" } else { "switched on" });
    }
    api.audit(&asked, ("change-account", &name), "done", &what.join(", ")).await?;
    let row = api.store.account(&name).await?;
    Ok(axum::Json(row.as_ref().map(account)).into_response())
}

pub(crate) async fn audit(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let params = Params::of(&asked.uri, &["limit", "before", "actor", "action", "subject"])?;
    let limit = params.limit()?;
    let before = params.get("before").map(|text| {
        let wrong = || Problem::wrong("`before` is no number", "give `next` of the page before");
        text.parse().ok().filter(|number: &i64| *number >= 0).ok_or_else(wrong)
    });
    let query = AuditQuery {
        before: before.transpose()?,
        actor: params.get("actor"),
        action: params.get("action"),
        subject: params.get("subject"),
        limit: limit + 1,
    };
    let mut rows = api.store.audit(&query).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.number);
    let items: Vec<Value> = rows.iter().map(line).collect();
    Ok(axum::Json(json!({ "items": items, "next": next })).into_response())
}

impl Api {
    /// Ids of tenants, each of which there is; none is all.
    async fn known_tenants(
        &self,
        ids: Option<Vec<String>>,
    ) -> Result<Option<Vec<String>>, Problem> {
        let Some(ids) = ids.filter(|ids| !ids.is_empty()) else { return Ok(None) };
        let query = EntityQuery { ids: Some(&ids), ..EntityQuery::all(EntityKind::Tenant) };
        let rows = self.store.entities(&query).await?;
        match ids.iter().find(|id| !rows.iter().any(|row| row.id == **id)) {
            Some(id) => Err(Problem::missing("tenant", id)),
            None => Ok(Some(ids)),
        }
    }

    async fn hash(&self, password: String) -> Result<String, Problem> {
        let turn = self.hashing.acquire().await.map_err(|_| Problem::fault())?;
        let hashed = tokio::task::spawn_blocking(move || hash_password(&password)).await;
        drop(turn);
        let hashed = hashed.map_err(|_| Problem::fault())?;
        hashed.map_err(|why| Problem::wrong(why, "choose another password"))
    }
}

fn role(text: &str) -> Result<Role, Problem> {
    Role::parse(text).ok_or_else(|| {
        let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        let what = format!("there is no role `{}`", shown(text));
        Problem::wrong(what, format!("use one of: {}", roles.join(", ")))
    })
}

/// Names are typed, and stand in logs.
fn must_be_name(name: &str, besides: &str, longest: usize) -> Result<(), Problem> {
    let fits = |c: char| c.is_ascii_alphanumeric() || besides.contains(c);
    let is_secret = name.starts_with(Token::PREFIX);
    if (1..=longest).contains(&name.len()) && name.chars().all(fits) && !is_secret {
        return Ok(());
    }
    Err(Problem::wrong(
        format!("`{}` is no name", shown(name)),
        format!("use up to {longest} letters, digits and {besides}"),
    ))
}

fn taken(error: Error, word: &str, name: &str) -> Problem {
    match error {
        Error::Conflict { .. } => Problem::conflict(
            format!("there is, or was, a {word} `{}`", shown(name)),
            "choose another name, so that the log says which of them it was",
        ),
        error => error.into(),
    }
}

fn missing(error: Error, word: &str, name: &str) -> Problem {
    match error {
        Error::NotFound { .. } => Problem::missing(word, name),
        error => error.into(),
    }
}

fn instant(us: Option<i64>) -> Option<String> {
    let at = DateTime::from_timestamp_micros(us?)?;
    Some(at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

fn token(row: &TokenRow, now_us: i64) -> Value {
    let state = match row.revoked_us {
        Some(_) => "revoked",
        None if row.holds(now_us) => "holds",
        None => "expired",
    };
    json!({
        "name": row.name,
        "role": row.role,
        "tenants": row.tenants,
        "state": state,
        "created": instant(Some(row.created_us)),
        "created_by": row.created_by,
        "expires": instant(row.expires_us),
        "last_used": instant(row.last_used_us),
        "revoked": instant(row.revoked_us),
        "revoked_by": row.revoked_by,
    })
}

/// An account, for machines.
#[must_use]
pub fn account(row: &AccountRow) -> Value {
    json!({
        "name": row.name,
        "shown": row.shown,
        "provider": row.vouched.as_ref().map(|(issuer, _)| issuer),
        "password": row.has_password,
        "role": row.role,
        "tenants": row.tenants,
        "created": instant(Some(row.created_us)),
        "created_by": row.created_by,
        "last_sign_in": instant(row.last_sign_in_us),
        "disabled": instant(row.disabled_us),
        "disabled_by": row.disabled_by,
    })
}

/// A line of the audit log, for machines.
#[must_use]
pub fn line(row: &AuditRow) -> Value {
    json!({
        "number": row.number,
        "at": instant(Some(row.at_us)),
        "actor": row.actor,
        "means": row.means,
        "address": row.address,
        "action": row.action,
        "subject": row.subject,
        "outcome": row.outcome,
        "detail": row.detail,
    })
}
