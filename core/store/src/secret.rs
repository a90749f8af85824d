//! What the hub must keep and must not show, like tokens that renew themselves: sealed with
//! AES-256-GCM under a key that is not in the database. With each goes the id of its key, so that a
//! key can be changed; its name is sealed in, so that one secret cannot be put in another's place.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Columns, owned};

/// Random bytes of a key.
const BYTES: usize = 32;

/// A key that seals. It does not print.
pub struct SealingKey {
    id: String,
    key: RandomizedNonceKey,
}

/// The key in use, and those that were before it.
#[derive(Debug)]
pub struct SealingKeys {
    current: SealingKey,
    old: Vec<SealingKey>,
}

/// A secret in the store, without itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRow {
    /// What it is called.
    pub name: String,
    /// The id of the key that seals it.
    pub key_id: String,
    /// When it was last written, Unix microseconds.
    pub changed_us: i64,
}

impl SealingKey {
    /// What every key begins with, so that scanners for secrets know one.
    pub const PREFIX: &'static str = "lpk_";

    /// The text of a new key of these bytes, which must come from the system's source of randomness.
    #[must_use]
    pub fn text(bytes: [u8; BYTES]) -> String {
        format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The key of a text.
    ///
    /// # Errors
    /// In words, where it is none.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let bytes = text.trim().strip_prefix(Self::PREFIX);
        let bytes = bytes.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let bytes = bytes.filter(|bytes| bytes.len() == BYTES);
        let bytes = bytes.ok_or("it is no key of `linchpin secrets key`")?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes);
        let key = key.map_err(|_| "it is no key of `linchpin secrets key`".to_owned())?;
        // Of the digest of a random key nothing follows.
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(&bytes)).chars().take(12).collect();
        Ok(Self { id, key })
    }

    /// What tells it from others; it opens nothing.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn seal(&self, name: &str, plain: &[u8]) -> Result<String> {
        let mut sealed = plain.to_vec();
        let nonce = self.key.seal_in_place_append_tag(Aad::from(name), &mut sealed);
        let nonce = nonce.map_err(|_| corrupt(name, "it cannot be sealed"))?;
        let mut whole = nonce.as_ref().to_vec();
        whole.extend(sealed);
        Ok(URL_SAFE_NO_PAD.encode(whole))
    }

    fn open(&self, name: &str, sealed: &str) -> Result<String> {
        let broken = || corrupt(name, "it does not fit its key, or was changed");
        let whole = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| broken())?;
        let (nonce, rest) = whole.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut rest = rest.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(name), &mut rest);
        String::from_utf8(plain.map_err(|_| broken())?.to_vec()).map_err(|_| broken())
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.id)
    }
}

impl SealingKeys {
    /// These.
    #[must_use]
    pub fn new(current: SealingKey, old: Vec<SealingKey>) -> Self {
        Self { current, old }
    }

    /// The key in use.
    #[must_use]
    pub fn current(&self) -> &SealingKey {
        &self.current
    }

    fn find(&self, id: &str) -> Option<&SealingKey> {
        std::iter::once(&self.current).chain(&self.old).find(|key| key.id == id)
    }

    pub(crate) fn opened(&self, name: &str, id: &str, sealed: &str) -> Result<String> {
        let key = self.find(id).ok_or_else(|| {
            let what = format!("it is sealed with the key {id}, which the settings do not name");
            corrupt(name, &what)
        })?;
        key.open(name, sealed)
    }
}

impl Store {
    /// Keeps a secret under a name, instead of the one that was there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seal(
        &self,
        keys: &SealingKeys,
        name: &str,
        plain: &str,
        now_us: i64,
    ) -> Result<()> {
        let sealed = keys.current.seal(name, plain.as_bytes())?;
        let mut tx = self.write().await?;
        self.sql(
            "insert into secret (name, key_id, sealed, changed) values ($1, $2, $3, $4) \
             on conflict (name) do update set key_id = excluded.key_id, sealed = excluded.sealed, \
             changed = excluded.changed",
        )
        .bind(owned(name))
        .bind(keys.current.id.clone())
        .bind(sealed)
        .bind(now_us)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Keeps a secret under a name instead of the one that was there before (`None` for none). Gives
    /// false, and changes nothing, where something else is there by now: of several processes that
    /// renew a secret one does.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where none of the keys opens what is there.
    pub async fn seal_instead(
        &self,
        keys: &SealingKeys,
        name: &str,
        (before, plain): (Option<&str>, &str),
        now_us: i64,
    ) -> Result<bool> {
        let sealed = keys.current.seal(name, plain.as_bytes())?;
        let mut tx = self.write().await?;
        let query = self.sql("select key_id, sealed from secret where name = $1").bind(owned(name));
        let row = query.fetch_optional(&mut *tx).await?;
        let there = match &row {
            Some(row) => Some((row.text(1)?, keys.opened(name, &row.text(0)?, &row.text(1)?)?)),
            None => None,
        };
        if there.as_ref().map(|(_, there)| there.as_str()) != before {
            return Ok(false);
        }
        let query = match there {
            // What was sealed anew between the two has another text, and is left alone.
            Some((old, _)) => self
                .sql(
                    "update secret set key_id = $2, sealed = $3, changed = $4 \
                     where name = $1 and sealed = $5",
                )
                .bind(owned(name))
                .bind(keys.current.id.clone())
                .bind(sealed)
                .bind(now_us)
                .bind(old),
            None => self
                .sql(
                    "insert into secret (name, key_id, sealed, changed) values ($1, $2, $3, $4) \
                     on conflict (name) do nothing",
                )
                .bind(owned(name))
                .bind(keys.current.id.clone())
                .bind(sealed)
                .bind(now_us),
        };
        let changed = query.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(changed == 1)
    }

    /// The secret of a name.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where none of the keys opens it.
    pub async fn unseal(&self, keys: &SealingKeys, name: &str) -> Result<Option<String>> {
        let query = self.sql("select key_id, sealed from secret where name = $1").bind(owned(name));
        let Some(row) = query.fetch_optional(self.readers()).await? else { return Ok(None) };
        keys.opened(name, &row.text(0)?, &row.text(1)?).map(Some)
    }

    /// Forgets a secret; says whether there was one of that name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_secret(&self, name: &str) -> Result<bool> {
        let mut tx = self.write().await?;
        let query = self.sql("delete from secret where name = $1").bind(owned(name));
        let gone = query.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(gone > 0)
    }

    /// Every secret that is kept, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn secrets(&self) -> Result<Vec<SealedRow>> {
        let query = self.sql("select name, key_id, changed from secret order by name");
        let rows = query.fetch_all(self.readers()).await?;
        let read = |row: &sqlx::any::AnyRow| {
            Ok(SealedRow { name: row.text(0)?, key_id: row.text(1)?, changed_us: row.int(2)? })
        };
        rows.iter().map(read).collect()
    }

    /// Seals everything that another key seals with the one in use: all of it, or nothing. Gives how
    /// many those were.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where one cannot be opened; nothing was changed then.
    pub async fn reseal(&self, keys: &SealingKeys, now_us: i64) -> Result<usize> {
        let mut tx = self.write().await?;
        let current = keys.current.id.clone();
        let query = self.sql("select name, key_id, sealed from secret where key_id <> $1");
        let rows = query.bind(current.clone()).fetch_all(&mut *tx).await?;
        for row in &rows {
            let (name, id, sealed) = (row.text(0)?, row.text(1)?, row.text(2)?);
            let key = keys.find(&id).ok_or_else(|| {
                corrupt(
                    &name,
                    &format!("it is sealed with the key {id}, which `old_keys` do not name"),
                )
            })?;
            let plain = key.open(&name, &sealed)?;
            // What somebody wrote meanwhile is newer, and sealed already.
            self.sql(
                "update secret set key_id = $2, sealed = $3, changed = $4 \
                 where name = $1 and sealed = $5",
            )
            .bind(name.clone())
            .bind(current.clone())
            .bind(keys.current.seal(&name, plain.as_bytes())?)
            .bind(now_us)
            .bind(sealed)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(rows.len())
    }
}

fn corrupt(name: &str, what: &str) -> Error {
    Error::corrupt(format!("the secret {name:?}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_and_name_only() {
        let key = SealingKey::parse(&SealingKey::text([1; 32])).unwrap();
        let other = SealingKey::parse(&SealingKey::text([2; 32])).unwrap();
        let sealed = key.seal("a", b"planted").unwrap();
        assert!(!sealed.contains("planted"));
        assert_ne!(sealed, key.seal("a", b"planted").unwrap(), "never the same twice");
        assert_eq!(key.open("a", &sealed).unwrap(), "planted");
        assert!(key.open("b", &sealed).is_err() && other.open("a", &sealed).is_err());
        let mut broken = sealed.clone().into_bytes();
        broken[30] = if broken[30] == b'A' { b'B' } else { b'A' };
        let broken = String::from_utf8(broken).unwrap();
        let error = key.open("a", &broken).unwrap_err().to_string();
        assert!(error.contains("\"a\"") && !error.contains("planted"), "{error}");
        assert!(key.open("a", "").is_err() && key.open("a", "AAAA").is_err());
    }

    #[test]
    fn a_key_does_not_print_and_only_its_own_form_is_one() {
        let text = SealingKey::text([7; 32]);
        let key = SealingKey::parse(&format!("{text}\n")).unwrap();
        assert!(!format!("{key:?}").contains(&text[4..]));
        assert!(SealingKey::parse(&text[4..]).is_err() && SealingKey::parse("lpk_AAAA").is_err());
    }
}
