use core_model::id::{SoftwareId, VersionId};
use core_model::library::{Script, Software, SoftwareVersion};

use super::*;

/// An offer of these versions.
fn offer(versions: &[&str]) -> Offer {
    let mut software = Software::new(SoftwareId::of_text("reader", 0), "reader");
    software.scripts.install = Some(Script::new("install"));
    software.versions = versions
        .iter()
        .map(|text| SoftwareVersion::new(VersionId::of_text(text, 0), text))
        .collect();
    Offer::of(&software, &[], None)
}

fn found(version: &str) -> Found {
    Found::of_output(version)
}

/// A verdict in few words: `install 2`, or the class of the failure.
fn words(verdict: &Verdict) -> String {
    match verdict {
        Err(failure) => format!("{:?}", failure.class).to_lowercase(),
        Ok((deed, reason)) => {
            let deed = match deed {
                Deed::Nothing => "nothing".to_owned(),
                Deed::Install(pick) => format!("install {}", pick.version),
                Deed::Update(pick) => format!("update {}", pick.version),
                Deed::Downgrade(pick) => format!("downgrade {}", pick.version),
                Deed::Uninstall => "uninstall".to_owned(),
                Deed::Repair { then: None } => "repair".to_owned(),
                Deed::Repair { then: Some(pick) } => format!("repair, then {}", pick.version),
                other => format!("{other:?}"),
            };
            format!("{deed}: {reason:?}")
        }
    }
}

/// Known are 1, 2 and 3; what is wanted is 2 where a version is named, else the latest. There is:
/// nothing, 1, 2, 3, 4, something that is no version.
const TABLE: &str = "
latest   | install 3: Missing | update 3: UpdateAvailable | update 3: UpdateAvailable | nothing: UpToDate | nothing: NewerThanKnown | read
this     | install 2: Missing | update 2: UpdateAvailable | nothing: UpToDate | downgrade 2: OlderRequired | downgrade 2: OlderRequired | read
newer    | install 2: Missing | update 2: UpdateAvailable | nothing: UpToDate | nothing: UpToDate | nothing: UpToDate | read
older    | install 2: Missing | nothing: UpToDate | nothing: UpToDate | downgrade 2: OlderRequired | downgrade 2: OlderRequired | read
any      | install 3: Missing | nothing: UpToDate | nothing: UpToDate | nothing: UpToDate | nothing: UpToDate | nothing: UpToDate
if found | nothing: NotFound | update 3: UpdateAvailable | update 3: UpdateAvailable | nothing: UpToDate | nothing: NewerThanKnown | read
absent   | nothing: Absent | uninstall: Unwanted | uninstall: Unwanted | uninstall: Unwanted | uninstall: Unwanted | uninstall: Unwanted
ignored  | nothing: Ignored | nothing: Ignored | nothing: Ignored | nothing: Ignored | nothing: Ignored | nothing: Ignored
";

#[test]
fn every_cell_of_the_table() {
    let two = || "2".to_owned();
    let states = [
        ("latest", DesiredState::Latest),
        ("this", DesiredState::ThisVersion(two())),
        ("newer", DesiredState::NewerOrEqual(two())),
        ("older", DesiredState::OlderOrEqual(two())),
        ("any", DesiredState::AnyVersion),
        ("if found", DesiredState::UpdateIfFound),
        ("absent", DesiredState::Absent),
        ("ignored", DesiredState::Ignored),
    ];
    let offer = offer(&["3", "1", "2"]);
    let there = ["", "1.0", "2.0.0", "3", "4", "unknown"];
    let mut rows = 0;
    for line in TABLE.lines().filter(|line| !line.is_empty()) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (_, state) = states.iter().find(|(name, _)| *name == cells[0]).unwrap();
        assert_eq!(cells.len(), there.len() + 1, "{line}");
        for (text, cell) in there.iter().zip(&cells[1..]) {
            let verdict = decide(state, &found(text), &offer);
            assert_eq!(words(&verdict), *cell, "{state:?}, `{text}` is there");
        }
        rows += 1;
    }
    assert_eq!(rows, states.len());
}

#[test]
fn states_of_tasks_are_no_states_of_software() {
    let offer = offer(&["1"]);
    for state in [DesiredState::Enforce, DesiredState::Audit, DesiredState::Monitor] {
        for text in ["", "1"] {
            assert_eq!(words(&decide(&state, &found(text), &offer)), "definition");
        }
    }
}

#[test]
fn without_a_usable_version_nothing_is_installed_and_what_is_there_stays() {
    use DesiredState as State;
    let none = offer(&[]);
    let two = || "2".to_owned();
    for state in [
        State::Latest,
        State::AnyVersion,
        State::ThisVersion(two()),
        State::NewerOrEqual(two()),
        State::OlderOrEqual(two()),
    ] {
        let Err(failure) = decide(&state, &Found::Missing, &none) else { panic!("{state:?}") };
        assert!(failure.message.contains("no usable version"), "{failure:?}");
    }
    assert_eq!(words(&decide(&State::Latest, &found("1"), &none)), "nothing: NewerThanKnown");
    assert_eq!(words(&decide(&State::ThisVersion(two()), &found("1"), &none)), "definition");
    assert_eq!(words(&decide(&State::ThisVersion(two()), &found("3"), &none)), "definition");
    assert_eq!(words(&decide(&State::ThisVersion(two()), &found("2"), &none)), "nothing: UpToDate");
    let bad = State::ThisVersion("latest".to_owned());
    assert_eq!(words(&decide(&bad, &found("1"), &offer(&["1"]))), "definition");
}

#[test]
fn a_version_that_is_not_offered_is_replaced_by_the_nearest_that_fits() {
    let offer = offer(&["1", "3", "5"]);
    let state = DesiredState::NewerOrEqual("2".to_owned());
    assert_eq!(words(&decide(&state, &Found::Missing, &offer)), "install 3: Missing");
    assert_eq!(words(&decide(&state, &found("1"), &offer)), "update 3: UpdateAvailable");
    let state = DesiredState::OlderOrEqual("4".to_owned());
    assert_eq!(words(&decide(&state, &Found::Missing, &offer)), "install 3: Missing");
    assert_eq!(words(&decide(&state, &found("5"), &offer)), "downgrade 3: OlderRequired");
}

#[test]
fn a_detection_that_failed_decides_nothing_but_that_ignored_is_ignored() {
    let failed = Found::Failed(Failure::new(FailureClass::Timeout, "240 s"));
    let offer = offer(&["1"]);
    for state in [DesiredState::Latest, DesiredState::Absent, DesiredState::UpdateIfFound] {
        assert_eq!(words(&decide(&state, &failed, &offer)), "timeout");
    }
    assert_eq!(words(&decide(&DesiredState::Ignored, &failed, &offer)), "nothing: Ignored");
}

#[test]
fn a_test_that_says_false_is_mended_before_it_is_updated() {
    let offer = offer(&["1", "2"]);
    let mend = |state: &DesiredState, text: &str| {
        let verdict = decide(state, &found(text), &offer).unwrap();
        words(&Ok(mended(verdict, Reason::TestFailed)))
    };
    assert_eq!(mend(&DesiredState::Latest, "2"), "repair: TestFailed");
    assert_eq!(mend(&DesiredState::Latest, "1"), "repair, then 2: TestFailed");
    assert_eq!(mend(&DesiredState::Latest, "9"), "repair: TestFailed");
    assert_eq!(mend(&DesiredState::AnyVersion, "unknown"), "repair: TestFailed");
    assert_eq!(mend(&DesiredState::Latest, ""), "install 2: Missing");
    assert_eq!(mend(&DesiredState::Absent, "2"), "uninstall: Unwanted");
    assert_eq!(mend(&DesiredState::UpdateIfFound, ""), "nothing: NotFound");
    assert_eq!(mend(&DesiredState::Ignored, "2"), "nothing: Ignored");
    let older = DesiredState::ThisVersion("1".to_owned());
    assert_eq!(mend(&older, "2"), "downgrade 1: OlderRequired");
}
