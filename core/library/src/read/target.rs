//! Targets: a word, or a table that says one thing.

use core_model::facts::ConnectionGroupKind;
use core_model::library::{SubjectId, Target};
use core_resolve::check_filter;
use core_toml::{Document, Item, Node, printable};

use super::reference::Home;
use super::{Place, Reader, Table};
use crate::names::VendorKey;

/// What a target may say; `tenant` is another, where it stands alone.
const SAYS: [&str; 13] = [
    "computer",
    "person",
    "group",
    "tag",
    "agreement",
    "product",
    "agent_group",
    "location",
    "property",
    "filter",
    "all_of",
    "any_of",
    "not",
];

/// What may stand beside something, and beside what.
const BESIDE: [(&str, &[&str]); 4] = [
    ("tenant", &["computer", "person", "group"]),
    ("children", &["tenant", "agreement", "product"]),
    ("connection", &["agreement", "product", "agent_group", "location", "property"]),
    ("value", &["property"]),
];

/// What stands before a vendor's key, where a name would not do.
pub(crate) const KEY: &str = "key:";

impl<'a> Reader<'a> {
    /// Reads a target; names are looked up at home where they do not say where.
    pub(super) fn target(&mut self, file: usize, node: &'a Node, home: Home) -> Option<Target> {
        match &node.item {
            Item::Table(_) => self.table_target(Table { file, node }, home),
            _ => (node.text() == Some("all")).then_some(Target::All),
        }
    }

    fn table_target(&mut self, table: Table<'a>, home: Home) -> Option<Target> {
        let said: Vec<&'static str> =
            SAYS.into_iter().filter(|key| table.get(key).is_some()).collect();
        let key = match said.as_slice() {
            [one] => *one,
            [] if table.get("tenant").is_some() => "tenant",
            [] if table.get("except").is_some() => "except",
            [] => {
                // An unknown key was told already, and is what was meant.
                let known = |key: &str| BESIDE.iter().any(|(beside, _)| *beside == key);
                if table.node.entries().iter().all(|entry| known(&entry.key)) {
                    let help = format!("write \"all\", or one of: tenant, {}", SAYS.join(", "));
                    self.say(&table.place(""), "this target says nothing", "empty", &help);
                }
                return None;
            }
            [one, other, ..] => {
                let what = format!("this target says two things: `{one}` and `{other}`");
                let help = format!(
                    "for both write `all_of = [{{ {one} = … }}, {{ {other} = … }}]`, for either \
                     `any_of`"
                );
                self.say(&table.place(other), what, "one too many", &help);
                return None;
            }
        };
        self.meaningless(table, key);
        let target = match key {
            "except" => Some(Target::All),
            _ => self.said(table, key, home),
        };
        match table.get("except") {
            Some(out) => {
                let out = self.except(table.file, out, home);
                Some(target?.except(out?))
            }
            None => target,
        }
    }

    /// What stands beside something that it says nothing about.
    fn meaningless(&mut self, table: Table<'a>, key: &str) {
        for (beside, of) in BESIDE {
            if table.get(beside).is_none() || of.contains(&key) || beside == key {
                continue;
            }
            let what = format!("`{beside}` means nothing beside `{key}`");
            let mut help = format!("it belongs beside: {}", of.join(", "));
            if beside == "tenant" {
                help = format!(
                    "for both write `all_of = [{{ tenant = … }}, {{ {key} = … }}]`; `tenant` says \
                     whose a computer, person or group is"
                );
            }
            self.say(&table.place(beside), what, "not here", &help);
        }
    }

    fn said(&mut self, table: Table<'a>, key: &str, home: Home) -> Option<Target> {
        let node = table.get(key)?;
        let at = (table.file, node);
        let children = table.flag("children");
        match key {
            "tenant" => Some(Target::Tenant { tenant: self.tenant(at)?, children }),
            "computer" | "person" | "group" => {
                let home = self.home(table, home)?;
                Some(match key {
                    "computer" => Target::Computer(self.computer(at, home)?),
                    "person" => Target::Person(self.person(at, home)?),
                    _ => Target::Group(self.group(at, home)?),
                })
            }
            "tag" => Some(Target::Tag(self.definition(at, "tag", |reader| &reader.tags)?)),
            "agreement" => self.agreement(table, node, children),
            "product" => {
                let connection = self.connection_beside(table)?;
                let product = self.product(at, connection.as_deref())?;
                Some(Target::Product { product, children })
            }
            "agent_group" => self.connection_group(table, node, ConnectionGroupKind::Group),
            "location" => self.connection_group(table, node, ConnectionGroupKind::Location),
            "property" => self.property(table, node),
            "filter" => self.filter(table.file, node),
            "all_of" => self.several(table.file, node, home).map(Target::And),
            "any_of" => self.several(table.file, node, home).map(Target::Or),
            _ => Some(Target::Not(Box::new(self.target(table.file, node, home)?))),
        }
    }

    /// Where the names of this table are looked up.
    fn home(&mut self, table: Table<'a>, home: Home) -> Option<Home> {
        match table.get("tenant") {
            Some(node) => self.tenant((table.file, node)).map(Home::at),
            None => Some(home),
        }
    }

    fn several(&mut self, file: usize, node: &'a Node, home: Home) -> Option<Vec<Target>> {
        // All are read before one that could not be read ends it: each has its own mistakes.
        let parts: Vec<Option<Target>> =
            node.items().iter().map(|part| self.target(file, part, home)).collect();
        parts.into_iter().collect()
    }

    fn except(&mut self, file: usize, node: &'a Node, home: Home) -> Option<Target> {
        match node.item {
            Item::Array(_) => self.several(file, node, home).map(Target::Or),
            _ => self.target(file, node, home),
        }
    }

    /// The connection beside something; `None` where there is one that is unknown.
    fn connection_beside(&mut self, table: Table<'a>) -> Option<Option<String>> {
        match table.get("connection") {
            Some(node) => self.connection((table.file, node)).map(Some),
            None => Some(None),
        }
    }

    /// The connection beside something that needs one.
    fn connection_of(&mut self, table: Table<'a>, key: &str) -> Option<String> {
        if table.get("connection").is_none() {
            let names = self.names.connections.iter();
            let names: Vec<String> = names.map(|name| printable(name)).collect();
            let help = format!("add `connection = …`; there are: {}", names.join(", "));
            let what = format!("`{key}` lacks the connection that it is of");
            self.say(&table.place(key), what, "of which one?", &help);
        }
        self.connection_beside(table)?
    }

    fn agreement(&mut self, table: Table<'a>, node: &'a Node, children: bool) -> Option<Target> {
        let connection = self.connection_beside(table)?;
        let name = node.text()?.trim();
        let of = |one: &str| connection.as_deref().is_none_or(|connection| connection == one);
        let names = self.names;
        let types: Vec<&str> = (names.agreement_types.iter())
            .filter(|(connection, _)| of(connection))
            .map(|(_, name)| name.as_str())
            .collect();
        let handle = core_model::library::handle(name);
        let there = types.iter().any(|other| core_model::library::handle(other) == handle);
        if !there && !self.mentioned.contains(name) {
            let help = core_toml::choices(name, "types there are", types.iter().copied());
            let what = format!("there is no agreement of the type \"{}\"", printable(name));
            self.say(&table.place("agreement"), what, "unknown", &help);
            return None;
        }
        Some(Target::AgreementType { connection, name: name.to_owned(), children })
    }

    fn connection_group(
        &mut self,
        table: Table<'a>,
        node: &'a Node,
        kind: ConnectionGroupKind,
    ) -> Option<Target> {
        let (key, what) = match kind {
            ConnectionGroupKind::Group => ("agent_group", "group"),
            ConnectionGroupKind::Location => ("location", "location"),
        };
        let connection = self.connection_of(table, key)?;
        let text = node.text()?;
        let (names, place) = (self.names, table.place(key));
        let scope = (connection.clone(), kind);
        let found = names.connection_groups.find(text, Some(&scope));
        let by_key = text.strip_prefix(KEY).filter(|key| {
            let id: VendorKey = (connection.clone(), kind, (*key).to_owned());
            names.connection_groups.get(&id).is_some() || self.mentioned.contains(*key)
        });
        let key = match found.as_slice() {
            _ if by_key.is_some() => by_key.unwrap_or_default().to_owned(),
            [(_, _, key)] => key.clone(),
            [] => {
                let all: Vec<&str> = names.connection_groups.names(Some(&scope)).collect();
                let help = core_toml::choices(text, "there are", all.iter().copied());
                let said = format!("{connection} has no {what} \"{}\"", printable(text));
                self.say(&place, said, "unknown", &help);
                return None;
            }
            many => {
                let key = |(_, _, key): &VendorKey| format!("\"{KEY}{}\"", printable(key));
                let keys: Vec<String> = many.iter().map(key).collect();
                let count = many.len();
                let said = format!("{connection} has {count} {what}s \"{}\"", printable(text));
                let help = format!("write the vendor's key instead: {}", keys.join(", "));
                self.say(&place, said, "which one?", &help);
                return None;
            }
        };
        Some(Target::ConnectionGroup { connection, kind, key })
    }

    fn property(&mut self, table: Table<'a>, node: &'a Node) -> Option<Target> {
        if table.get("value").is_none() {
            let help = "add `value = …`: it is compared exactly";
            self.say(&table.place("property"), "`property` lacks its `value`", "here", help);
        }
        let connection = self.connection_of(table, "property")?;
        let (name, value) = (node.text()?.to_owned(), table.text("value")?.to_owned());
        Some(Target::CustomProperty { connection, name, value })
    }

    fn filter(&mut self, file: usize, node: &'a Node) -> Option<Target> {
        let text = node.text()?;
        if let Err(error) = check_filter(text) {
            let place = Place { file, span: node.span.clone() };
            let place = within(self.documents.get(file), &place, text, &error);
            let what = format!("this is no filter: {}", error.message);
            let help = "a filter is an expression over facts of computer, person and tenant, such \
                        as computer.os.startsWith('Windows 11')";
            self.say(&place, what, "here", help);
            return None;
        }
        Some(Target::Filter(text.to_owned()))
    }

    /// A subject: exactly one of `computer`, `person`, `tenant`.
    pub(super) fn subject(&mut self, table: Table<'a>) -> Option<SubjectId> {
        let keys: Vec<&str> =
            ["computer", "person"].into_iter().filter(|key| table.get(key).is_some()).collect();
        match keys.as_slice() {
            [key] => {
                let home = self.home(table, Home::default())?;
                let at = (table.file, table.get(key)?);
                match *key {
                    "computer" => self.computer(at, home).map(Into::into),
                    _ => self.person(at, home).map(Into::into),
                }
            }
            [] => match table.get("tenant") {
                Some(node) => self.tenant((table.file, node)).map(Into::into),
                None => {
                    if table.node.entries().is_empty() {
                        let help = "write one of: computer, person, tenant";
                        self.say(&table.place(""), "this says nobody", "empty", help);
                    }
                    None
                }
            },
            _ => {
                let what = "this says two: `computer` and `person`";
                let help = "a subject is one computer, one person or one tenant";
                self.say(&table.place("person"), what, "one too many", help);
                None
            }
        }
    }
}

/// The place of a filter's mistake in the file, where the text stands there as it is; else of the
/// whole filter.
fn within(
    document: Option<&Document>,
    place: &Place,
    text: &str,
    error: &core_resolve::FilterError,
) -> Place {
    let whole = place.clone();
    let Some(source) = document.map(Document::text) else { return whole };
    let Some(raw) = source.get(place.span.clone()) else { return whole };
    let Some(start) = raw.find(text) else { return whole };
    let before = text.split_inclusive('\n').take(error.line.saturating_sub(1));
    let line: usize = before.map(str::len).sum();
    let rest = text.get(line..).unwrap_or_default();
    let column = rest.char_indices().nth(error.column.saturating_sub(1));
    let column = column.map_or(rest.trim_end().len(), |(at, _)| at);
    let at = place.span.start + start + line + column;
    let letter = source.get(at..).and_then(|rest| rest.chars().next());
    Place { file: place.file, span: at..at + letter.map_or(0, char::len_utf8) }
}
