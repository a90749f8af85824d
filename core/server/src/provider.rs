//! Signing in by an OpenID Connect provider: the browser is sent there with what only it knows
//! (state, nonce, and the challenge of PKCE), comes back with a code, and the code is changed for a
//! signed statement of who that is and which roles it has. What must be remembered meanwhile is in a
//! cookie of that browser and nowhere else.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::header::SET_COOKIE;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use core_model::access::Role;
use core_store::{AccountRow, NewAccount, Rights, SignInKey};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AsyncHttpClient, AuthenticationFlow, AuthorizationCode, Client, ClientId,
    ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IdTokenClaims, IdTokenFields, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;

use crate::asked::Asked;
use crate::page::{own_path, see_other};
use crate::params::Params;
use crate::problem::Problem;
use crate::session::{cookie, window_cookie};
use crate::sign_in::ACTION;
use crate::{Answers, Api};

/// A request to another system.
pub type Fetch = axum::http::Request<Vec<u8>>;
/// Its answer.
pub type Fetched = axum::http::Response<Vec<u8>>;

/// The cookie of a browser that is on its way to the provider and back.
const FLOW: &str = "__Host-linchpin-flow";
/// How long that way may take, in seconds.
const WAY: u64 = 600;
/// How long a provider's description and keys are used, in microseconds.
const KNOWN_US: i64 = 3600 * 1_000_000;
/// Bytes of an account's name at most.
const NAME: usize = 120;
/// Where the provider sends browsers back to.
const CALLBACK: &str = "/sign-in/callback";
/// Signatures that are believed: those whose key the provider does not share with us.
const BELIEVED: [CoreJwsSigningAlgorithm; 6] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
];

/// An OpenID Connect provider, and what its roles are worth here. It does not print the secret.
#[derive(Clone, Debug)]
pub struct Provider {
    /// What the button says, like `Sign in with Microsoft`.
    pub name: String,
    /// Its issuer, exactly as it names itself.
    pub issuer: String,
    /// What the hub is called there.
    pub client_id: String,
    /// How the hub proves that it is that.
    pub client_secret: ClientSecret,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// The claim that names roles or groups.
    pub claim: String,
    /// What each of them is worth.
    pub grants: Vec<Grant>,
}

/// What a role or a group of the provider is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its name there.
    pub value: String,
    /// What it may do here.
    pub role: Role,
    /// Ids of the tenants that it sees; none is all.
    pub tenants: Option<Vec<String>>,
}

impl Provider {
    /// A secret, of its text.
    #[must_use]
    pub fn secret(text: String) -> ClientSecret {
        ClientSecret::new(text)
    }

    /// The greatest role that these values are worth, with the tenants of that role: being an
    /// administrator of one tenant and a reader of all is no administrator of all.
    fn worth(&self, values: &[String]) -> Option<(Role, Option<Vec<String>>)> {
        let held = || self.grants.iter().filter(|grant| values.contains(&grant.value));
        let role = held().map(|grant| grant.role).max()?;
        let mut tenants = Some(Vec::new());
        for grant in held().filter(|grant| grant.role == role) {
            match (&mut tenants, &grant.tenants) {
                (Some(all), Some(more)) => all.extend(more.iter().cloned()),
                _ => tenants = None,
            }
        }
        Some((role, tenants))
    }
}

/// What is known of the provider: its issuer, until when, and its description.
#[derive(Default)]
pub(crate) struct Known(Mutex<Option<(String, i64, CoreProviderMetadata)>>);

/// Claims that no standard names.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Extra {
    #[serde(flatten)]
    all: HashMap<String, Value>,
}

impl AdditionalClaims for Extra {}

type Claims = IdTokenClaims<Extra, CoreGenderClaim>;
type Answer = StandardTokenResponse<
    IdTokenFields<
        Extra,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;
type Relying = Client<
    Extra,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Answer,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// That another system was asked in vain.
#[derive(Debug)]
struct Unreachable(String);

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreachable {}

/// Asks the provider, by way of the program around the server.
struct Asking(Arc<dyn Answers>);

impl<'c> AsyncHttpClient<'c> for Asking {
    type Error = Unreachable;
    type Future = Pin<Box<dyn Future<Output = Result<Fetched, Unreachable>> + Send + 'c>>;

    fn call(&'c self, request: Fetch) -> Self::Future {
        Box::pin(async move { self.0.fetch(request).await.map_err(Unreachable) })
    }
}

/// Sends a browser to the provider.
pub(crate) async fn leave(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let params = Params::of(&asked.uri, &["next", "handover"])?;
    let provider = api.provider()?;
    let key = SignInKey::from_random(rand::random());
    let relying = api.relying(&provider, false).await.map_err(|why| unavailable(&why))?;
    let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
    let (state, nonce) = (key.derive("state"), key.derive("nonce"));
    let verifier = PkceCodeVerifier::new(key.derive("verifier"));
    let asking = relying
        .authorize_url(flow, || CsrfToken::new(state), || Nonce::new(nonce))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_scopes(provider.scopes.iter().cloned().map(Scope::new));
    let (url, ..) = asking.url();
    let next = URL_SAFE_NO_PAD.encode(own_path(params.get("next")));
    let handover = u8::from(params.get("handover").is_some());
    let value = format!("{}.{next}.{handover}", key.reveal());
    let mut response = see_other(url.as_str());
    response.headers_mut().append(SET_COOKIE, window_cookie(FLOW, &value, WAY));
    Ok(response)
}

/// Takes a browser that comes back from the provider.
pub(crate) async fn come_back(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let provider = api.provider()?;
    // Providers send more than they have to: what else is there is left alone.
    let query = asked.uri.query().unwrap_or_default();
    let sent: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let refused = |error: &str| {
        let mut response = see_other(&format!("/sign-in?error={error}"));
        response.headers_mut().append(SET_COOKIE, window_cookie(FLOW, "", 0));
        response
    };
    let Some((key, next, handover)) = cookie(&asked.headers, FLOW).and_then(|text| read(&text))
    else {
        api.audit(&asked, (ACTION, "(provider)"), "refused", "nobody was sent there").await?;
        return Ok(refused("provider"));
    };
    let is_ours = |state: &String| state.as_bytes().ct_eq(key.derive("state").as_bytes()).into();
    let code = match (sent.get("state").is_some_and(is_ours), sent.get("code")) {
        (true, Some(code)) => code.clone(),
        (is_ours, _) => {
            let said = sent.get("error").filter(|_| is_ours).map(String::as_str);
            let said = crate::problem::shown(said.unwrap_or("another state, or no code"));
            api.audit(&asked, (ACTION, "(provider)"), "refused", &said).await?;
            return Ok(refused("provider"));
        }
    };
    let claims = match api.claims(&provider, &key, code).await {
        Ok(claims) => claims,
        Err(why) => {
            tracing::warn!(error = why, "a sign-in by the provider was refused");
            api.audit(&asked, (ACTION, "(provider)"), "refused", &why).await?;
            return Ok(refused("provider"));
        }
    };
    let Some(account) = api.vouched(&provider, &claims).await? else {
        let who = name(&claims);
        api.audit(&asked, (ACTION, &who), "refused", "no role, or switched off").await?;
        return Ok(refused("rights"));
    };
    let mut response = api.signed_in(&asked, &account, "provider", (&next, handover)).await?;
    response.headers_mut().append(SET_COOKIE, window_cookie(FLOW, "", 0));
    Ok(response)
}

impl Api {
    fn provider(&self) -> Result<Provider, Problem> {
        self.answers.sign_in().provider.clone().ok_or_else(Problem::no_path)
    }

    /// The provider's description and keys; those of the last hour, unless they must be new.
    async fn relying(&self, provider: &Provider, anew: bool) -> Result<Relying, String> {
        let now_us = self.now_us();
        let mut known = self.provider.0.lock().await;
        let held = known.as_ref().filter(|(issuer, until_us, _)| {
            !anew && *issuer == provider.issuer && now_us < *until_us
        });
        let metadata = match held {
            Some((.., metadata)) => metadata.clone(),
            None => {
                let issuer = IssuerUrl::new(provider.issuer.clone());
                let issuer = issuer.map_err(|error| format!("`issuer` is no address: {error}"))?;
                let fetch = Asking(Arc::clone(&self.answers));
                let metadata = CoreProviderMetadata::discover_async(issuer, &fetch)
                    .await
                    .map_err(|error| in_full("the provider does not describe itself", &error))?;
                *known = Some((provider.issuer.clone(), now_us + KNOWN_US, metadata.clone()));
                metadata
            }
        };
        let url = self.answers.sign_in().public_url.clone();
        let url = url.ok_or("`public_url` is not set: the provider cannot send anybody back")?;
        let back = RedirectUrl::new(format!("{url}{CALLBACK}"))
            .map_err(|error| format!("`public_url` is no address: {error}"))?;
        let (id, secret) = (provider.client_id.clone(), provider.client_secret.clone());
        let relying = Relying::from_provider_metadata(metadata, ClientId::new(id), Some(secret));
        Ok(relying.set_redirect_uri(back))
    }

    /// What the provider says of whoever came back with that code, checked.
    async fn claims(
        &self,
        provider: &Provider,
        key: &SignInKey,
        code: String,
    ) -> Result<Claims, String> {
        let relying = self.relying(provider, false).await?;
        let fetch = Asking(Arc::clone(&self.answers));
        let asking = relying.exchange_code(AuthorizationCode::new(code));
        let answer = asking
            .map_err(|error| in_full("the provider has no token endpoint", &error))?
            .set_pkce_verifier(PkceCodeVerifier::new(key.derive("verifier")))
            .request_async(&fetch)
            .await
            .map_err(|error| in_full("the provider takes the code for nothing", &error))?;
        let token = answer.id_token().ok_or("the provider says nothing of who that is")?;
        let nonce = Nonce::new(key.derive("nonce"));
        let now = DateTime::<Utc>::from_timestamp_micros(self.now_us()).unwrap_or_default();
        let check = |relying: &Relying| {
            let verifier = relying.id_token_verifier().set_allowed_algs(BELIEVED);
            let verifier = verifier.set_time_fn(move || now);
            token.claims(&verifier, &nonce).cloned()
        };
        if let Ok(claims) = check(&relying) {
            return Ok(claims);
        }
        // Its keys may have changed since they were read.
        let relying = self.relying(provider, true).await?;
        check(&relying).map_err(|error| in_full("the provider's statement is not believed", &error))
    }

    /// The account of whoever the provider vouches for, with the rights that it has there now; none
    /// where it has none here, or was switched off.
    async fn vouched(
        &self,
        provider: &Provider,
        claims: &Claims,
    ) -> Result<Option<AccountRow>, Problem> {
        let values = values(claims.additional_claims().all.get(&provider.claim));
        let Some((role, tenants)) = provider.worth(&values) else { return Ok(None) };
        let name = name(claims);
        let shown = claims.name().and_then(|names| names.get(None)).map(|name| name.to_string());
        let shown = shown.unwrap_or_else(|| name.clone());
        let rights = Rights { shown: &shown, role, tenants: tenants.as_deref() };
        let (issuer, subject) = (provider.issuer.as_str(), claims.subject().as_str());
        let known = self.store.account_vouched(issuer, subject).await?;
        let name = match known {
            Some(account) => {
                self.store.set_rights(&account.name, &rights).await?;
                account.name
            }
            None => {
                // Somebody else may have that name: an account of the hub's own is never taken over.
                let taken = self.store.account(&name).await?.is_some();
                let name = if taken { format!("{name}#{}", short(subject)) } else { name };
                let new = NewAccount {
                    name: &name,
                    shown: &shown,
                    vouched: Some((issuer, subject)),
                    password: None,
                    role,
                    tenants: tenants.as_deref(),
                    by: "provider",
                    now_us: self.now_us(),
                };
                self.store.add_account(&new).await?;
                name
            }
        };
        let account = self.store.account(&name).await?;
        Ok(account.filter(|account| account.disabled_us.is_none()))
    }
}

/// Which values a claim has: a text, or a list of texts.
fn values(claim: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match claim {
        Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// What somebody is called here.
fn name(claims: &Claims) -> String {
    let preferred = claims.preferred_username().map(|name| name.to_string());
    let email = || claims.email().map(|email| email.to_string());
    let name = preferred.or_else(email).unwrap_or_else(|| claims.subject().to_string());
    let mut name: String = name.trim().to_lowercase().chars().filter(|c| !c.is_control()).collect();
    while name.len() > NAME {
        name.pop();
    }
    name
}

fn short(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text)).chars().take(6).collect()
}

/// What the cookie of the way says: the key, where to go on, and whether for a framed page.
fn read(text: &str) -> Option<(SignInKey, String, bool)> {
    let mut parts = text.split('.');
    let key = SignInKey::parse(parts.next()?)?;
    let next = String::from_utf8(URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok()?;
    Some((key, own_path(Some(&next)).to_owned(), parts.next()? == "1"))
}

/// An error with what caused it. None of the library's has a secret in it.
fn in_full(what: &str, error: &dyn std::error::Error) -> String {
    let mut text = format!("{what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text.chars().filter(|c| !c.is_control()).take(400).collect()
}

fn unavailable(why: &str) -> Problem {
    tracing::error!(error = why, "nobody can be sent to the provider");
    Problem::unavailable("the sign-in provider cannot be asked; the hub's log says why")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(grants: &[(&str, Role, Option<&[&str]>)]) -> Provider {
        let grant = |(value, role, tenants): &(&str, Role, Option<&[&str]>)| Grant {
            value: (*value).to_owned(),
            role: *role,
            tenants: tenants.map(|all| all.iter().map(|&one| one.to_owned()).collect()),
        };
        Provider {
            name: "x".to_owned(),
            issuer: "https://x.example".to_owned(),
            client_id: "x".to_owned(),
            client_secret: Provider::secret("planted".to_owned()),
            scopes: Vec::new(),
            claim: "roles".to_owned(),
            grants: grants.iter().map(grant).collect(),
        }
    }

    #[test]
    fn the_greatest_role_counts_with_its_own_tenants() {
        let provider = provider(&[
            ("all", Role::Reader, None),
            ("a", Role::Admin, Some(&["ten_a"])),
            ("b", Role::Admin, Some(&["ten_b"])),
            ("root", Role::Admin, None),
        ]);
        let worth = |values: &[&str]| {
            provider.worth(&values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>())
        };
        let of = |tenants: &[&str]| Some(tenants.iter().map(|&one| one.to_owned()).collect());
        assert_eq!(worth(&[]), None);
        assert_eq!(worth(&["other"]), None);
        assert_eq!(worth(&["all"]), Some((Role::Reader, None)));
        assert_eq!(worth(&["all", "a"]), Some((Role::Admin, of(&["ten_a"]))));
        assert_eq!(worth(&["b", "a"]), Some((Role::Admin, of(&["ten_a", "ten_b"]))));
        assert_eq!(worth(&["a", "root"]), Some((Role::Admin, None)));
        assert!(!format!("{provider:?}").contains("planted"));
    }

    #[test]
    fn the_cookie_of_the_way_leads_nowhere_else() {
        let key = SignInKey::from_random([1; 32]);
        let cookie = |next: &str| format!("{}.{}.1", key.reveal(), URL_SAFE_NO_PAD.encode(next));
        assert_eq!(read(&cookie("/a")).map(|(_, next, _)| next).as_deref(), Some("/a"));
        assert_eq!(read(&cookie("//evil.example")).map(|(_, next, _)| next).as_deref(), Some("/"));
        assert!(read("nonsense").is_none() && read("").is_none());
    }
}
