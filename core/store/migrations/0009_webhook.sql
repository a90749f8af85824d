-- Where the hub itself tells of what happens: how each endpoint fares. `spec` is a digest of its address:
-- under another one, nothing of this counts. How far each has come is in `cursor`.
create table webhook (
    name text not null primary key,
    spec text not null,
    attempts bigint not null,
    failing bigint,
    next_try bigint,
    disabled bigint,
    error text,
    delivered bigint
);

-- What was told of the needs of the hub, so that each is told once, and that it is over.
create table announced (
    endpoint text not null,
    key text not null,
    what text not null,
    at bigint not null,
    primary key (endpoint, key)
);
