//! The page that a mail about a session leads to: what will be done, and a form to have it begin or to postpone it.
//! Whoever has the mail needs no account. Reading the page changes nothing, however often programs do that which look
//! through mail; each deed needs the token of the form, which counts once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use core_model::brand::{Brand, Logo};
use core_model::postpone::{PostponeBy, PostponeRules, Refusal, at_words, may_move};
use core_model::session::{Session, SessionState};
use core_model::stop;
use core_store::{Moved, Moving, NotificationKey, NotificationRow, SessionMove};
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::asked::Asked;
use crate::page::{branded, see_other};
use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, assets, technician};

/// Who moves a session with a mail, as people are told.
const READER: &str = "whoever has the mail";
/// What the log of changes calls it.
const ACTION: &str = "move-session";
/// Unknown keys from one address in a minute after which none is looked at.
const STRANGE: u32 = 60;
/// Addresses that are remembered for that.
const ADDRESSES: usize = 10_000;
const MINUTE_US: i64 = 60 * 1_000_000;
/// Parameters of the page.
const PARAMS: &[&str] = &["done"];

/// What the program around the server knows of a session that somebody was told of.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    /// How the page looks.
    pub brand: Brand,
    /// What will be done: what it is about, and what.
    pub actions: Vec<(String, String)>,
    /// How it may be postponed.
    pub rules: PostponeRules,
}

/// Who asked with keys that nobody has, by address, in this minute.
#[derive(Default)]
pub(crate) struct Strangers(Mutex<(i64, HashMap<String, u32>)>);

impl Strangers {
    /// How often somebody did, with as many more.
    fn count(&self, address: &str, now_us: i64, more: u32) -> u32 {
        let minute = now_us / MINUTE_US;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != minute || known.1.len() > ADDRESSES {
            *known = (minute, HashMap::new());
        }
        if more == 0 {
            return known.1.get(address).copied().unwrap_or_default();
        }
        let count = known.1.entry(address.to_owned()).or_default();
        *count = count.saturating_add(more);
        *count
    }
}

#[derive(Template)]
#[template(path = "notification.html")]
struct Page<'a> {
    css: String,
    nonce: &'a str,
    brand: &'a Brand,
    logo: String,
    title: String,
    computer: &'a str,
    /// What was done by now.
    said: &'a str,
    /// What was not, and why.
    refused: &'a str,
    /// Where it stands.
    stands: String,
    actions: &'a [(String, String)],
    /// Whether anything can be done.
    open: bool,
    token: String,
    times: Vec<Time>,
    left: u32,
    deadline: String,
}

/// To when it can be postponed.
struct Time {
    word: &'static str,
    says: &'static str,
    at: String,
}

/// A session, known by the key of a mail.
struct Found {
    key: NotificationKey,
    row: NotificationRow,
    session: Session,
    notice: Notice,
    begun: bool,
    /// Whether a stop holds it.
    held: bool,
}

/// Shows the page. It changes nothing.
pub(crate) async fn page(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let done = Params::of(&asked.uri, PARAMS)?.get("done").is_some();
    let Some(found) = found(&api, &asked).await? else { return unknown() };
    let said = match (done, found.session.state) {
        (true, SessionState::Waiting | SessionState::Running) => "It is noted.",
        _ => "",
    };
    found.shown(StatusCode::OK, (said, ""), api.now_us())
}

/// Has a session begin, or postpones it.
pub(crate) async fn act(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let Some(found) = found(&api, &asked).await? else { return unknown() };
    let now_us = api.now_us();
    let wanted = asked.field("do").unwrap_or_default();
    let to = match (wanted.as_str(), PostponeBy::parse(&wanted)) {
        ("now", _) => Moving::Now,
        (_, Some(by)) => Moving::Postpone(by),
        _ => return Err(Problem::wrong("there is no such button", "use those of the page")),
    };
    let sent = asked.field("token").unwrap_or_default();
    let is_right: bool = sent.as_bytes().ct_eq(found.token().as_bytes()).into();
    if !is_right {
        return found.shown(StatusCode::CONFLICT, ("", USED), now_us);
    }
    let due = found.session.act_us.is_none_or(|at| at <= now_us);
    if let (true, Moving::Postpone(_)) = (due, to) {
        // The mail counts until then; afterwards it is the engine's.
        return found.refused(&api, &asked, Refusal::Due).await;
    }
    let how = SessionMove {
        to,
        rules: &found.notice.rules,
        forced: false,
        by: READER,
        key: Some((&found.key, found.row.uses)),
        now_us,
    };
    match api.store.move_session(found.session.id, how).await? {
        Moved::Done(session) => {
            let subject = session.id.to_string();
            api.audit(&asked, (ACTION, &subject), "done", &wanted).await?;
            technician::go_on(&api, &[*session]).await?;
            Ok(see_other("?done=1"))
        }
        Moved::Refused(refusal) => found.refused(&api, &asked, refusal).await,
        Moved::Used => found.shown(StatusCode::CONFLICT, ("", USED), now_us),
    }
}

const USED: &str = "That was not done: the page was not up to date. It is now.";

/// Why, and by whom, is no matter of whoever sits there.
const HELD: &str = " All such work is halted at present: it is done once that is over.";

/// The session of the key in the path; nothing where it is nobody's.
async fn found(api: &Api, asked: &Asked) -> Result<Option<Found>, Problem> {
    let now_us = api.now_us();
    if api.strangers.count(&asked.address, now_us, 0) >= STRANGE {
        return Err(Problem::too_strange());
    }
    let row = match NotificationKey::parse(asked.id("key")) {
        Some(key) => api.store.notification_of(&key).await?.map(|row| (key, row)),
        None => None,
    };
    let Some((key, row)) = row else {
        api.strangers.count(&asked.address, now_us, 1);
        return Ok(None);
    };
    let session = api.store.session(row.session).await?;
    let begun = api.store.session_begun(session.id).await?;
    let notice = api.answers.notice(&session).await?;
    let held = session.state == SessionState::Waiting
        && stop::held(&api.store.stops().await?, &session).is_some();
    Ok(Some(Found { key, row, session, notice, begun, held }))
}

/// What whoever has no key that counts sees.
fn unknown() -> Result<Response, Problem> {
    let brand = Brand { company: "Maintenance".to_owned(), ..Brand::default() };
    let nonce = nonce();
    let page = Page {
        css: assets::path("notification.css"),
        nonce: &nonce,
        brand: &brand,
        logo: String::new(),
        title: "This link leads nowhere".to_owned(),
        computer: "",
        said: "",
        refused: "",
        stands: "It is not whole, or what it was about is long over. Nothing was changed."
            .to_owned(),
        actions: &[],
        open: false,
        token: String::new(),
        times: Vec::new(),
        left: 0,
        deadline: String::new(),
    };
    branded(StatusCode::NOT_FOUND, &page, &nonce, None)
}

fn nonce() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

impl Found {
    /// What a form must send: it is another one after each deed.
    fn token(&self) -> String {
        self.key.derive(&format!("notification form {}", self.row.uses))
    }

    async fn refused(
        &self,
        api: &Api,
        asked: &Asked,
        refusal: Refusal,
    ) -> Result<Response, Problem> {
        let why = refusal.words(self.notice.rules.zone);
        let subject = self.session.id.to_string();
        api.audit(asked, (ACTION, &subject), "refused", &why).await?;
        let refused = format!("That was not done: {why}.");
        self.shown(StatusCode::CONFLICT, ("", &refused), api.now_us())
    }

    fn shown(
        &self,
        status: StatusCode,
        (said, refused): (&str, &str),
        now_us: i64,
    ) -> Result<Response, Problem> {
        let (session, rules, brand) = (&self.session, &self.notice.rules, &self.notice.brand);
        let due = session.act_us.is_none_or(|at| at <= now_us);
        let movable = may_move(session, self.begun);
        let open = movable.is_ok() && !due;
        let (nonce, (logo, origin)) = (nonce(), logo(brand));
        let mut stands = stands(session, movable.err(), (due, now_us), rules);
        if self.held {
            stands.push_str(HELD);
        }
        let page = Page {
            css: assets::path("notification.css"),
            nonce: &nonce,
            brand,
            logo,
            title: format!("Maintenance of {}", session.subject_name),
            computer: &session.subject_name,
            said,
            refused,
            stands,
            actions: &self.notice.actions,
            open,
            token: if open { self.token() } else { String::new() },
            times: if open { times(session, rules, now_us) } else { Vec::new() },
            left: rules.left(session),
            deadline: at_words(rules.deadline_us(session, now_us), rules.zone),
        };
        branded(status, &page, &nonce, origin.as_deref())
    }
}

/// The address of a picture, and the origin that it is fetched from where it is elsewhere.
fn logo(brand: &Brand) -> (String, Option<String>) {
    match &brand.logo {
        None => (String::new(), None),
        Some(Logo::Inline { media, bytes }) => {
            (format!("data:{media};base64,{}", STANDARD.encode(bytes)), None)
        }
        Some(Logo::At(text)) => match Url::parse(text) {
            Ok(url) => (text.clone(), Some(url.origin().ascii_serialization())),
            Err(_) => (String::new(), None),
        },
    }
}

/// Where a session stands, for whoever sits there.
fn stands(
    session: &Session,
    refusal: Option<Refusal>,
    (due, now_us): (bool, i64),
    rules: &PostponeRules,
) -> String {
    match (session.state, refusal) {
        (SessionState::Waiting, None) if due => {
            "It begins as soon as it can: the computer must be switched on and connected."
                .to_owned()
        }
        (SessionState::Waiting, None) => {
            let at = at_words(session.act_us.unwrap_or(now_us), rules.zone);
            let moved = match session.postponed {
                0 => String::new(),
                1 => " It was postponed once.".to_owned(),
                times => format!(" It was postponed {times} times."),
            };
            format!("It begins on {at}.{moved}")
        }
        (SessionState::Waiting | SessionState::Running, _) => {
            "It is under way. Leave the computer switched on and connected, please.".to_owned()
        }
        (SessionState::Succeeded, _) => "It is done.".to_owned(),
        (SessionState::Failed, _) => "It is over; not all of it could be done.".to_owned(),
        (SessionState::Cancelled, _) => "It was taken back: nothing will be done.".to_owned(),
        (SessionState::Expired, _) => {
            "It is over: the computer could not be reached in time.".to_owned()
        }
    }
}

/// To when a session can be postponed now.
fn times(session: &Session, rules: &PostponeRules, now_us: i64) -> Vec<Time> {
    let time = |by: PostponeBy| {
        let at = rules.moved_to(session, (false, false), by, now_us).ok()?;
        let says = match by {
            PostponeBy::Hour => "By an hour",
            PostponeBy::FourHours => "By four hours",
            PostponeBy::Night => "To the next night",
        };
        Some(Time { word: by.as_str(), says, at: at_words(at, rules.zone) })
    };
    PostponeBy::ALL.into_iter().filter_map(time).collect()
}
