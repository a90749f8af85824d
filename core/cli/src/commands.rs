//! The commands, one module each.

use crate::cli::{Cli, Command};
use crate::failure::{Exit, Failure};

mod account;
mod actions;
mod agent;
mod apply;
mod approve;
mod audit;
mod changes;
mod check;
mod config;
mod connectors;
mod decide;
mod deliveries;
mod demo;
mod edges;
mod expect;
mod explain;
mod export;
mod files;
pub(crate) mod find;
mod init;
mod link;
mod list;
mod mail;
mod mocks;
pub(crate) mod needs;
mod notify;
mod pin;
mod plan;
pub(crate) mod preview;
mod push;
mod rebuild;
mod reconcile;
mod remote;
pub(crate) mod requests;
mod resolve;
mod runners;
mod runs;
pub(crate) mod schedule;
mod secrets;
mod serve;
mod sessions;
pub(crate) mod show;
mod status;
mod stops;
mod sync;
pub(crate) mod text;
mod token;
mod webhooks;
mod winners;

pub(crate) use self::serve::{engine_name, hand_desk};

/// Does what was asked.
pub(crate) async fn run(cli: &Cli) -> Result<Exit, Failure> {
    let global = &cli.global;
    match &cli.command {
        Command::Demo(args) => demo::run(global, args).await,
        Command::Init => init::run(global),
        Command::Config { action } => config::run(global, *action).await,
        Command::Connectors => connectors::run(global),
        Command::Check(args) => check::run(global, args).await,
        Command::Sync(args) => sync::run(global, args).await,
        Command::Push(args) => push::run(global, args).await,
        Command::Serve(args) => serve::run(global, args).await,
        Command::Token { action } => token::run(global, action).await,
        Command::Account { action } => account::run(global, action).await,
        Command::Runners(args) => runners::run(global, args).await,
        Command::Agent { action } => agent::run(global, action).await,
        Command::Audit(args) => audit::run(global, args).await,
        Command::Secrets { action } => secrets::run(global, action).await,
        Command::Status(args) => status::run(global, args).await,
        Command::Needs(args) => needs::run(global, args).await,
        Command::Mail(args) => mail::run(global, args).await,
        Command::Webhooks(args) => webhooks::run(global, args).await,
        Command::Deliveries(args) => deliveries::run(global, args).await,
        Command::Runs(args) => runs::run(global, args).await,
        Command::Notify(args) => notify::run(global, args).await,
        Command::Sessions(args) => sessions::run(global, args).await,
        Command::Schedule(args) => schedule::run(global, args).await,
        Command::Stop(args) => stops::stop(global, args).await,
        Command::Resume(args) => stops::resume(global, args).await,
        Command::Stops => stops::list(global).await,
        Command::Actions(args) => actions::run(global, args).await,
        Command::List(args) => list::run(global, args).await,
        Command::Show(args) => show::run(global, args).await,
        Command::Resolve(args) => resolve::run(global, args).await,
        Command::Winners(args) => winners::run(global, args).await,
        Command::Explain(args) => explain::run(global, args).await,
        Command::Preview(args) => preview::run(global, args).await,
        Command::Plan(args) => plan::run(global, args).await,
        Command::Apply(args) => apply::run(global, args).await,
        Command::Requests(args) => requests::run(global, args).await,
        Command::Approve(args) => approve::run(global, args).await,
        Command::Reject(args) => approve::reject(global, args).await,
        Command::Export(args) => export::run(global, args).await,
        Command::Edges(args) => edges::run(global, args).await,
        Command::Reconcile(args) => reconcile::run(global, args).await,
        Command::Expect(args) => expect::run(global, args).await,
        Command::Link(args) => link::run(global, args).await,
        Command::Decide(args) => decide::run(global, args).await,
        Command::Pin(args) => pin::run(global, args).await,
        Command::Rebuild(args) => rebuild::run(global, args).await,
        Command::Mocks(args) => mocks::run(global, args).await,
    }
}
