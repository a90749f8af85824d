//! The rings of deployments.

use core_model::library::{DesiredState, Ring, RingMembers};
use core_toml::Node;

use super::{Reader, Table};

impl<'a> Reader<'a> {
    pub(super) fn rings(&mut self, table: Table<'a>, state: Option<&DesiredState>) -> Vec<Ring> {
        let mut rings: Vec<Ring> = Vec::new();
        let mut share = 0;
        for node in table.items("rings") {
            let of = Table { file: table.file, node };
            let Some(members) = self.ring_members(of) else { continue };
            if let RingMembers::Percent(percent) = members {
                if percent <= share {
                    let what = format!("this ring has {percent} %, and one before it {share} %");
                    let help = "a share counts those of the rings before it: let it grow";
                    self.say(&of.place("percent"), what, "nobody is left for it", help);
                }
                share = share.max(percent);
            }
            rings.push(ring(of, members));
        }
        if state == Some(&DesiredState::Ignored) && !rings.is_empty() {
            let what = "what is ignored is done to nobody, in whichever ring";
            self.say(&table.place("rings"), what, "not here", "remove `rings`");
        }
        rings
    }

    fn ring_members(&mut self, of: Table<'a>) -> Option<RingMembers> {
        let percent = of.number("percent").and_then(|number| u8::try_from(number).ok());
        match (of.get("tag"), of.get("percent")) {
            (Some(tag), None) => {
                let tag: &Node = tag;
                let found = self.definition((of.file, tag), "tag", |reader| &reader.tags);
                found.map(RingMembers::Tag)
            }
            // What is no percentage is told by its shape.
            (None, Some(_)) => percent.map(RingMembers::Percent),
            (tag, _) => {
                let what = match tag {
                    Some(_) => "this ring says two things: `tag` and `percent`",
                    None => "this ring does not say who is in it",
                };
                let help = "give it `tag = \"canary\"`, or `percent = 5`";
                self.say(&of.place(""), what, "one of the two", help);
                None
            }
        }
    }
}

fn ring(of: Table<'_>, members: RingMembers) -> Ring {
    let usual = Ring::new(members);
    let number = |key| of.number(key).and_then(|number| u32::try_from(number).ok());
    let percent = |key| of.number(key).and_then(|number| u8::try_from(number).ok());
    Ring {
        name: of.text("name").unwrap_or_default().trim().to_owned(),
        members,
        soak_hours: number("soak_hours").unwrap_or(usual.soak_hours),
        reached_percent: percent("reached_percent").unwrap_or(usual.reached_percent),
        failures_percent: percent("failures_percent").unwrap_or(usual.failures_percent),
        failures_minimum: number("failures_minimum").unwrap_or(usual.failures_minimum),
    }
}
