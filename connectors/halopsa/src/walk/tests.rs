use super::*;

fn shown(ids: std::ops::RangeInclusive<i64>, total: u64) -> Shown {
    Shown { ids: ids.map(Some).collect(), total, page_size: Some(100) }
}

fn nothing(total: u64) -> Shown {
    Shown { ids: Vec::new(), total, page_size: Some(100) }
}

fn more(walk: &Walk, page: &Shown) -> Walk {
    match walk.advance("GET /x", page).unwrap() {
        Step::More(walk) => walk,
        Step::End(proof) => panic!("ended: {proof:?}"),
    }
}

fn end(walk: &Walk, page: &Shown) -> Proof {
    match walk.advance("GET /x", page).unwrap() {
        Step::End(proof) => proof,
        Step::More(walk) => panic!("went on: {walk:?}"),
    }
}

fn kind(walk: &Walk, page: &Shown) -> ErrorKind {
    walk.advance("GET /x", page).unwrap_err().kind()
}

#[test]
fn a_total_that_was_reached_is_the_end() {
    let second = more(&Walk::start(), &shown(1..=100, 130));
    assert_eq!(end(&second, &shown(101..=130, 130)), Proof::Total { rows: 130 });
    assert_eq!(end(&Walk::start(), &shown(1..=60, 60)), Proof::Total { rows: 60 });
}

#[test]
fn an_empty_page_before_record_count_is_no_end() {
    let second = more(&Walk::start(), &shown(1..=100, 130));
    assert_eq!(kind(&second, &nothing(130)), ErrorKind::Protocol);
    assert_eq!(kind(&second, &nothing(0)), ErrorKind::Protocol);
    assert_eq!(kind(&Walk::start(), &nothing(130)), ErrorKind::Protocol);
}

#[test]
fn a_repeated_page_is_no_end() {
    let second = more(&Walk::start(), &shown(1..=100, 0));
    assert_eq!(kind(&second, &shown(1..=100, 0)), ErrorKind::Protocol);
    let second = more(&Walk::start(), &shown(1..=100, 250));
    assert_eq!(kind(&second, &shown(1..=100, 250)), ErrorKind::Protocol);
}

#[test]
fn without_a_total_only_an_empty_page_is_the_end() {
    let second = more(&Walk::start(), &shown(1..=60, 0));
    assert!(matches!(end(&second, &nothing(0)), Proof::Ended { .. }));
    assert!(matches!(end(&Walk::start(), &nothing(0)), Proof::Ended { .. }));
}

#[test]
fn a_total_that_counts_the_page_is_no_total() {
    let second = more(&Walk::start(), &shown(1..=100, 100));
    let third = more(&second, &shown(101..=200, 100));
    let fourth = more(&third, &shown(201..=230, 30));
    assert!(matches!(end(&fourth, &nothing(0)), Proof::Ended { .. }));
    let short = more(&second, &shown(101..=130, 30));
    assert!(matches!(end(&short, &nothing(0)), Proof::Ended { .. }));
}

#[test]
fn a_list_of_exactly_one_page_is_asked_about_once_more() {
    let second = more(&Walk::start(), &shown(1..=100, 100));
    assert_eq!(end(&second, &nothing(100)), Proof::Total { rows: 100 });
}

#[test]
fn an_answer_that_was_not_paged_proves_nothing() {
    let unpaged = Shown { page_size: None, ..shown(1..=50, 50) };
    let second = more(&Walk::start(), &unpaged);
    assert_eq!(kind(&second, &unpaged), ErrorKind::Protocol);
}

#[test]
fn the_capped_page_size_is_honoured() {
    let page = |ids| Shown { page_size: Some(50), ..shown(ids, 130) };
    let second = more(&Walk::start(), &page(1..=50));
    let third = more(&second, &page(51..=100));
    assert_eq!(end(&third, &page(101..=130)), Proof::Total { rows: 130 });
}

/// A row before us went away: the rest moved up, and the first row of our page is now the last of
/// the page before.
#[test]
fn a_row_deleted_while_reading_hides_no_other() {
    let second = more(&Walk::start(), &shown(1..=100, 230));
    let third = more(&second, &shown(101..=200, 230));
    assert_eq!(third.page(), 3);
    let again = more(&third, &shown(202..=230, 229));
    assert_eq!(again.page(), 2, "the page before is read again");
    let onward = more(&again, &shown(102..=201, 229));
    assert_eq!(end(&onward, &shown(202..=230, 229)), Proof::Total { rows: 229 });
}

#[test]
fn many_rows_deleted_while_reading_begin_the_list_anew() {
    let second = more(&Walk::start(), &shown(1..=100, 500));
    let anew = more(&second, &shown(301..=400, 300));
    assert_eq!(anew.page(), 1);
}

#[test]
fn a_row_moved_between_pages_is_missed_no_end() {
    let second = more(&Walk::start(), &shown(1..=100, 200));
    // Row 100 again, and row 200 nowhere.
    let anew = more(&second, &shown(100..=199, 200));
    assert_eq!(anew.page(), 1);
    let mut walk = anew;
    walk = more(&walk, &shown(1..=100, 200));
    walk = more(&walk, &shown(100..=199, 200));
    walk = more(&walk, &shown(1..=100, 200));
    assert_eq!(kind(&walk, &shown(100..=199, 200)), ErrorKind::CheckpointExpired);
}

#[test]
fn a_row_added_while_reading_is_read() {
    let second = more(&Walk::start(), &shown(1..=100, 130));
    assert_eq!(end(&second, &shown(101..=131, 131)), Proof::Total { rows: 131 });
}

#[test]
fn a_list_in_another_order_is_counted_page_by_page() {
    let mut first = shown(1..=100, 130);
    first.ids.reverse();
    let second = more(&Walk::start(), &first);
    let mut rest = shown(101..=130, 130);
    rest.ids.reverse();
    assert_eq!(end(&second, &rest), Proof::Total { rows: 130 });
}

#[test]
fn ids_may_be_negative() {
    let second = more(&Walk::start(), &shown(-150..=-51, 130));
    assert_eq!(end(&second, &shown(-50..=-21, 130)), Proof::Total { rows: 130 });
}
