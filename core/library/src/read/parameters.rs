//! Parameters: what items define, and whether what deployments give will do.

use core_model::library::{
    BadParameter, BadValue, Deployment, DesiredState, ItemId, Parameter, ParameterKind,
    check_parameters, handle,
};
use core_toml::{Node, printable};
use serde_json::{Map, Value};

use super::prerequisites::place_of;
use super::reference::suggestions;
use super::{Place, Reader, Table};

/// What to do instead of writing a secret.
pub(super) const KEEP: &str =
    "keep it sealed with `linchpin secrets set NAME`, and write \"store:NAME\" here";

impl<'a> Reader<'a> {
    pub(super) fn read_parameters(&mut self, table: Table<'a>) -> Vec<Parameter> {
        let mut parameters: Vec<Parameter> = Vec::new();
        for node in table.items("parameters") {
            let table = Table { file: table.file, node };
            let Some(one) = self.parameter(table) else { continue };
            if parameters.iter().any(|other| other.name == one.name) {
                let what = format!("the parameter `{}` is there twice", printable(&one.name));
                self.say(&table.place("name"), what, "the second", "remove one of them");
                continue;
            }
            parameters.push(one);
        }
        parameters
    }

    fn parameter(&mut self, table: Table<'a>) -> Option<Parameter> {
        let kind = self.kind(table);
        let default = table.get("default").map(Node::json);
        if let (Some(node), Some(kind)) = (table.get("default"), &kind) {
            self.unfit(table.file, node);
            if let Err(why) = kind.check(&node.json()) {
                let place = table.place("default");
                self.not_this(&place, &format!("the default cannot be this: {why}"), &why);
            }
        }
        let fixed = table.flag("fixed");
        if fixed && default.is_none() {
            let what = "a fixed parameter has its default, and this has none";
            self.say(&table.place("fixed"), what, "no default", "add `default`, or remove `fixed`");
        }
        let name = table.text("name")?;
        if name.trim().is_empty() || name.contains(char::is_control) {
            self.say(&table.place("name"), "a parameter must have a name", "here", "give it one");
            return None;
        }
        Some(Parameter {
            title: table.text("title").map(str::to_owned),
            required: table.flag("required"),
            default: default.filter(|value| !value.is_null()),
            fixed,
            note: table.text("note").unwrap_or_default().to_owned(),
            ..Parameter::new(name, kind?)
        })
    }

    fn kind(&mut self, table: Table<'a>) -> Option<ParameterKind> {
        let choices: Vec<String> =
            table.items("choices").iter().filter_map(Node::text).map(str::to_owned).collect();
        let word = table.text("type").unwrap_or("text");
        if word != "select" && table.get("choices").is_some() {
            let help = "write `type = \"select\"`, or remove `choices`";
            self.say(&table.place("choices"), "only a \"select\" has choices", "not here", help);
        }
        Some(match word {
            "text" => ParameterKind::Text,
            "number" => ParameterKind::Number,
            "boolean" => ParameterKind::Boolean,
            "password" => ParameterKind::Password,
            "file" => ParameterKind::File,
            "uri" => ParameterKind::Uri,
            "key-value" => ParameterKind::KeyValue,
            "select" if choices.is_empty() => {
                let what = "this has nothing to choose from";
                let help = "add `choices = [\"…\", \"…\"]`";
                self.say(&table.place("type"), what, "no choices", help);
                return None;
            }
            "select" => ParameterKind::Select(choices),
            _ => return None,
        })
    }

    /// A value that is none of its kind. What may be a secret is not shown.
    fn not_this(&mut self, place: &Place, what: &str, why: &BadValue) {
        match why {
            BadValue::Secret => {
                self.hidden.push(place.clone());
                self.say(place, what, "a secret in clear?", KEEP);
            }
            BadValue::Type(_) | BadValue::Choice(_) => {
                self.say(
                    place,
                    what,
                    "not allowed",
                    "write it so, or change the `type` of the parameter",
                );
            }
        }
    }

    /// What a deployment gives the scripts of its item, held against what these take.
    pub(super) fn hold(
        &mut self,
        table: Table<'a>,
        (item, state): (Option<ItemId>, Option<&DesiredState>),
        given: &Map<String, Value>,
    ) {
        let Some(item) = item else { return };
        let defined = self.defined(item);
        let defined: Vec<&Parameter> = defined.iter().collect();
        for wrong in check_parameters(given, &defined) {
            let entry = table.get("parameters").and_then(|node| node.entry(wrong.name()));
            let value = entry.map(|entry| place_of(table.file, &entry.node));
            let key = entry.map(|entry| Place { file: table.file, span: entry.key_span.clone() });
            let (value, key) = (value.unwrap_or(table.place("name")), key);
            let what = printable(&wrong.to_string());
            match &wrong {
                BadParameter::Value(_, why) => self.not_this(&value, &what, why),
                BadParameter::Missing(_) if needs_none(state) => {}
                BadParameter::Missing(name) => {
                    let help = format!("add `parameters = {{ {} = … }}`", printable(name));
                    let place = match table.get("parameters") {
                        Some(_) => table.place("parameters"),
                        None => table.place("name"),
                    };
                    self.say(&place, what, "missing here", &help);
                }
                BadParameter::Fixed(_) => {
                    let place = key.unwrap_or(value);
                    self.say(&place, what, "not allowed", "remove it");
                }
                BadParameter::Unknown(name) => {
                    if defined.iter().any(|one| one.kind == ParameterKind::Password) {
                        self.hidden.push(value.clone());
                    }
                    let names = defined.iter().map(|one| one.name.as_str());
                    let help = suggestions(name, "there are", names);
                    self.say(&key.unwrap_or(value), what, "unknown", &help);
                }
            }
        }
    }

    /// What the scripts of an item take: its own parameters, and of software those of the task that
    /// configures it.
    fn defined(&self, item: ItemId) -> Vec<Parameter> {
        let of = |item: ItemId| self.parameters.get(&item).into_iter().flatten().cloned();
        let mut all: Vec<Parameter> = of(item).collect();
        if let ItemId::Software(id) = item
            && let Some(task) = self.configurations.get(&id)
        {
            let more = of(ItemId::from(*task));
            let more: Vec<Parameter> =
                more.filter(|one| all.iter().all(|other| other.name != one.name)).collect();
            all.extend(more);
        }
        all
    }

    /// Deployments that stay as the hub has them, of items that are defined anew: what they give
    /// must do still.
    pub(super) fn hold_what_stays(&mut self, deployments: &[Deployment]) {
        for one in deployments {
            let place = match one.item {
                ItemId::Software(id) => place_where(self.software.values(), |of| of.id == id),
                ItemId::Task(id) => place_where(self.tasks.values(), |of| of.id == id),
            };
            let Some(place) = place else { continue };
            let defined = self.defined(one.item);
            let defined: Vec<&Parameter> = defined.iter().collect();
            let wrong = check_parameters(&one.parameters, &defined).into_iter().find(|wrong| {
                !(matches!(wrong, BadParameter::Missing(_)) && needs_none(Some(&one.state)))
            });
            let Some(wrong) = wrong else { continue };
            let name = printable(&handle(&one.name));
            let what = format!(
                "for the deployment `{name}`, which the hub has, {}",
                printable(&wrong.to_string())
            );
            self.say(&place, what, "as it is here", "change that deployment too");
        }
    }
}

/// What is taken away, and what is left alone, needs no parameters.
fn needs_none(state: Option<&DesiredState>) -> bool {
    matches!(state, None | Some(DesiredState::Absent | DesiredState::Ignored))
}

fn place_where<'d, I: 'd>(
    mut all: impl Iterator<Item = &'d super::Defined<I>>,
    is: impl Fn(&super::Defined<I>) -> bool,
) -> Option<Place> {
    all.find(|one| is(one)).and_then(|one| one.place.clone())
}
