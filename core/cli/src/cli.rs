//! The command line: every command, its arguments, its help.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

mod access;
mod files;
mod notify;
mod push;
mod read;
mod rules;
mod runner;
mod schedule;
mod serve;
mod sessions;
mod stops;
mod sync;
mod token;

pub(crate) use self::access::{
    AccountAction, AccountAddArgs, AccountArgs, AccountPasswordArgs, AuditArgs, SecretsAction,
};
pub(crate) use self::files::{
    ApplyArgs, ApproveArgs, ExportArgs, PlanArgs, RejectArgs, RequestsAction, RequestsArgs,
};
pub(crate) use self::notify::{MailPreviewArgs, NotifyAction, NotifyArgs};
pub(crate) use self::push::{PushAction, PushArgs, PushRetryArgs};
pub(crate) use self::read::{
    AskArgs, DeliveriesAction, DeliveriesArgs, ListArgs, ListKind, MailAction, MailArgs, RunsArgs,
    ShowArgs, ShowKind, WebhooksAction, WebhooksArgs,
};
pub(crate) use self::rules::{
    ClassArg, EdgesArgs, ExpectArgs, ExplainArgs, KindArg, PreviewArgs, ReconcileArgs, ResolveArgs,
    WhenArgs, WinnersArgs,
};
pub(crate) use self::runner::{
    AgentAction, AgentEnrolArgs, AgentRunArgs, RunnersAction, RunnersArgs, RunnersTokenArgs,
};
pub(crate) use self::schedule::{ScheduleAction, ScheduleArgs};
pub(crate) use self::serve::{DemoArgs, LogFormat, MocksArgs, ServeArgs};
pub(crate) use self::sessions::{
    ActionsArgs, ByWord, SessionsAction, SessionsArgs, SessionsCancelArgs, SessionsCompareArgs,
    SessionsNowArgs, SessionsPostponeArgs, SessionsRunArgs,
};
pub(crate) use self::stops::{StopArgs, StopWhat};
pub(crate) use self::sync::{CheckArgs, DecideArgs, LinkArgs, PinArgs, RebuildArgs, SyncArgs};
pub(crate) use self::token::{TokenAction, TokenCreateArgs, TokenRevokeArgs};

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  failed
  2  the arguments or the settings are wrong
  3  done in part: a deletion is held back, or something failed beside what worked";

const PREVIEW_CODES: &str = "Exit codes:
  0  done: the change could be made as it is
  1  failed
  2  the arguments or the settings are wrong
  3  done in part: the change needs a confirmation, or breaks a golden case";

const APPLY_CODES: &str = "Exit codes:
  0  done
  1  failed
  2  the arguments or the settings are wrong
  3  done in part: nothing was saved; it waits for a confirmation or for a second person, or breaks
     a golden case";

const APPROVE_CODES: &str = "Exit codes:
  0  done
  1  failed: something that it changes was changed meanwhile
  2  the arguments or the settings are wrong
  3  done in part: nothing was saved; it needs somebody else or another number, breaks a golden
     case, or changes other winners than it did";

const PUSH_CODES: &str = "Which fields of which connection may be written, [connection.push] says. What somebody else changed
since the hub wrote it stays, and is listed (`linchpin push conflicts`).

Exit codes:
  0  done
  1  failed
  2  the arguments or the settings are wrong
  3  done in part: something failed, or somebody else changed what the hub wrote";

const SERVE_HELP: &str = "Signals:
  TERM, INT  stop after the pages in flight; the second one ends at once
  HUP        read the settings again; wrong ones are refused, the old ones stay in force
The settings are also read again when their file changes. Under systemd (Type=notify) it says when
it is ready, and answers the watchdog. How it is, it says at /healthz and /readyz ([server] listen);
the API is below /v1 there, for whoever has a token (`linchpin token`) or is signed in (/sign-in,
`linchpin account`).

Exit codes:
  0  stopped as it was told to
  1  failed; another daemon has the SQLite file
  2  the arguments or the settings are wrong";

const EXPECT_CODES: &str = "Exit codes:
  0  done: every golden case holds
  1  failed
  2  the arguments or the settings are wrong
  3  done in part: at least one is broken";

/// One hub for the systems that an MSP already runs: it reads them, makes one model of tenants,
/// people, computers and agreements out of them, and says why.
#[derive(Debug, Parser)]
#[command(name = "linchpin", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// The settings file
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        env = "LINCHPIN_CONFIG",
        default_value = "linchpin.toml"
    )]
    pub(crate) config: PathBuf,
    /// Answer in JSON: one object, or one per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more on standard error; twice for details, thrice for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show it all on an imaginary MSP: nothing to set up, nothing left behind
    #[command(after_help = EXIT_CODES)]
    Demo(DemoArgs),
    /// Write a settings file with every key explained
    #[command(after_help = EXIT_CODES)]
    Init,
    /// Check the settings file, or print its schema
    #[command(after_help = EXIT_CODES)]
    Config {
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// List the systems that can be connected: what each can do, its settings, its permissions
    #[command(after_help = EXIT_CODES)]
    Connectors,
    /// Sign in to the connections, and name the permissions that are missing
    #[command(after_help = EXIT_CODES)]
    Check(CheckArgs),
    /// Read the connections and bring the model up to date
    #[command(after_help = EXIT_CODES)]
    Sync(SyncArgs),
    /// Write what the hub knows back into the connections that opted in, or look at what is open there
    #[command(after_help = PUSH_CODES)]
    Push(PushArgs),
    /// Run as a service: read every connection when it is planned, until it is told to stop
    #[command(after_help = SERVE_HELP)]
    Serve(ServeArgs),
    /// Make, list and revoke tokens of the service's API
    #[command(after_help = EXIT_CODES)]
    Token {
        #[command(subcommand)]
        action: TokenAction,
    },
    /// Make, list and switch off accounts of people who sign in
    #[command(after_help = EXIT_CODES)]
    Account {
        #[command(subcommand)]
        action: AccountAction,
    },
    /// The machines that enrolled as runners; make a token to enrol with, remove one
    #[command(after_help = EXIT_CODES)]
    Runners(RunnersArgs),
    /// On a machine: become a runner of a hub, and do its work; needs no settings and no database
    #[command(after_help = EXIT_CODES)]
    Agent {
        #[command(subcommand)]
        action: AgentAction,
    },
    /// Who did what: every change and every sign-in, the newest first
    #[command(after_help = EXIT_CODES)]
    Audit(AuditArgs),
    /// Secrets that the hub keeps: make a key, keep and forget secrets, change the key
    #[command(after_help = EXIT_CODES)]
    Secrets {
        #[command(subcommand)]
        action: SecretsAction,
    },
    /// Where every stream of every connection stands
    #[command(after_help = EXIT_CODES)]
    Status(AskArgs),
    /// What waits for you: refused credentials, missing rights, held deletions, decisions, requests
    #[command(after_help = EXIT_CODES)]
    Needs(AskArgs),
    /// How mail fares; `test` sends a trial and says what went wrong, `preview` shows one about a session
    #[command(after_help = EXIT_CODES)]
    Mail(MailArgs),
    /// Where the hub tells of what happens, and how each endpoint fares
    #[command(after_help = EXIT_CODES)]
    Webhooks(WebhooksArgs),
    /// What systems sent by themselves and was given up; `retry` has it tried again
    #[command(after_help = EXIT_CODES)]
    Deliveries(DeliveriesArgs),
    /// Sessions: what is to be done on computers, what waits and what runs; run one, watch one, take back
    #[command(after_help = EXIT_CODES, alias = "session")]
    Sessions(SessionsArgs),
    /// Schedules: when sessions are made by themselves, and for whom; what comes, run one, switch one
    #[command(after_help = EXIT_CODES, alias = "schedules")]
    Schedule(ScheduleArgs),
    /// Stop a deployment, a schedule, a tenant or everything: nothing more is changed, what waits is held
    #[command(after_help = EXIT_CODES, alias = "pause")]
    Stop(StopArgs),
    /// Have go on what was stopped, or what a ring halted
    #[command(after_help = EXIT_CODES, alias = "go")]
    Resume(StopArgs),
    /// What is stopped, by whom and why, and how many sessions it holds
    #[command(after_help = EXIT_CODES)]
    Stops,
    /// Who is told of a computer's sessions by mail besides its primary person
    #[command(after_help = EXIT_CODES)]
    Notify(NotifyArgs),
    /// What came of what sessions did; `--failures` groups what is not as it should be by its cause
    #[command(after_help = EXIT_CODES)]
    Actions(ActionsArgs),
    /// The latest runs, or one in full
    #[command(after_help = EXIT_CODES)]
    Runs(RunsArgs),
    /// List what is in the model, or what is defined
    #[command(after_help = EXIT_CODES)]
    List(ListArgs),
    /// One computer, person, tenant, deployment, software or task, in full
    #[command(after_help = EXIT_CODES)]
    Show(ShowArgs),
    /// Who is in a target, who is not, and of whom it is not known
    Resolve(ResolveArgs),
    /// Which deployment wins each item of a computer, and why
    #[command(after_help = EXIT_CODES)]
    Winners(WinnersArgs),
    /// Every deployment of an item for one subject: what wins, what loses on what, what is out
    #[command(after_help = EXIT_CODES)]
    Explain(ExplainArgs),
    /// The exact change of winners that a file of definitions, or another state of a deployment, would make
    #[command(after_help = PREVIEW_CODES)]
    Preview(PreviewArgs),
    /// What the files of a folder would change, in definitions and in winners
    #[command(after_help = PREVIEW_CODES)]
    Plan(PlanArgs),
    /// Save what the files of a folder define
    #[command(after_help = APPLY_CODES)]
    Apply(ApplyArgs),
    /// The changes that wait for a second person, or one of them in full
    #[command(after_help = EXIT_CODES)]
    Requests(RequestsArgs),
    /// Save a change that somebody else requested
    #[command(after_help = APPROVE_CODES)]
    Approve(ApproveArgs),
    /// Let a requested change be
    #[command(after_help = EXIT_CODES)]
    Reject(RejectArgs),
    /// Write what is defined as files
    #[command(after_help = EXIT_CODES)]
    Export(ExportArgs),
    /// The days ahead on which something changes by itself
    #[command(after_help = EXIT_CODES)]
    Edges(EdgesArgs),
    /// What was sold, beside what deployments resolve to
    #[command(after_help = EXIT_CODES)]
    Reconcile(ReconcileArgs),
    /// Try the golden cases
    #[command(after_help = EXPECT_CODES)]
    Expect(ExpectArgs),
    /// Say which tenant a connection's client belongs to
    #[command(after_help = EXIT_CODES)]
    Link(LinkArgs),
    /// Answer a question that the hub may not answer by itself
    #[command(after_help = EXIT_CODES)]
    Decide(DecideArgs),
    /// Say who a computer's primary person is, whatever the logons say
    #[command(after_help = EXIT_CODES)]
    Pin(PinArgs),
    /// Derive the model anew from what was read, or prove that it is right
    #[command(after_help = EXIT_CODES)]
    Rebuild(RebuildArgs),
    /// Serve the imaginary MSP's four vendor systems alone, for tests of any client
    #[command(after_help = EXIT_CODES)]
    Mocks(MocksArgs),
}

/// What to do with the settings.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Check the settings file: every mistake with its line and what is allowed there
    #[command(after_help = EXIT_CODES)]
    Check,
    /// Print the JSON Schema of the settings file, for editors
    #[command(after_help = EXIT_CODES)]
    Schema,
    /// Print the JSON Schema of the files of definitions, for editors
    #[command(after_help = EXIT_CODES)]
    RulesSchema,
}
