//! What the rows of a page become.

use core_model::facts::{AccountKind, MemberKind};

use super::*;

async fn read(name: &str, at: &str, rows: Value) -> Page {
    let server = graph().await;
    let end = link(&server, "x/delta?$deltatoken=1");
    answers(&server, at, json!({"value": rows, "@odata.deltaLink": end})).await;
    first(&*connect(&server, &json!({})), name).await.unwrap()
}

async fn users(rows: Value) -> Page {
    read("users", "/v1.0/users/delta", rows).await
}

#[tokio::test]
async fn a_user_is_read_whole() {
    let page =
        users(serde_json::from_str(include_str!("../../fixtures/users.json")).unwrap()).await;
    assert!(page.rejected.is_empty(), "{:?}", page.rejected);
    let Facts::Person(ana) = &page.records[0].facts else { panic!() };
    assert_eq!(page.records[0].key, "87d349ed-44d7-43e1-9a83-5f2406dee5bd");
    assert_eq!((&*ana.upn, &*ana.display_name), ("Ana.Silva@Contoso.com", "Ana Silva"));
    assert_eq!(ana.addresses, ["ana.silva@contoso.com", "ana.costa@contoso.com"]);
    assert_eq!(ana.on_premises.domain.as_deref(), Some("corp.contoso.local"));
    assert_eq!(ana.on_premises.sam.as_deref(), Some("asilva"));
    assert!(!ana.disabled && ana.account == AccountKind::Member);
    let Facts::Person(room) = &page.records[1].facts else { panic!() };
    assert!(room.disabled && room.mail.is_none() && room.given_name.is_none());
    let Facts::Person(guest) = &page.records[2].facts else { panic!() };
    assert_eq!(guest.account, AccountKind::Guest);
    assert!(page.records[0].raw.contains("\"businessUnit\""), "kept as it was said");
}

#[tokio::test]
async fn a_soft_deleted_user_is_gone() {
    for reason in ["changed", "deleted"] {
        let row = json!({"id": "A1", "@removed": {"reason": reason}});
        let page = users(json!([row])).await;
        assert_eq!(page.gone, [(RecordKind::Person, "a1".to_owned())]);
        assert!(page.records.is_empty() && page.rejected.is_empty());
    }
}

#[tokio::test]
async fn the_removal_of_an_unknown_user_in_the_first_round_is_harmless() {
    let page = users(json!([{"id": "B", "@removed": {"reason": "deleted"}},
        {"id": "A", "userPrincipalName": "a@x.com"}]))
    .await;
    assert_eq!(keys(&page, RecordKind::Person), ["a"]);
    assert_eq!(page.gone, [(RecordKind::Person, "b".to_owned())]);
}

#[tokio::test]
async fn of_what_a_page_says_twice_the_last_word_counts() {
    let live = |upn: &str| json!({"id": "A", "userPrincipalName": upn});
    let gone = json!({"id": "a", "@removed": {"reason": "changed"}});
    let restored = users(json!([live("1@x.com"), gone, live("2@x.com")])).await;
    assert!(restored.gone.is_empty());
    assert_eq!(restored.records.len(), 1);
    let Facts::Person(person) = &restored.records[0].facts else { panic!() };
    assert_eq!(person.upn, "2@x.com");
    let removed = users(json!([live("1@x.com"), gone])).await;
    assert!(removed.records.is_empty());
    assert_eq!(removed.gone.len(), 1);
}

#[tokio::test]
async fn one_bad_row_is_rejected_and_the_rest_goes_on() {
    let page = users(json!([{"id": "A", "userPrincipalName": "a@x.com"},
        {"id": "B", "userPrincipalName": "b@x.com", "accountEnabled": "maybe"},
        {"id": "C", "userPrincipalName": null}, {"userPrincipalName": "d@x.com"}]))
    .await;
    assert_eq!(keys(&page, RecordKind::Person), ["a"]);
    let bad: Vec<_> = page.rejected.iter().map(|r| (r.key.as_deref(), r.path.as_str())).collect();
    assert_eq!(
        bad,
        [(Some("b"), "$.accountEnabled"), (Some("c"), "$.userPrincipalName"), (None, "$")]
    );
}

#[tokio::test]
async fn members_split_over_pages_are_a_union() {
    let server = graph().await;
    let group = |members: Value| {
        json!({"id": "G1", "displayName": "All", "mailEnabled": false,
        "securityEnabled": true, "groupTypes": [], "members@delta": members})
    };
    let member =
        |id: &str, kind: &str| json!({"@odata.type": format!("#microsoft.graph.{kind}"), "id": id});
    let next = link(&server, "groups/delta?$skiptoken=1");
    let end = json!({"value": [group(json!([member("U2", "user"), member("D1", "device")]))],
        "@odata.deltaLink": link(&server, "groups/delta?$deltatoken=1")});
    Mock::given(path("/v1.0/groups/delta"))
        .and(wiremock::matchers::query_param("$skiptoken", "1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(end))
        .mount(&server)
        .await;
    let rows = json!([group(json!([member("U1", "user")])), group(json!([member("G2", "group")])),
        {"id": "G1", "members@delta": [member("S1", "servicePrincipal")]}]);
    answers(&server, "/v1.0/groups/delta", json!({"value": rows, "@odata.nextLink": next})).await;
    let connector = connect(&server, &json!({}));
    let one = first(&*connector, "groups").await.unwrap();
    let two = page(&*connector, "groups", OWN, after(&one)).await.unwrap();
    assert_eq!(keys(&one, RecordKind::GroupMember), ["g1/u1", "g1/g2", "g1/s1"]);
    assert_eq!(keys(&two, RecordKind::GroupMember), ["g1/u2", "g1/d1"]);
    assert!(one.gone.is_empty() && two.gone.is_empty(), "a slice takes nobody away");
    let kinds = one.records.iter().chain(&two.records).filter_map(|r| match &r.facts {
        Facts::GroupMember(member) => Some(member.member_kind),
        _ => None,
    });
    let expected = [
        MemberKind::Person,
        MemberKind::Group,
        MemberKind::Other,
        MemberKind::Person,
        MemberKind::Device,
    ];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
    let of = |page: &Page| page.records.iter().find(|r| r.key == "g1").map(|r| r.hash);
    assert_eq!(of(&one), of(&two), "the slices differ, the group does not");
}

#[tokio::test]
async fn a_removed_member_is_gone_and_a_removed_group_takes_no_guess_at_its_members() {
    let rows = json!([
        {"id": "G1", "displayName": "All", "members@delta": [
            {"@odata.type": "#microsoft.graph.user", "id": "U1", "@removed": {"reason": "deleted"}}]},
        {"id": "G2", "@removed": {"reason": "changed"}}]);
    let page = read("groups", "/v1.0/groups/delta", rows).await;
    assert_eq!(keys(&page, RecordKind::Group), ["g1"]);
    assert_eq!(
        page.gone,
        [(RecordKind::GroupMember, "g1/u1".to_owned()), (RecordKind::Group, "g2".to_owned())]
    );
}

#[tokio::test]
async fn a_device_has_two_ids_and_the_object_id_is_the_key() {
    let rows = json!([{"id": "OBJ", "deviceId": "DEV", "displayName": "PC-1", "trustType": "ServerAd",
        "operatingSystem": "Windows", "accountEnabled": false},
        {"id": "OLD", "@removed": {"reason": "deleted"}}]);
    let page = read("devices", "/v1.0/devices/delta", rows).await;
    let Facts::DirectoryDevice(device) = &page.records[0].facts else { panic!() };
    assert_eq!((&*page.records[0].key, &*device.device_id), ("obj", "dev"));
    assert_eq!(device.trust.as_deref(), Some("server_ad"));
    assert!(device.disabled);
    assert_eq!(page.gone, [(RecordKind::DirectoryDevice, "old".to_owned())]);
}

/// Not a benchmark: it shows a decoder that has become many times slower.
#[tokio::test]
async fn many_users_are_read_in_a_moment() {
    let text = include_str!("../../fixtures/users.json");
    let row = &serde_json::from_str::<Vec<Value>>(text).unwrap()[0];
    let rows: Vec<Value> = (0..20_000)
        .map(|n| {
            let mut row = row.clone();
            row["id"] = json!(format!("{n:08}-44d7-43e1-9a83-5f2406dee5bd"));
            row
        })
        .collect();
    let server = graph().await;
    let end = link(&server, "users/delta?$deltatoken=1");
    answers(&server, "/v1.0/users/delta", json!({"value": rows, "@odata.deltaLink": end})).await;
    let connector = connect(&server, &json!({}));
    let started = std::time::Instant::now();
    let page = first(&*connector, "users").await.unwrap();
    println!("20000 users in {:?}, {} bytes", started.elapsed(), page.bytes);
    assert_eq!(page.records.len(), 20_000);
    assert!(started.elapsed().as_secs() < 20);
}
