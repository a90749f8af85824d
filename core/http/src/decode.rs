//! Reading JSON answers: what is wrong is named by its path, and what is no JSON is no end.

use core_connector::{Error, ErrorKind, Result};
use core_model::record::Rejected;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::Answer;

/// Reads an answer as a `T`.
///
/// # Errors
/// `Protocol`, with the JSON path of what is wrong; also where the body is a web page, empty or
/// cut off.
pub fn json<T: DeserializeOwned>(answer: &Answer) -> Result<T> {
    let protocol = |detail: String| Error::new(ErrorKind::Protocol, &answer.operation, detail);
    if answer.is_html() {
        let detail = format!("a web page came instead of data: \"{}\"", answer.excerpt());
        return Err(protocol(detail).with_remedy(
            "open the address in a browser: a proxy or a sign-in page may stand before the API",
        ));
    }
    let mut reader = serde_json::Deserializer::from_slice(&answer.body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { format!(" at $.{path}") };
        protocol(format!("the answer cannot be read{path}: {}", error.into_inner()))
    })?;
    reader.end().map_err(|error| protocol(format!("after the answer more follows: {error}")))?;
    Ok(value)
}

/// Reads one row of a listing as a `T`; a row that cannot be read is no reason to lose the rest.
///
/// # Errors
/// The row with the path and reason, for the quarantine.
pub fn row<T: DeserializeOwned>(
    row: &RawValue,
    key: impl Fn(&serde_json::Value) -> Option<String>,
) -> std::result::Result<T, Rejected> {
    let mut reader = serde_json::Deserializer::from_str(row.get());
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let whole: Option<serde_json::Value> = serde_json::from_str(row.get()).ok();
        Rejected {
            key: whole.as_ref().and_then(key),
            path: if path == "." { "$".to_owned() } else { format!("$.{path}") },
            reason: error.into_inner().to_string(),
            raw: row.get().to_owned(),
        }
    })
}

/// A field that vendors write as a number or as text: an id.
pub mod id_text {
    use serde::{Deserialize, Deserializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Whole(i64),
        Real(f64),
    }

    /// Reads it as text; `18.0` is `18`.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        Ok(text(Either::deserialize(deserializer)?))
    }

    fn text(value: Either) -> String {
        match value {
            Either::Text(text) => text,
            Either::Whole(number) => number.to_string(),
            Either::Real(number) => number.to_string(),
        }
    }

    /// The same, where it may be absent, null or blank.
    pub mod option {
        use super::{Deserialize, Deserializer, Either, text};

        /// Reads it as text.
        ///
        /// # Errors
        /// Where it is something else.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<String>, D::Error> {
            let value = Option::<Either>::deserialize(deserializer)?;
            Ok(value.map(text).filter(|text| !text.trim().is_empty()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use reqwest::StatusCode;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Row {
        #[serde(deserialize_with = "id_text::deserialize")]
        id: String,
    }

    fn answer(body: &str) -> Answer {
        Answer {
            operation: "GET /rows".into(),
            status: StatusCode::OK,
            headers: reqwest::header::HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        let error = json::<Vec<Row>>(&answer(r#"[{"id":1},{"id":true}]"#)).unwrap_err();
        assert!(error.to_string().contains("$.[1].id"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }

    #[test]
    fn a_web_page_a_cut_answer_and_nothing_are_protocol_errors() {
        for body in
            ["<html><title>Sign in</title>", "<!DOCTYPE html>", r#"[{"id":1},{"i"#, "", "[] []"]
        {
            assert_eq!(
                json::<Vec<Row>>(&answer(body)).unwrap_err().kind(),
                ErrorKind::Protocol,
                "{body}"
            );
        }
    }

    #[test]
    fn ids_may_be_text_or_numbers() {
        let rows: Vec<Row> = json(&answer(r#"[{"id":"7"},{"id":7},{"id":7.0}]"#)).unwrap();
        assert!(rows.iter().all(|row| row.id == "7"), "{rows:?}");
    }
}
