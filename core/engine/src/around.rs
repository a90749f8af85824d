//! What is around a session's subject: what the model knows of it and its tenant, tokens for that tenant, maintenance
//! mode, updates of Windows.

use async_trait::async_trait;
use core_connector::{Actor, Patching, UpdateState};
use core_maintenance::{AccessToken, Around, NoToken, Result, Updates};
use core_model::entity::{Agent, Client, Entity, EntityKind};
use core_model::library::SubjectId;
use core_store::EntityQuery;
use serde_json::{Map, Value, json};

use crate::desk::{SessionDesk, book, of_store};
use crate::ways;

impl SessionDesk {
    /// What the model says of something, as the API gives it.
    async fn document(&self, kind: EntityKind, id: &str) -> Result<Option<Value>> {
        let row = self.hub.store.entity(kind, id).await.map_err(of_store)?;
        row.map(|row| serde_json::from_str(&row.document).map_err(book)).transpose()
    }

    /// The customers that the systems have the session's tenant as.
    async fn clients(&self) -> Result<Vec<Client>> {
        let tenant = self.session.tenant.to_string();
        let query = EntityQuery { tenant: Some(&tenant), ..EntityQuery::all(Client::KIND) };
        let rows = self.hub.store.entities(&query).await.map_err(of_store)?;
        let mut clients: Vec<Client> = Vec::with_capacity(rows.len());
        for row in &rows {
            clients.push(row.read().map_err(book)?);
        }
        clients.retain(|client| !client.gone && client.tenant == Some(self.session.tenant));
        Ok(clients)
    }

    async fn of_computer(&self, facts: &mut Map<String, Value>) -> Result<()> {
        let SubjectId::Computer(id) = self.session.subject else { return Ok(()) };
        let Some((computer, agents)) = ways::known(&self.hub.store, id).await? else {
            return Ok(());
        };
        if let Some(primary) = &computer.primary {
            let person = self.document(EntityKind::Person, &primary.person.to_string()).await?;
            facts.extend(person.map(|person| ("person".to_owned(), person)));
        }
        let agents: Vec<Value> = agents
            .iter()
            .map(
                |agent| json!({ "connection": agent.connection, "key": agent.key, "os": agent.os }),
            )
            .collect();
        facts.insert("agents".to_owned(), Value::Array(agents));
        Ok(())
    }

    /// The directory of the tenant that a token is for: the connection, and the client's key there.
    async fn directory(
        &self,
        resource: &str,
        wanted: Option<&str>,
    ) -> Result<std::result::Result<(usize, String), NoToken>> {
        let gives = |client: &Client| {
            let place =
                self.hub.connections.iter().position(|one| one.name == client.connection)?;
            let tokens = self.hub.connections[place].connector.access_tokens()?;
            let allowed = self.settings.tokens_from.contains(&client.connection);
            (allowed && tokens.resources().contains(&resource)).then_some(place)
        };
        let clients = self.clients().await?;
        let mut found: Vec<(usize, &str)> = clients
            .iter()
            .filter_map(|client| Some((gives(client)?, client.key.as_str())))
            .filter(|(_, key)| wanted.is_none_or(|wanted| key.eq_ignore_ascii_case(wanted)))
            .collect();
        let not = |why: String| Ok(Err(NoToken::NotAllowed(why)));
        match (found.pop(), found.is_empty()) {
            (Some((place, key)), true) => Ok(Ok((place, key.to_owned()))),
            (Some(_), false) => {
                not("the tenant has several directories: say which by `client`".to_owned())
            }
            (None, _) if self.settings.tokens_from.is_empty() => {
                not("the settings give no tokens to scripts: `tokens_from` in [maintenance]"
                    .to_owned())
            }
            (None, _) => not(format!(
                "the tenant has no {} on a connection that may give tokens for {resource}",
                if wanted.is_some() { "such directory" } else { "directory" },
            )),
        }
    }

    /// The agent of the session's computer whose connection installs updates, and how.
    async fn patched(&self) -> Result<Option<(Agent, &dyn Patching)>> {
        let SubjectId::Computer(computer) = self.session.subject else { return Ok(None) };
        let known = ways::known(&self.hub.store, computer).await?;
        let agents = known.map(|(_, agents)| agents).unwrap_or_default();
        Ok(agents.into_iter().find_map(|agent| {
            let connection =
                self.hub.connections.iter().find(|one| one.name == agent.connection)?;
            Some((agent, connection.connector.patching()?))
        }))
    }
}

/// What a connector's error means for a script that wants a token.
fn refused(error: &core_connector::Error) -> NoToken {
    match error.kind().actor() {
        Actor::Clock => NoToken::NotNow(error.to_string()),
        _ => NoToken::Denied(error.to_string()),
    }
}

#[async_trait]
impl Around for SessionDesk {
    async fn facts(&self) -> Result<Map<String, Value>> {
        let mut facts = Map::new();
        let subject = self.session.subject;
        let (word, kind) = match subject {
            SubjectId::Computer(_) => ("computer", EntityKind::Computer),
            SubjectId::Person(_) => ("person", EntityKind::Person),
            SubjectId::Tenant(_) => ("tenant", EntityKind::Tenant),
        };
        facts.insert("subject".to_owned(), json!({ "kind": word, "id": subject.to_string() }));
        let tenant = self.session.tenant.to_string();
        let documents = [("tenant", EntityKind::Tenant, tenant), (word, kind, subject.to_string())];
        for (name, kind, id) in documents {
            let document = self.document(kind, &id).await?;
            facts.extend(document.map(|document| (name.to_owned(), document)));
        }
        let clients: Vec<Value> = self
            .clients()
            .await?
            .iter()
            .map(|one| json!({ "connection": one.connection, "key": one.key, "name": one.name }))
            .collect();
        facts.insert("clients".to_owned(), Value::Array(clients));
        self.of_computer(&mut facts).await?;
        Ok(facts)
    }

    async fn token(
        &self,
        resource: &str,
        client: Option<&str>,
    ) -> Result<std::result::Result<AccessToken, NoToken>> {
        let (place, key) = match self.directory(resource, client).await? {
            Ok(found) => found,
            Err(no) => return Ok(Err(no)),
        };
        let tokens = self.hub.connections[place].connector.access_tokens();
        let Some(tokens) = tokens else {
            return Ok(Err(NoToken::NotAllowed("this connection gives no tokens".to_owned())));
        };
        let given = tokens.token(resource, &key).await;
        Ok(match given {
            Ok(given) => {
                tracing::info!(session = %self.session.id, resource, client = key,
                    connection = self.hub.connections[place].name, "a script was given a token");
                Ok(AccessToken { token: given.token, lifetime: given.lifetime })
            }
            Err(error) => Err(refused(&error)),
        })
    }

    async fn say(&self, words: &str) -> Result<()> {
        SessionDesk::say(self, words.to_owned()).await
    }

    async fn enter_maintenance(&self) -> Result<Vec<String>> {
        self.enter_modes().await
    }

    async fn leave_maintenance(&self) -> Result<Vec<String>> {
        self.leave_modes().await
    }

    async fn updates(&self) -> Result<std::result::Result<Option<Updates>, String>> {
        let Some((agent, patching)) = self.patched().await? else { return Ok(Ok(None)) };
        let approved = match patching.approved(&agent.key).await {
            Ok(approved) => approved,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let of = |state: UpdateState| {
            let of_state = approved.updates.iter().filter(move |(_, one)| *one == state);
            of_state.map(|(title, _)| title.clone()).collect::<Vec<String>>()
        };
        let (missing, failed) = (of(UpdateState::Missing), of(UpdateState::Failed));
        let way = format!("{}/{}", agent.connection, agent.key);
        Ok(Ok(Some(Updates { way, missing, failed, running: approved.running })))
    }

    async fn install_updates(&self, way: &str) -> Result<std::result::Result<(), String>> {
        let Some((agent, patching)) = self.patched().await? else {
            return Ok(Err("no way of it installs updates any more".to_owned()));
        };
        if way != format!("{}/{}", agent.connection, agent.key) {
            return Ok(Err(format!("{way} is no way to it any more")));
        }
        let begun = patching.install_approved(&agent.key).await;
        Ok(begun.map_err(|error| error.to_string()))
    }
}
