-- Tokens of the API. A token itself is nowhere: `digest` is the SHA-256 of it. `tenants` is a list of
-- ids as JSON; null is all tenants. Rows stay when a token ends, so that a name in a log has one meaning.
create table api_token (
    name text not null primary key,
    digest text not null unique,
    role text not null,
    tenants text,
    created bigint not null,
    created_by text not null,
    expires bigint,
    last_used bigint,
    revoked bigint,
    revoked_by text
);
