//! What a page says, beside what is stored: found with two reads per kind of record, however many
//! records there are.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Deref;

use core_model::facts::Facts;
use core_model::observation::Logon;
use core_model::record::Presence;
use core_model::{Record, RecordKind};
use sqlx::AnyConnection;

use super::known::KnownPages;
use super::{Name, PageOutcome};
use crate::error::Result;
use crate::hash;
use crate::open::{Backend, Store};
use crate::packed::broken;
use crate::sql::{Columns, clean};

/// How a record stands, in a word: `-` where it is not stored, `!` where it is gone, its hash where it is live; `?` where
/// that is none.
macro_rules! standing {
    () => {
        "case when r.hash is null then '-' when r.gone_since is not null then '!' \
         when length(r.hash) = 32 then r.hash else '?' end"
    };
}

/// A word for each key of a list, without anything between them and in its order, which on SQLite is that of the outer
/// side of the join. A row for each, with its key and all columns, took as much time again as looking it up.
const STAND_SQLITE: &str = concat!(
    "select group_concat(",
    standing!(),
    ", '') from json_each($1) as v left join source_record as r \
     on r.stream_id = $2 and r.kind = $3 and r.key = v.value"
);
const STAND_POSTGRES: &str = concat!(
    "select string_agg(",
    standing!(),
    ", '' order by v.place) \
     from json_array_elements_text($1::json) with ordinality as v(value, place) left join lateral \
     (select hash, gone_since from source_record \
     where stream_id = $2 and kind = $3 and key = v.value offset 0) as r on true"
);
/// Characters of a hash.
const HASH: usize = 32;

/// How a record of the page stands to what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Never seen.
    New,
    /// It was gone and is back.
    Back,
    /// Other content.
    Changed,
    /// As it was.
    Same,
}

/// What is stored of a record whose row will be written.
pub(super) struct Prior {
    /// None where another version of the program wrote them.
    pub(super) facts: Option<Facts>,
    pub(super) history: String,
}

/// A record of the page.
pub(crate) struct Compared<'a> {
    /// Where it stands among the records.
    place: usize,
    pub(crate) record: &'a Record,
    pub(crate) key: Cow<'a, str>,
    pub(super) hash: u128,
    pub(super) standing: Standing,
    /// Whether that is known of its page.
    known: bool,
    pub(super) prior: Option<Prior>,
}

/// The records of a page, each key once, by kind and key: in the order of their index, of which a statement then
/// changes one part after the other.
pub(crate) struct ComparedPage<'a>(Vec<Compared<'a>>);

impl Compared<'_> {
    pub(crate) fn kind(&self) -> RecordKind {
        self.record.facts.kind()
    }
}

impl<'a> Deref for ComparedPage<'a> {
    type Target = [Compared<'a>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl ComparedPage<'_> {
    pub(super) fn outcome(&self) -> PageOutcome {
        let mut outcome = PageOutcome::default();
        for one in self.iter() {
            match one.standing {
                Standing::New | Standing::Back => outcome.created += 1,
                Standing::Changed => outcome.changed += 1,
                Standing::Same => outcome.unchanged += 1,
            }
            outcome.known += u64::from(one.known);
        }
        outcome
    }

    pub(super) fn presences(&self) -> Vec<(RecordKind, &str, Presence)> {
        let seen = self.iter().filter_map(|one| Some((one, one.record.presence?)));
        seen.map(|(one, presence)| (one.kind(), &*one.key, presence)).collect()
    }

    pub(super) fn logons(&self) -> Vec<(RecordKind, &str, &Logon)> {
        let each =
            self.iter().flat_map(|one| one.record.logons.iter().map(move |logon| (one, logon)));
        each.map(|(one, logon)| (one.kind(), &*one.key, logon)).collect()
    }

    /// The keys by kind.
    pub(crate) fn keys(&self) -> HashMap<RecordKind, Vec<&str>> {
        by_kind(self.iter().map(|one| (one.kind(), &*one.key)))
    }
}

impl Store {
    /// Compares records with what is stored; of several with one key the last counts. They come back by kind and key.
    /// Those of known pages stand as they were, unless a record comes twice.
    pub(super) async fn compare<'a>(
        &self,
        on: &mut AnyConnection,
        stream: i64,
        (records, known): (&'a [Record], &KnownPages),
    ) -> Result<ComparedPage<'a>> {
        let mut all = last_of_each(records);
        let are_names_once = all.len() == records.len();
        for one in all.iter_mut().filter(|one| are_names_once && known.has(one.place)) {
            (one.standing, one.known) = (Standing::Same, true);
        }
        for of_kind in all.chunk_by_mut(|one, next| one.kind() == next.kind()) {
            self.stand(on, stream, of_kind).await?;
        }
        let mut page = ComparedPage(all);
        self.read_prior(on, stream, &mut page).await?;
        Ok(page)
    }

    /// Finds how records of one kind stand to what is stored, where that is not known.
    async fn stand(
        &self,
        on: &mut AnyConnection,
        stream: i64,
        records: &mut [Compared<'_>],
    ) -> Result<()> {
        let asked = records.iter().filter(|one| !one.known);
        let Some(kind) = asked.clone().next().map(Compared::kind) else { return Ok(()) };
        let keys: Vec<&str> = asked.map(|one| &*one.key).collect();
        let text = match self.backend() {
            Backend::Sqlite => STAND_SQLITE,
            Backend::Postgres => STAND_POSTGRES,
        };
        // A list of texts is always JSON.
        let keys = serde_json::to_string(&keys).unwrap_or_default();
        let query = sqlx::query(text).bind(keys).bind(stream).bind(kind.as_str());
        let answer = query.fetch_one(on).await?.text(0)?;
        let mut rest = answer.as_str();
        for one in records.iter_mut().filter(|one| !one.known) {
            let (word, after) = word(rest).ok_or_else(broken)?;
            rest = after;
            one.standing = match word {
                "-" => Standing::New,
                "!" => Standing::Back,
                word if hash::read(word) == Some(one.hash) => Standing::Same,
                _ => Standing::Changed,
            };
        }
        if rest.is_empty() { Ok(()) } else { Err(broken()) }
    }

    /// Which of these the vendor may take away: live ones that the page does not also bring.
    pub(super) async fn tombstones(
        &self,
        on: &mut AnyConnection,
        stream: i64,
        gone: &[Name],
        page: &ComparedPage<'_>,
    ) -> Result<Vec<Name>> {
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let brought: HashSet<_> = page.iter().map(|one| (one.kind(), &*one.key)).collect();
        let mut live = HashSet::new();
        for (kind, keys) in by_kind(gone.iter().map(|(kind, key)| (*kind, key.as_str()))) {
            let what = (["key", "gone_since"], "source_record");
            let found = self.named(&mut *on, what, (stream, kind), keys).await?;
            for row in found.rows() {
                if row.opt_int(1)?.is_none() {
                    live.insert((kind, row.text(0)?));
                }
            }
        }
        // In the page's order, each once.
        let names = gone.iter().map(|(kind, key)| (*kind, clean(key).into_owned()));
        Ok(names
            .filter(|name| live.remove(name) && !brought.contains(&(name.0, &*name.1)))
            .collect())
    }

    /// Reads the earlier facts and history of the records that will be written over.
    async fn read_prior(
        &self,
        on: &mut AnyConnection,
        stream: i64,
        page: &mut ComparedPage<'_>,
    ) -> Result<()> {
        let known = |one: &Compared<'_>| matches!(one.standing, Standing::Back | Standing::Changed);
        let names = page.iter().filter(|one| known(one)).map(|one| (one.kind(), &*one.key));
        let mut prior = HashMap::new();
        for (kind, keys) in by_kind(names) {
            let what = (["key", "facts", "history"], "source_record");
            let found = self.named(&mut *on, what, (stream, kind), keys).await?;
            for row in found.rows() {
                let facts = Facts::parse(kind, row.str(1)?).ok();
                prior.insert((kind, row.text(0)?), Prior { facts, history: row.text(2)? });
            }
        }
        for one in &mut page.0 {
            one.prior = prior.remove(&(one.kind(), one.key.to_string()));
        }
        Ok(())
    }
}

/// Texts by kind of record.
pub(crate) fn by_kind<'a>(
    names: impl Iterator<Item = (RecordKind, &'a str)>,
) -> HashMap<RecordKind, Vec<&'a str>> {
    let mut kinds: HashMap<_, Vec<_>> = HashMap::new();
    for (kind, key) in names {
        kinds.entry(kind).or_default().push(key);
    }
    kinds
}

/// How the next record of a list of keys stands, and the words of those behind it.
fn word(words: &str) -> Option<(&str, &str)> {
    words.split_at_checked(if words.starts_with(['-', '!', '?']) { 1 } else { HASH })
}

/// The records by kind and key, each key once.
fn last_of_each(records: &[Record]) -> Vec<Compared<'_>> {
    let mut all: Vec<_> = records
        .iter()
        .enumerate()
        .map(|(place, record)| Compared {
            place,
            record,
            key: clean(&record.key),
            hash: content_hash(record),
            standing: Standing::New,
            known: false,
            prior: None,
        })
        .collect();
    all.sort_unstable_by(|one, other| {
        let by_name = (one.kind(), &one.key).cmp(&(other.kind(), &other.key));
        by_name.then(other.place.cmp(&one.place))
    });
    all.dedup_by(|earlier, last| (earlier.kind(), &earlier.key) == (last.kind(), &last.key));
    all
}

/// The client is not in the vendor's JSON where the stream's scope says it, and it may change there.
pub(super) fn content_hash(record: &Record) -> u128 {
    record.hash ^ record.client.as_deref().map_or(0, |client| hash::of(&[client]))
}
