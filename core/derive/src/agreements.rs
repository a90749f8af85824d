//! Agreements, lines and products, one from each record; and what is in force on a day.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use core_model::dates::Position;
use core_model::entity::{Agreement, AgreementLine, Product};
use core_model::facts::{AgreementFacts, AgreementLineFacts, AgreementState, ProductFacts};
use core_model::id::{AgreementId, ClientId, LineId, ProductId, TenantId};

use crate::input::SourceRecord;

/// An agreement from its record.
#[must_use]
pub fn agreement(
    record: &SourceRecord,
    facts: &AgreementFacts,
    owner: Option<(ClientId, Option<TenantId>)>,
) -> Agreement {
    Agreement {
        id: AgreementId::derive(&record.record, record.first_seen_us),
        connection: record.record.connection.clone(),
        key: record.record.key.clone(),
        client: owner.map(|(client, _)| client),
        tenant: owner.and_then(|(_, tenant)| tenant),
        name: facts.name.clone(),
        agreement_type: facts.agreement_type.clone(),
        dates: facts.dates,
        state: facts.state,
        coverage: facts.coverage.clone(),
        contacts: facts.contacts.clone(),
        gone: record.is_gone(),
    }
}

/// An agreement line from its record. Agreement and product are named by their keys, because the
/// line may be read before them.
#[must_use]
pub fn line(
    record: &SourceRecord,
    facts: &AgreementLineFacts,
    tenant: Option<TenantId>,
) -> AgreementLine {
    AgreementLine {
        id: LineId::derive(&record.record, record.first_seen_us),
        connection: record.record.connection.clone(),
        key: record.record.key.clone(),
        agreement: facts.agreement.clone(),
        tenant,
        product: facts.product.clone(),
        name: facts.description.clone().unwrap_or_default(),
        quantity: facts.quantity,
        dates: facts.dates,
        inactive: facts.inactive,
        gone: record.is_gone(),
    }
}

/// A product from its record.
#[must_use]
pub fn product(record: &SourceRecord, facts: &ProductFacts) -> Product {
    Product {
        id: ProductId::derive(&record.record, record.first_seen_us),
        connection: record.record.connection.clone(),
        key: record.record.key.clone(),
        name: facts.name.clone(),
        recurring: facts.recurring,
        inactive: facts.inactive,
        gone: record.is_gone(),
    }
}

/// The date it is at this instant in a tenant's zone; an unknown zone is UTC.
#[must_use]
pub fn local_date(at: DateTime<Utc>, zone: &str) -> NaiveDate {
    let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
    at.with_timezone(&zone).date_naive()
}

/// Why a line is not in force on a day; `None` where it is.
#[must_use]
pub fn not_in_force(agreement: &Agreement, line: &AgreementLine, day: NaiveDate) -> Option<String> {
    if agreement.gone || line.gone {
        return Some("it is gone at the source".to_owned());
    }
    match agreement.state {
        AgreementState::Active => {}
        AgreementState::Draft => return Some("the agreement is a draft".to_owned()),
        AgreementState::Inactive => return Some("the agreement is inactive".to_owned()),
        AgreementState::Expired => return Some("the agreement is expired".to_owned()),
        AgreementState::Cancelled => return Some("the agreement is cancelled".to_owned()),
    }
    if line.inactive {
        return Some("the line is inactive".to_owned());
    }
    if line.quantity.is_nothing() {
        return Some("its quantity is 0".to_owned());
    }
    outside("agreement", agreement.dates.position(day), agreement.dates)
        .or_else(|| outside("line", line.dates.position(day), line.dates))
}

fn outside(what: &str, position: Position, dates: core_model::dates::DateRange) -> Option<String> {
    let day = |date: Option<NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
    match position {
        Position::Within => None,
        Position::Before => Some(format!("the {what} starts {}", day(dates.start))),
        Position::After => Some(format!("the {what} ended {} (inclusive)", day(dates.end))),
        Position::Invalid => Some(format!(
            "the {what} ends {} before it starts {}",
            day(dates.end),
            day(dates.start)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::dates::DateRange;
    use core_model::facts::Quantity;
    use core_model::{RecordKind, RecordRef};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
    fn pair(agreement: AgreementFacts, line: AgreementLineFacts) -> (Agreement, AgreementLine) {
        let record = |kind| SourceRecord {
            record: RecordRef::new("halo", kind, "", "1"),
            client: None,
            history: Vec::new(),
            first_seen_us: 0,
            gone_since_us: None,
        };
        let a = record(RecordKind::Agreement);
        let l = record(RecordKind::AgreementLine);
        (super::agreement(&a, &agreement, None), super::line(&l, &line, None))
    }

    fn sold(dates: DateRange) -> AgreementLineFacts {
        AgreementLineFacts {
            quantity: Quantity { thousandths: 1000 },
            dates,
            ..AgreementLineFacts::default()
        }
    }

    fn december() -> DateRange {
        DateRange { start: Some(day("2026-12-01")), end: Some(day("2026-12-31")) }
    }

    #[test]
    fn t4_t5_t6_both_ends_are_local_days_of_the_tenant() {
        let (agreement, line) = pair(AgreementFacts::default(), sold(december()));
        let in_force = |utc: &str| {
            not_in_force(&agreement, &line, local_date(at(utc), "America/Chicago")).is_none()
        };
        assert!(!in_force("2026-12-01T05:59:00Z"), "23:59 of 30 November in Chicago");
        assert!(in_force("2026-12-01T06:00:00Z"), "midnight of 1 December in Chicago");
        assert!(in_force("2027-01-01T05:59:59Z"), "23:59:59 of 31 December in Chicago");
        assert!(!in_force("2027-01-01T06:00:00Z"), "midnight of 1 January in Chicago");
        let why = not_in_force(&agreement, &line, day("2027-01-01")).unwrap();
        assert!(why.contains("2026-12-31 (inclusive)"), "{why}");
    }

    #[test]
    fn t11_open_ended_backwards_and_one_day_lines() {
        let open = pair(AgreementFacts::default(), sold(DateRange::default()));
        assert_eq!(not_in_force(&open.0, &open.1, day("2090-01-01")), None);
        let backwards = DateRange { start: december().end, end: december().start };
        let (agreement, line) = pair(AgreementFacts::default(), sold(backwards));
        assert!(
            not_in_force(&agreement, &line, day("2026-12-15"))
                .unwrap()
                .contains("before it starts")
        );
        let once = DateRange { start: Some(day("2026-12-05")), end: Some(day("2026-12-05")) };
        let (agreement, line) = pair(AgreementFacts::default(), sold(once));
        assert_eq!(not_in_force(&agreement, &line, day("2026-12-05")), None);
        assert!(not_in_force(&agreement, &line, day("2026-12-06")).is_some());
    }

    #[test]
    fn an_agreement_that_is_over_has_no_lines_whatever_they_say() {
        for state in [
            AgreementState::Draft,
            AgreementState::Inactive,
            AgreementState::Expired,
            AgreementState::Cancelled,
        ] {
            let facts = AgreementFacts { state, ..AgreementFacts::default() };
            let (agreement, line) = pair(facts, sold(DateRange::default()));
            assert!(not_in_force(&agreement, &line, day("2026-12-15")).is_some(), "{state:?}");
        }
        let ended = AgreementFacts {
            dates: DateRange { start: None, end: Some(day("2026-11-30")) },
            ..AgreementFacts::default()
        };
        let (agreement, line) = pair(ended, sold(december()));
        assert!(
            not_in_force(&agreement, &line, day("2026-12-15")).unwrap().contains("agreement ended")
        );
    }

    #[test]
    fn t13_a_quantity_of_zero_is_not_in_force() {
        let line = AgreementLineFacts { dates: december(), ..AgreementLineFacts::default() };
        let (agreement, line) = pair(AgreementFacts::default(), line);
        assert!(not_in_force(&agreement, &line, day("2026-12-15")).unwrap().contains("quantity"));
    }

    #[test]
    fn a_zone_ahead_of_utc_is_a_day_ahead() {
        assert_eq!(local_date(at("2026-12-31T13:30:00Z"), "Australia/Sydney"), day("2027-01-01"));
        assert_eq!(local_date(at("2026-12-31T18:15:00Z"), "Asia/Kathmandu"), day("2027-01-01"));
    }
}
