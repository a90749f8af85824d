//! What a task that monitors read of its subject.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What stands for a value that is hidden.
const HIDDEN: &str = "***";

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The last value.
    pub value: Value,
    /// Names of fields whose values are hidden from whoever may not see secrets; compared without case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_fields: Vec<String>,
}

impl Reading {
    /// It for whoever may not see secrets: whatever stands under such a name, however deep, is `***`.
    #[must_use]
    pub fn hidden(mut self) -> Value {
        hide(&mut self.value, &self.secret_fields);
        self.value
    }
}

fn hide(value: &mut Value, names: &[String]) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match names.iter().any(|secret| secret.to_lowercase() == name.to_lowercase()) {
                    true => *value = HIDDEN.into(),
                    false => hide(value, names),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| hide(one, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_secret_is_hidden_however_deep_it_stands() {
        let value = json!({
            "disks": [{ "name": "C", "recoveryKey": "1-2", "KEYS": { "a": 1 } }, "recoverykey"],
            "keys": null,
        });
        let secret_fields = vec!["recoverykey".to_owned(), "Keys".to_owned()];
        let hidden = Reading { value: value.clone(), secret_fields }.hidden();
        assert_eq!(
            hidden,
            json!({
                "disks": [{ "name": "C", "recoveryKey": "***", "KEYS": "***" }, "recoverykey"],
                "keys": "***",
            })
        );
        assert_eq!(Reading { value: value.clone(), secret_fields: Vec::new() }.hidden(), value);
    }
}
