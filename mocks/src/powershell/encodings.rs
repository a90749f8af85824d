//! Encodings of .NET.

use std::rc::Rc;

use super::value::{Object, Value};

/// An encoding; whether it begins files with a mark.
pub(super) fn encoding(name: &str, mark: bool) -> Value {
    let fields = vec![("Name", Value::text(name)), ("Mark", Value::Bool(mark))];
    Value::of("Encoding", fields)
}

pub(super) fn utf8(mark: bool) -> Rc<Object> {
    match encoding("utf8", mark) {
        Value::Object(object) => object,
        _ => unreachable!("it is an object"),
    }
}

/// What a file in this encoding begins with.
pub(super) fn preamble(encoding: &Object) -> Vec<u8> {
    let marked = encoding.get("Mark").is_some_and(|mark| mark.truth());
    match encoding.text("Name").as_str() {
        "unicode" if marked => vec![0xff, 0xfe],
        "utf8" if marked => vec![0xef, 0xbb, 0xbf],
        _ => Vec::new(),
    }
}

/// Bytes as text; what a file begins with to say how it is encoded is no part of it.
pub(super) fn decoded(encoding: &Object, bytes: &[u8]) -> Value {
    match encoding.text("Name").as_str() {
        "unicode" => {
            let units: Vec<u16> =
                bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
            Value::text(String::from_utf16_lossy(&units))
        }
        "ascii" => {
            let letter = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { '?' };
            Value::text(bytes.iter().map(letter).collect::<String>())
        }
        _ => Value::text(String::from_utf8_lossy(bytes)),
    }
}

/// Text as bytes.
pub(super) fn to_bytes(encoding: &Object, text: &str) -> Vec<u8> {
    match encoding.text("Name").as_str() {
        "unicode" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "ascii" => text
            .chars()
            .map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?'))
            .collect(),
        _ => text.as_bytes().to_vec(),
    }
}
