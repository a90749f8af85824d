//! The rings of a deployment, as files write them: what is as usual is left out.

use core_model::library::{Ring, RingMembers};

use super::reference::References;
use super::text::{Out, quoted};

pub(super) fn rings(out: &mut Out, rings: &[Ring], references: &References<'_>) {
    let written: Vec<String> = rings.iter().map(|ring| written(ring, references)).collect();
    out.list("rings", &written);
}

fn written(ring: &Ring, references: &References<'_>) -> String {
    let usual = Ring::new(ring.members);
    let mut pairs = Vec::new();
    if !ring.name.is_empty() {
        pairs.push(format!("name = {}", quoted(&ring.name)));
    }
    pairs.push(match ring.members {
        RingMembers::Tag(tag) => format!("tag = {}", references.tag(&tag)),
        RingMembers::Percent(percent) => format!("percent = {percent}"),
    });
    for (key, value, usual) in [
        ("soak_hours", ring.soak_hours, usual.soak_hours),
        ("reached_percent", ring.reached_percent.into(), usual.reached_percent.into()),
        ("failures_percent", ring.failures_percent.into(), usual.failures_percent.into()),
        ("failures_minimum", ring.failures_minimum, usual.failures_minimum),
    ] {
        if value != usual {
            pairs.push(format!("{key} = {value}"));
        }
    }
    format!("{{ {} }}", pairs.join(", "))
}
