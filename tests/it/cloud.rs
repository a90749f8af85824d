//! Tasks for tenants and persons: scripts in the hub, each with a token for its own tenant's directory and no other.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use core_engine::Foreman as _;
use core_model::entity::{Client, Entity as _, Person, Tenant};
use core_model::id::TaskId;
use core_model::library::{
    DesiredState, Script, ScriptContext, ScriptLanguage, ScriptNeed, ScriptPurpose, Task,
    TaskCategory, TaskScripts,
};
use core_model::session::{Session, SessionState};
use core_store::Store;
use serde_json::{Value, json};
use tests::at_work::until_over;
use tests::night::{ForAll, Night};
use tests::{fresh_sqlite, sync_all};

fn cloud(body: &str) -> Script {
    let mut script =
        Script::new(body).in_language(ScriptLanguage::Sh).in_context(ScriptContext::Cloud);
    script.needs = vec![ScriptNeed::Graph];
    script
}

/// Tests whether a file of the subject is there, and sets it to what Graph says of the directory that the token is
/// for. What is set is what Graph answers, so that a token of another directory would show.
fn task(category: TaskCategory, folder: &std::path::Path, graph: &str) -> Task {
    let folder = folder.display();
    let begin = "set -e\n. \"$LINCHPIN_SH\"\nid=$(linchpin_fact subject/id)\n";
    let test = format!("{begin}if [ -s {folder}/$id ]; then echo true; else echo false; fi");
    let set = format!(
        "{begin}token=$(linchpin_token graph)\n\
         linchpin_report 'asks Graph'\n\
         curl -q -sS --fail-with-body -H \"Authorization: Bearer $token\" \
         '{graph}/v1.0/organization?$select=id' > {folder}/answer.$id || {{ cat {folder}/answer.$id >&2; exit 1; }}\n\
         mv {folder}/answer.$id {folder}/$id\n"
    );
    let mut task = Task::new(TaskId::of_text("cloud", 0), "cloud");
    task.category = category;
    task.scripts = TaskScripts::default()
        .with(ScriptPurpose::Test, Some(cloud(&test)))
        .with(ScriptPurpose::Set, Some(cloud(&set)));
    task
}

/// The directory of each tenant that has one, and no more than one.
async fn directories(store: &Store) -> Result<BTreeMap<String, String>> {
    let query = core_store::EntityQuery::all(Client::KIND);
    let rows = store.entities(&query).await?;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in &rows {
        let client: Client = row.read()?;
        if let (Some(tenant), "azure-ad", false) =
            (client.tenant, client.connection.as_str(), client.gone)
        {
            found.entry(tenant.to_string()).or_default().push(client.key);
        }
    }
    Ok(found
        .into_iter()
        .filter_map(|(tenant, keys)| <[String; 1]>::try_from(keys).ok().map(|[key]| (tenant, key)))
        .collect())
}

fn action(session: &Session) -> Value {
    session.result.clone().unwrap_or_default()["actions"][0].clone()
}

/// What Graph said to the script of a subject.
fn told(folder: &std::path::Path, subject: &str) -> Result<String> {
    let text = std::fs::read_to_string(folder.join(subject))
        .with_context(|| format!("nothing was set for {subject}"))?;
    let answer: Value = serde_json::from_str(&text)?;
    Ok(answer["value"][0]["id"].as_str().unwrap_or_default().to_lowercase())
}

async fn ready(
    night: &Night,
    category: TaskCategory,
    folder: &std::path::Path,
    store: Store,
) -> Result<ForAll> {
    let hub = Arc::new(night.hub(store)?);
    sync_all(&hub).await?;
    let graph = night.estate.settings()["azure-ad"]["graph_url"].clone();
    let graph = graph.as_str().context("graph")?.trim_end_matches('/').to_owned();
    let tasks = vec![(task(category, folder, &graph), DesiredState::Enforce)];
    let mut foreman = ForAll::new(hub, Vec::new(), tasks);
    foreman.settings.tokens_from = vec!["azure-ad".to_owned()];
    Ok(foreman)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s29_a_tenant_whose_consent_is_revoked_fails_alone_and_no_token_is_of_another_tenant()
-> Result<()> {
    let night = Night::of(160, 29).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let set = tempfile::tempdir()?;
    let foreman = Arc::new(ready(&night, TaskCategory::Tenant, set.path(), store.clone()).await?);
    let directories = directories(&store).await?;
    ensure!(directories.len() >= 3, "{directories:?}");
    let mut sessions = Vec::new();
    let tenants: Vec<Tenant> = foreman.hub().all().await?;
    for tenant in tenants.iter().filter(|one| directories.contains_key(&one.id.to_string())) {
        let now_us = foreman.hub().clock.now_us();
        sessions.push(Session::asked(tenant.id, tenant.id, &tenant.name, "Cloud", now_us));
    }
    let revoked = sessions.last().context("a session")?.clone();
    let directory = &directories[&revoked.subject.to_string()];
    // The estate names it as it is spelt there; its directory tells which it is.
    let name = {
        let world = night.estate.running.world();
        let world = world.read().map_err(|_| anyhow::anyhow!("the world is broken"))?;
        let no = world.directories.iter().position(|one| one.id.to_string() == *directory);
        let no = no.context("no such directory")?;
        let tenant = world.directories[no].tenants.first().context("a tenant")?;
        world.tenants[*tenant].name.clone()
    };
    night.change(json!({ "change": "consent", "tenant": name, "granted": false }))?;
    store.add_sessions(&sessions).await?;
    let over = until_over(&foreman, sessions.len()).await?;
    for session in &over {
        let subject = session.subject.to_string();
        if session.id == revoked.id {
            let action = action(session);
            ensure!(session.state == SessionState::Failed, "{}", session.word);
            ensure!(action["class"] == "auth", "{action}");
            ensure!(told(set.path(), &subject).is_err(), "it got a token all the same");
            continue;
        }
        ensure!(
            session.state == SessionState::Succeeded,
            "{}: {} {}",
            session.subject_name,
            session.word,
            json!(session.result)
        );
        ensure!(
            told(set.path(), &subject)? == directories[&subject],
            "{}: a token of another directory",
            session.subject_name
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_tested_set_and_tested_with_a_token_of_their_own_tenant() -> Result<()> {
    let night = Night::of(60, 30).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let set = tempfile::tempdir()?;
    let foreman = Arc::new(ready(&night, TaskCategory::Person, set.path(), store.clone()).await?);
    let directories = directories(&store).await?;
    let persons: Vec<Person> = foreman.hub().all().await?;
    let person = persons
        .iter()
        .find(|one| !one.gone && directories.contains_key(&one.tenant.to_string()))
        .context("a person")?;
    let now_us = foreman.hub().clock.now_us();
    let session = Session::asked(person.tenant, person.id, &person.display_name, "Cloud", now_us);
    store.add_session(&session).await?;
    let over = until_over(&foreman, 1).await?;
    ensure!(over[0].state == SessionState::Succeeded, "{} {}", over[0].word, json!(over[0].result));
    let subject = person.id.to_string();
    ensure!(told(set.path(), &subject)? == directories[&person.tenant.to_string()]);
    let lines = store.session_lines(session.id, 0).await?;
    let works: Vec<String> = lines.iter().map(|line| line.step.clone()).collect();
    let tested = works.iter().filter(|step| step.contains("\"test\"")).count();
    ensure!(tested == 3 && works.iter().any(|step| step.contains("\"set\"")), "{works:?}");
    // Neither what was given to it nor who called it is in the book.
    let written = format!("{lines:?}");
    ensure!(written.contains("asks Graph") && !written.contains("Bearer"), "{written}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_settings_say_so_no_script_has_a_token() -> Result<()> {
    let night = Night::of(60, 31).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let set = tempfile::tempdir()?;
    let mut foreman = ready(&night, TaskCategory::Tenant, set.path(), store.clone()).await?;
    foreman.settings.tokens_from.clear();
    let foreman = Arc::new(foreman);
    let tenants: Vec<Tenant> = foreman.hub().all().await?;
    let tenant = tenants.first().context("a tenant")?;
    let now_us = foreman.hub().clock.now_us();
    store.add_session(&Session::asked(tenant.id, tenant.id, &tenant.name, "Cloud", now_us)).await?;
    let over = until_over(&foreman, 1).await?;
    let action = action(&over[0]);
    ensure!(action["class"] == "auth", "{action}");
    let message = action["message"].as_str().unwrap_or_default();
    ensure!(message.contains("tokens_from"), "{message}");
    Ok(())
}
