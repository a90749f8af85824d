//! The fields of definitions in words, those that are not set left out.

use std::collections::{BTreeMap, BTreeSet};

use core_model::library::{
    Budget, ComputerSettings, Deployment, Enforcement, Expectation, Expected, ItemId, KeptSecret,
    Origin, Parameter, ParameterKind, RecommendedUse, Script, Tag, TenantSettings,
};
use core_toml::printable;
use serde::Serialize;
use serde_json::Value;

use super::{Fact, Kind, Said, Shown};
use crate::export::class_word;
use crate::library::Library;
use crate::words::Words;

mod items;
mod schedule;

/// The parameters of items whose values are names of kept secrets.
pub(super) type Secret = BTreeSet<(ItemId, String)>;

/// Those of these libraries. What one of them does not know to be a secret, another may.
pub(super) fn secret_parameters(libraries: &[&Library]) -> Secret {
    let mut secret = Secret::new();
    for library in libraries {
        let mut of = |item: ItemId, parameters: &[Parameter]| {
            let passwords = parameters.iter().filter(|one| one.kind == ParameterKind::Password);
            secret.extend(passwords.map(|one| (item, one.name.clone())));
        };
        for task in &library.tasks {
            of(task.id.into(), &task.parameters);
        }
        for one in &library.software {
            of(one.id.into(), &one.parameters);
            let task = library.tasks.iter().find(|task| Some(task.id) == one.configuration);
            of(one.id.into(), task.map(|task| task.parameters.as_slice()).unwrap_or_default());
        }
    }
    secret
}

/// Everything by kind and id.
pub(super) fn shown(words: Words<'_>, secret: &Secret) -> BTreeMap<(Kind, String), Shown> {
    let library = words.library;
    let mut all = BTreeMap::new();
    let mut put = |kind, id: String, name: String, facts: Facts| {
        all.insert((kind, id), Shown { name, facts: facts.0 });
    };
    for one in &library.software {
        put(Kind::Software, one.id.to_string(), printable(&one.name), items::software(one, words));
    }
    for one in &library.tasks {
        put(Kind::Task, one.id.to_string(), printable(&one.name), items::task(one, words));
    }
    for one in &library.tags {
        put(Kind::Tag, one.id.to_string(), printable(&one.name), tag(one, words));
    }
    for one in &library.deployments {
        let facts = deployment(one, words, secret);
        put(Kind::Deployment, one.id.to_string(), printable(&one.name), facts);
    }
    for one in &library.schedules {
        let facts = schedule::schedule(one, words);
        put(Kind::Schedule, one.id.to_string(), printable(&one.name), facts);
    }
    for one in &library.expectations {
        put(Kind::Expect, one.id.to_string(), printable(&one.name), expectation(one, words));
    }
    for one in &library.tenants {
        put(Kind::Tenant, one.tenant.to_string(), words.tenant(one.tenant), tenant(one, words));
    }
    for one in &library.computers {
        let name = words.computer(one.computer);
        put(Kind::Computer, one.computer.to_string(), name, computer(one));
    }
    all
}

#[derive(Default)]
struct Facts(Vec<Fact>);

impl Facts {
    fn put(&mut self, key: &str, raw: impl Serialize, words: String) {
        self.say(key, raw, Said::One(words));
    }

    fn say(&mut self, key: &str, raw: impl Serialize, said: Said) {
        // Ids, texts, numbers and lists of them: there is nothing that JSON could not say.
        let raw = serde_json::to_value(raw).unwrap_or_default();
        self.0.push(Fact { key: key.to_owned(), raw, said });
    }

    fn script(&mut self, key: &str, script: Option<&Script>) {
        if let Some(script) = script {
            self.say(key, script, Said::Script(Box::new(script.clone())));
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        self.put(key, text, printable(text));
    }

    fn optional(&mut self, key: &str, text: Option<&String>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    fn flag(&mut self, key: &str, set: bool) {
        if set {
            self.put(key, true, "yes".to_owned());
        }
    }

    fn many(&mut self, key: &str, raw: impl Serialize, words: Vec<String>) {
        if !words.is_empty() {
            self.say(key, raw, Said::Many(words));
        }
    }

    fn origin(&mut self, origin: Origin) {
        if origin == Origin::Recommended {
            self.put("origin", origin, "recommended".to_owned());
        }
    }

    fn item(&mut self, item: ItemId, words: Words<'_>) {
        let key = match item {
            ItemId::Software(_) => "software",
            ItemId::Task(_) => "task",
        };
        self.put(key, item, words.item(item));
    }
}

fn tag(one: &Tag, words: Words<'_>) -> Facts {
    let mut facts = Facts::default();
    facts.text("name", &one.name);
    let computers: Vec<String> = one.computers.iter().map(|id| words.computer(*id)).collect();
    facts.many("computers", &one.computers, computers);
    let tenants: Vec<String> = one.tenants.iter().map(|id| words.tenant(*id)).collect();
    facts.many("tenants", &one.tenants, tenants);
    let persons: Vec<String> = one.persons.iter().map(|id| words.person(*id)).collect();
    facts.many("persons", &one.persons, persons);
    facts
}

fn deployment(one: &Deployment, words: Words<'_>, secret: &Secret) -> Facts {
    let mut facts = Facts::default();
    facts.text("name", &one.name);
    facts.item(one.item, words);
    facts.optional("instance", one.instance.as_ref());
    facts.put("state", &one.state, printable(&one.state.words()));
    facts.put("target", &one.target, words.target(&one.target));
    let classes: Vec<String> =
        one.classes.iter().map(|class| class_word(*class).to_owned()).collect();
    facts.many("classes", &one.classes, classes);
    if let Some(owner) = one.owner {
        let more = if owner.children { " with its children" } else { "" };
        facts.put("tenant", owner, format!("{}{more}", words.tenant(owner.tenant)));
    }
    facts.origin(one.origin);
    match one.recommended {
        RecommendedUse::Undecided => {}
        RecommendedUse::Approved => facts.text("recommended", "approved"),
        RecommendedUse::Dismissed => facts.text("recommended", "dismissed"),
    }
    enforcement(&mut facts, &one.enforcement, words);
    facts.flag("onboarding_only", one.onboarding_only);
    if one.order != 0 {
        facts.put("order", one.order, one.order.to_string());
    }
    facts.put("enabled", one.enabled, if one.enabled { "yes" } else { "no" }.to_owned());
    facts.optional("connection", one.connection.as_ref());
    for (key, day) in [("from", one.dates.start), ("until", one.dates.end)] {
        if let Some(day) = day {
            facts.put(key, day, day.to_string());
        }
    }
    let places = [
        ("self-service", one.visibility.self_service),
        ("technician-tools", one.visibility.technician_tools),
    ];
    let places: Vec<String> =
        places.into_iter().filter(|(_, on)| *on).map(|(place, _)| place.to_owned()).collect();
    facts.many("show_in", &places, places.clone());
    let rings = one.rings.iter().map(|ring| words.ring(ring)).collect();
    facts.many("rings", &one.rings, rings);
    if !one.parameters.is_empty() {
        let json = Value::Object(without_secrets(one, secret));
        facts.put("parameters", &json, printable(&json.to_string()));
    }
    if !one.note.is_empty() {
        facts.text("note", &one.note);
    }
    facts
}

/// What a deployment gives, without what should be the name of a kept secret and is not.
fn without_secrets(one: &Deployment, secret: &Secret) -> serde_json::Map<String, Value> {
    let shown = one.parameters.iter().map(|(name, value)| {
        let named = value.as_str().is_some_and(|text| KeptSecret::parse(text).is_ok());
        let hidden = !named && secret.contains(&(one.item, name.clone()));
        (name.clone(), if hidden { "(hidden)".into() } else { value.clone() })
    });
    shown.collect()
}

fn enforcement(facts: &mut Facts, enforcement: &Enforcement, words: Words<'_>) {
    let word = match enforcement {
        Enforcement::Required => "required",
        Enforcement::Onboarding => "onboarding",
        Enforcement::Optional { .. } => "optional",
        Enforcement::AdHoc => "ad-hoc",
    };
    facts.text("enforcement", word);
    if let Enforcement::Optional { approved } = enforcement {
        let subjects = approved.iter().map(|subject| words.subject(*subject)).collect();
        facts.many("approved", approved, subjects);
    }
}

fn expectation(one: &Expectation, words: Words<'_>) -> Facts {
    let mut facts = Facts::default();
    facts.text("name", &one.name);
    facts.put("subject", one.subject, words.subject(one.subject));
    facts.item(one.item, words);
    facts.optional("instance", one.instance.as_ref());
    if let Some(day) = one.as_of {
        facts.put("on", day, day.to_string());
    }
    match &one.expected {
        Expected::Deployment(id) => {
            let deployments = &words.library.deployments;
            let name = deployments.iter().find(|one| one.id == *id).map(|one| printable(&one.name));
            facts.put("winner", id, name.unwrap_or_else(|| id.to_string()));
        }
        Expected::State(state) => facts.put("state", state, printable(&state.words())),
        Expected::Nobody => facts.text("outcome", "nobody"),
        Expected::Blocked => facts.text("outcome", "blocked"),
    }
    if !one.note.is_empty() {
        facts.text("note", &one.note);
    }
    facts
}

fn tenant(one: &TenantSettings, words: Words<'_>) -> Facts {
    let mut facts = Facts::default();
    if let Some(parent) = one.parent {
        facts.put("parent", parent, words.tenant(parent));
    }
    facts.flag("excluded_from_cross_tenant", one.excluded_from_cross_tenant);
    if let Some(budget) = one.budget {
        let Budget { percent, computers, uninstalls } = budget;
        let text = format!("{percent} %, {computers} computers, {uninstalls} uninstalls");
        facts.put("budget", budget, text);
    }
    facts
}

fn computer(one: &ComputerSettings) -> Facts {
    let mut facts = Facts::default();
    facts.flag("excluded_from_maintenance", one.excluded_from_maintenance);
    facts
}
