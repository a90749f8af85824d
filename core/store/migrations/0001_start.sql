-- Everything the hub remembers.
--
-- Column types are text, bigint and integer only: they are the ones that mean the same on SQLite
-- and PostgreSQL through one driver. Times are Unix microseconds in UTC. Ids of streams and all
-- sequence numbers come from `counter`, so that they have no gaps and follow the order of commits.
-- `{number}` is the type of a number that rows are found by: on SQLite only an `integer` is the row's
-- own place, and any other type costs a second tree.

create table counter (
    name text not null primary key,
    value bigint not null
);
insert into counter (name, value) values ('stream', 0), ('change', 0), ('event', 0), ('decision', 0);

-- How far each reader of the changes, observations and events has come.
create table cursor (
    name text not null primary key,
    seq bigint not null
);

-- One kind of listing of one connection, with the round under way and the mark to go on from.
-- `live` is kept by the same transactions that write records, so that nobody has to count them.
create table stream (
    id {number} primary key,
    connection text not null,
    connector text not null,
    stream text not null,
    scope text not null,
    scope_name text not null,
    sweep bigint not null,
    round_mode text,
    round_checkpoint text,
    round_gone bigint not null,
    settled text,
    fingerprint text not null,
    first_full bigint,
    last_full bigint,
    last_complete bigint,
    live bigint not null,
    unique (connection, stream, scope)
);

-- A record's place is the number of its last change: what changed is read, and written, in one piece.
-- The long columns come last: reading the others then does not walk through them. That its stream is
-- there is not checked with every row: streams are never removed.
create table source_record (
    change_seq {number} primary key,
    stream_id bigint not null,
    kind text not null,
    key text not null,
    client text,
    hash text not null,
    first_seen bigint not null,
    changed_at bigint not null,
    gone_since bigint,
    facts text not null,
    history text not null,
    payload text not null,
    unique (stream_id, kind, key)
);
create index source_record_client on source_record (client, kind, stream_id);

-- Which UUIDs the agents of each tenant have: how one tenant learns that another has a machine with
-- the same identity, without seeing anything else of it.
create table identity (
    uuid text not null,
    agent text not null,
    tenant text not null,
    since bigint not null,
    last_seen bigint,
    serials text not null,
    primary key (uuid, agent)
);
create index identity_tenant on identity (tenant);

create table presence (
    stream_id bigint not null references stream (id),
    kind text not null,
    key text not null,
    online integer,
    last_seen bigint,
    primary key (stream_id, kind, key)
);

create table logon (
    seq {number} primary key,
    stream_id bigint not null references stream (id),
    kind text not null,
    key text not null,
    account text not null,
    source text not null,
    at bigint not null
);
create index logon_agent on logon (stream_id, kind, key, seq);

create table reading (
    seq {number} primary key,
    stream_id bigint not null references stream (id),
    kind text not null,
    key text not null,
    at bigint not null,
    last_at bigint not null,
    body text not null
);
create index reading_agent on reading (stream_id, kind, key, seq);

-- What a full round has seen so far: a row per page, the digests of its keys as base64.
create table sweep_page (
    stream_id bigint not null references stream (id),
    page bigint not null,
    digests text not null,
    primary key (stream_id, page)
);

create table held_deletion (
    stream_id bigint not null references stream (id),
    kind text not null,
    key text not null,
    since bigint not null,
    primary key (stream_id, kind, key)
);

-- `slot` is the record's key, or the digest of its text where no key could be read.
create table quarantine (
    stream_id bigint not null references stream (id),
    slot text not null,
    path text not null,
    key text,
    reason text not null,
    raw text not null,
    run text not null,
    sweep bigint not null,
    first_at bigint not null,
    last_at bigint not null,
    primary key (stream_id, slot, path)
);

create table run (
    id text not null primary key,
    connection text not null,
    stream text not null,
    scope text not null,
    started_by text not null,
    mode text not null,
    started bigint not null,
    ended bigint,
    outcome text not null,
    counts text not null,
    error_kind text,
    error text,
    remedy text
);
create index run_started on run (started);
create index run_connection on run (connection, started);
create index run_outcome on run (outcome);

create table lease (
    name text not null primary key,
    holder text not null,
    token bigint not null,
    until_us bigint not null
);

create table decision_made (
    number {number} primary key,
    settled text not null,
    settled_by text not null,
    at bigint not null
);

-- `after` is not kept: it is the next event's `before` of the same entity, or what the entity is now;
-- nothing where the event removed it. First events say nothing about a before and are in no index:
-- most entities never have another.
create table event (
    seq {number} primary key,
    at bigint not null,
    entity text not null,
    id text not null,
    tenant text,
    removed integer not null default 0,
    cause text not null,
    before text
);
create index event_entity on event (entity, id, seq) where before is not null;

-- The unified model: a table per kind of entity, all of one shape. `folded` is the name in lower case
-- (by Unicode's rules, which SQLite does not know), cut to what an index takes; `event_seq` is the last
-- event of the entity.

create table tenant (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index tenant_tenant on tenant (tenant);
create index tenant_name on tenant (folded);

create table client (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index client_tenant on client (tenant);
create index client_name on client (folded);

create table person (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index person_tenant on person (tenant);
create index person_name on person (folded);

create table directory_group (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index directory_group_tenant on directory_group (tenant);
create index directory_group_name on directory_group (folded);

create table group_membership (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index group_membership_tenant on group_membership (tenant);
create index group_membership_name on group_membership (folded);

create table computer (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index computer_tenant on computer (tenant);
create index computer_name on computer (folded);

create table agent (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index agent_tenant on agent (tenant);
create index agent_name on agent (folded);

create table agreement (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index agreement_tenant on agreement (tenant);
create index agreement_name on agreement (folded);

create table agreement_line (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index agreement_line_tenant on agreement_line (tenant);
create index agreement_line_name on agreement_line (folded);

create table product (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index product_tenant on product (tenant);
create index product_name on product (folded);

create table decision (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index decision_tenant on decision (tenant);
create index decision_name on decision (folded);
