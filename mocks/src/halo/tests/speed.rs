//! A page of a hundred thousand rows costs a page, also while the rest of the world changes.

use std::time::{Duration, Instant};

use super::{Bench, asset, small};

const ROWS: i64 = 100_000;

#[test]
fn pages_of_a_large_list_cost_a_page() {
    let mut world = small();
    world.halo.assets = (500..500 + ROWS)
        .map(|id| {
            let mut row = asset(id);
            row.inactive = false;
            row
        })
        .collect();
    let bench = Bench::over(world, "all");
    let page = |no: i64| {
        let query = format!("/api/Asset?pageinate=true&page_size=100&page_no={no}");
        let start = Instant::now();
        let page = bench.get(&query);
        assert_eq!(page["record_count"], ROWS);
        assert_eq!(page["assets"].as_array().unwrap().len(), 100);
        start.elapsed()
    };
    let first = page(1);
    let mut rest: Vec<Duration> = (0..50).map(|n| page(1 + n * 19)).collect();
    rest.sort();
    // The first page sorts the list; no later one may come near it.
    assert!(rest[25] * 5 < first, "first {first:?}, later {:?}", rest[25]);
    // Changes elsewhere do not make the list anew.
    let mut busy: Vec<Duration> = (0..20)
        .map(|n| {
            bench.world.write().unwrap().next_version();
            page(1 + n * 19)
        })
        .collect();
    busy.sort();
    assert!(busy[10] * 3 < first, "first {first:?}, busy {:?}", busy[10]);
}
