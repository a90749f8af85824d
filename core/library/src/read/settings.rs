//! What is settled about tenants and computers.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;

use core_model::id::TenantId;
use core_model::library::{Budget, ComputerSettings, TenantSettings};

use super::reference::Home;
use super::{Place, Reader, Table};
use crate::words::Words;

impl<'a> Reader<'a> {
    pub(super) fn read_tenants(&mut self) -> Vec<TenantSettings> {
        let mut read: Vec<(TenantSettings, Place)> = Vec::new();
        let mut parents = HashMap::new();
        for table in self.tables("tenant") {
            let tenant = table.get("name").and_then(|node| self.tenant((table.file, node)));
            let parent = table.get("parent").and_then(|node| self.tenant((table.file, node)));
            let Some(tenant) = tenant else { continue };
            if let Some(parent) = parent {
                parents.entry(tenant).or_insert((parent, table.place("parent")));
            }
            let settings = TenantSettings {
                tenant,
                parent,
                excluded_from_cross_tenant: table.flag("excluded_from_cross_tenant"),
                budget: budget(table),
            };
            read.push((settings, table.place("name")));
        }
        self.twice("tenant", read.iter().map(|(one, place)| (one.tenant, place)));
        let mut parents: HashMap<_, _> = parents
            .into_iter()
            .map(|(one, (parent, place))| (one, (parent, Some(place))))
            .collect();
        let stays = self.known.tenants.iter().filter(|_| self.over);
        for stays in stays.filter(|stays| read.iter().all(|(one, _)| one.tenant != stays.tenant)) {
            if let Some(parent) = stays.parent {
                parents.insert(stays.tenant, (parent, None));
            }
        }
        self.find_cycles(parents);
        read.into_iter().map(|(settings, _)| settings).collect()
    }

    pub(super) fn read_computers(&mut self) -> Vec<ComputerSettings> {
        let mut read: Vec<(ComputerSettings, Place)> = Vec::new();
        for table in self.tables("computer") {
            let home = match table.get("tenant") {
                Some(node) => self.tenant((table.file, node)).map(Home::at),
                None => Some(Home::default()),
            };
            let (Some(home), Some(node)) = (home, table.get("name")) else { continue };
            let Some(computer) = self.computer((table.file, node), home) else { continue };
            let excluded_from_maintenance = table.flag("excluded_from_maintenance");
            let settings = ComputerSettings { computer, excluded_from_maintenance };
            read.push((settings, table.place("name")));
        }
        self.twice("computer", read.iter().map(|(one, place)| (one.computer, place)));
        read.into_iter().map(|(settings, _)| settings).collect()
    }

    /// What is settled twice.
    fn twice<'p, I: Copy + Eq + Hash + Display>(
        &mut self,
        what: &str,
        all: impl Iterator<Item = (I, &'p Place)>,
    ) {
        let mut seen: HashMap<I, &Place> = HashMap::new();
        for (id, place) in all {
            match seen.get(&id) {
                Some(first) => {
                    let at = self.line(first);
                    let said = format!("this {what} has two tables: the first is at {at}");
                    self.say(place, said, "the second", "make one of them");
                }
                None => {
                    seen.insert(id, place);
                }
            }
        }
    }

    /// T22: tenants that are among their own parents; told where a file says one of them.
    fn find_cycles(&mut self, mut parents: HashMap<TenantId, (TenantId, Option<Place>)>) {
        loop {
            let mut pairs: Vec<_> =
                parents.iter().map(|(tenant, (parent, _))| (*tenant, *parent)).collect();
            pairs.sort();
            let Some(cycle) = core_resolve::parent_cycle(&pairs) else { return };
            let words = Words { names: self.names, library: self.known };
            let path: Vec<String> = cycle.iter().map(|tenant| words.tenant(*tenant)).collect();
            let place = cycle.iter().find_map(|tenant| parents.get(tenant)?.1.clone());
            if let Some(place) = place {
                let what = format!("this tenant is among its own parents: {}", path.join(" → "));
                self.say(&place, what, "closes the circle", "let one of them have no parent");
            }
            // The next one, if there is another.
            for tenant in cycle {
                parents.remove(&tenant);
            }
        }
    }
}

fn budget(table: Table<'_>) -> Option<Budget> {
    let node = table.get("budget")?;
    let table = Table { file: table.file, node };
    let usual = Budget::default();
    let number = |key| table.number(key).and_then(|number| u32::try_from(number).ok());
    Some(Budget {
        percent: table
            .number("percent")
            .and_then(|number| u8::try_from(number).ok())
            .unwrap_or(usual.percent),
        computers: number("computers").unwrap_or(usual.computers),
        uninstalls: number("uninstalls").unwrap_or(usual.uninstalls),
    })
}
