//! One-time codes of a second factor.

use core_connector::{Error, ErrorKind, Result, Secret};
use totp_rs::{Algorithm, Secret as Seed, TOTP};

/// The six-digit code of this seed (base32, as the "manual entry code" shows it) at this time
/// (Unix seconds).
///
/// # Errors
/// `Config` where the seed is no base32.
pub fn one_time_code(setting: &str, seed: &Secret, at: u64) -> Result<String> {
    let text: String =
        seed.expose().chars().filter(|c| !c.is_whitespace() && *c != '-' && *c != '=').collect();
    let bytes = Seed::Encoded(text.to_uppercase()).to_bytes().map_err(|_| {
        Error::new(ErrorKind::Config, format!("setting `{setting}`"), "the value is no base32 text")
            .with_remedy("enter the manual entry code that the authenticator set-up shows")
    })?;
    // Seeds of fewer than 16 bytes are against the RFC and in use all the same.
    Ok(TOTP::new_unchecked(Algorithm::SHA1, 6, 1, 30, bytes).generate(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_the_rfc() {
        // RFC 6238, appendix B: seed "12345678901234567890", time 59, eight digits 94287082.
        let seed = Secret::new("GEZD GNBV gy3t qojq GEZDGNBVGY3TQOJQ");
        assert_eq!(one_time_code("totp", &seed, 59).unwrap(), "287082");
    }

    #[test]
    fn a_wrong_seed_names_the_setting_and_not_the_seed() {
        let error = one_time_code("totp_secret", &Secret::new("not!base32"), 0).unwrap_err();
        assert!(error.to_string().contains("totp_secret") && !error.to_string().contains("not!"));
    }
}
