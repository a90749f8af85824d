//! What a script prints, gives and ends with.

use core_script::LastValue;
use serde_json::json;

use super::*;

#[test]
fn the_last_value_keeps_its_type() {
    let mut desk = Desk::new();
    let json = LastValue::Json;
    let table: Vec<(&str, LastValue)> = vec![
        ("$true", LastValue::Boolean(true)),
        ("'x'; $false", LastValue::Boolean(false)),
        ("1 -eq 1", LastValue::Boolean(true)),
        ("'True'", text("True")),
        ("$null", LastValue::Null),
        ("$x = $null", LastValue::None),
        ("[void](1 + 1)", LastValue::None),
        ("Write-Output $null", LastValue::Null),
        ("$x = 3", LastValue::None),
        ("''", text("")),
        ("'Grüße „€“'", text("Grüße „€“")),
        ("\"two`r`nlines\"", text("two\r\nlines")),
        ("42", number(42)),
        ("-7", number(-7)),
        ("10GB", number(10_737_418_240)),
        ("'it is'; 0", number(0)),
        ("1.5", LastValue::Number(serde_json::Number::from_f64(1.5).unwrap())),
        ("0.1 + 0.2", LastValue::Number(serde_json::Number::from_f64(0.3).unwrap())),
        ("1..4", number(4)),
        (", @(1, 'b')", json(json!([1, "b"]))),
        (
            "[pscustomobject]@{ Name = 'x'; Count = 2; On = $true; No = $null }",
            json(json!({
                "Name": "x", "Count": 2, "On": true, "No": null
            })),
        ),
        ("@{ a = @{ b = @(1, 2) } }", json(json!({ "a": { "b": [1, 2] } }))),
        (
            "[version]'1.2.3'",
            json(json!({
                "Major": 1, "Minor": 2, "Build": 3, "Revision": -1
            })),
        ),
        ("$true; Write-Host 'told'; Write-Warning 'careful'", LastValue::Boolean(true)),
        ("function f { 1; return $false }; f", LastValue::Boolean(false)),
    ];
    for (body, expected) in table {
        assert_eq!(desk.value(body), expected, "{body}");
    }
}

#[test]
fn only_a_truth_value_is_a_verdict() {
    let mut desk = Desk::new();
    for (body, verdict) in
        [("$true", Some(true)), ("$false", Some(false)), ("'true'", None), ("1", None), ("", None)]
    {
        assert_eq!(desk.powershell(body).verdict(), verdict, "{body}");
    }
}

#[test]
fn exit_codes_are_what_the_script_or_its_last_program_ended_with() {
    let mut desk = Desk::new();
    for (body, code) in [
        ("'done'", 0),
        ("exit 3", 3),
        ("exit -1", -1),
        ("'before'; exit 3010; 'after'", 3010),
        ("cmd /c exit 5", 5),
        ("cmd /c exit 5; exit 0", 0),
        ("if ($true) { exit 7 } else { exit 8 }", 7),
        ("function Stop-Here { exit 4 }; Stop-Here; 'after'", 4),
        ("try { exit 6 } finally { 'clean' }", 6),
        ("throw 'no'", 1),
        ("cmd /c exit 9; throw 'no'", 1),
    ] {
        let run = desk.powershell(body);
        assert_eq!(run.exit, Some(code), "{body}: {run:?}");
        assert!(!run.left_early && run.remains.is_none(), "{run:?}");
    }
    let run = desk.powershell("'before'; exit 3010; 'after'");
    assert_eq!((run.value, run.output.head.as_str()), (text("before"), "before\n"));
}

#[test]
fn what_is_told_is_output_and_errors_are_apart() {
    let mut desk = Desk::new();
    let body = "'one'\nWrite-Host 'two'\nWrite-Warning 'three'\nWrite-Verbose 'unheard'\n\
                $VerbosePreference = 'Continue'; Write-Verbose 'four'\nWrite-Information 'five'\n\
                Get-Item 'C:\\nothing' \nWrite-Error 'six'\n'seven'";
    let run = desk.powershell(body);
    assert_eq!(run.output.head, "one\ntwo\nWARNING: three\nfour\nfive\nseven\n");
    assert_eq!((run.value.clone(), run.exit), (text("seven"), Some(0)));
    assert!(run.errors.head.contains("Cannot find path 'C:\\nothing'"), "{run:?}");
    assert!(run.errors.head.contains("six"), "{run:?}");
    assert!(run.errors.head.contains("b.ps1:7 char:1"), "the place: {run:?}");
    assert!(run.stderr.head.contains("six"), "as on a console: {run:?}");
}

#[test]
fn an_error_that_nothing_catches_ends_the_script_and_leaves_no_value() {
    let mut desk = Desk::new();
    for (body, says) in [
        ("'before'; throw 'bad thing'; 'after'", "bad thing"),
        ("'before'; $ErrorActionPreference = 'Stop'; Get-Item C:\\no; 'after'", "C:\\no"),
        ("'before'; 1 / 0; 'after'", "divide by zero"),
        ("'before'; No-SuchThing; 'after'", "No-SuchThing"),
        ("'before'; $null.Trim(); 'after'", "null-valued"),
        ("'before'; [IO.File]::ReadAllText('C:\\no.txt'); 'after'", "C:\\no.txt"),
    ] {
        let run = desk.powershell(body);
        assert_eq!((run.exit, &run.value), (Some(1), &LastValue::None), "{body}: {run:?}");
        assert_eq!(run.output.head, "before\n", "{body}");
        assert!(run.errors.head.contains(says), "{body}: {run:?}");
    }
    let run = desk.powershell("if (");
    assert_eq!((run.exit, &run.value), (Some(1), &LastValue::None), "{run:?}");
    assert!(!run.errors.head.is_empty(), "{run:?}");
    let run = desk.powershell("try { throw 'a' } catch { \"caught $_\" }; $true");
    assert_eq!((run.exit, run.value), (Some(0), LastValue::Boolean(true)));
    assert_eq!(run.output.head, "caught a\nTrue\n");
}

#[test]
fn arguments_arrive_with_their_types_as_variables_and_parameters() {
    let mut desk = Desk::new();
    let hard = "'\"`$(exit 9)%PATH%\r\n‘’ & | <>";
    let values = given(&[
        ("text", json!(hard)),
        ("count", json!(7)),
        ("big", json!(5_000_000_000_i64)),
        ("part", json!(-1.25)),
        ("truth", json!(false)),
        ("nothing", json!(null)),
        ("list", json!(["a", 1, ["b"], true])),
        ("table", json!({ "A": 1, "a": { "deep": "x" } })),
        ("odd name", json!("there")),
        ("method", json!("test")),
    ]);
    let body = "param([int]$count, [string]$text, $unset = 'default')\n\
        [pscustomobject]@{\n\
        text = $text; count = $count; big = $big; part = $part; truth = $truth; nothing = $nothing\n\
        list = $list; upper = $table['A']; deep = $table['a']['deep']; odd = $LP_arguments['odd name']\n\
        types = @($count.GetType().Name, $big.GetType().Name, $part.GetType().Name, $truth.GetType().Name, $list.GetType().Name)\n\
        isnull = ($null -eq $nothing); unset = $unset; method = $method }";
    let run = finished(desk.runs(&Script::new(body), &values));
    let expected = json!({
        "text": hard, "count": 7, "big": 5_000_000_000_i64, "part": -1.25, "truth": false, "nothing": null,
        "list": ["a", 1, ["b"], true], "upper": 1, "deep": "x", "odd": "there",
        "types": ["Int32", "Int64", "Double", "Boolean", "Object[]"],
        "isnull": true, "unset": "default", "method": "test"
    });
    assert_eq!(run.value, LastValue::Json(expected), "{run:?}");
}

#[test]
fn of_long_output_head_and_tail_come_back_and_a_long_value_is_too_long() {
    let mut desk = Desk::new();
    let run = desk.powershell("1..3000 | ForEach-Object { \"line $_\" }");
    assert!(run.output.head.starts_with("line 1\nline 2\n"), "{run:?}");
    assert!(run.output.tail.ends_with("line 3000\n"), "{run:?}");
    let all: usize = (1..=3000).map(|number| format!("line {number}\r\n").len()).sum();
    let kept = (desk.caps.head + desk.caps.tail) as usize;
    assert_eq!(run.output.left_out as usize, all - kept);
    assert_eq!(run.value, text("line 3000"));
    let run = desk.powershell("'x' * 9000");
    assert_eq!(run.value, LastValue::TooLong(9_000));
}

#[test]
fn scripts_of_cmd_run_as_batch_files() {
    let mut desk = Desk::new();
    let run = desk.cmd("echo one\necho two 1>&2\nif exist C:\\Windows (\n  echo there\n) else (\n  echo gone\n)\nexit /b 3");
    assert_eq!(run.exit, Some(3), "{run:?}");
    assert_eq!(run.output.head.lines().map(str::trim).collect::<Vec<_>>(), ["one", "there"]);
    assert_eq!(run.errors.head.trim(), "two");
    for (body, exit, value) in [
        ("echo true", 0, LastValue::Boolean(true)),
        ("echo True", 0, text("True")),
        ("echo 12", 0, number(12)),
        ("echo {\"a\": 1}", 0, LastValue::Json(json!({ "a": 1 }))),
        ("rem nothing", 0, LastValue::None),
        ("goto end\necho no\n:end\necho at the end", 0, text("at the end")),
        ("for %%n in (a b) do set last=%%n\necho %last%", 0, text("b")),
        ("call :sub x\necho back %got%\nexit /b 4\n:sub\nset got=%1\nexit /b 0", 4, text("back x")),
        ("cmd /c exit 6\nexit /b %errorlevel%", 6, LastValue::None),
        ("nosuchprogram\necho after %errorlevel%", 9009, text("after 9009")),
        ("echo ä€", 0, text("ä€")),
    ] {
        let run = desk.cmd(body);
        assert_eq!((run.exit, &run.value), (Some(exit), &value), "{body}: {run:?}");
    }
    let values = given(&[("name", json!("a & b")), ("on", json!(true)), ("list", json!([1, "x"]))]);
    let script =
        Script::new("echo \"%LP_name%\" %LP_on% %LP_list%").in_language(ScriptLanguage::Cmd);
    let run = finished(desk.runs(&script, &values));
    assert_eq!(run.output.head, "\"a & b\" true [1,\"x\"]\n");
}

#[test]
fn nothing_of_a_run_is_left_on_the_machine() {
    let mut desk = Desk::new();
    desk.powershell("'x'; exit 3");
    desk.cmd("exit /b 2");
    desk.powershell("throw 'x'");
    let state = mocks::machine::state(&desk.world, desk.no);
    let left: Vec<&String> =
        state.files.keys().filter(|path| path.contains(r"linchpin\runs\")).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(state.tasks.is_empty());
}
