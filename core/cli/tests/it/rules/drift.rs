//! What had been as it should be and is not any more because of the calendar: days pass here, so that what was before
//! is written into the store with the time that it was at.

use chrono::{TimeDelta, Utc};
use core_model::id::DeploymentId;
use core_model::library::DefinitionKind;
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionState};
use core_store::{DefinitionChange, Holder, SessionAction, SessionWord, Store, Take};

use super::files::exported;
use super::firm::{Firm, tenant};

const QUEUE: QueueRules = QueueRules {
    at_once: 1,
    per_tenant: 1,
    per_engine: 1,
    lease_us: 60_000_000,
    most_takes: 2,
    waits_us: 60_000_000,
};

/// One task, by two deployments: the narrower one is for those who bought backup.
fn tasks(firm: &Firm) -> String {
    let mark = firm.path("mark");
    let mark = mark.display();
    format!(
        "[[task]]\nname = \"mark\"\ntitle = \"The tenant is marked\"\ncategory = \"tenant\"\n\
         test = {{ body = '[ -e {mark} ] && echo true || echo false', language = \"sh\" }}\n\
         set = {{ body = 'touch {mark}', language = \"sh\" }}\n\n\
         [[deployment]]\nname = \"mark-everybody\"\ntask = \"mark\"\nstate = \"enforce\"\n\
         target = \"all\"\n\n\
         [[deployment]]\nname = \"mark-backup\"\ntask = \"mark\"\nstate = \"enforce\"\n\
         target = {{ product = \"Backup\" }}\n"
    )
}

/// Defines what is in a file, twenty days ago.
async fn defined_before(store: &Store, firm: &Firm) {
    let other = exported().await;
    other.put("rules/mark.toml", &tasks(firm));
    other.run(&["apply", "rules"]).ended(0);
    let other = other.store().await;
    let rows = other.definitions(other.last_revision().await.unwrap()).await.unwrap();
    let base = store.last_revision().await.unwrap();
    let now_us = (Utc::now() - TimeDelta::days(20)).timestamp_micros();
    let change = DefinitionChange { base, rows: &rows, author: "ana", note: "", now_us };
    store.save_definitions(change).await.unwrap();
}

/// A session of so many days ago, in which the tenant was as a deployment asks.
async fn compliant_before(store: &Store, days: i64, (item, deployment): (&str, DeploymentId)) {
    let now_us = (Utc::now() - TimeDelta::days(days)).timestamp_micros();
    let contoso = tenant("Contoso");
    store.add_session(&Session::asked(contoso, contoso, "Contoso", "all", now_us)).await.unwrap();
    let rules = &QUEUE;
    let take = Take { engine: "old", most: 1, tenants: None, rules, bars: &|_| None, now_us };
    let session = store.take_sessions(take).await.unwrap().taken.pop().unwrap();
    let action = SessionAction {
        session: session.id,
        number: 0,
        tenant: session.tenant.to_string(),
        subject: session.subject.to_string(),
        subject_name: session.subject_name.clone(),
        item: item.to_owned(),
        title: "The tenant is marked".to_owned(),
        deployment: Some(deployment.to_string()),
        does: String::new(),
        result: "compliant".to_owned(),
        class: None,
        message: String::new(),
        version: None,
        drift: None,
        drift_why: None,
        at_us: now_us,
    };
    store.put_session_actions(&Holder::of(&session).unwrap(), &[action]).await.unwrap();
    let (state, take) = (SessionState::Succeeded, Some(session.takes));
    let word = SessionWord { state, word: "", result: None, by: "old", take, rules, now_us };
    store.tell_session(session.id, word).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_drifted_because_a_line_came_into_force_says_so() {
    let firm = Firm::new().await;
    firm.write(
        "[[connection]]\nname = \"automate\"\nkind = \"cw-control\"\nurl = \"https://x.example\"\n\
         secret = \"env:PATH\"\n",
    );
    let store = firm.store().await;
    defined_before(&store, &firm).await;
    let begins = (Utc::now() - TimeDelta::days(2)).date_naive();
    firm.line_begins(&store, ("Contoso", "Backup"), begins).await;
    let rows = store.definitions(store.last_revision().await.unwrap()).await.unwrap();
    let id = |kind, handle: &str| {
        let named = |row: &&core_store::DefinitionRow| row.kind == kind && row.handle == handle;
        rows.iter().find(named).unwrap().id.clone()
    };
    let item = id(DefinitionKind::Task, "mark");
    let everybody = id(DefinitionKind::Deployment, "mark-everybody").parse().unwrap();
    compliant_before(&store, 5, (&item, everybody)).await;

    let run = ["sessions", "run", "--tenant", "Contoso", "--item", "mark", "--json"];
    let ran = firm.run(&run).ended(0).json().pop().unwrap();
    let action = &ran["result"]["actions"][0];
    assert_eq!(
        (&action["drift"], &action["result"]),
        (&"date".into(), &"compliant".into()),
        "{ran:#}"
    );
    let why = action["drift_why"].as_str().unwrap();
    assert!(why.starts_with("mark-backup wins now, mark-everybody did before: "), "{why}");
    assert!(
        why.contains("Backup") && why.contains(&begins.pred_opt().unwrap().to_string()),
        "{why}"
    );
}
