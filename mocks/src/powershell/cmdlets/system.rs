//! Services, packages, WMI, dates, waiting, reboots.

use super::{Call, Cmdlet};
use crate::machine::paths;
use crate::powershell::joint::Out;
use crate::powershell::run::{Outcome, Run, fail};
use crate::powershell::value::Value;
use crate::world::{Effect, Scope, Service};

pub(super) const TABLE: &[Cmdlet] = &[
    Cmdlet {
        names: &["Get-Service", "gsv"],
        params: "Name! DisplayName Include Exclude InputObject",
        act: get_service,
    },
    Cmdlet {
        names: &[
            "Start-Service",
            "Stop-Service",
            "Restart-Service",
            "Set-Service",
            "Remove-Service",
        ],
        params: "Name! DisplayName -Force -PassThru StartupType Status InputObject -NoWait",
        act: change_service,
    },
    Cmdlet {
        names: &["Get-Package"],
        params: "Name! ProviderName RequiredVersion -AllVersions",
        act: get_package,
    },
    Cmdlet { names: &["Get-Date"], params: "Date! Format UFormat", act: get_date },
    Cmdlet { names: &["Start-Sleep", "sleep"], params: "Seconds! Milliseconds", act: sleep },
    Cmdlet {
        names: &["Restart-Computer"],
        params: "ComputerName! -Force -Wait Delay Timeout For",
        act: restart,
    },
    Cmdlet {
        names: &["Get-PSDrive", "Get-Volume"],
        params: "Name! DriveLetter PSProvider",
        act: get_drive,
    },
];

fn service_object(service: &Service) -> Value {
    let status = if service.running { "Running" } else { "Stopped" };
    let fields = vec![
        ("Status", Value::text(status)),
        ("Name", Value::text(&service.name)),
        ("DisplayName", Value::text(&service.display)),
        ("StartType", Value::text(&service.start)),
    ];
    Value::of("ServiceController", fields)
}

/// The services that a call names; it is an error of its own where one without a star is not there.
fn services(run: &mut Run<'_>, call: &Call) -> Outcome<Vec<Service>> {
    let given = call.get("Name").or_else(|| call.get("DisplayName")).map(Value::items);
    let given =
        given.unwrap_or_else(|| call.input.clone().unwrap_or_else(|| vec![Value::text("*")]));
    let mut found = Vec::new();
    for value in given {
        let wanted = match &value {
            Value::Object(object) => object.text("Name"),
            other => other.show(),
        };
        let fits = |service: &&Service| {
            let by_display =
                call.get("DisplayName").is_some() && paths::matches(&wanted, &service.display);
            by_display || paths::matches(&wanted, &service.name)
        };
        let before = found.len();
        found.extend(run.sim.state.services.iter().filter(fits).cloned());
        if found.len() == before && !wanted.contains('*') {
            let text = format!("Cannot find any service with service name '{wanted}'.");
            run.complain(&call.name, &text, call.action().as_deref())?;
        }
    }
    found.sort_by_key(|service| service.name.to_lowercase());
    Ok(found)
}

fn get_service(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    out.extend(services(run, call)?.iter().map(service_object));
    Ok(())
}

fn change_service(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let verb = call.name.to_lowercase();
    for mut service in services(run, call)? {
        if verb.starts_with("start") && service.start == "Disabled" {
            let text = format!(
                "Service '{} ({})' cannot be started due to the following error: Cannot start service {} on computer '.'.",
                service.display, service.name, service.name
            );
            run.complain(&call.name, &text, call.action().as_deref())?;
            continue;
        }
        service.running = match verb.as_str() {
            "start-service" | "restart-service" => true,
            "stop-service" => false,
            _ => call
                .text("Status")
                .map_or(service.running, |status| status.eq_ignore_ascii_case("running")),
        };
        if let Some(start) = call.text("StartupType") {
            service.start = start;
        }
        run.sim.pass(800)?;
        if call.is("PassThru") {
            out.push(service_object(&service));
        }
        run.sim.act(Effect::Service(service));
    }
    Ok(())
}

fn get_package(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let wanted = call.text("Name").unwrap_or_else(|| "*".to_owned());
    let mut found = 0;
    // What belongs to one user is not seen by the agent's account.
    for row in run.sim.state.software.iter().filter(|row| row.scope != Scope::User) {
        if !paths::matches(&wanted, &row.name) {
            continue;
        }
        found += 1;
        let provider = if row.key.starts_with('{') { "msi" } else { "Programs" };
        let fields = vec![
            ("Name", Value::text(&row.name)),
            ("Version", Value::text(&row.version)),
            ("Source", Value::text("")),
            ("ProviderName", Value::text(provider)),
        ];
        out.push(Value::of("SoftwareIdentity", fields));
    }
    if found == 0 && !wanted.contains('*') {
        let text = format!("No package found for '{wanted}'.");
        run.complain(&call.name, &text, call.action().as_deref())?;
    }
    Ok(())
}

fn get_date(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let date = match call.get("Date") {
        Some(given) => run.cast("datetime", given.clone())?,
        None => Value::Date(run.sim.now()),
    };
    match (call.text("Format"), &date) {
        (Some(how), Value::Date(at)) => {
            out.push(Value::text(crate::powershell::dates::dated(*at, &how)))
        }
        _ => out.push(date),
    }
    Ok(())
}

fn sleep(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let seconds = call.get("Seconds").and_then(Value::as_real).unwrap_or(0.0);
    let own = call.int("Milliseconds").unwrap_or(0);
    let total = Value::Real(seconds * 1_000.0).as_int().unwrap_or(0).saturating_add(own);
    match u64::try_from(total) {
        Ok(total) => run.wait_for_ms(total),
        Err(_) => fail(
            &call.name,
            "Cannot validate argument on parameter 'Seconds'. The argument is less than the minimum allowed range of 0.",
        ),
    }
}

impl Run<'_> {
    pub(in crate::powershell) fn wait_for_ms(&mut self, milliseconds: u64) -> Outcome<()> {
        Ok(self.sim.pass(milliseconds)?)
    }
}

fn restart(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    // The question whether to go on while somebody is logged on, asked of a script.
    if run.sim.facts.somebody && !call.is("Force") {
        let text = "Failed to restart the computer with the following error message: The system shutdown cannot be initiated because there are other users logged on to the computer.";
        return run.complain(&call.name, text, call.action().as_deref());
    }
    run.sim.restart(0);
    Ok(())
}

fn get_drive(run: &mut Run<'_>, _: &Call, out: &mut Out) -> Outcome<()> {
    let free = i64::try_from(run.sim.state.disk_free).unwrap_or(i64::MAX);
    let fields = vec![
        ("Name", Value::text("C")),
        ("DriveLetter", Value::text("C")),
        ("Free", Value::Int(free)),
        ("SizeRemaining", Value::Int(free)),
        ("Size", Value::Int(512 << 30)),
    ];
    out.push(Value::of("PSDriveInfo", fields));
    Ok(())
}
