//! `linchpin approve` and `linchpin reject`: a second person's word about a change that waits. It is
//! computed anew on what the hub has now; where it would change other winners than it did when it
//! was looked at, it is asked for anew instead.

use core_resolve::RunKind;
use core_store::{ChangeRequest, DefinitionChange, Word};
use serde_json::json;

use super::apply::{refuse_broken, refuse_number};
use super::decide::whoever;
use super::plan::{print, saved};
use super::preview::effect;
use super::requests::{Anew, Drift, approving, find, proposal};
use super::text;
use crate::cli::{ApproveArgs, Global, RejectArgs, WhenArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::world::World;

pub(crate) async fn run(global: &Global, args: &ApproveArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let by = whoever(args.by.as_deref());
    let request = open(&context, args.number).await?;
    if context.config.second_person && is_same(&by, &request.author) {
        let what = format!("{by} asked for request {}: somebody else approves it", args.number);
        return Err(Failure::held(format!("{what}; nothing was saved")).with_remedy(
            "let somebody else run it; `second_person = false` in the settings wants none",
        ));
    }
    let then = proposal(&request)?;
    let world = World::load(&context, &WhenArgs::default(), RunKind::default()).await?;
    let anew = Anew::of(&then, &world).map_err(|why| {
        Failure::failed(format!("request {} cannot be made any more: {why}", args.number))
            .with_remedy(format!("`linchpin reject {}`, and apply the files again", args.number))
    })?;
    let effect = effect(&world, &anew.library);
    let drift = Drift::between(&then.preview, &effect.as_json());
    if !global.json {
        print(&anew.changes);
        effect.print(&format!("request {}", args.number));
    }
    refuse_broken(&effect)?;
    let now_us = world.when.now.timestamp_micros();
    let word = Word {
        number: args.number,
        document: &request.document,
        by: &by,
        note: &args.note,
        now_us,
    };
    if !drift.is_none() {
        let now = anew.proposal(&then, &effect);
        context.store.renew_request(word, &now.to_json()).await?;
        return Err(asked_anew(global, args.number, &drift, now.confirm));
    }
    refuse_number(effect.to_confirm(), args.confirm)?;
    let rows = core_snapshot::rows(&world.loaded.library, &anew.library);
    let note = history(&request, &by, &args.note);
    let base = world.loaded.revision;
    let change =
        DefinitionChange { base, rows: &rows, author: &request.author, note: &note, now_us };
    let revision = context.store.approve_request(word, &change).await?;
    if global.json {
        let mut value = saved(revision, &anew.changes, &effect.as_json());
        value["request"] = json!(args.number);
        value["by"] = json!(by);
        output::json(&value);
    } else {
        let author = &request.author;
        output::line(&format!("Saved as revision {revision}, by {author}, approved by {by}."));
    }
    Ok(Exit::Ok)
}

pub(crate) async fn reject(global: &Global, args: &RejectArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let by = whoever(args.by.as_deref());
    let request = open(&context, args.number).await?;
    let (number, document, note) = (args.number, &*request.document, &*args.note);
    let now_us = chrono::Utc::now().timestamp_micros();
    context.store.reject_request(Word { number, document, by: &by, note, now_us }).await?;
    if global.json {
        output::json(&json!({ "request": number, "state": "rejected", "by": by }));
    } else {
        output::line(&format!("Request {number} is rejected, by {by}. Nothing was saved."));
    }
    Ok(Exit::Ok)
}

/// The request, if nobody has settled it.
async fn open(context: &Context, number: i64) -> Result<ChangeRequest, Failure> {
    let request = find(&context.store, number).await?;
    match &request.settled {
        None => Ok(request),
        Some(settled) => {
            let became = match settled.revision {
                Some(revision) => format!("approved by {}, as revision {revision}", settled.by),
                None => format!("rejected by {}", settled.by),
            };
            Err(Failure::usage(format!("request {number} was {became}"))
                .with_remedy("`linchpin requests` lists the open ones"))
        }
    }
}

/// Whether two names are of one person; how they are written does not matter.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    plain(one) == plain(other)
}

fn asked_anew(global: &Global, number: i64, drift: &Drift, confirm: Option<u64>) -> Failure {
    if !global.json {
        text::heading(&format!("Since request {number} was looked at, it changes other winners"));
        drift.print();
    }
    let what = format!(
        "request {number} changes other winners than it did; nothing was saved, and it is asked for \
         anew"
    );
    let approving = approving(number, confirm);
    Failure::held(what)
        .with_remedy(format!("if that is meant, {approving} saves it now"))
        .with_problem(drift.as_json())
}

/// What the history says: why it was asked for, and who approved it why.
fn history(request: &ChangeRequest, by: &str, note: &str) -> String {
    let approved = match note.is_empty() {
        true => format!("request {}, approved by {by}", request.number),
        false => format!("request {}, approved by {by}: {note}", request.number),
    };
    match request.note.is_empty() {
        true => approved,
        false => format!("{} ({approved})", request.note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_the_same_however_the_name_is_written() {
        assert!(is_same("Ana  Silva", " ana silva"));
        assert!(!is_same("ana", "ben"));
    }
}
