//! Passwords: Argon2id, with the parameters that OWASP recommends (19 MiB, two passes).

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};

/// Characters that a password has at least.
pub const SHORTEST: usize = 12;
/// Bytes that a password has at most: hashing a longer one would be somebody's way to keep us busy.
const LONGEST: usize = 1024;
/// A hash of the same cost that no password has, for names that nobody has: it takes as long to say
/// no to them.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hash of a password, as it is stored. It takes some tenths of a second of a processor.
///
/// # Errors
/// In words, where the password is too short or too long.
pub fn hash_password(password: &str) -> Result<String, String> {
    if password.chars().count() < SHORTEST {
        return Err(format!("a password has at least {SHORTEST} characters"));
    }
    if password.len() > LONGEST {
        return Err(format!("a password has at most {LONGEST} bytes"));
    }
    let salt: [u8; 16] = rand::random();
    let salt = SaltString::encode_b64(&salt).map_err(|error| error.to_string())?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// Whether a password is the one of a hash; of no hash none is, and finding that out takes as long.
pub(crate) fn is_password(password: &str, hash: Option<&str>) -> bool {
    let shortened = password.get(..LONGEST).unwrap_or(password);
    let parsed = PasswordHash::new(hash.unwrap_or(NOBODY));
    let fits = parsed.is_ok_and(|parsed| {
        Argon2::default().verify_password(shortened.as_bytes(), &parsed).is_ok()
    });
    fits && hash.is_some() && password.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_and_nothing_else_is() {
        let hash = hash_password("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(is_password("correct horse battery", Some(&hash)));
        assert!(!is_password("correct horse batterz", Some(&hash)));
        assert!(!is_password("correct horse battery", None));
        assert!(!is_password("correct horse battery", Some("nonsense")));
        assert_ne!(hash, hash_password("correct horse battery").unwrap(), "salted");
        assert!(hash_password("short").is_err() && hash_password(&"x".repeat(2000)).is_err());
    }

    #[test]
    fn saying_no_to_nobody_costs_what_saying_no_to_somebody_costs() {
        assert!(PasswordHash::new(NOBODY).is_ok());
        let hash = hash_password("correct horse battery").unwrap();
        let parameters = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(parameters(&hash), parameters(NOBODY));
    }
}
