//! What takes long, hangs, or ends with the machine.

use core_script::{Answer, LastValue};
use mocks::world::{InstallTrouble, Verb};

use super::*;

/// Fetches an installer of the source and waits for it; what it ended with.
fn install(file: &str, switches: &str) -> String {
    format!(
        "$f = Join-Path $env:TEMP '{file}'\n\
         (New-Object Net.WebClient).DownloadFile('https://packages.example/{file}', $f)\n\
         $p = Start-Process -FilePath $f -ArgumentList '{switches}' -Wait -PassThru\n$p.ExitCode"
    )
}

fn installers(desk: &Desk) -> Vec<(String, Verb, Option<i64>)> {
    let state = mocks::machine::state(&desk.world, desk.no);
    state.installers.iter().map(|run| (run.package.clone(), run.verb, run.exit)).collect()
}

fn names(desk: &Desk) -> Vec<String> {
    let state = mocks::machine::state(&desk.world, desk.no);
    state.software.iter().map(|row| row.name.to_string()).collect()
}

#[test]
fn a_script_that_takes_too_long_is_ended_and_what_it_printed_is_there() {
    let mut desk = Desk::new();
    desk.limit_s = 60;
    let body = "'begun'; Start-Sleep -Seconds 30; 'half'; Start-Sleep -Seconds 300; 'never'";
    match desk.runs(&Script::new(body), &nothing()) {
        Answer::TimedOut { after_s: 60, until_then } => {
            assert_eq!(until_then.output.head, "begun\nhalf\n");
            assert_eq!((until_then.exit, until_then.value), (None, LastValue::None));
        }
        other => panic!("{other:?}"),
    }
    for body in ["while ($true) { }", "while ($true) { Start-Sleep -Seconds 1 }"] {
        let answer = desk.runs(&Script::new(body), &nothing());
        assert!(matches!(answer, Answer::TimedOut { .. }), "{body}: {answer:?}");
    }
    let script = Script::new("echo begun\n:again\ntimeout /t 20\ngoto again")
        .in_language(ScriptLanguage::Cmd);
    match desk.runs(&script, &nothing()) {
        Answer::TimedOut { until_then, .. } => assert_eq!(until_then.output.head, "begun\n"),
        other => panic!("{other:?}"),
    }
    // One that is in time is not.
    assert_eq!(desk.value("Start-Sleep -Seconds 50; $true"), LastValue::Boolean(true));
}

#[test]
fn a_hanging_installer_dies_with_the_script_and_does_nothing_later() {
    let mut desk = Desk::new();
    desk.limit_s = 120;
    // Without its switch it waits for somebody to click.
    let answer = desk.runs(&Script::new(&install("HuntressInstaller.exe", "/lang=en")), &nothing());
    assert!(matches!(answer, Answer::TimedOut { .. }), "{answer:?}");
    // One that takes longer than there is time.
    desk.change(&Change::InstallFault {
        machine: None,
        package: "7zip-24.08".into(),
        trouble: InstallTrouble::Takes(900),
        times: Some(1),
    });
    let msi = install("7z2408-x64.msi", "/qn /norestart");
    let answer = desk.runs(&Script::new(&msi), &nothing());
    assert!(matches!(answer, Answer::TimedOut { .. }), "{answer:?}");
    desk.world.clock_ahead += 3_600;
    mocks::machine::settle(&mut desk.world);
    assert!(!names(&desk).iter().any(|name| name.contains("7-Zip")), "{:?}", names(&desk));
    assert_eq!(installers(&desk), [("7zip-24.08".to_owned(), Verb::Install, None)]);
    // Windows Installer is free again.
    assert_eq!(desk.value(&msi), number(0));
    assert!(names(&desk).iter().any(|name| name.contains("7-Zip 24.08")));
}

#[test]
fn what_the_script_does_not_wait_for_goes_on_after_it() {
    let mut desk = Desk::new();
    let body = install("7z2408-x64.msi", "/qn /norestart").replace("-Wait ", "");
    let run = desk.powershell(&format!("{body}\n$p.HasExited\n$p.WaitForExit(1000)"));
    assert_eq!(run.value, LastValue::Boolean(false), "{run:?}");
    assert!(!names(&desk).iter().any(|name| name.contains("7-Zip")));
    desk.world.clock_ahead += 60;
    mocks::machine::settle(&mut desk.world);
    assert!(names(&desk).iter().any(|name| name.contains("7-Zip")));
}

#[test]
fn a_machine_that_goes_off_in_the_middle_is_not_heard_of() {
    let mut desk = Desk::new();
    let script = Script::new(&format!(
        "Start-Sleep -Seconds 60; {}",
        install("7z2408-x64.msi", "/qn /norestart")
    ));
    let delivery = desk.deliver(&script, &nothing(), None);
    let run = mocks::machine::begin_line(&mut desk.world, desk.no, &line(delivery.run.expose()));
    desk.world.clock_ahead += 30;
    mocks::machine::settle(&mut desk.world);
    desk.change(&Change::Power { machine: Pick::No(desk.no), on: false });
    desk.world.clock_ahead += 600;
    desk.change(&Change::Power { machine: Pick::No(desk.no), on: true });
    assert_eq!(mocks::machine::heard(&mut desk.world, run), None);
    assert!(installers(&desk).is_empty() && names(&desk).is_empty());
    // The folder is there still: nobody took it away. The next script runs all the same.
    assert_eq!(desk.value("$true"), LastValue::Boolean(true));
}

#[test]
fn a_reboot_that_the_script_asks_for_comes_after_its_answer() {
    let mut desk = Desk::new();
    for body in ["shutdown.exe /r /t 5; $true", "Restart-Computer -Force; $true"] {
        let before = mocks::machine::state(&desk.world, desk.no).reboots.len();
        let run = desk.powershell(body);
        assert_eq!((run.exit, run.value), (Some(0), LastValue::Boolean(true)), "{body}");
        desk.world.clock_ahead += 300;
        mocks::machine::settle(&mut desk.world);
        let state = mocks::machine::state(&desk.world, desk.no);
        assert_eq!(state.reboots.len(), before + 1, "{body}");
    }
    // A script that goes on past it is gone with the machine.
    let script = Script::new("shutdown.exe /r /t 5; Start-Sleep -Seconds 120; $true");
    let delivery = desk.deliver(&script, &nothing(), None);
    assert_eq!(desk.send(delivery.run.expose()), "");
}
