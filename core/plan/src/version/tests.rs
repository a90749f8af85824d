use std::hash::DefaultHasher;

use proptest::prelude::*;

use super::*;

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

fn hash(version: &Version) -> u64 {
    let mut state = DefaultHasher::new();
    version.hash(&mut state);
    state.finish()
}

#[test]
fn versions_ascend_as_their_publishers_meant_them() {
    let ascending = [
        "0",
        "0.9",
        "1.0-dev",
        "1.0.0-alpha.1",
        "1.0-alpha.2",
        "1.0-beta",
        "1.0 Preview 3",
        "1.0-rc1",
        "1.0-RC.2",
        "1.0-rc.10",
        "1",
        "1.0 (Build 7)",
        "1.0.0.1",
        "1.1.1",
        "1.1.1a",
        "1.1.1w",
        "1.1.2",
        "1.2.3",
        "1.2.3b",
        "1.2.3.1",
        "1.10",
        "v2",
        "8",
        "8u45",
        "8u351",
        "9",
        "10.0.19041.1",
        "24.001.20604",
        "24.1.20605",
        "2024.1",
        "20241231235959999999999999999999999999999999999",
        "20241231235959999999999999999999999999999999999.1",
        "30000000000000000000000000000000000000000000000",
    ];
    for (at, older) in ascending.iter().enumerate() {
        for newer in &ascending[at + 1..] {
            assert!(version(older) < version(newer), "{older} < {newer}");
            assert!(version(newer) > version(older), "{newer} > {older}");
        }
    }
}

#[test]
fn one_version_may_be_spelled_in_several_ways() {
    for (one, other) in [
        ("7.4", "7.4.0.0"),
        ("0", "0.0.0"),
        ("24.001.20604", "24.1.20604"),
        ("6, 0, 1, 2", "6.0.1.2"),
        ("6,0,1,2", "6.0.1.2"),
        (" 1.2 ", "1.2"),
        ("v2.1", "2.1"),
        ("Version 2.1", "2.1"),
        ("1.0-RC1", "1.0.0-rc.1"),
        ("1.0-preview2", "1.0.0 pre 2"),
        ("1.1.1W", "1.1.1w"),
        ("1.2-3", "1.2.3"),
        ("5.80 (x64)", "5.80_x64"),
        ("1.2\0", "1.2"),
    ] {
        let (one, other) = (version(one), version(other));
        assert_eq!(one, other);
        assert_eq!(one.cmp(&other), Ordering::Equal);
        assert_eq!(hash(&one), hash(&other));
    }
    assert_eq!(version(" v07.40 ").as_str(), "v07.40");
    assert_eq!((version("v07.40").major(), version("0.1").major()), ("7", "0"));
}

#[test]
fn a_text_without_a_number_is_no_version() {
    for text in ["", "  ", "latest", "v", "n/a", "...", "\u{660}"] {
        assert_eq!(Version::parse(text), Err(BadVersion(text.trim().to_owned())));
    }
    let error = Version::parse("unknown").unwrap_err().to_string();
    assert!(error.contains("unknown"), "{error}");
    assert_eq!(serde_json::from_str::<Version>("\"7.4\"").unwrap(), version("7.4.0"));
    assert_eq!(serde_json::to_string(&version("7.4")).unwrap(), "\"7.4\"");
    assert!(serde_json::from_str::<Version>("\"latest\"").is_err());
}

/// Texts that look like versions, and some that only nearly do.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-2](\\.[0-2]){0,4}",
        "v?[0-9]{1,3}([.,\\- ][0-9]{1,2}){0,3}(-?(alpha|beta|rc|b|a|w|x64)[.]?[0-9]{0,2})?",
        "[0-9]{1,40}(\\.0{1,3}){0,3}",
        "[0-9][0-9a-z.+ ()-]{0,8}",
        "\\PC{0,6}[0-9]\\PC{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_order_is_total(a in texts(), b in texts(), c in texts()) {
        let (a, b, c) = (version(&a), version(&b), version(&c));
        prop_assert_eq!(a.cmp(&a), Ordering::Equal);
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&b).is_eq(), a == b);
        let mut sorted = [a, b, c];
        sorted.sort();
        let [least, middle, greatest] = sorted;
        prop_assert!(least <= middle && middle <= greatest && least <= greatest);
        if least == middle {
            prop_assert_eq!(hash(&least), hash(&middle));
            prop_assert_eq!(least.cmp(&greatest), middle.cmp(&greatest));
        }
    }

    #[test]
    fn zeros_at_the_end_and_in_front_are_nothing(numbers in proptest::collection::vec(0_u64.., 1..6)) {
        let text = |zeros: &str| {
            numbers.iter().map(|n| format!("{zeros}{n}")).collect::<Vec<_>>().join(".")
        };
        let plain = version(&text(""));
        prop_assert_eq!(&plain, &version(&format!("{}.0.00", text("00"))));
        let newer = version(&format!("{}.0.1", text("")));
        prop_assert!(plain < newer);
    }

    #[test]
    fn numbers_compare_as_numbers(a in any::<u64>(), b in any::<u64>(), c in any::<u64>(), d in any::<u64>()) {
        let order = version(&format!("{a}.{b}")).cmp(&version(&format!("{c}.{d}")));
        prop_assert_eq!(order, (a, b).cmp(&(c, d)));
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,40}") {
        if let Ok(version) = Version::parse(&text) {
            prop_assert_eq!(Version::parse(version.as_str()), Ok(version));
        }
    }
}
