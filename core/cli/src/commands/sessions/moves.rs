//! `linchpin sessions postpone` and `now`: a session that waits for its time gets another one.

use std::sync::Arc;

use chrono::Utc;
use core_model::postpone::{PostponeBy, at_words};
use core_store::{Moved, Moving, SessionMove};

use super::super::decide::whoever;
use super::one;
use crate::cli::{ByWord, Global, SessionsNowArgs, SessionsPostponeArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::live::Kept;
use crate::notify::Place;
use crate::output::{self, printable};

/// Postpones one.
pub(super) async fn postpone(
    global: &Global,
    context: Context,
    args: &SessionsPostponeArgs,
) -> Result<Exit, Failure> {
    let by = match args.by {
        ByWord::Hour => PostponeBy::Hour,
        ByWord::FourHours => PostponeBy::FourHours,
        ByWord::Night => PostponeBy::Night,
    };
    let how = (Moving::Postpone(by), args.force);
    moved(global, context, &args.id, how, ("postpone-session", args.who.as_deref())).await
}

/// Has one begin.
pub(super) async fn now(
    global: &Global,
    context: Context,
    args: &SessionsNowArgs,
) -> Result<Exit, Failure> {
    moved(global, context, &args.id, (Moving::Now, false), ("hasten-session", args.who.as_deref()))
        .await
}

async fn moved(
    global: &Global,
    context: Context,
    id: &str,
    (to, forced): (Moving, bool),
    (action, who): (&str, Option<&str>),
) -> Result<Exit, Failure> {
    let context = Arc::new(context);
    let session = one(&context.store, id.trim()).await?;
    let zone = Place::of(&context, &Arc::new(Kept::default()), &session).await?.zone;
    let rules = context.config.notification.postponing(zone);
    let (by, now_us) = (whoever(who), Utc::now().timestamp_micros());
    let how = SessionMove { to, rules: &rules, forced, by: &by, key: None, now_us };
    let id = session.id.to_string();
    let session = match context.store.move_session(session.id, how).await? {
        Moved::Done(session) => *session,
        Moved::Refused(refusal) => {
            let what = format!("session {id} is not moved: {}", refusal.words(zone));
            let remedy = match to {
                Moving::Postpone(_) if !forced => {
                    "what is begun or over stays as it is; beyond number and deadline `--force` postpones it"
                }
                _ => "`linchpin sessions show ID` says where it stands",
            };
            return Err(Failure::usage(what).with_remedy(remedy));
        }
        Moved::Used => return Err(Failure::failed("the session was moved meanwhile")),
    };
    context.audit(&by, action, &id, &session.word).await?;
    core_daemon::tell_tickets(&context.store, std::slice::from_ref(&session), now_us).await?;
    if global.json {
        output::json(&session);
        return Ok(Exit::Ok);
    }
    let (what, of) = (printable(&session.title), printable(&session.subject_name));
    output::line(&match (to, session.act_us) {
        (Moving::Postpone(_), Some(at)) => {
            format!("{what} of {of} begins on {}.", at_words(at, zone))
        }
        _ => format!("{what} of {of} goes on as soon as an engine takes it."),
    });
    Ok(Exit::Ok)
}
