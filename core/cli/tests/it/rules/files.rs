//! Definitions kept as files: planned, applied, exported.

use super::firm::Firm;

pub(crate) const MORE: &str = "[[deployment]]\nname = \"edr-fabrikam\"\nsoftware = \"edr\"\n\
                    state = \"latest\"\ntarget = { tenant = \"Fabrikam\" }\n";

const READER: &str = "[[deployment]]\nname = \"reader-finance\"\nsoftware = \"reader\"\n\
                      state = \"absent\"\ntarget = { group = \"Finance\", tenant = \"Contoso\", \
                      except = { person = \"Carla Stone\" } }\n";

/// The firm, and what it has defined as files in the folder `rules`, without the golden case that
/// does not hold there: as long as one is broken nothing else can be applied.
pub(crate) async fn exported() -> Firm {
    let firm = Firm::new().await;
    firm.run(&["export", "rules"]).ended(0);
    firm.run(&["apply", "rules"]).ended(3);
    let cases = firm.read("rules/expectations.toml");
    let (head, cases) = cases.split_once("[[expect]]").unwrap();
    let held = cases.split("[[expect]]").filter(|case| !case.contains("Dora"));
    let held: String = held.map(|case| format!("[[expect]]{case}")).collect();
    firm.put("rules/expectations.toml", &format!("{head}{held}"));
    firm.run(&["apply", "rules"]).ended(0);
    firm.run(&["export", "rules", "--force"]).ended(0);
    firm
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exported_changes_nothing_and_is_exported_as_the_same_again() {
    let firm = exported().await;
    let plan = firm.run(&["plan", "rules", "--json"]).ended(0).json().remove(0);
    assert_eq!(plan["changes"], serde_json::json!([]));
    assert_eq!(plan["preview"]["shifts"], serde_json::json!([]));
    let again = firm.run(&["export", "again", "--json"]).ended(0).json().remove(0);
    for file in again["files"].as_array().unwrap() {
        let file = file.as_str().unwrap();
        assert_eq!(firm.read(&format!("again/{file}")), firm.read(&format!("rules/{file}")));
    }
    let refused = firm.run(&["export", "rules"]).ended(2);
    assert!(refused.err.contains("--force"), "{}", refused.err);
    firm.run(&["export", "rules", "--force"]).ended(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_says_what_apply_then_does_and_the_history_says_who_and_why() {
    let firm = exported().await;
    firm.put("rules/more.toml", MORE);
    let plan = firm.run(&["plan", "rules"]).ended(0);
    assert!(plan.out.contains("+ deployment edr-fabrikam"), "{}", plan.out);
    assert!(plan.out.contains("2 newly won") || plan.out.contains("2 taken over"), "{}", plan.out);
    // A plan saves nothing.
    assert!(
        firm.run(&["show", "deployment", "edr-fabrikam"]).ended(2).err.contains("edr-fabrikam")
    );
    firm.run(&["apply", "rules", "--by", "ana", "--note", "they bought it"]).ended(0);
    let shown = firm.run(&["show", "deployment", "edr-fabrikam"]).ended(0);
    assert!(shown.out.contains("ana") && shown.out.contains("they bought it"), "{}", shown.out);
    let again = firm.run(&["apply", "rules"]).ended(0);
    assert!(again.out.contains("Nothing was to be saved"), "{}", again.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_previewed_over_what_the_hub_has_and_nothing_is_saved() {
    let firm = exported().await;
    let revision = firm.store().await.last_revision().await.unwrap();
    // Two deployments that it does not define go on; one that it defines is as it says.
    firm.put("new.toml", &format!("{MORE}{READER}"));
    let answer = firm.run(&["preview", "new.toml", "--json"]).ended(0).json().remove(0);
    let changes: Vec<&str> = answer["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(changes, ["edr-fabrikam", "reader-finance"]);
    let counts = &answer["counts"];
    assert_eq!((&counts["taken_over"], &counts["restated"]), (&2.into(), &2.into()));
    assert_eq!(counts["uninstalls"], 2);
    let before = |shift: &serde_json::Value| shift["before"]["deployment"]["name"].clone();
    let shifts = answer["shifts"].as_array().unwrap();
    assert!(shifts.iter().any(|shift| before(shift) == "security"), "{shifts:?}");
    let text = firm.run(&["preview", "new.toml"]).ended(0).out;
    for part in ["+ deployment edr-fabrikam", "~ deployment reader-finance", "Uninstalls (2)"] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    // The same as if it were saved beside the others.
    firm.put("rules/deployments.toml", &{
        let rules = firm.read("rules/deployments.toml");
        let (head, tail) = rules.split_once("[[deployment]]\nname = \"reader-finance\"").unwrap();
        let tail = tail.split_once("[[deployment]]").map_or("", |(_, tail)| tail);
        format!("{head}{MORE}{READER}[[deployment]]{tail}")
    });
    let plan = firm.run(&["plan", "rules", "--json"]).ended(0).json().remove(0);
    // The id of what is new tells when it was read.
    let subjects = |answer: &serde_json::Value| {
        let shifts = answer["shifts"].as_array().unwrap().iter();
        shifts.map(|shift| (before(shift), shift["subjects"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(subjects(&plan["preview"]), subjects(&answer));
    assert_eq!(plan["preview"]["counts"], answer["counts"]);
    assert_eq!(firm.store().await.last_revision().await.unwrap(), revision);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_of_a_previewed_file_have_line_and_caret() {
    let firm = exported().await;
    firm.put("new.toml", &MORE.replace("\"edr\"", "\"edrs\""));
    let refused = firm.run(&["preview", "new.toml"]).refused(&["new.toml:3:12", "`edrs`", "edr"]);
    assert!(refused.err.contains("software = \"edrs\""), "{}", refused.err);
    firm.put(
        "new.toml",
        &MORE
            .replace("edr-fabrikam", "security-too")
            .replace("{ tenant = \"Fabrikam\" }", "{ product = \"Managed Security\" }"),
    );
    firm.run(&["preview", "new.toml"]).refused(&["says the same as `security`", "the hub has"]);
    firm.run(&["preview", "nowhere.toml"]).refused(&["reading nowhere.toml"]);
    firm.run(&["preview", "rules"]).refused(&["is a folder", "linchpin plan rules"]);
    firm.run(&["preview", "new.toml", "--deployment", "security"]).refused(&["cannot be used"]);
    firm.run(&["preview", "--remove"]).refused(&["--deployment"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_plan_is_refused_and_says_which_input_changed() {
    let firm = exported().await;
    firm.put("rules/more.toml", MORE);
    firm.run(&["plan", "rules", "--save", "plan.json"]).ended(0);
    firm.put("rules/more.toml", &MORE.replace("latest", "any"));
    let stale = firm.run(&["apply", "rules", "--plan", "plan.json"]).ended(1);
    assert!(stale.err.contains("stale") && stale.err.contains("more.toml"), "{}", stale.err);
    firm.put("rules/more.toml", MORE);
    firm.run(&["apply", "rules", "--plan", "plan.json"]).ended(0);
    // Applied, it is what it was made from no more.
    let stale = firm.run(&["apply", "rules", "--plan", "plan.json"]).ended(1);
    assert!(stale.err.contains("definitions"), "{}", stale.err);
    firm.put("plan.json", "{}");
    firm.run(&["apply", "rules", "--plan", "plan.json"]).ended(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t23_mistakes_are_told_with_their_places_and_nothing_is_applied() {
    let firm = exported().await;
    firm.put("rules/more.toml", &format!("{MORE}labels_include_any = [\"x\"]\n"));
    firm.put("rules/wrong.toml", "[[tag]]\nnmae = \"Kiosk 2\"\n");
    let refused = firm.run(&["apply", "rules"]).ended(2);
    for part in ["more.toml:6", "labels_include_any", "wrong.toml:2", "nmae"] {
        assert!(refused.err.contains(part), "no {part} in:\n{}", refused.err);
    }
    firm.run(&["show", "deployment", "edr-fabrikam"]).ended(2);
    let listed = firm.run(&["plan", "rules", "--json"]).ended(2).json().remove(0);
    assert!(listed["error"]["problems"].as_array().unwrap().len() >= 2, "{listed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_golden_case_blocks() {
    let firm = exported().await;
    let rules = firm.read("rules/deployments.toml");
    let rules = rules.replacen("state = \"ignored\"", "state = \"latest\"", 1);
    firm.put("rules/deployments.toml", &rules);
    let blocked = firm.run(&["apply", "rules"]).ended(3);
    assert!(blocked.err.contains("golden case"), "{}", blocked.err);
    let plan = firm.run(&["plan", "rules", "--json"]).ended(3).json().remove(0);
    assert!(!plan["changes"].as_array().unwrap().is_empty(), "nothing was applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_without_files_is_a_mistake_and_removes_nothing() {
    let firm = exported().await;
    firm.put("empty/readme.txt", "nothing");
    for folder in ["empty", "nowhere"] {
        let refused = firm.run(&["apply", folder]).ended(2);
        assert!(refused.err.contains(folder), "{}", refused.err);
    }
    assert!(firm.run(&["list", "deployments"]).ended(0).out.contains("reader-all"));
}
