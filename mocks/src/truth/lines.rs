//! Agreement lines in force on a day.

use std::collections::HashMap;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

use super::Line;
use crate::world::{HaloContract, HaloLine, World};

/// The lines in force at the instant, by the date it is at each tenant.
pub(super) fn in_force(world: &World, as_of: DateTime<Utc>) -> Vec<Line> {
    let tenants: HashMap<i64, usize> = (world.halo.clients.iter())
        .filter(|c| c.mark.gone.is_none())
        .filter_map(|c| Some((c.id, c.tenant?)))
        .collect();
    let contracts: HashMap<i64, &HaloContract> =
        world.halo.contracts.iter().filter(|c| c.mark.gone.is_none()).map(|c| (c.id, c)).collect();
    let mut lines = Vec::new();
    for invoice in world.halo.invoices.iter().filter(|i| !i.disabled && i.mark.gone.is_none()) {
        let contract = invoice.contract.and_then(|id| contracts.get(&id));
        let Some(contract) = contract.filter(|c| holds(c)) else { continue };
        let Some(tenant) = tenants.get(&contract.client) else { continue };
        let zone = Tz::from_str(&world.tenants[*tenant].time_zone).unwrap_or(Tz::UTC);
        let today = as_of.with_timezone(&zone).date_naive();
        if !contains(contract.start, contract.end, today) {
            continue;
        }
        for line in invoice.lines.iter().filter(|line| sold(line, today)) {
            lines.push(Line {
                id: line.id,
                contract: contract.id,
                client: contract.client,
                tenant: *tenant,
                item: line.item.unwrap_or_default(),
                quantity: line.quantity,
            });
        }
    }
    lines
}

/// Whether the agreement is one at all, whatever its dates.
fn holds(contract: &HaloContract) -> bool {
    contract.active
        && !contract.expired
        && !["draft", "expired", "cancelled"].contains(&contract.status.to_lowercase().as_str())
}

fn sold(line: &HaloLine, today: NaiveDate) -> bool {
    let product = line.item.is_some() && !line.heading;
    product && !line.inactive && line.quantity != 0.0 && contains(line.start, line.end, today)
}

/// Both ends included; dates that stand for "none" are none.
fn contains(start: Option<NaiveDate>, end: Option<NaiveDate>, day: NaiveDate) -> bool {
    let real = |date: &NaiveDate| date.year() > 1901 && date.year() < 9000;
    start.filter(real).is_none_or(|start| start <= day)
        && end.filter(real).is_none_or(|end| day <= end)
}
