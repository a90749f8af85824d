//! `/Clients` and `/Locations`.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::list::Source;
use super::row::{Row, Want};
use crate::world::World;

/// All clients, each with its locations.
pub(super) struct Clients<'w> {
    world: &'w World,
    locations: HashMap<u64, Vec<Value>>,
}

impl<'w> Clients<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let mut locations: HashMap<u64, Vec<Value>> = HashMap::new();
        for location in world.automate.locations.iter().filter(|row| row.mark.gone.is_none()) {
            let short = json!({ "Id": location.id, "Name": location.name });
            locations.entry(location.client).or_default().push(short);
        }
        Self { world, locations }
    }
}

impl Source for Clients<'_> {
    fn keys(&self) -> Vec<usize> {
        let clients = self.world.automate.clients.iter().enumerate();
        clients.filter(|(_, client)| client.mark.gone.is_none()).map(|(index, _)| index).collect()
    }

    fn id(&self, key: usize) -> u64 {
        self.world.automate.clients[key].id
    }

    fn row(&self, key: usize, want: &Want) -> Value {
        let client = &self.world.automate.clients[key];
        let mut row = Row::new(want);
        row.put("Id", || client.id.to_string());
        row.put("Name", || client.name.clone());
        row.put("Company", || client.company.clone());
        row.put("ExternalId", || client.external_id.clone());
        row.same(&ADDRESS, &json!(""));
        row.same(&["FirstName", "LastName", "Comment", "NewTicketNotificationEmail"], &json!(""));
        row.same(&["UsesInHouseSupportStaff", "IsHiddenFromAllInclusiveGroup"], &json!(false));
        row.put("Locations", || self.locations.get(&client.id).cloned().unwrap_or_default());
        row.done()
    }
}

/// All locations.
pub(super) struct Locations<'w> {
    world: &'w World,
    clients: HashMap<u64, &'w str>,
}

impl<'w> Locations<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let clients = world.automate.clients.iter().map(|c| (c.id, c.name.as_str())).collect();
        Self { world, clients }
    }
}

impl Source for Locations<'_> {
    fn keys(&self) -> Vec<usize> {
        let rows = self.world.automate.locations.iter().enumerate();
        rows.filter(|(_, row)| row.mark.gone.is_none()).map(|(index, _)| index).collect()
    }

    fn id(&self, key: usize) -> u64 {
        self.world.automate.locations[key].id
    }

    fn row(&self, key: usize, want: &Want) -> Value {
        let location = &self.world.automate.locations[key];
        let mut row = Row::new(want);
        row.put("Id", || location.id);
        row.put("LocationId", || location.id);
        row.put("Name", || location.name.clone());
        row.put("Client", || {
            let name = self.clients.get(&location.client).copied().unwrap_or_default();
            json!({ "Id": location.client.to_string(), "ClientId": location.client, "Name": name })
        });
        row.same(&ADDRESS, &json!(""));
        row.same(&["Comments", "ScriptDrive", "ScriptUsername", "ScriptPassword"], &json!(""));
        row.same(&["ScriptRouterAddress", "ScriptExtra1", "ScriptExtra2"], &json!(""));
        row.same(&["ProbeId", "ExternalId", "RouterPort"], &json!(0));
        row.done()
    }

    fn sometimes(&self) -> &'static [&'static str] {
        &["contact", "router", "defaultdeploymentgroup", "defaultdeploymentlogin"]
    }
}

const ADDRESS: [&str; 8] =
    ["Address1", "Address2", "City", "State", "ZipCode", "Country", "PhoneNumber", "FaxNumber"];
