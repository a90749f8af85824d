//! Fields that every client of these vendors relies on, and their types on the wire: what is
//! checked where there are no contracts to check against.

use mocks::vendor::Face;
use serde_json::Value;

/// Fields of the rows of one list.
pub(super) struct Sample {
    pub(super) face: Face,
    pub(super) path: &'static str,
    /// The key of the rows; empty where the answer is the list.
    rows: &'static str,
    /// Name and type; with `?` it may be null or absent.
    fields: &'static [(&'static str, &'static str)],
}

/// The fields.
pub(super) const FIELDS: &[Sample] = &[
    Sample {
        face: Face::Graph,
        path: "/v1.0/users/delta",
        rows: "value",
        fields: &[("id", "string"), ("userPrincipalName", "string"), ("displayName", "string?")],
    },
    Sample {
        face: Face::Graph,
        path: "/v1.0/groups",
        rows: "value",
        fields: &[("id", "string"), ("displayName", "string?"), ("groupTypes", "array")],
    },
    Sample {
        face: Face::Graph,
        path: "/v1.0/devices",
        rows: "value",
        fields: &[("id", "string"), ("deviceId", "string"), ("accountEnabled", "boolean?")],
    },
    Sample {
        face: Face::Graph,
        path: "/v1.0/organization",
        rows: "value",
        fields: &[("id", "string"), ("displayName", "string"), ("verifiedDomains", "array")],
    },
    Sample {
        face: Face::Automate,
        path: "/cwa/api/v1/Clients",
        rows: "",
        fields: &[("Name", "string"), ("ExternalId", "string?")],
    },
    Sample {
        face: Face::Automate,
        path: "/cwa/api/v1/Computers",
        rows: "",
        fields: &[("Id", "string"), ("ComputerName", "string"), ("Client", "object")],
    },
    Sample {
        face: Face::Automate,
        path: "/cwa/api/v1/Locations",
        rows: "",
        fields: &[("Name", "string"), ("Client", "object")],
    },
    Sample {
        face: Face::Control,
        path: "/App_Extensions/2d558935-686a-4bd0-9991-07539f5fe749/Service.ashx/GetSessionsByFilter\
               ?sessionFilter=SessionType%20=%20'Access'",
        rows: "",
        fields: &[
            ("SessionID", "string"),
            ("CustomPropertyValues", "array"),
            ("GuestInfo", "object"),
            ("ActiveConnections", "array"),
        ],
    },
    Sample {
        face: Face::Halo,
        path: "/api/Client?pageinate=true&page_size=50&page_no=1",
        rows: "clients",
        fields: &[("id", "number"), ("name", "string"), ("inactive", "boolean")],
    },
    Sample {
        face: Face::Halo,
        path: "/api/Users?pageinate=true&page_size=50&page_no=1",
        rows: "users",
        fields: &[("id", "number"), ("name", "string"), ("site_id", "number")],
    },
    Sample {
        face: Face::Halo,
        path: "/api/ClientContract?pageinate=true&page_size=50&page_no=1",
        rows: "contracts",
        fields: &[("id", "number"), ("client_id", "number"), ("start_date", "string?")],
    },
    Sample {
        face: Face::Halo,
        path: "/api/RecurringInvoice?pageinate=true&page_size=50&page_no=1&includelines=true",
        rows: "invoices",
        fields: &[("id", "number"), ("client_id", "number"), ("lines", "array")],
    },
];

impl Sample {
    /// What is wrong with the answer.
    pub(super) fn check(&self, answer: &Value) -> Vec<String> {
        let rows = if self.rows.is_empty() { answer } else { &answer[self.rows] };
        let Some(rows) = rows.as_array().filter(|rows| !rows.is_empty()) else {
            return vec![format!("{}: there are no rows", self.path)];
        };
        let mut wrong = Vec::new();
        for (name, due) in self.fields {
            let kind = due.trim_end_matches('?');
            let fits = |row: &Value| {
                let value = &row[*name];
                type_of(value) == kind || (value.is_null() && due.ends_with('?'))
            };
            if let Some(row) = rows.iter().find(|row| !fits(row)) {
                wrong.push(format!("{}: `{name}` is {}, and not {due}", self.path, row[*name]));
            }
        }
        wrong
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
