//! Schedules and onboarding by themselves: the hub, a runner, and nobody who asks for anything.

use serde_json::Value;

use super::machine::{Machine, until};

impl Machine {
    /// The sessions of a kind, the newest change first.
    fn sessions(&self, kind: &str) -> Vec<Value> {
        self.linchpin(&["sessions", "--kind", kind, "--json"]).ended(0).json()
    }

    /// Runs a schedule, and waits until its one session is over: its state and its word.
    fn run_schedule(&self, arguments: &[&str]) -> (String, String) {
        let ran = self.linchpin(&[&["schedule", "run", "--json"], arguments].concat()).ended(0);
        assert_eq!(ran.value()["made"], 1, "{}", ran.out);
        let group = ran.value()["group"].as_str().unwrap().to_owned();
        let of_group = || self.linchpin(&["sessions", "--group", &group, "--json"]).ended(0).json();
        let id = of_group()[0]["id"].as_str().unwrap().to_owned();
        let state = self.ended(&id);
        (state, of_group()[0]["word"].as_str().unwrap().to_owned())
    }
}

const SCHEDULES: &str = "[[schedule]]\nname = \"each-minute\"\ntarget = \"all\"\ndetect = \"* * * * *\"\n\
                         enabled = false\n\
                         [[schedule]]\nname = \"hello-only\"\ntarget = \"all\"\nsoftware = \"lp-hello\"\n\
                         detect = \"0 3 1 1 *\"\noffline = \"skip\"\n";

#[test]
fn a_schedule_fires_by_itself_and_one_of_a_single_item_leaves_the_cnc_machine_alone() {
    let machine = Machine::new();
    machine.rules("latest", "greetings");
    let (hub, agent, computer) = machine.at_work();
    let ignored = format!(
        "[[deployment]]\nname = \"cnc\"\nsoftware = \"lp-hello\"\nstate = \"ignored\"\n\
         target = {{ computer = \"{computer}\" }}\n"
    );
    machine.define("schedules.toml", &format!("{SCHEDULES}{ignored}"));

    // Everything is resolved, and then one item is done of it: the exception holds.
    let (state, word) = machine.run_schedule(&["hello-only"]);
    assert_eq!(
        (state.as_str(), word.as_str(), machine.begun()),
        ("succeeded", "nothing holds for it", 0)
    );
    machine.define("schedules.toml", SCHEDULES);
    let (state, word) = machine.run_schedule(&["hello-only", "--detect-only"]);
    assert_eq!((state.as_str(), machine.begun()), ("succeeded", 0), "{word}");
    assert!(word.contains("1 to be done"), "{word}");
    let (state, word) = machine.run_schedule(&["hello-only"]);
    assert_eq!((state.as_str(), machine.installed().as_str()), ("succeeded", "2.0"), "{word}");
    // The other item is not of this schedule.
    assert!(!machine.file("motd").exists());

    over_the_api(&machine);
    machine.linchpin(&["schedule", "enable", "each-minute"]).ended(0);
    until("a schedule fires by itself", || machine.file("motd").exists());
    machine.linchpin(&["schedule", "disable", "each-minute"]).ended(0);
    let open = |one: &Value| one["state"] == "waiting" || one["state"] == "running";
    until("what fired is over", || !machine.sessions("scheduled").iter().any(open));
    let fired = machine.sessions("scheduled");
    assert!(fired.iter().any(|one| one["schedule"] == "each-minute"), "{fired:?}");
    let shown = machine.linchpin(&["schedule", "show", "each-minute", "--json"]).ended(0).value();
    // Where a second minute passed meanwhile, there was nobody left who had no session.
    let made = shown["runs"].as_array().unwrap().iter().any(|run| run["made"] == 1);
    assert!(made && shown["next"] == Value::Array(Vec::new()), "{shown}");

    // Who is away at its time is skipped, with that reason.
    agent.kill();
    let runners = || machine.linchpin(&["runners", "--json"]).ended(0).json();
    until("the machine is away", || runners()[0]["state"] == "away");
    let asked = machine.linchpin(&["schedule", "run", "hello-only", "--json"]).ended(0).value();
    let group = asked["group"].as_str().unwrap().to_owned();
    let skipped = || machine.linchpin(&["sessions", "--group", &group, "--json"]).ended(0).json();
    until("who is away is skipped", || skipped()[0]["state"] == "cancelled");
    let word = skipped()[0]["word"].as_str().unwrap().to_owned();
    assert!(word.starts_with("skipped: ") && word.ends_with("was away at its time"), "{word}");

    // S26: who is excluded while his session waits is left alone, and it is said.
    let asked = machine.linchpin(&["schedule", "run", "each-minute", "--json"]).ended(0).value();
    let group = asked["group"].as_str().unwrap().to_owned();
    let waits =
        || machine.linchpin(&["sessions", "--group", &group, "--json"]).ended(0).json().remove(0);
    until("it waits for the computer", || waits()["away"] == true);
    let excluded =
        format!("[[computer]]\nname = \"{computer}\"\nexcluded_from_maintenance = true\n");
    machine.define("excluded.toml", &excluded);
    until("it is taken back", || waits()["state"] == "cancelled");
    assert_eq!(waits()["word"], "the computer is excluded from maintenance");
    let none = machine.linchpin(&["schedule", "run", "each-minute", "--json"]).ended(0).value();
    assert_eq!((&none["made"], &none["left_alone"]), (&0.into(), &1.into()));
    drop(hub);
}

/// The routes do what the commands do, and say so in the log of changes.
fn over_the_api(machine: &Machine) {
    let operator = machine.linchpin(&["token", "create", "ops", "--role", "operator"]).ended(0).out;
    let reader = machine.linchpin(&["token", "create", "eye", "--role", "reader"]).ended(0).out;
    let (operator, reader) = (operator.trim(), reader.trim());
    let post = |path: &str, body| machine.post(&format!("/v1/schedules/{path}"), operator, body);
    assert_eq!(machine.post("/v1/schedules/hello-only/run", reader, "{}").0, 403);
    assert_eq!(post("nobody/run", "{}").0, 404);
    let (code, ran) = post("hello-only/run", "{\"detect_only\":true}");
    assert_eq!((code, &ran["made"], &ran["detect_only"]), (200, &1.into(), &true.into()), "{ran}");
    let (code, taken) = post("hello-only/cancel", "{}");
    assert_eq!((code, &taken["name"]), (200, &"hello-only".into()), "{taken}");
    for (deed, enabled) in [("enable", true), ("disable", false)] {
        let (code, switched) = post(&format!("each-minute/{deed}"), "{}");
        assert_eq!((code, &switched["enabled"]), (200, &enabled.into()), "{switched}");
    }
    let audit = machine.linchpin(&["audit", "--json"]).ended(0).out;
    for action in ["run-schedule", "cancel-schedule", "enable-schedule", "disable-schedule"] {
        assert!(audit.contains(action), "{action}: {audit}");
    }
}

const WELCOME: &str = "[[task]]\nname = \"welcome\"\nonboarding_only = true\n\
                       test = { file = \"welcome-test.sh\" }\nset = { file = \"welcome-set.sh\" }\n\
                       [[task.parameters]]\nname = \"computer_name\"\ndefault = \"unnamed\"\n\
                       [[deployment]]\nname = \"welcome\"\ntask = \"welcome\"\nstate = \"enforce\"\n\
                       target = \"all\"\nonboarding_only = true\n";

#[test]
fn p17_a_new_computer_is_set_up_by_itself_onboarding_first_and_is_onboarded_then() {
    let machine = Machine::new();
    machine.settings("engine = true", "engine = true\nonboarding = true");
    machine.rules("latest", "greetings");
    let welcome = machine.file("welcome");
    let shown = welcome.display();
    let test = format!("if [ -e {shown} ]; then echo true; else echo false; fi\n");
    machine.write("rules/welcome-test.sh", &test);
    // What is for onboarding comes first: nothing is installed yet.
    let begun = machine.file("begun");
    let set = format!(
        "[ ! -e {begun} ] || exit 7\nprintf %s \"$LP_computer_name\" >{shown}\n",
        begun = begun.display()
    );
    machine.write("rules/welcome-set.sh", &set);
    machine.define("welcome.toml", WELCOME);
    let (hub, agent, computer) = machine.at_work();
    let onboarding = || {
        let all = machine.linchpin(&["list", "computers", "--json"]).ended(0).json();
        all[0]["onboarding"].as_str().unwrap().to_owned()
    };
    until("the computer is onboarded", || onboarding() == "done" && welcome.exists());
    assert_eq!(std::fs::read_to_string(&welcome).unwrap(), "unnamed");
    assert_eq!(machine.installed(), "2.0");
    let sessions = machine.sessions("onboarding");
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(
        (&sessions[0]["state"], &sessions[0]["asked_by"]),
        (&"succeeded".into(), &"".into())
    );

    // Full maintenance has nothing to do with it; by hand it is done again, with what was entered.
    std::fs::remove_file(&welcome).unwrap();
    machine.maintain(&computer);
    assert!(!welcome.exists());
    std::fs::remove_file(&begun).unwrap();
    let by_hand = ["sessions", "run", &computer, "--onboarding", "--computer-name", "PC-NEW"];
    machine.linchpin(&by_hand).ended(0);
    assert_eq!(std::fs::read_to_string(&welcome).unwrap(), "PC-NEW");
    drop((agent, hub));
}
