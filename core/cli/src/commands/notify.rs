//! `linchpin notify`: who is told of a computer's sessions besides its primary person.

use chrono::Utc;
use core_model::entity::{Computer, Person, Tenant};
use core_store::Store;
use serde_json::{Value, json};

use super::decide::whoever;
use super::show::find_person;
use super::{find, text};
use crate::cli::{Global, NotifyAction, NotifyArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, printable};

pub(crate) async fn run(global: &Global, args: &NotifyArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let computer = args.computer.trim();
    let answer = match &args.action {
        None => answer(&context, computer).await?,
        Some(NotifyAction::Add(one)) => {
            let by = whoever(one.by.as_deref());
            change(&context, computer, (&one.person, false), &by, &|_| true).await?
        }
        Some(NotifyAction::Remove(one)) => {
            let by = whoever(one.by.as_deref());
            change(&context, computer, (&one.person, true), &by, &|_| true).await?
        }
    };
    if let (Some(action), true) = (&args.action, answer["changed"] == true) {
        let (word, one) = match action {
            NotifyAction::Add(one) => ("add-notified-person", one),
            NotifyAction::Remove(one) => ("remove-notified-person", one),
        };
        let by = whoever(one.by.as_deref());
        let id = answer["computer"].as_str().unwrap_or_default();
        context.audit(&by, word, id, &one.person).await?;
    }
    if global.json {
        output::json(&answer);
        return Ok(Exit::Ok);
    }
    let items = answer["items"].as_array().cloned().unwrap_or_default();
    if items.is_empty() {
        output::line("Nobody is told: it has no primary person, and nobody was named.");
    }
    for one in items {
        let said = |key: &str| printable(one[key].as_str().unwrap_or_default());
        let mail = if one["mail"].is_null() { "no mail address".into() } else { said("mail") };
        output::line(&format!("{} ({mail}), {}", said("name"), said("why")));
    }
    Ok(Exit::Ok)
}

/// Who is told of a computer's sessions.
pub(super) async fn answer(context: &Context, computer: &str) -> Result<Value, Failure> {
    let computer: Computer = find::one(&context.store, "computer", computer).await?;
    told(&context.store, &computer, false).await
}

/// Has somebody told of a computer's sessions, too, or no more. `sees` says of whose tenant, by its id, whoever asks
/// may know.
pub(super) async fn change(
    context: &Context,
    computer: &str,
    (person, remove): (&str, bool),
    by: &str,
    sees: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Value, Failure> {
    let store = &context.store;
    let computer: Computer = find::one(store, "computer", computer).await?;
    let person: Person = find_person(store, person.trim()).await?;
    if !sees(&person.tenant.to_string()) {
        return Err(Failure::usage("there is no such person").with_remedy("ids are surest"));
    }
    let changed = if remove {
        store.remove_notified_person(computer.id, person.id).await?
    } else {
        may_be_told(store, &computer, &person).await?;
        let now_us = Utc::now().timestamp_micros();
        store.add_notified_person(computer.id, person.id, (by, now_us)).await?
    };
    told(store, &computer, changed).await
}

/// What happens on a computer is the business of its tenant, and of whoever looks after it.
async fn may_be_told(store: &Store, computer: &Computer, person: &Person) -> Result<(), Failure> {
    let tenant: Option<Tenant> = find::by_id(store, &person.tenant.to_string()).await?;
    if person.tenant != computer.tenant && !tenant.is_some_and(|tenant| tenant.operator) {
        let what = format!("{} is not of the tenant of {}", person.upn, computer.name);
        let remedy = "name somebody of the computer's own tenant, or of yours";
        return Err(Failure::usage(what).with_remedy(remedy));
    }
    if person.gone || person.mail.is_none() {
        let why = if person.gone { "is gone from the directory" } else { "has no mail address" };
        return Err(Failure::usage(format!("{} {why}", person.upn))
            .with_remedy("name somebody who can be reached by mail"));
    }
    Ok(())
}

async fn told(store: &Store, computer: &Computer, changed: bool) -> Result<Value, Failure> {
    let mut items = Vec::new();
    if let Some(primary) = &computer.primary {
        items.extend(one(store, &primary.person.to_string(), "the primary person").await?);
    }
    for named in store.notified_persons(computer.id).await? {
        let at = text::instant(named.at_us).format("%Y-%m-%d");
        let why = format!("named by {} on {at}", named.added_by);
        items.extend(one(store, &named.person.to_string(), &why).await?);
    }
    Ok(
        json!({ "computer": computer.id, "name": computer.name, "changed": changed, "items": items }),
    )
}

async fn one(store: &Store, id: &str, why: &str) -> Result<Option<Value>, Failure> {
    let person: Option<Person> = find::by_id(store, id).await?;
    Ok(person.map(|person| {
        let reached = !person.gone && !person.disabled && person.mail.is_some();
        json!({
            "person": person.id, "name": person.display_name, "mail": person.mail,
            "reached": reached, "why": why,
        })
    }))
}
