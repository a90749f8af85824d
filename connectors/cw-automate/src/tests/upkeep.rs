//! Maintenance mode and the Patch Manager, word by word.

use std::time::Duration;

use core_connector::{ErrorKind, UpdateState};
use serde_json::json;
use wiremock::matchers::{body_partial_json, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

fn with_scripts(server: &MockServer) -> Box<dyn Connector> {
    let mut settings = settings(server);
    settings["maintenance_mode"] =
        json!({ "enter_script": 5101, "leave_script": 5102, "minutes_parameter": "Minutes" });
    connect(settings)
}

#[tokio::test]
async fn the_two_scripts_of_the_settings_are_scheduled_once_and_now() {
    let server = server().await;
    let scheduled = |script: u32, parameters: Value| {
        json!({ "EntityType": 1, "EntityIds": [12], "ScriptId": script, "Parameters": parameters,
            "Schedule": { "ScriptScheduleFrequency": { "ScriptScheduleFrequencyId": 1 } } })
    };
    let good = json!({ "ScriptResults": [], "ContainsUnsuccessfulResults": false });
    let minutes = json!([{ "Key": "Minutes", "Value": "60" }]);
    for sent in [scheduled(5101, minutes), scheduled(5102, json!([]))] {
        Mock::given(method("POST"))
            .and(path("/cwa/api/v1/Batch/ScriptSchedule"))
            .and(body_partial_json(sent))
            .respond_with(ResponseTemplate::new(200).set_body_json(&good))
            .expect(1)
            .mount(&server)
            .await;
    }
    let connector = with_scripts(&server);
    let mode = connector.maintenance_mode().unwrap();
    mode.enter("12", Duration::from_secs(3_600)).await.unwrap();
    mode.leave("12").await.unwrap();
}

#[tokio::test]
async fn who_is_in_maintenance_mode_is_read_and_what_was_not_scheduled_is_told() {
    let server = server().await;
    let rows = json!([{ "ComputerID": 12, "TimeStart": "2026-11-30T02:00:00", "Duration": 60, "Mode": 3 }]);
    for (computer, rows) in [("12", rows), ("13", json!([]))] {
        Mock::given(method("GET"))
            .and(path("/cwa/api/v1/Computers/MaintenanceModes"))
            .and(query_param("condition", format!("ComputerID = {computer}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(rows))
            .mount(&server)
            .await;
    }
    let refused = json!({ "ContainsUnsuccessfulResults": true, "ScriptResults": [
        { "EntityId": 12, "ResultDetails": { "ResultStatus": 1, "Message": "no such script" } }] });
    Mock::given(method("POST"))
        .and(path("/cwa/api/v1/Batch/ScriptSchedule"))
        .respond_with(ResponseTemplate::new(200).set_body_json(refused))
        .mount(&server)
        .await;
    let connector = with_scripts(&server);
    let mode = connector.maintenance_mode().unwrap();
    assert!(mode.is_on("12").await.unwrap() && !mode.is_on("13").await.unwrap());
    let error = mode.enter("12", Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().contains("no such script"), "{error}");
    assert!(connect(settings(&server)).maintenance_mode().is_none(), "nobody asked for it");
}

#[tokio::test]
async fn approved_updates_are_read_to_the_last_page_whatever_is_left_out_in_a_row() {
    let server = server().await;
    let update = |number: i64| {
        json!({ "KnowledgeBaseId": number, "Title": format!("Update {number}"), "IsInstalled": number % 2 == 0,
            "PolicyApproval": { "Id": 1, "Name": "Approved" } })
    };
    let first: Vec<Value> = (1..=1000).map(update).collect();
    let second = json!([
        { "KnowledgeBaseId": 5_046_617, "Title": "Cumulative (KB5046617)", "IsFailed": true,
          "PolicyApproval": { "Name": "approve" } },
        { "KnowledgeBaseId": 7, "Title": null, "IsInstalled": null, "PolicyApproval": { "Name": "Approved" } },
        { "KnowledgeBaseId": 8, "Title": "Denied", "PolicyApproval": { "Name": "Deny" } },
        { "KnowledgeBaseId": 9, "Title": "Nobody's", "PolicyApproval": null },
    ]);
    for (page, rows) in [("1", Value::from(first)), ("2", second)] {
        Mock::given(method("GET"))
            .and(path("/cwa/api/v1/Computers/12/MicrosoftUpdates"))
            .and(query_param("page", page))
            .and(query_param("pagesize", "1000"))
            .respond_with(ResponseTemplate::new(200).set_body_json(rows))
            .mount(&server)
            .await;
    }
    Mock::given(method("GET"))
        .and(path("/cwa/api/v1/Computers/12/PatchingStats"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "PatchJobRunning": true })))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/cwa/api/v1/PatchActions/DeployAllApproved"))
        .and(body_partial_json(json!({ "EntityType": 1, "EntityId": 12 })))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let connector = connect(settings(&server));
    let patching = connector.patching().unwrap();
    let approved = patching.approved("12").await.unwrap();
    assert!(approved.running);
    assert_eq!(approved.updates.len(), 1_002);
    let of = |state: UpdateState| approved.updates.iter().filter(|one| one.1 == state).count();
    assert_eq!((of(UpdateState::Installed), of(UpdateState::Failed)), (500, 1));
    let titles: Vec<&str> =
        approved.updates[1_000..].iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles, ["Cumulative (KB5046617)", "KB7"]);
    assert_eq!(approved.updates[0].0, "Update 1");
    patching.install_approved("12").await.unwrap();
}
