//! What is refused, and how that is told: each row is a file, and what is said about it. The first
//! expected text stands at the caret: the line, and under it the place.

use core_library::{Library, SourceFile};

use crate::world::{read_files, read_text};

/// Line 1 and 2 of every file: what deployments may name.
const ITEMS: &str = "software = [{ name = 'reader' }]\n\
                     task = [{ name = 'printer', instances = true }, { name = 'rename' }, \
                     { name = 'bill', category = 'tenant' }]\n";

/// A file with a deployment of the reader; what is given replaces a line, or comes to the end.
fn rule(lines: &[&str]) -> String {
    let mut all = vec!["name = 'd'", "software = 'reader'", "state = 'latest'", "target = 'all'"];
    for line in lines {
        let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
        let of_item = |text: &str| ["software", "task"].contains(&text);
        let same = |other: &&mut &str| {
            key(other) == key(line) || (of_item(&key(other)) && of_item(&key(line)))
        };
        match all.iter_mut().find(same) {
            Some(there) => *there = line,
            None => all.push(line),
        }
    }
    format!("{ITEMS}[[deployment]]\n{}\n", all.join("\n"))
}

/// The report, with what is drawn around the lines taken off.
fn told(text: &str) -> String {
    read_text(text).err().unwrap_or_else(|| panic!("nothing is wrong with\n{text}"))
}

/// Checks that a report shows this line, with a caret under this part of it, and says these.
fn check(text: &str, caret: &str, says: &[&str]) {
    check_report(&told(text), caret, says);
}

/// The same of a report.
pub(crate) fn check_report(report: &str, caret: &str, says: &[&str]) {
    let (line, part) = caret.split_once(" @ ").unwrap_or((caret, caret));
    let lines: Vec<&str> = report.lines().collect();
    let at = lines.iter().position(|shown| shown.ends_with(&format!(" {line}")));
    let at = at.unwrap_or_else(|| panic!("`{line}` is not shown\n{report}"));
    let column = lines[at].find(part).map(|byte| lines[at][..byte].chars().count());
    let below: Vec<char> = lines.get(at + 1).unwrap_or(&"").chars().collect();
    let first = below.iter().position(|c| ['─', '┬', '▲'].contains(c));
    assert_eq!(first, column, "no caret at `{part}`\n{report}");
    for say in says {
        // Long texts are wrapped.
        let flat: Vec<&str> =
            report.split(['\n', ' ', '│', '×']).filter(|w| !w.is_empty()).collect();
        let flat = flat.join(" ");
        assert!(flat.contains(say), "`{say}` is not said\n{report}");
    }
}

#[test]
fn t23_an_unknown_key_one_level_too_high_is_told_with_its_line_and_nothing_is_read() {
    let text = rule(&["group = 'Finance'"]);
    check(
        &text,
        "group = 'Finance' @ group",
        &[
            "rules.toml:8:1",
            "unknown key `group` in an item of `deployment`",
            "`group` belongs into `target`",
        ],
    );
    let text = rule(&["target = { grup = 'Finance' }"]);
    check(
        &text,
        "target = { grup = 'Finance' } @ grup",
        &["unknown key `grup` in `target`", "did you mean `group`? allowed here: agent_group,"],
    );
    let text = format!("{}[[deploymnet]]\nname = 'x'\n", rule(&[]));
    check(&text, "[[deploymnet]] @ deploymnet", &["did you mean `deployment`?"]);
}

/// What is written, where the caret is, and what is said.
const NAMES: &[(&str, &str, [&str; 2])] = &[
    (
        "target = { tenant = 'Contosso' }",
        "'Contosso'",
        ["there is no tenant \"Contosso\"", "did you mean \"Contoso\", \"Contoso Holding\"?"],
    ),
    (
        "target = { computer = 'PC-042' }",
        "'PC-042'",
        ["computer \"PC-042\" is there 2 times", "PC-042 at Contoso (cmp_"],
    ),
    (
        "target = { computer = 'PC-007', tenant = 'Contoso' }",
        "'PC-007'",
        [
            "there is no computer \"PC-007\" at Contoso",
            "there is one at Fabrikam, Inc.: say so with `tenant`",
        ],
    ),
    (
        "target = { person = 'Ana Silva', tenant = 'Contoso' }",
        "'Ana Silva'",
        ["person \"Ana Silva\" is there 2 times", "write the id instead"],
    ),
    (
        "target = { group = 'Finanse' }",
        "'Finanse'",
        ["there is no directory group \"Finanse\"", "did you mean \"Finance\"?"],
    ),
    (
        "target = { product = 'Backup' }",
        "'Backup'",
        ["product \"Backup\" is there 2 times", "write `connection = …` beside it, or the id"],
    ),
    (
        "target = { agreement = 'Managed Service' }",
        "'Managed Service'",
        [
            "there is no agreement of the type \"Managed Service\"",
            "did you mean `Managed Services`?",
        ],
    ),
    (
        "target = { tag = 'kiosk' }",
        "'kiosk'",
        ["these files define no tag `kiosk`", "there is none at all"],
    ),
    (
        "target = { location = 'Main Office', connection = 'automate' }",
        "'Main Office'",
        [
            "automate has 2 locations \"Main Office\"",
            "write the vendor's key instead: \"key:1\", \"key:2\"",
        ],
    ),
    (
        "target = { agent_group = 'Server', connection = 'automate' }",
        "'Server'",
        ["automate has no group \"Server\"", "did you mean `Servers`?"],
    ),
    (
        "target = { agent_group = 'Servers', connection = 'automat' }",
        "'automat'",
        ["there is no connection `automat`", "did you mean \"automate\"?"],
    ),
    (
        "software = 'raeder'",
        "'raeder'",
        ["these files define no software `raeder`", "did you mean \"reader\"?"],
    ),
    ("tenant = 'Contosso'", "'Contosso'", ["there is no tenant \"Contosso\"", "did you mean"]),
    (
        "connection = 'hallo'",
        "'hallo'",
        ["there is no connection `hallo`", "did you mean \"halo\"?"],
    ),
];

#[test]
fn names_that_are_not_there_or_there_twice_are_told_with_what_could_be_meant() {
    for (line, part, says) in NAMES {
        check(&rule(&[line]), &format!("{line} @ {part}"), says);
    }
    // Within the tenant that a deployment is for.
    check(
        &rule(&["tenant = 'Contoso'", "target = { group = 'Sales' }"]),
        "target = { group = 'Sales' } @ 'Sales'",
        &["there is no directory group \"Sales\" at Contoso", "there is one at Fabrikam, Inc."],
    );
}

#[test]
fn a_target_says_one_thing_and_only_what_means_something() {
    for (line, part, says) in [
        ("target = 'al'", "'al'", ["`target` cannot be \"al\"", "did you mean \"all\"?"]),
        ("target = 3", "3", ["`target` must be a text in quotes or a table", "For whom"]),
        ("target = {}", "{}", ["this target says nothing", "write \"all\", or one of: tenant"]),
        (
            "target = { group = 'Finance', product = 'SentinelOne' }",
            "'SentinelOne'",
            ["this target says two things: `group` and `product`", "for both write `all_of ="],
        ),
        (
            "target = { product = 'SentinelOne', tenant = 'Contoso' }",
            "'Contoso'",
            ["`tenant` means nothing beside `product`", "all_of = [{ tenant = … }"],
        ),
        (
            "target = { group = 'Finance', children = true }",
            "true",
            ["`children` means nothing beside `group`", "it belongs beside: tenant"],
        ),
        ("target = { all_of = [] }", "[]", ["must hold at least 1", "In all of these"]),
        (
            "target = { location = '1' }",
            "'1'",
            ["`location` lacks the connection that it is of", "there are: automate, halo, psa"],
        ),
        (
            "target = { property = 'x', connection = 'automate' }",
            "'x'",
            ["`property` lacks its `value`", "compared exactly"],
        ),
        (
            "target = { filter = \"computer.os == 'x' && device.os == 'y'\" }",
            "device",
            ["this is no filter: there is no `device`", "an expression over facts"],
        ),
        (
            "target = { filter = 'has(computer.os)' }",
            "has",
            ["this is no filter: has() is not allowed", "an expression over facts"],
        ),
    ] {
        // What is not at the start of a word is found by what stands there.
        let part = if part == "has" { "computer.os" } else { part };
        let text = rule(&[line]);
        if part == "computer.os" {
            assert!(told(&text).contains("has() is not allowed"), "{}", told(&text));
        } else {
            check(&text, &format!("{line} @ {part}"), &says);
        }
    }
    for line in ["target = { value = 'x' }", "target = { children = true }"] {
        let caret = format!("{line} @ {{");
        check(&rule(&[line]), &caret, &["this target says nothing", "write \"all\", or one of"]);
    }
    let deep = format!("target = {}'all'{}", "{ not = ".repeat(33), " }".repeat(33));
    assert!(told(&rule(&[&deep])).contains("nested more than 32 deep"));
}

/// What is written, where the caret is, and what is said.
const VALUES: &[(&[&str], &str, [&str; 2])] = &[
    (
        &["state = 'latets'"],
        "state = 'latets' @ 'latets'",
        ["`state` cannot be \"latets\"", "did you mean \"latest\"?"],
    ),
    (
        &["state = '24.1'"],
        "state = '24.1' @ '24.1'",
        ["`state` cannot be \"24.1\"", "write \"= 24.1\", \">= 24.1\" or \"<= 24.1\""],
    ),
    (
        &["state = 'enforce'"],
        "state = 'enforce' @ 'enforce'",
        ["\"enforce\" is a state of tasks, and this is software", "\"update-if-found\""],
    ),
    (
        &["task = 'rename'"],
        "state = 'latest' @ 'latest'",
        ["\"latest\" is a state of software, and this is a task", "\"enforce\", \"audit\""],
    ),
    (
        &["task = 'rename'", "state = 'audit'", "instance = 'x'"],
        "instance = 'x' @ 'x'",
        ["`rename` is there once only, and an instance is named", "`instances = true`"],
    ),
    (
        &["instance = 'x'"],
        "instance = 'x' @ 'x'",
        ["`reader` is there once only", "remove `instance`"],
    ),
    (
        &["task = 'bill'", "state = 'audit'", "classes = ['servers']"],
        "classes = ['servers'] @ ['servers']",
        ["device classes are for computers, and this task is for tenants", "remove `classes`"],
    ),
    (
        &["classes = ['server']"],
        "classes = ['server'] @ 'server'",
        ["an item of `classes` cannot be \"server\"", "did you mean \"servers\"?"],
    ),
    (
        &["from = 2026-12-31", "until = 2026-12-01"],
        "until = 2026-12-01 @ 2026-12-01",
        ["this ends on 2026-12-01, before it starts on 2026-12-31", "both days are included"],
    ),
    (
        &["until = 'tomorrow'"],
        "until = 'tomorrow' @ 'tomorrow'",
        ["`until` is no day: \"tomorrow\"", "write it like 2026-12-31, without quotes"],
    ),
    (
        &["until = 5"],
        "until = 5 @ 5",
        ["`until` must be a date like 2026-12-31, and is a whole number", "A day"],
    ),
    (
        &["enforcement = 'adhoc'"],
        "enforcement = 'adhoc' @ 'adhoc'",
        ["`enforcement` cannot be \"adhoc\"", "did you mean \"ad-hoc\"?"],
    ),
    (
        &["approved = [{ tenant = 'Contoso' }]"],
        "approved = [{ tenant = 'Contoso' }] @ [{",
        ["`approved` is for optional deployments", "enforcement = \"optional\""],
    ),
    (
        &["children = true"],
        "children = true @ true",
        ["`children` says of no tenant", "add `tenant = …`"],
    ),
    (
        &["order = 'first'"],
        "order = 'first' @ 'first'",
        ["`order` must be a whole number, and is a text", "higher first"],
    ),
    (
        &["order = 3000000000"],
        "order = 3000000000 @ 3000000000",
        ["`order` must be between -2147483648 and 2147483647", "higher first"],
    ),
    (
        &["parameters = { at = 10:30:00 }"],
        "parameters = { at = 10:30:00 } @ 10:30",
        ["a parameter cannot be a time", "write it in quotes"],
    ),
];

#[test]
fn values_that_do_not_fit_are_told_with_what_would() {
    for (lines, caret, says) in VALUES {
        check(&rule(lines), caret, says);
    }
    // A day that is in no calendar is no TOML either.
    let report = told(&rule(&["until = 2026-02-30"]));
    assert!(report.contains("this is no TOML") && report.contains("rules.toml:8"), "{report}");
}

#[test]
fn what_is_missing_or_empty_is_told() {
    let text = format!("{ITEMS}[[deployment]]\nname = 'd'\nstate = 'any'\ntarget = 'all'\n");
    check(
        &text,
        "name = 'd' @ 'd'",
        &["this lacks `software` or `task`", "add `software = \"…\"`"],
    );
    let both = rule(&[]).replace("state =", "task = 'rename'\nstate =");
    check(&both, "task = 'rename' @ 'rename'", &["this names `software` and `task`"]);
    let text = rule(&["target = 'all'"]).replace("target = 'all'\n", "");
    assert!(told(&text).contains("lacks `target`"), "{}", told(&text));
    check(&rule(&["name = ' '"]), "name = ' ' @ ' '", &["a name must not be empty"]);
    let case = format!(
        "{ITEMS}[[expect]]\nname = 'e'\nsoftware = 'reader'\nsubject = {{ tenant = 'Contoso' }}\n"
    );
    check(
        &case,
        "name = 'e' @ 'e'",
        &["this golden case expects nothing", "`outcome = \"nobody\"`"],
    );
    let case = format!("{case}state = 'any'\nwinner = 'x'\n");
    check(&case, "state = 'any' @ 'any'", &["expects two things: `winner` and `state`"]);
}

#[test]
fn two_definitions_of_one_name_are_told_with_both_places() {
    let text = format!(
        "{}[[deployment]]\nname = 'D'\nsoftware = 'reader'\nstate = 'any'\ntarget = 'all'\n",
        rule(&[])
    );
    check(
        &text,
        "name = 'D' @ 'D'",
        &["there are two deployments named `D`: the first is at rules.toml:4", "without case"],
    );
    let files = [
        SourceFile::new("a.toml", "[[tag]]\nname = 'kiosk'\n"),
        SourceFile::new("b/c.toml", "\n[[tag]]\nname = 'Kiosk'\n"),
    ];
    let report = read_files(&files, &Library::default()).unwrap_err();
    assert!(report.contains("the first is at a.toml:2"), "{report}");
    assert!(report.contains("b/c.toml:3:8"), "{report}");
    let text = "[[computer]]\nname = 'PC-007'\n[[computer]]\nname = 'pc-007'\n";
    check(
        text,
        "name = 'pc-007' @ 'pc-007'",
        &["this computer has two tables: the first is at rules.toml:2"],
    );
}

#[test]
fn p10_the_same_item_target_and_state_twice_is_refused_as_a_duplicate() {
    let second = |more: &str| {
        format!(
            "{}[[deployment]]\nname = 'e'\nsoftware = 'reader'\nstate = 'latest'\ntarget = 'all'\n{more}",
            rule(&[])
        )
    };
    check(
        &second(""),
        "name = 'e' @ 'e'",
        &[
            "`e` says the same as `d` (rules.toml:4): same item, target and state",
            "remove one of them",
        ],
    );
    // One of another tenant, or at other dates, says something else.
    assert!(read_text(&second("tenant = 'Contoso'")).is_ok());
    let first = second("from = 2027-01-01").replacen(
        "target = 'all'",
        "target = 'all'\nuntil = 2026-12-31",
        1,
    );
    assert!(read_text(&first).is_ok());
}

#[test]
fn t22_tenants_that_are_their_own_parents_are_refused() {
    let text = "[[tenant]]\nname = 'Contoso'\nparent = 'Contoso Holding'\n\
                [[tenant]]\nname = 'Contoso Holding'\nparent = 'Fabrikam, Inc.'\n\
                [[tenant]]\nname = 'Fabrikam, Inc.'\nparent = 'Contoso'\n";
    let report = told(text);
    assert!(report.contains("this tenant is among its own parents:"), "{report}");
    assert_eq!(report.matches("among its own parents").count(), 1, "{report}");
    let alone = "[[tenant]]\nname = 'Contoso'\nparent = 'Contoso'\n";
    check(alone, "parent = 'Contoso' @ 'Contoso'", &["Contoso → Contoso"]);
    let fine = text.replace("parent = 'Contoso'\n", "");
    assert!(read_text(&fine).is_ok());
}

#[test]
fn all_mistakes_of_all_files_are_told_at_once() {
    let files = [
        SourceFile::new(
            "b.toml",
            &rule(&[
                "state = 'x'",
                "tenant = 'y'",
                "lables = 1",
                "target = { all_of = [{ tag = 'a' }, { tag = 'b' }] }",
            ]),
        ),
        SourceFile::new("a.toml", "[[tag]]\nname = 3\n[[computer]]\nname = 'PC-1'\n"),
        SourceFile::new("c.toml", "[[tag]\n"),
    ];
    let problems = core_library::read(&files, &crate::world::names(), &Library::default(), 0);
    let problems = problems.unwrap_err();
    let count: Vec<(&str, usize)> =
        problems.iter().map(|one| (one.name(), one.list().len())).collect();
    // The tags may be in the file that is no TOML: that they are not found is not told.
    assert_eq!(count, [("a.toml", 2), ("b.toml", 3), ("c.toml", 1)], "{problems:?}");
    let json: Vec<_> = problems.iter().flat_map(|one| one.json()).collect();
    assert_eq!((&json[0]["file"], &json[0]["line"]), (&"a.toml".into(), &2.into()));
}

#[test]
fn s30_a_ring_says_who_is_in_it_once_and_shares_grow() {
    let rings = |rings: &str| rule(&[&format!("rings = [{rings}]")]);
    check(
        &rings("{ soak_hours = 4 }"),
        "rings = [{ soak_hours = 4 }] @ { soak",
        &["this ring does not say who is in it", "percent = 5"],
    );
    check(
        &rings("{ tag = 'x', percent = 5 }"),
        "rings = [{ tag = 'x', percent = 5 }] @ { tag",
        &["this ring says two things"],
    );
    check(
        &rings("{ percent = 25 }, { percent = 5 }"),
        "rings = [{ percent = 25 }, { percent = 5 }] @ 5 }]",
        &["this ring has 5 %, and one before it 25 %"],
    );
    check(&rings("{ percent = 101 }"), "rings = [{ percent = 101 }] @ 101", &["100"]);
    check(
        &rings("{ tag = 'nobody' }"),
        "rings = [{ tag = 'nobody' }] @ 'nobody'",
        &["these files define no tag `nobody`"],
    );
    check(
        &rule(&["state = 'ignored'", "rings = [{ percent = 5 }]"]),
        "rings = [{ percent = 5 }] @ [{",
        &["what is ignored is done to nobody"],
    );
}
