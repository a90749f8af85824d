//! What is known of tickets.

use core_store::{TicketComputer, TicketRow};

use crate::harness::Bench;

on_both!(a_ticket_is_as_it_was_last_read_and_keeps_the_hubs_note,);

async fn a_ticket_is_as_it_was_last_read_and_keeps_the_hubs_note(bench: Bench) {
    let store = &bench.store;
    let mut row = TicketRow {
        connection: "halo".to_owned(),
        key: "42".to_owned(),
        summary: "Reader \u{1f4c4} will not start".to_owned(),
        client: Some("12".to_owned()),
        contact: None,
        assets: vec!["7001".to_owned()],
        closed: false,
        tenant: Some("ten_1".to_owned()),
        person: None,
        computers: vec![TicketComputer { id: "cmp_1".to_owned(), is_asset: true }],
        read_us: 10,
        note: None,
    };
    assert_eq!(store.ticket("halo", "42").await.unwrap(), None);
    store.put_ticket(&row).await.unwrap();
    assert_eq!(store.ticket("halo", "42").await.unwrap(), Some(row.clone()));
    store.put_ticket_note("halo", "42", "abc").await.unwrap();
    (row.closed, row.client, row.read_us) = (true, None, 20);
    row.computers.clear();
    store.put_ticket(&row).await.unwrap();
    let expected = TicketRow { note: Some("abc".to_owned()), ..row.clone() };
    assert_eq!(store.ticket("halo", "42").await.unwrap(), Some(expected));
    assert_eq!(store.ticket("other", "42").await.unwrap(), None);
    store.forget_ticket("halo", "42").await.unwrap();
    assert_eq!(store.ticket("halo", "42").await.unwrap(), None);
}
