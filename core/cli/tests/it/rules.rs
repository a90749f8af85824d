//! The commands that say who should have what, and why, against a small MSP written straight into a
//! store.

mod cloud;
mod drift;
mod files;
mod firm;
mod items;
mod library;
mod requests;
mod schedules;
mod sessions;
mod shown;

use self::firm::Firm;
use crate::run::Ran;
use core_model::library::{ComputerSettings, Target};
use serde_json::Value;

const DAY: &str = "2026-11-29";

fn names(list: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

/// The answer of `resolve` to this, for machines.
fn resolved(firm: &Firm, arguments: &[&str]) -> Value {
    let all = [&["resolve", "--json"], arguments].concat();
    firm.run(&all).ended(0).json().remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_of_target_is_typed_and_resolved() {
    let firm = Firm::new().await;
    let all = ["CNC-7", "FAB-1", "FAB-2", "NW-1", "PC-001", "PC-041", "PC-042", "SRV-01"];
    let contoso = ["CNC-7", "PC-001", "PC-041", "PC-042", "SRV-01"];
    for (target, expected) in [
        (&["all"][..], &all[..]),
        (&["computer:pc-042"], &["PC-042"]),
        (&["person:ana@contoso.com"], &["PC-042"]),
        (&["person:Carla Stone"], &["PC-001"]),
        (&["tenant:Contoso"], &contoso),
        (&["tenant+children:contoso", "not:tenant:contoso"], &["NW-1"]),
        (&["tenant:Contoso", "group:Finance"], &["PC-001", "PC-041", "PC-042"]),
        (&["group:Accounting"], &["PC-041"]),
        (&["tag:kiosk"], &["CNC-7"]),
        (&["agreement:managed services", "not:tenant:Contoso"], &["FAB-1", "FAB-2"]),
        (&["agreement@halo:Managed Services", "tenant:Contoso"], &contoso),
        (&["product+children:Backup", "not:tenant:Contoso"], &["NW-1"]),
        (&["connection-group:Shop floor"], &["CNC-7"]),
        (&["property@automate:role=Machine"], &["CNC-7"]),
        (&["property:Role=Machine"], &["CNC-7"]),
        (&["filter:computer.os.contains(\"Server\")"], &["SRV-01"]),
        (&["tenant:Contoso", "--class", "servers"], &["SRV-01"]),
        (&["tenant:Contoso", "--to", "persons"], &["Ana Silva", "Ben Ito", "Carla Stone"]),
        (&["tenant+children:Contoso", "--to", "tenants"], &["Contoso", "Northwind"]),
    ] {
        let answer = resolved(&firm, target);
        assert_eq!(names(&answer["in"]), expected, "{target:?}");
        assert_eq!(answer["counts"]["in"], expected.len(), "{target:?}");
        let parsed: Target = serde_json::from_value(answer["target"].clone()).unwrap();
        assert!(parsed.depth() <= 3, "{target:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_read_is_unknown_with_its_reason_and_is_not_in() {
    let firm = Firm::new().await;
    let answer = resolved(&firm, &["tenant:Fabrikam", "group:Finance"]);
    assert_eq!(answer["counts"], serde_json::json!({ "in": 0, "unknown": 2, "out": 6 }));
    let why = answer["unknown"][0]["why"].as_str().unwrap();
    assert_eq!(why, "directory of entra: never read to the end");
    let answer = resolved(&firm, &["filter:computer.os.contains(\"11\")", "tenant:Fabrikam"]);
    assert_eq!(names(&answer["unknown"]), ["FAB-2"]);
    // Freshness is a setting, and a day without any reading is known of nothing.
    let late = resolved(&firm, &["group:Accounting", "--known-at", "2026-11-18T08:00:00Z"]);
    let why = late["unknown"][0]["why"].as_str().unwrap();
    assert!(why.ends_with("last read 96 h ago, more than 48 h"), "{why}");
    firm.write("\n[resolve]\ninstall_max_age_hours = 100\n");
    let late = resolved(&firm, &["group:Accounting", "--known-at", "2026-11-18T08:00:00Z"]);
    assert_eq!(names(&late["in"]), ["PC-041"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_at_answers_by_the_model_and_the_definitions_of_then() {
    let firm = Firm::new().await;
    let then = "2026-11-14T12:00:00Z";
    let answer = resolved(&firm, &["tenant:Contoso", "group:Finance", "--known-at", then]);
    assert_eq!(names(&answer["in"]), ["PC-001", "PC-042"], "Ben joined the day after");
    assert_eq!((&answer["known_at"], &answer["as_of"]), (&then.into(), &then.into()));
    let state = |known_at: &[&str]| {
        let arguments = [&["winners", "PC-042", "--item", "reader", "--json"], known_at].concat();
        firm.run(&arguments).ended(0).json().remove(0)["state"].clone()
    };
    assert_eq!(state(&[]), serde_json::json!({ "this_version": "23.1" }));
    assert_eq!(state(&["--known-at", then]), "latest", "changed on the twentieth");
    let early = firm.run(&["winners", "PC-042", "--known-at", "2026-10-01"]);
    early.refused(&["the computer PC-042 was not known at 2026-10-01T23:59:59.999999Z"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agreement_line_is_in_force_to_the_end_of_its_last_local_day() {
    let firm = Firm::new().await;
    let many = |as_of: &str| {
        let answer = resolved(&firm, &["product:Managed Security", "--as-of", as_of]);
        answer["counts"]["in"].as_u64().unwrap()
    };
    // Midnight in Berlin is 23:00 UTC; Fabrikam keeps its line.
    assert_eq!(many("2096-12-31"), 7);
    assert_eq!(many("2096-12-31T22:59:59Z"), 7);
    assert_eq!(many("2096-12-31T23:00:00Z"), 2);
    assert_eq!(many("2097-01-01"), 2);
    let edges = firm.run(&["edges", "--json", "--until", "2097-01-31"]).ended(0).json();
    let [edge] = edges.as_slice() else { panic!("{edges:?}") };
    assert_eq!(edge["at"], "2096-12-31T23:00:00Z");
    assert_eq!((&edge["day"], &edge["zone"]), (&"2097-01-01".into(), &"Europe/Berlin".into()));
    assert_eq!((&edge["computers"], &edge["tenant_name"]), (&5.into(), &"Contoso".into()));
    assert_eq!(edge["shifts"][0]["after"]["slot"], "nobody");
    let none = firm.run(&["edges", "--until", "2096-12-31"]).ended(0).out;
    assert!(none.contains("no winner changes by itself"), "{none}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_orders_all_candidates_with_the_key_they_lost_on_and_the_smallest_change() {
    let firm = Firm::new().await;
    let explain = |arguments: &[&str]| {
        let all = [&["explain", "--json"], arguments].concat();
        firm.run(&all).ended(0).json().remove(0)
    };
    let answer = explain(&["PC-042", "Adobe Reader"]);
    let candidates = answer["candidates"].as_array().unwrap();
    let order: Vec<&str> =
        candidates.iter().map(|one| one["deployment"]["name"].as_str().unwrap()).collect();
    assert_eq!(order, ["reader-finance", "reader-all", "reader-cnc"]);
    assert_eq!(candidates[1]["standing"]["on"], "scope");
    assert_eq!(candidates[1]["standing"]["reason"], "scope tenant > cross-tenant");
    assert_eq!(candidates[2]["standing"]["is"], "removed");

    let out = explain(&["SRV-01", "reader"]);
    let finance = &out["candidates"][1];
    assert_eq!(finance["deployment"]["name"], "reader-cnc");
    let finance = &out["candidates"][2];
    assert_eq!(finance["change"][0], "add the device SRV-01 to group \"Finance\"");
    let blocked = explain(&["FAB-1", "softphone"]);
    assert_eq!(
        (&blocked["slot"], &blocked["candidates"][0]["standing"]["is"]),
        (&"blocked".into(), &"blocks".into())
    );
    let printer = explain(&["CNC-7", "printer", "--instance", "Office 1"]);
    assert_eq!(
        (&printer["slot"], &printer["item"]["instance"]),
        (&"won".into(), &"Office 1".into())
    );
    let person = explain(&["ana@contoso.com", "welcome"]);
    assert_eq!(person["subject"]["kind"], "person");
    firm.run(&["explain", "CNC-7", "printer", "--instance", "2"]).refused(&["instances: Office 1"]);
    firm.run(&["explain", "computer:CNC-7", "welcome"]).refused(&["is for a person"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_names_every_change_and_is_partly_where_it_would_be_held() {
    let firm = Firm::new().await;
    let preview = |change: &[&str], code| {
        let all = [&["preview", "--json"], change].concat();
        firm.run(&all).ended(code).json().remove(0)
    };
    let free = preview(&["--deployment", "reader-finance", "--remove"], 3);
    assert_eq!(free["counts"]["taken_over"], 2);
    let shift = &free["shifts"][0];
    assert_eq!(shift["before"]["deployment"]["name"], "reader-finance");
    assert_eq!(shift["after"]["deployment"]["name"], "reader-all");
    assert_eq!(names(&shift["subjects"]), ["PC-041", "PC-042"]);
    // The one case that is broken already is told as such.
    let broken = &free["broken_expectations"];
    assert_eq!((broken.as_array().unwrap().len(), &broken[0]["broken_before"]), (1, &true.into()));
    let cnc = preview(&["--deployment", "reader-cnc", "--disable"], 3);
    let broken = cnc["broken_expectations"].as_array().unwrap();
    assert!(broken.iter().any(|one| one["broken_before"] == false), "{broken:?}");
    let gone = preview(&["--deployment", "acrobat-any", "--disable"], 3);
    assert_eq!(gone["shifts"], serde_json::json!([]));
    let none = firm.run(&["preview", "--deployment", "reader-all", "--enable"]).ended(3).out;
    assert!(none.starts_with("enabling reader-all (Adobe Reader) changes no winner"), "{none}");
    firm.run(&["preview", "--deployment", "reader-al"]).refused(&["--remove"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sold_is_counted_once_however_many_lines_and_golden_cases_set_the_exit_code() {
    let firm = Firm::new().await;
    let rows = firm.run(&["reconcile", "--json", "--as-of", DAY]).ended(0).json();
    let row = |tenant: &str, product: &str| {
        let is = |row: &&Value| row["tenant_name"] == tenant && row["product"]["name"] == product;
        rows.iter().find(is).unwrap().clone()
    };
    let security = row("Contoso", "Managed Security");
    assert_eq!((&security["sold"], &security["computers"]), (&6.into(), &5.into()));
    assert_eq!((&security["balance"], &security["excess"]), (&"under".into(), &(-1).into()));
    assert_eq!(row("Contoso", "Backup")["balance"], "not_deployed");
    assert_eq!(row("Contoso", "Backup")["sold"], 2.5);
    assert_eq!(row("Fabrikam", "Managed Security")["excess"], 1);
    let later = firm.run(&["reconcile", "--json", "--as-of", "2097-01-01"]).ended(0).json();
    assert_eq!(later.len(), 2);
    let one = ["reconcile", "--json", "--agreement", "Fabrikam all", "--as-of", DAY];
    assert_eq!(firm.run(&one).ended(0).json().len(), 1);

    let cases = firm.run(&["expect", "--json"]).ended(3).json();
    let holds: Vec<&Value> = cases.iter().map(|case| &case["holds"]).collect();
    assert_eq!(holds.iter().filter(|holds| ***holds == true).count(), 1);
    let broken = cases.iter().find(|case| case["holds"] == false).unwrap();
    assert_eq!(broken["found"], "blocked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_connection_removes_its_deployments_with_the_reason() {
    let firm = Firm::new().await;
    let store = firm.store().await;
    let before = library::second();
    let mut after = before.clone();
    for one in after.deployments.iter_mut().filter(|one| one.name == "security") {
        one.connection = Some("edr".to_owned());
    }
    firm.save(&store, &before, &after, ("ana", "", "2026-11-21T00:00:00Z")).await;
    let connection = |enabled: bool| {
        firm.write(&format!(
            "\n[[connection]]\nname = \"edr\"\nkind = \"cw-control\"\nenabled = {enabled}\n\
             url = \"https://control.example.com\"\nsecret = \"s\"\n"
        ));
        firm.run(&["explain", "PC-042", "edr", "--json"]).ended(0).json().remove(0)
    };
    assert_eq!(connection(true)["slot"], "won");
    let off = connection(false);
    assert_eq!(off["slot"], "nobody");
    let reason = off["candidates"][0]["standing"]["reason"].as_str().unwrap();
    assert_eq!(reason, "disabled link edr", "it was never read: nobody knows since when");
    let shown = firm.run(&["show", "deployment", "security"]).ended(0).out;
    assert!(shown.contains("with connection edr, which is disabled"), "{shown}");
    firm.run(&["sync", "edr"]).refused(&["has no enabled connection"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn winners_of_a_computer_that_is_left_alone_say_so() {
    let firm = Firm::new().await;
    let store = firm.store().await;
    let before = library::second();
    let mut after = before.clone();
    let excluded =
        ComputerSettings { computer: firm::computer("CNC-7"), excluded_from_maintenance: true };
    after.computers.push(excluded);
    firm.save(&store, &before, &after, ("ana", "", "2026-11-21T00:00:00Z")).await;
    let reason = "the computer is excluded from maintenance";
    let text = firm.run(&["winners", "CNC-7"]).ended(0).out;
    assert_eq!(text, format!("CNC-7 of Contoso\n\nnothing is done to it: {reason}\n"));
    let items = firm.run(&["winners", "CNC-7", "--json"]).ended(0).json();
    assert!(items.len() > 3 && items.iter().all(|one| one["left_alone"] == reason), "{items:?}");
    let others = firm.run(&["winners", "PC-042", "--json"]).ended(0).json();
    assert!(others.iter().all(|one| one["left_alone"].is_null()), "{others:?}");
    let tenant = firm.run(&["winners", "--tenant", "Contoso"]).ended(0).out;
    let item = firm.run(&["winners", "--tenant", "Contoso", "--item", "reader"]).ended(0).out;
    for text in [tenant, item] {
        assert!(text.contains(&format!("{reason}: 1 computer: CNC-7")), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_and_stories_have_what_is_defined_with_who_changed_it() {
    let firm = Firm::new().await;
    let list =
        |kind: &str, more: &[&str]| -> Ran { firm.run(&[&["list", kind], more].concat()).ended(0) };
    for (kind, many) in
        [("software", 4), ("tasks", 2), ("tags", 1), ("deployments", 9), ("expectations", 2)]
    {
        assert_eq!(list(kind, &["--json"]).json().len(), many, "{kind}");
        assert_eq!(list(kind, &[]).out.lines().count(), many + 1, "{kind}");
    }
    assert_eq!(list("deployments", &["--json", "--tenant", "Fabrikam"]).json().len(), 2);
    assert_eq!(list("deployments", &["--json", "--name", "READER"]).json().len(), 3);
    let few = list("deployments", &["--json", "--limit", "2"]);
    assert!(few.json().len() == 2 && few.err.contains("--limit"), "{}", few.err);
    firm.run(&["list", "tasks", "--tenant", "Fabrikam"]).refused(&["of no tenant"]);

    let story = firm.run(&["show", "deployment", "reader-finance", "--json"]).ended(0).json();
    let history = story[0]["history"].as_array().unwrap();
    let authors: Vec<&Value> = history.iter().map(|one| &one["author"]).collect();
    assert_eq!(authors, ["ana", "ben"]);
    assert_eq!(history[1]["before"]["state"], "latest");
    assert_eq!(history[1]["after"]["state"]["this_version"], "23.1");
    assert_eq!(story[0]["members"], serde_json::json!({ "in": 2, "unknown": 0, "out": 6 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_knows_is_refused_with_what_might_be_meant() {
    let firm = Firm::new().await;
    for (arguments, parts) in [
        (&["resolve", "tenant:Contso"][..], &["there is no tenant `Contso`", "Contoso"][..]),
        (&["resolve", "gruop:Finance"], &["no kind of target `gruop`", "`group`"]),
        (&["resolve", "Finance"], &["`Finance` is no target", "`group:Finance`"]),
        (&["resolve", "group:Finance"], &["is the name of 2 groups", "of Fabrikam"]),
        (&["resolve", "group@entra:Finance"], &["cannot name a connection"]),
        (&["resolve", "tag:kisk"], &["there is no tag `kisk`", "`Kiosk`"]),
        (&["resolve", "product:Backups"], &["there is no product `Backups`", "`Backup`"]),
        (&["resolve", "agreement:Managed"], &["no agreement of type", "Managed Services"]),
        (&["resolve", "agreement@hallo:x"], &["nothing was read from a connection `hallo`"]),
        (&["resolve", "property:Rolle=x"], &["no computer has a property", "`Role`"]),
        (&["resolve", "property:Role"], &["has no value"]),
        (&["resolve", "filter:computer.os.contains("], &["filter"]),
        (&["resolve", "--deployment", "reader-fin-all"], &["no deployment", "reader-finance"]),
        (&["resolve"], &["TARGET"]),
        (&["resolve", "all", "--as-of", "31.12.2026"], &["is no date", "2026-12-31"]),
        (&["resolve", "all", "--known-at", "2999-01-01"], &["is in the future"]),
        (&["winners", "PC-43"], &["there is no computer `PC-43`", "PC-04"]),
        (&["winners"], &["--tenant"]),
        (&["winners", "PC-042", "--item", "raeder"], &["no software or task", "reader"]),
        (&["explain", "PC-042", "nothing at all"], &["no software or task `nothing at all`"]),
        (&["preview", "--deployment", "nobody", "--remove"], &["no deployment `nobody`"]),
        (&["edges", "--until", "2020-01-01"], &["is before the first day"]),
        (&["edges", "--until", "soon"], &["is no date"]),
        (&["reconcile", "--agreement", "Nobody"], &["there is no agreement `Nobody`"]),
        (&["show", "deployment", "readr-all"], &["did you mean `reader-all`"]),
    ] {
        firm.run(arguments).refused(parts);
    }
}
