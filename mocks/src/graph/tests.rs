//! Tests of the face, over a small world made by hand.

mod delta;
mod fixture;
mod groups;
mod listing;
mod notify;
mod partner;
mod signin;
mod traps;
