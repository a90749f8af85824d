//! Planned runs.

use core_store::Planned;

use crate::harness::Bench;

on_both!(a_planned_run_goes_forward_only, another_pattern_begins_anew_and_the_same_one_goes_on,);

fn planned(name: &str, spec: &str, handled_us: i64) -> Planned {
    Planned { name: name.to_owned(), spec: spec.to_owned(), handled_us }
}

async fn a_planned_run_goes_forward_only(bench: Bench) {
    let store = &bench.store;
    store.plan(&[planned("halo/full", "@daily UTC", 0)]).await.unwrap();
    for (handled, expected) in [(50, 50), (40, 50), (60, 60)] {
        store.handled(&[planned("halo/full", "@daily UTC", handled)]).await.unwrap();
        let found = store.planned().await.unwrap();
        assert_eq!(found, [planned("halo/full", "@daily UTC", expected)]);
    }
    // What nobody planned is not there because somebody ran it.
    store.handled(&[planned("rmm/full", "@daily UTC", 1)]).await.unwrap();
    assert_eq!(store.planned().await.unwrap().len(), 1);
}

async fn another_pattern_begins_anew_and_the_same_one_goes_on(bench: Bench) {
    let store = &bench.store;
    store.plan(&[planned("halo/full", "@daily UTC", 10)]).await.unwrap();
    store.plan(&[planned("halo/full", "@daily UTC", 99)]).await.unwrap();
    assert_eq!(store.planned().await.unwrap()[0].handled_us, 10);
    store.plan(&[planned("halo/full", "@hourly UTC", 99)]).await.unwrap();
    assert_eq!(store.planned().await.unwrap(), [planned("halo/full", "@hourly UTC", 99)]);
    // A run that was begun under the old pattern ends: it says nothing about the new one.
    store.handled(&[planned("halo/full", "@daily UTC", 200)]).await.unwrap();
    assert_eq!(store.planned().await.unwrap()[0].handled_us, 99);
}
