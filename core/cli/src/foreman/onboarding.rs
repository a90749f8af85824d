//! What was entered for a computer that is set up, given to whatever asks for it.

use std::sync::Arc;

use core_library::Library;
use core_maintenance::Demand;
use core_model::library::{ItemId, Parameter};
use core_model::session::OnboardingForm;
use serde_json::Value;

/// Gives what was entered to every script that takes a parameter of that name: `computer_name` and `primary_person`.
/// What a deployment gives itself stays.
pub(super) fn enter(demands: &mut [Demand], form: &OnboardingForm, library: &Library) {
    let entered = [
        ("computer_name", form.computer_name.as_deref()),
        ("primary_person", form.primary_person.as_deref()),
    ];
    for demand in demands {
        let Demand::Won { deployment, .. } = demand else { continue };
        for (name, value) in entered {
            let Some(value) = value else { continue };
            let given = deployment.parameters.contains_key(name);
            if given || !takes(library, deployment.item, name) {
                continue;
            }
            let parameters = &mut Arc::make_mut(deployment).parameters;
            parameters.insert(name.to_owned(), Value::String(value.to_owned()));
        }
    }
}

/// Whether the scripts of an item take a parameter of this name.
fn takes(library: &Library, item: ItemId, name: &str) -> bool {
    let has = |parameters: &[Parameter]| parameters.iter().any(|one| one.name == name);
    let of_task = |id| library.tasks.iter().any(|task| task.id == id && has(&task.parameters));
    match item {
        ItemId::Task(id) => of_task(id),
        ItemId::Software(id) => library.software.iter().any(|one| {
            one.id == id && (has(&one.parameters) || one.configuration.is_some_and(of_task))
        }),
    }
}

#[cfg(test)]
mod tests {
    use core_model::id::TaskId;
    use core_model::library::{Deployment, DesiredState, ParameterKind, Target, Task};

    use super::*;

    #[test]
    fn what_was_entered_is_given_to_whoever_takes_it_and_overrules_no_deployment() {
        let task = |name: &str, takes: &[&str]| {
            let parameters =
                takes.iter().map(|name| Parameter::new(name, ParameterKind::Text)).collect();
            Task { parameters, ..Task::new(TaskId::of_text(name, 0), name) }
        };
        let tasks = vec![task("rename", &["computer_name"]), task("greet", &["primary_person"])];
        let library = Library { tasks, ..Library::default() };
        let demand = |task: &str, given: Option<&str>| {
            let item = TaskId::of_text(task, 0);
            let mut one = Deployment::new(task, item, DesiredState::Enforce, Target::All, 0);
            one.parameters
                .extend(given.map(|name| ("computer_name".to_owned(), Value::from(name))));
            Demand::Won { deployment: Arc::new(one), why: String::new() }
        };
        let mut demands =
            [demand("rename", None), demand("rename", Some("PC-1")), demand("greet", None)];
        let form = OnboardingForm {
            computer_name: Some("PC-NEW".to_owned()),
            primary_person: Some("ana@contoso.com".to_owned()),
        };
        enter(&mut demands, &form, &library);
        let given: Vec<String> = demands
            .iter()
            .map(|demand| match demand {
                Demand::Won { deployment, .. } => {
                    serde_json::to_string(&deployment.parameters).unwrap()
                }
                Demand::Held { .. } | Demand::Unknown { .. } => String::new(),
            })
            .collect();
        assert_eq!(
            given,
            [
                r#"{"computer_name":"PC-NEW"}"#,
                r#"{"computer_name":"PC-1"}"#,
                r#"{"primary_person":"ana@contoso.com"}"#,
            ]
        );
    }
}
