//! Signing in with a certificate instead of a secret: a signed assertion (`private_key_jwt`).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use core_connector::{Error, ErrorKind, Result, Secret};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A certificate with its private key.
pub struct ClientCertificate {
    key: EncodingKey,
    thumbprint: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: i64,
    iat: i64,
    exp: i64,
}

impl ClientCertificate {
    /// Reads a PEM text that holds a certificate and its RSA private key.
    ///
    /// # Errors
    /// `Config`, naming the setting and what is missing.
    pub fn from_pem(setting: &str, pem: &Secret) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(ErrorKind::Config, format!("setting `{setting}`"), why.to_owned())
                .with_remedy("give one PEM text with the CERTIFICATE and its RSA PRIVATE KEY")
        };
        let certificate = section(pem.expose(), "CERTIFICATE")
            .ok_or_else(|| wrong("there is no CERTIFICATE section"))?;
        let base64: String =
            certificate.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD
            .decode(base64.trim())
            .map_err(|_| wrong("the CERTIFICATE section is no base64 text"))?;
        let key = ["PRIVATE KEY", "RSA PRIVATE KEY"]
            .iter()
            .find_map(|label| section(pem.expose(), label))
            .ok_or_else(|| wrong("there is no PRIVATE KEY section"))?;
        let key = EncodingKey::from_rsa_pem(key.as_bytes())
            .map_err(|_| wrong("the private key is no RSA key in PEM form"))?;
        Ok(Self { key, thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&der)) })
    }

    /// An assertion for this token endpoint, good for five minutes from `now` (Unix seconds).
    /// Header PS256 with `x5t#S256`, as Microsoft documents it.
    ///
    /// # Errors
    /// `Config` where the key cannot sign.
    pub fn assertion(&self, client_id: &str, audience: &str, now: i64) -> Result<Secret> {
        let mut header = Header::new(Algorithm::PS256);
        header.x5t_s256 = Some(self.thumbprint.clone());
        let claims = Claims {
            aud: audience,
            iss: client_id,
            sub: client_id,
            jti: uuid::Uuid::new_v4().to_string(),
            // Clocks differ by some seconds; a token from the future is refused.
            nbf: now - 30,
            iat: now - 30,
            exp: now + 300,
        };
        encode(&header, &claims, &self.key).map(Secret::new).map_err(|error| {
            Error::new(ErrorKind::Config, "client certificate", format!("cannot sign: {error}"))
        })
    }
}

fn section(pem: &str, label: &str) -> Option<String> {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let start = pem.find(&begin)?;
    let stop = pem[start..].find(&end)? + start + end.len();
    Some(format!("{}\n", &pem[start..stop]))
}
