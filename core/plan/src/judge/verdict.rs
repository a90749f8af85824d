//! What is done about one thing by itself, whatever comes before it.

use core_model::id::SoftwareId;
use core_model::library::{
    BadParameter, DesiredState, Software, SoftwareVersion, check_parameters,
};

use super::{Judge, Judgement};
use crate::catalogue::Item;
use crate::desired::{Deed, Reason, Verdict, decide, mended};
use crate::found::{Detected, Detections, Failure, FailureClass, Tested};
use crate::route::{Routes, of_task};

impl Judge<'_> {
    pub(super) fn judge_one(&self, at: usize, state: DesiredState) -> Result<Judgement, Failure> {
        let node = &self.scope.nodes[at];
        match node.item {
            Item::Software(software) => self.judge_software(at, software, state),
            Item::Task(task) => {
                let detected = self.detections.items.get(&node.key);
                let (deed, reason) = task_deed(&state, detected)?;
                let route = of_task(task, &deed)?;
                Ok(Judgement { state, deed, reason, route })
            }
        }
    }

    fn judge_software(
        &self,
        at: usize,
        software: &Software,
        state: DesiredState,
    ) -> Result<Judgement, Failure> {
        let node = &self.scope.nodes[at];
        if software.detection.is_none() {
            let message = "there is no detection: nobody knows whether it is there";
            return Err(Failure::new(FailureClass::Definition, message));
        }
        let not_yet = Failure::new(FailureClass::Read, "it was not looked whether it is there");
        let found = self.found(at).ok_or(not_yet)?;
        let offer = self.offers.get(&at).ok_or_else(|| self.no_offer())?;
        let named = named(self.detections, software.id);
        let read = self.scope.request.catalogue.versions(software.id);
        let routes = Routes { software, read, named, offer, tenant: self.scope.request.tenant };
        let mut verdict = self.with_named(software.id, decide(&state, found, offer))?;
        let tested = self.detections.tested(&node.key);
        if self.scope.request.run.repairs(&node.key) {
            verdict = mended(verdict, Reason::RepairAsked);
        } else if tested == Some(&Tested::False) {
            verdict = mended(verdict, Reason::TestFailed);
        }
        let stays = verdict.0 == Deed::Nothing && found.is_there() == Some(true);
        if stays && state != DesiredState::Absent && state != DesiredState::Ignored {
            match tested {
                Some(Tested::Failed(failure)) => return Err(failure.clone()),
                Some(Tested::Invalid(word)) => return Err(invalid(word)),
                None if routes.has_test(found) => {
                    let (deed, reason) = (Deed::Nothing, Reason::PendingOnPrerequisite);
                    return Ok(Judgement {
                        state,
                        deed,
                        reason,
                        route: routes.of_pending_test(found),
                    });
                }
                _ => {}
            }
        }
        let (deed, reason) = verdict;
        let route = routes.of(&deed, found)?;
        if !matches!(deed, Deed::Nothing | Deed::Uninstall) {
            self.parameters(at, software)?;
        }
        Ok(Judgement { state, deed, reason, route })
    }

    /// Where no version is known because the script that names them failed, that is the reason.
    fn with_named(&self, software: SoftwareId, verdict: Verdict) -> Verdict {
        match (verdict, self.detections.versions.get(&software)) {
            (Err(failure), Some(Err(of_script))) if failure.class == FailureClass::Definition => {
                Err(of_script.clone())
            }
            (verdict, _) => verdict,
        }
    }

    fn no_offer(&self) -> Failure {
        Failure::new(FailureClass::Definition, "its versions were not looked at")
    }

    /// A parameter that must be given and is not.
    fn parameters(&self, at: usize, software: &Software) -> Result<(), Failure> {
        let Some((deployment, _)) = self.scope.nodes[at].deployment else { return Ok(()) };
        let task = software.configuration.and_then(|id| self.scope.request.catalogue.task(id));
        let of_task = task.iter().flat_map(|task| &task.parameters);
        let defined: Vec<_> = software.parameters.iter().chain(of_task).collect();
        let wrong = check_parameters(&deployment.parameters, &defined);
        let missing = wrong.iter().find_map(|one| match one {
            BadParameter::Missing(name) => Some(name),
            _ => None,
        });
        match missing {
            None => Ok(()),
            Some(name) => {
                let of = &deployment.name;
                let message = format!("the deployment `{of}` gives no value for `{name}`");
                Err(Failure::new(FailureClass::Definition, message))
            }
        }
    }

    /// The configuration is set after every change of its software, and else where its test says so.
    pub(super) fn judge_configuration(&self, at: usize, host: usize) -> Result<Judgement, Failure> {
        let Item::Task(task) = self.scope.nodes[at].item else {
            return Err(Failure::new(FailureClass::Definition, "it is configured by no task"));
        };
        let state = DesiredState::Enforce;
        let changes = match self.judged.get(&host) {
            Some(Ok(judgement)) => !judgement.route.is_empty(),
            _ => true,
        };
        let detected = self.detections.items.get(&self.scope.nodes[at].key).filter(|_| !changes);
        let (deed, mut reason) = task_deed(&state, detected)?;
        if changes {
            reason = Reason::SoftwareChanges;
        }
        let route = of_task(task, &deed)?;
        Ok(Judgement { state, deed, reason, route })
    }
}

pub(crate) fn named(detections: &Detections, software: SoftwareId) -> &[SoftwareVersion] {
    match detections.versions.get(&software) {
        Some(Ok(versions)) => versions,
        _ => &[],
    }
}

fn invalid(word: &str) -> Failure {
    let message = format!("the last word of its test is `{word}`, neither true nor false");
    Failure::new(FailureClass::TestInvalid, message)
}

/// What is done about a task, by what its test or reading said in the detection.
fn task_deed(state: &DesiredState, detected: Option<&Detected>) -> Result<(Deed, Reason), Failure> {
    let tested = detected.and_then(|detected| detected.tested.as_ref());
    let deed = match state {
        DesiredState::Enforce => Deed::Enforce,
        DesiredState::Audit => Deed::Audit,
        DesiredState::Monitor => Deed::Monitor,
        _ => {
            let message = format!("`{}` is no state of tasks", state.words());
            return Err(Failure::new(FailureClass::Definition, message));
        }
    };
    match (&deed, tested, detected.and_then(|detected| detected.read.as_ref())) {
        (Deed::Monitor, _, Some(Ok(()))) => Ok((Deed::Nothing, Reason::Recorded)),
        (Deed::Monitor, _, Some(Err(failure))) => Err(failure.clone()),
        (Deed::Monitor, _, None) => Ok((deed, Reason::Required)),
        (_, Some(Tested::True), _) => Ok((Deed::Nothing, Reason::TaskCompliant)),
        (Deed::Audit, Some(Tested::False), _) => Ok((Deed::Nothing, Reason::TaskNotCompliant)),
        (_, Some(Tested::False), _) => Ok((deed, Reason::TaskNotCompliant)),
        (_, Some(Tested::Invalid(word)), _) => Err(invalid(word)),
        (_, Some(Tested::Failed(failure)), _) => Err(failure.clone()),
        (_, None, _) => Ok((deed, Reason::PendingOnPrerequisite)),
    }
}
