//! The PowerShell module, read as text: this machine has no PowerShell. The imaginary machines of the mocks run it.

use core_callback::{MODULE, MODULE_MANIFEST};

/// What is neither a comment nor a text.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skip = match first {
            '<' if rest.starts_with("<#") => rest.find("#>").map(|at| at + 2),
            '#' => rest.find('\n'),
            '\'' => rest[1..].find('\'').map(|at| at + 2),
            _ => None,
        };
        match skip {
            Some(skip) => rest = &rest[skip..],
            None => {
                code.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    code
}

#[test]
fn what_is_opened_is_closed_in_its_order() {
    for text in [MODULE, MODULE_MANIFEST] {
        let mut open = Vec::new();
        for letter in code(text).chars() {
            match letter {
                '(' | '{' | '[' => open.push(letter),
                ')' => assert_eq!(open.pop(), Some('(')),
                '}' => assert_eq!(open.pop(), Some('{')),
                ']' => assert_eq!(open.pop(), Some('[')),
                _ => {}
            }
        }
        assert!(open.is_empty(), "left open: {open:?}");
        assert_eq!(code(text).matches('"').count() % 2, 0, "a text is left open");
    }
}

#[test]
fn functions_have_approved_verbs_and_the_manifest_names_those_that_are_exported() {
    let code = code(MODULE);
    let functions: Vec<&str> = code
        .lines()
        .filter_map(|line| line.strip_prefix("function "))
        .map(|line| line.trim_end_matches(" {"))
        .collect();
    for name in &functions {
        let (verb, noun) = name.split_once('-').unwrap();
        assert!(["Get", "Invoke", "Send", "Write"].contains(&verb), "{name}");
        assert!(noun.starts_with("Linchpin"), "{name}");
    }
    let exported: Vec<&str> = code
        .lines()
        .find_map(|line| line.strip_prefix("Export-ModuleMember -Function "))
        .unwrap()
        .split(", ")
        .collect();
    assert_eq!(exported.len(), 4);
    assert!(exported.iter().all(|name| functions.contains(name)), "{exported:?}");
    let listed = MODULE_MANIFEST.lines().find(|line| line.contains("FunctionsToExport")).unwrap();
    let listed: Vec<&str> = listed.split('\'').skip(1).step_by(2).collect();
    assert_eq!(listed, exported);
}

#[test]
fn no_alias_is_used_and_every_command_is_a_known_one() {
    let known = [
        "ConvertFrom-Json",
        "ConvertTo-Json",
        "Export-ModuleMember",
        "Get-LinchpinFact",
        "Get-LinchpinToken",
        "Invoke-LinchpinComputer",
        "Invoke-WebRequest",
        "Send-LinchpinCall",
        "Start-Sleep",
        "Write-LinchpinReport",
    ];
    let code = code(MODULE);
    let words =
        code.split(|letter: char| !(letter.is_alphanumeric() || letter == '-' || letter == '$'));
    for word in words.filter(|word| {
        let (verb, noun) = word.split_once('-').unwrap_or_default();
        verb.starts_with(char::is_uppercase) && noun.starts_with(char::is_uppercase)
    }) {
        assert!(known.contains(&word), "{word}");
    }
    for alias in ["iwr", "irm", "iex", "sleep", "echo", "select", "where", "foreach-object", "?"] {
        let used = code.lines().any(|line| {
            line.trim_start()
                .split('|')
                .any(|part| part.trim_start().split(' ').next() == Some(alias))
        });
        assert!(!used, "{alias}");
    }
}
