//! What makes a command one of the hub: Ed25519 over everything that matters of it. The runner pins the public
//! key when it is enrolled, and asks nobody about it again.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::wire::{Order, Shell, Signed};

/// How far ahead the end of a command may lie, seconds: what is remembered of runs can be forgotten then.
pub(crate) const FURTHEST_S: i64 = 86_400;
/// Bytes that a text, and a standard input, may have.
const LARGEST: usize = 4 << 20;

/// SHA-256 in hexadecimal digits.
#[must_use]
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Order {
    /// What is signed. Every field has a form of its own and none holds a line end, so that two orders never
    /// have the same text.
    fn text(&self) -> String {
        let Order { runner, run, shell, text_sha256, limit_s, output_limit, not_after_s, .. } =
            self;
        let shell = shell.as_str();
        let stdin = self.stdin_sha256.as_deref().unwrap_or("-");
        format!(
            "linchpin runner command 1\n{runner}\n{run}\n{shell}\n{text_sha256}\n{stdin}\n{limit_s}\n\
             {output_limit}\n{not_after_s}\n"
        )
    }
}

/// The hub's half of the key. It does not print.
pub struct HubKey(Ed25519KeyPair);

impl HubKey {
    /// The key of 32 random bytes in base64.
    ///
    /// # Errors
    /// In words, where they are none.
    pub fn parse(seed: &str) -> Result<Self, String> {
        let bytes = URL_SAFE_NO_PAD.decode(seed.trim()).map_err(|error| error.to_string())?;
        Ed25519KeyPair::from_seed_unchecked(&bytes).map(Self).map_err(|error| error.to_string())
    }

    /// What [`HubKey::parse`] takes, of bytes from the system's source of randomness.
    #[must_use]
    pub fn text(seed: [u8; 32]) -> String {
        URL_SAFE_NO_PAD.encode(seed)
    }

    /// The other half, for runners to pin.
    #[must_use]
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref())
    }

    /// Signs a command: text and standard input get their digests.
    #[must_use]
    pub fn sign(&self, mut order: Order, text: &str, stdin: Option<&str>) -> (Order, String) {
        order.text_sha256 = digest(text);
        order.stdin_sha256 = stdin.map(digest);
        let signature = self.0.sign(order.text().as_bytes());
        (order, URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

impl std::fmt::Debug for HubKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HubKey({})", self.public())
    }
}

/// The hub's public key, as it was told at the enrolment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedKey(Vec<u8>);

impl PinnedKey {
    /// The key of a text.
    ///
    /// # Errors
    /// In words, where it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|error| error.to_string())?;
        match bytes.len() {
            32 => Ok(Self(bytes)),
            length => Err(format!("a public key has 32 bytes, and this has {length}")),
        }
    }

    fn signed(&self, order: &Order, signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        key.verify(order.text().as_bytes(), &signature).is_ok()
    }
}

/// Why a command is not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has no signature of the pinned key.
    #[error("it is not signed with the key of the hub that this runner was enrolled at")]
    Unsigned,
    /// It is another runner's.
    #[error("it is for the runner {0}")]
    Foreign(Uuid),
    /// Its text or its input is not the signed one.
    #[error("its {0} is not the one that was signed")]
    Changed(&'static str),
    /// This machine has no such shell.
    #[error("it is for {0}, which this machine does not have")]
    Shell(&'static str),
    /// It comes too late.
    #[error(
        "it was to be begun until {not_after_s} (seconds since 1970), and this machine's clock says {now_s}"
    )]
    Expired {
        /// Until when.
        not_after_s: i64,
        /// What the clock of the machine says.
        now_s: i64,
    },
    /// It ends too far in the future.
    #[error("it could be begun for more than a day: the clocks of hub and machine differ")]
    TooFar,
    /// It is larger than anything that the hub sends.
    #[error("its {0} is too long")]
    TooLong(&'static str),
    /// It was run before.
    #[error("a run of this name was begun before")]
    Replayed,
}

/// Whether a command is run: by its signature first, for nothing else in it counts without one. Whether it ran
/// before the journal knows.
///
/// # Errors
/// Why it is not.
pub fn accept(
    signed: &Signed,
    key: &PinnedKey,
    (me, shell): (Uuid, Shell),
    now_s: i64,
) -> Result<(), Refusal> {
    let order = &signed.order;
    if !key.signed(order, &signed.signature) {
        return Err(Refusal::Unsigned);
    }
    if order.runner != me {
        return Err(Refusal::Foreign(order.runner));
    }
    if signed.text.len() > LARGEST {
        return Err(Refusal::TooLong("text"));
    }
    if signed.stdin.as_ref().is_some_and(|stdin| stdin.len() > LARGEST) {
        return Err(Refusal::TooLong("standard input"));
    }
    if digest(&signed.text) != order.text_sha256 {
        return Err(Refusal::Changed("text"));
    }
    if signed.stdin.as_deref().map(digest) != order.stdin_sha256 {
        return Err(Refusal::Changed("standard input"));
    }
    if order.shell != shell {
        return Err(Refusal::Shell(order.shell.as_str()));
    }
    if now_s > order.not_after_s {
        return Err(Refusal::Expired { not_after_s: order.not_after_s, now_s });
    }
    if order.not_after_s - now_s > FURTHEST_S {
        return Err(Refusal::TooFar);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: i64 = 1_700_000_000;
    const ME: Uuid = Uuid::from_u128(1);

    fn order() -> Order {
        Order {
            runner: ME,
            run: Uuid::from_u128(2),
            shell: Shell::Sh,
            text_sha256: String::new(),
            stdin_sha256: None,
            limit_s: 10,
            output_limit: 1000,
            not_after_s: NOW_S + 60,
        }
    }

    fn signed(key: &HubKey, order: Order, stdin: Option<&str>) -> Signed {
        let (order, signature) = key.sign(order, "echo 1", stdin);
        Signed { order, signature, text: "echo 1".to_owned(), stdin: stdin.map(str::to_owned) }
    }

    fn key(seed: u8) -> (HubKey, PinnedKey) {
        let key = HubKey::parse(&HubKey::text([seed; 32])).unwrap();
        let pinned = PinnedKey::parse(&key.public()).unwrap();
        (key, pinned)
    }

    fn judged(signed: &Signed) -> Result<(), Refusal> {
        accept(signed, &key(1).1, (ME, Shell::Sh), NOW_S)
    }

    #[test]
    fn what_the_hub_signed_for_this_runner_is_accepted_and_no_field_of_it_may_differ() {
        let (hub, _) = key(1);
        let whole = signed(&hub, order(), Some("a b\n"));
        assert_eq!(judged(&whole), Ok(()));
        let changes: [fn(&mut Order); 7] = [
            |order| order.runner = Uuid::from_u128(9),
            |order| order.run = Uuid::from_u128(9),
            |order| order.shell = Shell::PowerShell,
            |order| order.text_sha256 = digest("rm"),
            |order| order.stdin_sha256 = None,
            |order| order.limit_s += 1,
            |order| order.not_after_s += 1,
        ];
        for change in changes {
            let mut other = whole.clone();
            change(&mut other.order);
            assert_eq!(judged(&other), Err(Refusal::Unsigned), "{other:?}");
        }
        let mut more = whole.clone();
        more.order.output_limit += 1;
        assert_eq!(judged(&more), Err(Refusal::Unsigned));
        for signature in ["", "AAAA", "!", &"A".repeat(86)] {
            let other = Signed { signature: signature.to_owned(), ..whole.clone() };
            assert_eq!(judged(&other), Err(Refusal::Unsigned));
        }
    }

    #[test]
    fn another_text_another_input_another_hub_another_runner_and_too_late_are_refused() {
        let (hub, _) = key(1);
        let whole = signed(&hub, order(), None);
        let text = Signed { text: "rm -rf /".to_owned(), ..whole.clone() };
        assert_eq!(judged(&text), Err(Refusal::Changed("text")));
        let stdin = Signed { stdin: Some(String::new()), ..whole };
        assert_eq!(judged(&stdin), Err(Refusal::Changed("standard input")));
        let other = signed(&key(2).0, order(), None);
        assert_eq!(judged(&other), Err(Refusal::Unsigned));
        let foreign = Uuid::from_u128(7);
        let foreign_order = signed(&hub, Order { runner: foreign, ..order() }, None);
        assert_eq!(judged(&foreign_order), Err(Refusal::Foreign(foreign)));
        let windows = signed(&hub, Order { shell: Shell::PowerShell, ..order() }, None);
        assert_eq!(judged(&windows), Err(Refusal::Shell("powershell")));
        let late = signed(&hub, Order { not_after_s: NOW_S - 1, ..order() }, None);
        assert!(matches!(judged(&late), Err(Refusal::Expired { .. })));
        let far = signed(&hub, Order { not_after_s: NOW_S + FURTHEST_S + 1, ..order() }, None);
        assert_eq!(judged(&far), Err(Refusal::TooFar));
    }

    #[test]
    fn a_key_shows_its_public_half_only() {
        let text = HubKey::text([3; 32]);
        let key = HubKey::parse(&text).unwrap();
        assert!(!format!("{key:?}").contains(&text));
        assert!(HubKey::parse("AAAA").is_err() && PinnedKey::parse("AAAA").is_err());
    }
}
