//! The engine's own scripts: what it asks of a computer by itself. Each stands beside as a file, once for each
//! shell.

use core_model::library::{Script, ScriptContext, ScriptLanguage};
use core_script::{Arguments, CommandShell, ScriptError, Variables};
use serde_json::{Map, Value};

/// What the engine asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// Which of these programs are installed, in which versions.
    Table,
    /// Takes away what the computer says how to take away.
    Uninstall,
    /// Fetches a file and compares it with its digest.
    Download,
    /// Whether a reboot is pending, and when it was started last.
    State,
    /// Reboots.
    Reboot,
    /// Asks whoever sits there.
    Ask,
}

impl Text {
    /// As a script for a shell; nothing where that shell has no such thing.
    pub(crate) fn script(self, shell: CommandShell) -> Option<Script> {
        let windows = shell == CommandShell::PowerShell;
        let body = match (self, windows) {
            (Text::Table, true) => {
                concat!(include_str!("texts/programs.ps1"), include_str!("texts/table.ps1"))
            }
            (Text::Table, false) => include_str!("texts/table.sh"),
            (Text::Uninstall, true) => {
                concat!(include_str!("texts/programs.ps1"), include_str!("texts/uninstall.ps1"))
            }
            (Text::Uninstall, false) => include_str!("texts/uninstall.sh"),
            (Text::Download, true) => include_str!("texts/download.ps1"),
            (Text::Download, false) => include_str!("texts/download.sh"),
            (Text::State, true) => include_str!("texts/state.ps1"),
            (Text::State, false) => include_str!("texts/state.sh"),
            (Text::Reboot, true) => include_str!("texts/reboot.ps1"),
            (Text::Reboot, false) => include_str!("texts/reboot.sh"),
            (Text::Ask, true) => include_str!("texts/ask.ps1"),
            (Text::Ask, false) => return None,
        };
        let language = if windows { ScriptLanguage::PowerShell } else { ScriptLanguage::Sh };
        let context = if self == Text::Ask { ScriptContext::User } else { ScriptContext::System };
        Some(Script::new(body).in_language(language).in_context(context))
    }

    /// Seconds that it has.
    pub(crate) fn limit_s(self) -> u32 {
        match self {
            Text::Table | Text::State | Text::Reboot => 240,
            Text::Download | Text::Uninstall => 1800,
            Text::Ask => 360,
        }
    }
}

/// What one of these is given.
///
/// # Errors
/// Where a text cannot be given to a script.
pub(crate) fn given(values: &[(&str, &str)]) -> Result<Arguments, ScriptError> {
    let text =
        |(name, value): &(&str, &str)| ((*name).to_owned(), Value::String((*value).to_owned()));
    let values: Map<String, Value> = values.iter().map(text).collect();
    Arguments::of(&values, &[], &Variables::default())
}
