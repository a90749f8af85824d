//! What a command ends with: an exit code, or a failure that says what happened and what to do.

use std::fmt;
use std::process::ExitCode;

use serde_json::json;

use crate::output;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok,
    /// Failed.
    Failed,
    /// The arguments or the settings are wrong.
    Usage,
    /// Done in part: held back, or failed beside what worked.
    Partly,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Partly => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Why a command could not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    remedy: Option<String>,
    exit: Exit,
    /// A report with lines and carets, already laid out; it is shown instead of `what`.
    report: Option<String>,
    /// The same for machines.
    problems: Vec<serde_json::Value>,
}

impl Failure {
    /// It was tried and did not work (exit code 1).
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what.into())
    }

    /// What was asked for cannot be: an argument or a setting is wrong (exit code 2).
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what.into())
    }

    /// It waits for somebody's word (exit code 3).
    pub(crate) fn held(what: impl Into<String>) -> Self {
        Self::new(Exit::Partly, what.into())
    }

    /// The operating system refused. `doing` says what was tried, with the name of the file.
    pub(crate) fn io(doing: &str, error: &std::io::Error) -> Self {
        Self::failed(format!("{doing}: {error}"))
    }

    /// The same with what to do about it.
    #[must_use]
    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same, laid out for people and for machines.
    #[must_use]
    pub(crate) fn with_report(mut self, text: String, problems: Vec<serde_json::Value>) -> Self {
        self.report = Some(text);
        self.problems = problems;
        self
    }

    /// The same with something more for machines.
    #[must_use]
    pub(crate) fn with_problem(mut self, problem: serde_json::Value) -> Self {
        self.problems.push(problem);
        self
    }

    /// Says it on standard error, and on standard output as an object where JSON was asked for.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        match &self.report {
            Some(report) => output::error_line(report.trim_end()),
            None => output::error_line(&format!("error: {}", self.what)),
        }
        if let Some(remedy) = &self.remedy {
            output::error_line(&format!("  fix: {remedy}"));
        }
        if json {
            let mut error = json!({ "message": self.what, "remedy": self.remedy });
            if !self.problems.is_empty() {
                error["problems"] = self.problems.clone().into();
            }
            output::json(&json!({ "error": error, "exit_code": self.exit.code() }));
        }
        self.exit.into()
    }

    /// Whether what was asked for cannot be; else it was tried and did not work.
    pub(crate) fn is_usage(&self) -> bool {
        self.exit == Exit::Usage
    }

    /// Whether it waits for somebody's word.
    pub(crate) fn is_held(&self) -> bool {
        self.exit == Exit::Partly
    }

    /// The same one by one, for machines.
    pub(crate) fn problems(&self) -> &[serde_json::Value] {
        &self.problems
    }

    /// What to do about it.
    pub(crate) fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    /// All of it in one text, for a log.
    pub(crate) fn in_full(&self) -> String {
        let places = self.problems.iter().map(|problem| {
            let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
            format!("line {}: {}", problem["line"], text("message"))
        });
        let places = places.collect::<Vec<_>>().join("; ");
        match (places.is_empty(), &self.remedy) {
            (false, _) => format!("{}: {places}", self.what),
            (true, Some(remedy)) => format!("{}: {remedy}", self.what),
            (true, None) => self.what.clone(),
        }
    }

    fn new(exit: Exit, what: String) -> Self {
        Self { what, remedy: None, exit, report: None, problems: Vec::new() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl From<core_connector::Error> for Failure {
    fn from(error: core_connector::Error) -> Self {
        let exit = match error.kind() {
            core_connector::ErrorKind::Config => Exit::Usage,
            _ => Exit::Failed,
        };
        Self::new(exit, error.to_string()).with_remedy(error.remedy())
    }
}

impl From<core_store::Error> for Failure {
    fn from(error: core_store::Error) -> Self {
        Self::failed(error.to_string()).with_remedy(error.remedy())
    }
}

impl From<core_snapshot::Error> for Failure {
    fn from(error: core_snapshot::Error) -> Self {
        Self::failed(error.to_string()).with_remedy(error.remedy())
    }
}

impl From<core_sync::Error> for Failure {
    fn from(error: core_sync::Error) -> Self {
        let exit = match error {
            core_sync::Error::UnknownConnection { .. } | core_sync::Error::UnknownStream { .. } => {
                Exit::Usage
            }
            _ => Exit::Failed,
        };
        Self::new(exit, error.to_string()).with_remedy(error.remedy())
    }
}

impl From<core_daemon::Error> for Failure {
    fn from(error: core_daemon::Error) -> Self {
        Self::failed(error.to_string()).with_remedy(error.remedy())
    }
}

impl From<mocks::server::ServeError> for Failure {
    fn from(error: mocks::server::ServeError) -> Self {
        Self::failed(error.to_string())
    }
}
