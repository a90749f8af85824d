//! Contracts and recurring invoices: open ones and every edge that a date or a flag can have.
//!
//! Days are counted from the tenant's own today. A cancelled contract is also inactive and ended,
//! so that every reading of the rule gives the same lines.

use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::dice::Dice;
use super::mark;
use crate::world::{HaloContract, HaloInvoice, HaloLine, TenantNo, World};

/// What is special about a contract.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Open,
    StartsToday,
    EndsToday,
    EndedYesterday,
    StartsTomorrow,
    EndsInTwoWeeks,
    Inactive,
    Draft,
    Expired,
    ExpiredUnnoticed,
    Cancelled,
    NamedAssets,
    InvoiceDisabled,
}

const CASES: &[Case] = &[
    Case::Open,
    Case::StartsToday,
    Case::EndsToday,
    Case::Open,
    Case::EndedYesterday,
    Case::StartsTomorrow,
    Case::EndsInTwoWeeks,
    Case::Inactive,
    Case::Open,
    Case::Draft,
    Case::Expired,
    Case::NamedAssets,
    Case::ExpiredUnnoticed,
    Case::Cancelled,
    Case::Open,
    Case::InvoiceDisabled,
];

/// Makes the agreements of every customer: an open one, and up to three of any case.
pub(super) fn fill(world: &mut World, dice: &mut Dice) {
    let mut turn = 0;
    for row in 0..world.halo.clients.len() {
        let client = &world.halo.clients[row];
        let Some(tenant) = client.tenant.filter(|t| *t != 0 && !client.by_hand) else { continue };
        let id = client.id;
        agreement(world, (id, tenant), ("Managed Services", Case::Open), dice);
        for _ in 0..1 + dice.below(3) {
            let kind = dice.pick(&["Backup", "Security", "Licensing", "Projects"]);
            agreement(world, (id, tenant), (kind, CASES[turn % CASES.len()]), dice);
            turn += 1;
        }
        if dice.chance(0.1) {
            // Sold without a contract: an invoice, but no agreement.
            let today = today(world, tenant, world.epoch);
            let lines = lines(world, today, dice);
            push_invoice(world, (id, None), (false, lines), dice);
        }
    }
}

/// The date at the tenant.
pub(crate) fn today(world: &World, tenant: TenantNo, at: DateTime<Utc>) -> NaiveDate {
    let zone = Tz::from_str(&world.tenants[tenant].time_zone).unwrap_or(Tz::UTC);
    at.with_timezone(&zone).date_naive()
}

fn agreement(
    world: &mut World,
    (client, tenant): (i64, TenantNo),
    (kind, case): (&str, Case),
    dice: &mut Dice,
) {
    let today = today(world, tenant, world.epoch);
    let id = world.halo.contracts.last().map_or(30, |c| c.id + dice.between(1, 3));
    let (start, end) = dates(case, today, dice);
    let created = dice.days_ago(world.epoch, 10, 800);
    let status = match case {
        Case::Draft => "Draft",
        Case::Expired => "Expired",
        Case::Cancelled => "Cancelled",
        _ => "Active",
    };
    let assets = if case == Case::NamedAssets { named(world, client) } else { Vec::new() };
    world.halo.contracts.push(HaloContract {
        id,
        client,
        reference: format!("{kind} {:04}", id),
        kind: kind.to_owned(),
        start,
        end,
        unset: unset(dice),
        active: !matches!(case, Case::Inactive | Case::Cancelled | Case::Draft),
        status: status.to_owned(),
        expired: matches!(case, Case::Expired),
        assets,
        users: Vec::new(),
        mark: mark(created, created),
    });
    let lines = lines(world, today, dice);
    push_invoice(world, (client, Some(id)), (case == Case::InvoiceDisabled, lines), dice);
}

/// First and last day.
fn dates(case: Case, today: NaiveDate, dice: &mut Dice) -> (Option<NaiveDate>, Option<NaiveDate>) {
    let past = day(today, -dice.between(40, 900));
    match case {
        Case::StartsToday => (Some(today), None),
        Case::EndsToday => (Some(past), Some(today)),
        Case::EndedYesterday => (Some(past), Some(day(today, -1))),
        Case::StartsTomorrow => (Some(day(today, 1)), None),
        Case::EndsInTwoWeeks => (Some(past), Some(day(today, 14))),
        Case::Expired if dice.chance(0.3) => (Some(past), None),
        Case::Expired | Case::ExpiredUnnoticed | Case::Cancelled => {
            (Some(past), Some(day(today, -dice.between(2, 35))))
        }
        _ if dice.chance(0.1) => (None, None),
        _ if dice.chance(0.3) => (Some(past), Some(day(today, dice.between(30, 700)))),
        _ => (Some(past), None),
    }
}

fn day(from: NaiveDate, days: i64) -> NaiveDate {
    let count = Days::new(days.unsigned_abs());
    let moved = if days < 0 { from.checked_sub_days(count) } else { from.checked_add_days(count) };
    moved.unwrap_or(from)
}

/// How this row prints a date that is not set.
fn unset(dice: &mut Dice) -> Option<NaiveDateTime> {
    let dates = [(1899, 12, 30), (1900, 1, 1), (1901, 1, 1), (9999, 12, 31)];
    let (year, month, day) = *dates.get(dice.below(8))?;
    NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(0, 0, 0)
}

fn named(world: &World, client: i64) -> Vec<i64> {
    let sites: Vec<i64> =
        world.halo.sites.iter().filter(|s| s.client == client).map(|s| s.id).collect();
    let assets = world.halo.assets.iter();
    let mine = assets.filter(|a| a.machine.is_some() && !a.inactive && sites.contains(&a.site));
    mine.take(5).map(|a| a.id).collect()
}

/// Two to seven lines: a heading now and then, most of them plain, some with an edge.
fn lines(world: &World, today: NaiveDate, dice: &mut Dice) -> Vec<HaloLine> {
    let mut id =
        world.halo.invoices.iter().rev().flat_map(|i| i.lines.last()).next().map_or(500, |l| l.id);
    let mut lines = Vec::new();
    for at in 0..2 + dice.below(6) {
        id += dice.between(1, 4);
        if at == 0 && dice.chance(0.3) {
            lines.push(HaloLine {
                id,
                item: None,
                heading: true,
                quantity: 0.0,
                ..line(world, dice)
            });
            continue;
        }
        let mut line = HaloLine { id, ..line(world, dice) };
        let past = Some(day(today, -dice.between(30, 400)));
        match dice.below(20) {
            0 => line.inactive = true,
            1 => line.quantity = 0.0,
            2 => line.start = Some(today),
            3 => (line.start, line.end) = (past, Some(today)),
            4 => (line.start, line.end) = (past, Some(day(today, -1))),
            5 => line.start = Some(day(today, 1)),
            6 => line.end = Some(day(today, 31)),
            7 | 8 => line.start = past,
            9 => line.quantity = 2.5,
            _ => {}
        }
        lines.push(line);
    }
    lines
}

fn line(world: &World, dice: &mut Dice) -> HaloLine {
    let sold: Vec<i64> = world.halo.items.iter().filter(|i| i.recurring).map(|i| i.id).collect();
    #[allow(clippy::cast_precision_loss)] // Small numbers.
    let (quantity, price) = (dice.between(1, 120) as f64, dice.between(200, 9_900) as f64 / 100.0);
    HaloLine {
        id: 0,
        item: dice.any(&sold),
        heading: false,
        quantity,
        price,
        start: None,
        end: None,
        inactive: false,
    }
}

fn push_invoice(
    world: &mut World,
    (client, contract): (i64, Option<i64>),
    (disabled, lines): (bool, Vec<HaloLine>),
    dice: &mut Dice,
) {
    let created = dice.days_ago(world.epoch, 10, 800);
    let last = world.halo.invoices.last().map_or(70, |i| i.id.abs());
    // HaloPSA numbers some recurring invoices below zero.
    let id = (last + dice.between(1, 3)) * if dice.chance(0.15) { -1 } else { 1 };
    world.halo.invoices.push(HaloInvoice {
        id,
        client,
        contract,
        disabled,
        lines,
        mark: mark(created, created),
    });
}
