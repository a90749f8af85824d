//! Changes that wait for a second person: P19 and P20, from the file to the revision.

use serde_json::Value;

use super::files::{MORE, exported};
use super::firm::Firm;

const BUDGET: &str = "[[tenant]]\nname = \"Fabrikam\"\nbudget = { percent = 0, computers = 0 }\n";

/// The firm with a tenant where every change is beyond the budget, and a change of two computers.
async fn beyond() -> Firm {
    let firm = exported().await;
    firm.put("rules/budget.toml", BUDGET);
    firm.run(&["apply", "rules"]).ended(0);
    firm.put("rules/more.toml", MORE);
    firm
}

async fn revision(firm: &Firm) -> i64 {
    firm.store().await.last_revision().await.unwrap()
}

fn one(firm: &Firm, arguments: &[&str], code: i32) -> Value {
    firm.run(&[arguments, &["--json"]].concat()).ended(code).json().remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p20_without_a_second_person_more_than_the_budget_needs_its_number() {
    let firm = beyond().await;
    firm.write("\n[rules]\nsecond_person = false\n");
    let plan = one(&firm, &["plan", "rules"], 3);
    assert_eq!(plan["confirm"], 2);
    let held = firm.run(&["apply", "rules"]).ended(3);
    assert!(held.err.contains("--confirm 2"), "{}", held.err);
    firm.run(&["apply", "rules", "--confirm", "1"]).ended(3);
    assert!(firm.run(&["requests"]).ended(0).out.contains("No request is open"));
    firm.run(&["apply", "rules", "--confirm", "2"]).ended(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p20_more_than_the_budget_waits_until_a_second_person_names_the_number() {
    let firm = beyond().await;
    let before = revision(&firm).await;
    let plan = firm.run(&["plan", "rules"]).ended(3);
    assert!(plan.out.contains("somebody else approves with `--confirm 2`"), "{}", plan.out);
    let asked = ["apply", "rules", "--by", "ana", "--note", "they bought it"];
    let held = firm.run(&asked).ended(3);
    assert!(held.out.contains("`linchpin approve 1 --confirm 2`"), "{}", held.out);
    // Nothing but the request is there: no revision, no deployment, no other winner.
    assert_eq!(revision(&firm).await, before);
    firm.run(&["show", "deployment", "edr-fabrikam"]).ended(2);
    let winner = one(&firm, &["winners", "FAB-1", "--item", "edr"], 0);
    assert_eq!(winner["deployment"]["name"], "security");
    // The same is not asked for twice.
    let again = one(&firm, &["apply", "rules", "--by", "carl"], 3);
    assert_eq!((&again["request"], &again["confirm"]), (&1.into(), &2.into()));

    for (wrong, code, says) in [
        (&["approve", "1", "--confirm", "2", "--by", "Ana"][..], 3, "somebody else approves"),
        (&["approve", "1", "--by", "ben"], 3, "--confirm 2"),
        (&["approve", "1", "--by", "ben", "--confirm", "3"], 3, "3 was confirmed, and it is 2"),
        (&["approve", "2", "--by", "ben", "--confirm", "2"], 2, "there is no request 2"),
        (&["apply", "rules", "--by", "ana", "--confirm", "5"], 3, "5 was confirmed"),
    ] {
        let refused = firm.run(wrong).ended(code);
        assert!(refused.err.contains(says), "{wrong:?}: {}", refused.err);
        assert_eq!(revision(&firm).await, before, "{wrong:?}");
    }
    let saved = one(&firm, &["approve", "1", "--confirm", "2", "--by", "ben", "--note", "ok"], 0);
    assert_eq!((&saved["revision"], &saved["by"]), (&(before + 1).into(), &"ben".into()));
    let shown = firm.run(&["show", "deployment", "edr-fabrikam"]).ended(0).out;
    assert!(shown.contains("ana") && shown.contains("approved by ben: ok"), "{shown}");
    let winner = one(&firm, &["winners", "FAB-1", "--item", "edr"], 0);
    assert_eq!(winner["deployment"]["name"], "edr-fabrikam");
    let done = firm.run(&["approve", "1", "--confirm", "2", "--by", "ben"]).ended(2);
    assert!(done.err.contains("was approved by ben, as revision"), "{}", done.err);
    // Applying the files again finds what was approved.
    assert!(firm.run(&["apply", "rules"]).ended(0).out.contains("Nothing was to be saved"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p19_a_proposal_shows_its_winners_and_whether_they_changed_since() {
    let firm = exported().await;
    firm.put("rules/more.toml", MORE);
    let before = revision(&firm).await;
    firm.run(&["apply", "rules", "--propose", "--by", "ana", "--note", "edr for all"]).ended(0);
    assert_eq!(revision(&firm).await, before, "within the budget, and all the same only proposed");
    // It fits into sixty columns too, which is held by the runner.
    firm.run_in(60, &["requests"]).ended(0);
    firm.run_in(60, &["requests", "show", "1"]).ended(0);
    let list = firm.run(&["requests", "--json"]).ended(0).json();
    let [request] = list.as_slice() else { panic!("{list:?}") };
    assert_eq!((&request["number"], &request["state"]), (&1.into(), &"open".into()));
    assert_eq!((&request["confirm"], &request["counts"]["taken_over"]), (&Value::Null, &2.into()));
    let shown = one(&firm, &["requests", "show", "1"], 0);
    assert_eq!(shown["changes"][0]["name"], "edr-fabrikam");
    assert_eq!(shown["now"]["changes_winners"], "the_same");

    // A computer comes to the tenant: the change is of three now.
    let store = firm.store().await;
    firm.arrives(&store, "FAB-3", "Fabrikam").await;
    let shown = one(&firm, &["requests", "show", "1"], 0);
    let came = &shown["now"]["drift"]["came"];
    assert_eq!(shown["now"]["changes_winners"], "other");
    assert_eq!(came[0]["subjects"][0]["name"], "FAB-3");
    assert_eq!(shown["now"]["drift"]["went"], serde_json::json!([]));
    let text = firm.run(&["requests", "show", "1"]).ended(0).out;
    for part in ["it changes other winners", "+ SentinelOne: security", "FAB-3", "event"] {
        assert!(text.contains(part), "no {part} in:\n{text}");
    }
    // Approving says so too and saves nothing; approved again, that is meant.
    let anew = firm.run(&["approve", "1", "--by", "ben"]).ended(3);
    assert!(anew.err.contains("asked for anew"), "{}", anew.err);
    assert!(anew.out.contains("FAB-3"), "{}", anew.out);
    assert_eq!(revision(&firm).await, before);
    let shown = one(&firm, &["requests", "show", "1"], 0);
    assert_eq!(
        (&shown["renewed"]["by"], &shown["now"]["changes_winners"]),
        (&"ben".into(), &"the_same".into())
    );
    firm.run(&["approve", "1", "--by", "ben"]).ended(0);
    assert_eq!(revision(&firm).await, before + 1);
    let list = firm.run(&["requests", "--all", "--json"]).ended(0).json();
    assert_eq!((&list[0]["state"], &list[0]["settled"]["by"]), (&"approved".into(), &"ben".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p19_other_definitions_that_are_saved_meanwhile_stay_and_the_same_ones_are_refused() {
    let firm = exported().await;
    firm.put("rules/more.toml", MORE);
    firm.run(&["apply", "rules", "--propose", "--by", "ana"]).ended(0);
    let note = MORE.replace("latest", "any");
    firm.put("rules/more.toml", &note);
    firm.run(&["apply", "rules", "--propose", "--by", "ana"]).ended(0);
    // Something else is saved meanwhile, which the change leaves as it is.
    firm.put("rules/more.toml", "[[tag]]\nname = \"meanwhile\"\n");
    firm.run(&["apply", "rules", "--by", "carl"]).ended(0);
    firm.run(&["approve", "1", "--by", "ben"]).ended(0);
    assert!(firm.run(&["list", "tags"]).ended(0).out.contains("meanwhile"));
    firm.run(&["show", "deployment", "edr-fabrikam"]).ended(0);
    // The other proposal makes a deployment of the same name.
    let refused = firm.run(&["approve", "2", "--by", "ben"]).ended(1);
    assert!(refused.err.contains("two deployments named `edr-fabrikam`"), "{}", refused.err);
    let shown = one(&firm, &["requests", "show", "2"], 0);
    assert_eq!(shown["now"]["changes_winners"], "impossible");
    firm.run(&["reject", "2", "--by", "ana", "--note", "done already"]).ended(0);
    let text = firm.run(&["requests", "show", "2"]).ended(0).out;
    assert!(text.contains("rejected") && text.contains("done already"), "{text}");
    firm.run(&["reject", "2"]).ended(2);
    assert!(firm.run(&["requests"]).ended(0).out.contains("No request is open"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p19_a_definition_that_somebody_changed_meanwhile_is_not_written_over() {
    let firm = exported().await;
    let rules = firm.read("rules/deployments.toml");
    let with =
        |state: &str| rules.replacen("state = \"= 23.1\"", &format!("state = \"{state}\""), 1);
    assert_ne!(with("any"), rules);
    firm.put("rules/deployments.toml", &with("any"));
    firm.run(&["apply", "rules", "--propose", "--by", "ana"]).ended(0);
    firm.put("rules/deployments.toml", &with(">= 23.1"));
    firm.run(&["apply", "rules", "--by", "carl"]).ended(0);
    let refused = firm.run(&["approve", "1", "--by", "ben"]).ended(1);
    let says = "changed meanwhile: deployment reader-finance";
    assert!(refused.err.contains(says), "{}", refused.err);
    let text = firm.run(&["requests", "show", "1"]).ended(0).out;
    assert!(text.contains("it cannot be made any more") && text.contains(says), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_a_golden_case_is_not_even_proposed_and_what_changes_nothing_neither() {
    let firm = exported().await;
    let same = firm.run(&["apply", "rules", "--propose"]).ended(0);
    assert!(same.out.contains("Nothing was to be saved"), "{}", same.out);
    let rules = firm.read("rules/deployments.toml");
    let rules = rules.replacen("state = \"ignored\"", "state = \"latest\"", 1);
    firm.put("rules/deployments.toml", &rules);
    let broken = firm.run(&["apply", "rules", "--propose"]).ended(3);
    assert!(broken.err.contains("golden case"), "{}", broken.err);
    assert!(firm.run(&["requests", "--all"]).ended(0).out.contains("Nothing was ever requested"));
    firm.run(&["apply", "rules", "--propose", "--confirm", "1"]).refused(&["cannot be used"]);
}
