//! Names to ids: what a file names is looked up, and what is not there, or there several times, is
//! told with what could have been meant.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use core_model::id::{ComputerId, GroupId, PersonId, ProductId, TenantId};
use core_model::library::{Owner, handle};
use core_toml::{Node, printable};

use super::{Defined, Handles, Place, Reader};
use crate::names::{Index, Names};

/// How alike two names must be for one to be suggested for the other.
const ALIKE: f64 = 0.7;
/// Suggestions and candidates that are listed.
const LISTED: usize = 5;

/// Within what names are looked up.
pub(super) trait Scope: PartialEq + Clone {
    /// The key that says which one.
    const KEY: Option<&'static str>;
    /// ` at Contoso`.
    fn words(&self, names: &Names) -> String;
}

impl Scope for () {
    const KEY: Option<&'static str> = None;
    fn words(&self, _: &Names) -> String {
        String::new()
    }
}

impl Scope for TenantId {
    const KEY: Option<&'static str> = Some("tenant");
    fn words(&self, names: &Names) -> String {
        let name = names.tenants.get(self).map(|named| printable(&named.name));
        format!(" at {}", name.unwrap_or_else(|| self.to_string()))
    }
}

impl Scope for Arc<str> {
    const KEY: Option<&'static str> = Some("connection");
    fn words(&self, _: &Names) -> String {
        format!(" of {}", printable(self))
    }
}

/// Where a name is looked up.
pub(super) enum Look<'s, S> {
    /// Everywhere.
    Anywhere,
    /// There, and nowhere else.
    Within(&'s S),
    /// There first, and where nothing of that name is there, everywhere.
    First(&'s S),
}

impl<'a> Reader<'a> {
    /// The id of what is named, by name or by id.
    fn look_up<I, S>(
        &mut self,
        (file, node): (usize, &Node),
        what: &str,
        index: &'a Index<I, S>,
        look: &Look<'_, S>,
    ) -> Option<I>
    where
        I: Clone + Ord + Display + FromStr,
        S: Scope,
    {
        let text = node.text()?.trim();
        let place = Place { file, span: node.span.clone() };
        if let Ok(id) = text.parse::<I>() {
            if index.get(&id).is_some() || self.mentioned.contains(&id.to_string()) {
                return Some(id);
            }
            let said = format!("there is no {what} with the id {id}");
            self.say(&place, said, "unknown", "write its name, or an id that a list shows");
            return None;
        }
        let scope = match look {
            Look::Anywhere => None,
            Look::Within(scope) | Look::First(scope) => Some(*scope),
        };
        let mut found = index.find(text, scope);
        if found.is_empty() && matches!(look, Look::First(_)) {
            found = index.find(text, None);
        }
        match found.as_slice() {
            [one] => Some(one.clone()),
            [] => {
                let at = scope.map(|scope| scope.words(self.names)).unwrap_or_default();
                let said = format!("there is no {what} \"{}\"{at}", printable(text));
                let help = unknown(text, index, scope, self.names);
                self.say(&place, said, "unknown", &help);
                None
            }
            many => {
                let said = format!("{what} \"{}\" is there {} times", printable(text), many.len());
                let help = which(many, index, scope, self.names);
                self.say(&place, said, "which one?", &help);
                None
            }
        }
    }

    pub(super) fn tenant(&mut self, at: (usize, &Node)) -> Option<TenantId> {
        let names = self.names;
        self.look_up(at, "tenant", &names.tenants, &Look::Anywhere)
    }

    pub(super) fn computer(&mut self, at: (usize, &Node), home: Home) -> Option<ComputerId> {
        let names = self.names;
        self.look_up(at, "computer", &names.computers, &home.look())
    }

    pub(super) fn person(&mut self, at: (usize, &Node), home: Home) -> Option<PersonId> {
        let names = self.names;
        self.look_up(at, "person", &names.persons, &home.look())
    }

    pub(super) fn group(&mut self, at: (usize, &Node), home: Home) -> Option<GroupId> {
        let names = self.names;
        self.look_up(at, "directory group", &names.groups, &home.look())
    }

    pub(super) fn product(
        &mut self,
        at: (usize, &Node),
        connection: Option<&str>,
    ) -> Option<ProductId> {
        let names = self.names;
        let connection: Option<Arc<str>> = connection.map(Into::into);
        let look = connection.as_ref().map_or(Look::Anywhere, Look::Within);
        self.look_up(at, "product", &names.products, &look)
    }

    /// A connection, as the settings name it.
    pub(super) fn connection(&mut self, (file, node): (usize, &Node)) -> Option<String> {
        let text = node.text()?.trim();
        let names = self.names;
        if names.connections.contains(text) || self.mentioned.contains(text) {
            return Some(text.to_owned());
        }
        let place = Place { file, span: node.span.clone() };
        let all = names.connections.iter().map(String::as_str);
        let help = suggestions(text, "connections", all);
        let said = format!("there is no connection `{}`", printable(text));
        self.say(&place, said, "unknown", &help);
        None
    }

    /// A definition of the files, by name or id. Where a file could not be read at all, what is
    /// not found may be in it: nothing is said.
    pub(super) fn definition<I: Copy + Display + PartialEq>(
        &mut self,
        (file, node): (usize, &Node),
        what: &str,
        of: impl Fn(&Self) -> &Handles<I>,
    ) -> Option<I> {
        let text = node.text()?.trim();
        let handles = of(self);
        let by_id = |defined: &&Defined<I>| defined.id.to_string() == text;
        let found = handles.get(&handle(text)).or_else(|| handles.values().find(by_id));
        if let Some(defined) = found {
            return Some(defined.id);
        }
        if !self.partial {
            let all = handles.values().map(|defined| defined.name.as_str());
            let (who, lead) = match self.over {
                true => ("neither the file nor the hub defines a", "there are"),
                false => ("these files define no", "these files define"),
            };
            let help = suggestions(text, lead, all);
            let said = format!("{who} {what} `{}`", printable(text));
            let place = Place { file, span: node.span.clone() };
            self.say(&place, said, "unknown", &help);
        }
        None
    }
}

/// The tenant that names are looked up at, where they do not say one themselves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Home {
    tenant: Option<TenantId>,
    children: bool,
}

impl Home {
    pub(super) fn of(owner: Option<Owner>) -> Self {
        Self {
            tenant: owner.map(|owner| owner.tenant),
            children: owner.is_some_and(|owner| owner.children),
        }
    }

    /// At this tenant, and nowhere else.
    pub(super) fn at(tenant: TenantId) -> Self {
        Self { tenant: Some(tenant), children: false }
    }

    fn look(&self) -> Look<'_, TenantId> {
        match (&self.tenant, self.children) {
            (None, _) => Look::Anywhere,
            (Some(tenant), false) => Look::Within(tenant),
            (Some(tenant), true) => Look::First(tenant),
        }
    }
}

/// What could have been meant by a name that is not there.
fn unknown<I, S>(text: &str, index: &Index<I, S>, scope: Option<&S>, names: &Names) -> String
where
    I: Clone + Ord,
    S: Scope,
{
    let elsewhere = if scope.is_some() { index.find(text, None) } else { Vec::new() };
    if let (Some(key), false) = (S::KEY, elsewhere.is_empty()) {
        let there = elsewhere.iter().take(LISTED).filter_map(|id| index.get(id));
        let there: Vec<String> =
            there.map(|named| named.scope.words(names).trim().to_owned()).collect();
        return format!("there is one {}: say so with `{key}`", there.join(", "));
    }
    suggestions(text, "there are", index.names(scope))
}

fn which<I, S>(many: &[I], index: &Index<I, S>, scope: Option<&S>, names: &Names) -> String
where
    I: Clone + Ord + Display,
    S: Scope,
{
    let one = |id: &I| {
        let named = index.get(id);
        let name = named.map(|named| printable(&named.name)).unwrap_or_default();
        let at = named.map(|named| named.scope.words(names)).unwrap_or_default();
        format!("{name}{at} ({id})")
    };
    let mut all: Vec<String> = many.iter().take(LISTED).map(one).collect();
    if many.len() > LISTED {
        all.push(format!("and {} more", many.len() - LISTED));
    }
    let remedy = match S::KEY.filter(|_| scope.is_none()) {
        Some(key) => format!("write `{key} = …` beside it, or the id instead"),
        None => "write the id instead".to_owned(),
    };
    format!("{}; {remedy}", all.join(", "))
}

/// "did you mean …?" with the nearest names, or a list where there are few.
pub(super) fn suggestions<'n>(
    word: &str,
    lead: &str,
    all: impl Iterator<Item = &'n str>,
) -> String {
    let word = word.to_lowercase();
    let mut few: Vec<&str> = Vec::new();
    let mut count = 0;
    let mut near: Vec<(f64, &str)> = Vec::new();
    for name in all {
        count += 1;
        if few.len() < 2 * LISTED {
            few.push(name);
        }
        let likeness = strsim::jaro_winkler(&word, &name.to_lowercase());
        if likeness >= ALIKE && !near.iter().any(|(_, other)| *other == name) {
            near.push((likeness, name));
            near.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
            near.truncate(LISTED);
        }
    }
    let quoted = |names: &[&str]| {
        let names: Vec<String> =
            names.iter().map(|name| format!("\"{}\"", printable(name))).collect();
        names.join(", ")
    };
    if !near.is_empty() {
        let near: Vec<&str> = near.into_iter().map(|(_, name)| name).collect();
        return format!("did you mean {}?", quoted(&near));
    }
    match count {
        0 => "there is none at all".to_owned(),
        _ if count <= few.len() => format!("{lead}: {}", quoted(&few)),
        _ => format!("there are {count}, and none is called anything like it"),
    }
}
