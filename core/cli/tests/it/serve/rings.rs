//! Rings, stops, the budget at run time, why something drifted and sessions side by side: with the estate's machines,
//! by the service and by hand.

use core_store::{Agents, Store};
use serde_json::Value;

use super::service::Service;
use super::site;
use crate::commands::site::Site;

const MORE: &str = "[rules]\nsecond_person = false\n[schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n";
const ENGINE: &str = "[maintenance]\nengine = true\npoll_ms = 50\n";
const MARKER: &str = r"C:\ProgramData\marker.txt";

/// The task that puts the marker there; it fails on these computers.
fn task(broken: &[String], text: &str) -> String {
    let quoted: Vec<String> = broken.iter().map(|name| format!("'{name}'")).collect();
    let fails: String = quoted
        .iter()
        .map(|name| {
            format!("if ($env:COMPUTERNAME -eq {name}) {{ throw 'there is no room on it' }}\n")
        })
        .collect();
    format!(
        "[[task]]\nname = \"marker\"\ntitle = \"The marker\"\n\
         test = \"if (Test-Path '{path}') {{ (Get-Content '{path}' | Out-String).Trim() -eq '{text}' }} else {{ $false }}\"\n\
         set = '''\n{fails}$d = Split-Path '{MARKER}'\n\
         if (-not (Test-Path $d)) {{ $null = New-Item -ItemType Directory -Path $d -Force }}\n\
         Set-Content -Path '{MARKER}' -Value '{text}'\n'''\n\n",
        path = MARKER.replace('\\', "\\\\"),
    )
}

fn deployment(more: &str) -> String {
    format!(
        "[[deployment]]\nname = \"marker-everywhere\"\ntask = \"marker\"\nstate = \"enforce\"\ntarget = \"all\"\n{more}\n"
    )
}

/// A site that was read, and computers that are on and whose names are theirs alone.
async fn read(seed: u64, more: &str) -> (Site, Vec<String>) {
    let (site, _) = site(60, seed, &format!("{MORE}{more}")).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let all = site.run(&["list", "computers", "--json"]).ended(0).json();
    let agents = site.run(&["list", "agents", "--json"]).ended(0).json();
    let store = store(&site).await;
    let presences = store.presences(Agents::All).await.unwrap();
    store.close().await;
    let on = |agent: &Value| {
        presences.iter().any(|(key, presence)| {
            presence.online == Some(true)
                && agent["connection"] == key.connection.as_str()
                && agent["key"] == key.key.as_str()
        })
    };
    let alone = |name: &Value| all.iter().filter(|one| one["name"] == *name).count() == 1;
    let found: Vec<String> = all
        .iter()
        .filter(|one| one["gone"] == false && alone(&one["name"]))
        .filter(|one| {
            let own: Vec<&Value> = agents
                .iter()
                .filter(|agent| agent["computer"] == one["id"] && agent["gone"] == false)
                .collect();
            own.len() > 1 && own.into_iter().all(on)
        })
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(found.len() >= 6, "{found:?}");
    (site, found)
}

async fn store(site: &Site) -> Store {
    Store::open(site.place.path().join("hub.db").to_str().unwrap()).await.unwrap()
}

fn ask(site: &Site, computer: &str) -> String {
    let asked = site.run(&["session", "run", computer, "--no-wait", "--json"]).ended(0).json();
    asked[0]["id"].as_str().unwrap().to_owned()
}

/// A session, once it is so.
fn until(site: &Site, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let began = std::time::Instant::now();
    loop {
        let shown = site.run(&["sessions", "show", id, "--json"]).ended(0).value();
        if is_so(&shown) {
            return shown;
        }
        assert!(began.elapsed().as_secs() < 120, "{shown:#}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

fn over(session: &Value) -> bool {
    ["succeeded", "failed", "cancelled", "expired"].contains(&session["state"].as_str().unwrap())
}

fn ran(site: &Site, computer: &str) -> Value {
    let id = ask(site, computer);
    until(site, &id, over)
}

fn marker(site: &Site, host: &str) -> bool {
    let world = site.running.world();
    let world = world.read().unwrap();
    let is_it = |one: &mocks::world::Machine| one.host == host && one.mark.gone.is_none();
    let no = world.machines.iter().position(is_it).unwrap();
    mocks::machine::state(&world, no).files.contains_key(&MARKER.to_lowercase())
}

/// Later rings wait, with the reason, in the session and wherever winners are shown.
fn later_rings_wait(site: &Site, other: &str) {
    let waits = ran(site, other);
    assert_eq!(waits["state"], "succeeded", "{waits:#}");
    let action = &waits["actions"][0];
    assert_eq!(action["result"], "held", "{waits:#}");
    let why =
        "ring 2 (everybody else) opens once 80 % of ring 1 (canaries) were reached (0 of 4 by now)";
    assert!(action["message"].as_str().unwrap().contains(why), "{action}");
    assert!(!marker(site, other));
    let won = site.run(&["winners", other]).ended(0).readable().out;
    assert!(won.contains("held, nothing is changed: ring 2") && won.contains("enforce"), "{won}");
    let explained = site.run(&["explain", other, "marker", "--json"]).ended(0).json();
    assert_eq!((&explained[0]["slot"], explained[0]["held"].is_string()), (&"won".into(), true));
}

/// Another version begins anew: nobody else is touched before the canaries had it.
fn another_version_begins_anew(site: &Site, rules: &str, other: &str) {
    let newer =
        rules.replace("-eq 'here'", "-eq 'there'").replace("-Value 'here'", "-Value 'there'");
    site.place.write("rules/marker.toml", &newer);
    site.apply("rules");
    let waits = ran(site, other);
    let action = &waits["actions"][0];
    assert_eq!(
        (&action["result"], &action["drift"]),
        (&"held".into(), &"rule".into()),
        "{waits:#}"
    );
    assert!(action["message"].as_str().unwrap().contains("(0 of 4 by now)"), "{action}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s30_a_ring_that_fails_halts_the_deployment_later_rings_are_untouched_and_one_command_goes_on()
 {
    let (site, computers) = read(301, ENGINE).await;
    let (canaries, others) = (&computers[..4], &computers[4..]);
    let tag = format!("[[tag]]\nname = \"canary\"\ncomputers = {canaries:?}\n\n");
    let rings =
        "rings = [{ name = \"canaries\", tag = \"canary\", soak_hours = 0, failures_minimum = 4 }]";
    let rules = |broken: &[String]| format!("{tag}{}{}", task(broken, "here"), deployment(rings));
    site.place.write("rules/marker.toml", &rules(&canaries[..1]));
    site.apply("rules");
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");

    later_rings_wait(&site, &others[0]);

    // One of four fails: more than 2 %.
    for canary in canaries {
        let session = ran(&site, canary);
        let failed = *canary == canaries[0];
        assert_eq!(session["state"], if failed { "failed" } else { "succeeded" }, "{session:#}");
        assert_eq!(marker(&site, canary), !failed);
    }
    let halted = service.wait_for(|line| line["message"] == "a deployment is halted");
    assert_eq!(halted["why"], "ring 1 (canaries): 1 of 4 failed (25 %, more than 2 %)");
    let held = ran(&site, &others[1]);
    assert_eq!(held["actions"][0]["result"], "held", "{held:#}");
    assert!(held["actions"][0]["message"].as_str().unwrap().contains("1 of 4 failed"), "{held:#}");
    assert!(others.iter().all(|one| !marker(&site, one)), "a later ring was touched");
    let shown = site.run(&["show", "deployment", "marker-everywhere"]).ended(0).readable().out;
    for part in [
        "by its rings: ring 1 (canaries): 1 of 4 failed",
        "linchpin resume deployment marker-everywhere",
        "ring 1 (canaries): 4 of 4 reached, 1 failed",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let needs = site.run(&["needs"]).ended(0).readable().out;
    assert!(needs.contains("is stopped by its rings"), "{needs}");

    // Whoever goes on takes the one that failed, and the next ring opens.
    let gone_on = site.run(&["resume", "deployment", "marker-everywhere", "--by", "ana"]).ended(0);
    assert!(gone_on.out.contains("1 that failed does not count any more"), "{}", gone_on.out);
    let opened = std::time::Instant::now();
    while !marker(&site, &others[0]) {
        let session = ran(&site, &others[0]);
        assert_eq!(session["state"], "succeeded", "{session:#}");
        assert!(opened.elapsed().as_secs() < 120, "{session:#}");
    }
    let audit = site.run(&["audit", "--json"]).ended(0).out;
    assert!(audit.contains("\"action\":\"resume\""), "{audit}");
    another_version_begins_anew(&site, &rules(&[]), &others[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stopped_waits_and_ends_as_if_it_had_not_been_stopped() {
    let (site, computers) = read(302, ENGINE).await;
    site.place.write("rules/marker.toml", &format!("{}{}", task(&[], "here"), deployment("")));
    site.apply("rules");
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    let stopped =
        site.run(&["stop", "everything", "--reason", "the line is down", "--by", "ana"]).ended(0);
    assert!(
        stopped.out.contains("Everything is stopped by ana: the line is down."),
        "{}",
        stopped.out
    );
    let ids: Vec<String> = computers[..2].iter().map(|one| ask(&site, one)).collect();
    let listed = site.run(&["sessions"]).ended(0).readable().out;
    assert!(listed.contains("waiting, held") && listed.contains("Stopped: everything"), "{listed}");
    let stops = site.run(&["stops", "--json"]).ended(0).json();
    assert_eq!((&stops[0]["kind"], &stops[0]["held"]), (&"everything".into(), &2.into()));
    // The stop of one more thing holds it when everything goes on.
    site.run(&["stop", "deployment", "marker-everywhere"]).ended(0);
    site.run(&["resume", "everything"]).ended(0);
    let held = until(&site, &ids[0], over);
    assert_eq!(held["actions"][0]["result"], "held", "{held:#}");
    assert!(
        held["actions"][0]["message"].as_str().unwrap().contains("is stopped by tester"),
        "{held:#}"
    );
    until(&site, &ids[1], over);
    assert!(!marker(&site, &computers[0]) && !marker(&site, &computers[1]));
    site.run(&["go", "deployment", "marker-everywhere"]).ended(0);
    for computer in &computers[..2] {
        let session = ran(&site, computer);
        assert_eq!(
            (&session["state"], &session["word"]),
            (&"succeeded".into(), &"as it should be".into())
        );
        assert!(marker(&site, computer));
    }
    assert_eq!(site.run(&["stops"]).ended(0).out, "Nothing is stopped.\n");
    site.run(&["resume", "everything"]).refused(&["everything is not stopped"]);
    site.run(&["stop", "schedule", "nihgtly"]).refused(&["there is no schedule `nihgtly`"]);
    site.run(&["stop", "tenant", "Nobody"]).refused(&["Nobody"]);
    site.run(&["pause", "deployment", "markr"]).refused(&["markr"]);
    // Over the API the same.
    let token = site.run(&["token", "create", "one", "--role", "operator"]).ended(0).out;
    let token = token.split_whitespace().find(|word| word.starts_with("lpt_")).unwrap().to_owned();
    let (code, answer) = service.get_as("/v1/stops", &token);
    assert_eq!((code, answer["items"].as_array().map(Vec::len)), (200, Some(0)), "{answer}");
}

/// A computer, and a person of its tenant who is the primary one of none.
fn not_his(site: &Site, computers: &[String], persons: &[Value]) -> (Value, Value) {
    let all = site.run(&["list", "computers", "--json"]).ended(0).json();
    let found = computers.iter().find_map(|name| {
        let computer = all.iter().find(|one| one["name"] == name.as_str())?;
        let person = persons.iter().find(|person| {
            person["tenant"] == computer["tenant"]
                && person["gone"] == false
                && all.iter().all(|one| one["primary"]["person"] != person["id"])
        })?;
        Some((computer.clone(), person.clone()))
    });
    found.expect("a computer and a person")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn winners_that_change_by_themselves_beyond_the_budget_wait_for_a_number() {
    let (site, computers) = read(303, "[maintenance]\npoll_ms = 50\n").await;
    let persons = site.run(&["list", "persons", "--json"]).ended(0).json();
    let (computer, person) = not_his(&site, &computers, &persons);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (name, person, tenant) =
        (text(&computer["name"]), text(&person["id"]), text(&computer["tenant"]));
    let rules = format!(
        "{}[[tenant]]\nname = \"{tenant}\"\nbudget = {{ percent = 0, computers = 0, uninstalls = 0 }}\n\n\
         [[deployment]]\nname = \"marker-of-one\"\ntask = \"marker\"\nstate = \"enforce\"\ntarget = {{ person = \"{person}\" }}\n",
        task(&[], "here")
    );
    site.place.write("rules/marker.toml", &rules);
    site.apply("rules");
    let first = site.run(&["session", "run", &name]).ended(0).readable().out;
    assert!(first.contains("nothing holds for it"), "{first}");
    // The person gets the computer: nobody saved anything.
    site.run(&["pin", &text(&computer["id"]), &person]).ended(0);
    let won = site.run(&["winners", &name, "--json"]).ended(0).json();
    assert!(won.iter().any(|one| one["slot"] == "won"), "{won:?}");
    let held = site.run(&["session", "run", &name]).ended(0).readable().out;
    let flat = held.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("held: 1 of") && flat.contains("`linchpin approve 1 --confirm 1`"),
        "{held}"
    );
    assert!(!marker(&site, &name));
    let shown = site.run(&["requests", "show", "1"]).ended(0).readable().out;
    assert!(shown.contains("marker-of-one") && shown.contains("the hub"), "{shown}");
    let needs = site.run(&["needs"]).ended(0).readable().out;
    assert!(needs.contains("request 1"), "{needs}");
    // Asked once, however often it is looked.
    site.run(&["session", "run", &name, "--detect-only"]).ended(0);
    assert_eq!(site.run(&["requests", "--json"]).ended(0).json().len(), 1);
    let none = site.run(&["approve", "1"]);
    assert!(none.code == 3 && none.err.contains("needs a confirmation of 1"), "{}", none.err);
    site.run(&["approve", "1", "--confirm", "1", "--by", "ben"]).ended(0);
    let done = site.run(&["session", "run", &name]).ended(0).readable().out;
    assert!(done.contains("succeeded: as it should be"), "{done}");
    assert!(marker(&site, &name));
    assert_eq!(site.run(&["requests"]).ended(0).out, "No request is open.\n");

    // Within the budget it is acted on at once.
    let usual = rules.lines().filter(|line| !line.starts_with("budget")).collect::<Vec<_>>();
    site.place.write("rules/marker.toml", &usual.join("\n"));
    site.apply("rules");
    let other = persons.iter().find(|one| {
        one["tenant"] == computer["tenant"] && one["gone"] == false && one["id"] != person.as_str()
    });
    site.run(&["pin", &text(&computer["id"]), &text(&other.unwrap()["id"])]).ended(0);
    let lost = site.run(&["session", "run", &name]).ended(0).readable().out;
    assert!(lost.contains("nothing holds for it"), "{lost}");
    site.run(&["pin", &text(&computer["id"]), &person]).ended(0);
    let back = site.run(&["session", "run", &name]).ended(0).readable().out;
    assert!(back.contains("succeeded: as it should be"), "{back}");
    assert_eq!(site.run(&["requests"]).ended(0).out, "No request is open.\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_drifted_is_told_with_its_cause_and_two_sessions_are_compared() {
    let (site, computers) = read(304, "[maintenance]\npoll_ms = 50\n").await;
    let name = &computers[0];
    site.place.write("rules/marker.toml", &format!("{}{}", task(&[], "here"), deployment("")));
    site.apply("rules");
    let run = || site.run(&["session", "run", name, "--json"]).ended(0).json().pop().unwrap();
    let first = run();
    assert_eq!(first["result"]["actions"][0]["drift"], Value::Null, "{first:#}");
    let kept = run();
    // Somebody takes the file away.
    {
        let world = site.running.world();
        let mut world = world.write().unwrap();
        let is_it = |one: &mocks::world::Machine| one.host == *name && one.mark.gone.is_none();
        let no = world.machines.iter().position(is_it).unwrap();
        let state = world.states.of.get_mut(&no).unwrap();
        assert!(state.files.remove(&MARKER.to_lowercase()).is_some());
    }
    let second = run();
    assert_eq!(second["result"]["actions"][0]["drift"], "computer", "{second:#}");
    let id = second["id"].as_str().unwrap();
    let shown = site.run(&["sessions", "show", id]).ended(0).readable().out;
    assert!(shown.contains("the computer changed: The marker was compliant at"), "{shown}");
    let compared = site.run(&["sessions", "compare", id]).ended(0).readable().out;
    assert!(
        compared.contains("made of something else: what was found of The marker"),
        "{compared}"
    );
    let value = site.run(&["sessions", "compare", id, kept["id"].as_str().unwrap(), "--json"]);
    let value = value.ended(0).value();
    assert_eq!((&value["one"]["id"], &value["differing"]), (&second["id"], &1.into()), "{value:#}");
    // The rule says something else now.
    site.place.write("rules/marker.toml", &format!("{}{}", task(&[], "there"), deployment("")));
    site.apply("rules");
    let third = run();
    let action = &third["result"]["actions"][0];
    assert_eq!(
        (&action["drift"], &third["state"]),
        (&"rule".into(), &"succeeded".into()),
        "{third:#}"
    );
    assert!(action["drift_why"].as_str().unwrap().contains("task marker"), "{action}");
    let actions = site.run(&["actions", "--computer", name]).ended(0).readable().out;
    assert!(
        actions.contains("(the rule changed)") && actions.contains("(the computer changed)"),
        "{actions}"
    );
    site.run(&["sessions", "compare", id, "ses_nobody"]).refused(&["no session `ses_nobody`"]);
}

/// Two deployments of one task, of which the second is for computers with a tag alone.
fn of_the_tagged(computers: &[&str]) -> String {
    let task = task(&[], "here").replace("-eq 'here'", "-eq $text").replace("'here'", "$text");
    let other = deployment("parameters = { text = \"there\" }")
        .replace("marker-everywhere", "marker-special")
        .replace("target = \"all\"", "target = { tag = \"special\" }");
    let everywhere = deployment("parameters = { text = \"here\" }");
    format!("[[tag]]\nname = \"special\"\ncomputers = {computers:?}\n\n{task}{everywhere}{other}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_drifted_because_a_computer_came_into_another_target_says_so() {
    let (site, computers) = read(305, "[maintenance]\npoll_ms = 50\n").await;
    let name = &computers[0];
    let run = || site.run(&["session", "run", name, "--json"]).ended(0).json().pop().unwrap();
    site.place.write("rules/marker.toml", &of_the_tagged(&[]));
    site.apply("rules");
    assert_eq!(run()["result"]["actions"][0]["result"], "compliant");
    site.place.write("rules/marker.toml", &of_the_tagged(&[name]));
    site.apply("rules");
    let tagged = run();
    let action = &tagged["result"]["actions"][0];
    assert_eq!(
        (&action["drift"], &action["result"]),
        (&"membership".into(), &"compliant".into()),
        "{tagged:#}"
    );
    let why = action["drift_why"].as_str().unwrap();
    let told = "marker-special wins now, marker-everywhere did before";
    assert!(why.starts_with(told) && why.contains("special"), "{why}");
    // Out of it again: the other one wins as before.
    site.place.write("rules/marker.toml", &of_the_tagged(&[]));
    site.apply("rules");
    let back = run();
    assert_eq!(back["result"]["actions"][0]["drift"], "membership", "{back:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s30_software_that_is_there_and_cannot_be_configured_halts_its_rings() {
    let (site, computers) = read(306, ENGINE).await;
    let rules = format!(
        "[[tag]]\nname = \"canary\"\ncomputers = {:?}\n\n{}\
         [[software]]\nname = \"tools\"\ndetect = {{ script = \"'1.0'\" }}\nconfiguration = \"marker\"\nversions = [\"1.0\"]\n\n\
         [[deployment]]\nname = \"tools\"\nsoftware = \"tools\"\nstate = \"any\"\ntarget = \"all\"\n\
         rings = [{{ name = \"canaries\", tag = \"canary\", soak_hours = 0, failures_minimum = 1 }}]\n",
        &computers[..1],
        task(&computers[..1], "here"),
    );
    site.place.write("rules/tools.toml", &rules);
    site.apply("rules");
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    let failed = ran(&site, &computers[0]);
    let results: Vec<&Value> =
        failed["actions"].as_array().unwrap().iter().map(|one| &one["result"]).collect();
    assert_eq!(results, ["compliant", "failed"], "{failed:#}");
    let halted = service.wait_for(|line| line["message"] == "a deployment is halted");
    assert_eq!(halted["why"], "ring 1 (canaries): 1 of 1 failed (100 %, more than 2 %)");
    let held = ran(&site, &computers[1]);
    assert_eq!(held["actions"][1]["result"], "held", "{held:#}");
    assert!(!marker(&site, &computers[1]));
    let listed = site.run(&["actions", "--result", "failed", "--json"]).ended(0).json();
    assert_eq!(listed.len(), 1, "{listed:#?}");
    assert!(listed[0]["deployment"].is_string(), "{listed:#?}");
}
