//! Reading a list of Automate page by page.
//!
//! A list is a bare array; pages are numbered, a header may carry the total, and past the end
//! comes an empty page. What is refused as an end: an empty or a short page while the total says
//! that rows are left, and a page that came before. Rows that move while the list is read (one
//! before them was removed) are found by going back as many pages as the total fell short.

use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Changes, Error, ErrorKind, Page, Proof, Result, Resume, Scope, Source};
use core_http::{Answer, Request, decode};
use core_model::record::{Record, Rejected};
use core_model::{Checkpoint, RecordKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::{Api, get};

/// One list of the API, and what its rows mean.
pub(crate) trait Table: Send + Sync + 'static {
    /// The stream's name.
    const NAME: &'static str;
    /// The kinds of record its rows become.
    const KINDS: &'static [RecordKind];
    /// Where the list is, below the API's root.
    const PATH: &'static str;
    /// The field that the list is ordered by and a row known by.
    const ID: &'static str;
    /// The fields asked for: what is mapped and nothing else, for whole objects are heavy.
    const FIELDS: &'static str;
    /// Old servers do not have it.
    const MAY_BE_ABSENT: bool = false;
    /// A row.
    type Row: DeserializeOwned;

    /// What a row means.
    ///
    /// # Errors
    /// The row, where it cannot be used.
    fn records(row: Self::Row, raw: &str) -> std::result::Result<Vec<Record>, Rejected>;
}

/// A list as a source.
pub(crate) struct Listed<T> {
    api: Arc<Api>,
    table: PhantomData<T>,
}

impl<T: Table> Listed<T> {
    pub(crate) fn new(api: &Arc<Api>) -> Self {
        Self { api: Arc::clone(api), table: PhantomData }
    }
}

#[async_trait]
impl<T: Table> Source for Listed<T> {
    fn changes(&self) -> Changes {
        Changes::Snapshot
    }

    async fn page(&self, _scope: &Scope, from: Resume) -> Result<Page> {
        let place = match from {
            Resume::Start => Place::start(self.api.page_size),
            Resume::From(checkpoint) => Place::read(&checkpoint, T::NAME)?,
        };
        let request = request::<T>(&place);
        let page = self.api.http.call(&request, |answer| read::<T>(answer, &place)).await;
        page.map_err(|error| match error.kind() {
            ErrorKind::NotFound if T::MAY_BE_ABSENT => error
                .into_kind(ErrorKind::NotOffered)
                .with_remedy("nothing to do: this version of Automate has no such list"),
            ErrorKind::NotFound => error
                .into_kind(ErrorKind::Config)
                .with_remedy("there is no Automate API at this address: correct `url`"),
            _ => error,
        })
    }
}

/// How far a list was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// The page to read, from 1.
    page: u64,
    /// Rows per page; kept for the round, whatever becomes of the setting.
    size: u64,
    /// The id that the page before began with.
    first: Option<String>,
    /// The total, as last heard.
    total: Option<u64>,
    /// The greatest id so far, while the rows come in the order asked for: a smaller one was read
    /// before, and stands where another row should.
    greatest: Option<u64>,
}

impl Place {
    fn start(size: u64) -> Self {
        Self { page: 1, size: size.max(1), first: None, total: None, greatest: None }
    }

    fn read(checkpoint: &Checkpoint, stream: &str) -> Result<Self> {
        checkpoint.read().map_err(|error| {
            let detail = format!("the checkpoint is of another version: {error}");
            Error::new(ErrorKind::CheckpointExpired, format!("read {stream}"), detail)
        })
    }

    /// Judges the page that was read here. `Ok` holds the proof and where to go on.
    fn after(&self, ids: &Ids, heard: Option<u64>, operation: &str) -> Result<(Proof, Self)> {
        let breach = |detail: String| Err(Error::new(ErrorKind::Protocol, operation, detail));
        let total = heard.or(self.total);
        // Nobody removes everything between two pages, and a server in trouble may say so.
        if self.page > 1 && heard == Some(0) && self.total.is_some_and(|total| total > 0) {
            return breach(format!(
                "page {} is empty and says that there are no rows; the page before counted {}",
                self.page,
                self.total.unwrap_or_default()
            ));
        }
        if let Some(back) = self.moved(heard) {
            let page = self.page - back;
            let place = Self { page, first: None, total, greatest: None, ..self.clone() };
            return Ok((Proof::More, place));
        }
        let before = (self.page - 1).saturating_mul(self.size);
        let Some(first) = &ids.first else {
            return match total {
                Some(total) if before < total => breach(format!(
                    "page {} is empty, but the server counts {total} rows and {before} were read",
                    self.page
                )),
                _ => Ok((Proof::Ended { how: "an empty page after the last" }, self.clone())),
            };
        };
        if self.first.as_ref() == Some(first) {
            return breach(format!(
                "page {} is the same page again: it begins with {first} like the one before",
                self.page
            ));
        }
        let (page, first) = (self.page + 1, Some(first.clone()));
        let next = Self { page, size: self.size, first, total, greatest: ids.greatest };
        let Some(total) = total else { return Ok((Proof::More, next)) };
        let due = total.saturating_sub(before).min(self.size);
        if ids.distinct != due {
            return breach(format!(
                "page {} brought {} different rows and not {due} (page size {}, {total} in all)",
                self.page, ids.distinct, self.size
            ))
            .map_err(|error: Error| {
                error.with_remedy("if it stays so, lower `page_size`: the server may give less")
            });
        }
        let ended = before + ids.distinct == total;
        Ok((if ended { Proof::Total { rows: total } } else { Proof::More }, next))
    }

    /// By how many pages rows may have moved since the page before was read: a removed row lets
    /// every later one move up by one, over the edge between what was read and what was not.
    fn moved(&self, heard: Option<u64>) -> Option<u64> {
        let fell = self.total?.checked_sub(heard?)?;
        let back = fell.div_ceil(self.size).min(self.page - 1);
        (back > 0).then_some(back)
    }
}

/// The ids of a page.
struct Ids {
    first: Option<String>,
    /// Different rows, without those that are known to be of pages before.
    distinct: u64,
    /// The last id, if all are numbers that ascend.
    greatest: Option<u64>,
}

impl Ids {
    /// A row without an id counts as one of its own; it is rejected later, by its path. `known` is
    /// the greatest id of the pages before.
    fn of(rows: &[Box<RawValue>], field: &str, known: Option<u64>) -> Self {
        let ids: Vec<String> = rows
            .iter()
            .enumerate()
            .map(|(place, row)| row_id(row, field).unwrap_or_else(|| format!("row {place}")))
            .collect();
        let numbers: Vec<Option<u64>> = ids.iter().map(|id| id.parse().ok()).collect();
        let ascend = numbers.iter().all(Option::is_some) && numbers.is_sorted();
        let is_new = |number: &Option<u64>| number.is_none_or(|n| known.is_none_or(|k| n > k));
        let seen: HashSet<&String> =
            ids.iter().zip(&numbers).filter(|(_, n)| is_new(n)).map(|(id, _)| id).collect();
        Self {
            distinct: seen.len() as u64,
            greatest: numbers.last().copied().flatten().filter(|_| ascend),
            first: ids.first().cloned(),
        }
    }
}

fn row_id(row: &RawValue, field: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Both {
        #[serde(default, deserialize_with = "decode::id_text::option::deserialize")]
        id: Option<String>,
        #[serde(default, deserialize_with = "decode::id_text::option::deserialize")]
        computer_id: Option<String>,
    }
    let both: Both = serde_json::from_str(row.get()).ok()?;
    if field == "ComputerId" { both.computer_id } else { both.id }
}

fn request<T: Table>(place: &Place) -> Request {
    get(T::PATH)
        .query("page", place.page.to_string())
        .query("pagesize", place.size.to_string())
        .query("orderby", format!("{} asc", T::ID))
        .query("includefields", T::FIELDS)
}

fn read<T: Table>(answer: &Answer, place: &Place) -> Result<Page> {
    let rows: Vec<Box<RawValue>> = decode::json(answer)?;
    let total = answer.header("total-count").and_then(|text| text.trim().parse().ok());
    let ids = Ids::of(&rows, T::ID, place.greatest);
    let (proof, next) = place.after(&ids, total, &answer.operation)?;
    let mut records = Vec::with_capacity(rows.len());
    let mut rejected = Vec::new();
    for row in &rows {
        let read = decode::row::<T::Row>(row, |_| row_id(row, T::ID));
        match read.and_then(|value| T::records(value, row.get())) {
            Ok(some) => records.extend(some),
            Err(one) => rejected.push(one),
        }
    }
    let checkpoint = match proof {
        Proof::More => Some(Checkpoint::of(&next).map_err(|error| {
            Error::new(ErrorKind::Protocol, &answer.operation, error.to_string())
        })?),
        _ => None,
    };
    let bytes = answer.body.len() as u64;
    Ok(Page { records, gone: Vec::new(), rejected, checkpoint, proof, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(first: u64, rows: u64) -> Ids {
        let greatest = (rows > 0).then(|| first + rows - 1);
        Ids { first: (rows > 0).then(|| first.to_string()), distinct: rows, greatest }
    }

    fn place(page: u64, total: Option<u64>) -> Place {
        Place { page, size: 10, first: None, total, greatest: None }
    }

    fn after(place: &Place, ids: &Ids, heard: Option<u64>) -> Result<(Proof, Place)> {
        place.after(ids, heard, "GET /x")
    }

    #[test]
    fn a_reached_total_needs_no_further_request() {
        let (proof, next) = after(&place(1, None), &ids(1, 10), Some(25)).unwrap();
        assert_eq!((proof, next.page), (Proof::More, 2));
        let (proof, _) = after(&place(3, Some(25)), &ids(21, 5), Some(25)).unwrap();
        assert_eq!(proof, Proof::Total { rows: 25 });
        let (proof, _) = after(&place(1, None), &ids(0, 0), Some(0)).unwrap();
        assert_eq!(proof, Proof::Ended { how: "an empty page after the last" });
    }

    #[test]
    fn without_a_total_only_an_empty_page_is_the_end() {
        let (proof, next) = after(&place(1, None), &ids(1, 3), None).unwrap();
        assert_eq!((proof, next.page), (Proof::More, 2));
        assert!(matches!(after(&next, &ids(0, 0), None), Ok((Proof::Ended { .. }, _))));
    }

    #[test]
    fn a_short_page_before_the_total_is_refused() {
        let error = after(&place(2, Some(25)), &ids(11, 6), Some(25)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.remedy().contains("page_size"));
        assert!(after(&place(1, None), &ids(1, 10), Some(4)).is_err(), "more rows than counted");
    }

    #[test]
    fn rows_that_moved_up_are_gone_back_for() {
        // 21 rows were counted; one of the first page goes; what was 11th is now 10th.
        let (proof, next) = after(&place(2, Some(21)), &ids(12, 10), Some(20)).unwrap();
        assert_eq!((proof, next.page, next.total), (Proof::More, 1, Some(20)));
        // The very last row moved to a page that was read already.
        let (proof, next) = after(&place(2, Some(11)), &ids(0, 0), Some(10)).unwrap();
        assert_eq!((proof, next.page), (Proof::More, 1));
        let (proof, _) = after(&next, &ids(1, 10), Some(10)).unwrap();
        assert_eq!(proof, Proof::Total { rows: 10 });
        // Growth moves nothing: new ids come last.
        let (_, next) = after(&place(2, Some(21)), &ids(11, 10), Some(22)).unwrap();
        assert_eq!(next.page, 3);
    }

    #[test]
    fn an_empty_list_in_the_middle_of_one_is_not_believed() {
        for ids in [ids(0, 0), ids(11, 10)] {
            let error = after(&place(2, Some(25)), &ids, Some(0)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol);
        }
        assert!(
            after(&place(1, None), &ids(0, 0), Some(0)).is_ok(),
            "an empty list from the start"
        );
    }

    #[test]
    fn a_checkpoint_of_another_version_starts_over() {
        let error = Place::read(&Checkpoint::new("7"), "computers").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CheckpointExpired);
    }

    #[test]
    fn string_and_number_ids_are_the_same() {
        let rows: Vec<Box<RawValue>> =
            serde_json::from_str(r#"[{"Id":"7"},{"Id":7},{"Id":8},{"Name":"x"}]"#).unwrap();
        let ids = Ids::of(&rows, "Id", None);
        assert_eq!((ids.first.as_deref(), ids.distinct, ids.greatest), (Some("7"), 3, None));
    }

    #[test]
    fn a_row_of_an_earlier_page_does_not_stand_in_for_a_missing_one() {
        let rows = |text| serde_json::from_str::<Vec<Box<RawValue>>>(text).unwrap();
        let first = Ids::of(&rows(r#"[{"Id":1},{"Id":2},{"Id":3}]"#), "Id", None);
        assert_eq!(first.greatest, Some(3));
        // 5 is missing, and 2 comes again: three rows, as many as there should be.
        let second = Ids::of(&rows(r#"[{"Id":4},{"Id":6},{"Id":2}]"#), "Id", first.greatest);
        assert_eq!((second.distinct, second.greatest), (2, None));
        let place = Place { size: 3, greatest: Some(3), ..place(2, Some(9)) };
        assert!(after(&place, &second, Some(9)).is_err());
        // Where the server does not keep to the order, nothing can be told by it.
        let third = Ids::of(&rows(r#"[{"Id":1},{"Id":2}]"#), "Id", second.greatest);
        assert_eq!(third.distinct, 2);
    }
}
