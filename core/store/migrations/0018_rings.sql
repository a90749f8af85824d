-- Stops: nothing more is changed of what they name. `key` is an id, or the name of a schedule; empty where it is
-- everything. `version` is that of a deployment that a ring halted.
create table stop (
    kind text not null,
    key text not null,
    name text not null,
    who text not null,
    reason text not null,
    at bigint not null,
    version text,
    primary key (kind, key)
);

-- Where deployments with rings stand; `document` is JSON.
create table rollout (
    deployment text not null primary key,
    version text not null,
    document text not null,
    changed bigint not null
);

-- The winners of a tenant that were seen last and are acted on; `document` is JSON. `number` ascends with every
-- change of it.
create table accepted_winner (
    tenant text not null primary key,
    number bigint not null,
    document text not null,
    changed bigint not null
);

-- Which version of the deployment an action was about. `drift` says in a word why what had been compliant was not
-- any more, `drift_why` in words. `cause` is the message without what differs from computer to computer.
alter table session_action add column version text;
alter table session_action add column drift text;
alter table session_action add column drift_why text;
alter table session_action add column cause text;
create index session_action_version on session_action (deployment, version) where version is not null;
