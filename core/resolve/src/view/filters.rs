//! Everybody in a filter: each part of it runs once for each distinct set of values that it reads.

use std::collections::HashMap;

use core_model::library::SubjectKind;

use super::View;
use crate::columns::{Column, UNREAD};
use crate::feeds::{FeedKind, Mode};
use crate::filter::{Filter, Root};
use crate::input::Fact;
use crate::set::{Members, Set, Truth};
use crate::snapshot::{NOBODY, Snapshot};

/// Distinct sets of values up to here are remembered in a table, beyond it in a map.
const TABLE: usize = 1 << 20;

/// A field that a filter reads: where its values are.
struct Reader<'a> {
    root: Root,
    column: Option<&'a Column>,
    /// Names are as many as subjects, and are not kept twice.
    is_name: bool,
}

impl Reader<'_> {
    fn code(&self, snapshot: &Snapshot, kind: SubjectKind, number: u32) -> u32 {
        let at = whose(snapshot, kind, number, self.root);
        if at == NOBODY {
            UNREAD
        } else if self.is_name {
            at + 1
        } else {
            self.column.map_or(UNREAD, |column| column.code(at))
        }
    }

    fn value(&self, snapshot: &Snapshot, code: u32) -> Option<Fact> {
        if self.is_name {
            let kind = match self.root {
                Root::Computer => SubjectKind::Computer,
                Root::Person => SubjectKind::Person,
                Root::Tenant => SubjectKind::Tenant,
            };
            return code.checked_sub(1).map(|number| Fact::Text(snapshot.name(kind, number)));
        }
        self.column.and_then(|column| column.value(code)).cloned()
    }

    fn codes(&self, snapshot: &Snapshot) -> usize {
        match (self.is_name, self.root) {
            (true, Root::Computer) => snapshot.computers.len() + 1,
            (true, Root::Person) => snapshot.persons.len() + 1,
            (true, Root::Tenant) => snapshot.tenants.len() + 1,
            (false, _) => self.column.map_or(1, Column::codes),
        }
    }
}

/// The computer, person or tenant whose facts count for a subject.
fn whose(snapshot: &Snapshot, kind: SubjectKind, number: u32, root: Root) -> u32 {
    match (kind, root) {
        (_, Root::Tenant) => snapshot.tenant_of(kind, number),
        (SubjectKind::Computer, Root::Computer) | (SubjectKind::Person, Root::Person) => number,
        (SubjectKind::Computer, Root::Person) => {
            snapshot.computers.get(number).map_or(NOBODY, |row| row.primary)
        }
        _ => NOBODY,
    }
}

impl View {
    fn readers(&self, filter: &Filter) -> Vec<Reader<'_>> {
        let fields = filter.fields().iter();
        let reader = fields.map(|(root, name)| {
            let kind = match root {
                Root::Computer => SubjectKind::Computer,
                Root::Person => SubjectKind::Person,
                Root::Tenant => SubjectKind::Tenant,
            };
            let is_name = name.as_ref() == "name";
            Reader { root: *root, column: self.snapshot.space(kind).columns.get(name), is_name }
        });
        reader.collect()
    }

    pub(super) fn filtered(&self, kind: SubjectKind, text: &str, mode: Mode) -> Members {
        let live = self.snapshot.everybody(kind);
        let Some(filter) = self.filters.get(text) else {
            return Members { yes: Set::new(), maybe: live.clone() };
        };
        let unread = self.facts_unread(kind, &filter, mode);
        let readers = self.readers(&filter);
        let all: Vec<usize> = (0..readers.len()).collect();
        let mut memory = Memory::new(&readers, &all, &self.snapshot);
        let mut of_parts: Vec<(&[usize], Memory)> = filter
            .parts()
            .map(|reads| (reads, Memory::new(&readers, reads, &self.snapshot)))
            .collect();
        let (mut yes, mut maybe) = (Vec::new(), Vec::new());
        let mut codes = vec![UNREAD; readers.len()];
        for number in (live - &unread).iter() {
            for (code, reader) in codes.iter_mut().zip(&readers) {
                *code = reader.code(&self.snapshot, kind, number);
            }
            let truth = memory.recall(&codes, || {
                filter.joined(|part| {
                    let Some((reads, memory)) = of_parts.get_mut(part) else {
                        return Truth::Unknown;
                    };
                    let own = picked(reads, &codes);
                    memory.recall(&own, || filter.run(part, &self.values(&readers, reads, &codes)))
                })
            });
            match truth {
                Truth::In => yes.push(number),
                Truth::Unknown => maybe.push(number),
                Truth::Out => {}
            }
        }
        let maybe = &Set::sorted(maybe) | &(&unread & live);
        Members { yes: Set::sorted(yes), maybe }
    }

    /// The values of the readers at these places.
    fn values(&self, readers: &[Reader<'_>], at: &[usize], codes: &[u32]) -> Vec<Option<Fact>> {
        let value = |at: &usize| readers.get(*at)?.value(&self.snapshot, *codes.get(*at)?);
        at.iter().map(value).collect()
    }

    /// The subjects of whom facts that the filter reads are not known.
    fn facts_unread(&self, kind: SubjectKind, filter: &Filter, mode: Mode) -> Set {
        let mut unread = Set::new();
        if kind == SubjectKind::Computer && filter.reads(Root::Computer) {
            unread.add(&self.without_inventory(mode));
        }
        if !filter.reads(Root::Person) || kind == SubjectKind::Tenant {
            return unread;
        }
        if kind == SubjectKind::Computer {
            let affinity = self.stale("", FeedKind::Affinity, mode);
            unread.add(&self.snapshot.at_tenants(kind, &affinity));
        }
        let connections = self.snapshot.directories.keys().map(|key| &key.connection);
        let any = connections
            .map(|connection| self.stale(connection, FeedKind::Directory, mode))
            .any(|stale| !stale.is_empty());
        if any {
            for number in self.snapshot.everybody(kind).iter() {
                if self.person_unread(kind, number, mode) {
                    unread.insert(number);
                }
            }
        }
        unread
    }

    fn person_unread(&self, kind: SubjectKind, number: u32, mode: Mode) -> bool {
        let person = whose(&self.snapshot, kind, number, Root::Person);
        self.snapshot.persons.get(person).is_some_and(|row| {
            self.stale(&row.directory.connection, FeedKind::Directory, mode).contains(row.tenant)
        })
    }

    /// The same for one subject.
    pub(super) fn filter_at(
        &self,
        kind: SubjectKind,
        number: u32,
        text: &str,
        mode: Mode,
    ) -> Truth {
        let Some(filter) = self.filters.get(text) else { return Truth::Unknown };
        if self.filter_unread(kind, number, &filter, mode).is_some() {
            return Truth::Unknown;
        }
        let readers = self.readers(&filter);
        let codes: Vec<u32> =
            readers.iter().map(|reader| reader.code(&self.snapshot, kind, number)).collect();
        let parts: Vec<&[usize]> = filter.parts().collect();
        filter.joined(|part| {
            let reads = parts.get(part).copied().unwrap_or_default();
            filter.run(part, &self.values(&readers, reads, &codes))
        })
    }

    /// Why facts of a subject that a filter reads are not known.
    pub(crate) fn filter_unread(
        &self,
        kind: SubjectKind,
        number: u32,
        filter: &Filter,
        mode: Mode,
    ) -> Option<String> {
        let tenant = self.snapshot.tenant_of(kind, number);
        if kind == SubjectKind::Computer && filter.reads(Root::Computer) {
            let why = self.inventory_unread(number, mode);
            if why.is_some() {
                return why;
            }
        }
        if !filter.reads(Root::Person) || kind == SubjectKind::Tenant {
            return None;
        }
        let affinity = (kind == SubjectKind::Computer)
            .then(|| self.snapshot.stale("", FeedKind::Affinity, tenant, mode))
            .flatten();
        affinity.or_else(|| {
            let person = whose(&self.snapshot, kind, number, Root::Person);
            let row = self.snapshot.persons.get(person)?;
            self.snapshot.stale(&row.directory.connection, FeedKind::Directory, row.tenant, mode)
        })
    }

    /// The facts that a filter reads and that were not read for a subject, by name.
    pub(crate) fn missing_facts(&self, kind: SubjectKind, number: u32, text: &str) -> Vec<String> {
        let Some(filter) = self.filters.get(text) else { return Vec::new() };
        let readers = self.readers(&filter);
        let unread = filter
            .fields()
            .iter()
            .zip(&readers)
            .filter(|(_, reader)| reader.code(&self.snapshot, kind, number) == UNREAD);
        unread.map(|((root, name), _)| format!("{}.{name}", root.name())).collect()
    }
}

/// The codes at these places.
fn picked(at: &[usize], codes: &[u32]) -> Vec<u32> {
    at.iter().filter_map(|at| codes.get(*at).copied()).collect()
}

/// What a filter, or a part of one, gave for the sets of values seen so far.
struct Memory {
    sizes: Vec<usize>,
    table: Vec<Option<Truth>>,
    map: HashMap<Vec<u32>, Truth>,
}

impl Memory {
    /// Of the values of the readers at these places.
    fn new(readers: &[Reader<'_>], at: &[usize], snapshot: &Snapshot) -> Self {
        let own = at.iter().filter_map(|at| readers.get(*at));
        let sizes: Vec<usize> = own.map(|reader| reader.codes(snapshot)).collect();
        let product = sizes.iter().try_fold(1_usize, |all, size| all.checked_mul(*size));
        let table = product.filter(|product| *product <= TABLE);
        Self { sizes, table: vec![None; table.unwrap_or(0)], map: HashMap::new() }
    }

    fn recall(&mut self, codes: &[u32], run: impl FnOnce() -> Truth) -> Truth {
        if self.table.is_empty() {
            if let Some(known) = self.map.get(codes) {
                return *known;
            }
            let truth = run();
            self.map.insert(codes.to_vec(), truth);
            return truth;
        }
        let pairs = codes.iter().zip(&self.sizes);
        let at = pairs.fold(0, |at, (code, size)| at * size + *code as usize);
        match self.table.get_mut(at) {
            Some(place) => *place.get_or_insert_with(run),
            None => run(),
        }
    }
}
