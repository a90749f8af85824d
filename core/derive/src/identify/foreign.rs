//! R5: identities that another tenant's computer has.

use core_model::entity::{Choice, Subject};

use super::{Asked, Foreign, Work};

impl Work<'_> {
    /// An agent whose UUID is known on a computer of another tenant that was there first is never
    /// joined to it. Silent long enough, it may have moved; else it is refused. Where the serials
    /// say that they are two machines, the UUID identifies nothing.
    pub(super) fn apply_foreign(&mut self) {
        let Some(foreign) = self.foreign else { return };
        for number in 0..self.agents.len() {
            let agent = &self.agents[number];
            let good: Vec<_> = self.good_uuids(number).collect();
            for uuid in good {
                let Some(others) = foreign.get(&uuid) else { continue };
                let serials = self.weighed[number].serials.clone();
                for other in others {
                    if !serials.is_empty()
                        && !other.serials.is_empty()
                        && !serials.iter().any(|serial| other.serials.contains(serial))
                    {
                        self.learned_junk.entry(number).or_default().insert(uuid);
                        continue;
                    }
                    if other.since < agent.since() && !self.may_be_here(number) {
                        self.refuse_or_ask(number, other);
                    }
                }
            }
            // One live agent over there is enough, whatever the others say.
            if self.refused.contains_key(&number) {
                self.asked.remove(&number);
            }
        }
    }

    /// A human said that it moved here, or that it is another machine; nothing else he may have
    /// decided about it lets a takeover in.
    fn may_be_here(&self, number: usize) -> bool {
        let choice = self.settled_alone.get(&number).map(|(choice, _)| *choice);
        matches!(choice, Some(Choice::Moved | Choice::TwoMachines))
    }

    fn refuse_or_ask(&mut self, number: usize, other: &Foreign) {
        let silent_from = self.now - chrono::Duration::days(self.policy.move_after_days);
        if other.last_seen.is_some_and(|last| last >= silent_from) {
            let why = "its identity is that of a live computer of another tenant";
            self.refused.insert(number, why.to_owned());
            return;
        }
        let asked = Asked {
            subject: Subject::Moved,
            with: Vec::new(),
            evidence: vec![format!(
                "a computer of another tenant with this identity was last seen {}",
                other
                    .last_seen
                    .map_or_else(|| "never".to_owned(), |at| at.date_naive().to_string())
            )],
            choices: vec![Choice::Moved, Choice::TwoMachines, Choice::AskLater],
        };
        self.asked.entry(number).or_insert(asked);
    }
}
