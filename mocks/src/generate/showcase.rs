//! What the example rules need and no dice would give for certain: a machine that steers a mill, a
//! chief executive, a product that ends a customer. Nothing is drawn here, so that the rest of the
//! world is what it would be without.

use std::collections::HashSet;

use chrono::{Datelike, Months, NaiveDate};

use super::agreements::today;
use super::machines::personal;
use super::mark;
use crate::world::{Account, HaloItem, HaloLine, Machine, MachineNo, TenantNo, UuidQuirk, World};

/// The host name of the machine that steers a mill. No other machine has it.
pub(crate) const MILL: &str = "CNC-MILL-01";
/// The job title of one person at each tenant where somebody manages.
pub(crate) const CHIEF: &str = "Chief Executive Officer";
/// The product whose line begins on the last day of a month.
pub(crate) const OFF_BOARDING: &str = "Off-boarding";

/// Trades that have a mill.
const TRADES: &[&str] = &["Machine Works", "Tooling", "Metals", "Steel", "Fabrication", "Joinery"];

/// Makes a chief of the first manager of each tenant.
pub(super) fn promote(world: &mut World) {
    let mut led = HashSet::new();
    for person in &mut world.persons {
        let manages = person.department.as_deref() == Some("Management");
        if manages
            && person.account == Account::Member
            && person.enabled
            && led.insert(person.tenant)
        {
            person.job_title = Some(CHIEF.to_owned());
        }
    }
}

/// Gives a customer's machine, one without troubles, the name of a machine that steers a mill.
pub(super) fn name_a_mill(world: &mut World) {
    let originals: HashSet<MachineNo> = (world.machines.iter())
        .filter_map(|machine| match machine.uuid_quirk {
            UuidQuirk::Clone(original) => Some(original),
            _ => None,
        })
        .collect();
    let sound = world.machines.iter().enumerate().filter(|(no, machine)| {
        machine.tenant != 0
            && personal(machine.kind)
            && machine.online
            && machine.uuid_quirk == UuidQuirk::Right
            && machine.wiped.is_empty()
            && machine.earlier_uuids.is_empty()
            && !originals.contains(no)
    });
    // By preference where a mill is no surprise; whoever has none of these trades gets it anyway.
    let elsewhere = |(_, machine): &(MachineNo, &Machine)| {
        let name = &world.tenants[machine.tenant].name;
        !TRADES.iter().any(|trade| name.contains(trade))
    };
    if let Some(no) = sound.min_by_key(elsewhere).map(|(no, _)| no) {
        world.machines[no].host = MILL.to_owned();
    }
}

/// Sells the off-boarding to one customer, from the last day of a month on that is still ahead.
pub(super) fn off_board(world: &mut World) {
    let Some(last) = world.halo.items.iter().max_by_key(|item| item.id) else { return };
    let item = HaloItem {
        id: last.id + 3,
        name: OFF_BOARDING.to_owned(),
        recurring: true,
        inactive: false,
        mark: last.mark.clone(),
    };
    let Some((contract, tenant)) = managed(world) else {
        world.halo.items.push(item);
        return;
    };
    let lines = world.halo.invoices.iter().flat_map(|invoice| &invoice.lines);
    let id = lines.map(|line| line.id).max().unwrap_or_default() + 1;
    let machines = world.machines.iter().filter(|machine| machine.tenant == tenant).count();
    #[allow(clippy::cast_precision_loss)] // Small numbers.
    let line = HaloLine {
        id,
        item: Some(item.id),
        heading: false,
        quantity: machines as f64,
        price: 0.0,
        start: last_day_ahead(today(world, tenant, world.epoch)),
        end: None,
        inactive: false,
    };
    let invoices = world.halo.invoices.iter_mut();
    for invoice in invoices.filter(|invoice| invoice.contract == Some(contract)).take(1) {
        invoice.lines.push(line.clone());
        invoice.mark = mark(invoice.mark.created, invoice.mark.modified);
    }
    world.halo.items.push(item);
}

/// The first customer's contract that covers all computers and has no end.
fn managed(world: &World) -> Option<(i64, TenantNo)> {
    world.halo.contracts.iter().find_map(|contract| {
        let open = contract.kind == "Managed Services"
            && contract.active
            && contract.end.is_none()
            && contract.assets.is_empty();
        let client = world.halo.clients.iter().find(|client| client.id == contract.client)?;
        open.then_some((contract.id, client.tenant?))
    })
}

/// The last day of this month, or where that is today or tomorrow of the next.
fn last_day_ahead(today: NaiveDate) -> Option<NaiveDate> {
    let last = |day: NaiveDate| day.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt();
    let this = last(today)?;
    if (this - today).num_days() > 1 { Some(this) } else { last(this.succ_opt()?) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::generate;
    use crate::world::Options;

    #[test]
    fn every_world_has_what_the_example_rules_name() {
        for seed in 0..6 {
            let options = Options { seed, computers: 400, ..Options::default() };
            let world = generate(&options);
            let mills = world.machines.iter().filter(|machine| machine.host == MILL);
            let mills: Vec<_> = mills.collect();
            assert_eq!(mills.len(), 1, "seed {seed}");
            let no = world.machines.iter().position(|machine| machine.host == MILL);
            for computer in world.automate.computers.iter().filter(|c| Some(c.machine) == no) {
                assert_eq!(computer.host, MILL, "seed {seed}");
            }
            let chiefs = world.persons.iter().filter(|p| p.job_title.as_deref() == Some(CHIEF));
            let chiefs: Vec<usize> = chiefs.map(|person| person.tenant).collect();
            let tenants: HashSet<usize> = chiefs.iter().copied().collect();
            assert!(chiefs.len() == tenants.len() && !chiefs.is_empty(), "seed {seed}: {chiefs:?}");
            let item = world.halo.items.iter().find(|item| item.name == OFF_BOARDING).unwrap();
            let lines = world.halo.invoices.iter().flat_map(|invoice| &invoice.lines);
            let sold: Vec<_> = lines.filter(|line| line.item == Some(item.id)).collect();
            assert_eq!(sold.len(), 1, "seed {seed}");
            let start = sold[0].start.unwrap();
            assert_eq!(start.succ_opt().map(|day| day.day()), Some(1), "seed {seed}: {start}");
            assert!(start > world.epoch.date_naive(), "seed {seed}: {start}");
        }
    }

    #[test]
    fn the_last_day_of_a_month_is_ahead() {
        for (today, last) in [
            ("2026-11-03", "2026-11-30"),
            ("2026-11-28", "2026-11-30"),
            ("2026-11-29", "2026-12-31"),
            ("2026-11-30", "2026-12-31"),
            ("2027-12-31", "2028-01-31"),
            ("2028-01-31", "2028-02-29"),
        ] {
            assert_eq!(last_day_ahead(today.parse().unwrap()), last.parse().ok(), "{today}");
        }
    }
}
