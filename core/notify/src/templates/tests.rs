use core_model::brand::{Colour, Logo};

use super::*;

fn before() -> Before {
    let listed = |title: &str, does: &str| Listed {
        title: title.to_owned(),
        does: does.to_owned(),
        why: "it is missing".to_owned(),
    };
    Before {
        computer: "PC-042".to_owned(),
        tenant: "Contoso".to_owned(),
        person: "Ana <b>Berg</b>".to_owned(),
        actions: vec![listed("7-Zip", "install version 24.08"), listed("Java", "remove")],
        at: "Monday, 30 November 2026, 22:00 (CST)".to_owned(),
        reboot: "may",
        link: Some("https://hub.example.com/notification/lpn_x".to_owned()),
        left: 3,
        deadline: "Thursday, 3 December 2026, 22:00 (CST)".to_owned(),
    }
}

fn after(results: &[(&str, bool)]) -> After {
    let outcome = |(title, ok): &(&str, bool)| Outcome {
        title: (*title).to_owned(),
        does: "install version 24.08".to_owned(),
        why: "it is missing".to_owned(),
        ok: *ok,
        failed: !*ok,
        result: if *ok { "compliant" } else { "failed" }.to_owned(),
        says: if *ok { "done" } else { "could not be done" }.to_owned(),
        message: "it ended with 1603".to_owned(),
        changed: String::new(),
    };
    let actions: Vec<Outcome> = results.iter().map(outcome).collect();
    let failed = results.iter().filter(|one| !one.1).count();
    After {
        computer: "PC-042".to_owned(),
        tenant: "Contoso".to_owned(),
        person: String::new(),
        actions,
        at: "Monday".to_owned(),
        ok: failed == 0,
        failed,
        rebooted: true,
    }
}

fn built_in() -> Templates {
    Templates::new(&BTreeMap::new()).unwrap()
}

fn instead(name: &str, text: &str) -> Result<Templates, BadTemplate> {
    Templates::new(&BTreeMap::from([(name.to_owned(), text.to_owned())]))
}

#[test]
fn what_is_built_in_says_what_will_be_done_when_and_how_it_is_moved() {
    let letter = built_in().before(&Brand::default(), "", &before()).unwrap();
    assert_eq!(letter.subject, "Maintenance of PC-042: Monday, 30 November 2026, 22:00 (CST)");
    for part in [
        "  * 7-Zip: install version 24.08\n  * Java: remove\n",
        "Hello Ana <b>Berg</b>,",
        "https://hub.example.com/notification/lpn_x\n",
        "done by Thursday, 3 December 2026, 22:00 (CST)",
        "may have to restart",
    ] {
        assert!(letter.text.contains(part), "{part} in\n{}", letter.text);
    }
    for part in ["<strong>7-Zip</strong>", "Ana &lt;b&gt;Berg", "#now\"", "#postpone\"", "#1f5fbf"]
    {
        assert!(letter.html.contains(part), "{part} in\n{}", letter.html);
    }
    let left = Before { left: 0, ..before() };
    let letter = built_in().before(&Brand::default(), "", &left).unwrap();
    assert!(letter.html.contains("#now\"") && !letter.html.contains("#postpone"));
    let without = Before { link: None, person: String::new(), ..before() };
    let letter = built_in().before(&Brand::default(), "", &without).unwrap();
    assert!(!letter.html.contains("<a ") && !letter.text.contains("http"), "{}", letter.text);
    assert!(!letter.text.contains("Hello"));
}

#[test]
fn what_is_built_in_says_what_was_done_and_what_could_not_be() {
    let letter = built_in().after(&Brand::default(), "", &after(&[("7-Zip", true)])).unwrap();
    assert_eq!(letter.subject, "Maintenance of PC-042 is done");
    assert!(letter.text.contains("  * 7-Zip: install version 24.08 - done"), "{}", letter.text);
    assert!(letter.text.contains("was restarted"));
    let results = after(&[("7-Zip", true), ("Reader", false)]);
    let letter = built_in().after(&Brand::default(), "", &results).unwrap();
    assert_eq!(letter.subject, "Maintenance of PC-042: not all of it could be done");
    assert!(letter.text.contains("  * Reader: install version 24.08 - could not be done"));
    // What technicians read of it is no matter of whoever sits there.
    assert!(!letter.text.contains("1603") && !letter.html.contains("1603"));
    let letter = built_in().after(&Brand::default(), "", &after(&[])).unwrap();
    assert!(letter.text.contains("everything was as it should be"), "{}", letter.text);
}

#[test]
fn a_brand_gives_its_name_colours_picture_and_footer() {
    let brand = Brand {
        company: "Acme & Sons".to_owned(),
        accent: Colour::parse("#ffcc00").unwrap(),
        band: Colour::parse("#0b6b3a").unwrap(),
        logo: Some(Logo::Inline { media: "image/png", bytes: Vec::new() }),
        footer: "Merry Christmas!\nCall 555-0100".to_owned(),
        ..Brand::default()
    };
    let letter = built_in().before(&brand, "cid:logo", &before()).unwrap();
    for part in [
        "Acme &amp; Sons",
        "background-color:#ffcc00;border:2px solid #ffcc00;color:#141a22",
        "background-color:#0b6b3a;color:#ffffff",
        "<img src=\"cid:logo\"",
        "Merry Christmas!<br>Call 555-0100<br>",
    ] {
        assert!(letter.html.contains(part), "{part} in\n{}", letter.html);
    }
    assert!(letter.text.contains("Merry Christmas!\nCall 555-0100"));
    let at = Brand { logo: Some(Logo::At("https://x.example/l.png".to_owned())), ..brand };
    let letter = built_in().before(&at, "cid:logo", &before()).unwrap();
    assert!(letter.html.contains("l.png\"") && !letter.html.contains("cid:logo"));
}

#[test]
fn a_file_takes_the_place_of_one_text_and_its_mistakes_are_told_with_their_line() {
    built_in().tried().unwrap();
    let own = instead("before.subject", "{{ brand.company }}\r\nBcc: x@evil.example").unwrap();
    let letter = own.before(&Brand::default(), "", &before()).unwrap();
    assert_eq!(letter.subject, "Your IT team Bcc: x@evil.example", "one line");
    assert!(letter.text.contains("7-Zip"), "the others are as they were");
    let wrong = instead("before.txt", "one\n{% for x in %}").unwrap_err();
    assert_eq!((wrong.name.as_str(), wrong.line), ("before.txt", Some(2)), "{wrong}");
    let unknown = instead("after.html", "one\ntwo\n{{ computr }}").unwrap();
    let wrong = unknown.tried().unwrap_err();
    assert_eq!((wrong.name.as_str(), wrong.line), ("after.html", Some(3)), "{wrong}");
    // A layout of one's own is under both.
    let layout = instead("layout.html", "<b>{% block content %}{% endblock %}</b>").unwrap();
    let letter = layout.after(&Brand::default(), "", &after(&[("7-Zip", true)])).unwrap();
    assert!(letter.html.starts_with("<b>") && letter.html.contains("7-Zip"));
}
