//! The smallest change that would put somebody in a target, or take him out.

use core_model::library::{Deployment, SubjectKind, Target};

use crate::feeds::Mode;
use crate::rank::class_kinds;
use crate::set::Truth;
use crate::snapshot::NOBODY;
use crate::view::View;

impl View {
    /// The smallest change that would put a subject into a deployment; `None` where none would.
    pub(crate) fn change_deployment(
        &self,
        deployment: &Deployment,
        kind: SubjectKind,
        number: u32,
    ) -> Option<Vec<String>> {
        let owner = deployment
            .owner
            .map(|owner| Target::Tenant { tenant: owner.tenant, children: owner.children });
        let elsewhere = owner
            .is_some_and(|owner| self.truth(kind, number, &owner, Mode::Lenient) == Truth::Out);
        let classes = class_kinds(&deployment.classes);
        let of_class = kind != SubjectKind::Computer
            || deployment.classes.is_empty()
            || self.kinds_truth(number, classes, Mode::Lenient) != Truth::Out;
        if elsewhere || !of_class {
            return None;
        }
        self.change(kind, number, &deployment.target, true)
    }

    /// The fewest steps after which a subject is in a target, or out of it; those that are already
    /// so cost none. A part that is unknown counts as done: reading it is nobody's change.
    fn change(
        &self,
        kind: SubjectKind,
        number: u32,
        target: &Target,
        wanted: bool,
    ) -> Option<Vec<String>> {
        let truth = self.truth(kind, number, target, Mode::Lenient);
        if truth != Truth::of(!wanted) {
            return Some(Vec::new());
        }
        match (target, wanted) {
            (Target::And(parts), true) | (Target::Or(parts), false) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.change(kind, number, part, wanted)?);
                }
                Some(all)
            }
            (Target::And(parts), false) | (Target::Or(parts), true) => parts
                .iter()
                .filter_map(|part| self.change(kind, number, part, wanted))
                .min_by_key(Vec::len),
            (Target::Not(inner), _) => self.change(kind, number, inner, !wanted),
            (leaf, _) => self.step(kind, number, leaf, wanted).map(|step| vec![step]),
        }
    }

    fn step(&self, kind: SubjectKind, number: u32, leaf: &Target, wanted: bool) -> Option<String> {
        let snapshot = &self.snapshot;
        if snapshot.gone(kind, leaf).is_some() {
            return None;
        }
        let name = snapshot.name(kind, number);
        let verb = |give: &str, take: &str| if wanted { give.to_owned() } else { take.to_owned() };
        match leaf {
            Target::Group(group) => {
                let group = snapshot.groups.get(group).map(|row| row.name.clone())?;
                let (who, device) = match kind {
                    SubjectKind::Computer => {
                        let primary = snapshot.computers.get(number).map_or(NOBODY, |r| r.primary);
                        (snapshot.name(SubjectKind::Person, primary), primary == NOBODY)
                    }
                    _ => (name.clone(), false),
                };
                let who = if device { format!("the device {name}") } else { who.to_string() };
                let verb = verb("add", "remove");
                let into = if wanted { "to" } else { "from" };
                Some(format!("{verb} {who} {into} group \"{group}\""))
            }
            Target::Tag(tag) => {
                let tag = snapshot.tags.get(tag).map(|row| row.name.clone())?;
                let verb = verb("give", "take");
                let words = if wanted { "the tag" } else { "no longer the tag" };
                Some(format!("{verb} {name} {words} \"{tag}\""))
            }
            Target::Person(person) => {
                let person = snapshot.person_numbers.get(person).copied()?;
                let who = snapshot.name(SubjectKind::Person, person);
                let same = snapshot.tenant_of(kind, number)
                    == snapshot.tenant_of(SubjectKind::Person, person);
                let possible = kind == SubjectKind::Computer && same;
                let verb = verb("make", "have somebody else than");
                possible.then(|| format!("{verb} {who} the primary person of {name}"))
            }
            Target::Product { .. } | Target::AgreementType { .. } => {
                self.agreement_step(snapshot.tenant_of(kind, number), leaf, wanted)
            }
            Target::ConnectionGroup { connection, kind: group_kind, key } => {
                let id = (connection.as_str().into(), *group_kind, key.as_str().into());
                let group = snapshot.group_names.get(&id)?;
                let verb = verb("put", "take");
                let into = if wanted { "into" } else { "out of" };
                Some(format!("{verb} {name} {into} {connection}'s group \"{group}\""))
            }
            Target::CustomProperty { connection, name: property, value } => {
                let verb = verb("set", "set something else than");
                Some(format!("{verb} {property} of {name} in {connection} to \"{value}\""))
            }
            Target::Filter(text) => {
                let end = if wanted { "holds" } else { "does not hold" };
                Some(format!("change {name} so that `{text}` {end}"))
            }
            _ => None,
        }
    }

    fn agreement_step(&self, tenant: u32, leaf: &Target, wanted: bool) -> Option<String> {
        let own = self.snapshot.tenant_name(tenant);
        let what = match leaf {
            Target::Product { product, .. } => {
                self.snapshot.products.get(product).map(|product| product.name.clone())?
            }
            Target::AgreementType { name, .. } => format!("an agreement of type \"{name}\""),
            _ => return None,
        };
        if !wanted {
            return Some(format!("end {what} of {own}"));
        }
        let all = self.holdings(leaf);
        let held = all.iter().find(|held| held.tenant == tenant);
        match held.and_then(|held| held.not_in_force.as_ref().map(|why| (held, why))) {
            Some((held, why)) => Some(format!("put \"{}\" of {own} in force ({why})", held.name)),
            None => Some(format!("sell {what} to {own}")),
        }
    }
}
