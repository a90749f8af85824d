//! Mistakes in a file, shown with line and caret.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, NamedSource,
    SourceCode, SourceSpan, SpanContents,
};
use serde_json::{Value, json};

use crate::document::{Document, place};

/// Width of the report where there is no terminal.
const WIDTH: usize = 100;

/// A mistake.
#[derive(Clone, Debug)]
pub struct Problem {
    span: Range<usize>,
    what: String,
    label: &'static str,
    help: Option<String>,
}

impl Problem {
    /// A mistake at this place of the file (bytes).
    #[must_use]
    pub fn new(span: Range<usize>, what: impl Into<String>) -> Self {
        Self { span, what: what.into(), label: "here", help: None }
    }

    /// The same, with a word at the caret.
    #[must_use]
    pub fn label(mut self, label: &'static str) -> Self {
        self.label = label;
        self
    }

    /// The same, with what is allowed or what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        let help = help.into();
        self.help = (!help.is_empty()).then_some(help);
        self
    }

    /// Where it starts (bytes).
    #[must_use]
    pub fn start(&self) -> usize {
        self.span.start
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Mistakes of one file, in its order.
#[derive(Clone)]
pub struct Problems {
    name: String,
    text: Arc<str>,
    list: Vec<Problem>,
}

impl Problems {
    /// These mistakes of this file.
    #[must_use]
    pub fn new(document: &Document, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(Problem::start);
        Self { name: document.name().to_owned(), text: document.text(), list }
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The mistakes.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// Laid out for people, in colours or not.
    #[must_use]
    pub fn text(&self, colours: bool) -> String {
        let theme =
            if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(WIDTH)
            .with_links(false)
            .with_context_lines(1)
            .without_syntax_highlighting();
        let mut text = String::new();
        for problem in &self.list {
            let shown = Shown { problem, source: self.source() };
            if handler.render_report(&mut text, &shown).is_err() {
                text.push_str(&format!("{}: {problem}", self.name()));
            }
            text.push('\n');
        }
        text
    }

    /// For machines: place, message, help.
    #[must_use]
    pub fn json(&self) -> Vec<Value> {
        let one = |problem: &Problem| {
            let (line, column) = place(&self.text, problem.span.start);
            json!({
                "file": self.name(),
                "line": line,
                "column": column,
                "message": problem.what,
                "help": problem.help,
            })
        };
        self.list.iter().map(one).collect()
    }

    fn source(&self) -> NamedSource<WholeLines> {
        NamedSource::new(self.name(), WholeLines(Arc::clone(&self.text)))
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(false))
    }
}

/// A mistake as the reporter wants it.
struct Shown<'a> {
    problem: &'a Problem,
    source: NamedSource<WholeLines>,
}

/// A text of which the lines of a mistake are shown whole, and no others.
#[derive(Clone)]
struct WholeLines(Arc<str>);

impl SourceCode for WholeLines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text: &str = &self.0;
        // Without context the reporter only asks for the place.
        if before + after == 0 {
            return text.read_span(span, 0, 0);
        }
        let (from, to) = (span.offset(), span.offset() + span.len());
        let (Some(head), Some(tail)) = (text.get(..from), text.get(to..)) else {
            return Err(MietteError::OutOfBounds);
        };
        let start = head.rfind('\n').map_or(0, |at| at + 1);
        let end = tail.find('\n').map_or(text.len(), |length| to + length);
        text.read_span(&SourceSpan::from(start..end), 0, 0)
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shown").field(&self.problem).finish()
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.problem.span.clone();
        let label = LabeledSpan::new(Some(self.problem.label.to_owned()), span.start, span.len());
        Some(Box::new(std::iter::once(label)))
    }
}
