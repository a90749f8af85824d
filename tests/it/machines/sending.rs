//! Through the connectors, as the hub sends.

use std::time::Duration;

use anyhow::{Result, ensure};
use core_connector::{RunScript, Script as Sent, ScriptOutcome, Shell};
use core_script::{Answer, LastValue};
use core_sync::Connection;
use mocks::machine::state;
use tests::Estate;
use uuid::Uuid;

use super::*;

struct Ways {
    estate: Estate,
    connections: Vec<Connection>,
    nonce: u64,
}

/// A machine that both systems reach: its number and its agents' keys.
struct Machine {
    no: usize,
    automate: String,
    control: String,
}

impl Ways {
    async fn new() -> Result<Self> {
        let estate = Estate::of(60, 12).await?;
        let connections = estate.connections()?;
        Ok(Self { estate, connections, nonce: 7 })
    }

    fn machine(&self) -> Result<Machine> {
        let world = self.estate.running.world();
        let world = world.read().unwrap();
        let found = world.machines.iter().enumerate().find_map(|(no, machine)| {
            let fits =
                machine.online && machine.kind == MachineKind::Laptop && machine.wiped.is_empty();
            let automate = world.automate.computers.get(machine.automate_row.filter(|_| fits)?)?;
            let control = world.control.sessions.get(machine.control_row?)?;
            (automate.current && control.current).then(|| Machine {
                no,
                automate: automate.id.to_string(),
                control: control.id.to_string(),
            })
        });
        found.ok_or_else(|| anyhow::anyhow!("no machine has both agents"))
    }

    fn scripts(&self, kind: &str) -> &dyn RunScript {
        let connection = self.connections.iter().find(|one| one.kind == kind).unwrap();
        connection.connector.scripts().unwrap()
    }

    /// Sends a command and waits for what it prints, the estate's clock going along.
    async fn send(&self, kind: &str, agent: &str, command: &str) -> Result<String> {
        let script = Sent {
            run: Uuid::new_v4(),
            shell: Shell::PowerShell,
            text: command.to_owned(),
            time_limit: Duration::from_secs(700),
            output_limit: Caps::VENDOR.output_limit(),
        };
        let handle = self.scripts(kind).start(agent, &script).await?;
        for _ in 0..400 {
            match self.scripts(kind).poll(&handle).await? {
                ScriptOutcome::Pending => {}
                ScriptOutcome::Done { output, truncated } => {
                    ensure!(!truncated, "cut: {output}");
                    return Ok(output);
                }
                ScriptOutcome::Failed { reason } => anyhow::bail!("{reason}"),
            }
            self.estate.running.world().write().unwrap().clock_ahead += 5;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        anyhow::bail!("no answer")
    }

    async fn runs(&mut self, kind: &str, agent: &str, script: &Script) -> Result<Answer> {
        self.nonce += 1;
        let nonce = Nonce(self.nonce);
        let limits = if kind == "cw-control" { Limits::CW_CONTROL } else { Limits::CW_AUTOMATE };
        let arguments = given(&[("who", "the ‘hub’ \"&\" it".into())]);
        let job = Job {
            script,
            arguments: &arguments,
            fetch: None,
            nonce,
            limit_s: 300,
            caps: Caps::VENDOR,
        };
        let delivery = deliver(&job, &limits)?;
        for part in &delivery.parts {
            self.send(kind, agent, part.expose()).await?;
        }
        Ok(read(&self.send(kind, agent, delivery.run.expose()).await?, nonce))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_run_through_either_system() -> Result<()> {
    let mut ways = Ways::new().await?;
    let machine = ways.machine()?;
    for (kind, agent) in [("cw-automate", &machine.automate), ("cw-control", &machine.control)] {
        let run =
            finished(ways.runs(kind, agent, &Script::new("Write-Host 'é'; $who; exit 3")).await?);
        assert_eq!((run.exit, run.value), (Some(3), text("the ‘hub’ \"&\" it")), "{kind}");
        assert_eq!(run.output.head, "é\nthe ‘hub’ \"&\" it\n", "{kind}");
        let batch = Script::new("echo true\nexit /b 0").in_language(ScriptLanguage::Cmd);
        let run = finished(ways.runs(kind, agent, &batch).await?);
        assert_eq!(run.value, LastValue::Boolean(true), "{kind}");
        let long = format!(
            "{}\n$true",
            "# filler of a script that is too long for one command\n".repeat(900)
        );
        let run = finished(ways.runs(kind, agent, &Script::new(&long)).await?);
        assert_eq!(run.verdict(), Some(true), "{kind}");
        let hangs = Script::new("'begun'; Start-Sleep -Seconds 5000");
        let answer = ways.runs(kind, agent, &hangs).await?;
        assert!(matches!(answer, Answer::TimedOut { after_s: 300, .. }), "{kind}: {answer:?}");
    }
    let world = ways.estate.running.world();
    let left = state(&world.read().unwrap(), machine.no)
        .files
        .keys()
        .any(|path| path.contains(r"linchpin\runs\"));
    ensure!(!left, "a folder is left");
    Ok(())
}
