//! Installers, reboots, and what comes of a script when its machine goes off.

use chrono::Duration;

use super::*;
use crate::generate::generate;
use crate::shell::Language;
use crate::world::{InstallTrouble, MachineKind, MachineNo, Options, Verb, World};

fn estate() -> (World, MachineNo) {
    let mut world = generate(&Options { seed: 4, computers: 80, ..Options::default() });
    let no = world.machines.iter().position(|m| m.online && m.kind == MachineKind::Laptop).unwrap();
    let now = world.now();
    world.states.of.insert(no, bare(now));
    (world, no)
}

/// Begins a script now; its number.
fn begins(world: &mut World, no: MachineNo, text: &str, limit: Option<u64>) -> u64 {
    let at = world.now();
    begin(world, no, &Job { language: Language::PowerShell, text, limit }, at)
}

fn pass(world: &mut World, seconds: i64) {
    world.clock_ahead += seconds;
    settle(world);
}

fn versions(world: &World, no: MachineNo, name: &str) -> Vec<String> {
    let state = state(world, no);
    let rows = state.software.iter().filter(|row| row.name.contains(name));
    rows.map(|row| row.version.to_string()).collect()
}

fn fetch(file: &str) -> String {
    format!(
        "Invoke-WebRequest -Uri 'https://packages.example/{file}' -OutFile \"$env:TEMP\\{file}\"\n"
    )
}

fn install(file: &str) -> String {
    format!(
        "{}$p = Start-Process msiexec.exe -ArgumentList '/i', \"`\"$env:TEMP\\{file}`\"\", '/qn', '/norestart' -Wait -PassThru\n\"exit $($p.ExitCode)\"",
        fetch(file)
    )
}

fn printed(world: &mut World, run: u64) -> String {
    match progress(world, run) {
        Progress::Ended(_, printed) => printed.unwrap_or_else(|| "killed".to_owned()),
        other => format!("{other:?}"),
    }
}

#[test]
fn software_is_there_when_the_script_has_run_its_time_and_once() {
    let (mut world, no) = estate();
    let run = begins(&mut world, no, &install("7z2301-x64.msi"), None);
    pass(&mut world, 3);
    assert!(versions(&world, no, "7-Zip").is_empty(), "it is still at it");
    assert!(matches!(progress(&mut world, run), Progress::Runs(Some(_))));
    pass(&mut world, 10);
    assert_eq!(printed(&mut world, run), "exit 0");
    assert_eq!(versions(&world, no, "7-Zip"), ["23.01.00.0"]);
    let newer = begins(&mut world, no, &install("7z2408-x64.msi"), None);
    pass(&mut world, 20);
    assert_eq!(printed(&mut world, newer), "exit 0");
    assert_eq!(versions(&world, no, "7-Zip"), ["24.08.00.0"], "the older one has gone");
    let older = begins(&mut world, no, &install("7z2301-x64.msi"), None);
    pass(&mut world, 20);
    assert_eq!(printed(&mut world, older), "exit 1603", "no way back");
    let state = state(&world, no);
    let runs = |id: &str| {
        state.installers.iter().filter(|r| r.package == id && r.verb == Verb::Install).count()
    };
    assert_eq!((runs("7zip-23.01"), runs("7zip-24.08")), (2, 1));
}

#[test]
fn installers_fail_lie_and_hang_as_told() {
    let table = [
        (InstallTrouble::Fails(1603), "exit 1603", false),
        (InstallTrouble::DoesNothing, "exit 0", false),
        (InstallTrouble::WantsReboot, "exit 3010", true),
        (InstallTrouble::Takes(600), "Runs", false),
        (InstallTrouble::Hangs, "Runs", false),
    ];
    for (trouble, expected, there) in table {
        let (mut world, no) = estate();
        let package = "7zip-24.08".to_owned();
        let fault =
            crate::world::InstallFault { machine: Some(no), package, trouble, times: Some(1) };
        world.states.install_faults.push(fault);
        let run = begins(&mut world, no, &install("7z2408-x64.msi"), None);
        pass(&mut world, 60);
        let got = printed(&mut world, run);
        assert!(got.starts_with(expected), "{trouble:?}: {got}");
        assert_eq!(!versions(&world, no, "7-Zip").is_empty(), there, "{trouble:?}");
        assert_eq!(!state(&world, no).pending.is_empty(), there);
        if !matches!(trouble, InstallTrouble::Takes(_) | InstallTrouble::Hangs) {
            let again = begins(&mut world, no, &install("7z2408-x64.msi"), None);
            pass(&mut world, 60);
            assert_eq!(printed(&mut world, again), "exit 0", "only once");
        }
    }
}

#[test]
fn windows_installer_does_one_thing_at_a_time() {
    let (mut world, no) = estate();
    let first = begins(&mut world, no, &install("googlechrome131_64.msi"), None);
    pass(&mut world, 15);
    let second = begins(&mut world, no, &install("7z2408-x64.msi"), None);
    pass(&mut world, 10);
    assert_eq!(printed(&mut world, second), "exit 1618");
    pass(&mut world, 60);
    assert_eq!(printed(&mut world, first), "exit 0");
}

#[test]
fn a_script_that_is_killed_installs_nothing_and_leaves_windows_installer_free() {
    let (mut world, no) = estate();
    let run = begins(&mut world, no, &install("googlechrome131_64.msi"), Some(20_000));
    pass(&mut world, 30);
    assert_eq!(printed(&mut world, run), "killed");
    pass(&mut world, 600);
    assert!(versions(&world, no, "Chrome").is_empty());
    let again = begins(&mut world, no, &install("googlechrome131_64.msi"), None);
    pass(&mut world, 100);
    assert_eq!(printed(&mut world, again), "exit 0");
}

#[test]
fn a_machine_that_goes_off_takes_its_scripts_along() {
    let (mut world, no) = estate();
    let run = begins(&mut world, no, &install("googlechrome131_64.msi"), None);
    pass(&mut world, 20);
    let now = world.now();
    power(&mut world, no, false, now);
    world.machines[no].online = false;
    pass(&mut world, 600);
    let now = world.now();
    power(&mut world, no, true, now);
    world.machines[no].online = true;
    assert_eq!(progress(&mut world, run), Progress::Lost);
    assert!(versions(&world, no, "Chrome").is_empty());
    assert_eq!(state(&world, no).installers[0].exit, None);
    assert_eq!(state(&world, no).reboots.len(), 1);
}

#[test]
fn a_reboot_takes_time_and_clears_what_was_pending_but_on_one_machine() {
    let (mut world, _) = estate();
    let stubborn = world.states.stubborn.unwrap();
    let mut others = world.machines.iter().enumerate();
    let other = others.position(|(no, m)| m.online && no != stubborn && !m.stray).unwrap();
    for no in [stubborn, other] {
        state_mut(&mut world, no).pending = vec![crate::world::RebootCause::FileRenames];
        let before = state(&world, no).booted;
        let run = begins(&mut world, no, "'going'\nRestart-Computer -Force", None);
        pass(&mut world, 1);
        assert_eq!(printed(&mut world, run), "going");
        assert!(world.machines[no].online);
        pass(&mut world, 10);
        assert!(!world.machines[no].online);
        pass(&mut world, 120);
        assert!(world.machines[no].online);
        let state = state(&world, no);
        assert!(state.booted > before && state.reboots == [state.booted]);
        assert_eq!(state.pending.is_empty(), no == other);
    }
}

#[test]
fn exit_codes_of_msiexec_are_windows_own() {
    let (mut world, no) = estate();
    let table = [
        ("msiexec /i C:\\nope.msi /qn; $LASTEXITCODE", "1619"),
        ("msiexec /x '{11111111-2222-3333-4444-555555555555}' /qn; $LASTEXITCODE", "1605"),
        (
            "Set-Content C:\\Windows\\Temp\\a.msi 'text'; msiexec /i C:\\Windows\\Temp\\a.msi /qn; $LASTEXITCODE",
            "1620",
        ),
        ("msiexec /qn; $LASTEXITCODE", "1639"),
    ];
    for (script, expected) in table {
        let run = begins(&mut world, no, script, None);
        pass(&mut world, 5);
        assert_eq!(printed(&mut world, run), expected, "{script}");
    }
    let waits = begins(
        &mut world,
        no,
        &format!("{}msiexec /i \"$env:TEMP\\7z2301-x64.msi\"", fetch("7z2301-x64.msi")),
        None,
    );
    pass(&mut world, 86_400);
    assert_eq!(progress(&mut world, waits), Progress::Runs(None), "a window that nobody sees");
}

#[test]
fn uninstallers_remove_what_they_are_for() {
    let (mut world, no) = estate();
    for id in ["sentinel-24.1", "huntress-0.13"] {
        let (row, now) = (catalogue::by_id(id).unwrap().row(world.now().date_naive()), world.now());
        state_mut(&mut world, no).apply(&crate::world::Effect::Software(Box::new(row)), now);
    }
    let script = "$row = Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\*' | Where-Object DisplayName -eq 'Sentinel Agent'\n\
        $p = Start-Process msiexec.exe -ArgumentList \"/x $($row.PSChildName) /qn /norestart\" -Wait -PassThru\n$p.ExitCode\n\
        $u = Get-ChildItem \"$env:ProgramFiles\\Huntress\\Uninstall.exe\" | Select-Object -First 1\n\
        $p = Start-Process $u.FullName -ArgumentList '/S' -Wait -PassThru\n$p.ExitCode\n@(Get-Service Sentinel*, Huntress* ).Count";
    let run = begins(&mut world, no, script, None);
    pass(&mut world, 600);
    assert_eq!(printed(&mut world, run), "0\r\n0\r\n0");
    assert!(state(&world, no).software.is_empty());
}

#[test]
fn a_bad_download_is_told_by_its_hash_only() {
    let (mut world, no) = estate();
    let (file, package) = ("7z2408-x64.msi", catalogue::by_id("7zip-24.08").unwrap());
    let script = format!(
        "{}(Get-FileHash \"$env:TEMP\\{file}\").Hash -eq '{}'",
        fetch(file),
        package.sha256()
    );
    let good = begins(&mut world, no, &script, None);
    pass(&mut world, 10);
    assert_eq!(printed(&mut world, good), "True");
    world.states.download_faults.insert(file.to_owned(), crate::world::DownloadTrouble::Corrupt);
    let bad = begins(&mut world, no, &script, None);
    pass(&mut world, 10);
    assert_eq!(printed(&mut world, bad), "False");
    world.states.download_faults.insert(file.to_owned(), crate::world::DownloadTrouble::Missing);
    let none = begins(
        &mut world,
        no,
        "Invoke-WebRequest 'https://packages.example/7z2408-x64.msi' -OutFile C:\\x.msi",
        None,
    );
    pass(&mut world, 10);
    assert!(printed(&mut world, none).ends_with("(404) Not Found."));
}

#[test]
fn the_seed_says_what_a_machine_holds_whoever_asks_first() {
    let options = Options { seed: 9, computers: 300, ..Options::default() };
    let at = chrono::Utc::now();
    let one = crate::generate::generate_at(&options, at);
    let other = crate::generate::generate_at(&options, at);
    let all: Vec<_> =
        (0..one.machines.len()).rev().map(|no| state(&one, no).into_owned()).collect();
    let again: Vec<_> = (0..one.machines.len()).map(|no| state(&other, no).into_owned()).collect();
    assert!(all.iter().rev().eq(again.iter()));
    let with = |name: &str| {
        all.iter().filter(|s| s.software.iter().any(|row| row.name.contains(name))).count()
    };
    assert!(with("Adobe Acrobat Reader") > 100 && with("7-Zip") > 100 && with("3CX") > 30);
    let both = all.iter().filter(|state| {
        let has = |name: &str| state.software.iter().any(|row| row.name == name);
        has("Adobe Acrobat") && has("Adobe Acrobat Reader")
    });
    assert!(both.count() > 5, "names that contain each other on one machine");
    assert!(all.iter().filter(|state| !state.pending.is_empty()).count() > 10);
    let now = one.now();
    assert!(all.iter().all(|state| state.booted < now - Duration::minutes(4)));
}
