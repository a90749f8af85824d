//! What must be so before an item.

use std::collections::BTreeSet;

use core_model::id::SoftwareId;
use core_model::library::{
    BadPrerequisite, ItemId, Prerequisite, PrerequisiteAction, Presence, Quantifier, cycles,
};
use core_toml::{Node, printable};

use super::{Place, Reader, Table};

impl<'a> Reader<'a> {
    pub(super) fn read_prerequisites(
        &mut self,
        table: Table<'a>,
        of: Option<ItemId>,
    ) -> Vec<Prerequisite> {
        if let (Some(item), Some(_)) = (of, table.get("prerequisites")) {
            self.prerequisites.insert(item, table.place("prerequisites"));
        }
        let nodes = table.items("prerequisites").iter();
        let tables = nodes.map(|node| Table { file: table.file, node });
        tables.filter_map(|table| self.prerequisite(table, of)).collect()
    }

    fn prerequisite(&mut self, table: Table<'a>, item: Option<ItemId>) -> Option<Prerequisite> {
        let condition = self.condition(table);
        let named = table.get("software").map(|_| self.some_software(table, "software"));
        let presence = match table.text("are")? {
            "installed" => Presence::Installed,
            "not-installed" => Presence::NotInstalled,
            _ => return None,
        };
        let action = match table.text("then")? {
            "install" => PrerequisiteAction::Install,
            "uninstall" => PrerequisiteAction::Uninstall,
            "fail" => PrerequisiteAction::Fail,
            _ => return None,
        };
        let (quantifier, of) = condition?;
        let software = match (named, action) {
            (Some(named), _) => named?,
            (None, PrerequisiteAction::Fail) => BTreeSet::new(),
            (None, _) => of.clone(),
        };
        let one = Prerequisite { quantifier, of, presence, action, software };
        match one.check(item?) {
            // What is a prerequisite of itself is told as the circle that it is.
            Ok(()) | Err(BadPrerequisite::Itself) => Some(one),
            // An empty list is told where it stands.
            Err(BadPrerequisite::NoCondition | BadPrerequisite::NoSoftware) => None,
            Err(why) => {
                let help = match why {
                    BadPrerequisite::FailsWithSoftware => "remove `software`, or let it install",
                    BadPrerequisite::AlreadySo => "turn the condition round",
                    _ => "name the software",
                };
                self.say(&table.place(""), why.to_string(), "this one", help);
                None
            }
        }
    }

    fn condition(&mut self, table: Table<'a>) -> Option<(Quantifier, BTreeSet<SoftwareId>)> {
        let (any, all) = (table.get("any_of").is_some(), table.get("all_of").is_some());
        match (any, all) {
            (true, false) => Some((Quantifier::Any, self.some_software(table, "any_of")?)),
            (false, true) => Some((Quantifier::All, self.some_software(table, "all_of")?)),
            (true, true) => {
                let what = "a prerequisite is about any or about all, and this says both";
                self.say(&table.place("all_of"), what, "one too many", "make two of it");
                None
            }
            (false, false) => {
                let what = "this prerequisite lacks `any_of` or `all_of`";
                let help = "add `any_of = [\"…\"]` with the software that it is about";
                self.say(&table.place(""), what, "add it to this table", help);
                None
            }
        }
    }

    /// The software that a list names; nothing where one is unknown.
    fn some_software(&mut self, table: Table<'a>, key: &str) -> Option<BTreeSet<SoftwareId>> {
        let find =
            |node: &'a Node| self.definition((table.file, node), "software", |one| &one.software);
        let found: Vec<Option<SoftwareId>> = table.items(key).iter().map(find).collect();
        found.into_iter().collect()
    }

    /// D3: items that wait for each other, each circle by its path.
    pub(super) fn find_circles(&mut self, items: Vec<(ItemId, &[Prerequisite])>) {
        for path in cycles(items) {
            // What stays as the hub has it was so before, and is not what is read here.
            let places = path.iter().filter_map(|item| self.prerequisites.get(item));
            let Some(place) = places.min_by_key(|place| (place.file, place.span.start)).cloned()
            else {
                continue;
            };
            let names: Vec<String> = path.iter().map(|item| self.item_name(*item)).collect();
            let what = format!("prerequisites lead in a circle: `{}`", names.join(" → "));
            let help = "each would have to be there before the other: remove one of these";
            self.say(&place, what, "one of them", help);
        }
    }

    fn item_name(&self, item: ItemId) -> String {
        let software = self.software.values().map(|one| (ItemId::from(one.id), &one.name));
        let tasks = self.tasks.values().map(|one| (ItemId::from(one.id), &one.name));
        let found = software.chain(tasks).find(|(id, _)| *id == item);
        found.map_or_else(|| item.to_string(), |(_, name)| printable(name))
    }
}

/// Where a list's item stands.
pub(super) fn place_of(file: usize, node: &Node) -> Place {
    Place { file, span: node.span.clone() }
}
