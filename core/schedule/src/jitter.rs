//! Seconds by which a schedule is late on purpose, so that not everything begins at once.

use chrono::TimeDelta;

/// How late the schedule of that name is: from nothing to `most` seconds, and always as much. Two hubs
/// that share a database have to agree on it, so it comes from the name alone.
#[must_use]
pub fn jitter(name: &str, most: u32) -> TimeDelta {
    let steps = u64::from(most) + 1;
    TimeDelta::seconds(i64::try_from(hash(name) % steps).unwrap_or_default())
}

/// FNV-1a with a last stirring: short, and the same in every version of everything.
fn hash(name: &str) -> u64 {
    let folded = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let stirred = (folded ^ (folded >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    stirred ^ (stirred >> 33)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_is_always_as_late_and_never_later_than_was_said() {
        for most in [0, 1, 59, 300, u32::MAX] {
            for number in 0..200 {
                let name = format!("connection-{number}/full");
                let late = jitter(&name, most);
                assert_eq!(late, jitter(&name, most));
                assert!(late >= TimeDelta::zero() && late <= TimeDelta::seconds(most.into()));
            }
        }
        // Kept: hubs of two versions that share a database must agree.
        assert_eq!(jitter("halo/full", 600), TimeDelta::seconds(142));
    }

    #[test]
    fn names_are_spread_over_the_whole_range() {
        let late: BTreeSet<i64> =
            (0..1000).map(|n| jitter(&format!("c{n}/full"), 99).num_seconds()).collect();
        assert!(late.len() > 95, "{late:?}");
    }
}
