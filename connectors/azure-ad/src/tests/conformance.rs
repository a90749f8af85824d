//! The suite that every connector must pass, over a small directory in two pages.

use core_connector::conformance;
use wiremock::matchers::query_param;

use super::*;

async fn two_pages(server: &MockServer, at: &str, rows: [Value; 2]) {
    let here = at.trim_start_matches("/v1.0/");
    let [one, two] = rows;
    let token = |name: &str, value: &str| link(server, &format!("{here}?${name}={value}"));
    for (name, rows) in [("skiptoken", json!([two])), ("deltatoken", json!([]))] {
        let body = json!({"value": rows, "@odata.deltaLink": token("deltatoken", "d")});
        Mock::given(path(at))
            .and(query_param(format!("${name}"), name.get(..1).unwrap()))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(server)
            .await;
    }
    answers(server, at, json!({"value": [one], "@odata.nextLink": token("skiptoken", "s")})).await;
}

#[tokio::test]
async fn the_suite_finds_nothing() {
    let server = graph().await;
    organization_of(&server, OWN, "Contoso", "contoso.com").await;
    let user = |id: &str| json!({"id": id, "userPrincipalName": format!("{id}@contoso.com")});
    two_pages(&server, "/v1.0/users/delta", [user("a"), user("b")]).await;
    let group = |id: &str, member: &str| {
        json!({"id": id, "displayName": id,
        "members@delta": [{"id": member, "@odata.type": "#microsoft.graph.user"}]})
    };
    two_pages(&server, "/v1.0/groups/delta", [group("g", "a"), group("g", "b")]).await;
    let device = |id: &str| json!({"id": id, "deviceId": format!("d{id}"), "displayName": id});
    two_pages(&server, "/v1.0/devices/delta", [device("1"), device("2")]).await;
    let computer = json!({"id": "m", "operatingSystem": "Windows", "deviceName": "PC"});
    let body = json!({"value": [computer], "@odata.count": 1});
    answers(&server, "/v1.0/deviceManagement/managedDevices", body).await;
    let connector = connect(&server, &json!({}));
    assert_eq!(conformance::run(&*connector).await.unwrap(), []);
}

#[test]
fn streams_are_those_that_are_announced_and_documented() {
    let readme = include_str!("../../README.md");
    for stream in AzureAd::STREAMS {
        assert!(readme.contains(&format!("`{}`", stream.name)), "{}", stream.name);
    }
    for permission in AzureAd::PERMISSIONS {
        assert!(readme.contains(permission.name), "{}", permission.name);
    }
}
