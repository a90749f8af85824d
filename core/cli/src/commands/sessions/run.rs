//! `linchpin sessions run`: asks for a session, does it where no engine takes it, and watches.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use core_engine::{Foreman, Stop, Unbriefed, carry};
use core_model::entity::{Computer, Tenant};
use core_model::id::TenantId;
use core_model::library::{ItemId, SubjectId};
use core_model::session::{OnboardingForm, Session, SessionKind, SessionRun, SessionState};
use core_resolve::RunKind;
use core_store::{Error, SessionWord, Store};
use tokio::sync::watch as channel;

use super::super::decide::whoever;
use super::super::find;
use super::super::show::find_person;
use super::{one, watch};
use crate::cli::{Global, SessionsRunArgs, WhenArgs};
use crate::commands::{engine_name, hand_desk};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::foreman::ByRules;
use crate::live::Kept;
use crate::output;
use crate::world::World;

/// How long an engine may take to begin a session before it is done here.
const TAKEN: Duration = Duration::from_secs(3);

pub(super) async fn run(
    global: &Global,
    context: Context,
    args: &SessionsRunArgs,
) -> Result<Exit, Failure> {
    let context = Arc::new(context);
    let asked = asked(&context, args).await?;
    let session = context.store.add_session(&asked).await?;
    let by = asked.asked_by.clone();
    context.audit(&by, "ask-for-session", &session.id.to_string(), &session.title).await?;
    if args.no_wait {
        if global.json {
            output::json(&session);
        } else {
            output::line(&format!("Session {} waits for an engine.", session.id));
        }
        return Ok(Exit::Ok);
    }
    if session.id != asked.id && !global.json {
        output::line(&format!("The same was asked for already: session {}.", session.id));
    }
    if context.config.maintenance.engine && taken(&context, &session).await? {
        return watch::watch(global, &context, session.id).await;
    }
    here(global, &context, &session).await
}

/// What is asked for.
async fn asked(context: &Context, args: &SessionsRunArgs) -> Result<Session, Failure> {
    let store = &context.store;
    let (tenant, subject, name) = whom(store, args).await?;
    let by = whoever(args.by.as_deref());
    let (item, item_title) = match &args.item {
        Some(named) => {
            let world = World::load(context, &WhenArgs::default(), RunKind::Maintenance).await?;
            let item: ItemId = world.item(named)?;
            (Some(item), world.resolver.definitions().title(item).to_owned())
        }
        None => (None, String::new()),
    };
    let again = match &args.again {
        Some(id) => Some(one(store, id.trim()).await?.id),
        None => None,
    };
    let title = match (&item, args.detect_only, args.repair, again, args.onboarding) {
        (Some(_), true, ..) => format!("{item_title}: look"),
        (Some(_), _, true, ..) => format!("{item_title}: repair"),
        (Some(_), ..) => format!("{item_title}: maintenance"),
        (None, true, ..) => "Look, and change nothing".to_owned(),
        (None, _, _, Some(_), _) => "What failed, once more".to_owned(),
        (None, _, _, _, true) => "Onboarding".to_owned(),
        _ => "Maintenance".to_owned(),
    };
    let now_us = Utc::now().timestamp_micros();
    Ok(Session {
        run: SessionRun {
            item,
            instance: args.instance.clone(),
            detect_only: args.detect_only,
            repair: args.repair,
            again,
        },
        kind: if args.onboarding { SessionKind::Onboarding } else { SessionKind::AdHoc },
        form: form(store, args, (tenant, &name)).await?,
        asked_by: by,
        expires_us: Some(now_us.saturating_add(context.config.queue.waits_us)),
        ..Session::asked(tenant, subject, &name, &title, now_us)
    })
}

/// What was entered for a computer that is set up.
async fn form(
    store: &Store,
    args: &SessionsRunArgs,
    (tenant, computer): (TenantId, &str),
) -> Result<Option<OnboardingForm>, Failure> {
    let primary_person = match &args.primary_person {
        Some(named) => {
            let person = find_person(store, named).await?;
            if person.tenant != tenant || person.gone {
                let what = format!("{} is nobody of the tenant of {computer}", person.upn);
                return Err(Failure::usage(what)
                    .with_remedy("name somebody of the computer's own tenant, who is there"));
            }
            Some(person.upn)
        }
        None => None,
    };
    let form = OnboardingForm { computer_name: args.computer_name.clone(), primary_person };
    Ok((form != OnboardingForm::default()).then_some(form))
}

/// Whom it is asked for, whose they are and what they are called.
async fn whom(
    store: &Store,
    args: &SessionsRunArgs,
) -> Result<(TenantId, SubjectId, String), Failure> {
    if let Some(named) = &args.tenant {
        let tenant: Tenant = find::one(store, "tenant", named.trim()).await?;
        return Ok((tenant.id, tenant.id.into(), tenant.name));
    }
    if let Some(named) = &args.person {
        let person = find_person(store, named.trim()).await?;
        return Ok((person.tenant, person.id.into(), person.display_name));
    }
    let named = args.computer.as_deref().unwrap_or_default();
    let computer: Computer = find::one(store, "computer", named.trim()).await?;
    Ok((computer.tenant, computer.id.into(), computer.name))
}

/// Whether an engine begins it soon.
async fn taken(context: &Context, session: &Session) -> Result<bool, Failure> {
    let until = tokio::time::Instant::now() + TAKEN;
    while tokio::time::Instant::now() < until {
        if context.store.session(session.id).await?.state != SessionState::Waiting {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(false)
}

/// Does it in this process.
async fn here(global: &Global, context: &Arc<Context>, session: &Session) -> Result<Exit, Failure> {
    let store = &context.store;
    let engine = engine_name();
    let (_desks, desk) = channel::channel(hand_desk(context)?);
    let (_in_force, in_force) = channel::channel(Arc::clone(context));
    let foreman = Arc::new(ByRules::new(desk, in_force, Arc::new(Kept::default()), true));
    // Rather said before it is begun than written on it.
    if let Err(Unbriefed::Over(why) | Unbriefed::NotNow(why)) = foreman.brief(session).await {
        return Err(Failure::failed(why).with_remedy("`linchpin sessions` shows what waits"));
    }
    let rules = context.config.queue;
    let word = SessionWord {
        state: SessionState::Running,
        word: "",
        result: None,
        by: &engine,
        take: None,
        rules: &rules,
        now_us: Utc::now().timestamp_micros(),
    };
    let taken = match store.tell_session(session.id, word).await {
        Ok(taken) => taken,
        // An engine was quicker, or something else of the computer runs first.
        Err(Error::Conflict { constraint }) if session_runs(context, session).await? => {
            tracing::debug!(constraint, "an engine has it");
            return watch::watch(global, context, session.id).await;
        }
        Err(Error::Conflict { constraint }) => {
            return Err(Failure::failed(constraint)
                .with_remedy("`linchpin sessions --state running` shows what runs"));
        }
        Err(error) => return Err(error.into()),
    };
    let settings = foreman.settings().unwrap_or_default();
    let stop = Stop::default();
    let working = carry(foreman, settings, taken, &stop);
    let renewing = renew(context, &engine);
    let watching = watch::watch(global, context, session.id);
    tokio::pin!(watching);
    let work = async {
        tokio::select! {
            () = working => {}
            () = renewing => {}
        }
    };
    tokio::select! {
        ended = async { tokio::join!(work, &mut watching).1 } => ended,
        stopped = tokio::signal::ctrl_c() => {
            if let Err(error) = stopped {
                tracing::warn!(%error, "Ctrl-C is not heard");
            }
            stop.stop();
            output::error_line("It was left as it is; the next engine that takes it goes on.");
            Ok(Exit::Partly)
        }
    }
}

async fn session_runs(context: &Context, session: &Session) -> Result<bool, Failure> {
    let now = context.store.session(session.id).await?;
    Ok(now.state != SessionState::Waiting)
}

/// Holds what this process has, for as long as it works.
async fn renew(context: &Context, engine: &str) {
    let lease_us = context.config.queue.lease_us;
    loop {
        tokio::time::sleep(Duration::from_micros(lease_us.unsigned_abs() / 3)).await;
        let until = Utc::now().timestamp_micros().saturating_add(lease_us);
        if let Err(error) = context.store.renew_sessions(engine, until).await {
            tracing::warn!(%error, "the session was not held for longer");
        }
    }
}
