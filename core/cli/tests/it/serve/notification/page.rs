//! The mail and the page that it leads to, as people see them.

use mocks::smtp::{Smtp, Tls};
use serde_json::json;

use super::{mails, prepared, session, store};
use crate::serve::driver::Browser;
use crate::serve::mail::parts;
use crate::serve::service::Service;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s8_the_page_of_a_mail_postpones_at_a_press_and_fits_narrow_windows_light_and_dark() {
    for dark in [false, true] {
        let Some(browser) = Browser::start(dark) else { return };
        let shade = if dark { "dark" } else { "light" };
        let smtp = Smtp::start(Tls::None, None).await.unwrap();
        let (site, computer, _) = prepared(&smtp, (60, 99)).await;
        let service = Service::start(&site, &[]);
        service.wait_for(|line| line["message"] == "the daemon works");
        let store = store(&site).await;
        let asked = store.add_session(&session(&computer)).await.unwrap();
        let mail = mails(&smtp, 1).remove(0);
        let plain = parts(&mail).remove(0);
        let link = plain.split_whitespace().find(|word| word.contains("/notification/")).unwrap();
        let page = link
            .replace("https://hub.example.com", &format!("http://localhost:{}", service.port()));
        // The mail itself, as a file: programs for mail show no more than that.
        let file = site.place.path().join("mail.html");
        let id = asked.id.to_string();
        let out = file.to_str().unwrap();
        site.run(&["mail", "preview", &id, "--before", "--out", out]).ended(0);
        for (place, name) in [(format!("file://{out}"), "mail"), (page.clone(), "page")] {
            browser.go(&place);
            for (width, height) in [(1280, 1000), (500, 1100)] {
                browser.resize(width, height);
                // A headless window is never narrower than 500: the page is, in a frame of its own.
                let inner = if width == 500 { 400 } else { width };
                browser.run(&format!("document.documentElement.style.width = '{inner}px'"));
                let wide = "return Math.max(...[...document.querySelectorAll('body *')].map((one) => \
                            one.getBoundingClientRect().right)) <= WIDTH + 1";
                let fits = browser.run(&wide.replace("WIDTH", &inner.to_string()));
                assert_eq!(fits, json!(true), "{name}: {inner} is not enough");
                browser.picture(&format!("{name}-{inner}-{shade}"));
            }
        }
        for time in 1..=3_i64 {
            browser.go(&page);
            browser.click("button[value='1h']");
            browser.wait(".note.good");
            let now = store.session(asked.id).await.unwrap();
            assert_eq!(now.act_us, asked.act_us.map(|at| at + time * super::HOUR));
        }
        browser.resize(1280, 1000);
        browser.picture(&format!("postponed-{shade}"));
        let text = browser.text("#postpone");
        assert!(text.contains("cannot be postponed any more"), "{text}");
        // Everything that can be pressed says what it is for.
        let silent = "return [...document.querySelectorAll('button, a')].filter((one) => \
                      one.tabIndex < 0 || !one.textContent.trim()).length";
        assert_eq!(browser.run(silent), json!(0));
        browser.click("button[value='now']");
        browser.wait(".note.good");
        mails(&smtp, 2);
        browser.go(&page);
        assert!(browser.text("body").contains("It is over; not all of it could be done."));
        browser.picture(&format!("over-{shade}"));
        let out = site.place.path().join("after.html");
        let out = out.to_str().unwrap();
        site.run(&["mail", "preview", &id, "--after", "--out", out]).ended(0);
        browser.go(&format!("file://{out}"));
        browser.picture(&format!("after-{shade}"));
    }
}
