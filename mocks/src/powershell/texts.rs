//! Methods of strings.

use super::run::{LONGEST, Outcome, Run, fail};
use super::value::Value;

#[expect(clippy::too_many_lines, reason = "one arm for each method")]
pub(super) fn method(
    run: &mut Run<'_>,
    text: &str,
    name: &str,
    given: &[Value],
) -> Outcome<Option<Value>> {
    let first = given.first().map(Value::show).unwrap_or_default();
    let number =
        |at: usize| given.get(at).and_then(Value::as_int).and_then(|n| usize::try_from(n).ok());
    let letters: Vec<char> = first.chars().collect();
    let cut = |c: char| if letters.is_empty() { c.is_whitespace() } else { letters.contains(&c) };
    let size = text.chars().count();
    Ok(Some(match name {
        "trim" => Value::text(text.trim_matches(cut)),
        "trimstart" => Value::text(text.trim_start_matches(cut)),
        "trimend" => Value::text(text.trim_end_matches(cut)),
        "tolower" | "tolowerinvariant" => Value::text(text.to_lowercase()),
        "toupper" | "toupperinvariant" => Value::text(text.to_uppercase()),
        "startswith" | "endswith" => {
            let ignores =
                given.get(1).is_some_and(|how| how.show().to_lowercase().contains("ignorecase"));
            let (text, first) = if ignores {
                (text.to_lowercase(), first.to_lowercase())
            } else {
                (text.to_owned(), first)
            };
            Value::Bool(if name == "startswith" {
                text.starts_with(&first)
            } else {
                text.ends_with(&first)
            })
        }
        "contains" => Value::Bool(text.contains(&first)),
        "indexof" => {
            let at = text.find(&first).map(|at| text[..at].chars().count());
            at.map_or(Value::Int(-1), Value::count)
        }
        "lastindexof" => {
            let at = text.rfind(&first).map(|at| text[..at].chars().count());
            at.map_or(Value::Int(-1), Value::count)
        }
        "replace" => {
            let with = given.get(1).map(Value::show).unwrap_or_default();
            if first.is_empty() {
                return fail(
                    "",
                    "Exception calling \"Replace\" with \"2\" argument(s): \"String cannot be of zero length.\"",
                );
            }
            if text.len().saturating_mul(with.len().max(1)) > LONGEST {
                return fail("", "Exception of type 'System.OutOfMemoryException' was thrown.");
            }
            Value::text(text.replace(&first, &with))
        }
        "split" => parts(text, given),
        "insert" => {
            let at = number(0).unwrap_or(0).min(size);
            let with = given.get(1).map(Value::show).unwrap_or_default();
            let (before, after): (String, String) =
                (text.chars().take(at).collect(), text.chars().skip(at).collect());
            Value::text(format!("{before}{with}{after}"))
        }
        "remove" => {
            let from = number(0).unwrap_or(0).min(size);
            let length = number(1).unwrap_or(size);
            let kept = text
                .chars()
                .enumerate()
                .filter(|(at, _)| *at < from || *at >= from.saturating_add(length));
            Value::text(kept.map(|(_, c)| c).collect::<String>())
        }
        "equals" => {
            let minds =
                !given.get(1).is_some_and(|how| how.show().to_lowercase().contains("ignorecase"));
            Value::Bool(if minds {
                text == first
            } else {
                text.to_lowercase() == first.to_lowercase()
            })
        }
        "substring" => {
            let from = number(0).filter(|from| *from <= size);
            let length = match given.get(1) {
                Some(_) => number(1),
                None => from.map(|from| size - from),
            };
            match (from, length) {
                (Some(from), Some(length)) if from.saturating_add(length) <= size => {
                    Value::text(text.chars().skip(from).take(length).collect::<String>())
                }
                _ => {
                    return fail(
                        "",
                        "Exception calling \"Substring\" with \"2\" argument(s): \"Index and length must refer to a location within the string.\"",
                    );
                }
            }
        }
        "padleft" | "padright" => {
            let width = number(0).unwrap_or(0).min(4_096);
            let fill = given.get(1).and_then(|v| v.show().chars().next()).unwrap_or(' ');
            let filled: String = std::iter::repeat_n(fill, width.saturating_sub(size)).collect();
            Value::text(if name == "padleft" {
                format!("{filled}{text}")
            } else {
                format!("{text}{filled}")
            })
        }
        "tochararray" => Value::list(text.chars().map(|c| Value::text(c.to_string())).collect()),
        "compareto" => {
            let order = text.to_lowercase().cmp(&first.to_lowercase());
            Value::Int(order as i64)
        }
        "touniversaltime" => {
            return fail(
                "",
                "Method invocation failed because [System.String] does not contain a method named 'ToUniversalTime'.",
            );
        }
        _ => {
            run.step()?;
            return Ok(super::members::plain_method(&Value::text(text), name, given));
        }
    }))
}

/// `Split`: each letter of what is given parts; a number says how many parts, an option that blank ones go.
fn parts(text: &str, given: &[Value]) -> Value {
    let drops = given.iter().any(|one| one.show().eq_ignore_ascii_case("RemoveEmptyEntries"));
    let most = given.iter().skip(1).find_map(|one| match one {
        Value::Int(most) => usize::try_from(*most).ok(),
        _ => None,
    });
    let first = given.first().map(Value::items).unwrap_or_default();
    let letters: Vec<char> =
        first.iter().flat_map(|one| one.show().chars().collect::<Vec<_>>()).collect();
    let cut = |c: char| if letters.is_empty() { c.is_whitespace() } else { letters.contains(&c) };
    let all = text.splitn(most.unwrap_or(usize::MAX), cut);
    Value::list(all.filter(|part| !drops || !part.is_empty()).map(Value::text).collect())
}
