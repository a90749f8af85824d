//! What people are told of sessions, by the settings in force: who, in whose colours, and what it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use core_daemon::{Courier, Handed};
use core_model::brand::{Brand, Logo, choose, names_one};
use core_model::entity::{Computer, Person, Tenant};
use core_model::library::SubjectId;
use core_model::postpone::at_words;
use core_model::session::Session;
use core_notify::{After, Before, Letter, Listed, Outcome, done, reboot_word, to_do};
use core_plan::Plan;
use core_store::{ActionQuery, NotificationKey, NotificationKind};
use lettre::message::Mailbox;
use tokio::sync::watch;

use crate::commands::find;
use crate::config::AfterWord;
use crate::context::Context;
use crate::failure::Failure;
use crate::live::Kept;
use crate::mail::{INLINE, NotTaken, Outgoing, hand_over, is_reached};

/// Tells people by mail.
pub(crate) struct ByMail {
    in_force: watch::Receiver<Arc<Context>>,
    kept: Arc<Kept>,
}

/// Whose a session is, and what time it is there.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The tenant's id, as text.
    pub(crate) tenant: String,
    /// Its name.
    pub(crate) name: String,
    /// Its clock.
    pub(crate) zone: Tz,
}

impl Place {
    /// Of a session.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(crate) async fn of(
        context: &Arc<Context>,
        kept: &Arc<Kept>,
        session: &Session,
    ) -> Result<Self, Failure> {
        let world = kept.world(context).await?;
        let tenant = session.tenant.to_string();
        let found: Option<Tenant> = find::by_id(&context.store, &tenant).await?;
        let zone = world.resolver.snapshot().zone(session.tenant);
        let name = found.map(|tenant| tenant.name).unwrap_or_default();
        Ok(Self { tenant, name, zone: zone.unwrap_or(context.config.time_zone) })
    }

    /// The day that it is there.
    pub(crate) fn day(&self, now: DateTime<Utc>) -> NaiveDate {
        now.with_timezone(&self.zone).date_naive()
    }

    fn named(&self) -> (&str, &str) {
        (&self.tenant, &self.name)
    }
}

/// Names in the settings that no tenant has: whoever misspelt one meant somebody.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn nobodys(context: &Context) -> Result<Vec<String>, Failure> {
    let table = &context.config.notification;
    if !table.enabled {
        return Ok(Vec::new());
    }
    let tenants: Vec<Tenant> = find::all(&context.store, None).await?;
    let is_one = |name: &&String| {
        let named = std::slice::from_ref(*name);
        tenants.iter().any(|one| names_one(named, (&one.id.to_string(), &one.name)))
    };
    let of_brands = table.brand.iter().flat_map(|brand| &brand.tenants);
    let named = table.tenants.iter().chain(&table.except_tenants).chain(of_brands);
    Ok(named.filter(|name| !is_one(name)).cloned().collect())
}

/// The brand of a tenant on a day of it.
///
/// # Errors
/// Where a file of the settings cannot be used.
pub(crate) fn brand_of(context: &Context, place: &Place, day: NaiveDate) -> Result<Brand, Failure> {
    let settings = context.config.notification()?;
    Ok(choose(&settings.brands, place.named(), day).cloned().unwrap_or_default())
}

/// The plan of a session; nothing where there is none (yet, or any more).
///
/// # Errors
/// Where it cannot be read.
pub(crate) async fn plan_of(context: &Context, session: &Session) -> Result<Option<Plan>, Failure> {
    let text = context.store.session_plan(session.id).await?;
    let read = |text: String| {
        serde_json::from_str(&text).map_err(|error| {
            Failure::failed(format!("the plan of session {} cannot be read: {error}", session.id))
        })
    };
    text.map(read).transpose()
}

/// What came of what a plan was to change.
///
/// # Errors
/// Where the store cannot be read.
async fn outcomes(
    context: &Context,
    session: &Session,
    plan: &Plan,
) -> Result<Vec<Outcome>, Failure> {
    let id = session.id.to_string();
    let query = ActionQuery { session: Some(&id), ..ActionQuery::default() };
    let actions = context.store.session_actions(query).await?;
    let results: BTreeMap<&str, (&str, &str)> = actions
        .iter()
        .map(|one| (one.item.as_str(), (one.result.as_str(), one.message.as_str())))
        .collect();
    let changed = session.result.as_ref().and_then(|result| result.get("changed"));
    let result = |key: &str| {
        let (word, message) = results.get(key)?;
        Some(((*word).to_owned(), (*message).to_owned()))
    };
    let changed = |key: &str| changed?.get(key)?.as_str().map(str::to_owned);
    Ok(done(plan, result, changed))
}

/// Who is told of a session, the primary person first.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn people(context: &Context, session: &Session) -> Result<Vec<Person>, Failure> {
    let store = &context.store;
    let mut ids = Vec::new();
    match session.subject {
        SubjectId::Computer(id) => {
            let computer: Option<Computer> = find::by_id(store, &id.to_string()).await?;
            ids.extend(computer.and_then(|one| one.primary).map(|primary| primary.person));
            ids.extend(store.notified_persons(id).await?.into_iter().map(|one| one.person));
        }
        SubjectId::Person(id) => ids.push(id),
        // What is done for a tenant is nobody's computer.
        SubjectId::Tenant(_) => {}
    }
    let mut people: Vec<Person> = Vec::new();
    for id in ids {
        let person: Option<Person> = find::by_id(store, &id.to_string()).await?;
        let reached = person.filter(|one| !one.gone && !one.disabled && one.mail.is_some());
        people.extend(reached.filter(|one| people.iter().all(|known| known.id != one.id)));
    }
    Ok(people)
}

/// A mail about a session, written.
pub(crate) struct Draft {
    /// Who gets it.
    pub(crate) to: Vec<Mailbox>,
    /// How it looks.
    pub(crate) brand: Brand,
    /// What it says.
    pub(crate) letter: Letter,
}

/// Writes a mail about a session, as it looks on a day of its tenant. `link` is the page of its key.
///
/// # Errors
/// Where there is no plan, or a template cannot be used.
pub(crate) async fn draft(
    context: &Context,
    (session, place): (&Session, &Place),
    kind: NotificationKind,
    (link, day, now_us): (Option<String>, NaiveDate, i64),
) -> Result<Draft, Failure> {
    let plan = plan_of(context, session).await?.ok_or_else(|| {
        Failure::failed(format!("there is no plan of session {} (yet, or any more)", session.id))
            .with_remedy("the built-in engine makes one when it has looked")
    })?;
    let people = people(context, session).await?;
    let brand = brand_of(context, place, day)?;
    // Several are not greeted by the name of one.
    let person = match people.as_slice() {
        [one] => one.display_name.clone(),
        _ => String::new(),
    };
    let (computer, tenant) = (session.subject_name.clone(), place.name.clone());
    let templates = &context.config.notification()?.templates;
    let written = match kind {
        NotificationKind::Before => {
            let rules = context.config.notification.postponing(place.zone);
            let about = Before {
                computer,
                tenant,
                person,
                actions: to_do(&plan),
                at: at_words(session.act_us.unwrap_or(now_us), place.zone),
                reboot: reboot_word(plan.settings.reboots),
                link,
                left: rules.left(session),
                deadline: at_words(rules.deadline_us(session, now_us), place.zone),
            };
            templates.before(&brand, INLINE, &about)
        }
        NotificationKind::After => {
            let actions = outcomes(context, session, &plan).await?;
            let failed = actions.iter().filter(|one| one.failed).count();
            let rebooted = session.result.as_ref().and_then(|result| result["rebooted"].as_bool());
            let about = After {
                computer,
                tenant,
                person,
                at: at_words(session.changed_us, place.zone),
                ok: actions.iter().all(|one| one.ok),
                failed,
                rebooted: rebooted.unwrap_or_default(),
                actions,
            };
            templates.after(&brand, INLINE, &about)
        }
    };
    let letter = written.map_err(|bad| {
        Failure::failed(format!("the template {bad}"))
            .with_remedy("mend it; `linchpin mail preview` tries it")
    })?;
    let to = people.iter().filter_map(mailbox).collect();
    Ok(Draft { to, brand, letter })
}

fn mailbox(person: &Person) -> Option<Mailbox> {
    let address = person.mail.as_ref()?.trim().parse().ok()?;
    let name = Some(person.display_name.clone()).filter(|name| !name.trim().is_empty());
    Some(Mailbox::new(name, address))
}

/// The page of a key.
pub(crate) fn link(context: &Context, key: &str) -> Option<String> {
    let url = context.config.public_url()?.trim_end_matches('/');
    Some(format!("{url}/notification/{key}"))
}

/// What a plan will change, in words.
pub(crate) fn listed(plan: Option<&Plan>) -> Vec<Listed> {
    plan.map(to_do).unwrap_or_default()
}

impl ByMail {
    pub(crate) fn new(in_force: watch::Receiver<Arc<Context>>, kept: Arc<Kept>) -> Self {
        Self { in_force, kept }
    }

    fn context(&self) -> Arc<Context> {
        Arc::clone(&self.in_force.borrow())
    }

    async fn tells(&self, session: &Session, kind: NotificationKind) -> Result<bool, Failure> {
        let context = self.context();
        let table = &context.config.notification;
        let wanted = match kind {
            NotificationKind::Before => table.before,
            NotificationKind::After => table.after != AfterWord::Never,
        };
        if !wanted {
            return Ok(false);
        }
        let place = Place::of(&context, &self.kept, session).await?;
        if !table.tells(place.named(), session.kind) {
            return Ok(false);
        }
        let Some(plan) = plan_of(&context, session).await? else { return Ok(false) };
        Ok(match kind {
            NotificationKind::Before => !to_do(&plan).is_empty(),
            NotificationKind::After if table.after == AfterWord::Always => true,
            NotificationKind::After => !outcomes(&context, session, &plan).await?.is_empty(),
        })
    }

    async fn write(
        &self,
        session: &Session,
        kind: NotificationKind,
        key: &NotificationKey,
    ) -> Result<Outgoing, Failure> {
        let context = self.context();
        let place = Place::of(&context, &self.kept, session).await?;
        let now = Utc::now();
        let link = link(&context, key.reveal());
        let when = (link, place.day(now), now.timestamp_micros());
        let Draft { to, brand, letter } = draft(&context, (session, &place), kind, when).await?;
        let picture = match brand.logo {
            Some(Logo::Inline { media, bytes }) => Some((media, bytes)),
            Some(Logo::At(_)) | None => None,
        };
        Ok(Outgoing {
            sender: brand.sender.unwrap_or(brand.company),
            reply_to: brand.reply_to.and_then(|text| text.parse().ok()),
            to,
            bcc: context.config.notification()?.bcc.clone(),
            letter,
            picture,
            id: format!("{}.{}", session.id, kind.as_str()),
        })
    }
}

#[async_trait]
impl Courier for ByMail {
    fn is_on(&self) -> bool {
        let context = self.in_force.borrow();
        context.config.notification.enabled && context.config.mailing().is_some()
    }

    async fn tells(&self, session: &Session, kind: NotificationKind) -> Result<bool, String> {
        self.tells(session, kind).await.map_err(|failure| failure.in_full())
    }

    async fn is_reached(&self) -> Result<(), String> {
        let server = self.context().config.mail_server().map_err(|failure| failure.in_full())?;
        let server = server.ok_or_else(|| "[mail] names no server any more".to_owned())?;
        is_reached(&server).await
    }

    async fn send(
        &self,
        session: &Session,
        kind: NotificationKind,
        key: &NotificationKey,
    ) -> Handed {
        let server = match self.context().config.mail_server() {
            Ok(Some(server)) => server,
            Ok(None) => return Handed::Refused("[mail] names no server any more".to_owned()),
            Err(failure) => return Handed::Refused(failure.in_full()),
        };
        let mail = match self.write(session, kind, key).await {
            Ok(mail) => mail,
            Err(failure) => return Handed::Refused(failure.in_full()),
        };
        if mail.to.is_empty() {
            let why = "nobody with a mail address is known to use it, and nobody else is named";
            return Handed::Nobody(why.to_owned());
        }
        match hand_over(&server, &mail).await {
            Ok(()) => {
                let all = mail.to.iter().chain(&mail.bcc);
                Handed::Sent(all.map(|one| one.email.to_string()).collect())
            }
            Err(NotTaken::Surely(why)) => Handed::Refused(why),
            Err(NotTaken::Unsure(why)) => Handed::Unsure(why),
        }
    }
}
