//! What a mail says: as text, and the same as HTML for programs that show it.

use std::fmt::Write as _;

use chrono::Utc;
use chrono_tz::Tz;
use core_daemon::{News, Told};

use crate::commands::needs::Need;
use crate::commands::text::{count, second};
use crate::output::printable;

/// Needs that are named in a subject.
const NAMED: usize = 70;

/// A mail, written.
pub(crate) struct Letter {
    /// The same for the same news.
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) plain: String,
    pub(crate) html: String,
}

/// A part of a mail: its heading, and what is in it with what more is to be said.
struct Part {
    heading: String,
    items: Vec<(String, Vec<String>)>,
}

/// A mail that says that mail arrives.
pub(crate) fn trial(page: Option<&str>) -> Letter {
    let part = Part {
        heading: "This is a trial: mail of this hub arrives.".to_owned(),
        items: vec![(
            "What waits for you is mailed as [mail] of the settings says.".to_owned(),
            Vec::new(),
        )],
    };
    let id = format!("trial.{}", Utc::now().timestamp_micros());
    laid_out(id, "Linchpin: a trial".to_owned(), &[part], page)
}

/// A mail about what waits for a human since the last one, and what does not any more.
pub(crate) fn of_news(news: &News, page: Option<&str>, zone: Tz) -> Letter {
    let raised: Vec<(String, Vec<String>)> =
        news.raised.iter().map(|told| in_full(told, zone)).collect();
    let settled = news.settled.iter().map(|(_, what)| (printable(what), Vec::new())).collect();
    let open = news.open.iter().map(|told| (printable(&told.what), Vec::new())).collect();
    let number = |list: usize| list as u64;
    let subject = match news.raised.first() {
        None => format!(
            "Linchpin: {}",
            count(number(news.settled.len()), "need is over", "needs are over")
        ),
        Some(first) if news.raised.len() == 1 => {
            format!("Linchpin: {}", cut(&printable(&first.what)))
        }
        Some(first) => {
            let more = count(number(news.raised.len() - 1), "more", "more");
            format!("Linchpin: {}, and {more}", cut(&printable(&first.what)))
        }
    };
    let parts = [
        Part { heading: "New".to_owned(), items: raised },
        Part { heading: "Over".to_owned(), items: settled },
        Part { heading: "Told before, and still there".to_owned(), items: open },
    ];
    laid_out(news.id.clone(), subject, &parts, page)
}

/// A need with its remedy.
fn in_full(told: &Told, zone: Tz) -> (String, Vec<String>) {
    let mut more = Vec::new();
    if let Ok(need) = serde_json::from_value::<Need>(told.data.clone()) {
        more.extend(need.since.map(|at| format!("since {}", second(at, zone))));
        more.push(format!("what to do: {}", printable(&need.remedy)));
    }
    (printable(&told.what), more)
}

fn cut(text: &str) -> String {
    crate::commands::text::cut(text, NAMED)
}

fn laid_out(id: String, subject: String, parts: &[Part], page: Option<&str>) -> Letter {
    let (mut plain, mut html) = (String::new(), String::new());
    html.push_str(
        "<!DOCTYPE html>\n<html><body style=\"font-family: sans-serif; max-width: 42em\">\n",
    );
    for part in parts.iter().filter(|part| !part.items.is_empty()) {
        // Writing to a string cannot fail.
        writeln!(plain, "{}\n", part.heading).unwrap_or_default();
        writeln!(html, "<h3>{}</h3>\n<ul>", escaped(&part.heading)).unwrap_or_default();
        for (what, more) in &part.items {
            writeln!(plain, "  * {what}").unwrap_or_default();
            write!(html, "<li><p>{}", marked(what)).unwrap_or_default();
            for line in more {
                writeln!(plain, "    {line}").unwrap_or_default();
                write!(html, "<br>\n{}", marked(line)).unwrap_or_default();
            }
            html.push_str("</p></li>\n");
        }
        plain.push('\n');
        html.push_str("</ul>\n");
    }
    let end = "`linchpin needs` shows all that waits, wherever the hub's settings are.";
    writeln!(plain, "{end}").unwrap_or_default();
    writeln!(html, "<hr>\n<p>{}", marked(end)).unwrap_or_default();
    if let Some(page) = page {
        writeln!(plain, "The hub: {page}").unwrap_or_default();
        let page = escaped(page);
        writeln!(html, "<br>\nThe hub: <a href=\"{page}\">{page}</a>").unwrap_or_default();
    }
    html.push_str("</p>\n</body></html>\n");
    Letter { id, subject, plain, html }
}

/// A text as HTML, with what stands between backquotes as code.
fn marked(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let paired = parts.len() % 2 == 1;
    let mut html = String::new();
    for (place, part) in parts.iter().enumerate() {
        match place % 2 {
            1 if paired => write!(html, "<code>{}</code>", escaped(part)).unwrap_or_default(),
            _ => html.push_str(&escaped(part)),
        }
    }
    html
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut html, c| {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
        html
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(what: &str) -> Told {
        let data = json!({
            "kind": "credentials", "key": "k", "what": what, "since": "2026-11-23T11:20:00Z",
            "remedy": "give `client_secret` a new value",
        });
        Told { key: "k".to_owned(), what: what.to_owned(), data }
    }

    #[test]
    fn a_mail_says_what_is_new_with_its_remedy_what_is_over_and_what_is_still_there() {
        let news = News {
            id: "1".to_owned(),
            raised: vec![told("halo/users cannot be read: <b>no</b>"), told("two")],
            settled: vec![("a".to_owned(), "3 decisions are open".to_owned())],
            open: vec![told("a token ends")],
        };
        let letter = of_news(&news, Some("https://hub.example"), chrono_tz::America::Chicago);
        assert_eq!(letter.subject, "Linchpin: halo/users cannot be read: <b>no</b>, and 1 more");
        for part in [
            "New\n\n  * halo/users cannot be read: <b>no</b>\n    since 2026-11-23 05:20:00 CST\n",
            "    what to do: give `client_secret` a new value\n",
            "Over\n\n  * 3 decisions are open\n",
            "Told before, and still there\n\n  * a token ends\n",
            "The hub: https://hub.example\n",
        ] {
            assert!(letter.plain.contains(part), "{part} in\n{}", letter.plain);
        }
        for part in [
            "&lt;b&gt;no&lt;/b&gt;",
            "what to do: give <code>client_secret</code> a new value",
            "<a href=\"https://hub.example\">",
        ] {
            assert!(letter.html.contains(part), "{part} in\n{}", letter.html);
        }
        assert!(!letter.html.contains("<b>"), "{}", letter.html);
        let over = News { raised: Vec::new(), open: Vec::new(), ..news };
        let letter = of_news(&over, None, chrono_tz::UTC);
        assert_eq!(letter.subject, "Linchpin: 1 need is over");
        assert!(!letter.plain.contains("New") && !letter.plain.contains("The hub:"));
    }
}
