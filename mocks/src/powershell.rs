//! PowerShell, as far as scripts that install, test and set things need it.
//!
//! A reader ([`parse`]) makes a tree of the text, and [`run`] carries it out on a machine's state
//! ([`crate::machine`]). It is the Windows PowerShell 5.1 that is on every machine: `&&` is an error.
//! What it does not know it says in PowerShell's own words. Steps, depth, output and sizes are
//! bounded: no script brings the mocks down, one that never ends hangs on its machine only. The
//! README lists what is understood.
//!
//! A pipeline runs stage by stage, not item by item, but for a script whose output goes on to
//! `ForEach-Object { ... }`: that block runs while the script does.

mod assign;
mod ast;
mod calls;
mod cmdlets;
mod command;
mod convert;
mod dates;
mod disk;
mod encodings;
mod eval;
mod evaluate;
mod express;
mod joint;
mod members;
mod memory;
mod objects;
mod operators;
mod parse;
mod read;
mod run;
mod show;
mod statics;
mod strings;
#[cfg(test)]
mod tests;
mod texts;
mod things;
mod value;

use crate::machine::Sim;
use crate::shell::{Ended, Said};
use crate::world::Content;

pub(crate) use self::cmdlets::{text_of, words};
pub(crate) use self::objects::sid_of;

/// Room for the deepest script; the threads of a server have less.
const STACK: usize = 64 << 20;

/// Runs a script: what it printed, and its exit code.
pub(crate) fn run(sim: &mut Sim, text: &str) -> Ended {
    match parse::script(text) {
        Ok(code) => run::Run::new(sim).script(&code, None),
        Err(wrong) => refused(sim, complaint(&wrong), 1),
    }
}

/// Runs a file, as `powershell.exe -File` does.
pub(crate) fn run_file(sim: &mut Sim, path: &str, args: &[String]) -> Ended {
    let text = sim.file(path).filter(|content| *content != Content::Folder && sim.may_read(path));
    let Some(text) = text.map(|content| cmdlets::text_of(&content)) else {
        let line = format!(
            "The argument '{path}' to the -File parameter does not exist. Provide the path to an \
             existing '.ps1' file as an argument to the -File parameter."
        );
        return refused(sim, vec![line], -196_608);
    };
    match parse::script(&text) {
        Ok(code) => run::Run::new(sim).script(&code, Some((path, eval::given(args)))),
        Err(wrong) => refused(sim, complaint(&wrong), 1),
    }
}

/// What PowerShell says where it does not start a script.
fn refused(sim: &Sim, lines: Vec<String>, exit: i64) -> Ended {
    let at = sim.elapsed();
    let said = lines.into_iter().map(|text| Said { text, error: true, at });
    Ended { said: said.collect(), exit: Ok(exit) }
}

/// Runs something on a stack that is deep enough for scripts.
pub(crate) fn deep<T: Send>(act: impl FnOnce() -> T + Send) -> std::thread::Result<T> {
    std::thread::scope(|scope| {
        let started = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, act);
        match started {
            Ok(thread) => thread.join(),
            Err(error) => Err(Box::new(error) as Box<dyn std::any::Any + Send>),
        }
    })
}

/// What PowerShell says to a script that it does not start.
fn complaint(wrong: &read::Wrong) -> Vec<String> {
    vec![
        format!("At line:{} char:1", wrong.line),
        wrong.message.clone(),
        "    + CategoryInfo          : ParserError: (:) [], ParentContainsErrorRecordException"
            .to_owned(),
    ]
}
