//! Signatures as the Standard Webhooks specification 1.0 has them (`v1`, HMAC-SHA-256).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_connector::Secret;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// Bytes that a key has at least.
const SHORTEST: usize = 16;
/// What a key in text begins with.
const PREFIX: &str = "whsec_";

/// What requests are signed with. It does not print.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// The key that a secret is: `whsec_` and base64, or base64 alone.
    ///
    /// # Errors
    /// In words, without the secret.
    pub fn of(secret: &Secret) -> Result<Self, String> {
        let text = secret.expose().trim();
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text));
        let bytes = bytes.map_err(|_| "it is no base64 behind `whsec_`".to_owned())?;
        match bytes.len() {
            length if length < SHORTEST => {
                Err(format!("it has {length} bytes, and {SHORTEST} are the fewest that protect"))
            }
            _ => Ok(Self(bytes)),
        }
    }

    /// The signature of a message.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_the_specifications_example_is() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let key = SigningKey::of(&secret).unwrap();
        let signed =
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(format!("{key:?}"), "SigningKey(***)");
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        for text in ["whsec_", "hunter2 hunter2 hunter2!", "whsec_aHVudGVyMg=="] {
            let error = SigningKey::of(&Secret::new(text)).unwrap_err();
            assert!(!error.contains("hunter2") && !error.contains("aHVu"), "{error}");
        }
    }
}
