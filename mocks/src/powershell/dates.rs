//! Dates, in UTC: every machine's clock shows that here.

use chrono::{
    DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, SecondsFormat, Timelike, Utc,
};

use super::value::Value;

/// A date out of a value, in UTC: every machine's clock shows that here.
pub(super) fn date(value: &Value) -> Option<Value> {
    if let Value::Date(date) = value {
        return Some(Value::Date(*date));
    }
    let text = value.show();
    let text = text.trim();
    if let Ok(date) = DateTime::parse_from_rfc3339(text) {
        return Some(Value::Date(date.with_timezone(&Utc)));
    }
    for form in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%m/%d/%Y %H:%M:%S"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text, form) {
            return Some(Value::Date(at.and_utc()));
        }
    }
    let day = ["%Y-%m-%d", "%m/%d/%Y", "%Y%m%d"]
        .iter()
        .find_map(|f| NaiveDate::parse_from_str(text, f).ok());
    Some(Value::Date(day?.and_hms_opt(0, 0, 0)?.and_utc()))
}

pub(super) fn part(date: DateTime<Utc>, name: &str) -> Value {
    match name {
        "year" => Value::Int(i64::from(date.year())),
        "month" => Value::Int(i64::from(date.month())),
        "day" => Value::Int(i64::from(date.day())),
        "hour" => Value::Int(i64::from(date.hour())),
        "minute" => Value::Int(i64::from(date.minute())),
        "second" => Value::Int(i64::from(date.second())),
        "dayofweek" => Value::text(date.format("%A").to_string()),
        "date" => date
            .date_naive()
            .and_hms_opt(0, 0, 0)
            .map_or(Value::Null, |at| Value::Date(at.and_utc())),
        "ticks" => Value::Int(date.timestamp().saturating_mul(10_000_000)),
        _ => Value::Null,
    }
}

pub(super) fn date_method(date: DateTime<Utc>, name: &str, given: &[Value]) -> Option<Value> {
    let by = given.first().and_then(Value::as_real).unwrap_or(0.0);
    let seconds = match name {
        "adddays" => 86_400.0,
        "addhours" => 3_600.0,
        "addminutes" => 60.0,
        "addseconds" => 1.0,
        "touniversaltime" | "tolocaltime" => return Some(Value::Date(date)),
        "tostring" => {
            let how = given.first().map_or_else(|| "G".to_owned(), Value::show);
            return Some(Value::text(dated(date, &how)));
        }
        _ => return None,
    };
    let span = Duration::try_seconds(Value::Real(by * seconds).as_int()?)?;
    date.checked_add_signed(span).map(Value::Date)
}

/// A date by .NET's format: `o`, `s`, `yyyy-MM-dd HH:mm:ss`.
pub(super) fn dated(date: DateTime<Utc>, how: &str) -> String {
    match how {
        "o" | "O" => return date.to_rfc3339_opts(SecondsFormat::Micros, true).replace('Z', "0Z"),
        "s" => return date.format("%Y-%m-%dT%H:%M:%S").to_string(),
        "u" => return date.format("%Y-%m-%d %H:%M:%SZ").to_string(),
        "G" | "g" => return Value::Date(date).show(),
        _ => {}
    }
    const PARTS: &[(&str, &str)] = &[
        ("yyyy", "%Y"),
        ("yy", "%y"),
        ("MMM", "%b"),
        ("MM", "%m"),
        ("dd", "%d"),
        ("HH", "%H"),
        ("mm", "%M"),
        ("ss", "%S"),
        ("fff", "%3f"),
    ];
    let mut text = String::new();
    let mut rest = how;
    while let Some(letter) = rest.chars().next() {
        if let Some((part, ours)) = PARTS.iter().find(|(part, _)| rest.starts_with(part)) {
            text.push_str(&date.format(ours).to_string());
            rest = &rest[part.len()..];
        } else {
            text.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    text
}
