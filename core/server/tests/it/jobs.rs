//! What takes long: it stands in the list as long as it is kept, and its result is there once it ended.

use core_model::access::Role;
use core_model::id::JobId;
use core_store::{JobEnd, NewJob};
use serde_json::json;

use crate::harness::{Bench, NOW_US, request};

#[tokio::test]
async fn a_job_says_how_it_stands_and_what_came_of_it_to_operators_of_all_tenants() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Operator, &[]).await;
    let ids: Vec<String> =
        (0..3).map(|number| JobId::of_text(&number.to_string(), NOW_US).to_string()).collect();
    for (id, later) in ids.iter().zip(0..) {
        let about = "{\"dry_run\":true}";
        let job = NewJob { id, work: "push", about, by: "ana", now_us: NOW_US + later };
        assert!(bench.store.add_job(&job, 9).await.unwrap());
    }
    let path = |id: &String| format!("/v1/jobs/{id}");
    let waiting = bench.get(&path(&ids[0]), &token).await;
    let tag = waiting.header("etag").to_owned();
    let waiting = waiting.json();
    assert_eq!((&waiting["state"], &waiting["result"]), (&json!("waiting"), &json!(null)));
    assert_eq!(waiting["about"], json!({ "dry_run": true }));
    assert_eq!((&waiting["work"], &waiting["asked_by"]), (&json!("push"), &json!("ana")));
    let again = [("if-none-match", tag.as_str())];
    let same = bench.ask(request(&path(&ids[0]), &token, &again)).await;
    assert_eq!(same.status.as_u16(), 304);

    bench.store.begin_job(&ids[0], NOW_US + 5).await.unwrap();
    let done = JobEnd::Done("{\"items\":[1]}".to_owned());
    bench.store.end_job(&ids[0], &done, NOW_US + 9).await.unwrap();
    let failed = JobEnd::Failed("nobody answers".to_owned(), "ask again".to_owned());
    bench.store.end_job(&ids[1], &failed, NOW_US + 9).await.unwrap();
    let done = bench.ask(request(&path(&ids[0]), &token, &again)).await.json();
    assert_eq!((&done["state"], &done["result"]), (&json!("done"), &json!({ "items": [1] })));
    assert!(done["started"].is_string() && done["ended"].is_string(), "{done}");
    let failed = bench.get(&path(&ids[1]), &token).await.json();
    assert_eq!((&failed["state"], &failed["error"]), (&json!("failed"), &json!("nobody answers")));
    assert_eq!(failed["remedy"], "ask again");

    // The newest first, and how many are asked for; a list holds no results.
    let listed = bench.get("/v1/jobs?limit=2", &token).await;
    assert_eq!(listed.ids(), [ids[2].as_str(), ids[1].as_str()]);
    assert!(bench.get("/v1/jobs", &token).await.json()["items"][2].get("result").is_none());
    bench.get("/v1/jobs?limit=0", &token).await.is_problem(400);
    for missing in ["job_", "nonsense", &JobId::of_text("none", 1).to_string()] {
        bench.get(&format!("/v1/jobs/{missing}"), &token).await.is_problem(404);
    }
    for (role, tenants) in [(Role::Technician, &[][..]), (Role::Admin, &["ten_a"])] {
        let token = bench.token(role, tenants).await;
        bench.get(&path(&ids[0]), &token).await.is_problem(403);
        bench.get("/v1/jobs", &token).await.is_problem(403);
    }
}
