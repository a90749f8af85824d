//! UUIDs that a tenant learned to be junk: they identify nobody at other tenants either.

use core_model::entity::AgentState;
use core_model::hardware::SmbiosUuid;

use super::derive::identify::identities;
use super::derive::{AgentInput, IdentificationPolicy};
use super::support::{AgentBuilder, TODAY, automate, day, estate, serial, uuid};

/// Machines of an image that carries one UUID: other serials, other installations, all online.
fn clones(number: usize) -> Vec<AgentBuilder> {
    let clone = |number: usize| {
        automate(&format!("vdi{number}")).uuid(uuid(1)).added(195).online().reading(|r| {
            r.uuid(uuid(1)).serial(serial(number)).installation(format!("9000{number}"))
        })
    };
    (0..number).map(clone).collect()
}

/// What other tenants are warned of, by the agents' keys.
fn handed_out(agents: Vec<AgentBuilder>) -> Vec<(String, Vec<SmbiosUuid>)> {
    let mut agents: Vec<AgentInput> = agents.into_iter().map(AgentBuilder::build).collect();
    agents.sort_by(|a, b| a.record.cmp(&b.record));
    let identities = identities(&agents, &[], &IdentificationPolicy::default(), day(TODAY));
    let keys = agents.iter().map(|agent| agent.record.key.clone());
    keys.zip(identities.into_iter().map(|identity| identity.uuids)).collect()
}

#[test]
fn i15_a_uuid_of_clones_is_no_identity_that_other_tenants_are_warned_of() {
    let own = SmbiosUuid::parse(&uuid(2)).unwrap();
    let shared = SmbiosUuid::parse(&uuid(1)).unwrap();
    let mut agents = clones(2);
    agents.push(automate("own").uuid(uuid(2)).online());
    let handed = handed_out(agents);
    assert_eq!(
        handed,
        [
            ("own".to_owned(), vec![own]),
            ("vdi0".to_owned(), Vec::new()),
            ("vdi1".to_owned(), Vec::new())
        ]
    );
    // One machine alone is no clone, and is protected.
    assert_eq!(handed_out(clones(1)), [("vdi0".to_owned(), vec![shared])]);
}

#[test]
fn i15_clones_are_not_refused_because_another_tenant_had_the_images_uuid_first() {
    let outcome = estate(clones(3)).elsewhere(&uuid(1), None, 10, Some(TODAY)).run();
    assert_eq!(outcome.computers().len(), 3, "{}", outcome.explained());
    let one = estate(clones(1)).elsewhere(&uuid(1), None, 10, Some(TODAY)).run();
    assert_eq!(one.state("vdi0"), AgentState::Refused, "a single one may be a takeover");
}
