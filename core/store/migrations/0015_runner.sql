-- The hub's own runners. A customer of theirs stands for the tenant that tokens were made for; it is linked by a
-- decision, as any client may be. Times are Unix microseconds, digests those of keys.
create table runner_client (
    key text not null primary key,
    name text not null,
    created bigint not null
);

-- With what machines enrol: so often, and until then.
create table runner_token (
    id text not null primary key,
    digest text not null unique,
    client text not null,
    uses bigint not null,
    used bigint not null,
    expires bigint not null,
    created bigint not null,
    created_by text not null,
    revoked bigint
);

-- `evidence` is what the machine said of itself (JSON), `token` the id of the one that it enrolled with.
create table runner (
    id text not null primary key,
    digest text not null unique,
    client text not null,
    token text not null,
    evidence text not null,
    enrolled bigint not null,
    heard bigint not null,
    removed bigint,
    removed_by text
);

-- What runners are to run. `document` is what is signed with its signature (JSON), `text` what runs, `input` what its
-- standard input is given, sealed under the key `key_id`: both are gone with the end. `state` is queued, handed
-- (sent, and nothing heard), running or over; `outcome` is what came of it (JSON), `length` the bytes of its output.
create table runner_command (
    run text not null primary key,
    runner text not null,
    state text not null,
    document text not null,
    text text not null,
    input text,
    key_id text,
    queued bigint not null,
    not_after bigint not null,
    outcome text,
    length bigint not null,
    output_limit bigint not null,
    ended bigint
);
create index runner_command_runner on runner_command (runner, state, queued);
create index runner_command_queued on runner_command (queued);

create table runner_output (
    run text not null,
    at bigint not null,
    data text not null,
    primary key (run, at)
);
