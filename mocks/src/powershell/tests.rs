//! Scripts and what comes of them, and scripts that nobody would write.

use proptest::prelude::*;

use crate::generate::generate;
use crate::machine::{Facts, Sim, state_mut};
use crate::shell::{self, Language};
use crate::world::{Content, Effect, FileEntry, LoggedOn, MachineKind, Options, World};

mod things;

fn estate() -> World {
    let mut world = generate(&Options { seed: 21, computers: 60, ..Options::default() });
    let now = world.now();
    let no = machine(&world);
    world.machines[no].logged_on = LoggedOn::Nobody;
    let state = state_mut(&mut world, no);
    *state = crate::machine::bare(now);
    for id in ["reader-24.001", "acrobat-23.008", "7zip-23.01", "zoom-6.1", "java-8u401"] {
        let package = crate::machine::catalogue::by_id(id).unwrap();
        state.apply(&Effect::Software(Box::new(package.row(now.date_naive()))), now);
    }
    world
}

fn machine(world: &World) -> usize {
    world.machines.iter().position(|m| m.online && m.kind == MachineKind::Laptop).unwrap()
}

fn sim(world: &World) -> Sim {
    let facts = Facts::of(world, machine(world)).unwrap();
    Sim::new(world, facts, world.now(), Some(3_600_000))
}

fn ran(script: &str) -> (Vec<String>, Sim) {
    let mut sim = sim(&estate());
    let output = shell::run(&mut sim, Language::PowerShell, script);
    (output.lines().map(str::to_owned).collect(), sim)
}

fn prints(script: &str, expected: &[&str]) {
    assert_eq!(ran(script).0, expected, "{script}");
}

#[test]
fn the_language() {
    let table: &[(&str, &[&str])] = &[
        ("'a'; \"b$(1 + 2)c\"; 3 * 4", &["a", "b3c", "12"]),
        ("$x = 5; $x += 2; $x++; \"$x\"", &["8"]),
        ("if (1 -gt 2) { 'no' } elseif ('A' -eq 'a') { 'yes' } else { 'never' }", &["yes"]),
        ("foreach ($i in 1..3) { if ($i -eq 2) { continue }; $i }", &["1", "3"]),
        ("for ($i = 0; $i -lt 2; $i++) { $i }", &["0", "1"]),
        ("$n = 0; while ($true) { $n++; if ($n -ge 3) { break } }; $n", &["3"]),
        ("do { $k += 1 } until ($k -ge 2)\n$k", &["2"]),
        ("switch ('set') { 'get' { 1 } 'set' { 2 } default { 3 } }", &["2"]),
        ("switch -Wildcard ('7-Zip 23') { '7-Zip*' { 'zip' } default { 'other' } }", &["zip"]),
        (
            "try { throw 'bad' } catch { \"caught $($_.Exception.Message)\" } finally { 'end' }",
            &["caught bad", "end"],
        ),
        ("function Add([int]$a, $b = 4) { return $a + $b }\nAdd 3\nAdd -b 1 -a 2", &["7", "3"]),
        (
            "function F { param([string] $name, [switch] $on)\n\"$name $on\" }\nF -on -name x",
            &["x True"],
        ),
        ("& { param($a)\n\"got $a\" } 7", &["got 7"]),
        ("$h = @{ a = 1; b = 'two' }; $h.a; $h['b']; $h.c = 3; $h.Count", &["1", "two", "3"]),
        ("@(1, 2, 3) | Where-Object { $_ -gt 1 } | ForEach-Object { $_ * 10 }", &["20", "30"]),
        ("'1.10' -gt '1.9'; [version]'1.10' -gt [version]'1.9'", &["False", "True"]),
        ("[version]'1.2.3' -ge '1.2'", &["True"]),
        ("0, 3010 -contains 3010; 5 -notin 0, 3010", &["True", "True"]),
        ("'7-Zip 23.01 (x64)' -match '(\\d+)\\.(\\d+)' | Out-Null; $Matches[1]", &["23"]),
        (
            "'a-b' -replace '-', '+'; 'a,b' -split ','; ('x', 'y') -join '/'",
            &["a+b", "a", "b", "x/y"],
        ),
        ("'{0} of {1:D3}' -f 'one', 7", &["one of 007"]),
        ("@'\nline $x\n'@\n$x = 1\n@\"\nvalue $x\n\"@", &["line $x", "value 1"]),
        ("[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('aGk='))", &["hi"]),
        ("Write-Output `\n  'two' # a comment\n<# block\n #> 'three'", &["two", "three"]),
        (
            "@{ b = 1 } | ConvertTo-Json -Compress; '{\"v\": [1, 2]}' | ConvertFrom-Json | % { $_.v[1] }",
            &["{\"b\":1}", "2"],
        ),
        ("-not $false; !$true; $null -eq $x", &["True", "False", "True"]),
        (
            "\"$env:ProgramFiles\\x\"; Join-Path $env:TEMP 'a.exe'",
            &["C:\\Program Files\\x", "C:\\Windows\\Temp\\a.exe"],
        ),
        ("'before'; exit 3; 'after'", &["before"]),
        ("$p = @{ Path = 'C:\\Windows'; PathType = 'Container' }; Test-Path @p", &["True"]),
        ("(Get-Date '2026-03-01').AddDays(1).ToString('yyyy-MM-dd')", &["2026-03-02"]),
        ("$list = @(); $list += 'a'; $list += 'b'; $list.Count; $list[-1]", &["2", "b"]),
        ("Get-Nothing 2>$null; \"ok $?\"", &["ok False"]),
        ("1kb; 0x10; 7 / 2; 7 % 4", &["1024", "16", "3.5", "3"]),
    ];
    for (script, expected) in table {
        prints(script, expected);
    }
}

#[test]
fn what_it_does_not_know_it_says_in_powershells_words_and_goes_on() {
    let (lines, _) = ran("Get-Frobnicator -All\n\"after $?\"");
    let expected = "Get-Frobnicator : The term 'Get-Frobnicator' is not recognized as the name of a cmdlet, function, script file, or operable program.";
    assert_eq!(lines, [expected, "after False"]);
    let (lines, _) = ran("$ErrorActionPreference = 'Stop'\nGet-Frobnicator\n'never'");
    assert_eq!(lines, [expected]);
    let (lines, _) = ran("try { Get-Item 'C:\\nope' -ErrorAction Stop } catch { \"c: $_\" }");
    assert_eq!(lines, ["c: Cannot find path 'C:\\nope' because it does not exist."]);
    let (lines, _) = ran("Get-Item 'C:\\nope' -ErrorAction SilentlyContinue\n$null.Trim()\n'on'");
    assert_eq!(lines, ["You cannot call a method on a null-valued expression.", "on"]);
    for broken in ["if (1) {", "'open", "a && b", "$x = ", "foreach ($a on 1) {}"] {
        let (lines, sim) = ran(&format!("'never printed'\n{broken}"));
        assert!(lines[0].starts_with("At line:"), "{broken}: {lines:?}");
        assert!(sim.effects.is_empty());
    }
}

#[test]
fn detection_reads_the_registry_and_names_that_contain_each_other_are_both_found() {
    let detect = |test: &str| {
        ran(&format!(
            "$keys = 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\*',\n\
             'HKLM:\\SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\*'\n\
             Get-ItemProperty $keys -ErrorAction SilentlyContinue |\n\
             Where-Object {{ $_.DisplayName {test} }} |\n    Select-Object -ExpandProperty DisplayVersion"
        ))
        .0
    };
    assert_eq!(detect("-eq 'Adobe Acrobat'"), ["23.008.20470"]);
    assert_eq!(detect("-like 'Adobe Acrobat Reader*'"), ["24.001.20604"]);
    let mut both = detect("-like '*Adobe Acrobat*'");
    both.sort();
    assert_eq!(both, ["23.008.20470", "24.001.20604"], "the trap of `contains`");
    assert_eq!(detect("-match '^Java \\d+'"), ["8.0.4010.10"], "32 bits");
    assert!(detect("-like 'Zoom*'").is_empty(), "what is a user's is not the agent's to see");
    let (lines, _) = ran("(Get-Package -Name '7-Zip*').Version; (Get-Service Spooler).Status");
    assert_eq!(lines, ["23.01.00.0", "Running"]);
    let (lines, _) = ran("(Get-Item 'C:\\Program Files\\7-Zip\\7zFM.exe').VersionInfo.FileVersion");
    assert_eq!(lines, ["23.01.00.0"]);
}

#[test]
fn settings_are_tested_set_and_read_back() {
    let script = |method: &str| {
        format!(
            "& {{\nparam([string] $method, [string] $update_mode = 'automatic')\n\
             $policy = 'HKLM:\\SOFTWARE\\Policies\\Adobe\\Acrobat Reader\\DC\\FeatureLockDown'\n\
             $wanted = @{{\n    bUpdater     = [int]($update_mode -ne 'off')\n    bReduced = 1\n}}\n\
             switch ($method) {{\n    'get' {{ Get-ItemProperty $policy -ErrorAction SilentlyContinue | Select-Object $wanted.Keys }}\n\
             'test' {{\n        $there = Get-ItemProperty $policy -ErrorAction SilentlyContinue\n\
             -not ($wanted.GetEnumerator() | Where-Object {{ $there.($_.Key) -ne $_.Value }})\n    }}\n\
             'set' {{\n        New-Item $policy -Force | Out-Null\n\
             $wanted.GetEnumerator() | ForEach-Object {{\n            Set-ItemProperty $policy -Name $_.Key -Value $_.Value -Type DWord\n        }}\n    }}\n}}\n}} {method}"
        )
    };
    prints(&script("test"), &["False"]);
    let all = format!("{}\n{}", script("set"), script("test"));
    let (lines, sim) = ran(&all);
    assert_eq!(lines, ["True"]);
    let key = r"hklm\software\policies\adobe\acrobat reader\dc\featurelockdown";
    assert_eq!(sim.state.registry[key].values.len(), 2);
    prints(
        "New-Item 'HKLM:\\SOFTWARE\\Acme' | Out-Null\nSet-ItemProperty 'HKLM:\\SOFTWARE\\Acme' -Name Mode -Value 'on'\n\
         Get-ItemPropertyValue 'HKLM:\\SOFTWARE\\Acme' -Name Mode\n(Get-ItemProperty 'HKLM:\\SOFTWARE\\Acme').Mode",
        &["on", "on"],
    );
}

#[test]
fn files_are_staged_from_base64_hashed_and_run() {
    let (lines, sim) = ran(
        "$dir = Join-Path $env:ProgramData 'Linchpin'\nNew-Item $dir -ItemType Directory -Force | Out-Null\n\
         $text = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('cGFyYW0oJG4pICJoZWxsbyAkbiI='))\n\
         Set-Content \"$dir\\hello.ps1\" $text\n& \"$dir\\hello.ps1\" you\n\
         (Get-FileHash \"$dir\\hello.ps1\" -Algorithm SHA256).Hash.Length\nGet-Content \"$dir\\hello.ps1\"\n\
         Remove-Item $dir -Recurse; Test-Path $dir",
    );
    assert_eq!(lines, ["hello you", "64", "param($n) \"hello $n\"", "False"]);
    assert!(sim.state.files.is_empty());
}

#[test]
fn the_pending_reboot_is_where_windows_has_it() {
    let mut world = estate();
    let no = machine(&world);
    state_mut(&mut world, no).pending = vec![crate::world::RebootCause::Servicing];
    let mut sim = sim(&world);
    let script = "Test-Path 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\RebootPending'\n\
        Test-Path 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired'\n\
        [bool](Get-ItemProperty 'HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Session Manager' -Name PendingFileRenameOperations -ErrorAction SilentlyContinue)";
    assert_eq!(shell::run(&mut sim, Language::PowerShell, script), "True\r\nFalse\r\nFalse");
}

#[test]
fn scripts_without_end_or_bounds_hang_or_fail_and_nothing_else() {
    for endless in [
        "while ($true) { }",
        "function f { f }; f",
        "$a = 'x'; while ($true) { $a += $a }",
        "$a = 1; while ($true) { $a = ,$a }",
        "$a = @(1, 2); while ($true) { $a = @($a, $a) }; $a",
        "1..100000000",
        "'x' * 100000000",
        "Set-Content C:\\Windows\\Temp\\a.ps1 '& C:\\Windows\\Temp\\a.ps1'; & C:\\Windows\\Temp\\a.ps1",
        "Set-Content C:\\a.ps1 'cmd /c powershell -file C:\\a.ps1'; & C:\\a.ps1",
        "Start-Sleep -Seconds 99999999999",
    ] {
        let (lines, _) = ran(endless);
        assert!(!lines.iter().any(|line| line.contains(shell::BROKEN)), "{endless}");
    }
    let deep = format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(ran(&deep).0[1].contains("nested too deeply"));
    let long = format!("1{}", "+1".repeat(20_000));
    assert!(ran(&long).0[1].contains("too long"));
}

#[test]
fn cmd_knows_conditions_variables_and_exit_codes() {
    let run = |text: &str, window: bool| {
        let mut world = estate();
        let (no, now) = (machine(&world), world.now());
        let content = Content::Text("hello".to_owned());
        let file = FileEntry { path: r"C:\Temp\a.txt".to_owned(), content };
        state_mut(&mut world, no).apply(&Effect::File(file), now);
        let mut sim = sim(&world);
        let language = if window { Language::Window } else { Language::Cmd };
        shell::run(&mut sim, language, text)
    };
    let table = [
        ("set x=5&echo %ProgramFiles%", "C:\\Program Files"),
        ("if exist \"C:\\Temp\\a.txt\" (echo there) else (echo gone)", "there"),
        ("if not exist C:\\Temp\\b.txt echo none", "none"),
        (
            "nonsense || echo failed",
            "'nonsense' is not recognized as an internal or external command,\r\noperable program or batch file.\r\nfailed",
        ),
        ("@echo off\nset A=1\nif \"%A%\"==\"1\" echo one\nexit /b 3\necho never", "one"),
        ("msiexec /x {00000000-0000-0000-0000-000000000000} /qn\necho %ERRORLEVEL%", "1605"),
        ("type C:\\Temp\\a.txt > nul & type C:\\Temp\\a.txt", "hello"),
        ("powershell -NoProfile -Command \"Write-Output ok\"", "ok"),
    ];
    for (script, expected) in table {
        assert_eq!(run(script, false), expected, "{script}");
    }
    let window = run("echo a", true);
    assert_eq!(window, "\r\nC:\\WINDOWS\\system32>echo a\r\na\r\n\r\nC:\\WINDOWS\\system32>");
}

/// Pieces of scripts.
const PIECES: &[&str] = &[
    "$x",
    "$x = ",
    "if",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "@(",
    "@{",
    "$(",
    "'",
    "\"",
    "\n",
    ";",
    "|",
    "foreach ($i in 1..3)",
    "try",
    "catch",
    "throw 'x'",
    "function f",
    "param($a)",
    "return",
    "-eq",
    "-match '('",
    "-replace 'a', '$1'",
    "-f",
    "..",
    ",",
    "+",
    "-",
    "*",
    "%",
    "1",
    "0x",
    "1e9",
    "'é'",
    "Get-ItemProperty 'HKLM:\\*\\*'",
    "Get-ChildItem C:\\ -Recurse",
    "Start-Process msiexec.exe -ArgumentList",
    "'/i', 'x', '/qn'",
    "-Wait",
    "-PassThru",
    "Remove-Item C:\\* ",
    "[int]",
    "[version]",
    "[datetime]",
    ".Substring(9)",
    ".ToString('yyyy')",
    "::Round(1.5)",
    "[math]",
    "$_",
    "%",
    "?",
    "ConvertTo-Json",
    "ConvertFrom-Json",
    "Select-Object -First 1",
    "-join",
    "-split",
    "iex",
    "& ",
    ". ",
    "`",
    "#",
    "<#",
    "@'\n",
    "\n'@",
    "9223372036854775807",
    "-9223372036854775808",
    "$x[-1]",
    "cmd /c",
    "exit",
    "\u{feff}",
];

/// Pieces of scripts, put together without sense.
fn nonsense() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..40)
        .prop_map(|pieces| pieces.concat())
}

fn survives(text: &str) -> Result<(), TestCaseError> {
    let world = estate();
    for language in [Language::PowerShell, Language::Cmd, Language::Window] {
        let mut sim = sim(&world);
        let output = shell::run(&mut sim, language, text);
        prop_assert!(!output.contains(shell::BROKEN), "{language:?}: {text}");
        prop_assert!(output.len() < 4 << 20);
    }
    let raw = format!("powershell.exe!!! -EncodedCommand {text}");
    // Whatever it makes of it, it comes back.
    drop(shell::decode(&raw));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_pieces_of_scripts_break_the_interpreter(text in nonsense()) {
        survives(&text)?;
    }

    #[test]
    fn no_text_breaks_the_interpreter(text in "\\PC{0,80}") {
        survives(&text)?;
    }
}
