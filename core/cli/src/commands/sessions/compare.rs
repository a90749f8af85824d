//! `linchpin sessions compare`: two sessions side by side.

use core_store::{Compared, ComparedItem, Side};

use super::super::text::{self, count, field};
use super::one;
use crate::cli::{Global, SessionsCompareArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, printable};

pub(super) async fn run(
    global: &Global,
    context: &Context,
    args: &SessionsCompareArgs,
) -> Result<(), Failure> {
    let store = &context.store;
    let session = one(store, args.session.trim()).await?;
    // The earlier one is told first.
    let (first, second) = match &args.other {
        Some(other) => (session, one(store, other.trim()).await?),
        None => {
            let before = store.session_before(&session).await?.ok_or_else(|| {
                let what = format!("no session of {} ended before it", session.subject_name);
                Failure::usage(what).with_remedy("name the other one")
            })?;
            (before, session)
        }
    };
    let compared = store.compare_sessions(&first, &second).await?;
    if global.json {
        output::json(&compared);
        return Ok(());
    }
    for (lead, side) in [("one", &compared.one), ("other", &compared.other)] {
        head(context, lead, side);
    }
    let shown: Vec<&ComparedItem> =
        compared.items.iter().filter(|item| args.all || item.differs).collect();
    let same = compared.items.len() - compared.differing;
    if compared.differing == 0 {
        output::line("Nothing differs.");
    }
    shown.into_iter().for_each(item);
    if same > 0 && !args.all {
        let same = count(same as u64, "item is the same", "items are the same");
        output::line(&format!("{same} in both; --all shows them."));
    }
    Ok(())
}

fn head(context: &Context, lead: &str, side: &Compared) {
    let at = text::second(text::instant(side.asked_us), context.config.time_zone);
    let what = format!(
        "{} of {}, {at}: {} ({})",
        side.title,
        side.subject_name,
        side.state.as_str(),
        side.word
    );
    field(lead, &printable(&format!("{} {what}", text::short(&side.id.to_string()))));
}

fn item(item: &ComparedItem) {
    text::heading(&printable(&item.title));
    if !item.inputs.is_empty() {
        text::indented(
            2,
            &printable(&format!("made of something else: {}", item.inputs.join(", "))),
        );
    }
    for (lead, side) in [("one", &item.one), ("other", &item.other)] {
        text::indented(2, &printable(&format!("{lead}: {}", words(side.as_ref()))));
    }
}

fn words(side: Option<&Side>) -> String {
    let Some(side) = side else { return "not in it".to_owned() };
    match (&side.does, &side.message) {
        (Some(does), Some(message)) => format!("{does}; {message}"),
        _ => "planned, and not done".to_owned(),
    }
}
