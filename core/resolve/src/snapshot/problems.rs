//! What is wrong with what is known, whatever is deployed.

use core_model::dates::Position;

use super::Snapshot;
use crate::definitions::Problem;

impl Snapshot {
    /// Cycles of groups and tenants, and dates that end before they start. Nothing stops for them.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut texts = Vec::new();
        for (id, row) in self.groups.iter() {
            let within = row.groups.iter().any(|inner| {
                inner == id || self.nested(*inner).iter().any(|(other, _)| other == id)
            });
            if within {
                texts.push(format!("directory group \"{}\" is in itself, by a cycle", row.name));
            }
        }
        for row in self.tenants.iter() {
            let parent = row.parent.and_then(|parent| self.tenant_numbers.get(&parent));
            let last = row.ancestors.last().and_then(|last| self.tenant(*last));
            let parent_of_last = last.and_then(|last| last.parent);
            let cycle = row.parent == Some(row.id)
                || parent_of_last.is_some_and(|parent| self.tenant_numbers.contains_key(&parent));
            if cycle {
                texts.push(format!(
                    "tenant {} is among its own parents, or above one that is",
                    row.name
                ));
            } else if row.parent.is_some() && parent.is_none() {
                texts.push(format!("the parent of tenant {} is gone", row.name));
            }
        }
        for line in self.lines.values().flat_map(|lines| lines.values()) {
            if line.dates.position(line.dates.end.unwrap_or_default()) == Position::Invalid {
                let name = &line.name;
                texts.push(format!("line \"{name}\" ends before it starts: it holds on no day"));
            }
        }
        for agreement in self.agreements.values() {
            let dates = agreement.dates;
            if dates.position(dates.end.unwrap_or_default()) == Position::Invalid {
                let name = &agreement.name;
                texts.push(format!(
                    "agreement \"{name}\" ends before it starts: it holds on no day"
                ));
            }
        }
        texts.into_iter().map(|text| Problem { deployment: None, text }).collect()
    }
}

/// Whether a tenant may have a parent: a cycle of parents is refused when it is saved. The pairs
/// are (tenant, parent), as they would be.
#[must_use]
pub fn parent_cycle<T: Copy + Eq + std::hash::Hash>(pairs: &[(T, T)]) -> Option<Vec<T>> {
    let parents: std::collections::HashMap<T, T> = pairs.iter().copied().collect();
    for (start, _) in pairs {
        let mut path = vec![*start];
        let mut at = *start;
        while let Some(parent) = parents.get(&at) {
            if parent == start {
                path.push(*start);
                return Some(path);
            }
            if path.contains(parent) {
                break;
            }
            path.push(*parent);
            at = *parent;
        }
    }
    None
}
