//! Files that are read over what the hub has.

use core_library::{Library, SourceFile, read_over};
use core_model::library::{DesiredState, ItemId};

use crate::world::{NOW_US, names, read_text};

const HUB: &str = "
[[software]]
name = 'reader'
[[task]]
name = 'printer'
instances = true
[[tag]]
name = 'kiosk'
computers = ['PC-007']
[[deployment]]
name = 'reader-all'
software = 'reader'
state = 'latest'
target = 'all'
[[expect]]
name = 'everybody reads'
subject = { computer = 'PC-007' }
software = 'reader'
winner = 'reader-all'
[[tenant]]
name = 'Contoso'
parent = 'Contoso Holding'
budget = { computers = 3 }
[[computer]]
name = 'PC-007'
excluded_from_maintenance = true
";

fn hub() -> Library {
    read_text(HUB).unwrap_or_else(|problems| panic!("{problems}"))
}

fn over(text: &str) -> Result<Library, String> {
    read_over(&[SourceFile::new("new.toml", text)], &names(), &hub(), NOW_US + 1)
        .map_err(|problems| problems.iter().map(|one| one.text(false)).collect())
}

#[test]
fn what_a_file_does_not_define_stays_and_may_be_named() {
    assert_eq!(over("").unwrap(), hub());
    let after = over(
        "[[deployment]]\nname = 'kiosks'\nsoftware = 'Reader'\nstate = 'absent'\n\
         target = { tag = 'Kiosk' }\n\
         [[deployment]]\nname = 'office'\ntask = 'printer'\ninstance = '1'\nstate = 'enforce'\n\
         target = 'all'\n\
         [[expect]]\nname = 'e'\nsubject = { computer = 'PC-007' }\nsoftware = 'reader'\n\
         winner = 'reader-all'\n",
    );
    let after = after.unwrap();
    assert_eq!((after.deployments.len(), after.expectations.len()), (3, 2));
    let kiosks = after.deployments.iter().find(|one| one.name == "kiosks").unwrap();
    assert_eq!(kiosks.item, ItemId::Software(hub().software[0].id));
    assert_eq!((&after.tags, &after.tenants), (&hub().tags, &hub().tenants));
}

#[test]
fn what_a_file_defines_is_wholly_as_it_says_and_keeps_its_id() {
    let text = "[[deployment]]\nname = 'READER-all'\nsoftware = 'reader'\nstate = 'any'\n\
                target = 'all'\n[[tenant]]\nname = 'Contoso'\n[[tag]]\nname = 'kiosk'\n";
    let (before, after) = (hub(), over(text).unwrap());
    let [rule] = after.deployments.as_slice() else { panic!("{:?}", after.deployments) };
    assert_eq!(rule.state, DesiredState::AnyVersion);
    let old = &before.deployments[0];
    assert_eq!((rule.id, rule.created_us), (old.id, old.created_us));
    let [tag] = after.tags.as_slice() else { panic!("{:?}", after.tags) };
    assert_eq!((tag.id, tag.computers.len()), (before.tags[0].id, 0));
    let [tenant] = after.tenants.as_slice() else { panic!("{:?}", after.tenants) };
    assert_eq!((tenant.parent, tenant.budget), (None, None));
    assert_eq!(after.computers, before.computers);
}

#[test]
fn mistakes_are_told_at_their_place_and_what_the_hub_has_counts() {
    for (text, says) in [
        (
            "[[deployment]]\nname = 'again'\nsoftware = 'reader'\nstate = 'latest'\ntarget = 'all'\n",
            &["new.toml:2:8", "says the same as `reader-all` (which the hub has)"][..],
        ),
        (
            "[[deployment]]\nname = 'x'\nsoftware = 'raeder'\nstate = 'latest'\ntarget = 'all'\n",
            &[
                "new.toml:3:12",
                "neither the file nor the hub defines a software `raeder`",
                "reader",
            ],
        ),
        (
            "[[tenant]]\nname = 'Contoso Holding'\nparent = 'Contoso'\n",
            &["new.toml:3:10", "among its own parents"],
        ),
        ("[[tag]]\nnmae = 'x'\n", &["new.toml:2:1", "did you mean `name`?"]),
        (
            "[[deployment]]\nname = 'x'\nsoftware = 'reader'\ninstance = '1'\nstate = 'any'\n\
             target = 'all'\n",
            &["new.toml:4:12", "there once only"],
        ),
    ] {
        let report = over(text).err().unwrap_or_else(|| panic!("nothing is wrong with\n{text}"));
        let flat: Vec<&str> =
            report.split(['\n', ' ', '│', '×']).filter(|word| !word.is_empty()).collect();
        let flat = flat.join(" ");
        for say in says {
            assert!(flat.contains(say), "`{say}` is not said\n{report}");
        }
    }
}
