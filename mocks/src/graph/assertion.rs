//! Signed client assertions (`private_key_jwt`).
//!
//! What real libraries send is taken: RS256 with `x5t` (padded or not), PS256 with `x5t#S256` or
//! `x5c`. The signature is checked where the world names the certificates; where it names none,
//! everything but the signature is checked.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::Deserialize;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use x509_parser::pem::parse_x509_pem;

use super::aadsts::Refusal;
use crate::vendor::Call;
use crate::world::Credentials;

/// How far a client's clock may be off, in seconds.
const SKEW: f64 = 300.0;
/// Hosts that an audience may name besides the one that was called.
const LOGIN_HOSTS: [&str; 3] = [
    "https://login.microsoftonline.com",
    "https://login.microsoftonline.us",
    "https://login.chinacloudapi.cn",
];

#[derive(Debug, Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    sub: String,
    /// Seconds since 1970; msal-python sends fractions.
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
}

/// Checks an assertion; `names` says whether a tenant in its audience is the one asked.
pub(super) fn check(
    assertion: &str,
    call: &Call,
    credentials: &Credentials,
    names: &dyn Fn(&str) -> bool,
) -> Result<(), Refusal> {
    let header = jsonwebtoken::decode_header(assertion)
        .map_err(|e| Refusal::assertion(&format!("The header cannot be read: {e}.")))?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::PS256) {
        return Err(Refusal::assertion("The algorithm must be RS256 or PS256."));
    }
    if header.x5t.is_none() && header.x5t_s256.is_none() && header.x5c.is_none() {
        return Err(Refusal::assertion(
            "The key was not found: the header has none of x5t, x5t#S256 and x5c.",
        ));
    }
    let claims: Claims = jsonwebtoken::dangerous::insecure_decode_claims(assertion)
        .map_err(|e| Refusal::assertion(&format!("The claims cannot be read: {e}.")))?;
    let client = credentials.graph_client_id.to_string();
    if !claims.iss.eq_ignore_ascii_case(&client) || !claims.sub.eq_ignore_ascii_case(&client) {
        return Err(Refusal::assertion("Issuer and subject must be the client id."));
    }
    if !audience_fits(&claims.aud, call, names) {
        let text = format!("The audience '{}' is not this tenant's token endpoint.", claims.aud);
        return Err(Refusal::assertion(&text));
    }
    let now = Utc::now().timestamp_millis() as f64 / 1000.0;
    if claims.exp + SKEW < now || claims.nbf.is_some_and(|nbf| nbf - SKEW > now) {
        return Err(Refusal::assertion("The assertion is not within its valid time range."));
    }
    if credentials.graph_certificates.is_empty() {
        return Ok(());
    }
    verify(assertion, &header, &credentials.graph_certificates)
}

/// `{host}/{tenant}/oauth2/v2.0/token`, or the issuer's address.
fn audience_fits(audience: &str, call: &Call, names: &dyn Fn(&str) -> bool) -> bool {
    let hosts = LOGIN_HOSTS.iter().copied().chain([call.base.as_str()]);
    let own = call.header("host").map(|h| [format!("http://{h}"), format!("https://{h}")]);
    let hosts = hosts.map(str::to_string).chain(own.into_iter().flatten());
    let mut paths = hosts.filter_map(|host| {
        let head = audience.get(..host.len())?;
        head.eq_ignore_ascii_case(&host).then(|| audience.get(host.len()..).unwrap_or_default())
    });
    paths.any(|path| {
        let Some((tenant, rest)) = path.trim_matches('/').split_once('/') else { return false };
        ["oauth2/v2.0/token", "oauth2/token", "v2.0"].contains(&rest) && names(tenant)
    })
}

/// Finds the certificate by what the header says of it and checks the signature.
fn verify(assertion: &str, header: &Header, certificates: &[String]) -> Result<(), Refusal> {
    for pem in certificates {
        let Ok((_, pem)) = parse_x509_pem(pem.as_bytes()) else { continue };
        if !is_named(header, &pem.contents) {
            continue;
        }
        let Ok(certificate) = pem.parse_x509() else { continue };
        let key = DecodingKey::from_rsa_der(&certificate.public_key().subject_public_key.data);
        let mut validation = Validation::new(header.alg);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        return match jsonwebtoken::decode::<serde_json::Value>(assertion, &key, &validation) {
            Ok(_) => Ok(()),
            Err(_) => Err(Refusal::assertion("The signature is not valid.")),
        };
    }
    Err(Refusal::assertion(
        "The certificate with identifier used to sign the client assertion is not registered on \
         application.",
    ))
}

fn is_named(header: &Header, der: &[u8]) -> bool {
    let same = |given: &Option<String>, sum: &[u8]| {
        given.as_ref().is_some_and(|g| {
            g.trim_end_matches('=').replace('+', "-").replace('/', "_")
                == URL_SAFE_NO_PAD.encode(sum)
        })
    };
    same(&header.x5t, &Sha1::digest(der))
        || same(&header.x5t_s256, &Sha256::digest(der))
        || header
            .x5c
            .as_ref()
            .and_then(|chain| chain.first())
            .and_then(|leaf| STANDARD.decode(leaf.replace(char::is_whitespace, "")).ok())
            .is_some_and(|leaf| leaf == der)
}
