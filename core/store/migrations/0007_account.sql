-- People who sign in, what they did, and what the hub keeps for itself and must not show.
-- A password is its Argon2id hash; `tenants` is a list of ids as JSON, and null is all of them. Rows
-- stay when an account is switched off, so that a name in the audit log has one meaning.
create table account (
    name text not null primary key,
    shown text not null,
    -- Who vouches for it, and as whom: an OpenID Connect provider and its subject.
    issuer text,
    subject text,
    password text,
    role text not null,
    tenants text,
    created bigint not null,
    created_by text not null,
    last_sign_in bigint,
    disabled bigint,
    disabled_by text,
    unique (issuer, subject)
);

-- Who is signed in. `digest` is the SHA-256 of the cookie, which is nowhere itself. A session of a
-- framed page has the session that it came from as its parent, and ends with it.
create table sign_in_session (
    digest text not null primary key,
    account text not null references account (name),
    parent text,
    address text not null,
    created bigint not null,
    last_seen bigint not null,
    expires bigint not null,
    ended bigint,
    ended_by text
);
create index sign_in_session_account on sign_in_session (account);
create index sign_in_session_parent on sign_in_session (parent);

-- Codes by which a framed page takes over a sign-in, once. `digest` as above.
create table handover (
    digest text not null primary key,
    session text not null,
    expires bigint not null,
    used bigint
);

-- Every change by somebody, and every sign-in that was tried.
create table audit (
    number {number} primary key,
    at bigint not null,
    actor text not null,
    means text not null,
    address text not null,
    action text not null,
    subject text not null,
    outcome text not null,
    detail text not null
);
create index audit_subject on audit (action, subject, at);
create index audit_address on audit (action, address, at);
create index audit_actor on audit (actor, number);
insert into counter (name, value) values ('audit', 0);

-- Answers to requests that name a key, so that a repeated one does nothing twice.
create table repeatable (
    caller text not null,
    key text not null,
    digest text not null,
    at bigint not null,
    status bigint,
    body text,
    primary key (caller, key)
);

-- What the hub must keep and must not show: sealed with the key of that id.
create table secret (
    name text not null primary key,
    key_id text not null,
    sealed text not null,
    changed bigint not null
);
