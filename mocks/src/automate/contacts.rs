//! `/Contacts`: the people of those tenants that are clients, in both versions of the API.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::auth::zoneless;
use super::list::Source;
use super::row::{Row, Want};
use crate::world::{Account, AutomateClient, Person, World};

/// All contacts.
pub(super) struct Contacts<'w> {
    world: &'w World,
    /// The client and the first location of each tenant that is one.
    clients: HashMap<usize, (&'w AutomateClient, Option<u64>)>,
    version: u8,
}

impl<'w> Contacts<'w> {
    pub(super) fn new(world: &'w World, version: u8) -> Self {
        let mut locations: HashMap<u64, u64> = HashMap::new();
        for location in world.automate.locations.iter().filter(|row| row.mark.gone.is_none()) {
            locations.entry(location.client).or_insert(location.id);
        }
        let mut clients = HashMap::new();
        for client in world.automate.clients.iter().filter(|row| row.mark.gone.is_none()) {
            if let Some(tenant) = client.tenant {
                clients.entry(tenant).or_insert((client, locations.get(&client.id).copied()));
            }
        }
        Self { world, clients, version }
    }

    fn first(&self, id: u64, person: &Person, client: &Value, location: &Value) -> Value {
        json!({
            "Id": id.to_string(),
            "FirstName": person.given,
            "LastName": person.surname,
            "Email": person.mail.as_deref().unwrap_or_default(),
            "Client": client,
            "Location": location,
            "Address1": "", "Address2": "", "City": "", "State": "", "ZipCode": "",
            "PhoneNumber": "", "MobileNumber": "", "FaxNumber": "", "PagerNumber": "",
            "ExternalId": "",
            "CreatedDate": zoneless(person.mark.created),
        })
    }

    fn second(&self, id: u64, person: &Person, client: &Value, location: &Value) -> Value {
        json!({
            "ContactId": id,
            "FirstName": person.given,
            "LastName": person.surname,
            "EmailAddress": person.mail.as_deref().unwrap_or_default(),
            "Client": client,
            "Location": location,
            "Address1": "", "Address2": "", "City": "", "State": "", "ZipCode": "",
            "PhoneNumber": "", "MobileNumber": "", "FaxNumber": "", "PagerNumber": "",
            "Permissions": [],
            "IsManaged": false,
            "IsActivated": true,
            "DateCreated": zoneless(person.mark.created),
            "LastUpdateDate": zoneless(person.mark.modified),
            "PluginData": {},
            "Source": { "ContactSourceTypeId": 1, "Name": "Manual" },
        })
    }
}

impl Source for Contacts<'_> {
    fn keys(&self) -> Vec<usize> {
        let persons = self.world.persons.iter().enumerate();
        persons
            .filter(|(_, person)| {
                person.mark.gone.is_none()
                    && person.account == Account::Member
                    && self.clients.contains_key(&person.tenant)
            })
            .map(|(index, _)| index)
            .collect()
    }

    fn id(&self, key: usize) -> u64 {
        key as u64 + 1
    }

    fn id_column(&self) -> &'static str {
        if self.version == 2 { "contactid" } else { "id" }
    }

    fn row(&self, key: usize, want: &Want) -> Value {
        let person = &self.world.persons[key];
        let Some((client, location)) = self.clients.get(&person.tenant) else {
            return Row::new(want).done();
        };
        let place = json!({ "Id": location.unwrap_or_default() });
        if self.version == 2 {
            let client = json!({ "ClientId": client.id, "Name": client.name });
            self.second(self.id(key), person, &client, &place)
        } else {
            let client = json!({ "Id": client.id.to_string(), "Name": client.name });
            self.first(self.id(key), person, &client, &place)
        }
    }
}
