//! How commands say things to people: times in the hub's zone, spans, short ids, lines that fit.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use core_model::dates::DateRange;
use core_model::entity::Question;
use serde::Serialize;

use crate::output::{self, fit};

/// Columns below which nothing can be laid out.
const NARROWEST: usize = 24;
/// Where the text of a field begins.
const FIELD: usize = 16;
/// Digits of an id that people see: the time, and enough of the rest to tell two apart.
const SHORT: usize = 20;

/// The instant of Unix microseconds.
pub(crate) fn instant(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap_or_default()
}

/// `2026-11-23 05:20`, in this zone.
pub(crate) fn minute(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}

/// `2026-11-23 05:20:13 CST`, in this zone.
pub(crate) fn second(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// A length of time with its two greatest units; milliseconds.
pub(crate) fn span(millis: i64) -> String {
    let millis = millis.max(0);
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", millis % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// An id short enough for a table. Commands take it in place of the whole one.
pub(crate) fn short(id: &str) -> &str {
    let start = id.find('_').map_or(0, |place| place + 1);
    id.get(..start + SHORT).unwrap_or(id)
}

/// The text, cut to so many characters.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// `1 record`, `2 records`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", output::thousands(number), if number == 1 { one } else { many })
}

/// The number of things in a collection, for [`count`] and tables.
pub(crate) fn len<T>(things: &[T]) -> u64 {
    things.len() as u64
}

/// The name of a value of the model, as words (`domain_controller` is `domain controller`).
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    let name = serde_json::to_value(value).unwrap_or_default();
    name.as_str().unwrap_or_default().replace('_', " ")
}

/// When something holds, in words; both days are in it.
pub(crate) fn dates(range: DateRange) -> String {
    match (range.start, range.end) {
        (Some(start), Some(end)) => format!("{start} to {end}"),
        (Some(start), None) => format!("from {start}"),
        (None, Some(end)) => format!("to {end}"),
        (None, None) => "always".to_owned(),
    }
}

/// Columns that text fits into: the terminal's, if they are not too many.
fn page() -> usize {
    fit::columns().map_or(fit::PAGE, |columns| columns.clamp(NARROWEST, fit::PAGE))
}

/// A line that stands alone, before the lines that it is about.
pub(crate) fn heading(text: &str) {
    output::line("");
    wrapped("", 2, text);
}

/// A name and what it is, wrapped under itself. Nothing is printed where there is nothing to say.
pub(crate) fn field(name: &str, text: &str) {
    if !text.is_empty() {
        wrapped(&format!("  {name:<width$}", width = FIELD - 2), FIELD, text);
    }
}

/// A line that is so far to the right, wrapped under itself.
pub(crate) fn indented(columns: usize, text: &str) {
    wrapped(&" ".repeat(columns), columns + 2, text);
}

/// How a decision is taken, and what there is to choose from.
pub(crate) fn decide(question: &Question) {
    let id = question.id.to_string();
    output::line(&format!("  linchpin decide {} CHOICE", short(&id)));
    let choices: Vec<&str> = question.choices.iter().map(|one| one.as_str()).collect();
    wrapped("    CHOICE: ", 12, &choices.join(", "));
}

/// Text behind a lead; what does not fit goes on that far to the right.
pub(crate) fn wrapped(lead: &str, columns: usize, text: &str) {
    for line in fit::wrap(lead, columns, &output::printable(text), page()) {
        output::line(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_the_zone_and_carry_the_date() {
        let at = instant(1_767_323_045_000_000);
        assert_eq!(minute(at, Tz::UTC), "2026-01-02 03:04");
        assert_eq!(minute(at, Tz::America__Chicago), "2026-01-01 21:04");
        assert_eq!(second(at, Tz::America__Chicago), "2026-01-01 21:04:05 CST");
    }

    #[test]
    fn spans_have_two_units_at_most() {
        let spans = [250, 1_250, 61_000, 7_500_000, 90_000_000, -5].map(span);
        assert_eq!(spans, ["250 ms", "1.2 s", "1 min 1 s", "2 h 5 min", "1 d 1 h", "0 ms"]);
    }

    #[test]
    fn text_is_cut_by_characters_not_bytes() {
        assert_eq!(cut("Müller & Söhne", 8), "Müller…");
        assert_eq!(cut("Müller", 6), "Müller");
    }

    #[test]
    fn a_short_id_is_the_beginning_of_the_id() {
        let id = "run_019a0c5e7d1f7c2e8b1f0a2b3c4d5e6f";
        assert_eq!(short(id), "run_019a0c5e7d1f7c2e8b1f");
        assert_eq!(short("x"), "x");
    }
}
