//! What agreements cover on a day: tenants, or named assets of them.

use std::sync::Arc;

use core_model::entity::{Agreement, AgreementLine};
use core_model::facts::Coverage;
use core_model::library::{SubjectKind, Target};

use super::View;
use crate::dates::{agreement_not_in_force, line_not_in_force};
use crate::feeds::{FeedKind, Mode};
use crate::set::{Set, Truth};
use crate::snapshot::build::type_key;

/// An agreement, or a line of one, that a leaf asks for.
pub(crate) struct Holding {
    /// The tenant whose it is.
    pub(crate) tenant: u32,
    /// Why it is not in force; `None` where it is.
    pub(crate) not_in_force: Option<String>,
    /// Its agreement was not read.
    pub(crate) doubtful: bool,
    /// What people call it.
    pub(crate) name: String,
    assets: Option<Vec<(Arc<str>, Arc<str>)>>,
}

/// What a leaf about agreements covers.
#[derive(Default)]
pub(crate) struct Cover {
    /// Tenants that are covered whole.
    pub(crate) tenants: Set,
    /// Computers that are covered by name.
    pub(crate) assets: Set,
    /// Tenants of these.
    pub(crate) asset_tenants: Set,
    /// Tenants of which it is not known, because an agreement was not read.
    pub(crate) doubtful: Set,
    /// Tenants of which it is not known, because the feed is stale; by mode.
    pub(crate) stale: [Set; 2],
}

pub(crate) fn is_of_type(agreement: &Agreement, name: &str) -> bool {
    agreement.agreement_type.as_ref().is_some_and(|own| type_key(own) == type_key(name))
}

impl Cover {
    pub(crate) fn new(view: &View, leaf: &Target) -> Self {
        let mut cover = Self::default();
        let children = match leaf {
            Target::AgreementType { children, .. } | Target::Product { children, .. } => *children,
            _ => return cover,
        };
        for holding in view.holdings(leaf) {
            if holding.not_in_force.is_some() {
                continue;
            }
            let mut tenants = Set::one(holding.tenant);
            if children {
                tenants.add(&view.snapshot.descendants(holding.tenant));
            }
            if holding.doubtful {
                cover.doubtful.add(&tenants);
            } else if let Some(assets) = &holding.assets {
                let named = assets.iter().filter_map(|asset| view.snapshot.assets.get(asset));
                let computers: Set = named.flatten().copied().collect();
                let own = view.snapshot.at_tenants(SubjectKind::Computer, &tenants);
                cover.assets.add(&(&computers & &own));
                cover.asset_tenants.add(&tenants);
            } else {
                cover.tenants.add(&tenants);
            }
        }
        for mode in Mode::BOTH {
            cover.stale[mode as usize] = view.unread_tenants(leaf, children, mode);
        }
        cover
    }

    pub(crate) fn truth(
        &self,
        kind: SubjectKind,
        (number, tenant): (u32, u32),
        mode: Mode,
    ) -> Truth {
        let by_name = match kind {
            SubjectKind::Computer => self.assets.contains(number),
            SubjectKind::Person => false,
            SubjectKind::Tenant => self.asset_tenants.contains(tenant),
        };
        if self.stale[mode as usize].contains(tenant) {
            Truth::Unknown
        } else if by_name || self.tenants.contains(tenant) {
            Truth::In
        } else if self.doubtful.contains(tenant) {
            Truth::Unknown
        } else {
            Truth::Out
        }
    }
}

impl View {
    /// The agreements, or lines, that a leaf asks for, in force or not.
    pub(crate) fn holdings(&self, leaf: &Target) -> Vec<Holding> {
        match leaf {
            Target::AgreementType { connection, name, .. } => {
                let all = self.snapshot.agreements.values().filter(|agreement| {
                    connection.as_ref().is_none_or(|wanted| *wanted == agreement.connection)
                        && is_of_type(agreement, name)
                });
                all.filter_map(|agreement| self.held(agreement)).collect()
            }
            Target::Product { product, .. } => {
                let Some(product) = self.snapshot.products.get(product) else { return Vec::new() };
                let key = (product.connection.clone(), product.key.clone());
                let lines = self.snapshot.lines.get(&key).into_iter().flatten();
                lines.filter_map(|(_, line)| self.line(line)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn held(&self, agreement: &Agreement) -> Option<Holding> {
        let tenant = *self.snapshot.tenant_numbers.get(&agreement.tenant?)?;
        Some(Holding {
            tenant,
            not_in_force: agreement_not_in_force(agreement, self.day(tenant)),
            doubtful: false,
            name: agreement.name.clone(),
            assets: assets(agreement),
        })
    }

    /// A line that hangs on no agreement holds by itself; one whose agreement was not read may.
    pub(crate) fn line(&self, line: &AgreementLine) -> Option<Holding> {
        let key = line.agreement.as_ref().map(|key| (line.connection.clone(), key.clone()));
        let agreement = key.as_ref().and_then(|key| self.snapshot.agreements.get(key));
        let tenant = agreement.and_then(|agreement| agreement.tenant).or(line.tenant)?;
        let tenant = *self.snapshot.tenant_numbers.get(&tenant)?;
        let day = self.day(tenant);
        let by_agreement = agreement.and_then(|found| agreement_not_in_force(found, day));
        Some(Holding {
            tenant,
            not_in_force: by_agreement.or_else(|| line_not_in_force(line, day)),
            doubtful: key.is_some() && agreement.is_none(),
            name: line.name.clone(),
            assets: agreement.and_then(assets),
        })
    }

    fn unread_tenants(&self, leaf: &Target, children: bool, mode: Mode) -> Set {
        let connections = match leaf {
            Target::AgreementType { connection: Some(connection), .. } => {
                vec![connection.as_str().into()]
            }
            Target::AgreementType { .. } => {
                let all = self.snapshot.feeds.connections(FeedKind::Agreements);
                // Nobody brings agreements at all: nothing is known of anybody.
                if all.is_empty() { vec!["agreements".into()] } else { all }
            }
            Target::Product { product, .. } => match self.snapshot.products.get(product) {
                Some(product) => vec![product.connection.as_str().into()],
                None => Vec::new(),
            },
            _ => Vec::new(),
        };
        let mut unread = Set::new();
        for connection in connections {
            unread.add(&self.stale(&connection, FeedKind::Agreements, mode));
        }
        if children && !unread.is_empty() {
            let above = unread.clone();
            for tenant in above.iter() {
                unread.add(&self.snapshot.descendants(tenant));
            }
        }
        unread
    }
}

fn assets(agreement: &Agreement) -> Option<Vec<(Arc<str>, Arc<str>)>> {
    let Coverage::Assets(keys) = &agreement.coverage else { return None };
    let connection: Arc<str> = agreement.connection.as_str().into();
    Some(keys.iter().map(|key| (connection.clone(), key.as_str().into())).collect())
}
