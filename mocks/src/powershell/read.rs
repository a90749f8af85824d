//! The characters of a script, and what may be passed over between words.

/// Nested deeper than this is no script that somebody wrote.
pub(super) const DEEPEST: usize = 60;

/// A script that PowerShell would not start: what is wrong and in which line.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) line: u32,
    pub(super) message: String,
}

/// A place in a script.
pub(super) struct Reader {
    chars: Vec<char>,
    /// Where lines end.
    ends: Vec<usize>,
    pub(super) at: usize,
    pub(super) depth: usize,
}

impl Reader {
    pub(super) fn new(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let chars: Vec<char> = text.replace("\r\n", "\n").chars().collect();
        let ends = chars.iter().enumerate().filter(|(_, c)| **c == '\n').map(|(at, _)| at);
        Self { ends: ends.collect(), chars, at: 0, depth: 0 }
    }

    /// The line that this place is in, from 1.
    pub(super) fn line(&self) -> u32 {
        let line = self.ends.partition_point(|end| *end < self.at) + 1;
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn ahead(&self, by: usize) -> Option<char> {
        self.chars.get(self.at + by).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(letter)
    }

    pub(super) fn eat(&mut self, letter: char) -> bool {
        let there = self.peek() == Some(letter);
        if there {
            self.at += 1;
        }
        there
    }

    pub(super) fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(by, letter)| self.ahead(by) == Some(letter))
    }

    /// The text between two places.
    pub(super) fn text(&self, from: usize, to: usize) -> String {
        self.chars.get(from..to).unwrap_or_default().iter().collect()
    }

    pub(super) fn wrong<T>(&self, message: impl Into<String>) -> Result<T, Wrong> {
        Err(Wrong { line: self.line(), message: message.into() })
    }

    pub(super) fn expect(&mut self, letter: char, what: &str) -> Result<(), Wrong> {
        if self.eat(letter) { Ok(()) } else { self.wrong(what) }
    }

    /// Goes one level deeper, if there is one.
    pub(super) fn enter(&mut self) -> Result<(), Wrong> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.wrong("The script is nested too deeply.");
        }
        Ok(())
    }

    /// Passes over blanks and comments, line ends too where they mean nothing.
    pub(super) fn blanks(&mut self, lines: bool) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r' | '\u{a0}') => self.at += 1,
                Some('\n') if lines => self.at += 1,
                Some('`') if self.ahead(1) == Some('\n') => self.at += 2,
                Some('#') => self.line_comment(),
                Some('<') if self.ahead(1) == Some('#') => self.block_comment(),
                _ => return,
            }
        }
    }

    fn line_comment(&mut self) {
        while self.peek().is_some_and(|letter| letter != '\n') {
            self.at += 1;
        }
    }

    fn block_comment(&mut self) {
        while self.at < self.chars.len() && !self.starts("#>") {
            self.at += 1;
        }
        self.at = (self.at + 2).min(self.chars.len());
    }

    /// Passes over what parts statements.
    pub(super) fn separators(&mut self) {
        loop {
            self.blanks(true);
            if !self.eat(';') {
                return;
            }
        }
    }

    /// A name of letters, digits and underscores.
    pub(super) fn name(&mut self) -> String {
        let from = self.at;
        while self.peek().is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
            self.at += 1;
        }
        self.text(from, self.at)
    }

    /// Whether this word stands here, and ends here; it is taken if so.
    pub(super) fn keyword(&mut self, word: &str) -> bool {
        // Keywords are ASCII.
        let same = word.bytes().enumerate().all(|(by, letter)| {
            self.ahead(by).is_some_and(|c| c.eq_ignore_ascii_case(&char::from(letter)))
        });
        let length = word.len();
        let ends = self
            .ahead(length)
            .is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\\' | ':')));
        if same && ends {
            self.at += length;
        }
        same && ends
    }
}
