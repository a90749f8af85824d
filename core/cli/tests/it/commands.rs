//! The commands that read systems and say what is known, as their users run them, against an
//! imaginary MSP.

use std::time::Duration;

use mocks::estate::{Change, Pick};
use mocks::faults::{Fault, Rule, When};
use mocks::vendor::Face;
use serde_json::Value;

mod kept;
pub(crate) mod site;

use self::site::{Site, wait};

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_sync_every_list_and_story_tells_it_and_nothing_changes_by_itself() {
    let site = Site::serve(80, 11).await;
    let runs = site.run(&["sync", "--json"]).ended(0).json();
    assert!(runs.len() > 15, "{}", runs.len());
    assert!(runs.iter().all(|run| matches!(text(run, "outcome"), "complete" | "skipped")));
    assert!(runs.iter().all(|run| run["took_ms"].is_i64() && run["counts"]["read"].is_u64()));

    let again = site.run(&["sync", "--full"]).ended(0).readable();
    assert!(again.out.contains("in the model:"), "{}", again.out);
    assert!(!again.err.contains("entities changed"), "{}", again.err);

    let status = site.run(&["status", "--json"]).ended(0).json();
    let [status] = status.as_slice() else { panic!("one object") };
    assert_eq!(status["time_zone"], "America/Chicago");
    let streams = status["connections"][0]["streams"].as_array().unwrap();
    assert!(streams.iter().all(|stream| stream["last_run"]["id"].is_string()), "{streams:?}");
    site.run(&["status"]).ended(0).readable();

    let listed = site.run(&["runs", "--limit", "3"]).ended(0).readable();
    let id = listed.out.lines().nth(1).unwrap().split(' ').next().unwrap();
    let one = site.run(&["runs", id, "--json"]).ended(0).json();
    assert!(text(&one[0], "id").starts_with(id) && one[0]["quarantine"].is_array());
    site.run(&["runs", id]).ended(0).readable();

    for kind in ["tenants", "clients", "persons", "computers", "agents", "agreements", "groups"] {
        let documents = site.run(&["list", kind, "--json"]).ended(0).json();
        assert!(!documents.is_empty(), "{kind}");
        let table = site.run(&["list", kind]).ended(0).readable();
        assert_eq!(table.out.lines().count(), documents.len() + 1, "{kind}");
    }
    site.run(&["list", "decisions"]).ended(0).readable();
    let few = site.run(&["list", "persons", "--limit", "2", "--json"]).ended(0);
    assert_eq!(few.json().len(), 2);
    assert!(few.err.contains("--limit"), "{}", few.err);
    site.run(&["rebuild", "--verify"]).ended(0);
    let verified = site.run(&["rebuild", "--verify", "--json"]).ended(0).json();
    assert_eq!(verified[0]["same"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_story_names_agents_rules_people_groups_and_agreements_with_their_why() {
    let site = Site::serve(80, 12).await;
    site.run(&["sync"]).ended(0);
    let computers = site.run(&["list", "computers", "--json"]).ended(0).json();
    let used = computers
        .iter()
        .find(|one| one["primary"].is_object() && one["agents"].as_array().unwrap().len() > 1);
    let used = used.unwrap();
    let story = site.run(&["show", "computer", text(used, "id")]).ended(0).readable().out;
    for part in ["Agents (", "why ", "evidence ", "Primary person", "logons", "Agreements on "] {
        assert!(story.contains(part), "{part} in\n{story}");
    }
    let json = site.run(&["show", "computer", text(used, "id"), "--json"]).ended(0).json();
    assert_eq!(json[0]["computer"]["id"], used["id"]);
    assert!(json[0]["agents"].as_array().unwrap().iter().all(|one| one["why"].is_string()));
    assert!(json[0]["coverage"]["day"].is_string());

    let person = json[0]["primary"]["id"].as_str().unwrap();
    let person = site.run(&["show", "person", person, "--json"]).ended(0).json();
    assert!(person[0]["computers"].as_array().unwrap().iter().any(|one| one["primary"] == true));
    let upn = text(&person[0]["person"], "upn").to_uppercase();
    let story = site.run(&["show", "person", &upn]).ended(0).readable().out;
    assert!(story.contains("Groups (") && story.contains(text(used, "name")), "{story}");

    for agreement in site.run(&["list", "agreements", "--json"]).ended(0).json() {
        let tenant = text(&agreement, "tenant");
        let story = site.run(&["show", "tenant", tenant]).ended(0).readable().out;
        assert!(story.contains(text(&agreement, "name")), "{agreement} in\n{story}");
    }
    let tenants = site.run(&["list", "tenants", "--json"]).ended(0).json();
    let name = text(&tenants[0], "name").to_uppercase();
    let story = site.run(&["show", "tenant", &name]).ended(0).readable().out;
    assert!(
        story.contains("Clients (") && story.contains("the tenant was made from it"),
        "{story}"
    );

    let nobody = site.run(&["show", "tenant", &format!("{name}x")]).ended(2);
    assert!(nobody.err.contains("did you mean"), "{}", nobody.err);
    let several = site.run(&["show", "tenant", "ten_"]).ended(2);
    assert!(several.err.contains(text(&tenants[0], "id")), "{}", several.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_linked_and_unlinked_by_name_and_the_decision_holds_over_a_sync() {
    let site = Site::serve(60, 13).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let clients = site.run(&["list", "clients", "--json"]).ended(0).json();
    let linked = clients
        .iter()
        .find(|one| text(one, "connection") == "cw-control" && one["tenant"].is_string());
    let linked = linked.unwrap();
    let (name, tenant) = (format!("cw-control:{}", text(linked, "name")), text(linked, "tenant"));
    let state = |site: &Site| {
        let clients = site.run(&["list", "clients", "--json"]).ended(0).json();
        clients.into_iter().find(|one| one["id"] == linked["id"]).unwrap()
    };

    let unlinked = site.run(&["link", &name, "none", "--json"]).ended(0).json();
    assert_eq!(unlinked[0]["by"], "tester");
    let changed = unlinked[0]["changed"].as_array().unwrap();
    assert!(changed.iter().any(|one| one["entity"] == "client"), "{changed:?}");
    assert!(state(&site)["tenant"].is_null());
    site.run(&["sync", "--full", "--no-ask"]).ended(0);
    assert!(state(&site)["tenant"].is_null(), "the decision holds");
    let status = site.run(&["status"]).ended(0).out;
    assert!(status.contains("to no tenant: `linchpin list clients`"), "{status}");

    let back = site.run(&["link", text(linked, "id"), tenant]).ended(0).readable().out;
    assert!(back.contains("belongs to") && back.contains("client "), "{back}");
    assert_eq!(state(&site)["tenant"], linked["tenant"]);
    assert_eq!(state(&site)["reason"]["by"], "decision");
    site.run(&["rebuild", "--verify"]).ended(0);

    let wrong = site.run(&["link", "cw-control:nobody at all", tenant]).ended(2);
    assert!(wrong.err.contains("list clients"), "{}", wrong.err);
    site.run(&["link", "no-such:1", tenant]).ended(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_takes_only_the_answers_of_its_question_and_then_is_closed() {
    let site = Site::serve(200, 14).await;
    site.run(&["sync"]).ended(0);
    let open = site.run(&["list", "decisions", "--json"]).ended(0).json();
    let offers = |one: &&Value| one["choices"].as_array().unwrap().contains(&"two-machines".into());
    let question = open.iter().find(offers).expect("the estate has open questions");
    let id = text(question, "id");
    let wrong = site.run(&["decide", id, "two-machine"]).ended(2);
    assert!(wrong.err.contains("did you mean `two-machines`"), "{}", wrong.err);
    let listed = site.run(&["list", "decisions"]).ended(0).readable().out;
    assert!(listed.contains(&format!("linchpin decide {} ", &id[..24])), "{listed}");

    let done = site.run(&["decide", &id[..24], "two-machines", "--by", "Ana", "--json"]).ended(0);
    let done = done.json();
    assert_eq!(done[0]["by"], "Ana");
    assert!(done[0]["events"].as_u64().unwrap() > 0);
    let left = site.run(&["list", "decisions", "--json"]).ended(0).json();
    assert!(!left.iter().any(|one| text(one, "id") == id));
    site.run(&["rebuild", "--verify"]).ended(0);
    site.run(&["decide", id, "two-machines"]).ended(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pinned_person_is_primary_whatever_the_logons_say_until_he_is_unpinned() {
    let site = Site::serve(60, 15).await;
    site.run(&["sync"]).ended(0);
    let list = |kind: &str| site.run(&["list", kind, "--json"]).ended(0).json();
    let computers = list("computers");
    let computer = computers.iter().find(|one| one["primary"]["person"].is_string()).unwrap();
    let (id, tenant) = (text(computer, "id"), text(computer, "tenant"));
    let primary = || {
        let now = list("computers").into_iter().find(|one| text(one, "id") == id);
        now.unwrap()["primary"].clone()
    };
    let before = primary();
    let persons = list("persons");
    let other = |same: bool| {
        persons.iter().find(|one| {
            (text(one, "tenant") == tenant) == same
                && one["gone"] == false
                && one["id"] != before["person"]
        })
    };
    let colleague = text(other(true).unwrap(), "id");

    let upn = text(other(true).unwrap(), "upn");
    let told = site.run(&["pin", id, upn]).ended(0).readable().out;
    assert!(told.contains("is the primary person of"), "{told}");
    assert_eq!(
        (text(&primary(), "person"), &primary()["reason"]["by"]),
        (colleague, &"pinned".into())
    );
    site.run(&["sync", "--full"]).ended(0);
    assert_eq!(text(&primary(), "person"), colleague, "it holds over a sync");
    site.run(&["pin", id, "nobody"]).ended(0);
    assert!(primary().is_null());
    site.run(&["pin", id, "auto", "--by", "Ana"]).ended(0);
    assert_eq!(primary(), before);
    site.run(&["rebuild", "--verify"]).ended(0);

    let stranger = text(other(false).unwrap(), "id");
    let wrong = site.run(&["pin", id, stranger]).ended(2);
    assert!(wrong.err.contains("not of the tenant"), "{}", wrong.err);
    site.run(&["pin", "no such computer", colleague]).ended(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_fails_its_connection_by_name_and_no_other() {
    let site = Site::serve(40, 15).await;
    site.write(&[("cw-control.secret", "wrong-secret-4711")]);
    let ran = site.run(&["sync"]).ended(3).readable();
    assert!(ran.out.contains("cw-control sessions: failed"), "{}", ran.out);
    assert!(ran.out.contains("  fix: "), "{}", ran.out);
    assert!(!ran.out.contains("4711") && !ran.err.contains("4711"));
    let status = site.run(&["status"]).ended(0).readable().out;
    assert!(status.contains("sessions failed: "), "{status}");
    let alone = site.run(&["sync", "cw-control", "--json"]).ended(1).json();
    assert_eq!(alone.len(), 1);
    assert_eq!(alone[0]["error_kind"], "auth");
    let unknown = site.run(&["sync", "cw-contrl"]).ended(2);
    assert!(unknown.err.contains("cw-control"), "{}", unknown.err);
    let stream = site.run(&["sync", "halopsa", "--stream", "sessions"]).ended(2);
    assert!(stream.err.contains("halopsa") && stream.err.contains("assets"), "{}", stream.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_the_real_run_then_does_and_writes_nothing() {
    let site = Site::serve(60, 16).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    site.change(&Change::TouchShareOfPersons { share: 0.2 });
    site.change(&Change::RemoveMachine { machine: Pick::No(3) });
    let runs = site.run(&["runs", "--json", "--limit", "1000"]).ended(0).json().len();

    let plans = site.run(&["sync", "--dry-run", "--json"]).ended(0).json();
    let planned = |field: &str, stream: &str| -> u64 {
        let of = plans.iter().filter(|plan| text(plan, "stream") == stream);
        of.map(|plan| plan["counts"][field].as_u64().unwrap()).sum()
    };
    assert!(planned("changed", "users") > 0);
    let person = plans.iter().find(|plan| !plan["changed"].as_array().unwrap().is_empty());
    let field = &person.unwrap()["changed"][0]["fields"][0];
    assert!(field["before"] != field["after"], "{field}");
    site.run(&["sync", "--dry-run"]).ended(0).readable();
    let after = site.run(&["runs", "--json", "--limit", "1000"]).ended(0).json().len();
    assert_eq!(runs, after, "nothing was written");

    let real = site.run(&["sync", "--no-ask", "--json"]).ended(0).json();
    let did = |field: &str, stream: &str| -> u64 {
        let of = real.iter().filter(|run| text(run, "stream") == stream);
        of.map(|run| run["counts"][field].as_u64().unwrap()).sum()
    };
    assert_eq!(planned("changed", "users"), did("changed", "users"));
    assert_eq!(planned("unlisted", "sessions"), did("gone", "sessions"));
    assert_eq!(
        planned("unlisted", "computers") + planned("gone", "computers"),
        did("gone", "computers")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mass_deletion_is_held_named_with_its_remedy_and_accepted_on_request() {
    let site = Site::serve(120, 17).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    site.change(&Change::RemoveShareOfMachines { share: 0.7 });
    let held = site.run(&["sync", "cw-control", "--no-ask"]).ended(3).readable();
    assert!(held.out.contains("sessions: held"), "{}", held.out);
    assert!(held.out.contains("--accept-deletions"), "{}", held.out);
    let status = site.run(&["status"]).ended(0).readable().out;
    let accept = "linchpin sync cw-control --stream sessions --accept-deletions";
    assert!(status.contains(&format!("`{accept}`")), "{status}");
    let live = |site: &Site| {
        let status = site.run(&["status", "--json"]).ended(0).json();
        let connections = status[0]["connections"].as_array().unwrap().clone();
        let control = connections.into_iter().find(|one| text(one, "name") == "cw-control");
        control.unwrap()["streams"][0]["live"].as_i64().unwrap()
    };
    let before = live(&site);
    let accepted: Vec<&str> = accept.split(' ').skip(1).collect();
    site.run(&accepted).ended(0);
    assert!(live(&site) * 2 < before, "{} of {before}", live(&site));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_stops_after_the_page_in_flight_and_the_next_sync_goes_on() {
    let site = Site::serve(120, 18).await;
    site.run(&["check"]).ended(0);
    let (fault, face) = (Fault::Slow, Some(Face::Graph));
    let slow = Rule { fault, face, path: None, when: When::Always, times: None };
    site.running.set_faults(vec![slow]);
    let first = site.start(&["sync", "--no-ask"]);
    tokio::time::sleep(Duration::from_millis(2500)).await;

    let second = site.run(&["sync", "azure-ad"]).ended(1);
    assert!(second.err.contains("`azure-ad` is being synced"), "{}", second.err);
    let status = site.run(&["status"]).ended(0).out;
    assert!(status.contains("azure-ad (azure-ad): being synced"), "{status}");

    let interrupt = |child: &std::process::Child| {
        let pid = child.id().to_string();
        std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    };
    interrupt(&first);
    let ran = wait(first);
    assert_eq!(ran.code, 3, "{}\n{}", ran.out, ran.err);
    assert!(ran.err.contains("stopping after the pages in flight"), "{}", ran.err);
    assert!(ran.out.contains("stopped; the next sync goes on"), "{}", ran.out);

    site.running.set_faults(Vec::new());
    let runs = site.run(&["sync", "--no-ask", "--json"]).ended(0).json();
    assert!(runs.iter().all(|run| matches!(text(run, "outcome"), "complete" | "skipped")));
    site.run(&["rebuild", "--verify"]).ended(0);
}
