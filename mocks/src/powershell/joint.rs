//! Where output goes: to whoever collects it, on to the next block of a pipeline while a script runs, and the
//! streams beside it (errors, warnings, what is only told) to where they are redirected.

use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use super::ast::{Code, Redirect};
use super::run::{Flow, Outcome, Run, Scope};
use super::show::console;
use super::value::Value;

/// What a statement puts out.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) items: Vec<Value>,
    /// The joint that it belongs to, by its place.
    pub(super) joint: Option<usize>,
}

impl Deref for Out {
    type Target = Vec<Value>;

    fn deref(&self) -> &Vec<Value> {
        &self.items
    }
}

impl DerefMut for Out {
    fn deref_mut(&mut self) -> &mut Vec<Value> {
        &mut self.items
    }
}

impl Out {
    pub(super) fn take(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.items)
    }
}

/// Where a stream goes.
#[derive(Clone, Debug)]
enum Target {
    /// To whoever is around.
    Through,
    /// Into the output.
    Merged,
    /// To a file, which the number says, or nowhere.
    File(Option<usize>),
}

/// A command with redirections, or one whose output goes on while it runs.
pub(super) struct Joint {
    streams: [Target; 7],
    pending: Vec<Value>,
    files: Vec<(String, bool, Vec<String>)>,
    next: Option<Next>,
}

/// The block that takes what comes, and the scopes that it sees.
struct Next {
    code: Rc<Code>,
    scopes: usize,
    given: Out,
}

/// The number of a stream.
fn stream(letter: char) -> std::ops::RangeInclusive<usize> {
    match letter.to_digit(10).and_then(|digit| usize::try_from(digit).ok()) {
        Some(digit) => digit..=digit,
        None => 1..=6,
    }
}

impl Run<'_> {
    /// Opens a joint for a command, where it needs one.
    pub(super) fn open(
        &mut self,
        redirects: &[Redirect],
        next: Option<&Rc<Code>>,
    ) -> Outcome<Option<usize>> {
        if next.is_none() && redirects.iter().all(|redirect| redirect.stream == '1') {
            return Ok(None);
        }
        let mut joint = Joint {
            streams: [const { Target::Through }; 7],
            pending: Vec::new(),
            files: Vec::new(),
            next: next.map(|code| Next {
                code: Rc::clone(code),
                scopes: self.scopes.len(),
                given: Out::default(),
            }),
        };
        for redirect in redirects {
            let target = match &redirect.target {
                None => Target::Merged,
                Some(path) => {
                    let path = self.express(path)?.show();
                    if path.is_empty() {
                        Target::File(None)
                    } else if redirect.stream == '*' {
                        // The output takes them along.
                        Target::Merged
                    } else {
                        joint.files.push((path, redirect.append, Vec::new()));
                        Target::File(Some(joint.files.len() - 1))
                    }
                }
            };
            for number in stream(redirect.stream).filter(|number| *number > 1) {
                joint.streams[number] = target.clone();
            }
        }
        self.joints.push(joint);
        Ok(Some(self.joints.len() - 1))
    }

    /// Closes it: what is left goes on, files are written.
    pub(super) fn close(&mut self, out: &mut Out, done: Outcome<()>) -> Outcome<()> {
        let Some(at) = out.joint else { return done };
        let drained = self.drain(out);
        self.joints.truncate(at + 1);
        out.joint = None;
        let Some(joint) = self.joints.pop() else { return done };
        if let Some(next) = joint.next {
            out.extend(next.given.items);
        }
        for (path, append, lines) in joint.files {
            self.write_lines(&path, &lines, append)?;
        }
        done?;
        drained
    }

    /// Lets what a statement put out go on.
    pub(super) fn drain(&mut self, out: &mut Out) -> Outcome<()> {
        let Some(at) = out.joint else { return Ok(()) };
        let Some(joint) = self.joints.get_mut(at) else { return Ok(()) };
        let pending = std::mem::take(&mut joint.pending);
        out.extend(pending);
        if out.is_empty() || joint.next.is_none() {
            return Ok(());
        }
        let inner = self.joints.split_off(at);
        let mut inner = inner.into_iter();
        let mut own = inner.next();
        let done = match own.as_mut().and_then(|joint| joint.next.as_mut()) {
            Some(next) => self.pass_on(next, out.take()),
            None => Ok(()),
        };
        self.joints.extend(own);
        self.joints.extend(inner);
        done
    }

    /// Gives items to the block of the next stage, in its own scopes.
    fn pass_on(&mut self, next: &mut Next, items: Vec<Value>) -> Outcome<()> {
        let upper: Vec<Scope> = self.scopes.split_off(next.scopes.min(self.scopes.len()));
        let before = self.variable("_").cloned();
        let mut done = Ok(());
        for item in items {
            done = self.set("_", item).and_then(|()| self.block(&next.code.body, &mut next.given));
            match done {
                Err(Flow::Return | Flow::Continue) => done = Ok(()),
                Err(_) => break,
                Ok(()) => {}
            }
        }
        let restored = self.set("_", before.unwrap_or(Value::Null));
        self.scopes.truncate(next.scopes);
        self.scopes.extend(upper);
        done.and(restored)
    }

    /// Something on one of the streams beside the output: to where it is redirected, or to the console.
    pub(super) fn emit(&mut self, stream: usize, record: Value, line: &str) {
        for joint in self.joints.iter_mut().rev() {
            match joint.streams.get(stream) {
                Some(Target::Merged) => {
                    joint.pending.push(record);
                    return;
                }
                Some(Target::File(None)) => return,
                Some(Target::File(Some(at))) => {
                    if let Some((_, _, lines)) = joint.files.get_mut(*at) {
                        lines.extend(line.split('\n').map(str::to_owned));
                    }
                    return;
                }
                _ => {}
            }
        }
        let lines = line.split('\n').map(|line| line.trim_end_matches('\r').to_owned());
        self.prints(lines.collect(), stream == 2);
    }

    /// Whether somebody takes a stream that the console does not show.
    pub(super) fn is_taken(&self, stream: usize) -> bool {
        let through = |joint: &Joint| matches!(joint.streams.get(stream), Some(Target::Through));
        !self.joints.iter().all(through)
    }

    /// The output itself into a file, or nowhere.
    pub(super) fn redirected(&mut self, redirects: &[Redirect], out: &mut Out) -> Outcome<()> {
        for redirect in redirects.iter().filter(|r| matches!(r.stream, '1' | '*')) {
            let Some(target) = &redirect.target else { continue };
            let path = self.express(target)?.show();
            let lines = console(&out.take());
            if !path.is_empty() {
                self.write_lines(&path, &lines, redirect.append)?;
            }
        }
        Ok(())
    }
}
