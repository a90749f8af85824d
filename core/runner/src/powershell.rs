//! Windows PowerShell 5.1: on Windows it runs what the hub signed, and says what only Windows knows. The texts are made
//! alike on every system, so that their tests run on every system.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs a text and says in a file how that ended.
pub(crate) const WRAPPER: &str = include_str!("wrapper.ps1");
/// What a machine says of itself.
const MACHINE: &str = include_str!("machine.ps1");
/// Makes the runner's folder, or looks who gets at it.
const FOLDER: &str = include_str!("folder.ps1");

/// No profile of anybody changes what runs, and nobody is asked anything.
const BARE: [&str; 2] = ["-NoProfile", "-NonInteractive"];
/// How long an answer may take. Right after the machine was started it takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// `CREATE_NO_WINDOW`: a console of its own that nobody sees. The agent's console, with its Ctrl-C and its end, is none
/// of it, and neither is the code page that another command chose.
#[cfg(windows)]
pub(crate) const UNSEEN: u32 = 0x0800_0000;

/// Where a program of the system is. It is not looked for in `PATH`: what lies there may be somebody else's.
pub(crate) fn program(below: &str) -> PathBuf {
    let root = std::env::var_os("SystemRoot").filter(|root| !root.is_empty());
    let mut path = root.unwrap_or_else(|| OsString::from(r"C:\Windows"));
    path.push(r"\System32\");
    path.push(below);
    PathBuf::from(path)
}

/// PowerShell itself.
pub(crate) fn shell() -> PathBuf {
    program(r"WindowsPowerShell\v1.0\powershell.exe")
}

/// How a text is run that lies in a file. What stands behind `-File` is taken as it is, without any quoting.
pub(crate) fn arguments(wrapper: &Path, files: [&Path; 3]) -> Vec<OsString> {
    let words = BARE.into_iter().chain(["-ExecutionPolicy", "Bypass", "-File"]);
    words.map(OsString::from).chain([wrapper.into()]).chain(files.map(Into::into)).collect()
}

/// A text as a file: without the mark, Windows PowerShell reads it in the machine's own code page.
pub(crate) fn file(text: &str) -> String {
    format!("\u{feff}{text}")
}

/// A literal: in single quotes nothing has a meaning but their end, and the typographic ones count as such.
fn quoted(text: &str) -> String {
    let twice = |c: char| matches!(c, '\'' | '\u{2018}'..='\u{201b}');
    let inner: String =
        text.chars().flat_map(|c| std::iter::repeat_n(c, 1 + usize::from(twice(c)))).collect();
    format!("'{inner}'")
}

/// A text for a command line: one line, without its comments.
fn line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.collect::<Vec<_>>().join(" ")
}

/// What the machine says of itself; see [`crate::of_windows`].
///
/// # Errors
/// In words, where PowerShell does not answer.
pub(crate) fn machine() -> Result<String, String> {
    ask(&line(MACHINE))
}

/// Makes a folder that nobody else gets at, or looks at the one that is there.
///
/// # Errors
/// In words, with the remedy, where others get at it or nobody can tell.
pub(crate) fn private_folder(path: &Path) -> Result<(), String> {
    let Some(path) = path.to_str() else {
        return Err("its name is no Unicode: choose another one with `--state PATH`".to_owned());
    };
    judged(&ask(&about(path))?)
}

/// The question about a folder.
fn about(path: &str) -> String {
    line(FOLDER).replace("@PATH@", &quoted(path))
}

/// What the answer about a folder means.
fn judged(said: &str) -> Result<(), String> {
    let said = said.trim();
    let of = |start: &str| said.strip_prefix(start).map(str::trim);
    match said {
        "private" => Ok(()),
        "link" => Err("it is a link, which may lead elsewhere tomorrow: remove it".to_owned()),
        _ => Err(if let Some(who) = of("others ") {
            format!(
                "others own it or may use it ({who}): remove the folder, or take their rights with `icacls`; \
                 it must be of S-1-5-18 (the system) and S-1-5-32-544 (administrators) alone"
            )
        } else if let Some(why) = of("failed ") {
            format!("PowerShell cannot tell who gets at it: {}", short(why))
        } else {
            format!("PowerShell does not say who gets at it, but {:?}", short(said))
        }),
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// What PowerShell prints when it is given a text.
fn ask(text: &str) -> Result<String, String> {
    let program = shell();
    let mut command = Command::new(&program);
    command.args(BARE).args(["-Command", text]);
    answer(command, PATIENCE).map_err(|why| format!("{}: {why}", program.display()))
}

/// What a program prints, where it ends in time and well.
fn answer(mut command: Command, patience: Duration) -> Result<String, String> {
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt as _;
        command.creation_flags(UNSEEN);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
    let pipe = child.stdout.take();
    // Read while it runs: a pipe that is full would have it wait.
    let reading = std::thread::spawn(move || {
        let mut printed = Vec::new();
        match pipe {
            Some(mut pipe) => pipe.read_to_end(&mut printed).map(|_| printed),
            None => Ok(printed),
        }
    });
    let until = Instant::now() + patience;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
            ended => {
                // What it left behind may hold the pipe: nobody waits for that.
                drop(child.kill().and_then(|()| child.wait()));
                return Err(match ended {
                    Err(error) => error.to_string(),
                    Ok(_) => format!("it did not answer within {} seconds", patience.as_secs()),
                });
            }
        }
    };
    let printed = reading.join().map_err(|_| "what it prints cannot be read".to_owned())?;
    let printed = printed.map_err(|error| format!("what it prints cannot be read: {error}"))?;
    match status.success() {
        true => Ok(String::from_utf8_lossy(&printed).into_owned()),
        false => Err(format!("it ended with {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_for_a_command_line_hold_nothing_that_it_changes() {
        for text in [line(MACHINE), about(r"C:\ProgramData\linchpin-agent")] {
            assert!(text.is_ascii() && !text.contains(['"', '\n', '#', '`']), "{text}");
            assert!(!text.ends_with('\\') && text.len() < 8_000);
        }
        assert!(!about("x").contains("@PATH@") && WRAPPER.is_ascii());
    }

    #[test]
    fn a_path_stays_one_literal_whatever_quotes_it_holds() {
        assert_eq!(quoted(r"C:\a b"), r"'C:\a b'");
        assert_eq!(quoted("it's \u{2019}$x"), "'it''s \u{2019}\u{2019}$x'");
        assert!(about("C:\\o'b").contains("$p = 'C:\\o''b'; $i ="));
    }

    #[test]
    fn a_text_is_run_by_the_wrapper_with_its_files_as_arguments_of_their_own() {
        let files = [r"C:\a b\1.ps1", r"C:\a b\1.exit", r"C:\a b\1.lock"].map(Path::new);
        let words = arguments(Path::new(r"C:\a b\1.wrapper.ps1"), files);
        let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(words[..4], ["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass"]);
        assert_eq!(words[4..6], ["-File", r"C:\a b\1.wrapper.ps1"]);
        assert_eq!(words[6..], [r"C:\a b\1.ps1", r"C:\a b\1.exit", r"C:\a b\1.lock"]);
    }

    #[test]
    fn the_wrapper_says_the_end_in_one_piece_and_leaves_standard_input_to_the_text() {
        // A script in which this variable stands has PowerShell itself read standard input.
        assert!(!WRAPPER.to_ascii_lowercase().contains("$input"));
        // With it, other errors would end the text than without a runner.
        assert!(!WRAPPER.contains("} catch {\n") && WRAPPER.contains("} finally {\n"));
        let (held, ran) = (WRAPPER.find("[IO.File]::Open("), WRAPPER.find("& $LP_text"));
        let (written, moved) = (WRAPPER.find("WriteAllText("), WRAPPER.find("::Move("));
        assert!(held.is_some() && held < ran && ran < written && written < moved);
    }

    #[test]
    fn a_text_has_the_mark_of_its_encoding() {
        assert_eq!(file("'ü'").as_bytes()[..4], [0xef, 0xbb, 0xbf, b'\'']);
    }

    #[test]
    fn a_folder_that_others_get_at_is_refused_with_who_they_are() {
        assert_eq!(judged("private\r\n"), Ok(()));
        for (said, words) in [
            ("others S-1-5-11 S-1-1-0\r\n", "(S-1-5-11 S-1-1-0): remove the folder"),
            ("link\r\n", "it is a link"),
            ("failed Access is denied.\r\n", "cannot tell who gets at it: Access is denied."),
            ("", "does not say who gets at it"),
            ("privates", "does not say who gets at it"),
        ] {
            let why = judged(said).unwrap_err();
            assert!(why.contains(words), "{said}: {why}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn who_does_not_answer_in_time_or_ends_badly_gave_no_answer() {
        let sh = |text: &str| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", text]);
            command
        };
        assert_eq!(answer(sh("echo a; cat"), PATIENCE), Ok("a\n".to_owned()));
        let whole = answer(sh("seq 1 100000"), PATIENCE).unwrap();
        assert!(whole.ends_with("\n100000\n"), "a full pipe stops nobody");
        let late = answer(sh("sleep 60"), Duration::from_millis(100)).unwrap_err();
        assert!(late.contains("did not answer within"), "{late}");
        let bad = answer(sh("echo a; exit 3"), PATIENCE).unwrap_err();
        assert!(bad.contains('3'), "{bad}");
    }
}
