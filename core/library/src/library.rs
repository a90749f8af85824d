//! All definitions at once.

use core_model::library::{
    ComputerSettings, Deployment, Expectation, Schedule, Software, SoftwareVersion, Tag, Task,
    TenantSettings, handle,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Everything that is defined: what the files say, or what the hub keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Library {
    /// Software with its versions.
    pub software: Vec<Software>,
    /// Tasks.
    pub tasks: Vec<Task>,
    /// Tags, and who carries them.
    pub tags: Vec<Tag>,
    /// Deployments.
    pub deployments: Vec<Deployment>,
    /// When sessions are made by themselves, and for whom.
    pub schedules: Vec<Schedule>,
    /// Golden cases.
    pub expectations: Vec<Expectation>,
    /// What is settled about tenants.
    pub tenants: Vec<TenantSettings>,
    /// What is settled about computers.
    pub computers: Vec<ComputerSettings>,
}

impl Library {
    /// The same in the one order in which libraries are compared: by handle, settings by id; lists
    /// whose order means nothing sorted, and nothing twice.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        for software in &mut self.software {
            let key = |one: &SoftwareVersion| (natural(&one.version), one.architecture);
            software.versions.sort_by_cached_key(key);
            let licences = &mut software.licensing.licences;
            licences.sort_by_cached_key(|one| (handle(&one.name), one.name.clone()));
        }
        for tag in &mut self.tags {
            unique(&mut tag.computers);
            unique(&mut tag.tenants);
            unique(&mut tag.persons);
        }
        self.software.sort_by_cached_key(|one| (handle(&one.name), one.id));
        self.tasks.sort_by_cached_key(|one| (handle(&one.name), one.id));
        self.tags.sort_by_cached_key(|one| (handle(&one.name), one.id));
        self.deployments.sort_by_cached_key(|one| (handle(&one.name), one.id));
        self.schedules.sort_by_cached_key(|one| (handle(&one.name), one.id));
        self.expectations.sort_by_cached_key(|one| (handle(&one.name), one.id));
        self.tenants.sort_by_key(|one| one.tenant);
        self.computers.sort_by_key(|one| one.computer);
        self
    }

    /// This, and what is defined besides. What both settle is as the other says.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.tenants.retain(|one| other.tenants.iter().all(|new| new.tenant != one.tenant));
        self.computers.retain(|one| other.computers.iter().all(|new| new.computer != one.computer));
        self.software.extend(other.software);
        self.tasks.extend(other.tasks);
        self.tags.extend(other.tags);
        self.deployments.extend(other.deployments);
        self.schedules.extend(other.schedules);
        self.expectations.extend(other.expectations);
        self.tenants.extend(other.tenants);
        self.computers.extend(other.computers);
        self
    }

    /// A digest of it: equal for equal libraries, in whatever order they are kept.
    #[must_use]
    pub fn digest(&self) -> String {
        // Plain structs with text keys: there is nothing in them that JSON could not say.
        let json = serde_json::to_string(&self.clone().sorted()).unwrap_or_default();
        digest(&json)
    }
}

/// A digest of a text, in hexadecimal digits.
pub(crate) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unique<T: Ord>(list: &mut Vec<T>) {
    list.sort();
    list.dedup();
}

/// A version in the order of people: `9` before `10`.
fn natural(version: &str) -> (Vec<(u128, String)>, String) {
    let mut parts = Vec::new();
    let mut rest = version;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let words = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (word, tail) = tail.split_at(words);
        parts.push((number.parse().unwrap_or_default(), word.to_owned()));
        rest = tail;
    }
    (parts, version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_of_people() {
        let mut versions = ["10.0", "9.1", "9", "9.10", "v2", ""];
        versions.sort_by_key(|version| natural(version));
        assert_eq!(versions, ["", "v2", "9", "9.1", "9.10", "10.0"]);
    }

    #[test]
    fn the_order_in_which_a_library_is_kept_is_not_in_its_digest() {
        let tag = |name: &str| Tag {
            id: core_model::id::TagId::of_text(name, 0),
            name: name.to_owned(),
            computers: Vec::new(),
            tenants: Vec::new(),
            persons: Vec::new(),
        };
        let one = Library { tags: vec![tag("a"), tag("b")], ..Library::default() };
        let other = Library { tags: vec![tag("b"), tag("a")], ..Library::default() };
        assert_eq!(one.digest(), other.digest());
        assert_ne!(one.digest(), Library::default().digest());
    }
}
