//! Whose assets are whose, and that what the hub wrote into them is no evidence of it.

use core_model::entity::Choice;
use core_model::facts::AssetFacts;
use core_model::id::ComputerId;
use core_model::{RecordKind, RecordRef};

use super::derive::AssetInput;
use super::support::{AgentBuilder, Outcome, automate, estate, intune, serial, uuid};

/// Two agents that the rules join: `a` with its real serial, and `i`.
fn joined() -> [AgentBuilder; 2] {
    [automate("a").uuid(uuid(1)).serial(serial(1)), intune("i").uuid(uuid(1)).serial(serial(1))]
}

fn asset(elsewhere: &[(&str, &str)], of: Option<&str>) -> AssetInput {
    let elsewhere = elsewhere.iter().map(|(kind, id)| ((*kind).to_owned(), (*id).to_owned()));
    AssetInput {
        record: RecordRef::new("halo", RecordKind::Asset, "", "7"),
        facts: AssetFacts {
            elsewhere: elsewhere.collect(),
            serial: of.map(str::to_owned),
            ..AssetFacts::default()
        },
        own: Vec::new(),
        made_for: None,
    }
}

/// The agent on whose computer the asset is.
fn owner(outcome: &Outcome) -> Option<ComputerId> {
    let has = |computer: &&core_model::entity::Computer| !computer.assets.is_empty();
    let all: Vec<ComputerId> =
        outcome.identified.computers.iter().filter(has).map(|computer| computer.id).collect();
    assert!(all.len() < 2, "one asset is of two computers");
    all.first().copied()
}

#[test]
fn an_asset_is_of_the_computer_whose_agent_or_serial_it_names() {
    let agents = [automate("a").uuid(uuid(1)).serial(serial(1)), automate("b").uuid(uuid(2))];
    for (given, of) in [
        (asset(&[("cw-automate", "B")], Some(&serial(1))), "b"),
        (asset(&[("cw-automate", "z")], Some(&serial(1))), "a"),
    ] {
        let outcome = estate(agents.clone()).assets(vec![given]).run();
        assert_eq!(owner(&outcome), Some(outcome.computer(of).id));
    }
    let nobodys = estate(agents).assets(vec![asset(&[], None)]).run();
    assert_eq!(owner(&nobodys), None);
}

#[test]
fn what_the_hub_wrote_into_an_asset_does_not_keep_it_with_a_wrong_join() {
    let agents = joined();
    // A human had entered Automate's id; the hub, that took both for one machine, added the other.
    let mut pushed = asset(&[("azure-ad", "i"), ("cw-automate", "a")], None);
    pushed.own = vec!["i".to_owned()];
    let before = estate(agents.clone()).assets(vec![pushed.clone()]);
    before.run().assert_computers(&[&["a", "i"]]);
    let split = before.decided(&agents[1], Some(&agents[0]), Choice::TwoMachines).run();
    split.assert_computers(&[&["a"], &["i"]]);
    assert_eq!(owner(&split), Some(split.computer("a").id));
    // Had the hub believed itself, it would have gone with the other one.
    pushed.own.clear();
    let split = estate(agents.clone())
        .assets(vec![pushed])
        .decided(&agents[1], Some(&agents[0]), Choice::TwoMachines)
        .run();
    assert_eq!(owner(&split), Some(split.computer("i").id));
}

#[test]
fn an_asset_that_the_hub_made_stays_with_the_computer_it_was_made_for() {
    let agents = joined();
    let merged = estate(agents.clone()).run();
    let mut made = asset(&[("azure-ad", "i"), ("cw-automate", "a")], Some(&serial(1)));
    made.own = vec!["i".to_owned(), "a".to_owned(), serial(1).to_lowercase()];
    made.made_for = Some(merged.computer("a").id);
    let with = |made: &AssetInput| estate(agents.clone()).assets(vec![made.clone()]);
    assert_eq!(owner(&with(&made).run()), made.made_for);
    let split = with(&made).decided(&agents[1], Some(&agents[0]), Choice::TwoMachines).run();
    assert_eq!(owner(&split), made.made_for);
    // A human moves it: what he enters is evidence.
    let moved = AssetInput {
        facts: AssetFacts {
            elsewhere: vec![("azure-ad".to_owned(), "i".to_owned())],
            ..AssetFacts::default()
        },
        own: vec!["a".to_owned()],
        ..made.clone()
    };
    let split = with(&moved).decided(&agents[1], Some(&agents[0]), Choice::TwoMachines).run();
    assert_eq!(owner(&split), Some(split.computer("i").id));
    // Of a computer that is no more, what it says is better than to lose it.
    made.made_for = Some(ComputerId::of_text("gone", 0));
    let there = with(&made).run();
    assert_eq!(owner(&there), Some(there.computer("a").id));
}
