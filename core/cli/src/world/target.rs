//! Targets and subjects as they are typed on a command line: `not:group:Finance`.

use core_model::entity::{ConnectionGroup, Entity, EntityRow, Group, Product, Tenant};
use core_model::facts::ConnectionGroupKind;
use core_model::id::TenantId;
use core_model::library::{SubjectId, SubjectKind, Target};
use core_resolve::check_filter;
use core_store::Store;

use super::World;
use super::find::near;
use crate::commands::{find, show};
use crate::config::choices;
use crate::failure::Failure;

/// What may stand before the colon.
const KINDS: [&str; 12] = [
    "all",
    "computer",
    "person",
    "tenant",
    "group",
    "tag",
    "agreement",
    "product",
    "connection-group",
    "location",
    "property",
    "filter",
];

/// A part of a target before its name is looked up: `not:kind@connection+children:name`.
#[derive(Debug, PartialEq, Eq)]
struct Part<'a> {
    negated: bool,
    kind: &'static str,
    connection: Option<&'a str>,
    children: bool,
    name: &'a str,
}

impl<'a> Part<'a> {
    fn of(text: &'a str) -> Result<Self, Failure> {
        let whole = text;
        let mut text = text.trim();
        let mut negated = false;
        while let Some(rest) = text.strip_prefix("not:") {
            negated = !negated;
            text = rest.trim_start();
        }
        let (head, name) = match text.split_once(':') {
            Some((head, name)) => (head, name.trim()),
            None if text == "all" => ("all", ""),
            None => {
                let what = format!("`{whole}` is no target");
                let kinds = KINDS[1..].join(", ");
                let example = if text.is_empty() { "Finance" } else { text };
                return Err(Failure::usage(what).with_remedy(format!(
                    "say what it is, `group:{example}` or `tenant:{example}`; kinds: all, {kinds}"
                )));
            }
        };
        let (head, children) = match head.strip_suffix("+children") {
            Some(head) => (head, true),
            None => (head, false),
        };
        let (kind, connection) = match head.split_once('@') {
            Some((kind, connection)) => (kind, Some(connection)),
            None => (head, None),
        };
        let Some(kind) = KINDS.into_iter().find(|known| *known == kind) else {
            let what = format!("`{whole}`: there is no kind of target `{kind}`");
            return Err(Failure::usage(what).with_remedy(choices(kind, "kinds", KINDS)));
        };
        let part = Self { negated, kind, connection, children, name };
        part.checked(whole)
    }

    fn checked(self, whole: &str) -> Result<Self, Failure> {
        let inherits = matches!(self.kind, "tenant" | "agreement" | "product");
        let connected =
            matches!(self.kind, "agreement" | "connection-group" | "location" | "property");
        let wrong = if self.name.is_empty() && self.kind != "all" {
            Some(("has no name", format!("write `{}:NAME`", self.kind)))
        } else if !self.name.is_empty() && self.kind == "all" {
            Some(("says more than all", "write `all`".to_owned()))
        } else if self.children && !inherits {
            let who = "only tenant, agreement and product take +children";
            Some(("cannot have +children", who.to_owned()))
        } else if self.connection.is_some() && !connected {
            let who = "only agreement, connection-group, location and property take @CONNECTION";
            Some(("cannot name a connection", who.to_owned()))
        } else {
            None
        };
        match wrong {
            Some((what, remedy)) => {
                Err(Failure::usage(format!("`{whole}` {what}")).with_remedy(remedy))
            }
            None => Ok(self),
        }
    }
}

impl World {
    /// The target that all these parts make together.
    ///
    /// # Errors
    /// With exit code 2 where a part cannot be read, or names what is not there.
    pub(crate) async fn parse_target(
        &self,
        store: &Store,
        texts: &[String],
    ) -> Result<Target, Failure> {
        let parts = texts.iter().map(|text| Part::of(text)).collect::<Result<Vec<_>, _>>()?;
        // Groups of several tenants have the same names: the tenant that is named too is meant.
        let mut tenant = None;
        for part in parts.iter().filter(|part| part.kind == "tenant" && !part.negated) {
            tenant = Some(find::one::<Tenant>(store, "tenant", part.name).await?.id);
        }
        let mut targets = Vec::with_capacity(parts.len());
        for part in &parts {
            let leaf = self.leaf_of(store, part, tenant).await?;
            targets.push(if part.negated { Target::Not(Box::new(leaf)) } else { leaf });
        }
        match targets.len() {
            1 => Ok(targets.remove(0)),
            _ => Ok(Target::And(targets)),
        }
    }

    async fn leaf_of(
        &self,
        store: &Store,
        part: &Part<'_>,
        tenant: Option<TenantId>,
    ) -> Result<Target, Failure> {
        let Part { name, children, .. } = *part;
        let connection = match part.connection {
            Some(connection) => Some(self.connection(connection)?),
            None => None,
        };
        Ok(match part.kind {
            "all" => Target::All,
            "computer" => Target::Computer(computer(store, name).await?.0),
            "person" => Target::Person(show::find_person(store, name).await?.id),
            "tenant" => {
                let tenant = find::one::<Tenant>(store, "tenant", name).await?.id;
                Target::Tenant { tenant, children }
            }
            "group" => Target::Group(group(store, name, tenant).await?),
            "tag" => Target::Tag(self.tag(name)?),
            "agreement" => {
                let name = self.agreement_type(name, connection.as_deref())?;
                Target::AgreementType { connection, name, children }
            }
            "product" => {
                let product = find::one::<Product>(store, "product", name).await?.id;
                Target::Product { product, children }
            }
            "property" => self.property(name, connection.as_deref())?,
            "filter" => {
                check_filter(name).map_err(|error| {
                    Failure::usage(error.to_string()).with_remedy(
                        "write it like `filter:computer.os.contains(\"Server\")`, in quotes for \
                         your shell",
                    )
                })?;
                Target::Filter(name.to_owned())
            }
            kind => {
                let kind = match kind {
                    "location" => ConnectionGroupKind::Location,
                    _ => ConnectionGroupKind::Group,
                };
                let connection = connection.as_deref();
                let group = connection_group(store, kind, name, connection).await?;
                Target::ConnectionGroup { connection: group.connection, kind, key: group.key }
            }
        })
    }

    /// A connection of which something is known.
    fn connection(&self, name: &str) -> Result<String, Failure> {
        let known: Vec<&str> =
            self.loaded.input.feeds.iter().map(|feed| feed.connection.as_str()).collect();
        let known: Vec<&str> = known.into_iter().filter(|known| !known.is_empty()).collect();
        if known.contains(&name) {
            return Ok(name.to_owned());
        }
        Err(Failure::usage(format!("nothing was read from a connection `{name}`"))
            .with_remedy(near(name, "there are", known)))
    }

    /// The type as agreements spell it.
    fn agreement_type(&self, name: &str, connection: Option<&str>) -> Result<String, Failure> {
        let agreements = self.loaded.input.agreements.iter();
        let of = agreements.filter(|one| connection.is_none_or(|name| one.connection == name));
        let types: Vec<&str> = of.filter_map(|one| one.agreement_type.as_deref()).collect();
        let wanted = name.to_lowercase();
        match types.iter().find(|known| known.trim().to_lowercase() == wanted) {
            Some(known) => Ok((*known).to_owned()),
            None => Err(Failure::usage(format!("there is no agreement of type `{name}`"))
                .with_remedy(near(name, "types", types))),
        }
    }

    /// `Role=Kiosk`, of the connection that has such a property.
    fn property(&self, text: &str, connection: Option<&str>) -> Result<Target, Failure> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Failure::usage(format!("`property:{text}` has no value"))
                .with_remedy(format!("write `property:{text}=VALUE`")));
        };
        let agents = self.loaded.input.computers.iter().flat_map(|computer| &computer.agents);
        let mut known: Vec<(&str, &str)> = agents
            .flat_map(|agent| {
                let names = agent.properties.iter().flatten();
                names.map(|(name, _)| (&*agent.connection, &**name))
            })
            .collect();
        known.sort_unstable();
        known.dedup();
        let wanted = name.trim().to_lowercase();
        let fits = |(of, name): &&(&str, &str)| {
            name.to_lowercase() == wanted && connection.is_none_or(|one| one == *of)
        };
        let found: Vec<&(&str, &str)> = known.iter().filter(fits).collect();
        match found.as_slice() {
            [(connection, name)] => Ok(Target::CustomProperty {
                connection: (*connection).to_owned(),
                name: (*name).to_owned(),
                value: value.trim().to_owned(),
            }),
            [] => Err(Failure::usage(format!("no computer has a property `{}`", name.trim()))
                .with_remedy(near(name, "properties", known.iter().map(|one| one.1).collect()))),
            several => {
                let of: Vec<String> =
                    several.iter().map(|(of, name)| format!("property@{of}:{name}")).collect();
                let what = format!("several connections have a property `{}`", name.trim());
                Err(Failure::usage(what).with_remedy(format!("name one: {}", of.join(", "))))
            }
        }
    }

    /// A subject: `computer:NAME`, `person:NAME`, `tenant:NAME`, or a name alone, which is of the
    /// kind that is expected.
    ///
    /// # Errors
    /// With exit code 2 where there is nobody of that name, or where he was not known.
    pub(crate) async fn parse_subject(
        &self,
        store: &Store,
        text: &str,
        expected: SubjectKind,
    ) -> Result<(SubjectKind, u32), Failure> {
        let kinds = [
            ("computer:", SubjectKind::Computer),
            ("person:", SubjectKind::Person),
            ("tenant:", SubjectKind::Tenant),
        ];
        let named =
            kinds.into_iter().find_map(|(lead, kind)| Some((text.strip_prefix(lead)?, kind)));
        let (name, kind) = named.unwrap_or((text, expected));
        let (subject, name): (SubjectId, String) = match kind {
            SubjectKind::Computer => {
                let (id, name) = computer(store, name).await?;
                (id.into(), name)
            }
            SubjectKind::Person => {
                let person = show::find_person(store, name).await?;
                (person.id.into(), person.display_name)
            }
            SubjectKind::Tenant => {
                let tenant: Tenant = find::one(store, "tenant", name).await?;
                (tenant.id.into(), tenant.name)
            }
        };
        Ok((kind, self.number(subject, &name)?))
    }
}

async fn computer(
    store: &Store,
    name: &str,
) -> Result<(core_model::id::ComputerId, String), Failure> {
    let computer: core_model::entity::Computer = find::one(store, "computer", name).await?;
    Ok((computer.id, computer.name))
}

async fn group(
    store: &Store,
    name: &str,
    tenant: Option<TenantId>,
) -> Result<core_model::id::GroupId, Failure> {
    let rows = store.find(Group::KIND, name).await?;
    let tenant = tenant.map(|tenant| tenant.to_string());
    let own: Vec<EntityRow> =
        rows.iter().filter(|row| tenant.is_some() && row.tenant == tenant).cloned().collect();
    let rows = if own.is_empty() { rows } else { own };
    if rows.is_empty() {
        return Err(find::unknown(store, Group::KIND, "group", name).await?);
    }
    Ok(find::read::<Group>(find::pick(store, "group", name, &rows).await?)?.id)
}

async fn connection_group(
    store: &Store,
    kind: ConnectionGroupKind,
    name: &str,
    connection: Option<&str>,
) -> Result<ConnectionGroup, Failure> {
    let mut rows = Vec::new();
    for row in store.find(ConnectionGroup::KIND, name).await? {
        let group: ConnectionGroup = find::read(&row)?;
        let of = connection.is_none_or(|connection| group.connection == connection);
        if of && group.group_kind == kind {
            rows.push(row);
        }
    }
    if rows.is_empty() {
        return Err(find::unknown(store, ConnectionGroup::KIND, "group", name).await?);
    }
    find::read(find::pick(store, "group", name, &rows).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_what_it_is_whose_it_is_and_whether_it_is_excepted() {
        let part = Part::of("not:connection-group@automate:Servers: all").unwrap();
        let expected = Part {
            negated: true,
            kind: "connection-group",
            connection: Some("automate"),
            children: false,
            name: "Servers: all",
        };
        assert_eq!(part, expected);
        assert!(Part::of("tenant+children:Contoso").unwrap().children);
        assert!(!Part::of("not:not:all").unwrap().negated);
        let filter = Part::of("filter: computer.os == \"a:b@c\"").unwrap();
        assert_eq!(filter.name, "computer.os == \"a:b@c\"");
    }

    #[test]
    fn what_is_no_part_is_refused_with_what_would_be() {
        for (text, part) in [
            ("Finance", "`Finance` is no target"),
            ("", "`` is no target"),
            ("gruop:Finance", "there is no kind of target `gruop`"),
            ("group:", "`group:` has no name"),
            ("all:x", "says more than all"),
            ("tag+children:x", "cannot have +children"),
            ("tag@halo:x", "cannot name a connection"),
        ] {
            let error = Part::of(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
