//! TOML as it is written: one spelling for each value.

use serde_json::Value;

/// Longer than this, a list is written with one item on a line.
const WIDTH: usize = 90;

/// The text of a file while it is written.
#[derive(Default)]
pub(super) struct Out {
    text: String,
    notes: Vec<String>,
}

impl Out {
    /// Begins a table of a kind.
    pub(super) fn table(&mut self, kind: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&format!("[[{kind}]]\n"));
    }

    /// Begins a table within the last one.
    pub(super) fn inner(&mut self, path: &str) {
        self.text.push_str(&format!("\n[{path}]\n"));
    }

    /// Begins an item of a list within the last table.
    pub(super) fn inner_item(&mut self, path: &str) {
        self.text.push_str(&format!("\n[[{path}]]\n"));
    }

    /// Comments that stand above the next key, each once.
    pub(super) fn notes(&mut self, notes: Vec<String>) {
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    pub(super) fn comment(&mut self, text: &str) {
        self.text.push_str(&format!("# {}\n", core_toml::printable(text)));
    }

    /// A key with a value that is written already.
    pub(super) fn key(&mut self, key: &str, value: &str) {
        for note in std::mem::take(&mut self.notes) {
            self.comment(&note);
        }
        self.text.push_str(&format!("{key} = {value}\n"));
    }

    pub(super) fn text(&mut self, key: &str, text: &str) {
        self.key(key, &quoted(text));
    }

    pub(super) fn flag(&mut self, key: &str, set: bool) {
        if set {
            self.key(key, "true");
        }
    }

    /// A list, where there is anything in it.
    pub(super) fn list(&mut self, key: &str, items: &[String]) {
        if !items.is_empty() {
            self.key(key, &list(items, 0));
        }
    }

    /// A text that people write over several lines.
    pub(super) fn note(&mut self, text: &str) {
        match text {
            "" => {}
            // A line that ends with blanks, or anything that cannot be seen, would not come through.
            _ if text.contains('\n') && text.chars().all(|c| c == '\n' || !c.is_control()) => {
                let inner = text.replace('\\', "\\\\").replace("\"\"\"", "\"\"\\\"");
                let inner = match inner.strip_suffix('"') {
                    Some(rest) => format!("{rest}\\\""),
                    None => inner,
                };
                self.key("note", &format!("\"\"\"\n{inner}\"\"\""));
            }
            _ => self.text("note", text),
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// A list on one line, or where that is too long one item on each.
pub(super) fn list(items: &[String], depth: usize) -> String {
    let line = format!("[{}]", items.join(", "));
    if line.len() <= WIDTH && !line.contains('\n') {
        return line;
    }
    let indent = "    ".repeat(depth + 1);
    let lines: String = items.iter().map(|item| format!("{indent}{item},\n")).collect();
    format!("[\n{lines}{}]", "    ".repeat(depth))
}

/// A text in quotes: single ones where it would need escapes and can do without.
pub(super) fn quoted(text: &str) -> String {
    let plain = text.chars().all(|c| !c.is_control());
    if plain && (text.contains('"') || text.contains('\\')) && !text.contains('\'') {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A key: bare where it may be.
pub(super) fn bare(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(plain) { key.to_owned() } else { quoted(key) }
}

/// A value of JSON; nothing where there is no way to write it.
pub(super) fn value(json: &Value) -> Option<String> {
    match json {
        Value::Null => None,
        Value::Bool(flag) => Some(flag.to_string()),
        // What is beyond whole numbers of 64 bits is kept as its digits.
        Value::Number(number) if number.as_i64().is_none() && !number.is_f64() => {
            Some(quoted(&number.to_string()))
        }
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(quoted(text)),
        Value::Array(items) => Some(list(&items.iter().filter_map(value).collect::<Vec<_>>(), 0)),
        Value::Object(table) => {
            let pairs = table
                .iter()
                .filter_map(|(key, one)| Some(format!("{} = {}", bare(key), value(one)?)));
            let pairs: Vec<String> = pairs.collect();
            let inner = pairs.join(", ");
            Some(if inner.is_empty() { "{}".to_owned() } else { format!("{{ {inner} }}") })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_through_quotes() {
        let texts = [
            "",
            "plain",
            "it's",
            "\"quoted\"",
            "it's \"both\"",
            "C:\\x",
            "a\nb",
            "tab\there",
            "\u{7f}\u{1}",
            "ünïcode",
            "'''",
            "a\r\nb",
        ];
        for text in texts {
            let file = format!("key = {}\n{} = 1", quoted(text), bare(text));
            let read = core_toml::Document::parse("x", &file);
            assert_eq!(read.broken.len(), 0, "{file}");
            assert_eq!(read.root.get("key").and_then(|node| node.text()), Some(text), "{file}");
            assert!(read.root.get(text).is_some(), "{file}");
        }
    }

    #[test]
    fn a_note_comes_through_over_several_lines() {
        for note in
            ["a\nb", "a\n", "\na", "a  \n\"\"\"\"\"b\"", "a\\\nb", "a\rb\nc", "\n\"", "x\"\""]
        {
            let mut out = Out::default();
            out.note(note);
            let file = out.finish();
            let read = core_toml::Document::parse("x", &file);
            assert_eq!(read.broken.len(), 0, "{file}");
            assert_eq!(read.root.get("note").and_then(|node| node.text()), Some(note), "{file}");
        }
    }
}
