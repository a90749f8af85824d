//! Looking for software in the list of what is installed: all of it by one script, until something is changed.

use core_plan::{Failure, FailureClass, Key, Outcome, Outline, Step};

use crate::book::{Half, Line, Said};
use crate::detect;
use crate::drive::{AtWork, Desk, Pause};
use crate::errand::Errand;
use crate::outcome;
use crate::step::Body;
use crate::texts::{self, Text};

impl AtWork<'_> {
    /// Looks at once for all software that is looked for in the list of what is installed.
    pub(crate) async fn look_at_all(
        &mut self,
        outline: &Outline<'_>,
        step: &Step,
    ) -> std::result::Result<(), Pause> {
        let Step::Item { key: first, .. } = step else { return Ok(()) };
        if self.seen.contains_key(first) || self.open.is_some() {
            return Ok(());
        }
        let unknown = |key: &&Key| self.known.items.get(key).is_none_or(|one| one.found.is_none());
        let mut keys = Vec::new();
        let mut questions = Vec::new();
        for key in outline.items().map(|(key, _)| key).filter(unknown) {
            let software = key.software().and_then(|id| self.brief.catalogue.software(id));
            if let Some(question) = software.and_then(detect::question) {
                keys.push(key.clone());
                questions.push(question);
            }
        }
        if !keys.contains(first) || keys.len() < 2 {
            return Ok(());
        }
        let outcomes = self.table(&questions, None).await?;
        self.seen = keys.into_iter().zip(outcomes).collect();
        Ok(())
    }

    /// What is found to questions, by one script.
    pub(crate) async fn table(
        &self,
        questions: &[(&'static str, String)],
        line: Option<&mut Line>,
    ) -> std::result::Result<Vec<Outcome>, Pause> {
        let wanted = detect::written(questions);
        let Ok(arguments) = texts::given(&[("wanted", &wanted)]) else {
            let message = "the name that it is looked for by holds what no script can be given";
            let failure = Failure::new(FailureClass::Definition, message);
            return Ok(vec![Outcome::Failed(failure); questions.len()]);
        };
        let errand = Errand {
            body: &Body::Own(Text::Table),
            arguments: &arguments,
            limit_s: Text::Table.limit_s(),
            reads: true,
            caps: Some(detect::TABLE_CAPS),
        };
        let came = match line {
            Some(line) => {
                let came = errand.run(&self.desk, line).await?;
                let way = line.said.way.clone();
                line.said = outcome::said(&came, &core_script::Mask::default(), way);
                // What was found is the outcome; what the list looks like is nobody's business.
                line.said.output.clear();
                came
            }
            None => {
                let mut line = quiet_line(&self.desk);
                errand.quietly(&self.desk, &mut line).await?
            }
        };
        Ok(detect::found(&came, questions.len()))
    }
}

/// A line of what nobody needs to find again.
fn quiet_line(desk: &Desk<'_>) -> Line {
    let step = Step::AwaitConnection;
    let (what, said, began_at) = (String::new(), Said::default(), desk.clock.now());
    Line {
        number: 0,
        half: Half::Look,
        step,
        what,
        run: None,
        outcome: None,
        said,
        began_at,
        ended_at: None,
    }
}
