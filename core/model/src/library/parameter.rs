//! Parameters: what scripts are given, and whether what a deployment gives them will do.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::KeptSecret;
use super::script::is_default;

/// What values a parameter takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// Texts.
    #[default]
    Text,
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// One of these texts.
    Select(Vec<String>),
    /// Names of kept secrets: `store:NAME`. The script is given the secret.
    Password,
    /// Files, by path or address.
    File,
    /// Addresses with a scheme: `https://…`, `mailto:…`.
    Uri,
    /// Tables of texts, numbers and truth values.
    KeyValue,
}

impl ParameterKind {
    /// The word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            ParameterKind::Text => "text",
            ParameterKind::Number => "number",
            ParameterKind::Boolean => "boolean",
            ParameterKind::Select(_) => "select",
            ParameterKind::Password => "password",
            ParameterKind::File => "file",
            ParameterKind::Uri => "uri",
            ParameterKind::KeyValue => "key-value",
        }
    }

    /// Whether a value is one of these.
    ///
    /// # Errors
    /// With what is wrong, which repeats no value of a password.
    pub fn check(&self, value: &Value) -> Result<(), BadValue> {
        let wanted = |words: &str| Err(BadValue::Type(words.to_owned()));
        match (self, value) {
            (ParameterKind::Text, Value::String(_))
            | (ParameterKind::Number, Value::Number(_))
            | (ParameterKind::Boolean, Value::Bool(_)) => Ok(()),
            (ParameterKind::Select(choices), Value::String(text)) if choices.contains(text) => {
                Ok(())
            }
            (ParameterKind::Select(choices), _) => Err(BadValue::Choice(choices.clone())),
            (ParameterKind::Password, Value::String(text)) if KeptSecret::parse(text).is_ok() => {
                Ok(())
            }
            (ParameterKind::Password, _) => Err(BadValue::Secret),
            (ParameterKind::File, Value::String(path)) if !path.trim().is_empty() => Ok(()),
            (ParameterKind::Uri, Value::String(text)) if is_uri(text) => Ok(()),
            (ParameterKind::KeyValue, Value::Object(table)) if table.values().all(is_plain) => {
                Ok(())
            }
            (ParameterKind::Text, _) => wanted("a text"),
            (ParameterKind::Number, _) => wanted("a number"),
            (ParameterKind::Boolean, _) => wanted("true or false"),
            (ParameterKind::File, _) => wanted("the path or address of a file"),
            (ParameterKind::Uri, _) => wanted("an address with its scheme, like https://…"),
            (ParameterKind::KeyValue, _) => wanted("a table of texts, numbers and truth values"),
        }
    }
}

fn is_plain(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

/// RFC 3986 §3: a scheme, a colon, and something without blanks.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(inner)
        && !rest.is_empty()
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Why a value is none of a parameter's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadValue {
    /// It is something else; what is expected, in words.
    Type(String),
    /// It is none of these.
    Choice(Vec<String>),
    /// It is not the name of a kept secret. It may be the secret, and is not repeated.
    Secret,
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadValue::Type(wanted) => write!(f, "{wanted} is expected"),
            BadValue::Choice(choices) => {
                write!(f, "one of these is expected: {}", choices.join(", "))
            }
            BadValue::Secret => {
                f.write_str("the name of a kept secret is expected: \"store:NAME\"")
            }
        }
    }
}

/// A parameter of a task or of software.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Name by which scripts and deployments know it; compared exactly.
    pub name: String,
    /// What people read; without it, the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What values it takes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: ParameterKind,
    /// There must be a value.
    #[serde(default, skip_serializing_if = "is_default")]
    pub required: bool,
    /// Its value where a deployment gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Its value is the default, whatever deployments say.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fixed: bool,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Parameter {
    /// A parameter that may be left out.
    #[must_use]
    pub fn new(name: &str, kind: ParameterKind) -> Self {
        Self {
            name: name.to_owned(),
            title: None,
            kind,
            required: false,
            default: None,
            fixed: false,
            note: String::new(),
        }
    }
}

/// Why the values that a deployment gives will not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadParameter {
    /// A required one has no value, of the deployment's or by default.
    Missing(String),
    /// There is none of this name.
    Unknown(String),
    /// Deployments may not say it.
    Fixed(String),
    /// Its value is none of its kind.
    Value(String, BadValue),
}

impl BadParameter {
    /// The parameter's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            BadParameter::Missing(name)
            | BadParameter::Unknown(name)
            | BadParameter::Fixed(name)
            | BadParameter::Value(name, _) => name,
        }
    }
}

impl fmt::Display for BadParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadParameter::Missing(name) => {
                write!(f, "the required parameter `{name}` has no value")
            }
            BadParameter::Unknown(name) => write!(f, "there is no parameter `{name}`"),
            BadParameter::Fixed(name) => {
                write!(
                    f,
                    "the parameter `{name}` has its default, and deployments cannot change it"
                )
            }
            BadParameter::Value(name, why) => {
                write!(f, "the parameter `{name}` cannot be this: {why}")
            }
        }
    }
}

/// What is wrong with the values that a deployment gives, in the order of the values, then of the
/// definitions. Where nothing is defined anything is taken, as it is.
#[must_use]
pub fn check_parameters(given: &Map<String, Value>, defined: &[&Parameter]) -> Vec<BadParameter> {
    if defined.is_empty() {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for (name, value) in given {
        let name = name.clone();
        match defined.iter().find(|one| one.name == name) {
            None => wrong.push(BadParameter::Unknown(name)),
            Some(one) if one.fixed => wrong.push(BadParameter::Fixed(name)),
            Some(one) => {
                let why = one.kind.check(value).err();
                wrong.extend(why.map(|why| BadParameter::Value(name, why)));
            }
        }
    }
    let missing = defined
        .iter()
        .filter(|one| one.required && one.default.is_none() && !given.contains_key(&one.name));
    wrong.extend(missing.map(|one| BadParameter::Missing(one.name.clone())));
    wrong
}

/// What a script is given: the defaults, and over them what the deployment says. Passwords are
/// still names of kept secrets.
#[must_use]
pub fn effective_parameters(
    given: &Map<String, Value>,
    defined: &[&Parameter],
) -> Map<String, Value> {
    let fixed = |name: &str| defined.iter().any(|one| one.name == name && one.fixed);
    let defaults = defined.iter().filter_map(|one| Some((one.name.clone(), one.default.clone()?)));
    let mut values: Map<String, Value> = defaults.collect();
    let given = given.iter().filter(|(name, _)| !fixed(name));
    values.extend(given.map(|(name, value)| (name.clone(), value.clone())));
    values
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_takes_its_values_and_no_others() {
        let select = || ParameterKind::Select(vec!["a".to_owned(), "b".to_owned()]);
        let rows = [
            (ParameterKind::Text, json!(""), json!(1)),
            (ParameterKind::Number, json!(1.5), json!("1")),
            (ParameterKind::Boolean, json!(false), json!("false")),
            (select(), json!("b"), json!("c")),
            (ParameterKind::Password, json!("store:x"), json!("hunter2")),
            (ParameterKind::File, json!("C:\\a.ini"), json!(" ")),
            (ParameterKind::Uri, json!("https://x.example/a?b"), json!("x.example")),
            (ParameterKind::Uri, json!("mailto:a@x.example"), json!("https://a b")),
            (ParameterKind::KeyValue, json!({ "a": 1, "b": "c" }), json!({ "a": [1] })),
        ];
        for (kind, good, bad) in rows {
            assert_eq!(kind.check(&good), Ok(()), "{kind:?} {good}");
            assert!(kind.check(&Value::Null).is_err(), "{kind:?}");
            let said = kind.check(&bad).unwrap_err().to_string();
            assert!(said.contains("expected") && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn values_of_a_deployment_are_held_against_the_definitions() {
        let required =
            |name| Parameter { required: true, ..Parameter::new(name, ParameterKind::Text) };
        let with = |mut one: Parameter, value: &str| {
            one.default = Some(json!(value));
            one
        };
        let fixed = Parameter { fixed: true, ..with(required("site"), "hq") };
        let defined = [
            required("server"),
            with(required("room"), "1"),
            fixed,
            Parameter::new("port", ParameterKind::Number),
        ];
        let defined: Vec<&Parameter> = defined.iter().collect();
        let check = |given: Value| check_parameters(given.as_object().unwrap(), &defined);
        assert_eq!(check(json!({ "server": "x", "port": 9100 })), []);
        assert_eq!(check(json!({})), [BadParameter::Missing("server".to_owned())]);
        let wrong = check(json!({ "port": "9100", "prot": 1, "server": "x", "site": "y" }));
        let names: Vec<&str> = wrong.iter().map(BadParameter::name).collect();
        assert_eq!(names, ["port", "prot", "site"]);
        assert!(wrong[0].to_string().contains("a number is expected"), "{}", wrong[0]);
        assert_eq!(wrong[1], BadParameter::Unknown("prot".to_owned()));
        assert_eq!(wrong[2], BadParameter::Fixed("site".to_owned()));
        assert_eq!(check_parameters(json!({ "any": [1] }).as_object().unwrap(), &[]), []);
    }

    #[test]
    fn a_script_is_given_defaults_and_over_them_what_the_deployment_says() {
        let with = |name, value: &str, fixed| Parameter {
            default: Some(json!(value)),
            fixed,
            ..Parameter::new(name, ParameterKind::Text)
        };
        let defined = [with("a", "1", false), with("b", "2", false), with("c", "3", true)];
        let defined: Vec<&Parameter> = defined.iter().collect();
        let given = json!({ "b": "x", "c": "x", "d": "x" });
        let values = effective_parameters(given.as_object().unwrap(), &defined);
        assert_eq!(Value::Object(values), json!({ "a": "1", "b": "x", "c": "3", "d": "x" }));
    }
}
