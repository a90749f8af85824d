//! Random deployments of every target.

use core_model::facts::ConnectionGroupKind;
use core_model::id::DeploymentId;
use core_model::library::{
    Deployment, DesiredState, DeviceClass, Enforcement, Origin, Owner, RecommendedUse, SubjectId,
    Target,
};
use rand::prelude::*;

use super::{FILTERS, Maker, group, product, software, tag, task};

impl Maker {
    pub(crate) fn leaf(&mut self) -> Target {
        match self.rng.random_range(0..14) {
            0 => Target::All,
            1 => Target::Computer(self.any_computer()),
            2 => Target::Person(self.any_person()),
            3 | 4 => Target::Tenant { tenant: self.any_tenant(), children: self.chance(0.5) },
            5 | 6 => Target::Group(group(self.rng.random_range(0..4))),
            7 | 8 => {
                let top = if self.chance(0.05) { 3 } else { 2 };
                Target::Tag(tag(self.rng.random_range(0..top)))
            }
            9 => Target::AgreementType {
                connection: self.chance(0.5).then(|| "psa".to_owned()),
                name: self.pick(&["managed", "Block", "Nothing"]).to_owned(),
                children: self.chance(0.5),
            },
            10 => Target::Product {
                product: product(self.rng.random_range(0..2)),
                children: self.chance(0.5),
            },
            11 => Target::ConnectionGroup {
                connection: "rmm".to_owned(),
                kind: ConnectionGroupKind::Group,
                key: self.pick(&["g0", "g1", "g2"]).to_owned(),
            },
            12 => Target::CustomProperty {
                connection: self.pick(&["rmm", "control"]).to_owned(),
                name: "Site".to_owned(),
                value: self.pick(&["x", "y"]).to_owned(),
            },
            _ => Target::Filter(self.pick(FILTERS).to_owned()),
        }
    }

    fn target(&mut self, depth: u32) -> Target {
        if depth == 0 || self.chance(0.55) {
            return self.leaf();
        }
        match self.rng.random_range(0..5) {
            0 => Target::Not(Box::new(self.target(depth - 1))),
            1 | 2 => Target::Or(
                (0..self.rng.random_range(0..4)).map(|_| self.target(depth - 1)).collect(),
            ),
            _ => Target::And(
                (0..self.rng.random_range(0..4)).map(|_| self.target(depth - 1)).collect(),
            ),
        }
    }

    pub(crate) fn deployment(&mut self, n: i64) -> Deployment {
        let software_item = self.chance(0.75);
        let states = if software_item {
            vec![
                DesiredState::Latest,
                DesiredState::ThisVersion("1.0".to_owned()),
                DesiredState::AnyVersion,
                DesiredState::UpdateIfFound,
                DesiredState::Absent,
                DesiredState::Absent,
                DesiredState::Ignored,
            ]
        } else {
            vec![DesiredState::Enforce, DesiredState::Audit, DesiredState::Ignored]
        };
        let target = self.target(2);
        let state = self.pick(&states);
        let name = format!("D{n}");
        let created = 1_000 * self.rng.random_range(0..4_i64);
        let mut deployment = if software_item {
            Deployment::new(&name, software(self.rng.random_range(0..2)), state, target, created)
        } else {
            let top = if self.chance(0.03) { 4 } else { 3 };
            Deployment::new(&name, task(self.rng.random_range(0..top)), state, target, created)
        };
        if !software_item && self.chance(0.3) {
            deployment.instance = Some(self.pick(&["a", "b"]).to_owned());
        }
        self.decorate(&mut deployment);
        deployment
    }

    /// The same but for one thing: keys that are equal for a long way.
    pub(super) fn variant(&mut self, mut deployment: Deployment, n: i64) -> Deployment {
        let other = self.deployment(n);
        deployment.name = other.name;
        deployment.created_us += 1_000 * self.rng.random_range(0..3_i64);
        deployment.id = DeploymentId::of_text(&deployment.name, deployment.created_us);
        match self.rng.random_range(0..7) {
            0 => deployment.classes = other.classes,
            1 => deployment.enforcement = other.enforcement,
            2 if other.state.fits(deployment.item) => deployment.state = other.state,
            3 => deployment.order += 1,
            4 => deployment.origin = other.origin,
            5 => deployment.target = Target::Or(vec![deployment.target, other.target]),
            _ => {}
        }
        deployment
    }

    fn decorate(&mut self, deployment: &mut Deployment) {
        let classes = [
            DeviceClass::Servers,
            DeviceClass::Workstations,
            DeviceClass::Portable,
            DeviceClass::DomainControllers,
            DeviceClass::PrimaryDomainControllers,
        ];
        if self.chance(0.25) {
            deployment.classes =
                (0..self.rng.random_range(1..3)).map(|_| self.pick(&classes)).collect();
        }
        if self.chance(0.2) {
            deployment.owner =
                Some(Owner { tenant: self.any_tenant(), children: self.chance(0.5) });
        }
        if self.chance(0.2) {
            deployment.origin = Origin::Recommended;
            let uses =
                [RecommendedUse::Approved, RecommendedUse::Approved, RecommendedUse::Undecided];
            deployment.recommended = self.pick(&uses);
        }
        let approved = (0..4).map(|_| SubjectId::Computer(self.any_computer())).collect();
        deployment.enforcement = match self.rng.random_range(0..8) {
            0 => Enforcement::Onboarding,
            1 => Enforcement::Optional { approved },
            2 => Enforcement::AdHoc,
            _ => Enforcement::Required,
        };
        deployment.onboarding_only = self.chance(0.05);
        deployment.order = self.pick(&[0, 0, 0, 1, -1]);
        deployment.enabled = self.chance(0.95);
        deployment.connection = self.chance(0.1).then(|| "psa".to_owned());
        deployment.dates = self.dates(0.12);
    }
}
