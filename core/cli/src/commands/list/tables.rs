//! The lists as tables, a row per entity, within the width of a page.

use std::collections::HashMap;

use core_model::entity::{
    Agent, Agreement, Client, Computer, Entity, EntityRow, Group, Person, Question, Tenant,
};
use core_model::facts::{AccountKind, Facts};
use core_model::id::{PersonId, TenantId};
use core_store::StoredRecord;

use super::Listing;
use crate::cli::ListKind;
use crate::commands::find;
use crate::commands::show::words;
use crate::commands::text::{self, word};
use crate::failure::Failure;
use crate::output::{self, Align, TextTable};

const LEFT: Align = Align::Left;
const RIGHT: Align = Align::Right;

impl Listing<'_> {
    /// Prints the rows, in the order of their names.
    pub(super) async fn print(
        &self,
        rows: &[EntityRow],
        groups: &[StoredRecord],
    ) -> Result<(), Failure> {
        let mut rows: Vec<&EntityRow> = rows.iter().collect();
        rows.sort_by_cached_key(|row| (row.name.to_lowercase(), row.id.clone()));
        let table = match self.args.kind {
            ListKind::Tenants => tenants(&read(&rows)?),
            ListKind::Clients => self.clients_table(&read(&rows)?),
            ListKind::Persons => self.persons(&read(&rows)?),
            ListKind::Computers => self.computers(&read(&rows)?).await?,
            ListKind::Agents => self.agents(&read(&rows)?),
            ListKind::Agreements => self.agreements(&read(&rows)?).await?,
            ListKind::Groups => self.groups(&read(&rows)?, groups),
            _ => {
                self.decisions(&read(&rows)?);
                return Ok(());
            }
        };
        table.print();
        Ok(())
    }

    fn tenant_name(&self, tenant: Option<TenantId>) -> String {
        let name = tenant.and_then(|tenant| self.names.get(&tenant));
        name.map_or_else(|| "-".to_owned(), Clone::clone)
    }

    fn clients_table(&self, clients: &[Client]) -> TextTable {
        let mut table = TextTable::new(&[
            ("connection", LEFT),
            ("key", LEFT),
            ("name", LEFT),
            ("tenant", LEFT),
            ("why", LEFT),
        ])
        .cutting(&[("key", 10), ("why", 14), ("tenant", 14), ("name", 20)]);
        for client in clients {
            table.row([
                client.connection.clone(),
                client.key.clone(),
                client.name.clone(),
                self.tenant_name(client.tenant),
                words::client_link(client),
            ]);
        }
        table
    }

    fn persons(&self, persons: &[Person]) -> TextTable {
        let columns = [("name", LEFT), ("upn", LEFT), ("tenant", LEFT), ("note", LEFT)];
        let mut table = TextTable::new(&columns)
            .cutting(&[("tenant", 12), ("name", 16)])
            .cutting(&[("upn", 34)]);
        for person in persons {
            let notes = [
                (person.account == AccountKind::Guest, "guest"),
                (person.disabled, "disabled"),
                (person.gone, "gone"),
            ];
            table.row([
                person.display_name.clone(),
                person.upn.clone(),
                self.tenant_name(Some(person.tenant)),
                notes_of(&notes),
            ]);
        }
        table
    }

    async fn computers(&self, computers: &[Computer]) -> Result<TextTable, Failure> {
        let primary = |computer: &Computer| computer.primary.as_ref().map(|one| one.person);
        let ids: Vec<String> =
            computers.iter().filter_map(primary).map(|person| person.to_string()).collect();
        let persons: Vec<Person> = find::by_ids(self.store, &ids).await?;
        let names: HashMap<PersonId, String> =
            persons.into_iter().map(|person| (person.id, person.display_name)).collect();
        let mut table = TextTable::new(&[
            ("name", LEFT),
            ("tenant", LEFT),
            ("system", LEFT),
            ("agents", RIGHT),
            ("primary person", LEFT),
            ("note", LEFT),
        ])
        .cutting(&[("tenant", 12), ("system", 12), ("primary person", 14), ("note", 12)]);
        for computer in computers {
            let name = primary(computer).and_then(|person| names.get(&person));
            let mut notes: Vec<String> = computer.flags.iter().map(word).collect();
            notes.extend(computer.gone.then(|| "gone".to_owned()));
            table.row([
                computer.name.clone(),
                self.tenant_name(Some(computer.tenant)),
                computer.os.clone().unwrap_or_default(),
                computer.agents.len().to_string(),
                name.cloned().unwrap_or_else(|| "-".to_owned()),
                notes.join(", "),
            ]);
        }
        Ok(table)
    }

    fn agents(&self, agents: &[Agent]) -> TextTable {
        let mut table = TextTable::new(&[
            ("host", LEFT),
            ("connection", LEFT),
            ("key", LEFT),
            ("tenant", LEFT),
            ("state", LEFT),
            ("rule", LEFT),
            ("note", LEFT),
        ])
        .cutting(&[("key", 13), ("tenant", 12)]);
        for agent in agents {
            table.row([
                agent.host.clone(),
                agent.connection.clone(),
                agent.key.clone(),
                self.tenant_name(agent.tenant),
                word(&agent.state),
                agent.rule.as_ref().map(words::rule_number).unwrap_or_default(),
                notes_of(&[(agent.decision.is_some(), "decision"), (agent.gone, "gone")]),
            ]);
        }
        table
    }

    async fn agreements(&self, agreements: &[Agreement]) -> Result<TextTable, Failure> {
        let lines = self.lines().await?;
        let mut table = TextTable::new(&[
            ("name", LEFT),
            ("tenant", LEFT),
            ("type", LEFT),
            ("state", LEFT),
            ("dates", LEFT),
            ("lines", RIGHT),
        ])
        .cutting(&[("name", 16), ("tenant", 12), ("type", 10)]);
        for agreement in agreements {
            let key = (agreement.connection.clone(), agreement.key.clone());
            let gone = if agreement.gone { "gone".to_owned() } else { word(&agreement.state) };
            table.row([
                agreement.name.clone(),
                self.tenant_name(agreement.tenant),
                agreement.agreement_type.clone().unwrap_or_default(),
                gone,
                text::dates(agreement.dates),
                lines.get(&key).map_or(0, Vec::len).to_string(),
            ]);
        }
        Ok(table)
    }

    fn groups(&self, groups: &[Group], of_connections: &[StoredRecord]) -> TextTable {
        let mut table = TextTable::new(&[
            ("name", LEFT),
            ("connection", LEFT),
            ("tenant", LEFT),
            ("type", LEFT),
            ("note", LEFT),
        ])
        .cutting(&[("name", 20), ("tenant", 12)]);
        for group in groups {
            table.row([
                group.name.clone(),
                group.connection.clone(),
                self.tenant_name(Some(group.tenant)),
                word(&group.group_type),
                notes_of(&[
                    (group.dynamic, "dynamic"),
                    (group.on_premises, "on-premises"),
                    (group.gone, "gone"),
                ]),
            ]);
        }
        for stored in of_connections {
            if let Facts::ConnectionGroup(group) = &stored.facts {
                table.row([
                    group.name.clone(),
                    stored.record.connection.clone(),
                    "-".to_owned(),
                    word(&group.group_kind),
                    notes_of(&[(stored.gone_since_us.is_some(), "gone")]),
                ]);
            }
        }
        table
    }

    fn decisions(&self, questions: &[Question]) {
        for (number, question) in questions.iter().enumerate() {
            if number > 0 {
                output::line("");
            }
            let tenant = self.tenant_name(Some(question.tenant));
            text::wrapped("", 2, &format!("{} · {tenant}", question.text));
            for evidence in &question.evidence {
                text::wrapped("  - ", 4, evidence);
            }
            text::decide(question);
        }
    }
}

fn tenants(tenants: &[Tenant]) -> TextTable {
    let mut table = TextTable::new(&[
        ("id", LEFT),
        ("name", LEFT),
        ("clients", RIGHT),
        ("time zone", LEFT),
        ("note", LEFT),
    ])
    .cutting(&[("name", 20), ("time zone", 12)]);
    for tenant in tenants {
        table.row([
            text::short(&tenant.id.to_string()).to_owned(),
            tenant.name.clone(),
            tenant.clients.len().to_string(),
            tenant.time_zone.clone().unwrap_or_else(|| "-".to_owned()),
            notes_of(&[(tenant.operator, "operator"), (tenant.suspended, "suspended")]),
        ]);
    }
    table
}

fn notes_of(notes: &[(bool, &str)]) -> String {
    let held: Vec<&str> = notes.iter().filter(|(holds, _)| *holds).map(|(_, note)| *note).collect();
    held.join(", ")
}

fn read<E: Entity>(rows: &[&EntityRow]) -> Result<Vec<E>, Failure> {
    rows.iter().map(|row| find::read(row)).collect()
}
