//! A small language in which tests say what is known about agents, and ask what came out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Duration, TimeZone, Utc};
use core_model::decision::{Decision, Settled};
use core_model::entity::{Agent, AgentState, Choice, Computer, Question, Rule, Subject};
use core_model::facts::{AgentFacts, HardwareFacts};
use core_model::hardware::SmbiosUuid;
use core_model::id::TenantId;
use core_model::observation::Reading;
use core_model::record::Presence;
use core_model::{RecordKind, RecordRef};

use super::derive::identify::{Foreign, Identified, IdentifyInput, identify};
use super::derive::{
    AgentInput, AssetInput, Earlier, IdentificationMode, IdentificationPolicy, ReadingInput,
};

/// The day on which every test plays.
pub(crate) const TODAY: i64 = 200;
/// The day on which the hub was installed and saw everything for the first time.
pub(crate) const FIRST_SYNC: i64 = 190;

/// Midnight of a day, counted from the first of January 2026.
pub(crate) fn day(number: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap() + Duration::days(number)
}

/// A good UUID for each number.
pub(crate) fn uuid(number: usize) -> String {
    format!("{:08X}-51C7-4E2D-9A3B-{:012X}", 0x7C1E_0000_usize + number, 0xB4F2_9D00 + number * 31)
}

/// The same UUID as a reader with the other byte order prints it.
pub(crate) fn swapped(text: &str) -> String {
    SmbiosUuid::parse(text).unwrap().swapped().to_string()
}

/// A real serial for each number.
pub(crate) fn serial(number: usize) -> String {
    format!("5CG{number:05}QX")
}

/// An agent under construction.
#[derive(Clone, Debug)]
pub(crate) struct AgentBuilder(AgentInput);

/// An agent of which nothing but its name is known.
pub(crate) fn agent(connection: &str, connector: &str, key: &str) -> AgentBuilder {
    AgentBuilder(AgentInput {
        record: RecordRef::new(connection, RecordKind::Agent, "", key),
        connector: connector.to_owned(),
        client: None,
        facts: AgentFacts {
            host: format!("HOST-{}", key.to_uppercase()),
            runs_scripts: connector != "azure-ad",
            ..AgentFacts::default()
        },
        history: Vec::new(),
        hardware: None,
        hardware_history: Vec::new(),
        readings: Vec::new(),
        logons: Vec::new(),
        presence: Presence::default(),
        first_seen_us: day(FIRST_SYNC).timestamp_micros(),
        baseline: false,
        gone: false,
    })
}

/// An agent of ConnectWise Automate.
pub(crate) fn automate(key: &str) -> AgentBuilder {
    agent("automate", "cw-automate", key)
}

/// An agent of ConnectWise Control, whose source knows nothing of the hardware.
pub(crate) fn control(key: &str) -> AgentBuilder {
    agent("control", "cw-control", key)
}

/// A runner of the hub's own, on a machine whose hardware only it was not allowed to read.
pub(crate) fn runner(key: &str, installation: &str) -> AgentBuilder {
    let mut runner = agent("runner", "runner", key);
    runner.0.facts.installation = Some(installation.to_owned());
    runner.online()
}

/// A device of Intune.
pub(crate) fn intune(key: &str) -> AgentBuilder {
    agent("intune", "azure-ad", key)
}

impl AgentBuilder {
    pub(crate) fn uuid(mut self, text: impl Into<String>) -> Self {
        self.0.facts.uuid = Some(text.into());
        self
    }

    pub(crate) fn serial(mut self, text: impl Into<String>) -> Self {
        self.0.facts.serial = Some(text.into());
        self
    }

    pub(crate) fn maker(mut self, text: &str) -> Self {
        self.0.facts.manufacturer = Some(text.to_owned());
        self
    }

    pub(crate) fn host(mut self, text: &str) -> Self {
        text.clone_into(&mut self.0.facts.host);
        self
    }

    pub(crate) fn directory_device(mut self, id: &str) -> Self {
        self.0.facts.directory_device = Some(id.to_owned());
        self
    }

    /// The source itself names the machine's agent in another system.
    pub(crate) fn names(mut self, connector: &str, id: &str) -> Self {
        self.0.facts.elsewhere.push((connector.to_owned(), id.to_owned()));
        self
    }

    /// Hardware inventory that is kept apart from the agent.
    pub(crate) fn chassis(mut self, uuid: &str, serial: &str, maker: &str) -> Self {
        self.0.hardware = Some(HardwareFacts {
            uuid: Some(uuid.to_owned()),
            serial: Some(serial.to_owned()),
            manufacturer: Some(maker.to_owned()),
            ..HardwareFacts::default()
        });
        self
    }

    /// Until that day the source gave another UUID and serial.
    pub(crate) fn earlier(mut self, uuid: &str, serial: &str, until: i64) -> Self {
        let value = format!("{uuid}|{serial}");
        self.0.history.push(Earlier { value, until_us: day(until).timestamp_micros() });
        self
    }

    /// Reachable now.
    pub(crate) fn online(mut self) -> Self {
        self.0.presence = Presence { online: Some(true), last_seen: Some(day(TODAY)) };
        self
    }

    /// Not reachable, last heard of on that day.
    pub(crate) fn last_seen(mut self, on: i64) -> Self {
        self.0.presence = Presence { online: Some(false), last_seen: Some(day(on)) };
        self
    }

    pub(crate) fn added(mut self, on: i64) -> Self {
        self.0.facts.added = Some(day(on));
        self
    }

    pub(crate) fn first_seen(mut self, at: DateTime<Utc>) -> Self {
        self.0.first_seen_us = at.timestamp_micros();
        self
    }

    pub(crate) fn baseline(mut self) -> Self {
        self.0.baseline = true;
        self
    }

    pub(crate) fn gone(mut self) -> Self {
        self.0.gone = true;
        self
    }

    /// The machine answered; each further reading is a day younger.
    pub(crate) fn reading(self, fill: impl FnOnce(ReadingBuilder) -> ReadingBuilder) -> Self {
        let on = 191 + i64::try_from(self.0.readings.len()).unwrap();
        self.reading_on(on, fill)
    }

    /// The machine answered on that day.
    pub(crate) fn reading_on(
        mut self,
        on: i64,
        fill: impl FnOnce(ReadingBuilder) -> ReadingBuilder,
    ) -> Self {
        let reading = fill(ReadingBuilder(Reading::default())).0;
        self.0.readings.push(ReadingInput { reading, at_us: day(on).timestamp_micros() });
        self
    }

    pub(crate) fn record(&self) -> RecordRef {
        self.0.record.clone()
    }

    pub(crate) fn build(self) -> AgentInput {
        self.0
    }
}

/// What a machine printed, under construction.
pub(crate) struct ReadingBuilder(Reading);

impl ReadingBuilder {
    pub(crate) fn uuid(mut self, text: impl Into<String>) -> Self {
        self.0.uuid = Some(text.into());
        self
    }

    pub(crate) fn serial(mut self, text: impl Into<String>) -> Self {
        self.0.serial = Some(text.into());
        self
    }

    pub(crate) fn maker(mut self, text: &str) -> Self {
        self.0.manufacturer = Some(text.to_owned());
        self
    }

    pub(crate) fn host(mut self, text: &str) -> Self {
        self.0.host = Some(text.to_owned());
        self
    }

    pub(crate) fn installation(mut self, id: impl Into<String>) -> Self {
        self.0.installation = Some(id.into());
        self
    }

    /// The day on which Windows was installed.
    pub(crate) fn installed(mut self, on: i64) -> Self {
        self.0.os_installed = Some(day(on));
        self
    }

    pub(crate) fn directory_device(mut self, id: &str) -> Self {
        self.0.directory_device = Some(id.to_owned());
        self
    }

    /// The machine knows itself as this agent.
    pub(crate) fn knows(mut self, connector: &str, id: &str) -> Self {
        self.0.agents.push((connector.to_owned(), id.to_owned()));
        self
    }
}

/// A tenant's agents with everything that settles them.
#[derive(Clone)]
pub(crate) struct Estate {
    agents: Vec<AgentInput>,
    decisions: Vec<Decision>,
    foreign: HashMap<SmbiosUuid, Vec<Foreign>>,
    assets: Vec<AssetInput>,
    policy: IdentificationPolicy,
}

/// The estate of these agents.
pub(crate) fn estate(agents: impl IntoIterator<Item = AgentBuilder>) -> Estate {
    Estate {
        agents: agents.into_iter().map(AgentBuilder::build).collect(),
        decisions: Vec::new(),
        foreign: HashMap::new(),
        assets: Vec::new(),
        policy: IdentificationPolicy::default(),
    }
}

impl Estate {
    pub(crate) fn log_mode(mut self) -> Self {
        self.policy.mode = IdentificationMode::Log;
        self
    }

    pub(crate) fn policy(mut self, set: impl FnOnce(&mut IdentificationPolicy)) -> Self {
        set(&mut self.policy);
        self
    }

    /// These are its assets.
    pub(crate) fn assets(mut self, assets: Vec<AssetInput>) -> Self {
        self.assets = assets;
        self
    }

    /// A human settles how two agents are related, today.
    pub(crate) fn decided(
        self,
        agent: &AgentBuilder,
        with: Option<&AgentBuilder>,
        choice: Choice,
    ) -> Self {
        let with = with.map(AgentBuilder::record);
        self.settled(Settled::Agents { agent: agent.record(), with, choice }, TODAY)
    }

    pub(crate) fn settled(mut self, settled: Settled, on: i64) -> Self {
        let number = i64::try_from(self.decisions.len()).unwrap() + 1;
        self.decisions.push(Decision { number, settled, by: "ana".to_owned(), at: day(on) });
        self
    }

    /// A computer of another tenant, known since one day and last heard of on another.
    pub(crate) fn elsewhere(
        mut self,
        uuid: &str,
        serial: Option<&str>,
        since: i64,
        last_seen: Option<i64>,
    ) -> Self {
        self.foreign.entry(SmbiosUuid::parse(uuid).unwrap()).or_default().push(Foreign {
            since: day(since),
            last_seen: last_seen.map(day),
            serials: serial.map(str::to_owned).into_iter().collect(),
        });
        self
    }

    /// The same agents in another order.
    pub(crate) fn reordered(mut self, reorder: impl FnOnce(&mut Vec<AgentInput>)) -> Self {
        reorder(&mut self.agents);
        self
    }

    pub(crate) fn run(&self) -> Outcome {
        let identified = identify(IdentifyInput {
            tenant: TenantId::of_text("contoso", 0),
            agents: self.agents.clone(),
            assets: &self.assets,
            foreign: &self.foreign,
            decisions: &self.decisions,
            clients: &HashMap::new(),
            policy: &self.policy,
            now: day(TODAY),
        });
        Outcome::of(identified)
    }
}

/// What came out, to be asked about by agents' keys.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) identified: Identified,
    by_key: BTreeMap<String, Agent>,
}

impl Outcome {
    fn of(identified: Identified) -> Self {
        let by_key =
            identified.agents.iter().map(|agent| (agent.key.clone(), agent.clone())).collect();
        Self { identified, by_key }
    }

    /// The computers, each as its agents' keys.
    pub(crate) fn computers(&self) -> BTreeSet<Vec<String>> {
        self.identified.computers.iter().map(|computer| self.keys(computer)).collect()
    }

    /// The agents' keys of a computer, sorted.
    pub(crate) fn keys(&self, computer: &Computer) -> Vec<String> {
        let is_on = |agent: &&Agent| computer.agents.contains(&agent.id);
        self.by_key.values().filter(is_on).map(|agent| agent.key.clone()).collect()
    }

    pub(crate) fn agent(&self, key: &str) -> &Agent {
        &self.by_key[key]
    }

    pub(crate) fn computer(&self, key: &str) -> &Computer {
        let id = self.agent(key).computer.unwrap_or_else(|| panic!("{key} has no computer"));
        self.identified.computers.iter().find(|computer| computer.id == id).unwrap()
    }

    pub(crate) fn state(&self, key: &str) -> AgentState {
        self.agent(key).state
    }

    pub(crate) fn rule(&self, key: &str) -> Option<Rule> {
        self.agent(key).rule
    }

    pub(crate) fn why(&self, key: &str) -> &str {
        &self.agent(key).why
    }

    /// The open decisions: what about, and about which agent.
    pub(crate) fn questions(&self) -> Vec<(Subject, String)> {
        let key = |question: &Question| {
            let agent = self.by_key.values().find(|agent| agent.id == question.agent).unwrap();
            (question.subject, agent.key.clone())
        };
        let mut questions: Vec<_> = self.identified.questions.iter().map(key).collect();
        questions.sort();
        questions
    }

    /// The keys of the agents that a script should be run through.
    pub(crate) fn to_ask(&self) -> Vec<String> {
        self.identified.to_ask.iter().map(|record| record.key.clone()).collect()
    }

    /// Asserts which computers there are, and that nothing is open.
    #[track_caller]
    pub(crate) fn assert_computers(&self, expected: &[&[&str]]) {
        let expected: BTreeSet<Vec<String>> = expected
            .iter()
            .map(|keys| keys.iter().map(|key| (*key).to_owned()).collect())
            .collect();
        assert_eq!(self.computers(), expected, "{}", self.explained());
    }

    /// Asserts why an agent is where it is.
    #[track_caller]
    pub(crate) fn assert_why(&self, key: &str, rule: Rule, words: &str) {
        let why = self.why(key);
        assert_eq!(self.rule(key), Some(rule), "{}", self.explained());
        assert!(why.to_lowercase().contains(&words.to_lowercase()), "{key}: {why}");
    }

    /// Every agent with its state, for messages of failed tests.
    pub(crate) fn explained(&self) -> String {
        let line = |agent: &Agent| {
            format!("\n  {} {:?} {:?}: {}", agent.key, agent.state, agent.rule, agent.why)
        };
        self.by_key.values().map(line).collect()
    }
}
