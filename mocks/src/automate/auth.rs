//! Sign-in: `apitoken`, its refresh with a bare JSON string, and the two headers of every call.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use totp_rs::{Algorithm, Secret, TOTP};
use uuid::Uuid;

use super::problem::Problem;
use super::request::{Request, member};
use crate::vendor::Reply;
use crate::world::World;

/// A token can be refreshed for so long after the sign-in.
const ABSOLUTE_DAYS: i64 = 7;

/// The tokens that were given out.
#[derive(Default)]
pub(super) struct Tokens {
    known: Mutex<HashMap<String, Life>>,
}

#[derive(Clone, Copy)]
struct Life {
    expires: DateTime<Utc>,
    absolute: DateTime<Utc>,
}

impl Tokens {
    /// Answers everything below `apitoken`.
    pub(super) fn answer(&self, request: &Request<'_>, world: &World) -> Result<Reply, Problem> {
        match (request.method.as_str(), request.path().as_slice()) {
            ("GET", ["apitoken"]) => Ok(Reply::json(200, &information())),
            ("POST", ["apitoken"]) => self.sign_in(request, world),
            ("POST", ["apitoken", "refresh"]) => self.refresh(request, world),
            (method, ["apitoken"] | ["apitoken", "refresh"]) => Err(Problem::no_method(method)),
            _ => Err(Problem::no_resource()),
        }
    }

    /// 401 unless the call carries a live token.
    pub(super) fn check_bearer(&self, request: &Request<'_>, world: &World) -> Result<(), Problem> {
        let token = request
            .call
            .header("authorization")
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| Problem::unauthorized("Authorization has been denied."))?;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(token) {
            Some(life) if world.now() < life.expires => Ok(()),
            Some(_) => Err(Problem::unauthorized("The access token has expired.")),
            None => Err(Problem::unauthorized("The access token is not valid.")),
        }
    }

    /// Forgets all tokens.
    pub(super) fn revoke(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn sign_in(&self, request: &Request<'_>, world: &World) -> Result<Reply, Problem> {
        let given = Given::read(request)?;
        let credentials = &world.credentials;
        let right = given.user.trim().eq_ignore_ascii_case(&credentials.automate_user)
            && given.password == credentials.automate_password;
        if !right {
            return Err(Problem::unauthorized("The user name or password is not correct."));
        }
        if let Some(seed) = &credentials.automate_totp {
            let passcode: String = given.passcode.split_whitespace().collect();
            if passcode.is_empty() {
                return Ok(Reply::json(200, &second_factor_wanted()));
            }
            if !passcode_fits(seed, &passcode) {
                return Err(Problem::unauthorized("The two factor passcode is not correct."));
            }
        }
        Ok(self.give(world, world.now() + Duration::days(ABSOLUTE_DAYS)))
    }

    fn refresh(&self, request: &Request<'_>, world: &World) -> Result<Reply, Problem> {
        check_client_id(request, world)?;
        let Value::String(token) = request.json()? else {
            return Err(Problem::bad("The body must be the token as a JSON string."));
        };
        let token = token.trim().trim_start_matches("Bearer ").to_owned();
        let life = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(&token).copied()
        };
        match life {
            Some(life) if world.now() < life.absolute => Ok(self.give(world, life.absolute)),
            Some(_) => Err(Problem::unauthorized("The session has ended; sign in again.")),
            None => Err(Problem::unauthorized("The access token is not valid.")),
        }
    }

    fn give(&self, world: &World, absolute: DateTime<Utc>) -> Reply {
        let now = world.now();
        let seconds = i64::try_from(world.options.token_seconds).unwrap_or(3600);
        let life = Life { expires: absolute.min(now + Duration::seconds(seconds)), absolute };
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, life| now < life.absolute);
        known.insert(token.clone(), life);
        Reply::json(
            200,
            &json!({
                "AccessToken": token,
                "TokenType": "Bearer",
                "ExpirationDate": zoneless(life.expires),
                "AbsoluteExpirationDate": zoneless(life.absolute),
                "UserId": "7",
                "InternalUserName": null,
                "IsTwoFactorRequired": false,
                "IsInternalTwoFactorRequired": false,
                "SSOAccessToken": null,
            }),
        )
    }
}

/// 401 unless the call carries the integrator's id.
pub(super) fn check_client_id(request: &Request<'_>, world: &World) -> Result<(), Problem> {
    let given = request
        .call
        .header("clientid")
        .map(|text| Uuid::try_parse(text.trim()))
        .ok_or_else(|| Problem::unauthorized("The clientId header is missing."))?;
    if given.is_ok_and(|id| id == world.credentials.automate_client_id) {
        Ok(())
    } else {
        Err(Problem::unauthorized("The clientId header is not valid."))
    }
}

/// A moment as the API writes it: UTC without a zone, in whole seconds.
pub(super) fn zoneless(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// What a sign-in carries.
#[derive(Default)]
struct Given {
    user: String,
    password: String,
    passcode: String,
}

impl Given {
    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let body = &request.call.body;
        let form = request
            .call
            .header("content-type")
            .is_some_and(|kind| kind.to_ascii_lowercase().contains("x-www-form-urlencoded"));
        let mut given = Self::default();
        if form && !body.starts_with(b"{") {
            for (name, value) in url::form_urlencoded::parse(body) {
                given.take(&name, &value);
            }
            return Ok(given);
        }
        let body = request.json()?;
        for name in ["username", "password", "twofactorpasscode"] {
            match member(&body, name) {
                Some(Value::String(text)) => given.take(name, text),
                // Some clients send the passcode as a number, which eats leading zeros.
                Some(Value::Number(number)) => given.take(name, &format!("{number:0>6}")),
                _ => {}
            }
        }
        Ok(given)
    }

    fn take(&mut self, name: &str, value: &str) {
        match name.to_ascii_lowercase().as_str() {
            "username" => value.clone_into(&mut self.user),
            "password" => value.clone_into(&mut self.password),
            "twofactorpasscode" => value.clone_into(&mut self.passcode),
            _ => {}
        }
    }
}

/// Whether a passcode is that of now, or of one step before or after. The machine's clock counts:
/// the caller computes the code from it, however far the world's clock is ahead.
fn passcode_fits(seed: &str, passcode: &str) -> bool {
    let seed: String = seed
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let Ok(secret) = Secret::Encoded(seed).to_bytes() else {
        return false;
    };
    let now = u64::try_from(Utc::now().timestamp()).unwrap_or_default();
    TOTP::new_unchecked(Algorithm::SHA1, 6, 1, 30, secret).check(passcode, now)
}

fn second_factor_wanted() -> Value {
    json!({
        "AccessToken": null,
        "TokenType": null,
        "ExpirationDate": null,
        "AbsoluteExpirationDate": null,
        "UserId": null,
        "InternalUserName": null,
        "IsTwoFactorRequired": true,
        "IsInternalTwoFactorRequired": false,
        "SSOAccessToken": null,
    })
}

fn information() -> Value {
    json!({
        "AllowDirect": true,
        "AllowServiceRegistration": false,
        "AutomateRedirectUri": "",
        "Services": [],
    })
}
