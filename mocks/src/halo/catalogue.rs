//! The lists that every tenant edits and that no row can do without: statuses, types, priorities,
//! agents, teams, lookups. All bare arrays, none of them paged.

use serde_json::{Value, json};

use crate::vendor::Reply;

/// The agent that API calls act as.
pub(super) const API_AGENT: i64 = 3;
/// Id and name of the statuses of tickets.
pub(super) const STATUSES: &[(i64, &str)] = &[
    (1, "New"),
    (2, "In Progress"),
    (3, "Action Required"),
    (4, "With User"),
    (5, "With Supplier"),
    (9, "Closed"),
];
/// Id and name of the types of tickets.
pub(super) const TICKET_TYPES: &[(i64, &str)] = &[
    (1, "Incident"),
    (2, "Change Request"),
    (3, "Service Request"),
    (4, "Problem"),
    (21, "Alert"),
];
/// Id and name of the agents.
pub(super) const AGENTS: &[(i64, &str)] =
    &[(1, "Unassigned"), (2, "Administrator"), (API_AGENT, "API Agent")];
/// Id and name of the outcomes of actions.
pub(super) const OUTCOMES: &[(i64, &str)] =
    &[(1, "Email User"), (2, "Closed"), (7, "Private Note"), (16, "Public Note")];
const TEAMS: &[(i64, &str)] = &[(1, "1st Line Support"), (2, "2nd Line Support"), (3, "Projects")];
const PRIORITIES: &[(i64, &str)] = &[(1, "Critical"), (2, "High"), (3, "Medium"), (4, "Low")];
/// Events that a notification can be bound to (lookup 64), the ones that matter to tickets.
const EVENTS: &[(i64, &str)] = &[
    (3, "New Ticket Logged"),
    (4, "Ticket Updated by User"),
    (5, "Ticket Assigned"),
    (10, "Ticket Closed"),
    (34, "Ticket Status Changed"),
    (51, "Asset Updated"),
];

/// The bare array of this name; none where there is no such list.
pub(super) fn list(name: &str, lookup: Option<i64>) -> Option<Vec<Value>> {
    let plain = |rows: &[(i64, &str)]| -> Vec<Value> {
        rows.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect()
    };
    let rows = match name {
        "status" => {
            STATUSES.iter().zip(1..).map(|((id, name), seq)| status(*id, name, seq)).collect()
        }
        "tickettype" => TICKET_TYPES.iter().map(|(id, name)| ticket_type(*id, name)).collect(),
        "team" => TEAMS.iter().map(|(id, name)| team(*id, name)).collect(),
        "agent" => AGENTS.iter().map(|(id, name)| agent(*id, name)).collect(),
        "priority" => PRIORITIES.iter().map(|(id, name)| priority(*id, name)).collect(),
        "outcome" => plain(OUTCOMES),
        "sla" => vec![json!({ "id": 1, "name": "Standard SLA", "hoursaresla": true })],
        "lookup" if lookup == Some(64) => EVENTS
            .iter()
            .map(|(id, name)| json!({ "id": id, "lookupid": 64, "name": name }))
            .collect(),
        "lookup" | "category" | "fieldinfo" | "field" | "workflow" | "address" => Vec::new(),
        _ => return None,
    };
    Some(rows)
}

/// One row of a list, by id; priorities are keyed by a GUID.
pub(super) fn one(name: &str, id: &str) -> Option<Reply> {
    let rows = list(name, None)?;
    let row =
        rows.into_iter().find(|row| row.get("id").map(super::query::plain).as_deref() == Some(id));
    Some(row.map_or_else(|| Reply::empty(404), |row| Reply::json(200, &row)))
}

/// `GET /Agent/me`.
pub(super) fn me() -> Reply {
    let mut me = agent(API_AGENT, "API Agent");
    if let Some(me) = me.as_object_mut() {
        me.insert("isapiagent".into(), true.into());
        me.insert("default_list_length".into(), super::query::DEFAULT_ROWS.into());
    }
    Reply::json(200, &me)
}

fn agent(id: i64, name: &str) -> Value {
    json!({
        "id": id,
        "name": name,
        "firstname": name.split(' ').next(),
        "surname": name.split_once(' ').map(|(_, last)| last).unwrap_or_default(),
        "team": "1st Line Support",
        "isdisabled": false,
        "use": "agent",
    })
}

fn ticket_type(id: i64, name: &str) -> Value {
    json!({ "id": id, "name": name, "use": "tickettype", "visible": true })
}

fn team(id: i64, name: &str) -> Value {
    json!({ "id": id, "name": name, "inactive": false, "forrequests": true })
}

fn status(id: i64, name: &str, sequence: i64) -> Value {
    json!({
        "id": id,
        "name": name,
        "shortname": name,
        "sequence": sequence,
        "type": 0,
        "colour": "#3b82f6",
    })
}

fn priority(id: i64, name: &str) -> Value {
    let guid = 0x7a3c_11d0_5b1e_4c02_9a00_0000_0000_0000 + u128::from(id.unsigned_abs());
    let guid = uuid::Uuid::from_u128(guid).to_string();
    json!({ "id": guid, "priorityid": id, "slaid": 1, "name": name, "ishidden": false })
}
