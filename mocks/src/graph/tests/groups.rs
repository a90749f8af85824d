//! Groups, their members, and their delta rounds.

use super::fixture::*;
use crate::world::{GroupKind, Member, Membership, World};

fn leave(world: &mut World, group: usize, member: usize, version: u64) {
    world.groups[group].members[member].removed = Some(version);
    world.groups[group].mark.changed = version;
}

fn join(world: &mut World, group: usize, member: Member, version: u64) {
    world.groups[group].members.push(Membership { member, added: version, removed: None });
    world.groups[group].mark.changed = version;
}

#[test]
fn kinds_are_told_apart_as_the_service_does() {
    let mut world = crowd(0);
    let kinds = [
        GroupKind::Security,
        GroupKind::SecurityOnPremises,
        GroupKind::Microsoft365,
        GroupKind::Team,
        GroupKind::MailSecurity,
        GroupKind::Distribution,
        GroupKind::Dynamic,
    ];
    for kind in kinds {
        group(&mut world, &format!("{kind:?}"), kind, &[]);
    }
    let bench = Bench::new(world);
    let (rows, _) = bench.all(&bench.app(CONTOSO), "/v1.0/groups");
    let told: Vec<(bool, bool, String)> = rows
        .iter()
        .map(|r| {
            let types = r["groupTypes"].as_array().unwrap();
            (
                r["mailEnabled"].as_bool().unwrap(),
                r["securityEnabled"].as_bool().unwrap(),
                types.iter().map(|t| t.as_str().unwrap()).collect(),
            )
        })
        .collect();
    let row = |mail, security, types: &str| (mail, security, types.to_string());
    assert_eq!(
        told,
        [
            row(false, true, ""),
            row(false, true, ""),
            row(true, false, "Unified"),
            row(true, false, "Unified"),
            row(true, true, ""),
            row(true, false, ""),
            row(false, true, "DynamicMembership"),
        ]
    );
    assert_eq!(rows[1]["onPremisesSyncEnabled"], true);
    assert_eq!(rows[1]["onPremisesNetBiosName"], "CONTOSO");
    assert!(rows[0]["onPremisesSyncEnabled"].is_null());
    assert_eq!(rows[3]["resourceProvisioningOptions"], serde_json::json!(["Team"]));
    assert_eq!(rows[2]["resourceProvisioningOptions"], serde_json::json!([]));
    assert!(rows[6]["membershipRule"].is_string());
}

/// `all` holds user 0, a device and `nested`, which holds users 1 and 0.
fn nested() -> Bench {
    let mut world = crowd(3);
    machine(&mut world, "PC-0", None);
    let inner =
        group(&mut world, "nested", GroupKind::Security, &[Member::Person(1), Member::Person(0)]);
    let outer = [Member::Person(0), Member::Device(0), Member::Group(inner)];
    group(&mut world, "all", GroupKind::Security, &outer);
    Bench::new(world)
}

#[test]
fn members_are_direct_and_transitive_members_the_closure() {
    let bench = nested();
    let token = bench.app(CONTOSO);
    let all = format!("/v1.0/groups/{}", id(4, 1));
    let rows = bench.all(&token, &format!("{all}/members?$select=id,displayName")).0;
    let kinds: Vec<&str> = rows.iter().map(|r| r["@odata.type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["#microsoft.graph.user", "#microsoft.graph.device", "#microsoft.graph.group"]
    );
    let rows = bench.all(&token, &format!("{all}/transitiveMembers?$top=2")).0;
    assert_eq!(rows.len(), 4, "each once, nested groups among them");
    let cast = format!("{all}/transitiveMembers/microsoft.graph.user?$count=true");
    assert_eq!(bench.refused(&token, &cast).0, 400, "a cast is an advanced query");
    let page = json(&bench.get_with(&token, &cast, &[("consistencylevel", "eventual")]));
    assert_eq!(page["@odata.count"], 2);
    let of = bench.all(&token, &format!("/v1.0/users/{}/memberOf", id(3, 1))).0;
    assert_eq!(ids(&of), [id(4, 0).to_string()]);
    let of = bench.all(&token, &format!("/v1.0/users/{}/transitiveMemberOf", id(3, 1))).0;
    assert_eq!(ids(&of), [id(4, 0).to_string(), id(4, 1).to_string()]);
    assert_eq!(bench.refused(&token, &format!("/v1.0/groups/{}/members", id(4, 9))).0, 404);
}

#[test]
fn a_round_tells_direct_members_and_later_only_who_came_and_went() {
    let bench = nested();
    let token = bench.app(CONTOSO);
    let (rows, link) = bench.all(&token, "/v1.0/groups/delta?$select=displayName,members");
    let members = rows[1]["members@delta"].as_array().unwrap();
    assert_eq!(members.len(), 3);
    assert_eq!(members[2]["@odata.type"], "#microsoft.graph.group");
    assert_eq!(members[0].as_object().unwrap().len(), 2, "ids only");
    bench.change(|world, version| {
        leave(world, 1, 0, version);
        join(world, 1, Member::Person(2), version);
    });
    let (rows, link) = bench.all(&token, &link.unwrap());
    assert_eq!(rows.len(), 1);
    let expected = serde_json::json!([
        {"@odata.type": "#microsoft.graph.user", "id": id(3, 0), "@removed": {"reason": "deleted"}},
        {"@odata.type": "#microsoft.graph.user", "id": id(3, 2)},
    ]);
    assert_eq!(rows[0]["members@delta"], expected);
    assert_eq!(rows[0]["displayName"], "all");
    // A renamed group without a change of members has no annotation.
    bench.change(|world, version| {
        world.groups[0].name = "renamed".into();
        world.groups[0].mark.changed = version;
    });
    let (rows, _) = bench.all(&token, &link.unwrap());
    assert!(rows[0].get("members@delta").is_none());
}

#[test]
fn members_are_told_without_select_and_not_told_when_not_selected() {
    let bench = nested();
    let token = bench.app(CONTOSO);
    let (rows, _) = bench.all(&token, "/v1.0/groups/delta");
    assert!(rows[0].get("members@delta").is_some());
    let (rows, link) = bench.all(&token, "/v1.0/groups/delta?$select=displayName");
    assert!(rows[0].get("members@delta").is_none());
    bench.change(|world, version| join(world, 0, Member::Person(2), version));
    assert!(bench.all(&token, &link.unwrap()).0.is_empty());
    let (rows, _) = bench.all(&token, "/v1.0/groups/delta?$expand=members");
    assert!(rows[0].get("members@delta").is_some(), "the old spelling");
}

#[test]
fn a_large_group_comes_in_several_rows_over_several_pages() {
    let mut world = crowd(950);
    world.options.delta_page = 3;
    let members: Vec<Member> = (0..950).map(Member::Person).collect();
    group(&mut world, "first", GroupKind::Security, &[]);
    group(&mut world, "large", GroupKind::Security, &members);
    group(&mut world, "last", GroupKind::Security, &members[..1]);
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    let (rows, link) = bench.all(&token, "/v1.0/groups/delta?$select=displayName,members");
    let large: Vec<_> = rows.iter().filter(|r| r["displayName"] == "large").collect();
    assert_eq!(large.len(), 10);
    let mut seen: Vec<&str> = large
        .iter()
        .flat_map(|r| r["members@delta"].as_array().unwrap())
        .map(|m| m["id"].as_str().unwrap())
        .collect();
    assert_eq!(seen.len(), 950);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 950);
    assert_eq!(rows.last().unwrap()["displayName"], "last");
    assert!(bench.all(&token, &link.unwrap()).0.is_empty());
}

#[test]
fn removing_a_user_does_not_touch_its_groups() {
    let bench = nested();
    let token = bench.app(CONTOSO);
    let (_, link) = bench.all(&token, "/v1.0/groups/delta");
    bench.change(|world, version| {
        world.persons[0].mark.gone = Some(version);
        world.persons[0].mark.changed = version;
        world.persons[0].purged = true;
    });
    assert!(bench.all(&token, &link.unwrap()).0.is_empty(), "never reported");
    let rows = bench.all(&token, &format!("/v1.0/groups/{}/members", id(4, 0))).0;
    assert_eq!(rows.len(), 1, "but not listed either");
    let (rows, _) = bench.all(&token, "/v1.0/groups/delta");
    assert_eq!(rows[0]["members@delta"].as_array().unwrap().len(), 1);
}

#[test]
fn only_microsoft_365_groups_go_to_the_bin() {
    let mut world = crowd(1);
    group(&mut world, "security", GroupKind::Security, &[]);
    group(&mut world, "team", GroupKind::Team, &[Member::Person(0)]);
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    let (_, link) = bench.all(&token, "/v1.0/groups/delta");
    bench.change(|world, version| {
        for group in &mut world.groups {
            group.mark.gone = Some(version);
            group.mark.changed = version;
        }
    });
    let (rows, link) = bench.all(&token, &link.unwrap());
    assert_eq!(rows[0]["@removed"]["reason"], "deleted");
    assert_eq!(rows[1]["@removed"]["reason"], "changed");
    bench.change(|world, version| {
        world.groups[1].mark.gone = None;
        world.groups[1].mark.changed = version;
    });
    let (rows, _) = bench.all(&token, &link.unwrap());
    assert_eq!(rows[0]["displayName"], "team");
    assert_eq!(rows[0]["members@delta"].as_array().unwrap().len(), 1, "restored with its members");
}

#[test]
fn minimal_group_rows_hold_the_id_and_the_members() {
    let bench = nested();
    let token = bench.app(CONTOSO);
    let (_, link) = bench.all(&token, "/v1.0/groups/delta");
    bench.change(|world, version| join(world, 0, Member::Person(2), version));
    let reply = bench.get_with(&token, &link.unwrap(), &[("prefer", "return=minimal")]);
    let row = json(&reply)["value"][0].clone();
    let names: Vec<&String> = row.as_object().unwrap().keys().collect();
    assert_eq!(names, ["id", "members@delta"]);
}
