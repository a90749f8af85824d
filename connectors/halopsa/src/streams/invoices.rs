//! Recurring invoices: `GET /RecurringInvoice` with its lines, each of which is an agreement line.
//!
//! Heading rows are no lines. A line hangs on the contract that it names itself, else on its
//! invoice's; its key is the line's own id, which is unique among all invoices.

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Changes, Page, Result, Resume, Scope, Source};
use core_http::Request;
use core_model::dates::{DateRange, calendar_date};
use core_model::facts::{AgreementLineFacts, Quantity};
use core_model::record::{Record, Rejected};
use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::AT_ONCE;
use crate::client::Halo;
use crate::paging::{Found, Listing, Round};
use crate::wire;

pub(crate) const LISTING: Listing = Listing {
    path: "RecurringInvoice",
    rows: "invoices",
    query: &[("includelines", "true"), ("rinvoice_type", "both"), ("includeinactive", "true")],
};

/// The recurring invoices.
pub(crate) struct Invoices {
    halo: Arc<Halo>,
}

#[derive(Debug, Deserialize)]
struct Header {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    client_id: Option<i64>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    contract_id: Option<i64>,
    disabled: Option<bool>,
}

/// The lines of an invoice, as they are.
#[derive(Debug, Deserialize)]
struct Lines {
    lines: Option<Vec<Box<RawValue>>>,
}

#[derive(Debug, Deserialize)]
struct Line {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    #[serde(default, rename = "_itemid", deserialize_with = "wire::maybe_id")]
    item: Option<i64>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    contract_id: Option<i64>,
    item_shortdescription: Option<String>,
    qty_order: Option<f64>,
    startdate: Option<String>,
    enddate: Option<String>,
    isinactive: Option<bool>,
    isgroupdesc: Option<bool>,
}

impl Invoices {
    pub(crate) fn new(halo: &Arc<Halo>) -> Self {
        Self { halo: Arc::clone(halo) }
    }

    /// What an invoice holds, and the bytes that it took beyond the list. A row without lines may
    /// have none, or come from a release that lists none: only the invoice on its own says.
    async fn read(&self, raw: &RawValue) -> Result<(Found, u64)> {
        let mut found = Found::default();
        let (header, lines) = match (wire::row::<Header>(raw), wire::row::<Lines>(raw)) {
            (Ok(header), Ok(lines)) => (header, lines.lines),
            (Err(rejected), _) | (_, Err(rejected)) => {
                found.rejected.push(rejected);
                return Ok((found, 0));
            }
        };
        let (lines, bytes) = match lines {
            Some(lines) => (Some(lines), 0),
            None => self.lines(header.id).await?,
        };
        let Some(lines) = lines else {
            found.rejected.push(Rejected {
                key: Some(header.id.to_string()),
                path: "$.lines".to_owned(),
                reason: "neither the list nor the invoice on its own has lines".to_owned(),
                raw: raw.get().to_owned(),
            });
            return Ok((found, bytes));
        };
        for (at, raw) in lines.iter().enumerate() {
            found.add(line(&header, at, raw));
        }
        Ok((found, bytes))
    }

    async fn lines(&self, id: i64) -> Result<(Option<Vec<Box<RawValue>>>, u64)> {
        let request =
            Request::get(format!("{}/{id}", LISTING.path)).query("includedetails", "true");
        let (invoice, bytes) = self.halo.get::<Lines>(&request).await?;
        Ok((invoice.lines, bytes))
    }
}

#[async_trait]
impl Source for Invoices {
    fn changes(&self) -> Changes {
        Changes::Snapshot
    }

    async fn page(&self, _: &Scope, from: Resume) -> Result<Page> {
        let round = Round::resume(&from, &LISTING)?;
        let sheet = self.halo.sheet(&LISTING, &round.walk, None).await?;
        let mut found = Found::default();
        let mut bytes = sheet.bytes;
        let reading = sheet.rows.into_iter().map(|row| async move { self.read(&row).await });
        let mut reading = stream::iter(reading).buffered(AT_ONCE);
        while let Some(read) = reading.next().await {
            let (lines, more) = read?;
            found.records.extend(lines.records);
            found.rejected.extend(lines.rejected);
            bytes += more;
        }
        drop(reading);
        Ok(found.page(bytes, round.after(sheet.step, false)?))
    }
}

fn line(
    header: &Header,
    at: usize,
    raw: &RawValue,
) -> std::result::Result<Option<Record>, Rejected> {
    // The path is the invoice's, so that a human finds the line there.
    let place = |path: &str| format!("$.lines[{at}]{}", path.trim_start_matches('$'));
    let line: Line =
        wire::row(raw).map_err(|rejected| Rejected { path: place(&rejected.path), ..rejected })?;
    if line.isgroupdesc.unwrap_or_default() {
        return Ok(None);
    }
    let wrong = |field: &str, reason: String| Rejected {
        key: Some(line.id.to_string()),
        path: place(&format!("$.{field}")),
        reason,
        raw: raw.get().to_owned(),
    };
    let date = |field: &str, text: &Option<String>| {
        calendar_date(text.as_deref().unwrap_or_default())
            .map_err(|error| wrong(field, error.to_string()))
    };
    // A number that is null is left out, and no quantity is none.
    let number = line.qty_order.unwrap_or_default();
    let quantity = Quantity::from_f64(number)
        .ok_or_else(|| wrong("qty_order", format!("{number} is no quantity")))?;
    let facts = AgreementLineFacts {
        agreement: wire::key(line.contract_id).or_else(|| wire::key(header.contract_id)),
        product: wire::key(line.item),
        quantity,
        dates: DateRange {
            start: date("startdate", &line.startdate)?,
            end: date("enddate", &line.enddate)?,
        },
        inactive: line.isinactive.unwrap_or_default() || header.disabled.unwrap_or_default(),
        description: wire::text(line.item_shortdescription.as_deref()),
    };
    Ok(Some(wire::record(line.id, header.client_id, facts.into(), raw.get())))
}

#[cfg(test)]
mod tests;
