//! Taking secrets out of what scripts print.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, BuildError};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use core_connector::Secret;

/// What stands for a secret.
pub const MASK: &str = "***";
/// The shortest secret, in bytes, that is looked for inside of longer base64: what is shorter leaves three or four
/// characters there, which stand in every other text.
const SHORTEST_INSIDE: usize = 6;

/// Finds secrets, and their forms in base64 (of UTF-8 and of PowerShell's UTF-16, alone and inside of more),
/// base64 for addresses, percent-encoding, hexadecimal and JSON. It does not find what a script took apart,
/// reversed, or encoded twice.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    /// Nothing where there are no secrets.
    search: Option<AhoCorasick>,
    longest: usize,
}

impl Mask {
    /// Of these secrets; blank ones are none.
    ///
    /// # Errors
    /// Where they are too many or too long to be looked for (gigabytes).
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Result<Self, BuildError> {
        let mut forms = BTreeSet::new();
        for secret in secrets {
            add_forms(&mut forms, secret.expose());
        }
        forms.remove(&Vec::new());
        let longest = forms.iter().map(Vec::len).max().unwrap_or(0);
        let search = if forms.is_empty() { None } else { Some(AhoCorasick::new(&forms)?) };
        Ok(Self { search, longest })
    }

    /// A text without them.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut stream = self.stream();
        let mut masked = stream.push(text.as_bytes());
        masked.extend(stream.finish());
        String::from_utf8_lossy(&masked).into_owned()
    }

    /// For output that comes in pieces.
    #[must_use]
    pub fn stream(&self) -> MaskStream<'_> {
        MaskStream { mask: self, held: Vec::new(), covered: 0, in_mask: false }
    }
}

/// Output on its way: what may be the beginning of a secret is held back until it is known. Whatever the pieces
/// are, together they give the same as the whole.
#[derive(Debug)]
pub struct MaskStream<'m> {
    mask: &'m Mask,
    held: Vec<u8>,
    /// So many of the bytes held are known to be of a secret.
    covered: usize,
    /// The last byte that was given out was of a secret, and its mask was written.
    in_mask: bool,
}

impl MaskStream<'_> {
    /// Takes a piece and gives out what can be told by now.
    #[must_use]
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        let certain = self.held.len().saturating_sub(self.mask.longest.saturating_sub(1));
        self.give(certain)
    }

    /// The rest. The beginning of a secret whose end never came is none.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let all = self.held.len();
        self.give(all)
    }

    fn give(&mut self, certain: usize) -> Vec<u8> {
        let mut secret = vec![false; self.held.len()];
        secret[..self.covered].fill(true);
        if let Some(search) = &self.mask.search {
            for found in search.find_overlapping_iter(&self.held) {
                secret[found.range()].fill(true);
            }
        }
        let mut out = Vec::with_capacity(certain);
        for (byte, hidden) in self.held.iter().zip(&secret).take(certain) {
            match (hidden, self.in_mask) {
                (false, _) => out.push(*byte),
                (true, false) => out.extend_from_slice(MASK.as_bytes()),
                (true, true) => {}
            }
            self.in_mask = *hidden;
        }
        self.covered = secret[certain..].iter().take_while(|hidden| **hidden).count();
        self.held.drain(..certain);
        out
    }
}

fn add_forms(forms: &mut BTreeSet<Vec<u8>>, secret: &str) {
    if secret.trim().is_empty() {
        return;
    }
    let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    forms.insert(secret.as_bytes().to_vec());
    forms.insert(wide.clone());
    // Shells end lines in their own way.
    forms.insert(secret.replace("\r\n", "\n").into_bytes());
    forms.insert(secret.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes());
    for bytes in [secret.as_bytes(), wide.as_slice()] {
        forms.insert(STANDARD.encode(bytes).into_bytes());
        forms.insert(URL_SAFE_NO_PAD.encode(bytes).into_bytes());
        if bytes.len() >= SHORTEST_INSIDE {
            forms.extend((0..3).flat_map(|before| inside(bytes, before)));
        }
    }
    for hex in [hex(secret.as_bytes(), "", false), hex(secret.as_bytes(), "", true)] {
        if secret.len() >= SHORTEST_INSIDE {
            forms.insert(hex.into_bytes());
        }
    }
    for upper in [false, true] {
        for space in [None, Some("+")] {
            forms.insert(percent(secret, upper, space).into_bytes());
        }
    }
    let json = serde_json::Value::String(secret.to_owned()).to_string();
    let json = json[1..json.len() - 1].to_owned();
    forms.insert(json.replace('/', "\\/").into_bytes());
    forms.insert(wide_json(&json, false).into_bytes());
    forms.insert(wide_json(&json, true).into_bytes());
    forms.insert(json.into_bytes());
}

/// What is the same in base64 whatever stands around it, where so many bytes (modulo three) stand before.
fn inside(bytes: &[u8], before: usize) -> [Vec<u8>; 2] {
    let mut padded = vec![0; before];
    padded.extend_from_slice(bytes);
    let first = [0, 2, 3][before];
    // Characters of which every bit is ours.
    let end = padded.len() * 8 / 6;
    let cut = |text: String| text.as_bytes()[first..end].to_vec();
    [cut(STANDARD_NO_PAD.encode(&padded)), cut(URL_SAFE_NO_PAD.encode(&padded))]
}

fn hex(bytes: &[u8], before: &str, upper: bool) -> String {
    let one = |byte: &u8| match upper {
        true => format!("{before}{byte:02X}"),
        false => format!("{before}{byte:02x}"),
    };
    bytes.iter().map(one).collect()
}

/// RFC 3986, 2.3: all but the unreserved characters. Forms write a blank as `+`.
fn percent(text: &str, upper: bool, space: Option<&str>) -> String {
    let one = |byte: u8| match (byte, space) {
        (b' ', Some(plus)) => plus.to_owned(),
        (byte, _) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
            char::from(byte).to_string()
        }
        (byte, _) => hex(&[byte], "%", upper),
    };
    text.bytes().map(one).collect()
}

/// As Windows PowerShell writes JSON: what is not ASCII, and `'`, `<`, `>`, `&`, as `\uXXXX`.
fn wide_json(json: &str, upper: bool) -> String {
    let mut wide = String::new();
    for c in json.chars() {
        if c.is_ascii() && !matches!(c, '\'' | '<' | '>' | '&') {
            wide.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let code = if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
            wide.push_str(&code);
        }
    }
    wide
}
