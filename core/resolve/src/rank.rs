//! The key by which deployments are compared, left to right; the greatest wins.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use core_model::id::{DeploymentId, TenantId};
use core_model::library::{Deployment, DesiredState, DeviceClass, Enforcement, Origin, Target};

use crate::snapshot::{Snapshot, kinds};

/// How far a deployment reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Over all tenants.
    CrossTenant,
    /// One parent tenant and what is below it; so many steps up, the nearest first.
    Parent(Reverse<u32>),
    /// One tenant.
    Tenant,
    /// One person.
    Person,
    /// One computer.
    Computer,
}

/// How a target picks, within its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is named after the target that it stands for")]
pub enum TargetType {
    All,
    Filter,
    AgreementType,
    Product,
    ConnectionGroup,
    Group,
    Tag,
    /// One computer, or one person, by name.
    Named,
}

/// The key. Fields are compared in their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank {
    /// 1. Who defined it.
    pub origin: Origin,
    /// 2. How far it reaches.
    pub scope: Scope,
    /// 3. How it picks.
    pub target: TargetType,
    /// 4. How narrow its device classes are.
    pub class: u8,
    /// 5. When it takes part.
    pub enforcement: u8,
    /// 6. What shall be.
    pub state: u8,
    /// 7. The admin's order.
    pub order: i32,
    /// 7. The one created first.
    pub created: Reverse<i64>,
    /// Two that were created at once.
    pub id: Reverse<DeploymentId>,
}

/// The part of the key by which one deployment lost to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is named after the field of Rank that it stands for")]
pub enum LostOn {
    Origin,
    Scope,
    Target,
    Class,
    Enforcement,
    State,
    Order,
    Created,
}

impl LostOn {
    /// Whether only the tie rules decided.
    #[must_use]
    pub fn is_ambiguous(self) -> bool {
        self >= LostOn::State
    }
}

impl Rank {
    /// The key of a deployment for subjects of a tenant. `None` where its target cannot contain
    /// anybody of that tenant.
    pub(crate) fn of(deployment: &Deployment, tenant: u32, snapshot: &Snapshot) -> Option<Self> {
        let mut scope = scope(&deployment.target, tenant, snapshot)?;
        if let Some(owner) = deployment.owner {
            scope = scope.max(tenant_scope(owner.tenant, owner.children, tenant, snapshot)?);
        }
        Some(Self {
            origin: deployment.origin,
            scope,
            target: target_type(&deployment.target),
            class: class_rank(&deployment.classes),
            enforcement: match deployment.enforcement {
                Enforcement::Required => 3,
                Enforcement::Onboarding => 2,
                Enforcement::Optional { .. } => 1,
                Enforcement::AdHoc => 0,
            },
            state: state_rank(&deployment.state),
            order: deployment.order,
            created: Reverse(deployment.created_us),
            id: Reverse(deployment.id),
        })
    }

    /// Whether the two differ by the tie rules alone.
    #[must_use]
    pub fn ties(&self, other: &Rank) -> bool {
        self.lost_on(other).is_ambiguous()
    }

    /// The first key on which they differ.
    #[must_use]
    pub fn lost_on(&self, winner: &Rank) -> LostOn {
        if self.origin != winner.origin {
            LostOn::Origin
        } else if self.scope != winner.scope {
            LostOn::Scope
        } else if self.target != winner.target {
            LostOn::Target
        } else if self.class != winner.class {
            LostOn::Class
        } else if self.enforcement != winner.enforcement {
            LostOn::Enforcement
        } else if self.state != winner.state {
            LostOn::State
        } else if self.order != winner.order {
            LostOn::Order
        } else {
            LostOn::Created
        }
    }

    /// In words, why this one lost to the winner.
    #[must_use]
    pub fn lost_in_words(&self, winner: &Rank) -> String {
        let versus = |what: &str, better: &str, worse: &str| format!("{what} {better} > {worse}");
        match self.lost_on(winner) {
            LostOn::Origin => versus("origin", "own", "recommended"),
            LostOn::Scope => versus("scope", &winner.scope.words(), &self.scope.words()),
            LostOn::Target => versus("target", winner.target.words(), self.target.words()),
            LostOn::Class => {
                versus("device class", class_words(winner.class), class_words(self.class))
            }
            LostOn::Enforcement => versus(
                "enforcement",
                enforcement_words(winner.enforcement),
                enforcement_words(self.enforcement),
            ),
            LostOn::State => versus("state", state_words(winner.state), state_words(self.state)),
            LostOn::Order => format!("order {} > {}", winner.order, self.order),
            LostOn::Created => "created later".to_owned(),
        }
    }
}

impl Scope {
    fn words(self) -> String {
        match self {
            Scope::CrossTenant => "cross-tenant".to_owned(),
            Scope::Parent(Reverse(1)) => "parent tenant".to_owned(),
            Scope::Parent(Reverse(steps)) => format!("parent tenant {steps} steps up"),
            Scope::Tenant => "tenant".to_owned(),
            Scope::Person => "person".to_owned(),
            Scope::Computer => "computer".to_owned(),
        }
    }
}

impl TargetType {
    fn words(self) -> &'static str {
        match self {
            TargetType::All => "all",
            TargetType::Filter => "inventory filter",
            TargetType::AgreementType => "agreement type",
            TargetType::Product => "agreement product",
            TargetType::ConnectionGroup => "connection's group",
            TargetType::Group => "directory group",
            TargetType::Tag => "tag",
            TargetType::Named => "by name",
        }
    }
}

fn class_words(rank: u8) -> &'static str {
    match rank {
        4 => "primary domain controllers",
        3 => "domain controllers",
        2 => "one class",
        1 => "several classes",
        _ => "any",
    }
}

fn enforcement_words(rank: u8) -> &'static str {
    match rank {
        3 => "required",
        2 => "onboarding",
        1 => "optional",
        _ => "ad-hoc",
    }
}

fn state_words(rank: u8) -> &'static str {
    match rank {
        4 => "ignored",
        3 => "absent",
        2 => "exact version",
        0 => "update if found",
        _ => "any or newest version, or task",
    }
}

fn state_rank(state: &DesiredState) -> u8 {
    match state {
        DesiredState::Ignored => 4,
        DesiredState::Absent => 3,
        DesiredState::ThisVersion(_) => 2,
        DesiredState::UpdateIfFound => 0,
        _ => 1,
    }
}

/// The kinds of computers that classes stand for; nothing is any.
pub(crate) fn class_kinds(classes: &BTreeSet<DeviceClass>) -> u8 {
    let kind = |class: &DeviceClass| match class {
        DeviceClass::Servers => kinds::SERVER | kinds::CONTROLLER | kinds::PRIMARY,
        DeviceClass::Workstations => kinds::WORKSTATION,
        DeviceClass::Portable => kinds::PORTABLE,
        DeviceClass::DomainControllers => kinds::CONTROLLER | kinds::PRIMARY,
        DeviceClass::PrimaryDomainControllers => kinds::PRIMARY,
    };
    let all = classes.iter().map(kind).fold(0, |all, kind| all | kind);
    if classes.is_empty() { kinds::ALL } else { all }
}

fn class_rank(classes: &BTreeSet<DeviceClass>) -> u8 {
    let selected = class_kinds(classes);
    let servers = kinds::SERVER | kinds::CONTROLLER | kinds::PRIMARY;
    if classes.is_empty() {
        0
    } else if selected == kinds::PRIMARY {
        4
    } else if selected == kinds::CONTROLLER | kinds::PRIMARY {
        3
    } else if [servers, kinds::WORKSTATION, kinds::PORTABLE].contains(&selected) {
        2
    } else {
        1
    }
}

fn tenant_scope(
    named: TenantId,
    children: bool,
    tenant: u32,
    snapshot: &Snapshot,
) -> Option<Scope> {
    let number = *snapshot.tenant_numbers.get(&named)?;
    if number == tenant {
        return Some(Scope::Tenant);
    }
    let above = snapshot.tenant(tenant).map(|row| row.ancestors.as_slice()).unwrap_or_default();
    let steps = above.iter().position(|other| *other == number).filter(|_| children)?;
    Some(Scope::Parent(Reverse(u32::try_from(steps + 1).unwrap_or(u32::MAX))))
}

/// How far a target reaches, for subjects of a tenant. What must all hold reaches as far as its
/// narrowest part, alternatives as far as their widest. `None`: nobody of that tenant is in it.
fn scope(target: &Target, tenant: u32, snapshot: &Snapshot) -> Option<Scope> {
    match target {
        Target::Computer(_) => Some(Scope::Computer),
        Target::Person(_) => Some(Scope::Person),
        Target::Tenant { tenant: named, children } => {
            tenant_scope(*named, *children, tenant, snapshot)
        }
        // A directory is its tenant's own.
        Target::Group(_) => Some(Scope::Tenant),
        Target::And(parts) => parts.iter().try_fold(Scope::CrossTenant, |widest, part| {
            Some(widest.max(scope(part, tenant, snapshot)?))
        }),
        Target::Or(parts) => parts.iter().filter_map(|part| scope(part, tenant, snapshot)).min(),
        _ => Some(Scope::CrossTenant),
    }
}

/// A composed target ranks as its least specific necessary part. Parts that only say where
/// (tenants: their place is the scope) or only take away (`not`) put nobody in.
fn target_type(target: &Target) -> TargetType {
    match target {
        Target::Computer(_) | Target::Person(_) => TargetType::Named,
        Target::Tag(_) => TargetType::Tag,
        Target::Group(_) => TargetType::Group,
        Target::ConnectionGroup { .. } | Target::CustomProperty { .. } => {
            TargetType::ConnectionGroup
        }
        Target::Product { .. } => TargetType::Product,
        Target::AgreementType { .. } => TargetType::AgreementType,
        Target::Filter(_) => TargetType::Filter,
        Target::All | Target::Tenant { .. } | Target::Not(_) => TargetType::All,
        Target::And(parts) => {
            let picking = parts.iter().filter(|part| !says_where(part) && !takes_away(part));
            picking.map(target_type).min().unwrap_or(TargetType::All)
        }
        Target::Or(parts) => parts.iter().map(target_type).min().unwrap_or(TargetType::All),
    }
}

fn says_where(target: &Target) -> bool {
    match target {
        Target::All | Target::Tenant { .. } => true,
        Target::And(parts) | Target::Or(parts) => parts.iter().all(says_where),
        _ => false,
    }
}

fn takes_away(target: &Target) -> bool {
    matches!(target, Target::Not(_))
}

/// The tenants whose subjects may see a deployment otherwise than everybody else does.
pub(crate) fn named_tenants(target: &Target, found: &mut BTreeSet<(TenantId, bool)>) {
    match target {
        Target::Tenant { tenant, children } => {
            found.insert((*tenant, *children));
        }
        Target::And(parts) | Target::Or(parts) => {
            parts.iter().for_each(|part| named_tenants(part, found));
        }
        _ => {}
    }
}
