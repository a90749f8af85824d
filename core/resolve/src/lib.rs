#![doc = include_str!("../README.md")]

mod aim;
mod ask;
mod chunked;
mod columns;
mod dates;
mod definitions;
mod edges;
mod engine;
mod feeds;
mod filter;
mod input;
mod offers;
mod preview;
mod rank;
mod reports;
mod resolver;
mod rings;
mod set;
mod snapshot;
mod subject;
mod view;
mod why;
mod winners;

pub use aim::{Aim, Aimed};
pub use dates::{AsOf, begins};
pub use definitions::{
    DEEPEST_TARGET, Definitions, ItemKey, Problem, Removal, RunKind, duplicates,
};
pub use edges::Edge;
pub use engine::{Delta, Engine};
pub use feeds::{Feed, FeedKind, Freshness, Mode};
pub use filter::{FilterError, check_filter};
pub use input::{
    AgentInput, ComputerInput, ConnectionGroupInput, Directory, Fact, Facts, GroupInput, Member,
    PersonInput, SnapshotInput, TenantInput,
};
pub use offers::{Against, Offered};
pub use preview::{Confirmation, Counts, Preview, Recently, Shift, budget, budget_at};
pub use rank::{LostOn, Rank, Scope, TargetType};
pub use reports::{Balance, Checked, Reconciled};
pub use resolver::{Resolver, ThreeSets};
pub use rings::{RingSets, share_of};
pub use set::{Members, Set, Truth};
pub use snapshot::{Change, Snapshot, parent_cycle};
pub use subject::{Candidate, Resolved, Standing};
pub use winners::{ItemWinners, Slot, Winners};
