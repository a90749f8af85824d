//! Whether software is there, where its definition names what to look for in the list of what is installed. All
//! that a session asks is asked at once: a computer is asked by one script, not by forty.

use core_model::library::{Detection, NameMatch, Software};
use core_plan::{Failure, FailureClass, Found, Outcome};
use core_script::Caps;

use crate::errand::Came;
use crate::outcome;

/// A list is longer than what scripts usually print.
pub(crate) const TABLE_CAPS: Caps = Caps { head: 48_000, tail: 0, errors: 2_000, value: 16 };

/// How, and with what, the list is looked through; nothing where a script looks.
pub(crate) fn question(software: &Software) -> Option<(&'static str, String)> {
    Some(match software.detection.as_ref()? {
        Detection::SoftwareTable { name, matching } => {
            let how = match matching {
                NameMatch::Contains => "contains",
                NameMatch::Exact => "exact",
                NameMatch::Regex => "regex",
            };
            (how, name.clone())
        }
        Detection::UpgradeCode(code) => ("upgrade", code.clone()),
        Detection::ProductCodes(_) => {
            ("product", software.product_codes().into_iter().collect::<Vec<_>>().join(" "))
        }
        Detection::Script(_) => return None,
    })
}

/// The questions as the script is given them.
pub(crate) fn written(questions: &[(&'static str, String)]) -> String {
    let lines: Vec<String> = questions.iter().map(|(how, with)| format!("{how}\t{with}")).collect();
    lines.join("\n")
}

/// What was found to each of so many questions.
pub(crate) fn found(came: &Came, questions: usize) -> Vec<Outcome> {
    let run = match outcome::read(came) {
        Ok(run) => run,
        Err(outcome) => return vec![outcome; questions],
    };
    if run.output.left_out > 0 {
        let message = "so much is installed that its list was cut off: compare names more narrowly";
        let failure = Failure::new(FailureClass::Read, message);
        return vec![Outcome::Found(Found::Failed(failure)); questions];
    }
    let rows: Vec<(usize, &str, &str)> = run.output.head.lines().filter_map(row).collect();
    (0..questions)
        .map(|number| {
            // Without a version it is there nevertheless, and its name is no version.
            let versions = rows
                .iter()
                .filter(|row| row.0 == number)
                .map(|(_, version, name)| if version.is_empty() { *name } else { *version });
            Outcome::Found(outcome::greatest(versions))
        })
        .collect()
}

/// `number <tab> version <tab> name`.
fn row(line: &str) -> Option<(usize, &str, &str)> {
    let mut parts = line.splitn(3, '\t');
    let number = parts.next()?.trim().parse().ok()?;
    Some((number, parts.next()?.trim(), parts.next()?.trim()))
}

#[cfg(test)]
mod tests {
    use core_plan::Version;
    use core_script::{Answer, Finished, Kept};

    use super::*;

    fn printed(text: &str) -> Came {
        let output = Kept { head: text.to_owned(), ..Kept::default() };
        Came::Answer(Box::new(Answer::Finished(Finished {
            exit: Some(0),
            output,
            ..Finished::default()
        })))
    }

    #[test]
    fn the_greatest_version_counts_and_what_has_none_is_there_all_the_same() {
        let came =
            printed("0\t9.20\t7-Zip 9.20\r\n0\t24.08\t7-Zip 24.08 (x64)\n2\t\tOld Tool\nnoise\n");
        let version = |text| Outcome::Found(Found::Version(Version::parse(text).unwrap()));
        assert_eq!(
            found(&came, 3),
            [
                version("24.08"),
                Outcome::Found(Found::Missing),
                Outcome::Found(Found::Unreadable("Old Tool".to_owned())),
            ]
        );
    }

    #[test]
    fn a_list_that_was_cut_off_says_nothing_about_what_is_missing() {
        let output = Kept { head: "0\t1\tA\n".to_owned(), left_out: 5, ..Kept::default() };
        let run = Finished { exit: Some(0), output, ..Finished::default() };
        let found = found(&Came::Answer(Box::new(Answer::Finished(run))), 1);
        assert!(matches!(&found[0], Outcome::Found(Found::Failed(_))), "{found:?}");
    }
}
