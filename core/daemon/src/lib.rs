#![doc = include_str!("../README.md")]

mod agenda;
mod asked;
mod board;
mod daemon;
mod entry;
mod error;
mod health;
mod inbox;
mod job;
mod log;
mod mail;
mod metrics;
mod notifier;
mod outbound;
mod reaper;
mod thinner;
mod timer;
mod wal;

pub use agenda::{Agenda, Fired, Scheduler, Timed};
pub use asked::{JobWorker, Worked, Works};
pub use daemon::{Daemon, Order, Site};
pub use entry::{Entry, Work};
pub use error::{Error, Result};
pub use health::{Health, Report, Upcoming};
pub use inbox::{Desk, Inbox, page_of};
pub use job::Edges;
pub use log::RunLog;
pub use mail::{MAIL, Mailer, Mailing, News, Post, UNSENT};
pub use metrics::{Counted, Metrics};
pub use notifier::{Courier, Handed, NOTIFICATIONS, Notifier};
pub use outbound::{Endpoint, Outbound, Outside, SigningKey, Told, Topic, forget_endpoints_but};
pub use reaper::{Reaper, on_ticket, tell_tickets};
pub use thinner::Thinner;
pub use timer::{SystemTimer, Timer};
pub use wal::work_off_wal;
