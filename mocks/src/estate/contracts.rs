//! Changes of agreements.

use chrono::NaiveDate;

use super::change::{ChangeError, Work};
use crate::generate::agreements::today;
use crate::world::{HaloLine, World};

fn contract_row(world: &World, id: i64) -> Result<usize, ChangeError> {
    let row = world.halo.contracts.iter().position(|c| c.id == id && c.mark.gone.is_none());
    row.ok_or_else(|| ChangeError::Unknown { kind: "contract", name: id.to_string() })
}

/// The invoice and the line in it.
fn line_row(world: &World, id: i64) -> Result<(usize, usize), ChangeError> {
    let invoices = world.halo.invoices.iter().enumerate().filter(|(_, i)| i.mark.gone.is_none());
    let mut found =
        invoices.filter_map(|(at, i)| Some((at, i.lines.iter().position(|l| l.id == id)?)));
    found.next().ok_or_else(|| ChangeError::Unknown { kind: "line", name: id.to_string() })
}

/// Today where the client is.
fn local_today(work: &Work<'_>, client: i64) -> NaiveDate {
    let tenant = work.world.halo.clients.iter().find(|c| c.id == client).and_then(|c| c.tenant);
    tenant.map_or_else(|| work.now.date_naive(), |tenant| today(work.world, tenant, work.now))
}

pub(super) fn end(
    work: &mut Work<'_>,
    id: i64,
    on: Option<NaiveDate>,
) -> Result<String, ChangeError> {
    let row = contract_row(work.world, id)?;
    let on = on.unwrap_or_else(|| local_today(work, work.world.halo.contracts[row].client));
    let mut mark = work.world.halo.contracts[row].mark.clone();
    work.touch(&mut mark);
    let contract = &mut work.world.halo.contracts[row];
    (contract.end, contract.mark) = (Some(on), mark);
    Ok(format!("contract {} ends on {on}", contract.reference))
}

/// Changes a line and marks its invoice.
fn change_line(
    work: &mut Work<'_>,
    id: i64,
    change: impl FnOnce(&mut HaloLine),
) -> Result<(), ChangeError> {
    let (row, line) = line_row(work.world, id)?;
    let mut mark = work.world.halo.invoices[row].mark.clone();
    work.touch(&mut mark);
    let invoice = &mut work.world.halo.invoices[row];
    invoice.mark = mark;
    change(&mut invoice.lines[line]);
    Ok(())
}

pub(super) fn end_line(
    work: &mut Work<'_>,
    id: i64,
    on: Option<NaiveDate>,
) -> Result<String, ChangeError> {
    let (row, _) = line_row(work.world, id)?;
    let on = on.unwrap_or_else(|| local_today(work, work.world.halo.invoices[row].client));
    change_line(work, id, |line| line.end = Some(on))?;
    Ok(format!("line {id} ends on {on}"))
}

pub(super) fn set_quantity(
    work: &mut Work<'_>,
    id: i64,
    quantity: f64,
) -> Result<String, ChangeError> {
    change_line(work, id, |line| line.quantity = quantity)?;
    Ok(format!("line {id} is {quantity} now"))
}

pub(super) fn add_line(
    work: &mut Work<'_>,
    contract: i64,
    (item, quantity): (Option<i64>, Option<f64>),
    from: Option<NaiveDate>,
) -> Result<String, ChangeError> {
    contract_row(work.world, contract)?;
    let halo = &work.world.halo;
    let id = halo.invoices.iter().flat_map(|i| &i.lines).map(|l| l.id).max().unwrap_or(500) + 1;
    let sold: Vec<i64> =
        halo.items.iter().filter(|i| i.recurring && !i.inactive).map(|i| i.id).collect();
    let item = item.or_else(|| work.dice.any(&sold));
    #[allow(clippy::cast_precision_loss)] // Small numbers.
    let quantity = quantity.unwrap_or_else(|| work.dice.between(1, 60) as f64);
    let row = work.world.halo.invoices.iter().position(|i| i.contract == Some(contract));
    let Some(row) = row else {
        return Err(ChangeError::Impossible(format!("contract {contract} has no invoice")));
    };
    let mut mark = work.world.halo.invoices[row].mark.clone();
    work.touch(&mut mark);
    let invoice = &mut work.world.halo.invoices[row];
    invoice.mark = mark;
    invoice.lines.push(HaloLine {
        id,
        item,
        heading: false,
        quantity,
        price: 10.0,
        start: from,
        end: None,
        inactive: false,
    });
    Ok(format!("line {id} was added to contract {contract}"))
}
