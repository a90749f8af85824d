//! The PowerShell module by which scripts in the hub call it, run by a machine of the estate, whose interpreter was
//! written from Microsoft's documents; it calls the interface of a run for real.

use std::sync::{Arc, Mutex};

use anyhow::{Result, ensure};
use core_callback::{Call, CallAnswer, CallLimits, Fault, Invocation, MODULE, Report};
use core_connector::Secret;
use serde_json::json;
use tests::Estate;

/// The module without its last line, which only modules may have, and what a run's environment says.
fn module(desk: &core_callback::Desk) -> String {
    let functions = MODULE.split("Export-ModuleMember").next().unwrap_or_default();
    format!(
        "$env:LINCHPIN_URL = '{}'\n$env:LINCHPIN_TOKEN = '{}'\n{functions}\n",
        desk.url,
        desk.token.expose()
    )
}

fn finished(exit: i64, value: serde_json::Value) -> CallAnswer {
    CallAnswer::Invoked {
        outcome: "finished",
        message: String::new(),
        exit: Some(exit),
        value,
        output: String::new(),
        errors: "disk full".to_owned(),
    }
}

fn answer(call: &Call) -> Result<CallAnswer, Fault> {
    match call {
        Call::Facts => Ok(CallAnswer::Document(json!({ "computer": { "name": "PC-1" } }))),
        Call::Report(_) => Ok(CallAnswer::Taken),
        Call::Token { .. } => Ok(CallAnswer::Token { token: Secret::new("t0k3n"), expires_in: 60 }),
        Call::Invoke(one) if one.script.contains("fails") => Ok(finished(3, json!(null))),
        Call::Invoke(one) if one.script.contains("offline") => Ok(CallAnswer::Invoked {
            outcome: "offline",
            message: "no way leads to it now".to_owned(),
            exit: None,
            value: json!(null),
            output: String::new(),
            errors: String::new(),
        }),
        Call::Invoke(_) => Ok(finished(0, json!({ "status": "Running" }))),
    }
}

const SCRIPT: &str = r"
$service = Invoke-LinchpinComputer { Get-Service $name } -ReadOnly -Arguments @{ name = 'Spooler' } -Secret key -TimeLimit 30
$service.status
Get-LinchpinFact -Name computer/name
Write-LinchpinReport -Line '3 of 10'
Write-LinchpinReport -Result @{ mailboxes = 10 }
Get-LinchpinToken
try { Invoke-LinchpinComputer 'fails' } catch { $_.Exception.Message }
try { Invoke-LinchpinComputer 'offline' -Language sh -Context user } catch { $_.Exception.Message }
(Invoke-LinchpinComputer 'fails' -PassThru).exit
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_powershell_module_calls_what_it_says() -> Result<()> {
    let estate = Estate::of(60, 12).await?;
    let mut desk = core_callback::Desk::open(CallLimits::default()).await?;
    let script = format!("{}{SCRIPT}", module(&desk));
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let answering = tokio::spawn(async move {
        while let Some(asked) = desk.next().await {
            let answered = answer(&asked.call);
            telling.lock().unwrap().push(asked.call.clone());
            asked.answer(answered);
        }
    });
    let world = estate.running.world();
    let printed = tokio::task::spawn_blocking(move || {
        let mut world = world.write().unwrap();
        let on = |machine: &mocks::world::Machine| machine.online && !machine.stray;
        let no = world.machines.iter().position(on).unwrap();
        mocks::machine::run_line(&mut world, no, &super::line(&script)).unwrap_or_default()
    })
    .await?;
    answering.abort();
    let lines: Vec<&str> = printed.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    ensure!(
        lines
            == [
                "Running",
                "PC-1",
                "t0k3n",
                "It ended with 3 on the computer: disk full",
                "The computer did not run it: no way leads to it now",
                "3",
            ],
        "{printed}"
    );
    let told = told.lock().unwrap();
    let Call::Invoke(first) = &told[0] else { anyhow::bail!("{told:?}") };
    let expected = Invocation {
        script: first.script.clone(),
        language: Some("powershell".to_owned()),
        context: Some("system".to_owned()),
        reads_only: true,
        arguments: json!({ "name": "Spooler" }).as_object().cloned().unwrap_or_default(),
        secrets: vec!["key".to_owned()],
        time_limit: Some(30),
    };
    ensure!(**first == expected && first.script.trim() == "Get-Service $name", "{first:?}");
    let line = Report { line: Some("3 of 10".to_owned()), result: None };
    let result = Report { line: None, result: Some(json!({ "mailboxes": 10 })) };
    ensure!(told[2..4] == [Call::Report(line), Call::Report(result)], "{told:?}");
    ensure!(
        told.iter().any(|call| matches!(call, Call::Invoke(one)
            if one.language.as_deref() == Some("sh") && one.context.as_deref() == Some("user"))),
        "{told:?}"
    );
    Ok(())
}
