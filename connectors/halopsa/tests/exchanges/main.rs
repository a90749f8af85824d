//! Exchanges with a Halo that answers what each test says: sign-in, paging, streams, tickets.

mod paging;
mod push;
mod sign_in;
mod streams;
mod support;
mod tickets;
