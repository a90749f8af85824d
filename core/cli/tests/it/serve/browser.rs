//! The page inside a ticket as a technician meets it: in Chromium, framed by a page of HaloPSA.

use std::process::Stdio;
use std::time::{Duration, Instant};

use mocks::vendor::Face;
use serde_json::json;

use super::driver::Browser;
use super::service::Service;
use super::site;
use crate::commands::site::Site;

const PASSWORD: &str = "correct horse battery staple";
const RULES: &str = "[[software]]\nname = \"reader\"\ntitle = \"Adobe Reader\"\n\n\
    [[software]]\nname = \"office\"\ntitle = \"Office\"\n\n\
    [[task]]\nname = \"welcome\"\ntitle = \"Welcome mail\"\ncategory = \"person\"\n\n\
    [[task]]\nname = \"report\"\ntitle = \"Licence report\"\ncategory = \"tenant\"\n\n\
    [[deployment]]\nname = \"reader-repair\"\nsoftware = \"reader\"\nstate = \"latest\"\ntarget = \"all\"\n\
    enforcement = \"ad-hoc\"\nshow_in = [\"technician-tools\"]\n\n\
    [[deployment]]\nname = \"no-reader\"\nsoftware = \"reader\"\nstate = \"ignored\"\ntarget = \"all\"\n\n\
    [[deployment]]\nname = \"no-office\"\nsoftware = \"office\"\nstate = \"absent\"\ntarget = \"all\"\n\
    enforcement = \"ad-hoc\"\nshow_in = [\"technician-tools\"]\n\n\
    [[deployment]]\nname = \"welcome\"\ntask = \"welcome\"\nstate = \"enforce\"\ntarget = \"all\"\n\
    enforcement = \"ad-hoc\"\nshow_in = [\"technician-tools\"]\n\n\
    [[deployment]]\nname = \"report\"\ntask = \"report\"\nstate = \"enforce\"\ntarget = \"all\"\n\
    enforcement = \"ad-hoc\"\nshow_in = [\"technician-tools\"]\n";

/// A service with somebody who may sign in, and a ticket with a computer.
async fn prepared() -> (Site, Service, String) {
    let more = "[rules]\nsecond_person = false\n\
                [schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n";
    let (site, _) = site(60, 87, more).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    site.place.write("rules/tools.toml", RULES);
    site.apply("rules");
    let add = ["account", "add", "ana", "--role", "technician", "--password-stdin"];
    let mut add = site.command(&add).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut add.stdin.take().unwrap(), PASSWORD.as_bytes()).unwrap();
    assert!(add.wait().unwrap().success());
    let token = site.run(&["token", "create", "look", "--role", "technician"]).ended(0).out;
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    let keys: Vec<i64> = {
        let world = site.running.world();
        let world = world.read().unwrap();
        world.halo.tickets.iter().map(|one| one.id).collect()
    };
    let shown = |key: &i64| {
        let path = format!("/v1/technician/halopsa/tickets/{key}");
        let (_, view) = service.get_as(&path, token.trim_end());
        view["computers"].as_array().is_some_and(|all| !all.is_empty())
            && view["person"].is_object()
    };
    let key = keys.iter().find(|key| shown(key)).expect("a ticket with a computer").to_string();
    (site, service, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k5_k7_a_technician_signs_in_from_the_frame_deploys_and_sees_it_go() {
    let Some(browser) = Browser::start(false) else { return };
    let (site, service, key) = prepared().await;
    browser.resize(1280, 900);
    let hub = format!("http://localhost:{}", service.port());
    let halo = site.running.base(Face::Halo).to_owned();
    let address = format!("{hub}/technician/halopsa/ticket/$FAULTID");
    browser.go(&format!("{halo}/_estate/tab?ticket={key}&url={address}"));
    browser.enter("iframe");
    assert!(!browser.text("body").contains("Adobe Reader"));
    browser.picture("ticket-framed-unknown");
    browser.click("[data-linchpin-sign-in]");
    sign_in(&browser);
    browser.enter("iframe");
    browser.wait("article");
    browser.picture("ticket-framed-wide");
    let text = browser.text("body");
    for part in ["Adobe Reader", "install the latest version", "Welcome mail", "Licence report"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(text.contains("The next maintenance undoes it"), "{text}");
    joins(&browser, site.running.base(Face::Control));
    browser.enter("iframe");
    browser.click("article form[action$='/deploy'] button");
    assert_eq!(browser.text("#sessions-list .tag.waiting"), "Waiting");
    // An engine of anybody's says how it goes, and the page follows.
    let token = site.run(&["token", "create", "engine", "--role", "operator"]).ended(0).out;
    let (_, sessions) = service.get_as("/v1/sessions", token.trim_end());
    let id = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    let word = r#"{"state":"running","word":"installing 24.2"}"#;
    assert_eq!(service.post_as(&format!("/v1/sessions/{id}"), token.trim_end(), word).0, 200);
    browser.wait("#sessions-list .tag.running");
    assert!(browser.text("#sessions-list").contains("installing 24.2"));
    browser.picture("ticket-framed-running");
    // What would be undone is kept, by an exception that ends by itself.
    browser.run("document.querySelector('.except').closest('details').open = true");
    browser.click(".except button");
    let began = Instant::now();
    while browser.text("body").contains("The next maintenance undoes it") {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", browser.text("body"));
        std::thread::sleep(Duration::from_millis(100));
        browser.run("location.reload()");
        browser.wait("article");
    }
    let made = site.run(&["list", "deployments"]).ended(0).out;
    assert!(made.contains("reader-repair-on-"), "{made}");
}

/// Joins the remote session, which opens beside, and comes back.
fn joins(browser: &Browser, control: &str) {
    let (first, _) = browser.windows();
    let first = first.unwrap();
    browser.click("article form[action$='/join'] button");
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < Duration::from_secs(30), "the session was not opened");
        std::thread::sleep(Duration::from_millis(100));
        let (_, all) = browser.windows();
        let Some(opened) = all.into_iter().find(|one| *one != first) else { continue };
        browser.switch(&opened);
        if browser.address().starts_with(control) {
            break;
        }
    }
    browser.close();
    browser.switch(&first);
}

/// Signs in in the window that opened, and comes back.
fn sign_in(browser: &Browser) {
    let (first, _) = browser.windows();
    let first = first.unwrap();
    let began = Instant::now();
    let opened = loop {
        let (_, all) = browser.windows();
        if let Some(opened) = all.into_iter().find(|one| *one != first) {
            break opened;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "no window opened");
        std::thread::sleep(Duration::from_millis(50));
    };
    browser.switch(&opened);
    browser.write("#name", "ana");
    browser.write("#password", PASSWORD);
    browser.picture("sign-in");
    browser.click("form[action='/sign-in'] button");
    while browser.windows().1.len() > 1 {
        assert!(began.elapsed() < Duration::from_secs(30), "the window stays open");
        std::thread::sleep(Duration::from_millis(50));
    }
    browser.switch(&first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_fits_into_a_narrow_window_light_and_dark_and_is_gone_through_by_keys() {
    for dark in [false, true] {
        let Some(browser) = Browser::start(dark) else { return };
        let (_site, service, key) = prepared().await;
        let hub = format!("http://localhost:{}", service.port());
        browser.go(&format!("{hub}/sign-in?next=/technician/halopsa/ticket/{key}"));
        browser.write("#name", "ana");
        browser.write("#password", PASSWORD);
        browser.click("form[action='/sign-in'] button");
        browser.wait("article");
        for (width, height) in [(1280, 900), (500, 900)] {
            browser.resize(width, height);
            // A headless window is never narrower than 500: the page is, in a frame of its own.
            let inner = if width == 500 { 400 } else { width };
            browser.run(&format!("document.documentElement.style.width = '{inner}px'"));
            let wide = "return Math.max(...[...document.querySelectorAll('body *')].map((one) => \
                        one.getBoundingClientRect().right)) <= arguments.length + WIDTH + 1";
            let fits = browser.run(&wide.replace("WIDTH", &inner.to_string()));
            assert_eq!(fits, json!(true), "{inner} is not enough");
            let shade = if dark { "dark" } else { "light" };
            browser.picture(&format!("ticket-{inner}-{shade}"));
        }
        // Everything that can be pressed is reached by the tabulator, and says what it is for.
        let silent = "return [...document.querySelectorAll('button, a, summary')].filter((one) => \
                      one.tabIndex < 0 || !one.textContent.trim()).length";
        assert_eq!(browser.run(silent), json!(0));
        let named =
            "return [...document.querySelectorAll('article button')].map((b) => b.textContent)";
        let named = browser.run(named);
        let mut named: Vec<&str> =
            named.as_array().unwrap().iter().filter_map(|one| one.as_str()).collect();
        let count = named.len();
        named.sort_unstable();
        named.dedup();
        assert_eq!(named.len(), count, "two buttons of a computer are called the same: {named:?}");
    }
}
