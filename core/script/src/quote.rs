//! Texts as literals of a shell, for what must be quoted. Parameters are not: they travel in base64.

/// A character that no literal of a shell can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the character U+{code:04X} at position {at} cannot be in a literal of {shell}: take it out, or pass the text as a parameter",
    code = *.character as u32
)]
pub struct Unquotable {
    /// The character.
    pub character: char,
    /// How many characters stand before it.
    pub at: usize,
    /// Whose literal it was to be.
    pub shell: &'static str,
}

/// Where a literal for `cmd.exe` is to stand: percent signs are read otherwise there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CmdPlace {
    /// In a batch file.
    Batch,
    /// On a command line: after `cmd /c`.
    Line,
}

/// A literal of the shell of POSIX: single quotes, in which nothing has a meaning but their end
/// (POSIX, Shell Command Language, 2.2.2).
///
/// # Errors
/// On NUL.
pub fn sh(text: &str) -> Result<String, Unquotable> {
    refuse(text, "sh", |c| c == '\0')?;
    Ok(format!("'{}'", text.replace('\'', "'\\''")))
}

/// A literal of PowerShell: single quotes, in which nothing has a meaning but their end. It takes the
/// typographic ones for quotes too, so each of them is doubled (about_Quoting_Rules; `IsSingleQuote` of its
/// tokenizer). Line ends are kept as they are; a transport that changes them changes the literal.
///
/// # Errors
/// On NUL.
pub fn powershell(text: &str) -> Result<String, Unquotable> {
    refuse(text, "PowerShell", |c| c == '\0')?;
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for c in text.chars() {
        literal.push(c);
        if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            literal.push(c);
        }
    }
    literal.push('\'');
    Ok(literal)
}

/// The same text for `set NAME=…` and `echo …` of `cmd.exe`, without delayed expansion: a caret before all
/// that has a meaning, quotes too, so that none opens; percent signs are doubled in a batch file, and on a line,
/// where that does nothing, parted by carets, so that no name of a variable is between them. How a program
/// that gets it as an argument reads quotes is that program's matter.
///
/// # Errors
/// On line ends and other control characters but the tabulator: `cmd.exe` has no way to write them.
pub fn cmd(text: &str, place: CmdPlace) -> Result<String, Unquotable> {
    refuse(text, "cmd", |c| c.is_control() && c != '\t')?;
    let mut literal = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' if place == CmdPlace::Batch => literal.push('%'),
            '%' | '^' | '&' | '|' | '<' | '>' | '(' | ')' | '"' | '!' => literal.push('^'),
            _ => {}
        }
        literal.push(c);
    }
    Ok(literal)
}

fn refuse(text: &str, shell: &'static str, bad: fn(char) -> bool) -> Result<(), Unquotable> {
    match text.chars().enumerate().find(|(_, c)| bad(*c)) {
        Some((at, character)) => Err(Unquotable { character, at, shell }),
        None => Ok(()),
    }
}
