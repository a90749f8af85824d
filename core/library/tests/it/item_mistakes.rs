//! What is refused of software, tasks and scripts, and how that is told: each row is what is written
//! into a table, where the caret is, and what is said.

use core_library::{Library, SourceFile, read_over};
use core_model::library::Script;

use crate::mistakes::check_report;
use crate::world::{NOW_US, names, read_files, read_text};

fn report(text: &str) -> String {
    read_text(text).err().unwrap_or_else(|| panic!("nothing is wrong with\n{text}"))
}

/// Each row in a table of its kind.
fn check_rows(head: &str, rows: &[(&str, &str, [&str; 2])]) {
    for (line, caret, says) in rows {
        let report = report(&format!("{head}\n{line}\n"));
        let line = line.lines().find(|line| line.contains(caret)).unwrap_or_default();
        check_report(&report, &format!("{line} @ {caret}"), says);
    }
}

const SOFTWARE: &[(&str, &str, [&str; 2])] = &[
    ("instal = 'x'", "instal", ["unknown key `instal`", "did you mean `install`?"]),
    ("install = ''", "''", ["this script is empty", "what has no script is not done"]),
    ("install = {}", "{}", ["this script has no text", "write `file = \"install.ps1\"`"]),
    (
        "install = { body = 'x', file = 'a.ps1' }",
        "'x'",
        ["a script is in a file or in `body`", "remove one of them"],
    ),
    (
        "install = { file = 'b.ps1' }",
        "'b.ps1'",
        ["there is no file `b.ps1`", "by its path from the file that names it"],
    ),
    (
        "install = { file = '../a.ps1' }",
        "'../a.ps1'",
        ["this leads out of the folder of the library", "put the script into the folder"],
    ),
    (
        "install = { file = '/etc/passwd' }",
        "'/etc/passwd'",
        ["begins at the file that names it", "put the script into the folder"],
    ),
    (
        "install = { file = 'a\\b.ps1' }",
        "'a\\b.ps1'",
        ["is written with `/`", "put the script into the folder"],
    ),
    (
        "install = { body = 'x', language = '/bin/zsh' }",
        "'/bin/zsh'",
        ["\"/bin/zsh\" is no language of scripts", "write \"powershell\", \"cmd\", \"sh\""],
    ),
    (
        "install = { body = 'x', language = 'python3' }",
        "'python3'",
        ["`python3` is a program of the hub's", "give it the context \"metascript\""],
    ),
    (
        "install = { body = 'x', context = 'cloud' }",
        "'cloud'",
        ["a cloud script runs for tenants and persons", "write \"metascript\""],
    ),
    (
        "install = { body = 'x', context = 'usr' }",
        "'usr'",
        ["`context` cannot be \"usr\"", "did you mean \"user\"?"],
    ),
    (
        "install = { body = 'x', nobody_logged_on = 'fail' }",
        "'fail'",
        ["is for scripts of the context \"user\"", "write `context = \"user\"`"],
    ),
    (
        "install = { body = 'x', time_limit = 0 }",
        "0",
        ["`time_limit` must be between 1 and 86400, and is 0", "240 for what detects"],
    ),
    ("install = 3", "3", ["`install` must be a text in quotes or a table", "a whole number"]),
    ("detect = {}", "{}", ["`detect` says no way", "table, upgrade_code, product_codes, script"]),
    (
        "detect = { table = 'x', script = 'y' }",
        "'y'",
        ["found in one way, and this says `table` and `script`", "remove one of them"],
    ),
    ("detect = { table = ' ' }", "' '", ["a name must not be empty", "name the software"]),
    (
        "detect = { table = '(', match = 'regex' }",
        "'('",
        ["this is no regular expression: unclosed group", "write `match = \"contains\"`"],
    ),
    (
        "detect = { upgrade_code = '{12}' }",
        "'{12}'",
        ["\"{12}\" is no code of Windows Installer", "write it like {AC76BA86-"],
    ),
    (
        "detect = { product_codes = [] }",
        "[]",
        ["there is no product code, and no version has one", "`product_code` to its versions"],
    ),
    (
        "configuration = 'bil'",
        "'bil'",
        ["these files define no task `bil`", "did you mean \"bill\"?"],
    ),
    (
        "configuration = 'bill'",
        "'bill'",
        ["software is configured by a task of computers", "of the category \"computer\""],
    ),
    (
        "licences = [{ name = 'a', value = 'store:x' }]",
        "[{",
        ["there are licences, and none is needed", "write `licence = \"required\"`"],
    ),
    (
        "order = { beginning = 1, end = 1 }",
        "{ beginning",
        ["`order` says two things", "remove one of them"],
    ),
    ("order = {}", "{}", ["`order` says nothing", "write `{ beginning = 10 }`"]),
    (
        "versions = ['1', { version = '1' }]",
        "'1' }",
        ["the version \"1\" is there twice", "give each its `architecture`"],
    ),
    (
        "versions = [{ version = '1', sha256 = 'x' }]",
        "'x'",
        ["`sha256` is of what is fetched, and nothing is", "add `url = \"https://…\"`"],
    ),
    (
        "versions = [{ version = '1', url = 'ftp://x.example' }]",
        "'ftp:",
        ["this is no address to fetch from", "write it with its scheme"],
    ),
    (
        "versions = [{ version = '1', url = 'https://x.example', sha256 = 'abc' }]",
        "'abc'",
        ["a SHA-256 has 64 hexadecimal digits", "`sha256sum FILE`"],
    ),
    (
        "versions = [{ version = '1', url = 'https://x.example', file_name = '..' }]",
        "'..'",
        ["\"..\" is no name of a file", "write the name alone"],
    ),
    (
        "versions = ['1', { version = '2', requires_version = '1.0' }]",
        "'1.0'",
        ["there is no version \"1.0\"", "did you mean \"1\"?"],
    ),
    (
        "versions = [{ version = '1', requires_version = '2' }, { version = '2', requires_version = '1' }]",
        "'2' }, {",
        ["versions require each other: `1 → 2 → 1`", "one of them must do without"],
    ),
    (
        "parameters = [{ name = 'a', type = 'select' }]",
        "'select'",
        ["this has nothing to choose from", "add `choices"],
    ),
    (
        "parameters = [{ name = 'a', choices = ['x'] }]",
        "['x']",
        ["only a \"select\" has choices", "write `type = \"select\"`"],
    ),
    (
        "parameters = [{ name = 'a', type = 'number', default = '3' }]",
        "'3'",
        ["the default cannot be this: a number is expected", "or change the `type` of"],
    ),
    (
        "parameters = [{ name = 'a', fixed = true }]",
        "true",
        ["a fixed parameter has its default, and this has none", "add `default`"],
    ),
    (
        "parameters = [{ name = 'a' }, { name = 'a' }]",
        "'a' }]",
        ["the parameter `a` is there twice", "remove one of them"],
    ),
    (
        "prerequisites = [{ any_of = ['raeder'], are = 'installed', then = 'fail' }]",
        "'raeder'",
        ["these files define no software `raeder`", "did you mean \"reader\"?"],
    ),
    (
        "prerequisites = [{ are = 'installed', then = 'fail' }]",
        "{ are",
        ["this prerequisite lacks `any_of` or `all_of`", "with the software that it is about"],
    ),
    (
        "prerequisites = [{ any_of = ['reader'], are = 'installed', then = 'install' }]",
        "{ any_of",
        ["brings about what is so already", "turn the condition round"],
    ),
    (
        "prerequisites = [{ any_of = ['reader'], are = 'installed', then = 'fail', software = ['reader'] }]",
        "{ any_of",
        ["this prerequisite fails, and names software", "remove `software`"],
    ),
    (
        "prerequisites = [{ any_of = [], are = 'installed', then = 'fail' }]",
        "[]",
        ["`any_of` must hold at least 1, and holds 0", "At least one of this software"],
    ),
];

#[test]
fn mistakes_of_software_are_told_at_their_place_with_what_would_do() {
    let head = "task = [{ name = 'bill', category = 'tenant' }]\n\
                [[software]]\nname = 'reader'\n[[software]]\nname = 'acrobat'";
    check_rows(head, SOFTWARE);
}

#[test]
fn mistakes_of_tasks_are_told_at_their_place_with_what_would_do() {
    let rows: &[(&str, &str, [&str; 2])] = &[
        ("serial = ' '", "' '", ["a lock must have a name", "or remove `serial`"]),
        (
            "set = { body = 'x', context = 'system' }",
            "'system'",
            ["for tenants and persons only cloud scripts run", "remove `context`"],
        ),
        ("sett = 'x'", "sett", ["unknown key `sett`", "did you mean `set`?"]),
    ];
    check_rows("[[task]]\nname = 'bill'\ncategory = 'tenant'", rows);
}

#[test]
fn d3_a_circle_of_prerequisites_is_refused_with_its_path() {
    let needs = |name: &str, on: &str| {
        format!(
            "[[software]]\nname = '{name}'\nprerequisites = [{{ any_of = ['{on}'], \
             are = 'not-installed', then = 'install' }}]\n"
        )
    };
    let circle = |edges: &[(&str, &str)]| -> String {
        report(&edges.iter().map(|(name, on)| needs(name, on)).collect::<String>())
    };
    let said = circle(&[("A", "A")]);
    let line = "prerequisites = [{ any_of = ['A'], are = 'not-installed', then = 'install' }]";
    check_report(&said, &format!("{line} @ [{{"), &["lead in a circle: `A → A`"]);
    let said = circle(&[("A", "B"), ("B", "A")]);
    assert!(said.contains("→") && said.matches("lead in a circle").count() == 1, "{said}");
    let said = circle(&[("A", "B"), ("B", "C"), ("C", "A"), ("X", "A")]);
    // Their ids say where the path begins.
    let paths = ["A → B → C → A", "B → C → A → B", "C → A → B → C"];
    assert!(paths.iter().any(|path| said.contains(path)), "{said}");
    assert_eq!(said.matches("lead in a circle").count(), 1, "{said}");
    // A task may lead to a circle, and is in none.
    let task = "[[task]]\nname = 't'\nprerequisites = [{ any_of = ['A'], are = 'not-installed', \
                then = 'fail' }]\n[[software]]\nname = 'A'\n";
    assert!(read_text(task).is_ok());
}

#[test]
fn what_deployments_give_is_held_against_what_items_take() {
    let head = "
[[task]]
name = 'printer'
[[task.parameters]]
name = 'server'
required = true
[[task.parameters]]
name = 'port'
type = 'number'
[[task.parameters]]
name = 'site'
default = 'hq'
fixed = true
[[software]]
name = 'reader'
configuration = 'printer'
[[deployment]]
name = 'd'
target = 'all'
software = 'reader'
";
    let rows: &[(&str, &str, [&str; 2])] = &[
        (
            "state = 'latest'\nparameters = { server = 4711 }",
            "4711",
            [
                "the parameter `server` cannot be this: a text is expected",
                "or change the `type` of",
            ],
        ),
        (
            "state = 'latest'\nparameters = { server = 'x', prot = 3 }",
            "prot",
            ["there is no parameter `prot`", "did you mean \"port\"?"],
        ),
        (
            "state = 'latest'\nparameters = { server = 'x', site = 'y' }",
            "site",
            ["the parameter `site` has its default", "remove it"],
        ),
        (
            "state = 'latest'\nparameters = { port = 3 }",
            "{ port",
            ["the required parameter `server` has no value", "add `parameters = { server = … }`"],
        ),
    ];
    check_rows(head, rows);
    for fine in
        ["state = 'absent'", "state = 'ignored'", "state = 'any'\nparameters = { server = '' }"]
    {
        read_text(&format!("{head}{fine}\n")).unwrap();
    }
}

const SECRETS: &str = "
[[software]]
name = 'reader'
licence = 'required'
licences = [{ name = 'all', value = 'hunter2-licence' }]
versions = [{ version = '1', url = 'https://ana:hunter2-url@x.example/a.msi' }]
parameters = [{ name = 'password', type = 'password', default = 'hunter2-default' }]
[[deployment]]
name = 'd'
target = 'all'
software = 'reader'
state = 'latest'
parameters = { password = 'hunter2-given', pasword = 'hunter2-slip' }
";

#[test]
fn a_secret_that_is_written_is_refused_and_not_repeated() {
    let said = report(SECRETS);
    assert!(!said.contains("hunter2"), "{said}");
    assert_eq!(said.matches("a secret in clear?").count(), 4, "{said}");
    assert!(said.contains("linchpin secrets set NAME"), "{said}");
    let problems = core_library::read(
        &[SourceFile::new("a.toml", SECRETS)],
        &names(),
        &Library::default(),
        NOW_US,
    );
    for problems in problems.unwrap_err() {
        let json = serde_json::to_string(&problems.json()).unwrap();
        assert!(!json.contains("hunter2"), "{json}");
    }
}

#[test]
fn a_file_that_is_no_script_is_told_where_it_is_named() {
    let text = "software = [{ name = 'a', install = { file = 'a.ps1' } }]";
    let line = format!("{text} @ 'a.ps1'");
    for why in ["it is not UTF-8", "it has 300000 bytes", "it leads out of the folder"] {
        let files = [SourceFile::new("rules.toml", text), SourceFile::refused("a.ps1", why)];
        let report = read_files(&files, &Library::default()).unwrap_err();
        let says = ["the script `a.ps1` cannot be read", why, "of 262144 bytes at most"];
        check_report(&report, &line, &says);
    }
    let large = "x".repeat(Script::LARGEST_BODY + 1);
    let files = [SourceFile::new("rules.toml", text), SourceFile::script("a.ps1", &large)];
    let report = read_files(&files, &Library::default()).unwrap_err();
    check_report(&report, &line, &["has 262145 bytes, and 262144 are the most"]);
    let vbs = "software = [{ name = 'a', install = { file = 'a.vbs' } }]";
    let files = [SourceFile::new("rules.toml", vbs), SourceFile::script("a.vbs", "x")];
    let report = read_files(&files, &Library::default()).unwrap_err();
    check_report(&report, &format!("{vbs} @ 'a.vbs'"), &["`language = \"powershell\"`"]);
}

#[test]
fn a_new_definition_must_suit_the_deployments_that_stay() {
    let known = read_text(
        "task = [{ name = 'printer' }]\n[[deployment]]\nname = 'd'\ntask = 'printer'\n\
         state = 'audit'\ntarget = 'all'\nparameters = { prot = 1 }",
    );
    let known = known.unwrap();
    let text = "task = [{ name = 'printer', parameters = [{ name = 'port' }] }]";
    let file = [SourceFile::new("draft.toml", text)];
    let problems = read_over(&file, &names(), &known, NOW_US).unwrap_err();
    let report: String = problems.iter().map(|one| one.text(false)).collect();
    let says = ["for the deployment `d`, which the hub has, there is no parameter `prot`"];
    check_report(&report, &format!("{text} @ 'printer'"), &says);
}
