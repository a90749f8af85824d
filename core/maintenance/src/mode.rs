//! Maintenance mode of whoever watches the subject: on while something is changed, and then as it was before.

use core_plan::{Beside, Outcome, Step};

use crate::book::{Half, Line};
use crate::drive::AtWork;
use crate::error::Result;

impl AtWork<'_> {
    /// What changes the subject has it in maintenance mode, where it can be; what waits before does not.
    pub(crate) async fn enter_maintenance(&mut self) -> Result<()> {
        if self.entered {
            return Ok(());
        }
        self.entered = true;
        let words = self.desk.around.enter_maintenance().await?;
        self.beside(Beside::EnterMaintenance, &words).await
    }

    pub(crate) async fn leave_maintenance(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.entered) {
            return Ok(());
        }
        let words = self.desk.around.leave_maintenance().await?;
        self.beside(Beside::LeaveMaintenance, &words).await
    }

    /// Writes down what was done beside the plan, where anything was.
    async fn beside(&self, what: Beside, words: &[String]) -> Result<()> {
        if words.is_empty() {
            return Ok(());
        }
        let mut line = self.new_line(Half::Act, &Step::Beside(what));
        line.said.output = words.join("\n");
        line.outcome = Some(Outcome::Done { reboot: false });
        line.ended_at = Some(self.desk.clock.now());
        self.desk.book.write(&line).await
    }
}

/// Whether the subject was put into maintenance mode, and not taken out since.
pub(crate) fn is_entered(lines: &[Line]) -> bool {
    let mode = lines.iter().rev().find_map(|line| match &line.step {
        Step::Beside(Beside::EnterMaintenance) => Some(true),
        Step::Beside(Beside::LeaveMaintenance) => Some(false),
        _ => None,
    });
    mode.unwrap_or_default()
}
