//! Sets of subjects by their numbers, and answers of three values over them.

use std::ops::{BitAnd, BitOr, Sub};

use roaring::RoaringBitmap;

/// A set of dense numbers. Compressed, because most targets are ranges (tenants) or sparse lists
/// (groups); the crate's README says what the plain form measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Set(RoaringBitmap);

impl Set {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The set of one number.
    #[must_use]
    pub fn one(number: u32) -> Self {
        std::iter::once(number).collect()
    }

    /// Whether a number is in it.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.0.contains(number)
    }

    /// How many are in it.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many are in both.
    #[must_use]
    pub fn common(&self, other: &Set) -> u64 {
        self.0.intersection_len(&other.0)
    }

    /// Whether none is in both.
    #[must_use]
    pub fn is_disjoint(&self, other: &Set) -> bool {
        self.0.is_disjoint(&other.0)
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter()
    }

    /// Bytes that it takes, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.serialized_size()
    }

    pub(crate) fn insert(&mut self, number: u32) {
        self.0.insert(number);
    }

    pub(crate) fn remove(&mut self, number: u32) {
        self.0.remove(number);
    }

    pub(crate) fn add(&mut self, other: &Set) {
        self.0 |= &other.0;
    }

    pub(crate) fn take(&mut self, other: &Set) {
        self.0 -= &other.0;
    }

    /// Packs runs, which are most of what there is.
    pub(crate) fn packed(mut self) -> Self {
        self.0.optimize();
        self
    }

    /// From numbers that ascend strictly.
    pub(crate) fn sorted(numbers: impl IntoIterator<Item = u32>) -> Self {
        numbers.into_iter().collect()
    }
}

impl FromIterator<u32> for Set {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        Self(numbers.into_iter().collect())
    }
}

impl BitAnd for &Set {
    type Output = Set;
    fn bitand(self, other: &Set) -> Set {
        Set(&self.0 & &other.0)
    }
}

impl BitOr for &Set {
    type Output = Set;
    fn bitor(self, other: &Set) -> Set {
        Set(&self.0 | &other.0)
    }
}

impl Sub for &Set {
    type Output = Set;
    fn sub(self, other: &Set) -> Set {
        Set(&self.0 - &other.0)
    }
}

/// In, out or not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// Out, for certain.
    Out,
    /// Not known.
    Unknown,
    /// In, for certain.
    In,
}

impl Truth {
    pub(crate) fn of(known: bool) -> Self {
        if known { Truth::In } else { Truth::Out }
    }

    pub(crate) fn not(self) -> Self {
        match self {
            Truth::In => Truth::Out,
            Truth::Out => Truth::In,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

/// Who is in for certain and of whom it is not known; everybody else is out. The two are disjoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members {
    /// In.
    pub yes: Set,
    /// Not known.
    pub maybe: Set,
}

impl Members {
    /// `yes` loses what is not known.
    pub(crate) fn of(yes: &Set, maybe: Set) -> Self {
        Self { yes: yes - &maybe, maybe }
    }

    /// How a number lies to it.
    #[must_use]
    pub fn truth(&self, number: u32) -> Truth {
        if self.yes.contains(number) {
            Truth::In
        } else if self.maybe.contains(number) {
            Truth::Unknown
        } else {
            Truth::Out
        }
    }

    pub(crate) fn within(&self, domain: &Set) -> Self {
        Self { yes: &self.yes & domain, maybe: &self.maybe & domain }
    }

    /// In both: unknown where neither is out and one is unknown.
    pub(crate) fn and(&self, other: &Members) -> Self {
        let yes = &self.yes & &other.yes;
        let mut maybe = &self.maybe & &(&other.yes | &other.maybe);
        maybe.add(&(&self.yes & &other.maybe));
        Self { yes, maybe }
    }

    /// In one at least: unknown where neither is in and one is unknown.
    pub(crate) fn or(&self, other: &Members) -> Self {
        let yes = &self.yes | &other.yes;
        let maybe = &(&self.maybe | &other.maybe) - &yes;
        Self { yes, maybe }
    }

    /// Out of it, within a domain.
    pub(crate) fn not(&self, domain: &Set) -> Self {
        let yes = &(domain - &self.yes) - &self.maybe;
        Self { yes, maybe: &self.maybe & domain }
    }

    /// Replaces what is said about some subjects.
    pub(crate) fn patch(&mut self, subjects: &Set, new: &Members) {
        self.yes.take(subjects);
        self.yes.add(&new.yes);
        self.maybe.take(subjects);
        self.maybe.add(&new.maybe);
    }

    /// The subjects about which two answers differ.
    pub(crate) fn differs(&self, other: &Members) -> Set {
        Set(&(&self.yes.0 ^ &other.yes.0) | &(&self.maybe.0 ^ &other.maybe.0))
    }
}
