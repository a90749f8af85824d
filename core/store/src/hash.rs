//! Hashes of contents and names, and how they are written.

use xxhash_rust::xxh3::Xxh3Default;

/// Of these texts, one behind the other.
pub(crate) fn of(parts: &[&str]) -> u128 {
    let mut hash = Xxh3Default::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hash.digest128()
}

/// As it is stored.
pub(crate) fn written(hash: u128) -> String {
    format!("{hash:032x}")
}

/// A hash that is stored. None of another version of the program: it is no hash of any content.
pub(crate) fn read(text: &str) -> Option<u128> {
    u128::from_str_radix(text, 16).ok()
}
