//! Requests that name a key (`Idempotency-Key`): sent again, they are answered as the first time and
//! do nothing. The key is the caller's; with it goes what was asked, so that one key means one thing.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_store::Repeated;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::Api;
use crate::access::Caller;
use crate::asked::Asked;
use crate::deeds::Deed;
use crate::problem::Problem;

/// The header that names the key.
const KEY: &str = "idempotency-key";
/// Characters of a key.
const LONGEST: usize = 200;
/// For how long an answer is kept, in microseconds.
const KEPT_US: i64 = 86_400 * 1_000_000;

/// What a request turned out to be.
pub(crate) enum Sent {
    /// To be done.
    Anew(Repeat),
    /// It was answered before.
    Before(Response),
}

/// What is to be done with a request's answer.
pub(crate) enum Repeat {
    /// It names no key.
    Not,
    /// It is the first of its key.
    First { caller: String, key: String },
}

/// Whether a text may be a key. Blanks around it belong to HTTP and never get here.
fn is_key(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Repeat {
    /// What a request is.
    pub(crate) async fn of(
        api: &Api,
        caller: &Caller,
        deed: &Deed,
        asked: &Asked,
    ) -> Result<Sent, Problem> {
        let Some(key) = asked.headers.get(KEY) else { return Ok(Sent::Anew(Repeat::Not)) };
        let key = key.to_str().ok().filter(|key| is_key(key));
        let key = key.ok_or_else(|| {
            let what =
                "`Idempotency-Key` has 1 to 200 readable characters, and no blank among them";
            Problem::wrong(what, "send a random one, like a UUID, with each thing to be done once")
        })?;
        let mut told = Sha256::new();
        told.update(format!("{} {}\n", deed.id, asked.uri.path()));
        told.update(&asked.body);
        let digest = URL_SAFE_NO_PAD.encode(told.finalize());
        let caller = caller.signature();
        let now_us = api.now_us();
        let before = now_us.saturating_sub(KEPT_US);
        match api.store.begin_repeatable((&caller, key), &digest, now_us, before).await? {
            None => Ok(Sent::Anew(Repeat::First { caller, key: key.to_owned() })),
            Some(Repeated { digest: other, .. }) if other != digest => Err(Problem::conflict(
                "this `Idempotency-Key` was sent with something else",
                "send a new one with each thing to be done",
            )),
            Some(Repeated { answer: None, .. }) => Err(Problem::conflict(
                "the request of this `Idempotency-Key` is still being done, or was broken off",
                "look what became of it before it is sent with a new key",
            )),
            Some(Repeated { answer: Some((status, body)), .. }) => {
                let status = u16::try_from(status).ok();
                let status = status.and_then(|status| StatusCode::from_u16(status).ok());
                let kind = [(header::CONTENT_TYPE, "application/json")];
                let status = status.unwrap_or(StatusCode::OK);
                Ok(Sent::Before((status, kind, body).into_response()))
            }
        }
    }

    /// Keeps the answer.
    pub(crate) async fn note(&self, api: &Api, status: StatusCode, answer: &Value) {
        let Repeat::First { caller, key } = self else { return };
        let (status, body) = (i64::from(status.as_u16()), answer.to_string());
        if let Err(error) = api.store.end_repeatable((caller, key), status, &body).await {
            tracing::warn!(%error, "an answer was not kept; its key counts for one that was broken off");
        }
    }

    /// Lets the key be used again: nothing was done.
    pub(crate) async fn forget(&self, api: &Api) {
        let Repeat::First { caller, key } = self else { return };
        if let Err(error) = api.store.drop_repeatable((caller, key)).await {
            tracing::warn!(%error, "a key was not given free");
        }
    }
}
