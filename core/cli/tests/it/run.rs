//! Runs the program in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a settings file.
pub(crate) struct Place(TempDir);

/// What a run of the program left.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn with(settings: &str) -> Self {
        let place = Self::empty();
        place.write("linchpin.toml", settings);
        place
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("linchpin.toml")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    pub(crate) fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied());
        Ran::from(command.output().unwrap())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linchpin"));
        command.current_dir(self.path()).args(arguments);
        command.env_remove("LINCHPIN_CONFIG").env_remove("LINCHPIN_LOG").env_remove("HTTPS_PROXY");
        command
    }
}

impl Ran {
    /// The run, if it ended with this code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The run, if each of these is on standard error.
    #[track_caller]
    pub(crate) fn complained(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "`{part}` is not in:\n{}", self.err);
        }
        self
    }

    /// The run, if it printed no data.
    #[track_caller]
    pub(crate) fn silent(self) -> Self {
        assert_eq!(self.out, "");
        self
    }

    /// The run, if each of these is on standard error, and nothing on standard output.
    #[track_caller]
    pub(crate) fn refused(self, parts: &[&str]) -> Self {
        self.ended(2).silent().complained(parts)
    }

    /// The run, if a person can read it: within a hundred columns, and without control characters.
    #[track_caller]
    pub(crate) fn readable(self) -> Self {
        for line in self.out.lines() {
            assert!(line.chars().count() <= 100, "too wide: {line}");
            assert!(!line.chars().any(char::is_control), "control characters: {line:?}");
        }
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{}", self.out))
    }

    /// The lines of standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let read = |line: &str| match serde_json::from_str(line) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {line}"),
        };
        self.out.lines().map(read).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
