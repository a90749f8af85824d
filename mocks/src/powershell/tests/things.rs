//! References, streams, processes, tasks and the net.

use std::sync::Arc;

use super::*;
use crate::machine::Account;
use crate::world::{Web, WebAnswer};

#[test]
fn lists_tables_and_objects_are_references() {
    let table: &[(&str, &[&str])] = &[
        ("$a = @(1, 2); $b = $a; $b[0] = 9; \"$a\"", &["9 2"]),
        ("$a = @{ x = 1 }; function f($t) { $t['x'] = 2 }; f $a; $a.x", &["2"]),
        ("$o = [pscustomobject]@{ n = 1 }; $p = $o; $p.n = 5; $o.n", &["5"]),
        ("$a = @(1); $b = $a; $b += 2; \"$a|$b\"", &["1|1 2"]),
        (
            "$l = New-Object Collections.ArrayList; [void]$l.Add(3); $m = $l; [void]$m.Add(4); \"$l\"",
            &["3 4"],
        ),
        (
            "$h = New-Object Collections.Hashtable ([StringComparer]::Ordinal); $h['a'] = 1; $h['A'] = 2; $h.Count",
            &["2"],
        ),
        ("$h = @{}; $h['a'] = 1; $h['A'] = 2; $h.Count", &["1"]),
        (
            "$b = [byte[]](1, 2, 255); $c = $b; $c[0] = 7; \"$b $($b.Length) $($b.GetType().Name)\"",
            &["7 2 255 3 Byte[]"],
        ),
        (
            "$o = 'x' | ForEach-Object { [pscustomobject]@{ n = $_ } }; $o | Add-Member Extra 3; $o.Extra",
            &["3"],
        ),
        ("try { @(1).Add(2) } catch { 'fixed' }", &["fixed"]),
        ("$h = @{}; try { $h.self = $h } catch { 'refused' }; $h.Count", &["refused", "0"]),
        ("$h = @{}; $l = @($h, 1); try { $h.l = $l } catch { 'refused' }", &["refused"]),
    ];
    for (script, expected) in table {
        prints(script, expected);
    }
}

#[test]
fn streams_and_builders_keep_their_state() {
    let table: &[(&str, &[&str])] = &[
        (
            "$m = New-Object IO.MemoryStream; $b = [Text.Encoding]::ASCII.GetBytes('abc'); $m.Write($b, 1, 2); $m.WriteByte(10); [BitConverter]::ToString($m.ToArray())",
            &["62-63-0A"],
        ),
        (
            "[IO.File]::WriteAllText('C:\\Windows\\Temp\\f', 'hello'); $s = New-Object IO.FileStream('C:\\Windows\\Temp\\f', 'Open', 'Read', 'ReadWrite'); $r = New-Object IO.BinaryReader($s); [void]$s.Seek(-3, 'End'); [Text.Encoding]::UTF8.GetString($r.ReadBytes(9)); $s.Length; $s.Dispose(); try { $s.Seek(0, 'Begin') } catch { 'closed' }",
            &["llo", "5", "closed"],
        ),
        (
            "$w = New-Object IO.StreamWriter('C:\\Windows\\Temp\\w', $false, (New-Object Text.UTF8Encoding $false)); $w.WriteLine('a'); [IO.File]::ReadAllText('C:\\Windows\\Temp\\w').Length; $w.AutoFlush = $true; $w.WriteLine('b'); [IO.File]::ReadAllText('C:\\Windows\\Temp\\w').Length; $w.Dispose()",
            &["0", "6"],
        ),
        (
            "$t = New-Object Text.StringBuilder; [void]$t.Append('x').AppendLine('y'); $t.Append(1).ToString().Length",
            &["5"],
        ),
        (
            "[IO.File]::WriteAllText('C:\\Windows\\Temp\\u', 'x', [Text.Encoding]::UTF8); [IO.File]::ReadAllBytes('C:\\Windows\\Temp\\u').Length; Get-Content 'C:\\Windows\\Temp\\u'",
            &["4", "x"],
        ),
        (
            "$h = New-Object Security.Cryptography.SHA256CryptoServiceProvider; [BitConverter]::ToString($h.ComputeHash([byte[]](97, 98, 99))).Replace('-', '').Substring(0, 8)",
            &["BA7816BF"],
        ),
        (
            "$w = [Diagnostics.Stopwatch]::StartNew(); Start-Sleep -Milliseconds 1500; $w.Elapsed.TotalSeconds; $w.ElapsedMilliseconds",
            &["1.5", "1500"],
        ),
        (
            "[int][Type]::GetTypeCode((5).GetType()); [int][Type]::GetTypeCode('x'.GetType()); 5000000000 -is [long]",
            &["9", "18", "True"],
        ),
        (
            "6 -band 3; 6 -bor 1; 5 -bxor 1; 1 -shl 4; (32 -band 16) -ne 0",
            &["2", "7", "4", "16", "False"],
        ),
    ];
    for (script, expected) in table {
        prints(script, expected);
    }
}

#[test]
fn streams_beside_the_output_go_where_they_are_sent() {
    let table: &[(&str, &[&str])] = &[
        (
            "function f { 1; Write-Warning 'w'; 2 }; f 3>&1 | ForEach-Object { \"<$_>\" }",
            &["<1>", "<w>", "<2>"],
        ),
        (
            "function f { Write-Warning 'w'; 2 }; $x = f 3>&1; \"$($x.Count) $($x[0].GetType().Name)\"",
            &["2 WarningRecord"],
        ),
        (
            "function f { $n = g; \"got $n\" }; function g { Write-Host 'told'; 5 }; f 6>&1 | ForEach-Object { \"<$_>\" }",
            &["<told>", "<got 5>"],
        ),
        (
            "function f { Write-Error 'e'; 2 }; f 2>&1 | ForEach-Object { $_.GetType().Name }",
            &["ErrorRecord", "Int32"],
        ),
        ("function f { Write-Warning 'w'; 2 }; f 3>$null", &["2"]),
        (
            "function f { Write-Warning 'w'; 2 }; f *> C:\\Windows\\Temp\\all.txt; (Get-Content C:\\Windows\\Temp\\all.txt) -join ','",
            &["w,2"],
        ),
        ("Write-Verbose 'no'; Write-Verbose 'yes' -Verbose", &["VERBOSE: yes"]),
        (
            "function f { 'a'; throw 'x' }; try { f | ForEach-Object { \"<$_>\" } } catch { 'caught' }",
            &["<a>", "caught"],
        ),
        ("[Console]::Out.WriteLine('o'); [Console]::Error.WriteLine('e')", &["o", "e"]),
    ];
    for (script, expected) in table {
        prints(script, expected);
    }
}

#[test]
fn scripts_have_scopes_places_and_exit_codes_of_their_own() {
    let file = "[IO.File]::WriteAllText('C:\\Windows\\Temp\\s.ps1', $text)\n";
    let table: &[(&str, &str, &[&str])] = &[
        (
            "'param($a, [int]$b = 2) \"$a $($b + 1) $PSScriptRoot\"'",
            "& C:\\Windows\\Temp\\s.ps1 -b 4 x",
            &["x 5 C:\\Windows\\Temp"],
        ),
        ("'$x = 1; exit 7'", "$x = 5; & C:\\Windows\\Temp\\s.ps1; \"$x $LASTEXITCODE\"", &["5 7"]),
        ("'$x = 1'", "$x = 5; . C:\\Windows\\Temp\\s.ps1; $x", &["1"]),
        (
            "\"`n`nthrow 'bad'\"",
            "try { & C:\\Windows\\Temp\\s.ps1 } catch { $_.InvocationInfo.ScriptLineNumber; $Error.Count }",
            &["3", "1"],
        ),
        (
            "'function f { $script:n = 3 }; f; $n'",
            "$n = 1; & C:\\Windows\\Temp\\s.ps1; $n",
            &["3", "1"],
        ),
        (
            "'param($Path) 1'",
            "(Get-Command C:\\Windows\\Temp\\s.ps1 -CommandType ExternalScript).Parameters.ContainsKey('path')",
            &["True"],
        ),
    ];
    for (text, call, expected) in table {
        prints(&format!("$text = {text}\n{file}{call}"), expected);
    }
    prints(".([ScriptBlock]::Create('$q = 4; function g { 5 }')); $q; g", &["4", "5"]);
    prints(
        "switch -CaseSensitive ('T') { 't' { 1 } 'T' { 2 } }; Set-Variable -Name v -Value (3 + 4); $v",
        &["2", "7"],
    );
}

#[test]
fn processes_run_beside_and_end_with_their_tree() {
    let (lines, sim) = ran(
        "$p = Start-Process powershell.exe -ArgumentList '-Command \"Set-Content C:\\Windows\\Temp\\a.txt 1; Start-Sleep 30; Set-Content C:\\Windows\\Temp\\b.txt 1\"' -PassThru\n\
         \"$($p.HasExited) $(Test-Path C:\\Windows\\Temp\\a.txt)\"\nStart-Sleep 5\n\"$($p.HasExited) $(Test-Path C:\\Windows\\Temp\\a.txt)\"\n\
         Stop-Process -Id $p.Id\n$p.WaitForExit(1000); $p.ExitCode\nStart-Sleep 60\nTest-Path C:\\Windows\\Temp\\b.txt",
    );
    assert_eq!(lines, ["False False", "False True", "True", "1", "False"]);
    assert!(!sim.effects.iter().any(|deed| format!("{:?}", deed.effect).contains("b.txt")));
    // A process within a process, ended by its grandparent.
    let (lines, _) = ran(
        "$p = Start-Process cmd.exe -ArgumentList '/c powershell -Command \"Start-Sleep 30; Set-Content C:\\Windows\\Temp\\c.txt 1\"' -PassThru\n\
         $p.WaitForExit(2000)\n& C:\\Windows\\System32\\taskkill.exe /T /F /PID $p.Id | Out-Null\n$LASTEXITCODE\nStart-Sleep 60\nTest-Path C:\\Windows\\Temp\\c.txt",
    );
    assert_eq!(lines, ["False", "0", "False"]);
}

#[test]
fn a_user_has_the_rights_of_a_user() {
    let mut sim = sim(&estate());
    sim.account = Account::User(r"ACME\kim".to_owned());
    let script = "\"$env:USERNAME $(whoami)\"\n\
        foreach ($f in 'C:\\Windows\\x', 'C:\\Program Files\\x', 'C:\\Users\\Public\\x') { try { [IO.File]::WriteAllText($f, '1'); 'written' } catch { 'denied' } }";
    let printed = shell::run(&mut sim, Language::PowerShell, script);
    assert_eq!(printed, "kim acme\\kim\r\ndenied\r\ndenied\r\nwritten");
}

#[test]
fn a_machine_asks_an_address_by_post_and_nothing_but_this_computer() {
    let mut sim = sim(&estate());
    sim.web = Some(Web(Arc::new(|request| {
        let headers = request.headers.iter().map(|(name, value)| format!("{name}={value}"));
        let told = format!(
            "{} {} {}",
            request.method,
            headers.collect::<Vec<_>>().join(","),
            request.redirects
        );
        let status = if request.url.ends_with("/no") { 403 } else { 200 };
        Ok(WebAnswer { status, kind: "text/plain".to_owned(), body: told.into_bytes() })
    })));
    let script = "Invoke-RestMethod -Method Post -UseBasicParsing -MaximumRedirection 0 -Uri 'https://localhost:1/x' -Headers @{ Authorization = 'Bearer t' }\n\
        foreach ($u in 'https://localhost:1/no', 'https://elsewhere.example/x') { try { Invoke-RestMethod -Method Post -Uri $u } catch { \"$_\" } }";
    let printed = shell::run(&mut sim, Language::PowerShell, script);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[0], "POST Authorization=Bearer t 0");
    assert!(lines[1].contains("(403)") && lines[2].contains("(404)"), "{printed}");
}

#[test]
fn batch_files_jump_loop_and_send_their_streams() {
    let table: &[(&str, &[&str])] = &[
        ("set n=0\r\n:again\r\nset /a n+=1\r\nif %n% lss 3 goto again\r\necho %n%", &["3"]),
        ("for /l %%i in (1,1,3) do echo n%%i", &["n1", "n2", "n3"]),
        ("for /f \"tokens=2 delims==\" %%v in ('echo a=b=c') do echo %%v", &["b"]),
        (
            "setlocal enabledelayedexpansion\r\nset x=1\r\nif 1==1 (\r\n set x=2\r\n echo %x% !x!\r\n)",
            &["1 2"],
        ),
        ("echo one 2>nul | find \"two\"\r\necho %errorlevel%", &["1"]),
        (
            "call :f a b\r\necho %errorlevel%\r\nexit /b 0\r\n:f\r\necho %2 %~nx0\r\nexit /b 5",
            &["b t.cmd", "5"],
        ),
        (
            "(echo a & echo b) > C:\\Windows\\Temp\\o.txt\r\ntype C:\\Windows\\Temp\\o.txt",
            &["a", "b"],
        ),
        ("echo %windir:~0,2% %windir:Windows=X% %nothing%.", &["C: C:\\X ."]),
        ("if not exist C:\\no (echo gone) else (echo there)", &["gone"]),
        ("echo a ^& b", &["a & b"]),
    ];
    for (text, expected) in table {
        let mut sim = sim(&estate());
        let content = Content::Text(format!("@echo off\r\n{text}"));
        sim.act(Effect::File(FileEntry { path: r"C:\Windows\Temp\t.cmd".to_owned(), content }));
        let ended = crate::cmd::command_line(&mut sim, r#"/d /s /c ""C:\Windows\Temp\t.cmd"""#);
        let lines: Vec<&str> = ended.lines().into_iter().map(str::trim_end).collect();
        assert_eq!(lines, *expected, "{text}");
    }
}
