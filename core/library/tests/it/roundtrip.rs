//! What is written is read as what it was.

use core_library::{FileRole, SourceFile, diff, export, read, schema};
use core_toml::Document;
use rand::Rng;
use rand::seq::IndexedRandom;

use crate::random::Dice;

const CASES: u64 = 500;

#[test]
fn reading_what_was_exported_gives_the_same_library_and_exporting_that_the_same_texts() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let (mut files_seen, mut deployments, mut scripts) = (0, 0, 0);
    for seed in 0..CASES {
        let mut dice = Dice::new(seed);
        let (names, library) = (dice.names(), dice.library());
        let files = export(&library, &names);
        let show =
            || files.iter().map(|f| format!("## {}\n{}", f.path, f.text)).collect::<String>();
        let again = read(&files, &names, &library, 5_000)
            .unwrap_or_else(|problems| panic!("seed {seed}\n{}\n{problems:?}", show()));
        let changes = diff(&library, &again, &names);
        let told: Vec<String> = changes.iter().map(ToString::to_string).collect();
        assert!(changes.is_empty(), "seed {seed}\n{}\n{}", show(), told.join("\n"));
        assert_eq!(again, library, "seed {seed}\n{}", show());
        assert_eq!(export(&again, &names), files, "seed {seed}");
        files_seen += files.len();
        deployments += library.deployments.len();
        // What is written fits the schema that editors use.
        let toml = |file: &&SourceFile| file.role == FileRole::Definitions;
        scripts += files.len() - files.iter().filter(toml).count();
        for file in files.iter().filter(toml).filter(|_| seed % 20 == 0) {
            let value = Document::parse(&file.path, &file.text).root.json();
            let errors: Vec<String> =
                validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "seed {seed}\n{}\n{errors:#?}", file.text);
        }
    }
    assert!(files_seen > 2_000 && deployments > 2_000, "{files_seen} {deployments}");
    assert!(scripts > 2_000, "{scripts}");
}

#[test]
fn a_difference_between_two_libraries_is_always_told() {
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let (names, one) = (dice.names(), dice.library());
        let other = dice.library();
        let same = one == other;
        assert_eq!(diff(&one, &other, &names).is_empty(), same, "seed {seed}");
        // Every single field: another target alone is one change of one field.
        let mut changed = one.clone();
        let Some(deployment) = changed.deployments.first_mut() else { continue };
        let target = dice.target(1);
        let is_other = deployment.target != target;
        deployment.target = target;
        let changes = diff(&one, &changed, &names);
        assert_eq!(changes.len(), usize::from(is_other), "seed {seed}");
        assert!(changes.iter().all(|change| change.fields.len() == 1), "seed {seed}");
    }
}

#[test]
fn a_difference_of_any_field_of_software_and_tasks_is_told_alone() {
    let mut told = 0;
    for seed in 0..200 {
        let mut dice = Dice::new(seed);
        let (names, one, other) = (dice.names(), dice.library(), dice.library());
        macro_rules! each {
            ($list:ident: $($field:ident),*) => {$(
                let mut changed = one.clone();
                let id = changed.$list[0].id;
                let theirs = other.$list.iter().find(|one| one.id == id).unwrap();
                changed.$list[0].$field = theirs.$field.clone();
                let changes = diff(&one, &changed, &names);
                let is_other = one.$list[0].$field != theirs.$field;
                let what = concat!(stringify!($list), " ", stringify!($field));
                assert_eq!(changes.len(), usize::from(is_other), "seed {seed}: {what}");
                for field in changes.iter().flat_map(|change| &change.fields) {
                    assert!(!field.words.is_empty(), "seed {seed}: {what}");
                    told += 1;
                }
            )*};
        }
        each!(software: title, publisher, versions, detection, scripts, dynamic_versions);
        each!(software: reported_uninstall, upgrade, repair, reboot_needed, configuration);
        each!(software: licensing, parameters, prerequisites, order);
        each!(tasks: scripts, parameters, serial, secret_fields, onboarding_only);
        each!(tasks: ignored_in_automatic_onboarding, prerequisites, order);
    }
    assert!(told > 2_000, "{told}");
}

/// What slips into a file at night.
const SLIPS: &[&str] = &[
    "",
    "=",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    "\n",
    "ü",
    "\u{0}",
    "target",
    "[[deployment]]\n",
    "3",
    "name = \"a\"\n",
    "tenant = \"Contoso\"\n",
    ", except = \"all\"",
    "{ not = ",
    "true",
    "\r",
];

#[test]
fn whatever_is_written_is_read_whole_or_refused_and_shown() {
    let (mut taken, mut refused) = (0, 0);
    for seed in 0..400 {
        let mut dice = Dice::new(seed);
        let (names, library) = (dice.names(), dice.library());
        let mut files = export(&library, &names);
        for _ in 0..dice.dice.random_range(1..3) {
            let file = dice.dice.random_range(0..files.len());
            files[file] = slipped(&files[file], &mut dice);
        }
        match read(&files, &names, &library, 5_000) {
            Ok(read) => {
                let tables = files.iter().map(|file| file.text.matches("[[deployment]]").count());
                // A slip may have put one into a text; none is lost.
                assert!(read.deployments.len() <= tables.sum(), "seed {seed}");
                taken += 1;
            }
            Err(problems) => {
                let mistakes = problems.iter().map(|one| one.list().len()).sum::<usize>();
                let shown = problems.iter().map(|one| one.text(false)).collect::<String>();
                assert!(mistakes > 0 && shown.contains(problems[0].name()), "seed {seed}");
                assert!(!shown.contains("mistake of the program"), "seed {seed}\n{shown}");
                refused += 1;
            }
        }
    }
    assert!(taken > 20 && refused > 100, "{taken} taken, {refused} refused");
}

/// The file with a piece of it replaced.
fn slipped(file: &SourceFile, dice: &mut Dice) -> SourceFile {
    let letters: Vec<char> = file.text.chars().collect();
    let from = dice.dice.random_range(0..=letters.len());
    let to = (from + dice.dice.random_range(0..6)).min(letters.len());
    let slip = SLIPS.choose(&mut dice.dice).copied().unwrap_or_default();
    let (head, tail) = (&letters[..from], &letters[to..]);
    let text = head.iter().collect::<String>() + slip + &tail.iter().collect::<String>();
    SourceFile { text, ..file.clone() }
}
