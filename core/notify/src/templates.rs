//! Templates: those that are built in, and whatever somebody has instead.

use std::collections::BTreeMap;
use std::fmt;

use core_model::brand::Brand;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{
    AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value, context,
    escape_formatter,
};
use serde::Serialize;

use crate::letter::{After, Before, Letter, Shown};
use crate::listed::{Listed, Outcome};

/// The templates that there are, by their files' names.
pub const NAMES: [&str; 7] = [
    "layout.html",
    "before.subject",
    "before.txt",
    "before.html",
    "after.subject",
    "after.txt",
    "after.html",
];

/// Their built-in texts.
const BUILT_IN: [&str; 7] = [
    include_str!("../templates/layout.html"),
    include_str!("../templates/before.subject"),
    include_str!("../templates/before.txt"),
    include_str!("../templates/before.html"),
    include_str!("../templates/after.subject"),
    include_str!("../templates/after.txt"),
    include_str!("../templates/after.html"),
];

/// Characters that a subject has at most.
const LONGEST_SUBJECT: usize = 200;

/// A template that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTemplate {
    /// Its file's name.
    pub name: String,
    /// The line, counted from one, where that is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for BadTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        write!(f, "{}{line}: {}", self.name, self.what)
    }
}

/// Templates, read.
#[derive(Debug)]
pub struct Templates(Environment<'static>);

impl Templates {
    /// The built-in ones, with these in place of those of their names.
    ///
    /// # Errors
    /// What is wrong with the first that cannot be read.
    pub fn new(instead: &BTreeMap<String, String>) -> Result<Self, BadTemplate> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let whitespace = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(whitespace.map_err(|error| bad("layout.html", &error))?);
        environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
            true => AutoEscape::Html,
            false => AutoEscape::None,
        });
        environment.set_formatter(written);
        for (name, text) in NAMES.into_iter().zip(BUILT_IN) {
            let text = instead.get(name).cloned().unwrap_or_else(|| text.to_owned());
            environment.add_template_owned(name, text).map_err(|error| bad(name, &error))?;
        }
        Ok(Self(environment))
    }

    /// Tries every template on something that has all of it.
    ///
    /// # Errors
    /// What is wrong with the first that cannot be written.
    pub fn tried(&self) -> Result<(), BadTemplate> {
        let text = |text: &str| text.to_owned();
        let listed =
            Listed { title: text("Reader"), does: text("install"), why: text("it is missing") };
        let outcome = |ok| Outcome {
            title: text("Reader"),
            does: text("install"),
            why: text("it is missing"),
            ok,
            failed: !ok,
            result: text("compliant"),
            says: text("done"),
            message: text("compliant"),
            changed: text("the rule"),
        };
        let brand = Brand::default();
        for link in [None, Some(text("https://hub.example.com/notification/x"))] {
            let before = Before {
                computer: text("PC-1"),
                tenant: text("Contoso"),
                person: text("Ana"),
                actions: vec![listed.clone()],
                at: text("tonight"),
                reboot: "may",
                link,
                left: 3,
                deadline: text("Friday"),
            };
            self.before(&brand, "cid:logo", &before)?;
        }
        for ok in [true, false] {
            let after = After {
                computer: text("PC-1"),
                tenant: text("Contoso"),
                person: String::new(),
                actions: vec![outcome(ok)],
                at: text("tonight"),
                ok,
                failed: usize::from(!ok),
                rebooted: ok,
            };
            self.after(&brand, "cid:logo", &after)?;
        }
        Ok(())
    }

    /// What will be done. `inline` is the address of a picture that is in the mail itself.
    ///
    /// # Errors
    /// What is wrong with a template.
    pub fn before(
        &self,
        brand: &Brand,
        inline: &str,
        about: &Before,
    ) -> Result<Letter, BadTemplate> {
        self.letter("before", &Shown::of(brand, inline), about)
    }

    /// What was done.
    ///
    /// # Errors
    /// What is wrong with a template.
    pub fn after(&self, brand: &Brand, inline: &str, about: &After) -> Result<Letter, BadTemplate> {
        self.letter("after", &Shown::of(brand, inline), about)
    }

    fn letter(
        &self,
        kind: &str,
        brand: &Shown<'_>,
        about: &impl Serialize,
    ) -> Result<Letter, BadTemplate> {
        let values = context! { brand => Value::from(Serde(brand)), ..Value::from(Serde(about)) };
        let text_of = |end: &str| {
            let name = format!("{kind}.{end}");
            let template = self.0.get_template(&name).map_err(|error| bad(&name, &error))?;
            template.render(&values).map_err(|error| bad(&name, &error))
        };
        let subject = text_of("subject")?;
        // A line break in a subject would be the beginning of another head.
        let subject: Vec<&str> = subject.split_whitespace().collect();
        let subject = subject.join(" ").chars().take(LONGEST_SUBJECT).collect();
        Ok(Letter { subject, text: text_of("txt")?, html: text_of("html")? })
    }
}

/// Writes a value. In HTML a text is escaped but for `/`, which the library would, too: addresses stay what programs
/// for mail know as addresses.
fn written(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match (state.auto_escape(), value.as_str()) {
        (AutoEscape::Html, Some(text)) if !value.is_safe() => {
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let text = text.replace('"', "&quot;").replace('\'', "&#39;");
            Ok(out.write_str(&text)?)
        }
        _ => escape_formatter(out, state, value),
    }
}

fn bad(name: &str, error: &Error) -> BadTemplate {
    // What a template takes from another may be where the mistake is.
    let name = error.name().unwrap_or(name).to_owned();
    let what = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    BadTemplate { name, line: error.line(), what }
}

#[cfg(test)]
mod tests;
