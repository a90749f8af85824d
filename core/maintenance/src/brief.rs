//! What a session is about: everything that is known before anybody looks.

use std::sync::Arc;

use core_model::id::TenantId;
use core_model::library::{
    Architecture, Deployment, ItemId, Parameter, SubjectId, effective_parameters,
};
use core_plan::{
    Catalogue, Holds, Key, OnChange, RebootPolicy, Request, RunKind, Settings, Wanted, WhenOffline,
};
use serde_json::{Map, Value};

use crate::hours::BusinessHours;

/// What holds for an item of the subject.
#[derive(Clone, Debug)]
pub enum Demand {
    /// A deployment wins.
    Won {
        /// The deployment.
        deployment: Arc<Deployment>,
        /// Why, in words.
        why: String,
    },
    /// A deployment wins, and nothing is changed for its sake for now. It is looked at all the same.
    Held {
        /// The deployment.
        deployment: Arc<Deployment>,
        /// Why it wins, in words.
        why: String,
        /// Why nothing is changed: its ring is not open, somebody stopped it, a number waits to be confirmed.
        held: String,
    },
    /// It is not known for certain what holds.
    Unknown {
        /// The item.
        item: ItemId,
        /// Which instance.
        instance: Option<String>,
        /// The name of the deployment that may hold.
        deployment: String,
        /// What is not known.
        why: String,
    },
}

/// What things are called, for the scripts that ask.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The tenant.
    pub tenant: Option<String>,
    /// The computer.
    pub computer: Option<String>,
    /// The person.
    pub person: Option<String>,
}

/// What a session is about.
#[derive(Clone, Debug)]
pub struct Brief {
    /// Who is brought somewhere.
    pub subject: SubjectId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What they are called.
    pub names: Names,
    /// For which processors software is chosen, where that is known.
    pub architecture: Option<Architecture>,
    /// Software and tasks.
    pub catalogue: Arc<Catalogue>,
    /// What holds, by item.
    pub demands: Vec<Demand>,
    /// What somebody entered for the computer that is set up: given to whatever takes a parameter of such a name, where
    /// its deployment gives it no other value.
    pub entered: Map<String, Value>,
    /// What is run.
    pub run: RunKind,
    /// How.
    pub settings: Settings,
    /// What becomes of what changed between the look and the act.
    pub on_change: OnChange,
    /// When nothing is rebooted.
    pub hours: Option<BusinessHours>,
    /// Whether scripts that change something wait for the end of those hours, too; those that say that they may
    /// run in them do not.
    pub changes_wait: bool,
    /// Whether the updates of Windows are installed that somebody approved; in runs of everything only.
    pub updates: bool,
}

impl Brief {
    /// The same, without what makes no sense for its subject: only computers are rebooted, waited for and patched.
    pub(crate) fn fitting(&self) -> Self {
        let mut brief = self.clone();
        if !matches!(self.subject, SubjectId::Computer(_)) {
            brief.settings.reboots = RebootPolicy::Suppress;
            brief.settings.offline = WhenOffline::End;
            brief.updates = false;
        }
        brief.updates &= self.run == RunKind::Full;
        brief
    }

    /// What the planner is asked, with what holds.
    pub(crate) fn wanted(&self) -> Vec<Wanted<'_>> {
        self.demands
            .iter()
            .map(|demand| match demand {
                Demand::Won { deployment, why } => Wanted::won(deployment, why),
                Demand::Held { deployment, why, held } => {
                    Wanted::won(deployment, why).held(Some(held))
                }
                Demand::Unknown { item, instance, deployment, why } => Wanted {
                    item: *item,
                    instance: instance.as_deref(),
                    holds: Holds::Unknown { deployment, why },
                },
            })
            .collect()
    }

    pub(crate) fn request<'a>(&'a self, wanted: &'a [Wanted<'a>]) -> Request<'a> {
        Request {
            subject: self.subject,
            tenant: self.tenant,
            architecture: self.architecture,
            catalogue: &self.catalogue,
            wanted,
            run: &self.run,
            settings: &self.settings,
        }
    }

    /// The deployment that holds for a key by itself. What is only a prerequisite has none, and so is given
    /// nobody else's parameters; a configuration has that of its software.
    #[must_use]
    pub fn deployment_of(&self, key: &Key) -> Option<&Deployment> {
        let wanted = match key.configures {
            Some(software) => Key::item(software),
            None => key.clone(),
        };
        self.demands.iter().find_map(|demand| match demand {
            Demand::Won { deployment, .. } | Demand::Held { deployment, .. }
                if deployment.item == wanted.item && deployment.instance == wanted.instance =>
            {
                Some(&**deployment)
            }
            _ => None,
        })
    }

    /// The values that are in effect. What a deployment gives to software and its configuration alike is given to
    /// each as far as it knows it.
    pub(crate) fn given(
        &self,
        key: &Key,
        defined: &[Parameter],
        shared: bool,
    ) -> Map<String, Value> {
        let deployment = self.deployment_of(key);
        let mut given = deployment.map(|one| one.parameters.clone()).unwrap_or_default();
        let knows = |name: &str| defined.iter().any(|one| one.name == name);
        if shared {
            given.retain(|name, _| knows(name));
        }
        let entered = self.entered.iter().filter(|(name, _)| deployment.is_some() && knows(name));
        for (name, value) in entered {
            given.entry(name.clone()).or_insert_with(|| value.clone());
        }
        effective_parameters(&given, &defined.iter().collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use core_model::id::{ComputerId, TaskId};
    use core_model::library::{DesiredState, ParameterKind, Target};

    use super::*;

    #[test]
    fn what_was_entered_is_given_to_whoever_takes_it_and_overrules_no_deployment() {
        let id = |task: &str| ItemId::from(TaskId::of_text(task, 0));
        let demand = |task: &str, given: Option<&str>| {
            let mut deployment =
                Deployment::new(task, id(task), DesiredState::Enforce, Target::All, 0);
            let given = given.map(|value| ("computer_name".to_owned(), value.into()));
            deployment.parameters.extend(given);
            Demand::Won { deployment: Arc::new(deployment), why: String::new() }
        };
        let entered = [("computer_name", "PC-NEW"), ("primary_person", "ana@contoso.com")];
        let brief = Brief {
            subject: ComputerId::of_text("pc", 0).into(),
            tenant: TenantId::of_text("contoso", 0),
            names: Names::default(),
            architecture: None,
            catalogue: Arc::default(),
            demands: vec![
                demand("rename", None),
                demand("named", Some("PC-1")),
                demand("greet", None),
            ],
            entered: entered
                .map(|(name, value)| (name.to_owned(), value.into()))
                .into_iter()
                .collect(),
            run: RunKind::Full,
            settings: Settings::default(),
            on_change: OnChange::default(),
            hours: None,
            changes_wait: false,
            updates: false,
        };
        for (task, takes, given) in [
            ("rename", "computer_name", r#"{"computer_name":"PC-NEW"}"#),
            ("named", "computer_name", r#"{"computer_name":"PC-1"}"#),
            ("greet", "primary_person", r#"{"primary_person":"ana@contoso.com"}"#),
            // What nothing was deployed of is given nothing that is for others.
            ("only what another one needs", "computer_name", "{}"),
        ] {
            let defined = [Parameter::new(takes, ParameterKind::Text)];
            let values = brief.given(&Key::item(id(task)), &defined, false);
            assert_eq!(serde_json::to_string(&values).unwrap(), given, "{task}");
        }
    }
}
