#![doc = include_str!("../README.md")]

mod around;
mod book;
mod brief;
mod callback;
mod detect;
mod drive;
mod errand;
mod error;
mod hours;
mod local;
mod look;
mod mode;
mod monitored;
mod outcome;
mod reboot;
mod step;
mod texts;
mod updates;
mod way;
mod words;

pub use around::{AccessToken, Around, NoToken, Updates};
pub use book::{Book, Half, Line, Run, Said};
pub use brief::{Brief, Demand, Names};
pub use drive::{Desk, Ended, carry_out};
pub use error::{Error, Result};
pub use hours::{BusinessHours, DayTime};
pub use local::Hubside;
pub use way::{Carrier, Clock, Command, Keys, Locks, Stopped, Way, Ways};
