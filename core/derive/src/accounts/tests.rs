//! The script is data and nothing else, whatever accounts are called; and its answer is read as it is.

use super::*;
use proptest::prelude::*;

fn names(accounts: &[&str]) -> Vec<String> {
    accounts.iter().map(|account| (*account).to_owned()).collect()
}

#[test]
fn u15_the_script_has_a_line_for_each_account() {
    let text = script(&names(&["corp\\ann", "corp\\o'neil"]));
    let lines: Vec<&str> = text.lines().skip(2).collect();
    assert_eq!(lines, ["'0=' + (Upn 'Y29ycFxhbm4=')", "'1=' + (Upn 'Y29ycFxvJ25laWw=')"]);
    assert_eq!(
        text.lines().nth(1).map(|line| line.starts_with("function Upn($text) { try {")),
        Some(true)
    );
}

#[test]
fn u15_an_answer_counts_for_what_was_asked_and_nothing_else() {
    let asked = names(&["corp\\ann", "corp\\bob", "corp\\cem", "corp\\dan"]);
    let output = "C:\\>\r\n0=Ann@Corp.Example\r\n1=\r\n2=No such account, sorry\r\n\
                  0=eve@corp.example\r\n7=eve@corp.example\r\nx=eve@corp.example\r\n";
    let told = |account: &str, upn: Option<&str>| (account.to_owned(), upn.map(str::to_owned));
    let expected = vec![
        told("corp\\ann", Some("ann@corp.example")),
        told("corp\\bob", None),
        told("corp\\cem", None),
    ];
    assert_eq!(read(output, &asked), expected, "the last one was not asked about to the end");
    assert_eq!(read("", &asked), []);
}

#[test]
fn u15_accounts_of_machines_of_the_cloud_and_of_windows_are_none_of_the_domain() {
    let hosts = BTreeSet::from(["pc-1".to_owned()]);
    for account in ["corp\\ann", "corp.example\\ann", "corp\\o'neil", "corp\\jürgen"] {
        assert!(may_be_of_domain(account, &hosts), "{account}");
    }
    let long = format!("corp\\{}", "x".repeat(LONGEST));
    for account in [
        "ann@corp.example",
        "ann",
        "pc-1\\user",
        "azuread\\annlee",
        "nt authority\\system",
        "corp\\pc-1$",
        "corp\\",
        "\\ann",
        "a\\b\\c",
        "corp\\a\nb",
        &long,
    ] {
        assert!(!may_be_of_domain(account, &hosts), "{account}");
    }
}

#[test]
fn u15_an_account_that_somebody_else_has_now_keeps_its_old_logons() {
    let at = |day: i64| DateTime::from_timestamp(day * 86_400, 0).unwrap();
    let mut answers = Answers::default();
    answers.add("corp\\ann", "ann@x.example", at(12));
    answers.add("corp\\ann", "anna@x.example", at(30));
    for (day, upn) in [(5, "ann"), (12, "ann"), (13, "anna"), (30, "anna"), (99, "anna")] {
        let expected = format!("{upn}@x.example");
        assert_eq!(answers.upn("corp\\ann", at(day)), Some(expected.as_str()), "day {day}");
    }
    assert_eq!(answers.upn("corp\\bob", at(5)), None);
}

#[test]
fn as_many_are_asked_about_as_a_command_line_takes() {
    assert_eq!(batch((0..80).map(|n| format!("corp\\user{n}"))).len(), BATCH);
    let long: Vec<String> = (0..80).map(|n| format!("corp\\{n}{}", "x".repeat(200))).collect();
    let some = batch(long);
    assert!((10..BATCH).contains(&some.len()), "{}", some.len());
    // Automate's command line is base64 of UTF-16, and has 32,000 characters at most.
    assert!(script(&some).len() * 8 / 3 + 300 < 32_000, "{}", script(&some).len());
}

proptest! {
    /// However an account is called, nothing of it leaves its quotes: outside them every line is the
    /// same, and inside them are letters of base64, from which the name comes back.
    #[test]
    fn no_account_is_anything_but_data(accounts in prop::collection::vec("(?s).{0,40}", 0..6)) {
        let text = script(&accounts);
        let (head, lines) = text.split_at(FUNCTION.len());
        prop_assert_eq!(head, FUNCTION);
        let lines: Vec<&str> = lines.split('\n').collect();
        prop_assert_eq!(lines.len(), accounts.len() + 1);
        for (place, account) in accounts.iter().enumerate() {
            let inside = lines[place]
                .strip_prefix(&format!("'{place}=' + (Upn '"))
                .and_then(|rest| rest.strip_suffix("')"));
            let inside = inside.ok_or_else(|| TestCaseError::fail(lines[place].to_owned()))?;
            let letters = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
            prop_assert!(inside.chars().all(letters), "{}", inside);
            prop_assert_eq!(STANDARD.decode(inside).unwrap(), account.as_bytes());
        }
    }

    /// Whatever a machine prints, it answers for accounts that were asked about, with a UPN or none.
    #[test]
    fn no_output_makes_it_say_more_than_it_was_asked(output in "(?s).{0,200}") {
        let asked = names(&["corp\\ann", "corp\\bob"]);
        for (account, upn) in read(&output, &asked) {
            prop_assert!(asked.contains(&account));
            prop_assert!(upn.is_none_or(|upn| is_upn(&upn)));
        }
    }
}
