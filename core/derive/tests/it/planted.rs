//! Plants an estate: machines with everything that happens to machines, and the agents through
//! which the hub sees them. Which agent is on which machine is known here, and only here.

use std::collections::BTreeMap;

use chrono::Duration;

use crate::support::{
    AgentBuilder, FIRST_SYNC, ReadingBuilder, automate, control, day, intune, serial, swapped, uuid,
};

/// Numbers that follow from a seed (`SplitMix64`).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn any<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}

/// What happened to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    /// Nothing.
    Plain,
    /// Its RMM agent was installed again.
    ReInstalled,
    /// Windows was installed anew, and every agent with it.
    Wiped,
    /// It got another mainboard.
    BoardSwapped,
    /// One of its sources reads the UUID in the other byte order.
    Swapped,
    /// One of a pool of copies that have one UUID, each with its own RMM agent, online.
    Pooled,
    /// One of a pool whose image carried the RMM agent's id and the device id of the directory to
    /// machines that have no RMM agent of their own.
    Imaged,
}

/// A planted machine as it is now.
#[derive(Clone, Debug)]
struct Machine {
    number: usize,
    story: Story,
    uuid: String,
    serial: String,
    maker: &'static str,
    host: String,
    online: bool,
    installation: String,
    /// The Automate id that its registry names, where that is another machine's.
    foreign_claim: Option<String>,
    device: Option<String>,
}

/// An estate with its truth.
pub(crate) struct Planted {
    pub(crate) agents: Vec<AgentBuilder>,
    /// The machine of each agent, by its key.
    pub(crate) machine_of: BTreeMap<String, usize>,
    /// Machines to which nothing happened, of trusted makers, which answer where they must be asked.
    pub(crate) plain: Vec<usize>,
}

const JUNK: &[&str] = &[
    "03000200-0400-0500-0006-000700080009",
    "00020003-0004-0005-0006-000700080009",
    "00000000-0000-0000-0000-000000000000",
    "Not Settable",
];
const PLACEHOLDERS: &[&str] = &["Default string", "To be filled by O.E.M.", "0"];
const TRUSTED: &[&str] = &["Dell Inc.", "HP", "LENOVO"];

/// Plants about `count` machines. Two machines that nothing tells apart, because they were never
/// seen at once and share every word, are not among them: nobody could know.
pub(crate) fn plant(dice: &mut Dice, count: usize) -> Planted {
    let mut planted =
        Planted { agents: Vec::new(), machine_of: BTreeMap::new(), plain: Vec::new() };
    let mut number = 0;
    // Machines whose agents are known by good identities.
    let mut known: Vec<usize> = Vec::new();
    while number < count {
        let mut first = machine(dice, number);
        let good = first.uuid == uuid(number) && first.serial == serial(number);
        if good && dice.one_in(20) && !known.is_empty() {
            // The agent of another provider's server was here, with a number of its own.
            first.foreign_claim = Some(format!("a{}", known[dice.below(known.len())]));
        }
        if good && first.story == Story::Plain {
            known.push(number);
        }
        let copies = match first.story {
            Story::Pooled | Story::Imaged => 1 + dice.below(4),
            _ => 0,
        };
        let serial_too = dice.one_in(2);
        let mut pool = vec![first.clone()];
        for copy in 1..=copies {
            pool.push(copied(&first, number + copy, serial_too));
        }
        for machine in &pool {
            planted.see(dice, machine);
        }
        number += pool.len();
    }
    planted
}

fn machine(dice: &mut Dice, number: usize) -> Machine {
    let story = match dice.below(14) {
        0 => Story::ReInstalled,
        1 => Story::Wiped,
        2 => Story::BoardSwapped,
        3 => Story::Swapped,
        4 => Story::Pooled,
        5 => Story::Imaged,
        _ => Story::Plain,
    };
    let maker = ["Dell Inc.", "HP", "LENOVO", "Stone", "VMware, Inc."][dice.below(5)];
    let online = !dice.one_in(3) || matches!(story, Story::Pooled | Story::Imaged);
    let mut machine = Machine {
        number,
        story,
        uuid: if dice.one_in(8) { dice.any(JUNK).to_owned() } else { uuid(number) },
        serial: if dice.one_in(6) { dice.any(PLACEHOLDERS).to_owned() } else { serial(number) },
        maker,
        // Host names are used again and again.
        host: format!("DESK-{}", dice.below(30)),
        online,
        installation: format!("9{number:08}"),
        foreign_claim: None,
        device: dice.one_in(2).then(|| format!("{number:08x}-0000-4000-8000-00000000d41c")),
    };
    if !TRUSTED.contains(&maker) && dice.one_in(10) {
        // A placeholder that is on nobody's list.
        "SN000001".clone_into(&mut machine.serial);
    }
    machine
}

/// A copy of a machine, with its own Windows after all.
fn copied(original: &Machine, number: usize, serial_too: bool) -> Machine {
    let imaged = original.story == Story::Imaged;
    Machine {
        number,
        serial: if serial_too { original.serial.clone() } else { serial(number) },
        host: format!("POOL-{number}"),
        installation: format!("9{number:08}"),
        foreign_claim: imaged.then(|| format!("a{}", original.number)),
        device: if imaged { original.device.clone() } else { None },
        ..original.clone()
    }
}

impl Planted {
    /// What the hub sees of a machine.
    fn see(&mut self, dice: &mut Dice, machine: &Machine) {
        let number = machine.number;
        let (first, imaged) = (machine.foreign_claim.is_none(), machine.story == Story::Imaged);
        let has_control = imaged || !dice.one_in(3);
        let enrolled = !dice.one_in(3) && (first || !imaged);
        let has_automate = match machine.story {
            Story::Pooled => true,
            Story::Imaged => first,
            _ => !dice.one_in(4) || !(has_control || enrolled),
        };
        let a = format!("a{number}");
        let key = has_automate.then(|| a.clone());
        let own = machine.foreign_claim.clone().filter(|_| !has_automate).or(key);
        if has_automate {
            self.add(machine, automate_agent(dice, machine, &a));
        }
        let answers = machine.online && (machine.story == Story::Imaged || !dice.one_in(6));
        if has_control {
            self.add(machine, control_agent(machine, own, answers));
        }
        if enrolled {
            self.add(machine, intune_device(dice, machine));
        }
        if machine.story == Story::Plain
            && machine.online
            && (answers || !has_control)
            && TRUSTED.contains(&machine.maker)
            && machine.uuid == uuid(number)
            && machine.serial == serial(number)
        {
            self.plain.push(number);
        }
        self.see_past(dice, machine);
    }

    /// The agents of the machine's past.
    fn see_past(&mut self, dice: &mut Dice, machine: &Machine) {
        let number = machine.number;
        let last = 60 + i64::try_from(dice.below(40)).unwrap();
        let answered = dice.one_in(2);
        let windows = match machine.story {
            Story::ReInstalled => machine.installation.clone(),
            Story::Wiped => format!("8{number:08}"),
            _ => return,
        };
        let same = machine.story == Story::ReInstalled;
        let host = if same { machine.host.clone() } else { format!("OLD-{number}") };
        let fill = |r: ReadingBuilder| {
            let r = r.uuid(&*machine.uuid).serial(&*machine.serial).maker(machine.maker);
            r.host(&host).installation(&*windows).installed(if same { 120 } else { 10 })
        };
        let old = automate(&format!("o{number}")).host(&host).added(20).last_seen(last);
        let old = old.uuid(&*machine.uuid).serial(&*machine.serial).maker(machine.maker);
        let old = if answered { old.reading_on(30, fill) } else { old };
        // In a machine whose Windows is from day 120, an agent of day 100 is of the Windows before.
        if !same || answered {
            self.add(machine, old);
        }
        if dice.one_in(2) {
            let session = control(&format!("p{number}")).host(&host).last_seen(last);
            let session = if answered { session.reading_on(30, fill) } else { session };
            self.add(machine, session);
        }
    }

    fn add(&mut self, machine: &Machine, agent: AgentBuilder) {
        self.machine_of.insert(agent.record().key, machine.number);
        self.agents.push(agent);
    }
}

/// What the machine itself prints.
fn answer(machine: &Machine, own: Option<String>) -> impl FnOnce(ReadingBuilder) -> ReadingBuilder {
    let machine = machine.clone();
    move |r| {
        let mut r = r.uuid(machine.uuid).serial(machine.serial).maker(machine.maker);
        r = r.host(&machine.host).installation(machine.installation).installed(120);
        if let Some(device) = machine.device {
            r = r.directory_device(&device);
        }
        match own {
            Some(id) => r.knows("cw-automate", &id),
            None => r,
        }
    }
}

/// The sign of life of an agent that is on the machine now.
fn present(machine: &Machine, agent: AgentBuilder) -> AgentBuilder {
    let agent = agent.host(&machine.host);
    let silent = 130 + i64::try_from(machine.number % 50).unwrap();
    if machine.online { agent.online() } else { agent.last_seen(silent) }
}

fn automate_agent(dice: &mut Dice, machine: &Machine, key: &str) -> AgentBuilder {
    let added = 121 + i64::try_from(dice.below(8)).unwrap();
    let agent = present(machine, automate(key)).added(added);
    let read = if machine.story == Story::Swapped && machine.uuid.len() == 36 {
        swapped(&machine.uuid)
    } else {
        machine.uuid.clone()
    };
    let mut agent = agent.chassis(&read, &machine.serial, machine.maker);
    if machine.story == Story::BoardSwapped {
        // Inventory knew the old board until day 150.
        let old = uuid(machine.number + 50_000);
        agent = agent.earlier(&old, &machine.serial, 150);
    }
    // The machine is asked through one of its agents, if it can be.
    let asked = machine.online && dice.one_in(2);
    if asked { agent.reading(answer(machine, None)) } else { agent }
}

fn control_agent(machine: &Machine, own: Option<String>, answers: bool) -> AgentBuilder {
    let agent = present(machine, control(&format!("c{}", machine.number)));
    if answers { agent.reading(answer(machine, own)) } else { agent }
}

fn intune_device(dice: &mut Dice, machine: &Machine) -> AgentBuilder {
    let added = 121 + i64::try_from(dice.below(8)).unwrap();
    let last = if machine.online { 199 } else { 130 };
    let mut agent = intune(&format!("i{}", machine.number)).host(&machine.host).added(added);
    agent = agent.last_seen(last).serial(&*machine.serial).maker(machine.maker);
    if dice.one_in(2) && machine.story != Story::BoardSwapped {
        agent = agent.uuid(&*machine.uuid);
    }
    match &machine.device {
        Some(device) => agent.directory_device(device),
        None => agent,
    }
}

/// The same agents, seen for the first time in this order.
pub(crate) fn arriving(agents: &[AgentBuilder], order: &[usize]) -> Vec<AgentBuilder> {
    let mut arrived = Vec::with_capacity(agents.len());
    for (second, &place) in (0_i64..).zip(order) {
        let at = day(FIRST_SYNC) + Duration::seconds(second);
        arrived.push(agents[place].clone().first_seen(at));
    }
    arrived
}
