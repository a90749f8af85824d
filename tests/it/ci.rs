//! `.ci/run` on machines that lack something: what is there is taken, what is missing is named in one line
//! with how it is installed there, and nothing is left out in silence.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

/// A machine whose programs are these.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new(programs: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        for name in ["bash", "dirname", "id", "head", "mkdir", "ln", "realpath", "env", "cat"] {
            symlink(real(name)?, folder.path().join(name))?;
        }
        let machine = Self { folder };
        for (name, text) in programs {
            machine.add(name, text)?;
        }
        Ok(machine)
    }

    /// A program that is a script.
    fn add(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, format!("#!/usr/bin/env bash\n{text}\n"))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }

    /// Does one step of `.ci/run`, in a folder of its own.
    fn step(&self, step: &str, places: &str) -> Result<Output> {
        let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/run");
        let work = tempfile::tempdir()?;
        let script = format!(
            "source {}; cd {}; browser_places() {{ printf '%s' '{places}'; }}; {step}; echo went on",
            run.display(),
            work.path().display()
        );
        let bash = self.folder.path().join("bash");
        let mut command = Command::new(bash);
        command.args(["-c", &script]).env_clear().env("PATH", self.folder.path());
        Ok(command.env("CARGO_HOME", work.path()).env("HOME", work.path()).output()?)
    }
}

fn real(name: &str) -> Result<PathBuf> {
    let places = ["/usr/bin", "/bin", "/usr/local/bin", "/opt/homebrew/bin"];
    let mut found = places.iter().map(|place| Path::new(place).join(name));
    found.find(|path| path.exists()).with_context(|| format!("there is no {name}"))
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

#[test]
fn what_is_missing_is_named_in_one_line_with_how_it_is_installed_there() -> Result<()> {
    for (manager, step, words) in [
        (
            "dnf",
            "need_browser",
            "Chromium with chromedriver is missing; install it and start again: dnf install chromium chromedriver",
        ),
        ("pacman", "need_browser", "pacman -S chromium"),
        ("brew", "need_browser", "brew install --cask chromium chromedriver"),
        (
            "nothing",
            "need_browser",
            "dnf install chromium chromedriver, pacman -S chromium, or brew",
        ),
        (
            "dnf",
            "need_fuzzer",
            "Python with venv is missing; install it and start again: dnf install python3",
        ),
        ("pacman", "need_fuzzer", "pacman -S python"),
        (
            "dnf",
            "need_compiler",
            "a C compiler is missing; install it and start again: dnf install gcc",
        ),
    ] {
        let machine = Machine::new(&[(manager, "exit 1")])?;
        let output = machine.step(step, "")?;
        let said = text(&output);
        ensure!(!output.status.success(), "{manager} {step} went on: {said}");
        let lines: Vec<&str> = said.lines().collect();
        ensure!(lines.len() == 1 && lines[0].starts_with("ci: "), "{manager} {step}: {said}");
        ensure!(lines[0].contains(words), "{manager} {step}: {said}");
    }
    Ok(())
}

#[test]
fn what_is_there_is_taken_before_anything_is_installed() -> Result<()> {
    // An apt that is asked would leave its mark.
    let apt = ("apt-get", "echo installed; exit 1");
    let driver = ("chromedriver", "echo ChromeDriver 1");
    let machine = Machine::new(&[apt, driver])?;
    let said = text(&machine.step("need_browser", "")?);
    ensure!(said == "ChromeDriver 1\nwent on\n", "{said}");

    let machine = Machine::new(&[apt])?;
    let elsewhere = tempfile::tempdir()?;
    let other = elsewhere.path().join("chromium.chromedriver");
    std::fs::rename(machine.add("another", "echo ChromeDriver 2")?, &other)?;
    let place = other.display().to_string();
    let said = text(&machine.step("need_browser", &place)?);
    ensure!(said == "ChromeDriver 2\nwent on\n", "{said}");

    let st = "echo Schemathesis $SCHEMATHESIS_VERSION";
    let version = "export SCHEMATHESIS_VERSION; need_fuzzer";
    let machine = Machine::new(&[apt, ("st", st)])?;
    let said = text(&machine.step(version, "")?);
    ensure!(said.starts_with("Schemathesis ") && said.ends_with("went on\n"), "{said}");
    ensure!(!said.contains("installed"), "{said}");

    // An apt that cannot is told of with what it was to install.
    let output = Machine::new(&[apt, ("sudo", "exec \"${@:2}\"")])?.step("need_browser", "")?;
    let said = text(&output);
    ensure!(
        !output.status.success() && said.contains("apt-get install chromium chromium-driver"),
        "{said}"
    );
    Ok(())
}
