//! A subject that is simulated: what is installed on it, what works, how its scripts fail.

use std::collections::{BTreeMap, BTreeSet};

use core_model::id::{ComputerId, SoftwareId, TaskId, TenantId, VersionId};
use core_model::library::{
    Deployment, DesiredState, Detection, ItemId, Prerequisite, PrerequisiteAction, Presence,
    Quantifier, Script, Software, SoftwareVersion, SubjectId, Target, Task, UpgradeStrategy,
};
use core_plan::{
    Action, ActionResult, Answer, Catalogue, Detections, Entry, Found, Holds, Key, Next, Outcome,
    Outline, Plan, Report, Request, RunKind, Session, Settings, Step, Tested, Version, Wanted,
    Work,
};

pub(crate) fn software_id(name: &str) -> SoftwareId {
    SoftwareId::of_text(name, 0)
}

pub(crate) fn task_id(name: &str) -> TaskId {
    TaskId::of_text(name, 0)
}

pub(crate) fn version_id(version: &str) -> VersionId {
    VersionId::of_text(version, 0)
}

/// Software that is found by a script, in versions 1 and 2, installed over itself.
pub(crate) fn software(name: &str) -> Software {
    let mut software = Software::new(software_id(name), name);
    software.detection = Some(Detection::Script(Script::new("detect")));
    software.scripts.install = Some(Script::new("install"));
    software.scripts.uninstall = Some(Script::new("uninstall"));
    software.upgrade = UpgradeStrategy::InstallOver;
    software.versions = versions(&["1", "2"]);
    software
}

pub(crate) fn versions(list: &[&str]) -> Vec<SoftwareVersion> {
    list.iter().map(|text| SoftwareVersion::new(version_id(text), text)).collect()
}

/// A task with one script for all.
pub(crate) fn task(name: &str) -> Task {
    let mut task = Task::new(task_id(name), name);
    task.scripts.combined = Some(Script::new("all"));
    task
}

pub(crate) fn deployment(item: impl Into<ItemId>, state: DesiredState) -> Deployment {
    let item = item.into();
    Deployment::new(&format!("deploy-{item}"), item, state, Target::All, 0)
}

/// *If this is installed, then uninstall it.*
pub(crate) fn uninstalls(id: SoftwareId) -> Prerequisite {
    Prerequisite {
        quantifier: Quantifier::Any,
        of: [id].into(),
        presence: Presence::Installed,
        action: PrerequisiteAction::Uninstall,
        software: [id].into(),
    }
}

/// The library, what is deployed, and the machine.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) software: Vec<Software>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) deployments: Vec<Deployment>,
    /// What is not known for certain: the item, the deployment, why.
    pub(crate) unknown: Vec<(ItemId, String, String)>,
    /// For whose sake nothing is changed, and why.
    pub(crate) holds: BTreeMap<ItemId, String>,
    pub(crate) run: RunKind,
    pub(crate) settings: Settings,
    /// What is there, by software.
    pub(crate) installed: BTreeMap<SoftwareId, String>,
    /// Software that does not work, and tasks that are not as they should be.
    pub(crate) broken: BTreeSet<ItemId>,
    /// Where installing and setting does nothing, whatever the exit code.
    pub(crate) inert: BTreeSet<ItemId>,
    /// What asks for a reboot when it is changed.
    pub(crate) asks_reboot: BTreeSet<ItemId>,
    /// What is there only after the next reboot.
    pub(crate) late: BTreeSet<SoftwareId>,
    /// What will be there after the next reboot.
    pub(crate) coming: BTreeMap<SoftwareId, String>,
    pub(crate) pending_reboot: bool,
    /// It never clears.
    pub(crate) pending_forever: bool,
    pub(crate) held: Option<String>,
    pub(crate) answer: Option<Answer>,
    /// What steps come to, whatever the machine does.
    pub(crate) outcomes: BTreeMap<String, Vec<Outcome>>,
    /// All steps that were taken.
    pub(crate) log: Vec<Step>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Software of this name that is deployed in this state.
    pub(crate) fn deploys(mut self, name: &str, state: DesiredState) -> Self {
        self.software.push(software(name));
        self.deployments.push(deployment(software_id(name), state));
        self
    }

    /// Software of this name that is not deployed.
    pub(crate) fn knows(mut self, name: &str) -> Self {
        self.software.push(software(name));
        self
    }

    /// A task of this name that is deployed in this state, and is not as it should be.
    pub(crate) fn runs(mut self, name: &str, state: DesiredState) -> Self {
        self.tasks.push(task(name));
        self.deployments.push(deployment(task_id(name), state));
        self.broken.insert(task_id(name).into());
        self
    }

    pub(crate) fn has(mut self, name: &str, version: &str) -> Self {
        self.installed.insert(software_id(name), version.to_owned());
        self
    }

    pub(crate) fn requires(mut self, name: &str, one: Prerequisite) -> Self {
        self.edit(name).prerequisites.push(one);
        self
    }

    pub(crate) fn edit(&mut self, name: &str) -> &mut Software {
        let id = software_id(name);
        self.software.iter_mut().find(|one| one.id == id).unwrap()
    }

    pub(crate) fn edit_task(&mut self, name: &str) -> &mut Task {
        let id = task_id(name);
        self.tasks.iter_mut().find(|one| one.id == id).unwrap()
    }

    pub(crate) fn with<T>(&self, then: impl FnOnce(Request<'_>) -> T) -> T {
        let catalogue = Catalogue::new(self.software.clone(), self.tasks.clone());
        let mut wanted: Vec<Wanted<'_>> = self
            .deployments
            .iter()
            .map(|one| {
                let held = self.holds.get(&one.item).map(String::as_str);
                Wanted::won(one, "it is for all").held(held)
            })
            .collect();
        wanted.extend(self.unknown.iter().map(|(item, deployment, why)| Wanted {
            item: *item,
            instance: None,
            holds: Holds::Unknown { deployment, why },
        }));
        then(Request {
            subject: SubjectId::Computer(ComputerId::of_text("pc", 0)),
            tenant: TenantId::of_text("contoso", 0),
            architecture: None,
            catalogue: &catalogue,
            wanted: &wanted,
            run: &self.run,
            settings: &self.settings,
        })
    }

    /// Looks at everything that is asked for, beyond what is known already.
    pub(crate) fn detect_more(&mut self, known: &mut Detections) {
        let mut machine = self.clone();
        machine.log.clear();
        self.with(|request| {
            let outline = Outline::of(request);
            while let Some(step) = outline.next(known) {
                let outcome = machine.take(&step);
                known.record(&step, &outcome);
                machine.log.push(step);
                assert!(machine.log.len() < 10_000, "a detection without end");
            }
        });
        self.log.append(&mut machine.log);
    }

    pub(crate) fn detect(&mut self) -> Detections {
        let mut known = Detections::default();
        self.detect_more(&mut known);
        known
    }

    pub(crate) fn plan_of(&self, known: &Detections) -> Plan {
        self.with(|request| Outline::of(request).plan(known))
    }

    /// Detection and plan.
    pub(crate) fn plan(&mut self) -> Plan {
        let known = self.detect();
        self.plan_of(&known)
    }

    /// Carries a plan out.
    pub(crate) fn carry_out(&mut self, plan: &Plan) -> Report {
        let mut session = Session::of(plan);
        let mut entries = Vec::new();
        loop {
            match session.next() {
                Next::Over(report) => {
                    assert_eq!(core_plan::next(plan, &entries), Next::Over(report.clone()));
                    return report;
                }
                Next::Do(step) => {
                    let outcome = self.take(&step);
                    self.log.push(step.clone());
                    assert!(session.record(&step, &outcome));
                    entries.push(Entry { step, outcome });
                    assert!(entries.len() < 10_000, "a session without end");
                }
            }
        }
    }

    /// Detection, plan, execution; the log is of the execution.
    pub(crate) fn run(&mut self) -> (Plan, Report) {
        let plan = self.plan();
        self.log.clear();
        let report = self.carry_out(&plan);
        (plan, report)
    }

    /// What the machine does at a step.
    pub(crate) fn take(&mut self, step: &Step) -> Outcome {
        let told = self.tell(step);
        if let Some(outcomes) = self.outcomes.get_mut(&told)
            && !outcomes.is_empty()
        {
            return outcomes.remove(0);
        }
        let done = Outcome::Done { reboot: false };
        match step {
            Step::Item { key, work } => self.work(key, work),
            Step::Versions(_) | Step::AwaitConnection | Step::Beside(_) => done,
            Step::CheckReboot => Outcome::Reboot {
                pending: self.pending_reboot || self.pending_forever,
                held: self.held.clone(),
            },
            Step::AskReboot => Outcome::Answer(self.answer.unwrap_or(Answer::Nothing)),
            Step::Reboot => {
                self.pending_reboot = false;
                let coming = std::mem::take(&mut self.coming);
                self.installed.extend(coming);
                done
            }
        }
    }

    fn work(&mut self, key: &Key, work: &Work) -> Outcome {
        let item = key.item;
        let reboot = self.asks_reboot.contains(&item) && work.changes();
        let inert = self.inert.contains(&item);
        self.pending_reboot |= reboot;
        match (work, key.software()) {
            (Work::Detect, Some(id)) => {
                return Outcome::Found(match self.installed.get(&id) {
                    None => Found::Missing,
                    Some(version) => Found::Version(Version::parse(version).unwrap()),
                });
            }
            (Work::Test(_), _) => {
                let broken = self.broken.contains(&item);
                return Outcome::Tested(if broken { Tested::False } else { Tested::True });
            }
            (Work::Install(version) | Work::Upgrade(version), Some(id)) if !inert => {
                let software = self.software.iter().find(|one| one.id == id).unwrap();
                let of = software.versions.iter().find(|one| one.id == *version).unwrap();
                let text = of.version.clone();
                let late = self.late.contains(&id);
                let place = if late { &mut self.coming } else { &mut self.installed };
                place.insert(id, text);
                self.broken.remove(&item);
            }
            (Work::Uninstall(_), Some(id)) if !inert => {
                self.installed.remove(&id);
            }
            (Work::Repair(_) | Work::Set, _) if !inert => {
                self.broken.remove(&item);
            }
            _ => {}
        }
        Outcome::Done { reboot }
    }

    /// The steps that were taken, each as `Reader: install 2`.
    pub(crate) fn told(&self) -> Vec<String> {
        self.log.iter().map(|step| self.tell(step)).collect()
    }

    pub(crate) fn tell(&self, step: &Step) -> String {
        let (key, work) = match step {
            Step::Item { key, work } => (key, work),
            Step::Versions(_) => return "versions".to_owned(),
            Step::CheckReboot => return "reboot?".to_owned(),
            Step::AskReboot => return "ask".to_owned(),
            Step::Reboot => return "reboot!".to_owned(),
            Step::AwaitConnection => return "wait".to_owned(),
            Step::Beside(_) => return "beside".to_owned(),
        };
        let name = self.name_of(key);
        let version = |id: &VersionId| {
            let mut all = self.software.iter().flat_map(|one| &one.versions);
            all.find(|one| one.id == *id).map_or("?", |one| one.version.as_str())
        };
        let work = match work {
            Work::Detect => "detect".to_owned(),
            Work::Test(_) => "test".to_owned(),
            Work::Get => "get".to_owned(),
            Work::Set => "set".to_owned(),
            Work::Download(id) => format!("download {}", version(id)),
            Work::Install(id) => format!("install {}", version(id)),
            Work::Upgrade(id) => format!("upgrade {}", version(id)),
            Work::PostInstall(id) => format!("post-install {}", version(id)),
            Work::Uninstall(_) => "uninstall".to_owned(),
            Work::PostUninstall(_) => "post-uninstall".to_owned(),
            Work::Repair(_) => "repair".to_owned(),
        };
        format!("{name}: {work}")
    }

    pub(crate) fn name_of(&self, key: &Key) -> String {
        let software = self.software.iter().map(|one| (Key::item(one.id).item, &one.name));
        let tasks = self.tasks.iter().map(|one| (Key::item(one.id).item, &one.name));
        let mut all = software.chain(tasks);
        all.find(|(item, _)| *item == key.item).unwrap().1.clone()
    }

    /// The actions of a plan by name, in order.
    pub(crate) fn names(&self, plan: &Plan) -> Vec<String> {
        plan.actions.iter().map(|action| self.name_of(&action.key)).collect()
    }
}

/// The action about an item.
pub(crate) fn action(plan: &Plan, item: impl Into<ItemId>) -> &Action {
    plan.action(&Key::item(item)).unwrap()
}

/// What came of the action about an item.
pub(crate) fn result(report: &Report, item: impl Into<ItemId>) -> &ActionResult {
    let key = Key::item(item);
    &report.results.iter().find(|(one, _)| *one == key).unwrap().1
}

/// The words of what blocks the action about an item.
pub(crate) fn block(plan: &Plan, item: impl Into<ItemId>) -> String {
    action(plan, item).block.as_ref().map(core_plan::Block::words).unwrap_or_default()
}
