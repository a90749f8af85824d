//! Which clients are the same customer, and why.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use core_model::RecordRef;
use core_model::entity::LinkReason;
use core_model::facts::Reference;
use core_model::names::normal_name;

use super::{LinkInput, decided, in_words};
use crate::union::Union;

/// Clients joined into sets, with the reason of each client's first join.
pub(super) struct Edges {
    pub(super) union: Union,
    pub(super) reasons: HashMap<usize, LinkReason>,
    /// Clients about which a human decided: no rule moves them.
    settled: BTreeSet<usize>,
    /// Clients that take the people of a split directory: the directory is not theirs alone.
    split: BTreeMap<String, BTreeSet<usize>>,
}

impl Edges {
    pub(super) fn find(input: &LinkInput<'_>) -> Self {
        let mut edges = Self {
            union: Union::new(input.clients.len()),
            reasons: HashMap::new(),
            settled: BTreeSet::new(),
            split: BTreeMap::new(),
        };
        edges.find_splits(input);
        edges.join_decided(input);
        edges.join_references(input);
        edges.join_domains(input);
        edges.join_names(input);
        edges
    }

    fn join(&mut self, a: usize, b: usize, reason: &LinkReason) {
        if self.union.root(a) == self.union.root(b) {
            return;
        }
        self.union.join(a, b);
        for client in [a, b] {
            self.reasons.entry(client).or_insert_with(|| reason.clone());
        }
    }

    fn find_splits(&mut self, input: &LinkInput<'_>) {
        for split in &input.policy.splits {
            let named = input.clients.iter().position(|client| {
                client.record.connection == split.connection
                    && (client.record.key == split.client || client.facts.name == split.client)
            });
            self.split.entry(split.directory.clone()).or_default().extend(named);
        }
    }

    fn join_decided(&mut self, input: &LinkInput<'_>) {
        for (client, with) in decided(input.decisions) {
            let find = |wanted: &RecordRef| {
                input.clients.iter().position(|client| client.record == *wanted)
            };
            let Some(client) = find(client) else { continue };
            self.settled.insert(client);
            if let Some(with) = with.and_then(find) {
                self.union.join(client, with);
                self.reasons.insert(client, LinkReason::Decision);
            }
        }
    }

    /// Two clients that carry the same reference, or one that carries the other's own.
    fn join_references(&mut self, input: &LinkInput<'_>) {
        let mut carriers: BTreeMap<Reference, BTreeSet<usize>> = BTreeMap::new();
        for (number, client) in input.clients.iter().enumerate() {
            if client.facts.placeholder {
                continue;
            }
            let own = Reference {
                system: client.connector.clone(),
                id: client.record.key.to_lowercase(),
            };
            for reference in client.facts.references.iter().cloned().chain([own]) {
                carriers.entry(reference).or_default().insert(number);
            }
        }
        for (connection, link) in &input.links {
            let from = input.clients.iter().position(|client| {
                client.record.connection == *connection && client.record.key == link.client
            });
            carriers.entry(link.reference.clone()).or_default().extend(from);
        }
        for (reference, mut clients) in carriers {
            if reference.system == "directory"
                && let Some(split) = self.split.get(&reference.id)
            {
                clients.retain(|client| !split.contains(client));
            }
            if own_is_ambiguous(input, &reference) {
                continue;
            }
            let reason = LinkReason::Reference { what: in_words(&reference) };
            self.join_all(&clients, &reason);
        }
    }

    fn join_all(&mut self, clients: &BTreeSet<usize>, reason: &LinkReason) {
        let mut free = clients.iter().copied().filter(|client| !self.settled.contains(client));
        let Some(first) = free.next() else { return };
        for other in free.collect::<Vec<_>>() {
            self.join(first, other, reason);
        }
    }

    /// A directory's default domain equal to a client's, if only one client on each side has it.
    fn join_domains(&mut self, input: &LinkInput<'_>) {
        let domains = |number: usize| {
            input.clients[number].facts.default_domain.iter().cloned().collect::<Vec<_>>()
        };
        for (domain, clients) in self.unique(input, domains) {
            self.join_apart(input, &clients, &LinkReason::Domain { domain });
        }
    }

    /// Equal names after normalisation, if only one client of each connection has the name.
    fn join_names(&mut self, input: &LinkInput<'_>) {
        let names = |number: usize| {
            let facts = &input.clients[number].facts;
            let names = std::iter::once(&facts.name).chain(&facts.other_names);
            names.map(|name| normal_name(name)).filter(|name| !name.is_empty()).collect::<Vec<_>>()
        };
        for (name, clients) in self.unique(input, names) {
            self.join_apart(input, &clients, &LinkReason::Name { name });
        }
    }

    /// Values with the clients that have them, of connections in which one client alone has the
    /// value.
    fn unique(
        &self,
        input: &LinkInput<'_>,
        values: impl Fn(usize) -> Vec<String>,
    ) -> BTreeMap<String, Vec<usize>> {
        let mut having: BTreeMap<String, BTreeMap<&str, BTreeSet<usize>>> = BTreeMap::new();
        for (number, client) in input.clients.iter().enumerate() {
            if client.facts.placeholder || client.gone || self.settled.contains(&number) {
                continue;
            }
            for value in values(number) {
                let by_connection = having.entry(value).or_default();
                by_connection.entry(&client.record.connection).or_default().insert(number);
            }
        }
        having
            .into_iter()
            .map(|(value, by_connection)| {
                let single = by_connection.into_values().filter(|clients| clients.len() == 1);
                (value, single.flatten().collect())
            })
            .collect()
    }

    /// Joins clients, but none to a set that has a client of its connection already: a name is not
    /// enough to say that two customers of one system are the same.
    fn join_apart(&mut self, input: &LinkInput<'_>, clients: &[usize], reason: &LinkReason) {
        let Some((&first, others)) = clients.split_first() else { return };
        for &other in others {
            let connection = |client: usize| input.clients[client].record.connection.as_str();
            if !self.connections(input, first).contains(connection(other))
                && !self.connections(input, other).contains(connection(first))
            {
                self.join(first, other, reason);
            }
        }
    }

    fn connections<'a>(&self, input: &'a LinkInput<'_>, root: usize) -> BTreeSet<&'a str> {
        let members = self.union.set(root).iter();
        members.map(|&client| input.clients[client].record.connection.as_str()).collect()
    }
}

/// The reference names a client by its connector's kind, and two connections of that kind have a
/// client with that id: nobody knows which is meant.
fn own_is_ambiguous(input: &LinkInput<'_>, reference: &Reference) -> bool {
    let named = input.clients.iter().filter(|client| {
        client.connector == reference.system && client.record.key.to_lowercase() == reference.id
    });
    let connections: BTreeSet<&str> =
        named.map(|client| client.record.connection.as_str()).collect();
    connections.len() > 1
}
