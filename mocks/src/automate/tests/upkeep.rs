//! Maintenance modes and the Patch Manager.

use serde_json::{Value, json};

use super::super::fixture::pass;
use super::Client;
use crate::estate::{Change, Pick, apply};

fn schedule(client: &Client, script: u64, computers: &[u64], minutes: Option<&str>) -> Value {
    let parameters: Vec<Value> =
        minutes.into_iter().map(|value| json!({ "Key": "Minutes", "Value": value })).collect();
    let sent = json!({
        "EntityType": 1, "EntityIds": computers, "ScriptId": script,
        "Schedule": { "ScriptScheduleFrequency": { "ScriptScheduleFrequencyId": 1 } },
        "Parameters": parameters, "UseAgentTime": false,
    });
    let reply = client.send("POST", "Batch/ScriptSchedule", &sent.to_string());
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    super::body(&reply)
}

fn is_on(client: &Client, computer: u64) -> bool {
    let target = format!("Computers/MaintenanceModes?condition=ComputerID+%3D+{computer}");
    let rows = client.get(&target);
    let rows = rows.as_array().unwrap();
    let flag = client.get(&format!("Computers/{computer}"))["IsMaintenanceModeEnabled"].clone();
    assert_eq!(flag, json!(!rows.is_empty()), "the list and the computer say the same");
    !rows.is_empty()
}

/// A computer whose machine is on.
fn computer(client: &Client) -> (u64, usize) {
    let world = client.world.read().unwrap();
    let on =
        |one: &&crate::world::AutomateComputer| one.current && world.machines[one.machine].online;
    let found = world.automate.computers.iter().find(on).unwrap();
    (found.id, found.machine)
}

#[test]
fn two_scripts_put_a_computer_into_maintenance_mode_and_take_it_out() {
    let client = Client::new();
    let (id, _) = computer(&client);
    assert!(!is_on(&client, id));
    assert_eq!(schedule(&client, 5_101, &[id], Some("30"))["ContainsUnsuccessfulResults"], false);
    assert!(is_on(&client, id));
    pass(&client.world, 31 * 60);
    assert!(!is_on(&client, id), "its time is over");
    schedule(&client, 5_101, &[id], None);
    schedule(&client, 5_102, &[id], None);
    assert!(!is_on(&client, id));
    for (script, computer) in [(7, id), (5_101, 999_999)] {
        let answer = schedule(&client, script, &[computer], None);
        assert_eq!(answer["ContainsUnsuccessfulResults"], true, "{answer}");
        assert_eq!(answer["ScriptResults"][0]["ResultDetails"]["ResultStatus"], 1, "{answer}");
    }
    assert_eq!(client.send("POST", "Batch/ScriptSchedule", "{}").status, 400);
}

#[test]
fn what_is_approved_is_installed_one_after_the_other_and_wants_a_reboot() {
    let client = Client::new();
    let (id, machine) = computer(&client);
    for (kb, approval, fails) in
        [(1, "Approved", false), (2, "Approved", true), (3, "Denied", false)]
    {
        let change = Change::MissingUpdate {
            machine: Pick::No(machine),
            kb,
            title: format!("Update {kb}"),
            approval: Some(approval.to_owned()),
            fails,
        };
        apply(&mut client.world.write().unwrap(), &change).unwrap();
    }
    let state = |kb: u64| {
        let rows = client.get(&format!("Computers/{id}/MicrosoftUpdates?pagesize=1000"));
        let row = rows.as_array().unwrap().iter().find(|row| row["KnowledgeBaseId"] == kb).unwrap();
        (row["IsInstalled"] == true, row["IsFailed"] == true)
    };
    let runs = || client.get(&format!("Computers/{id}/PatchingStats"))["PatchJobRunning"] == true;
    assert_eq!((state(1), state(2), runs()), ((false, false), (false, false), false));
    let action = json!({ "EntityType": 1, "EntityId": id }).to_string();
    assert_eq!(client.send("POST", "PatchActions/DeployAllApproved", &action).status, 204);
    assert!(!runs(), "the agent has not heard of it yet");
    pass(&client.world, 150);
    assert!(runs());
    pass(&client.world, 1_500);
    crate::machine::settle(&mut client.world.write().unwrap());
    assert_eq!((state(1), state(2), state(3)), ((true, false), (false, true), (false, false)));
    assert!(!runs());
    let pending = crate::machine::state(&client.world.read().unwrap(), machine).pending.clone();
    assert!(pending.contains(&crate::world::RebootCause::Updates), "{pending:?}");
}
