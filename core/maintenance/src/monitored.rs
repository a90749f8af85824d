//! What a task that monitors read: its last value as JSON, kept whole, with the names of the fields that not
//! everybody may see.

use core_model::library::{ItemId, Task};
use core_model::reading::Reading;
use core_plan::{Failure, FailureClass, Key, Outcome};
use core_script::{Caps, LastValue, Mask};
use serde_json::Value;

use crate::book::Said;
use crate::brief::Brief;
use crate::errand::Came;
use crate::outcome;

/// How much of a reading comes through the history of a vendor.
pub(crate) const VENDOR_CAPS: Caps =
    Caps { head: 1_000, tail: 1_000, errors: 2_000, value: 48_000 };

fn task<'a>(brief: &'a Brief, key: &Key) -> Option<&'a Task> {
    match key.item {
        ItemId::Task(id) => brief.catalogue.task(id),
        ItemId::Software(_) => None,
    }
}

/// Keeps what was read, and says what came of it. What did not come back whole was not read.
pub(crate) fn keep(brief: &Brief, key: &Key, came: &Came, mask: &Mask, said: &mut Said) -> Outcome {
    let secret_fields = task(brief, key).map(|task| task.secret_fields.clone()).unwrap_or_default();
    if !secret_fields.is_empty() {
        // What it printed is the same again, or the half of it.
        said.output.clear();
        said.errors.clear();
    }
    let run = match outcome::read(came) {
        Ok(run) => run,
        Err(Outcome::Failed(failure)) if !secret_fields.is_empty() => {
            let message = "its script failed, and what it said may hold fields that are secret";
            return Outcome::Failed(Failure::new(failure.class, message));
        }
        Err(outcome) => return outcome::masked(outcome, mask),
    };
    let value = match &run.value {
        LastValue::None | LastValue::Null => Value::Null,
        LastValue::Boolean(truth) => (*truth).into(),
        LastValue::Number(number) => number.clone().into(),
        LastValue::Text(text) => read(text),
        LastValue::Json(json) => json.clone(),
        LastValue::TooLong(bytes) => {
            let message = format!(
                "what it read has {bytes} bytes, more than come back by this way: {} through an RMM, {} by a runner",
                VENDOR_CAPS.value,
                Caps::LOCAL.value
            );
            return Outcome::Failed(Failure::new(FailureClass::Read, message));
        }
    };
    if matches!(run.value, LastValue::Json(_)) {
        // What it printed is the same again.
        said.output.clear();
    }
    said.reading = Some(Reading { value: masked(value, mask), secret_fields });
    Outcome::Done { reboot: false }
}

/// A text; PowerShell's `ConvertTo-Json` gives one that is an object or a list.
fn read(text: &str) -> Value {
    let json = serde_json::from_str(text).ok();
    json.filter(|json: &Value| json.is_object() || json.is_array()).unwrap_or_else(|| text.into())
}

/// A value without the secrets that its script was given.
fn masked(value: Value, mask: &Mask) -> Value {
    match value {
        Value::String(text) => mask.text(&text).into(),
        Value::Array(all) => all.into_iter().map(|one| masked(one, mask)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, one)| (mask.text(&name), masked(one, mask))).collect()
        }
        other => other,
    }
}
