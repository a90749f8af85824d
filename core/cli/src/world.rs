//! What deployments are resolved on: the model and the definitions of the store, now or as they were
//! known, on the day that is asked about, by the settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, SecondsFormat, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use core_model::library::{SubjectId, SubjectKind};
use core_resolve::{AsOf, Resolver, RunKind, Snapshot, SnapshotInput, begins};
use core_snapshot::{Live, LoadOptions, Loaded, StreamKinds};
use serde_json::{Value, json};

use crate::cli::WhenArgs;
use crate::context::Context;
use crate::failure::Failure;

mod find;
mod target;
mod words;

pub(crate) use self::words::plural;

/// When it is asked about, and by what knowledge.
#[derive(Clone, Debug)]
pub(crate) struct When {
    /// Now.
    pub(crate) now: DateTime<Utc>,
    /// The day, or the instant.
    pub(crate) as_of: AsOf,
    /// The instant whose knowledge is asked for; none is now.
    pub(crate) known_at: Option<DateTime<Utc>>,
    /// The hub's zone.
    pub(crate) zone: Tz,
}

/// Everything that an answer is made from.
pub(crate) struct World {
    /// What was loaded.
    pub(crate) loaded: Loaded,
    /// The evaluator, on that and on the day that is asked about.
    pub(crate) resolver: Resolver,
    /// When it is asked about.
    pub(crate) when: When,
    names: words::Names,
}

impl World {
    /// Loads what the arguments ask for.
    ///
    /// # Errors
    /// Where a date is none (exit code 2), or the store cannot be read.
    pub(crate) async fn load(
        context: &Context,
        args: &WhenArgs,
        run: RunKind,
    ) -> Result<Self, Failure> {
        // The store counts in microseconds; what is finer could not be given again.
        let now = Utc::now().trunc_subsecs(6);
        let when = When::of(args, context.config.time_zone, now)?;
        let options = load_options(context, &when).await?;
        let loaded = core_snapshot::load(&context.store, &options).await?;
        let snapshot = Arc::new(Snapshot::new(loaded.input.clone()));
        let definitions = Arc::new(core_snapshot::definitions(&loaded.library));
        let resolver = Resolver::new(snapshot, definitions, when.as_of, run);
        let names = words::Names::of(&loaded);
        Ok(Self { loaded, resolver, when, names })
    }

    /// What a kept snapshot says now. Its input is not kept: what is read off that alone (names of groups
    /// and products in words, lists of agreements) is not in it.
    pub(crate) fn kept(live: &Live, when: When) -> Self {
        let (event, revision) = live.place();
        let input = SnapshotInput::new(when.now);
        let loaded = Loaded { input, library: Arc::clone(live.library()), event, revision };
        Self { resolver: live.resolver(), names: words::Names::of(&loaded), loaded, when }
    }

    /// What the answer is made from, for machines; commands add the answer.
    pub(crate) fn head(&self) -> Value {
        json!({
            "as_of": self.when.as_of_text(),
            "known_at": text_of(self.resolver.snapshot().known_at()),
            "event": self.loaded.event,
            "revision": self.loaded.revision,
        })
    }

    /// A subject, for machines.
    pub(crate) fn subject(&self, kind: SubjectKind, number: u32) -> Value {
        let snapshot = self.resolver.snapshot();
        let mut value = json!({
            "kind": kind,
            "id": snapshot.subject(kind, number),
            "name": &*snapshot.name(kind, number),
        });
        if kind != SubjectKind::Tenant {
            value["tenant"] = json!(snapshot.tenant_id(kind, number));
            value["tenant_name"] = (&*snapshot.tenant_name_of(kind, number)).into();
        }
        value
    }

    /// The number of somebody who is in the model now.
    ///
    /// # Errors
    /// With exit code 2 where he was not there at the instant whose knowledge is asked for.
    pub(crate) fn number(&self, subject: SubjectId, name: &str) -> Result<u32, Failure> {
        let kind = crate::commands::text::word(&subject.kind());
        self.resolver.snapshot().number(subject).ok_or_else(|| {
            let what = match self.when.known_at {
                Some(at) => format!("the {kind} {name} was not known at {}", text_of(at)),
                None => format!("the {kind} {name} is gone at its source"),
            };
            Failure::usage(what).with_remedy("ask about another instant, or about somebody else")
        })
    }
}

impl When {
    /// What the arguments say.
    ///
    /// # Errors
    /// With exit code 2 where they are no dates, or knowledge of the future is asked for.
    pub(crate) fn of(args: &WhenArgs, zone: Tz, now: DateTime<Utc>) -> Result<Self, Failure> {
        let known_at = match &args.known_at {
            Some(text) => known_at(text, zone, now)?,
            None => None,
        };
        let as_of = match &args.as_of {
            Some(text) => parse("--as-of", text)?,
            None => AsOf::Instant(known_at.unwrap_or(now)),
        };
        Ok(Self { now, as_of, known_at, zone })
    }

    /// The day or instant that is asked about, as it may be given again.
    pub(crate) fn as_of_text(&self) -> String {
        match self.as_of {
            AsOf::Day(day) => day.to_string(),
            AsOf::Instant(at) => text_of(at),
        }
    }

    /// The same for people: " on 2026-12-31, as it was known at …". Nothing is said about now.
    pub(crate) fn words(&self) -> String {
        let mut words = match self.as_of {
            AsOf::Day(day) => format!(" on {day}"),
            AsOf::Instant(at) if at == self.now || Some(at) == self.known_at => String::new(),
            AsOf::Instant(at) => format!(" at {}", crate::commands::text::second(at, self.zone)),
        };
        if let Some(at) = self.known_at {
            let at = crate::commands::text::second(at, self.zone);
            words.push_str(&format!(", as it was known at {at}"));
        }
        words
    }
}

/// A local day.
///
/// # Errors
/// With exit code 2 where it is none.
pub(crate) fn day(option: &str, text: &str) -> Result<NaiveDate, Failure> {
    text.trim().parse().map_err(|_| {
        Failure::usage(format!("`{option} {text}` is no date"))
            .with_remedy("write it like 2026-12-31")
    })
}

fn parse(option: &str, text: &str) -> Result<AsOf, Failure> {
    let text = text.trim();
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(AsOf::Day(day));
    }
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Ok(AsOf::Instant(at.to_utc())),
        Err(_) => Err(Failure::usage(format!("`{option} {text}` is no date and no instant"))
            .with_remedy("write it like 2026-12-31, or like 2026-12-31T18:00:00Z")),
    }
}

/// The end of a day, or the instant; none where that is now.
fn known_at(text: &str, zone: Tz, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Failure> {
    let future = |at: String| {
        Failure::usage(format!("`--known-at {at}` is in the future: nothing is known there yet"))
            .with_remedy("`--as-of` asks about a day to come by what is known now")
    };
    match parse("--known-at", text)? {
        AsOf::Instant(at) if at > now => Err(future(text.to_owned())),
        AsOf::Instant(at) => Ok(Some(at)),
        AsOf::Day(day) if begins(day, zone) > now => Err(future(text.to_owned())),
        AsOf::Day(day) => {
            let next = day.succ_opt().unwrap_or(day);
            let end = begins(next, zone) - TimeDelta::microseconds(1);
            Ok((end < now).then_some(end))
        }
    }
}

fn text_of(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// How to load, by the settings.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn load_options(context: &Context, when: &When) -> Result<LoadOptions, Failure> {
    Ok(LoadOptions {
        now: when.now,
        known_at: when.known_at,
        default_zone: when.zone.name().to_owned(),
        freshness: context.config.freshness,
        kinds: stream_kinds(context),
        disabled: disabled(context, when).await?,
    })
}

/// What each stream brings, by the connectors' own lists.
fn stream_kinds(context: &Context) -> StreamKinds {
    let kinds = context.registry().kinds();
    let streams = kinds.flat_map(|kind| {
        let name = |stream: &str| (kind.name.to_owned(), stream.to_owned());
        kind.streams.iter().map(move |stream| (name(stream.name), stream.kinds.to_vec()))
    });
    streams.collect()
}

/// The connections that the settings switch off. The settings do not say since when; what is known is
/// when each was last read, and until then it was on. Nothing is known of one that was never read.
async fn disabled(
    context: &Context,
    when: &When,
) -> Result<BTreeMap<String, DateTime<Utc>>, Failure> {
    let off = context.config.connections.iter().filter(|connection| !connection.enabled);
    let known_at = when.known_at.unwrap_or(when.now);
    let mut disabled = BTreeMap::new();
    for connection in off {
        let last_us = context.store.last_read(&connection.name).await?;
        let last = last_us.and_then(DateTime::from_timestamp_micros);
        let since = last.unwrap_or(DateTime::UNIX_EPOCH);
        if since <= known_at {
            disabled.insert(connection.name.clone(), since);
        }
    }
    Ok(disabled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn when(as_of: Option<&str>, known_at: Option<&str>) -> Result<When, String> {
        let args =
            WhenArgs { as_of: as_of.map(str::to_owned), known_at: known_at.map(str::to_owned) };
        let now = "2026-11-29T15:00:00Z".parse().unwrap();
        When::of(&args, Tz::America__Chicago, now).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_day_is_known_to_its_end_in_the_hubs_zone_and_today_is_now() {
        let end = when(None, Some("2026-11-28")).unwrap();
        assert_eq!(end.known_at, Some("2026-11-29T05:59:59.999999Z".parse().unwrap()));
        assert_eq!(end.as_of, AsOf::Instant(end.known_at.unwrap()));
        assert_eq!(when(None, Some("2026-11-29")).unwrap().known_at, None);
        let both = when(Some("2026-12-31"), Some("2026-11-01T00:00:00+01:00")).unwrap();
        assert_eq!(both.as_of_text(), "2026-12-31");
        assert_eq!(both.known_at, Some("2026-10-31T23:00:00Z".parse().unwrap()));
    }

    #[test]
    fn what_is_no_date_and_knowledge_of_the_future_are_refused() {
        for (as_of, known_at, part) in [
            (Some("2026-13-01"), None, "`--as-of 2026-13-01` is no date"),
            (Some("tomorrow"), None, "`--as-of tomorrow` is no date"),
            (None, Some("2026-11-30"), "is in the future"),
            (None, Some("2026-11-29T15:00:01Z"), "is in the future"),
        ] {
            let error = when(as_of, known_at).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
