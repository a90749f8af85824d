//! The days on which something changes by itself: agreements, lines and deployments begin and end.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use core_model::id::TenantId;
use core_model::library::SubjectKind;

use crate::Resolver;
use crate::dates::{
    AsOf, agreement_not_in_force, begins, boundaries, line_not_in_force, next, previous,
};
use crate::definitions::{ItemKey, leaves_of};
use crate::preview::{Difference, Shift, counts};
use crate::rank::Rank;
use crate::set::Set;
use crate::snapshot::Snapshot;
use crate::view::hangs_on_days;

/// A day on which something changes at a tenant.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The local day.
    pub day: NaiveDate,
    /// The tenant.
    pub tenant: TenantId,
    /// The instant at which that day begins there.
    pub at: DateTime<Utc>,
    /// What happens, in words.
    pub what: Vec<String>,
    /// How many computers have other winners.
    pub computers: u64,
    /// How many uninstalls are added.
    pub uninstalls: u64,
    /// Every change of a winner.
    pub shifts: Vec<Shift>,
}

/// What happens where on a day: by tenant, in words.
type Happening = BTreeMap<u32, BTreeSet<String>>;

impl Resolver {
    /// The days after `from` and up to `until` on which something changes, in order of time.
    #[must_use]
    pub fn edges(&self, from: NaiveDate, until: NaiveDate) -> Vec<Edge> {
        self.edges_where(from, until, |_| true)
    }

    /// The edges that pass after `from` and up to `to`.
    #[must_use]
    pub fn passed(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Edge> {
        // No zone is more than a day ahead of UTC or behind it.
        let first = previous(previous(from.date_naive()));
        let last = next(next(to.date_naive()));
        self.edges_where(first, last, |at| from < at && at <= to)
    }

    fn edges_where(
        &self,
        from: NaiveDate,
        until: NaiveDate,
        wanted: impl Fn(DateTime<Utc>) -> bool,
    ) -> Vec<Edge> {
        let snapshot = self.view.snapshot.clone();
        let mut edges = Vec::new();
        for (day, mut happening) in self.happenings(from, until) {
            happening.retain(|tenant, _| {
                snapshot.tenant(*tenant).is_some_and(|row| wanted(begins(day, row.zone)))
            });
            let shifts = self.shifts_on(day, &happening.keys().copied().collect());
            for (tenant, what) in &happening {
                let Some(row) = snapshot.tenant(*tenant) else { continue };
                let concerned = concerned(&snapshot, *tenant, &happening);
                let mine = own_shifts(&snapshot, &shifts, &concerned);
                let mut computers = Set::new();
                let of_computers = mine.iter().filter(|s| s.kind == SubjectKind::Computer);
                of_computers.for_each(|shift| computers.add(&shift.subjects));
                edges.push(Edge {
                    day,
                    tenant: row.id,
                    at: begins(day, row.zone),
                    what: what.iter().cloned().collect(),
                    computers: computers.len(),
                    uninstalls: counts(&mine).uninstalls,
                    shifts: mine,
                });
            }
        }
        edges.sort_by_key(|edge| (edge.at, edge.tenant));
        edges
    }

    fn happenings(&self, from: NaiveDate, until: NaiveDate) -> BTreeMap<NaiveDate, Happening> {
        let mut days: BTreeMap<NaiveDate, Happening> = BTreeMap::new();
        let mut say = |day: NaiveDate, tenant: u32, what: String| {
            if from < day && day <= until {
                days.entry(day).or_default().entry(tenant).or_default().insert(what);
            }
        };
        self.agreements_change(&mut say);
        self.lines_change(&mut say);
        let snapshot = &self.view.snapshot;
        for deployment in self.definitions.deployments().filter(|d| d.enabled) {
            for day in boundaries(deployment.dates) {
                let begins = deployment.dates.contains(day);
                if begins == deployment.dates.contains(previous(day)) {
                    continue;
                }
                let verb = if begins { "begins" } else { "ends" };
                for tenant in 0..u32::try_from(snapshot.tenants.len()).unwrap_or(0) {
                    if Rank::of(deployment, tenant, snapshot).is_some() {
                        say(day, tenant, format!("deployment \"{}\" {verb}", deployment.name));
                    }
                }
            }
        }
        days
    }

    fn agreements_change(&self, say: &mut impl FnMut(NaiveDate, u32, String)) {
        let snapshot = &self.view.snapshot;
        for agreement in snapshot.agreements.values() {
            let number = agreement.tenant.and_then(|tenant| snapshot.tenant_numbers.get(&tenant));
            let (Some(number), Some(of_type)) = (number, &agreement.agreement_type) else {
                continue;
            };
            for day in boundaries(agreement.dates) {
                let holds = |day| agreement_not_in_force(agreement, day).is_none();
                let (before, after) = (holds(previous(day)), holds(day));
                if before != after {
                    let what = format!("agreements of type {of_type}");
                    say(day, *number, moves(snapshot, *number, after, &what));
                }
            }
        }
    }

    fn lines_change(&self, say: &mut impl FnMut(NaiveDate, u32, String)) {
        let snapshot = &self.view.snapshot;
        for ((connection, product), lines) in snapshot.lines.iter() {
            let name = snapshot
                .products
                .values()
                .find(|other| other.connection == *connection && other.key == *product)
                .map(|product| product.name.clone());
            for line in lines.values() {
                let key = line.agreement.as_ref().map(|key| (connection.clone(), key.clone()));
                let agreement = key.and_then(|key| snapshot.agreements.get(&key));
                let Some(holding) = self.view.line(line) else { continue };
                let ranges = [Some(line.dates), agreement.map(|agreement| agreement.dates)];
                for day in ranges.into_iter().flatten().flat_map(boundaries) {
                    let holds = |day| {
                        line_not_in_force(line, day).is_none()
                            && agreement.is_none_or(|a| agreement_not_in_force(a, day).is_none())
                    };
                    let (before, after) = (holds(previous(day)), holds(day));
                    if before != after {
                        let what = name.as_deref().unwrap_or(&line.name);
                        say(day, holding.tenant, moves(snapshot, holding.tenant, after, what));
                    }
                }
            }
        }
    }

    /// The changes of winners between a day and the one before, at these tenants and whoever is
    /// below them.
    fn shifts_on(&self, day: NaiveDate, tenants: &Set) -> Vec<Shift> {
        if tenants.is_empty() {
            return Vec::new();
        }
        let snapshot = &self.view.snapshot;
        let mut concerned = tenants.clone();
        for tenant in tenants.iter() {
            concerned.add(&snapshot.descendants(tenant));
        }
        let before = self.view.on(AsOf::Day(previous(day)));
        let after = self.view.on(AsOf::Day(day));
        let mut shifts = Vec::new();
        for key in self.definitions.items().filter(|key| self.knows_days(key)) {
            let kind = self.definitions.kind(key.item);
            let all = snapshot.at_tenants(kind, &concerned);
            let within = &all & &self.view.eligible(kind);
            let sweep = |view: &crate::view::View| {
                view.sweep(&view.pieces(&self.definitions, key, &self.run), kind, &within)
            };
            let (old, new) = (sweep(&before), sweep(&after));
            let definitions = self.definitions.as_ref();
            let before = (&old, definitions);
            shifts.extend(Difference { key, kind, before, after: (&new, definitions) }.shifts());
        }
        shifts
    }

    fn knows_days(&self, key: &ItemKey) -> bool {
        self.definitions.of_item(key).iter().any(|deployment| {
            let mut leaves = BTreeSet::new();
            leaves_of(&deployment.target, &mut leaves);
            boundaries(deployment.dates).next().is_some() || leaves.iter().any(hangs_on_days)
        })
    }
}

fn moves(snapshot: &Snapshot, tenant: u32, enters: bool, what: &str) -> String {
    let verb = if enters { "enters" } else { "leaves" };
    format!("{} {verb} {what}", snapshot.tenant_name(tenant))
}

/// A tenant, and those below it for whom nothing happens of their own.
fn concerned(snapshot: &Snapshot, tenant: u32, happening: &Happening) -> Set {
    let mut all = Set::one(tenant);
    let below = snapshot.descendants(tenant);
    below.iter().filter(|other| !happening.contains_key(other)).for_each(|n| all.insert(n));
    all
}

fn own_shifts(snapshot: &Snapshot, shifts: &[Shift], tenants: &Set) -> Vec<Shift> {
    let mine = shifts.iter().map(|shift| {
        let here = snapshot.at_tenants(shift.kind, tenants);
        Shift { subjects: &shift.subjects & &here, ..shift.clone() }
    });
    mine.filter(|shift| !shift.subjects.is_empty()).collect()
}
