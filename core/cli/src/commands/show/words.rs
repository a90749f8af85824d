//! Reasons of the model, in words.

use core_model::entity::{
    Client, Computer, Flag, LinkReason, Onboarding, Pin, PrimaryReason, Rule,
};

/// A rule's number, as the rules are named.
pub(crate) fn rule_number(rule: &Rule) -> String {
    format!("{rule:?}")
}

/// What a rule says.
pub(crate) fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::R0 => "the agent is known",
        Rule::R1 => "a human decided",
        Rule::R2 => "the machine itself reported this agent's id",
        Rule::R3 => "its UUID is known on a computer of the tenant",
        Rule::R4a => "same UUID: the agent was installed again",
        Rule::R4b => "same UUID: the machine was wiped",
        Rule::R4c => "same UUID on two live machines: a clone",
        Rule::R4d => "nothing tells which of several machines it is",
        Rule::R5 => "its UUID is that of a computer of another tenant",
        Rule::R6 => "known serial of a trusted maker, new UUID",
        Rule::R7 => "known serial of a trusted maker, no good UUID",
        Rule::R8 => "nothing of it was known: a computer of its own",
    }
}

/// Why a client belongs to its tenant.
pub(crate) fn link(reason: &LinkReason) -> String {
    match reason {
        LinkReason::Decision => "a human said so".to_owned(),
        LinkReason::Reference { what } => format!("reference {what}"),
        LinkReason::Domain { domain } => format!("same domain {domain}"),
        LinkReason::Name { name } => format!("same name \"{name}\""),
        LinkReason::Created => "the tenant was made from it".to_owned(),
    }
}

/// Why a client belongs to its tenant, or what it might belong to.
pub(crate) fn client_link(client: &Client) -> String {
    match (&client.reason, client.tenant) {
        (Some(reason), Some(_)) => link(reason),
        (None, Some(_)) => "linked".to_owned(),
        (_, None) if client.placeholder => "stands for nobody".to_owned(),
        (_, None) if client.gone => "gone".to_owned(),
        (_, None) => match client.suggestions.first() {
            Some(best) => format!("maybe {} ({} %)", best.name, best.score),
            None => "like no tenant".to_owned(),
        },
    }
}

/// What is peculiar about a computer.
pub(crate) fn flag(flag: Flag) -> &'static str {
    match flag {
        Flag::Clone => "clone: another live computer has its UUID",
        Flag::Wiped => "wiped at least once",
        Flag::BoardSwapped => "board swapped: its UUID changed, serial and installation stayed",
        Flag::Shared => "shared: used by many, nobody is primary",
        Flag::TakeoverRefused => "takeover refused: an agent of another tenant claims its identity",
    }
}

/// Whether a computer may be maintained, and why.
pub(crate) fn onboarding(computer: &Computer) -> &'static str {
    match computer.onboarding {
        Onboarding::Done => "done",
        Onboarding::Needed if computer.wipes.is_empty() => {
            "needed: it appeared after its client was first read"
        }
        Onboarding::Needed => "needed: it was wiped",
    }
}

/// Why the primary person of a computer is who he is, or why there is none. A pin that does not hold
/// is told too: nobody should have to guess why it did nothing.
pub(crate) fn primary(computer: &Computer) -> String {
    let why = match &computer.pin {
        Some(Pin::Gone { .. }) => "the person whom a human pinned is gone",
        Some(Pin::Unknown { .. }) => "a human pinned a person who is not known here (any more)",
        Some(Pin::Nobody) => return "a human decided that nobody is".to_owned(),
        Some(Pin::Person { .. }) | None => return by_logons(computer),
    };
    let record = match &computer.pin {
        Some(Pin::Unknown { record }) => format!(" ({record})"),
        _ => String::new(),
    };
    format!("{}; {why}{record}, so the logons decide", by_logons(computer))
}

fn by_logons(computer: &Computer) -> String {
    let shared = computer.flags.contains(&Flag::Shared);
    let known = computer.logons.iter().any(|logon| logon.person.is_some());
    match &computer.primary {
        Some(primary) => match primary.reason {
            PrimaryReason::Pinned => "pinned by a human".to_owned(),
            PrimaryReason::Most { times, of } => {
                format!("seen most often: {times} of the last {of} logons")
            }
        },
        None if computer.logons.is_empty() => "nobody was seen at it".to_owned(),
        None if shared => "nobody was seen often enough: it is shared".to_owned(),
        None if known => "nobody of those seen counts (guests, disabled and ignored accounts, \
                          people who are gone)"
            .to_owned(),
        None => "nobody of those seen is a person of this tenant".to_owned(),
    }
}
