//! What things are called in the hub: files name them, ids stand for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;
use std::sync::Arc;

use core_model::facts::ConnectionGroupKind;
use core_model::id::{ComputerId, GroupId, PersonId, ProductId, TenantId};
use core_model::library::handle;
use core_model::names::normal_name;

/// What there is, and what it is called. Whoever reads the store supplies it; things that are gone
/// at their source are left out.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub(crate) tenants: Index<TenantId, ()>,
    pub(crate) computers: Index<ComputerId, TenantId>,
    pub(crate) persons: Index<PersonId, TenantId>,
    pub(crate) groups: Index<GroupId, TenantId>,
    pub(crate) products: Index<ProductId, Arc<str>>,
    pub(crate) connections: BTreeSet<String>,
    /// (connection, type).
    pub(crate) agreement_types: BTreeSet<(String, String)>,
    pub(crate) connection_groups: Index<VendorKey, (String, ConnectionGroupKind)>,
}

/// The vendor's key of a connection's own group.
pub(crate) type VendorKey = (String, ConnectionGroupKind, String);

impl Names {
    /// Nothing is there.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A connection, as the settings name it.
    pub fn connection(&mut self, name: &str) -> &mut Self {
        self.connections.insert(name.to_owned());
        self
    }

    /// A tenant, who is found without case, punctuation and legal form where nobody is called
    /// exactly so: `Contoso` is `Contoso, Ltd.`
    pub fn tenant(&mut self, id: TenantId, name: &str) -> &mut Self {
        self.tenants.put(id, (), name, None);
        self.tenants.loosely(id, normal_name(name));
        self
    }

    /// A computer.
    pub fn computer(&mut self, id: ComputerId, tenant: TenantId, name: &str) -> &mut Self {
        self.computers.put(id, tenant, name, None);
        self
    }

    /// A person, who is found by name and by UPN.
    pub fn person(
        &mut self,
        id: PersonId,
        tenant: TenantId,
        name: &str,
        upn: Option<&str>,
    ) -> &mut Self {
        self.persons.put(id, tenant, name, upn);
        self
    }

    /// A directory group.
    pub fn group(&mut self, id: GroupId, tenant: TenantId, name: &str) -> &mut Self {
        self.groups.put(id, tenant, name, None);
        self
    }

    /// A product.
    pub fn product(&mut self, id: ProductId, connection: &str, name: &str) -> &mut Self {
        self.products.put(id, connection.into(), name, None);
        // What is known by a connection is, though it may be in the settings no more.
        self.connection(connection)
    }

    /// A type of agreement.
    pub fn agreement_type(&mut self, connection: &str, name: &str) -> &mut Self {
        self.agreement_types.insert((connection.to_owned(), name.to_owned()));
        self.connection(connection)
    }

    /// A connection's own group or location.
    pub fn connection_group(
        &mut self,
        connection: &str,
        kind: ConnectionGroupKind,
        key: &str,
        name: &str,
    ) -> &mut Self {
        let id = (connection.to_owned(), kind, key.to_owned());
        self.connection_groups.put(id, (connection.to_owned(), kind), name, None);
        self.connection(connection)
    }
}

/// Things of one kind by id and by name.
#[derive(Clone, Debug)]
pub(crate) struct Index<I, S> {
    entries: BTreeMap<I, Named<S>>,
    by_name: HashMap<String, Vec<I>>,
    /// By a looser spelling, where nothing is found by name.
    by_spelling: HashMap<String, Vec<I>>,
}

/// What a thing is called, and within what its name is looked up.
#[derive(Clone, Debug)]
pub(crate) struct Named<S> {
    pub(crate) name: Arc<str>,
    pub(crate) alias: Option<Arc<str>>,
    pub(crate) scope: S,
}

impl<I, S> Default for Index<I, S> {
    fn default() -> Self {
        let (by_name, by_spelling) = (HashMap::new(), HashMap::new());
        Self { entries: BTreeMap::new(), by_name, by_spelling }
    }
}

impl<I: Clone + Ord, S: PartialEq> Index<I, S> {
    fn put(&mut self, id: I, scope: S, name: &str, alias: Option<&str>) {
        let alias = alias.filter(|alias| handle(alias) != handle(name));
        for text in [Some(name), alias].into_iter().flatten() {
            let ids = self.by_name.entry(handle(text)).or_default();
            if !ids.contains(&id) {
                ids.push(id.clone());
                ids.sort();
            }
        }
        self.entries.insert(id, Named { name: name.into(), alias: alias.map(Into::into), scope });
    }

    fn loosely(&mut self, id: I, spelling: String) {
        // A name of punctuation alone has no such spelling.
        if spelling.is_empty() {
            return;
        }
        let ids = self.by_spelling.entry(spelling).or_default();
        if !ids.contains(&id) {
            ids.push(id);
            ids.sort();
        }
    }

    pub(crate) fn get(&self, id: &I) -> Option<&Named<S>> {
        self.entries.get(id)
    }

    /// Everything with this name or alias, else spelling, within a scope or anywhere.
    pub(crate) fn find(&self, text: &str, scope: Option<&S>) -> Vec<I> {
        let ids = self.by_name.get(&handle(text));
        let ids = ids.or_else(|| self.by_spelling.get(&normal_name(text)));
        let ids = ids.map(Vec::as_slice).unwrap_or_default();
        let within = |id: &&I| {
            scope.is_none_or(|scope| self.get(id).is_some_and(|named| named.scope == *scope))
        };
        ids.iter().filter(within).cloned().collect()
    }

    /// A text by which exactly this thing is found within a scope: its name, else its alias.
    pub(crate) fn unique(&self, id: &I, scope: Option<&S>) -> Option<&str> {
        let named = self.get(id)?;
        [Some(&named.name), named.alias.as_ref()]
            .into_iter()
            .flatten()
            .find(|text| {
                !text.trim().is_empty() && self.find(text, scope) == std::slice::from_ref(id)
            })
            .map(|text| text.trim())
    }

    /// The names within a scope, or all.
    pub(crate) fn names<'a>(&'a self, scope: Option<&'a S>) -> impl Iterator<Item = &'a str> {
        self.entries
            .values()
            .filter(move |named| scope.is_none_or(|scope| named.scope == *scope))
            .map(|named| &*named.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_unique_within_a_tenant_or_not_at_all() {
        let mut names = Names::new();
        let [contoso, fabrikam] = ["Contoso", "Fabrikam"].map(|name| TenantId::of_text(name, 0));
        let [one, two, three] = ["1", "2", "3"].map(|text| ComputerId::of_text(text, 0));
        names.computer(one, contoso, "PC-042").computer(two, fabrikam, "pc-042");
        let index = &names.computers;
        assert_eq!(index.find(" PC-042 ", None).len(), 2);
        assert_eq!(index.find("PC-042", Some(&fabrikam)), [two]);
        assert_eq!(index.unique(&one, None), None);
        assert_eq!(index.unique(&two, Some(&fabrikam)), Some("pc-042"));
        names.computer(three, contoso, "PC-042");
        assert_eq!(names.computers.unique(&one, Some(&contoso)), None);
    }

    #[test]
    fn a_person_is_found_by_upn_where_the_name_repeats() {
        let mut names = Names::new();
        let contoso = TenantId::of_text("Contoso", 0);
        let [one, two] = ["1", "2"].map(|text| PersonId::of_text(text, 0));
        names.person(one, contoso, "Ana Silva", Some("ana@contoso.example"));
        names.person(two, contoso, "Ana Silva", Some("ana2@contoso.example"));
        assert_eq!(names.persons.unique(&one, Some(&contoso)), Some("ana@contoso.example"));
        assert_eq!(names.persons.find("ANA2@contoso.example", None), [two]);
    }

    #[test]
    fn a_tenant_is_found_without_its_legal_form_where_nobody_is_called_exactly_so() {
        let mut names = Names::new();
        let [ltd, plain] = ["1", "2"].map(|text| TenantId::of_text(text, 0));
        names.tenant(ltd, "Contoso, Ltd.");
        assert_eq!(names.tenants.find("CONTOSO", None), [ltd]);
        names.tenant(plain, "Contoso");
        assert_eq!(names.tenants.find("contoso", None), [plain]);
        assert_eq!(names.tenants.find("Contoso Limited", None).len(), 2);
        assert_eq!(names.tenants.unique(&ltd, None), Some("Contoso, Ltd."));
    }
}
