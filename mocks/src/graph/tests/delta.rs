//! Delta rounds over users and devices.

use super::fixture::*;
use crate::world::World;

fn rename(world: &mut World, no: usize, name: &str, version: u64) {
    world.persons[no].display_name = name.into();
    world.persons[no].mark.changed = version;
}

fn remove(world: &mut World, no: usize, version: u64, for_good: bool) {
    world.persons[no].mark.gone = world.persons[no].mark.gone.or(Some(version));
    world.persons[no].mark.changed = version;
    world.persons[no].purged = for_good;
}

const SELECT: &str = "/v1.0/users/delta?$select=id,displayName,department,accountEnabled";

#[test]
fn all_spellings_reach_the_same_function() {
    let bench = Bench::new(crowd(2));
    let token = bench.app(CONTOSO);
    for name in ["delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()"] {
        let (rows, link) = bench.all(&token, &format!("/v1.0/users/{name}"));
        assert_eq!(rows.len(), 2, "{name}");
        assert!(link.unwrap().contains("/v1.0/users/delta?$deltatoken="));
    }
}

#[test]
fn a_round_tells_all_and_then_only_what_changed() {
    let bench = Bench::new(crowd(10));
    let token = bench.app(CONTOSO);
    let (rows, link) = bench.all(&token, SELECT);
    assert_eq!(rows.len(), 10);
    assert!(rows[0].get("department").is_none(), "never set is absent");
    let (none, link) = bench.all(&token, &link.unwrap());
    assert!(none.is_empty());
    bench.change(|world, version| {
        rename(world, 2, "Anna New", version);
        remove(world, 4, version, false);
        remove(world, 5, version, true);
        let no = person(world, CONTOSO, "late");
        world.persons[no].mark = mark(version);
    });
    let (rows, _) = bench.all(&token, &link.unwrap());
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0]["displayName"], "Anna New");
    assert_eq!(rows[0]["accountEnabled"], true, "a changed row comes whole");
    let removed = |reason: &str| serde_json::json!({"reason": reason});
    assert_eq!(rows[1]["@removed"], removed("changed"));
    assert_eq!(rows[2]["@removed"], removed("deleted"));
    assert_eq!(rows[1].as_object().unwrap().len(), 2);
    assert_eq!(rows[3]["displayName"], "late Tester");
}

#[test]
fn a_user_in_the_bin_comes_back_whole_or_goes_for_good() {
    let bench = Bench::new(crowd(3));
    let token = bench.app(CONTOSO);
    let (_, link) = bench.all(&token, SELECT);
    bench.change(|world, version| {
        remove(world, 0, version, false);
        remove(world, 1, version, false);
    });
    let bin = bench.get(
        &token,
        "/v1.0/directory/deletedItems/microsoft.graph.user?$select=id,deletedDateTime",
    );
    assert_eq!(bin["value"].as_array().unwrap().len(), 2);
    assert!(bin["value"][0]["deletedDateTime"].is_string());
    let (rows, link) = bench.all(&token, &link.unwrap());
    assert_eq!(rows.len(), 2);
    bench.change(|world, version| {
        world.persons[0].mark.gone = None;
        world.persons[0].mark.changed = version;
        remove(world, 1, version, true);
    });
    let reply = bench.get_with(&token, &link.unwrap(), &[("prefer", "return=minimal")]);
    let rows = json(&reply)["value"].as_array().unwrap().clone();
    assert!(rows[0].get("@removed").is_none());
    assert_eq!(rows[0]["displayName"], "user0 Tester", "whole, whatever was preferred");
    assert_eq!(rows[1]["@removed"]["reason"], "deleted", "hard delete after the bin");
}

#[test]
fn an_initial_round_names_what_is_in_the_bin_for_unknown_ids() {
    let bench = Bench::new(crowd(3));
    bench.change(|world, version| {
        remove(world, 0, version, false);
        remove(world, 1, version, true);
    });
    let (rows, _) = bench.all(&bench.app(CONTOSO), SELECT);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["@removed"]["reason"], "changed");
    assert!(rows[1].get("@removed").is_none());
}

#[test]
fn minimal_tells_null_for_cleared_and_nothing_for_unchanged() {
    let mut world = crowd(2);
    world.persons[0].department = Some("Sales".into());
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    let (_, link) = bench.all(&token, SELECT);
    bench.change(|world, version| {
        world.persons[0].department = None;
        world.persons[0].mark.changed = version;
    });
    let link = link.unwrap();
    let reply = bench.get_with(&token, &link, &[("prefer", "return=minimal")]);
    assert_eq!(header(&reply, "preference-applied"), Some("return=minimal"));
    let row = json(&reply)["value"][0].clone();
    assert_eq!(row, serde_json::json!({"id": id(3, 0), "department": null}));
    let whole = bench.get(&token, &link)["value"][0].clone();
    assert_eq!(whole["displayName"], "user0 Tester");
    assert!(whole.as_object().unwrap().contains_key("department"), "cleared is null here too");
}

#[test]
fn a_change_of_what_was_not_selected_is_not_told() {
    let bench = Bench::new(crowd(2));
    let token = bench.app(CONTOSO);
    let (_, narrow) = bench.all(&token, "/v1.0/users/delta?$select=displayName");
    let (_, wide) = bench.all(&token, "/v1.0/users/delta");
    bench.change(|world, version| {
        world.persons[0].department = Some("Sales".into());
        world.persons[0].mark.changed = version;
    });
    assert!(bench.all(&token, &narrow.unwrap()).0.is_empty());
    let (rows, _) = bench.all(&token, &wide.unwrap());
    assert_eq!(rows[0]["department"], "Sales");
}

#[test]
fn what_changes_during_a_round_is_told_by_the_next() {
    let bench = Bench::new(crowd(10));
    let token = bench.app(CONTOSO);
    let first = bench.get(&token, SELECT);
    bench.change(|world, version| {
        rename(world, 0, "After", version);
        rename(world, 9, "After", version);
        let no = person(world, CONTOSO, "late");
        world.persons[no].mark = mark(version);
    });
    let (rest, link) = bench.all(&token, first["@odata.nextLink"].as_str().unwrap());
    assert_eq!(rest.len(), 6, "who was born after its start is not in it");
    let (rows, _) = bench.all(&token, &link.unwrap());
    let names: Vec<&str> = rows.iter().map(|r| r["displayName"].as_str().unwrap()).collect();
    assert_eq!(names, ["After", "After", "late Tester"]);
}

#[test]
fn an_empty_page_with_a_link_is_no_end() {
    let bench = Bench::new(crowd(20));
    let token = bench.app(CONTOSO);
    let mut sizes = Vec::new();
    let mut next = Some(SELECT.to_string());
    while let Some(address) = next {
        let page = bench.get(&token, &address);
        sizes.push(page["value"].as_array().unwrap().len());
        next = page["@odata.nextLink"].as_str().map(Into::into);
    }
    assert_eq!(sizes, [4, 4, 0, 4, 4, 4, 0]);
}

#[test]
fn latest_starts_from_now() {
    let bench = Bench::new(crowd(3));
    let token = bench.app(CONTOSO);
    for name in ["$deltatoken", "$deltaToken"] {
        let page = bench.get(&token, &format!("{SELECT}&{name}=latest"));
        assert!(page["value"].as_array().unwrap().is_empty());
        let link = page["@odata.deltaLink"].as_str().unwrap().to_string();
        bench.change(|world, version| rename(world, 1, &format!("Now {version}"), version));
        let (rows, _) = bench.all(&token, &link);
        assert_eq!(ids(&rows), [id(3, 1).to_string()]);
        assert_eq!(rows[0].as_object().unwrap().len(), 3, "the selection is in the token");
    }
}

#[test]
fn an_empty_delta_token_starts_anew() {
    let bench = Bench::new(crowd(3));
    let (rows, _) = bench.all(&bench.app(CONTOSO), "/v1.0/users/delta?$deltatoken=");
    assert_eq!(rows.len(), 3);
}

#[test]
fn options_that_delta_does_not_have_are_refused() {
    let bench = Bench::new(crowd(1));
    let token = bench.app(CONTOSO);
    for option in [
        "$top=5",
        "$orderby=displayName",
        "$search=\"a:b\"",
        "$count=true",
        "$expand=manager",
        "$filter=displayName%20eq%20'a'",
    ] {
        assert_eq!(
            bench.refused(&token, &format!("/v1.0/users/delta?{option}")).0,
            400,
            "{option}"
        );
    }
    let by_id = format!("/v1.0/users/delta?$filter=id%20eq%20'{}'", id(3, 0));
    assert_eq!(bench.all(&token, &by_id).0.len(), 1);
    assert_eq!(bench.refused(&token, "/v1.0/deviceManagement/managedDevices/delta").0, 400);
}

#[test]
fn tokens_grow_old_break_and_belong_to_one_tenant() {
    let bench = Bench::new(crowd(10));
    let link = bench.all(&bench.app(CONTOSO), SELECT).1.unwrap();
    let garbled = format!("{}x", &link[..link.len() - 2]);
    assert_eq!(bench.refused(&bench.app(CONTOSO), &garbled), (400, "Request_BadRequest".into()));
    assert_eq!(bench.refused(&bench.app(PARTNER), &link).0, 400);
    let groups = link.replace("/users/", "/groups/");
    assert_eq!(bench.refused(&bench.app(CONTOSO), &groups).0, 400);
    bench.world.write().unwrap().clock_ahead = 6 * 24 * 3600;
    let (_, renewed) = bench.all(&bench.app(CONTOSO), &link);
    bench.world.write().unwrap().clock_ahead = 8 * 24 * 3600;
    let token = bench.app(CONTOSO);
    assert_eq!(bench.refused(&token, &link), (400, "syncStateNotFound".into()));
    bench.get(&token, &renewed.unwrap());
}

#[test]
fn a_token_of_another_world_is_no_state() {
    let bench = Bench::new(crowd(2));
    bench.change(|_, _| {});
    let link = bench.all(&bench.app(CONTOSO), SELECT).1.unwrap();
    let fresh = Bench::new(crowd(2));
    let refused = fresh.refused(&fresh.app(CONTOSO), &link);
    assert_eq!(refused, (400, "syncStateNotFound".into()));
}

#[test]
fn a_token_from_before_the_face_was_started_tells_whole_rows() {
    let before = Bench::new(crowd(3));
    let link = before.all(&before.app(CONTOSO), SELECT).1.unwrap();
    let mut world = crowd(3);
    let version = world.next_version();
    rename(&mut world, 1, "Anna New", version);
    let after = Bench::new(world);
    let (rows, _) = after.all(&after.app(CONTOSO), &link);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["displayName"], "Anna New");
}

#[test]
fn devices_have_a_delta_and_no_bin() {
    let mut world = crowd(0);
    machine(&mut world, "PC-0", None);
    machine(&mut world, "PC-1", None);
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    let (rows, link) = bench.all(&token, "/v1.0/devices/delta?$select=displayName,deviceId");
    assert_eq!(rows.len(), 2);
    bench.change(|world, version| {
        world.entra_devices[0].mark.gone = Some(version);
        world.entra_devices[0].mark.changed = version;
        world.machines[1].host = "PC-NEW".into();
        world.entra_devices[1].mark.changed = version;
    });
    let (rows, _) = bench.all(&token, &link.unwrap());
    assert_eq!(rows[0]["@removed"]["reason"], "deleted");
    assert_eq!(rows[1]["displayName"], "PC-NEW");
}

#[test]
fn two_hundred_thousand_users_are_read_page_by_page() {
    let mut world = crowd(200_000);
    world.options.delta_page = 200;
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    let (mut next, mut rows, mut pages) = (SELECT.to_string(), 0, 0);
    loop {
        let body = text(&bench.get_with(&token, &next, &[]));
        rows += body.matches("\"displayName\":").count();
        pages += 1;
        let head = &body[..body.find("\"value\"").unwrap()];
        let Some((_, link)) = head.split_once("\"@odata.nextLink\":\"") else { break };
        next = link.split('"').next().unwrap().to_string();
    }
    assert_eq!(rows, 200_000);
    assert!(pages > 1_000, "200 rows a page, and some empty ones: {pages}");
}
