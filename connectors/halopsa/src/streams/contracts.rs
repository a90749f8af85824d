//! Contracts: `GET /ClientContract`, and each on its own for the assets and users that it names.
//!
//! Inactive contracts are hidden unless asked for. There is no name and no date of cancellation:
//! people know a contract by its reference, and a cancelled one is out from when it is read.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{NaiveDate, Utc};
use core_connector::{Changes, ErrorKind, Page, Result, Resume, Scope, Source};
use core_http::Request;
use core_model::dates::{BadDate, DateRange, calendar_date};
use core_model::facts::{AgreementFacts, AgreementState, Coverage};
use core_model::record::{Record, Rejected};
use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::AT_ONCE;
use crate::client::Halo;
use crate::paging::{Found, Listing, Round};
use crate::wire::{self, Named};

pub(crate) const LISTING: Listing =
    Listing { path: "ClientContract", rows: "contracts", query: &[("includeinactive", "true")] };

/// The contracts.
pub(crate) struct Contracts {
    halo: Arc<Halo>,
    details: bool,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    client_id: Option<i64>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    refextra: Option<String>,
    contracttype_name: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
    expired: Option<bool>,
    active: Option<bool>,
    contract_status: Option<String>,
}

/// What only the contract on its own says. A list that is left out is empty: Halo leaves out what
/// is null.
#[derive(Debug, Default, Deserialize)]
struct Detail {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    assets: Option<Vec<Named>>,
    users: Option<Vec<Named>>,
}

impl Contracts {
    pub(crate) fn new(halo: &Arc<Halo>, details: bool) -> Self {
        Self { halo: Arc::clone(halo), details }
    }

    /// A row's record, and the bytes that its detail took.
    async fn read(&self, raw: &RawValue) -> Result<(std::result::Result<Record, Rejected>, u64)> {
        let row: Row = match wire::row(raw) {
            Ok(row) => row,
            Err(rejected) => return Ok((Err(rejected), 0)),
        };
        let (detail, bytes) = if self.details {
            match self.detail(row.id).await {
                Ok(read) => read,
                // Listed and then not there, or not to be read: nobody knows what it covers, so
                // it keeps what is known of it.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Protocol) => {
                    return Ok((Err(rejected(row.id, "$", &error.to_string(), raw)), 0));
                }
                Err(error) => return Err(error),
            }
        } else {
            (Detail::default(), 0)
        };
        Ok((agreement(&row, detail, raw, Utc::now().date_naive()), bytes))
    }

    async fn detail(&self, id: i64) -> Result<(Detail, u64)> {
        let request =
            Request::get(format!("{}/{id}", LISTING.path)).query("includedetails", "true");
        let (detail, bytes) = self.halo.get::<Detail>(&request).await?;
        if detail.id == id {
            return Ok((detail, bytes));
        }
        let what = format!("asked for contract {id}, contract {} came", detail.id);
        Err(core_connector::Error::new(ErrorKind::Protocol, request.operation, what))
    }
}

#[async_trait]
impl Source for Contracts {
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
            let (row, more) = read?;
            found.add(row.map(Some));
            bytes += more;
        }
        drop(reading);
        Ok(found.page(bytes, round.after(sheet.step, false)?))
    }
}

fn agreement(
    row: &Row,
    detail: Detail,
    raw: &RawValue,
    today: NaiveDate,
) -> std::result::Result<Record, Rejected> {
    let bad = |path: &str, bad: &BadDate| wire::bad_date(row.id, path, bad, raw.get());
    let date = |text: &Option<String>| calendar_date(text.as_deref().unwrap_or_default());
    let dates = DateRange {
        start: date(&row.start_date).map_err(|error| bad("$.start_date", &error))?,
        end: date(&row.end_date).map_err(|error| bad("$.end_date", &error))?,
    };
    let keys = |named: Option<Vec<Named>>| -> Vec<String> {
        named.into_iter().flatten().filter_map(|object| wire::key(Some(object.id))).collect()
    };
    let assets = keys(detail.assets);
    let facts = AgreementFacts {
        state: state(row, dates.end, today),
        name: name(row),
        dates,
        coverage: if assets.is_empty() { Coverage::All } else { Coverage::Assets(assets) },
        contacts: keys(detail.users),
        agreement_type: wire::text(row.contracttype_name.as_deref()),
    };
    Ok(wire::record(row.id, row.client_id, facts.into(), raw.get()))
}

fn name(row: &Row) -> String {
    let parts = [wire::text(row.reference.as_deref()), wire::text(row.refextra.as_deref())];
    let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    if name.is_empty() { format!("Contract {}", row.id) } else { name }
}

/// The status is a label that every instance words for itself; then there are two flags, of which
/// `expired` may be stale. An expiry that the end date and `active` both deny did not happen.
fn state(row: &Row, end: Option<NaiveDate>, today: NaiveDate) -> AgreementState {
    let label = row.contract_status.as_deref().unwrap_or_default().to_lowercase();
    let words = [
        ("draft", AgreementState::Draft),
        ("cancel", AgreementState::Cancelled),
        ("terminat", AgreementState::Cancelled),
        ("expired", AgreementState::Expired),
        ("inactive", AgreementState::Inactive),
    ];
    if let Some((_, state)) = words.iter().find(|(word, _)| label.contains(word)) {
        return *state;
    }
    let over = end.is_some_and(|end| end < today);
    match (row.active, row.expired) {
        (Some(false), Some(true)) if over => AgreementState::Expired,
        (Some(false), _) => AgreementState::Inactive,
        (_, Some(true)) if over || row.active.is_none() => AgreementState::Expired,
        _ => AgreementState::Active,
    }
}

fn rejected(id: i64, path: &str, reason: &str, raw: &RawValue) -> Rejected {
    Rejected {
        key: Some(id.to_string()),
        path: path.to_owned(),
        reason: reason.to_owned(),
        raw: raw.get().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::facts::Facts;
    use serde_json::{Value, json};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn read(row: &Value, detail: Detail) -> std::result::Result<AgreementFacts, Rejected> {
        let raw = RawValue::from_string(row.to_string()).unwrap();
        let record = agreement(&wire::row(&raw)?, detail, &raw, day("2026-11-23"))?;
        match record.facts {
            Facts::Agreement(facts) => Ok(facts),
            other => panic!("{other:?}"),
        }
    }

    fn facts(row: &Value) -> AgreementFacts {
        read(row, Detail::default()).unwrap()
    }

    #[test]
    fn a_stale_expired_flag_does_not_end_a_contract() {
        let state = |end: &str, active: Option<bool>| {
            facts(&json!({"id": 1, "expired": true, "active": active, "end_date": end})).state
        };
        assert_eq!(state("2027-12-31T00:00:00", Some(true)), AgreementState::Active);
        assert_eq!(state("1899-12-30T00:00:00", Some(true)), AgreementState::Active);
        assert_eq!(state("2026-01-31T00:00:00", Some(true)), AgreementState::Expired);
        assert_eq!(state("2027-12-31T00:00:00", None), AgreementState::Expired);
        assert_eq!(state("2027-12-31T00:00:00", Some(false)), AgreementState::Inactive);
        assert_eq!(state("2026-01-31T00:00:00", Some(false)), AgreementState::Expired);
    }

    #[test]
    fn t11_a_cancelled_contract_is_out_though_its_end_is_to_come() {
        for (label, state) in [
            ("Cancelled by customer", AgreementState::Cancelled),
            ("Draft", AgreementState::Draft),
            ("Inactive", AgreementState::Inactive),
            ("Expired", AgreementState::Expired),
            ("Active", AgreementState::Active),
            ("", AgreementState::Active),
        ] {
            let row = json!({"id": 1, "contract_status": label, "active": true,
                "end_date": "2026-12-31T00:00:00"});
            assert_eq!(facts(&row).state, state, "{label}");
        }
    }

    #[test]
    fn sentinel_dates_are_no_dates() {
        for none in ["1899-12-30T00:00:00", "1900-01-01T00:00:00", "1901-01-01T00:00:00.000", ""] {
            let row = json!({"id": 1, "start_date": none, "end_date": none});
            assert_eq!(facts(&row).dates, DateRange::default(), "{none}");
        }
        assert_eq!(facts(&json!({"id": 1})).dates, DateRange::default());
    }

    #[test]
    fn t9_midnight_utc_is_the_calendar_day() {
        let row = json!({"id": 1, "start_date": "2026-12-31T00:00:00Z",
            "end_date": "2026-12-31T23:00:00"});
        let dates = facts(&row).dates;
        assert_eq!(dates, DateRange { start: Some(day("2026-12-31")), end: dates.start });
    }

    #[test]
    fn a_bad_date_is_rejected_with_its_path() {
        let row = json!({"id": 9, "end_date": "31/12/2026"});
        let rejected = read(&row, Detail::default()).unwrap_err();
        assert_eq!((rejected.key.as_deref(), rejected.path.as_str()), (Some("9"), "$.end_date"));
        assert!(rejected.reason.contains("31/12/2026"));
    }

    #[test]
    fn a_contract_that_names_assets_covers_only_these() {
        let row = json!({"id": 1, "ref": "MSA-1", "refextra": "Gold"});
        let detail: Detail =
            serde_json::from_value(json!({"id": 1, "assets": [{"id": 7.0}], "users": [{"id": 3}]}))
                .unwrap();
        let named = read(&row, detail).unwrap();
        assert_eq!(named.coverage, Coverage::Assets(vec!["7".into()]));
        assert_eq!((named.contacts, named.name.as_str()), (vec!["3".to_owned()], "MSA-1 Gold"));
        assert_eq!(facts(&row).coverage, Coverage::All);
        assert_eq!(facts(&json!({"id": 4})).name, "Contract 4");
    }
}
