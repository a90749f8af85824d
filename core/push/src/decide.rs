//! One field: write it, leave it, or say that somebody else changed it.

use crate::plan::Wanted;

/// What the hub remembers of a field that it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// What it held when the hub last wrote it, or last found it as it should be.
    pub base: Option<String>,
    /// What is being written, where it is not known yet whether that arrived.
    pub sent: Option<String>,
    /// Everything that the hub ever sent: none of it is evidence of anything.
    pub ours: Vec<String>,
}

impl Mark {
    /// Whether what is there is what the hub left there.
    fn left(&self, there: &str) -> bool {
        [&self.base, &self.sent].into_iter().flatten().any(|value| same(value, there))
    }
}

/// What is to be done about a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing, and nothing is to be remembered.
    Leave,
    /// It is as it should be; this is to be remembered.
    Settled(String),
    /// This is to be written.
    Write(String),
    /// Somebody changed what the hub wrote: it stays, and is reported.
    Conflict,
}

/// What is to be done about a field that should hold one thing and holds another.
///
/// The first time, the field is the hub's to write: an admin gave it that field. From then on, what is
/// neither what the hub left there nor what should be there was put there by somebody else.
#[must_use]
pub fn decide(wanted: &Wanted, mark: &Mark, there: &str) -> Verdict {
    match wanted {
        Wanted::Unknown => Verdict::Leave,
        // Known to be nothing: what others wrote stays.
        Wanted::Nothing if there.trim().is_empty() => Verdict::Leave,
        Wanted::Nothing => {
            let ours = mark.ours.iter().any(|value| same(value, there));
            if ours && mark.left(there) { Verdict::Write(String::new()) } else { Verdict::Leave }
        }
        Wanted::Value { value, .. } if same(value, there) => Verdict::Settled(value.clone()),
        Wanted::Value { value, .. } => {
            let untouched = mark.base.is_none() && mark.sent.is_none();
            if untouched || mark.left(there) {
                Verdict::Write(value.clone())
            } else {
                Verdict::Conflict
            }
        }
    }
}

/// Whether two values say the same: the spelling of ids, serials and names differs from system to system,
/// in capitals and in spaces.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
    };
    one == other || plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Wanted {
        Wanted::Value { value: text.to_owned(), label: None }
    }

    fn mark(base: Option<&str>, sent: Option<&str>, ours: &[&str]) -> Mark {
        Mark {
            base: base.map(str::to_owned),
            sent: sent.map(str::to_owned),
            ours: ours.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    fn write(text: &str) -> Verdict {
        Verdict::Write(text.to_owned())
    }

    #[test]
    fn only_what_differs_is_written() {
        let settled = Verdict::Settled("A".to_owned());
        assert_eq!(decide(&value("A"), &Mark::default(), "A"), settled);
        assert_eq!(decide(&value("A"), &Mark::default(), " a "), settled);
        assert!(same("VMware-56 4d 06 bb", "VMWARE-564D06BB") && !same("PC-1", "PC-2"));
        assert_eq!(decide(&value("A"), &Mark::default(), "B"), write("A"));
        assert_eq!(decide(&value("A"), &Mark::default(), ""), write("A"));
    }

    #[test]
    fn what_a_human_changed_since_stays_and_what_nobody_changed_does_not() {
        let written = mark(Some("A"), None, &["A"]);
        assert_eq!(decide(&value("B"), &written, "A"), write("B"));
        assert_eq!(decide(&value("A"), &written, "human"), Verdict::Conflict);
        assert_eq!(decide(&value("B"), &written, "human"), Verdict::Conflict);
        assert_eq!(decide(&value("A"), &written, ""), Verdict::Conflict, "emptied is changed");
        // The human and the hub agree again.
        let settled = Verdict::Settled("B".to_owned());
        assert_eq!(decide(&value("B"), &written, "B"), settled);
        // Found as it should be is as good as written: a change of that is a human's too.
        assert_eq!(decide(&value("A"), &mark(Some("A"), None, &[]), "human"), Verdict::Conflict);
    }

    #[test]
    fn what_was_on_its_way_when_the_process_died_is_no_change_of_a_human() {
        let torn = mark(Some("A"), Some("B"), &["A", "B"]);
        assert_eq!(decide(&value("C"), &torn, "B"), write("C"), "it had arrived");
        assert_eq!(decide(&value("C"), &torn, "A"), write("C"), "it had not");
        assert_eq!(decide(&value("B"), &torn, "B"), Verdict::Settled("B".to_owned()));
        assert_eq!(decide(&value("B"), &torn, "human"), Verdict::Conflict);
        // The first time, what it held before is noted with what is sent.
        let first = mark(Some("before"), Some("B"), &["B"]);
        assert_eq!(decide(&value("C"), &first, "before"), write("C"));
        assert_eq!(decide(&value("C"), &first, "B"), write("C"));
        assert_eq!(decide(&value("C"), &first, "human"), Verdict::Conflict);
    }

    #[test]
    fn what_is_not_known_is_left_alone_and_nothing_takes_back_only_what_is_ours() {
        let ours = mark(Some("A"), None, &["A"]);
        let found = mark(Some("A"), None, &[]);
        assert_eq!(decide(&Wanted::Unknown, &ours, "A"), Verdict::Leave);
        assert_eq!(decide(&Wanted::Nothing, &ours, "A"), write(""));
        assert_eq!(decide(&Wanted::Nothing, &found, "A"), Verdict::Leave, "it was there before us");
        assert_eq!(decide(&Wanted::Nothing, &ours, "human"), Verdict::Leave);
        assert_eq!(decide(&Wanted::Nothing, &ours, ""), Verdict::Leave);
    }
}
