//! Chance with a seed: the only source of randomness in the estate, so that a seed says it all.

use chrono::{DateTime, Duration, Utc};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

/// A seeded source of choices.
pub(crate) struct Dice {
    rng: ChaCha8Rng,
}

impl Dice {
    /// Dice of their own for one part of the estate: parts do not shift one another's choices.
    pub(crate) fn new(seed: u64, part: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(part);
        Self { rng }
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.rng.random::<f64>() < probability
    }

    /// A number below `n`; 0 where there is no choice.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        if n < 2 { 0 } else { self.rng.random_range(0..n) }
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        if high <= low { low } else { self.rng.random_range(low..=high) }
    }

    /// One of the choices, which must not be empty.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, choices: &'a [&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// One of the elements, if there is any.
    pub(crate) fn any<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        choices.get(self.below(choices.len())).copied()
    }

    /// A random (version 4) UUID.
    pub(crate) fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid()
    }

    /// Characters out of an alphabet of ASCII letters.
    pub(crate) fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }

    /// Decimal digits, the first not zero.
    pub(crate) fn digits(&mut self, length: usize) -> String {
        format!("{}{}", self.between(1, 9), self.text(b"0123456789", length.saturating_sub(1)))
    }

    /// An instant between the two (in whole seconds); `from` where they are out of order.
    pub(crate) fn instant(&mut self, from: DateTime<Utc>, to: DateTime<Utc>) -> DateTime<Utc> {
        from + Duration::seconds(self.between(0, (to - from).num_seconds()))
    }

    /// An instant so many days (lowest to highest) before `now`, at any second of the day.
    pub(crate) fn days_ago(&mut self, now: DateTime<Utc>, low: i64, high: i64) -> DateTime<Utc> {
        now - Duration::seconds(self.between(low * 86_400, high * 86_400))
    }

    /// A number around 1, mostly between 0.2 and 5, for sizes.
    pub(crate) fn size(&mut self) -> f64 {
        let normal: f64 = (0..4).map(|_| self.rng.random::<f64>() - 0.5).sum::<f64>() * 1.73;
        (normal * 0.8).exp()
    }

    /// Puts the elements into a random order.
    pub(crate) fn shuffle<T>(&mut self, elements: &mut [T]) {
        for last in (1..elements.len()).rev() {
            elements.swap(last, self.below(last + 1));
        }
    }
}
