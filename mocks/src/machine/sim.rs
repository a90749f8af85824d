//! One run of a script on one machine, worked out ahead: a copy of the state, a clock, and the list
//! of what will have happened when.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

use super::facts::Facts;
use super::process::{Account, Processes};
use super::registry::{self, View};
use crate::world::{
    Content, DownloadTrouble, Due, Effect, InstallFault, InstallTrouble, MachineState, World,
};

/// Milliseconds that nothing goes on for.
const FOR_EVER: u64 = 400 * 86_400_000;

/// Steps of one script, in all its shells.
pub(super) const STEPS: u64 = 600_000;
/// Shells within each other.
const NESTED: u8 = 6;

/// Why a run ends before its script does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over;

/// Something that will be done, or was.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(super) at: DateTime<Utc>,
    pub(crate) effect: Effect,
    /// The process that does it; 0 is none of this run.
    pub(super) pid: u32,
}

/// A run in the making.
#[derive(Clone)]
pub(crate) struct Sim {
    pub(crate) state: MachineState,
    pub(crate) facts: Arc<Facts>,
    /// In whose name what runs now runs.
    pub(crate) account: Account,
    /// What was set in its environment, by names in lower case.
    pub(crate) env: BTreeMap<String, String>,
    /// When it began.
    pub(crate) began: DateTime<Utc>,
    /// Its number.
    pub(crate) run: u64,
    /// Milliseconds since then.
    pub(super) clock: u64,
    /// Milliseconds after which it is killed.
    limit: Option<u64>,
    /// What others will do, and what this run's own processes will, by time.
    pub(super) coming: Vec<Deed>,
    /// What this run does.
    pub(crate) effects: Vec<Deed>,
    /// The last run of scheduled tasks, by name in lower case.
    pub(super) task_runs: BTreeMap<String, u32>,
    /// Its processes, and which of them is at work.
    pub(super) processes: Processes,
    pub(crate) web: Option<crate::world::Web>,
    pub(crate) install_faults: Vec<InstallFault>,
    pub(crate) download_faults: Vec<(String, DownloadTrouble)>,
    pub(super) view: Option<View>,
    pub(super) steps: u64,
    nested: u8,
}

impl Sim {
    /// A run that begins at this instant; nothing of the world is changed by it.
    pub(crate) fn new(
        world: &World,
        facts: Facts,
        began: DateTime<Utc>,
        limit: Option<u64>,
    ) -> Self {
        let state = super::state(world, facts.no).into_owned();
        let others = world.states.agenda.iter().filter(|due| due.machine == facts.no);
        let mut sim = Self {
            state,
            began,
            run: world.states.last_run + 1,
            clock: 0,
            limit,
            coming: others
                .map(|due| Deed { at: due.at, effect: due.effect.clone(), pid: 0 })
                .collect(),
            effects: Vec::new(),
            task_runs: BTreeMap::new(),
            processes: Processes::new(world.states.last_run + 1),
            web: world.states.web.clone(),
            install_faults: world.states.install_faults.clone(),
            download_faults: (world.states.download_faults.iter())
                .map(|(file, trouble)| (file.clone(), *trouble))
                .collect(),
            facts: Arc::new(facts),
            account: Account::System,
            env: BTreeMap::new(),
            view: None,
            steps: 0,
            nested: 0,
        };
        sim.catch_up();
        sim
    }

    /// What the run's clock shows.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.began + milliseconds(self.clock)
    }

    /// Milliseconds that it has run.
    pub(crate) fn elapsed(&self) -> u64 {
        self.clock
    }

    /// Whether it goes on for ever.
    pub(crate) fn endless(&self) -> bool {
        self.clock >= FOR_EVER
    }

    /// Lets time pass; the run is over where its limit is reached.
    pub(crate) fn pass(&mut self, milliseconds: u64) -> Result<(), Over> {
        self.clock = self.clock.saturating_add(milliseconds).min(FOR_EVER);
        if let Some(limit) = self.limit.filter(|limit| self.clock > *limit) {
            self.clock = limit;
            self.catch_up();
            return Err(Over);
        }
        self.catch_up();
        if self.endless() { Err(Over) } else { Ok(()) }
    }

    /// It hangs: until it is killed, or for ever.
    pub(crate) fn hang(&mut self) -> Over {
        while self.pass(FOR_EVER).is_ok() {}
        Over
    }

    /// One more step; a script that takes too many of them is taken for one that never ends.
    pub(crate) fn step(&mut self) -> Result<(), Over> {
        self.steps += 1;
        if self.steps > STEPS { Err(self.hang()) } else { Ok(()) }
    }

    /// A shell within a shell; at some depth the machine has no room for another.
    pub(crate) fn nest(&mut self) -> Result<(), Over> {
        self.nested += 1;
        if self.nested > NESTED { Err(self.hang()) } else { Ok(()) }
    }

    pub(crate) fn unnest(&mut self) {
        self.nested = self.nested.saturating_sub(1);
    }

    /// Does something now.
    pub(crate) fn act(&mut self, effect: Effect) {
        let at = self.now();
        self.apply(&effect, at);
        self.effects.push(Deed { at, effect, pid: self.processes.at_work });
    }

    /// Something that a process of the run does later, whether the run waits for it or not.
    pub(crate) fn later(&mut self, after: u64, effect: Effect) {
        let at = self.now() + milliseconds(after);
        let deed = Deed { at, effect, pid: self.processes.at_work };
        self.coming.push(deed.clone());
        self.effects.push(deed);
    }

    /// Applies what has come meanwhile.
    fn catch_up(&mut self) {
        let now = self.now();
        if !self.coming.iter().any(|deed| deed.at <= now) {
            return;
        }
        let (mut due, coming): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.coming).into_iter().partition(|deed| deed.at <= now);
        self.coming = coming;
        due.sort_by_key(|deed| deed.at);
        for deed in due {
            self.apply(&deed.effect, deed.at);
        }
    }

    pub(super) fn apply(&mut self, effect: &Effect, at: DateTime<Utc>) {
        self.state.apply(effect, at);
        let of_files = matches!(
            effect,
            Effect::File(_) | Effect::NoFile(_) | Effect::Append(..) | Effect::Access(..)
        );
        if !of_files {
            self.view = None;
        }
    }

    /// The registry as it is now.
    pub(crate) fn registry(&mut self) -> &View {
        let (state, facts) = (&self.state, &self.facts);
        self.view.get_or_insert_with(|| registry::view(state, facts))
    }

    /// The content of a file.
    pub(crate) fn file(&self, path: &str) -> Option<Content> {
        self.state.file(path)
    }

    /// The trouble that an installer has here, which is one less to come.
    pub(crate) fn trouble(&mut self, package: &str) -> Option<InstallTrouble> {
        let no = self.facts.no;
        let fault = self.install_faults.iter_mut().find(|fault| {
            fault.package.eq_ignore_ascii_case(package)
                && fault.machine.is_none_or(|machine| machine == no)
                && fault.times != Some(0)
        })?;
        if let Some(times) = &mut fault.times {
            *times -= 1;
        }
        Some(fault.trouble)
    }

    /// What is due of this run, in order, as far as it is not killed before.
    pub(crate) fn dues(&self) -> Vec<Due> {
        let mut dues: Vec<Due> = (self.effects.iter())
            .map(|deed| Due {
                at: deed.at,
                machine: self.facts.no,
                run: Some(self.run),
                effect: deed.effect.clone(),
            })
            .collect();
        dues.sort_by_key(|due| due.at);
        dues
    }
}

/// So many milliseconds; no more than what has a date.
pub(crate) fn milliseconds(count: u64) -> Duration {
    Duration::milliseconds(i64::try_from(count.min(FOR_EVER)).unwrap_or(0))
}
