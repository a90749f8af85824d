//! What things are called, for files that name them.

use core_library::Names;
use core_resolve::{Fact, SnapshotInput};

/// The names of everything that a snapshot is built from.
#[must_use]
pub fn names(input: &SnapshotInput) -> Names {
    let mut names = Names::new();
    for feed in input.feeds.iter().filter(|feed| !feed.connection.is_empty()) {
        names.connection(&feed.connection);
    }
    for tenant in &input.tenants {
        names.tenant(tenant.id, &tenant.name);
    }
    for computer in &input.computers {
        names.computer(computer.id, computer.tenant, &computer.name);
    }
    for person in &input.persons {
        let upn = person.facts.iter().find_map(|(name, fact)| match fact {
            Fact::Text(text) if &**name == "upn" => Some(&**text),
            _ => None,
        });
        names.person(person.id, person.tenant, &person.name, upn);
    }
    for group in &input.groups {
        names.group(group.id, group.tenant, &group.name);
    }
    for product in input.products.iter().filter(|product| !product.gone) {
        names.product(product.id, &product.connection, &product.name);
    }
    for agreement in input.agreements.iter().filter(|agreement| !agreement.gone) {
        if let Some(kind) = &agreement.agreement_type {
            names.agreement_type(&agreement.connection, kind);
        }
    }
    for group in &input.connection_groups {
        names.connection_group(&group.connection, group.kind, &group.key, &group.name);
    }
    names
}
