#![doc = include_str!("../README.md")]

mod account;
mod account_answer;
mod audit;
mod bulk;
mod changed;
mod counter;
mod decision;
mod definition;
mod delivery;
mod entity;
mod error;
mod event;
mod hash;
mod identity;
mod job;
mod key;
mod known;
mod lease;
mod migrate;
mod model;
mod notification;
mod observation;
mod open;
mod packed;
mod page;
mod push;
mod quarantine;
mod query;
mod repeatable;
mod request;
mod rollout;
mod run;
mod runner;
mod schedule;
mod script_run;
mod secret;
mod session;
mod sign_in;
mod sql;
mod statistics;
mod stream;
mod subscription;
mod sweep;
mod ticket;
mod token;
mod wal;
mod webhook;

pub use account::{AccountRow, NewAccount, Rights};
pub use account_answer::AccountAnswer;
pub use audit::{AuditQuery, AuditRow, NewAudit};
pub use definition::{DefinitionChange, DefinitionRow, DefinitionVersion, Revision};
pub use delivery::{Attempt, Delivery, NewDelivery};
pub use entity::EntityQuery;
pub use error::{Error, Result};
pub use identity::IdentityRow;
pub use job::{Job, JobEnd, JobState, NewJob};
pub use key::{
    EnrolmentToken, Key, NOTED_EVERY_US, NotificationKey, Opens, RunnerKey, SignInKey, Token,
};
pub use known::{EntityAfter, RunsAt, StreamRuns};
pub use lease::Lease;
pub use model::{ModelChange, Passed};
pub use notification::{
    Claim, NewNotification, NotificationEnd, NotificationKind, NotificationRow, NotificationState,
    NotifiedPerson,
};
pub use observation::{Agents, LogonRow, ReadingRow};
pub use open::{Backend, Store};
pub use page::{DerivedAhead, First, FirstEntities, PageCommit, PageDiff, PageOutcome};
pub use push::{PushItem, PushMade, PushMark, PushState};
pub use quarantine::Quarantined;
pub use query::{Earlier, RecordCursor, RecordQuery, StoredRecord};
pub use repeatable::Repeated;
pub use request::{ChangeRequest, Settlement, Word};
pub use rollout::MemberResult;
pub use runner::{
    Enrolment, NewRunner, NewRunnerCommand, NewRunnerToken, RunnerClient, RunnerCommand, RunnerRow,
    RunnerTokenRow,
};
pub use schedule::{Planned, ScheduleCheck, ScheduleRun};
pub use script_run::{ScriptAnswer, ScriptRun};
pub use secret::{SealedRow, SealingKey, SealingKeys};
pub use session::{
    ActionQuery, Bar, Bars, Before, CancelFilter, Compared, ComparedItem, Comparison,
    FailureExample, FailureGroup, HeldMode, Holder, Moved, Moving, Ready, RunToken, SessionAction,
    SessionLine, SessionMove, SessionQuery, SessionWord, Side, Take, Took,
};
pub use sign_in::{NewSignIn, SignInRow};
pub use stream::{Round, RoundMode, StreamKey, StreamState};
pub use subscription::{SubscriptionFailure, SubscriptionRow};
pub use sweep::{FinishRound, Guard, Held, RoundOutcome};
pub use ticket::{TicketComputer, TicketRow};
pub use token::{NewToken, TokenRow};
pub use webhook::WebhookState;
