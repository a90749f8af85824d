-- What is known of tickets that somebody opened or that a PSA told of, what PSAs and others sent to the
-- hub, and sessions: that a subject be brought where a deployment says.

-- `assets` and `computers` are JSON: keys of the PSA; ids with the reason why each is shown. `note` is the
-- digest of what the hub wrote on it.
create table ticket (
    connection text not null,
    key text not null,
    summary text not null,
    client text,
    contact text,
    assets text not null,
    closed integer not null,
    tenant text,
    person text,
    computers text not null,
    read_at bigint not null,
    note text,
    primary key (connection, key)
);

-- What was sent, stored before it was acknowledged. `id` is the sender's, so that what comes twice is
-- there once. `next_try` is null where nothing is left to do. `seq` is the order of arrival.
create table delivery (
    seq {number} primary key,
    connection text not null,
    id text not null,
    received bigint not null,
    body text not null,
    attempts bigint not null,
    next_try bigint,
    error text,
    settled bigint,
    unique (connection, id)
);
create index delivery_waiting on delivery (next_try) where next_try is not null;
create index delivery_settled on delivery (settled) where settled is not null;
insert into counter (name, value) values ('delivery', 0), ('session', 0);

-- `change_seq` ascends with every change of any session. One that is not over has its subject and
-- deployment in `active`, of which there is one each.
create table session (
    id text not null primary key,
    change_seq bigint not null,
    tenant text not null,
    subject text not null,
    deployment text not null,
    state text not null,
    connection text,
    ticket text,
    active text unique,
    asked bigint not null,
    document text not null
);
create index session_change on session (change_seq);
create index session_ticket on session (connection, ticket) where ticket is not null;
create index session_state on session (state, change_seq);
create index session_tenant on session (tenant, change_seq);
