//! What the API answers about schedules: the same as `linchpin schedule`.

use core_server::{Question, ScheduleAsk};
use serde_json::Value;

use super::param;
use crate::commands::schedule::{self, Wanted};
use crate::context::Context;
use crate::failure::Failure;

/// How much of what comes is told where nobody says how much.
const USUAL: u32 = 20;

pub(super) async fn act(
    context: &Context,
    question: &Question,
    ask: ScheduleAsk,
) -> Result<Value, Failure> {
    let (which, by) = (question.id.as_str(), question.by.as_str());
    match ask {
        ScheduleAsk::List => schedule::listed(context).await,
        ScheduleAsk::Next => {
            let count = match param(question, "count") {
                Some(text) => text.parse().ok().filter(|count| (1..=1_000).contains(count)),
                None => Some(USUAL),
            };
            let count = count.ok_or_else(|| {
                Failure::usage("`count` is no number of times")
                    .with_remedy("give a number from 1 to 1000")
            })?;
            let (name, until) = (param(question, "schedule"), param(question, "last_day"));
            schedule::next(context, &Wanted { name, count, until }).await
        }
        ScheduleAsk::Show => schedule::answer(context, which).await,
        ScheduleAsk::Run => schedule::run_now(context, which, question.is("detect_only"), by).await,
        ScheduleAsk::Enable => schedule::switch(context, which, true, by).await,
        ScheduleAsk::Disable => schedule::switch(context, which, false, by).await,
        ScheduleAsk::Cancel => schedule::cancel(context, which, question.is("running"), by).await,
    }
}
