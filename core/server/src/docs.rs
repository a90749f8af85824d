//! The API, readable: a page made of its description.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use crate::asked::Asked;
use crate::page::{NOBODY, html};
use crate::problem::Problem;
use crate::{assets, openapi};

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    css: String,
    version: String,
    about: String,
    groups: Vec<Group>,
}

struct Group {
    name: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: String,
    parameters: Vec<Value3>,
    body: Vec<Value3>,
    answers: Vec<(String, String)>,
    example: String,
}

/// A name, what it is, and what it is for.
struct Value3 {
    name: String,
    kind: String,
    about: String,
}

pub(crate) async fn page(_asked: Asked) -> Result<Response, Problem> {
    html(StatusCode::OK, &docs(&openapi::document()), NOBODY)
}

fn docs(document: &Value) -> Docs {
    let mut groups: Vec<Group> = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        let of_v1 = path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next());
        let name = of_v1.unwrap_or("health").trim_end_matches(".json").to_owned();
        let operations = item.as_object().into_iter().flatten();
        let operations = operations.map(|(method, value)| operation(path, method, value));
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.operations.extend(operations),
            None => groups.push(Group { name, operations: operations.collect() }),
        }
    }
    Docs {
        css: assets::path("docs.css"),
        version: text(&document["info"]["version"]),
        about: text(&document["info"]["description"]),
        groups,
    }
}

fn operation(path: &str, method: &str, value: &Value) -> Operation {
    let parameters = value["parameters"].as_array().into_iter().flatten().map(|one| Value3 {
        name: text(&one["name"]),
        kind: format!("{}, {}", text(&one["in"]), kind(&one["schema"])),
        about: text(&one["description"]),
    });
    let schema = &value["requestBody"]["content"]["application/json"]["schema"];
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let body = schema["properties"].as_object().into_iter().flatten().map(|(name, one)| {
        let is_required = required.iter().any(|needed| needed == name.as_str());
        let needed = if is_required { ", required" } else { "" };
        Value3 {
            name: name.clone(),
            kind: format!("{}{needed}", kind(one)),
            about: text(&one["description"]),
        }
    });
    let answers = value["responses"].as_object().into_iter().flatten();
    let method = method.to_uppercase();
    let sends = match method.as_str() {
        "GET" => String::new(),
        other => format!(" -X {other} -H 'content-type: application/json' -d '{{…}}'"),
    };
    Operation {
        id: text(&value["operationId"]),
        example: format!("curl -H \"authorization: Bearer $TOKEN\"{sends} https://HUB{path}"),
        path: path.to_owned(),
        summary: text(&value["summary"]),
        about: text(&value["description"]),
        parameters: parameters.collect(),
        body: body.collect(),
        answers: answers.map(|(code, one)| (code.clone(), text(&one["description"]))).collect(),
        method,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn kind(schema: &Value) -> String {
    match (&schema["type"], &schema["items"]["type"]) {
        (Value::String(kind), Value::String(item)) => format!("{kind} of {item}"),
        (Value::String(kind), _) => kind.clone(),
        _ => "any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_description_is_on_the_page_once() {
        let document = openapi::document();
        let page = docs(&document).render().unwrap();
        let items = document["paths"].as_object().unwrap().values();
        for operation in items.flat_map(|item| item.as_object().unwrap().values()) {
            let id = operation["operationId"].as_str().unwrap();
            assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{id}");
        }
        assert!(!page.contains("http://") && !page.contains("//cdn"), "it asks nobody else");
    }
}
