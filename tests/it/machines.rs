//! The programs that `core/script` sends, run by the machines of the estate: as an agent of Automate gets them,
//! and through the connectors.

mod calling;
mod lasting;
mod maintaining;
mod people;
mod plain;
mod sending;
mod staging;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_model::library::{Parameter, ParameterKind, Script, ScriptContext, ScriptLanguage};
use core_script::{
    Answer, Arguments, Caps, Delivery, Finished, Job, LastValue, Limits, Nonce, SecretFetch,
    Variables, deliver, read,
};
use mocks::estate::{Change, Pick, apply};
use mocks::world::{LoggedOn, MachineKind, MachineState, Options, World};
use serde_json::{Map, Value};

/// A laptop of an estate that nothing is served of.
struct Desk {
    world: World,
    no: usize,
    nonce: u64,
    limit_s: u32,
    caps: Caps,
    limits: Limits<'static>,
}

impl Desk {
    /// One that somebody is logged on to.
    fn new() -> Self {
        let world =
            mocks::generate::generate(&Options { seed: 12, computers: 60, ..Options::default() });
        let somebody = |machine: &mocks::world::Machine| {
            machine.online
                && machine.kind == MachineKind::Laptop
                && matches!(machine.logged_on, LoggedOn::Person(_))
        };
        let no = world.machines.iter().position(somebody).unwrap();
        let limits = Limits::CW_AUTOMATE;
        let mut desk = Self { world, no, nonce: 0x1000, limit_s: 600, caps: Caps::VENDOR, limits };
        desk.hold(|state| {
            state.software.clear();
            state.pending.clear();
            state.clears = true;
        });
        desk
    }

    /// Changes what the machine holds.
    fn hold(&mut self, change: impl FnOnce(&mut MachineState)) {
        let mut state = mocks::machine::state(&self.world, self.no).into_owned();
        change(&mut state);
        self.world.states.of.insert(self.no, state);
    }

    fn deliver(
        &mut self,
        script: &Script,
        given: &Arguments,
        fetch: Option<&SecretFetch>,
    ) -> Delivery {
        self.nonce += 1;
        let nonce = Nonce(self.nonce);
        let (limit_s, caps) = (self.limit_s, self.caps);
        let job = Job { script, arguments: given, fetch, nonce, limit_s, caps };
        deliver(&job, &self.limits).unwrap()
    }

    /// What the machine prints for a command; blank where nobody hears of it.
    fn send(&mut self, command: &str) -> String {
        mocks::machine::run_line(&mut self.world, self.no, &line(command)).unwrap_or_default()
    }

    fn runs(&mut self, script: &Script, given: &Arguments) -> Answer {
        let delivery = self.deliver(script, given, None);
        for part in &delivery.parts {
            self.send(part.expose());
        }
        let printed = self.send(delivery.run.expose());
        let answer = read(&printed, Nonce(self.nonce));
        assert_ne!(answer, Answer::NotStarted, "{printed}");
        answer
    }

    /// A script of PowerShell without arguments, which comes to an end.
    fn powershell(&mut self, body: &str) -> Finished {
        finished(self.runs(&Script::new(body), &nothing()))
    }

    /// A script of `cmd.exe` without arguments, which comes to an end.
    fn cmd(&mut self, body: &str) -> Finished {
        let script = Script::new(body).in_language(ScriptLanguage::Cmd);
        finished(self.runs(&script, &nothing()))
    }

    /// The last value of a script of PowerShell.
    fn value(&mut self, body: &str) -> LastValue {
        self.powershell(body).value
    }

    fn change(&mut self, change: &Change) {
        apply(&mut self.world, change).unwrap();
    }
}

/// As the connector of Automate sends it.
fn line(command: &str) -> String {
    let text = format!("# linchpin: 00000000000000000000000000000000\n{command}");
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let encoded = STANDARD.encode(units);
    format!(
        "powershell.exe!!! -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {encoded}"
    )
}

#[track_caller]
fn finished(answer: Answer) -> Finished {
    match answer {
        Answer::Finished(run) => run,
        other => panic!("{other:#?}"),
    }
}

fn nothing() -> Arguments {
    Arguments::default()
}

fn given(pairs: &[(&str, Value)]) -> Arguments {
    let values: Map<String, Value> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Arguments::of(&values, &[], &Variables::default()).unwrap()
}

/// With a parameter `password`, which is a secret.
fn with_secret() -> Arguments {
    let mut values = Map::new();
    values.insert("password".into(), "store:vpn".into());
    let password = Parameter::new("password", ParameterKind::Password);
    Arguments::of(&values, &[&password], &Variables::default()).unwrap()
}

fn as_user(body: &str) -> Script {
    Script::new(body).in_context(ScriptContext::User)
}

fn text(text: &str) -> LastValue {
    LastValue::Text(text.to_owned())
}

fn number(number: i64) -> LastValue {
    LastValue::Number(number.into())
}
