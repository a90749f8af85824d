//! PowerShell, as far as scripts that install, test and set things need it.
//!
//! A reader ([`parse`]) makes a tree of the text, and [`run`] carries it out on a machine's state
//! ([`crate::machine`]). It is the Windows PowerShell 5.1 that is on every machine: `&&` is an error.
//! What it does not know it says in PowerShell's own words. Steps, depth, output and sizes are
//! bounded: no script brings the mocks down, one that never ends hangs on its machine only. The
//! README lists what is understood.
//!
//! Two things differ. Values do not change: a table handed to a function is the function's own. And
//! a pipeline runs stage by stage, not item by item.

mod ast;
mod cmdlets;
mod command;
mod eval;
mod evaluate;
mod express;
mod members;
mod operators;
mod parse;
mod read;
mod run;
mod statics;
mod strings;
#[cfg(test)]
mod tests;
mod value;

use crate::machine::Sim;

pub(crate) use self::cmdlets::words;
pub(crate) use self::evaluate::environment;

/// Room for the deepest script; the threads of a server have less.
const STACK: usize = 64 << 20;

/// Runs a script: the lines that it printed, errors among them, and its exit code.
pub(crate) fn run(sim: &mut Sim, text: &str) -> (Vec<String>, i64) {
    let code = match parse::script(text) {
        Ok(code) => code,
        Err(wrong) => return (complaint(&wrong), 1),
    };
    run::Run::new(sim).script(&code)
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
