//! The API's description (OpenAPI 3.1), made from the list of routes and from the fields of the
//! documents.

use serde_json::{Map, Value, json};

use core_model::session::{SessionKind, SessionState};

use crate::changes::CHANGES;
use crate::deeds::{self, Deed, Field};
use crate::entities::{KINDS, Kind, LIST, ONE};
use crate::events::EVENTS;
use crate::params::{MOST, USUAL};
use crate::routes::{Route, WINNERS, all};

/// The description.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in all() {
        let item = paths.entry(route.path()).or_insert_with(|| json!({}));
        item[route.method().to_lowercase()] = operation(route);
    }
    for (path, summary) in [
        ("/healthz", "Whether the daemon turns; 503 where it is stuck."),
        ("/readyz", "Whether it works and its database answers."),
    ] {
        let answer = json!({ "description": "How it is.", "content": json_of(&json!({ "type": "object" })) });
        paths.insert(
            path.to_owned(),
            json!({ "get": {
                "operationId": path.trim_start_matches('/'),
                "summary": summary,
                "security": [],
                "responses": { "200": answer, "503": answer },
            } }),
        );
    }
    let mut schemas = Map::new();
    for kind in KINDS {
        schemas.insert(name(kind), schema(kind));
    }
    schemas.insert("Event".to_owned(), event());
    schemas.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Linchpin",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT", "identifier": "MIT" },
            "description": "One model of tenants, people, computers and agreements, out of the \
                            systems that a provider runs. A token sees its tenants and nothing else: \
                            what is another tenant's is answered like what is not there.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of `linchpin token create`.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-linchpin",
                    "description": "Who is signed in; what changes something also takes the header \
                                    `x-csrf-token`, which `GET /v1/me` tells.",
                },
            },
        },
    })
}

fn operation(route: Route) -> Value {
    if let Route::Deed(deed) = route {
        return operation_of(deed);
    }
    let (id, summary, parameters, answer) = described(route);
    let mut responses = json!({
        "200": answer,
        "400": refused("The request is wrong; the answer says where."),
        "401": refused("No token that holds came with the request."),
        "503": refused("Not now."),
    });
    if !matches!(route, Route::Events | Route::Status) {
        responses["304"] = json!({ "description": "Nothing is different." });
        responses["200"]["headers"] =
            json!({ "ETag": { "schema": { "type": "string" }, "required": true } });
    }
    if !matches!(route, Route::Status | Route::Description) {
        responses["404"] = refused("There is none, or it is not for this token.");
    }
    if matches!(route, Route::Status) {
        responses["403"] = refused("Not with this token.");
    }
    json!({
        "operationId": id,
        "summary": summary,
        "description": format!("Least role: {}.", route.least().as_str()),
        "parameters": parameters,
        "responses": responses,
    })
}

/// What a route of the other list is.
fn operation_of(deed: &Deed) -> Value {
    let made = deed.id.starts_with("make-");
    let answer =
        json!({ "description": deed.about, "content": json_of(&json!({ "type": "object" })) });
    let mut parameters: Vec<Value> = deed.params.iter().map(|name| parameter(name)).collect();
    for (name, about) in [
        ("key", "The PSA's key of it."),
        ("connection", "The connection's name."),
        ("id", "Its id."),
    ] {
        if deed.path.contains(&format!("{{{name}}}")) {
            let schema = json!({ "type": "string" });
            let part = json!({
                "name": name, "in": "path", "required": true, "description": about, "schema": schema,
            });
            parameters.insert(0, part);
        }
    }
    if deed.repeatable {
        parameters.push(parameter("Idempotency-Key"));
    }
    let mut responses = json!({
        "400": refused("The request is wrong; the answer says where."),
        "401": refused("Nobody who is known asks."),
        "403": refused("Not with this role, or not from there."),
        "503": refused("Not now."),
    });
    responses[if made { "201" } else { "200" }] = answer;
    // Tenants and subjects are named by their ids.
    let named = |field: &Field| ["tenants", "subject"].contains(&field.name);
    if deed.path.contains('{') || deed.body.iter().any(named) {
        responses["404"] = refused("There is none, or it is not for this caller.");
    }
    let mut operation = json!({
        "operationId": deed.id,
        "summary": deed.about,
        "description": match deed.of_all {
            true => format!("Least role: {}, of all tenants.", deed.least.as_str()),
            false => format!("Least role: {}.", deed.least.as_str()),
        },
        "parameters": parameters,
    });
    if deed.method != "GET" {
        responses["409"] = refused("It waits for somebody's word, or contradicts what there is.");
        let required = deed.body.iter().any(|field| field.required);
        operation["requestBody"] =
            json!({ "required": required, "content": json_of(&deeds::schema(deed)) });
    }
    operation["responses"] = responses;
    operation
}

/// Id, summary, parameters and answer of a route.
fn described(route: Route) -> (String, String, Vec<Value>, Value) {
    let named = |names: &[&str]| names.iter().map(|name| parameter(name)).collect::<Vec<_>>();
    let object = || json!({ "type": "object" });
    let (id, summary, parameters, answer) = match route {
        Route::List(kind) => {
            let page = page(
                &reference(&name(kind)),
                &json!({
                    "next": {
                        "type": ["string", "null"],
                        "description": "What `after` takes for the next page; null at the end.",
                    },
                }),
            );
            (format!("list-{}", kind.path), kind.about.to_owned(), of_kind(kind, LIST), page)
        }
        Route::One(kind) => {
            let summary = format!("One {}.", kind.word);
            let parameters = of_kind(kind, &[&["id"], ONE].concat());
            (format!("get-{}", kind.word), summary, parameters, reference(&name(kind)))
        }
        Route::Winners => (
            "get-computer-winners".to_owned(),
            "What a computer should have, item by item, and why.".to_owned(),
            named(&[&["id"], WINNERS].concat()),
            page(&object(), &json!({})),
        ),
        Route::Changes => {
            let number = |text: &str| json!({ "type": "integer", "description": text });
            let page = page(
                &reference("Event"),
                &json!({
                    "next": number("What `since` takes for the next page."),
                    "last": number("The newest event; where it is `next`, there is no more."),
                }),
            );
            ("list-changes".to_owned(), "What changed, in order.".to_owned(), named(CHANGES), page)
        }
        Route::Events => {
            let summary = "What changes, as it does: server-sent events with the sequence as id.";
            let mut parameters = named(EVENTS);
            parameters.push(parameter("Last-Event-ID"));
            let answer = json!({
                "description": "Each `data` is an Event.",
                "content": { "text/event-stream": { "schema": { "type": "string" } } },
            });
            return ("follow-events".to_owned(), summary.to_owned(), parameters, answer);
        }
        Route::Status => {
            let summary =
                "Where every stream of every connection stands, as `linchpin status` shows it.";
            ("get-status".to_owned(), summary.to_owned(), Vec::new(), standing())
        }
        Route::Deed(deed) => (deed.id.to_owned(), deed.about.to_owned(), Vec::new(), object()),
        Route::Description => {
            ("get-description".to_owned(), "This.".to_owned(), Vec::new(), object())
        }
    };
    let answer = json!({ "description": summary, "content": json_of(&answer) });
    (id, summary, parameters, answer)
}

/// What `GET /v1/status` answers; more may be added to it.
fn standing() -> Value {
    let number = || json!({ "type": "integer", "minimum": 0 });
    let time = || json!({ "type": "string", "format": "date-time" });
    let about = "A connection: its streams with their last runs, what is held, quarantined and pushed, \
                 and what is planned next.";
    json!({
        "type": "object",
        "required": [
            "version", "at", "time_zone", "connections", "decisions_open", "clients_unlinked",
        ],
        "properties": {
            "version": { "type": "string", "description": "Of the program that answers." },
            "at": time(),
            "time_zone": { "type": "string", "description": "The hub's, an IANA name." },
            "connections": { "type": "array", "items": { "type": "object", "description": about } },
            "decisions_open": number(),
            "clients_unlinked": number(),
        },
    })
}

fn parameter(name: &str) -> Value {
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX });
    let (place, schema, about) = match name {
        "id" => ("path", text(), "Its id."),
        "limit" => (
            "query",
            json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL }),
            "How many at once.",
        ),
        "state" => {
            let states: Vec<&str> = SessionState::ALL.iter().map(|one| one.as_str()).collect();
            ("query", json!({ "type": "string", "enum": states }), "Only what is in this state.")
        }
        "kind" => {
            let kinds: Vec<&str> = SessionKind::ALL.iter().map(|one| one.as_str()).collect();
            ("query", json!({ "type": "string", "enum": kinds }), "Only what is of this kind.")
        }
        "result" => (
            "query",
            json!({ "type": "string", "enum": crate::maintenance::RESULTS }),
            "Only with this result.",
        ),
        "since" => ("query", number(), "Only what came after this number; 0 is all."),
        "as_of" => ("query", when(), "A local day (2026-12-31) or an instant; now if left out."),
        "known_at" => ("query", when(), "As it was known at this instant."),
        "from" => ("query", day(), "The first day; tomorrow if left out."),
        "until" => ("query", day(), "The last day; 90 days from today if left out."),
        "all" => ("query", json!({ "type": "boolean" }), "Those too that were settled."),
        "before" => {
            ("query", number(), "Only lines before this number: `next` of the page before.")
        }
        "Idempotency-Key" => (
            "header",
            // Of a header, HTTP takes the blanks around its value away.
            json!({ "type": "string", "pattern": "^[ \\t]*[!-~]{1,200}[ \\t]*$" }),
            "1 to 200 readable characters. Sent again with the same body, it is answered as before and does nothing.",
        ),
        "Last-Event-ID" => ("header", number(), "Goes on after this event, whatever `since` says."),
        _ => match of_text(name) {
            "" => of_schedules(name),
            about => ("query", text(), about),
        },
    };
    let schema = if place == "query" { or_none(schema) } else { schema };
    json!({
        "name": name,
        "in": place,
        "required": place == "path",
        "schema": schema,
        "description": about,
    })
}

/// What a parameter says that may be any text.
fn of_text(name: &str) -> &'static str {
    match name {
        "after" => "Only what comes after this id: `next` of the page before.",
        "tenant" => "Only of the tenant of this id.",
        "name" => "Only what has this in its name, in any case.",
        "fields" => "Only these fields, joined by commas.",
        "session" => "Only of the session of this id.",
        "with" => {
            "The earlier session, by its id; the one of the same subject before it if left out."
        }
        "item" => "Only about the software or task of this key.",
        "group" => "Only what was asked for in this batch.",
        "agreement" => "Only the lines of this agreement: its name or id.",
        "connection" => "Only of this connection.",
        "actor" => "Only by this account, token or user of a terminal.",
        "action" => "Only this action; `sign-in.` is all that begin so.",
        "subject" => "Only about this.",
        _ => "",
    }
}

/// Those of schedules.
fn of_schedules(name: &str) -> (&'static str, Value, &'static str) {
    let text = json!({ "type": "string" });
    match name {
        "schedule" => ("query", text, "Only of this schedule, by its name."),
        "count" => (
            "query",
            json!({ "type": "integer", "minimum": 1, "maximum": 1_000, "default": 20 }),
            "How many at most.",
        ),
        "last_day" => {
            ("query", day(), "The last day, in the hub's zone; a year ahead if left out.")
        }
        _ => ("query", text, ""),
    }
}

/// What a parameter is like that is given: an empty one is as if it were left out.
fn or_none(schema: Value) -> Value {
    match schema.as_object() {
        Some(only)
            if only.len() == 1 && only.contains_key("type") && schema["type"] == "string" =>
        {
            schema
        }
        _ => json!({ "anyOf": [schema, { "type": "string", "maxLength": 0 }] }),
    }
}

/// A local day.
fn day() -> Value {
    json!({ "type": "string", "format": "date" })
}

/// A local day or an instant.
fn when() -> Value {
    json!({ "type": "string", "anyOf": [{ "format": "date" }, { "format": "date-time" }] })
}

/// Parameters of a kind's routes: which fields it has is its own.
fn of_kind(kind: &Kind, names: &[&str]) -> Vec<Value> {
    let one = format!("({})", kind.entity.fields().join("|"));
    let mut parameters: Vec<Value> = names.iter().map(|name| parameter(name)).collect();
    for parameter in parameters.iter_mut().filter(|one| one["name"] == "fields") {
        let pattern = format!("^{one}(,{one})*$");
        parameter["schema"] = or_none(json!({ "type": "string", "pattern": pattern }));
    }
    parameters
}

fn schema(kind: &Kind) -> Value {
    let fields = kind.entity.fields().iter();
    let mut properties: Map<String, Value> =
        fields.map(|field| ((*field).to_owned(), json!({}))).collect();
    properties.insert("id".to_owned(), json!({ "type": "string" }));
    json!({ "type": "object", "description": kind.about, "properties": properties })
}

fn event() -> Value {
    let text = || json!({ "type": "string" });
    let document = |about: &str| json!({ "type": ["object", "null"], "description": about });
    json!({
        "type": "object",
        "required": ["sequence", "at", "entity", "id", "change", "cause"],
        "properties": {
            "sequence": { "type": "integer", "description": "Its place in the log." },
            "at": { "type": "string", "format": "date-time" },
            "entity": text(),
            "id": text(),
            "tenant": { "type": ["string", "null"] },
            "change": { "enum": ["created", "changed", "removed"] },
            "cause": { "enum": ["run", "decision", "observation", "clock"] },
            "before": document("What it was; null where it is new, or new to this token."),
            "after": document("What it is; null where it is gone, or went to another tenant."),
        },
    })
}

fn problem() -> Value {
    let text = || json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "remedy"],
        "properties": {
            "type": text(), "title": text(), "status": { "type": "integer" },
            "detail": text(), "remedy": text(),
        },
    })
}

fn page(item: &Value, more: &Value) -> Value {
    let mut properties = more.clone();
    properties["items"] = json!({ "type": "array", "items": item });
    json!({ "type": "object", "required": ["items"], "properties": properties })
}

fn refused(about: &str) -> Value {
    let schema = reference("Problem");
    json!({
        "description": about,
        "content": { "application/problem+json": { "schema": schema } },
    })
}

fn json_of(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The name of a kind's schema.
fn name(kind: &Kind) -> String {
    match kind.word {
        "line" => "AgreementLine".to_owned(),
        word => word[..1].to_uppercase() + &word[1..],
    }
}
