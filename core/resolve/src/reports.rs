//! What was sold beside what is there; and golden cases.

use std::collections::BTreeMap;

use core_model::facts::Quantity;
use core_model::id::{ExpectationId, LineId, ProductId, TenantId};
use core_model::library::{DesiredState, Expected, SubjectKind, Target};

use crate::Resolver;
use crate::dates::AsOf;
use crate::definitions::{ItemKey, leaves_of};

use crate::set::{Members, Set};
use crate::winners::Slot;

/// How what is there lies to what was sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// More than was sold.
    Over,
    /// As many as were sold.
    Equal,
    /// Fewer than were sold.
    Under,
    /// No deployment asks for the product.
    NotDeployed,
}

/// A line in force, beside what the deployments of its product resolve to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// The line.
    pub line: LineId,
    /// What people call it.
    pub name: String,
    /// The tenant.
    pub tenant: TenantId,
    /// The product.
    pub product: ProductId,
    /// How many were sold on this line.
    pub sold: Quantity,
    /// How many were sold on all lines of the product that are in force at the tenant.
    pub sold_in_all: Quantity,
    /// Computers that deployments of the product contain.
    pub computers: u64,
    /// Persons that they contain.
    pub persons: u64,
    /// Of whom it is not known.
    pub unknown: u64,
    /// How the greater of the two lies to what was sold in all.
    pub balance: Balance,
}

/// A golden case, tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The case.
    pub expectation: ExpectationId,
    /// Whether it holds.
    pub holds: bool,
    /// What was found; none where there is no such subject.
    pub found: Option<Slot>,
    /// In words, what was expected and found.
    pub words: String,
}

impl Resolver {
    /// Every agreement line in force, beside what the deployments of its product resolve to.
    /// Deployments that ignore or uninstall use nothing up.
    #[must_use]
    pub fn reconcile(&self) -> Vec<Reconciled> {
        let snapshot = &self.view.snapshot;
        let mut rows = Vec::new();
        for product in snapshot.products.values() {
            let key = (product.connection.clone(), product.key.clone());
            let lines = snapshot.lines.get(&key).into_iter().flatten();
            let held = lines.filter_map(|(_, line)| Some((line, self.view.line(line)?)));
            let held: Vec<_> = held.filter(|(_, held)| held.not_in_force.is_none()).collect();
            let mut sold: BTreeMap<u32, i64> = BTreeMap::new();
            for (line, holding) in &held {
                *sold.entry(holding.tenant).or_default() += line.quantity.thousandths;
            }
            if held.is_empty() {
                continue;
            }
            let resolved = self.resolved_for(product.id);
            for (line, holding) in held {
                let Some(row) = snapshot.tenant(holding.tenant) else { continue };
                let in_all = sold.get(&holding.tenant).copied().unwrap_or_default();
                let count = |kind: SubjectKind, pick: fn(&Members) -> &Set| {
                    let own = snapshot.at_tenant(kind, holding.tenant);
                    resolved.get(&kind).map_or(0, |members| pick(members).common(own))
                };
                let computers = count(SubjectKind::Computer, |members| &members.yes);
                let persons = count(SubjectKind::Person, |members| &members.yes);
                let unknown = count(SubjectKind::Computer, |members| &members.maybe)
                    + count(SubjectKind::Person, |members| &members.maybe);
                let used = i64::try_from(computers.max(persons)).unwrap_or(i64::MAX / 1000);
                let balance = match (used * 1000).cmp(&in_all) {
                    _ if resolved.is_empty() => Balance::NotDeployed,
                    std::cmp::Ordering::Greater => Balance::Over,
                    std::cmp::Ordering::Equal => Balance::Equal,
                    std::cmp::Ordering::Less => Balance::Under,
                };
                rows.push(Reconciled {
                    line: line.id,
                    name: line.name.clone(),
                    tenant: row.id,
                    product: product.id,
                    sold: line.quantity,
                    sold_in_all: Quantity { thousandths: in_all },
                    computers,
                    persons,
                    unknown,
                    balance,
                });
            }
        }
        rows.sort_by_key(|row| (row.tenant, row.product, row.line));
        rows
    }

    /// Whom the deployments that name a product contain, by kind.
    fn resolved_for(&self, product: ProductId) -> BTreeMap<SubjectKind, Members> {
        let snapshot = &self.view.snapshot;
        let mut by_kind: BTreeMap<SubjectKind, Members> = BTreeMap::new();
        for deployment in self.definitions.deployments() {
            let mut leaves = std::collections::BTreeSet::new();
            leaves_of(&deployment.target, &mut leaves);
            let names = leaves.iter().any(
                |leaf| matches!(leaf, Target::Product { product: other, .. } if *other == product),
            );
            let uses_up = !matches!(deployment.state, DesiredState::Ignored | DesiredState::Absent);
            let removed = self.definitions.removed(deployment, &self.run, snapshot).is_some();
            if !names || !uses_up || removed {
                continue;
            }
            let kind = self.definitions.kind(deployment.item);
            let members = self.members_of(deployment.id);
            let domain = self.view.eligible(kind);
            let members = Members { yes: members.yes, maybe: members.unknown }.within(&domain);
            let all = by_kind.entry(kind).or_default();
            *all = all.or(&members);
        }
        by_kind
    }

    /// Tries the golden cases.
    #[must_use]
    pub fn check_expectations(&self) -> Vec<Checked> {
        let cases = self.definitions.expectations().iter().map(|case| {
            let key = ItemKey { item: case.item, instance: case.instance.clone() };
            let resolved = match case.as_of {
                Some(day) => self.on(AsOf::Day(day)).explain(case.subject, &key),
                None => self.explain(case.subject, &key),
            };
            let slot = resolved.as_ref().map(|resolved| resolved.slot);
            let state = match slot {
                Some(Slot::Won(id)) => self.definitions.deployment(id).map(|d| d.state.clone()),
                _ => None,
            };
            let holds = match (&case.expected, slot) {
                (Expected::Deployment(wanted), Some(Slot::Won(id))) => *wanted == id,
                (Expected::State(wanted), Some(Slot::Won(_))) => state.as_ref() == Some(wanted),
                (Expected::Nobody, Some(Slot::Nobody))
                | (Expected::Blocked, Some(Slot::Blocked(_))) => true,
                _ => false,
            };
            let blocked = resolved.and_then(|resolved| resolved.blocked);
            let found = self.slot_words(slot, blocked.as_deref());
            let words = format!(
                "{}: expected {}, found {found}",
                case.name,
                self.expected_words(&case.expected)
            );
            Checked { expectation: case.id, holds, found: slot, words }
        });
        cases.collect()
    }

    fn expected_words(&self, expected: &Expected) -> String {
        match expected {
            Expected::Deployment(id) => self.slot_words(Some(Slot::Won(*id)), None),
            Expected::State(state) => state.words(),
            Expected::Nobody => "no deployment".to_owned(),
            Expected::Blocked => "blocked".to_owned(),
        }
    }

    fn slot_words(&self, slot: Option<Slot>, reason: Option<&str>) -> String {
        match slot {
            None => "no such subject".to_owned(),
            Some(Slot::Nobody) => "no deployment".to_owned(),
            Some(Slot::Won(id)) => self.definitions.deployment(id).map_or_else(
                || format!("{id}, which is gone"),
                |found| format!("{} ({})", found.name, found.state.words()),
            ),
            Some(Slot::Blocked(_)) => format!("blocked: {}", reason.unwrap_or_default()),
        }
    }
}
