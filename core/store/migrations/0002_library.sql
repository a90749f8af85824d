-- What people define (software, tasks, tags, deployments, golden cases, settings of tenants and
-- computers), and the entities that targets of deployments speak of.

create table connection_group (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index connection_group_tenant on connection_group (tenant);
create index connection_group_name on connection_group (folded);

create table connection_member (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index connection_member_tenant on connection_member (tenant);
create index connection_member_name on connection_member (folded);

create table directory_device (
    id text not null primary key,
    tenant text,
    name text not null,
    folded text not null,
    hash text not null,
    event_seq bigint not null,
    document text not null
);
create index directory_device_tenant on directory_device (tenant);
create index directory_device_name on directory_device (folded);

-- One save of definitions: all of them together, or none. Numbers have no gaps.
create table revision (
    number {number} primary key,
    at bigint not null,
    author text not null,
    note text not null
);
insert into counter (name, value) values ('revision', 0);

-- A row per definition and revision that changed it; without a document it was removed. `handle` is
-- the name that people gave it.
create table definition (
    kind text not null,
    id text not null,
    revision bigint not null references revision (number),
    handle text not null,
    document text,
    primary key (kind, id, revision)
);
create index definition_revision on definition (revision);
