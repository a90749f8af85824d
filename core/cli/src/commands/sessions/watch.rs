//! `linchpin sessions watch`: what a session does, line by line, until it is over.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use core_model::id::SessionId;
use core_model::reading::Reading;
use core_model::session::{Session, SessionState};
use core_store::{ActionQuery, SessionLine};
use serde_json::{Value, json};

use super::super::text;
use crate::cli::Global;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, printable};

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(300);
/// Lines of a step's output that are shown.
const SHOWN: usize = 12;

pub(super) async fn watch(
    global: &Global,
    context: &Context,
    id: SessionId,
) -> Result<Exit, Failure> {
    let mut said = String::new();
    let mut open: BTreeMap<u32, SessionLine> = BTreeMap::new();
    let mut told: BTreeMap<u32, usize> = BTreeMap::new();
    let mut from = 0;
    loop {
        // Where it stands is read before its lines: what was written before it ended is shown.
        let session = context.store.session(id).await?;
        let lines = context.store.session_lines(id, from).await?;
        for line in &lines {
            let is_new = !open.contains_key(&line.number);
            if !global.json {
                reports(context, line, told.entry(line.number).or_default());
            }
            if line.outcome.is_some() || is_new {
                show(global, context, line);
            }
            match line.outcome {
                Some(_) => {
                    open.remove(&line.number);
                    if open.is_empty() {
                        from = line.number;
                    }
                }
                None => {
                    open.insert(line.number, line.clone());
                }
            }
        }
        if session.word != said && !session.state.is_over() && lines.is_empty() {
            said.clone_from(&session.word);
            if session.state == SessionState::Waiting && !global.json && !said.is_empty() {
                output::line(&format!(
                    "{}  {}",
                    clock(context, session.changed_us),
                    printable(&said)
                ));
            }
        }
        if session.state.is_over() {
            return end(global, context, &session).await;
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn clock(context: &Context, us: i64) -> String {
    let at = text::instant(us).with_timezone(&context.config.time_zone);
    at.format("%H:%M:%S").to_string()
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// What a script in the hub told how it goes, since it was shown last.
fn reports(context: &Context, line: &SessionLine, told: &mut usize) {
    let said = value(&line.said);
    let reports = said["reports"].as_array().map(Vec::as_slice).unwrap_or_default();
    for report in reports.iter().skip(*told) {
        let what = said["what"].as_str().unwrap_or_default();
        let report = report.as_str().unwrap_or_default();
        let at = clock(context, Utc::now().timestamp_micros());
        output::line(&printable(&format!("{at}  {what}: … {report}")));
    }
    *told = (*told).max(reports.len());
}

/// A step as it began, or as it ended.
fn show(global: &Global, context: &Context, line: &SessionLine) {
    let mut said = value(&line.said);
    if let Ok(reading) = serde_json::from_value::<Reading>(said["reading"].clone()) {
        // What stands on a screen is seen by more than who may see secrets.
        said["reading"] = reading.hidden();
    }
    if global.json {
        output::json(&json!({
            "number": line.number,
            "half": line.half,
            "step": value(&line.step),
            "outcome": line.outcome.as_deref().map(value),
            "said": said,
            "began_us": line.began_us,
            "ended_us": line.ended_us,
        }));
        return;
    }
    let Some(outcome) = line.outcome.as_deref().map(value) else { return };
    let what = said["what"].as_str().unwrap_or_default();
    let at = clock(context, line.ended_us.unwrap_or(line.began_us));
    let way = said["way"].as_str().map(|way| format!("  [{way}]")).unwrap_or_default();
    let took = line.ended_us.map(|ended| text::span((ended - line.began_us) / 1000));
    let took = took.unwrap_or_default();
    output::line(&printable(&format!("{at}  {what}: {} ({took}){way}", words(&outcome))));
    let output = said["output"].as_str().unwrap_or_default();
    let errors = said["errors"].as_str().unwrap_or_default();
    for (text, mark) in [(output, " "), (errors, "!")] {
        let lines = shown(text);
        for line in lines.iter().take(SHOWN) {
            output::line(&format!("        {mark} {}", printable(&line.replace('\t', "  "))));
        }
        if lines.len() > SHOWN {
            output::line(&format!("        {mark} … {} more lines", lines.len() - SHOWN));
        }
    }
}

/// The lines of what a script printed, as a screen would have them in the end: progress that wrote over itself is what
/// stood there last.
fn shown(text: &str) -> Vec<&str> {
    let lines = text.split('\n');
    let last = lines.map(|line| line.rsplit('\r').find(|part| !part.trim().is_empty()));
    last.flatten().collect()
}

/// What came of a step, in words.
fn words(outcome: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let failed = |value: &Value| format!("failed: {}", text(&value["message"]));
    if let Some(word) = outcome.as_str() {
        return word.replace('_', " ");
    }
    let Some((kind, value)) = outcome.as_object().and_then(|map| map.iter().next()) else {
        return String::new();
    };
    match kind.as_str() {
        "found" => match value.as_object().and_then(|map| map.iter().next()) {
            Some((kind, value)) if kind == "version" => text(value),
            Some((kind, value)) if kind == "failed" => failed(value),
            Some((_, value)) => format!("there, without a version ({})", text(value)),
            None => "not there".to_owned(),
        },
        "tested" => match value {
            Value::String(word) => word.clone(),
            other => match other.as_object().and_then(|map| map.iter().next()) {
                Some((kind, value)) if kind == "failed" => failed(value),
                Some((_, value)) => format!("neither true nor false ({})", text(value)),
                None => String::new(),
            },
        },
        "failed" => failed(value),
        "done" if value["reboot"] == true => "done; it asks for a restart".to_owned(),
        "done" => "done".to_owned(),
        "reboot" => {
            let pending = if value["pending"] == true { "pending" } else { "not pending" };
            let held = value["held"].as_str().map(|why| format!(", held by {why}"));
            format!("{pending}{}", held.unwrap_or_default())
        }
        "answer" => text(value),
        "held" => format!("held: {}", text(value)),
        "versions" => {
            let count = value.as_array().map_or(0, Vec::len);
            format!("{count} named")
        }
        other => other.to_owned(),
    }
}

async fn end(global: &Global, context: &Context, session: &Session) -> Result<Exit, Failure> {
    let exit = match session.state {
        SessionState::Succeeded => Exit::Ok,
        _ => Exit::Partly,
    };
    if global.json {
        output::json(session);
        return Ok(exit);
    }
    let id = session.id.to_string();
    let query = ActionQuery { session: Some(&id), ..ActionQuery::default() };
    let mut actions = context.store.session_actions(query).await?;
    actions.sort_by_key(|action| action.number);
    output::line("");
    for action in &actions {
        output::line(&printable(&action.does));
        text::indented(4, &printable(&action.message));
        if let (Some(drift), Some(why)) = (&action.drift, &action.drift_why) {
            text::indented(4, &printable(&format!("{}: {why}", super::drifted(drift))));
        }
    }
    let notes = session.result.as_ref().and_then(|result| result["notes"].as_array().cloned());
    for note in notes.unwrap_or_default() {
        output::line(&format!("Note: {}", printable(note.as_str().unwrap_or_default())));
    }
    text::wrapped("", 2, &format!("{}: {}", session.state.as_str(), printable(&session.word)));
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_that_wrote_over_itself_is_shown_as_it_ended() {
        let text = "one\r\n\r\n(Reading ... \r(Reading ... 50%\r(Reading ... done)\ntwo\r \r\n";
        assert_eq!(shown(text), ["one", "(Reading ... done)", "two"]);
    }
}
