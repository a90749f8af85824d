//! Golden cases.

use core_model::library::{Expectation, Expected};

use super::{Reader, Table};

/// What a golden case may expect.
const EXPECTS: [&str; 3] = ["winner", "state", "outcome"];

impl<'a> Reader<'a> {
    pub(super) fn read_expectations(&mut self) -> Vec<Expectation> {
        let tables = self.tables("expect");
        tables.into_iter().filter_map(|table| self.expectation(table)).collect()
    }

    fn expectation(&mut self, table: Table<'a>) -> Option<Expectation> {
        let own = self.own_expectation(table);
        let item = self.item(table);
        let instance = self.instance(table, item);
        let subject = table.get("subject").and_then(|node| {
            let file = table.file;
            self.subject(Table { file, node })
        });
        let as_of = self.day(table, "on");
        let said: Vec<&str> = EXPECTS.into_iter().filter(|key| table.get(key).is_some()).collect();
        let expected = match said.as_slice() {
            ["winner"] => {
                let node = table.get("winner")?;
                let of = self.definition((table.file, node), "deployment", |one| &one.deployments);
                of.map(Expected::Deployment)
            }
            ["state"] => self.state(table, item).map(Expected::State),
            [_] => match table.text("outcome") {
                Some("nobody") => Some(Expected::Nobody),
                Some("blocked") => Some(Expected::Blocked),
                _ => None,
            },
            [] => {
                let help = "add one of: `winner = \"a deployment\"`, `state = \"ignored\"`, \
                            `outcome = \"nobody\"`, `outcome = \"blocked\"`";
                let what = "this golden case expects nothing";
                self.say(&table.place("name"), what, "add it to this table", help);
                None
            }
            [one, other, ..] => {
                let what = format!("this golden case expects two things: `{one}` and `{other}`");
                self.say(&table.place(other), what, "one too many", "make two of it");
                None
            }
        };
        let (id, _, name) = own?;
        let note = table.text("note").unwrap_or_default().to_owned();
        let (subject, item, expected) = (subject?, item?, expected?);
        Some(Expectation { id, name, subject, item, instance, as_of, expected, note })
    }
}
