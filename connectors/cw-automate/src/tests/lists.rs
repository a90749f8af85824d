//! Lists: paging, and what is no end.

use core_connector::{ErrorKind, Proof, Resume};
use core_model::RecordKind;
use serde_json::json;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

const CLIENTS: &str = "/cwa/api/v1/Clients";

fn clients(ids: std::ops::RangeInclusive<u32>) -> Value {
    ids.map(|id| json!({"Id": id.to_string(), "Name": format!("Client {id}")})).collect()
}

async fn page(server: &MockServer, number: u32, answer: ResponseTemplate) {
    Mock::given(method("GET"))
        .and(path(CLIENTS))
        .and(query_param("page", number.to_string().as_str()))
        .and(query_param("pagesize", "3"))
        .and(query_param("orderby", "Id asc"))
        .and(query_param("includefields", "Id,Name,Company,ExternalId"))
        .respond_with(answer)
        .mount(server)
        .await;
}

async fn requests(server: &MockServer) -> usize {
    let all = server.received_requests().await.unwrap();
    all.iter().filter(|request| request.url.path() == CLIENTS).count()
}

#[tokio::test]
async fn a_list_is_read_until_its_total_is_reached() {
    let server = server().await;
    page(&server, 1, rows(&clients(1..=3), Some(6))).await;
    page(&server, 2, rows(&clients(4..=6), Some(6))).await;
    let whole = read(&*connect(settings(&server)), "clients").await.unwrap();
    assert_eq!((whole.records.len(), whole.pages, requests(&server).await), (6, 2, 2));
    assert_eq!(whole.checkpoints.last(), Some(&None));
}

#[tokio::test]
async fn without_a_total_the_empty_page_is_the_end() {
    let server = server().await;
    page(&server, 1, rows(&clients(1..=3), None)).await;
    page(&server, 2, rows(&clients(4..=4), None)).await;
    page(&server, 3, rows(&json!([]), None)).await;
    let whole = read(&*connect(settings(&server)), "clients").await.unwrap();
    assert_eq!((whole.records.len(), requests(&server).await), (4, 3));
}

#[tokio::test]
async fn an_empty_page_before_the_total_is_no_end() {
    let server = server().await;
    page(&server, 1, rows(&clients(1..=3), Some(5))).await;
    page(&server, 2, rows(&json!([]), Some(5))).await;
    let error = refused(&*connect(settings(&server)), "clients").await;
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(requests(&server).await, 4, "the empty page is asked for three times");
}

#[tokio::test]
async fn an_empty_page_that_passes_costs_nothing() {
    let server = server().await;
    page(&server, 1, rows(&clients(1..=3), Some(5))).await;
    Mock::given(path(CLIENTS))
        .and(query_param("page", "2"))
        .respond_with(rows(&json!([]), None))
        .up_to_n_times(1)
        .with_priority(1)
        .mount(&server)
        .await;
    page(&server, 2, rows(&clients(4..=5), Some(5))).await;
    let whole = read(&*connect(settings(&server)), "clients").await.unwrap();
    assert_eq!(whole.records.len(), 5);
}

#[tokio::test]
async fn the_same_page_again_is_no_end() {
    let server = server().await;
    // A server that ignores `page` gives the first one for ever.
    Mock::given(path(CLIENTS)).respond_with(rows(&clients(1..=3), None)).mount(&server).await;
    let error = refused(&*connect(settings(&server)), "clients").await;
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.detail().contains("the same page again"), "{error}");
}

#[tokio::test]
async fn an_error_in_a_200_a_web_page_and_a_cut_answer_are_no_end() {
    for body in [r#"{"Message":"timeout"}"#, "<html>Sign in</html>", r#"[{"Id":"1"},{"I"#, ""] {
        let server = server().await;
        page(&server, 1, ResponseTemplate::new(200).set_body_string(body)).await;
        let error = refused(&*connect(settings(&server)), "clients").await;
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
    }
}

#[tokio::test]
async fn a_row_removed_while_reading_hides_no_other() {
    let server = server().await;
    // Client 1 is removed after page 1 was read: client 4 moves onto page 1.
    Mock::given(path(CLIENTS))
        .and(query_param("page", "1"))
        .respond_with(rows(&clients(1..=3), Some(6)))
        .up_to_n_times(1)
        .with_priority(1)
        .mount(&server)
        .await;
    page(&server, 1, rows(&clients(2..=4), Some(5))).await;
    page(&server, 2, rows(&clients(5..=6), Some(5))).await;
    let whole = read(&*connect(settings(&server)), "clients").await.unwrap();
    let key = (RecordKind::Client, "4".to_owned());
    assert!(whole.records.contains_key(&key), "{:?}", whole.records.keys());
    assert_eq!(whole.pages, 4);
}

#[tokio::test]
async fn one_bad_row_is_rejected_and_the_rest_goes_on() {
    let server = server().await;
    let bad = json!([{"Id": "1", "Name": "A"}, {"Id": "2", "Name": 7}, {"Name": "no id"}]);
    page(&server, 1, rows(&bad, Some(3))).await;
    let connector = connect(settings(&server));
    let streams = connector.streams();
    let page = streams[0].source.page(&Scope::whole(), Resume::Start).await.unwrap();
    assert_eq!((page.records.len(), page.rejected.len()), (1, 2));
    assert_eq!(page.proof, Proof::Total { rows: 3 });
    assert_eq!(page.rejected[0].key.as_deref(), Some("2"));
    assert_eq!(page.rejected[0].path, "$.Name");
    assert!(page.rejected[0].raw.contains('7'));
}

#[tokio::test]
async fn a_list_that_the_server_does_not_have_is_not_offered() {
    let server = server().await;
    let none = ResponseTemplate::new(404).set_body_json(json!({"Message": "No HTTP resource"}));
    Mock::given(method("GET")).respond_with(none).mount(&server).await;
    let connector = connect(settings(&server));
    assert_eq!(refused(&*connector, "chassis").await.kind(), ErrorKind::NotOffered);
    assert_eq!(refused(&*connector, "clients").await.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_server_error_passes() {
    let server = server().await;
    Mock::given(path(CLIENTS))
        .respond_with(ResponseTemplate::new(500).set_body_string("<html>oops</html>"))
        .up_to_n_times(2)
        .with_priority(1)
        .mount(&server)
        .await;
    page(&server, 1, rows(&clients(1..=2), Some(2))).await;
    let whole = read(&*connect(settings(&server)), "clients").await.unwrap();
    assert_eq!(whole.records.len(), 2);
}
