//! Why somebody is in a target, or is not, or why that is not known, in words; and the smallest
//! change that would put him in.

use core_model::id::{GroupId, TagId};
use core_model::library::{Deployment, SubjectKind, Target};

use crate::feeds::{FeedKind, Mode};
use crate::rank::class_kinds;
use crate::set::Truth;
use crate::snapshot::NOBODY;
use crate::view::View;

mod changes;

impl View {
    /// Why a deployment contains a subject, or does not, or why that is not known.
    pub(crate) fn why_deployment(
        &self,
        deployment: &Deployment,
        kind: SubjectKind,
        number: u32,
        mode: Mode,
    ) -> String {
        let tenant = self.snapshot.tenant_of(kind, number);
        let tenant_name = self.snapshot.tenant_name(tenant);
        if let Some(owner) = deployment.owner {
            let leaf = Target::Tenant { tenant: owner.tenant, children: owner.children };
            if self.truth(kind, number, &leaf, mode) == Truth::Out {
                return format!("it is for another tenant than {tenant_name}");
            }
        }
        let classes = class_kinds(&deployment.classes);
        if kind == SubjectKind::Computer && !deployment.classes.is_empty() {
            let by_target = self.truth(kind, number, &deployment.target, mode);
            let by_class = self.kinds_truth(number, classes, mode);
            if by_class < by_target {
                return match by_class {
                    Truth::Unknown => self
                        .inventory_unread(number, mode)
                        .unwrap_or_else(|| "its device class was not read".to_owned()),
                    _ => "it is of another device class".to_owned(),
                };
            }
        }
        self.why(kind, number, &deployment.target, mode)
    }

    /// Why a subject lies to a target as it does.
    pub(crate) fn why(
        &self,
        kind: SubjectKind,
        number: u32,
        target: &Target,
        mode: Mode,
    ) -> String {
        let truth = self.truth(kind, number, target, mode);
        let of_parts = |parts: &[Target], wanted: &dyn Fn(Truth) -> bool, all: bool| {
            let found = parts.iter().filter(|part| wanted(self.truth(kind, number, part, mode)));
            let words = found.map(|part| self.why(kind, number, part, mode));
            let words: Vec<String> = if all { words.collect() } else { words.take(1).collect() };
            words.join("; ")
        };
        match (target, truth) {
            (Target::And(parts), Truth::In) => of_parts(parts, &|_| true, true),
            (Target::And(parts), Truth::Unknown) => {
                of_parts(parts, &|part| part == Truth::Unknown, true)
            }
            (Target::And(parts), Truth::Out) => of_parts(parts, &|part| part == Truth::Out, false),
            (Target::Or(parts), Truth::In) => of_parts(parts, &|part| part == Truth::In, false),
            (Target::Or(parts), Truth::Unknown) => {
                of_parts(parts, &|part| part == Truth::Unknown, true)
            }
            (Target::Or(parts), Truth::Out) => of_parts(parts, &|_| true, true),
            (Target::Not(inner), _) => {
                let inner = self.why(kind, number, inner, mode);
                match truth {
                    Truth::In => format!("not excepted: {inner}"),
                    Truth::Out => format!("excepted: {inner}"),
                    Truth::Unknown => inner,
                }
            }
            (leaf, _) => self.why_leaf(kind, number, leaf, (mode, truth)),
        }
    }

    fn why_leaf(
        &self,
        kind: SubjectKind,
        number: u32,
        leaf: &Target,
        (mode, truth): (Mode, Truth),
    ) -> String {
        if let Some(gone) = self.snapshot.gone(kind, leaf) {
            return gone;
        }
        let name = self.snapshot.name(kind, number);
        let tenant = self.snapshot.tenant_of(kind, number);
        match leaf {
            Target::Computer(_) | Target::All if truth == Truth::In => format!("{name} itself"),
            Target::Computer(id) => {
                let other = self.snapshot.computer_numbers.get(id).copied().unwrap_or(NOBODY);
                format!("it is {}, not {name}", self.snapshot.name(kind, other))
            }
            Target::Person(id) => {
                let person = self.snapshot.person_numbers.get(id).copied().unwrap_or(NOBODY);
                self.why_person(kind, number, person, (mode, truth))
            }
            Target::Tenant { tenant: wanted, .. } => {
                let wanted = self.snapshot.tenant_numbers.get(wanted).copied().unwrap_or(NOBODY);
                let (own, wanted) =
                    (self.snapshot.tenant_name(tenant), self.snapshot.tenant_name(wanted));
                match truth {
                    Truth::In if own == wanted => format!("{name} is of {own}"),
                    Truth::In => format!("{name} is of {own}, which belongs to {wanted}"),
                    _ => format!("{name} is of {own}, not of {wanted}"),
                }
            }
            Target::Group(group) => self.why_group(kind, number, *group, (mode, truth)),
            Target::Tag(tag) => self.why_tag(kind, number, *tag, (mode, truth)),
            Target::AgreementType { .. } | Target::Product { .. } => {
                self.why_covered(tenant, leaf, (mode, truth))
            }
            Target::ConnectionGroup { connection, kind: group_kind, key } => {
                let id = (connection.as_str().into(), *group_kind, key.as_str().into());
                let group = self.snapshot.group_names.get(&id).cloned().unwrap_or_default();
                let stale =
                    self.snapshot.stale(connection, FeedKind::ConnectionGroups, tenant, mode);
                stale.unwrap_or_else(|| {
                    in_or_not(truth, &name, &format!("{connection}'s group \"{group}\""))
                })
            }
            Target::CustomProperty { connection, name: property, value } => {
                let stale = self.snapshot.stale(connection, FeedKind::Properties, tenant, mode);
                stale.unwrap_or_else(|| match truth {
                    Truth::In => format!("{property} of {connection} is \"{value}\""),
                    Truth::Unknown => format!("{property} of {connection} was not read"),
                    Truth::Out => format!("{property} of {connection} is not \"{value}\""),
                })
            }
            Target::Filter(text) => self.why_filter(kind, number, text, (mode, truth)),
            _ => format!("{name} is no target"),
        }
    }

    fn why_filter(
        &self,
        kind: SubjectKind,
        number: u32,
        text: &str,
        (mode, truth): (Mode, Truth),
    ) -> String {
        match truth {
            Truth::In => format!("filter `{text}` holds"),
            Truth::Out => format!("filter `{text}` does not hold"),
            Truth::Unknown => {
                let Some(filter) = self.filters.get(text) else {
                    return format!("filter `{text}` cannot be evaluated");
                };
                let missing = self.missing_facts(kind, number, text);
                self.filter_unread(kind, number, &filter, mode).unwrap_or_else(|| {
                    if missing.is_empty() {
                        format!("filter `{text}` gives neither true nor false")
                    } else {
                        format!("{} not read yet", missing.join(", "))
                    }
                })
            }
        }
    }

    /// "Ana Silva → primary of PC-042", or only his name for what is for persons.
    fn person_chain(&self, kind: SubjectKind, number: u32, person: u32) -> String {
        let who = self.snapshot.name(SubjectKind::Person, person);
        match kind {
            SubjectKind::Computer => {
                format!("{who} → primary of {}", self.snapshot.name(kind, number))
            }
            _ => who.to_string(),
        }
    }

    /// Who uses a computer, for sentences about who does not.
    fn user_words(&self, number: u32) -> String {
        let snapshot = &self.snapshot;
        let name = snapshot.name(SubjectKind::Computer, number);
        let primary = snapshot.computers.get(number).map_or(NOBODY, |row| row.primary);
        if primary == NOBODY {
            format!("{name} has no primary person")
        } else {
            format!("{} (primary of {name})", snapshot.name(SubjectKind::Person, primary))
        }
    }

    fn affinity_unread(&self, kind: SubjectKind, number: u32, mode: Mode) -> Option<String> {
        let tenant = self.snapshot.tenant_of(kind, number);
        (kind == SubjectKind::Computer)
            .then(|| self.snapshot.stale("", FeedKind::Affinity, tenant, mode))
            .flatten()
    }

    fn why_person(
        &self,
        kind: SubjectKind,
        number: u32,
        person: u32,
        (mode, truth): (Mode, Truth),
    ) -> String {
        match truth {
            Truth::In => self.person_chain(kind, number, person),
            Truth::Unknown => self.affinity_unread(kind, number, mode).unwrap_or_default(),
            Truth::Out => {
                let wanted = self.snapshot.name(SubjectKind::Person, person);
                match kind {
                    SubjectKind::Computer => {
                        format!("{}, not {wanted}", self.user_words(number))
                    }
                    _ => format!("it is {wanted}, not {}", self.snapshot.name(kind, number)),
                }
            }
        }
    }

    /// The way from a group down to the one that holds somebody.
    fn path_to(&self, group: GroupId, holds: &dyn Fn(GroupId) -> bool) -> Option<Vec<GroupId>> {
        let mut seen = std::collections::BTreeSet::from([group]);
        let mut open = std::collections::VecDeque::from([vec![group]]);
        while let Some(path) = open.pop_front() {
            let last = *path.last()?;
            if holds(last) {
                return Some(path);
            }
            for inner in self.snapshot.groups.get(&last).into_iter().flat_map(|row| &row.groups) {
                if seen.insert(*inner) {
                    open.push_back(path.iter().copied().chain([*inner]).collect());
                }
            }
        }
        None
    }

    fn group_words(&self, group: GroupId) -> String {
        let name = self.snapshot.groups.get(&group).map(|row| row.name.clone());
        format!("group \"{}\"", name.unwrap_or_default())
    }

    fn why_group(
        &self,
        kind: SubjectKind,
        number: u32,
        group: GroupId,
        (mode, truth): (Mode, Truth),
    ) -> String {
        let snapshot = &self.snapshot;
        let row = |group: GroupId| snapshot.groups.get(&group);
        match truth {
            Truth::Unknown => {
                let directory = row(group).and_then(|row| {
                    let connection = &row.directory.connection;
                    snapshot.stale(connection, FeedKind::Directory, row.tenant, mode)
                });
                directory.or_else(|| self.affinity_unread(kind, number, mode)).unwrap_or_default()
            }
            Truth::In => {
                let person = match kind {
                    SubjectKind::Computer => {
                        snapshot.computers.get(number).map_or(NOBODY, |row| row.primary)
                    }
                    _ => number,
                };
                let device = |group| {
                    kind == SubjectKind::Computer
                        && row(group).is_some_and(|row| row.devices.contains(number))
                };
                let by_person = |group| row(group).is_some_and(|row| row.persons.contains(person));
                let (path, last) = match self.path_to(group, &by_person) {
                    Some(path) if person != NOBODY => {
                        (path, self.person_chain(kind, number, person))
                    }
                    _ => (
                        self.path_to(group, &device).unwrap_or_default(),
                        format!("device {}", snapshot.name(kind, number)),
                    ),
                };
                let words = path.into_iter().map(|group| self.group_words(group));
                words.chain([last]).collect::<Vec<_>>().join(" → ")
            }
            Truth::Out => {
                let who = match kind {
                    SubjectKind::Computer => self.user_words(number),
                    _ => snapshot.name(kind, number).to_string(),
                };
                format!("not in {}: {who}", self.group_words(group))
            }
        }
    }

    fn why_tag(
        &self,
        kind: SubjectKind,
        number: u32,
        tag: TagId,
        (mode, truth): (Mode, Truth),
    ) -> String {
        let snapshot = &self.snapshot;
        let tenant = snapshot.tenant_of(kind, number);
        let Some(row) = snapshot.tags.get(&tag) else { return String::new() };
        let name = snapshot.name(kind, number);
        match truth {
            Truth::In if row.tenants.contains(tenant) => {
                format!("tag \"{}\" on its tenant {}", row.name, snapshot.tenant_name(tenant))
            }
            Truth::In if kind == SubjectKind::Computer && !row.computers.contains(number) => {
                let primary = snapshot.computers.get(number).map_or(NOBODY, |row| row.primary);
                format!("tag \"{}\" on {}", row.name, self.person_chain(kind, number, primary))
            }
            Truth::In => format!("tag \"{}\" on {name}", row.name),
            Truth::Out => format!("{name} does not carry the tag \"{}\"", row.name),
            Truth::Unknown => snapshot
                .stale("", FeedKind::Tags, tenant, mode)
                .or_else(|| {
                    let unread = snapshot.tags_unread.contains(number);
                    let unread = unread && kind == SubjectKind::Computer;
                    (!unread).then(|| self.affinity_unread(kind, number, mode)).flatten()
                })
                .unwrap_or_else(|| "tags not read yet".to_owned()),
        }
    }

    fn why_covered(&self, tenant: u32, leaf: &Target, (mode, truth): (Mode, Truth)) -> String {
        let snapshot = &self.snapshot;
        let what = match leaf {
            Target::AgreementType { name, .. } => format!("an agreement of type \"{name}\""),
            Target::Product { product, .. } => {
                let name = snapshot.products.get(product).map(|product| product.name.as_str());
                name.unwrap_or_default().to_owned()
            }
            _ => String::new(),
        };
        let row = snapshot.tenant(tenant);
        let above = row.map(|row| row.ancestors.as_slice()).unwrap_or_default();
        let own = snapshot.tenant_name(tenant);
        let all = self.holdings(leaf);
        let mine = all.iter().filter(|held| held.tenant == tenant || above.contains(&held.tenant));
        let mut mine: Vec<_> = mine.collect();
        mine.sort_by_key(|held| (held.not_in_force.is_some(), held.tenant != tenant));
        match (truth, mine.first()) {
            (Truth::In, Some(held)) => {
                format!("{} has {what} (\"{}\")", snapshot.tenant_name(held.tenant), held.name)
            }
            (Truth::Unknown, _) => {
                let connections = match leaf {
                    Target::Product { product, .. } => {
                        let product = snapshot.products.get(product);
                        product
                            .map(|product| product.connection.as_str().into())
                            .into_iter()
                            .collect()
                    }
                    Target::AgreementType { connection: Some(name), .. } => {
                        vec![name.as_str().into()]
                    }
                    _ => snapshot.feeds.connections(FeedKind::Agreements),
                };
                let stale = connections.iter().find_map(|connection| {
                    snapshot.stale(connection, FeedKind::Agreements, tenant, mode)
                });
                stale.unwrap_or_else(|| "its agreement was not read".to_owned())
            }
            (Truth::Out, Some(held)) if held.not_in_force.is_some() => {
                let zone = row.map(|row| row.zone.name()).unwrap_or_default();
                let reason = held.not_in_force.clone().unwrap_or_default();
                format!("{what}: {reason}, {zone}")
            }
            (Truth::Out, Some(held)) if held.tenant == tenant => {
                format!("{own} has {what}, for other assets")
            }
            _ => format!("{own} does not have {what}"),
        }
    }
}

fn in_or_not(truth: Truth, name: &str, what: &str) -> String {
    match truth {
        Truth::In => format!("{name} is in {what}"),
        _ => format!("{name} is not in {what}"),
    }
}
