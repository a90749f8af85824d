//! What a change touches: what is common must not touch everything.

use chrono::{DateTime, TimeDelta, Utc};
use core_model::id::{ComputerId, PersonId, TagId, TenantId};
use core_model::library::Tag;

use super::{Change, Parts, Touch};
use crate::feeds::{Feed, FeedKind};
use crate::input::{ComputerInput, Directory, Fact, PersonInput, SnapshotInput, TenantInput};
use crate::snapshot::Snapshot;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_982_400, 0).unwrap()
}

fn tenant(name: &str) -> TenantInput {
    TenantInput::new(TenantId::of_text(name, 0), name)
}

fn person(name: &str, department: &str) -> PersonInput {
    PersonInput {
        id: PersonId::of_text(name, 0),
        tenant: TenantId::of_text("a", 0),
        name: name.into(),
        directory: Directory { connection: "entra".into(), id: "a".into() },
        facts: vec![("department".into(), Fact::text(department))],
    }
}

fn computer(name: &str) -> ComputerInput {
    let id = ComputerId::of_text(name, 0);
    let mut computer = ComputerInput::new(id, TenantId::of_text("a", 0), name);
    computer.primary = Some(PersonId::of_text("ana", 0));
    computer
}

fn feed(hours: i64) -> Feed {
    Feed {
        connection: String::new(),
        kind: FeedKind::Affinity,
        tenant: None,
        last_complete: Some(now() - TimeDelta::hours(hours)),
        failing: false,
        held: false,
    }
}

fn snapshot() -> Snapshot {
    let mut input = SnapshotInput::new(now());
    input.tenants = vec![tenant("a"), tenant("b")];
    input.persons = vec![person("ana", "Sales")];
    input.computers = vec![computer("1"), computer("2")];
    input.feeds = vec![feed(2)];
    Snapshot::new(input)
}

/// How many computers and persons it touches, in what.
fn touched(touch: Touch) -> (u64, u64, Parts) {
    match touch {
        Touch::At { computers, persons, parts } => (computers.len(), persons.len(), parts),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_persons_facts_touch_filters_on_him_and_on_his_computers() {
    let mut snapshot = snapshot();
    let (computers, persons, parts) =
        touched(snapshot.apply(Change::Person(person("ana", "Finance"))));
    assert_eq!((computers, persons), (2, 1));
    assert!(matches!(parts, Parts::Filters), "{parts:?}");
    let (computers, persons, _) = touched(snapshot.apply(Change::Person(person("ben", "Sales"))));
    assert_eq!((computers, persons), (0, 1));
}

#[test]
fn a_computer_that_comes_or_goes_touches_itself() {
    let mut snapshot = snapshot();
    let comes = Change::Computer(Box::new(computer("3")));
    let (computers, persons, parts) = touched(snapshot.apply(comes));
    assert_eq!((computers, persons), (1, 0));
    assert!(matches!(parts, Parts::Every), "{parts:?}");
    let gone = Change::ComputerGone(ComputerId::of_text("1", 0));
    assert_eq!(touched(snapshot.apply(gone)).0, 1);
    let unknown = Change::ComputerGone(ComputerId::of_text("9", 0));
    assert!(matches!(snapshot.apply(unknown), Touch::Nothing));
}

#[test]
fn settings_of_a_tenant_touch_it_and_who_is_below() {
    let mut snapshot = snapshot();
    let mut below = tenant("b");
    below.parent = Some(TenantId::of_text("a", 0));
    let touch = snapshot.apply(Change::Tenant(below));
    assert!(matches!(&touch, Touch::Tenants(all) if all.len() == 1), "{touch:?}");
    let mut above = tenant("a");
    above.suspended = true;
    let touch = snapshot.apply(Change::Tenant(above));
    assert!(matches!(&touch, Touch::Tenants(all) if all.len() == 2), "{touch:?}");
}

#[test]
fn a_tag_touches_what_asks_for_it_and_an_hour_or_a_reading_only_what_is_believed_otherwise() {
    let mut snapshot = snapshot();
    let (computers, tenants, persons) = (Vec::new(), Vec::new(), Vec::new());
    let id = TagId::of_text("kiosk", 0);
    let tag = Tag { id, name: "kiosk".to_owned(), computers, tenants, persons };
    let touch = snapshot.apply(Change::Tag(tag));
    assert!(matches!(touch, Touch::Whole(Parts::Tag(_))), "{touch:?}");
    let later = |hours| Change::KnownAt(now() + TimeDelta::hours(hours));
    assert!(matches!(snapshot.apply(later(20)), Touch::Nothing));
    assert!(matches!(snapshot.apply(Change::Feed(feed(1))), Touch::Nothing));
    assert!(matches!(snapshot.apply(later(24)), Touch::All), "too old for uninstalls now");
    assert!(matches!(snapshot.apply(Change::Feed(feed(-24))), Touch::Whole(Parts::Every)));
}
