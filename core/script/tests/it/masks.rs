//! Secrets are in no output, whole or in pieces.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use core_connector::Secret;
use core_script::{MASK, Mask};
use proptest::prelude::*;

const SECRET: &str = "pässw/rd+\"1\"\n&x?";

#[test]
fn a_secret_is_found_in_every_form_that_is_promised() {
    let mask = Mask::of(&[Secret::new(SECRET)]).unwrap();
    let wide: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let forms = [
        SECRET.to_owned(),
        SECRET.replace('\n', "\r\n"),
        STANDARD.encode(SECRET),
        STANDARD.encode(&wide),
        URL_SAFE_NO_PAD.encode(SECRET),
        "p%C3%A4ssw%2Frd%2B%221%22%0A%26x%3F".to_owned(),
        "p%c3%a4ssw%2frd%2b%221%22%0a%26x%3f".to_owned(),
        "pässw/rd+\\\"1\\\"\\n&x?".to_owned(),
        "pässw\\/rd+\\\"1\\\"\\n&x?".to_owned(),
        "p\\u00e4ssw/rd+\\\"1\\\"\\n\\u0026x?".to_owned(),
        "70c3a4737377".to_owned() + "2f72642b2231220a26783f",
    ];
    for form in forms {
        assert_eq!(mask.text(&format!("a {form} b")), format!("a {MASK} b"), "{form}");
    }
}

#[test]
fn a_secret_inside_of_longer_base64_leaves_nothing_that_is_its_own() {
    let mask = Mask::of(&[Secret::new("correct horse battery")]).unwrap();
    for before in 0..4 {
        for after in 0..4 {
            let text = format!("{}correct horse battery{}", "x".repeat(before), "y".repeat(after));
            for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                let masked = mask.text(&encoded);
                assert!(masked.contains(MASK), "{encoded}");
                // At each edge a character shared with a neighbour, and the neighbours.
                assert!(masked.len() <= MASK.len() + 16, "{masked}");
            }
        }
    }
}

#[test]
fn secrets_that_overlap_leave_no_rest_and_short_ones_are_masked_too() {
    let mask = Mask::of(&[Secret::new("abcdef"), Secret::new("defghi"), Secret::new("")]).unwrap();
    assert_eq!(mask.text("xabcdefghix"), format!("x{MASK}x"));
    assert_eq!(mask.text("abcde"), "abcde");
    assert_eq!(Mask::of(&[Secret::new("7")]).unwrap().text("a7b"), format!("a{MASK}b"));
    assert_eq!(Mask::of([]).unwrap().text("all"), "all");
}

proptest! {
    #[test]
    fn pieces_of_any_size_give_what_the_whole_gives(
        parts in proptest::collection::vec(
            "(hunter2hunter2|abcdef|defghi|aHVudGVyMmh1bnRlcjI=|hunter2|[a-i ]{0,12}|ä)", 0..20),
        cuts in proptest::collection::vec(1_usize..9, 1..40),
    ) {
        let text = parts.concat();
        let secrets = ["hunter2hunter2", "abcdef", "defghi"].map(Secret::new);
        let mask = Mask::of(&secrets).unwrap();
        let whole = mask.text(&text);
        let mut stream = mask.stream();
        let mut streamed = Vec::new();
        let mut rest = text.as_bytes();
        for size in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            streamed.extend(stream.push(piece));
            for secret in &secrets {
                prop_assert!(!String::from_utf8_lossy(&streamed).contains(secret.expose()));
            }
            rest = after;
        }
        streamed.extend(stream.finish());
        prop_assert_eq!(String::from_utf8(streamed).unwrap(), whole.clone());
        for secret in &secrets {
            prop_assert!(!whole.contains(secret.expose()));
        }
    }
}
