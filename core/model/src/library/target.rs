//! Targets: expressions that resolve to computers, or to the tenants or persons of tasks that are
//! for these.

use serde::{Deserialize, Serialize};

use crate::facts::ConnectionGroupKind;
use crate::id::{ComputerId, GroupId, PersonId, ProductId, TagId, TenantId};

/// For whom. Persons count as the computers where they are primary, before `and`, `or` and `not`
/// are computed; for tasks of persons they count as themselves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// Everything.
    All,
    /// One computer.
    Computer(ComputerId),
    /// One person.
    Person(PersonId),
    /// One tenant.
    Tenant {
        /// The tenant.
        tenant: TenantId,
        /// Its child tenants too.
        #[serde(default)]
        children: bool,
    },
    /// A directory group with all groups in it: its persons, and its devices.
    Group(GroupId),
    /// Whatever carries a tag, or is of a tenant or primary person that does.
    Tag(TagId),
    /// Tenants with an agreement of this type in force.
    AgreementType {
        /// Only agreements of this connection.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        connection: Option<String>,
        /// The type, compared without case.
        name: String,
        /// Child tenants inherit it.
        #[serde(default)]
        children: bool,
    },
    /// Tenants with a line of this product in force.
    Product {
        /// The product.
        product: ProductId,
        /// Child tenants inherit it.
        #[serde(default)]
        children: bool,
    },
    /// Computers with an agent in a connection's own group or location.
    ConnectionGroup {
        /// The connection.
        connection: String,
        /// Group or location.
        kind: ConnectionGroupKind,
        /// The vendor's key of it.
        key: String,
    },
    /// Computers with an agent whose custom property has this value.
    CustomProperty {
        /// The connection.
        connection: String,
        /// The property's name.
        name: String,
        /// The value, compared exactly.
        value: String,
    },
    /// An expression over facts of computer, person and tenant.
    Filter(String),
    /// In all of these; of nothing: everything.
    And(Vec<Target>),
    /// In at least one of these; of nothing: nobody.
    Or(Vec<Target>),
    /// Not in this.
    Not(Box<Target>),
}

impl Target {
    /// One tenant without its children.
    #[must_use]
    pub fn tenant(tenant: TenantId) -> Self {
        Target::Tenant { tenant, children: false }
    }

    /// A product, without inheritance.
    #[must_use]
    pub fn product(product: ProductId) -> Self {
        Target::Product { product, children: false }
    }

    /// Whoever is in this and not in that.
    #[must_use]
    pub fn except(self, other: Target) -> Self {
        Target::And(vec![self, Target::Not(Box::new(other))])
    }

    /// How deeply `and`, `or` and `not` are nested; a lone leaf is 1. Counted without recursion, so
    /// that it may be asked of anything.
    #[must_use]
    pub fn depth(&self) -> usize {
        let mut deepest = 0;
        let mut open = vec![(self, 1)];
        while let Some((target, depth)) = open.pop() {
            deepest = deepest.max(depth);
            match target {
                Target::And(parts) | Target::Or(parts) => {
                    open.extend(parts.iter().map(|part| (part, depth + 1)));
                }
                Target::Not(part) => open.push((part, depth + 1)),
                _ => {}
            }
        }
        deepest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_composed_target_survives_json() {
        let tag = TagId::of_text("kiosk", 0);
        let target = Target::All.except(Target::Tag(tag));
        let json = serde_json::to_string(&target).unwrap();
        assert_eq!(json, format!("{{\"and\":[\"all\",{{\"not\":{{\"tag\":\"{tag}\"}}}}]}}"));
        assert_eq!(serde_json::from_str::<Target>(&json).unwrap(), target);
        assert_eq!(target.depth(), 3);
    }
}
