//! Plain bit sets, to measure the compressed ones against.

use core_resolve::Set;

/// One bit for each subject.
#[derive(Clone)]
pub struct Plain(Vec<u64>);

impl Plain {
    /// From a compressed set, for numbers below `count`.
    #[must_use]
    pub fn of(set: &Set, count: usize) -> Self {
        let mut words = vec![0; count.div_ceil(64)];
        for number in set.iter() {
            if let Some(word) = words.get_mut(number as usize / 64) {
                *word |= 1 << (number % 64);
            }
        }
        Self(words)
    }

    /// Takes whoever is in both out of `self`, and gives them.
    pub fn take(&mut self, other: &Plain) -> Plain {
        let both = self.0.iter_mut().zip(&other.0).map(|(own, other)| {
            let both = *own & other;
            *own &= !other;
            both
        });
        Plain(both.collect())
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len() * 8
    }
}
