//! What is true when the night is over: each machine of the estate beside what the resolver says of its computer,
//! and beside what the hub says of itself.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use core_model::entity::Agent;
use core_model::id::ComputerId;
use core_model::library::{DesiredState, SubjectId};
use core_model::session::{Session, SessionState};
use core_resolve::{Resolver, Slot};
use core_store::{ActionQuery, SessionAction};
use core_sync::Hub;
use mocks::machine::catalogue;
use mocks::world::{Installed, MachineNo, MachineState, World};

use super::rules::{FILE, PRODUCTS, TEXT};

/// Which machine of the world a computer of the hub is: the one that all of its agents run on; and whether one of
/// these agents still does, so that it can be reached while it is on.
pub(super) async fn machines(
    hub: &Hub,
    world: &World,
) -> Result<BTreeMap<ComputerId, (MachineNo, bool)>> {
    let agents: Vec<Agent> = hub.all().await?;
    let automate: BTreeMap<String, (MachineNo, bool)> = (world.automate.computers.iter())
        .map(|row| (row.id.to_string(), (row.machine, row.current)))
        .collect();
    let control: BTreeMap<String, (MachineNo, bool)> = (world.control.sessions.iter())
        .filter_map(|row| Some((row.id.to_string(), (row.machine?, row.current))))
        .collect();
    let mut found: BTreeMap<ComputerId, BTreeMap<MachineNo, bool>> = BTreeMap::new();
    for agent in agents.iter().filter(|one| !one.gone) {
        let Some(computer) = agent.computer else { continue };
        let machine = match agent.connection.as_str() {
            "cw-automate" => automate.get(&agent.key),
            "cw-control" => control.get(&agent.key),
            _ => continue,
        };
        if let Some((no, current)) = machine {
            *found.entry(computer).or_default().entry(*no).or_default() |= *current;
        }
    }
    // What the hub joined wrongly, or took for two, is another test's matter: no machine can be said of it.
    let mut computers: BTreeMap<MachineNo, usize> = BTreeMap::new();
    found.values().flat_map(BTreeMap::keys).for_each(|no| *computers.entry(*no).or_default() += 1);
    let one = |(computer, machines): (ComputerId, BTreeMap<MachineNo, bool>)| {
        let (no, current) = machines.first_key_value().map(|(no, current)| (*no, *current))?;
        (machines.len() == 1 && computers[&no] == 1).then_some((computer, (no, current)))
    };
    Ok(found.into_iter().filter_map(one).collect())
}

/// The rows of a product on a machine, by version.
pub(super) fn versions(state: &MachineState, looked_for: &str) -> Vec<String> {
    let is = |row: &&Installed| row.name.contains(looked_for);
    state.software.iter().filter(is).map(|row| row.version.to_string()).collect()
}

/// Whether a machine holds what a state of an item wants, as it was before.
fn holds(name: &str, state: &DesiredState, before: &MachineState, now: &MachineState) -> bool {
    let Some((_, packages, looked_for)) = PRODUCTS.iter().find(|one| one.0 == name) else {
        let file = now.files.get(&FILE.to_lowercase());
        return file.is_some_and(|file| format!("{:?}", file.content).contains(TEXT));
    };
    let (was, is) = (versions(before, looked_for), versions(now, looked_for));
    let newest = packages.last().and_then(|id| catalogue::by_id(id)).map(|one| one.version);
    let has_newest = is.iter().any(|one| Some(one.as_str()) == newest);
    match state {
        DesiredState::Latest => has_newest,
        DesiredState::ThisVersion(version) => is == [version.clone()],
        DesiredState::Absent => is.is_empty(),
        DesiredState::UpdateIfFound => (was.is_empty() && is.is_empty()) || has_newest,
        DesiredState::Ignored => was == is,
        _ => false,
    }
}

/// What is wrong with a night, by number and with an example; and what came of it.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    pub(super) computers: usize,
    /// Items that are as the resolver says.
    pub(super) right: usize,
    /// Items that are not, each with the reason that the hub names.
    pub(super) reasons: BTreeMap<String, usize>,
    /// Sessions that wait, with their word.
    pub(super) waits: usize,
    pub(super) wrong: Vec<String>,
    pub(super) installs: usize,
}

/// One computer as the night found and left it.
pub(super) struct Case<'a> {
    pub(super) session: &'a Session,
    pub(super) before: &'a MachineState,
    pub(super) now: &'a MachineState,
    /// It is on, and an agent leads there.
    pub(super) reachable: bool,
    /// Something was planted on it that may go wrong.
    pub(super) troubled: bool,
    /// The package whose installer says 0 and does nothing.
    pub(super) lies: Option<&'a str>,
}

/// What came of the actions of each session, by session and item.
pub(super) async fn actions(hub: &Hub) -> Result<BTreeMap<(String, String), SessionAction>> {
    let all = hub.store.session_actions(ActionQuery::default()).await?;
    Ok(all.into_iter().map(|one| ((one.session.to_string(), one.item.clone()), one)).collect())
}

impl Judgement {
    /// Judges one computer.
    pub(super) fn judge(
        &mut self,
        resolver: &Resolver,
        actions: &BTreeMap<(String, String), SessionAction>,
        case: &Case<'_>,
    ) -> Result<()> {
        self.computers += 1;
        let session = case.session;
        let host = &session.subject_name;
        if !session.state.is_over() {
            self.waits += 1;
            let named = session.state == SessionState::Waiting && !session.word.is_empty();
            if !named || case.reachable {
                self.wrong
                    .push(format!("{host} is not over: {:?} {}", session.state, session.word));
            }
        }
        let SubjectId::Computer(_) = session.subject else { return Ok(()) };
        for resolved in resolver.resolve_subject(session.subject) {
            let Slot::Won(id) = resolved.slot else { continue };
            let Some(deployment) = resolver.definitions().deployment(id) else { continue };
            let name = deployment.name.split(" as it is").next().unwrap_or_default();
            let is_right = holds(name, &deployment.state, case.before, case.now);
            let key = resolved.key.item.to_string();
            let action = actions.get(&(session.id.to_string(), key));
            let says_well = action.is_some_and(|one| one.result == "compliant");
            if is_right {
                self.right += 1;
                continue;
            }
            let what = || format!("{host}: {name} is not {:?}", deployment.state);
            match action {
                // The hub may not say so of what is not so.
                Some(_) if says_well => self.wrong.push(format!("{}, and is said to be", what())),
                Some(action) => {
                    let why = action.class.clone().unwrap_or_else(|| action.result.clone());
                    if action.message.is_empty() {
                        self.wrong.push(format!("{}, without a word", what()));
                    }
                    if !case.troubled {
                        self.wrong.push(format!(
                            "{}, and nothing was wrong with it: {}",
                            what(),
                            action.message
                        ));
                    }
                    *self.reasons.entry(why).or_default() += 1;
                }
                None if !session.state.is_over() => {
                    *self.reasons.entry("waits for the computer".to_owned()).or_default() += 1;
                }
                None => {
                    self.wrong.push(format!("{}, and nobody says why: {}", what(), session.word))
                }
            }
        }
        self.once(case);
        Ok(())
    }

    /// Nothing ran twice that a look would have seen: of each package and verb one run at most came to a good end,
    /// and none began while another was under way.
    fn once(&mut self, case: &Case<'_>) {
        let mut runs: BTreeMap<String, Vec<Option<i64>>> = BTreeMap::new();
        let old = case.before.installers.len();
        for run in case.now.installers.iter().skip(old) {
            self.installs += 1;
            if Some(run.package.as_str()) != case.lies {
                runs.entry(format!("{:?} {}", run.verb, run.package)).or_default().push(run.exit);
            }
        }
        let good = |exit: &Option<i64>| matches!(exit, Some(0 | 3010 | 1641));
        for (what, exits) in runs {
            let first = exits.iter().position(good);
            if first.is_some_and(|first| first + 1 < exits.len()) || exits.len() > 3 {
                let host = &case.session.subject_name;
                self.wrong.push(format!("{host}: {what} ran {exits:?}"));
            }
        }
    }

    pub(super) fn ensure_right(&self, seed: u64) -> Result<()> {
        let some: Vec<&String> = self.wrong.iter().take(12).collect();
        ensure!(self.wrong.is_empty(), "seed {seed}: {} wrong, as {some:#?}", self.wrong.len());
        ensure!(self.right > 0 && self.computers > 0, "seed {seed}: nothing was judged");
        Ok(())
    }
}
