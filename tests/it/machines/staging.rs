//! Scripts that do not fit into one command.

use core_script::{Answer, LastValue, NotRun, parts_stored};

use super::*;

/// A script of so many bytes that gives the length of its own text.
fn long(bytes: usize) -> Script {
    let filler = "# 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n";
    let body = format!(
        "{}[IO.File]::ReadAllText($PSCommandPath).Length",
        filler.repeat(bytes / filler.len())
    );
    Script::new(&body)
}

#[test]
fn two_hundred_kilobytes_arrive_in_parts_in_any_order_and_twice() {
    let mut desk = Desk::new();
    let script = long(200_000);
    let delivery = desk.deliver(&script, &nothing(), None);
    assert!(delivery.parts.len() > 20, "{} parts", delivery.parts.len());
    let nonce = Nonce(desk.nonce);
    let mut stored = String::new();
    for part in delivery.parts.iter().rev().chain(delivery.parts.iter().step_by(3)) {
        stored.push_str(&desk.send(part.expose()));
        stored.push_str("\r\n");
    }
    let all: Vec<usize> = (0..delivery.parts.len()).collect();
    assert_eq!(parts_stored(&stored, nonce), all);
    let run = finished(read(&desk.send(delivery.run.expose()), nonce));
    assert_eq!(run.value, number(script.body.chars().count() as i64), "{run:?}");
    let state = mocks::machine::state(&desk.world, desk.no);
    assert!(!state.files.keys().any(|path| path.contains(r"linchpin\runs\")));
    // Sent again it finds nothing and runs nothing.
    let again = read(&desk.send(delivery.run.expose()), nonce);
    assert_eq!(again, Answer::NotRun(NotRun::Unstaged));
}

#[test]
fn what_is_not_whole_does_not_run_and_goes_away() {
    let mut desk = Desk::new();
    let delivery = desk.deliver(&long(60_000), &nothing(), None);
    let nonce = Nonce(desk.nonce);
    for part in &delivery.parts[1..] {
        desk.send(part.expose());
    }
    assert_eq!(read(&desk.send(delivery.run.expose()), nonce), Answer::NotRun(NotRun::Unstaged));
    let folder = |desk: &Desk| {
        let state = mocks::machine::state(&desk.world, desk.no);
        state.files.keys().any(|path| path.contains(&format!(r"linchpin\runs\{nonce}")))
    };
    assert!(!folder(&desk));
    // A part that somebody changed.
    for (at, part) in delivery.parts.iter().enumerate() {
        let other = delivery.parts.get(at.max(1) - 1).unwrap().expose();
        let data = |text: &str| {
            text.split("FromBase64String('").nth(1).unwrap().split('\'').next().unwrap().to_owned()
        };
        let text = part.expose().replace(&data(part.expose()), &data(other));
        desk.send(&text);
    }
    assert_eq!(read(&desk.send(delivery.run.expose()), nonce), Answer::NotRun(NotRun::Unstaged));
    // Parts whose run never comes are swept.
    desk.send(delivery.parts[0].expose());
    assert!(folder(&desk));
    desk.send(delivery.sweep.unwrap().expose());
    assert!(!folder(&desk));
}

#[test]
fn a_short_script_is_staged_where_commands_are_short() {
    let mut desk = Desk::new();
    desk.limits.command = Limits::SMALLEST;
    assert_eq!(desk.value("$true"), LastValue::Boolean(true));
    assert_eq!(desk.value("\"$((Get-Date).Year -gt 2000)\""), text("True"));
}
