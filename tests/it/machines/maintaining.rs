//! What an engine of maintenance asks machines, and has them do.

use core_script::LastValue;
use mocks::world::RebootCause;
use serde_json::json;

use super::*;

/// A desk with software of both views, and Windows' own ways to remove it.
fn equipped() -> Desk {
    let mut desk = Desk::new();
    for package in ["7zip-23.01", "java-8u401", "huntress-0.13"] {
        let file = mocks::machine::catalogue::by_id(package).unwrap();
        let row = file.row(desk.world.now().date_naive());
        desk.hold(|state| state.software.push(row));
    }
    desk
}

#[test]
fn the_uninstall_keys_of_both_views_are_read() {
    let mut desk = equipped();
    let body = r"
$keys = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\*',
        'HKLM:\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall\*'
$found = foreach ($key in $keys) {
  foreach ($row in Get-ItemProperty -Path $key -ErrorAction SilentlyContinue) {
    if (-not $row.DisplayName) { continue }
    [pscustomobject]@{
      Name = $row.DisplayName; Version = $row.DisplayVersion; Key = $row.PSChildName
      Msi = ($row.WindowsInstaller -eq 1); Quiet = $row.QuietUninstallString
      Bits = $(if ($row.PSPath -like '*WOW6432Node*') { 32 } else { 64 })
    }
  }
}
, @($found | Sort-Object Name)";
    let LastValue::Json(rows) = desk.value(body) else { panic!("no rows") };
    let row = |name: &str| {
        let found = rows
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["Name"].as_str().unwrap().contains(name));
        found.cloned().unwrap_or_default()
    };
    let zip = row("7-Zip");
    assert_eq!(
        (zip["Version"].as_str(), &zip["Msi"], &zip["Bits"]),
        (Some("23.01.00.0"), &json!(true), &json!(64))
    );
    assert_eq!(zip["Key"], "{23170F69-40C1-2702-2301-000001000000}");
    assert_eq!(row("Java")["Bits"], 32);
    let huntress = row("Huntress");
    assert_eq!((&huntress["Msi"], &huntress["Key"]), (&json!(false), &json!("Huntress")));
    let quiet = huntress["Quiet"].as_str().unwrap();
    assert!(quiet.starts_with('"') && quiet.contains("Uninstall.exe"), "{quiet}");
}

#[test]
fn pending_reboots_are_told_by_their_three_keys() {
    let body = r"
$flags = @()
if (Test-Path -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending') { $flags += 'servicing' }
if (Test-Path -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired') { $flags += 'updates' }
$renames = (Get-ItemProperty -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager' -Name PendingFileRenameOperations -ErrorAction SilentlyContinue).PendingFileRenameOperations
if ($renames) { $flags += 'renames' }
$flags -join ','";
    let mut desk = Desk::new();
    assert_eq!(desk.value(body), text(""));
    for (cause, expected) in [
        (RebootCause::Servicing, "servicing"),
        (RebootCause::Updates, "servicing,updates"),
        (RebootCause::FileRenames, "servicing,updates,renames"),
    ] {
        desk.hold(|state| state.pending.push(cause));
        assert_eq!(desk.value(body), text(expected));
    }
    let boot =
        "(Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('o')";
    let before = desk.value(boot);
    desk.powershell("shutdown.exe /r /t 5");
    desk.world.clock_ahead += 300;
    mocks::machine::settle(&mut desk.world);
    assert_eq!(desk.value(body), text(""));
    let after = desk.value(boot);
    let (LastValue::Text(before), LastValue::Text(after)) = (before, after) else {
        panic!("no texts")
    };
    assert!(before < after, "{before} {after}");
}

#[test]
fn packages_are_fetched_compared_and_installed_with_their_exit_codes() {
    let mut desk = Desk::new();
    let hash = mocks::machine::catalogue::by_id("7zip-24.08").unwrap().sha256();
    let fetch = "Invoke-WebRequest -UseBasicParsing -Uri 'https://packages.example/7z2408-x64.msi' -OutFile 'C:\\Windows\\Temp\\z.msi'";
    let run = desk.powershell(&format!(
        "{fetch}; (Get-FileHash -LiteralPath 'C:\\Windows\\Temp\\z.msi' -Algorithm SHA256).Hash"
    ));
    assert_eq!(run.value, text(&hash), "{run:?}");
    let msi = |arguments: &str| {
        format!("(Start-Process msiexec.exe -ArgumentList '{arguments}' -Wait -PassThru).ExitCode")
    };
    let code = "{23170F69-40C1-2702-2408-000001000000}";
    for (arguments, exit) in [
        (r"/i C:\Windows\Temp\z.msi /qn /norestart".to_owned(), 0),
        (r"/i C:\Windows\Temp\no.msi /qn".to_owned(), 1619),
        (format!("/x {code} /qn /norestart"), 0),
        (format!("/x {code} /qn /norestart"), 1605),
    ] {
        assert_eq!(desk.value(&msi(&arguments)), number(exit), "{arguments}");
    }
    desk.hold(|state| state.files.clear());
    let gone = desk.powershell("$ErrorActionPreference = 'Stop'; (New-Object Net.WebClient).DownloadFile('https://packages.example/none.msi', 'C:\\Windows\\Temp\\n.msi')");
    assert_eq!(gone.exit, Some(1));
    assert!(gone.errors.head.contains("404"), "{gone:?}");
    let quiet = desk.powershell(r"Start-Process -FilePath cmd.exe -ArgumentList '/c exit 3010' -Wait -PassThru | ForEach-Object { $_.ExitCode }");
    assert_eq!(quiet.value, number(3010));
}

#[test]
fn a_run_of_another_process_is_read_by_its_files_and_ended_by_its_number() {
    let mut desk = Desk::new();
    let body = r#"
$o = Join-Path $PSScriptRoot 'out.txt'; $e = Join-Path $PSScriptRoot 'err.txt'
$p = Start-Process powershell.exe -ArgumentList '-NoProfile -Command "Write-Output one; [Console]::Error.WriteLine(''two''); Start-Sleep 20; Write-Output three; exit 4"' -PassThru -RedirectStandardOutput $o -RedirectStandardError $e
$early = $p.WaitForExit(5000)
$at5 = [IO.File]::ReadAllText($o).Trim()
$p.WaitForExit()
[pscustomobject]@{ early = $early; at5 = $at5; out = [IO.File]::ReadAllText($o).Trim(); err = [IO.File]::ReadAllText($e).Trim(); code = $p.ExitCode }"#;
    let run = desk.powershell(body);
    let expected =
        json!({ "early": false, "at5": "one", "out": "one\r\nthree", "err": "two", "code": 4 });
    assert_eq!(run.value, LastValue::Json(expected), "{run:?}");
    let body = r#"
$p = Start-Process powershell.exe -ArgumentList '-NoProfile -Command "Start-Sleep 20; Set-Content C:\Users\Public\late.txt x"' -PassThru
Start-Sleep 2
$said = & taskkill.exe /T /F /PID $p.Id
$again = & taskkill.exe /T /F /PID $p.Id 2>&1
Start-Sleep 60
[pscustomobject]@{ said = "$said"; again = $LASTEXITCODE; code = $p.ExitCode; late = (Test-Path C:\Users\Public\late.txt) }"#;
    let LastValue::Json(found) = desk.value(body) else { panic!("no object") };
    assert!(found["said"].as_str().unwrap().starts_with("SUCCESS"), "{found}");
    assert_eq!(
        (&found["again"], &found["code"], &found["late"]),
        (&json!(128), &json!(1), &json!(false))
    );
}

#[test]
fn registry_and_services_are_set_and_read_back() {
    let mut desk = Desk::new();
    let body = r"
New-Item -Path 'HKLM:\SOFTWARE\Policies\Acme' -Force | Out-Null
New-ItemProperty -Path 'HKLM:\SOFTWARE\Policies\Acme' -Name Level -Value 2 -PropertyType DWord -Force | Out-Null
Set-Service -Name Spooler -StartupType Disabled
Stop-Service -Name Spooler -Force
$s = Get-Service -Name Spooler
[pscustomobject]@{ level = (Get-ItemProperty 'HKLM:\SOFTWARE\Policies\Acme').Level; status = [string]$s.Status; start = [string]$s.StartType }";
    let expected = json!({ "level": 2, "status": "Stopped", "start": "Disabled" });
    assert_eq!(desk.value(body), LastValue::Json(expected));
    let state = mocks::machine::state(&desk.world, desk.no);
    assert!(state.registry.contains_key(r"hklm\software\policies\acme"));
}
