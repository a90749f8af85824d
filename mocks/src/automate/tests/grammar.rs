//! Conditions and orders.

use serde_json::json;

use super::Client;
use crate::automate::condition::parse;
use crate::automate::evaluate::{holds, matches_pattern};

fn meets(condition: &str) -> bool {
    let row = json!({
        "Id": "12",
        "ComputerName": "PC-042",
        "Status": "Online",
        "RemoteAgentVersion": "190.331",
        "RemoteAgentLastContact": "2026-01-02T03:04:05",
        "TotalMemory": 16281,
        "IsRebootNeeded": false,
        "Client": { "Id": "7", "Name": "Acme \"West\"" },
        "OpenPortsTCP": [135, 3389],
        "UserAccounts": ["Administrator", "bob"],
        "LoggedInUsers": [{ "LoggedInUserName": "ACME\\jdoe" }, { "LoggedInUserName": "x" }],
        "Contact": null,
    });
    let parsed = parse(condition).unwrap_or_else(|reason| panic!("{condition}: {reason}"));
    holds(&parsed, &row)
}

#[test]
fn comparisons_follow_the_type_of_the_field() {
    for condition in [
        "Id = 12",
        "id='12'",
        "Id eq 12",
        "Id > 9",
        "Id >= '9'",
        "TotalMemory < 20000",
        "TotalMemory != 1",
        "IsRebootNeeded = False",
        "Status = \"online\"",
        "RemoteAgentVersion < '190.58'",
        "RemoteAgentLastContact <= 2026-01-02T03:04:05.575Z",
        "RemoteAgentLastContact >= 2026-01-02",
        "RemoteAgentLastContact > 2026-01-02 03:04:04",
        "Client.Id = 7",
        "contact = null",
    ] {
        assert!(meets(condition), "{condition}");
    }
    for condition in
        ["Id = 1", "Id > 12", "Status != 'ONLINE'", "RemoteAgentLastContact < 2026-01-02T03:04:05"]
    {
        assert!(!meets(condition), "{condition}");
    }
}

#[test]
fn not_goes_with_like_contains_and_in() {
    for condition in [
        "Client.Name like '%acme%'",
        "ComputerName like 'pc%2'",
        "ComputerName not like 'SRV%'",
        "LoggedInUsers.LoggedInUserName like '%jdoe%'",
        "LoggedInUsers.LoggedInUserName not like '%smith'",
        "OpenPortsTCP contains 3389",
        "OpenPortsTCP not contains 80",
        "UserAccounts contains 'bob'",
        "ComputerName contains '04'",
        "Id in (1, 12)",
        "Id not in ('1','2')",
    ] {
        assert!(meets(condition), "{condition}");
    }
    assert!(!meets("UserAccounts contains 'bo'"), "an element, not a part of one");
    assert!(!meets("ComputerName like '042'"), "without % it is the whole text");
}

#[test]
fn and_binds_tighter_than_or() {
    assert!(meets("Id = 12 or Id = 1 and Status = 'x'"));
    assert!(!meets("(Id = 12 or Id = 1) and Status = 'x'"));
    assert!(meets("(Client.Name like '%Acme%') And (Status = 'Online')"));
    assert!(meets("Client.Name = 'Acme \"West\"'"), "the other quote needs no escape");
}

#[test]
fn a_broken_condition_is_an_error_and_not_everything() {
    for condition in [
        "Id",
        "Id =",
        "= 1",
        "Id = 'x",
        "Id == 1",
        "Id = Online",
        "(Id = 1",
        "Id = 1)",
        "Id = 1 and",
        "Id = 1 Status = 2",
        "not (Id = 1)",
        "not Id = 1",
        "Id in 1",
        "Id in (1",
        "Name = 'O''Brien'",
        "Id <> 1",
        "Id startswith 'x'",
    ] {
        assert!(parse(condition).is_err(), "{condition}");
    }
    let deep = format!("{}Id = 1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(parse(&deep).is_err());
    let client = Client::new();
    let reply = client.send("GET", "computers?condition=Id+=", "");
    assert_eq!(reply.status, 400);
    assert!(super::body(&reply)["Message"].as_str().unwrap().contains("'Id ='"));
    assert_eq!(client.send("GET", "computers?condition=Colour = 1", "").status, 400);
}

#[test]
fn patterns_know_only_the_percent_sign() {
    assert!(matches_pattern("abcabc", "%abc"));
    assert!(matches_pattern("abc", "a%b%c"));
    assert!(matches_pattern("a_c", "a_c"));
    assert!(!matches_pattern("abc", "a_c"));
    assert!(!matches_pattern("ab", "ab%b"), "a part is not used twice");
}

#[test]
fn lists_are_filtered_and_ordered_as_asked() {
    let client = Client::new();
    let as_sent = "computers?condition=(Client.Name+like+%27%25Acme%25%27)+And+\
                   (Status+%3D+%27Offline%27)&page=1&pagesize=1000";
    assert_eq!(client.ids(as_sent), [2]);
    assert_eq!(client.ids("computers?orderby=Id desc&pagesize=2"), [120, 119]);
    assert_eq!(client.ids("computers?orderby=ComputerName asc&pagesize=2"), [5, 7]);
    let by_contract = "options.orderBy.name=ComputerName&options.orderBy.type=Descending";
    assert_eq!(client.ids(&format!("computers?{by_contract}&pagesize=1")), [4]);
    assert_eq!(client.ids("computers?orderby=Client.Name asc,Id desc&pagesize=2"), [120, 118]);
    assert_eq!(client.ids("computers?ids=9,3,5000"), [3, 9]);
    assert_eq!(client.send("GET", "computers?orderby=Id sideways", "").status, 400);
    assert_eq!(client.send("GET", "computers?orderby=Colour", "").status, 400);
}
