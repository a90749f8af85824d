//! Processes, and what WMI tells.

use super::{Call, Cmdlet};
use crate::machine::paths;
use crate::powershell::joint::Out;
use crate::powershell::run::{Outcome, Run, fail};
use crate::powershell::things::{Handle, Thing};
use crate::powershell::value::Value;
use crate::world::Scope;

pub(super) const TABLE: &[Cmdlet] = &[
    Cmdlet {
        names: &["Get-CimInstance", "Get-WmiObject", "gcim", "gwmi"],
        params: "ClassName! Class Query Filter Namespace Property",
        act: get_cim,
    },
    Cmdlet {
        names: &["Invoke-CimMethod", "Invoke-WmiMethod"],
        params: "InputObject ClassName Class MethodName! Name Arguments ArgumentList Namespace",
        act: invoke_method,
    },
    Cmdlet { names: &["Get-Process", "gps", "ps"], params: "Name! Id", act: get_process },
    Cmdlet {
        names: &["Stop-Process", "kill", "spps"],
        params: "Id! Name -Force InputObject -PassThru",
        act: stop_process,
    },
];

/// The processes that every desk has that somebody sits at, and those of services.
const EXPLORER: u32 = 5_120;
const SERVICE: u32 = 1_000;

/// A process as scripts see it.
pub(super) struct Row {
    pid: u32,
    name: String,
    session: i64,
    /// `DOMAIN\account`.
    owner: String,
}

impl Run<'_> {
    /// All processes that are known of: those of the run, of services, and the desktop.
    pub(super) fn processes(&self) -> Vec<Row> {
        let system = || r"NT AUTHORITY\SYSTEM".to_owned();
        let mut rows = Vec::new();
        let services = self.sim.state.services.iter().filter(|service| service.running);
        for (pid, service) in (SERVICE..).step_by(4).zip(services) {
            let name = format!("{}.exe", service.name);
            rows.push(Row { pid, name, session: 0, owner: system() });
        }
        if let Some(user) = self.sim.facts.user() {
            let (name, owner) = ("explorer.exe".to_owned(), user.to_owned());
            rows.push(Row { pid: EXPLORER, name, session: 1, owner });
        }
        for process in self.sim.running() {
            let name = process.name.clone();
            rows.push(Row { pid: process.pid, name, session: 0, owner: system() });
        }
        rows
    }
}

/// As `Win32_Process` has it.
fn instance(row: &Row) -> Value {
    let fields = vec![
        ("Name", Value::text(&row.name)),
        ("ProcessId", Value::Int(i64::from(row.pid))),
        ("SessionId", Value::Int(row.session)),
        ("Owner", Value::text(&row.owner)),
    ];
    Value::of("CimInstance", fields)
}

fn get_cim(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let mut found = Vec::new();
    rows(run, call, &mut found)?;
    let query = call.text("Query").unwrap_or_default();
    let lower = query.to_lowercase();
    let filter = match (call.text("Filter"), lower.find(" where ")) {
        (Some(filter), _) => filter,
        (None, Some(at)) => query.get(at + " where ".len()..).unwrap_or_default().to_owned(),
        (None, None) => String::new(),
    };
    for row in found {
        if fits(run, &row, &filter)? {
            out.push(row);
        }
    }
    Ok(())
}

/// Whether a row fits a condition of WQL: comparisons with `AND` between them.
fn fits(run: &mut Run<'_>, row: &Value, filter: &str) -> Outcome<bool> {
    let spaced = filter.replace(" AND ", " and ").replace(" And ", " and ");
    for part in spaced.split(" and ").map(str::trim).filter(|part| !part.is_empty()) {
        let operators = ["<>", "!=", ">=", "<=", "=", ">", "<", " like ", " LIKE "];
        let found = operators.iter().filter_map(|one| Some((part.find(one)?, *one)));
        let Some((at, operator)) = found.min_by_key(|(at, one)| (*at, usize::MAX - one.len()))
        else {
            return fail("Get-CimInstance", "Invalid query ");
        };
        let name = part[..at].trim();
        let wanted = part[at + operator.len()..].trim().trim_matches(['\'', '"']);
        let value = run.member(row, name)?;
        let judged = match operator.trim() {
            "<>" | "!=" => "ne",
            ">=" => "ge",
            "<=" => "le",
            ">" => "gt",
            "<" => "lt",
            "like" | "LIKE" => "like",
            _ => "eq",
        };
        let wanted = if judged == "like" { wanted.replace('%', "*") } else { wanted.to_owned() };
        if !run.judge(judged, value, &Value::text(wanted))?.truth() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn invoke_method(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let method = call.text("MethodName").or_else(|| call.text("Name")).unwrap_or_default();
    for object in call.values("InputObject") {
        let Value::Object(object) = object else { continue };
        match method.to_lowercase().as_str() {
            "getowner" if object.has("Owner") => {
                let owner = object.text("Owner");
                let (domain, user) = owner.split_once('\\').unwrap_or(("", &owner));
                let fields = vec![
                    ("Domain", Value::text(domain)),
                    ("ReturnValue", Value::Int(0)),
                    ("User", Value::text(user)),
                ];
                out.push(Value::of("CimMethodResult", fields));
            }
            "terminate" if object.has("ProcessId") => {
                let pid = object.get("ProcessId").and_then(|pid| pid.as_int());
                let ended = pid
                    .and_then(|pid| u32::try_from(pid).ok())
                    .is_some_and(|pid| run.sim.end(pid, false));
                let fields = vec![("ReturnValue", Value::Int(if ended { 0 } else { 9 }))];
                out.push(Value::of("CimMethodResult", fields));
            }
            _ => {
                let text = format!("This method is not implemented in any class: {method}");
                return fail(&call.name, text);
            }
        }
    }
    Ok(())
}

/// Those that a call names; it is an error of its own where one without a star is not there.
fn named(run: &mut Run<'_>, call: &Call) -> Outcome<Vec<Row>> {
    let pids: Option<Vec<u32>> = match (call.get("Id"), call.get("InputObject").or(None)) {
        (Some(ids), _) => Some(ids.items().iter().filter_map(super::programs::pid_of).collect()),
        (None, Some(given)) => {
            Some(given.items().iter().filter_map(super::programs::pid_of).collect())
        }
        (None, None) => call
            .input
            .as_ref()
            .map(|input| input.iter().filter_map(super::programs::pid_of).collect()),
    };
    if let Some(pids) = pids {
        let mut found = Vec::new();
        for pid in pids {
            match run.processes().into_iter().find(|row| row.pid == pid) {
                Some(row) => found.push(row),
                None => {
                    let text = format!("Cannot find a process with the process identifier {pid}.");
                    run.complain(&call.name, &text, call.action().as_deref())?;
                }
            }
        }
        return Ok(found);
    }
    let names = call.get("Name").map_or_else(|| vec![Value::text("*")], Value::items);
    let mut found = Vec::new();
    for name in names {
        let wanted = name.show();
        let wanted = wanted.strip_suffix(".exe").unwrap_or(&wanted);
        let before = found.len();
        let fits =
            |row: &Row| paths::matches(wanted, row.name.strip_suffix(".exe").unwrap_or(&row.name));
        found.extend(run.processes().into_iter().filter(fits));
        if found.len() == before && !wanted.contains('*') {
            let text = format!(
                "Cannot find a process with the name \"{wanted}\". Verify the process name and call the cmdlet again."
            );
            run.complain(&call.name, &text, call.action().as_deref())?;
        }
    }
    Ok(found)
}

fn get_process(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    for row in named(run, call)? {
        out.push(Value::thing(Thing::Process(Handle { pid: row.pid, name: row.name })));
    }
    Ok(())
}

/// Processes of the run end; those of services and the desktop stay.
fn stop_process(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    for row in named(run, call)? {
        run.sim.end(row.pid, false);
    }
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "one arm for each class")]
fn rows(run: &mut Run<'_>, call: &Call, out: &mut Vec<Value>) -> Outcome<()> {
    let query = call.text("Query").unwrap_or_default();
    let from =
        query.split_whitespace().skip_while(|word| !word.eq_ignore_ascii_case("from")).nth(1);
    let class = call
        .text("ClassName")
        .or_else(|| call.text("Class"))
        .or_else(|| from.map(str::to_owned))
        .unwrap_or_default();
    let mut fields: Vec<(&str, Value)> = (run.sim.facts.wmi.iter())
        .filter(|(known, ..)| known.eq_ignore_ascii_case(&class))
        .map(|(_, property, text)| (*property, wmi(property, text)))
        .collect();
    match class.to_lowercase().as_str() {
        "win32_operatingsystem" => {
            fields.push(("LastBootUpTime", Value::Date(run.sim.state.booted)));
            fields.push(("LocalDateTime", Value::Date(run.sim.now())));
            fields.push(("OSArchitecture", Value::text("64-bit")));
        }
        "win32_logicaldisk" => {
            let free = i64::try_from(run.sim.state.disk_free).unwrap_or(i64::MAX);
            fields.push(("DeviceID", Value::text("C:")));
            fields.push(("FreeSpace", Value::Int(free)));
            fields.push(("Size", Value::Int(512 << 30)));
        }
        "win32_product" => {
            // It looks every package over before it answers.
            run.sim.pass(45_000)?;
            for row in run
                .sim
                .state
                .software
                .iter()
                .filter(|row| row.upgrade_code.is_some() && row.scope != Scope::User)
            {
                let fields = vec![
                    ("Name", Value::text(&row.name)),
                    ("Version", Value::text(&row.version)),
                    ("IdentifyingNumber", Value::text(&row.key)),
                    ("Vendor", Value::text(&row.publisher)),
                ];
                out.push(Value::of("Win32_Product", fields));
            }
            return Ok(());
        }
        "win32_service" => {
            for service in &run.sim.state.services {
                let state = if service.running { "Running" } else { "Stopped" };
                let fields = vec![
                    ("Name", Value::text(&service.name)),
                    ("State", Value::text(state)),
                    ("StartMode", Value::text(&service.start)),
                    ("DisplayName", Value::text(&service.display)),
                ];
                out.push(Value::of("Win32_Service", fields));
            }
            return Ok(());
        }
        "win32_process" => {
            let found = run.processes();
            out.extend(found.iter().map(instance));
            return Ok(());
        }
        _ if fields.is_empty() => return fail(&call.name, "Invalid class "),
        _ => {}
    }
    out.push(Value::of("CimInstance", fields));
    Ok(())
}

fn wmi(property: &str, text: &str) -> Value {
    match property {
        "PartOfDomain" => Value::Bool(text == "True"),
        "DomainRole" | "ProductType" => text.parse().map_or(Value::Null, Value::Int),
        "InstallDate" => crate::powershell::dates::date(&Value::text(text)).unwrap_or(Value::Null),
        "UserName" if text.is_empty() => Value::Null,
        _ => Value::text(text),
    }
}
