//! The conditions of prerequisites.

use core_model::id::SoftwareId;
use core_model::library::{Prerequisite, Presence, Quantifier};

use crate::block::Block;

/// What is known of whether software is, or will be, there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Yes,
    No,
    Not(Block),
}

/// Whether the condition of a prerequisite holds. What is not known does not matter where the rest
/// decides.
pub(crate) fn holds(one: &Prerequisite, known: impl Fn(SoftwareId) -> Known) -> Known {
    let (yes, no) = match one.presence {
        Presence::Installed => (Known::Yes, Known::No),
        Presence::NotInstalled => (Known::No, Known::Yes),
    };
    let decides = match one.quantifier {
        Quantifier::Any => yes,
        Quantifier::All => no,
    };
    let decided = match one.quantifier {
        Quantifier::Any => Known::Yes,
        Quantifier::All => Known::No,
    };
    let mut unknown: Option<Block> = None;
    for id in &one.of {
        match known(*id) {
            Known::Not(block) => {
                let first = unknown.as_ref().is_none_or(|other| block.place() < other.place());
                if first {
                    unknown = Some(block);
                }
            }
            known if known == decides => return decided,
            _ => {}
        }
    }
    match (unknown, one.quantifier) {
        (Some(block), _) => Known::Not(block),
        (None, Quantifier::Any) => Known::No,
        (None, Quantifier::All) => Known::Yes,
    }
}

/// The condition of a prerequisite in words: "Office is not installed".
pub(crate) fn words(one: &Prerequisite, title: impl Fn(SoftwareId) -> String) -> String {
    let mut titles: Vec<String> = one.of.iter().map(|id| title(*id)).collect();
    titles.sort();
    let of = match (one.quantifier, titles.len()) {
        (_, 1) => titles.concat(),
        (Quantifier::Any, _) => format!("any of {}", titles.join(", ")),
        (Quantifier::All, _) => format!("each of {}", titles.join(", ")),
    };
    match one.presence {
        Presence::Installed => format!("{of} is installed"),
        Presence::NotInstalled => format!("{of} is not installed"),
    }
}
