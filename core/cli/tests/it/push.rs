//! Writing back, as its users meet it.

use crate::commands::site::Site;

/// Lets the hub write into HaloPSA, which is the last connection of the file.
fn opt_in(site: &Site, settings: &str) {
    let path = site.place.path().join("linchpin.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}\n[connection.push]\nenabled = true\n{settings}\n"))
        .unwrap();
}

/// Whoever is the user of an asset in Halo, as a human sets it.
fn set_user(site: &Site, asset: &str, user: i64) {
    let world = site.running.world();
    let mut world = world.write().unwrap();
    let version = world.next_version();
    let now = world.now();
    let id: i64 = asset.parse().unwrap();
    let row = world.halo.assets.iter_mut().find(|row| row.id == id).unwrap();
    row.users = vec![user];
    (row.mark.changed, row.mark.modified) = (version, now);
}

fn version(site: &Site) -> u64 {
    site.running.world().read().unwrap().version
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_anywhere_that_did_not_opt_in() {
    let site = Site::serve(20, 41).await;
    let refused = site.run(&["push"]).ended(2).readable();
    assert!(refused.err.contains("[connection.push]"), "{}", refused.err);
    let refused = site.run(&["push", "halopsa"]).ended(2).readable();
    assert!(refused.err.contains("did not opt in"), "{}", refused.err);
    site.run(&["push", "nobody"]).ended(2);
    opt_in(&site, "fields = { \"SMBIOS UUID\" = \"uid\" }");
    let wrong = site.run(&["push"]).ended(2);
    assert!(wrong.err.contains("did you mean \"uuid\"?"), "{}", wrong.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_is_tried_out_done_contradicted_and_insisted_on() {
    let site = Site::serve(60, 42).await;
    opt_in(&site, "fields = { \"SMBIOS UUID\" = \"uuid\" }");
    site.run(&["sync"]).ended(0);
    let before = version(&site);
    let dry = site.run(&["push", "--dry-run"]).ended(0).readable();
    assert!(
        dry.out.contains("would be written") && dry.out.contains("SMBIOS UUID: – → "),
        "{}",
        dry.out
    );
    assert_eq!(version(&site), before, "a dry run wrote");

    let done = site.run(&["push", "--json"]).ended(0).json();
    let (whole, items) = done.split_last().unwrap();
    assert_eq!(whole["connection"], "halopsa");
    assert!(whole["written"].as_u64().unwrap() > 10 && whole["failed"] == 0, "{whole}");
    let keys = items.iter().filter(|item| item["outcome"] == "written");
    let keys: Vec<&str> = keys.map(|item| item["object"].as_str().unwrap()).collect();
    assert!(version(&site) > before);
    let again = site.run(&["push"]).ended(0).readable();
    assert!(again.out.contains("nothing to do"), "{}", again.out);
    let status = site.run(&["status", "--json"]).ended(0).json();
    let halo = status[0]["connections"].as_array().unwrap().last().unwrap();
    assert_eq!(halo["push"]["last_run"]["outcome"], "complete", "{halo}");
    assert_eq!(halo["push"]["behind"], 0);
    assert!(site.run(&["status"]).ended(0).readable().out.contains("push: complete "));
    assert!(site.run(&["push", "failures"]).ended(0).out.contains("Nothing failed."));
    assert!(site.run(&["push", "retry"]).ended(0).out.contains("Nothing failed"));

    // A human puts somebody else there: the hub yields, and says so. Where it does not know who should be
    // there, whoever is there is right.
    let users_of = |key: &str| -> Vec<i64> {
        let world = site.running.world();
        let world = world.read().unwrap();
        let row = world.halo.assets.iter().find(|row| row.id.to_string() == key).unwrap();
        row.users.clone()
    };
    let other = site.running.world().read().unwrap().halo.users[0].id;
    let mut used = keys.iter().filter(|key| users_of(key).len() == 1);
    let (key, ours, yielded) = loop {
        let key = *used.next().unwrap();
        let ours = users_of(key);
        set_user(&site, key, other);
        let yielded = site.run(&["push", "--full"]).readable();
        if yielded.out.contains("1 changed by somebody else") {
            break (key, ours, yielded.ended(3));
        }
        set_user(&site, key, ours[0]);
    };
    assert!(yielded.out.contains("but somebody else changed it"), "{}", yielded.out);
    let listed = site.run(&["push", "conflicts", "--json"]).ended(0).json();
    assert_eq!(listed[0]["object"], key);
    assert_eq!(listed[0]["conflicts"][0]["from"], other.to_string());
    let listed = site.run(&["push", "conflicts"]).ended(0).readable();
    assert!(
        listed.out.contains(&format!("linchpin push overrule halopsa {key}")),
        "{}",
        listed.out
    );
    assert!(site.run(&["status"]).ended(0).out.contains("1 changed by somebody else"));
    site.run(&["push", "overrule", "halopsa", "999999"]).ended(2);
    site.run(&["push", "overrule", "halopsa", key]).ended(0);
    assert_eq!(users_of(key), ours);
    assert!(site.run(&["push", "conflicts"]).ended(0).out.contains("Nobody else changed"));
}
