//! The language of the files, from outside: what is read, what is refused and how that is told,
//! what is written.

mod examples;
mod item_mistakes;
mod items;
mod mistakes;
mod over;
mod random;
mod reading;
mod roundtrip;
mod schedules;
mod world;
