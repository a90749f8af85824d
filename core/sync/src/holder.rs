//! Who holds a lease. A process that was killed cannot give its lease back, and whoever starts it
//! again should not have to wait until the lease runs out: a holder names its process in a way that
//! another process of the same machine can look up.
//!
//! Where processes cannot be looked up (another machine, another container, a system without
//! `/proc`) nobody is ever taken for dead; there a lease ends when its time is over.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use xxhash_rust::xxh3::xxh3_64;

/// The machine, this start of it, and the space in which process ids are unique; none where that
/// cannot be told.
static PLACE: LazyLock<Option<String>> = LazyLock::new(|| {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let name = format!("{}{}", boot.trim(), space.display());
    Some(format!("{:08x}", xxh3_64(name.as_bytes()) & 0xffff_ffff))
});

/// A name for a holder that no other holder has, in this process or in another.
pub(crate) fn name(now: DateTime<Utc>) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    let began = PLACE.as_ref().and_then(|place| Some(format!("{place}.{}", began(process)?)));
    let began = began.map_or_else(|| number.to_string(), |began| format!("{began}.{number}"));
    format!("process {process} since {} ({began})", now.format("%F %T%.3f UTC"))
}

/// Whether the process of that holder ran here and is no more.
pub(crate) fn is_dead(holder: &str) -> bool {
    let process = holder.strip_prefix("process ").and_then(|rest| rest.split(' ').next());
    let process = process.and_then(|process| process.parse().ok());
    let mark = holder.rsplit_once('(').and_then(|(_, mark)| mark.strip_suffix(')'));
    let mut parts = mark.unwrap_or_default().split('.');
    let (Some(process), Some(place), Some(start)) = (process, parts.next(), parts.next()) else {
        return false;
    };
    PLACE.as_deref() == Some(place) && began(process).as_deref() != Some(start)
}

/// When a process began, as the system counts; none for one that is not, or only waits to be
/// buried.
fn began(process: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything, spaces and parentheses too.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let start = fields.nth(18)?;
    (!matches!(state, "Z" | "X")).then(|| start.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_holders_have_one_name_and_a_living_one_is_not_dead() {
        let now = Utc::now();
        let (first, second) = (name(now), name(now));
        assert_ne!(first, second);
        assert!(!is_dead(&first) && !is_dead(&second));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_is_no_more_is_dead_and_so_is_one_whose_number_was_given_again() {
        let mine = name(Utc::now());
        let number = std::process::id().to_string();
        // The largest process number that Linux gives is four million.
        assert!(is_dead(&mine.replacen(&number, "4194305", 1)));
        let start = began(std::process::id()).unwrap();
        assert!(is_dead(&mine.replacen(&format!(".{start}."), ".1.", 1)));
    }

    #[test]
    fn a_holder_elsewhere_is_never_taken_for_dead() {
        for holder in [
            "",
            "process 4194305 since yesterday (7)",
            "process 4194305 since yesterday (00000000.4711.1)",
            "somebody else",
        ] {
            assert!(!is_dead(holder), "{holder}");
        }
    }
}
