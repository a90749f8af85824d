//! `linchpin mail preview`: the mail about a session as its people get it, and to nobody.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use core_model::brand::Logo;
use core_store::NotificationKind;
use serde_json::json;

use super::super::sessions::one;
use crate::cli::{Global, MailPreviewArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::live::Kept;
use crate::mail::INLINE;
use crate::notify::{Draft, Place, draft, link};
use crate::output;

/// What stands for the key in the links: it opens nothing.
const NO_KEY: &str = "PREVIEW";

pub(super) async fn run(
    global: &Global,
    context: Context,
    args: &MailPreviewArgs,
) -> Result<(), Failure> {
    let context = Arc::new(context);
    let session = one(&context.store, args.session.trim()).await?;
    let place = Place::of(&context, &Arc::new(Kept::default()), &session).await?;
    let kind = if args.after { NotificationKind::After } else { NotificationKind::Before };
    let now = Utc::now();
    let day = args.on.unwrap_or_else(|| place.day(now));
    let when = (link(&context, NO_KEY), day, now.timestamp_micros());
    let Draft { to, brand, letter } = draft(&context, (&session, &place), kind, when).await?;
    let mut html = letter.html;
    // A browser knows nothing of pictures that are in a mail.
    if let Some(Logo::Inline { media, bytes }) = &brand.logo {
        html = html.replace(INLINE, &format!("data:{media};base64,{}", STANDARD.encode(bytes)));
    }
    if global.json {
        let to: Vec<String> = to.iter().map(|one| one.email.to_string()).collect();
        output::json(&json!({
            "kind": kind.as_str(), "brand": brand.name, "to": to, "subject": letter.subject,
            "text": letter.text, "html": html,
        }));
        return Ok(());
    }
    let text = if args.text { &letter.text } else { &html };
    match &args.out {
        Some(path) => {
            std::fs::write(path, text)
                .map_err(|error| Failure::io(&format!("writing {}", path.display()), &error))?;
            let brand = if brand.name.is_empty() { "built in" } else { &brand.name };
            output::line(&format!("{}: brand {brand}, for {} people", path.display(), to.len()));
        }
        None => output::line(text.trim_end()),
    }
    Ok(())
}
