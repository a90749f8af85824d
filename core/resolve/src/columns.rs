//! The facts that filters read, by column: each value is kept once, each subject has its number.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::chunked::Chunked;
use crate::input::{Fact, Facts};

/// The code of a fact that was not read.
pub(crate) const UNREAD: u32 = 0;

#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    codes: Chunked<u32>,
    values: Vec<Fact>,
    code_of: HashMap<Fact, u32>,
}

impl Column {
    pub(crate) fn code(&self, subject: u32) -> u32 {
        self.codes.get(subject).copied().unwrap_or(UNREAD)
    }

    pub(crate) fn value(&self, code: u32) -> Option<&Fact> {
        (code as usize).checked_sub(1).and_then(|at| self.values.get(at))
    }

    /// How many codes there are, the one for not read included.
    pub(crate) fn codes(&self) -> usize {
        self.values.len() + 1
    }

    fn set(&mut self, subject: u32, fact: Option<&Fact>) {
        let code = match fact {
            None => UNREAD,
            Some(fact) => match self.code_of.get(fact) {
                Some(code) => *code,
                None => {
                    self.values.push(fact.clone());
                    let code = u32::try_from(self.values.len()).unwrap_or(UNREAD);
                    self.code_of.insert(fact.clone(), code);
                    code
                }
            },
        };
        if code != UNREAD || (subject as usize) < self.codes.len() {
            self.codes.set(subject, code, &UNREAD);
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    by_name: BTreeMap<Arc<str>, Arc<Column>>,
}

impl Columns {
    pub(crate) fn get(&self, name: &str) -> Option<&Column> {
        self.by_name.get(name).map(Arc::as_ref)
    }

    /// Replaces all facts of a subject.
    pub(crate) fn set(&mut self, subject: u32, facts: &Facts) {
        for (name, column) in &mut self.by_name {
            let known = facts.iter().any(|(other, _)| other == name);
            if !known && column.code(subject) != UNREAD {
                Arc::make_mut(column).set(subject, None);
            }
        }
        for (name, fact) in facts {
            let column = self.by_name.entry(name.clone()).or_default();
            Arc::make_mut(column).set(subject, Some(fact));
        }
    }
}
