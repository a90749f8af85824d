//! What a change touches: what is common must not touch everything.

use chrono::{DateTime, TimeDelta, Utc};
use core_model::facts::ConnectionGroupKind;
use core_model::id::{ComputerId, GroupId, PersonId, TagId, TenantId};
use core_model::library::Tag;

use super::{Change, Parts, Touch};
use crate::feeds::{Feed, FeedKind};
use crate::input::{
    ComputerInput, ConnectionGroupInput, Directory, Fact, GroupInput, Member, PersonInput,
    SnapshotInput, TenantInput,
};
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

fn group(name: &str) -> GroupInput {
    GroupInput {
        id: GroupId::of_text(name, 0),
        tenant: TenantId::of_text("a", 0),
        name: name.to_owned(),
        directory: Directory { connection: "entra".into(), id: "a".into() },
        members: vec![Member::Person(PersonId::of_text("ana", 0))],
    }
}

#[test]
fn a_group_that_comes_or_goes_touches_what_asks_for_it_and_for_those_around_it() {
    let mut snapshot = snapshot();
    let mut outer = group("outer");
    outer.members = vec![Member::Group(group("sales").id)];
    snapshot.apply(Change::Group(outer));
    let around = |touch: Touch| match touch {
        Touch::Whole(Parts::Groups(groups)) => groups.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(around(snapshot.apply(Change::Group(group("sales")))), 2);
    assert_eq!(around(snapshot.apply(Change::GroupGone(group("sales").id))), 2);
    // With the first group of a directory it serves a tenant.
    let mut first = group("first");
    first.directory.id = "b".into();
    assert!(matches!(snapshot.apply(Change::Group(first.clone())), Touch::All));
    assert!(matches!(snapshot.apply(Change::GroupGone(first.id)), Touch::All));
}

#[test]
fn a_person_who_goes_touches_himself_and_his_computers() {
    let mut snapshot = snapshot();
    snapshot.apply(Change::Person(person("ben", "Sales")));
    let gone = |snapshot: &mut Snapshot, name| {
        snapshot.apply(Change::PersonGone(PersonId::of_text(name, 0)))
    };
    let (computers, persons, _) = touched(gone(&mut snapshot, "ana"));
    assert_eq!((computers, persons), (2, 1));
    assert!(matches!(gone(&mut snapshot, "ana"), Touch::Nothing));
    assert!(matches!(gone(&mut snapshot, "ben"), Touch::All), "nobody of the tenant is left there");
}

#[test]
fn a_tenant_that_comes_touches_itself_and_who_is_below() {
    let mut snapshot = snapshot();
    let mut below = tenant("b");
    below.parent = Some(TenantId::of_text("c", 0));
    snapshot.apply(Change::Tenant(below));
    let touch = snapshot.apply(Change::Tenant(tenant("c")));
    assert!(matches!(&touch, Touch::Tenants(all) if all.len() == 2), "{touch:?}");
}

#[test]
fn the_name_of_a_connections_group_touches_nobody() {
    let mut snapshot = snapshot();
    let group = ConnectionGroupInput {
        connection: "rmm".into(),
        kind: ConnectionGroupKind::Group,
        key: "7".into(),
        name: "Servers".to_owned(),
    };
    assert!(matches!(snapshot.apply(Change::ConnectionGroup(group.clone())), Touch::Nothing));
    assert!(matches!(snapshot.apply(Change::ConnectionGroupGone(group)), Touch::Nothing));
}
