//! `linchpin pin`: a human says who a computer's primary person is, or that nobody is; or leaves it to
//! the logons again.

use core_model::decision::Settled;
use core_model::entity::{Computer, Person};
use core_model::{RecordKind, RecordRef};
use core_store::Store;

use super::show::find_person;
use super::{decide, find};
use crate::cli::{Global, PinArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};

/// The word for no person.
const NOBODY: &str = "nobody";
/// The word for what the logons say.
const AUTO: &str = "auto";

pub(crate) async fn run(global: &Global, args: &PinArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let (settled, what) = settled(&context.store, &args.computer, &args.person).await?;
    decide::settle(global, &context, &settled, args.by.as_deref(), &what).await
}

/// What is settled where a computer is pinned so, and the same in words.
pub(super) async fn settled(
    store: &Store,
    computer: &str,
    person: &str,
) -> Result<(Settled, String), Failure> {
    let computer: Computer = find::one(store, "computer", computer.trim()).await?;
    let agent = *computer.agents.first().ok_or_else(|| {
        Failure::failed(format!("computer {} has no agent", computer.id))
            .with_remedy("run `linchpin rebuild`")
    })?;
    let agent = decide::record(store, agent).await?;
    let name = &computer.name;
    Ok(match person.trim() {
        word if word.eq_ignore_ascii_case(NOBODY) => {
            let what = format!("nobody is the primary person of {name}");
            (Settled::PinPrimary { agent, person: None }, what)
        }
        word if word.eq_ignore_ascii_case(AUTO) => {
            let what = format!("the logons decide who is the primary person of {name}");
            (Settled::UnpinPrimary { agent }, what)
        }
        named => {
            let person = find_person(store, named).await?;
            let what = format!("{} is the primary person of {name}", person.upn);
            let person = Some(record(&computer, person)?);
            (Settled::PinPrimary { agent, person }, what)
        }
    })
}

/// The record of a person who can be the computer's primary one.
fn record(computer: &Computer, person: Person) -> Result<RecordRef, Failure> {
    if person.tenant != computer.tenant {
        let what = format!("{} is not of the tenant of {}", person.upn, computer.name);
        let remedy = "pin somebody of the computer's own tenant; `linchpin show computer` names it";
        return Err(Failure::usage(what).with_remedy(remedy));
    }
    if person.gone {
        let what = format!("{} is gone from the directory", person.upn);
        return Err(Failure::usage(what).with_remedy("pin somebody who is there, or `nobody`"));
    }
    let Person { connection, directory, directory_id, .. } = person;
    Ok(RecordRef::new(connection, RecordKind::Person, directory, directory_id))
}
